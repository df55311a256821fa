#!/usr/bin/env python3
"""kill -9 under a storm of writes, again and again (G8, B1, G4, G5, P1, P5): every acknowledged write is there after the
restart, exactly once; nothing is repaired by hand. Tenants are made, exported, restored and erased meanwhile. With
the commits in the files' own WALs, and in one log of all. `--long`: 200 kills and 1,000."""

from collections import Counter
from decimal import Decimal
import http.client
import os
import random
import threading
import time

from shop import Shop
from support import Checks, Gateway, arguments, verified_export, wait_until

# Where the commits are, and the kills of each gateway. A new one now and then: what is asked after each kill grows with
# what there is.
RUNS = [("files", 6), ("log", 6)]
RUNS_LONG = [("files", 200)] + 5 * [("log", 200)]
BUYERS = 10
# Answered before the kill of each round.
ORDERS_A_ROUND_MIN = 35
FUNDS = Decimal("100000.00")
PRICE = Decimal("0.37")


class Write:
    """One write: what it was, under which key, and what its client was told (None: nothing, the connection broke).
    `was_cut_off` stays when a retry has brought the answer."""

    def __init__(self, kind, number, key, detail):
        self.kind, self.number, self.key, self.detail = kind, number, key, detail
        self.answer = None
        self.was_cut_off = True


class Storm:
    """Clients that write until the gateway is gone. What they were told is theirs; the checks ask them afterwards."""

    def __init__(self, shop, resellers, sku):
        self.shop, self.resellers, self.sku = shop, resellers, sku
        self.writes = []
        self.unexpected = []
        self.victims = [shop.mint(resellers[0]).json for _ in range(60)]
        self.changeling = Changeling(shop.gateway)

    def run_round(self, number, seconds):
        first, turns = len(self.writes), self.changeling.turns
        self.over = threading.Event()
        workers = [(self.buy, n) for n in range(BUYERS)] + [
            (self.top_up, 0), (self.revoke, 0), (self.mint, 0), (self.provision, 0), (self.read, 0), (self.restore, 0),
            (self.erase, 0)]
        threads = [threading.Thread(target=self.loop, args=(work, number, n)) for work, n in workers]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        # On a busy machine later: so that each round has a storm to be killed in.
        wait_until(lambda: self.is_storm(self.writes[first:], turns), pause_seconds=0.005)
        self.shop.gateway.kill()
        self.over.set()
        for thread in threads:
            thread.join(30)
        return self.writes[first:]

    def is_storm(self, writes, turns):
        """Whether orders and an erasure were answered, and a tenant was restored and is again being."""
        answered = Counter(write.kind for write in writes if not write.was_cut_off)
        return answered["order"] >= ORDERS_A_ROUND_MIN and answered["erase"] > 0 and self.changeling.turns > turns + 1

    def loop(self, work, round_number, worker):
        connection = self.shop.gateway.connection()
        step = 0
        try:
            while not self.over.is_set():
                step += 1
                work(connection, f"{round_number}-{worker}-{step}", worker)
        except (OSError, http.client.HTTPException):
            pass  # killed: whatever was under way has no answer
        finally:
            connection.close()

    def attempt(self, write, call):
        self.writes.append(write)
        write.answer = call()
        write.was_cut_off = False
        if write.answer.status not in (200, 201):
            self.unexpected.append((write.kind, write.answer))

    def buy(self, connection, name, worker):
        quantity = 1 + hash(name) % 3
        write = Write("order", worker % len(self.resellers), f"order-{name}", quantity)
        self.attempt(write, lambda: self.order(write, connection))

    def order(self, write, connection=None):
        return self.shop.order(
            self.resellers[write.number], self.sku, quantity=write.detail, customer=f"c-{write.key[-1]}", key=write.key,
            connection=connection)

    def top_up(self, connection, name, worker):
        write = Write("top-up", 0, f"top-up-{name}", Decimal("0.11"))
        self.attempt(write, lambda: self.pay(write, connection))

    def pay(self, write, connection=None):
        return self.shop.gateway.request(
            "POST", f"{self.shop.base}/api/admin/resellers/{self.resellers[0]['id']}/balance",
            {"amount": str(write.detail), "reference": write.key}, key=self.shop.owner_key,
            headers={"Idempotency-Key": write.key}, connection=connection)

    def revoke(self, connection, name, worker):
        if not self.victims:
            time.sleep(0.02)
            return
        victim = self.victims.pop()
        write = Write("revoke", 0, victim["id"], victim["key"])
        self.attempt(write, lambda: self.shop.gateway.request(
            "DELETE", f"{self.shop.base}/api/admin/api-keys/{victim['id']}", key=self.shop.owner_key,
            connection=connection))
        time.sleep(0.03)

    def mint(self, connection, name, worker):
        write = Write("mint", 0, f"mint-{name}", None)
        self.attempt(write, lambda: self.shop.gateway.request(
            "POST", f"{self.shop.base}/api/admin/api-keys", {"owner_email": self.resellers[0]["email"]},
            key=self.shop.owner_key, connection=connection))
        time.sleep(0.01)

    def provision(self, connection, name, worker):
        slug = f"born-{name}"
        write = Write("tenant", 0, slug, {"slug": slug, "blueprint": "hosting", "owner_email": f"owner@{slug}.example"})
        self.attempt(write, lambda: self.shop.gateway.request(
            "POST", "/provider/v1/tenants", write.detail, key=self.shop.gateway.provider_key, connection=connection))
        time.sleep(0.02)

    def restore(self, connection, name, worker):
        self.changeling.turn(connection)

    def erase(self, connection, name, worker):
        """Made, erased: told as erased, it is gone for ever; told of nothing, it is whole or gone."""
        slug = f"brief-{name}"
        wish = {"slug": slug, "blueprint": "hosting", "owner_email": f"owner@{slug}.example"}
        made = self.shop.gateway.request(
            "POST", "/provider/v1/tenants", wish, key=self.shop.gateway.provider_key, connection=connection)
        if made.status != 201:
            self.unexpected.append(("brief tenant", made))
            return
        write = Write("erase", 0, slug, made.json["owner_key"])
        self.writes.append(write)
        write.answer = self.shop.gateway.request(
            "DELETE", f"/provider/v1/tenants/{slug}?confirm={slug}", key=self.shop.gateway.provider_key, connection=connection)
        write.was_cut_off = False
        if write.answer.status != 204:
            self.unexpected.append((write.kind, write.answer))

    def read(self, connection, name, worker):
        self.shop.call(self.resellers[0], "GET", "/products", connection=connection)


class Changeling:
    """A tenant that is restored again and again between two exports of its, of one order and of three."""

    ORDERS = (1, 3)

    def __init__(self, gateway):
        self.gateway = gateway
        self.shop = Shop(gateway)
        sku = self.shop.product()
        self.buyer = self.shop.reseller(balance="100.00")
        self.shop.price(self.buyer, sku, {"wholesale_monthly": "1.00"})
        self.dead = self.shop.mint(self.buyer).json
        self.exports = []
        for count in self.ORDERS:
            while len(self.shop.get(self.buyer, "/orders").json["data"]) < count:
                assert self.shop.order(self.buyer, sku).status == 201
            self.exports.append(self.export().body)
        assert self.shop.admin("DELETE", f"/api-keys/{self.dead['id']}").status in (200, 204)
        self.told = 1
        self.unexpected = []
        self.turns = 0

    def export(self, connection=None):
        return self.gateway.request(
            "GET", f"/provider/v1/tenants/{self.shop.slug}/export", key=self.gateway.provider_key, connection=connection)

    def turn(self, connection):
        self.turns += 1
        path = f"/provider/v1/tenants/{self.shop.slug}/restore"
        answer = self.gateway.request(
            "POST", path, self.exports[self.turns % 2], key=self.gateway.provider_key, connection=connection)
        if answer.status != 200:
            self.unexpected.append(answer)
            return
        self.told = answer.json["incarnation"]
        copied = self.export(connection)
        if copied.status != 200:
            self.unexpected.append(copied)

    def check(self):
        """One of the two, whole; never older than what was told; the key revoked since stays dead."""
        assert not self.unexpected, self.unexpected[:2]
        head = self.shop.admin("GET", "/audit/head").json
        assert int(head["incarnation"]) >= self.told, (head, self.told)
        orders = len(self.shop.get(self.buyer, "/orders").json["data"])
        assert orders in self.ORDERS and self.shop.balance(self.buyer) == 100 - orders, orders
        assert self.shop.get(self.buyer, "/balance", key=self.dead["key"]).status == 401
        verified_export(self.gateway, self.shop.slug, "--all-signatures")


def main():
    options = arguments()
    checks = Checks()
    seed = int(os.environ.get("TOLLGATE_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"# seed {seed} (TOLLGATE_TEST_SEED)", flush=True)
    chance = random.Random(seed)
    kills = 0
    for commits, rounds in RUNS_LONG if options.long else RUNS:
        # A storm mints more keys than a reseller may have.
        with Gateway(
                options.tollgate, "--commits", commits, "--budget", "keys_reseller=100000", demo=False) as gateway:
            run(checks, gateway, chance, commits, range(kills + 1, kills + rounds + 1))
        kills += rounds
    checks.finish()


def run(checks, gateway, chance, commits, numbers):
    rounds = len(numbers)
    shop = Shop(gateway)
    sku = shop.product()
    resellers = [shop.reseller(balance=str(FUNDS)) for _ in range(3)]
    for reseller in resellers:
        shop.price(reseller, sku, {"wholesale_monthly": str(PRICE)})
    storm = Storm(shop, resellers, sku)
    for number in numbers:
        with checks(f"G8 B1 kill -9, number {number}, commits in the {commits}: it starts again by itself, what was "
                    "acknowledged is there, once"):
            writes = storm.run_round(number, chance.uniform(0.05, 0.6))
            gateway.start()
            after_restart(gateway, storm, writes, chance)
            storm.changeling.check()
            no_orphans(gateway)
    with checks(f"G8 nothing unexpected was answered while the storm went on, commits in the {commits}"):
        assert not storm.unexpected, storm.unexpected[:3]
    with checks(f"G8 the storm was one, commits in the {commits}: orders by the hundred, and kills in the middle of "
                "writes"):
        counted = Counter((write.kind, not write.was_cut_off) for write in storm.writes)
        print(f"# {commits}, {rounds} kills: " + ", ".join(
            f"{kind} {'answered' if done else 'cut off'} {count}" for (kind, done), count in sorted(counted.items())),
            flush=True)
        assert counted["order", True] >= rounds * ORDERS_A_ROUND_MIN and counted["order", False] >= rounds, counted
        assert storm.changeling.turns > rounds and counted["erase", True] > 0, counted
    with checks("G8 G4 every order of every kill: the same bytes again under its Idempotency-Key, commits in the "
                f"{commits}"):
        for write in storm.writes:
            if write.kind == "order" and chance.random() < 0.2:
                again = storm.order(write)
                assert again.status == 201 and again.body == write.answer.body, (write.key, again)
                assert again.headers["idempotency-hit"] == "true"
    with checks(f"G8 B1 0 lost and 0 doubled, commits in the {commits}: orders, units, balances and statements agree "
                "with what clients were told, to the cent"):
        books(shop, storm)
    with checks(f"G8 G5 the export verifies, commits in the {commits}: chain, ledger, and every Audit-Head that clients "
                "were given stands in it"):
        exported(gateway, shop, storm, rounds)


def after_restart(gateway, storm, writes, chance):
    for write in writes:
        told = write.answer
        if write.kind == "order":
            again = storm.order(write)
            assert again.status == 201, (write.key, again)
            if told is not None:
                assert again.body == told.body, ("another answer to the same key", told, again)
                assert again.headers.get("idempotency-hit") == "true", (write.key, again.headers)
            write.answer = told or again
        elif write.kind == "top-up":
            again = storm.pay(write)
            assert again.status in (200, 201), again
            if told is not None:
                assert again.body == told.body and again.headers.get("idempotency-hit") == "true", (told, again)
            write.answer = told or again
        elif write.kind == "revoke" and told is not None:
            answer = storm.shop.call({}, "GET", "/balance", key=write.detail)
            assert answer.status in (401, 429), ("a revoked key passes", answer)
        elif write.kind == "mint" and told is not None:
            answer = storm.shop.call({}, "GET", "/balance", key=told.json["key"])
            assert answer.status == 200, ("a minted key is unknown", answer)
        elif write.kind == "tenant":
            whole_or_none(gateway, write)
        elif write.kind == "erase":
            found = gateway.get(f"/provider/v1/tenants/{write.key}", key=gateway.provider_key).status
            opens = gateway.get(f"/t/{write.key}/api/admin/resellers", key=write.detail).status
            assert (found, opens) in ((404, 401), (404, 429)) or told is None and (found, opens) == (200, 200), (found, opens, told)


def whole_or_none(gateway, write):
    """P1: a crash at any step leaves no tenant or a whole one; a told one is there with its key."""
    if write.answer is not None:
        answer = gateway.get(f"/t/{write.key}/api/admin/resellers", key=write.answer.json["owner_key"])
        assert answer.status == 200, ("a tenant that was told of is not there", answer)
        return
    again = gateway.post("/provider/v1/tenants", write.detail, key=gateway.provider_key)
    assert again.status in (201, 409), again
    if again.status == 409:
        again = gateway.post(f"/provider/v1/tenants/{write.key}/owner-key", key=gateway.provider_key)
        assert again.status == 201, ("half a tenant", again)
    answer = gateway.get(f"/t/{write.key}/api/admin/resellers", key=again.json["owner_key"])
    assert answer.status == 200, ("half a tenant", answer)
    products = gateway.get(f"/t/{write.key}/api/admin/products", key=again.json["owner_key"])
    assert products.status == 200 and products.json["data"], ("half a tenant", products)


def no_orphans(gateway):
    """Each file is a tenant's that there is, and nothing half-made is left beside them."""
    known, cursor = set(), ""
    while True:
        page = gateway.get(f"/provider/v1/tenants?limit=100{cursor}", key=gateway.provider_key).json
        known |= {tenant["id"] for tenant in page["data"]}
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    folder = os.path.join(gateway.data, "tenants")

    def strangers():
        names = [name for _, _, names in os.walk(folder) for name in names]
        return [name for name in names if name.split(".")[0] not in known]

    wait_until(lambda: not strangers())


def all_rows(get, path):
    rows, cursor = [], None
    while True:
        page = get(path + f"?limit=100{f'&cursor={cursor}' if cursor else ''}").json
        rows += page["data"]
        if not page["has_more"]:
            return rows
        cursor = page["next_cursor"]


def books(shop, storm):
    for number, reseller in enumerate(storm.resellers):
        told = [write for write in storm.writes if write.kind == "order" and write.number == number]
        orders = all_rows(lambda path: shop.get(reseller, path), "/orders")
        ids = [order["id"] for order in orders]
        assert len(ids) == len(set(ids))
        assert sorted(ids) == sorted(write.answer.json["order"]["id"] for write in told), (
            f"{len(ids)} orders, {len(told)} acknowledged")
        services = all_rows(lambda path: shop.get(reseller, path), "/services")
        assert sorted(service["id"] for service in services) == sorted(
            service["id"] for write in told for service in write.answer.json["services"])
        assert len(services) == sum(write.detail for write in told)
        spent = sum(Decimal(write.answer.json["wholesale_total"]) for write in told)
        assert spent == sum(PRICE * write.detail for write in told)
        paid = sum(write.detail for write in storm.writes if write.kind == "top-up") if number == 0 else 0
        balance = shop.balance(reseller)
        assert balance == FUNDS + paid - spent, (balance, FUNDS, paid, spent)
        rows = all_rows(lambda path: shop.admin("GET", path), f"/resellers/{reseller['id']}/statement")
        running = Decimal(0)
        for row in reversed(rows):
            running += Decimal(row["amount"])
            assert running == Decimal(row["balance_after"]), row
        assert running == balance


def exported(gateway, shop, storm, rounds):
    heads = [write.answer.headers["audit-head"] for write in storm.writes
             if write.kind == "order" and "audit-head" in write.answer.headers]
    assert len(heads) > rounds * 10
    random.shuffle(heads)
    options = [word for head in heads[:100] for word in ("--head", head)]
    verified_export(gateway, shop.slug, "--all-signatures", *options)


if __name__ == "__main__":
    main()
