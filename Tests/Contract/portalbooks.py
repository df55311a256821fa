#!/usr/bin/env python3
"""X7 U3 The portal in each of the five dialects: its pages of the test book show nothing that is live, whoever is
suspended has no buttons, and what takes money says beforehand how much (A4, X4, X5). Stock as lists and pages have it:
licences beyond a page (L2), and a slot that is there (O9)."""

from decimal import Decimal
import re
import urllib.parse
import uuid

from pagewire import Browser
from portalwire import Portal
from shop import PASSWORD
from support import Checks, Gateway, arguments

options = arguments()
checks = Checks()
EVENTS = {"hosting": ["order.created"], "proxies": ["port.created"]}
# Of each dialect the pages whose lists and forms move what it sells.
SELLING = {
    "hosting": ["/orders", "/services", "/products"], "codes": ["/codes"], "licences": ["/licences"], "panel": [],
    "proxies": ["/ports", "/port-customers"]}


class Seller:
    """The first reseller of one of the demo's tenants: at the portal, with a live key and a test key."""

    def __init__(self, gateway, blueprint):
        self.gateway, self.blueprint = gateway, blueprint
        tenant = gateway.tenant(blueprint)
        self.owner, self.base = tenant["owner_key"], f"/t/{tenant['slug']}"
        self.reseller = gateway.reseller(blueprint)
        self.keys = {"live": self.reseller["key"]}
        self.keys["test"] = self.admin(
            "POST", "/api-keys", {"owner_email": self.reseller["email"], "mode": "test"})["key"]
        self.portal = Portal(gateway, self.base, self.reseller["email"], self.reseller["password"])
        self.home = f"{self.base}/portal"

    def admin(self, method, path, body=None):
        answer = self.gateway.request(
            method, f"{self.base}/api/admin{path}", body, key=self.owner,
            headers={"Idempotency-Key": uuid.uuid4().hex})
        assert answer.status in (200, 201), answer
        return answer.json

    def call(self, method, path, body=None, mode="live"):
        key, headers = self.keys[mode], {}
        if self.blueprint == "licences":
            path += f"{'&' if '?' in path else '?'}{urllib.parse.urlencode({'api_token': key})}"
        else:
            name = {"codes": "x-api-key", "proxies": "X-API-Key"}.get(self.blueprint)
            headers = {name: key} if name else {"Authorization": f"Bearer {key}"}
        answer = self.gateway.request(method, self.base + path, body, headers=headers)
        assert answer.status in (200, 201), (path, answer)
        return answer.json

    def pages(self):
        """Every page and file of the live book that links lead to."""
        seen, waiting = set(), [self.home]
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            page = self.portal.browser.get(path)
            if page.status == 200 and "text/html" in page.headers.get("content-type", ""):
                links = [(link or "").split("?")[0].split("#")[0] for link in page.read.links]
                waiting += [link for link in links if link.startswith(self.home)]
        return seen

    # What each dialect sells, in one of the books: the ids by which pages show it.

    def sold(self, mode):
        return getattr(self, f"sold_{self.blueprint}")(mode)

    def sold_hosting(self, mode):
        api = "/api/partner/v1"
        row = next(row for row in self.call("GET", f"{api}/products", mode=mode)["data"] if row["terms"].get("monthly"))
        placed = self.gateway.order(
            f"{self.base}{api}/orders",
            {"product": row["product"], "term": "monthly", "quantity": 1, "customer": {"external_id": f"of-{mode}"}},
            {**self.reseller, "key": self.keys[mode]}, uuid.uuid4().hex)
        assert placed.status == 201, placed
        services = [service["id"] for service in placed.json["services"]]
        return [placed.json["order"]["id"], *services, f"of-{mode}", self.hook(f"{api}/webhooks", mode)]

    def sold_codes(self, mode):
        made = self.call("POST", "/api/reseller/generate", {"planId": "1month", "count": 2}, mode)
        return [row["code"] for row in made["codes"]]

    def sold_licences(self, mode):
        return [row["key"] for row in self.call("GET", "/reseller/myavailable", mode=mode)["licenses"]]

    def sold_panel(self, mode):
        report = {"kind": "topup", "amount_usd": 25, "external_ref": f"of-{mode}"}
        return [self.call("POST", "/api/v1/reseller/credit", report, mode)["id"]]

    def sold_proxies(self, mode):
        api = "/v1/reseller"
        customer = self.call("POST", f"{api}/customers", {
            "email": f"of-{mode}@there.example", "name": f"Of {mode}", "allocatedPortSlots": 2}, mode)["_id"]
        port = self.call(
            "POST", f"{api}/ports", {"customerId": customer, "countryId": "germany_id", "days": 3}, mode)["port"]
        hook = self.hook(f"{api}/webhooks", mode)
        return [port["_id"], port["proxyPassword"], customer, f"of-{mode}@there.example", hook]

    def hook(self, path, mode):
        made = self.call(
            "POST", path, {"name": mode, "url": "https://8.8.8.8/x", "events": EVENTS[self.blueprint]}, mode)
        return made.get("id") or made.get("_id") or (made.get("webhook") or {})["_id"]


def check_books(seller):
    name, live, test = seller.blueprint, seller.sold("live"), seller.sold("test")
    assert live and test and not set(live) & set(test), (live, test)
    with checks(f"U3 X7 {name}: no page or file of the portal's test book shows anything that is live"):
        pages = seller.pages()
        assert len(pages) > 5, pages
        for path in sorted(pages):
            answer = seller.portal.browser.get(f"{path}?mode=test")
            assert answer.status in (200, 303, 403, 404), (path, answer)
            shown = [id for id in live if id.encode() in answer.body]
            assert not shown, (path, shown)
        for id in live:
            found = seller.portal.get(f"/search?{urllib.parse.urlencode({'q': id, 'mode': 'test'})}")
            assert found.status == 200 and "Nothing of yours matches" in found.text, (id, found)
    with checks(f"U3 X7 {name}: what a test key made is on pages of the test book, which move nothing"):
        for path in SELLING[name]:
            body = seller.portal.shown(f"{path}?mode=test").body.decode()
            # A price list is of both books: its page has nothing that was made.
            wanted = ["Your price list"] if path == "/products" else test
            assert any(text in body for text in wanted), (path, body)
            assert not any(id in seller.portal.shown(path).body.decode() for id in test), path
            assert seller.portal.offers(f"{path}?mode=test") == [], seller.portal.offers(f"{path}?mode=test")
            assert "Ask for the price" not in body, path
        hooks = seller.portal.shown("/webhooks?mode=test").body.decode() if name in EVENTS else test[-1]
        assert test[-1] in hooks, hooks
    with checks(f"U3 W6 {name}: the first page and the balance are there in both books"):
        for path in ("", "/balance"):
            live_page, test_page = seller.portal.shown(path), seller.portal.shown(f"{path}?mode=test")
            assert 'data-mode="test"' in test_page.body.decode(), test_page
            assert 'data-mode="test"' not in live_page.body.decode(), live_page
            assert path == "" or all("Statement" in page.text for page in (live_page, test_page)), test_page.text
    return live, test


def check_suspended(seller, live):
    name = seller.blueprint
    things = {"hosting": ["/orders/{0}", "/services/{1}"], "proxies": ["/ports/{0}", "/port-customers/{2}"]}
    asking = {
        "hosting": [], "codes": ["/codes/quote?planId=1month&count=1"], "licences": [], "panel": [],
        "proxies": ["/ports/new", f"/ports/{live[0]}/renew?days=1"]}
    with checks(f"U3 O3 {name}: while suspended each page says so, and has no buttons nor forms that move anything"):
        seller.admin("POST", f"/resellers/{seller.reseller['id']}/suspend")
        for path in ["", "/balance", *SELLING[name], *[path.format(*live) for path in things.get(name, [])]]:
            page = seller.portal.shown(path)
            assert "Your account is suspended" in page.text, (path, page.text)
            assert seller.portal.offers(path) == [], (path, seller.portal.offers(path))
            assert "Ask for the price" not in page.text and "/ports/new" not in page.body.decode(), path
        for path in asking[name]:
            assert seller.portal.get(path).status == 403, path
        seller.admin("POST", f"/resellers/{seller.reseller['id']}/resume")


# What is paid for, and what its page says first.


def asked(seller, path, field, **fields):
    """The page that says what it costs, its address, and its button's words."""
    page = seller.portal.ask(path, field, **fields)
    assert page.status == 200, page
    button = re.search(r">((?:Buy|Renew|Generate) for [^<]+)</button>", page.body.decode())
    return page, seller.portal.asked.removeprefix(seller.home), button and button.group(1)


def bought(seller, path, field, total, **fields):
    """Asks, confirms twice as a double click does, and says what was paid."""
    def available():
        return Decimal(seller.admin("GET", f"/resellers/{seller.reseller['id']}")["balance"])
    before = available()
    page, address, button = asked(seller, path, field, **fields)
    assert f" for {total:,.2f} " in button, (button, total)
    assert "Available then" in page.text and available() == before, page.text
    form = seller.portal.form(address, button)
    answers = [seller.portal.send(address, form) for _ in range(2)]
    assert all(answer.status in (200, 303) for answer in answers), answers
    assert before - available() == total, (before, available(), total)


def check_prices(codes, proxies):
    with checks("U3 X4 X5 a port is bought and renewed for what its page said, once, however often it is confirmed"):
        customer = proxies.call("POST", "/v1/reseller/customers", {
            "email": "to-pay@there.example", "name": "To pay", "allocatedPortSlots": 2})["_id"]
        day = next(row for row in proxies.call("GET", "/v1/reseller/countries")["countries"]
                   if row["_id"] == "germany_id")["basePrice"]
        day = Decimal(str(day))
        bought(proxies, "/ports/new", "customerId", 3 * day, customerId=customer, countryId="germany_id", days="3")
        port = proxies.call("GET", f"/v1/reseller/ports?customerId={customer}")["ports"]
        assert len(port) == 1, port
        bought(proxies, f"/ports/{port[0]['_id']}", "days", 2 * day, days="2")
    with checks("U3 X4 days that no port has are refused where they are typed, before anything is bought"):
        for days in ("0", "366", "x"):
            page = proxies.portal.ask(
                "/ports/new", "customerId", customerId=customer, countryId="germany_id", days=days)
            assert page.status == 422 and "Ask for the price" in page.text and "Days:" in page.text, (days, page)
    with checks("U3 X4 a customer or a country that is not there is told at its field, and the rest stays as typed"):
        for name, label in (("customerId", "Customer"), ("countryId", "Country")):
            typed = {"customerId": customer, "countryId": "germany_id", "days": "17", name: "none-such"}
            page = proxies.portal.ask("/ports/new", "customerId", **typed)
            assert page.status == 422 and f"{label}: is no " in page.text, (name, page)
            assert page.form("customerId")["fields"]["days"] == "17", page.form("customerId")
    with checks("U3 X5 a renewal that is refused stands at the port's field of days"):
        path = f"/ports/{port[0]['_id']}"
        _, address, button = asked(proxies, path, "days", days="2")
        page = proxies.portal.send(address, {**proxies.portal.form(address, button), "days": "0"})
        assert page.status == 422 and "Days more:" in page.text and "Ask for the price" in page.text, page
    with checks("U3 X4 A4 what the balance does not have has no button to pay it, but the way to more"):
        short = [
            asked(proxies, "/ports/new", "customerId", customerId=customer, countryId="germany_id", days="365"),
            asked(proxies, f"/ports/{port[0]['_id']}", "days", days="360"),
            asked(codes, "/codes", "planId", planId="12month", count="100")]
        for page, _, button in short:
            assert button is None and "Your balance does not have that much" in page.text, page.text
            assert any((link or "").endswith("/portal/balance") for link in page.read.links), page.read.links
    with checks("U3 the form that asks for a price keeps the list that its page came from"):
        form = proxies.portal.shown("/ports/new?list=%2Fports%3Fstatus%3Dactive").form("customerId")
        assert form["fields"]["list"] == "/ports?status=active", form
    with checks("U3 A4 codes are generated for what their page said, once, however often that is confirmed"):
        plan = next(row for row in codes.call("GET", "/api/reseller/plans") if row["id"] == "1month")
        bought(codes, "/codes", "planId", 3 * Decimal(str(plan["wholesalePrice"])), planId="1month", count="3")
        page, _, button = asked(codes, "/codes", "planId", planId="1month", count="0")
        assert button is None and "must be a whole number" in page.text, page.text


# Stock


def check_licences(seller):
    with checks("U3 L2 licences go on from page to page, and all of them are in the file"):
        known = seller.call("GET", "/reseller/myavailable")["licenses"]
        rows = [{"reseller": seller.reseller["id"], "product": known[0]["product"], "key": f"many-{number:03}",
                 "expiration": "2090-01-01T00:00:00Z"} for number in range(120)]
        seller.admin("POST", "/licences", {"licences": rows})
        every = [row["key"] for row in seller.call("GET", "/reseller/myavailable")["licenses"]]
        listed, path = [], "/licences"
        while path:
            page = seller.portal.shown(path).body.decode()
            listed += re.findall(r"/licences/find\?license=[^\"]*\"><code>([^<]*)</code>", page)
            onward = re.search(r'href="([^"]*)"[^>]*>Next', page)
            path = onward and onward.group(1).replace("&amp;", "&").removeprefix(seller.home)
        assert listed == every and len(every) > 100, (len(listed), len(every))
        lines = seller.portal.shown("/licences.csv").body.decode().splitlines()
        assert lines[0] == "key,product,expiration,created_at"
        assert [line.split(",")[0] for line in lines[1:]] == every
    with checks("L2 a page of licences is given to whoever asks for one; without that the list is whole"):
        one = seller.call("GET", "/reseller/myavailable?limit=1")
        assert [row["key"] for row in one["licenses"]] == every[:1] and one["has_more"], one
        two = seller.call("GET", f"/reseller/myavailable?limit=1&cursor={one['next_cursor']}")
        assert [row["key"] for row in two["licenses"]] == every[1:2], two
    with checks("L2 X7 a walk goes on with another key of the same account: the key is no filter of the list"):
        for name in ("before", "after"):
            new = {"owner_email": seller.reseller["email"], "mode": "live"}
            seller.keys[name] = seller.admin("POST", "/api-keys", new)["key"]
        one = seller.call("GET", "/reseller/myavailable?limit=1", mode="before")
        two = seller.call("GET", f"/reseller/myavailable?limit=1&cursor={one['next_cursor']}", mode="after")
        assert [row["key"] for row in two["licenses"]] == every[1:2], two


def owner_of(seller):
    owner, login = Browser(seller.gateway), seller.gateway.tenant(seller.blueprint)["owner_login"]
    assert owner.sign_in(seller.base, login["email"], login["password"]).status == 303
    return owner


def check_codes(seller, live, test):
    owner, admin = owner_of(seller), f"{seller.base}/admin"
    with checks("U2 X7 an operator finds a code on the pages of its own book alone"):
        for query, own, other in (("", live[0], test[0]), ("&mode=test", test[0], live[0])):
            assert "There is no such code" not in owner.get(f"{admin}/codes?code={own}{query}").text, own
            assert "There is no such code" in owner.get(f"{admin}/codes?code={other}{query}").text, other
            assert owner.get(f"{admin}/search?q={own}{query}").status == 303, own
            assert owner.get(f"{admin}/search?q={other}{query}").status == 200, other


def check_slots(seller, port):
    owner, support = owner_of(seller), Browser(seller.gateway)
    made = seller.admin("POST", "/people", {"email": "desk@there.example", "name": "Desk", "role": "support"})
    invited = made["invitation_url"].removeprefix(seller.gateway.base_url)
    assert seller.gateway.post(invited, {"password": PASSWORD}).status == 200
    assert support.sign_in(seller.base, "desk@there.example", PASSWORD).status == 303
    row = next(row for row in seller.admin("GET", "/ports?status=used&limit=100")["data"] if row["port"] == port)
    address = f"{row['server_ip']}:{row['http_port']}"
    path = f"{seller.base}/admin/stock/ports/{address}"
    with checks("U2 O9 a slot's page says who uses it, and until when; whoever only reads has no forms there"):
        slot = seller.admin("GET", f"/ports/{address}")
        assert {name: slot[name] for name in row} == row and slot["reseller"] == seller.reseller["id"], slot
        for browser, forms in ((owner, 2), (support, 0)):
            page = browser.get(path)
            assert page.status == 200 and "Used until" in page.text and str(row["socks_port"]) in page.text, page
            assert seller.reseller["id"] in page.text and slot["customer"] in page.text, page.text
            assert page.body.decode().count(f'value="PATCH /ports/') + page.body.decode().count(
                'value="DELETE /ports/') == forms, page
    with checks("U2 O9 of a slot that is not there no page is"):
        for other in ("1.2.3.4:5", "none", f"{row['server_ip']}:1"):
            assert owner.get(f"{seller.base}/admin/stock/ports/{other}").status == 404, other
            assert support.get(f"{seller.base}/admin/stock/ports/{other}").status == 404, other


with Gateway(options.tollgate) as gateway:
    sellers = {name: Seller(gateway, name) for name in SELLING}
    sold = {name: check_books(seller) for name, seller in sellers.items()}
    check_prices(sellers["codes"], sellers["proxies"])
    check_licences(sellers["licences"])
    check_codes(sellers["codes"], *sold["codes"])
    check_slots(sellers["proxies"], sold["proxies"][0][0])
    for name, seller in sellers.items():
        check_suspended(seller, sold[name][0])
checks.finish()
