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
    with Tollgate(options.tollgate, os.path.join(folder, "neighbour")) as server:
        places = []
        for name in ("quiet", "loud"):
            tenant = server.new_tenant(name)
            places.append((tenant, tenant.price(tenant.new_reseller(name))))
        (quiet, reader), (loud, flooder) = places
        limit = {"requests": NEIGHBOUR_LIMIT, "window_seconds": 1}
        loud.admin("PATCH", f"/resellers/{flooder.id}", {"rate_limit": limit})
        requests = [load.raw("GET", quiet.base + PATH, load.bearer(reader.key))]
        flood = load.script(folder, [load.raw("GET", loud.base + PATH, load.bearer(flooder.key))], FLOOD["delay_milliseconds"])
        alone, beside, floods = [], [], []
        for _ in range(options.rounds):
            alone.append(load.wrk_requests(server, folder, options.seconds, requests, **QUIET))
            # It begins before and ends after what is measured.
            other = load.start_wrk(server.port, options.seconds + 2, script=flood, connections=FLOOD["connections"])
            beside.append(load.wrk_requests(server, folder, options.seconds, requests, **QUIET))
            floods.append(load.Round(other.communicate()[0]))
    rate = load.median(floods, "rate")
    table.add("neighbour: reads of one tenant alone, paced", alone, figure=load.median(alone, "p99"), unit="ms p99")
    table.add(f"neighbour: the same while another floods at {rate / NEIGHBOUR_LIMIT:.0f}× its limit", beside, cpu=None,
              load_cpu=None, peer="the flood", peer_rate=rate, figure=load.median(beside, "p99"), unit="ms p99")
