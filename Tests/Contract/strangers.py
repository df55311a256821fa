"""Clients at addresses of their own (127.x), with and without a key, and what a gateway says of its budgets: for the
scripts that spend them."""

import collections
import contextlib
import http.client
import http.server
import itertools
import json
import math
import re
import socket
import threading
import time

WRONG = "not the password"
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
