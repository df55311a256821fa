#!/usr/bin/env python3
"""A reseller's week, to be read as a story: it applies and integrates before anybody has approved it, sells, finds its
orders again, looks at its money and its calls, has its events delivered and replayed, tops up, and looks after its
password. Each job is done by the API, and once more by the command line: orders are signed by `tollgate sign`, events
read by `tollgate events tail`, and what is the reseller's own is done by `tollgate my …`."""

import csv
from decimal import Decimal
import io
import json
import os
import re
import tempfile
import urllib.parse

from accounts import APIS, person
from payservice import API_KEY, SECRET, PaymentService, signed
from receiver import Receiver, answer
from sandbox import VECTOR
from shop import PARTNER, PASSWORD, Shop
from support import (
    Checks, Gateway, arguments, command, signature_headers, verified_export, wait_until, write_private)


class Reseller:
    """Somebody with a shop of its own. `key` is what its programs call with, `session` what it is signed in by."""

    def __init__(self, shop, folder, tollgate):
        self.shop, self.gateway, self.folder, self.tollgate = shop, shop.gateway, folder, tollgate
        self.base, self.email = shop.base + PARTNER, "dev@newshop.example"
        self.key = self.session = self.secret = None

    def call(self, method, path, body=None, key=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gateway.request(method, self.base + path, body, key=key or self.key, headers=headers)

    def ask(self, path, key=None):
        answer = self.call("GET", path, key=key)
        assert answer.status == 200, (path, answer)
        return answer.json

    def ids(self, path):
        return [row["id"] for row in self.ask(path)["data"]]

    def sign_in(self, password=PASSWORD, status=200):
        answer = self.call("POST", "/session", {"email": self.email, "password": password}, key="")
        assert answer.status == status, answer
        return answer.json.get("token")

    def by_password(self):
        """The same by the command line, as a shell script would."""
        return self.line(
            "my", "sign-in", "--email", self.email, "--password-file", self.file("word", PASSWORD), "--url",
            self.gateway.base_url, "--tenant", self.shop.slug).strip()

    def mint(self, status=201, **fields):
        answer = self.call("POST", "/keys", fields, key=self.session)
        assert answer.status == status, answer
        return answer.json

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        write_private(path, text)
        return path

    def line(self, *words):
        done = command(self.tollgate, *words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def mine(self, *words, key=None):
        """What `tollgate my …` prints with --json."""
        return json.loads(self.line(
            "my", *words, "--json", "--url", self.gateway.base_url, "--key", key or self.key).splitlines()[0])

    def order(self, sku="vps-1", idempotency_key="order-1", by_hand=False, **fields):
        """An order, signed here, or by `tollgate sign` as a shell script would."""
        order = {"product": sku, "term": "monthly", "quantity": 1, "customer": {"external_id": "c-1"}, **fields}
        body = json.dumps(order)
        if by_hand:
            words = ["--path", self.gateway.base_url + self.base + "/orders", "--idempotency-key", idempotency_key]
            files = ["--body-file", self.file("order.json", body), "--secret-file", self.file("secret", self.secret)]
            headers = dict(text.split(": ", 1) for text in self.line("sign", *words, *files).splitlines())
        else:
            headers = signature_headers(self.secret, "POST", self.base + "/orders", idempotency_key, body.encode())
        return self.call("POST", "/orders", body.encode(), **headers, Content_Type="application/json")


def before_approval(checks, me):
    with checks("W11 W12 it applies, signs in before it is approved, and mints a test key; a live one waits"):
        applied = me.call("POST", "/apply", {"email": me.email, "name": "New Shop", "password": PASSWORD}, key="")
        assert applied.status == 201 and applied.json["status"] == "pending", applied
        me.id, me.session = applied.json["id"], me.sign_in()
        assert me.mint(403)["code"] == "reseller_not_active"
        me.key = me.mint(mode="test", name="trying")["key"]
        me.secret = me.call("POST", "/webhook/secret/rotate", key=me.session).json["webhook_secret"]
    with checks("W12 W5 it orders in the test book at list price, and its signature is explained where it is wrong"):
        row = next(row for row in me.ask("/products")["data"] if row["product"] == "vps-1")
        assert row["terms"]["monthly"] == {"wholesale": "5.00", "net": "5.00"}, row
        placed = me.order()
        assert placed.status == 201 and placed.json["wholesale_total"] == "5.00", placed
        right, me.secret = me.secret, "whsec_" + "QUJD" * 8
        wrong = me.order(idempotency_key="order-2")
        me.secret = right
        assert wrong.status == 401 and wrong.json["signed_string"].split(".")[1] == "POST", wrong
    with checks("W5 W12 tollgate sign: the page's vector, and an order in the test book"):
        vector = me.line(
            "sign", "--timestamp", "1614265330", "--idempotency-key", "order-1001", "--path", VECTOR["path"],
            "--body-file", me.file("body", VECTOR["body"]), "--secret", VECTOR["secret"])
        assert f"X-Tollgate-Signature: {VECTOR['result']}" in vector, vector
        assert me.order(idempotency_key="order-3", by_hand=True).status == 201
        assert len(me.ids("/orders")) == 2 and {row["amount"] for row in me.ask("/statement")["data"]} == {"0.00"}


def selling(checks, me):
    with checks("W1 W11 W4 it is approved, mints a live key, and orders under a reference of its own"):
        assert me.shop.admin("POST", f"/resellers/{me.id}/approve").status == 200
        me.test_key, minted = me.key, me.mint(name="shop")
        me.key, me.key_id = minted["key"], minted["id"]
        assert minted["mode"] == "live" and me.ask("/account")["status"] == "active", minted
        me.shop.price({"id": me.id}, "vps-1", {"wholesale_monthly": "4.00"})
        me.shop.top_up({"id": me.id}, "100.00")
        first = me.order(idempotency_key="live-1", reference="invoice-17")
        assert first.status == 201 and first.json["wholesale_total"] == "4.00", first
        second = me.order(idempotency_key="live-2", by_hand=True, reference="invoice-18", quantity=2,
                          customer={"external_id": "c-2", "email": "jo@example.net"})
        assert second.status == 201 and len(second.json["services"]) == 2, second
    with checks("W6 it finds an order by reference, customer and Idempotency-Key, and its services by the order"):
        order = first.json["order"]["id"]
        for query in ("reference=invoice-17", "customer=c-1", "idempotency_key=live-1"):
            assert me.ids(f"/orders?{query}") == [order], query
        customer, = me.ask("/customers?external_id=c-2")["data"]
        assert me.ids(f"/orders?customer={customer['id']}") == [second.json["order"]["id"]]
        made = [service["id"] for service in second.json["services"]]
        assert sorted(me.ids(f"/services?order={second.json['order']['id']}")) == sorted(made)
        assert me.ask(f"/services/{made[0]}")["status"] == "active"
    return first


def looking(checks, me, first):
    with checks("W6 its statement, page and file, is what its balance comes to"):
        rows = me.ask("/statement")["data"]
        assert [(row["kind"], row["amount"]) for row in rows] == [
            ("order", "-8.00"), ("order", "-4.00"), ("top_up", "100.00")], rows
        assert rows[0]["balance_after"] == me.ask("/balance")["balance"] == "88.00"
        text = me.call("GET", "/statement.csv").body.decode()
        assert sum(Decimal(row["amount"]) for row in csv.DictReader(io.StringIO(text))) == 88, text
        assert me.call("GET", "/statement.csv?to=2020-01-01").body.count(b"\n") == 1
    with checks("W6 O6 its own calls, counted and one by one: the one that was refused is found"):
        refused = me.order("nothing", "live-3")
        assert refused.status == 404, refused
        row, = me.ask(f"/requests?request_id={refused.headers['request-id']}")["data"]
        assert (row["status"], row["route"], row["key"]) == (404, "POST /api/partner/v1/orders", me.key_id), row
        found = me.ask(f"/requests?order={first.json['order']['id']}")["data"]
        assert [row["request_id"] for row in found] == [first.headers["request-id"]], found
        route = urllib.parse.quote("POST /api/partner/v1/orders")
        used, = me.ask(f"/usage?key={me.key_id}&route={route}")["data"]
        assert (used["requests"], used["orders"], used["other_refusals"]) == (3, 2, 1), used


def events(checks, me, receiver):
    with checks("H1 H4 W6 W10 its webhook gets what happens; deliveries are listed, and replayed byte for byte"):
        made = me.call("POST", "/webhooks", {
            "name": "shop", "url": receiver.url("/hook"), "events": ["order.created", "service.activated"]})
        assert made.status == 201, made
        tested = me.call("POST", f"/webhooks/{made.json['id']}/test")
        assert tested.status == 200 and tested.json["outcome"] == "delivered", tested
        order = me.order(idempotency_key="live-4", reference="invoice-19").json["order"]
        wait_until(lambda: len(me.ask("/deliveries?state=delivered&type=order.created")["data"]) == 1)
        wait_until(lambda: receiver.count("/hook") == 3)
        body = {"since": order["created_at"], "types": ["order.created"]}
        assert me.call("POST", "/deliveries/replay", {**body, "dry_run": True}).json["count"] == 1
        assert me.call("POST", "/deliveries/replay", body).json["count"] == 1
        wait_until(lambda: receiver.count("/hook") == 4)
        sent = [call for call in receiver.calls["/hook"] if json.loads(call.body)["type"] == "order.created"]
        assert len(sent) == 2 and sent[0].body == sent[1].body, sent
        assert json.loads(sent[0].body)["data"]["reference"] == "invoice-19", sent
    with checks("W6 H4 the same events in order, by the feed and by tollgate events tail"):
        feed = me.ask("/events?types=order.created")["data"]
        told = me.line("events", "tail", "--once", "--type", "order.created", "--api", "wholesale", "--json",
                       "--url", me.gateway.base_url, "--tenant", me.shop.slug, "--key", me.key)
        assert json.loads(told.splitlines()[0])["data"] == feed and len(feed) == 3, (told, feed)


def topping_up(checks, me):
    with checks("W6 A6 it tops up by a payment, which is credited once it is confirmed"):
        assert me.call("POST", "/topup", {"amount": "50.00"}).status == 503
        assert me.shop.admin("PUT", "/payment-service", {
            "driver": "http", "create_url": PaymentService().url, "api_key": API_KEY,
            "webhook_secret": SECRET}).status == 200
        before = Decimal(me.ask("/balance")["balance"])
        begun = me.call("POST", "/topup", {"amount": "50.00"}, Idempotency_Key="topup-1")
        assert begun.status == 201 and begun.json["payment_url"] and begun.json["status"] == "pending", begun
        report = json.dumps({"order_id": begun.json["order_id"], "status": "confirmed", "amount": "50.00",
                             "currency": "EUR"}).encode()
        for _ in range(2):
            done = me.gateway.request(
                "POST", me.shop.base + "/api/payments/callback", report, headers=signed(report))
            assert done.status == 200, done
        assert me.ask(f"/topup/{begun.json['id']}")["status"] == "confirmed"
        assert Decimal(me.ask("/balance")["balance"]) == before + 50


def by_command(checks, me, first):
    secret = me.file("secret", me.secret)
    order = ["vps-1", "--term", "monthly", "--customer", "c-3", "--reference", "invoice-20"]
    with checks("W4 W5 P6 tollgate my buy: priced before, signed, and the same line again is the same order"):
        before = Decimal(me.mine("balance")["balance"])
        assert me.mine("quote", *order)["wholesale_total"] == "4.00"
        once = [*order, "--secret-file", secret, "--idempotency-key", "live-5"]
        placed = me.mine("buy", *once)
        assert placed["order"]["reference"] == "invoice-20" and placed == me.mine("buy", *once), placed
        assert Decimal(me.ask("/balance")["balance"]) == before - 4
        # Without a tenant's name, and with it.
        found = [me.mine("orders", "--reference", "invoice-20", *more) for more in ([], ["--tenant", me.shop.slug])]
        assert [[row["id"] for row in page["data"]] for page in found] == [[placed["order"]["id"]]] * 2, found
        named = ["buy", "vps-1", "--term", "monthly", "--customer", "c-3", "--tenant", me.shop.slug]
        assert me.mine(*named, "--secret-file", secret)["order"]["id"] != placed["order"]["id"]
        unsigned = command(me.tollgate, "my", "buy", *order, "--url", me.gateway.base_url, "--key", me.key)
        assert unsigned.returncode == 2 and "--secret-file" in unsigned.stderr, unsigned
    service = placed["services"][0]["id"]
    with checks("W6 W9 P6 tollgate my service, cancel, keep: it ends with its term, and renews after all"):
        assert me.mine("service", service) == me.ask(f"/services/{service}")
        assert me.mine("cancel", service)["ends_at"] and me.mine("keep", service)["ends_at"] is None
        assert service in [row["id"] for row in me.mine("services", "--order", placed["order"]["id"])["data"]]
        shown = me.line("my", "order", placed["order"]["id"], "--url", me.gateway.base_url, "--key", me.key)
        assert service in shown and "invoice-20" in shown, shown
    with checks("W6 P6 tollgate my …: each shows what its call answers; the statement's file is the call's"):
        for words, path in (
                (["account"], "/account"), (["programme"], "/program"), (["products"], "/products?limit=100"),
                (["holdings"], "/holdings?limit=100"), (["customers", "--external-id", "c-3"],
                                                         "/customers?external_id=c-3&limit=100"),
                (["statement"], "/statement?limit=100"),
                (["statement", "--kind", "order", "--from", "2026-01-01", "--to", "2099-01-01"],
                 "/statement?kind=order&from=2026-01-01&to=2099-01-01&limit=100"),
                (["orders", "--product", "vps-1", "--to", "2099-01-01"],
                 "/orders?product=vps-1&to=2099-01-01&limit=100")):
            assert me.mine(*words) == me.ask(path), words
        for words, path in (
                (["webhooks"], "/webhooks"),
                (["deliveries", "--type", "order.created"], "/deliveries?type=order.created")):
            assert [row["id"] for row in me.mine(*words)["data"]] == me.ids(path), words
        assert me.mine("overview")["services"] == me.ask("/overview")["services"]
        assert me.mine("limit").keys() == me.ask("/limit").keys()
        file = os.path.join(me.folder, "statement.csv")
        me.line("my", "statement", "--output", file, "--url", me.gateway.base_url, "--key", me.key)
        with open(file, "rb") as saved:
            assert saved.read() == me.call("GET", "/statement.csv").body
        row, = me.mine("requests", "--request-id", first.headers["request-id"])["data"]
        assert (row["status"], row["route"]) == (201, "POST /api/partner/v1/orders"), row
        used = me.mine("usage", "--route", "POST /api/partner/v1/orders", "--by-key", me.key_id)["data"]
        assert sum(row["orders"] for row in used) == 5, used
        table = me.line("my", "products", "--url", me.gateway.base_url, "--key", me.key)
        assert "monthly" in table and table.startswith("PRODUCT"), table


def more_by_command(checks, me, first, receiver):
    with checks("W6 H4 P6 tollgate my delivery, retry: one is seen with its attempts, and delivered again"):
        delivery = me.mine("deliveries", "--state", "delivered")["data"][0]["id"]
        tries = me.mine("delivery", delivery)["tries"]
        assert me.mine("retry", delivery)["id"] == delivery
        wait_until(lambda: me.mine("delivery", delivery)["tries"] > tries)
    with checks("W6 H4 P6 tollgate my replay: what the filter finds is counted, and delivered again"):
        wait_until(lambda: not me.ask("/deliveries?state=pending")["data"])
        words = ["replay", "--since", first.json["order"]["created_at"], "--type", "order.created"]
        found = me.mine(*words, "--state", "delivered", "--dry-run")
        assert found["dry_run"] is True and found["count"] >= 1, found
        before = me.call("GET", "/deliveries?type=order.created").json["data"]
        assert me.mine(*words, "--state", "delivered")["count"] == found["count"]
        wait_until(lambda: sum(row["tries"] for row in me.ask("/deliveries?type=order.created")["data"])
                   >= sum(row["tries"] for row in before) + found["count"])
    own_webhooks(checks, me, receiver)
    with checks("A6 P6 tollgate my topup: a payment is begun, and told of"):
        begun = me.mine("topup", "20.00", "--idempotency-key", "topup-2")
        assert me.mine("payment", begun["id"])["status"] == "pending" and begun["payment_url"], begun
    with checks("O13 P6 tollgate my keys, sessions: by the token of who is signed in, not by a key"):
        assert me.key_id in [row["id"] for row in me.mine("keys", key=me.session)["data"]]
        forgotten = me.by_password()
        other, own = me.mine("sessions", key=me.session)["data"]
        assert (other["current"], own["current"]) == (False, True)
        assert me.mine("sessions", "--end", other["id"], key=me.session) == {"ok": True, "id": other["id"]}
        assert me.call("GET", "/account", key=forgotten).status == 401
        refused = command(me.tollgate, "my", "keys", "--url", me.gateway.base_url, "--key", me.key)
        assert refused.returncode == 1 and "tollgate my sign-in" in refused.stderr, refused
        leaving = me.by_password()
        assert me.mine("sign-out", key=leaving) == {"ok": True}
        assert me.call("GET", "/account", key=leaving).status == 401
    with checks("W11 P6 tollgate my apply: somebody else applies, and waits"):
        applied = json.loads(me.line(
            "my", "apply", "--email", "next@newshop.example", "--name", "Next Shop", "--password-file",
            me.file("word", PASSWORD), "--url", me.gateway.base_url, "--tenant", me.shop.slug, "--json"))
        assert applied["status"] == "pending", applied
    with checks("W11 O13 G3 P6 tollgate my mint, rotate, revoke: a key of one's own, from its first call to its last"):
        def status(key):
            return me.call("GET", "/balance", key=key).status

        made = me.mine("mint", "--name", "laptop", "--scope", "partner:read", key=me.session)
        assert (made["name"], made["scopes"], status(made["key"])) == ("laptop", ["partner:read"], 200), made
        turned = me.mine("rotate", made["id"], "--overlap-seconds", "600", key=me.session)["key"]
        assert status(turned) == status(made["key"]) == 200
        assert me.mine("revoke", made["id"], key=me.session)["revoked_at"]
        assert status(turned) == status(made["key"]) == 401


def own_webhooks(checks, me, receiver):
    with checks("W6 H4 P6 tollgate my webhook-add, webhook-test: a second webhook gets what it is subscribed to"):
        made = me.mine("webhook-add", "stock", receiver.url("/stock"), "--type", "order.created", "--concurrency", "1",
                       "--max-per-second", "5")
        assert made["secret"].startswith("whsec_") and made["events"] == ["order.created"], made
        assert (made["concurrency"], made["max_per_second"]) == (1, 5), made
        assert me.mine("webhook", made["id"]) == me.ask(f"/webhooks/{made['id']}")
        assert me.mine("webhook-test", made["id"])["outcome"] == "delivered"
        assert json.loads(receiver.calls["/stock"][0].body)["type"] == "webhook.test"
    with checks("W6 H4 P6 tollgate my webhook-change: what it names, and no more"):
        changed = me.mine("webhook-change", made["id"], "--type", "order.created", "--type", "order.completed",
                          "--max-per-second", "none", "--address", receiver.url("/moved"))
        assert changed["events"] == ["order.created", "order.completed"], changed
        assert (changed["name"], changed["concurrency"], changed["max_per_second"]) == ("stock", 1, None), changed
        assert me.mine("webhook-change", made["id"], "--name", "shelf")["url"] == receiver.url("/moved")
        nothing = command(
            me.tollgate, "my", "webhook-change", made["id"], "--url", me.gateway.base_url, "--key", me.key)
        assert nothing.returncode == 1 and "max_per_second" in nothing.stderr, nothing
    with checks("W6 H4 P6 tollgate my webhook-pause, webhook-resume: what comes meanwhile is held, and replayed after"):
        assert me.mine("webhook-pause", made["id"])["state"] == "paused"
        order = me.order(idempotency_key="live-6").json["order"]
        wait_until(lambda: me.mine("webhook", made["id"])["deliveries"]["held"] == 1)
        assert me.mine("webhook-resume", made["id"])["state"] == "active"
        held = me.mine("replay", "--since", order["created_at"], "--state", "held", "--endpoint", made["id"])
        assert held["count"] == 1, held
        wait_until(lambda: receiver.count("/moved") == 1)
    with checks("W6 H4 P6 tollgate my webhook-rotate: a new secret; the old one signs beside it as long as is said"):
        turned = me.mine("webhook-rotate", made["id"], "--overlap-seconds", "0")
        assert turned["secret"].startswith("whsec_") and turned["secret"] != made["secret"], turned
        me.mine("webhook-test", made["id"])
        signatures = receiver.calls["/moved"][-1].headers["webhook-signature"].split(" ")
        assert len(signatures) == 1, signatures
        assert me.mine("webhook-rotate", made["id"])["previous_valid_until"]
        me.mine("webhook-test", made["id"])
        assert len(receiver.calls["/moved"][-1].headers["webhook-signature"].split(" ")) == 2
    with checks("W6 H4 P6 tollgate my webhook-enable: one that answered 410 is disabled, and enabled again"):
        receiver.answers["/moved"] = lambda _: answer(410)
        assert me.order(idempotency_key="live-7").status == 201
        wait_until(lambda: me.mine("webhook", made["id"])["disabled_reason"] == "gone")
        del receiver.answers["/moved"]
        assert me.mine("webhook-enable", made["id"])["state"] == "active"
    with checks("W6 H4 P6 tollgate my webhook-remove: it is gone"):
        assert me.mine("webhook-remove", made["id"]) == {"id": made["id"], "deleted": True}
        assert me.call("GET", f"/webhooks/{made['id']}").status == 404


def account(checks, me):
    with checks("O13 W11 it ends sessions that it forgot, and changes its password: keys go on"):
        forgotten = me.sign_in()
        sessions = me.ask("/account/sessions", me.session)["data"]
        assert [row["current"] for row in sessions] == [False, True], sessions
        assert me.call("DELETE", f"/account/sessions/{sessions[0]['id']}", key=me.session).status in (200, 204)
        assert me.call("GET", "/account", key=forgotten).status == 401
        another = me.sign_in()
        assert me.call("DELETE", "/account/sessions", key=me.session).json["ended"] == 1
        assert me.call("GET", "/account", key=another).status == 401
        wrong = me.call("POST", "/account/password", {"old": "not that one", "new": "a new password"}, key=me.session)
        assert wrong.status == 422 and wrong.json["errors"][0]["pointer"] == "/old", wrong
        changed = me.call("POST", "/account/password", {"old": PASSWORD, "new": "a new password"}, key=me.session)
        assert changed.status in (200, 204) and me.call("GET", "/account", key=me.session).status == 401, changed
        me.sign_in(status=401)
        me.session = me.sign_in("a new password")
        assert me.call("GET", "/balance").status == 200
        turned = me.call("POST", f"/keys/{me.key_id}/rotate", {"overlap_seconds": 0}, key=me.session)
        assert turned.status == 200 and me.call("GET", "/balance").status == 401, turned
    with checks("O13 P6 tollgate my password: sessions end, and the new one signs in"):
        old, new = me.file("old", "a new password\n"), me.file("new", PASSWORD + "\n")
        assert me.mine("password", "--old-file", old, "--new-file", new, key=me.session)["sessions_ended"] >= 1
        assert me.call("GET", "/account", key=me.session).status == 401
        me.session = me.sign_in()
        assert me.call("DELETE", "/session", key=me.session).status == 204
    with checks("W6 and at the week's end the tenant's file verifies"):
        verified_export(me.gateway, me.shop.slug)


def in_other_apis(checks, me):
    """Resellers of the other APIs: keys of their own, and what they have and sold."""
    people = {}
    for name in APIS:
        with checks(f"W11 X1 C5 L6 A7 the same in every dialect: signed in at {name}, with keys of its own"):
            people[name] = who, _ = person(me.gateway, name)
            made = who.mint()
            path = f"{who.api.keys}/{made[who.api.id]}"
            assert who.opens(made["key"]) and made[who.api.id] in [row[who.api.id] for row in who.listed()]
            turned = who.call("POST", path + "/rotate").json["key"]
            assert who.opens(turned) and not who.opens(made["key"])
            assert who.call("DELETE", path).status == 200 and not who.opens(turned)
    selling_ports(checks, me, *people["ports"])
    with checks("A5 P6 its codes, by the API and by tollgate my codes"):
        who, key = people["codes"][0], people["codes"][1]["key"]
        bought = who.by(key, "POST", "/generate", {"planId": "1month", "count": 2})
        assert bought.status in (200, 201), bought
        asked = who.by(key, "GET", "/codes?status=available").json
        assert {row["code"] for row in asked["codes"]} == {row["code"] for row in bought.json["codes"]}, asked
        assert me.mine("codes", "--status", "available", key=key) == asked
        assert me.mine("codes", "--status", "redeemed", key=key)["codes"] == []
    with checks("L2 P6 its licence keys, by the API and by tollgate my licences"):
        who, seller = people["licences"]
        sku = who.shop.product("manual")
        stocked = who.shop.admin("POST", "/licences", {"licences": [
            {"reseller": seller["id"], "product": sku, "key": "ps-1", "expiration": "2099-01-01"}]}, idempotent=True)
        assert stocked.status == 201, stocked
        asked = who.by(seller["key"], "GET", "/myavailable").json
        assert [row["key"] for row in asked["licenses"]] == ["ps-1"], asked
        assert me.mine("licences", key=seller["key"]) == asked
        page = {**asked, "has_more": False, "next_cursor": None}
        assert me.mine("licences", "--limit", "1", key=seller["key"]) == page
        written = me.line("my", "licences", "--output", "-", "--url", me.gateway.base_url, "--key", seller["key"])
        assert "ps-1" in written and len(written.splitlines()) == 2, written
        shown = me.line("my", "licences", "--url", me.gateway.base_url, "--key", seller["key"])
        assert "2099-01-01T00:00:00.000Z" in shown and not re.search(r"\b\d{13}\b", shown), shown
    with checks("C3 P6 a report of its own, by the API and by tollgate my report"):
        who, key = people["reports"][0], people["reports"][1]["key"]
        made = who.by(key, "POST", "/credit", {"kind": "topup", "amount_usd": 1.5, "external_ref": "bank-1"})
        assert made.status == 200, made
        asked = who.by(key, "GET", f"/credit/{made.json['id']}").json
        assert asked["event"]["external_ref"] == "bank-1" and me.mine("report", made.json["id"], key=key) == asked


def selling_ports(checks, me, who, seller):
    key = seller["key"]
    with checks("X4 P6 what its ports cost it and sold for, by the API and by tollgate my ports, analytics"):
        assert who.shop.admin("PUT", "/countries/de", {"name": "Germany", "base_price": "2.00"}).status in (200, 201)
        slots = [{"device": f"d-{number}", "server_ip": "198.51.100.7", "http_port": 10_000 + number,
                  "socks_port": 20_000 + number, "country": "de", "city": "bonn", "carrier": "o2", "mode": "shared"}
                 for number in (1, 2)]
        stocked = who.shop.admin("POST", "/ports", {"ports": slots}, idempotent=True)
        assert stocked.status == 201, stocked
        margin = {"pricingMode": "margin", "defaultMarginPercent": 25, "portPricing": {"marginPercent": 25}}
        assert who.by(key, "PUT", "/reseller/pricebook", margin).status == 200
        customer = who.by(key, "POST", "/reseller/customers", {
            "email": "c@c.example", "allocatedPortSlots": 2, "externalId": "crm-1"}).json["_id"]
        order = {"customerId": customer, "countryId": "de", "days": 3}
        bought = [who.by(key, "POST", "/reseller/ports", order) for _ in slots]
        assert [answer.status for answer in bought] == [201, 201], bought
        asked = who.by(key, "GET", "/reseller/analytics").json
        assert asked["totals"] == {"ports": 2, "renewals": 0, "cost": 12, "price": 15, "margin": 3}, asked
        told = me.mine("analytics", key=key)
        assert (told["totals"], told["analytics"]) == (asked["totals"], asked["analytics"]), (told, asked)
        assert me.mine("analytics", "--from", "2020-01-01", "--to", "2020-02-01", key=key)["analytics"] == []
        listed = who.by(key, "GET", "/reseller/ports").json
        assert me.mine("ports", "--customer", customer, "--status", "active", key=key) == listed, listed
        assert me.mine("ports", "--status", "expired", key=key)["ports"] == []
        reach = ["--url", me.gateway.base_url, "--key", key]
        first, rest = me.line("my", "ports", *reach), command(me.tollgate, "my", "ports", "--limit", "1", *reach)
        assert all(answer.json["port"]["_id"] in first for answer in bought), first
        assert len(rest.stdout.splitlines()) == 2 and "there is more: --cursor " in rest.stderr, rest
        table = me.line("my", "analytics", *reach)
        assert "crm-1" in table and re.search(r"totals.margin +3.00", table), table
        # Times are those that people read, whatever the API writes.
        for shown in (first, table):
            assert re.search(r"\d{4}-\d\d-\d\dT", shown) and not re.search(r"\b\d{13}\b", shown), shown


def main():
    options = arguments()
    checks = Checks()
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as folder, \
            Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
        me = Reseller(Shop(gateway), folder, options.tollgate)
        before_approval(checks, me)
        first = selling(checks, me)
        looking(checks, me, first)
        events(checks, me, receiver)
        topping_up(checks, me)
        by_command(checks, me, first)
        more_by_command(checks, me, first, receiver)
        in_other_apis(checks, me)
        account(checks, me)
    receiver.stop()
    checks.finish()


if __name__ == "__main__":
    main()
