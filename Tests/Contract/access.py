#!/usr/bin/env python3
"""Who may call what (G1, O1, W8, P1), by calling: every route of every API that the running gateway describes, with
each kind of credential there is. Who may not is refused as a stranger (401) or as the wrong one (403), before anything
of the call is looked at; who may is heard. A route that `endpoints.py` has no entry for fails here."""

import base64
import collections
import hashlib
import hmac
import itertools
import time
import uuid

from endpoints import ACCESS, ADMIN, CODES, EVERY, LICENCES, PARTNER, PORTS, PROVIDER, REPORTS, missing, served
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, signature_headers, webhook_secret_bytes

BLUEPRINTS = {ADMIN: "hosting", PARTNER: "hosting", REPORTS: "panel", LICENCES: "licences", PORTS: "proxies", CODES: "codes"}
# Where a reseller's person signs in; APIs without one know no session.
SIGN_IN = {PARTNER: ("/session", "token"), PORTS: ("/login/signin", "access_token"), CODES: ("/login", "seedHash")}
PAYMENT_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# Ids that nobody has: that the caller may call shows before what is asked for is looked up.
NOBODYS = "none"
STRANGERS = ("nobody", "unknown", "another tenant's owner", "another tenant's reseller", "provider")
numbers = itertools.count()


class Caller:
    """A tenant of one's own, and every credential that there is for its API. Whatever a call ended is made anew."""

    def __init__(self, gateway, api, elsewhere):
        self.gateway, self.api = gateway, api
        self.shop = shop = Shop(gateway, blueprint=BLUEPRINTS[api], password=PASSWORD)
        self.base = shop.base + api
        self.reseller = shop.reseller(balance="100.00", password=PASSWORD)
        operator = shop.admin("POST", "/api-keys", {"owner_email": f"owner@{shop.slug}.example", "role": "operator"})
        assert operator.status == 201, operator
        self.keys = {
            "nobody": None, "unknown": self.reseller["key"][:-8] + "AAAAAAAA",
            "another tenant's owner": elsewhere.owner_key, "another tenant's reseller": elsewhere.buyer["key"],
            "provider": gateway.provider_key, "operator": operator.json["key"], "owner": shop.owner_key,
            "reseller": self.reseller["key"]}
        self.renew()

    def renew(self):
        """What a call may have ended: the reseller's key, and its session."""
        minted = self.shop.mint(self.reseller)
        assert minted.status == 201, minted
        self.keys["reseller"] = minted.json["key"]
        # The operator's calls are tried by a reseller's session as well; it is signed in where it can be.
        api = PARTNER if self.api == ADMIN else self.api
        if api in SIGN_IN:
            path, name = SIGN_IN[api]
            signed_in = self.gateway.post(
                self.shop.base + api + path, {"email": self.reseller["email"], "password": PASSWORD}, headers=address())
            assert signed_in.status == 200, signed_in
            self.keys["session"] = signed_in.json[name]
        if self.api == ADMIN:
            signed_in = self.gateway.post(
                self.base + "/session", {"email": f"owner@{self.shop.slug}.example", "password": PASSWORD}, headers=address())
            assert signed_in.status == 200, signed_in
            self.keys["owner's session"] = signed_in.json["token"]

    def call(self, endpoint, who):
        path = self.base + "/".join(NOBODYS if part.startswith("{") else part for part in endpoint.path.split("/"))
        if endpoint.api == LICENCES and self.keys[who]:
            path += f"?api_token={self.keys[who]}"
        body = None if endpoint.method in ("GET", "DELETE") else b"{}"
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex, **address()}
        headers |= self.credential(endpoint.api, who)
        if endpoint.signed:
            headers |= signature_headers(self.reseller["webhook_secret"], endpoint.method, path, uuid.uuid4().hex, body)
        answer = self.gateway.request(endpoint.method, path, body, headers=headers)
        if answer.status < 300 and endpoint.method != "GET":
            self.renew()
        return answer

    def credential(self, api, who):
        """As the API's description says that it is sent."""
        key = self.keys[who]
        if key is None or api == LICENCES:
            return {}
        if api == CODES:
            return {"x-seed-hash" if who == "session" else "x-api-key": key}
        if api == PORTS and who != "session":
            return {"X-API-Key": key}
        return {"Authorization": f"Bearer {key}"}


class Provider(Caller):
    """The provider's own calls, which know no tenant's key."""

    def __init__(self, gateway, elsewhere):
        self.gateway, self.api, self.base = gateway, PROVIDER, PROVIDER
        self.keys = {
            "nobody": None, "unknown": gateway.provider_key[:-8] + "AAAAAAAA", "provider": gateway.provider_key,
            "another tenant's owner": elsewhere.owner_key, "another tenant's reseller": elsewhere.buyer["key"]}

    def renew(self):
        pass

    def call(self, endpoint, who):
        answer = super().call(endpoint, who)
        if endpoint.path == "/provider-key/rotate" and answer.status == 200:
            self.keys["provider"] = answer.json["provider_key"]
        return answer


def address():
    """A client address of its own: failed credentials are metered by address."""
    number = next(numbers)
    return {"X-Forwarded-For": f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"}


def expected(endpoint, who):
    """The statuses of a caller who may not; None where the caller may."""
    passing = ACCESS[endpoint.access]
    if passing is None or who in passing:
        return None
    # The provider's calls know no key of a tenant's; a payment service's signature is not there, whoever it is.
    return {401} if who in STRANGERS or endpoint.access in ("provider", "payment service") else {403}


def tried(checks, caller, routes):
    """Each route by each caller."""
    seen = collections.Counter()
    for endpoint in routes:
        with checks(f"G1 {endpoint.name}: for {endpoint.access}, and for nobody else"):
            for who in list(caller.keys):
                answer = caller.call(endpoint, who)
                refused = expected(endpoint, who)
                if refused is None:
                    assert answer.status not in (401, 403) and answer.status < 500, (who, answer)
                else:
                    assert answer.status in refused, (who, answer)
                seen["heard" if refused is None else "refused"] += 1
    print(f"# {caller.api}: {seen['heard']} calls heard, {seen['refused']} refused", flush=True)
    assert seen["heard"] > 0 and seen["refused"] > 0, caller.api


def payments(checks, caller):
    """The one call of a service outside: its signature is the credential."""
    endpoint = next(endpoint for endpoint in EVERY if endpoint.access == "payment service")
    with checks(f"G1 A6 {endpoint.name}: what the payment service has signed is heard"):
        done = caller.shop.admin("PUT", "/payment-service", {
            "driver": "http", "create_url": "https://pay.example/", "api_key": "an-api-key", "webhook_secret": PAYMENT_SECRET})
        assert done.status == 200, done
        body = b'{"order_id":"none","status":"confirmed","amount":"1.00","currency":"USD"}'
        message, now = uuid.uuid4().hex, str(int(time.time()))
        code = hmac.new(webhook_secret_bytes(PAYMENT_SECRET), f"{message}.{now}.".encode() + body, hashlib.sha256).digest()
        signed = {"webhook-id": message, "webhook-timestamp": now, "webhook-signature": "v1," + base64.b64encode(code).decode()}
        heard = caller.gateway.post(caller.base + endpoint.path, body, headers=signed)
        assert heard.status not in (401, 403) and heard.status < 500, heard
        stranger = caller.gateway.post(caller.base + endpoint.path, body + b" ", headers=signed)
        assert stranger.status == 401, stranger


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8") as gateway:
        with checks("every route that is served is in the table, and none besides"):
            assert missing(gateway) == [], missing(gateway)
        apis = {api for api, _, _ in served(gateway)}
        elsewhere = Shop(gateway)
        elsewhere.buyer = elsewhere.reseller()
        # The provider's last: a call of it takes the provider's key away.
        for api in sorted(apis, key=lambda api: api == PROVIDER):
            caller = Provider(gateway, elsewhere) if api == PROVIDER else Caller(gateway, api, elsewhere)
            tried(checks, caller, [endpoint for endpoint in EVERY if endpoint.api == api])
            if api == CODES:
                payments(checks, caller)
    checks.finish()


if __name__ == "__main__":
    main()
