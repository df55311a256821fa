"""U2, O3, O6, O10 and O11 seen from outside: what the operator's pages read beside the lists: how far a new tenant has
come, sums of calls, who called last, how much of a limit is left, and changes alone out of the audit log."""

from shop import PARTNER, PASSWORD, Shop
from support import Checks, Gateway, arguments

HOUR = 3600


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        steps(gateway, checks)
        resellers(gateway, checks)
        recent(gateway, checks)
        totals(gateway, checks)
        changes(gateway, checks)
        customers(gateway, checks)
    checks.finish()


def overview(shop):
    answer = shop.admin("GET", "/overview")
    assert answer.status == 200, answer
    return answer.json


def steps(gateway, checks):
    shop = Shop(gateway, blueprint="hosting")
    with checks(
        "U2 O10 a new tenant's steps are done one by one, as its data says, and resellers are counted by state"
    ):
        def done():
            return [name for name, is_done in overview(shop)["steps"].items() if is_done]

        assert done() == ["product"], done()
        reseller = shop.invite()
        assert done() == ["product"] and overview(shop)["resellers"] == {
            "pending": 1, "active": 0, "suspended": 0, "terminated": 0}
        assert shop.move(reseller, "approve").status == 200
        assert done() == ["product", "reseller"], done()
        shop.price(reseller, "vps-1", {"wholesale_monthly": "4.00"})
        assert done() == ["product", "price", "reseller"], done()
        minted = shop.mint(reseller)
        assert minted.status == 201 and done() == ["product", "price", "reseller", "key"], done()
        reseller["key"] = minted.json["key"]
        shop.top_up(reseller, "10.00")
        assert shop.order(reseller, "vps-1").status == 201
        assert done() == ["product", "price", "reseller", "key", "sale"], done()
        other = shop.reseller()
        assert shop.move(other, "suspend").status == 200 and shop.move(reseller, "terminate").status == 200
        assert overview(shop)["resellers"] == {"pending": 0, "active": 0, "suspended": 1, "terminated": 1}


def resellers(gateway, checks):
    shop = Shop(gateway)
    reseller = shop.reseller(balance="75.00", rate_limit={"requests": 10, "window_seconds": 3600})
    quiet = shop.invite()
    with checks("U2 O3 the list has each one's balance, of the book that is asked for"):
        rows = {row["id"]: row for row in shop.admin("GET", "/resellers").json["data"]}
        assert (rows[reseller["id"]]["balance"], rows[quiet["id"]]["balance"]) == ("75.00", "0.00"), rows
        assert rows[reseller["id"]] == shop.admin("GET", f"/resellers/{reseller['id']}").json
        tests = {row["id"]: row["balance"] for row in shop.admin("GET", "/resellers?mode=test").json["data"]}
        assert tests[reseller["id"]] != "75.00", tests
    with checks("U2 O2 O3 a reseller shows how much is left of its limit, as its calls are told"):
        called = shop.get(reseller, "/products")
        shown = shop.admin("GET", f"/resellers/{reseller['id']}").json["rate_limit"]
        assert 300 <= shown.pop("reset") <= 360, (shown, called.headers)
        assert shown == {"requests": 10, "window_seconds": 3600, "burst": 10, "remaining": 9}, (shown, called.headers)
        changed = shop.admin("PATCH", f"/resellers/{reseller['id']}", {
            "rate_limit": {"requests": 20, "window_seconds": 3600}}).json["rate_limit"]
        assert (changed["burst"], changed["remaining"]) == (20, 18), changed
    with checks("U2 O3 who called last is known to the hour, and not of those who never called"):
        gateway.jump(3 * HOUR)
        shop.get(reseller, "/products")
        last = shop.admin("GET", "/usage?by=hour&limit=1&reseller=" + reseller["id"]).json["data"][0]["hour"]
        rows = {row["id"]: row["last_call_at"] for row in shop.admin("GET", "/resellers").json["data"]}
        assert rows == {reseller["id"]: last, quiet["id"]: None}, (rows, last)


def recent(gateway, checks):
    shop = Shop(gateway)
    reseller, other = shop.reseller(balance="100.00"), shop.reseller()
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})

    def counted(mode="live"):
        listed = shop.admin("GET", f"/resellers?mode={mode}").json["data"]
        rows = {row["id"]: row["orders_in_30_days"] for row in listed}
        one = shop.admin("GET", f"/resellers/{reseller['id']}?mode={mode}").json["orders_in_30_days"]
        assert rows == {reseller["id"]: one, other["id"]: 0}, (rows, one)
        return one

    def order():
        assert shop.order(reseller, sku, timestamp=int(gateway.now())).status == 201

    with checks("U2 O3 a reseller shows how many orders it placed in the last 30 days, of the book that is asked for"):
        assert counted() == 0
        order()
        gateway.jump(20 * 24 * HOUR)
        order()
        assert (counted(), counted("test")) == (2, 0), counted()
        gateway.jump(11 * 24 * HOUR)
        assert counted() == 1
    with checks("O3 a page of many resellers has each once, and the next goes on behind it"):
        ids = [reseller["id"], other["id"]] + [shop.invite(password=None)["id"] for _ in range(50)]
        for limit in 24, 25, 26, 51, 52, 100:
            page = shop.admin("GET", f"/resellers?limit={limit}").json
            assert [row["id"] for row in page["data"]] == ids[:limit], (limit, page)
            assert page["has_more"] is (limit < len(ids)), (limit, page)
            if page["has_more"]:
                rest = shop.admin("GET", f"/resellers?limit=100&cursor={page['next_cursor']}").json
                assert [row["id"] for row in rest["data"]] == ids[limit:] and not rest["has_more"], (limit, rest)
        found = shop.admin("GET", "/resellers?limit=30&status=pending").json
        assert [row["id"] for row in found["data"]] == ids[2:32] and found["has_more"], found


def totals(gateway, checks):
    shop = Shop(gateway)
    first, second = shop.reseller(balance="50.00"), shop.reseller()
    for hours in (0, 2, 1):
        gateway.jump(hours * HOUR)
        for reseller in (first, second):
            shop.get(reseller, "/products")
            shop.get(reseller, "/orders/none")
    with checks("U2 O6 sums of hours are those of the rows, quiet hours are there, and the newest is last"):
        rows = shop.admin("GET", "/usage?by=hour&limit=100").json["data"]
        sums = shop.admin("GET", "/usage/total?by=hour").json["data"]
        assert len(sums) == 25 and [line["hour"] for line in sums] == sorted(line["hour"] for line in sums), sums
        for line in sums[:-1]:
            of_hour = [row for row in rows if row["hour"] == line["hour"]]
            for count in ("requests", "refusals", "other_refusals", "orders"):
                assert line[count] == sum(row[count] for row in of_hour), (line, of_hour)
        assert [line["requests"] > 0 for line in sums[-4:]] == [True, False, True, True], sums[-4:]
    with checks("U2 O6 sums are of a reseller, a key or a route where that is asked, and of a bounded time"):
        mine = shop.admin("GET", f"/usage/total?by=day&reseller={first['id']}").json["data"]
        assert len(mine) == 31 and mine[-1]["requests"] + mine[-2]["requests"] == 6, mine[-2:]
        query = f"by=day&reseller={first['id']}&route=GET%20{PARTNER}/products"
        route = shop.admin("GET", f"/usage/total?{query}").json["data"]
        assert sum(line["requests"] for line in route) == 3, route
        assert shop.admin("GET", "/usage/total?by=hour&from=2026-01-01&to=2026-04-01").status == 422
        assert shop.admin("GET", "/usage/total?reseller=res_none").status == 404
    with checks("W6 U3 a reseller's own calls are summed by hour, nobody else's among them, also past a hundred rows"):
        key = shop.mint(second).json
        for number in range(120):
            assert shop.get({**second, "key": key["key"]}, f"/orders/none-{number}").status == 404
        asked = shop.get(second, "/usage/total?by=hour").json["data"]
        theirs = shop.admin("GET", f"/usage/total?by=hour&reseller={second['id']}").json["data"]
        assert [line["hour"] for line in asked] == [line["hour"] for line in theirs] and len(asked) == 25, asked
        for own, told in zip(asked[:-1], theirs[:-1]):
            assert (own["requests"], own["other_refusals"]) == (told["requests"], told["other_refusals"]), (own, told)
        assert asked[-1]["other_refusals"] >= 120, asked[-1]
        assert shop.get(second, "/usage/total?by=hour&key=" + first["key_id"]).status == 404


def changes(gateway, checks):
    shop = Shop(gateway)
    reseller = shop.reseller(balance="50.00")
    shop.get(reseller, "/products")
    shop.admin("POST", f"/resellers/{reseller['id']}/approve")
    with checks("U2 O6 changes=true leaves out reads and refusals, and a reseller's are its own"):
        all_rows = shop.admin("GET", "/audit?limit=100").json["data"]
        rows = shop.admin("GET", "/audit?changes=true&limit=100").json["data"]
        wanted = [row for row in all_rows if row["status"] < 400 and not row["action"].startswith("GET ")]
        assert rows == wanted and len(rows) < len(all_rows), (rows, wanted)
        assert any(row["status"] == 409 for row in all_rows)
        assert any(row["action"].startswith("GET ") for row in all_rows)
        own = shop.admin("GET", f"/audit?changes=true&limit=100&reseller={reseller['id']}").json["data"]
        assert own == [row for row in wanted if row["reseller"] == reseller["id"]] and own, own


def customers(gateway, checks):
    shop = Shop(gateway)
    reseller, other = shop.reseller(balance="50.00"), shop.reseller(balance="50.00")
    sku = shop.product()
    for whose, name in ((reseller, "Shop-7"), (reseller, "shop-8"), (other, "desk-1")):
        shop.price(whose, sku, {"wholesale_monthly": "1.00"})
        assert shop.order(whose, sku, customer=name, timestamp=int(gateway.now())).status == 201
    with checks(
        "U2 O11 customers are found by how an id, an external id or an address begins, in any case; one is read"
    ):
        def found(query):
            return [row["external_id"] for row in shop.admin("GET", f"/customers?{query}").json["data"]]

        assert found("q=sHOP-") == ["Shop-7", "shop-8"] and found("q=hop") == [], found("q=sHOP-")
        assert found(f"q=s&reseller={other['id']}") == [] and found("q=d") == ["desk-1"]
        whole = shop.admin("GET", "/customers?q=desk").json["data"][0]
        assert whole["reseller"] == other["id"] and shop.admin("GET", f"/customers/{whole['id']}").json == whole
        assert found(f"q={whole['id'][:-2]}") == ["desk-1"], whole
        assert shop.admin("GET", "/customers/cus_none").status == 404
    with checks("O11 W4 an operator changes who a customer is, by what is named; an order changes neither again"):
        path = f"/customers/{whole['id']}"
        done = shop.admin("PATCH", path, {"email": "Jo@Desk.example"})
        assert done.status == 200 and done.json == {**whole, "email": "jo@desk.example"}, done
        done = shop.admin("PATCH", path, {"name": "Jo"})
        assert done.json == {**whole, "email": "jo@desk.example", "name": "Jo"} == shop.admin("GET", path).json, done
        assert found("q=jo@desk") == ["desk-1"]
        again = gateway.order(
            shop.base + "/api/partner/v1/orders", {
                **shop.order_body(sku, customer="desk-1"), "customer": {
                    "external_id": "desk-1", "email": "other@desk.example", "name": "Other"}},
            other, "named-again", timestamp=int(gateway.now()))
        assert again.status == 201 and shop.admin("GET", path).json == done.json, again
        for body, pointer in (
                ({}, ""), ({"email": "no-at"}, "/email"), ({"name": ""}, "/name"), ({"name": None}, "/name"),
                ({"email": None}, "/email"), ({"name": "x" * 201}, "/name")):
            refused = shop.admin("PATCH", path, body)
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == pointer, (body, refused)
        assert shop.admin("PATCH", "/customers/cus_none", {"name": "Jo"}).status == 404
        rows = [row for row in shop.admin("GET", "/audit?changes=true&limit=100").json["data"]
                if row["action"].startswith("PATCH ") and "/customers/" in row["action"] and row["status"] == 200]
        assert len(rows) == 2 and all(whole["id"] in str(row) and "Jo" not in str(row) for row in rows), rows


if __name__ == "__main__":
    main()
