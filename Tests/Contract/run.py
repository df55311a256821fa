#!/usr/bin/env python3
"""Runs the contract's scripts, and Tests/Browser as one more, side by side, the longest first, and prints each as it
ends: what failed, its seconds, and a table of all seconds at the end. The last line is `N passed, N failed`.

    Tests/Contract/run.py --tollgate .build/release/tollgate [--only NAME]… [--jobs N] [--long] [--logs FOLDER]
        [--whole]

A script has a gateway, ports and folders of its own, and waits for what it means rather than for a time, so that it may
run beside any other, those that fill the machine (crowd, fullload, races) among them."""

import argparse
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

from support import ROOT

HERE = os.path.dirname(os.path.abspath(__file__))
# Code that scripts share, and this.
SHARED = {
    "run", "support", "shop", "strangers", "flooding", "wire", "logged", "proxy", "endpoints", "schema_hooks", "hooks",
    "told", "receiver", "units", "pagewire", "clock", "office", "clientwire", "commandlines", "heavy", "payservice",
    "examplebook", "checks", "exposition", "archivereader", "objectstore", "cluster", "replicas", "twofold",
    "histories", "clusterload", "freeports", "ownlines", "desklines", "orderload", "unreachable",
    "portalwire", "nodecopies", "results", "loopwatch", "operatorjobs",
    "syscalls"}
# Scripts that lie elsewhere, and take the same options behind these words.
BROWSER = os.path.join(ROOT, "Tests", "Browser", "run.py")
ELSEWHERE = {"browser": [BROWSER, "pages", "callers", "scripts"], "journeys": [BROWSER, "gates", "journeys"]}
# About what each takes by itself on two idle cores, in seconds: who takes longest starts first. The table that a run
# ends with says better; one that is not here starts before all.
SECONDS = {
    "browser": 215, "journeys": 225, "schema": 110, "sending": 60, "budgets": 40, "files": 80, "proxies": 26,
    "payments": 25, "nodes": 60, "archive": 60, "archivelosses": 60, "archiveends": 25, "archivedays": 25,
    "pageforms": 44,
    "archivebacklog": 50,
    "halfmoves": 20, "clustertls": 7, "slowlog": 12,
    "faults": 40, "logfaults": 15, "soak": 22,
    "nodebackup": 14, "pruning": 17, "destinations": 22, "races": 20, "unitcare": 20, "output": 45,
    "openfiles": 3, "mistyped": 1, "moving": 19, "crowd": 18, "spends": 40,
    "spreadsheet": 18, "firststeps": 17, "weight": 25, "dialectweight": 30,
    "gate": 16, "fullload": 14, "flood": 14, "people": 14,
    "seeds": 12, "secrecy": 12, "codes": 12, "kill": 16, "provisioning": 12, "pages": 11, "provider": 10, "ports": 10,
    "lifecycle": 24, "pacing": 40, "credits": 10, "reconciliation": 10, "package": 11, "command": 9, "badinput": 9,
    "sandbox": 9,
    "due": 24, "provisionerfaults": 9, "examples": 15, "generated": 30, "strict": 9, "access": 8, "testbook": 8,
    "accounts": 8, "passwords": 8, "sessions": 8, "terminal": 12,
    "isolation": 6, "canary": 6, "clients": 14, "rooms": 6, "prices": 5, "walk": 5, "loops": 35, "exampleshop": 14,
    "handover": 5, "eventstorm": 5, "modes": 5, "receivers": 5, "reports": 5, "upgrade": 10, "stock": 4, "departing": 4,
    "letters": 9, "addresses": 4, "hostile": 3, "licences": 3, "deploy": 3, "metering": 3, "renewals": 3,
    "longlists": 5, "portalfinds": 5, "consoledomains": 3, "authorities": 6, "refusedpages": 8, "shownonce": 8,
    "analytics": 2, "answers": 2, "attention": 2, "bookcommand": 2, "changes": 2, "corrections": 2, "endpoints_api": 2,
    "events": 2, "feeds": 2, "hosts": 2, "lapses": 2, "logo": 2, "looks": 4, "pricebook": 2, "providerkeys": 2,
    "rehearsal": 2, "refunds": 2, "rows": 2, "commandroutes": 8,
    "week_operator": 13, "week_provider": 15, "week_reseller": 6,
    "failover": 20, "joining": 43, "balancer": 3, "manifests": 4, "nodepast": 25, "nodeviews": 20, "forgeries": 25,
    "searches": 2, "portalbooks": 8, "finds": 8, "tenants": 2, "topups": 2, "truth": 2, "usage": 2, "browsers": 2,
    "seenlists": 5, "askedonce": 6, "reserve": 20, "restoredsecrets": 6, "severalapis": 3, "sessionkeys": 2,
    "nameanswers": 8}
SECONDS_MAX = 1800
SECONDS_MAX_LONG = 7200
# Between the SIGTERM to a script that took too long, by which it ends its gateways, and the SIGKILL.
ENDING_SECONDS_MAX = 60
# How often it is said what still runs.
PROGRESS_SECONDS = 30
# Of one failed check, in the summary at the end.
FAILURE_LINES_MAX = 12
FAILURE_CHARACTERS_MAX = 1000
FAILED, ANSWERED = "not ok - ", "# answered: "
# How a title of what failed begins in the output; ./test gathers these lines at its end.
LISTED = "FAILED: "
LAST_LINE = re.compile(r"(\d+) passed, (\d+) failed")


class Script:
    """One script as a child: its whole output goes to a log of its own."""

    def __init__(self, name, options):
        self.name = name
        words = ELSEWHERE.get(name, [os.path.join(HERE, name + ".py")])
        self.command = [sys.executable, "-u", *words, "--tollgate", options.tollgate]
        self.command += ["--long"] if options.long else []
        self.seconds_max = SECONDS_MAX_LONG if options.long else SECONDS_MAX
        self.log = os.path.join(options.logs, name + ".log")
        self.process = None
        self.is_late = False
        self.seconds = 0.0
        self.passed = self.failed = 0
        self.wrong = None

    def run(self):
        self.began = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
            try:
                self.process.wait(self.seconds_max)
            except subprocess.TimeoutExpired:
                self.is_late = True
                self.end()
        self.seconds = time.monotonic() - self.began

    def end(self):
        """SIGTERM, by which it ends its gateways; returns once it is gone."""
        self.process.terminate()
        try:
            self.process.wait(ENDING_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def lines(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read().splitlines()

    def judge(self):
        """Counts what its last line says; returns what went wrong besides: it did not run to its end, its exit code."""
        lines = self.lines
        counted = LAST_LINE.fullmatch(lines[-1]) if lines else None
        status = self.process.returncode
        if not counted or self.is_late:
            self.failed = 1
            return f"{self.name}.py did not run to its end" + (
                f" within {self.seconds_max} s" if self.is_late else f" (exit code {status})")
        self.passed, self.failed = map(int, counted.groups())
        if status != 0 and self.failed == 0:
            self.failed = 1
            return f"{self.name}.py: exit code {status}"
        return None

    def show(self, is_whole):
        """Its remarks, what failed by title (the end of the run says more), what it counted and its seconds."""
        self.wrong = self.judge()
        print(f"\n== Tests/Contract/{self.name}.py", flush=True)
        for line in self.lines:
            if is_whole or line.startswith("# ") and not line.startswith(ANSWERED):
                print(line)
        for title in self.failures:
            print(f"{LISTED}{title}")
        print(f"{self.name}: {self.passed} passed, {self.failed} failed in {self.seconds:.1f} s", flush=True)

    @property
    def failures(self):
        """The titles of its checks that failed, and what went wrong besides."""
        titles = [line.removeprefix(FAILED) for line in self.lines if line.startswith(FAILED)]
        return titles + ([self.wrong] if self.wrong else [])

    def progress(self):
        checks = sum(line.startswith(("ok - ", "not ok - ")) for line in self.lines)
        return f"{self.name} {time.monotonic() - self.began:.0f} s, {checks} checks"


class Crew:
    """So many scripts at a time."""

    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.left = []
        self.running = []
        self.done = []
        self.is_over = threading.Event()

    def run(self, names):
        self.left = sorted(names, key=lambda name: SECONDS.get(name, float("inf")), reverse=True)
        threading.Thread(target=self.tell, daemon=True).start()
        workers = [threading.Thread(target=self.work) for _ in range(min(self.options.jobs, len(self.left)))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.is_over.set()

    def work(self):
        while True:
            with self.lock:
                if not self.left or self.is_over.is_set():
                    return
                script = Script(self.left.pop(0), self.options)
                self.running.append(script)
            script.run()
            with self.lock:
                self.running.remove(script)
                self.done.append(script)
                if not self.is_over.is_set():
                    script.show(self.options.whole)

    def tell(self):
        """Says now and then what runs, so that long work is seen to go on."""
        while not self.is_over.wait(PROGRESS_SECONDS):
            with self.lock:
                running = [script.progress() for script in self.running if script.process]
                if running:
                    print(f"# {len(self.done)} done; running: " + "; ".join(running), flush=True)

    def end(self):
        """Ends every script that still runs, and starts none; nothing of them is shown."""
        self.is_over.set()
        with self.lock:
            running = [script for script in self.running if script.process]
        for script in running:
            script.process.terminate()


def failures(scripts):
    """What failed, at the end, where it is looked for: each check with what it said, scripts that did not run to their
    end with their last lines, and last the titles of all, which stay where the output is cut."""
    failed = [script for script in scripts if script.failed]
    if not failed:
        return
    print("\n== what failed")
    for script in failed:
        told = [part.splitlines() for part in re.split(r"(?m)^(?=(?:not )?ok - )", "\n".join(script.lines))]
        told = [part for part in told if part and part[0].startswith(FAILED)]
        print(f"\n{script.name}: {script.failed} failed")
        for part in told or [script.lines[-FAILURE_LINES_MAX:]]:
            print(*part[:1], *[line[:FAILURE_CHARACTERS_MAX] for line in part[1:][-FAILURE_LINES_MAX:]], sep="\n")
    print()
    for script in failed:
        for title in script.failures:
            print(f"{LISTED}{script.name}: {title}")


def table(scripts, seconds):
    print("\n== seconds of each script")
    for script in sorted(scripts, key=lambda script: -script.seconds):
        print(f"{script.seconds:7.1f}  {script.name}" + (f"  ({script.failed} failed)" if script.failed else ""))
    print(f"{sum(script.seconds for script in scripts):7.1f}  one after the other; side by side {seconds:.1f}\n")


def arguments(names):
    parser = argparse.ArgumentParser()
    parser.add_argument("--tollgate", default=os.path.join(ROOT, ".build", "release", "tollgate"))
    parser.add_argument("--long", action="store_true", help="run what takes minutes as well")
    parser.add_argument("--only", action="append", metavar="NAME", choices=names, help="this script; may come again")
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1, help="how many run at a time")
    parser.add_argument("--logs", help="where the whole outputs are left")
    parser.add_argument("--whole", action="store_true", help="print the whole output of those that passed as well")
    options = parser.parse_args()
    options.tollgate = os.path.abspath(options.tollgate)
    return options


def scripts():
    """The names of all."""
    names = [os.path.basename(path)[:-len(".py")] for path in sorted(glob.glob(os.path.join(HERE, "*.py")))]
    return [name for name in names if name not in SHARED] + list(ELSEWHERE)


def main():
    names = scripts()
    options = arguments(names)
    unknown = SECONDS.keys() - set(names)
    if unknown:
        sys.exit(f"run.py speaks of scripts that there are not: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="tollgate-logs-") as folder:
        options.logs = options.logs or folder
        crew = Crew(options)

        def ended(*_):
            crew.end()
            sys.exit(1)

        signal.signal(signal.SIGTERM, ended)
        signal.signal(signal.SIGINT, ended)
        began = time.monotonic()
        crew.run(options.only or names)
        table(crew.done, time.monotonic() - began)
        failures(crew.done)
        failed = sum(script.failed for script in crew.done)
        print(f"{sum(script.passed for script in crew.done)} passed, {failed} failed", flush=True)
        sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
