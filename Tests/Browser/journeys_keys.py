"""Keys: issued, tuned, rehearsed, rotated, revoked; and the audit log that has all of it."""

import csv
import io
import itertools
import re
import urllib.parse

from journeys_open import register
from shop import PARTNER

numbers = itertools.count(1)
JOURNEYS = []
journey = register(JOURNEYS)


def seller(walk, **limit):
    """A reseller of our own with a key, and an operator before that key's page."""
    works = walk.world.works
    made = works.shop.reseller(balance="10.00", name=f"Keyholder {next(numbers)}")
    minted = works.shop.mint(made, name=f"key {next(numbers)}", **({"limit": limit} if limit else {}))
    assert minted.status == 201, minted
    hands = walk.another("works", "owner")
    return made, minted.json, hands


def call(walk, key):
    return walk.gateway.get(f"/t/works{PARTNER}/products", key=key)


@journey("U2 O1 6: an issued key is shown once, goes onto the clipboard, and the list has its prefix alone")
def issuing(walk):
    made, _, hands = seller(walk)
    page = hands.page
    hands.visitor.go("/t/works/admin/keys/new")
    hands.fill("Account", made["email"])
    hands.fill("Name", "storefront")
    hands.press("Issue key")
    [key] = set(re.findall(r"tgh_live_\w{20,}", page.content()))
    assert call(walk, key).status == 200
    if walk.way.scripts:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        hands.press(re.compile("^Copy"), page.locator(".copy").first)
        assert page.evaluate("() => navigator.clipboard.readText()") == key
    # Gone with the page: not there again, nor after going back.
    page.goto(page.url)
    hands.visitor.go(f"/t/works/admin/keys?reseller={made['id']}")
    assert key not in page.content() and key[:13] in page.content()
    page.go_back()
    assert key not in page.content(), "the key was kept by the browser"


@journey("U2 O1 7: a limit that is changed holds from the next call on, and the meter says what the headers say")
def tuning(walk):
    made, minted, hands = seller(walk, requests=1000, window_seconds=3600)
    hands.visitor.go(f"/t/works/admin/keys/{minted['id']}")
    panel = hands.page.locator("#tuner")
    hands.fill("Requests", "2", panel)
    if hands.field("Burst", panel).count():
        hands.fill("Burst", "2", panel)
    hands.press("Apply", panel)
    # What it was filled with is rescaled: it is filled up again.
    hands.press("Fill again", hands.page.locator("#tuner"))
    answers = [call(walk, minted["key"]) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429], answers
    remaining = re.search(r"r=(\d+)", answers[2].headers["ratelimit"]).group(1)
    hands.page.reload()
    assert f"{remaining} left" in hands.page.locator("#use").inner_text(), hands.page.locator("#use").inner_text()
    if walk.way.scripts:
        # The meter follows by itself.
        hands.fill("Requests", "50", hands.page.locator("#tuner"))
        hands.fill("Burst", "50", hands.page.locator("#tuner"))
        hands.press("Apply", hands.page.locator("#tuner"))
        hands.press("Fill again", hands.page.locator("#tuner"))
        for _ in range(5):
            assert call(walk, minted["key"]).status == 200
        hands.page.locator("#left", has_text=re.compile("4[45] left")).wait_for()


@journey("U2 O2 8: a rehearsal's numbers are the API's; its chart has a bar an hour and a table of the same sums",
         "mouse", "plain")
def rehearsing(walk):
    works = walk.world.works
    key = works.ids["key"]
    hands = walk.another("works", "operator")
    hands.visitor.go(f"/t/works/admin/keys/{key}")
    panel = hands.page.locator("#rehearsal")
    hands.fill("Requests", "2", panel)
    hands.fill("In", "3600", panel)
    hands.fill("Burst", "2", panel)
    hands.choose("Over", "7", panel)
    hands.press("Rehearse", panel)
    report = works.admin("POST", f"/api-keys/{key}/limit/rehearse", {
        "requests": 2, "window_seconds": 3600, "burst": 2, "days": 7})
    assert report["would_be_refused"] > 0, report
    digits = lambda name: re.sub(r"\D", "", hands.page.locator(f"#{name}").inner_text())
    assert digits("asked") == str(report["asked"]), (digits("asked"), report["asked"])
    assert digits("refused") == str(report["would_be_refused"]), digits("refused")
    chart = hands.page.locator("#rehearsal .chart")
    cells = chart.locator("table tbody td").evaluate_all("all => all.map(e => +e.textContent.replace(/\\D/g, ''))")
    assert sum(cells) >= report["asked"], (sum(cells), report["asked"])


@journey("U2 O1 9: a key rotated with an overlap of a minute: both secrets open, then the new one alone")
def rotating(walk):
    _, minted, hands = seller(walk)
    hands.visitor.go(f"/t/works/admin/keys/{minted['id']}/rotate")
    hands.choose("The present secret works on", "60")
    hands.press("Rotate")
    fresh = next(key for key in re.findall(r"tgh_live_\w{20,}", hands.page.content()) if key != minted["key"])
    assert [call(walk, key).status for key in (minted["key"], fresh)] == [200, 200]
    hands.visitor.go(f"/t/works/admin/keys/{minted['id']}")
    assert "secret before this one works too, until" in hands.page.locator("main").inner_text()
    walk.gateway.jump(61)
    assert [call(walk, key).status for key in (minted["key"], fresh)] == [401, 200]


@journey("U2 O1 a terminated reseller's key says so, among those that have ended, and is offered no new secret")
def ended(walk):
    made, minted, hands = seller(walk)
    main = lambda: hands.page.locator("main").inner_text()
    assert walk.world.works.shop.move(made, "terminate").status == 200
    hands.visitor.go(f"/t/works/admin/keys?state=ended&reseller={made['id']}")
    assert "terminated" in main() and "active" not in hands.page.locator("main tbody").inner_text(), main()
    hands.visitor.go(f"/t/works/admin/keys/{minted['id']}")
    assert "terminated" in main() and hands.page.get_by_role("link", name="Rotate…").count() == 0, main()
    assert hands.page.locator("#tuner form").count() == 0


@journey("U2 O1 a key is revoked on a page that says what that does", "mouse", "plain")
def revoking(walk):
    _, minted, hands = seller(walk)
    hands.visitor.go(f"/t/works/admin/keys/{minted['id']}")
    hands.follow("Revoke…")
    assert call(walk, minted["key"]).status == 200
    hands.press("Revoke this key")
    assert call(walk, minted["key"]).status == 401


@journey("U2 O6 14: the audit log by filter; its export has the rows that are shown; verified, it says its head")
def audit(walk):
    works = walk.world.works
    hands = walk.another("works", "owner")
    query = {"key": works.ids["key"], "status": "429"}
    hands.visitor.go("/t/works/admin/audit?" + urllib.parse.urlencode(query))
    # A page of a search that finds little may be short, and goes on.
    shown = 0
    for _ in range(40):
        shown = hands.page.locator("main table").last.locator("tbody tr").count()
        onward = hands.page.locator("a[rel=next], a:text-is('Look further')")
        if shown or not onward.count():
            break
        onward.first.click()
        hands.page.wait_for_load_state()
    export = hands.page.get_by_role("link", name=re.compile("CSV")).first.get_attribute("href")
    assert "429" in export, export
    from plain import Plain
    from signing import cookie
    file = Plain(walk.gateway, cookie(walk.browser, walk.world, "works", "owner")).get(export)
    assert file.status == 200, file
    rows = list(csv.reader(io.StringIO(file.body.decode())))[1:]
    assert shown and len(rows) >= shown, (len(rows), shown)
    hands.visitor.go("/t/works/admin/audit")
    hands.follow("Verify")
    hands.press("Verify")
    text = hands.page.locator("main").inner_text()
    head = re.search(r"[0-9a-f]{64}", text).group(0)
    told = works.shop.admin("GET", "/audit/head").json
    assert "Sound." in text and (head == told["head"] or told["seq"] > 0), (head, told)


@journey("U5 25: filters stay after going back, reloading, and in a copied address; each sending is one step back",
         "mouse")
def filters(walk):
    hands = walk.another("works", "operator")
    page = hands.page
    hands.visitor.go("/t/works/admin/orders")
    before = page.evaluate("() => history.length")
    hands.follow(re.compile("^Waiting|^Pending"), page.locator(".tabs"))
    address = page.url
    rows = page.locator("main tbody tr").count()
    assert "state=pending" in address and page.evaluate("() => history.length") == before + 1
    page.locator("main tbody tr a").first.click()
    page.go_back()
    assert page.url == address and page.locator("main tbody tr").count() == rows
    page.reload()
    assert page.url == address and page.locator("main tbody tr").count() == rows
    page.go_back()
    assert "state=" not in page.url, page.url
