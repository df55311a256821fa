"""W13, O4, O10: provisioners that are real, over HTTP on loopback: prompt, slow, forgetful, silent, breaking off, late and lying;
stock; details. After everything the money in holds is held against what became of each unit.
"""

import concurrent.futures
import itertools
import json
import os
import random
import select
import socket
import sys
import threading
import time
import uuid
from decimal import Decimal

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "examples"))

import provisioner as reference
from shop import Shop
from support import Checks, Gateway, arguments, command, together, verified_export, wait_until

options = arguments()
checks = Checks()
numbers = itertools.count(1)
CANARY = "canary-credential-4711"


class Shaky(reference.Provisioner):
    """The reference provisioner with faults: `fault(call, attempt)` names what goes wrong with an answer, `status` what polls
    are told. Which accounts were made, and how often, is counted."""

    def __init__(self, gateway):
        super().__init__("", gateway.now)
        self.gateway = gateway
        self.calls = []
        self.made = {}
        self.fault = lambda call, attempt: "ok"
        self.open = {}
        self.open_max = {}
        self.polls = {}

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
        handled = fault not in ("hang before", "reset before", "500 before", "no", "failed", "garbage before", "busy", "lost")
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
        service, verb, n = self.path.rstrip("/").split("/")[-3:]
        with desk.lock:
            desk.polls[f"{service}:{verb}:{n}"] = desk.polls.get(f"{service}:{verb}:{n}", 0) + 1
        status, answer = desk.handle("GET", self.path, self.headers, b"")
        self.answer(status, json.dumps(answer).encode())


class ShakyServer(reference.Server):
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """Clients that leave are part of the tests."""


def callback(desk, call, answer, n=None, message_id=None, secret=None, at=None, body=None):
    """A signed callback; returns the gateway's answer."""
    path = "/t/" + call["callback_url"].split("/t/", 1)[1]
    body = body if body is not None else json.dumps({**answer, "n": n or call["n"]}).encode()
    message_id, at = message_id or f"cb_{uuid.uuid4()}", str(int(at if at is not None else desk.now()))
    return desk.gateway.post(path, body, headers={
        "Content-Type": "application/json", "webhook-id": message_id, "webhook-timestamp": at,
        "webhook-signature": reference.signature(secret or desk.secret, message_id, at, body)})


class Scene:
    """A shop whose product `sku` is made by a provisioner of its own, at 10.00 a unit."""

    def __init__(self, gateway, timeout_seconds=30, balance="10000.00"):
        self.shop = Shop(gateway)
        self.gateway = gateway
        self.desk = Shaky(gateway)
        self.server = ShakyServer(self.desk, handler=ShakyHandler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/units"
        made = self.admin("PUT", "/provisioning", {"url": self.url, "timeout_seconds": timeout_seconds})
        assert made.status == 200 and made.json["secret"].startswith("whsec_"), made
        self.desk.secret = made.json["secret"]
        self.reseller = self.shop.reseller(balance=balance)
        self.sku = self.shop.product("http")
        self.shop.price(self.reseller, self.sku, {"wholesale_monthly": "10.00", "is_enabled": True, "max_quantity": 1000})

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

    def queue(self, state=None):
        return self.admin("GET", "/provisioning/queue?limit=100" + (f"&state={state}" if state else "")).json["data"]

    def verify(self, *words):
        verified_export(self.gateway, self.shop.slug, *words)


def check_configuration(gateway):
    scene = Scene(gateway)
    admin = scene.admin
    with checks("W13 O10 a provisioner's secret is shown once, and no call reads it again; a second PUT keeps it"):
        read = admin("GET", "/provisioning")
        assert read.status == 200 and "secret" not in read.json and scene.desk.secret not in read.body.decode(), read
        again = admin("PUT", "/provisioning", {"url": scene.url, "timeout_seconds": 7})
        assert again.status == 200 and "secret" not in again.json and again.json["timeout_seconds"] == 7, again
        order, services = scene.order()
        scene.until(order, "completed")
        given = admin("PUT", "/provisioning", {"url": scene.url, "secret": scene.desk.secret})
        assert given.status == 200 and scene.desk.secret not in given.body.decode(), given
    with checks("W13 a product's own provisioner goes before the tenant's, and is taken away"):
        path = f"/products/{scene.sku}/provisioning"
        assert admin("GET", path).status == 404
        own = admin("PUT", path, {"url": scene.url + "/own"})
        assert own.status == 200 and own.json["product"] == scene.sku and "secret" in own.json, own
        shown = admin("POST", "/provisioning/test", {"product": scene.sku, "send": False}).json
        assert shown["request"]["url"] == scene.url + "/own" and not shown["sent"], shown
        assert admin("DELETE", path).status == 204 and admin("DELETE", path).status == 404
    with checks("W13 H6 addresses that may not be called, and bodies that are not right, are 422 naming the field"):
        for body, field in [
            ({"url": "ftp://127.0.0.1/x"}, "/url"), ({"url": "https://user:pw@example.com/"}, "/url"),
            ({"url": scene.url, "timeout_seconds": 0}, "/timeout_seconds"),
            ({"url": scene.url, "timeout_seconds": 121}, "/timeout_seconds"),
            ({"url": scene.url, "secret": "whsec_short"}, "/secret"), ({"url": scene.url, "more": 1}, "/more"), ({}, "/url"),
        ]:
            refused = admin("PUT", "/provisioning", body)
            assert refused.status == 422, (body, refused)
            assert [error["pointer"] for error in refused.json["errors"]] == [field], refused
    with checks("W13 a dry run shows the request, its signature and the answer; nothing is made"):
        before = dict(scene.desk.made)
        shown = admin("POST", "/provisioning/test", {})
        assert shown.status == 200, shown
        headers = shown.json["request"]["headers"]
        assert headers["webhook-signature"] == reference.signature(
            scene.desk.secret, headers["webhook-id"], headers["webhook-timestamp"], shown.json["request"]["body"].encode())
        assert json.loads(shown.json["request"]["body"])["dry_run"] is True, shown
        assert shown.json["outcome"] == "ready" and shown.json["status"] == 200, shown
        assert scene.desk.made == before and scene.desk.secret not in shown.body.decode()


def check_life(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 O10 an order is made at the provisioner once, paid for then, and its reseller reads the details"):
        before = scene.balances()
        order, [service] = scene.order()
        told = scene.until(order, "completed")
        assert (told["ready_units"], told["rejected_units"], told["reason"]) == (1, 0, None), told
        assert scene.balances() == (before[0] - 10, before[1]), scene.balances()
        read = scene.service(service)
        assert read["status"] == "active" and read["provisioning_state"] == "active", read
        assert read["details"]["password"] == {"value": CANARY, "secret": True}, read
        call = desk.calls[-1]
        assert call["key"] == f"{service}:create:1" and call["quantity"] == 1 and call["order"] == order, call
        assert set(call) == {
            "verb", "service", "n", "order", "product", "term", "quantity", "customer", "reseller", "callback_url", "key"}, call
    with checks("W13 state × verb: suspend, resume and cancel reach the provisioner, each once, one at a time"):
        for move, status, state, verb in [
            ("suspend", "suspended", "suspended", "suspend"), ("resume", "active", "active", "unsuspend"),
            ("suspend", "suspended", "suspended", "suspend"), ("cancel", "cancelled", "terminated", "terminate"),
        ]:
            moved = scene.admin("POST", f"/services/{service}/{move}")
            assert moved.status == 200 and moved.json["status"] == status, moved
            read = scene.until_shown(service, state)
            assert read["status"] == status and desk.verbs(service)[-1] == verb, read
        assert desk.verbs(service) == ["create", "suspend", "unsuspend", "suspend", "terminate"], desk.verbs(service)
        keys = [call["key"].split(":")[1:] for call in desk.calls if call["service"] == service]
        assert keys == [["create", "1"], ["suspend", "2"], ["unsuspend", "3"], ["suspend", "4"], ["terminate", "5"]], keys
        assert service not in desk.accounts and desk.open_max[service] == 1
    with checks("W13 wishes behind a slow verb collapse to the last one"):
        order, [service] = scene.order()
        scene.until(order, "completed")
        release = threading.Event()
        desk.fault = lambda call, attempt: release.wait(20) and "ok"
        for move in ("suspend", "resume", "suspend", "resume", "suspend"):
            assert scene.admin("POST", f"/services/{service}/{move}").status == 200
            assert scene.service(service)["provisioning_state"] == "suspending"
        wait_until(lambda: desk.open.get(service) == 1)
        assert scene.admin("POST", f"/services/{service}/resume").status == 200
        assert scene.service(service)["status"] == "active"
        release.set()
        scene.until_shown(service, "active")
        assert desk.verbs(service) == ["create", "suspend", "unsuspend"], desk.verbs(service)
        desk.fault = lambda call, attempt: "ok"
    with checks("W13 X7 an order of the test book is ready without a call to anybody"):
        test = dict(scene.reseller)
        test["key"] = scene.shop.mint(scene.reseller, mode="test").json["key"]
        calls = len(desk.calls)
        scene.shop.price(scene.reseller, scene.sku, {"wholesale_monthly": "10.00", "is_enabled": True, "max_quantity": 1000})
        placed = scene.place(scene.sku, test)
        assert placed.status == 201, placed
        [made] = placed.json["services"]
        wait_until(lambda: scene.shop.get(test, f"/services/{made['id']}").json["status"] == "active", seconds=20)
        assert len(desk.calls) == calls
    scene.verify()


def check_money(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 a no gives the money back, with its reason in order and event, and the unit is asked away"):
        before = scene.balances()
        desk.fault = lambda call, attempt: "no" if call["verb"] == "create" else "ok"
        order, [service] = scene.order()
        told = scene.until(order, "rejected")
        assert told["reason"] == "no room <b>left</b>" and told["rejected_units"] == 1, told
        assert scene.balances() == before, scene.balances()
        scene.until_shown(service, "terminated")
        assert desk.verbs(service) == ["create", "terminate"]
        assert scene.service(service)["status"] == "cancelled"
    with checks("W13 of five units three are ready and two failed: three are captured, two voided, room for two is free again"):
        before = scene.balances()
        chosen = []
        lock = threading.Lock()

        def two_of_five(call, attempt):
            if call["verb"] != "create":
                return "ok"
            with lock:
                chosen.append(call["service"])
                return "failed" if len(chosen) in (2, 4) else "ok"
        desk.fault = two_of_five
        order, services = scene.order(quantity=5)
        told = scene.until(order, "completed")
        assert (told["ready_units"], told["rejected_units"], told["reason"]) == (3, 2, "sold out"), told
        assert scene.balances() == (before[0] - 30, before[1]), (before, scene.balances())
        states = sorted(service["status"] for service in told["services"])
        assert states == ["active"] * 3 + ["cancelled"] * 2, told
        statement = scene.admin("GET", f"/resellers/{scene.reseller['id']}/statement?limit=10")
        assert statement.status == 200
        wait_until(lambda: sum(state == "active" for state in desk.accounts.values()) >= 3 and not scene.queue())
    with checks("W13 what nobody answers clearly holds the money, and is asked again under the same id"):
        for fault in ["500 before", "500 after", "reset before", "reset after", "garbage after", "busy"]:
            before = scene.balances()
            desk.fault = lambda call, attempt: fault if attempt < 2 else "ok"
            order, [service] = scene.order()
            wait_until(lambda: desk.verbs(service) and [row for row in scene.queue() if row["service"] == service and row["tries"] == 1])
            [row] = [row for row in scene.queue() if row["service"] == service]
            assert scene.read(order)["state"] == "pending" and scene.balances() == (before[0] - 10, before[1] + 10), fault
            assert row["state"] == "creating" and CANARY not in json.dumps(row) and "\x1b" not in json.dumps(row), row
            gateway.jump(7)
            scene.until(order, "completed")
            keys = {call["key"] for call in desk.calls if call["service"] == service}
            assert keys == {f"{service}:create:1"} and desk.made[service] == 1, (fault, keys)
            assert scene.balances() == (before[0] - 10, before[1]), fault
    with checks("W13 after 24 hours without a clear answer a person sees to it, and the money is still held"):
        before = scene.balances()
        desk.fault = lambda call, attempt: "500 before"
        order, [service] = scene.order()
        for _ in range(20):
            gateway.jump(2 * 3600)
            wait_until(lambda: not [r for r in scene.queue() if r["service"] == service and r["next_at"] and
                                    r["next_at"] < time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(gateway.now()))], seconds=20)
            if scene.queue("stuck"):
                break
        [row] = scene.queue("stuck")
        assert row["service"] == service and row["state"] == "stuck" and row["last_status"] == 500, row
        assert scene.read(order)["state"] == "pending" and scene.balances() == (before[0] - 10, before[1] + 10)
        desk.fault = lambda call, attempt: "ok"
        again = scene.admin("POST", f"/provisioning/{service}/retry")
        assert again.status == 200, again
        scene.until(order, "completed")
        assert scene.balances() == (before[0] - 10, before[1])
    scene.verify()


def check_later(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 202 is asked about until it is ready"):
        desk.fault = lambda call, attempt: "poll"
        order, [service] = scene.order()
        wait_until(lambda: scene.service(service)["provisioning_state"] == "creating" and
                   [row for row in scene.queue() if row["phase"] == "pending"])
        assert scene.read(order)["state"] == "pending"
        gateway.jump(7)
        scene.until(order, "completed")
        assert desk.polls == {f"{service}:create:1": 1}, desk.polls
    with checks("W13 202 and a callback, whichever is first; the same callback again, and an older one, change nothing"):
        desk.fault = lambda call, attempt: "callback"
        order, [service] = scene.order()
        scene.until(order, "completed")
        call = next(call for call in desk.calls if call["service"] == service)
        again = callback(desk, call, {"state": "failed", "reason": "late no"})
        assert again.status == 200 and scene.read(order)["state"] == "completed", again
        desk.fault = lambda call, attempt: "twice"
        order, [other] = scene.order()
        scene.until(order, "completed")
        assert desk.made[other] == 1
    with checks("W13 a status of 404 on what was under way is a no"):
        before = scene.balances()
        desk.fault = lambda call, attempt: "lost" if call["verb"] == "create" else "ok"
        order, [service] = scene.order()
        wait_until(lambda: [row for row in scene.queue() if row["phase"] == "pending"])
        gateway.jump(7)
        scene.until(order, "rejected")
        assert scene.balances() == before
    with checks("W13 a late success after the money went back is terminated, never given away"):
        before = scene.balances()
        desk.fault = lambda call, attempt: "no" if call["verb"] == "create" else "ok"
        order, [service] = scene.order()
        scene.until(order, "rejected")
        scene.until_shown(service, "terminated")
        call = next(call for call in desk.calls if call["service"] == service)
        desk.accounts[service] = "active"
        late = {"state": "ready", "details": {"password": {"value": CANARY, "secret": True}}}
        taken = callback(desk, call, late, message_id="cb_late")
        assert taken.status == 200, taken
        wait_until(lambda: desk.verbs(service) == ["create", "terminate", "terminate"])
        scene.until_shown(service, "terminated")
        assert service not in desk.accounts and scene.read(order)["state"] == "rejected" and scene.balances() == before
        assert scene.service(service)["details"] is None
        assert callback(desk, call, late, message_id="cb_late").status == 200
        time.sleep(0.5)
        assert desk.verbs(service).count("terminate") == 2, "the same callback again is no news"
    with checks("W13 a callback that is not signed right, or signed at another time, is 401 and changes nothing"):
        desk.fault = lambda call, attempt: "poll"
        order, [service] = scene.order()
        wait_until(lambda: [row for row in scene.queue() if row["service"] == service and row["phase"] == "pending"])
        call = next(call for call in desk.calls if call["service"] == service)
        yes = {"state": "ready"}
        other = "whsec_" + "A" * 43 + "="
        for forged in [
            callback(desk, call, yes, secret=other), callback(desk, call, yes, at=gateway.now() - 301),
            callback(desk, call, yes, at=gateway.now() + 302),
            callback(desk, {**call, "callback_url": call["callback_url"] + "x"}, yes),
        ]:
            assert forged.status == 401, forged
        assert scene.read(order)["state"] == "pending"
        for nonsense in [b"{}", b"[", json.dumps({"state": "ready", "n": 99}).encode(), json.dumps({"state": "ready"}).encode(),
                         json.dumps({"state": "ready", "n": 10 ** 30}).encode(), b'{"state":"ready","n":1.5}']:
            assert callback(desk, call, yes, body=nonsense).status == 200, nonsense
        assert scene.read(order)["state"] == "pending", "nothing of that is an answer to what was asked"
        foreign = Scene(gateway)
        stolen = {**call, "callback_url": call["callback_url"].replace(f"/t/{scene.shop.slug}/", f"/t/{foreign.shop.slug}/")}
        assert callback(desk, stolen, yes, secret=foreign.desk.secret).status == 401
        assert callback(desk, call, yes).status == 200
        scene.until(order, "completed")
    scene.verify()


def check_hand(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 confirm by hand sells the unit with the details given; the provisioner's late no changes nothing"):
        desk.fault = lambda call, attempt: "500 before"
        before = scene.balances()
        order, [service] = scene.order()
        wait_until(lambda: desk.verbs(service))
        confirmed = scene.admin("POST", f"/provisioning/{service}/confirm", {"details": {"login": {"value": "anna"}}})
        assert confirmed.status == 200 and confirmed.json["state"] == "active", confirmed
        assert scene.read(order)["state"] == "completed" and scene.balances() == (before[0] - 10, before[1])
        assert scene.service(service)["details"] == {"login": {"value": "anna", "secret": False}}
        call = next(call for call in desk.calls if call["service"] == service)
        assert callback(desk, call, {"state": "failed"}).status == 200
        assert scene.read(order)["state"] == "completed"
        assert scene.admin("POST", f"/provisioning/{service}/confirm").status == 409
    with checks("W13 give up pays back and asks the unit away, while a call is in flight too, and one verb at a time"):
        release = threading.Event()
        desk.fault = lambda call, attempt: (release.wait(20) and "ok") if call["verb"] == "create" else "ok"
        before = scene.balances()
        order, [service] = scene.order()
        wait_until(lambda: desk.open.get(service) == 1)
        given = scene.admin("POST", f"/provisioning/{service}/give_up", {"reason": "the host is gone"})
        assert given.status == 200, given
        assert scene.read(order)["state"] == "rejected" and scene.read(order)["reason"] == "the host is gone"
        assert scene.balances() == before
        assert desk.open.get(service) == 1 and desk.verbs(service) == ["create"]
        release.set()
        scene.until_shown(service, "terminated")
        assert service not in desk.accounts and scene.balances() == before and desk.open_max[service] == 1
        assert scene.service(service)["status"] == "cancelled"
    with checks("W13 O10 an order that a provisioner makes is activated or rejected as a whole by an operator"):
        desk.fault = lambda call, attempt: "500 before"
        before = scene.balances()
        order, services = scene.order(quantity=3)
        wait_until(lambda: all(desk.verbs(service) for service in services))
        done = scene.admin("POST", f"/orders/{order}/activate", {"details": {"host": {"value": "h", "secret": True}}})
        assert done.status == 200 and done.json["state"] == "completed" and done.json["ready_units"] == 3, done
        assert scene.balances() == (before[0] - 30, before[1])
        order, services = scene.order(quantity=2)
        done = scene.admin("POST", f"/orders/{order}/reject", {"reason": "no"})
        assert done.status == 200 and done.json["state"] == "rejected" and done.json["reason"] == "no", done
        assert scene.balances() == (before[0] - 30, before[1])
        desk.fault = lambda call, attempt: "ok"
    with checks("W13 a unit that cannot be asked away is tried 30 times at the most and then shown for a person"):
        desk.fault = lambda call, attempt: "no"
        order, [service] = scene.order()
        scene.until(order, "rejected")
        def row():
            return next(row for row in scene.queue() if row["service"] == service)
        for _ in range(40):
            # What was answered is written before the time goes on.
            tries = wait_until(lambda: row()["verb"] == "terminate" and row()["tries"])
            if row()["phase"] == "stuck":
                break
            gateway.jump(8 * 3600 + 60)
            wait_until(lambda: row()["tries"] > tries or row()["phase"] == "stuck")
        assert row()["state"] == "orphan" and 20 <= desk.verbs(service).count("terminate") <= 30, row()
        for word, body in [("retry", None), ("give_up", {"reason": "seen to"})]:
            done = scene.admin("POST", f"/provisioning/{service}/{word}", body)
            assert done.status == 200, done
        assert scene.service(service)["provisioning_state"] == "terminated"
    scene.verify()


def check_secrecy(gateway):
    scene = Scene(gateway)
    with checks("O10 W13 credentials stand in no event, list, log, audit row, export or queue"):
        order, [service] = scene.order()
        scene.until(order, "completed")
        assert scene.admin("PATCH", f"/services/{service}/details", {
            "details": {"extra": {"value": CANARY, "secret": True}, "host": None}}).status == 200
        assert set(scene.service(service)["details"]) == {"password", "extra"}
        secret = scene.desk.secret
        seen = [
            scene.admin("GET", path).body for path in (
                "/services", "/orders", f"/orders/{order}", "/audit?limit=100", "/provisioning", "/provisioning/queue",
                f"/products/{scene.sku}", "/deliveries", "/audit.jsonl")]
        seen += [scene.shop.get(scene.reseller, path).body for path in ("/services", "/orders", f"/orders/{order}", "/events")]
        export = verified_export(gateway, scene.shop.slug)
        seen += [export, gateway.errors().encode()]
        for body in seen:
            for word in (CANARY, secret, secret.removeprefix("whsec_")):
                assert word.encode() not in body, (word, body[:300])
    with checks("O10 details are for their own reseller, bounded, and wrong ones are 422 naming the name"):
        other = scene.shop.reseller()
        assert scene.shop.get(other, f"/services/{service}").status == 404
        for details, pointer in [
            ({"a": {"value": 1}}, "/details/a"), ({"a": {"value": "x", "secret": "no"}}, "/details/a"),
            ({"a": "x"}, "/details/a"), ({"a": {"value": "x", "more": 1}}, "/details/a"),
            ({f"n{i}": {"value": "x"} for i in range(21)}, "/details"), ({"a": {"value": "x" * 5000}}, "/details"),
            ({"": {"value": "x"}}, "/details/"),
        ]:
            refused = scene.admin("PATCH", f"/services/{service}/details", {"details": details})
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == pointer, (details, refused)
    with checks("O10 a manual order is activated with details and rejected with a reason that its order and event show"):
        manual = scene.shop.product("manual")
        scene.shop.price(scene.reseller, manual, {"wholesale_monthly": "5.00", "is_enabled": True})
        placed = scene.place(manual).json
        done = scene.admin("POST", f"/orders/{placed['order']['id']}/activate", {
            "details": {"host": {"value": "h.example"}, "password": {"value": CANARY, "secret": True}}})
        assert done.status == 200 and CANARY not in done.body.decode(), done
        [made] = placed["services"]
        assert scene.service(made["id"])["details"]["password"]["value"] == CANARY
        placed = scene.place(manual).json
        done = scene.admin("POST", f"/orders/{placed['order']['id']}/reject", {"reason": "not sold there"})
        assert done.status == 200 and done.json["reason"] == "not sold there", done
        assert scene.shop.get(scene.reseller, f"/orders/{placed['order']['id']}").json["reason"] == "not sold there"
        placed = scene.place(manual).json
        long = scene.admin("POST", f"/orders/{placed['order']['id']}/reject", {"reason": "x" * 501})
        assert long.status == 422, long
    scene.verify()


def check_stock(gateway):
    scene = Scene(gateway)
    sku = scene.shop.product("stock")
    scene.shop.price(scene.reseller, sku, {"wholesale_monthly": "1.00", "is_enabled": True})
    path = f"/products/{sku}/stock"

    def load(text, key=None, mode=""):
        return scene.admin("POST", path + mode, text.encode(), headers={
            "Content-Type": "text/csv", "Idempotency-Key": key or str(uuid.uuid4())})

    def counts():
        told = scene.admin("GET", path).json
        return told["free"], told["sold"], told["withdrawn"]

    with checks("O4 stock comes in as CSV all or none, duplicates told by line, the text by nobody"):
        key = str(uuid.uuid4())
        made = load("item\r\n" + "\r\n".join(f"key-{i}-{CANARY}" for i in range(6)) + "\r\n", key)
        assert made.status == 201 and made.json["imported"] == 6, made
        assert load("item\r\n" + "\r\n".join(f"key-{i}-{CANARY}" for i in range(6)) + "\r\n", key).body == made.body
        for text, pointers in [
            (f"item\nnew-1\nkey-3-{CANARY}\n", ["/line/3/item"]), ("item\na\nb\na\n", ["/line/4/item"]),
            ("item\nfine\n" + "x" * 2001 + "\n", ["/line/3/item"]), ("text\na\n", ["/line/1/text", "/line/1/item"]),
        ]:
            refused = load(text)
            assert refused.status == 422 and CANARY not in refused.body.decode(), refused
            assert [error["pointer"] for error in refused.json["errors"]] == pointers, refused
            assert counts() == (6, 0, 0), counts()
    with checks("O4 an order takes n in its transaction, oldest first, into the details; the quote refuses as the order does"):
        placed = scene.place(sku, quantity=2)
        assert placed.status == 201 and placed.json["order"]["state"] == "completed", placed
        items = [scene.service(service["id"])["details"]["item"] for service in placed.json["services"]]
        assert items == [{"value": f"key-{i}-{CANARY}", "secret": True} for i in (0, 1)], items
        assert counts() == (4, 2, 0)
        for refused in (scene.shop.quote(scene.reseller, sku, quantity=5), scene.place(sku, quantity=5)):
            assert refused.status == 409 and refused.json["code"] == "out_of_stock", refused
        assert counts() == (4, 2, 0)
    with checks("O4 a free item is withdrawn and sold to nobody; a sold one is 409"):
        listed = scene.admin("GET", path + "/items").json["data"]
        assert len(listed) == 6 and CANARY not in json.dumps(listed), listed
        assert scene.admin("DELETE", f"{path}/items/{listed[0]['id']}").status == 409
        gone = scene.admin("DELETE", f"{path}/items/{listed[2]['id']}")
        assert gone.status == 200 and gone.json["withdrawn_at"], gone
        assert counts() == (3, 2, 1)
        placed = scene.place(sku).json
        assert scene.service(placed["services"][0]["id"])["details"]["item"]["value"] == f"key-3-{CANARY}"
    with checks("O4 twenty orders at once for two items: two are sold, each once"):
        answers = together([lambda: scene.place(sku) for _ in range(20)])
        assert sorted(answer.status for answer in answers) == [201] * 2 + [409] * 18, answers
        sold = [scene.service(answer.json["services"][0]["id"])["details"]["item"]["value"] for answer in answers
                if answer.status == 201]
        assert len(set(sold)) == 2 and counts() == (0, 5, 1)
        export = verified_export(gateway, scene.shop.slug)
        assert CANARY.encode() not in export


def check_storm(tollgate):
    """Random faults and kill -9 while orders come in: one account a unit, and all money accounted for."""
    chance = random.Random(7)
    with Gateway(tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
        gateway.provider_key
        scene = Scene(gateway, timeout_seconds=1)
        desk = scene.desk
        faults = ["ok"] * 6 + ["hang after", "hang before", "reset after", "reset before", "500 after", "garbage after", "poll",
                               "callback", "twice", "busy", "no", "failed"]
        lock = threading.Lock()

        def fault(call, attempt):
            with lock:
                return chance.choice(faults) if call["verb"] == "create" else chance.choice(["ok", "ok", "reset after"])
        desk.fault = fault
        orders = []
        with checks("W13 under kill -9 and random faults each unit is made once, and each hold ends as capture or void"):
            for _ in range(6):
                for _ in range(5):
                    orders.append(scene.order(quantity=chance.choice([1, 1, 2, 5])))
                time.sleep(chance.random())
                gateway.kill()
                gateway.start()
            desk.fault = lambda call, attempt: "ok"

            def settled():
                gateway.jump(11 * 60)
                time.sleep(1.5)
                return not scene.queue()
            wait_until(settled, seconds=120)
            ready = rejected = 0
            for order, services in orders:
                told = scene.read(order)
                assert told["state"] in ("completed", "rejected"), told
                assert told["ready_units"] + told["rejected_units"] == len(services), told
                ready, rejected = ready + told["ready_units"], rejected + told["rejected_units"]
                for service in told["services"]:
                    assert desk.made.get(service["id"], 0) <= 1, service
                    assert (service["id"] in desk.accounts) == (service["status"] == "active"), (service, desk.verbs(service["id"]))
            assert scene.balances() == (Decimal("10000.00") - 10 * ready, 0), (scene.balances(), ready, rejected)
            assert ready and rejected, "the storm has both"
            print(f"# {len(orders)} orders, {ready} units ready, {rejected} rejected, {len(desk.calls)} calls", flush=True)
        scene.verify()


with Gateway(options.tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
    gateway.provider_key
    for part in (check_configuration, check_life, check_money, check_later, check_hand, check_secrecy, check_stock):
        part(gateway)
check_storm(options.tollgate)
checks.finish()
