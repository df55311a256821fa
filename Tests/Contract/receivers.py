"""The receivers of docs/examples, each in its language: Standard Webhooks' vector (H2), signatures over the raw body
with either secret of a rotation, one id worked on once, the highest revision of an object as its state (H1), and a
real delivery. Those whose interpreter or compiler is not there are left out, and said to be."""

import base64
import contextlib
import hashlib
import hmac
import http.client
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

from freeports import free_port
from receiver import NO_CONTENT
from receiver import Receiver as Listener
from receiver import answer as answered
from shop import PARTNER, Shop
from support import ROOT, Checks, Gateway, arguments, wait_until, webhook_secret_bytes

EXAMPLES = os.path.join(ROOT, "docs", "examples")
DRIVER = os.path.join(ROOT, "Tests", "Contract", "receivers")
SECONDS_MAX = 60

VECTOR = {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "timestamp": 1614265330,
    "body": b'{"test": 2432232314}', "signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}
OLD, NEW, OTHER = (f"whsec_{letter * 32}" for letter in "ABC")


def sign(secrets, message, body, at=None):
    """The headers of an attempt that is signed with each of these secrets (H1)."""
    timestamp = str(int(time.time() if at is None else at))
    signed = f"{message}.{timestamp}.".encode() + body
    codes = [hmac.new(webhook_secret_bytes(secret), signed, hashlib.sha256).digest() for secret in secrets]
    return {
        "Content-Type": "application/json", "webhook-id": message, "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(code).decode()}" for code in codes)}


class Receiver:
    """One of the examples as a child. `lines`: what it has printed; a line is a newer state of an object."""

    def __init__(self, folder, secret):
        self.folder, self.secret = folder, secret
        self.lines = []
        self.children = []
        self.environment = {**os.environ, "TOLLGATE_WEBHOOK_SECRET": secret}

    def child(self, *words, environment=None):
        child = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.folder,
            env={**self.environment, **(environment or {})})
        self.children.append(child)
        threading.Thread(target=self.read, args=(child,), daemon=True).start()
        return child

    def read(self, child):
        for line in child.stdout:
            self.lines.append(line.rstrip("\n"))

    def end(self):
        for child in self.children:
            child.kill()
            child.wait()

    def printed(self, start):
        wait_until(lambda: any(line.startswith(start) for line in self.lines), seconds=SECONDS_MAX)
        return next(line for line in self.lines if line.startswith(start))

    def states(self):
        return [line for line in self.lines if " revision " in line]

    def post(self, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_MAX)
        try:
            connection.request("POST", "/", body=body, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def work(self):
        """What it does behind its answers is done when this returns: where it has to be told."""


class Python(Receiver):
    name = "receiver.py"

    def start(self):
        self.child("python3", os.path.join(EXAMPLES, self.name), "--port", "0", "--inbox", "inbox.sqlite")
        self.port = int(self.printed("listening on ").split()[-1])

    @staticmethod
    def verify(calls):
        spec = importlib.util.spec_from_file_location("receiver", os.path.join(EXAMPLES, Python.name))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return [
            module.verify(call["secret"], {
                "webhook-id": call["id"], "webhook-timestamp": str(call["timestamp"]),
                "webhook-signature": call["signature"]}, call["body"], now=call["now"]) for call in calls]


class Node(Receiver):
    name = "receiver.mjs"

    def start(self):
        self.child("node", os.path.join(EXAMPLES, self.name), "0", "inbox")
        self.port = int(self.printed("listening on ").split()[-1])

    @staticmethod
    def verify(calls):
        program = f"""
            import {{ verify }} from {json.dumps(os.path.join(EXAMPLES, Node.name))};
            import {{ readFileSync }} from "node:fs";
            console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map((call) => verify(call.secret, {{
                "webhook-id": call.id, "webhook-timestamp": String(call.timestamp), "webhook-signature": call.signature,
            }}, Buffer.from(call.body), call.now))));"""
        return asked(["node", "--input-type=module", "--eval", program], calls)


class PHP(Receiver):
    name = "receiver.php"

    def start(self):
        # Its server names no port that it chose.
        self.port = free_port()
        self.inbox = {"TOLLGATE_INBOX": os.path.join(self.folder, "inbox")}
        self.child("php", "-S", f"127.0.0.1:{self.port}", os.path.join(EXAMPLES, self.name), environment=self.inbox)
        wait_until(lambda: any("started" in line for line in self.lines), seconds=SECONDS_MAX)

    def work(self):
        self.child("php", os.path.join(EXAMPLES, self.name), environment=self.inbox).wait(SECONDS_MAX)

    @staticmethod
    def verify(calls):
        program = f"""
            require {json.dumps(os.path.join(EXAMPLES, PHP.name))};
            echo json_encode(array_map(fn ($call) => verify($call['secret'], $call['id'], (string) $call['timestamp'],
                $call['signature'], $call['body'], $call['now']), json_decode(stream_get_contents(STDIN), true)));"""
        return asked(["php", "-r", program], calls)


class Swift(Receiver):
    """Without a server of its own: here Python's passes requests to the compiled example, as a framework would."""

    name = "Receiver.swift"
    program = None

    @classmethod
    def build(cls, folder):
        for words in (
            ["-emit-library", "-emit-module", "-module-name", "Crypto", os.path.join(DRIVER, "Crypto.swift"),
             "-lcrypto"],
            ["-I", folder, "-L", folder, "-lCrypto", "-Xlinker", f"-rpath={folder}", "-o", "receiver",
             os.path.join(EXAMPLES, cls.name), os.path.join(DRIVER, "main.swift")],
        ):
            built = subprocess.run(
                ["swiftc", "-swift-version", "6", "-warnings-as-errors", *words], cwd=folder, capture_output=True,
                text=True, timeout=600)
            assert built.returncode == 0, built.stdout + built.stderr
        cls.program = os.path.join(folder, "receiver")

    def start(self):
        self.driver = self.child(self.program, self.secret, os.path.join(self.folder, "inbox"))
        self.lock = threading.Lock()

    def post(self, headers, body):
        return self.ask({
            "id": headers.get("webhook-id"), "timestamp": headers.get("webhook-timestamp"),
            "signatures": headers.get("webhook-signature"), "body": body.decode()})

    def ask(self, call):
        with self.lock:
            before = len(self.statuses())
            self.driver.stdin.write(json.dumps(call) + "\n")
            self.driver.stdin.flush()
            wait_until(lambda: len(self.statuses()) > before, seconds=SECONDS_MAX)
            return int(self.statuses()[-1].split()[-1])

    def statuses(self):
        return [line for line in self.lines if line.startswith("status ")]

    @classmethod
    def verify(cls, calls):
        verdicts = []
        for call in calls:
            with tempfile.TemporaryDirectory() as folder:
                receiver = cls(folder, call["secret"])
                receiver.start()
                verdicts.append(204 == receiver.ask({
                    "id": call["id"], "timestamp": str(call["timestamp"]), "signatures": call["signature"],
                    "body": call["body"].decode(), "now": call["now"]}))
                receiver.end()
        return verdicts


def asked(words, calls):
    ran = subprocess.run(
        words, input=json.dumps([{**call, "body": call["body"].decode()} for call in calls]), capture_output=True,
        text=True, timeout=SECONDS_MAX)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@contextlib.contextmanager
def running(kind, *secrets):
    """A receiver for each secret."""
    with contextlib.ExitStack() as stack:
        receivers = []
        for secret in secrets:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            receiver = kind(folder, secret)
            stack.callback(receiver.end)
            receiver.start()
            receivers.append(receiver)
        yield receivers


def vector(checks, kind):
    with checks(f"H2 {kind.name} takes the vector of Standard Webhooks within five minutes, and nothing that differs"):
        right = {**VECTOR, "now": VECTOR["timestamp"]}
        signature = VECTOR["signature"]
        calls = [
            (right, True), ({**right, "now": right["now"] + 300}, True), ({**right, "now": right["now"] - 300}, True),
            ({**right, "now": right["now"] + 301}, False), ({**right, "now": right["now"] - 301}, False),
            ({**right, "signature": f"v1,AAAA {signature}"}, True),
            ({**right, "signature": f"{signature} v1,AAAA"}, True),
            ({**right, "signature": f"v1a,xyz {signature} v2,abc"}, True), ({**right, "signature": ""}, False),
            ({**right, "signature": signature.replace("v1,", "v2,")}, False), ({**right, "signature": "v1,"}, False),
            ({**right, "signature": signature[3:]}, False),
            ({**right, "signature": signature.replace("g0", "G0")}, False),
            ({**right, "signature": "v1,g0hM9SsE"}, False), ({**right, "signature": "v1,!!!! v1"}, False),
            ({**right, "body": b'{"test":2432232314}'}, False), ({**right, "id": "msg_other"}, False),
            ({**right, "id": ""}, False), ({**right, "timestamp": right["timestamp"] + 1}, False),
            ({**right, "timestamp": "-1614265330"}, False), ({**right, "timestamp": "1614265330x"}, False),
            ({**right, "timestamp": ""}, False), ({**right, "secret": OLD}, False)]
        verdicts = kind.verify([call for call, _ in calls])
        wrong = [(call, verdict) for (call, wanted), verdict in zip(calls, verdicts) if verdict != wanted]
        assert len(verdicts) == len(calls) and not wrong, wrong


def event(revision, name="ord_1"):
    return json.dumps({
        "type": "order.created", "timestamp": "2026-11-28T12:00:00.000Z",
        "data": {"id": name, "revision": revision, "note": "ünïcode \u2603"}}, ensure_ascii=False).encode()


def behaviour(checks, kind):
    with running(kind, OLD, NEW) as (old, new):
        with checks(f"H1 H4 {kind.name} takes what either secret of a rotation has signed, and nothing else"):
            body = event(1)
            both = sign([NEW, OLD], "msg_1", body)
            assert old.post(both, body) == 204 and new.post(both, body) == 204
            assert new.post(sign([NEW], "msg_2", body), body) == 204
            assert old.post(sign([NEW], "msg_2", body), body) == 401
            assert new.post(sign([OTHER], "msg_3", body), body) == 401 and new.post({}, body) == 401
            assert new.post(both, body + b" ") == 401
            assert new.post(sign([NEW], "msg_4", body, at=time.time() - 301), body) == 401
        with checks(f"H1 {kind.name} works once on an id that comes again, and drops revisions that are older"):
            for number, revision in enumerate([3, 2, 5, 4, 1]):
                for _ in range(2):
                    body = event(revision, "ord_2")
                    assert new.post(sign([NEW], f"msg_o{number}", body), body) == 204
            body = event(9, "ord_last")
            assert new.post(sign([NEW], "msg_last", body), body) == 204
            wait_until(lambda: new.work() or any("ord_last" in line for line in new.states()), seconds=SECONDS_MAX)
            states = [line for line in new.states() if " ord_2 " in line]
            # Some may be dropped unseen, where several have come before the first is worked on.
            revisions = [int(line.split()[-1]) for line in states]
            assert revisions == sorted(set(revisions)) and revisions[-1] == 5, states


def real(checks, gateway, kind):
    """A delivery as Tollgate sends it, before, while and after the secret is rotated."""
    shop = Shop(gateway)
    reseller = shop.reseller(balance="100.00")
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    with checks(f"H1 H4 {kind.name} takes real deliveries, with either secret while one is rotated"):
        rotated = shop.admin("POST", f"/resellers/{reseller['id']}/webhook-secret/rotate", {"overlap_seconds": 3600})
        assert rotated.status == 200, rotated
        before, after = reseller["webhook_secret"], rotated.json["webhook_secret"]
        with running(kind, before, after) as receivers:
            for receiver in receivers:
                with forwarding(receiver) as port:
                    put = gateway.put(f"{shop.base}{PARTNER}/webhook", {
                        "url": f"http://127.0.0.1:{port}/", "events": ["order.created"]}, key=reseller["key"])
                    assert put.status == 200, put
                    made = shop.order({**reseller, "webhook_secret": after}, sku)
                    assert made.status == 201, made
                    name = made.json["order"]["id"]
                    wait_until(
                        lambda: receiver.work() or any(name in line for line in receiver.states()), seconds=SECONDS_MAX)


@contextlib.contextmanager
def forwarding(receiver):
    """The port at which the receiver can be called: Swift's has none of its own."""
    if hasattr(receiver, "port"):
        yield receiver.port
        return
    listener = Listener()

    def forward(_):
        call = listener.calls["/"][-1]
        status = receiver.post(call.headers, call.body)
        return NO_CONTENT if status == 204 else answered(status)

    listener.answers["/"] = forward
    yield listener.port
    listener.stop()


def main():
    options = arguments()
    checks = Checks()
    kinds = [Python]
    for kind, program in ((Node, "node"), (PHP, "php")):
        if shutil.which(program):
            kinds.append(kind)
        else:
            print(f"# {kind.name} was not run: {program} is not there", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if shutil.which("swiftc"):
            Swift.build(folder)
            kinds.append(Swift)
        else:
            print("# Receiver.swift was not run: swiftc is not there", flush=True)
        for kind in kinds:
            vector(checks, kind)
            behaviour(checks, kind)
        with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
            for kind in kinds:
                real(checks, gateway, kind)
    checks.finish()


if __name__ == "__main__":
    main()
