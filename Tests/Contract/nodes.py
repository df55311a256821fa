#!/usr/bin/env python3
"""Three gateways that share one PostgreSQL (N1, N2, N3, N5), under orders of many resellers at many tenants, each
client at whichever node it likes: nodes are killed and frozen meanwhile. Nothing acknowledged is lost, nothing is done
twice, no read shows an older moment than one before it, no revoked key passes. One till of each tenant goes on through
all rounds; its balance counts its orders. In the end the log is away: no key of the provider's opens a node by itself.
`--long`: twenty rounds."""

from collections import Counter
from decimal import Decimal
import http.client
import os
import random
import shutil
import threading
import time

from cluster import Node, Postgres, share_key
from histories import Read, Size, Write, fault, proof
from shop import Shop
from support import Checks, arguments, together, verified_export, wait_until

TENANTS = 6
CLIENTS = 10
# A page of a list: what one read shows is one moment.
ORDERS_A_RESELLER_MAX = 90
FUNDS = 100_000
ROUNDS = 3
ROUNDS_LONG = 20
# Others serve a node's tenants six seconds after its last beat (N3), which ClusterCasesTests holds them to by their own
# clocks. By the wall a long run gives them four more; a short one, beside others on a busy machine, may take longer.
AWAY_SECONDS_MAX, AWAY_SECONDS_MAX_LONG = 60, 10
FREEZE_SECONDS = 7
# A call that hangs at a frozen node is given up after this, and asked elsewhere.
PATIENCE_SECONDS = 3


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
        def answer():
            return self.running[0].get("/provider/v1/nodes", key=self.nodes[0].provider_key)

        # One that was just awake again says that it cannot tell.
        asked = wait_until(lambda: (said := answer()).status != 503 and said)
        assert asked.status == 200, asked
        owners = {node["name"] for node in asked.json["data"] if node["tenants"]}
        return chance.choice([node for node in self.running if node.name in owners])

    @property
    def running(self):
        return [node for node in self.nodes if node.is_running]

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


class Till:
    """One reseller: a set that orders add to. Its clients' calls and answers, by one clock. `is_endless`: what it has
    outgrows a page of its list, and is read by its balance alone."""

    def __init__(self, shop, sku, is_endless=False):
        self.shop, self.sku, self.is_endless = shop, sku, is_endless
        self.reseller = shop.reseller(balance=f"{FUNDS}.00")
        shop.price(self.reseller, sku, {"wholesale_monthly": "1.00"})
        self.lock = threading.Lock()
        self.writes, self.reads, self.answers = [], [], {}
        self.heads = []

    @property
    def is_full(self):
        return not self.is_endless and len(self.writes) >= ORDERS_A_RESELLER_MAX


class Load:
    """Clients that order and read until they are told to stop."""

    def __init__(self, fleet, tills, chance):
        self.fleet, self.tills = fleet, tills
        self.seeds = [chance.getrandbits(32) for _ in range(CLIENTS)]
        self.over = threading.Event()
        self.revoked = []
        self.stale = []
        self.unexpected = Counter()
        self.numbers = iter(range(1, 1_000_000_000))
        self.number_lock = threading.Lock()

    def __enter__(self):
        self.threads = [
            threading.Thread(target=self.run, args=(random.Random(seed), place))
            for place, seed in enumerate(self.seeds)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"

    def run(self, chance, place):
        try:
            self.work(chance, place)
        except Exception as error:
            self.unexpected[repr(error)] += 1

    def work(self, chance, place):
        # One that waits for a frozen node, and tells what that says once it is awake.
        patience = 20 if place == 0 else PATIENCE_SECONDS
        while not self.over.is_set():
            till = chance.choice(self.tills)
            if chance.random() < 0.6 and not till.is_full:
                self.order(till, chance, patience)
            elif till.is_endless or chance.random() < 0.3:
                self.count(till, chance, patience)
            else:
                self.read(till, chance, patience)

    def call(self, chance, patience, ask):
        """At any node, frozen ones too. None where nothing came back."""
        node = chance.choice([node for node in self.fleet.nodes if node.process.poll() is None] or self.fleet.nodes)
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=patience)
        try:
            return node, ask(connection)
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)
            return node, None
        finally:
            connection.close()

    def order(self, till, chance, patience):
        with self.number_lock:
            name = f"w{next(self.numbers)}"
        write = Write(name, time.monotonic())
        with till.lock:
            till.writes.append(write)
        # Until it is answered: under one key it is done once.
        while True:
            _, answer = self.call(chance, patience, lambda connection: till.shop.order(
                till.reseller, till.sku, customer=name, key=name, connection=connection))
            if answer is not None and answer.status == 201:
                write.returned = time.monotonic()
                with till.lock:
                    till.answers[name] = answer.json["order"]["id"]
                    if "audit-head" in answer.headers:
                        till.heads.append(answer.headers["audit-head"])
                return
            if answer is not None and answer.status != 503:
                self.unexpected["order", answer.status, answer.body[:200]] += 1
                if answer.status not in (409, 429):
                    write.is_refused = answer.status < 500
                    return
            if self.over.is_set():
                return
            time.sleep(0.02)

    def asked(self, till, path, chance, patience):
        """The node that was asked, and its answer; None for one that says nothing of what there is."""
        node, answer = self.call(chance, patience, lambda connection: till.shop.get(
            till.reseller, path, connection=connection))
        if answer is not None and answer.status not in (200, 503):
            self.unexpected["read", answer.status, answer.body[:200]] += 1
        return node, answer if answer is not None and answer.status == 200 else None

    def count(self, till, chance, patience):
        """Each order costs one: what is missing of the money is how many there are."""
        invoked = time.monotonic()
        node, answer = self.asked(till, "/balance", chance, patience)
        if answer is None:
            return
        spent = FUNDS - Decimal(answer.json["balance"])
        assert spent == int(spent), answer
        with till.lock:
            till.reads.append(Size(int(spent), invoked, time.monotonic(), node.name))

    def read(self, till, chance, patience):
        invoked = time.monotonic()
        node, answer = self.asked(till, "/orders?limit=100", chance, patience)
        if answer is None:
            return
        names = [order["customer_external_id"] for order in answer.json["data"]]
        assert len(names) == len(set(names)), ("an order is there twice", names)
        with till.lock:
            till.reads.append(Read(names, invoked, time.monotonic(), node.name))


class Keys:
    """Keys that are minted at one node, used at others, revoked at any; once that was answered, none passes."""

    def __init__(self, fleet, shop, reseller, chance):
        self.fleet, self.shop, self.reseller, self.chance = fleet, shop, reseller, chance
        self.dead = []

    def ask(self, node, method, path, body=None, key=None):
        def answer():
            return node.request(method, self.shop.base + path, body, key=key or self.shop.owner_key)

        # A machine that stands still is a lease that ends: the node says so, and has done nothing.
        return wait_until(lambda: (said := answer()).status != 503 and said)

    def turn(self):
        nodes = self.fleet.running
        minting, revoking = self.chance.choice(nodes), self.chance.choice(nodes)
        minted = self.ask(minting, "POST", "/api/admin/api-keys", {"owner_email": self.reseller["email"]})
        assert minted.status == 201, minted
        for node in nodes:
            used = self.ask(node, "GET", "/api/partner/v1/balance", key=minted.json["key"])
            assert used.status == 200, ("a key that was minted elsewhere", node.name, used)
        revoked = self.ask(revoking, "DELETE", f"/api/admin/api-keys/{minted.json['id']}")
        assert revoked.status in (200, 204), revoked
        self.dead.append(minted.json["key"])
        self.check()

    def check(self):
        for node in self.fleet.running:
            for key in self.dead[-5:]:
                used = self.ask(node, "GET", "/api/partner/v1/balance", key=key)
                assert used.status in (401, 429, 503), ("a revoked key passes", node.name, used)


def serving_again(fleet, tills):
    """Seconds until every tenant answers at every node that runs."""
    began = time.monotonic()

    def all_answer():
        return all(
            node.request("GET", till.shop.base + "/api/partner/v1/balance", key=till.reseller["key"]).status == 200
            for till in {till.shop.slug: till for till in tills}.values() for node in fleet.running)

    wait_until(all_answer, pause_seconds=0.1)
    return time.monotonic() - began


def lose_one(fleet, tills, chance, number):
    """A node is killed, and comes back in its folder or with an empty one. Returns how long its tenants were away."""
    node = fleet.choose(chance)
    node.kill()
    away = serving_again(fleet, tills)
    if number % 2:
        fleet.replace(node)
    node.start()
    return away


def freeze_one(fleet, tills, chance):
    node = fleet.choose(chance)
    node.freeze()
    began = time.monotonic()
    away = serving_again(fleet, tills)
    time.sleep(max(0, FREEZE_SECONDS - (time.monotonic() - began)))
    node.thaw()
    return away


def judge(tills):
    """Each reseller's calls and answers, as one set."""
    for till in tills:
        wrong = fault(till.writes, till.reads)
        assert wrong is None, (till.shop.slug, wrong)


def books(fleet, tills):
    """Every node says the same of each reseller: the orders that were acknowledged, each once, and their money."""
    for till in tills:
        for node in fleet.running:
            listed = all_orders(node, till)
            found = {order["customer_external_id"]: order["id"] for order in listed}
            assert len(found) == len(listed), "an order is there twice"
            for name, order in till.answers.items():
                assert found.get(name) == order, (node.name, till.shop.slug, name, order, found.get(name))
            strangers = found.keys() - {write.name for write in till.writes if not write.is_refused}
            assert not strangers, strangers
            balance = node.request("GET", till.shop.base + "/api/partner/v1/balance", key=till.reseller["key"])
            assert balance.json["balance"] == f"{FUNDS - len(found)}.00", (balance, len(found))


def all_orders(node, till):
    orders, cursor = [], ""
    while True:
        listed = node.request(
            "GET", f"{till.shop.base}/api/partner/v1/orders?limit=100{cursor}", key=till.reseller["key"])
        assert listed.status == 200, listed
        orders += listed.json["data"]
        if not listed.json["has_more"]:
            return orders
        cursor = f"&cursor={listed.json['next_cursor']}"


def exports(fleet, tills):
    """From whichever node: chain, ledger and every Audit-Head that clients were given stand in it."""
    by_shop = {}
    for till in tills:
        by_shop.setdefault(till.shop, []).extend(till.heads)
    for shop, heads in by_shop.items():
        words = [word for head in random.sample(heads, min(len(heads), 40)) for word in ("--head", head)]
        verified_export(random.choice(fleet.running), shop.slug, *words)


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
        shops = [Shop(chance.choice(fleet.nodes)) for _ in range(TENANTS)]
        storm(checks, options, fleet, shops, chance)
    checks.finish()


def storm(checks, options, fleet, shops, chance):
    skus = {shop: shop.product() for shop in shops}
    keys = Keys(fleet, shops[0], shops[0].reseller(), chance)
    with checks("N5 a key minted at one node works at every other at once, and revoked at one it is dead at all"):
        for _ in range(10):
            keys.turn()
    steady = together([lambda shop=shop: Till(shop, skus[shop], is_endless=True) for shop in shops])
    tills, gaps = [*steady], []
    for number in range(1, (ROUNDS_LONG if options.long else ROUNDS) + 1):
        fresh = together([lambda shop=shop: Till(shop, skus[shop]) for shop in shops])
        tills += fresh
        is_freeze = number % 3 == 0
        what = "frozen and awake again" if is_freeze else "killed"
        with checks(f"N2 N3 round {number}: a node is {what} under load, and its tenants are served by others"):
            with Load(fleet, fresh + steady, chance) as load:
                wait_until(lambda: sum(len(till.answers) for till in fresh) > 60)
                away = freeze_one(fleet, fresh, chance) if is_freeze else lose_one(fleet, fresh, chance, number)
                gaps.append(away)
                serving_again(fleet, fresh)
                time.sleep(0.5)
            print(f"# {what}: away for {away:.1f} s, {sum(len(till.answers) for till in fresh)} orders answered, "
                  f"{sum(len(till.reads) for till in fresh)} reads; of all rounds "
                  f"{sum(len(till.answers) for till in steady)} and {sum(len(till.reads) for till in steady)}",
                  flush=True)
            assert not load.unexpected, load.unexpected.most_common(3)
            assert away < (AWAY_SECONDS_MAX_LONG if options.long else AWAY_SECONDS_MAX), away
            keys.check()
        with checks(f"N2 N5 round {number}: what clients saw can have been one history, and every node says the same"):
            judge(fresh + steady)
            books(fleet, fresh + steady)
    with checks("N2 every tenant's export verifies, with the Audit-Heads that clients were given by any node"):
        exports(fleet, tills)
    with checks("N5 N6 case 7 while the log is away no provider key opens a node, and the control socket shows it"):
        cut_off(fleet)
    print(f"# served again after {max(gaps, default=0):.1f} s at most, of {len(gaps)} faults", flush=True)


if __name__ == "__main__":
    main()
