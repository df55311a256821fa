#!/usr/bin/env python3
"""U4 Signing in to a tenant's pages: the cookie and what it opens, what a form needs to have an effect, where a sign-in
leads, and how sessions end. Applying, and the page on the programme."""

import base64
import hashlib
import hmac
import re
import uuid

from office import OTHER, Office
from pagewire import Browser
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, together

HOUR = 3_600
LIST = "/admin/resellers"
ELSEWHERE = [
    "//evil.example/", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "///evil",
    "http:evil.example", "/\t/evil.example", "/%2f%2fevil.example", "{base}/admin/../../other/admin",
    "{base}/administrator",
    "{base}/admin/%2e%2e/%2e%2e/x", "{base}/admin//evil.example", "{base}/portal/orders", "{base}", "/t/other/admin",
    "",
    "{base}/admin\\..\\x",
]


class Scene:
    """A tenant whose owner has a password, and a reseller that waits."""

    def __init__(self, gateway, **fields):
        self.gateway = gateway
        self.shop = Shop(gateway, password=PASSWORD, **fields)
        self.base, self.email = self.shop.base, f"owner@{self.shop.slug}.example"
        self.page = self.base + LIST

    def browser(self, signed_in=True, **options):
        browser = Browser(self.gateway, **options)
        if signed_in:
            answer = browser.sign_in(self.base, self.email, PASSWORD)
            assert answer.status == 303, answer
        return browser

    def token(self):
        """Signed in to the API."""
        answer = self.gateway.post(self.base + "/api/admin/session", {"email": self.email, "password": PASSWORD})
        assert answer.status == 200, answer
        return answer.json["token"]

    def opens(self, browser):
        answer = browser.get(self.page)
        if answer.status == 200:
            return True
        assert answer.status == 303 and answer.location.startswith(self.base + "/sign-in?next="), answer
        return False

    def waiting(self):
        return self.shop.invite()["id"]

    def status(self, reseller):
        return self.shop.admin("GET", f"/resellers/{reseller}").json["status"]

    def approving(self, browser, reseller):
        """The form that approves it, as the page has it."""
        for form in browser.get(self.page).read.forms:
            if form["fields"].get("_call", "").endswith(f"/{reseller}/approve"):
                return form["fields"]
        raise AssertionError("the list has no such form")


def value(browser, name):
    return next(value for (own, _), value in browser.jar.items() if own == name)


def cookies(checks, gateway):
    scene = Scene(gateway)
    slug = scene.shop.slug
    with checks("U4 over plain http the cookie is tg-{slug}, HttpOnly, Lax, for the tenant's path alone"):
        browser = scene.browser()
        line = browser.set_lines[-1]
        assert re.fullmatch(f"tg-{slug}=[0-9a-f]{{64}}; Path={scene.base}; HttpOnly; SameSite=Lax", line), line
        assert scene.opens(browser)
    with checks("U4 G6 over TLS, a trusted proxy's too, it is __Host-tg-{slug}: Secure, for this host alone"):
        guarded = scene.browser(secure=True)
        line = guarded.set_lines[-1]
        assert re.fullmatch(f"__Host-tg-{slug}=[0-9a-f]{{64}}; Path=/; HttpOnly; SameSite=Lax; Secure", line), line
        assert scene.opens(guarded)
        # Whoever holds a line without TLS can plant the other kind.
        planted = f"tg-{slug}={value(guarded, f'__Host-tg-{slug}')}"
        assert guarded.get(scene.page, cookies=planted).status == 303
    with checks("U4 a cookie is no bearer token, and no key or token is a cookie"):
        cookie = value(browser, f"tg-{slug}")
        assert gateway.get(scene.base + "/api/admin/resellers", key=cookie).status == 401
        token = scene.token()
        assert gateway.get(scene.base + "/api/admin/resellers", key=token).status == 200
        for text in (token, scene.shop.owner_key, "0" * 64, "x", ""):
            assert browser.get(scene.page, cookies=f"tg-{slug}={text}").status == 303, text
        assert gateway.get(scene.page, key=scene.shop.owner_key).status == 303
    with checks("U4 G1 another tenant's cookie opens nothing, under whichever name it comes"):
        other = Scene(gateway)
        theirs = value(other.browser(), f"tg-{other.shop.slug}")
        for name in (slug, other.shop.slug):
            assert browser.get(scene.page, cookies=f"tg-{name}={theirs}").status == 303, name
        assert browser.get(scene.page, cookies=f"tg-{other.shop.slug}={theirs}; tg-{slug}={cookie}").status == 200
    with checks("U4 the session is new at each sign-in: one that was planted before does not become it"):
        again = scene.browser(signed_in=False)
        again.jar[(f"tg-{slug}", scene.base)] = "f" * 64
        assert again.sign_in(scene.base, scene.email, PASSWORD).status == 303
        assert value(again, f"tg-{slug}") not in ("f" * 64, cookie) and scene.opens(again)
    with checks("U4 P2 at a host of its own the tenant's cookie is for that host"):
        host = f"{slug}.own.example"
        done = gateway.patch(
            f"/provider/v1/tenants/{slug}", {"domains": [{"host": host}]}, key=gateway.provider_key)
        assert done.status == 200, done
        own = Browser(gateway, host=host)
        assert own.sign_in("", scene.email, PASSWORD).location == "/admin"
        assert own.set_lines[-1].startswith(f"tg-{slug}=") and "; Path=/;" in own.set_lines[-1], own.set_lines
        answer = own.get(LIST)
        assert answer.status == 200 and all(
            not (link or "").startswith("/t/") for link in answer.read.links), answer.read.links
        assert own.get(LIST, cookies="tg-other=" + value(own, f"tg-{slug}") + "x").status == 303


def signing_in(checks, gateway):
    scene = Scene(gateway)
    with checks("U4 an unknown address and a wrong password are one page, whatever was typed stays but the password"):
        browser = scene.browser(signed_in=False)
        pages = [browser.sign_in(scene.base, email, "not it") for email in (scene.email, "nobody@there.example")]
        texts = [re.sub(r'(_token|_once)" value="\w+[-\w]*"', "", page.body.decode()) for page in pages]
        assert [page.status for page in pages] == [401, 401]
        assert texts[0].replace(scene.email, "X") == texts[1].replace("nobody@there.example", "X")
        assert scene.email in texts[0] and "not it" not in texts[0]
        assert not [name for name, _ in browser.jar if not name.endswith(".form")]
    with checks("U4 G6 passwords have their meters here too: after ten wrong ones a page says to wait"):
        browser = scene.browser(signed_in=False, address="198.18.7.7")
        def guess(number):
            return browser.sign_in(scene.base, "guessed@there.example", f"wrong {number}")

        statuses = [guess(number).status for number in range(10)]
        # On a busy machine the wait may be over before the next one comes; it doubles.
        late = next(answer for answer in map(guess, range(10, 30)) if answer.status != 401)
        assert statuses == [401] * 10, statuses
        assert late.status == 429 and int(late.headers["retry-after"]) >= 1 and late.form("password"), late
    with checks("U4 resellers of every dialect sign in by the same form, and are led to the portal"):
        for blueprint in ("hosting", "codes", "licences", "proxies", "panel"):
            shop = Shop(gateway, blueprint=blueprint)
            reseller = shop.reseller(password=PASSWORD)
            answer = Browser(gateway).sign_in(shop.base, reseller["email"], PASSWORD)
            assert answer.location == shop.base + "/portal", (blueprint, answer)
            assert shop.move(reseller, "terminate").status == 200
            assert Browser(gateway).sign_in(shop.base, reseller["email"], PASSWORD).status == 401
    with checks("U4 a sign-in leads to a page of whoever signs in, wherever its address says"):
        for target in ELSEWHERE:
            target = target.replace("{base}", scene.base)
            browser = scene.browser(signed_in=False)
            form = browser.get(scene.base + "/sign-in").form("password")["fields"]
            answer = browser.post(
                scene.base + "/sign-in", {**form, "next": target, "email": scene.email, "password": PASSWORD})
            assert answer.status == 303 and answer.location == scene.base + "/admin", (target, answer)
        browser = scene.browser(signed_in=False)
        wanted = scene.page + "?status=pending&q=a+b"
        led = browser.get(wanted)
        assert led.status == 303, led
        form = browser.get(led.location).form("password")
        answer = browser.post(form["action"], {**form["fields"], "email": scene.email, "password": PASSWORD})
        assert answer.location == wanted and browser.get(wanted).status == 200, answer
    with checks("U4 a form to sign in by needs the token of its own cookie"):
        browser = scene.browser(signed_in=False)
        fields = browser.get(scene.base + "/sign-in").form("password")["fields"] | {
            "email": scene.email, "password": PASSWORD}
        strange = scene.browser(signed_in=False).get(scene.base + "/sign-in").form("password")["fields"]["_token"]
        for wrong in ({"_token": strange}, {"_token": ""}):
            assert browser.post(scene.base + "/sign-in", {**fields, **wrong}).status == 403
        assert browser.post(scene.base + "/sign-in", fields, headers={"Origin": "https://evil.example"}).status == 403
        assert browser.post(scene.base + "/sign-in", fields).status == 303
        assert browser.post(scene.base + "/sign-in", fields, cookies="none=1").status == 403
    with checks("U4 no page is kept by a browser, and none loads or is framed by what is not ours"):
        for path in ("/sign-in", "/apply", "/apply/waiting", "/program"):
            answer = browser.get(scene.base + path)
            assert answer.status == 200 and answer.headers["cache-control"] == "no-store", answer
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
            assert answer.headers["referrer-policy"] in ("strict-origin", "same-origin")


def forms(checks, gateway):
    scene = Scene(gateway)
    reseller = scene.waiting()
    browser, other = scene.browser(), scene.browser()
    fields = scene.approving(browser, reseller)
    strange = scene.approving(other, reseller)["_token"]
    ways = {
        "without its token": ({}, {"_token": None}),
        "with an empty one": ({}, {"_token": ""}),
        "with another session's": ({}, {"_token": strange}),
        "from another origin": ({"Origin": "https://evil.example", "Sec-Fetch-Site": None}, {}),
        "from another port": ({"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": None}, {}),
        "from nowhere": ({"Origin": "null", "Sec-Fetch-Site": None}, {}),
        "from another origin, called ours": ({"Origin": "https://evil.example"}, {}),
        "from another site": ({"Sec-Fetch-Site": "cross-site"}, {}),
        "from another site without a word of its origin": ({"Sec-Fetch-Site": "cross-site", "Origin": None}, {}),
        "from a neighbour": ({"Sec-Fetch-Site": "same-site"}, {}),
        "as JSON": ({"Content-Type": "application/json"}, {}),
    }
    for name, (headers, changes) in ways.items():
        with checks(f"U4 a form {name} is refused, and changes nothing"):
            sent = {key: value for key, value in {**fields, **changes}.items() if value is not None}
            answer = browser.post(scene.page, sent, headers=headers)
            assert answer.status == 403 and "<h1>" in answer.body.decode(), answer
            assert scene.status(reseller) == "pending"
    with checks("U4 two tokens are none, and a token in the address counts for no form"):
        token = fields["_token"]
        body = f"_call={fields['_call']}&_token={token}&_token={token}".replace("/", "%2F").replace(" ", "+").encode()
        assert browser.post(scene.page, body).status == 403
        bare = {key: value for key, value in fields.items() if key != "_token"}
        assert browser.post(f"{scene.page}?_token={token}", bare).status == 403
        assert scene.status(reseller) == "pending"
    with checks("U4 GET and HEAD have no effect, whatever they carry"):
        query = "&".join(f"{name}={value}" for name, value in fields.items()).replace(" ", "+")
        assert browser.get(f"{scene.page}?{query}").status == 200
        assert browser.get(scene.base + "/sign-out").status == 405 and scene.opens(browser)
        assert scene.status(reseller) == "pending"
    with checks("U4 our own form is done: with both headers, and with neither"):
        assert browser.post(scene.page, fields).status == 303 and scene.status(reseller) == "active"
        second = scene.waiting()
        mine = scene.approving(browser, second)
        answer = browser.post(scene.page, mine, headers={"Origin": None, "Sec-Fetch-Site": None})
        assert answer.status == 303 and scene.status(second) == "active", answer
    with checks("U4 with a port that a browser leaves out, and behind a proxy that nobody told of, the origin is ours"):
        third = scene.waiting()
        mine = scene.approving(browser, third)
        for host, origin in (("x.example:443", "https://x.example"), ("x.example", "https://x.example"),
                             ("x.example:80", "http://x.example")):
            headers = {"Host": host, "Origin": origin, "Sec-Fetch-Site": None}
            assert browser.post(scene.page, mine, headers=headers).status != 403, origin
        headers = {
            "Host": "x.example", "Origin": "http://x.example", "X-Forwarded-Proto": "https", "Sec-Fetch-Site": None}
        assert browser.post(scene.page, mine, headers=headers).status == 403


def open_pages(checks, gateway):
    office = Office(gateway)

    def link():
        made = office.call(office.owner, "POST", "/people", {
            "email": f"{uuid.uuid4().hex}@there.example", "name": "N", "role": "support"}).json["invitation_url"]
        return made.removeprefix(gateway.base_url)

    with checks("U4 O13 an invitation's form carries a token in a browser, and shows what is wrong with it"):
        path, browser = link(), Browser(gateway)
        fields = browser.get(path).form("password")["fields"]
        assert fields["_token"], fields
        short = browser.post(path, {**fields, "password": "short"})
        assert short.status == 422 and short.form("password") and 'aria-invalid="true"' in short.body.decode(), short
        for wrong in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert browser.post(path, {**fields, "password": PASSWORD}, headers=wrong).status == 403
        assert browser.post(path, {"password": PASSWORD}).status == 403
        assert browser.post(path, {**fields, "password": PASSWORD}).status == 200
        path = link()
        assert browser.post(path, {**fields, "password": PASSWORD}, cookies="none=1").status == 403
    with checks("U4 O13 a link that was used, and one that never was, say what to do next and lead to the sign-in"):
        used = link()
        assert gateway.post(used, {"password": PASSWORD}).status == 200
        for page in (Browser(gateway).get(place) for place in (used, used.rsplit("/", 1)[0] + "/none")):
            assert page.status == 404 and "ask whoever sent you the link" in page.text, page
            assert f'<a href="{office.shop.base}">To the first page</a>' in page.body.decode(), page
    with checks("U4 O13 a program, without cookie and origin, posts to the same address as ever"):
        assert gateway.post(link(), {"password": PASSWORD}).json["ok"] is True
        plain = Browser(gateway).post(link(), {"password": PASSWORD}, headers={"Origin": None, "Sec-Fetch-Site": None})
        assert plain.status == 200, plain


def ends(checks, gateway):
    scene = Scene(gateway)
    with checks("U2 an address that ends with a slash leads to its page, with what it asks; a form's does not"):
        browser, page = scene.browser(), scene.base + "/admin"
        led = browser.get(page + "/?range=30d")
        assert led.status == 303 and led.location == page + "?range=30d", led
        assert browser.get(page + "/none").status == 404 and browser.post(page + "/", {}).status == 404
    with checks("U4 signing out ends the session and takes the cookie; what was kept of it opens nothing"):
        browser, other = scene.browser(), scene.browser()
        kept = browser.cookies(scene.page)
        form = browser.get(scene.page).form("_token")
        forms = [form for form in browser.get(scene.page).read.forms if (form["action"] or "").endswith("/sign-out")]
        assert forms, "the page has no button to sign out"
        answer = browser.post(forms[0]["action"], {})
        assert answer.status == 403 and scene.opens(browser)
        answer = browser.post(forms[0]["action"], forms[0]["fields"])
        assert answer.status == 303 and browser.get(answer.location).text.find("You have signed out") > 0, answer
        assert f"tg-{scene.shop.slug}" not in dict(browser.jar), browser.jar
        assert browser.get(scene.page, cookies=kept).status == 303 and scene.opens(other)
        assert browser.post(forms[0]["action"], forms[0]["fields"], cookies=kept).status == 303
    with checks("U4 O13 G3 signing out everywhere ends every page's session from the answer on"):
        token = scene.token()
        browser = scene.browser()
        done = gateway.delete(scene.base + "/api/admin/account/sessions", key=token)
        assert done.status == 200 and not scene.opens(other) and not scene.opens(browser), done
    with checks("U4 O13 G3 a new password, and a person who is disabled, end the pages' sessions"):
        office = Office(gateway)
        clerk, session = office.person("clerk", "operator")
        page = office.shop.base + LIST
        browser = Browser(gateway)
        assert browser.sign_in(office.shop.base, clerk["email"], PASSWORD).status == 303
        assert browser.get(page).status == 200
        assert office.call(session, "POST", "/account/password", {"old": PASSWORD, "new": OTHER}).status == 200
        assert browser.get(page).status == 303
        assert browser.sign_in(office.shop.base, clerk["email"], OTHER).status == 303
        assert browser.get(page).status == 200
        changed = office.call(office.owner, "PATCH", f"/people/{clerk['id']}", {"state": "disabled"})
        assert changed.status == 200 and browser.get(page).status == 303, changed
        assert browser.sign_in(office.shop.base, clerk["email"], OTHER).status == 401
    with checks("U4 G3 P3 while the tenant is suspended no page is shown; then the session goes on"):
        browser = scene.browser()
        for move, status in (("suspend", 403), ("resume", 200)):
            done = gateway.post(f"/provider/v1/tenants/{scene.shop.slug}/{move}", key=gateway.provider_key)
            assert done.status == 200 and browser.get(scene.page).status == status, move


def too_late(checks, gateway):
    scene = Scene(gateway)
    with checks("U4 two hours without a page end a session for good; a page now and then keeps it"):
        browser = scene.browser()
        for _ in range(3):
            gateway.jump(2 * HOUR - 30)
            assert scene.opens(browser)
        gateway.jump(2 * HOUR)
        assert not scene.opens(browser) and not scene.opens(browser)
    with checks("U4 twelve hours end it, however busy; a restart in between makes it no longer"):
        browser = scene.browser()
        for hour in range(11):
            gateway.jump(HOUR)
            if hour == 5:
                gateway.stop()
                gateway.start()
            assert scene.opens(browser), hour
        gateway.jump(HOUR)
        assert not scene.opens(browser)
    with checks("U4 a form that comes too late is kept: after signing in it is sent once more, and done once"):
        browser = scene.browser()
        reseller = scene.waiting()
        fields = scene.approving(browser, reseller)
        gateway.jump(2 * HOUR)
        late = browser.post(scene.page, fields)
        assert late.status == 401 and "What you typed is kept" in late.text, late
        form = late.form("password")
        assert form["fields"]["next"] == scene.page and scene.status(reseller) == "pending"
        wrong = browser.post(form["action"], {**form["fields"], "email": scene.email, "password": "not it"})
        assert wrong.status == 401, wrong
        form = wrong.form("password")
        offered = browser.post(form["action"], {**form["fields"], "email": scene.email, "password": PASSWORD})
        assert offered.status == 200 and scene.status(reseller) == "pending", offered
        again = offered.form("_call")
        assert again["action"] == scene.page and again["fields"]["_call"] == fields["_call"]
        assert again["fields"]["_once"] == fields["_once"] and again["fields"]["_token"] != fields["_token"]
        assert browser.post(again["action"], again["fields"]).status == 303 and scene.status(reseller) == "active"
    with checks("U4 what another site sent, what has a password and what is too long is not kept, and nothing is done"):
        browser = scene.browser()
        reseller = scene.waiting()
        fields = scene.approving(browser, reseller)
        gateway.jump(2 * HOUR)
        assert browser.post(scene.page, fields, headers={"Origin": "https://evil.example"}).status == 403
        secrets = ({"old": "zebra one", "new": "zebra two"}, {"values.x": "zebra"}, {"keys": "zebra"})
        for sent in ({"_token": "A" * 22}, *secrets):
            page = browser.post(scene.page, {**fields, **sent})
            assert page.status == 401 and "_kept" not in page.form("password")["fields"], page
            assert "Nothing was done" in page.text and "is not kept" in page.text, page
            assert "zebra" not in page.body.decode(), page
        late = browser.post(scene.page, {**fields, "text": "x" * 20_000})
        assert late.status == 401 and "too long" in late.text and not late.read.forms, late
        assert scene.status(reseller) == "pending"


def applying(checks, gateway):
    scene = Scene(gateway)
    typed = {"company": "", "name": "Ann <b>", "email": "ann@shop.example", "password": "long enough"}

    def apply(browser, **fields):
        form = browser.get(scene.base + "/apply").form("password")
        return browser.post(form["action"], {**form["fields"], **typed, **fields})

    with checks("U4 W11 somebody applies, learns what happens next, and can sign in while it waits"):
        browser = Browser(gateway)
        done = apply(browser)
        assert done.status == 303, done
        page = browser.get(done.location)
        assert "waits for approval" in page.text and scene.base + "/sign-in" in page.read.links, page
        rows = scene.shop.admin("GET", "/resellers?status=pending").json["data"]
        assert [row["email"] for row in rows] == ["ann@shop.example"] and rows[0]["company"] is None, rows
        assert browser.sign_in(scene.base, "ann@shop.example", "long enough").location == scene.base + "/portal"
    with checks("U4 W11 what is wrong stands at its field, and what was typed stays"):
        page = apply(browser, email="no address", password="short", company="The Company")
        text = page.body.decode()
        assert page.status == 422 and text.count('aria-invalid="true"') == 2, page
        assert 'value="The Company"' in text and "Ann &lt;b&gt;" in text and "short" not in text
        taken = apply(browser, password="another password")
        assert taken.status == 409 and 'value="ann@shop.example"' in taken.body.decode(), taken
        assert scene.shop.admin("GET", "/resellers?status=pending").json["data"] == rows
    with checks("U4 W11 an application that is sent twice is one, and both hear that it waits"):
        again = apply(browser)
        assert again.status == 303 and again.location == done.location, again
        for change in ({"name": "Another"}, {"company": "Another"}, {"password": "another password"}):
            assert apply(browser, **change).status == 409, change
        answers = together([lambda: apply(Browser(gateway), email="bob@shop.example")] * 3)
        assert {answer.status for answer in answers} == {303}, answers
        waiting = scene.shop.admin("GET", "/resellers?status=pending").json["data"]
        assert [row["email"] for row in waiting].count("bob@shop.example") == 1 and len(waiting) == 2, waiting
    with checks("U4 the page on the programme has prices where everybody may see them, and leads to applying"):
        page = browser.get(scene.base + "/program")
        assert scene.base + "/apply" in page.read.links and "api/partner/v1" in page.text, page
        assert "<table" not in page.body.decode()
        codes = Shop(gateway, blueprint="codes")
        page = Browser(gateway).get(codes.base + "/program")
        assert "12 Months" in page.text and "19.99" in page.text, page.text
        assert f"{codes.base}/api/reseller/openapi.json" in page.read.links
        assert gateway.get(f"{codes.base}/api/reseller/openapi.json").status == 200


def secrecy(checks, gateway):
    with checks("U4 G7 no log line and no export has a cookie, a token or a password"):
        scene = Scene(gateway)
        browser = scene.browser()
        fields = browser.get(scene.page).form("_token")["fields"]
        browser.post(scene.page, fields)
        browser.sign_in(scene.base, scene.email, "a password that is wrong")
        secrets = [value for value in browser.jar.values()] + [fields["_token"], PASSWORD, "a password that is wrong"]
        export = gateway.get(f"/provider/v1/tenants/{scene.shop.slug}/export", key=gateway.provider_key).body
        log = gateway.errors() + "\n".join(gateway.output)
        for secret in secrets:
            assert secret not in log and secret.encode() not in export, secret
        sessions = scene.shop.admin("GET", "/sessions").json["data"]
        assert len(sessions) == 1 and "tg-" not in str(sessions), sessions


def form_token(cookie):
    """What a form carries beside this cookie: whoever makes up the one can make up the other."""
    code = hmac.new(cookie.encode(), b"form", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(code).decode()[:22]


def drain(ask):
    for _ in range(3_000):
        if ask().status == 429:
            return
    raise AssertionError("it is open without end")


def leaving(checks, gateway):
    scene = Scene(gateway)
    with checks("U4 G6 whoever makes up a cookie is led to the form to sign in by, and nothing is written"):
        stranger = Browser(gateway, address="198.51.100.7")
        for number in range(5):
            cookie = f"{number:064x}"
            answer = stranger.post(
                scene.base + "/sign-out", {"_token": form_token(cookie)}, cookies=f"tg-{scene.shop.slug}={cookie}")
            assert answer.status == 303 and answer.location == scene.base + "/sign-in?said=out", answer
            assert "audit-head" not in answer.headers, answer.headers
    with checks("U4 G6 whoever is signed in signs out, however much strangers at the address have asked for"):
        browser = scene.browser(address="198.51.100.8")
        out = next(form for form in browser.get(scene.page).read.forms if form["action"].endswith("/sign-out"))
        stranger = Browser(gateway, address="198.51.100.8")
        drain(lambda: stranger.get(scene.base + "/program"))
        kept = browser.cookies(scene.base)
        answer = browser.post(out["action"], out["fields"])
        assert answer.status == 303 and answer.location == scene.base + "/sign-in?said=out", answer
        assert "audit-head" in answer.headers, answer.headers
        # It is over: who shows it once more is a stranger, and those have no calls left here.
        assert browser.get(scene.page).status in (303, 429)
        drain(lambda: browser.post(out["action"], out["fields"], cookies=kept))
    with checks("U4 G6 so does whoever is signed in to the console"):
        browser = Browser(gateway, address="198.51.100.9")
        form = browser.get("/console/sign-in").form("key")
        assert browser.post(form["action"], {**form["fields"], "key": gateway.provider_key}).status == 303
        out = next(form for form in browser.get("/console/log").read.forms if form["action"] == "/console/sign-out")
        stranger = Browser(gateway, address="198.51.100.9")
        drain(lambda: stranger.get("/console/sign-in"))
        kept = browser.cookies("/console")
        assert browser.post(out["action"], out["fields"]).location == "/console/sign-in?said=out"
        drain(lambda: browser.post(out["action"], out["fields"], cookies=kept))


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8", "--log-requests", demo=False) as gateway:
        cookies(checks, gateway)
        signing_in(checks, gateway)
        forms(checks, gateway)
        open_pages(checks, gateway)
        ends(checks, gateway)
        applying(checks, gateway)
        secrecy(checks, gateway)
        leaving(checks, gateway)
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        too_late(checks, gateway)
    checks.finish()


if __name__ == "__main__":
    main()
