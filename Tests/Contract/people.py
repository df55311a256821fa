#!/usr/bin/env python3
"""People of a tenant (O13): the owner makes them and says what each may do, they sign in by passwords of their own, and
whatever is done names one of them. Support reads, and nothing more."""

import json
import os
import re
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor

from office import OTHER, Office, fields, refused
from shop import PASSWORD
from support import Checks, Gateway, arguments, verified_export, write_private
from wire import Wire


def adding(checks, gateway):
    office = Office(gateway)
    with checks("O13 the owner makes a person, who is listed, sets a password by the link and signs in with its role"):
        for role in ("owner", "operator", "support"):
            made = office.add(f"the-{role}", role)
            assert re.fullmatch(r"per_[0-9a-z]+", made["id"]), made
            assert made["role"] == role and made["state"] == "active", made
            assert made["has_password"] is False and made["name"] == f"The-{role}", made
            office.accept(made["invitation_url"])
            signed_in = office.signs_in(made["email"].upper())
            assert signed_in.status == 200 and signed_in.json["role"] == role, signed_in
            own = office.call(signed_in.json["token"], "GET", "/account").json
            assert own["id"] == made["id"] and own["role"] == role and own["has_password"] is True, own
            read = office.call(office.owner, "GET", f"/people/{made['id']}")
            assert read.status == 200 and read.json == own, read
    with checks("O13 people are listed page by page, by role and by state; resellers are none of them"):
        office.shop.invite(password=None)
        listed = office.call(office.owner, "GET", "/people").json
        assert [row["role"] for row in listed["data"]] == ["owner", "owner", "operator", "support"], listed
        first = office.call(office.owner, "GET", "/people?limit=3").json
        rest = office.call(office.owner, "GET", f"/people?limit=3&cursor={first['next_cursor']}").json
        assert first["data"] + rest["data"] == listed["data"] and not rest["has_more"]
        assert len(office.call(office.owner, "GET", "/people?role=owner&state=active").json["data"]) == 2
        assert office.call(office.owner, "GET", "/people?state=disabled").json["data"] == []
    with checks("O13 an address that is taken, a person's or a reseller's, is 409; fields are named; nothing is made"):
        reseller = office.shop.invite(password=None)
        for email in (office.owner_email, office.owner_email.upper(), reseller["email"]):
            answer = office.call(office.owner, "POST", "/people", {"email": email, "name": "A", "role": "support"})
            refused(answer, 409, "email_taken")
        wrong = {"email": "x", "name": "", "role": "reseller"}
        assert fields(office.call(office.owner, "POST", "/people", wrong)).keys() == {"/email", "/name", "/role"}
        assert len(office.call(office.owner, "GET", "/people").json["data"]) == 4
        unknown = office.call(office.owner, "POST", "/people", {
            "email": "new@there.example", "name": "N", "role": "support", "password": PASSWORD})
        assert fields(unknown) == {"/password": "unknown"}, unknown
    with checks("O13 G4 a repeated call makes nobody twice, and shows the link no second time"):
        body = {"email": f"again@{office.shop.slug}.example", "name": "Again", "role": "support"}
        key = {"Idempotency-Key": uuid.uuid4().hex}
        first, second = (office.call(office.owner, "POST", "/people", body, headers=key) for _ in range(2))
        assert first.status == second.status == 201 and first.json["id"] == second.json["id"]
        assert "invitation_url" in first.json and "invitation_url" not in second.json, second
        assert second.json["already_shown"] is True
    with checks("O13 people are the owner's: operators and support see none and change none"):
        _, operator = office.person("clerk", "operator")
        _, support = office.person("desk", "support")
        person = office.call(office.owner, "GET", "/people").json["data"][0]
        for key in (operator, support, office.own_key(operator)["key"]):
            for method, path, body in (
                    ("GET", "/people", None), ("GET", f"/people/{person['id']}", None),
                    ("POST", "/people", {"email": "x@there.example", "name": "X", "role": "owner"}),
                    ("PATCH", f"/people/{person['id']}", {"role": "support"}),
                    ("POST", f"/people/{person['id']}/password-reset", None),
                    ("GET", f"/people/{person['id']}/sessions", None),
                    ("DELETE", f"/people/{person['id']}/sessions", None)):
                refused(office.call(key, method, path, body), 403, "owner_only")
    with checks("O13 an unknown person, another tenant's, and a reseller's account are 404"):
        other = Office(gateway)
        stranger = other.add("stranger", "support")
        for id in ("per_none", stranger["id"], reseller["id"]):
            for method, path, body in (
                    ("GET", "", None), ("PATCH", "", {"state": "disabled"}), ("POST", "/password-reset", None),
                    ("GET", "/sessions", None), ("DELETE", "/sessions", None)):
                refused(office.call(office.owner, method, f"/people/{id}{path}", body), 404, "person_not_found")
            refused(office.call(office.owner, "DELETE", f"/people/{id}/sessions/key_none"), 404, "session_not_found")


def support(checks, gateway):
    office = Office(gateway)
    shop = office.shop
    reseller = shop.reseller(balance="100.00")
    sku = shop.product("manual")
    shop.price(reseller, sku, {"wholesale_monthly": "5.00"})
    order = shop.order(reseller, sku).json
    service = order["services"][0]["id"]
    secret = "s3cret-" + uuid.uuid4().hex
    done = office.call(office.owner, "POST", f"/orders/{order['order']['id']}/activate", {"details": {
        "host": {"value": "h1.example"}, "password": {"value": secret, "secret": True}}})
    assert done.status == 200, done
    _, session = office.person("desk", "support")
    key = shop.admin("POST", "/api-keys", {"owner_email": f"desk@{shop.slug}.example"}).json
    with checks("O13 support reads what operators read, by its session and by a key of its own"):
        assert key["role"] == "support", key
        for credential in (session, key["key"]):
            for path in ("/resellers", f"/resellers/{reseller['id']}", "/orders", "/services", "/audit", "/usage",
                         "/settings", "/attention", "/due", "/api-keys", "/sessions", "/deliveries", "/products",
                         f"/resellers/{reseller['id']}/statement", f"/resellers/{reseller['id']}/products"):
                assert office.status(credential, path) == 200, path
    with checks("O13 support exports nothing and sees no settings of payment and provisioning"):
        for credential in (session, key["key"]):
            for path in ("/audit.csv", "/audit.jsonl", "/price-book.csv", "/payment-service", "/provisioning",
                         f"/products/{sku}/provisioning"):
                refused(office.call(credential, "GET", path), 403, "support_reads")
    with checks("O13 support sees no sealed detail of a service; the operator does"):
        for credential in (session, key["key"]):
            seen = office.call(credential, "GET", f"/services/{service}")
            assert seen.status == 200, seen
            assert seen.json["details"] == {"host": {"value": "h1.example", "secret": False}}, seen
        whole = office.call(office.owner, "GET", f"/services/{service}").json["details"]
        assert whole["password"] == {"value": secret, "secret": True}, whole
        for path in ("/services", "/orders", f"/orders/{order['order']['id']}", "/events", "/deliveries", "/audit"):
            assert secret.encode() not in office.call(session, "GET", path).body, path
    with checks("O13 support writes nowhere: nothing is changed, whatever it sends"):
        before = office.call(office.owner, "GET", f"/resellers/{reseller['id']}").json
        for credential in (session, key["key"]):
            for method, path, body in (
                    ("POST", "/resellers", {"email": "r@there.example", "name": "R"}),
                    ("PATCH", f"/resellers/{reseller['id']}", {"credit_limit": "99.00"}),
                    ("POST", f"/resellers/{reseller['id']}/balance", {"amount": "1.00", "reference": "x"}),
                    ("POST", f"/resellers/{reseller['id']}/suspend", None),
                    ("POST", f"/services/{service}/suspend", None), ("PATCH", "/settings", {"name": "Mine"}),
                    ("POST", "/account/keys", {}), ("DELETE", f"/api-keys/{reseller['key_id']}", None),
                    ("DELETE", f"/resellers/{reseller['id']}/sessions", None)):
                refused(office.call(credential, method, path, body), 403, "support_reads")
        assert office.call(office.owner, "GET", f"/resellers/{reseller['id']}").json == before
    with checks("O13 what is its own support may: its sessions, its password, and leaving"):
        more = office.token(f"desk@{shop.slug}.example")
        assert office.call(session, "DELETE", "/account/sessions").json["ended"] == 1
        assert office.status(more) == 401 and office.status(session) == 200
        assert office.call(session, "DELETE", "/session").status == 204 and office.status(session) == 401


def roles(checks, gateway):
    office = Office(gateway)
    reseller = office.shop.invite(password=None)
    clerk, session = office.person("clerk", "operator")
    key = office.own_key(session, name="mine")["key"]
    lesser = office.own_key(session, role="support")["key"]

    def writes(credential):
        return office.call(credential, "PATCH", f"/resellers/{reseller['id']}", {"credit_limit": "1.00"}).status

    with checks(
            "O13 a key of one's own does what its person may, or less; it is listed, and its calls are the person's"):
        listed = office.call(session, "GET", "/account/keys").json["data"]
        assert [row["role"] for row in listed] == ["operator", "support"] and listed[0]["name"] == "mine", listed
        assert all(row["owner_email"] == clerk["email"] for row in listed)
        assert writes(key) == 200 and writes(lesser) == 403
        assert fields(office.call(session, "POST", "/account/keys", {"role": "reseller"})) == {"/role": "choice"}
        assert fields(office.call(session, "POST", "/account/keys", {"role": "owner"})) == {"/role": "choice"}
        assert office.call(key, "POST", "/account/keys", {"mode": "test"}).json["mode"] == "test"
    with checks("O13 G3 a new role holds from the answer on, for sessions and keys; a key is raised by none"):
        assert office.changed(clerk, role="support")["role"] == "support"
        assert writes(session) == 403 and writes(key) == 403 and office.status(session) == office.status(key) == 200
        assert office.changed(clerk, role="owner")["role"] == "owner"
        assert writes(session) == 200 and office.status(session, "/people") == 200
        assert writes(key) == 403 and writes(lesser) == 403
    with checks("O13 G3 a call that came under a role is not carried out once that role has gone"):
        path = f"{office.base}/resellers/{reseller['id']}"
        body = json.dumps({"credit_limit": "77.00"}).encode()
        with Wire(gateway) as wire:
            wire.send(f"PATCH {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {session}\r\n"
                      f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n\r\n".encode() + body[:5])
            assert gateway.get("/healthz").status == 200
            office.changed(clerk, role="support")
            wire.send(body[5:])
            status = wire.answer()[0]
        assert status in (401, 403), status
        assert office.call(office.owner, "GET", f"/resellers/{reseller['id']}").json["credit_limit"] == "1.00"


def disabled(checks, gateway):
    office = Office(gateway)
    reseller = office.shop.invite(password=None)
    office.call(office.owner, "PATCH", f"/resellers/{reseller['id']}", {"credit_limit": "1.00"})
    clerk, _ = office.person("clerk", "operator")
    path = f"{office.base}/resellers/{reseller['id']}"
    body = json.dumps({"credit_limit": "77.00"}).encode()

    def writes(credential):
        return office.call(credential, "PATCH", f"/resellers/{reseller['id']}", {"credit_limit": "1.00"}).status

    with checks("O13 G3 whoever is disabled does nothing from the answer on: session, key, sign-in, link, late body"):
        session, fresh = (office.token(clerk["email"]) for _ in range(2))
        key = office.own_key(session)["key"]
        link = office.reset(clerk).json["url"]
        with Wire(gateway) as wire:
            wire.send(f"PATCH {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(body)}"
                      f"\r\nContent-Type: application/json\r\n\r\n".encode() + body[:5])
            assert gateway.get("/healthz").status == 200
            assert office.changed(clerk, state="disabled")["state"] == "disabled"
            wire.send(body[5:])
            assert wire.answer()[0] == 401
        for credential in (session, fresh, key):
            assert writes(credential) == office.status(credential) == 401
        assert office.signs_in(clerk["email"]).status == 401
        assert office.accept(link, OTHER, status=404) and gateway.get(office.path(link)).status == 404
        refused(office.reset(clerk), 409, "person_disabled")
        refused(office.call(office.owner, "POST", "/api-keys", {"owner_email": clerk["email"]}), 409, "person_disabled")
        assert office.call(office.owner, "GET", f"/resellers/{reseller['id']}").json["credit_limit"] == "1.00"
    with checks(
            "O13 whoever is active again signs in, and its keys open what they did; its sessions and links are gone"):
        assert office.changed(clerk, state="active")["state"] == "active"
        assert office.status(key) == 200 and writes(key) == 200
        assert office.status(session) == 401 and gateway.get(office.path(link)).status == 404
        assert office.token(clerk["email"])
    with checks("O13 an invitation of somebody disabled leads nowhere"):
        made = office.add("late", "operator")
        office.changed(made, state="disabled")
        office.accept(made["invitation_url"], status=404)
        office.changed(made, state="active")
        office.accept(made["invitation_url"], status=404)
    with checks("O13 a change names what is wrong with it, and changes nothing"):
        assert fields(office.change(made, role="reseller", state="invited")) == {"/role": "choice", "/state": "choice"}
        assert office.change(made).status == 422 and office.change(made, role=None).status == 422
        assert office.changed(made, name="Renamed")["name"] == "Renamed"


def restarts(checks, gateway):
    office = Office(gateway)
    gone, session = office.person("gone", "operator")
    key = office.own_key(session)["key"]
    lesser, held = office.person("lesser", "operator")
    link = office.reset(lesser).json["url"]
    came, ended, waits = (office.add(name, "operator") for name in ("came", "ended", "waits"))
    turned, _ = office.person("turned", "operator")
    replaced = office.reset(turned).json["url"]
    before = gateway.get(f"/provider/v1/tenants/{office.shop.slug}/export", key=gateway.provider_key)
    back, _ = office.person("back", "operator")
    again = office.own_key(office.token(back["email"]))["key"]
    for state in ("disabled", "active"):
        office.changed(back, state=state)
    office.accept(came["invitation_url"])
    office.accept(office.reset(turned).json["url"], OTHER)
    for state in ("disabled", "active"):
        office.changed(ended, state=state)
    office.changed(gone, state="disabled")
    office.changed(lesser, role="support")
    with checks("O13 G3 roles and states hold over a crash and a rebuilt registry"):
        gateway.kill()
        gateway.start()
        for _ in range(2):
            assert office.status(key) == office.status(session) == office.signs_in(gone["email"]).status == 401
            assert office.call(held, "GET", "/settings").status == 200, office.call(held, "GET", "/settings")
            refused(office.call(held, "PATCH", "/settings", {"name": "Mine"}), 403, "support_reads")
            assert office.call(again, "GET", "/settings").status == 200
            rebuilt = gateway.post("/provider/v1/registry/rebuild", key=gateway.provider_key)
            assert rebuilt.status == 200, rebuilt
        assert gateway.get(link[link.index("/t/"):]).status == 200
    with checks("O13 P5 a restore to the past opens no key or session of whoever was disabled since"):
        restored = gateway.post(
            f"/provider/v1/tenants/{office.shop.slug}/restore", before.body, key=gateway.provider_key)
        assert restored.status == 200, restored
        assert office.status(key) == office.status(session) == 401
        assert office.status(office.owner) == 200
    with checks("O13 P5 a restore makes no link good a second time: not one that was used, ended or replaced since"):
        # The gateway has been started again since, at another port.
        *gone, open_still = (gateway.base_url + url[url.index("/t/"):] for url in (
            came["invitation_url"], ended["invitation_url"], replaced, waits["invitation_url"]))
        for url in gone:
            assert gateway.get(office.path(url)).status == 404, url
            office.accept(url, OTHER, status=404)
        office.accept(open_still)
        assert office.signs_in(turned["email"]).status == 200, "the password of then"
        verified_export(gateway, office.shop.slug)


def last_owner(checks, gateway):
    office = Office(gateway)
    first = office.call(office.owner, "GET", "/people").json["data"][0]
    with checks("O13 the last active owner stays: 409 last_owner, also where another one has no way in yet"):
        for fields_ in ({"state": "disabled"}, {"role": "operator"}, {"role": "support", "state": "active"}):
            refused(office.change(first, **fields_), 409, "last_owner")
        second = office.add("second", "owner")
        refused(office.change(first, state="disabled"), 409, "last_owner")
        assert office.status(office.owner) == 200
        office.accept(second["invitation_url"])
        office.changed(first, role="owner", state="active")
    with checks("O13 of two owners one may go; the other stays"):
        token = office.token(second["email"])
        assert office.change(first, key=token, state="disabled").status == 200
        assert office.status(office.owner) == 401
        refused(office.change(second, key=token, role="operator"), 409, "last_owner")
        assert office.change(first, key=token, state="active").status == 200
        assert office.status(office.owner) == 200
    with checks("O13 another owner key goes to an owner who is active"):
        assert office.change(first, key=token, state="disabled").status == 200
        made = gateway.post(f"/provider/v1/tenants/{office.shop.slug}/owner-key", key=gateway.provider_key)
        key = made.json["owner_key"]
        assert office.call(key, "GET", "/account").json["id"] == second["id"]
        assert office.change(first, key=key, state="active").status == 200
    with checks("O13 G3 two owners who send each other away at once: one stays"):
        for _ in range(5):
            tokens = {first["id"]: office.token(first["email"]), second["id"]: office.token(second["email"])}
            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(
                    lambda pair: office.change(pair[0], key=pair[1], role="operator").status,
                    ((first, tokens[second["id"]]), (second, tokens[first["id"]]))))
            assert sorted(answers)[0] == 200 and sorted(answers)[1] in (403, 409), answers
            stays = second if answers[0] == 200 else first
            key = tokens[stays["id"]]
            owners = office.call(key, "GET", "/people?role=owner").json["data"]
            assert [row["id"] for row in owners] == [stays["id"]], owners
            for person in (first, second):
                assert office.change(person, key=key, role="owner").status == 200


def named(checks, gateway):
    office = Office(gateway)
    ada, token = office.person("ada", "operator")
    with checks("O13 approved_by and the audit log name the person who did it, by session and by key"):
        reseller = office.shop.invite(password=None)
        assert office.call(token, "POST", f"/resellers/{reseller['id']}/approve").json["approved_by"] == ada["email"]
        key = office.own_key(token)["key"]
        assert office.call(key, "PATCH", f"/resellers/{reseller['id']}", {"credit_limit": "3.00"}).status == 200
        rows = office.call(office.owner, "GET", "/audit").json["data"]
        for action in ("POST /api/admin/resellers/{id}/approve", "PATCH /api/admin/resellers/{id}"):
            row = next(row for row in rows if row["action"] == action)
            assert row["account"] == ada["email"], row
    with checks("O13 G5 the log says who did what to whom, without password or link"):
        office.changed(ada, role="support")
        url = office.reset(ada).json["url"]
        office.accept(url, OTHER)
        rows = office.call(office.owner, "GET", "/audit").json["data"]
        text = json.dumps(rows)
        assert url.rsplit("/", 1)[1] not in text and OTHER not in text and PASSWORD not in text
        row = next(row for row in rows if row["action"] == "PATCH /api/admin/people/{id}")
        assert row["detail"] == {"person": ada["id"], "role": "support"} and row["account"] == office.owner_email, row
        row = next(row for row in rows if row["action"].startswith("POST /reset-password"))
        assert row["detail"]["person"] == ada["id"], row


def by_command(checks, gateway):
    office = Office(gateway)
    options = ("--tenant", office.shop.slug)

    def run(*words, key=None, **more):
        return gateway.command(*words, *options, environment={"TOLLGATE_OWNER_KEY": key or office.owner}, **more)

    def told(*words, **more):
        done = run(*words, "--json", **more)
        assert done.returncode == 0, (done.args, done.stdout, done.stderr)
        return json.loads(done.stdout)

    email = f"ada@{office.shop.slug}.example"
    with checks("O13 P6 people by command line: added, listed, changed, given a link, signed out"):
        made = told("people", "add", email, "--name", "Ada", "--role", "operator")
        office.accept(made["invitation_url"])
        session = office.token(email)
        listed = run("people", "list")
        assert listed.returncode == 0 and email in listed.stdout and "ROLE" in listed.stdout, listed
        assert told("people", "list", "--email", email.upper())["data"][0]["id"] == made["id"]
        assert told("people", "change", email, "--role", "support")["role"] == "support"
        assert told("people", "sessions", made["id"])["data"][0]["current"] is False
        assert told("people", "sessions", email, "--end-all")["ended"] == 1 and office.status(session) == 401
        link = told("people", "reset-password", email)["url"]
        office.accept(link, OTHER)
        assert told("people", "change", made["id"], "--role", "operator", "--state", "active")["role"] == "operator"
    with checks("O13 P6 one's own by command line: who one is, password, sessions, a key"):
        session, other = office.token(email, OTHER), office.token(email, OTHER)
        assert told("account", "show", key=session)["id"] == made["id"]
        id = next(row["id"] for row in told("account", "sessions", key=session)["data"] if not row["current"])
        assert told("account", "sessions", "--end", id, key=session) == {"ok": True, "id": id}
        assert office.status(other) == 401
        minted = told("account", "key", "--name", "laptop", key=session)
        assert minted["role"] == "operator" and office.status(minted["key"]) == 200
        with tempfile.TemporaryDirectory() as folder:
            files = {name: os.path.join(folder, name) for name in ("old", "new")}
            for name, word in (("old", OTHER), ("new", PASSWORD)):
                write_private(files[name], word + "\n")
            changed = told("account", "password", "--old-file", files["old"], "--new-file", files["new"], key=session)
            assert changed == {"ok": True, "sessions_ended": 1} and office.token(email)
    with checks("O13 P6 what is refused, unknown or missing is said on standard error, exit code 1 or 2"):
        for words, code, text in (
                (("people", "change", "nobody@there.example", "--role", "support"), 1, "nobody@there.example"),
                (("people", "change", office.owner_email, "--state", "disabled"), 1, "last owner"),
                (("people", "change", email), 2, "--role"), (("people", "add", email, "--name", "A"), 2, "--role"),
                (("account", "password", "--old-file", "-", "--new-file", "-"), 2, "-")):
            failed = run(*words)
            assert failed.returncode == code and text in failed.stderr and not failed.stdout, (words, failed)


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        for part in (adding, support, roles, disabled, last_owner, named, by_command, restarts):
            part(checks, gateway)
        with checks("O13 G5 every tenant's file verifies"):
            for row in gateway.get("/provider/v1/tenants", key=gateway.provider_key).json["data"]:
                verified_export(gateway, row["slug"])
    checks.finish()


if __name__ == "__main__":
    main()
