#!/usr/bin/env python3
"""U3: money at the reseller's portal. The balance and its statement, a top-up, an order that the balance did not have
and has then, and what is past due."""

import re
from decimal import Decimal

from pagewire import Browser
from portalwire import Portal, Scene, spaced
from support import Checks, Gateway, arguments, wait_until

DAY = 86_400


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, clock=True) as gateway:
        scene = Scene(gateway)
        scene.placed(quantity=2)
        scene.placed(sku=scene.manual)
        check_balance(checks, gateway, scene)
        check_refused_order(checks, gateway, scene)
        check_moved_price(checks, scene)
        check_moved_prices_of_ports_and_codes(checks, gateway)
        check_late(checks, gateway, scene)
    checks.finish()


def check_balance(checks, gateway, scene):
    portal = scene.portal
    with checks("U3 the statement shows each move as the API has it, and is handed out as CSV to the session"):
        rows = scene.get(scene.buyer, "/statement?limit=50").json["data"]
        text = spaced(portal.shown("/balance"))
        for row in rows:
            amount = row["amount"].replace("-", "−")
            assert f"{row['reference']} {amount} {row['balance_after']}" in text, (row, text)
        file = portal.get("/balance/statement.csv")
        wanted = gateway.get(f"{scene.base}/api/partner/v1/statement.csv", key=scene.buyer["key"])
        assert file.status == 200 and file.body == wanted.body, file
        assert "attachment" in file.headers["content-disposition"], file.headers
        assert Browser(gateway).get(f"{scene.base}/portal/balance/statement.csv").status == 303
    with checks("U3 A6 a top-up leads to the payment page, and what is paid there is on the balance"):
        scene.admin("PUT", "/payment-service", {"driver": "sandbox"})
        before = scene.balance(scene.buyer)
        page = portal.press("/balance", "Go to payment", amount="25.00")
        assert page.status == 200 and "One step is left" in page.text, page
        link = next(link for link in page.read.links if "/sandbox-pay/" in link)
        paid = portal.browser.post(link, {**portal.browser.get(link).form("action")["fields"], "action": "pay"})
        assert paid.status == 200 and "Paid" in paid.text, paid
        assert scene.balance(scene.buyer) == before + 25
    with checks("U3 an amount that is none is said beside its field, and begins no payment"):
        page = portal.press("/balance", "Go to payment", amount="a lot")
        body = page.body.decode()
        assert page.status == 422 and 'value="a lot"' in body and "f-amount-error" in body, page


def confirming(page):
    """The form of a price's page that makes the order."""
    return next(form["fields"] for form in page.read.forms if form["fields"].get("_call") == "POST /orders")


def paying(page):
    """The form that pays what the page shows."""
    return next(form["fields"] for form in page.read.forms if form["method"] == "post" and "_total" in form["fields"])


def check_moved_price(checks, scene):
    portal = scene.portal
    with checks("U3 W4 an order is not made at another price than the one that was shown: the new one is shown first"):
        scene.top_up(scene.buyer, "500.00")
        page = portal.ask("/orders/new", "quantity", product=scene.sku, term="monthly", quantity="2", **{
            "customer.external_id": "c-moved"})
        address, shown, before = portal.asked, paying(page), scene.state()
        assert shown["_total"] == "22.00", shown
        scene.price(scene.buyer, scene.sku, {
            "wholesale_monthly": "99.00", "wholesale_setup_fee": "1.00", "is_enabled": True, "max_quantity": 100})
        told = portal.browser.post(address, shown)
        assert told.status == 200 and "It was 22.00 when it was shown, and is 200.00 now" in told.read.text, told
        assert scene.state() == before
        fresh = paying(told)
        assert fresh["_total"] == "200.00" and fresh["_once"] == shown["_once"], fresh
        done = portal.browser.post(address, fresh)
        totals = [row["wholesale_total"] for row in scene.get(scene.buyer, "/orders").json["data"]]
        assert done.status == 303 and totals[0] == "200.00", (done, totals)
        # Sent again once the price has moved on, it is still what was done.
        scene.price(scene.buyer, scene.sku, {
            "wholesale_monthly": "98.00", "wholesale_hourly": "0.10", "is_enabled": True, "max_quantity": 100})
        once_more = portal.browser.post(address, fresh)
        assert (once_more.status, once_more.location) == (303, done.location), once_more
        # An hourly term is paid by the hour: its total has not moved.
        hourly = paying(portal.ask("/orders/new", "quantity", product=scene.sku, term="hourly", quantity="2", **{
            "customer.external_id": "c-hourly"}))
        scene.price(scene.buyer, scene.sku, {"wholesale_hourly": "0.90", "is_enabled": True, "max_quantity": 100})
        told = portal.browser.post(portal.asked, hourly)
        assert told.status == 200 and f"It was {hourly['_total']} when it was shown" in told.read.text, told
        assert " 1.8" in paying(told)["_total"] and paying(told)["_total"].endswith(" an hour"), told
        assert [row["wholesale_total"] for row in scene.get(scene.buyer, "/orders").json["data"]] == totals
        # What is not offered any more is refused in its own words.
        again = paying(portal.ask("/orders/new", "quantity", product=scene.sku, term="monthly", quantity="1", **{
            "customer.external_id": "c-next"}))
        scene.price(scene.buyer, scene.sku, {"wholesale_monthly": "99.00", "is_enabled": False})
        assert "no such product" in portal.browser.post(portal.asked, again).read.text
        scene.price(scene.buyer, scene.sku, {
            "wholesale_monthly": "10.00", "wholesale_hourly": None, "wholesale_setup_fee": "1.00", "is_enabled": True,
            "max_quantity": 100})


def check_moved_prices_of_ports_and_codes(checks, gateway):
    def portal_of(name):
        tenant = gateway.tenant(name)
        person = tenant["resellers"][0]
        return tenant, Portal(gateway, f"/t/{tenant['slug']}", person["email"], person["password"])

    def moves(tenant, portal, page, method, path, body):
        """The price is moved while its page stands there: what was pressed is not done, and shows the new one."""
        shown = paying(page)
        answer = gateway.request(method, f"{portal.base}/api/admin{path}", body, key=tenant["owner_key"])
        assert answer.status == 200, answer
        told = portal.browser.post(portal.asked, shown)
        assert told.status == 200 and f"It was {shown['_total']} when it was shown" in told.read.text, told
        return paying(told)["_total"]

    with checks("U3 C5 codes are not paid at another price than the one that was shown"):
        tenant, portal = portal_of("codes")
        page = portal.ask("/codes", "count", planId="1month", count="2")
        total = moves(tenant, portal, page, "PATCH", "/products/1month", {"wholesale_price": "1.11"})
        assert total == "2.22", total
    with checks("U3 X3 a port is not paid at another price than the one that was shown"):
        tenant, portal = portal_of("proxies")
        added = portal.press("/port-customers", "Add", email="jo@there.example", name="Jo", allocatedPortSlots="1")
        assert added.status == 303, added
        listed = portal.shown("/port-customers").body.decode()
        customer = re.search(r'/portal/port-customers/(cus_[0-9a-z]+)"', listed)[1]
        page = portal.ask("/ports/new", "days", customerId=customer, countryId="germany_id", days="2")
        moves(tenant, portal, page, "PUT", "/countries/germany_id", {"name": "Germany", "base_price": "1.25"})


def check_refused_order(checks, gateway, scene):
    with checks("U3 W4 a refusal of an order is no dead end: after a top-up the same address orders"):
        buyer = scene.made_reseller("50.00", name="Short")
        portal = Portal(gateway, scene.base, buyer["email"])
        page = portal.ask("/orders/new", "customer.name", **{
            "product": scene.sku, "term": "monthly", "quantity": "2", "customer.external_id": "c-short"})
        assert page.status == 200 and page.read.heading == "Confirm the order", page
        assert confirming(page).get("_once"), page.read.forms
        drained = scene.admin("POST", f"/resellers/{buyer['id']}/balance", {
            "amount": "-50.00", "reference": "drained"}, idempotent=True)
        assert drained.status in (200, 201) and scene.balance(buyer) == 0, drained
        before = scene.state(buyer)
        refused = portal.browser.post(portal.asked, confirming(page))
        assert refused.status == 402 and "Top up" in refused.text and scene.state(buyer) == before, refused
        scene.top_up(buyer, "50.00")
        # The first press may lead back to the price, whose button makes the order then.
        address, page = portal.asked, portal.browser.get(portal.asked)
        for _ in range(2):
            assert page.status == 200 and page.read.heading == "Confirm the order", page
            pressed = portal.browser.post(address, confirming(page))
            assert pressed.status == 303, pressed
            address, page = pressed.location, portal.browser.follow(pressed)
            if page.read.heading != "Confirm the order":
                break
        orders = scene.get(buyer, "/orders").json["data"]
        assert [(row["quantity"], row["wholesale_total"]) for row in orders] == [(2, "22.00")], orders
        assert orders[0]["id"] in page.text and scene.balance(buyer) == Decimal("28.00"), page


def check_late(checks, gateway, scene):
    with checks("U3 W9 what is past due is on the dashboard, and is paid by a button once there is money"):
        poor = scene.made_reseller("11.00", name="Slim")
        owed = scene.placed(poor)["services"][0]["id"]
        gateway.jump(31 * DAY)
        wait_until(lambda: scene.get(poor, f"/services/{owed}").json["status"] == "past_due")
        slim = Portal(gateway, scene.base, poor["email"])
        assert "service is past due" in slim.shown().text and "past due" in slim.shown("/services").text
        before = scene.state(poor)
        refused = slim.press(f"/services/{owed}", "Pay now")
        assert refused.status == 402 and scene.state(poor) == before, refused
        form = slim.form(f"/services/{owed}", "Pay now")
        scene.top_up(poor, "50.00")
        wait_until(lambda: scene.get(poor, f"/services/{owed}").json["status"] == "active")
        assert slim.send(f"/services/{owed}", form).status == 409
        assert scene.get(poor, "/overview").json["services"]["past_due"] == 0


if __name__ == "__main__":
    main()
