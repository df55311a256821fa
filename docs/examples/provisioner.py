"""A provisioner for Tollgate in plain Python (docs/provisioning.md): each account is made once, however often it is
asked for. What it remembers is in memory; a real one keeps it in its database, with the account.

    TOLLGATE_SECRET=whsec_… python3 provisioner.py 8080

It prints where it listens, and each account that it makes or removes. To see what a fault comes to, name one with
`--fault`: it happens the first time that anything is asked for, and not when the same is asked again.

    time-out  does what was asked, and never answers
    late      answers 202, does it two seconds later, and calls back
    twice     answers, and calls back twice with the same
    forget    does what was asked, breaks off, and forgets that it was asked: as after a restart
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import os
import secrets
import select
import threading
import time
import urllib.request
import uuid

SKEW_SECONDS_MAX = 300
FAULTS = ("time-out", "late", "twice", "forget")
LATE_SECONDS = 2
# A caller gives up after 120 s at the latest.
SILENCE_SECONDS = 150


def secret_bytes(secret):
    return base64.b64decode(secret.removeprefix("whsec_"))


def signature(secret, message_id, timestamp, body):
    """Standard Webhooks 1.0.0: what `webhook-signature` must hold."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret_bytes(secret), signed, hashlib.sha256).digest()).decode()


def signed_headers(secret, message_id, timestamp, body):
    """Of a callback."""
    return {"Content-Type": "application/json", "webhook-id": message_id, "webhook-timestamp": timestamp,
            "webhook-signature": signature(secret, message_id, timestamp, body)}


class Provisioner:
    """Accounts by Tollgate's service id. `handle` answers one call; any thread."""

    def __init__(self, secret, now=time.time):
        self.secret = secret
        self.now = now
        self.lock = threading.Lock()
        self.accounts = {}
        # What each account's owner needs. It goes by the service: whoever forgot the question gives it again.
        self.details = {}
        # What was answered under each Idempotency-Key: the same question again is given the same answer.
        self.answers = {}

    def handle(self, method, path, headers, body):
        """Status and JSON."""
        if not self.is_signed(headers, body):
            # A 401 would be a no, and the order's end. This is asked again, until the secret or a clock has been mended.
            return 503, {"reason": "the signature does not match"}
        with self.lock:
            if method == "GET":
                # …/{service}/{verb}/{n}: what became of it?
                key = ":".join(path.partition("?")[0].rstrip("/").split("/")[-3:])
                return self.answers.get(key, (404, {"reason": "nobody asked for that"}))
            call = json.loads(body)
            if call.get("dry_run"):
                return 200, {"state": "ready"}
            key = headers["Idempotency-Key"]
            if key not in self.answers:
                self.answers[key] = self.perform(call)
            return self.answers[key]

    def is_signed(self, headers, body):
        message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not timestamp.isdigit() or abs(int(timestamp) - self.now()) > SKEW_SECONDS_MAX:
            return False
        wanted = signature(self.secret, message_id, timestamp, body)
        return any(hmac.compare_digest(wanted, one) for one in headers.get("webhook-signature", "").split(" "))

    def perform(self, call):
        """Does a verb for the first time."""
        service, verb = call["service"], call["verb"]
        if verb == "create":
            if service not in self.accounts:
                self.accounts[service] = "active"
                self.details[service] = {
                    "host": {"value": f"{service}.hosts.example", "secret": False},
                    "password": {"value": secrets.token_urlsafe(12), "secret": True}}
                self.tell("made", service)
            return 200, {"state": "ready", "details": self.details[service]}
        if verb == "terminate":
            # What is not there is gone: that is what was asked for.
            if self.accounts.pop(service, None):
                self.details.pop(service, None)
                self.tell("removed", service)
            return 200, {"state": "ready"}
        if service not in self.accounts:
            return 404, {"state": "failed", "reason": "there is no such account"}
        self.accounts[service] = {"suspend": "suspended", "unsuspend": "active"}[verb]
        return 200, {"state": "ready"}

    def tell(self, what, service):
        """What became of an account; of its details nothing."""

    def call_back(self, call, answer):
        """Tells the gateway what became of a call, without having been asked."""
        body = json.dumps({**answer, "n": call["n"]}).encode()
        headers = signed_headers(self.secret, f"cb_{uuid.uuid4()}", str(int(self.now())), body)
        with urllib.request.urlopen(urllib.request.Request(call["callback_url"], body, headers), timeout=30):
            pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.serve(b"")

    def do_POST(self):
        self.serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def serve(self, body):
        status, answer = self.server.provisioner.handle(self.command, self.path, self.headers, body)
        self.answer(status, json.dumps(answer).encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, provisioner, port=0, handler=Handler):
        super().__init__(("127.0.0.1", port), handler)
        self.provisioner = provisioner


class Faulty(Provisioner):
    """One that does what it is asked, and makes one fault with the first answer under each Idempotency-Key."""

    def __init__(self, secret, fault):
        super().__init__(secret)
        self.fault = fault
        self.asked = set()

    def tell(self, what, service):
        print(what, service, flush=True)

    def is_to_fail(self, headers, body):
        if not self.fault or not self.is_signed(headers, body) or json.loads(body).get("dry_run"):
            return False
        key = headers["Idempotency-Key"]
        with self.lock:
            is_first = key not in self.asked
            self.asked.add(key)
        return is_first

    def begin(self, key):
        with self.lock:
            self.answers[key] = 202, {"state": "pending"}
            return self.answers[key]

    def finish(self, key, call):
        with self.lock:
            self.answers[key] = self.perform(call)
        self.call_back(call, self.answers[key][1])

    def forget(self, key):
        with self.lock:
            del self.answers[key]


class FaultyHandler(Handler):
    def serve(self, body):
        provisioner = self.server.provisioner
        if self.command != "POST" or not provisioner.is_to_fail(self.headers, body):
            return super().serve(body)
        key, call = self.headers["Idempotency-Key"], json.loads(body)
        if provisioner.fault == "late":
            status, answer = provisioner.begin(key)
            threading.Timer(LATE_SECONDS, provisioner.finish, (key, call)).start()
            return self.answer(status, json.dumps(answer).encode())
        status, answer = provisioner.handle(self.command, self.path, self.headers, body)
        if provisioner.fault == "twice":
            for _ in range(2):
                threading.Thread(target=provisioner.call_back, args=(call, answer), daemon=True).start()
            return self.answer(status, json.dumps(answer).encode())
        if provisioner.fault == "time-out":
            # Until the caller leaves.
            select.select([self.connection], [], [], SILENCE_SECONDS)
        if provisioner.fault == "forget":
            provisioner.forget(key)
        self.close_connection = True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int, help="on 127.0.0.1; 0: a free one")
    parser.add_argument("--fault", choices=FAULTS, help="what goes wrong with the first answer to anything")
    options = parser.parse_args()
    server = Server(Faulty(os.environ["TOLLGATE_SECRET"], options.fault), options.port, FaultyHandler)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
