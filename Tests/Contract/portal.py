"""U3: the reseller's portal. Each page shows what the partner API answers, each form makes one of its calls, and a
person sees its own data and no other's. W6: the calls that the portal's first pages are read from."""

import re
import urllib.parse
from decimal import Decimal

from pagewire import Browser
from portalwire import Portal, Scene, spaced
from shop import PASSWORD
from support import Checks, Gateway, arguments

options = arguments()
checks = Checks()


def check_door(gateway, scene):
    with checks(
        "U3 U4 a reseller's person signs in and stands at the portal; nobody else gets further than signing in"
    ):
        assert "Main Street" in scene.portal.first.text and scene.portal.first.read.heading == "Dashboard"
        stranger = Browser(gateway).get(f"{scene.base}/portal/orders?state=pending")
        assert stranger.status == 303, stranger
        assert urllib.parse.unquote(stranger.location).endswith(
            f"/sign-in?next={scene.base}/portal/orders?state=pending"), stranger
        assert scene.portal.browser.get(scene.base).location == f"{scene.base}/portal"
        answer = gateway.get(f"{scene.base}/portal", key=scene.buyer["key"], headers={"Accept": "text/html"})
        assert answer.status == 303, answer


def calls_told(scene):
    """How many calls the dashboard says that there were, and how many were refused."""
    text = spaced(scene.portal.shown())
    told = re.search(r"Calls in 24 hours ([\d,]+) ([\d,]+) refused", text)
    assert told, text
    return [int(number.replace(",", "")) for number in told.groups()]


def keys_of(scene, path):
    """The keys that a page lists, in its order."""
    found = re.findall(r'/portal/api/keys/([^"/?]+)[?"]', scene.portal.shown(path).body.decode())
    return [id for id in found if id != "new"]


def check_dashboard(scene):
    with checks("U3 the dashboard has the balance, how long it lasts, the services and the renewals of the API"):
        overview = scene.get(scene.buyer, "/overview").json
        text = scene.portal.shown().text
        for figure in ("78.00 EUR", "22.00 EUR", f"About {overview['days_left']} days at the present rate"):
            assert figure in text, (figure, text)
        assert "Nothing renews in that time." in text and "2active, 0 suspended" in text, text
    with checks(
        "W6 /overview counts services by state, sums the last days and the next renewals, and knows the first steps"
    ):
        assert overview["services"] == {"pending": 0, "active": 2, "past_due": 0, "suspended": 0}, overview
        assert overview["spent"] == "22.00" and overview["days_left"] == 3, overview
        assert len(overview["days"]) == 30 and overview["days"][-1]["spent"] == "22.00", overview["days"][-1]
        assert overview["days"][-1]["balance"] == "78.00" and overview["days"][0]["balance"] == "0.00", overview
        assert overview["steps"] == {
            "has_key": True, "has_webhook": False, "has_test_order": False, "has_order": True}, overview
        assert overview["rate_limit"].keys() == {"requests", "window_seconds", "burst", "remaining", "reset"}, overview
        assert overview["renewals"]["count"] == 0 and overview["renewals"]["amount"] == "0.00", overview
        test = scene.mint(scene.buyer, mode="test").json["key"]
        assert scene.order({**scene.buyer, "key": test}, scene.sku).status == 201
        own = scene.gateway.get(f"{scene.base}/api/partner/v1/overview", key=test).json
        assert own["services"]["active"] == 1 and own["spent"] == "0.00" and own["steps"]["has_test_order"], own
        assert scene.get(scene.buyer, "/overview").json["services"]["active"] == 2


def check_calls(scene):
    with checks("U3 O2 the dashboard and the API settings say how much of the limit is used, as the API's headers do"):
        terms = {"requests": 40, "window_seconds": 3_600, "burst": 50}
        assert scene.admin("PATCH", f"/resellers/{scene.buyer['id']}", {"rate_limit": terms}).status == 200
        answer = scene.get(scene.buyer, "/overview")
        limit = answer.json["rate_limit"]
        assert {name: limit[name] for name in terms} == terms, limit
        assert str(limit["remaining"]) == answer.headers["x-ratelimit-remaining"], (limit, answer.headers)
        alone = scene.get(scene.buyer, "/limit")
        assert alone.status == 200 and alone.json.keys() == limit.keys(), alone
        assert {name: alone.json[name] for name in terms} == terms, alone.json
        assert str(alone.json["remaining"]) == alone.headers["x-ratelimit-remaining"], (alone.json, alone.headers)
        for path in ("", "/api", "/limit/now"):
            page = scene.portal.shown(path)
            used = int(re.search(r"(\d+) of 50 used", spaced(page))[1])
            assert "40 in 3,600 s, burst 50" in page.text and 0 < used < 20, page.text
            assert f'id="left">{50 - used} left<' in page.body.decode(), path
        scene.admin("PATCH", f"/resellers/{scene.buyer['id']}", {
            "rate_limit": {"requests": 1_000_000, "window_seconds": 60, "burst": 1_000_000}})
    with checks("U3 the dashboard counts a day's calls of every route, and how many were refused for any reason"):
        before = calls_told(scene)
        for number in range(3):
            assert scene.get(scene.buyer, f"/orders/none-{number}").status == 404
            assert scene.get(scene.buyer, "/balance").status == 200
        calls, refused = calls_told(scene)
        assert calls == before[0] + 6 and refused == before[1] + 3, (before, calls, refused)
    with checks("U3 O6 what a person looks at by the portal is no call of its shop: neither counted nor listed"):
        for path in ("", "/orders", "/services", "/api", "/none-such"):
            scene.portal.get(path)
        assert calls_told(scene) == [calls, refused], calls_told(scene)
        assert "GET /portal" not in scene.portal.shown("/requests").text
        every = scene.get(scene.buyer, "/requests?limit=100").json["data"]
        assert any(call["route"].startswith("GET /portal") for call in every), every


def check_keys(scene):
    with checks("U3 W11 the newest keys are listed first and can be revoked, however many have ended"):
        for _ in range(101):
            made = scene.mint(scene.buyer).json["id"]
            assert scene.admin("DELETE", f"/api-keys/{made}").status == 200
        newest = scene.mint(scene.buyer, name="the newest").json["id"]
        listed = keys_of(scene, "/api")
        assert listed[0] == newest and made not in listed, listed
        ended = keys_of(scene, "/api?keys=ended")
        assert len(ended) == 100 and newest not in ended, ended
        assert "It opens nothing any more." in scene.portal.shown(f"/api/keys/{ended[0]}").text
        gone = scene.portal.press(f"/api/keys/{newest}/revoke", "Revoke the key")
        assert gone.status == 303, gone
        assert scene.admin("GET", f"/api-keys/{newest}").json["revoked_at"], gone
        for state, is_there in (("active", False), ("ended", True)):
            page = scene.admin("GET", f"/api-keys?limit=100&state={state}&reseller={scene.buyer['id']}").json
            assert (ended[0] in [key["id"] for key in page["data"]]) == is_there, (state, page)


def check_units(scene):
    with checks("U3 a price says which term it is of, in words, and what comes off it"):
        text = spaced(scene.portal.shown("/services"))
        assert "10.00 a month" in text, text
    with checks("U3 amounts of a list have their currency once, at its head"):
        for path, heads in (("/services", ["Price, EUR"]), ("/orders", ["Total, EUR"]),
                            ("/balance", ["Amount, EUR", "Balance then, EUR"])):
            text = spaced(scene.portal.shown(path))
            assert all(head in text for head in heads), (path, text)
    with checks("W6 /holdings has the units of each product, with the cap, and nobody else's"):
        held = scene.get(scene.buyer, "/holdings").json["data"]
        assert held == [{"product": scene.sku, "held": 2, "max_quantity": 100}], held
        assert scene.get(scene.rival, "/holdings").json["data"] == []


def check_ordering(scene):
    fields = {"product": scene.sku, "term": "monthly", "quantity": "2", "customer.external_id": "c-9",
              "customer.name": "Jo <b>", "customer.email": "jo@there.example", "reference": "invoice-1"}
    portal = scene.portal
    with checks("U3 an order asks for its price first: total and what is left are shown, and nothing is written"):
        before = scene.state()
        page = portal.ask("/orders/new", "customer.name", **fields)
        assert page.status == 200 and page.read.heading == "Confirm the order", page
        assert "Total 22.00 EUR" in spaced(page) and "Available then 56.00 EUR" in spaced(page), page.text
        assert scene.state() == before
    with checks("U3 U5 whoever changes an order before confirming it finds all that was typed"):
        change = next(link for link in page.read.links if "/orders/new?" in link)
        again = portal.browser.get(change)
        assert again.status == 200 and again.read.heading == "Order", again
        form = again.form("customer.name")
        typed = {name: value for name, value in fields.items() if name not in ("product", "term")}
        assert {name: form["fields"].get(name) for name in typed} == typed, form
        assert re.search(rf'value="{scene.sku}" selected', again.body.decode()), again
    with checks("U3 W4 confirmed, it is the order of that price, once, however often the form is sent"):
        form = next(form for form in page.read.forms if form["fields"].get("_call") == "POST /orders")
        placed = portal.send("/orders/quote", form["fields"])
        assert placed.status == 303 and placed.location.startswith(f"{scene.base}/portal/orders/ord_"), placed
        again = portal.send("/orders/quote", form["fields"])
        assert again.status == 303 and again.location == placed.location, (placed, again)
        # Back, as a browser goes that keeps no page: the price is asked anew, and the button is the same one.
        back = portal.browser.get(portal.asked)
        form = next(form for form in back.read.forms if form["fields"].get("_call") == "POST /orders")
        assert back.read.heading == "Confirm the order" and "Available now 56.00 EUR" in spaced(back), back.text
        again = portal.send("/orders/quote", form["fields"])
        assert again.status == 303 and again.location == placed.location, (placed, again)
        orders = scene.get(scene.buyer, "/orders?reference=invoice-1").json["data"]
        assert [(row["quantity"], row["wholesale_total"]) for row in orders] == [(2, "22.00")], orders
        assert f"/orders/{orders[0]['id']}?said=ordered" in placed.location, placed
        assert scene.balance(scene.buyer) == Decimal("56.00")
        customer = scene.get(scene.buyer, "/customers?external_id=c-9").json["data"][0]
        assert (customer["name"], customer["email"]) == ("Jo <b>", "jo@there.example"), customer
    with checks(
        "U3 U5 what is wrong with an order is said beside its field, what was typed stands there, nothing is done"
    ):
        before = scene.state()
        page = portal.ask("/orders/new", "customer.name", **{**fields, "quantity": "many", "customer.email": "x"})
        body = page.body.decode()
        assert page.status == 422 and 'value="many"' in body and 'value="c-9"' in body, page
        assert re.search(r'id="f-quantity" aria-invalid="true"', body) and "f-customer.46email-error" in body, body
        problems = body[body.index('id="problem"'):].split("</ul>")[0]
        assert re.search(r'#f-quantity">Units: ', problems) and "customer.email:" not in problems, problems
        assert scene.state() == before
    with checks(
        "U3 W5 an order that the balance does not have is not offered, and refused where it is sent all the same"
    ):
        page = portal.ask("/orders/new", "customer.name", **{**fields, "quantity": "7"})
        assert page.status == 402 and "Top up" in page.text and 'value="7"' in page.body.decode(), page
        assert not [form for form in page.read.forms if form["fields"].get("_call") == "POST /orders"]
        before = scene.state()
        refused = portal.send("/orders/quote", {**form["fields"], "_once": "another", "quantity": "7"})
        assert refused.status == 402 and "That did not work" in refused.text, refused
        assert scene.state() == before
    with checks("U3 a form without the session's token does nothing"):
        assert portal.send("/orders/quote", {**form["fields"], "_once": "x", "_token": "x"}).status == 403
        assert scene.state() == before
    return orders[0]["id"]


def check_hooks(scene):
    with checks("U3 H4 a webhook that an operator disabled has no button that takes it away or enables it"):
        made = scene.gateway.post(f"{scene.base}/api/partner/v1/webhooks", {
            "name": "watched", "url": "https://8.8.8.8/hook", "events": ["order.created"]}, key=scene.buyer["key"])
        assert made.status == 201, made
        path = f"/webhooks/{made.json['id']}"
        offered = [call.split(" ", 1)[0] for call in scene.portal.offers(path)]
        assert "DELETE" in offered, offered
        assert scene.admin("POST", f"{path}/disable").status == 200
        offered = scene.portal.offers(path)
        assert not [call for call in offered if call.startswith("DELETE") or call.endswith("/enable")], offered


def check_orders(scene, order):
    portal = scene.portal
    with checks("U3 orders are listed as the API has them, found by state and reference, and each has its page"):
        pending = scene.placed(sku=scene.manual)["order"]["id"]
        listed = re.findall(r"ord_[0-9a-z]{26}(?=</code></a>)", portal.shown("/orders").body.decode())
        assert listed == [row["id"] for row in scene.get(scene.buyer, "/orders").json["data"]], listed
        page = portal.shown("/orders?state=pending")
        assert page.read.heading == "Pending orders" and pending in page.text and order not in page.text, page.text
        assert "No order matches" in portal.shown("/orders?reference=none").text
        text = spaced(portal.shown(f"/orders/{order}"))
        for words in ("invoice-1", "c-9", "22.00 EUR", "Set up and paid."):
            assert words in text, (words, text)
        assert "Its amount is held" in portal.shown(f"/orders/{pending}").text
    with checks("U3 another reseller's order is not found, as one that was never there"):
        theirs = scene.placed(scene.rival)["order"]["id"]
        pages = [portal.get(f"/orders/{known}") for known in (theirs, "ord_00000000000000000000000000")]
        assert [page.status for page in pages] == [404, 404]
        bodies = [re.sub(rb"[0-9a-f-]{32,36}", b"", page.body) for page in pages]
        assert bodies[0] == bodies[1], bodies


def check_services(scene):
    portal = scene.portal
    service = scene.placed(customer="c-end")["services"][0]["id"]
    with checks("U3 W9 a service is cancelled on a page that says what happens, and renews after all where one wishes"):
        page = portal.shown(f"/services/{service}/cancel")
        assert "does not renew" in page.text and "Nothing is given back" in page.text, page.text
        done = portal.press(f"/services/{service}/cancel", "Cancel the service")
        assert done.status == 303 and done.location.endswith(f"/services/{service}?said=cancelled"), done
        assert scene.get(scene.buyer, f"/services/{service}").json["ends_at"]
        assert "Cancelled." in portal.browser.follow(done).text
        assert portal.press(f"/services/{service}", "Renew after all").status == 303
        assert scene.get(scene.buyer, f"/services/{service}").json["ends_at"] is None
    with checks("U3 O10 what a service is reached by is shown as its value, a secret once it is asked for"):
        written = scene.admin("PATCH", f"/services/{service}/details", {"details": {
            "host": {"value": "10.0.0.7", "secret": False}, "password": {"value": "open-sesame", "secret": True}}})
        assert written.status == 200, written
        page = portal.shown(f"/services/{service}").body.decode()
        for before, value in (("<dd>", "10.0.0.7"), ('<summary class="button">Show</summary>', "open-sesame")):
            assert re.search(rf'{before}<div class="copy"><code id="detail-\d">{re.escape(value)}</code>', page), page
    with checks("U3 services are listed by state and by customer"):
        page = portal.shown("/services?customer=c-end")
        assert re.findall(r"svc_[0-9a-z]{26}(?=</code></a>)", page.body.decode()) == [service], page.text
        assert "No service matches" in portal.shown("/services?status=suspended").text


def check_catalogue(scene):
    portal = scene.portal
    with checks("U3 products have the reseller's own prices and how many of how many it holds"):
        held = scene.get(scene.buyer, "/holdings").json["data"]
        units = {row["product"]: row["held"] for row in held}
        text = spaced(portal.shown("/products"))
        assert re.search(rf"The {scene.sku} {scene.sku} at once 10\.00 1\.00 {units[scene.sku]} of 100", text), text
        by_hand = rf"The {scene.manual} {scene.manual} by hand 10\.00 1\.00 {units[scene.manual]} of 100"
        assert re.search(by_hand, text), text
    with checks("U3 customers are the reseller's own, found by its own id"):
        scene.placed(scene.rival, customer="theirs")
        page = portal.shown("/customers")
        assert "c-9" in page.text and "Jo <b>" in page.text and "theirs" not in page.text, page.text
        assert "c-end" not in portal.shown("/customers?external_id=c-9").text
        assert "No customer has this id" in portal.shown("/customers?external_id=theirs").text


def check_program(gateway, scene):
    with checks("U3 W1 the program has state, terms, by whom and when one was approved, and whom to ask"):
        scene.terms(scene.buyer, default_discount_rate="5", credit_limit="20.00", low_balance_threshold="7.00")
        text = spaced(scene.portal.shown("/program"))
        for words in ("active", "good", "5 %", "20.00 EUR", "below 7.00 EUR", scene.buyer["id"],
                      f"owner@{scene.slug}.example", " by "):
            assert words in text, (words, text)
        program = scene.get(scene.buyer, "/program").json
        assert program["approved_by"] and program["approved_at"] and program["status"] == "active", program
        assert [one["email"] for one in program["contacts"]] == [f"owner@{scene.slug}.example"], program
        assert "Three rules" not in text
    with checks("U3 C4 where credits are reported the program says the three rules"):
        demo = gateway.tenant("panel")["resellers"][0]
        text = Portal(gateway, "/t/panel", demo["email"], demo["password"]).shown("/program").text
        assert "Three rules" in text and "external_ref" in text and "Never delete events" in text, text


def check_standing(gateway, scene):
    with checks("U3 before approval the portal says what happens next and what can be tried, and opens nothing else"):
        waiting = scene.invite(password=PASSWORD)
        portal = Portal(gateway, scene.base, waiting["email"])
        text = portal.shown().text
        assert 'class="mode"' not in portal.shown().body.decode(), "one without orders has no book to switch"
        assert 'class="search"' not in portal.shown().body.decode(), "one without orders has nothing to find"
        assert portal.shown().read.heading == "Waiting for approval" and "sandbox is open to you" in text, text
        assert "Your account waits for approval" in portal.shown("/program").text
        assert not [link for link in portal.shown().read.links if link and "/portal/orders" in link]
        assert [portal.get(path).status for path in ("/orders", "/services", "/balance", "/products")] == [403] * 4
        modes = re.findall(r'type="radio" value="(\w+)"', portal.shown("/api/keys/new").body.decode())
        assert modes == ["test"], modes
        made = portal.press("/api/keys/new", "Make the key", mode="test", scopes="partner:read")
        assert made.status == 200 and made.read.heading == "Shown once", made
        none = portal.press("/api/keys/new", "Make the key", mode="test", scopes="")
        assert none.status == 422, none
        scene.move(waiting, "approve")
        assert portal.shown().read.heading == "Dashboard" and "Get started" in portal.shown().text
        scene.move(waiting, "suspend")
        assert portal.shown().read.heading == "Dashboard" and "Get started" not in portal.shown().text
    # Without a payment service no page has the form of a top-up.
    scene.admin("PUT", "/payment-service", {"driver": "sandbox"})
    with checks("U3 while suspended everything is read and nothing can be pressed, nor sent"):
        service = scene.get(scene.buyer, "/services?limit=1").json["data"][0]["id"]
        cancel = f"/services/{service}/cancel"
        forms = [(cancel, scene.portal.form(cancel, "Cancel the service")),
                 ("/balance", {**scene.portal.form("/balance", "Go to payment"), "amount": "25.00"})]
        scene.move(scene.buyer, "suspend")
        for path in ("", "/orders", "/orders/new", "/services", f"/services/{service}", "/products", "/customers",
                     "/balance", "/program"):
            assert scene.portal.offers(path) == [], (path, scene.portal.offers(path))
        for path in "", *"/orders /services /products /balance /program /customers /api /deliveries /requests".split():
            assert "Your account is suspended" in scene.portal.shown(path).text, path
        assert "New webhook" not in scene.portal.shown("/webhooks").text
        assert "Replay" not in scene.portal.shown("/deliveries").text
        for path in ("/api/keys/new", "/api/test-key", "/webhooks/new", "/deliveries/replay"):
            assert scene.portal.get(path).status == 403, path
        for path, fields in forms:
            assert scene.portal.send(path, fields).status == 403, path
        scene.move(scene.buyer, "resume")
        assert "New webhook" in scene.portal.shown("/webhooks").text
        assert scene.get(scene.buyer, f"/services/{service}").json["ends_at"] is None
        assert scene.portal.offers("/balance") == ["POST /api/partner/v1/topup"], scene.portal.offers("/balance")
    with checks("U3 A2 who registered activates its account where the tenant lets it"):
        made = gateway.post("/t/codes/api/reseller/register", {
            "companyName": "Codes Inc", "email": "codes@there.example", "password": PASSWORD})
        assert made.status == 200, made
        portal = Portal(gateway, "/t/codes", "codes@there.example")
        assert "Waiting for approval" in portal.shown().text
        assert portal.press("/program", "Activate").status == 303
        assert portal.shown().read.heading == "Dashboard"


def check_test_book(gateway, scene):
    portal = scene.portal
    test = scene.mint(scene.buyer, mode="test").json["key"]
    placed = scene.order({**scene.buyer, "key": test}, scene.sku, customer="c-test")
    assert placed.status == 201, placed
    order, service = placed.json["order"]["id"], placed.json["services"][0]["id"]
    with checks("U3 X7 the test book has the same pages: what is in it is shown there, and nowhere else"):
        assert order in portal.shown("/orders?mode=test").text and order not in portal.shown("/orders").text
        assert "c-test" in portal.shown(f"/orders/{order}?mode=test").text
        assert portal.get(f"/orders/{order}").status == 404
        assert portal.get(f"/services/{service}").status == 404
        customers = portal.shown("/customers?mode=test").text
        assert "c-test" in customers and "c-9" not in customers
        links = [link for link in portal.shown("/orders?mode=test").read.links if link and "/portal" in link]
        assert all("mode=test" in link for link in links if not link.endswith("/portal/orders")), links
        form = next(form for form in portal.shown("/orders?mode=test").read.forms if form["method"] == "get")
        assert form["fields"]["mode"] == "test", form
    with checks(
        "U3 X7 a page of the test book moves nothing of the live one: no button does, and no form that is sent there"
    ):
        live = scene.get(scene.buyer, "/services?limit=1").json["data"][0]["id"]
        fields = portal.form(f"/services/{live}/cancel", "Cancel the service")
        before = scene.state()
        for path in ("", "/orders", "/services", f"/services/{service}", "/products", "/customers", "/balance"):
            assert portal.offers(path + "?mode=test") == [], (path, portal.offers(path + "?mode=test"))
        assert portal.send(f"/services/{live}/cancel?mode=test", fields).status == 403
        assert scene.state() == before
    with checks("U3 X7 where Test stands at a page's head, it leads to a page: a form of the live book has none"):
        assert "/webhooks/new" in " ".join(link or "" for link in portal.shown("/webhooks").read.links)
        seen, waiting, switched = set(), [f"{scene.base}/portal"], 0
        while waiting:
            path = waiting.pop()
            page = portal.browser.get(path)
            if path in seen or "text/html" not in page.headers.get("content-type", ""):
                continue
            seen.add(path)
            assert page.status == 200, (path, page)
            links = [link for link in page.read.links if link and link.startswith(f"{scene.base}/portal")]
            waiting += [link for link in links if "?" not in link]
            for link in (link for link in links if "mode=test" in link):
                switched += 1
                assert portal.browser.get(link).status == 200, (path, link)
        forms = {f"{scene.base}/portal{path}" for path in ("/webhooks/new", "/deliveries/replay")}
        assert forms <= seen and switched > 10, (seen, switched)
        things = [f"{scene.base}/portal/services/{live}"]
        for path in [*forms, *things]:
            assert 'aria-label="Mode"' not in portal.browser.get(path).body.decode(), path
        # From a thing of the test book the way back is to where the live one begins.
        assert f'<a href="{scene.base}/portal">Live</a>' in portal.shown(f"/orders/{order}?mode=test").body.decode()
    with checks("W6 X7 a read of the partner API names the test book by mode, and a test key sees no live one"):
        for path in ("/orders", "/services", "/customers", "/statement", "/holdings", "/products"):
            named = scene.get(scene.buyer, path + "?mode=test").json["data"]
            assert named == gateway.get(f"{scene.base}/api/partner/v1{path}", key=test).json["data"], path
        for path in (f"/orders/{order}", f"/services/{service}", "/balance", "/overview"):
            named = scene.get(scene.buyer, path + "?mode=test")
            own = gateway.get(f"{scene.base}/api/partner/v1{path}", key=test)
            assert named.status == own.status == 200, named
            assert named.json["currency" if "currency" in own.json else "id"], named
            refused = gateway.get(f"{scene.base}/api/partner/v1{path}?mode=live", key=test)
            assert refused.status == 403 and refused.json["code"] == "live_only", refused


def check_account(gateway, scene):
    with checks("U3 U4 a person ends its other sessions, one of them or all, and this one goes on"):
        other = Portal(gateway, scene.base, scene.buyer["email"])
        assert scene.portal.shown("/account").text.count("this session") == 1
        assert scene.portal.press("/account", "Sign out everywhere else").status == 303
        assert other.get().status == 303 and scene.portal.get().status == 200
    with checks("U3 U4 a new password is set with the present one, and ends this session too"):
        wrong = scene.portal.press("/account", "Set password", old="wrong horse", new="another battery")
        assert wrong.status == 422 and "f-old-error" in wrong.body.decode(), wrong
        assert b"wrong horse" not in wrong.body and b"another battery" not in wrong.body
        scene.portal.press("/account", "Set password", old=PASSWORD, new="another battery")
        assert scene.portal.get().status == 303
        assert Portal(gateway, scene.base, scene.buyer["email"], "another battery").first.read.heading == "Dashboard"


def open_entries(portal):
    """Every page that the navigation leads to, and the account's."""
    start = f"{portal.base}/portal"
    entries = {link[len(start):] for link in portal.first.read.links if link and link.startswith(start + "/")}
    assert len(entries) > 3, entries
    for path in ["", *entries]:
        portal.shown(path)


def check_dialects(gateway, scene):
    with checks("U3 each entry of the navigation leads to a page"):
        open_entries(Portal(gateway, scene.base, scene.buyer["email"]))
    with checks("U3 each dialect's reseller has a portal of what its tenant sells"):
        for name in ("codes", "licences", "panel", "proxies"):
            person = gateway.tenant(name)["resellers"][0]
            portal = Portal(gateway, f"/t/{name}", person["email"], person["password"])
            assert "/portal/orders" not in " ".join(link or "" for link in portal.first.read.links), name
            open_entries(portal)
    with checks("U3 X4 A4 ports, balances of customers and plans have their currency"):
        person = gateway.tenant("proxies")["resellers"][0]
        portal = Portal(gateway, "/t/proxies", person["email"], person["password"])
        added = portal.press("/port-customers", "Add", email="jo@there.example", name="Jo", allocatedPortSlots="1")
        assert added.status == 303, added
        page = portal.shown("/port-customers")
        assert re.search(r"Balance, [A-Z]{3}", page.text), page.text
        customer = re.search(r'/portal/port-customers/(cus_[0-9a-z]+)"', page.body.decode())[1]
        assert re.search(r"balance [\d.,]+ [A-Z]{3} ·", portal.shown(f"/port-customers/{customer}").text)
        found = portal.get(f"/search?q={customer}")
        assert found.location == f"/t/proxies/portal/port-customers/{customer}", found
        person = gateway.tenant("codes")["resellers"][0]
        portal = Portal(gateway, "/t/codes", person["email"], person["password"])
        assert re.search(r"days, [\d.,]+ [A-Z]{3}</option>", portal.shown("/codes").body.decode())


with Gateway(options.tollgate, clock=True) as gateway:
    scene = Scene(gateway)
    scene.placed(quantity=2)
    check_door(gateway, scene)
    check_dashboard(scene)
    check_calls(scene)
    check_keys(scene)
    check_units(scene)
    order = check_ordering(scene)
    check_orders(scene, order)
    scene.top_up(scene.buyer, "100.00")
    check_services(scene)
    check_catalogue(scene)
    check_hooks(scene)
    check_program(gateway, scene)
    check_dialects(gateway, scene)
    check_standing(gateway, scene)
    check_test_book(gateway, scene)
    check_account(gateway, scene)
checks.finish()
