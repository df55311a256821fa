"""A flood by strangers, as a child: for `flood.py` and for `./bench`. It is bounded in time and in connections, calls
127.0.0.1 alone, and ends by itself.

    flooding.py PORT BASE SECONDS [CODES]      BASE: /t/SLUG of a tenant of the blueprint `hosting`, CODES: of `codes`
"""

import http.client
import itertools
import json
import random
import re
import socket
import subprocess
import sys
import threading
import time

from endpoints import ADMIN, CODES, EVERY, PARTNER

ADDRESSES = 6
IDLE, DRIPPING, BODIES = 300, 60, 60
OPEN_CALLERS, GUESSERS, APPLICANTS = 3, 24, 2
HEAD = "HTTP/1.1\r\nHost: a\r\n"
# What is open besides: pages of every tenant, and what each API says of itself.
PAGES = ["/sign-in", "/apply", "/program", "/invite/none", "/reset-password/none"]
CODES_PAGES = ["/activate/none", "/activate/password/none"]
OF_API = ["/openapi.json", "/docs"]
ROOT_PATHS = ["/healthz", "/readyz"]
LOOKS = re.compile(r'"(/[^"]*/(?:theme|logo)\.[^"]*)"')


def open_calls(base, codes=None, looks=()):
    """Method and path of every route that is open to anybody, and of every open page, at a tenant of the blueprint
    `hosting` and at one of `codes`. `looks`: their colours and logos, whose paths name their bytes."""
    places = [(base, (ADMIN, PARTNER), PAGES)] + ([(codes, (ADMIN, CODES), PAGES + CODES_PAGES)] if codes else [])
    calls = [("GET", path) for path in [*ROOT_PATHS, *looks]]
    for place, apis, pages in places:
        calls += [("GET", place + path) for path in pages]
        calls += [("GET", place + api + path) for api in apis for path in OF_API]
        calls += [(route.method, place + route.api + re.sub(r"\{\w+\}", "none", route.path))
                  for route in EVERY if route.api in apis and route.access.startswith("open")]
    return calls


def looks(port, *bases):
    """What the pages of tenants load that is their own."""
    found = []
    for base in filter(None, bases):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", base + "/sign-in")
        found += LOOKS.findall(connection.getresponse().read().decode())
        connection.close()
    return sorted(set(found))


class Flood:
    """The child. As a context it ends with the block, at the latest after its seconds."""

    def __init__(self, port, base, seconds, codes=None):
        words = [str(port), base, str(seconds), *([codes] if codes else [])]
        self.child = subprocess.Popen([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True)

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

    def __init__(self, port, base, seconds, codes=None):
        self.port, self.base, self.end = port, base, time.monotonic() + seconds
        self.open = open_calls(base, codes, looks(port, base, codes))
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

    def calls(self, kind, call):
        """One call after the other from changing addresses; `call` gives each one's method, path and body."""
        while not self.is_over():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20, source_address=(self.host(), 0))
            try:
                for _ in range(100):
                    if self.is_over():
                        break
                    method, path, content = call()
                    connection.request(
                        method, path, content, {"Content-Type": "application/json"} if content else {})
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
        # Each caller begins elsewhere, so that a short flood has all of them too.
        ways = itertools.islice(itertools.cycle(self.open), random.randrange(len(self.open)), None)

        def call():
            method, path = next(ways)
            return method, path, None if method == "GET" else "{}"

        self.calls("open", call)

    def guesses(self):
        paths = itertools.cycle([f"{self.base}{ADMIN}/session", f"{self.base}{PARTNER}/session"])
        self.calls("passwords", lambda: ("POST", next(paths), json.dumps(
            {"email": f"g{next(self.numbers) % 50}@nowhere.example", "password": "not the password"})))

    def applications(self):
        self.calls("applications", lambda: ("POST", f"{self.base}{PARTNER}/apply", json.dumps(
            {"email": f"a{next(self.numbers)}-{self.port}@new.example", "name": "N", "password": "a long password"})))

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
    Crowd(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), *sys.argv[4:]).run()
