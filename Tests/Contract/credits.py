"""C1–C4, O8, O11: the product document's calls and answers, field by field, and the operator's reconciliation."""

import concurrent.futures
import json
import os
import re
import uuid

from shop import Shop
from support import Checks, Gateway, arguments, command

options = arguments()
checks = Checks()
BASE = "/t/panel/api/v1/reseller"
ADMIN = "/t/panel/api/admin"


def refused(answer, status, error=None):
    """Every error has the dialect's envelope."""
    assert answer.status == status, answer
    assert set(answer.json) == {"ok", "error"} and answer.json["ok"] is False, answer
    assert isinstance(answer.json["error"], str) and answer.json["error"], answer
    assert answer.headers["content-type"] == "application/json", answer.headers
    if error is not None:
        assert answer.json["error"] == error, answer


def mint(email="reseller@panel.example", **more):
    answer = gateway.post(f"{ADMIN}/api-keys", {"owner_email": email, **more}, key=owner)
    assert answer.status == 201, answer
    return answer.json


def ref():
    return f"txn_{uuid.uuid4().hex}"


def credit(key, external_ref, amount="25.00", kind="topup", meta=None, headers=None, base=BASE):
    """`amount` as its text, so that no float stands between."""
    body = '{"kind": %s, "amount_usd": %s, "external_ref": %s' % (json.dumps(kind), amount, json.dumps(external_ref))
    body += "" if meta is None else ', "meta": ' + json.dumps(meta)
    return gateway.post(f"{base}/credit", (body + "}").encode(), key=key, headers=headers)


def signup(key, email, password="at-least-8-chars", name="Customer Name"):
    return gateway.post(f"{BASE}/signup", {"email": email, "name": name, "password": password}, key=key)


def email():
    return f"{uuid.uuid4().hex[:12]}@example.com"


def admin(path, **options):
    answer = gateway.get(f"{ADMIN}/{path}", key=owner, **options)
    assert answer.status == 200, answer
    return answer.json


def new_reseller():
    address = f"{uuid.uuid4().hex[:12]}@panel.example"
    made = gateway.post(f"{ADMIN}/resellers", {"email": address, "name": "Panel"}, key=owner)
    assert made.status == 201, made
    assert gateway.post(f"{ADMIN}/resellers/{made.json['id']}/approve", key=owner).status == 200
    return made.json["id"], mint(address)


def seed():
    with checks("O1 the owner mints a key with the document's body; it looks as documented"):
        body = {"scopes": ["reseller:signup", "reseller:credit"], "owner_email": "reseller@panel.example"}
        answer = gateway.post(f"{ADMIN}/api-keys", body, key=owner)
        assert answer.status == 201 and answer.json["ok"] is True, answer
        key = answer.json["key"]
        assert re.fullmatch(r"vfc_live_[0-9A-Za-z]{28,}", key), "not the documented form"
        assert answer.json["scopes"] == ["reseller:signup", "reseller:credit"]
        key_id = answer.json["id"]
    with checks("C2 POST /signup answers as documented"):
        answer = signup(key, "customer@example.com")
        assert answer.status == 200, answer
        assert set(answer.json) == {"ok", "id", "email"} and answer.json["ok"] is True
        assert type(answer.json["id"]) is int and answer.json["email"] == "customer@example.com"
    with checks("C2 a known email is 409, in whatever case it comes; so is an account's"):
        refused(signup(key, "customer@example.com"), 409)
        refused(signup(key, "Customer@EXAMPLE.com"), 409)
        refused(signup(key, "reseller@panel.example"), 409)
        refused(signup(gateway.reseller("panel", 1)["key"], "customer@example.com"), 409)
    with checks("C3 POST /credit answers as documented, the same again is a duplicate"):
        body = {"kind": "topup", "amount_usd": 25.00, "external_ref": "txn_abc123",
                "meta": {"downstream_user": "customer@example.com"}}
        answer = gateway.post(f"{BASE}/credit", body, key=key)
        assert answer.status == 200 and set(answer.json) == {"ok", "id"} and answer.json["ok"] is True, answer
        assert re.fullmatch(r"ev_[0-9a-z]{26}", answer.json["id"]), answer
        again = gateway.post(f"{BASE}/credit", body, key=key)
        assert again.status == 200 and again.json == {"ok": True, "duplicate": True}, again
    with checks("O11 users by the key that signed them up"):
        data = admin(f"users?signed_up_via={key_id}")["data"]
        assert [(user["email"], user["signed_up_via"]) for user in data] == [("customer@example.com", key_id)], data
        assert set(data[0]) == {"id", "email", "name", "reseller", "signed_up_via", "created_at"}
        assert len(admin("users")["data"]) == 3
        assert gateway.get(f"{ADMIN}/users?signed_up_via=key_none", key=owner).status == 404
    with checks("C3 every kind is taken; bare paths and reading one's own event work"):
        for kind in ("topup", "purchase", "renewal"):
            assert credit(key, ref(), kind=kind).status == 200
        made = gateway.post("/api/v1/reseller/credit", {"kind": "topup", "amount_usd": 1, "external_ref": ref()}, key=key)
        shown = gateway.get(f"{BASE}/credit/{made.json['id']}", key=key)
        assert b'"amount_usd":1.00' in shown.body and shown.json["event"]["meta"] is None, shown
        refused(gateway.get(f"{BASE}/credit/{made.json['id']}", key=gateway.reseller("panel", 1)["key"]), 404)


def errors():
    key = mint()["key"]
    with checks("C1 a missing, malformed, unknown or revoked key: 401, all alike"):
        dead = mint()
        assert gateway.delete(f"{ADMIN}/api-keys/{dead['id']}", key=owner).status == 200
        answers = [credit(None, ref()), credit("x", ref()), credit(dead["key"], ref()),
                   gateway.post("/t/hosting/api/v1/reseller/credit", {}, key=key)]
        for answer in answers:
            refused(answer, 401)
        assert len({answer.json["error"] for answer in answers}) == 1
    with checks("C1 a key without the scope: 403; the owner's: 403"):
        refused(credit(mint(scopes=["reseller:signup"])["key"], ref()), 403)
        refused(signup(mint(scopes=["reseller:credit"])["key"], email()), 403)
        refused(credit(owner, ref()), 403)
    with checks("C1 C2 C3 a session signs nobody up and reports nothing: 403, and the reference is still the key's"):
        address, name = email(), ref()
        person = gateway.reseller("panel")
        signed_in = gateway.post(f"{BASE}/session", {"email": person["email"], "password": person["password"]})
        assert signed_in.status == 200, signed_in
        token = signed_in.json["token"]
        refused(credit(token, name), 403)
        refused(signup(token, address), 403)
        assert "id" in credit(key, name).json and credit(key, name).json == {"ok": True, "duplicate": True}
        assert signup(key, address).status == 200
    with checks("C1 a reseller's key mints nothing"):
        body = {"scopes": ["reseller:credit"], "owner_email": "reseller@panel.example"}
        assert gateway.post(f"{ADMIN}/api-keys", body, key=key).status == 403
    fields(key)


def fields(key):
    with checks("C2 missing and wrong fields, a short password: 422"):
        for body in ({}, [], {"email": "no", "name": "N", "password": "12345678"},
                     {"email": email(), "name": "N", "password": "1234567"},
                     {"email": email(), "name": "", "password": "12345678"},
                     {"email": email(), "name": 5, "password": "12345678"},
                     {"email": email(), "name": "N", "password": 12345678}):
            refused(gateway.post(f"{BASE}/signup", body, key=key), 422)
        refused(gateway.post(f"{BASE}/signup", b"{", key=key), 400)
        refused(gateway.post(f"{BASE}/signup", b"", key=key), 400)
    with checks("C3 an amount is an exact JSON number above zero"):
        for amount in ("0", "-1", '"25.00"', "0.0000001", "1e30", "1e2", "1E0", "true", "null", "1000000000.01"):
            refused(credit(key, ref(), amount), 422)
        for amount in ("0.000001", "1000000000", "25", "19.990000000"):
            assert credit(key, ref(), amount).status == 200, amount
    with checks("C3 a number that a program computed is what it was meant to be; as text, or further off: 422"):
        for amount, meant in (
                ("0.30000000000000004", "0.30"), ("0.7999999999999999", "0.80"), (repr(1.1 + 2.2), "3.30"),
                ("0.0000010000000001", "0.000001"), ("19.99000000099", "19.99")):
            name = ref()
            made = credit(key, name, amount)
            assert made.status == 200, (amount, made)
            shown = gateway.get(f"{BASE}/credit/{made.json['id']}", key=key)
            assert f'"amount_usd":{meant},'.encode() in shown.body, shown
            assert credit(key, name, meant).json == {"ok": True, "duplicate": True}
        for amount in ('"0.30000000000000004"', "0.3000000010000001", "0.300000001", "0.299999999", "0.0000000000001",
                       "0.9999999989999", "1000000000.0000000001e0"):
            refused(credit(key, ref(), amount), 422)
    with checks("C3 other kinds, references and metas: 422"):
        refused(credit(key, ref(), kind="refund"), 422)
        refused(credit(key, ""), 422)
        refused(credit(key, "x" * 256), 422)
        refused(credit(key, ref(), meta=[1]), 422)
        refused(credit(key, ref(), meta={"text": "x" * 5_000}), 422)
        refused(gateway.post(f"{BASE}/credit", {"kind": "topup"}, key=key), 422)
    with checks("C4 no call changes or deletes an event: 405"):
        event = credit(key, ref()).json["id"]
        for path in ("credit", f"credit/{event}"):
            for method in ("PUT", "PATCH", "DELETE"):
                answer = gateway.request(method, f"{BASE}/{path}", {}, key=key)
                refused(answer, 405)
                assert answer.headers["allow"] in ("POST, OPTIONS", "GET, HEAD, OPTIONS"), answer.headers
        for path in ("credit-events", f"credit-events/{event}"):
            for method in ("PUT", "PATCH", "DELETE", "POST"):
                assert gateway.request(method, f"{ADMIN}/{path}", {}, key=owner).status == 405
        refused(gateway.get(f"{BASE}/nothing", key=key), 404)
    with checks("W1 a suspended reseller: 403, in the envelope"):
        reseller, made = new_reseller()
        assert gateway.post(f"{ADMIN}/resellers/{reseller}/suspend", key=owner).status == 200
        refused(credit(made["key"], ref()), 403)


def deduplication():
    with checks("C3 the same reference from N callers is one event"):
        key, same = mint()["key"], ref()
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: credit(key, same), range(32)))
        assert all(answer.status == 200 for answer in answers)
        assert sum("id" in answer.json for answer in answers) == 1
        assert sum(answer.json.get("duplicate") is True for answer in answers) == 31
    with checks("C2 N callers sign one address up, in every case it can be written: one user"):
        address = email()
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(
                lambda number: signup(key, address.upper() if number % 2 else address), range(32)))
        assert sorted(answer.status for answer in answers) == [200] + [409] * 31, answers
    with checks("C3 another key, and the test book, have references of their own"):
        assert "id" in credit(mint()["key"], same).json
        test = mint(mode="test")["key"]
        assert test.startswith("vfc_test_") and "id" in credit(test, same).json
        assert credit(test, same).json == {"ok": True, "duplicate": True}
    with checks("C3 a rotated key keeps its references"):
        made, same = mint(), ref()
        assert "id" in credit(made["key"], same).json
        rotated = gateway.post(f"{ADMIN}/api-keys/{made['id']}/rotate", {}, key=owner).json["key"]
        assert credit(rotated, same).json == {"ok": True, "duplicate": True}
    with checks("C3 a repeat that differs is a duplicate, is recorded once, and opens a review"):
        reseller, made = new_reseller()
        same = ref()
        event = credit(made["key"], same, "25.00", meta={"a": 1, "b": 2}).json["id"]
        # The same content in another order is the same.
        assert credit(made["key"], same, "25.0", meta={"b": 2, "a": 1}).json["duplicate"] is True
        assert admin(f"reviews?reseller={reseller}")["data"] == []
        for amount in ("26.00", "26.00", "27.00"):
            assert credit(made["key"], same, amount, meta={"a": 1, "b": 2}).json == {"ok": True, "duplicate": True}
        shown = admin(f"credit-events/{event}")
        assert shown["amount"] == "25.00", shown
        assert [difference["amount"] for difference in shown["differences"]] == ["26.00", "27.00"], shown
        reviews = admin(f"reviews?reseller={reseller}&status=open")["data"]
        assert [(review["cause"], review["subject"]) for review in reviews] == [("credit_difference", event)], reviews
    with checks("O8 an operator closes a review with a note, once"):
        path = f"{ADMIN}/reviews/{reviews[0]['id']}/close"
        assert gateway.post(path, {}, key=owner).status == 422
        closed = gateway.post(path, {"note": "Typing error, agreed by mail."}, key=owner)
        assert closed.status == 200 and closed.json["status"] == "closed", closed
        assert closed.json["closed_by"] == gateway.tenant("panel")["owner_login"]["email"]
        assert gateway.post(path, {"note": "again"}, key=owner).json["code"] == "review_closed"
        assert gateway.post(f"{ADMIN}/reviews/rev_none/close", {"note": "x"}, key=owner).status == 404
        assert admin(f"reviews?reseller={reseller}&status=open")["data"] == []
        assert credit(made["key"], same, "28.00").status == 200
        assert len(admin(f"reviews?reseller={reseller}&status=open")["data"]) == 1
    with checks("O8 the list of events pages, newest first, and is filtered"):
        for _ in range(5):
            assert credit(made["key"], ref()).status == 200
        page = admin(f"credit-events?reseller={reseller}&limit=4")
        rest = admin(f"credit-events?reseller={reseller}&limit=4&cursor={page['next_cursor']}")
        seen = [event["id"] for event in page["data"] + rest["data"]]
        assert len(seen) == len(set(seen)) == 6 and seen[-1] == event and rest["has_more"] is False
        found = admin(f"credit-events?reseller={reseller}&external_ref={same}")["data"]
        assert [(row["id"], row["key"]) for row in found] == [(event, made["id"])], found


def reconciliation():
    reseller, made = new_reseller()
    other = mint(admin(f"resellers/{reseller}")["email"])["key"]
    shared = ref()
    events = {name: credit(made["key"], name, amount, kind).json["id"] for name, amount, kind in (
        ("r1", "25.00", "topup"), ("r2", "5.00", "purchase"), ("r3", "7.50", "renewal"), ("r4", "1.00", "topup"),
        (shared, "2.00", "topup"))}
    assert "id" in credit(other, shared, "2.00").json

    def post(body, content_type, query="", headers=None):
        return gateway.post(
            f"{ADMIN}/reconciliations?reseller={reseller}{query}", body.encode(), key=owner,
            headers={"Content-Type": content_type, **(headers or {})})

    lines = [("r1", "topup", "25.00"), ("r2", "purchase", "6.00"), ("r4", "topup", "1"), (shared, "topup", "2.00"),
             (shared, "topup", "2.00"), ("r9", "topup", "3.00")]
    csv = "at,amount,external_ref,kind,comment\r\n" + "".join(
        f"2026-05-01T10:00:00Z,{amount},{name},{kind},\"mine, all\"\r\n" for name, kind, amount in lines)
    with checks("O8 a ledger as CSV: matched, missing here, missing there, differing, with totals; a review opens"):
        answer = post(csv, "text/csv", headers={"Idempotency-Key": "rec-1"})
        assert answer.status == 201, answer
        report = answer.json
        assert report["lines"] == 6 and report["agrees"] is False and report["currency"] == "USD", report
        assert report["matched"] == {"count": 4, "amount": "30.00"}, report
        assert report["missing_here"]["count"] == 1 and report["missing_here"]["amount"] == "3.00", report
        assert report["missing_here"]["items"] == [{
            "line": 7, "external_ref": "r9", "kind": "topup", "amount": "3.00", "at": "2026-05-01T10:00:00.000Z"}]
        there = report["missing_there"]
        assert (there["count"], there["amount"], there["items"][0]["event"]) == (1, "7.50", events["r3"]), report
        differing = report["differing"]
        assert (differing["count"], differing["amount_here"], differing["amount_there"]) == (1, "5.00", "6.00"), report
        assert differing["items"][0]["here"]["event"] == events["r2"]
        assert differing["items"][0]["there"]["line"] == 3
        review = admin(f"reviews/{report['review']}")
        assert (review["cause"], review["subject"], review["status"]) == ("reconciliation", report["id"], "open")
    with checks("G4 the same again with the key: the same bytes, one reconciliation"):
        again = post(csv, "text/csv", headers={"Idempotency-Key": "rec-1"})
        assert again.body == answer.body and again.headers["idempotency-hit"] == "true"
        assert len(admin(f"reconciliations?reseller={reseller}")["data"]) == 1
        assert admin(f"reconciliations/{report['id']}") == report
    with checks("O8 as JSON Lines, agreeing: no review"):
        whole = [("r1", "topup", 25), ("r2", "purchase", "5.00"), ("r3", "renewal", 7.5), ("r4", "topup", 1),
                 (shared, "topup", 2), (shared, "topup", 2)]
        text = "\n".join(
            json.dumps({"external_ref": name, "kind": kind, "amount": amount, "at": "2026-05-01"})
            for name, kind, amount in whole) + "\n\n"
        answer = post(text, "application/jsonl")
        assert answer.status == 201 and answer.json["agrees"] is True and answer.json["review"] is None, answer
        assert answer.json["matched"] == {"count": 6, "amount": "42.50"}, answer
    with checks("O8 C3 a sum as a program writes it is the amount that it is meant to be, as in a report"):
        summing, made_there = new_reseller()
        for name, amount in (("s1", "0.30000000000000004"), ("s2", repr(1.1 + 2.2))):
            assert credit(made_there["key"], name, amount).status == 200
        rows = [("s1", 0.1 + 0.2), ("s2", 1.1 + 2.2)]
        text = "".join(
            json.dumps({"external_ref": name, "kind": "topup", "amount": amount, "at": "2026-05-01"}) + "\n"
            for name, amount in rows)
        table = "external_ref,kind,amount,at\n"
        table += "".join(f"{name},topup,{amount},2026-05-01\n" for name, amount in rows)
        for body, kind in ((text, "application/jsonl"), (table, "text/csv")):
            answer = gateway.post(
                f"{ADMIN}/reconciliations?reseller={summing}", body.encode(), key=owner, headers={"Content-Type": kind})
            assert answer.status == 201 and answer.json["agrees"] is True, (kind, answer)
            assert answer.json["matched"] == {"count": 2, "amount": "3.60"}, (kind, answer)
    with checks("O8 events outside the ledger's time are not missed in it"):
        answer = post("external_ref,kind,amount,at\n", "text/csv", "&from=2020-01-01&to=2021-01-01")
        assert answer.json["missing_there"]["count"] == 0 and answer.json["agrees"] is True, answer
        answer = post("external_ref,kind,amount,at\n", "text/csv", "&from=2020-01-01")
        assert answer.json["missing_there"] ["count"] == 6, answer
    with checks("O8 every fault with its line, nothing recorded"):
        before = len(admin(f"reconciliations?reseller={reseller}")["data"])
        answer = post("external_ref,kind,amount,at\na,topup,x,2026-01-01\n,topup,1,soon\n", "text/csv")
        assert [(error["pointer"], error["code"]) for error in answer.json["errors"]] == [
            ("/line/2/amount", "format"), ("/line/3/external_ref", "required"), ("/line/3/at", "format")], answer
        answer = post('{"external_ref":"a"}\nnothing\n', "application/x-ndjson")
        assert [error["pointer"] for error in answer.json["errors"]] == [
            "/line/1/kind", "/line/1/amount", "/line/1/at", "/line/2"], answer
        answer = post("external_ref,kind,at,amount\na,topup,2026-01-01,25,50\n", "text/csv")
        assert [(error["pointer"], error["code"]) for error in answer.json["errors"]] == [("/line/2", "count")], \
            f"cents behind a comma are no column of their own: {answer}"
        assert post("external_ref,kind\n", "text/csv").status == 422
        assert post("", "text/csv").status == 422
        assert gateway.post(f"{ADMIN}/reconciliations", b"", key=owner).status == 422
        assert gateway.post(f"{ADMIN}/reconciliations?reseller=res_none", csv.encode(), key=owner).status == 404
        assert gateway.post(f"{ADMIN}/reconciliations?reseller={reseller}", b"", key=made["key"]).status == 403
        assert len(admin(f"reconciliations?reseller={reseller}")["data"]) == before
    with checks("O8 a long ledger, more than a page of events on either side"):
        reseller2, other2 = new_reseller()
        globals_reseller = reseller2
        reported = [f"e{number:05}" for number in range(1200)]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(lambda name: credit(other2["key"], name, "0.01").status, reported[:900]))
        assert set(statuses) == {200}, set(statuses)
        text = "external_ref,kind,amount,at\n" + "".join(
            f"e{number:05},topup,0.01,2026-05-01\n" for number in reversed(range(100, 50_000)))
        answer = gateway.post(
            f"{ADMIN}/reconciliations?reseller={globals_reseller}", text.encode(), key=owner,
            headers={"Content-Type": "text/csv"})
        report = answer.json
        assert report["matched"] == {"count": 800, "amount": "8.00"}, report["matched"]
        assert report["missing_there"]["count"] == 100 and report["missing_here"]["count"] == 49_100
        assert report["missing_here"]["amount"] == "491.00" and len(report["missing_here"]["items"]) == 200


def currencies():
    for code in ("EUR", "JPY", "KWD"):
        with checks(f"C3 O8 in a tenant of {code} too, what is reported and compared is US dollars"):
            shop = Shop(gateway, blueprint="panel", currency=code)
            reseller = shop.reseller()
            event = credit(reseller["key"], "r1", "12.50", base=shop.base + "/api/v1/reseller").json["id"]
            told = gateway.get(f"{shop.base}/api/v1/reseller/credit/{event}", key=reseller["key"])
            assert b'"amount_usd":12.50' in told.body, told
            for path in ("/credit-events", f"/credit-events/{event}"):
                shown = shop.admin("GET", path).json
                row = shown["data"][0] if "data" in shown else shown
                assert (row["amount"], row["currency"]) == ("12.50", "USD"), shown
            csv = "external_ref,kind,amount,at\nr1,topup,12.5,2026-05-01T10:00:00Z\nr2,topup,3,2026-05-01T10:00:00Z\n"
            report = shop.admin("POST", f"/reconciliations?reseller={reseller['id']}", csv.encode(), headers={
                "Content-Type": "text/csv"}).json
            assert report["currency"] == "USD" and report["matched"]["amount"] == "12.50", report
            assert report["missing_here"]["items"][0]["amount"] == "3.00", report
            assert shop.admin("GET", f"/reconciliations/{report['id']}").json == report


def durability():
    with checks("G8 events and users that were acknowledged are there after kill -9, and the file verifies"):
        key, same, address = mint()["key"], ref(), email()
        event, user = credit(key, same).json["id"], signup(key, address).json["id"]
        gateway.kill()
        gateway.start()
        assert credit(key, same).json == {"ok": True, "duplicate": True}
        assert admin(f"credit-events/{event}")["external_ref"] == same
        refused(signup(key, address), 409)
        assert user > 0
        path = os.path.join(gateway.data, "panel-export.sqlite")
        result = gateway.command("tenant", "export", "panel", "--output", path)
        assert result.returncode == 0, result
        result = command(gateway.tollgate, "verify", path)
        assert result.returncode == 0 and "sound" in result.stdout, (result.stdout, result.stderr)
    with checks("C2 a password is kept as scrypt alone"):
        with open(path, "rb") as file:
            text = file.read()
        assert b"at-least-8-chars" not in text and b"$scrypt$" in text


with Gateway(options.tollgate) as gateway:
    owner = gateway.tenant("panel")["owner_key"]
    seed()
    errors()
    deduplication()
    reconciliation()
    currencies()
    durability()
checks.finish()
