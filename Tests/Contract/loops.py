#!/usr/bin/env python3
"""Loops touch no disk. While calls of every API go on, strace watches the threads that serve connections: none of
them opens, looks at, reads, writes or syncs a file. The calls take all ways through the gate: answers from memory,
reads, writes, steps, files that come and go, refusals. Then scripts of the contract run with their own gateways' loops
watched: some of each kind, or with `--long` all."""

import glob
import json
import os
import subprocess
import sys
import tempfile
import uuid

from loopwatch import Watch, can_trace
from run import ELSEWHERE, HERE, LAST_LINE, scripts
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments

PROVIDER = "/provider/v1"
# One or two of each kind. Licence keys and price books are in `Scene`.
SHORT = [
    "tenants", "walk", "stock", "receivers", "searches", "usage", "hosts", "logo", "topups", "changes", "overview"]
LEFT_OUT = {
    # They have strace on the gateway themselves.
    "loops", "faults", "logfaults",
    # They have no gateway of their own, or run other scripts.
    "mistyped", "rows", "through"}


def main():
    options = arguments()
    checks = Checks()
    if not can_trace():
        print("# !!! strace is missing or may not trace: loops were NOT watched !!!", flush=True)
        checks.finish()
    with Gateway(options.tollgate) as gateway:
        with Watch(gateway) as watch:
            with checks("the threads that serve connections are found by their names"):
                assert len(watch.loops) == 2, watch.names
            Scene(gateway).everything(checks)
        with checks("the watch sees files: other threads have opened, looked at, read and written them"):
            for call in ("openat", "pread64", "pwrite64", "fdatasync"):
                assert watch.others.get(call), (call, watch.others)
        with checks("no loop has touched a file"):
            assert watch.serves > 0, "no loop was seen at all"
            assert not watch.touched, "\n".join(sorted(watch.touched)[:40])
    through(checks, options)
    checks.finish()


def through(checks, options):
    """Scripts as they are, each of their gateways watched to its end."""
    for name in chosen(options.long):
        words = ELSEWHERE.get(name, [os.path.join(HERE, name + ".py")])
        with checks(f"{name} runs to its end, and no loop of its gateways has touched a file"):
            with tempfile.TemporaryDirectory(prefix="tollgate-loops-") as folder:
                done = subprocess.run(
                    [sys.executable, "-u", *words, "--tollgate", options.tollgate],
                    stdin=subprocess.DEVNULL, capture_output=True, text=True,
                    env={**os.environ, "TOLLGATE_TEST_LOOPS": folder, "PYTHONDONTWRITEBYTECODE": "1"})
                found = []
                for path in glob.glob(os.path.join(folder, "*.json")):
                    with open(path, encoding="utf-8") as file:
                        found.append(json.load(file))
            touched = sorted({line for each in found for line in each["touched"]})
            assert not touched, "\n".join(touched[:40])
            # Whether its own checks pass where each call takes longer is for its own run to say.
            lines = done.stdout.splitlines()
            assert lines and LAST_LINE.fullmatch(lines[-1]), done.stdout[-5_000:] + done.stderr[-5_000:]
            assert name not in SHORT or sum(each["serves"] for each in found) > 0, "no loop was seen at all"


def chosen(is_long):
    """The short run's; or every script, those of pages too, that lets strace have its gateways."""
    if not is_long:
        return SHORT
    return [name for name in scripts() if name not in LEFT_OUT]


class Scene:
    """Tenants of every dialect, called by everyone who calls them."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.shop = Shop(gateway, password=PASSWORD)
        self.buyer = self.shop.reseller(balance="1000.00", password=PASSWORD)
        self.sku = self.shop.product()
        self.shop.price(self.buyer, self.sku, {"wholesale_monthly": "1.00"})

    def everything(self, checks):
        for part in (self.provider, self.refusals, self.operator, self.imports, self.orders, self.codes, self.licences,
                     self.ports, self.credits, self.root):
            with checks(f"under watch: {part.__doc__}"):
                part()

    def api(self, method, path, body=None, **options):
        options.setdefault("key", self.gateway.provider_key)
        return self.gateway.request(method, PROVIDER + path, body, **options)

    def provider(self):
        """the provider creates, lists, reads, changes, suspends, exports, restores and deletes tenants"""
        slug = "brief"
        made = self.api("POST", "/tenants", {
            "slug": slug, "blueprint": "hosting", "owner_email": "o@brief.example", "password": PASSWORD})
        expect(made, 201)
        page = expect(self.api("GET", "/tenants?limit=3"), 200).json
        assert page["has_more"], page
        expect(self.api("GET", f"/tenants?limit=100&cursor={page['next_cursor']}"), 200)
        expect(self.api("GET", f"/tenants/{slug}"), 200)
        expect(self.api("PATCH", f"/tenants/{slug}", {"tier": "pro", "quotas": {"keys": 100}}), 200)
        expect(self.api("PATCH", f"/tenants/{slug}", {"domains": [{"host": f"{slug}.own.example"}]}), 200)
        expect(self.api("PATCH", f"/tenants/{slug}", {"domains": [{
            "host": f"{slug}.own.example", "certificate": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
            "private_key": "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"}]}), 422)
        expect(self.api("POST", f"/tenants/{slug}/owner-key"), 201)
        for move in ("suspend", "resume", "cancel"):
            expect(self.api("POST", f"/tenants/{slug}/{move}"), 200)
        export = expect(self.api("GET", f"/tenants/{slug}/export"), 200)
        expect(self.api("POST", f"/tenants/{slug}/restore", export.body), 200)
        expect(self.api("POST", f"/tenants/{slug}/restore", b"no file" * 100_000), 422)
        expect(self.api("POST", f"/tenants/{slug}/restore", b""), 400)
        expect(self.api("POST", f"/tenants/{slug}/refund"), 200)
        expect(self.api("DELETE", f"/tenants/{slug}?confirm={slug}"), 204)
        expect(self.api("GET", "/blueprints"), 200)
        expect(self.api("POST", "/registry/rebuild"), 200)

    def refusals(self):
        """strangers, wrong paths, wrong methods, wrong bodies"""
        for path in ("/tenants", "/none", "/tenants/none/restore"):
            expect(self.gateway.get(PROVIDER + path), 401)
        expect(self.api("GET", "/none"), 404)
        expect(self.api("PUT", "/tenants"), 405)
        expect(self.api("GET", "/tenants/none/export"), 404)
        expect(self.api("POST", "/tenants/none/restore", b"x"), 404)
        expect(self.api("POST", "/tenants", b"{"), 400)
        expect(self.gateway.get(f"{self.shop.base}/none"), 404)
        expect(self.gateway.get(f"{self.shop.base}/api/admin/orders"), 401)
        expect(self.gateway.get("/t/none/api/admin/orders", key=self.shop.owner_key), 401)
        expect(self.shop.admin("POST", "/products", {"sku": ""}), 422)

    def operator(self):
        """the operator signs in, reads every list, exports the log"""
        signed_in = self.gateway.post(
            f"{self.shop.base}/api/admin/session",
            {"email": f"owner@{self.shop.slug}.example", "password": PASSWORD})
        expect(signed_in, 200)
        for path in ("resellers", "products", "orders", "services", "customers", "api-keys", "deliveries", "settings", "usage",
                     "audit", "audit.csv", "audit.jsonl", "audit/head", "price-book.csv", "openapi.json", "reviews"):
            expect(self.shop.admin("GET", f"/{path}"), 200)
        expect(self.shop.admin("PATCH", "/settings", {"name": "A shop"}), 200)
        minted = expect(self.shop.mint(self.buyer), 201).json
        expect(self.shop.admin("PUT", f"/api-keys/{minted['id']}/limit", {"requests": 5, "window_seconds": 60}), 200)
        expect(self.shop.admin("DELETE", f"/api-keys/{minted['id']}"), (200, 204))
        invited = self.shop.invite(password=None)
        page = invited["invitation"].removeprefix(self.gateway.base_url)
        expect(self.gateway.get(page), 200)
        expect(self.gateway.post(page, {"password": PASSWORD}), 200)

    def imports(self):
        """price books, ledgers and licences come as files"""
        book = self.shop.admin("GET", "/price-book.csv").body
        expect(self.shop.admin("POST", "/price-book.csv", book, headers={"Content-Type": "text/csv"}), 200)
        owner, reseller = self.gateway.tenant("panel")["owner_key"], self.gateway.reseller("panel")["id"]
        lines = "external_ref,kind,amount,at\n" + "".join(
            f"r-{number},topup,1.00,2024-01-01T00:00:00Z\n" for number in range(20_000))
        answer = self.gateway.post(
            f"/t/panel/api/admin/reconciliations?reseller={reseller}", lines.encode(), key=owner,
            headers={"Content-Type": "text/csv"})
        expect(answer, 201)
        reseller = self.gateway.reseller("licences")["id"]
        rows = [{"reseller": reseller, "product": "lifetime", "key": f"ps-{uuid.uuid4().hex}", "expiration": "2098-01-01"}
                for _ in range(2_000)]
        answer = self.gateway.post(
            "/t/licences/api/admin/licences", {"licences": rows}, key=self.gateway.tenant("licences")["owner_key"],
            headers={"Idempotency-Key": str(uuid.uuid4())})
        expect(answer, 201)

    def orders(self):
        """a shop signs in, orders, reads what is kept ready"""
        self.shop.sign_in(self.buyer)
        expect(self.shop.order(self.buyer, self.sku), 201)
        expect(self.shop.quote(self.buyer, self.sku), 200)
        for path in ("products", "products", "balance", "balance", "orders", "services", "customers", "webhook", "openapi.json"):
            expect(self.shop.get(self.buyer, f"/{path}"), (200, 404))
        expect(self.shop.call(self.buyer, "PUT", "/webhook", {
            "url": "https://hooks.there.example/x", "events": ["order.created"]}), 200)

    def codes(self):
        """activation codes are bought, listed, shown as a page and redeemed"""
        headers = {"x-api-key": self.gateway.reseller("codes")["key"]}
        base = "/t/codes/api/reseller"
        made = expect(self.gateway.post(base + "/generate", {"planId": "1month", "count": 2}, headers=headers), (200, 201))
        for path in ("/plans", "/me", "/codes", "/openapi.json"):
            expect(self.gateway.get(base + path, headers=headers), 200)
        code = made.json["codes"][0]["code"]
        for path, status in (("NONE", 404), (code, 200)):
            expect(self.gateway.get(f"/t/codes/activate/{path}", headers={"Accept": "text/html"}), status)
        expect(self.gateway.post(f"/t/codes/activate/{code}", {"email": "customer@there.example", "password": PASSWORD}), (200, 201))
        expect(self.gateway.post(base + "/login", {"email": "nobody@there.example", "password": PASSWORD}), 401)

    def licences(self):
        """licence keys are counted, fetched, described"""
        token = self.gateway.reseller("licences")["key"]
        for path in ("myavailable", "fetchlicense", "licenseinfo"):
            self.gateway.get(f"/t/licences/reseller/{path}?api_token={token}")

    def ports(self):
        """proxy ports come as a file; they are listed and priced"""
        rows = [{"device": f"watched-{number}", "server_ip": "192.0.2.9", "http_port": 1000 + number, "socks_port": 2000 + number,
                 "country": "germany_id", "city": "berlin", "carrier": "o2", "mode": "shared"} for number in range(50)]
        made = self.gateway.post(
            "/t/proxies/api/admin/ports", {"ports": rows}, key=self.gateway.tenant("proxies")["owner_key"],
            headers={"Idempotency-Key": str(uuid.uuid4())})
        expect(made, 201)
        headers = {"X-Api-Key": self.gateway.reseller("proxies")["key"]}
        for path in ("balance", "countries", "pricebook", "customers", "ports", "webhooks"):
            expect(self.gateway.get(f"/t/proxies/v1/reseller/{path}", headers=headers), 200)

    def credits(self):
        """credit reports: a user, a credit"""
        key = self.gateway.reseller("panel")["key"]
        body = {"kind": "topup", "amount_usd": 1, "external_ref": f"loops-{uuid.uuid4().hex}"}
        expect(self.gateway.post("/t/panel/api/v1/reseller/credit", body, key=key), 200)

    def root(self):
        """health, metrics, descriptions"""
        for path in ("/healthz", "/readyz", "/metrics", PROVIDER + "/openapi.json", "/none"):
            expect(self.gateway.get(path), (200, 404))
        described = json.loads(self.gateway.get(PROVIDER + "/openapi.json").body)
        assert described["paths"], described


def expect(answer, status):
    assert answer.status in (status if isinstance(status, tuple) else (status,)), (status, answer)
    return answer


if __name__ == "__main__":
    main()
