#!/usr/bin/env python3
"""Whose a host is (G1, P2): which names a tenant can take as its own, what is served below them, and what becomes of
them when the node itself is given other names. And which hosts links begin with (P1)."""

from shop import PARTNER, Shop
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
        prefixes(checks, gateway)
        repeated(checks, site, amber)
    moved(checks, options)
    links(checks, options)
    behind_proxy(checks, options)
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
            # What would do is said too.
            assert host.isascii() or "xn--" in answer.json["errors"][0]["detail"], (host, answer)
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


def prefixes(checks, gateway):
    def create(**body):
        body = {"blueprint": "hosting", "owner_email": "o@prefixed.example", **body}
        return gateway.post("/provider/v1/tenants", body, key=gateway.provider_key)

    with checks("P1 a prefix that another blueprint's tenants have is not given, before there is one of them too"):
        for prefix in ("psx", "etr"):
            refused = create(slug="prefixed", prefix=prefix)
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/prefix", refused
            assert refused.json["errors"][0]["code"] == "reserved", refused
        proxies = create(slug="prefixed", blueprint="proxies")
        assert proxies.status == 201 and proxies.json["owner_key"].startswith("psx_"), proxies
        assert create(slug="prefixed-too", blueprint="proxies", prefix="psx").status == 201


def repeated(checks, site, shop):
    """`shop` has a host of its own, and one below the base domain."""
    reseller, sku = shop.reseller(balance="10.00"), shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    first = shop.order(reseller, sku, key="once")
    assert first.status == 201, first
    with checks("G4 the same call at another address of the tenant is the same call; another path is not"):
        for host in ("127.0.0.1", f"{shop.slug}.own.example", f"{shop.slug}.shops.example"):
            again = site.gateway.order(
                PARTNER + "/orders", shop.order_body(sku), reseller, "once", headers={"Host": host})
            assert again.status == 201 and again.body == first.body, (host, again)
            assert again.headers["idempotency-hit"] == "true", again.headers
        other = site.gateway.order(PARTNER + "/orders?", shop.order_body(sku), reseller, "once")
        assert other.status == 422 and other.json["code"] == "idempotency_key_reused", other
        # As well where the first call came by a bare path.
        first = site.gateway.order(PARTNER + "/orders", shop.order_body(sku), reseller, "bare")
        again = shop.order(reseller, sku, key="bare")
        assert first.status == 201 and again.body == first.body, (first, again)
        assert shop.balance(reseller) == 8, shop.balance(reseller)


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

        with checks("P2 PATCH takes what GET gives, names among it that the node has since; a new one of these is 422"):
            same = gateway.patch("/provider/v1/tenants/one", read.json, key=gateway.provider_key)
            assert same.status == 200 and sorted(same.json["domains"]) == sorted(taken), same
            assert site.take(one, *taken, "fifth.base.example").status == 422
            assert site.take(one, *taken).status == 200
            assert site.take(other, "base.example").status == 422

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


def links(checks, options):
    """Without --public-url links begin with the host that was called, where that is an address of the node's."""
    with Gateway(options.tollgate, "--base-domain", "shops.example", demo=False) as gateway:
        site, own = Site(gateway), f"127.0.0.1:{gateway.port}"
        shop = Shop(gateway, "linked")
        assert site.take(shop, "shop.own.example").status == 200
        reseller = shop.invite(password=None)
        provider, admin = "/provider/v1/tenants/linked", "/t/linked/api/admin"

        def made(host, path, key, body=None):
            answer = gateway.post(path, body, key=key, headers={"Host": host})
            assert answer.status == 201, (host, answer)
            return answer.json

        with checks("P1 a link never begins with a host that may be anybody's, nor with a tenant's for another"):
            for host in ("evil.example", "shop.own.example", "evil.example:443", "a_b.example", "1.2.3.4.example",
                         "nobody.shops.example", "linked.shops.example"):
                read = site.get(host, provider, gateway.provider_key).json
                assert read["base_url"] == f"http://{own}/t/linked", (host, read)
                link = made(host, provider + "/invitation", gateway.provider_key)["invitation_url"]
                assert link.startswith(f"http://{own}/t/linked/invite/"), (host, link)
            for path in (f"/resellers/{reseller['id']}/invitation", f"/resellers/{reseller['id']}/password-reset"):
                shown = made("evil.example", admin + path, shop.owner_key)
                link = shown.get("invitation_url") or shown["url"]
                assert link.startswith(f"http://{own}/t/linked/"), link
            person = made(
                "evil.example", admin + "/people", shop.owner_key,
                {"email": "p@there.example", "name": "P", "role": "support"})
            assert person["invitation_url"].startswith(f"http://{own}/t/linked/"), person
            described = site.get("evil.example", PARTNER + "/openapi.json").json
            assert described["servers"][0]["url"] == f"http://{own}{PARTNER}", described["servers"]
        with checks("P1 a link begins with the address that was called: of the node, by one label, of the base domain"):
            for host in ("127.0.0.1", "192.0.2.7:8443", "[::1]:80", "localhost:8080", "gate", "shops.example:81"):
                read = site.get(host, provider, gateway.provider_key).json
                assert read["base_url"] == f"http://{host}/t/linked", (host, read)
        with checks("P1 at a tenant's own host links begin with it"):
            for host in ("shop.own.example", "linked.shops.example:8080"):
                shown = made(host, f"/api/admin/resellers/{reseller['id']}/password-reset", shop.owner_key)
                assert shown["url"].startswith(f"http://{host}/reset-password/"), shown


def behind_proxy(checks, options):
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8", demo=False) as gateway:
        site = Site(gateway)
        shop = Shop(gateway, "behind")
        assert site.take(shop, "shop.own.example").status == 200
        with checks("P1 a trusted proxy says by Host and X-Forwarded-Proto what links begin with, at its own hosts"):
            for host, base in (
                    ("gate.example", "https://gate.example"), ("shop.own.example", f"http://127.0.0.1:{gateway.port}")):
                read = gateway.get(
                    "/provider/v1/tenants/behind", key=gateway.provider_key,
                    headers={"Host": host, "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"})
                assert read.json["base_url"] == f"{base}/t/behind", read


if __name__ == "__main__":
    main()
