#!/usr/bin/env python3
"""Pages' addresses and forms as no page makes them: numbers at their ends, names without end, calls that the form's
sender may not make. U1–U4. What comes in by a page ends no process, and is nobody else's time."""

import urllib.parse

from office import Office
from pagewire import Browser, multipart
from shop import PASSWORD
from support import Checks, Gateway, arguments

NUMBERS = [
    "-9223372036854775808", "9223372036854775807", "-9223372036854775809", "1e9", "0", "-1", "٣", "\u202e1", "%", ""]
# What nobody reads, such as stands twice, letters in two spellings, and such as nobody sees; bytes that are no text.
ODD_QUERIES = [
    "?nobody_reads=1", "?utm=1&utm=2", "?%C3%A9=1&e%CC%81=1", "?x=%E2%80%8B&y=%E2%80%AE", "?%E2%80%8Bx=1", "?x", "?&&"]
NO_TEXT = ["?x=%ff", "?%00=1", "?x=%00", "?%", "?x=%zz"]
SPELLED = ["e\u0301", "\u200b", "\u202ex", " ", "a\u2028b"]
# Beside those that a page's own forms have.
NAMES = {"list", "days", "from", "to", "cursor", "month", "hour", "limit", "period", "before", "at", "page"}
# A session may make a thousand calls a minute.
CALLS_MAX = 700


class Person:
    """Somebody who signs in anew before the limit of a session is used up."""

    def __init__(self, gateway, base, email, home):
        self.gateway, self.base, self.email, self.home = gateway, base, email, home
        self.begin()

    def begin(self):
        self.browser = Browser(self.gateway)
        answer = self.browser.sign_in(self.base, self.email, PASSWORD)
        assert answer.status == 303 and self.home in answer.location, answer
        self.calls = 0

    def get(self, path):
        self.calls += 1
        if self.calls > CALLS_MAX:
            self.begin()
        return self.browser.get(path)

    def pages(self):
        """Those that links lead to, with the names of what each can be asked for."""
        found, waiting = {}, [self.home]
        while waiting:
            path = waiting.pop(0)
            if path in found:
                continue
            answer = self.get(path)
            if answer.status != 200 or "text/html" not in answer.headers["content-type"]:
                continue
            names = {name for form in answer.read.forms if form["method"] == "get" for name in form["fields"]}
            links = [urllib.parse.urlsplit(link or "") for link in answer.read.links]
            names |= {name for link in links if link.path in ("", path) for name in urllib.parse.parse_qs(link.query)}
            found[path] = names | NAMES
            waiting += [link.path for link in links if link.path.startswith(self.home)]
        return found

    def token(self):
        return next(form["fields"]["_token"] for form in self.get(self.home).read.forms if "_token" in form["fields"])

    def form(self, fields):
        """A form of the home page with these fields in place of its own."""
        return self.browser.post(self.home, [("_token", self.token()), *fields])


def numbers(checks, who, role):
    with checks(f"U1 U2 U3 whatever stands in the query of a page of {role}, it is answered, and the gateway goes on"):
        pages = who.pages()
        assert len(pages) > 10, pages
        asked = 0
        for path, names in sorted(pages.items()):
            for at, name in enumerate(sorted(names)):
                # Each page meets the first one under every name, and the rest under some.
                for value in NUMBERS[:1] + [NUMBERS[1 + (asked + at) % (len(NUMBERS) - 1)]]:
                    answer = who.get(f"{path}?{urllib.parse.urlencode({name: value})}")
                    assert answer.status < 500 and answer.status != 429, (path, name, value, answer)
                    asked += 1
        print(f"# {len(pages)} pages, {asked} addresses")


def queries(checks, who, role):
    with checks(f"U1 U2 U3 a page of {role} ignores what it does not know, whatever its letters"):
        every = "?" + "&".join(query[1:] for query in ODD_QUERIES)
        for at, (path, names) in enumerate(sorted(who.pages().items())):
            assert who.get(path + every).status == 200, (path, every)
            query = NO_TEXT[at % len(NO_TEXT)]
            assert who.get(path + query).status in (200, 400), (path, query)
            for place, name in enumerate(sorted(names)):
                value = urllib.parse.quote(SPELLED[(at + place) % len(SPELLED)])
                # Every other one stands twice.
                query = f"?{name}={value}" if (at + place) % 2 else f"?{name}=1&{name}={value}"
                answer = who.get(path + query)
                assert answer.status in (200, 303, 400, 404, 422), (path, query, answer)
                assert answer.status == 303 or "text/html" in answer.headers["content-type"], (path, query, answer)


def strangers(checks, gateway, office):
    """Pages that anybody may open, links that lead nowhere, and the paths at the root."""
    base = office.shop.base
    pages = [base + path for path in (
        "/sign-in", "/apply", "/program", "/api/admin/docs", "/api/partner/v1/docs", "/invite/none",
        "/reset-password/none", "/sandbox-pay/none")]
    root = ["/healthz", "/readyz", "/metrics", "/console/sign-in", "/console", "/", "/nowhere"]
    with checks("U4 G6 G7 open pages, links and root paths ignore what they do not know, in whatever letters"):
        browser = Browser(gateway)
        for path in pages + root:
            usual = browser.get(path)
            assert usual.status in (200, 303, 404), (path, usual)
            for query in ODD_QUERIES:
                answer = browser.get(path + query)
                assert answer.status == usual.status, (path, query, answer)
                assert answer.headers.get("content-type") == usual.headers.get("content-type"), (path, query, answer)
            for query in NO_TEXT:
                assert browser.get(path + query).status in (usual.status, 400), (path, query)
    with checks("A6 G6 a callback that nobody signed is refused alike, whatever stands in its query"):
        path = f"{base}/api/payments/callback"
        usual = gateway.post(path, {})
        assert usual.status == 401, usual
        for query in ODD_QUERIES + NO_TEXT:
            answer = gateway.post(path + query, {})
            assert (answer.status, answer.json.get("code")) == (401, usual.json.get("code")), (query, answer)


def forms(checks, gateway, who, role):
    with checks(f"U2 U3 a form of {role} whose names have no end, or no bound, is refused, and the gateway goes on"):
        deep = [("." * 150_000, "x"), ("0." * 100_000, "x"), ("a.b.c.d.e.f.g.h.i.j", "x")]
        for call in ("POST /session", "PATCH /settings", "PATCH /me", "POST /customers", "POST /products"):
            for name, value in deep:
                answer = who.form([("_call", call), (name, value)])
                assert 400 <= answer.status < 500, (call, name[:20], answer)
        wide = [(f"n{number}.x", "y") for number in range(4_000)]
        assert 400 <= who.form([("_call", "PATCH /settings"), *wide]).status < 500
        for call in ("POST /" + "{}" * 200_000, "POST /" + "{" * 200_000, "POST /{_token}", "x" * 200_000, "POST", ""):
            answer = who.form([("_call", call), ("x", "y")])
            assert 400 <= answer.status < 500, (call[:20], answer)
        assert gateway.get("/healthz").status == 200


def unreadable(checks, who):
    with checks("U4 a form with a file that cannot be read is told so, and not that its session is over"):
        def send(cut=0, kind="multipart/form-data; boundary={}", **more):
            body, sent = multipart({"_token": who.token(), "_call": "none", **more}, b"x")
            kind = kind.format(sent.split("=")[1])
            return who.browser.post(who.home, body[:len(body) - cut], headers={"Content-Type": kind})

        usual = send()
        for kind in ("Multipart/Form-Data; charset=utf-8; Boundary={}", 'multipart/form-data; BOUNDARY="{}"'):
            assert send(kind=kind).status == usual.status, (kind, usual)
        many = {f"n{number}": "" for number in range(300)}
        for answer in (send(cut=6), send(kind="multipart/form-data; boundary=another"),
                       send(kind="multipart/form-data"), send(x="e" + "\u0301" * 40), send(**many)):
            assert answer.status == 400 and "The form cannot be read" in answer.text, answer
            assert "session" not in answer.text, answer


def open_calls(checks, office, who):
    with checks("U3 G6 a page makes no call that is open to strangers: their budgets are not passed by with a session"):
        before = office.call(office.owner, "GET", "/resellers?limit=100").json["data"]
        answer = who.form([
            ("_call", "POST /apply"), ("email", "next@elsewhere.example"), ("password", PASSWORD), ("name", "Next")])
        assert answer.status == 404, answer
        assert office.call(office.owner, "GET", "/resellers?limit=100").json["data"] == before
        answer = who.form([("_call", "POST /session"), ("email", who.email), ("password", "a wrong one")])
        assert answer.status == 404, answer


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        office = Office(gateway)
        owner = Person(gateway, office.shop.base, office.owner_email, f"{office.shop.base}/admin")
        reseller = office.shop.reseller(password=PASSWORD)
        shop = Person(gateway, office.shop.base, reseller["email"], f"{office.shop.base}/portal")
        for who, role in (owner, "an operator"), (shop, "a reseller"):
            numbers(checks, who, role)
            queries(checks, who, role)
            forms(checks, gateway, who, role)
        unreadable(checks, owner)
        open_calls(checks, office, shop)
        strangers(checks, gateway, office)
    checks.finish()


if __name__ == "__main__":
    main()
