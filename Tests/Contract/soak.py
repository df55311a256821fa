#!/usr/bin/env python3
"""A week in twenty minutes (G1, G4, G8): mixed load over many tenants, far more than files may be open, with
exports all the while and restarts in the first quarter. Each tenant's balance is kept here too: no answer may be wrong,
and memory and descriptors must be as flat in the last quarter as in the second. Without --long a short one, so that the
script itself is tried; `--seconds`, `--tenants` for others."""

import collections
import http.client
import json
import os
import random
import statistics
import tempfile
import threading
import time
import uuid
from decimal import Decimal

from support import IS_SANITIZED, Checks, Gateway, arguments, command

THREADS = 8
PRICE = Decimal("1.25")
SAMPLE_SECONDS = 1
# By how much the last quarter's median may lie above the second's.
GROWTH_SHARE_MAX = 0.10
GROWTH_BYTES_MAX = 24 << 20
GROWTH_DESCRIPTORS_MAX = 12
PARTNER = "/api/partner/v1"


def main():
    options = arguments(seconds="how long the load lasts", tenants="how many tenants it is spread over")
    seconds = options.seconds or (20 * 60 if options.long else 16)
    count = options.tenants or (500 if options.long else 20)
    checks = Checks()
    # Files to be had: far fewer than tenants, so that they are closed and opened all the time.
    with Gateway(options.tollgate, "--open-files", str(max(4, count // 10)), demo=False) as gateway:
        soak = Soak(gateway, count, seconds)
        with checks(f"P7 {count} tenants are made"):
            soak.prepare()
        soak.run()
        report(checks, soak)
    checks.finish()


class Tenant:
    """One tenant and what its reseller's balance must be. `lock`: one caller at a time, so that it is known exactly."""

    def __init__(self, gateway, number):
        self.lock = threading.Lock()
        self.slug = f"soak-{number}"
        self.base = f"/t/{self.slug}"
        made = gateway.post("/provider/v1/tenants", {
            "slug": self.slug, "blueprint": "hosting", "owner_email": f"owner@{self.slug}.example", "tier": "pro"}, key=gateway.provider_key)
        assert made.status == 201, made
        self.owner_key = made.json["owner_key"]
        invited = self.admin(gateway, "POST", "/resellers", {"email": f"r@{self.slug}.example", "name": "R"}).json
        self.reseller = {"id": invited["id"], "webhook_secret": invited["webhook_secret"]}
        path = f"/resellers/{invited['id']}"
        self.admin(gateway, "POST", path + "/approve")
        self.admin(gateway, "PATCH", path, {"rate_limit": {"requests": 1_000_000, "window_seconds": 60}})
        self.reseller["key"] = self.admin(gateway, "POST", "/api-keys", {"owner_email": f"r@{self.slug}.example"}).json["key"]
        self.admin(gateway, "POST", "/products", {"sku": "unit", "name": "Unit", "fulfilment": "instant"})
        self.admin(gateway, "PUT", path + "/products/unit", {"wholesale_monthly": str(PRICE)})
        self.balance = Decimal(0)
        self.orders = 0
        # The last order's Idempotency-Key and answer, for replays.
        self.last = None

    def admin(self, gateway, method, path, body=None, headers=None, connection=None):
        answer = gateway.request(method, f"{self.base}/api/admin{path}", body, key=self.owner_key, headers=headers, connection=connection)
        assert answer.status in (200, 201), answer
        return answer


class Soak:
    def __init__(self, gateway, count, seconds):
        self.gateway = gateway
        self.count = count
        self.seconds = seconds
        self.wrong = []
        self.calls = collections.Counter()
        # (moment, memory, descriptors)
        self.samples = []
        self.stopped = threading.Event()
        self.restarts = []
        self.exports = 0

    def prepare(self):
        self.tenants = [Tenant(self.gateway, number) for number in range(self.count)]

    # The load

    def run(self):
        self.started = time.monotonic()
        threads = [threading.Thread(target=self.guarded, args=(self.caller, number)) for number in range(THREADS)]
        threads += [threading.Thread(target=self.guarded, args=(work, 0)) for work in (self.exporter, self.sampler)]
        for thread in threads:
            thread.start()
        self.restart_in_first_quarter()
        while time.monotonic() - self.started < self.seconds and not self.wrong:
            time.sleep(0.2)
        self.stopped.set()
        for thread in threads:
            thread.join(120)

    def guarded(self, work, number):
        try:
            work(number)
        except Exception as error:  # shown at the end
            self.wrong.append(f"{work.__name__}: {error!r}")

    def restart_in_first_quarter(self):
        for share, restart in [(0.08, self.stop_gently), (0.16, self.kill)]:
            time.sleep(max(0, self.started + self.seconds * share - time.monotonic()))
            restart()
        # Where they took longer than the first quarter, it ends with them, and the others follow in full.
        self.started = max(self.started, time.monotonic() - self.seconds / 4)

    def stop_gently(self):
        code = self.gateway.stop()
        if code != 0:
            self.wrong.append(f"the gateway ended with {code}: {self.gateway.errors()}")
        self.gateway.start()
        self.restarts.append("SIGTERM")

    def kill(self):
        self.gateway.kill()
        self.gateway.start()
        self.restarts.append("kill -9")

    def caller(self, number):
        rng = random.Random(number)
        connection = None
        works = [(self.read, 40), (self.order, 25), (self.replay, 10), (self.top_up, 10), (self.quote, 5), (self.list, 5), (self.stranger, 1), (self.refused, 4)]
        choices = [work for work, weight in works for _ in range(weight)]
        while not self.stopped.is_set():
            tenant = rng.choice(self.tenants)
            work = rng.choice(choices)
            with tenant.lock:
                identity = str(uuid.uuid4())
                for attempt in range(200):
                    try:
                        connection = connection or self.gateway.connection()
                        if work(tenant, connection, identity, rng):
                            self.calls[work.__name__] += 1
                            break
                        # 503: told to come again.
                        self.calls["busy"] += 1
                    except (OSError, http.client.HTTPException):
                        # A restart under way: the same call again, under the same Idempotency-Key.
                        self.calls["broken"] += 1
                        if connection:
                            connection.close()
                        connection = None
                    time.sleep(0.1)
                else:
                    self.wrong.append(f"{work.__name__} of {tenant.slug} was never answered")

    def judge(self, tenant, answer, expected, *more):
        """True where the answer is right, false for a 503; anything else is noted."""
        if answer.status == 503 and "retry-after" in answer.headers:
            return False
        if answer.status not in expected or not all(more):
            self.wrong.append((tenant.slug, answer, more))
        return True

    def call(self, tenant, method, path, connection, body=None, key=None):
        return self.gateway.request(method, tenant.base + PARTNER + path, body, key=key or tenant.reseller["key"], connection=connection)

    def read(self, tenant, connection, identity, rng):
        answer = self.call(tenant, "GET", "/balance", connection)
        return self.judge(tenant, answer, (200,), answer.status != 200 or Decimal(answer.json["balance"]) == tenant.balance)

    def body(self, quantity=1):
        return {"product": "unit", "term": "monthly", "quantity": quantity, "customer": {"external_id": "c"}}

    def order(self, tenant, connection, identity, rng):
        answer = self.gateway.order(tenant.base + PARTNER + "/orders", self.body(), tenant.reseller, identity, connection=connection)
        can = tenant.balance >= PRICE
        if not self.judge(tenant, answer, (201,) if can else (402,)):
            return False
        if answer.status == 201:
            tenant.balance -= PRICE
            tenant.orders += 1
            tenant.last = (identity, answer.body)
        return True

    def replay(self, tenant, connection, identity, rng):
        if not tenant.last:
            return True
        answer = self.gateway.order(tenant.base + PARTNER + "/orders", self.body(), tenant.reseller, tenant.last[0], connection=connection)
        return self.judge(tenant, answer, (201,), answer.body == tenant.last[1] or answer.status != 201, answer.headers.get("idempotency-hit") == "true" or answer.status != 201)

    def top_up(self, tenant, connection, identity, rng):
        # By the call's identity: tried again, it is the same call.
        amount = Decimal(int(identity[:4], 16) % 2000 + 1) / 100
        path = f"{tenant.base}/api/admin/resellers/{tenant.reseller['id']}/balance"
        answer = self.gateway.post(path, {"amount": str(amount), "reference": "soak"}, key=tenant.owner_key, headers={"Idempotency-Key": identity}, connection=connection)
        if not self.judge(tenant, answer, (200, 201)):
            return False
        if answer.status < 300:
            tenant.balance += amount
        return True

    def quote(self, tenant, connection, identity, rng):
        answer = self.call(tenant, "POST", "/orders/quote", connection, self.body())
        can = tenant.balance >= PRICE
        return self.judge(tenant, answer, (200,) if can else (402,), answer.status != 200 or Decimal(answer.json["wholesale_total"]) == PRICE)

    def list(self, tenant, connection, identity, rng):
        answer = self.call(tenant, "GET", "/orders?limit=100", connection)
        return self.judge(tenant, answer, (200,), answer.status != 200 or len(answer.json["data"]) == min(100, tenant.orders))

    def stranger(self, tenant, connection, identity, rng):
        """Another tenant's key, and none: the same answer. Past so many a minute their address hears 429."""
        other = rng.choice(self.tenants)
        key = "tgh_live_none" if other is tenant else other.reseller["key"]
        return self.judge(tenant, self.call(tenant, "GET", "/balance", connection, key=key), (401, 429))

    def refused(self, tenant, connection, identity, rng):
        return self.judge(tenant, self.call(tenant, "GET", "/orders/ord_none", connection), (404,))

    # Beside it

    def exporter(self, _):
        rng = random.Random(99)
        while not self.stopped.wait(2):
            tenant = rng.choice(self.tenants)
            try:
                answer = self.gateway.get(f"/provider/v1/tenants/{tenant.slug}/export", key=self.gateway.provider_key)
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                continue
            if answer.status == 503:
                continue
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "copy.sqlite")
                with open(path, "wb") as file:
                    file.write(answer.body)
                verified = command(self.gateway.tollgate, "verify", path)
            if answer.status != 200 or verified.returncode != 0:
                self.wrong.append((tenant.slug, answer.status, verified.stdout, verified.stderr))
            self.exports += 1

    def sampler(self, _):
        while not self.stopped.wait(SAMPLE_SECONDS):
            try:
                metrics = self.gateway.metrics()
            except (OSError, http.client.HTTPException):
                continue
            self.samples.append((time.monotonic(), metrics["process_resident_memory_bytes"], metrics["process_open_fds"]))

    def shares(self):
        """The samples, by what share of the load's time had passed."""
        return [((moment - self.started) / self.seconds, *values) for moment, *values in self.samples]


def report(checks, soak):
    total = sum(soak.calls[name] for name in ("read", "order", "replay", "top_up", "quote", "list", "stranger", "refused"))
    print(f"# {total} calls in {soak.seconds} s over {soak.count} tenants: {dict(soak.calls)}; {soak.exports} exports; restarts: {soak.restarts}")
    with checks("G1 G4 G8 not one wrong answer: balances, replays, lists, refusals, exports that verify, two restarts"):
        assert not soak.wrong, soak.wrong[:5]
        assert total > soak.seconds and soak.exports > 0 and len(soak.restarts) == 2
    metrics = soak.gateway.metrics()
    print(f"# {metrics['tollgate_files_opened_total']:.0f} files opened since the last start, {metrics['tollgate_open_files_max']:.0f} at once")
    with checks("G6 files were closed and opened all the while, and never more than allowed were open at the end"):
        assert metrics["tollgate_files_opened_total"] > 2 * metrics["tollgate_open_files_max"], metrics["tollgate_files_opened_total"]
        assert metrics["tollgate_open_files"] <= metrics["tollgate_open_files_max"] + THREADS
    shares = soak.shares()
    eighths = [[sample[1] for sample in shares if eighth / 8 <= sample[0] < (eighth + 1) / 8] for eighth in range(8)]
    print("# memory by eighths:", " ".join(f"{statistics.median(values) / 1e6:.1f}" for values in eighths if values), "MB")
    second = [sample for sample in shares if 0.25 <= sample[0] < 0.5]
    last = [sample for sample in shares if sample[0] >= 0.75]
    for name, column, room in [("memory", 1, GROWTH_BYTES_MAX), ("descriptors", 2, GROWTH_DESCRIPTORS_MAX)]:
        with checks(f"{name}: the last quarter is as flat as the second"):
            before, after = (statistics.median(sample[column] for sample in samples) for samples in (second, last))
            print(f"# {name}: median of the second quarter {before:.0f}, of the last {after:.0f}")
            assert IS_SANITIZED and name == "memory" or after <= before * (1 + GROWTH_SHARE_MAX) + room, (before, after)
    with checks("G8 after one more restart every tenant's balance is what it was"):
        assert soak.gateway.stop() == 0
        soak.gateway.start()
        for tenant in soak.tenants:
            answer = soak.gateway.get(tenant.base + PARTNER + "/balance", key=tenant.reseller["key"])
            assert answer.status == 200 and Decimal(answer.json["balance"]) == tenant.balance, (tenant.slug, answer, tenant.balance)


if __name__ == "__main__":
    main()
