"""The operator's work: approvals."""

import itertools

from journeys_open import register
from shop import PASSWORD

numbers = itertools.count(1)
JOURNEYS = []
journey = register(JOURNEYS)


@journey("U2 U4 W11 3: somebody applies, waits, is approved in the row, and signs in")
def application(walk):
    works = walk.world.works
    email, name = f"hopeful-{next(numbers)}@there.example", f"Hopeful {next(numbers)}"

    def waiting():
        lines = {line["kind"]: line["count"] for line in works.admin("GET", "/attention")["data"]}
        return lines.get("applications", 0)

    before = waiting()
    hands = walk.another()
    hands.visitor.go("/t/works/apply")
    hands.fill("Company", name)
    hands.fill("Your name", name)
    hands.fill("E-mail", email)
    hands.fill("Password", PASSWORD)
    hands.press("Apply")
    assert hands.visitor.path == "/t/works/apply/waiting", hands.visitor.path
    assert waiting() == before + 1
    operator = walk.another("works", "operator")
    operator.visitor.go("/t/works/admin/resellers?status=pending")
    operator.press("Approve", email)
    found = works.admin("GET", f"/resellers?email={email}")["data"]
    assert [row["status"] for row in found] == ["active"] and waiting() == before, found
    hands.visitor.go("/t/works/sign-in")
    hands.fill("E-mail", email)
    hands.fill("Password", PASSWORD)
    hands.press("Sign in")
    assert hands.visitor.path.startswith("/t/works/portal"), hands.visitor.path


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
