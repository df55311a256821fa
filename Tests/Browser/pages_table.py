"""Every page that there is: a line each. A page that links lead to, and that has no line here, fails the run."""

import collections
import re

# Whose pages they are: who signs in for them.
SURFACES = {"node": None, "open": None, "admin": "owner", "portal": "reseller", "console": "provider"}

# `path`: below the surface, ids of the world in braces. `is_wide`: may be scrolled sideways. `status`: of the page
# itself. `where`: the tenant that shows it; "both": an empty one too. `who`: looks at it, where it is not the surface's
# usual one.
Page = collections.namedtuple("Page", "surface path is_wide status where who", defaults=(False, 200, "works", None))

PAGES = [
    Page("node", "/console/sign-in"),
    Page("open", "/sign-in", where="both"),
    Page("open", "/sign-in?next=/t/works/admin/resellers"),
    Page("open", "/sign-in?said=out"),
    Page("open", "/sign-in?said=applied"),
    Page("open", "/apply", where="both"),
    Page("open", "/apply/waiting"),
    Page("open", "/program", where="both"),
    Page("open", "/program", where="codes"),
    Page("open", "/invite/{invitation}"),
    Page("open", "/reset-password/{reset}"),
    Page("open", "/activate/{code}", where="codes"),
    Page("open", "/activate/{ill_code}", where="codes"),
    Page("open", "/activate/{used_code}", where="codes"),
    Page("open", "/activate/00000000000000000000000000000000", where="codes", status=404),
    Page("open", "/activate/password/{lost_password}", where="codes"),
    Page("open", "/activate/password/unknown", where="codes", status=404),
    Page("open", "/sandbox-pay/{payment}"),
    Page("open", "/sandbox-pay/{paid}"),
    Page("open", "/sandbox-pay/unknown", status=404),

    Page("open", "/api/partner/v1/docs", where="both"),
    Page("open", "/api/reseller/docs", where="codes"),
    Page("open", "/reseller/docs", where="licences"),
    Page("open", "/api/v1/reseller/docs", where="panel"),
    Page("open", "/v1/docs", where="proxies"),
    Page("open", "/api/admin/docs"),
    Page("open", "/api/partner/v1/docs/{call}"),
    Page("open", "/api/partner/v1/docs/{event}"),
    Page("open", "/api/admin/docs/{admin_call}"),
    *[Page("open", f"{api}/docs/{{call}}", where=tenant) for tenant, api in (
        ("codes", "/api/reseller"), ("licences", "/reseller"), ("panel", "/api/v1/reseller"), ("proxies", "/v1"))],

    # The operator's desk
    Page("admin", "", where="both"),
    Page("admin", "?range=30d"),
    Page("admin", "/outbound"),
    Page("admin", "/search", where="both"),
    Page("admin", "/search?q=invoice-1"),
    Page("admin", "/search?q=%3Cscript%3Ealert(1)"),
    Page("admin", "/resellers", where="both"),
    Page("admin", "/resellers?status=pending"),
    Page("admin", "/resellers?q=nobody"),
    Page("admin", "/resellers/invite"),
    Page("admin", "/resellers/{reseller}"),
    Page("admin", "/resellers/{reseller}?range=30d"),
    Page("admin", "/resellers/{ill_reseller}"),
    Page("admin", "/resellers/{pending_reseller}"),
    Page("admin", "/resellers/{reseller}/statement"),
    *[Page("admin", f"/resellers/{{reseller}}/{form}") for form in (
        "edit", "top-up", "correct", "secret", "password", "suspend", "terminate", "sessions")],
    Page("admin", "/resellers/{ill_reseller}/edit"),
    Page("admin", "/resellers/none_such", status=404),
    Page("admin", "/customers", where="both"),
    Page("admin", "/customers?q=c-"),
    Page("admin", "/customers/{customer}"),
    Page("admin", "/subscribers", where="codes"),
    Page("admin", "/subscribers?email=nobody%40there.example", where="codes"),
    Page("admin", "/subscribers/{subscriber}", where="codes"),
    Page("admin", "/users", where="panel"),
    Page("admin", "/people", where="both"),
    Page("admin", "/people?role=support"),
    Page("admin", "/people/new"),
    Page("admin", "/people/{person_operator}"),
    Page("admin", "/people/{person_support}/disable"),
    Page("admin", "/account", where="both"),
    Page("admin", "/account?keys=ended"),
    Page("admin", "/sessions"),
    Page("admin", "/account/keys/new"),
    Page("admin", "/account/keys/{own_key}/revoke"),
    Page("portal", "/orders/{order}"),
    Page("portal", "/services?status=past_due"),
    Page("portal", "/services/{service}"),
    Page("portal", "/services/{service}/cancel"),

    *[Page("admin", "", where=tenant) for tenant in ("codes", "licences", "panel", "proxies")],
    Page("admin", "", who="support"),
    Page("admin", "/resellers?status=terminated&q=nobody"),
    # Orders and services
    Page("admin", "/orders", where="both"),
    Page("admin", "/orders?state=pending"),
    Page("admin", "/orders/{order}"),
    Page("admin", "/orders/{rejected_order}"),
    Page("admin", "/orders/{ill_order}"),
    Page("admin", "/orders/{waiting_order}/activate"),
    Page("admin", "/orders/{waiting_order}/reject"),
    Page("admin", "/orders/{order}/refund"),
    Page("admin", "/services", where="both"),
    Page("admin", "/services?state=past_due"),
    Page("admin", "/services/{service}"),
    Page("admin", "/services/{ill_service}"),
    Page("admin", "/services?reseller={reseller}&q=nothing"),
    Page("admin", "/services/{service}/suspend"),
    Page("admin", "/services/{service}/cancel"),
    Page("admin", "/services/{service}/details"),
    Page("admin", "/services/reprice", where="both"),
    Page("admin", "/orders?product=no-such-sku"),
    Page("admin", "/orders/{waiting_order}"),
    Page("admin", "/orders/{order}/activate"),
    Page("admin", "/services/{late_service}"),
    Page("admin", "/services/{key_service}/details"),
    Page("admin", "/events", where="both"),
    # Deliveries, endpoints, provisioning
    Page("admin", "/events?state=pending&type=order.created"),
    Page("admin", "/events/{delivery}"),
    Page("admin", "/events/replay?state=dead"),
    Page("admin", "/events/replay?endpoint={webhook}"),
    Page("admin", "/events/replays", where="both"),
    Page("admin", "/endpoints", where="both"),
    Page("admin", "/endpoints?state=failing", where="both"),
    Page("admin", "/endpoints/{webhook}"),
    Page("admin", "/endpoints/{webhook}/health"),
    Page("admin", "/endpoints/{webhook_old}"),
    Page("admin", "/endpoints/{webhook_shop}"),
    Page("admin", "/queue", where="both"),
    Page("admin", "/queue/{unit}/confirm"),
    Page("admin", "/queue/{unit}/give-up"),
    # Money
    Page("admin", "/payments", where="both"),
    Page("admin", "/payments/{topup}"),
    Page("admin", "/credits", where="panel"),
    Page("admin", "/credits/{credit_event}", where="panel"),
    Page("admin", "/reconciliations", where="panel"),
    Page("admin", "/reconciliations/new", where="panel"),
    Page("admin", "/reconciliations/{reconciliation}", where="panel"),
    Page("admin", "/reviews", where="panel"),
    Page("admin", "/reviews/{review}", where="panel"),
    # The price book
    Page("admin", "/prices", is_wide=True, where="both"),
    Page("admin", "/prices?reseller={reseller}", is_wide=True),
    Page("admin", "/prices?reseller={ill_reseller}", is_wide=True),
    Page("admin", "/prices?product={sku}", is_wide=True),
    Page("admin", "/prices/import", where="both"),
    Page("admin", "/prices/history", where="both"),
    Page("admin", "/prices/{reseller}/{sku}"),
    Page("admin", "/products", where="both"),
    Page("admin", "/products/new", where="both"),
    Page("admin", "/products/import", where="both"),
    Page("admin", "/products/{sku}"),
    Page("admin", "/products/{ill_sku}"),
    Page("admin", "/products/{stock_sku}"),
    Page("admin", "/products/{unit_sku}/provisioner"),
    Page("admin", "/prices?by=product&product={ill_sku}", is_wide=True),
    Page("admin", "/prices?columns=all", is_wide=True),
    Page("admin", "/prices", is_wide=True, where="codes"),
    Page("admin", "/stock/items", where="both"),
    Page("admin", "/stock/items/{stock_sku}"),
    Page("admin", "/stock/items/{sku}"),
    Page("admin", "/stock/items/{stock_sku}/import"),
    # What asks once more before it is done
    Page("admin", "/resellers/{reseller}/sessions?confirm=all"),
    Page("admin", "/people/{person_operator}?confirm=all"),
    Page("admin", "/endpoints/{webhook_shop}?confirm=disable"),
    Page("admin", "/keys/{key}?confirm=limit"),
    Page("admin", "/stock/licences", where="licences"),
    Page("admin", "/stock/licences?key=none", where="licences"),
    *[Page("admin", f"/stock/licences/{page}", where="licences") for page in (
        "import", "withdraw", "move", "withdrawn")],
    Page("admin", "/stock/ports", where="proxies"),
    Page("admin", "/stock/ports?status=used", where="proxies"),
    Page("admin", "/stock/ports/import", where="proxies"),
    Page("admin", "/stock/ports/{slot}", where="proxies"),
    Page("admin", "/stock/ports/203.0.113.200:1", where="proxies", status=404),
    Page("admin", "/stock/devices", where="proxies"),
    Page("admin", "/stock/devices?status=withdrawn", where="proxies"),
    Page("admin", "/stock/devices/{device}", where="proxies"),
    Page("admin", "/stock/devices/{device}/remove", where="proxies"),
    Page("admin", "/codes", where="codes"),
    Page("admin", "/codes?code={used_code}", where="codes"),
    Page("admin", "/codes?code=none", where="codes"),
    Page("admin", "/settings", where="both"),
    Page("admin", "/settings", where="proxies"),
    Page("admin", "/settings/payments", where="both"),
    Page("admin", "/settings/payments/remove"),
    Page("admin", "/settings/provisioning", where="both"),
    Page("admin", "/settings/provisioning/remove"),
    Page("admin", "/settings/countries", where="proxies"),
    Page("admin", "/settings/countries?country=germany_id", where="proxies"),
    Page("admin", "/events?state=dead"),
    Page("admin", "/events/replay"),
    Page("admin", "/events/replay?state=dropped"),
    Page("admin", "/events/replays/{replay}"),
    Page("admin", "/queue?state=stuck"),
    Page("admin", "/credits", status=404),
    Page("admin", "/reviews", where="both"),
    # Keys, limits and the log
    Page("admin", "/keys", where="both"),
    Page("admin", "/keys?state=ended"),
    Page("admin", "/keys?reseller={ill_reseller}"),
    Page("admin", "/keys/new", where="both"),
    Page("admin", "/keys/new?preset=test"),
    Page("admin", "/keys/{key}"),
    Page("admin", "/keys/{key}?requests=3&window_seconds=3600&days=7"),
    Page("admin", "/keys/{key}/limit/now"),
    Page("admin", "/keys/{key}/rotate"),
    Page("admin", "/keys/{key}/revoke"),
    Page("admin", "/resellers/{reseller}/limit"),
    Page("admin", "/resellers/{ill_reseller}/limit"),
    Page("admin", "/resellers/{reseller}/limit/now"),
    Page("admin", "/audit", is_wide=True, where="both"),
    Page("admin", "/audit?status=429&days=30", is_wide=True),
    Page("admin", "/audit?account=nobody", is_wide=True),
    Page("admin", "/audit?author=operators&object={service}", is_wide=True),
    Page("admin", "/audit/verify", where="both"),
    Page("admin", "/audit/{audit_row}"),
    Page("admin", "/audit/requests/{audit_request}"),
    Page("admin", "/due", where="both"),
    Page("admin", "/usage", where="both"),
    Page("admin", "/usage?by=hour&group=route", where="both"),
    Page("admin", "/reports", where="both"),
    Page("admin", "/reports/turnover"),
    Page("admin", "/reports/refunds"),
    Page("admin", "/reports/holds"),
    Page("admin", "/reports/credit"),
    Page("admin", "/reports/balances?by=month"),
    Page("admin", "/no-such-page", status=404),

    # The provider's console
    *[Page("console", path, where="console") for path in (
        "", "?state=suspended", "/node", "/nodes", "/keys", "/log", "/usage", "/tenants/new", "/tenants/works",
        "/tenants/empty", "/tenants/works/domains", "/tenants/works/suspend", "/tenants/works/cancel", "/tenants/works/refund",
        "/tenants/works/delete", "/tenants/works/export", "/tenants/works/restore", "/tenants/works/move",
        "/keys/{key}/revoke")],

    # The reseller's portal
    Page("portal", "", where="both"),
    Page("portal", "/orders", where="both"),
    Page("portal", "/orders?state=rejected", where="both"),
    Page("portal", "/orders/new", where="both"),
    Page("portal", "/orders/quote?product=vps-1&term=monthly&quantity=2&customer.external_id=c-1&once=x"),
    Page("portal", "/orders/{waiting_order}"),
    Page("portal", "/orders/{rejected_order}"),
    Page("portal", "/services", where="both"),
    Page("portal", "/services/{key_service}"),
    Page("portal", "/products", where="both"),
    Page("portal", "/customers", where="both"),
    Page("portal", "/balance", where="both"),
    Page("portal", "/program", where="both"),
    Page("portal", "/account", where="both"),
    *[Page("portal", path, where="both") for path in (
        "/api", "/api/keys/new", "/limit/now", "/webhooks", "/webhooks/new", "/deliveries", "/deliveries/replay",
        "/requests")],
    Page("portal", "/search", where="both"),
    Page("portal", "/search?q=c-1"),
    Page("portal", "/search?q=%3Cscript%3Ealert(1)"),
    *[Page("portal", "/search", where=tenant) for tenant in ("codes", "licences", "panel", "proxies")],
    Page("portal", "/deliveries?state=pending&type=order.created"),
    Page("portal", "/deliveries?state=held&status_class=5xx"),
    Page("portal", "/deliveries/replay?type=order.created&state=dead,held"),
    Page("portal", "/api/test-key", where="both"),
    Page("portal", "/webhooks/{webhook_old}"),
    Page("portal", "/webhooks/{webhook_shop}"),
    Page("portal", "/api?keys=ended"),
    Page("portal", "/api/keys/{key}"),
    Page("portal", "/api/keys/{key}/revoke"),
    Page("portal", "/webhooks/{webhook}"),
    Page("portal", "/codes", where="codes"),
    Page("portal", "/codes?status=redeemed", where="codes"),
    Page("portal", "/codes/quote?planId=1month&count=2&once=x", where="codes"),
    Page("portal", "/licences", where="licences"),
    Page("portal", "/licences/find?license=none", where="licences"),
    Page("portal", "/deliveries/{delivery}"),
    *[Page("portal", path, where="proxies") for path in (
        "/ports", "/ports?status=expired", "/ports/new", "/ports/{port}", "/ports/{port}/renew?days=30&once=x",
        "/ports/quote?customerId={customer}&countryId=germany_id&days=30&once=x",
        "/port-customers", "/port-customers/{customer}")],
    Page("portal", "/orders?mode=test"),
    Page("portal", "/no-such-page", status=404),
    *[Page("portal", path, who=who) for path in ("", "/orders", "/services", "/products", "/balance", "/program")
      for who in ("suspended", "poor", "ill")],
    *[Page("portal", path, who="pending") for path in ("", "/api", "/program", "/account")],
    Page("portal", "/orders", status=403, who="pending"),
    Page("portal", "/services/{ill_service}", who="ill"),
    Page("portal", "/orders/{ill_order}", who="ill"),
    *[Page("portal", "", where=tenant) for tenant in ("codes", "licences", "panel", "proxies")],
]
# Each is looked at once.
assert len(set(PAGES)) == len(PAGES), [page for page, count in collections.Counter(PAGES).items() if count > 1]


def root(surface, tenant):
    """What all addresses of a surface begin with."""
    if surface == "console":
        return "/console"
    if surface == "node":
        return ""
    return f"/t/{tenant}" + ("" if surface == "open" else f"/{surface}")


def address(page, tenant, ids):
    return root(page.surface, tenant) + re.sub(r"\{(\w+)\}", lambda match: ids[match.group(1)], page.path)


def tenants(page):
    if page.where != "both":
        return [page.where]
    return ["works", "fresh" if page.surface == "portal" else "empty"]


def who_looks(page):
    return page.who or SURFACES[page.surface]


def pattern(page):
    """Of its addresses, with whatever ids."""
    own = re.escape(re.sub("^/tenants/works", "/tenants/{slug}", page.path).split("?")[0])
    own = own.replace(r"\{", "{").replace(r"\}", "}")
    below = re.sub(r"\{\w+\}", "[^/]+", own).rstrip("/")
    return re.compile(root(page.surface, "TENANT").replace("TENANT", "[^/]+") + below)


PATTERNS = [(pattern(page), page) for page in PAGES]


def listed(path):
    """The line of an address, with whatever ids; None where there is none."""
    path = path.split("?")[0].split("#")[0].rstrip("/")
    return next((page for fitting, page in PATTERNS if fitting.fullmatch(path)), None)
