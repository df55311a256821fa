#!/usr/bin/env python3
"""A write changes what it names and nothing else (O4, A7, W4, O9); names like others' are kept back (P1); one call
answers like its family: empty bodies, OPTIONS, ETags."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from access import address
from badinput import Scene
from endpoints import ADMIN, ALL, CODES, PARTNER, PORTS, PROVIDER
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments

RESERVED = [
    "www",
    "api",
    "admin",
    "console",
    "mail",
    "ns1",
    "localhost",
    "status",
    "static",
    "assets",
    "metrics",
    "healthz",
    "readyz",
    "smtp",
    "autoconfig",
    "wpad",
    "login",
    "xn--bcher-kva",
    "ab--c",
]


def nothing(checks, scene):
    """A change that names nothing is 422; a body that is needed and is not there is 400."""
    for endpoint in ALL:
        if not endpoint.fields or endpoint.optional_body:
            continue
        with checks(f"O4 P2 {endpoint.name}: an empty body is 400; a change of nothing 422, in each of its parts"):
            for body in (b"", None):
                assert scene.send(endpoint, body).status == 400, endpoint.name
            if endpoint.method == "PATCH":
                parts = [name for name, field in endpoint.fields.items() if isinstance(field, dict)]
                for body in [{}] + [{name: {}} for name in parts]:
                    assert scene.send(endpoint, json.dumps(body).encode()).status == 422, body


def price_rows(checks, shop):
    reseller, sku = shop.reseller(), shop.product()
    path = f"/resellers/{reseller['id']}/products/{sku}"

    def row():
        return shop.admin("GET", path).json

    with checks("O4 a price row's PUT changes what it names and nothing else; null takes away; nothing is 422"):
        full = {
            "wholesale_monthly": "5.00",
            "wholesale_annual": "50.00",
            "wholesale_setup_fee": "1.00",
            "max_quantity": 3,
            "discount_rate_override": "7.5",
            "is_enabled": False,
        }
        shop.price(reseller, sku, full)
        for body in ({}, [], "x", {"is_enabled": None}):
            assert shop.admin("PUT", path, body).status == 422, body
        for name, value in {"wholesale_hourly": "0.01", "wholesale_monthly": "6.00", "max_quantity": None}.items():
            before = row()
            shop.price(reseller, sku, {name: value})
            assert {key for key, old in before.items() if row()[key] != old} == {name}, (name, before, row())
        assert row()["is_enabled"] is False and row()["wholesale_annual"] == "50.00", row()


def keys_of_a_dashboard(checks, gateway):
    tenant = gateway.tenant("codes")
    base = f"/t/{tenant['slug']}{CODES}"
    reseller = gateway.reseller("codes")
    login = gateway.post(
        f"{base}/login", {"email": reseller["email"], "password": reseller["password"]}, headers=address()
    )
    seed = {"x-seed-hash": login.json["seedHash"]}

    def mint():
        minted = gateway.post(
            f"/t/{tenant['slug']}{ADMIN}/api-keys",
            {"owner_email": reseller["email"]},
            key=tenant["owner_key"],
            headers={"Idempotency-Key": uuid.uuid4().hex},
        )
        assert minted.status == 201, minted
        return minted.json

    def works(key):
        return gateway.get(f"{base}/me", headers={"x-api-key": key}).status == 200

    with checks("A7 the dashboard names the key that dies where there are several: no other does"):
        first, second = mint(), mint()
        refused = gateway.post(f"{base}/regenerate-key", headers=seed)
        assert (
            refused.status == 400 and "keyId" in refused.json["error"] and first["id"] in refused.json["error"]
        ), refused
        assert works(first["key"]) and works(second["key"]) and works(reseller["key"])
        made = gateway.post(f"{base}/regenerate-key", {"keyId": first["id"]}, headers=seed)
        assert made.status == 200 and works(made.json["apiKey"]) and not works(first["key"]), made
        assert works(second["key"]) and works(reseller["key"])
        for key in ("key_none", second["id"] + "x"):
            assert gateway.post(f"{base}/regenerate-key", {"keyId": key}, headers=seed).status == 404, key
    with checks("A7 a key regenerates itself alone"):
        own = {"x-api-key": second["key"]}
        assert gateway.post(f"{base}/regenerate-key", {"keyId": first["id"]}, headers=own).status == 404
        made = gateway.post(f"{base}/regenerate-key", {"keyId": second["id"]}, headers=own)
        assert made.status == 200 and not works(second["key"]) and works(made.json["apiKey"]), made


def customers(checks, gateway, shop):
    reseller, sku = shop.reseller(balance="50.00"), shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})

    def order(**customer):
        placed = gateway.order(
            f"{shop.base}{PARTNER}/orders",
            {"product": sku, "term": "monthly", "quantity": 1, "customer": customer},
            reseller,
            uuid.uuid4().hex,
        )
        assert placed.status == 201, placed
        return shop.get(reseller, "/customers?external_id=c-1").json["data"][0]

    with checks("W4 an order fills in who a customer is, and changes nothing of one who is known"):
        assert order(external_id="c-1")["email"] is None
        assert order(external_id="c-1", email="Ada@Customer.example")["email"] == "ada@customer.example"
        known = order(external_id="c-1", email="other@customer.example", name="Ada")
        assert (known["email"], known["name"]) == ("ada@customer.example", "Ada"), known
        assert order(external_id="c-1", name="Mallory")["name"] == "Ada"


def licences(checks, gateway, shop):
    with checks("O9 an import says how many licences are past their time"):
        reseller, sku = shop.reseller(), shop.product()
        rows = [
            {"reseller": reseller["email"], "product": sku, "key": f"K-{uuid.uuid4().hex}", "expiration": end}
            for end in ("2020-01-01", "2021-01-01T00:00:00Z", "2999-01-01")
        ]
        made = gateway.request(
            "POST",
            shop.base + ADMIN + "/licences",
            {"licences": rows},
            key=shop.owner_key,
            headers={"Idempotency-Key": uuid.uuid4().hex},
        )
        assert made.status == 201 and made.json == {"ok": True, "imported": 3, "expired": 2}, made


def names(checks, gateway):
    def create(**more):
        body = {"slug": f"n{uuid.uuid4().hex[:12]}", "blueprint": "hosting", "owner_email": "o@names.example", **more}
        return gateway.post(f"{PROVIDER}/tenants", body, key=gateway.provider_key)

    def at(answer, pointer):
        assert answer.status == 422 and [error["pointer"] for error in answer.json["errors"]] == [pointer], answer

    with checks("P1 slugs that a host name or the node needs are reserved"):
        for slug in RESERVED:
            at(create(slug=slug), "/slug")
        for slug in ("www-shop", "api2", "my-mail", "a--b"):
            assert create(slug=slug).status in (201, 409), slug
    with checks("P1 a prefix is not the provider's, a session's or another tenant's"):
        for prefix in ("tgp", "tgs"):
            at(create(prefix=prefix), "/prefix")
        assert create(prefix="mine").status == 201
        at(create(prefix="mine"), "/prefix")
        at(create(prefix="vfc"), "/prefix")
    with checks("P1 tenants of one blueprint share its prefix"):
        assert create(blueprint="panel").status == 201 and create(blueprint="panel", prefix="vfc").status == 201
    with checks("P1 a prefix asked for twice at once is given once"):
        answers = gateway_together(gateway, 6, lambda: create(prefix="once").status)
        assert sorted(answers) == [201] + [422] * 5, answers


def gateway_together(gateway, count, call):
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: call(), range(count)))


def methods(checks, gateway, shop):
    with checks(
        "G6 OPTIONS says what a path takes: 204 with Allow, nothing of CORS; the node's paths to whoever may know"
    ):
        for path, allowed in {
            f"{shop.base}{PARTNER}/orders": "POST, GET, HEAD, OPTIONS",
            f"{shop.base}{PARTNER}/orders/x": "GET, HEAD, OPTIONS",
            f"{shop.base}{ADMIN}/session": "POST, DELETE, OPTIONS",
            f"{shop.base}/invite/x": "GET, POST, HEAD, OPTIONS",
        }.items():
            answer = gateway.request("OPTIONS", path, headers={"Origin": "https://evil.example"})
            assert answer.status == 204 and answer.body == b"", (path, answer)
            assert set(answer.headers["allow"].split(", ")) == set(allowed.split(", ")), (path, answer.headers)
            assert not [name for name in answer.headers if name.startswith("access-control")], answer.headers
        assert gateway.request("OPTIONS", f"{shop.base}{PARTNER}/nothing").status == 404
        assert gateway.request("OPTIONS", f"{PROVIDER}/tenants").status == 401
        known = gateway.request("OPTIONS", f"{PROVIDER}/tenants", key=gateway.provider_key)
        assert known.status == 204 and "POST" in known.headers["allow"], known


def tags(checks, gateway, shop):
    reseller, sku = shop.reseller(), shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    codes, ports = gateway.tenant("codes"), gateway.tenant("proxies")
    price_row = f"{shop.base}{ADMIN}/resellers/{reseller['id']}/products/{sku}"
    asked = {
        f"{shop.base}{PARTNER}/products": reseller["key"],
        f"{shop.base}{PARTNER}/products?limit=5": reseller["key"],
        f"{shop.base}{ADMIN}/products": shop.owner_key,
        price_row: shop.owner_key,
        f"/t/{codes['slug']}{CODES}/plans": None,
        f"/t/{ports['slug']}{PORTS}/reseller/countries": None,
    }
    with checks("W6 A2 X2 O4 lists of prices have an ETag; who has it is not sent the list again"):
        for path, key in asked.items():
            headers = {"X-API-Key": gateway.reseller("proxies")["key"]} if PORTS + "/" in path and key is None else {}
            for _ in range(2):
                first = gateway.get(path, key=key, headers=headers)
                tag = first.headers["etag"]
                assert first.status == 200 and "no-store" not in first.headers["cache-control"], (path, first.headers)
                for sent in (tag, tag[2:], f'"x", {tag}', "*"):
                    again = gateway.get(path, key=key, headers={"If-None-Match": sent, **headers})
                    assert again.status == 304 and again.body == b"" and again.headers["etag"] == tag, (
                        path,
                        sent,
                        again,
                    )
                    for field in ("cache-control", "vary"):
                        assert again.headers[field] == first.headers[field], (path, field, again.headers)
                assert first.headers["vary"].lower() == "accept-encoding", (path, first.headers)
                other = gateway.get(path, key=key, headers={"If-None-Match": 'W/"x", "y"', **headers})
                assert other.status == 200 and other.body == first.body, (path, other)
    with checks("W6 a new price is another ETag, at once"):
        path = f"{shop.base}{PARTNER}/products"
        tag = gateway.get(path, key=reseller["key"]).headers["etag"]
        shop.price(reseller, sku, {"wholesale_monthly": "2.00"})
        after = gateway.get(path, key=reseller["key"], headers={"If-None-Match": tag})
        assert after.status == 200 and after.headers["etag"] != tag, after


def finding(checks, shop):
    with checks(
        "O3 resellers are found by address, state and the beginnings of names; an address with a space is none"
    ):
        made = [
            shop.admin(
                "POST", "/resellers", {"email": f"{name}@find.example", "name": name.upper(), "company": f"Co {name}"}
            ).json
            for name in ("anna", "annika", "bert", "a%b")
        ]

        def found(query):
            answer = shop.admin("GET", f"/resellers?{query}")
            assert answer.status == 200, answer
            return [row["id"] for row in answer.json["data"]]

        ids = [row["id"] for row in made]
        assert found("email=ANNA@find.example") == ids[:1]
        assert found("q=ann") == ids[:2] and found("q=co%20b") == ids[2:3] and found(f"q={ids[2]}") == ids[2:3]
        assert found("q=a%25") == ids[3:] and found("q=_nna") == [] and found("email=none@find.example") == []
        assert found("q=ann&status=pending") == ids[:2] and found("q=ann&status=active") == []
        for text in ("anna @find.example", "anna", "<anna@find.example>"):
            assert shop.admin("GET", f"/resellers?email={quote(text)}").status == 422, text


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8") as gateway:
        scene = Scene(gateway)
        scene.headers = address
        nothing(checks, scene)
        shop = Shop(gateway, slug="changes", password=PASSWORD)
        price_rows(checks, shop)
        keys_of_a_dashboard(checks, gateway)
        customers(checks, gateway, shop)
        licences(checks, gateway, shop)
        names(checks, gateway)
        methods(checks, gateway, shop)
        tags(checks, gateway, shop)
        finding(checks, shop)
        with checks("A6 where the payer comes back to by default is there"):
            configured = shop.admin(
                "PUT",
                "/payment-service",
                {
                    "driver": "http",
                    "create_url": "https://pay.example/",
                    "api_key": "an-api-key",
                    "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                },
            )
            assert configured.status == 200, configured
            page = gateway.get(configured.json["return_url"].removeprefix(gateway.base_url))
            assert page.status == 200 and page.headers["content-type"].startswith("text/html"), page
            assert (
                gateway.get(configured.json["return_url"].removeprefix(gateway.base_url) + "?paid=1&paid=2").status
                == 200
            )
    checks.finish()


if __name__ == "__main__":
    main()
