"""A1–A5, A7, A8, D1, D2 for the tenant `codes`, and X7's test book for it: activation codes, compared with what
the product document says.

API keys, seed hashes and passwords are looked for in everything that the gateway has written, at the end.
"""

import csv
import glob
import http.client
import io
import itertools
import os
import re
import threading
import time
import urllib.parse
import uuid

from shop import Shop
from support import Checks, Gateway, arguments, shape, together, verified_export, wait_until

BASE = "/t/codes/api/reseller"
ADMIN = "/t/codes/api/admin"
PASSWORD = "correct horse battery"
CALLERS = 16
HEX64 = re.compile(r"[0-9a-f]{64}")
CODE = re.compile(r"[0-9a-f]{32}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SECURITY = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "strict-origin",
            "cache-control": "no-store"}
_numbers = itertools.count(1)
secrets = []


def refused(answer, status, words="", members=("error",)):
    """Every refusal is the document's envelope with one of the document's statuses."""
    assert answer.status == status, answer
    assert list(answer.json) == list(members), answer
    assert isinstance(answer.json["error"], str) and words.lower() in answer.json["error"].lower(), answer
    assert answer.headers["content-type"] == "application/json", answer.headers


def address():
    """A client address of its own, for what is rationed by address."""
    number = next(_numbers)
    return {"X-Forwarded-For": f"198.{18 + number // 65_000}.{number // 250 % 250}.{number % 250}"}


class Client:
    """A reseller's credential in the document's header."""

    def __init__(self, gateway, key, header="x-api-key", base=BASE):
        self.gateway, self.key, self.header, self.base = gateway, key, header, base

    def __call__(self, method, path, body=None, **headers):
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gateway.request(method, self.base + path, body, headers={self.header: self.key, **more})

    def me(self):
        answer = self("GET", "/me")
        assert answer.status == 200, answer
        return answer.json

    def generate(self, plan="1month", count=1):
        answer = self("POST", "/generate", {"planId": plan, "count": count})
        assert answer.status == 200, answer
        return [code["code"] for code in answer.json["codes"]]

    def balance(self):
        return re.search(rb'"balance":(-?[0-9.]+)', self("GET", "/me").body).group(1).decode()


class Bench:
    """What the checks do besides calling as a reseller."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.owner = gateway.tenant("codes")["owner_key"]
        self.demo = Client(gateway, gateway.reseller("codes")["key"])

    def admin(self, method, path, body=None, **headers):
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gateway.request(method, ADMIN + path, body, key=self.owner, headers=more)

    def register(self, email=None, **fields):
        body = {"companyName": "MyBrand", "email": email or f"r{next(_numbers)}@brand.example", "password": PASSWORD}
        return self.gateway.post(BASE + "/register", {**body, **fields}, headers=address())

    def reseller(self, balance=None):
        """Registered, activated, with a key of its own."""
        made = self.register()
        assert made.status == 200, made
        seed = Client(self.gateway, made.json["seedHash"], "x-seed-hash")
        assert seed("POST", "/activate").status == 200
        minted = seed("POST", "/regenerate-key")
        assert minted.status == 200, minted
        secrets.extend([seed.key, minted.json["apiKey"]])
        client = Client(self.gateway, minted.json["apiKey"])
        client.seed = seed
        client.id = self.admin("GET", "/resellers?limit=100").json["data"][-1]["id"]
        if balance:
            self.top_up(client, balance)
        return client

    def top_up(self, client, amount):
        done = self.admin("POST", f"/resellers/{client.id}/balance", {"amount": amount, "reference": "start"},
                          Idempotency_Key=uuid.uuid4().hex)
        assert done.status in (200, 201), done

    def page(self, code, method="GET", body=None, headers=None):
        return self.gateway.request(method, f"/t/codes/activate/{code}", body, headers={**address(), **(headers or {})})

    def redeem(self, code, email, password=PASSWORD, **fields):
        """As a program: JSON."""
        return self.page(code, "POST", {"email": email, "password": password, **fields})

    def submit(self, code, headers=None, **fields):
        """As a browser: a form."""
        return self.page(code, "POST", urllib.parse.urlencode(fields).encode(), {
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html,*/*;q=0.8", **(headers or {})})


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8", "--log-requests") as gateway:
        bench = Bench(gateway)
        for part in (demo, plans, registering, profile, generating, listing, keys, pages, envelopes, operators, test_book):
            part(checks, gateway, bench)
        blueprint_prices(checks, gateway)
        killed(checks, gateway, bench)
        evidence(checks, gateway, options)
    checks.finish()


def demo(checks, gateway, bench):
    with checks("D1 D2 the demo's reseller is active, its key of 64 hexadecimal digits works, its balance is 500.00"):
        assert HEX64.fullmatch(bench.demo.key) and HEX64.fullmatch(bench.owner)
        me = bench.demo.me()
        assert me["status"] == "active" and bench.demo.balance() == "500.00", me
        assert me["stats"]["totalCodes"] > me["stats"]["redeemedCodes"] > 0, me
        assert bench.demo("POST", "/generate", {"planId": "1month"}).status == 200


def plans(checks, gateway, bench):
    seed = (b'[{"id":"1month","name":"1 Month","days":30,"retailPrice":1.99,"wholesalePrice":1.00,"margin":0.99},'
            b'{"id":"6month","name":"6 Months","days":180,"retailPrice":9.99,"wholesalePrice":5.00,"margin":4.99},'
            b'{"id":"12month","name":"12 Months","days":365,"retailPrice":19.99,"wholesalePrice":10.00,"margin":9.99}]')
    with checks("A2 GET /plans is the document's, digit for digit, without a credential and with one"):
        for _ in range(2):
            assert gateway.get(BASE + "/plans").body == seed
            assert bench.demo("GET", "/plans").body == seed
    with checks("A2 O4 a plan is a product that the operator keeps: added, changed, hidden, seen at once"):
        made = bench.admin("POST", "/products", {
            "sku": "week", "name": "1 Week", "fulfilment": "instant", "days": 7, "retail_price": "0.60",
            "wholesale_price": "0.30"})
        assert made.status == 201 and made.json["wholesale_price"] == "0.30", made
        added = gateway.get(BASE + "/plans").json[-1]
        assert added == {"id": "week", "name": "1 Week", "days": 7, "retailPrice": 0.6, "wholesalePrice": 0.3,
                         "margin": 0.3}, added
        assert bench.admin("PATCH", "/products/week", {"wholesale_price": "0.25"}).status == 200
        assert gateway.get(BASE + "/plans").json[-1]["wholesalePrice"] == 0.25
        assert bench.admin("PATCH", "/products/week", {"wholesale_price": None}).status == 200
        assert len(gateway.get(BASE + "/plans").json) == 3
        assert bench.admin("PATCH", "/products/week", {"wholesale_price": "0.25", "hidden": True}).status == 200
        assert gateway.get(BASE + "/plans").body == seed
        refused(bench.demo("POST", "/generate", {"planId": "week"}), 400, "planId")
    with checks("A2 a reseller's own price row is its wholesale price; without one, and for everybody, it is the plan's"):
        own, other = bench.reseller("100.00"), bench.reseller()
        path = f"/resellers/{own.id}/products/6month"
        assert bench.admin("PUT", path, {"wholesale_once": "4.20"}).status == 200
        assert own("GET", "/plans").json[1]["wholesalePrice"] == 4.2
        assert own("GET", "/plans").json[1]["margin"] == 5.79
        assert other("GET", "/plans").body == seed == gateway.get(BASE + "/plans").body
        answer = own("POST", "/generate", {"planId": "6month", "count": 3})
        assert b'"totalCost":12.60,"newBalance":87.40' in answer.body, answer
        assert bench.admin("PUT", path, {"is_enabled": False}).status == 200
        assert [plan["id"] for plan in own("GET", "/plans").json] == ["1month", "12month"]
        refused(own("POST", "/generate", {"planId": "6month"}), 400, "planId")
        imported = gateway.post(ADMIN + "/price-book.csv", f"reseller,sku,wholesale_once,is_enabled\n{own.id},6month,4.5,true\n".encode(),
                                key=bench.owner, headers={"Content-Type": "text/csv"})
        assert imported.status == 200, imported
        assert own("GET", "/plans").json[1]["wholesalePrice"] == 4.5
    with checks("A2 G6 a credential that opens nothing is shown what everybody is, and counts as a wrong guess"):
        failed = gateway.metrics().get("tollgate_failed_credentials_total")
        assert gateway.get(BASE + "/plans", headers={"x-api-key": "0" * 64}).body == seed
        assert gateway.get(BASE + "/plans", headers={"x-seed-hash": "no key at all"}).body == seed
        assert gateway.get(BASE + "/plans", headers={"x-api-key": bench.owner}).body == seed
        assert gateway.metrics().get("tollgate_failed_credentials_total") == failed + 2
        # By the bare path nobody knows whose plans were meant.
        refused(gateway.get("/api/reseller/plans", headers={"x-api-key": "0" * 64}), 401)
        assert bench.admin("POST", f"/resellers/{own.id}/suspend").status == 200
        refused(own("GET", "/me"), 403, "suspended")
        assert own("GET", "/plans").body == seed
        assert own.seed("GET", "/plans").json[1]["wholesalePrice"] == 4.5, "its people go on reading (W1)"
        assert bench.admin("POST", f"/resellers/{own.id}/terminate").status == 200
        assert own("GET", "/plans").body == seed and own.seed("GET", "/plans").body == seed


def blueprint_prices(checks, gateway):
    with checks("A2 P1 a blueprint's prices are whole in the tenant's currency, and so is what /plans shows"):
        for code, seeds in (
                ("JPY", [b"2,1,1", b"10,5,5", b"20,10,10"]),
                ("KWD", [b"1.990,1.000,0.990", b"9.990,5.000,4.990", b"19.990,10.000,9.990"])):
            shop = Shop(gateway, blueprint="codes", currency=code)
            names = (b"retailPrice", b"wholesalePrice", b"margin")

            def plans():
                answer = gateway.get(shop.base + "/api/reseller/plans")
                return [b",".join(found) for found in re.findall(
                    b",".join(b'"%s":([0-9.]+)' % name for name in names), answer.body)]
            assert plans() == seeds, (code, plans())
            finer = {"retail_price": "2.4004", "wholesale_price": "0.0004"}
            assert shop.admin("PATCH", "/products/1month", finer).status == 200
            assert plans()[0] == (b"2,1,1" if code == "JPY" else b"2.400,0.001,2.399"), plans()
        hosting = Shop(gateway, currency="JPY").admin("GET", "/products?limit=100").json["data"]
        lists = [row["list"] for row in hosting if row["list"]]
        terms = {text for prices in lists for name, text in prices.items() if text and name != "hourly"}
        assert lists and not any("." in text for text in terms) and {"5", "15", "29", "54"} <= terms, terms
        assert any(prices["hourly"] == "0.0087" for prices in lists), lists


def registering(checks, gateway, bench):
    with checks("A2 POST /register answers pending with a seed hash, which reads the profile and activates, no more"):
        made = bench.register("new@brand.example")
        assert made.status == 200 and shape(made.json) == {"ok": "bool", "status": "str", "seedHash": "str"}, made
        assert made.json["ok"] is True and made.json["status"] == "pending" and HEX64.fullmatch(made.json["seedHash"])
        seed = Client(gateway, made.json["seedHash"], "x-seed-hash")
        secrets.append(seed.key)
        me = seed.me()
        assert me["status"] == "pending" and me["companyName"] == "MyBrand" and me["apiKey"] is None, me
        assert seed("GET", "/plans").status == 200
        for method, path, body in [("POST", "/generate", {"planId": "1month"}), ("GET", "/codes", None),
                                   ("POST", "/regenerate-key", None), ("PUT", "/webhook", {"url": "https://a.example/"})]:
            refused(seed(method, path, body), 403)
        activated = seed("POST", "/activate")
        assert activated.status == 200 and activated.json == {"ok": True, "status": "active"}, activated
        assert seed("POST", "/activate").json == {"ok": True, "status": "active"}
        assert seed.me()["status"] == "active" and seed("GET", "/codes").json["total"] == 0
    with checks("A2 O3 the operator activates as well, and a suspended account hears 403"):
        made = bench.register("by-operator@brand.example")
        seed = Client(gateway, made.json["seedHash"], "x-seed-hash")
        secrets.append(seed.key)
        id = next(row["id"] for row in bench.admin("GET", "/resellers?status=pending&limit=100").json["data"]
                  if row["email"] == "by-operator@brand.example")
        assert bench.admin("POST", f"/resellers/{id}/approve").status == 200
        assert seed.me()["status"] == "active"
        key = Client(gateway, seed("POST", "/regenerate-key").json["apiKey"])
        secrets.append(key.key)
        assert bench.admin("POST", f"/resellers/{id}/suspend").status == 200
        refused(key("GET", "/me"), 403, "suspended")
        refused(key("POST", "/generate", {"planId": "1month"}), 403, "suspended")
        # The dashboard stays readable (W1).
        assert seed.me()["status"] == "suspended"
        refused(seed("POST", "/regenerate-key"), 403, "suspended")
        assert bench.admin("POST", f"/resellers/{id}/terminate").status == 200
        refused(key("GET", "/me"), 401)
        refused(seed("GET", "/me"), 401)
    with checks("A2 a known email is 400 and changes nothing; so is each field that is missing, of a wrong type or too long"):
        refused(bench.register("NEW@brand.example"), 400, "account with this e-mail")
        for name, values in {"companyName": [None, "", 5, [], "x" * 201, "a\nb"], "email": [None, "", "x", 5, "a@b@c"],
                             "password": [None, "", "short", 12345678, "x" * 257]}.items():
            for value in values:
                body = {"companyName": "B", "email": "b@brand.example", "password": PASSWORD, name: value}
                refused(gateway.post(BASE + "/register", body, headers=address()), 400, name)
        for raw in [b"", b"{", b"[]", b"5", b"null"]:
            refused(gateway.post(BASE + "/register", raw, headers=address()), 400)
    with checks("A2 registrations are rationed: 20 in 15 minutes from one address, the 429 in the envelope"):
        here = address()
        answers = [gateway.post(BASE + "/register", {"companyName": ""}, headers=here) for _ in range(21)]
        assert [answer.status for answer in answers] == [400] * 20 + [429], [answer.status for answer in answers]
        refused(answers[20], 429)
        assert int(answers[20].headers["retry-after"]) > 0
    with checks("A2 logging in again gives a seed hash, logging out ends it; a wrong password and a wrong address look alike"):
        answer = gateway.post(BASE + "/login", {"email": "new@brand.example", "password": PASSWORD})
        assert answer.status == 200 and HEX64.fullmatch(answer.json["seedHash"]), answer
        secrets.append(answer.json["seedHash"])
        seed = Client(gateway, answer.json["seedHash"], "x-seed-hash")
        assert seed.me()["status"] == "active"
        assert seed("POST", "/logout").json == {"ok": True}
        refused(seed("GET", "/me"), 401)
        wrong = gateway.post(BASE + "/login", {"email": "new@brand.example", "password": "wrong password"})
        nobody = gateway.post(BASE + "/login", {"email": "nobody@brand.example", "password": "wrong password"})
        refused(wrong, 401, "password is wrong")
        assert wrong.body == nobody.body
    with checks("A2 where the setting is off, only the operator activates"):
        made = gateway.post("/provider/v1/tenants", {
            "slug": "strict", "blueprint": "codes", "owner_email": "o@strict.example", "password": PASSWORD},
            key=gateway.provider_key)
        assert made.status == 201 and HEX64.fullmatch(made.json["owner_key"]), made
        bench.strict_key = made.json["owner_key"]
        secrets.append(bench.strict_key)
        off = gateway.patch("/t/strict/api/admin/settings", {"self_activation": False}, key=made.json["owner_key"])
        assert off.status == 200 and off.json["self_activation"] is False, off
        base = "/t/strict/api/reseller"
        registered = gateway.post(base + "/register", {
            "companyName": "S", "email": "s@brand.example", "password": PASSWORD}, headers=address())
        seed = Client(gateway, registered.json["seedHash"], "x-seed-hash", base)
        secrets.append(seed.key)
        refused(seed("POST", "/activate"), 403, "operator")
        assert seed.me()["status"] == "pending"


def profile(checks, gateway, bench):
    with checks("A3 GET /me has the document's fields and types; the key shows its first and last four digits alone"):
        answer = bench.demo("GET", "/me")
        assert shape(answer.json) == {
            "companyName": "str", "balance": "float", "status": "str", "apiKey": "str",
            "stats": {"totalCodes": "int", "redeemedCodes": "int", "totalTopups": "float"}}, answer
        key = bench.demo.key
        assert answer.json["apiKey"] == f"{key[:4]}...{key[-4:]}", answer
        assert re.search(rb'"totalTopups":\d+\.\d\d}', answer.body), answer
        assert "ratelimit" in answer.headers and "x-ratelimit-limit" in answer.headers
    with checks("A3 the statistics follow what was bought, redeemed and topped up"):
        client = bench.reseller("200.00")
        bench.top_up(client, "50.00")
        codes = client.generate("1month", 3)
        assert bench.redeem(codes[0], "stats@customer.example").status == 200
        answer = client("GET", "/me")
        assert b'"balance":247.00,' in answer.body and b'"totalTopups":250.00' in answer.body, answer
        assert client.me()["stats"] == {"totalCodes": 3, "redeemedCodes": 1, "totalTopups": 250.0}


    with checks("A3 A8 /account shows the threshold of balance.low, which the operator sets; null: no event comes"):
        client = bench.reseller("10.00")
        threshold = {"low_balance_threshold": "9.50"}

        def told():
            return [event["type"] for event in client("GET", "/events?types=balance.low").json["events"]]

        assert client("GET", "/account").json["lowBalanceThreshold"] is None
        client.generate("1month", 1)
        assert told() == [] and bench.admin("PATCH", f"/resellers/{client.id}", threshold).status == 200
        bench.top_up(client, "1.00")
        assert b'"lowBalanceThreshold":9.50' in client("GET", "/account").body
        client.generate("1month", 2)
        assert told() == ["balance.low"], told()


def generating(checks, gateway, bench):
    with checks("A4 the document's example: five of 6month cost 25.00, of 45.00 there are 20.00 left; the answer is the document's"):
        client = bench.reseller("45.00")
        answer = client("POST", "/generate", {"planId": "6month", "count": 5})
        assert answer.status == 200 and shape(answer.json) == {
            "ok": "bool", "codes": [{"code": "str", "url": "str"}], "totalCost": "float", "newBalance": "float"}, answer
        assert answer.body.endswith(b'"totalCost":25.00,"newBalance":20.00}'), answer
        codes = answer.json["codes"]
        assert len(codes) == 5 == len({row["code"] for row in codes})
        for row in codes:
            assert CODE.fullmatch(row["code"])
            assert row["url"] == f"{gateway.base_url}/t/codes/activate/{row['code']}", row
        assert client.balance() == "20.00"
    with checks("A4 without the balance: 400 with error, required and balance as the document has them, and nothing made"):
        answer = client("POST", "/generate", {"planId": "6month", "count": 5})
        refused(answer, 400, members=("error", "required", "balance"))
        assert answer.body == b'{"error":"Insufficient balance","required":25.00,"balance":20.00}', answer
        assert client.me()["stats"]["totalCodes"] == 5 and client.balance() == "20.00"
    with checks("A4 count is one where it is left out, and from 1 to 100; planId is a plan"):
        assert len(client("POST", "/generate", {"planId": "1month"}).json["codes"]) == 1
        assert len(client("POST", "/generate", {"planId": "1month", "count": None}).json["codes"]) == 1
        for count in [0, -1, 101, 1.5, "5", True, [], {}, 10**30]:
            refused(client("POST", "/generate", {"planId": "1month", "count": count}), 400, "count")
        for plan in [None, "", 5, True, [], "2month", "1MONTH", "1month ", "x" * 65, "' OR 1=1 --"]:
            refused(client("POST", "/generate", {"planId": plan}), 400, "planId")
        for raw in [b"", b"{", b'"x"', b"[1]", b"\xff"]:
            refused(client("POST", "/generate", raw), 400)
        assert client.balance() == "18.00"
    with checks(f"A4 {CALLERS} callers race for the last 25.00: one gets five codes, the others hear 400, nothing is left"):
        client = bench.reseller("25.00")
        answers = together([lambda: client("POST", "/generate", {"planId": "6month", "count": 5})] * CALLERS)
        assert sorted(answer.status for answer in answers) == [200] + [400] * (CALLERS - 1), answers
        for answer in answers:
            if answer.status == 400:
                assert answer.body == b'{"error":"Insufficient balance","required":25.00,"balance":0.00}', answer
        assert client.balance() == "0.00" and client.me()["stats"]["totalCodes"] == 5
    with checks("A4 G4 the same Idempotency-Key buys once: the same bytes again; another body is refused"):
        client = bench.reseller("50.00")
        body = {"planId": "6month", "count": 2}
        first = client("POST", "/generate", body, Idempotency_Key="order-1")
        answers = together([lambda: client("POST", "/generate", body, Idempotency_Key="order-1")] * 6)
        assert all(answer.body == first.body and answer.headers["idempotency-hit"] == "true" for answer in answers)
        refused(client("POST", "/generate", {"planId": "6month", "count": 3}, Idempotency_Key="order-1"), 400)
        assert client.balance() == "40.00"
        # A refusal for lack of balance is kept too: a late retry does not buy after a top-up.
        large = {"planId": "12month", "count": 10}
        poor = client("POST", "/generate", large, Idempotency_Key="order-2")
        bench.top_up(client, "100.00")
        assert client("POST", "/generate", large, Idempotency_Key="order-2").body == poor.body


def listing(checks, gateway, bench):
    client = bench.reseller("500.00")
    codes = []
    for count in (100, 20, 3):
        codes = client.generate("1month", count)[::-1] + codes
    with checks("A5 GET /codes is the document's: fields, types, null until redeemed, times with milliseconds"):
        assert bench.redeem(codes[0], "Cora@Customer.example").status == 200
        answer = client("GET", "/codes")
        assert shape(answer.json) == {
            "codes": [{"code": "str", "plan_id": "str", "days": "int", "redeemed_by": "str", "redeemed_at": "str",
                       "created_at": "str"}],
            "total": "int", "page": "int", "pages": "int"}, answer
        redeemed, available = answer.json["codes"][:2]
        assert redeemed["redeemed_by"] == "cora@customer.example" and redeemed["plan_id"] == "1month"
        assert redeemed["days"] == 30 and TIME.fullmatch(redeemed["redeemed_at"]) and TIME.fullmatch(redeemed["created_at"])
        assert available["redeemed_by"] is None and available["redeemed_at"] is None
    with checks("A5 pages of 50, newest first, each code once; past the last page there are none"):
        seen = []
        for page in (1, 2, 3, 4):
            answer = client("GET", f"/codes?page={page}").json
            assert (answer["total"], answer["page"], answer["pages"]) == (123, page, 3), answer
            seen += [row["code"] for row in answer["codes"]]
        assert seen == codes
        empty = bench.reseller()("GET", "/codes").json
        assert empty == {"codes": [], "total": 0, "page": 1, "pages": 0}, empty
    with checks("A5 status=available and status=redeemed split the whole"):
        available = client("GET", "/codes?status=available&page=3").json
        assert (available["total"], available["pages"], len(available["codes"])) == (122, 3, 22), available
        redeemed = client("GET", "/codes?page=1&status=redeemed").json
        assert redeemed["total"] == 1 and [row["code"] for row in redeemed["codes"]] == [codes[0]]
        for query in ["page=0", "page=-1", "page=x", "page=1.5", "page=", "page=99999999999999999999"]:
            refused(client("GET", f"/codes?{query}"), 400, "page")
        for query in ["status=x", "status=", "status=AVAILABLE"]:
            refused(client("GET", f"/codes?{query}"), 400, "status")
    with checks("A5 codes.csv has every code of the list with its link and its status, or those of one status"):
        def file(query=""):
            answer = client("GET", f"/codes.csv{query}")
            assert answer.status == 200 and answer.headers["content-type"].startswith("text/csv"), answer
            return list(csv.DictReader(io.StringIO(answer.body.decode())))

        lines = file()
        assert [line["code"] for line in lines] == codes
        assert all(line["url"].endswith(f"/activate/{line['code']}") and line["days"] == "30" for line in lines), lines
        assert (lines[0]["status"], lines[0]["redeemed_by"]) == ("redeemed", "cora@customer.example"), lines[0]
        assert (lines[1]["status"], lines[1]["redeemed_by"], lines[1]["redeemed_at"]) == ("available", "", ""), lines[1]
        assert file("?status=redeemed") == lines[:1] and file("?status=available") == lines[1:]
    with checks("A5 G1 a reseller sees its own codes alone"):
        theirs = {row["code"] for row in bench.demo("GET", "/codes").json["codes"]}
        assert not {line["code"] for line in file()} & theirs
        assert not {row["code"] for row in bench.demo("GET", "/codes").json["codes"]} & set(codes)


def keys(checks, gateway, bench):
    with checks("A7 POST /regenerate-key gives a new key of 64 hexadecimal digits; the old one is dead at once"):
        client = bench.reseller("10.00")
        old = client.key
        answer = client("POST", "/regenerate-key")
        assert answer.status == 200 and shape(answer.json) == {"ok": "bool", "apiKey": "str"}, answer
        new = answer.json["apiKey"]
        secrets.append(new)
        assert HEX64.fullmatch(new) and new != old
        refused(client("GET", "/me"), 401)
        refused(client("POST", "/regenerate-key"), 401)
        client.key = new
        assert client.me()["apiKey"] == f"{new[:4]}...{new[-4:]}" == client.seed.me()["apiKey"]
    with checks("A7 G3 no call passes on the old key once the new one has been told, from whichever connection"):
        old, lost, passed = Client(gateway, client.key), threading.Event(), []

        def knock():
            connection = gateway.connection()
            while True:
                told = lost.is_set()
                # From other addresses each time: so many failures of one address would be answered 429.
                headers = {"x-api-key": old.key, **address()}
                answer = gateway.request("GET", BASE + "/me", headers=headers, connection=connection)
                if told:
                    passed.append(answer.status)
                    return connection.close()

        threads = [threading.Thread(target=knock) for _ in range(8)]
        for thread in threads:
            thread.start()
        answer = client.seed("POST", "/regenerate-key")
        lost.set()
        for thread in threads:
            thread.join()
        assert answer.status == 200 and passed == [401] * 8, passed
        client.key = answer.json["apiKey"]
        secrets.append(client.key)
        assert client.balance() == "10.00"
    with checks("A1 O1 keys that the operator mints and rotates have the tenant's shape, in both modes"):
        email = next(row["email"] for row in bench.admin("GET", "/resellers?limit=100").json["data"] if row["id"] == client.id)
        for mode in ("live", "test"):
            minted = bench.admin("POST", "/api-keys", {"owner_email": email, "mode": mode})
            assert minted.status == 201 and HEX64.fullmatch(minted.json["key"]) and minted.json["mode"] == mode, minted
            rotated = bench.admin("POST", f"/api-keys/{minted.json['id']}/rotate")
            assert rotated.status == 200 and HEX64.fullmatch(rotated.json["key"]), rotated
            secrets.extend([minted.json["key"], rotated.json["key"]])
            assert Client(gateway, rotated.json["key"]).me()["status"] == "active"
            refused(Client(gateway, minted.json["key"])("GET", "/me"), 401)
    with checks("A1 either header opens; garbage, another tenant's key and none are one 401"):
        assert Client(gateway, client.key, "x-seed-hash").me()["status"] == "active"
        unknown = gateway.get(BASE + "/me")
        refused(unknown, 401)
        for key in ["", "x", "0" * 63, "0" * 64, "0" * 65, client.key.upper(), gateway.reseller("hosting")["key"]]:
            assert Client(gateway, key)("GET", "/me").body == unknown.body
        # Without the tenant's address the key says whose it is.
        assert gateway.get("/api/reseller/me", headers={"x-api-key": client.key}).status == 200
        assert gateway.get("/t/strict/api/reseller/me", headers={"x-api-key": client.key}).status == 401
        assert gateway.get("/t/hosting/api/reseller/me", headers={"x-api-key": client.key}).status == 401
        refused(gateway.get("/t/codes/api/reseller/me", key=client.key), 401)


def without_tokens(body):
    return re.sub(rb'name="_(?:token|once)" value="[^"]*"', b"", body)


def pages(checks, gateway, bench):
    client = bench.reseller("300.00")
    with checks("A8 a code's link shows a page: the plan, one form, no script, and headers that allow nothing else"):
        code = client.generate("6month")[0]
        page = bench.page(code, headers={"Accept": "text/html"})
        text = page.body.decode()
        assert page.status == 200 and page.headers["content-type"] == "text/html; charset=utf-8", page
        assert "6 Months" in text and "180 days" in text and "<form method=\"post\">" in text, text
        assert "<script" not in text and "onclick" not in text
        # The one cookie is the form's, and opens nothing.
        assert page.headers["set-cookie"].startswith("tg-codes.form="), page.headers
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "form-action 'self'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and {name: page.headers.get(name) for name in SECURITY} == SECURITY, page.headers
        # Each visit's form has a token of its own.
        assert without_tokens(gateway.get(f"/t/codes/activate/{code}").body) == without_tokens(page.body)
    with checks("A8 creating an account and activating by the form: a page with the new end, and the reseller sees it"):
        done = bench.submit(code, email="Dora@Customer.example", password=PASSWORD, account="new")
        assert done.status == 200 and b"Activated" in done.body and b"dora@customer.example" in done.body, done
        end = re.search(rb'datetime="([^"]+)"', done.body).group(1).decode()
        assert days_from_now(end) in (179, 180), end
        row = client("GET", "/codes?status=redeemed").json["codes"][0]
        assert row["code"] == code and row["redeemed_by"] == "dora@customer.example"
    with checks("A8 once ever: the same customer gets the same end again, another hears that it has been redeemed"):
        again = bench.submit(code, email="dora@customer.example", password=PASSWORD, account="existing")
        assert again.status == 200 and end.encode() in again.body, again
        assert bench.page(code, headers={"Accept": "application/json"}).json["status"] == "redeemed"
        assert b"<form" not in bench.page(code).body
        refused(bench.redeem(code, "else@customer.example"), 400, "redeemed already")
        html = bench.submit(code, email="else@customer.example", password=PASSWORD)
        assert html.status == 400 and b"redeemed already" in html.body and html.headers["content-type"].startswith("text/html")
        assert policy_of(html)
    with checks("A8 the form that made an account is answered alike when it comes again; no other password is"):
        code = client.generate()[0]
        form = {"email": "twice@customer.example", "password": PASSWORD, "account": "new"}
        first, again = (bench.submit(code, **form) for _ in range(2))
        assert first.status == again.status == 200 and b"Activated" in first.body and first.body == again.body, again
        told = [bench.redeem(code, form["email"], account=wish).json for wish in ("new", "existing")]
        assert told[0] == told[1] and days_from_now(told[0]["endsAt"]) in (29, 30), told
        refused(bench.redeem(code, form["email"], "wrong password", account="new"), 400, "log in")
        refused(bench.redeem(code, form["email"], "wrong password"), 401)
        refused(bench.redeem(client.generate()[0], form["email"], account="new"), 400, "log in")
    with checks("A8 calls that make one account at once are one customer's: each hears the same, for the days once"):
        for number, wish in enumerate([{}, {}, {"account": "new"}]):
            code, name = client.generate()[0], f"at-once-{number}@customer.example"
            answers = together([lambda: bench.redeem(code, name, **wish)] * 4)
            assert {answer.status for answer in answers} == {200}, answers
            assert len({answer.body for answer in answers}) == 1, answers
            assert len(bench.admin("GET", f"/subscribers?email={name}").json["data"]) == 1
    with checks("A8 as JSON: what a code is for, and redeeming it adds its days after the current end"):
        code = client.generate("1month")[0]
        shown = bench.page(code, headers={"Accept": "application/json"})
        assert shown.json == {"ok": True, "plan": "1 Month", "days": 30, "status": "available"}, shown
        done = bench.redeem(code, "dora@customer.example")
        assert shape(done.json) == {
            "ok": "bool", "plan": "str", "days": "int", "email": "str", "startsAt": "str", "endsAt": "str"}, done
        assert done.json["startsAt"] == end and days_from_now(done.json["endsAt"]) in (209, 210), done
    with checks("A8 an unknown code, one of no code's shape and another tenant's are one answer, to people and programs"):
        for headers in ({"Accept": "application/json"}, {"Accept": "text/html"}):
            answers = [bench.page(code, headers=headers) for code in ("0" * 32, "x", code.upper(), "%2e%2e", "a" * 5000)]
            answers.append(gateway.get(f"/t/strict/activate/{code}", headers=headers))
            assert {(answer.status, answer.body) for answer in answers} == {(404, answers[0].body)}, answers
        refused(bench.page("0" * 32, headers={"Accept": "application/json"}), 404)
        refused(bench.redeem("0" * 32, "dora@customer.example"), 404)
        assert gateway.get(f"/t/hosting/activate/{code}").status == 404
    with checks("A8 a wrong password is 401 and redeems nothing; logging in without an account looks the same"):
        code = client.generate()[0]
        wrong = bench.redeem(code, "dora@customer.example", "wrong password")
        refused(wrong, 401, "password is wrong")
        assert bench.redeem(code, "nobody@customer.example", "wrong password", account="existing").body == wrong.body
        assert bench.submit(code, email="dora@customer.example", password="wrong password").status == 401
        refused(bench.redeem(code, "dora@customer.example", account="new"), 400, "log in")
        for fields in [{"email": "x"}, {"email": None}, {"password": "short"}, {"password": None}, {"account": "x"}]:
            body = {"email": "c@customer.example", "password": PASSWORD, **fields}
            refused(bench.page(code, "POST", body), 400, next(iter(fields)))
        assert bench.submit(code, email="c@customer.example").status == 400
        assert bench.page(code, headers={"Accept": "application/json"}).json["status"] == "available"
    with checks("A8 U5 a refused form says why at its head, which has the focus, and keeps the address"):
        page = bench.submit(code, email="dora@customer.example", password="wrong password").body.decode()
        assert re.search(r'<div class="notice bad" role="alert" id="problem" tabindex="-1" autofocus>', page), page
        assert page.count("autofocus") == 1 and 'value="dora@customer.example"' in page, page
    with checks("A8 what was refused made no account"):
        assert bench.admin("GET", "/subscribers?email=c@customer.example").json["data"] == []
    with checks(f"A8 {CALLERS} customers race for one code: one has it, and its days"):
        names = [f"racer-{n}@customer.example" for n in range(CALLERS)]
        answers = together([lambda name=name: bench.redeem(code, name) for name in names])
        won = [answer for answer in answers if answer.status == 200]
        assert len(won) == 1 and {answer.status for answer in answers} == {200, 400}, answers
        made = [bench.admin("GET", f"/subscribers?email={name}").json["data"] for name in names]
        assert sorted(map(len, made)) == [0] * (CALLERS - 1) + [1], made
    with checks("A8 one customer clicks many times at once: the days are added once"):
        code = client.generate("12month")[0]
        assert bench.redeem(client.generate()[0], "eager@customer.example").status == 200
        answers = together([lambda: bench.redeem(code, "eager@customer.example")] * 8)
        assert {answer.status for answer in answers} == {200} and len({answer.json["endsAt"] for answer in answers}) == 1
        subscriber = bench.admin("GET", "/subscribers?email=eager@customer.example").json["data"][0]
        assert days_from_now(subscriber["subscription"]["ends_at"]) in (394, 395), subscriber
    with checks("A8 G6 wrong passwords at a link are rationed by address and account: 10, then 429 for all"):
        here = address()
        there = client.generate()[0]
        wrong = {"email": "dora@customer.example", "password": "wrong password"}
        statuses = [bench.page(there, "POST", wrong, headers=here).status for _ in range(10)]
        # On a busy machine the wait may be over before the next one comes; it doubles.
        more = next(status for status in (bench.page(there, "POST", wrong, headers=here).status for _ in range(5))
                    if status != 401)
        assert statuses == [401] * 10 and more == 429, (statuses, more)
        html = bench.submit(there, headers=here, **wrong)
        assert html.status == 429 and html.headers["content-type"].startswith("text/html") and "retry-after" in html.headers
        assert bench.page(there, headers={**here, "Accept": "application/json"}).json["status"] == "available"
    with checks("A8 links that lead nowhere count as failed credentials: past 300 a minute the address hears 429"):
        here = {**address(), "Accept": "application/json"}
        connection = gateway.connection()
        statuses = []
        # Some come back while others are spent.
        while 429 not in statuses and len(statuses) < 3_000:
            path = f"/t/codes/activate/{len(statuses):032x}"
            statuses.append(gateway.request("GET", path, headers=here, connection=connection).status)
        connection.close()
        assert statuses[:299] == [404] * 299 and statuses[-1] == 429, statuses[290:]
    with checks("A8 a webhook code.redeemed is queued for a reseller that asks for it"):
        refused(client("GET", "/webhook"), 404)
        saved = client("PUT", "/webhook", {"url": "https://shop.example/hook"})
        told = {"ok": True, "url": "https://shop.example/hook", "events": ["code.redeemed", "balance.low"],
                "enabled": True, "name": "default"}
        assert told.items() <= saved.json.items(), saved
        alone = client("PUT", "/webhook", {"url": "https://shop.example/hook", "events": ["code.redeemed"]})
        assert alone.json["events"] == ["code.redeemed"], alone
        saved = client("PUT", "/webhook", {"url": "https://shop.example/hook"})
        assert told.items() <= saved.json.items(), saved
        assert client("GET", "/webhook").json == saved.json
        secret = client.seed("POST", "/webhook/secret").json["secret"]
        assert secret.startswith("whsec_")
        secrets.append(secret)
        assert bench.redeem(client.generate()[0], "hook@customer.example").status == 200
        queued = bench.admin("GET", "/deliveries?limit=100").json["data"]
        assert any(row.get("type", row.get("event")) == "code.redeemed" for row in queued), queued
        for body in [{}, {"url": "x"}, {"url": "https://a.example/", "events": ["order.created"]}]:
            refused(client("PUT", "/webhook", body), 400)
    with checks("A8 texts of the operator's are text on the page, not HTML"):
        made = bench.admin("POST", "/products", {
            "sku": "odd", "name": "<script>alert(1)</script>\"'&", "fulfilment": "instant", "days": 1, "retail_price": "1",
            "wholesale_price": "0"})
        assert made.status == 201, made
        page = bench.page(client.generate("odd")[0]).body
        assert b"<script" not in page and b"&lt;script&gt;" in page and b"(1 day)" in page, page
        assert bench.admin("PATCH", "/products/odd", {"hidden": True}).status == 200


def policy_of(answer):
    return "default-src 'none'" in answer.headers["content-security-policy"] and answer.headers["x-frame-options"] == "DENY"


def days_from_now(text):
    assert TIME.fullmatch(text), text
    then = time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    return round((then - time.time()) / 86_400)


def envelopes(checks, gateway, bench):
    with checks("A1 every refusal has the document's envelope and one of its statuses, whatever is wrong with the call"):
        key = {"x-api-key": bench.demo.key}
        refused(gateway.get(BASE + "/nothing", headers=key), 404)
        refused(gateway.delete(BASE + "/plans"), 404)
        refused(gateway.get(BASE + "/generate", headers=key), 404)
        refused(gateway.post(BASE + "/generate", b"x" * (2 << 20), headers=key), 400)
        refused(gateway.request("BREW", BASE + "/me", headers=key), 400)
        refused(bench.demo("POST", "/generate", {"planId": "1month"}, Idempotency_Key="x" * 256), 400)
        refused(gateway.get(BASE + "/codes?page=%zz", headers=key), 400)
        # curl says "form" of whatever it sends.
        key["Content-Type"] = "application/x-www-form-urlencoded"
        for body, words in [
                (b"planId=1month", "The body is a form; this call takes JSON."), (b'{"planId"', "not valid JSON")]:
            answer = gateway.post(BASE + "/generate", body, headers=key)
            refused(answer, 400)
            assert words in answer.json["error"], answer
    with checks("A1 P3 a suspended tenant answers 403 in the envelope, its pages too; resumed it goes on"):
        assert gateway.post("/provider/v1/tenants/codes/suspend", key=gateway.provider_key).status == 200
        try:
            refused(bench.demo("GET", "/me"), 403)
            refused(gateway.get(BASE + "/plans"), 403)
            refused(bench.demo("GET", "/plans"), 403)
            assert gateway.get(f"/t/codes/activate/{'0' * 32}").status == 403
        finally:
            assert gateway.post("/provider/v1/tenants/codes/resume", key=gateway.provider_key).status == 200
        assert bench.demo("GET", "/me").status == 200
    with checks("X7 the API describes itself without a key: where the credentials stand, which routes there are"):
        document = gateway.get(BASE + "/openapi.json").json
        assert {"/plans", "/me", "/generate", "/codes", "/register", "/regenerate-key"} <= set(document["paths"])
        schemes = document["components"]["securitySchemes"].values()
        assert {scheme["name"] for scheme in schemes} == {"x-api-key", "x-seed-hash"}


def lost_password(checks, gateway, bench):
    email, new = "lost@customer.example", "another password"

    def redeem(password):
        code = bench.demo("POST", "/generate", {"planId": "1month", "count": 1}).json["codes"][0]["code"]
        return bench.redeem(code, email, password)

    def at(made):
        assert made.status == 201 and set(made.json) == {"url", "expires_at"}, made
        return made.json["url"].removeprefix(gateway.base_url)

    assert redeem(PASSWORD).status == 200
    id = bench.admin("GET", f"/subscribers?email={email}").json["data"][0]["id"]
    reset = f"/subscribers/{id}/password-reset"
    with checks("O11 A8 an end customer sets a new password by the operator's link, once; the old one ends with it"):
        link = second = at(bench.admin("POST", reset))
        # Two of one millisecond are the same.
        while second == link:
            second = at(bench.admin("POST", reset))
        shown = gateway.get(link, headers={"Accept": "text/html"})
        assert shown.status == 200 and email in shown.body.decode(), shown
        assert redeem(PASSWORD).status == 200
        refused(gateway.post(link, {"password": "short"}), 400, "password")
        done = gateway.post(link, {"password": new})
        assert done.status == 200 and done.json == {"ok": True, "email": email}, done
        again = gateway.post(link, {"password": new})
        assert again.status == 200 and again.json == done.json, ("the same form, sent twice", again)
        refused(gateway.post(second, {"password": new}), 404)
        assert redeem(PASSWORD).status == 401 and redeem(new).status == 200
        for used in (link, second):
            assert gateway.get(used, headers={"Accept": "text/html"}).status == 404, used
            refused(gateway.post(used, {"password": "a third password"}), 404)
        assert redeem(new).status == 200
        third = at(bench.admin("POST", reset))
        answers = together([lambda: gateway.post(third, {"password": PASSWORD})] * 4)
        assert {answer.status for answer in answers} == {200}, answers
        assert gateway.post(link, {"password": new}).status == 404, "another link has set a password since"
        fourth = at(bench.admin("POST", reset))
        assert gateway.post(fourth, {"password": new}).status == redeem(new).status == 200
    with checks("O11 G5 the link and its use are in the log, which names whose it is; no made-up link opens anything"):
        actions = [row["action"] for row in bench.admin("GET", "/audit?limit=100").json["data"] if id in str(row)]
        assert {action.rsplit("/", 1)[1] for action in actions} >= {"password-reset", "{token}"}, actions
        link = at(bench.admin("POST", reset))
        head, end, code = link.rsplit(".", 2)
        other = next(row["id"] for row in bench.admin("GET", "/subscribers?limit=100").json["data"] if row["id"] != id)
        for made_up in (
                f"{head}.{int(end) + 1}.{code}", f"{head}.{end}.{'0' * 64}", link.replace(id, other), link + "0",
                f"{head}.+{end}.{code}", f"{head}.{end}", head + ".", link.replace(id, "sub_x")):
            assert gateway.post(made_up, {"password": new}).status == 404, made_up
        assert bench.admin("POST", "/subscribers/sub_x/password-reset").status == 404
        assert gateway.post(f"/t/strict/api/admin{reset}", key=bench.strict_key).status == 404
    with checks("O11 G4 a repeated call makes no second link, and does not show the first again"):
        key = uuid.uuid4().hex
        first, again = (bench.admin("POST", reset, Idempotency_Key=key) for _ in range(2))
        assert "url" in first.json and again.json == {"expires_at": first.json["expires_at"], "already_shown": True}
    with checks("O11 B2 a fork's end customers have no password until a link of the fork's own sets one"):
        forked = gateway.post("/provider/v1/tenants/codes/fork", {"slug": "codes-fork"}, key=gateway.provider_key)
        assert forked.status == 201, forked
        made = gateway.post(f"/t/codes-fork/api/admin{reset}", key=forked.json["owner_key"])
        assert gateway.post(link.replace("/t/codes/", "/t/codes-fork/"), {"password": new}).status == 404
        assert gateway.post(at(made), {"password": new}).json == {"ok": True, "email": email}
        assert gateway.get(link).status == 200
        verified_export(gateway, "codes-fork")
    restored_links(checks, gateway, forked, reset, at)


def restored_links(checks, gateway, forked, reset, at):
    new = "another password"
    with checks("O11 P5 a restore that brings a password back makes no link good a second time"):
        of_fork = {"key": forked.json["owner_key"]}
        links = [at(gateway.post(f"/t/codes-fork/api/admin{reset}", **of_fork)) for _ in range(2)]
        before = verified_export(gateway, "codes-fork")
        assert gateway.post(links[0], {"password": PASSWORD}).status == 200
        restored = gateway.post("/provider/v1/tenants/codes-fork/restore", before, key=gateway.provider_key)
        assert restored.status == 200, restored
        for old in links:
            assert gateway.get(old).status == gateway.post(old, {"password": PASSWORD}).status == 404, old
        made = gateway.post(f"/t/codes-fork/api/admin{reset}", **of_fork)
        assert gateway.post(at(made), {"password": new}).status == 200


def operators(checks, gateway, bench):
    with checks("O11 the operator reads end customers, their subscriptions, and what they redeemed"):
        row = bench.admin("GET", "/subscribers?email=dora@customer.example&mode=live").json["data"]
        assert len(row) == 1 and row[0]["subscription"]["status"] == "active", row
        id = row[0]["id"]
        assert bench.admin("GET", f"/subscribers/{id}").json == row[0]
        redeemed = bench.admin("GET", f"/subscribers/{id}/redemptions").json["data"]
        assert redeemed and redeemed[0]["ends_at"] == row[0]["subscription"]["ends_at"], redeemed
        assert set(redeemed[0]) == {"product", "days", "reseller", "batch", "begins_at", "ends_at", "redeemed_at"}
        assert bench.admin("GET", "/subscribers/sub_x").status == 404
        assert gateway.get(f"/t/strict/api/admin/subscribers/{id}", key=bench.strict_key).status == 404
        assert gateway.get(ADMIN + "/subscribers", key=bench.demo.key).status == 403
        first = bench.admin("GET", "/subscribers?limit=1").json
        rest = bench.admin("GET", f"/subscribers?limit=100&cursor={first['next_cursor']}").json
        assert first["has_more"] and rest["data"] and first["data"][0] not in rest["data"]
    lost_password(checks, gateway, bench)
    with checks("O11 the operator lists purchases of codes, and finds a code, without being given one"):
        made = bench.demo("POST", "/generate", {"planId": "1month", "count": 3}).json["codes"]
        batch = bench.admin("GET", "/code-batches?limit=1").json["data"][0]
        assert (batch["product"], batch["quantity"], batch["redeemed"], batch["mode"]) == ("1month", 3, 0, "live"), batch
        code = made[0]["code"]
        found = bench.admin("GET", f"/codes/{code}")
        assert found.json["status"] == "available" and found.json["reseller"] == batch["reseller"], found
        assert found.json["subscriber_email"] is None
        assert not any(each["code"].encode() in found.body for each in made), "a code is given away"
        assert bench.redeem(code, "found@customer.example").status == 200
        found = bench.admin("GET", f"/codes/{code}").json
        assert found["status"] == "redeemed" and found["subscriber_email"] == "found@customer.example", found
        assert bench.admin("GET", "/code-batches?limit=1").json["data"][0]["redeemed"] == 1
        assert bench.admin("GET", "/codes/" + "0" * 32).status == 404
        assert gateway.get(ADMIN + f"/codes/{code}", key=bench.demo.key).status == 403
    with checks("A1 O6 the audit log has the statuses that callers were told, and no code in its routes"):
        refused(bench.demo("POST", "/generate", {"planId": "nope"}), 400)

        def told():
            rows = bench.admin("GET", "/audit?limit=100&status=400").json["data"]
            return any(row["action"] == "POST /api/reseller/generate" for row in rows)

        wait_until(told)


def test_book(checks, gateway, bench):
    with checks("X7 a key of mode test generates without a balance, sees its own book alone, and its codes redeem there"):
        client = bench.reseller("5.00")
        email = next(row["email"] for row in bench.admin("GET", "/resellers?limit=100").json["data"] if row["id"] == client.id)
        minted = bench.admin("POST", "/api-keys", {"owner_email": email, "mode": "test"})
        secrets.append(minted.json["key"])
        test = Client(gateway, minted.json["key"])
        answer = test("POST", "/generate", {"planId": "12month", "count": 2})
        assert answer.status == 200 and answer.body.endswith(b'"totalCost":20.00,"newBalance":0.00}'), answer
        assert client.balance() == "5.00" and client.me()["stats"]["totalCodes"] == 0
        code = answer.json["codes"][0]["code"]
        assert test("GET", "/codes").json["total"] == 2 and client("GET", "/codes").json["total"] == 0
        assert b"a test code" in bench.page(code).body
        assert bench.redeem(code, "tester@customer.example").status == 200
        assert bench.admin("GET", "/subscribers?email=tester@customer.example").json["data"] == []
        assert len(bench.admin("GET", "/subscribers?email=tester@customer.example&mode=test").json["data"]) == 1
        regenerated = test("POST", "/regenerate-key")
        secrets.append(regenerated.json["apiKey"])
        test.key = regenerated.json["apiKey"]
        # Of the same book: it does not charge either.
        assert test("POST", "/generate", {"planId": "12month"}).json["newBalance"] == 0
        assert client.balance() == "5.00"


def killed(checks, gateway, bench):
    with checks("G8 kill -9 while codes are generated: what was answered is there, once; what was charged is what there is"):
        client = bench.reseller("1000.00")
        answered, lock, over = {}, threading.Lock(), threading.Event()

        def buy(worker):
            connection = gateway.connection()
            try:
                for step in itertools.count():
                    key = f"kill-{worker}-{step}"
                    answer = gateway.request(
                        "POST", BASE + "/generate", {"planId": "1month", "count": 3},
                        headers={"x-api-key": client.key, "Idempotency-Key": key}, connection=connection)
                    with lock:
                        answered[key] = answer
                        if len(answered) > 40:
                            over.set()
                    if answer.status != 200:
                        return
            except (OSError, http.client.HTTPException):
                pass

        threads = [threading.Thread(target=buy, args=(worker,)) for worker in range(8)]
        for thread in threads:
            thread.start()
        assert over.wait(60)
        gateway.kill()
        for thread in threads:
            thread.join()
        gateway.start()
        bought = [answer for answer in answered.values() if answer.status == 200]
        assert len(bought) > 40, len(bought)
        listed = [row["code"] for page in range(1, 30) for row in client("GET", f"/codes?page={page}").json["codes"]]
        told = [row["code"] for answer in bought for row in answer.json["codes"]]
        assert len(set(told)) == len(told) and set(told) <= set(listed)
        assert len(listed) == len(set(listed)) == client.me()["stats"]["totalCodes"] and len(listed) % 3 == 0
        assert client.balance() == f"{1000 - len(listed)}.00", (client.balance(), len(listed))
        for key, answer in list(answered.items())[:20]:
            again = client("POST", "/generate", {"planId": "1month", "count": 3}, Idempotency_Key=key)
            assert again.body == answer.body and again.headers["idempotency-hit"] == "true", again


def evidence(checks, gateway, options):
    with checks("G5 the tenant's file verifies after all of this"):
        export = verified_export(gateway, "codes")
    with checks("A1 A3 no key, seed hash or password stands in a log, in an export or in the data folder"):
        code = Client(gateway, gateway.reseller("codes")["key"]).generate()[0]
        assert gateway.get(f"/t/codes/activate/{code}").status == 200
        errors = gateway.errors()
        assert gateway.stop() == 0
        logs = "\n".join(gateway.output) + errors
        assert "/activate/{code}" in logs and code not in logs
        assert len(secrets) > 20
        written = {"the log": logs.encode(), "the export": export}
        for path in glob.glob(os.path.join(gateway.data, "**"), recursive=True):
            if os.path.isfile(path) and os.path.basename(path) != "demo.json":
                with open(path, "rb") as file:
                    written[path] = file.read()
        for place, content in written.items():
            for secret in [*secrets, PASSWORD]:
                assert secret.encode() not in content, f"a secret stands in {place}"


main()
