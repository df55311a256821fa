#!/usr/bin/env python3
"""Changes under full load (G2, G3): 64 connections from processes of their own keep both event loops busy while a
key is revoked, a reseller or a tenant suspended, a limit lowered and raised. Each request notes when it began, on the clock
that all processes share; none that began after the 200 passes on old state. 64 connections at one limit: exactly N pass."""

import collections
import multiprocessing
import os
import selectors
import socket
import struct
import time

from shop import Shop
from support import Checks, Gateway, arguments, wait_until

PROCESSES = 2
CONNECTIONS_PER_PROCESS = 32
# So many requests are answered before the change is made, and so many after the 200 of it: what must all be judged by the
# new state.
BEFORE_REQUESTS = 500
AFTER_REQUESTS = 2_000
RECORD = struct.Struct("<dH")
# An address of their own: failed credentials are metered by address.
ADDRESS = "127.0.0.9"


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        shop = Shop(gateway)
        rounds = 20 if options.long else 4
        revoked(checks, shop, rounds)
        suspended(checks, shop, rounds)
        tenant_suspended(checks, shop, rounds)
        lowered(checks, shop, rounds)
        exactly(checks, shop)
        rescaled(checks, shop, gateway)
    checks.finish()


class Load:
    """Requests as fast as they go, one at a time on each connection, from processes of their own."""

    def __init__(self, gateway, request, requests_max=0):
        self.arguments = (gateway.port, request, requests_max)
        self.stop = multiprocessing.Event()
        self.started = multiprocessing.Barrier(PROCESSES + 1)
        # How many each process has had answered: written by it alone.
        self.answered = multiprocessing.Array("Q", PROCESSES, lock=False)
        self.notes = []

    def __enter__(self):
        self.readers = []
        self.processes = []
        for number in range(PROCESSES):
            reader, writer = multiprocessing.Pipe(False)
            process = multiprocessing.Process(target=work, args=(
                *self.arguments, self.started, self.stop, writer, self.answered, number), daemon=True)
            process.start()
            writer.close()
            self.readers.append(reader)
            self.processes.append(process)
        self.started.wait(60)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.collect()

    def go_on(self, requests):
        """Returns when so many more have been answered."""
        enough = sum(self.answered) + requests
        wait_until(lambda: sum(self.answered) >= enough, pause_seconds=0.01)

    def collect(self):
        """Waits for the processes to have ended; every request's begin and status."""
        for reader in self.readers:
            data = reader.recv_bytes()
            self.notes += RECORD.iter_unpack(data)
        for process in self.processes:
            process.join(60)
        return self.notes

    def statuses(self, since=0.0, before=float("inf")):
        return collections.Counter(status for began, status in self.notes if since < began <= before)


def work(port, request, requests_max, started, stop, writer, answered, number):
    """One process: a selector over its connections. `requests_max`: for all of its connections together; 0 for no end."""
    selector = selectors.DefaultSelector()
    notes = bytearray()
    left = requests_max or 1 << 62

    def begin(connection):
        nonlocal left
        left -= 1
        connection.began = time.monotonic()
        connection.socket.sendall(request)

    class Connection:
        def __init__(self):
            self.socket = socket.create_connection(("127.0.0.1", port), 60, (ADDRESS, 0))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.data = b""
            self.began = 0.0

    connections = [Connection() for _ in range(CONNECTIONS_PER_PROCESS)]
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    started.wait(60)
    running = 0
    for connection in connections:
        if left > 0:
            begin(connection)
            running += 1
    while running:
        for key, _ in selector.select(30):
            connection = key.data
            piece = connection.socket.recv(65536)
            connection.data += piece
            status, size = answer(connection.data)
            if not piece:
                status, size = 599, 0
            if not size and piece:
                continue
            notes += RECORD.pack(connection.began, status)
            answered[number] += 1
            connection.data = connection.data[size:]
            if not piece or stop.is_set() or left <= 0:
                selector.unregister(connection.socket)
                connection.socket.close()
                running -= 1
            else:
                begin(connection)
    writer.send_bytes(bytes(notes))
    writer.close()


def answer(data):
    """(status, bytes) of one whole answer; (0, 0) where it is not whole yet."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return 0, 0
    at = data.lower().find(b"content-length: ", 0, head)
    size = head + 4 + (int(data[at + 16:data.index(b"\r\n", at)]) if at >= 0 else 0)
    return (int(data[9:12]), size) if len(data) >= size else (0, 0)


def get(shop, key, path="/products"):
    return f"GET {shop.base}/api/partner/v1{path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


def changed(shop, load, change, passed=200):
    """Makes the change under the load; what passed and what was refused after the 200."""
    with load:
        load.go_on(BEFORE_REQUESTS)
        answered = change()
        moment = time.monotonic()
        assert answered.status == 200, answered
        load.go_on(AFTER_REQUESTS)
    before, after = load.statuses(before=moment), load.statuses(since=moment)
    assert before[passed] > 200, ("no load", before)
    assert sum(after.values()) > 200, ("no load after it", after)
    assert 599 not in before + after, (before, after)
    return before, after


def revoked(checks, shop, rounds):
    seen = 0
    with checks(f"G3 revoke under 64 connections, {rounds} times: 0 of the requests that began after the 200 pass"):
        reseller = shop.reseller()
        for number in range(rounds):
            minted = shop.mint(reseller).json
            load = Load(shop.gateway, get(shop, minted["key"], "/products" if number % 2 else "/balance"))
            _, after = changed(shop, load, lambda: shop.admin("DELETE", f"/api-keys/{minted['id']}"))
            assert set(after) <= {401, 429}, after
            seen += sum(after.values())
    print(f"# {seen} requests began after a revocation")


def suspended(checks, shop, rounds):
    with checks(f"G3 suspend a reseller under 64 connections, {rounds} times: 0 pass after the 200; resumed, they pass"):
        reseller = shop.reseller()
        for number in range(rounds):
            load = Load(shop.gateway, get(shop, reseller["key"], "/products" if number % 2 else "/balance"))
            _, after = changed(shop, load, lambda: shop.move(reseller, "suspend"))
            assert set(after) == {403}, after
            load = Load(shop.gateway, get(shop, reseller["key"]))
            _, after = changed(shop, load, lambda: shop.move(reseller, "resume"), passed=403)
            assert set(after) == {200}, after


def tenant_suspended(checks, shop, rounds):
    with checks(f"G3 suspend the tenant under 64 connections, {rounds} times: 0 pass after the 200"):
        victim = Shop(shop.gateway)
        reseller = victim.reseller()
        path = f"/provider/v1/tenants/{victim.slug}"
        for _ in range(rounds):
            load = Load(shop.gateway, get(victim, reseller["key"]))
            _, after = changed(shop, load, lambda: shop.gateway.post(path + "/suspend", key=shop.gateway.provider_key))
            assert set(after) == {403}, after
            assert shop.gateway.post(path + "/resume", key=shop.gateway.provider_key).status == 200


def lowered(checks, shop, rounds):
    with checks(f"G3 lower a limit under 64 connections, {rounds} times: after the 200 at most the new burst passes"):
        reseller = shop.reseller()
        for _ in range(rounds):
            minted = shop.mint(reseller, limit={"requests": 1_000_000, "window_seconds": 60}).json
            load = Load(shop.gateway, get(shop, minted["key"]))
            _, after = changed(shop, load, lambda: shop.admin(
                "PUT", f"/api-keys/{minted['id']}/limit", {"requests": 5, "window_seconds": 86_400, "burst": 5}))
            assert set(after) <= {200, 429} and after[200] <= 5, after


def exactly(checks, shop):
    reseller = shop.reseller()
    for path in ("/products", "/balance"):
        with checks(f"G2 64 connections at one limit of N on {path}: exactly N pass"):
            for limit in (1, 64, 500, 3000):
                # A day's window: not one comes back while the load runs.
                minted = shop.mint(reseller, limit={"requests": limit, "window_seconds": 86_400, "burst": limit}).json
                started = time.monotonic()
                load = Load(shop.gateway, get(shop, minted["key"], path), requests_max=limit + 300)
                with load:
                    load.collect()
                    load.readers = []
                counted = load.statuses()
                refilled = int((time.monotonic() - started) * limit / 86_400)
                assert set(counted) == {200, 429}, counted
                assert limit <= counted[200] <= limit + refilled, (limit, refilled, counted)


def rescaled(checks, shop, gateway):
    """A changed limit keeps its used share, under load and over restart and kill -9: never refilled, never emptied."""
    reseller = shop.reseller()

    def spend(key, count):
        load = Load(gateway, get(shop, key), requests_max=count // PROCESSES)
        with load:
            load.collect()
            load.readers = []
        return load.statuses()[200]

    def limit(minted, requests):
        answered = shop.admin("PUT", f"/api-keys/{minted['id']}/limit", {"requests": requests, "window_seconds": 86_400, "burst": requests})
        assert answered.status == 200, answered

    with checks("G2 a limit lowered and raised again and again gives nothing away and takes nothing away"):
        minted = shop.mint(reseller, limit={"requests": 1000, "window_seconds": 86_400, "burst": 1000}).json
        assert spend(minted["key"], 400) == 400
        for _ in range(25):
            limit(minted, 500)
            limit(minted, 1000)
        passed = spend(minted["key"], 1200)
        assert 595 <= passed <= 601, passed

    with checks("G2 levels over a restart: nothing forgiven; over kill -9: one flush interval at the most"):
        minted = shop.mint(reseller, limit={"requests": 1000, "window_seconds": 86_400, "burst": 1000}).json
        assert spend(minted["key"], 600) == 600
        assert gateway.stop() == 0
        gateway.start()
        passed = spend(minted["key"], 200)
        assert passed == 200, passed
        saved(gateway)
        gateway.kill()
        gateway.start()
        passed = spend(minted["key"], 1200)
        assert 199 <= passed <= 201, passed

    with checks("G2 what was spent within the last second is all that kill -9 forgives"):
        minted = shop.mint(reseller, limit={"requests": 1000, "window_seconds": 86_400, "burst": 1000}).json
        assert spend(minted["key"], 500) == 500
        saved(gateway)
        spent = spend(minted["key"], 100)
        gateway.kill()
        gateway.start()
        passed = spend(minted["key"], 1200)
        assert 400 <= passed <= 500 + 1 and spent == 100, passed


def saved(gateway):
    """Until the levels of now are on the disk: the save that runs may have begun before."""
    path = os.path.join(gateway.data, "levels.bin")
    for _ in range(2):
        before = os.stat(path).st_mtime_ns
        wait_until(lambda: os.stat(path).st_mtime_ns > before)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    main()
