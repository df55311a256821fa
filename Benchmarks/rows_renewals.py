"""Services that all fall due at one instant (W9): how long until each is charged, told of and audited, of one tenant
and of many, and what orders beside them feel."""

import calendar
import datetime
import glob
import os
import re
import sqlite3
import sys
import time

import load
from fixed_load import Crowd
from servers import Tollgate

# An order of so many units makes as many services.
UNITS = 500
TENANTS = 200
# The node starts before its services are due.
AHEAD_SECONDS = 8
PACED_CONNECTIONS, PACED_MILLISECONDS = 10, 19
SECONDS_MAX = 300


def fall_due(folder, at):
    """The files of a node that is stopped: its services were ordered a month ago, and are due at one instant."""
    due = datetime.datetime.fromtimestamp(int(at), datetime.timezone.utc)
    year, month = (due.year, due.month - 1) if due.month > 1 else (due.year - 1, 12)
    if due.day > 28:
        # No month has each of these days: what was due on the 28th is done as soon as the node is there.
        due = due.replace(day=28)
    anchor = calendar.timegm(due.replace(year=year, month=month).timetuple()) * 1000
    for path in glob.glob(os.path.join(folder, "tenants", "**", "*.sqlite"), recursive=True):
        file = sqlite3.connect(path)
        file.execute("PRAGMA locking_mode=EXCLUSIVE")
        file.execute(
            """UPDATE service SET activated_at = ?1, anchor_at = ?1, renews_at = ?2, next_at = ?2, is_announced = 1
               WHERE state = 'active' AND period = 0""", (anchor, int(due.timestamp()) * 1000))
        file.commit()
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.close()


def wake(server, places):
    """Asks each tenant something: the registry does not know what was done to its file meanwhile."""
    for tenant, _ in places:
        tenant.server = server
        tenant.admin("GET", "/products")


def charged(server):
    server.connection.request("GET", "/metrics")
    text = server.connection.getresponse().read().decode()
    return int(re.search(r'tollgate_due_items_total\{kind="renewal"\} (\d+)', text)[1])


def wait_for(server, count, at):
    """Seconds from the due time until that many were charged."""
    while charged(server) < count:
        if time.time() > at + SECONDS_MAX:
            sys.exit(f"{charged(server)} of {count} services were charged")
        time.sleep(0.02)
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
    for name, tenants, threshold in (("renewing", 1, "renewals_one"), ("renewing-many", TENANTS, "renewals_tenants")):
        tenants = min(tenants, max(1, count // 10))
        data, places, made = rented(options, folder, name, tenants, count)
        at = int(time.time()) + AHEAD_SECONDS
        fall_due(data, at)
        with Tollgate(options.tollgate, data) as server:
            wake(server, places)
            seconds = wait_for(server, made, max(at, time.time()))
        words = "one tenant" if tenants == 1 else f"{tenants} tenants"
        table.add(f"renewals: {made:,} due at once, {words}", figure=made / seconds, threshold=threshold)
    data, places, made = rented(options, folder, "renewing-beside", 1, count)
    at = int(time.time()) + AHEAD_SECONDS
    fall_due(data, at)
    with Tollgate(options.tollgate, data) as server:
        wake(server, places)
        orders = list(load.signed_orders(places, 500 * (AHEAD_SECONDS + options.seconds)))
        time.sleep(max(0, at - time.time() - 1))
        round = load.wrk_requests(
            server, folder, options.seconds + 1, orders, PACED_MILLISECONDS, connections=PACED_CONNECTIONS)
        seconds = wait_for(server, made, at)
    table.add(f"renewals: orders beside them, at {round.rate:,.0f} a second", [round], figure=round.p99,
              threshold="renewals_orders_p99")
    table.add(f"renewals: {made:,} due at once, done beside orders", figure=seconds, threshold="renewals_beside")
