"""Clients of a cluster while its parts are lost, and what has to hold of all that they were told: for `nodes` and
`failover`. A fleet has `nodes`, and of these those that are `running`."""

from collections import Counter
from decimal import Decimal
import http.client
import random
import threading
import time

from histories import Read, Size, Write, fault
from support import verified_export, wait_until

# A page of a list: what one read shows is one moment.
PAGE_MAX = 100
FUNDS = 100_000
# A call that hangs at a frozen node is given up after this, and asked elsewhere.
PATIENCE_SECONDS = 3
HEADS_MAX = 40


class Till:
    """One reseller: a set that orders add to, each at a price of 1.00. Its clients' calls and answers, by one clock."""

    def __init__(self, shop, sku, room):
        self.shop, self.sku = shop, sku
        self.reseller = shop.reseller(balance=f"{FUNDS}.00")
        shop.price(self.reseller, sku, {"wholesale_monthly": "1.00"})
        self.lock = threading.Lock()
        self.writes, self.reads, self.answers = [], [], {}
        self.heads = []
        self.orders_max = 0
        self.open(room)

    def open(self, room):
        """So many orders more are taken."""
        self.orders_max = len(self.writes) + room

    @property
    def is_full(self):
        return len(self.writes) >= self.orders_max


def answered(tills):
    return sum(len(till.answers) for till in tills)


class Load:
    """Clients that order and read, at whichever node, until they are told to stop. Their answers are the tills'."""

    _numbers = iter(range(1, 1_000_000_000))
    _number_lock = threading.Lock()

    def __init__(self, fleet, tills, chance, clients):
        self.fleet, self.tills = fleet, tills
        self.seeds = [chance.getrandbits(32) for _ in range(clients)]
        self.over = threading.Event()
        self.unexpected = Counter()

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
            elif chance.random() < 0.5 and len(till.writes) < PAGE_MAX:
                self.read(till, chance, patience)
            else:
                self.count(till, chance, patience)

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
        with self._number_lock:
            name = f"w{next(self._numbers)}"
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

    def read(self, till, chance, patience):
        """All orders, where they are one page."""
        node, invoked, answer = self.ask(till, f"/orders?limit={PAGE_MAX}", chance, patience)
        if answer is None or answer.json["has_more"]:
            return
        names = [order["customer_external_id"] for order in answer.json["data"]]
        assert len(names) == len(set(names)), ("an order is there twice", names)
        with till.lock:
            till.reads.append(Read(names, invoked, time.monotonic(), node.name))

    def count(self, till, chance, patience):
        """The balance: it says how many orders there are."""
        node, invoked, answer = self.ask(till, "/balance", chance, patience)
        if answer is None:
            return
        count = FUNDS - Decimal(answer.json["balance"])
        assert count == int(count), answer
        with till.lock:
            till.reads.append(Size(int(count), invoked, time.monotonic(), node.name))

    def ask(self, till, path, chance, patience):
        invoked = time.monotonic()
        node, answer = self.call(
            chance, patience, lambda connection: till.shop.get(till.reseller, path, connection=connection))
        if answer is not None and answer.status not in (200, 503):
            self.unexpected[path, answer.status, answer.body[:200]] += 1
        return node, invoked, answer if answer is not None and answer.status == 200 else None


class Keys:
    """Keys that are minted at one node, used at others, revoked at any; once that was answered, none passes."""

    def __init__(self, fleet, shop, reseller, chance, seconds_max=30):
        self.fleet, self.shop, self.reseller, self.chance = fleet, shop, reseller, chance
        self.seconds_max = seconds_max
        self.dead = []

    def ask(self, node, method, path, body=None, key=None):
        def answer():
            return node.request(method, self.shop.base + path, body, key=key or self.shop.owner_key)

        # A machine that stands still is a lease that ends: the node says so, and has done nothing, or says that it
        # cannot tell; then it is done again.
        return wait_until(lambda: (said := answer()).status != 503 and said, seconds=self.seconds_max)

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
        self.check(self.dead[-5:])

    def check(self, keys):
        for node in self.fleet.running:
            for key in keys:
                used = self.ask(node, "GET", "/api/partner/v1/balance", key=key)
                assert used.status in (401, 429, 503), ("a revoked key passes", node.name, used)


class KeyTurns:
    """Keys that come and go on a thread of its own, until the end of the block."""

    def __init__(self, keys):
        self.keys, self.fault = keys, None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def run(self):
        try:
            while not self.over.is_set():
                self.keys.turn()
                self.over.wait(1)
        except Exception as error:
            self.fault = error

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(2 * self.keys.seconds_max)


def judge(tills):
    """Each reseller's calls and answers, as one set."""
    for till in tills:
        wrong = fault(till.writes, till.reads)
        assert wrong is None, (till.shop.slug, wrong)


def listed(node, till):
    """All orders, page by page, while nobody orders."""
    found, cursor = [], ""
    while True:
        page = node.request(
            "GET", f"{till.shop.base}/api/partner/v1/orders?limit={PAGE_MAX}{cursor}", key=till.reseller["key"])
        assert page.status == 200, page
        found += page.json["data"]
        if not page.json["has_more"]:
            return found
        cursor = f"&cursor={page.json['next_cursor']}"


def books(fleet, tills):
    """Every node says the same of each reseller: the orders that were acknowledged, each once, and their money."""
    for till in tills:
        for node in fleet.running:
            orders = listed(node, till)
            found = {order["customer_external_id"]: order["id"] for order in orders}
            assert len(found) == len(orders), "an order is there twice"
            for name, order in till.answers.items():
                assert found.get(name) == order, (node.name, till.shop.slug, name, order, found.get(name))
            strangers = found.keys() - {write.name for write in till.writes if not write.is_refused}
            assert not strangers, strangers
            balance = node.request("GET", till.shop.base + "/api/partner/v1/balance", key=till.reseller["key"])
            assert balance.json["balance"] == f"{FUNDS - len(found)}.00", (balance, len(found))


def exports(fleet, tills):
    """From whichever node: chain, ledger and every Audit-Head that clients were given stand in it."""
    by_shop = {}
    for till in tills:
        by_shop.setdefault(till.shop, []).extend(till.heads)
    for shop, heads in by_shop.items():
        words = [word for head in random.sample(heads, min(len(heads), HEADS_MAX)) for word in ("--head", head)]
        verified_export(random.choice(fleet.running), shop.slug, *words)
