#!/usr/bin/env python3
"""Nothing acts that should not: a key or a call of mode `test` never changes the live book, and what has no test book
says 403 `live_only` (O1, X7); HEAD and GET change nothing, but for the one GET of the product document that draws a
licence (L2). Every route of every API is swept, and the tenant's whole file is compared before and after."""

import json
import os
import sqlite3
import tempfile
import urllib.parse
import uuid

from endpoints import ADMIN, CODES, EVERY, LICENCES, PARTNER, PORTS, PROVIDER, REPORTS, Endpoint
from support import Checks, Gateway, arguments, signature_headers, wait_until

BLUEPRINTS = {PARTNER: "hosting", REPORTS: "panel", CODES: "codes", PORTS: "proxies", LICENCES: "licences"}
# A row whose book is that of the row that it belongs to: table → how to it.
BOOK_OF = {
    "entry": "JOIN ledger_account o ON o.id = t.account_id", "credit_difference":
        "JOIN credit_event o ON o.id = t.event_id",
    "code_redemption": "JOIN activation_code o ON o.id = t.code_id",
    "licence_assignment": "JOIN licence o ON o.id = t.licence_id", "payment_difference":
        "JOIN payment o ON o.id = t.payment_id",
    "port_customer": "JOIN customer o ON o.id = t.customer_id", "api_key_secret": "JOIN api_key o ON o.id = t.key_id",
    "webhook_endpoint_secret": "JOIN webhook_endpoint o ON o.id = t.endpoint_id",
    "endpoint_health": "JOIN webhook_endpoint o ON o.id = t.endpoint_id",
    "delivery_count": "JOIN webhook_endpoint o ON o.id = t.endpoint_id",
    "attempt": "JOIN delivery o ON o.id = t.delivery_id"}
# Where the sender is with what was queued: it goes on by itself.
SENDING = {"delivery", "delivery_count", "attempt", "endpoint_health"}
# The log of what was called, and its counts.
RECORDS = {"audit", "usage_hour", "usage_day", "usage_mark", "ledger_mark", "day_total", "reseller_room", "meta"}
# The test book's alone.
OF_TEST = {"test_price", "test_price_change"}
# What an operator's key of mode test may change: stock by file, and orders, services and customers by their id (O1).
BY_FILE = {"/licences", "/ports", "/products/{sku}/stock"}
BY_ID = {"/orders/{order}/activate", "/orders/{order}/reject", "/orders/{order}/refund",
    "/services/{service}/suspend",
    "/services/{service}/resume", "/services/{service}/cancel", "/services/{service}/details",
    "/products/{sku}/stock/items/{item}", "/customers/{customer}",
    *(f"/provisioning/{{service}}/{move}" for move in ("retry", "confirm", "give_up"))}
# What takes the services, the stock or the price rows of the key's own book alone.
OWN_BOOK = {"/services/reprice", "/licences/withdraw", "/licences/move", "/devices/{device}", "/ports/{address}",
            "/resellers/{reseller}/products/{sku}"}
# The GET that acts.
ACTING = {(LICENCES, "/fetchlicense")}
# Calls that price or work something out, and change nothing.
PURE = {"/audit/verify", "/orders/quote", "/reseller/pricebook/calculate", "/api-keys/{key}/limit/rehearse",
        "/myavailable", "/licenseinfo",
        "/resellers/{reseller}/rate-limit/rehearse", "/deliveries/{delivery}/signature"}


class Tenant:
    """A tenant of the demo, with what its live book holds, by the names that paths have for it."""

    def __init__(self, gateway, blueprint):
        self.gateway, self.blueprint = gateway, blueprint
        known = gateway.tenant(blueprint)
        self.slug, self.base, self.owner = known["slug"], f"/t/{known['slug']}", known["owner_key"]
        self.reseller = gateway.reseller(blueprint)
        self.live = self.reseller["key"]
        self.test = self.admin("POST", "/api-keys", {"owner_email": self.reseller["email"], "mode": "test"})["key"]
        operator = {"owner_email": known["owner_login"]["email"], "role": "operator"}
        self.operator = self.admin("POST", "/api-keys", {**operator, "mode": "test"})["key"]
        self.ids = {name: "none" for name in (
            "session", "person", "order", "service", "delivery", "event", "reconciliation", "review", "subscriber",
            "payment", "customer", "port", "webhook", "replay", "code", "country", "item", "device", "address")}
        self.ids |= {
            "audit_row": "1", "request": "req_" + "0" * 32,
            "reseller": self.reseller["id"], "sku": "none",
            "key": self.admin("GET", "/api-keys?reseller=" + self.reseller["id"])["data"][0]["id"]}
        for name, path in (("order", "orders"), ("service", "services"), ("delivery", "deliveries"), ("payment",
            "payments"),
                           ("subscriber", "subscribers"), ("event", "credit-events"), ("country", "countries"),
                           ("review", "reviews"), ("reconciliation", "reconciliations")):
            rows = self.admin("GET", f"/{path}?limit=100")["data"]
            if rows:
                self.ids[name] = rows[0]["id"]
        products = self.admin("GET", "/products")["data"]
        if products:
            self.ids["sku"] = products[0]["sku"]
        if blueprint == "proxies":
            made = self.call(PORTS, "POST", "/reseller/customers", {
                "email": "m@customer.example", "name": "M", "allocatedPortSlots": 5, "externalId": uuid.uuid4().hex},
                    self.live)
            self.ids["customer"] = made.json["_id"]
            bought = self.call(PORTS, "POST", "/reseller/ports", {
                "customerId": self.ids["customer"], "countryId": "germany_id", "days": 1}, self.live)
            hook = self.call(PORTS, "POST", "/reseller/webhooks", {
                "name": "M", "url": "https://there.example/", "events": ["port.created"]}, self.live)
            assert bought.status == hook.status == 201, (bought, hook)
            self.ids |= {"port": bought.json["port"]["_id"], "webhook": hook.json["_id"]}

    def admin(self, method, path, body=None):
        answer = self.gateway.request(method, f"{self.base}{ADMIN}{path}", body, key=self.owner)
        assert answer.status in (200, 201), answer
        return answer.json

    def path(self, endpoint):
        return endpoint.path.format(**self.ids)

    def call(self, api, method, path, body=None, key=None, query="", raw=None, headers=None):
        headers = {"Idempotency-Key": uuid.uuid4().hex, **(headers or {})}
        target = f"{self.base}{api}{path}"
        if api == LICENCES and key:
            query += ("&" if query else "") + urllib.parse.urlencode({"api_token": key})
        elif key:
            name, value = {CODES: ("x-api-key", key), PORTS: ("X-API-Key", key)}.get(api, ("Authorization",
                f"Bearer {key}"))
            headers[name] = value
        target += f"?{query}" if query else ""
        if raw is None and body is not None:
            raw, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        if api == PARTNER and path == "/orders" and method == "POST":
            headers |= signature_headers(self.reseller["webhook_secret"], method, target, headers["Idempotency-Key"],
                raw)
        return self.gateway.request(method, target, raw, headers=headers)

    def rows(self, of_live_book=False):
        """Every row by table, but for the log; or those of the live book and of both."""
        export = self.gateway.get(f"/provider/v1/tenants/{self.slug}/export", key=self.gateway.provider_key)
        assert export.status == 200, export
        with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
            file.write(export.body)
            file.flush()
            database = sqlite3.connect(file.name)
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            found = {}
            for table in sorted(set(tables) - RECORDS - SENDING - (OF_TEST if of_live_book else set())):
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                query = f"SELECT * FROM {table} t"
                if of_live_book and "book" in columns:
                    query += " WHERE t.book = 0"
                elif of_live_book and table in BOOK_OF:
                    query = f"SELECT t.* FROM {table} t {BOOK_OF[table]} WHERE o.book = 0"
                found[table] = sorted(database.execute(query).fetchall(), key=repr)
            database.close()
            return found


def same(before, after):
    changed = {table: [row for row in before[table] + after[table] if (row in before[table]) != (row in after[table])][
        :4]
               for table in before if before[table] != after[table]}
    assert not changed and set(before) == set(after), changed


def is_live_only(answer, endpoint):
    """403, in the API's own envelope, with this reason."""
    assert answer.status == 403 and b"live_only" in answer.body, (endpoint.name, answer)
    if endpoint.api in (ADMIN, PARTNER):
        assert answer.json["code"] == "live_only" and answer.headers[
            "content-type"] == "application/problem+json", answer


def writing(api):
    return [endpoint for endpoint in EVERY if endpoint.api == api and endpoint.method != "GET" and endpoint.path not
        in PURE
            and endpoint.access in ("operator", "owner", "reseller", "operator's session")]


def body_of(endpoint):
    return endpoint.good_body() if endpoint.fields else {}


def operators(checks, tenant):
    with checks(f"O1 X7 {tenant.blueprint}: an operator's test key reads all and changes nothing live: 403 live_only"):
        before = tenant.rows()
        for endpoint in writing(ADMIN):
            if endpoint.path in BY_FILE | OWN_BOOK or endpoint.path in BY_ID and "none" in tenant.path(endpoint):
                continue
            answer = tenant.call(ADMIN, endpoint.method, tenant.path(endpoint), body_of(endpoint), tenant.operator)
            is_live_only(answer, endpoint)
        for path in sorted(BY_FILE):
            answer = tenant.call(ADMIN, "POST", path.format(**tenant.ids), {}, tenant.operator, query="mode=live")
            is_live_only(answer, Endpoint(ADMIN, "POST", path, "operator"))
        same(before, tenant.rows())
        for endpoint in EVERY:
            if endpoint.api == ADMIN and endpoint.method == "GET" and endpoint.access == "operator":
                # A sheet is of one reseller or of one product, whichever is named.
                query = f"reseller={tenant.ids['reseller']}" if endpoint.path == "/price-sheet" else ""
                if endpoint.path == "/audit/requests":
                    query = f"ids=req_{'a' * 32}"
                answer = tenant.call(ADMIN, "GET", tenant.path(endpoint), key=tenant.operator, query=query)
                assert answer.status in (200, 404), (endpoint.name, answer)
    with checks(f"X7 {tenant.blueprint}: `mode=test` of a live key never moves what has no test book"):
        before = tenant.rows()
        for endpoint in writing(ADMIN):
            # What names one thing by its id moves it where `mode` names its book: these are live.
            is_by_id = endpoint.path in BY_ID and "none" not in tenant.path(endpoint)
            if endpoint.query.get("mode") and not is_by_id or endpoint.path in BY_FILE | {"/reconciliations"}:
                continue
            for query, statuses in (("mode=test", {403}), ("mode=live&mode=test", {400, 403}), ("mode=nonsense",
                {400, 422}),
                                    ("mode=", {400, 422}), ("mode=TEST", {400, 422}), ("m%6fde=test", {400, 403})):
                answer = tenant.call(ADMIN, endpoint.method, tenant.path(endpoint), body_of(endpoint), tenant.owner,
                    query=query)
                assert answer.status in statuses, (endpoint.name, query, answer)
                if query == "mode=test":
                    is_live_only(answer, endpoint)
        same(before, tenant.rows())


def resellers(checks, tenant, api):
    with checks(f"X7 {tenant.blueprint}: `mode=test` of a reseller's live key moves neither book: 403"):
        before = tenant.rows()
        for endpoint in writing(api):
            for query, statuses in (("mode=test", {403}), ("mode=nonsense", {400, 422}), ("m%6fde=test", {400, 403})):
                answer = tenant.call(api, endpoint.method, tenant.path(endpoint), body_of(endpoint), tenant.live,
                    query=query)
                assert answer.status in statuses, (endpoint.name, query, answer)
                if query == "mode=test":
                    is_live_only(answer, endpoint)
        same(before, tenant.rows())
    if api == PARTNER:
        with checks("X7 a test key that asks for the live book is told what it may read, not what it may change"):
            told = tenant.call(PARTNER, "GET", "/balance", key=tenant.test, query="mode=live")
            assert told.status == 403 and told.json["code"] == "live_only", told
            assert "reads the test book alone" in told.json["detail"] and "changes" not in told.json["detail"], told
    with checks(f"X7 {tenant.blueprint}: whatever a reseller's test key calls, with live ids too, no live row changes"):
        before = tenant.rows(of_live_book=True)
        for endpoint in writing(api):
            for query in ("", "mode=live", "mode=test"):
                body = {"name": "x"} if query else body_of(endpoint)
                answer = tenant.call(api, endpoint.method, tenant.path(endpoint), body, tenant.test, query=query)
                if endpoint.path == "/regenerate-key" and answer.status == 200:
                    tenant.test = answer.json["apiKey"]
                assert answer.status < 500 and answer.status != 401, (endpoint.name, answer)
                assert query != "mode=live" or answer.status in (400, 403), (endpoint.name, answer)
        same(before, tenant.rows(of_live_book=True))


def orders(checks, tenant):
    with checks("O1 X7 hosting: an operator's test key decides test orders, and no live ones"):
        body = {"product": "metal-1", "term": "monthly", "quantity": 1, "customer": {"external_id": "modes"}}
        made = {}
        for name, key in (("live", tenant.live), ("test", tenant.test)):
            made[name] = [tenant.call(PARTNER, "POST", "/orders", body, key).json for _ in range(2)]
            assert all(order["order"]["state"] == "pending" for order in made[name]), made
        before = tenant.rows(of_live_book=True)
        for move in ("activate", "reject"):
            refused = tenant.call(ADMIN, "POST", f"/orders/{made['live'][0]['order']['id']}/{move}",
                key=tenant.operator)
            is_live_only(refused, Endpoint(ADMIN, "POST", move, "operator"))
        for order, move in zip(made["test"], ("activate", "reject")):
            done = tenant.call(ADMIN, "POST", f"/orders/{order['order']['id']}/{move}", key=tenant.operator)
            assert done.status == 200 and done.json["mode"] == "test", done
        service = made["test"][0]["services"][0]["id"]
        for move in ("suspend", "resume", "cancel"):
            done = tenant.call(ADMIN, "POST", f"/services/{service}/{move}", key=tenant.operator)
            assert done.status == 200, done
            live = tenant.call(ADMIN, "POST", f"/services/{made['live'][0]['services'][0]['id']}/{move}",
                key=tenant.operator)
            is_live_only(live, Endpoint(ADMIN, "POST", move, "operator"))
        same(before, tenant.rows(of_live_book=True))
    with checks("O10 X7 hosting: reads by the id of an order or a service take `mode` as the writes do"):
        ids = {name: {"order": orders[0]["order"]["id"], "service": orders[0]["services"][0]["id"]}
               for name, orders in made.items()}
        reads = [endpoint.path for endpoint in EVERY if endpoint.api == ADMIN and endpoint.method == "GET"
                 and endpoint.path.startswith(("/orders/{", "/services/{"))]
        assert len(reads) == 3, reads
        for path in reads:
            for book, query, status in (
                    ("live", "", 200), ("live", "mode=live", 200), ("live", "mode=test", 403),
                    ("live", "mode=nonsense", 422), ("test", "", 200), ("test", "mode=test", 200)):
                told = tenant.call(ADMIN, "GET", path.format(**ids[book]), key=tenant.owner, query=query)
                assert told.status == status, (path, book, query, told)
                assert status != 403 or told.json["code"] == "live_only", told


def stock(checks, proxies, licences):
    with checks("O1 O9 X7 an operator's test key takes stock into the test book alone"):
        slot = "device,server_ip,http_port,socks_port,country\nmodes-1,8.8.4.4,1001,2001,germany_id\n"
        licence = f"{licences.reseller['id']},lifetime,ps-modes-1,2099-01-01T00:00:00Z\n"
        licence = "reseller,product,key,expiration\n" + licence
        for tenant, path, rows in ((proxies, "/ports", slot.encode()), (licences, "/licences", licence.encode())):
            before = tenant.rows(of_live_book=True)
            for query in ("", "mode=test"):
                raw = rows.replace(b"modes-1", b"modes-2").replace(b"1001,2001", b"1002,2002") if query else rows
                done = tenant.call(ADMIN, "POST", path, key=tenant.operator, raw=raw, query=query, headers={
                    "Content-Type": "text/csv"})
                assert done.status == 201, done
            same(before, tenant.rows(of_live_book=True))


def prices(checks, tenant):
    path = f"/resellers/{tenant.reseller['id']}/products/metal-1"
    with checks("O1 O4 X7 hosting: an operator's test key writes and removes price rows of the test book alone"):
        before = tenant.rows(of_live_book=True)
        live = tenant.admin("GET", path)
        assert tenant.call(ADMIN, "GET", path, key=tenant.operator).status == 404
        for key, query, price in ((tenant.operator, "", "1.25"), (tenant.operator, "mode=test", "1.50"),
                                  (tenant.owner, "mode=test", "1.75")):
            put = tenant.call(ADMIN, "PUT", path, {"wholesale_monthly": price}, key, query)
            assert put.status == 200 and put.json["wholesale_monthly"] == price, put
            assert tenant.call(ADMIN, "GET", path, key=tenant.operator).json == put.json
            assert tenant.call(ADMIN, "GET", path, key=tenant.owner, query="mode=test").json == put.json
        assert tenant.admin("GET", path) == live and live["wholesale_monthly"] != "1.75", live
        assert tenant.call(ADMIN, "GET", path, key=tenant.operator, query="mode=live").json == live
        told = tenant.call(ADMIN, "GET", path + "/history", key=tenant.operator).json["data"]
        assert [row["to"]["wholesale_monthly"] for row in told] == ["1.75", "1.50", "1.25"], told
        for method, body in (("PUT", {"wholesale_monthly": "9"}), ("DELETE", None)):
            refused = tenant.call(ADMIN, method, path, body, tenant.operator, "mode=live")
            is_live_only(refused, Endpoint(ADMIN, method, path, "operator"))
        for query in ("", "mode=live"):
            refused = tenant.call(ADMIN, "DELETE", path, key=tenant.owner, query=query)
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/mode", refused
        assert tenant.call(ADMIN, "DELETE", path, key=tenant.operator).status == 204
        assert tenant.call(ADMIN, "DELETE", path, key=tenant.operator).status == 404
        told = tenant.call(ADMIN, "GET", "/price-history", key=tenant.operator).json["data"]
        assert len(told) == 4 and told[0]["to"] is None and told[0]["sku"] == "metal-1", told
        same(before, tenant.rows(of_live_book=True))


def customers(checks, tenant):
    body = {"product": "metal-1", "term": "monthly", "quantity": 1, "customer": {"external_id": "named-by-modes"}}
    ids = {}
    for name, key, query in (("live", tenant.live, ""), ("test", tenant.test, "&mode=test")):
        assert tenant.call(PARTNER, "POST", "/orders", body, key).status == 201
        ids[name] = tenant.admin("GET", f"/customers?q=named-by-modes{query}")["data"][0]["id"]
    with checks("O1 O11 X7 hosting: an operator's test key changes customers of the test book, and no live one"):
        before = tenant.rows(of_live_book=True)
        change = {"email": "Tried@There.example", "name": "Tried"}
        done = tenant.call(ADMIN, "PATCH", f"/customers/{ids['test']}", change, tenant.operator)
        assert done.status == 200 and (done.json["email"], done.json["name"]) == ("tried@there.example", "Tried"), done
        read = tenant.call(ADMIN, "GET", f"/customers/{ids['test']}", key=tenant.owner, query="mode=test")
        assert read.json == done.json, read
        for key, query in ((tenant.operator, ""), (tenant.owner, "mode=test")):
            refused = tenant.call(ADMIN, "PATCH", f"/customers/{ids['live']}", change, key, query)
            is_live_only(refused, Endpoint(ADMIN, "PATCH", "/customers/{customer}", "operator"))
        told = tenant.call(ADMIN, "GET", f"/customers/{ids['live']}", key=tenant.owner, query="mode=test")
        assert told.status == 403 and told.json["code"] == "live_only", told
        same(before, tenant.rows(of_live_book=True))


def safe_methods(checks, tenant, api):
    rows = "L2 L3 " if api == LICENCES else ""
    with checks(f"{rows}G1 X7 {tenant.blueprint}: GET and HEAD of every route change no row"):
        before = tenant.rows()
        for endpoint in EVERY:
            if endpoint.method != "GET" or endpoint.api not in (ADMIN, api):
                continue
            key = tenant.owner if endpoint.api == ADMIN else tenant.live
            path = tenant.path(endpoint)
            if (endpoint.api, endpoint.path) in ACTING:
                head = tenant.call(endpoint.api, "HEAD", path, key=key)
                assert head.status == 405 and "HEAD" not in head.headers["allow"], head.headers
                continue
            got = tenant.call(endpoint.api, "GET", path, key=key)
            head = tenant.call(endpoint.api, "HEAD", path, key=key)
            assert got.status < 500 and got.status != 401, (endpoint.name, got)
            assert (head.status, head.body) == (got.status, b""), (endpoint.name, got, head.status)
            if endpoint.api == ADMIN or api != LICENCES:
                session = tenant.call(endpoint.api, "HEAD", path, key=tenant.test)
                assert session.status < 500, (endpoint.name, session)
        same(before, tenant.rows())


def provider(checks, gateway, tenants):
    with checks("P1 P2 P5 GET and HEAD of the provider's routes change no row of a tenant, and keep no copy"):
        before = {api: tenant.rows() for api, tenant in tenants.items()}
        for endpoint in EVERY:
            if endpoint.api != PROVIDER or endpoint.method != "GET":
                continue
            for tenant in tenants.values():
                path = PROVIDER + endpoint.path.format(slug=tenant.slug, key="none")
                got = gateway.get(path, key=gateway.provider_key)
                head = gateway.request("HEAD", path, key=gateway.provider_key)
                assert head.status == got.status and head.body == b"" and got.status < 500, (path, got.status, head)
        for api, tenant in tenants.items():
            same(before[api], tenant.rows())
        wait_until(lambda: os.listdir(os.path.join(gateway.data, "tmp")) == [])


def pages(checks, gateway, codes):
    with checks("G1 A8 O3 A6 GET and HEAD of every page change no row"):
        made = codes.call(CODES, "POST", "/generate", {"planId": "1month", "count": 1}, codes.test).json["codes"][0]
        paid = codes.call(CODES, "POST", "/topup", {"amount": 50}, codes.test).json
        invited = codes.admin("POST", "/resellers", {"email": "modes@there.example", "name": "M"})["invitation_url"]
        paths = [urllib.parse.urlparse(url).path for url in (made["url"], paid["paymentUrl"], invited)]
        paths += [f"{codes.base}{place}/none" for place in ("/activate", "/invite", "/sandbox-pay")]
        paths += [f"{codes.base}{CODES}/topup/status/{paid['orderId']}"]
        before = codes.rows()
        for path in paths:
            for accept in ("text/html", "application/json"):
                got = gateway.get(path, headers={"Accept": accept})
                head = gateway.request("HEAD", path, headers={"Accept": accept})
                assert head.status == got.status and head.body == b"" and got.status in (200, 404), (path, got, head)
        same(before, codes.rows())


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate) as gateway:
        tenants = {api: Tenant(gateway, blueprint) for api, blueprint in BLUEPRINTS.items()}
        for api, tenant in tenants.items():
            safe_methods(checks, tenant, api)
        with checks("L3 HEAD draws no licence: all can still be fetched"):
            tenant = tenants[LICENCES]
            for _ in range(20):
                tenant.call(LICENCES, "HEAD", "/fetchlicense", key=tenant.live)
            assert tenant.call(LICENCES, "GET", "/fetchlicense", key=tenant.live).status == 200
        provider(checks, gateway, tenants)
        pages(checks, gateway, tenants[CODES])
        for api, tenant in tenants.items():
            operators(checks, tenant)
            resellers(checks, tenant, api)
        orders(checks, tenants[PARTNER])
        prices(checks, tenants[PARTNER])
        customers(checks, tenants[PARTNER])
        stock(checks, tenants[PORTS], tenants[LICENCES])
    checks.finish()


if __name__ == "__main__":
    main()
