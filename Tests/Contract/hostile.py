#!/usr/bin/env python3
"""Hostile bytes in heads (G6): one table of requests that two readers could read differently, sent to a live
gateway over TCP and over TLS. Each stands before a request that a smuggler would want to have answered."""

import json
import os
import ssl
import subprocess
import tempfile

from shop import Shop
from support import Checks, Gateway, arguments
from wire import Wire


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        everything(checks, gateway, "TCP", None)
    with tempfile.TemporaryDirectory() as folder:
        chain, key = os.path.join(folder, "chain.pem"), os.path.join(folder, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-out", chain, "-keyout", key], capture_output=True, check=True, timeout=30)
        context = ssl.create_default_context(cafile=chain)
        context.check_hostname = False
        with Gateway(options.tollgate, "--tls-cert", chain, "--tls-key", key, tls=context, demo=False) as gateway:
            everything(checks, gateway, "TLS", context)
    checks.finish()


def everything(checks, gateway, transport, context):
    shop = Shop(gateway)
    reseller = shop.reseller(balance="1000.00")
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    bearer = f"Authorization: Bearer {reseller['key']}\r\n"
    partner = f"{shop.base}/api/partner/v1"
    # What a smuggler wants to have read as a request of its own.
    wanted = f"GET {partner}/balance HTTP/1.1\r\nHost: a\r\n{bearer}\r\n".encode()
    quote = json.dumps(shop.order_body(sku)).encode()

    def post(fields, body=b""):
        """A POST that gets past the credential, so that its body is read."""
        head = f"POST {partner}/orders/quote HTTP/1.1\r\nHost: a\r\n{bearer}".encode()
        return head + text(fields) + b"\r\n\r\n" + text(body)

    def get(target="/balance", host="Host: a\r\n", fields="", version="HTTP/1.1", method="GET"):
        return text(f"{method} {partner}{target} {version}\r\n{host}{bearer}{fields}\r\n")

    def chunked(body):
        return post("Transfer-Encoding: chunked", body)

    table = refused(post, get, chunked)

    with checks(f"G6 {transport}: {len(table)} hostile requests are each refused in one answer that closes; nothing behind is read"):
        wrong = []
        for name, statuses, request in table:
            with Wire(gateway, context) as wire:
                wire.send(request + wanted * 2)
                found = wire.answers()
            if len(found) != 1 or found[0][0] not in statuses:
                wrong.append((name, [(status, body[:80]) for status, _, body in found]))
                continue
            status, headers, body = found[0]
            assert headers.get("connection", "").lower() == "close", (name, headers)
            assert headers["content-type"] == "application/problem+json" and headers["request-id"], (name, headers)
            assert json.loads(body)["status"] == status, (name, body)
        assert not wrong, wrong

    sound = accepted(post, get, chunked, quote)
    with checks(f"G6 {transport}: {len(sound)} odd but sound requests are answered, and what follows them is the next request"):
        wrong = []
        for name, statuses, request in sound:
            with Wire(gateway, context) as wire:
                wire.send(request + wanted)
                first = wire.answer()
                second = wire.answer() if first and first[0] in statuses else None
            if not first or first[0] not in statuses or not second or second[0] != 200 or b"balance" not in second[2]:
                wrong.append((name, first, second))
        assert not wrong, wrong

    early(checks, gateway, shop, transport, context, post, get, bearer, partner, wanted, quote)
    halves(checks, gateway, transport, context, post, get, wanted, quote)
    with checks(f"G6 {transport}: after all of that an honest caller is served"):
        assert shop.get(reseller, "/balance").status == 200


def text(value):
    return value if isinstance(value, bytes) else value.encode("latin-1")


def refused(post, get, chunked):
    """(name, statuses, bytes). 400 where nothing better fits."""
    table = []

    def row(name, request, *statuses):
        table.append((name, statuses or (400,), request))

    # Two lengths: what one reader takes for the body, another takes for the next request.
    for fields in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Content-Length: 0\r\nTransfer-Encoding: chunked", "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 3\r\nContent-Length: 3", "Content-Length: 3\r\ncontent-length: 3", "Content-Length: 3, 3",
        "Content-Length: 3,4", "Content-Length: +3", "Content-Length: -3", "Content-Length: ", "Content-Length: 0x3",
        "Content-Length: 3a", "Content-Length: 3.0", "Content-Length: 3e0", "Content-Length: 3 3", "Content-Length: 3;",
        "Content-Length: \"3\"", "Content-Length: 1_0", "Content-Length: \xb3", "Content-Length: \x0b3",
        "Content-Length\x00: 3", "Content-Length : 3", "Content-Length\t: 3", "Content-Length:\r\n 3",
    ]:
        row(fields, post(fields, "abc"))
    row("a length past 64 bits", post("Content-Length: 99999999999999999999"), 413)
    row("a length of 30 digits with zeros before", post("Content-Length: " + "0" * 29 + "3", "abc"), 413)

    # A coding that one reader knows and another does not.
    for fields in [
        "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: gzip, deflate", "Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked,",
        "Transfer-Encoding: chunked;q=1", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: 'chunked' x",
        "Transfer-Encoding: ", "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: chunked\x0c", "Transfer-Encoding: chunked\x00",
        "Transfer-Encoding: chu nked", "Transfer-Encoding: \xa0chunked", "Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked",
        " Transfer-Encoding: chunked", "Transfer-Encoding:\r\n chunked", "Transfer-Encoding:\n chunked", "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked", "Transfer-Encoding\n: chunked", "Transfer-\x00Encoding: chunked", "Transfer Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\ntransfer-encoding: identity",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    ]:
        row(fields, post(fields, "0\r\n\r\n"), 400, 501)
    for coding in ["identity", "xchunked", "chunkedx", "gzip", "cow", "gzip, chunked", "identity,chunked",
                   "a,\tb , chunked"]:
        row(f"coding {coding}", post(f"Transfer-Encoding: {coding}", "0\r\n\r\n"), 501)
    row("chunked in HTTP/1.0", get(version="HTTP/1.0", fields="Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n")

    # Chunks.
    for body in [
        "\r\nabc\r\n0\r\n\r\n", "+3\r\nabc\r\n0\r\n\r\n", "-1\r\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", " 3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n", "3\t\r\nabc\r\n0\r\n\r\n", "000000003\r\nabc\r\n0\r\n\r\n", "100000000\r\n", "FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n",
        "xyz\r\nabc\r\n0\r\n\r\n", "\xb3\r\nabc\r\n0\r\n\r\n", "3_0\r\nabc\r\n0\r\n\r\n", "3,\r\nabc\r\n0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "3\rabc\r\n0\r\n\r\n",
        "3\r\rabc\r\n0\r\n\r\n", "3;a\nabc\r\n0\r\n\r\n", "3;a\rb\r\nabc\r\n0\r\n\r\n", "3;\x00\r\nabc\r\n0\r\n\r\n", "3;" + "a" * 400 + "\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n", "4\r\nabc\r\n0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "3\r\nabc\r0\r\n\r\n", "3\r\nabc0\r\n\r\n", "3\r\nabc\r\n\r\n0\r\n\r\n",
        "0\r\n\n", "0\n\r\n", "0\r\n\rX", "0\r\nA\r\n\r\n", "0\r\nA : b\r\n\r\n", "0\r\nA: b\r\n c\r\n\r\n", "0\r\n: b\r\n\r\n", "0\r\nA: \x01\r\n\r\n",
        # Extensions by their grammar alone: an open quote, a quote that goes on, a value or a name that is none.
        "3;a=\"b\r\nabc\r\n0\r\n\r\n", "3;a=\"b\\\"\r\nabc\r\n0\r\n\r\n", "3;a=\"b\"c\r\nabc\r\n0\r\n\r\n",
        "3;\r\nabc\r\n0\r\n\r\n", "3;a;\r\nabc\r\n0\r\n\r\n",
        "3;a=\r\nabc\r\n0\r\n\r\n", "3;=b\r\nabc\r\n0\r\n\r\n", "3;a b\r\nabc\r\n0\r\n\r\n",
        "3;a=b=c\r\nabc\r\n0\r\n\r\n", "3;a, b\r\nabc\r\n0\r\n\r\n",
        "3;a=b \r\nabc\r\n0\r\n\r\n", "3;\"a\"=b\r\nabc\r\n0\r\n\r\n", "3;a=\"b\\\x01\"\r\nabc\r\n0\r\n\r\n",
        "3;a='b c'\r\nabc\r\n0\r\n\r\n", "0;x=\"\r\n\r\n",
        "0\r\nA: b\nC: d\r\n\r\n", "0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "0\r\n" + "A: bcdefgh\r\n" * 400 + "\r\n",
    ]:
        row(f"chunk {body[:32]!r}", chunked(body))

    # Host.
    for host in [
        "", "user@a", "user:pass@a", "a/b", "a,b", "a, b", "a b", "a?b", "a#b", "a:b", "a:", "a:1:2", "a:123456",
        "a:99999", "a:65536", "a:0", "a:00000", "[::1]:0", "[::1]:70000", ":80", "[::1", "[]", "[a]",
        "[::1]a", "[::1%eth0]", "[:::]", "[1:2]", "[::g]", "[1.2.3.4]", "[::1.2.3]", "[v1.a]", "a\\b", "a%00b",
        "http://a", "a\x00", "b\xfccher", "a" * 256,
    ]:
        row(f"Host: {host[:20]!r}", get(host=f"Host: {host}\r\n"))
    row("no Host", get(host=""))
    row("two Hosts", get(host="Host: a\r\nHost: b\r\n"))
    row("a Host twice", get(host="Host: a\r\nhost: a\r\n"))
    row("two Hosts in HTTP/1.0", get(host="Host: a\r\nHost: a\r\n", version="HTTP/1.0"))

    # Lines and names.
    for fields in [
        "X: a\r\n b", "X: a\r\n\tb", "X: a\r\n ", ": x", "Name", "Na me: x", "Name : x", "Na(me): x", "Na/me: x", "\"Name\": x", "N\xe4me: x",
        "Na\x00me: x", "Na\x7fme: x", "Name: a\x00b", "Name: a\x07b", "Name: a\x7f", "Name: a\x1b", "Name: a\rb", "Name: a\nb", "Name: a\r", "Name\r: a",
        "\rName: a", "\x0bName: a",
    ]:
        row(f"field {fields!r}", get(fields=fields + "\r\n"))
    for name in ["Authorization", "authorization", "X-Api-Key", "x-seed-hash", "Idempotency-Key", "X-Tollgate-Signature", "X-Tollgate-Timestamp",
                 "webhook-id", "Webhook-Timestamp", "webhook-signature"]:
        row(f"{name} again", get(fields=f"{name}: a\r\n{name.upper()}: a\r\n"))
    row("a space before the first field", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n")
    row("bare LF lines", get().replace(b"\r\n", b"\n"))
    row("bare LF after the request line", get().replace(b"\r\n", b"\n", 1))
    row("bare LF as the last line", get()[:-2] + b"\n")
    row("bare CR lines", get().replace(b"\r\n", b"\r"))
    row("bare CR as the last line", get()[:-2] + b"\rX: y\r\n\r\n")
    row("CR CR LF", get().replace(b"\r\n", b"\r\r\n", 1))

    # Request lines.
    row("two empty lines before", b"\r\n\r\n" + get())
    row("an empty line of LF before", b"\n" + get())
    row("a space before", b" " + get())
    row("a byte-order mark before", b"\xef\xbb\xbf" + get())
    row("a NUL before", b"\0" + get())
    row("a TLS hello in the clear", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")
    row("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 505)
    row("HTTP/0.9, without a version", b"GET /healthz\r\n\r\n")
    for version in ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/9.9"]:
        row(version, get(version=version), 505)
    for version in ["HTTP/1", "HTTP/1.", "HTTP/1.10", "HTTP/11.1", "HTTP/1.1 ", "HTTP/1.1 x", "http/1.1", "HTTP/1,1", "HTTP/+1.1", "HTTP /1.1", "TTP/1.1", "HTTP/1.1\x00", "ICY/1.1"]:
        row(f"version {version!r}", get(version=version))
    for target in ["/balance b", "/balance\t", "/\0", "/\x0b", "/\xff", "/\xc3\xbc", "/\x7f", "/balance#a", "/\r"]:
        row(f"target {target!r}", get(target))
    for line in [
        "GET a HTTP/1.1", "GET ftp://a/ HTTP/1.1", "GET http:/a HTTP/1.1", "GET http:// HTTP/1.1",
        "GET http:///x HTTP/1.1", "GET https:a HTTP/1.1",
        "GET ws://a/ HTTP/1.1", "GET //a/ b HTTP/1.1", "GET *  HTTP/1.1", "GET * HTTP/1.1",
        # Another host than Host names, or the same with what a host has not.
        "GET http://b/ HTTP/1.1", "GET http://a.b/ HTTP/1.1", "GET http://a:81/ HTTP/1.1",
        "GET http://a:443/ HTTP/1.1", "GET https://a:80/ HTTP/1.1",
        "GET http://u@a/ HTTP/1.1", "GET http://a@b/ HTTP/1.1", "GET http://a:/ HTTP/1.1", "GET http://a:0/ HTTP/1.1",
        "GET http://a%2e/ HTTP/1.1",
        "GET http://[::1]/ HTTP/1.1", "GET http://a\\b/ HTTP/1.1", "GET http://a/#x HTTP/1.1",
        "GET http://a HTTP/1.1 x", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET\t/\tHTTP/1.1", "GET HTTP/1.1",
        "GET  HTTP/1.1",
        "CONNECT a:443 HTTP/1.1", "OPTIONS * HTTP/1.1", "/ HTTP/1.1", "GE:T / HTTP/1.1", "G\0T / HTTP/1.1", "GET\xa0/ HTTP/1.1", "G\xcbT / HTTP/1.1",
        "A" * 33 + " / HTTP/1.1",
    ]:
        row(f"line {line[:40]!r}", text(line) + b"\r\nHost: a\r\n\r\n")

    # Too much of something.
    row("a head without an end", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 4000, 431)
    row("one endless field", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20_000, 431)
    row("101 fields", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100 + b"\r\n", 431)
    row("a target of 9,000 bytes", get("/" + "x" * 9_000), 414)
    row("an endless target", b"GET /" + b"x" * 20_000, 414, 431)
    row("an endless method", b"G" * 20_000, 400, 414, 431)
    row("a body that is announced too large", post("Content-Length: 1048577"), 413)
    row("chunks that grow too large", chunked(b"10000\r\n" + b" " * 65536 + b"\r\n" * 1) + (b"10000\r\n" + b" " * 65536 + b"\r\n") * 17, 413)
    return table


def accepted(post, get, chunked, quote):
    """(name, statuses, bytes): what a strict reader must still take, and must find the end of."""
    length = len(quote)

    def absolute(origin, host="a", path=None, version="HTTP/1.1", fields=""):
        """The balance by a target in absolute form; `path` in its place."""
        line, rest = get(version=version, host=f"Host: {host}\r\n" if host else "", fields=fields).split(b"\r\n", 1)
        method, target, version = line.split(b" ")
        return b"%s %s%s %s\r\n%s" % (method, origin.encode(), target if path is None else path.encode(), version, rest)

    kept = "Connection: keep-alive\r\n"
    ones = b"".join(b"1\r\n%c\r\n" % byte for byte in quote)
    return [
        ("one empty line before", (200,), b"\r\n" + get()),
        ("white space around a value", (200,), get(host="Host: \t a \t \r\n")),
        ("no white space", (200,), get(host="Host:a\r\n")),
        ("names in any case", (200,), get(host="hOsT: a\r\n")),
        ("a port", (200,), get(host="Host: a.b-c:8080\r\n")), ("an IPv6 host", (200,), get(host="Host: [::1]:8080\r\n")),
        ("bytes over 0x7F in a value", (200,), get(fields="X: \xff\xfe\x80\r\n")), ("a tab in a value", (200,), get(fields="X: a\tb\r\n")),
        ("an empty value", (200,), get(fields="X:\r\n")), ("100 fields", (200,), get(fields="X: y\r\n" * 98)),
        ("a query with brackets and quotes", (400,), get("/balance?a[]=%22|'{}<>")),
        ("zeros before a length", (200,), post(f"Content-Length: 000{length}", quote)),
        ("a length with white space around", (200,), post(f"Content-Length:\t {length} \t", quote)),
        ("one chunk", (200,), chunked(b"%X\r\n%s\r\n0\r\n\r\n" % (length, quote))),
        ("zeros before a size", (200,), chunked(b"%08x\r\n%s\r\n000\r\n\r\n" % (length, quote))),
        ("chunks of one byte", (200,), chunked(ones + b"0\r\n\r\n")),
        ("chunk extensions with blanks and quotes in every place that the grammar has", (200,), chunked(
            b"%x ;a\t; b = c ;d=\"e;\\\"f\\\\ \t\xff\" ;g=\"\"\r\n%s\r\n0 ; z\r\n\r\n" % (length, quote))),
        ("absolute form", (200,), absolute("http://a")), ("absolute form over TLS", (200,), absolute("https://a")),
        ("absolute form in capitals", (200,), absolute("HTTP://A")),
        ("absolute form with the scheme's port", (200,), absolute("http://a:80")),
        ("absolute form of a Host with the scheme's port", (200,), absolute("https://a", "a:443")),
        ("absolute form with a port", (200,), absolute("http://a.b:8080", "A.B:8080")),
        ("absolute form of a name with its last dot", (200,), absolute("http://a.", "a")),
        ("absolute form of an IPv6 host", (200,), absolute("http://[::1]:8080", "[::1]:8080")),
        ("absolute form with a query", (404,), absolute("http://a", path="/nothing?a=b")),
        ("absolute form without a path", (404,), absolute("http://a", path="")),
        ("absolute form with a query alone", (404,), absolute("http://a", path="?a=/b")),
        ("absolute form in HTTP/1.0 with Host", (200,), absolute("http://a", version="HTTP/1.0", fields=kept)),
        ("absolute form in HTTP/1.0 without Host", (200,), absolute("http://a", None, version="HTTP/1.0", fields=kept)),
        ("a Host with its last dot", (200,), get(host="Host: a.example.\r\n")),
        ("a Host with its last dot and a port", (200,), get(host="Host: a.example.:8080\r\n")),
        ("a Host with the last port", (200,), get(host="Host: a:65535\r\n")),
        ("an IPv6 host with dotted IPv4", (200,), get(host="Host: [::FFFF:1.2.3.4]\r\n")),
        ("a TE for what is not done", (200,), get(fields="TE: trailers, deflate;q=0.5\r\nConnection: TE\r\n")),
        ("fields that Connection names", (200,), get(fields="Connection: keep-alive, ,X-Hop\r\nX-Hop: a\r\n")),
        ("chunk extensions", (200,), chunked(b"%x;a=b;c=\"d e\"\r\n%s\r\n0;z\r\n\r\n" % (length, quote))),
        ("trailers, which count for nothing", (200,), chunked(
            b"%x\r\n%s\r\n0\r\nAuthorization: Bearer x\r\nContent-Length: 99\r\nHost: b\r\nTransfer-Encoding: x\r\n\r\n" % (length, quote))),
        ("chunked in capitals", (200,), post("Transfer-Encoding: CHUNKED", b"%x\r\n%s\r\n0\r\n\r\n" % (length, quote))),
        ("an upgrade that is not taken", (200,), get(fields="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n")),
        ("names that only look like framing", (200,), get(fields="Content_Length: 5\r\nTransfer_Encoding: chunked\r\nX-Content-Length: 5\r\n")),
        ("an unknown path", (404,), get("/none")), ("a known path by another method", (405,), get(method="DELETE")),
        ("a body that is no JSON", (400,), post("Content-Length: 3", "abc")),
        ("an empty body in chunks", (400,), chunked("0\r\n\r\n")),
    ]


def early(checks, gateway, shop, transport, context, post, get, bearer, partner, wanted, quote):
    """Answers that come before a body was read: what is left of it is never the next request."""
    def only(request, status, name):
        with Wire(gateway, context) as wire:
            wire.send(request)
            found = wire.answers()
        assert [answer[0] for answer in found] == [status], (name, found)
        assert found[0][1].get("connection", "").lower() == "close", (name, found)

    stranger = get(fields=f"Content-Length: {len(wanted)}\r\n", method="POST", target="/orders").replace(bearer.encode(), b"Authorization: Bearer tgh_live_x\r\n")
    with checks(f"G6 {transport}: an unknown key's body is not read, and is not the next request"):
        only(stranger + wanted + wanted, 401, "length")
        only(stranger.replace(f"Content-Length: {len(wanted)}".encode(), b"Transfer-Encoding: chunked") + b"%x\r\n" % len(wanted) + wanted + wanted, 401, "chunked")

    with checks(f"G6 {transport}: Expect: 100-continue refused early: no 100, and the body that comes all the same is not the next request"):
        only(stranger.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n") + wanted + wanted, 401, "401")
        only(post("Expect: 100-continue\r\nContent-Length: 9999999") + wanted, 413, "413")
        only(post("Expect: tea\r\nContent-Length: 5", wanted), 417, "417")
        only(post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5", wanted), 417, "twice")

    with checks(f"G6 {transport}: Expect: 100-continue with a sound credential: 100, then the answer, then the next request"):
        with Wire(gateway, context) as wire:
            wire.send(post(f"Expect: 100-continue\r\nContent-Length: {len(quote)}"))
            assert wire.answer()[0] == 100
            wire.send(quote + wanted)
            assert [wire.answer()[0] for _ in range(2)] == [200, 200]

    with checks(f"G6 {transport}: a body where none is read (GET, HEAD, 404, 405) is never the next request"):
        for request in [
            get(fields=f"Content-Length: {len(wanted)}\r\n") + wanted,
            get(fields="Transfer-Encoding: chunked\r\n") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(wanted), wanted),
            get("/none", fields=f"Content-Length: {len(wanted)}\r\n", method="POST") + wanted,
            get(fields=f"Content-Length: {len(wanted)}\r\n", method="DELETE") + wanted,
            f"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: {len(wanted)}\r\n\r\n".encode() + wanted,
        ]:
            with Wire(gateway, context) as wire:
                # The one behind it is the last: the connection's end tells that no more is answered.
                wire.send(request + wanted.replace(b"Host: a", b"Host: a\r\nConnection: close"))
                found = wire.answers()
            assert len(found) <= 2 and found[0][0] in (200, 400, 404, 405), found
            # One for the request, and at most one more for what stands behind its body; never one for the body too.
            assert sum(b'"balance"' in body for _, _, body in found[1:]) <= 1, found

    with checks(f"G6 {transport}: after a refused request in a pipeline the answers before it stand, and none follows"):
        with Wire(gateway, context) as wire:
            wire.send(wanted * 3 + b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" + wanted * 3)
            found = wire.answers()
        assert [answer[0] for answer in found] == [200, 200, 200, 400], found


def halves(checks, gateway, transport, context, post, get, wanted, quote):
    with checks(f"G6 {transport}: a client that has finished sending still gets its answers, then the end"):
        for request, statuses in [(wanted, [200]), (wanted * 3, [200] * 3), (post(f"Content-Length: {len(quote)}", quote), [200])]:
            with Wire(gateway, context) as wire:
                wire.send(request)
                wire.finish_sending()
                assert [answer[0] for answer in wire.answers()] == statuses, statuses

    with checks(f"G6 {transport}: half a request and then the end: nothing is answered or done, the connection ends"):
        before = gateway.get("/healthz").status
        for request in [b"", b"\r\n", b"GET", wanted[:-1], wanted[:-2], post("Content-Length: 10", "abc"), post("Transfer-Encoding: chunked", "3\r\nab"),
                        post("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n"), wanted[:-3]]:
            with Wire(gateway, context) as wire:
                wire.send(request)
                wire.finish_sending()
                assert wire.answers() == [], request
        assert before == gateway.get("/healthz").status == 200


if __name__ == "__main__":
    main()
