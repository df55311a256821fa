"""Pages in other states than as they come: without their scripts, with a menu open, after a form that was refused. Axe
reads each of them on a phone, where menus are."""

from chromium import SIZES
from examine import Examiner
from hands import FOCUS, STOPS_MAX, Keys
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
# Pages with a part that opens, of each kind: columns, numbers of a chart, more fields. With --long all pages.
OPENING = {"admin": ("/prices?reseller={reseller}", "", "/audit", "/keys/{key}"), "portal": ("", "/api"),
           "console": ("/tenants/works", "/usage")}
# Surface → pages with a form, what is filled in, what is pressed: fields of a line, of several, and some that a script
# sends.
REFUSED = {
    "open": [("/apply", {}, "Apply"), ("/sign-in", {"E-mail": "nobody@there.example", "Password": "wrong"}, "Sign in")],
    "admin": [
        ("/resellers/{reseller}/correct", {"Amount": "much", "Reference": "a slip"}, "Correct the balance"),
        ("/prices/import", {"Or its text": "reseller,sku\nnobody,nothing\n"}, "Review changes"),
        ("/settings", {"Primary": "yellow"}, "Save"), ("/resellers/invite", {"E-mail": "none"}, "Invite"),
        ("/keys/{key}", {"Requests": "many"}, "Apply")],
    "portal": [
        ("/orders/new", {"Units": "0", "Your own id of the customer": "walk-2"}, "Ask for the price"),
        ("/webhooks/new", {"Address": "nowhere"}, "Add it"), ("/balance", {"Amount": "much"}, "Go to payment")],
    "console": [("/tenants/new", {"Slug": "No Slug"}, "Create")]}
# Long pages with a head that stays.
BACKWARDS = {"admin": ("/resellers", "/prices?reseller={reseller}"), "portal": ("/products",)}


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


def menus(checks, looking, surface, is_long):
    visitor = looking.visitor(surface)
    page, opened, found = visitor.page, 0, []
    with checks(f"U5 {surface} 21: every menu and part that opens is accessible once it is open"):
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
        for path in OPENING[surface] if not is_long else every_path(surface):
            looking.go(visitor, surface, path)
            if page.evaluate("() => [...document.querySelectorAll('main details')].filter(e => e.open = true).length"):
                found += looking.look(visitor, "all parts open")
                opened += 1
        assert opened >= 4, opened
        found += visitor.watch.take()
        assert not found, "\n".join(found)
    visitor.close()


def refused(checks, looking, surface, size):
    visitor = looking.visitor(surface, size=size)
    page = visitor.page
    with checks(f"U5 {surface} 21: forms that were refused are accessible with what they say of their fields, {size}"):
        found = []
        for path, fields, button in REFUSED[surface]:
            looking.go(visitor, surface, path)
            # The browser's own check is taken away: the gateway's answer is looked at.
            page.evaluate("() => { for (const form of document.forms) form.noValidate = true }")
            for label, text in fields.items():
                page.get_by_label(label).first.fill(text)
            page.get_by_role("button", name=button, exact=True).first.click()
            page.locator("[aria-invalid=true],[role=alert]").first.wait_for()
            found += looking.look(visitor, "refused")
        found += visitor.watch.take()
        assert not found, "\n".join(found)
    visitor.close()


def every_path(surface):
    """Those of the full tenant that whoever looks usually sees."""
    return [page.path for page in PAGES if page.surface == surface and page.who is None and page.status == 200
            and page.where in ("works", "both", "console")]


def backwards(checks, looking, surface):
    """By Shift+Tab from a long page's end: what gets the focus comes in at the top, where a head stays."""
    with checks(f"U5 {surface} 22: whoever goes back through a long page by keyboard sees each stop, below what stays"):
        visitor = looking.visitor(surface, size="desk")
        hands = Keys(visitor)
        for path in BACKWARDS[surface]:
            looking.go(visitor, surface, path)
            # Tab goes on from where one is: nothing is behind this.
            visitor.page.evaluate("""() => {
                const end = document.body.appendChild(document.createElement('span'))
                end.tabIndex = -1
                end.focus()
                end.remove()
            }""")
            for stops in range(STOPS_MAX):
                visitor.page.keyboard.press("Shift+Tab")
                hands.look()
                if visitor.page.evaluate("() => !document.activeElement.closest('main')"):
                    break
            assert stops >= 5, (path, stops)
        found = hands.faults + visitor.watch.take()
        assert not found, "\n".join(map(str, found[:10]))
        visitor.close()


def noticed(checks, looking):
    """The watch itself: what a page must not do is seen."""
    with checks("U5 17: a word in the console, a script that is stopped, a dialog and a foreign request are noticed"):
        visitor = looking.browser.visitor()
        policy = "default-src 'none'; script-src 'self' 'sha256-none'; img-src *"
        for body, headers, word in (
                ("<script>console.log('said')</script>", {}, "said"),
                ("<script>1</script>", {"Content-Security-Policy": policy}, "Content Security Policy"),
                ("<script>alert('dialog')</script>", {}, "dialog"),
                ("<script>nothing.there</script>", {}, "error"),
                ("<img src='http://elsewhere.example/x.png' alt=''>", {}, "another origin: http://elsewhere.example/")):
            html = f"<!doctype html><link rel=icon href='data:image/svg+xml,<svg/>'><title>x</title>{body}"
            visitor.page.unroute_all()
            visitor.page.route("**/noticed", lambda route: route.fulfill(
                content_type="text/html", headers=headers, body=html))
            visitor.go("/noticed")
            found = visitor.watch.take()
            assert any(word in fault for fault in found), (word, found)
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


def run(checks, world, browser, is_long=False):
    looking = Looking(world, browser)
    for surface in WITHOUT_SCRIPTS:
        without_scripts(checks, looking, surface)
        for size in ("phone", "desk"):
            refused(checks, looking, surface, size)
    for surface in STARTS:
        menus(checks, looking, surface, is_long)
    for surface in BACKWARDS:
        backwards(checks, looking, surface)
    noticed(checks, looking)
    focus(checks, looking)
