"""A panel's operator reports to the tenant what its customers paid."""

from examplebook import Stage
from stories.common import account, bearer, refusals, signed_in
from support import Number

SLUG, PREFIX = "panel", "vfc"


def tell(story, stage: Stage):
    shop = stage.reseller("Ada", "Panel Ltd")
    stage.admin("PATCH", "/settings", {"self_service_keys": True})
    story.bearer(shop["key"])
    story("POST /signup", {"email": "customer@example.com", "name": "Customer Name", "password": "at-least-8-chars"})
    event = story("POST /credit", {
        "kind": "topup", "amount_usd": Number("25.00"), "external_ref": "txn_abc123",
        "meta": {"downstream_user": "customer@example.com"}})
    story("GET /credit/{id}", id=event["id"])
    story("GET /account")
    story.refused(409, "POST", "/signup", {
        "email": "customer@example.com", "name": "Customer Name", "password": "at-least-8-chars"})
    story.refused(422, "POST", "/credit", {"kind": "gift", "amount_usd": 25, "external_ref": "txn_1"})
    story.refused(404, "GET", "/credit/ev_none")
    story.refused(401, "GET", "/account", key=bearer("vfc_live_unknown"))
    story.refused(403, "GET", "/keys")
    refused_for_money(story, stage)

    sign_in = signed_in(story, "/session", shop["email"], "token")
    story.bearer(story("POST /session", {"email": shop["email"], "password": "correct horse battery"},
        place={})["token"])
    account(story, sign_in, bearer, {"name": "billing"})
    story("DELETE /account/sessions", place=bearer(sign_in()))
    story("DELETE /session", place=bearer(sign_in()))
    slow = stage.reseller("Grace", "Slow Ltd", rate_limit={"requests": 1, "window_seconds": 3600})
    story.bearer(shop["key"])
    refusals(story, "/signup", {}, bearer(slow["key"]))
    story("POST /key/rotate", {"overlap_seconds": 3600})


def refused_for_money(story, stage):
    """A tier's quota of requests that is used up."""
    stage.provider("PATCH", f"/tenants/{stage.slug}", {"quotas": {"requests_monthly": 0}})
    story.refused(402, "GET", "/account")
    stage.provider("PATCH", f"/tenants/{stage.slug}", {"quotas": {"requests_monthly": 1_000_000_000}})
