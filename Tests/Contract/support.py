"""What the contract's scripts share: a gateway of their own in a temporary folder, HTTP, signatures, counting.

A script does:

    from support import Checks, Gateway, arguments
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate) as gateway:
        with checks("W6 the price list shows what is priced for the reseller"):
            answer = gateway.get("/t/hosting/api/partner/v1/products", key=gateway.reseller("hosting")["key"])
            assert answer.status == 200, answer
    checks.finish()
"""

import argparse
import base64
import concurrent.futures
import fcntl
import hashlib
import hmac
import http.client
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from checks import Checks, answered
from clock import Clock
from exposition import Metrics
from told import Catalogue, sweep

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_SECONDS_MAX = 120
STOP_SECONDS_MAX = 40
# Where the gateways of a run keep their commits (B1): `files`, `log`, or as the gateway has it.
COMMITS = os.environ.get("TOLLGATE_TEST_COMMITS")
# A PostgreSQL on which each gateway of a run is two nodes, called in turn (N4).
CLUSTER = os.environ.get("TOLLGATE_TEST_CLUSTER")
# A folder in which each gateway of a run leaves what its loops did (`loops.py`).
LOOPS = os.environ.get("TOLLGATE_TEST_LOOPS")
# Under a sanitizer memory is held back on purpose, and says nothing.
IS_SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ


def arguments(flags=None, **integers):
    """`--tollgate PATH` and `--long`, as ./test gives them; `name=help`: further options that take a number; `flags`: the
    same for those that take nothing."""
    parser = argparse.ArgumentParser()
    for name, text in (flags or {}).items():
        parser.add_argument(f"--{name}", action="store_true", help=text)
    for name, text in integers.items():
        parser.add_argument(f"--{name}", type=int, help=text)
    parser.add_argument("--tollgate", default=os.path.join(ROOT, ".build", "debug", "tollgate"))
    parser.add_argument("--long", action="store_true", help="run what takes minutes as well")
    options = parser.parse_args()
    options.tollgate = os.path.abspath(options.tollgate)
    # Ended from outside, a script still ends the gateways that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return options


class Answer:
    """Status, headers (names in lower case) and body of one answer."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


class Gateway:
    """`tollgate serve` as a child, on a free port, in a folder that is removed at the end.

    `data`: an existing folder to use and to leave; `arguments`: more options of serve; `demo`: with the demo tenants, whose
    twenty passwords cost seconds of scrypt; `tls`: the context that calls are made with, where the arguments ask for TLS;
    `clock`: its time of day is ours plus what `jump` adds, by libfaketime; as a text, a time at which it stands;
    `environment`: more than ours."""

    # The port that is asked for; 0: any.
    listens_at = 0

    def __init__(self, tollgate, *arguments, data=None, demo=True, blueprints=None, tls=None, clock=False,
                 environment=None):
        self.tollgate = tollgate
        self.arguments = list(arguments)
        self.has_demo = demo
        self.tls = tls
        self.blueprints = blueprints or os.path.join(ROOT, "tenants")
        self.owns_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="tollgate-")
        self.clock = Clock(self.data, clock if isinstance(clock, str) else None) if clock else None
        self.environment = environment or {}
        self.process = None
        self.output = []
        self.first_key = None
        self.pair = None
        if CLUSTER and not {"--commits", "--cluster"} & set(self.arguments):
            # It is made of gateways itself.
            from twofold import Pair
            self.pair = Pair(self, CLUSTER)
            self.listens_at = self.pair.port

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, failure=None, *_):
        is_whole = failure is None and self.owns_data and self.process is not None
        catalogue = Catalogue.of(self) if is_whole and self.process.poll() is None else None
        self.kill()
        try:
            if catalogue is not None:
                sweep(self.data, catalogue)
        finally:
            if self.owns_data:
                shutil.rmtree(self.data, ignore_errors=True)
        if self.clock:
            self.clock.remove()
        if self.pair:
            self.pair.remove()

    # Life

    def start(self):
        """Returns once the gateway listens; its port is then `self.port`."""
        command = [self.tollgate, "serve", "--port", str(self.listens_at), "--data", self.data]
        command += ["--blueprints", self.blueprints]
        command += (["--demo"] if self.has_demo else []) + self.arguments
        if self.pair:
            command += self.pair.words("first", self.listens_at)
        elif COMMITS and not {"--commits", "--cluster"} & set(self.arguments):
            command += ["--commits", COMMITS]
        if self.clock and "--clock-leap" not in self.arguments:
            command += ["--clock-leap", "0"]
        self.error_file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.error_file,
            env={**(self.clock.environment() if self.clock else os.environ), **self.environment})
        self.output = []
        self.pending = b""
        self.port = int(self.wait_for_line(r"listening on https?://[^ ]+:(\d+)$").group(1))
        self.base_url = f"http://127.0.0.1:{self.port}"
        if self.pair:
            self.pair.begin()
        if LOOPS:
            from loopwatch import watch_loops
            watch_loops(self, LOOPS)
        return self

    def jump(self, seconds):
        """The gateway's time of day goes on, or back, by so many seconds, at once."""
        self.clock.jump(seconds)

    def stand_at(self, time):
        """The gateway's time of day is this from now on, as "2026-03-22 10:30:00"."""
        self.clock.stands_at = time
        self.clock.write()

    def now(self):
        """The gateway's time of day, in seconds since 1970."""
        return time.time() + (self.clock.ahead_seconds if self.clock else 0)

    def wait_for_line(self, pattern, seconds=START_SECONDS_MAX):
        """Reads standard output up to a line that matches; every line is in `self.output`."""
        deadline = time.monotonic() + seconds
        while True:
            while b"\n" in self.pending:
                line, self.pending = self.pending.split(b"\n", 1)
                self.output.append(line.decode())
                match = re.search(pattern, self.output[-1])
                if match:
                    return match
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no line like {pattern!r} after {seconds} s: {self.output} {self.errors()}"
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, f"the gateway ended: {self.output} {self.errors()}"
            self.pending += piece

    def printed(self, pattern):
        """The first line of those read so far that matches, else of those to come."""
        matches = [match for match in (re.search(pattern, line) for line in self.output) if match]
        return matches[0] if matches else self.wait_for_line(pattern)

    def errors(self):
        """What the gateway has written to standard error so far, and its second node."""
        self.error_file.seek(0)
        return self.error_file.read().decode() + (self.pair.second.errors() if self.pair else "")

    def stop(self):
        """SIGTERM; returns the exit code once it has ended."""
        if self.pair:
            self.pair.end()
        self.process.send_signal(signal.SIGTERM)
        # Its last lines are read away, so that it never waits for a reader.
        rest = self.pending + self.process.communicate(timeout=STOP_SECONDS_MAX)[0]
        self.output += rest.decode().splitlines()
        return self.process.returncode

    def kill(self):
        """kill -9, of this child alone; nothing where it has ended."""
        if self.pair:
            self.pair.end()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    # The demo (D)

    @property
    def demo(self):
        with open(os.path.join(self.data, "demo.json"), encoding="utf-8") as file:
            return json.load(file)

    @property
    def provider_key(self):
        """The demo's; without a demo the one that the first start prints."""
        if self.has_demo:
            return self.demo["provider_key"]
        if self.first_key is None:
            self.first_key = self.printed(r"^provider key .*: (tgp_live_\w+)$").group(1)
        return self.first_key

    def tenant(self, blueprint):
        """slug, base_url, owner_key, owner_login, resellers."""
        return self.demo["tenants"][blueprint]

    def reseller(self, blueprint, number=0):
        """id, email, password, key, webhook_secret; number 0 is active."""
        return self.tenant(blueprint)["resellers"][number]

    # Calls

    def connection(self):
        port = self.pair.next_port() if self.pair else self.port
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def request(self, method, path, body=None, key=None, headers=None, connection=None):
        """`body`: bytes as they are, anything else as JSON; `key`: a bearer."""
        all_headers = dict(headers or {})
        if key is not None:
            all_headers["Authorization"] = f"Bearer {key}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            all_headers.setdefault("Content-Type", "application/json")
        used = connection or self.connection()
        try:
            used.request(method, path, body=body, headers=all_headers)
            answer = used.getresponse()
            done = Answer(answer.status, answer.getheaders(), answer.read())
            answered.append((f"{method} {path}", done))
            return done
        finally:
            if connection is None:
                used.close()

    def metrics(self):
        """What /metrics says now."""
        answer = self.get("/metrics")
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain; version=0.0.4"), answer
        return Metrics(answer.body.decode())

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.request("POST", path, body, **options)

    def put(self, path, body=None, **options):
        return self.request("PUT", path, body, **options)

    def patch(self, path, body=None, **options):
        return self.request("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def order(self, path, body, reseller, idempotency_key, headers=None, timestamp=None, connection=None):
        """A signed POST (W5) by one of `reseller(…)`."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = signature_headers(reseller["webhook_secret"], "POST", path, idempotency_key, raw, timestamp)
        signed["Content-Type"] = "application/json"
        signed.update(headers or {})
        return self.request("POST", path, raw, key=reseller["key"], headers=signed, connection=connection)

    def command(self, *words, environment=None, input=None):
        """Runs the command line against this gateway's data folder."""
        return command(self.tollgate, *words, "--data", self.data, environment=environment, input=input)


def together(calls):
    """Each call on a thread of its own; their results, in order."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [job.result() for job in [pool.submit(call) for call in calls]]


def take_signals():
    """In a process that begins: signals that the tests were begun without, as `nohup` does, end it all the same."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def verified_export(gateway, slug, *options):
    """A tenant's export, which `verify` finds sound; `options` of verify."""
    export = gateway.get(f"/provider/v1/tenants/{slug}/export", key=gateway.provider_key)
    assert export.status == 200, export
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(export.body)
        file.flush()
        result = command(gateway.tollgate, "verify", file.name, *options)
        assert result.returncode == 0, (result.stdout, result.stderr)
    return export.body


def command(tollgate, *words, environment=None, input=None, cwd=None):
    """Runs `tollgate WORDS…`; returncode, stdout and stderr as text."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TOLLGATE_")}
    return subprocess.run(
        [tollgate, *words], capture_output=True, text=True, timeout=120, env={**clean, **(environment or {})},
        input=input, stdin=None if input is not None else subprocess.DEVNULL, cwd=cwd)


def write_private(path, content):
    """A file that is its owner's alone, as those with a secret in them have to be."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(path, 0o600)


def tool(name):
    """The path of a program that is Debian's: installed, or unpacked by ./test into .build/tools."""
    unpacked = os.path.join(ROOT, ".build", "tools", "usr")
    path = shutil.which(name, path=os.pathsep.join(
        [os.environ.get("PATH", ""), "/usr/sbin", os.path.join(unpacked, "bin"), os.path.join(unpacked, "sbin")]))
    assert path, f"{name} is not there; ./test fetches it from Debian, LibreOffice with --long"
    return path


def python_of_tests():
    """The interpreter of `.venv`, with what `requirements.txt` lists installed: from PyPI where it is not there yet."""
    requirements = os.path.join(ROOT, "Tests", "Contract", "requirements.txt")
    folder = os.path.join(ROOT, ".venv")
    python = os.path.join(folder, "bin", "python")
    with open(requirements, encoding="utf-8") as file:
        # Scripts that run side by side make it one after the other.
        fcntl.flock(file, fcntl.LOCK_EX)
        if not os.path.exists(python):
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        wanted = set(file.read().split())
        pip = [python, "-m", "pip", "--disable-pip-version-check"]
        there = subprocess.run([*pip, "freeze"], capture_output=True, text=True, check=True).stdout.split()
        if not wanted <= set(there):
            run = subprocess.run([*pip, "install", "--quiet", "--requirement", requirements])
            if run.returncode != 0:
                sys.exit(f"Not all of {requirements} is installed in {folder}, and PyPI cannot be reached to install it.")
    return python


def webhook_secret_bytes(secret):
    """The bytes behind `whsec_…`."""
    assert secret.startswith("whsec_"), "not a signing secret"
    text = secret[len("whsec_"):]
    return base64.b64decode(text + "=" * (-len(text) % 4))


def signature_headers(secret, method, path, idempotency_key, body, timestamp=None):
    """W5: what a signed call carries; `path` with its query, as sent."""
    timestamp = str(int(time.time()) if timestamp is None else timestamp)
    signed = f"{timestamp}.{method}.{path}.{idempotency_key}.".encode() + body
    digest = hmac.new(webhook_secret_bytes(secret), signed, hashlib.sha256).hexdigest()
    return {
        "X-Tollgate-Timestamp": timestamp,
        "X-Tollgate-Signature": f"v1={digest}",
        "Idempotency-Key": idempotency_key,
    }


class Number(str):
    """A JSON number as it was written: amounts are compared digit for digit."""


def parsed(text):
    """JSON with its numbers as `Number`s; `// …` behind a line's last token is a comment, as documents have them."""
    return json.loads(re.sub(r"(?<=[\s,{}\[\]])//[^\"\n]*$", "", text, flags=re.M), parse_float=Number, parse_int=Number)


def kind(value):
    """A JSON value's type, as clients tell them apart: whole numbers and numbers with so many decimals are two."""
    if isinstance(value, Number):
        return f"number with {len(value.split('.')[1])} decimals" if "." in value else "whole number"
    return {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}[type(value)]


def differences(documented, got, varies=None, path=""):
    """Where an answer departs from the documented one, member by member in their order, type by type: a list of texts.

    Both as `parsed`. `varies`: path → pattern that the text of the value must match instead of being the documented one; of an
    array, what its length must match, and then each element must look like the first one documented. Elements are `*`."""
    varies = varies or {}
    place = path or "/"
    if kind(documented) != kind(got):
        return [f"{place}: documented as {kind(documented)}, is {kind(got)} ({str(got)[:80]})"]
    pattern = varies.get(path)
    if isinstance(documented, dict):
        found = [] if list(documented) == list(got) else [f"{place}: members {list(got)}, documented {list(documented)}"]
        for name in documented:
            if name in got:
                found += differences(documented[name], got[name], varies, f"{path}/{name}")
        return found
    if isinstance(documented, list):
        if pattern is None and len(documented) != len(got) or pattern and not re.fullmatch(pattern, str(len(got))):
            return [f"{place}: {len(got)} elements, documented {pattern or len(documented)}"]
        pairs = [(documented[0], element) for element in got] if pattern else zip(documented, got)
        return [text for want, element in pairs for text in differences(want, element, varies, f"{path}/*")]
    if pattern is not None:
        return [] if re.fullmatch(pattern, str(got)) else [f"{place}: {str(got)[:80]!r} is not like {pattern}"]
    return [] if documented == got else [f"{place}: {got!r}, documented {documented!r}"]


def shape(value):
    """Names and types of an answer, all the way down; of an array its first element."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__




def files(folder):
    """Path and bytes of every file below a folder."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    yield path, file.read()


def wait_until(condition, seconds=30, pause_seconds=0.02):
    """Asks again until the answer is true, and returns it; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(pause_seconds)
