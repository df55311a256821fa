"""W6, X4: top-ups by a payment in wholesale orders and proxy ports, as A6 has them for codes: begun with a key,
reported by the payment service at the tenant's own address, read by whoever began it and by nobody else."""

import http.client
import json
import threading
import uuid
from decimal import Decimal

from pageforms import ODD_QUERIES
from payservice import API_KEY, SECRET, PaymentService, signed
from shop import Shop
from support import Checks, Gateway, arguments, together, verified_export

options = arguments()
checks = Checks()


class Dialect:
    """How one API writes a top-up."""

    def __init__(self, blueprint, path, key_header, names, number):
        self.blueprint, self.path, self.key_header = blueprint, path, key_header
        self.url, self.order, self.id = names
        self.number = number

    def amount(self, text):
        return float(text) if self.number else text


HOSTING = Dialect("hosting", "/api/partner/v1/topup", "Authorization", ("payment_url", "order_id", "id"), False)
PROXIES = Dialect("proxies", "/v1/reseller/topup", "X-API-Key", ("paymentUrl", "orderId", "_id"), True)


class Payer(Shop):
    def __init__(self, gateway, dialect):
        super().__init__(gateway, f"payer-{dialect.blueprint}", blueprint=dialect.blueprint, currency="USD")
        self.dialect = dialect

    def ask(self, reseller, method, path, body=None, headers=None):
        key = reseller["key"] if self.dialect.key_header == "X-API-Key" else "Bearer " + reseller["key"]
        headers = {self.dialect.key_header: key, **(headers or {})}
        return self.gateway.request(method, self.base + self.dialect.path + path, body, headers=headers)

    def begin(self, reseller, amount="50.00", key=None):
        headers = {"Idempotency-Key": key} if key else {}
        return self.ask(reseller, "POST", "", {"amount": self.dialect.amount(amount)}, headers)

    def balance_of(self, reseller):
        return Decimal(self.admin("GET", f"/resellers/{reseller['id']}").json["balance"])

    def report(self, order, status="confirmed", amount="50.00", path="/api/payments/callback", **options):
        body = json.dumps({"order_id": order, "status": status, "amount": amount, "currency": "USD"}).encode()
        return self.gateway.request("POST", self.base + path, body, headers=signed(body, **options))


def message(answer):
    return answer.json.get("detail") or answer.json.get("message")


def paid_before_the_answer(shop, reseller, service, answers_with, key):
    """The service reports the money, and then answers as it does."""
    service.behave(answers_with)
    service.told = lambda payment: shop.report(payment["order_id"])
    try:
        return shop.begin(reseller, key=key)
    finally:
        service.told = None
        service.behave("ok")


def early_reports(shop, service):
    dialect, reseller = shop.dialect, shop.reseller()
    with checks("W6 X4 A6 money that came before the service failed to answer: the payment, confirmed, and no other"):
        for count, behaviour in enumerate(["refuse", "{}", "ok"], 1):
            key = uuid.uuid4().hex
            begun = paid_before_the_answer(shop, reseller, service, behaviour, key)
            assert begun.status == 201 and begun.json["status"] == "confirmed", (behaviour, begun)
            assert begun.json[dialect.url].endswith("/payment/done") == (behaviour != "ok"), begun
            assert shop.balance_of(reseller) == 50 * count, behaviour
            shown = shop.ask(reseller, "GET", "/" + begun.json[dialect.id])
            assert shown.status == 200 and shown.json["status"] == "confirmed", shown
            again = shop.begin(reseller, key=key)
            assert again.body == begun.body and again.headers.get("idempotency-hit") == "true", (behaviour, again)
            assert shop.balance_of(reseller) == 50 * count, behaviour
    with checks("W6 X4 A6 G8 money came, then kill -9 before the answer: the same call is that payment, and no other"):
        key, known = uuid.uuid4().hex, len(shop.admin("GET", "/payments").json["data"])

        killed = threading.Event()

        def told(payment):
            shop.report(payment["order_id"])
            shop.gateway.kill()
            killed.set()

        service.told = told
        try:
            lost = shop.begin(reseller, key=key)
            raise AssertionError(lost)
        except (OSError, http.client.HTTPException):
            service.told = None
        # Its client hears of the end before whoever ended it has seen to the rest.
        assert killed.wait(60)
        shop.gateway.start()
        again = shop.begin(reseller, key=key)
        assert again.status == 201 and again.json["status"] == "confirmed", again
        assert again.json[dialect.url].endswith("/payment/done"), again
        assert shop.balance_of(reseller) == 200 and len(shop.admin("GET", "/payments").json["data"]) == known + 1
    with checks("W6 X4 A6 G4 a call repeated under its key after the money came, before any answer: that payment"):
        # Another, whose ten calls in 15 minutes are not used up.
        other, key, repeated = shop.reseller(), uuid.uuid4().hex, []

        def paid(payment):
            shop.report(payment["order_id"])
            repeated.append(shop.begin(other, key=key))
        balance, service.told = shop.balance_of(other), paid
        try:
            begun = shop.begin(other, key=key)
        finally:
            service.told = None
        assert [answer.status for answer in (begun, *repeated)] == [201, 201], (begun, repeated)
        assert repeated[0].json["status"] == "confirmed", repeated
        assert repeated[0].json[dialect.id] == begun.json[dialect.id], (begun, repeated)
        assert shop.balance_of(other) == balance + 50
    with checks("W6 X4 A6 a report of failure before an answer that fails: 503, and nothing credited"):
        service.behave("refuse")
        service.told = lambda payment: shop.report(payment["order_id"], "failed")
        refused = shop.begin(reseller)
        service.told = None
        service.behave("ok")
        assert refused.status == 503 and shop.balance_of(reseller) == 200, refused


def odd_callbacks(shop, reseller, order):
    with checks("W6 X4 A6 a callback's query is read by nobody: unknown, repeated and odd parameters change nothing"):
        balance, usual = shop.balance_of(reseller), shop.report(order)
        for query in ODD_QUERIES:
            answer = shop.report(order, path="/api/payments/callback" + query)
            assert answer.status == 200 and answer.body == usual.body, (query, answer)
        assert shop.balance_of(reseller) == balance


def check(gateway, service, dialect):
    shop = Payer(gateway, dialect)
    first, second = shop.reseller(), shop.reseller()
    with checks("W6 X4 A6 without a payment service a top-up is 503, with nothing begun"):
        refused = shop.begin(first)
        assert refused.status == 503 and "not configured" in message(refused), refused
        assert shop.admin("GET", "/payments").json["data"] == []
    put = shop.admin("PUT", "/payment-service", {
        "driver": "http", "create_url": service.url, "api_key": API_KEY, "webhook_secret": SECRET})
    with checks("W6 X4 A6 a top-up is begun, reported at the tenant's own address, and credited once"):
        assert put.status == 200 and put.json["callback_url"].endswith(shop.base + "/api/payments/callback"), put
        begun = shop.begin(first)
        assert begun.status == 201 and begun.json["ok"] is True and begun.json["status"] == "pending", begun
        order = begun.json[dialect.order]
        assert begun.json[dialect.url].startswith("https://pay.example/"), begun
        assert json.loads(service.calls[-1][2])["callback_url"] == put.json["callback_url"]
        assert shop.ask(first, "GET", "/" + order).json["status"] == "pending"
        answers = together([lambda: shop.report(order) for _ in range(4)])
        assert [answer.status for answer in answers] == [200] * 4, answers
        assert shop.balance_of(first) == 50
        shown = shop.ask(first, "GET", "/" + begun.json[dialect.id])
        assert shown.status == 200 and shown.json["status"] == "confirmed", shown
        assert [shown.json[name] for name in ("balance", "amount")] == [dialect.amount("50.00")] * 2, shown
        assert shown.json[dialect.order] == order and shown.json["currency"] == "USD"
    odd_callbacks(shop, first, order)
    early_reports(shop, service)
    with checks("W6 X4 G1 a top-up is its own reseller's and book's: to others it is not there"):
        assert shop.ask(second, "GET", "/" + order).status == 404
        assert shop.ask(second, "GET", "/" + begun.json[dialect.id]).status == 404
        assert shop.ask(first, "GET", "/reseller_topup_1_" + "0" * 32).status == 404
        tester = {**first, "key": shop.mint(first, mode="test").json["key"]}
        assert shop.ask(tester, "GET", "/" + order).status == 404
    with checks("W6 X4 G4 a repeated call with its Idempotency-Key is the same payment"):
        key = str(uuid.uuid4())
        one, again = shop.begin(second, "20.00", key), shop.begin(second, "20.00", key)
        assert one.status == 201 and again.body == one.body and again.headers["idempotency-hit"] == "true", again
        assert shop.begin(second, "21.00", key).status in (409, 422)
    with checks("W6 X4 A6 amounts below 10, above a million or too fine are refused, naming the field"):
        # Refused calls count: ten a reseller.
        third = shop.reseller()
        for amount in ("9.99", "1000000.01", "10.001", "-10", "0"):
            refused = shop.begin(third, amount)
            assert refused.status == 422 and "amount" in message(refused), (amount, refused)
        for body in ({}, {"amount": None}, {"amount": "x"}, {"amount": []}):
            assert shop.ask(third, "POST", "", body).status == 422, body
    with checks("W6 X4 A6 a report that is forged, differs, or is of no payment credits nothing"):
        order = shop.begin(second, "30.00").json[dialect.order]
        assert shop.report(order, amount="30.00", secret="whsec_" + "QUJD" * 8).status == 401
        assert shop.report(order, amount="31.00").status == 422
        assert shop.report("reseller_topup_1_" + "0" * 32).status == 404
        assert shop.report(order, amount="30.00", path="/api/reseller/topup/webhook").status == 404
        assert shop.balance_of(second) == 0
        assert shop.report(order, status="failed", amount="30.00").status == 200
        assert shop.ask(second, "GET", "/" + order).json["status"] == "failed"
    with checks("W6 X4 X7 a test key pays in the sandbox, into the test book"):
        begun = shop.begin(tester)
        assert begun.status == 201 and "/sandbox-pay/" in begun.json[dialect.url], begun
        page = begun.json[dialect.url].removeprefix(gateway.base_url)
        assert gateway.request("POST", page, b"action=pay", headers={
            "Content-Type": "application/x-www-form-urlencoded"}).status == 200
        assert shop.ask(tester, "GET", "/" + begun.json[dialect.order]).json["status"] == "confirmed"
        assert shop.balance_of(first) == 50
    with checks("W6 X4 A6 a reseller begins 10 payments in 15 minutes, then 429 with Retry-After"):
        fourth = shop.reseller()
        answers = [shop.begin(fourth) for _ in range(11)]
        assert [answer.status for answer in answers] == [201] * 10 + [429], answers
        assert int(answers[-1].headers["retry-after"]) > 0
    with checks("W6 X4 A6 the file verifies after all of it"):
        verified_export(gateway, shop.slug)


def moved(gateway, other, service, slug, given, host=None):
    """A tenant that has gone to another node, under another slug; its operator's addresses there, where it gave any.
    `host`: where the operator called."""
    shop = Shop(gateway, slug, currency="USD")
    reseller = shop.reseller()
    for path, body in (("payment-service", {
            "driver": "http", "create_url": service.url, "api_key": API_KEY, "webhook_secret": SECRET, **given}),
            ("provisioning", {"url": "https://units.example/"})):
        put = gateway.request(
            "PUT", f"{'' if host else shop.base}/api/admin/{path}", body, key=shop.owner_key,
            headers={"Host": host} if host else {})
        assert put.status == 200, put
    words, tenant = {"Tollgate-Passphrase": "a passphrase to move by"}, f"/provider/v1/tenants/{slug}"
    sealed = gateway.post(tenant + "/move", {"base_url": "https://new.example/t/there"}, key=gateway.provider_key)
    assert sealed.status == 200, sealed
    bundle = gateway.get(tenant + "/export?with_secrets=true", key=gateway.provider_key, headers=words)
    taken = other.post(
        f"/provider/v1/tenants/import?slug={slug}-there", bundle.body, key=other.provider_key, headers=words)
    assert taken.status == 201, taken
    there = Payer.__new__(Payer)
    there.gateway, there.slug, there.owner_key, there.dialect = other, slug + "-there", shop.owner_key, HOSTING
    there.base = f"/t/{there.slug}"
    return there, reseller, taken.json["base_url"]


def moves(gateway, other, service, slug="moves", host=None):
    with checks(f"P10 A6 W13 a tenant that moved is called back where it is, not at {host or 'the node it left'}"):
        shop, reseller, base = moved(gateway, other, service, slug, {}, host)
        begun = shop.begin(reseller)
        assert begun.status == 201, begun
        told = json.loads(service.calls[-1][2])
        assert told["callback_url"] == base + "/api/payments/callback", told
        assert told["return_url"] == base + "/payment/done", told
        assert shop.report(begun.json["order_id"]).status == 200 and shop.balance_of(reseller) == 50
        tried = shop.admin("POST", "/provisioning/test", {"send": False})
        call = json.loads(tried.json["request"]["body"])
        assert call["callback_url"].startswith(base + "/api/provisioning/"), call
        verified_export(other, shop.slug)
    with checks("P10 A6 addresses that its operator gave stay"):
        given = {"callback_url": "https://relay.example/hook", "return_url": "https://shop.example/thanks"}
        shop, _, _ = moved(gateway, other, service, f"given-{slug}", given, host and f"given-{host}")
        known = shop.admin("GET", "/payment-service").json
        assert given.items() <= known.items(), known


private = "--allow-private-addresses"
with Gateway(options.tollgate, private, demo=False) as gateway, Gateway(options.tollgate, private, demo=False) as other:
    service = PaymentService()
    for dialect in (HOSTING, PROXIES):
        check(gateway, service, dialect)
    moves(gateway, other, service)
    with Gateway(options.tollgate, private, "--base-domain", "base.example", demo=False) as named:
        moves(named, other, service, "by-host", "by-host.base.example")
checks.finish()
