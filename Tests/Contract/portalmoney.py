#!/usr/bin/env python3
"""U3: money at the reseller's portal. The balance and its statement, a top-up, an order that the balance did not have
and has then, and what is past due."""

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
