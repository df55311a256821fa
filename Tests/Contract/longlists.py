#!/usr/bin/env python3
"""U2 U3 Lists on pages that are longer than a page of the API: what is asked for is what is offered and sent, whichever
page of the list it stands on; a list that found nothing yet says so; and another book's list begins anew."""

import re
import urllib.parse

from pagewire import Browser
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments

# One more than the most that a page of an API has.
MANY = 101


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        shop = Shop(gateway, password=PASSWORD)
        reseller = stocked(shop)
        portal = Site(gateway, shop, "/portal", reseller["email"])
        owner = Site(gateway, shop, "/admin", f"owner@{shop.slug}.example")
        ordering(portal, checks)
        holdings(shop, reseller, portal, checks)
        keys(shop, reseller, portal, checks)
        books(portal, owner, checks)
        stock(shop, owner, checks)
        further(shop, owner, checks)
        ports(gateway, checks)
        sheet(gateway, checks)
    checks.finish()


class Site:
    """Somebody signed in to one surface's pages."""

    def __init__(self, gateway, shop, place, email):
        self.base, self.browser = shop.base + place, Browser(gateway)
        page = self.browser.follow(self.browser.sign_in(shop.base, email, PASSWORD))
        assert page.status == 200, page

    def get(self, path=""):
        page = self.browser.get(self.base + path)
        assert page.status == 200, (path, page)
        return page

    def body(self, path=""):
        return self.get(path).body.decode()


def sku(number):
    return f"zz-{number:03}"


def stocked(shop):
    """A reseller with a price for each of many products."""
    reseller = shop.reseller(balance="1000.00", password=PASSWORD)
    for number in range(MANY):
        made = shop.admin("POST", "/products", {
            "sku": sku(number), "name": f"Product {number}", "fulfilment": "instant"})
        assert made.status == 201, made
        shop.price(reseller, sku(number), {"wholesale_monthly": "1.00", "is_enabled": True})
    return reseller


def ordering(portal, checks):
    last = sku(MANY - 1)
    with checks("U3 W4 the product that is asked for is ordered, also where it stands behind the first hundred"):
        form = portal.get(f"/orders/new?product={last}").form("product")
        assert form["fields"]["product"] == last, form
        asked = {**form["fields"], "term": "monthly", "quantity": "1", "customer.external_id": "c-1"}
        quote = portal.get(f"/orders/quote?{urllib.parse.urlencode(asked)}")
        assert quote.read.heading == "Confirm the order" and last in quote.text, quote
    with checks("U3 what is asked for is offered, though the list does not have it, and is refused by its name"):
        form = portal.get("/orders/new?product=not-there").form("product")
        assert form["fields"]["product"] == "not-there", form
        asked = {**form["fields"], "term": "monthly", "quantity": "1", "customer.external_id": "c-1"}
        refused = portal.browser.get(f"{portal.base}/orders/quote?{urllib.parse.urlencode(asked)}")
        assert refused.status in (403, 404, 409, 422), refused
        assert 'value="not-there"' in refused.body.decode(), refused


def holdings(shop, reseller, portal, checks):
    for number in range(MANY):
        placed = shop.order(reseller, sku(number), timestamp=int(shop.gateway.now()))
        assert placed.status == 201, placed
    with checks("U3 W6 each product of the price list says how many are held, also behind a hundred others"):
        path, seen = "/products", 0
        while path:
            body = portal.body(path)
            for row in re.findall(r'<tr role="row">.*?</tr>', body, re.S):
                if "<code>zz-" in row:
                    assert re.search(r'data-label="You hold">1<', row), row
                    seen += 1
            onward = re.search(r'rel="next" href="[^"?]*([^"]*)"', body)
            path = "/products" + onward.group(1).replace("&amp;", "&") if onward else None
        assert seen == MANY, seen


def keys(shop, reseller, portal, checks):
    minted = []
    for number in range(MANY):
        made = shop.mint(reseller, name=f"key {number}")
        assert made.status == 201, made
        minted.append(made.json)
        # A reseller has room for fewer keys in force.
        if 0 < number < MANY - 1:
            assert shop.admin("DELETE", f"/api-keys/{made.json['id']}").status == 200
    with checks("U3 each of many keys has its page"):
        for key in (minted[0], minted[-1]):
            assert f'{key["id"]}/rotate' in portal.body(f"/api/keys/{key['id']}")
        unknown = portal.browser.get(f"{portal.base}/api/keys/key_none")
        assert unknown.status == 404, unknown


def there_and_back(pages, path):
    """Goes on to a list's end, or four pages far, and back by Previous; the addresses of each page are the same."""
    def led(rel, body):
        found = re.search(rf'rel="{rel}" href="([^"]*)"', body)
        return found and found.group(1).replace("&amp;", "&")

    def place(address):
        found = re.search(r"[?&]cursor=([^&]*)", address)
        return found and found.group(1)

    bodies, addresses = [pages.body(path)], [path]
    while len(bodies) < 4 and (onward := led("next", bodies[-1])):
        bodies.append(pages.browser.get(onward).body.decode())
        addresses.append(onward)
    assert led("prev", bodies[0]) is None and led("first", bodies[0]) is None, addresses
    body = bodies[-1]
    for address in reversed(addresses[:-1]):
        back = led("prev", body)
        assert back and place(back) == place(address), (back, address)
        body = pages.browser.get(back).body.decode()
    assert led("prev", body) is None
    if len(addresses) > 2:
        assert place(led("first", bodies[-1])) is None, addresses
    return len(addresses)


def books(portal, owner, checks):
    with checks("U3 X7 where a list goes on is of one book: the other one's begins anew"):
        first = portal.body("/orders")
        onward = re.search(r'rel="next" href="[^"?]*([^"]*)"', first).group(1).replace("&amp;", "&")
        second = portal.body("/orders" + onward)
        assert "cursor=" in onward and 'rel="prev"' in second, onward
        switch = re.search(r'<nav class="mode".*?</nav>', second, re.S).group(0)
        assert "cursor" not in switch and "back" not in switch and "mode=test" in switch, switch
        assert "No test orders yet" in portal.get("/orders?mode=test").text
    with checks("U3 U2 Previous leads back page by page, the way that one came"):
        for pages, path in ((portal, "/orders"), (owner, "/audit?days=30")):
            walked = there_and_back(pages, path)
            assert walked >= 2, (path, walked)
    with checks("U2 X7 the search keeps the book that is looked at"):
        search = r'<form class="search".*?</form>'
        kept = '<input type="hidden" name="mode" value="test">'
        assert kept in re.search(search, owner.body("/orders?mode=test"), re.S).group(0)
        assert kept not in re.search(search, owner.body("/orders"), re.S).group(0)


def stock(shop, owner, checks):
    made = shop.admin("POST", "/products", {"sku": "keys", "name": "Keys", "fulfilment": "stock"})
    assert made.status == 201, made
    with checks("O4 products are listed by how they are carried out, page by page"):
        listed = shop.admin("GET", "/products?fulfilment=stock").json
        assert [row["sku"] for row in listed["data"]] == ["keys"] and not listed["has_more"], listed
        found, cursor = [], ""
        while cursor is not None:
            page = shop.admin("GET", f"/products?fulfilment=instant&limit=40{cursor}").json
            found += [row["sku"] for row in page["data"]]
            cursor = f"&cursor={page['next_cursor']}" if page["has_more"] else None
        assert found[-MANY:] == [sku(number) for number in range(MANY)] and len(found) == len(set(found)), found
        manual = shop.admin("GET", "/products?fulfilment=manual").json["data"]
        assert manual and all(row["fulfilment"] == "manual" for row in manual), manual
    with checks("U2 O4 the first page of stock has the products that are sold from stock, whatever was added before"):
        page = owner.get("/stock/items")
        assert "/stock/items/keys" in page.body.decode() and 'rel="next"' not in page.body.decode(), page
        assert "zz-000" not in page.text


def further(shop, owner, checks):
    # Each of these searches begins with a new block of calls: more than the four looks of one page look into.
    for _ in range(4 * 128 + 20):
        assert shop.admin("GET", "/audit?limit=1").status == 200
    with checks("U2 O6 a page without a row that goes on says so, and leads on until the end"):
        path, pages = "/audit?status=418", 0
        while True:
            page = owner.get(path)
            onward = re.search(r'<a class="button primary" href="[^"?]*([^"]*)">Look further</a>', page.body.decode())
            assert bool(onward) == ("None among those looked through so far" in page.text), page
            if not onward:
                break
            path, pages = "/audit" + onward.group(1).replace("&amp;", "&"), pages + 1
            assert pages < 50
        assert pages >= 1 and "No calls found" in page.text, (pages, page)


def sheet(gateway, checks):
    """A price book of rows as long as they can be."""
    shop = Shop(gateway, password=PASSWORD)
    reseller = shop.reseller(password=PASSWORD)
    skus = [f"{number:03}-" + "x" * 60 for number in range(200)]
    csv = {"Content-Type": "text/csv"}
    rows = "".join(f"{sku},{'N' * 150},manual\n" for sku in skus)
    made = shop.admin("POST", "/products.csv", f"sku,name,fulfilment\n{rows}".encode(), headers=csv)
    assert made.status == 200, made
    terms = ",".join(f"wholesale_{term}" for term in (
        "monthly", "quarterly", "semi_annual", "annual", "hourly", "setup_fee"))
    rows = "".join(f"{reseller['id']},{sku}{',12345678.99' * 6},true\n" for sku in skus)
    made = shop.admin("POST", "/price-book.csv", f"reseller,sku,{terms},is_enabled\n{rows}".encode(), headers=csv)
    assert made.status == 200, made
    owner = Site(gateway, shop, "/admin", f"owner@{shop.slug}.example")
    with checks("U2 U5 a page of the price sheet has 150 KB at most, however long its rows, and each is on one"):
        path, seen = f"/prices?reseller={reseller['id']}", []
        while path:
            body = owner.body(path)
            assert len(body.encode()) <= 150_000, (path, len(body.encode()))
            listed = re.findall(r'name="(?:row|new)" value="([^"]*)"', body)
            assert listed, path
            seen += listed
            onward = re.search(r'rel="next" href="[^"?]*/prices([^"]*)"', body)
            path = onward and "/prices" + onward.group(1).replace("&amp;", "&")
        assert len(seen) == len(set(seen)) and set(skus) <= set(seen), (len(seen), len(set(seen)))


def ports(gateway, checks):
    shop = Shop(gateway, blueprint="proxies", password=PASSWORD)
    reseller = shop.reseller(password=PASSWORD)
    for number in range(MANY):
        made = gateway.post(f"{shop.base}/v1/reseller/customers", {
            "email": f"c-{number}@there.example", "name": f"Customer {number}", "allocatedPortSlots": 1,
        }, headers={"X-API-Key": reseller["key"]})
        assert made.status == 201, made
    portal = Site(gateway, shop, "/portal", reseller["email"])
    with checks("U3 X2 a port is bought for the customer that is asked for, whichever page it stands on"):
        for path in ("", f"?customerId={made.json['_id']}"):
            form = portal.get(f"/ports/new{path}").form("customerId")
            assert form["fields"]["customerId"] == (made.json["_id"] if path else ""), form
        assert '<input type="text"' in portal.body("/ports/new").split("Customer</label>")[1][:40]


if __name__ == "__main__":
    main()
