#!/usr/bin/env python3
"""A tenant of a cluster taken back to a moment of its past, and forked as it was then, through the node that does not
have it (B2): what it goes back by is in the nodes' PostgreSQL alone. So is what a backup at one node has of the tenants
of the others (P11)."""

import json
import os
import random
import shutil
import tempfile
import time

from cluster import Node, Postgres, share_key
from nodecopies import backed_up
from past import Life, differing, differing_restored, forks, moment, refusals, rows, tick
from shop import Shop
from support import Checks, Gateway, arguments, command, verified_export, wait_until, write_private

MOMENTS = 12
# Records after which a node puts a snapshot, by default; a long run comes past them.
ACTS_LONG = 900


def restores(checks, other, life):
    at, expected = life.known[len(life.known) // 2]
    with checks("B2 a tenant goes back to a moment through another node: every row of then and none of after, its log "
                "says so"):
        done = life.post(f"/restore?at={moment(at)}")
        assert done.status == 200, done
        found = rows(verified_export(other, life.shop.slug))
        assert not differing_restored(found, expected), differing_restored(found, expected)
        life.order()
        page = life.shop.admin("GET", "/audit?action=tenant.restored").json["data"]
        assert len(page) == 1, page


def forked(gateway, life, known):
    """A fork of a moment has what the tenant had then."""
    at, expected = known
    slug = life.fresh()
    made = life.post("/fork", {"slug": slug, "at": moment(at)})
    assert made.status == 201, made
    found = rows(verified_export(gateway, slug))
    assert not differing(found, expected), (moment(at), differing(found, expected))


def lost(checks, owner, other, life):
    with checks("B2 N2 with the node that had it lost, the one that took over goes back as far, and on from there"):
        owner.kill()
        wait_until(lambda: life.shop.admin("GET", "/resellers").status == 200, 60)
        forked(other, life, life.known[0])
        life.act()
        life.note()
        for known in (life.known[-1], random.choice(life.known[:-1])):
            forked(other, life, known)


def placed(node):
    """Whose each tenant is."""
    listed = node.get("/provider/v1/placement", key=node.provider_key)
    assert listed.status == 200, listed
    return {row["slug"]: row["node"] for row in listed.json["data"]}


def backups(checks, owner, other, life):
    """At each node, of the tenants of both."""
    second = Shop(other, "second-shop")
    reseller, sku = second.reseller(balance="100.00"), second.product()
    second.price(reseller, sku, {"wholesale_monthly": "1.00"})
    order = second.order(reseller, sku, key="kept")
    assert order.status == 201, order
    path = life.shop.base + "/api/partner/v1/orders?limit=100"

    def orders(gateway):
        listed = gateway.get(path, key=life.reseller["key"])
        assert listed.status == 200, listed
        return [row["id"] for row in listed.json["data"]]

    ordered = orders(owner)
    with tempfile.TemporaryDirectory() as folder:
        word = os.path.join(folder, "word")
        write_private(word, "the passphrase of the backup\n")
        with checks("P11 N1 a backup at any node of a cluster has the tenants of all, and fails for none"):
            # What a beat tells of who has a new tenant.
            wait_until(lambda: set(placed(owner).values()) == {"a", "b"})
            places = placed(owner)
            for node in (owner, other):
                report = backed_up(node, os.path.join(folder, node.name), "--passphrase-file", word)
                assert not report["failed"], report
                assert sorted(row["slug"] for row in report["tenants"]) == sorted(places), (report, places)
        with checks("P11 N1 a node by itself is made of it, and serves every order of each node's tenants"):
            target = os.path.join(folder, "alone")
            made = command(
                owner.tollgate, "restore-node", os.path.join(folder, owner.name), "--data", target, "--passphrase-file",
                word, "--json")
            assert made.returncode == 0, (made.stdout, made.stderr)
            assert sorted(json.loads(made.stdout)["restored"]) == sorted(places), made.stdout
            # With a log of its own, whatever the script's other gateways are.
            with Gateway(owner.tollgate, "--commits", "log", data=target, demo=False) as alone:
                alone.first_key = owner.provider_key
                assert ordered and orders(alone) == ordered, (orders(alone), ordered)
                second.gateway = alone
                again = second.order(reseller, sku, key="kept")
                assert again.status == 201 and again.body == order.body, (again, order)
                for slug in places:
                    verified_export(alone, slug)


def live(life, long):
    """Moments of which it is known what the tenant had."""
    for _ in range(MOMENTS):
        for _ in range(ACTS_LONG // MOMENTS if long else 1):
            life.act()
        life.note()


def main():
    options = arguments()
    checks = Checks()
    with Postgres() as postgres:
        owner, other = Node(options.tollgate, "a", postgres.url), Node(options.tollgate, "b", postgres.url)
        try:
            owner.start()
            share_key(owner, other)
            other.start()
            other.first_key = owner.provider_key
            before = tick(time.time())
            life = Life(owner)
            with checks("B2 a new tenant of a cluster has a past from its first moment on"):
                assert life.has_past()
                early = life.post("/fork", {"slug": "too-early", "at": moment(before)})
                assert early.status == 409 and early.json["code"] == "before_past", early
            live(life, options.long)
            backups(checks, owner, other, life)
            # From here on nobody asks the node that has the tenant.
            life.gateway = life.shop.gateway = other
            forks(checks, other, life)
            restores(checks, other, life)
            with checks("B2 what a restore took away can be gone back to"):
                forked(other, life, life.known[-1])
            refusals(checks, other, life)
            lost(checks, owner, other, life)
        finally:
            for node in (owner, other):
                node.kill()
                shutil.rmtree(node.data, ignore_errors=True)
    checks.finish()


if __name__ == "__main__":
    main()
