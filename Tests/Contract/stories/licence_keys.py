"""A reseller hands out licence keys and assigns them to people."""

from stories.common import account, refusals, signed_in

SLUG, PREFIX = "licences", "lic"


def tell(story, stage):
    stage.product("lifetime", "Lifetime licence")
    shop = stage.reseller("Ada", "Keys Ltd")
    stage.admin("PUT", f"/resellers/{shop['id']}/products/lifetime", {"wholesale_once": "4.00"})
    licence = {"reseller": shop["id"], "product": "lifetime", "expiration": "2027-03-22T10:30:00Z"}
    stage.admin("POST", "/licences", {"licences": [{**licence, "key": "ps-3F7K-9QX2LPA-7TZ"}]})
    story.headers = {"api_token": shop["key"]}
    story("GET /myavailable")
    story("GET /myavailable.csv")
    key = story("GET /fetchlicense")["license"]["key"]
    story("POST /assignlicense", {"license": key, "discord_user_id": "207425"})
    story("GET /licenseinfo", query={"license": key})
    # The same by POST, with all of it in the body.
    own = {"api_token": shop["key"]}
    stage.admin("POST", "/licences", {"licences": [{**licence, "key": "ps-7H2M-4ZT9RQB-5WC"}]})
    story("POST /myavailable", own, place={})
    drawn = story("POST /fetchlicense", own, place={})["license"]["key"]
    story("POST /licenseinfo", {**own, "license": drawn}, place={})
    at = f"?api_token={shop['key']}"
    story.refused(404, "GET", f"/licenseinfo{at}&license=ps-none")
    story.refused(422, "POST", f"/assignlicense{at}", {"license": key})
    story.refused(401, "GET", "/myavailable?api_token=unknown")
    story.refused(403, "GET", f"/keys{at}")
    story.refused(409, "POST", f"/assignlicense{at}", {"license": key, "discord_user_id": "207426"})
    stage.provider("PATCH", f"/tenants/{stage.slug}", {"quotas": {"requests_monthly": 0}})
    story.refused(402, "GET", f"/myavailable{at}")
    stage.provider("PATCH", f"/tenants/{stage.slug}", {"quotas": {"requests_monthly": 1_000_000_000}})

    sign_in = signed_in(story, "/session", shop["email"], "token")
    token = story("POST /session", {"email": shop["email"], "password": "correct horse battery"}, place={})["token"]
    story.headers = {"api_token": token}
    account(story, sign_in, lambda token: {"api_token": token}, {"name": "bot"})
    story("DELETE /account/sessions", place={"api_token": sign_in()})
    story("DELETE /session", place={"api_token": sign_in()})
    slow = stage.reseller("Grace", "Slow Ltd", rate_limit={"requests": 1, "window_seconds": 3600})
    refusals(story, f"/assignlicense{at}", {}, {}, f"/assignlicense?api_token={slow['key']}")
