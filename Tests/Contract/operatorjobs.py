"""An operator's week (week_operator.py), what is done now and then: the catalogue and its files, limits, what waits and
what comes next, stock of items and of ports, services one by one, customers of every kind, the tenant's looks, and the
reports. Each job is done by the API and once more by the command line."""

import csv
from decimal import Decimal
import io
import json
import os

from logo import png
from shop import PASSWORD, Shop
from support import wait_until

CSV = {"Content-Type": "text/csv"}


def send(desk, key, path, text, kind="text/csv", **headers):
    body = text.encode() if isinstance(text, str) else text
    answer = desk.call(key, "PUT" if path.endswith("/logo") else "POST", path, body, headers={
        "Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}})
    assert answer.status in (200, 201), (path, answer)
    return answer.json


def catalogue(checks, desk, work):
    head = "sku,name,fulfilment,list_monthly\n"
    with checks("O4 a product and its list price, and products by a file that is tried first and applied by its hash"):
        desk.do("POST", "/products", {"sku": "mail-1", "name": "Mail", "fulfilment": "manual"}, work, 201)
        changed = desk.do("PATCH", "/products/mail-1", {"list": {"monthly": "3.00"}, "hidden": True}, work)
        assert changed["list"]["monthly"] == "3.00" and changed["hidden"] is True, changed
        text = head + "mail-1,Mail,manual,3.50\nmail-2,More mail,instant,7.00\n"
        tried = send(desk, work, "/products.csv?dry_run=true", text)
        assert tried["counts"] == {"rows": 2, "new": 1, "changed": 1, "same": 0, "errors": 0}, tried
        assert desk.call(work, "GET", "/products/mail-2").status == 404
        send(desk, work, "/products.csv", text, If_Match=f"\"{tried['hash']}\"")
        listed = [desk.ask(f"/products/mail-{number}", work)["list"]["monthly"] for number in (1, 2)]
        assert listed == ["3.50", "7.00"], listed
    with checks("O4 the catalogue, once more by command line"):
        desk.run("product", "add", "mail-3", "--name", "All mail", "--fulfilment", "instant", key=work)
        changed = desk.run("product", "change", "mail-3", "--list-monthly", "9.00", "--hidden", "yes", key=work)
        assert changed["list"]["monthly"] == "9.00" and changed == desk.run("product", "show", "mail-3"), changed
        file = desk.file("products.csv", head + "mail-3,All mail,instant,9.50\n")
        tried = desk.run("product", "import", file, "--dry-run", key=work)
        desk.line("product", "import", file, "--if-match", tried["hash"], key=work)
        path = os.path.join(desk.folder, "all-products.csv")
        desk.line("product", "export", "--output", path)
        with open(path, encoding="utf-8") as saved:
            rows = {row["sku"]: row["list_monthly"] for row in csv.DictReader(saved)}
        assert rows["mail-3"] == "9.50" and set(rows) == {
            row["sku"] for row in desk.run("product", "list")["data"]}, rows


def limits(checks, desk, reseller):
    minted = desk.shop.mint(reseller).json
    path = f"/api-keys/{minted['id']}/limit"

    def call(times):
        return [desk.gateway.get(f"{desk.shop.base}/api/partner/v1/balance", key=minted["key"]).status
                for _ in range(times)]

    with checks("O2 a key has a limit; its level is seen, filled again, and another limit is tried on what was called"):
        desk.do("PUT", path, {"requests": 2, "window_seconds": 3600})
        assert call(3) == [200, 200, 429] and desk.ask(path)["limit"]["remaining"] == 0
        filled = desk.do("POST", path + "/reset")
        assert filled["limit"]["remaining"] == 2 and call(1) == [200], filled
        assert desk.ask(f"/api-keys/{minted['id']}")["limit"]["remaining"] == 1
        tried = desk.do("POST", path + "/rehearse", {"requests": 1, "window_seconds": 3600, "days": 2})
        assert (tried["asked"], tried["refused_then"]) == (4, 1) and tried["would_be_refused"] == 3, tried
    with checks("O2 limits, once more by command line"):
        assert desk.run("limit", "show", minted["id"])["limit"]["remaining"] == 1
        assert desk.run("limit", "reset", minted["id"])["limit"]["remaining"] == 2
        again = desk.run("limit", "rehearse", minted["id"], "1/3600", "--days", "2")
        assert (again["asked"], again["hours"]) == (tried["asked"], tried["hours"]), again
        assert desk.run("limit", "remove", minted["id"])["limit"] is None and call(3) == [200] * 3


def units(checks, desk, work, reseller):
    shop = desk.shop
    sku = shop.product("http")
    shop.price(reseller, sku, {"wholesale_monthly": "3.00"})
    services = [shop.order(reseller, sku).json["services"][0]["id"] for _ in range(4)]

    def state(service):
        return shop.get(reseller, f"/services/{service}").json["status"]

    with checks("W13 O7 units that nobody makes wait in a queue: one is asked for and confirmed, one is given up"):
        assert {row["service"] for row in desk.ask("/provisioning/queue")["data"]} == set(services)
        desk.do("POST", f"/provisioning/{services[0]}/retry", key=work)
        desk.do("POST", f"/provisioning/{services[0]}/confirm", {"details": {"host": {"value": "h9.example"}}}, work)
        desk.do("POST", f"/provisioning/{services[1]}/give_up", {"reason": "sold out"}, work)
        assert state(services[0]) == "active" and state(services[1]) == "cancelled"
    with checks("W13 O7 the queue of units, once more by command line"):
        rows = desk.run("provisioning", "queue")["data"]
        assert {row["service"] for row in rows if row["verb"] == "create"} == set(services[2:]), rows
        desk.run("provisioning", "retry", services[2], key=work)
        details = desk.file("host.json", json.dumps({"host": {"value": "h8.example"}}))
        desk.run("provisioning", "confirm", services[2], "--details-file", details, key=work)
        desk.run("provisioning", "give-up", services[3], "--reason", "sold out", key=work)
        assert state(services[2]) == "active" and state(services[3]) == "cancelled"
        assert desk.run("service", "show", services[2])["details"]["host"]["value"] == "h8.example"


def what_waits(checks, desk, work):
    shop = desk.shop
    reseller = shop.reseller(balance="100.00")
    shop.price(reseller, "vps-1", {"wholesale_monthly": "4.00"})
    shop.price(reseller, "metal-1", {"wholesale_monthly": "4.00"})
    hook = shop.call(reseller, "POST", "/webhooks", {
        "name": "away", "url": "https://nobody.invalid/hook", "events": ["order.completed", "order.created"]}).json
    began = desk.ask("/audit?limit=1")["data"][0]["at"]
    shop.order(reseller, "vps-1")
    waits = shop.order(reseller, "metal-1").json["order"]["id"]
    query = f"reseller={reseller['id']}"
    with checks("H3 H4 O7 deliveries that fail are found with their attempts, tried again, held, and replayed"):
        rows = wait_until(lambda: (rows := desk.ask(f"/deliveries?{query}&state=pending")["data"]) and all(
            row["tries"] for row in rows) and rows)
        one = desk.ask(f"/deliveries/{rows[0]['id']}")
        assert one["attempts"][0]["outcome"] == "dns" and one["body"], one
        desk.do("POST", f"/deliveries/{one['id']}/retry", key=work)
        body = {"since": began, "reseller": reseller["id"], "states": ["pending"], "dry_run": True}
        counted = desk.do("POST", "/deliveries/replay", body, work)["count"]
        assert counted == len(rows) == desk.ask(f"/deliveries/count?{query}&since={began}&state=pending")["count"]
        desk.do("POST", f"/webhooks/{hook['id']}/disable", key=work)
        held = desk.ids(f"/deliveries?{query}&state=held")
        assert sorted(held) == sorted(row["id"] for row in rows), held
        desk.do("POST", f"/webhooks/{hook['id']}/enable", key=work)
        sent = desk.do("POST", "/deliveries/replay", {
            "since": began, "reseller": reseller["id"], "states": ["held"]}, work)
        assert sent["count"] == len(held), sent
    with checks("H3 H4 O7 deliveries, once more by command line"):
        desk.run("webhooks", "disable", hook["id"], key=work)
        words = ["deliveries", "list", "--reseller", reseller["id"]]
        assert desk.found(*words, "--state", "held") == held and desk.found(*words, "--state", "dead") == []
        desk.run("webhooks", "enable", hook["id"], key=work)
        replay = ["deliveries", "replay", "--since", began, "--reseller", reseller["id"], "--state", "held"]
        assert desk.run(*replay, "--dry-run", key=work)["count"] == desk.run(*replay, key=work)["count"] == len(held)
        shown = desk.run("deliveries", "show", one["id"])
        assert shown["body"] == one["body"] and shown["attempts"][0]["outcome"] == "dns", shown
        assert desk.run("deliveries", "retry", held[0], key=work)["id"] == held[0]
        assert hook["id"] in desk.found("webhooks", "list", "--reseller", reseller["id"])
        told = desk.line("events", "tail", "--once", "--type", "order.created", "--json")
        assert json.loads(told.splitlines()[0])["data"] == desk.ask("/events?types=order.created")["data"]
    with checks("W9 O7 what comes next by itself, and what waits for a person: by the API and by command line"):
        ahead = desk.ask(f"/due?{query}&kind=renewal")["data"]
        assert [row["kind"] for row in ahead] == ["renewal"] and ahead[0]["amount"] == "4.00", ahead
        assert desk.run("due", "--reseller", reseller["id"], "--kind", "renewal")["data"] == ahead
        waiting = {line["kind"]: line["count"] for line in desk.ask("/attention")["data"]}
        assert waiting["orders_pending"] >= 1, waiting
        assert {line["kind"]: line["count"] for line in desk.run("attention")["data"]} == waiting
        desk.do("POST", f"/orders/{waits}/reject", {"reason": "no rack"}, work)


def items_and_ports(checks, desk, work):
    ports = "device,server_ip,http_port,socks_port,country\n" + "".join(
        f"d-{number},46.8.1.{number},1,11,fr\n" for number in range(1, 5))
    with checks("O4 O9 items and ports: taken in, counted, corrected, taken out"):
        desk.do("PUT", "/countries/fr", {"base_price": "1.50"}, work)
        desk.do("POST", "/products", {"sku": "game-1", "name": "Game", "fulfilment": "stock"}, work, 201)
        taken = send(desk, work, "/products/game-1/stock", "item\nA-1\nA-2\n", Idempotency_Key="items-1")
        assert taken["imported"] == 2, taken
        oldest = desk.ask("/products/game-1/stock/items")["data"][0]["id"]
        desk.do("DELETE", f"/products/game-1/stock/items/{oldest}", key=work)
        counted = desk.ask("/products/game-1/stock")
        assert (counted["free"], counted["withdrawn"]) == (1, 1), counted
        send(desk, work, "/ports", ports, Idempotency_Key="ports-1")
        assert desk.do("PATCH", "/devices/d-1", {"city": "Lyon"}, work)["city"] == "Lyon"
        desk.do("PATCH", "/ports/46.8.1.1:1", {"http_port": 21}, work)
        desk.do("DELETE", "/ports/46.8.1.1:21?ports=end", key=work)
        desk.do("DELETE", "/devices/d-2?ports=end", key=work)
        active = {row["device"] for row in desk.ask("/devices?status=active")["data"]}
        assert {"d-3", "d-4"} <= active and "d-2" not in active, active
    with checks("O4 O9 items and ports, once more by command line"):
        file = desk.file("items.csv", "item\nB-1\nB-2\n")
        assert desk.run("stock", "import", "game-1", file, key=work)["imported"] == 2
        item = desk.found("stock", "list", "game-1")[-1]
        desk.run("stock", "withdraw", "game-1", item, key=work)
        levels = desk.run("stock", "levels", "--kind", "items")["data"]
        level = next(row for row in levels if row["product"] == "game-1")
        assert level["free"] == 2, level
        assert desk.run("devices", "change", "d-3", "--city", "Nice", key=work)["city"] == "Nice"
        desk.run("ports", "change", "46.8.1.3:1", "--http-port", "31", key=work)
        assert "46.8.1.3" in desk.line("ports", "list")
        desk.line("ports", "withdraw", "46.8.1.3:31", key=work)
        desk.line("devices", "withdraw", "d-4", key=work)
        more = desk.file("ports.csv", "device,server_ip,http_port,socks_port,country\nd-5,46.8.1.9,1,11,fr\n")
        desk.run("ports", "import", more, key=work)
        active = {row["device"] for row in desk.run("devices", "list")["data"] if row["status"] == "active"}
        assert "d-5" in active and "d-4" not in active, active


def services(checks, desk, work, reseller):
    shop = desk.shop
    shop.price(reseller, "metal-1", {"wholesale_monthly": "6.00"})

    def placed(sku):
        made = shop.order(reseller, sku, customer="c-7").json
        return made["order"]["id"], made["services"][0]["id"]

    with checks("O10 an order is rejected; a service suspended, resumed, ended, kept, re-priced, its details changed"):
        (order, _), (_, service) = placed("metal-1"), placed("vps-1")
        assert desk.do("POST", f"/orders/{order}/reject", {"reason": "no rack"}, work)["state"] == "rejected"
        for move, state in (("suspend", "suspended"), ("resume", "active")):
            assert desk.do("POST", f"/services/{service}/{move}", key=work)["status"] == state
        desk.do("PATCH", f"/services/{service}/details", {"details": {"host": {"value": "h7.example"}}}, work)
        assert desk.do("POST", f"/services/{service}/cancel", {"at": "term_end"}, work)["ends_at"]
        assert desk.do("DELETE", f"/services/{service}/cancel", key=work)["ends_at"] is None
        prices = {"reseller": reseller["id"], "product": "vps-1", "price": "11.00"}
        tried = desk.do("POST", "/services/reprice", {**prices, "dry_run": True}, work)
        assert service in json.dumps(tried) and desk.ask(f"/services/{service}")["term_price"] != "11.00", tried
        desk.do("POST", "/services/reprice", prices, work)
        assert desk.ask(f"/services/{service}")["term_price"] == "11.00"
        rows = list(csv.DictReader(io.StringIO(desk.call(work, "GET", "/orders.csv").body.decode())))
        assert {row["id"] for row in rows} >= {order}
    with checks("O10 the same of orders and services, once more by command line"):
        (order, _), (_, service) = placed("metal-1"), placed("vps-1")
        assert desk.run("order", "reject", order, "--reason", "no rack", key=work)["state"] == "rejected"
        assert desk.run("service", "suspend", service, key=work)["status"] == "suspended"
        assert desk.run("service", "resume", service, key=work)["status"] == "active"
        file = desk.file("details.json", json.dumps({"host": {"value": "h6.example"}}))
        desk.run("service", "details", service, "--details-file", file, key=work)
        assert desk.run("service", "show", service)["details"]["host"]["value"] == "h6.example"
        words = ["service", "reprice", "--price", "12.00", "--reseller", reseller["id"], "--product", "vps-1"]
        assert service in desk.line(*words, "--dry-run", key=work)
        desk.line(*words, key=work)
        assert desk.run("service", "show", service)["term_price"] == "12.00"
        for kind, id in (("order", order), ("service", service)):
            path = os.path.join(desk.folder, f"{kind}s.csv")
            desk.line(kind, "export", "--output", path)
            with open(path, encoding="utf-8") as saved:
                assert id in [row["id"] for row in csv.DictReader(saved)]


def resellers_end(checks, desk, work):
    with checks("O3 O13 a reseller gets a new secret and a link to a password; it is suspended, resumed, terminated"):
        path = f"/resellers/{desk.shop.reseller(password=PASSWORD)['id']}"
        assert desk.do("POST", path + "/webhook-secret/rotate", {}, work)["webhook_secret"].startswith("whsec_")
        desk.accept(desk.do("POST", path + "/password-reset", key=work, status=201)["url"], "a new one of it")
        for move, status in (("suspend", "suspended"), ("resume", "active"), ("terminate", "terminated")):
            assert desk.do("POST", f"{path}/{move}", key=work)["status"] == status
    with checks("O3 O13 the same, once more by command line"):
        id = desk.shop.reseller(password=PASSWORD)["id"]
        assert desk.run("reseller", "secret", id, key=work)["webhook_secret"].startswith("whsec_")
        desk.accept(desk.run("reseller", "reset-password", id, key=work)["url"], "a new one of it")
        for move, status in (("suspend", "suspended"), ("resume", "active"), ("terminate", "terminated")):
            assert desk.run("reseller", move, id, key=work)["status"] == status


def customers(checks, desk, other):
    """`other` makes the desk of a tenant of another kind."""
    with checks("O11 customers of orders: by the API"):
        customer, = desk.ask("/customers?q=c-9")["data"]
        changed = desk.do("PATCH", f"/customers/{customer['id']}", {"email": "jo@there.example"})
        assert changed["email"] == "jo@there.example" == desk.ask(f"/customers/{customer['id']}")["email"], changed
    with checks("O11 A8 customers of codes, and their codes: by the API and by command line"):
        coded = other("codes")
        seller = coded.shop.reseller(balance="100.00")
        coded.do("POST", "/products", {
            "sku": "a-month", "name": "A month", "fulfilment": "instant", "days": 30, "retail_price": "9.00",
            "wholesale_price": "5.00"}, status=201)
        made = coded.gateway.post(f"{coded.shop.base}/api/reseller/generate", {"planId": "a-month", "count": 1},
                                  headers={"x-api-key": seller["key"]})
        code = made.json["codes"][0]["code"]
        redeemed = coded.gateway.post(
            f"{coded.shop.base}/activate/{code}", {"email": "c@there.example", "password": PASSWORD})
        assert redeemed.status == 200, redeemed
        subscriber, = coded.ask("/subscribers?email=c@there.example")["data"]
        assert coded.run("subscriber", "list", "--email", "c@there.example")["data"] == [subscriber]
        shown = coded.line("subscriber", "show", subscriber["id"])
        assert "c@there.example" in shown and "a-month" in shown, shown
        bought = coded.ask(f"/subscribers/{subscriber['id']}/redemptions")["data"]
        assert len(bought) == 1 and bought[0]["days"] == 30, bought
        assert len(coded.run("code", "list")["data"]) == 1
    with checks("O11 users that resellers signed up: by the API and by command line"):
        panel = other("panel")
        seller = panel.shop.reseller()
        signed = panel.gateway.post(f"{panel.shop.base}/api/v1/reseller/signup", {
            "email": "u@there.example", "name": "U", "password": PASSWORD}, key=seller["key"])
        assert signed.status in (200, 201), signed
        user, = panel.ask(f"/users?signed_up_via={seller['key_id']}")["data"]
        assert panel.run("user", "list", "--by-key", seller["key_id"])["data"] == [user]


def standing(checks, desk, work):
    seller = desk.shop.reseller()

    def stands():
        return desk.shop.get(seller, "/account").json["standing"]

    with checks("O8 a ledger that differs opens a review, its reseller sees that, and a note closes it"):
        ledger = b"external_ref,kind,amount,at\nt-2,topup,1.00,2026-01-01\n"
        found = desk.call(work, "POST", f"/reconciliations?reseller={seller['id']}", ledger)
        assert found.status == 201 and found.json["agrees"] is False and stands() == "under_review", found
        review, = desk.ask("/reviews?status=open")["data"]
        assert desk.ask(f"/reconciliations/{found.json['id']}")["review"] == review["id"]
        desk.do("POST", f"/reviews/{review['id']}/close", {"note": "a slip"}, work)
        assert stands() == "good" and desk.ask(f"/reviews/{review['id']}")["note"] == "a slip"


def looks(checks, desk):
    picture = png(8, 8)
    with checks("O12 the programme's name, its colours and its logo: by the API and by command line"):
        changed = desk.do("PATCH", "/settings", {"name": "Ada's", "colours": {"primary": "#102030"}})
        assert (changed["name"], changed["colours"]["primary"]) == ("Ada's", "#102030"), changed
        logo = send(desk, desk.owner, "/settings/logo", picture, "image/png")["logo"]
        assert desk.gateway.get(desk.path(logo)).body == picture
        changed = desk.run("settings", "change", "--name", "Ada & Bob", "--accent", "#405060")
        assert changed == desk.run("settings", "show") == desk.ask("/settings"), changed
        assert (changed["name"], changed["colours"]["accent"]) == ("Ada & Bob", "#405060"), changed
        path = os.path.join(desk.folder, "logo.png")
        with open(path, "wb") as file:
            file.write(png(9, 9))
        assert desk.run("settings", "logo", path)["logo"] != logo
        desk.line("settings", "logo", "--remove")
        assert desk.ask("/settings")["logo"] is None


def more_reports(checks, desk):
    def lines(kind, query):
        return desk.ask(f"/reports/{kind}?{query}&limit=100")["data"]

    with checks("O14 turnover and refunds are the same by product and reseller; holds, credit, balances what is"):
        for kind, figure in (("turnover", "turnover"), ("refunds", "refunds")):
            whole = sum(Decimal(row[figure]) for row in lines(kind, "by=month"))
            for group in ("product", "reseller"):
                parts = lines(kind, f"by=day&group={group}")
                assert sum(Decimal(row[figure]) for row in parts) == whole and parts, (kind, group, parts)
        rows = [desk.ask(f"/resellers/{id}") for id in desk.ids("/resellers?limit=100")]
        held = sum(Decimal(row["held"]) for row in rows)
        assert sum(Decimal(row["open"]) for row in lines("holds", "by=month")) == held, held
        standing = {row["reseller"]: row for row in lines("balances", "by=month&group=reseller")}
        for row in rows:
            if row["id"] in standing:
                told = standing[row["id"]]
                assert (told["balance"], told["held"]) == (row["balance"], row["held"]), (told, row)
        owing = {row["id"]: row["balance"] for row in rows if Decimal(row["balance"]) < 0}
        assert {row["reseller"]: row["balance"] for row in lines("credit", "by=month")} == owing, owing
    with checks("O14 the same reports and their files, once more by command line"):
        for kind, groups in (("turnover", ("product", "reseller")), ("refunds", ("product", "reseller")),
                             ("holds", ("product", "reseller")), ("credit", ("reseller",)),
                             ("balances", ("reseller",))):
            for group in groups:
                words = ["report", kind, "--by", "day", "--group", group]
                told = desk.run(*words, "--limit", "100")["data"]
                assert told == lines(kind, f"by=day&group={group}"), (kind, group)
                path = os.path.join(desk.folder, f"{kind}-{group}.csv")
                desk.line(*words, "--output", path)
                with open(path, encoding="utf-8") as file:
                    assert [row[group] for row in csv.DictReader(file)] == [row[group] for row in told], path
