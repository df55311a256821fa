"""X7: every API describes itself in valid OpenAPI 3.1, and schemathesis finds no 5xx, no status, header or body that
its description does not say, no call refused that it allows and none taken that it forbids. `--long` tries more."""

from concurrent.futures import ThreadPoolExecutor
import glob
import json
import os
import subprocess
import tempfile
import uuid
import xml.etree.ElementTree as xml

from logo import png
from support import ROOT, Checks, Gateway, arguments, python_of_tests

FIXED = "20260101"
# One document's run: far over what it takes.
SECONDS_MAX = 3600
# What is used up at once, so that 429 is seen.
SLOW = {"requests": 1, "window_seconds": 60}
# None that an example has: examples are sent as well, and would set another.
PASSWORD = "no horse of any example"
# Set anew it is still known.
SAME = {"old": PASSWORD, "new": PASSWORD}
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection", "positive_data_acceptance",
          "missing_required_header", "unsupported_method", "allow_header_conformance", "ignored_auth"]
# By dialect as blueprints name it; the provider's and the operator's APIs are everywhere.
BASES = {"wholesale_orders": "/api/partner/v1", "credit_reports": "/api/v1/reseller", "licence_keys": "/reseller",
         "proxy_ports": "/v1", "activation_codes": "/api/reseller"}
# Refusals of calls that their description allows: rules that a JSON Schema cannot say.
UNSAYABLE = [
    "must be test: a live row",
    "must be in the future", "must not be in the future", "would take too long to fill again",
    "is no account of this tenant", "must not be zero",
    "must be more than zero", "must be less than zero", "must have at most 6 digits after the point",
    "is required without a known countryId", "is required with external_ref",
    "days before to", "must not be after to", "must repeat the slug", "/blueprint: must be one of", "/certificate",
    "is no blueprint's name",
    "come together", "comes twice", ": is not a cursor that this list gave", "must not hold invisible",
    "must not be white space alone",
    "must not turn the direction", "must be an email address", "without an exponent",
    "is a name that hosts and paths",
    "belongs to another tenant's keys", "takes the balance down to minus the credit limit",
    # Activation codes answer these with 400 too.
    "The key is revoked", "The key ended at",
    "There is an account with this", "Insufficient balance", "is no plan that is offered",
    "must be an absolute https URL", "must be in ASCII, without spaces", "must be whsec_ and",
    "must be a host name of two labels",
    "must be some of", "must be names out of", "must not be after until", "must have a name of 1 to 64",
    "has a name that", "must not hold control characters", "must have no members but value and secret",
    "A test is not sent again",
    "can still be paid back of this", "must name the service whose period", "is the same as state",
    "must be as many RFC 3339 times as",
    "days before the end", "The endpoint is paused", "The endpoint is disabled", "is not disabled",
    "is the key of no licence in stock", "stands twice", "has keys of the role", "must be another port than",
    "must be an IPv4 or IPv6 address, or a host name", "is not the password",
    "is required where there are several keys",
    "must be an http or https URL without", "needs a Tollgate-Passphrase header",
    # Where an amount may be text; as a number the description bounds it.
    "must be from 10 to 1000000",
    "is not changed together with owner_email", "is another account's of this tenant",
    "must be there, or product must, and not both", "must be a head as /audit/head",
]
BUNDLE = "application/vnd.tollgate.tenant"
SQLITE = "application/vnd.sqlite3"
ADMIN, PROVIDER = "/api/admin", "/provider/v1"


class Scene:
    """A tenant with every dialect and something of everything in it, so that calls find what they name. Each document
    has its own: schemathesis learns ids from answers, and revokes and deletes what it finds."""

    def __init__(self, gateway, slug):
        self.gateway = gateway
        self.base = f"/t/{slug}"
        self.owner = self.tenant(slug, "owner@here.example")["owner_key"]
        self.furnish()

    def call(self, method, path, body=None, key=None, headers=None, raw=False):
        headers = {"Idempotency-Key": uuid.uuid4().hex, **(headers or {})}
        answer = self.gateway.request(method, path, body, key=key, headers=headers)
        assert answer.status in (200, 201, 202, 204), (method, path, answer)
        return answer.json if answer.body and not raw else answer

    def provider(self, method, path, body=None):
        return self.call(method, PROVIDER + path, body, self.gateway.provider_key)

    def admin(self, method, path, body=None, **options):
        return self.call(method, self.base + ADMIN + path, body, self.owner, **options)

    def tenant(self, slug, owner="owner@there.example"):
        return self.provider("POST", "/tenants", {
            "slug": slug, "blueprint": "everything", "owner_email": owner, "tier": "pro", "password": PASSWORD})

    def reseller(self, name, moves=("approve",), **terms):
        """Its terms, session and key; `moves`: how it came to be in its state."""
        email = f"{name}@here.example"
        made = self.admin("POST", "/resellers", {"email": email, "name": name, "password": PASSWORD})
        for move in moves:
            self.admin("POST", f"/resellers/{made['id']}/{move}")
        if "approve" in moves:
            self.admin("PATCH", f"/resellers/{made['id']}", {
                "rate_limit": {"requests": 1_000_000, "window_seconds": 60}, **terms})
            made["key"] = self.admin("POST", "/api-keys", {"owner_email": email})["key"]
            self.admin("POST", f"/resellers/{made['id']}/balance", {"amount": "900000000.00", "reference": "start"})
        return made

    def session(self, base=None, email="shop@here.example"):
        url = self.base + (base or BASES["wholesale_orders"]) + "/session"
        return {"url": self.gateway.base_url + url, "body": {"email": email, "password": PASSWORD}}

    def token(self, session):
        return self.call("POST", session["url"].removeprefix(self.gateway.base_url), session["body"])["token"]

    def signed_in(self, reseller, session=None):
        """The id of a session of the reseller's, to be ended."""
        self.token(session or self.session())
        return self.admin("GET", f"/resellers/{reseller['id']}/sessions")["data"][0]["id"]

    def furnish(self):
        self.shop = self.reseller("shop")
        self.slow = self.reseller("slow", rate_limit=SLOW)["key"]
        self.shop_key = self.admin("GET", "/api-keys?reseller=" + self.shop["id"])["data"][0]["id"]
        for sku, fulfilment in (
                ("instant", "instant"), ("manual", "manual"), ("lifetime", "instant"), ("http", "http"),
                ("stock", "stock")):
            self.admin("POST", "/products", {
                "sku": sku, "name": sku, "fulfilment": fulfilment, "days": 30, "retail_price": "2.00",
                "wholesale_price": "1.00"})
            self.admin("PUT", f"/resellers/{self.shop['id']}/products/{sku}", {
                f"wholesale_{term}": "1.00" for term in ("monthly", "quarterly", "semi_annual", "annual", "hourly")})
        self.call("PUT", self.base + BASES["wholesale_orders"] + "/webhook", {
            "url": "https://there.example/", "events": ["order.created"]}, self.shop["key"])
        self.admin("POST", "/licences", {"licences": [
            {"reseller": self.shop["id"], "product": "lifetime", "key": f"ps-{number}",
             "expiration": "2099-01-01T00:00:00Z"}
            for number in range(1000)]})
        for country in ("de", "fr"):
            self.admin("PUT", f"/countries/{country}", {"base_price": "2.00"})
        self.admin("POST", "/ports", self.stock("early", 5000).encode(), headers={"Content-Type": "text/csv"})
        self.call("POST", self.base + BASES["credit_reports"] + "/signup", {
            "email": "user@there.example", "name": "U", "password": PASSWORD}, self.shop["key"])

        self.admin("PUT", "/payment-service", {"driver": "sandbox"})
        self.payment = self.call("POST", self.base + BASES["activation_codes"] + "/topup", {"amount": 10}, headers={
            "x-api-key": self.shop["key"]})["orderId"]
        code = self.call("POST", self.base + BASES["activation_codes"] + "/generate", {"planId": "instant"}, headers={
            "x-api-key": self.shop["key"]})["codes"][0]["code"]
        self.call("POST", f"{self.base}/activate/{code}", {
            "email": "end@there.example", "password": PASSWORD}, headers={"Accept": "application/json"})

    @staticmethod
    def stock(device, port):
        """Twenty slots of each of nine devices, as CSV."""
        rows = [f"{device}-{number % 9},192.0.2.{number % 9},{port + 2 * number},{port + 2 * number + 1},de"
                for number in range(180)]
        return "\n".join(["device,server_ip,http_port,socks_port,country", *rows, ""])

    def webhooks(self, base, credential, id, event, prefix=""):
        """Two endpoints and a delivery, a test's where there is no other: one is removed when its time comes."""
        hooks = [self.call("POST", base + prefix + "/webhooks", {
            "name": f"hook {number}", "url": "https://there.example/", "events": [event]}, **credential)[id]
                 for number in range(2)]
        self.call("POST", f"{base}{prefix}/webhooks/{hooks[1]}/test", **credential)
        rows = self.call("GET", base + prefix + "/deliveries", **credential)
        delivery = rows["deliveries" if "deliveries" in rows else "data"][0][id]
        paths = {f"{prefix}/webhooks/{{id}}/{move}": {"id": hooks[1:]}
                 for move in ("pause", "resume", "enable", "test", "secret/rotate")}
        return {**paths, f"{prefix}/webhooks/{{id}}": {"id": hooks[:1]},
                f"{prefix}/deliveries/{{id}}": {"id": [delivery]},
                f"{prefix}/deliveries/{{id}}/retry": {"id": [delivery]}}

    def order(self, reseller, sku):
        body = {"product": sku, "term": "monthly", "quantity": 1, "customer": {"external_id": "c-1"}}
        answer = self.gateway.order(self.base + BASES["wholesale_orders"] + "/orders", body, reseller, uuid.uuid4().hex)
        assert answer.status == 201, answer
        return answer.json

    def credit(self, reseller, ref, amount):
        return self.call("POST", self.base + BASES["credit_reports"] + "/credit", {
            "kind": "topup", "amount_usd": amount, "external_ref": ref}, reseller["key"])


def wholesale(scene):
    shop = scene.shop
    base = scene.base + BASES["wholesale_orders"]
    session = scene.session()
    orders = [scene.order(shop, "instant") for _ in range(2)]
    keys = [scene.admin("POST", "/api-keys", {"owner_email": "shop@here.example"})["id"] for _ in range(2)]
    order = {"product": "instant", "term": "monthly"}
    return {
        "document": base, "credential": scene.token(session), "slow": scene.slow,
        "webhook_secret": shop["webhook_secret"], "sessions": {"DELETE /session": session},
        "renews": {"DELETE /account/sessions/{id}": session, "POST /account/password": session},
        # Nothing is past due here; tried in renewals.py.
        "never": ["POST /services/{id}/pay"],
        "members": {"POST /apply": {"email": "applicant@there.example"}, "POST /orders": order,
                    "POST /orders/quote": order, "POST /topup": {"amount": 10}, "POST /session": session["body"],
                    "POST /account/password": SAME, "POST /keys": {"expires_at": "2099-01-01T00:00:00Z"}},
        "paths": {"/orders/{id}": {"id": [order["order"]["id"] for order in orders]},
                  "/services/{id}": {"id": [order["services"][0]["id"] for order in orders]},
                  "/services/{id}/cancel": {"id": [orders[0]["services"][0]["id"]]},
                  "/topup/{id}": {"id": [scene.payment]},
                  "/services/{id}/pay": {"id": [orders[1]["services"][0]["id"]]},
                  "/account/sessions/{id}": {"id": [scene.signed_in(shop)]},
                  "/keys/{id}/rotate": {"id": keys[:1]}, "/keys/{id}": {"id": keys[1:]},
                  **scene.webhooks(base, {"key": shop["key"]}, "id", "order.created")}}


def codes(scene):
    base = scene.base + BASES["activation_codes"]
    login = {"url": scene.gateway.base_url + base + "/login", "body": scene.session()["body"]}
    seed = scene.call("POST", base + "/login", login["body"])["seedHash"]
    batch = {"planId": "instant", "count": 2}
    scene.call("PUT", base + "/webhook", {"url": "https://there.example/"}, headers={"x-seed-hash": seed})
    return {
        # What exists under another method is "not found" there.
        "document": base, "credential": seed, "place": "x-seed-hash", "slow": scene.slow, "slow_place": "x-api-key",
        "unchecked": ["unsupported_method", "allow_header_conformance"],
        # Signed by the payment service; tried in payments.py. The delivery here is a test's; tried in endpoints_api.py.
        "never": ["POST /topup/webhook", "POST /deliveries/{id}/retry"],
        "paths": {"/topup/status/{orderId}": {"orderId": [scene.payment]},
                  "/account/sessions/{id}": {"id": [scene.signed_in(scene.shop)]},
                  **scene.webhooks(base, {"headers": {"x-seed-hash": seed}}, "id", "code.redeemed")},
        "sessions": {"POST /logout": login, "POST /regenerate-seed-hash": login},
        "renews": {"DELETE /account/sessions/{id}": login, "POST /account/password": login},
        "members": {"POST /login": login["body"], "POST /generate": batch, "POST /account/password": SAME}}


def credits(scene):
    scene.admin("PATCH", "/settings", {"self_service_keys": True})
    event = scene.credit(scene.shop, "kept", 5)
    rotated, reports = (
        scene.admin("POST", "/api-keys", {"owner_email": "shop@here.example"})["key"] for _ in range(2))
    return {"document": scene.base + BASES["credit_reports"], "slow": scene.slow,
            # What gives itself a new secret, signs up and reports is a key, and no session.
            "credentials": {"POST /key/rotate": rotated, "POST /signup": reports, "POST /credit": reports},
            **of_account(scene, "credit_reports", {"/credit/{id}": {"id": [event["id"]]}}, {})}


def licences(scene):
    keys = [f"ps-{number}" for number in range(4)]
    assign = {"license": keys[0], "discord_user_id": "1"}
    return {"document": scene.base + BASES["licence_keys"], "slow": scene.slow, "place": "api_token",
            "is_in_query": True, "queries": {"GET /licenseinfo": {"license": keys[1]}},
            **of_account(scene, "licence_keys", {}, {
                "POST /assignlicense": assign, "POST /licenseinfo": {"license": keys[1]}})}


def of_account(scene, dialect, paths, members):
    """A session, which calls all there is, and what is under the account: keys, sessions and the password."""
    session = scene.session(BASES[dialect])
    keys = [scene.admin("POST", "/api-keys", {"owner_email": "shop@here.example"})["id"] for _ in range(2)]
    return {
        "credential": scene.token(session), "sessions": {"DELETE /session": session},
        "renews": {"DELETE /account/sessions/{id}": session, "POST /account/password": session},
        "members": {"POST /session": session["body"], "POST /keys": {"expires_at": "2099-01-01T00:00:00Z"},
                    "POST /account/password": SAME, **members},
        "paths": {"/keys/{id}/rotate": {"id": keys[:1]}, "/keys/{id}": {"id": keys[1:]},
                  "/account/sessions/{id}": {"id": [scene.signed_in(scene.shop)]}, **paths}}


def ports(scene):
    base = scene.base + BASES["proxy_ports"]
    token = scene.call("POST", base + "/login/signin", scene.session()["body"])["access_token"]

    def reseller(method, path, body=None):
        return scene.call(method, base + "/reseller" + path, body, scene.shop["key"])

    customer = reseller("POST", "/customers", {"email": "c@there.example", "allocatedPortSlots": 20})["_id"]
    port = {"customerId": customer, "countryId": "de", "days": 1}
    made = [reseller("POST", "/ports", {**port, "days": 30})["port"]["_id"] for _ in range(2)]
    key, turned = [scene.admin("POST", "/api-keys", {"owner_email": "shop@here.example"})["id"] for _ in range(2)]
    sign_in = {"url": scene.gateway.base_url + base + "/login/signin", "body": scene.session()["body"]}
    return {
        # The delivery here is a test's; tried in endpoints_api.py.
        "never": ["POST /reseller/deliveries/{id}/retry"],
        "document": base, "credential": token, "slow": scene.slow,
        "sessions": {"POST /login/signout": sign_in},
        "renews": {"DELETE /account/sessions/{id}": sign_in, "POST /account/password": sign_in},
        "members": {"POST /login/signin": scene.session()["body"], "POST /account/password": SAME,
                    "POST /reseller/ports": {**port, "cityId": None, "carrierId": None},
                    "POST /reseller/pricebook/calculate": {"countryId": "de", "customerId": customer},
                    "POST /reseller/pricebook/country-override": {"countryId": "de"},
                    "PUT /reseller/pricebook": {"fixedPrice": 3, "multiplier": "1.5"}},
        "queries": {"GET /reseller/ports": {"customerId": customer}},
        "paths": {"/reseller/customers/{id}": {"id": [customer]}, "/reseller/customers/{id}/topup": {"id": [customer]},
                  "/reseller/topup/{id}": {"id": [scene.payment]},
                  "/reseller/ports/{id}": {"id": made}, "/reseller/ports/{id}/rotate": {"id": made},
                  "/reseller/ports/{id}/renew": {"id": made},
                  "/api-keys/{id}": {"id": [key]}, "/api-keys/{id}/rotate": {"id": [turned]},
                  "/account/sessions/{id}": {"id": [scene.signed_in(scene.shop)]},
                  **scene.webhooks(base, {"key": scene.shop["key"]}, "_id", "port.created", "/reseller")}}


def units(scene):
    """Paths of units that nobody makes, for nobody answers there, and of stock."""
    for place in ("/provisioning", "/products/instant/provisioning"):
        scene.admin("PUT", place, {"url": "https://there.example/", "timeout_seconds": 1})
    waiting = [scene.order(scene.shop, "http")["services"][0]["id"] for _ in range(3)]
    scene.call("POST", f"{scene.base}{ADMIN}/products/stock/stock", b"item\none\ntwo\n", scene.owner, headers={
        "Content-Type": "text/csv", "Idempotency-Key": "stock"})
    item = scene.admin("GET", "/products/stock/stock/items")["data"][0]["id"]
    at = {"sku": ["stock"]}
    return {
        "/products/{sku}/provisioning": {"sku": ["instant"]}, "/products/{sku}/stock": at,
        "/products/{sku}/stock/items": at, "/products/{sku}/stock/items/{id}": {**at, "id": [item]},
        **{f"/provisioning/{{service}}/{move}": {"service": [unit]}
           for move, unit in zip(("retry", "confirm", "give_up"), waiting)}}


def admin(scene):
    shop = scene.shop
    waiting = [scene.order(shop, "manual")["order"]["id"] for _ in range(3)]
    done = [scene.order(shop, "instant") for _ in range(4)]
    services = [order["services"][0]["id"] for order in done]
    scene.admin("POST", f"/services/{services[1]}/suspend")
    ending = [scene.order(shop, "instant")["services"][0]["id"] for _ in range(2)]
    for service in ending:
        scene.admin("POST", f"/services/{service}/cancel", {"at": "term_end"})
    resellers = {
        "approve": scene.reseller("applicant", moves=()), "suspend": scene.reseller("good"),
        "resume": scene.reseller("bad", moves=("approve", "suspend")), "terminate": scene.reseller("gone")}
    terms = scene.reseller("terms")
    keys = [scene.admin("POST", "/api-keys", {"owner_email": "terms@here.example"})["id"] for _ in range(3)]
    scene.credit(shop, "twice", 5)
    scene.credit(shop, "twice", 6)
    scene.credit(shop, "thrice", 5)
    scene.credit(shop, "thrice", 6)
    reviews = [review["id"] for review in scene.admin("GET", "/reviews")["data"]]
    ledger = "external_ref,kind,amount,at\nelsewhere,topup,5.00,2026-01-01T00:00:00Z\n"
    made = scene.call(
        "POST", f"{scene.base}{ADMIN}/reconciliations?reseller={shop['id']}", ledger.encode(), scene.owner,
        headers={"Content-Type": "text/csv"})
    event = scene.admin("GET", "/credit-events")["data"][0]
    customer = scene.admin("GET", f"/customers?reseller={shop['id']}")["data"][0]["id"]
    for sku in ("instant", "manual"):
        scene.admin("PUT", f"/resellers/{shop['id']}/products/{sku}?mode=test", {"wholesale_monthly": "1.00"})
    delivery, hook = (scene.admin("GET", f"/{rows}")["data"][0]["id"] for rows in ("deliveries", "webhooks"))
    replay = scene.admin("POST", "/deliveries/replay", {"since": "2020-01-01T00:00:00Z"})["id"]
    payment = scene.admin("GET", "/payments")["data"][0]["id"]
    subscriber = {"id": [scene.admin("GET", "/subscribers")["data"][0]["id"]]}
    session = scene.session(ADMIN, "owner@here.example")
    at = {"id": [shop["id"]]}
    clerk, leaver = [scene.admin("POST", "/people", {
        "email": f"{name}@here.example", "name": name, "role": "operator"}) for name in ("clerk", "leaver")]
    link = clerk["invitation_url"].removeprefix(scene.gateway.base_url)
    scene.call("POST", link, {"password": PASSWORD})
    scene.token(scene.session(ADMIN, "clerk@here.example"))
    clerks = scene.admin("GET", f"/people/{clerk['id']}/sessions")["data"][0]["id"]
    own = scene.call("GET", f"{scene.base}{ADMIN}/account/sessions", key=scene.token(session))["data"][0]["id"]
    theirs = [scene.signed_in(shop) for _ in range(2)]
    only = {"reseller": shop["id"]}
    return {
        # The limits here go away before; tried in rehearsal.py.
        "never": ["POST /api-keys/{id}/limit/reset", "GET /codes/{code}"],
        "document": scene.base + ADMIN, "credential": scene.token(session), "sessions": {"DELETE /session": session},
        "renews": {"DELETE /account/sessions/{id}": session, "DELETE /sessions/{id}": session,
                   "POST /account/password": session},
        "slow": scene.admin("POST", "/api-keys", {"owner_email": "owner@here.example", "limit": SLOW})["key"],
        "members": {
            "POST /session": session["body"], "POST /account/password": SAME,
            "POST /licences/withdraw": {"keys": ["ps-1"]},
            "POST /licences/move": {"keys": ["ps-2"], "reseller": terms["id"], "product": "lifetime"},
            "POST /orders/{id}/refund": {"amount": "0.01", "service": None, "period": None},
            "POST /api-keys": {"owner_email": "terms@here.example", "role": "reseller", "limit": None,
                               "scopes": ["partner:read"], "expires_at": "2099-01-01T00:00:00Z"}},
        "bodies": {
            "POST /reconciliations": {"text/csv": ledger},
            "POST /price-book.csv": {"text/csv": f"reseller,sku,wholesale_monthly\n{shop['id']},instant,4\n"},
            "POST /products.csv": {"text/csv": "sku,name,fulfilment\nby-file,By file,instant\n"},
            "PUT /settings/logo": {"image/png": png(2, 2)},
            "POST /licences": {
                "text/csv": f"reseller,product,key,expiration\n{shop['id']},lifetime,fresh,2099-01-01T00:00:00Z\n"},
            "POST /products/{sku}/stock": {"text/csv": "item\nfresh\n"},
            "POST /ports": {"text/csv": scene.stock("late", 6000)}},
        "queries": {
            **{f"GET /{name}": only for name in (
                "api-keys", "orders", "orders.csv", "services", "services.csv", "deliveries", "customers",
                "credit-events", "reconciliations", "reviews", "licences", "usage/groups")},
            "GET /api-keys/activity": {"key": scene.shop_key},
            **{f"POST /licences/{move}": {"mode": "live"} for move in ("withdraw", "move")},
            "DELETE /ports/{address}": {"mode": "live"},
            "DELETE /resellers/{id}/products/{sku}": {"mode": "test"},
            "POST /reconciliations": only, "GET /users": {"signed_up_via": scene.shop_key},
            "GET /subscribers": {"email": "end@there.example"},
            **{path: {**only, "key": scene.shop_key} for path in ("GET /audit", "GET /audit.csv", "GET /audit.jsonl")},
            **{f"GET /reports/{kind}{form}": {"from": "2026-01-01", "to": "2026-02-01"}
               for kind in ("turnover", "refunds", "holds", "credit", "balances") for form in ("", ".csv")},
            "GET /usage": {**only, "from": "2026-01-01", "to": "2026-02-01"}},
        "paths": {
            "/api-keys/{id}": {"id": keys[:1]}, "/api-keys/{id}/rotate": {"id": keys[1:2]},
            "/api-keys/{id}/limit": {"id": keys[2:]}, "/audit/{seq}": {"seq": ["1", "2"]},
            "/audit/requests/{id}": {"id": [scene.admin("GET", "/audit")["data"][0]["request_id"]]},
            "/resellers/{id}": {"id": [terms["id"]]},
            "/resellers/{id}/webhook-secret/rotate": {"id": [terms["id"]]},
            "/resellers/{id}/balance": {"id": [terms["id"]]},
            "/resellers/{id}/statement": at, "/resellers/{id}/sessions": at, "/account/sessions/{id}": {"id": [own]},
            "/sessions/{id}": {"id": theirs[:1]}, "/people/{id}": {"id": [leaver["id"]]},
            "/people/{id}/password-reset": {"id": [clerk["id"]]}, "/people/{id}/sessions": {"id": [clerk["id"]]},
            "/people/{id}/sessions/{session}": {"id": [clerk["id"]], "session": [clerks]},
            "/resellers/{id}/sessions/{session}": {**at, "session": theirs[1:]}, "/resellers/{id}/products": at,
            "/resellers/{id}/products/{sku}": {**at, "sku": ["instant"]},
            "DELETE /resellers/{id}/products/{sku}": {**at, "sku": ["manual", "instant"]},
            "/customers/{id}": {"id": [customer]},
            **{f"/resellers/{{id}}/{move}": {"id": [made["id"]]} for move, made in resellers.items()},
            "/resellers/{id}/products/{sku}/history": {**at, "sku": ["instant"]},
            "/devices/{name}": {"name": ["early-1"]}, "/ports/{address}": {"address": ["192.0.2.2:5004"]},
            "DELETE /ports/{address}": {"address": ["192.0.2.3:5006", "192.0.2.4:5008"]},
            "/products/{sku}": {"sku": ["instant"]}, "/orders/{id}": {"id": waiting[2:]},
            "/orders/{id}/activate": {"id": waiting[:1]}, "/orders/{id}/reject": {"id": waiting[1:2]},
            "/orders/{id}/refund": {"id": [done[0]["order"]["id"]]},
            "/services/{id}": {"id": services[3:]}, "/services/{id}/suspend": {"id": services[:1]},
            "/services/{id}/resume": {"id": services[1:2]}, "/services/{id}/cancel": {"id": services[2:3]},
            "/services/{id}/details": {"id": services[3:]}, **units(scene),
            "/deliveries/{id}": {"id": [delivery]}, "/deliveries/{id}/retry": {"id": [delivery]},
            "/deliveries/{id}/signature": {"id": [delivery]}, "/replays/{id}": {"id": [replay]},
            "/services/{id}/charges": {"id": services[3:]}, "DELETE /services/{id}/cancel": {"id": ending},
            "/webhooks/{id}": {"id": [hook]}, "/webhooks/{id}/test": {"id": [hook]},
            **{f"/webhooks/{{id}}/{move}": {"id": [hook]} for move in ("disable", "enable", "pause", "resume")},
            "/credit-events/{id}": {"id": [event["id"]]}, "/reconciliations/{id}": {"id": [made["id"]]},
            "/reviews/{id}": {"id": reviews[:1]}, "/reviews/{id}/close": {"id": reviews[1:2]},
            "/countries/{id}": {"id": ["fr"]}, "/subscribers/{id}": subscriber, "/payments/{id}": {"id": [payment]},
            "/subscribers/{id}/redemptions": subscriber, "/subscribers/{id}/password-reset": subscriber}}


def provider(scene):
    for slug in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"):
        scene.tenant(slug)
    scene.provider("POST", "/tenants/two/suspend")
    scene.provider("POST", "/tenants/seven/cancel")
    for slug in ("nine", "ten"):
        scene.provider("POST", f"/tenants/{slug}/move", {"base_url": "https://there.example"})
    scene.provider("DELETE", "/tenants/eight?confirm=eight&after_days=30")
    shown = scene.provider("POST", "/provider-keys", {"name": "shown"})["id"]
    at = {"slug": ["one"]}
    export = scene.call("GET", PROVIDER + "/tenants/one/export", key=scene.gateway.provider_key, raw=True).body
    return {
        # A bundle with its passphrase, of a tenant that is not here; tried in moving.py. A moment that a past is kept
        # of; tried in past.py and forks.py.
        # A cluster of two; tried in ClusterTests.
        "never": ["POST /tenants/import", "POST /tenants/{slug}/fork", "POST /nodes/{node}/drain",
                  "DELETE /nodes/{node}/drain", "POST /tenants/{slug}/adopt"],
        "document": PROVIDER,
        "bodies": {"POST /tenants/{slug}/restore": {SQLITE: export}, "POST /tenants/import": {BUNDLE: b"no bundle"}},
        "credential": scene.gateway.provider_key, "slow": "no such key",
        "minted": ["POST /provider-keys/{key}/rotate", "DELETE /provider-keys/{key}"],
        "members": {"POST /tenants": {"blueprint": "everything"}},
        # Of one kind or the other.
        "wholes": {"POST /tenants/{slug}/move": {"base_url": "https://there.example"}},
        "queries": {"DELETE /tenants/{slug}": {"confirm": "six"}},
        "paths": {
            "/tenants/{slug}": at, "DELETE /tenants/{slug}": {"slug": ["six"]}, "/tenants/{slug}/owner-key": at,
            "/tenants/{slug}/export": at, "/tenants/{slug}/move": {"slug": ["four"]},
            "/tenants/{slug}/move/confirm": {"slug": ["four"]}, "/tenants/{slug}/restore": at,
            "/tenants/{slug}/fork": at,
            "/tenants/{slug}/suspend": {"slug": ["three"]},
            "/tenants/{slug}/resume": {"slug": ["two"]}, "/tenants/{slug}/cancel": {"slug": ["four"]},
            "/tenants/{slug}/refund": {"slug": ["five"]}, "/tenants/{slug}/invitation": at,
            "DELETE /tenants/{slug}/move": {"slug": ["nine", "ten"]},
            "DELETE /tenants/{slug}/cancel": {"slug": ["seven"]}, "/tenants/{slug}/deletion": {"slug": ["eight"]},
            "/provider-keys/{key}": {"key": [shown]}}}


DOCUMENTS = {"wholesale_orders": wholesale, "activation_codes": codes, "credit_reports": credits,
             "licence_keys": licences, "proxy_ports": ports, "operator_admin": admin, "provider": provider}


def configuration(scene):
    """schemathesis.toml: the credential stands where the description says, and nowhere on open calls."""
    name = scene["place"]
    kind = "bearer" if name == "bearer" else "api_key"
    return f"""
color = false
[auth.openapi.{name}]
{kind} = {json.dumps(scene["credential"])}
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "402", "403", "404", "409", "412", "429"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "402", "403", "404", "405", "409", "413", "422", "429"]
"""


def thorough(tools, gateway, name, scene, folder, examples):
    return examine(tools, gateway, name, scene, folder, [
        "--phases", "coverage,fuzzing", "--max-examples", str(examples), "--checks",
        ",".join(check for check in CHECKS if check not in scene.get("unchecked", []))])


def limited(tools, gateway, name, scene, folder):
    """With a credential whose limit is used up at once."""
    place = scene.get("slow_place") or scene.get("place", "bearer")
    scene = {**scene, "credential": scene["slow"], "place": place, "scatters": False, "sessions": {}, "renews": {},
             "credentials": {}}
    return examine(tools, gateway, f"{name}-limited", scene, folder, [
        "--phases", "fuzzing", "--max-examples", "30" if name == "provider" else "3", "--checks", ",".join(CHECKS[:5])])


def examine(tools, gateway, name, scene, folder, options):
    """Runs schemathesis over one document: (operation → what failed), (operation → status → count)."""
    path = os.path.join(folder, name)
    os.mkdir(path)
    scene = {"place": "bearer", "is_in_query": False, "webhook_secret": None, "sessions": {}, "renews": {},
             "credentials": {}, "minted": [], "members": {}, "wholes": {}, "bodies": {}, "queries": {}, "paths": {},
             "scatters": True, "unsayable": UNSAYABLE, "answered": os.path.join(path, "answered.json"), **scene}
    scene["bodies"] = {operation: {kind: written(path, content) for kind, content in contents.items()}
                       for operation, contents in scene["bodies"].items()}
    with open(os.path.join(path, "scene.json"), "w", encoding="utf-8") as file:
        json.dump(scene, file)
    with open(os.path.join(path, "schemathesis.toml"), "w", encoding="utf-8") as file:
        file.write(configuration(scene))
    run = subprocess.run(
        [os.path.join(tools, "st"), "run", gateway.base_url + scene["document"] + "/openapi.json", "--seed", FIXED,
         "--generation-database", "none", "--no-shrink", "--continue-on-failure", "--report", "junit",
         "--report-junit-path", "junit.xml", "--warnings", "off", *options],
        cwd=path, capture_output=True, text=True, timeout=SECONDS_MAX, env={
            **os.environ, "SCHEMATHESIS_HOOKS": "schema_hooks", "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.path.dirname(os.path.abspath(__file__)),
            "TOLLGATE_SCENE": os.path.join(path, "scene.json")})
    assert os.path.exists(os.path.join(path, "junit.xml")), run.stdout + run.stderr
    failed = {}
    for case in xml.parse(os.path.join(path, "junit.xml")).iter("testcase"):
        faults = [f"{fault.get('message')}: {fault.text}" for kind in ("failure", "error") for fault in case.iter(kind)]
        failed[case.get("name")] = faults
    with open(scene["answered"], encoding="utf-8") as file:
        return failed, json.load(file)


def written(folder, content):
    """A body as the hooks take it: text as it is, a file by its name."""
    if isinstance(content, str):
        return content
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(content)
    return file.name


def blueprints(folder):
    """Those that there are, and one of every dialect."""
    made = os.path.join(folder, "blueprints")
    os.mkdir(made)
    dialects = set()
    for path in glob.glob(os.path.join(ROOT, "tenants", "*.json")):
        with open(path, encoding="utf-8") as file:
            blueprint = json.load(file)
        dialects |= set(blueprint["dialects"])
        with open(os.path.join(made, os.path.basename(path)), "w", encoding="utf-8") as file:
            json.dump(blueprint, file)
    with open(os.path.join(made, "everything.json"), "w", encoding="utf-8") as file:
        json.dump({"name": "everything", "title": "Everything", "dialects": sorted(dialects), "currency": "USD",
                   "key_prefix": "all", "tier": "pro", "settings": {}, "products": []}, file)
    return made, dialects


def main():
    options = arguments()
    tools = os.path.dirname(python_of_tests())
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="tollgate-schema-") as folder:
        made, dialects = blueprints(folder)
        with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8", blueprints=made, demo=False) as gateway:
            scenes = {name: make(Scene(gateway, "scene-" + name.replace("_", "-"))) for name, make in DOCUMENTS.items()}
            for name in dialects:
                with checks(f"X7 {name}: if it is served, it is tried here"):
                    served = gateway.get(BASES[name] + "/openapi.json").status == 200
                    assert served == (name in DOCUMENTS), name
            documents = {name: gateway.get(scene["document"] + "/openapi.json") for name, scene in scenes.items()}
            said = validated(tools, documents, folder)
            for name, answer in documents.items():
                with checks(f"X7 {name}: its description is valid OpenAPI 3.1"):
                    valid(answer, os.path.join(folder, name + ".json"), said)
            examples = 300 if options.long else 10
            # The provider's last: it suspends every tenant that it sees, and fails until its address is refused.
            for names in (set(scenes) - {"provider"}, set(scenes) & {"provider"}):
                with ThreadPoolExecutor(2) as pool:
                    runs = {name: (pool.submit(thorough, tools, gateway, name, scenes[name], folder, examples),
                                   pool.submit(limited, tools, gateway, name, scenes[name], folder))
                            for name in DOCUMENTS if name in names}
                for name, run in runs.items():
                    answers = []
                    with checks(f"X7 {name}: it is tried to its end"):
                        answers += [done.result() for done in run]
                    if answers:
                        judge(checks, name, scenes[name].get("never", []), *answers)
            assert not gateway.errors(), gateway.errors()
    checks.finish()


def validated(tools, documents, folder):
    """What openapi_spec_validator says of all of them: it takes longer to start than to read."""
    for name, answer in documents.items():
        with open(os.path.join(folder, name + ".json"), "wb") as file:
            file.write(answer.body)
    run = subprocess.run(
        [os.path.join(tools, "python"), "-m", "openapi_spec_validator", "--schema", "3.1",
         *(os.path.join(folder, name + ".json") for name in documents)], capture_output=True, text=True)
    return run.stdout + run.stderr


def valid(answer, path, said):
    assert answer.status == 200 and answer.json["openapi"].startswith("3.1."), answer
    for pattern, operations in answer.json["paths"].items():
        for method, operation in operations.items():
            assert "2XX" not in operation["responses"], f"{method} {pattern} does not say what it gives"
    assert f"{path}: OK" in said.splitlines(), said


def judge(checks, name, never, run, limited_run):
    failed, answered = run
    print(f"{name}: {sum(sum(statuses.values()) for statuses in answered.values())} calls", flush=True)
    for operation, faults in failed.items():
        with checks(f"X7 {name}: {operation} answers as described"):
            assert not faults, "\n".join(faults)
    with checks(f"X7 {name}: no call ends in a 5xx, and every operation succeeds at least once"):
        for operation, statuses in answered.items():
            assert not [status for status in statuses if status >= "500"], (operation, statuses)
        without = [operation for operation in failed
                   if operation not in never
                   and not any("200" <= status < "300" for status in answered.get(operation, {}))]
        assert not without, {operation: answered.get(operation) for operation in without}
    failed, answered = limited_run
    with checks(f"X7 {name}: 429 comes as described"):
        assert any("429" in statuses for statuses in answered.values()), answered
        assert not any(failed.values()), failed


if __name__ == "__main__":
    main()
