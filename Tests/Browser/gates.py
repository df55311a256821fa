"""What guards a session's pages (U4): every form of every page sent wrongly, a page of another site that sends one,
where a sign-in leads, and what its cookie is. The ends of sessions come last, since they end everybody's."""

import itertools
import urllib.parse

import injected
from pages_table import PAGES, SURFACES, address, tenants, who_looks
from plain import Plain
from receiver import answer
from signing import cookie, sign_in, signed_in

HOUR = 3_600
# Where no sign-in may lead.
ELSEWHERE = ["//evil.example/", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
             "/%2f%2fevil.example", "/\t/evil.example", "///evil.example", "http:evil.example", "/t/hosting/admin"]
WRONG = {
    "without its token": ({}, {"_token": None}),
    "with a token of nobody's": ({}, {"_token": "A" * 22}),
    "from another origin": ({"Origin": "https://evil.example", "Sec-Fetch-Site": None}, {}),
    "from another origin, which calls itself ours": ({"Origin": "https://evil.example"}, {}),
    "from another site": ({"Sec-Fetch-Site": "cross-site"}, {}),
    "from a neighbour of the site": ({"Sec-Fetch-Site": "same-site"}, {}),
}
# The others are sent in two of the ways: one gate judges all of them.
FORMS_TRIED_EACH_WAY = 20
numbers = itertools.count(1)


def run(checks, world, browser, options):
    surfaces = {page.surface for page in PAGES}
    if "admin" not in surfaces:
        return
    with checks("U4 19: every form of every page is refused without its token, with another's, and from elsewhere; "
                "nothing is changed"):
        every_form(world, browser)
    with checks("U4 19: a page of another site that sends a form with the browser's own cookie changes nothing"):
        another_site(world, browser)
    with checks("U4 19: a sign-in leads to pages of its own tenant, wherever its address says"):
        next_pages(world)
    with checks("U4 20: the cookie: HttpOnly, Lax, for its path; with TLS Secure and __Host-; new at each sign-in"):
        cookies(world)
    with checks("U4 19: signing out ends the session, and signing out everywhere the other browser's"):
        signing_out(world, browser)
    with checks("U4 GET changes nothing: a form's call as an address does not act"):
        by_get(world, browser)
    injected.run(checks, world, browser)


def ends(checks, world, browser):
    """Last: sessions end by the clock."""
    if not any(page.surface == "admin" for page in PAGES):
        return
    with checks("U4 20: two hours without a page end a session, and what was typed is there after signing in again"):
        idle(world, browser)
    with checks("U4 20: twelve hours end a session, however busy it is, and what was typed is kept then too"):
        total(world, browser)


def people(world, browser, tenant, who):
    return Plain(world.gateway, cookie(browser, world, tenant, who))


def newest(world):
    """Of each tenant and of the provider: the newest change that its log has of anybody's, but for sign-ins; what falls
    due meanwhile changes things as well."""
    demo = [world.gateway.tenant(name) for name in ("codes", "licences", "panel", "proxies", "hosting")]
    path = "/audit?changes=true&without=sessions&limit=100"
    logs = [office.admin("GET", path).json["data"] for office in (world.works.shop, world.empty.shop, world.fresh)] + [
        world.admin(tenant, "GET", path)["data"] for tenant in demo]
    return [next((row for row in log if row["key"] or row["account"]), None) for log in logs] + [
        world.gateway.get("/provider/v1/log?limit=1", key=world.gateway.provider_key).json["data"]]


def every_form(world, browser):
    sent, wrong, seen = 0, [], set()
    # Whoever signs in does so first: nothing is written from here on.
    for page in PAGES:
        if who_looks(page):
            cookie(browser, world, "console" if page.surface == "console" else tenants(page)[0], who_looks(page))
    theirs = people(world, browser, "works", "operator").forms("/t/works/admin")
    strange = next(form.fields["_token"] for form in theirs if "_token" in form.fields)
    before = newest(world)
    for page in PAGES:
        if SURFACES[page.surface] is None or page.status != 200:
            continue
        tenant = tenants(page)[0]
        whose = "console" if page.surface == "console" else tenant
        plain = people(world, browser, whose, who_looks(page))
        path = address(page, tenant, world.ids.get(tenant, {}))
        for form in plain.forms(path):
            kind = (page.path, form.call or form.action)
            if form.method != "POST" or kind in seen or form.action.endswith("/sign-out"):
                continue
            seen.add(kind)
            ways = {**WRONG, "with another session's token": ({}, {"_token": strange})}
            if len(seen) > FORMS_TRIED_EACH_WAY:
                ways = {name: ways[name] for name in ("without its token", "from another site")}
            for name, (headers, changes) in ways.items():
                got = plain.send(form, headers, **changes)
                sent += 1
                if got.status != 403:
                    wrong.append(f"{path}: {form.call or form.action} {name}: {got.status}")
    assert sent and not wrong, "\n".join(wrong[:20])
    after = newest(world)
    assert after == before, ("a form that was refused changed something", [
        (was, now) for was, now in zip(before, after) if was != now])
    print(f"# {len(seen)} forms, {sent} of them sent wrongly", flush=True)


def another_site(world, browser):
    """Same machine, another port: a browser sends its cookie there too."""
    works = world.works
    before = works.admin("GET", "/settings")
    visitor = signed_in(browser, world, "works", "owner")
    fields = {"_call": "PATCH /settings", "name": "Taken over", "_token": "A" * 22, "_once": "x"}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    action = f"{world.gateway.base_url}/t/works/admin/settings"
    html = (f'<!doctype html><title>x</title><form method="post" action="{action}">{inputs}'
            f'<button>Win</button></form>').encode()
    works.receiver.answers["/evil"] = lambda count: answer(200, "Content-Type: text/html", body=html)
    visitor.page.goto(works.receiver.url("/evil"))
    with visitor.page.expect_navigation() as moved:
        visitor.page.get_by_role("button", name="Win").click()
    assert moved.value.status == 403, moved.value.status
    assert "tg-works" in (moved.value.request.all_headers().get("cookie") or ""), "the browser kept its cookie"
    assert works.admin("GET", "/settings") == before
    visitor.close()


def next_pages(world):
    email, password = world.login("works", "owner")
    for target in ELSEWHERE:
        path = "/t/works/sign-in?" + urllib.parse.urlencode({"next": target})
        plain = Plain(world.gateway)
        form = next(form for form in plain.forms(path) if "password" in form.fields)
        got = plain.send(form, email=email, password=password)
        assert got.status == 303, (target, got)
        location = urllib.parse.urljoin(world.gateway.base_url + path, got.headers["location"])
        assert location.startswith(f"{world.gateway.base_url}/t/works/admin"), (target, location)
    plain = Plain(world.gateway)
    path = "/t/works/sign-in?next=/t/works/admin/resellers%3Fstatus%3Dpending"
    form = next(form for form in plain.forms(path) if "password" in form.fields)
    got = plain.send(form, email=email, password=password)
    assert got.headers["location"].endswith("/t/works/admin/resellers?status=pending"), got.headers


def set_cookies(world, plain, form, **fields):
    """Of one answer, every Set-Cookie."""
    connection = world.gateway.connection()
    secure = fields.pop("secure", False)
    body = urllib.parse.urlencode({**form.fields, **fields})
    headers = plain.headers({
        "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin",
        **({"X-Forwarded-Proto": "https"} if secure else {})})
    connection.request("POST", form.action, body, headers)
    got = connection.getresponse()
    got.read()
    assert got.status == 303, got.status
    return [value for name, value in got.getheaders() if name.lower() == "set-cookie"]


def cookies(world):
    email, password = world.login("works", "owner")
    values = []
    for secure in (False, False, True):
        plain = Plain(world.gateway)
        headers = {"X-Forwarded-Proto": "https"} if secure else None
        form = next(form for form in plain.forms("/t/works/sign-in", plain.get("/t/works/sign-in", headers))
                    if "password" in form.fields)
        name = "__Host-tg-works" if secure else "tg-works"
        made = next(value for value in set_cookies(world, plain, form, email=email, password=password, secure=secure)
                    if value.startswith(name + "="))
        words = {word.strip().lower() for word in made.split(";")[1:]}
        assert {"httponly", "samesite=lax"} <= words and ("secure" in words) == secure, made
        assert ("path=/" if secure else "path=/t/works") in words, made
        assert not any(word.startswith(("domain", "max-age", "expires")) for word in words), made
        values.append(made.split(";")[0].split("=", 1)[1])
        assert len(values[-1]) >= 30, made
    assert len(set(values)) == 3


def signing_out(world, browser):
    here, there = browser.visitor(), browser.visitor()
    for visitor in (here, there):
        sign_in(visitor, world, "works", "leaver")
    plain = {}
    for visitor in (here, there):
        pairs = [f"{each['name']}={each['value']}" for each in visitor.context.cookies()]
        plain[visitor] = Plain(world.gateway, "; ".join(pairs))
    here.go("/t/works/admin/account")
    with here.page.expect_navigation():
        here.page.get_by_role("button", name="Sign out everywhere").first.click()
    assert plain[there].get("/t/works/admin").status == 303
    with there.page.expect_navigation():
        there.page.locator("nav a[href$='/admin/resellers']:visible").first.click()
    assert "/sign-in" in there.path, there.path
    for visitor in (here, there):
        visitor.close()
    third = browser.visitor()
    sign_in(third, world, "works", "leaver")
    pairs = "; ".join(f"{each['name']}={each['value']}" for each in third.context.cookies())
    forms = Plain(world.gateway, pairs).forms("/t/works/admin")
    out = next(form for form in forms if form.action.endswith("/sign-out"))
    assert Plain(world.gateway, pairs).send(out).status == 303
    # What somebody kept of the cookie is worth nothing.
    assert Plain(world.gateway, pairs).get("/t/works/admin").status == 303
    third.close()


def by_get(world, browser):
    plain = people(world, browser, "works", "owner")
    before = world.works.admin("GET", "/settings")
    form = next(form for form in plain.forms("/t/works/admin/settings") if form.call)
    for path in ("/t/works/admin/settings", "/t/works/sign-out"):
        got = plain.get(path + "?" + urllib.parse.urlencode({**form.fields, "name": "By an address"}))
        assert got.status in (200, 303, 404, 405), (path, got)
    assert world.works.admin("GET", "/settings") == before
    assert plain.get("/t/works/admin").status == 200


def idle(world, browser):
    visitor = browser.visitor()
    sign_in(visitor, world, "works", "owner")
    # A page now and then keeps it.
    for _ in range(2):
        world.gateway.jump(2 * HOUR - 60)
        assert visitor.go("/t/works/admin/settings").status == 200 and "/sign-in" not in visitor.path
    kept(world, visitor, "Typed before two hours were over", 2 * HOUR + 60)
    visitor.close()


def total(world, browser):
    visitor = browser.visitor()
    sign_in(visitor, world, "works", "owner")
    for hour in range(1, 9):
        world.gateway.jump(int(1.5 * HOUR) - (30 if hour == 8 else 0))
        assert visitor.go("/t/works/admin/settings").status == 200 and "/sign-in" not in visitor.path, hour
    kept(world, visitor, "Typed before twelve hours were over", 60)
    visitor.close()


def kept(world, visitor, text, seconds):
    """What is typed into the page that is open, and sent so much later, is not done; signed in again, it is sent by one
    press."""
    page, name = visitor.page, lambda: world.works.admin("GET", "/settings")["name"]
    before = name()
    field = page.locator("input[name=name]").first
    field.fill(text)
    world.gateway.jump(seconds)
    with page.expect_navigation() as moved:
        field.press("Enter")
    assert moved.value.status == 401 and name() == before, moved.value.status
    email, password = world.login("works", "owner")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()
    assert name() == before, "it was sent without a press"
    with page.expect_navigation():
        page.get_by_role("button", name="Send it now").click()
    assert name() == text and page.locator("input[name=name]").first.input_value() == text, name()
