#!/usr/bin/env python3
"""Two nodes: what the provider's API and the console say of a tenant is the same at the node that serves it and at the
other one (N5): usage, the list, traffic, and what is the matter. Waits for events follow a tenant that moves, and
a node that was drained keeps none that is made at it (N4)."""

import concurrent.futures
import contextlib
import csv
import io
import shutil
import time

from cluster import Node, Postgres, share_key
from console import Console
from shop import PARTNER, Shop
from support import Checks, arguments, wait_until

API = "/provider/v1"
CALLS = 5
REFUSED_CALLS = 30
# Of events. A tenant that moves within its first half takes the wait along.
WAIT_SECONDS = 20
# A node is asked for two seconds; what it held in the database is given up by then or soon after.
SILENCE_SECONDS_MAX = 30


@contextlib.contextmanager
def pair(tollgate, *words):
    """Two nodes with one master key, and with these options."""
    with Postgres() as postgres, Node(tollgate, "a", postgres.url, *words) as first:
        second = Node(tollgate, "b", postgres.url, *words)
        try:
            share_key(first, second)
            second.start()
            second.first_key = first.provider_key
            yield first, second
        finally:
            if second.is_frozen:
                second.thaw()
            second.kill()
            shutil.rmtree(second.data, ignore_errors=True)


def ask(node, path):
    answer = node.get(API + path, key=node.provider_key)
    assert answer.status == 200, (node.name, path, answer)
    return answer


def month(node, shop):
    """Of the running month."""
    return ask(node, f"/usage?tenant={shop.slug}").json["data"][0]


def listed(node, shop):
    row, = ask(node, f"/tenants?q={shop.slug}").json["data"]
    return row


def figures(tenant):
    return tenant["bytes"], tenant["counts"]["requests_this_month"], tenant["last_request_at"]


def call(shop, reseller, times=CALLS):
    for _ in range(times):
        used = shop.get(reseller, "/balance")
        assert used.status == 200, used


def usage(checks, nodes, shop, reseller):
    first, second = nodes
    with checks("N5 P9 usage at one node has every call that another one answered before the question, as CSV too"):
        for asked in (first, second, first):
            before = month(asked, shop)["requests"]
            call(shop, reseller)
            assert month(asked, shop)["requests"] == before + CALLS, (asked.name, before)
        call(shop, reseller)
        exported = ask(first, f"/usage.csv?tenant={shop.slug}").body.decode()
        row, = csv.DictReader(io.StringIO(exported))
        assert int(row["requests"]) == month(second, shop)["requests"], row


def lists(checks, nodes, own, shop, reseller):
    first, second = nodes
    with checks("N5 P2 the list has a tenant's size, requests and last request at every node as its own tells them"):
        for asked in (first, second):
            call(shop, reseller)
            month(asked, shop)
            alone = ask(asked, f"/tenants/{shop.slug}").json
            assert alone["counts"]["requests_this_month"] >= CALLS and alone["last_request_at"], alone
            for node in nodes:
                assert figures(listed(node, shop)) == figures(alone), (asked.name, node.name, alone)
    with checks("N5 P2 the list is in the same order at every node, by last request and by size"):
        for last in (own, shop):
            assert last.admin("GET", "/resellers").status == 200
            month(first, last)
            for node in nodes:
                page = ask(node, "/tenants?sort=-last_request&limit=1").json["data"]
                assert [row["slug"] for row in page] == [last.slug], (node.name, page)
        pages = [ask(node, "/tenants?sort=size").json["data"] for node in nodes]
        sizes = [[(row["slug"], row["bytes"]) for row in page] for page in pages]
        assert sizes[0] == sizes[1] and all(size > 0 for _, size in sizes[0]), sizes


def traffic(checks, nodes, own, shop, reseller):
    def answered(node):
        rows = ask(node, f"/traffic?tenant={own.slug},{shop.slug}").json["data"]
        assert [row["slug"] for row in rows] == [own.slug, shop.slug], rows
        return [sum(hour["answered"] for hour in row["hours"]) for row in rows]

    with checks("N5 U1 traffic of tenants of several nodes is told at each of them"):
        before = answered(nodes[0])
        call(shop, reseller)
        # An hour that ends meanwhile is one of the last day still.
        assert answered(nodes[0]) == answered(nodes[1]) == [before[0], before[1] + CALLS], before
        nobody = nodes[0].get(f"{API}/traffic?tenant=nobody", key=nodes[0].provider_key)
        assert nobody.status == 404, nobody


def attention(checks, nodes):
    first, second = nodes
    shop = Shop(second, slug="troubled")

    def matters(node):
        told = ask(node, "/attention").json
        assert told["troubled"] == len(told["data"]), told
        return {row["slug"]: {matter["code"] for matter in row["matters"]} for row in told["data"]}

    with checks("N5 U1 what only a tenant's own node knows is the matter with it is told at every node, once"):
        assert matters(first) == matters(second) == {}
        for _ in range(REFUSED_CALLS):
            assert shop.admin("GET", "/orders/none").status == 404
        changed = first.patch(f"{API}/tenants/{shop.slug}", {"quotas": {"keys": 1}}, key=first.provider_key)
        assert changed.status == 200, changed
        wanted = {shop.slug: {"quota_full", "calls_refused"}}
        wait_until(lambda: month(first, shop) and matters(second) == wanted)
        assert matters(first) == wanted, matters(first)
    with checks("N5 U1 the console's page of tenants has that trouble and these figures at the other node too"):
        text = Console(first).get().text
        assert "The quota of keys is used up." in text and f"{REFUSED_CALLS} of" in text, text


def place(node, shop):
    """The tenant goes to that node."""
    moved = node.post(f"{API}/tenants/{shop.slug}/move", {"node": node.name}, key=node.provider_key)
    assert moved.status == 200, moved


def waits(checks, nodes, shop, reseller):
    first, second = nodes
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "0.10"})

    def newest():
        """Where the feed ends."""
        page = shop.get(reseller, "/events?limit=100").json
        while page["has_more"]:
            page = shop.get(reseller, f"/events?limit=100&after={page['next_cursor']}").json
        return page["next_cursor"]

    with checks("N4 H4 a wait for events, begun at any node, goes with its tenant and hears what is done at the next"):
        for asked in nodes:
            place(second, shop)
            path = f"{shop.base}{PARTNER}/events?wait={WAIT_SECONDS}&after={newest()}"
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                began = time.monotonic()
                call = pool.submit(asked.get, path, key=reseller["key"])
                time.sleep(0.5)
                place(first, shop)
                order = shop.order(reseller, sku)
                assert order.status == 201, order
                told = call.result()
            assert told.status == 200 and told.json["data"], (asked.name, told)
            assert time.monotonic() - began < WAIT_SECONDS, asked.name
        place(second, shop)


def births(checks, nodes):
    first, second = nodes
    with checks("N4 a node that was drained keeps no tenant that is made or forked at it"):
        drained = second.post(f"{API}/nodes/{second.name}/drain", key=second.provider_key)
        assert drained.status == 200, drained
        late = Shop(second, slug="late")
        forked = second.post(f"{API}/tenants/{late.slug}/fork", {"slug": "later"}, key=second.provider_key)
        assert forked.status == 201, forked
        wait_until(lambda: {row["node"] for row in ask(first, "/placement").json["data"]} == {first.name})
        assert late.admin("GET", "/resellers").status == 200
        undone = second.delete(f"{API}/nodes/{second.name}/drain", key=second.provider_key)
        assert undone.status == 200, undone
        states = {row["name"]: row["state"] for row in ask(second, "/nodes").json["data"]}
        assert states[second.name] == "serving", states


def silence(checks, nodes, shop):
    first, second = nodes

    def told(path):
        # Rows that it held locked are free soon; until then the log may be away.
        return wait_until(lambda: (said := first.get(API + path, key=first.provider_key)).status == 200 and said)

    with checks("N5 a node that stands still keeps nobody waiting for its figures: what it saved last is told"):
        before = month(first, shop)["requests"]
        second.freeze()
        began = time.monotonic()
        for path in ("/attention", f"/traffic?tenant={shop.slug}", "/tenants?sort=-size"):
            told(path)
        assert told(f"/usage?tenant={shop.slug}").json["data"][0]["requests"] >= before
        assert time.monotonic() - began < SILENCE_SECONDS_MAX
        second.thaw()


def main():
    options = arguments()
    checks = Checks()
    with pair(options.tollgate) as nodes:
        own, shop = (Shop(node, slug=f"of-{node.name}") for node in nodes)
        reseller = shop.reseller(balance="10.00")
        # What a beat tells of who has a new tenant.
        wait_until(lambda: {row["slug"]: row["node"] for row in ask(nodes[0], "/placement").json["data"]} == {
            "of-a": "a", "of-b": "b"})
        usage(checks, nodes, shop, reseller)
        lists(checks, nodes, own, shop, reseller)
        traffic(checks, nodes, own, shop, reseller)
        attention(checks, nodes)
        waits(checks, nodes, shop, reseller)
        births(checks, nodes)
        # It takes tenants again once the other knows.
        wait_until(lambda: {row["state"] for row in ask(nodes[0], "/nodes").json["data"]} == {"serving"})
        place(nodes[1], shop)
        silence(checks, nodes, shop)
    checks.finish()


if __name__ == "__main__":
    main()
