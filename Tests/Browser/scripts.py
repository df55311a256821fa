"""The two scripts that pages load, on small pages under the pages' own policy: the gateway serves the scripts, the test
the pages."""

import contextlib
import hashlib
import os
import urllib.parse

from support import ROOT

ASSETS = os.path.join(ROOT, "Sources", "PageKit", "Assets")
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
          "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
TERMS = ("month", "quarter", "year")


def address(name):
    """As the gateway names it: its own bytes, without indentation and comments, say where it is."""
    with open(os.path.join(ASSETS, name), encoding="utf-8") as file:
        lines = [line.strip(" \n") for line in file]
    text = "".join(f"{line}\n" for line in lines if line and not line.startswith(("//", "/*")))
    stem, suffix = name.split(".")
    return f"/assets/{stem}.{hashlib.sha256(text.encode()).hexdigest()[:16]}.{suffix}"


class Stage:
    """One tab whose pages the test writes: `show` by path; what is posted is kept."""

    def __init__(self, browser):
        self.visitor = browser.visitor(permissions=["clipboard-read", "clipboard-write"])
        self.page = self.visitor.page
        self.pages = {}
        self.posted = []
        self.page.route("**/stage/**", self.answer)

    def answer(self, route):
        request = route.request
        if request.method == "POST":
            self.posted.append(dict(urllib.parse.parse_qsl(request.post_data, keep_blank_values=True)))
        body = self.pages[urllib.parse.urlsplit(request.url).path.rsplit("/", 1)[1]]
        body = body() if callable(body) else body
        status, body = body if isinstance(body, tuple) else (200, body)
        route.fulfill(
            status=status, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY},
            body=f'<!doctype html><html lang="en"><title>Stage</title>'
                 f'<link rel="icon" href="data:,"><script src="{address("app.js")}" defer></script>'
                 f'<script src="{address("sheet.js")}" defer></script><body><main>{body}</main></body></html>')

    def show(self, name, body):
        self.pages[name] = body
        self.visitor.go(f"/stage/{name}")

    def value(self, name):
        return self.page.input_value(f"[name={name}]")

    def values(self, *names):
        return [self.value(name) for name in names]

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def focused(self):
        return self.page.evaluate("document.activeElement.name")

    def clipboard(self, text=None):
        if text is None:
            return self.page.evaluate("navigator.clipboard.readText()")
        return self.page.evaluate("text => navigator.clipboard.writeText(text)", text)

    def close(self):
        # The pages' icon is the test's own.
        found = [fault for fault in self.visitor.watch.take() if "data:" not in fault]
        self.visitor.close()
        assert not found, found


@contextlib.contextmanager
def staged(browser):
    stage = Stage(browser)
    yield stage
    stage.close()


def run(checks, world, browser, options):
    with checks("U2 a sheet is a grid by keyboard: one stop of Tab, arrows, Enter and F2 edit, Esc gives back"), \
            staged(browser) as stage:
        keys(stage)
    with checks("U2 a sheet takes rows from a spreadsheet, gives them, fills down, and takes each step back"), \
            staged(browser) as stage:
        pasting(stage)
    with checks("U2 a sheet marks what differs from what is in force, and says how much that is"), \
            staged(browser) as stage:
        marks(stage)
    with checks("U5 a form is sent in the background, and takes its part, its focus and its word from the answer"), \
            staged(browser) as stage:
        swap(stage)
    with checks("U5 where that part does not come, the form is sent as without scripts"), staged(browser) as stage:
        swap_fails(stage)
    with checks("U5 a part is renewed while somebody looks at it, and left alone while somebody types in it"), \
            staged(browser) as stage:
        live(stage)
    with checks("U2 U5 a part that comes with a form's answer is renewed, and goes on after it was refused"), \
            staged(browser) as stage:
        late(stage)
    with checks("U5 a copy button copies what it names, and says so"), staged(browser) as stage:
        copy(stage)
    with checks("U5 a chart tells its numbers by pointer and by arrow keys"), staged(browser) as stage:
        chart(stage)
    with checks("U5 menus close by Esc and by a click elsewhere, and the focus goes back"), staged(browser) as stage:
        menus(stage)


# Sheet

def sheet():
    rows = "".join(
        f'<tr><th scope="row">p{y}</th>' + "".join(
            f'<td><input name="{term}{y}" value="{y + 1}.00" data-was="{y + 1}.00" aria-label="p{y}, {term}"></td>'
            for term in TERMS)
        + f'<td><input type="checkbox" name="on{y}" data-was="on" checked aria-label="p{y}, on sale"></td></tr>'
        for y in range(4))
    return (f'<form method="post" action="/stage/sent"><table data-sheet><thead><tr><th>Product</th></tr></thead>'
            f'<tbody>{rows}</tbody></table><button>Review</button><p data-sheet-count></p></form>')


def keys(stage):
    page = stage.page
    stage.show("sheet", sheet())
    assert page.get_attribute("table", "role") == "grid"
    assert page.locator("td[role=gridcell]").count() == 16
    stage.press("Tab")
    assert stage.focused() == "month0"
    stage.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Review"
    stage.press("Shift+Tab", "ArrowRight", "ArrowDown")
    assert stage.focused() == "quarter1"
    stage.press("End")
    assert stage.focused() == "on1"
    stage.press("Space")
    assert not page.is_checked("[name=on1]")
    stage.press("Home", "ArrowUp", "ArrowUp", "ArrowUp")
    assert stage.focused() == "month0"
    # What is typed takes the cell's place; Enter keeps it and goes down.
    page.keyboard.type("9.99")
    stage.press("Enter")
    assert stage.value("month0") == "9.99" and stage.focused() == "month1"
    # By F2 the caret is behind what stands there, and arrows move it.
    stage.press("F2", "ArrowLeft")
    page.keyboard.type("5")
    assert stage.value("month1") == "2.050" and stage.focused() == "month1"
    stage.press("Escape")
    assert stage.value("month1") == "2.00"
    # What is sent is what stands there.
    stage.pages["sent"] = "<p>sent</p>"
    stage.press("Control+Enter")
    page.wait_for_selector("text=sent")
    assert stage.posted[0]["month0"] == "9.99" and "on1" not in stage.posted[0], stage.posted


def pasting(stage):
    page = stage.page
    stage.show("sheet", sheet())
    page.focus("[name=month1]")
    stage.clipboard("1\t2\r\n3\t4\r\n")
    stage.press("Control+v")
    assert stage.values("month1", "quarter1", "month2", "quarter2") == ["1", "2", "3", "4"]
    stage.press("Control+z")
    assert stage.values("month1", "quarter1", "month2", "quarter2") == ["2.00", "2.00", "3.00", "3.00"]
    # More than there is room for stays outside, and is told.
    page.focus("[name=year3]")
    stage.clipboard("7\toff\t8\n9")
    stage.press("Control+v")
    assert stage.value("year3") == "7" and not page.is_checked("[name=on3]")
    assert page.inner_text("[data-sheet-count]") == "2 cells changed; 2 pasted had no cell"
    stage.press("Control+z")
    assert stage.value("year3") == "4.00" and page.is_checked("[name=on3]")
    page.focus("[name=month0]")
    stage.press("Shift+ArrowDown", "Shift+ArrowDown", "Control+d")
    assert stage.values("month0", "month1", "month2", "month3") == ["1.00", "1.00", "1.00", "4.00"]
    stage.press("Control+c")
    assert stage.clipboard() == "1.00\n1.00\n1.00"
    stage.press("Delete")
    assert stage.values("month0", "month1", "month2") == ["", "", ""]
    stage.press("Control+z", "Control+z")
    assert stage.values("month0", "month1", "month2") == ["1.00", "2.00", "3.00"]
    # A single word goes where the caret is, as ever.
    page.focus("[name=month0]")
    stage.clipboard("12")
    stage.press("Control+v")
    assert stage.value("month0") == "12"


def marks(stage):
    page = stage.page
    stage.show("sheet", sheet())
    assert page.inner_text("[data-sheet-count]") == "0 cells changed"
    page.fill("[name=year2]", "8.00")
    assert page.inner_text("[data-sheet-count]") == "1 cell changed"
    page.uncheck("[name=on0]")
    assert page.inner_text("[data-sheet-count]") == "2 cells changed"
    assert page.locator("td.changed").count() == 2
    page.fill("[name=year2]", "3.00")
    assert page.locator("td.changed").count() == 1


# Parts of pages

def part(text):
    return (f'<section id="limit"><h2>{text}</h2><form method="post" action="/stage/limit" data-swap="limit">'
            f'<input name="action" value="set"><input id="f-requests" name="requests" value="5">'
            f'<button name="go" value="1">Apply</button></form></section>')


def swap(stage):
    page = stage.page
    stage.show("start", part("before"))
    stage.pages["limit"] = '<div class="notice"><p>Saved.</p></div>' + part("after")
    page.fill("[name=requests]", "7")
    page.focus("button")
    stage.press("Enter")
    page.wait_for_selector("h2:text('after')")
    assert stage.posted == [{"action": "set", "requests": "7", "go": "1"}], stage.posted
    assert stage.visitor.path == "/stage/start", stage.visitor.path
    assert page.evaluate("document.activeElement.textContent") == "Apply"
    page.wait_for_selector("[role=status]:text('Saved.')", state="attached")
    # What it says is seen where it was sent.
    assert page.inner_text("#limit > .notice") == "Saved." and page.locator(".notice").count() == 1
    # By Enter in a field, the field keeps the focus, and the word of the button that was not pressed is not sent.
    page.focus("[name=requests]")
    stage.pages["limit"] = part("again")
    stage.press("Enter")
    page.wait_for_selector("h2:text('again')")
    assert stage.focused() == "requests" and len(stage.posted) == 2
    assert page.locator(".notice").count() == 0
    stage.pages["limit"] = (422, '<div class="notice bad" role="alert" id="problem" tabindex="-1" autofocus><ul><li>'
                                 '<a href="#f-requests">Requests: is required</a></li></ul></div>' + part("refused"))
    stage.press("Enter")
    page.wait_for_selector("h2:text('refused')")
    page.click("#limit > .notice a")
    assert stage.focused() == "requests"


def swap_fails(stage):
    stage.show("start", part("before"))
    stage.pages["limit"] = "<p>Something else</p>"
    stage.page.click("button")
    stage.page.wait_for_selector("text=Something else")
    assert stage.visitor.path == "/stage/limit", stage.visitor.path
    assert stage.posted[0] == stage.posted[-1] and len(stage.posted) == 2, stage.posted


def live(stage):
    page, count = stage.page, [0]

    def body():
        count[0] += 1
        return f'<section id="meter" data-live="1"><p>{count[0]}</p><input name="requests" value="5"></section>'

    stage.show("live", body)
    page.wait_for_selector("p:text('3')")
    page.focus("[name=requests]")
    page.keyboard.type("0")
    shown, until = page.inner_text("#meter p"), count[0]
    page.wait_for_timeout(2200)
    assert page.inner_text("#meter p") == shown and count[0] <= until + 1
    page.evaluate("document.activeElement.blur()")
    page.wait_for_function("text => document.querySelector('#meter p').textContent !== text", arg=shown)


def late(stage):
    page, asked = stage.page, []

    def meter():
        asked.append(len(asked))
        if len(asked) == 2:
            return 429, "<p>Too many</p>"
        return f'<section id="use" data-live="1" data-from="/stage/now"><p>{len(asked)}</p></section>'

    stage.pages["now"] = meter
    stage.show("late", '<div id="tuner"><form method="post" data-swap="tuner"><button>Apply</button></form></div>')
    stage.pages["late"] = ('<div id="tuner"><section id="use" data-live="1" data-from="/stage/now"><p>0</p></section>'
                           '</div>')
    page.click("button")
    # The first answer, then the one after the refusal.
    page.wait_for_selector("#use p:text('1')", timeout=30_000)
    page.wait_for_selector("#use p:text('3')", timeout=30_000)


def copy(stage):
    page = stage.page
    stage.show("copy", '<code id="k">tgh_live_1</code><button type="button" data-copy="k" hidden>Copy</button>'
                       '<textarea id="t">a\nb</textarea><button type="button" data-copy="t" hidden>Copy all</button>')
    page.click("text=Copy >> nth=0")
    page.wait_for_selector("text=Copied")
    assert stage.clipboard() == "tgh_live_1"
    page.wait_for_selector("button:text-is('Copy')")
    page.click("text=Copy all")
    page.wait_for_selector("button:text-is('Copied')")
    assert stage.clipboard() == "a\nb"


def chart(stage):
    page = stage.page
    bars = "".join(
        f'<g data-label="0{hour}:00" data-text="{hour} asked">'
        f'<rect x="{hour * 25}%" width="20%" y="50%" height="50%"></rect></g>' for hour in range(4))
    stage.show(
        "chart", f'<figure data-chart><div class="plot"><svg width="400" height="100">{bars}</svg></div></figure>')
    page.hover("svg", position={"x": 150, "y": 20})
    assert page.inner_text("output") == "01:00 1 asked"
    page.mouse.move(0, 300)
    assert page.is_hidden("output")
    page.focus("svg")
    stage.press("ArrowLeft")
    assert page.inner_text("output") == "03:00 3 asked"
    stage.press("ArrowRight", "ArrowLeft")
    assert page.inner_text("output") == "02:00 2 asked"
    stage.press("Escape")
    assert page.is_hidden("output")


def menus(stage):
    page = stage.page
    stage.show(
        "menus",
        '<details class="more"><summary>More</summary><div><a href="#a">Rename</a></div></details><p>Else</p>')
    page.click("summary")
    assert page.is_visible("text=Rename")
    page.focus("text=Rename")
    stage.press("Escape")
    assert page.is_hidden("text=Rename")
    assert page.evaluate("document.activeElement.textContent") == "More"
    page.click("summary")
    page.click("text=Else")
    assert page.is_hidden("text=Rename")
