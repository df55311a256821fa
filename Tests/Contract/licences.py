"""L1–L5, O9: the product document's clients and answers, field by field, and the operator's stock.

The api_token is looked for in everything that the gateway has written, at the end.
"""

import concurrent.futures
import glob
import os
import re
import time
import urllib.parse
import urllib.request
import uuid

from support import Checks, Gateway, arguments, command, shape, wait_until

options = arguments()
checks = Checks()
BASE = "/t/licences/reseller"
ADMIN = "/t/licences/api/admin"
LIMIT_TEXT = "Rate limit exceeded. Try again later."
tokens = []
logs = []


def refused(answer, status, message=None):
    """Every error has the document's envelope."""
    assert answer.status == status, answer
    assert set(answer.json) == {"ok", "message"} and answer.json["ok"] is False, answer
    assert isinstance(answer.json["message"], str) and answer.json["message"], answer
    assert answer.headers["content-type"] == "application/json", answer.headers
    if message is not None:
        assert answer.json["message"] == message, answer


def call(path, token, **parameters):
    """As the document's GET examples: everything in the query."""
    return gateway.get(f"{BASE}/{path}?{urllib.parse.urlencode({'api_token': token, **parameters})}")


def assign(token, licence, user, headers=None):
    """As the document's POST example: everything in the body."""
    body = {"api_token": token, "license": licence, "discord_user_id": user}
    return gateway.post(f"{BASE}/assignlicense", body, headers=headers)


def mint(email="reseller@licences.example", **more):
    answer = gateway.post(f"{ADMIN}/api-keys", {"owner_email": email, **more}, key=owner)
    assert answer.status == 201, answer
    tokens.append(answer.json["key"])
    return answer.json["key"]


def stock(body, key=None, headers=None, query=""):
    headers = {"Idempotency-Key": str(uuid.uuid4()), **(headers or {})}
    return gateway.post(f"{ADMIN}/licences{query}", body, key=key or owner, headers=headers)


def licences(reseller, keys, expiration="2099-01-01T00:00:00Z", product="lifetime", **more):
    rows = [{"reseller": reseller, "product": product, "key": key, "expiration": expiration} for key in keys]
    return stock({"licences": rows}, **more)


def new_reseller(limit=1_000_000):
    """A reseller of its own, for checks that count."""
    email = f"{uuid.uuid4().hex[:12]}@licences.example"
    made = gateway.post(f"{ADMIN}/resellers", {"email": email, "name": "Shop"}, key=owner)
    assert made.status == 201, made
    assert gateway.post(f"{ADMIN}/resellers/{made.json['id']}/approve", key=owner).status == 200
    roomy = {"requests": limit, "window_seconds": 60}
    changed = gateway.patch(f"{ADMIN}/resellers/{made.json['id']}", {"rate_limit": roomy}, key=owner)
    assert changed.status == 200, changed
    return made.json["id"], mint(email, limit=roomy)


def key_name():
    return f"ps-{uuid.uuid4().hex[:14].upper()}"


def seed():
    """The document from its first line to its last, in its order."""
    token = gateway.reseller("licences")["key"]
    with checks("D1 keys of the demo have the blueprint's prefix and limit"):
        assert token.startswith("lic_live_"), token
    with checks("L2 GET /myavailable answers as documented"):
        answer = call("myavailable", token)
        assert answer.status == 200, answer
        assert set(answer.json) == {"ok", "licenses"} and answer.json["ok"] is True
        assert shape(answer.json["licenses"][0]) == {
            "key": "str", "product": "str", "expiration": "int", "created_at": "int"}
        own = {row["key"]: row for row in answer.json["licenses"]}
        assert len(own) == 61 and own["ps-XXXX-XXXXXXX-XXX"]["product"] == "lifetime", len(own)
        assert all(re.fullmatch(r"ps-[A-Z0-9]{4}-[A-Z0-9]{7}-[A-Z0-9]{3}", key) for key in own)
    with checks("L2 GET /licenseinfo answers as documented, times in milliseconds"):
        answer = call("licenseinfo", token, license="ps-XXXX-XXXXXXX-XXX")
        assert shape(answer.json) == {"ok": "bool", "info": {
            "key": "str", "product": "str", "expiration": "int", "is_expired": "bool", "is_assigned": "bool",
            "created_at": "int"}}, answer
        info = answer.json["info"]
        assert info["is_expired"] is False and info["is_assigned"] is False
        assert info["expiration"] == 4102358400000, info
        assert abs(info["created_at"] - time.time() * 1000) < 600_000, info
    with checks("L2 GET /fetchlicense answers as documented"):
        answer = call("fetchlicense", token)
        assert shape(answer.json) == {"ok": "bool", "license": {"key": "str", "expiration": "int"}}, answer
        fetched = answer.json["license"]
        assert fetched["expiration"] == own[fetched["key"]]["expiration"] > 1_000 * time.time(), fetched
    with checks("L2 POST /assignlicense answers as documented"):
        answer = assign(token, "ps-XXXX-XXXXXXX-XXX", "123456789012345678")
        assert answer.status == 200, answer
        assert answer.json == {"ok": True, "message": "License assigned successfully"}, answer
        info = call("licenseinfo", token, license="ps-XXXX-XXXXXXX-XXX").json["info"]
        assert info["is_assigned"] is True, info
        assert "ps-XXXX-XXXXXXX-XXX" not in {row["key"] for row in call("myavailable", token).json["licenses"]}
    with checks("L4 the same user again: ok; another: 409"):
        assert assign(token, "ps-XXXX-XXXXXXX-XXX", "123456789012345678").status == 200
        refused(assign(token, "ps-XXXX-XXXXXXX-XXX", "876543210987654321"), 409)
    with checks("L1 the token in the body of a GET does as well, and in the query of a POST"):
        answer = gateway.request("GET", f"{BASE}/myavailable", {"api_token": token})
        assert answer.status == 200 and len(answer.json["licenses"]) == 60, answer
        body = {"api_token": token, "license": "ps-XXXX-XXXXXXX-XXX"}
        assert gateway.request("GET", f"{BASE}/licenseinfo", body).json["info"]["is_assigned"] is True
        body = {"license": "ps-XXXX-XXXXXXX-XXX", "discord_user_id": "123456789012345678"}
        assert gateway.post(f"{BASE}/assignlicense?api_token={token}", body).status == 200
    either_method(token)
    with checks("L1 bare paths work: the token names the tenant"):
        assert gateway.get(f"/reseller/myavailable?api_token={token}").status == 200
    with checks("L1 an expired licence is known, not offered, and not assigned: 409"):
        listed = gateway.get(f"{ADMIN}/licences?limit=100&reseller={gateway.reseller('licences')['id']}", key=owner)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        gone = [row["key"] for row in listed.json["data"] if row["expiration"] < now]
        assert len(gone) == 2, listed
        assert not set(gone) & {row["key"] for row in call("myavailable", token).json["licenses"]}
        assert call("licenseinfo", token, license=gone[0]).json["info"]["is_expired"] is True
        refused(assign(token, gone[0], "1"), 409, "License has expired.")


def either_method(token):
    with checks("L1 what the document asks by GET is answered to POST alike, the token in the body or in the query"):
        body = {"api_token": token, "license": "ps-XXXX-XXXXXXX-XXX"}
        for place, sent in (("", body), (f"?api_token={token}", {"license": body["license"]})):
            listed = gateway.post(f"{BASE}/myavailable{place}", sent)
            assert (listed.status, listed.json) == (200, call("myavailable", token).json), listed
            info = gateway.post(f"{BASE}/licenseinfo{place}", sent)
            assert (info.status, info.json) == (200, call("licenseinfo", token, license=body["license"]).json), info
        assert gateway.post(f"{BASE}/myavailable?api_token={token}").status == 200
        refused(gateway.post(f"{BASE}/licenseinfo", {"api_token": token}), 422)
        refused(gateway.post(f"{BASE}/myavailable", {"license": "x"}), 401)
        refused(gateway.post(f"{BASE}/myavailable?api_token={token}", b"[]"), 400)
    with checks("L1 L3 G4 a licence is drawn by POST as by GET; with an Idempotency-Key a retry draws the same"):
        reseller, own = new_reseller()
        stocked = [key_name() for _ in range(3)]
        assert licences(reseller, stocked).status == 201
        again = {"Idempotency-Key": str(uuid.uuid4())}
        drawn = [gateway.post(f"{BASE}/fetchlicense", {"api_token": own}, headers=again) for _ in range(2)]
        # Where the token stands is no part of the call.
        drawn.append(gateway.post(f"{BASE}/fetchlicense?api_token={own}", headers=again))
        assert drawn[0].status == 200 and drawn[0].body == drawn[1].body == drawn[2].body, drawn
        others = [gateway.post(f"{BASE}/fetchlicense", {"api_token": own}).json["license"]["key"] for _ in range(2)]
        assert sorted([drawn[0].json["license"]["key"], *others]) == sorted(stocked), (drawn, others)
        refused(gateway.post(f"{BASE}/fetchlicense", {"api_token": own}), 404, "No licenses available.")


def errors():
    _, token = new_reseller()
    other, theirs = new_reseller()
    name = key_name()
    assert licences(other, [name]).status == 201
    with checks("L1 a missing, malformed, unknown or repeated token: 401, all alike"):
        answers = [
            gateway.get(f"{BASE}/myavailable"), call("myavailable", ""), call("myavailable", "x"),
            call("myavailable", token[:-1] + ("0" if token[-1] != "0" else "1")),
            gateway.get(f"{BASE}/myavailable?api_token={token}&api_token={token}"),
            gateway.post(f"{BASE}/assignlicense", {"license": "a", "discord_user_id": "1"}),
            gateway.post(f"{BASE}/assignlicense", {"api_token": 5, "license": "a", "discord_user_id": "1"}),
            gateway.post(f"{BASE}/assignlicense", b"[]"),
            gateway.get(f"{BASE}/myavailable", key=token),
            gateway.get(f"/t/hosting/reseller/myavailable?api_token={token}"),
            gateway.get(f"/t/nobody/reseller/myavailable?api_token={token}"),
        ]
        for answer in answers:
            refused(answer, 401)
        assert len({answer.json["message"] for answer in answers}) == 1
    with checks("L1 another dialect's key, and the owner's, are known and not allowed: 403"):
        refused(call("myavailable", owner), 403)
    with checks("L1 unknown licences and another reseller's are the same 404"):
        for answer in (call("licenseinfo", token, license="ps-none"), call("licenseinfo", token, license=name),
                       assign(token, "ps-none", "1"), assign(token, name, "1")):
            refused(answer, 404, "License not found.")
        assert call("licenseinfo", theirs, license=name).status == 200
    with checks("L1 nothing in stock: 404"):
        refused(call("fetchlicense", token), 404, "No licenses available.")
        assert call("myavailable", token).json == {"ok": True, "licenses": []}
    with checks("L1 missing and wrong fields: 422, in the envelope"):
        refused(call("licenseinfo", token), 422)
        refused(assign(token, name, 123456789012345678), 422)
        refused(assign(token, name, ""), 422)
        refused(assign(token, None, "1"), 422)
        refused(gateway.post(f"{BASE}/assignlicense", {"api_token": token}), 422)
    with checks("L1 a parameter that the call reads stands once: 400; of those that it does not read it knows nothing"):
        twice = f"license={name}&license={name}&api_token={token}"
        for answer in (
            gateway.get(f"{BASE}/licenseinfo?{twice}"), gateway.post(f"{BASE}/licenseinfo?{twice}"),
            gateway.post(f"{BASE}/assignlicense?{twice}", {"discord_user_id": "1"}),
        ):
            refused(answer, 400, "The query parameter license stands twice.")
        assert gateway.get(f"{BASE}/myavailable?{twice}").status == 200
    with checks("L1 unknown paths 404, other methods 405, bodies past 16 KiB 413, broken JSON 400"):
        refused(call("nothing", token), 404)
        answer = gateway.request("PUT", f"{BASE}/fetchlicense?api_token={token}", {})
        refused(answer, 405)
        assert set(answer.headers["allow"].split(", ")) == {"GET", "POST", "OPTIONS"}, answer.headers
        large = {"api_token": token, "license": "a" * 17_000, "discord_user_id": "1"}
        refused(gateway.post(f"{BASE}/assignlicense", large), 413)
        refused(gateway.post(f"{BASE}/assignlicense?api_token={token}", large), 413)
        refused(gateway.post(f"{BASE}/assignlicense?api_token={token}", b"{"), 400)
        for broken in (b"{", b"not json", b'{"api_token": "' + token.encode() + b'",}'):
            answer = gateway.post(f"{BASE}/assignlicense", broken)
            refused(answer, 400)
            assert "not valid JSON" in answer.json["message"], answer
        form = gateway.request("POST", f"{BASE}/assignlicense", f"api_token={token}".encode(), headers={
            "Content-Type": "application/x-www-form-urlencoded"})
        refused(form, 400, "The body is a form; this call takes JSON.")
        # curl says "form" of whatever it sends.
        broken = gateway.request("POST", f"{BASE}/assignlicense", b' {"api_token": "x",}', headers={
            "Content-Type": "application/x-www-form-urlencoded"})
        assert broken.status == 400 and "not valid JSON" in broken.json["message"], broken
    with checks("G3 a revoked token opens nothing after the answer"):
        made = gateway.post(f"{ADMIN}/api-keys", {"owner_email": "reseller@licences.example"}, key=owner)
        tokens.append(made.json["key"])
        assert call("myavailable", made.json["key"]).status == 200
        assert gateway.delete(f"{ADMIN}/api-keys/{made.json['id']}", key=owner).status == 200
        refused(call("myavailable", made.json["key"]), 401)


def holding():
    with checks("L3 a fetched licence is held against every other fetch, stays in the list, and can be assigned"):
        reseller, token = new_reseller()
        names = [key_name() for _ in range(3)]
        assert licences(reseller, names).status == 201
        drawn = [call("fetchlicense", token).json["license"]["key"] for _ in range(3)]
        assert sorted(drawn) == sorted(names), drawn
        refused(call("fetchlicense", token), 404, "No licenses available.")
        email = gateway.get(f"{ADMIN}/resellers/{reseller}", key=owner).json["email"]
        second = mint(email)
        refused(call("fetchlicense", second), 404, "No licenses available.")
        assert sorted(row["key"] for row in call("myavailable", token).json["licenses"]) == sorted(names)
        assert assign(second, drawn[0], "77").status == 200
        assert len(call("myavailable", token).json["licenses"]) == 2
        shown = gateway.get(f"{ADMIN}/licences?key={drawn[1]}", key=owner).json["data"][0]
        assert shown["held_until"] is not None and shown["assigned_at"] is None, shown
    with checks("L3 picks are at random: first picks of 2 licences are not all the same"):
        firsts = set()
        for _ in range(40):
            reseller, token = new_reseller() if not firsts else (reseller, token)
            names = [key_name() for _ in range(2)]
            assert licences(reseller, names).status == 201
            first = call("fetchlicense", token).json["license"]["key"]
            firsts.add(names.index(first))
            for name in names:
                assert assign(token, name, "1").status == 200
            if len(firsts) == 2:
                break
        assert firsts == {0, 1}
    with checks("L3 N callers for the last licence: one gets it; N callers for 10: each a different one"):
        reseller, token = new_reseller()
        assert licences(reseller, [key_name()]).status == 201
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: call("fetchlicense", token), range(32)))
        assert sorted(answer.status for answer in answers) == [200] + [404] * 31
        assert licences(reseller, [key_name() for _ in range(10)]).status == 201
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: call("fetchlicense", token), range(40)))
        drawn = [answer.json["license"]["key"] for answer in answers if answer.status == 200]
        assert len(drawn) == 10 and len(set(drawn)) == 10, drawn
    with checks("L4 N callers assign one licence to N users: one succeeds"):
        reseller, token = new_reseller()
        name = key_name()
        assert licences(reseller, [name]).status == 201
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda user: assign(token, name, str(user)), range(32)))
        assert sorted(answer.status for answer in answers) == [200] + [409] * 31
        winner = [user for user, answer in enumerate(answers) if answer.status == 200]
        shown = gateway.get(f"{ADMIN}/licences?key={name}", key=owner).json["data"][0]
        assert shown["discord_user_id"] == str(winner[0]), shown
    with checks("G4 an assignment with an Idempotency-Key gives the same bytes again, whatever token carries it"):
        name = key_name()
        assert licences(reseller, [name]).status == 201
        email = gateway.get(f"{ADMIN}/resellers/{reseller}", key=owner).json["email"]
        header = {"Idempotency-Key": "assign-1"}
        first = assign(token, name, "5", headers=header)
        again = assign(mint(email), name, "5", headers=header)
        assert again.status == 200 and again.body == first.body, again
        assert again.headers["idempotency-hit"] == "true", again.headers
        refused(assign(token, name, "6", headers=header), 422)


def limits():
    with checks("L5 100 requests a minute per key, then 429 with the document's body"):
        token = mint("second@licences.example")
        statuses = []
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: call("licenseinfo", token, license="ps-none"), range(140)))
        statuses = [answer.status for answer in answers]
        passed = statuses.count(404)
        # The bucket refills while the calls are made.
        assert 100 <= passed <= 130 and statuses.count(429) == 140 - passed, (passed, set(statuses))
        limited = next(answer for answer in answers if answer.status == 429)
        assert limited.body == b'{"ok":false,"message":"' + LIMIT_TEXT.encode() + b'"}', limited
        assert int(limited.headers["retry-after"]) >= 1 and limited.headers["x-ratelimit-limit"] == "100"
        assert limited.headers["ratelimit-policy"].startswith('"key";q=100;w=60'), limited.headers
        # In the body as in the query; another key of the same reseller is not touched.
        def available():
            return gateway.request("GET", f"{BASE}/myavailable", {"api_token": token})

        refused(wait_until(lambda: (answer := available()).status == 429 and answer), 429, LIMIT_TEXT)
        assert call("myavailable", mint("second@licences.example")).status == 200
    with checks("O2 a limit that the owner gives takes its place"):
        token = mint("second@licences.example", limit={"requests": 2, "window_seconds": 3600})
        assert [call("myavailable", token).status for _ in range(3)] == [200, 200, 429]


def test_book():
    with checks("X7 a test token works on stock of its own, and shows nothing of the live one"):
        token = mint(mode="test")
        assert token.startswith("lic_test_")
        listed = call("myavailable", token).json["licenses"]
        assert len(listed) == 5, listed
        assert assign(token, listed[0]["key"], "1").status == 200
        live = gateway.reseller("licences")["key"]
        refused(call("licenseinfo", live, license=listed[0]["key"]), 404)
        name = key_name()
        reseller = gateway.reseller("licences")["id"]
        assert licences(reseller, [name], query="?mode=test").status == 201
        assert call("licenseinfo", token, license=name).status == 200
        refused(call("licenseinfo", live, license=name), 404)
        # The same key in the other book is another licence.
        assert licences(reseller, [name]).status == 201


def imports():
    first, second = gateway.reseller("licences", 0), gateway.reseller("licences", 1)

    def count():
        return len(gateway.get(f"{ADMIN}/licences?key={probe}", key=owner).json["data"])

    def problems(answer):
        assert answer.status == 422, answer
        assert answer.headers["content-type"] == "application/problem+json"
        return [(error["pointer"], error["code"]) for error in answer.json["errors"]]

    with checks("O9 an import needs an Idempotency-Key: 400; a reseller's key: 403"):
        assert gateway.post(f"{ADMIN}/licences", {}, key=owner).status == 400
        assert stock({}, key=first["key"]).status == 403
    with checks("O9 one licence, many, and CSV by public id or e-mail address"):
        one = {"reseller": first["id"], "product": "lifetime", "key": key_name(), "expiration": "2098-06-01"}
        answer = stock(one)
        assert answer.status == 201 and answer.json == {"ok": True, "imported": 1, "expired": 0}, answer
        shown = gateway.get(f"{ADMIN}/licences?key={one['key']}", key=owner).json
        assert list(shown) == ["data", "has_more", "next_cursor"], shown
        assert shown["data"][0]["expiration"] == "2098-06-01T00:00:00.000Z", shown
        assert shown["data"][0]["reseller"] == first["id"], shown
        text = "key,reseller,product,expiration\r\n"
        names = [key_name() for _ in range(1200)]
        for name in names:
            text += f"{name},{second['email'] if name < 'ps-8' else second['id']},lifetime,2098-06-01T00:00:00Z\r\n"
        answer = stock(text.encode(), headers={"Content-Type": "text/csv"})
        assert answer.json == {"ok": True, "imported": 1200, "expired": 0}, answer
        # More than a page: the whole list comes all the same.
        listed = call("myavailable", second["key"])
        assert set(names) <= {row["key"] for row in listed.json["licenses"]}
        assert len(listed.json["licenses"]) == len({row["key"] for row in listed.json["licenses"]}) >= 1212
    with checks("O9 the same call again is answered as before, and takes nothing twice"):
        name = key_name()
        header = {"Idempotency-Key": f"import-{name}"}
        body = {"licences": [{"reseller": first["id"], "product": "lifetime", "key": name, "expiration": "2098-01-01"}]}
        made, again = stock(body, headers=header), stock(body, headers=header)
        assert made.status == again.status == 201 and made.body == again.body, again
        assert again.headers["idempotency-hit"] == "true"
        body["licences"][0]["key"] = key_name()
        assert stock(body, headers=header).json["code"] == "idempotency_key_reused"
    with checks("O9 duplicates are reported, in the file and with the stock, and nothing is half-imported"):
        known, probe = key_name(), key_name()
        assert licences(first["id"], [known]).status == 201
        answer = licences(second["id"], [probe, known, probe])
        assert problems(answer) == [("/licences/1/key", "duplicate"), ("/licences/2/key", "duplicate")], answer
        assert count() == 0
        text = f"reseller,product,key,expiration\n{first['id']},lifetime,{probe},2098-01-01\n"
        text += f"{first['id']},lifetime,{known},2098-01-01\n"
        answer = stock(text.encode(), headers={"Content-Type": "text/csv; charset=utf-8"})
        assert problems(answer) == [("/line/3/key", "duplicate")], answer
        assert count() == 0
    with checks("O9 every fault with its place: unknown names, missing and wrong fields, headers"):
        rows = [
            {"reseller": "res_none", "product": "none", "key": key_name(), "expiration": "2098-01-01"},
            {"reseller": first["id"], "product": "lifetime", "key": key_name()},
            {"reseller": first["id"], "product": "lifetime", "key": 5, "expiration": "soon"}, "text",
            {"reseller": first["id"], "product": "lifetime", "key": probe, "expiration": "2098-01-01"},
        ]
        assert problems(stock({"licences": rows})) == [
            ("/licences/0/reseller", "unknown"), ("/licences/0/product", "unknown"),
            ("/licences/1/expiration", "required"), ("/licences/2/key", "type"),
            ("/licences/2/expiration", "format"), ("/licences/3", "type")]
        assert count() == 0
        csv = {"Content-Type": "text/csv"}
        assert problems(stock(b"reseller,product,key,when\n", headers=csv)) == [
            ("/line/1/when", "unknown_column"), ("/line/1/expiration", "required")]
        assert problems(stock(b"", headers=csv)) == [("/line/1", "required")]
        assert problems(stock(b"reseller,product,key,expiration\n", headers=csv)) == [("", "required")]
        assert problems(stock(b"reseller,product,key,expiration\na,b\n", headers=csv)) == [("/line/2", "count")]
        assert problems(stock({"licences": []})) == [("/licences", "type")]
        assert problems(stock({**rows[0], "expiration": "soon", "more": 1})) == [
            ("/expiration", "format"), ("/more", "unknown")], "the body is the licence"
        assert problems(stock(rows[0])) == [("/reseller", "unknown"), ("/product", "unknown")]
        assert problems(stock(rows[:1])) == [("", "type")]
        assert stock(b"{").status == 400
    with checks("O9 a file that is not sent as CSV is told how CSV is sent"):
        for kind in ("application/x-www-form-urlencoded", "application/octet-stream", "application/json"):
            answer = stock(b"reseller,product,key,expiration\n", headers={"Content-Type": kind})
            assert answer.status == 400 and "Content-Type: text/csv" in answer.json["detail"], (kind, answer)
    with checks("O9 the list pages, by reseller"):
        seen, cursor = [], ""
        while cursor is not None:
            query = f"?limit=100&reseller={second['id']}" + (f"&cursor={cursor}" if cursor else "")
            page = gateway.get(f"{ADMIN}/licences{query}", key=owner).json
            seen += [row["key"] for row in page["data"]]
            cursor = page["next_cursor"]
        assert len(seen) == len(set(seen)) == 1212, len(seen)
        assert gateway.get(f"{ADMIN}/licences?reseller=res_none", key=owner).status == 404


def durability():
    with checks("G8 a licence that was assigned or held is so after kill -9"):
        reseller, token = new_reseller()
        names = [key_name() for _ in range(2)]
        assert licences(reseller, names).status == 201
        held = call("fetchlicense", token).json["license"]["key"]
        assert assign(token, held, "1").status == 200
        assert call("fetchlicense", token).status == 200
        gateway.process.kill()
        logs.append(gateway.pending + gateway.process.communicate()[0])
        logs.append(gateway.errors().encode())
        gateway.start()
        refused(call("fetchlicense", token), 404, "No licenses available.")
        refused(assign(token, held, "2"), 409)
        assert assign(token, held, "1").status == 200
    with checks("G5 the file verifies, with its licences vouched for"):
        path = os.path.join(gateway.data, "licences-export.sqlite")
        result = gateway.command("tenant", "export", "licences", "--output", path)
        assert result.returncode == 0, result
        result = command(gateway.tollgate, "verify", path)
        assert result.returncode == 0 and "sound" in result.stdout, (result.stdout, result.stderr)


def secrecy():
    with checks("L1 the token is in no log, audit row, page or file"):
        assert gateway.stop() == 0
        found = []
        texts = [("log", text) for text in logs + ["\n".join(gateway.output).encode(), gateway.errors().encode()]]
        for path in glob.glob(os.path.join(gateway.data, "**", "*"), recursive=True):
            # What the demo gives away is there to be given away.
            if os.path.isfile(path) and os.path.basename(path) != "demo.json":
                with open(path, "rb") as file:
                    texts.append((path, file.read()))
        assert b"/reseller/myavailable" in logs[0], "no request log"
        for name, text in texts:
            found += [(name, token[:12]) for token in tokens if token.encode() in text]
            found += [(name, "api_token")] if b"api_token=" in text else []
        assert not found, found


with Gateway(options.tollgate, "--log-requests") as gateway:
    owner = gateway.tenant("licences")["owner_key"]
    tokens += [gateway.reseller("licences", number)["key"] for number in (0, 1)]
    seed()
    errors()
    holding()
    limits()
    test_book()
    imports()
    durability()
    secrecy()
checks.finish()
