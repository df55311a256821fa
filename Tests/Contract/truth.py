#!/usr/bin/env python3
"""What is said is so (O6, G7, X1, W11): records of bytes, of streams that were cut short and of whose call it was;
series that are there before their first event; messages that say what was wrong and what would do."""

import gzip
import json
import re

from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, wait_until
from wire import Wire, exchange

WRONG = "The e-mail address or the password is wrong."


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        series(checks, gateway)
        shop = Shop(gateway, password=PASSWORD)
        reseller = shop.reseller(password=PASSWORD, balance="100.00")
        sku = shop.product()
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
        size(checks, shop, reseller, sku)
        streams(checks, shop)
        usage(checks, shop, reseller, sku)
        endings(checks, shop, reseller)
        passwords(checks, gateway, shop)
        messages(checks, gateway, shop, reseller, sku)
        codings(checks, gateway, shop, reseller, sku)
        limits(checks, shop)
        bodies(checks, gateway, shop)
    checks.finish()


def row(shop, answer):
    """The audit row of one answer."""
    found = []

    def look():
        rows = shop.admin("GET", "/audit?limit=100").json["data"]
        found[:] = [row for row in rows if row["request_id"] == answer.headers["request-id"]]
        return found

    wait_until(look)
    return found[0]


def series(checks, gateway):
    with checks("G7 every series with known labels is there at 0 before its first event, and times are in seconds"):
        text = gateway.get("/metrics").body.decode()
        for label in ("201", "204", "402", "401", "403", "404", "409", "422", "429", "500", "503", "505"):
            assert re.search(rf'^tollgate_requests_total{{status="{label}"}} 0$', text, re.M), label
        for label in (
                "busy", "internal_error", "tenant_unavailable", "outcome_unknown", "rate_limited", "unknown_key",
                "wrong_password", "insufficient_balance", "other"):
            assert re.search(rf'^tollgate_refusals_total{{reason="{label}"}} 0$', text, re.M), label
        assert not re.search(r"(micro|milli|nano)seconds|_(us|ms)\b", text), text
        for name in ("request_duration", "commit", "batch_work"):
            bounds = re.findall(rf'^tollgate_{name}_seconds_bucket{{le="([^"]+)"}}', text, re.M)
            assert bounds[-1] == "+Inf" and all(0 < float(bound) < 10 for bound in bounds[:-1]), (name, bounds)
            assert bounds[:-1] == sorted(bounds[:-1], key=float), bounds
            assert re.search(rf"^tollgate_{name}_seconds_sum \d+(\.\d+)?$", text, re.M), name
        labels = set(re.findall(r'reason="([^"]+)"', text))
        assert all(re.fullmatch(r"[a-z0-9_]+", label) for label in labels), labels

    with checks("G7 an event moves its series from 0, without another series being born"):
        before = set(re.findall(r"^([^#\s]+) ", text, re.M))
        gateway.get("/api/partner/v1/balance", key="x")
        gateway.get("/nowhere")
        exchange(gateway, "GET / HTTP/2.0\r\nHost: a\r\n\r\n")
        text = gateway.get("/metrics").body.decode()
        assert set(re.findall(r"^([^#\s]+) ", text, re.M)) == before
        assert 'tollgate_requests_total{status="401"} 1\n' in text and 'reason="unknown_key"} 1\n' in text, text


def size(checks, shop, reseller, sku):
    with checks("O6 bytes_out is what the body had: answers, refusals by head, body, limit and state, HEAD's nothing"):
        limited = shop.reseller(rate_limit={"requests": 1, "window_seconds": 3600})
        shop.get(limited, "/balance")
        suspended = shop.reseller()
        shop.move(suspended, "suspend")
        for name, answer, status in [
                ("a read", shop.get(reseller, "/balance"), 200),
                ("a kept answer", shop.get(reseller, "/products"), 200),
                ("404", shop.get(reseller, "/orders/ord_none"), 404), ("422", shop.quote(reseller, sku, "weekly"), 422),
                ("400", shop.call(reseller, "POST", "/orders/quote", b"{"), 400),
                ("403", shop.get(reseller, "/keys"), 403), ("429", shop.get(limited, "/balance"), 429),
                ("suspended", shop.get(suspended, "/balance"), 403),
                ("an order", shop.order(reseller, sku), 201), ("402", shop.order(reseller, sku, quantity=1000), 402),
                ("a bad signature", shop.order(dict(reseller, webhook_secret="whsec_" + "A" * 32), sku), 401),
                ("the operator's", shop.admin("GET", "/settings"), 200),
                ("the operator's 404", shop.admin("GET", "/resellers/res_none"), 404)]:
            assert answer.status == status, (name, answer)
            found = row(shop, answer)
            assert found["bytes_out"] == len(answer.body) > 0, (name, len(answer.body), found)
            assert found["status"] == status and found["latency_us"] > 0, (name, found)
        head = shop.call(reseller, "HEAD", "/balance")
        assert head.status == 200 and row(shop, head)["bytes_out"] == 0, row(shop, head)


def streams(checks, shop):
    with checks("O6 a stream's record has the bytes that were sent, whether its length was known or not"):
        for path in ("/audit.csv", "/audit.jsonl", "/price-book.csv"):
            answer = shop.admin("GET", path)
            found = row(shop, answer)
            assert answer.status == 200 and found["bytes_out"] == len(answer.body) > 0, (path, len(answer.body), found)
            assert found["status"] == 200, found
        head = shop.admin("HEAD", "/audit.csv")
        found = row(shop, head)
        assert head.status == 200 and found["bytes_out"] == 0 and found["status"] == 200, found


def usage(checks, shop, reseller, sku):
    def rows(who):
        return shop.admin("GET", f"/usage?reseller={who['id']}&limit=100").json["data"]

    with checks("O6 /usage?reseller= counts the reseller's own calls, not the operator's about it"):
        other = shop.reseller(balance="5.00")
        shop.price(other, sku, {"wholesale_monthly": "1.00"})
        shop.terms(other, credit_limit="1.00")
        shop.move(other, "suspend")
        shop.move(other, "resume")
        assert rows(other) == [], rows(other)
        shop.get(other, "/balance")
        shop.order(other, sku)
        assert {row["route"].split()[1] for row in rows(other)} == {
            "/api/partner/v1/balance", "/api/partner/v1/orders"}, rows(other)
        assert sum(row["orders"] for row in rows(other)) == 1
        everyone = shop.admin("GET", "/usage?limit=100").json["data"]
        assert any(row["reseller"] is None and "/balance" in row["route"] for row in everyone), everyone

    with checks("O6 401, 403, 429 and other refusals are told apart"):
        one = shop.reseller(balance="5.00", rate_limit={"requests": 100, "window_seconds": 3600})
        for _ in range(2):
            shop.order(dict(one, webhook_secret="whsec_" + "A" * 32), sku)
        for _ in range(3):
            shop.get(one, "/keys")
        for _ in range(4):
            shop.get(one, "/orders/ord_none")
        shop.terms(one, rate_limit={"requests": 1, "window_seconds": 3600})
        while shop.get(one, "/balance").status != 429:
            pass
        shop.get(one, "/balance")
        total = {name: sum(row[name] for row in rows(one)) for name in (
            "unauthorized", "forbidden", "rate_limited", "other_refusals", "refusals")}
        assert total["unauthorized"] == 2 and total["forbidden"] == 3 and total["other_refusals"] == 4, rows(one)
        assert total["rate_limited"] >= 2, rows(one)
        assert total["refusals"] == 5 + total["rate_limited"], rows(one)


def endings(checks, shop, reseller):
    with checks("O10 W9 a service that is cancelled now ends now, and not with its term"):
        sku = shop.product()
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
        order = shop.order(reseller, sku)
        assert order.status == 201, order
        service = order.json["services"][0]["id"]
        before = shop.admin("GET", f"/services/{service}").json
        assert before["ends_at"] is None and before["renews_at"], before
        assert shop.admin("POST", f"/services/{service}/cancel", idempotent=True).status == 200
        after = shop.admin("GET", f"/services/{service}").json
        assert after["status"] == "cancelled" and after["renews_at"] is None, after
        assert before["activated_at"] <= after["ends_at"] < before["renews_at"], (before, after)


def passwords(checks, gateway, shop):
    with checks("W11 A2 X1 a wrong password says so, in each envelope; a wrong address the same"):
        codes = Shop(gateway, password=PASSWORD, blueprint="codes", currency="USD")
        ports = Shop(gateway, password=PASSWORD, blueprint="proxies", currency="USD")
        for path, text in [
                (f"{shop.base}/api/partner/v1/session", lambda answer: answer.json["detail"]),
                (f"{shop.base}/api/admin/session", lambda answer: answer.json["detail"]),
                (f"{codes.base}/api/reseller/login", lambda answer: answer.json["error"]),
                (f"{ports.base}/v1/login/signin", lambda answer: answer.json["message"])]:
            for email in (f"owner@{shop.slug}.example", "nobody@there.example"):
                answer = gateway.post(path, {"email": email, "password": "not that one"})
                assert answer.status == 401, (path, answer)
                assert text(answer).replace("email", "e-mail") == WRONG, (path, answer)
                if "code" in answer.json:
                    assert answer.json["code"] == "wrong_password", answer
        answer = gateway.get(f"{shop.base}/api/admin/settings", key="x")
        assert answer.json["code"] == "unknown_key" and "key" in answer.json["detail"], answer


def messages(checks, gateway, shop, reseller, sku):
    with checks("X1 a message says what was wrong and where, in words, and never in names of the program's own"):
        deep = b"[" * 40 + b"]" * 40
        for method, path, body, status, said in [
                ("GET", "/orders?status=%zz", None, 400, "percent sign"),
                ("GET", "/orders?a=%", None, 400, "percent sign"),
                ("GET", "/orders?a=%00", None, 400, "NUL"), ("GET", "/orders?a=%ff", None, 400, "UTF-8"),
                ("GET", "/orders?" + "a=b&" * 300, None, 400, "256"),
                ("POST", "/orders/quote", b'{"product": }', 400, "byte 12"),
                ("POST", "/orders/quote", b"\x1f\x8b\x08", 400, "byte 0"), ("POST", "/orders/quote", b"", 400, "empty"),
                ("POST", "/orders/quote", deep, 400, "byte 32"),
                ("POST", "/orders/quote", b'{"a": "\xff"}', 400, "UTF-8"),
                ("POST", "/orders/quote", b'{"a": 1, "a": 2}', 400, "byte"),
                ("POST", "/orders/quote", b" " * 1_048_577, 413, "1048576 bytes")]:
            answer = shop.call(reseller, method, path, body)
            assert answer.status == status and said in answer.json["detail"], (path[:40], said, answer)
            # No lowerCamelCase, no Name.case, no Optional(…).
            assert not re.search(r"\b[a-z]+[A-Z]\w*|\b[A-Z]\w+\.[a-z]|Optional|Error\b", answer.json["detail"]), answer

    with checks("G6 what the engine refuses names its bound"):
        for data, status, said in [
                ("GET /" + "x" * 9000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, "8192 bytes"),
                ("GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 101 + "\r\n", 431, "100 fields"),
                ("GET / HTTP/1.1\r\nHost: a\r\nX: " + "y" * 20000, 431, "16384 bytes"),
                ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + "9" * 19 + "\r\n\r\n", 413, "18 digits"),
                ("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417, "100-continue"),
                ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "HTTP/1.1"),
                ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "chunked"),
                ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "chunked")]:
            found = exchange(gateway, data)
            assert found[0] == status and said in json.loads(found[2])["detail"], (said, found)
            if status == 501:
                assert json.loads(found[2])["code"] == "transfer_coding_not_implemented", found


def codings(checks, gateway, shop, reseller, sku):
    quote = json.dumps(shop.order_body(sku)).encode()
    path = "/orders/quote"
    with checks("X1 a body with a content coding is 415 in each envelope, and Accept-Encoding says what is taken"):
        for coding, body in [("gzip", gzip.compress(quote)), ("br", b"x"), ("gzip, gzip", b"x"), ("deflate", quote)]:
            answer = shop.call(reseller, "POST", path, body, headers={"Content-Encoding": coding})
            assert answer.status == 415 and answer.headers["accept-encoding"] == "identity", (coding, answer)
            assert answer.json["code"] == "content_coding" and "Content-Encoding" in answer.json["detail"], answer
            assert "ratelimit" in answer.headers and row(shop, answer)["status"] == 415, answer.headers
        # Fields of one name are one list (RFC 9110 §5.3).
        for codings_sent, status in [(("identity", "gzip"), 415), (("Identity, identity", ""), 200)]:
            fields = "".join(f"Content-Encoding: {coding}\r\n" for coding in codings_sent)
            found = exchange(gateway, (
                f"POST {shop.base}/api/partner/v1{path} HTTP/1.1\r\nHost: a\r\n{fields}Connection: close\r\n"
                f"Authorization: Bearer {reseller['key']}\r\nContent-Length: {len(quote)}\r\n\r\n").encode() + quote)
            assert found[0] == status, (codings_sent, found)
        for blueprint, path_of, key_of in [
                ("panel", "/api/v1/reseller/credit", lambda key: {"key": key}),
                ("proxies", "/v1/reseller/customers", lambda key: {"headers": {"X-API-Key": key}}),
                ("licences", "/reseller/assignlicense", lambda key: {})]:
            other = Shop(gateway, blueprint=blueprint, currency="USD")
            how = key_of(other.reseller()["key"])
            headers = {**how.pop("headers", {}), "Content-Encoding": "gzip"}
            answer = gateway.post(other.base + path_of, gzip.compress(b"{}"), headers=headers, **how)
            assert answer.status == 415 and answer.headers["accept-encoding"] == "identity", (blueprint, answer)

    with checks("X1 L1 a form in place of JSON is told so in each envelope; JSON called a form has its own fault"):
        url, parts = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
        seller = Shop(gateway, blueprint="licences")
        token = seller.reseller()["key"]
        ways = [(shop.base + "/api/partner/v1" + path, {"key": reseller["key"]}),
                (shop.base + "/api/partner/v1/session", {}),
                (f"{seller.base}/reseller/licenseinfo", {}),
                (f"{seller.base}/reseller/licenseinfo?api_token={token}", {})]
        for target, how in ways:
            for kind, body, said in [(url, b"license=1", "is a form"), (parts, b"--b--\r\n", "is a form"),
                                     (url, b' {"license":"1",}', "not valid JSON"), (url, b"[1", "not valid JSON"),
                                     ("text/plain", b"license=1", "not valid JSON")]:
                answer = gateway.post(target, body, headers={"Content-Type": kind}, **how)
                assert answer.status == 400 and said.encode() in answer.body, (target, kind, body, answer)

    with checks("O4 O8 O9 a file within a form is told so: its lines would be read with the form's own"):
        body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f.csv"\r\n\r\nitem\r\n1\r\n--b--\r\n'
        once = {"Idempotency-Key": "a-form", "Content-Type": parts}
        for target in ("/price-book.csv", "/products.csv", f"/products/{sku}/stock",
                       f"/reconciliations?reseller={reseller['id']}"):
            answer = shop.gateway.post(f"{shop.base}/api/admin{target}", body, key=shop.owner_key, headers=once)
            assert answer.status == 400 and "is a form" in answer.json["detail"], (target, answer)

    with checks("X1 no coding, identity and any media type are read as they are: the body is JSON"):
        for headers in (
                {"Content-Encoding": "identity"}, {"Content-Encoding": ""}, {"Content-Type": "text/plain"},
                {"Content-Type": "application/x-www-form-urlencoded"},
                {"Content-Type": "application/json;charset=utf-8"}):
            answer = shop.call(reseller, "POST", path, quote, headers=headers)
            assert answer.status == 200, (headers, answer)
        # Without a body there is nothing coded.
        assert shop.get(reseller, "/balance", headers={"Content-Encoding": "gzip"}).status == 200


def limits(checks, shop):
    with checks("G2 after a refusal Retry-After, t and X-RateLimit-Reset say the same; before it, when all is back"):
        reseller = shop.reseller(rate_limit={"requests": 60, "window_seconds": 600, "burst": 3})
        for left in (2, 1, 0):
            answer = shop.get(reseller, "/balance")
            reset = int(answer.headers["x-ratelimit-reset"])
            assert answer.status == 200 and answer.headers["x-ratelimit-remaining"] == str(left), answer.headers
            assert "retry-after" not in answer.headers and f";t={reset}" in answer.headers["ratelimit"], answer.headers
            assert (2 - left) * 10 < reset <= (3 - left) * 10, (left, answer.headers)
        answer = shop.get(reseller, "/balance")
        wait = answer.headers["retry-after"]
        assert answer.status == 429 and 0 < int(wait) <= 10, answer.headers
        assert answer.headers["x-ratelimit-reset"] == wait, answer.headers
        assert answer.headers["ratelimit"].endswith(f";t={wait}"), answer.headers
        assert f"in {wait} s" in answer.json["detail"], answer


def bodies(checks, gateway, shop):
    reseller = shop.reseller()
    head = (f"POST {shop.base}/api/partner/v1/orders/quote HTTP/1.1\r\nHost: a\r\n"
            f"Authorization: Bearer {reseller['key']}\r\n")

    def month():
        return gateway.get(f"/provider/v1/tenants/{shop.slug}", key=gateway.provider_key).json[
            "counts"]["requests_this_month"]

    with checks("G2 O6 a call whose body is refused as it comes has its limits' headers and one line, and counts once"):
        coming = "Transfer-Encoding: chunked\r\n\r\n"
        faults = {
            "a length past the bound": (413, "Content-Length: 9999999\r\n\r\n"),
            "more than the bound comes": (413, f"{coming}{2 << 20:x}\r\n{'x' * (2 << 20)}"),
            "a size that is none": (400, f"{coming}zz\r\n"),
        }
        before, answers = month(), {}
        for name, (status, rest) in faults.items():
            with Wire(gateway) as wire:
                wire.send(head + rest)
                answers[name] = wire.answer()
                assert answers[name] and answers[name][0] == status, (name, answers[name])
        assert month() == before + len(faults), (before, month())
        for name, (status, headers, body) in answers.items():
            for field in ("ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining",
                          "x-ratelimit-reset"):
                assert field in headers, (name, field, headers)
            assert headers["connection"] == "close" and json.loads(body)["status"] == status, (name, headers, body)
            rows = [row for row in shop.admin("GET", "/audit?limit=100").json["data"]
                    if row["request_id"] == headers["request-id"]]
            assert [row["status"] for row in rows] == [status], (name, rows)
            # What came of the body, however little of it was kept.
            assert (rows[0]["bytes_in"] > 0) == name.startswith("more"), (name, rows)
        used = shop.admin("GET", f"/usage?reseller={reseller['id']}&limit=100").json["data"]
        assert sum(row["other_refusals"] for row in used) == len(faults), used

    with checks("G2 O6 a call whose client leaves in the middle of its body counts, and has its line with what came"):
        def counted():
            used = shop.admin("GET", f"/usage?reseller={reseller['id']}&limit=100").json["data"]
            return sum(row["requests"] for row in used)

        before = counted()
        with Wire(gateway) as wire:
            wire.send(f"{head}Content-Length: 1000\r\n\r\n{'x' * 600}")
            wire.finish_sending()
            assert wire.answer() is None

        def left():
            return [row for row in shop.admin("GET", "/audit?limit=100").json["data"] if row["status"] == 499]

        wait_until(left)
        assert [(row["bytes_in"], row["bytes_out"]) for row in left()] == [(600, 0)], left()
        assert counted() == before + 1, (before, counted())


if __name__ == "__main__":
    main()
