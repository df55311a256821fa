"""A tenant of any weight, made by the product's own operations: resellers, orders spread over most of a year, reads.
The clock is moved a day at a time between them (`clock.py`), so that reports and logs reach back."""

import base64
import datetime
import hashlib
import hmac
import itertools
import json
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor

from shop import ADMIN, PARTNER, Shop

DAYS = 360
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


class Heavy:
    """`gateway` with a clock of its own. After `fill`, `shop` is the tenant and `resellers` are its resellers."""

    def __init__(self, gateway, resellers, orders, reads, connections=16, tell=lambda text: None):
        self.gateway, self.counts, self.connections, self.tell = gateway, (resellers, orders, reads), connections, tell
        self.shop, self.resellers = None, []

    def fill(self):
        resellers, orders, reads = self.counts
        self.shop = Shop(self.gateway, "heavy")
        self.base = self.shop.base
        self.skus = [self.shop.product() for _ in range(4)]
        self.enter(resellers)
        self.tell(f"{resellers:,} resellers")
        done = [0, 0]
        for day in range(DAYS):
            today = [orders * (day + 1) // DAYS - done[0], reads * (day + 1) // DAYS - done[1]]
            self.day(day, *today)
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


def lists(heavy):
    """Every list with its filters: (who asks, path). `who`: the operator or a reseller."""
    some = heavy.resellers[len(heavy.resellers) // 2]
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
        f"/resellers/{one}/statement", "/due", "/due?kind=renewal", "/attention", "/payments", "/credit-events",
            "/reviews",
        "/audit?author=operators", f"/audit?author=operators&reseller={one}", f"/audit?author=operators&product={sku}",
        "/audit", f"/audit?key={key}", f"/audit?reseller={one}", "/audit?status=404", f"/audit?order={order}",
        f"/audit?account={some['email']}", "/audit?action=GET%20/nowhere", "/audit?request_id=req_" + "0" * 32,
        f"/audit?{long_ago}&to=2026-12-01", "/usage", "/usage?by=hour", f"/usage?reseller={one}",
            f"/usage?key={key}&by=hour",
        f"/usage?by=hour&reseller={one}", "/usage?route=GET%20/nowhere", f"/usage?sort=-requests&from={today}",
        *[f"/reports/{kind}?by={by}{group}&from={year_before(heavy)}"
            for kind in ("turnover", "refunds", "holds", "credit", "balances")
          for by in ("day", "month") for group in {
              "credit": ("&group=reseller",), "balances": ("", "&group=reseller")}.get(kind,
                  ("", "&group=product", "&group=reseller"))],
    ]
    partner = [
        "/orders", "/orders?state=pending", "/services", "/services?status=cancelled", "/customers",
            "/customers?external_id=c-1",
        "/statement", "/events", "/products", "/usage", "/usage?by=hour", "/requests", "/requests?status=404",
            "/deliveries",
        "/webhooks", "/balance", "/account",
    ]
    # What others have built by then; a path that is not there says so.
    admin += [f"/orders?product={sku}", "/orders?q=PO-1", "/orders?reference=PO-1-1",
        f"/orders?customer=c-1&{long_ago}",
              f"/services?product={sku}", "/services?q=svc_0", "/services?customer=c-1", "/price-history",
                  f"/price-history?reseller={one}",
              f"/price-history?product={sku}", "/people"]
    partner += ["/orders?reference=PO-1-1", "/orders?customer=c-1", "/orders?idempotency_key=k-1-1",
        f"/services?order={order}"]
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
