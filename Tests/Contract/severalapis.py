#!/usr/bin/env python3
"""A7, X3, C5 in a tenant with several APIs: whose keys each of them makes, shows and takes, and people whom more than
one of them knows."""

import re
import tempfile
import uuid

from heavy import blueprints
from pagewire import Browser
from shop import PARTNER, PASSWORD, Shop
from support import Checks, Gateway, arguments, verified_export

# A tenant with several APIs: of one of them its owner alone mints keys.
SEVERAL = {
    "name": "several", "title": "Several", "currency": "USD", "key_prefix": "sev", "tier": "pro", "settings": {},
    "dialects": ["wholesale_orders", "credit_reports", "activation_codes", "proxy_ports"], "products": []}


def several_apis(checks, gateway):
    shop = Shop(gateway, blueprint=SEVERAL["name"])
    reseller = shop.invite()
    assert shop.move(reseller, "approve").status == 200
    codes, reports = shop.base + "/api/reseller", shop.base + "/api/v1/reseller"
    reporting = shop.admin("POST", "/api-keys", {"owner_email": reseller["email"], "scopes": ["reseller:credit"]}).json
    signed_in = gateway.post(codes + "/login", {name: reseller[name] for name in ("email", "password")})
    seed = {"x-seed-hash": signed_in.json["seedHash"]}
    with checks("A7 C1 C5 a dashboard's first key is one of codes alone, and takes no other API's key's place"):
        assert gateway.get(codes + "/me", headers=seed).json["apiKey"] is None, "a key of the reports is none of codes"
        first = gateway.post(codes + "/regenerate-key", headers=seed)
        assert first.status == 200, first
        key = first.json["apiKey"]
        assert gateway.get(reports + "/account", key=reporting["key"]).status == 200
        report = {"kind": "topup", "amount_usd": 5, "external_ref": "r-1"}
        assert gateway.post(reports + "/credit", report, key=key).status == 403, "its owner alone mints such a key"
        assert gateway.post(reports + "/credit", report, key=reporting["key"]).status == 200
        listed = gateway.get(codes + "/keys", headers=seed).json["keys"]
        assert [one["scopes"] for one in listed if one["id"] != reporting["id"]] == [["codes"]], listed
    with checks("A3 A7 of several APIs' keys a dashboard shows its own, and gives it another secret unasked which"):
        assert gateway.get(codes + "/me", headers=seed).json["apiKey"].startswith(key[:12]), key[:12]
        again = gateway.post(codes + "/regenerate-key", headers=seed)
        assert again.status == 200, again
        for secret, status in [(again.json["apiKey"], 200), (key, 401)]:
            assert gateway.get(codes + "/me", headers={"x-api-key": secret}).status == status, status
        named = gateway.post(codes + "/regenerate-key", {"keyId": reporting["id"]}, headers=seed)
        assert named.status == 404, named
        assert gateway.get(reports + "/account", key=reporting["key"]).status == 200
    with checks("X3 W4 whom an order knows becomes a customer of ports once, as the order has it, and stays one"):
        buyer = shop.reseller("20.00")
        sku = shop.product()
        shop.price(buyer, sku, {"wholesale_monthly": "4.00"})
        assert shop.order(buyer, sku, customer="c-1").status == 201
        ports, header = shop.base + "/v1/reseller", {"X-API-Key": buyer["key"]}

        def create(email, **fields):
            return gateway.post(ports + "/customers", {"email": email, **fields}, headers=header)

        made = create("jo@example.net", externalId="c-1", name="Jo", allocatedPortSlots=2)
        assert made.status == 201 and (made.json["email"], made.json["name"]) == ("jo@example.net", "Jo"), made
        found = gateway.get(ports + "/customers?externalId=c-1", headers=header).json["customers"]
        assert found == [made.json], found
        assert create("other@example.net", externalId="c-1").status == 409
        assert shop.order(buyer, sku, customer="c-1").status == 201
        listed = shop.get(buyer, "/customers").json["data"]
        assert [(one["id"], one["email"]) for one in listed] == [(made.json["_id"], "jo@example.net")], listed
        assert create("other@example.net").json["externalId"] is None
    with checks("X3 whoever takes in somebody whom orders know says e-mail and name; another is 409 and tells nothing"):
        known = {"external_id": "c-2", "email": "ann@example.net", "name": "Ann"}
        placed = gateway.order(
            f"{shop.base}{PARTNER}/orders", {**shop.order_body(sku), "customer": known}, buyer, str(uuid.uuid4()))
        assert placed.status == 201, placed
        before = shop.get(buyer, "/customers").json
        for email, name in (("x@y.example", {}), ("x@y.example", {"name": "Ann"}), ("ann@example.net", {}),
                            ("ann@example.net", {"name": "Jo"})):
            answer = create(email, externalId="c-2", **name)
            assert answer.status == 409 and b"nn" not in answer.body, (email, name, answer)
        assert shop.get(buyer, "/customers").json == before
        made = create("Ann@example.net", externalId="c-2", name="Ann")
        assert made.status == 201 and made.json["name"] == "Ann", made
    verified_export(gateway, shop.slug)


def navigations(checks, gateway):
    with checks("U2 U3 A7 where a tenant has several APIs, no two pages of a navigation have one name"):
        shop = Shop(gateway, blueprint=SEVERAL["name"], password=PASSWORD)
        buyer = shop.reseller("20.00", password=PASSWORD)
        for email in (f"owner@{shop.slug}.example", buyer["email"]):
            browser = Browser(gateway)
            page = browser.follow(browser.sign_in(shop.base, email, PASSWORD))
            side = page.body.decode().split('<nav class="side"')[1].split("</nav>")[0]
            names = re.findall(r"</svg>([^<]+)", side)
            assert len(names) > 10 and len(names) == len(set(names)), names


def main():
    options = arguments()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="tollgate-several-") as folder:
        with Gateway(options.tollgate, demo=False, blueprints=blueprints(folder, SEVERAL)) as gateway:
            several_apis(checks, gateway)
            navigations(checks, gateway)
    checks.finish()


if __name__ == "__main__":
    main()
