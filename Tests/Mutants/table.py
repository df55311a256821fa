"""What a mutant is, all of them, and what must be so of them without a build.

A mutant is a small break of one thing that a row promises. `find` stands once in its file, and `replace` stands in its
place; `MUTANT` in it is true where this mutant is chosen, and false otherwise: the program is then what it was. A file
that is not compiled has no `MUTANT`: it is changed in a copy. `killer`: a file below Tests, whose tests that name the
row must fail; `title`: those alone whose title has these words."""

import dataclasses
import importlib
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TESTS = os.path.join(ROOT, "Tests")
TABLES = [
    "provider", "copies", "operator", "people", "wholesale", "renewals", "orders", "dialects", "gate", "endpoints",
    "outside", "desk", "portal", "signin", "flow", "browser", "log", "lane", "following", "past",
    "cluster", "forwarding"]
GUARD = "MUTANT"
SWIFT_TEST = re.compile(r'@Test\(\s*"((?:[^"\\]|\\.)*)"')
SWIFT_FUNCTION = re.compile(r"\bfunc\s+(\w+)")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """`row`-`name` is its id; `breaks` says what is broken."""

    row: str
    name: str
    breaks: str
    file: str
    find: str
    replace: str
    killer: str
    title: str = ""
    # A run that does not end in time is a kill only here.
    may_hang: bool = False

    @property
    def id(self):
        return f"{self.row}-{self.name}"

    @property
    def is_compiled(self):
        return self.file.startswith("Sources/")

    @property
    def is_script(self):
        return self.killer.startswith("Contract/")

    def names(self, title):
        """Whether a test's title is one that this mutant must turn red."""
        return bool(re.search(rf"\b{self.row}\b", title)) and self.title in title

    def applied(self, text):
        replacement = self.replace.replace(GUARD, f'isMutant("{self.id}")') if self.is_compiled else self.replace
        return text.replace(self.find, replacement)

    def swift_functions(self):
        """The functions of its killer that hold those tests."""
        text = read(os.path.join(TESTS, self.killer))
        found = []
        for match in SWIFT_TEST.finditer(text):
            if self.names(match.group(1)):
                found.append(SWIFT_FUNCTION.search(text, match.end()).group(1))
        return found


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def mutants():
    """All of them, in the order of the tables."""
    sys.path.insert(0, HERE)
    try:
        tables = [importlib.import_module(f"mutants_{name}") for name in TABLES]
    finally:
        sys.path.remove(HERE)
    return [mutant for table in tables for mutant in table.MUTANTS]


def faults(all_mutants, titles):
    """What is wrong with the tables; `titles`: path below Tests and title of every test."""
    found = []
    ids = [mutant.id for mutant in all_mutants]
    found += [f"{name} stands twice" for name in sorted(set(ids)) if ids.count(name) > 1]
    by_path = {}
    for path, title in titles:
        by_path.setdefault(path, []).append(title)
    spans = {}
    for mutant in all_mutants:
        path = os.path.join(ROOT, mutant.file)
        text = read(path) if os.path.isfile(path) else ""
        if text.count(mutant.find) != 1:
            found.append(f"{mutant.id}: its snippet stands {text.count(mutant.find)} times in {mutant.file}")
        else:
            start = text.index(mutant.find)
            spans.setdefault(mutant.file, []).append((start, start + len(mutant.find), mutant.id))
        if (GUARD in mutant.replace) != mutant.is_compiled:
            found.append(f"{mutant.id}: {GUARD} stands in what is compiled, and nowhere else")
        if not any(mutant.names(title) for title in by_path.get(mutant.killer, [])):
            found.append(f"{mutant.id}: no test of {mutant.killer} with “{mutant.title}” names {mutant.row}")
    for file, places in spans.items():
        places.sort()
        for (_, end, first), (start, _, second) in zip(places, places[1:]):
            if start < end:
                found.append(f"{first} and {second} change the same text of {file}")
    return found
