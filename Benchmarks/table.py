"""The rows of a run: what was measured, what it is judged by (thresholds.json), and the one table at the end."""

import json
import os
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
# Header, width and how a figure is written.
COLUMNS = [("req/s", 9, "{:,.0f}"), ("p99 ms", 8, "{:.2f}"), ("CPU µs", 7, "{:.1f}"), ("load µs", 7, "{:.1f}"),
           ("sync µs", 8, "{:,.0f}")]
LABEL_WIDTH, PEER_WIDTH = 58, 30


@dataclass
class Row:
    label: str
    rate: float = None
    p99: float = None
    cpu: float = None
    load_cpu: float = None
    sync: float = None
    peer: str = ""
    peer_rate: float = None
    peer_cpu: float = None
    # The figure that is judged, and the name of its threshold; a unit of its own where there is none.
    figure: float = None
    threshold: str = None
    unit: str = ""
    # Why it is not judged, or what a reader should know.
    note: str = ""
    # Past its threshold for a reason that the note gives.
    is_excused: bool = False


class Table:
    def __init__(self):
        with open(os.path.join(HERE, "thresholds.json")) as file:
            self.thresholds = json.load(file)
        self.rows = []

    def add(self, label, rounds=None, **figures):
        """`rounds`: those of load.py; their medians fill the columns that are not given."""
        if rounds:
            from load import median
            figures = {"rate": median(rounds, "rate"), "p99": median(rounds, "p99"), "cpu": median(rounds, "cpu"),
                       "load_cpu": median(rounds, "load_cpu"), **figures}
        row = Row(label, **figures)
        self.rows.append(row)
        return row

    def is_met(self, row):
        """None where nothing is asked."""
        asked = self.thresholds.get(row.threshold)
        if asked is None or row.figure is None:
            return None
        if "at_least" in asked:
            return row.figure >= asked["at_least"]
        return row.figure <= asked["at_most"] if "at_most" in asked else row.figure == asked["exactly"]

    @property
    def missed(self):
        return [row for row in self.rows if self.is_met(row) is False and not row.is_excused]

    def cells(self, row):
        def cell(value, form):
            return "" if value is None or value != value else form.format(value)

        asked = self.thresholds.get(row.threshold)
        unit = asked["unit"] if asked else row.unit
        # The figure is written as finely as is needed to tell it from its aim.
        form = "{:.2f}" if row.figure is None or abs(row.figure) < 10 else "{:,.1f}" if abs(row.figure) < 1_000 else "{:,.0f}"
        if row.figure is not None and row.figure == int(row.figure):
            form = "{:,.0f}"
        aim = ""
        if asked:
            sign, bound = next((sign, asked[name]) for name, sign in
                               (("at_least", "≥ "), ("at_most", "≤ "), ("exactly", "")) if name in asked)
            aim = f"{sign}{bound:g}"
        figures = [cell(value, column[2]) for value, column in
                   zip((row.rate, row.p99, row.cpu, row.load_cpu, row.sync), COLUMNS)]
        judged = cell(row.figure, form) + (f" {unit}" if row.figure is not None and unit else "")
        met = {None: "", True: "yes", False: "see" if row.is_excused else "NO"}[self.is_met(row)]
        return [row.label, *figures, row.peer, cell(row.peer_rate, "{:,.0f}"), cell(row.peer_cpu, "{:.1f}"), judged, aim, met]

    @staticmethod
    def headers():
        return ["", *[column[0] for column in COLUMNS], "beside", "req/s", "CPU µs", "figure", "aim", "met"]

    def print(self):
        widths = [LABEL_WIDTH, *[column[1] for column in COLUMNS], PEER_WIDTH, 9, 7, 14, 7, 4]
        left = {0, 6}

        def line(cells):
            return " ".join(text.ljust(width) if index in left else text.rjust(width)
                            for index, (text, width) in enumerate(zip(cells, widths))).rstrip()

        print(line(self.headers()))
        notes = []
        for row in self.rows:
            cells = self.cells(row)
            if row.note:
                if row.note not in notes:
                    notes.append(row.note)
                cells[0] += f" [{notes.index(row.note) + 1}]"
            print(line(cells))
        for index, note in enumerate(notes):
            print(f"[{index + 1}] {note}")

    def markdown(self):
        """The same rows for RESULTS.md."""
        lines = [self.headers(), ["---"] * 12, *[self.cells(row) for row in self.rows]]
        return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
