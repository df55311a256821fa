"""A receiver of webhooks for the contract's scripts, and Standard Webhooks' signature from both its sides (H1)."""

import base64
import hashlib
import hmac
import http.server
import threading
import time

from support import webhook_secret_bytes


def signature(secret, message, timestamp, body):
    code = hmac.new(webhook_secret_bytes(secret), f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(code).decode()


def sign(secrets, message, body, at=None):
    """The headers of an attempt that is signed with each of these secrets."""
    timestamp = str(int(time.time() if at is None else at))
    return {
        "Content-Type": "application/json", "webhook-id": message, "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signature(secret, message, timestamp, body) for secret in secrets)}


class Received:
    """One attempt as it came: when, path, headers with names in lower case, body."""

    def __init__(self, path, headers, body):
        self.at = time.monotonic()
        self.path, self.body = path, body
        self.headers = {name.lower(): value for name, value in headers.items()}

    @property
    def message(self):
        return self.headers["webhook-id"]

    @property
    def signatures(self):
        return self.headers["webhook-signature"].split(" ")

    def is_signed(self, secret):
        timestamp = self.headers["webhook-timestamp"]
        return (abs(time.time() - int(timestamp)) <= 300
                and signature(secret, self.message, timestamp, self.body) in self.signatures)


class Hook(http.server.ThreadingHTTPServer):
    """A receiver on a free port, which answers as `answer(received)` says, 204 where it is not given: a status, or status,
    headers and body. `calls`: what came, in its order; `connections`: how often it was connected to."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, answer=None, address="127.0.0.1", port=0):
        self.answer = answer or (lambda received: 204)
        self.lock = threading.Lock()
        self.calls = []
        self.connections = 0
        super().__init__((address, port), HookHandler)
        self.port = self.server_address[1]
        self.url = f"http://{address}:{self.port}/hook"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def get_request(self):
        request = super().get_request()
        with self.lock:
            self.connections += 1
        return request

    def handle_error(self, *_):
        """A gateway that was killed in the middle of a call is no error of the receiver."""

    def of(self, message):
        with self.lock:
            return [call for call in self.calls if call.message == message]


class HookHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        received = Received(self.path, self.headers, self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        with self.server.lock:
            self.server.calls.append(received)
        answer = self.server.answer(received)
        status, headers, body = answer if isinstance(answer, tuple) else (answer, {}, b"")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
