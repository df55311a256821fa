"""What operators do at their desk: resellers, balances, people, their own account; what came of it is asked of the
API."""

import itertools
import re

from playwright.sync_api import expect

from hands import word
from journeys_open import register
from shop import PARTNER, PASSWORD

numbers = itertools.count(1)
JOURNEYS = []
journey = register(JOURNEYS)


def desk(walk, path, who="owner"):
    hands = walk.another("works", who)
    answer = hands.visitor.go(f"/t/works/admin{path}")
    assert answer.status == 200, (path, answer.status)
    return hands


def reseller(walk, id_or_email):
    shop = walk.world.works.shop
    if id_or_email.startswith("res_"):
        return shop.admin("GET", f"/resellers/{id_or_email}").json
    return shop.admin("GET", f"/resellers?email={id_or_email}").json["data"][0]


def fresh(walk, **fields):
    """A reseller of this journey's own, active."""
    number = next(numbers)
    return walk.world.works.shop.reseller(balance="50.00", password=PASSWORD, name=f"Journey {number}", **fields)


@journey("U2 O3 a reseller is invited, its secrets are shown once, it sets a password, and is approved")
def invite(walk):
    email = f"invited-{next(numbers)}@there.example"
    hands = desk(walk, "/resellers")
    hands.follow("Invite a reseller")
    hands.fill("E-mail", email)
    hands.fill("Name", "Invited Shop")
    hands.press("Invite")
    shown = hands.page.locator(".once code").all_inner_texts()
    link = next(text for text in shown if "/invite/" in text)
    assert any(text.startswith("whsec_") for text in shown), shown
    made = reseller(walk, email)
    assert made["status"] == "pending", made
    guest = walk.another()
    guest.visitor.go(link.removeprefix(walk.gateway.base_url))
    guest.fill("Password", PASSWORD)
    guest.press("Set password")
    hands.follow("I have kept it")
    assert hands.visitor.path == f"/t/works/admin/resellers/{made['id']}?said=invited", hands.visitor.path
    assert "whsec_" not in hands.page.content()
    hands.press("Approve")
    assert reseller(walk, email)["status"] == "active"
    assert hands.page.get_by_text("Approved.", exact=True).count() == 1
    # What comes next: it has no price yet, and its sheet says what the list says.
    assert "It can order nothing yet." in hands.page.locator("main").inner_text()
    hands.follow("Set its prices")
    assert hands.visitor.path == f"/t/works/admin/prices?reseller={made['id']}", hands.visitor.path
    cell = hands.page.locator("tr", has_text="plan-01").locator("input[name=m]")
    assert cell.get_attribute("placeholder") == "5.00" and cell.input_value() == "", cell.evaluate("e => e.outerHTML")


@journey("U2 W11 who applied is approved in its row, and the navigation counts one less")
def approve_in_row(walk):
    email = f"applied-{next(numbers)}@there.example"
    answer = walk.gateway.post(f"{walk.world.works.base}{PARTNER}/apply", {
        "email": email, "name": f"Applied {email[:10]}", "password": PASSWORD})
    assert answer.status == 201, answer
    hands = desk(walk, "/resellers?status=pending")
    count = hands.page.locator("nav a[href$='/admin/resellers'] .count").first
    before = int(count.evaluate("e => e.firstChild.textContent"))
    hands.press("Approve", email)
    assert reseller(walk, email)["status"] == "active"
    assert int(count.evaluate("e => e.firstChild.textContent")) == before - 1


@journey("U2 O5 G4 a balance is topped up once, however often the button is pressed", "mouse", "plain")
def top_up(walk):
    made = fresh(walk)
    hands = desk(walk, f"/resellers/{made['id']}")
    hands.follow("Top up")
    hands.fill("Amount", "25.00")
    hands.fill("Reference", "bank transfer 7")
    button = hands.button("Top up")
    # The second press ends the first one's navigation, which is no failure.
    button.dblclick(no_wait_after=True)
    expect(hands.page).to_have_url(re.compile("said=saved"))
    assert reseller(walk, made["id"])["balance"] == "75.00"
    rows = walk.world.works.shop.admin("GET", f"/resellers/{made['id']}/statement").json["data"]
    assert [row["reference"] for row in rows].count("bank transfer 7") == 1, rows
    hands.visitor.go(f"/t/works/admin/resellers/{made['id']}/statement")
    assert hands.page.get_by_text("bank transfer 7").count() == 1


@journey("U2 O5 a balance is topped up by keyboard as well", "keys")
def top_up_by_keys(walk):
    made = fresh(walk)
    hands = desk(walk, f"/resellers/{made['id']}")
    hands.follow("Top up")
    hands.fill("Amount", "25.00")
    hands.fill("Reference", "bank transfer 8")
    hands.press("Top up")
    assert reseller(walk, made["id"])["balance"] == "75.00"


@journey("U2 O5 an amount that is none is said at its field, what was typed stays, and nothing moves")
def wrong_amount(walk):
    made = fresh(walk)
    hands = desk(walk, f"/resellers/{made['id']}/correct")
    hands.fill("Amount", "much")
    hands.fill("Reference", "a slip")
    hands.press("Correct the balance")
    assert hands.page.locator("[name=amount][aria-invalid=true]").count() == 1, hands.page.content()
    assert hands.page.locator("[name=reference]").input_value() == "a slip"
    assert reseller(walk, made["id"])["balance"] == "50.00"
    hands.fill("Amount", "-5.00")
    hands.press("Correct the balance")
    assert reseller(walk, made["id"])["balance"] == "45.00"


@journey("U2 O3 suspending says what happens, and resuming takes it back")
def suspend(walk):
    made = fresh(walk)
    shop = walk.world.works.shop
    hands = desk(walk, f"/resellers/{made['id']}")
    hands.open("More")
    hands.follow("Suspend…")
    assert hands.page.get_by_text("its calls are 403").count() == 1
    assert hands.page.locator("dt", has_text="Keys in force").count() == 1
    hands.press(f"Suspend {reseller(walk, made['id'])['name']}")
    assert reseller(walk, made["id"])["status"] == "suspended"
    assert shop.call(made, "GET", "/products").status == 403
    hands.press("Resume")
    assert reseller(walk, made["id"])["status"] == "active"
    assert shop.call(made, "GET", "/products").status == 200


@journey("U2 O3 terms that are changed on the page are in force")
def terms(walk):
    made = fresh(walk, notes="Old notes.", low_balance_threshold="10.00")
    hands = desk(walk, f"/resellers/{made['id']}/edit")
    hands.fill("Requests", "3")
    hands.fill("Burst", "3")
    hands.fill("Credit limit", "12.50")
    hands.fill("Notes optional", "")
    hands.fill("Warn below optional", "")
    hands.press("Save")
    changed = reseller(walk, made["id"])
    limit = changed["rate_limit"]
    assert (limit["requests"], limit["burst"]) == (3, 3), changed
    assert (changed["credit_limit"], changed["notes"]) == ("12.50", None), changed
    assert changed["low_balance_threshold"] is None, changed
    assert changed["api_access"] is True


@journey("U2 O13 a person is added, gets another role, is disabled, and is active again")
def people(walk):
    office = walk.world.works.office
    email = f"colleague-{next(numbers)}@works.example"
    hands = desk(walk, "/people")
    hands.follow("Add a person")
    hands.fill("E-mail", email)
    hands.fill("Name", "Colleague")
    hands.check(word("Support"))
    hands.press("Add")
    link = hands.page.locator(".once code").first.inner_text()
    assert "/invite/" in link, link
    hands.follow("I have kept it")
    office.accept(link)
    person = walk.world.works.shop.admin("GET", f"/people?email={email}").json["data"][0]
    assert (person["role"], person["state"]) == ("support", "active"), person
    hands.check(word("Operator"))
    hands.press("Save")
    hands.follow("Disable…")
    hands.press("Disable Colleague")
    person = walk.world.works.shop.admin("GET", f"/people?email={email}").json["data"][0]
    assert (person["role"], person["state"]) == ("operator", "disabled"), person
    assert office.signs_in(email).status == 401
    hands.press("Make active again")
    assert office.signs_in(email).status == 200


@journey("U2 O13 a key of one's own is shown once")
def own_key(walk):
    name = f"laptop-{next(numbers)}"
    hands = desk(walk, "/account")
    hands.follow("Make a key")
    hands.fill("Name optional", name)
    hands.press("Make a key")
    key = hands.page.locator(".once code").first.inner_text()
    assert walk.gateway.get(f"{walk.world.works.base}/api/admin/account", key=key).json["email"] == \
        walk.world.works.owner_email
    hands.follow("I have kept it")
    assert key not in hands.page.content() and hands.page.get_by_text(name).count() == 1
    hands.follow("Revoke…", name)
    hands.press("Revoke")
    assert walk.gateway.get(f"{walk.world.works.base}/api/admin/account", key=key).status == 401


@journey("U2 one field finds an order by its id, and several by how their reference begins", "mouse", "plain")
def search(walk):
    ids = walk.world.ids["works"]
    hands = desk(walk, f"/search?q={ids['order']}")
    assert hands.visitor.path.startswith(f"/t/works/admin/orders/{ids['order']}"), hands.visitor.path
    hands = desk(walk, f"/search?q={ids['reseller']}")
    assert hands.visitor.path.startswith(f"/t/works/admin/resellers/{ids['reseller']}"), hands.visitor.path
    hands = desk(walk, "/search?q=INVOICE-1")
    assert hands.page.locator("tbody tr").count() > 5


@journey("U2 O13 support reads, and sees no button", "mouse")
def support(walk):
    ids = walk.world.ids["works"]
    hands = desk(walk, f"/resellers/{ids['reseller']}", "support")
    for word in ("Top up", "More", "Change"):
        assert hands.page.get_by_text(word, exact=True).count() == 0, word
    hands.visitor.go("/t/works/admin/resellers?status=pending")
    assert hands.page.get_by_role("button", name="Approve").count() == 0
    assert hands.visitor.go(f"/t/works/admin/resellers/{ids['reseller']}/suspend").status == 403
    assert hands.visitor.go("/t/works/admin/people").status == 403
    assert hands.page.get_by_role("link", name="People").count() == 0


@journey("U2 O14 a report is told as its select says: all together at first, then by reseller, by name")
def reports(walk):
    hands = desk(walk, "/reports/turnover?by=month")
    told = lambda: hands.field("Told").input_value()
    heads = lambda: hands.page.locator("main thead th").all_text_contents()
    assert told() == "" and heads()[:2] == ["Period", "Sales"], (told(), heads())
    hands.choose("Told", "reseller")
    hands.press("Show")
    assert "group=reseller" in hands.visitor.path and told() == "reseller", (hands.visitor.path, told())
    assert heads()[:2] == ["Period", "Reseller"] and "Main Street Ltd" in hands.page.locator("main").inner_text()


@journey("U2 O4 a price's form has the columns of what the tenant sells, and a code is none of them elsewhere", "mouse")
def columns_of_a_price(walk):
    works = walk.world.works
    hands = desk(walk, f"/prices/{works.ids['reseller']}/{works.ids['sku']}")
    assert hands.field("Monthly").count() == 1 and hands.field("A code").count() == 0
    codes = walk.world.gateway.tenant("codes")
    sku = walk.world.admin(codes, "GET", "/products?limit=1")["data"][0]["sku"]
    seller = walk.another("codes", "owner")
    answer = seller.visitor.go(f"/t/codes/admin/prices/{codes['resellers'][0]['id']}/{sku}")
    assert answer.status == 200, answer.status
    assert seller.field("A code").count() == 1 and seller.field("Monthly").count() == 0


@journey("U2 O3 O4 codes cost what their product does where a reseller has no price, and its page says so", "mouse")
def codes_without_a_price(walk):
    codes = walk.world.gateway.tenant("codes")
    seller = walk.another("codes", "owner")
    email = f"codes-{next(numbers)}@there.example"
    made = walk.world.admin(codes, "POST", "/resellers", {"email": email, "name": "Codes Only"})
    walk.world.admin(codes, "POST", f"/resellers/{made['id']}/approve")
    main = lambda: seller.page.locator("main").inner_text()
    assert seller.visitor.go(f"/t/codes/admin/resellers/{made['id']}").status == 200
    assert "It can order nothing yet." not in main(), main()
    assert seller.visitor.go(f"/t/codes/admin/prices?reseller={made['id']}&columns=all").status == 200
    assert "A code without one costs the product's wholesale price." in main(), main()
    assert "A term without a price is not sold." not in main(), main()


@journey("U2 O4 O13 who may not change prices is not told of list prices that do not stand in the table", "mouse")
def prices_read_only(walk):
    works = walk.world.works
    hands = desk(walk, f"/prices?reseller={works.ids['reseller']}", "support")
    text = hands.page.locator("main").inner_text()
    assert "A term without a price is not sold." in text and "List prices" not in text, text[:600]


@journey("U2 a list that shows names offers them to filter by, and keeps an id that nobody has", "mouse", "plain")
def chosen_by_name(walk):
    works = walk.world.works
    # As many as one page of the API has.
    are_offered = not works.admin("GET", "/resellers?limit=100")["has_more"]
    for path in (
            "/orders", "/services", "/customers", "/events", "/endpoints", "/keys", "/payments", "/reviews", "/audit"):
        hands = desk(walk, f"{path}?reseller=res_none")
        assert hands.field("Reseller").input_value() == "res_none", path
        (hands.choose if are_offered else hands.fill)("Reseller", works.ids["reseller"])
        hands.press("Find" if path == "/customers" else "Filter")
        assert f"reseller={works.ids['reseller']}" in hands.visitor.path, hands.visitor.path
        assert hands.page.locator("main .notice.bad").count() == 0, path


@journey("U2 O6 who changed a product and a reseller stands on their pages, whatever was sold since", "mouse")
def changes_of_things(walk):
    works = walk.world.works
    shop = fresh(walk)
    sku = works.shop.product()
    works.shop.price(shop, sku, {"wholesale_monthly": "0.10"})
    works.admin("PATCH", f"/products/{sku}", {"name": "Told on its page"})
    works.admin("PATCH", f"/resellers/{shop['id']}", {"credit_limit": "3.00"})
    # More than the pages look at.
    for _ in range(61):
        works.order(shop, sku)
    for path, words in (
            (f"/products/{sku}", "Changed a product"), (f"/resellers/{shop['id']}", "credit limit 0.00 EUR 3.00 EUR")):
        hands = desk(walk, path)
        history = hands.page.locator("#history")
        assert words in " ".join(history.inner_text().split()), history.inner_text()
        assert history.get_by_text("in the chain", exact=True).count() > 0, path


@journey("U2 O4 who changed which price names the shop, and one chooses it by its name")
def changes_of_prices(walk):
    works = walk.world.works
    hands = desk(walk, f"/prices/history?reseller={works.ids['reseller']}")
    text = hands.page.locator("main").inner_text()
    assert "for Main Street Ltd" in text, text[:400]
    assert works.ids["reseller"] in hands.field("Reseller").input_value()
    assert "optional" not in hands.page.locator("main form.filters").inner_text()
