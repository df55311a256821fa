"""A provisioner for Tollgate in plain Python (docs/provisioning.md): each account is made once, however often it is
asked for. What it remembers is in memory; a real one keeps it in its database, with the account.

    TOLLGATE_SECRET=whsec_… python3 provisioner.py 8080
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import secrets
import sys
import threading
import time

SKEW_SECONDS_MAX = 300


def secret_bytes(secret):
    return base64.b64decode(secret.removeprefix("whsec_"))


def signature(secret, message_id, timestamp, body):
    """Standard Webhooks 1.0.0: what `webhook-signature` must hold."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret_bytes(secret), signed, hashlib.sha256).digest()).decode()


class Provisioner:
    """Accounts by Tollgate's service id. `handle` answers one call; any thread."""

    def __init__(self, secret, now=time.time):
        self.secret = secret
        self.now = now
        self.lock = threading.Lock()
        self.accounts = {}
        # What was answered under each Idempotency-Key: the same question again is given the same answer.
        self.answers = {}

    def handle(self, method, path, headers, body):
        """Status and JSON."""
        if not self.is_signed(headers, body):
            return 401, {"state": "failed", "reason": "the signature does not match"}
        with self.lock:
            if method == "GET":
                # …/{service}/{verb}/{n}: what became of it?
                key = ":".join(path.rstrip("/").split("/")[-3:])
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
            self.accounts[service] = "active"
            return 200, {"state": "ready", "details": {
                "host": {"value": f"{service}.hosts.example", "secret": False},
                "password": {"value": secrets.token_urlsafe(12), "secret": True}}}
        if verb == "terminate":
            # What is not there is gone: that is what was asked for.
            self.accounts.pop(service, None)
            return 200, {"state": "ready"}
        if service not in self.accounts:
            return 404, {"state": "failed", "reason": "there is no such account"}
        self.accounts[service] = {"suspend": "suspended", "unsuspend": "active"}[verb]
        return 200, {"state": "ready"}


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


if __name__ == "__main__":
    Server(Provisioner(os.environ["TOLLGATE_SECRET"]), int(sys.argv[1])).serve_forever()
