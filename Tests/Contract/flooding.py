"""A flood by strangers, as a child: for `flood.py` and for `./bench`. It is bounded in time and in connections, calls
127.0.0.1 alone, and ends by itself.

    flooding.py PORT BASE SECONDS      BASE: /t/SLUG of a tenant of the blueprint `hosting`
"""

import http.client
import itertools
import json
import random
import socket
import subprocess
import sys
import threading
import time

ADDRESSES = 6
IDLE, DRIPPING, BODIES = 300, 60, 60
OPEN_CALLERS, GUESSERS, APPLICANTS = 3, 24, 2
PARTNER = "/api/partner/v1"
HEAD = "HTTP/1.1\r\nHost: a\r\n"


class Flood:
    """The child. As a context it ends with the block, at the latest after its seconds."""

    def __init__(self, port, base, seconds):
        self.child = subprocess.Popen(
            [sys.executable, __file__, str(port), base, str(seconds)], stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        # Its first line says that all of it has begun.
        self.child.stdout.readline()
        return self

    def counts(self):
        """How often each status came, by kind, once it has ended."""
        return json.loads(self.child.communicate()[0])

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
            self.child.communicate()


class Crowd:
    """What the child does."""

    def __init__(self, port, base, seconds):
        self.port, self.base, self.end = port, base, time.monotonic() + seconds
        self.counts, self.lock = {}, threading.Lock()
        self.numbers = itertools.count(1)

    def is_over(self):
        return time.monotonic() > self.end

    def count(self, kind, status):
        with self.lock:
            counted = self.counts.setdefault(kind, {})
            counted[str(status)] = counted.get(str(status), 0) + 1

    def host(self):
        return f"127.77.0.{random.randrange(ADDRESSES) + 1}"

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 10, source_address=(self.host(), 0))

    def calls(self, kind, method, path, body):
        """One call after the other from changing addresses; `path` and `body` are asked for each."""
        while not self.is_over():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20, source_address=(self.host(), 0))
            try:
                for _ in range(100):
                    if self.is_over():
                        break
                    content = body()
                    connection.request(
                        method, path(), content, {"Content-Type": "application/json"} if content else {})
                    answer = connection.getresponse()
                    answer.read()
                    self.count(kind, answer.status)
                    if answer.status >= 500:
                        time.sleep(0.05)
            except OSError:
                self.count(kind, "closed")
                time.sleep(0.05)
            except http.client.HTTPException:
                self.count(kind, "closed")
            finally:
                connection.close()

    def open_calls(self):
        paths = itertools.cycle([
            f"{self.base}{PARTNER}/openapi.json", f"{self.base}/api/admin/openapi.json", f"{self.base}/invite/none",
            f"{self.base}{PARTNER}/balance", "/provider/v1/tenants", f"{self.base}/activate/none", "/readyz", "/none"])
        self.calls("open", "GET", lambda: next(paths), lambda: None)

    def guesses(self):
        paths = itertools.cycle([f"{self.base}/api/admin/session", f"{self.base}{PARTNER}/session"])
        self.calls("passwords", "POST", lambda: next(paths), lambda: json.dumps(
            {"email": f"g{next(self.numbers) % 50}@nowhere.example", "password": "not the password"}))

    def applications(self):
        self.calls("applications", "POST", lambda: f"{self.base}{PARTNER}/apply", lambda: json.dumps(
            {"email": f"a{next(self.numbers)}-{self.port}@new.example", "name": "N", "password": "a long password"}))

    def held(self, kind, count, first, more):
        """So many connections at once that send `first` and then `more` each second."""
        ones = []
        while not self.is_over():
            kept = []
            for one in ones:
                try:
                    if more:
                        one.sendall(more)
                    kept.append(one)
                except OSError:
                    self.count(kind, "closed")
                    one.close()
            ones = kept
            while len(ones) < count and not self.is_over():
                try:
                    ones.append(self.connect())
                    ones[-1].sendall(first)
                    self.count(kind, "opened")
                except OSError:
                    self.count(kind, "refused")
                    break
            time.sleep(1)
        for one in ones:
            one.close()

    def run(self):
        body = f"POST {self.base}/api/admin/session {HEAD}Content-Type: application/json\r\nContent-Length: "
        kinds = [(self.open_calls, ())] * OPEN_CALLERS + [(self.guesses, ())] * GUESSERS
        kinds += [(self.applications, ())] * APPLICANTS + [
            (self.held, ("idle", IDLE, b"", b"")),
            (self.held, ("dripping", DRIPPING, f"GET / {HEAD}".encode(), b"X")),
            (self.held, ("bodies", BODIES, f"{body}16000\r\n\r\n".encode() + b"x" * 4_000, b"x" * 2_100)),
            (self.held, ("large bodies", BODIES, f"{body}{1 << 20}\r\n\r\n".encode() + b"x" * 8_000, b""))]
        threads = [threading.Thread(target=target, args=arguments) for target, arguments in kinds]
        for thread in threads:
            thread.start()
        time.sleep(min(2, max(0, self.end - time.monotonic())))
        print("begun", flush=True)
        for thread in threads:
            thread.join()
        print(json.dumps(self.counts))


class Reader:
    """Reads paced by the clock, so many a second over a few connections, as a shop does them."""

    def __init__(self, port, path, key, rate=500, connections=8):
        self.port, self.path, self.key = port, path, key
        self.rate, self.connections = rate, connections
        self.times, self.statuses = [], {}
        self.lock = threading.Lock()

    def run(self, seconds):
        threads = [threading.Thread(target=self.read, args=(seconds, place)) for place in range(self.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self

    def read(self, seconds, place):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30, source_address=("127.0.0.3", 0))
        pause = self.connections / self.rate
        begin = time.monotonic() + place / self.rate
        times, statuses = [], {}
        for number in range(int(seconds / pause)):
            due = begin + number * pause
            time.sleep(max(0, due - time.monotonic()))
            sent = time.monotonic()
            try:
                connection.request("GET", self.path, headers={"Authorization": f"Bearer {self.key}"})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                status = "closed"
                connection.close()
            times.append(time.monotonic() - sent)
            statuses[status] = statuses.get(status, 0) + 1
        connection.close()
        with self.lock:
            self.times += times
            for status, count in statuses.items():
                self.statuses[status] = self.statuses.get(status, 0) + count

    @property
    def p99(self):
        """Milliseconds."""
        return sorted(self.times)[int(len(self.times) * 0.99)] * 1_000


if __name__ == "__main__":
    Crowd(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])).run()
