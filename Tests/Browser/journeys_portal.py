"""What a reseller does in its portal."""

import itertools

from journeys_open import register
from receiver import NO_CONTENT, answer
from shop import PASSWORD
from support import wait_until

numbers = itertools.count(1)
JOURNEYS = []
journey = register(JOURNEYS)


def reseller(walk, **more):
    """Somebody of our own, signed in: what is done here is not seen by the other journeys."""
    works = walk.world.works
    made = works.shop.reseller(balance="100.00", password=PASSWORD, name=f"Walker {next(numbers)}", **more)
    works.shop.price(made, "vps-1", {"wholesale_monthly": "4.00", "wholesale_annual": "40.00"})
    works.shop.price(made, "manual-1", {"wholesale_monthly": "30.00"})
    hands = walk.another()
    sign_in(hands, "works", made["email"])
    return made, hands


def sign_in(hands, tenant, email, password=PASSWORD):
    hands.visitor.go(f"/t/{tenant}/sign-in")
    hands.fill("E-mail", email)
    hands.fill("Password", password)
    hands.press("Sign in")


def orders(works, who):
    return works.shop.get(who, "/orders").json["data"]


@journey("U3 W4 an order: first its price, then, confirmed, itself; sent once more it is the same one")
def ordering(walk):
    works = walk.world.works
    made, hands = reseller(walk)
    hands.follow("Orders")
    hands.follow("Order")
    hands.choose("Product", "vps-1")
    hands.choose("Term", "monthly")
    hands.fill("Units", "2")
    hands.fill("Your own id of the customer", "walk-1")
    hands.press("Ask for the price")
    assert orders(works, made) == []
    body = hands.page.locator("main").inner_text()
    assert "8.00" in body and "92.00" in body, body
    assert works.admin("GET", "/products/vps-1")["name"] in body, body
    form = hands.page.locator("form:has(button:has-text('Order for'))").first
    sent = form.evaluate("form => Object.fromEntries(new FormData(form))")
    address = hands.page.url
    hands.press("Order for 8.00 EUR")
    [order] = orders(works, made)
    assert order["quantity"] == 2 and str(works.shop.balance(made)) == "92.00", order
    # The very form once more, as a browser sends it that is asked to.
    again = hands.page.request.post(address, form=sent, headers={
        "Origin": walk.gateway.base_url, "Sec-Fetch-Site": "same-origin"}, max_redirects=0)
    assert again.status == 303, again.status
    assert len(orders(works, made)) == 1 and str(works.shop.balance(made)) == "92.00"
    # Back to the price, and once more: it is the order that is there.
    placed = hands.page.url
    hands.page.go_back()
    assert hands.page.url == address and "92.00" in hands.page.locator("main").inner_text(), hands.page.url
    hands.press("Order for 8.00 EUR")
    assert hands.page.url == placed and len(orders(works, made)) == 1, hands.page.url


@journey("U2 O6 the operator's chart of orders counts each one, whether a program or a person placed it")
def counted(walk):
    works = walk.world.works
    made, hands = reseller(walk)
    operator = walk.another("works", "operator")

    def shown():
        operator.visitor.go("/t/works/admin")
        cells = operator.page.locator("figure:has(#orders-t) tbody td").all_text_contents()
        return sum(int(cell.replace(",", "")) for cell in cells)

    before = shown()
    works.order(made, "vps-1")
    assert shown() == before + 1
    hands.visitor.go("/t/works/portal/orders/new")
    hands.choose("Product", "vps-1")
    hands.choose("Term", "monthly")
    hands.fill("Your own id of the customer", "walk-counted")
    hands.press("Ask for the price")
    hands.press("Order for 4.00 EUR")
    assert len(orders(works, made)) == 2 and shown() == before + 2


@journey("U3 W4 what cannot be ordered says why, and keeps what was typed")
def refused_order(walk):
    works = walk.world.works
    made, hands = reseller(walk)
    hands.visitor.go("/t/works/portal/orders/new")
    hands.choose("Product", "vps-1")
    hands.fill("Units", "50")
    hands.fill("Your own id of the customer", "walk-2")
    hands.press("Ask for the price")
    body = hands.page.locator("main").inner_text()
    assert "Top up" in body and hands.page.get_by_role("button", name="Order for").count() == 0, body
    hands.visitor.go("/t/works/portal/orders/new")
    hands.fill("Units", "0")
    hands.fill("Your own id of the customer", "walk-2")
    if walk.way.scripts:
        hands.page.evaluate("() => { for (const form of document.forms) form.noValidate = true }")
        hands.press("Ask for the price")
        field = hands.field("Units")
        assert field.get_attribute("aria-invalid") == "true" and field.input_value() == "0", hands.page.content()
        assert hands.field("Your own id of the customer").input_value() == "walk-2"
    assert orders(works, made) == []


@journey("U3 W9 a service is cancelled at the end of its term, and the word is taken back")
def cancelling(walk):
    works = walk.world.works
    made, hands = reseller(walk)
    placed = works.order(made, "vps-1")
    service = placed["services"][0]["id"]
    read = lambda: works.shop.get(made, f"/services/{service}").json
    hands.follow("Services")
    hands.follow(service)
    hands.follow("Cancel…")
    assert read()["ends_at"] is None
    hands.press("Cancel the service")
    assert read()["ends_at"], read()
    hands.press("Renew after all")
    assert read()["ends_at"] is None and read()["status"] == "active"


@journey("U3 A6 a top-up leads to the payment, and the balance has it afterwards")
def topping_up(walk):
    works = walk.world.works
    made, hands = reseller(walk)
    hands.follow("Balance")
    hands.fill("Amount", "25")
    hands.press("Go to payment")
    hands.follow("Pay now")
    hands.press("Pay")
    assert str(works.shop.balance(made)) == "125.00"


@journey("U3 U4 O13 a password is changed: a wrong one says so, and the right one ends every session")
def password(walk):
    made, hands = reseller(walk)
    hands.visitor.go("/t/works/portal/account")
    hands.fill("Present password", "not the password")
    hands.fill("New password", "another horse battery")
    hands.press("Set password")
    assert hands.page.locator("[aria-invalid=true], [role=alert]").count(), hands.page.content()
    hands.fill("Present password", PASSWORD)
    hands.fill("New password", "another horse battery")
    hands.press("Set password")
    assert "/sign-in" in hands.visitor.path, hands.visitor.path
    sign_in(hands, "works", made["email"], "another horse battery")
    assert hands.visitor.path.startswith("/t/works/portal"), hands.visitor.path


@journey("U3 W1 a suspended reseller reads on and can send nothing", "mouse", "plain")
def suspended(walk):
    works = walk.world.works
    made, hands = reseller(walk)
    assert works.shop.move(made, "suspend").status == 200
    for path in ("", "/orders", "/services", "/products", "/balance"):
        assert hands.visitor.go(f"/t/works/portal{path}").status == 200, path
        forms = hands.page.locator("main form[method=post]").count()
        assert forms == 0, (path, forms)
        assert "Order from your price list" not in hands.page.locator("main").inner_text(), path


def hooked(walk, count):
    """Somebody whose webhook fails, and as many deliveries that wait for it."""
    works = walk.world.works
    made, hands = reseller(walk)
    path = f"/portal-outage/{next(numbers)}"
    # Nothing is tried again by itself meanwhile.
    works.receiver.answers[path] = lambda count: answer(503, "Retry-After: 3600")
    hook = works.shop.call(made, "POST", "/webhooks", {
        "name": "shop", "url": works.receiver.url(path), "events": ["order.created"]})
    assert hook.status == 201, hook
    for _ in range(count):
        works.order(made, "vps-1")
    wait_until(lambda: works.receiver.count(path) >= count)
    return made, hands, hook.json["id"], path


@journey("U3 H4 a test event shows in place what the shop answered")
def test_event(walk):
    works = walk.world.works
    made, hands, hook, path = hooked(walk, 1)
    hands.visitor.go("/t/works/portal/webhooks")
    hands.follow("shop")
    hands.press("Send a test event")
    hands.page.locator("#test", has_text="Your shop did not take it").wait_for()
    assert "503" in hands.page.locator("#test").inner_text()
    works.receiver.answers[path] = lambda count: NO_CONTENT
    hands.press("Send another")
    hands.page.locator("#test", has_text="Your shop took it.").wait_for()
    assert "204" in hands.page.locator("#test").inner_text()
    # It is the webhook's own page, with all that is on it.
    assert hands.page.locator("h1").inner_text() == "shop" and hands.button("Pause").count() == 1


@journey("U3 H4 after an outage a reseller replays what its filter finds: each comes once, under its own id")
def replaying(walk):
    works = walk.world.works
    made, hands, hook, path = hooked(walk, 3)
    works.receiver.answers[path] = lambda count: NO_CONTENT
    hands.visitor.go("/t/works/portal/webhooks")
    # The number of those that wait is the way to them.
    hands.follow("3")
    assert hands.page.locator("main tbody tr").count() == 3, hands.page.content()
    hands.choose("Type", "order.created")
    hands.press("Filter")
    assert hands.page.locator("main tbody tr").count() == 3 and "503" in hands.page.locator("main").inner_text()
    before = works.receiver.count(path)
    hands.follow("Replay these")
    hands.press("Count them")
    assert "3 deliveries" in hands.page.locator("main").inner_text() and works.receiver.count(path) == before
    hands.press("Replay these 3")
    wait_until(lambda: works.receiver.count(path) >= before + 3)
    ids = [each.headers["webhook-id"] for each in works.receiver.calls[path][before:]]
    assert len(set(ids)) == len(ids) == 3, ids
    listed = lambda: works.shop.get(made, f"/deliveries?endpoint={hook}").json["data"]
    wait_until(lambda: all(row["state"] == "delivered" for row in listed()))


@journey("U3 W6 whatever a reseller has at hand finds the thing: an id, a reference, its own id of a customer")
def searching(walk):
    works = walk.world.works
    made, hands = reseller(walk)
    placed = works.order(made, "vps-1", customer="walk-sought", reference=f"walk-{made['id']}")
    for text in (placed["order"]["id"], f"walk-{made['id']}"):
        hands.visitor.go("/t/works/portal/search")
        hands.fill("Search for", text)
        hands.press("Search", hands.page.locator("main"))
        assert hands.visitor.path.startswith(f"/t/works/portal/orders/{placed['order']['id']}"), hands.visitor.path
    hands.visitor.go("/t/works/portal/search")
    hands.fill("Search for", "walk-sought")
    hands.press("Search", hands.page.locator("main"))
    hands.follow("walk-sought")
    assert placed["services"][0]["id"] in hands.page.locator("main").inner_text()
    hands.visitor.go("/t/works/portal/search?q=nobodys")
    assert "Nothing of yours matches" in hands.page.locator("main").inner_text()
