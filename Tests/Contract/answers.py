#!/usr/bin/env python3
"""What every answer says whatever it answers, and which listener serves what: header fields, phrases, methods at the
root, traces, links, certificates of tenants' domains (G6, G7, P2)."""

import http.client
import json
import os
import ssl
import tempfile

from shop import Shop
from support import ROOT, Checks, Gateway, arguments, command
from wire import Wire, certificate, exchange, served

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HSTS = "strict-transport-security"
NOSNIFF = "x-content-type-options"


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        shop = Shop(gateway)
        reseller = shop.reseller(balance="10.00")
        fields(checks, gateway, shop, reseller)
        traces(checks, gateway, shop, reseller)
        methods(checks, gateway)
        phrases(checks, gateway, shop, reseller)
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8", demo=False) as gateway:
        behind_proxy(checks, gateway)
    admin_listener(checks, options)
    certificates(checks, options)
    checks.finish()


def fields(checks, gateway, shop, reseller):
    with checks("G7 every answer says nosniff: JSON, CSV, streams, pages, text, the parser's too; no HSTS without TLS"):
        answers = [gateway.get(path) for path in (
            "/healthz", "/metrics", "/none", f"{shop.base}/invite/none", "/api/partner/v1/openapi.json")]
        answers += [shop.get(reseller, path) for path in ("/balance", "/products", "/none")]
        answers += [shop.admin("GET", path) for path in ("/audit.csv", "/price-book.csv", "/audit.jsonl", "/settings")]
        answers += [
            shop.get(reseller, "/balance", key="x"), gateway.request("PUT", "/healthz"),
            gateway.get(f"/provider/v1/tenants/{shop.slug}/export", key=gateway.provider_key)]
        for answer in answers:
            assert answer.headers.get(NOSNIFF) == "nosniff" and HSTS not in answer.headers, answer.headers
            # A price list may be kept by its reseller's client alone, and asked for by its tag.
            kept = "private, no-cache" if "etag" in answer.headers else "no-store"
            assert answer.headers["cache-control"] == kept and answer.headers["request-id"], answer.headers
        for data in (
                "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
                "GET /" + "x" * 9000 + " HTTP/1.1\r\nHost: a\r\n\r\n", "\0"):
            found = exchange(gateway, data)[1]
            assert found.get(NOSNIFF) == "nosniff" and found["request-id"], (data[:40], found)

    with checks("G7 what only a trusted proxy may say is not believed, and a caller's Request-Id is not taken over"):
        claimed = {"X-Forwarded-Proto": "https", "Request-Id": "mine", "X-Request-Id": "mine"}
        answer = gateway.get("/healthz", headers=claimed)
        assert HSTS not in answer.headers and "mine" not in str(answer.headers), answer.headers


def traces(checks, gateway, shop, reseller):
    with checks("G7 a traceparent that W3C's grammar does not allow is not carried on, by an answer or by a refusal"):
        for value in [
                f"ff-{TRACE}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01",
                f"00-{TRACE.upper()}-{PARENT}-01", f"0A-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01-x",
                f"00-{TRACE}-{PARENT}-0", f"00-{TRACE[:-1]}g-{PARENT}-01", f"00-{TRACE}-{PARENT}",
                f"00_{TRACE}_{PARENT}_01", "x", f"01-{TRACE}-{PARENT}-01.x",
                f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01"]:
            for answer in (
                    shop.get(reseller, "/balance", headers={"traceparent": value}),
                    gateway.get("/none", headers={"traceparent": value})):
                assert "traceparent" not in answer.headers, (value, answer.headers)
        field = f"traceparent: 00-{TRACE}-{PARENT}-01\r\n"
        assert "traceparent" not in exchange(gateway, f"GET /healthz HTTP/1.1\r\nHost: a\r\n{field}{field}\r\n")[1]

    with checks("G7 of a later version's traceparent is carried on what version 00 knows"):
        for value, carried in [
                (f"cc-{TRACE}-{PARENT}-03-what-else", f"00-{TRACE}-{PARENT}-01"),
                (f"01-{TRACE}-{PARENT}-00", f"00-{TRACE}-{PARENT}-00")]:
            assert gateway.get("/healthz", headers={"traceparent": value}).headers.get("traceparent") == carried, value


def methods(checks, gateway):
    with checks("G7 health, metrics and descriptions take GET and HEAD alone: else 405 with Allow, or 501"):
        for path in ("/healthz", "/readyz", "/metrics", "/api/partner/v1/openapi.json"):
            assert exchange(gateway, f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD")[0] == 200, path
            for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"):
                status, found, _ = exchange(
                    gateway, f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
                # An API says by OPTIONS what its paths take.
                is_api = path.startswith("/api/")
                assert status == (204 if is_api and method == "OPTIONS" else 405), (method, path, status, found)
                assert found["allow"] == ("GET, HEAD, OPTIONS" if is_api else "GET, HEAD"), (method, path, found)
            for method in ("BREW", "get", "Head", "CONNECT"):
                assert exchange(gateway, f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n")[0] == 501, (method, path)


def phrases(checks, gateway, shop, reseller):
    quote = (f"POST {shop.base}/api/partner/v1/orders/quote HTTP/1.1\r\nHost: a\r\n"
             f"Authorization: Bearer {reseller['key']}\r\n")
    with checks("G6 a status line has RFC 9110's phrase"):
        for data, line in [
                ("GET /healthz HTTP/1.1\r\nHost: a\r\n", "200 OK"), ("GET / HTTP/1.1\r\n", "400 Bad Request"),
                (f"GET {shop.base}/api/partner/v1/balance HTTP/1.1\r\nHost: a\r\n", "401 Unauthorized"),
                ("GET /none HTTP/1.1\r\nHost: a\r\n", "404 Not Found"),
                ("PUT /healthz HTTP/1.1\r\nHost: a\r\n", "405 Method Not Allowed"),
                (f"{quote}Content-Length: 9999999\r\n", "413 Content Too Large"),
                ("GET /" + "x" * 9000 + " HTTP/1.1\r\nHost: a\r\n", "414 URI Too Long"),
                (f"{quote}Expect: tea\r\nContent-Length: 2\r\n", "417 Expectation Failed"),
                (f"{quote}Content-Length: 2\r\n\r\n{{}}", "422 Unprocessable Content"),
                ("GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 101, "431 Request Header Fields Too Large"),
                ("BREW /healthz HTTP/1.1\r\nHost: a\r\n", "501 Not Implemented"),
                ("GET / HTTP/2.0\r\nHost: a\r\n", "505 HTTP Version Not Supported")]:
            with Wire(gateway) as wire:
                wire.send(data + ("" if data.endswith("{}") else "\r\n"))
                found = wire.file.readline().decode()
            assert found == f"HTTP/1.1 {line}\r\n", (data[:60], found)


def behind_proxy(checks, gateway):
    with checks("G7 HSTS and https links where a trusted proxy says that the client speaks TLS"):
        shop = Shop(gateway)
        for value, is_told in [
                ("https", True), ("HTTPS", True), ("https, https", True), ("https,HTTPS ,\thttps", True),
                (",https", True), ("http", False), ("https, http", False), ("http, https", False), ("https https", False),
                (",", False), ("httpsx", False), ("", False)]:
            answer = gateway.get("/healthz", headers={"X-Forwarded-Proto": value})
            assert (HSTS in answer.headers) == is_told, (value, answer.headers)
            read = gateway.get(
                f"/provider/v1/tenants/{shop.slug}", key=gateway.provider_key, headers={"X-Forwarded-Proto": value})
            assert read.json["base_url"].startswith("https://") == is_told, (value, read)

    with checks("G7 the field that a trusted proxy adds to one that was there counts with it"):
        for first, second, is_told in (("https", "https", True), ("https", "http", False), ("http", "https", False)):
            found = exchange(
                gateway, f"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: {first}\r\n"
                f"X-Forwarded-Proto: {second}\r\nConnection: close\r\n\r\n")[1]
            assert (HSTS in found) == is_told, (first, second, found)


def admin_listener(checks, options):
    with Gateway(options.tollgate, demo=False) as gateway:
        shop = Shop(gateway)
        reseller = shop.reseller()
        own = gateway.patch(
            f"/provider/v1/tenants/{shop.slug}", {"domains": [{"host": "own.shop.example"}]}, key=gateway.provider_key)
        assert own.status == 200, own
        key = gateway.provider_key
        gateway.stop()
        gateway.arguments += ["--admin-listen", "127.0.0.1:0"]
        gateway.start()
        port = int(gateway.printed(r"^listening on http://127.0.0.1:(?!%d$)(\d+)$" % gateway.port).group(1))

        def at_admin(path, key=None, host=f"127.0.0.1:{port}"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            return gateway.get(path, key=key, connection=connection, headers={"Host": host})

        with checks("G7 --admin-listen serves the provider, metrics and health alone, and no tenant's path"):
            for path in (
                    f"{shop.base}/api/admin/settings", "/api/admin/settings", f"{shop.base}/invite/none",
                    f"{shop.base}/api/partner/v1/openapi.json", "/api/partner/v1/openapi.json"):
                for host in ("admin.example", "own.shop.example"):
                    answer = at_admin(path, shop.owner_key, host)
                    assert answer.status == 404 and answer.json["code"] == "path_not_found", (path, host, answer)
            assert at_admin(f"{shop.base}/api/partner/v1/balance", reseller["key"]).status == 404
            for host in ("admin.example", "own.shop.example", "127.0.0.1"):
                for path in ("/healthz", "/readyz", "/metrics", "/provider/v1/tenants"):
                    assert at_admin(path, key, host).status == 200, (host, path)
            assert gateway.get("/", headers={"Accept": "text/html"}).status == 404
            for path in ("/metrics", "/provider/v1/tenants"):
                for host in ("127.0.0.1", "own.shop.example"):
                    assert gateway.get(path, key=key, headers={"Host": host}).status == 404, (host, path)

        with checks("G7 links that are asked for at --admin-listen lead to the listener that everyone has"):
            answer = at_admin(f"/provider/v1/tenants/{shop.slug}", key)
            assert answer.json["base_url"] == f"http://127.0.0.1:{gateway.port}{shop.base}", answer
            described = at_admin("/provider/v1/openapi.json", key).json["servers"]
            assert str(port) not in json.dumps(described), described


def text(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def certificates(checks, options):
    with tempfile.TemporaryDirectory() as folder:
        chain, key = certificate(folder, "gateway", "127.0.0.1", "localhost")
        context = ssl.create_default_context(cafile=chain)
        context.check_hostname = False
        with Gateway(options.tollgate, "--tls-cert", chain, "--tls-key", key, tls=context, demo=False) as gateway:
            shop = Shop(gateway)
            with checks("G7 over TLS every answer has HSTS, for the name alone that was called"):
                for answer in (
                        gateway.get("/healthz"), gateway.get("/none"), shop.admin("GET", "/settings"),
                        shop.admin("GET", "/audit.csv")):
                    assert answer.headers.get(HSTS) == "max-age=31536000", answer.headers

            def put(host, pair):
                domain = {"host": host, "certificate": text(pair[0]), "private_key": text(pair[1])}
                return gateway.patch(
                    f"/provider/v1/tenants/{shop.slug}", {"domains": [domain]}, key=gateway.provider_key)

            with checks("P2 a certificate serves its domain: by its own name, by a wildcard, among others"):
                good = [["shop.own.example"], ["*.own.example"], ["a.example", "shop.own.example"]]
                for number, names in enumerate(good):
                    pair = certificate(folder, f"good{number}", *names)
                    assert put("shop.own.example", pair).status == 200, names
                    assert served(gateway.port, "shop.own.example").strip() == text(pair[0]).strip(), names
                kept = text(pair[0]).strip()

            with checks("P2 a certificate for another name, an ended one, one with another key: 422, no change"):
                other = certificate(folder, "other", "shop.own.example")
                damaged = os.path.join(folder, "damaged.pem")
                with open(damaged, "w", encoding="ascii") as file:
                    file.write(text(other[0]) + text(chain)[:-100])
                for host, pair in [
                        ("shop.own.example", certificate(folder, "another", "other.example")),
                        # The subject alone says the name.
                        ("shop.own.example", certificate(folder, "shop.own.example", "other.example")),
                        ("shop.own.example", certificate(folder, "parent", "own.example")),
                        ("a.shop.own.example", certificate(folder, "wildcard", "*.own.example")),
                        ("own.example", certificate(folder, "below", "*.own.example")),
                        ("shop.own.example", certificate(folder, "partial", "sh*.own.example")),
                        ("shop.own.example", certificate(folder, "ended", "shop.own.example", days=-1)),
                        ("shop.own.example", (other[0], chain)), ("shop.own.example", (other[0], key)),
                        ("shop.own.example", (damaged, other[1]))]:
                    answer = put(host, pair)
                    assert answer.status == 422, (host, pair, answer)
                    assert answer.json["errors"][0]["pointer"].startswith("/domains/0/"), (host, pair, answer)
                assert served(gateway.port, "shop.own.example").strip() == kept
            with checks("P2 a node does not start with a certificate whose chain is damaged"):
                result = command(
                    options.tollgate, "serve", "--port", "0", "--data", os.path.join(folder, "data"), "--blueprints",
                    os.path.join(ROOT, "tenants"), "--tls-cert", damaged, "--tls-key", other[1])
                assert result.returncode == 1 and "certificate chain" in result.stderr, result


if __name__ == "__main__":
    main()
