"""X7: keys of mode `test` work on a book of their own. In each dialect a test key does everything that it can; before and after, the
tenant's whole file is read: not one row of the live book, and nothing that both books share, has changed. And neither book's
keys see what is in the other.
"""

import json
import sqlite3
import tempfile
import urllib.parse

from support import Checks, Gateway, arguments, command, signature_headers

options = arguments()
checks = Checks()
# A row whose book is that of the row that it belongs to: table → how to it.
BOOK_OF = {
    "entry": "JOIN ledger_account o ON o.id = t.account_id", "credit_difference": "JOIN credit_event o ON o.id = t.event_id",
    "code_redemption": "JOIN activation_code o ON o.id = t.code_id",
    "licence_assignment": "JOIN licence o ON o.id = t.licence_id", "payment_difference": "JOIN payment o ON o.id = t.payment_id",
    "port_customer": "JOIN customer o ON o.id = t.customer_id", "api_key_secret": "JOIN api_key o ON o.id = t.key_id",
    "webhook_endpoint_secret": "JOIN webhook_endpoint o ON o.id = t.endpoint_id",
    "endpoint_health": "JOIN webhook_endpoint o ON o.id = t.endpoint_id",
    "delivery_count": "JOIN webhook_endpoint o ON o.id = t.endpoint_id",
    "attempt": "JOIN delivery o ON o.id = t.delivery_id",
    # The realm 2 is of those who activated codes of the test book.
    "known_place": "JOIN (SELECT 0 AS book) o ON t.realm <> 2"}
# The log and its counts are of both books; a row of the log says which.
SHARED = {"audit", "usage_hour", "usage_day", "usage_mark", "ledger_mark", "day_total", "reseller_room", "meta"}
KEY = "the-same-key-in-both-books"


class Tenant:
    def __init__(self, blueprint):
        self.blueprint = blueprint
        self.base = f"/t/{gateway.tenant(blueprint)['slug']}"
        self.slug = gateway.tenant(blueprint)["slug"]
        self.reseller = gateway.reseller(blueprint)
        self.live = self.reseller["key"]
        self.test = self.admin("POST", "/api-keys", {"owner_email": self.reseller["email"], "mode": "test"})["key"]
        assert self.test != self.live

    def admin(self, method, path, body=None):
        answer = gateway.request(
            method, f"{self.base}/api/admin{path}", body, key=gateway.tenant(self.blueprint)["owner_key"])
        assert answer.status in (200, 201), answer
        return answer.json

    def live_rows(self):
        """Every row that is of the live book or of both, by table."""
        export = gateway.get(f"/provider/v1/tenants/{self.slug}/export", key=gateway.provider_key)
        assert export.status == 200, export
        with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
            file.write(export.body)
            file.flush()
            database = sqlite3.connect(file.name)
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            rows, books = {}, 0
            for table in sorted(set(tables) - SHARED):
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                if "book" in columns:
                    query, books = f"SELECT * FROM {table} t WHERE t.book = 0", books + 1
                elif table in BOOK_OF:
                    query = f"SELECT t.* FROM {table} t {BOOK_OF[table]} WHERE o.book = 0"
                else:
                    query = f"SELECT * FROM {table} t"
                rows[table] = sorted(database.execute(query).fetchall(), key=repr)
            assert books > 15, books
            database.close()
            result = command(options.tollgate, "verify", file.name)
            assert result.returncode == 0 and "sound" in result.stdout, result.stdout
            return rows

    def seen(self, paths, key):
        answers = [self.call("GET", path, key=key) for path in paths]
        return [answer.body if answer.status == 200 else answer.status for answer in answers]

    def call(self, method, path, body=None, key=None, idempotency_key=None):
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        name, value = self.credential(key or self.test)
        return gateway.request(method, self.base + path, body, headers={**headers, name: value})

    def credential(self, key):
        return {"codes": ("x-api-key", key), "proxies": ("X-API-Key", key)}.get(self.blueprint, ("Authorization", f"Bearer {key}"))

    def done(self, method, path, body=None, status=None, **more):
        answer = self.call(method, path, body, **more)
        assert answer.status == status if status else answer.status in (200, 201), (path, answer)
        return answer.json


def apart(blueprint, paths, work, objects):
    """`work` does as a test key what the dialect can, and returns what it made; `paths` are what a reseller lists; `objects`
    gives the paths of single things of a book, from what was made in it."""
    tenant = Tenant(blueprint)
    with checks(f"X7 {blueprint}: a test key changes no row of the live book and nothing that both share"):
        before, listed = tenant.live_rows(), tenant.seen(paths, tenant.live)
        made = work(tenant)
        after = tenant.live_rows()
        changed = {table for table in before if before[table] != after[table]}
        assert not changed, {
            table: (set(before[table]) ^ set(after[table])) if len(str(changed)) < 500 else "" for table in changed}
        assert tenant.seen(paths, tenant.live) == listed
    with checks(f"X7 {blueprint}: what a test key made is there for it, not for a live key: unknown, as if it were nobody's"):
        assert tenant.seen(paths, tenant.test) != listed
        for path in objects(made):
            mine, theirs = tenant.call("GET", path), tenant.call("GET", path, key=tenant.live)
            assert mine.status == 200, (path, mine)
            assert theirs.status == 404, (path, theirs)
    return tenant, made


def wholesale_orders():
    partner = "/api/partner/v1"

    def order(tenant, key, body, idempotency_key):
        raw = json.dumps(body).encode()
        headers = signature_headers(
            tenant.reseller["webhook_secret"], "POST", f"{tenant.base}{partner}/orders", idempotency_key, raw)
        return gateway.post(f"{tenant.base}{partner}/orders", raw, key=key, headers=headers)

    body = {"product": "vps-4", "term": "monthly", "quantity": 2, "customer": {"external_id": "x7"}}

    def work(tenant):
        made = order(tenant, tenant.test, body, KEY)
        assert made.status == 201, made
        # More than the live balance and credit afford, and again.
        for number in range(2):
            large = order(tenant, tenant.test, {**body, "product": "vps-8", "term": "annual", "quantity": 90}, f"large-{number}")
            assert large.status == 201, large
        waiting = order(tenant, tenant.test, {**body, "product": "metal-1"}, "by-hand")
        assert waiting.status == 201, waiting
        tenant.done("POST", partner + "/orders/quote", body)
        tenant.done("PUT", partner + "/webhook", {"url": "https://test.example/", "events": ["order.created"]})
        if waiting.json["order"]["state"] == "pending":
            tenant.admin("POST", f"/orders/{waiting.json['order']['id']}/activate")
        tenant.admin("POST", f"/services/{made.json['services'][0]['id']}/cancel")
        return made.json

    tenant, made = apart("hosting", [partner + path for path in (
        "/products", "/orders", "/services", "/customers", "/balance", "/webhook")], work,
        lambda made: [f"{partner}/orders/{made['order']['id']}", f"{partner}/services/{made['services'][1]['id']}"])
    with checks("X7 G4 hosting: one Idempotency-Key is two calls in two books, each with its own answer again"):
        live = order(tenant, tenant.live, body, KEY)
        assert live.status == 201 and "idempotency-hit" not in live.headers, live
        assert live.json["order"]["id"] != made["order"]["id"]
        assert order(tenant, tenant.test, body, KEY).json == made
        assert order(tenant, tenant.live, body, KEY).body == live.body
        assert tenant.call("GET", f"{partner}/orders/{live.json['order']['id']}").status == 404
        assert tenant.done("GET", partner + "/balance")["balance"] == "0.00"
    with checks("X7 hosting: the operator's lists show the live book, and the test book when asked"):
        shown = {row["id"] for row in tenant.admin("GET", "/orders?limit=100")["data"]}
        assert made["order"]["id"] not in shown and live.json["order"]["id"] in shown
        assert made["order"]["id"] in {row["id"] for row in tenant.admin("GET", "/orders?limit=100&mode=test")["data"]}


def credit_reports():
    base = "/api/v1/reseller"
    report = {"kind": "topup", "amount_usd": 25, "external_ref": "x7", "meta": {"a": 1}}
    tenant = Tenant("panel")
    with checks("X7 panel: a test key changes no row of the live book and nothing that both share"):
        before = tenant.live_rows()
        made = tenant.done("POST", base + "/credit", report)
        assert tenant.done("POST", base + "/credit", {**report, "amount_usd": 26}) == {"ok": True, "duplicate": True}
        user = {"email": "x7@customer.example", "name": "X", "password": "correct horse"}
        tenant.done("POST", base + "/signup", user)
        assert tenant.call("POST", base + "/signup", user).status == 409
        ledger = gateway.post(
            f"{tenant.base}/api/admin/reconciliations?reseller={tenant.reseller['id']}&mode=test",
            b"external_ref,kind,amount,at\nother,topup,1.00,2026-01-01\n", key=gateway.tenant("panel")["owner_key"],
            headers={"Content-Type": "text/csv"})
        assert ledger.status == 201 and ledger.json["missing_there"]["count"] == 1, ledger
        after = tenant.live_rows()
        assert after == before, {table for table in before if before[table] != after[table]}
    with checks("X7 panel: what a test key made is there for it, not for a live key; references and users are a book's own"):
        path = f"{base}/credit/{made['id']}"
        assert tenant.call("GET", path).status == 200 and tenant.call("GET", path, key=tenant.live).status == 404
        live = tenant.done("POST", base + "/credit", report, key=tenant.live)
        assert live["id"] != made["id"] and tenant.call("GET", f"{base}/credit/{live['id']}").status == 404
        tenant.done("POST", base + "/signup", user, key=tenant.live)
        for name, row in (("credit-events", made["id"]), ("reconciliations", ledger.json["id"]), ("reviews", ledger.json["review"])):
            assert row not in {shown["id"] for shown in tenant.admin("GET", f"/{name}?limit=100")["data"]}
            assert row in {shown["id"] for shown in tenant.admin("GET", f"/{name}?limit=100&mode=test")["data"]}
    with checks("X7 G4 panel: one Idempotency-Key is two calls in two books"):
        body = {**report, "external_ref": "x7-again"}
        mine = tenant.done("POST", base + "/credit", body, idempotency_key=KEY)
        theirs = tenant.done("POST", base + "/credit", body, key=tenant.live, idempotency_key=KEY)
        assert "id" in mine and "id" in theirs and mine != theirs, (mine, theirs)


def activation_codes():
    base = "/api/reseller"

    def work(tenant):
        made = tenant.done("POST", base + "/generate", {"planId": "12month", "count": 100}, idempotency_key=KEY)
        page = f"{tenant.base}/activate/{made['codes'][0]['code']}"
        redeemed = gateway.post(page, {"email": "x7@customer.example", "password": "correct horse", "account": "new"})
        assert redeemed.status == 200, redeemed
        # A payment of a test key is the sandbox's, whatever service the tenant has.
        top = tenant.done("POST", base + "/topup", {"amount": 50})
        assert "/sandbox-pay/" in top["paymentUrl"], top
        paid = gateway.post(urllib.parse.urlparse(top["paymentUrl"]).path, b"action=pay",
                            headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert paid.status == 200, paid
        status = gateway.get(f"{tenant.base}{base}/topup/status/{top['orderId']}").json
        assert status["status"] == "confirmed" and status["balance"] == 50, status
        # In both books a code's page is the same address; only its customers are apart.
        assert gateway.post(f"{tenant.base}/activate/{made['codes'][1]['code']}", {
            "email": "x7@customer.example", "password": "correct horse"}).status == 200
        tenant.done("PUT", base + "/webhook", {"url": "https://test.example/"})
        tenant.test = tenant.done("POST", base + "/regenerate-key")["apiKey"]
        return made

    tenant, made = apart("codes", [base + path for path in ("/me", "/codes", "/plans", "/webhook")], work, lambda made: [])
    with checks("X7 G4 codes: one Idempotency-Key is two calls in two books, and the live one pays"):
        live = tenant.call("POST", base + "/generate", {"planId": "12month", "count": 1}, key=tenant.live, idempotency_key=KEY)
        assert live.status == 200 and live.json["totalCost"] == 10, live
        again = tenant.call("POST", base + "/generate", {"planId": "12month", "count": 100}, idempotency_key=KEY)
        assert again.json == made, again
        codes = {row["code"] for row in made["codes"]}
        listed = tenant.done("GET", base + "/codes", key=tenant.live)["codes"]
        assert not codes & {row["code"] for row in listed}


def proxy_ports():
    base = "/v1/reseller"

    def work(tenant):
        customer = tenant.done("POST", base + "/customers", {
            "email": "x7@customer.example", "name": "X", "allocatedPortSlots": 3, "externalId": "x7"}, idempotency_key=KEY)
        path = f"{base}/customers/{customer['_id']}"
        ports = [tenant.done("POST", base + "/ports", {
            "customerId": customer["_id"], "countryId": "germany_id", "days": days}) for days in (30, 365, 1)]
        # No slot left: customer.quota_exceeded, in the test book.
        tenant.done("POST", base + "/webhooks", {
            "name": "W", "url": "https://test.example/", "events": ["port.created", "customer.quota_exceeded", "balance.low"]})
        assert tenant.call("POST", base + "/ports", {
            "customerId": customer["_id"], "countryId": "germany_id", "days": 1}).status == 409
        tenant.done("POST", f"{base}/ports/{ports[0]['port']['_id']}/rotate")
        tenant.done("POST", f"{path}/topup", {"amount": 1_000_000, "referenceId": "x7"})
        tenant.done("PATCH", path, {"discountPercent": 10, "isActive": False, "allocatedPortSlots": 9})
        tenant.done("PUT", base + "/pricebook", {"pricingMode": "fixed", "fixedPrice": 9, "portPricing": {"fixedPrice": 8}})
        tenant.done("POST", base + "/pricebook/country-override", {"countryId": "usa_country_id", "fixedPrice": 7})
        return customer, ports

    tenant, (customer, ports) = apart("proxies", [base + path for path in (
        "/balance", "/customers", "/ports", "/pricebook", "/webhooks")], work,
        lambda made: [f"{base}/customers/{made[0]['_id']}"] + [f"{base}/ports/{port['port']['_id']}" for port in made[1]])
    with checks("X7 G4 proxies: one Idempotency-Key, and one externalId, are two things in two books"):
        live = tenant.done("POST", base + "/customers", {
            "email": "x7@customer.example", "name": "X", "allocatedPortSlots": 3, "externalId": "x7"}, key=tenant.live,
            idempotency_key=KEY)
        assert live["_id"] != customer["_id"]
        for key, wrong in ((tenant.live, customer), (tenant.test, live)):
            for method, path, body in (("POST", f"/customers/{wrong['_id']}/topup", {"amount": 1}),
                                       ("PATCH", f"/customers/{wrong['_id']}", {"isActive": True}),
                                       ("POST", "/ports", {"customerId": wrong["_id"], "countryId": "germany_id", "days": 1})):
                assert tenant.call(method, base + path, body, key=key).status == 404
        assert tenant.call("POST", f"{base}/ports/{ports[0]['port']['_id']}/rotate", key=tenant.live).status == 404


def licence_keys():
    base = "/reseller"

    class Licences(Tenant):
        def call(self, method, path, body=None, key=None, idempotency_key=None):
            headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
            token = urllib.parse.urlencode({"api_token": key or self.test})
            return gateway.request(
                method, f"{self.base}{path}{'&' if '?' in path else '?'}{token}", body, headers=headers)

    tenant = Licences("licences")
    with checks("X7 licences: a test key changes no row of the live book and nothing that both share"):
        before, listed = tenant.live_rows(), tenant.seen([base + "/myavailable"], tenant.live)
        stock = tenant.done("GET", base + "/myavailable")["licenses"]
        assert stock
        drawn = tenant.done("GET", base + "/fetchlicense")["license"]
        for row in stock:
            tenant.done("POST", base + "/assignlicense", {"license": row["key"], "discord_user_id": "1"})
        assert tenant.call("GET", base + "/fetchlicense").status == 404
        assert tenant.live_rows() == before and tenant.seen([base + "/myavailable"], tenant.live) == listed
    with checks("X7 licences: each book's licences are unknown to the other's keys"):
        assert drawn["key"] in {row["key"] for row in stock}
        live = tenant.done("GET", base + "/myavailable", key=tenant.live)["licenses"]
        assert not {row["key"] for row in live} & {row["key"] for row in stock}
        for key, foreign in ((tenant.live, stock[0]["key"]), (tenant.test, live[0]["key"])):
            assert tenant.call("GET", f"{base}/licenseinfo?license={foreign}", key=key).status == 404
            assert tenant.call(
                "POST", base + "/assignlicense", {"license": foreign, "discord_user_id": "1"}, key=key).status == 404
    with checks("X7 G4 licences: one Idempotency-Key is two calls in two books"):
        body = {"license": live[0]["key"], "discord_user_id": "1"}
        assert tenant.call("POST", base + "/assignlicense", body, idempotency_key=KEY).status == 404
        tenant.done("POST", base + "/assignlicense", body, key=tenant.live, idempotency_key=KEY)
        assert tenant.call("POST", base + "/assignlicense", body, idempotency_key=KEY).status == 404


with Gateway(options.tollgate) as gateway:
    wholesale_orders()
    credit_reports()
    activation_codes()
    proxy_ports()
    licence_keys()
checks.finish()
