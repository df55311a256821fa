"""The operator's work: approvals."""

import itertools

from hands import word
from journeys_open import register
from shop import PASSWORD

numbers = itertools.count(1)
JOURNEYS = []
journey = register(JOURNEYS)


@journey("U2 U4 W11 3: somebody applies, the operator's count goes from 0 to 1; approved in the row, it signs in")
def application(walk):
    admin = lambda path: walk.world.empty.shop.admin("GET", path).json["data"]
    email, name = f"hopeful-{next(numbers)}@there.example", f"Hopeful {next(numbers)}"
    operator = walk.another("empty", "owner")

    def counted():
        """What the navigation says, and the API."""
        operator.visitor.go("/t/empty/admin")
        count = operator.page.locator("nav a[href$='/admin/resellers'] .count").first
        lines = {line["kind"]: line["count"] for line in admin("/attention")}
        shown = int(count.evaluate("e => e.firstChild.textContent")) if count.count() else 0
        return shown, lines.get("applications", 0)

    assert counted() == (0, 0), counted()
    hands = walk.another()
    hands.visitor.go("/t/empty/apply")
    hands.fill("Company", name)
    hands.fill("Your name", name)
    hands.fill("E-mail", email)
    hands.fill("Password", PASSWORD)
    hands.press("Apply")
    assert hands.visitor.path == "/t/empty/apply/waiting", hands.visitor.path
    assert counted() == (1, 1), counted()
    operator.follow(word("Resellers"))
    operator.press("Approve", email)
    found = admin(f"/resellers?email={email}")
    assert [row["status"] for row in found] == ["active"] and counted() == (0, 0), found
    hands.visitor.go("/t/empty/sign-in")
    hands.fill("E-mail", email)
    hands.fill("Password", PASSWORD)
    hands.press("Sign in")
    assert hands.visitor.path.startswith("/t/empty/portal"), hands.visitor.path


@journey("U4 a wrong password and an unknown address are answered alike, and the address stays")
def wrong_password(walk):
    texts = []
    hands = walk.another()
    for email in (walk.world.login("works", "owner")[0], "nobody@there.example"):
        hands.visitor.go("/t/works/sign-in")
        hands.fill("E-mail", email)
        hands.fill("Password", "not the password")
        hands.press("Sign in")
        assert hands.visitor.path.startswith("/t/works/sign-in"), hands.visitor.path
        assert hands.field("E-mail").input_value() == email
        assert hands.field("Password").input_value() == ""
        texts.append(hands.page.get_by_role("alert").inner_text())
    assert texts[0] == texts[1] and texts[0], texts
