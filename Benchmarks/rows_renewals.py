"""Services that all fall due at one instant (W9): how long until each is charged, told of and audited, of one tenant
and of many, and what orders beside them feel; and a node that was away while all of them fell due: how long it takes to
catch up, and what a tenant feels that had no part in it. The peer is an order in PostgreSQL: a renewal writes as much,
but for its service."""

import calendar
import concurrent.futures
import datetime
import glob
import http.client
import os
import re
import sqlite3
import sys
import time

import load
from fixed_load import Crowd
from rows_read import PATH, QUIET
from servers import Postgres, Tollgate

# An order of so many units makes as many services.
UNITS = 500
TENANTS = 200
# The node starts before its services are due.
AHEAD_SECONDS = 8
PACED_CONNECTIONS, PACED_MILLISECONDS = 10, 19
SECONDS_MAX = 300
AWAY_SECONDS = 3_600
PUBLISHED = "published elsewhere, of jobs that do nothing: Oban 16,700/s, graphile-worker 183,000/s in batches"


def fall_due(folder, at):
    """The files of a node that is stopped: its services were ordered a month or two ago, and are due at one instant."""
    due = datetime.datetime.fromtimestamp(int(at), datetime.timezone.utc)
    # The nearest month before it that has this day, from which so many terms end at that instant.
    month, terms = due, 0
    while not terms or month.day != due.day:
        month, terms = (month.replace(day=1) - datetime.timedelta(days=1)), terms + 1
        month = month.replace(day=min(due.day, month.day))
    anchor = calendar.timegm(month.timetuple()) * 1000
    for path in glob.glob(os.path.join(folder, "tenants", "**", "*.sqlite"), recursive=True):
        file = sqlite3.connect(path)
        file.execute("PRAGMA locking_mode=EXCLUSIVE")
        file.execute(
            """UPDATE service SET activated_at = ?1, anchor_at = ?1, renews_at = ?2, next_at = ?2, is_announced = 1,
                      period = ?3
               WHERE state = 'active' AND period = 0""", (anchor, int(due.timestamp()) * 1000, terms - 1))
        file.commit()
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.close()


def wake(server, places):
    """Asks each tenant something: the registry does not know what was done to its file meanwhile."""
    for tenant, _ in places:
        tenant.server = server
        tenant.admin("GET", "/products")


def charged(connection):
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    return int(re.search(r'tollgate_due_items_total\{kind="renewal"\} (\d+)', text)[1])


def wait_for(server, count, at):
    """Seconds from the due time until that many were charged."""
    # Of its own: others are asked meanwhile.
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    while (done := charged(connection)) < count:
        if time.time() > at + SECONDS_MAX:
            sys.exit(f"{done} of {count} services were charged")
        time.sleep(0.2)
    connection.close()
    return time.time() - at


def place(server, slug):
    tenant = server.new_tenant(slug)
    server.widen(tenant)
    return tenant, tenant.price(tenant.new_reseller(slug))


def rented(options, folder, name, tenants, count):
    """A stopped node on which `count` services wait, and its places."""
    data = os.path.join(folder, name)
    with Tollgate(options.tollgate, data) as server:
        places = [place(server, f"{name}-{index}") for index in range(tenants)]
        units = min(UNITS, max(1, count // tenants))
        with Crowd(server.port, min(8, tenants)) as crowd:
            crowd.run(load.signed_orders(places, count // units, quantity=units))
    return data, places, count // units * units


def renewals(options, folder, table):
    count = options.renewals
    with Postgres(os.path.join(folder, "postgres-renewing")) as peer:
        peers = {name: peer.orders(resellers, options.seconds)
                 for name, resellers in (("renewing", 1), ("renewing-many", TENANTS))}
    for name, tenants, threshold in (("renewing", 1, "renewals_one"), ("renewing-many", TENANTS, "renewals_tenants")):
        tenants = min(tenants, max(1, count // 10))
        data, places, made = rented(options, folder, name, tenants, count)
        at = int(time.time()) + AHEAD_SECONDS
        fall_due(data, at)
        with Tollgate(options.tollgate, data) as server:
            wake(server, places)
            seconds = wait_for(server, made, max(at, time.time()))
        words = "one tenant" if tenants == 1 else f"{tenants} tenants"
        table.add(f"renewals: {made:,} due at once, {words}", figure=made / seconds, threshold=threshold,
                  peer="PostgreSQL 15, an order each", peer_rate=peers[name], note=PUBLISHED)
    data, places, made = rented(options, folder, "renewing-beside", 1, count)
    at = int(time.time()) + AHEAD_SECONDS
    fall_due(data, at)
    with Tollgate(options.tollgate, data) as server:
        wake(server, places)
        orders = list(load.signed_orders(places, 500 * (AHEAD_SECONDS + options.seconds)))
        time.sleep(max(0, at - time.time() - 1))
        with concurrent.futures.ThreadPoolExecutor(1) as watch:
            done = watch.submit(wait_for, server, made, at)
            round = load.wrk_requests(
                server, folder, options.seconds + 1, orders, PACED_MILLISECONDS, connections=PACED_CONNECTIONS)
            seconds = done.result()
    table.add(f"renewals: orders beside them, at {round.rate:,.0f} a second", [round], figure=round.p99,
              threshold="renewals_orders_p99")
    table.add(f"renewals: {made:,} due at once, done beside orders", figure=seconds, threshold="renewals_beside")
    catch_up(options, folder, table)


def catch_up(options, folder, table):
    """The node was away for an hour, and starts with all of it due; beside it the same start once nothing is due, whose
    tenants are woken too: what they were asked is written to their audit logs while the reads go on."""
    tenants = min(TENANTS, max(1, options.catch_up // 10))
    data, places, made = rented(options, folder, "catching-up", tenants, options.catch_up)
    with Tollgate(options.tollgate, data) as server:
        tenant, reseller = place(server, "beside")
    reads = [load.raw("GET", tenant.base + PATH, load.bearer(reseller.key))]
    fall_due(data, time.time() - AWAY_SECONDS)
    with Tollgate(options.tollgate, data) as server:
        start = time.time()
        wake(server, places)
        with concurrent.futures.ThreadPoolExecutor(1) as watch:
            done = watch.submit(wait_for, server, made, start)
            beside = load.wrk_requests(server, folder, options.seconds, reads, **QUIET)
            seconds = done.result()
    with Tollgate(options.tollgate, data) as server:
        wake(server, places)
        alone = load.wrk_requests(server, folder, options.seconds, reads, **QUIET)
    table.add(f"catching up: {made:,} renewals of {tenants} tenants, due at the start", figure=seconds,
              threshold="catch_up")
    table.add("catching up: reads of another tenant beside it, p99", [beside], figure=beside.p99 / alone.p99,
              threshold="catch_up_beside", peer="the same with nothing due", peer_rate=alone.rate, peer_cpu=alone.cpu,
              note=f"{beside.p99:.2f} ms, alone {alone.p99:.2f} ms")
