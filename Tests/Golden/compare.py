#!/usr/bin/env python3
"""Says where two recordings of record.py differ: by script, check and call, with a short diff. Exit code 1: they do.

    compare.py A B [--show N] [--leave-out]

Answers to the same call in the same check are compared in their order; those got beside others, in threads, in any
order. `chance.json` lists the calls whose answers hang on chance or time (`*`: all of a check); they are left out and
counted. `--leave-out` adds what differs to that list: for two recordings of one binary, and for nothing else."""

import argparse
import collections
import difflib
import json
import os
import sys

CHANCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "chance.json")
DIFF_LINES_MAX = 24


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--show", type=int, default=40, help="so many differences are shown (40)")
    options = parser.parse_args()
    with open(CHANCE, encoding="utf-8") as file:
        chance = json.load(file)
    names = scripts(options.a) | scripts(options.b)
    compared = left_out = different = refusals = 0
    for name in sorted(names):
        before, after = answers(options.a, name), answers(options.b, name)
        known = chance.get(name, {})
        for place in before | after:
            old, new = before.get(place, []), after.get(place, [])
            if {place[1], "*"} & set(known.get(place[0], [])):
                left_out += len(old)
                continue
            compared += len(old)
            refusals += sum(1 for line in old if (line["status"] or 0) >= 400 and line["body"])
            if old == new:
                continue
            different += 1
            if options.leave_out:
                chance.setdefault(name, {}).setdefault(place[0], []).append(place[1])
            if different <= options.show:
                show(name, place, old, new)
    described = descriptions(options.a, options.b)
    print(f"{compared} answers compared, {refusals} of them refusals with a body; {left_out} left out; "
          f"{different} calls differ, {described} descriptions differ")
    if options.leave_out:
        with open(CHANCE, "w", encoding="utf-8") as file:
            json.dump({name: {check: sorted(calls) for check, calls in sorted(checks.items())}
                       for name, checks in sorted(chance.items())}, file, indent=1, ensure_ascii=False)
            file.write("\n")
    sys.exit(1 if different or described else 0)


def scripts(folder):
    return {name.removesuffix(".jsonl") for name in os.listdir(folder) if name.endswith(".jsonl")}


def answers(folder, name):
    """(check, call) → its answers."""
    path = os.path.join(folder, f"{name}.jsonl")
    found, beside = collections.defaultdict(list), collections.defaultdict(list)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for text in file:
                line = json.loads(text)
                place = (line.pop("check"), line.pop("call"))
                (beside if line.pop("aside") else found)[place].append(line)
    for place, lines in beside.items():
        found[place] += sorted(lines, key=lambda line: json.dumps(line))
    return dict(found)


def show(name, place, old, new):
    check, call = place
    print(f"\n== {name}: {check or '(before any check)'}\n   {call[:200]}")
    if len(old) != len(new):
        print(f"   {len(old)} answers before, {len(new)} now")
    for before, after in zip(old, new):
        if before != after:
            lines = list(difflib.unified_diff(rendered(before), rendered(after), "before", "now", lineterm="", n=1))[2:]
            print("\n".join("   " + line[:200] for line in lines[:DIFF_LINES_MAX]))
            return


def rendered(line):
    """One fact a line, JSON bodies member by member."""
    try:
        body = json.dumps(json.loads(line["body"]), indent=1, ensure_ascii=False).splitlines()
        # Spelled otherwise, said the same: the text itself is what differs.
        body.append(line["body"])
    except ValueError:
        body = line["body"].splitlines()
    headers = [f"{name}: {value}" for name, value in line["headers"]]
    return [f"sent {line['sent']}", f"status {line['status']}", *headers, *body]


def descriptions(a, b):
    """How many of the saved descriptions are not the same, byte for byte."""
    folders = [os.path.join(folder, "descriptions") for folder in (a, b)]
    names = {name for folder in folders if os.path.isdir(folder) for name in os.listdir(folder)}
    count = 0
    for name in sorted(names):
        texts = []
        for folder in folders:
            path = os.path.join(folder, name)
            texts.append(open(path, "rb").read() if os.path.exists(path) else b"")
        if texts[0] != texts[1]:
            count += 1
            print(f"\n== description {name}: {len(texts[0])} bytes before, {len(texts[1])} now")
            pretty = [json.dumps(json.loads(text or b"{}"), indent=1).splitlines() for text in texts]
            lines = list(difflib.unified_diff(*pretty, "before", "now", lineterm="", n=1))[2:]
            print("\n".join("   " + line[:200] for line in lines[:DIFF_LINES_MAX]))
    return count


if __name__ == "__main__":
    main()
