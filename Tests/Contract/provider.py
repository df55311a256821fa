#!/usr/bin/env python3
"""The provider's calls (P1–P5, P7): create, list, read, change, suspend, cancel, refund, quotas, export, restore,
delete."""

from datetime import datetime, timedelta
from decimal import Decimal
import hashlib
import os
import sqlite3
import tempfile
import threading
import time

from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, command, wait_until

API = "/provider/v1"


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate) as gateway:
        provider = Provider(gateway)
        creating(checks, provider)
        reading(checks, provider)
        closing(checks, provider)
        quotas(checks, provider)
        exporting(checks, provider, options)
        restoring(checks, provider, options)
        deleting(checks, provider)
        keys(checks, provider)
    checks.finish()


class Provider:
    def __init__(self, gateway):
        self.gateway = gateway

    def __call__(self, method, path, body=None, **options):
        options.setdefault("key", self.gateway.provider_key)
        return self.gateway.request(method, API + path, body, **options)


def bought(gateway, **fields):
    """A tenant with an active reseller and one order."""
    shop = Shop(gateway, **fields)
    reseller = shop.reseller(balance="100.00")
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    assert shop.order(reseller, sku).status == 201
    return shop, reseller, sku


def creating(checks, provider):
    gateway = provider.gateway
    with checks("P1 P7 create: 201 with all of it, and the very next request succeeds; far under two minutes"):
        started = time.monotonic()
        made = provider("POST", "/tenants", {"slug": "fresh", "blueprint": "hosting", "owner_email": "Owner@Fresh.example"})
        assert made.status == 201, made
        body = made.json
        assert {"id", "slug", "base_url", "owner_key", "tier", "currency", "created_at", "refundable_until"} <= set(body), body
        assert (body["slug"], body["tier"], body["currency"]) == ("fresh", "standard", "EUR"), body
        path = body["base_url"].removeprefix(gateway.base_url)
        assert path == "/t/fresh", body
        assert gateway.get(path + "/api/admin/resellers", key=body["owner_key"]).status == 200
        assert time.monotonic() - started < 60
        read = datetime.fromisoformat
        assert read(body["refundable_until"].replace("Z", "+00:00")) - read(body["created_at"].replace("Z", "+00:00")) == timedelta(days=14)

    with checks("P1 without a password: an invitation link, by which the owner sets one and signs in"):
        link = body["invitation_url"]
        path = link.removeprefix(gateway.base_url)
        assert gateway.get(path).status == 200
        assert gateway.post(path, {"password": PASSWORD}).status == 200
        # The same once more is the button pressed twice; another password is another try.
        assert gateway.post(path, {"password": PASSWORD}).status == 200
        assert gateway.post(path, {"password": "another password"}).status == 404
        signed_in = gateway.post("/t/fresh/api/admin/session", {"email": "owner@fresh.example", "password": PASSWORD})
        assert signed_in.status == 200, signed_in

    with checks("P1 tier, prefix, currency and password as asked; no invitation where there is a password"):
        made = provider("POST", "/tenants", {
            "slug": "asked", "blueprint": "hosting", "owner_email": "o@asked.example", "tier": "lite", "prefix": "own", "currency": "USD",
            "password": PASSWORD})
        assert made.status == 201 and (made.json["tier"], made.json["currency"]) == ("lite", "USD"), made
        assert made.json["owner_key"].startswith("own_live_") and "invitation_url" not in made.json, made

    with checks("P1 409 for a slug that is taken; it stays whose it was"):
        again = provider("POST", "/tenants", {"slug": "asked", "blueprint": "panel", "owner_email": "x@y.example"})
        assert again.status == 409 and again.json["code"] == "slug_taken", again
        assert [error["pointer"] for error in again.json["errors"]] == ["/slug"], again
        assert provider("GET", "/tenants/asked").json["blueprint"] == "hosting"

    with checks("P1 422 names the field: slug, blueprint, tier, currency, owner_email; several at once"):
        good = {"slug": "fine", "blueprint": "hosting", "owner_email": "a@b.example"}
        for name, values in {
            "slug": ["", "-a", "a-", "A", "a_b", "a b", "ä", "x" * 64, "../etc", "a/b", None, 5], "blueprint": ["", "none", None, 5],
            "tier": ["gold", "", 5], "currency": ["EURO", "xx", "eur", 5], "owner_email": ["", "x", None], "prefix": ["", "A", "a_b", "x" * 17],
            "password": ["short", "x" * 300],
        }.items():
            for value in values:
                answer = provider("POST", "/tenants", {**good, name: value})
                assert answer.status == 422 and [e["pointer"] for e in answer.json["errors"]] == [f"/{name}"], (name, value, answer)
        many = provider("POST", "/tenants", {"slug": "A", "blueprint": "none", "tier": "gold", "currency": "EURO"})
        assert {e["pointer"] for e in many.json["errors"]} == {"/slug", "/blueprint", "/tier", "/currency", "/owner_email"}, many
        assert provider("GET", "/tenants/fine").status == 404

    with checks("P1 slugs at their bounds"):
        for slug in ("a", "0", "x" * 63, "a-b", "a--b", "0-0"):
            assert provider("POST", "/tenants", {**good, "slug": slug}).status == 201, slug

    with checks("P1 the currency never changes: not by PATCH, and every amount is in it"):
        assert provider("PATCH", "/tenants/asked", {"currency": "EUR"}).status == 422
        assert provider("GET", "/tenants/asked").json["currency"] == "USD"


def reading(checks, provider):
    gateway = provider.gateway
    with checks("P2 the list pages through every tenant once; each has state, sizes, counts and the last request"):
        seen, cursor = [], None
        while True:
            page = provider("GET", "/tenants?limit=3" + (f"&cursor={cursor}" if cursor else "")).json
            assert len(page["data"]) <= 3
            seen += [tenant["slug"] for tenant in page["data"]]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                break
        assert len(seen) == len(set(seen)) and {"hosting", "fresh", "asked", "a"} <= set(seen), seen
        shop, reseller, _ = bought(gateway)
        tenant = provider("GET", f"/tenants/{shop.slug}").json
        assert tenant["state"] == "active" and tenant["bytes"] > 0 and tenant["last_request_at"], tenant
        assert tenant["counts"]["resellers"] == 1 and tenant["counts"]["keys"] >= 2, tenant
        assert tenant["counts"]["requests_this_month"] > 3, tenant

    with checks("P2 P4 tiers change without migration, up and down: the data stays, the quotas follow"):
        for tier in ("pro", "lite", "standard"):
            changed = provider("PATCH", f"/tenants/{shop.slug}", {"tier": tier})
            assert changed.status == 200 and changed.json["tier"] == tier, changed
            assert shop.balance(reseller) == 99
        lite = provider("PATCH", f"/tenants/{shop.slug}", {"tier": "lite"}).json["quotas"]
        pro = provider("PATCH", f"/tenants/{shop.slug}", {"tier": "pro"}).json["quotas"]
        assert all(lite[name] < pro[name] for name in lite), (lite, pro)

    with checks("P2 a tenant's rate limit binds all of its calls together, live; null lifts it"):
        changed = provider("PATCH", f"/tenants/{shop.slug}", {"rate_limit": {"requests": 3, "window_seconds": 3600}})
        assert changed.status == 200 and changed.json["rate_limit"]["requests"] == 3, changed
        statuses = [shop.get(reseller, "/balance").status for _ in range(3)] + [shop.admin("GET", "/resellers").status for _ in range(3)]
        assert statuses == [200] * 3 + [429] * 3, statuses
        assert provider("PATCH", f"/tenants/{shop.slug}", {"rate_limit": None}).json["rate_limit"] is None
        assert shop.get(reseller, "/balance").status == 200

    with checks("P2 an unknown tenant is 404 for every call"):
        for method, path in [("GET", ""), ("PATCH", ""), ("DELETE", "?confirm=none"), ("POST", "/owner-key"), ("POST", "/suspend"), ("POST", "/resume"),
                             ("POST", "/cancel"), ("POST", "/refund"), ("GET", "/export"), ("POST", "/restore")]:
            body = {"tier": "pro"} if method == "PATCH" else b"x" if path == "/restore" else None
            answer = provider(method, f"/tenants/none{path}", body)
            assert answer.status == 404 and answer.json["code"] == "tenant_not_found", (method, path, answer)

    with checks("P1 another owner key works beside the first; it is shown once"):
        other = provider("POST", f"/tenants/{shop.slug}/owner-key")
        assert other.status == 201, other
        for key in (shop.owner_key, other.json["owner_key"]):
            assert shop.admin("GET", "/resellers", key=key).status == 200


def closing(checks, provider):
    gateway = provider.gateway
    with checks("P3 suspended: 403 in the dialect's envelope for everyone's key, at once; data untouched; resumed: as before"):
        shop, reseller, sku = bought(gateway)
        before = provider("GET", f"/tenants/{shop.slug}").json
        assert provider("POST", f"/tenants/{shop.slug}/suspend").json["state"] == "suspended"
        answers = [shop.get(reseller, "/balance"), shop.get(reseller, "/products"), shop.order(reseller, sku), shop.admin("GET", "/resellers"),
                   gateway.post(shop.base + "/api/partner/v1/apply", {"email": "a@b.example", "name": "A", "password": PASSWORD})]
        for answer in answers:
            assert answer.status == 403 and answer.json["code"] == "tenant_suspended", answer
            assert answer.headers["content-type"] == "application/problem+json"
        assert provider("POST", f"/tenants/{shop.slug}/suspend").status == 409
        assert provider("GET", f"/tenants/{shop.slug}/export").status == 200
        assert provider("POST", f"/tenants/{shop.slug}/resume").json["state"] == "active"
        assert provider("POST", f"/tenants/{shop.slug}/resume").status == 409
        assert shop.balance(reseller) == 99 and shop.order(reseller, sku).status == 201
        assert provider("GET", f"/tenants/{shop.slug}").json["counts"]["resellers"] == before["counts"]["resellers"]

    with checks("P3 a suspension outlives restart and kill -9"):
        provider("POST", f"/tenants/{shop.slug}/suspend")
        for end in (gateway.stop, gateway.kill):
            end()
            gateway.start()
            assert shop.get(reseller, "/balance").status == 403
        provider("POST", f"/tenants/{shop.slug}/resume")

    with checks("P4 cancelled: access goes on until the paid period ends, and says when"):
        cancelled = provider("POST", f"/tenants/{shop.slug}/cancel")
        assert cancelled.status == 200 and cancelled.json["ends_at"] > cancelled.json["created_at"], cancelled
        assert shop.order(reseller, sku).status == 201
        again = provider("POST", f"/tenants/{shop.slug}/cancel")
        assert (again.status, again.json["code"]) == (409, "tenant_cancelled"), again
        told = [line["action"] for line in provider("GET", f"/log?limit=100&tenant={shop.slug}").json["data"]]
        assert told.count("tenant.cancelled") == 1, told
        assert provider("GET", f"/tenants/{shop.slug}").json["ends_at"] == cancelled.json["ends_at"]

    with checks("P4 refunded within 14 days: access ends at once, the export stays; twice is 409, and so is what a refunded tenant cannot do"):
        refunded = provider("POST", f"/tenants/{shop.slug}/refund")
        assert refunded.status == 200 and refunded.json["state"] == "refunded" and refunded.json["ended_at"], refunded
        for answer in (shop.get(reseller, "/balance"), shop.admin("GET", "/resellers"), shop.order(reseller, sku)):
            assert answer.status == 403 and answer.json["code"] == "tenant_refunded", answer
        for move in ("refund", "suspend", "resume", "cancel"):
            assert provider("POST", f"/tenants/{shop.slug}/{move}").status == 409, move
        assert provider("GET", f"/tenants/{shop.slug}/export").status == 200
        gateway.kill()
        gateway.start()
        assert shop.get(reseller, "/balance").status == 403
        assert provider("GET", f"/tenants/{shop.slug}").json["state"] == "refunded"


def quotas(checks, provider):
    gateway = provider.gateway

    def set_quotas(shop, **values):
        done = provider("PATCH", f"/tenants/{shop.slug}", {"quotas": values})
        assert done.status == 200, done
        return done.json["quotas"]

    with checks("P2 quota of resellers: 402 quota_exceeded past it, for invitations and approvals; lifted by null"):
        shop, reseller, sku = bought(gateway)
        assert set_quotas(shop, resellers=1)["resellers"] == 1
        # An application waits beside the quota.
        applied = gateway.post(
            shop.base + "/api/partner/v1/apply", {"email": "m@there.example", "name": "M", "password": PASSWORD}).json
        for answer in (
                shop.admin("POST", "/resellers", {"email": "n@there.example", "name": "N"}),
                shop.move(applied, "approve")):
            assert answer.status == 402 and answer.json["code"] == "quota_exceeded", answer
        assert set_quotas(shop, resellers=None)["resellers"] > 1
        assert shop.admin("POST", "/resellers", {"email": "n@there.example", "name": "N"}).status == 201

    with checks("P2 quota of keys: 402 past it, nothing minted"):
        count = len(shop.admin("GET", "/api-keys?limit=100").json["data"])
        set_quotas(shop, keys=count)
        answer = shop.mint(reseller)
        assert answer.status == 402 and answer.json["code"] == "quota_exceeded", answer
        set_quotas(shop, keys=None)
        assert shop.mint(reseller).status == 201

    with checks("P2 quota of requests: 402 past it for that tenant alone"):
        used = provider("GET", f"/tenants/{shop.slug}").json["counts"]["requests_this_month"]
        set_quotas(shop, requests_monthly=used + 2)
        statuses = [shop.get(reseller, "/balance").status for _ in range(5)]
        assert statuses == [200, 200, 402, 402, 402], statuses
        assert shop.get(reseller, "/balance").json["code"] == "quota_exceeded"
        assert gateway.get("/t/hosting/api/partner/v1/balance", key=gateway.reseller("hosting")["key"]).status == 200
        set_quotas(shop, requests_monthly=None)
        assert shop.get(reseller, "/balance").status == 200

    with checks("P2 quota of bytes: 402 quota_exceeded for that tenant alone; reads go on, nothing is half done; raised: it goes on"):
        full, buyer, product = bought(gateway)
        shop.price(reseller, sku, {"wholesale_monthly": "0"})
        full.price(buyer, product, {"wholesale_monthly": "0"})
        set_quotas(full, bytes=2 << 20)
        deadline = time.monotonic() + 120
        placed = len(full.get(buyer, "/orders?limit=100").json["data"])
        answer = None
        while time.monotonic() < deadline:
            answer = full.order(buyer, product, quantity=100, key=f"fill-{placed}")
            if answer.status != 201:
                break
            placed += 1
        assert answer.status == 402 and answer.json["code"] == "quota_exceeded", answer
        for _ in range(3):
            assert full.order(buyer, product, quantity=100).status == 402
        assert full.get(buyer, "/balance").status == 200 and full.get(buyer, "/products").status == 200
        assert shop.order(reseller, sku).status == 201, "the neighbour is not concerned"
        size = provider("GET", f"/tenants/{full.slug}").json["bytes"]
        set_quotas(full, bytes=1 << 30)
        again = full.order(buyer, product, quantity=100, key=f"fill-{placed}")
        assert again.status == 201, again
        orders, cursor = 0, ""
        while True:
            page = full.get(buyer, f"/orders?limit=100{cursor}").json
            orders += len(page["data"])
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert orders == placed + 1, (orders, placed)
        assert size < 32 << 20, size


def save(folder, name, answer):
    assert answer.status == 200, answer
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(answer.body)
    return path


def exporting(checks, provider, options):
    gateway = provider.gateway
    with tempfile.TemporaryDirectory() as folder:
        with checks("P5 an export while orders are placed: one consistent SQLite file, no journal beside it, which verifies"):
            shop, reseller, sku = bought(gateway)
            shop.price(reseller, sku, {"wholesale_monthly": "0.01"})
            # However fast the machine is.
            shop.top_up(reseller, "10000.00")
            stop, placed, errors = threading.Event(), [], []

            def buy():
                connection = gateway.connection()
                while not stop.is_set():
                    answer = shop.order(reseller, sku, connection=connection)
                    (placed if answer.status == 201 else errors).append(answer)
                connection.close()

            threads = [threading.Thread(target=buy) for _ in range(6)]
            for thread in threads:
                thread.start()
            try:
                for number in range(4):
                    acknowledged = len(placed)
                    answer = provider("GET", f"/tenants/{shop.slug}/export")
                    assert answer.headers["content-type"] == "application/vnd.sqlite3", answer.headers
                    path = save(folder, f"busy-{number}.sqlite", answer)
                    result = command(options.tollgate, "verify", path)
                    assert result.returncode == 0, (result.stdout, result.stderr)
                    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
                    assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
                    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                    assert not database.execute("PRAGMA foreign_key_check").fetchall()
                    count, = database.execute("SELECT count(*) FROM orders").fetchone()
                    assert count >= acknowledged + 1, "what was acknowledged before the export is in it"
                    database.close()
                wait_until(lambda: errors or len(placed) > 20)
            finally:
                stop.set()
                for thread in threads:
                    thread.join(30)
            assert not errors and len(placed) > 20, (errors[:1], len(placed))

        with checks("P5 an export's file names no key and no signing secret"):
            data = open(path, "rb").read()
            for secret in (reseller["key"], shop.owner_key, reseller["webhook_secret"], PASSWORD):
                assert secret.encode() not in data


def restoring(checks, provider, options):
    gateway = provider.gateway
    with tempfile.TemporaryDirectory() as folder:
        shop, reseller, sku = bought(gateway)
        other, other_reseller, _ = bought(gateway)
        revoked, kept = (shop.mint(reseller).json for _ in range(2))
        shop.admin("DELETE", f"/api-keys/{revoked['id']}")
        early = shop.mint(reseller).json
        backup = save(folder, "backup.sqlite", provider("GET", f"/tenants/{shop.slug}/export"))
        later_order = shop.order(reseller, sku)
        later_key = shop.mint(reseller).json
        shop.admin("DELETE", f"/api-keys/{early['id']}")
        incarnation = int(shop.admin("GET", "/audit/head").json["incarnation"])

        def restore(data, slug=None):
            return provider("POST", f"/tenants/{slug or shop.slug}/restore", data)

        def unharmed():
            assert shop.get(reseller, f"/orders/{later_order.json['order']['id']}").status == 200
            assert shop.get(reseller, "/balance", key=later_key["key"]).status == 200
            assert int(shop.admin("GET", "/audit/head").json["incarnation"]) == incarnation

        good = open(backup, "rb").read()

        def tampered(*statements):
            path = os.path.join(folder, "tampered.sqlite")
            with open(path, "wb") as file:
                file.write(good)
            database = sqlite3.connect(path)
            for statement in statements:
                database.execute(statement)
            database.commit()
            database.close()
            return open(path, "rb").read()

        with checks("P5 a restore of another tenant's file is refused, and changes nothing on either side"):
            theirs = open(save(folder, "other.sqlite", provider("GET", f"/tenants/{other.slug}/export")), "rb").read()
            answer = restore(theirs)
            assert answer.status == 422 and answer.json["code"] == "another_tenants_file", answer
            unharmed()
            assert other.get(other_reseller, "/balance").status == 200

        with checks("P5 garbage, halves, strange schemas, tampered amounts and foreign databases are refused, and change nothing"):
            drop = [f"DROP TRIGGER {name}" for name in ("entry_is_append_only_update", "posting_is_append_only_update")]
            cases = {
                "garbage": b"garbage", "zeros": b"\x00" * 100_000, "nothing": b"", "half a file": good[:len(good) // 2],
                "a header alone": good[:100], "a flipped page": good[:8192] + bytes(byte ^ 0xFF for byte in good[8192:12288]) + good[12288:],
                "without its triggers": tampered(*drop), "a view more": tampered("CREATE VIEW sneaky AS SELECT 1"),
                "a trigger more": tampered("CREATE TRIGGER sneaky AFTER INSERT ON orders BEGIN SELECT 1; END"),
                "a table more": tampered("CREATE TABLE sneaky (x)"), "a balance changed": tampered("UPDATE ledger_account SET balance = balance + 1000000"),
                "an order changed": tampered("UPDATE orders SET wholesale_total = 0"),
                "another application": tampered("PRAGMA application_id = 1"), "a newer schema": tampered("PRAGMA user_version = 99"),
                "a tenant of its own making": tampered("UPDATE meta SET tenant_id = x'00112233445566778899aabbccddeeff'"),
                "another's key hash": tampered(
                    "INSERT INTO api_key_secret (hash, key_id, created_at) SELECT x'" + key_hash(other_reseller["key"]) + "', min(id), 0 FROM api_key"),
            }
            for name, data in cases.items():
                answer = restore(data)
                assert answer.status in (400, 422), (name, answer)
                unharmed()
            assert shop.order(reseller, sku).status == 201

        with checks("P5 restored: the data of then, the incarnation risen, a tenant.restored row in a chain that verifies"):
            before = provider("GET", f"/tenants/{shop.slug}").json
            answer = restore(good)
            assert answer.status == 200 and answer.json["incarnation"] > incarnation, answer
            assert shop.get(reseller, f"/orders/{later_order.json['order']['id']}").status == 404
            assert shop.balance(reseller) == 99
            head = shop.admin("GET", "/audit/head").json
            assert head["incarnation"] == answer.json["incarnation"], head
            rows = shop.admin("GET", "/audit?limit=100").json["data"]
            assert any("tenant.restored" in str(row) for row in rows), rows[:5]
            path = save(folder, "after.sqlite", provider("GET", f"/tenants/{shop.slug}/export"))
            result = command(options.tollgate, "verify", path, "--all-signatures")
            assert result.returncode == 0, (result.stdout, result.stderr)
            assert provider("GET", f"/tenants/{shop.slug}").json["id"] == before["id"]

        with checks("P5 keys revoked since stay revoked, those of then work, those minted since are unknown; no key comes back"):
            assert shop.get(reseller, "/balance", key=kept["key"]).status == 200
            assert shop.get(reseller, "/balance").status == 200
            for key in (revoked, early, later_key):
                assert shop.get(reseller, "/balance", key=key["key"]).status == 401, key["id"]
            assert shop.admin("GET", f"/api-keys/{early['id']}").json["revoked_at"]

        with checks("P5 after a restore orders, signatures and top-ups go on, over a restart too"):
            assert shop.order(reseller, sku).status == 201
            gateway.kill()
            gateway.start()
            assert shop.order(reseller, sku).status == 201 and shop.balance(reseller) == Decimal(97)
            for key in (revoked, early, later_key):
                assert shop.get(reseller, "/balance", key=key["key"]).status == 401, key["id"]

        with checks("P5 restored a second time: again, and the incarnation rises again"):
            first = restore(good).json["incarnation"]
            second = restore(good).json["incarnation"]
            assert second > first > incarnation
            assert shop.get(reseller, "/balance", key=early["key"]).status == 401
            assert other.get(other_reseller, "/balance").status == 200


def key_hash(key):
    return hashlib.sha256(key.encode()).hexdigest()


def deleting(checks, provider):
    gateway = provider.gateway
    with checks("P5 delete asks for the slug again, then erases: 404, its keys unknown, its file gone, the slug free; twice is 404"):
        shop, reseller, sku = bought(gateway)
        id = shop.made["id"]
        for query in ("", "?confirm=", "?confirm=other", "?confirm"):
            answer = provider("DELETE", f"/tenants/{shop.slug}{query}")
            assert answer.status == 422, answer
        assert shop.get(reseller, "/balance").status == 200
        assert provider("DELETE", f"/tenants/{shop.slug}?confirm={shop.slug}").status == 204
        assert provider("GET", f"/tenants/{shop.slug}").status == 404
        assert provider("DELETE", f"/tenants/{shop.slug}?confirm={shop.slug}").status == 404
        assert shop.get(reseller, "/balance").status == 401 and shop.admin("GET", "/resellers").status == 401
        assert gateway.get("/api/partner/v1/balance", key=reseller["key"]).status == 401

        def left():
            return [os.path.join(place, name) for place, _, names in os.walk(gateway.data) for name in names if id in name or id.replace("-", "") in name]

        wait_until(lambda: not left())
        again = Shop(gateway, slug=shop.slug)
        assert again.made["id"] != id
        assert shop.get(reseller, "/balance").status == 401, "a key of the erased tenant opens nothing of its successor"
        assert again.admin("GET", "/resellers").json["data"] == []

    with checks("P5 a delete under load, cut off by kill -9 or not, leaves the tenant whole or none of it"):
        for number in range(4):
            shop, reseller, sku = bought(gateway)
            thread = threading.Thread(target=lambda: swallow(lambda: provider("DELETE", f"/tenants/{shop.slug}?confirm={shop.slug}")))
            thread.start()
            time.sleep(0.001 * number * 2)
            gateway.kill()
            thread.join(20)
            gateway.start()
            found = provider("GET", f"/tenants/{shop.slug}").status
            works = shop.get(reseller, "/balance").status
            assert (found, works) in ((200, 200), (404, 401)), (found, works)


def swallow(call):
    try:
        call()
    except Exception:  # the gateway was killed under it
        pass


def keys(checks, provider):
    gateway = provider.gateway
    with checks("P1 G3 the provider's key is rotated: the new one works, the old one is unknown from the answer on, over kill -9 too"):
        old = gateway.provider_key
        new = provider("POST", "/provider-key/rotate").json["provider_key"]
        assert provider("GET", "/tenants", key=new).status == 200 and provider("GET", "/tenants", key=old).status == 401
        gateway.kill()
        gateway.start()
        assert provider("GET", "/tenants", key=new).status == 200 and provider("GET", "/tenants", key=old).status == 401

    with checks("P2 the registry's projection is rebuilt from the files, and nothing changes by it"):
        before = provider("GET", "/tenants?limit=100", key=new).json
        done = provider("POST", "/registry/rebuild", key=new)
        assert done.status == 200 and done.json["failed"] == [] and done.json["tenants"] >= 5, done
        after = provider("GET", "/tenants?limit=100", key=new).json
        assert [tenant["counts"]["keys"] for tenant in before["data"]] == [tenant["counts"]["keys"] for tenant in after["data"]]
        assert gateway.get("/t/hosting/api/partner/v1/balance", key=gateway.reseller("hosting")["key"]).status == 200


if __name__ == "__main__":
    main()
