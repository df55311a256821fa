#!/usr/bin/env python3
"""U1 U2 U5: the operator's pages ask before they take something away, say whose prices change and in whose light they
stand, keep what was chosen, and add up what is alike."""

import html
import re

from desk import Desk
from office import Office
from pagewire import Browser
from shop import PASSWORD
from support import Checks, Gateway, arguments, wait_until

TRIAL = "POST /price-book.csv?dry_run=true&effect_days=90"


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
        office = Office(gateway)
        owner = Desk(office, office.owner_email)
        turnover(office, owner, checks)
        confirmed(office, owner, checks)
        price_reviews(office, owner, checks)
        kept(office, owner, checks)
        states(office, owner, checks)
        found(office, owner, checks)
        probes(gateway, checks)
        watched(office, owner, checks)
        looks(office, owner, checks)
    checks.finish()


def turnover(office, owner, checks):
    shop = office.shop
    reseller, sku = shop.reseller(balance="3000.00"), shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1100.00"})
    order = shop.order(reseller, sku).json["order"]["id"]
    back = shop.admin("POST", f"/orders/{order}/refund", {"amount": "40.00", "reason": "late"}, idempotent=True)
    assert back.status in (200, 201), back
    with checks("U2 O12 the dashboard's turnover is what was sold less what was given back, by the day"):
        page = owner.get().body.decode()
        assert 'data-text="1,060.00 turnover"' in page and "1,140.00" not in page, page
        assert "sold less given back" in page, page


def confirmed(office, owner, checks):
    """What one press takes away has a page of its own, which says what happens; the page before has no such form."""
    shop = office.shop
    reseller = shop.reseller(password=PASSWORD)
    shop.sign_in(reseller)
    key = reseller["key_id"]
    limited = shop.admin("PUT", f"/api-keys/{key}/limit", {"requests": 9, "window_seconds": 60})
    assert limited.status == 200, limited
    hook = shop.call(reseller, "POST", "/webhooks", {
        "name": "shop", "url": "http://127.0.0.1:9/", "events": ["order.created"]}).json["id"]
    sku = shop.product("stock")
    stocked = shop.admin(
        "POST", f"/products/{sku}/stock", b"item\nONE-1\n", idempotent=True, headers={"Content-Type": "text/csv"})
    assert stocked.status in (200, 201), stocked
    item = shop.admin("GET", f"/products/{sku}/stock/items").json["data"][0]["id"]
    sessions = f"/resellers/{reseller['id']}/sessions"
    person = f"/people/{office.person('kim', 'operator')[0]['id']}"
    acts = {
        "a key's limit": (
            f"/keys/{key}", "confirm=limit", f"DELETE /api-keys/{key}/limit",
            lambda: shop.admin("GET", f"/api-keys/{key}").json["limit"] is not None),
        "an endpoint": (
            f"/endpoints/{hook}", "confirm=disable", f"POST /webhooks/{hook}/disable",
            lambda: shop.admin("GET", f"/webhooks/{hook}").json["state"] == "active"),
        "an item of stock": (
            f"/stock/items/{sku}", f"withdraw={item}", f"DELETE /products/{sku}/stock/items/{item}",
            lambda: shop.admin("GET", f"/products/{sku}/stock").json["free"] == 1),
        "a reseller's sessions": (
            sessions, "confirm=all", f"DELETE {sessions}",
            lambda: shop.admin("GET", sessions).json["data"] != []),
        "a person's sessions": (
            person, "confirm=all", f"DELETE {person}/sessions",
            lambda: shop.admin("GET", f"{person}/sessions").json["data"] != []),
    }
    for name, (path, query, call, is_there) in acts.items():
        with checks(f"U5 {name} is not taken away by one press: a page of its own says first what happens"):
            page = owner.get(path)
            assert call not in owner.calls(path), owner.calls(path)
            assert f"{owner.base}/admin{path}?{query}" in page.read.links, page.read.links
            asking = f"{path}?{query}"
            assert "What happens" in owner.text(asking) and is_there()
            if query.startswith("confirm="):
                assert "What happens" not in owner.text(f"{path}?confirm=x"), path
            done = owner.send(asking, call)
            assert done.status == 303 and query.split("=")[0] + "=" not in done.location, done
            assert not is_there()
    with checks("U5 nobody is asked to disable an endpoint that is disabled"):
        assert owner.get(f"/endpoints/{hook}?confirm=disable").status == 303


def review(owner, text):
    hidden = owner.get("/prices/import").form("_type")["fields"]
    assert hidden["_call"] == TRIAL, hidden
    sent = {name: value for name, value in hidden.items() if name != "_file"}
    page = owner.browser.post(f"{owner.base}/admin/prices/import", {**sent, "_body": text})
    assert page.status == 200, page
    return page


def price_reviews(office, owner, checks):
    shop = office.shop
    sku = shop.product()
    acme, beta = shop.reseller(name="Acme Hosting"), shop.reseller(name="Beta Hosting")
    line = "{},{},{}\n".format
    head = "reseller,sku,wholesale_monthly\n"
    with checks("U2 O4 a review of one reseller's prices says whose they are; amounts are grouped"):
        text = review(owner, head + line(acme["id"], sku, "1234.50")).text
        assert "Acme Hosting" in text and "1,234.50" in text and acme["id"] not in text, text
    with checks("U2 O4 a review of several resellers' prices has each reseller's name in its rows"):
        text = review(owner, head + line(acme["id"], sku, "2.00") + line(beta["id"], sku, "3.00")).text
        assert "Acme Hosting" in text and "Beta Hosting" in text and beta["id"] not in text, text
    with checks("U2 O4 a review of a long file counts every row, and does not say that all are one reseller's"):
        skus = [f"long-{number:04}" for number in range(1_100)]
        table = "sku,name,fulfilment\n" + "".join(f"{sku},Long,instant\n" for sku in skus)
        taken = shop.admin(
            "POST", "/products.csv", table.encode(), idempotent=True, headers={"Content-Type": "text/csv"})
        assert taken.status in (200, 201), taken
        text = review(owner, head + "".join(line(acme["id"], sku, "2.00") for sku in skus)).text
        assert "And 900 rows more" in text and "Prices · of" not in text, text[-2_000:]
    with checks("U2 O4 what is wrong in a file of prices stays at the form, and nothing is reviewed"):
        hidden = owner.get("/prices/import").form("_type")["fields"]
        sent = {name: value for name, value in hidden.items() if name != "_file"}
        page = owner.browser.post(
            f"{owner.base}/admin/prices/import", {**sent, "_body": head + line(acme["id"], "no-such-sku", "1.00")})
        assert page.status == 422 and "Line 2" in page.text and "Apply changes" not in page.text, page


def kept(office, owner, checks):
    shop = office.shop
    reseller = shop.reseller(name="Kept")
    with checks("U2 O4 columns that were chosen stay where another reseller's prices are shown"):
        page = owner.get(f"/prices?reseller={reseller['id']}&columns=some&c=true")
        picks = [form["fields"] for form in page.read.forms if form["method"] == "get" and "reseller" in form["fields"]]
        assert len(picks) == 2 and all((pick["columns"], pick["c"]) == ("some", "true") for pick in picks), picks
        picks = [form["fields"] for form in owner.get(f"/prices?reseller={reseller['id']}").read.forms
                 if form["method"] == "get" and "reseller" in form["fields"]]
        assert sum("columns" in pick for pick in picks) == 1, picks
    with checks("U2 O2 rehearsing a limit keeps the way back to the list as it was seen; an ended key is offered none"):
        path = f"/keys/{reseller['key_id']}?list=%2Fkeys%3Fstate%3Dactive"
        assert owner.get(path).form("days")["fields"]["list"] == "/keys?state=active"
        assert shop.get(reseller, "/balance").status == 200
        tried = f"/keys/{reseller['key_id']}?requests=3&window_seconds=3600&days=1"
        use = f"PUT /api-keys/{reseller['key_id']}/limit"
        # That of the limit in force, and that of the one that was found.
        wait_until(lambda: owner.calls(tried).count(use) == 2)
        assert shop.admin("DELETE", f"/api-keys/{reseller['key_id']}").status == 200
        assert use not in owner.calls(tried), owner.calls(tried)
    with checks("U2 a filter's time says that it is UTC, and its end that it is not among what is found"):
        for path in ("/orders", "/services", "/audit", "/events", "/prices/history"):
            page = owner.get(path).body.decode()
            assert len(re.findall(r'<p class="hint"[^>]*>UTC</p>', page)) == 2, path
            assert ">Before</label>" in page, path


def states(office, owner, checks):
    shop = office.shop
    reseller, sku = shop.reseller(balance="50.00", name="Stately"), shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    placed = shop.order(reseller, sku).json["order"]["id"]
    service = shop.admin("GET", f"/services?order={placed}").json["data"][0]["id"]
    with checks("U2 O10 a cancellation says when the term ends as pages write a day"):
        text = owner.text(f"/services/{service}/cancel")
        assert re.search(r"It runs until \d{1,2} [A-Z][a-z]{2} \d{4},", text), text
    with checks("U2 O10 a page that moves a service has no form where its state takes no such move"):
        for move, body in (("suspend", None), ("cancel", {"at": "now"})):
            call = f"POST /services/{service}/{move}"
            assert call in owner.calls(f"/services/{service}/{move}"), move
            assert shop.admin("POST", f"/services/{service}/{move}", body).status == 200, move
            assert call not in owner.calls(f"/services/{service}/{move}"), move
            assert "nothing to do here" in owner.text(f"/services/{service}/{move}"), move
    with checks("U2 a list that a filter empties says so, and not that there is nothing at all"):
        for path in ("/due?kind=port", "/sessions?email=nobody@there.example"):
            text = owner.text(path)
            assert "No row fits these filters" in text, (path, text)
    with checks("U2 O7 where no delivery is dead the list says where failed ones are until then"):
        text = owner.text("/events?state=dead&type=order.created")
        assert "No row fits these filters" in text and "Until then it is pending" in text, text
    with checks("U2 O3 of a reseller that is terminated notes and address change, and nothing else is offered"):
        path = f"/resellers/{reseller['id']}"
        assert shop.move(reseller, "terminate").status == 200
        text = owner.text(path)
        assert "Notes…" in text and "Change…" not in text, text
        assert "Credit limit" not in owner.text(f"{path}/edit")
        assert owner.send(f"{path}/edit", f"PATCH {path}", notes="owed 5").status == 303
        assert shop.admin("GET", path).json["notes"] == "owed 5"


def watched(office, owner, checks):
    shop = office.shop
    reseller = shop.reseller()
    hook = shop.call(reseller, "POST", "/webhooks", {
        "name": "shop", "url": "http://127.0.0.1:9/", "events": ["order.created"]}).json["id"]
    with checks("U2 O7 the page that follows says what pausing and resuming an endpoint do with what is for it"):
        for move, said in (("pause", "paused"), ("resume", "resumed-held")):
            call = f"POST /webhooks/{hook}/{move}"
            assert owner.fields(f"/endpoints/{hook}", call)["_said"] == said, move
            assert owner.send(f"/endpoints/{hook}", call).status == 303, move
    with checks("U2 O6 an endpoint's attempts are taken anew from a small page, recorded once a minute"):
        path = f"/endpoints/{hook}"
        assert f'data-from="{owner.base}/admin{path}/health"' in owner.get(path).body.decode()
        office.gateway.jump(int(60 - office.gateway.now() % 60) + 1)
        for _ in range(20):
            page = owner.get(f"{path}/health")
            assert page.status == 200 and 'id="health"' in page.body.decode(), page
        rows = shop.admin("GET", "/audit?limit=100&action=GET%20/admin/endpoints/{id}/health").json["data"]
        assert len(rows) == 1, rows


def found(office, owner, checks):
    shop = office.shop
    reseller, sku = shop.reseller(balance="50.00"), shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    shop.call(reseller, "POST", "/webhooks", {
        "name": "shop", "url": "http://127.0.0.1:9/", "events": ["order.created"]})
    shop.order(reseller, sku)
    event = shop.admin("GET", f"/deliveries?reseller={reseller['id']}").json["data"][0]["event"]
    with checks("U2 O6 an event's id leads to its deliveries"):
        answer = owner.get(f"/search?q={event}")
        assert answer.location == f"{owner.base}/admin/events?event={event}", answer
        assert owner.get("/search?q=evt_none").status == 200


def probes(gateway, checks):
    for blueprint, place in (("licences", "/reseller/myavailable?api_token="), ("panel", "/api/v1/reseller/account")):
        with checks(f"U2 O1 a new key comes with a line to try it by, of {blueprint} too, which is answered"):
            office = Office(gateway, blueprint=blueprint)
            owner, reseller = Desk(office, office.owner_email), office.shop.reseller()
            form = owner.get("/keys/new").form("owner_email")
            page = owner.browser.post(f"{owner.base}/admin/keys/new", {
                **form["fields"], "owner_email": reseller["email"], "mode": "live"})
            assert page.status == 200, page
            tried = html.unescape(re.search(r'<pre class="code" id="try-0">([^<]*)</pre>', page.body.decode()).group(1))
            assert place in tried, tried
            header, quoted, bare = re.fullmatch(r'curl (?:-H "([^"]+)" )?(?:"(\S+)"|(\S+))', tried).groups()
            headers = dict([header.split(": ", 1)]) if header else {}
            answer = gateway.get((quoted or bare).removeprefix(gateway.base_url), headers=headers)
            assert answer.status == 200, answer


def looks(office, owner, checks):
    shop = office.shop
    dark = {"Cookie": "tollgate-light=dark"}
    with checks("U5 a page for whoever is not signed in has the light that its reader chose"):
        for path in ("/sign-in", "/apply", "/apply/waiting", "/program"):
            page = Browser(office.gateway).get(shop.base + path, headers=dark)
            assert page.status == 200 and 'data-theme="dark"' in page.body.decode(), (path, page)
            assert "data-theme" not in Browser(office.gateway).get(shop.base + path).body.decode(), path
    with checks("U5 U4 a page that is refused has the light too, and nobody else's name"):
        cookies = owner.browser.cookies(f"{owner.base}/admin")
        page = owner.browser.get(f"{owner.base}/admin/resellers/none", cookies=f"{cookies}; tollgate-light=dark")
        text = page.body.decode()
        assert page.status == 404 and 'data-theme="dark"' in text and "Tollgate" not in text, page


if __name__ == "__main__":
    main()
