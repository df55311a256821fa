"""U2 and O7 seen from outside: each kind of thing that waits for the operator is listed while it waits, with what it is
about, and is gone when it is dealt with. (Pending orders and a restored file are in due.py, provisioners in
unitcare.py.)"""

from renewals import Customer, moment
from shop import PARTNER, PASSWORD, Shop
from support import Checks, Gateway, arguments, wait_until

REPORTS = "/api/v1/reseller"


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        applications(gateway, checks)
        webhooks(gateway, checks)
        services(gateway, checks)
        reviews(gateway, checks)
        stock(gateway, checks)
        quotas(gateway, checks)
        invited(gateway, checks)
    checks.finish()


def lines(shop):
    answer = shop.admin("GET", "/attention")
    assert answer.status == 200, answer
    return {line["kind"]: line for line in answer.json["data"]}


def only(shop, kind):
    """The one line that there is, with its items."""
    found = lines(shop)
    assert list(found) == [kind], found
    line = found[kind]
    # What it leads to is there.
    assert shop.gateway.get(shop.base + line["link"], key=shop.owner_key).status == 200, line
    return line, [item["object"] for item in line["items"]]


def applications(gateway, checks):
    shop = Shop(gateway)
    with checks("U2 W11 those who applied wait for the operator, the longest first; who is decided upon does not"):
        assert lines(shop) == {}
        for number in range(7):
            applied = gateway.post(f"{shop.base}{PARTNER}/apply", {
                "email": f"new-{number}@there.example", "name": f"N {number}", "password": PASSWORD})
            assert applied.status in (200, 201), applied
        pending = shop.admin("GET", "/resellers?status=pending&limit=100").json["data"]
        rows = sorted(pending, key=lambda row: row["created_at"])
        line, objects = only(shop, "applications")
        assert line["count"] == 7 and not line["is_more"] and objects == [row["id"] for row in rows[:5]], line
        assert shop.admin("POST", f"/resellers/{rows[0]['id']}/approve").status == 200
        assert shop.admin("POST", f"/resellers/{rows[1]['id']}/terminate").status == 200
        line, objects = only(shop, "applications")
        assert line["count"] == 5 and objects == [row["id"] for row in rows[2:]], line


def webhooks(gateway, checks):
    shop = Shop(gateway)
    reseller = shop.reseller(balance="1000.00")
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    hook = shop.call(reseller, "POST", "/webhooks", {
        "name": "hook", "url": "https://receiver.invalid/", "events": ["order.created"]})
    assert hook.status == 201, hook
    deliveries = lambda: shop.admin("GET", "/deliveries").json["data"]

    def tried_until(ends):
        """Each try at its hour, until there is an end of it."""
        for _ in range(12):
            if ends():
                return
            first = deliveries()[0]
            gateway.jump(max(0, int(moment(first["next_attempt_at"]).timestamp() - gateway.now())) + 1)
            wait_until(lambda: deliveries()[0]["tries"] > first["tries"] or ends())
        assert ends(), deliveries()

    def order():
        placed = shop.order(reseller, sku, timestamp=int(gateway.now()))
        assert placed.status == 201, placed

    def failing(query=""):
        return [row["id"] for row in shop.admin("GET", f"/webhooks?failing=true{query}").json["data"]]

    with checks("U2 H3 O7 an endpoint in use is shown once five attempts in a row have failed, and no sooner"):
        order()
        tried_until(lambda: deliveries()[0]["tries"] == 4)
        assert lines(shop) == {} and failing() == []
        tried_until(lambda: deliveries()[0]["tries"] == 5)
        line, objects = only(shop, "webhooks_failing")
        assert line["count"] == 1 and objects == [hook.json["id"]] == failing(), line
        assert line["items"][0]["reseller"] == reseller["id"] and line["items"][0]["since"], line
        assert failing(f"&reseller={reseller['id']}") == objects and failing("&state=paused") == [], line
        assert shop.admin("POST", f"/webhooks/{hook.json['id']}/pause").status == 200
        assert lines(shop) == {} and failing() == []
        assert shop.admin("POST", f"/webhooks/{hook.json['id']}/resume").status == 200
    with checks("U2 H3 a delivery that was given up after its last try is shown"):
        order()
        tried_until(lambda: deliveries()[0]["state"] == "dead")
        line = lines(shop)["deliveries_dead"]
        assert line["items"][0]["reseller"] == reseller["id"], line
        dead = [row["id"] for row in deliveries() if row["state"] == "dead"]
        assert line["count"] == len(dead) and {item["object"] for item in line["items"]} == set(dead), (line, dead)
    with checks("U2 H3 H4 an endpoint that was given up is shown, and is gone once somebody enables it"):
        order()
        tried_until(lambda: "webhooks_disabled" in lines(shop))
        assert "webhooks_failing" not in lines(shop)
        line = lines(shop)["webhooks_disabled"]
        assert line["count"] == 1 and line["items"][0]["object"] == hook.json["id"], line
        assert gateway.get(shop.base + line["link"], key=shop.owner_key).json["data"][0]["id"] == hook.json["id"]
        assert shop.admin("POST", f"/webhooks/{hook.json['id']}/enable").status == 200
        assert "webhooks_disabled" not in lines(shop)
    with checks("U2 H4 what came to nothing waits for nobody once its endpoint is removed"):
        assert "deliveries_dead" in lines(shop), lines(shop)
        assert shop.call(reseller, "DELETE", f"/webhooks/{hook.json['id']}").status == 200
        assert "deliveries_dead" not in lines(shop), lines(shop)
        assert {row["state"] for row in deliveries()} == {"dropped"}, deliveries()


def services(gateway, checks):
    shop = Shop(gateway)
    customer = Customer(gateway, shop, shop.product(), balance="10.00")
    with checks("U2 W9 a service that could not be paid is shown until money comes"):
        service = customer.order()[0]
        customer.jump_to(service)
        customer.wait(service, status="past_due")
        line, objects = only(shop, "services_past_due")
        assert line["count"] == 1 and objects == [service], line
        assert line["items"][0]["reseller"] == customer.reseller["id"], line
        shop.top_up(customer.reseller, "100.00")
        customer.wait(service, status="active")
        assert lines(shop) == {}
    longest_first(gateway, checks)


def longest_first(gateway, checks):
    shop = Shop(gateway)
    sku = shop.product()
    quarterly, monthly = (
        Customer(gateway, shop, sku, "10.00", **{f"wholesale_{term}": "10.00"}) for term in ("quarterly", "monthly"))
    with checks("U2 W9 of services past due the one that has been due the longest is the first"):
        first = quarterly.order("quarterly")[0]
        # A month from then it is a few days before a quarter from now.
        gateway.jump(57 * 86_400)
        second = monthly.order()[0]
        quarterly.jump_to(first)
        quarterly.wait(first, status="past_due")
        monthly.wait(second, status="past_due")
        line, objects = only(shop, "services_past_due")
        assert objects == [second, first], (objects, first, second)
        assert line["items"][0]["since"] < line["items"][1]["since"], line


def reviews(gateway, checks):
    shop = Shop(gateway, blueprint="panel", currency="USD")
    reseller = shop.reseller()
    with checks("U2 C3 O8 a review waits until an operator closes it"):
        for amount in (5, 6):
            told = gateway.post(f"{shop.base}{REPORTS}/credit", {
                "kind": "topup", "amount_usd": amount, "external_ref": "one", "meta": {}}, key=reseller["key"])
            assert told.status == 200, told
        line, objects = only(shop, "reviews_open")
        assert line["count"] == 1 and line["items"][0]["reseller"] == reseller["id"], line
        closed = shop.admin("POST", f"/reviews/{objects[0]}/close", {"note": "looked at"})
        assert closed.status == 200, closed
        assert lines(shop) == {}


def stock(gateway, checks):
    shop = Shop(gateway)
    reseller = shop.reseller(balance="100.00")
    sku = shop.product("stock")
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})

    def imported(first, count):
        rows = "item\n" + "".join(f"code-{number}\n" for number in range(first, first + count))
        answer = shop.admin("POST", f"/products/{sku}/stock", rows.encode(), idempotent=True,
                            headers={"Content-Type": "text/csv"})
        assert answer.status == 201, answer

    def level():
        found, = shop.admin("GET", "/stock?kind=items").json["data"]
        return found["days_left"]

    with checks("U2 O4 stock that lasts less than two weeks is shown, as its page counts it, until more has come"):
        imported(0, 20)
        assert lines(shop) == {} and level() is None
        for number in range(13):
            # 13 sold and 7 left last 16 days; 14 sold and 6 left last 12.
            assert shop.order(reseller, sku, timestamp=int(gateway.now())).status == 201, number
        assert level() == 16 and lines(shop) == {}, level()
        assert shop.order(reseller, sku, timestamp=int(gateway.now())).status == 201
        line, objects = only(shop, "stock_low")
        assert objects == [sku] and line["count"] == 1 and level() == 12, (line, level())
        assert line["items"][0]["note"] == "12 days left" and line["link"].endswith("/stock?kind=items"), line
        imported(100, 1)
        assert level() == 15 and lines(shop) == {}, level()
        # What was sold longer ago than 30 days tells nothing any more.
        assert shop.order(reseller, sku, timestamp=int(gateway.now())).status == 201
        assert "stock_low" in lines(shop)
        gateway.jump(31 * 86_400)
        assert "stock_low" not in lines(shop) and level() is None


def quotas(gateway, checks):
    shop = Shop(gateway)

    def quota(**quotas):
        changed = gateway.patch(f"/provider/v1/tenants/{shop.slug}", {"quotas": quotas}, key=gateway.provider_key)
        assert changed.status == 200, changed

    with checks("U2 P2 a quota of which four fifths are used is shown, and is gone once there is room"):
        shop.reseller()
        shop.reseller()
        quota(resellers=3)
        assert lines(shop) == {}
        quota(resellers=2)
        line, objects = only(shop, "quotas")
        assert objects == ["resellers"] and "2 of 2" in line["items"][0]["note"], line
        for most, is_shown in ((9, False), (3, False), (2, True), (1, True), (1_000, False)):
            quota(resellers=most)
            assert ("quotas" in lines(shop)) == is_shown, (most, lines(shop))


def invited(gateway, checks):
    shop = Shop(gateway)
    with checks("U2 W1 whoever was invited waits for approval, however long; an application that has lapsed does not"):
        applied = gateway.post(f"{shop.base}{PARTNER}/apply", {
            "email": "hopeful@there.example", "name": "Hopeful", "password": PASSWORD})
        assert applied.status == 201, applied
        reseller = shop.invite(password=None)
        line, objects = only(shop, "applications")
        assert line["count"] == 2 and objects[1] == reseller["id"], line
        gateway.jump(91 * 86_400)
        line, objects = only(shop, "applications")
        assert line["count"] == 1 and objects == [reseller["id"]], line
        assert shop.move(reseller, "approve").status == 200
        assert lines(shop) == {}


if __name__ == "__main__":
    main()
