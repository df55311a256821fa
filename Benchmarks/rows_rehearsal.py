"""A limit tried on what a key called (O2): how long it takes over a million records of the log, and what another caller
of the tenant waits meanwhile. What it says is held against the bucket itself by Tests/Contract/rehearsal.py."""

import os
import time

import load
from fixed_load import Reader
from rows_read import PATH
from servers import Tollgate

SECONDS_MAX = 600
# It refuses some of them: that is not the shortest way through.
TRIAL = {"requests": 1_000, "window_seconds": 1, "days": 1}


def rehearsal(options, folder, table):
    with Tollgate(options.tollgate, os.path.join(folder, "rehearsal")) as server:
        tenant = server.new_tenant("rehearsed")
        caller, other = (tenant.price(tenant.new_reseller(name)) for name in ("caller", "other"))
        called(server, options, tenant, caller)
        key = tenant.admin("GET", f"/api-keys?reseller={caller.id}")["data"][0]["id"]
        balance = load.raw("GET", f"{tenant.base}/api/partner/v1/balance", load.bearer(other.key))
        with Reader(server.port, balance) as reader:
            start = time.perf_counter()
            tried = tenant.admin("POST", f"/api-keys/{key}/limit/rehearse", TRIAL)
            seconds = time.perf_counter() - start
    if tried["asked"] < options.rehearsed:
        raise SystemExit(f"the log has {tried['asked']} calls of {options.rehearsed}")
    table.add(f"rehearsal: a limit over {tried['asked']:,} calls", figure=seconds, threshold="rehearsal",
              note=f"{tried['would_be_refused']:,} would be refused")
    table.add("rehearsal: a read of the same tenant beside it", figure=load.percentile(reader.milliseconds, 0.99),
              threshold="rehearsal_beside",
              note=f"longest {max(reader.milliseconds):.1f} ms of {len(reader.milliseconds):,}")


def called(server, options, tenant, reseller):
    """As many calls as the log shall have."""
    count, deadline = 0, time.monotonic() + SECONDS_MAX
    while count < options.rehearsed:
        if time.monotonic() > deadline:
            raise SystemExit(f"{count} of {options.rehearsed} calls were made")
        count += load.wrk(server, options.seconds, path=tenant.base + PATH,
                          headers=[f"Authorization: Bearer {reseller.key}"]).requests
