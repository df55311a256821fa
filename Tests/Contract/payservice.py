"""A hosted-payment service on loopback: what the scripts on top-ups share."""

import base64
import hashlib
import hmac
import http.server
import json
import select
import threading
import time
import uuid

from support import webhook_secret_bytes

API_KEY = "the-service's-own-key-4711"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class PaymentService(http.server.ThreadingHTTPServer):
    """A hosted-payment service. `behaviour` says how creates are answered; the same Idempotency-Key is the same
    payment."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), PaymentHandler)
        self.behaviour = "ok"
        # Told each payment that is asked for, before it is answered.
        self.told = None
        self.lock = threading.Lock()
        self.calls = []
        self.payments = {}
        self.running = self.running_max = 0
        self.release = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1/payments"

    def handle_error(self, request, client_address):
        """Clients that leave are part of the tests."""

    def behave(self, behaviour):
        with self.lock:
            self.behaviour, self.calls, self.running_max = behaviour, [], 0
            self.release = threading.Event()


class PaymentHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        service = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with service.lock:
            service.calls.append((self.path, dict(self.headers), body))
            attempt, behaviour = len(service.calls), service.behaviour
            release = service.release
            service.running += 1
            service.running_max = max(service.running_max, service.running)
        try:
            if service.told is not None:
                service.told(json.loads(body))
            self.serve(service, body, attempt, behaviour, release)
        finally:
            with service.lock:
                service.running -= 1

    def serve(self, service, body, attempt, behaviour, release):
        if behaviour == "hang":
            # Until it is let go, or the client has given up.
            while not release.wait(0.02) and not select.select([self.connection], [], [], 0)[0]:
                pass
            self.close_connection = True
        elif behaviour == "drop" or (behaviour == "drop once" and attempt == 1):
            self.close_connection = True
        elif behaviour == "broken" or (behaviour == "broken once" and attempt == 1):
            self.answer(500, b"{}")
        elif behaviour == "redirect":
            self.answer(307, b"", [("Location", service.url + "/elsewhere")])
        elif behaviour == "refuse":
            self.answer(402, b'{"error":"no"}')
        elif behaviour.startswith("{") or behaviour in ("garbage", "large", ""):
            self.answer(200, {"garbage": b"<html>", "large": b'{"id":"' + b"x" * 100_000 + b'"}'}.get(
                behaviour, behaviour.encode()))
        elif self.headers.get("Authorization") != f"Bearer {API_KEY}":
            self.answer(401, b'{"error":"who?"}')
        else:
            if behaviour == "slow":
                release.wait(1)
            with service.lock:
                key = self.headers["Idempotency-Key"]
                made = service.payments.setdefault(key, {**json.loads(body), "id": f"pp_{len(service.payments) + 1}"})
            self.answer(201, json.dumps({
                "id": made["id"], "payment_url": f"https://pay.example/{made['id']}", "more": [1, None]}).encode())

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def signed(body, secret=SECRET, message=None, timestamp=None):
    """Standard Webhooks 1.0.0."""
    message = message or f"msg_{uuid.uuid4().hex}"
    timestamp = str(int(time.time()) if timestamp is None else timestamp)
    code = hmac.new(webhook_secret_bytes(secret), f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": message, "webhook-timestamp": timestamp, "Content-Type": "application/json",
            "webhook-signature": "v1," + base64.b64encode(code).decode()}
