#!/usr/bin/env python3
"""U6 The reference of each API at `…/docs`: every call and event has a page, made from the description that programs
read; a path that the tenant does not have is not there. Whoever has signed in mints a test key from it, shown once."""

import html
import json
import os
import re
import subprocess

from pagewire import Browser
from support import Checks, Gateway, arguments

# The demo's tenants, with the base path of their dialect.
DIALECTS = {"hosting": "/api/partner/v1", "codes": "/api/reseller", "licences": "/reseller", "proxies": "/v1",
            "panel": "/api/v1/reseller"}
PAGE = {"Accept": "text/html"}
# Where an operator mints a key to try with: its form comes with the test book chosen.
TEST_KEY = "/admin/keys/new?preset=test"


def operations(description):
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def every_call_has_a_page(gateway, tenant, path):
    base = f"/t/{tenant}{path}"
    description = gateway.get(base + "/openapi.json").json
    index = gateway.get(base + "/docs", headers=PAGE)
    assert index.status == 200 and b"$TOLLGATE_KEY" in index.body, (tenant, index.status)
    assert b"Who may" not in index.body, tenant
    for method, pattern, operation in operations(description):
        link = f"{base}/docs/{operation['operationId']}"
        assert f'href="{link}"'.encode() in index.body, (tenant, method, pattern)
        page = gateway.get(link, headers=PAGE)
        text = page.body.decode()
        assert page.status == 200 and f"{method} {pattern}".replace("&", "&amp;") in text, (link, page.status)
        # Who may stands on the call's own page; repeated on each line it would make the index many times as long.
        assert operation["description"] in html.unescape(text), link
        assert "curl " in text and text.count("<h1>") == 1, link
        bodies = operation.get("requestBody", {}).get("content", {})
        shown = [content for content in [*bodies.values(), *contents(operation)] if "example" in content]
        assert text.count("For example") == len(shown) and shown or not contents(operation), link
        for parameter in operation["parameters"]:
            assert f"<code>{parameter['name']}</code>" in text, (link, parameter["name"])
    for name, event in description.get("webhooks", {}).items():
        page = gateway.get(f"{base}/docs/{event['post']['operationId']}", headers=PAGE)
        assert page.status == 200 and f"<h1>{name}</h1>" in page.body.decode(), name


def contents(operation):
    """Of the answer that is no refusal."""
    return [content for answer in operation["responses"].values() for content in answer.get("content", {}).values()]


def commands_work(gateway):
    """A command with an apostrophe in its body, and one whose credential the query carries, do what they say."""
    tenant = gateway.tenant("licences")
    reseller = tenant["resellers"][0]
    for link, key in (("/t/licences/reseller/docs/get_myavailable", reseller["key"]),
                      ("/t/licences/reseller/docs", reseller["key"]),
                      ("/t/licences/api/admin/docs/post_resellers", tenant["owner_key"])):
        page = gateway.get(link, headers=PAGE).body.decode()
        command = html.unescape(re.search(r'<(?:code|pre)[^>]*id="curl"[^>]*>(.*?)</', page, re.S)[1])
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, env={
            **os.environ, "TOLLGATE_KEY": key})
        answer = json.loads(done.stdout)
        assert answer.get("ok") is True or answer["company"] == "Ada's Shop Ltd", (command, done)


def what_is_not_there(gateway):
    assert gateway.get("/t/hosting/api/partner/v1/docs/post_nothing", headers=PAGE).status == 404
    assert gateway.get("/t/codes/api/partner/v1/docs", headers=PAGE).status == 404, "a dialect of others"
    assert gateway.get("/t/nobody/api/admin/docs", headers=PAGE).status == 404
    refused = gateway.post("/t/hosting/api/partner/v1/docs", {})
    assert refused.status == 405, refused


def a_test_key_from_it(gateway, tenant, path):
    reseller = gateway.demo["tenants"][tenant]["resellers"][0]
    base = f"/t/{tenant}"
    browser = Browser(gateway)
    assert browser.sign_in(base, reseller["email"], reseller["password"]).status == 303
    assert f'href="{base}/portal/api/test-key"' in browser.get(f"{base}{path}/docs").body.decode()
    path = f"{base}/portal/api/test-key"
    form = browser.get(path).form("mode")
    made = browser.post(form["action"] or path, form["fields"])
    shown = re.search(r'<code id="secret-0">([^<]+)</code>', made.body.decode())
    assert made.status == 200 and shown, (tenant, made.status, made.text[:300])
    assert shown[1] not in browser.get(f"{base}/portal/api").body.decode(), "a key is shown once"


def the_owners_keys_are_offered_to_nobody(gateway, tenant, path):
    """Before the owner lets resellers mint, and after."""
    base, demo = f"/t/{tenant}", gateway.demo["tenants"][tenant]
    reseller, browser = demo["resellers"][0], Browser(gateway)
    assert browser.sign_in(base, reseller["email"], reseller["password"]).status == 303
    pages = ("/portal/api/keys/new", "/portal/api/test-key")
    for lets in (False, True):
        changed = gateway.request(
            "PATCH", f"{base}/api/admin/settings", {"self_service_keys": lets}, key=demo["owner_key"])
        assert changed.status == 200, changed
        assert [browser.get(base + page).status for page in pages] == [200 if lets else 404] * 2, lets
        settings = browser.get(f"{base}/portal/api")
        assert (base + pages[0] in settings.read.links) is lets, (lets, settings.read.links)
        assert ("minted by the programme's owner" in settings.text) is not lets, settings.text
        for reader in (browser, Browser(gateway)):
            assert (base + pages[1] in reader.get(f"{base}{path}/docs").read.links) is lets, lets


def each_to_its_own(gateway):
    """The button leads to a page of whoever has signed in, whichever API is read about."""
    base, tenant = "/t/hosting", gateway.demo["tenants"]["hosting"]
    owner, reseller = tenant["owner_login"], tenant["resellers"][0]
    for person, api, leads in (
            (owner, "/api/partner/v1", TEST_KEY), (owner, "/api/admin", TEST_KEY),
            (reseller, "/api/partner/v1", "/portal/api/test-key"), (reseller, "/api/admin", None),
            (None, "/api/partner/v1", "/portal/api/test-key"), (None, "/api/admin", TEST_KEY)):
        browser = Browser(gateway)
        if person:
            assert browser.sign_in(base, person["email"], person["password"]).status == 303
        links = {link for link in browser.get(f"{base}{api}/docs").read.links
                 if link and link.endswith((TEST_KEY, "/portal/api/test-key"))}
        assert links == ({base + leads} if leads else set()), (person, api, links)
        if person and leads:
            assert browser.get(base + leads).status == 200, (person, leads)


def an_operator_who_presses_on_has_a_test_key(gateway):
    """The button's form as it comes, with whose it is and nothing else changed."""
    base, tenant = "/t/hosting", gateway.demo["tenants"]["hosting"]
    browser = Browser(gateway)
    assert browser.sign_in(base, tenant["owner_login"]["email"], tenant["owner_login"]["password"]).status == 303
    for path, chosen in ((TEST_KEY, "test"), ("/admin/keys/new", None)):
        page = browser.get(base + path).body.decode()
        choice = re.search(r'<select [^>]*name="mode".*?</select>', page, re.S)[0]
        assert re.findall(r'<option value="(\w+)" selected', choice) == ([chosen] if chosen else []), choice
    form = browser.get(base + TEST_KEY).form("owner_email")
    fields = {**form["fields"], "owner_email": tenant["resellers"][0]["email"], "mode": "test"}
    made = browser.post(form["action"] or base + TEST_KEY, fields)
    shown = re.search(r'<code id="secret-0">([^<]+)</code>', made.body.decode())
    assert made.status == 200 and "_test_" in shown[1], (made.status, made.text[:300])


def only_secrets_are_shown_once(gateway):
    """A webhook's own address is no secret: its signing secret alone is shown once, and of a pause nothing."""
    reseller = gateway.demo["tenants"]["hosting"]["resellers"][0]
    base = "/t/hosting"
    browser = Browser(gateway)
    assert browser.sign_in(base, reseller["email"], reseller["password"]).status == 303
    path = f"{base}/portal/webhooks/new"
    form = browser.get(path).form("url")
    fields = {**form["fields"], "name": "Shop", "url": "https://shop.example/hook", "events": "order.created"}
    made = browser.post(form["action"] or path, fields)
    shown = made.text
    assert made.status == 200 and "whsec_" in shown and "shop.example" not in shown, (made.status, shown)
    hook = gateway.get(f"{base}/api/partner/v1/webhooks", key=reseller["key"]).json["data"][0]["id"]
    page = f"{base}/portal/webhooks/{hook}"
    forms = browser.get(page).read.forms
    pause = next(form for form in forms if form["fields"].get("_call", "").endswith("/pause"))
    paused = browser.post(pause["action"] or page, pause["fields"])
    assert paused.status == 303, (paused.status, paused.text)


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate) as gateway:
        for tenant, path in DIALECTS.items():
            with checks(f"U6 each call and event of {path} has a page, with its parameters and a command to copy"):
                every_call_has_a_page(gateway, tenant, path)
            with checks(f"U6 the admin API's pages are at {tenant} too"):
                assert gateway.get(f"/t/{tenant}/api/admin/docs", headers=PAGE).status == 200
            if tenant == "panel":
                with checks("U6 U3 C5 resellers are offered a key where the owner lets them mint, and none before"):
                    the_owners_keys_are_offered_to_nobody(gateway, tenant, path)
                continue
            with checks(f"U6 U3 whoever signs in at {tenant} mints a test key from it, which is shown once"):
                a_test_key_from_it(gateway, tenant, path)
        with checks("U6 U2 U3 the key to try with is minted where its reader may: operators at their own pages"):
            each_to_its_own(gateway)
        with checks("U6 O1 an operator's Mint a test key comes with the test book chosen: pressed, it is no live key"):
            an_operator_who_presses_on_has_a_test_key(gateway)
        with checks("U6 U4 the programme leads to each API's reference, and the page to sign in by to the programme"):
            assert 'href="/t/hosting/program"' in gateway.get("/t/hosting/sign-in", headers=PAGE).body.decode()
            for tenant, path in DIALECTS.items():
                links = re.findall(
                    r'href="([^"]+/docs)"', gateway.get(f"/t/{tenant}/program", headers=PAGE).body.decode())
                assert f"/t/{tenant}{path}/docs" in links, (tenant, links)
                for link in links:
                    assert gateway.get(link, headers=PAGE).status == 200, link
        with checks("U3 W10 what is shown once is a secret: a webhook's own address is none"):
            only_secrets_are_shown_once(gateway)
        with checks("U6 the command that a page shows is the recorded call, and a shell runs it"):
            commands_work(gateway)
        with checks("U6 no page for a call that is not there, another dialect, or a tenant that is none"):
            what_is_not_there(gateway)
    checks.finish()


if __name__ == "__main__":
    main()
