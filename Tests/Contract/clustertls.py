#!/usr/bin/env python3
"""P2, N5: a custom domain's certificate is served by every node of a cluster, whichever of them was given it, and by
none once it is gone. Gateways of its own, with TLS."""

import ssl
import tempfile

from cluster import Node, Postgres, share_key
from shop import Shop
from support import Checks, Gateway, arguments, wait_until
from wire import certificate, served

HOST = "shop.own.example"
DAY = 86_400


def pair(folder, name):
    """A certificate for the host, and its key, as texts."""
    texts = []
    for path in certificate(folder, name, HOST, days=30):
        with open(path, encoding="ascii") as file:
            texts.append(file.read())
    return texts


def serves(gateway, text):
    return served(gateway.port, HOST).strip() == text.strip()


def change(gateway, provider_key, *domains):
    changed = gateway.patch("/provider/v1/tenants/own", {"domains": list(domains)}, key=provider_key)
    assert changed.status == 200, changed


def nodes(checks, folder, first, second):
    key = first.provider_key
    Shop(first, "own")
    (old, old_key), (new, new_key) = pair(folder, "old"), pair(folder, "new")

    with checks("P2 N5 a certificate that one node was given is served by the others too, and so is the next"):
        change(first, key, {"host": HOST, "certificate": old, "private_key": old_key})
        # Whichever node is asked, the tenant's own does it.
        for node in (first, second):
            wait_until(lambda node=node: serves(node, old))
        change(second, key, {"host": HOST, "certificate": new, "private_key": new_key})
        for node in (first, second):
            wait_until(lambda node=node: serves(node, new))

    with checks("P2 N5 a domain that one node took away, or whose tenant it erased, is served by no other"):
        change(first, key)
        for node in (first, second):
            wait_until(lambda node=node: not serves(node, new))
        change(first, key, {"host": HOST, "certificate": old, "private_key": old_key})
        wait_until(lambda: serves(second, old))
        gone = first.delete("/provider/v1/tenants/own?confirm=own", key=key)
        assert gone.status == 204, gone
        for node in (first, second):
            wait_until(lambda node=node: not serves(node, old))


def due(checks, folder, gateway):
    with checks("P2 P10 the certificate of a tenant that the clock erases is served no more"):
        key = gateway.provider_key
        Shop(gateway, "own")
        text, private_key = pair(folder, "due")
        change(gateway, key, {"host": HOST, "certificate": text, "private_key": private_key})
        assert serves(gateway, text)
        planned = gateway.delete("/provider/v1/tenants/own?confirm=own&after_days=1", key=key)
        assert planned.status == 204 and serves(gateway, text), planned
        gateway.jump(DAY + 60)
        wait_until(lambda: gateway.get("/provider/v1/tenants/own", key=key).status == 404)
        wait_until(lambda: not serves(gateway, text))


def main():
    options, checks = arguments(), Checks()
    with tempfile.TemporaryDirectory() as folder, Postgres() as postgres:
        chain, key = certificate(folder, "gateway", "localhost")
        context = ssl.create_default_context(cafile=chain)
        context.check_hostname = False
        words = ["--tls-cert", chain, "--tls-key", key]
        with Node(options.tollgate, "a", postgres.url, *words, tls=context) as first:
            first.provider_key
            second = Node(options.tollgate, "b", postgres.url, *words, tls=context)
            share_key(first, second)
            with second:
                nodes(checks, folder, first, second)
        with Gateway(options.tollgate, *words, tls=context, demo=False, clock=True) as gateway:
            due(checks, folder, gateway)
    checks.finish()


main()
