#!/usr/bin/env python3
"""The gate under slow, idle and many clients (G6): drips and stalls end at their deadlines, thousands of idle
connections cost little and keep nobody from being served, bounds hold, storms leave nothing behind."""

import contextlib
import resource
import socket
import struct
import threading
import time

from shop import Shop
from support import IS_SANITIZED, Checks, Gateway, arguments, wait_until

IDLE_CONNECTIONS = 5_000
# What one idle connection may cost the gateway, and by how much a later round may lie above the first.
BYTES_PER_CONNECTION_MAX = 16 << 10
GROWTH_BYTES_MAX = 16 << 20
STORM_CONNECTIONS = 6_000
STORM_THREADS = 8


def main():
    options = arguments()
    checks = Checks()
    raise_descriptors()
    # Clients that take nothing ask for long answers, which need no key.
    slow = ["--budget=open_calls_address=10000", "--budget=open_calls_tenant=10000", "--head-seconds", "1",
            "--body-seconds", "1", "--answer-seconds", "1", "--idle-seconds", "3"]
    with Gateway(options.tollgate, *slow, demo=False) as gateway:
        slow_clients(checks, gateway)
    with Gateway(options.tollgate, demo=False) as gateway:
        idle_crowd(checks, gateway)
        storm(checks, gateway)
    with Gateway(options.tollgate, "--connections", "40", demo=False) as gateway:
        total_bound(checks, gateway)
    address_bound(checks, options)
    checks.finish()


def raise_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connect(gateway, source=None, buffer=None):
    one = socket.socket()
    if buffer:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    one.settimeout(30)
    if source:
        one.bind((source, 0))
    one.connect(("127.0.0.1", gateway.port))
    return one


def rest(one):
    """All up to the end; a reset is an end too."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := one.recv(65536):
            data += piece
    return data


def refused(gateway, reason):
    """A loop adds to the metrics at the end of its turn, which may be after a client has its answer: wait for a sum."""
    return gateway.metrics().get("tollgate_connections_refused_total", reason=reason)


def drip(one, data, seconds):
    """A byte each so many seconds until the gateway has had enough."""
    def run():
        for index in range(len(data)):
            try:
                one.sendall(data[index:index + 1])
            except OSError:
                return
            time.sleep(seconds)
    threading.Thread(target=run, daemon=True).start()


def slow_clients(checks, gateway):
    shop = Shop(gateway)
    reseller = shop.reseller()
    bearer = f"Authorization: Bearer {reseller['key']}\r\n"
    quote = f"POST {shop.base}/api/partner/v1/orders/quote HTTP/1.1\r\nHost: a\r\n{bearer}".encode()

    with checks("G6 heads that drip, however steadily: 408 and closed, and honest callers are served meanwhile"):
        before = refused(gateway, "head_deadline")
        ones = [connect(gateway) for _ in range(50)]
        for one in ones:
            drip(one, b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1000, 0.05)
        for _ in range(20):
            assert shop.get(reseller, "/balance").status == 200
        for one in ones:
            assert rest(one).startswith(b"HTTP/1.1 408 "), "no 408"
            one.close()
        wait_until(lambda: refused(gateway, "head_deadline") - before == 50)

    with checks("G6 bodies that drip or stop, by length and chunked: 408 and closed"):
        before = refused(gateway, "body_deadline")
        stops = [quote + b"Content-Length: 100\r\n\r\nabc", quote + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc"]
        drips = [(quote + b"Content-Length: 9999\r\n\r\n", b"x" * 9999), (quote + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 9999)]
        ones = []
        for start, body in [(start, None) for start in stops] * 5 + drips * 5:
            ones.append(connect(gateway))
            ones[-1].sendall(start)
            if body:
                drip(ones[-1], body, 0.05)
        for one in ones:
            assert rest(one).startswith(b"HTTP/1.1 408 "), "no 408"
            one.close()
        wait_until(lambda: refused(gateway, "body_deadline") - before == len(ones))

    with checks("G6 clients that take nothing of their answers, or a few bytes a second, are given up"):
        before = refused(gateway, "answer_deadline")
        page = f"GET {shop.base}/api/partner/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 400
        ones = [connect(gateway, buffer=4096) for _ in range(10)]
        for number, one in enumerate(ones):
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.send(page)
            if number % 2:
                one.setblocking(True)
                threading.Thread(target=sip, args=(one,), daemon=True).start()
        wait_until(lambda: refused(gateway, "answer_deadline") - before == len(ones), seconds=30)
        for one in ones:
            one.close()

    with checks("G6 idle connections are closed without a word, before a first request and after one"):
        fresh, used = connect(gateway), connect(gateway)
        used.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert rest(fresh) == b""
        assert rest(used).count(b"HTTP/1.1 ") == 1

    with checks("G6 nothing of all that is left behind"):
        # The one that asks is open itself.
        wait_until(lambda: gateway.metrics()["tollgate_connections_open"] <= 1)


def sip(one):
    with contextlib.suppress(OSError):
        while one.recv(16):
            time.sleep(0.2)


def idle_crowd(checks, gateway):
    shop = Shop(gateway)
    reseller = shop.reseller()
    room = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200
    count = min(IDLE_CONNECTIONS, room, int(gateway.metrics()["process_max_fds"]) - 3000)

    def memory():
        return gateway.metrics()["process_resident_memory_bytes"]

    with checks(f"G6 {count} idle connections: others are answered, each costs little, the next rounds cost no more"):
        for _ in range(200):
            assert shop.get(reseller, "/balance").status == 200
        empty = memory()
        full = []
        for round_number in range(3):
            # Half of them in the middle of a head; from several addresses, so that no one runs out of ports.
            idle = [connect(gateway, source=f"127.0.1.{1 + number % 50}") for number in range(count)]
            for one in idle[::2]:
                one.sendall(b"GET /healthz HT")
            wait_until(lambda: gateway.metrics()["tollgate_connections_open"] >= count)
            wait_until(lambda: gateway.metrics().get("tollgate_connections", state="head") >= count // 2)
            started = time.monotonic()
            for _ in range(100):
                assert shop.get(reseller, "/balance").status == 200
            print(f"# round {round_number + 1}: 100 requests took {time.monotonic() - started:.2f} s")
            full.append(memory())
            for one in idle:
                one.close()
            wait_until(lambda: gateway.metrics()["tollgate_connections_open"] <= 1)
        print(f"# memory: {empty / 1e6:.1f} MB empty, {', '.join(f'{value / 1e6:.1f}' for value in full)} MB full")
        assert IS_SANITIZED or full[0] - empty <= count * BYTES_PER_CONNECTION_MAX + GROWTH_BYTES_MAX, (empty, full)
        assert IS_SANITIZED or full[2] - full[0] <= GROWTH_BYTES_MAX, full
        wait_until(lambda: gateway.metrics().get("tollgate_connections", state="head") == 0)


def storm(checks, gateway):
    shop = Shop(gateway)
    reseller = shop.reseller()
    with checks(f"G6 {STORM_CONNECTIONS} connections that open and close at once, half of them by reset: the gateway goes on, nothing is left open"):
        descriptors = gateway.metrics()["process_open_fds"]
        lost = []

        def run(number):
            for index in range(STORM_CONNECTIONS // STORM_THREADS):
                try:
                    one = connect(gateway, source=f"127.0.2.{1 + number}")
                    kind = index % 4
                    if kind >= 2:
                        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" if kind == 3 else b"GET /hea")
                    if index % 2:
                        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.close()
                except OSError as error:
                    lost.append(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(STORM_THREADS)]
        for thread in threads:
            thread.start()
        answered = 0
        while any(thread.is_alive() for thread in threads):
            assert shop.get(reseller, "/balance").status == 200
            answered += 1
        for thread in threads:
            thread.join()
        assert not lost, lost[:3]
        assert answered > 0
        wait_until(lambda: gateway.metrics()["tollgate_connections_open"] <= 1)
        assert gateway.metrics()["process_open_fds"] <= descriptors + 4, (descriptors, gateway.metrics()["process_open_fds"])


def total_bound(checks, gateway):
    with checks("G6 at the bound newcomers are served and those that were idle longest go"):
        ones = [connect(gateway) for _ in range(40)]
        for one in ones:
            one.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert one.recv(4096).startswith(b"HTTP/1.1 200 ")
        for _ in range(50):
            one = connect(gateway)
            one.sendall(b"GET /t/none/api/admin/settings HTTP/1.1\r\nHost: a\r\n\r\n")
            assert one.recv(4096).startswith(b"HTTP/1.1 401 ")
            ones.append(one)
        # Each loop ends those of its own that were idle longest: the last to come is there still.
        ones[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert ones[-1].recv(4096).startswith(b"HTTP/1.1 200 ")
        for one in ones:
            one.close()
        wait_until(lambda: refused(gateway, "made_room") >= 40)
        assert refused(gateway, "total_bound") == 0


def address_bound(checks, options):
    """Loopback is exempt: a proxy in front comes from there. So the gateway is asked by an address of the machine's own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Chooses a source address; nothing is sent.
            probe.connect(("192.0.2.1", 9))
            own = probe.getsockname()[0]
        except OSError:
            own = "127.0.0.1"
    if own.startswith("127."):
        print("# the machine has no address but loopback: the bound by address is tested in BoundsTests alone")
        return
    with Gateway(options.tollgate, "--listen", f"{own}:0", "--connections-per-address", "20", demo=False) as gateway:
        port = int(gateway.wait_for_line(r"listening on http://" + own.replace(".", r"\.") + r":(\d+)$").group(1))
        with checks("G6 one address holds no more than its bound: 503 past it, others are served"):
            ones = [socket.create_connection((own, port), 30) for _ in range(30)]
            kept = []
            for one in ones:
                with contextlib.suppress(OSError):
                    one.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                kept.append(one.recv(4096)[9:12])
            assert kept.count(b"200") == 20 and kept.count(b"503") == 10, kept
            assert gateway.get("/healthz").status == 200
            for one in ones:
                one.close()
            wait_until(lambda: refused(gateway, "address_bound") == 10)


if __name__ == "__main__":
    main()
