#!/usr/bin/env python3
"""Breaks each row a little, and sees that a test which names the row fails.

    Tests/Mutants/run.py [--only ID]… [--row ROW]… [--list] [--jobs N]

All mutants are built into one program, in a copy of the sources that stays in .build/mutants: each is a choice that the
environment variable TOLLGATE_MUTANT makes at run time. First the tests run without a mutant, and must pass; then once
for each mutant, until a test that names its row has failed. The last line is `N passed, N failed`; a mutant that
survives has failed."""

import argparse
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import table
from table import ROOT

FOLDER = os.path.join(ROOT, ".build", "mutants")
VARIABLE = "TOLLGATE_MUTANT"
# A run may take so many times what the same tests took without a mutant, and so many seconds more.
TIMES_MAX, SECONDS_MORE_MAX = 3, 60
SOUND_SECONDS_MAX = 1200
BUILD_SECONDS_MAX = 3600
ENDING_SECONDS_MAX = 60
LOG_LINES_SHOWN = 15
LOG_LINES_SOUND = 40
CHOICE = """\
import Glibc

private let chosen = getenv("TOLLGATE_MUTANT").map { String(cString: $0) }

/// Whether this mutant was asked for when the program was started.
func isMutant(_ id: String) -> Bool {
    chosen == id
}
"""
# One folder each; the pages' are a surface each.
TARGET = re.compile(r"Sources/(?:Pages/)?[^/]+(?=/.*\.swift$)")
CHECK = re.compile(r"(ok|not ok) - (.*?)(?: # [0-9.]+ s)?$")
LAST_LINE = re.compile(r"\d+ passed, \d+ failed")
COLOUR = re.compile("\x1b\\[[0-9;]*m")
# `Test "…" recorded an issue`, or `Test case passing 1 argument … to "…" recorded an issue`.
SWIFT_FAILURE = re.compile(r'.*?(?:Test| to) "(.*?)"(?: with .*)? recorded an issue')
SWIFT_COUNT = re.compile(r"Test run with (\d+) tests?")


def write(path, text):
    """Leaves a file alone that has this text, so that the build finds it unchanged."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.isfile(path) or table.read(path) != text:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.split("\0") if path and os.path.isfile(os.path.join(ROOT, path))]


def copy(mutants):
    """The sources with every mutant in them, in `FOLDER`."""
    wanted = set()
    changes = {}
    for mutant in mutants:
        if mutant.is_compiled:
            changes.setdefault(mutant.file, []).append(mutant)
    for path in tracked():
        wanted.add(path)
        source, target = os.path.join(ROOT, path), os.path.join(FOLDER, path)
        if path in changes:
            text = table.read(source)
            for mutant in changes[path]:
                text = mutant.applied(text)
            write(target, text)
        elif not os.path.isfile(target) or not same(source, target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
            shutil.copymode(source, target)
    # Every target has the choice, so that a new mutant builds no more than its own file's target.
    for name in sorted({found[0] for found in map(TARGET.match, wanted) if found}):
        path = f"{name}/Mutant.swift"
        wanted.add(path)
        write(os.path.join(FOLDER, path), CHOICE)
    for place, folders, names in os.walk(FOLDER):
        folders[:] = [name for name in folders if name not in (".build", ".venv", "__pycache__")]
        for name in names:
            path = os.path.relpath(os.path.join(place, name), FOLDER)
            if path not in wanted:
                os.remove(os.path.join(FOLDER, path))
    # What the scripts need of PyPI and of Debian is there once.
    link(os.path.join(ROOT, ".venv"), os.path.join(FOLDER, ".venv"))
    link(os.path.join(ROOT, ".build", "tools"), os.path.join(FOLDER, ".build", "tools"))


def link(source, target):
    if os.path.exists(source) and not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(source, target)


def same(first, second):
    with open(first, "rb") as one, open(second, "rb") as other:
        return one.read() == other.read()


def build():
    began = time.monotonic()
    print("# building the program and its tests with every mutant in them", flush=True)
    done = subprocess.run(
        ["swift", "build", "--build-tests"], cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=BUILD_SECONDS_MAX)
    if done.returncode != 0:
        lines = list(dict.fromkeys(line for line in done.stdout.splitlines() if re.search(r": error: ", line)))
        lines = lines or done.stdout.splitlines()[-30:]
        sys.exit("\n".join(lines[:60]) + "\nThe program with the mutants does not build.")
    print(f"# built in {time.monotonic() - began:.0f} s", flush=True)


class Overlay:
    """The copy, by links, with one file changed that is not compiled."""

    def __init__(self, mutant):
        self.mutant = mutant

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="mutant-", dir=os.path.join(ROOT, ".build"))
        for name in os.listdir(FOLDER):
            source, target = os.path.join(FOLDER, name), os.path.join(self.folder, name)
            if name in (".build", ".venv"):
                os.symlink(os.path.realpath(source), target)
            elif os.path.isdir(source):
                shutil.copytree(source, target, copy_function=os.link)
            else:
                os.link(source, target)
        changed = os.path.join(self.folder, self.mutant.file)
        text = self.mutant.applied(table.read(changed))
        os.remove(changed)
        write(changed, text)
        return self.folder

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)


class Tests:
    """The tests of one killer that name the rows of some mutants: run once, as a child whose lines are read."""

    def __init__(self, mutants, folder=FOLDER, chosen=None, seconds_max=SOUND_SECONDS_MAX):
        self.mutants = mutants
        self.killer = mutants[0].killer
        self.chosen = chosen
        self.folder = folder
        self.seconds_max = seconds_max
        self.lines = []
        # The titles of its checks in the order in which they ended.
        self.titles = []
        self.failed = []
        self.is_late = False
        self.is_enough = False

    def command(self):
        path = os.path.join(self.folder, "Tests", self.killer)
        debug = os.path.join(self.folder, ".build", "debug")
        if self.mutants[0].is_script:
            return [sys.executable, "-u", path, "--tollgate", os.path.join(debug, "tollgate")]
        functions = sorted({name for mutant in self.mutants for name in mutant.swift_functions()})
        # A suite may hold another: whatever stands between target and function.
        target, _, file = self.killer.partition("/")
        pattern = rf"^{target}\.(.*/)?({'|'.join(functions)})\(.*/{re.escape(os.path.basename(file))}:"
        return [os.path.join(debug, "tollgatePackageTests.xctest"), "--testing-library", "swift-testing",
                "--filter", pattern]

    def run(self, is_seen=lambda tests: False):
        """To its end, or until `is_seen` says that it is enough."""
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "SWIFT_BACKTRACE": "enable=no"}
        if self.chosen:
            environment[VARIABLE] = self.chosen
        began = time.monotonic()
        self.process = subprocess.Popen(
            self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", env=environment)
        running.add(self)
        watch = threading.Timer(self.seconds_max, self.late)
        watch.start()
        for line in self.process.stdout:
            self.read(COLOUR.sub("", line.rstrip("\n")))
            if not self.is_enough and is_seen(self):
                self.is_enough = True
                threading.Thread(target=self.end, daemon=True).start()
        self.process.wait()
        running.discard(self)
        watch.cancel()
        self.seconds = time.monotonic() - began
        return self

    def read(self, line):
        self.lines.append(line)
        if self.mutants[0].is_script:
            match = CHECK.match(line)
            if match:
                self.titles.append(match.group(2))
                if match.group(1) == "not ok":
                    self.failed.append(match.group(2))
        else:
            match = SWIFT_FAILURE.match(line)
            if match and match.group(1) not in self.failed:
                self.failed.append(match.group(1))

    def late(self):
        self.is_late = True
        self.end()

    def end(self):
        """SIGTERM, by which a script ends its gateways."""
        self.process.terminate()
        try:
            self.process.wait(ENDING_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def has_seen_titles(self):
        """Whether each of the titles that its mutants ask for has come: a script need not go on then."""
        return self.mutants[0].is_script and all(
            mutant.title and any(map(mutant.names, self.titles)) for mutant in self.mutants)

    def is_sound_for(self, mutant):
        """Whether it ran to its end, or as far as it had to, and no check failed that the mutant is judged by."""
        if self.is_late:
            return False
        if mutant.is_script:
            has_ended = bool(self.lines and LAST_LINE.fullmatch(self.lines[-1]))
            return (self.is_enough or has_ended) and not any(map(mutant.names, self.failed))
        counts = [int(match.group(1)) for match in map(SWIFT_COUNT.search, self.lines) if match]
        # One that failed says so by its title; a process that trapped has no last line.
        return bool(counts and counts[-1] > 0) and not any(map(mutant.names, self.failed))


class Trial:
    """One mutant against its killer."""

    def __init__(self, mutant, sound):
        self.mutant = mutant
        self.sound = sound
        # So many checks of the row there are: behind the last one nothing more is to be seen.
        self.checks = sum(map(mutant.names, sound.titles))

    def is_seen(self, tests):
        if not self.mutant.is_script:
            return bool(tests.failed)
        named = [title for title in tests.titles if self.mutant.names(title)]
        return any(map(self.mutant.names, tests.failed)) or len(named) >= self.checks

    def run(self):
        seconds_max = TIMES_MAX * self.sound.seconds + SECONDS_MORE_MAX
        if self.mutant.is_compiled:
            self.tests = Tests([self.mutant], FOLDER, self.mutant.id, seconds_max).run(self.is_seen)
        else:
            with Overlay(self.mutant) as folder:
                self.tests = Tests([self.mutant], folder, None, seconds_max).run(self.is_seen)
        return self

    def by(self):
        """The test that killed it, or none."""
        named = [title for title in self.tests.failed if self.mutant.names(title) or not self.mutant.is_script]
        if named:
            return named[0]
        if self.tests.is_late:
            return f"no end within {self.tests.seconds_max:.0f} s" if self.mutant.may_hang else None
        # A trap ends the process before the test that met it is told of.
        if not self.mutant.is_script and self.tests.process.returncode != 0:
            return f"the process ended with {self.tests.process.returncode}"
        return None

    def line(self):
        by = self.by()
        what = f"killed by “{by}”" if by else "SURVIVED" + (" (no end in time)" if self.tests.is_late else "")
        lines = [f"{'ok' if by else 'not ok'} - {self.mutant.id}: {self.mutant.breaks}"
                 f"\n    {self.mutant.killer}: {what} ({self.tests.seconds:.1f} s)"]
        if not by:
            lines += [f"    other checks failed: {title}" for title in self.tests.failed[:5]]
            if not self.tests.titles or self.tests.failed:
                lines += ["    | " + line for line in self.tests.lines[-LOG_LINES_SHOWN:]]
        return "\n".join(lines)


# Tests under way, which end with the runner; nothing begins once it is told to end.
running = set()
is_over = threading.Event()


def end_all(*_):
    is_over.set()
    for tests in list(running):
        tests.process.terminate()
    sys.exit(1)


def side_by_side(jobs, works, seconds):
    """Calls each work on one of so many threads, those that take longest first; `seconds`: of a work, as guessed."""
    left = sorted(works, key=seconds)
    lock = threading.Lock()
    wrong = []

    def take():
        while True:
            with lock:
                if not left or wrong or is_over.is_set():
                    return
                work = left.pop()
            try:
                work()
            except BaseException as error:
                wrong.append(error)
                raise

    threads = [threading.Thread(target=take) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        sys.exit(1)


def run_sound(mutants, jobs):
    """Killer → its tests without a mutant, which must pass."""
    killers = {}
    for mutant in mutants:
        killers.setdefault(mutant.killer, []).append(mutant)
    sound = {killer: Tests(of) for killer, of in killers.items()}
    works = {functools.partial(tests.run, Tests.has_seen_titles): tests.mutants[0].is_script
             for tests in sound.values()}
    side_by_side(jobs, works, works.get)
    for killer, tests in sorted(sound.items(), key=lambda item: -item[1].seconds):
        print(f"# {tests.seconds:6.1f} s  {killer} without a mutant", flush=True)
    for tests in sound.values():
        if not all(map(tests.is_sound_for, tests.mutants)):
            print("\n".join(tests.lines[-LOG_LINES_SOUND:]))
            print(f"{tests.killer} fails without a mutant: {tests.failed}", flush=True)
    return sound


def arguments(mutants):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", metavar="ID", choices=[mutant.id for mutant in mutants])
    parser.add_argument("--row", action="append", metavar="ROW", choices=sorted({mutant.row for mutant in mutants}))
    parser.add_argument("--list", action="store_true", help="print what there is, and run nothing")
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1, help="how many tests run at a time")
    parser.add_argument("--no-build", action="store_true", help="the copy is built already")
    return parser.parse_args()


def main():
    mutants = table.mutants()
    options = arguments(mutants)
    chosen = [mutant for mutant in mutants
              if (not options.only or mutant.id in options.only) and (not options.row or mutant.row in options.row)]
    if options.list:
        for mutant in chosen:
            print(f"{mutant.id}: {mutant.breaks} ({mutant.killer})")
        return
    signal.signal(signal.SIGTERM, end_all)
    signal.signal(signal.SIGINT, end_all)
    began = time.monotonic()
    if not options.no_build:
        copy(mutants)
        build()
    sound = run_sound(chosen, options.jobs)
    trials = [Trial(mutant, sound[mutant.killer]) for mutant in chosen
              if sound[mutant.killer].is_sound_for(mutant)]

    def attempt(trial):
        return lambda: print(trial.run().line(), flush=True)

    works = {attempt(trial): trial.sound.seconds for trial in trials}
    side_by_side(options.jobs, works, works.get)
    survivors = [trial.mutant.id for trial in trials if not trial.by()]
    if survivors:
        print(f"SURVIVED: {', '.join(sorted(survivors))}")
    unjudged = [mutant.id for mutant in chosen if not sound[mutant.killer].is_sound_for(mutant)]
    if unjudged:
        print(f"NOT JUDGED: {', '.join(unjudged)}")
    failed = len(survivors) + len(unjudged)
    print(f"# {len({mutant.row for mutant in chosen})} rows in {time.monotonic() - began:.0f} s")
    print(f"{len(chosen) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
