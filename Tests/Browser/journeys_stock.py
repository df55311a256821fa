"""Stock and settings: what is imported, corrected and set on a page; what came of it is asked of the API."""

import csv
import io
import itertools
import struct
import zlib

from hands import word
from journeys_open import register
from office import Office
from shop import PASSWORD

numbers = itertools.count(1)
JOURNEYS = []
journey = register(JOURNEYS)


def before(walk, tenant, path, who="owner"):
    hands = walk.another(tenant, who)
    answer = hands.visitor.go(f"/t/{tenant}/admin{path}")
    assert answer.status == 200, (path, answer.status)
    return hands


def picture():
    """A PNG of one dot."""
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\x00\x1f\x4f\xd8")) + chunk(b"IEND", b""))


@journey("U2 O4 4: two hundred rows of six are pasted; one wrong cell holds all of them; mended, they are the book",
         "mouse")
def pasted(walk):
    office = Office(walk.gateway, slug=f"sheets-{next(numbers)}")
    shop, most = office.shop, 200
    own = len(shop.admin("GET", "/products?limit=100").json["data"])
    rows = "".join(f"bulk-{number:03},Bulk {number},instant\n" for number in range(most - own))
    csv_of = {"Content-Type": "text/csv"}
    assert shop.admin("POST", "/products.csv", f"sku,name,fulfilment\n{rows}".encode(), headers=csv_of).status == 200
    buyer = shop.reseller(balance="1.00")
    hands = walk.another()
    page = hands.page
    hands.visitor.go(f"/t/{shop.slug}/sign-in")
    hands.fill("E-mail", office.owner_email)
    hands.fill("Password", PASSWORD)
    hands.press("Sign in")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    answer = hands.visitor.go(f"/t/{shop.slug}/admin/prices?columns=some&m=true&q=true&s=true&y=true&f=true&c=true")
    assert len(answer.body()) <= 150_000, len(answer.body())
    skus = page.locator("table[data-sheet] tbody input[type=hidden]").evaluate_all("all => all.map(e => e.value)")
    assert len(skus) == most, len(skus)
    columns = ["wholesale_monthly", "wholesale_quarterly", "wholesale_semi_annual", "wholesale_annual",
               "wholesale_setup_fee", "max_quantity"]
    cells = [[f"{1 + row}.{column}0" for column in range(5)] + [str(row + 1)] for row in range(most)]
    wrong = [list(row) for row in cells]
    wrong[120][2] = "1.2.3"
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def paste(table):
        text = "\n".join("\t".join(row) for row in table)
        page.evaluate("text => navigator.clipboard.writeText(text)", text)
        page.locator("table[data-sheet] tbody input[name=m]").first.click()
        page.keyboard.press("Control+V")
        assert page.locator("td.changed").count() == most * 6, page.locator("td.changed").count()
        hands.press("Review changes")

    paste(wrong)
    assert page.locator("input[aria-invalid=true]").input_value() == "1.2.3"
    assert shop.admin("GET", f"/resellers/{buyer['id']}/products").json["data"] == []
    paste(cells)
    assert page.locator("main ins").count() >= most * 6
    assert len(page.content()) <= 150_000, len(page.content())
    hands.press("Apply changes")
    listed = shop.admin("GET", f"/price-sheet?reseller={buyer['id']}&limit=100").json["data"]
    for row, expected in zip(listed, cells):
        assert [str(row["price"][name]) for name in columns] == expected, (row, expected)
    assert shop.listed(buyer, skus[0])["terms"]["monthly"]["wholesale"] == cells[0][0]
    exported = list(csv.DictReader(io.StringIO(shop.admin("GET", "/price-book.csv").body.decode())))
    assert [[row[name] for name in columns] for row in exported] == cells


@journey("U2 O4 items are imported all or none; one is withdrawn; the counts say so")
def items(walk):
    works = walk.world.works
    sku = works.shop.product("stock")
    hands = before(walk, "works", f"/stock/items/{sku}")
    hands.follow("Import")
    hands.fill(word("Or its text"), f"item\nA-{sku}\nB-{sku}\nA-{sku}\n")
    hands.press("Import")
    shown = hands.page.get_by_role("alert").inner_text()
    assert "Line 4" in shown, shown
    assert works.admin("GET", f"/products/{sku}/stock")["free"] == 0
    assert f"B-{sku}" in hands.field(word("Or its text")).input_value()
    hands.fill(word("Or its text"), f"item\nA-{sku}\nB-{sku}\n")
    hands.press("Import")
    assert hands.visitor.path.startswith(f"/t/works/admin/stock/items/{sku}?said=imported"), hands.visitor.path
    hands.act(hands.page.locator("main").get_by_role("link", name="Withdraw…").first)
    assert works.admin("GET", f"/products/{sku}/stock")["free"] == 2, "an item goes before anybody has confirmed it"
    hands.press("Withdraw this item")
    counts = works.admin("GET", f"/products/{sku}/stock")
    assert (counts["free"], counts["sold"], counts["withdrawn"]) == (1, 0, 1), counts
    assert f"A-{sku}" not in hands.page.content(), "an item is shown again"


@journey("U2 O9 licences are imported and withdrawn by a list that is pasted; all of it or none", "mouse", "plain")
def licences(walk):
    tenant = walk.gateway.tenant("licences")
    call = lambda method, path, body=None: walk.world.admin(tenant, method, path, body)
    reseller = walk.world.ids["licences"]["reseller"]
    keys = [f"JOURNEY-{next(numbers)}-{n}" for n in range(3)]
    hands = before(walk, "licences", "/stock/licences/import")
    rows = "\n".join(f"{reseller},lifetime,{key},2099-01-01" for key in keys)
    hands.fill(word("Or its text"), f"reseller,product,key,expiration\n{rows}\n{reseller},nothing,X,2099-01-01\n")
    hands.press("Import")
    assert "Line 5" in hands.page.get_by_role("alert").inner_text()
    assert call("GET", f"/licences?key={keys[0]}")["data"] == []
    hands.fill(word("Or its text"), f"reseller,product,key,expiration\n{rows}\n")
    hands.press("Import")
    assert all(call("GET", f"/licences?key={key}")["data"] for key in keys)
    hands.follow("Withdraw…")
    hands.fill("Keys", f"{keys[0]}\n{keys[1]}\nno-such-key")
    hands.press("Withdraw these")
    assert all(call("GET", f"/licences?key={key}")["data"] for key in keys), "some were withdrawn"
    hands.fill("Keys", f"{keys[0]}\n  {keys[1]}\n\n")
    hands.press("Withdraw these")
    assert [bool(call("GET", f"/licences?key={key}")["data"]) for key in keys] == [False, False, True]
    assert keys[0] in hands.page.locator("main").inner_text()


@journey("U2 O9 a device in use is not taken out unless it is said what becomes of its ports", "mouse", "plain")
def device(walk):
    tenant = walk.gateway.tenant("proxies")
    name = f"rack {next(numbers)}/é"
    walk.world.admin(tenant, "POST", "/ports", {"ports": [{
        "device": name, "server_ip": f"203.0.113.{100 + next(numbers)}", "http_port": "10001-10002",
        "socks_port": "20001-20002", "country": "germany_id"}]})
    hands = before(walk, "proxies", "/stock/devices")
    hands.follow(name)
    hands.fill(word("City"), "Potsdam")
    hands.press("Save")
    assert "said=saved" in hands.visitor.path, hands.page.locator("main").inner_text()
    hands.follow("Take out…")
    hands.press("Take the device out")
    found = [row for row in walk.world.admin(tenant, "GET", "/devices?status=withdrawn&limit=100")["data"] if row["device"] == name]
    assert [(row["city"], row["status"]) for row in found] == [("Potsdam", "withdrawn")], found
    used = walk.world.ids["proxies"]["device"]
    hands.visitor.go(f"/t/proxies/admin/stock/devices/{used}/remove")
    hands.press("Take the device out")
    assert hands.page.get_by_role("alert").count() == 1, hands.page.locator("main").inner_text()
    assert walk.world.admin(tenant, "GET", f"/devices/{used}")["status"] == "active"


@journey("U2 O12 a name, colours and a logo are set; how well the colours are read is said; all pages have them")
def look(walk):
    office = walk.world.empty
    admin = lambda *words, **more: office.shop.admin(*words, **more).json
    hands = before(walk, "empty", "/settings")
    name = f"Bright {next(numbers)}"
    hands.fill("Name", name)
    hands.fill(word("Primary"), "yellow")
    hands.press("Save")
    assert hands.page.locator("[aria-invalid=true]").count() == 1, hands.page.locator("main").inner_text()
    hands.fill(word("Primary"), "#ffff00")
    hands.press("Save")
    settings = admin("GET", "/settings")
    assert (settings["name"], settings["colours"]["primary"]) == (name, "#ffff00"), settings
    text = hands.page.locator("main").inner_text()
    assert "1.0 : 1" in text and "19.5 : 1" in text, text
    assert name in hands.page.locator("header").inner_text()
    hands.field("Picture").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": b"not one"})
    hands.press("Upload")
    assert hands.page.get_by_role("alert").count() == 1 and admin("GET", "/settings")["logo"] is None
    hands.field("Picture").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": picture()})
    hands.press("Upload")
    assert admin("GET", "/settings")["logo"], "no logo"
    assert hands.page.locator("main img").evaluate("e => e.naturalWidth") == 1
    hands.press("Take it away")
    assert admin("GET", "/settings")["logo"] is None
    admin("PATCH", "/settings", {"name": "Empty", "colours": {"primary": None}})


@journey("U2 O12 a switch of what resellers may do is pressed, and holds", "mouse", "plain")
def switch(walk):
    office = walk.world.empty
    told = lambda: office.shop.admin("GET", "/settings").json["sandbox_before_approval"]
    hands = before(walk, "empty", "/settings")
    first = told()
    title = "Try the test book before they are approved"
    for expected in (not first, first):
        hands.press(word("Switch"), hands.page.locator("dl.facts > div").filter(has_text=title))
        assert told() == expected


@journey("U2 W13 a provisioner's secret is shown once and never again; a test shows the request and the answer",
         "mouse", "plain")
def provisioner(walk):
    works = walk.world.works
    sku = works.shop.product("http")
    url = f"http://127.0.0.1:{works.server.server_address[1]}/units"
    hands = before(walk, "works", f"/products/{sku}/provisioner")
    hands.fill("Address", url)
    hands.press("Save")
    secret = hands.page.locator(".once code").inner_text()
    assert secret.startswith("whsec_"), secret
    hands.follow("I have kept it")
    assert secret not in hands.page.content() and url in hands.page.locator("main").inner_text()
    hands.field(word("Send it")).uncheck()
    hands.press("Test")
    text = hands.page.locator("main").inner_text()
    assert "not sent" in text and f"POST {url}" in text, text
    hands.visitor.go(f"/t/works/admin/products/{sku}/provisioner")
    hands.follow("Take it away…")
    hands.press("Take it away")
    assert works.shop.admin("GET", f"/products/{sku}/provisioning").status == 404


@journey("U2 O13 support sees prices, stock and settings, and can change none", "mouse")
def support(walk):
    ids = walk.world.ids["works"]
    for path in ("/prices", f"/prices/{ids['reseller']}/{ids['sku']}", "/products", f"/products/{ids['sku']}",
                 "/settings", "/settings/payments", "/settings/provisioning", "/stock/items",
                 f"/stock/items/{ids['stock_sku']}"):
        hands = before(walk, "works", path, "support")
        assert hands.page.locator("main form[method=post]").count() == 0, path
        text = hands.page.locator("main").inner_text()
        assert "Import" not in text and "Export" not in text, path
