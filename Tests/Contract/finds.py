#!/usr/bin/env python3
"""O1 O4 U1 U2: keys and products are found by what one knows of them, on pages as by the API; the audit log's bars say
what they count; an export's page says what was handed out; and pages are gathered in few jobs of the lane."""

import base64
import hashlib
import html
import os
import re
import socket
import urllib.parse

from pagewire import Browser
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, wait_until

# Rows that one read of a filtered list looks at (FilteredRows.lookedAtMax).
LOOKED_AT = 1_000
# Jobs of the lane in which a page is gathered whose lists are short. A write of what memory holds of the log is one.
JOBS_MAX = {"/admin": 9, "/admin/keys": 6, "/admin/products": 1}
# So many changes of one thing stand on its page.
PROOFS = 10


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        shop = Shop(gateway, password=PASSWORD)
        owner = Owner(gateway, shop)
        keys(checks, shop, owner)
        products(checks, shop, owner)
        catalogue(checks, shop)
        audit(checks, shop, owner)
        sessions(checks, shop, owner)
        jobs(checks, gateway, owner)
        histories(checks, gateway, shop, owner)
        exports(checks, gateway, shop)
    checks.finish()


class Owner:
    """The tenant's owner at the admin's pages."""

    def __init__(self, gateway, shop):
        self.base, self.browser = shop.base, Browser(gateway)
        page = self.browser.follow(self.browser.sign_in(shop.base, f"owner@{shop.slug}.example", PASSWORD))
        assert page.status == 200, page

    def get(self, path):
        page = self.browser.get(self.base + path)
        assert page.status == 200, (path, page)
        return page

    def filtered(self, path, field, **fields):
        """What the list's form finds, which has this field; the list is asked for by its address."""
        form = next(form for form in self.get(path).read.forms if form["method"] == "get" and field in form["fields"])
        return self.browser.get(f"{form['action']}?{urllib.parse.urlencode({**form['fields'], **fields})}")


def found(shop, path, name, **query):
    """All that a list of the API has, page by page, by one of its members."""
    rows, cursor = [], None
    while True:
        asked = {**query, **({"cursor": cursor} if cursor else {})}
        answer = shop.admin("GET", f"{path}?{urllib.parse.urlencode(asked)}")
        assert answer.status == 200, (path, query, answer)
        rows += [row[name] for row in answer.json["data"]]
        cursor = answer.json["next_cursor"]
        assert answer.json["has_more"] == (cursor is not None), answer
        if cursor is None:
            return rows


def keys(checks, shop, owner):
    reseller, other = shop.reseller(), shop.reseller()
    made = {name: shop.mint(who, name=name, **more).json for name, who, more in (
        ("Ödland shop", reseller, {}), ("trial", reseller, {"mode": "test"}), ("till", other, {"mode": "test"}))}
    ids = {name: key["id"] for name, key in made.items()}
    assert shop.admin("DELETE", f"/api-keys/{ids['till']}").status == 200
    by = {
        "mode": ({"key_mode": "test"}, [ids["trial"], ids["till"]]),
        "mode and state": ({"key_mode": "test", "state": "active"}, [ids["trial"]]),
        "mode and reseller": ({"key_mode": "test", "reseller": other["id"]}, [ids["till"]]),
        "name, in any case": ({"q": "öDLAND"}, [ids["Ödland shop"]]),
        "id": ({"q": ids["trial"]}, [ids["trial"]]),
        "shown part": ({"q": made["trial"]["prefix"].upper()}, [ids["trial"]]),
        "owner": ({"q": reseller["email"]}, [reseller["key_id"], ids["Ödland shop"], ids["trial"]]),
        "owner and mode": ({"q": reseller["email"], "key_mode": "test"}, [ids["trial"]]),
        "nobody": ({"q": "nobody-is-called-so"}, []),
    }
    for name, (query, wanted) in by.items():
        with checks(f"O1 keys are found by {name}, a page at a time, the same in both lists"):
            for path in ("/api-keys", "/api-keys/activity"):
                for limit in (1, 50):
                    assert found(shop, path, "id", limit=limit, **query) == wanted, (path, limit, query)
    with checks("O1 a filter that is wrong is refused by its name, and finds nothing instead of everything"):
        for name, value, status in (("key_mode", "live,test", 422), ("q", "", 422), ("state", "gone", 422)):
            for path in ("/api-keys", "/api-keys/activity"):
                answer = shop.admin("GET", f"{path}?{urllib.parse.urlencode({name: value})}")
                assert answer.status == status and answer.json["errors"][0]["pointer"] == f"/{name}", answer
        assert shop.admin("GET", "/api-keys?reseller=res_none").status == 404
    with checks("U2 the page of keys has these filters in a form, and its address keeps them"):
        page = owner.filtered("/admin/keys?state=active", "key_mode", key_mode="test", q=reseller["email"])
        text = page.body.decode()
        assert ids["trial"] in text and ids["Ödland shop"] not in text and ids["till"] not in text, page.text
        assert '<option value="test" selected' in text and reseller["email"] in text, text
        nothing = owner.filtered("/admin/keys", "key_mode", q="nobody-is-called-so")
        assert "Nothing found" in nothing.text and "Clear the filters" in nothing.text, nothing.text
        wrong = owner.browser.get(f"{shop.base}/admin/keys?key_mode=both")
        assert wrong.status == 200 and "live, test" in wrong.text, wrong


def products(checks, shop, owner):
    for sku, name, fulfilment, hidden in (
            ("find-a", "Éclair", "instant", False), ("find-b", "Biscuit", "manual", True),
            ("other-c", "éclair, large", "manual", False)):
        made = shop.admin("POST", "/products", {
            "sku": sku, "name": name, "fulfilment": fulfilment, "hidden": hidden})
        assert made.status == 201, made
    by = {
        "SKU": ({"q": "FIND-"}, ["find-a", "find-b"]), "name, in any case": ({"q": "éCLAIR"}, ["find-a", "other-c"]),
        # The blueprint hides one of its own.
        "state": ({"hidden": "true"}, ["legacy-vps", "find-b"]),
        "name and state": ({"q": "find", "hidden": "false"}, ["find-a"]),
        "fulfilment and name": ({"fulfilment": "manual", "q": "é"}, ["other-c"]),
        "all of them": ({"fulfilment": "manual", "q": "f", "hidden": "true"}, ["find-b"]),
    }
    for name, (query, wanted) in by.items():
        with checks(f"O4 products are found by {name}"):
            for limit in (1, 50):
                assert found(shop, "/products", "sku", limit=limit, **query) == wanted, (limit, query)
    with checks("O4 a filter of products that is wrong is refused by its name"):
        for name, value in (("hidden", "yes"), ("q", ""), ("fulfilment", "magic")):
            answer = shop.admin("GET", f"/products?{urllib.parse.urlencode({name: value})}")
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == f"/{name}", answer
    with checks("U2 the page of products has these filters in a form, and says so where nothing fits"):
        page = owner.filtered("/admin/products", "hidden", hidden="true", q="find")
        assert "find-b" in page.text and "find-a" not in page.text, page.text
        assert '<option value="true" selected' in page.body.decode(), page
        assert "Nothing found" in owner.filtered("/admin/products", "hidden", q="no-such").text


def catalogue(checks, shop):
    rows = "".join(f"bulk-{number:04},Bulk {number},instant,{'true' if number == LOOKED_AT + 100 else 'false'}\r\n"
                   for number in range(LOOKED_AT + 101))
    sent = shop.admin(
        "POST", "/products.csv", f"sku,name,fulfilment,hidden\r\n{rows}".encode(), headers={"Content-Type": "text/csv"})
    assert sent.status == 200, sent
    with checks("O4 a search that finds little is short, goes on, and finds what stands behind many others"):
        first = shop.admin("GET", "/products?hidden=true&q=bulk-").json
        assert first["data"] == [] and first["has_more"], first
        assert found(shop, "/products", "sku", hidden="true", q="bulk-") == [f"bulk-{LOOKED_AT + 100:04}"]
    with checks("O4 a list without filters is full, page by page"):
        skus = found(shop, "/products", "sku", limit=100)
        assert len(skus) == len(set(skus)) and len(skus) >= LOOKED_AT + 104, len(skus)


def bars(page):
    """The panel of the bars: its text, and what its table adds up to. Several columns end with their sum."""
    panel = re.search(r'<section[^>]*id="bars".*?</section>', page.body.decode(), re.S)
    assert panel, page.text
    rows = [re.findall(r"<td[^>]*>([\d,]+)</td>", row) for row in re.findall(r"<tr.*?</tr>", panel.group(0), re.S)]
    return html.unescape(panel.group(0)), sum(int(cells[-1].replace(",", "")) for cells in rows if cells)


def audit(checks, shop, owner):
    reseller = shop.reseller(rate_limit={"requests": 1, "window_seconds": 3600})
    answers = [shop.get(reseller, "/products").status for _ in range(4)]
    assert answers.count(429) == 3, answers
    with checks("U2 O6 the bars above the log count what the list has, by key and by a refusal that has a count"):
        text, count = bars(owner.get(f"/admin/audit?days=1&key={reseller['key_id']}&status=429"))
        assert count == 3 and "not those of the list alone" not in text, (count, text)
        text, count = bars(owner.get(f"/admin/audit?days=1&key={reseller['key_id']}"))
        assert count == 4 and "not those of the list alone" not in text, (count, text)
    with checks("U2 O6 where a filter has no counts the bars say plainly that they count more than the list has"):
        text, count = bars(owner.get(f"/admin/audit?days=1&key={reseller['key_id']}&status=200"))
        assert count == 4 and "not those of the list alone" in text and "by status" in text, (count, text)
        text, _ = bars(owner.get("/admin/audit?days=1&changes=true"))
        assert "by changes" in text, text


def sessions(checks, shop, owner):
    for _ in range(3):
        Owner(shop.gateway, shop)
    with checks("O6 what people did is found without how they came and went"):
        came = shop.admin("GET", "/audit?changes=true&limit=20").json["data"]
        assert any(row["action"].endswith("/sign-in") for row in came), came
        done = shop.admin("GET", "/audit?changes=true&without=sessions&limit=20").json["data"]
        assert done and not any(row["action"].endswith(("/sign-in", "/session")) for row in done), done
        wrong = shop.admin("GET", "/audit?without=orders")
        assert wrong.status == 422 and wrong.json["errors"][0]["pointer"] == "/without", wrong


def jobs_of(gateway, owner, path):
    """In so many jobs of the lane the page is gathered."""
    def counted():
        told = gateway.get("/metrics", key=gateway.provider_key).body.decode()
        return int(re.search(r"^tollgate_lane_jobs_total (\d+)$", told, re.M).group(1))

    def of_one():
        before = counted()
        owner.get(path)
        return counted() - before

    # What the node does by itself meanwhile has jobs too: the least of some looks is the page's own.
    least = min(of_one() for _ in range(5))
    print(f"# {path}: {least} jobs")
    return least


def jobs(checks, gateway, owner):
    for path, most in JOBS_MAX.items():
        with checks(f"U2 {path} is gathered in at most {most} jobs of the lane, where its lists are short"):
            least = jobs_of(gateway, owner, path)
            assert least <= most, least


def histories(checks, gateway, shop, owner):
    reseller, sku = shop.reseller(), shop.product()
    id, key = reseller["id"], reseller["key_id"]

    def change(number):
        limit = {"requests": 1_000 + number, "window_seconds": 60}
        for method, path, body in (
                ("PUT", f"/api-keys/{key}/limit", limit), ("PATCH", f"/resellers/{id}", {"rate_limit": limit}),
                ("PUT", f"/resellers/{id}/products/{sku}", {"wholesale_monthly": f"{number + 1}.00"})):
            done = shop.admin(method, path, body)
            assert done.status == 200, done

    pages = {name: f"/admin/{path}" for name, path in {
        "a key": f"keys/{key}", "a reseller": f"resellers/{id}", "a reseller's limit": f"resellers/{id}/limit",
        "a price": f"prices/{id}/{sku}"}.items()}
    change(0)
    once = {name: jobs_of(gateway, owner, path) for name, path in pages.items()}
    for number in range(1, PROOFS):
        change(number)
    for name, path in pages.items():
        with checks(f"U2 O6 the page of {name} proves ten changes in as many jobs of the lane as one"):
            proved = owner.get(path).body.decode().count("in the chain")
            assert proved >= PROOFS, proved
            least = jobs_of(gateway, owner, path)
            assert least <= once[name], (once[name], least)


def exports(checks, gateway, shop):
    browser = Browser(gateway)
    form = browser.get("/console/sign-in").form("key")
    assert browser.post(form["action"], {**form["fields"], "key": gateway.provider_key}).status == 303
    place = f"/console/tenants/{shop.slug}"
    with checks("U1 P5 an export's page says before it how much the tenant takes, and leads to it without a script"):
        assert f"{place}/export" in browser.get(place).read.links
        page = browser.get(f"{place}/export")
        assert page.status == 200 and "No exports yet" in page.text, page
        assert re.search(r"takes \d[\d.]* (bytes|kB|MB) here now", page.text), page.text
        assert f"{place}/export.sqlite" in page.read.links, page.read.links
    with checks("U1 P5 an export says its SHA-256, and its page each file's bytes and sum, as the log has them"):
        file = browser.get(f"{place}/export.sqlite")
        digest = hashlib.sha256(file.body).digest()
        assert file.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:", file.headers
        page = browser.get(f"{place}/export")
        assert f"{len(file.body):,}" in page.text and digest.hex() in page.text, page.text
        [line] = gateway.get(
            f"/provider/v1/log?tenant={shop.slug}&action=tenant.exported", key=gateway.provider_key).json["data"]
        assert line["detail"] == {"bytes": len(file.body), "sha256": digest.hex()}, line
    with checks("U1 P5 the page says of a file that did not leave whole how much of it did"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(os.path.join(gateway.data, "control.sock"))
            client.sendall(f"GET /provider/v1/tenants/{shop.slug}/export HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert client.recv(1024).startswith(b"HTTP/1.1 200 ")
        wait_until(lambda: re.search(r"broken off after [\d,]+ bytes", browser.get(f"{place}/export").text))


if __name__ == "__main__":
    main()
