#!/usr/bin/env python3
"""N4, N5: the contract through two nodes on one PostgreSQL. Scripts that know of one gateway run as they are, each of
their gateways being two nodes that are called in turn: whoever owns a tenant, any node answers for it, and what one
has changed the next call at the other sees."""

import glob
import os
import subprocess
import sys

from checks import Checks
from cluster import Postgres
from run import SHARED
from support import arguments

HERE = os.path.dirname(os.path.abspath(__file__))
options = arguments()
checks = Checks()
# Those that ask for nothing but answers, and read no file of the gateway's; `--long` runs the second as well.
SHORT = ["isolation", "orderdesk", "topups", "week_operator"]
LONG = [
    "access", "accounts", "addresses", "analytics", "askedonce", "attention", "browsers", "changes", "clients",
    "commandroutes", "corrections", "desk",
    "endpoints_api", "events", "examples", "forgeries", "lapses", "letters", "lifecycle", "logo", "longlists", "looks",
    "overview", "pageforms", "passwords", "portal", "portalbooks", "portalfinds", "portalmoney", "ports", "pricebook",
    "prices", "provisioning",
    "reference", "refusedpages", "replays", "sandbox", "searches", "seeds", "seenlists", "sessionkeys", "sessions",
    "severalapis",
    "shownonce", "spreadsheet", "stock", "testbook", "testprices", "walk"]
# The others, by why they are left out.
ELSEWHERE = {
    "they kill, stop or start the gateway, and ask what is left": [
        "credits", "departing", "due", "eventstorm", "feeds", "fullload", "halfmoves", "kill", "loops", "metering",
        "pacing", "people", "proofs", "provider", "reserve", "providerkeys", "provisionerfaults", "races",
        "reconciliation",
        "refunds", "rehearsal", "renewals", "reports", "resting", "strict", "unitcare", "usage", "week_provider",
        "week_reseller"],
    "they read or change the gateway's files, or its output": [
        "archiveends", "archivelosses", "bookcommand", "canary", "codes", "command", "console", "consoledomains",
        "exampleshop",
        "faults", "files",
        "firststeps", "gate", "generated", "handover", "licences", "logfaults", "modes", "moving", "output", "pages",
        "payments", "past", "schema", "secrecy", "signin", "soak", "spends", "stores", "terminal", "upgrade", "weight",
        "dialectweight", "restoredsecrets"],
    "their options are a single node's, or give a cluster's own": [
        "answers", "archive", "archivedays", "budgets", "crowd", "deploy", "flood", "forks", "hostile", "hosts",
        "archivebacklog", "nodebackup",
        "authorities", "nameanswers", "openfiles", "manifests", "proxies", "pruning", "rooms", "sending", "tenants"],
    "they ask one node for what it counted itself": ["badinput", "finds", "truth"],
    "they need mounts, or programs beside the gateway that know its port": ["destinations", "package", "receivers"],
    "they are about a cluster, and make their own": [
        "balancer", "clustertls", "failover", "joining", "nodepast", "nodes", "nodeviews", "slowlog", "through"],
    "they have no gateway": ["mistyped", "rows"],
}


def complete():
    """Every script is run here, or named with why it is not."""
    known = SHORT + LONG + [name for names in ELSEWHERE.values() for name in names]
    assert len(known) == len(set(known)), sorted(name for name in known if known.count(name) > 1)
    there = {os.path.basename(path).removesuffix(".py") for path in glob.glob(os.path.join(HERE, "*.py"))} - SHARED
    assert set(known) == there, (sorted(there - set(known)), sorted(set(known) - there))


def main():
    with checks("N4 every script runs through two nodes, or is named with why it does not"):
        complete()
    with Postgres() as postgres:
        for name in SHORT + (LONG if options.long else []):
            with checks(f"N4 N5 Contract/{name}.py through two nodes"):
                done = subprocess.run(
                    [sys.executable, "-u", os.path.join(HERE, name + ".py"), "--tollgate", options.tollgate],
                    stdin=subprocess.DEVNULL, capture_output=True, text=True,
                    env={**os.environ, "TOLLGATE_TEST_CLUSTER": postgres.url})
                assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    checks.finish()


if __name__ == "__main__":
    main()
