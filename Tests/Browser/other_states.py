"""Pages in other states than as they come: without their scripts, with a menu open, after a form that was refused. Axe
reads each of them on a phone, where menus are."""

from chromium import SIZES
from examine import Examiner
from hands import FOCUS, STOPS_MAX
from pages_table import PAGES, address, who_looks
from signing import signed_in

# What scripts improve, or replace: filters, sheets, charts, choices, what lives, what is copied.
WITHOUT_SCRIPTS = {
    "open": ("/apply", "/program", "/api/partner/v1/docs"),
    "admin": (
        "", "/prices", "/products/new", "/keys/new", "/keys/{key}", "/usage", "/settings", "/events/replay", "/queue"),
    "portal": ("", "/orders/new", "/api", "/webhooks/new", "/limit/now", "/balance", "/account"),
    "console": ("", "/tenants/new", "/tenants/works", "/usage", "/keys")}
STARTS = {"admin": "/resellers/{reseller}", "portal": "", "console": "/tenants/works"}
# Surface → page, what is filled in, what is pressed.
REFUSED = {
    "open": ("/apply", {}, "Apply"),
    "admin": ("/resellers/{reseller}/correct", {"Amount": "much", "Reference": "a slip"}, "Correct the balance"),
    "portal": ("/orders/new", {"Units": "0", "Your own id of the customer": "walk-2"}, "Ask for the price"),
    "console": ("/tenants/new", {"Slug": "No Slug"}, "Create")}


class Looking:
    """Visitors of each surface, with the world's ids."""

    def __init__(self, world, browser):
        self.world, self.browser = world, browser
        self.examiner = Examiner(world.gateway)

    def visitor(self, surface, size="phone"):
        who = who_looks(next(page for page in PAGES if page.surface == surface and page.who is None))
        return signed_in(self.browser, self.world, "console" if surface == "console" else "works", who, size=size)

    def go(self, visitor, surface, path):
        tenant = "console" if surface == "console" else "works"
        page = next(page for page in PAGES if (page.surface, page.path, page.who) == (surface, path, None))
        where = address(page, "works", self.world.ids[tenant])
        answer = visitor.go(where)
        assert answer.status == 200, (where, answer.status)

    def look(self, visitor, what):
        return [f"{visitor.path}, {what}: {text}" for text in self.examiner.accessible(visitor)]


def without_scripts(checks, looking, surface):
    """axe is a script itself, so the page's own are answered by empty ones: nothing but them is missing."""
    visitor = looking.visitor(surface)
    visitor.context.route("**/*.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
    with checks(f"U5 {surface}: what is there without scripts is accessible on a phone"):
        found = []
        for path in WITHOUT_SCRIPTS[surface]:
            looking.go(visitor, surface, path)
            assert not visitor.page.evaluate("() => !!document.querySelector('body > .unseen[role=status]')"), path
            found += looking.look(visitor, "without scripts")
        found += visitor.watch.take()
        assert not found, "\n".join(found)
    visitor.close()


def menus(checks, looking, surface):
    visitor = looking.visitor(surface)
    page, opened, found = visitor.page, 0, []
    with checks(f"U5 {surface}: every menu is accessible once it is open, on a phone and on a desk"):
        for size in ("phone", "desk"):
            width, height = SIZES[size]
            page.set_viewport_size({"width": width, "height": height})
            for menu in (".menu", ".account", ".more"):
                looking.go(visitor, surface, STARTS[surface])
                summary = page.locator(f"{menu} > summary").first
                if not summary.count() or not summary.is_visible():
                    continue
                summary.click()
                page.locator(f"{menu}[open]").first.wait_for()
                found += looking.look(visitor, f"{menu} open, {size}")
                opened += 1
        # The account's at both sizes, the navigation's on a phone.
        assert opened >= 3, opened
        found += visitor.watch.take()
        assert not found, "\n".join(found)
    visitor.close()


def refused(checks, looking, surface):
    visitor = looking.visitor(surface)
    page = visitor.page
    path, fields, button = REFUSED[surface]
    with checks(f"U5 {surface}: a form that was refused is accessible with what it says of its fields"):
        looking.go(visitor, surface, path)
        # The browser's own check is taken away: the gateway's answer is looked at.
        page.evaluate("() => { for (const form of document.forms) form.noValidate = true }")
        for label, text in fields.items():
            page.get_by_label(label).first.fill(text)
        page.get_by_role("button", name=button).first.click()
        page.locator("[aria-invalid=true]").first.wait_for()
        found = looking.look(visitor, "refused")
        found += visitor.watch.take()
        assert not found, "\n".join(found)
    visitor.close()


def focus(checks, looking):
    with checks("U5 a button that does not show that it has the focus is found, whatever shadow it has"):
        visitor = looking.visitor("open", size="desk")
        page = visitor.page
        looking.go(visitor, "open", "/sign-in")
        button = page.get_by_role("button", name="Sign in")
        page.get_by_label("Password").focus()
        for outline, marked in (("", True), ("outline:0", False), ("outline:1px solid red", False),
                                ("outline:2px solid transparent", False)):
            page.evaluate("""outline => {
                const sheet = new CSSStyleSheet()
                sheet.replaceSync(outline && `:focus-visible{${outline}!important}`)
                document.adoptedStyleSheets = [sheet]
            }""", outline)
            for _ in range(STOPS_MAX):
                if button.evaluate("e => e === document.activeElement"):
                    break
                page.keyboard.press("Tab")
            assert page.evaluate("() => getComputedStyle(document.activeElement).boxShadow") != "none"
            assert page.evaluate(FOCUS)["marked"] == marked, outline
        visitor.close()


def run(checks, world, browser):
    looking = Looking(world, browser)
    for surface in WITHOUT_SCRIPTS:
        without_scripts(checks, looking, surface)
        refused(checks, looking, surface)
    for surface in STARTS:
        menus(checks, looking, surface)
    focus(checks, looking)
