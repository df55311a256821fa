#!/usr/bin/env python3
"""Three gateways that share one PostgreSQL (N1, N2, N3, N5), under orders of many resellers at many tenants, each
client at whichever node it likes: nodes are killed and frozen meanwhile. Nothing acknowledged is lost, nothing is done
twice, no read shows an older moment than one before it, no revoked key passes. One till of each tenant goes on through
all rounds; its balance counts its orders. In the end the log is away: no key of the provider's opens a node by itself.
`--long`: 200 tenants, 20 kills and ten freezes."""

import os
import random
import shutil
import time

from cluster import Node, Postgres, share_key
from clusterload import Keys, Load, Till, answered, books, exports, judge
from histories import proof
from shop import Shop
from support import Checks, arguments, together, wait_until

TENANTS, TENANTS_LONG = 6, 200
CLIENTS, CLIENTS_LONG = 10, 8
# Of each reseller in a round.
ORDERS_A_ROUND_MAX = 90
# Each third node is frozen, the others are killed.
ROUNDS, ROUNDS_LONG = 3, 30
# Others serve a node's tenants six seconds after its last beat (N3), which ClusterCasesTests holds them to by their own
# clocks. By the wall a long run gives them four more; a short one, beside others on a busy machine, may take longer. So
# it is for some of its tenants: that the files of all are fetched takes as long as the machine's two cores need.
AWAY_SECONDS_MAX, AWAY_SECONDS_MAX_LONG = 60, 10
WATCHED_MAX = 6
ALL_SECONDS_MAX = 120
FREEZE_SECONDS = 7
MADE_AT_ONCE = 8


class Fleet:
    """The nodes, by name. What fails is chosen by seed."""

    def __init__(self, tollgate, postgres):
        self.nodes = []
        self.tollgate, self.postgres = tollgate, postgres

    def __enter__(self):
        try:
            first = Node(self.tollgate, "a", self.postgres.url)
            self.nodes.append(first)
            first.start()
            for name in ("b", "c"):
                node = Node(self.tollgate, name, self.postgres.url)
                self.nodes.append(node)
                share_key(first, node)
                node.start()
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        for node in self.nodes:
            if node.is_frozen:
                node.thaw()
            node.kill()
            shutil.rmtree(node.data, ignore_errors=True)

    def choose(self, chance):
        """A node that has tenants, to be lost."""
        asked = self.ask("/provider/v1/nodes")
        owners = {node["name"] for node in asked.json["data"] if node["tenants"]}
        return chance.choice([node for node in self.running if node.name in owners])

    @property
    def running(self):
        return [node for node in self.nodes if node.is_running]

    def ask(self, path):
        def answer():
            return self.running[0].get(path, key=self.nodes[0].provider_key)

        # One that was just awake again says that it cannot tell.
        asked = wait_until(lambda: (said := answer()).status != 503 and said)
        assert asked.status == 200, asked
        return asked

    def slugs_of(self, node):
        """Of the tenants that it serves."""
        found, cursor = set(), ""
        while True:
            page = self.ask(f"/provider/v1/placement?limit=100{cursor}")
            found |= {tenant["slug"] for tenant in page.json["data"] if tenant["node"] == node.name}
            if not page.json["has_more"]:
                return found
            cursor = f"&cursor={page.json['next_cursor']}"

    def replace(self, node):
        """A new machine under the old name: nothing is left of the disk but the key that all have."""
        with open(os.path.join(node.data, "master.key"), "rb") as file:
            key = file.read()
        shutil.rmtree(node.data)
        os.makedirs(node.data, mode=0o700)
        path = os.path.join(node.data, "master.key")
        with open(path, "wb") as file:
            file.write(key)
        os.chmod(path, 0o600)


def serving_again(fleet, tills):
    """Seconds until every tenant has answered at every node that runs."""
    began = time.monotonic()
    for till in tills:
        for node in fleet.running:
            wait_until(
                lambda: node.request(
                    "GET", till.shop.base + "/api/partner/v1/balance", key=till.reseller["key"]).status == 200,
                seconds=ALL_SECONDS_MAX, pause_seconds=0.05)
    return time.monotonic() - began


def watched(fleet, tills, node):
    """Some of the tenants that will be without their node."""
    slugs = fleet.slugs_of(node)
    return [till for till in tills if till.shop.slug in slugs][:WATCHED_MAX]


def lose_one(fleet, tills, chance, number):
    """A node is killed, and comes back in its folder or with an empty one. Returns how long its tenants were away."""
    node = fleet.choose(chance)
    seen = watched(fleet, tills, node)
    node.kill()
    away = serving_again(fleet, seen)
    serving_again(fleet, tills)
    if number % 2:
        fleet.replace(node)
    node.start()
    return away


def freeze_one(fleet, tills, chance):
    node = fleet.choose(chance)
    seen = watched(fleet, tills, node)
    node.freeze()
    began = time.monotonic()
    away = serving_again(fleet, seen)
    serving_again(fleet, tills)
    time.sleep(max(0, FREEZE_SECONDS - (time.monotonic() - began)))
    node.thaw()
    return away


def cut_off(fleet):
    """No node can ask whether a key was revoked, or whose a page is."""
    fleet.postgres.stop()
    for node in fleet.running:
        for path in ("/provider/v1/tenants", "/provider/v1/attention", "/provider/v1/nodes"):
            said = node.get(path, key=fleet.nodes[0].provider_key)
            assert said.status == 503 and said.json["code"] == "log_unavailable", (node.name, path, said)
        assert node.get("/console").status == 503, node.name
        for path in ("/console/sign-in", "/healthz"):
            assert node.get(path).status == 200, (node.name, path)
        listed = node.command("node", "list")
        assert listed.returncode == 0, (node.name, listed.stdout, listed.stderr)


def some_at_once(calls):
    """What each call gives, a few of them at a time."""
    return [
        result for start in range(0, len(calls), MADE_AT_ONCE)
        for result in together(calls[start:start + MADE_AT_ONCE])]


def main():
    options = arguments()
    checks = Checks()
    seed = int(os.environ.get("TOLLGATE_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"# seed {seed} (TOLLGATE_TEST_SEED)", flush=True)
    chance = random.Random(seed)
    with checks("N2 the checker of histories finds an order for what happened, and none for what did not"):
        proof(seed)
    with Postgres() as postgres, Fleet(options.tollgate, postgres) as fleet:
        first = fleet.nodes[0]
        for node in fleet.nodes[1:]:
            node.first_key = first.provider_key
        count = TENANTS_LONG if options.long else TENANTS
        places = [chance.choice(fleet.nodes) for _ in range(count)]
        shops = some_at_once([lambda node=node: Shop(node) for node in places])
        storm(checks, options, fleet, shops, chance)
    checks.finish()


def storm(checks, options, fleet, shops, chance):
    tills = some_at_once([lambda shop=shop: Till(shop, shop.product(), ORDERS_A_ROUND_MAX) for shop in shops])
    keys = Keys(fleet, shops[0], shops[0].reseller(), chance)
    with checks("N5 a key minted at one node works at every other at once, and revoked at one it is dead at all"):
        for _ in range(10):
            keys.turn()
    gaps = []
    for number in range(1, (ROUNDS_LONG if options.long else ROUNDS) + 1):
        before = answered(tills)
        for till in tills:
            till.open(ORDERS_A_ROUND_MAX)
        is_freeze = number % 3 == 0
        what = "frozen and awake again" if is_freeze else "killed"
        with checks(f"N2 N3 round {number}: a node is {what} under load, and its tenants are served by others"):
            with Load(fleet, tills, chance, CLIENTS_LONG if options.long else CLIENTS) as load:
                wait_until(lambda: answered(tills) > before + 60)
                away = freeze_one(fleet, tills, chance) if is_freeze else lose_one(fleet, tills, chance, number)
                gaps.append(away)
                serving_again(fleet, tills)
                time.sleep(0.5)
            print(f"# {what}: away for {away:.1f} s, {answered(tills) - before} orders answered, "
                  f"{sum(len(till.reads) for till in tills)} reads so far", flush=True)
            assert not load.unexpected, load.unexpected.most_common(3)
            assert away < (AWAY_SECONDS_MAX_LONG if options.long else AWAY_SECONDS_MAX), away
            keys.check(keys.dead[-5:])
        with checks(f"N2 N5 round {number}: what clients saw can have been one history, and every node says the same"):
            judge(tills)
            books(fleet, tills)
    with checks("N2 every tenant's export verifies, with the Audit-Heads that clients were given by any node"):
        exports(fleet, tills)
    with checks("N5 N6 case 7 while the log is away no provider key opens a node, and the control socket shows it"):
        cut_off(fleet)
    print(f"# served again after {max(gaps, default=0):.1f} s at most, of {len(gaps)} faults", flush=True)


if __name__ == "__main__":
    main()
