"""A tenant of any weight, made by the product's own operations: resellers, orders spread over most of a year, reads.
The clock is moved a day at a time between them (`clock.py`), so that reports and logs reach back. One reseller in
twenty does the rest: refunds, cancellations, payments, credit events, and an endpoint that fails."""

import base64
import datetime
import hashlib
import hmac
import itertools
import json
import os
import shutil
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor

from payservice import API_KEY, SECRET, PaymentService
from receiver import NO_CONTENT, Receiver, answer
from shop import ADMIN, PARTNER, PASSWORD, Shop
from support import ROOT

DAYS = 360
# One reseller in so many does the rest, each once in so many days.
FEW, PAUSE_DAYS = 20, 30
# No more of a reseller: so many may be begun in a quarter of an hour, and the year goes by in less.
PAYMENTS_MAX = 8
BLUEPRINT = {
    "name": "heavy", "title": "Heavy", "dialects": ["credit_reports", "wholesale_orders"], "currency": "USD",
    "key_prefix": "hvy", "tier": "pro", "settings": {}, "products": []}
# For its receivers and its payment service.
ARGUMENTS = ("--allow-private-addresses",)
WIDE = {"requests": 1_000_000, "window_seconds": 1}
DAY_SECONDS = 86_400


class Pipe:
    """One connection on which many requests are sent before their answers are read."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def run(self, requests, width=32):
        """The bodies of all answers; each must be a success."""
        bodies = []
        requests = iter(requests)
        while part := list(itertools.islice(requests, width)):
            self.socket.sendall(b"".join(part))
            bodies += [self.answer() for _ in part]
        return bodies

    def drain(self, requests, width=64):
        """The same where nobody reads the bodies."""
        requests = iter(requests)
        while part := list(itertools.islice(requests, width)):
            self.socket.sendall(b"".join(part))
            got = self.buffer.count(b"HTTP/1.1 2")
            while got < len(part):
                self.more()
                got = self.buffer.count(b"HTTP/1.1 2")
                assert b"HTTP/1.1 4" not in self.buffer and b"HTTP/1.1 5" not in self.buffer, self.buffer[-600:]
            self.buffer = self.buffer[self.buffer.rindex(b"HTTP/1.1 2"):]
            self.answer()

    def answer(self):
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self.more()
        head = self.buffer[:end].lower()
        start = head.find(b"\r\ncontent-length:")
        length = int(head[start + 17:].split(b"\r\n", 1)[0]) if start >= 0 else 0
        while len(self.buffer) < end + 4 + length:
            self.more()
        body, self.buffer = self.buffer[end + 4:end + 4 + length], self.buffer[end + 4 + length:]
        assert head[9:10] == b"2", (head[:40], body[:300])
        return body

    def more(self):
        piece = self.socket.recv(1 << 18)
        assert piece, "the gateway closed a connection"
        self.buffer += piece

    def close(self):
        self.socket.close()


def raw(method, target, key, body=b"", **headers):
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def blueprints(folder, blueprint=BLUEPRINT):
    """Those that there are, and the heavy tenant's or another one."""
    made = os.path.join(folder, "blueprints")
    shutil.copytree(os.path.join(ROOT, "tenants"), made)
    with open(os.path.join(made, f"{blueprint['name']}.json"), "w", encoding="utf-8") as file:
        json.dump(blueprint, file)
    return made


class Heavy:
    """`gateway` with a clock of its own, `blueprints` and `ARGUMENTS`. After `fill`, `shop` is the tenant and
    `resellers` are its resellers."""

    def __init__(self, gateway, resellers, orders, reads, connections=16, tell=lambda text: None):
        self.gateway, self.counts, self.connections, self.tell = gateway, (resellers, orders, reads), connections, tell
        self.shop, self.resellers = None, []

    def fill(self):
        self.receiver, self.service = Receiver(), PaymentService()
        try:
            self.live()
        finally:
            self.receiver.stop()
            self.service.shutdown()
            self.service.server_close()

    def live(self):
        resellers, orders, reads = self.counts
        self.shop = Shop(self.gateway, "heavy", blueprint=BLUEPRINT["name"], password=PASSWORD)
        self.base = self.shop.base
        self.skus = [self.shop.product() for _ in range(4)]
        self.enter(resellers)
        self.prepare()
        self.tell(f"{resellers:,} resellers")
        done = [0, 0]
        for day in range(DAYS):
            today = [orders * (day + 1) // DAYS - done[0], reads * (day + 1) // DAYS - done[1]]
            self.day(day, *today)
            for number, reseller in enumerate(self.few):
                if (day + number) % PAUSE_DAYS == PAUSE_DAYS - 1:
                    self.rest(reseller, day)
            done = [done[0] + today[0], done[1] + today[1]]
            self.gateway.jump(DAY_SECONDS)
            if day % 30 == 29:
                self.tell(f"{done[0]:,} orders, {done[1]:,} reads")

    def enter(self, count):
        """Resellers with a price for each product, a key and all the credit that they need."""
        admin = self.base + ADMIN

        def post(method, path, body, **headers):
            return raw(method, admin + path, self.shop.owner_key, json.dumps(body).encode(), **headers)

        def some(numbers):
            pipe = Pipe(self.gateway.port)
            made = [json.loads(body) for body in pipe.run(
                post("POST", "/resellers", {"email": f"r{number}@heavy.example", "name": f"Reseller {number}"})
                for number in numbers)]
            pipe.run(post("POST", f"/resellers/{each['id']}/approve", {}) for each in made)
            pipe.run(post("PATCH", f"/resellers/{each['id']}",
                {"rate_limit": WIDE, "credit_limit": "900000000"}) for each in made)
            for sku in self.skus:
                pipe.run(post("PUT", f"/resellers/{each['id']}/products/{sku}", {
                    "wholesale_annual": "4.00"}) for each in made)
            keys = [json.loads(body) for body in pipe.run(
                post("POST", "/api-keys",
                    {"owner_email": f"r{number}@heavy.example", "limit": WIDE}) for number in numbers)]
            pipe.run(post("POST", f"/resellers/{each['id']}/balance", {"amount": "25.00", "reference": "top-up"},
                          Idempotency_Key=str(uuid.uuid4())) for each in made)
            pipe.close()
            return [{"id": each["id"], "email": f"r{number}@heavy.example", "key": key["key"], "key_id": key["id"],
                     "webhook_secret": each["webhook_secret"], "password": None}
                    for number, each, key in zip(numbers, made, keys)]

        self.resellers = [each for part in self.together(some, range(count)) for each in part]

    def prepare(self):
        """Endpoints that fail, every other one for good, and keys that report credit."""
        self.few = self.resellers[::FEW]
        done = self.shop.admin("PUT", "/payment-service", {
            "driver": "http", "create_url": self.service.url, "api_key": API_KEY, "webhook_secret": SECRET})
        assert done.status == 200, done
        for number, reseller in enumerate(self.few):
            path = f"/hook/{number}"
            self.receiver.answers[path] = lambda _, path=path, is_gone=number % 2 == 1: self.receive(path, is_gone)
            put = self.shop.call(reseller, "PUT", "/webhook", {
                "url": self.receiver.url(path), "events": ["order.created", "service.activated"]})
            assert put.status == 200, put
            minted = self.shop.mint(reseller, scopes=["reseller:signup", "reseller:credit"], limit=WIDE)
            assert minted.status == 201, minted
            reseller["credit_key"], reseller["payments"] = minted.json["key"], 0

    def receive(self, path, is_gone):
        """Half of the events are taken, whatever is tried; an endpoint that is gone takes none."""
        with self.receiver.lock:
            message = self.receiver.calls[path][-1].headers["webhook-id"]
            self.receiver.calls[path].clear()
        if is_gone:
            return answer(410)
        return NO_CONTENT if hashlib.sha256(message.encode()).digest()[0] % 2 else answer(500)

    def rest(self, reseller, day):
        """What else a reseller and its operator do: a refund, a cancellation, a payment, a report of credit."""
        of = f"reseller={reseller['id']}"
        for order in self.listed(f"/orders?{of}"):
            done = self.shop.admin("POST", f"/orders/{order['id']}/refund", {
                "amount": "0.10", "reason": "It was down"}, idempotent=True)
            assert done.status == 200, done
        for service in self.listed(f"/services?{of}&status=active"):
            done = self.shop.admin("POST", f"/services/{service['id']}/cancel")
            assert done.status == 200, done
        if reseller["payments"] < PAYMENTS_MAX:
            reseller["payments"] += 1
            begun = self.shop.call(reseller, "POST", "/topup", {"amount": "50.00"})
            assert begun.status == 201, begun
        told = self.gateway.post(
            f"{self.base}/api/v1/reseller/credit",
            b'{"kind": "topup", "amount_usd": 25.00, "external_ref": "txn-%d"}' % day, key=reseller["credit_key"])
        assert told.status in (200, 201), told

    def listed(self, path):
        """The first row of a list, where it has one."""
        found = self.shop.admin("GET", f"{path}{'&' if '?' in path else '?'}limit=1")
        assert found.status == 200, (path, found)
        return found.json["data"]

    def together(self, work, items):
        """`work` of as many parts as there are connections, side by side."""
        parts = [items[first::self.connections] for first in range(self.connections)]
        with ThreadPoolExecutor(self.connections) as pool:
            return [job.result() for job in [pool.submit(work, part) for part in parts if len(part)]]

    def day(self, day, orders, reads):
        stamp = str(int(self.gateway.now()))
        path = self.base + PARTNER + "/orders"

        def order(number):
            reseller = self.resellers[(day * 7919 + number) % len(self.resellers)]
            body = json.dumps({
                "product": self.skus[number % len(self.skus)], "term": "annual", "quantity": 1,
                "customer": {"external_id": f"c-{number % 3}"}, "reference": f"PO-{day}-{number}"}).encode()
            name = f"k-{day}-{number}"
            secret = base64.b64decode(reseller["webhook_secret"][len("whsec_"):] + "==")
            code = hmac.digest(secret, f"{stamp}.POST.{path}.{name}.".encode() + body, hashlib.sha256).hex()
            return raw("POST", path, reseller["key"], body, Idempotency_Key=name, X_Tollgate_Timestamp=stamp,
                       X_Tollgate_Signature=f"v1={code}")

        def read(number):
            reseller = self.resellers[(day * 104_729 + number) % len(self.resellers)]
            return reseller.setdefault("read", raw("GET", self.base + PARTNER + "/balance", reseller["key"]))

        def some(numbers):
            pipe = Pipe(self.gateway.port)
            pipe.drain(order(number) if number < orders else read(number) for number in numbers)
            pipe.close()

        self.together(some, range(orders + reads))


# Lists that are not asked for by their description alone, and why.
UNWEIGHED = {
    ("reseller", "/keys"): "of a person who is signed in; the operator's list is weighed",
    ("reseller", "/account/sessions"): "of a person who is signed in; the operator's list is weighed",
    ("operator", "/subscribers/{id}/redemptions"): "of activation codes, which the tenant does not sell",
}
# What a list does not go without, by its template.
NEEDED = {"/price-sheet": "reseller"}


def middle(heavy):
    """A reseller that does all that there is, in the middle of them."""
    return heavy.resellers[len(heavy.resellers) // 2 // FEW * FEW]


def described(heavy):
    """Every list of the served descriptions, a GET with a `limit`: (who asks, path) by its template."""
    some = middle(heavy)
    found = {}
    for who, api, caller in (("operator", ADMIN, "operator"), ("reseller", PARTNER, some)):
        document = heavy.gateway.get(f"{heavy.base}{api}/openapi.json")
        assert document.status == 200, document
        for template, operations in document.json["paths"].items():
            asked = {parameter["name"] for parameter in operations.get("get", {}).get("parameters", ())}
            if "limit" in asked and (who, template) not in UNWEIGHED:
                found[who, template] = (caller, filled(heavy, caller, template, some))
    return found


def filled(heavy, who, template, some):
    """A template with ids that there are: the reseller's, or those of the list that it hangs on."""
    known = {"/resellers": some["id"], "/api-keys": some["key_id"], "/products": heavy.skus[0]}
    path = ""
    for part in template.split("/")[1:]:
        if not part.startswith("{"):
            path += f"/{part}"
        elif part == "{sku}":
            path += f"/{heavy.skus[0]}"
        elif path in known:
            path += f"/{known[path]}"
        else:
            listed = ask(heavy, who, f"{path}?limit=1")
            assert listed.status == 200 and listed.json["data"], (template, listed)
            path += f"/{listed.json['data'][0]['id']}"
    return path + (f"?{NEEDED[template]}={some['id']}" if template in NEEDED else "")


def lists(heavy):
    """Every list that is described, and each with its filters: (who asks, path). `who`: the operator or a reseller."""
    own = filtered(heavy)
    known = [(None if who == "operator" else who["id"], path) for who, path in own]
    return own + [(who, path) for who, path in described(heavy).values()
                  if (None if who == "operator" else who["id"], path) not in known]


def filtered(heavy):
    """Lists and reports with their filters, and what is no list, but looks at as much."""
    some = middle(heavy)
    sku = heavy.skus[0]
    order = heavy.shop.get(some, "/orders?limit=1").json["data"][0]["id"]
    today = stamp(heavy)
    key, one = some["key_id"], some["id"]
    long_ago = "from=2026-01-01"
    admin = [
        "/resellers", "/resellers?q=r1", "/resellers?status=active", "/resellers?status=suspended",
            f"/resellers?email={some['email']}",
        "/api-keys", "/orders", "/orders?state=pending", f"/orders?reseller={one}", "/services",
            "/services?status=cancelled",
        f"/services?reseller={one}", "/customers", f"/customers?reseller={one}", "/events", f"/events?reseller={one}",
            "/deliveries",
        "/deliveries?state=dead", f"/deliveries?reseller={one}", "/webhooks", "/products", f"/resellers/{one}/products",
        f"/resellers/{one}/statement", f"/resellers/{one}/statement?kind=correction",
        f"/resellers/{one}/statement?{long_ago}", "/due", "/due?kind=renewal", "/attention", "/payments",
        "/credit-events", "/reviews",
        "/audit?author=operators", f"/audit?author=operators&reseller={one}", f"/audit?author=operators&product={sku}",
        "/audit", f"/audit?key={key}", f"/audit?reseller={one}", "/audit?status=404", f"/audit?order={order}",
        f"/audit?account={some['email']}", "/audit?action=GET%20/nowhere", "/audit?request_id=req_" + "0" * 32,
        f"/audit?{long_ago}&to=2026-12-01", "/usage", "/usage?by=hour", f"/usage?reseller={one}",
            f"/usage?key={key}&by=hour",
        f"/usage?by=hour&reseller={one}", "/usage?route=GET%20/nowhere", f"/usage?sort=-requests&from={today}",
        *[f"/usage?sort={order}&from={year_before(heavy)}" for order in ("-requests", "refusals")],
        *[f"/usage/groups?group={group}&from={year_before(heavy)}" for group in ("key", "reseller", "route")],
        f"/usage/total?route=GET%20/nowhere&from={year_before(heavy)}", "/usage?sort=-orders&by=hour",
        *[f"/reports/{kind}?by={by}{group}&from={year_before(heavy)}"
            for kind in ("turnover", "refunds", "holds", "credit", "balances")
          for by in ("day", "month") for group in {
              "credit": ("&group=reseller",), "balances": ("", "&group=reseller")}.get(kind,
                  ("", "&group=product", "&group=reseller"))],
    ]
    partner = [
        "/orders", "/orders?state=pending", f"/orders?product={sku}", f"/orders?{long_ago}", "/services",
        "/services?status=cancelled", f"/services?product={sku}", "/customers",
            "/customers?external_id=c-1",
        "/statement", "/statement?kind=correction,refund", f"/statement?{long_ago}", "/events", "/products",
        "/usage", "/usage?by=hour", "/requests", "/requests?status=404", "/deliveries",
        "/webhooks", "/balance", "/account",
    ]
    # What others have built by then; a path that is not there says so.
    admin += [f"/orders?product={sku}", "/orders?q=PO-1", "/orders?reference=PO-1-1",
        f"/orders?customer=c-1&{long_ago}",
              f"/services?product={sku}", "/services?q=svc_0", "/services?customer=c-1", "/price-history",
                  f"/price-history?reseller={one}",
              f"/price-history?product={sku}", "/people", "/deliveries?state=held", "/stock", "/usage/total",
              "/usage/groups?group=reseller", "/usage/groups?group=route", f"/price-sheet?product={sku}"]
    partner += ["/orders?reference=PO-1-1", "/orders?customer=c-1", "/orders?idempotency_key=k-1-1",
        f"/services?order={order}", "/usage/total", "/overview"]
    return [("operator", path) for path in admin] + [(some, path) for path in partner]


def exports(heavy):
    one, year = heavy.resellers[0]["id"], f"from={year_before(heavy)}"
    return [f"/reports/{kind}.csv?by=month&{year}&group=reseller"
        for kind in ("turnover", "holds", "credit", "balances")] + [
        f"/reports/turnover.csv?{year}&group=product", f"/resellers/{one}/statement.csv", "/price-book.csv",
            "/audit.csv?status=404",
        "/orders.csv", "/services.csv"]


def stamp(heavy, days=0):
    return datetime.datetime.fromtimestamp(heavy.gateway.now() - days * 86_400,
        datetime.timezone.utc).strftime("%Y-%m-%d")


def year_before(heavy):
    return stamp(heavy, 364)


def ask(heavy, who, path):
    if who == "operator":
        return heavy.shop.admin("GET", path)
    return heavy.shop.get(who, path)


def is_missing(answer):
    """Whether it says that there is no such path, or no such parameter."""
    return answer.status in (400, 404) and answer.json["code"] in ("path_not_found", "bad_query", "unknown_parameter")
