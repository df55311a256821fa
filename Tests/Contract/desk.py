"""U2: the operator's desk without a browser: its pages show what the admin API answers, each form makes one of its
calls, and nobody is offered what would be refused. (Browser/journeys_desk.py walks through it as people do.)"""

import re

from office import Office
from pagewire import Browser, multipart
from shop import PARTNER, PASSWORD
from support import Checks, Gateway, arguments

CALLS = re.compile(r'name="_call" value="([^"]*)"')


class Desk:
    """One of the tenant's people at the operator's pages."""

    def __init__(self, office, email, password=PASSWORD):
        self.base, self.browser = office.shop.base, Browser(office.gateway)
        page = self.browser.follow(self.browser.sign_in(self.base, email, password))
        assert page.status == 200, page

    def get(self, path=""):
        return self.browser.get(f"{self.base}/admin{path}")

    def text(self, path=""):
        page = self.get(path)
        assert page.status == 200, (path, page)
        return page.read.text

    def fields(self, path, call):
        """The hidden fields of the form that makes this call."""
        forms = re.findall(r"<form method=\"post\".*?</form>", self.get(path).body.decode(), re.S)
        found = [form for form in forms if f'value="{call}"' in form]
        assert len(found) == 1, (path, call, len(found))
        return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', found[0]))

    def send(self, path, call, **fields):
        hidden = self.fields(path, call)
        return self.browser.post(f"{self.base}/admin{path}", {**hidden, **fields})

    def calls(self, path):
        """What its forms would do."""
        return sorted(CALLS.findall(self.get(path).body.decode()))


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
        office = Office(gateway)
        owner = Desk(office, office.owner_email)
        operator = Desk(office, office.person("ada", "operator")[0]["email"])
        support = Desk(office, office.person("sam", "support")[0]["email"])
        dashboard(office, owner, checks)
        resellers(office, owner, operator, checks)
        issuing(office, owner, operator, checks)
        histories(office, owner, operator, checks)
        both_books(office, owner, checks)
        times(office, owner, checks)
        closed(office, operator, support, checks)
        dialects(gateway, checks)
        fields_of_dialects(gateway, checks)
        search(office, owner, checks)
        people(office, owner, checks)
        account(office, operator, checks)
    checks.finish()


def dashboard(office, owner, checks):
    shop = office.shop
    with checks("U2 O10 the dashboard says what needs somebody, and marks the steps of a new tenant that are done"):
        text = owner.text()
        assert "Done: Add a product" in text and "Done: Set its price" not in text, text
        applied = shop.gateway.post(f"{shop.base}{PARTNER}/apply", {
            "email": "waits@there.example", "name": "Waits", "password": PASSWORD})
        assert applied.status == 201, applied
        text = owner.text()
        words = " ".join(text.split()).replace("1reseller", "1 reseller")
        assert "1 reseller waits for approval" in words, text
        invited = shop.invite(password=None)
        words = " ".join(owner.text().split()).replace("2resellers", "2 resellers")
        assert "2 resellers wait for approval" in words, words
        assert shop.move(invited, "terminate").status == 200
    with checks("U2 O6 the dashboard's numbers are the API's, and what was done is told with who did it"):
        shop.admin("PATCH", "/settings", {"name": "Desk & Co"})
        total = shop.admin("GET", "/usage/total?by=day").json["data"]
        page = owner.get("?range=30d").body.decode()
        # A chart of nothing is one line: nothing was refused yet, and nothing sold.
        assert page.count("<g data-label=") == len(total), (page.count("<g data-label="), len(total))
        assert page.count("in this time") == 2, page
        assert "Change the tenant's settings" in page or office.owner_email in page, page
        assert "Desk &amp; Co" in page


def resellers(office, owner, operator, checks):
    shop = office.shop
    with checks("U2 O3 W11 a reseller is invited by a form, and what it needs is shown once"):
        answer = owner.send("/resellers/invite", "POST /resellers", email="new@there.example", name="New")
        text = answer.read.text
        assert answer.status == 200 and "/invite/" in text and "whsec_" in text, text
        made = shop.admin("GET", "/resellers?email=new@there.example").json["data"][0]
        assert made["status"] == "pending" and "whsec_" not in owner.text(f"/resellers/{made['id']}")
    with checks("U2 O3 the list offers to approve those who wait, and nobody else; the navigation counts them"):
        assert '<span class="count">2<span' in owner.get("/account").body.decode()
        calls = [call for call in owner.calls("/resellers") if "/approve" in call]
        waiting = [row["id"] for row in shop.admin("GET", "/resellers?status=pending").json["data"]]
        assert calls == sorted(f"POST /resellers/{id}/approve" for id in waiting) and len(waiting) == 2, calls
        answer = operator.send("/resellers", f"POST /resellers/{made['id']}/approve")
        assert answer.status == 303 and answer.location.endswith("said=approved"), answer
        approved_by = shop.admin("GET", f"/resellers/{made['id']}").json["approved_by"]
        assert approved_by == "ada@" + office.owner_email.split("@")[1]
    path = f"/resellers/{made['id']}"
    with checks("U2 O5 G4 a top-up that is sent twice is booked once"):
        hidden = owner.fields(f"{path}/top-up", f"POST {path}/balance")
        sent = {**hidden, "amount": "40.00", "reference": "transfer"}
        answers = [owner.browser.post(f"{owner.base}/admin{path}/top-up", sent) for _ in range(2)]
        assert [answer.status for answer in answers] == [303, 303], answers
        assert shop.admin("GET", path).json["balance"] == "40.00"
    with checks("U2 O5 a top-up takes nothing away: a minus is refused at its field, and nothing moves"):
        answer = owner.send(f"{path}/top-up", f"POST {path}/balance", amount="-5", reference="a slip")
        page = answer.body.decode()
        assert answer.status == 422 and "must be more than zero for a top-up" in page, page
        assert shop.admin("GET", path).json["balance"] == "40.00"
    with checks("O5 an amount of the other sign than its kind is refused at /amount"):
        for kind, amount in (("top_up", "-1.00"), ("correction", "1.00")):
            refused = shop.admin("POST", f"{path}/balance", {"amount": amount, "reference": "a slip", "kind": kind},
                                 idempotent=True)
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/amount", refused
        assert shop.admin("GET", path).json["balance"] == "40.00"
    with checks("U2 O5 an amount that is none is 422 at its field; nothing moves, and what was typed stays"):
        answer = owner.send(f"{path}/correct", f"POST {path}/balance", amount="x", reference="typed before")
        page = answer.body.decode()
        assert answer.status == 422 and 'aria-invalid="true"' in page and "typed before" in page, page
        assert shop.admin("GET", path).json["balance"] == "40.00"
    with checks("U2 O3 suspending says how much it touches, and does it from the answer on"):
        text = owner.text(f"{path}/suspend")
        assert "its calls are 403" in text and "Running services0" in text.replace(" ", "").replace(
            "Runningservices", "Running services"), text
        assert owner.send(f"{path}/suspend", f"POST {path}/suspend").status == 303
        assert shop.admin("GET", path).json["status"] == "suspended"
        calls = owner.calls(path)
        assert [call for call in calls if "/resellers/" in call] == [f"POST {path}/resume"], calls


def issuing(office, owner, operator, checks):
    shop = office.shop
    buyer = shop.reseller(password=PASSWORD)
    with checks("U2 O1 a reseller's page leads to a key for it, which may what is ticked; nothing ticked is refused"):
        link = next(link for link in owner.get(f"/resellers/{buyer['id']}").read.links if link and "/keys/new" in link)
        path = link.removeprefix(f"{owner.base}/admin")
        page = owner.get(path)
        assert f'value="{buyer["email"]}"' in page.body.decode(), page
        boxes = re.findall(r'type="checkbox"[^>]*name="scopes" value="([^"]*)"', page.body.decode())
        refused = shop.admin("POST", "/api-keys", {"owner_email": buyer["email"], "scopes": ["nonsense"]})
        assert refused.status == 422 and boxes == ["partner:read", "partner:order"], (boxes, refused)
        made = owner.send(path, "POST /api-keys", owner_email=buyer["email"], mode="live", scopes="partner:read")
        assert made.status == 200 and made.read.heading == "Shown once", made
        keys = shop.admin("GET", f"/api-keys?reseller={buyer['id']}&limit=100").json["data"]
        assert [key["scopes"] for key in keys][-1] == ["partner:read"], keys
        none = owner.send(path, "POST /api-keys", owner_email=buyer["email"], mode="live")
        assert none.status == 422, none
        assert len(shop.admin("GET", f"/api-keys?reseller={buyer['id']}&limit=100").json["data"]) == len(keys)
    with checks("U2 U5 O1 pages of keys that have one name have titles apart"):
        ids = [shop.mint(buyer, name="storefront").json["id"] for _ in range(2)]
        titles = [re.search("<title>(.*?)</title>", owner.get(f"/keys/{each}{page}").body.decode()).group(1)
                  for each in ids for page in ("", "/rotate", "/revoke", "/limit/now")]
        assert len(set(titles)) == 8 and all("storefront" in title for title in titles), titles
    with checks("U2 O1 a form whose page has gone meanwhile says why it was refused, not that there is no such page"):
        one = shop.mint(buyer, name="short-lived").json["id"]
        path, call = f"/keys/{one}/rotate", f"POST /api-keys/{one}/rotate"
        hidden = owner.fields(path, call)
        assert shop.admin("DELETE", f"/api-keys/{one}").status == 200
        answer = owner.browser.post(f"{owner.base}/admin{path}", {**hidden, "overlap_seconds": "0"})
        why = shop.admin("POST", f"/api-keys/{one}/rotate", {"overlap_seconds": 0})
        assert answer.status == why.status == 409 and why.json["detail"] in answer.read.text, (answer, why)
    with checks("U2 O1 W1 who waits for approval is offered a test key alone; who may not mint is led to no form"):
        waiting = shop.invite(password=PASSWORD)
        body = owner.get(f"/keys/new?owner_email={waiting['email']}").body.decode()
        assert 'value="test"' in body and 'value="live"' not in body, body
        assert "/keys/new" not in operator.get(f"/resellers/{buyer['id']}").body.decode()


def histories(office, owner, operator, checks):
    shop = office.shop
    reseller = shop.reseller(balance="5.00")
    sent = operator.send(f"/resellers/{reseller['id']}/edit", f"PATCH /resellers/{reseller['id']}", credit_limit="7.50")
    assert sent.status == 303, sent
    shop.move(reseller, "suspend")
    with checks("U2 O6 who changed a reseller's state, balance and terms stands on its page: from, to, and the proof"):
        page = owner.get(f"/resellers/{reseller['id']}").body.decode()
        history = page[page.index('id="history"'):].split("</section>")[0]
        for change in (
                "status <del>active</del> <ins>suspended</ins>", "credit limit <del>0.00 EUR</del> <ins>7.50 EUR</ins>",
                "balance <del>0.00 EUR</del> <ins>5.00 EUR</ins>", "status <del>pending</del> <ins>active</ins>"):
            assert change in history, (change, history)
        order = [history.index(f"<ins>{value}") for value in ("suspended", "7.50", "5.00")]
        assert order == sorted(order), history
        assert "ada@" in history and office.owner_email in history and "/admin/audit/verify" in history, history
        link = re.search(r'href="[^"]*/admin(/audit/requests/[^"]*)"', history).group(1).replace("&amp;", "&")
        assert "in the chain" in owner.text(link) or "It matches its hash" in owner.text(link), owner.text(link)
    with checks("U2 O6 O13 a sign-in names who signed in, and is no news on the dashboard"):
        browser = Browser(office.gateway)
        assert browser.sign_in(office.shop.base, "ada@" + office.shop.slug + ".example", PASSWORD).status == 303
        rows = shop.admin("GET", "/audit?action=POST%20/sign-in&limit=1").json["data"]
        assert rows[0]["account"] == f"ada@{office.shop.slug}.example", rows
        recent = owner.get().body.decode().split("Recent activity")[1]
        assert "Signed in by the page" not in recent and "Suspended a reseller" in recent, recent
        signed = owner.text("/audit?changes=true")
        assert "/suspend" in signed and "/sign-in" not in signed, signed


def both_books(office, owner, checks):
    shop = office.shop
    buyer, sku = shop.reseller(balance="50.00"), shop.product("manual")
    shop.price(buyer, sku, {"wholesale_monthly": "1.00", "is_enabled": True, "max_quantity": 9})
    tester = {**buyer, "key": shop.mint(buyer, mode="test").json["key"]}
    tried, live = (shop.order(who, sku).json["order"]["id"] for who in (tester, buyer))
    state = lambda order: shop.admin("GET", f"/orders/{order}").json["state"]
    with checks("U2 X7 an operator switches to the test book where a page shows it, and nowhere else"):
        for path, is_there in (("/orders", True), ("/services", True), ("/settings", False), ("/people", False)):
            assert ('aria-label="Mode"' in owner.get(path).body.decode()) == is_there, path
        for kind in ("customers", "orders"):
            one = shop.admin("GET", f"/{kind}?reseller={buyer['id']}").json["data"][0]["id"]
            assert 'aria-label="Mode"' not in owner.get(f"/{kind}/{one}").body.decode(), kind
        switch = [link for link in owner.get("/orders?state=pending").read.links if link and "mode=test" in link]
        assert switch == [f"{owner.base}/admin/orders?state=pending&mode=test"], switch
        shown = owner.get("/orders?mode=test").body.decode()
        assert tried in shown and live not in shown and tried not in owner.get("/orders").body.decode()
    told_of_the_live(shop, owner, buyer, checks)
    with checks("U2 O10 X7 a test order is carried out by a page of the test book, which moves nothing that is live"):
        page = owner.get(f"/orders/{live}?mode=test").body.decode()
        assert "/activate" not in page and "/reject" not in page, page
        hidden = owner.fields(f"/orders/{live}/activate", f"POST /orders/{live}/activate")
        refused = owner.browser.post(f"{owner.base}/admin/orders/{live}/activate?mode=test", hidden)
        assert refused.status == 403 and state(live) == "pending", refused
        path = f"/orders/{tried}/activate?mode=test"
        assert path in owner.get(f"/orders/{tried}?mode=test").body.decode()
        done = owner.send(path, f"POST /orders/{tried}/activate")
        assert done.status == 303 and "mode=test" in done.location and state(tried) == "completed", done
        service = shop.admin("GET", f"/orders/{tried}").json["services"][0]["id"]
        done = owner.send(f"/services/{service}/suspend?mode=test", f"POST /services/{service}/suspend")
        assert done.status == 303, done
        assert shop.admin("GET", f"/services/{service}").json["status"] == "suspended"
    with checks("U2 O1 O4 X7 pages of the test book write its prices and customers, and no live ones"):
        row = f"/resellers/{buyer['id']}/products/{sku}"
        page = f"/prices/{buyer['id']}/{sku}?mode=test"
        was = shop.admin("GET", row).json
        done = owner.send(page, f"PUT {row}", wholesale_monthly="0.75", is_enabled="true")
        assert done.status == 303 and shop.admin("GET", row).json == was, done
        assert shop.admin("GET", f"{row}?mode=test").json["wholesale_monthly"] == "0.75"
        sheet = f"/prices?reseller={buyer['id']}&mode=test"
        assert "0.75" in owner.text(sheet) and "0.75" not in owner.text(f"/prices?reseller={buyer['id']}")
        assert not [call for call in owner.calls(sheet) if "price" in call], owner.calls(sheet)
        assert owner.send(page, f"DELETE {row}").status == 303
        assert shop.admin("GET", f"{row}?mode=test").status == 404 and shop.admin("GET", row).json == was
        who = {mode: shop.admin("GET", f"/customers?reseller={buyer['id']}&mode={mode}").json["data"][0]["id"]
               for mode in ("live", "test")}
        path = f"/customers/{who['test']}"
        done = owner.send(path + "?mode=test", f"PATCH {path}", email="jo@there.example", name="")
        told = shop.admin("GET", path).json
        assert done.status == 303 and (told["email"], told["name"]) == ("jo@there.example", None), told
        hidden = owner.fields(f"/customers/{who['live']}", f"PATCH /customers/{who['live']}")
        refused = owner.browser.post(
            f"{owner.base}/admin/customers/{who['live']}?mode=test", {**hidden, "email": "jo@there.example"})
        assert refused.status == 403 and shop.admin("GET", f"/customers/{who['live']}").json["email"] is None, refused
    with checks("O10 X7 a call by an object's id that names another book than the object's is 403, and moves nothing"):
        answer = shop.admin("POST", f"/orders/{live}/reject?mode=test", {})
        assert answer.status == 403 and answer.json["code"] == "live_only" and state(live) == "pending", answer


def told_of_the_live(shop, owner, buyer, checks):
    with checks("U2 O10 X7 what a page of the test book tells of the live one leads there, and lists of the test book "
                "count nothing of it"):
        running = shop.product()
        shop.price(buyer, running, {"wholesale_monthly": "1.00", "is_enabled": True})
        order = shop.order(buyer, running).json["order"]["id"]
        service = shop.admin("GET", f"/orders/{order}").json["services"][0]["id"]
        things = re.compile(rf"{owner.base}/admin/(?:(?:services|orders)/|\w+\?state=)")
        for path, needed in (("", f"{owner.base}/admin/orders?state=pending"),
                             ("/due", f"{owner.base}/admin/services/{service}")):
            links = [link for link in owner.get(f"{path}?mode=test").read.links if link and things.match(link)]
            assert needed in links, (path, links)
            for link in links:
                page = owner.browser.get(link)
                assert page.status == 200 and "Nothing found" not in page.read.text, (path, link, page)
        for mode, count in (("live", 3), ("test", 0)):
            page = owner.get(f"/orders?mode={mode}").body.decode()
            # In both navigations, and at the tab.
            assert len(re.findall(r'(?:Orders|Pending) <span class="count">', page)) == count, (mode, page)


def times(office, owner, checks):
    shop = office.shop
    with checks("U2 a filter's time is one that browsers choose: UTC, to the minute, kept as it was asked"):
        page = owner.get("/orders?from=2026-01-01T10:30&to=2099-01-01T00:00:00Z").body.decode()
        for name, value in (("from", "2026-01-01T10:30:00"), ("to", "2099-01-01T00:00:00")):
            assert re.search(rf'type="datetime-local"[^>]*value="{value}"[^>]*name="{name}"', page), (name, page)
        assert "must be an RFC 3339" not in page, page
        assert "must be an RFC 3339" in owner.text("/orders?from=yesterday")
        assert 'value="yesterday"' in owner.get("/orders?from=yesterday").body.decode()
    with checks("U2 O1 a key's end is chosen so too"):
        sent = owner.send("/keys/new", "POST /api-keys", owner_email=office.owner_email, mode="live",
                          scopes="partner:read", expires_at="2099-01-31T12:00")
        assert sent.status == 200, sent
        ends = [key["expires_at"] for key in shop.admin("GET", "/api-keys?limit=100").json["data"]]
        assert "2099-01-31T12:00:00.000Z" in ends, ends


def closed(office, operator, support, checks):
    shop = office.shop
    reseller = shop.reseller(balance="5.00")
    paths = ["", "/resellers", f"/resellers/{reseller['id']}", f"/resellers/{reseller['id']}/statement", "/customers"]
    with checks("U2 O13 support sees these pages, and no form of them"):
        for path in paths:
            calls = support.calls(path)
            assert [call for call in calls if not call.startswith("POST /sign-out")] == [], (path, calls)
        for path in ("edit", "top-up", "correct", "suspend", "terminate", "secret", "password"):
            assert support.get(f"/resellers/{reseller['id']}/{path}").status == 403, path
        assert support.get("/resellers/invite").status == 403
    with checks("U2 O13 a page that is nothing but a form is refused to whoever may not send it; nothing leads there"):
        sku = shop.product("manual")
        shop.price(reseller, sku, {"wholesale_monthly": "1.00", "is_enabled": True, "max_quantity": 9})
        placed = shop.order(reseller, sku).json
        order, service = placed["order"]["id"], placed["services"][0]["id"]
        forms = [f"/orders/{order}/{move}" for move in ("activate", "reject", "refund")]
        forms += [f"/services/{service}/{move}" for move in ("suspend", "cancel", "details")]
        forms += ["/products/new", "/products/import", "/prices/import", "/services/reprice",
                  "/settings/payments/remove"]
        for path in forms:
            assert operator.get(path).status == 200, path
            assert support.get(path).status == 403, path
        pages = ["", "/resellers", "/products", "/prices", "/events", "/settings"]
        pages += [f"/orders/{order}", f"/services/{service}"]

        def leads(desk):
            bodies = "".join(desk.get(path).body.decode() for path in pages)
            return {form for form in [*forms, "/resellers/invite", "/keys/new"] if f'/admin{form}"' in bodies}

        assert leads(support) == set()
        assert leads(operator) >= {"/products/new", "/prices/import", "/resellers/invite", f"/orders/{order}/activate"}
        assert support.get("/keys/new").status == 403
    with checks("U2 O12 what the owner alone switches has no button for an operator, who may press the others"):
        names = re.findall(r'name="(self_\w+|sandbox_\w+)"', operator.get("/settings").body.decode())
        assert sorted(names) == ["sandbox_before_approval", "self_activation"], names
    with checks("U2 O13 people are the owner's: an operator has neither the page nor its link"):
        assert operator.get("/people").status == 403 and "/admin/people" not in operator.get().body.decode()
    with checks("U2 G1 what is not there is 404, whoever asks"):
        for path in ("/resellers/res_none", "/customers/cus_none", "/people/per_none", "/nothing"):
            assert operator.get(path).status in (403, 404), path
            assert "res_none" not in operator.get(path).read.text


def dialects(gateway, checks):
    with checks("U2 the navigation has what the tenant's dialects fill, and nothing that stays empty for ever"):
        wholesale = {"/orders", "/services", "/queue"}
        every = wholesale | {"/prices", "/products", "/events", "/endpoints", "/settings/countries", "/stock/ports",
                             "/codes", "/stock/licences", "/credits"}
        for blueprint, there in (
                ("hosting", wholesale | {"/prices", "/products", "/events", "/endpoints"}),
                ("codes", {"/prices", "/products", "/events", "/endpoints", "/codes"}),
                ("licences", {"/prices", "/products", "/stock/licences"}), ("panel", {"/credits"}),
                ("proxies", {"/settings/countries", "/stock/ports", "/events", "/endpoints"})):
            office = Office(gateway, slug=f"desk-{blueprint}", blueprint=blueprint)
            desk = Desk(office, office.owner_email)
            page = desk.get("/keys").body.decode()
            side = page[page.index('<nav class="side"'):].split("</nav>")[0]
            found = {link for link in every if f'/admin{link}"' in side}
            assert found == there, (blueprint, found ^ there)
            for path in sorted(there):
                shown = desk.get(path)
                assert shown.status == 200, (blueprint, path, shown)
                current = shown.body.decode().split('<nav class="side"')[1].split("</nav>")[0]
                assert current.count('aria-current="page"') == 1, (blueprint, path)
            assert "Nobody is waiting" in desk.text("/resellers?status=pending")
            invited = office.shop.invite(password=None)
            assert ("Orders, 30 days" in desk.text("/resellers")) == (blueprint == "hosting"), blueprint
            text = desk.text(f"/resellers/{invited['id']}")
            assert ("No orders yet" in text) == (blueprint == "hosting"), (blueprint, text)


def fields_of_dialects(gateway, checks):
    with checks("U2 of several keys in one field the one that is wrong is told, and the field is marked"):
        office = Office(gateway, slug="marked-licences", blueprint="licences")
        desk = Desk(office, office.owner_email)
        sent = desk.send("/stock/licences/withdraw", "POST /licences/withdraw", keys="one\n\n" + "x" * 300)
        text = sent.body.decode()
        assert sent.status == 422 and '<a href="#f-keys">Keys, 2: ' in text, text
        assert re.search(r'<textarea[^>]*id="f-keys"[^>]*aria-invalid="true"', text), text
    with checks("U2 a field that the call's address has is told where it is empty, and the form stays"):
        office = Office(gateway, slug="marked-proxies", blueprint="proxies")
        desk = Desk(office, office.owner_email)
        sent = desk.send("/settings/countries", "PUT /countries/{id}", id="", base_price="1.25")
        text = sent.body.decode()
        assert sent.status == 422 and ": is required</a>" in text and 'value="1.25"' in text, text


def search(office, owner, checks):
    shop = office.shop
    reseller = shop.reseller(balance="50.00")
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    placed = shop.order(reseller, sku, customer="Ext-77").json["order"]["id"]
    service = shop.admin("GET", f"/services?order={placed}").json["data"][0]["id"]
    customer = shop.admin("GET", "/customers?q=ext-77").json["data"][0]["id"]
    request = shop.admin("GET", "/audit?limit=1").json["data"][0]["request_id"]
    with checks("U2 O6 one field leads from an id of any kind, or a Request-Id, to its page"):
        person = shop.admin("GET", "/people").json["data"][0]["id"]
        for text, page in (
                (reseller["id"], f"/resellers/{reseller['id']}"), (placed, f"/orders/{placed}"),
                (service, f"/services/{service}"), (customer, f"/customers/{customer}"),
                (reseller["key_id"], f"/keys/{reseller['key_id']}"),
                (person, f"/people/{person}"), (sku, f"/products/{sku}"), (request, f"/audit?request_id={request}"),
                (reseller["email"], f"/resellers/{reseller['id']}")):
            answer = owner.get(f"/search?q={text}")
            assert answer.status == 303, (text, answer)
            assert answer.location == f"{owner.base}/admin{page}", (text, answer, answer.location)
    with checks("U2 W6 what begins alike is listed, in any case; nothing is said to be nothing; markup is text"):
        text = owner.text("/search?q=eXT-7")
        assert placed in text and service in text and "Ext-77" in text, text
        for nowhere in ("zzz", "..%2F.."):
            assert "Nothing matches" in owner.text(f"/search?q={nowhere}"), nowhere
        assert "<script>" not in owner.get("/search?q=%3Cscript%3E").body.decode()
        assert owner.get("/search?q=" + "x" * 400).status == 200 and owner.get("/search?q=%01").status == 200


def people(office, owner, checks):
    shop = office.shop
    with checks("U2 a list's own filter does not stand in the search of everything"):
        field = r'aria-label="Search"[^>]*value="%s"'
        assert re.search(field % "", owner.get("/resellers?q=nobody").body.decode())
        assert re.search(field % "nobody", owner.get("/search?q=nobody").body.decode())
    with checks("U2 O6 a search of the log that finds no call asks for more days where there are some"):
        for asked, is_all in (("object=none", True), ("object=none&from=2026-01-01", False), ("action=none", False)):
            assert ("Ask for more days" in owner.text(f"/audit?{asked}")) is not is_all, asked
    with checks("U2 O12 a file that is no picture is told at its field"):
        hidden = owner.fields("/settings", "PUT /settings/logo")
        body, kind = multipart(hidden, b"GIF89a")
        sent = owner.browser.post(f"{owner.base}/admin/settings", body, headers={"Content-Type": kind})
        text = sent.body.decode()
        assert sent.status == 422 and '<a href="#f-_file">Picture: ' in text, sent
        assert re.search(r'type="file"[^>]*aria-invalid="true"', text), text
    with checks("U2 O13 a person is added, and disabled by a page that says what happens"):
        answer = owner.send("/people/new", "POST /people", email="kim@there.example", name="Kim", role="support")
        assert answer.status == 200 and "/invite/" in answer.read.text, answer
        kim = shop.admin("GET", "/people?email=kim@there.example").json["data"][0]
        assert "invited" in owner.text(f"/people/{kim['id']}")
        assert "its keys are 401" in owner.text(f"/people/{kim['id']}/disable")
        assert owner.send(f"/people/{kim['id']}/disable", f"PATCH /people/{kim['id']}").status == 303
        assert shop.admin("GET", f"/people/{kim['id']}").json["state"] == "disabled"
    with checks("U2 O13 the last owner's role stays, and the page says why"):
        own = shop.admin("GET", f"/people?email={office.owner_email}").json["data"][0]
        answer = owner.send(f"/people/{own['id']}", f"PATCH /people/{own['id']}", name="Owner", role="support")
        assert answer.status == 409 and "last owner" in answer.read.text, answer.read.text
        assert shop.admin("GET", f"/people/{own['id']}").json["role"] == "owner"


def account(office, operator, checks):
    shop = office.shop
    with checks("U2 O13 a key of one's own is shown once, and revoked by a page of its own"):
        answer = operator.send("/account/keys/new", "POST /account/keys", name="laptop", mode="live")
        key = re.search(r'<code id="secret-0">([^<]*)</code>', answer.body.decode()).group(1)
        own = shop.admin("GET", "/account/keys", key=key).json["data"]
        assert len(own) == 1 and key not in operator.text("/account"), own
        assert operator.send(f"/account/keys/{own[0]['id']}/revoke", f"DELETE /api-keys/{own[0]['id']}").status == 303
        assert shop.admin("GET", "/account", key=key).status == 401
    with checks("U2 O13 one's keys in force are listed, page by page; those that have ended by themselves"):
        assert own[0]["id"] not in operator.get("/account").body.decode()
        assert own[0]["id"] in operator.get("/account?keys=ended").body.decode()
    with checks("U2 O13 signing out elsewhere ends the others and not this one; a new password ends all"):
        email = shop.admin("GET", "/people?role=operator").json["data"][0]["email"]
        other = Desk(office, email)
        assert operator.send("/account", "DELETE /account/sessions").status == 303
        assert other.get("/account").status == 303 and operator.get("/account").status == 200
        wrong = operator.send("/account", "POST /account/password", old="not it at all", new="another horse battery")
        assert wrong.status == 422 and "not it at all" not in wrong.body.decode(), wrong
        right = operator.send("/account", "POST /account/password", old=PASSWORD, new="another horse battery")
        assert right.status == 303, right
        assert operator.get("/account").status == 303


if __name__ == "__main__":
    main()
