"""Tollgate beside its peers, in one run on one machine: alternating rounds, medians, ratios, server CPU per request.

Read the ratios, not the figures: load generator and servers share the cores. Traffic goes to loopback only; every round is
bounded in time; only processes started here are ended. What the columns mean is in Benchmarks/RESULTS.md.
"""

import argparse
import shutil
import sys
import time

import instructions
import machine
import rows_backup
import rows_dialects
import rows_due
import rows_limiter
import rows_orders
import rows_pages
import rows_read
import rows_rehearsal
import rows_renewals
import rows_replicated
import rows_size
import rows_strangers
import rows_tenants
import rows_webhooks
import rows_weight
from table import Table

GROUPS = {
    "read": rows_read.read,
    "neighbour": rows_read.neighbour,
    "order": rows_orders.orders,
    "tenants": rows_orders.tenants,
    "dialects": rows_dialects.dialects,
    "pages": rows_pages.pages,
    "limiter": rows_limiter.limiter,
    "node": rows_tenants.node,
    "size": rows_size.size,
    "strangers": rows_strangers.strangers,
    "webhooks": rows_webhooks.webhooks,
    "renewals": rows_renewals.renewals,
    "rehearsal": rows_rehearsal.rehearsal,
    "due": rows_due.due,
    "backup": rows_backup.backup,
    "weight": rows_weight.weight,
    "replicated": rows_replicated.replicated,
}
# Asked for by name alone: the one fills a tenant first, which is reckoned at a quarter of an hour; the other has three
# servers on one machine.
NAMED = {"weight", "replicated"}
# What is smaller with --quick: enough to see that every row works, not to judge by.
QUICK = {"rounds": 1, "seconds": 1, "resellers": 10, "tenants": 40, "provisioned": 100, "node_tenants": 400, "sized": 400,
         "deliveries": 3_000, "receivers": 20, "hanging": 100, "due_tenants": 400, "rest_seconds": 5,
         "catch_up": 400, "rehearsed": 5_000,
         "page_resellers": 100, "renewals": 400, "weight_resellers": 100, "weight_orders": 1_000, "weight_reads": 5_000}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tollgate", required=True, help="the release binary")
    parser.add_argument("--limiter", required=True, help="the release binary of LimiterBench")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=[name for name in GROUPS if name not in NAMED],
                        metavar="GROUP",
                        help="of " + ", ".join(GROUPS))
    parser.add_argument("--quick", action="store_true", help="one short round of everything: does it run?")
    parser.add_argument("--check", action="store_true", help="end with exit code 1 where an aim is missed")
    parser.add_argument("--markdown", action="store_true", help="print the table for RESULTS.md too")
    parser.add_argument("--instructions", action="store_true",
                        help="count instructions a request with callgrind instead, whatever else the machine does")
    parser.add_argument("--profiles", metavar="DIR", help="where --instructions leaves its profiles, for callgrind_annotate")
    parser.add_argument("--rounds", type=int, help="of each kind, in turn (3)")
    parser.add_argument("--seconds", type=int, help="of each round (5)")
    parser.add_argument("--resellers", type=int, help="among which one tenant's orders are spread (1000)")
    parser.add_argument("--tenants", type=int, help="among which orders are spread (200)")
    parser.add_argument("--provisioned", type=int, help="one after the other (1000)")
    parser.add_argument("--node-tenants", type=int, help="on one node (10000)")
    parser.add_argument("--sized", type=int, help="orders, keys and others whose bytes are counted (5000)")
    parser.add_argument("--deliveries", type=int, help="that wait for a receiver and are then sent (100000)")
    parser.add_argument("--receivers", type=int, help="to which as many are sent, in one of the rows (1000)")
    parser.add_argument("--due-tenants", type=int, help="that have an hour each (100000)")
    parser.add_argument("--rest-seconds", type=int, help="over which a node at rest is watched (60)")
    parser.add_argument("--renewals", type=int, help="services that fall due at one instant (10000)")
    parser.add_argument("--catch-up", type=int, help="services that fell due while the node was away (100000)")
    parser.add_argument("--rehearsed", type=int, help="calls that the log has of a key, at least (1000000)")
    parser.add_argument("--page-resellers", type=int, help="of the tenant whose pages are timed (10000)")
    parser.add_argument("--hanging", type=int, help="endpoints that hang beside one that answers (2000)")
    parser.add_argument("--weight-resellers", type=int, help="of the one heavy tenant (10000)")
    parser.add_argument("--weight-orders", type=int, help="of all of them, over most of a year (1000000)")
    parser.add_argument("--weight-reads", type=int, help="of all of them (10000000)")
    options = parser.parse_args()
    usual = {"rounds": 3, "seconds": 5, "resellers": 1_000, "tenants": rows_orders.TENANTS, "provisioned": 1_000,
             "node_tenants": 10_000, "sized": 5_000, "deliveries": 100_000, "hanging": 2_000, "due_tenants": 100_000,
             "rest_seconds": 60, "page_resellers": 10_000, "renewals": 10_000, "weight_resellers": 10_000,
             "receivers": 1_000, "catch_up": 100_000, "rehearsed": 1_000_000,
             "weight_orders": 1_000_000, "weight_reads": 10_000_000}
    for name, value in (QUICK if options.quick else usual).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def main():
    options = arguments()
    folder = machine.temporary_folder()
    table = Table()
    try:
        if options.instructions:
            instructions.count(options, folder, table)
        else:
            for name in options.only:
                begin = time.monotonic()
                print(f"{name} …", file=sys.stderr, end=" ", flush=True)
                GROUPS[name](options, folder, table)
                print(f"{time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
        print(f"\n{machine.describe()}")
        print(f"{options.rounds} rounds of {options.seconds} s, alternating, medians\n")
        table.print()
        if options.markdown:
            print("\n" + table.markdown())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.check and table.missed:
        print(f"\n{len(table.missed)} aims are missed", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
