#!/usr/bin/env python3
"""Who may call what (G1, O1, W1, W8, P1, X7), by calling: every route of every API that the running gateway describes,
with each kind of credential there is. Who may not is refused as a stranger (401) or as the wrong one (403), before
anything of the call is looked at; who may is heard. A route that `endpoints.py` has no entry for fails here. What was
seen stands in docs/access.md; `--write` writes it."""

import base64
import collections
import hashlib
import hmac
import itertools
import os
import time
import uuid

from endpoints import ACCESS, ADMIN, CODES, EVERY, LICENCES, PARTNER, PORTS, PROVIDER, REPORTS, missing, served
from shop import PASSWORD, Shop
from support import ROOT, Checks, Gateway, arguments, signature_headers, webhook_secret_bytes

BLUEPRINTS = {
    ADMIN: "hosting", PARTNER: "hosting", REPORTS: "panel", LICENCES: "licences", PORTS: "proxies", CODES: "codes"}
# Where a reseller's person signs in.
SIGN_IN = {
    PARTNER: ("/session", "token"), REPORTS: ("/session", "token"), LICENCES: ("/session", "token"),
    PORTS: ("/login/signin", "access_token"), CODES: ("/login", "seedHash")}
# What a key may have that writes nothing; APIs of one scope have no such key.
READING = {PARTNER: ["partner:read"], PORTS: ["customers:read", "ports:read"]}
PAYMENT_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# Ids that nobody has: that the caller may call shows before what is asked for is looked up.
NOBODYS = "none"
STRANGERS = (
    "nobody", "unknown", "another tenant's owner", "another tenant's reseller", "provider", "provider's reader",
    "terminated")
# The columns of the table, and whose credential stands for each.
COLUMNS = {
    "none": "nobody", "key": "reseller", "read-only key": "reader", "test key": "test", "session": "session",
    "pending": "pending", "pending's test key": "pending test", "suspended": "suspended", "terminated": "terminated",
    "operator": "operator", "support": "support", "owner": "owner", "other tenant's": "another tenant's reseller",
    "provider": "provider", "provider's read key": "provider's reader"}
# What an operator's key of mode test may change: stock by file, test orders, services and customers by their id, and
# prices of the test book (O1).
OF_TEST_BOOK = {"/licences", "/licences/withdraw", "/licences/move", "/ports", "/ports/{address}", "/devices/{device}",
                "/orders/{order}/activate", "/orders/{order}/reject", "/orders/{order}/refund",
                "/services/reprice",
                *(f"/services/{{service}}/{move}" for move in ("suspend", "resume", "cancel", "details")),
                *(f"/provisioning/{{service}}/{move}" for move in ("retry", "confirm", "give_up")),
                "/products/{sku}/stock", "/products/{sku}/stock/items/{item}", "/customers/{customer}",
                "/resellers/{reseller}/products/{sku}"}
# What support reads not, besides exports: settings of services outside (O13); what it writes, which is its own.
CLOSED_TO_SUPPORT = {"/payment-service", "/provisioning", "/products/{sku}/provisioning"}
EXPORTS = (".csv", ".jsonl")
OWN_OF_SUPPORT = {
    "/account/sessions", "/account/sessions/{session}", "/account/password", "/deliveries/{delivery}/signature"}
# Of a reseller's calls: those that write and yet take a key that only reads, since they change nothing; and reads that
# ask for more.
PURE = {
        "/audit/verify", "/deliveries/{delivery}/signature", "/api-keys/{key}/limit/rehearse",
        "/resellers/{reseller}/rate-limit/rehearse", "/orders/quote",
        "/reseller/pricebook/calculate", "/myavailable", "/licenseinfo"}
READ_BY_WRITERS = {
    "/reseller/webhooks", "/reseller/webhooks/{webhook}", "/reseller/deliveries", "/reseller/deliveries/{delivery}",
    "/reseller/events"}
# A person whose reseller is pending, or suspended, comes so far: to its sessions and out, and in one API a little more.
OWN_SESSIONS = {
    "/account/password", "/session", "/logout", "/login/signout", "/account/sessions", "/account/sessions/{session}",
    "/regenerate-seed-hash"}
OWN_KEYS = {keys + path for keys in ("/keys", "/api-keys") for path in ("", "/{key}", "/{key}/rotate")}
WHILE_PENDING = {"/me", "/plans", "/activate", "/account", "/program", "/webhook/secret/rotate"} | OWN_KEYS
# What a GET holds for a while is no look; and a POST that asks what a GET does is one.
HOLDING = {"/fetchlicense"}
LOOKS = {"/myavailable", "/licenseinfo"}
numbers = itertools.count()


class Caller:
    """A tenant of one's own, and every credential that there is for its API. Whatever a call ended is made anew."""

    def __init__(self, gateway, api, elsewhere):
        self.gateway, self.api = gateway, api
        self.shop = shop = Shop(gateway, blueprint=BLUEPRINTS[api], password=PASSWORD)
        self.base = shop.base + api
        # The operator's calls are tried by a reseller's session as well; it is signed in where it can be.
        self.sign_in_api = PARTNER if api == ADMIN else api
        self.reseller = shop.reseller(balance="100.00", password=PASSWORD)
        self.people = {state: shop.invite() for state in ("pending", "suspended", "terminated")}
        for state in ("suspended", "terminated"):
            assert shop.move(self.people[state], "approve").status == 200
        owner = {"owner_email": f"owner@{shop.slug}.example", "role": "operator"}
        operator = shop.admin("POST", "/api-keys", owner)
        assert operator.status == 201, operator
        self.keys = {
            "nobody": None, "unknown": self.reseller["key"][:-8] + "AAAAAAAA",
            "another tenant's owner": elsewhere.owner_key, "another tenant's reseller": elsewhere.buyer["key"],
            "provider": gateway.provider_key, "provider's reader": read_key(gateway),
            "operator": operator.json["key"], "owner": shop.owner_key,
            "reseller": self.reseller["key"]}
        support = shop.admin("POST", "/api-keys", {**owner, "role": "support"})
        assert support.status == 201, support
        self.keys["support"] = support.json["key"]
        if api == ADMIN:
            self.keys["test"] = self.shop.admin("POST", "/api-keys", {**owner, "mode": "test"}).json["key"]
        if self.sign_in_api in READING:
            self.keys["reader"] = self.minted(self.reseller, scopes=READING[self.sign_in_api])
        # Signed in, or given a key, before they were moved.
        if api == REPORTS:
            # There the owner alone mints, until it says otherwise (C5).
            assert shop.admin("PATCH", "/settings", {"self_service_keys": True}).status == 200
        self.keys["suspended"], self.keys["terminated"] = (self.person(state) for state in ("suspended", "terminated"))
        assert shop.move(self.people["suspended"], "suspend").status == 200
        assert shop.move(self.people["terminated"], "terminate").status == 200
        self.renew()

    def minted(self, reseller, **fields):
        made = self.shop.mint(reseller, **fields)
        assert made.status == 201, made
        return made.json["key"]

    def signed_in(self, reseller):
        path, name = SIGN_IN[self.sign_in_api]
        signed_in = self.gateway.post(
            self.shop.base + self.sign_in_api + path, {"email": reseller["email"], "password": PASSWORD},
            headers=address())
        assert signed_in.status == 200, signed_in
        return signed_in.json[name]

    def person(self, state):
        """A session of the reseller that has come to this state."""
        return self.signed_in(self.people[state])

    def renew(self, who=None):
        """What a call may have ended: keys and sessions, and a reseller's being pending."""
        self.keys["reseller"] = self.minted(self.reseller)
        if self.api != ADMIN:
            self.keys["test"] = self.minted(self.reseller, mode="test")
        if who == "pending":
            self.people["pending"] = self.shop.invite()
        if who in (None, "pending"):
            self.keys["pending"] = self.person("pending")
        if who == "suspended":
            self.keys["suspended"] = self.person("suspended")
        if self.api != ADMIN and who in (None, "pending", "pending test"):
            self.keys["pending test"] = self.minted(self.people["pending"], mode="test")
        self.keys["session"] = self.signed_in(self.reseller)
        if self.api == ADMIN:
            signed_in = self.gateway.post(
                self.base + "/session", {"email": f"owner@{self.shop.slug}.example", "password": PASSWORD},
                headers=address())
            assert signed_in.status == 200, signed_in
            self.keys["owner's session"] = signed_in.json["token"]

    def call(self, endpoint, who):
        path = self.base + "/".join(NOBODYS if part.startswith("{") else part for part in endpoint.path.split("/"))
        if endpoint.api == LICENCES and self.keys[who]:
            path += f"?api_token={self.keys[who]}"
        body = None if endpoint.method in ("GET", "DELETE") else b"{}"
        if who == "pending" and endpoint.path in OWN_KEYS and body:
            body = b'{"name": "a key", "mode": "test"}' if "{key}" not in endpoint.path else body
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex, **address()}
        headers |= self.credential(endpoint.api, who)
        if endpoint.signed:
            secret = self.people.get(who.removesuffix(" test"), self.reseller)["webhook_secret"]
            headers |= signature_headers(secret, endpoint.method, path, uuid.uuid4().hex, body)
        answer = self.gateway.request(endpoint.method, path, body, headers=headers)
        if answer.status < 300 and endpoint.method != "GET":
            self.renew(who)
        return answer

    def credential(self, api, who):
        """As the API's description says that it is sent."""
        key = self.keys[who]
        if key is None or api == LICENCES:
            return {}
        is_session = who in ("session", "pending", "suspended", "terminated")
        if api == CODES:
            return {"x-seed-hash" if is_session else "x-api-key": key}
        if api == PORTS and not is_session:
            return {"X-API-Key": key}
        return {"Authorization": f"Bearer {key}"}


class Provider(Caller):
    """The provider's own calls, which know no tenant's key."""

    def __init__(self, gateway, elsewhere):
        of_tenant = Caller(gateway, PARTNER, elsewhere)
        self.gateway, self.api, self.base = gateway, PROVIDER, PROVIDER
        self.keys = {**of_tenant.keys, "unknown": gateway.provider_key[:-8] + "AAAAAAAA"}

    def renew(self, who=None):
        pass

    def call(self, endpoint, who):
        answer = super().call(endpoint, who)
        if endpoint.path == "/provider-key/rotate" and answer.status == 200:
            self.keys["provider"] = answer.json["provider_key"]
            self.keys["provider's reader"] = read_key(self.gateway)
        return answer


def read_key(gateway):
    """A key of the provider's that reads."""
    made = gateway.post(PROVIDER + "/provider-keys", {"name": "a reader"}, key=gateway.provider_key)
    assert made.status == 201 and made.json["role"] == "read", made
    return made.json["key"]


def address():
    """A client address of its own: failed credentials are metered by address."""
    number = next(numbers)
    return {"X-Forwarded-For": f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"}


def expected(endpoint, who):
    """The statuses of a caller who may not; None where the caller may."""
    passing = ACCESS[endpoint.access]
    if passing is None:
        return None
    # The provider's calls know no key of a tenant's; a payment service's signature is not there, whoever it is.
    if endpoint.access in ("provider", "provider's reader", "payment service"):
        return None if who in passing else {403 if who == "provider's reader" and endpoint.api == PROVIDER else 401}
    if who in STRANGERS:
        return None if who in passing else {401}
    return None if may(endpoint, who, passing) else {403}


def may(endpoint, who, passing):
    """Of those whom the tenant knows."""
    changes = endpoint.method != "GET" and endpoint.path not in PURE
    if endpoint.api == ADMIN:
        if who == "test":
            return endpoint.access == "operator" and (not changes or endpoint.path in OF_TEST_BOOK)
        if who == "support":
            reads = endpoint.method == "GET" and not endpoint.path.endswith(EXPORTS)
            is_open = reads and endpoint.path not in CLOSED_TO_SUPPORT or endpoint.path in OWN_OF_SUPPORT
            return endpoint.access == "operator" and is_open
        return who in passing
    if who == "reader":
        return "reseller" in passing and not changes and endpoint.path not in READ_BY_WRITERS
    if who in ("test", "pending test"):
        return "reseller" in passing
    if who in ("pending", "suspended"):
        is_look = endpoint.method == "GET" and endpoint.path not in HOLDING or endpoint.path in LOOKS
        is_open = endpoint.path in OWN_SESSIONS or who == "pending" and endpoint.path in WHILE_PENDING
        return "session" in passing and (is_open or who == "suspended" and is_look)
    return who in passing


def tried(checks, caller, routes):
    """Each route by each caller: route → caller → whether it was heard, or the status that it was refused with."""
    seen = collections.Counter()
    table = {}
    for endpoint in routes:
        row = table[endpoint.name] = {}
        with checks(f"G1 {endpoint.name}: for {endpoint.access}, and for nobody else"):
            for who in list(caller.keys):
                answer = caller.call(endpoint, who)
                refused = expected(endpoint, who)
                if refused is None:
                    assert answer.status not in (401, 403) and answer.status < 500, (who, answer)
                else:
                    assert answer.status in refused, (who, answer)
                seen["heard" if refused is None else "refused"] += 1
                row[who] = str(answer.status) if answer.status in (401, 403) else "yes"
    print(f"# {caller.api}: {seen['heard']} calls heard, {seen['refused']} refused", flush=True)
    assert seen["heard"] > 0 and seen["refused"] > 0, caller.api
    return table


def payments(checks, caller):
    """The one call of a service outside: its signature is the credential."""
    endpoint = next(endpoint for endpoint in EVERY if endpoint.access == "payment service")
    with checks(f"G1 A6 {endpoint.name}: what the payment service has signed is heard"):
        done = caller.shop.admin("PUT", "/payment-service", {
            "driver": "http", "create_url": "https://pay.example/", "api_key": "an-api-key",
                "webhook_secret": PAYMENT_SECRET})
        assert done.status == 200, done
        body = b'{"order_id":"none","status":"confirmed","amount":"1.00","currency":"USD"}'
        message, now = uuid.uuid4().hex, str(int(time.time()))
        code = hmac.new(webhook_secret_bytes(PAYMENT_SECRET), f"{message}.{now}.".encode() + body,
            hashlib.sha256).digest()
        signed = {"webhook-id": message, "webhook-timestamp": now, "webhook-signature":
            "v1," + base64.b64encode(code).decode()}
        heard = caller.gateway.post(caller.base + endpoint.path, body, headers=signed)
        assert heard.status not in (401, 403) and heard.status < 500, heard
        stranger = caller.gateway.post(caller.base + endpoint.path, body + b" ", headers=signed)
        assert stranger.status == 401, stranger


HEAD = """# Who may call what

Every route of every API, called with each kind of credential. `Tests/Contract/access.py` makes the calls, and
`access.py --write` writes this page from what it saw; the test fails where the page is not what it sees.

“yes”: the call is heard, whatever it is answered then. 401: the credential is unknown here. 403: it is known and
may not. “–”: there is no such credential for this API.

| column | whose credential |
|---|---|
| none | none at all |
| key | a key of an active reseller, with all scopes of the API |
| read-only key | a reseller's key with the scopes for reading alone |
| test key | a reseller's key of mode `test`; for the operator's API an operator's key of mode `test` |
| session | a person of an active reseller who has signed in |
| pending, suspended, terminated | a person of such a reseller, signed in before |
| pending's test key | a key of mode `test` of a reseller that waits for approval |
| operator, support, owner | keys of the tenant's operator, of its support and of its owner |
| other tenant's | a reseller's key, and the owner's, of another tenant |
| provider, provider's read key | the provider's keys, of the role `admin` and of the role `read` |

Pages (`/activate`, `/invite`, `/reset-password`, `/sandbox-pay`), `/healthz`, `/readyz` and descriptions are open.
Where `--admin-listen` is given, the provider's routes are on that listener alone.
"""


def written(tables):
    """The page, from what was seen."""
    lines = [HEAD]
    for api in sorted(tables):
        lines += [f"## {api}", "", "| route | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
        for name, row in tables[api].items():
            method, path = name.split(" ", 1)
            cells = [row.get(who, "–") for who in COLUMNS.values()]
            lines.append(f"| `{method} {path.removeprefix(api)}` | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def main():
    options = arguments({"write": "write docs/access.md from what is seen"})
    checks = Checks()
    tables = {}
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8") as gateway:
        with checks("every route that is served is in the table, and none besides"):
            assert missing(gateway) == [], missing(gateway)
        apis = {api for api, _, _ in served(gateway)}
        elsewhere = Shop(gateway)
        elsewhere.buyer = elsewhere.reseller()
        # The provider's last: a call of it takes the provider's key away.
        for api in sorted(apis, key=lambda api: (api == PROVIDER, api)):
            caller = Provider(gateway, elsewhere) if api == PROVIDER else Caller(gateway, api, elsewhere)
            tables[api] = tried(checks, caller, [endpoint for endpoint in EVERY if endpoint.api == api])
            if api == CODES:
                payments(checks, caller)
    path = os.path.join(ROOT, "docs", "access.md")
    if options.write:
        with open(path, "w", encoding="utf-8") as file:
            file.write(written(tables))
    with checks("G1 docs/access.md says what was seen: every route by each of the fourteen callers"):
        assert all(set(row) >= {"nobody", "provider", "owner"} for table in tables.values() for row in table.values())
        with open(path, encoding="utf-8") as file:
            assert file.read() == written(tables), "docs/access.md is stale: access.py --write"
    checks.finish()


if __name__ == "__main__":
    main()
