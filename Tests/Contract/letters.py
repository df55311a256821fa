#!/usr/bin/env python3
"""What looks alike is one, and what is not what it seems is refused (the contract's head): letters and numbers in every
field of every body and in every parameter of text, addresses, passwords, ids and their look-ups, in every API."""

import json
import unicodedata
import uuid
from urllib.parse import quote

from access import Caller, address
from badinput import Scene, at, changed, encode, leaves
from endpoints import ADMIN, ALL, CODES, EVERY, LICENCES, PARTNER, PORTS, PROVIDER, REPORTS, nameless, served
from shop import PASSWORD, Shop
from strict import Sender, row
from support import Checks, Gateway, arguments

# Zero-width, bidirectional, a separator of lines, a noncharacter.
UNSEEN = ["\u200b", "\u200e", "\u202e", "\u2066", "\ufeff", "\u2028", "\ufdd0"]
# Of ids besides: joiners, a space that is none, letters that nobody has assigned.
UNSEEN_IN_IDS = UNSEEN + ["\u200d", "\u00a0", "\u3164", "\ue000", "\u0378"]
# Taken as they are sent, or judged for what they open.
SECRETS = {"password", "old", "new", "api_token"}
# Who is kept by an address from before may sign in by it.
SIGN_INS = ("/session", "/login", "/login/signin")
# By API: the row that its texts are told under.
ROWS = {REPORTS: "C2", LICENCES: "L2", PORTS: "X3", CODES: "A4"}
NOT_ADDRESSES = [
    "<a@b.example>", "a@b.example>", "Ann <a@b.example>", '"a b"@c.example', "a(b)@c.example", "=1+1@b.example",
    "+a@b.example", "-a@b.example", ".a@b.example", "a.@b.example", "a..b@c.example", "a@[192.0.2.1]", "a@192.0.2.1",
    "a@-b.example", "a@b_c.example", "a@b.example.", "a@xn--zzzzzzzz.example", "a@ab--c.example", "a,b@c.example",
    "a;b@c.example", "a@b@c.example", "\u200ba@b.example", "a\u202e@b.example", "a@b\u200d.example",
    "a@b\u00ad.example", "a\u00a0b@c.example", "a@\u3000b.example", "é" * 33 + "@b.example",
    "a@" + "ä" * 60 + ".example",
]


def decomposed(text):
    return unicodedata.normalize("NFD", text)


def letters(checks, scene):
    """P, O, W: no text holds what nobody sees, none is white space alone."""
    for endpoint in ALL:
        # Ten in 15 minutes a reseller: `topups.py` has its field.
        if not endpoint.fields or endpoint.path == "/topup":
            continue
        with checks(
            f"{row(endpoint)} {endpoint.name}: texts hold nothing that nobody sees, and are never white space alone"
        ):
            for pointer, field in leaves(endpoint.fields):
                # Passwords are taken as they are sent.
                is_password = pointer[-1] == "password" or endpoint.path.endswith("/account/password")
                if isinstance(field, dict) or not isinstance(field.good, str) or is_password:
                    continue
                for value in [field.good + letter for letter in UNSEEN] + [
                    UNSEEN[0] + field.good,
                    " ",
                    "   ",
                    "\u3000",
                    "\u2003 ",
                ]:
                    if endpoint.path == "/session" and pointer == ("email",) and value.strip():
                        continue  # who is kept so from before may sign in
                    answer = scene.send(endpoint, encode(changed(endpoint.good_body(), pointer, value)).encode())
                    at(answer, "/" + "/".join(pointer), (endpoint.name, pointer, value))


def is_text(schema):
    is_time = schema.get("format", "").startswith("date")
    return "string" in schema.get("type", ()) and "enum" not in schema and not is_time


def texts(schema, place=()):
    """Pointer and schema of each member that is text, as a description has them, in objects of it as well."""
    for part in [schema, *schema.get("anyOf", [])]:
        for name, member in part.get("properties", {}).items():
            if is_text(member):
                yield (*place, name), member
            yield from texts(member, (*place, name))


def bodies(described, routes):
    """Of each route whose JSON body has text: the route, a body that is good, and its texts by their pointers."""
    for endpoint in routes:
        operation = described[endpoint.api, endpoint.method, nameless(endpoint.path)]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None or endpoint.raw or endpoint.path == "/topup":
            continue
        found = dict(texts(content["schema"]))
        found = {place: schema for place, schema in found.items() if place[-1] not in SECRETS}
        body = endpoint.good_body() if endpoint.fields else content.get("example", {})
        if found:
            yield endpoint, body, found


def spellings(schema):
    """A text of accents in NFC and in NFD, short, and as long as it may be where it is counted in NFC."""
    end = "@b.example" if schema.get("format") == "email" else ""
    long = min(schema.get("maxLength", 64), 64 if end else 4_000)
    for text in (f"\u00e9{uuid.uuid4().hex[:8]}", "\u00e9" * long):
        yield text + end, decomposed(text + end)


def both_forms(checks, scene, described):
    """P, O, W: what is judged of a text in NFC is judged of it in NFD, in every field. A member that nobody reads
    keeps the call from having its effect."""
    def wrong(endpoint, body, place, text):
        answer = scene.send(endpoint, encode({**changed(body, place, text), "nobody_reads": 1}).encode())
        assert answer.status == 422, (endpoint.name, place, text, answer)
        return sorted((error["pointer"], error["code"], error["detail"]) for error in answer.json["errors"])

    for endpoint, body, found in bodies(described, ALL):
        with checks(f"{row(endpoint)} {endpoint.name}: a text in NFD is the text in NFC, and is counted so"):
            for place, schema in found.items():
                for composed, other in spellings(schema):
                    one, two = wrong(endpoint, body, place, composed), wrong(endpoint, body, place, other)
                    assert one == two, (place, composed, one, two)


def dialect_bodies(checks, send, described, routes):
    """C, A, X, L: no text holds what nobody sees, none is white space alone, and NFD is NFC; the refusal names the
    member in the API's own envelope."""
    for endpoint, body, found in bodies(described, routes):
        # The service signs what it sends: `payments.py` has it.
        if endpoint.access == "payment service" or endpoint.path in SIGN_INS:
            continue
        row = ROWS[endpoint.api]
        invalid = 400 if endpoint.api == CODES else 422

        def is_refused(place, value):
            answer = send(endpoint, body=json.dumps(changed(body, place, value)).encode())
            assert answer.status < 500 and answer.status not in (401, 403, 429), (place, value, answer)
            assert unicodedata.is_normalized("NFC", answer.body.decode()), (place, value, answer)
            return answer.status == invalid and place[-1] in "".join(map(str, answer.json.values()))

        with checks(f"{row} {endpoint.name}: texts hold nothing that nobody sees, and are never white space alone"):
            for place in found:
                for value in [f"a{letter}b" for letter in UNSEEN] + [UNSEEN[0], " ", "   ", "\u3000", "\u2003 "]:
                    assert is_refused(place, value), (place, value)
        with checks(f"{row} {endpoint.name}: a text in NFD is the text in NFC, and is counted so"):
            for place, schema in found.items():
                for composed, other in spellings(schema):
                    assert is_refused(place, other) == is_refused(place, composed), (place, composed)


def parameters(checks, send, described, routes):
    """Every parameter of a query that is text."""
    for endpoint in routes:
        operation = described[endpoint.api, endpoint.method, nameless(endpoint.path)]
        names = [
            (one["name"], one["schema"]) for one in operation["parameters"]
            if one["in"] == "query" and is_text(one["schema"]) and one["name"] not in ("cursor", "after")]
        if endpoint.method != "GET" or not names:
            continue
        with checks(f"O6 {endpoint.name}: no parameter holds what nobody sees, and NFD asks for what NFC asks for"):
            for name, schema in names:
                for value in [f"a{letter}b" for letter in UNSEEN] + [UNSEEN[0], " ", "\u3000"]:
                    answer = send(endpoint, f"{name}={quote(value)}")
                    assert answer.status in (400, 422) and name in answer.body.decode(), (name, value, answer)
                for forms in spellings(schema):
                    one, two = (send(endpoint, f"{name}={quote(text)}") for text in forms)
                    assert one.status == two.status < 500, (name, forms[0], one, two)
                    # A refusal may repeat a word as it was asked for.
                    assert one.status != 200 or unicodedata.is_normalized("NFC", two.body.decode()), (name, two)


def numbers(checks, shop, reseller):
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})

    def quote(text):
        body = f'{{"product":"{sku}","term":"monthly","quantity":{text},"customer":{{"external_id":"c"}}}}'.encode()
        return shop.call(reseller, "POST", "/orders/quote", body)

    with checks("W4 an integer is any JSON number of whole value"):
        for text, value in [
            ("1", 1), ("1.0", 1), ("1e0", 1), ("1e1", 10), ("1E+1", 10), ("100e-1", 10), ("0.2e1", 2), ("1.50e2", 150),
        ]:
            assert quote(text).json["quantity"] == value, text
        for text in ("1.5", "1e-1", "15e-1", "-1", "-0", "0", "1e99", "1e400", '"1"', "0.1e0"):
            assert quote(text).status == 422, text
        key = reseller["key_id"]
        for text in ("0", "-0", "0e5", "0.0", "-0e0"):
            rotated = shop.admin(
                "POST", f"/api-keys/{shop.mint(reseller).json['id']}/rotate", f'{{"overlap_seconds":{text}}}'.encode()
            )
            assert rotated.status == 200, (text, rotated)
        assert key
    with checks("O5 an amount has no exponent, as text or as a number, and no more digits than the currency"):
        path = f"/resellers/{reseller['id']}/balance"
        for text in (
            '"1e3"', "1e3", "1E0", '"1E0"', '"1e-2"', "1e-2", '"0x10"', '"1.001"', "1.001", '" 1"', '"+1"', '"1,00"',
            '"\u0661"',
        ):
            answer = shop.gateway.request(
                "POST",
                shop.base + ADMIN + path,
                f'{{"amount":{text},"reference":"r"}}'.encode(),
                key=shop.owner_key,
                headers={"Idempotency-Key": uuid.uuid4().hex},
            )
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/amount", (text, answer)
    with checks("O6 numbers in a query are decimal digits"):
        for text in ("+5", "-5", "5.0", "1e1", "%205", "5%20", "0x5", "%D9%A3", "", "5,6"):
            for path in ("/orders", "/audit", "/usage"):
                assert shop.admin("GET", f"{path}?limit={text}").status == 422, (path, text)
        assert shop.admin("GET", "/orders?limit=05").status == 200


def addresses(checks, gateway):
    """Two spellings of one address are one account, everywhere; what is no address is refused everywhere."""
    shop = Shop(gateway, slug="letters", password=PASSWORD)
    name, host = "jürgen.größe", "bücher.example"
    kept = f"{unicodedata.normalize('NFC', name)}@xn--bcher-kva.example"
    spellings = [
        f"{name}@{host}",
        decomposed(f"{name}@{host}"),
        f"{name.upper().replace('SS', 'ß')}@BÜCHER.example",
        f"{name}@XN--bcher-KVA.example",
        decomposed(f"Jürgen.größe@Bücher.Example"),
    ]
    with checks("O3 one address has one spelling: NFC, folded, its domain as A-labels; no second account"):
        made = shop.admin("POST", "/resellers", {"email": spellings[1], "name": "J", "password": PASSWORD})
        assert made.status == 201 and made.json["email"] == kept, made
        for spelling in spellings:
            again = shop.admin("POST", "/resellers", {"email": spelling, "name": "J", "password": PASSWORD})
            assert again.status == 409, (spelling, again)
            signed_in = gateway.post(f"{shop.base}{PARTNER}/session", {"email": spelling, "password": PASSWORD})
            assert signed_in.status == 200 or signed_in.status == 403, (spelling, signed_in)
    with checks("O3 tags are kept, and tell two addresses apart"):
        for text in (
            "ann+one@shop.example",
            "ann+two@shop.example",
            "ann@shop.example",
            "o'neil@shop.example",
            "a-b_c@shop.example",
        ):
            assert shop.admin("POST", "/resellers", {"email": text, "name": "A"}).status == 201, text
    with checks("O3 W11 P1 what is no address is refused, wherever one is asked for"):
        seller = shop.reseller()
        for text in NOT_ADDRESSES:
            for answer in (
                shop.admin("POST", "/resellers", {"email": text, "name": "A"}),
                shop.admin("POST", "/api-keys", {"owner_email": text}),
                gateway.post(
                    f"{shop.base}{PARTNER}/apply",
                    {"email": text, "name": "A", "password": PASSWORD},
                    headers=address(),
                ),
                gateway.post(
                    f"{PROVIDER}/tenants",
                    {"slug": "nope", "blueprint": "hosting", "owner_email": text},
                    key=gateway.provider_key,
                ),
                shop.call(
                    seller,
                    "POST",
                    "/orders/quote",
                    {
                        "product": "x",
                        "term": "monthly",
                        "quantity": 1,
                        "customer": {"external_id": "c", "email": text},
                    },
                ),
            ):
                assert answer.status == 422 and "email" in answer.json["errors"][0]["pointer"], (text, answer)
            found = shop.admin("GET", f"/subscribers?email={quote(text)}")
            assert found.status == 422, (text, found)


def passwords(checks, gateway):
    with checks("W11 a password is the same in NFC and NFD"):
        shop = Shop(gateway, slug="passwords")
        for number, (chosen, given) in enumerate(
            [("pässwörter", decomposed("pässwörter")), (decomposed("größeres"), "größeres")]
        ):
            email = f"p{number}@shop.example"
            made = shop.admin("POST", "/resellers", {"email": email, "name": "P", "password": chosen})
            assert made.status == 201 and shop.admin("POST", f"/resellers/{made.json['id']}/approve").status == 200
            for password in (chosen, given):
                signed_in = gateway.post(f"{shop.base}{PARTNER}/session", {"email": email, "password": password})
                assert signed_in.status == 200, (password, signed_in)
            wrong = gateway.post(f"{shop.base}{PARTNER}/session", {"email": email, "password": chosen + "x"})
            assert wrong.status == 401, wrong


def ids(checks, gateway):
    """External ids, references and their look-ups: NFD finds NFC, and no id holds what nobody sees."""
    shop = Shop(gateway, slug="ids")
    reseller = shop.reseller(balance="100.00")
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    composed = "Kunde-Ä-é"

    def order(external):
        body = {"product": sku, "term": "monthly", "quantity": 1, "customer": {"external_id": external}}
        return shop.call(reseller, "POST", "/orders/quote", body)

    with checks("W6 an external id in NFD is the customer in NFC"):
        for external in (composed, decomposed(composed)):
            placed = gateway.order(
                f"{shop.base}{PARTNER}/orders",
                {"product": sku, "term": "monthly", "quantity": 1, "customer": {"external_id": external}},
                reseller,
                uuid.uuid4().hex,
            )
            assert placed.status == 201 and placed.json["order"]["customer_external_id"] == composed, placed
        rows = shop.get(reseller, "/customers").json["data"]
        assert [customer["external_id"] for customer in rows] == [composed], rows
        for text in (composed, decomposed(composed)):
            found = shop.get(reseller, f"/customers?external_id={quote(text)}").json["data"]
            assert [customer["id"] for customer in found] == [rows[0]["id"]], (text, found)
    with checks("W4 W6 an id holds nothing that nobody sees, and no white space at its ends; its look-up neither"):
        for text in [f"c{letter}1" for letter in UNSEEN_IN_IDS] + [" ", "  ", " c", "c ", "\u3000", "\t", "\u200d"]:
            refused = order(text)
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/customer/external_id", (
                text,
                refused,
            )
            found = shop.get(reseller, f"/customers?external_id={quote(text)}")
            assert found.status == 422, (text, found)
        assert order("c 1").status == 200 and order("客户-1").status == 200
    with checks("W4 names keep the joiners that scripts need, and emoji; not what turns text round"):
        for name, status in [
            ("\u2067\u05e9\u05dc\u05d5\u05dd\u2069 Ltd", 200),
            ("\u202ba\u202c", 200),
            ("a\u2069", 422),
            ("می‌خواهم", 200),
            ("क्‍ष", 200),
            ("👩‍👩‍👧 ❤️", 200),
            ("Anna  Müller ", 200),
            ("\u202eannA", 422),
            ("\u200d", 422),
            ("\u3164", 422),
        ]:
            body = {"product": sku, "term": "monthly", "quantity": 1, "customer": {"external_id": "c", "name": name}}
            assert shop.call(reseller, "POST", "/orders/quote", body).status == status, name


def dialects(checks, gateway):
    """C, A, X, L read what they know, and keep texts alike."""
    reports, ports, codes, licences = (gateway.tenant(name) for name in ("panel", "proxies", "codes", "licences"))
    report_key, code_key = (gateway.reseller(name)["key"] for name in ("panel", "codes"))
    c, x, a = (f"/t/{tenant['slug']}" for tenant in (reports, ports, codes))
    with checks("C2 C3 members that nobody reads are ignored; one address, one reference"):
        email = f"möller.{uuid.uuid4().hex[:8]}@bücher.example"
        body = {"email": decomposed(email), "name": "M", "password": "12345678", "nobody_reads": {"a": 1}}
        assert gateway.post(f"{c}{REPORTS}/signup", body, key=report_key).status == 200
        assert gateway.post(f"{c}{REPORTS}/signup", body | {"email": email.upper()}, key=report_key).status == 409
        ref = f"réf-{uuid.uuid4().hex}"
        credit = {"kind": "topup", "amount_usd": 5, "external_ref": ref, "meta": {"a": 1, "b": [1.50, 2]}, "more": 1}
        first = gateway.post(f"{c}{REPORTS}/credit", credit, key=report_key)
        again = gateway.post(f"{c}{REPORTS}/credit", credit | {"external_ref": decomposed(ref)}, key=report_key)
        assert first.json["ok"] and again.json.get("duplicate") is True, (first, again)
    with checks("C3 the same numbers in other spellings are the same content: no review"):

        def reviews():
            return gateway.get(f"{c}{ADMIN}/reviews", key=reports["owner_key"]).json["data"]

        before = len(reviews())
        for meta in ('{"a":1.0,"b":[1.5,2]}', '{"b":[15e-1,2.00],"a":1e0}', '{"a":10e-1,"b":[1.50,0.2e1]}'):
            text = f'{{"kind":"topup","amount_usd":5.00,"external_ref":"{ref}","meta":{meta}}}'
            assert gateway.post(f"{c}{REPORTS}/credit", text.encode(), key=report_key).json.get("duplicate") is True
        assert len(reviews()) == before, reviews()
        text = f'{{"kind":"topup","amount_usd":5.00,"external_ref":"{ref}","meta":{{"a":1.01,"b":[1.5,2]}}}}'
        gateway.post(f"{c}{REPORTS}/credit", text.encode(), key=report_key)
        assert len(reviews()) == before + 1
    with checks("A4 members that nobody reads are ignored"):
        made = gateway.post(
            f"{a}{CODES}/generate", {"planId": "1month", "count": 1.0, "coupon": "x"}, headers={"x-api-key": code_key}
        )
        assert made.status == 200 and len(made.json["codes"]) == 1, made
    with checks("L1 unknown parameters and members are ignored; one that counts and stands twice is 400"):
        key = gateway.reseller("licences")["key"]
        base = f"/t/{licences['slug']}{LICENCES}"
        known = gateway.get(f"{base}/myavailable?api_token={key}&utm=1&utm=2").json["licenses"][0]["key"]
        assert gateway.get(f"{base}/licenseinfo?api_token={key}&license={known}&x=1").status == 200
        assert gateway.get(f"{base}/licenseinfo?api_token={key}&license={known}&license={known}").status == 400
        # What nobody reads hides nothing.
        for method, path, twice in (
            ("GET", "licenseinfo", f"x=1&x=2&license={known}&license={known}"),
            ("GET", "myavailable", "limit=1&limit=2"), ("GET", "myavailable", "utm=1&utm=2&limit=1&%6Cimit=1"),
            ("GET", "myavailable", "cursor=a&cursor=a"),
            ("POST", "myavailable", "limit=1&limit=2"), ("GET", "keys", "state=active&state=ended"),
        ):
            token = key
            if path == "keys":
                login = {name: gateway.reseller("licences")[name] for name in ("email", "password")}
                token = gateway.post(f"{base}/session", login).json["token"]
            answer = gateway.request(method, f"{base}/{path}?api_token={token}&{twice}")
            assert answer.status == 400 and answer.json["message"].endswith("stands twice."), (twice, answer)
    dialect_addresses(checks, gateway, f"{c}{REPORTS}", f"{x}{PORTS}/reseller/customers", f"{a}{CODES}")


def dialect_addresses(checks, gateway, reports, customers, codes):
    report_key, headers = gateway.reseller("panel")["key"], {"X-API-Key": gateway.reseller("proxies")["key"]}
    with checks("X3 members that nobody reads are ignored; an externalId in NFD is taken, and found"):
        external = f"Kü-{uuid.uuid4().hex}"
        body = {"email": "a@b.example", "externalId": decomposed(external), "nobodyReads": 1}
        made = gateway.post(customers, body, headers=headers)
        assert made.status == 201 and made.json["externalId"] == external, made
        assert gateway.post(customers, body | {"externalId": external}, headers=headers).status == 409
        for text in (external, decomposed(external)):
            found = gateway.get(f"{customers}?externalId={quote(text)}", headers=headers)
            assert [customer["_id"] for customer in found.json["customers"]] == [made.json["_id"]], found
        for text in ["\u200b" + external, " ", "x" * 129]:
            refused = gateway.post(customers, body | {"externalId": text}, headers=headers)
            assert refused.status == 422, (text, refused)
    with checks("C2 an address is folded: a final sigma is a sigma, a long s an s; the sharp s is a letter of its own"):
        for text, other in (("οδος", "ΟΔΟΣ"), ("\u017fhop", "SHOP"), ("shop", "\u017fhop")):
            mark = uuid.uuid4().hex
            body = {"email": f"{text}{mark}{text}@folded.example", "name": "M", "password": "12345678"}
            made = gateway.post(f"{reports}/signup", body, key=report_key)
            assert made.status == 200, (text, made)
            twin = body | {"email": f"{other}{mark}{other}@FOLDED.example"}
            assert gateway.post(f"{reports}/signup", twin, key=report_key).status == 409, other
        mark = uuid.uuid4().hex
        for text in ("straße", "strasse"):
            body = {"email": f"{text}{mark}@folded.example", "name": "M", "password": "12345678"}
            assert gateway.post(f"{reports}/signup", body, key=report_key).status == 200, text
    with checks("C2 X3 A2 what is no address is refused in the dialect's envelope"):
        for text in NOT_ADDRESSES:
            body = {"email": text, "name": "M", "password": "12345678"}
            refused = gateway.post(f"{reports}/signup", body, key=report_key)
            assert refused.status == 422 and "email" in refused.json["error"], (text, refused)
            refused = gateway.post(customers, {"email": text}, headers=headers)
            assert refused.status == 422 and "email" in refused.json["message"], (text, refused)
            body = {"companyName": "C", "email": text, "password": "12345678"}
            refused = gateway.post(f"{codes}/register", body, headers=address())
            assert refused.status == 400 and "email" in refused.json["error"], (text, refused)


def marks(checks, gateway):
    """Whoever composes or compares a text sorts its marks, in time that grows with the square of their number."""
    most, more = "a" + "\u0323\u0301" * 15, "a" + "\u0301\u0323" * 500
    owner, reports = gateway.tenant("hosting")["owner_key"], f"{gateway.tenant('panel')['base_url']}{REPORTS}/credit"
    session, reports = f"/t/hosting{PARTNER}/session", reports.removeprefix(gateway.base_url)
    with checks("G6 W4 C3 L1 a text with 30 marks in a row is read; one with more is refused before it is compared"):
        credit = {"kind": "topup", "amount_usd": 5, "external_ref": uuid.uuid4().hex}
        key = gateway.reseller("panel")["key"]
        assert gateway.post(reports, credit | {"meta": {most: most}}, key=key).status == 200
        calls = [
            ("POST", reports, credit | {"meta": {more: 1}}, {"Authorization": f"Bearer {key}"}),
            ("POST", reports, credit | {"meta": {"a": [more]}}, {"Authorization": f"Bearer {key}"}),
            ("POST", reports, json.dumps({more: 1}, ensure_ascii=False).encode(), {"Authorization": f"Bearer {key}"}),
            ("POST", session, {more: 1}, {}), ("POST", session, {"email": f"{more}@b.example", "password": "x"}, {}),
            ("POST", f"/t/licences{LICENCES}/myavailable", {"api_token": more}, {}),
            ("GET", f"/t/hosting{PARTNER}/openapi.json?q={quote(more[:400])}", None, {}),
            ("POST", f"/t/hosting{ADMIN}/products.csv", f"sku,name,fulfilment\nm-1,{more},instant\n".encode(),
             {"Content-Type": "text/csv", "Authorization": f"Bearer {owner}"}),
            ("POST", f"/t/licences{ADMIN}/licences", {"licences": [{"key": more}]}, {
                "Authorization": f"Bearer {gateway.tenant('licences')['owner_key']}", "Idempotency-Key": "marks"}),
        ]
        for method, path, body, headers in calls:
            answer = gateway.request(method, path, body, headers=headers | address())
            assert answer.status in (400, 422) and b"30 combining marks" in answer.body, (path, answer)
        nothing = gateway.post(f"/t/hosting{ADMIN}/resellers/res_none/approve", {more: 1}, key=owner)
        assert nothing.status == 400 and b"takes no body" in nothing.body, nothing
        # What nobody can mean is no path, and no header.
        assert gateway.get(f"/t/codes/activate/{quote(more[:400])}").status == 404
        names = ("Accept", "Accept-Encoding", "If-None-Match")
        headers = {name: more.encode().decode("latin-1") for name in names}
        assert gateway.get(f"/t/hosting{PARTNER}/openapi.json", headers=headers).status == 200


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8") as gateway:
        scene = Scene(gateway)
        scene.headers = address
        before = scene.state()
        described = {
            (api, method, nameless(path)): operation for (api, method, path), operation in served(gateway).items()}
        letters(checks, scene)
        both_forms(checks, scene, described)
        parameters(
            checks, lambda endpoint, query: scene.send(endpoint, query=f"?{query}"), described, ALL)
        with checks("P1 O1 W6 nothing has changed by all that was refused"):
            assert before == scene.state()
        numbers(checks, scene.shop, scene.reseller)
        addresses(checks, gateway)
        passwords(checks, gateway)
        ids(checks, gateway)
        dialects(checks, gateway)
        marks(checks, gateway)
        elsewhere = Shop(gateway)
        elsewhere.buyer = elsewhere.reseller()
        for api in ROWS:
            send, routes = Sender(Caller(gateway, api, elsewhere)), [one for one in EVERY if one.api == api]
            dialect_bodies(checks, send, described, routes)
            parameters(checks, send, described, routes)
    checks.finish()


if __name__ == "__main__":
    main()
