#!/usr/bin/env python3
"""What is shown once (U1, U2, U3): every call whose answer holds a key, a secret or a link is named here, by what the
APIs say of themselves. Each is replayed without it (G4), and a form of a page that makes the call shows it, once:
loaded anew, the page makes no second one. The console's own are in `console.py`."""

import re
import urllib.parse
import uuid

from office import Office
from pagewire import Browser
from shop import PASSWORD
from support import Checks, Gateway, arguments

# The names under which an answer shows something once, where `already_shown` says so.
SHOWN = {"key", "apiKey", "secret", "webhook_secret", "invitation_url", "url", "owner_key", "provider_key"}
# Those that mean nothing else, wherever they stand; a `secret` may be the name of one, from a list of names.
UNMISTAKABLE = {"secret", "webhook_secret", "invitation_url", "owner_key", "provider_key"}
TENANTS = {
    "hosting": ["/api/partner/v1", "/api/admin"], "codes": ["/api/reseller", "/api/admin"], "licences": ["/reseller"],
    "proxies": ["/v1"], "panel": ["/api/v1/reseller"]}
# The last two are no page's.
PROVIDERS = {
    "POST /tenants", "POST /tenants/{slug}/owner-key", "POST /tenants/{slug}/fork", "POST /provider-key/rotate"}


def members(document, schema):
    """Of an object, whatever it is made of."""
    if "$ref" in schema:
        place = document
        for part in schema["$ref"].split("/")[1:]:
            place = place[part]
        return members(document, place)
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []) + schema.get("anyOf", []) + schema.get("oneOf", []):
        found |= members(document, part)
    return found


def showing(document):
    """The calls whose answers hold what is shown once: the member names of each, and whether it takes a key (G4)."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            contents = [content for status, answer in operation["responses"].items() if status.startswith("2")
                        for content in answer.get("content", {}).values()]
            names = {name for content in contents for name, schema in members(document, content["schema"]).items()
                     if "enum" not in str(schema)}
            if method != "get" and ("already_shown" in names or names & UNMISTAKABLE):
                takes_key = any(one["name"] == "Idempotency-Key" for one in operation["parameters"])
                yield f"{method.upper()} {path}", names, takes_key


class Person:
    """Somebody at the pages of one surface, who sends forms from its first page."""

    def __init__(self, office, surface, email):
        self.browser, self.path = Browser(office.gateway), f"{office.shop.base}/{surface}"
        answer = self.browser.sign_in(office.shop.base, email, PASSWORD)
        assert answer.status == 303 and answer.location.startswith(self.path), answer
        page = self.browser.get(self.path)
        self.token = next(form["fields"]["_token"] for form in page.read.forms if "_token" in form["fields"])

    def shown_once(self, call, **fields):
        """What the form shows; sent again, it shows and makes nothing."""
        form = {"_call": call, "_token": self.token, "_once": uuid.uuid4().hex, "_said": "created", **fields}
        first = self.browser.post(self.path, form)
        secrets = re.findall(r'<code id="secret-\d+">([^<]+)</code>', first.body.decode())
        assert first.status == 200 and "Keep it now" in first.text and secrets, (call, first)
        again = self.browser.post(self.path, form)
        assert again.status == 303, (call, again)
        page = self.browser.follow(again).body.decode()
        assert not [secret for secret in secrets if secret in page], (call, secrets)
        return secrets[0]


class Scene:
    def __init__(self, gateway, blueprint):
        self.gateway = gateway
        self.office = office = Office(gateway, blueprint=blueprint)
        self.shop, self.sells_codes = office.shop, blueprint == "codes"
        self.reseller = self.shop.reseller("100.00", password=PASSWORD)
        self.api = "/api/reseller" if self.sells_codes else "/api/partner/v1"
        key = self.reseller["key"]
        self.credential = {"x-api-key": key} if self.sells_codes else {"Authorization": f"Bearer {key}"}
        self.owner = Person(office, "admin", office.owner_email)
        self.buyer = Person(office, "portal", self.reseller["email"])
        self.pressed = set()

    def press(self, who, call, names=None, **fields):
        """`call`: as its API describes it, `names` standing in its path."""
        method, path = call.split(" ", 1)
        for name, value in (names or {}).items():
            path = path.replace("{%s}" % name, value)
        shown = who.shown_once(f"{method} {path}", **fields)
        pattern = call.split(" ", 1)[1]
        self.pressed.add(call if pattern.startswith(self.api) else f"{method} /api/admin{pattern}")
        return shown

    def own(self, call, names=None, **fields):
        """By a person of the reseller."""
        method, path = call.split(" ", 1)
        return self.press(self.buyer, f"{method} {self.api}{path}", names, **fields)

    def resellers_own(self):
        self.own("POST /keys", name="pressed", mode="test")
        self.own("POST /keys/{id}/rotate", {"id": self.shop.mint(self.reseller).json["id"]})
        event = "code.redeemed" if self.sells_codes else "order.created"
        hook = self.gateway.post(f"{self.shop.base}{self.api}/webhooks", {
            "name": "watched", "url": "https://8.8.8.8/hook", "events": [event]}, headers=self.credential)
        assert hook.status == 201, hook
        hook = next(value for value in (hook.json, hook.json.get("webhook")) if value and "id" in value)
        self.own("POST /webhooks/{id}/secret/rotate", {"id": hook["id"]})
        self.own("POST /webhooks", name="other", url="https://8.8.8.8/other", events=event)

    def operators(self):
        def press(*arguments, **fields):
            return self.press(self.owner, *arguments, **fields)

        press("POST /api-keys", owner_email=self.reseller["email"], mode="live", name="pressed")
        press("POST /api-keys/{id}/rotate", {"id": self.shop.mint(self.reseller).json["id"]})
        press("POST /account/keys", name="mine")
        press("POST /people", email="one@there.example", name="One", role="support")
        person = self.office.add("two", "support")
        press("POST /people/{id}/password-reset", {"id": person["id"]})
        press("POST /resellers", email="new@there.example", name="New")
        invited = self.shop.invite(password=None)
        press("POST /resellers/{id}/invitation", {"id": invited["id"]})
        press("POST /resellers/{id}/password-reset", {"id": self.reseller["id"]})
        press("POST /resellers/{id}/webhook-secret/rotate", {"id": self.reseller["id"]})
        press("PUT /provisioning", url="https://8.8.8.8/provision")
        if not self.sells_codes:
            press("PUT /products/{sku}/provisioning", {"sku": self.shop.product("http")}, url="https://8.8.8.8/own")

    def subscribers(self):
        """Somebody who redeemed a code."""
        sku = "pressed"
        made = self.shop.admin("POST", "/products", {
            "sku": sku, "name": sku, "fulfilment": "instant", "days": 30, "retail_price": "2.00",
            "wholesale_price": "1.00"})
        assert made.status == 201, made
        code = self.gateway.post(f"{self.shop.base}/api/reseller/generate", {"planId": sku, "count": 1},
            headers=self.credential).json["codes"][0]
        path = urllib.parse.urlparse(code["url"]).path
        redeemed = self.gateway.post(path, {
            "email": "customer@there.example", "password": PASSWORD, "account": "new"})
        assert redeemed.status == 200, redeemed
        [subscriber] = self.shop.admin("GET", "/subscribers").json["data"]
        self.press(self.owner, "POST /subscribers/{id}/password-reset", {"id": subscriber["id"]})


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate) as gateway:
        described, wrong = {}, []
        with checks("G4 W5 A2 each call that shows a secret takes an Idempotency-Key, and is replayed without it"):
            for tenant, bases in TENANTS.items():
                for base in bases:
                    document = gateway.get(f"/t/{tenant}{base}/openapi.json").json
                    for call, names, takes_key in showing(document):
                        method, path = call.split(" ", 1)
                        described.setdefault(tenant, set()).add(f"{method} {base}{path}")
                        if not (takes_key and "already_shown" in names and names & SHOWN):
                            wrong.append((tenant, base, call, names))
            assert not wrong and len(described["hosting"]) > 10, (wrong, described)
        with checks("U1 P1 P8 no call of the provider's shows an owner's or a provider key but those that are known"):
            document = gateway.get("/provider/v1/openapi.json", key=gateway.provider_key).json
            calls = {call for call, names, _ in showing(document) if names & {"owner_key", "provider_key"}}
            assert calls == PROVIDERS, calls ^ PROVIDERS
        hosting, codes = Scene(gateway, "hosting"), Scene(gateway, "codes")
        with checks("U3 W5 W10 W11 a reseller's form shows the key or the secret that it makes, and once"):
            hosting.resellers_own()
            secret = hosting.own("POST /webhook/secret/rotate")
            placed = hosting.shop.product()
            hosting.shop.price(hosting.reseller, placed, {"wholesale_monthly": "1.00", "is_enabled": True})
            order = hosting.shop.order({**hosting.reseller, "webhook_secret": secret}, placed)
            # Sent twice, it made one secret: the one that was shown signs orders.
            assert order.status == 201, order
        with checks("U3 A8 H4 so does one of activation codes"):
            codes.resellers_own()
            codes.own("POST /webhook/secret")
            codes.credential = {"x-api-key": codes.own("POST /regenerate-key", keyId=codes.reseller["key_id"])}
        with checks("U2 O1 O3 O13 an operator's form shows the key, the secret or the link that it makes, and once"):
            hosting.operators()
        with checks("U2 O11 O13 so does one of activation codes, an end customer's link too"):
            codes.operators()
            codes.subscribers()
        with checks("U2 U3 there is no other such call: each was pressed"):
            for scene, tenant in ((hosting, "hosting"), (codes, "codes")):
                unlike = {call for call in described[tenant] if not call.endswith("/key/rotate")} - scene.pressed
                # Codes are provisioned nowhere, and have end customers alone.
                unlike.discard(
                    "PUT /api/admin/products/{sku}/provisioning" if scene.sells_codes
                    else "POST /api/admin/subscribers/{id}/password-reset")
                assert not unlike, (tenant, unlike)
    checks.finish()


if __name__ == "__main__":
    main()
