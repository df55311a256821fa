"""What operators do: people, resellers, catalogue, orders, money, stock, webhooks, the audit log."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "docs", "examples"))

from examplebook import PASSWORD, SECONDS
from logo import png
from stories.common import RENEWED, SINCE, bearer, password_again, peek, receiver, refusals, signed_in
from stories.wholesale_orders import ORDER
from support import Number, wait_until

SLUG, PREFIX = "desk", "dsk"
DAY = {"from": "2026-03-22", "to": "2026-03-23"}
POLICY = {"requests": 600, "window_seconds": 60, "burst": 100}
PORTS = """device,server_ip,http_port,socks_port,country,city,carrier
modem-1,198.51.100.7,10001,20001,de,munich,telekom
modem-1,198.51.100.7,10002,20002,de,munich,telekom
modem-2,198.51.100.8,10001,20001,de,munich,telekom
"""


class Office:
    """The story, with who acts in it and what they made."""

    def __init__(self, story, stage):
        self.story, self.stage = story, stage
        self.there = receiver(story)
        self.owner = bearer(stage.owner_key)
        self.sign_in = signed_in(story, "/session", stage.owner_email, "token")

    def order(self, sku, shop=None, **fields):
        shop = shop or self.shop
        answer = self.story.gateway.order(
            f"{self.stage.base}/api/partner/v1/orders", {**ORDER, "product": sku, **fields}, shop,
            f"{sku}-{len(fields)}-{self.count()}", timestamp=SECONDS)
        assert answer.status == 201, answer
        return answer.json

    def count(self):
        self.orders = getattr(self, "orders", 0) + 1
        return self.orders

    def dialect(self, method, path, body=None, shop=None, headers=None):
        shop = shop or self.shop
        return self.stage.call(method, self.stage.base + path, body, headers=headers or bearer(shop["key"]))


def tell(story, stage):
    story.headers = bearer(stage.owner_key)
    office = Office(story, stage)
    for part in (people, resellers, catalogue, terms, keys, orders, services, hooks, stock, licences, ports, units,
        codes,
                 credits, money, settings, audit, refuse):
        part(office)


def people(office):
    story, stage = office.story, office.stage
    token = story("POST /session", {"email": stage.owner_email, "password": PASSWORD}, place={})["token"]
    story("GET /account")
    story("GET /account/sessions", place=bearer(token))
    office.sign_in()
    listed = peek(story, "/sessions?email=" + stage.owner_email)["data"]
    story("GET /sessions", query={"email": stage.owner_email})
    story("DELETE /sessions/{id}", id=listed[0]["id"])
    token = office.sign_in()
    office.sign_in()
    mine = story.gateway.get(story.base + "/account/sessions", headers=bearer(token)).json["data"]
    ended = next(row["id"] for row in mine if not row["current"])
    story("DELETE /account/sessions/{id}", place=bearer(token), id=ended)
    story("POST /account/password", {"old": PASSWORD, "new": RENEWED}, place=bearer(token))
    password_again(story, bearer(office.sign_in(RENEWED)))
    clerk = story("POST /people", {"email": "clerk@desk.example", "name": "Sam Clerk", "role": "operator"})
    link = clerk["invitation_url"].removeprefix(story.gateway.base_url)
    stage.call("POST", link, {"password": PASSWORD})
    at = {"id": clerk["id"]}
    clerk_in = signed_in(story, "/session", "clerk@desk.example", "token")
    clerk_in()
    story("GET /people", query={"role": "operator"})
    story("GET /people/{id}", **at)
    story("PATCH /people/{id}", {"name": "Sam Smith", "role": "support"}, **at)
    clerk_in()
    session = story("GET /people/{id}/sessions", **at)["data"][0]["id"]
    story("DELETE /people/{id}/sessions/{session}", session=session, **at)
    clerk_in()
    story("DELETE /people/{id}/sessions", **at)
    story("POST /people/{id}/password-reset", **at)
    token = bearer(clerk_in())
    clerk_in()
    story("DELETE /account/sessions", place=token)
    story("DELETE /session", place=bearer(clerk_in()))
    story("POST /account/keys", {"role": "operator", "name": "till", "expires_at": "2027-03-22T10:30:00Z"})
    story("GET /account/keys")


def resellers(office):
    story, stage = office.story, office.stage
    made = story("POST /resellers", {"email": "ada@shop.example", "name": "Ada Lovelace", "company": "Ada's Shop Ltd"})
    at = {"id": made["id"]}
    stage.call("POST", made["invitation_url"].removeprefix(story.gateway.base_url), {"password": PASSWORD})
    story("POST /resellers/{id}/approve", **at)
    key = stage.admin("POST", "/api-keys", {"owner_email": made["email"], "name": "shop"})
    office.shop = {**made, "key": key["key"], "key_id": key["id"]}
    story("GET /resellers", query={"status": "active"})
    story("PATCH /resellers/{id}", {
        "default_discount_rate": "7.5", "credit_limit": "100.00", "rate_limit": POLICY, "notes": "Pays by transfer."},
            **at)
    story("GET /resellers/{id}", **at)
    story("POST /resellers/{id}/balance", {"amount": "500.00", "reference": "bank transfer"}, **at)
    office.shop["webhook_secret"] = story(
        "POST /resellers/{id}/webhook-secret/rotate", {"overlap_seconds": 0}, **at)["webhook_secret"]

    def person():
        return stage.session("/api/partner/v1/session", made["email"], "token")

    person()
    session = story("GET /resellers/{id}/sessions", **at)["data"][0]["id"]
    story("DELETE /resellers/{id}/sessions/{session}", session=session, **at)
    person()
    story("DELETE /resellers/{id}/sessions", **at)
    story("POST /resellers/{id}/password-reset", **at)
    other = stage.admin("POST", "/resellers", {"email": "bob@late.example", "name": "Bob", "company": "Late Ltd"})
    story("POST /resellers/{id}/invitation", id=other["id"])
    stage.admin("POST", f"/resellers/{other['id']}/approve")
    for move in ("suspend", "resume", "terminate"):
        story(f"POST /resellers/{{id}}/{move}", id=other["id"])


def catalogue(office):
    story = office.story
    story("POST /products", {
        "sku": "vps-s", "name": "VPS S", "fulfilment": "instant", "list": {"monthly": "5.00", "annual": "50.00"}})
    for sku, name, fulfilment in (
            ("dedicated", "Dedicated server", "manual"), ("domain", "Domain", "http"), ("voucher", "Voucher", "stock")):
        office.stage.product(sku, name, fulfilment, list={"monthly": "8.00"})
    office.stage.product("lifetime", "Lifetime licence")
    office.stage.product("starter", "Starter, 30 days", days=30, retail_price="4.00", wholesale_price="3.00")
    story("GET /products", query={"limit": 2})
    story("GET /products/{sku}", sku="vps-s")
    story("PATCH /products/{sku}", {"name": "VPS Small"}, sku="vps-s")
    story("GET /products.csv")
    story("POST /products.csv", "sku,name,fulfilment\nvps-m,VPS Medium,instant\n", query={"dry_run": "true"},
        type="text/csv")


def terms(office):
    story, id = office.story, office.shop["id"]
    at = {"id": id, "sku": "vps-s"}
    story("PUT /resellers/{id}/products/{sku}", {"wholesale_monthly": "4.00", "wholesale_annual": "40.00"}, **at)
    for sku in ("dedicated", "domain", "voucher"):
        office.stage.admin("PUT", f"/resellers/{id}/products/{sku}", {"wholesale_monthly": "6.00"})
    office.stage.admin("PUT", f"/resellers/{id}/products/lifetime", {"wholesale_once": "4.00"})
    story("GET /resellers/{id}/products", query={"limit": 2}, id=id)
    story("GET /resellers/{id}/products/{sku}", **at)
    story("GET /resellers/{id}/products/{sku}/history", **at)
    office.stage.admin("PUT", f"/resellers/{id}/products/vps-s?mode=test", {"wholesale_monthly": "0.10"})
    story("DELETE /resellers/{id}/products/{sku}", query={"mode": "test"}, **at)
    story("GET /price-book.csv")
    story("POST /price-book.csv", f"reseller,sku,wholesale_monthly\n{id},vps-s,4.50\n", query={"dry_run": "true"},
        type="text/csv")
    story("GET /price-sheet", query={"reseller": id, "limit": 2})
    story("GET /price-history", query={"reseller": id, "product": "vps-s"})


def keys(office):
    story, stage = office.story, office.stage
    made = story("POST /api-keys", {
        "owner_email": "ada@shop.example", "name": "till", "scopes": ["partner:read"], "limit": POLICY})
    at = {"id": made["id"]}
    story("GET /api-keys", query={"reseller": office.shop["id"]})
    story("GET /api-keys/{id}", **at)
    story("PUT /api-keys/{id}/limit", {**POLICY, "requests": 1200}, **at)
    stage.call("GET", f"{stage.base}/api/partner/v1/balance", key=made["key"])
    story("GET /api-keys/{id}/limit", **at)
    story("GET /api-keys/{id}/limit/history", **at)
    story("POST /api-keys/{id}/limit/rehearse", {"requests": 60, "window_seconds": 60, "days": 7}, **at)
    story("POST /api-keys/{id}/limit/reset", **at)
    story("DELETE /api-keys/{id}/limit", **at)
    story("GET /api-keys/activity", query={"key": made["id"]})
    turned = story("POST /api-keys/{id}/rotate", {"overlap_seconds": 3600}, **at)
    story("DELETE /api-keys/{id}", id=turned["id"])
    story("GET /resellers/{id}/rate-limit/history", id=office.shop["id"])
    story("POST /resellers/{id}/rate-limit/rehearse", {"requests": 60, "window_seconds": 60, "days": 7},
          id=office.shop["id"])


def orders(office):
    story = office.story
    placed = [office.order("dedicated", reference=f"invoice-{number}") for number in (1, 2)]
    first, second = [order["order"]["id"] for order in placed]
    story("GET /orders", query={"state": "pending", "reference": "invoice-1"})
    story("GET /orders/{id}", id=first)
    story("POST /orders/{id}/activate", {"details": {
        "host": {"value": "srv-1.desk.example"}, "password": {"value": "correct horse", "secret": True}}}, id=first)
    story("POST /orders/{id}/reject", {"reason": "No server of this kind is free."}, id=second)
    story("POST /orders/{id}/refund", {"amount": "1.00", "reason": "It was down for a day."}, id=first)
    story("GET /orders.csv", query={"reference": "invoice-1"})
    office.service = placed[0]["services"][0]["id"]


def services(office):
    story = office.story
    at = {"id": office.service}
    story("GET /services", query={"product": "dedicated", "state": "active"})
    story("GET /services.csv", query={"product": "dedicated"})
    story("GET /services/{id}", **at)
    story("GET /services/{id}/charges", **at)
    story("PATCH /services/{id}/details", {"details": {"host": {"value": "srv-2.desk.example"}}}, **at)
    story("POST /services/{id}/suspend", **at)
    story("POST /services/{id}/resume", **at)
    story("POST /services/{id}/cancel", {"at": "term_end"}, **at)
    story("DELETE /services/{id}/cancel", **at)
    story("POST /services/reprice", {"product": "dedicated", "term": "monthly", "price": "7.00", "dry_run": True})


def hooks(office):
    story, shop = office.story, office.shop
    made = office.dialect("POST", "/api/partner/v1/webhooks", {
        "name": "shop", "url": office.there.url("/ok/hooks"), "events": ["order.created"]})
    at = {"id": made["id"]}
    office.order("vps-s")
    story("POST /webhooks/{id}/test", **at)

    def sent():
        rows = peek(story, "/deliveries?state=delivered&type=order.created")["data"]
        return rows and rows[0]

    delivery = wait_until(sent)
    story("GET /webhooks", query={"reseller": shop["id"]})
    story("GET /webhooks/{id}", **at)
    for move in ("pause", "resume", "disable", "enable"):
        story(f"POST /webhooks/{{id}}/{move}", **at)
    of = {"id": delivery["id"]}
    story("GET /deliveries", query={"type": "order.created", "state": "delivered"})
    story("GET /deliveries/count", query={"state": "delivered"})
    story("GET /deliveries/{id}", **of)
    own = [call.headers for call in office.there.calls["/ok/hooks"]
           if call.headers["webhook-id"] in (delivery["id"], delivery["event"])]
    signature = own[-1]["webhook-signature"]
    story("POST /deliveries/{id}/signature", {"timestamp": SECONDS, "signature": signature}, **of)
    story("POST /deliveries/{id}/retry", **of)
    wait_until(sent)
    replay = story("POST /deliveries/replay", {"since": SINCE, "types": ["order.created"], "reseller": shop["id"]})
    wait_until(lambda: peek(story, f"/replays/{replay['id']}")["delivered"] == 1)
    story("GET /replays")
    story("GET /replays/{id}", id=replay["id"])
    story("GET /events", query={"types": "order.created", "limit": 1})


def stock(office):
    story = office.story
    at = {"sku": "voucher"}
    story("POST /products/{sku}/stock", "item\nAAAA-1111\nBBBB-2222\n", type="text/csv", **at)
    story("GET /products/{sku}/stock", **at)
    item = story("GET /products/{sku}/stock/items", **at)["data"][0]["id"]
    story("DELETE /products/{sku}/stock/items/{id}", id=item, **at)
    story("GET /stock", query={"kind": "items"})


def licences(office):
    story, id = office.story, office.shop["id"]
    row = {"reseller": id, "product": "lifetime", "expiration": "2027-03-22T10:30:00Z"}
    story("POST /licences",
        {"licences": [{**row, "key": "ps-3F7K-9QX2LBA-7TZ"}, {**row, "key": "ps-3F7K-9QX2LBB-7TZ"}]})
    story("POST /licences", "reseller,product,key,expiration\n"
          f"{id},lifetime,ps-3F7K-9QX2LBC-7TZ,2027-03-22T10:30:00Z\n", type="text/csv")
    story("GET /licences", query={"reseller": id, "limit": 2})
    other = office.stage.reseller("Mary", "Other Ltd", balance=None)
    office.other = other
    story("POST /licences/move", {"keys": ["ps-3F7K-9QX2LBB-7TZ"], "reseller": other["id"]}, query={"mode": "live"})
    story("POST /licences/withdraw", {"keys": ["ps-3F7K-9QX2LBC-7TZ"]}, query={"mode": "live"})
    story("GET /licences/withdrawn")


def ports(office):
    story = office.story
    story("PUT /countries/{id}", {"base_price": "2.00", "name": "Germany"}, id="de")
    story("POST /ports", PORTS, type="text/csv")
    story("POST /ports", {"ports": [{
        "device": "modem-3", "server_ip": "198.51.100.9", "http_port": 10001, "socks_port": 20001, "country": "de"}]})
    story("GET /ports", query={"country": "de", "status": "free", "limit": 1})
    story("GET /countries")
    story("GET /devices", query={"country": "de", "limit": 1})
    story("GET /devices/{name}", name="modem-1")
    story("PATCH /devices/{name}", {"server_ip": "198.51.100.10"}, query={"mode": "live"}, name="modem-1")
    story("GET /ports/{address}", query={"mode": "live"}, address="198.51.100.10:10001")
    story("PATCH /ports/{address}", {"http_port": 11001}, query={"mode": "live"}, address="198.51.100.10:10001")
    story("DELETE /ports/{address}", query={"mode": "live"}, address="198.51.100.8:10001")
    story("DELETE /devices/{name}", query={"mode": "live"}, name="modem-3")


def units(office):
    story = office.story
    desk = {"url": office.there.url("/500/provisioner"), "timeout_seconds": 5}
    at = {"sku": "domain"}
    story("PUT /provisioning", desk)
    story("GET /provisioning")
    story("PUT /products/{sku}/provisioning", desk, **at)
    story("GET /products/{sku}/provisioning", **at)
    story("POST /provisioning/test", {"product": "domain", "verb": "create", "send": False})
    waiting = [office.order("domain", reference=f"domain-{number}")["services"][0]["id"] for number in range(3)]

    def stuck():
        return [row["tries"] for row in peek(story, "/provisioning/queue")["data"]] == [1, 1, 1]

    wait_until(stuck)
    story("GET /provisioning/queue", query={"limit": 2})
    story("DELETE /products/{sku}/provisioning", **at)
    story("DELETE /provisioning")
    story("POST /provisioning/{service}/retry", service=waiting[0])
    story("POST /provisioning/{service}/confirm", {"details": {"host": {"value": "shop.example"}}}, service=waiting[1])
    story("POST /provisioning/{service}/give_up", {"reason": "The name is taken."}, service=waiting[2])
    story("GET /due", query={"kind": "renewal", "limit": 1})


def codes(office):
    story, stage = office.story, office.stage
    story("PUT /payment-service", {
        "driver": "http", "create_url": office.there.url("/ok/payments"), "api_key": "the-service's-own-key",
        "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    story("GET /payment-service")
    story("DELETE /payment-service")
    stage.admin("PUT", "/payment-service", {"driver": "sandbox"})
    key = {"x-api-key": office.shop["key"]}
    office.dialect("POST", "/api/reseller/topup", {"amount": 50}, headers=key)
    story("GET /payments")
    story("GET /payments/{id}", id=peek(story, "/payments")["data"][0]["id"])
    made = office.dialect("POST", "/api/reseller/generate", {"planId": "starter", "count": 1}, headers=key)["codes"][0]
    story.stand_ins.general(made)
    done = story.gateway.post(f"{stage.base}/activate/{made['code']}", {
        "email": "end@customer.example", "password": PASSWORD}, headers={"Accept": "application/json"})
    assert done.status == 200, done
    story("GET /code-batches")
    story("GET /codes/{code}", code=made["code"])
    person = story("GET /subscribers", query={"email": "end@customer.example"})["data"][0]["id"]
    story("GET /subscribers/{id}", id=person)
    story("GET /subscribers/{id}/redemptions", id=person)
    story("POST /subscribers/{id}/password-reset", id=person)


def credits(office):
    story, id = office.story, office.shop["id"]
    base = "/api/v1/reseller"
    office.dialect("POST", base + "/signup",
        {"email": "customer@example.com", "name": "Customer", "password": PASSWORD})
    for ref, amount in (("txn_1", "25.00"), ("txn_2", "5.00"), ("txn_2", "6.00")):
        office.story.gateway.post(f"{office.stage.base}{base}/credit", {
            "kind": "topup", "amount_usd": float(amount), "external_ref": ref}, key=office.shop["key"])
    event = story("GET /credit-events", query={"reseller": id, "external_ref": "txn_1"})["data"][0]["id"]
    story("GET /credit-events/{id}", id=event)
    made = story("POST /reconciliations",
                 "external_ref,kind,amount,at\ntxn_1,topup,25.00,2026-03-22T10:30:00Z\n", query={"reseller": id},
                     type="text/csv")
    story("POST /reconciliations",
          '{"external_ref": "txn_1", "kind": "topup", "amount": "25.00", "at": "2026-03-22T10:30:00Z"}\n',
          query={"reseller": id}, type="application/jsonl")
    wait_until(lambda: peek(story, "/reconciliations?status=running")["data"] == [])
    story("GET /reconciliations", query={"reseller": id, "limit": 1})
    story("GET /reconciliations/{id}", id=made["id"])
    review = story("GET /reviews", query={"reseller": id, "limit": 1})["data"][0]["id"]
    story("GET /reviews/{id}", id=review)
    story("POST /reviews/{id}/close", {"note": "Settled by mail."}, id=review)
    story("GET /users", query={"signed_up_via": office.shop["key_id"]})


def money(office):
    story, id = office.story, office.shop["id"]
    story("GET /resellers/{id}/statement", query={"limit": 2}, id=id)
    story("GET /resellers/{id}/statement.csv", query=DAY, id=id)
    for report in ("turnover", "refunds", "holds", "credit", "balances"):
        story(f"GET /reports/{report}", query=DAY)
        story(f"GET /reports/{report}.csv", query=DAY)
    story("GET /customers", query={"reseller": id, "limit": 1})
    customer = peek(story, "/customers?limit=1")["data"][0]["id"]
    story("GET /customers/{id}", id=customer)
    story("PATCH /customers/{id}", {"email": "jo@example.net", "name": "Jo"}, id=customer)
    usage = {**DAY, "reseller": id}
    story("GET /usage", query={**usage, "limit": 1})
    story("GET /usage/total", query=usage)
    story("GET /usage/groups", query={**usage, "group": "key"})
    for path in ("/attention", "/overview"):
        story(f"GET {path}")


def settings(office):
    story = office.story
    story("PATCH /settings", {"name": "Desk Hosting", "colours": {"primary": "#1a2b3c"}, "self_activation": False})
    story("PUT /settings/logo", png(2, 2), type="image/png")
    story("DELETE /settings/logo")
    story("GET /settings")
    story("POST /outbound/resume", {"deliveries": "send"})


def audit(office):
    story, id = office.story, office.shop["id"]
    rows = peek(story, "/audit?limit=1&changes=true")["data"]
    query = {"request_id": rows[0]["request_id"]}
    story("GET /audit", query=query)
    story("GET /audit.csv", query=query)
    story("GET /audit.jsonl", query=query)
    story("GET /audit/{seq}", seq=rows[0]["seq"])
    story("GET /audit/requests/{id}", id=rows[0]["request_id"])
    story("GET /audit/requests", query={"ids": rows[0]["request_id"], "at": rows[0]["at"]})
    head = story("GET /audit/head")
    story("POST /audit/verify", {"head": head["head"]})


def refuse(office):
    story, stage = office.story, office.stage
    story.refused(401, "GET", "/account", key=bearer("dsk_live_unknown"))
    story.refused(403, "GET", "/people", key=bearer(office.shop["key"]))
    story.refused(404, "GET", "/orders/ord_none")
    story.refused(409, "POST", "/resellers", {"email": "ada@shop.example", "name": "Ada Lovelace"})
    story.refused(422, "POST", "/resellers", {"email": "ada", "name": ""})
    story.refused(412, "POST", "/price-book.csv",
        f"reseller,sku,wholesale_monthly\n{office.shop['id']},vps-s,4.50\n".encode(),
                  {"Content-Type": "text/csv", "If-Match": "another"})
    slow = stage.admin("POST", "/api-keys", {
        "owner_email": stage.owner_email, "role": "operator", "limit": {"requests": 1, "window_seconds": 3600}})
    refusals(story, "/resellers", {}, bearer(slow["key"]))
    stage.provider("PATCH", f"/tenants/{stage.slug}", {"quotas": {"requests_monthly": 0}})
    story.refused(402, "GET", "/account")
    stage.provider("PATCH", f"/tenants/{stage.slug}", {"quotas": {"requests_monthly": 1_000_000_000}})


__all__ = ["tell", "Number"]
