#!/usr/bin/env python3
"""Isolation (G1): every endpoint called with another tenant's key, id, host and path. Unknown and foreign are
one answer, no byte of the other tenant is ever in it, and nothing of the other tenant changes. Then the roles: what a
key is not for is 403."""

import contextlib
import http.client
import itertools
import json
import socket
import uuid

from badinput import Scene
from endpoints import ADMIN, ALL, PARTNER, PROVIDER, missing
from shop import PASSWORD
from support import Checks, Gateway, arguments, signature_headers

CANARY = "canary-7f3a9c"


class Tenant(Scene):
    """A scene whose every text holds the tenant's own canary, and the ids and credentials that are its own."""

    def __init__(self, gateway, slug, canary):
        super().__init__(gateway, slug)
        self.canary = canary
        shop = self.shop
        shop.admin("PATCH", "/settings", {"name": f"The {canary} shop"})
        shop.admin("PATCH", f"/products/{self.ids['sku']}", {"name": f"Product {canary}"})
        shop.admin("POST", "/products", {"sku": canary, "name": canary, "fulfilment": "instant"})
        shop.price(self.reseller, canary, {"wholesale_monthly": "1.00"})
        shop.admin("POST", "/resellers", {"email": f"{canary}@there.example", "name": canary, "company": canary})
        for number in range(2):
            placed = shop.order(self.reseller, canary, customer=f"{canary}-{number}")
            assert placed.status == 201, placed
        # What this blueprint has none of.
        self.ids |= {name: "none" for name in ("code", "user", "batch") if name not in self.ids}
        self.ids["customer"] = shop.admin("GET", "/customers?limit=1").json["data"][0]["id"]
        self.operator = shop.admin(
            "POST", "/api-keys", {"owner_email": f"owner@{slug}.example", "role": "operator", "name": canary}).json["key"]
        others = (
            "sku", "delivery", "country", "event", "subscriber", "payment", "item", "device", "address", "code", "user",
            "batch")
        self.mine = [canary, slug, *(value for name, value in self.ids.items() if name not in others),
                     self.reseller["email"], self.reseller["key"], self.reseller["webhook_secret"], self.shop.owner_key]

    def credentials(self):
        return {"owner": self.shop.owner_key, "operator": self.operator, "reseller": self.reseller["key"],
                "session": self.session}


def bare(answer):
    """An answer without what differs between any two: the request id."""
    try:
        body = answer.json
    except ValueError:
        return answer.status, answer.body
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name != "request_id"}
    return answer.status, answer.headers.get("content-type"), json.dumps(body, sort_keys=True)


def call(gateway, endpoint, path, key, secret, host=None):
    body = json.dumps(endpoint.good_body()).encode() if endpoint.fields else None
    headers = {"Idempotency-Key": str(uuid.uuid4())} if endpoint.needs_key else {}
    if endpoint.signed:
        headers = signature_headers(secret, endpoint.method, path, str(uuid.uuid4()), body)
    if host:
        headers["Host"] = host
    return gateway.request(endpoint.method, path, body, key=key, headers=headers)


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--base-domain", "shops.example") as gateway:
        with checks("every route that is served is in the table"):
            assert missing(gateway) == [], missing(gateway)
        here = Tenant(gateway, "amber", "canary-here")
        there = Tenant(gateway, "birch", "canary-there")
        for tenant in (here, there):
            done = gateway.patch(f"/provider/v1/tenants/{tenant.shop.slug}", {
                "domains": [{"host": f"{tenant.shop.slug}.own.example"}]}, key=gateway.provider_key)
            assert done.status == 200, done
        before = there.state()
        keys_elsewhere(checks, gateway, here, there)
        ids_elsewhere(checks, gateway, here, there)
        filters_elsewhere(checks, gateway, here, there)
        with checks("G1 nothing of the other tenant has changed by any of it"):
            after = there.state()
            for old, new in zip(before, after):
                assert old == new, (old[:1500], new[:1500])
        roles(checks, gateway, here)
        siblings(checks, here)
        hosts(checks, gateway, here, there)
        idempotency(checks, gateway, here, there)
        webhooks(checks, gateway, here)
    checks.finish()


def seen(tenant, answer):
    text = answer.body.decode("utf-8", "replace") + str(answer.headers)
    # A number of the log, say 1, is no tenant's alone.
    return [mine for mine in tenant.mine if len(mine) > 3 and mine in text]


@contextlib.contextmanager
def many_addresses(gateway):
    """Failed credentials are metered by address: meanwhile each call comes from the next one."""
    numbers = itertools.count()

    def connection():
        number = next(numbers)
        address = f"127.1.{number // 250}.{number % 250 + 1}"
        return http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60, source_address=(address, 0))

    original = gateway.connection
    gateway.connection = connection
    try:
        yield
    finally:
        gateway.connection = original


def keys_elsewhere(checks, gateway, here, there):
    """One tenant's credentials under another's addresses, against credentials that nobody has."""
    unknown = {name: text[:-8] + "AAAAAAAA" for name, text in here.credentials().items()}
    with many_addresses(gateway):
        for api in (ADMIN, PARTNER):
            with checks(f"G1 {api}: a key under another tenant's path or host is an unknown key, status and body alike"):
                for endpoint in ALL:
                    if endpoint.api != api or endpoint.access == "open":
                        continue
                    places = [
                        (there.path(endpoint), None),
                        (there.path(endpoint).removeprefix("/t/birch"), "birch.own.example"),
                        (there.path(endpoint).removeprefix("/t/birch"), "birch.shops.example"),
                        (there.path(endpoint).removeprefix("/t/birch"), "BIRCH.shops.example:8080"),
                        ("/t/nowhere" + there.path(endpoint).removeprefix("/t/birch"), None),
                    ]
                    for path, host in places:
                        for role, key in here.credentials().items():
                            secret = there.reseller["webhook_secret"]
                            foreign = call(gateway, endpoint, path, key, secret, host)
                            nobody = call(gateway, endpoint, path, unknown[role], secret, host)
                            assert foreign.status == 401, (endpoint.name, path, host, role, foreign)
                            assert bare(foreign) == bare(nobody), (endpoint.name, role, foreign, nobody)
                            assert set(foreign.headers) == set(nobody.headers), (endpoint.name, foreign.headers, nobody.headers)
                            assert not seen(there, foreign), (endpoint.name, foreign)

        with checks("G1 P: no tenant's key opens the provider's calls, and the provider's key opens no tenant's"):
            for endpoint in ALL:
                if endpoint.api == PROVIDER:
                    for key in [*here.credentials().values(), here.shop.owner_key[:-8] + "AAAAAAAA"]:
                        answer = call(gateway, endpoint, there.path(endpoint), key, None)
                        assert answer.status == 401 and not seen(there, answer), (endpoint.name, answer)
                elif endpoint.access != "open":
                    answer = call(gateway, endpoint, there.path(endpoint), gateway.provider_key, there.reseller["webhook_secret"])
                    assert answer.status == 401, (endpoint.name, answer)

        with checks("G1 two credentials at once are none: repeated, or joined by a comma"):
            for lines in [(here.shop.owner_key, there.shop.owner_key), (there.shop.owner_key, here.shop.owner_key)]:
                request = (f"GET /t/birch/api/admin/resellers HTTP/1.1\r\nHost: a\r\n"
                           + "".join(f"Authorization: Bearer {key}\r\n" for key in lines) + "Connection: close\r\n\r\n")
                with socket.create_connection(("127.0.0.1", gateway.port), 10) as raw:
                    raw.sendall(request.encode())
                    answer = raw.makefile("rb").read()
                assert answer.split(b" ")[1] in (b"400", b"401") and there.canary.encode() not in answer, answer[:300]


def ids_elsewhere(checks, gateway, here, there):
    """Ids of another tenant, and of another reseller of one's own, against ids that nobody has."""
    nobody = {"slug": "nobody", "reseller": "res_" + "0" * 26, "sku": "nobody", "key": "key_" + "0" * 26,
              "session": "key_" + "0" * 26,
              "order": "ord_" + "0" * 26, "service": "svc_" + "0" * 26, "delivery": "dlv_" + "0" * 26, "event": "ev_" + "0" * 26,
              "reconciliation": "rec_" + "0" * 26, "review": "rev_" + "0" * 26, "subscriber": "sub_" + "0" * 26,
              "payment": "pay_" + "0" * 26, "person": "per_" + "0" * 26, "item": "stk_" + "0" * 26, "device": "none",
              "address": "192.0.2.1:1"}
    with checks("G1 ids of another tenant are unknown: 404, the same body as for ids that there are not"):
        for endpoint in ALL:
            if endpoint.api == PROVIDER:
                continue
            for name in nobody:
                if "{" + name + "}" not in endpoint.path:
                    continue
                theirs = there.canary if name == "sku" else there.ids[name]
                paths = [here.path(endpoint, here.ids | {name: id}) for id in (theirs, nobody[name])]
                foreign, unknown = (
                    call(gateway, endpoint, path, here.credential(endpoint), here.reseller["webhook_secret"])
                    for path in paths)
                assert foreign.status == 404 and bare(foreign) == bare(unknown), (endpoint.name, foreign, unknown)
                assert not seen(there, foreign), (endpoint.name, foreign)

    with checks("G1 bodies that name another tenant's accounts, products and ids reach nothing of theirs"):
        minted = here.shop.admin("POST", "/api-keys", {"owner_email": there.reseller["email"]})
        assert minted.status == 422, minted
        order = here.shop.order(here.reseller, there.canary)
        quote = here.shop.quote(here.reseller, there.canary)
        assert order.status == quote.status == 404, (order, quote)
        signed_in = gateway.post("/t/amber/api/partner/v1/session", {
            "email": there.reseller["email"], "password": there.reseller["password"]})
        assert signed_in.status == 401, signed_in
        header = here.shop.admin("GET", "/price-book.csv").body.decode().splitlines()[0]
        row = f"{there.ids['reseller']},{here.ids['sku']}" + "," * (header.count(",") - 1)
        refused = here.shop.admin("POST", "/price-book.csv", f"{header}\r\n{row}\r\n".encode())
        assert refused.status == 422 and not [mine for mine in (there.canary, there.reseller["email"]) if mine in str(refused)]


def filters_elsewhere(checks, gateway, here, there):
    with checks("G1 lists, exports and the audit log hold one tenant's own, whatever filter names another's"):
        for path in ["/resellers?limit=100", "/api-keys?limit=100", "/products?limit=100", "/orders?limit=100", "/services?limit=100",
                     "/customers?limit=100", "/deliveries", "/price-book.csv", "/settings", "/audit?limit=100", "/audit.csv",
                     "/audit.jsonl", "/audit/head", "/usage?limit=100", "/users", "/credit-events", "/reconciliations", "/reviews",
                     "/licences", "/ports"]:
            answer = here.shop.admin("GET", path)
            assert answer.status == 200, (path, answer)
            assert not seen(there, answer), (path, seen(there, answer))
        for path in ["/orders?reseller=", "/services?reseller=", "/customers?reseller=", "/api-keys?reseller=", "/audit?reseller=",
                     "/usage?reseller=", "/deliveries?reseller=", "/audit?key="]:
            foreign, unknown = (
                here.shop.admin("GET", path + id)
                for id in ((there.ids["key"], "key_" + "0" * 26) if path.endswith("key=")
                           else (there.ids["reseller"], "res_" + "0" * 26)))
            assert bare(foreign) == bare(unknown), (path, foreign, unknown)
        cursor = there.shop.admin("GET", "/orders?limit=1").json["next_cursor"]
        assert cursor
        answer = here.shop.admin("GET", f"/orders?limit=1&cursor={cursor}")
        assert answer.status == 400 and not seen(there, answer), answer


def roles(checks, gateway, here):
    allowed = {"owner": {"owner"}, "operator": {"owner", "operator"}, "reseller": {"reseller", "session"}, "session": {"session"},
               "operator's session": set()}
    with checks("G1 O1 W8 roles: owner, operator, reseller, session; what a key is not for is 403, on every endpoint"):
        for endpoint in ALL:
            if endpoint.api == PROVIDER or endpoint.access == "open":
                continue
            for role, key in here.credentials().items():
                if role in allowed[endpoint.access]:
                    continue
                answer = call(gateway, endpoint, here.path(endpoint), key, here.reseller["webhook_secret"])
                assert answer.status == 403, (endpoint.name, role, answer)
                assert not seen(here, answer), (endpoint.name, role, answer)
        for role, key in here.credentials().items():
            alive = gateway.get("/t/amber/api/admin/settings" if role in ("owner", "operator")
                                else "/t/amber/api/partner/v1/balance", key=key)
            assert alive.status == 200, (role, alive)

    with checks("G1 without any credential: 401 everywhere but on what is open, whatever the id"):
        with many_addresses(gateway):
            for endpoint in ALL:
                if endpoint.access != "open":
                    answer = call(gateway, endpoint, here.path(endpoint), None, here.reseller["webhook_secret"])
                    assert answer.status == 401 and not seen(here, answer), (endpoint.name, answer)
        answers = [gateway.get(f"/t/amber/api/admin/resellers/{id}") for id in (here.ids["reseller"], "res_none")]
        assert [answer.status for answer in answers] == [401, 401] and bare(answers[0]) == bare(answers[1])
        assert all(answer.headers.get("www-authenticate") for answer in answers)


def siblings(checks, here):
    with checks("G1 W6 one reseller reads nothing of its sibling's: orders, services, customers, keys, webhook, prices"):
        shop = here.shop
        sibling = shop.reseller(balance="10.00")
        session = shop.sign_in(sibling)
        for path in [f"/orders/{here.ids['order']}", f"/services/{here.ids['service']}", "/webhook"]:
            assert shop.get(sibling, path).status == 404, path
        for path in ["/orders", "/services", "/customers", "/products", f"/customers?external_id={here.canary}-0"]:
            assert shop.get(sibling, path).json["data"] == [], path
        keys = shop.call(sibling, "GET", "/keys", key=session).json["data"]
        assert [key["id"] for key in keys] == [sibling["key_id"]], keys
        # A cursor of another's list is none.
        cursor = shop.get(here.reseller, "/orders?limit=1").json["next_cursor"]
        assert shop.get(sibling, f"/orders?cursor={cursor}").status == 400
        # A sibling's signature signs nothing here.
        answer = shop.order(dict(here.reseller, webhook_secret=sibling["webhook_secret"]), here.ids["sku"])
        assert answer.status == 401, answer
    with checks("G1 W6 a reseller's statement, page and file, counts nobody else's orders, and names each posting"):
        def page():
            return shop.get(here.reseller, "/statement").json["data"]

        first = page()
        names = [row.pop("posting") for row in first]
        numbers = {value for row in first for value in row.values() if not isinstance(value, str)}
        assert numbers <= {None} and all(name.startswith("pst_") for name in names), first
        assert len(set(names)) == len(names) and [row["posting"] for row in page()] == names
        file = shop.get(here.reseller, "/statement.csv").body.decode().splitlines()
        assert [line.split(",")[0] for line in file[1:]] == names, file
        # The operator finds a movement by the name that the reseller has for it.
        path = f"/resellers/{here.reseller['id']}/statement"
        assert [row["public_id"] for row in shop.admin("GET", path).json["data"]] == names
        file = shop.admin("GET", f"{path}.csv").body.decode().splitlines()
        assert file[0].endswith(",public_id") and [line.split(",")[-1] for line in file[1:]] == names, file


def hosts(checks, gateway, here, there):
    with checks("G1 P2 a tenant's own host names it, and a domain of one tenant cannot be another's: 409"):
        for host in ("amber.own.example", "amber.shops.example", "AMBER.OWN.example", "amber.own.example:80"):
            answer = gateway.get("/api/partner/v1/balance", key=here.reseller["key"], headers={"Host": host})
            assert answer.status == 200, (host, answer)
        taken = gateway.patch("/provider/v1/tenants/birch", {"domains": [{"host": "amber.own.example"}]}, key=gateway.provider_key)
        assert taken.status == 409, taken
        assert gateway.get("/provider/v1/tenants/birch", key=gateway.provider_key).json["domains"] == ["birch.own.example"]
        answer = gateway.get("/api/partner/v1/balance", key=here.reseller["key"], headers={"Host": "amber.own.example"})
        assert answer.status == 200, answer

    with checks("G1 bare paths find the tenant by the key"):
        for tenant in (here, there):
            answer = gateway.get("/api/admin/settings", key=tenant.shop.owner_key)
            assert answer.status == 200 and tenant.canary in answer.json["name"], answer

    with checks("G1 a path's tenant and a host's: the request reads one tenant only, with that tenant's key only"):
        for host, path, key in [("amber.own.example", "/t/birch", here.shop.owner_key), ("birch.own.example", "/t/amber", there.shop.owner_key)]:
            answer = gateway.get(path + "/api/admin/settings", key=key, headers={"Host": host})
            assert answer.status == 404, (host, path, answer)

    with checks("G1 paths that try to leave a tenant: dots, slashes, case, encodings"):
        for path in ["/t/amber/../birch", "/t/amber/%2e%2e/birch", "/t/amber%2f..%2fbirch", "/t/AMBER", "/t//amber", "/t/amber/t/birch", "/t/",
                     "/t/%61mber", "/t/amber%00", "//t/amber", "/t/amber/./"]:
            answer = gateway.get(path + "/api/admin/settings", key=there.shop.owner_key)
            assert answer.status in (400, 401, 404), (path, answer)
            assert not seen(here, answer) and not seen(there, answer), (path, answer)


def idempotency(checks, gateway, here, there):
    with checks("G1 G4 the same Idempotency-Key in two tenants is two calls, neither hears the other's answer"):
        answers = []
        for tenant in (here, there):
            answers.append(tenant.shop.order(tenant.reseller, tenant.ids["sku"], key="shared"))
        assert [answer.status for answer in answers] == [201, 201], answers
        assert answers[0].json["order"]["id"] != answers[1].json["order"]["id"]
        assert all("idempotency-hit" not in answer.headers for answer in answers)

    with checks("G1 limits are a tenant's own: one tenant at its limit leaves the other's calls alone"):
        done = gateway.patch("/provider/v1/tenants/amber", {"rate_limit": {"requests": 1, "window_seconds": 3600}}, key=gateway.provider_key)
        assert done.status == 200, done
        statuses = [gateway.get("/t/amber/api/partner/v1/balance", key=here.reseller["key"]).status for _ in range(4)]
        assert statuses[-1] == 429, statuses
        assert gateway.get("/t/birch/api/partner/v1/balance", key=there.reseller["key"]).status == 200
        gateway.patch("/provider/v1/tenants/amber", {"rate_limit": None}, key=gateway.provider_key)
        assert gateway.get("/t/amber/api/partner/v1/balance", key=here.reseller["key"]).status == 200

    with checks("G1 a tenant that is deleted takes nothing of another along, and its key is unknown afterwards"):
        gone = Tenant(gateway, "gone", "canary-gone")
        done = gateway.delete("/provider/v1/tenants/gone?confirm=gone", key=gateway.provider_key)
        assert done.status == 204, done
        for path in ("/t/gone/api/admin/settings", "/api/admin/settings", "/t/birch/api/admin/settings"):
            assert gateway.get(path, key=gone.shop.owner_key).status == 401, path
        assert gateway.get("/t/birch/api/admin/settings", key=there.shop.owner_key).status == 200


def webhooks(checks, gateway, here):
    with checks("O10 W5 secrets of others are in no answer: no key, signing secret or password hash in any list"):
        for path in ["/resellers?limit=100", f"/resellers/{here.ids['reseller']}", "/api-keys?limit=100", f"/api-keys/{here.ids['key']}",
                     "/audit?limit=100", "/audit.jsonl", "/settings", "/deliveries"]:
            text = here.shop.admin("GET", path).body.decode()
            for secret in (here.reseller["key"], here.reseller["webhook_secret"], here.shop.owner_key, here.operator, here.session,
                           "scrypt", "password_hash", PASSWORD, "whsec_"):
                assert secret not in text, (path, secret[:12])


if __name__ == "__main__":
    main()
