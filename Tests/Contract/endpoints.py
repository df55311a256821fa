"""Every endpoint of every API that is served, with who may call it; of the provider's, the operator's and the wholesale
API also the fields that its body has and the parameters that its query has: what `badinput.py` and `isolation.py` go
through. `missing(gateway)` compares it with what a running gateway says of itself, so that a new route cannot slip past."""

import re

PROVIDER, ADMIN, PARTNER = "/provider/v1", "/api/admin", "/api/partner/v1"
REPORTS, LICENCES, PORTS, CODES = "/api/v1/reseller", "/reseller", "/v1", "/api/reseller"
# As blueprints name their dialects.
DIALECTS = {
    "wholesale_orders": PARTNER, "credit_reports": REPORTS, "licence_keys": LICENCES, "proxy_ports": PORTS,
    "activation_codes": CODES}


class Raw:
    """JSON text that goes into a body as it stands: numbers that Python would not write."""

    def __init__(self, text):
        self.text = text


class Field:
    """A member of a body: a good value, and what must be refused at it. `required`: leaving it out, and null, too."""

    def __init__(self, good, bad, required=True, null_is_bad=None):
        self.good, self.bad, self.required = good, bad, required
        self.null_is_bad = required if null_is_bad is None else null_is_bad


NOT_TEXT = [5, 1.5, True, [], {}, ["a"], Raw("1e400")]
NOT_NUMBERS = [True, False, [], {}, "", "abc", "NaN", "Infinity", "-Infinity", "1,5", " 1", "1 ", "+1", "0x1", "1_000", "١",
               "1.", ".5", "--1", "1e", "1e999999999", Raw("1e400"), Raw("-1e400"), "9" * 70, Raw("9" * 60)]
CONTROL = ["a\u0000b", "a\nb", "\u0007", "a\u007fb", "\u0085"]


def text(good, most, least=1, required=True, more=(), null_is_bad=None):
    short = ["x" * (least - 1)] if least > 0 else []
    return Field(good, NOT_TEXT + CONTROL + short + ["x" * (most + 1), "x" * 100_000, *more], required, null_is_bad)


def email(good="someone@there.example", required=True):
    return Field(good, NOT_TEXT + CONTROL + [
        "", "no-at", "@b.example", "a@", "a@@b.example", "a@b@c.example", "a b@c.example", "a@b..example", "a@.example",
        "a" * 65 + "@b.example", "a@" + "b" * 250 + ".example"], required)


def integer(good, least, most, required=True):
    return Field(good, ["5", "", True, [], {}, 1.5, least - 1, most + 1, -1 if least >= 0 else least - 1,
                        2**63, 2**64, 10**40, Raw("1e400"), Raw("-1e400"), Raw("0.1e0")], required)


def boolean(good=True, required=False, null_is_bad=False):
    return Field(good, [0, 1, "true", "", [], {}], required, null_is_bad)


def money(good, least, most, digits=6, required=False, more=(), null_is_bad=None):
    return Field(good, NOT_NUMBERS + [
        least, most, "0." + "0" * digits + "1", Raw("0." + "0" * digits + "1"), *more], required, null_is_bad)


def price(required=False):
    return money("4.00", "-0.01", "1000000000.01", required=required)


def percent(null_is_bad=False):
    return Field("7.5", NOT_NUMBERS + ["-0.0001", "100.0001", -1, 101, "1e3", "5.00001", Raw("5.00001")], False, null_is_bad)


def choice(good, *more, required=True, null_is_bad=None):
    return Field(good, NOT_TEXT + ["", "nonsense", good.upper() + "x", good + " ", *more], required, null_is_bad)


def names(good, required=False):
    return Field(good, ["x", 5, True, {}, [], [5], [None], [[]], ["nonsense"], [""], good + ["nonsense"], ["x"] * 1000], required)


def time_to_come():
    return Field("2099-01-01T00:00:00Z", NOT_TEXT + [
        "", "yesterday", "2020-01-01T00:00:00Z", "2099-13-01T00:00:00Z", "2099-02-30T00:00:00Z", "2099-01-01", "4070908800",
        "2099-01-01T25:00:00Z", "2099-01-01T00:00:00"], False)


def url(required=True):
    return Field("https://shop.example/hook", NOT_TEXT + CONTROL + [
        "", "nonsense", "ftp://there.example/", "http://", "https:///path", "http://user:secret@there.example/",
        "https://there.example/#part", "javascript:alert(1)", "https://there.example/" + "x" * 3000, "https://a b/"], required)


def policy():
    return {"requests": integer(100, 1, 1_000_000_000), "window_seconds": integer(60, 1, 31_536_000),
            "burst": Field(100, ["5", True, [], {}, 1.5, 0, -1, 2**63, 10**40, Raw("1e400")], False)}


class Endpoint:
    """`fields`: the body's members, a dict in place of a `Field` being an object; `optional_objects`: those of them that
    may be left out; `query`: parameter → values that must be refused; `access`: who may call it, a name of `ACCESS`."""

    def __init__(self, api, method, path, access, fields=None, query=None, optional_objects=(), optional_body=False,
                 needs_key=False, signed=False, raw=False, may_be_empty=False):
        self.api, self.method, self.path, self.access = api, method, path, access
        self.fields, self.query = fields, query or {}
        self.optional_objects, self.optional_body = set(optional_objects), optional_body
        self.needs_key, self.signed, self.raw, self.may_be_empty = needs_key, signed, raw, may_be_empty

    @property
    def name(self):
        return f"{self.method} {self.api}{self.path}"

    def good_body(self):
        return good(self.fields)


def good(fields):
    return {name: good(field) if isinstance(field, dict) else field.good for name, field in fields.items()}


TENANTS = {"tenant": ["", ",", "a,", "A", "a_b", "a," * 100 + "a"]}
FIND = {"email": ["x", "", "a b@c.example"], "q": ["", " ", "a\u200bb"]}
PAGE = {"limit": ["0", "101", "-1", "abc", "1.5", "", "99999999999999999999", "١"],
        "cursor": ["", "x", "!!!!", "AAAA", "__________8", "%ff%fe", "' OR 1=1"]}
FEED = {"limit": PAGE["limit"], "after": PAGE["cursor"], "types": ["x", "", "order.created,", "ORDER.CREATED"],
        "wait": ["x", "", "-1", "21", "1.5"]}
# What orders and services are found by.
SOUGHT = {"reseller": [""], "product": ["", "x" * 65], "customer": [""], "reference": ["", " a"],
          "q": ["", "%01", "x" * 256]}
MODE = {"mode": ["x", "", "LIVE", "0"]}
KEYS_FOUND = {"state": ["x", "", "ACTIVE"], "key_mode": ["x", "", "LIVE", "0"], "q": SOUGHT["q"]}
CALLERS = {"callers": ["x", "", "KEYS", "people"]}
USAGE = {**CALLERS, "by": ["x", "", "DAY", "month"], "sort": ["x", "", "-x", "--orders", "ORDERS"]}
CHANGES = {"changes": ["x", "", "TRUE", "1"], "author": ["x", "", "OPERATORS", "reseller"],
           "without": ["x", "", "SESSIONS"], "object": [""],
           "product": [""]}
CALLS = {"account": ["x", "", "a@@b.example"], "request_id": ["x", "", "req_", "req_" + "g" * 32, "req_" + "A" * 32]}
TIMES = {"from": ["x", "", "2020-13-01", "2020-01-01T99:00:00Z"], "to": ["x", "", "2020-00-01"]}
STATED = {**MODE, **TIMES, "kind": ["x", "", "order,", "ORDER"]}
PRICES = {**{f"wholesale_{term}": price() for term in ("monthly", "quarterly", "semi_annual", "annual", "hourly")},
          "wholesale_setup_fee": price(), "wholesale_once": price(), "discount_rate_override": percent(), "is_enabled": boolean(),
          "max_quantity": integer(10, 0, 1_000_000_000, required=False)}
ORDER = {"product": text("vps-1", 64), "term": choice("monthly", "weekly"), "quantity": integer(1, 1, 1000),
         "reference": text("invoice-1", 128, required=False),
         "customer": {"external_id": text("c-1", 128), "email": email(required=False),
                      "name": text("Ada", 200, required=False)}}
PASSWORD = text("correct horse battery", 256, 8)
PRODUCT = {"name": text("A product", 200, required=False, null_is_bad=True),
           "fulfilment": choice("instant", required=False, null_is_bad=True), "hidden": boolean(False, null_is_bad=True),
           "days": integer(30, 1, 36_525, required=False), "retail_price": price(), "wholesale_price": price(),
           "list": {name: price() for name in ("monthly", "quarterly", "semi_annual", "annual", "hourly", "setup_fee")}}
SLOT = {"http_port": integer(10_001, 1, 65_535, required=False),
        "socks_port": integer(20_001, 1, 65_535, required=False)}
KEYS = Field(["a-key"], ["x", 5, True, {}, [], [5], [None], [[]], [""], ["a-key", "a-key"], ["x" * 256], ["k"] * 101])

DETAILS = Field({"host": {"value": "h.example"}}, [
    "x", 5, [], *({"a": bad} for bad in ("x", {}, {"value": 1}, {"value": "x", "secret": "y"}, {"value": "a\u0000b"})),
    {"a": {"value": "x", "more": 1}}, {"a": {"value": "x" * 5000}}, {f"n{n}": {"value": "x"} for n in range(21)}], False)
PROVISIONER = {"url": url(), "timeout_seconds": integer(30, 1, 120, required=False),
    "secret": text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 200, required=False, more=["whsec_", "whsec_AAAA", "whsec_" + "!" * 32])}

DELIVERIES = {"state": ["x", "", "dead,", "DEAD"], "type": ["x", "", "order.created,x"],
              "status_class": ["x", "", "6xx", "2xx,5xx", "0"], "since": ["x", "", "2020-13-01"], "until": ["x", "", "2020-00-01"]}
REPLAY = {
    "since": Field("2020-01-01T00:00:00Z", [True, [], {}, "", "yesterday", 1.5, "2020-13-01T00:00:00Z"]),
    "until": Field("2020-01-02T00:00:00Z", [True, [], {}, "", "2020-13-01T00:00:00Z"], False),
    "types": names(["order.created"]), "states": names(["dead"]),
    "status_class": Field("5xx", [True, [], {}, "", "6xx", 0, 6, 1.5], False), "dry_run": boolean()}
WEBHOOK = {
    "name": text("A hook", 100), "url": url(), "events": names(["order.created"], required=True),
    "concurrency": integer(8, 1, 64, required=False), "max_per_second": integer(1000, 1, 1000, required=False),
    "version": integer(1, 1, 1, required=False)}


def webhooks(api, base="", fields=None, query=None):
    """A reseller's webhooks and deliveries, which three APIs have alike (H4)."""
    fields, query = fields or {}, query or {}
    return [
        Endpoint(api, "POST", f"{base}/webhooks", "reseller", fields.get("new")),
        Endpoint(api, "GET", f"{base}/webhooks", "reseller", query=query.get("page")),
        *[Endpoint(api, method, f"{base}/webhooks/{{webhook}}", "reseller", fields.get("change") if method == "PATCH" else None)
          for method in ("GET", "PATCH", "DELETE")],
        Endpoint(api, "POST", f"{base}/webhooks/{{webhook}}/secret/rotate", "reseller", fields.get("overlap"), optional_body=True),
        *[Endpoint(api, "POST", f"{base}/webhooks/{{webhook}}/{move}", "reseller") for move in ("pause", "resume", "enable", "test")],
        Endpoint(api, "GET", f"{base}/deliveries", "reseller", query=query.get("list")),
        *[Endpoint(api, *call, "reseller") for call in (
            ("GET", f"{base}/deliveries/{{delivery}}"), ("POST", f"{base}/deliveries/{{delivery}}/retry"))],
        Endpoint(api, "POST", f"{base}/deliveries/replay", "reseller", fields.get("replay"))]


OVERLAP = {"overlap_seconds": integer(1, 0, 30 * 86_400, required=False)}

PROVIDER_LOG = {
    "tenant": [""], "action": ["", "Tenant", "a,"], "key": [""], "from": ["x", ""], "to": ["x", ""]}
PROVIDER_USAGE = {"month": ["", "2026", "2026-13", "x"], "tenant": [""]}

PROVIDERS = [
    Endpoint(PROVIDER, "POST", "/tenants", "provider", {
        "slug": text("new-tenant", 63, more=["-a", "a-", "A", "a_b", "a.b", "a b", "ä", "../x", "a/b", "%61"]),
        "blueprint": choice("hosting"), "owner_email": email(), "tier": choice("standard", required=False),
        "prefix": text("abc", 16, 2, required=False, more=["ABC", "a_b", "1abc", "a b"]),
        "currency": choice("EUR", "eur", "EURO", "XXX1", required=False), "password": text("correct horse battery", 256, 8, False)}),
    Endpoint(PROVIDER, "GET", "/tenants", "provider's reader", query={
        **PAGE, "state": ["x", "", "active,"], "tier": ["x", "", "LITE"], "sort": ["x", "", "--name"],
        "owner_email": ["x", ""], "q": [""]}),
    Endpoint(PROVIDER, "GET", "/tenants/{slug}", "provider's reader"),
    Endpoint(PROVIDER, "PATCH", "/tenants/{slug}", "provider", {
        "tier": choice("pro", required=False),
        "quotas": {"bytes": integer(1 << 40, 2 << 20, 10**15, False), "resellers": integer(1000, 0, 10**15, False),
                   "keys": integer(5000, 1, 10**15, False), "requests_monthly": integer(10**10, 0, 10**15, False)},
        "rate_limit": policy(),
        "domains": Field([{"host": "own.there.example"}], [
            "x", 5, {}, [5], [{}], ["single"], ["127.1"], [{"host": ""}], [{"host": "a b"}], [{"host": "single"}],
            [{"host": "-a.example"}], [{"host": "a.example:80"}], [{"host": "a..example"}], [{"host": 5}],
            [{"host": "a.example"}, {"host": "A.example"}], [{"host": "a.example", "certificate": "x", "private_key": "y"}],
            [{"host": "a.example", "certificate": "-----BEGIN CERTIFICATE-----"}],
            [{"host": f"h{n}.example"} for n in range(101)]], False),
        "domains_were": Field([], ["x", 5, {}, [5], [{}], [f"h{n}.example" for n in range(101)]], False)},
        optional_objects=["quotas", "rate_limit"]),
    Endpoint(PROVIDER, "POST", "/tenants/{slug}/owner-key", "provider"),
    Endpoint(PROVIDER, "POST", "/tenants/{slug}/invitation", "provider"),
    Endpoint(PROVIDER, "GET", "/tenants/{slug}/export", "provider"),
    Endpoint(PROVIDER, "POST", "/tenants/{slug}/restore", "provider", raw=True),
    Endpoint(PROVIDER, "POST", "/tenants/{slug}/fork", "provider", {
        "slug": text("new-tenant", 63, more=["-a", "a-", "A", "a_b", "a.b", "a b", "ä", "../x", "a/b", "%61"]),
        "at": Field("2026-01-01T00:00:00Z",
            [True, [], {}, "", "yesterday", 5, "2020-13-01T00:00:00Z", "2999-01-01T00:00:00Z"], False)}),
    Endpoint(PROVIDER, "POST", "/tenants/import", "provider", raw=True),
    Endpoint(PROVIDER, "POST", "/tenants/{slug}/move", "provider", {"base_url": url()}),
    Endpoint(PROVIDER, "POST", "/tenants/{slug}/move/confirm", "provider"),
    Endpoint(PROVIDER, "DELETE", "/tenants/{slug}/move", "provider"),
    Endpoint(PROVIDER, "POST", "/tenants/{slug}/suspend", "provider"),
    Endpoint(PROVIDER, "POST", "/tenants/{slug}/resume", "provider"),
    Endpoint(PROVIDER, "POST", "/tenants/{slug}/cancel", "provider"),
    Endpoint(PROVIDER, "DELETE", "/tenants/{slug}/cancel", "provider"),
    Endpoint(PROVIDER, "POST", "/tenants/{slug}/refund", "provider"),
    Endpoint(PROVIDER, "DELETE", "/tenants/{slug}", "provider"),
    Endpoint(PROVIDER, "DELETE", "/tenants/{slug}/deletion", "provider"),
    Endpoint(PROVIDER, "POST", "/provider-keys", "provider", {
        "name": text("A key", 100), "role": choice("read", required=False), "expires_at": time_to_come()}),
    Endpoint(PROVIDER, "GET", "/provider-keys", "provider", query=PAGE),
    Endpoint(PROVIDER, "GET", "/provider-keys/{key}", "provider"),
    Endpoint(PROVIDER, "POST", "/provider-keys/{key}/rotate", "provider", OVERLAP, optional_body=True),
    Endpoint(PROVIDER, "DELETE", "/provider-keys/{key}", "provider"),
    Endpoint(PROVIDER, "POST", "/provider-key/rotate", "provider"),
    Endpoint(PROVIDER, "GET", "/backup", "provider"),
    Endpoint(PROVIDER, "GET", "/log", "provider's reader", query={**PAGE, **PROVIDER_LOG}),
    Endpoint(PROVIDER, "GET", "/log.csv", "provider's reader", query=PROVIDER_LOG),
    Endpoint(PROVIDER, "GET", "/log.jsonl", "provider's reader", query=PROVIDER_LOG),
    Endpoint(PROVIDER, "GET", "/usage", "provider's reader", query={**PAGE, **PROVIDER_USAGE}),
    Endpoint(PROVIDER, "GET", "/usage.csv", "provider's reader", query=PROVIDER_USAGE),
    Endpoint(PROVIDER, "GET", "/attention", "provider's reader", query=PAGE),
    Endpoint(PROVIDER, "GET", "/traffic", "provider's reader", query=TENANTS),
    Endpoint(PROVIDER, "GET", "/node", "provider's reader"),
    Endpoint(PROVIDER, "GET", "/blueprints", "provider"),
    Endpoint(PROVIDER, "POST", "/clock/accept", "provider"),
    Endpoint(PROVIDER, "POST", "/registry/rebuild", "provider"),
    Endpoint(PROVIDER, "GET", "/nodes", "provider's reader"),
    Endpoint(PROVIDER, "POST", "/nodes/{node}/drain", "provider"),
    Endpoint(PROVIDER, "POST", "/tenants/{slug}/adopt", "provider", {"history": choice("log")}),
    Endpoint(PROVIDER, "DELETE", "/nodes/{node}/drain", "provider"),
    Endpoint(PROVIDER, "GET", "/placement", "provider's reader", query={**PAGE, **TENANTS}),
]

ADMINS = [
    Endpoint(ADMIN, "POST", "/api-keys", "owner", {
        "owner_email": email("owner@here.example"), "scopes": names(["partner:read"]),
        "name": text("A key", 100, required=False), "mode": choice("live", required=False),
        "role": choice("operator", required=False), "expires_at": time_to_come(), "limit": policy()},
        optional_objects=["limit"]),
    Endpoint(ADMIN, "GET", "/api-keys", "operator", query={**PAGE, **KEYS_FOUND}),
    Endpoint(ADMIN, "GET", "/api-keys/activity", "operator", query={**PAGE, **KEYS_FOUND}),
    Endpoint(ADMIN, "GET", "/api-keys/{key}", "operator"),
    Endpoint(ADMIN, "DELETE", "/api-keys/{key}", "operator"),
    Endpoint(ADMIN, "POST", "/api-keys/{key}/rotate", "operator", {
        "overlap_seconds": integer(1, 0, 30 * 86_400, required=False)}, optional_body=True),
    Endpoint(ADMIN, "PUT", "/api-keys/{key}/limit", "operator", policy()),
    Endpoint(ADMIN, "DELETE", "/api-keys/{key}/limit", "operator"),
    Endpoint(ADMIN, "GET", "/api-keys/{key}/limit", "operator"),
    Endpoint(ADMIN, "GET", "/api-keys/{key}/limit/history", "operator", query=PAGE),
    Endpoint(ADMIN, "POST", "/api-keys/{key}/limit/reset", "operator"),
    Endpoint(ADMIN, "POST", "/api-keys/{key}/limit/rehearse", "operator", {
        **policy(), "days": integer(7, 1, 31, required=False)}),
    Endpoint(ADMIN, "GET", "/resellers/{reseller}/rate-limit/history", "operator", query=PAGE),
    Endpoint(ADMIN, "POST", "/resellers/{reseller}/rate-limit/rehearse", "operator", {
        **policy(), "days": integer(7, 1, 31, required=False)}),
    Endpoint(ADMIN, "POST", "/session", "open", {"email": email(), "password": text("x", 256)}),
    Endpoint(ADMIN, "DELETE", "/session", "operator's session"),
    Endpoint(ADMIN, "GET", "/account", "operator"),
    Endpoint(ADMIN, "POST", "/account/password", "operator", {"old": text("x", 256), "new": PASSWORD}),
    Endpoint(ADMIN, "GET", "/account/keys", "operator", query={**PAGE, "state": ["x", "", "ACTIVE"]}),
    Endpoint(ADMIN, "POST", "/account/keys", "operator", {
        "role": choice("operator", "owner", required=False), "mode": choice("live", required=False),
        "name": text("A key", 100, required=False), "expires_at": time_to_come(), "limit": policy()},
        optional_objects={"limit"}, may_be_empty=True),
    Endpoint(ADMIN, "GET", "/people", "owner", query={
        **PAGE, "role": ["x", "", "OWNER", "reseller"], "state": ["x", "", "ACTIVE"], "email": FIND["email"]}),
    Endpoint(ADMIN, "POST", "/people", "owner", {
        "email": email(), "name": text("Ada", 200), "role": choice("support", "reseller")}),
    Endpoint(ADMIN, "GET", "/people/{person}", "owner"),
    Endpoint(ADMIN, "PATCH", "/people/{person}", "owner", {
        "name": text("Ada", 200, required=False, null_is_bad=True),
        "role": choice("support", "reseller", required=False, null_is_bad=True),
        "state": choice("active", "invited", required=False, null_is_bad=True)}),
    Endpoint(ADMIN, "POST", "/people/{person}/password-reset", "owner"),
    Endpoint(ADMIN, "GET", "/people/{person}/sessions", "owner", query=PAGE),
    Endpoint(ADMIN, "DELETE", "/people/{person}/sessions", "owner"),
    Endpoint(ADMIN, "DELETE", "/people/{person}/sessions/{session}", "owner"),
    Endpoint(ADMIN, "GET", "/account/sessions", "operator", query=PAGE),
    Endpoint(ADMIN, "DELETE", "/account/sessions", "operator"),
    Endpoint(ADMIN, "DELETE", "/account/sessions/{session}", "operator"),
    Endpoint(ADMIN, "GET", "/sessions", "operator", query=PAGE),
    Endpoint(ADMIN, "DELETE", "/sessions/{session}", "operator"),
    Endpoint(ADMIN, "GET", "/resellers/{reseller}/sessions", "operator", query=PAGE),
    Endpoint(ADMIN, "DELETE", "/resellers/{reseller}/sessions", "operator"),
    Endpoint(ADMIN, "DELETE", "/resellers/{reseller}/sessions/{session}", "operator"),
    Endpoint(ADMIN, "POST", "/resellers", "operator", {
        "email": email(), "name": text("A reseller", 200), "company": text("Ltd", 200, required=False),
        "password": text("correct horse battery", 256, 8, required=False)}),
    Endpoint(ADMIN, "GET", "/resellers", "operator", query={**PAGE, **FIND, **MODE, "status": ["x", "", "ACTIVE"]}),
    Endpoint(ADMIN, "GET", "/resellers/{reseller}", "operator", query=MODE),
    Endpoint(ADMIN, "PATCH", "/resellers/{reseller}", "operator", {
        "email": Field(email("new@there.example").good, email().bad, False, True),
        "name": text("Another name", 200, required=False, null_is_bad=True),
        "company": text("Ltd", 200, required=False, null_is_bad=False),
        "notes": Field("Pays late.\nRing first.", NOT_TEXT + ["", " ", "x" * 4001, "\u0000"], False, False),
        "default_discount_rate": percent(null_is_bad=True),
        "credit_limit": money("5.00", "-0.01", "1000000000.01", digits=2, null_is_bad=True), "rate_limit": policy(),
        "api_access": boolean(null_is_bad=True),
        "low_balance_threshold": money("5.00", "-1000000000.01", "1000000000.01", digits=2, null_is_bad=False)},
        optional_objects=["rate_limit"]),
    *[Endpoint(ADMIN, "POST", f"/resellers/{{reseller}}/{move}", "operator")
      for move in ("approve", "suspend", "resume", "terminate")],
    Endpoint(ADMIN, "POST", "/resellers/{reseller}/invitation", "operator"),
    Endpoint(ADMIN, "POST", "/resellers/{reseller}/password-reset", "operator"),
    Endpoint(ADMIN, "POST", "/resellers/{reseller}/webhook-secret/rotate", "operator", OVERLAP, optional_body=True),
    Endpoint(ADMIN, "POST", "/resellers/{reseller}/balance", "operator", {
        "amount": money("5.00", "-1000000000.01", "1000000000.01", digits=2, required=True, more=["0", 0, "0.00"]),
        "reference": text("transfer", 200)}, needs_key=True),
    Endpoint(ADMIN, "GET", "/resellers/{reseller}/statement", "operator", query={**PAGE, **STATED}),
    Endpoint(ADMIN, "GET", "/resellers/{reseller}/statement.csv", "operator", query=STATED),
    Endpoint(ADMIN, "GET", "/resellers/{reseller}/products", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "GET", "/resellers/{reseller}/products/{sku}", "operator", query=MODE),
    Endpoint(ADMIN, "PUT", "/resellers/{reseller}/products/{sku}", "operator", PRICES, MODE, may_be_empty=True),
    Endpoint(ADMIN, "DELETE", "/resellers/{reseller}/products/{sku}", "operator", query=MODE),
    Endpoint(ADMIN, "POST", "/products", "operator", {
        "sku": text("new-sku", 64, more=["-a", ".a", "a b", "a/b", "ä", "a%", ".."]),
        **PRODUCT, "name": text("A product", 200), "fulfilment": choice("instant"), "hidden": boolean(False)},
        optional_objects=["list"]),
    Endpoint(ADMIN, "GET", "/products", "operator", query={
        **PAGE, "fulfilment": ["x", "", "STOCK"], "hidden": ["x", "", "TRUE", "1"], "q": SOUGHT["q"]}),
    Endpoint(ADMIN, "GET", "/products/{sku}", "operator"),
    Endpoint(ADMIN, "PATCH", "/products/{sku}", "operator", PRODUCT, optional_objects=["list"]),
    Endpoint(ADMIN, "GET", "/products.csv", "operator"),
    Endpoint(ADMIN, "POST", "/products.csv", "operator", query={"dry_run": ["x", "", "TRUE", "1"]}, raw=True),
    Endpoint(ADMIN, "GET", "/price-book.csv", "operator"),
    Endpoint(ADMIN, "POST", "/price-book.csv", "operator", query={
        "dry_run": ["x", "", "TRUE", "1"], "effect_days": ["x", "", "0", "91"]}, raw=True),
    Endpoint(ADMIN, "GET", "/price-sheet", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "GET", "/price-history", "operator", query={**PAGE, **MODE, **TIMES}),
    Endpoint(ADMIN, "GET", "/resellers/{reseller}/products/{sku}/history", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "GET", "/orders", "operator", query={
        **PAGE, **MODE, **SOUGHT, **TIMES, "state": ["x", "", "PENDING"]}),
    Endpoint(ADMIN, "GET", "/orders.csv", "operator", query={**MODE, **SOUGHT, **TIMES, "state": ["x", "pending,"]}),
    Endpoint(ADMIN, "GET", "/orders/{order}", "operator", query=MODE),
    Endpoint(ADMIN, "POST", "/orders/{order}/activate", "operator", {"details": DETAILS}, MODE, optional_body=True),
    Endpoint(ADMIN, "POST", "/orders/{order}/reject", "operator", {
        "reason": text("No room", 500, required=False)}, MODE, optional_body=True),
    Endpoint(ADMIN, "POST", "/orders/{order}/refund", "operator", {
        "amount": money("1", "0", "1000000001", digits=2, required=True), "reason": text("It was down", 500),
        "service": text("svc_none", 64, required=False), "period": integer(0, 0, 2**31 - 1, required=False)},
        MODE, needs_key=True),
    Endpoint(ADMIN, "GET", "/services", "operator", query={
        **PAGE, **MODE, **SOUGHT, **TIMES, "state": ["x"], "status": ["x", ""], "order": [""]}),
    Endpoint(ADMIN, "GET", "/services.csv", "operator", query={
        **MODE, **SOUGHT, **TIMES, "state": ["x"], "status": ["x", ""], "order": [""]}),
    Endpoint(ADMIN, "GET", "/services/{service}", "operator", query=MODE),
    Endpoint(ADMIN, "GET", "/services/{service}/charges", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "DELETE", "/services/{service}/cancel", "operator", query=MODE),
    Endpoint(ADMIN, "PATCH", "/services/{service}/details", "operator", {
        "details": Field(DETAILS.good, DETAILS.bad)}, MODE),
    *[Endpoint(ADMIN, "POST", f"/services/{{service}}/{move}", "operator", query=MODE)
      for move in ("suspend", "resume")],
    Endpoint(ADMIN, "POST", "/services/{service}/cancel", "operator", {
        "at": Field("term_end", [5, "", "later", [], {}], required=False, null_is_bad=False)},
        MODE, optional_body=True),
    Endpoint(ADMIN, "POST", "/services/reprice", "operator", {
        "reseller": text("res_none", 64, required=False, null_is_bad=False),
        "product": text("none", 64, required=False, null_is_bad=False),
        "term": Field("monthly", [5, "", "weekly", [], {}], required=False, null_is_bad=False),
        "price": money("1", "-1", "1000000001", required=True), "dry_run": boolean(True)}, MODE),
    Endpoint(ADMIN, "GET", "/webhooks", "operator", query={
        **PAGE, **MODE, "state": ["x", "", "ACTIVE"], "failing": CHANGES["changes"], "email": FIND["email"]}),
    Endpoint(ADMIN, "GET", "/webhooks/{webhook}", "operator"),
    *[Endpoint(ADMIN, "POST", f"/webhooks/{{webhook}}/{move}", "operator") for move in (
        "disable", "enable", "pause", "resume", "test")],
    Endpoint(ADMIN, "GET", "/deliveries", "operator", query={**PAGE, **MODE, **DELIVERIES, "status": ["x", ""]}),
    Endpoint(ADMIN, "GET", "/deliveries/count", "operator", query={
        **MODE, **{name: bad for name, bad in DELIVERIES.items() if name not in PAGE}, "status": ["x", ""]}),
    Endpoint(ADMIN, "GET", "/deliveries/{delivery}", "operator"),
    Endpoint(ADMIN, "POST", "/deliveries/{delivery}/signature", "operator", {
        "timestamp": Field(0, ["x", "", " 5", "+5", "٥", "1" * 11, True, [], {}, 1.5, -1, 2**32, Raw("1e400")], True),
        "signature": text("v1,AAAA", 1000)}),
    Endpoint(ADMIN, "GET", "/replays", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "GET", "/replays/{replay}", "operator"),
    Endpoint(ADMIN, "GET", "/events", "operator", query={**FEED, **MODE}),
    Endpoint(ADMIN, "POST", "/deliveries/{delivery}/retry", "operator"),
    Endpoint(ADMIN, "POST", "/deliveries/replay", "operator", {**REPLAY, "mode": choice("live", required=False)}),
    Endpoint(ADMIN, "GET", "/customers", "operator", query={**PAGE, **MODE, "q": SOUGHT["q"]}),
    Endpoint(ADMIN, "GET", "/customers/{customer}", "operator", query=MODE),
    Endpoint(ADMIN, "PATCH", "/customers/{customer}", "operator", {
        "email": Field("c@there.example", email().bad, required=False, null_is_bad=True),
        "name": text("A customer", 200, required=False, null_is_bad=True)}, MODE),
    Endpoint(ADMIN, "GET", "/subscribers", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "GET", "/subscribers/{subscriber}", "operator"),
    Endpoint(ADMIN, "POST", "/subscribers/{subscriber}/password-reset", "operator"),
    Endpoint(ADMIN, "GET", "/subscribers/{subscriber}/redemptions", "operator", query=PAGE),
    Endpoint(ADMIN, "GET", "/users", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "GET", "/credit-events", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "GET", "/credit-events/{event}", "operator"),
    Endpoint(ADMIN, "POST", "/reconciliations", "operator", raw=True),
    Endpoint(ADMIN, "GET", "/reconciliations", "operator", query={**PAGE, **MODE, "status": ["x", "", "RUNNING"]}),
    Endpoint(ADMIN, "GET", "/reconciliations/{reconciliation}", "operator"),
    Endpoint(ADMIN, "GET", "/reviews", "operator", query={**PAGE, **MODE, "status": ["x", "", "OPEN"]}),
    Endpoint(ADMIN, "GET", "/reviews/{review}", "operator"),
    Endpoint(ADMIN, "POST", "/reviews/{review}/close", "operator", {"note": text("Settled", 2000)}),
    Endpoint(ADMIN, "POST", "/licences", "operator", raw=True, needs_key=True),
    Endpoint(ADMIN, "GET", "/licences", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "POST", "/licences/withdraw", "operator", {"keys": KEYS}, query=MODE),
    Endpoint(ADMIN, "POST", "/licences/move", "operator", {
        "keys": KEYS, "reseller": text("res_x", 255, required=False),
        "product": text("lifetime", 64, required=False)}, query=MODE),
    Endpoint(ADMIN, "GET", "/licences/withdrawn", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "POST", "/ports", "operator", query=MODE, raw=True, needs_key=True),
    Endpoint(ADMIN, "GET", "/ports", "operator", query={**PAGE, **MODE, "status": ["x", "", "FREE"]}),
    Endpoint(ADMIN, "GET", "/ports/{address}", "operator", query=MODE),
    Endpoint(ADMIN, "PATCH", "/ports/{address}", "operator", SLOT, query=MODE),
    Endpoint(ADMIN, "DELETE", "/ports/{address}", "operator", query={**MODE, "ports": ["x", "", "MOVE"]}),
    Endpoint(ADMIN, "GET", "/devices", "operator", query={**PAGE, **MODE, "status": ["x", "", "ACTIVE"]}),
    Endpoint(ADMIN, "GET", "/devices/{device}", "operator", query=MODE),
    Endpoint(ADMIN, "PATCH", "/devices/{device}", "operator", {
        "server_ip": text("203.0.113.5", 253, required=False, null_is_bad=True, more=[
            "127.0.0.1", "::1", "0.0.0.0", "a b", "x"]),
        "city": text("Berlin", 100, required=False), "carrier": text("net", 100, required=False),
        "mode": choice("shared", required=False, null_is_bad=True)}, query=MODE),
    Endpoint(ADMIN, "DELETE", "/devices/{device}", "operator", query={**MODE, "ports": ["x", "", "MOVE"]}),
    Endpoint(ADMIN, "GET", "/countries", "operator", query=PAGE),
    Endpoint(ADMIN, "PUT", "/countries/{country}", "operator", {
        "base_price": money("2.00", "-0.01", "1000000000.01", required=True), "name": text("Germany", 100, required=False)}),
    *[endpoint for path in ("/provisioning", "/products/{sku}/provisioning") for endpoint in (
        Endpoint(ADMIN, "GET", path, "operator"), Endpoint(ADMIN, "PUT", path, "owner", PROVISIONER),
        Endpoint(ADMIN, "DELETE", path, "owner"))],
    Endpoint(ADMIN, "GET", "/provisioning/queue", "operator", query={**PAGE, "state": ["x", "", "STUCK"]}),
    Endpoint(ADMIN, "POST", "/provisioning/{service}/retry", "operator", query=MODE),
    Endpoint(ADMIN, "POST", "/provisioning/{service}/confirm", "operator", {"details": DETAILS},
             MODE, optional_body=True),
    Endpoint(ADMIN, "POST", "/provisioning/{service}/give_up", "operator", {"reason": text("No room", 500)}, MODE),
    Endpoint(ADMIN, "POST", "/provisioning/test", "operator", {
        "product": text("vps-1", 64, required=False), "verb": choice("create", "renew", required=False),
        "send": boolean(False)}, optional_body=True),
    Endpoint(ADMIN, "POST", "/products/{sku}/stock", "operator", query=MODE, raw=True, needs_key=True),
    Endpoint(ADMIN, "GET", "/products/{sku}/stock", "operator", query=MODE),
    Endpoint(ADMIN, "GET", "/products/{sku}/stock/items", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "DELETE", "/products/{sku}/stock/items/{item}", "operator", query=MODE),
    Endpoint(ADMIN, "GET", "/stock", "operator", query={**MODE, "kind": ["x", "", "ITEMS"]}),
    Endpoint(ADMIN, "GET", "/code-batches", "operator", query={**PAGE, **MODE}),
    Endpoint(ADMIN, "GET", "/codes/{code}", "operator"),
    Endpoint(ADMIN, "GET", "/payment-service", "operator"),
    Endpoint(ADMIN, "PUT", "/payment-service", "operator", {
        "driver": choice("http"), "create_url": Field("https://pay.example/create", url().bad + ["http://pay.example/"]),
        "api_key": text("an-api-key", 512, 8, more=["with a space", "schlüssel"]),
        "webhook_secret": text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 200, more=[
            "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAA", "whsec_" + "A" * 100, "whsec_" + "!" * 32]),
        "callback_url": url(required=False), "return_url": url(required=False),
        "overlap_seconds": integer(0, 0, 7 * 86_400, required=False)}),
    Endpoint(ADMIN, "DELETE", "/payment-service", "operator"),
    Endpoint(ADMIN, "GET", "/payments", "operator", query={**PAGE, **MODE, "status": ["x", "", "PENDING"]}),
    Endpoint(ADMIN, "GET", "/payments/{payment}", "operator"),
    Endpoint(ADMIN, "GET", "/due", "operator", query={**PAGE, "kind": ["x", "", "PORT"], "until": ["x", ""]}),
    Endpoint(ADMIN, "GET", "/attention", "operator"),
    Endpoint(ADMIN, "GET", "/overview", "operator"),
    Endpoint(ADMIN, "POST", "/outbound/resume", "operator", {"deliveries": choice("send", required=False)},
             optional_body=True),
    Endpoint(ADMIN, "GET", "/settings", "operator"),
    Endpoint(ADMIN, "PUT", "/settings/logo", "operator", raw=True),
    Endpoint(ADMIN, "DELETE", "/settings/logo", "operator"),
    Endpoint(ADMIN, "PATCH", "/settings", "operator", {
        "name": text("A name", 100, required=False, null_is_bad=True),
        "colours": {name: Field("#1a2b3c", NOT_TEXT + ["", "red", "#12345", "#1234567", "#gggggg", "1a2b3c7", "#1a2b3c;"], False)
                    for name in ("primary", "accent", "background")},
        "self_activation": boolean(False, null_is_bad=True), "self_service_keys": boolean(False, null_is_bad=True),
        "sandbox_before_approval": boolean(True, null_is_bad=True)}, optional_objects=["colours"]),
    Endpoint(ADMIN, "GET", "/audit", "operator", query={
        **PAGE, **TIMES, "status": ["x", "", "99", "600", "-1"], **CALLS, **CHANGES}),
    Endpoint(ADMIN, "GET", "/audit.csv", "operator", query={**TIMES, "status": ["x", "99"], **CALLS, **CHANGES}),
    Endpoint(ADMIN, "GET", "/audit.jsonl", "operator", query={**TIMES, "status": ["x", "99"], **CALLS, **CHANGES}),
    Endpoint(ADMIN, "GET", "/audit/head", "operator"),
    Endpoint(ADMIN, "GET", "/audit/{audit_row}", "operator", query={"request_id": CALLS["request_id"]}),
    Endpoint(ADMIN, "GET", "/audit/requests", "operator", query={
        "ids": ["x", "", "req_", ",", "req_" + "A" * 32, ",".join(["req_" + "0" * 32] * 21)]}),
    Endpoint(ADMIN, "GET", "/audit/requests/{request}", "operator", query={"at": ["x", ""]}),
    Endpoint(ADMIN, "POST", "/audit/verify", "operator", {
        "head": text("1:1:" + "0" * 64, 200, required=False, more=["x", "1:1", "1:1:zz"])}, optional_body=True),
    Endpoint(ADMIN, "GET", "/usage", "operator", query={**PAGE, **TIMES, **USAGE}),
    Endpoint(ADMIN, "GET", "/usage/groups", "operator", query={
        "limit": PAGE["limit"], **TIMES, **CALLERS, "by": USAGE["by"], "group": ["x", "", "KEY"],
        "sort": ["x", "+requests"]}),
    Endpoint(ADMIN, "GET", "/usage/total", "operator", query={**TIMES, **CALLERS, "by": USAGE["by"]}),
    *[Endpoint(ADMIN, "GET", f"/reports/{report}{form}", "operator", query={
        **({} if form else PAGE), **TIMES, "by": ["x", "", "DAY", "year"], "group": ["x", "", "tenant"]})
      for report in ("turnover", "refunds", "holds", "credit", "balances") for form in ("", ".csv")],
]

PARTNERS = [
    Endpoint(PARTNER, "POST", "/apply", "open", {
        "email": email(), "name": text("A shop", 200), "company": text("Ltd", 200, required=False), "password": PASSWORD}),
    Endpoint(PARTNER, "POST", "/session", "open", {"email": email(), "password": text("x", 256)}),
    Endpoint(PARTNER, "DELETE", "/session", "session"),
    Endpoint(PARTNER, "POST", "/keys", "session", {
        "name": text("A key", 100, required=False), "scopes": names(["partner:read"]), "mode": choice("live", required=False),
        "expires_at": time_to_come()}, optional_body=True),
    Endpoint(PARTNER, "GET", "/keys", "session", query={**PAGE, "state": ["x", "", "ACTIVE"]}),
    Endpoint(PARTNER, "POST", "/keys/{key}/rotate", "session", {
        "overlap_seconds": integer(1, 0, 30 * 86_400, required=False)}, optional_body=True),
    Endpoint(PARTNER, "DELETE", "/keys/{key}", "session"),
    Endpoint(PARTNER, "POST", "/webhook/secret/rotate", "session", OVERLAP, optional_body=True),
    Endpoint(PARTNER, "GET", "/account/sessions", "session", query=PAGE),
    Endpoint(PARTNER, "DELETE", "/account/sessions", "session"),
    Endpoint(PARTNER, "DELETE", "/account/sessions/{session}", "session"),
    Endpoint(PARTNER, "POST", "/account/password", "session", {
        "old": text("x", 256), "new": text("correct horse staple", 256, 8)}),
    Endpoint(PARTNER, "GET", "/webhook", "reseller"),
    Endpoint(PARTNER, "PUT", "/webhook", "reseller", {"url": url(), "events": names(["order.created"], required=True)}),
    *webhooks(PARTNER, fields={
        "new": WEBHOOK, "overlap": OVERLAP, "replay": REPLAY,
        "change": {
            name: Field(field.good, field.bad, False, name != "max_per_second") for name, field in WEBHOOK.items()}},
        query={"page": PAGE, "list": {**PAGE, **DELIVERIES}}),
    Endpoint(PARTNER, "GET", "/products", "reseller", query={**PAGE, **MODE}),
    Endpoint(PARTNER, "GET", "/customers", "reseller", query={**PAGE, **MODE}),
    Endpoint(PARTNER, "GET", "/balance", "reseller", query=MODE),
    Endpoint(PARTNER, "POST", "/orders", "reseller", ORDER, needs_key=True, signed=True),
    Endpoint(PARTNER, "POST", "/orders/quote", "reseller", ORDER),
    Endpoint(PARTNER, "GET", "/orders", "reseller", query={
        **PAGE, **MODE, **TIMES, "state": ["x", "", "PENDING"], "reference": [""], "customer": [""],
        "product": SOUGHT["product"], "idempotency_key": ["", "a b"]}),
    Endpoint(PARTNER, "GET", "/orders/{order}", "reseller", query=MODE),
    Endpoint(PARTNER, "GET", "/services", "reseller", query={
        **PAGE, **MODE, **TIMES, "status": ["x", ""], "order": [""], "customer": [""],
        "product": SOUGHT["product"]}),
    Endpoint(PARTNER, "GET", "/services/{service}", "reseller", query=MODE),
    Endpoint(PARTNER, "POST", "/services/{service}/pay", "reseller"),
    Endpoint(PARTNER, "POST", "/services/{service}/cancel", "reseller"),
    Endpoint(PARTNER, "DELETE", "/services/{service}/cancel", "reseller"),
    Endpoint(PARTNER, "POST", "/topup", "reseller", {
        "amount": money("20", "9.99", "1000000.01", digits=2, required=True)}),
    Endpoint(PARTNER, "GET", "/topup/{payment}", "reseller"),
    Endpoint(PARTNER, "GET", "/statement", "reseller", query={**PAGE, **STATED}),
    Endpoint(PARTNER, "GET", "/statement.csv", "reseller", query=STATED),
    Endpoint(PARTNER, "GET", "/usage", "reseller", query={**PAGE, **TIMES, **USAGE}),
    Endpoint(PARTNER, "GET", "/usage/total", "reseller", query={**TIMES, **CALLERS, "by": USAGE["by"]}),
    Endpoint(PARTNER, "GET", "/requests", "reseller", query={
        **PAGE, **TIMES, **CALLERS, "status": ["x", "", "99", "600"], "request_id": CALLS["request_id"]}),
    Endpoint(PARTNER, "GET", "/account", "reseller"),
    Endpoint(PARTNER, "GET", "/program", "reseller"),
    Endpoint(PARTNER, "GET", "/overview", "reseller", query=MODE),
    Endpoint(PARTNER, "GET", "/limit", "reseller"),
    Endpoint(PARTNER, "GET", "/holdings", "reseller", query={**PAGE, **MODE}),
    Endpoint(PARTNER, "GET", "/events", "reseller", query=FEED),
]

ALL = PROVIDERS + ADMINS + PARTNERS


def account(api, keys="/keys"):
    """What a reseller's person does with its account: in each dialect alike."""
    return [
        Endpoint(api, "POST", keys, "session"),
        Endpoint(api, "GET", keys, "session"),
        Endpoint(api, "POST", keys + "/{key}/rotate", "session"),
        Endpoint(api, "DELETE", keys + "/{key}", "session"),
        Endpoint(api, "GET", "/account/sessions", "session"),
        Endpoint(api, "DELETE", "/account/sessions", "session"),
        Endpoint(api, "DELETE", "/account/sessions/{session}", "session"),
        Endpoint(api, "POST", "/account/password", "session"),
    ]


# The seeds' own dialects: their fields are gone through in their own scripts.
SEEDS = [
    Endpoint(REPORTS, "POST", "/signup", "reseller's key"),
    Endpoint(REPORTS, "POST", "/credit", "reseller's key"),
    Endpoint(REPORTS, "GET", "/credit/{event}", "reseller"),
    Endpoint(REPORTS, "GET", "/account", "reseller"),
    Endpoint(REPORTS, "POST", "/session", "open"),
    Endpoint(REPORTS, "DELETE", "/session", "session"),
    Endpoint(REPORTS, "POST", "/key/rotate", "reseller's key"),
    *account(REPORTS),

    Endpoint(LICENCES, "GET", "/myavailable", "reseller"),
    Endpoint(LICENCES, "GET", "/myavailable.csv", "reseller"),
    Endpoint(LICENCES, "GET", "/licenseinfo", "reseller"),
    Endpoint(LICENCES, "GET", "/fetchlicense", "reseller"),
    Endpoint(LICENCES, "POST", "/myavailable", "reseller"),
    Endpoint(LICENCES, "POST", "/licenseinfo", "reseller"),
    Endpoint(LICENCES, "POST", "/fetchlicense", "reseller"),
    Endpoint(LICENCES, "POST", "/assignlicense", "reseller"),
    Endpoint(LICENCES, "POST", "/session", "open"),
    Endpoint(LICENCES, "DELETE", "/session", "session"),
    *account(LICENCES),

    Endpoint(PORTS, "POST", "/login/signin", "open"),
    *account(PORTS, "/api-keys"),
    Endpoint(PORTS, "POST", "/login/signout", "session"),
    Endpoint(PORTS, "GET", "/reseller/balance", "reseller"),
    Endpoint(PORTS, "GET", "/reseller/countries", "reseller"),
    Endpoint(PORTS, "GET", "/reseller/pricebook", "reseller"),
    Endpoint(PORTS, "PUT", "/reseller/pricebook", "reseller"),
    Endpoint(PORTS, "POST", "/reseller/pricebook/country-override", "reseller"),
    Endpoint(PORTS, "POST", "/reseller/pricebook/calculate", "reseller"),
    Endpoint(PORTS, "POST", "/reseller/customers", "reseller"),
    Endpoint(PORTS, "GET", "/reseller/customers", "reseller"),
    Endpoint(PORTS, "GET", "/reseller/customers/{customer}", "reseller"),
    Endpoint(PORTS, "PATCH", "/reseller/customers/{customer}", "reseller"),
    Endpoint(PORTS, "GET", "/reseller/analytics", "reseller"),
    Endpoint(PORTS, "POST", "/reseller/topup", "reseller"),
    Endpoint(PORTS, "GET", "/reseller/topup/{payment}", "reseller"),
    Endpoint(PORTS, "POST", "/reseller/customers/{customer}/topup", "reseller"),
    Endpoint(PORTS, "POST", "/reseller/ports", "reseller"),
    Endpoint(PORTS, "GET", "/reseller/ports", "reseller"),
    Endpoint(PORTS, "GET", "/reseller/ports/{port}", "reseller"),
    Endpoint(PORTS, "POST", "/reseller/ports/{port}/rotate", "reseller"),
    Endpoint(PORTS, "POST", "/reseller/ports/{port}/renew", "reseller"),
    Endpoint(PORTS, "GET", "/reseller/events", "reseller", query=FEED),
    *webhooks(PORTS, "/reseller"),
    Endpoint(PORTS, "GET", "/reseller/docs/openapi", "open"),

    Endpoint(CODES, "POST", "/register", "open"),
    Endpoint(CODES, "POST", "/login", "open"),
    Endpoint(CODES, "POST", "/logout", "session"),
    *account(CODES),
    Endpoint(CODES, "POST", "/regenerate-seed-hash", "session"),
    Endpoint(CODES, "POST", "/activate", "session"),
    Endpoint(CODES, "GET", "/me", "reseller"),
    Endpoint(CODES, "GET", "/account", "reseller"),
    Endpoint(CODES, "POST", "/regenerate-key", "reseller"),
    Endpoint(CODES, "GET", "/plans", "open or reseller"),
    Endpoint(CODES, "POST", "/generate", "reseller"),
    Endpoint(CODES, "GET", "/codes", "reseller"),
    Endpoint(CODES, "GET", "/codes.csv", "reseller"),
    Endpoint(CODES, "GET", "/events", "reseller", query=FEED),
    Endpoint(CODES, "POST", "/topup", "reseller"),
    Endpoint(CODES, "POST", "/topup/webhook", "payment service"),
    Endpoint(CODES, "GET", "/topup/status/{payment}", "open"),
    Endpoint(CODES, "GET", "/webhook", "reseller"),
    Endpoint(CODES, "PUT", "/webhook", "reseller"),
    Endpoint(CODES, "POST", "/webhook/secret", "session"),
    *webhooks(CODES),
]

EVERY = ALL + SEEDS
# Who passes: kinds of credential. What is open passes with any and without; the payment service signs.
ACCESS = {
    "open": None, "open or reseller": None, "reseller": {"reseller", "session"},
    "reseller's key": {"reseller"},
    "session": {"session"}, "operator": {"operator", "owner", "owner's session"}, "owner": {"owner", "owner's session"},
    "operator's session": {"owner's session"}, "provider": {"provider"},
    "provider's reader": {"provider", "provider's reader"}, "payment service": set(),
}


def served(gateway):
    """(api, method, path) → its description, of every route of every API that the running gateway describes: the
    provider's, the operator's, and those of every dialect that a blueprint of the demo has."""
    listed = gateway.get(PROVIDER + "/blueprints", key=gateway.provider_key)
    assert listed.status == 200, listed
    tenants = {dialect: blueprint["name"] for blueprint in listed.json["data"] for dialect in blueprint["dialects"]}
    assert set(tenants) == set(DIALECTS), f"blueprints have {sorted(tenants)}, this table {sorted(DIALECTS)}"
    bases = {DIALECTS[dialect]: gateway.tenant(name)["slug"] for dialect, name in tenants.items()}
    bases |= {ADMIN: bases[PARTNER], PROVIDER: None}
    found = {}
    for api, slug in bases.items():
        described = gateway.get((f"/t/{slug}" if slug else "") + api + "/openapi.json")
        assert described.status == 200, (api, described)
        routes = {
            (api, method.upper(), path): operation
            for path, operations in described.json["paths"].items() for method, operation in operations.items()}
        assert routes, f"{api} describes no route"
        found |= routes
    return found


def missing(gateway):
    """What of the served descriptions the table has not, or has not right: a text each."""
    table = {}
    wrong = []
    for endpoint in EVERY:
        route = (endpoint.api, endpoint.method, nameless(endpoint.path))
        if route in table:
            wrong.append(f"{endpoint.name} is in the table twice")
        table[route] = endpoint
    there = set()
    for (api, method, path), operation in served(gateway).items():
        route = (api, method, nameless(path))
        there.add(route)
        if route not in table:
            wrong.append(f"{method} {api}{path} is served, and the table does not say who may call it")
            continue
        endpoint = table[route]
        takes = operation.get("requestBody", {}).get("content", {})
        if endpoint in ALL and "application/json" in takes and endpoint.fields is None and not endpoint.raw:
            wrong.append(f"{endpoint.name} takes a body, and the table does not know its fields")
    return wrong + [f"{endpoint.name} is in the table, and nobody serves it" for route, endpoint in table.items() if route not in there]


def nameless(path):
    return re.sub(r"\{[^}]*\}", "{}", path)
