"""What /metrics says, read as Prometheus reads it."""

import re

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|NaN|[+-]Inf)')
OTHER_UNITS = {"milliseconds", "microseconds", "nanoseconds", "ms", "us", "ns", "minutes", "hours", "days", "kib", "mib",
               "gib", "kilobytes", "megabytes", "percent"}
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\.)*)"(?:,|$)')


class Metrics:
    """A page in Prometheus' text format 0.0.4, read strictly: every sample belongs to the family whose HELP and TYPE stand
    right above, no family and no series comes twice, histograms are cumulative."""

    def __init__(self, text):
        self.types = {}
        self.series = {}
        assert text.endswith("\n"), "the last line has no end"
        family, helped = None, None
        for line in text.splitlines():
            if line.startswith("# HELP "):
                helped, words = line[len("# HELP "):].split(" ", 1)
                assert words.strip(), line
            elif line.startswith("# TYPE "):
                family, kind = line[len("# TYPE "):].split(" ")
                assert family == helped and family not in self.types, line
                assert kind in ("counter", "gauge", "histogram"), line
                assert kind != "counter" or family.endswith("_total"), line
                # G7: time is in seconds, room in bytes.
                assert not set(family.split("_")) & OTHER_UNITS, line
                self.types[family] = kind
            else:
                self.sample(line, family)
        for family, kind in self.types.items():
            if kind == "histogram":
                self.check_histogram(family)

    def sample(self, line, family):
        match = SAMPLE.fullmatch(line)
        assert match and family, line
        name, labels, value = match.groups()
        endings = ("_bucket", "_sum", "_count") if self.types[family] == "histogram" else ("",)
        assert name in [family + ending for ending in endings], (family, line)
        pairs = LABEL.findall(labels or "")
        assert "".join(f'{label}="{text}",' for label, text in pairs).rstrip(",") == (labels or ""), line
        key = (name, tuple(sorted(pairs)))
        assert key not in self.series, ("twice", line)
        self.series[key] = float(value)

    def check_histogram(self, family):
        buckets = [(dict(pairs)["le"], value) for (name, pairs), value in self.series.items() if name == family + "_bucket"]
        bounds = [float(bound) for bound, _ in buckets]
        counts = [value for _, value in buckets]
        assert bounds == sorted(bounds) and counts == sorted(counts) and bounds[-1] == float("inf"), family
        assert self[family + "_count"] == counts[-1] and (family + "_sum", ()) in self.series, family

    def __getitem__(self, name):
        return self.get(name)

    def get(self, name, **labels):
        return self.series[(name, tuple(sorted(labels.items())))]

    def sum(self, name):
        return sum(value for (other, _), value in self.series.items() if other == name)
