"""What falls due (0030): a node at rest with an hour for each of 100,000 tenants; files that are opened at theirs."""

import os
import re
import sqlite3
import time

import machine
from rows_tenants import CALLERS, provision
from servers import Tollgate

DAY_MS = 86_400_000
# Of a minute's.
HOUR_COMES = 10
HOUR_SECONDS = 6


def due(options, folder, table):
    data = os.path.join(folder, "due")
    count = options.due_tenants
    with Tollgate(options.tollgate, data) as server:
        provision(server, [f"t-{index}" for index in range(count)], CALLERS)
    rested = {}
    some_time = f"{now()} + {DAY_MS} + abs(random() % {300 * DAY_MS})"
    for name, hour in (("nothing due", "NULL"), ("an hour each", some_time)):
        set_hours(data, hour)
        # Files that were just made would be packed meanwhile.
        with Tollgate(options.tollgate, data, "--rest-seconds", "0") as server:
            rested[name] = at_rest(server, options.rest_seconds)
    (before, _, _), (after, cpu, opened) = rested["nothing due"], rested["an hour each"]
    # 3 MB for 100,000.
    table.add(f"due: {count:,} tenants with an hour each, memory of it a tenant", figure=max(after - before, 0) / count,
              unit="bytes", threshold="due_bytes", note=f"{after / 1e6:.0f} MB in all")
    table.add(f"due: {count:,} tenants at rest, processor", figure=cpu * 100, unit="%", threshold="due_rest",
              note=f"over {options.rest_seconds} s; {opened - 1:.0f} tenants' files opened")
    latest = ", ".join(f"'t-{index}'" for index in range(count - HOUR_COMES, count))
    set_hours(data, f"iif(slug IN ({latest}), {now() + HOUR_SECONDS * 1000}, {now() + DAY_MS})")
    with Tollgate(options.tollgate, data) as server:
        figures = wait_for_hour(server)
    table.add(f"due: {HOUR_COMES} of {count:,} have their hour, files opened", figure=figures["opened"] - 1,
              threshold="due_opened")
    table.add("due: those files, asked after it at the latest", figure=figures["lag"], threshold="due_lag",
              note="by the histogram: no later than this")


def now():
    return int(time.time() * 1000)


def set_hours(data, hour):
    """As the registry has them after an orderly stop."""
    registry = sqlite3.connect(os.path.join(data, "registry.sqlite"))
    registry.execute(f"INSERT INTO due (tenant_id, at) SELECT id, {hour} FROM tenant WHERE true "
                     "ON CONFLICT DO UPDATE SET at = excluded.at")
    registry.execute("UPDATE due_state SET is_whole = 1")
    registry.commit()
    registry.close()


def at_rest(server, seconds):
    """Resident bytes, share of a core, files opened: the registry's is one."""
    # What a start does is done.
    time.sleep(2)
    resident = machine.resident_bytes(server.pid)
    before, begin = machine.cpu_seconds(server.pids), time.perf_counter()
    time.sleep(seconds)
    share = (machine.cpu_seconds(server.pids) - before) / (time.perf_counter() - begin)
    return resident, share, value(server, "tollgate_files_opened_total")


def wait_for_hour(server):
    deadline = time.monotonic() + HOUR_SECONDS + 30
    while value(server, "tollgate_due_lag_seconds_count") < HOUR_COMES and time.monotonic() < deadline:
        time.sleep(0.2)
    count = value(server, "tollgate_due_lag_seconds_count")
    if count < HOUR_COMES:
        raise SystemExit(f"{count:.0f} of {HOUR_COMES} files were asked")
    return {"opened": value(server, "tollgate_files_opened_total"), "lag": latest(server, "tollgate_due_lag_seconds")}


def latest(server, name):
    """The bound of the histogram's first bucket that has all."""
    all_of_them = value(server, name + "_count")
    for line in metrics(server):
        bucket = re.fullmatch(re.escape(name) + r'_bucket\{le="(.+)"\} (\d+)', line)
        if bucket and int(bucket[2]) >= all_of_them:
            return float(bucket[1])
    raise SystemExit(f"{name} is not told")


def metrics(server):
    server.connection.request("GET", "/metrics")
    return server.connection.getresponse().read().decode().splitlines()


def value(server, name):
    for line in metrics(server):
        if line.startswith(name + " "):
            return float(line.split(" ")[1])
    raise SystemExit(f"{name} is not told")
