"""Orders that wait for a person, and what becomes of them."""

import itertools
from decimal import Decimal

from journeys_open import press_twice, register

numbers = itertools.count(1)
JOURNEYS = []
journey = register(JOURNEYS)


def waiting(walk):
    works = walk.world.works
    made = works.shop.reseller(balance="100.00", name=f"Waiting {next(numbers)}")
    works.shop.price(made, "manual-1", {"wholesale_monthly": "30.00"})
    placed = works.order(made, "manual-1", reference="wait-1")
    assert placed["order"]["state"] == "pending", placed
    hands = walk.another("works", "operator")
    hands.visitor.go(f"/t/works/admin/orders/{placed['order']['id']}")
    return made, placed["order"]["id"], hands


def money(walk, made):
    told = walk.world.works.shop.get(made, "/balance").json
    return Decimal(told["balance"]), Decimal(told["held"])


def once_more(hands, name):
    """Back to the form, and sent again, as somebody does who is not sure."""
    hands.page.go_back()
    if hands.page.get_by_role("button", name=name, exact=True).count():
        hands.press(name)


@journey("U2 O10 11: an order that waits is activated: what was held is captured, once, however often it is sent")
def activating(walk):
    works = walk.world.works
    made, order, hands = waiting(walk)
    assert money(walk, made) == (70, 30) or money(walk, made) == (100, 30), money(walk, made)
    hands.follow("Activate")
    press_twice(hands, "Activate")
    assert works.admin("GET", f"/orders/{order}")["state"] == "completed"
    assert money(walk, made) == (70, 0)
    once_more(hands, "Activate")
    assert money(walk, made) == (70, 0) and works.admin("GET", f"/orders/{order}")["state"] == "completed"


@journey("U2 O10 11: an order that waits is rejected with a reason: what was held goes back, once")
def rejecting(walk):
    works = walk.world.works
    made, order, hands = waiting(walk)
    hands.follow("Reject")
    hands.fill("Reason", "Not in this building.")
    press_twice(hands, "Reject")
    told = works.admin("GET", f"/orders/{order}")
    assert told["state"] == "rejected" and told["reason"] == "Not in this building.", told
    assert money(walk, made) == (100, 0)
    once_more(hands, "Reject")
    assert money(walk, made) == (100, 0)


@journey("U2 O10 11: a double click activates once, and rejects once", "mouse", "plain")
def double_click(walk):
    for name, left in (("Activate", (70, 0)), ("Reject", (100, 0))):
        made, order, hands = waiting(walk)
        hands.follow(name)
        if name == "Reject":
            hands.fill("Reason", "Twice.")
        # The second press ends the first one's navigation, and whichever was answered leads to the order.
        hands.page.get_by_role("button", name=name, exact=True).dblclick(no_wait_after=True)
        hands.page.wait_for_url(lambda url: f"/{name.lower()}" not in url)
        assert money(walk, made) == left
        assert hands.page.locator("[role=alert]").count() == 0, hands.page.locator("main").inner_text()
        rows = walk.world.works.admin("GET", f"/audit?changes=true&order={order}&author=operators")["data"]
        assert len(rows) == 1, rows


@journey("U2 O10 an order is refunded in part, and no more than was paid", "mouse", "plain")
def refunding(walk):
    works = walk.world.works
    made = works.shop.reseller(balance="100.00", name=f"Refunded {next(numbers)}")
    works.shop.price(made, "vps-1", {"wholesale_monthly": "10.00"})
    order = works.order(made, "vps-1")["order"]["id"]
    hands = walk.another("works", "operator")
    hands.visitor.go(f"/t/works/admin/orders/{order}/refund")
    hands.fill("Amount", "11.00")
    hands.fill("Reason", "Ran slowly")
    hands.press("Refund")
    assert hands.field("Amount").input_value() == "11.00" and money(walk, made) == (90, 0)
    hands.fill("Amount", "4.00")
    hands.press("Refund")
    assert money(walk, made) == (94, 0)
