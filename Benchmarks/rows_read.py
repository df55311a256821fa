"""The price list, whole pipeline with its audit record, beside nginx with Lua; and one tenant's reads while another floods."""

import http.client
import json
import os
import random
import string

import load
from servers import Nginx, Tollgate

PRODUCTS_ADDED = 10
PEER_KEYS = 100_000
PATH = "/api/partner/v1/products"


def read_place(server):
    """A reseller of the demo with 20 priced products: its tenant, itself."""
    tenant, reseller = server.demo_tenant("hosting")
    tenant.widen(reseller)
    for index in range(PRODUCTS_ADDED):
        sku = f"bench-{index}"
        tenant.admin("POST", "/products", {"sku": sku, "name": f"Bench {index}", "fulfilment": "instant"})
        tenant.admin("PUT", f"/resellers/{reseller.id}/products/{sku}",
                     {"wholesale_monthly": "4.00", "wholesale_annual": "40.00"})
    return tenant, reseller


def read(options, folder, table):
    with Tollgate(options.tollgate, os.path.join(folder, "read")) as server:
        tenant, reseller = read_place(server)
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", tenant.base + PATH, headers=load.bearer(reseller.key))
        body = connection.getresponse().read()
        keys = ["".join(random.choices(string.ascii_letters + string.digits, k=39)) for _ in range(PEER_KEYS - 1)]
        port = server.port + 1 if server.port < 60_000 else server.port - 1
        header = f"Authorization: Bearer {reseller.key}"
        ours, theirs = [], []
        with Nginx(os.path.join(folder, "nginx"), keys + [reseller.key], body, port) as peer:
            for _ in range(options.rounds):
                ours.append(load.wrk(server, options.seconds, path=tenant.base + PATH, headers=[header]))
                theirs.append(load.wrk(peer, options.seconds, headers=[header]))
    rate, cpu = load.median(theirs, "rate"), load.median(theirs, "cpu")
    table.add(f"read: price list, {len(json.loads(body)['data'])} products, {len(body)} bytes", ours, peer="nginx + Lua",
              peer_rate=rate, peer_cpu=cpu, figure=load.median(ours, "rate") / rate, threshold="read")


NEIGHBOUR_LIMIT = 100
# 16 connections a request each 4 ms, and 64 each 6 ms: the pace is the load's, not the server's.
QUIET = {"connections": 16, "delay_milliseconds": 4}
FLOOD = {"connections": 64, "delay_milliseconds": 6}


def neighbour(options, folder, table):
    """The flood is sent to another gateway too: what that does to the reads is the machine's, not the gate's."""
    with (Tollgate(options.tollgate, os.path.join(folder, "neighbour")) as server,
          Tollgate(options.tollgate, os.path.join(folder, "elsewhere")) as elsewhere):
        quiet = server.new_tenant("quiet")
        reader = quiet.price(quiet.new_reseller("quiet"))
        requests = [load.raw("GET", quiet.base + PATH, load.bearer(reader.key))]
        floods = [flood_of(gateway, folder) for gateway in (elsewhere, server)]
        rounds, rates = ([], [], []), []
        for _ in range(options.rounds):
            rounds[0].append(load.wrk_requests(server, folder, options.seconds, requests, **QUIET))
            for place, (gateway, flood) in enumerate(zip((elsewhere, server), floods)):
                # It begins before and ends after what is measured.
                other = load.start_wrk(gateway.port, options.seconds + 2, script=flood, connections=FLOOD["connections"])
                rounds[place + 1].append(load.wrk_requests(server, folder, options.seconds, requests, **QUIET))
                rates.append(load.Round(other.communicate()[0]).rate / NEIGHBOUR_LIMIT)
    times = load.statistics.median(rates)
    for label, kind in zip(("alone, paced", f"while another gateway is sent {times:.0f}× a limit",
                            f"while another tenant is sent {times:.0f}× its limit"), rounds):
        table.add(f"neighbour: reads of one tenant {label}", kind, figure=load.median(kind, "p99"), unit="ms p99")


def flood_of(gateway, folder):
    """A script that reads far faster than its reseller may."""
    tenant = gateway.new_tenant("loud")
    reseller = tenant.price(tenant.new_reseller("loud"))
    tenant.admin("PATCH", f"/resellers/{reseller.id}", {"rate_limit": {"requests": NEIGHBOUR_LIMIT, "window_seconds": 1}})
    request = load.raw("GET", tenant.base + PATH, load.bearer(reseller.key))
    return load.script(folder, [request], FLOOD["delay_milliseconds"])
