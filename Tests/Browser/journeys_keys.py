"""Keys: issued, tuned, rehearsed, rotated, revoked; and the audit log that has all of it."""

import csv
import io
import itertools
import re

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
    rows = chart.locator("table tbody tr").evaluate_all(
        "all => all.map(row => [...row.querySelectorAll('td')].map(e => +e.textContent.replace(/\\D/g, '')))")
    # The hour that is under way, and seven days of them before it.
    assert chart.locator("svg g[data-label]").count() == len(rows) == 7 * 24 + 1, len(rows)
    bars = chart.locator("svg g[data-label]").evaluate_all(
        "all => all.map(e => [...e.dataset.text.matchAll(/[\\d,]+/g)].map(m => +m[0].replace(/,/g, '')))")
    assert [row[:2] for row in rows] == bars, (rows, bars)
    passed, refused, both = map(sum, zip(*rows))
    assert (refused, both) == (report["would_be_refused"], report["asked"]) and passed + refused == both, (rows, report)


@journey("U2 O1 9: a key rotated with an overlap of a minute: both secrets open, then the new one alone")
def rotating(walk):
    _, minted, hands = seller(walk)
    hands.visitor.go(f"/t/works/admin/keys/{minted['id']}/rotate")
    hands.choose("The present secret works on", "60")
    hands.press("Rotate")
    fresh = next(key for key in re.findall(r"tgh_live_\w{20,}", hands.page.content()) if key != minted["key"])
    assert [call(walk, key).status for key in (minted["key"], fresh)] == [200, 200]
    hands.visitor.go(f"/t/works/admin/keys/{minted['id']}")
    notice = hands.page.locator("main .notice", has_text="secret before this one works too, until")
    until = walk.world.works.admin("GET", f"/api-keys/{minted['id']}")["previous_valid_until"]
    assert notice.locator("time").get_attribute("datetime") == until, (notice.inner_text(), until)
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


def audit_rows(hands):
    """Of the page: request and status of each row."""
    return hands.page.locator("main table tbody tr:has(th a)").evaluate_all("""all => all.map(row => [
        new URL(row.querySelector('th a').href).searchParams.get('request_id'),
        row.querySelector('.state').textContent])""")


@journey("U2 O6 14: the audit log by reseller and status: its export has the rows that are shown; verified, it says "
         "its head")
def audit(walk):
    works = walk.world.works
    made, minted, hands = seller(walk, requests=2, window_seconds=3600)
    refused = sorted(answer.headers["request-id"] for answer in (call(walk, minted["key"]) for _ in range(7))
                     if answer.status == 429)
    assert len(refused) == 5, refused
    hands.visitor.go("/t/works/admin/audit")
    # As many as one page of the API has are offered by name.
    are_offered = not works.admin("GET", "/resellers?limit=100")["has_more"]
    (hands.choose if are_offered else hands.fill)("Reseller", made["id"])
    hands.fill("Status", "429")
    hands.press("Filter")
    shown = audit_rows(hands)
    # A page of a search that finds little may be short, and goes on.
    while (onward := hands.page.locator("a[rel=next], a:text-is('Look further')")).count():
        hands.act(onward.first)
        shown += audit_rows(hands)
    assert sorted(shown) == [[id, "429"] for id in refused], (shown, refused)
    export = hands.page.get_by_role("link", name=re.compile("CSV")).first.get_attribute("href")
    from plain import Plain
    from signing import cookie
    file = Plain(walk.gateway, cookie(walk.browser, walk.world, "works", "owner")).get(export)
    assert file.status == 200, file
    rows = list(csv.DictReader(io.StringIO(file.body.decode())))
    assert sorted([row["request_id"], row["status"]] for row in rows) == sorted(shown), (rows, shown)
    assert {row["reseller"] for row in rows} == {made["id"]}, rows
    hands.visitor.go("/t/works/admin/audit")
    hands.follow("Verify")
    hands.press("Verify")
    for _ in range(20):
        text = hands.page.locator("main").inner_text()
        told = works.admin("GET", "/audit/head")
        assert "Sound." in text, text
        head = re.search(r"\d+:(\d+):[0-9a-f]{64}", text)
        if int(head.group(1)) == told["seq"]:
            break
        # Somebody's calls were written in between.
        hands.follow("Verify again")
        hands.press("Verify")
    assert head.group(0) == told["head"], (head, told)


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
    # By the form: one step back, and an address that shows anybody the same.
    hands.visitor.go(address)
    before = page.evaluate("() => history.length")
    hands.fill("Customer", "c-1")
    hands.press("Filter")
    assert page.evaluate("() => history.length") == before + 1
    seen = lambda page: (page.get_by_label("Customer").first.input_value(),
                         page.locator(".tabs [aria-current]").first.inner_text(),
                         page.locator("main tbody tr th").all_inner_texts())
    address, told = page.url, seen(page)
    assert told[0] == "c-1" and told[1].startswith("Pending") and told[2], told
    page.reload()
    assert seen(page) == told and page.url == address
    other = walk.another("works", "owner")
    other.visitor.go(address)
    assert seen(other.page) == told
    page.go_back()
    assert "customer=c-1" not in page.url and "state=pending" in page.url, page.url
    page.go_forward()
    assert page.url == address and seen(page) == told
