#!/usr/bin/env python3
"""Integrating before approval (W1, W12): whoever applied signs in, mints test keys and tries the test book, at list
prices; nothing live opens. The signature vector, and `tollgate sign`."""

import hashlib
import html
import json
import tempfile
import uuid

from shop import ADMIN, PARTNER, PASSWORD, Shop
from support import Checks, Gateway, arguments, command, signature_headers, verified_export

VECTOR = {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "timestamp": 1614265330,
    "path": "/t/acme/api/partner/v1/orders", "key": "order-1001",
    "body": '{"product":"vps-1","term":"monthly","quantity":1,"customer":{"external_id":"c-1"}}',
    "result": "v1=a12a8d6deaddc0d03708442125a8775cf3b35a54cbfda56becae62d03a4b2eaa"}
ORDER = {"product": "sb-1", "term": "monthly", "quantity": 2, "customer": {"external_id": "c-1"}}


HIDDEN = ("plain", "secret", "fee")


class Applicant:
    """Somebody who applied at a shop, and has not been approved."""

    def __init__(self, shop, email):
        self.shop, self.gateway, self.base = shop, shop.gateway, shop.base + PARTNER
        applied = self.gateway.post(self.base + "/apply", {"email": email, "name": "A shop", "password": PASSWORD})
        assert applied.status == 201, applied
        self.id, self.email = applied.json["id"], email
        signed_in = self.sign_in()
        assert signed_in.status == 200, signed_in
        self.session = signed_in.json["token"]

    def sign_in(self):
        return self.gateway.post(self.base + "/session", {"email": self.email, "password": PASSWORD})

    def call(self, method, path, body=None, key=None, **headers):
        return self.gateway.request(method, self.base + path, body, key=key or self.session, headers=headers)

    def mint(self, status=201, **fields):
        answer = self.call("POST", "/keys", fields)
        assert answer.status == status, answer
        return answer.json

    def ready(self):
        """With a test key and a signing secret."""
        self.key = self.mint(mode="test")["key"]
        self.secret = self.call("POST", "/webhook/secret/rotate").json["webhook_secret"]
        return self

    def order(self, body=None, key=None, secret=None, idempotency_key=None):
        path = self.base + "/orders"
        reseller = {"webhook_secret": secret or self.secret, "key": key or self.key}
        return self.gateway.order(path, body or ORDER, reseller, idempotency_key or str(uuid.uuid4()))


def shop_with_list(gateway, slug, **fields):
    shop = Shop(gateway, slug=slug, **fields)
    for sku, more in (("sb-1", {"list": {"monthly": "10.00", "annual": "99.00", "setup_fee": "1.50"}}),
                      ("sb-2", {"list": {"hourly": "0.01"}}), ("plain", {}),
                      ("secret", {"list": {"monthly": "1.00"}, "hidden": True}),
                      ("fee", {"list": {"setup_fee": "5.00"}})):
        made = shop.admin("POST", "/products", {"sku": sku, "name": sku, "fulfilment": "instant", **more})
        assert made.status == 201, made
    return shop


def listed(answer):
    """Those that this script made."""
    assert answer.status == 200, answer
    return {row["product"]: row for row in answer.json["data"] if row["product"] in ("sb-1", "sb-2", *HIDDEN)}


def pending(checks, gateway):
    shop = shop_with_list(gateway, "sandbox")
    who = Applicant(shop, "shop@sandbox.example")
    with checks("W12 whoever waits for approval signs in and mints a test key; a live one is refused"):
        for fields in ({}, {"mode": "live"}):
            refused = who.call("POST", "/keys", fields)
            assert refused.status == 403 and refused.json["code"] == "reseller_not_active", refused
        who.ready()
        assert [key["mode"] for key in who.call("GET", "/keys").json["data"]] == ["test"]
    with checks("W12 O4 the test book offers every product that has a list price, and shows what it costs"):
        rows = listed(who.call("GET", "/products", key=who.key))
        assert set(rows) == {"sb-1", "sb-2"}, rows
        monthly = rows["sb-1"]["terms"]["monthly"]
        assert (monthly["wholesale"], monthly["net"]) == ("10.00", "10.00"), rows["sb-1"]
        whole = who.call("GET", "/products", key=who.key).json["data"]
        paged, cursor = [], ""
        while cursor is not None:
            page = who.call("GET", "/products?limit=2" + (cursor and f"&cursor={cursor}"), key=who.key).json
            paged += page["data"]
            cursor = page["next_cursor"]
        assert paged == whole and len(whole) > 2, (paged, whole)
    with checks("W12 W4 X7 a quote and a signed order at list prices go through in the test book, uncharged"):
        quote = who.call("POST", "/orders/quote", ORDER, key=who.key)
        assert quote.status == 200 and quote.json["wholesale_total"] == "23.00", quote
        key = str(uuid.uuid4())
        placed = who.order(idempotency_key=key)
        assert placed.status == 201 and placed.json["wholesale_total"] == "23.00", placed
        assert who.order(idempotency_key=key).headers["idempotency-hit"] == "true"
        order = placed.json["order"]["id"]
        assert who.call("GET", f"/orders/{order}", key=who.key).status == 200
        assert len(who.call("GET", "/services", key=who.key).json["data"]) == 2
        assert who.call("GET", "/balance", key=who.key).json["balance"] == "0.00"
        known = shop.admin("GET", f"/orders/{order}").json
        assert known["mode"] == "test" and known["reseller"] == who.id, known
        events = who.call("GET", "/events", key=who.key).json["data"]
        assert "order.created" in [event["type"] for event in events], events
        for sku in (*HIDDEN, "none"):
            assert who.order({**ORDER, "product": sku}).status == 404, sku
        unpriced = who.order({**ORDER, "term": "quarterly"})
        assert unpriced.status == 422 and unpriced.json["code"] == "term_not_priced", unpriced
    with checks("W12 W1 before approval nobody mints a live key, the owner neither; no session opens the live book"):
        refused = shop.mint({"email": who.email})
        assert refused.status == 409 and refused.json["code"] == "reseller_pending", refused
        assert shop.mint({"email": who.email}, mode="test").status == 201
        for path in ("/products", "/balance", "/orders", "/services", "/customers", "/statement"):
            refused = who.call("GET", path)
            assert refused.status == 403 and refused.json["code"] == "reseller_pending", refused
        refused = who.order(key=who.session)
        assert refused.status == 403 and refused.json["code"] == "reseller_pending", refused
    own_prices(checks, gateway, shop, who)
    turned_off(checks, shop, who)
    after(checks, gateway, shop, who)


def own_prices(checks, gateway, shop, who):
    with checks("W12 W2 a price row of the reseller's own goes before the list price, disabled or not"):
        other = Applicant(shop, "rows@sandbox.example").ready()
        put = shop.admin("PUT", f"/resellers/{other.id}/products/sb-1", {"wholesale_monthly": "7.00"})
        assert put.status == 200, put
        rows = listed(other.call("GET", "/products", key=other.key))
        assert set(rows) == {"sb-1", "sb-2"} and list(rows["sb-1"]["terms"]) == ["monthly"], rows
        assert other.order().json["wholesale_total"] == "14.00"
        shop.admin("PUT", f"/resellers/{other.id}/products/sb-1", {"is_enabled": False})
        assert set(listed(other.call("GET", "/products", key=other.key))) == {"sb-2"}
        assert other.order().status == 404
    with checks("W12 a list price that changes is the test book's at once; the live book never sells by it"):
        active = shop.reseller(balance="100.00")
        test = shop.mint(active, mode="test").json["key"]
        assert set(listed(who.call("GET", "/products", key=test))) == {"sb-1", "sb-2"}
        assert listed(who.call("GET", "/products", key=active["key"])) == {}
        refused = gateway.order(who.base + "/orders", ORDER, active, str(uuid.uuid4()))
        assert refused.status == 404, refused
        changed = shop.admin("PATCH", "/products/sb-1", {"list": {"monthly": "12.00"}})
        assert changed.status == 200, changed
        rows = listed(who.call("GET", "/products", key=who.key))
        assert rows["sb-1"]["terms"]["monthly"]["wholesale"] == "12.00", rows
        shop.terms(active, default_discount_rate="50")
        assert listed(who.call("GET", "/products", key=test))["sb-1"]["terms"]["monthly"]["net"] == "6.00"


def turned_off(checks, shop, who):
    with checks("W12 G3 where the tenant has no sandbox a pending reseller's test keys open nothing after the answer"):
        assert shop.admin("GET", "/settings").json["sandbox_before_approval"] is True
        assert who.call("GET", "/products", key=who.key).status == 200
        off = shop.admin("PATCH", "/settings", {"sandbox_before_approval": False})
        assert off.status == 200 and off.json["sandbox_before_approval"] is False, off
        for answer in (
                who.call("GET", "/products", key=who.key), who.call("GET", "/services", key=who.key),
                who.call("POST", "/orders/quote", ORDER, key=who.key), who.order(),
                who.call("PUT", "/webhook", {"url": "https://a.example/", "events": ["order.created"]}, key=who.key)):
            assert answer.status == 403 and answer.json["code"] == "reseller_pending", answer
        for method, path, body in (("POST", "/keys", {"mode": "test"}), ("POST", "/webhook/secret/rotate", None)):
            refused = who.call(method, path, body)
            assert refused.status == 403 and refused.json["code"] == "reseller_not_active", refused
        assert who.call("GET", "/account").status == 200 and who.call("GET", "/keys").status == 200
        assert shop.admin("PATCH", "/settings", {"sandbox_before_approval": True}).status == 200
        assert who.call("GET", "/products", key=who.key).status == 200 and who.order().status == 201
        assert shop.admin("PATCH", "/settings", {"sandbox_before_approval": None}).status == 422
    with checks("W12 W1 access that is switched off holds for test keys too"):
        shop.terms({"id": who.id}, api_access=False)
        refused = who.call("GET", "/products", key=who.key)
        assert refused.status == 403 and refused.json["code"] == "api_access_off", refused
        shop.terms({"id": who.id}, api_access=True)
        assert who.call("GET", "/products", key=who.key).status == 200


def after(checks, gateway, shop, who):
    with checks("W12 O3 once approved the test key goes on, and live keys may be minted"):
        assert shop.move({"id": who.id}, "approve").status == 200
        assert who.call("GET", "/products", key=who.key).status == 200 and who.order().status == 201
        live = who.mint()["key"]
        assert listed(who.call("GET", "/products", key=live)) == {}
        assert len(who.call("GET", "/services", key=live).json["data"]) == 0
        assert shop.move({"id": who.id}, "suspend").status == 200
        assert who.call("GET", "/products", key=who.key).status == 403 and who.order().status == 403
        assert shop.move({"id": who.id}, "terminate").status == 200
        assert who.call("GET", "/products", key=who.key).status == 401
    verified_export(gateway, shop.slug)


def bounds(checks, gateway):
    shop = shop_with_list(gateway, "bounds", tier="lite")
    with checks("W12 P2 G6 those who applied have a bound of their own on test keys, and use up no quota"):
        changed = gateway.patch(
            f"/provider/v1/tenants/{shop.slug}", {"quotas": {"keys": 3}}, key=gateway.provider_key)
        assert changed.status == 200, changed
        people = [Applicant(shop, f"a{number}@bounds.example") for number in range(2)]
        for who in people:
            for _ in range(5):
                who.mint(mode="test")
            refused = who.call("POST", "/keys", {"mode": "test"})
            assert refused.status == 402 and refused.json["code"] == "share_exceeded", refused
        id = people[0].call("GET", "/keys").json["data"][0]["id"]
        assert people[0].call("DELETE", f"/keys/{id}").status == 200
        people[0].mint(mode="test")
        shop.reseller()
    with checks("W12 G6 those who applied fill a little of the file, and read on; others order on"):
        who = people[1]
        who.key = who.call("POST", f"/keys/{who.call('GET', '/keys').json['data'][0]['id']}/rotate").json["key"]
        who.secret = who.call("POST", "/webhook/secret/rotate").json["webhook_secret"]
        # Of a size that stays within the half as much again.
        body = {**ORDER, "quantity": 10}
        for _ in range(500):
            answer = who.order({**body, "customer": {"external_id": str(uuid.uuid4())}})
            if answer.status != 201:
                break
        assert answer.status == 402 and answer.json["code"] == "share_exceeded", answer
        assert who.call("GET", "/products", key=who.key).status == 200
    with checks("W12 G6 signing in and new secrets have half as much again: no file is filled with sessions"):
        assert who.sign_in().status == 200
        for _ in range(5_000):
            answer = who.call("POST", "/webhook/secret/rotate")
            if answer.status != 200:
                break
            who.secret = answer.json["webhook_secret"]
        for refused in (answer, who.sign_in()):
            assert refused.status == 402 and refused.json["code"] == "share_exceeded", refused
        assert people[0].sign_in().status == 200
        assert shop.move({"id": who.id}, "approve").status == 200
        assert who.sign_in().status == 200
        assert who.order().status == 201, "the share of an approved reseller is larger"
    verified_export(gateway, shop.slug)


def calls(checks, tollgate):
    """Anybody may apply: what those who wait use is strangers'."""
    with Gateway(tollgate, "--budget=calls_pending=200", demo=False) as gateway:
        shop = shop_with_list(gateway, "calls")
        seller = shop.reseller()
        one, another = (Applicant(shop, f"{name}@calls.example").ready() for name in ("one", "another"))

        def month():
            tenant = gateway.get(f"/provider/v1/tenants/{shop.slug}", key=gateway.provider_key).json
            return tenant["counts"]["requests_this_month"]
        with checks("W12 P2 G6 calls of those who applied are in no month and no limit of the tenant's"):
            changed = gateway.patch(f"/provider/v1/tenants/{shop.slug}", {
                "quotas": {"requests_monthly": month() + 60}, "rate_limit": {"requests": 60, "window_seconds": 3600}},
                key=gateway.provider_key)
            assert changed.status == 200, changed
            before = month()
            for number in range(100):
                who = (one, another)[number % 2]
                answer = who.call("GET", ("/products", "/orders")[number // 2 % 2], key=who.key)
                assert answer.status == 200, answer
            assert month() == before
            assert [shop.get(seller, "/balance").status for _ in range(5)] == [200] * 5
            assert month() == before + 5
        with checks("W12 P2 calls of one who was invited are the tenant's, before approval too"):
            minted = shop.mint(shop.invite(), mode="test")
            assert minted.status == 201, minted
            before = month()
            assert one.call("GET", "/orders", key=minted.json["key"]).status == 200
            assert month() == before + 1
        with checks("W12 G6 those who applied have so many calls together, then 429; those who pay go on"):
            for who in (one, another):
                # What comes back meanwhile is spent as well.
                for _ in range(200):
                    refused = who.call("GET", "/orders", key=who.key)
                    if refused.status != 200:
                        break
                assert refused.status == 429 and refused.json["code"] == "rate_limited", refused
                assert refused.headers["ratelimit-policy"].startswith('"pending";q=200;w=60'), refused.headers
                assert int(refused.headers["retry-after"]) >= 1, refused.headers
            assert gateway.metrics().get("tollgate_budget_spent_total", budget="calls_pending") >= 2
            assert shop.get(seller, "/balance").status == 200
        with checks("W12 P2 once approved its calls are the tenant's"):
            assert shop.move({"id": one.id}, "approve").status == 200
            before = month()
            assert one.call("GET", "/orders", key=one.key).status == 200
            assert month() == before + 1


def other_apis(checks, gateway):
    with checks("W12 X1 proxy ports: a pending reseller's test key opens the test book"):
        shop = Shop(gateway, blueprint="proxies")
        waiting = shop.invite()
        base = shop.base + "/v1"
        signed_in = gateway.post(base + "/login/signin", {"email": waiting["email"], "password": PASSWORD})
        token = signed_in.json["access_token"]
        assert gateway.post(base + "/api-keys", {"name": "x"}, key=token).status == 403
        made = gateway.post(base + "/api-keys", {"name": "x", "mode": "test"}, key=token)
        assert made.status == 201, made
        header = {"X-API-Key": made.json["key"]}
        assert gateway.get(base + "/reseller/balance", headers=header).status == 200
        customer = gateway.post(base + "/reseller/customers", {"email": "c@c.example"}, headers=header)
        assert customer.status == 201, customer
        assert gateway.get(base + "/reseller/balance", key=token).status == 403
    with checks("W12 A2 activation codes: whoever registered makes test codes with a test key, and no live ones"):
        shop = Shop(gateway, blueprint="codes")
        base = shop.base + "/api/reseller"
        registered = gateway.post(base + "/register", {
            "companyName": "A shop", "email": f"a@{shop.slug}.example", "password": PASSWORD})
        assert registered.status == 200, registered
        seed = {"x-seed-hash": registered.json["seedHash"]}
        assert gateway.post(base + "/keys", {}, headers=seed).status == 403
        made = gateway.post(base + "/keys", {"mode": "test"}, headers=seed)
        assert made.status == 201 and len(made.json["key"]) == 64, made
        header = {"x-api-key": made.json["key"]}
        plan = gateway.get(base + "/plans").json
        plan = (plan["plans"] if isinstance(plan, dict) else plan)[0]["id"]
        bought = gateway.post(base + "/generate", {"planId": plan}, headers=header)
        assert bought.status == 200 and len(bought.json["codes"]) == 1, bought
        assert gateway.post(base + "/generate", {"planId": plan}, headers=seed).status == 403
    with checks("W12 L6 licence keys: a pending reseller's test key lists test licences"):
        shop = Shop(gateway, blueprint="licences")
        waiting = shop.invite()
        base = shop.base + "/reseller"
        token = gateway.post(base + "/session", {"email": waiting["email"], "password": PASSWORD}).json["token"]
        assert gateway.post(f"{base}/keys?api_token={token}", {}).status == 403
        made = gateway.post(base + "/keys", {"api_token": token, "mode": "test"})
        assert made.status == 201, made
        assert gateway.get(f"{base}/myavailable?api_token={made.json['key']}").json["ok"] is True
        assert gateway.get(f"{base}/myavailable?api_token={token}").status == 403


def empty_bodies(checks, gateway):
    with checks("W12 tollgate sign: an empty file and an empty standard input are an empty body"):
        words = ["sign", "--idempotency-key", "a", "--timestamp", "1", "--path", "/a", "--secret", VECTOR["secret"]]
        made = [command(gateway.tollgate, *words, *file, input="") for file in (
            [], ["--body-file", "/dev/null"], ["--body-file", "-"])]
        assert made[0].returncode == 0 and len({each.stdout for each in made}) == 1, made


def signatures(checks, gateway):
    with checks("W12 W5 the signature vector: by the rule, and by tollgate sign from secret, path, key and body"):
        headers = signature_headers(
            VECTOR["secret"], "POST", VECTOR["path"], VECTOR["key"], VECTOR["body"].encode(), VECTOR["timestamp"])
        assert headers["X-Tollgate-Signature"] == VECTOR["result"], headers
        with tempfile.NamedTemporaryFile() as body, tempfile.NamedTemporaryFile("w") as secret:
            body.write(VECTOR["body"].encode())
            body.flush()
            secret.write(VECTOR["secret"] + "\n")
            secret.flush()
            words = ["sign", "--body-file", body.name, "--idempotency-key", VECTOR["key"], "--timestamp",
                     str(VECTOR["timestamp"])]
            for path in (VECTOR["path"], "https://gateway.example" + VECTOR["path"]):
                made = command(gateway.tollgate, *words, "--path", path, "--secret-file", secret.name)
                assert made.returncode == 0, made
                assert made.stdout == (
                    f"X-Tollgate-Timestamp: {VECTOR['timestamp']}\nX-Tollgate-Signature: {VECTOR['result']}\n"
                    f"Idempotency-Key: {VECTOR['key']}\n"), made.stdout
            made = command(
                gateway.tollgate, *words, "--path", VECTOR["path"], "--json",
                environment={"TOLLGATE_WEBHOOK_SECRET": VECTOR["secret"]})
            assert json.loads(made.stdout)["X-Tollgate-Signature"] == VECTOR["result"], made
            for wrong in (["--path", "orders"], ["--path", "/a b"], ["--path", "/a", "--idempotency-key", "a b"],
                          ["--path", "/a", "--secret", "whsec_short"], ["--path", "/a", "--timestamp", "x"]):
                refused = command(gateway.tollgate, *words, "--secret-file", secret.name, *wrong) if (
                    "--secret" not in wrong) else command(gateway.tollgate, *words, *wrong)
                assert refused.returncode != 0 and refused.stderr and not refused.stdout, (wrong, refused)
            missing = command(gateway.tollgate, *words, "--path", "/a")
            assert missing.returncode != 0 and "whsec_" not in missing.stderr, missing
    shop = shop_with_list(gateway, "signing")
    with checks("W12 the vector stands in the pages for developers, those that are served too, word for word"):
        import os
        from support import ROOT
        with open(os.path.join(ROOT, "docs", "wholesale-orders.md"), encoding="utf-8") as file:
            page = file.read()
        served = [gateway.get(f"{shop.base}/api/partner/v1/docs{call}", headers={"Accept": "text/html"})
                  for call in ("", "/post_orders")]
        for text in [page] + [html.unescape(answer.body.decode()) for answer in served]:
            for value in ("POST", *VECTOR.values()):
                assert str(value) in text, value
        other = gateway.get(f"{shop.base}/api/admin/docs", headers={"Accept": "text/html"}).body.decode()
        assert VECTOR["result"] not in other, "nothing is signed there"


def bad_signatures(checks, gateway):
    shop = shop_with_list(gateway, "refusing")
    who = Applicant(shop, "dev@refusing.example").ready()
    with checks("W12 W5 in mode test a bad signature's refusal says which string was signed; in mode live it does not"):
        raw = json.dumps(ORDER).encode()
        path = who.base + "/orders"
        signed = signature_headers("whsec_" + "A" * 43 + "=", "POST", path, "key-1", raw)
        signed["Content-Type"] = "application/json"
        refused = gateway.request("POST", path, raw, key=who.key, headers=signed)
        text = f"{signed['X-Tollgate-Timestamp']}.POST.{path}.key-1.{raw.decode()}"
        assert refused.status == 401 and refused.json["code"] == "bad_signature", refused
        assert refused.json["signed_string"] == text, refused.json
        assert refused.json["signed_sha256"] == hashlib.sha256(text.encode()).hexdigest()
        quoted = {**signed, "Idempotency-Key": '"key-1"'}
        again = gateway.request("POST", path + "?a=%20b", raw, key=who.key, headers=quoted)
        assert again.status in (400, 401), again
        old = signature_headers(who.secret, "POST", path, "key-1", raw, timestamp=1614265330)
        stale = gateway.request("POST", path, raw, key=who.key, headers={**old, "Content-Type": "application/json"})
        assert stale.status == 401 and stale.json["signed_string"].startswith("1614265330.POST."), stale
        without = {name: value for name, value in signed.items() if name != "X-Tollgate-Signature"}
        for headers in (without, *({**without, "X-Tollgate-Signature": value} for value in (
                "", "v1=", "sha256=" + "0" * 64, "v1=" + "0" * 63, "v1=" + "g" * 64, "0" * 64))):
            unsigned = gateway.request("POST", path, raw, key=who.key, headers=headers)
            assert unsigned.status == 401 and unsigned.json["signed_string"] == text, (headers, unsigned)
        for value in (None, "", "now", "-1"):
            headers = {name: value for name, value in signed.items() if name != "X-Tollgate-Timestamp"}
            headers |= {} if value is None else {"X-Tollgate-Timestamp": value}
            timeless = gateway.request("POST", path, raw, key=who.key, headers=headers)
            assert timeless.status == 401 and "signed_string" not in timeless.json, (value, timeless)
        active = shop.reseller()
        live = gateway.request("POST", path, raw, key=active["key"], headers=signed)
        bare = gateway.request("POST", path, raw, key=active["key"], headers=without)
        assert bare.status == 401 and "signed_string" not in bare.json, bare
        assert live.status == 401 and "signed_string" not in live.json and "signed_sha256" not in live.json, live
        for answer in (refused, stale, live):
            assert who.secret not in answer.body.decode()
    with checks("W12 a body that is long is shown in part, and known by its hash"):
        for body in (raw + b" " * 20_000, raw + b"\n"):
            signed = signature_headers("whsec_" + "A" * 43 + "=", "POST", path, "key-1", body)
            signed["Content-Type"] = "application/json"
            refused = gateway.request("POST", path, body, key=who.key, headers=signed)
            whole = f"{signed['X-Tollgate-Timestamp']}.POST.{path}.key-1.".encode() + body
            assert refused.status == 401 and len(refused.json["signed_string"]) < 5_000, refused
            assert refused.json["signed_sha256"] == hashlib.sha256(whole).hexdigest(), refused


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--budget=room_pending=1", demo=False) as gateway:
        pending(checks, gateway)
        bounds(checks, gateway)
        other_apis(checks, gateway)
        signatures(checks, gateway)
        bad_signatures(checks, gateway)
        empty_bodies(checks, gateway)
    calls(checks, options.tollgate)
    checks.finish()


if __name__ == "__main__":
    main()
