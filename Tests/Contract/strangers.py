"""Clients at addresses of their own (127.x), with and without a key, and what a gateway says of its budgets: for the
scripts that spend them."""

import base64
import collections
import contextlib
import hashlib
import hmac
import http.client
import http.server
import itertools
import json
import math
import re
import socket
import threading
import time
import uuid

from shop import Shop
from support import webhook_secret_bytes

WRONG = "not the password"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
numbers = itertools.count(1)
hosts = (f"127.{b}.{c}.{d}" for b in range(1, 250) for c in range(1, 250) for d in range(1, 250))


class Statuses(collections.Counter):
    """How often each status came, and in how many seconds."""

    seconds = 0.0

    def most(self, count, window_seconds):
        """What can have been spent meanwhile of a budget of so many a window: all of it, and what came back."""
        return count + math.floor(self.seconds * count / window_seconds) + 1


class Payments(http.server.ThreadingHTTPServer):
    """A payment service that takes every payment."""

    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps({"id": f"pp_{next(numbers)}", "payment_url": "https://pay.example/1"}).encode()
            self.send_response(201)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Stranger:
    """A client at an address of its own, over one connection."""

    def __init__(self, gateway, host=None):
        self.gateway = gateway
        self.host = host or next(hosts)
        self.connection = self.connect()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=120, source_address=(self.host, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def __call__(self, method, path, body=None, **more):
        for _ in range(2):
            try:
                return self.gateway.request(method, path, body, connection=self.connection, **more)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.connection.close()
        raise ConnectionError(path)

    def get(self, path, **more):
        return self("GET", path, **more)

    def post(self, path, body=None, **more):
        return self("POST", path, body, **more)

    def until(self, status, count, call):
        """How often each status came, up to the first of this one; `count` calls at most."""
        statuses, began = Statuses(), time.monotonic()
        for number in range(count):
            answer = call(number)
            statuses[answer.status] += 1
            if answer.status == status:
                break
        statuses.seconds = time.monotonic() - began
        return statuses


class CodeShop(Shop):
    """A tenant of the blueprint `codes`, with a plan, a payment service and a reseller that has a balance."""

    def __init__(self, gateway, service):
        super().__init__(gateway, f"codes-{next(numbers)}", blueprint="codes", currency="USD")
        done = self.admin("PUT", "/payment-service", {
            "driver": "http", "create_url": f"http://127.0.0.1:{service.server_address[1]}/v1",
            "api_key": "the-key-of-the-service", "webhook_secret": SECRET})
        assert done.status == 200, done
        made = self.admin("POST", "/products", {
            "sku": "month", "name": "Month", "fulfilment": "instant", "days": 30, "retail_price": "2.00",
            "wholesale_price": "1.00"})
        assert made.status == 201, made
        self.seller = self.reseller(balance="100000.00")

    def api(self, method, path, body=None, key=None, **more):
        headers = {"x-api-key": key} if key else {}
        return self.gateway.request(method, f"{self.base}/api/reseller{path}", body, headers=headers, **more)

    def codes(self, count):
        made = []
        while len(made) < count:
            answer = self.api(
                "POST", "/generate", {"planId": "month", "count": min(100, count - len(made))}, key=self.seller["key"])
            assert answer.status == 200, answer
            made += [code["code"] for code in answer.json["codes"]]
        return made

    def payment(self):
        answer = self.api("POST", "/topup", {"amount": 50}, key=self.seller["key"])
        assert answer.status == 200, answer
        return answer.json["orderId"]

    def callback(self, stranger, order):
        body = json.dumps({"order_id": order, "status": "confirmed", "amount": "50.00", "currency": "USD"}).encode()
        message, now = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
        code = hmac.new(webhook_secret_bytes(SECRET), f"{message}.{now}.".encode() + body, hashlib.sha256).digest()
        return stranger.post(f"{self.base}/api/reseller/topup/webhook", body, headers={
            "webhook-id": message, "webhook-timestamp": now, "Content-Type": "application/json",
            "webhook-signature": "v1," + base64.b64encode(code).decode()})


def spent(gateway, budget):
    return gateway.metrics().get("tollgate_budget_spent_total", budget=budget)


def begun(gateway, path, length, key=None, sent=b"{", host="127.0.0.1", headers=(),
          content_type="application/json"):
    """A call whose body is announced and hardly begun."""
    lines = [f"POST {path} HTTP/1.1", "Host: a", f"Content-Type: {content_type}", *headers]
    lines += [f"Authorization: Bearer {key}"] if key else []
    lines += ["Transfer-Encoding: chunked"] if length is None else [f"Content-Length: {length}"]
    one = socket.create_connection(("127.0.0.1", gateway.port), 30, source_address=(host, 0))
    one.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + sent)
    return one


def answered(one):
    """The status and the whole of the next answer."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := one.recv(65536):
            data += piece
            head, found, body = data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            if found and length and len(body) >= int(length.group(1)):
                break
    one.close()
    return int(data[9:12] or 0), data
