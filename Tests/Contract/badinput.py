#!/usr/bin/env python3
"""Bad input (native APIs; P1, O, W4, G6): every field of every endpoint with values of the wrong type, missing,
null, too long, too large; broken bodies; broken queries and paths. Each is refused with a 4xx that names the field, and
nothing has changed afterwards. Generated from the table in endpoints.py."""

import http.client
import json
import re
import time
import uuid
from urllib.parse import quote

from endpoints import ADMIN, ALL, PARTNER, PROVIDER, Field, Raw, missing
from shop import Shop
from support import Checks, Gateway, arguments, signature_headers


def encode(value):
    """JSON with `Raw` parts as they stand."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{encode(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(encode(element) for element in value) + "]"
    return json.dumps(value)


class Scene:
    """A tenant with one of everything, to be left as it is."""

    def __init__(self, gateway, slug="scene"):
        self.gateway = gateway
        self.shop = shop = Shop(gateway, slug=slug)
        self.reseller = shop.reseller(balance="1000.00")
        self.session = shop.sign_in(self.reseller)
        sku, metal = shop.product(), shop.product(fulfilment="manual")
        for product in ("vps-1", sku, metal):
            shop.price(self.reseller, product, {"wholesale_monthly": "1.00"})
        done = shop.order(self.reseller, sku)
        waiting = shop.order(self.reseller, metal)
        assert done.status == waiting.status == 201, (done, waiting)
        hook = shop.call(self.reseller, "PUT", "/webhook", {"url": "https://shop.example/hook", "events": ["order.created"]})
        # What is queued stays as it is.
        paused = shop.call(self.reseller, "POST", f"/webhooks/{hook.json['id']}/pause")
        assert paused.status == 200, paused
        shop.order(self.reseller, sku)
        deliveries = shop.admin("GET", "/deliveries").json["data"]
        ledger = b'{"external_ref":"e-1","kind":"purchase","amount":"1.00","at":"2026-01-01T00:00:00Z"}\n'
        differing = shop.admin("POST", f"/reconciliations?reseller={self.reseller['id']}", ledger)
        assert differing.status in (200, 201), differing
        person = shop.admin("POST", "/people", {"email": "p@there.example", "name": "P", "role": "support"})
        assert person.status == 201, person
        signed_in = shop.admin("GET", f"/resellers/{self.reseller['id']}/sessions").json["data"][0]["id"]
        self.ids = {
            "audit_row": "1", "request": "req_" + "0" * 32,
            "slug": shop.slug, "reseller": self.reseller["id"], "sku": sku, "key": self.reseller["key_id"],
            "session": signed_in, "person": person.json["id"],
            "customer": shop.admin("GET", "/customers").json["data"][0]["id"],
            "order": waiting.json["order"]["id"], "service": done.json["services"][0]["id"],
            "delivery": deliveries[0]["id"] if deliveries else "dlv_none", "country": "germany_id",
            "webhook": hook.json["id"], "event": "ev_none", "replay": "rpl_none", "item": "stk_none", "device": "none",
            "node": "none",
            "address": "192.0.2.1:1", "subscriber": "sub_none", "payment": "pay_none",
            "reconciliation": shop.admin("GET", "/reconciliations").json["data"][0]["id"],
            "review": shop.admin("GET", "/reviews").json["data"][0]["id"]}
        self.connection = gateway.connection()
        # More headers of every call.
        self.headers = dict

    def path(self, endpoint, ids=None):
        base = "" if endpoint.api == PROVIDER else self.shop.base
        return base + endpoint.api + endpoint.path.format(**(ids or self.ids))

    def credential(self, endpoint):
        return {"provider": self.gateway.provider_key, "provider's reader": self.gateway.provider_key,
                "owner": self.shop.owner_key, "operator": self.shop.owner_key,
                "operator's session": self.shop.owner_key,
                "reseller": self.reseller["key"], "session": self.session, "open": None}[endpoint.access]

    def send(self, endpoint, body=None, path=None, query=""):
        path = (path or self.path(endpoint)) + query
        headers = self.headers()
        if endpoint.signed:
            headers |= signature_headers(
                self.reseller["webhook_secret"], endpoint.method, path, str(uuid.uuid4()), body or b"")
        elif endpoint.needs_key:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        try:
            return self.gateway.request(
                endpoint.method, path, body, key=self.credential(endpoint), headers=headers, connection=self.connection)
        except (OSError, http.client.HTTPException):
            # A refusal may close the connection; the next call opens one.
            self.connection.close()
            return self.gateway.request(endpoint.method, path, body, key=self.credential(endpoint), headers=headers)

    def unchanged(self, before):
        changed = [pair for pair in zip(before, self.state()) if pair[0] != pair[1]]
        assert not changed, changed

    def state(self):
        """All that could have been changed, as text."""
        parts = []
        for path in ["/resellers", f"/resellers/{self.reseller['id']}", "/api-keys", "/products", "/price-book.csv",
                     "/orders", "/services", "/customers", "/deliveries", "/settings", "/countries", "/reviews",
                     "/reconciliations", "/credit-events", "/licences", "/users", "/payments", "/orders?mode=test",
                     f"/resellers/{self.reseller['id']}/statement"]:
            answer = self.shop.admin("GET", path)
            assert answer.status == 200, (path, answer)
            # Calls are counted some seconds behind (O6).
            parts.append(re.sub(r'"last_call_at":("[^"]*"|null)', "", answer.body.decode()))
        tenants = self.gateway.get("/provider/v1/tenants?limit=100", key=self.gateway.provider_key).json
        for tenant in tenants["data"]:
            for name in ("bytes", "counts", "last_request_at"):
                tenant.pop(name, None)
        parts.append(json.dumps(tenants))
        parts.append(self.gateway.get(self.shop.base + PARTNER + "/webhook", key=self.reseller["key"]).body.decode())
        return parts


def refused(answer, what):
    assert 400 <= answer.status < 500 and answer.status not in (401, 403, 404, 408, 409, 429), (what, answer)
    problem = answer.json
    assert answer.headers["content-type"] == "application/problem+json", (what, answer.headers)
    for name in ("type", "title", "status", "detail", "code", "request_id"):
        assert problem.get(name), (what, problem)
    assert problem["status"] == answer.status, (what, problem)
    assert problem["request_id"] == answer.headers["request-id"], (what, problem)
    return problem


def at(answer, pointer, what):
    problem = refused(answer, what)
    assert answer.status == 422, (what, answer)
    pointers = [error["pointer"] for error in problem["errors"]]
    assert pointers and all(found == pointer or found.startswith(pointer + "/") for found in pointers), (what, pointers)
    for error in problem["errors"]:
        assert error["code"] and error["detail"], (what, error)


def leaves(fields, pointer=()):
    for name, field in fields.items():
        if isinstance(field, dict):
            yield (*pointer, name), field
            yield from leaves(field, (*pointer, name))
        else:
            yield (*pointer, name), field


def changed(body, pointer, value, remove=False):
    copy = json.loads(json.dumps(body))
    place = copy
    for name in pointer[:-1]:
        place = place[name]
    if remove:
        del place[pointer[-1]]
    else:
        place[pointer[-1]] = value
    return copy


def fields_of(scene, endpoint):
    body = endpoint.good_body()
    count = 0
    for pointer, field in leaves(endpoint.fields):
        text = "/" + "/".join(pointer)
        if isinstance(field, Field):
            bad, required, null_is_bad = field.bad, field.required, field.null_is_bad
        else:
            required = pointer[-1] not in endpoint.optional_objects
            bad, null_is_bad = [5, "x", True, [], [{}]], required
        for value in bad + ([None] if null_is_bad else []):
            answer = scene.send(endpoint, encode(changed(body, pointer, value)).encode())
            at(answer, text, (endpoint.name, text, str(value)[:80]))
            count += 1
        if required:
            left_out = scene.send(endpoint, encode(changed(body, pointer, None, remove=True)).encode())
            at(left_out, text, (endpoint.name, text, "left out"))
            codes = {error["code"] for error in left_out.json["errors"] if error["pointer"] == text}
            assert codes == {"required"}, (endpoint.name, text, left_out)
            count += 1
    return count


BROKEN = [
    b"{", b"}", b"[", b"{]", b"nul", b"tru", b"'a'", b"{'a':1}", b'{"a"}', b'{"a":}', b'{"a":1,}', b'{a:1}', b'{"a":1}}',
    b'{"a":1} x', b'{"a":01}', b'{"a":+1}', b'{"a":.5}', b'{"a":1.}', b'{"a":1e}', b'{"a":NaN}', b'{"a":Infinity}',
    b'{"a":"\x00"}', b'{"a":"\n"}', b'{"a":"\xff"}', b'{"a":"\xc0\x80"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\\ud800"}',
    b'{"a":"\\udc00\\ud800"}', b'{"a":"\\x41"}', b'{"a":"\\u12"}', b'{"a":"', b'{"a":1,"a":1}', b'{"a":1,"\\u0061":1}',
    b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"[" * 100_000, b'{"a":' * 100_000, b"[" * 500 + b"]" * 500, b"\x00", b"--", b"1 2",
    b"/* */ {}", b"{}{}", b'{"a":' + b"9" * 5000 + b"}",
]


def bodies(scene, endpoint):
    good = json.dumps(endpoint.good_body()).encode()
    for body in BROKEN + [good[:cut] for cut in (1, len(good) // 2, len(good) - 1)] + [good + b"x", good + good]:
        answer = scene.send(endpoint, body)
        refused(answer, (endpoint.name, body[:60]))
        assert answer.status == 400, (endpoint.name, body[:60], answer)
    for body in (b"[]", b"5", b"null", b'"x"', b"true", b"[{}]"):
        at(scene.send(endpoint, body), "", (endpoint.name, body))
    first = next(iter(endpoint.fields))
    twice = good[:-1] + b"," + json.dumps(first).encode() + b":null}"
    assert scene.send(endpoint, twice).status == 400, (endpoint.name, "the first field twice")
    if not endpoint.optional_body:
        for body in (b"", None) if endpoint.may_be_empty else (b"", None, b"{}"):
            answer = scene.send(endpoint, body)
            refused(answer, (endpoint.name, body))
            assert answer.status in (400, 422), (endpoint.name, body, answer)
    large = scene.send(endpoint, b'{"a":"' + b"x" * (1 << 20) + b'"}')
    assert large.status == 413, (endpoint.name, large)


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate) as gateway:
        with checks("every route that is served is in the table"):
            assert missing(gateway) == [], missing(gateway)
        scene = Scene(gateway)
        before = scene.state()
        for endpoint in ALL:
            if endpoint.fields is None:
                continue
            if endpoint.path == "/topup":
                # Ten in 15 minutes a reseller: `topups.py` has its field.
                continue
            if endpoint.path in ("/apply", "/session"):
                # Both would be rationed by address long before the end; their fields are read alike.
                rationed(options, checks, endpoint)
                continue
            with checks(f"{endpoint.name}: each field refused by name when it is wrong"):
                fields_of(scene, endpoint)
            with checks(f"{endpoint.name}: broken bodies"):
                bodies(scene, endpoint)
        with checks("nothing has changed by any of it"):
            after = scene.state()
            for old, new in zip(before, after):
                assert old == new, (old[:2000], new[:2000])

        for endpoint in ALL:
            if not endpoint.query:
                continue
            with checks(f"{endpoint.name}: bad queries are refused by parameter"):
                for name, values in endpoint.query.items():
                    for value in values:
                        encoded = value if value.startswith("%") else quote(value)
                        answer = scene.send(endpoint, query=f"?{name}={encoded}")
                        problem = refused(answer, (endpoint.name, name, value))
                        if answer.status == 422:
                            assert problem["errors"][0]["pointer"] == f"/{name}", problem
                for query in ("?%", "?a=%zz", "?limit=%00", "?%ff=1", "?" + "&".join(["a=1"] * 300)):
                    answer = scene.send(endpoint, query=query)
                    refused(answer, (endpoint.name, query))
                whole = ("?", "?&&") if endpoint.method == "GET" else ()
                for query in (*whole, "?limit=1&limit=1", "?limit=100", "?unknown=1"):
                    answer = scene.send(endpoint, query=query)
                    assert answer.status < 500, (endpoint.name, query, answer)

        strange = ["%00", "..", "%2e%2e%2f%2e%2e", "%2F", "x" * 3000, "%F0%9F%92%A9", "'%20OR%201=1--", "%ff", "%zz", "-1",
                   "9223372036854775808", "res_", "ord_" + "0" * 400, "%0d%0aX:%201", "{id}", "*"]
        with checks("ids that there are not, in every path: 4xx, never 5xx, nothing changes"):
            for endpoint in ALL:
                for name in scene.ids:
                    # A country is made by its first price, whatever its id.
                    if "{" + name + "}" not in endpoint.path or name == "country":
                        continue
                    for value in strange:
                        body = json.dumps(endpoint.good_body()).encode() if endpoint.fields else None
                        path = scene.path(endpoint, scene.ids | {name: value})
                        answer = scene.send(endpoint, body, path=path)
                        assert 400 <= answer.status < 500 and answer.status not in (401, 403), (endpoint.name, value, answer)
            scene.unchanged(before)

        with checks("O4 price books that are none: every line named, nothing imported"):
            price_books(scene)
            scene.unchanged(before)

        with checks("P5 restores of what is no tenant's file: 4xx, nothing changes"):
            for body in (b"x", b"SQLite format 3\x00", b"SQLite format 3\x00" + b"\x00" * 100_000, b"\x00" * 5000):
                answer = gateway.post("/provider/v1/tenants/scene/restore", body, key=gateway.provider_key)
                assert 400 <= answer.status < 500, answer
            scene.unchanged(before)

        with checks("W5 signature headers that are none: 401 each, and no order"):
            signatures(scene)
            scene.unchanged(before)

        with checks("no call was answered 5xx or left a message on standard error"):
            metrics = gateway.get("/metrics").body.decode()
            failed = [line for line in metrics.splitlines() if 'status="5' in line and not line.endswith(" 0")]
            assert failed == [], failed
            assert gateway.errors() == "", gateway.errors()[:2000]
    checks.finish()


def rationed(options, checks, endpoint):
    """Open endpoints with a gateway each, since calls are rationed by address; only some values fit."""
    with Gateway(options.tollgate, demo=False) as gateway:
        scene = Scene(gateway)
        before = scene.state()
        with checks(f"{endpoint.name}: fields and bodies, as far as the ration goes; nothing changes"):
            body = endpoint.good_body()
            tried = 0
            for pointer, field in leaves(endpoint.fields):
                for value in [None, 5, "", "\u0000", "x" * 100_000]:
                    if value is None and not field.required:
                        continue
                    if tried == 15:
                        break
                    tried += 1
                    answer = scene.send(endpoint, encode(changed(body, pointer, value)).encode())
                    if value == "x" * 100_000:
                        assert answer.status == 413, answer  # strangers' bodies have a bound of their own
                    else:
                        at(answer, "/" + "/".join(pointer), (endpoint.name, pointer, str(value)[:40]))
            for text in (b"{", b"", b"[]"):
                refused(scene.send(endpoint, text), (endpoint.name, text))
            scene.unchanged(before)


def price_books(scene):
    header = ("reseller,sku,wholesale_monthly,wholesale_quarterly,wholesale_semi_annual,wholesale_annual,"
              "wholesale_hourly,wholesale_setup_fee,discount_rate_override,is_enabled,max_quantity")
    reseller, sku = scene.ids["reseller"], scene.ids["sku"]
    good = f"{reseller},{sku},9.99,,,,,,,true,"
    endpoint = next(endpoint for endpoint in ALL if endpoint.method == "POST" and endpoint.path == "/price-book.csv")

    def send(text):
        return scene.send(endpoint, text if isinstance(text, bytes) else text.encode())

    for text in ["", "\n", "x", header.replace("sku,", ""), header + ",more", header + ",sku", good, b"\xff\xfe\x00", b"\x00",
                 header + "\n" + '"unclosed', header.replace("wholesale_monthly", "wholesale_daily")]:
        answer = send(text)
        assert answer.status in (400, 422), (text[:80], answer)
    for column, value in [(0, "res_none"), (0, ""), (1, "none"), (1, ""), (2, "eight"), (2, "-1"), (2, "1e99"), (2, "0.0000001"),
                          (3, "1,5"), (8, "101"), (8, "-1"), (9, "maybe"), (10, "1.5"), (10, "-1"), (10, "99999999999999999999")]:
        cells = good.split(",")
        cells[column] = f'"{value}"' if "," in value else value
        answer = send("\r\n".join([header, good.replace("9.99", "8.88"), ",".join(cells)]))
        assert answer.status == 422, (column, value, answer)
        pointers = [error["pointer"] for error in answer.json["errors"]]
        assert pointers and all(pointer.startswith("/line/3/") for pointer in pointers), (column, value, pointers)
    for row in [good + ",more", good.rsplit(",", 1)[0], '"' + good, good + "\n" + good]:
        answer = send(header + "\n" + row)
        assert answer.status == 422, (row, answer)


def signatures(scene):
    endpoint = next(endpoint for endpoint in ALL if endpoint.signed)
    path, body = scene.path(endpoint), json.dumps(endpoint.good_body()).encode()
    good = signature_headers(scene.reseller["webhook_secret"], "POST", path, "sig", body)
    stamp, sign = "X-Tollgate-Timestamp", "X-Tollgate-Signature"
    now = int(time.time())
    def signed(*arguments):
        return signature_headers(scene.reseller["webhook_secret"], *arguments)
    cases = [
        {name: value for name, value in good.items() if name != stamp}, {name: value for name, value in good.items() if name != sign},
        {**good, stamp: ""}, {**good, stamp: "x"}, {**good, stamp: good[stamp] + ".0"}, {**good, stamp: "-" + good[stamp]},
        {**good, stamp: "+" + good[stamp]}, {**good, stamp: str(now + 1)}, {**good, stamp: "9" * 30}, {**good, stamp: str(-2**63)},
        {**good, sign: ""}, {**good, sign: "v1="}, {**good, sign: good[sign][3:]}, {**good, sign: "v2=" + good[sign][3:]},
        {**good, sign: good[sign][:-1]}, {**good, sign: good[sign] + "0"}, {**good, sign: "v1=" + "0" * 64},
        {**good, sign: "v1=" + "g" * 64}, {**good, sign: good[sign] + "," + good[sign]},
        {**good, "Idempotency-Key": "other"},
        signed("POST", path, "sig", body, now - 301), signed("POST", path, "sig", body, now + 310), signed("GET", path, "sig", body),
        signed("POST", path + "?x=1", "sig", body), signed("POST", path.upper(), "sig", body), signed("POST", path, "sig", body + b" "),
        signed("POST", path.removeprefix(scene.shop.base), "sig", body), signed("POST", path, '"sig"', body) | {"Idempotency-Key": "sig"},
    ]
    for headers in cases:
        answer = scene.gateway.post(path, body, key=scene.reseller["key"], headers=headers)
        assert answer.status == 401 and answer.json["code"] == "bad_signature", (headers, answer)
    # Whatever else is wrong: what is not signed is not looked into.
    for wrong, query in ((b"{", ""), (b"", ""), (b"{}", ""), (b"[]", ""), (b" " * 100_000, ""), (body, "?x=1")):
        for headers in (good | {sign: "v1=" + "0" * 64}, {"Idempotency-Key": "sig"}):
            answer = scene.gateway.post(path + query, wrong, key=scene.reseller["key"], headers=headers)
            assert answer.status == 401 and answer.json["code"] == "bad_signature", (wrong[:9], query, headers, answer)


if __name__ == "__main__":
    main()
