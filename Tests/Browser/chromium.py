"""Debian's Chromium by Playwright: contexts of a size, colours, with scripts or without, and what each of them did that
a page of ours must not do."""

import contextlib
import os
import shutil

from playwright.sync_api import expect, sync_playwright

SIZES = {"phone": (390, 844), "desk": (1440, 900), "narrow": (320, 640),
         # The desk at 200 %.
         "twice": (720, 450)}
# Whatever a page asks for elsewhere is not found, and said to be asked for.
ARGUMENTS = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]
WAIT_MILLISECONDS = 60_000
expect.set_options(timeout=WAIT_MILLISECONDS)
# What a browser writes about an answer by itself: refusals are answers.
REFUSED = "Failed to load resource: the server responded with a status of 4"
# A visitor that is faster than a page has put the focus elsewhere already.
FASTER = "Autofocus processing was blocked because a document already has a focused element."


def executable():
    names = ["chromium-headless-shell", "chromium", "chromium-browser"]
    path = os.environ.get("TOLLGATE_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert path, "chromium is not there; ./test installs it from Debian"
    return path


class Watch:
    """What the pages of a context did that they must not: a word in the console, an error, a dialog, a request to
    another origin, a part that did not come. `take` returns it, and begins anew."""

    def __init__(self, context, origin):
        self.origin = origin
        self.faults = []
        self.answers = []
        self.refused = set()
        context.on("console", self.console)
        context.on("weberror", lambda error: self.faults.append(f"error: {error.error}"))
        context.on("dialog", self.dialog)
        context.on("request", self.request)
        context.on("response", self.response)
        context.on("requestfailed", self.failed)

    def console(self, message):
        # The browser's own line about a refusal; of a page's parts, `response` tells.
        if not message.text.startswith(REFUSED) and message.text != FASTER:
            self.faults.append(f"console {message.type}: {message.text}")

    def dialog(self, dialog):
        self.faults.append(f"dialog {dialog.type}: {dialog.message}")
        dialog.dismiss()

    def request(self, request):
        if not request.url.startswith((self.origin + "/", "data:image/svg", "about:")):
            self.faults.append(f"another origin: {request.url}")

    def response(self, response):
        self.answers.append((response.status, response.request.method, response.url))
        is_whole = response.request.is_navigation_request() or response.request.resource_type in ("fetch", "xhr")
        if response.status >= (500 if is_whole else 400):
            self.faults.append(f"{response.status} {response.request.method} {response.url}")

    def failed(self, request):
        # A page that is left gives up what it has asked for.
        if "ERR_ABORTED" not in (request.failure or ""):
            self.faults.append(f"{request.failure}: {request.url}")

    def take(self):
        found, self.faults = self.faults, []
        return found


class Visitor:
    """One browser with cookies of its own. `page` is its tab."""

    def __init__(self, context, origin):
        self.context = context
        self.origin = origin
        self.watch = Watch(context, origin)
        self.page = context.new_page()
        # As whom it has signed in; nobody: None.
        self.who = None

    def go(self, path):
        """The document's answer, redirects followed. Whose session is over by mistake sees nothing of what is looked
        for, and everything else: that is said here."""
        answer = self.page.goto(path if path.startswith("http") else self.origin + path)
        is_lost = self.who and "/sign-in" in self.path.split("?")[0] and "/sign-in" not in path
        assert not is_lost, f"{path}: {self.who} is not signed in any more"
        return answer

    @property
    def path(self):
        return self.page.url.removeprefix(self.origin)

    def clean(self):
        found = self.watch.take()
        assert not found, found

    def close(self):
        self.context.close()


class Browser:
    def __init__(self, origin, pictures=None):
        self.origin = origin
        self.pictures = pictures

    def __enter__(self):
        self.playwright = sync_playwright().start()
        try:
            self.chromium = self.playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        except BaseException:
            self.playwright.stop()
            raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            self.chromium.close()
        self.playwright.stop()

    def visitor(self, size="desk", dark=False, scripts=True, state=None, **options):
        """`state`: the cookies of somebody who signed in before."""
        width, height = SIZES[size]
        context = self.chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light",
            java_script_enabled=scripts, storage_state=state, reduced_motion="reduce", locale="en-GB",
            timezone_id="UTC", **options)
        context.set_default_timeout(WAIT_MILLISECONDS)
        return Visitor(context, self.origin)
