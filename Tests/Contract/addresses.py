#!/usr/bin/env python3
"""H6 O9 O12 A6 Addresses that can reach nobody are refused where they are given: of webhooks, of a payment service, of
a logo, of a stock of ports; and a period that is over before it begins is refused as well. Nothing is kept of a refused
call, and what the node's operator allows is taken."""

import uuid

from shop import PARTNER, Shop
from support import Checks, Gateway, arguments

# Every spelling that is read by some client as an address of this machine, of this network, or of nobody.
UNREACHABLE_HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0",
        "0.0.0.0",
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0xa9fea9fe",
        "2852039166",
    "192.0.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "300.1.1.1", "1.2.3", "1.2.3.4.5",
        "01.2.3.4",
    "1.2.3.256", "0x1.0x2", "1.2.3.4.", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]",
    "[0:0:0:0:0:ffff:c0a8:101]", "[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::1]", "[fe80::1]",
        "[fe80::1%25eth0]",
    "[fc00::1]", "[fd12:3456::1]", "[ff02::1]", "[2001:db8::1]", "[2002:7f00:1::1]", "[::127.0.0.1]", "[2001::1]",
        "[::1",
    "::1", "[1.2.3.4]", "[]", "localhost", "LOCALHOST", "localhost.", "a.localhost", "printer.local",
        "metadata.google.internal",
    "a.localdomain", "x.home.arpa", "db", "a..b", "-a.example", "a-.example", "a_b.example", "a b.example",
        "a%2eb.example", "%31.1.1.1",
    "168.63.129.16", "100.100.100.200", "[fd00:ec2::254]",
    "ä.example", "x" * 64 + ".example", ".example", "example..", "a.example\\@b.example", "1.1.1.1\t"]
BAD_AUTHORITIES = ["user@there.example", "user:secret@there.example", "@there.example", "there.example:0",
    "there.example:65536",
                   "there.example:99999", "there.example:-1", "there.example:", "there.example:0443", "there.example:x",
                   "there.example:443:443", "there.example:4 43", "[2606:4700::1]x", "[2606:4700::1]:0", ":443", ""]
BAD_URLS = ["http://there.example/", "ftp://there.example/", "//there.example/", "https:there.example",
    "https:/there.example",
            "HTTPS//there.example", "javascript:alert(1)", "file:///etc/passwd", "gopher://there.example/",
                "https://there.example/#x",
            " https://there.example/", "https://there.example/\n", "https://there.example\\.other.example/",
                "there.example"]
GOOD = ["https://there.example/hook", "https://there.example:8443/hook?x=1", "https://there.example.:65535/",
    "https://1.1.1.1/",
        "https://[2606:4700:4700::1111]:443/x", "https://xn--bcher-kva.example/", "https://a-b.c-d.example?q=/@:",
        "https://there.example/a@b:c"]


def urls():
    for host in UNREACHABLE_HOSTS:
        yield f"https://{host}/hook"
    for authority in BAD_AUTHORITIES:
        yield f"https://{authority}/hook"
    yield "https://127.0.0.1:8443/"
    yield "https://127.0.0.1?x=1"
    yield from BAD_URLS


class Place:
    """Somewhere a URL is given: how it is sent, and what shows what is kept."""

    def __init__(self, name, send, kept, pointer):
        self.name, self.send, self.kept, self.pointer = name, send, kept, pointer


def places(gateway):
    hosting, codes, proxies = (Shop(gateway, blueprint=name) for name in ("hosting", "codes", "proxies"))
    buyers = {shop: shop.reseller() for shop in (hosting, codes, proxies)}

    def call(shop, api, method, path, body=None):
        header = {"codes": "x-api-key", "proxies": "X-API-Key"}.get(
            {hosting: "hosting", codes: "codes", proxies: "proxies"}[shop])
        key = buyers[shop]["key"]
        headers = {header: key} if header else {"Authorization": f"Bearer {key}"}
        return gateway.request(method, shop.base + api + path, body, headers=headers)

    def service(field):
        def send(url):
            return codes.admin("PUT", "/payment-service", {
                "driver": "http", "create_url": "https://pay.example/", "api_key": "an-api-key",
                "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", field: url})
        return send

    def of_service():
        return codes.admin("GET", "/payment-service").body

    yield Place("H4 the webhook of wholesale", lambda url: call(hosting, PARTNER, "PUT", "/webhook", {
        "url": url, "events": ["order.created"]}), lambda: call(hosting, PARTNER, "GET", "/webhook").body, "url")
    yield Place("A8 the webhook of codes", lambda url: call(codes, "/api/reseller", "PUT", "/webhook", {"url": url}),
                lambda: call(codes, "/api/reseller", "GET", "/webhook").body, "url")
    yield Place("X6 a named webhook", lambda url: call(proxies, "/v1", "POST", "/reseller/webhooks", {
        "name": "N", "url": url, "events": ["port.created"]}),
        lambda: call(proxies, "/v1", "GET", "/reseller/webhooks").body, "url")
    for field in ("create_url", "callback_url", "return_url"):
        yield Place(f"A6 the payment service's {field}", service(field), of_service, field)


def destinations(checks, gateway):
    for place in places(gateway):
        with checks(f"H6 {place.name}: what leads to no public host over https is refused, named, and not kept"):
            first = place.send(GOOD[0])
            assert first.status in (200, 201), first
            before = place.kept()
            for url in urls():
                answer = place.send(url)
                assert answer.status in (400, 422), (url, answer)
                assert place.pointer.encode() in answer.body, (url, answer)
                assert url.encode() not in answer.body or len(url) < 3, (url, answer)
            assert place.kept() == before
            for url in GOOD:
                answer = place.send(url)
                assert answer.status in (200, 201), (url, answer)
        with checks(f"H6 {place.name}: scheme and host count in any case, and are kept in lower case"):
            answer = place.send("HTTPS://There.EXAMPLE:8443/Hook?X=Y")
            assert answer.status in (200, 201), answer
            assert b"https://there.example:8443/Hook?X=Y" in place.kept(), place.kept()


def allowed(checks, options):
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
        with checks("H6 what the node's operator allows is taken: private addresses, by plain http too"):
            for place in places(gateway):
                for url in ("http://127.0.0.1:9/hook", "https://10.0.0.1/hook", "http://localhost:8080/",
                    "http://[::1]:80/",
                            "https://there.example/hook"):
                    answer = place.send(url)
                    assert answer.status in (200, 201), (place.name, url, answer)
                for url in ("http://1.1.1.1/hook", "http://127.0.0.1:0/", "http://127.0.0.1:65536/",
                    "http://user@127.0.0.1/",
                            "ftp://127.0.0.1/", "http://127.1/", "http://2130706433/"):
                    assert place.send(url).status in (400, 422), (place.name, url)


def stock(checks, gateway):
    shop = Shop(gateway, blueprint="proxies")
    assert shop.admin("PUT", "/countries/de", {"base_price": "2.00"}).status == 200
    numbers = iter(range(1, 10_000))

    def send(ip, http=None, socks=None, csv=False):
        row = {"device": f"d-{next(numbers)}", "server_ip": ip, "http_port": next(numbers) * 4
            if http is None else http,
               "socks_port": next(numbers) * 4 + 1 if socks is None else socks, "country": "de"}
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        body = {"ports": [row]}
        if csv:
            headers["Content-Type"] = "text/csv"
            body = (",".join(row) + "\n" + ",".join(str(value) for value in row.values()) + "\n").encode()
        return shop.admin("POST", "/ports", body, headers=headers)

    with checks("O9 X4 a stock of ports takes addresses that others can reach, read strictly"):
        for ip in ("300.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "2130706433", "0x7f.1", "127.0.0.1",
            "127.1.2.3", "0.0.0.0",
                   "0.1.2.3", "169.254.1.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "::1", "fe80::1",
                       "ff02::1",
                   "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:FF9B::127.0.0.1", "2002:7f00:1::",
                       "2002:e000:1::9", "2001:db8::1", "3fff::1", "100::1", "a.localhost",
                       "A.LocalHost.", "1::2::3", "12345::", "[2606:4700::1]", "1.2.3.4:80",
                       "1.2.3.4/24", "localhost",
                   "host", "a_b.example", "-a.example", "a..example", "http://a.example", "user@a.example", "x" * 64 +
                       ".example",
                   "1.2.3.4 ", "ä.example", "fe80::1%eth0"):
            for csv in (False, True):
                answer = send(ip, csv=csv)
                assert answer.status == 422, (ip, answer)
                assert answer.json["errors"][0]["pointer"].endswith("/server_ip"), (ip, answer)
        for port in (0, 65_536, -1, 99_999, "x", "1-65536", "0-1", "5-3", 1.5, "80 "):
            for field in ("http", "socks"):
                answer = send("1.2.3.4", **{field: port})
                assert answer.status == 422 and "_port" in answer.json["errors"][0]["pointer"], (port, answer)
        assert shop.admin("GET", "/ports").json["data"] == []
        for ip in ("185.123.45.67", "10.0.0.9", "2606:4700::1", "Proxy.There.Example", "1.1.1.1", "::ffff:9.9.9.9",
                   "64:ff9b::b901:203", "2002:b901:203::1", "localhost.there.example"):
            answer = send(ip)
            assert answer.status == 201, (ip, answer)
    with checks("O9 one address in two spellings is one address"):
        assert send("2606:4700:0:0:0:0:0:2", 1000, 1001).status == 201
        for ip in ("2606:4700::2", "2606:4700::0002", "2606:4700:0::2"):
            assert send(ip, 1000, 1001).status == 422, ip
        assert send("a.there.example", 1000, 1001).status == 201
        assert send("A.THERE.example.", 1000, 1001).status == 422


def periods(checks, gateway):
    shop = Shop(gateway)
    reseller = shop.reseller()
    with checks("O6 O8 a period that is over before it begins is refused in every filter that has one"):
        ledger = b'{"external_ref":"e-1","kind":"purchase","amount":"1.00","at":"2026-01-01T00:00:00Z"}\n'
        calls = [("GET", path, None) for path in ("/audit?", "/audit.csv?", "/audit.jsonl?", "/usage?")]
        calls.append(("POST", f"/reconciliations?reseller={reseller['id']}&", ledger))
        for method, path, body in calls:
            for start, end in (("2026-02-01", "2026-01-01"), ("2026-02-01T00:00:01Z", "2026-02-01T00:00:00Z"),
                               ("2030-01-01", "2026-01-01T12:00:00+02:00")):
                if path == "/usage?" and start[:10] == end[:10]:
                    continue
                answer = shop.admin(method, f"{path}from={start.replace('+', '%2B')}&to={end.replace('+', '%2B')}",
                    body)
                assert answer.status in (400, 422) and b"from" in answer.body, (path, start, end, answer)
            done = shop.admin(method, f"{path}from=2026-01-01&to=2026-01-01", body)
            assert done.status in (200, 201), (path, done)
        assert len(shop.admin("GET", "/reconciliations").json["data"]) == 1


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        destinations(checks, gateway)
        stock(checks, gateway)
        periods(checks, gateway)
    allowed(checks, options)
    checks.finish()


if __name__ == "__main__":
    main()
