#!/usr/bin/env python3
"""Prices and orders of the test book (X7, W3, O4): it never charges, and its own price rows go before the live ones."""

from decimal import Decimal

from shop import Shop, numbers
from support import Checks, Gateway, arguments, verified_export


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        shop = Shop(gateway)
        test_mode(checks, shop)
        test_rows(checks, shop)
    checks.finish()


def test_mode(checks, shop):
    with checks("X7 W4 a key of mode test works on a book of its own that never charges"):
        reseller = shop.reseller(balance="10.00")
        sku = shop.product()
        shop.price(reseller, sku, {"wholesale_monthly": "6.00", "wholesale_setup_fee": "1.00", "max_quantity": 3})
        trial = dict(reseller, key=shop.mint(reseller, mode="test").json["key"])
        assert "_test_" in trial["key"]
        live_before = shop.balance(reseller)
        order = shop.order(trial, sku, "monthly", 3)
        assert order.status == 201 and order.json["wholesale_total"] == "21.00", order
        assert shop.balance(reseller) == live_before and shop.balance(trial) == 0
        assert shop.order(trial, sku, "monthly", 1).status == 409, "the cap holds in the test book too"
        assert shop.get(reseller, "/orders").json["data"] == []
        assert shop.get(reseller, "/services").json["data"] == []
        assert shop.get(reseller, "/customers").json["data"] == []
        assert len(shop.get(trial, "/orders").json["data"]) == 1
        assert shop.get(reseller, f"/orders/{order.json['order']['id']}").status == 404
        live = shop.order(reseller, sku, "monthly", 1)
        assert live.status == 201, "units of the test book do not fill the live cap"
        assert shop.get(trial, f"/orders/{live.json['order']['id']}").status == 404

    with checks("G4 the same Idempotency-Key in the test book and the live book are two calls"):
        a = shop.order(reseller, sku, "monthly", 9, key="same")
        b = shop.order(trial, sku, "monthly", 9, key="same")
        assert "idempotency-hit" not in b.headers, b.headers
        assert a.status == b.status == 409


def test_rows(checks, shop):
    reseller = shop.reseller(balance="100.00")
    trial = dict(reseller, key=shop.mint(reseller, mode="test").json["key"])
    sku, listed = shop.product(), shop.product()
    path = f"/resellers/{reseller['id']}/products/{sku}"
    shop.price(reseller, sku, {"wholesale_monthly": "6.00", "wholesale_annual": "60.00", "max_quantity": 50})

    def tried(row, name=path):
        done = shop.admin("PUT", name + "?mode=test", row)
        assert done.status == 200, done
        return done.json

    with checks("O1 O4 W3 a price row of the test book goes before the live row there: list, quote, order and service"):
        tried({"wholesale_monthly": "2.00", "wholesale_setup_fee": "0.50", "discount_rate_override": "50"})
        row = shop.listed(trial, sku)
        assert row["terms"] == {"monthly": {"wholesale": "2.00", "net": "1.00"}}, row
        assert set(shop.listed(reseller, sku)["terms"]) == {"monthly", "annual"}
        quoted = shop.quote(trial, sku, "monthly", 3)
        assert numbers(quoted) == (Decimal("3.00"), Decimal("1.50"), Decimal("4.50")), quoted
        assert shop.quote(trial, sku, "annual").json["code"] == "term_not_priced"
        ordered = shop.order(trial, sku, "monthly", 3)
        assert ordered.status == 201 and ordered.json["wholesale_total"] == "4.50", ordered
        tried({"wholesale_monthly": "3.00"})
        service = shop.admin("GET", f"/services/{ordered.json['services'][0]['id']}").json
        assert (service["renewal_amount"], service["amount_today"]) == ("1.00", "1.50"), service
        assert numbers(shop.quote(reseller, sku))[2] == Decimal("6.00")
        assert shop.order(reseller, sku).json["wholesale_total"] == "6.00"
    with checks("O4 W2 a cap and a switch of the test book hold there, and in the live book those of the live row"):
        tried({"max_quantity": 3})
        assert shop.order(trial, sku).status == 409 and shop.order(reseller, sku).status == 201
        held = {key["key"]: [row["max_quantity"] for row in shop.get(key, "/holdings").json["data"]
                             if row["product"] == sku] for key in (trial, reseller)}
        assert held == {trial["key"]: [3], reseller["key"]: [50]}, held
        tried({"is_enabled": False})
        assert shop.quote(trial, sku).status == 404 and shop.quote(reseller, sku).status == 200
        assert sku not in {row["product"] for row in shop.get(trial, "/products").json["data"]}
    with checks("O4 a row of the test book that is removed leaves the live row there, and its history"):
        assert shop.admin("DELETE", path + "?mode=test").status == 204
        assert numbers(shop.quote(trial, sku))[2] == Decimal("6.00")
        rows = shop.admin("GET", path + "/history?mode=test").json["data"]
        assert len(rows) == 5 and rows[0]["to"] is None and rows[-1]["from"] is None, rows
        assert {row["account"] for row in rows} == {f"owner@{shop.slug}.example"}, rows
        assert len(shop.admin("GET", path + "/history").json["data"]) == 1
    with checks("O4 W12 a row of the test book goes before a list price; the live book has neither"):
        assert shop.admin("PATCH", f"/products/{listed}", {"list": {"monthly": "9.00"}}).status == 200
        tried({"wholesale_monthly": "0.25"}, f"/resellers/{reseller['id']}/products/{listed}")
        assert shop.listed(trial, listed)["terms"]["monthly"]["wholesale"] == "0.25"
        assert numbers(shop.quote(trial, listed))[2] == Decimal("0.25") and shop.quote(reseller, listed).status == 404
        for query, expected in (("", {}), ("&mode=test", {reseller["id"]: "0.25"})):
            sheet = shop.admin("GET", f"/price-sheet?product={listed}&limit=100{query}").json["data"]
            priced = {row["reseller"]: row["price"]["wholesale_monthly"] for row in sheet if row["price"]}
            assert priced == expected, (query, priced)
    with checks("O4 If-Match names the row of the book that is written"):
        tag = shop.admin("GET", f"/resellers/{reseller['id']}/products/{sku}").headers["etag"]
        tried({"wholesale_monthly": "5.00"})
        refused = shop.admin("PUT", path + "?mode=test", {"wholesale_monthly": "4.00"}, headers={"If-Match": tag})
        assert refused.status == 412 and refused.json["code"] == "price_moved", refused
        refused = shop.admin("DELETE", path + "?mode=test", headers={"If-Match": tag})
        assert refused.status == 412 and refused.json["code"] == "price_moved", refused
        tag = shop.admin("GET", path + "?mode=test").headers["etag"]
        done = shop.admin("PUT", path + "?mode=test", {"wholesale_monthly": "4.00"}, headers={"If-Match": tag})
        assert done.status == 200 and done.json["wholesale_monthly"] == "4.00", done
        tag = shop.admin("GET", path + "?mode=test").headers["etag"]
        assert shop.admin("DELETE", path + "?mode=test", headers={"If-Match": tag}).status == 204
    with checks("O4 what was tried in the test book is in no file of the live one, and the tenant's file verifies"):
        book = shop.admin("GET", "/price-book.csv").body.decode()
        assert book.count(f",{sku},") == 1 and f",{listed}," not in book, book
        verified_export(shop.gateway, shop.slug)


if __name__ == "__main__":
    main()
