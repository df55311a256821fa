"""Deliveries, endpoints, and ledgers that do not agree."""

import itertools
import re

from journeys_open import register
from receiver import NO_CONTENT, answer
from support import wait_until

numbers = itertools.count(1)
JOURNEYS = []
journey = register(JOURNEYS)


def outage(walk, count):
    """A reseller whose endpoint fails, and as many deliveries that wait for it."""
    works = walk.world.works
    made = works.shop.reseller(balance="100.00", name=f"Outage {next(numbers)}")
    works.shop.price(made, "vps-1", {"wholesale_monthly": "1.00"})
    path = f"/outage/{next(numbers)}"
    # Nothing is tried again by itself meanwhile.
    works.receiver.answers[path] = lambda count: answer(503, "Retry-After: 3600")
    hook = works.shop.call(made, "POST", "/webhooks", {
        "name": "shop", "url": works.receiver.url(path), "events": ["order.created"]})
    assert hook.status == 201, hook
    for _ in range(count):
        works.order(made, "vps-1")
    wait_until(lambda: works.receiver.count(path) >= count)
    return made, hook.json["id"], path


@journey("U2 O7 12: an outage: a banner, attempts with their outcomes; replayed by filter, counted, each id comes once")
def replaying(walk):
    works = walk.world.works
    made, hook, path = outage(walk, 5)
    rows = lambda: works.admin("GET", f"/deliveries?endpoint={hook}")["data"]
    wait_until(lambda: all(row["tries"] == 1 for row in rows()))
    hands = walk.another("works", "operator")
    hands.visitor.go("/t/works/admin")
    hands.follow(re.compile(r"webhooks? (is|are) failing"))
    hands.act(hands.page.locator(f"main a[href*='/endpoints/{hook}']").first)
    banner = hands.page.locator("main > .notice.bad, main > .notice.warn").inner_text()
    assert "Failing since" in banner and "5 failures in a row" in banner, banner
    hands.act(hands.page.locator("section", has_text="Deliveries").get_by_role("link", name="All", exact=True))
    assert hands.page.locator("main tbody tr").count() == 5
    hands.act(hands.page.locator("main tbody tr th a").first)
    attempts = hands.page.locator("#attempts tbody tr").all_inner_texts()
    assert len(attempts) == 1 and "503" in attempts[0], attempts
    hands.visitor.go(f"/t/works/admin/events?endpoint={hook}&state=pending")
    works.receiver.answers[path] = lambda count: NO_CONTENT
    before = works.receiver.count(path)
    hands.follow("Replay these")
    assert works.receiver.count(path) == before
    hands.press("Replay these 5")
    wait_until(lambda: works.receiver.count(path) >= before + 5)
    calls = works.receiver.calls[path][before:]
    ids = [each.headers["webhook-id"] for each in calls]
    assert len(set(ids)) == len(ids) == 5, ids
    wait_until(lambda: all(row["state"] == "delivered" for row in rows()))
    assert {row["event"] for row in rows()} == set(ids), (rows(), ids)
    hands.page.wait_for_url("**/events/replays/rpl_*")
    path_of_replay = f"/replays/{hands.visitor.path.split('?')[0].rsplit('/', 1)[1]}"
    wait_until(lambda: works.admin("GET", path_of_replay)["delivered"] == 5)
    hands.visitor.go(hands.visitor.path)
    assert "5 of 5 delivered, 0 failed again" in hands.page.locator("main").inner_text()
    hands.visitor.go(f"/t/works/admin/events?endpoint={hook}")
    hands.act(hands.page.locator("main tbody tr th a").first)
    attempts = hands.page.locator("#attempts tbody tr").all_inner_texts()
    assert ["204" in text for text in attempts] == [True, False] and "503" in attempts[1], attempts


@journey("U2 O7 13: a test event shows in place what the receiver answered")
def test_send(walk):
    works = walk.world.works
    made, hook, path = outage(walk, 1)
    hands = walk.another("works", "operator")
    hands.visitor.go(f"/t/works/admin/endpoints/{hook}")
    hands.press("Send a test event")
    panel = hands.page.locator("#test")
    assert "503" in panel.inner_text(), panel.inner_text()
    works.receiver.answers[path] = lambda count: NO_CONTENT
    hands.press("Send another")
    hands.page.locator("#test", has_text="The receiver took it.").wait_for()
    assert "204" in hands.page.locator("#test").inner_text()


@journey("U2 O8 15: a ledger that is a cent off: both sides are shown; the review is closed with a note",
         "mouse", "plain")
def reconciling(walk):
    world = walk.world
    tenant = world.gateway.tenant("panel")
    reseller = tenant["resellers"][0]["id"]
    hands = walk.another("panel", "owner")
    hands.visitor.go(f"/t/panel/admin/reconciliations/new?reseller={reseller}")
    hands.choose("Reseller", reseller)
    lines = ["external_ref,kind,amount,at,comment"] + [
        f"txn-{number},topup,{10 + number}.{'01' if number == 7 else '00'},2026-05-01T10:00:00Z,"
        for number in range(20)]
    hands.fill("Ledger", "\n".join(lines))
    hands.press("Compare")
    text = hands.page.locator("main").inner_text()
    assert "17.00" in text and "17.01" in text, text
    newest = world.admin(tenant, "GET", "/reconciliations?limit=1")["data"][0]
    report = world.admin(tenant, "GET", f"/reconciliations/{newest['id']}")
    assert report["differing"]["count"] == 1, report
    review = report["review"]
    assert world.admin(tenant, "GET", f"/reviews/{review}")["status"] == "open"
    hands.visitor.go(f"/t/panel/admin/reviews/{review}")
    hands.fill("Note", "Their rounding; agreed.")
    hands.press("Close the review")
    told = world.admin(tenant, "GET", f"/reviews/{review}")
    assert told["status"] == "closed" and told["note"] == "Their rounding; agreed.", told
