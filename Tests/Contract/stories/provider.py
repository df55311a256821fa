"""The provider sets tenants up, looks after them and lets them go."""

from stories.common import bearer, refusals

SLUG, PREFIX = "shop", "shp"


def tell(story, stage):
    story.bearer(story.gateway.provider_key)
    at = {"slug": "acme"}
    story("POST /tenants", {
        "slug": "acme", "blueprint": "everything", "owner_email": "owner@acme.example", "tier": "standard",
        "prefix": "acm", "currency": "USD"})
    story("GET /tenants", query={"q": "acme"})
    story("GET /tenants/{slug}", **at)
    story("PATCH /tenants/{slug}", {
        "tier": "pro", "quotas": {"resellers": 1000}, "rate_limit": {"requests": 6000, "window_seconds": 60},
        "domains": [{"host": "api.acme.example"}], "domains_were": []}, **at)
    story("POST /tenants/{slug}/owner-key", **at)
    story("POST /tenants/{slug}/invitation", **at)
    story("POST /tenants/{slug}/suspend", **at)
    story("POST /tenants/{slug}/resume", **at)
    story("POST /tenants/{slug}/cancel", **at)
    story("DELETE /tenants/{slug}/cancel", **at)
    story("POST /tenants/{slug}/refund", **at)
    copies(story, stage)
    keys(story)
    for path in ("/attention", "/node", "/blueprints", "/nodes", "/placement"):
        story(f"GET {path}")
    story("GET /usage", query={"month": "2026-03", "tenant": "acme"})
    story("GET /usage.csv", query={"month": "2026-03", "tenant": "acme"})
    story("GET /traffic", query={"tenant": "acme"})
    story("GET /log", query={"tenant": "acme", "limit": 2})
    story("GET /log.csv", query={"tenant": "acme"})
    story("GET /log.jsonl", query={"tenant": "acme"})
    story("POST /clock/accept")
    story("POST /registry/rebuild")
    refuse(story)
    story.bearer(story("POST /provider-key/rotate")["provider_key"])


def copies(story, stage):
    export = story("GET /tenants/{slug}/export", slug=stage.slug)
    story("POST /tenants/{slug}/restore", export, type="application/vnd.sqlite3", slug=stage.slug)
    story("POST /tenants/{slug}/fork", {"slug": "shop-trial"}, slug=stage.slug)
    made = story.gateway.post(f"{story.base}/tenants", {
        "slug": "mover", "blueprint": "everything", "owner_email": "owner@mover.example"}, headers=story.headers)
    assert made.status == 201, made
    sealed = story.gateway.get(f"{story.base}/tenants/mover/export?with_secrets=true", headers={
        **story.headers, "Tollgate-Passphrase": "a passphrase of many words"})
    gone = story.gateway.delete(f"{story.base}/tenants/mover?confirm=mover", headers=story.headers)
    assert sealed.status == 200 and gone.status == 204, (sealed, gone)
    story("POST /tenants/import", sealed.body, query={"slug": "mover"}, headers={
        "Tollgate-Passphrase": "a passphrase of many words"}, type="application/vnd.tollgate.tenant")
    story("GET /backup")
    at = {"slug": stage.slug}
    story("POST /tenants/{slug}/move", {"base_url": "https://elsewhere.example"}, **at)
    story("DELETE /tenants/{slug}/move", **at)
    again = story.gateway.post(
        f"{story.base}/tenants/{stage.slug}/move", {"base_url": "https://elsewhere.example"}, headers=story.headers)
    assert again.status == 200, again
    story("POST /tenants/{slug}/move/confirm", **at)
    leaving = {"slug": "leaving"}
    made = story.gateway.post(f"{story.base}/tenants", {
        "slug": "leaving", "blueprint": "everything", "owner_email": "owner@leaving.example"}, headers=story.headers)
    assert made.status == 201, made
    gone = story.gateway.delete(f"{story.base}/tenants/leaving?confirm=leaving&after_days=30", headers=story.headers)
    assert gone.status in (200, 204), gone
    story("DELETE /tenants/{slug}/deletion", **leaving)
    story("DELETE /tenants/{slug}", query={"confirm": "leaving"}, **leaving)


def keys(story):
    made = story("POST /provider-keys", {"name": "billing", "role": "read", "expires_at": "2027-03-22T10:30:00Z"})
    story("GET /provider-keys")
    story("GET /provider-keys/{key}", key=made["id"])
    turned = story("POST /provider-keys/{key}/rotate", {"overlap_seconds": 3600}, key=made["id"])
    story("DELETE /provider-keys/{key}", key=turned["id"])


def refuse(story):
    reader = story.gateway.post(
        f"{story.base}/provider-keys", {"name": "reader"}, headers=story.headers).json["key"]
    story.refused(401, "GET", "/tenants", key=bearer("tgp_live_unknown"))
    story.refused(403, "POST", "/provider-keys", {"name": "x"}, key=bearer(reader))
    story.refused(404, "GET", "/tenants/nobody")
    story.refused(409, "POST", "/tenants", {
        "slug": "acme", "blueprint": "everything", "owner_email": "owner@acme.example"})
    story.refused(422, "POST", "/tenants", {"slug": "-", "blueprint": "everything"})
    refusals(story, "/tenants", {}, bearer("tgp_live_unknown"))
