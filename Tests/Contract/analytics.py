"""X4: what a reseller's ports cost it, what it sold them for, and what is left, by day and customer: equal to the
ports' own pricing, over pages and periods, and nobody else's."""

import calendar
import collections
import json
import time
from decimal import Decimal

from support import Checks, Gateway, arguments, verified_export

options = arguments()
checks = Checks()
BASE, DAY = "/t/proxies", 86_400
COUNTRIES = ("germany_id", "germany_country_id", "usa_country_id")


class Seller:
    """A reseller's key, its customers, and what each of its ports came to as the answers said."""

    def __init__(self, gateway, key):
        self.gateway, self.key = gateway, key
        self.sold = collections.defaultdict(lambda: [0, 0, Decimal(0), Decimal(0)])

    def __call__(self, method, path, body=None):
        return self.gateway.request(method, BASE + "/v1" + path, body, headers={"X-API-Key": self.key})

    def customer(self, number):
        made = self("POST", "/reseller/customers", {
            "email": "c@c.example", "allocatedPortSlots": 20, "externalId": f"crm-{number}"})
        assert made.status == 201, made
        return made.json["_id"]

    def note(self, customer, pricing, renewal=False):
        day = time.strftime("%Y-%m-%d", time.gmtime(self.gateway.now()))
        sums = self.sold[day, customer]
        sums[1 if renewal else 0] += 1
        sums[2] += Decimal(str(pricing["costToReseller"]))
        sums[3] += Decimal(str(pricing["resellerPrice"]))

    def buy(self, customer, days, country="germany_id"):
        made = self("POST", "/reseller/ports", {"customerId": customer, "countryId": country, "days": days})
        assert made.status == 201, made
        self.note(customer, made.json["pricing"])
        return made.json["port"]["_id"]

    def renew(self, customer, port, days):
        made = self("POST", f"/reseller/ports/{port}/renew", {"days": days})
        assert made.status == 200, made
        self.note(customer, made.json["pricing"], renewal=True)

    def analytics(self, query=""):
        """All rows over pages of two, and the totals."""
        rows, cursor = [], None
        while True:
            page = self("GET", f"/reseller/analytics?limit=2{query}" + (f"&cursor={cursor}" if cursor else ""))
            assert page.status == 200, page
            rows += page.json["analytics"]
            cursor = page.json["nextCursor"]
            assert page.json["hasMore"] == (cursor is not None)
            if not cursor:
                return rows, page.json

    def expected(self, test=lambda day: True):
        return {place: sums for place, sums in self.sold.items() if test(place[0])}


def sums(rows):
    found = {}
    for row in rows:
        place = row["date"], row["customerId"]
        assert place not in found, place
        found[place] = [row["ports"], row["renewals"], Decimal(str(row["cost"])), Decimal(str(row["price"]))]
        assert Decimal(str(row["margin"])) == found[place][3] - found[place][2], row
    return found


def milliseconds(day):
    return calendar.timegm(time.strptime(day, "%Y-%m-%d")) * 1000


def check_sums(gateway, seller, other):
    first, second = seller.customer(1), seller.customer(2)
    with checks("X4 nothing sold is an empty list with totals of nothing"):
        rows, whole = seller.analytics()
        assert rows == [] and whole["totals"] == {"ports": 0, "renewals": 0, "cost": 0, "price": 0, "margin": 0}, whole
        assert whole["currency"] == "USD" or len(whole["currency"]) == 3
    with checks("X4 cost, price and margin by day and customer are those of the ports and renewals, to the cent"):
        early = seller.buy(first, 7)
        seller.buy(first, 3)
        seller.buy(second, 30, "usa_country_id")
        other.buy(other.customer(9), 5)
        gateway.jump(2 * DAY)
        seller.renew(first, early, 30)
        seller.buy(second, 1)
        rows, whole = seller.analytics()
        assert sums(rows) == seller.expected(), (rows, dict(seller.sold))
        assert [(row["date"], row["customerId"]) for row in rows] == sorted(
            seller.sold, key=lambda place: (place[0], [first, second].index(place[1]))), rows
        assert {row["externalId"] for row in rows} == {"crm-1", "crm-2"}
        totals = [sum(column) for column in zip(*seller.sold.values())]
        told = whole["totals"]
        assert [told["ports"], told["renewals"]] == totals[:2], told
        assert [Decimal(str(told[name])) for name in ("cost", "price")] == totals[2:], told
        assert Decimal(str(told["margin"])) == totals[3] - totals[2]
    with checks("X4 from counts and to does not; a renewal counts on its own day, whenever its port was bought"):
        days = sorted({place[0] for place in seller.sold})
        for query, test in [
            (f"&from={days[1]}", lambda day: day >= days[1]), (f"&to={days[1]}", lambda day: day < days[1]),
            (f"&from={days[0]}&to={days[1]}", lambda day: days[0] <= day < days[1]),
            (f"&from={days[1]}T00:00:00Z", lambda day: day >= days[1]),
            (f"&from={milliseconds(days[0])}&to={milliseconds(days[1])}", lambda day: days[0] <= day < days[1]),
            ("&from=2020-01-01&to=2020-02-01", lambda day: False),
        ]:
            rows, _ = seller.analytics(query)
            assert sums(rows) == seller.expected(test), query
    with checks("X4 the period that an answer names asks for the same answer again"):
        rows, whole = seller.analytics()
        again, asked = seller.analytics(f"&from={whole['from']}&to={whole['to']}")
        assert (again, asked["totals"], asked["from"], asked["to"]) == (
            rows, whole["totals"], whole["from"], whole["to"]), (whole, asked)
    with checks("X4 pages go on as the first one began: its period and its totals, whatever is sold meanwhile"):
        coming = f"&from={days[0]}&to={milliseconds(days[-1]) + 9 * DAY * 1000}"
        for query in ("", coming, f"&from={milliseconds(days[-1]) - 364 * DAY * 1000}"):
            gateway.jump(1)
            whole = seller("GET", f"/reseller/analytics?limit=100{query}").json
            pages, cursor = [], ""
            while cursor is not None:
                pages.append(seller("GET", f"/reseller/analytics?limit=1{query}{cursor and '&cursor=' + cursor}").json)
                cursor = pages[-1]["nextCursor"]
                gateway.jump(1)
                seller.buy(first, 1)
            assert [row for page in pages for row in page["analytics"]] == whole["analytics"], (query, pages, whole)
            assert {json.dumps([page["totals"], page["from"], page["to"]]) for page in pages} == {
                json.dumps([whole["totals"], pages[0]["from"], pages[0]["to"]])}, (query, pages, whole)
            assert sums(seller.analytics()[0]) == seller.expected(), query


def check_bounds(gateway, seller, other):
    days = sorted({place[0] for place in seller.sold})
    with checks("X4 wrong periods, limits and cursors are refused in the dialect's envelope"):
        for query, status in [
            ("from=x", 422), ("to=2020-13-01", 422), ("from=2026-02-01&to=2026-01-01", 422),
            ("from=2020-01-01&to=2026-01-01", 422), ("limit=0", 422), ("cursor=AAAA", 400),
        ]:
            refused = seller("GET", f"/reseller/analytics?{query}")
            assert refused.status == status, (query, refused)
            assert set(refused.json) == {"statusCode", "error", "message"}, (query, refused)
        cursor = seller("GET", "/reseller/analytics?limit=1").json["nextCursor"]
        assert seller("GET", f"/reseller/analytics?limit=1&from={days[0]}&cursor={cursor}").status == 400
    with checks("X4 G1 nobody sees another's sales, and the test book has its own"):
        rows, _ = other.analytics()
        mine = {place[1] for place in seller.sold}
        assert other.expected().items() <= sums(rows).items() and not mine & {row["customerId"] for row in rows}, rows
        new = {"owner_email": gateway.reseller("proxies")["email"], "mode": "test"}
        minted = gateway.post(BASE + "/api/admin/api-keys", new, key=gateway.tenant("proxies")["owner_key"])
        tester = Seller(gateway, minted.json["key"])
        assert tester.analytics()[0] == []
        tester.buy(tester.customer(3), 2)
        assert sums(tester.analytics()[0]) == tester.expected() and sums(seller.analytics()[0]) == seller.expected()
        assert gateway.get(BASE + "/v1/reseller/analytics").status == 401
    with checks("O14 P6 a report by product says so by command line where all that was sold are ports"):
        words = ("report", "turnover", "--group", "product", "--by", "month", "--tenant", "proxies")
        shown = gateway.command(*words, environment={"TOLLGATE_OWNER_KEY": gateway.tenant("proxies")["owner_key"]})
        titles = shown.stdout.splitlines()[0].split()
        assert shown.returncode == 0 and titles[:3] == ["PERIOD", "PRODUCT", "SALES"], shown
    with checks("O6 what the demo bought and topped up is in the log, and counts as nobody's call"):
        owner = gateway.tenant("proxies")["owner_key"]
        for action in ("demo.top_up", "demo.port"):
            logged = gateway.get(BASE + f"/api/admin/audit?action={action}", key=owner).json["data"]
            assert logged and not any(row["count"] for row in logged), logged
            counted = gateway.get(BASE + f"/api/admin/usage?route={action}", key=owner)
            assert counted.status == 200 and counted.json["data"] == [], counted


with Gateway(options.tollgate, clock=True) as gateway:
    seller, other = (Seller(gateway, gateway.reseller("proxies", number)["key"]) for number in (0, 1))
    check_sums(gateway, seller, other)
    check_bounds(gateway, seller, other)
    with checks("X4 the file verifies after all of it"):
        verified_export(gateway, "proxies")
checks.finish()
