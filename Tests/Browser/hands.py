"""The hands of a visitor: a mouse, or a keyboard alone. A journey is told once and done with either."""

import re

STOPS_MAX = 400
# What a keyboard stands on: whether one sees that it does, and whether something lies over it. A shadow is no sign:
# buttons have one always.
FOCUS = """() => {
    const e = document.activeElement
    if (!e || e === document.body) return null
    const s = getComputedStyle(e), b = e.getBoundingClientRect()
    const isSeen = s.outlineStyle !== 'none' && !/^rgba.*, 0\\)$/.test(s.outlineColor)
    const marked = isSeen && parseFloat(s.outlineWidth) >= 2
    const x = Math.max(0, Math.min(innerWidth - 1, b.left + Math.min(b.width / 2, 20)))
    const y = b.top + Math.min(b.height / 2, 10)
    const over = y < 0 || y >= innerHeight ? null : document.elementFromPoint(x, y)
    const covered = !!over && over !== e && !e.contains(over) && !over.contains(e) && !over.closest('label')
    return { html: e.outerHTML.slice(0, 160), marked, covered, outside: y < 0 || y >= innerHeight }
}"""

# Whether pressing it asks for a page: a link elsewhere, a form's button.
ASKS = """e => e.tagName === 'A' ? !e.getAttribute('href').startsWith('#') && !e.hasAttribute('download')
    : e.tagName === 'BUTTON' && e.type === 'submit' && !!e.form"""

# Whether a script may send it, and put its answer in place of a part of the page.
SWAPS = "e => !!(e.form && e.form.dataset.swap)"


class Mouse:
    def __init__(self, visitor):
        self.visitor, self.page = visitor, visitor.page

    def within(self, place):
        """`place`: the text of a row or panel that it is in; a locator; none: anywhere in the page."""
        if place is None:
            return self.page
        if isinstance(place, str):
            return self.page.locator("tr,li,section,article,form").filter(has_text=place).last
        return place

    def field(self, label, place=None):
        # Behind a label may stand that the field may be left out.
        name = re.compile(rf"^\s*{re.escape(label)}(\s+optional)?\s*$") if isinstance(label, str) else label
        return self.within(place).get_by_label(name).first

    def button(self, name, place=None):
        return self.within(place).get_by_role("button", name=name, exact=isinstance(name, str)).first

    def link(self, name, place=None):
        return self.within(place).get_by_role("link", name=name, exact=isinstance(name, str)).first

    def enter(self, field):
        """The focus goes there."""
        field.click()

    def look(self):
        """At what has the focus: whoever has a mouse does not need to."""

    def fill(self, label, text, place=None):
        self.field(label, place).fill(text)

    def choose(self, label, value, place=None):
        self.field(label, place).select_option(value)

    def check(self, label, place=None):
        self.field(label, place).check()

    def press(self, name, place=None):
        self.act(self.button(name, place))

    def follow(self, name, place=None):
        # On a phone the navigation stands behind its summary.
        if place is None and not self.link(name).count() and self.page.locator(".menu summary").is_visible():
            self.open("Menu")
        self.act(self.link(name, place))

    def back(self):
        """Back; where that is the answer to a sent form, the browser has kept nothing to show, and says so."""
        try:
            self.page.go_back()
        except Exception as failure:
            if "ERR_CACHE_MISS" not in str(failure):
                raise
            self.page.wait_for_url("chrome-error://**")
            self.visitor.watch.take()

    def open(self, summary, place=None):
        """A `details` by its summary."""
        self.act(self.within(place).locator("summary").filter(has_text=summary).first)

    def act(self, element):
        self.and_wait(element, element.click)

    def and_wait(self, element, act):
        """What asks the gateway for something is done when its answer is there: a page, or a part of one."""
        element.wait_for()
        if not element.evaluate(ASKS):
            act()
            return
        if not element.evaluate(SWAPS):
            # Where it was stays for a moment after the answer is there: the next page counts once it stands.
            with self.page.expect_navigation():
                act()
            return
        form = element.evaluate_handle("e => e.form")
        sends = form.evaluate("form => form.getAttribute('method')") == "post"

        def is_ours(answer):
            request = answer.request
            # What a part that lives asks for is a fetch too, but nothing is sent with it.
            was_sent = request.method == "POST" or request.redirected_from is not None
            return answer.status != 303 and (
                request.resource_type == "document" or request.resource_type == "fetch" and (was_sent or not sends))

        with self.page.expect_response(is_ours) as told:
            act()
        self.page.wait_for_load_state()
        if told.value.request.resource_type == "fetch":
            self.page.wait_for_function("form => !form.isConnected || !form.hasAttribute('aria-busy')", arg=form)


class Keys(Mouse):
    """Tab, Shift+Tab, Enter, Space, arrows and letters. Each stop on the way is seen, and lies free."""

    def __init__(self, visitor):
        super().__init__(visitor)
        self.faults = []

    def reach(self, element):
        element.wait_for()
        handle = element.element_handle()
        for _ in range(STOPS_MAX):
            if handle.evaluate("e => e === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
            self.look()
        markup = handle.evaluate("e => e.outerHTML.slice(0, 200)")
        raise AssertionError(f"no Tab reaches {markup} on {self.visitor.path}")

    def enter(self, field):
        self.reach(field)

    def look(self):
        """What has the focus is marked, and nothing lies over it."""
        stop = self.page.evaluate(FOCUS)
        if stop and (not stop["marked"] or stop["covered"] or stop["outside"]):
            self.blame(stop)

    def blame(self, what):
        fault = f"{self.visitor.path}: {what}"
        if fault not in self.faults:
            self.faults.append(fault)

    def fill(self, label, text, place=None):
        self.reach(self.field(label, place))
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Delete")
        self.page.keyboard.type(text)

    def choose(self, label, value, place=None):
        """By the letters of what it is called."""
        field = self.field(label, place)
        self.reach(field)
        words = field.evaluate(
            "(e, value) => [...e.options].find(o => o.value === value || o.label === value)?.label", value)
        assert words, (label, value)
        self.page.keyboard.type(words)
        assert field.evaluate("e => e.selectedOptions[0].label") == words, (label, words)

    def check(self, label, place=None):
        field = self.field(label, place)
        if field.get_attribute("type") == "radio":
            self.choose_radio(field)
            return
        self.reach(field)
        if not field.is_checked():
            self.page.keyboard.press("Space")

    def choose_radio(self, field):
        """Tab stops at the one of its group that is chosen; arrows go on from there."""
        group = self.page.locator(f"input[type=radio][name='{field.get_attribute('name')}']")
        chosen = group.and_(self.page.locator(":checked"))
        self.reach(chosen.first if chosen.count() else group.first)
        for _ in range(group.count()):
            if field.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no arrow reaches {field}")

    def act(self, element):
        self.reach(element)
        is_swapped = element.evaluate(f"e => ({ASKS})(e) && ({SWAPS})(e)")
        url = self.page.url
        self.and_wait(element, lambda: self.page.keyboard.press("Enter"))
        if is_swapped and self.page.url == url:
            # Whose part of the page is another one now goes on from where that was.
            self.look()
            if self.page.evaluate("() => document.activeElement === document.body"):
                self.blame("the focus is lost after a part of the page was put in place")


def word(text):
    """A name that begins so."""
    return re.compile(rf"^\s*{re.escape(text)}")
