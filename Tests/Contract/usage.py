"""O6 and W6: whose calls came when, found and counted: the audit log's filters, usage by hour and day, a reseller's own
calls, and how its account stands (O8)."""

import contextlib
import csv
import datetime
import io
import json
import random
import sqlite3
import sys
import tempfile

from shop import Shop
from support import Checks, Gateway, arguments, verified_export

HOUR, DAY = 3_600, 86_400
SEAL_BYTES = 160
COUNTS = ("requests", "refusals", "unauthorized", "forbidden", "rate_limited", "other_refusals", "orders")


def rows(shop, query, path="/usage", ask=None):
    """Every row, by pages of three."""
    found, cursor = [], ""
    while True:
        page = (ask or shop.admin)("GET", f"{path}?limit=3&{query}{cursor}")
        assert page.status == 200, (query, page)
        found += page.json["data"]
        if not page.json["has_more"]:
            return found
        cursor = f"&cursor={page.json['next_cursor']}"


def audit(checks, gateway, shop, reseller, sku):
    order = shop.order(reseller, sku, timestamp=int(gateway.now()))
    assert order.status == 201, order
    order_id, request_id = order.json["order"]["id"], order.headers["request-id"]
    read = shop.get(reseller, "/balance").headers["request-id"]
    other = shop.order(reseller, sku, timestamp=int(gateway.now())).json["order"]["id"]
    decided = shop.admin("POST", f"/orders/{other}/reject")
    assert decided.status in (200, 409), decided
    with checks("O6 the log is searched by account, action, request and order, in rows and in blocks alike"):
        found = rows(shop, f"request_id={request_id}", "/audit")
        assert [row["action"] for row in found] == ["POST /api/partner/v1/orders"], found
        found = rows(shop, f"request_id={read}", "/audit")
        assert [(row["action"], row["request_id"]) for row in found] == [("GET /api/partner/v1/balance", read)], found
        found = rows(shop, f"order={order_id}", "/audit")
        assert found and all(row["detail"]["order"] == order_id for row in found), found
        assert {row["request_id"] for row in found} == {request_id}, found
        actions = rows(shop, "action=POST%20/api/partner/v1/orders", "/audit")
        assert {row["action"] for row in actions} == {"POST /api/partner/v1/orders"} and len(actions) >= 2, actions
        mine = rows(shop, f"account=owner@{shop.slug}.example&action=POST%20/api/admin/products", "/audit")
        assert mine and all(row["account"] == f"owner@{shop.slug}.example" for row in mine), mine
        theirs = rows(shop, f"account={reseller['email']}&status=201", "/audit")
        assert theirs and all(row["account"] == reseller["email"] and row["status"] == 201 for row in theirs), theirs
        assert rows(shop, "action=POST%20/nowhere", "/audit") == []
        assert rows(shop, "request_id=req_" + "0" * 31 + "1", "/audit") == []
        assert rows(shop, f"order={order_id}&status=404", "/audit") == []
    with checks("O6 what operators changed is found by what it is about, whatever its reseller did since"):
        def changed(query):
            found = rows(shop, f"author=operators&{query}", "/audit")
            assert all(" /api/admin/" in row["action"] and row["status"] < 400 for row in found), found
            assert not any(row["action"].startswith("GET ") for row in found), found
            return [row["action"].split(" /api/admin")[1] for row in found]

        service = shop.admin("GET", f"/orders/{order_id}").json["services"][0]["id"]
        for move in ("suspend", "resume"):
            assert shop.admin("POST", f"/services/{service}/{move}").status == 200, move
        assert shop.admin("PATCH", f"/products/{sku}", {"name": "Another name"}).status == 200
        assert changed(f"object={service}") == ["/services/{id}/resume", "/services/{id}/suspend"]
        assert changed(f"object={service}&reseller={reseller['id']}") == changed(f"object={service}")
        assert changed(f"product={sku}")[0] == "/products/{sku}" and "/products" in changed(f"product={sku}")
        assert changed("action=POST%20/api/partner/v1/orders") == [] == changed("object=svc_none")
        # Without an author it is whoever's: the order is the reseller's own.
        assert order_id in str(rows(shop, f"object={order_id}", "/audit"))
        for query, status in (("author=x", 422), ("object=", 422), ("product=not-there", 404)):
            answer = shop.admin("GET", f"/audit?{query}")
            assert answer.status == status, (query, answer)
    with checks("O6 exports take the same filters"):
        lines = shop.admin("GET", f"/audit.jsonl?request_id={request_id}").body.decode().splitlines()
        assert [json.loads(line)["request_id"] for line in lines] == [request_id]
        table = list(csv.DictReader(io.StringIO(shop.admin("GET", f"/audit.csv?order={order_id}").body.decode())))
        assert [row["request_id"] for row in table] == [request_id], table
    with checks("O6 a filter that names nothing that is here is refused, and each field by its name"):
        stranger = Shop(gateway)
        theirs = stranger.reseller(balance="5.00")
        for query, status in ((f"account={theirs['email']}", 404), ("order=ord_none", 404), ("account=x", 422),
                              ("request_id=req_1", 422), ("request_id=", 422), ("action=", 422), ("path=x", 400)):
            answer = shop.admin("GET", f"/audit?{query}")
            assert answer.status == status, (query, answer)
        assert stranger.admin("GET", f"/audit?order={order_id}").status == 404


def acted(checks, gateway):
    with checks("O6 P9 what the provider and the node do is in the tenant's log, and counts as nobody's call"):
        shop = Shop(gateway, slug="acted")
        new = gateway.post("/provider/v1/tenants/acted/owner-key", key=gateway.provider_key)
        assert new.status in (200, 201), new
        with tempfile.TemporaryDirectory(prefix="tollgate-") as folder:
            path = f"{folder}/acted.sqlite"
            for move, option in (("export", "--output"), ("restore", "--input")):
                done = gateway.command("tenant", move, "acted", option, path)
                assert done.returncode == 0, done.stderr
        acts = {row["action"]: row["count"] for row in rows(shop, "", "/audit") if " /" not in row["action"]}
        assert {"tenant.created", "tenant.owner_key", "tenant.restored"} <= set(acts), acts
        assert not any(acts.values()), acts
        counted = [row["route"] for row in rows(shop, "by=hour") + rows(shop, "")]
        assert counted and all(" /" in route for route in counted), counted


def usage(checks, gateway, shop, sku):
    # Half past an hour, on a new day: what is counted before is of yesterday.
    gateway.jump(int(DAY - gateway.now() % DAY + HOUR / 2))
    one, two = shop.reseller(balance="50.00"), shop.reseller(balance="50.00")
    for reseller in (one, two):
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    second = shop.mint(one).json

    def work(hours):
        """Calls of three keys in so many hours; the second of them makes more."""
        for hour in range(hours):
            for _ in range(2 + hour):
                assert shop.get(one, "/balance").status == 200
            assert shop.get(dict(one, key=second["key"]), "/orders/ord_none").status == 404
            assert shop.get(two, "/keys").status == 403
            assert shop.order(two, sku, timestamp=int(gateway.now())).status == 201
            gateway.jump(HOUR)

    begin = gateway.now()
    work(3)
    own = f"reseller={one['id']}&by=hour&route=GET%20/api/partner/v1/balance"
    with checks("O6 usage by hour tells keys and routes apart, newest first"):
        found = rows(shop, own)
        assert [row["requests"] for row in found] == [4, 3, 2], found
        assert all(row["key"] == one["key_id"] and row["reseller"] == one["id"] for row in found), found
        hours = [row["hour"] for row in found]
        assert hours == sorted(hours, reverse=True) and all(hour.endswith(":00:00.000Z") for hour in hours), hours
        assert all(row["day"] == row["hour"][:10] for row in found)
        other = rows(shop, f"by=hour&key={second['id']}")
        assert [(row["key"], row["other_refusals"], row["requests"]) for row in other] == [(second["id"], 1,
            1)] * 3, other
    with checks("O6 usage by day is the sum of its hours, the hour that runs among them"):
        shop.get(one, "/balance")
        day, = rows(shop, f"reseller={one['id']}&key={one['key_id']}&route=GET%20/api/partner/v1/balance")
        assert (day["requests"], day["hour"]) == (10, None), day
        for row in rows(shop, "from=2000-01-01&to=2000-02-01"):
            raise AssertionError(row)
        days = {(row["key"], row["route"]): row for row in rows(shop, f"reseller={two['id']}")}
        assert days[two["key_id"], "POST /api/partner/v1/orders"]["orders"] == 3, days
        assert days[two["key_id"], "GET /api/partner/v1/keys"]["forbidden"] == 3, days
    return one, two, begin


def summed(checks, shop, one, two):
    with checks("O6 counts are added up by key, reseller and route, the greatest first, as the rows say"):
        every = rows(shop, f"by=hour&reseller={one['id']}") + rows(shop, f"by=hour&reseller={two['id']}")
        for group in ("key", "reseller", "route"):
            sums = {}
            for row in every:
                sums.setdefault(row[group], []).append(row)
            for reseller in (one, two):
                found = shop.admin("GET", f"/usage/groups?by=hour&group={group}&reseller={reseller['id']}").json
                assert not found["has_more"] and found["data"], found
                counts = [row["requests"] for row in found["data"]]
                assert counts == sorted(counts, reverse=True), counts
                if group != "key":
                    continue
                for row in found["data"]:
                    for name in ("requests", "unauthorized", "forbidden", "rate_limited", "other_refusals", "orders"):
                        assert row[name] == sum(each[name] for each in sums[row["name"]]), (row, name)
        found = shop.admin("GET", f"/usage/groups?by=hour&group=route&sort=orders&limit=1&reseller={two['id']}").json
        assert [row["name"] for row in found["data"]] == ["POST /api/partner/v1/orders"] and found["has_more"], found
    with checks("O1 O6 keys are listed with their calls by hour and when they were last used"):
        listed = {row["id"]: row for row in rows(shop, f"reseller={one['id']}", "/api-keys/activity")}
        hours = listed[one["key_id"]]["hours"]
        assert len(hours) == 24 and [row["hour"] for row in hours] == sorted(row["hour"] for row in hours)
        counted = rows(shop, f"by=hour&key={one['key_id']}")
        for row in hours:
            assert row["requests"] == sum(each["requests"] for each in counted if each["hour"] == row["hour"]), row
            assert row["other_refusals"] == sum(
                each["other_refusals"] for each in counted if each["hour"] == row["hour"]), row
        mine = listed[one["key_id"]]
        assert mine["requests"] == sum(row["requests"] for row in hours) > 0
        assert mine["last_used_at"] == max(row["hour"] for row in hours if row["requests"]), mine
        assert {row["id"] for row in shop.admin("GET", f"/api-keys?reseller={one['id']}").json["data"]} == set(listed)
        unused = shop.mint(one).json["id"]
        row, = rows(shop, f"key={unused}", "/api-keys/activity")
        assert (row["last_used_at"], row["requests"], row["refused"]) == (None, 0, 0), row
        assert shop.admin("DELETE", f"/api-keys/{unused}").status == 200
        for state, is_there in (("active", False), ("ended", True)):
            found = rows(shop, f"reseller={one['id']}&state={state}", "/api-keys/activity")
            assert (unused in {row["id"] for row in found}) == is_there, (state, found)
    with checks("O1 what two filters list together is what both of them list"):
        for other in (f"state=ended&reseller={one['id']}", "state=active", f"reseller={one['id']}",
                      f"reseller={two['id']}"):
            listed = {row["id"] for row in rows(shop, other, "/api-keys/activity")}
            for key in (unused, one["key_id"]):
                found = [row["id"] for row in rows(shop, f"key={key}&{other}", "/api-keys/activity")]
                assert found == [key] * (key in listed), (key, other, found)
        nobody = shop.admin("GET", f"/api-keys/activity?key={unused}&reseller=res_none")
        assert nobody.status == 404 and nobody.json["code"] == "reseller_not_found", nobody


def in_order(checks, shop, one, two):
    with checks("O6 usage is sorted by what is asked, either way, over its pages"):
        for order, name in (("-requests", "requests"), ("orders", "orders"), ("-refusals", "refusals"),
            ("-forbidden", "forbidden")):
            # Of a reseller: the operator's own calls count while the pages go by.
            found = [row[name] for row in rows(shop, f"by=hour&sort={order}&reseller={two['id']}")]
            assert found == sorted(found, reverse=order[0] == "-") and len(found) == 6, (order, found)
        assert sorted(map(str, rows(shop, f"sort=requests&reseller={one['id']}"))) == sorted(
            map(str, rows(shop, f"reseller={one['id']}")))
        for query in ("sort=latency", "by=week", "sort="):
            assert shop.admin("GET", f"/usage?{query}").status == 422, query
        assert shop.admin("GET", "/usage?key=key_none").status == 404
    with checks("O6 a row that did not change stands once in its order, whatever is counted while the pages go by"):
        routes = ["/balance", "/products", "/services", "/orders", "/customers", "/holdings"]
        for order in ("requests", "-requests"):
            asking = shop.reseller(balance="1.00")
            for number, route in enumerate(routes):
                for _ in range(number + 2):
                    assert shop.get(asking, route).status == 200, route
            query, seen, cursor = f"by=day&limit=1&sort={order}&reseller={asking['id']}", [], ""
            while cursor is not None:
                page = shop.admin("GET", f"/usage?{query}{cursor and '&cursor=' + cursor}")
                seen += [row["route"].split("/")[-1] for row in page.json["data"]]
                cursor = page.json["next_cursor"]
                if len(seen) == 2:
                    # The row with the fewest has the most now; whoever asks for a first page has it counted.
                    for _ in range(20):
                        shop.get(asking, "/balance")
                    assert shop.admin("GET", "/usage?by=day&limit=1").status == 200
            others = [route[1:] for route in routes[1:]]
            seen = [route for route in seen if route != "balance"]
            assert seen == (others if order == "requests" else others[::-1]), (order, seen)
    with checks("O6 sessions are counted together: who signs in often makes no more rows"):
        for _ in range(3):
            token = shop.sign_in(one)
            assert shop.call(one, "GET", "/keys", key=token).status == 200
        row, = rows(shop, f"reseller={one['id']}&route=GET%20/api/partner/v1/keys")
        assert (row["key"], row["requests"]) == (None, 3), row
    with checks("O6 calls with keys are told apart from what people do who are signed in, and sums agree with rows"):
        every, keyed = (rows(shop, f"reseller={one['id']}&callers={word}") for word in ("all", "keys"))
        assert keyed and keyed == [row for row in every if row["key"]] != every, (keyed, every)
        total = shop.admin("GET", f"/usage/total?callers=keys&reseller={one['id']}").json["data"]
        assert sum(row["requests"] for row in total) == sum(row["requests"] for row in keyed), total
        groups = shop.admin("GET", f"/usage/groups?callers=keys&reseller={one['id']}").json["data"]
        assert groups and all(row["name"] for row in groups), groups
        own = shop.get(one, "/requests?limit=100&callers=keys").json["data"]
        assert own and all(row["key"] in {one["key_id"], *(key["key"] for key in keyed)} for row in own), own


def kept(checks, gateway, shop, one, begin):
    def table(name):
        with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
            file.write(verified_export(gateway, shop.slug))
            file.flush()
            return sqlite3.connect(file.name).execute(f"SELECT count(*), sum(requests) FROM {name}").fetchone()

    query = f"reseller={one['id']}&from={stamp(begin)[:10]}&to={stamp(begin)[:10]}T23:59:59Z"
    before = rows(shop, query)
    assert len(before) > 1
    with checks("O6 hours are kept for 35 days and days for ever; a day says the same when its hours are gone"):
        gateway.jump(34 * DAY)
        assert rows(shop, query) == before and rows(shop, query + "&by=hour") != []
        counted = sum(row["requests"] for row in rows(shop, query + "&by=hour"))
        assert counted == sum(row["requests"] for row in before)
        gateway.jump(3 * DAY)
        # Housekeeping of a file in use comes within ten seconds, by a clock that no jump moves: asked for by a restart.
        gateway.kill()
        gateway.start()
        deadline = 200
        while rows(shop, query + "&by=hour") and deadline:
            gateway.jump(HOUR)
            deadline -= 1
        assert rows(shop, query + "&by=hour") == [] and rows(shop, query) == before, rows(shop, query)
        assert table("usage_hour")[0] < table("usage_day")[0] + 10


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Filled:
    """A tenant whose file was given some thousand counts of three resellers: of days, and of an hour ahead of the
    clock, which joins its day later. `rows`: what a list by day says of them, newest first."""

    DAYS, ROUTES = 180, 10

    def __init__(self, gateway):
        gateway.jump(int(DAY - gateway.now() % DAY + 12 * HOUR))
        self.shop, self.random = Shop(gateway), random.Random(20)
        self.resellers = [self.shop.reseller() for _ in range(3)]
        self.today = int(gateway.now()) // DAY
        self.rows = []
        with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
            file.write(verified_export(gateway, self.shop.slug)[:-SEAL_BYTES])
            file.flush()
            with contextlib.closing(sqlite3.connect(file.name)) as self.file:
                self.fill(int(gateway.now()) // HOUR + 1)
                self.file.commit()
            file.seek(0)
            restored = gateway.post(f"/provider/v1/tenants/{self.shop.slug}/restore?unsigned=accept", file.read(),
                key=gateway.provider_key)
        assert restored.status == 200, restored

    def fill(self, hour):
        for back in range(self.DAYS):
            for number, reseller in reversed(list(enumerate(self.resellers))):
                key, owner = self.file.execute(
                    "SELECT id, reseller_id FROM api_key WHERE public_id = ?", (reseller["key_id"],)).fetchone()
                for route in reversed(range(self.ROUTES)):
                    place = (key, owner, f"GET /{route}")
                    counts = self.add("day", self.today - back, place, untold=self.random.randrange(3))
                    if back == 0 and route % 2:
                        counts = [sum(both) for both in zip(counts, self.add("hour", hour, place))]
                    self.rows.append({"day": stamp((self.today - back) * DAY)[:10], "key": reseller["key_id"],
                        "reseller": reseller["id"], "route": place[2], **dict(zip(COUNTS, counts))})

    def add(self, period, at, place, untold=0):
        """A row of one table, and what it counts."""
        # Few numbers: many rows have the same.
        requests, *others, orders = (self.random.randrange(most) for most in (40, 3, 3, 3, 9, 5))
        more = {"untold_refusals": untold} if period == "day" else {}
        self.file.execute(f"INSERT INTO usage_{period} VALUES ({', '.join('?' * (10 + len(more)))})",
            (at, *place, requests, *others, orders, *more.values()))
        return [requests, sum(others[:3]) + untold, *others, orders]

    def asked(self, path, pages=1):
        """What so many pages give, without what is not in `rows`."""
        found, cursor = [], ""
        for _ in range(pages):
            page = self.shop.admin("GET", path + cursor)
            assert page.status == 200, (path, page)
            found += page.json["data"]
            cursor = f"&cursor={page.json.get('next_cursor')}"
        return [{name: value for name, value in row.items() if name != "hour"} for row in found]


def added(rows, *names):
    """Their sums by what is named, in the order in which it is met."""
    sums = {}
    for row in rows:
        sum_ = sums.setdefault(tuple(row[name] for name in names), dict.fromkeys(COUNTS, 0))
        for count in COUNTS:
            sum_[count] += row[count]
    return sums


def agreeing(checks, gateway):
    filled = Filled(gateway)
    one = filled.resellers[1]
    begin, yesterday = (stamp((filled.today - days) * DAY)[:10] for days in (filled.DAYS - 1, 1))
    before, own = ([row for row in filled.rows if is_asked(row)] for is_asked in (
        lambda row: row["day"] <= yesterday, lambda row: row["reseller"] == one["id"]))
    ranges = [
        # Of today the operator's own calls are there too.
        (f"from={begin}&to={yesterday}", before),
        (f"from={begin}&to={yesterday}&route=GET%20/4", [row for row in before if row["route"] == "GET /4"]),
        (f"from={begin}&reseller={one['id']}", own), (f"from={begin}&key={one['key_id']}&callers=keys", own)]
    with checks("O6 counts of many rows are listed, sorted, added up and grouped alike, the hour that joins later too"):
        for query, expected in ranges:
            pages = min(5, len(expected) // 100)
            assert filled.asked(f"/usage?limit=100&{query}", pages) == expected[:100 * pages], query
            for order in ("-requests", "requests", "-refusals", "orders"):
                # A stable sort of what is newest first.
                sign, name = (-1, order[1:]) if order[0] == "-" else (1, order)
                ranked = sorted(expected, key=lambda row: sign * row[name])
                found = filled.asked(f"/usage?limit=100&sort={order}&{query}", pages)
                assert found == ranked[:100 * pages], (query, order)
            days = {day: counts for (day,), counts in added(expected, "day").items()}
            total = filled.asked(f"/usage/total?{query}")
            assert {row.pop("day"): row for row in total} == days, query
            for group in ("key", "reseller", "route"):
                found = filled.asked(f"/usage/groups?group={group}&sort=orders&limit=100&{query}")
                counts = [row["orders"] for row in found]
                assert counts == sorted(counts, reverse=True), found
                sums = {name: counts for (name,), counts in added(expected, group).items()}
                assert {row.pop("name"): row for row in found} == sums, (query, group)


def survives(checks, gateway, shop, one):
    with checks("O6 G8 what was counted is there after kill -9, once"):
        sku = shop.product()
        shop.price(one, sku, {"wholesale_monthly": "1.00"})
        orders = f"reseller={one['id']}&route=POST%20/api/partner/v1/orders"
        before = sum(row["orders"] for row in rows(shop, orders))
        for _ in range(5):
            assert shop.order(one, sku, timestamp=int(gateway.now())).status == 201
        # Counts come behind the calls, at most five seconds; an export waits for all that came before it.
        verified_export(gateway, shop.slug)
        gateway.kill()
        gateway.start()
        assert sum(row["orders"] for row in rows(shop, orders)) == before + 5
        # A day reads the hours that ended while nobody looked, once.
        gateway.jump(2 * HOUR)
        for _ in range(2):
            assert sum(row["orders"] for row in rows(shop, orders)) == before + 5


def own(checks, gateway, shop, one, two, sku):
    with checks("W6 a reseller counts its own calls and sees each of them, and nobody else's"):
        ask = lambda method, path: shop.call(one, method, path)
        last = shop.get(one, "/services").headers["request-id"]
        shop.admin("PATCH", f"/resellers/{one['id']}", {"credit_limit": "1.00"})
        listed = rows(shop, "", "/requests", ask)
        routes = {row["route"] for row in listed}
        assert "GET /api/partner/v1/services" in routes and not any("/api/admin" in route for route in routes), routes
        names = ["at", "mode", "key", "route", "status", "latency_us", "request_id", "bytes_in", "bytes_out", "count"]
        assert list(listed[0]) == names and listed[0]["at"] >= listed[-1]["at"], listed[0]
        found, = rows(shop, f"request_id={last}", "/requests", ask)
        assert (found["route"], found["status"], found["key"]) == ("GET /api/partner/v1/services", 200,
            one["key_id"]), found
        assert all(row["status"] == 404 for row in rows(shop, "status=404", "/requests", ask))
        counted = rows(shop, "", "/usage", ask)
        assert counted and all(row["reseller"] == one["id"] for row in counted)
        theirs = {row["request_id"]
            for row in rows(shop, "", "/requests", lambda method, path: shop.call(two, method, path))}
        assert theirs and not theirs & {row["request_id"] for row in listed}
    with checks("W6 G1 another reseller's key, order and cursor are not found"):
        order = shop.order(two, sku, timestamp=int(gateway.now())).json["order"]["id"]
        for path in (f"/usage?key={two['key_id']}", f"/requests?key={two['key_id']}", f"/requests?order={order}",
                     "/usage?key=key_none"):
            answer = shop.get(one, path)
            assert answer.status == 404, (path, answer)
        cursor = shop.get(two, "/requests?limit=1").json["next_cursor"]
        assert shop.get(one, f"/requests?limit=1&cursor={cursor}").status == 400
        for path in (f"/usage?reseller={two['id']}", f"/requests?reseller={two['id']}",
            "/requests?account=a@b.example"):
            assert shop.get(one, path).status == 400, path
    with checks("W6 W7 a key without partner:read counts nothing"):
        key = shop.mint(one, scopes=["partner:order"]).json["key"]
        for path in ("/usage", "/requests", "/statement.csv"):
            assert shop.get(dict(one, key=key), path).status == 403, path


def standing(checks, gateway, shop, one):
    with checks("O8 a reseller sees whether its account is under review, and a review changes nothing else"):
        assert shop.get(one, "/balance").json["standing"] == "good" == shop.get(one, "/account").json["standing"]
        opened = shop.admin("POST", f"/reconciliations?reseller={one['id']}", (
            b"external_ref,kind,amount,at\ne-1,purchase,1.00,2026-01-01T00:00:00Z\n"))
        assert opened.status == 201 and opened.json["review"], opened
        assert shop.get(one, "/balance").json["standing"] == "under_review" == shop.get(one,
            "/account").json["standing"]
        assert shop.admin("GET", f"/resellers/{one['id']}").json["standing"] == "under_review"
        assert shop.get(one, "/balance").status == 200 and shop.get(one, "/account").json["status"] == "active"
        gateway.kill()
        gateway.start()
        assert shop.get(one, "/account").json["standing"] == "under_review"
        closed = shop.admin("POST", f"/reviews/{opened.json['review']}/close", {"note": "Settled"})
        assert closed.status == 200, closed
        assert shop.get(one, "/balance").json["standing"] == "good" == shop.get(one, "/account").json["standing"]
    with checks("O8 a review of the test book says nothing of the live one's standing"):
        key = shop.admin("POST", "/api-keys", {
            "owner_email": f"owner@{shop.slug}.example", "role": "operator", "mode": "test"}).json["key"]
        opened = shop.admin("POST", f"/reconciliations?reseller={one['id']}", (
            b"external_ref,kind,amount,at\ne-2,purchase,1.00,2026-01-01T00:00:00Z\n"), key=key)
        if opened.status == 201:
            assert opened.json["mode"] == "test" and opened.json["review"], opened
        assert shop.get(one, "/account").json["standing"] == "good"


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        shop = Shop(gateway)
        first = shop.reseller(balance="50.00")
        sku = shop.product()
        shop.price(first, sku, {"wholesale_monthly": "1.00"})
        audit(checks, gateway, shop, first, sku)
        acted(checks, gateway)
        one, two, begin = usage(checks, gateway, shop, sku)
        summed(checks, shop, one, two)
        in_order(checks, shop, one, two)
        own(checks, gateway, shop, one, two, sku)
        standing(checks, gateway, shop, one)
        agreeing(checks, gateway)
        survives(checks, gateway, shop, one)
        kept(checks, gateway, shop, one, begin)
    checks.finish()


if __name__ == "__main__":
    sys.exit(main())
