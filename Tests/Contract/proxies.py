#!/usr/bin/env python3
"""nginx and Caddy from deploy/ in front of a gateway that runs with the options of the systemd unit (G9). Everything
that a caller may send wrongly is sent through them; then every line that they wrote is searched for credentials."""

import concurrent.futures
import http.client
import json
import re
import socket
import ssl
import subprocess
import tempfile

import hostile
from logged import LoggedGateway, forms
from proxy import ADMIN, PUBLIC, Caddy, Door, Named, Nginx, answers, unit_options
from shop import PASSWORD, Shop
from support import Checks, arguments, signature_headers, wait_until
from wire import Wire

LEDGER_BYTES = 74 << 20
# How long a proxy that waits for the rest of a request is listened to.
SILENCE_SECONDS = 2


class Secrets(dict):
    """Secret → what it is."""

    def hide(self, name, secret):
        assert isinstance(secret, str) and len(secret) >= 8, (name, secret)
        self[secret] = name
        return secret

    def found_in(self, written):
        return [
            f"{name} is in {place}: {line[:300]!r}"
            for secret, name in self.items()
            for form in forms(secret)
            for place, data in written.items()
            for line in data.split(b"\n")
            if form in line
        ]


def everything(checks, options, kind):
    with tempfile.TemporaryDirectory(prefix="tollgate-proxy-") as folder, LoggedGateway(
        options.tollgate, "--admin-listen", "127.0.0.1:0", *unit_options(), demo=False
    ) as gateway:
        gateway.admin_port = int(
            gateway.printed(rf"^listening on http://127\.0\.0\.1:(?!{gateway.port}$)(\d+)$").group(1)
        )
        with kind(gateway, folder) as proxy:
            door, secrets = Door(proxy), Secrets()
            secrets.hide("the provider's key", gateway.provider_key)
            shop, reseller = entrances(checks, proxy, door, secrets)
            large_bodies(checks, proxy, door, secrets)
            framing(checks, proxy, door, shop, reseller)
            misuse(checks, proxy, door, shop, secrets)
            stopped(checks, proxy, door, shop, secrets)
            searched(checks, proxy, secrets)


def entrances(checks, proxy, door, secrets):
    with checks(
        f"G9 {proxy.name}: the provider's API is at its own name, and a tenant's links begin with the public URL"
    ):
        shop = Shop(door, password=PASSWORD)
        reseller = shop.reseller(password=PASSWORD, balance="100.00")
        assert shop.made["base_url"] == f"https://{PUBLIC}/t/{shop.slug}", shop.made
        assert door.get("/metrics", name=ADMIN).status == 200
        for secret, name in [
            (shop.owner_key, "the owner's key"),
            (reseller["key"], "a reseller's key"),
            (PASSWORD, "a password"),
            (reseller["webhook_secret"], "a signing secret"),
        ]:
            secrets.hide(name, secret)

    with checks(
        f"G9 {proxy.name}: neither the provider's API nor the metrics are at a public name, however the path is written"
    ):
        for path in (
            "/provider/v1/tenants",
            "/metrics",
            "/%70rovider/v1/tenants",
            "//provider/v1/tenants",
            "/t/../provider/v1/tenants",
            "/provider/./v1/tenants",
            "/%2e/metrics",
            "/metrics/",
            "/METRICS",
        ):
            for name in (PUBLIC, f"{shop.slug}.{PUBLIC}"):
                answer = door.get(path, name=name, key=door.provider_key)
                assert answer.status in (400, 404), (name, path, answer)

    with checks(f"G9 P2 {proxy.name}: the provider's name serves no tenant"):
        for path in (f"{shop.base}/api/admin/resellers", "/api/admin/resellers", "/api/partner/v1/openapi.json"):
            assert door.get(path, name=ADMIN, key=shop.owner_key).status == 404, path

    with checks(
        f"G9 W5 {proxy.name}: a tenant is reached by path and by host, and what was signed arrives as it was signed"
    ):
        sku = shop.product()
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
        assert shop.order(reseller, sku).status == 201
        path, body = "/api/partner/v1/orders", json.dumps(shop.order_body(sku)).encode()
        signed = signature_headers(reseller["webhook_secret"], "POST", path, "by-host", body)
        placed = door.post(path, body, name=f"{shop.slug}.{PUBLIC}", key=reseller["key"], headers=signed)
        assert placed.status == 201, placed
        secrets.hide("a signature", signed["X-Tollgate-Signature"][3:])
        assert door.get("/api/partner/v1/balance", name=f"none.{PUBLIC}", key=reseller["key"]).status == 401
        for name in ("a%2Fb", "a%25b", "%C3%A4", "a+b"):
            answer = door.get(f"{shop.base}/api/partner/v1/orders/{name}", key=reseller["key"])
            assert answer.status == 404 and answer.headers["content-type"] == "application/problem+json", (
                name,
                answer,
            )

    plainly(checks, proxy, door, shop, reseller)
    return shop, reseller


def plainly(checks, proxy, door, shop, reseller):
    with checks(f"G9 {proxy.name}: HTTP/2, HSTS once, and no redirect that repeats a key over plain text"):
        run = subprocess.run(
            [
                "curl",
                "-s",
                "-i",
                "--http2",
                "--cacert",
                proxy.authority(),
                "--connect-to",
                f"{PUBLIC}:443:127.0.0.1:{proxy.port}",
                "-H",
                f"Authorization: Bearer {reseller['key']}",
                f"https://{PUBLIC}{shop.base}/api/partner/v1/balance",
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.stdout.startswith("HTTP/2 200") and '"balance"' in run.stdout, (run.stdout, run.stderr)
        assert run.stdout.lower().count("strict-transport-security: max-age=") == 1, run.stdout
        plain = http.client.HTTPConnection("127.0.0.1", proxy.plain_port, timeout=20)
        plain.request("GET", f"/reseller/myavailable?api_token={reseller['key']}", headers={"Host": PUBLIC})
        answer = plain.getresponse()
        assert answer.status == 403 and not answer.getheader("Location"), (answer.status, answer.getheaders())
        plain.close()

    with checks(f"G6 {proxy.name}: nobody outside says who he is"):
        for spoofed in ("203.0.113.9", "203.0.113.9, 127.0.0.1"):
            door.get(
                f"{shop.base}/api/partner/v1/balance",
                key=reseller["key"],
                headers={"X-Forwarded-For": spoofed, "Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9"},
            )
        last = door.request_ids[-1].encode()
        wait_until(lambda: last in b"".join(door.gateway.log))
        assert b"203.0.113.9" not in b"".join(door.gateway.log)


def ledger(size):
    """A ledger of one event in many long lines, piece by piece, and its length."""
    head = b"external_ref,kind,amount,at,comment\r\n"
    line = b"e,topup,1.00,2026-05-01T10:00:00Z," + b"x" * 60_000 + b"\r\n"
    count = size // len(line) + 1
    return len(head) + count * len(line), (piece for piece in [head, *[line] * count])


def refused(proxy, shop, fields):
    """What a client is answered that sends and sends; nothing where the connection was reset before."""
    with Wire(proxy, proxy.context, name=PUBLIC) as wire:
        wire.send(
            f"POST {shop.base}/api/admin/price-book.csv HTTP/1.1\r\nHost: {PUBLIC}\r\n{fields}\r\n"
            "Content-Type: text/csv\r\n\r\n"
        )
        # Caddy answers once it has read on: its client goes on sending until it hears something.
        wire.send_until_answered(b"x" * 65536, 1_000)
        return wire.answer()


def large_bodies(checks, proxy, door, secrets):
    shop = Shop(door, blueprint="panel", currency="USD")
    owner = secrets.hide("another owner's key", shop.owner_key)
    reseller = shop.invite(password=None)
    path = f"{shop.base}/api/admin/reconciliations?reseller={reseller['id']}"

    with checks(f"G9 O8 {proxy.name}: a ledger of 74 MB passes"):
        length, pieces = ledger(LEDGER_BYTES)
        connection = Named(proxy, PUBLIC)
        connection.request(
            "POST",
            path,
            body=pieces,
            headers={"Authorization": f"Bearer {owner}", "Content-Type": "text/csv", "Content-Length": str(length)},
        )
        answer = connection.getresponse()
        report = json.loads(answer.read())
        assert answer.status == 201 and report["lines"] * 60_000 > LEDGER_BYTES - 60_000, report
        connection.close()

    with checks(
        f"G9 {proxy.name}: what is too large is refused by Tollgate, by the head alone, in the caller's own envelope"
    ):
        for name, fields, status in [
            ("a price book past 64 MiB", f"Authorization: Bearer {owner}\r\nContent-Length: {(64 << 20) + 1}", 413),
            ("a stranger's", "Content-Length: 100000000000", 401),
        ]:
            # Caddy resets its client half a second after its answer: on a busy machine the reset may come first.
            tries = 4 if proxy.name == "Caddy" else 1
            answer = next(filter(None, (refused(proxy, shop, fields) for _ in range(tries))), None)
            assert answer and answer[0] == status and json.loads(answer[2])["status"] == status, (name, answer)

    with checks(f"G9 {proxy.name}: an upload that its client gives up is given up at the gateway"):
        with Wire(proxy, proxy.context, name=PUBLIC) as wire:
            wire.send(
                f"POST {path} HTTP/1.1\r\nHost: {PUBLIC}\r\nAuthorization: Bearer {owner}\r\nContent-Type: text/csv\r\n"
                "Content-Length: 1000000\r\n\r\nexternal_ref,kind,amount,at\r\n"
            )
            running = lambda: json.loads(shop.admin("GET", "/reconciliations?status=running").body)["data"]
            wait_until(running)
        wait_until(lambda: not running())

    with checks(f"P5 {proxy.name}: an export and its restore pass the provider's entrance"):
        exported = door.get(f"/provider/v1/tenants/{shop.slug}/export", key=door.provider_key)
        assert exported.status == 200 and exported.body.startswith(b"SQLite format 3\0"), exported
        restored = door.post(f"/provider/v1/tenants/{shop.slug}/restore", exported.body, key=door.provider_key)
        assert restored.status == 200, restored


def framing(checks, proxy, door, shop, reseller):
    """The hostile table through the proxy. Whatever a proxy makes of a request, gateway and clients must agree on how
    many there were: an answer that nobody asked for is a smuggled request's."""
    bearer = f"Authorization: Bearer {reseller['key']}\r\n"
    partner = f"{shop.base}/api/partner/v1"
    host = f"Host: {PUBLIC}\r\n"
    wanted = f"GET {partner}/balance HTTP/1.1\r\n{host}{bearer}\r\n".encode()
    last = wanted.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    def post(fields, body=b""):
        head = f"POST {partner}/orders/quote HTTP/1.1\r\n{host}{bearer}".encode()
        return head + hostile.text(fields) + b"\r\n\r\n" + hostile.text(body)

    def get(target="/balance", host=host, fields="", version="HTTP/1.1", method="GET"):
        return hostile.text(f"{method} {partner}{target} {version}\r\n{host}{bearer}{fields}\r\n")

    def chunked(body):
        return post("Transfer-Encoding: chunked", body)

    def exchanged(request):
        with Wire(proxy, proxy.context, seconds=SILENCE_SECONDS, name=PUBLIC) as wire:
            wire.send(request + wanted + last)
            return answers(wire.bytes_until_silence())

    rows = hostile.refused(post, get, chunked) + hostile.accepted(
        post, get, chunked, json.dumps(shop.order_body("x")).encode()
    )
    with checks(
        f"G6 G9 {proxy.name}: {len(rows)} requests that two readers may read differently: both ends count the same"
    ):
        before, written = len(door.request_ids), len(logged(door))
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            exchanges = list(pool.map(exchanged, [row[2] for row in rows]))
        for (name, _, _), found in zip(rows, exchanges):
            assert len(found) <= 3, (name, found)
            door.request_ids += [headers["request-id"] for _, headers, _ in found if "request-id" in headers]
        assert len(door.request_ids) - before > 50, "hardly anything arrived at the gateway"
        assert sum(len(found) == 3 for found in exchanges) > 10, "no sound request passed"
        balance = door.get(f"{partner}/balance", key=reseller["key"])
        assert balance.status == 200, balance
        assert len(door.request_ids) == len(set(door.request_ids)), "an answer was given twice"
        wait_until(lambda: door.request_ids[-1] in logged(door))
        strays = [line for name, line in list(logged(door).items())[written:] if name not in door.request_ids]
        # Nobody is told the gateway's 413 where the proxy finds fault with the rest of that body, or waits for it; an
        # answer of HTTP/0.9 has no head.
        strays = [line for line in strays if not re.search('/orders/quote","status":413|"route":"/healthz"', line)]
        assert not strays, (len(strays), strays[:20])


def logged(door):
    """Request id → its line in the gateway's log."""
    lines = b"".join(door.gateway.log).decode(errors="replace").splitlines()
    return {match.group(1): line for line in lines if (match := re.search('"request_id":"([^"]+)"', line))}


def misuse(checks, proxy, door, shop, secrets):
    """Every secret where it does not belong, well and badly formed, to names that are there and names that are not."""
    with checks(
        f"G9 {proxy.name}: credentials in every part of a request, well formed and not: each is answered or closed"
    ):
        invited = shop.admin("POST", "/resellers", {"email": "invited@shop.example", "name": "I"})
        secrets.hide("an invitation", invited.json["invitation_url"].rsplit("/", 1)[1])
        secrets.hide("a licence reseller's token", "lic_0123456789abcdefghijklmnop")
        secrets.hide("an activation code", "WXYZ-1234-ABCD-7890")
        secrets.hide("a key of hex", "0123456789abcdef" * 4)
        requests = [request for secret in secrets if " " not in secret for request in misplaced(shop, secret)]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            exchanges = list(pool.map(lambda request: misused(proxy, request), requests))
        assert sum(bool(found) for found in exchanges) > len(requests) * 0.7, [len(found) for found in exchanges]

    with checks(
        f"G9 {proxy.name}: a credential as the name that TLS asks for, and one in plain text to the TLS port"
    ):
        for secret in [secret for secret in secrets if re.fullmatch(r"[\w.-]{1,63}", secret)]:
            with socket.create_connection(("127.0.0.1", proxy.port), SILENCE_SECONDS) as raw:
                try:
                    ssl._create_unverified_context().wrap_socket(raw, server_hostname=f"{secret}.{PUBLIC}").close()
                except (OSError, ValueError):
                    pass
            for port in (proxy.port, proxy.plain_port):
                with socket.create_connection(("127.0.0.1", port), SILENCE_SECONDS) as raw:
                    raw.sendall(f"GET /?{secret} HTTP/1.1\r\nHost: {secret}\r\nConnection: close\r\n\r\n".encode())
                    try:
                        while raw.recv(65536):
                            pass
                    except OSError:
                        pass


def misplaced(shop, secret):
    """Requests with the secret in each of their parts."""
    quoted = "".join(f"%{byte:02x}" for byte in secret.encode())
    for target in (
        f"/reseller/myavailable?api_token={secret}",
        f"{shop.base}/invite/{secret}",
        f"{shop.base}/reset-password/{secret}",
        f"/activ%61te/{secret}",
        f"/x/api_token={secret}",
        f"/{secret}",
        f"/t/{secret}/api/admin/resellers",
        f"//{secret}",
        f"/%2e%2e/{secret}",
        f"/topup/status/{secret}",
        f"/sandbox-pay/{secret}/x",
        f"/api/partner/v1/{secret}/{quoted}",
        f"/;{secret}",
        f"/v1?{secret}",
        f"/provider/v1/{secret}",
        f"/metrics?{secret}",
        f"/{secret} x",
        f"/\xff{secret}",
    ):
        yield f"GET {target} HTTP/1.1\r\nHost: {PUBLIC}\r\n\r\n"
    for line in (
        f"{secret} / HTTP/1.1",
        f"GET {secret} HTTP/1.1",
        f"GET https://{secret}@{PUBLIC}/ HTTP/1.1",
        f"GET / {secret}",
        f"GET / HTTP/1.1{secret}",
        secret,
    ):
        yield f"{line}\r\nHost: {PUBLIC}\r\n\r\n"
    for field in (
        f"Host: {secret}",
        f"Host: {secret}.{PUBLIC}",
        f"Host: {PUBLIC}\r\nX-Api-Key: {secret}",
        f"Host: {PUBLIC}\r\nx-seed-hash: {secret}",
        f"Host: {PUBLIC}\r\nAuthorization: Bearer {secret}",
        f"Host: {PUBLIC}\r\nCookie: a={secret}",
        f"Host: {PUBLIC}\r\nReferer: https://a/?{secret}",
        f"Host: {PUBLIC}\r\nUser-Agent: {secret}",
        f"Host: {PUBLIC}\r\nX-Forwarded-For: {secret}",
        f"Host: {PUBLIC}\r\ntraceparent: {secret}",
        f"Host: {PUBLIC}\r\nContent-Length: {secret}",
        f"Host: {PUBLIC}\r\nTransfer-Encoding: {secret}",
        f"Host: {PUBLIC}\r\n{secret}: x",
        f"Host: {PUBLIC}\r\n{secret}",
        f"Host: {PUBLIC}\r\nExpect: {secret}",
        f"Host: {PUBLIC}\r\nUpgrade: {secret}\r\nConnection: upgrade, {secret}",
        f"Host: {PUBLIC}\r\nX-Api-Key: {secret}{'y' * 70_000}",
    ):
        yield f"GET /api/reseller/me HTTP/1.1\r\n{field}\r\n\r\n"


def misused(proxy, request):
    with Wire(proxy, proxy.context, seconds=SILENCE_SECONDS, name=PUBLIC) as wire:
        wire.send(
            request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n") if "upgrade" not in request else request
        )
        return answers(wire.bytes_until_silence())


def stopped(checks, proxy, door, shop, secrets):
    with checks(f"G9 {proxy.name}: a gateway that is gone is 502, and comes in no way to the callers' secrets"):
        door.gateway.end(door.gateway.process.terminate)
        for secret in secrets:
            headers = {
                "X-Api-Key": secret,
                "x-seed-hash": secret,
                "Authorization": f"Bearer {secret}",
                "Cookie": f"a={secret}",
            }
            path = f"/activate/{forms_of_path(secret)}?api_token={forms_of_path(secret)}"
            for method, body in (("GET", None), ("POST", json.dumps({"api_token": secret}).encode())):
                answer = door.request(method, path, body, headers=headers)
                assert answer.status == 502, answer
            assert door.get(f"/provider/v1/tenants/{forms_of_path(secret)}", key=secret).status == 502


def forms_of_path(secret):
    return list(forms(secret))[1].decode()


def searched(checks, proxy, secrets):
    proxy.__exit__()
    written = proxy.written()
    with checks(f"G9 {proxy.name}: every line of its access and error logs: no credential in any"):
        assert sum(data.count(b"\n") for data in written.values()) > 250, {
            name: len(data) for name, data in written.items()
        }
        found = secrets.found_in(written)
        assert not found, (len(found), found[:20])
        assert not any(b"api_token" in data or b"x-forwarded" in data.lower() for data in written.values())
    with checks(f"G9 {proxy.name}: the log still says which API was called, how, and what came of it"):
        log = b"".join(written.values()).decode()
        for area in (
                "/api/partner/v1", "/api/admin", "/provider/v1", "/activate", "/reseller", "/invite",
                "/reset-password"):
            assert re.search(rf'GET ?{area} |"method":"GET".*"uri":"{area}"', log), area
        assert re.search(r"POST /api/admin \S+ 413|\"uri\":\"/api/admin\".*\"status\":413", log)
    with checks(f"G9 {proxy.name}: what is looked for would be found"):
        secret = next(iter(secrets))
        assert secrets.found_in({"a log": f"GET /?a={secret}\n".encode()})


def main():
    options = arguments()
    checks = Checks()
    for kind in (Nginx, Caddy):
        everything(checks, options, kind)
    checks.finish()


if __name__ == "__main__":
    main()
