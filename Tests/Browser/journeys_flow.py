"""What operators do with orders, services, events and provisioning, beside `journeys_orders` and `journeys_events`."""

import itertools
import re
import uuid

from hands import word
from journeys_open import press_twice, register
from support import wait_until

numbers = itertools.count(1)
JOURNEYS = []
journey = register(JOURNEYS)
ADMIN = "/t/works/admin"


def owner(walk, tenant="works"):
    return walk.another(tenant, "owner")


def read(walk, path):
    answer = walk.world.works.shop.admin("GET", path)
    assert answer.status == 200, answer
    return answer.json


def said(hands, text):
    """Once the page says it."""
    hands.page.locator("main", has_text=text).wait_for()


def shopper(walk, sku="vps-1"):
    """A reseller of our own, and how it orders."""
    works = walk.world.works
    reseller = works.shop.reseller(balance="500.00", name=f"Journey {next(numbers)}")
    works.shop.price(reseller, sku, {"wholesale_monthly": "4.00"})
    return reseller, lambda: works.order(reseller, sku, customer=f"j-{next(numbers)}")


# Orders

@journey("U2 O10 G4 a waiting order is activated with its details from the list; sent again it is captured once")
def activates(walk):
    hands = owner(walk)
    reseller, order = shopper(walk, "manual-1")
    order = order()
    id = order["order"]["id"]
    hands.visitor.go(f"{ADMIN}/orders?state=pending")
    hands.follow(id)
    said(hands, "are held until it is decided")
    hands.follow("Activate")
    hands.fill(word("Name"), "host")
    hands.fill(word("Value"), "10.0.0.7")
    press_twice(hands, "Activate")
    said(hands, "Activated.")
    whole = read(walk, f"/orders/{id}")
    assert whole["state"] == "completed" and whole["money"]["captured"] == whole["wholesale_total"], whole
    assert whole["money"]["held"] == "0.00" and read(walk, f"/resellers/{reseller['id']}")["balance"] == "496.00"
    details = read(walk, f"/services/{order['services'][0]['id']}")["details"]
    assert details == {"host": {"value": "10.0.0.7", "secret": True}}, details
    hands.visitor.go(f"{ADMIN}/orders/{id}/activate")
    said(hands, "there is nothing to decide any more")


# Services

@journey("U2 O10 W9 a service is suspended, resumed, ended with its term, and let renew again")
def service_moves(walk):
    hands = owner(walk)
    id = shopper(walk)[1]()["services"][0]["id"]
    status = lambda: read(walk, f"/services/{id}")
    hands.visitor.go(f"{ADMIN}/services/{id}")
    hands.follow("Suspend")
    hands.press("Suspend")
    said(hands, "Suspended.")
    assert status()["status"] == "suspended"
    hands.press("Resume")
    assert status()["status"] == "active"
    hands.follow("Cancel")
    hands.press("Cancel the service")
    assert status()["status"] == "active" and status()["ends_at"] and not status()["renews_at"], status()
    said(hands, "and does not renew")
    hands.press("Let it renew")
    assert status()["ends_at"] is None and status()["renews_at"], status()


@journey("U2 O6 a service, its product and its customer lead to each other, and say who changed what, with its proof")
def service_history(walk):
    hands = owner(walk)
    made = shopper(walk)[1]()
    id, customer = made["services"][0]["id"], made["order"]["customer_external_id"]
    for move in ("suspend", "resume"):
        walk.world.works.admin("POST", f"/services/{id}/{move}")
    hands.visitor.go(f"{ADMIN}/services/{id}")
    history = hands.page.locator("#history")
    text = history.inner_text()
    assert text.index("Resumed a service") < text.index("Suspended a service"), text
    assert history.get_by_text("in the chain", exact=True).count() == 2, text
    hands.act(history.get_by_role("link", name="Audit row").first)
    assert "in the chain" in hands.page.locator("main").inner_text()
    for path in (f"/services/{id}", f"/orders/{made['order']['id']}"):
        hands.visitor.go(f"{ADMIN}{path}")
        hands.act(hands.page.locator("main").get_by_role("link", name=customer, exact=True).first)
        table = hands.page.locator("main table")
        assert table.locator("tbody tr").count() == 1 and customer in table.inner_text(), table.inner_text()


@journey("U2 O10 a service's details are written, and a secret is shown on no page")
def service_details(walk):
    hands = owner(walk)
    id = shopper(walk)[1]()["services"][0]["id"]
    hands.visitor.go(f"{ADMIN}/services/{id}")
    hands.follow("Change")
    hands.fill(word("Name"), "password")
    hands.fill(word("Value"), "canary-detail-815")
    hands.press("Save")
    said(hands, "set, and not shown")
    assert read(walk, f"/services/{id}")["details"]["password"] == {"value": "canary-detail-815", "secret": True}
    assert "canary-detail-815" not in hands.page.content()
    hands.follow("Change")
    assert "canary-detail-815" not in hands.page.content() and hands.field(word("Name")).input_value() == "password"
    hands.choose("Kind", "remove")
    hands.press("Save")
    assert not read(walk, f"/services/{id}")["details"], read(walk, f"/services/{id}")


@journey("U2 W9 services are repriced once the list of them has been seen")
def reprices(walk):
    hands = owner(walk)
    service = shopper(walk)[1]()["services"][0]["id"]
    hands.visitor.go(f"{ADMIN}/services/{service}")
    hands.follow("Reprice")
    hands.fill("New term price", "3.50")
    hands.press("Preview")
    said(hands, "1 service costs another price")
    assert read(walk, f"/services/{service}")["term_price"] == "4.00"
    hands.press("Reprice 1 service")
    assert read(walk, f"/services/{service}")["term_price"] == "3.50"
    assert read(walk, f"/services/{service}")["amount_today"] == "4.00"


# Events

def hook(walk, path):
    """An endpoint of our own, and how to make an event for it."""
    works = walk.world.works
    reseller, order = shopper(walk)
    made = works.shop.call(reseller, "POST", "/webhooks", {
        "name": f"hook {next(numbers)}", "url": works.receiver.url(path), "events": ["order.created"]})
    assert made.status == 201, made
    return reseller, made.json["id"], order


@journey("U2 O7 H4 an endpoint that is gone says so; enabled again, what was held is counted, replayed, and comes once")
def replays(walk):
    works, hands = walk.world.works, owner(walk)
    path = f"/ok/journey-{uuid.uuid4().hex}"
    gone = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
    works.receiver.answers[path] = lambda count: gone
    reseller, id, order = hook(walk, path)
    order()
    wait_until(lambda: read(walk, f"/webhooks/{id}")["state"] == "disabled")
    for _ in range(3):
        order()
    del works.receiver.answers[path]
    # Whoever looks for what did not arrive is led to the endpoint that is off.
    hands.visitor.go(f"{ADMIN}/events?state=held&endpoint={id}")
    hands.follow("Replay these")
    said(hands, "Nothing to replay")
    hands.follow("Its endpoint")
    said(hands, "It answered 410")
    hands.visitor.go(f"{ADMIN}/events?state=held")
    hands.follow(re.compile("(was|were) given up"))
    row = hands.page.locator("tr").filter(has=hands.page.locator(f"a[href*='/endpoints/{id}?']"))
    hands.press("Enable", row)
    said(hands, "Enabled. What was held waits for Replay.")
    hands.follow("Replay what is held or dead")
    said(hands, "4 deliveries")
    said(hands, "dead, held")
    before = works.receiver.count(path)
    hands.press("Replay these 4")
    hands.page.wait_for_url("**/events/replays/rpl_*")
    shared = hands.visitor.path
    wait_until(lambda: works.receiver.count(path) == before + 4)
    replay = shared.split("?")[0].rsplit("/", 1)[1]
    wait_until(lambda: read(walk, f"/replays/{replay}")["delivered"] == 4)
    hands.visitor.go(shared)
    said(hands, "4 of 4 delivered, 0 failed again")
    rows = {row["event"] for row in read(walk, f"/deliveries?endpoint={id}")["data"]}
    got = [call.headers["webhook-id"] for call in works.receiver.calls[path][before:]]
    assert set(got) == rows and len(got) == 4, (got, rows)
    assert hands.page.get_by_role("link", name="Those that are dead now").count() == 0


@journey("U2 O7 a delivery shows its attempts, its body, and whether a signature that a receiver got is ours")
def delivery(walk):
    works, hands = walk.world.works, owner(walk)
    path = f"/ok/journey-{uuid.uuid4().hex}"
    reseller, id, order = hook(walk, path)
    order()
    wait_until(lambda: works.receiver.count(path) == 1)
    row = wait_until(lambda: next(iter(read(walk, f"/deliveries?endpoint={id}&state=delivered")["data"]), None))
    call = works.receiver.calls[path][0]
    hands.visitor.go(f"{ADMIN}/events?endpoint={id}")
    hands.follow(row["id"])
    said(hands, "204")
    assert hands.page.locator("#body").inner_text() == call.body.decode()
    hands.fill("webhook-timestamp", call.headers["webhook-timestamp"])
    hands.fill("webhook-signature", call.headers["webhook-signature"])
    hands.press("Check")
    hands.page.locator("#check", has_text="It is ours").wait_for()
    hands.follow("Check another")
    hands.fill("webhook-timestamp", "1")
    hands.fill("webhook-signature", call.headers["webhook-signature"])
    hands.press("Check")
    hands.page.locator("#check", has_text="It is not ours").wait_for()


# Provisioning

@journey("U2 W13 a unit that its provisioner does not answer for is confirmed by hand, and another is given up")
def provisioning(walk):
    works, hands = walk.world.works, owner(walk)
    fault, works.desk.fault = works.desk.fault, lambda call, attempt: "busy"
    try:
        order = shopper(walk, "unit-1")[1]
        made = [order() for _ in range(2)]
        first, second = (order["services"][0]["id"] for order in made)
        hands.visitor.go(f"{ADMIN}/queue/{first}/confirm")
        hands.fill(word("Name"), "host")
        hands.fill(word("Value"), "10.0.0.8")
        hands.press("Confirm")
        said(hands, "Confirmed.")
        assert read(walk, f"/services/{first}")["status"] == "active"
        hands.visitor.go(f"{ADMIN}/queue")
        hands.press("Retry now", hands.page.get_by_role("row").filter(has_text=second))
        said(hands, "It is tried again now.")
        hands.visitor.go(f"{ADMIN}/queue/{second}/give-up")
        hands.fill(word("Reason"), "Out of stock for good.")
        hands.press("Give up")
        assert read(walk, f"/orders/{made[1]['order']['id']}")["state"] == "rejected"
    finally:
        works.desk.fault = fault
