#!/usr/bin/env python3
"""A disk that fails under a live gateway (G8, P1, P2, P5, G7): EIO on sync and write, no space left, a quota that
is reached, files that are damaged or another tenant's. Every answer is clear and true: nothing told as done is gone after
kill -9, nothing told as not done comes back, other tenants go on, and service resumes when the disk is good again."""

import contextlib
from decimal import Decimal
import http.client
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from cluster import Node, Postgres, share_key
from shop import Shop
from support import STOP_SECONDS_MAX, Checks, Gateway, arguments, verified_export, wait_until

PROVIDER = "/provider/v1"
NAMESPACE = "TOLLGATE_TEST_NAMESPACE"
# Each tenant's commits in a WAL of its own; the node's log has logfaults.py, but for a disk without room.
FILES = ("--commits", "files")
LOG = ("--commits", "log")
NOT_DONE = {
    "not_committed", "storage_full", "tenant_unavailable", "busy", "closing", "tenant_moving", "log_unavailable"}


def main():
    enter_namespace()
    options = arguments()
    checks = Checks()
    seed = int(os.environ.get("TOLLGATE_TEST_SEED", time.time_ns() % 1_000_000))
    print(f"# seed {seed} (TOLLGATE_TEST_SEED)", flush=True)
    chance = random.Random(seed)
    if can_inject():
        with Gateway(options.tollgate, *FILES, demo=False) as gateway:
            one_sync(checks, gateway)
            one_write(checks, gateway)
            whole_disk(checks, gateway)
            storm(checks, gateway, chance, rounds=30 if options.long else 3)
    else:
        loudly("strace is missing or may not trace: EIO was NOT tested")
    full_disk(checks, options)
    with Gateway(options.tollgate, *FILES, "--budget", "room_reseller=1000", demo=False) as gateway:
        quota(checks, gateway)
        wrong_files(checks, gateway)
    wrong_registry(checks, options)
    checks.finish()


def loudly(text):
    print(f"# !!! {text} !!!", flush=True)


def enter_namespace():
    """Runs again with mounts of its own, where that is allowed: a small disk is a mount."""
    if NAMESPACE in os.environ or shutil.which("unshare") is None:
        return
    words = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    if subprocess.run([*words, "mount", "--make-rprivate", "/"], capture_output=True).returncode == 0:
        os.environ[NAMESPACE] = "1"
        os.execvp("unshare", [*words, "--", sys.executable, "-u", *sys.argv])


def can_inject():
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(
        ["strace", "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO", "true"], capture_output=True)
    return tried.returncode == 0


class Trouble:
    """While it lasts, these system calls of the gateway fail: all of them, or those on one file.

    `when`: strace's, say `1` for the first alone, `1+` for all."""

    def __init__(self, gateway, calls, error="EIO", when="1+", path=None):
        self.process = gateway.process
        self.words = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when={when}"]
        self.words += ["-P", path] if path else []

    def __enter__(self):
        threads = len(os.listdir(f"/proc/{self.process.pid}/task"))
        self.strace = subprocess.Popen([*self.words, "-p", str(self.process.pid)], stderr=subprocess.PIPE, text=True)
        attached = 0
        while attached < threads:
            line = self.strace.stderr.readline()
            assert line, "strace ended"
            match = re.search(r"attached(?: with (\d+) threads)?", line)
            attached += int(match.group(1) or 1) if match else 0
        # What it says from now on is read away.
        threading.Thread(target=self.strace.stderr.read, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.strace.terminate()
        self.strace.wait(STOP_SECONDS_MAX)


class Trade:
    """A shop with one buyer, and what the buyer was told: by key `done`, `not done` or `unknown`."""

    price = Decimal("0.37")

    def __init__(self, gateway, funds="1000.00", **fields):
        self.gateway = gateway
        self.shop = Shop(gateway, **fields)
        self.sku = self.shop.product()
        self.buyer = self.shop.reseller(balance=funds)
        self.shop.price(self.buyer, self.sku, {"wholesale_monthly": str(self.price)})
        self.funds = Decimal(funds)
        self.told = {}
        self.number = 0

    @property
    def file(self):
        id = self.shop.made["id"]
        return os.path.join(self.gateway.data, "tenants", id[:2], id + ".sqlite")

    def buy(self, key=None, connection=None):
        """An order; its customer is named as its key, so that it can be looked for later."""
        if key is None:
            self.number += 1
            key = f"{self.shop.slug}-{self.number}-{threading.get_ident()}"
        self.told[key] = "unknown"
        answer = self.shop.order(self.buyer, self.sku, customer=key, key=key, connection=connection)
        if answer.status == 201:
            self.told[key] = "done"
        elif answer.status == 503 and answer.json["code"] == "outcome_unknown":
            assert "Idempotency-Key" in answer.json["detail"] and answer.headers["retry-after"], answer
        else:
            assert answer.status in (402, 503), answer
            assert answer.status == 402 or answer.json["code"] in NOT_DONE, answer
            assert answer.status == 402 or int(answer.headers["retry-after"]) > 0, answer
            self.told[key] = "not done"
        answer.key = key
        return answer

    def is_there(self, key):
        answer = self.shop.get(self.buyer, f"/customers?external_id={key}")
        assert answer.status == 200, answer
        return bool(answer.json["data"])

    def check(self):
        """The books: what was told is so, and every cent is accounted for."""
        there = 0
        for key, told in self.told.items():
            found = self.is_there(key)
            assert told != "done" or found, f"{key} was told as done and is not there"
            assert told != "not done" or not found, f"{key} was told as not done and is there"
            self.told[key] = "done" if found else "not done"
            there += found
        assert self.shop.balance(self.buyer) == self.funds - there * self.price

    def check_killed(self):
        """The same after kill -9, and what is exported verifies."""
        self.gateway.kill()
        self.gateway.start()
        self.check()
        self.verify()

    def verify(self):
        verified_export(self.gateway, self.shop.slug, "--all-signatures")


def metric(gateway, name):
    page = gateway.get("/metrics", key=gateway.provider_key).body.decode()
    return int(re.search(rf"^{re.escape(name)} (\d+)$", page, re.MULTILINE).group(1))


def is_up(gateway):
    return gateway.get("/healthz").status == gateway.get("/readyz").status == 200


def one_sync(checks, gateway):
    victim, neighbour = Trade(gateway), Trade(gateway)
    with checks("G8 EIO on one fdatasync: 503 not_committed, nothing was done; the neighbour notices nothing; metrics count it"):
        failed = metric(gateway, "tollgate_commits_failed_total")
        with Trouble(gateway, "fdatasync", when="1", path=victim.file + "-wal"):
            answer = victim.buy()
            assert answer.json["code"] == "not_committed", answer
            assert neighbour.buy().status == 201
        assert metric(gateway, "tollgate_commits_failed_total") == failed + 1
        assert metric(gateway, "tollgate_fences_total") == metric(gateway, "tollgate_lanes_fenced") == 0
        assert is_up(gateway)
        assert not victim.is_there(answer.key)
        assert f"tenant {victim.shop.made['id']}: commit failed" in gateway.errors()
    with checks("G8 … and it stays so over kill -9; asked again under the same key it is done, once"):
        victim.check_killed()
        again = victim.buy(answer.key)
        assert again.status == 201 and "idempotency-hit" not in again.headers, again
        assert victim.buy(answer.key).headers["idempotency-hit"] == "true"
        victim.check()
        neighbour.check()


def one_write(checks, gateway):
    victim, neighbour = Trade(gateway), Trade(gateway)
    with checks("G8 EIO on every write to one tenant's WAL: 503 for its writes, the neighbour buys on; after it all is well"):
        assert victim.buy().status == 201
        with Trouble(gateway, "pwrite64", path=victim.file + "-wal"):
            assert victim.buy().status == 503
            for _ in range(3):
                assert neighbour.buy().status == 201
            assert is_up(gateway)
        assert victim.buy().status == 201
        victim.check()
        assert metric(gateway, "tollgate_lanes_fenced") == 0
        victim.check_killed()
        neighbour.check()


def whole_disk(checks, gateway):
    for is_killed in (False, True):
        after = "it was killed meanwhile" if is_killed else "the disk is good again"
        with checks(f"G8 EIO on every sync of the node: 503 that say what is known, fences that show, then, when {after}, exactly what was told"):
            trades = [Trade(gateway) for _ in range(4)]
            for trade in trades:
                assert trade.buy().status == 201
            with Trouble(gateway, "fdatasync,fsync"):
                unknown = [trade.buy() for trade in trades]
                # What the node does by itself may have met the disk first: then the fence is up already, of some.
                told = {answer.json["code"] for answer in unknown}
                assert "outcome_unknown" in told and told <= {"outcome_unknown", "tenant_unavailable"}, unknown
                for trade in trades:
                    assert trade.buy().json["code"] == "tenant_unavailable"
                    read = trade.shop.get(trade.buyer, "/balance")
                    assert read.status == 503 and read.json["code"] == "tenant_unavailable", read
                assert metric(gateway, "tollgate_lanes_fenced") >= 2
                assert is_up(gateway), "other tenants can still be served"
                made = gateway.post(PROVIDER + "/tenants", {
                    "slug": f"unlucky-{is_killed}".lower(), "blueprint": "hosting", "owner_email": "a@b.example"}, key=gateway.provider_key)
                assert made.status == 503, made
                suspended = gateway.post(f"{PROVIDER}/tenants/{trades[0].shop.slug}/suspend", key=gateway.provider_key)
                assert suspended.status == 503, suspended
                if is_killed:
                    gateway.kill()
            if is_killed:
                gateway.start()
            gateway.post(f"{PROVIDER}/tenants/{trades[0].shop.slug}/resume", key=gateway.provider_key)
            for trade, answer in zip(trades, unknown):
                again = trade.buy(answer.key)
                assert again.status == 201, again
                trade.check()
                trade.check_killed()
            assert metric(gateway, "tollgate_lanes_fenced") == 0

            def made_at_last():
                return gateway.post(PROVIDER + "/tenants", {
                    "slug": f"unlucky-{is_killed}".lower(), "blueprint": "hosting", "owner_email": "a@b.example"}, key=gateway.provider_key).status == 201

            wait_until(made_at_last)


def storm(checks, gateway, chance, rounds):
    with checks("G8 buyers while syncs and writes fail now and then, then kill -9: acknowledged is there, refused is not, to the cent"):
        trades = [Trade(gateway) for _ in range(2)]
        counted = {"done": 0, "not done": 0, "unknown": 0}
        for _ in range(rounds):
            over = threading.Event()

            def go_on(trade):
                connection = gateway.connection()
                try:
                    while not over.is_set():
                        trade.buy(connection=connection)
                except (OSError, http.client.HTTPException):
                    pass  # killed under it
                finally:
                    connection.close()

            threads = [threading.Thread(target=go_on, args=(trade,)) for trade in trades for _ in range(4)]
            for thread in threads:
                thread.start()
            calls, when = chance.choice([
                ("fdatasync", f"{chance.randint(1, 20)}+{chance.randint(2, 9)}"), ("pwrite64", f"{chance.randint(1, 90)}+{chance.randint(7, 60)}"),
                ("fdatasync,fsync", f"{chance.randint(5, 30)}+")])
            with Trouble(gateway, calls, when=when):
                time.sleep(chance.uniform(0.3, 1.0))
                if chance.random() < 0.5:
                    gateway.kill()
            gateway.kill()
            over.set()
            for thread in threads:
                thread.join(30)
            gateway.start()
            for trade in trades:
                for told in trade.told.values():
                    counted[told] += 1
                trade.check()
                trade.funds = trade.shop.balance(trade.buyer)
                trade.told = {}
        for trade in trades:
            trade.verify()
        print("# " + ", ".join(f"{told} {count}" for told, count in counted.items()), flush=True)
        assert counted["done"] > 0 and counted["not done"] + counted["unknown"] > 0, counted


def full_disk(checks, options):
    tried = [no_space_left, below_reserve]
    on_small_disk("128m", lambda folder: [
        *[each(checks, options, folder, FILES) for each in tried],
        node_without_room(checks, options, os.path.join(folder, "node"))])
    # The log's segments are made before they are needed.
    on_small_disk("256m", lambda folder: [each(checks, options, folder, LOG) for each in tried])


def on_small_disk(size, work):
    folder = tempfile.mkdtemp(prefix="tollgate-full-")
    mounted = NAMESPACE in os.environ and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True).returncode == 0
    try:
        if not mounted:
            loudly("neither root nor a user namespace may mount here: a full disk was NOT tested")
            return
        work(folder)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=False)
        os.rmdir(folder)


def fill(folder, leaving=0):
    """Takes the disk's room but for so many bytes; returns the file that holds it."""
    path = os.path.join(folder, "filling")
    with open(path, "wb", buffering=0) as file:
        room = os.statvfs(folder)
        left = room.f_bavail * room.f_frsize - leaving
        try:
            while left > 0:
                left -= file.write(b"\xff" * min(left, 1 << 20))
        except OSError:
            pass  # full
    return path


def fill_log(trade):
    """What the log's segments have room for is used up, a megabyte and more a call."""
    sku = trade.shop.product("stock")
    for _ in range(200):
        items = "".join(random.randbytes(950).hex() + "\n" for _ in range(500))
        answer = trade.shop.admin(
            "POST", f"/products/{sku}/stock", b"item\n" + items.encode(), idempotent=True,
            headers={"Content-Type": "text/csv"})
        if answer.status != 201:
            assert answer.status == 503 and answer.json["code"] == "storage_full", answer
            return
    raise AssertionError("the log was never full")


def no_space_left(checks, options, folder, commits):
    kind, data = commits[1], os.path.join(folder, "full")
    with Gateway(options.tollgate, *commits, "--free-reserve", "0", data=data, demo=False) as gateway:
        trades = [Trade(gateway) for _ in range(2)]
        for trade in trades:
            assert trade.buy().status == 201
        backup = gateway.get(f"{PROVIDER}/tenants/{trades[0].shop.slug}/export", key=gateway.provider_key).body
        large = Trade(gateway)
        with checks(f"B1 no space left, commits in the {kind}: 503 storage_full, nothing was done; reads go on; nothing "
                    "is fenced; it says ready and how much is free"):
            filling = fill(folder)
            if commits == LOG:
                fill_log(large)
            refused = []
            for trade in trades:
                # What room a WAL or a segment has already may still be used.
                for _ in range(4_000):
                    answer = trade.buy()
                    if answer.status != 201:
                        break
                assert answer.status == 503 and answer.json["code"] == "storage_full", answer
                refused.append(answer)
                for _ in range(3):
                    assert trade.buy().json["code"] == "storage_full"
                assert trade.shop.get(trade.buyer, "/balance").status == 200
                assert trade.shop.get(trade.buyer, "/products").status == 200
            assert metric(gateway, "tollgate_lanes_fenced") == 0 and is_up(gateway)
            # A segment that is being made comes to nothing, and goes again.
            assert metric(gateway, "tollgate_disk_free_bytes") < (16 << 20 if commits == LOG else 1 << 20)
        wish = {"slug": "roomless", "blueprint": "hosting", "owner_email": "a@b.example"}
        with checks(f"P1 P5 no space left, commits in the {kind}: create, export and restore say so too, and change "
                    "nothing"):
            made = gateway.post(PROVIDER + "/tenants", wish, key=gateway.provider_key)
            assert made.status == 503 and made.json["code"] == "storage_full", made
            copied = gateway.get(f"{PROVIDER}/tenants/{trades[0].shop.slug}/export", key=gateway.provider_key)
            assert copied.status == 503 and copied.json["code"] == "storage_full", copied
            restored = gateway.post(
                f"{PROVIDER}/tenants/{trades[0].shop.slug}/restore", backup, key=gateway.provider_key)
            assert restored.status == 503 and restored.json["code"] == "storage_full", restored
            # What did not fit does not stay; nor does what the node tries to copy by itself meanwhile.
            wait_until(lambda: not os.listdir(os.path.join(data, "tmp")))
        if commits == LOG:
            with checks("B1 G8 killed while its log is full, and started with room: everything is as it was told"):
                gateway.kill()
                os.unlink(filling)
                gateway.start()
                for trade in trades:
                    trade.check()
        else:
            with checks("G8 killed on a full disk it starts on a full disk: reads are served, writes refused"):
                gateway.kill()
                gateway.start()
                for trade in trades:
                    assert trade.shop.get(trade.buyer, "/balance").status == 200
                    assert trade.buy().status in (201, 503)
                    trade.check()
                os.unlink(filling)
        with checks(f"B1 room again, commits in the {kind}: the next write succeeds, everything is as it was told, "
                    "over kill -9 too"):
            for trade, answer in zip(trades, refused):
                again = trade.buy(answer.key)
                assert again.status == 201 and "idempotency-hit" not in again.headers, again
                trade.check()
                trade.check_killed()
            made = gateway.post(PROVIDER + "/tenants", wish, key=gateway.provider_key)
            assert made.status == 201, made
    shutil.rmtree(data)


def below_reserve(checks, options, folder, commits):
    data = os.path.join(folder, "reserved")
    with Gateway(options.tollgate, *commits, data=data, demo=False) as gateway:
        trade = Trade(gateway)
        with checks(f"B1 below the reserve, commits in the {commits[1]}: writes are refused before the disk is full, "
                    "the metrics say so, reads go on; it ends by itself"):
            assert trade.buy().status == 201
            filling = fill(folder, leaving=32 << 20)
            wait_until(lambda: metric(gateway, "tollgate_writes_refused") == 1)
            assert trade.buy().json["code"] == "storage_full"
            made = gateway.post(
                PROVIDER + "/tenants", {"slug": "reserved", "blueprint": "hosting", "owner_email": "a@b.example"},
                key=gateway.provider_key)
            assert made.status == 503 and made.json["code"] == "storage_full", made
            assert trade.shop.get(trade.buyer, "/balance").status == 200 and is_up(gateway)
            os.unlink(filling)
            wait_until(lambda: metric(gateway, "tollgate_writes_refused") == 0)
            assert trade.buy().status == 201
            trade.check()
    shutil.rmtree(data)


def node_without_room(checks, options, data):
    """A node of a cluster on the small disk, another on the large one."""
    with contextlib.ExitStack() as stack:
        try:
            postgres = stack.enter_context(Postgres())
        except PermissionError:
            loudly("this user may run no PostgreSQL here: a full disk of a node was NOT tested")
            return
        roomy = stack.enter_context(Node(options.tollgate, "roomy", postgres.url))
        small = Node(options.tollgate, "small", postgres.url, "--free-reserve", "0", data=data)
        share_key(roomy, small)
        stack.enter_context(small)
        small.first_key = roomy.provider_key
        trade = Trade(roomy)
        assert trade.buy().status == 201

        def move():
            path = f"{PROVIDER}/tenants/{trade.shop.slug}/move"
            return roomy.post(path, {"node": "small"}, key=roomy.provider_key)

        def state():
            nodes = roomy.get(PROVIDER + "/nodes", key=roomy.provider_key).json["data"]
            return next(node["state"] for node in nodes if node["name"] == "small")

        def place():
            placed = roomy.get(PROVIDER + "/placement", key=roomy.provider_key).json["data"]
            return next(row["node"] for row in placed if row["slug"] == trade.shop.slug)
        for leaving, text in ((600 << 10, "no room for its file"), (0, "no room to take it over")):
            with checks(f"N6 19 a node with {leaving} bytes left gives a tenant to the next, whole"):
                filling = fill(os.path.dirname(data), leaving)
                # Once its first beat was heard.
                wait_until(lambda: move().status == 200)
                wait_until(lambda: trade.buy().status == 201)
                assert place() == "roomy" and text in small.errors(), small.errors()
                id = trade.shop.made["id"]
                left = [name for _, _, names in os.walk(os.path.join(data, "tenants")) for name in names if id in name]
                assert not left, left
                trade.check()
                os.unlink(filling)
            trade = Trade(roomy)
            assert trade.buy().status == 201
        with checks("N6 19 below the reserve a node says that it takes none, and is given none; then it is"):
            small.arguments[small.arguments.index("--free-reserve") + 1] = "64"
            filling = fill(os.path.dirname(data), 32 << 20)
            small.kill()
            small.start()
            wait_until(lambda: state() == "draining")
            assert move().status == 422
            os.unlink(filling)
            wait_until(lambda: state() == "serving" and move().status == 200)
            assert trade.buy().status == 201 and place() == "small"
            trade.check()


def quota(checks, gateway):
    with checks("P2 a tenant's own quota of bytes: 402, and what was refused stays so over kill -9; the neighbour goes on"):
        full, neighbour = Trade(gateway, funds="100000.00"), Trade(gateway)

        def set_bytes(bytes):
            assert gateway.patch(f"{PROVIDER}/tenants/{full.shop.slug}", {"quotas": {"bytes": bytes}}, key=gateway.provider_key).status == 200

        set_bytes(2 << 20)
        connection = gateway.connection()
        while (answer := full.buy(connection=connection)).status == 201:
            pass
        connection.close()
        assert answer.status == 402 and answer.json["code"] == "quota_exceeded", answer
        assert neighbour.buy().status == 201 and is_up(gateway)
        gateway.kill()
        gateway.start()
        # The whole of it takes long to ask for; the last ones tell.
        full.told, placed = dict(list(full.told.items())[-20:]), max(0, len(full.told) - 20)
        full.funds -= placed * full.price
        full.check()
        assert full.buy(answer.key).status == 402
        set_bytes(1 << 30)
        assert full.buy(answer.key).status == 201
        full.check()
        full.verify()


def wrong_files(checks, gateway):
    names = ["garbage", "truncated", "swapped", "exchanged", "wal", "well"]
    trades = {name: Trade(gateway, slug=name) for name in names}
    broken = names[:-1]
    for trade in trades.values():
        assert trade.buy().status == 201
    backup = gateway.get(f"{PROVIDER}/tenants/garbage/export", key=gateway.provider_key).body
    assert gateway.stop() == 0
    gateway.start()
    for trade in trades.values():
        assert trade.buy().status == 201
    gateway.kill()  # each has a WAL now
    kept = {}
    for name in broken:
        file = trades[name].file
        kept[name] = {path: open(path, "rb").read() for path in (file, file + "-wal")}
    with open(trades["garbage"].file, "wb") as file:
        file.write(random.randbytes(100_000))
    os.unlink(trades["truncated"].file + "-wal")
    os.truncate(trades["truncated"].file, 40_960)
    os.rename(trades["swapped"].file, trades["swapped"].file + ".x")
    os.rename(trades["exchanged"].file, trades["swapped"].file)
    os.rename(trades["swapped"].file + ".x", trades["exchanged"].file)
    shutil.copyfile(trades["well"].file + "-wal", trades["wal"].file + "-wal")
    gateway.start()

    with checks("G1 garbage, a cut file, two exchanged ones, another's WAL: each of these tenants answers 503, the log names its file"):
        for name in broken:
            trade = trades[name]
            for answer in (trade.shop.get(trade.buyer, "/balance"), trade.shop.admin("GET", "/resellers"), trade.buy()):
                assert answer.status == 503 and answer.json["code"] == "tenant_unavailable", (name, answer)
                for other in names:
                    assert other == name or other.encode() not in answer.body, (name, answer)
            assert re.search(rf"tenant {trade.shop.made['id']}: cannot be opened", gateway.errors()), (name, gateway.errors()[-2000:])
    with checks("G1 G7 the others go on; it is ready; the metrics count what could not be served; the provider sees every tenant"):
        trades["well"].check()
        assert trades["well"].buy().status == 201
        assert is_up(gateway)
        assert metric(gateway, "tollgate_unavailable_operations_total") >= 3 * len(broken)
        listed = gateway.get(PROVIDER + "/tenants?limit=100", key=gateway.provider_key)
        assert set(names) <= {tenant["slug"] for tenant in listed.json["data"]}, listed
        copied = gateway.get(f"{PROVIDER}/tenants/swapped/export", key=gateway.provider_key)
        assert copied.status == 503 and copied.json["code"] == "tenant_unavailable", copied
    with checks("P5 a damaged tenant is restored from its export while the others are served; another tenant's export is refused"):
        refused = gateway.post(f"{PROVIDER}/tenants/swapped/restore", backup, key=gateway.provider_key)
        assert refused.status == 422 and refused.json["code"] == "another_tenants_file", refused
        restored = gateway.post(f"{PROVIDER}/tenants/garbage/restore", backup, key=gateway.provider_key)
        assert restored.status == 200 and restored.json["incarnation"] == 2, restored
        trade = trades["garbage"]
        lost = list(trade.told)[-2:]  # the one after the export, and the one that was refused
        assert trade.told.pop(lost[0]) == "done" and trade.told.pop(lost[1]) == "not done"
        trade.check()
        rows = trade.shop.admin("GET", "/audit?limit=100").json["data"]
        assert any("tenant.restored" in str(row) for row in rows), rows[:3]
        trade.verify()
    with checks("G8 nothing was changed by the attempts: the right files put back, everything acknowledged is there"):
        gateway.kill()
        for name in broken[1:]:
            for path, content in kept[name].items():
                with open(path, "wb") as file:
                    file.write(content)
        gateway.start()
        for trade in trades.values():
            trade.check()
            trade.verify()
            assert trade.buy().status == 201


def wrong_registry(checks, options):
    with checks("a damaged registry: the gateway does not start, says which file, and leaves it as it is"):
        with Gateway(options.tollgate, *FILES, demo=False) as gateway:
            assert gateway.stop() == 0
            path = os.path.join(gateway.data, "registry.sqlite")
            for content in (b"\x5a" * 50_000, b""):
                with open(path, "wb") as file:
                    file.write(content)
                ended = subprocess.run(
                    [options.tollgate, "serve", "--port", "0", "--data", gateway.data], capture_output=True, text=True, timeout=60)
                assert ended.returncode not in (0, -11, -4), ended
                assert "registry.sqlite" in ended.stderr, ended
                assert open(path, "rb").read() == content


if __name__ == "__main__":
    main()
