#!/usr/bin/env python3
"""A canary per tenant (G1): after traffic on several tenants, restores, kills and refused calls, every byte of the
data folder, of every export and of everything that was printed is searched. A tenant's canary is in its own files alone, and
no secret is anywhere."""

import os
import secrets
import sqlite3
import tempfile
import threading
import zlib

from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, files

PROVIDER = "/provider/v1"


class Nest:
    """A tenant in whose every free text stands its canary."""

    def __init__(self, gateway, slug):
        self.gateway = gateway
        self.canary = f"canary{secrets.token_hex(8)}"
        self.shop = shop = Shop(gateway, slug=slug)
        self.id = shop.made["id"]
        shop.admin("PATCH", "/settings", {"name": f"The {self.canary} shop"})
        self.sku = self.canary
        made = shop.admin("POST", "/products", {"sku": self.sku, "name": f"Product {self.canary}", "fulfilment": "instant"})
        assert made.status == 201, made
        self.buyer = shop.reseller(balance="1000.00")
        shop.price(self.buyer, self.sku, {"wholesale_monthly": "1.00"})
        invited = shop.admin("POST", "/resellers", {
            "email": f"{self.canary}@there.example", "name": self.canary, "company": self.canary, "password": PASSWORD})
        assert invited.status == 201, invited
        self.session = shop.sign_in(self.buyer)
        self.secrets = [shop.owner_key, self.buyer["key"], self.session, PASSWORD]
        self.secrets += [reseller["webhook_secret"] for reseller in (self.buyer, invited.json)]

    def trade(self, others):
        """What callers do, right and wrong: with other tenants' keys, ids and canaries too."""
        shop = self.shop
        for number in range(25):
            placed = shop.order(self.buyer, self.sku, customer=f"{self.canary}-{number}")
            assert placed.status == 201, placed
            self.gateway.get(f"{shop.base}/api/partner/v1/customers?external_id={self.canary}-{number}", key=self.buyer["key"])
            for other in others:
                # Under the other's address with one's own key, and with the other's texts under one's own.
                self.gateway.get(f"{other.shop.base}/api/partner/v1/orders?cursor={self.canary}", key=self.buyer["key"])
                refused = self.gateway.post(f"{other.shop.base}/api/admin/resellers", {"email": f"x@{self.canary}.example"}, key=shop.owner_key)
                assert refused.status in (401, 429), refused
        shop.call(self.buyer, "PUT", "/webhook", {"url": f"https://{self.canary}.example/hook", "events": ["order.created"]})
        shop.admin("POST", "/price-book.csv", f"{self.canary},{self.canary}\n".encode())
        self.secrets.append(shop.mint(self.buyer).json["key"])
        shop.call(self.buyer, "POST", "/keys", {"name": self.canary}, key=self.session)

    def export(self):
        answer = self.gateway.get(f"{PROVIDER}/tenants/{self.shop.slug}/export", key=self.gateway.provider_key)
        assert answer.status == 200, answer
        return answer.body


def search(nests, data):
    """Each canary is where it belongs and nowhere else."""
    found = {nest.canary: [] for nest in nests}
    for name, content in files(data):
        for nest in nests:
            if nest.canary.encode() in content:
                assert nest.id in name, f"{name} holds a text of {nest.shop.slug} ({nest.id})"
                found[nest.canary].append(name)
            if os.path.basename(name) != "demo.json":
                for secret in nest.secrets:
                    assert secret.encode() not in content, f"{name} holds a secret of {nest.shop.slug}"
    for nest in nests:
        assert found[nest.canary], f"the search finds what is there: {nest.shop.slug}"


def blocks(export):
    """What the audit log keeps compressed."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(export)
        file.flush()
        database = sqlite3.connect(file.name)
        rows = database.execute("SELECT payload FROM audit WHERE kind = 1").fetchall()
        database.close()
    return b"".join(zlib.decompress(payload) for payload, in rows)


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--log-requests", demo=False) as gateway:
        nests = [Nest(gateway, slug) for slug in ("ash", "beech", "cedar")]
        printed = []

        def run():
            threads = [
                threading.Thread(target=nest.trade, args=([other for other in nests if other is not nest],)) for nest in nests]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)

        def collect():
            printed.append(gateway.errors().encode())
            printed.append("\n".join(gateway.output).encode())

        # Its request log is read away while it runs, or it would wait for a reader.
        with Reader(gateway) as reader:
            run()
            with checks("G1 while it runs: no file holds another tenant's canary, nor any secret; WALs and the registry included"):
                search(nests, gateway.data)
            exports = [nest.export() for nest in nests]
            for nest, export in zip(nests, exports):
                restored = gateway.post(f"{PROVIDER}/tenants/{nest.shop.slug}/restore", export, key=gateway.provider_key)
                assert restored.status == 200, restored
            run()
            collect()
            gateway.kill()
        printed.append(reader.bytes)
        with checks("G1 after restores and kill -9: as it lies there, still so"):
            search(nests, gateway.data)
            assert any(name.endswith("-wal") and content for name, content in files(gateway.data))
        gateway.start()
        with checks("G1 an export holds its own tenant's texts alone, in its compressed audit blocks too"):
            for nest in nests:
                export = nest.export()
                texts = export + blocks(export)
                assert nest.canary.encode() in texts
                for other in nests:
                    assert other is nest or other.canary.encode() not in texts, (nest.shop.slug, other.shop.slug)
                    assert not any(secret.encode() in texts for secret in other.secrets), (nest.shop.slug, other.shop.slug)
        with checks("P5 G1 a deleted tenant's texts are in no file any more"):
            gone = nests.pop()
            done = gateway.delete(f"{PROVIDER}/tenants/{gone.shop.slug}?confirm={gone.shop.slug}", key=gateway.provider_key)
            assert done.status == 204, done
            assert gateway.stop() == 0
            collect()
            search(nests, gateway.data)
            for name, content in files(gateway.data):
                assert gone.canary.encode() not in content, f"{name} holds a text of a tenant that was erased"
        with checks("G1 what was printed: no secret; a text of a tenant's own in the path of its own calls alone"):
            lines = b"\n".join(printed).splitlines()
            assert len(lines) > 100
            for nest in [*nests, gone]:
                own = f'"tenant":"{nest.shop.slug}"'.encode()
                for line in lines:
                    assert nest.canary.encode() not in line or own in line, line
                    assert not any(secret.encode() in line for secret in nest.secrets), "a secret was printed"
    checks.finish()


class Reader:
    """Reads the gateway's standard output away, and keeps it."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.bytes = b""

    def __enter__(self):
        self.output = os.dup(self.gateway.process.stdout.fileno())
        self.thread = threading.Thread(target=self.read)
        self.thread.start()
        return self

    def read(self):
        while piece := os.read(self.output, 1 << 16):
            self.bytes += piece

    def __exit__(self, *_):
        self.thread.join(30)
        os.close(self.output)


if __name__ == "__main__":
    main()
