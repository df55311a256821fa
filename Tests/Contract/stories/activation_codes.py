"""A reseller buys activation codes; the payment service tells of its top-up."""

import base64
import hashlib
import hmac

from payservice import API_KEY, SECRET, PaymentService
from examplebook import PASSWORD, SECONDS, written
from stories.common import account, receiver, refusals, signed_in, webhooks
from support import webhook_secret_bytes

SLUG, PREFIX = "codes", "act"


def tell(story, stage):
    for sku, name, days, price in (("starter", "Starter, 30 days", 30, "4.00"), ("pro", "Pro, 365 days", 365, "40.00")):
        stage.product(sku, name, days=days, retail_price=price, wholesale_price=price.replace("4", "3"))
    stage.admin("PATCH", "/settings", {"self_activation": True})
    service = PaymentService()
    story.stand_ins.say(service.url.removesuffix("/v1/payments"), "https://pay.example")
    stage.admin("PUT", "/payment-service", {
        "driver": "http", "create_url": service.url, "api_key": API_KEY, "webhook_secret": SECRET})

    story("POST /register", {
        "companyName": "Ada's Codes", "email": "ada@codes.example", "password": PASSWORD}, place={})
    seed = story("POST /login", {"email": "ada@codes.example", "password": PASSWORD}, place={})["seedHash"]
    story.headers = {"x-seed-hash": seed}
    sign_in = signed_in(story, "/login", "ada@codes.example", "seedHash")
    story("GET /me")
    story("POST /activate")
    account(story, sign_in, lambda hash: {"x-seed-hash": hash}, {"name": "shop"})
    story("GET /account")
    story("GET /plans", place={})
    paid = story("POST /topup", {"amount": 50})
    told = {"order_id": paid["orderId"], "status": "confirmed", "amount": "50.00", "currency": "USD"}
    story("POST /topup/webhook", told, headers=by_service(told), place={})
    story("GET /topup/status/{orderId}", orderId=paid["orderId"], place={})
    there = receiver(story)
    codes = []

    def redeem():
        codes.extend(row["code"] for row in story("POST /generate", {"planId": "starter", "count": 2})["codes"])
        done = story.gateway.post(f"{stage.base}/activate/{codes[0]}", {
            "email": "end@customer.example", "password": PASSWORD}, headers={"Accept": "application/json"})
        assert done.status == 200, done

    webhooks(story, there, "code.redeemed", redeem)
    story("GET /codes", query={"page": 1})
    story("GET /codes.csv", query={"status": "available"})
    story("PUT /webhook", {"url": there.url("/ok/default"), "events": ["code.redeemed"]})
    story("GET /webhook")
    story("POST /webhook/secret", {"overlap_seconds": 3600})
    story("POST /regenerate-key", {})
    story.refused(401, "GET", "/me", key={"x-seed-hash": "unknown"})
    story.refused(404, "GET", "/webhooks/none")
    story.refused(403, "POST", "/keys", {"name": "x"}, key={"x-api-key": key_of(stage)})
    story("DELETE /account/sessions", place={"x-seed-hash": sign_in()})
    story("POST /logout", place={"x-seed-hash": sign_in()})
    story("POST /regenerate-seed-hash", place={"x-seed-hash": sign_in()})
    slow = stage.reseller("Grace", "Slow Ltd", rate_limit={"requests": 1, "window_seconds": 3600})
    story.headers = {"x-seed-hash": sign_in()}
    refusals(story, "/generate", {}, {"x-api-key": slow["key"]})


def key_of(stage):
    return stage.reseller("Mary", "Other Ltd", balance=None)["key"]


def by_service(told):
    """Standard Webhooks, by the service's secret, over the body as it is sent."""
    head = f"msg_1.{SECONDS}."
    code = hmac.new(webhook_secret_bytes(SECRET), (head + written(told)).encode(), hashlib.sha256).digest()
    return {"webhook-id": "msg_1", "webhook-timestamp": str(SECONDS),
            "webhook-signature": "v1," + base64.b64encode(code).decode()}
