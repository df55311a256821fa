#!/usr/bin/env python3
"""A reseller's account (O3, O13, C5, L6, W11, X1, A7): who it is and what operators note of it, found in any case,
invited anew; its person's own keys and sessions, in every dialect's envelope."""

import json
import os
import tempfile
import time
import uuid

from shop import ADMIN, PARTNER, PASSWORD, Shop
from support import Checks, Gateway, arguments, verified_export

BEARER = ("Authorization", "Bearer ")


class Api:
    """How an API signs in, and how it writes what all write alike."""

    def __init__(self, blueprint, base, sign_in, token, header, keys="/keys", list_name="keys", id="id", camel=False,
                 milliseconds=False, scopes=None, conflict=409, invalid=422, probe=None):
        self.blueprint, self.base, self.sign_in, self.token, self.header = blueprint, base, sign_in, token, header
        self.keys, self.list_name, self.id, self.camel, self.milliseconds = keys, list_name, id, camel, milliseconds
        self.scopes, self.conflict, self.invalid, self.probe = scopes, conflict, invalid, probe

    def word(self, name):
        parts = name.split("_")
        return parts[0] + "".join(part.title() for part in parts[1:]) if self.camel else name


APIS = {
    "orders": Api("hosting", PARTNER, "/session", "token", BEARER, list_name="data", probe="/products",
                  scopes=["partner:read", "partner:order"]),
    "reports": Api("panel", "/api/v1/reseller", "/session", "token", BEARER, probe="/credit/none",
                   scopes=["reseller:signup", "reseller:credit"]),
    "licences": Api("licences", "/reseller", "/session", "token", None, milliseconds=True, scopes=["licences"],
                    probe="/myavailable"),
    "codes": Api("codes", "/api/reseller", "/login", "seedHash", ("x-seed-hash", ""), camel=True, scopes=["codes"],
                 conflict=400, invalid=400, probe="/me"),
    "ports": Api("proxies", "/v1", "/login/signin", "access_token", BEARER, keys="/api-keys", list_name="apiKeys",
                 id="_id", camel=True, milliseconds=True, probe="/reseller/balance",
                 scopes=["customers:read", "customers:write", "ports:read", "ports:write"]),
}


class Person:
    """A reseller's person in one API; `call` sends its session, `by` a key."""

    def __init__(self, gateway, name, shop, email, password=PASSWORD):
        self.gateway, self.name, self.api, self.shop, self.email = gateway, name, APIS[name], shop, email
        self.base = shop.base + self.api.base
        self.session = self.sign_in(password)

    def sign_in(self, password=PASSWORD):
        answer = self.gateway.post(self.base + self.api.sign_in, {"email": self.email, "password": password})
        assert answer.status == 200, answer
        return answer.json[self.api.token]

    def send(self, header, credential, method, path, body=None, **headers):
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        if header is None:
            path += ("&" if "?" in path else "?") + "api_token=" + credential
            return self.gateway.request(method, self.base + path, body, headers=more)
        return self.gateway.request(method, self.base + path, body, headers={header[0]: header[1] + credential, **more})

    def call(self, method, path, body=None, session=None, **headers):
        return self.send(self.api.header, session or self.session, method, path, body, **headers)

    def by(self, key, method, path, body=None, **headers):
        header = {"codes": ("x-api-key", ""), "ports": ("X-API-Key", "")}.get(self.name, self.api.header)
        return self.send(header, key, method, path, body, **headers)

    def opens(self, key):
        return self.by(key, "GET", self.api.probe).status not in (401, 403)

    def mint(self, status=201, session=None, **fields):
        answer = self.call("POST", self.api.keys, {"name": "shop", **fields}, session)
        assert answer.status == status, answer
        return answer.json

    def listed(self):
        answer = self.call("GET", self.api.keys)
        assert answer.status == 200, answer
        return answer.json[self.api.list_name]


def person(gateway, name, **fields):
    shop = Shop(gateway, slug=f"own-{name}", blueprint=APIS[name].blueprint, **fields)
    if name == "reports":
        leave(shop, True)
    reseller = shop.reseller(password=PASSWORD, balance="100.00")
    return Person(gateway, name, shop, reseller["email"]), reseller


def leave(shop, is_given, key=None, status=200):
    changed = shop.admin("PATCH", "/settings", {"self_service_keys": is_given}, key=key)
    assert changed.status == status, changed
    return changed.json


def envelope(name, answer):
    """A refusal looks as the API's own do."""
    body = answer.json
    fields = {
        "orders": {"type", "title", "status", "detail", "code", "request_id"}, "reports": {"ok", "error"},
        "licences": {"ok", "message"}, "codes": {"error"}, "ports": {"statusCode", "error", "message"}}[name]
    assert fields <= set(body) and body.get("ok", False) is False, (name, answer)


def by_command(checks, gateway, name, who):
    with checks(f"O13 W11 A2 X1 C5 L6 P6 {name}: tollgate my sign-in prints a token alone, which my sign-out ends"):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(PASSWORD + "\n")
            file.flush()
            words = ["--email", who.email, "--password-file", file.name, "--api", name, "--tenant", who.shop.slug]
            begun = gateway.command("my", "sign-in", *words)
            whole = gateway.command("my", "sign-in", *words, "--json")
        assert begun.returncode == 0 and begun.stdout.count("\n") == 1, begun
        assert begun.stderr.startswith("tollgate: the token is good "), begun
        token, other = begun.stdout.strip(), json.loads(whole.stdout)[who.api.token]
        assert who.call("GET", who.api.keys, session=token).status == 200
        for key, left in ((token, 200), (other, 401)):
            ended = gateway.command("my", "sign-out", "--api", name, "--tenant", who.shop.slug, "--key", key)
            assert ended.returncode == 0, ended
            assert who.call("GET", who.api.keys, session=key).status == 401
            assert who.call("GET", who.api.keys, session=other).status == left
    with checks(f"O13 P6 {name}: a wrong password is refused without advice about keys, and a file that others may read "
                "is not read"):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("not the password\n")
            file.flush()
            words = ["--email", who.email, "--password-file", file.name, "--api", name, "--tenant", who.shop.slug]
            refused = gateway.command("my", "sign-in", *words)
            assert (refused.returncode, refused.stdout) == (1, "") and "--key" not in refused.stderr, refused
            for line in (["account", "sign-in", *words[:4]], ["my", "sign-in", *words[:6]]):
                lost = gateway.command(*line)
                assert lost.returncode == 1 and "--tenant SLUG names the tenant" in lost.stderr, lost
            os.chmod(file.name, 0o644)
            refused = gateway.command("my", "sign-in", *words)
            assert (refused.returncode, refused.stdout) == (1, "") and "chmod" in refused.stderr, refused


def own_keys(checks, gateway, name):
    who, reseller = person(gateway, name)
    by_command(checks, gateway, name, who)
    api = APIS[name]
    with checks(f"W11 X1 C5 L6 O13 {name}: a key of one's own is minted, shown once, listed, and opens what it is for"):
        again = str(uuid.uuid4())
        first = who.call("POST", api.keys, {"name": "shop"}, Idempotency_Key=again)
        repeated = who.call("POST", api.keys, {"name": "shop"}, Idempotency_Key=again)
        assert first.status == repeated.status == 201 and first.headers.get("idempotency-hit") is None, first
        made = first.json
        assert "key" not in repeated.json and repeated.json["already_shown"] is True, repeated
        assert repeated.json[api.id] == made[api.id]
        assert (made["name"], made["mode"], sorted(made["scopes"])) == ("shop", "live", sorted(api.scopes)), made
        at = made[api.word("created_at")]
        assert isinstance(at, int if api.milliseconds else str), made
        if api.milliseconds:
            assert abs(at / 1000 - time.time()) < 300, made
        assert made["key"].startswith(made["prefix"]) and made[api.word("revoked_at")] is None, made
        assert who.opens(made["key"])
        rows = who.listed()
        assert [row[api.id] for row in rows] == [reseller["key_id"], made[api.id]] and "key" not in rows[0], rows
        assert made["key"] not in json.dumps(rows)
        page = who.call("GET", api.keys + "?limit=1").json
        assert page[api.word("has_more")] is True and len(page[api.list_name]) == 1, page
        rest = who.call("GET", f"{api.keys}?limit=1&cursor={page[api.word('next_cursor')]}").json
        assert rest[api.list_name] == rows[1:] and rest[api.word("has_more")] is False, rest
        known = who.shop.admin("GET", f"/api-keys/{made[api.id]}").json
        assert (known["reseller"], known["owner_email"], known["role"]) == (
            reseller["id"], reseller["email"], "reseller"), known
    with checks(f"W11 X1 C5 L6 O13 G3 {name}: a key of one's own is rotated, the old secret good for a while or not"):
        path = f"{api.keys}/{made[api.id]}/rotate"
        rotated = who.call("POST", path, {"overlap_seconds": 3600})
        assert rotated.status == 200 and rotated.json[api.id] == made[api.id], rotated
        assert who.opens(made["key"]) and who.opens(rotated.json["key"])
        last = who.call("POST", path)
        assert last.status == 200 and who.opens(last.json["key"]), last
        assert not who.opens(made["key"]) and not who.opens(rotated.json["key"])
        for wrong in (-1, 30 * 86_400 + 1, "1", 1.5):
            refused = who.call("POST", path, {"overlap_seconds": wrong})
            assert refused.status == api.invalid, refused
            envelope(name, refused)
        assert who.opens(last.json["key"])
    with checks(f"W11 X1 C5 L6 O13 G3 {name}: a key of one's own is revoked for good; again is the same answer"):
        for _ in range(2):
            gone = who.call("DELETE", f"{api.keys}/{made[api.id]}")
            assert gone.status == 200 and gone.json[api.word("revoked_at")] is not None, gone
            assert not who.opens(last.json["key"])
        refused = who.call("POST", path)
        assert refused.status == api.conflict, refused
        envelope(name, refused)
    own_key_bounds(checks, gateway, name, who, reseller)
    verified_export(gateway, who.shop.slug)


def own_key_bounds(checks, gateway, name, who, reseller):
    """Whose keys are whose, and when none is minted."""
    api = who.api
    with checks(f"W11 X1 C5 L6 O13 {name}: a test key of one's own is the test book's"):
        test = who.mint(mode="test")
        assert test["mode"] == "test" and who.opens(test["key"]), test
        refused = who.call("POST", api.keys, {"name": "x", "mode": "both"})
        assert refused.status == api.invalid, refused
    with checks(f"W11 X1 C5 L6 O13 G1 {name}: another's key, a session's id and an id that there is not are unknown"):
        other = who.shop.reseller(password=PASSWORD)
        stranger = Person(gateway, name, who.shop, other["email"])
        sessions = stranger.call("GET", "/account/sessions").json
        theirs = sessions.get("data", sessions.get("sessions"))[0][api.id]
        for method, tail in (("DELETE", ""), ("POST", "/rotate")):
            answers = {
                (answer.status, answer.body.replace(answer.headers["request-id"].encode(), b""))
                for answer in (who.call(method, f"{api.keys}/{id}{tail}")
                               for id in (other["key_id"], theirs, "key_none"))}
            assert len(answers) == 1 and answers.pop()[0] == 404, answers
        assert who.shop.admin("GET", f"/api-keys/{other['key_id']}").json["revoked_at"] is None
        assert stranger.call("GET", "/account/sessions").status == 200
    with checks(f"W11 X1 C5 L6 O13 {name}: a key signs nobody in, and no key mints another"):
        for method, path in (("GET", api.keys), ("POST", api.keys), ("GET", "/account/sessions")):
            refused = who.by(test["key"], method, path, {"name": "x"} if method == "POST" else None)
            assert refused.status == 403, refused
            envelope(name, refused)
    passwords(checks, gateway, name, who, reseller)
    with checks(f"W11 X1 C5 L6 O13 W1 {name}: a suspended reseller's person reads its keys, and changes none"):
        assert who.shop.move(reseller, "suspend").status == 200
        assert len(who.listed()) == 4
        for method, path in (("POST", api.keys), ("POST", f"{api.keys}/{test[api.id]}/rotate"),
                             ("DELETE", f"{api.keys}/{test[api.id]}")):
            refused = who.call(method, path, {"name": "x"} if path == api.keys else None)
            assert refused.status == 403, refused
            envelope(name, refused)
        assert who.shop.move(reseller, "resume").status == 200
        assert who.opens(test["key"])
        assert who.shop.move(reseller, "terminate").status == 200
        assert not who.opens(test["key"]) and who.call("GET", api.keys).status == 401


def passwords(checks, gateway, name, who, reseller):
    """Whoever is signed in sets a new password; the operator makes a link to one. `who` is signed in afterwards."""
    api = who.api

    def signs_in(password):
        return gateway.post(who.base + api.sign_in, {"email": who.email, "password": password}).status == 200

    with checks(f"O13 {name}: a new password needs the old one, and is as long as any"):
        for body in ({"old": "wrong wrong wrong", "new": "another password"}, {"old": PASSWORD, "new": "short"},
                     {"old": PASSWORD}, {"new": "another password"}, {"old": PASSWORD, "new": "x" * 257}):
            refused = who.call("POST", "/account/password", body)
            assert refused.status == api.invalid, (body, refused)
            envelope(name, refused)
            assert PASSWORD not in refused.body.decode()
        assert signs_in(PASSWORD) and not signs_in("another password")
    with checks(f"O13 G3 {name}: a new password ends all sessions of its account and its open links, and no key"):
        key = who.mint()["key"]
        link = who.shop.admin("POST", f"/resellers/{reseller['id']}/password-reset")
        assert link.status == 201 and set(link.json) == {"url", "expires_at"}, link
        other = who.sign_in()
        changed = who.call("POST", "/account/password", {"old": PASSWORD, "new": "another password"})
        assert changed.status == 200 and changed.json[api.word("sessions_ended")] >= 2, changed
        for token in (who.session, other):
            assert who.call("GET", api.keys, session=token).status == 401
        assert gateway.get(link.json["url"].removeprefix(gateway.base_url)).status == 404
        assert signs_in("another password") and not signs_in(PASSWORD) and who.opens(key)
        assert who.shop.admin("GET", f"/resellers/{reseller['id']}/sessions").json["data"][1:] == []
    with checks(f"O13 O3 {name}: the operator makes a link to a new password, which works once and ends every session"):
        who.session = who.sign_in("another password")
        first = who.shop.admin("POST", f"/resellers/{reseller['id']}/password-reset").json["url"]
        again = str(uuid.uuid4())
        path, header = f"/resellers/{reseller['id']}/password-reset", {"Idempotency-Key": again}
        made = [who.shop.admin("POST", path, headers=header) for _ in range(2)]
        assert "url" not in made[1].json and made[1].json["already_shown"] is True, made[1]
        first, link = (url.removeprefix(gateway.base_url) for url in (first, made[0].json["url"]))
        assert gateway.get(first).status == 404 and gateway.get(link).status == 200
        assert who.call("GET", api.keys).status == 200 and signs_in("another password")
        assert gateway.post(link, {"password": PASSWORD}).status == 200
        assert who.call("GET", api.keys).status == 401
        assert gateway.post(link, {"password": "third password"}).status == 404
        assert signs_in(PASSWORD) and not signs_in("another password")
        who.session = who.sign_in()
        who.call("DELETE", f"{api.keys}/{who.listed()[-1][api.id]}")
    with checks(f"O13 W1 {name}: a suspended reseller's person sets a new password; nobody resets a terminated one's"):
        assert who.shop.move(reseller, "suspend").status == 200
        assert who.call("POST", "/account/password", {"old": PASSWORD, "new": PASSWORD + "!"}).status == 200
        assert who.shop.move(reseller, "resume").status == 200
        who.session = who.sign_in(PASSWORD + "!")
        assert who.call("POST", "/account/password", {"old": PASSWORD + "!", "new": PASSWORD}).status == 200
        who.session = who.sign_in()
        gone = who.shop.invite(password=None)
        link = who.shop.admin("POST", f"/resellers/{gone['id']}/password-reset").json["url"]
        link = link.removeprefix(gateway.base_url)
        assert who.shop.move(gone, "terminate").status == 200 and gateway.get(link).status == 404
        assert gateway.post(link, {"password": PASSWORD}).status == 404
        assert who.shop.admin("POST", f"/resellers/{gone['id']}/password-reset").status == 409
        assert who.shop.admin("POST", "/resellers/res_none/password-reset").status == 404


def reports(checks, gateway):
    shop = Shop(gateway, slug="panel-own", blueprint="panel", password=PASSWORD)
    reseller = shop.reseller(password=PASSWORD)
    who = Person(gateway, "reports", shop, reseller["email"])
    with checks("C5 minting is the owner's until the owner lets resellers mint; listing and rotating are not"):
        assert shop.admin("GET", "/settings").json["self_service_keys"] is False
        for body in ({"name": "x"}, {"name": "x", "mode": "test"}):
            refused = who.call("POST", "/keys", body)
            assert refused.status == 403 and "owner" in refused.json["error"], refused
        assert [key["id"] for key in who.listed()] == [reseller["key_id"]]
        rotated = who.call("POST", f"/keys/{reseller['key_id']}/rotate")
        assert rotated.status == 200 and rotated.json["ok"] is True and who.opens(rotated.json["key"]), rotated
        assert not who.opens(reseller["key"])
        reseller["key"] = rotated.json["key"]
    with checks("C5 the owner alone lets resellers mint; an operator does not"):
        operator = shop.admin(
            "POST", "/api-keys", {"owner_email": f"owner@{shop.slug}.example", "role": "operator"}).json["key"]
        leave(shop, True, key=operator, status=403)
        leave(shop, True, key=gateway.post(shop.base + ADMIN + "/session", {
            "email": f"owner@{shop.slug}.example", "password": PASSWORD}).json["token"])
        made = who.mint(scopes=["reseller:credit"])
        assert made["scopes"] == ["reseller:credit"] and who.opens(made["key"]), made
        leave(shop, False)
        who.mint(status=403)
        assert who.opens(made["key"]), "what was minted stays"
        assert shop.admin("PATCH", "/settings", {"self_service_keys": "on"}).status == 422
    with checks("C5 a session's token signs nothing up with a wrong password, and sign-out ends it"):
        wrong = gateway.post(who.base + "/session", {"email": reseller["email"], "password": "wrong wrong"})
        assert wrong.status == 401 and wrong.json["ok"] is False, wrong
        token = who.sign_in()
        assert who.call("DELETE", "/session", session=token).json == {"ok": True}
        assert who.call("GET", "/keys", session=token).status == 401
    with checks("C5 G3 a key gives itself a new secret; the old one lives on as long as is asked for"):
        again = str(uuid.uuid4())
        first = who.by(reseller["key"], "POST", "/key/rotate", {"overlap_seconds": 3600}, Idempotency_Key=again)
        assert first.status == 200 and first.json["id"] == reseller["key_id"], first
        assert who.opens(reseller["key"]) and who.opens(first.json["key"])
        repeated = who.by(reseller["key"], "POST", "/key/rotate", {"overlap_seconds": 3600}, Idempotency_Key=again)
        assert "key" not in repeated.json and repeated.json["already_shown"] is True, repeated
        last = who.by(first.json["key"], "POST", "/key/rotate")
        assert last.status == 200 and who.opens(last.json["key"]), last
        assert not who.opens(first.json["key"]) and not who.opens(reseller["key"])
        assert who.call("POST", "/key/rotate").status == 403, "a session is no key"
        assert who.by(last.json["key"], "POST", "/key/rotate", {"overlap_seconds": -1}).status == 422
        kept = shop.admin("GET", f"/api-keys/{reseller['key_id']}").json
        assert kept["revoked_at"] is None and last.json["key"].startswith(kept["prefix"]), kept
    with checks("C3 C5 a rotated key stays the key that reported: its reference is known again"):
        report = {"kind": "purchase", "amount_usd": 5, "external_ref": "r-1"}
        one = who.by(last.json["key"], "POST", "/credit", report)
        assert one.status == 200, one
        newest = who.by(last.json["key"], "POST", "/key/rotate").json["key"]
        assert who.by(newest, "POST", "/credit", report).json == {"ok": True, "duplicate": True}
    verified_export(gateway, shop.slug)


def profile(checks, gateway):
    shop = Shop(gateway, slug="profiles")
    reseller = shop.reseller(password=PASSWORD)
    other = shop.invite(email="taken@profiles.example", password=None)
    path = f"/resellers/{reseller['id']}"

    def sign_in(email):
        return gateway.post(shop.base + PARTNER + "/session", {"email": email, "password": PASSWORD})

    with checks("O3 a reseller's address, name, company and notes are changed; its person signs in by the new address"):
        notes = "Pays late.\nRing Ömer first."
        changed = shop.admin("PATCH", path, {
            "email": "New.Address@Profiles.Example", "name": "Zoë", "company": "Änderung GmbH", "notes": notes})
        assert changed.status == 200, changed
        told = ("email", "name", "company", "notes")
        expected = ["new.address@profiles.example", "Zoë", "Änderung GmbH", notes]
        for answer in (changed.json, shop.admin("GET", path).json):
            assert [answer[name] for name in told] == expected, answer
        assert sign_in(reseller["email"]).status == 401
        token = sign_in("new.address@profiles.example")
        assert token.status == 200, token
        own = gateway.get(shop.base + PARTNER + "/account", key=token.json["token"]).json
        assert (own["email"], own["name"], own["company"]) == tuple(expected[:3]) and "notes" not in own, own
        assert shop.admin("GET", f"/api-keys/{reseller['key_id']}").json["owner_email"] == expected[0]
        assert gateway.get(shop.base + PARTNER + "/products", key=reseller["key"]).status == 200
    with checks("O3 null takes company and notes away; a name and an address stay"):
        cleared = shop.admin("PATCH", path, {"company": None, "notes": None}).json
        assert cleared["company"] is None and cleared["notes"] is None and cleared["name"] == "Zoë", cleared
        for body in ({"name": None}, {"email": None}, {"name": " "}, {"notes": ""}, {"notes": "x" * 4001},
                     {"email": "nobody"}, {"notes": "a\u0000b"}, {"name": "a\nb"}, {"status": "active"}, {}):
            refused = shop.admin("PATCH", path, body)
            assert refused.status == 422 and refused.json["errors"], (body, refused)
    with checks("O3 an address of another account is taken; nothing of that change stays"):
        before = shop.admin("GET", path).json
        for email in ("TAKEN@profiles.example", f"owner@{shop.slug}.example"):
            refused = shop.admin("PATCH", path, {"name": "Other", "credit_limit": "9.00", "email": email})
            assert refused.status == 409 and refused.json["code"] == "email_taken", refused
        assert shop.admin("GET", path).json == before
        assert shop.admin("PATCH", path, {"email": before["email"]}).status == 200
    with checks("O3 O6 the log says that address and notes changed, not what they say"):
        shop.admin("PATCH", path, {"notes": "a secret of the house", "email": "quiet@profiles.example"})
        rows = shop.admin("GET", f"/audit?reseller={reseller['id']}&limit=1").json["data"]
        text = json.dumps(rows)
        assert "changed" in text and "secret of the house" not in text and "quiet@" not in text, rows
    links(checks, gateway, shop, other, sign_in)
    verified_export(gateway, shop.slug)


def links(checks, gateway, shop, other, sign_in):
    """`other` was invited, and has set no password."""
    with checks("O3 a new address ends the invitation that was sent to the old one; a new one can be sent, once open"):
        first = other["invitation"].removeprefix(gateway.base_url)
        moved = shop.admin("PATCH", f"/resellers/{other['id']}", {"email": "right@profiles.example"})
        assert moved.status == 200 and gateway.get(first).status == 404, moved
        again = str(uuid.uuid4())
        sent = shop.admin("POST", f"/resellers/{other['id']}/invitation", headers={"Idempotency-Key": again})
        assert sent.status == 201 and sent.json["email"] == "right@profiles.example", sent
        assert set(sent.json) == {"id", "email", "invitation_url", "expires_at"}, sent
        repeated = shop.admin("POST", f"/resellers/{other['id']}/invitation", headers={"Idempotency-Key": again})
        assert "invitation_url" not in repeated.json and repeated.json["already_shown"] is True, repeated
        second = shop.admin("POST", f"/resellers/{other['id']}/invitation").json
        ended, link = (
            made["invitation_url"].removeprefix(gateway.base_url) for made in (sent.json, second))
        assert gateway.get(ended).status == 404 and gateway.get(link).status == 200
        assert gateway.post(ended, {"password": PASSWORD}).status == 404
        accepted = gateway.post(link, {"password": PASSWORD})
        assert accepted.status == 200 and accepted.json["email"] == "right@profiles.example", accepted
        assert sign_in("right@profiles.example").status == 200
        refused = shop.admin("POST", f"/resellers/{other['id']}/invitation")
        assert refused.status == 409 and refused.json["code"] == "password_set", refused
        assert shop.admin("POST", "/resellers/res_none/invitation").status == 404
    with checks("O3 W1 of a terminated reseller the notes alone can be changed, and nobody invites it"):
        gone = shop.invite(password=None)
        link = gone["invitation"].removeprefix(gateway.base_url)
        assert shop.move(gone, "terminate").status == 200 and gateway.get(link).status == 404
        noted = shop.admin("PATCH", f"/resellers/{gone['id']}", {"notes": "Fraud."})
        assert noted.status == 200 and noted.json["notes"] == "Fraud.", noted
        for body in ({"name": "x"}, {"notes": "x", "company": None}, {"notes": "x", "api_access": False}):
            assert shop.admin("PATCH", f"/resellers/{gone['id']}", body).status == 409, body
        assert shop.admin("GET", f"/resellers/{gone['id']}").json["notes"] == "Fraud."
        assert shop.admin("POST", f"/resellers/{gone['id']}/invitation").status == 409


def search(checks, gateway):
    shop = Shop(gateway, slug="search")
    people = [("anna@one.example", "Ärzte & Söhne", "Über Hosting"), ("bert@two.example", "ÄRZTEHAUS", None),
              ("anna.b@two.example", "100%_net", "über alles"), ("carl@one.example", "Straße", "Łódź sp."),
              ("dora@one.example", "a\\b", "U\u0308nter")]
    made = [shop.admin("POST", "/resellers", {
        "email": email, "name": name, **({"company": company} if company else {}), "password": PASSWORD}).json
        for email, name, company in people]
    shop.admin("POST", f"/resellers/{made[1]['id']}/approve")

    def found(**query):
        from urllib.parse import urlencode
        answer = shop.admin("GET", "/resellers?" + urlencode(query))
        assert answer.status == 200, (query, answer)
        return [made.index(next(one for one in made if one["id"] == row["id"])) for row in answer.json["data"]]

    with checks("O3 q finds the beginning of id, address, name or company, in any case and any spelling of a letter"):
        for text, expected in [
                ("ärzte", [0, 1]), ("ÄRZTE", [0, 1]), ("A\u0308rzteh", [1]), ("über", [0, 2]), ("ANNA", [0, 2]),
                ("anna@", [0]), ("100%", [2]), ("100%_", [2]), ("%", []), ("_", []), ("söhne", []), ("łódź", [3]),
                ("STRASSE", []), ("straße", [3]), ("a\\b", [4]), ("ünter", [4]), ("ärzte ", [0]), (made[3]["id"], [3]),
                (made[3]["id"].upper(), [3]), ("res_", [0, 1, 2, 3, 4]), ("nobody", [])]:
            assert found(q=text) == expected, (text, found(q=text))
    with checks("O3 q, status and email go together, and pages of what was found have no gaps"):
        assert found(q="ä", status="active") == [1] and found(q="ä", status="pending") == [0]
        assert found(status="pending") == [0, 2, 3, 4] and found(status="suspended") == []
        assert found(email="ANNA@one.example") == [0] and found(email="anna@one.example", q="b") == []
        seen, cursor = [], None
        while True:
            page = shop.admin("GET", "/resellers?q=res_&limit=2" + (f"&cursor={cursor}" if cursor else "")).json
            seen += [row["id"] for row in page["data"]]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                break
        assert seen == [one["id"] for one in made], seen
        first = shop.admin("GET", "/resellers?q=res_&limit=2").json["next_cursor"]
        assert shop.admin("GET", f"/resellers?q=anna&limit=2&cursor={first}").status == 400
    with checks("O3 q finds an address by the letters of its domain"):
        made.append(shop.admin("POST", "/resellers", {
            "email": "ops@münchen.example", "name": "M", "password": PASSWORD}).json)
        for text in ("ops@münchen.example", "OPS@München.ex", "ops@mu\u0308nchen", "ops@xn--mnchen-3ya.example"):
            assert found(q=text) == [5], (text, found(q=text))
        assert found(q="ops@münch.example") == []
    with checks("O3 a reseller that was renamed is found by its new name alone"):
        shop.admin("PATCH", f"/resellers/{made[0]['id']}", {"name": "Ölwerk", "company": None})
        assert found(q="ölw") == [0] and found(q="ärzte") == [1] and found(q="über") == [2]
    verified_export(gateway, shop.slug)


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        profile(checks, gateway)
        search(checks, gateway)
        reports(checks, gateway)
        for name in APIS:
            own_keys(checks, gateway, name)
    checks.finish()


if __name__ == "__main__":
    main()
