#!/usr/bin/env python3
"""U1 U2 U3 What pages say where something is asked that is not there: a list keeps its frame and what was typed, and
every other page leads back. And what they say of what there is: amounts as money, hours as hours, what is watched once
a minute (O6)."""

import re

from office import Office
from pagewire import Browser
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments

options = arguments()
checks = Checks()
HOUR = 3_600

# Below each surface: what is asked, and what of it is typed into a field that shows it again.
ADMIN = [
    ("/customers?reseller=x-1", "x-1"), ("/keys?reseller=x-1", None), ("/keys?state=x-1", None),
    ("/resellers?status=x-1", None), ("/resellers?q=%01", None), ("/due?kind=x-1", None), ("/due?reseller=x-1", None),
    ("/people?role=x-1", None), ("/sessions?reseller=x-1", None), ("/sessions?email=x-1", None),
    ("/prices/history?from=x-1", None), ("/prices/history?reseller=x-1", "x-1"), ("/prices?reseller=x-1", "x-1"),
    ("/prices?product=x-1", "x-1"), ("/usage?reseller=x-1", None), ("/usage?sort=x-1", None),
    ("/reports/turnover?from=x-1", None), ("/reports/turnover?by=x-1", "x-1"), ("/queue?state=x-1", None),
    ("/audit?account=x-1", "x-1"), ("/orders?reseller=x-1", "x-1"), ("/services?from=x-1", "x-1"),
    ("/endpoints?reseller=x-1", "x-1"), ("/events?since=x-1", "x-1"), ("/payments?reseller=x-1", "x-1")]
PORTAL = [
    ("/requests?status=abc", "abc"), ("/requests?request_id=x-1", "x-1"), ("/services?order=zzz", "zzz"),
    ("/services?status=x-1", None), ("/orders?state=x-1", None), ("/deliveries?state=x-1", None),
    ("/deliveries?endpoint=x-1", None)]
CONSOLE = [
    ("/usage?month=2026-13", "2026-13"), ("/log?from=x-1", "x-1"), ("?state=x-1", "x-1"), ("?sort=x-1", "x-1")]
# Of the other dialects' resellers.
DIALECTS = [
    ("codes", "/codes?status=x-1", None), ("codes", "/codes?page=x-1", None),
    ("licences", "/licences/find?license=x-1", "x-1"), ("proxies", "/ports?status=x-1", None),
    ("proxies", "/ports?customerId=x-1", None)]


def main():
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        office = Office(gateway)
        shop = office.shop
        # What is counted by the hour is not looked at over the end of one.
        gateway.jump(int(HOUR - gateway.now() % HOUR) + 60)
        reseller = shop.reseller(balance="100.00", password=PASSWORD)
        sku = shop.product("manual")
        owner = signed_in(gateway, shop, office.owner_email)
        portal = signed_in(gateway, shop, reseller["email"])
        console = at_console(gateway)
        filters(shop, owner, portal, console)
        unknown(shop, owner, portal, console)
        dialects(gateway)
        leading(gateway, shop)
        amounts(shop, reseller, sku, owner)
        watched(gateway, office, reseller, owner)
    checks.finish()


def leading(gateway, shop):
    with checks("U4 L1 a key in the query of a page is in no address and no form that leads to the sign-in"):
        for name in ("api_token", "api%5Ftoken"):
            place, stranger = f"{shop.base}/admin/orders?{name}=canary0123", Browser(gateway)
            for answer in (stranger.get(place), stranger.post(place, {"amount": "1"})):
                assert "canary0123" not in str(answer.location) + answer.body.decode(), answer


def signed_in(gateway, shop, email):
    browser = Browser(gateway)
    page = browser.follow(browser.sign_in(shop.base, email, PASSWORD))
    assert page.status == 200, page
    return browser


def at_console(gateway):
    browser = Browser(gateway)
    form = browser.get("/console/sign-in").form("key")
    answer = browser.post(form["action"], {**form["fields"], "key": gateway.provider_key})
    assert answer.status == 303, answer
    return browser


def keeps(browser, path, typed):
    """The page has its frame, says what is wrong, and shows what was typed."""
    page = browser.get(path)
    body = page.body.decode()
    assert page.status == 200 and '<nav class="side"' in body, (path, page)
    assert '<div class="notice bad" role="alert">' in body, (path, page)
    assert typed is None or f'value="{typed}"' in body, (path, page)


def filters(shop, owner, portal, console):
    for surface, browser, base, asked in (
            ("U2", owner, f"{shop.base}/admin", ADMIN), ("U3", portal, f"{shop.base}/portal", PORTAL),
            ("U1", console, "/console", CONSOLE)):
        with checks(f"{surface} U5 a filter that names nothing says so in its list's place, and what was typed stays"):
            for path, typed in asked:
                keeps(browser, base + path, typed)


def unknown(shop, owner, portal, console):
    with checks("U1 U2 U3 a page of something that is not there leads back to where it was looked for"):
        for browser, base, name, paths in (
                (owner, f"{shop.base}/admin", "Admin", ("/resellers/res_none", "/orders/ord_none", "/nowhere/at/all")),
                (portal, f"{shop.base}/portal", "Partner portal", ("/orders/ord_none", "/deliveries/evd_none")),
                (console, "/console", "Provider console", ("/tenants/none",))):
            for path in paths:
                page = browser.get(base + path)
                assert page.status == 404, (path, page)
                assert f'<a href="{base}">Back to {name}</a>' in page.body.decode(), (path, page)
        stranger = portal.get(f"{shop.base}/admin/orders")
        assert stranger.status == 404, stranger
        assert f'<a href="{shop.base}/portal">Back to your pages</a>' in stranger.body.decode(), stranger


def dialects(gateway):
    portals = {}
    for blueprint in ("codes", "licences", "proxies", "panel"):
        shop = Shop(gateway, blueprint=blueprint)
        reseller = shop.reseller(password=PASSWORD)
        portals[blueprint] = (f"{shop.base}/portal", signed_in(gateway, shop, reseller["email"]))
    with checks("U3 U5 lists of every dialect say what is wrong with what is asked of them"):
        for blueprint, path, typed in DIALECTS:
            base, browser = portals[blueprint]
            keeps(browser, base + path, typed)
    with checks("U3 resellers of each API that has webhooks are led to them, and others are shown no form for one"):
        for blueprint, has_webhooks in (("codes", True), ("proxies", True), ("licences", False), ("panel", False)):
            base, browser = portals[blueprint]
            body = browser.get(f"{base}/api").body.decode()
            for path in ("/webhooks", "/deliveries"):
                assert (f'href="{base}{path}"' in body) == has_webhooks, (blueprint, path)
            for path in ("/webhooks", "/webhooks/new", "/deliveries", "/deliveries/replay"):
                status = browser.get(base + path).status
                assert status == (200 if has_webhooks else 404), (blueprint, path, status)


def amounts(shop, reseller, sku, owner):
    shop.price(reseller, sku, {"wholesale_monthly": "12.50", "is_enabled": True})
    order = shop.order(reseller, sku, timestamp=int(shop.gateway.now()))
    assert order.status == 201, order
    with checks("U2 O6 what was done is told in the tenant's money: what an order came to, and what was topped up"):
        text = owner.get(f"{shop.base}/admin/orders/{order.json['order']['id']}").text
        assert "total: 12.50 EUR" in text and "hold 12.50 EUR" in text and "12500000" not in text, text
        text = owner.get(f"{shop.base}/admin/resellers/{reseller['id']}").text
        assert "top up 100.00 EUR" in text and "100000000" not in text, text
        assert "balance: 100.00 EUR" in text and "balance 0.00 EUR 100.00 EUR" in text, text
    with checks("U2 O6 G5 a row of the audit log has its amounts in money, beside what it proves"):
        row, = shop.admin("GET", f"/audit?request_id={order.headers['request-id']}").json["data"]
        text = owner.get(f"{shop.base}/admin/audit/{row['seq']}").text
        assert row["detail"]["total"] == "12500000", row
        assert "12.50 EUR 12500000" in text and f"hold 12.50 EUR {row['detail']['posting']}" in text, text
    with checks("U2 O6 a reseller that has called in the hour that runs has called this hour"):
        text = owner.get(f"{shop.base}/admin/resellers/{reseller['id']}").text
        assert re.search(r"Last call\s*this hour", text), text


def watched(gateway, office, reseller, owner):
    shop = office.shop
    clerk = signed_in(gateway, shop, office.person("ada", "operator")[0]["email"])
    meters = (
        (f"/keys/{reseller['key_id']}/limit/now", "GET /admin/keys/{id}/limit/now"),
        (f"/resellers/{reseller['id']}/limit/now", "GET /admin/resellers/{id}/limit/now"))

    def rows(action):
        found = shop.admin("GET", f"/audit?limit=100&action={action.replace(' ', '%20')}")
        assert found.status == 200, found
        return found.json["data"]

    def look(browser, path, times, status=200):
        for _ in range(times):
            page = browser.get(f"{shop.base}/admin{path}")
            assert page.status == status, page

    def to_the_minute():
        gateway.jump(int(60 - gateway.now() % 60) + 1)

    for path, action in meters:
        with checks(f"O6 U2 whoever watches a meter is recorded once a minute: {action}"):
            to_the_minute()
            look(owner, path, 60)
            assert len(rows(action)) == 1, rows(action)
            look(clerk, path, 3)
            assert len({row["account"] for row in rows(action)}) == len(rows(action)) == 2, rows(action)
            to_the_minute()
            look(owner, path, 3)
            assert len(rows(action)) == 3, rows(action)
    with checks("O6 what is refused of a page that is watched is recorded each time, and so is every other page"):
        to_the_minute()
        look(owner, "/keys/key_none/limit/now", 3, 404)
        assert sum(row["status"] == 404 for row in rows(meters[0][1])) == 3, rows(meters[0][1])
        before = len(rows("GET /admin/products"))
        look(owner, "/products", 3)
        assert len(rows("GET /admin/products")) == before + 3
    with checks("O6 P2 what is not recorded does not count in the month's quota"):
        def count():
            listed = gateway.get(f"/provider/v1/tenants/{shop.slug}", key=gateway.provider_key)
            return listed.json["counts"]["requests_this_month"]

        to_the_minute()
        before = count()
        look(owner, meters[0][0], 20)
        assert count() == before + 1, (before, count())


if __name__ == "__main__":
    main()
