"""O10: refunds of orders. What was taken goes back once: of an order, a service, a period. What it leaves due is paid,
the reseller is told, the ledger agrees, and a crash or a repeated call pays nothing back twice."""

import csv
from decimal import Decimal
import json
import os
import re
import uuid

from clientwire import Between
from shop import Shop
from support import Checks, Gateway, arguments, command, together, verified_export, wait_until
from units import Scene

options = arguments()
checks = Checks()


class Refunds(Shop):
    def __init__(self, gateway):
        super().__init__(gateway, currency="EUR")
        self.buyer = self.reseller("1000.00")
        self.sku, self.manual = self.product(), self.product("manual")
        for sku in (self.sku, self.manual):
            self.price(self.buyer, sku, {
                "wholesale_monthly": "10.00", "wholesale_setup_fee": "1.00", "is_enabled": True})

    def placed(self, sku=None, quantity=1, **options):
        answer = self.order(self.buyer, sku or self.sku, quantity=quantity, **options)
        assert answer.status == 201, answer
        return answer.json["order"]["id"], [service["id"] for service in answer.json["services"]]

    def refund(self, order, amount, key=None, by=None, **fields):
        body = {"amount": amount, "reason": "it was down", **fields}
        return self.admin("POST", f"/orders/{order}/refund", body, key=by, headers={
            "Idempotency-Key": key or str(uuid.uuid4())})

    def shown(self, order):
        return self.get(self.buyer, f"/orders/{order}").json


def check_sums(shop):
    with checks("O10 a refund goes from sales to the balance, linked to its order, and both sides see it"):
        before = shop.balance(shop.buyer)
        order, _ = shop.placed(quantity=2)
        done = shop.refund(order, "5.50")
        assert done.status == 200 and done.json["refunded"] == "5.50" and done.json["state"] == "completed", done
        assert done.json["refund"]["id"].startswith("rfd_") and done.json["refund"]["reason"] == "it was down", done
        assert done.json["refund"]["refunded_by"] == f"owner@{shop.slug}.example", done
        assert shop.balance(shop.buyer) == before - 22 + Decimal("5.50")
        newest = shop.get(shop.buyer, "/statement?limit=1").json["data"][0]
        assert newest["kind"] == "refund" and newest["reference"] == order and newest["amount"] == "5.50", newest
        own = shop.shown(order)
        assert own["refunded"] == "5.50" and [refund["amount"] for refund in own["refunds"]] == ["5.50"], own
        assert "refunded_by" not in own["refunds"][0], own
        listed = shop.admin("GET", f"/orders?reseller={shop.buyer['id']}").json["data"]
        assert [row["refunded"] for row in listed] == ["5.50"]
    with checks("O10 W10 order.refunded says what was paid back and shows the order as its GET does"):
        event = shop.get(shop.buyer, "/events").json["data"][-1]
        assert event["type"] == "order.refunded", event
        told = dict(event["data"])
        assert told.pop("amount") == "5.50" and told.pop("refund") == own["refunds"][0], event
        assert told == {name: own[name] for name in told}, (told, own)
    with checks("O10 no more is paid back than was taken: of the order, of a service, of a period; refused at /amount"):
        over = shop.refund(order, "16.51")
        assert over.status == 422 and over.json["code"] == "refund_exceeds_captured", over
        assert "16.50" in over.json["detail"], over
        assert [error["pointer"] for error in over.json["errors"]] == ["/amount"], over
        assert shop.refund(order, "16.50").status == 200
        assert shop.refund(order, "0.01").status == 422
        order, [first, second] = shop.placed(quantity=2)
        assert shop.refund(order, "11.01", service=first).status == 422
        assert shop.refund(order, "10.00", service=first, period=0).status == 200
        assert shop.refund(order, "1.01", service=first).status == 422
        assert shop.refund(order, "0.01", service=first, period=1).status == 422
        assert shop.refund(order, "1.00", service=first).status == 200
        assert shop.refund(order, "11.01").status == 422
        assert shop.refund(order, "11.00", service=second).status == 200
        assert shop.shown(order)["refunded"] == "22.00"
        assert {refund["service_id"] for refund in shop.shown(order)["refunds"]} == {first, second}
    with checks("O10 of many at once just as many are paid as there is money"):
        order, _ = shop.placed()
        answers = together([lambda: shop.refund(order, "4.00") for _ in range(8)])
        assert sorted(answer.status for answer in answers) == [200] * 2 + [422] * 6, answers
        assert shop.shown(order)["refunded"] == "8.00"
    return order


def check_refusals(shop, order):
    with checks("O10 G4 a refund needs an Idempotency-Key, and the same call again pays nothing more"):
        bare = shop.admin("POST", f"/orders/{order}/refund", {"amount": "0.10", "reason": "x"})
        assert bare.status == 400, bare
        key = str(uuid.uuid4())
        first, again = shop.refund(order, "0.10", key=key), shop.refund(order, "0.10", key=key)
        assert first.status == 200 and again.body == first.body and again.headers["idempotency-hit"] == "true", again
        assert shop.refund(order, "0.20", key=key).status == 422
        assert shop.shown(order)["refunded"] == "8.10"
    with checks("O10 a pending order is 409, a rejected one has nothing to give, unknown orders and services are 404"):
        pending, [unit] = shop.placed(shop.manual)
        refused = shop.refund(pending, "1.00")
        assert refused.status == 409 and refused.json["code"] == "order_pending", refused
        assert shop.admin("POST", f"/orders/{pending}/reject", {"reason": "no"}).status == 200
        assert shop.refund(pending, "0.01").status == 422
        manual, [mine] = shop.placed(shop.manual)
        assert shop.admin("POST", f"/orders/{manual}/activate").status == 200
        assert shop.refund(manual, "11.00", service=mine, period=0).status == 200
        assert shop.refund("ord_none", "1.00").status == 404
        for service in ("svc_none", unit, mine):
            assert shop.refund(order, "0.01", service=service).status == 404, service
    with checks("O10 wrong amounts, reasons and periods are 422 naming the field, and nothing is paid"):
        before = shop.shown(order)
        for fields, pointer in [
            ({"amount": "0"}, "/amount"), ({"amount": "-1.00"}, "/amount"), ({"amount": "0.001"}, "/amount"),
            ({"amount": None}, "/amount"), ({"amount": "x"}, "/amount"), ({"reason": ""}, "/reason"),
            ({"reason": "x" * 501}, "/reason"), ({"reason": None}, "/reason"), ({"period": 0}, "/service"),
            ({"service": "s", "period": -1}, "/period"), ({"note": "x"}, "/note"),
        ]:
            refused = shop.admin(
                "POST", f"/orders/{order}/refund", {"amount": "0.01", "reason": "r", **fields}, idempotent=True)
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == pointer, (fields, refused)
        assert shop.shown(order) == before
    with checks("O10 O1 a key of mode test refunds test orders alone, where nothing moves"):
        key = shop.admin("POST", "/api-keys", {
            "owner_email": f"owner@{shop.slug}.example", "mode": "test", "role": "operator"}).json["key"]
        assert shop.refund(order, "0.01", by=key).status == 403
        tester = {**shop.buyer, "key": shop.mint(shop.buyer, mode="test").json["key"]}
        placed = shop.order(tester, shop.sku)
        before = shop.balance(shop.buyer)
        done = shop.refund(placed.json["order"]["id"], "3.00", by=key)
        assert done.status == 200 and done.json["refunded"] == "3.00", done
        assert shop.refund(placed.json["order"]["id"], "8.01", by=key).status == 422
        assert shop.balance(shop.buyer) == before and shop.balance(tester) == 0


def check_dues(gateway, shop):
    with checks("O10 W9 a refund pays what is past due, in its own transaction"):
        poor = shop.reseller("21.00")
        shop.price(poor, shop.sku, {"wholesale_monthly": "10.00", "is_enabled": True})
        orders = [shop.order(poor, shop.sku).json for _ in range(2)]
        gateway.jump(32 * 86_400)
        wait_until(lambda: len(shop.get(poor, "/services?status=past_due").json["data"]) == 2)
        order, [service] = orders[0]["order"]["id"], [unit["id"] for unit in orders[0]["services"]]
        done = shop.refund(order, "10.00", service=service)
        assert done.status == 200 and [paid["amount"] for paid in done.json["services_paid"]] == ["10.00"], done
        assert shop.balance(poor) == 1
        assert len(shop.get(poor, "/services?status=past_due").json["data"]) == 1
    with checks("O10 a renewal is refunded by its period, and no further"):
        paid = done.json["services_paid"][0]["id"]
        owner = next(order for order in orders if order["services"][0]["id"] == paid)["order"]["id"]
        assert shop.refund(owner, "10.01", service=paid, period=1).status == 422
        assert shop.refund(owner, "10.00", service=paid, period=1).status == 200
        assert shop.refund(owner, "0.01", service=paid, period=1).status == 422


def check_open_units(gateway):
    scene, first = Scene(gateway), {}

    def fault(call, attempt):
        """The first unit is made, the other is not."""
        return "ok" if first.setdefault("unit", call["service"]) == call["service"] else "500 before"

    scene.desk.fault = fault
    with checks("O10 W13 while a unit is open nothing of its order can be refunded, nor is anything said to be"):
        order, services = scene.order(quantity=2)
        wait_until(lambda: scene.read(order)["ready_units"] == 1)
        gateway.jump(32 * 86_400)
        told = wait_until(lambda: scene.read(order)["money"]["renewed"] == "10.00" and scene.read(order))
        assert told["state"] == "pending" and told["money"]["captured"] == "10.00", told
        assert told["money"]["refundable"] == "0.00", told
        refused = scene.admin("POST", f"/orders/{order}/refund", {"amount": "1.00", "reason": "r"}, idempotent=True)
        assert refused.status == 409 and refused.json["code"] == "order_pending", refused
        assert "still open" in refused.json["detail"], refused
    with checks("O10 W13 once its last unit is decided what was taken for the others can be refunded"):
        # It is not made after all; what is there of it goes.
        scene.desk.fault = lambda call, attempt: "500 before" if call["verb"] == "create" else "ok"
        other = next(service for service in services if service != first["unit"])
        given = scene.admin("POST", f"/provisioning/{other}/give_up", {"reason": "no room"})
        assert given.status == 200, given
        told = scene.read(order)
        assert told["state"] == "completed" and told["money"]["refundable"] == "20.00", told
        done = scene.admin("POST", f"/orders/{order}/refund", {"amount": "15.00", "reason": "r"}, idempotent=True)
        assert done.status == 200 and done.json["money"]["refundable"] == "5.00", done
    scene.verify()


def check_kill(gateway, shop):
    with checks("O10 G8 kill -9 amid refunds: what was answered stays, and each key repeated pays once in all"):
        order, _ = shop.placed(quantity=10)
        keys = [str(uuid.uuid4()) for _ in range(60)]
        answered = []

        def ask(key):
            try:
                answer = shop.refund(order, "0.10", key=key)
            except OSError:
                return
            answered.append(answer.status)

        def kill():
            wait_until(lambda: len(answered) >= 15, pause_seconds=0.001)
            gateway.kill()

        together([kill, *(lambda key=key: [ask(key)] for key in keys)])
        assert set(answered) == {200} and len(answered) < 60, answered
        gateway.start()
        assert Decimal(shop.shown(order)["refunded"]) * 10 >= len(answered)
        assert {shop.refund(order, "0.10", key=key).status for key in keys} == {200}
        assert shop.shown(order)["refunded"] == "6.00" and len(shop.shown(order)["refunds"]) == 60


def check_line(gateway, shop):
    def line(*words, status=0):
        done = gateway.command(*words, "--tenant", shop.slug, "--key", shop.owner_key)
        assert done.returncode == status, (words, done.stdout, done.stderr)
        return done.stdout if status == 0 else done.stderr

    with checks("O10 `tollgate order` finds, activates, rejects and refunds, and says what is wrong"):
        order, _ = shop.placed(quantity=2)
        pending, _ = shop.placed(shop.manual)
        other, _ = shop.placed(shop.manual)
        assert pending in line("order", "list", "--state", "pending", "--reseller", shop.buyer["id"])
        assert order not in line("order", "list", "--state", "pending")
        assert "completed" in line("order", "activate", pending)
        assert "no room" in line("order", "reject", other, "--reason", "no room")
        assert "refunded" in line("order", "refund", order, "--amount", "2.00", "--reason", "late")
        key = ["--idempotency-key", str(uuid.uuid4())]
        for _ in range(2):
            line("order", "refund", order, "--amount", "1.00", "--reason", "late", *key)
        assert shop.shown(order)["refunded"] == "3.00"
        assert "19.00" in line("order", "refund", order, "--amount", "99.00", "--reason", "late", status=1)
        assert "pending, completed, rejected" in line("order", "list", "--state", "x", status=1)
        assert json.loads(line("order", "show", order, "--json"))["refunded"] == "3.00"
        shown = line("order", "show", order)
        titles = ["ID", "AMOUNT", "REASON", "SERVICE_ID", "REFUNDED_AT", "REFUNDED_BY"]
        rows = shown.split("\n\n")[1].splitlines()
        assert rows[0].split() == titles and len(rows) == 3 and "{" not in shown, shown
        assert all("late" in row and row.endswith(f"owner@{shop.slug}.example") for row in rows[1:]), shown
        assert "no refunds" in line("order", "show", pending) and "no services" not in shown
        path = os.path.join(gateway.data, "orders.csv")
        line("order", "export", "--output", path, "--find", order.upper())
        with open(path) as file:
            assert [row["id"] for row in csv.DictReader(file)] == [order]
    with checks("O10 `tollgate service` finds, suspends, resumes, reprices, details and cancels"):
        order, [service] = shop.placed()
        assert service in line("service", "list", "--order", order)
        assert "suspended" in line("service", "suspend", service) and "active" in line("service", "resume", service)
        assert "9.00" in line("service", "reprice", "--price", "9.00", "--reseller", shop.buyer["id"], "--dry-run")
        path = os.path.join(gateway.data, "details.json")
        with open(path, "w") as file:
            json.dump({"host": {"value": "h.example"}}, file)
        line("service", "details", service, "--details-file", path)
        assert "h.example" in line("service", "show", service)
        assert "cancelled" in line("service", "cancel", service)
        assert service in line("service", "list", "--state", "cancelled")
    with checks("O5 A6 `tollgate balance add` moves money once a key, and `payment list` lists"):
        before = shop.balance(shop.buyer)
        key = ["--idempotency-key", str(uuid.uuid4())]
        for _ in range(2):
            line("balance", "add", shop.buyer["id"], "--amount", "7.50", "--reference", "cash", *key)
        line("balance", "add", shop.buyer["id"], "--amount", "-2.50", "--reference", "slip")
        assert shop.balance(shop.buyer) == before + 5
        assert "no payments" in line("payment", "list", "--reseller", shop.buyer["id"])
        line("payment", "show", "pay_none", status=1)


def check_unknown(gateway, shop):
    order, _ = shop.placed(quantity=2)
    lines = ((["balance", "add", shop.buyer["id"], "--amount", "3.00", "--reference", "cash"], 3),
             (["order", "refund", order, "--amount", "1.00", "--reason", "late"], 1))
    unknown = ("lose", "half", "reset", (503, {}, b'{"code":"outcome_unknown","detail":"It is being settled."}'),
               (504, {}, b"<html>Gateway Timeout</html>"), (500, {}, b"{}"), (408, {}, b""),
               (502, {}, b"<html>Bad Gateway</html>"))
    with Between(gateway) as between:
        owner = ["--tenant", shop.slug, "--key", shop.owner_key, "--url", between.base_url]

        def said(words, fault):
            between.faults[:] = [fault]
            failed = command(options.tollgate, *words, *owner)
            assert failed.returncode == 1 and failed.stderr.count("\n") == 1, failed
            return re.search(r"to ask again, say (--idempotency-key) (\S+)$", failed.stderr)

        with checks("O5 O10 G4 `tollgate balance add` and `order refund` name their key wherever nobody knows what "
                    "became of the call: the same line under it moves money once"):
            for words, amount in lines:
                for fault in unknown:
                    before, key = shop.balance(shop.buyer), said(words, fault)
                    assert key, (words, fault)
                    for _ in range(2):
                        again = command(options.tollgate, *words, *owner, *key.groups())
                        assert again.returncode == 0, again
                    assert shop.balance(shop.buyer) == before + amount, (words, fault)
        with checks("O5 O10 G4 a refusal that has done nothing names no key"):
            for words, _ in lines:
                for fault in ((503, {}, b'{"code":"busy","detail":"Too much is waiting."}'),
                              (422, {}, b'{"code":"invalid_fields","detail":"No."}'), (403, {}, b"{}")):
                    assert said(words, fault) is None, (words, fault)


with Gateway(options.tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
    shop = Refunds(gateway)
    order = check_sums(shop)
    check_refusals(shop, order)
    check_kill(gateway, shop)
    check_line(gateway, shop)
    check_unknown(gateway, shop)
    check_dues(gateway, shop)
    check_open_units(gateway)
    with checks("O10 the file verifies after all of it"):
        verified_export(gateway, shop.slug)
checks.finish()
