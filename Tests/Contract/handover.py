"""An upgrade while the gateway serves (G8): another program takes the listening sockets over, by SIGUSR2 or by a
service manager that holds them (LISTEN_FDS). Clients that never ask twice lose nothing: no connection is refused or
reset, no answer is lost, on new connections and on kept ones; what was answered is there. A program that cannot serve
gets no place."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import uuid

from loopwatch import threads
from shop import PARTNER, Shop
from support import (
    ROOT, Checks, Gateway, arguments, signature_headers, verified_export, wait_until, write_private)
from wire import certificate

CLIENTS = 8
ENOUGH = 25
SECONDS_MAX = 60

# What a service manager does: binds, listens, and runs the program with its sockets from descriptor 3 on.
MANAGER = """
import os, sys
count = int(sys.argv[1])
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Load:
    """Threads that place signed orders, and never again where one fails; half of them on one connection as long as the
    gateway keeps it, the others on a new one each time."""

    def __init__(self, port, shop, reseller, sku):
        self.port, self.shop, self.reseller, self.sku = port, shop, reseller, sku
        self.failures, self.orders, self.answers = [], [], 0
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number % 2 == 0,)) for number in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def run(self, is_kept):
        connection = None
        while not self.is_over.is_set():
            connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_MAX)
            try:
                closes = self.call(connection)
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failures.append(f"{'kept' if is_kept else 'new'}: {error!r}")
                return
            if closes or not is_kept:
                connection.close()
                connection = None

    def call(self, connection):
        path = self.shop.base + PARTNER + "/orders"
        key = str(uuid.uuid4())
        body = ('{"product":"%s","term":"monthly","quantity":1,"customer":{"external_id":"c-1"}}' % self.sku).encode()
        headers = signature_headers(self.reseller["webhook_secret"], "POST", path, key, body)
        headers |= {"Content-Type": "application/json", "Authorization": f"Bearer {self.reseller['key']}"}
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 201, (answer.status, text)
        with self.lock:
            self.answers += 1
            self.orders.append(re.search(rb'"id":"(ord_\w+)"', text)[1].decode())
        return answer.will_close

    def more(self, count=ENOUGH):
        """So many more answers have come; fails as soon as one call has."""
        wanted = self.answers + count
        wait_until(lambda: self.answers >= wanted or self.failures, seconds=SECONDS_MAX)
        assert not self.failures, self.failures


class Passing(Gateway):
    """A gateway whose listening sockets this test holds, as a service manager does."""

    def __init__(self, tollgate, *arguments, sockets=(), **more):
        super().__init__(tollgate, *arguments, **more)
        self.sockets = sockets

    def start(self):
        if not self.sockets:
            return super().start()
        words = [sys.executable, "-c", MANAGER, str(len(self.sockets)), self.tollgate, "serve", "--data", self.data,
                 "--blueprints", self.blueprints, *self.arguments]
        self.error_file = tempfile.TemporaryFile()

        def place():
            for number, held in enumerate(self.sockets):
                os.dup2(held.fileno(), 1000 + number)
            for number in range(len(self.sockets)):
                os.dup2(1000 + number, 3 + number)

        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.error_file, preexec_fn=place,
            close_fds=True, pass_fds=range(3, 3 + len(self.sockets)))
        self.output, self.pending = [], b""
        self.port = int(self.wait_for_line(r"listening on https?://[^ ]+:(\d+)$").group(1))
        self.base_url = f"http://127.0.0.1:{self.port}"
        return self


def listening():
    held = socket.create_server(("127.0.0.1", 0), backlog=1024)
    held.set_inheritable(True)
    return held


@contextlib.contextmanager
def scene(gateway):
    """A shop under load."""
    shop = Shop(gateway)
    reseller = shop.reseller(balance="100000.00")
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    with Load(gateway.port, shop, reseller, sku) as load:
        load.more()
        yield shop, load
    assert not load.failures, load.failures


def all_there(gateway, shop, load):
    """Every order that was answered, once; and nothing else."""
    listed, cursor = [], ""
    while cursor is not None:
        page = shop.get(load.reseller, f"/orders?limit=100{cursor and '&cursor=' + cursor}").json
        listed += [order["id"] for order in page["data"]]
        cursor = page["next_cursor"]
    assert sorted(listed) == sorted(load.orders) and len(set(listed)) == len(listed), (len(listed), len(load.orders))
    verified_export(gateway, shop.slug)


def replaced(checks, tollgate, folder):
    """SIGUSR2: the same process becomes the program that stands at its path now."""
    program = os.path.join(folder, "tollgate")
    shutil.copy(tollgate, program)
    with Gateway(program, demo=False) as gateway:
        port, process = gateway.port, gateway.process.pid
        with checks("G8 an upgrade under load: clients that never ask twice lose no call, on new connections and on "
                    "kept ones"):
            with scene(gateway) as (shop, load):
                for _ in range(3):
                    # As a package does it: the new file takes the name of the old.
                    shutil.copy(tollgate, program + ".new")
                    os.rename(program + ".new", program)
                    began = len(gateway.output)
                    gateway.process.send_signal(signal.SIGUSR2)
                    gateway.wait_for_line(r"giving place to tollgate ")
                    assert int(gateway.wait_for_line(r"listening on http://127.0.0.1:(\d+)$").group(1)) == port
                    assert len(gateway.output) > began
                    load.more()
            assert gateway.process.poll() is None and gateway.process.pid == process
            print(f"# {load.answers} answers, none lost, over three upgrades", flush=True)
        with checks("G8 after an upgrade every order that was answered is there, once"):
            all_there(gateway, shop, load)
        with checks("G7 G8 an upgrade never makes /readyz say 503, since nobody has to go elsewhere"):
            seen, is_over = set(), threading.Event()

            def watch():
                while not is_over.is_set():
                    seen.add(gateway.get("/readyz").status)

            watcher = threading.Thread(target=watch)
            watcher.start()
            gateway.process.send_signal(signal.SIGUSR2)
            gateway.wait_for_line(r"listening on ")
            wait_until(lambda: gateway.get("/readyz").status == 200)
            is_over.set()
            watcher.join()
            assert seen == {200}, seen
        with checks("G8 a connection that was kept and says nothing is closed after the upgrade's patience, not reset"):
            idle = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=SECONDS_MAX)
            idle.request("GET", "/healthz")
            assert idle.getresponse().read() is not None
            gateway.process.send_signal(signal.SIGUSR2)
            assert idle.sock.recv(1) == b""
            gateway.wait_for_line(r"listening on ")
        refused(checks, gateway, program, tollgate)
        with checks("G8 SIGTERM while an upgrade waits for the last requests ends the gateway, and no other begins"):
            slow = socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS_MAX)
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
            gateway.process.send_signal(signal.SIGUSR2)
            gateway.wait_for_line(r"giving place to ")
            wait_until(lambda: refuses_control(gateway))
            gateway.process.send_signal(signal.SIGTERM)
            slow.sendall(b"\r\n")
            assert slow.recv(100).startswith(b"HTTP/1.1 200")
            slow.close()
            gateway.process.wait(SECONDS_MAX)
            assert gateway.process.returncode == 0, gateway.errors()
            with contextlib.suppress(ConnectionError):
                socket.create_connection(("127.0.0.1", port), timeout=SECONDS_MAX).close()
                raise AssertionError("somebody listens on")


def refuses_control(gateway):
    """The control socket is gone as soon as the drain has begun."""
    return not os.path.exists(os.path.join(gateway.data, "control.sock"))


def refused(checks, gateway, program, tollgate):
    with checks("G8 a program that does not start, or is no Tollgate, gets no place: the gateway goes on and says why"):
        for text, words in (("#!/bin/sh\nexit 3\n", "code 3"), ("#!/bin/sh\necho hello\n", "no Tollgate"),
                            ("not a program", "did not start"),
                            ("#!/bin/sh\n[ $1 = version ] && echo tollgate 9 || exit 2\n",
                             "does not understand the options"),
                            (None, "did not start")):
            if text is None:
                os.remove(program)
            else:
                with open(program + ".new", "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(program + ".new", 0o755)
                os.rename(program + ".new", program)
            before = gateway.errors()
            gateway.process.send_signal(signal.SIGUSR2)
            wait_until(lambda: "the gateway goes on" in gateway.errors()[len(before):])
            said = gateway.errors()[len(before):]
            assert words in said and program in said, said
            assert gateway.get("/readyz").status == 200
        shutil.copy(tollgate, program + ".new")
        os.rename(program + ".new", program)


def would_not_start(checks, tollgate, folder):
    """Files that the new program would refuse at its start."""
    program, blueprints = os.path.join(folder, "upgraded"), os.path.join(folder, "blueprints")
    shutil.copy(tollgate, program)
    shutil.copytree(os.path.join(ROOT, "tenants"), blueprints)
    added, secret = os.path.join(blueprints, "more.json"), os.path.join(folder, "words")
    chain, key = certificate(folder, "gateway", "127.0.0.1")
    context = ssl.create_default_context(cafile=chain)
    context.check_hostname = False
    write_private(secret, "the words of this test\n")
    words = ["--tls-cert", chain, "--tls-key", key, "--commits", "log", "--archive", os.path.join(folder, "archive"),
             "--archive-passphrase-file", secret]

    def checked(gateway):
        return subprocess.run(
            [program, "serve", "--data", gateway.data, "--blueprints", blueprints, *words, "--check"],
            capture_output=True, text=True, timeout=SECONDS_MAX)

    with Gateway(program, *words, tls=context, demo=False, blueprints=blueprints) as gateway:
        for path, text, told in ((added, "{", "more.json"), (chain, "none", chain), (secret, "short", secret)):
            with checks(f"G8 what a start would refuse keeps the gateway in its place, and is told: {told}"):
                kept = None if path == added else read(path)
                write_private(path, text)
                before = gateway.errors()
                gateway.process.send_signal(signal.SIGUSR2)
                wait_until(lambda: "the gateway goes on" in gateway.errors()[len(before):])
                said = gateway.errors()[len(before):]
                assert told in said and "would not start" in said, said
                assert gateway.get("/readyz").status == 200
                run = checked(gateway)
                assert run.returncode in (1, 2) and told in run.stderr and not run.stdout, run
                if kept is None:
                    os.remove(path)
                else:
                    write_private(path, kept)
        with checks("G8 serve --check says beforehand that a gateway would start, beside the one that serves"):
            run = checked(gateway)
            assert run.returncode == 0 and "hosting" in run.stdout and not run.stderr, run
            gateway.process.send_signal(signal.SIGUSR2)
            gateway.wait_for_line(r"giving place to ")
            gateway.wait_for_line(r"listening on ")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def activated(checks, tollgate):
    """A manager holds the sockets: SIGTERM, then a new process."""
    held = [listening()]
    address = "127.0.0.1:%d" % held[0].getsockname()[1]
    with contextlib.ExitStack() as stack:
        stack.callback(held[0].close)
        gateway = stack.enter_context(Passing(tollgate, "--listen", address, "--loops", "3", sockets=held, demo=False))
        with checks("G8 a restart under a manager that holds the socket: clients that never ask twice lose no call"):
            with scene(gateway) as (shop, load):
                for _ in range(2):
                    assert gateway.stop() == 0, gateway.errors()
                    gateway.start()
                    load.more()
            all_there(gateway, shop, load)
            print(f"# {load.answers} answers, none lost, over two restarts", flush=True)
        with checks("G8 several sockets of one address, and fewer or more of them than loops, are all served"):
            assert gateway.stop() == 0
            more = [socket.socket(fileno=os.dup(held[0].fileno())) for _ in range(4)]
            for one in more:
                one.set_inheritable(True)
                stack.callback(one.close)
            gateway.sockets = held + more
            gateway.start()
            assert all(gateway.get("/healthz").status == 200 for _ in range(20))
            assert gateway.stop() == 0
            gateway.sockets = held
        with checks("G8 what is handed over and named by no listener, or is no listening socket, is refused in a line"):
            strange = listening()
            stack.callback(strange.close)
            plain = socket.socket()
            plain.set_inheritable(True)
            stack.callback(plain.close)
            for sockets, words in (([strange], "no --listen or --admin-listen names it"),
                                   ([plain], "not a listening TCP socket")):
                gateway.sockets = sockets
                try:
                    gateway.start()
                except AssertionError:
                    pass
                assert gateway.process.wait(SECONDS_MAX) == 1
                assert words in gateway.errors() and gateway.errors().count("\n") == 1, gateway.errors()
            gateway.sockets = held
        with checks("G8 sockets that the environment promises to another process are left alone"):
            environment = {**os.environ, "LISTEN_PID": "1", "LISTEN_FDS": "1"}
            run = subprocess.run(
                [tollgate, "serve", "--port", "nowhere"], env=environment, capture_output=True, text=True)
            assert run.returncode == 2 and "--port" in run.stderr, run
            gateway.start()


def nice(checks, tollgate):
    with checks("G8 loops stay as nice, and of the scheduling policy, that the service manager has begun them with"):
        found, niceness = [], max(5, os.getpriority(os.PRIO_PROCESS, 0))

        def begin():
            # Of this thread alone, and of what it begins.
            os.setpriority(os.PRIO_PROCESS, 0, niceness)
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
            with Gateway(tollgate, demo=False) as gateway:
                assert gateway.get("/healthz").status == 200
                names = threads(gateway.process.pid)
                loops = [int(number) for number, name in names.items() if name.startswith("loop-")]
                found.extend((os.sched_getscheduler(loop), os.getpriority(os.PRIO_PROCESS, loop)) for loop in loops)
        thread = threading.Thread(target=begin)
        thread.start()
        thread.join()
        assert found and set(found) == {(os.SCHED_BATCH, niceness)}, found


def main():
    options = arguments()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="tollgate-") as folder:
        replaced(checks, options.tollgate, folder)
        would_not_start(checks, options.tollgate, folder)
    activated(checks, options.tollgate)
    nice(checks, options.tollgate)
    checks.finish()


if __name__ == "__main__":
    main()
