"""P2, G3: a tenant whose bytes are at its quota. What takes access away, gives back or protects still works, in a
reserve above the quota that nothing else takes; so do the provider's acts. Whatever takes room is refused as before."""

import uuid

from office import OTHER, Office
from pagewire import Browser
from shop import PASSWORD
from support import Checks, Gateway, arguments, verified_export

options = arguments()
checks = Checks()
QUOTA = 2 << 20
# The most that a file may have above its quota, by the pages of docs/internals/budgets.md.
RESERVE = 96 * 4096
SEAL = 160


class Full:
    """A tenant with people, resellers and orders, filled with products."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.office = Office(gateway)
        self.shop = shop = self.office.shop
        self.owner = self.office.token(self.office.owner_email)
        self.reseller = shop.reseller(balance="100000.00", password=PASSWORD)
        self.leaving, self.resting = shop.reseller(), shop.reseller()
        self.session = shop.sign_in(self.reseller)
        self.person, self.persons = self.office.person("someone", "operator")
        self.other, _ = self.office.person("another", "support")
        self.sku, self.manual = shop.product(), shop.product("manual")
        for sku in (self.sku, self.manual):
            shop.price(self.reseller, sku, {"wholesale_monthly": "10.00", "max_quantity": 1000})
        placed = shop.order(self.reseller, self.sku)
        self.order, [self.service] = placed.json["order"]["id"], [row["id"] for row in placed.json["services"]]
        self.pending = shop.order(self.reseller, self.manual).json["order"]["id"]
        self.keys = [self.minted() for _ in range(4)]
        hook = shop.call(
            self.reseller, "POST", "/webhooks", {"name": "w", "url": "https://1.1.1.1/", "events": ["balance.low"]})
        assert hook.status == 201, hook
        self.hook = hook.json["id"]

    def minted(self):
        minted = self.shop.mint(self.reseller)
        assert minted.status == 201, minted
        return minted.json["id"]

    def provider(self, method, path, body=None):
        return self.gateway.request(
            method, f"/provider/v1/tenants/{self.shop.slug}{path}", body, key=self.gateway.provider_key)

    def holds(self, quota):
        changed = self.provider("PATCH", "", {"quotas": {"bytes": quota}})
        assert changed.status == 200, changed

    def product(self):
        return self.shop.admin("POST", "/products", {
            "sku": f"more-{uuid.uuid4()}", "name": "M" * 100, "fulfilment": "instant"})

    def fill(self):
        """Until nothing of the kind finds room, whichever page it would have come to."""
        refused = 0
        for _ in range(5_000):
            answer = self.product()
            refused = refused + 1 if answer.status == 402 else 0
            assert answer.status == 201 or answer.json["code"] == "quota_exceeded", answer
            if refused == 20:
                return
        raise AssertionError("the quota was not reached")

    def takes(self, statuses, key, calls):
        for method, path, body in calls:
            answer = self.gateway.request(method, path, body, key=key, headers={
                "Idempotency-Key": str(uuid.uuid4())})
            assert answer.status in statuses, (method, path, answer)

    def refuses_more(self):
        """What takes room is refused, at the latest when a page's rest is used up."""
        for answer in (self.shop.order(self.reseller, self.sku, quantity=100), self.refused_product()):
            assert answer.status == 402 and answer.json["code"] == "quota_exceeded", answer
        assert self.shop.get(self.reseller, "/balance").status == 200

    def refused_product(self):
        return next(answer for answer in (self.product() for _ in range(300)) if answer.status != 201)

    def bounded(self):
        size = len(verified_export(self.gateway, self.shop.slug)) - SEAL
        assert size <= QUOTA + RESERVE, size
        return size


def resellers(full):
    base = full.shop.base + "/api/partner/v1"
    with checks("P2 O13 W9 at its tenant's quota a reseller revokes, rotates, pauses, sets a password and signs out"):
        full.takes((200, 204), full.session, [
            ("DELETE", f"{base}/keys/{full.keys[0]}", None),
            ("POST", f"{base}/keys/{full.keys[1]}/rotate", {"overlap_seconds": 0}),
            ("POST", f"{base}/webhooks/{full.hook}/pause", None),
            ("POST", f"{base}/services/{full.service}/cancel", None),
            ("POST", f"{base}/account/password", {"old": PASSWORD, "new": OTHER})])
        full.reseller["password"] = OTHER
        token = full.shop.sign_in(full.reseller)
        full.takes((200, 204), token, [("DELETE", f"{base}/session", None)])
        assert full.shop.get(full.reseller, "/keys", key=token).status == 401
        full.refuses_more()


def strangers(full):
    base = full.shop.base + "/api/partner/v1"
    with checks("P2 G3 a reseller's sign-ins end: 402; resellers still revoke, the owner still signs in"):
        token = full.shop.sign_in(full.reseller)
        for _ in range(280):
            answer = full.gateway.post(
                f"{base}/session", {"email": full.reseller["email"], "password": full.reseller["password"]})
            if answer.status != 200:
                break
        assert answer.status == 402 and answer.json["code"] == "quota_exceeded", answer
        full.takes((200, 204), token, [("DELETE", f"{base}/session", None)])
        assert full.office.status(full.office.token(full.office.owner_email, PASSWORD)) == 200


def operators(full):
    base, shop, office = full.office.base, full.shop, full.office
    with checks("P2 G3 at its quota operators revoke, rotate, suspend, terminate, disable, and end sessions"):
        full.takes((200, 204), shop.owner_key, [
            ("DELETE", f"{base}/api-keys/{full.keys[2]}", None),
            ("POST", f"{base}/api-keys/{full.keys[3]}/rotate", {"overlap_seconds": 0}),
            ("POST", f"{base}/resellers/{full.reseller['id']}/webhook-secret/rotate", None),
            ("POST", f"{base}/resellers/{full.resting['id']}/suspend", None),
            ("POST", f"{base}/resellers/{full.leaving['id']}/terminate", None),
            ("DELETE", f"{base}/people/{full.other['id']}/sessions", None),
            ("PATCH", f"{base}/people/{full.person['id']}", {"state": "disabled"}),
            ("POST", f"{base}/webhooks/{full.hook}/disable", None)])
        assert office.status(full.persons) == 401
        for reseller in (full.resting, full.leaving):
            assert shop.get(reseller, "/balance").status in (401, 403), reseller
    with checks("P2 O10 at its quota an order is refunded, another rejected, and a service cancelled"):
        full.takes((200,), shop.owner_key, [
            ("POST", f"{base}/orders/{full.order}/refund", {"amount": "1.00", "reason": "it was down"}),
            ("POST", f"{base}/orders/{full.pending}/reject", {"reason": "none left"}),
            ("POST", f"{base}/services/{full.service}/cancel", {})])
    with checks("P2 O13 at its quota people set another password, sign in by API and page, and sign out"):
        full.takes((200,), full.owner, [("POST", f"{base}/account/password", {"old": PASSWORD, "new": OTHER})])
        token = office.token(office.owner_email, OTHER)
        full.takes((200, 204), token, [
            ("DELETE", f"{base}/account/sessions", None), ("DELETE", f"{base}/session", None)])
        assert office.status(token) == 401
        browser = Browser(full.gateway)
        entered = browser.sign_in(shop.base, office.owner_email, OTHER)
        assert entered.status == 303, entered.status
        full.refuses_more()


def providers(full):
    with checks("P2 P5 at its quota the provider issues an owner key, suspends, resumes and exports; that verifies"):
        issued = full.provider("POST", "/owner-key")
        assert issued.status == 201 and full.office.status(issued.json["owner_key"]) == 200, issued
        full.bounded()
        for move in ("suspend", "resume"):
            assert full.provider("POST", f"/{move}").status == 200, move
        full.refuses_more()


def restarted(full):
    with checks("P2 G3 killed and started again the file has what is left of its reserve, and no more"):
        full.gateway.kill()
        full.gateway.start()
        full.takes((200, 204), full.shop.owner_key, [
            ("DELETE", f"{full.office.base}/api-keys/{full.keys[3]}", None)])
        full.refuses_more()
        full.bounded()


def used_up(full):
    with checks("P2 operators come to the end of their reserve: 402; the provider's part is left; the file is bounded"):
        secret = f"/resellers/{full.reseller['id']}/webhook-secret/rotate"
        for _ in range(3_000):
            answer = full.shop.admin("POST", secret, {"overlap_seconds": 0})
            if answer.status != 200:
                break
        assert answer.status == 402 and answer.json["code"] == "quota_exceeded", answer
        assert full.provider("POST", "/owner-key").status == 201
        assert full.bounded() > QUOTA
    with checks("P2 P5 an export from the reserve is restored; under a larger quota people sign in and revoke"):
        file = verified_export(full.gateway, full.shop.slug)
        restored = full.provider("POST", "/restore", file)
        assert restored.status == 200, restored
        full.holds(16 << 20)
        token = full.office.token(full.office.owner_email, OTHER)
        full.takes((200, 204), token, [("DELETE", f"{full.office.base}/session", None)])
    with checks("P2 under a larger quota everything goes on"):
        assert full.product().status == 201
        assert full.shop.admin("POST", secret, {"overlap_seconds": 0}).status == 200
        full.holds(QUOTA)
        verified_export(full.gateway, full.shop.slug)


with Gateway(options.tollgate, demo=False) as gateway:
    full = Full(gateway)
    full.holds(QUOTA)
    full.fill()
    resellers(full)
    strangers(full)
    operators(full)
    providers(full)
    restarted(full)
    used_up(full)
    with checks("P2 P5 at its quota a tenant is cancelled and erased"):
        assert full.provider("POST", "/cancel").status == 200
        assert full.provider("DELETE", f"?confirm={full.shop.slug}").status == 204
checks.finish()
