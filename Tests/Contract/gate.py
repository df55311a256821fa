#!/usr/bin/env python3
"""The gate itself (G4, G5, G6, G7): bounds, health, drain, headers on every answer, signed audit heads, proxies,
TLS, compression, and secrets that are nowhere to be found. Hostile bytes are in hostile.py, crowds in crowd.py."""

import base64
import collections
import gzip
import http.client
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading

from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, files, signature_headers, wait_until
from wire import Wire, certificate, exchange, served

# More failed credentials than one address may have in a minute.
FAILURES = 400
# Far more calls than it takes, if one address had no bound.
FAILURES_MAX = 20 * FAILURES


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        shop = Shop(gateway)
        reseller = shop.reseller(balance="1000.00")
        sku = shop.product()
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
        framing(checks, gateway, shop, reseller, sku)
        bounds(checks, gateway, shop, reseller, sku)
        health(checks, gateway, shop, reseller, sku)
        headers(checks, gateway, shop, reseller, sku)
        heads(checks, gateway, shop, reseller, sku)
        idempotency_keys(checks, shop, reseller, sku)
        compression(checks, gateway, shop, reseller)
    drain(checks, options)
    proxies(checks, options)
    admin_listener(checks, options)
    tls(checks, options)
    secrets(checks, options)
    checks.finish()


def framing(checks, gateway, shop, reseller, sku):
    path = f"{shop.base}/api/partner/v1/orders/quote"
    start = f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {reseller['key']}\r\n"
    get = f"GET {shop.base}/api/partner/v1/balance HTTP/1.1\r\n"
    smuggled = f"GET {shop.base}/api/partner/v1/products HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {reseller['key']}\r\n\r\n"
    chunked = start + "Transfer-Encoding: chunked\r\n\r\n"

    with checks("G6 chunked bodies that are sound work: extensions, trailers, one byte at a time"):
        body = json.dumps(shop.order_body(sku)).encode()
        pieces = b"".join(b"%x;a=b\r\n%s\r\n" % (1, body[n:n + 1]) for n in range(len(body))) + b"0\r\nTrailer: x\r\n\r\n"
        with Wire(gateway) as wire:
            wire.send(chunked)
            for n in range(0, len(pieces), 64):
                wire.send(pieces[n:n + 64])
            assert wire.answer()[0] == 200
            wire.send(smuggled)
            assert wire.answer()[0] == 200, "the connection is kept"

    with checks("G6 pipelined requests are answered in order; a head may come byte by byte"):
        with Wire(gateway) as wire:
            wire.send((f"{get}Host: a\r\nAuthorization: Bearer {reseller['key']}\r\n\r\n" + smuggled) * 20)
            bodies = [wire.answer() for _ in range(40)]
            assert all(answer[0] == 200 for answer in bodies)
            assert [b"balance" in body for _, _, body in bodies] == [True, False] * 20
            for byte in smuggled:
                wire.send(byte)
            assert wire.answer()[0] == 200

    with checks("G6 a client that leaves in the middle of its order still has it placed or not at all, and the gateway goes on"):
        path = f"{shop.base}/api/partner/v1/orders"
        before = len(shop.get(reseller, "/orders?limit=100").json["data"])
        raw = json.dumps(shop.order_body(sku)).encode()
        for number in range(10):
            signed = signature_headers(reseller["webhook_secret"], "POST", path, f"leaves-{number}", raw)
            lines = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
            with Wire(gateway) as wire:
                wire.send(f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {reseller['key']}\r\n{lines}Content-Length: {len(raw)}\r\n\r\n")
                wire.send(raw if number % 2 else raw[:-1])
        def placed():
            return len(shop.get(reseller, "/orders?limit=100").json["data"]) - before
        wait_until(lambda: placed() == 5)
        again = shop.order(reseller, sku, key="leaves-1")
        assert again.status == 201 and again.headers["idempotency-hit"] == "true"
        assert shop.order(reseller, sku, key="leaves-0").headers.get("idempotency-hit") is None


def bounds(checks, gateway, shop, reseller, sku):
    path = f"{shop.base}/api/partner/v1"
    bearer = f"Authorization: Bearer {reseller['key']}\r\n"
    with checks("G6 a head of 16 KiB passes no further: 431; a target that is too long: 414"):
        fits = f"GET {path}/balance HTTP/1.1\r\nHost: a\r\n{bearer}X: {'x' * 15_000}\r\n\r\n"
        assert exchange(gateway, fits)[0] == 200
        assert exchange(gateway, fits.replace("x" * 15_000, "x" * 17_000))[0] == 431
        assert exchange(gateway, f"GET {path}/balance?{'x' * 9_000} HTTP/1.1\r\nHost: a\r\n\r\n")[0] in (414, 431)
        with Wire(gateway) as wire:
            wire.send("GET /" + "x" * 40_000)
            assert wire.answer()[0] in (414, 431)

    with checks("G6 bodies past 1 MiB: 413 by their length and when chunked, before they are sent in full"):
        start = f"POST {path}/orders/quote HTTP/1.1\r\nHost: a\r\n{bearer}"
        assert exchange(gateway, start + f"Content-Length: {(1 << 20) + 1}\r\n\r\n")[0] == 413
        assert exchange(gateway, start + f"Content-Length: {1 << 40}\r\n\r\n")[0] == 413
        with Wire(gateway) as wire:
            wire.send(start + "Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(40):
                wire.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            answer = wire.answer()
            assert answer and answer[0] == 413, answer
        assert exchange(gateway, start + f"Content-Length: {1 << 20}\r\n\r\n" + "x" * (1 << 20))[0] == 400

    with checks("G6 Expect: 100-continue is answered after the credential was judged, not before"):
        with Wire(gateway) as wire:
            body = json.dumps(shop.order_body(sku))
            wire.send(f"POST {path}/orders/quote HTTP/1.1\r\nHost: a\r\n{bearer}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n")
            assert wire.answer()[0] == 100
            wire.send(body)
            assert wire.answer()[0] == 200
        with Wire(gateway) as wire:
            wire.send(f"POST {path}/orders/quote HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer tgh_live_no\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            assert wire.answer()[0] == 401
        assert exchange(gateway, f"POST {path}/orders/quote HTTP/1.1\r\nHost: a\r\n{bearer}Expect: tea\r\nContent-Length: 5\r\n\r\nxxxxx")[0] == 417

    with checks("G6 methods: HEAD as GET without a body, 405 with Allow for known ones, 501 for unknown ones"):
        with Wire(gateway) as wire:
            wire.send(f"GET {path}/balance HTTP/1.1\r\nHost: a\r\n{bearer}\r\n")
            got = wire.answer()
            wire.send(f"HEAD {path}/balance HTTP/1.1\r\nHost: a\r\n{bearer}\r\n")
            head = wire.answer("HEAD")
            assert head[0] == 200 and head[1]["content-length"] == got[1]["content-length"], head
            assert head[1]["content-type"] == got[1]["content-type"]
            wire.send(f"GET {path}/balance HTTP/1.1\r\nHost: a\r\n{bearer}\r\n")
            assert wire.answer()[2] == got[2], "HEAD left bytes behind"
        status, found, _ = exchange(gateway, f"DELETE {path}/balance HTTP/1.1\r\nHost: a\r\n{bearer}\r\n")
        assert status == 405 and found["allow"] == "GET, HEAD, OPTIONS", found
        status, found, _ = exchange(gateway, f"OPTIONS {path}/balance HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status == 204 and found["allow"] == "GET, HEAD, OPTIONS", found
        for method in ("TRACE", "QUERY"):
            assert exchange(gateway, f"{method} {path}/balance HTTP/1.1\r\nHost: a\r\n{bearer}\r\n")[0] == 405, method
        assert exchange(gateway, f"BREW {path}/balance HTTP/1.1\r\nHost: a\r\n{bearer}\r\n")[0] == 501
        brew = gateway.request("BREW", "/provider/v1/tenants", key=gateway.provider_key)
        assert brew.status == 501, brew

    with checks("G6 HTTP/1.0 and Connection: close are closed after the answer; HTTP/1.1 is kept"):
        for request, kept in [
            (f"GET /healthz HTTP/1.0\r\n\r\n", False), ("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", False),
            ("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", True),
        ]:
            with Wire(gateway) as wire:
                wire.send(request)
                assert wire.answer()[0] == 200, request
                if kept:
                    wire.send(request)
                    assert wire.answer()[0] == 200
                else:
                    assert wire.is_closed(), request


def health(checks, gateway, shop, reseller, sku):
    with checks("G7 healthz, readyz and metrics answer at the root, without a key"):
        assert gateway.get("/healthz").status == 200 and gateway.get("/readyz").status == 200
        assert len(gateway.metrics().types) > 30

    with checks("G7 /metrics has what an operator sees trouble coming by, read by a strict parser"):
        shop.order(reseller, sku)
        metrics = gateway.metrics()
        for name in [
            "tollgate_lane_depth", "tollgate_lane_depth_max", "tollgate_lanes_ready", "tollgate_registry_depth", "tollgate_background_waiting",
            "tollgate_wal_pages", "tollgate_wal_pages_max", "tollgate_read_log_bytes", "tollgate_read_log_bytes_max", "tollgate_writes_refused",
        ]:
            assert metrics[name] >= 0, name
        for name in [
            "tollgate_commit_seconds_count", "tollgate_batch_size_count", "tollgate_open_files", "tollgate_open_files_max", "tollgate_connections_open",
            "tollgate_connections_accepted_total", "tollgate_disk_free_bytes", "tollgate_tenants", "process_open_fds", "process_max_fds", "process_resident_memory_bytes",
        ]:
            assert metrics[name] > 0, name
        assert metrics["tollgate_wal_pages_max"] > 0, "an order has just been written and no checkpoint followed"
        for state in ("handshake", "idle", "head", "body", "answering", "sending", "closing"):
            assert metrics.get("tollgate_connections", state=state) >= 0, state
        for reason in ("total_bound", "address_bound", "descriptors", "handshake", "framing", "body_too_large", "head_deadline", "body_deadline", "answer_deadline"):
            assert metrics.get("tollgate_connections_refused_total", reason=reason) >= 0, reason
        assert metrics.get("tollgate_requests_total", status="201") > 0 and metrics.sum("tollgate_refusals_total") > 0

    with checks("G7 labels are bounded: no tenant, reseller, path or key is in the metrics"):
        for n in range(50):
            gateway.get(f"/made-up-{n}")
            gateway.get(f"/t/{shop.slug}/made-up-{n}")
        text = gateway.get("/metrics").body.decode()
        for word in (shop.slug, reseller["id"], reseller["key_id"], "made-up"):
            assert word not in text, word

    with checks("G7 healthz answers a load balancer's HEAD and ignores its Host"):
        assert exchange(gateway, "HEAD /healthz HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n\r\n", "HEAD")[0] == 200


def headers(checks, gateway, shop, reseller, sku):
    refusals(checks, gateway, shop)
    with checks("G7 every answer has a Request-Id of its own, refusals of every kind too, and problem bodies repeat it"):
        answers = [
            gateway.get("/healthz"), gateway.get("/metrics"), gateway.get("/none"), gateway.get(shop.base + "/none"), gateway.get("/t/none/x"),
            shop.get(reseller, "/balance"), shop.get(reseller, "/orders/ord_none"), shop.get(reseller, "/balance", key="x"),
            shop.quote(reseller, "none"), shop.order(reseller, sku), shop.admin("GET", "/resellers"), shop.admin("GET", "/audit.csv"),
            shop.call(reseller, "PUT", "/balance"), gateway.get("/provider/v1/tenants"), gateway.get("/provider/v1/tenants", key=gateway.provider_key),
            gateway.get(f"/provider/v1/tenants/{shop.slug}/export", key=gateway.provider_key), gateway.get("/provider/v1/none", key=gateway.provider_key),
        ]
        ids = [answer.headers.get("request-id") for answer in answers]
        assert all(ids) and len(set(ids)) == len(ids), ids
        for answer in answers:
            if answer.headers.get("content-type") == "application/problem+json":
                assert answer.json["request_id"] == answer.headers["request-id"]

    with checks("G7 traceparent is carried on"):
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        for answer in (shop.get(reseller, "/balance", headers={"traceparent": trace}), shop.get(reseller, "/none", headers={"traceparent": trace})):
            assert answer.headers.get("traceparent") == trace, answer.headers

    with checks("G2 every authenticated answer has RateLimit-Policy, RateLimit and the X-RateLimit trio: reads, writes, refusals, streams"):
        trio = ("ratelimit-policy", "ratelimit", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
        answers = {
            "a read": shop.get(reseller, "/balance"), "a kept answer": shop.get(reseller, "/products"), "an order": shop.order(reseller, sku),
            "404": shop.get(reseller, "/orders/ord_none"), "422": shop.quote(reseller, sku, "weekly"), "402": shop.order(reseller, sku, quantity=1000),
            "a bad signature": shop.order(dict(reseller, webhook_secret="whsec_" + "A" * 32), sku), "400": shop.call(reseller, "POST", "/orders/quote", b"{"),
            "a replay": (shop.order(reseller, sku, key="twice"), shop.order(reseller, sku, key="twice"))[1],
            "the provider": gateway.get("/provider/v1/tenants", key=gateway.provider_key),
        }
        missing = {name: [header for header in trio if header not in answer.headers] for name, answer in answers.items()}
        assert not any(missing.values()), missing

    with checks("G2 the owner's answers have them too, where a limit is set for the tenant"):
        gateway.patch(f"/provider/v1/tenants/{shop.slug}", {"rate_limit": {"requests": 500, "window_seconds": 60}}, key=gateway.provider_key)
        for path in ("/resellers", "/audit.csv", "/audit?limit=1", "/price-book.csv"):
            answer = shop.admin("GET", path)
            assert answer.headers.get("x-ratelimit-limit") == "500" and "ratelimit" in answer.headers, (path, answer.headers)
        gateway.patch(f"/provider/v1/tenants/{shop.slug}", {"rate_limit": None}, key=gateway.provider_key)

    with checks("G2 an owner's answers have them without one as well"):
        answer = shop.admin("GET", "/resellers")
        assert "ratelimit-policy" in answer.headers and "x-ratelimit-limit" in answer.headers, answer.headers

    with checks("G7 answers are not kept by caches, and are JSON with a length"):
        answer = shop.get(reseller, "/balance")
        assert answer.headers["cache-control"] == "no-store" and answer.headers["content-type"] == "application/json"


def refusals(checks, gateway, shop):
    with checks("G2 W1 O6 a known key that is not allowed: 403 with the limit's headers, counted against it, and in the log"):
        sku = shop.product()
        for name, change, refused in [
            ("suspended", lambda reseller: shop.move(reseller, "suspend"), "/balance"),
            ("api_access off", lambda reseller: shop.terms(reseller, api_access=False), "/balance"),
            ("another role", lambda reseller: None, "/keys"),
        ]:
            reseller = shop.reseller(rate_limit={"requests": 5, "window_seconds": 3600})
            change(reseller)
            answers = [shop.get(reseller, refused) for _ in range(8)]
            statuses = [answer.status for answer in answers]
            assert statuses == [403] * 5 + [429] * 3, (name, statuses)
            assert all("ratelimit" in answer.headers and "x-ratelimit-limit" in answer.headers for answer in answers), name
            rows = shop.admin("GET", f"/audit?reseller={reseller['id']}&status=403").json["data"]
            assert sum(row.get("count", 1) for row in rows) == 5, (name, rows)
        answer = shop.admin("POST", "/api-keys", {"owner_email": f"owner@{shop.slug}.example"}, key=reseller["key"])
        assert answer.status in (403, 429) and "ratelimit" in answer.headers, answer.headers


def verified(public_key, text, signature):
    """Ed25519 by openssl: a reader that is not ours."""
    with tempfile.TemporaryDirectory() as folder:
        def put(name, data):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
            return os.path.join(folder, name)
        # RFC 8410: a SubjectPublicKeyInfo for Ed25519 is these twelve bytes and the key.
        key = put("key", bytes.fromhex("302a300506032b6570032100") + public_key)
        result = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key, "-rawin", "-in", put("text", text),
             "-sigfile", put("signature", signature)], capture_output=True, timeout=30)
        return result.returncode == 0


def heads(checks, gateway, shop, reseller, sku):
    with checks("G5 the answer to every write carries Audit-Head and Audit-Signature, which the published key verifies"):
        published = shop.admin("GET", "/audit/head").json
        key = base64.b64decode(published["public_key"])
        assert published["algorithm"] == "Ed25519" and published["tenant_id"] == shop.made["id"], published
        answers = {
            "an order": shop.order(reseller, sku), "402": shop.order(reseller, sku, quantity=1000, customer="poor"),
            "a top-up": shop.top_up(reseller, "1.00"), "a key": shop.mint(reseller), "terms": shop.admin(
                "PATCH", f"/resellers/{reseller['id']}", {"credit_limit": "0"})}
        sequences = []
        for name, answer in answers.items():
            head, signature = answer.headers["audit-head"], base64.b64decode(answer.headers["audit-signature"])
            text = f"tollgate-audit-head-v1:{shop.made['id']}:{head}".encode()
            assert verified(key, text, signature), (name, head)
            assert not verified(key, text[:-1] + b"0", signature) or text.endswith(b"0"), name
            sequences.append(int(head.split(":")[1]))
        assert sequences == sorted(sequences) and len(set(sequences)) == len(sequences), sequences
        assert verified(key, published["signed_text"].encode(), base64.b64decode(published["signature"]))

    with checks("O6 the log finds every call by reseller, key, status and time, and counts usage by day and route"):
        shop.get(reseller, "/orders/ord_none")
        own = f"key={reseller['key_id']}&limit=100"
        rows = shop.admin("GET", f"/audit?{own}&status=404").json["data"]
        assert rows and all(row["status"] == 404 for row in rows), rows
        assert shop.admin("GET", f"/audit?{own}&from=2099-01-01").json["data"] == []
        assert shop.admin("GET", f"/audit?{own}&to=2020-01-01").json["data"] == []
        one = shop.get(reseller, "/balance")
        rows = shop.admin("GET", f"/audit?{own}").json["data"]
        assert any(row.get("request_id") == one.headers["request-id"] for row in rows), rows[:3]
        lines = shop.admin("GET", f"/audit.jsonl?key={reseller['key_id']}").body.decode().splitlines()
        assert any(json.loads(line).get("request_id") == one.headers["request-id"] for line in lines)
        table = shop.admin("GET", f"/audit.csv?key={reseller['key_id']}").body.decode().splitlines()
        assert len(table) >= len(lines)
        usage = shop.admin("GET", f"/usage?reseller={reseller['id']}&limit=100").json["data"]
        orders = [row for row in usage if row["route"].startswith("POST ") and row["route"].endswith("/orders")]
        assert orders and orders[0]["orders"] > 0 and orders[0]["refusals"] > 0, usage

    with checks("O6 C4 no call changes or deletes a row of the log: 405"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for path in ("/audit", "/audit.csv", "/audit/head", "/usage"):
                assert shop.admin(method, path, {}).status == 405, (method, path)
            assert shop.admin(method, "/audit/1").status in (404, 405)

    with checks("O6 the log names no end customers, and neither passwords nor addresses are stored in it"):
        shop.order(reseller, sku, customer="Margaret-Hamilton")
        text = shop.admin("GET", "/audit.jsonl").body.decode()
        for word in ("Margaret", PASSWORD):
            assert word not in text, word
        export = gateway.get(f"/provider/v1/tenants/{shop.slug}/export", key=gateway.provider_key).body
        with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
            file.write(export)
            file.flush()
            rows = sqlite3.connect(file.name).execute("SELECT detail FROM audit").fetchall()
        assert len(rows) > 10 and not any("@" in detail or "Margaret" in detail for detail, in rows), rows


def idempotency_keys(checks, shop, reseller, sku):
    path = f"{shop.base}/api/partner/v1/orders"
    raw = json.dumps(shop.order_body(sku)).encode()

    def send(header, bare=None):
        signed = signature_headers(reseller["webhook_secret"], "POST", path, header if bare is None else bare, raw)
        signed["Idempotency-Key"] = header
        return shop.gateway.post(path, raw, key=reseller["key"], headers=signed)

    with checks("G4 a key quoted and the same key bare are one; the signature is over the bare one"):
        first = send('"quoted-1"', bare="quoted-1")
        again = send("quoted-1")
        assert first.status == again.status == 201 and first.body == again.body, (first, again)
        assert again.headers["idempotency-hit"] == "true"

    with checks("G4 255 characters pass, 256 do not; empty, spaced and broken ones neither: 400"):
        assert send("k" * 255).status == 201
        assert send('"' + "q" * 255 + '"', bare="q" * 255).status == 201
        for header in ["k" * 256, "", '""', "a b", 'a"b', '"a', "k" * 5000, "k\x7f"]:
            answer = send(header)
            assert answer.status == 400, (header[:20], answer)

    with checks("G4 required on orders, top-ups and nowhere else of these: 400 without"):
        signed = signature_headers(reseller["webhook_secret"], "POST", path, "", raw)
        del signed["Idempotency-Key"]
        assert shop.gateway.post(path, raw, key=reseller["key"], headers=signed).status == 400
        answer = shop.admin("POST", f"/resellers/{reseller['id']}/balance", {"amount": "1.00", "reference": "x"})
        assert answer.status == 400, answer
        assert shop.call(reseller, "POST", "/orders/quote", raw).status == 200


def compression(checks, gateway, shop, reseller):
    with checks("G7 gzip for those who ask: the same bytes when unpacked, Vary, and plain for all others"):
        plain = shop.admin("GET", "/audit?limit=100")
        assert "content-encoding" not in plain.headers and len(plain.body) > 1024
        for path in ("/products?limit=100", "/api-keys?limit=100"):
            for number in range(12):
                shop.mint(reseller, name=f"key number {number}")
            plain = shop.admin("GET", path)
            packed = shop.admin("GET", path, headers={"Accept-Encoding": "gzip"})
            if len(plain.body) > 1024:
                assert packed.headers["content-encoding"] == "gzip", packed.headers
                assert "accept-encoding" in packed.headers["vary"].lower()
                assert gzip.decompress(packed.body) == plain.body
        refused = shop.admin("GET", "/api-keys?limit=100", headers={"Accept-Encoding": "gzip;q=0"})
        assert "content-encoding" not in refused.headers


def is_within_a_body(gateway):
    """Whether the gateway has read the head of a request and waits for its body."""
    return gateway.metrics().get("tollgate_connections", state="body") == 1


def takes_nobody(gateway):
    """Whether it drains: new connections are refused."""
    try:
        gateway.connection().connect()
        return False
    except ConnectionRefusedError:
        return True


def drain(checks, options):
    with Gateway(options.tollgate, demo=False) as gateway:
        shop = Shop(gateway)
        reseller = shop.reseller(balance="10.00")
        sku = shop.product()
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
        path = f"{shop.base}/api/partner/v1/orders"
        raw = json.dumps(shop.order_body(sku)).encode()
        signed = signature_headers(reseller["webhook_secret"], "POST", path, "in-flight", raw)
        lines = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        with checks("G7 SIGTERM: readyz 503 at once, an order under way is finished and answered, then the gateway ends with 0"):
            with Wire(gateway) as flight, Wire(gateway) as probe, Wire(gateway) as idle:
                flight.send(f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {reseller['key']}\r\n{lines}Content-Length: {len(raw)}\r\n\r\n")
                flight.send(raw[:10])
                idle.send("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
                assert idle.answer()[0] == 200
                wait_until(lambda: is_within_a_body(gateway))
                # Whoever has begun to speak is no idle connection, however long the machine takes.
                probe.send("GET /readyz HTTP/1.1\r\n")
                wait_until(lambda: gateway.metrics().get("tollgate_connections", state="head") >= 1)
                gateway.process.send_signal(signal.SIGTERM)
                wait_until(lambda: takes_nobody(gateway))
                probe.send("Host: a\r\n\r\n")
                answer = probe.answer()
                assert answer and answer[0] == 503 and int(answer[1]["retry-after"]) >= 1, answer
                assert idle.is_closed(), "an idle connection is let go"
                assert gateway.process.poll() is None, "it waits for the order"
                flight.send(raw[10:])
                answer = flight.answer()
                assert answer and answer[0] == 201, answer
                assert answer[1]["connection"].lower() == "close", answer[1]
                assert gateway.process.wait(20) == 0
        gateway.process.communicate()
        with checks("G8 what was answered while draining is there after the start"):
            gateway.start()
            again = shop.order(reseller, sku, key="in-flight")
            assert again.status == 201 and again.headers["idempotency-hit"] == "true" and again.body == answer[2]
        with checks("G7 a second SIGTERM ends it at once; a stuck client never holds it past its drain time"):
            with Wire(gateway) as stuck:
                stuck.send(f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {reseller['key']}\r\n{lines}Content-Length: 100\r\n\r\n")
                wait_until(lambda: is_within_a_body(gateway))
                gateway.process.send_signal(signal.SIGTERM)
                wait_until(lambda: takes_nobody(gateway))
                assert gateway.process.poll() is None
                gateway.process.send_signal(signal.SIGTERM)
                gateway.process.wait(10)
            gateway.process.communicate()


def proxies(checks, options):
    def failures(gateway, header, count=FAILURES_MAX, refused_max=FAILURES // 10):
        """429 comes after so many failed credentials of one address: whom they are counted against shows by it. Ends when
        enough are refused: on a busy machine some come free again meanwhile."""
        statuses = collections.Counter()
        connection = gateway.connection()
        for number in range(count):
            headers = {"X-Forwarded-For": header(number)} if header else {}
            answer = gateway.get(
                "/t/hosting/api/partner/v1/balance", key="tgh_live_none", headers=headers, connection=connection)
            statuses[answer.status] += 1
            if statuses[429] == refused_max:
                break
        connection.close()
        return statuses

    with Gateway(options.tollgate, demo=False) as gateway:
        key = Shop(gateway, slug="hosting").reseller()["key"]
        with checks("G6 without --trusted-proxy X-Forwarded-For is nobody's address: it cannot be used to be many"):
            statuses = failures(gateway, lambda n: f"203.0.{n // 250}.{n % 250}")
            assert statuses[429] >= FAILURES // 10, statuses

        with checks("G6 an address past its failures hears 429, an honest key behind it passes on"):
            # One more failure may have come free meanwhile.
            assert failures(gateway, None, FAILURES // 10)[429] > 0
            for _ in range(5):
                assert gateway.get("/t/hosting/api/partner/v1/balance", key=key).status == 200

    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8", demo=False) as gateway:
        key = Shop(gateway, slug="hosting").reseller()["key"]
        with checks("G6 with --trusted-proxy it is the client's address; what a client claims before it counts for nothing"):
            assert set(failures(gateway, lambda n: f"203.0.{n // 250}.{n % 250}", FAILURES)) == {401}
            statuses = failures(gateway, lambda n: f"198.51.{n // 250}.{n % 250}, 192.0.2.7")
            assert statuses[429] >= FAILURES // 10, statuses
        with checks("G6 IPv6 clients are metered by /64"):
            statuses = failures(gateway, lambda n: f"2001:db8:1:2:{n:x}::1")
            assert statuses[429] >= FAILURES // 10, statuses
            assert set(failures(gateway, lambda n: f"2001:db8:1:{n + 10:x}::1", FAILURES)) == {401}
        with checks("G6 the client's address as proxies write it: with a port, brackets, quotes, empty ones beside"):
            forms = [
                "192.0.2.77:{port}", "\"192.0.2.77\"", "192.0.2.77", ", 192.0.2.77 ,", "::ffff:192.0.2.77",
                "[::ffff:192.0.2.77]:{port}", "\"[::ffff:192.0.2.77]:{port}\"", "198.51.100.3:1, 192.0.2.77:{port}"]
            statuses = failures(gateway, lambda n: forms[n % len(forms)].format(port=1024 + n))
            assert statuses[429] >= FAILURES // 10, statuses
            forms = ["2001:db8:7::1", "[2001:db8:7::1]", "[2001:db8:7::2]:{port}"]
            statuses = failures(gateway, lambda n: forms[n % 3].format(port=1024 + n))
            assert statuses[429] >= FAILURES // 10, statuses
        with checks("G6 an X-Forwarded-For that is none does no harm"):
            for value in ["_hidden", "[::1", "[]:1", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:99999", "\"", "\"\"",
                          "fe80::1%eth0",
                          "", "x", "1.2.3", "1.2.3.4:80", "[::1]:9", "unknown", ",,,", "1.2.3.4," * 500,
                          "::ffff:1.2.3.4", "999.1.1.1"]:
                answer = gateway.get("/t/hosting/api/partner/v1/balance", key=key, headers={"X-Forwarded-For": value})
                assert answer.status == 200, (value, answer)


def admin_listener(checks, options):
    with Gateway(options.tollgate, "--admin-listen", "127.0.0.1:0", demo=False) as gateway:
        port = int(gateway.printed(r"^listening on http://127.0.0.1:(?!%d$)(\d+)$" % gateway.port).group(1))
        with checks("G7 --admin-listen: the provider's calls and metrics are there alone"):
            for path in ("/provider/v1/tenants", "/metrics"):
                assert gateway.get(path, key=gateway.provider_key).status == 404, path
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                assert gateway.get(path, key=gateway.provider_key, connection=connection).status == 200, path
            assert gateway.get("/healthz").status == 200


def text(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def linked(checks, gateway, request):
    with checks("P1 links begin with a name of the node's certificate; by another name, with its own address"):
        for called, base in (("GATE.example:8443", "https://GATE.example:8443"),
                             ("evil.example", f"https://127.0.0.1:{gateway.port}")):
            status, body = request(
                "GET", "/provider/v1/tenants/hosting", token=gateway.provider_key, called=called)
            assert status == 200 and json.loads(body)["base_url"] == f"{base}/t/hosting", (called, body)


def tls(checks, options):
    with tempfile.TemporaryDirectory() as folder:
        chain, key = certificate(folder, "gateway", "gate.example", "localhost")
        with Gateway(options.tollgate, "--tls-cert", chain, "--tls-key", key) as gateway:
            def request(method, path, body=None, token=None, host="gate.example", trusted=chain, called=None):
                context = ssl.create_default_context(cafile=trusted)
                with socket.create_connection(("127.0.0.1", gateway.port), 10) as raw, context.wrap_socket(raw, server_hostname=host) as wrapped:
                    data = json.dumps(body) if body is not None else ""
                    wrapped.sendall((f"{method} {path} HTTP/1.1\r\nHost: {called or host}\r\n"
                                     f"Authorization: Bearer {token}\r\nConnection: close\r\n"
                                     f"Content-Length: {len(data)}\r\n\r\n{data}").encode())
                    head, _, rest = wrapped.makefile("rb").read().partition(b"\r\n\r\n")
                    return int(head.split(b" ")[1]), rest

            with checks("G6 TLS: the gateway's certificate, checked by name; links in answers begin with https"):
                status, body = request("GET", "/provider/v1/tenants/hosting", token=gateway.provider_key)
                assert status == 200 and json.loads(body)["base_url"] == "https://gate.example/t/hosting", body

            linked(checks, gateway, request)
            with checks("P2 a custom domain by PATCH: its certificate is served by SNI from the next connection on, and its tenant answers"):
                own_chain, own_key = certificate(folder, "own", "shop.own.example")
                status, body = request("PATCH", "/provider/v1/tenants/hosting", {"domains": [
                    {"host": "shop.own.example", "certificate": text(own_chain), "private_key": text(own_key)}]}, gateway.provider_key)
                assert status == 200, body
                assert "PRIVATE" not in body.decode()
                assert served(gateway.port, "shop.own.example", own_chain).strip() == text(own_chain).strip()
                assert served(gateway.port, "gate.example").strip() == text(chain).strip()
                status, body = request("GET", "/api/partner/v1/balance", token=gateway.reseller("hosting")["key"], host="shop.own.example", trusted=own_chain)
                assert status == 200, body

            with checks("P2 a certificate that does not fit its key, or is none, is refused: 422, and the old one goes on"):
                for bad in [(text(chain), text(own_key)), (text(own_key), text(own_chain)), (text(own_chain)[:200], text(own_key))]:
                    status, body = request("PATCH", "/provider/v1/tenants/hosting", {"domains": [
                        {"host": "shop.own.example", "certificate": bad[0], "private_key": bad[1]}]}, gateway.provider_key)
                    assert status == 422 and b"/domains/0/" in body, body
                assert served(gateway.port, "shop.own.example").strip() == text(own_chain).strip()

            with checks("G7 SIGHUP reads the certificate again; a broken one changes nothing"):
                new_chain, new_key = certificate(folder, "renewed", "gate.example")
                os.replace(new_chain, chain)
                os.replace(new_key, key)
                gateway.process.send_signal(signal.SIGHUP)
                wait_until(lambda: served(gateway.port, "gate.example").strip() == text(chain).strip())
                kept = text(chain).strip()
                with open(chain, "w", encoding="ascii") as file:
                    file.write("no certificate")
                said = gateway.errors()
                gateway.process.send_signal(signal.SIGHUP)
                wait_until(lambda: gateway.errors() != said)
                assert served(gateway.port, "gate.example").strip() == kept
                assert gateway.process.poll() is None
                with open(chain, "w", encoding="ascii") as file:
                    file.write(kept + "\n")

            with checks("P2 a custom domain's certificate is there after a restart, its private key nowhere in the clear"):
                gateway.stop()
                gateway.start()
                assert served(gateway.port, "shop.own.example", own_chain).strip() == text(own_chain).strip()
                secret = "".join(text(own_key).splitlines()[1:-1])
                lines = [line.encode() for line in text(own_key).splitlines()[1:-1]]
                for path, data in files(gateway.data):
                    assert secret.encode() not in data and base64.b64decode(secret) not in data, path
                    assert not any(line in data for line in lines if len(line) > 20), path

            with checks("G6 plain HTTP, garbage and a silent client on the TLS port harm nobody"):
                for data in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x00" * 100, b""):
                    with socket.create_connection(("127.0.0.1", gateway.port), 10) as raw:
                        raw.sendall(data)
                assert request("GET", "/healthz", host="gate.example")[0] == 200


def secrets(checks, options):
    with Gateway(options.tollgate, "--log-requests") as gateway:
        # The log is read away all the while, as a collector would.
        log = []
        reader = threading.Thread(target=lambda: log.extend(iter(gateway.process.stdout.readline, b"")), daemon=True)
        reader.start()
        shop = Shop(gateway, password=PASSWORD)
        reseller = shop.reseller(balance="10.00")
        sku = shop.product()
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
        shop.order(reseller, sku)
        session = shop.sign_in(reseller)
        owner = gateway.post(shop.base + "/api/admin/session", {"email": f"owner@{shop.slug}.example", "password": PASSWORD}).json["token"]
        own = shop.call(reseller, "POST", "/keys", {}, key=session).json["key"]
        rotated = shop.admin("POST", f"/api-keys/{reseller['key_id']}/rotate", {"overlap_seconds": 60}).json["key"]
        new_secret = shop.admin("POST", f"/resellers/{reseller['id']}/webhook-secret/rotate", headers={"Idempotency-Key": "rotate"}).json["webhook_secret"]
        minted = shop.admin("POST", "/api-keys", {"owner_email": reseller["email"]}, headers={"Idempotency-Key": "mint"}).json["key"]
        invited = shop.admin("POST", "/resellers", {"email": "x@y.example", "name": "X"}, headers={"Idempotency-Key": "invite"}).json
        token = invited["invitation_url"].rsplit("/", 1)[1]
        gateway.get(f"{shop.base}/invite/{token}")
        provider_key = gateway.post("/provider/v1/provider-key/rotate", key=gateway.provider_key).json["provider_key"]
        for path in (f"/api/partner/v1/balance?api_token={own}", f"/api/partner/v1/balance?key={own}"):
            gateway.get(shop.base + path, key=own)
        hidden = {
            "the owner's key": shop.owner_key, "a reseller's key": reseller["key"], "a rotated key": rotated, "a key of its own": own,
            "a key minted under an Idempotency-Key": minted, "a session": session, "the owner's session": owner, "a password": PASSWORD,
            "a webhook secret": reseller["webhook_secret"], "the new webhook secret": new_secret, "an invited reseller's": invited["webhook_secret"],
            "an invitation": token, "the provider's key": provider_key,
        }
        demo = gateway.demo
        export = gateway.get(f"/provider/v1/tenants/{shop.slug}/export", key=provider_key)
        assert export.status == 200, export

        def forms(secret):
            yield secret.encode()
            if secret.startswith("whsec_"):
                yield base64.b64decode(secret[6:] + "=" * (-len(secret[6:]) % 4))
                yield secret[6:].encode()

        def clean(places):
            for path, data in places:
                for name, secret in hidden.items():
                    for form in forms(secret):
                        assert form not in data, f"{name} is in {path}"

        with checks("G O10 no secret is in any file of the running gateway's folder, nor in an export"):
            clean((path, data) for path, data in files(gateway.data) if not path.endswith("/demo.json"))
            clean([("the export", export.body)])
        with checks("G7 one JSON line a request, and no secret in any, however it was sent"):
            assert gateway.process.poll() is None
            gateway.process.send_signal(signal.SIGTERM)
            gateway.process.wait(30)
            reader.join(10)
            entries = [json.loads(line) for line in log if line.startswith(b"{")]
            assert len(entries) > 15 and all(entry["request_id"] and entry["status"] for entry in entries), entries[:2]
            clean([("the log", b"".join(log)), ("standard error", gateway.errors().encode())])
        with checks("G O10 no secret is in any file once it has stopped"):
            clean((path, data) for path, data in files(gateway.data) if not path.endswith("/demo.json"))
        with checks("files are their owner's alone"):
            for place, folders, names in os.walk(gateway.data):
                for name in names + folders:
                    mode = os.stat(os.path.join(place, name), follow_symlinks=False).st_mode & 0o077
                    assert mode == 0, (name, oct(mode))
        assert demo


if __name__ == "__main__":
    main()
