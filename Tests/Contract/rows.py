#!/usr/bin/env python3
"""The rows of docs/contract.md and the tests that name them. A test names a row where the row's id stands as a word in
its title: the text of a Swift `@Test("W4 …")`, of a script's `checks("W4 …")`, of a browser's `journey("U4 …")`. Ids in
comments and data do not count.

`--write` writes docs/rows.md. Without it the script fails where that table is stale, where a row that is built, or built
in part, is named by no test or broken by no mutant (Tests/Mutants), where a mutant's snippet has gone from the sources,
and where a test names a row that does not exist. It fails as well where a page of the architecture names a file of the
sources that is not there, or counts the files of a walk otherwise than it lists them, where ARCHITECTURE.md lacks a
folder of the sources or docs/internals/threads.md a thread, and where docs/cluster.md or
docs/internals/kinds-of-fault.md names a test that is not there."""

import argparse
import ast
import collections
import glob
import os
import re
import sys

from support import ROOT, Checks

sys.path.insert(0, os.path.join(ROOT, "Tests", "Mutants"))
from table import faults, mutants

PAGE = os.path.join(ROOT, "docs", "contract.md")
TABLE = os.path.join(ROOT, "docs", "rows.md")
TESTS = os.path.join(ROOT, "Tests")

NOT_BUILT = "*(not built yet)*"
IN_PART = "Not built yet:"
HEADING = re.compile(r"### ([A-Z]\d{1,2}) (.+)")
SWIFT_TEST = re.compile(r'@Test\(\s*"((?:[^"\\]|\\.)*)"')

# Rows whose built part no test names yet. A row leaves this list when a test names it: the script says so.
UNNAMED = set()
# Rows whose built part no mutant breaks yet; likewise.
UNBROKEN = set()

# Failure cases of a cluster: row N6's.
CASES = 28

# Pages that name files and folders of the sources, in backticks.
MAPS = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/internals/*.md"]
NAMED_PATH = re.compile(r"`([\w.+-]+(?:/[\w.+-]+)*/?)`")
# A letter that stands for any name, or digits for any number.
PATTERN = re.compile(r"(?:^|[/+])X|N{4}")
# How the sources start a thread that has a name; what is filled in is a number.
THREADS = re.compile(
    r'\bstartThread\("([^"]+)"|\bBackgroundPool\(\s*name: ("[^"]+)"|\bbegin\("([^"]+)"\)'
    r'|\b[tT]hread(?:\.current)?\.name = "([^"]+)"|\bthread(?: \w+: String =|:) "([^"]+)"'
    r'|\bLoopThread\(.*?name: "([^"]+)"')
WALK = re.compile(r"^\*\*.+?\*\*, `[^`]+`: (\d+) files.*?\n(.+?)\n(?:\n|\Z)", re.M | re.S)

Row = collections.namedtuple("Row", "id summary state")


def order(row):
    """P2 before P10."""
    return row[0], int(row[1:])


def rows():
    """Every row of the contract, in the order of their ids."""
    found, row = [], None
    with open(PAGE, encoding="utf-8") as file:
        for number, line in enumerate(file.read().split("\n"), 1):
            heading = HEADING.fullmatch(line)
            if heading:
                title = heading.group(2)
                is_built = not title.startswith(NOT_BUILT)
                summary = title.removeprefix(NOT_BUILT).removesuffix("◇").strip()
                row = [heading.group(1), summary, "built" if is_built else "not built"]
                found.append(row)
                assert "built" not in summary, f"line {number}: the mark is spelled {NOT_BUILT}"
            elif line.startswith("#"):
                row = None
                assert not re.match(r"### [A-Z]\d", line), f"line {number}: a row needs an id and a title"
            elif line == IN_PART and row:
                row[2] = "in part"
    assert found, f"no rows in {PAGE}"
    ids = [row[0] for row in found]
    assert len(ids) == len(set(ids)), f"a row stands twice: {sorted(i for i in ids if ids.count(i) > 1)}"
    return sorted((Row(*row) for row in found), key=lambda row: order(row.id))


def titles():
    """Path below Tests and title of every test."""
    for path in glob.glob(os.path.join(TESTS, "**", "*.swift"), recursive=True):
        with open(path, encoding="utf-8") as file:
            for title in SWIFT_TEST.findall(file.read()):
                yield os.path.relpath(path, TESTS), title
    for path in glob.glob(os.path.join(TESTS, "Contract", "*.py")) + glob.glob(os.path.join(TESTS, "Browser", "*.py")):
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read(), path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and called(node.func) in ("checks", "journey"):
                yield os.path.relpath(path, TESTS), text(node.args[0])


def called(function):
    """The last name of what is called: `checks`, or `self.checks`."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)


def text(node):
    """The literal parts of a string; what is filled in is left out."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(text(value) if isinstance(value, ast.Constant) else "…" for value in node.values)
    return ""


def named():
    """Every id that stands in a title → the files of those tests."""
    letters = "".join(sorted({row.id[0] for row in rows()}))
    word = re.compile(rf"\b[{letters}]\d{{1,2}}\b")
    found = collections.defaultdict(set)
    for path, title in titles():
        for row in word.findall(title):
            found[row].add(path)
    return found


def table(all_rows, files, broken):
    lines = [
        "# Rows and their tests", "",
        "`python3 Tests/Contract/rows.py --write` makes this table from [contract.md](contract.md) and the titles of the "
        "tests.",
        "A test fails where it is stale. Files are below `Tests/`. Mutants are breaks of the row that its tests must find",
        "(`Tests/Mutants/run.py`).", "",
        "| row | what | state | mutants | tests that name it |", "|---|---|---|---|---|",
    ]
    for row in all_rows:
        places = ", ".join(f"`{path}`" for path in sorted(files.get(row.id, ()))) or "–"
        names = ", ".join(f"`{name}`" for name in broken.get(row.id, ())) or "–"
        lines.append(f"| {row.id} | {row.summary} | {row.state} | {names} | {places} |")
    return "\n".join(lines) + "\n"


def is_source(name, folders):
    """Whether a name in backticks is to be a file or folder of the sources: it begins with a folder of theirs, or with
    what could be one, or ends as their files do."""
    first, *more = name.rstrip("/").split("/")
    if PATTERN.search(name):
        return False
    if not more:
        return name.endswith((".swift", ".py", ".js", ".css", ".c", ".h")) or name.endswith("/") and first[0].isupper()
    return first in folders or re.fullmatch(r"[A-Z]+[a-z]\w*", first) is not None


def astray():
    """What the pages of the architecture say of the sources that is not so."""
    parts = ("Sources", "Tests", "Benchmarks", "clients", "deploy", "docs")
    paths = {f"/{os.path.relpath(path, ROOT)}" for part in parts
             for path in glob.glob(os.path.join(ROOT, part, "**"), recursive=True)}
    ends = {path[place:] for path in paths for place, letter in enumerate(path) if letter == "/"}
    folders = {path.split("/")[-2] for path in paths if path.count("/") > 1} | {"Sources", "Tests"}

    def is_there(name):
        return any(f"/{name.rstrip('/')}{end}" in ends for end in ("", ".swift"))

    for pattern in MAPS:
        for page in sorted(glob.glob(os.path.join(ROOT, pattern))):
            with open(page, encoding="utf-8") as file:
                content = re.sub(r"```.*?```", "", file.read(), flags=re.S)
            for name in sorted(set(NAMED_PATH.findall(content))):
                if is_source(name, folders) and not is_there(name):
                    yield f"{os.path.relpath(page, ROOT)}: {name} is not there"
            for count, walk in WALK.findall(content):
                names = [name for name in NAMED_PATH.findall(re.sub(r"\([^)]*\)", "", walk)) if not name.endswith("/")]
                yield from (f"{name} of a walk is not there" for name in names if not is_there(name))
                if len(set(names)) != int(count):
                    yield f"a walk of {count} files lists {len(set(names))}: {', '.join(names)}"


def page_of(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def swift_files():
    """Path below Sources and text of every Swift file."""
    sources = os.path.join(ROOT, "Sources")
    for path in glob.glob(os.path.join(sources, "**", "*.swift"), recursive=True):
        yield os.path.relpath(path, sources), page_of(path)


def rooms(content, folders):
    """What is wrong with ARCHITECTURE.md's targets and rooms: a folder that is not named there, a room that is not."""
    targets = set(re.findall(r"`(\w+)`", content.split("## Targets")[1].split("## Rooms")[0]))
    shown, top = set(), None
    for line in content.split("## Rooms")[1].split("```")[1].splitlines():
        if line[:1].isalpha():
            top = line.split("/ ")[0].rstrip("/")
        else:
            shown |= {f"{top}/{name}" for name in re.findall(r"\b([A-Z]\w*)/", line)}
    yield from (f"Sources/{folder} is not named" for folder in sorted(folders - shown - targets))
    yield from (f"Sources/{room} has no Swift file" for room in sorted(shown - folders))


def threads(content, sources):
    """What is wrong with docs/internals/threads.md: a thread that is started and not named there, or the other way."""
    started = set()
    for source in sources:
        for groups in THREADS.findall(source):
            name = next(group for group in groups if group)
            # A pool numbers its threads; its quote is kept to tell it from others.
            name = f"{name[1:]}-N" if name.startswith('"') else re.sub(r"\\\([^)]*\)", "N", name)
            started.add(name)
    # The pool's own call: its name is given where the pool is made.
    started -= {"N-N"}
    shown = set(re.findall(r"^\| `([^`]+)` \|", content, re.M))
    yield from (f"the thread {name} is not named" for name in sorted(started - shown))
    yield from (f"the thread {name} is started nowhere" for name in sorted(shown - started))


def cited(tests, all_titles):
    """Of each file that a cell of a table names: its name, its titles, the words of titles that stand behind it up to
    the next file's name, and that text."""
    for name, rest in re.findall(r"`([\w./]+)`([^`]*)", tests):
        file = name if name.endswith(".py") else name + ".swift"
        its = [title for path, title in all_titles if f"/{path}".endswith(f"/{file}")]
        yield name, its, re.findall(r'"([^"]+)"', rest), rest


def unsaid(what, name, its, words):
    """What is wrong with the citing of a file: it has no test, or no title of it has the words."""
    if not its:
        yield f"{what}: no test is in {name}"
    for word in words:
        if not any(re.search(rf"{re.escape(word)}(?!\d)", title) for title in its):
            yield f"{what}: no title in {name} says “{word}”"


def kinds_of_fault(content, all_titles):
    """What is wrong with docs/internals/kinds-of-fault.md: a kind that no test holds, a file without a test or words
    behind it, words that no title of it has."""
    kinds = [row for row in re.findall(r"^\| (.+?) \| (.+) \|$", content, re.M) if row != ("kind", "tests")]
    for kind, tests in kinds:
        found = list(cited(tests, all_titles))
        if not found or not all(words for _, _, words, _ in found):
            yield f"{kind}: names no test, or a file without one"
        for name, its, words, _ in found:
            yield from unsaid(kind, name, its, words)
    if not kinds or len(kinds) != len({kind for kind, _ in kinds}):
        yield "the page has no kind, or one of them twice"


def failure_cases(content, all_titles):
    """What is wrong with docs/cluster.md's table of cases and tests: a file that is not there, a title that none of its
    tests has, a case without a row."""
    shown = set()
    for cases, tests in re.findall(r"^\| ([\d, ]+) \| (.+) \|$", content, re.M):
        numbers = [int(number) for number in cases.split(",")]
        shown |= set(numbers)
        for name, its, words, rest in cited(tests, all_titles):
            words += [f"case {number}" for number in numbers if "by the case's number" in rest]
            yield from unsaid(f"case {cases}", name, its, words)
    yield from (f"case {case} has no row" for case in range(1, CASES + 1) if case not in shown)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="write docs/rows.md anew")
    # ./test gives these to every script; no gateway is needed here.
    parser.add_argument("--tollgate", help=argparse.SUPPRESS)
    parser.add_argument("--long", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    checks = Checks()
    all_rows, files = rows(), named()
    all_mutants = mutants()
    broken = collections.defaultdict(list)
    for mutant in all_mutants:
        broken[mutant.row].append(mutant.name)
    wanted = table(all_rows, files, broken)
    if options.write:
        with open(TABLE, "w", encoding="utf-8") as file:
            file.write(wanted)
    with checks("docs/rows.md is what --write would write"):
        with open(TABLE, encoding="utf-8") as file:
            assert file.read() == wanted, "stale: python3 Tests/Contract/rows.py --write"
    known = {row.id: row for row in all_rows}
    with checks("tests were found in Swift and in Python"):
        found = {os.path.splitext(path)[1] for paths in files.values() for path in paths}
        assert found == {".swift", ".py"}, found
    with checks("every row that is built, in part too, is named by a test"):
        missing = [row.id for row in all_rows if row.state != "not built" and not files.get(row.id)]
        missing = [row for row in missing if row not in UNNAMED]
        assert not missing, f"no test names {', '.join(missing)}"
    with checks("the list of rows without a test has none that a test names, and none that is not built"):
        settled = [row for row in sorted(UNNAMED)
                   if files.get(row) or row not in known or known[row].state == "not built"]
        assert not settled, f"take out of UNNAMED: {', '.join(settled)}"
    with checks("every row that is built, in part too, is broken by a mutant, and none that does not exist is"):
        is_built = {row.id for row in all_rows if row.state != "not built"}
        missing = sorted(is_built - broken.keys() - UNBROKEN, key=order)
        assert not missing, f"no mutant breaks {', '.join(missing)}"
        assert not broken.keys() - known.keys(), f"not in the contract: {broken.keys() - known.keys()}"
        settled = UNBROKEN & broken.keys() | UNBROKEN - is_built
        assert not settled, f"take out of UNBROKEN: {settled}"
    with checks("every mutant finds its snippet once in the sources, and its row among the titles of its tests"):
        wrong = faults(all_mutants, list(titles()))
        assert not wrong, "\n".join(wrong)
    with checks("every file of the sources that the pages of the architecture name is there; walks are counted right"):
        wrong = list(astray())
        assert not wrong, "\n".join(wrong)
    with checks("every folder of the sources is named by ARCHITECTURE.md, and every thread by threads.md"):
        sources = dict(swift_files())
        wrong = list(rooms(page_of("ARCHITECTURE.md"), {os.path.dirname(path) for path in sources}))
        wrong += threads(page_of("docs", "internals", "threads.md"), sources.values())
        assert not wrong, "\n".join(wrong)
    with checks("every failure case of a cluster (N6) is shown by tests that are there, by their titles"):
        wrong = list(failure_cases(page_of("docs", "cluster.md"), list(titles())))
        assert not wrong, "\n".join(wrong)
    with checks("every kind of fault that was found is held by tests that are there, by their titles"):
        wrong = list(kinds_of_fault(page_of("docs", "internals", "kinds-of-fault.md"), list(titles())))
        assert not wrong, "\n".join(wrong)
    with checks("every row that a test names is in the contract"):
        unknown = {row: sorted(paths) for row, paths in files.items() if row not in known}
        assert not unknown, unknown
    checks.finish()


if __name__ == "__main__":
    sys.exit(main())
