#!/usr/bin/env python3
"""What nobody reads is refused (the contract's head): every route of every API with parameters that it does not know
and such as stand twice; every list with cursors that it did not give; every body with members that nobody reads."""

import base64
import json
import uuid

from access import Caller, Provider, address
from badinput import Scene, changed, encode, leaves
from endpoints import ACCESS, ADMIN, ALL, EVERY, LICENCES, PARTNER, PROVIDER, nameless, served
from shop import Shop
from support import Checks, Gateway, arguments, signature_headers

STRICT = (PROVIDER, ADMIN, PARTNER)


def passing(caller, endpoint):
    """A credential that opens the endpoint."""
    allowed = ACCESS[endpoint.access]
    if not allowed:
        return "nobody"
    return next(
        who
        for who in ("owner", "reseller", "session", "owner's session", "provider")
        if who in allowed and who in caller.keys
    )


class Sender:
    """Calls an endpoint rightly but for what is tried."""

    def __init__(self, caller):
        self.caller = caller

    def __call__(self, endpoint, query="", body=None):
        caller, who = self.caller, passing(self.caller, endpoint)
        path = caller.base + "/".join("none" if part.startswith("{") else part for part in endpoint.path.split("/"))
        if endpoint.api == LICENCES:
            query = f"api_token={caller.keys[who]}&{query}"
        path += f"?{query}" if query else ""
        if body is None and endpoint.method not in ("GET", "DELETE"):
            body = b"{}"
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex, **address()}
        headers |= caller.credential(endpoint.api, who)
        if endpoint.signed:
            headers |= signature_headers(
                caller.reseller["webhook_secret"], endpoint.method, path, uuid.uuid4().hex, body
            )
        return caller.gateway.request(endpoint.method, path, body, headers=headers)


def parameters(checks, send, routes, described):
    """The head: a parameter that a route does not know, or that stands twice, is 400 naming it."""
    for endpoint in routes:
        known = [
            parameter["name"]
            for parameter in described[endpoint.api, endpoint.method, nameless(endpoint.path)]["parameters"]
            if parameter["in"] == "query"
        ]
        is_lax = endpoint.api == LICENCES or endpoint.access == "payment service"
        with checks(
            f"X7 {endpoint.name}: what the query has too much is 400, named"
            if not is_lax
            else f"L1 {endpoint.name}: what the query has too much is ignored"
        ):
            tried = [
                ("nobody-reads", "nobody-reads=1"),
                ("LIMIT", "LIMIT=5"),
                ("qx", "qx"),
                ("a b", "a%20b=%26"),
                ("utm", "utm=1&utm=2"),
            ]
            for name, query in tried:
                answer = send(endpoint, query)
                if is_lax:
                    assert name.encode() not in answer.body and answer.status < 500, (query, answer)
                else:
                    assert answer.status == 400 and name in json.dumps(answer.json, ensure_ascii=False), (
                        query,
                        answer,
                    )
            if not is_lax:
                for name in known:
                    for query in (
                        f"{name}=1&{name}=2",
                        f"{name}=&{name}=",
                        f"{name}=1&%{ord(name[0]):02x}{name[1:]}=1",
                    ):
                        answer = send(endpoint, query)
                        assert answer.status == 400 and name in json.dumps(answer.json), (query, answer)
            if endpoint.api in STRICT:
                problem = send(endpoint, "nobody-reads=1").json
                assert (
                    problem["code"] == "unknown_parameter" and problem["errors"][0]["pointer"] == "/nobody-reads"
                ), problem


def cursors(checks, send, routes, described):
    """A cursor that was not made here is 400, whatever it is made of."""
    row = base64.urlsafe_b64encode((5).to_bytes(8, "big")).decode().rstrip("=")
    forged = [
        "",
        "x",
        row,
        "AAAA",
        "!!!!",
        "A" * 48,
        base64.urlsafe_b64encode(b"demo").decode().rstrip("="),
        base64.urlsafe_b64encode(bytes(36)).decode(),
        "A" * 54,
        "A" * 4000,
        "%00",
        "%ff",
    ]
    # Whatever they are called: the feeds' is `after`.
    shape = cursor_schema(described)
    for endpoint in routes:
        operation = described[endpoint.api, endpoint.method, nameless(endpoint.path)]
        for name in [parameter["name"] for parameter in operation["parameters"] if parameter["schema"] == shape]:
            with checks(f"X7 H4 {endpoint.name}: a cursor that was not made here is 400 ({name})"):
                for cursor in forged:
                    answer = send(endpoint, f"{name}={cursor}")
                    assert answer.status == 400, (cursor, answer)


def cursor_schema(described):
    """How the descriptions say what a cursor looks like: all that are named so say it alike."""
    every = [parameter for operation in described.values() for parameter in operation["parameters"]]
    [shape] = {json.dumps(parameter["schema"], sort_keys=True) for parameter in every if parameter["name"] == "cursor"}
    shape = json.loads(shape)
    assert {parameter["name"] for parameter in every if parameter["schema"] == shape} >= {"cursor", "after"}
    return shape


class Sealed:
    """A tenant with lists that go on: `lists` are paths, `made` the cursor of each."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.shop, self.other = Shop(gateway, slug="sealed"), Shop(gateway, slug="sealed-too")
        self.sellers = [self.shop.reseller() for _ in range(3)]
        for _ in range(3):
            sku = self.shop.product()
            for seller in self.sellers:
                self.shop.price(seller, sku, {"wholesale_monthly": "1.00"})
        priced = [f"/resellers/{seller['id']}/products?" for seller in self.sellers[:2]]
        paths = ["/resellers?", "/resellers?status=active&", "/products?", "/api-keys?", "/audit?", "/usage?", *priced]
        self.lists = [f"{self.shop.base}{ADMIN}{path}limit=1" for path in paths]
        self.made = {path: self.cursor(path) for path in self.lists}
        # A reseller's own list, and the provider's.
        self.products = f"{self.shop.base}{PARTNER}/products?limit=1"
        self.own = self.cursor(self.products, self.sellers[0]["key"])
        self.tenants = f"{PROVIDER}/tenants?limit=1"
        self.providers = self.cursor(self.tenants, gateway.provider_key)

    def cursor(self, path, key=None):
        answer = self.gateway.get(path, key=key or self.shop.owner_key)
        assert answer.status == 200 and answer.json["has_more"], (path, answer)
        return answer.json["next_cursor"]

    def status(self, path, cursor, key=None):
        return self.gateway.get(f"{path}&cursor={cursor}", key=key or self.shop.owner_key).status

    def all_good(self):
        for path in self.lists:
            assert self.status(path, self.made[path]) == 200, path
        assert self.status(self.products, self.own, self.sellers[0]["key"]) == 200
        assert self.status(self.tenants, self.providers, self.gateway.provider_key) == 200


def genuine(checks, gateway):
    """A cursor belongs to its list, its filter and its caller; it tells nothing, and outlives a restart."""
    sealed = Sealed(gateway)
    shop, sellers, lists, made, own = sealed.shop, sealed.sellers, sealed.lists, sealed.made, sealed.own
    with checks("O6 every list goes on by its own cursor, with another limit too, and refuses every other list's"):
        sealed.all_good()
        for path in lists:
            assert sealed.status(path.replace("limit=1", "limit=2"), made[path]) == 200, path
            foreign = [made[another] for another in lists if another != path] + [own, sealed.providers]
            for cursor in foreign:
                assert sealed.status(path, cursor) == 400, (path, cursor)
        assert sealed.status(sealed.tenants, made[lists[0]], gateway.provider_key) == 400
    with checks("W6 G1 a cursor is one caller's: another reseller, book or tenant is refused"):
        second = shop.mint(sellers[0]).json["key"]
        assert sealed.status(sealed.products, own, second) == 200, "another key of the same reseller"
        assert sealed.status(sealed.products, own, sellers[1]["key"]) == 400
        test = shop.admin("POST", "/api-keys", {"owner_email": sellers[0]["email"], "mode": "test"}).json["key"]
        assert sealed.status(sealed.products, own, test) == 400
        path = lists[0].replace(shop.base, sealed.other.base)
        assert sealed.status(path, made[lists[0]], sealed.other.owner_key) == 400
    with checks("O6 a cursor is changed in no bit, tells no number, and is the same for the same place"):
        path, text = lists[0], made[lists[0]]
        changed = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        for place in range(len(changed)):
            changed[place] ^= 1
            assert sealed.status(path, base64.urlsafe_b64encode(changed).decode().rstrip("=")) == 400, place
            changed[place] ^= 1
        assert sealed.cursor(path) == text
        following = sealed.cursor(f"{path}&cursor={text}")
        alike = sum(one == two for one, two in zip(text, following))
        assert len(following) == len(text) and alike < len(text) // 3, (text, following)
    with checks("G8 cursors are good after a restart"):
        gateway.stop()
        gateway.start()
        sealed.all_good()


def members(checks, scene):
    """P, O, W: a member that nobody reads is 422 naming it, in each object; where no body is read, none is taken."""
    for endpoint in ALL:
        if endpoint.raw or endpoint.method == "GET":
            continue
        with checks(f"{row(endpoint)} {endpoint.name}: a member that nobody reads is 422 by its pointer"):
            good = endpoint.good_body() if endpoint.fields else {}
            places = [()] + [pointer for pointer, field in leaves(endpoint.fields or {}) if isinstance(field, dict)]
            for place in places:
                for name in ("nobody_reads", "Email", "a/b~c", "é"):
                    body = changed(good, (*place, name), 1)
                    pointer = "/" + "/".join([*place, name.replace("~", "~0").replace("/", "~1")])
                    answer = scene.send(endpoint, encode(body).encode())
                    assert answer.status == 422, (name, answer)
                    pointers = [error["pointer"] for error in answer.json["errors"]]
                    assert pointer in pointers, (pointer, answer)
            answer = scene.send(endpoint, b'{"teir":1}')
            assert "/teir" in [error["pointer"] for error in answer.json["errors"]], answer


def unread(checks, scene):
    """DELETE takes a body as any call does that reads none: nothing that is said in it goes unheard."""
    deletions = [endpoint for endpoint in ALL if endpoint.method == "DELETE"]
    with checks("P5 O1 W6 a body of DELETE that cannot be read is 400, one that is no object 422"):
        for endpoint in deletions:
            for body in (b"nonsense", b"{", b'{"a":1,"a":2}'):
                assert scene.send(endpoint, body).status == 400, (endpoint.name, body)
            for body in (b"[]", b"null", b'"after_days"'):
                assert scene.send(endpoint, body).status == 422, (endpoint.name, body)
    gateway = scene.gateway
    shop = Shop(gateway)
    headers = {"Content-Type": "application/json"}
    with checks("O1 a key is not revoked by a DELETE that asks for an overlap"):
        minted = [shop.mint(shop.reseller()).json for _ in range(3)]
        path = f"{shop.base}{ADMIN}/api-keys/"
        asked = gateway.request(
            "DELETE", path + minted[0]["id"], {"overlap_seconds": 60}, key=shop.owner_key, headers=address()
        )
        assert asked.status == 422 and asked.json["errors"][0]["pointer"] == "/overlap_seconds", asked
        balance = gateway.get(f"{shop.base}{PARTNER}/balance", key=minted[0]["key"], headers=address())
        assert balance.status == 200, balance
    with checks("O1 an empty body, no body and an empty object say nothing, with a Content-Type and without"):
        for made, body in zip(minted, (b"", None, b"{}")):
            gone = gateway.request(
                "DELETE", path + made["id"], body, key=shop.owner_key, headers={**headers, **address()}
            )
            assert gone.status == 200, (body, gone)
        spare = shop.mint(shop.reseller()).json
        assert gateway.request("DELETE", path + spare["id"], b"{}", key=shop.owner_key, headers=address()).status == 200
    with checks("P5 a tenant is not erased by a DELETE whose body says when; by an empty object it is"):
        path = f"{PROVIDER}/tenants/{shop.slug}"
        asked = gateway.request(
            "DELETE", f"{path}?confirm={shop.slug}", {"after_days": 30}, key=gateway.provider_key, headers=address()
        )
        assert asked.status == 422 and asked.json["errors"][0]["pointer"] == "/after_days", asked
        kept = gateway.get(path, key=gateway.provider_key, headers=address())
        assert kept.status == 200 and kept.json["state"] == "active" and kept.json["deletes_at"] is None, kept
        gone = gateway.request(
            "DELETE", f"{path}?confirm={shop.slug}", b"{}", key=gateway.provider_key, headers={**headers, **address()}
        )
        assert gone.status == 204, gone


def unheard(checks, send, routes):
    """C, A, X, L: what a DELETE says in its body is ignored, as it is in a POST."""
    for endpoint in routes:
        if endpoint.method == "DELETE" and "{" in endpoint.path:
            with checks(f"{endpoint.name}: a body that nobody reads is ignored"):
                answer = send(endpoint, body=b'{"nobody_reads":1}')
                assert answer.status == send(endpoint).status and b"nobody_reads" not in answer.body, answer


def row(endpoint):
    return {PROVIDER: "P1", ADMIN: "O1", PARTNER: "W6"}[endpoint.api]


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8") as gateway:
        described = {
            (api, method, nameless(path)): operation for (api, method, path), operation in served(gateway).items()
        }
        elsewhere = Shop(gateway)
        elsewhere.buyer = elsewhere.reseller()
        for api in sorted({api for api, _, _ in described}):
            caller = Provider(gateway, elsewhere) if api == PROVIDER else Caller(gateway, api, elsewhere)
            routes = [endpoint for endpoint in EVERY if endpoint.api == api]
            parameters(checks, Sender(caller), routes, described)
            if api == LICENCES:
                # What was sent too much kept nothing from having its effect: the session is signed out.
                caller.renew("session")
            if api not in STRICT:
                unheard(checks, Sender(caller), routes)
            cursors(checks, Sender(caller), routes, described)
        scene = Scene(gateway)
        scene.headers = address
        before = scene.state()
        members(checks, scene)
        with checks("P1 O1 W6 nothing has changed by all that was refused"):
            assert before == scene.state()
        unread(checks, scene)
        genuine(checks, gateway)
    checks.finish()


if __name__ == "__main__":
    main()
