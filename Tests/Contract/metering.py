#!/usr/bin/env python3
"""What tenants use of the node, by month (P9): requests, refusals, orders, turnover and bytes, kept over restarts,
kill -9 and erasure; where they stand in their quotas, told to provider and operator."""

import csv
import datetime
from decimal import Decimal
import io
import os

from shop import Shop
from support import Checks, Gateway, arguments, together, wait_until

API = "/provider/v1"
ROW = {"tenant", "tenant_id", "month", "requests", "refusals", "orders", "turnover", "currency", "bytes"}
COUNTS = ("requests", "refusals", "orders", "turnover")


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        provider = Provider(gateway)
        counting(checks, provider)
        dialects(checks, provider)
        keeping(checks, provider)
        forged(checks, provider)
        listing(checks, provider)
        quotas(checks, provider)
        months(checks, provider)
    checks.finish()


class Provider:
    def __init__(self, gateway):
        self.gateway = gateway

    def __call__(self, method, path, body=None, **options):
        options.setdefault("key", self.gateway.provider_key)
        return self.gateway.request(method, API + path, body, **options)

    def usage(self, shop, **query):
        text = "&".join(f"{name}={value}" for name, value in {"tenant": shop.slug, **query}.items())
        answer = self("GET", f"/usage?{text}")
        assert answer.status == 200, answer
        return answer.json["data"]

    def now(self, shop):
        """The tenant's row of the running month."""
        row, = self.usage(shop, month=self.month())
        return row

    def month(self):
        import datetime
        return datetime.datetime.fromtimestamp(self.gateway.now(), datetime.timezone.utc).strftime("%Y-%m")

    def lines(self, shop, action):
        answer = self("GET", f"/log?limit=100&tenant={shop.slug}&action={action}")
        assert answer.status == 200, answer
        return [line["detail"] for line in answer.json["data"]][::-1]


def traded(shop):
    """A reseller with money, and something to buy at 1.25 and 0.50 once."""
    reseller = shop.reseller(balance="1000.00")
    sku, by_hand = shop.product(), shop.product("manual")
    for name in (sku, by_hand):
        shop.price(reseller, name, {"wholesale_monthly": "1.25", "wholesale_setup_fee": "0.50"})
    return reseller, sku, by_hand


def difference(before, after):
    return tuple(
        str(Decimal(after[name]) - Decimal(before[name])) if name == "turnover" else after[name] - before[name]
        for name in COUNTS)


def counting(checks, provider):
    gateway = provider.gateway
    shop = Shop(gateway)
    reseller, sku, by_hand = traded(shop)
    with checks("P9 a row has the tenant, the month and its figures; calls that were just answered are in it"):
        before = provider.now(shop)
        assert set(before) == ROW and before["tenant"] == shop.slug and before["currency"] == "EUR", before
        assert before["requests"] > 0 and before["bytes"] > 100_000 and before["orders"] == 0, before
        assert Decimal(before["turnover"]) == 0 and before["month"] == provider.month(), before
        for _ in range(7):
            assert shop.get(reseller, "/balance").status == 200
        assert difference(before, provider.now(shop)) == (7, 0, 0, "0.00")
    with checks("P9 what is refused is a request and a refusal; strangers and the provider are neither"):
        before = provider.now(shop)
        assert shop.get(reseller, "/orders/ord_nobodys").status == 404
        assert gateway.get(shop.base + "/api/admin/resellers", key=reseller["key"]).status == 403
        for key in (None, "tgh_live_nobody", reseller["key"][:-4] + "AAAA"):
            assert gateway.get(shop.base + "/api/partner/v1/balance", key=key).status == 401
        assert provider("GET", f"/tenants/{shop.slug}").status == 200
        assert provider("POST", f"/tenants/{shop.slug}/owner-key").status == 201
        assert difference(before, provider.now(shop))[:2] == (2, 2), provider.now(shop)
    with checks("P9 G2 a call past its limit is a refusal too, each of a flood"):
        limited = shop.mint(reseller, limit={"requests": 2, "window_seconds": 3_600}).json["key"]
        before = provider.now(shop)
        seen = [gateway.get(shop.base + "/api/partner/v1/balance", key=limited).status for _ in range(40)]
        assert seen.count(429) == 38, seen
        assert difference(before, provider.now(shop)) == (40, 38, 0, "0.00")
    with checks("P9 orders and turnover: what was captured; a hold and a void turn nothing over"):
        before = provider.now(shop)
        assert shop.order(reseller, sku, quantity=2).status == 201
        held = shop.order(reseller, by_hand).json["order"]["id"]
        void = shop.order(reseller, by_hand).json["order"]["id"]
        assert difference(before, provider.now(shop)) == (3, 0, 3, "3.50")
        assert shop.admin("POST", f"/orders/{void}/reject", {"reason": "no room"}).status == 200
        assert shop.admin("POST", f"/orders/{held}/activate", {}).status == 200
        assert difference(before, provider.now(shop)) == (5, 0, 3, "5.25")
    with checks("P9 O10 what is paid back is turned over no more"):
        before = provider.now(shop)
        back = shop.admin("POST", f"/orders/{held}/refund", {"amount": "0.75", "reason": "late"}, idempotent=True)
        assert back.status in (200, 201), back
        assert difference(before, provider.now(shop))[2:] == (0, "-0.75")
    with checks("P9 the turnover is that of the ledger: what came to sales less what left it"):
        listed = [row for row in shop.admin("GET", f"/resellers/{reseller['id']}/statement?limit=100").json["data"]
                  if row["kind"] in ("order", "hold", "void", "refund")]
        assert -sum(Decimal(row["amount"]) for row in listed) == Decimal(provider.now(shop)["turnover"]), listed
    with checks("P9 X7 orders of the test book are none, and turn nothing over"):
        key = shop.mint(reseller, mode="test").json["key"]
        before = provider.now(shop)
        made = shop.order({**reseller, "key": key}, sku)
        assert made.status == 201, made
        assert difference(before, provider.now(shop)) == (1, 0, 0, "0.00")


def dialects(checks, provider):
    gateway = provider.gateway
    with checks("P9 orders and turnover of every dialect that sells: codes and ports too"):
        codes = Shop(gateway, blueprint="codes")
        reseller = codes.reseller(balance="100.00")
        before = provider.now(codes)
        made = gateway.post(
            codes.base + "/api/reseller/generate", {"planId": "1month", "count": 3},
            headers={"x-api-key": reseller["key"]})
        assert made.status == 200 and len(made.json["codes"]) == 3, made
        paid = -sum(Decimal(row["amount"]) for row in codes.admin(
            "GET", f"/resellers/{reseller['id']}/statement").json["data"] if row["kind"] == "codes")
        assert difference(before, provider.now(codes))[:3] == (2, 0, 1) and paid > 0, paid
        assert Decimal(provider.now(codes)["turnover"]) == paid, (paid, provider.now(codes))


def keeping(checks, provider):
    gateway = provider.gateway
    shop = Shop(gateway)
    reseller, sku, _ = traded(shop)
    with checks("P9 G8 what was answered before kill -9 is counted once after it"):
        provider.now(shop)
        for round_number in range(3):
            before = provider.now(shop)
            answers = together([lambda: shop.order(reseller, sku) for _ in range(12)])
            assert [answer.status for answer in answers] == [201] * 12, answers
            # Reads that no commit took along are in memory for seconds; orders are not.
            gateway.kill()
            gateway.start()
            assert difference(before, provider.now(shop)) == (12, 0, 12, "21.00"), round_number
    with checks("P9 a stop in order loses nothing, and a second look counts nothing twice"):
        before = provider.now(shop)
        for _ in range(5):
            shop.get(reseller, "/balance")
        assert shop.order(reseller, sku).status == 201
        gateway.stop()
        gateway.start()
        assert difference(before, provider.now(shop)) == (6, 0, 1, "1.75")
        assert provider.now(shop) == provider.now(shop)
    with checks("P9 P5 a restore takes no use back: what is done in the new file is counted too"):
        export = provider("GET", f"/tenants/{shop.slug}/export")
        assert shop.order(reseller, sku).status == 201
        before = provider.now(shop)
        assert provider("POST", f"/tenants/{shop.slug}/restore", export.body).status == 200
        assert difference(before, provider.now(shop)) == (0, 0, 0, "0.00")
        assert shop.order(reseller, sku).status == 201
        assert difference(before, provider.now(shop)) == (1, 0, 1, "1.75")
    with checks("P9 P5 the use of a tenant that was erased stays, beside that of another with its slug"):
        gone = Shop(gateway, slug="leaves")
        buyer, thing, _ = traded(gone)
        assert gone.order(buyer, thing).status == 201
        before = provider.now(gone)
        assert provider("DELETE", "/tenants/leaves?confirm=leaves").status == 204
        assert provider.now(gone) == before
        Shop(gateway, slug="leaves")
        both = provider.usage(gone, month=provider.month())
        assert len(both) == 2 and before in both, both
        assert provider("GET", f"/usage?tenant={before['tenant_id']}").json["data"] == [before]


def forged(checks, provider):
    gateway = provider.gateway
    shop, other = Shop(gateway), Shop(gateway)
    reseller, sku, by_hand = traded(shop)
    buyer, thing, _ = traded(other)
    tester = {**reseller, "key": shop.mint(reseller, mode="test").json["key"]}
    operators = shop.admin("POST", "/api-keys", {
        "owner_email": f"owner@{shop.slug}.example", "mode": "test", "role": "operator"}).json["key"]
    texts = [",".join(f'"posting":"{number} live order {micros} balance:1>sales:0"' for number in (1, 2))
             for micros in (2 ** 63 - 1, -2 ** 63)]

    def write(text):
        """As reference of a top-up; as reason of a refund and of a rejection, in both books."""
        moved = shop.admin("POST", f"/resellers/{reseller['id']}/balance", {"amount": "1.00", "reference": text},
            idempotent=True)
        assert moved.status in (200, 201), moved
        for who, key in ((reseller, None), (tester, operators)):
            sold, waits = (shop.order(who, name).json["order"]["id"] for name in (sku, by_hand))
            back = shop.admin("POST", f"/orders/{sold}/refund", {"amount": "0.25", "reason": text}, idempotent=True,
                key=key)
            assert back.status in (200, 201), back
            assert shop.admin("POST", f"/orders/{waits}/reject", {"reason": text}, key=key).status == 200

    with checks("P9 G8 texts that look like postings count for nothing after kill -9, and every tenant is counted"):
        for text in texts:
            before, others = provider.now(shop), provider.now(other)
            write(text)
            assert other.order(buyer, thing).status == 201
            gateway.kill()
            gateway.start()
            assert difference(before, provider.now(shop))[2:] == (2, "1.50"), provider.now(shop)
            assert difference(others, provider.now(other))[2:] == (1, "1.75"), provider.now(other)
        report = shop.admin("GET", "/reports/turnover?by=month").json["data"]
        assert [Decimal(row["turnover"]) for row in report] == [Decimal(provider.now(shop)["turnover"])], report


def listing(checks, provider):
    with checks("P9 a month lists every tenant, by slug and page by page, those too that did nothing"):
        idle = Shop(provider.gateway, slug="idle")
        rows, cursor = [], ""
        while cursor is not None:
            page = provider("GET", f"/usage?limit=2{cursor and '&cursor=' + cursor}").json
            assert len(page["data"]) <= 2
            rows += page["data"]
            cursor = page["next_cursor"]
        slugs = [row["tenant"] for row in rows]
        living = {row["slug"] for row in provider("GET", "/tenants?limit=100").json["data"]}
        assert slugs == sorted(slugs) and set(slugs) == living, (slugs, living)
        row = next(row for row in rows if row["tenant"] == idle.slug)
        assert row["orders"] == 0 and row["bytes"] > 0, row
    with checks("P9 the same as CSV, by month and by tenant"):
        answer = provider("GET", f"/usage.csv?month={provider.month()}")
        told = list(csv.DictReader(io.StringIO(answer.body.decode())))
        assert answer.headers["content-type"].startswith("text/csv") and set(told[0]) == ROW, answer
        assert [row["tenant"] for row in told] == slugs, told
        busy = max(rows, key=lambda row: row["orders"])
        same = next(row for row in told if row["tenant_id"] == busy["tenant_id"])
        assert (same["orders"], same["turnover"]) == (str(busy["orders"]), busy["turnover"]), (same, busy)
    with checks("P9 a month that is none is refused, and one of long ago is empty"):
        for month in ("2026", "2026-13", "2026-1", "november", "2026-11-01", ""):
            assert provider("GET", f"/usage?month={month}").status == 422, month
        assert provider("GET", "/usage?month=2001-01").json["data"] == []
        for path in ("/usage?tenant=nobody", "/usage.csv?tenant=nobody", "/usage?tenant=nobody&month=2001-01"):
            unknown = provider("GET", path)
            assert unknown.status == 404 and unknown.json["code"] == "tenant_not_found", (path, unknown)
        assert provider("GET", f"/usage?tenant={busy['tenant']}&month=2001-01").json["data"] == []
        assert provider("GET", "/usage?day=1").status == 400
    with checks("P6 P9 tollgate usage shows it, and writes it to a file"):
        gateway = provider.gateway
        shown = gateway.command("usage", "--tenant", busy["tenant_id"]).stdout
        assert busy["turnover"] in shown and "TURNOVER" in shown, shown
        path = gateway.data + "-usage.csv"
        assert gateway.command("usage", "--output", path).returncode == 0
        with open(path, encoding="utf-8") as file:
            assert file.readline().startswith("tenant,tenant_id,month"), path
        os.remove(path)


def quotas(checks, provider):
    gateway = provider.gateway
    shop = Shop(gateway, password="correct horse")

    def gauge(name, quota):
        return gateway.metrics().get(f"tollgate_quota_{name}_tenants", quota=quota)

    def attention():
        lines = shop.admin("GET", "/attention").json["data"]
        return {item["object"]: item["note"] for line in lines if line["kind"] == "quotas" for item in line["items"]}

    with checks("P9 four fifths of a quota, and all of it: once each in the log, gauges, the operator's list"):
        assert provider("PATCH", f"/tenants/{shop.slug}", {"quotas": {"resellers": 5}}).status == 200
        for _ in range(3):
            shop.invite()
        assert provider.lines(shop, "tenant.quota_warning") == [] and attention() == {}
        shop.invite()
        warned = provider.lines(shop, "tenant.quota_warning")
        assert warned == [{"quota": "resellers", "level": 80, "used": 4, "most": 5}], warned
        assert provider.lines(shop, "tenant.quota_reached") == [] and attention() == {"resellers": "4 of 5"}
        assert (gauge("warned", "resellers"), gauge("full", "resellers")) == (1, 0)
        last = shop.invite()
        full = provider.lines(shop, "tenant.quota_reached")
        assert full == [{"quota": "resellers", "level": 100, "used": 5, "most": 5}], full
        assert (gauge("warned", "resellers"), gauge("full", "resellers")) == (1, 1)
        assert attention() == {"resellers": "5 of 5"}
        refused = shop.admin("POST", "/resellers", {"email": "sixth@there.example", "name": "Sixth"})
        assert refused.status == 402 and refused.json["code"] == "quota_exceeded", refused
    with checks("P9 a count that swings around its bound fills no log; another quota is told of anew"):
        for _ in range(2):
            assert shop.move(last, "terminate").status == 200
            assert provider.lines(shop, "tenant.quota_reached") == full
            last = shop.invite()
            assert provider.lines(shop, "tenant.quota_reached") == full
        assert provider("PATCH", f"/tenants/{shop.slug}", {"quotas": {"resellers": 100}}).status == 200
        provider.lines(shop, "tenant.quota_reached")
        assert (gauge("warned", "resellers"), gauge("full", "resellers")) == (0, 0)
        assert provider("PATCH", f"/tenants/{shop.slug}", {"quotas": {"resellers": 4}}).status == 200
        assert len(provider.lines(shop, "tenant.quota_reached")) == 2
        assert provider("PATCH", f"/tenants/{shop.slug}", {"quotas": {"resellers": None}}).status == 200
    with checks("P9 requests, keys and bytes alike; a restart tells nothing twice"):
        used = provider("GET", f"/tenants/{shop.slug}").json["counts"]["requests_this_month"]
        assert provider("PATCH", f"/tenants/{shop.slug}", {"quotas": {
            "keys": 1, "bytes": 2 << 20, "requests_monthly": used + 10}}).status == 200
        for _ in range(12):
            shop.admin("GET", "/settings")
        for action in ("warning", "reached"):
            kinds = {line["quota"] for line in provider.lines(shop, f"tenant.quota_{action}")}
            assert kinds >= {"resellers", "requests", "keys"}, (action, kinds)
        lines = provider("GET", f"/log?limit=100&tenant={shop.slug}").json["data"]
        assert {line["via"] for line in lines if "quota" in line["action"]} == {"node"}
        before = [line for line in lines if "quota" in line["action"]]
        gateway.kill()
        gateway.start()
        provider.usage(shop)
        lines = provider("GET", f"/log?limit=100&tenant={shop.slug}").json["data"]
        assert [line for line in lines if "quota" in line["action"]] == before
        assert gauge("full", "keys") == 1
    with checks("P9 U1 a quota is no trouble once access has ended, in no gauge and no list; suspended it is"):
        def trouble():
            rows = provider("GET", "/attention").json["data"]
            return {matter["code"] for row in rows if row["slug"] == shop.slug for matter in row["matters"]}

        assert provider("POST", f"/tenants/{shop.slug}/suspend").status == 200
        assert gauge("full", "keys") == 1 and "quota_full" in trouble()
        assert provider("POST", f"/tenants/{shop.slug}/refund").status == 200
        assert gauge("full", "keys") == gauge("warned", "keys") == 0
        assert not trouble() & {"quota_full", "quota_warning"}, trouble()


def months(checks, provider):
    gateway = provider.gateway
    shop = Shop(gateway, slug="monthly", password="correct horse")
    reseller, sku, _ = traded(shop)
    with checks("P9 each month has its own figures, and the ones before stay; the quota of requests is told of anew"):
        placed = shop.order(reseller, sku)
        assert placed.status == 201, placed
        # The service renews in the month that comes next, whatever day it is: that is the new month's turnover.
        service = shop.get(reseller, f"/services/{placed.json['services'][0]['id']}").json
        renews_at = datetime.datetime.fromisoformat(service["renews_at"].replace("Z", "+00:00")).timestamp()
        first = provider.now(shop)
        gateway.jump(int(renews_at - gateway.now()) + 1)
        assert wait_until(lambda: provider.now(shop)["turnover"] == "1.25"), provider.now(shop)
        second = provider.now(shop)
        assert second["month"] != first["month"] and second["orders"] == 0 and second["bytes"] > 0, second
        assert shop.order(reseller, sku, quantity=3, timestamp=int(gateway.now())).status == 201
        both = provider.usage(shop)
        assert [row["month"] for row in both] == [second["month"], first["month"]], both
        assert [row["orders"] for row in both] == [1, 1] and both[1] == first, (both, first)
        assert provider.usage(shop, month=first["month"]) == [first]
        others = provider("GET", f"/usage?month={second['month']}&limit=100").json["data"]
        assert {row["tenant"] for row in others} >= {"monthly", "idle"}, others


if __name__ == "__main__":
    main()
