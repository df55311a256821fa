#!/usr/bin/env python3
"""The price book as an operator keeps it (O4): list prices, a dry run before a file is applied, the hash that says that
nothing moved in between, products by CSV, and the history of every price."""

import csv
import io
import os
import tempfile

from shop import Shop
from support import Checks, Gateway, arguments, together, verified_export, wait_until
from units import Scene

COLUMNS = [
    "sku", "name", "fulfilment", "hidden", "days", "retail_price", "wholesale_price", "list_monthly", "list_quarterly",
    "list_semi_annual", "list_annual", "list_hourly", "list_setup_fee"]


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
        shop = Shop(gateway)
        list_prices(checks, shop)
        dry_run(checks, shop)
        hash_of_the_book(checks, shop)
        sheet(checks, shop)
        effect(checks, shop)
        effect_on_units(checks, gateway)
        products_by_csv(checks, shop)
        history(checks, shop)
        restored(checks, gateway)
    checks.finish()


def text(rows):
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def send(shop, path, rows, **headers):
    body = rows if isinstance(rows, bytes) else text(rows)
    return shop.admin("POST", path, body, headers={"Content-Type": "text/csv", **headers})


def list_prices(checks, shop):
    with checks("O4 a product has list prices: given, changed one by one, taken away, and refused where they are none"):
        whole = {
            "monthly": "5.00", "quarterly": "14.00", "semi_annual": "27.00", "annual": "50.00", "hourly": "0.0085",
            "setup_fee": "1.50"}
        made = shop.admin("POST", "/products", {
            "sku": "listed", "name": "L", "fulfilment": "instant", "list": whole})
        assert made.status == 201 and made.json["list"] == whole, made
        assert shop.admin("GET", "/products/listed").json["list"] == whole
        changed = shop.admin("PATCH", "/products/listed", {"list": {"monthly": "6.00", "hourly": None}})
        assert changed.json["list"] == {**whole, "monthly": "6.00", "hourly": None}, changed
        renamed = shop.admin("PATCH", "/products/listed", {"name": "Listed"})
        assert renamed.json["list"] == {**whole, "monthly": "6.00", "hourly": None}, renamed
        for wrong, pointer in [
                ({"monthly": "-1"}, "/list/monthly"), ({"weekly": "1"}, "/list/weekly"), ("5", "/list"), ({}, "/list")]:
            refused = shop.admin("PATCH", "/products/listed", {"list": wrong})
            assert refused.status == 422, (wrong, refused)
            assert refused.json["errors"][0]["pointer"].startswith(pointer), (wrong, refused.json)
        assert shop.admin("PATCH", "/products/listed", {"list": None}).json["list"] is None
        plain = shop.admin("POST", "/products", {"sku": "unlisted", "name": "U", "fulfilment": "instant"})
        assert plain.status == 201 and plain.json["list"] is None, plain
    with checks("O4 the live book never sells by a list price"):
        reseller = shop.reseller(balance="100.00")
        shop.admin("PATCH", "/products/listed", {"list": {"monthly": "6.00"}})
        assert shop.get(reseller, "/products").json["data"] == []
        assert shop.order(reseller, "listed").status == 404


def book(shop):
    answer = shop.admin("GET", "/price-book.csv")
    assert answer.status == 200, answer
    return list(csv.DictReader(io.StringIO(answer.body.decode()))), answer


def dry_run(checks, shop):
    a, b = shop.reseller(), shop.reseller()
    skus = [shop.product() for _ in range(3)]
    shop.price(a, skus[0], {"wholesale_monthly": "4.00", "max_quantity": 7})
    shop.price(a, skus[1], {"wholesale_monthly": "8.00"})
    rows = [
        ["reseller", "sku", "wholesale_monthly", "is_enabled"],
        [a["id"], skus[0], "4.00", "true"], [a["id"], skus[1], "9.50", "false"],
        [b["email"], skus[2], "3.00", "TRUE"]]
    with checks("O4 a dry run tells what is new, what changes from what to what and what stays, and changes nothing"):
        before = book(shop)[0]
        tried = send(shop, "/price-book.csv?dry_run=true", rows)
        assert tried.status == 200, tried
        told = tried.json
        assert told["dry_run"] is True and told["same"] == 1 and told["errors"] == [], told
        assert told["new"] == [{
            "line": 4, "reseller": b["id"], "sku": skus[2],
            "new": {"wholesale_monthly": "3.00", "is_enabled": True}}], told["new"]
        assert told["changed"] == [{
            "line": 3, "reseller": a["id"], "sku": skus[1],
            "old": {"wholesale_monthly": "8.00", "is_enabled": True},
            "new": {"wholesale_monthly": "9.50", "is_enabled": False}}], told["changed"]
        assert told["counts"] == {"rows": 3, "new": 1, "changed": 1, "same": 1, "errors": 0}, told["counts"]
        assert book(shop)[0] == before
        assert send(shop, "/price-book.csv?dry_run=perhaps", rows).status == 422
        for path in ("/price-book.csv", "/price-book.csv?dry_run=true", "/products.csv", f"/products/{skus[0]}/stock"):
            told = shop.admin("POST", path, {"sku": skus[0]}, headers={"Idempotency-Key": "json"})
            assert told.status == 400 and "takes CSV: send it with Content-Type: text/csv" in told.json["detail"], told
    with checks("O4 a dry run names each error with its line, beside what the sound rows would do"):
        wrong = rows + [[a["id"], "nothing", "1.00", "true"], ["nobody", skus[0], "x", "true"], rows[1]]
        told = send(shop, "/price-book.csv?dry_run=true", wrong).json
        pointers = [error["pointer"] for error in told["errors"]]
        assert pointers == ["/line/5/sku", "/line/6/wholesale_monthly", "/line/7/sku"], told["errors"]
        assert told["counts"]["new"] == 1 and told["counts"]["changed"] == 1, told["counts"]
        assert send(shop, "/price-book.csv", wrong).status == 422
        assert book(shop)[0] == before
    with checks("O4 applied, the file does what the dry run told, and says the same again"):
        assert send(shop, "/price-book.csv", rows).json == {"ok": True, "rows": 3}
        told = send(shop, "/price-book.csv?dry_run=true", rows).json
        assert told["counts"] == {"rows": 3, "new": 0, "changed": 0, "same": 3, "errors": 0}, told
        kept = shop.admin("GET", f"/resellers/{a['id']}/products/{skus[0]}").json
        assert kept["max_quantity"] == 7, kept


def hash_of_the_book(checks, shop):
    a = shop.reseller()
    sku = shop.product()
    rows = [["reseller", "sku", "wholesale_monthly"], [a["id"], sku, "4.00"]]
    with checks("O4 a file is applied to the book that it was tried on, and is 412 where that has moved"):
        first = send(shop, "/price-book.csv?dry_run=true", rows).json["hash"]
        assert send(shop, "/price-book.csv", rows, **{"If-Match": f'"{first}"'}).status == 200
        again = send(shop, "/price-book.csv", [rows[0], [a["id"], sku, "5.00"]], **{"If-Match": first})
        assert again.status == 412 and again.json["code"] == "book_moved", again
        assert shop.admin("GET", f"/resellers/{a['id']}/products/{sku}").json["wholesale_monthly"] == "4.00"
        second = send(shop, "/price-book.csv?dry_run=true", rows).json["hash"]
        shop.price(a, sku, {"max_quantity": 3})
        moved = send(shop, "/price-book.csv", rows, **{"If-Match": second})
        assert moved.status == 412, moved
        assert send(shop, "/price-book.csv", rows, **{"If-Match": "*"}).status == 200
        tag = book(shop)[1].headers["etag"]
        assert tag == f'"{send(shop, "/price-book.csv?dry_run=true", rows).json["hash"]}"', tag
    with checks("O4 If-Match takes tags as HTTP has them: quoted, weak, several, and the first of them need not be it"):
        now = send(shop, "/price-book.csv?dry_run=true", rows).json["hash"]
        for sent in (f'"{now}"', f'W/"{now}"', f'"x", "{now}"', f'W/"x",W/"{now}"'):
            assert send(shop, "/price-book.csv", rows, **{"If-Match": sent}).status == 200, sent
        for sent in ('"x"', '"x", W/"y"', ""):
            none = send(shop, "/price-book.csv", rows, **{"If-Match": sent})
            assert none.status == 412 and none.json["code"] == "book_moved", (sent, none)
    with checks("O4 whoever has a book's file is not sent it again; a new price is another file"):
        for path in ("/price-book.csv", "/products.csv"):
            first = shop.admin("GET", path)
            tag = first.headers["etag"]
            again = shop.admin("GET", path, headers={"If-None-Match": tag})
            assert again.status == 304 and again.body == b"" and again.headers["etag"] == tag, (path, again)
            for field in ("cache-control", "vary"):
                assert again.headers[field] == first.headers[field], (path, again.headers)
        known = shop.admin("GET", "/price-book.csv").headers["etag"]
        shop.price(a, sku, {"wholesale_monthly": "6.00"})
        assert shop.admin("GET", "/price-book.csv", headers={"If-None-Match": known}).status == 200
        shop.price(a, sku, {"wholesale_monthly": "4.00"})
    with checks("O4 a row is written onto the row that was read, and is 412 where that has changed"):
        path = f"/resellers/{a['id']}/products/{sku}"

        def put(price, tag):
            return shop.admin("PUT", path, {"wholesale_monthly": price}, headers={"If-Match": tag})

        tag = shop.admin("GET", path).headers["etag"]
        assert put("4.50", tag).status == 200
        stale = put("9.00", tag)
        assert stale.status == 412 and stale.json["code"] == "price_moved", stale
        assert shop.admin("GET", path).json["wholesale_monthly"] == "4.50"
        assert put("9.00", '"stale"').status == 412
        now = shop.admin("GET", path).headers["etag"]
        assert put("4.00", f'"x", {now}').status == 200 and put("4.00", "*").status == 200
        unpriced = f"/resellers/{a['id']}/products/{shop.product()}"
        assert shop.admin("PUT", unpriced, {"wholesale_monthly": "1.00"}, headers={"If-Match": "*"}).status == 412
    with checks("O4 what changes no price moves no book: the same row again, an order, a product"):
        still = send(shop, "/price-book.csv?dry_run=true", rows).json["hash"]
        shop.price(a, sku, {"wholesale_monthly": "4.00"})
        shop.product()
        assert send(shop, "/price-book.csv", rows).status == 200
        assert send(shop, "/price-book.csv?dry_run=true", rows).json["hash"] == still
    with checks("O4 of many who apply to one hash, one does"):
        now = send(shop, "/price-book.csv?dry_run=true", rows).json["hash"]
        calls = [
            lambda price=f"{10 + n}.00": send(
                shop, "/price-book.csv", [rows[0], [a["id"], sku, price]], **{"If-Match": now})
            for n in range(6)]
        statuses = sorted(answer.status for answer in together(calls))
        assert statuses == [200] + [412] * 5, statuses


def sheet(checks, shop):
    a, b = shop.reseller(name="Ann", company="Ann Ltd"), shop.reseller(name="Ben")
    sku = shop.product()
    shop.price(a, sku, {"wholesale_monthly": "4.00", "max_quantity": 7})
    shop.admin("PATCH", f"/products/{sku}", {"list": {"monthly": "5.00"}})

    def rows(query):
        page, found = shop.admin("GET", f"/price-sheet?{query}&limit=2").json, []
        while True:
            found += page["data"]
            if not page["has_more"]:
                return found
            page = shop.admin("GET", f"/price-sheet?{query}&limit=2&cursor={page['next_cursor']}").json

    with checks("O4 a sheet has every product for one reseller, and every reseller for one product, priced or not"):
        catalogue = [row["sku"] for row in shop.admin("GET", "/products?limit=100").json["data"]]
        of_a, of_b = rows(f"reseller={a['id']}"), rows(f"reseller={b['id']}")
        assert [row["sku"] for row in of_a] == [row["sku"] for row in of_b] == catalogue
        mine = next(row for row in of_a if row["sku"] == sku)
        assert mine["price"]["wholesale_monthly"] == "4.00" and mine["price"]["max_quantity"] == 7, mine
        assert mine["list"]["monthly"] == "5.00" and mine["reseller_name"] == "Ann Ltd", mine
        assert next(row for row in of_b if row["sku"] == sku)["price"] is None
        resellers = [row["id"] for row in shop.admin("GET", "/resellers?limit=100").json["data"]]
        of_sku = rows(f"product={sku}")
        assert [row["reseller"] for row in of_sku] == resellers
        assert [row["reseller"] for row in of_sku if row["price"]] == [a["id"]], of_sku
    with checks("O4 a sheet is of one reseller or of one product"):
        for query, status in (("", 422), (f"reseller={a['id']}&product={sku}", 422), ("reseller=res_none", 404),
                              ("product=none", 404)):
            assert shop.admin("GET", f"/price-sheet?{query}").status == status, query


def effect(checks, shop):
    a, b = shop.reseller(balance="1000.00", company="Ann & Co"), shop.reseller(balance="1000.00", name="Ben")
    sku, other = shop.product(), shop.product("manual")
    for reseller in (a, b):
        shop.price(reseller, sku, {"wholesale_monthly": "4.00", "wholesale_annual": "40.00"})
        shop.price(reseller, other, {"wholesale_monthly": "9.00"})
    shop.terms(b, default_discount_rate="50")
    for reseller, product, term, quantity in (
            (a, sku, "monthly", 2), (a, sku, "annual", 1), (b, sku, "monthly", 3), (a, other, "monthly", 1)):
        assert shop.order(reseller, product, term=term, quantity=quantity).status == 201
    rejected = shop.order(b, other).json["order"]["id"]
    assert shop.admin("POST", f"/orders/{rejected}/reject").status == 200
    rows = [["reseller", "sku", "wholesale_monthly", "wholesale_annual"],
            [a["id"], sku, "5.00", ""], [b["id"], sku, "5.00", "40.00"], [a["id"], other, "9.00", ""],
            [b["id"], other, "8.00", ""]]
    with checks("O4 a dry run tells what the orders of the last days would come to, by reseller"):
        told = send(shop, "/price-book.csv?dry_run=true&effect_days=90", rows).json["effect"]
        # What does not change does not count: a's other product; nor does what was rejected.
        assert told["days"] == 90 and told["orders"] == 3 and told["is_partial"] is False, told
        of_a = next(row for row in told["resellers"] if row["reseller"] == a["id"])
        # The annual order could not be placed any more.
        assert of_a == {"reseller": a["id"], "name": "Ann & Co", "orders": 2, "paid": "8.00", "repriced": "10.00",
                        "difference": "2.00", "not_sold": 1}, of_a
        of_b = next(row for row in told["resellers"] if row["reseller"] == b["id"])
        assert (of_b["paid"], of_b["repriced"], of_b["difference"]) == ("6.00", "7.50", "1.50"), of_b
        assert (told["paid"], told["repriced"], told["difference"], told["not_sold"]) == ("14.00", "17.50", "3.50", 1)
    with checks("O4 what orders would come to is told where it is asked, and where no line is wrong"):
        assert "effect" not in send(shop, "/price-book.csv?dry_run=true", rows).json
        wrong = rows + [["nobody", sku, "1.00", ""]]
        assert "effect" not in send(shop, "/price-book.csv?dry_run=true&effect_days=90", wrong).json
        for days in ("0", "91", "x"):
            assert send(shop, f"/price-book.csv?dry_run=true&effect_days={days}", rows).status == 422, days
    with checks("O4 who asks what a file would mean, and not for a dry run, is told so: nothing is applied"):
        before = shop.admin("GET", "/price-book.csv").body
        for query in ("effect_days=90", "effect_days=90&dry_run=false"):
            refused = send(shop, f"/price-book.csv?{query}", rows)
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/dry_run", refused
        assert shop.admin("GET", "/price-book.csv").body == before
    with checks("O4 a dry run warns of a price above the list price, and takes it"):
        shop.admin("PATCH", f"/products/{sku}", {"list": {"monthly": "4.50"}})
        told = send(shop, "/price-book.csv?dry_run=true", rows).json
        assert [row["pointer"] for row in told["warnings"]] == [
            "/line/2/wholesale_monthly", "/line/3/wholesale_monthly"], told["warnings"]
        assert told["warnings"][0]["code"] == "above_list" and "4.50" in told["warnings"][0]["detail"], told
        assert send(shop, "/price-book.csv", rows).status == 200
        assert send(shop, "/price-book.csv?dry_run=true", rows).json["warnings"] == []
    with checks("O4 W3 a dry run warns of a price with more digits than can be paid, but for hours, and takes it"):
        columns = ["wholesale_monthly", "wholesale_hourly", "wholesale_setup_fee", "wholesale_once", "wholesale_annual"]
        precise = [["reseller", "sku", *columns], [a["id"], sku, "0.001", "0.0004", "1.999", "2.5000", "30.00"]]
        told = send(shop, "/price-book.csv?dry_run=true", precise).json
        assert told["errors"] == [] and [(row["pointer"], row["code"]) for row in told["warnings"]] == [
            ("/line/2/wholesale_monthly", "too_precise"), ("/line/2/wholesale_setup_fee", "too_precise")], told
        assert send(shop, "/price-book.csv", precise).status == 200
        assert send(shop, "/price-book.csv?dry_run=true", precise).json["warnings"] == []


def products(shop):
    answer = shop.admin("GET", "/products.csv")
    assert answer.status == 200, answer
    return list(csv.reader(io.StringIO(answer.body.decode()))), answer


def effect_on_units(checks, gateway):
    scene, first = Scene(gateway), {}

    def fault(call, attempt):
        """One unit is made, all others are not."""
        return "ok" if first.setdefault("unit", call["service"]) == call["service"] else "500 before"

    scene.desk.fault = fault
    order, services = scene.order(quantity=5)
    wait_until(lambda: scene.read(order)["ready_units"] == 1)
    rows = [["reseller", "sku", "wholesale_monthly"], [scene.reseller["id"], scene.sku, "20.00"]]

    def told():
        effect = send(scene.shop, "/price-book.csv?dry_run=true&effect_days=90", rows).json["effect"]
        return tuple(effect[name] for name in ("orders", "paid", "repriced", "difference", "not_sold"))

    with checks("O4 W13 what an order would come to leaves out the units that were rejected and paid back"):
        assert told() == (1, "50.00", "100.00", "50.00", 0), told()
        for service in services:
            if service != first["unit"]:
                given = scene.admin("POST", f"/provisioning/{service}/give_up", {"reason": "no room"})
                assert given.status == 200, given
        assert scene.read(order)["state"] == "completed"
        assert told() == (1, "10.00", "20.00", "10.00", 0), told()


def products_by_csv(checks, shop):
    shop.admin("POST", "/products", {
        "sku": "plan", "name": "=Plan", "fulfilment": "instant", "days": 30, "retail_price": "9.99",
        "wholesale_price": "5.00", "list": {"monthly": "7.00", "setup_fee": "1.00"}})
    with checks("O4 products leave as CSV and come back as they were"):
        rows, answer = products(shop)
        assert rows[0] == COLUMNS, rows[0]
        plan = next(row for row in rows if row[0] == "plan")
        assert plan == [
            "plan", "'=Plan", "instant", "false", "30", "9.99", "5.00", "7.00", "", "", "", "", "1.00"], plan
        before = shop.admin("GET", "/products?limit=100").json
        applied = send(shop, "/products.csv", answer.body)
        assert applied.json == {"ok": True, "rows": len(rows) - 1, "new": 0}, applied
        assert shop.admin("GET", "/products?limit=100").json == before
    with checks("O4 a file of products adds and changes, column by column, after a dry run that tells so"):
        sent = [["sku", "name", "fulfilment", "list_monthly"], ["plan", "Plan", "instant", "8.00"],
                ["fresh", "Fresh", "manual", "2.00"]]
        told = send(shop, "/products.csv?dry_run=true", sent).json
        assert told["new"] == [{
            "line": 3, "sku": "fresh",
            "new": {"name": "Fresh", "fulfilment": "manual", "hidden": False, "list_monthly": "2.00"}}], told
        assert told["changed"] == [{
            "line": 2, "sku": "plan", "old": {"name": "=Plan", "list_monthly": "7.00"},
            "new": {"name": "Plan", "list_monthly": "8.00"}}], told
        assert shop.admin("GET", "/products/fresh").status == 404
        applied = send(shop, "/products.csv", sent, **{"If-Match": told["hash"]})
        assert applied.json == {"ok": True, "rows": 2, "new": 1}, applied
        plan = shop.admin("GET", "/products/plan").json
        assert plan["list"]["monthly"] == "8.00" and plan["list"]["setup_fee"] == "1.00" and plan["days"] == 30, plan
        assert send(shop, "/products.csv", sent, **{"If-Match": told["hash"]}).status == 412
        shop.admin("PATCH", "/products/fresh", {"hidden": True})
        assert send(shop, "/products.csv", [["sku", "hidden"], ["fresh", ""]]).status == 200
        assert shop.admin("GET", "/products/fresh").json["hidden"] is False
    with checks("O4 a file of products is taken whole or not at all, each error with its line"):
        before = products(shop)[0]
        for sent, pointers in [
                ([["sku", "name"], ["unknown", "New"]], ["/line/2/fulfilment"]),
                ([["sku", "name"], ["plan", "P"], ["plan", "Q"]], ["/line/3/sku"]),
                ([["sku", "name"], ["plan", ""]], ["/line/2/name"]),
                ([["sku", "fulfilment", "hidden"], ["plan", "magic", "maybe"], ["-x", "instant", "true"]],
                 ["/line/2/fulfilment", "/line/2/hidden", "/line/3/sku"]),
                ([["sku", "price"], ["plan", "1"]], ["/line/1/price", "/line/1"]),
                ([["name"], ["x"]], ["/line/1/sku"]), ([["sku"], ["plan"]], ["/line/1"])]:
            refused = send(shop, "/products.csv", sent)
            got = [error["pointer"] for error in refused.json["errors"]]
            assert refused.status == 422 and got == pointers, (sent, refused.json)
        assert products(shop)[0] == before


def history(checks, shop):
    a, b = shop.reseller(), shop.reseller()
    sku, other = shop.product(), shop.product()
    row = f"/resellers/{a['id']}/products/{sku}"
    with checks("O4 every price row has a history: who, when, from, to, request id, newest first"):
        assert shop.admin("GET", row + "/history").json["data"] == []
        first = shop.admin("PUT", row, {"wholesale_monthly": "4.00"})
        second = shop.admin("PUT", row, {"wholesale_monthly": "5.00", "discount_rate_override": "0"})
        shop.price(a, sku, {"wholesale_monthly": "5.00"})
        third = send(shop, "/price-book.csv", [
            ["reseller", "sku", "max_quantity"], [a["id"], sku, "9"], [b["id"], sku, "1"], [a["id"], other, ""]])
        assert third.status == 200, third
        rows = shop.admin("GET", row + "/history").json["data"]
        assert [one["way"] for one in rows] == ["file", "call", "call"], rows
        assert [one["request_id"] for one in rows] == [
            answer.headers["request-id"] for answer in (third, second, first)], rows
        assert rows[2]["from"] is None and rows[2]["to"]["wholesale_monthly"] == "4.00", rows[2]
        assert rows[1]["from"]["wholesale_monthly"] == "4.00", rows[1]
        assert rows[1]["to"]["wholesale_monthly"] == "5.00" and rows[1]["to"]["discount_rate_override"] == "0", rows[1]
        assert rows[0]["from"] == rows[1]["to"] and rows[0]["to"] == {**rows[1]["to"], "max_quantity": 9}, rows[0]
        keys = shop.admin("GET", "/api-keys").json["data"]
        owner = next(key for key in keys if key["role"] == "owner")
        for one in rows:
            assert one["key"] == owner["id"] and one["account"] == f"owner@{shop.slug}.example", one
            assert one["reseller"] == a["id"] and one["sku"] == sku and one["at"].endswith("Z"), one
    with checks("O4 the history of all prices is found by reseller, product and time, page by page"):
        def found(query):
            return [(one["reseller"], one["sku"]) for one in shop.admin("GET", f"/price-history{query}").json["data"]]
        assert found("?limit=3") == [(a["id"], other), (b["id"], sku), (a["id"], sku)]
        assert found(f"?reseller={b['id']}") == [(b["id"], sku)]
        assert found(f"?product={other}") == [(a["id"], other)]
        assert len(found(f"?product={sku}&reseller={a['id']}")) == 3
        page, seen = shop.admin("GET", "/price-history?limit=2").json, []
        while True:
            seen += page["data"]
            if not page["has_more"]:
                break
            page = shop.admin("GET", f"/price-history?limit=2&cursor={page['next_cursor']}").json
        whole = shop.admin("GET", "/price-history?limit=100").json
        assert not whole["has_more"] and seen == whole["data"] and len(seen) > 8, len(seen)
        times = [one["at"] for one in whole["data"]]
        middle = times[len(times) // 2]
        later = shop.admin("GET", f"/price-history?limit=100&from={middle}").json["data"]
        earlier = shop.admin("GET", f"/price-history?limit=100&to={middle}").json["data"]
        assert later + earlier == whole["data"], (len(later), len(earlier))
        assert [one["at"] for one in later] == [at for at in times if at >= middle]
        assert shop.admin("GET", "/price-history?from=2030-01-01").json["data"] == []
        assert shop.admin("GET", "/price-history?to=2000-01-01").json["data"] == []
        for query, status in [
                ("?reseller=res_nobody", 404), ("?product=nothing", 404), ("?from=x", 422),
                ("?from=2026-02-01&to=2026-01-01", 422), ("?way=call", 400)]:
            assert shop.admin("GET", f"/price-history{query}").status == status, query
        assert shop.admin("GET", f"/resellers/{a['id']}/products/nothing/history").status == 404
        assert shop.admin("DELETE", "/price-history").status == 405


def restored(checks, gateway):
    """A restore takes prices back: the history says which, and by which request."""
    shop = Shop(gateway)
    a = shop.reseller()
    sku, later = shop.product(), shop.product()
    shop.price(a, sku, {"wholesale_monthly": "4.00"})
    shop.price(a, later, {"wholesale_monthly": "1.00"})
    tried = f"/resellers/{a['id']}/products/{later}"
    assert shop.admin("PUT", tried + "?mode=test", {"wholesale_monthly": "0.10"}).status == 200
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "shop.db")
        exported = gateway.get(f"/provider/v1/tenants/{shop.slug}/export", key=gateway.provider_key)
        assert exported.status == 200, exported
        with open(path, "wb") as file:
            file.write(exported.body)
        shop.price(a, sku, {"wholesale_monthly": "9.00"})
        assert shop.admin("DELETE", tried + "?mode=test").status == 204
        hash_before = send(shop, "/price-book.csv?dry_run=true", [
            ["reseller", "sku", "wholesale_monthly"], [a["id"], sku, "1"]]).json["hash"]
        back = gateway.post(
            f"/provider/v1/tenants/{shop.slug}/restore", exported.body, key=gateway.provider_key,
            headers={"Content-Type": "application/vnd.sqlite3"})
        assert back.status == 200, back
    with checks("O4 a restore is in the history of the prices that it took back, and of no others"):
        rows = shop.admin("GET", f"/resellers/{a['id']}/products/{sku}/history").json["data"]
        assert [one["way"] for one in rows] == ["restore", "call"], rows
        assert rows[0]["from"]["wholesale_monthly"] == "9.00", rows
        assert rows[0]["to"]["wholesale_monthly"] == "4.00", rows
        assert rows[0]["request_id"] == back.headers["request-id"] and rows[0]["key"] is None, rows
        assert len(shop.admin("GET", f"/resellers/{a['id']}/products/{later}/history").json["data"]) == 1
        rows = shop.admin("GET", tried + "/history?mode=test").json["data"]
        assert [one["way"] for one in rows] == ["restore", "call"] and rows[0]["from"] is None, rows
        assert shop.admin("GET", tried + "?mode=test").json["wholesale_monthly"] == "0.10"
        moved = send(shop, "/price-book.csv", [
            ["reseller", "sku", "wholesale_monthly"], [a["id"], sku, "1"]], **{"If-Match": hash_before})
        assert moved.status == 412, moved
    with checks("O4 a file with a history of prices verifies"):
        verified_export(gateway, shop.slug)


if __name__ == "__main__":
    main()
