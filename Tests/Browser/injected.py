"""What people who wish us ill write into every field that somebody else sees (U1 to U4, check 18): it stays text,
wherever it is shown, and the page keeps its shape. Which fields there are is read from the served descriptions."""

import re
import urllib.parse
import uuid

from office import Office
from pages_table import listed
from plain import Plain
from receiver import answer
from shop import PASSWORD
from support import wait_until
from world import TURNED, done

# More than any name may have.
NAME_LENGTH = 10_000
# Followed links of one kind: of those to things that have a page each, and of others.
PAGES_MAX, THINGS_MAX, OTHERS_MAX = 400, 6, 1
# What is typed and shown to nobody else: told to whoever typed it, looked up, or the name of a thing that is there.
NOT_SHOWN = {
    "admin /deliveries/signature signature", "admin /audit/verify head", "admin /licences/move reseller",
    "admin /licences/move product", "admin /services/reprice reseller", "admin /provisioning/test product",
    "admin /deliveries/replay endpoint", "admin /deliveries/replay reseller", "admin /licences reseller",
    "admin /licences product", "admin /licences/withdraw keys", "admin /licences/move keys",
    "admin /orders/refund service",
    "admin /ports country", "admin /payment-service api_key",
    "partner /orders product", "partner /orders/quote product", "partner /orders/quote customer.external_id",
    "partner /orders/quote customer.name", "partner /orders/quote reference", "partner /deliveries/replay endpoint",
    "provider /tenants blueprint", "provider /tenants domains_were",
    "proxies /ports customerId", "proxies /ports countryId", "proxies /ports cityId",
    "proxies /ports carrierId", "proxies /deliveries/replay endpoint", "proxies /pricebook/country-override countryId",
    "proxies /pricebook/calculate countryId", "proxies /pricebook/calculate customerId"}
# Written by the same code as the field behind it, and shown on the same pages.
AS_ANOTHER = {
    "admin /provisioning/confirm details.value": "admin /orders/activate details.value",
    "proxies /api-keys name": "partner /keys name", "proxies /webhooks name": "partner /webhooks name"}
# On no page: the APIs alone tell it.
ON_NO_PAGE = {"proxies /customers/topup description", "proxies /customers/topup referenceId",
              "proxies /customers company"}
# Of a page: texts that begin as ours do, with what follows; elements that only markup of theirs can make.
SEEN = """() => {
    const fields = [...document.querySelectorAll('input:not([type=hidden]),textarea')].map(e => e.value)
    const text = [document.body.textContent, ...fields].join('\\n')
    return {
        shown: [...text.matchAll(/ill-(\\d+)-(.{0,9})/gs)].map(m => [m[1], m[2]]),
        made: [...document.querySelectorAll(
            'img[src=x],script:not([src]),[onerror],[href^="javascript:" i],[src^="javascript:" i],ins ins ins')]
            .map(e => e.outerHTML.slice(0, 200)),
        scroll: document.documentElement.scrollWidth, width: document.documentElement.clientWidth }
}"""


class Texts:
    """The fields that were written, each with a number by which its text is known again."""

    def __init__(self):
        self.fields = []

    def of(self, field, length, turned=False):
        self.fields.append(field)
        words = (f"ill-{len(self.fields)}-<script>alert(1)</script>\"><img src=x onerror=alert(2)> "
                 f"javascript:alert(3) {TURNED if turned else ''}")
        return (words + "W" * length)[:length]


class Ill:
    """Tenants of three blueprints in which whatever takes words has theirs."""

    def __init__(self, world):
        self.world, self.gateway = world, world.gateway
        self.texts = Texts()
        self.office = Office(self.gateway, slug="ill")
        self.shop = self.office.shop
        self.admin = lambda *words, **more: done(self.shop.admin(*words, **more))
        self.people()
        self.trade()
        self.hooks()
        self.provisioner()
        self.ports()
        self.others()

    def people(self):
        text = self.texts.of
        self.admin("PATCH", "/settings", {"name": text("admin /settings name", 100, True)})
        self.admin("POST", "/people", {
            "email": "ill@ill.example", "role": "support", "name": text("admin /people name", 200, True)})
        self.reseller = self.shop.reseller(balance="500.00", password=PASSWORD)
        self.admin("PATCH", f"/resellers/{self.reseller['id']}", {
            field: text(f"admin /resellers {field}", length, True)
            for field, length in (("name", 200), ("company", 200), ("notes", 4000))})
        done(self.gateway.post(f"{self.shop.base}/api/partner/v1/apply", {
            "email": "apply@ill.example", "password": PASSWORD, "name": text("partner /apply name", 200, True),
            "company": text("partner /apply company", 200, True)}))
        self.admin("POST", "/api-keys", {
            "owner_email": self.reseller["email"], "name": text("admin /api-keys name", 100, True)})
        self.admin("POST", "/account/keys", {"name": text("admin /account/keys name", 100, True)},
                   key=self.office.token(self.office.owner_email))
        done(self.gateway.post("/provider/v1/provider-keys", {
            "name": text("provider /provider-keys name", 100, True), "role": "read"}, key=self.gateway.provider_key))
        self.admin("PATCH", "/settings", {"self_service_keys": True})
        done(self.shop.call(self.reseller, "POST", "/keys", {"name": text("partner /keys name", 100, True)},
                            key=self.shop.sign_in(self.reseller)))

    def order(self, sku, **customer):
        body = {"product": sku, "term": "monthly", "quantity": 1, "customer": {"external_id": "c-1", **customer},
                "reference": self.texts.of("partner /orders reference", 128)}
        return done(self.gateway.order(f"{self.shop.base}/api/partner/v1/orders", body, self.reseller,
                                       str(uuid.uuid4()), timestamp=int(self.gateway.now())))

    def trade(self):
        text = self.texts.of
        for sku, fulfilment in (("ill-hand", "manual"), ("ill-now", "instant"), ("ill-unit", "http")):
            self.admin("POST", "/products", {
                "sku": sku, "fulfilment": fulfilment, "name": text("admin /products name", 200, True)})
            self.shop.price(self.reseller, sku, {"wholesale_monthly": "1.00"})
        self.admin("POST", f"/resellers/{self.reseller['id']}/balance", {
            "amount": "5.00", "reference": text("admin /resellers/balance reference", 200)}, idempotent=True)
        made = self.order("ill-now", external_id=text("partner /orders customer.external_id", 128),
                          name=text("partner /orders customer.name", 200, True))
        service = made["services"][0]["id"]
        self.admin("POST", f"/orders/{made['order']['id']}/refund", {
            "amount": "0.10", "reason": text("admin /orders/refund reason", 500, True)}, idempotent=True)
        self.admin("PATCH", f"/services/{service}/details", {"details": {"host": {
            "value": text("admin /services/details details.value", 300, True), "secret": False}}})
        customer = self.admin("GET", "/customers")["data"][0]["id"]
        self.order("ill-now", external_id="renamed")
        renamed = next(row["id"] for row in self.admin("GET", "/customers")["data"] if row["id"] != customer)
        self.admin("PATCH", f"/customers/{renamed}", {"name": text("admin /customers name", 200, True)})
        waiting = [self.order("ill-hand")["order"]["id"] for _ in range(2)]
        self.admin("POST", f"/orders/{waiting[0]}/activate", {"details": {"host": {
            "value": text("admin /orders/activate details.value", 300, True), "secret": False}}})
        self.admin("POST", f"/orders/{waiting[1]}/reject", {"reason": text("admin /orders/reject reason", 500, True)})

    def hooks(self):
        """An endpoint whose receiver answers with their words."""
        receiver, text = self.world.works.receiver, self.texts.of
        receiver.answers["/ill"] = lambda count: answer(
            503, "Retry-After: 3600", "Content-Type: text/html", body=said.encode())
        said = text("a receiver's answer", 200)
        hook = done(self.shop.call(self.reseller, "POST", "/webhooks", {
            "name": text("partner /webhooks name", 100, True), "url": receiver.url("/ill"),
            "events": ["order.created"]}))
        self.order("ill-now")
        wait_until(lambda: self.admin("GET", f"/deliveries?endpoint={hook['id']}")["data"][0]["tries"])

    def provisioner(self):
        receiver = self.world.works.receiver
        receiver.answers["/ill-units"] = lambda count: answer(503)
        self.admin("PUT", "/provisioning", {"url": receiver.url("/ill-units"), "timeout_seconds": 5})
        service = self.order("ill-unit")["services"][0]["id"]
        self.admin("POST", f"/provisioning/{service}/give_up", {
            "reason": self.texts.of("admin /provisioning/give_up reason", 500, True)})

    def ports(self):
        text = self.texts.of
        self.proxies = Office(self.gateway, slug="ill-ports", blueprint="proxies").shop
        buyer = self.proxies.reseller(balance="500.00", password=PASSWORD)
        self.port_buyer = buyer
        admin = lambda *words: done(self.proxies.admin(*words, idempotent=True))
        call = lambda path, body: done(self.gateway.post(f"{self.proxies.base}/v1/reseller{path}", body, headers={
            "X-API-Key": buyer["key"], "Idempotency-Key": uuid.uuid4().hex}))
        admin("PUT", "/countries/germany_id", {"base_price": "2.00", "name": text("admin /countries name", 100, True)})
        admin("POST", "/ports", {"ports": [{
            "device": text("admin /ports device", 100), "server_ip": f"203.0.113.{9 + number}",
            "http_port": "10001-10002", "socks_port": "20001-20002", "country": "germany_id",
            "city": text("admin /ports city", 100), "carrier": text("admin /ports carrier", 100)}
            for number in range(2)]})
        device = admin("GET", "/devices?limit=1")["data"][0]["device"]
        customer = call("/customers", {
            "email": "user@ill.example", "allocatedPortSlots": 5,
            **{field: text(f"proxies /customers {field}", length, turned) for field, length, turned in (
                ("name", 200, True), ("company", 200, True), ("externalId", 128, False))}})
        call(f"/customers/{customer['_id']}/topup", {
            "amount": 1, "description": text("proxies /customers/topup description", 500, True),
            "referenceId": text("proxies /customers/topup referenceId", 128)})
        call("/ports", {"customerId": customer["_id"], "countryId": "germany_id", "days": 30})
        # What a device is called after it was corrected.
        admin("PATCH", f"/devices/{urllib.parse.quote(device, safe='')}", {
            field: text(f"admin /devices {field}", 100) for field in ("city", "carrier")})

    def others(self):
        """Licences by their keys; a ledger whose lines are theirs, and the note on it."""
        text = self.texts.of
        self.licences = Office(self.gateway, slug="ill-licences", blueprint="licences").shop
        self.holder = self.licences.reseller(password=PASSWORD)
        done(self.licences.admin("POST", "/licences", {"licences": [{
            "reseller": self.holder["id"], "product": "lifetime", "key": text("admin /licences key", 200),
            "expiration": "2099-01-01"}]}, idempotent=True))
        self.panel = Office(self.gateway, slug="ill-panel", blueprint="panel").shop
        self.teller = self.panel.reseller(password=PASSWORD)
        done(self.gateway.post(f"{self.panel.base}/api/v1/reseller/credit", {
            "kind": "topup", "amount_usd": 5, "external_ref": text("panel /credit external_ref", 200), "meta": {}},
            key=self.teller["key"]))
        line = text("a ledger's line", 120).replace('"', '""')
        report = done(self.panel.admin("POST", f"/reconciliations?reseller={self.teller['id']}", (
            f'external_ref,kind,amount,at,comment\n"{line}",topup,3.00,2026-05-01T10:00:00Z,\n').encode(),
            idempotent=True, headers={"Content-Type": "text/csv"}))
        done(self.panel.admin("POST", f"/reviews/{report['review']}/close", {
            "note": text("admin /reviews/close note", 2000, True)}, idempotent=True))

    def visitors(self):
        """Who looks: where they begin, and their cookies."""
        for shop, reseller in ((self.shop, self.reseller), (self.proxies, self.port_buyer),
                               (self.licences, self.holder), (self.panel, self.teller)):
            for email, start in ((f"owner@{shop.slug}.example", "/admin"), (reseller["email"], "/portal")):
                plain = Plain(self.gateway)
                form = next(form for form in plain.forms(f"{shop.base}/sign-in") if "password" in form.fields)
                assert plain.send(form, email=email, password=PASSWORD).status == 303, email
                yield plain, shop.base + start, shop.base
        plain = Plain(self.gateway)
        form = next(form for form in plain.forms("/console/sign-in") if "key" in form.fields)
        assert plain.send(form, key=self.gateway.provider_key).status == 303
        yield plain, "/console", "/console"


def described(world):
    """The fields of the APIs that take such words, by API, path without ids, and name."""
    found = set()
    for api, path in (("admin", "/t/works/api/admin"), ("partner", "/t/works/api/partner/v1"),
                      ("proxies", "/t/proxies/v1"), ("provider", "/provider/v1")):
        document = done(world.gateway.get(f"{path}/openapi.json"))
        for place, calls in document["paths"].items():
            for call in calls.values():
                for kind, content in call.get("requestBody", {}).get("content", {}).items() if \
                        isinstance(call, dict) else ():
                    if kind == "application/json":
                        place = re.sub(r"/\{\w+\}", "", place).removeprefix("/reseller/").removeprefix("/")
                        found |= {f"{api} /{place} {name}" for name in worded(document, content["schema"], "")}
    return {field for field in found if not field.endswith((" password", " old", " new", "session email"))}


def worded(document, schema, name):
    while "$ref" in schema:
        target = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = target
    for kind in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(kind, []):
            yield from worded(document, each, name)
    for key, each in schema.get("properties", {}).items():
        # A list of them is the same fields.
        inner = "" if name in ("ports", "licences") else name
        yield from worded(document, each, f"{inner}.{key}".strip("."))
    for inner in ("items", "additionalProperties"):
        if isinstance(schema.get(inner), dict):
            yield from worded(document, schema[inner], name)
    if "string" in ([schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])):
        is_free = "enum" not in schema and schema.get("format") is None and schema.get("maxLength", 999) >= 32
        if is_free and re.search(schema.get("pattern", ""), "<script>alert(1)</script>"):
            yield name


def crawled(plain, start, base):
    """Pages that links lead to from there, a few of each kind: path → the answer."""
    pages, waiting, kinds = {}, [start], {}
    while waiting and len(pages) < PAGES_MAX:
        path = waiting.pop(0)
        got = plain.get(path)
        if got.status != 200 or not got.headers.get("content-type", "").startswith("text/html"):
            continue
        pages[path] = got
        for link in re.findall(r'href="(/[^"#]*)', got.body.decode()):
            link = link.replace("&amp;", "&")
            page = listed(link)
            kind = page and (page.path.split("?")[0])
            most = THINGS_MAX if page and page.path.endswith("}") else OTHERS_MAX
            is_ours = link.startswith(base) and "/docs" not in link and (
                base != "/console" or not re.match(r"/console/tenants/(?!ill|new)", link))
            if page and is_ours and link not in pages and link not in waiting and kinds.get(kind, 0) < most:
                kinds[kind] = kinds.get(kind, 0) + 1
                waiting.append(link)
    return pages


def look(browser, plain, base, pages, seen):
    """Those of them that show such a text, on the narrowest screen; what is wrong with them."""
    visitor, found = browser.visitor(size="narrow"), []
    visitor.context.add_cookies([
        {"name": name, "value": value, "domain": "127.0.0.1", "path": base} for name, value in plain.cookies.items()])
    for path, got in pages.items():
        # The tenant's own name is at the head of each.
        if path != next(iter(pages)) and not re.search(rb"ill-\d+-", got.body.split(b"<main", 1)[1]):
            continue
        assert visitor.go(path).status == 200, path
        facts = visitor.page.evaluate(SEEN)
        seen |= {int(number) for number, _ in facts["shown"]}
        found += [f"{path}: {text}" for text in visitor.watch.take() + facts["made"]]
        # What is cut ends with a sign that it is.
        found += [f"{path}: ill-{number}-{after}" for number, after in facts["shown"]
                  if not after.startswith("<script>") and "…" not in after]
        if facts["scroll"] > facts["width"] and not listed(path).is_wide:
            found.append(f"{path}: sideways, {facts['scroll']} in {facts['width']}")
    visitor.close()
    return found


def everywhere(browser, ill):
    seen, found, count = set(), [], 0
    for plain, start, base, pages in ill.looked:
        count += len(pages)
        found += look(browser, plain, base, pages, seen)
    assert not found, "\n".join(found[:20])
    told = {field for number, field in enumerate(ill.texts.fields, 1) if number in seen}
    never = set(ill.texts.fields) - told
    assert never == ON_NO_PAGE, f"shown on no page: {sorted(never ^ ON_NO_PAGE)}"
    print(f"# {len(set(ill.texts.fields))} fields, {count} pages", flush=True)


def too_long(browser, ill):
    """Every form with a field for words gets far too many: it is answered, and what was typed comes back as text."""
    text, found, sent = ("<script>alert(1)</script>\"><img src=x onerror=alert(2)> " + TURNED + "W" * NAME_LENGTH)[
        :NAME_LENGTH], [], 0
    visitor = browser.visitor(size="narrow")
    for plain, start, base, pages in ill.looked:
        visitor.context.add_cookies([{"name": name, "value": value, "domain": "127.0.0.1", "path": base}
                                     for name, value in plain.cookies.items()])
        kinds = set()
        for path, got in pages.items():
            for form in plain.forms(path, got):
                names = [name for name in form.fields if not name.startswith("_") and name not in form.kept]
                if form.method != "POST" or not names or (form.call, listed(path)) in kinds:
                    continue
                kinds.add((form.call, listed(path)))
                got = plain.send(form, **{name: text for name in names})
                sent += 1
                body = got.body.decode()
                if got.status >= 500 or "<script>alert" in body or "<img src=x" in body:
                    found.append(f"{path}: {form.call or form.action}: {got.status}")
                elif got.status == 422 and len(kinds) % 4 == 0:
                    found += shape(visitor, path, body)
    visitor.close()
    assert sent > 40 and not found, (sent, "\n".join(found[:20]))
    print(f"# {sent} forms", flush=True)


def shape(visitor, path, body):
    """A refusal as a browser shows it, under its own address; what is wrong with it."""
    visitor.page.route("**" + path.split("?")[0] + "?refused", lambda route: route.fulfill(
        status=422, content_type="text/html; charset=utf-8", body=body))
    visitor.go(path.split("?")[0] + "?refused")
    facts = visitor.page.evaluate(SEEN)
    found = [f"{path}, refused: {text}" for text in visitor.watch.take() + facts["made"]]
    if facts["scroll"] > facts["width"] and not listed(path).is_wide:
        found.append(f"{path}, refused: sideways, {facts['scroll']} in {facts['width']}")
    return found


def run(checks, world, browser):
    ill = Ill(world)
    ill.looked = [(plain, start, base, crawled(plain, start, base)) for plain, start, base in ill.visitors()]
    with checks("U1 U2 U3 U4 18: every field of the APIs that takes words is written by one who wishes us ill"):
        own = set(ill.texts.fields) | NOT_SHOWN | set(AS_ANOTHER)
        fields = described(world)
        assert fields <= own, sorted(fields - own)
        gone = {field for field in own - fields if field.split(" ")[0] in ("admin", "partner", "proxies", "provider")}
        assert not gone, f"no such field: {sorted(gone)}"
    with checks("U1 U2 U3 U4 18: wherever such words are shown they are text; no dialog, no shape lost"):
        everywhere(browser, ill)
    with checks("U1 U2 U3 U4 18: 10,000 characters in every field of every form are answered as text, in shape"):
        too_long(browser, ill)
