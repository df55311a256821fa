#!/usr/bin/env python3
"""Whose a host is (G1, P2): which names a tenant can take as its own, what is served below them, and what becomes of
them when the node itself is given other names."""

from shop import Shop
from support import Checks, Gateway, arguments

SETTINGS = "/api/admin/settings"


def main():
    options = arguments()
    checks = Checks()
    with Gateway(
            options.tollgate, "--base-domain", "shops.example", "--public-url", "https://gate.example.net",
            demo=False) as gateway:
        site = Site(gateway)
        amber, birch = Shop(gateway, "amber"), Shop(gateway, "birch")
        for shop in (amber, birch):
            assert site.take(shop, f"{shop.slug}.own.example").status == 200
        ways(checks, site, amber, birch)
        domains(checks, site, birch)
    moved(checks, options)
    checks.finish()


class Site:
    """Calls of one gateway, each with a host of its own."""

    def __init__(self, gateway):
        self.gateway = gateway

    def get(self, host, path, key=None):
        return self.gateway.get(path, key=key, headers={"Host": host})

    def settings(self, host, shop):
        """The status of the owner's own settings, asked for by a bare path."""
        return self.get(host, SETTINGS, shop.owner_key).status

    def take(self, shop, *hosts):
        return self.gateway.patch(
            f"/provider/v1/tenants/{shop.slug}", {"domains": [{"host": host} for host in hosts]},
            key=self.gateway.provider_key)

    def make(self, slug):
        return self.gateway.post(
            "/provider/v1/tenants", {"slug": slug, "blueprint": "hosting", "owner_email": "a@b.example"},
            key=self.gateway.provider_key)

    def again(self, *arguments):
        """Stops, and starts with other options."""
        self.gateway.stop()
        self.gateway.arguments = list(arguments)
        self.gateway.start()


def ways(checks, site, amber, birch):
    with checks("G1 a host is understood in any case, with a port, with a last dot"):
        for host in (
                "amber.own.example", "AMBER.Own.example", "amber.own.example:80", "amber.own.example.",
                "amber.shops.example", "Amber.Shops.Example.:8080"):
            assert site.settings(host, amber) == 200 and site.settings(host, birch) == 401, host

    with checks("G1 a host that names a tenant is no way by /t/ to another, to itself or to nobody: 404 by any key"):
        for host in ("amber.own.example", "amber.shops.example", "AMBER.own.example.:80", "nobody.shops.example"):
            for path in ("/t/birch", "/t/amber", "/t/nobody"):
                for key in (amber.owner_key, birch.owner_key, None):
                    answer = site.get(host, path + SETTINGS, key)
                    assert answer.status == 404 and answer.json["code"] == "path_not_found", (host, path, answer)
                assert site.get(host, path + "/invite/none").status == 404, (host, path)
        for host in ("shops.example", "gate.example.net", "elsewhere.example", "127.0.0.1", "[::1]:80"):
            assert site.get(host, "/t/amber" + SETTINGS, amber.owner_key).status == 200, host

    with checks("G1 P2 health, metrics and the provider's API are the node's by whatever host they are called"):
        key = site.gateway.provider_key
        for host in (
                "amber.own.example", "amber.shops.example", "nobody.shops.example", "admin.shops.example",
                "shops.example", "gate.example.net"):
            for path in ("/healthz", "/readyz", "/metrics", "/provider/v1/tenants", "/provider/v1/openapi.json"):
                assert site.get(host, path, key).status == 200, (host, path)
            assert site.get(host, "/provider/v1/tenants", amber.owner_key).status == 401, host


def domains(checks, site, birch):
    with checks("P2 a domain that is an address in any spelling, the node's or below the base domain: 422, no change"):
        for host in [
                "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "1.2.3", "192.0.2.300",
                "a.127", "a.0x7f", "a.0x", "[::1]", "::1", "[::ffff:127.0.0.1]",
                "shops.example", "SHOPS.example", "birch.shops.example", "nobody.shops.example", "a.b.shops.example",
                "gate.example.net", "Gate.Example.NET",
                "localhost", "one", "a..example", "-a.example", "a-.example", "a_b.example", "b\u00fccher.example",
                "a b.example", "a.example:80", "a.example.", ".example", "https://a.example", "*.own.example",
                "a" * 64 + ".example", ".".join(["a" * 60] * 5), ""]:
            answer = site.take(birch, "birch.own.example", host)
            assert answer.status == 422, (host, answer)
            assert answer.json["errors"][0]["pointer"] == "/domains/1/host", (host, answer)
        read = site.gateway.get("/provider/v1/tenants/birch", key=site.gateway.provider_key)
        assert read.json["domains"] == ["birch.own.example"], read

    with checks("P2 names that only look like such are domains as any other; another tenant's is 409"):
        for host in (
                "xn--bcher-kva.example", "0x7f.example", "1.2.3.4.example", "127-0-0-1.example",
                "own.shops.example.net", "notshops.example", "www.gate.example.net"):
            assert site.take(birch, "birch.own.example", host).status == 200, host
            assert site.settings(host, birch) == 200, host
        answer = site.take(birch, "Amber.Own.Example")
        assert answer.status == 409 and answer.json["code"] == "host_taken", answer
        assert site.take(birch, "birch.own.example").status == 200


def moved(checks, options):
    """The node gets another base domain and another public name than it had when its tenants took their domains."""
    with Gateway(options.tollgate, demo=False) as gateway:
        site = Site(gateway)
        one, other = Shop(gateway, "one"), Shop(gateway, "other")
        taken = ["other.base.example", "base.example", "public.example", "kept.example"]
        assert site.take(one, *taken).status == 200
        assert all(site.settings(host, one) == 200 for host in taken)
        site.again("--base-domain", "Base.Example.", "--public-url", "https://public.example")

        with checks("P2 a domain from before --base-domain or --public-url takes nothing: the node and slugs go first"):
            assert site.settings("other.base.example", other) == 200
            assert site.settings("other.base.example", one) == 401
            assert site.settings("kept.example", one) == 200 and site.settings("kept.example", other) == 401
            # Hosts that name no tenant: the key does.
            for host in ("base.example", "public.example"):
                assert site.settings(host, one) == site.settings(host, other) == 200, host
            read = gateway.get("/provider/v1/tenants/one", key=gateway.provider_key)
            assert sorted(read.json["domains"]) == sorted(taken), read

        with checks("P2 a new slug is checked against domains: 409 where its host is another tenant's"):
            assert site.take(other, "third.base.example").status == 422
            site.again()
            assert site.take(other, "third.base.example").status == 200
            site.again("--base-domain", "base.example")
            answer = site.make("third")
            assert answer.status == 409 and answer.json["code"] == "host_taken", answer
            site.again("--base-domain", "elsewhere.example", "--public-url", "https://shop.elsewhere.example:8443/")
            assert site.make("third").status == 201

        with checks("P2 a new slug whose host would be the node's own is refused: 422"):
            answer = site.make("shop")
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/slug", answer


if __name__ == "__main__":
    main()
