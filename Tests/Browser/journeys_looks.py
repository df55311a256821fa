"""How people like their lists, and how they find them again: the height of rows, an order, filters; and a theme that is
looked at before it is saved."""

import re

from journeys_console import provider
from journeys_desk import desk
from journeys_open import register
from signing import signed_in

JOURNEYS = []
journey = register(JOURNEYS)
PADDING = "() => getComputedStyle(document.querySelector('main tbody th')).paddingTop"


@journey("U5 rows are as high as one likes, on this page and the next, without a script as well")
def rows(walk):
    hands = desk(walk, "/resellers")
    for value, padding in (("compact", "5px"), ("comfortable", "12px"), ("", "8px")):
        hands.visitor.go("/t/works/admin/resellers?status=active")
        hands.open(walk.world.works.owner_email)
        hands.choose("Rows", value)
        hands.press("Set")
        assert hands.visitor.path == "/t/works/admin/resellers?status=active", hands.visitor.path
        for path in ("/resellers", "/products"):
            hands.visitor.go(f"/t/works/admin{path}")
            assert hands.page.locator("html").get_attribute("data-rows") == (value or None), path
            # On a phone each row is a card.
            if walk.way.size == "desk" and walk.way.scripts:
                assert hands.page.evaluate(PADDING) == padding, (value, path, hands.page.evaluate(PADDING))


@journey("U1 P2 the head of a column orders the tenants, says so, and turns round", "mouse", "keys")
def sorting(walk):
    hands = provider(walk)
    for order, sort in (("descending", "-size"), ("ascending", "size")):
        table = hands.page.locator("table", has=hands.page.locator("caption", has_text=re.compile("^Tenants$")))
        hands.follow("Size", table)
        assert hands.visitor.path.endswith(f"sort={sort}"), hands.visitor.path
        assert hands.page.locator(f"th[aria-sort={order}]").all_inner_texts() == ["Size"]


@journey("U2 U5 filters survive Back, a reload, a copied address and a look at one of the list's things")
def filters(walk):
    works = walk.world.works
    email = works.admin("GET", f"/resellers/{works.ids['reseller']}")["email"]
    hands = desk(walk, "/resellers?status=active")
    hands.fill("Find", email, hands.page.locator("form.filters"))
    hands.press("Find", hands.page.locator("form.filters"))
    seen = hands.visitor.path
    assert "status=active" in seen and "q=" in seen, seen
    names = hands.page.locator("main tbody th a").all_inner_texts()
    assert len(names) == 1, names
    hands.follow(names[0], hands.page.locator("main"))
    hands.follow("Resellers", hands.page.locator("main .head"))
    assert hands.page.locator("main tbody th a").all_inner_texts() == names
    assert "status=active" in hands.visitor.path and "q=" in hands.visitor.path, hands.visitor.path
    hands.back()
    hands.back()
    assert hands.visitor.path == seen, (hands.visitor.path, seen)
    hands.page.reload()
    assert hands.page.locator("main tbody th a").all_inner_texts() == names
    other = walk.another("works", "operator")
    other.visitor.go(seen)
    assert other.page.locator("main tbody th a").all_inner_texts() == names


@journey("U2 O12 colours are looked at before they are saved; one that is none is told at its field")
def preview(walk):
    works = walk.world.works
    before = works.admin("GET", "/settings")["colours"]
    hands = desk(walk, "/settings")
    try:
        hands.fill("Primary", "yellow")
        hands.press("Preview")
        assert hands.page.locator("[aria-invalid=true]").get_attribute("name") == "colours.primary"
        assert hands.field("Primary").input_value() == "yellow"
        hands.fill("Primary", "#ffff00")
        hands.press("Preview")
        assert hands.page.get_by_text("Nothing is saved yet.").count() == 1
        assert hands.page.locator("#look svg path[fill='#ffff00']").count() == 2
        assert works.admin("GET", "/settings")["colours"] == before
        hands.press("Save")
        assert works.admin("GET", "/settings")["colours"]["primary"] == "#ffff00"
        assert hands.page.get_by_text("Nothing is saved yet.").count() == 0
    finally:
        works.shop.admin("PATCH", "/settings", {"colours": before})


# Whether the element shows the first letter of its text.
BEGINS = """e => {
    const range = document.createRange()
    range.setStart(e.firstChild, 0)
    range.setEnd(e.firstChild, 1)
    const letter = range.getBoundingClientRect(), box = e.getBoundingClientRect()
    return letter.left > box.left - 1 && letter.right < box.right + 1
}"""


@journey("U5 O12 a long name that is written from right to left is cut at its end, as others are", "mouse")
def cut(walk):
    works = walk.world.works
    before = works.admin("GET", "/settings")["name"]
    visitor = signed_in(walk.browser, walk.world, "works", "owner", size="narrow")
    try:
        for name in ("שירותי אירוח ושרתים וירטואליים לכל המפיצים במזרח התיכון",
                     "شركة الاستضافة العربية المتحدة للخدمات السحابية والنطاقات", "W" * 80):
            works.shop.admin("PATCH", "/settings", {"name": name})
            for path in ("/program", "/admin"):
                visitor.go(f"/t/works{path}")
                brand = visitor.page.locator(".brand b")
                assert brand.evaluate("e => e.scrollWidth > e.clientWidth"), (path, name)
                assert brand.evaluate(BEGINS), (path, name)
    finally:
        visitor.close()
        works.shop.admin("PATCH", "/settings", {"name": before})


@journey("U5 O12 a long name and colours of a tenant's own leave pages as wide as a screen of 320 px", "mouse")
def narrow(walk):
    works = walk.world.works
    before = works.admin("GET", "/settings")
    works.shop.admin("PATCH", "/settings", {"name": "W" * 100, "colours": {"primary": "#ffff00", "accent": "#000000"}})
    visitor = signed_in(walk.browser, walk.world, "works", "owner", size="narrow")
    try:
        for path in ("/program", "/apply", "/api/partner/v1/docs", "/admin", "/admin/settings"):
            visitor.go(f"/t/works{path}")
            width = visitor.page.evaluate("() => document.documentElement.scrollWidth")
            assert width <= 320, (path, width)
    finally:
        visitor.close()
        works.shop.admin("PATCH", "/settings", {"name": before["name"], "colours": before["colours"]})


@journey("U5 in forced colours a chart's key shows whose bars are whose, and one tab alone is marked", "mouse")
def forced(walk):
    visitor = signed_in(walk.browser, walk.world, "works", "owner", forced_colors="active")
    try:
        visitor.go("/t/works/admin/audit")
        keys = visitor.page.evaluate(
            "() => [...document.querySelectorAll('span.key i')].map(e => getComputedStyle(e).backgroundColor)")
        assert len(keys) == 4 == len(set(keys)), keys
        lines = visitor.page.evaluate(
            "() => [...document.querySelectorAll('.tabs a')].map(e => getComputedStyle(e).borderBottomWidth)")
        assert sum(line != "0px" for line in lines) == 1 < len(lines), lines
    finally:
        visitor.close()
