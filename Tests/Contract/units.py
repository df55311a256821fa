"""Provisioners for the contract's scripts: the reference one (docs/examples/provisioner.py) with faults, and a shop
whose units it makes."""

import json
import os
import select
import socket
import sys
import threading
import uuid
from decimal import Decimal

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "examples"))

import provisioner as reference
from shop import Shop
from support import verified_export, wait_until

CANARY = "canary-credential-4711"


class Shaky(reference.Provisioner):
    """The reference provisioner with faults: `fault(call, attempt)` names what goes wrong with an answer. Which
    accounts were made, and how often, is counted."""

    def __init__(self, gateway):
        super().__init__("", gateway.now)
        self.gateway = gateway
        self.calls = []
        self.made = {}
        self.fault = lambda call, attempt: "ok"
        # What is told of a verb that is under way; nothing: how it is.
        self.later = lambda verb: None
        self.open = {}
        self.open_max = {}
        self.polls = {}
        # The target of the last question what became of a verb.
        self.polled_at = None

    def perform(self, call):
        if call["verb"] == "create":
            self.made[call["service"]] = self.made.get(call["service"], 0) + 1
        status, answer = super().perform(call)
        if "details" in answer:
            answer["details"]["password"]["value"] = CANARY
        return status, answer

    def verbs(self, service):
        with self.lock:
            return [call["verb"] for call in self.calls if call["service"] == service]

    def count(self, verb):
        with self.lock:
            return sum(call["verb"] == verb for call in self.calls)


class ShakyHandler(reference.Handler):
    def serve(self, body):
        desk = self.server.provisioner
        if self.command == "GET":
            return self.poll(desk)
        call = json.loads(body)
        service = call["service"]
        with desk.lock:
            desk.calls.append({**call, "key": self.headers["Idempotency-Key"]})
            attempt = sum(known["key"] == self.headers["Idempotency-Key"] for known in desk.calls)
            desk.open[service] = desk.open.get(service, 0) + 1
            desk.open_max[service] = max(desk.open[service], desk.open_max.get(service, 0))
        try:
            self.misbehave(desk, call, body, desk.fault(call, attempt))
        finally:
            with desk.lock:
                desk.open[service] -= 1

    def misbehave(self, desk, call, body, fault):
        handled = not fault.endswith(" before") and fault not in ("no", "failed", "busy", "lost")
        status, answer = desk.handle("POST", self.path, self.headers, body) if handled else (0, {})
        if fault in ("hang before", "hang after"):
            select.select([self.connection], [], [], 30)
            self.close_connection = True
        elif fault.startswith("reset"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
            self.close_connection = True
        elif fault.startswith("500"):
            self.answer(500, b"<h1>\x1b[31moops</h1>")
        elif fault.startswith("garbage"):
            self.answer(200, b"<html>" + CANARY.encode())
        elif fault.startswith("taken"):
            self.answer(409, json.dumps({"reason": "it is there", **answer}).encode())
        elif fault == "busy":
            self.answer(429, b"{}")
        elif fault == "no":
            self.answer(422, json.dumps({"reason": "no room\n<b>left</b>"}).encode())
        elif fault == "failed":
            self.answer(200, json.dumps({"state": "failed", "reason": "sold out"}).encode())
        elif fault in ("poll", "callback", "lost"):
            if fault == "callback":
                self.call_back(desk, call, answer)
            self.answer(202, json.dumps({"state": "pending"}).encode())
        elif fault == "twice":
            self.call_back(desk, call, answer)
            self.call_back(desk, call, answer)
            self.answer(status, json.dumps(answer).encode())
        else:
            self.answer(status, json.dumps(answer).encode())

    def call_back(self, desk, call, answer):
        threading.Thread(target=callback, args=(desk, call, answer), daemon=True).start()

    def poll(self, desk):
        service, verb, n = self.path.partition("?")[0].rstrip("/").split("/")[-3:]
        with desk.lock:
            desk.polled_at = self.path
            desk.polls[f"{service}:{verb}:{n}"] = desk.polls.get(f"{service}:{verb}:{n}", 0) + 1
        status, answer = desk.handle("GET", self.path, self.headers, b"")
        told = desk.later(verb)
        self.answer(200 if told else status, json.dumps(told or answer).encode())


class ShakyServer(reference.Server):
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """Clients that leave are part of the tests."""


def callback(desk, call, answer, n=None, message_id=None, secret=None, at=None, body=None):
    """A signed callback; returns the gateway's answer."""
    path = "/t/" + call["callback_url"].split("/t/", 1)[1]
    body = body if body is not None else json.dumps({**answer, "n": n or call["n"]}).encode()
    message_id, at = message_id or f"cb_{uuid.uuid4()}", str(int(at if at is not None else desk.now()))
    return desk.gateway.post(
        path, body, headers=reference.signed_headers(secret or desk.secret, message_id, at, body))


def desk(gateway):
    """A provisioner of its own, and where it is called."""
    made = Shaky(gateway)
    server = ShakyServer(made, handler=ShakyHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return made, f"http://127.0.0.1:{server.server_address[1]}/units"


class Scene:
    """A shop whose product `sku` is made by a provisioner of its own, at 10.00 a unit."""

    def __init__(self, gateway, timeout_seconds=30, balance="10000.00"):
        self.shop = Shop(gateway)
        self.gateway = gateway
        self.desk, self.url = desk(gateway)
        made = self.admin("PUT", "/provisioning", {"url": self.url, "timeout_seconds": timeout_seconds})
        assert made.status == 200 and made.json["secret"].startswith("whsec_"), made
        self.desk.secret = made.json["secret"]
        self.reseller = self.shop.reseller(balance=balance)
        self.sku = self.shop.product("http")
        self.shop.price(self.reseller, self.sku, {"wholesale_monthly": "10.00", "max_quantity": 1000})

    def admin(self, *words, **more):
        return self.shop.admin(*words, **more)

    def order(self, quantity=1, **more):
        placed = self.place(self.sku, quantity=quantity, **more)
        assert placed.status == 201, placed
        return placed.json["order"]["id"], [service["id"] for service in placed.json["services"]]

    def place(self, sku, reseller=None, **more):
        # Signed at the gateway's time.
        return self.shop.order(reseller or self.reseller, sku, timestamp=int(self.gateway.now()), **more)

    def read(self, order):
        return self.admin("GET", f"/orders/{order}").json

    def service(self, service):
        return self.shop.get(self.reseller, f"/services/{service}").json

    def until(self, order, state):
        wait_until(lambda: self.read(order)["state"] == state, seconds=30)
        return self.read(order)

    def until_shown(self, service, state):
        wait_until(lambda: self.service(service)["provisioning_state"] == state, seconds=30)
        return self.service(service)

    def balances(self):
        told = self.shop.get(self.reseller, "/balance").json
        return Decimal(told["balance"]), Decimal(told["held"])

    def row(self, service):
        """The service's line in the queue; nil where nothing is asked for."""
        return next((row for row in self.queue() if row["service"] == service), None)

    def queue(self, state=None):
        return self.admin("GET", "/provisioning/queue?limit=100" + (f"&state={state}" if state else "")).json["data"]

    def verify(self, *words):
        verified_export(self.gateway, self.shop.slug, *words)
