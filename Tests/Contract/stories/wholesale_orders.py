"""A shop applies, is approved, integrates and sells: orders, services, money."""

from decimal import Decimal

from examplebook import PASSWORD
from stories.common import SINCE, account, bearer, receiver, refusals, signed_in, webhooks
from support import wait_until

SLUG, PREFIX = "hosting", "hst"
# When what is not paid for is past due.
LATER = "2026-04-22 12:00:00"
ORDER = {"product": "vps-s", "term": "monthly", "quantity": 1, "reference": "invoice-4711",
         "customer": {"external_id": "c-1", "email": "jo@customer.example", "name": "Jo Bloggs"}}


def tell(story, stage):
    stage.product("vps-s", "VPS S", list={"monthly": "5.00", "annual": "50.00"})
    stage.product("dedicated", "Dedicated server", "manual", list={"monthly": "80.00"})
    stage.admin("PUT", "/payment-service", {"driver": "sandbox"})
    made = story("POST /apply", {
        "email": "ada@shop.example", "name": "Ada Lovelace", "company": "Ada's Shop Ltd", "password": PASSWORD},
            place={})
    id = made["id"]
    stage.admin("POST", f"/resellers/{id}/approve")
    stage.admin("POST", f"/resellers/{id}/balance", {"amount": "500.00", "reference": "bank transfer"})
    for sku, price in (("vps-s", "4.00"), ("dedicated", "64.00")):
        stage.admin("PUT", f"/resellers/{id}/products/{sku}", {"wholesale_monthly": price})
    sign_in = signed_in(story, "/session", "ada@shop.example", "token")
    story.bearer(story("POST /session", {"email": "ada@shop.example", "password": PASSWORD}, place={})["token"])
    story.secret = story("POST /webhook/secret/rotate", {"overlap_seconds": 0})["webhook_secret"]
    account(story, sign_in, bearer, {"name": "shop", "scopes": ["partner:read", "partner:order"]})
    key = stage.admin("POST", "/api-keys", {"owner_email": "ada@shop.example", "name": "shop"})["key"]
    story.bearer(key)
    sell(story)
    story("POST /topup", {"amount": 50})
    payment = stage.admin("GET", "/payments")["data"][0]["id"]
    story("GET /topup/{id}", id=payment)
    look(story)
    refuse(story, stage, id)
    story("DELETE /account/sessions", place=bearer(sign_in()))
    story("DELETE /session", place=bearer(sign_in()))
    slow = stage.reseller("Grace", "Slow Ltd", rate_limit={"requests": 1, "window_seconds": 3600})
    refusals(story, "/orders/quote", {}, bearer(slow["key"]))
    owe(story, stage, id)


def sell(story):
    there = receiver(story)
    story("POST /orders/quote", {**ORDER, "quantity": 2})
    # Before what is asked until it is there, which is counted as well.
    story("GET /usage", query={"from": "2026-03-22", "to": "2026-03-23"})
    story("GET /usage/total", query={"from": "2026-03-22", "to": "2026-03-23"})
    story("GET /requests", query={"from": SINCE, "limit": 1})
    placed = []

    def order():
        placed.append(story("POST /orders", ORDER, headers={"Idempotency-Key": "invoice-4711"}))

    webhooks(story, there, "order.created", order)
    story("PUT /webhook", {"url": there.url("/ok/default"), "events": ["order.created", "service.renewed"]})
    story("GET /webhook")
    service = placed[0]["services"][0]["id"]
    story("GET /orders", query={"reference": "invoice-4711"})
    story("GET /orders/{id}", id=placed[0]["order"]["id"])
    story("GET /services", query={"customer": "c-1"})
    story("GET /services/{id}", id=service)
    story("POST /services/{id}/cancel", id=service)
    story("DELETE /services/{id}/cancel", id=service)


def look(story):
    for path in ("/products", "/customers", "/balance", "/account", "/statement", "/statement.csv", "/overview",
                 "/limit", "/holdings", "/program"):
        story(f"GET {path}")


def refuse(story, stage, id):
    story.refused(401, "GET", "/balance", key=bearer("hst_live_unknown"))
    story.refused(403, "GET", "/keys")
    story.refused(404, "GET", "/orders/ord_none")
    story.refused(422, "POST", "/orders/quote", {**ORDER, "quantity": 0})
    story.refused(402, "POST", "/orders/quote", {**ORDER, "quantity": 1000})
    story.refused(409, "POST", "/apply", {
        "email": "ada@shop.example", "name": "Ada Lovelace", "password": PASSWORD}, key={})


def owe(story, stage, id):
    """What is due is not paid; at a lower price it is."""
    balance = Decimal(story.gateway.get(story.base + "/balance", headers=story.headers).json["balance"])
    stage.admin("POST", f"/resellers/{id}/balance", {"amount": str(2 - balance), "reference": "correction"})
    story.gateway.stand_at(LATER)

    def past_due():
        rows = story.gateway.get(story.base + "/services?status=past_due", headers=story.headers).json["data"]
        return rows and rows[0]["id"]

    service = wait_until(past_due)
    stage.admin("POST", "/services/reprice", {"product": "vps-s", "term": "monthly", "price": "2.00"})
    story("POST /services/{id}/pay", id=service)
