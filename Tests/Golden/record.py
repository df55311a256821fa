#!/usr/bin/env python3
"""Records what the wire says: every answer that the contract's scripts get, those to systematic bad input
(refusals.py), and every API's description.

    record.py --tollgate BINARY --out DIR [--contract DIR] [SCRIPT …]

DIR gets SCRIPT.jsonl a script and descriptions/NAME.json; `compare.py` says where two recordings differ. Recordings
that are compared come from the same scripts: where those have changed, `--contract` names a folder with the earlier
ones, beside the blueprints that they use."""

import argparse
import concurrent.futures
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(os.path.dirname(HERE), "Contract")
# Those that ask the same whenever they run, the slowest first. Not: what measures, kills, breaks or races on purpose;
# whose calls another program makes (schema, seeds, walk, command); what hears little that the others do not (secrecy,
# reconciliation).
SCRIPTS = [
    "gate", "payments", "badinput", "provider", "codes", "refusals", "ports", "lifecycle", "prices", "credits",
    "isolation", "hostile", "licences", "testbook"]
SIDE_BY_SIDE = 2
SCRIPT_SECONDS_MAX = 600


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tollgate", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--contract", default=FOLDER)
    parser.add_argument("scripts", nargs="*", default=SCRIPTS)
    options = parser.parse_args()
    begun = time.monotonic()
    os.makedirs(options.out, exist_ok=True)
    if options.scripts == SCRIPTS:
        for name in os.listdir(options.out):
            if name.endswith((".jsonl", ".log")):
                os.remove(os.path.join(options.out, name))
        shutil.rmtree(os.path.join(options.out, "descriptions"), ignore_errors=True)
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        runs = [pool.submit(record, options, name) for name in options.scripts]
        failed = []
        for number, run in enumerate(concurrent.futures.as_completed(runs), 1):
            name, count, seconds, last, is_sound = run.result()
            print(f"[{number}/{len(runs)}] {name}: {count} answers in {seconds:.0f} s ({last})", flush=True)
            if not is_sound:
                failed.append(name)
    total = sum(lines(os.path.join(options.out, f"{name}.jsonl")) for name in options.scripts)
    print(f"{total} answers from {len(options.scripts)} scripts in {time.monotonic() - begun:.0f} s")
    for name in failed:
        print(f"{name} did not pass: see {os.path.join(options.out, name)}.log", file=sys.stderr)
    sys.exit(1 if failed else 0)


def record(options, name):
    """Runs one script: (its name, answers, seconds, its last line, whether it has passed)."""
    folder = HERE if name == "refusals" else options.contract
    path = os.path.join(options.out, f"{name}.jsonl")
    log = os.path.join(options.out, f"{name}.log")
    begun = time.monotonic()
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
                   "TOLLGATE_DESCRIPTIONS": os.path.join(options.out, "descriptions")}
    with open(log, "wb") as output:
        run = subprocess.run(
            ["timeout", "--foreground", str(SCRIPT_SECONDS_MAX), sys.executable, "-u",
             os.path.join(HERE, "recorder.py"), options.contract, path, os.path.join(folder, f"{name}.py"),
             "--tollgate", os.path.abspath(options.tollgate)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment)
    with open(log, encoding="utf-8", errors="replace") as file:
        last = (file.read().splitlines() or ["no output"])[-1]
    return name, lines(path), time.monotonic() - begun, last, run.returncode == 0


def lines(path):
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as file:
        return sum(1 for _ in file)


if __name__ == "__main__":
    main()
