#!/usr/bin/env python3
"""Secrets and sessions have an end (O1, O3, O13, G3): a rotation leaves two secrets at most; whoever is signed in is
listed and can be signed out, by the holder and by the operator, in every dialect that has a sign-in. No list shows a
secret."""

import sqlite3
import tempfile
import time
import uuid

from shop import ADMIN, PARTNER, PASSWORD, Shop
from support import Checks, Gateway, arguments, together, verified_export

OVERLAP_SECONDS = 3600


class Dialect:
    """How a dialect signs in and out, and a call that shows whether a session opens anything."""

    def __init__(self, base, sign_in, token, header, probe, sign_out):
        self.base, self.sign_in, self.token = base, sign_in, token
        self.header, self.probe, self.sign_out = header, probe, sign_out


BEARER = ("Authorization", "Bearer ")
DIALECTS = {
    "hosting": Dialect(PARTNER, "/session", "token", BEARER, "/keys", ("DELETE", "/session")),
    "codes": Dialect("/api/reseller", "/login", "seedHash", ("x-seed-hash", ""), "/me", ("POST", "/logout")),
    "proxies": Dialect("/v1", "/login/signin", "access_token", BEARER, "/api-keys", ("POST", "/login/signout")),
}


class Person:
    """Somebody with a password, who signs in as often as is asked for."""

    def __init__(self, gateway, base, dialect, email):
        self.gateway, self.base, self.dialect, self.email = gateway, base + dialect.base, dialect, email

    def sign_in(self):
        answer = self.gateway.post(self.base + self.dialect.sign_in, {"email": self.email, "password": PASSWORD})
        assert answer.status == 200, answer
        return answer.json[self.dialect.token]

    def call(self, token, method, path, body=None):
        name, prefix = self.dialect.header
        return self.gateway.request(method, self.base + path, body, headers={name: prefix + token})

    def opens(self, token):
        status = self.call(token, "GET", self.dialect.probe).status
        assert status in (200, 401), status
        return status == 200

    def listed(self, token):
        answer = self.call(token, "GET", "/account/sessions")
        assert answer.status == 200, answer
        assert token not in answer.body.decode(), "a list shows a session's secret"
        rows = answer.json
        rows = rows.get("data", rows.get("sessions"))
        return [row.get("id", row.get("_id")) for row in rows], next(
            (row.get("id", row.get("_id")) for row in rows if row["current"]), None)


def own_sessions(checks, gateway, name):
    dialect = DIALECTS[name]
    shop = Shop(gateway, blueprint=name)
    reseller = shop.reseller(password=PASSWORD)
    person = Person(gateway, shop.base, dialect, reseller["email"])
    with checks(f"O13 {name}: whoever is signed in sees the sessions in force, and which one asks; no secret"):
        first, second, third = (person.sign_in() for _ in range(3))
        ids, own = person.listed(second)
        page = person.call(second, "GET", "/account/sessions?limit=2").json
        cursor = page.get("next_cursor") or page.get("nextCursor")
        assert page.get("has_more", page.get("hasMore")) is True and cursor, page
        rest = person.call(second, "GET", f"/account/sessions?limit=2&cursor={cursor}").json
        assert len(rest.get("data", rest.get("sessions"))) == 1, rest
        assert len(ids) == 3 and len(set(ids)) == 3 and ids[1] == own, (ids, own)
        assert person.listed(first)[1] == ids[2] and person.listed(third)[1] == ids[0]
    with checks(f"O13 G3 {name}: the holder ends one session, then all others; none passes after the answer"):
        for _ in range(2):
            assert person.call(second, "DELETE", f"/account/sessions/{ids[2]}").status in (200, 204)
            assert not person.opens(first) and person.opens(second) and person.opens(third)
        ended = person.call(second, "DELETE", "/account/sessions")
        assert ended.status == 200 and ended.json["ended"] == 1, ended
        assert person.opens(second) and not person.opens(third) and person.listed(second)[0] == [ids[1]]
    with checks(f"O13 {name}: another's session, a key's id and an id that there is not are unknown"):
        other = shop.reseller(password=PASSWORD)
        stranger = Person(gateway, shop.base, dialect, other["email"])
        theirs = stranger.listed(stranger.sign_in())[1]
        answers = {
            (answer.status, answer.body.replace(answer.headers["request-id"].encode(), b""))
            for answer in (person.call(second, "DELETE", f"/account/sessions/{id}")
                           for id in (theirs, reseller["key_id"], "key_none"))}
        assert len(answers) == 1 and answers.pop()[0] == 404, answers
        assert shop.admin("GET", f"/api-keys/{reseller['key_id']}").json["revoked_at"] is None
    with checks(f"O13 {name}: sign-out ends the present session alone"):
        more = person.sign_in()
        method, path = dialect.sign_out
        assert person.call(more, method, path, None if method == "DELETE" else {}).status in (200, 204)
        assert not person.opens(more) and person.opens(second)
    by_the_operator(checks, name, shop, person, reseller, other, second, theirs)


def by_the_operator(checks, name, shop, person, reseller, other, second, theirs):
    """`person` has the one session `second`; `theirs` is one of another reseller's."""
    dialect = DIALECTS[name]
    with checks(f"O13 {name}: the operator lists a reseller's sessions, ends one, and then all"):
        more = person.sign_in()
        listed = shop.admin("GET", f"/resellers/{reseller['id']}/sessions")
        assert listed.status == 200 and len(listed.json["data"]) == 2, listed
        row = listed.json["data"][0]
        assert row["email"] == reseller["email"] and row["reseller"] == reseller["id"] and row[
            "role"] == "reseller", row
        for secret in (more, second):
            assert secret not in listed.body.decode()
        everybody = shop.admin("GET", "/sessions?limit=100").json["data"]
        assert {row["id"] for row in listed.json["data"]} <= {row["id"] for row in everybody}
        for query in (f"?reseller={reseller['id']}", f"?email={reseller['email'].upper()}"):
            assert shop.admin("GET", "/sessions" + query).json["data"] == listed.json["data"], query
        for query in ("?email=no@one.example", f"?email={other['email']}&reseller={reseller['id']}"):
            assert shop.admin("GET", "/sessions" + query).json["data"] == [], query
        assert shop.admin("GET", "/sessions?email=no-address").status == 422
        assert shop.admin("GET", "/sessions?emial=a@b.example").status == 400
        page = shop.admin("GET", f"/sessions?reseller={reseller['id']}&limit=1").json
        assert page["has_more"] is True and page["data"] == listed.json["data"][:1]
        rest = shop.admin("GET", f"/sessions?reseller={reseller['id']}&limit=1&cursor={page['next_cursor']}").json
        assert rest["has_more"] is False and rest["data"] == listed.json["data"][1:], rest
        assert shop.admin("GET", "/sessions?reseller=res_none").status == 404
        # Of another reseller it is not there.
        assert shop.admin("DELETE", f"/resellers/{other['id']}/sessions/{row['id']}").status == 404
        assert person.opens(more)
        assert shop.admin("DELETE", f"/resellers/{reseller['id']}/sessions/{row['id']}").status == 204
        assert not person.opens(more) and person.opens(second)
        more = person.sign_in()
        ended = shop.admin("DELETE", f"/resellers/{reseller['id']}/sessions")
        assert ended.status == 200 and ended.json == {"ok": True, "ended": 2}, ended
        assert not person.opens(more) and not person.opens(second)
        assert shop.admin("DELETE", f"/sessions/{theirs}").status == 204
    with checks(f"O13 W1 {name}: a suspended reseller's person may end its sessions, and look at them"):
        token, kept = person.sign_in(), person.sign_in()
        assert shop.move(reseller, "suspend").status == 200
        assert len(person.listed(kept)[0]) == 2
        assert person.call(kept, "DELETE", "/account/sessions").json["ended"] == 1
        assert person.call(token, "GET", "/account/sessions").status == 401
        method, path = dialect.sign_out
        assert person.call(kept, method, path, None if method == "DELETE" else {}).status in (200, 204)


def operators(checks, gateway):
    shop = Shop(gateway, password=PASSWORD)
    email = f"owner@{shop.slug}.example"
    dialect = Dialect(ADMIN, "/session", "token", BEARER, "/settings", ("DELETE", "/session"))
    owner = Person(gateway, shop.base, dialect, email)
    operator = shop.admin("POST", "/api-keys", {"owner_email": email, "role": "operator"}).json["key"]
    with checks("O13 G3 the owner's sessions: listed and ended by the owner, by session and by key"):
        first, second = owner.sign_in(), owner.sign_in()
        ids, own = owner.listed(second)
        assert len(ids) == 2 and own == ids[0]
        assert owner.call(shop.owner_key, "GET", "/account/sessions").json["data"][0]["current"] is False
        assert owner.call(second, "DELETE", "/account/sessions").json == {"ok": True, "ended": 1}
        assert owner.opens(second) and not owner.opens(first)
        third = owner.sign_in()
        assert owner.call(shop.owner_key, "DELETE", "/account/sessions").json["ended"] == 2
        assert not owner.opens(second) and not owner.opens(third)
    with checks("O13 an operator neither sees nor ends the owner's sessions"):
        token = owner.sign_in()
        id = owner.listed(token)[1]
        for path in ("/sessions", "/account/sessions"):
            assert owner.call(operator, "GET", path).json["data"] == [], path
            assert owner.call(shop.owner_key, "GET", path).json["data"][0]["id"] == id
        for path in (f"/sessions/{id}", f"/account/sessions/{id}"):
            refused = owner.call(operator, "DELETE", path)
            assert refused.status == 403 and refused.json["code"] == "owner_only", refused
        assert owner.call(operator, "DELETE", "/account/sessions").json["ended"] == 0
        assert owner.opens(token)
    with checks("O13 more sessions than one transaction takes are all ended"):
        # Each is a row in the file: signing in so often would cost minutes of scrypt.
        tokens = together([owner.sign_in for _ in range(4)])
        assert len(owner.listed(token)[0]) == 5
        assert owner.call(token, "DELETE", "/account/sessions").json["ended"] == 4
        assert not any(owner.opens(other) for other in tokens)
    with checks("O1 the owner's last key goes where a password is set, and else not: 409 last_key"):
        bare = Shop(gateway)
        owners = [row for row in bare.admin("GET", "/api-keys").json["data"] if row["role"] == "owner"]
        assert len(owners) == 1
        last = bare.admin("DELETE", f"/api-keys/{owners[0]['id']}")
        assert last.status == 409 and last.json["code"] == "last_key", last
        # A key for the owner's address is an operator's: it does not stand for the owner's own.
        assert bare.admin("POST", "/api-keys", {"owner_email": f"owner@{bare.slug}.example"}).status == 201
        assert bare.admin("DELETE", f"/api-keys/{owners[0]['id']}").status == 409
        assert bare.admin("GET", "/settings").status == 200
        other = gateway.post(f"/provider/v1/tenants/{bare.slug}/owner-key", key=gateway.provider_key)
        assert other.status in (200, 201), other
        key = other.json.get("owner_key") or other.json["key"]
        assert bare.admin("DELETE", f"/api-keys/{owners[0]['id']}").status == 200
        assert bare.admin("GET", "/settings").status == 401
        row = [row for row in bare.admin("GET", "/api-keys", key=key).json["data"]
               if row["role"] == "owner" and row["revoked_at"] is None]
        assert bare.admin("DELETE", f"/api-keys/{row[0]['id']}", key=key).json["code"] == "last_key"
        owners = [row for row in shop.admin("GET", "/api-keys").json["data"] if row["role"] == "owner"]
        assert shop.admin("DELETE", f"/api-keys/{owners[0]['id']}").status == 200
        assert owner.opens(owner.sign_in())


def dashboards(checks, gateway):
    shop = Shop(gateway, blueprint="codes")
    base = shop.base + "/api/reseller"
    with checks("A1 A2 O13 the dashboard's credential of a registration has an end, is listed, and can be replaced"):
        made = gateway.post(base + "/register", {
            "companyName": "C", "email": "dash@there.example", "password": PASSWORD})
        assert made.status == 200 and set(made.json) == {"ok", "status", "seedHash"}, made
        seed = made.json["seedHash"]
        rows = gateway.get(base + "/account/sessions", headers={"x-seed-hash": seed})
        assert rows.status == 200 and len(rows.json["sessions"]) == 1, rows
        assert rows.json["sessions"][0]["current"] is True and rows.json["sessions"][0]["expiresAt"] > "20", rows
        replaced = gateway.post(base + "/regenerate-seed-hash", headers={"x-seed-hash": seed})
        assert replaced.status == 200 and replaced.json["expiresAt"] == rows.json["sessions"][0]["expiresAt"], replaced
        again = replaced.json["seedHash"]
        assert again != seed and gateway.get(base + "/me", headers={"x-seed-hash": seed}).status == 401
        assert gateway.get(base + "/me", headers={"x-seed-hash": again}).status == 200
        assert gateway.get(base + "/account/sessions", headers={"x-seed-hash": again}).json == rows.json
    with checks("A1 O13 G3 the operator ends a dashboard's credential; nobody's answer shows one"):
        reseller = next(row["id"] for row in shop.admin("GET", "/resellers").json["data"])
        listed = shop.admin("GET", f"/resellers/{reseller}/sessions")
        assert len(listed.json["data"]) == 1 and again not in listed.body.decode(), listed
        assert shop.admin("DELETE", f"/resellers/{reseller}/sessions/{listed.json['data'][0]['id']}").status == 204
        assert gateway.get(base + "/me", headers={"x-seed-hash": again}).status == 401
        refused = gateway.post(base + "/regenerate-seed-hash", headers={"x-seed-hash": again})
        assert refused.status == 401 and set(refused.json) == {"error"}, refused


def keys(checks, gateway):
    shop = Shop(gateway)
    reseller = shop.reseller()
    id, first = reseller["key_id"], reseller["key"]

    def opens(key):
        return shop.get(reseller, "/balance", key=key).status == 200

    def rotate(**body):
        answer = shop.admin("POST", f"/api-keys/{id}/rotate", body)
        assert answer.status == 200 and answer.json["id"] == id, answer
        return answer.json["key"]

    with checks("O1 G3 a key's rotation without an overlap: the old secret dies with the answer"):
        second = rotate()
        assert not opens(first) and opens(second)
    with checks("O1 G3 two secrets at most open a key: the oldest ends with the next rotation"):
        third = rotate(overlap_seconds=OVERLAP_SECONDS)
        assert opens(second) and opens(third)
        fourth = rotate(overlap_seconds=OVERLAP_SECONDS)
        assert not opens(second) and opens(third) and opens(fourth)
        fifth = rotate(overlap_seconds=30 * 86_400)
        assert not opens(third) and opens(fourth) and opens(fifth)
        assert hashes(shop, id) == 2
        last = rotate(overlap_seconds=0)
        assert not opens(fourth) and not opens(fifth) and opens(last) and hashes(shop, id) == 1
    with checks("O1 a rotation keeps the key's limit and what is left of it, its attribution and its dedupe"):
        limited = shop.admin("PUT", f"/api-keys/{id}/limit", {"requests": 5, "window_seconds": 86_400})
        assert limited.status == 200, limited
        sku = shop.product()
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
        shop.top_up(reseller, "10.00")
        reseller["key"] = last
        made = shop.order(reseller, sku, key="one")
        assert made.status == 201 and made.headers["x-ratelimit-remaining"] == "4", made.headers
        reseller["key"] = rotate(overlap_seconds=OVERLAP_SECONDS)
        again = shop.order(reseller, sku, key="one")
        assert again.body == made.body and again.headers["idempotency-hit"] == "true", again
        assert again.headers["x-ratelimit-remaining"] == "3"
        assert shop.get(reseller, "/balance", key=last).headers["x-ratelimit-remaining"] == "2"
        rows = shop.admin("GET", f"/audit?key={id}&limit=100").json["data"]
        assert {row["key"] for row in rows} == {id} and len(rows) >= 5
    with checks("O1 G3 an end is final: rotated under load, no call of an ended secret passes after the answer"):
        shop.admin("DELETE", f"/api-keys/{id}/limit")
        old = reseller["key"]
        results = []

        def calls():
            for _ in range(60):
                began = time.monotonic()
                results.append((began, opens(old)))

        ends = []

        def turn():
            rotate()
            ends.append(time.monotonic())

        together([calls, calls, turn])
        assert not [began for began, passed in results if passed and began > ends[0]]
        assert not opens(old)


def hashes(shop, id):
    return rows(shop, "SELECT count(*) FROM api_key_secret s JOIN api_key k ON k.id = s.key_id WHERE k.public_id = ?",
        id)[0][0]


def rows(shop, statement, *values):
    export = shop.gateway.get(f"/provider/v1/tenants/{shop.slug}/export", key=shop.gateway.provider_key)
    assert export.status == 200, export
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(export.body)
        file.flush()
        database = sqlite3.connect(f"file:{file.name}?mode=ro", uri=True)
        found = database.execute(statement, values).fetchall()
        database.close()
        return found


def signing_secrets(checks, gateway):
    shop = Shop(gateway)
    reseller = shop.reseller(balance="1000.00", password=PASSWORD)
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    token = shop.sign_in(reseller)

    def signs(secret):
        answer = shop.order({**reseller, "webhook_secret": secret}, sku, key=uuid.uuid4().hex)
        assert answer.status in (201, 401), answer
        return answer.status == 201

    def by_operator(body=None):
        return shop.admin("POST", f"/resellers/{reseller['id']}/webhook-secret/rotate", body)

    def by_reseller(body=None):
        return shop.call(reseller, "POST", "/webhook/secret/rotate", body, key=token)

    first = reseller["webhook_secret"]
    with checks("O3 W5 two signing secrets are good at most: the oldest ends with the next rotation, whoever rotates"):
        second = by_operator().json["webhook_secret"]
        assert signs(first) and signs(second)
        third = by_reseller().json["webhook_secret"]
        assert not signs(first) and signs(second) and signs(third)
        fourth = by_operator({"overlap_seconds": OVERLAP_SECONDS}).json["webhook_secret"]
        assert not signs(second) and signs(third) and signs(fourth)
    with checks("O3 W5 with an overlap of 0 a signing secret is dead with the answer, and every one before it"):
        for rotate in (by_reseller, by_operator):
            old = rotate({"overlap_seconds": OVERLAP_SECONDS}).json["webhook_secret"]
            new = rotate({"overlap_seconds": 0}).json["webhook_secret"]
            assert not signs(fourth) and not signs(old) and signs(new)
            fourth = new
    with checks("O3 a rotation says how long the old secret is good; a bad overlap changes nothing"):
        now = time.time()
        day = by_operator()
        assert abs(moment(day.json["previous_valid_until"]) - now - 86_400) < 60, day
        for rotate, wanted in ((by_operator, 60), (by_reseller, 0)):
            until = moment(rotate({"overlap_seconds": wanted}).json["previous_valid_until"])
            assert abs(until - time.time() - wanted) < 60, until
        fourth = by_operator({"overlap_seconds": 0}).json["webhook_secret"]
        for rotate in (by_operator, by_reseller):
            for bad in (-1, 30 * 86_400 + 1, "1", 1.5, True, 10**20):
                assert rotate({"overlap_seconds": bad}).status == 422, bad
        assert signs(fourth)
    with checks("O3 A8 in the dialect of activation codes a signing secret is rotated alike"):
        codes = Shop(gateway, blueprint="codes")
        buyer = codes.reseller(password=PASSWORD)
        base = codes.base + "/api/reseller"
        seed = gateway.post(base + "/login", {"email": buyer["email"], "password": PASSWORD}).json["seedHash"]
        for body, valid in (({}, 2), ({}, 2), ({"overlap_seconds": 0}, 1), (None, 2)):
            made = gateway.post(base + "/webhook/secret", body, headers={"x-seed-hash": seed})
            assert made.status == 200 and made.json["secret"].startswith("whsec_"), made
            good = rows(codes, "SELECT count(*) FROM webhook_secret WHERE expires_at IS NULL OR expires_at > ?",
                        int(time.time() * 1000))
            assert good == [(valid,)], (body, good)


def endpoint_secrets(checks, gateway):
    shop = Shop(gateway, blueprint="proxies")
    reseller = shop.reseller()
    base = shop.base + "/v1/reseller/webhooks"

    def call(path="", body=None, key=None):
        return gateway.post(base + path, body, headers={"X-API-Key": key or reseller["key"],
            "Idempotency-Key": uuid.uuid4().hex})

    def good():
        return rows(shop, "SELECT count(*) FROM webhook_endpoint_secret WHERE expires_at IS NULL OR expires_at > ?",
                    int(time.time() * 1000))[0][0]

    with checks("O3 X6 a named endpoint's secret is rotated: two are good at most, 0 ends those before at once"):
        made = call(body={"name": "N", "url": "https://there.example/", "events": ["port.created"]})
        assert made.status == 201 and good() == 1, made
        secrets = {made.json["secret"]}
        # camelCase is this API's own form; it takes the other name too.
        bodies = (None, 2), ({"overlapSeconds": 60}, 2), ({"overlapSeconds": 0}, 1), ({"overlap_seconds": 0}, 1)
        for body, valid in bodies:
            rotated = call(f"/{made.json['_id']}/secret/rotate", body)
            assert rotated.status == 200 and rotated.json["_id"] == made.json["_id"], rotated
            secrets.add(rotated.json["secret"])
            assert good() == valid, body
        assert len(secrets) == 5
        assert call(f"/{made.json['_id']}/secret/rotate", {"overlapSeconds": "zz"}).status == 422 and good() == 1
        listed = gateway.get(base, headers={"X-API-Key": reseller["key"]})
        assert not any(secret in listed.body.decode() for secret in secrets)
    with checks("O3 X6 another's endpoint is unknown, and a key that may not write rotates nothing"):
        other = shop.reseller()
        assert call(f"/{made.json['_id']}/secret/rotate", key=other["key"]).status == 404
        reader = shop.mint(reseller, scopes=["ports:read", "customers:read"]).json["key"]
        assert call(f"/{made.json['_id']}/secret/rotate", key=reader).status == 403
        assert good() == 1
    with checks("X1 an own key is rotated with an overlap or without"):
        shop_reseller = shop.reseller(password=PASSWORD)
        person = Person(gateway, shop.base, DIALECTS["proxies"], shop_reseller["email"])
        token = person.sign_in()
        key = person.call(token, "POST", "/api-keys", {"name": "Mine"}).json
        cases = ("overlapSeconds", 60, True), ("overlapSeconds", 0, False), ("overlap_seconds", 60, True)
        for name, overlap, lives in cases:
            rotated = person.call(token, "POST", f"/api-keys/{key['_id']}/rotate", {name: overlap})
            assert rotated.status == 200 and rotated.json["_id"] == key["_id"], rotated
            old, key = key, rotated.json
            balance = gateway.get(shop.base + "/v1/reseller/balance", headers={"X-API-Key": old["key"]})
            assert (balance.status == 200) == lives, balance
            assert gateway.get(shop.base + "/v1/reseller/balance", headers={"X-API-Key": key["key"]}).status == 200


def moment(text):
    return time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        for name in DIALECTS:
            own_sessions(checks, gateway, name)
        operators(checks, gateway)
        dashboards(checks, gateway)
        keys(checks, gateway)
        signing_secrets(checks, gateway)
        endpoint_secrets(checks, gateway)
        with checks("O13 G5 ends and rotations are in the audit log without a secret, and the files verify"):
            for slug in [row["slug"] for row in gateway.get("/provider/v1/tenants", key=gateway.provider_key).json[
                    "data"]]:
                verified_export(gateway, slug)
    checks.finish()


if __name__ == "__main__":
    main()
