"""G6, O4: room in memory and on disk, and connections, shared by payers, tenants and addresses. Each is used up by a
crowd, and then those who pay and the operator of the node are looked at.
"""

import collections
import contextlib
import glob
import http.client
import json
import os
import re
import socket

from endpoints import LICENCES
from sandbox import Applicant
from shop import PARTNER, Shop
from strangers import WRONG, Stranger, answered, begun, hosts, spent
from support import Checks, Gateway, arguments, wait_until

options = arguments()
checks = Checks()
PAGE_FILES = 300


def rss(gateway):
    return gateway.metrics()["process_resident_memory_bytes"]


def bodies(gateway):
    """A6: body bytes in memory, by payer and tenant, refused before they are read. In MiB: 8 a node, 4 a tenant, 2 a
    member."""
    shop, other = Shop(gateway), Shop(gateway)
    first, second, third = shop.reseller(), shop.reseller(), shop.reseller()
    quote = f"{shop.base}{PARTNER}/orders/quote"
    whole = 1 << 20

    def holds(bytes_min):
        return gateway.metrics().get("tollgate_budget_in_use", budget="bodies_node") >= bytes_min
    with checks("G6 strangers send 16 KiB: more is 413 before it is read, in every dialect; a key sends 1 MiB"):
        for path in (f"{shop.base}/api/admin/session", f"{shop.base}{PARTNER}/session", f"{shop.base}{PARTNER}/apply",
                     f"{shop.base}/invite/{'0' * 43}"):
            for length in (16 * 1024 + 1, 1 << 20, 1 << 40):
                status, data = answered(begun(gateway, path, length))
                assert status == 413, (path, data)
            assert answered(begun(gateway, path, None, sent=b"5000\r\n" + b"x" * 0x5000))[0] == 413
        assert answered(begun(gateway, quote, whole, first["key"], b"x" * whole))[0] == 400
    with checks("G6 body bytes have a bound by payer, by tenant and for the node: 503 before a byte is read"):
        mine = [begun(gateway, quote, whole, first["key"]) for _ in range(2)]
        wait_until(lambda: holds(2 * whole))
        status, data = answered(begun(gateway, quote, whole, first["key"]))
        assert status == 503 and b"Retry-After" in data and b'"busy"' in data, data
        theirs = [begun(gateway, quote, whole, second["key"]) for _ in range(2)]
        wait_until(lambda: holds(4 * whole))
        assert answered(begun(gateway, quote, whole, third["key"]))[0] == 503
        # A small body takes no room: an order, say; chunked neither.
        assert answered(begun(gateway, quote, 1_000, third["key"], b"x" * 1_000))[0] == 400
        chunked = b"3e8\r\n" + b"x" * 1_000 + b"\r\n0\r\n\r\n"
        assert answered(begun(gateway, quote, None, third["key"], chunked))[0] == 400
        assert answered(begun(gateway, quote, None, third["key"], b"800\r\n" + b"x" * 2_048))[0] == 503
        products = f"{shop.base}/api/admin/products"
        assert answered(begun(gateway, products, 1_000, shop.owner_key, b"x" * 1_000))[0] == 400
        # Another tenant's are not in the way, nor the small bodies of whoever has room.
        path = f"{other.base}/api/admin/products"
        assert answered(begun(gateway, path, whole, other.owner_key, b"x" * whole))[0] == 400
        assert spent(gateway, "bodies_member") >= 1 and spent(gateway, "bodies_tenant") >= 1
        with Stranger(gateway) as stranger:
            guess = {"email": "a@b.example", "password": WRONG}
            assert stranger.post(f"{shop.base}/api/admin/session", guess).status == 401
        for one in mine + theirs:
            one.close()
        wait_until(lambda: gateway.metrics().get("tollgate_budget_in_use", budget="bodies_node") == 0)
        assert answered(begun(gateway, quote, whole, third["key"], b"x" * whole))[0] == 400
    waiting_bodies(gateway, shop, third)
    slow_bodies(gateway, shop, first)


def waiting_bodies(gateway, shop, payer):
    quote, whole = f"{shop.base}{PARTNER}/orders/quote", 1 << 20
    with checks("G6 W12 those who applied and wait share room with strangers, and keep out nobody who pays"):
        waiting = [Applicant(shop, f"{number}@waits.example").ready() for number in range(2)]
        theirs = [begun(gateway, quote, whole, who.key) for who in waiting for _ in range(2)]
        wait_until(lambda: gateway.metrics().get("tollgate_budget_in_use", budget="bodies_node") >= 4 * whole)
        assert answered(begun(gateway, quote, whole, waiting[0].key))[0] == 503
        assert answered(begun(gateway, quote, whole, payer["key"], b"x" * whole))[0] == 400
        for one in theirs:
            one.close()
        wait_until(lambda: gateway.metrics().get("tollgate_budget_in_use", budget="bodies_node") == 0)


def slow_bodies(gateway, shop, reseller):
    with checks("G6 two hundred strangers' bodies of a MiB cost no memory, nor do imports that come slowly"):
        before = rss(gateway)
        crowd = [begun(gateway, f"{shop.base}/api/admin/session", 1 << 20, sent=b"x" * 4096, host=next(hosts))
                 for _ in range(200)]
        # Scratch room is 40 MiB a member: each upload has two thirds of its 12 MiB there.
        path, csv = f"{shop.base}/api/admin/price-book.csv", "text/csv"
        uploads = [begun(gateway, path, 12 << 20, shop.owner_key, b"x" * (8 << 20), content_type=csv) for _ in range(3)]
        wait_until(lambda: sum(os.path.getsize(path) for path in scratch(gateway)) >= 3 * 8 << 20)
        assert rss(gateway) - before < 24 << 20, (before, rss(gateway))
        status, data = answered(begun(gateway, path, 12 << 20, shop.owner_key, content_type=csv))
        assert status == 503 and b"scratch_full" in data, data
        for one in crowd + uploads:
            one.close()
        wait_until(lambda: not scratch(gateway))
        wait_until(lambda: gateway.metrics().get("tollgate_budget_in_use", budget="scratch_node") == 0)
    with checks("G6 O4 a large price file that comes by way of the disk is read like a small one"):
        row = f"{reseller['id']},{shop.product()},9.99"
        for rows in (2, 50_000):
            text = "\n".join(["reseller,sku,wholesale_monthly"] + [row] * rows).encode() + b"\n"
            done = shop.admin("POST", "/price-book.csv", text, headers={"Content-Type": "text/csv"})
            assert done.status == 422 and done.json["errors"][0]["pointer"], done
        assert len(text) > 2 << 20 and not scratch(gateway)


def keys_in_bodies(gateway):
    """L1: where a body carries the key, it is read before anybody knows who pays."""
    shop = Shop(gateway, blueprint="licences")
    token = shop.reseller()["key"]

    def in_use():
        return gateway.metrics().get("tollgate_budget_in_use", budget="bodies_node")
    with checks("G6 L1 strangers who fill the room for bodies keep out no key that comes in a small body"):
        for path in (f"{shop.base}{LICENCES}/myavailable", f"{LICENCES}/myavailable"):
            with contextlib.ExitStack() as stack:
                for host in (next(hosts), next(hosts)):
                    for _ in range(128):
                        stack.enter_context(contextlib.closing(begun(gateway, path, 16 * 1024, host=host)))
                wait_until(lambda: in_use() == 4 << 20)
                with Stranger(gateway) as stranger:
                    large = {"api_token": token, "nobody_reads": "x" * 1024}
                    assert stranger.post(path, large).status == 503
                    for _ in range(3):
                        answer = stranger.post(path, {"api_token": token})
                        assert answer.status == 200, answer
                        assert stranger.post(path, {"api_token": token[:-1]}).status == 401
                    text = json.dumps({"api_token": token}).encode()
                    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)
                    assert answered(begun(gateway, path, None, sent=chunked, host=stranger.host))[0] == 200
            wait_until(lambda: in_use() == 0)


def scratch(gateway):
    return glob.glob(os.path.join(gateway.data, "tmp", "*"))


def forwarded(gateway):
    """A12: a trusted proxy is bounded by what it forwards."""
    shop = Shop(gateway)
    reseller = shop.reseller()
    quote = f"{shop.base}{PARTNER}/orders/quote"

    def through(client, sent=b"{"):
        return begun(gateway, quote, 1_000, reseller["key"], sent, "127.0.0.9", [f"X-Forwarded-For: {client}"])
    with checks("G6 calls of an address behind a trusted proxy have a bound of their own; others behind it go on"):
        # Four are within the bound; a connection to the gateway is no client's.
        held = [through("198.51.100.7") for _ in range(4)]
        wait_until(lambda: gateway.metrics().get("tollgate_connections", state="body") == 4)
        status, data = answered(through("198.51.100.7"))
        assert status == 503 and b"busy" in data, data
        assert answered(through("198.51.100.8", b"x" * 1_000))[0] == 400
        assert shop.get(reseller, "/balance").status == 200
        for one in held:
            one.close()
        wait_until(lambda: answered(through("198.51.100.7", b"x" * 1_000))[0] == 400)


def connections(gateway):
    """A8: the operator of the node and health are not locked out with the crowd. Forty connections are allowed."""
    admin = int(gateway.printed(r"^listening on http://127.0.0.1:(?!%d$)(\d+)$" % gateway.port).group(1))
    public, gateway.port = gateway.port, admin
    shop = Shop(gateway)
    gateway.port = public
    reseller = shop.reseller()

    def idle(host):
        return socket.create_connection(("127.0.0.1", gateway.port), 30, source_address=(host, 0))
    with checks("G6 while an idle crowd has every connection, health, operators' listeners and payers are served"), \
            contextlib.ExitStack() as stack:
        crowd = next(hosts)
        with Stranger(gateway, "127.0.0.2") as payer:
            assert shop.get(reseller, "/balance", connection=payer.connection).status == 200
            sockets = [stack.enter_context(idle(crowd)) for _ in range(60)]
            for one in sockets[50:]:
                one.sendall(b"GET /dripping HTTP/1.1\r\nHost:")
            for path in ("/healthz", "/readyz"):
                assert gateway.get(path).status == 200
            listed = gateway.command("tenant", "list", "--json")
            assert listed.returncode == 0, listed
            operator = http.client.HTTPConnection("127.0.0.1", admin, timeout=30)
            assert gateway.get("/metrics", connection=operator).status == 200
            operator.close()
            # Its one connection is not of the crowd: it was there all the time.
            kept = payer.connection.sock
            for _ in range(20):
                assert shop.get(reseller, "/balance").status == 200
                assert shop.get(reseller, "/balance", connection=payer.connection).status == 200
            assert payer.connection.sock is kept
            metrics = gateway.get("/metrics", connection=http.client.HTTPConnection("127.0.0.1", admin, timeout=30))
            assert b'reason="made_room"} 0' not in metrics.body


def page_files(gateway):
    shop, other = Shop(gateway), Shop(gateway)
    with checks("O12 G6 many addresses at a tenant's colours hear 429 past what they have together; other calls go on"):
        paths = {}
        for at in (shop, other):
            assert at.admin("PATCH", "/settings", {"colours": {"primary": "#123456"}}).status == 200
            with Stranger(gateway) as stranger:
                page = stranger.get(f"{at.base}/sign-in", headers={"Accept": "text/html"}).body.decode()
            paths[at] = re.search(r'href="([^"]*/theme\.[0-9a-f]+\.css)"', page)[1]
        statuses = collections.Counter()
        for _ in range(10):
            with Stranger(gateway) as stranger:
                statuses.update(stranger.get(paths[shop]).status for _ in range(PAGE_FILES // 3))
        assert set(statuses) == {200, 429} and statuses[200] >= PAGE_FILES, statuses
        assert spent(gateway, "page_files_tenant") >= statuses[429]
        with Stranger(gateway) as stranger:
            assert stranger.get(f"{shop.base}{PARTNER}/openapi.json").status == 200
            assert stranger.get(paths[other]).status == 200


small = [f"--budget={name}={figure}" for name, figure in {
    "bodies_node": 8, "bodies_tenant": 4, "bodies_member": 2, "scratch_member": 40, "forwarded_address": 4,
    "page_files_tenant": PAGE_FILES}.items()]
with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.9", *small, demo=False) as gateway:
    bodies(gateway)
    keys_in_bodies(gateway)
    forwarded(gateway)
    page_files(gateway)
with Gateway(
        options.tollgate, "--connections", "40", "--admin-listen", "127.0.0.1:0", demo=False) as gateway:
    connections(gateway)
checks.finish()
