#!/usr/bin/env python3
"""U1 U2 U3 Lists as people look at them: rows as high as they like, an order by the head of a column, and a way back
from what a list leads to that has its filters. All of it without scripts, and nothing of it kept at the gateway."""

import html
import re
import urllib.parse

from console import Console
from desk import Desk
from portalwire import Portal
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments

YEAR = 365 * 86_400


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        shop = Shop(gateway, password=PASSWORD, currency="EUR")
        sku, buyer = shop.product(), shop.reseller("100.00", password=PASSWORD)
        shop.price(buyer, sku, {"wholesale_monthly": "1.00", "is_enabled": True})
        orders = [shop.order(buyer, sku).json["order"]["id"] for _ in range(2)]
        owner = Desk(Placed(gateway, shop), f"owner@{shop.slug}.example")
        console, portal = Console(gateway), Portal(gateway, shop.base, buyer["email"])
        surfaces = [
            ("console", console.browser, "/console"), ("admin", owner.browser, f"{shop.base}/admin"),
            ("portal", portal.browser, f"{shop.base}/portal")]
        for name, browser, home in surfaces:
            rows(checks, name, browser, home)
        sorting(checks, gateway, console)
        ways_of_the_console(checks, console, shop)
        ways_of_the_portal(checks, portal, orders)
        ways_of_the_admin(checks, owner, shop, buyer)
        forged(checks, owner, buyer)
        sent_on(checks, surfaces, buyer)
    checks.finish()


class Placed:
    """What a desk asks for: a tenant, and where it is."""

    def __init__(self, gateway, shop):
        self.gateway, self.shop = gateway, shop


def looks_of(page):
    """What the page is shown like: light, rows."""
    start = re.search(r"<html[^>]*>", page.body.decode()).group(0)
    return tuple((re.findall(rf'data-{name}="([^"]*)"', start) or [None])[0] for name in ("theme", "rows"))


def rows(checks, name, browser, home):
    def choose(**chosen):
        form = browser.get(home).form("rows")
        fields = {key: value for key, value in form["fields"].items() if key not in ("light", "rows")}
        browser.set_lines.clear()
        return browser.post(form["action"], {**fields, **chosen})

    with checks(f"U5 rows of tables at the {name} are as high as the reader likes, by a cookie that says no more"):
        assert looks_of(browser.get(home)) == (None, None)
        for value in ("compact", "comfortable"):
            answer = choose(rows=value)
            assert answer.status == 303 and answer.location.startswith(home), answer
            assert browser.set_lines == [
                f"tollgate-rows={value}; Path=/; Max-Age={YEAR}; SameSite=Lax; HttpOnly"], browser.set_lines
            assert looks_of(browser.get(home)) == (None, value)
        choose(light="dark", rows="compact")
        assert looks_of(browser.get(home)) == ("dark", "compact")
        # A form that does not ask leaves the other choice alone.
        choose(light="light")
        assert looks_of(browser.get(home)) == ("light", "compact")
    with checks(f"U5 what is no height of rows at the {name} is told by its name, and changes nothing"):
        answer = choose(rows="tiny", light="dark")
        assert answer.status == 422 and "rows must be empty or one of comfortable, compact" in answer.text, answer
        assert not browser.set_lines and looks_of(browser.get(home)) == ("light", "compact")
        page = browser.get(home, cookies=f'tollgate-rows="><script>; {browser.cookies(home)}')
        assert looks_of(page) == ("light", None) and b'"><script>' not in page.body, page
    with checks(f"U4 U5 the choice at the {name} takes a form with its token, and leads to its own pages alone"):
        action = f"{home}/looks"
        assert browser.post(action, {"rows": "comfortable"}).status == 403
        assert browser.get(f"{action}?rows=comfortable").status in (404, 405)
        for target in ("//evil.example", "https://evil.example", "/\\evil", "/elsewhere", f"{home}/../x",
                       f"{home}/%2E./x", f"{home}//x"):
            answer = choose(rows="compact", _next=target)
            assert answer.status == 303 and answer.location.startswith(home), (target, answer)
            assert not answer.location.endswith("/x"), (target, answer)
        assert looks_of(browser.get(home)) == ("light", "compact")
    with checks(f"U5 a choice at the {name} is taken back"):
        choose(rows="", light="")
        assert looks_of(browser.get(home)) == (None, None)


def heads(page):
    """Of each column by which a list is ordered or can be: the order it has, and where its head leads."""
    found = re.findall(r'<th scope="col"([^>]*)><a href="([^"]*)">([^<]*)</a></th>', page.body.decode())
    return {title: ((re.findall('aria-sort="([a-z]+)"', attributes) or [None])[0], html.unescape(link))
            for attributes, link, title in found}


def sorting(checks, gateway, console):
    def slugs(page):
        table = re.search(r"<caption[^>]*>Tenants</caption>.*?</table>", page.body.decode(), re.S).group(0)
        return re.findall(r'<th scope="row"[^>]*><a href="[^"]*/tenants/([a-z0-9-]+)', table)

    def told(sort):
        path = f"/tenants?limit=50&tier=pro&sort={sort}"
        return [row["slug"] for row in console.api("GET", path).json["data"]]

    for _ in range(3):
        Shop(gateway)
    with checks("U1 P2 the head of a column orders the tenants by it, says so, turns round, and keeps the filters"):
        page = console.get("?tier=pro&cursor=")
        assert {title: order for title, (order, _) in heads(page).items()} == {
            "Tenant": "ascending", "Size": None, "Last call": None}, heads(page)
        for title, name in (("Size", "size"), ("Last call", "last_request")):
            for order, sort in (("descending", f"-{name}"), ("ascending", name)):
                link = heads(page)[title][1]
                asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(link).query))
                assert asked == {"tier": "pro", "sort": sort}, (title, link)
                page = console.browser.get(link)
                assert page.status == 200 and heads(page)[title][0] == order, (title, heads(page))
                assert [kept for kept, _ in heads(page).values() if kept] == [order], heads(page)
                assert slugs(page) == told(sort), (sort, slugs(page), told(sort))
        page = console.browser.get(heads(page)["Tenant"][1])
        assert slugs(page) == sorted(told("name")) and heads(page)["Tenant"][0] == "ascending"
        page = console.browser.get(heads(page)["Tenant"][1])
        assert slugs(page) == told("-name") and heads(page)["Tenant"][0] == "descending"


def asked(link):
    """A path, and what its query asks."""
    parts = urllib.parse.urlsplit(html.unescape(link))
    return parts.path, dict(urllib.parse.parse_qsl(parts.query))


def links(page, path):
    """All links of the page's content that lead to this path: what each asks."""
    content = page.body.decode().split("<main", 1)[1]
    return [query for to, query in map(asked, re.findall(r'<a[^>]* href="([^"#]*)"', content)) if to == path]


def navigation(page, path):
    frame = page.body.decode().split("<main", 1)[0]
    return [query for to, query in map(asked, re.findall(r'<a[^>]* href="([^"#]*)"', frame)) if to == path]


def leads_back(browser, home, path, filters, below):
    """From a filtered list to something of it, and back to the very same list; its navigation has no filter."""
    query = urllib.parse.urlencode(filters)
    [kept] = {tuple(one.items()) for one in links(browser.get(f"{home}{path}?{query}"), below)}
    assert dict(kept)["list"] == f"{path}?{query}", kept
    page = browser.get(f"{below}?{urllib.parse.urlencode(kept)}")
    assert page.status == 200, (below, page)
    back, frame = links(page, home + path), navigation(page, home + path)
    assert back and all(one == filters for one in back), back
    assert frame and not any(frame), frame
    return page


def ways_of_the_console(checks, console, shop):
    with checks("U1 U5 a tenant's page leads back to the list of tenants as it was filtered and ordered"):
        page = leads_back(
            console.browser, "/console", "", {"state": "active", "sort": "-name"}, f"/console/tenants/{shop.slug}")
        # So does what is done on pages below.
        [query] = links(page, f"/console/tenants/{shop.slug}/suspend")
        assert query == {"list": "?state=active&sort=-name"}, query


def ways_of_the_admin(checks, owner, shop, buyer):
    home, page = f"{owner.base}/admin", f"{owner.base}/admin/resellers/{buyer['id']}"
    filters = {"status": "active", "q": buyer["email"]}
    kept = {"list": f"/resellers?{urllib.parse.urlencode(filters)}"}
    with checks("U2 U5 what a list leads to leads back to it as it was filtered, from the pages below as well"):
        one = leads_back(owner.browser, home, "/resellers", filters, page)
        assert links(one, f"{page}/top-up") and all(query == kept for query in links(one, f"{page}/top-up"))
        below = owner.browser.get(f"{page}/top-up?{urllib.parse.urlencode(kept)}")
        assert links(below, page) and all(query == kept for query in links(below, page)), links(below, page)
    with checks("U2 U5 a form that was sent on such a page leads on with the way back"):
        fields = owner.fields(f"/resellers/{buyer['id']}/suspend?{urllib.parse.urlencode(kept)}",
                              f"POST /resellers/{buyer['id']}/suspend")
        fields = {name: html.unescape(value) for name, value in fields.items()}
        answer = owner.browser.post(f"{page}/suspend?{urllib.parse.urlencode(kept)}", fields)
        assert asked(answer.location) == (page, {**kept, "said": "suspended"}), answer
        assert all(one == filters for one in links(owner.browser.get(answer.location), f"{home}/resellers"))
        assert shop.move(buyer, "resume").status == 200
    with checks("U2 X7 the way back keeps the book, and a list that was seen whole is kept nowhere"):
        one = owner.browser.get(f"{home}/resellers?status=active&mode=test")
        whole = {"list": "/resellers?status=active", "mode": "test"}
        assert links(one, page) and all(query == whole for query in links(one, page)), links(one, page)
        back = owner.browser.get(f"{page}?mode=test&list=%2Fresellers%3Fstatus%3Dactive")
        assert all(query == {"status": "active", "mode": "test"} for query in links(back, f"{home}/resellers"))
        assert all(query == {} for query in links(owner.browser.get(f"{home}/resellers?said=saved"), page))
    with checks("U5 a list's filters that are long are not kept in every link of its page"):
        one = owner.browser.get(f"{home}/audit?{urllib.parse.urlencode({'status': '200', 'actor': 'a' * 300})}")
        assert one.status == 200 and b"list=%2F" not in one.body, one


def ways_of_the_portal(checks, portal, orders):
    home = f"{portal.base}/portal"
    with checks("U3 U5 an order's page leads back to the orders as they were filtered"):
        leads_back(portal.browser, home, "/orders", {"state": "completed"}, f"{home}/orders/{orders[0]}")


def forged(checks, owner, buyer):
    home, page = f"{owner.base}/admin", f"{owner.base}/admin/resellers/{buyer['id']}"
    with checks("U4 U5 a way back that somebody made up leads nowhere but to the list, and is no markup"):
        for told in ("//evil.example?x=1", "https://evil.example?x=1", "/keys?x=1", "/resellers", "?x=1", "?", "",
                     '/resellers?"><script>alert(1)</script>', "/resellers?a b", "/resellers?q=%zz",
                     "/resellers?q=" + "x" * 300):
            answer = owner.browser.get(f"{page}?{urllib.parse.urlencode({'list': told})}")
            assert answer.status == 200 and b"<script>alert" not in answer.body, (told, answer)
            back = links(answer, f"{home}/resellers")
            assert back and not any(back), (told, back)
            content = answer.body.decode().split("<main", 1)[1]
            assert "evil.example" not in "".join(re.findall(r'href="([^"?]*)', content)), told
    with checks("U5 X7 a way back that somebody made up leads to no other book, and says nothing that was not done"):
        told = "/resellers?status=active&mode=test&said=approved&once=1&list=%2Fkeys%3Fq%3Dx"
        back = links(owner.browser.get(f"{page}?{urllib.parse.urlencode({'list': told})}"), f"{home}/resellers")
        assert back and all(query == {"status": "active"} for query in back), back


def sent_on(checks, surfaces, buyer):
    """Cursors are of whoever was given them (0027), and addresses are sent to others."""
    lists = {
        "console": ["?cursor", "/log?cursor", "/keys?cursor", "?trouble"],
        "admin": [f"{path}?cursor" for path in (
            "/resellers", "/orders", "/services", "/audit", "/events", "/products", "/stock/items", "/prices",
            "/sessions", f"/resellers/{buyer['id']}/statement")] + ["/account?keys_cursor"],
        "portal": [f"{path}?cursor" for path in ("/orders", "/services", "/products", "/balance", "/deliveries")]}
    for name, browser, home in surfaces:
        with checks(f"U5 at the {name} an address that leads to a place in somebody else's list leads to the list's "
                    "beginning, filters kept, and says so"):
            for one in lists[name]:
                path, _, place = one.rpartition("?")
                answer = browser.get(f"{home}{path}?mode=live&{place}=c0FfEe&back=0")
                assert answer.status == 303, (one, answer)
                assert asked(answer.location) == (home + path, {"mode": "live", "said": "first"}), (one, answer)
                page = browser.get(answer.location)
                assert page.status == 200 and "first page" in page.read.text, (one, page)
                # And from there on nothing of it is left.
                assert not any("said" in query for query in links(page, home + path)), one


if __name__ == "__main__":
    main()
