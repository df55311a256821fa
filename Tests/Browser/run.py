#!/usr/bin/env python3
"""The pages in a real browser: each as it looks and is built, who may see it, and what people do with them (U1 to U6).

    Tests/Browser/run.py --tollgate .build/release/tollgate [--long] [--pictures FOLDER] [NAME]…

A NAME is a part: scripts, pages, callers, gates, journeys. `--pictures`: makes the pictures of README and
docs/tour.md, and no test. The last line is `N passed, N failed`. Chromium is Debian's; Playwright, axe and html5lib
come from PyPI into `.venv`."""

import argparse
import importlib.util
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "..", "Contract"))

from support import ROOT, Checks, python_of_tests

PARTS = ["scripts", "pages", "callers", "gates", "journeys"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tollgate", default=os.path.join(ROOT, ".build", "debug", "tollgate"))
    parser.add_argument("--long", action="store_true", help="run what takes minutes as well")
    parser.add_argument("--pictures", metavar="FOLDER", help="make the pictures there, and test nothing")
    parser.add_argument("--look", metavar="FOLDER", help="leave a picture of every page there, in both lights")
    parser.add_argument("--only", metavar="TEXT", help="of the pages, surface and tenant that begin so; "
                        "of the journeys, those whose title has it")
    parser.add_argument("--write", action="store_true", help="write docs/access-pages.md from what is seen")
    parser.add_argument("parts", nargs="*", metavar="NAME", help=f"one of {', '.join(PARTS)}; all without")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    options.tollgate = os.path.abspath(options.tollgate)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return options


def main():
    options = arguments()
    if importlib.util.find_spec("playwright") is None:
        python = python_of_tests()
        os.execv(python, [python, "-u", *sys.argv])
    import callers
    import every_page
    import gates
    import journeys
    import pictures
    import scripts
    from chromium import Browser
    from world import World
    checks = Checks()
    began = time.monotonic()
    with World(options.tollgate) as world, Browser(world.gateway.base_url) as browser:
        print(f"# the world and the browser: {time.monotonic() - began:.1f} s", flush=True)
        if options.pictures:
            pictures.make(world, browser, options.pictures)
            return
        parts = {
            "scripts": scripts, "pages": every_page, "callers": callers, "gates": gates, "journeys": journeys}
        for name, part in parts.items():
            if not options.parts or name in options.parts:
                began = time.monotonic()
                part.run(checks, world, browser, options)
                print(f"# {name}: {time.monotonic() - began:.1f} s", flush=True)
        if not options.parts or "gates" in options.parts:
            gates.ends(checks, world, browser)
    checks.finish()


if __name__ == "__main__":
    main()
