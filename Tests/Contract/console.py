#!/usr/bin/env python3
"""U1 The provider's console, as somebody without scripts uses it: signing in with a provider key, tenants with trouble
first, one made from a blueprint, changed, suspended, exported, restored, moved, refunded and erased; keys, log, usage
and health. U4 P8 What a session of it opens, and when it ends."""

import json
import re
import subprocess

from pagewire import Browser, multipart
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, wait_until

API = "/provider/v1"
HOUR = 3_600
PAGES = ["", "/tenants/new", "/node", "/nodes", "/keys", "/log", "/usage"]


class Console:
    def __init__(self, gateway, key=None, **options):
        self.gateway, self.browser = gateway, Browser(gateway, **options)
        self.answer = self.sign_in(key or gateway.provider_key)
        assert self.answer.status == 303, self.answer

    def sign_in(self, key, **fields):
        form = self.browser.get("/console/sign-in").form("key")
        return self.browser.post(form["action"], {**form["fields"], "key": key, **fields})

    def get(self, path=""):
        answer = self.browser.get("/console" + path)
        assert answer.status == 200, (path, answer)
        return answer

    def form(self, page, call):
        """The form that makes this call."""
        found = [form for form in self.get(page).read.forms if form["fields"].get("_call") == call]
        assert found, (page, call, [form["fields"].get("_call") for form in self.get(page).read.forms])
        return found[0]["fields"]

    def send(self, page, call, **fields):
        return self.browser.post("/console" + page, {**self.form(page, call), **fields})

    def done(self, page, call, **fields):
        answer = self.send(page, call, **fields)
        assert answer.status == 303, answer
        return answer

    @property
    def is_in(self):
        answer = self.browser.get("/console/log")
        assert answer.status in (200, 303), answer
        return answer.status == 200

    def api(self, method, path, body=None, **options):
        options.setdefault("key", self.gateway.provider_key)
        return self.gateway.request(method, API + path, body, **options)

    def state(self, slug):
        return self.api("GET", f"/tenants/{slug}").json


def signing_in(checks, gateway):
    with checks("U1 U4 without a session every page of the console leads to its sign-in, and tells of no path"):
        browser = Browser(gateway)
        paths = [*PAGES, "/tenants/x", "/nowhere", "/a/b/c"]
        for path in ("/console" + page for page in paths):
            answer = browser.get(path)
            leads = (answer.location or "").startswith("/console/sign-in?next=%2Fconsole")
            assert answer.status == 303 and leads, (path, answer)
        assert browser.get("/console", cookies="tg-console=" + "0" * 64).status == 303
        assert browser.get("/consoles").status == 404
    with checks("U4 P8 a provider key signs in; the cookie is tg-console for /console, over TLS __Host-tg-console"):
        console = Console(gateway)
        line = console.browser.set_lines[-1]
        assert re.fullmatch("tg-console=[0-9a-f]{64}; Path=/console; HttpOnly; SameSite=Lax", line), line
        assert console.answer.location == "/console" and console.is_in
        guarded = Console(gateway, secure=True)
        line = guarded.browser.set_lines[-1]
        assert re.fullmatch("__Host-tg-console=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Lax; Secure", line), line
        assert guarded.is_in
    with checks("U4 a wrong key, a tenant's and a cookie sign nobody in; a cookie is no key, and no key a cookie"):
        shop = Shop(gateway)
        cookie = next(value for (name, _), value in console.browser.jar.items() if name == "tg-console")
        for wrong in ("x", "tgp_live_" + "a" * 30, shop.owner_key, cookie):
            answer = console.sign_in(wrong)
            assert answer.status == 401 and answer.form("key"), answer
        assert console.sign_in("").status == 422
        assert console.api("GET", "/tenants", key=cookie).status == 401
        for text in (gateway.provider_key, shop.owner_key):
            assert console.browser.get("/console", cookies=f"tg-console={text}").status == 303
        assert gateway.get("/console", key=gateway.provider_key).status == 303
    with checks("U4 a sign-in leads to a page of the console, wherever its address says"):
        for target in (
            "//evil.example", "https://evil.example", "/\\evil", "/t/x/admin", "/consoles", "/console/../x", ""):
            assert console.sign_in(gateway.provider_key, next=target).location == "/console", target
        assert console.sign_in(gateway.provider_key, next="/console/log?tenant=x").location == "/console/log?tenant=x"
    with checks("U4 a form without its token, with another's, or from elsewhere is refused, and changes nothing"):
        page, call = f"/tenants/{shop.slug}/suspend", f"POST /tenants/{shop.slug}/suspend"
        fields = console.form(page, call)
        other = Console(gateway).form(page, call)["_token"]
        ways = [({}, {"_token": ""}), ({}, {"_token": other}), ({"Origin": "https://evil.example"}, {}),
                ({"Sec-Fetch-Site": "cross-site"}, {}), ({"Origin": "null", "Sec-Fetch-Site": None}, {})]
        for headers, changes in ways:
            answer = console.browser.post("/console" + page, {**fields, **changes}, headers=headers)
            assert answer.status == 403 and console.state(shop.slug)["state"] == "active", (headers, changes, answer)
        assert console.browser.get(f"/console{page}?" + "&".join(
            f"{name}={value}" for name, value in fields.items()).replace(" ", "+")).status == 200
        assert console.state(shop.slug)["state"] == "active"
    with checks("U4 signing out ends the session; what was kept of the cookie opens nothing"):
        kept = console.browser.cookies("/console")
        out = next(form for form in console.get("/log").read.forms if form["action"] == "/console/sign-out")
        assert console.browser.post(out["action"], {}).status == 403 and console.is_in
        assert console.browser.post(out["action"], out["fields"]).location == "/console/sign-in?said=out"
        assert console.browser.get("/console", cookies=kept).status == 303


def bound(checks, gateway):
    root = Console(gateway)

    def key(**fields):
        return root.api("POST", "/provider-keys", {"name": "a key", "role": "admin", **fields}).json

    with checks("U4 P8 G3 a session ends with its key: revoked, rotated past its overlap, expired"):
        made = key()
        console = Console(gateway, made["key"])
        assert root.api("DELETE", f"/provider-keys/{made['id']}").status == 200 and not console.is_in
        made = key()
        console = Console(gateway, made["key"])
        assert root.api("POST", f"/provider-keys/{made['id']}/rotate", {"overlap_seconds": 600}).status == 200
        assert console.is_in
        gateway.jump(600)
        assert not console.is_in
        made = key()
        console = Console(gateway, made["key"])
        assert root.api("POST", f"/provider-keys/{made['id']}/rotate").status == 200 and not console.is_in
    with checks("U4 two hours without a page and twelve hours in all end it"):
        console = Console(gateway)
        gateway.jump(2 * HOUR - 30)
        assert console.is_in
        gateway.jump(2 * HOUR)
        assert not console.is_in
        console = Console(gateway)
        for _ in range(11):
            gateway.jump(HOUR)
            assert console.is_in
        gateway.jump(HOUR)
        assert not console.is_in
    with checks("U4 a form that comes too late is kept, and sent once the provider has signed in again"):
        shop = Shop(gateway)
        console = Console(gateway)
        page, call = f"/tenants/{shop.slug}/suspend", f"POST /tenants/{shop.slug}/suspend"
        fields = console.form(page, call)
        gateway.jump(2 * HOUR)
        late = console.browser.post("/console" + page, fields)
        lost = console.browser.post("/console" + page, {**fields, "private_key": "zebra"})
        assert lost.status == 401 and "Nothing was done" in lost.text and "zebra" not in lost.body.decode(), lost
        form = late.form("key")
        assert late.status == 401 and console.state(shop.slug)["state"] == "active"
        offered = console.browser.post(form["action"], {**form["fields"], "key": gateway.provider_key})
        again = offered.form("_call")
        assert console.browser.post(again["action"], again["fields"]).status == 303
        assert console.state(shop.slug)["state"] == "suspended"
    with checks("U1 P8 a key of the role read looks and changes nothing: no button, and 403 for whoever makes one"):
        reader = Console(gateway, key(role="read")["key"])
        for page in ("", "/node", "/log", "/usage", f"/tenants/{shop.slug}"):
            text = reader.get(page).body.decode()
            assert text.count('name="_call"') == 0, (page, re.findall('_call" value="[^"]*', text))
        assert "Only a key of the role admin" in reader.get("/keys").text
        assert "/tenants/new" not in reader.get().body.decode()
        moves = ("suspend", "cancel", "refund", "delete", "export", "restore", "move", "domains")
        for form in ("new", *(f"{shop.slug}/{move}" for move in moves)):
            assert reader.browser.get(f"/console/tenants/{form}").status == 403, form
        assert reader.browser.get(f"/console/tenants/{shop.slug}/export.sqlite").status == 403
        out = next(form for form in reader.get("/log").read.forms if form["action"] == "/console/sign-out")
        token = out["fields"]["_token"]
        for call in (f"POST /tenants/{shop.slug}/resume", "POST /provider-keys"):
            answer = reader.browser.post("/console/log", {"_call": call, "_token": token, "name": "x", "role": "admin"})
            assert answer.status == 403 and console.state(shop.slug)["state"] == "suspended", answer
    with checks("P8 U1 the provider's log names the key whose session acted"):
        named = key(name="night shift")
        console = Console(gateway, named["key"])
        console.done(f"/tenants/{shop.slug}", f"POST /tenants/{shop.slug}/resume")
        event = root.api("GET", "/log?limit=1&action=tenant.resumed").json["data"][0]
        assert event["key"] == named["id"] and event["key_name"] == "night shift", event
        assert "night shift" in Console(gateway).get(f"/log?tenant={shop.slug}").text


def making(checks, gateway):
    console = Console(gateway)
    with checks("U1 a tenant is made from a blueprint: its owner's key is shown once; its admin is one click away"):
        made = console.send("/tenants/new", "POST /tenants", blueprint="hosting", slug="made-here",
            owner_email="owner@made.example", password=PASSWORD)
        assert made.status == 200 and made.headers["cache-control"] == "no-store", made
        owner = re.search(r"tgh_live_\w+", made.body.decode()).group(0)
        assert "/t/made-here/admin" in made.read.links, made.read.links
        assert gateway.get("/t/made-here/api/admin/settings", key=owner).status == 200
        assert owner not in console.get("/tenants/made-here").body.decode() and owner not in gateway.errors()
        led = console.browser.get("/t/made-here/admin")
        assert led.status == 303 and led.location.startswith("/t/made-here/sign-in?next="), led
        answer = console.browser.sign_in("/t/made-here", "owner@made.example", PASSWORD, next="/t/made-here/admin")
        assert answer.location == "/t/made-here/admin"
    with checks("U1 what is wrong stands at its field, what was typed stays, and nothing is made"):
        page = console.send("/tenants/new", "POST /tenants", blueprint="codes", slug="Not A Slug", owner_email="none",
            tier="pro")
        text = page.body.decode()
        assert page.status == 422 and text.count('aria-invalid="true"') == 2 and 'value="Not A Slug"' in text, page
        assert '<option value="pro" selected' in text and console.api("GET", "/tenants/made-here").status == 200
        taken = console.send("/tenants/new", "POST /tenants", blueprint="codes", slug="made-here",
            owner_email="a@b.example")
        assert taken.status == 409, taken


def changing(checks, gateway):
    console = Console(gateway)
    with checks("U1 P2 tier, quotas, limit and owner are changed, and an empty quota goes back to the tier's"):
        page, call = "/tenants/made-here", "PATCH /tenants/made-here"
        forms = [form["fields"] for form in console.get(page).read.forms if form["fields"].get("_call") == call]

        def change(name, **fields):
            form = next(form for form in forms if name in form)
            answer = console.browser.post("/console" + page, {**form, **fields})
            assert answer.status in (200, 303), answer
            return console.state("made-here")

        assert change("tier", tier="lite")["tier"] == "lite"
        assert change("quotas.keys", **{"quotas.keys": "7"})["quotas"]["keys"] == 7
        assert change("quotas.keys", **{"quotas.keys": ""})["quotas"]["keys"] == 200
        limit = {"rate_limit.requests": "50", "rate_limit.window_seconds": "10", "rate_limit.burst": ""}
        assert change("rate_limit.requests", **limit)["rate_limit"] == {
            "requests": 50, "window_seconds": 10, "burst": 50}
        empty = {name: "" for name in limit}
        assert change("rate_limit.requests", **empty)["rate_limit"] is None
        assert change("owner_email", owner_email="next@made.example")["owner_email"] == "next@made.example"
    with checks("U1 P3 suspend and resume; sent twice it is done once"):
        assert "POST /tenants/made-here/suspend" not in console.get(page).body.decode(), "it has a page of its own"
        asking = console.form(page + "/suspend", "POST /tenants/made-here/suspend")
        assert "every call is refused" in console.get(page + "/suspend").text
        done = console.browser.post("/console" + page + "/suspend", asking)
        assert done.location == "/console" + page + "?said=suspended", done
        assert console.state("made-here")["state"] == "suspended" and "Suspended" in console.get(page).text
        console.done(page, "POST /tenants/made-here/resume")
        again = console.browser.post("/console" + page + "/suspend", asking)
        assert again.status == 303 and again.location == "/console" + page + "?said=already", again
        assert "was not done again" in console.browser.follow(again).text
        assert console.state("made-here")["state"] == "active"


def loaded_anew(checks, gateway):
    """What a browser sends as the page is loaded anew that answers a form: the same once more."""
    console = Console(gateway)
    secrets = {"key": r"tgp_live_\w{20,}", "owner": r"tgh_live_\w{20,}", "link": r"/invite/[\w-]+"}

    def twice(page, call, secret, **fields):
        form = {**console.form(page, call), **fields}
        first = console.browser.post("/console" + page, form)
        found = re.search(secrets[secret], first.body.decode())
        assert first.status == 200 and found, first
        again = console.browser.post("/console" + page, form)
        assert again.status == 303 and again.location.endswith("said=already"), (call, again)
        shown = console.browser.follow(again)
        assert "was not done again" in shown.text and not re.search(secrets[secret], shown.body.decode()), shown.text
        return found.group(0)

    def keys():
        return [row["name"] for row in console.api("GET", "/provider-keys?limit=100").json["data"]]

    def counted(slug, action):
        return len(console.api("GET", f"/log?limit=100&tenant={slug}&action={action}").json["data"])

    with checks("U1 P8 a page that shows a provider key, loaded anew, makes no second one, and shows nothing again"):
        key = twice("/keys", "POST /provider-keys", "key", name="pressed twice", role="admin", expires_at="")
        assert keys().count("pressed twice") == 1 and console.api("GET", "/tenants", key=key).status == 200
        made = next(row for row in console.api("GET", "/provider-keys?limit=100").json["data"]
                    if row["name"] == "pressed twice")
        second = twice("/keys", f"POST /provider-keys/{made['id']}/rotate", "key", overlap_seconds="0")
        # The secret that was shown is the one in force.
        assert [console.api("GET", "/tenants", key=text).status for text in (key, second)] == [401, 200]
        console.done(f"/keys/{made['id']}/revoke", f"DELETE /provider-keys/{made['id']}")
    with checks("U1 P1 a new tenant, its owner's key and link are made once, however often the page is loaded"):
        twice("/tenants/new", "POST /tenants", "owner", blueprint="hosting", slug="loaded-twice",
              owner_email="owner@twice.example")
        page = "/tenants/loaded-twice"
        twice(page, "POST /tenants/loaded-twice/owner-key", "owner")
        twice(page, "POST /tenants/loaded-twice/invitation", "link")
        for action in ("tenant.created", "tenant.owner_key", "tenant.owner_invited"):
            assert counted("loaded-twice", action) == 1, action
    with checks("U1 U4 a form that was kept through signing in anew is not done again either"):
        other = Console(gateway)
        form = {**other.form("/keys", "POST /provider-keys"), "name": "kept", "role": "read", "expires_at": ""}
        assert other.browser.post("/console/keys", form).status == 200
        cookies = other.browser.cookies("/console")
        out = next(form for form in other.get("/log").read.forms if form["action"] == "/console/sign-out")
        assert other.browser.post(out["action"], out["fields"]).status == 303
        sign_in = other.browser.post("/console/keys", form, cookies=cookies).form("key")
        offered = other.browser.post(sign_in["action"], {**sign_in["fields"], "key": gateway.provider_key})
        again = offered.form("_call")
        sent = other.browser.post(again["action"], again["fields"])
        assert sent.status == 303 and sent.location.endswith("said=already"), sent
        assert keys().count("kept") == 1
    with checks("U1 a form that was refused may come again, and one with another text in a field is another form"):
        form = {**console.form("/keys", "POST /provider-keys"), "role": "read", "expires_at": ""}
        for _ in range(2):
            refused = console.browser.post("/console/keys", {**form, "name": ""})
            assert refused.status == 422 and "is required" in refused.text, refused
        for name in ("one", "another"):
            assert console.browser.post("/console/keys", {**form, "name": name}).status == 200
        assert keys().count("one") == keys().count("another") == 1


def looking(checks, gateway):
    console = Console(gateway)
    with checks("U1 the list has trouble first, and says what it is; it is filtered and ordered"):
        shop = Shop(gateway, slug="troubled")
        assert shop.admin("GET", "/settings").status == 200
        console.api("POST", "/tenants/troubled/suspend")
        trouble = console.api("GET", "/attention").json
        assert trouble["data"][0]["slug"] == "troubled" and trouble["troubled"] == 1, trouble
        console.api("POST", "/tenants/troubled/resume")
        for _ in range(30):
            assert shop.admin("GET", "/orders/none").status == 404
        matters = console.api("GET", "/attention").json["data"]
        assert [(row["slug"], row["level"], row["matters"][0]["code"]) for row in matters] == [
            ("troubled", "warn", "calls_refused")], matters
        # Named last, and worse.
        Shop(gateway, slug="zz-full")
        console.api("PATCH", "/tenants/zz-full", {"quotas": {"keys": 1}})
        wait_until(lambda: console.api("GET", "/log?limit=1").status == 200 and [
            (row["slug"], row["level"]) for row in console.api("GET", "/attention").json["data"]] == [
                ("zz-full", "bad"), ("troubled", "warn")], 30)
        text = console.get().text
        assert text.index("zz-full") < text.index("troubled"), text
        assert text.index("What is the matter") < text.index("Last 24 h"), text
        most = console.api("GET", "/attention?limit=1").json
        assert most["troubled"] == 2 and [row["slug"] for row in most["data"]] == ["zz-full"], most
        rest = console.api("GET", f"/attention?limit=1&cursor={most['next_cursor']}").json
        assert [row["slug"] for row in rest["data"]] == ["troubled"] and "next_cursor" not in rest, rest
        behind = console.get(f"?trouble={most['next_cursor']}")
        shown = behind.text.split("What is the matter")[1].split("Last 24 h")[0]
        assert "troubled" in shown and "zz-full" not in shown and "From the worst" in shown, shown
        assert "/console" in [link.split("?")[0] for link in behind.read.links], behind.read.links
        assert console.api("GET", "/attention?cursor=" + "A" * 40).status == 400
        traffic = console.api("GET", "/traffic?tenant=troubled,nobody").json["data"]
        assert [row["slug"] for row in traffic] == ["troubled"] and len(traffic[0]["hours"]) == 24, traffic
        nobody = console.api("GET", "/traffic?tenant=nobody")
        assert nobody.status == 404 and nobody.json["code"] == "tenant_not_found", nobody
        assert sum(hour["answered"] for hour in traffic[0]["hours"]) >= 1, traffic
        assert traffic[0]["webhooks_waiting_since"] is None and "Webhooks wait" in text, traffic
        listed = [link.split("?")[0] for link in console.get("?tier=lite").read.links]
        assert "/console/tenants/made-here" in listed and "/console/tenants/troubled" not in listed, listed
        assert "No tenant matches" in console.get("?q=zzz").text
        assert ">Clear<" in console.get("?tier=lite").body.decode() and ">Clear<" not in console.get().body.decode()
    with checks("U1 G1 U+0022 a hostile name stays text"):
        page = console.browser.get("/console?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        assert page.status in (200, 422) and "<script>alert" not in page.body.decode(), page


def copying(checks, gateway):
    console = Console(gateway)
    with checks("U1 P5 a tenant is exported, and restored once the file is found sound; a wrong file changes nothing"):
        file = console.browser.get("/console/tenants/made-here/export.sqlite")
        assert file.status == 200 and file.body.startswith(b"SQLite format 3"), file
        assert 'filename="made-here.sqlite"' in file.headers["content-disposition"], file.headers
        Shop(gateway, slug="other-one")
        theirs = console.browser.get("/console/tenants/other-one/export.sqlite").body
        before = console.state("made-here")

        def restore(content, **fields):
            form = console.form("/tenants/made-here/restore", "POST /tenants/made-here/restore")
            body, kind = multipart({**form, **fields}, content)
            return console.browser.request("POST", "/console/tenants/made-here/restore", body, headers={
                "Content-Type": kind, "Origin": console.browser.origin, "Sec-Fetch-Site": "same-origin"})

        for wrong in (b"no file at all", theirs, file.body[:-200]):
            answer = restore(wrong)
            assert answer.status == 422 and 'role="alert"' in answer.body.decode(), answer
        answer = restore(file.body)
        assert answer.status == 200 and "is restored" in answer.text, answer.text
        assert console.state("made-here")["owner_email"] == before["owner_email"]
        assert restore(file.body, _token="A" * 22).status == 403
    with checks("U1 P10 a tenant is sealed for a move, and the seal is taken off"):
        page = "/tenants/other-one/move"
        wrong = console.send(page, "POST /tenants/other-one/move", base_url="no url")
        assert wrong.status == 422 and 'aria-invalid="true"' in wrong.body.decode(), wrong
        console.done(page, "POST /tenants/other-one/move", base_url="https://node2.example/t/other-one")
        assert console.state("other-one")["moved_to"] == "https://node2.example/t/other-one"
        assert "tenant import" in console.get(page).text
        console.done(page, "DELETE /tenants/other-one/move")
        assert console.state("other-one")["state"] == "active"


def ending(checks, gateway):
    console = Console(gateway)
    with checks("U1 P4 cancelling says what will happen and is taken back; refunding ends access"):
        console.done("/tenants/other-one/cancel", "POST /tenants/other-one/cancel")
        assert console.state("other-one")["ends_at"] and "access ends on" in console.get("/tenants/other-one").text
        console.done("/tenants/other-one", "DELETE /tenants/other-one/cancel")
        assert console.state("other-one")["ends_at"] is None
        assert re.search(r", in 1[34] days\.", console.get("/tenants/other-one/refund").text)
        console.done("/tenants/other-one/refund", "POST /tenants/other-one/refund")
        assert console.state("other-one")["state"] == "refunded"
    with checks("U1 P5 a tenant is erased by whoever types its slug, now or later"):
        page, call = "/tenants/other-one/delete", "DELETE /tenants/other-one"
        for wrong in ("", "other-two", "OTHER-ONE"):
            answer = console.send(page, call, confirm=wrong)
            assert answer.status in (400, 422) and console.state("other-one")["deletes_at"] is None, (wrong, answer)
        console.done(page, call, confirm="other-one", after_days="30")
        assert console.state("other-one")["deletes_at"]
        console.done("/tenants/other-one", "DELETE /tenants/other-one/deletion")
        done = console.done(page, call, confirm="other-one")
        assert done.location == "/console?said=deleted" and console.api("GET", "/tenants/other-one").status == 404
    with checks("U1 P1 P10 the owner is invited anew and gets another key, each shown once"):
        page = "/tenants/made-here"
        for call, secret in (("invitation", r"/invite/\w+"), ("owner-key", r"tgh_live_\w+")):
            shown = console.send(page, f"POST /tenants/made-here/{call}")
            found = re.search(secret, shown.body.decode())
            assert shown.status == 200 and found and found.group(0) not in console.get(page).body.decode(), shown


def node(checks, gateway):
    console = Console(gateway)
    with checks("U1 P8 provider keys are made, shown once, rotated and revoked; the last of the role admin stays"):
        shown = console.send("/keys", "POST /provider-keys", name="from the page", role="admin", expires_at="")
        key = re.search(r"tgp_live_\w+", shown.body.decode()).group(0)
        assert shown.status == 200 and console.api("GET", "/tenants", key=key).status == 200
        assert key not in console.get("/keys").body.decode()
        made = next(row for row in console.api("GET", "/provider-keys").json["data"] if row["name"] == "from the page")
        rotated = console.send("/keys", f"POST /provider-keys/{made['id']}/rotate", overlap_seconds="0")
        second = re.search(r"tgp_live_\w+", rotated.body.decode()).group(0)
        assert [console.api("GET", "/tenants", key=text).status for text in (key, second)] == [401, 200]
        console.done(f"/keys/{made['id']}/revoke", f"DELETE /provider-keys/{made['id']}")
        assert console.api("GET", "/tenants", key=second).status == 401
        own = next(row for row in console.api("GET", "/provider-keys").json["data"] if row["revoked_at"] is None)
        last = console.send(f"/keys/{own['id']}/revoke", f"DELETE /provider-keys/{own['id']}")
        assert last.status == 409 and console.is_in, last
    with checks("U1 G7 the node's health is what the API says, and each figure is one of /metrics"):
        figures = console.api("GET", "/node").json["data"]
        shown = console.get("/node")
        text, page = shown.text, shown.body.decode()
        version = subprocess.run([gateway.tollgate, "version"], capture_output=True, text=True, check=True).stdout
        assert console.api("GET", "/node").json["version"] == version.split()[1] and version.split()[1] in text, version
        names = set(re.findall(r"^tollgate_\w+", gateway.get("/metrics").body.decode(), re.M))
        alarms = {"scheduler_stalled", "charging_paused"}
        for figure in figures:
            is_shown = figure["name"] not in alarms or figure["level"] != "good"
            assert (figure["title"] in text) == is_shown, figure
            link = f'href="#about-{figure["name"]}"'
            assert (link in page) == (f'id="about-{figure["name"]}"' in page) == is_shown, figure
            if figure["group"] != "Certificates":
                assert any(name.startswith("tollgate_" + figure["name"]) for name in names), figure
        assert {figure["group"] for figure in figures} >= {"Disk", "Files", "Work", "Traffic"}, figures
    with checks("U1 P8 P9 log and usage are filtered, and exported as they are shown"):
        shop = Shop(gateway)
        assert shop.admin("GET", "/settings").status == 200
        page = console.get(f"/log?tenant={shop.slug}")
        assert "tenant.created" in page.text and "provider_key" not in page.text
        rows = console.browser.get(f"/console/log.csv?tenant={shop.slug}")
        assert rows.status == 200 and rows.body.count(b"\n") == 2, rows.body
        lines = console.browser.get(f"/console/log.jsonl?tenant={shop.slug}").body.splitlines()
        assert [json.loads(line)["action"] for line in lines] == ["tenant.created"]
        assert shop.slug in console.get(f"/usage?tenant={shop.slug}").text
        for path in ("/usage?tenant=nobody", "/log?tenant=nobody", "/log?key=pkey_none"):
            page = console.get(path)
            assert page.status == 200 and "There is no such" in page.text, (path, page)
        assert console.browser.get("/console/usage.csv").body.startswith(b"tenant,")


def elsewhere(checks, options):
    with Gateway(options.tollgate, "--base-domain", "shops.example", demo=False) as gateway:
        with checks("U1 P2 the console is at no tenant's host"):
            shop = Shop(gateway)
            host = f"{shop.slug}.shops.example"
            for path in ("/console", "/console/sign-in", "/console/nowhere"):
                answer = Browser(gateway, host=host).get(path)
                assert answer.status == 404, (path, answer)
            assert Browser(gateway).get("/console/sign-in").status == 200


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8", demo=False) as gateway:
        with checks("U1 an empty node says what to begin with: a card for each blueprint"):
            page = Console(gateway).get()
            assert "No tenants yet" in page.text, page.text
            assert "/console/tenants/new?blueprint=codes" in page.read.links, page.read.links
        signing_in(checks, gateway)
        for part in (making, changing, looking, copying, ending, loaded_anew):
            part(checks, gateway)
        node(checks, gateway)
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        bound(checks, gateway)
    elsewhere(checks, options)
    checks.finish()


if __name__ == "__main__":
    main()
