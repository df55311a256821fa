#!/usr/bin/env python3
"""A tenant of a cluster taken back to a moment of its past, and forked as it was then, through the node that does not
have it (B2): what it goes back by is in the nodes' PostgreSQL alone."""

import random
import shutil
import time

from cluster import Node, Postgres, share_key
from past import Life, differing, forks, moment, refusals, rows, tick
from support import Checks, arguments, verified_export, wait_until

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
        # A price that changed since is told as changed by the restore.
        others = [table for table in differing(found, expected) if table != "price_change"]
        assert not others, others
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
