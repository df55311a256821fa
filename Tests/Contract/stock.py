"""O4, O10: stock that orders take from, and the details of services: sealed, for their own reseller, in no list, event,
log or export."""

import json
import uuid

from support import Checks, Gateway, arguments, together, verified_export
from units import CANARY, Scene

options = arguments()
checks = Checks()


def check_secrecy(gateway):
    scene = Scene(gateway)
    with checks("O10 W13 credentials stand in no event, list, log, audit row, export or queue"):
        order, [service] = scene.order()
        scene.until(order, "completed")
        assert scene.admin("PATCH", f"/services/{service}/details", {
            "details": {"extra": {"value": CANARY, "secret": True}, "host": None}}).status == 200
        assert set(scene.service(service)["details"]) == {"password", "extra"}
        secret = scene.desk.secret
        seen = [
            scene.admin("GET", path).body for path in (
                "/services", "/orders", f"/orders/{order}", "/audit?limit=100", "/provisioning", "/provisioning/queue",
                f"/products/{scene.sku}", "/deliveries", "/audit.jsonl")]
        seen += [scene.shop.get(scene.reseller, path).body
                 for path in ("/services", "/orders", f"/orders/{order}", "/events")]
        export = verified_export(gateway, scene.shop.slug)
        seen += [export, gateway.errors().encode()]
        for body in seen:
            for word in (CANARY, secret, secret.removeprefix("whsec_")):
                assert word.encode() not in body, (word, body[:300])
    with checks("O10 details are for their own reseller, bounded, and wrong ones are 422 naming the name"):
        other = scene.shop.reseller()
        assert scene.shop.get(other, f"/services/{service}").status == 404
        for details, pointer in [
            ({"a": {"value": 1}}, "/details/a"), ({"a": {"value": "x", "secret": "no"}}, "/details/a"),
            ({"a": "x"}, "/details/a"), ({"a": {"value": "x", "more": 1}}, "/details/a"),
            ({}, "/details"),
            ({f"n{i}": {"value": "x"} for i in range(21)}, "/details"), ({"a": {"value": "x" * 5000}}, "/details"),
            ({"": {"value": "x"}}, "/details/"), ({"n" * 65: {"value": "x"}}, "/details/" + "n" * 65),
            ({"a/b~c": {"value": 1}}, "/details/a~1b~0c"),
        ]:
            refused = scene.admin("PATCH", f"/services/{service}/details", {"details": details})
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == pointer, (details, refused)
    with checks("O10 the names of details are judged as other ids, at every door, and kept in NFC"):
        manual = scene.shop.product("manual")
        scene.shop.price(scene.reseller, manual, {"wholesale_monthly": "5.00", "is_enabled": True})
        waiting = scene.place(manual).json["order"]["id"]
        for name in (" ", "\u200b", "\u202e", "\u3000", " x", "x ", "a\u202eb", "\u0378", "a\u0007"):
            for method, path in (("PATCH", f"/services/{service}/details"), ("POST", f"/orders/{waiting}/activate")):
                refused = scene.admin(method, path, {"details": {name: {"value": "x"}}})
                assert refused.status == 422, (name, path, refused)
                [error] = refused.json["errors"]
                assert error["code"] == "format" and error["pointer"].startswith("/details/"), (name, refused)
        for name in ("e\u0301", "\u00e9"):
            assert scene.admin("PATCH", f"/services/{service}/details", {
                "details": {name: {"value": name}}}).status == 200
            assert set(scene.service(service)["details"]) == {"password", "extra", "\u00e9"}, name
        assert scene.admin("PATCH", f"/services/{service}/details", {"details": {"e\u0301": None}}).status == 200
        assert set(scene.service(service)["details"]) == {"password", "extra"}
        assert scene.admin("POST", f"/orders/{waiting}/reject", {"reason": "a test"}).status == 200
    with checks("O10 a manual order is activated with details, and rejected with a reason that its order shows"):
        manual = scene.shop.product("manual")
        scene.shop.price(scene.reseller, manual, {"wholesale_monthly": "5.00", "is_enabled": True})
        placed = scene.place(manual).json
        done = scene.admin("POST", f"/orders/{placed['order']['id']}/activate", {
            "details": {"host": {"value": "h.example"}, "password": {"value": CANARY, "secret": True}}})
        assert done.status == 200 and CANARY not in done.body.decode(), done
        [made] = placed["services"]
        assert scene.service(made["id"])["details"]["password"]["value"] == CANARY
        placed = scene.place(manual).json
        done = scene.admin("POST", f"/orders/{placed['order']['id']}/reject", {"reason": "not sold there"})
        assert done.status == 200 and done.json["reason"] == "not sold there", done
        assert scene.shop.get(scene.reseller, f"/orders/{placed['order']['id']}").json["reason"] == "not sold there"
        placed = scene.place(manual).json
        long = scene.admin("POST", f"/orders/{placed['order']['id']}/reject", {"reason": "x" * 501})
        assert long.status == 422, long
    scene.verify()


def check_stock(gateway):
    scene = Scene(gateway)
    sku = scene.shop.product("stock")
    scene.shop.price(scene.reseller, sku, {"wholesale_monthly": "1.00", "is_enabled": True})
    path = f"/products/{sku}/stock"

    def load(text, key=None, mode=""):
        return scene.admin("POST", path + mode, text.encode(), headers={
            "Content-Type": "text/csv", "Idempotency-Key": key or str(uuid.uuid4())})

    def counts():
        told = scene.admin("GET", path).json
        return told["free"], told["sold"], told["withdrawn"]

    with checks("O4 stock comes in as CSV all or none, duplicates told by line, the text by nobody"):
        key = str(uuid.uuid4())
        made = load("item\r\n" + "\r\n".join(f"key-{i}-{CANARY}" for i in range(6)) + "\r\n", key)
        assert made.status == 201 and made.json["imported"] == 6, made
        assert load("item\r\n" + "\r\n".join(f"key-{i}-{CANARY}" for i in range(6)) + "\r\n", key).body == made.body
        for text, pointers in [
            (f"item\nnew-1\nkey-3-{CANARY}\n", ["/line/3/item"]), ("item\na\nb\na\n", ["/line/4/item"]),
            ("item\nfine\n" + "x" * 2001 + "\n", ["/line/3/item"]), ("text\na\n", ["/line/1/text", "/line/1/item"]),
        ]:
            refused = load(text)
            assert refused.status == 422 and CANARY not in refused.body.decode(), refused
            assert [error["pointer"] for error in refused.json["errors"]] == pointers, refused
            assert counts() == (6, 0, 0), counts()
    with checks("O4 an order takes n in its transaction, oldest first, into the details; the quote refuses alike"):
        placed = scene.place(sku, quantity=2)
        assert placed.status == 201 and placed.json["order"]["state"] == "completed", placed
        items = [scene.service(service["id"])["details"]["item"] for service in placed.json["services"]]
        assert items == [{"value": f"key-{i}-{CANARY}", "secret": True} for i in (0, 1)], items
        assert counts() == (4, 2, 0)
        for refused in (scene.shop.quote(scene.reseller, sku, quantity=5), scene.place(sku, quantity=5)):
            assert refused.status == 409 and refused.json["code"] == "out_of_stock", refused
        assert counts() == (4, 2, 0)
    with checks("O4 a free item is withdrawn and sold to nobody; a sold one is 409"):
        listed = scene.admin("GET", path + "/items").json["data"]
        assert len(listed) == 6 and CANARY not in json.dumps(listed), listed
        assert scene.admin("DELETE", f"{path}/items/{listed[0]['id']}").status == 409
        gone = scene.admin("DELETE", f"{path}/items/{listed[2]['id']}")
        assert gone.status == 200 and gone.json["withdrawn_at"], gone
        assert counts() == (3, 2, 1)
        placed = scene.place(sku).json
        assert scene.service(placed["services"][0]["id"])["details"]["item"]["value"] == f"key-3-{CANARY}"
    with checks("O4 all stock is counted: what is free, sold, withdrawn, and how long it lasts at the rate of 30 days"):
        [level] = [row for row in scene.admin("GET", "/stock?kind=items").json["data"] if row["product"] == sku]
        assert level == {"kind": "items", "product": sku, "country": None, "free": 2, "expired": 0, "used": 3,
                         "withdrawn": 1, "used_30_days": 3, "days_left": 20}, level
        assert scene.admin("GET", "/stock?mode=test").json["data"] == []
        assert scene.admin("GET", "/stock?kind=apples").status == 422
    with checks("O4 twenty orders at once for two items: two are sold, each once"):
        answers = together([lambda: scene.place(sku) for _ in range(20)])
        assert sorted(answer.status for answer in answers) == [201] * 2 + [409] * 18, answers
        sold = [scene.service(answer.json["services"][0]["id"])["details"]["item"]["value"] for answer in answers
                if answer.status == 201]
        assert len(set(sold)) == 2 and counts() == (0, 5, 1)
        export = verified_export(gateway, scene.shop.slug)
        assert CANARY.encode() not in export


with Gateway(options.tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
    gateway.provider_key
    for part in (check_secrecy, check_stock):
        part(gateway)
checks.finish()
