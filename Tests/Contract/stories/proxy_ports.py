"""A reseller sells ports: a price book, customers, and the ports themselves."""

from stories.common import account, bearer, receiver, refusals, signed_in, webhooks

SLUG, PREFIX = "proxies", "psx"
STOCK = """device,server_ip,http_port,socks_port,country,city,carrier
modem-1,198.51.100.7,10001,20001,de,munich,telekom
modem-1,198.51.100.7,10002,20002,de,munich,telekom
modem-1,198.51.100.7,10003,20003,de,munich,telekom
modem-2,198.51.100.8,10001,20001,de,munich,telekom
modem-2,198.51.100.8,10002,20002,de,munich,telekom
"""


def tell(story, stage):
    stage.admin("PUT", "/countries/de", {"base_price": "2.00", "name": "Germany"})
    stage.admin("POST", "/ports", STOCK.encode(), type="text/csv")
    stage.admin("PUT", "/payment-service", {"driver": "sandbox"})
    shop = stage.reseller("Ada", "Proxies Ltd")
    sign_in = signed_in(story, "/login/signin", shop["email"], "access_token")
    story.bearer(story("POST /login/signin", {
        "email": shop["email"], "password": "correct horse battery"}, place={})["access_token"])
    account(story, sign_in, bearer, {
        "name": "My App", "scopes": ["customers:read", "customers:write", "ports:read", "ports:write"]}, "/api-keys",
            "_id")
    story.headers = {"X-API-Key": shop["key"]}
    story("GET /reseller/balance")
    story("GET /reseller/countries")
    story("GET /reseller/pricebook")
    story("PUT /reseller/pricebook", {
        "pricingMode": "margin", "defaultMarginPercent": 25, "portPricing": {"marginPercent": 25}})
    story("POST /reseller/pricebook/country-override", {"countryId": "de", "marginPercent": 30})
    customer = story("POST /reseller/customers", {
        "email": "john@company.com", "name": "John Smith", "company": "Acme Corp", "allocatedPortSlots": 10})["_id"]
    story("GET /reseller/customers")
    story("GET /reseller/customers/{id}", id=customer)
    story("PATCH /reseller/customers/{id}", {"allocatedPortSlots": 20}, id=customer)
    story("POST /reseller/customers/{id}/topup", {
        "amount": 20, "description": "Monthly credit", "referenceId": "INV-2024-001"}, id=customer)
    story("POST /reseller/pricebook/calculate", {"countryId": "de", "days": 30, "customerId": customer})
    there = receiver(story)
    ports = []

    def order():
        ports.append(story("POST /reseller/ports", {
            "customerId": customer, "countryId": "de", "days": 30})["port"]["_id"])

    webhooks(story, there, "port.created", order, "/reseller", "_id")
    story("GET /reseller/ports", query={"customerId": customer})
    story("GET /reseller/ports/{id}", id=ports[0])
    story("POST /reseller/ports/{id}/rotate", id=ports[0])
    story("POST /reseller/ports/{id}/renew", {"days": 30}, id=ports[0])
    payment = story("POST /reseller/topup", {"amount": 50})
    story("GET /reseller/topup/{id}", id=payment["_id"])
    story("GET /reseller/analytics", query={"from": "2026-03-22", "to": "2026-03-23"})
    story("GET /reseller/docs/openapi", place={})
    known = story.headers
    story.refused(401, "GET", "/reseller/balance", key={"X-API-Key": "psx_live_unknown"})
    story.refused(403, "GET", "/api-keys")
    story.refused(404, "GET", "/reseller/ports/none")
    stage.admin("PUT", "/countries/fr", {"base_price": "2.00", "name": "France"})
    story.refused(409, "POST", "/reseller/ports", {"customerId": customer, "countryId": "fr", "days": 30})
    story.refused(422, "POST", "/reseller/customers", {"email": "john"})
    stage.provider("PATCH", f"/tenants/{stage.slug}", {"quotas": {"requests_monthly": 0}})
    story.refused(402, "GET", "/reseller/balance")
    stage.provider("PATCH", f"/tenants/{stage.slug}", {"quotas": {"requests_monthly": 1_000_000_000}})
    story("DELETE /account/sessions", place=bearer(sign_in()))
    story("POST /login/signout", place=bearer(sign_in()))
    slow = stage.reseller("Grace", "Slow Ltd", rate_limit={"requests": 1, "window_seconds": 3600})
    story.headers = known
    refusals(story, "/reseller/customers", {}, {"X-API-Key": slow["key"]})
