"""O10, W4, W6: orders and services are found by what callers know of them, in lists, pages and CSV; each filter shows
what it says and nothing of anybody else's."""

import csv
import io
import itertools
import urllib.parse
import uuid

from shop import Shop
from support import Checks, Gateway, arguments, verified_export

options = arguments()
checks = Checks()


class Searched(Shop):
    """Two resellers with orders of several products, customers, references and states."""

    def __init__(self, gateway):
        super().__init__(gateway, currency="EUR")
        self.first, self.second = self.reseller("5000.00"), self.reseller("5000.00")
        self.instant, self.manual = self.product(), self.product("manual")
        for reseller, sku in itertools.product((self.first, self.second), (self.instant, self.manual)):
            self.price(reseller, sku, {"wholesale_monthly": "1.00", "is_enabled": True})
        self.placed = []

    def put(self, reseller, sku, customer, email=None, reference=None, quantity=1, key=None):
        body = self.order_body(sku, quantity=quantity, customer=customer)
        if email:
            body["customer"]["email"] = email
        if reference:
            body["reference"] = reference
        key = key or str(uuid.uuid4())
        answer = self.gateway.order(
            self.base + "/api/partner/v1/orders", body, reseller, key, timestamp=int(self.gateway.now()))
        assert answer.status == 201, answer
        made = {**answer.json["order"], "key": key, "by": reseller["id"], "email": email,
                "services": [service["id"] for service in answer.json["services"]]}
        self.placed.append(made)
        return made

    def found(self, query, path="/orders"):
        """Ids in the order of the list, over pages of two."""
        ids, cursor = [], None
        while True:
            page = self.admin("GET", f"{path}?limit=2&{query}" + (f"&cursor={cursor}" if cursor else ""))
            assert page.status == 200, (query, page)
            ids += [row["id"] for row in page.json["data"]]
            cursor = page.json["next_cursor"]
            assert page.json["has_more"] == (cursor is not None)
            if not cursor:
                return ids

    def own(self, reseller, path):
        answer = self.get(reseller, path)
        assert answer.status == 200, (path, answer)
        return [row["id"] for row in answer.json["data"]]

    def csv(self, path):
        answer = self.admin("GET", path)
        assert answer.status == 200 and answer.headers["content-type"].startswith("text/csv"), answer
        return list(csv.DictReader(io.StringIO(answer.body.decode())))


def nothing(_):
    return False


def scene(gateway):
    shop = Searched(gateway)
    shop.put(shop.first, shop.instant, "C-1", "Ada@Example.com", "Invoice-0001")
    shop.put(shop.first, shop.instant, "C-2", "bob@example.com", "Invoice-0002", quantity=2)
    shop.put(shop.second, shop.instant, "C-1", "ada.l@example.com", "=invoice-0001")
    shop.put(shop.second, shop.manual, "GRÜN-7", None, "straße 9")
    shop.put(shop.first, shop.manual, "C-11", None, None)
    shop.put(shop.first, shop.manual, "C-1", None, "Invoice-0001")
    rejected = shop.placed[5]["id"]
    assert shop.admin("POST", f"/orders/{rejected}/reject", {"reason": "-no room"}).status == 200
    shop.placed[5]["state"] = "rejected"
    return shop


def check_filters(shop):
    orders = list(reversed(shop.placed))

    def expected(test):
        return [order["id"] for order in orders if test(order)]

    def services(test):
        return [service for order in orders if test(order) for service in reversed(order["services"])]

    with checks("O10 each filter lists the orders that it names, newest first, and together they narrow down"):
        for query, test in [
            ("", lambda o: True), ("state=pending", lambda o: o["state"] == "pending"),
            ("state=rejected", lambda o: o["state"] == "rejected"),
            ("state=completed", lambda o: o["state"] == "completed"),
            ("state=pending,rejected", lambda o: o["state"] != "completed"),
            (f"product={shop.manual}", lambda o: o["product"] == shop.manual),
            (f"reseller={shop.first['id']}", lambda o: o["by"] == shop.first["id"]),
            ("customer=C-1", lambda o: o["customer_external_id"] == "C-1"),
            ("reference=Invoice-0001", lambda o: o["reference"] == "Invoice-0001"),
            (f"customer=C-1&reseller={shop.second['id']}&state=completed", lambda o: o is shop.placed[2]),
            (f"product={shop.manual}&state=pending&reseller={shop.first['id']}", lambda o: o is shop.placed[4]),
            ("reference=Invoice-0001&state=rejected", lambda o: o is shop.placed[5]),
            ("reference=invoice-0001", nothing), ("customer=c-1", nothing), ("customer=nobody", nothing),
        ]:
            assert shop.found(query) == expected(test), (query, shop.found(query), expected(test))
        customers = {row["external_id"]: row["id"] for row in shop.get(shop.first, "/customers").json["data"]}
        assert shop.found(f"customer={customers['C-2']}") == expected(lambda o: o is shop.placed[1])
    with checks("O10 q finds the beginning of an id, a reference, an external id or an e-mail address, folded"):
        for text, test in [
            ("c-1", lambda o: o["customer_external_id"].startswith("C-1")),
            ("C-", lambda o: "C-" in o["customer_external_id"]),
            ("INVOICE-", lambda o: (o["reference"] or "").startswith("Invoice")),
            ("invoice-0002", lambda o: o is shop.placed[1]),
            ("STRA%C3%9FE", lambda o: o is shop.placed[3]), ("gr%C3%BCn", lambda o: o is shop.placed[3]),
            ("gru%CC%88n-7", lambda o: o is shop.placed[3]),
            ("ADA", lambda o: o["customer_external_id"] == "C-1"),
            ("ada@", lambda o: o["by"] == shop.first["id"] and o["customer_external_id"] == "C-1"),
            ("BOB@example.com", lambda o: o is shop.placed[1]),
            (shop.placed[2]["id"].upper(), lambda o: o is shop.placed[2]),
            ("ord_", lambda o: True), ("nvoice", nothing), ("%25", nothing), ("_", nothing),
            (f"c-1&reseller={shop.first['id']}&state=completed", lambda o: o is shop.placed[0]),
        ]:
            assert shop.found(f"q={text}") == expected(test), (text, shop.found(f"q={text}"))
        service = shop.placed[1]["services"][1]
        assert shop.found(f"q={service}", "/services") == [service]
        assert shop.found("q=BOB", "/services") == services(lambda o: o is shop.placed[1])
    return expected, services


def check_services(shop, expected, services):
    with checks("O10 services are found by the same words, and by their order and state"):
        def alive(test):
            return services(lambda o: o["state"] != "rejected" and test(o))
        for query, expected_ids in [
            ("", alive(lambda o: True)), ("state=active", services(lambda o: o["state"] == "completed")),
            ("status=pending", services(lambda o: o["state"] == "pending")),
            ("state=cancelled", services(lambda o: o["state"] == "rejected")),
            ("state=cancelled,pending", services(lambda o: o["state"] != "completed")),
            (f"product={shop.instant}", alive(lambda o: o["product"] == shop.instant)),
            (f"reseller={shop.second['id']}", alive(lambda o: o["by"] == shop.second["id"])),
            ("customer=C-1", alive(lambda o: o["customer_external_id"] == "C-1")),
            ("reference=Invoice-0002", alive(lambda o: o is shop.placed[1])),
            (f"order={shop.placed[1]['id']}", alive(lambda o: o is shop.placed[1])),
            (f"order={shop.placed[1]['id']}&state=pending", []),
            (f"state=pending&product={shop.instant}", []),
        ]:
            assert shop.found(query, "/services") == expected_ids, (query, shop.found(query, "/services"))
    with checks("O10 from counts and to does not, also where one is a day"):
        times = [order["created_at"] for order in shop.placed]
        for query, test in [
            (f"from={times[2]}", lambda o: o["created_at"] >= times[2]),
            (f"to={times[2]}", lambda o: o["created_at"] < times[2]),
            (f"from={times[1]}&to={times[4]}", lambda o: times[1] <= o["created_at"] < times[4]),
            (f"from={times[0][:10]}", lambda o: True), (f"to={times[0][:10]}", nothing),
            ("from=2099-01-01", nothing),
            (f"from={times[2]}&customer=C-1",
             lambda o: o["created_at"] >= times[2] and o["customer_external_id"] == "C-1"),
        ]:
            assert shop.found(query) == expected(test), (query, shop.found(query))
            assert shop.found(query + "&state=active", "/services") == services(
                lambda o: test(o) and o["state"] == "completed"), query


def check_refusals(shop):
    with checks("O10 a filter that names nothing that can be is refused, naming it; unknown ids are 404"):
        for path, query, status in [
            ("/orders", "state=active", 422), ("/orders", "state=", 422), ("/orders", "state=pending,", 422),
            ("/orders", "q=", 422), ("/orders", "q=%07", 422), ("/orders", "q=" + "x" * 256, 422),
            ("/orders", "from=x", 422), ("/orders", "from=2026-02-01&to=2026-01-01", 422),
            ("/orders", "status=active", 400), ("/orders", "q=a&q=b", 400),
            ("/services", "state=active&status=active", 422), ("/services", "status=completed", 422),
            ("/deliveries", "state=pending&status=dead", 422),
            ("/orders", "reseller=res_none", 404), ("/orders", "product=none", 404),
            ("/services", "order=ord_none", 404),
            ("/orders.csv", "limit=5", 400), ("/orders.csv", "state=x", 422), ("/services.csv", "product=none", 404),
        ]:
            refused = shop.admin("GET", f"{path}?{query}")
            assert refused.status == status, (path, query, refused)
            if status == 422:
                named = [f"/{pair.split('=')[0]}" for pair in query.split("&")]
                assert refused.json["errors"][0]["pointer"] in named, refused
        cursor = shop.admin("GET", "/orders?limit=1&q=c").json["next_cursor"]
        assert shop.admin("GET", f"/orders?limit=1&q=d&cursor={cursor}").status == 400


def check_csv(shop, expected):
    with checks("O10 the CSV has the rows of the list, with cells that no spreadsheet runs"):
        rows = shop.csv("/orders.csv")
        assert [row["id"] for row in rows] == expected(lambda o: True)
        by_id = {row["id"]: row for row in rows}
        assert by_id[shop.placed[2]["id"]]["reference"] == "'=invoice-0001"
        two, rejected = by_id[shop.placed[1]["id"]], by_id[shop.placed[5]["id"]]
        assert rejected["reason"] == "'-no room" and rejected["state"] == "rejected"
        assert two["wholesale_total"] == "2.00" and two["currency"] == "EUR"
        assert [row["id"] for row in shop.csv("/orders.csv?customer=C-1&state=completed")] == shop.found(
            "customer=C-1&state=completed")
        assert [row["id"] for row in shop.csv("/services.csv?q=bob")] == shop.found("q=bob", "/services")
        assert shop.csv("/orders.csv?customer=nobody") == []


def check_own(shop):
    with checks("W4 W6 a reseller finds its own orders by reference, customer and Idempotency-Key, and nobody else's"):
        first, second = shop.placed[0], shop.placed[2]
        assert shop.own(shop.first, "/orders?reference=Invoice-0001") == [shop.placed[5]["id"], first["id"]]
        assert shop.own(shop.second, "/orders?reference=Invoice-0001") == []
        assert shop.own(shop.second, "/orders?customer=C-1") == [second["id"]]
        assert shop.own(shop.first, "/orders?customer=C-1&state=completed") == [first["id"]]
        assert shop.own(shop.first, f"/orders?idempotency_key={first['key']}") == [first["id"]]
        assert shop.own(shop.first, f"/orders?idempotency_key=%22{first['key']}%22") == [first["id"]]
        assert shop.own(shop.second, f"/orders?idempotency_key={first['key']}") == []
        assert shop.own(shop.first, "/orders?idempotency_key=never") == []
        assert shop.get(shop.first, "/orders?idempotency_key=a%20b").status == 422
        theirs = next(row["id"] for row in shop.get(shop.second, "/customers").json["data"])
        assert shop.own(shop.first, f"/orders?customer={theirs}") == []
        assert shop.get(shop.first, f"/orders/{first['id']}").json["reference"] == "Invoice-0001"
        assert shop.get(shop.first, f"/orders/{shop.placed[4]['id']}").json["reference"] is None
    with checks("W6 a reseller narrows its orders and services by product and time, and is told of no other product"):
        own = [order for order in reversed(shop.placed) if order["by"] == shop.first["id"]]
        bound = own[1]["created_at"]
        for query, test in (
                (f"product={shop.manual}", lambda o: o["product"] == shop.manual), ("product=none", nothing),
                (f"from={bound}", lambda o: o["created_at"] >= bound),
                (f"to={bound}", lambda o: o["created_at"] < bound),
                (f"product={shop.instant}&to={bound}",
                 lambda o: o["product"] == shop.instant and o["created_at"] < bound), ("from=2099-01-01", nothing)):
            assert shop.own(shop.first, f"/orders?{query}") == [order["id"] for order in own if test(order)], query
            assert shop.own(shop.first, f"/services?status=active&{query}") == [
                service for order in own if test(order) and order["state"] == "completed"
                for service in reversed(order["services"])], query
        unsold = shop.product()
        assert shop.own(shop.first, f"/orders?product={unsold}") == []
        assert shop.get(shop.first, "/orders?from=x").status == 422
    with checks("W6 a reseller finds the services of an order; another's order is 404"):
        order = shop.placed[1]
        assert shop.own(shop.first, f"/services?order={order['id']}") == list(reversed(order["services"]))
        assert shop.own(shop.first, f"/services?order={order['id']}&status=suspended") == []
        assert shop.get(shop.second, f"/services?order={order['id']}").status == 404
    with checks("W4 a reference is bounded text without what nobody sees, in quote and order alike"):
        for bad in ("", "x" * 129, "a\u0000", " a", "a\u200bb", 5, {}):
            body = {**shop.order_body(shop.instant), "reference": bad}
            refused = shop.gateway.order(shop.base + "/api/partner/v1/orders", body, shop.first, str(uuid.uuid4()))
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/reference", (bad, refused)
            assert shop.call(shop.first, "POST", "/orders/quote", body).status == 422
        body = {**shop.order_body(shop.instant), "reference": None}
        assert shop.call(shop.first, "POST", "/orders/quote", body).status == 200
    with checks("X7 O10 each book has its own list"):
        tester = {**shop.first, "key": shop.mint(shop.first, mode="test").json["key"]}
        body = {**shop.order_body(shop.instant, customer="C-1"), "reference": "Invoice-0001"}
        made = shop.gateway.order(shop.base + "/api/partner/v1/orders", body, tester, shop.placed[0]["key"])
        assert made.status == 201, made
        test = made.json["order"]["id"]
        for query in ("", "&customer=C-1", "&reference=Invoice-0001", "&q=invoice", f"&reseller={shop.first['id']}"):
            assert shop.found(f"mode=test{query}") == [test], query
            assert test not in shop.found(f"mode=live{query}")
        assert shop.found("mode=test", "/services") == [made.json["services"][0]["id"]]
        assert shop.own(tester, f"/orders?idempotency_key={shop.placed[0]['key']}") == [test]


def check_many(shop):
    with checks("O10 W6 what many orders have in common is listed whole, over pages, beside a look-up of one"):
        numbers = iter(range(10_000))
        body = {**shop.order_body(shop.instant, quantity=1000, customer="many"), "reference": "many"}

        def place():
            return shop.gateway.order(shop.base + "/api/partner/v1/orders", body, shop.first, f"many-{next(numbers)}")
        made = [place() for _ in range(3)]
        assert all(answer.status == 201 for answer in made), made[0]
        ids, cursor = [], None
        while True:
            page = shop.admin("GET", "/services?limit=100&q=MANY" + (f"&cursor={cursor}" if cursor else ""))
            ids += [row["id"] for row in page.json["data"]]
            cursor = page.json["next_cursor"]
            if not cursor:
                break
        wanted = [service["id"] for answer in made for service in answer.json["services"]]
        assert ids == list(reversed(wanted)), (len(ids), len(wanted))
        assert [row["id"] for row in shop.csv("/services.csv?customer=many")] == ids
        assert shop.own(shop.first, "/orders?idempotency_key=many-1") == [made[1].json["order"]["id"]]


def check_old(gateway, shop):
    with checks("W6 an order is found by its key when its stored answer is gone"):
        gateway.jump(31 * 86_400)
        fresh = shop.put(shop.first, shop.instant, "C-1", key="fresh")
        for order in (shop.placed[0], fresh):
            assert shop.own(shop.first, f"/orders?idempotency_key={order['key']}") == [order["id"]]


def check_spellings(shop):
    with checks("O10 q finds an address whose domain is typed in its own letters, whole or as far as its labels are"):
        order = shop.put(shop.first, shop.instant, "M-1", "Eva@München.Example", "q@münchen.example")
        for text in (
                "eva@münchen.example", "EVA@MÜNCHEN.exa", "eva@mu\u0308nchen.", "eva@münchen",
                "eva@xn--mnchen-3ya.e", "eva@", "q@münchen.ex"):
            text = urllib.parse.quote(text)
            assert shop.found(f"q={text}") == [order["id"]], text
            assert shop.found(f"q={text}", "/services") == order["services"], text
            assert [row["id"] for row in shop.csv(f"/orders.csv?q={text}")] == [order["id"]], text
            if text.lower().startswith("eva"):
                found = shop.admin("GET", f"/customers?q={text}").json["data"]
                assert [row["external_id"] for row in found] == ["M-1"], (text, found)
        for text in ("eva@münchner.example", "eva@münchen.org", "münchen.example"):
            assert shop.found(f"q={urllib.parse.quote(text)}") == [], text


with Gateway(options.tollgate, demo=False, clock=True) as gateway:
    shop = scene(gateway)
    expected, services = check_filters(shop)
    check_services(shop, expected, services)
    check_refusals(shop)
    check_csv(shop, expected)
    check_own(shop)
    check_many(shop)
    check_old(gateway, shop)
    check_spellings(shop)
    with checks("O10 the file verifies after all of it"):
        verified_export(gateway, shop.slug)
checks.finish()
