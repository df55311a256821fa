#!/usr/bin/env python3
"""N4, N5: the contract through two nodes on one PostgreSQL. Scripts that know of one gateway run as they are, each of
their gateways being two nodes that are called in turn: whoever owns a tenant, any node answers for it, and what one
has changed the next call at the other sees."""

import os
import subprocess
import sys

from checks import Checks
from cluster import Postgres
from support import arguments

HERE = os.path.dirname(os.path.abspath(__file__))
options = arguments()
checks = Checks()
# Those that ask for nothing but answers, and read no file of the gateway's; `--long` runs the second as well.
SHORT = ["isolation", "orderdesk", "topups", "week_operator"]
LONG = ["accounts", "analytics", "attention", "changes", "desk", "events"]


def main():
    with Postgres() as postgres:
        for name in SHORT + (LONG if options.long else []):
            with checks(f"N4 N5 Contract/{name}.py through two nodes"):
                done = subprocess.run(
                    [sys.executable, "-u", os.path.join(HERE, name + ".py"), "--tollgate", options.tollgate],
                    stdin=subprocess.DEVNULL, capture_output=True, text=True,
                    env={**os.environ, "TOLLGATE_TEST_CLUSTER": postgres.url})
                assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    checks.finish()


main()
