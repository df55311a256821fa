"""Limits and the log: what a journey with a key (`journeys_keys`) does not do."""

import re

from journeys_open import register
from shop import PARTNER

JOURNEYS = []
journey = register(JOURNEYS)


def number(text):
    return int(re.search(r"[\d,]+", text).group(0).replace(",", ""))


class Keys:
    """An operator at a reseller's key of its own."""

    def __init__(self, walk):
        self.walk, self.works = walk, walk.world.works
        self.hands = walk.another("works", "owner")
        self.page, self.go = self.hands.page, self.hands.visitor.go

    def path(self, *parts):
        return "/t/works/admin/" + "/".join(parts)

    def mint(self, **fields):
        made = self.works.admin("POST", "/api-keys", {"owner_email": self.works.main["email"], **fields})
        return made["id"], made["key"]

    def call(self, key):
        return self.walk.gateway.get(f"/t/works{PARTNER}/balance", key=key)


@journey("O2 U2 a limit that is tuned has its changes listed, each with its row in the log and that row's proof")
def tuned(walk):
    keys = Keys(walk)
    hands, page = keys.hands, keys.page
    key_id, key = keys.mint(name="tuned", limit={"requests": 1000, "window_seconds": 3600})
    answer = keys.call(key)
    assert answer.status == 200, answer
    keys.go(keys.path("keys", key_id))
    hands.fill("Requests", "2", page.locator("#tuner"))
    hands.fill("Burst optional", "2", page.locator("#tuner"))
    hands.press("Apply", page.locator("#tuner"))
    statuses = [keys.call(key).status for _ in range(4)]
    assert 429 in statuses[1:] and statuses[-1] == 429, statuses
    said = keys.call(key).headers["ratelimit"]
    left = int(re.search(r"r=(\d+)", said).group(1))
    if walk.way.scripts:
        page.wait_for_function(f"() => document.querySelector('#left')?.textContent.startsWith('{left} left')")
    else:
        keys.go(keys.path("keys", key_id))
    shown = page.locator("#left").inner_text()
    now = keys.works.admin("GET", f"/api-keys/{key_id}/limit")["limit"]
    assert number(shown) == left == now["remaining"] and now["requests"] == 2, (shown, said, now)
    hands.press("Fill again")
    assert keys.call(key).status == 200
    hands.follow("Take the limit away…")
    assert keys.works.admin("GET", f"/api-keys/{key_id}")["limit"], "the limit goes before anybody has confirmed it"
    hands.press("Take the limit away")
    assert keys.works.admin("GET", f"/api-keys/{key_id}")["limit"] is None
    changes = keys.works.admin("GET", f"/api-keys/{key_id}/limit/history")["data"]
    assert [change["to"] and change["to"]["requests"] for change in changes] == [None, 2], changes
    keys.go(keys.path("keys", key_id))
    table = page.locator("#history")
    assert table.get_by_text("in the chain", exact=True).count() == 2 and "1,000 in 3,600 s" in table.inner_text()
    hands.act(table.get_by_role("link", name="Audit row").first)
    assert changes[0]["request_id"] in page.locator("main").inner_text()
    assert "in the chain" in page.locator("main").inner_text()


@journey("O2 U2 a limit whose requests alone are changed lets as many through at once, a key's and a reseller's")
def raised(walk):
    keys = Keys(walk)
    hands, page, works = keys.hands, keys.page, keys.works
    key_id, key = keys.mint(name="raised", limit={"requests": 6, "window_seconds": 3600})
    reseller = works.shop.reseller(balance="10.00", name="Raised")["id"]
    limits = (
        (keys.path("keys", key_id), lambda: works.admin("GET", f"/api-keys/{key_id}")["limit"]),
        (keys.path("resellers", reseller, "limit"), lambda: works.admin("GET", f"/resellers/{reseller}")["rate_limit"]))
    for path, limit in limits:
        keys.go(path)
        hands.fill("Requests", "60", page.locator("#tuner"))
        hands.press("Apply", page.locator("#tuner"))
        assert (limit()["requests"], limit()["burst"]) == (60, 60), limit()
        where = "#tuner > .notice" if walk.way.scripts else "main > .notice"
        assert page.locator(where).inner_text() == "Applied.", page.locator("main").inner_text()
    said = keys.call(key).headers["ratelimit-policy"]
    assert "q=60" in said, said


@journey("O2 U2 a limit that cannot be is refused at its field: nothing typed is lost, nothing is changed")
def refused(walk):
    keys = Keys(walk)
    hands, page = keys.hands, keys.page
    key_id, _ = keys.mint(name="refused", limit={"requests": 10, "window_seconds": 60})
    keys.go(keys.path("keys", key_id))
    hands.fill("Requests", "many", page.locator("#tuner"))
    hands.press("Apply", page.locator("#tuner"))
    field = page.locator("#tuner").get_by_label("Requests")
    assert field.input_value() == "many" and field.get_attribute("aria-invalid") == "true"
    said = page.locator("#tuner > .notice a" if walk.way.scripts else "main > .notice a")
    assert said.inner_text().startswith("Requests: "), said.inner_text()
    assert keys.works.admin("GET", f"/api-keys/{key_id}")["limit"]["requests"] == 10
    hands.fill("Requests", "0", page.locator("#rehearsal"))
    hands.press("Rehearse")
    assert page.locator("#rehearsal").get_by_label("Requests").get_attribute("aria-invalid") == "true"


@journey("O2 U2 the smallest limit of a rehearsal is a button; a reseller's limit is rehearsed too", "mouse", "plain")
def rehearsed(walk):
    keys = Keys(walk)
    hands, page = keys.hands, keys.page
    key_id = keys.works.ids["key"]
    keys.go(keys.path("keys", key_id))
    panel = page.locator("#rehearsal")
    hands.fill("Requests", "3", panel)
    hands.fill("In", "3600", panel)
    hands.fill("Burst optional", "3", panel)
    hands.press("Rehearse", panel)
    report = keys.works.admin("POST", f"/api-keys/{key_id}/limit/rehearse", {
        "requests": 3, "window_seconds": 3600, "burst": 3, "days": 7})
    panel = page.locator("#rehearsal")
    assert number(panel.locator("#asked").inner_text()) == report["asked"] > 0
    assert number(panel.locator("#refused").inner_text()) == report["would_be_refused"] > 0
    assert panel.locator("figure g[data-label]").count() == 7 * 24 + 1
    hands.open("Numbers", panel)
    cells = [number(cell) for cell in panel.locator("figure tbody tr td:nth-child(3)").all_inner_texts()]
    assert sum(cells) == report["would_be_refused"], (cells, report["would_be_refused"])
    smallest = report["smallest"]
    hands.press(re.compile("^Use "), panel)
    limit = keys.works.admin("GET", f"/api-keys/{key_id}")["limit"]
    assert {name: limit[name] for name in smallest} == smallest, (limit, smallest)
    reseller = keys.works.main["id"]
    keys.go(keys.path("resellers", reseller, "limit") + "?requests=5&window_seconds=3600&burst=5&days=7")
    report = keys.works.admin("POST", f"/resellers/{reseller}/rate-limit/rehearse", {
        "requests": 5, "window_seconds": 3600, "burst": 5, "days": 7})
    assert number(page.locator("#refused").inner_text()) == report["would_be_refused"] > 0
    assert page.get_by_text("Keys that it would hit").count() >= 1


@journey("O6 U2 G5 the log is verified against a head that somebody kept", "mouse", "plain")
def kept(walk):
    keys = Keys(walk)
    hands, page = keys.hands, keys.page
    head = keys.works.admin("GET", "/audit/head")["head"]
    for text, verdict in ((head, "Sound."), ("1:1:" + "0" * 64, "Not sound")):
        keys.go(keys.path("audit", "verify"))
        hands.fill(re.compile("^A head that you kept"), text)
        hands.press("Verify")
        assert verdict in page.locator("main").inner_text(), page.locator("main").inner_text()


@journey("U2 O6 O2 a call over the limit leads from its reseller to the limits that may have refused it")
def over_the_limit(walk):
    works = walk.world.works
    hands = walk.another("works", "operator")
    hands.visitor.go(f"/t/works/admin/resellers/{works.ids['reseller']}?range=30d")
    hands.follow("Over the limit")
    assert "status=429" in hands.visitor.path and "days=30" in hands.visitor.path, hands.visitor.path
    while hands.link("Look further").count():
        assert not hands.link("Next").count(), "one way on"
        hands.follow("Look further")
    hands.act(hands.page.locator("main tbody th a").first)
    assert hands.link("its key's").get_attribute("href").split("?")[0].rsplit("/", 1)[1].startswith("key_")
    hands.follow("its reseller's")
    assert hands.visitor.path.endswith(f"/resellers/{works.ids['reseller']}/limit"), hands.visitor.path
