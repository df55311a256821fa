"""A tenant of one's own with resellers, products and prices to order: what the scripts on wholesale orders share."""

from decimal import Decimal
import itertools
import uuid

from support import signature_headers

PASSWORD = "correct horse battery"
PARTNER = "/api/partner/v1"
ADMIN = "/api/admin"
_numbers = itertools.count(1)


class Shop:
    """One tenant of the blueprint `hosting`, made through the provider's API. Calls answer with `Answer`s; what is only
    the setting of a scene is asserted here. Nobody has a password who does not need one: each costs a tenth of a second of
    scrypt. `password=PASSWORD` gives the owner one."""

    def __init__(self, gateway, slug=None, **fields):
        self.gateway = gateway
        self.slug = slug or f"shop-{next(_numbers)}"
        made = gateway.post("/provider/v1/tenants", {
            "slug": self.slug, "blueprint": "hosting", "owner_email": f"owner@{self.slug}.example", "tier": "pro",
            **fields}, key=gateway.provider_key)
        assert made.status == 201, made
        self.made = made.json
        self.base = f"/t/{self.slug}"
        self.owner_key = self.made["owner_key"]

    @classmethod
    def create(cls, gateway, **fields):
        return cls(gateway, **fields)

    # The operator's side

    def admin(self, method, path, body=None, idempotent=False, key=None, headers=None):
        headers = dict(headers or {})
        if idempotent:
            headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
        return self.gateway.request(method, self.base + ADMIN + path, body, key=key or self.owner_key, headers=headers)

    def invite(self, email=None, password=PASSWORD, **fields):
        """A reseller that is pending, with its password and webhook secret; without a password it has an invitation."""
        email = email or f"reseller-{next(_numbers)}@{self.slug}.example"
        fields |= {"password": password} if password else {}
        made = self.admin("POST", "/resellers", {"email": email, "name": "A reseller", **fields})
        assert made.status == 201, made
        return {
            "id": made.json["id"], "email": email, "password": password, "key": None,
            "webhook_secret": made.json["webhook_secret"], "invitation": made.json.get("invitation_url")}

    def move(self, reseller, move):
        return self.admin("POST", f"/resellers/{reseller['id']}/{move}")

    def reseller(self, balance=None, password=None, **terms):
        """An active reseller with a key, a balance and these terms; its limit is out of the way. Without a
        password it sets one when it first signs in."""
        reseller = self.invite(password=password)
        approved = self.move(reseller, "approve")
        assert approved.status == 200, approved
        terms.setdefault("rate_limit", {"requests": 1_000_000, "window_seconds": 60})
        self.terms(reseller, **terms)
        if balance is not None:
            self.top_up(reseller, balance)
        minted = self.mint(reseller)
        assert minted.status == 201, minted
        reseller["key"] = minted.json["key"]
        reseller["key_id"] = minted.json["id"]
        return reseller

    def terms(self, reseller, **terms):
        changed = self.admin("PATCH", f"/resellers/{reseller['id']}", terms)
        assert changed.status == 200, changed

    def top_up(self, reseller, amount, key=None):
        done = self.admin(
            "POST", f"/resellers/{reseller['id']}/balance", {"amount": amount, "reference": "top-up"}, idempotent=True,
            headers={"Idempotency-Key": key} if key else None)
        assert done.status in (200, 201), done
        return done

    def mint(self, reseller, **fields):
        return self.admin("POST", "/api-keys", {"owner_email": reseller["email"], **fields})

    def product(self, fulfilment="instant"):
        sku = f"product-{next(_numbers)}"
        made = self.admin("POST", "/products", {"sku": sku, "name": f"The {sku}", "fulfilment": fulfilment})
        assert made.status == 201, made
        return sku

    def price(self, reseller, sku, row):
        """`row` as a dict, or as bytes that go as they are."""
        done = self.admin("PUT", f"/resellers/{reseller['id']}/products/{sku}", row)
        assert done.status == 200, done

    # The reseller's side

    def call(self, reseller, method, path, body=None, **options):
        options.setdefault("key", reseller.get("key"))
        return self.gateway.request(method, self.base + PARTNER + path, body, **options)

    def get(self, reseller, path, **options):
        return self.call(reseller, "GET", path, **options)

    def listed(self, reseller, sku):
        return next(row for row in self.get(reseller, "/products").json["data"] if row["product"] == sku)

    def balance(self, reseller):
        return Decimal(self.get(reseller, "/balance").json["balance"])

    @staticmethod
    def order_body(sku, term="monthly", quantity=1, customer="c-1"):
        return {"product": sku, "term": term, "quantity": quantity, "customer": {"external_id": customer}}

    def quote(self, reseller, sku, term="monthly", quantity=1, customer="c-1"):
        return self.call(reseller, "POST", "/orders/quote", self.order_body(sku, term, quantity, customer))

    def order(self, reseller, sku, term="monthly", quantity=1, customer="c-1", key=None, **options):
        """A signed order under an Idempotency-Key of its own, or `key`."""
        return self.gateway.order(
            self.base + PARTNER + "/orders", self.order_body(sku, term, quantity, customer), reseller,
            key or str(uuid.uuid4()), **options)

    def sign_in(self, reseller):
        """A session's token."""
        if reseller["password"] is None:
            path = reseller["invitation"].removeprefix(self.gateway.base_url)
            accepted = self.gateway.post(path, {"password": PASSWORD})
            assert accepted.status == 200, accepted
            reseller["password"] = PASSWORD
        answer = self.gateway.post(
            self.base + PARTNER + "/session", {"email": reseller["email"], "password": reseller["password"]})
        assert answer.status == 200, answer
        return answer.json["token"]


def numbers(answer):
    """An order's or a quote's (line, setup, total)."""
    body = answer.json
    return tuple(Decimal(body[name]) for name in ("line_total", "setup_total", "wholesale_total"))


__all__ = ["Shop", "PASSWORD", "PARTNER", "ADMIN", "numbers", "signature_headers"]
