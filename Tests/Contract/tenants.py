#!/usr/bin/env python3
"""The provider's view of many tenants (P2): the list's filters, orders and pages, and a PATCH of what GET gave."""

import ssl
import tempfile
import time
import urllib.parse

from shop import Shop
from support import Checks, Gateway, arguments, together, wait_until
from wire import certificate, served


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        shops = {
            slug: Shop(gateway, slug, tier=tier, blueprint=blueprint)
            for slug, tier, blueprint in [
                ("delta", "pro", "hosting"), ("alpha", "lite", "hosting"), ("echo", "standard", "codes"),
                ("bravo", "pro", "panel"), ("alpine", "lite", "codes"), ("charlie", "pro", "hosting")]}
        filters(checks, gateway, shops)
        orders(checks, gateway, shops)
        unchanged(checks, gateway)
    with tempfile.TemporaryDirectory() as folder:
        domains(checks, options, folder)
    checks.finish()


def ask(gateway, query=""):
    return gateway.get(f"/provider/v1/tenants{query}", key=gateway.provider_key)


def slugs(gateway, query):
    """All pages of a list, of two tenants each."""
    found, cursor = [], ""
    while True:
        page = ask(gateway, f"?limit=2&{query}{cursor}")
        assert page.status == 200 and len(page.json["data"]) <= 2, page
        found += [tenant["slug"] for tenant in page.json["data"]]
        if not page.json["has_more"]:
            assert page.json["next_cursor"] is None, page
            return found
        cursor = "&cursor=" + page.json["next_cursor"]


def filters(checks, gateway, shops):
    for slug in ("bravo", "echo"):
        done = gateway.post(f"/provider/v1/tenants/{slug}/suspend", key=gateway.provider_key)
        assert done.status == 200, done
    own = gateway.patch(
        "/provider/v1/tenants/delta", {"domains": [{"host": "alp.delta.example"}]}, key=gateway.provider_key)
    assert own.status == 200, own
    with checks("P2 the list filters by state, tier, blueprint, owner and beginning, several values between commas"):
        for query, expected in [
                ("", "alpha alpine bravo charlie delta echo"), ("state=suspended", "bravo echo"),
                ("state=active", "alpha alpine charlie delta"), ("state=active,suspended&tier=lite", "alpha alpine"),
                ("tier=lite,standard", "alpha alpine echo"), ("blueprint=codes", "alpine echo"),
                ("blueprint=codes,panel&state=suspended", "bravo echo"), ("owner_email=owner@echo.example", "echo"),
                ("owner_email=OWNER@Echo.example", "echo"), ("q=alp", "alpha alpine delta"), ("q=ALPH", "alpha"),
                ("q=owner@c", "charlie"), ("q=nothing", ""), ("state=refunded", ""),
                ("blueprint=panel,proxies&q=alp", ""),
                (f"q={shops['echo'].made['id'][:13]}", "echo"), ("q=alp&tier=lite&sort=-name", "alpine alpha")]:
            assert slugs(gateway, query) == expected.split(), (query, slugs(gateway, query))

    with checks("P2 q finds an owner's address and a domain by their own letters"):
        international = {"domains": [{"host": "xn--bcher-kva.delta.example"}]}
        moved = gateway.patch("/provider/v1/tenants/delta", international, key=gateway.provider_key)
        assert moved.status == 200, moved
        for text in ("bücher.delta.example", "BÜCHER.de", "bu\u0308cher", "xn--bcher-kva.delta"):
            assert slugs(gateway, f"q={urllib.parse.quote(text)}") == ["delta"], text
        assert slugs(gateway, f"q={urllib.parse.quote('büch')}") == []
        assert gateway.patch(
            "/provider/v1/tenants/delta", {"domains": [{"host": "alp.delta.example"}]},
            key=gateway.provider_key).status == 200

    with checks("P2 a filter or an order that is none is refused, and names what there is"):
        for query, pointer in [
                ("?state=gone", "/state"), ("?state=active,", "/state"), ("?tier=gold", "/tier"),
                ("?sort=age", "/sort"), ("?blueprint=none", "/blueprint"), ("?blueprint=codes,none", "/blueprint"),
                ("?sort=--name", "/sort"), ("?sort=", "/sort"), ("?owner_email=x", "/owner_email")]:
            answer = ask(gateway, query)
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == pointer, (query, answer)
        for query in ("?order=asc", "?state=active&state=active", "?cursor=AAAA", "?Tier=lite"):
            assert ask(gateway, query).status == 400, query
        page = ask(gateway, "?limit=1&sort=size").json
        for query in ("?sort=-size", "?sort=name", "?sort=size&tier=lite", "?"):
            assert ask(gateway, f"{query}&cursor={page['next_cursor']}").status == 400, query


def orders(checks, gateway, shops):
    with checks("P2 the list is in the order of name, creation, last request or size, either way round, page by page"):
        everyone = sorted(shops)
        assert slugs(gateway, "sort=name") == everyone and slugs(gateway, "sort=-name") == everyone[::-1]
        made = list(shops)
        assert slugs(gateway, "sort=created") == made and slugs(gateway, "sort=-created") == made[::-1]
        for slug in ("charlie", "alpha", "delta"):
            assert shops[slug].admin("GET", "/settings").status == 200
            # The next one calls in another millisecond.
            asked_at = time.time()
            wait_until(lambda: time.time() > asked_at + 0.002, pause_seconds=0.001)
        asked = slugs(gateway, "sort=-last_request")
        assert asked[:3] == ["delta", "alpha", "charlie"] and sorted(asked) == everyone, asked
        for number in range(200):
            shops["alpine"].admin("POST", "/products", {
                "sku": f"p-{number}", "name": "n" * 200, "fulfilment": "instant"})
        sized = slugs(gateway, "sort=-size")
        assert sized[0] == "alpine" and sorted(sized) == everyone, sized
        bytes_of = {tenant["slug"]: tenant["bytes"] for tenant in ask(gateway, "?sort=size").json["data"]}
        assert list(bytes_of.values()) == sorted(bytes_of.values()), bytes_of


def unchanged(checks, gateway):
    def change(body):
        return gateway.patch("/provider/v1/tenants/delta", body, key=gateway.provider_key)

    with checks("P2 PATCH takes what GET gives: nothing changes by it, and one member may be changed among the rest"):
        gateway.patch(
            "/provider/v1/tenants/delta", {"quotas": {"keys": 77}, "rate_limit": {"requests": 9, "window_seconds": 60}},
            key=gateway.provider_key)
        before = gateway.get("/provider/v1/tenants/delta", key=gateway.provider_key).json
        assert before["domains"] == ["alp.delta.example"] and before["quotas"]["keys"] == 77, before
        answer = change(before)
        assert answer.status == 200, answer
        moving = ("bytes", "counts", "last_request_at")
        for name, value in before.items():
            assert name in moving or answer.json[name] == value, (name, value, answer)
        # The tier's own quotas are still the tier's.
        changed = change({**before, "tier": "lite"})
        assert changed.status == 200 and changed.json["tier"] == "lite", changed
        assert changed.json["quotas"]["keys"] == 77, changed
        assert changed.json["quotas"]["resellers"] < before["quotas"]["resellers"], (before, changed)
        assert change({**changed.json, "tier": "pro"}).json["quotas"] == before["quotas"]

    with checks("P2 P4 a quota that is named holds, also where it equals today's and beside another tier"):
        Shop(gateway, "foxtrot", tier="standard")
        path = "/provider/v1/tenants/foxtrot"
        standard = gateway.get(path, key=gateway.provider_key).json["quotas"]
        both = gateway.patch(path, {"tier": "lite", "quotas": {"bytes": standard["bytes"]}}, key=gateway.provider_key)
        assert both.status == 200 and both.json["quotas"]["bytes"] == standard["bytes"], both
        assert both.json["quotas"]["keys"] < standard["keys"], both
        kept = gateway.command("tenant", "change", "foxtrot", "--quota", f"keys={both.json['quotas']['keys']}")
        assert kept.returncode == 0, kept
        pro = gateway.patch(path, {"tier": "pro"}, key=gateway.provider_key).json["quotas"]
        assert (pro["bytes"], pro["keys"]) == (standard["bytes"], both.json["quotas"]["keys"]), pro
        assert pro["resellers"] > standard["resellers"], pro
        # As the tier has it is a change too.
        assert gateway.patch(path, {"quotas": {"bytes": None}}, key=gateway.provider_key).json["quotas"]["bytes"] > (
            standard["bytes"])

    with checks("P2 a member that PATCH cannot change is refused where it differs, and nothing is changed beside it"):
        before = gateway.get("/provider/v1/tenants/delta", key=gateway.provider_key).json
        for name, value in [
                ("id", "x"), ("slug", "other"), ("state", "suspended"), ("currency", "JPY"), ("blueprint", "codes"),
                ("created_at", "2020-01-01T00:00:00Z"), ("base_url", "http://a"),
                ("ends_at", "2030-01-01T00:00:00Z"), ("unheard_of", 1)]:
            answer = change({**before, "tier": "lite", name: value})
            assert answer.status == 422, (name, answer)
            assert [error["pointer"] for error in answer.json["errors"]] == [f"/{name}"], (name, answer)
        assert gateway.get("/provider/v1/tenants/delta", key=gateway.provider_key).json["tier"] == "pro"


def changed_at_once(gateway):
    """What two hear who each add a domain to the list as it is."""
    path = "/provider/v1/tenants/own"
    were = gateway.get(path, key=gateway.provider_key).json["domains"]
    return together([
        lambda host=host: gateway.patch(
            path, {"domains": [*were, host], "domains_were": were}, key=gateway.provider_key)
        for host in ("one.own.example", "two.own.example")])


def pair(folder, name):
    """A domain with a certificate of its own, as PATCH takes it."""
    given = {"host": "shop.own.example"}
    for member, path in zip(("certificate", "private_key"), certificate(folder, name, given["host"])):
        with open(path, encoding="ascii") as file:
            given[member] = file.read()
    return given


def replaced_at_once(checks, gateway, folder, change):
    with checks("P2 a name alone keeps the certificate that its host is given at the same time, whoever comes first"):
        pairs = [pair(folder, f"pair-{number}") for number in range(2)]
        for number in range(24):
            new = pairs[number % 2]

            def named(number=number):
                # The key of the other change is wrapped meanwhile.
                time.sleep(number % 8 / 2_000)
                return change(new["host"], f"also{number}.own.example")
            told = together([lambda new=new: change(new), named])
            assert [answer.status for answer in told] == [200, 200], told
            assert served(gateway.port, new["host"]).strip() == new["certificate"].strip(), number


def domains(checks, options, folder):
    chain, key = certificate(folder, "gateway", "localhost")
    context = ssl.create_default_context(cafile=chain)
    context.check_hostname = False
    with Gateway(options.tollgate, "--tls-cert", chain, "--tls-key", key, tls=context, demo=False) as gateway:
        Shop(gateway, "own")
        own = pair(folder, "own")

        def change(*domains):
            return gateway.patch("/provider/v1/tenants/own", {"domains": list(domains)}, key=gateway.provider_key)

        with checks("P2 a domain by its name alone keeps its certificate; made anew without one it has none"):
            assert change(own).status == 200
            given = gateway.get("/provider/v1/tenants/own", key=gateway.provider_key).json["domains"]
            assert change(*given, "second.own.example").json["domains"] == ["shop.own.example", "second.own.example"]
            assert served(gateway.port, "shop.own.example").strip() == own["certificate"].strip()
            gateway.stop()
            gateway.start()
            assert served(gateway.port, "shop.own.example").strip() == own["certificate"].strip()
            assert change({"host": "shop.own.example"}).status == 200
            assert served(gateway.port, "shop.own.example").strip() != own["certificate"].strip()
            for wrong in (5, ["a.example"], "127.1", "", {"host": "a.example", "x": 1}):
                assert change(wrong).status == 422, wrong

        replaced_at_once(checks, gateway, folder, change)

        with checks("P2 of two that change the list which both have read one is done; the other hears what there is"):
            told = changed_at_once(gateway)
            assert sorted(answer.status for answer in told) == [200, 412], told
            [refused] = [answer.json for answer in told if answer.status == 412]
            [done] = [answer.json["domains"] for answer in told if answer.status == 200]
            assert refused["code"] == "domains_moved" and all(host in refused["detail"] for host in done), refused
            # Once more, by whoever did not hear the answer.
            again = {"domains": done, "domains_were": []}
            assert gateway.patch("/provider/v1/tenants/own", again, key=gateway.provider_key).status == 200
            for alone, status in ((done, 200), ([], 412)):
                answer = gateway.patch("/provider/v1/tenants/own", {"domains_were": alone}, key=gateway.provider_key)
                assert answer.status == status, answer
            assert gateway.get("/provider/v1/tenants/own", key=gateway.provider_key).json["domains"] == done

        with checks("P2 P6 tollgate tenant change --domain HOST keeps the host's certificate"):
            assert change(own).status == 200
            changed = gateway.command(
                "tenant", "change", "own", "--domain", "shop.own.example", "--domain", "third.own.example")
            assert changed.returncode == 0, changed
            assert gateway.get("/provider/v1/tenants/own", key=gateway.provider_key).json["domains"] == [
                "shop.own.example", "third.own.example"]
            assert served(gateway.port, "shop.own.example").strip() == own["certificate"].strip()


if __name__ == "__main__":
    main()
