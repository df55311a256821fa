"""Checks of a script: counted, and told one by one."""

import collections
import contextlib
import sys
import time
import traceback

# A check that took longer says so.
SLOW_SECONDS = 0.5
# What gateways answered last, for a check that fails: call and answer.
answered = collections.deque(maxlen=4)


class Checks:
    """Counts and prints: `ok - …` or `not ok - …` a check, its seconds where they are many; `finish` ends the script
    with `N passed, N failed`."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    @contextlib.contextmanager
    def __call__(self, name):
        began = time.monotonic()
        try:
            yield
        except Exception:
            self.failed += 1
            print(f"not ok - {name}", flush=True)
            traceback.print_exc(file=sys.stdout)
            for call, answer in list(answered):
                print(f"# answered: {call}: {answer}", flush=True)
        else:
            self.passed += 1
            seconds = time.monotonic() - began
            print(f"ok - {name}" + (f" # {seconds:.1f} s" if seconds >= SLOW_SECONDS else ""), flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed else 0)
