#!/usr/bin/env python3
"""A reseller's life (W1, W8, W11, O1, O3): four states, every operation of the reseller's, by key and by
session; who may do what when, and from which moment on."""

import re
import time

from pagewire import Browser
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, wait_until

UNKNOWN = "unknown_key"


def operations(shop, sku):
    """Every call that a reseller's key or session opens: name → (method, path, body, signed)."""
    order = shop.order_body(sku)
    return {
        "products": ("GET", "/products", None),
        "orders": ("GET", "/orders", None),
        "services": ("GET", "/services", None),
        "customers": ("GET", "/customers", None),
        "balance": ("GET", "/balance", None),
        "quote": ("POST", "/orders/quote", order),
        "webhook": ("PUT", "/webhook", {"url": "https://shop.example/hook", "events": ["order.created"]}),
    }


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate) as gateway:
        shop = Shop(gateway, password=PASSWORD)
        states(checks, shop)
        moves(checks, shop)
        access(checks, shop)
        application(checks, shop)
        own_keys(checks, shop)
        operators_keys(checks, shop)
        demo(checks, gateway)
    checks.finish()


def prepared(shop):
    sku = shop.product()
    reseller = shop.reseller(balance="100.00")
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    assert shop.order(reseller, sku).status == 201
    reseller["session"] = shop.sign_in(reseller)
    return reseller, sku


def states(checks, shop):
    with checks("W1 active: every operation, by key and by session"):
        reseller, sku = prepared(shop)
        for name, (method, path, body) in operations(shop, sku).items():
            for credential in (reseller["key"], reseller["session"]):
                answer = shop.call(reseller, method, path, body, key=credential)
                assert answer.status == 200, (name, answer)

    with checks("W1 suspended: every call by key 403, orders blocked; the portal reads on and writes nothing"):
        assert shop.move(reseller, "suspend").status == 200
        for name, (method, path, body) in operations(shop, sku).items():
            answer = shop.call(reseller, method, path, body)
            assert answer.status == 403 and answer.json["code"] == "reseller_suspended", (name, answer)
            answer = shop.call(reseller, method, path, body, key=reseller["session"])
            assert answer.status == (200 if method == "GET" else 403), (name, answer)
        assert shop.order(reseller, sku).status == 403
        assert shop.order(dict(reseller, key=reseller["session"]), sku).status == 403
        session = reseller["session"]
        assert shop.call(reseller, "GET", "/keys", key=session).status == 200
        assert shop.call(reseller, "POST", "/keys", {}, key=session).status == 403
        assert shop.call(reseller, "DELETE", f"/keys/{reseller['key_id']}", key=session).status == 403
        assert shop.call(reseller, "POST", f"/keys/{reseller['key_id']}/rotate", {}, key=session).status == 403
        assert shop.sign_in(reseller), "a suspended reseller signs in to read"

    with checks("W1 suspended: services run on"):
        listed = shop.call(reseller, "GET", "/services", key=session).json["data"]
        assert [service["status"] for service in listed] == ["active"], listed

    with checks("W1 resumed: all is as before, by the same key"):
        assert shop.move(reseller, "resume").status == 200
        for name, (method, path, body) in operations(shop, sku).items():
            assert shop.call(reseller, method, path, body).status == 200, name
        assert shop.order(reseller, sku).status == 201

    with checks("W1 terminated: 401 by key and session, as if unknown; the row and its orders are kept"):
        orders = len(shop.get(reseller, "/orders").json["data"])
        assert shop.move(reseller, "terminate").status == 200
        unknown = shop.call(reseller, "GET", "/balance", key=shop.owner_key[:-6] + "000000").json
        for name, (method, path, body) in operations(shop, sku).items():
            for credential in (reseller["key"], session):
                answer = shop.call(reseller, method, path, body, key=credential)
                assert answer.status == 401, (name, answer)
                assert {**answer.json, "request_id": 0} == {**unknown, "request_id": 0}, (name, answer)
        assert shop.order(reseller, sku).status == 401
        refused = shop.gateway.post(
            shop.base + "/api/partner/v1/session", {"email": reseller["email"], "password": reseller["password"]})
        assert refused.status == 401, refused
        row = shop.admin("GET", f"/resellers/{reseller['id']}").json
        assert row["status"] == "terminated" and row["terminated_at"], row
        for path, body in ((f"/resellers/{row['id']}", {"credit_limit": "1.00"}),
                           (f"/resellers/{row['id']}", {"email": "away@gone.example", "name": "Another"}),
                           (f"/resellers/{row['id']}/products/{sku}", {"wholesale_monthly": "2.00"})):
            refused = shop.admin("PUT" if "/products/" in path else "PATCH", path, body)
            assert (refused.status, refused.json["code"]) == (409, "reseller_terminated"), refused
        kept = shop.admin("GET", f"/orders?reseller={reseller['id']}").json["data"]
        assert len(kept) == orders, kept

    with checks("W1 O3 the address of one that is terminated can be had by another, once it has none of its own there"):
        squatter = shop.gateway.post(shop.base + "/api/partner/v1/apply", {
            "email": "ceo@wanted.example", "name": "Anybody", "password": reseller["password"]}).json
        assert shop.move(squatter, "terminate").status == 200
        invitation = {"email": "ceo@wanted.example", "name": "Wanted"}
        assert shop.admin("POST", "/resellers", invitation).json["code"] == "email_taken"
        changed = shop.admin("PATCH", f"/resellers/{squatter['id']}", {"email": "squatter@wanted.example"})
        assert changed.status == 200 and changed.json["status"] == "terminated", changed
        assert shop.admin("POST", "/resellers", invitation).status == 201
        for email in ("ceo@wanted.example", "squatter@wanted.example"):
            refused = shop.gateway.post(
                shop.base + "/api/partner/v1/session", {"email": email, "password": reseller["password"]})
            assert refused.status == 401, refused

    with checks(
            "W1 pending: no live key, not by the owner either, and 403 on everything live; from the approval on all "
            "works"):
        reseller = shop.invite()
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
        minted = shop.mint(reseller)
        assert minted.status == 409 and minted.json["code"] == "reseller_pending", minted
        token = shop.sign_in(reseller)
        for name, (method, path, body) in operations(shop, sku).items():
            assert shop.call(reseller, method, path, body, key=token).status == 403, name
        assert shop.call(reseller, "POST", "/keys", {}, key=token).status == 403
        assert shop.move(reseller, "approve").status == 200
        shop.top_up(reseller, "10.00")
        reseller["key"] = shop.mint(reseller).json["key"]
        assert shop.call(reseller, "GET", "/balance").status == 200
        assert shop.order(reseller, sku).status == 201

    with checks("W1 pending and then refused for good: terminated, 401"):
        reseller = shop.invite()
        token = shop.sign_in(reseller)
        assert shop.move(reseller, "terminate").status == 200
        assert shop.call(reseller, "GET", "/balance", key=token).status == 401

    with checks("W1 an operator's moves of orders and services hold for a suspended reseller's too"):
        metal = shop.product(fulfilment="manual")
        reseller = shop.reseller(balance="10.00")
        shop.price(reseller, metal, {"wholesale_monthly": "5.00"})
        order = shop.order(reseller, metal)
        assert order.status == 201, order
        assert shop.move(reseller, "suspend").status == 200
        assert shop.admin("POST", f"/orders/{order.json['order']['id']}/activate").status == 200


def moves(checks, shop):
    with checks("O3 moves: pending→active, active↔suspended, any→terminated; every other 409 and nothing changes"):
        allowed = {
            ("pending", "approve"): "active", ("active", "suspend"): "suspended", ("suspended", "resume"): "active",
            ("pending", "terminate"): "terminated", ("active", "terminate"): "terminated",
            ("suspended", "terminate"): "terminated",
        }
        ways = {"pending": [], "active": ["approve"], "suspended": ["approve", "suspend"], "terminated": ["terminate"]}
        for state, way in ways.items():
            for move in ("approve", "suspend", "resume", "terminate"):
                reseller = shop.invite()
                for step in way:
                    assert shop.move(reseller, step).status == 200
                answer = shop.move(reseller, move)
                after = shop.admin("GET", f"/resellers/{reseller['id']}").json["status"]
                if (state, move) in allowed:
                    assert answer.status == 200 and after == allowed[state, move], (state, move, answer)
                else:
                    assert answer.status == 409 and after == state, (state, move, answer, after)

    with checks("O3 approved_at and approved_by are recorded"):
        reseller = shop.invite()
        before = shop.admin("GET", f"/resellers/{reseller['id']}").json
        assert before["approved_at"] is None and before["approved_by"] is None, before
        shop.move(reseller, "approve")
        after = shop.admin("GET", f"/resellers/{reseller['id']}").json
        assert after["approved_at"] and after["approved_by"] == f"owner@{shop.slug}.example", after

    with checks("O3 an unknown reseller is 404 for every move; a known address cannot be invited twice: 409"):
        for move in ("approve", "suspend", "resume", "terminate"):
            assert shop.admin("POST", f"/resellers/res_00000000000000000000/{move}").status == 404
        again = shop.admin("POST", "/resellers", {"email": reseller["email"].upper(), "name": "Again"})
        assert again.status == 409, again

    with checks("O3 the new webhook secret signs at once, the previous one still signs for a day"):
        reseller, sku = prepared(shop)
        first = reseller["webhook_secret"]
        rotated = shop.admin("POST", f"/resellers/{reseller['id']}/webhook-secret/rotate")
        assert rotated.status == 200, rotated
        second = rotated.json["webhook_secret"]
        assert second != first
        for secret in (first, second):
            assert shop.order(dict(reseller, webhook_secret=secret), sku).status == 201
        wrong = "whsec_" + "A" * 32
        assert shop.order(dict(reseller, webhook_secret=wrong), sku).status == 401

    with checks("W5 W11 a reseller gets itself a new signing secret in its session; with a key it cannot"):
        reseller, sku = prepared(shop)
        rotated = shop.call(reseller, "POST", "/webhook/secret/rotate", key=reseller["session"])
        assert rotated.status == 200, rotated
        for secret in (reseller["webhook_secret"], rotated.json["webhook_secret"]):
            assert shop.order(dict(reseller, webhook_secret=secret), sku).status == 201
        assert shop.call(reseller, "POST", "/webhook/secret/rotate").status == 403

    with checks("O3 an invitation without password brings a link, by which the reseller sets one, once"):
        made = shop.admin("POST", "/resellers", {"email": "invited@there.example", "name": "Invited"})
        assert made.status == 201 and made.json["webhook_secret"].startswith("whsec_"), made
        url = made.json["invitation_url"]
        path = url[url.index("/t/"):]
        page = shop.gateway.get(path)
        assert page.status == 200 and b"<form" in page.body, page
        assert shop.gateway.post(path, {"password": "short"}).status == 422
        assert shop.gateway.post(path, {"password": PASSWORD}).status == 200
        assert shop.gateway.post(path, {"password": "another password"}).status == 404, "a link works once"
        unknown = shop.gateway.get(path[:-4] + "0000")
        assert unknown.status == 404 and shop.gateway.get(path).status == 404
        assert shop.sign_in({"email": "invited@there.example", "password": PASSWORD})


def access(checks, shop):
    with checks("W1 api_access off: 403 by key at once, the portal unharmed; on again: as before"):
        reseller, sku = prepared(shop)
        shop.terms(reseller, api_access=False)
        for name, (method, path, body) in operations(shop, sku).items():
            answer = shop.call(reseller, method, path, body)
            assert answer.status == 403, (name, answer)
        assert shop.order(reseller, sku).status == 403
        assert shop.call(reseller, "GET", "/balance", key=reseller["session"]).status == 200
        shop.terms(reseller, api_access=True)
        assert shop.call(reseller, "GET", "/balance").status == 200
        assert shop.order(reseller, sku).status == 201

    with checks("W8 one level: nothing of the operator's opens to a reseller's key or session"):
        for credential in (reseller["key"], reseller["session"]):
            for method, path, body in [
                ("POST", "/resellers", {"email": "sub@there.example", "name": "Sub"}),
                ("GET", "/resellers", None), ("GET", "/audit", None), ("GET", "/api-keys", None),
                ("POST", "/api-keys", {"owner_email": reseller["email"]}),
                ("POST", f"/resellers/{reseller['id']}/balance", {"amount": "1.00", "reference": "x"}),
                ("PATCH", f"/resellers/{reseller['id']}", {"credit_limit": "1000000"}),
                ("PUT", f"/resellers/{reseller['id']}/products/{sku}", {"wholesale_monthly": "0"}),
                ("GET", "/price-book.csv", None), ("PATCH", "/settings", {"name": "Mine"}),
            ]:
                answer = shop.admin(method, path, body, key=credential, idempotent=True)
                assert answer.status == 403, (method, path, answer)

    with checks("W1 an owner's or operator's key opens no reseller's call: 403"):
        operator = shop.admin("POST", "/api-keys", {"owner_email": f"owner@{shop.slug}.example", "role": "operator"})
        for credential in (shop.owner_key, *([operator.json["key"]] if operator.status == 201 else [])):
            for name, (method, path, body) in operations(shop, sku).items():
                answer = shop.call(reseller, method, path, body, key=credential)
                assert answer.status == 403, (name, answer)

    with checks("O1 a key does what its scopes say: partner:read reads and quotes, partner:order orders"):
        def minted(*scopes):
            answer = shop.mint(reseller, scopes=list(scopes))
            assert answer.status == 201 and answer.json["scopes"] == list(scopes), answer
            return dict(reseller, key=answer.json["key"])
        reader, orderer = minted("partner:read"), minted("partner:order")
        assert shop.get(reader, "/products").status == 200
        assert shop.quote(reader, sku).status == 200
        refused = shop.order(reader, sku)
        assert refused.status == 403 and refused.json["code"] == "scope_missing", refused
        assert shop.order(orderer, sku).status == 201
        assert shop.get(orderer, "/products").status == 403
        assert shop.get(orderer, "/balance").status == 403


def application(checks, shop):
    partner = shop.base + "/api/partner/v1"
    applicant = {"email": "New.Shop@There.Example", "name": "New shop", "company": "New Ltd", "password": PASSWORD}
    with checks("W11 apply → pending; sign in; nothing but 403 until approved"):
        made = shop.gateway.post(partner + "/apply", applicant)
        assert made.status == 201 and made.json["status"] == "pending", made
        assert made.json["email"] == "new.shop@there.example", made
        reseller = {"id": made.json["id"], "email": applicant["email"], "password": PASSWORD}
        token = shop.sign_in(reseller)
        assert shop.call({}, "POST", "/keys", {}, key=token).status == 403
        row = shop.admin("GET", f"/resellers/{reseller['id']}").json
        assert row["status"] == "pending" and row["company"] == "New Ltd", row

    with checks("W11 the address is taken from then on, in whatever case: 409"):
        again = shop.gateway.post(partner + "/apply", applicant | {"email": "new.SHOP@there.example"})
        assert again.status == 409, again
        assert [error["pointer"] for error in again.json["errors"]] == ["/email"], again

    with checks("W11 U4 the page to apply by tells a taken address at its field, and leads there"):
        visitor = Browser(shop.gateway)
        form = visitor.get(f"{shop.base}/apply").form("email")
        refused = visitor.post(form["action"], form["fields"] | applicant)
        text = refused.body.decode()
        assert refused.status == 409, refused
        said = re.search(r'<a href="#([^"]+)">E-mail: There is an account with this e-mail address\.</a>', text)
        field = said and re.search(rf'<input [^>]*id="{re.escape(said[1])}"[^>]*>', text)
        assert field and 'aria-invalid="true"' in field[0], text

    with checks("W11 approved: it mints, lists, rotates with overlap and revokes its own keys"):
        assert shop.move(reseller, "approve").status == 200
        minted = shop.call({}, "POST", "/keys", {"name": "shop"}, key=token)
        assert minted.status == 201 and minted.json["name"] == "shop", minted
        key, key_id = minted.json["key"], minted.json["id"]
        assert shop.call({}, "GET", "/balance", key=key).status == 200
        listed = shop.call({}, "GET", "/keys", key=token).json["data"]
        assert [row["id"] for row in listed] == [key_id] and key not in str(listed), listed
        rotated = shop.call({}, "POST", f"/keys/{key_id}/rotate", {"overlap_seconds": 10}, key=token)
        assert rotated.status == 200 and rotated.json["id"] == key_id, rotated
        second = rotated.json["key"]
        for secret in (key, second):
            assert shop.call({}, "GET", "/balance", key=secret).status == 200
        wait_until(lambda: shop.call({}, "GET", "/balance", key=key).status == 401, pause_seconds=0.2)
        assert shop.call({}, "GET", "/balance", key=second).status == 200
        rotated = shop.call({}, "POST", f"/keys/{key_id}/rotate", {"overlap_seconds": 0}, key=token)
        third = rotated.json["key"]
        assert shop.call({}, "GET", "/balance", key=second).status == 401
        assert shop.call({}, "GET", "/balance", key=third).status == 200
        revoked = shop.call({}, "DELETE", f"/keys/{key_id}", key=token)
        assert revoked.status == 200 and revoked.json["revoked_at"], revoked
        assert shop.call({}, "GET", "/balance", key=third).status == 401
        assert shop.call({}, "POST", f"/keys/{key_id}/rotate", {}, key=token).status == 409
        assert shop.call({}, "DELETE", f"/keys/{key_id}", key=token).status == 200, "again: the same answer"

    with checks("W11 a reseller's session reaches no other reseller's keys: 404, unharmed"):
        other = shop.reseller()
        assert shop.call({}, "DELETE", f"/keys/{other['key_id']}", key=token).status == 404
        assert shop.call({}, "POST", f"/keys/{other['key_id']}/rotate", {}, key=token).status == 404
        assert shop.get(other, "/balance").status == 200

    with checks("W11 a key is no session: minting with a key is 403"):
        minted = shop.call({}, "POST", "/keys", {}, key=token).json["key"]
        assert shop.call({}, "POST", "/keys", {}, key=minted).status == 403
        assert shop.call({}, "GET", "/keys", key=minted).status == 403

    with checks("W11 signing out ends the session; a wrong password and an unknown address are the same 401"):
        assert shop.call({}, "DELETE", "/session", key=token).status == 204
        assert shop.call({}, "GET", "/keys", key=token).status == 401
        answers = [
            shop.gateway.post(partner + "/session", {"email": email, "password": password})
            for email, password in [
                (applicant["email"], "wrong password"), ("nobody@there.example", PASSWORD),
                (f"owner@{shop.slug}.example", PASSWORD),
            ]]
        assert [answer.status for answer in answers] == [401] * 3, answers
        bodies = [{**answer.json, "request_id": 0} for answer in answers]
        assert bodies[0] == bodies[1] == bodies[2], bodies

    with checks("W11 A2 applications are rationed by address: 20 in 15 minutes, then 429 with Retry-After"):
        statuses = []
        for number in range(25):
            answer = shop.gateway.post(
                partner + "/apply", {"email": f"many-{number}@there.example", "name": "Many", "password": PASSWORD})
            statuses.append(answer.status)
        assert set(statuses) == {201, 429} and statuses == sorted(statuses), statuses
        assert statuses.count(201) <= 20 and answer.headers.get("retry-after"), (statuses, answer.headers)


def own_keys(checks, shop):
    with checks("O1 W11 a key with an end works until then and not after"):
        reseller = shop.reseller()
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
        minted = shop.mint(reseller, expires_at=end)
        assert minted.status == 201, minted
        assert shop.get(reseller, "/balance", key=minted.json["key"]).status == 200
        wait_until(
            lambda: shop.get(reseller, "/balance", key=minted.json["key"]).status == 401, pause_seconds=0.2)
        for past in ["2020-01-01T00:00:00Z", "yesterday", "", 5]:
            answer = shop.mint(reseller, expires_at=past)
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/expires_at", answer


def operators_keys(checks, shop):
    owner_email = f"owner@{shop.slug}.example"
    with checks("O1 only the owner mints for others; an operator's key does the rest"):
        answer = shop.admin("POST", "/api-keys", {"owner_email": owner_email, "role": "operator", "name": "ops"})
        assert answer.status == 201 and answer.json["role"] == "operator", answer
        operator = answer.json["key"]
        reseller = shop.reseller()
        for path, body in [("/api-keys", {"owner_email": reseller["email"]}),
                           ("/api-keys", {"owner_email": owner_email, "role": "operator"})]:
            refused = shop.admin("POST", path, body, key=operator)
            assert refused.status == 403, refused
        assert shop.admin("GET", "/api-keys", key=operator).status == 200
        assert shop.admin("GET", "/resellers", key=operator).status == 200
        sub = shop.admin("POST", "/resellers", {"email": "by-operator@there.example", "name": "X"}, key=operator)
        assert sub.status == 201, sub
        assert shop.move({"id": sub.json["id"]}, "approve").status == 200

    with checks("O1 an operator's key gets no hold of the owner's: neither revoke, rotate nor limit"):
        keys = shop.admin("GET", "/api-keys").json["data"]
        owners = [key["id"] for key in keys if key["role"] == "owner"]
        assert owners, keys
        for key in owners:
            for method, path, body in [
                ("DELETE", f"/api-keys/{key}", None), ("POST", f"/api-keys/{key}/rotate", {}),
                ("PUT", f"/api-keys/{key}/limit", {"requests": 1, "window_seconds": 60}),
                ("DELETE", f"/api-keys/{key}/limit", None),
            ]:
                answer = shop.admin(method, path, body, key=operator)
                assert answer.status == 403, (method, path, answer)
        assert shop.admin("GET", "/resellers").status == 200

    with checks("O1 an unknown owner_email is 422 at its field; a key says prefix and mode, and shows itself once"):
        refused = shop.admin("POST", "/api-keys", {"owner_email": "nobody@nowhere.example"})
        assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/owner_email", refused
        minted = shop.mint(reseller).json
        assert minted["ok"] is True and minted["key"].startswith(minted["prefix"].rstrip(".…*")), minted
        assert minted["scopes"] == ["partner:read", "partner:order"], minted
        assert minted["key"] not in shop.admin("GET", f"/api-keys/{minted['id']}").body.decode()

    with checks("G4 O1 minting again under the same Idempotency-Key shows no key a second time"):
        headers = {"Idempotency-Key": "mint-once"}
        body = {"owner_email": reseller["email"], "name": "once"}
        first = shop.admin("POST", "/api-keys", body, headers=headers)
        again = shop.admin("POST", "/api-keys", body, headers=headers)
        assert first.status == again.status == 201, (first, again)
        assert again.headers.get("idempotency-hit") == "true"
        assert again.json.get("already_shown") is True and "key" not in again.json, again
        assert again.json["id"] == first.json["id"]
        named = [k for k in shop.admin("GET", f"/api-keys?reseller={reseller['id']}").json["data"] if k["name"] == "once"]
        assert len(named) == 1, named

    with checks("O1 W11 the operator's rotate: limits and attribution stay with the key's id"):
        minted = shop.mint(reseller, limit={"requests": 7, "window_seconds": 60}).json
        rotated = shop.admin("POST", f"/api-keys/{minted['id']}/rotate", {"overlap_seconds": 0})
        assert rotated.status == 200 and rotated.json["id"] == minted["id"], rotated
        assert rotated.json["limit"]["requests"] == 7, rotated
        assert shop.get(reseller, "/balance", key=minted["key"]).status == 401
        answer = shop.get(reseller, "/balance", key=rotated.json["key"])
        assert answer.status == 200 and answer.headers["x-ratelimit-limit"] == "7", answer.headers

    with checks("P1 the owner signs in with the password given at provisioning, and out"):
        answer = shop.gateway.post(shop.base + "/api/admin/session", {"email": owner_email, "password": PASSWORD})
        assert answer.status == 200, answer
        token = answer.json["token"]
        assert shop.admin("GET", "/resellers", key=token).status == 200
        assert shop.admin("DELETE", "/session", key=token).status == 204
        assert shop.admin("GET", "/resellers", key=token).status == 401


def demo(checks, gateway):
    with checks("D2 in each demo tenant the first reseller is active and its key works"):
        # A read of each dialect; credit reports know no list, and an event that is nobody's is 404 to whoever may ask.
        reads = {
            "hosting": ("/api/partner/v1/balance", "Authorization", 200),
            "panel": ("/api/v1/reseller/credit/ev_nobodys", "Authorization", 404),
            "codes": ("/api/reseller/me", "x-api-key", 200),
            "proxies": ("/v1/reseller/customers", "X-API-Key", 200),
            "licences": ("/reseller/myavailable?api_token=", None, 200),
        }
        for name, tenant in gateway.demo["tenants"].items():
            path, header, status = reads.pop(name)
            key = gateway.reseller(name)["key"]
            sent = {header: f"Bearer {key}" if header == "Authorization" else key} if header else {}
            answer = gateway.get(f"/t/{tenant['slug']}{path}" + ("" if header else key), headers=sent)
            assert answer.status == status, (name, answer)
            assert gateway.reseller(name)["state"] == "active", name
            assert gateway.get(f"/t/{tenant['slug']}/api/admin/resellers", key=tenant["owner_key"]).status == 200, name
        assert not reads

    with checks("D1 D2 hosting holds one pending and one suspended reseller, and prices, balance and credit to try"):
        tenant = gateway.tenant("hosting")
        rows = gateway.get("/t/hosting/api/admin/resellers", key=tenant["owner_key"]).json["data"]
        assert [row["status"] for row in rows] == ["active", "pending", "suspended"], rows
        assert [reseller["key"] is None for reseller in tenant["resellers"]] == [False, True, False]
        suspended = gateway.get("/t/hosting/api/partner/v1/balance", key=tenant["resellers"][2]["key"])
        assert suspended.status == 403, suspended
        for reseller in tenant["resellers"]:
            answer = gateway.post(
                "/t/hosting/api/partner/v1/session", {"email": reseller["email"], "password": reseller["password"]})
            assert answer.status == 200, answer
        login = tenant["owner_login"]
        assert gateway.post("/t/hosting/api/admin/session", login).status == 200

    with checks("D1 there is a demo tenant for every blueprint"):
        assert set(gateway.demo["tenants"]) == {"hosting", "panel", "codes", "proxies", "licences"}


if __name__ == "__main__":
    main()
