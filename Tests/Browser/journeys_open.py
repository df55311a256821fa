"""Pages whose address is a secret: an invitation, a password, a code, a payment."""

import itertools

from shop import PASSWORD

numbers = itertools.count(1)
JOURNEYS = []


def register(journeys):
    """Names of what follows: title, function, and the hands that it is for; without any, for all."""
    def journey(name, *ways):
        def keep(function):
            journeys.append((name, function, ways))
            return function
        return keep
    return journey


journey = register(JOURNEYS)


def press_twice(hands, name):
    """The form as it stands, pressed, and sent once more as a second click or a page that was kept would."""
    form = hands.page.locator("main form").filter(has=hands.page.get_by_role("button", name=name, exact=True)).last
    fields = form.evaluate("form => Object.fromEntries(new FormData(form))")
    url = hands.page.url
    hands.press(name)
    again = hands.page.context.request.post(url, form=fields, headers={
        "Origin": hands.visitor.origin, "Sec-Fetch-Site": "same-origin"})
    assert again.status == 200 and not again.url.endswith(url), (again.status, again.url)


def path_of(walk, url):
    return url.removeprefix(walk.gateway.base_url)


@journey("U4 O13 an invitation sets a password, once")
def invitation(walk):
    office = walk.world.works.office
    made = office.add(f"guest-{next(numbers)}", "operator")
    hands = walk.another()
    hands.visitor.go(path_of(walk, made["invitation_url"]))
    hands.fill("Password", PASSWORD)
    hands.press("Set password")
    assert office.signs_in(made["email"]).status == 200
    again = walk.another()
    assert again.visitor.go(path_of(walk, made["invitation_url"])).status in (404, 410)


@journey("U4 O13 a password that is too short says so, and nothing is set")
def short_password(walk):
    office = walk.world.works.office
    made = office.add(f"guest-{next(numbers)}", "operator")
    hands = walk.another()
    hands.visitor.go(path_of(walk, made["invitation_url"]))
    # The browser's own check is taken away: what counts is the gateway's.
    if walk.way.scripts:
        hands.page.evaluate("() => { for (const form of document.forms) form.noValidate = true }")
        hands.fill("Password", "short")
        hands.press("Set password")
        assert hands.page.locator("[aria-invalid=true]").count() == 1, hands.page.content()
        assert hands.page.locator("[role=alert] a").inner_text().startswith("Password: "), hands.page.content()
    assert office.signs_in(made["email"], "short").status == 401
    hands.fill("Password", PASSWORD)
    hands.press("Set password")
    assert office.signs_in(made["email"]).status == 200


@journey("U4 A8 a code is activated with a new account")
def activation(walk):
    tenant = walk.gateway.tenant("codes")
    code = walk.gateway.post("/t/codes/api/reseller/generate", {"planId": "1month", "count": 1}, headers={
        "x-api-key": tenant["resellers"][0]["key"]}).json["codes"][0]["code"]
    hands = walk.another()
    hands.visitor.go(f"/t/codes/activate/{code}")
    email = f"customer-{next(numbers)}@there.example"
    hands.fill("E-mail address", email)
    hands.fill("Password", PASSWORD)
    hands.press("Create an account and activate")
    rows = walk.gateway.get("/t/codes/api/admin/subscribers?limit=100", key=tenant["owner_key"]).json["data"]
    assert email in [row["email"] for row in rows], rows


@journey("U4 O11 A8 a subscriber sets a new password by the operator's link")
def lost_password(walk):
    tenant = walk.gateway.tenant("codes")
    rows = walk.gateway.get("/t/codes/api/admin/subscribers?limit=1", key=tenant["owner_key"]).json["data"]
    made = walk.gateway.post(
        f"/t/codes/api/admin/subscribers/{rows[0]['id']}/password-reset", key=tenant["owner_key"])
    assert made.status == 201, made
    hands = walk.another()
    hands.visitor.go(path_of(walk, made.json["url"]))
    hands.fill("Password", PASSWORD)
    hands.press("Set password")
    again = walk.another()
    assert again.visitor.go(path_of(walk, made.json["url"])).status == 404


@journey("U4 A6 a payment of the sandbox is paid, and the balance has it")
def payment(walk):
    works = walk.world.works
    before = works.shop.balance(works.main)
    made = works.shop.call(works.main, "POST", "/topup", {"amount": "25.00"}, headers={
        "Idempotency-Key": f"topup-{next(numbers)}"})
    assert made.status == 201, made
    hands = walk.another()
    hands.visitor.go(path_of(walk, made.json["payment_url"]))
    hands.press("Pay")
    assert works.shop.balance(works.main) == before + 25
    hands.visitor.page.reload()
    assert works.shop.balance(works.main) == before + 25


