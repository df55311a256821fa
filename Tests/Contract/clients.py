"""The clients of clients/, each in its language, against a live gateway: every call, signatures (W5, W12's vector),
pages, retries that buy once (G4) and wait as Retry-After says, refusals with code and pointers, webhooks (H1, H2).
What they declare and send is held against the API's own description, field by field, so that they cannot drift."""

import base64
import copy
import contextlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse

import receivers
from clientwire import Between, Document, changes, javascript_types, php_types, python_types
from shop import PARTNER, Shop
from support import ROOT, Checks, Gateway, arguments, signature_headers

CLIENTS = os.path.join(ROOT, "clients")
DRIVERS = os.path.join(ROOT, "Tests", "Contract", "clients")
LINES_MAX = 300
# Far from UTC, in which dates of HTTP are, whether they say so or not.
TIME_ZONE = "Asia/Tokyo"
EXTRA_PRODUCTS = 110
# An answer that drips goes on for twice as long.
DRIPPED_SECONDS_MAX = 30

# W12's vector: docs/wholesale-orders.md has it.
VECTOR_BODY = '{"product":"vps-1","term":"monthly","quantity":1,"customer":{"external_id":"c-1"}}'
VECTOR = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1614265330, "POST", "/t/acme/api/partner/v1/orders", "order-1001",
          VECTOR_BODY)
VECTOR_SIGNATURE = "v1=a12a8d6deaddc0d03708442125a8775cf3b35a54cbfda56becae62d03a4b2eaa"

SOURCES = ("python/tollgate.py", "js/tollgate.mjs", "php/Tollgate.php")

# Of each call: method, path, whether it walks pages.
CALLS = {
    "products": ("GET", "/products", True), "quote": ("POST", "/orders/quote", False),
    "place_order": ("POST", "/orders", False), "orders": ("GET", "/orders", True),
    "order": ("GET", "/orders/{id}", False), "services": ("GET", "/services", True),
    "service": ("GET", "/services/{id}", False), "pay": ("POST", "/services/{id}/pay", False),
    "cancel": ("POST", "/services/{id}/cancel", False), "keep": ("DELETE", "/services/{id}/cancel", False),
    "customers": ("GET", "/customers", True), "balance": ("GET", "/balance", False),
    "top_up": ("POST", "/topup", False), "payment": ("GET", "/topup/{id}", False),
    "statement": ("GET", "/statement", True), "events": ("GET", "/events", False)}


class Refused(Exception):
    """What a client threw: `error` and what it told of it."""

    def __init__(self, answer):
        super().__init__(str(answer))
        self.__dict__.update(answer)


class Client:
    """One client as a child that is told what to call. `pauses`: how long it would have waited in the last call."""

    def __init__(self, name, source, *words, types, is_camel):
        self.name, self.path, self.words, self.is_camel = name, os.path.join(CLIENTS, source), words, is_camel
        self.types, self.returned = types(self.path)
        self.pauses = []

    def __enter__(self):
        self.child = subprocess.Popen(
            self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=DRIVERS,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "no_proxy": "*", "TZ": TIME_ZONE})
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(30)
        self.child.stdout.close()

    def ask(self, do, **more):
        self.child.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self.child.stdin.flush()
        answer = json.loads(self.child.stdout.readline())
        self.pauses = answer.pop("pauses")
        if "error" in answer:
            raise Refused(answer)
        return answer["result"]

    def spelled(self, name):
        return re.sub("_(.)", lambda letter: letter[1].upper(), name) if self.is_camel else name

    def __call__(self, name, *given):
        return self.ask("call", name=self.spelled(name), arguments=list(given))

    def meets(self, base_url, reseller, **options):
        self.ask("new", base_url=base_url, key=reseller["key"], secret=reseller["webhook_secret"], **options)

    def verify(self, calls):
        """As receivers.vector asks."""
        verdicts = []
        for call in calls:
            try:
                event = self.ask(
                    "verify", secrets=call["secret"], body=call["body"].decode(), now=call["now"], headers={
                        "webhook-id": call["id"], "webhook-timestamp": str(call["timestamp"]),
                        "webhook-signature": call["signature"]})
                verdicts.append(event["id"] == call["id"])
            except Refused as refused:
                assert refused.error == "BadWebhook", refused
                verdicts.append(False)
        return verdicts


def clients():
    """Those whose language is there."""
    kinds = [
        ("python", [sys.executable, "driver.py"], python_types, False),
        ("js", ["node", "driver.mjs"], javascript_types, True),
        ("php", ["php", "-d", f"date.timezone={TIME_ZONE}", "driver.php"], php_types, True)]
    for source, (name, words, types, is_camel) in zip(SOURCES, kinds):
        if not shutil.which(words[0]):
            print(f"# {source} was not run: {words[0]} is not there", flush=True)
        elif name == "php" and b"curl" not in subprocess.run(["php", "-m"], capture_output=True).stdout.split():
            print(f"# {source} was not run: PHP has no curl (php-curl)", flush=True)
        else:
            yield Client(name, source, *words, types=types, is_camel=is_camel)


def refused(call, **expected):
    """It throws, with these members; returns the error."""
    try:
        result = call()
    except Refused as error:
        told = {name: getattr(error, name, None) for name in expected}
        wrong = {name: value for name, value in told.items() if value != expected[name]}
        assert not wrong, (wrong, error)
        return error
    raise AssertionError(f"it was not refused: {result}")


class Scene:
    """A tenant with a reseller, more products than a page has, and what a client is called with."""

    def __init__(self, gateway):
        self.shop = Shop(gateway)
        self.reseller = self.shop.reseller(balance="5000.00")
        more = [f"extra-{number:03}" for number in range(EXTRA_PRODUCTS)]
        for sku in more:
            made = self.shop.admin("POST", "/products", {"sku": sku, "name": f"The {sku}", "fulfilment": "instant"})
            assert made.status == 201, made
        # The first two are the blueprint's: at once, and by hand.
        self.skus = ["vps-1", "metal-1", *more]
        rows = "".join(f"{self.reseller['id']},{sku},4.00,0.01,1.00\n" for sku in self.skus)
        head = "reseller,sku,wholesale_monthly,wholesale_hourly,wholesale_setup_fee\n"
        imported = self.shop.admin(
            "POST", "/price-book.csv", (head + rows).encode(), headers={"Content-Type": "text/csv"})
        assert imported.status == 200, imported
        self.document = gateway.get(f"{self.shop.base}{PARTNER}/openapi.json").json

    def allows(self, **quotas):
        gateway = self.shop.gateway
        changed = gateway.patch(
            f"/provider/v1/tenants/{self.shop.slug}", {"quotas": quotas}, key=gateway.provider_key)
        assert changed.status == 200, changed

    def placed(self):
        """How many orders there are, and what is left."""
        listed, cursor = 0, ""
        while cursor is not None:
            page = self.shop.get(self.reseller, f"/orders?limit=100{cursor and '&cursor=' + cursor}").json
            listed, cursor = listed + len(page["data"]), page["next_cursor"]
        return listed, self.shop.balance(self.reseller)


CUSTOMER = {"external_id": "c-1"}


def every_call(client, scene, between):
    """Each of its calls once and more; what came back, by name."""
    came = {name: client(name) for name in ("products", "balance", "statement", "events")}
    came["quote"] = client("quote", "vps-1", "hourly", 2, CUSTOMER)
    person = {"external_id": f"{client.name}/ć ☃", "email": "jo@example.net", "name": 'Żółć "\\/ ☃'}
    reference = f"{client.name} № 1/ü"
    came["place_order"] = client("place_order", "vps-1", "monthly", 2, person, f"{client.name}-every-1", reference)
    client("place_order", "metal-1", "monthly", 1, CUSTOMER, f"{client.name}-every-2")
    came["orders"] = client("orders", "pending") + client("orders")
    came["order"] = client("order", came["place_order"]["order"]["id"])
    service = came["place_order"]["services"][0]["id"]
    came["service"] = client("service", service)
    came["cancel"] = client("cancel", service)
    came["keep"] = client("keep", service)
    came["pay"] = refused(lambda: client("pay", service), error="refused", status=409)
    came["services"] = client("services", "active")
    order = came["place_order"]["order"]["id"]
    found = [client("orders", None, reference), client("orders", None, None, person["external_id"]),
             client("orders", "completed", None, None, f"{client.name}-every-1")]
    assert [[row["id"] for row in rows] for rows in found] == [[order]] * 3, found
    assert {row["id"] for row in client("services", None, order)} == {row["id"] for row in came["order"]["services"]}
    assert came["order"]["reference"] == reference and client("orders", None, "none") == [], came["order"]
    # Without a payment service there is none to send anybody to.
    client.meets(between.base_url + scene.shop.base, scene.reseller, attempts=1)
    came["top_up"] = refused(lambda: client("top_up", "20.00"), error="refused", status=503)
    came["payment"] = refused(lambda: client("payment", "none"), error="refused", status=404)
    came["customers"] = client("customers", person["external_id"])
    types = [event["type"] for event in client("events", came["events"]["next_cursor"])["data"]]
    assert types.count("order.created") == 2, types
    created = client("events", "", ["order.created"])["data"]
    assert {event["type"] for event in created} == {"order.created"}, created
    assert came["customers"][0]["name"] == person["name"] and len(came["customers"]) == 1, came["customers"]
    assert came["place_order"]["wholesale_total"] == "10.00" and came["keep"]["ends_at"] is None, came
    assert came["cancel"]["ends_at"] == came["cancel"]["renews_at"] or came["cancel"]["ends_at"], came["cancel"]
    return came


def lives(checks, client, scene, between):
    base = between.base_url + scene.shop.base
    document = Document(scene.document)
    client.meets(base, scene.reseller)

    with checks(f"W4 W5 W6 {client.name}: every call works on a live gateway, and sends nothing that is not described"):
        assert {client.spelled(name) for name in CALLS} == set(client.ask("methods")), client.ask("methods")
        came = every_call(client, scene, between)
        unknown = [
            text for asked in between.asked for text in document.unknown(scene.shop.base + PARTNER, asked)]
        assert not unknown, unknown
        assert sorted(product["product"] for product in came["products"]) == sorted(scene.skus), came["products"]
        assert all(re.fullmatch(r"-?\d+\.\d\d", came["balance"][name]) for name in ("balance", "available")), came

    with checks(f"W12 W5 {client.name}: the signature vector, and the vector's very body for its call"):
        assert client.ask("sign", arguments=list(VECTOR)) == VECTOR_SIGNATURE
        del between.asked[:]
        client("place_order", "vps-1", "monthly", 1, CUSTOMER, f"{client.name}-vector")
        assert between.asked[0].body == VECTOR_BODY.encode(), between.asked[0].body
        key = between.asked[0].headers["Idempotency-Key"]
        assert key == f"{client.name}-vector"

    with checks(f"{client.name}: at most {LINES_MAX} lines, with a page that says how"):
        with open(client.path, encoding="utf-8") as file:
            assert len(file.readlines()) <= LINES_MAX
        assert os.path.exists(os.path.join(os.path.dirname(client.path), "README.md"))


def retries(checks, client, scene, between):
    base = between.base_url + scene.shop.base
    client.meets(base, scene.reseller)

    def order(key):
        return client("place_order", "extra-001", "monthly", 1, CUSTOMER, f"{client.name}-{key}")

    for fault in ("lose", "half", "reset", (502, {}, b"<html>Bad Gateway</html>"), (200, {}, b"<html>Welcome</html>"),
                  (503, {"Retry-After": "7"}, b""), (408, {}, b"<html>Timeout</html>"), (425, {}, b"Too Early")):
        with checks(f"G4 W4 {client.name}: an order whose answer is {fault if isinstance(fault, str) else fault[0]} "
                    "is placed again under its key, and bought once"):
            # On a new connection: libcurl asks again by itself where a kept one has ended.
            client.meets(base, scene.reseller)
            before, money = scene.placed()
            del between.asked[:]
            between.faults[:] = [fault]
            placed = order(f"once-{fault if isinstance(fault, str) else fault[0]}")
            assert placed["wholesale_total"] == "5.00", placed
            first, second = between.asked
            assert (first.body, first.headers["Idempotency-Key"]) == (second.body, second.headers["Idempotency-Key"])
            assert ("Idempotency-Hit" in second.answer) == (fault in ("lose", "half")), second.answer
            assert scene.placed() == (before + 1, money - 5), scene.placed()
            wanted = (7, 7) if isinstance(fault, tuple) and fault[1] else (0.25, 0.5)
            assert len(client.pauses) == 1 and wanted[0] <= client.pauses[0] <= wanted[1], client.pauses

    with checks(f"G4 {client.name}: pauses grow while nothing answers, then it says that nothing did"):
        client.meets(base, scene.reseller, attempts=5)
        between.faults[:] = ["reset"] * 5
        del between.asked[:]
        error = refused(client_balance(client), error="refused", status=0, code="no_answer")
        assert len(between.asked) == 5 and not between.faults, (len(between.asked), error)
        bounds = [0.5, 1, 2, 4]
        assert len(client.pauses) == 4, client.pauses
        assert all(bound / 2 <= pause <= bound for pause, bound in zip(client.pauses, bounds)), client.pauses

    for fault in ("drip", "drip head"):
        with checks(f"W4 G4 {client.name}: an answer that drips ({fault}) is none once the time of the call is over"):
            client.meets(base, scene.reseller, attempts=1, timeout=1)
            between.faults[:] = [fault]
            began = time.monotonic()
            refused(client_balance(client), error="refused", status=0, code="no_answer", is_kept=False)
            assert time.monotonic() - began < DRIPPED_SECONDS_MAX

    with checks(f"W7 {client.name}: Retry-After is honoured in seconds and as a date, and not where it is past all "
                "patience"):
        client.meets(base, scene.reseller, longest_wait=60)
        # The three forms that a recipient takes (RFC 9110 §5.6.7).
        until = time.gmtime(time.time() + 40)
        dates = [time.strftime(form, until) for form in (
            "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y")]
        between.faults[:] = [(429, {"Retry-After": "11"}, b"{}"), *[
            (503, {"Retry-After": date}, b"[]") for date in dates]]
        client("balance")
        # A date has whole seconds, and the machine may be slow.
        assert client.pauses[0] == 11 and all(20 <= pause <= 40 for pause in client.pauses[1:]), client.pauses
        assert len(client.pauses) == 4, client.pauses
        between.faults[:] = [(429, {"Retry-After": "61"}, b"{}")]
        error = refused(client_balance(client), error="refused", status=429, code="http_429")
        assert error.retry_after == 61 and client.pauses == [], (error, client.pauses)


def client_balance(client):
    return lambda: client("balance")


def refusals(checks, client, scene, between):
    base = between.base_url + scene.shop.base
    client.meets(base, scene.reseller)

    def order(*words, key):
        return lambda: client("place_order", *words, CUSTOMER, f"{client.name}-{key}")

    with checks(f"W4 {client.name}: a refusal is an error with code, pointers and request id, and is not asked again"):
        del between.asked[:]
        error = refused(order("vps-1", "weekly", 0, key="fields"), error="refused", status=422, code="invalid_fields")
        assert sorted(error.pointers) == ["/quantity", "/term"] and error.request_id, error
        refused(order("none", "monthly", 1, key="none"), status=404, code="product_not_found", pointers=[],
                is_kept=True)
        error = refused(order("vps-1", "monthly", 1000, key="broke"), status=402, code="insufficient_balance",
                        is_kept=True)
        assert error.problem["required"] == "5000.00" and error.problem["available"], error
        refused(order("vps-1", "monthly", 2, key="vector"), status=422, code="idempotency_key_reused", is_kept=False)
        refused(lambda: client("order", "ord_x/../balance?a"), status=404)
        assert len(between.asked) == 5 and client.pauses == [], len(between.asked)
        assert between.asked[4].place.path.endswith("/orders/ord_x%2F..%2Fbalance%3Fa"), between.asked[4].path

    with checks(f"W5 G4 {client.name}: a wrong secret is refused, none and a bad Idempotency-Key are told before "
                "anything is sent"):
        client.meets(base, {**scene.reseller, "webhook_secret": VECTOR[0]})
        refused(order("vps-1", "monthly", 1, key="wrong"), status=401, code="bad_signature", is_kept=False)
        client.meets(base, {**scene.reseller, "webhook_secret": None})
        del between.asked[:]
        refused(order("vps-1", "monthly", 1, key="unsigned"), status=None)
        client.meets(base, scene.reseller)
        for key in (None, "", " a", 'a"', "a\r\nX-Other: b", "ü", "a" * 256):
            refused(lambda: client("place_order", "vps-1", "monthly", 1, CUSTOMER, key), status=None)
        assert between.asked == [], between.asked

    with checks(f"W5 G3 {client.name}: a key or a secret that was not copied whole, or an address that is none, is "
                "told where the client is made"):
        whole = scene.reseller
        for broken in ({"key": "tgh_live_…"}, {"key": ""}, {"key": whole["key"] + "\n"},
                       {"webhook_secret": "whsec_…"}, {"webhook_secret": "whsec_..."}):
            error = refused(lambda: client.meets(base, {**whole, **broken}))
            assert "whole" in error.detail and whole["key"] not in error.detail, error
        for broken in (f"{base}?x=1", f"{base}#top", "ftp" + base.removeprefix("http")):
            error = refused(lambda: client.meets(broken, whole))
            assert "no http(s) address" in error.detail, error
        bare = {**whole, "webhook_secret": whole["webhook_secret"].removeprefix("whsec_")}
        for reseller in (bare, whole):
            client.meets(base, reseller)
            order("vps-1", "monthly", 1, key=f"prefix-{reseller is bare}")()

    with checks(f"{client.name}: a redirect is an error: the key goes nowhere else"):
        for status in (301, 302, 307, 308):
            del between.asked[:]
            between.faults[:] = [(status, {"Location": f"{between.base_url}/stolen"}, b"")]
            refused(client_balance(client), error="refused", status=status, code=f"http_{status}")
            assert len(between.asked) == 1, between.asked

    with checks(f"W7 {client.name}: the gateway's own 429 says how long to wait"):
        poor = scene.shop.reseller(rate_limit={"requests": 1, "window_seconds": 300})
        client.meets(base, poor, longest_wait=0)
        client("balance")
        error = refused(client_balance(client), status=429, code="rate_limited")
        assert error.retry_after > 0, error


def unkept(checks, client, scene, between):
    base = between.base_url + scene.shop.base

    with checks(f"G4 P2 {client.name}: a used-up quota, an unknown path and a proxy's JSON are not kept with a key: "
                "what was sold under it is given again, once"):
        client.meets(base, scene.reseller, attempts=1)
        before, money = scene.placed()
        between.faults[:] = ["lose"]
        again = lambda: client("place_order", "vps-1", "monthly", 1, CUSTOMER, f"{client.name}-quota")
        refused(again, status=0, code="no_answer", is_kept=False)
        scene.allows(requests_monthly=1)
        refused(again, status=402, code="quota_exceeded", is_kept=False)
        scene.allows(requests_monthly=None)
        for status, problem in ((404, {"code": 404}), (409, {"code": "conflict"}), (422, {"code": "e", "detail": "d"}),
                                (409, {"code": "conflict", "detail": ["d"], "request_id": "r"}),
                                (402, {"code": "e", "detail": "d", "request_id": 7}), (404, "code"), (404, [])):
            between.faults[:] = [(status, {"Content-Type": "application/json"}, json.dumps(problem).encode())]
            refused(again, error="refused", status=status, code=f"http_{status}", is_kept=False)
        client.meets(base + "/nowhere", scene.reseller, attempts=1)
        refused(again, is_kept=False)
        client.meets(base, scene.reseller, attempts=1)
        assert again()["wholesale_total"] == "5.00" and scene.placed() == (before + 1, money - 5), scene.placed()


def webhooks(checks, client):
    receivers.vector(checks, client)
    with checks(f"H2 H4 {client.name}: a webhook that is old is none; either secret of a rotation is one, whatever the "
                "headers' case"):
        body, old, new = b'{"type":"order.created","data":{}}', receivers.OLD, receivers.NEW

        def verified(secrets, signed, at=1_000_000_000, now=1_000_000_000):
            headers = {name.title(): value for name, value in receivers.sign(signed, "evt_1", body, at=at).items()}
            return client.ask("verify", secrets=secrets, headers=headers, body=body.decode(), now=now)

        bare = old.removeprefix("whsec_")
        for secrets, signed in (([new, old], [old]), ([old, new], [new]), (new, [old, new]), (bare, [old])):
            event = verified(secrets, signed)
            assert (event["id"], event["type"], len(event)) == ("evt_1", "order.created", 3), event
        for secrets, signed, now in (([new, old], [receivers.OTHER], 1_000_000_000), (old, [old], 1_000_000_301),
                                     (old, [old], 999_999_699), (old, [old], 2_000_000_000)):
            refused(lambda: verified(secrets, signed, now=now), error="BadWebhook")

    with checks(f"H2 {client.name}: an empty secret verifies nothing: whoever knows that there is none could sign"):
        headers = receivers.sign([], "evt_1", b"{}", at=1_000_000_000)
        empty = base64.b64encode(hmac.digest(b"", b"evt_1.1000000000.{}", "sha256")).decode()
        for secrets in ("", "whsec_", ["", "whsec_"]):
            error = refused(lambda: client.ask(
                "verify", secrets=secrets, headers={**headers, "webhook-signature": f"v1,{empty}"}, body="{}",
                now=1_000_000_000))
            assert error.error != "refused", error

    with checks(f"H2 {client.name}: headers as HTTP/2 has them, with names like :path beside"):
        body = b'{"type":"order.created","data":{}}'
        headers = {":method": "POST", ":path": "/hook", ":authority": "shop.example",
                   **receivers.sign([receivers.OLD], "evt_1", body, at=1_000_000_000)}
        event = client.ask("verify", secrets=receivers.OLD, headers=headers, body=body.decode(), now=1_000_000_000)
        assert event["id"] == "evt_1", event


def drift(checks, client, scene):
    declared, document = client.types, Document(scene.document)
    returned = {name: client.returned[client.spelled(name)] for name in CALLS}

    def differences(document):
        body = document.asks("POST", "/orders")
        found = document.differences("OrderCustomer", body and body["properties"].get("customer"), declared)
        for name, (method, path, is_pages) in CALLS.items():
            schema = document.answered(method, path)
            if is_pages and schema:
                schema = schema["properties"]["data"]["items"]
            found += document.differences(returned[name], schema, declared)
        return found

    with checks(f"W6 {client.name}: each type that it declares is the described one, field by field"):
        found = sorted(set(differences(document)))
        assert not found, "\n".join(found)

    with checks(f"W6 {client.name}: no field can be renamed, retyped or left out unseen, and no call moved"):
        tried = 0
        for change in changes(scene.document, CALLS.values()):
            tried += 1
            spoiled = copy.deepcopy(scene.document)
            words = change(spoiled)
            assert differences(Document(spoiled)), words
        assert tried > 150, tried


def main():
    options = arguments()
    checks = Checks()
    with checks("W12 W5 the signature vector stands in the page of the API, and the tests of the gateway sign alike"):
        secret, now, method, path, key, body = VECTOR
        headers = signature_headers(secret, method, path, key, body.encode(), now)
        assert headers["X-Tollgate-Signature"] == VECTOR_SIGNATURE, headers
        with open(os.path.join(ROOT, "docs", "wholesale-orders.md"), encoding="utf-8") as file:
            page = file.read()
        assert all(word in page for word in (secret, str(now), path, key, body, VECTOR_SIGNATURE))
    with checks("G4 W4 each client, and the page of the API, names the same refusals that are not kept with a key"):
        section = page.split("### Idempotency")[1].split("\n#")[0]
        listed = [code for cell in re.findall(r"^\| (4.*?) \|", section, re.M) for code in re.findall(r"`(\w+)`", cell)]
        for source in SOURCES:
            with open(os.path.join(CLIENTS, source), encoding="utf-8") as file:
                named = re.search(r"NOT_KEPT = [\[(](.*?)[\])]", file.read())[1]
            codes = sorted(re.findall(r"\w+", named))
            assert codes == sorted(listed), (source, codes, listed)
    with Gateway(options.tollgate, demo=False) as gateway, Between(gateway) as between:
        scene = Scene(gateway)
        for client in clients():
            with client:
                del between.asked[:]
                lives(checks, client, scene, between)
                retries(checks, client, scene, between)
                refusals(checks, client, scene, between)
                unkept(checks, client, scene, between)
                webhooks(checks, client)
                drift(checks, client, scene)
    checks.finish()


if __name__ == "__main__":
    main()
