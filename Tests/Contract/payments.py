"""A6: top-ups by payment, against a payment service that is real: HTTP on loopback, authenticated, slow, broken, hanging, silent,
and its signed callbacks, genuine and forged. Also the limit of /topup, the sandbox, and kill -9 at each step.
"""

import base64
import concurrent.futures
import glob
import itertools
import json
import os
import re
import time
import urllib.parse

from payservice import API_KEY, SECRET, PaymentService, signed
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, command, together, wait_until, webhook_secret_bytes

options = arguments()
checks = Checks()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret of thirty-two byt").decode()
UNANSWERED = "the payment service did not answer"
ORDER_ID = re.compile(r"reseller_topup_\d+_[0-9a-f]{32}")
numbers = itertools.count(1)


class CodeSeller(Shop):
    """A tenant of the blueprint `codes`."""

    def __init__(self, gateway, slug=None, **fields):
        super().__init__(gateway, slug or f"seller-{next(numbers)}", blueprint="codes", currency="USD", **fields)

    def configure(self, service, **more):
        done = self.admin("PUT", "/payment-service", {
            "driver": "http", "create_url": service.url, "api_key": API_KEY, "webhook_secret": SECRET, **more})
        assert done.status == 200, done
        return done

    def api(self, method, path, body=None, key=None, headers=None):
        headers = {**({"x-api-key": key} if key else {}), **(headers or {})}
        return self.gateway.request(method, f"{self.base}/api/reseller{path}", body, headers=headers)

    def pay(self, reseller, amount=50, idempotency=None, key=None):
        headers = {"Idempotency-Key": idempotency} if idempotency else {}
        return self.api("POST", "/topup", {"amount": amount}, key=key or reseller["key"], headers=headers)

    def begun(self, reseller, amount=50):
        answer = self.pay(reseller, amount)
        assert answer.status == 200 and set(answer.json) == {"ok", "paymentUrl", "orderId"}, answer
        return answer.json["orderId"]

    def report(self, order, status="confirmed", amount="50.00", currency="USD", headers=None, **more):
        body = json.dumps({"order_id": order, "status": status, "amount": amount, "currency": currency}).encode()
        return self.api("POST", "/topup/webhook", body, headers=signed(body, **more) if headers is None else headers(body))

    def status(self, order):
        answer = self.api("GET", f"/topup/status/{order}")
        assert answer.status == 200, answer
        return answer.json

    def payments(self, **filters):
        answer = self.admin("GET", "/payments?" + urllib.parse.urlencode({"limit": 100, **filters}))
        assert answer.status == 200, answer
        return answer.json["data"]

    def postings(self, reseller, mode="live"):
        answer = self.admin("GET", f"/resellers/{reseller['id']}/statement?limit=100&mode={mode}")
        return [(row["kind"], row["reference"], row["amount"]) for row in answer.json["data"]]


def refused(answer, status, *parts):
    assert answer.status == status and set(answer.json) == {"error"}, answer
    for part in parts:
        assert part in answer.json["error"], (part, answer)


def configuration(gateway, service):
    seller = CodeSeller(gateway)
    reseller = seller.reseller()
    with checks("A6 without a payment service: 503 with the document's text, nothing written"):
        answer = seller.pay(reseller)
        assert answer.status == 503 and answer.json == {"error": "Payment service not configured"}, answer
        assert int(answer.headers["retry-after"]) > 0
        assert seller.payments() == [] and seller.admin("GET", "/payment-service").status == 404
        assert seller.admin("DELETE", "/payment-service").status == 404
    with checks("A6 without a payment service no callback is genuine"):
        refused(seller.report("reseller_topup_1_" + "0" * 32), 401)
    with checks("A6 the operator sees the service in force without its secrets, and takes it away"):
        shown = seller.configure(service, overlap_seconds=0).json
        assert set(shown) == {"driver", "create_url", "callback_url", "return_url", "created_at"}, shown
        assert shown["callback_url"] == f"{gateway.base_url}{seller.base}/api/reseller/topup/webhook", shown
        assert seller.admin("GET", "/payment-service").json == shown
        order = seller.begun(reseller)
        assert seller.admin("DELETE", "/payment-service").status == 204
        refused(seller.pay(reseller), 503, "Payment service not configured")
        refused(seller.report(order), 401)
    with checks("A6 a replaced secret verifies for as long as the operator says"):
        seller.configure(service)
        seller.configure(service, webhook_secret=OTHER_SECRET, overlap_seconds=3600)
        assert seller.report(order).json == {"ok": True}
        order = seller.begun(reseller)
        seller.configure(service, webhook_secret=OTHER_SECRET)
        refused(seller.report(order), 401)
        assert seller.report(order, secret=OTHER_SECRET).json == {"ok": True}
        assert seller.status(order)["balance"] == 100


def creating(gateway, service):
    seller = CodeSeller(gateway)
    seller.configure(service, return_url="https://shop.example/back")
    reseller = seller.reseller(balance="45.00")
    with checks("A6 POST /topup answers as documented, and the service was asked as documented"):
        service.behave("ok")
        answer = seller.pay(reseller, 50)
        assert answer.status == 200 and answer.json["ok"] is True, answer
        order = answer.json["orderId"]
        assert ORDER_ID.fullmatch(order), order
        path, headers, body = service.calls[0]
        assert len(service.calls) == 1 and path == "/v1/payments"
        assert headers["Authorization"] == f"Bearer {API_KEY}" and headers["Idempotency-Key"] == order
        assert json.loads(body) == {
            "order_id": order, "amount": "50.00", "currency": "USD", "return_url": "https://shop.example/back",
            "callback_url": f"{gateway.base_url}{seller.base}/api/reseller/topup/webhook"}, body
        assert answer.json["paymentUrl"] == f"https://pay.example/{service.payments[order]['id']}"
    with checks("A6 GET /topup/status needs no key; an unknown order is 404; nothing is credited before it is paid"):
        assert seller.status(order) == {"status": "pending", "amount": 50.00, "balance": 45.00}
        raw = seller.api("GET", f"/topup/status/{order}").body
        assert b'"amount":50.00,"balance":45.00' in raw, raw
        for unknown in (order[:-1] + ("0" if order[-1] != "0" else "1"), "reseller_topup_1_1711100000", "x"):
            refused(seller.api("GET", f"/topup/status/{unknown}"), 404)
    with checks("A6 amounts are JSON numbers from 10 on, exact; each refusal names the field and begins nothing"):
        service.behave("ok")
        bad = ['"50"', "9.99", "0", "-50", "10.001", "1e400", "1000000.01", "null", "true", "[]", "1e-400", "1e2"]
        bad.append("9" * 60)
        patient = [seller.reseller(), seller.reseller()]
        for number, value in enumerate(bad):
            answer = seller.api("POST", "/topup", f'{{"amount":{value}}}'.encode(), key=patient[number // 9]["key"])
            refused(answer, 400, "amount")
        for body in (b"{}", b"[]", b"", b"nonsense"):
            refused(seller.api("POST", "/topup", body, key=patient[1]["key"]), 400)
        assert service.calls == [], service.calls
        for value, text in (("10", "10.00"), ("100", "100.00"), ("12.50", "12.50"), ("1000000", "1000000.00")):
            answer = seller.api("POST", "/topup", f'{{"amount":{value}}}'.encode(), key=reseller["key"])
            assert answer.status == 200, answer
            assert json.loads(service.calls[-1][2])["amount"] == text
    with checks("A6 G4 the same call with its Idempotency-Key is the same payment; another amount is refused"):
        other = seller.reseller()
        service.behave("ok")
        first = seller.pay(other, 20, "k-1")
        again = seller.pay(other, 20, "k-1")
        assert first.status == again.status == 200 and first.body == again.body, (first, again)
        assert again.headers["idempotency-hit"] == "true" and len(service.calls) == 1
        refused(seller.pay(other, 21, "k-1"), 400, "Idempotency-Key")
    with checks("A6 G4 eight at once with one Idempotency-Key are one payment"):
        service.behave("slow")
        answers = together([lambda: seller.pay(other, 30, "k-2")] * 8)
        assert {answer.status for answer in answers} <= {200, 429}, answers
        bodies = {answer.body for answer in answers if answer.status == 200}
        assert len(bodies) == 1, answers
        assert len({headers["Idempotency-Key"] for _, headers, _ in service.calls}) == 1
        assert len([row for row in seller.payments(reseller=other["id"]) if row["amount"] == "30.00"]) == 1
        service.behave("ok")
    with checks("A1 without a key 401; a key of another tenant is none"):
        refused(seller.api("POST", "/topup", {"amount": 50}), 401)
        elsewhere = CodeSeller(gateway)
        refused(elsewhere.api("POST", "/topup", {"amount": 50}, key=reseller["key"]), 401)
        refused(elsewhere.api("GET", f"/topup/status/{order}"), 404)
        elsewhere.configure(service)
        refused(elsewhere.report(order), 404)
        assert seller.status(order)["status"] == "pending"
    with checks("O6 a top-up is one request in the usage, and its order id is in no audit row"):
        wait_until(lambda: "topup" in seller.admin("GET", "/usage").body.decode())
        rows = [row for row in seller.admin("GET", "/usage").json["data"]
                if row["route"].endswith("POST /api/reseller/topup") and row["reseller"] == other["id"]]
        assert sum(row["requests"] for row in rows) == 11, rows
        assert order not in seller.admin("GET", "/audit?limit=100").body.decode()


def failing(gateway, service):
    seller = CodeSeller(gateway)
    seller.configure(service)
    with checks("A6 a service that fails once is asked again with the same Idempotency-Key"):
        for behaviour in ("broken once", "drop once"):
            service.behave(behaviour)
            answer = seller.pay(seller.reseller())
            assert answer.status == 200, (behaviour, answer)
            keys = {headers["Idempotency-Key"] for _, headers, _ in service.calls}
            assert len(service.calls) == 2 and keys == {answer.json["orderId"]}, service.calls
    with checks("A6 a service that fails, redirects, refuses or answers nonsense: 503, the payment failed, nothing charged"):
        nonsense = ["garbage", "large", "", "{}", '{"id":1,"payment_url":"https://a.example/"}',
                    '{"id":"x","payment_url":"javascript:alert(1)"}', '{"id":"x","payment_url":"https://"}',
                    '{"id":"","payment_url":"https://a.example/"}']
        for behaviour, attempts in [("broken", 3), ("drop", 3), ("redirect", 1), ("refuse", 1)] + [(n, 1) for n in nonsense]:
            service.behave(behaviour)
            reseller = seller.reseller()
            answer = seller.pay(reseller)
            refused(answer, 503, "nothing was charged")
            assert int(answer.headers["retry-after"]) > 0
            assert len(service.calls) == attempts, (behaviour, len(service.calls))
            (row,) = seller.payments(reseller=reseller["id"])
            assert row["status"] == "failed" and row["failure"], row
            assert API_KEY not in row["failure"] and seller.postings(reseller) == []
    with checks("A6 a failed call is not stored: the same Idempotency-Key begins anew"):
        reseller = seller.reseller()
        service.behave("refuse")
        refused(seller.pay(reseller, 50, "again"), 503)
        service.behave("ok")
        assert seller.pay(reseller, 50, "again").status == 200
        assert sorted(row["status"] for row in seller.payments(reseller=reseller["id"])) == ["failed", "pending"]
    with checks("A6 a wrong key at the service: 503, and the operator reads why"):
        seller.configure(service, api_key="not-the-right-key")
        reseller = seller.reseller()
        refused(seller.pay(reseller), 503)
        assert "401" in seller.payments(reseller=reseller["id"])[0]["failure"]
    with checks("A6 while one tenant's service hangs, another's payments and the loops go on; then 503 in bounded time"):
        hanging = PaymentService()
        hanging.behave("hang")
        seller.configure(hanging)
        stuck = [seller.reseller() for _ in range(12)]
        good = CodeSeller(gateway, password=PASSWORD)
        service.behave("ok")
        good.configure(service)
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            waiting = [pool.submit(seller.pay, reseller) for reseller in stuck]
            wait_until(lambda: hanging.running >= 8)
            assert good.pay(good.reseller()).status == 200
            assert good.admin("GET", "/settings").status == 200 and seller.admin("GET", "/settings").status == 200
            assert gateway.post(f"{good.base}/api/admin/session", {
                "email": f"owner@{good.slug}.example", "password": PASSWORD}).status == 200
            assert not any(call.done() for call in waiting)
            for call in waiting:
                refused(call.result(), 503)
        # Eight run at once; the service may not have seen yet that the eight before them have been given up.
        assert hanging.running_max <= 16, hanging.running_max
        hanging.release.set()
        assert {row["status"] for row in seller.payments() if row["reseller"] in {r["id"] for r in stuck}} == {"failed"}


def callbacks(gateway, service):
    seller = CodeSeller(gateway)
    service.behave("ok")
    seller.configure(service)
    reseller = seller.reseller()
    with checks("A6 a genuine callback, twenty times at once, credits once; the statement names the order"):
        order = seller.begun(reseller)
        answers = together([lambda: seller.report(order)] * 20)
        assert all(answer.status == 200 and answer.json == {"ok": True} for answer in answers), answers
        assert seller.status(order) == {"status": "confirmed", "amount": 50.00, "balance": 50.00}
        assert seller.postings(reseller) == [("top_up", order, "50.00")]
        assert seller.report(order).json == {"ok": True}
        assert seller.status(order)["balance"] == 50
    with checks("A6 forged, stale and incomplete signatures are 401 and change nothing"):
        order = seller.begun(reseller)
        now = int(time.time())
        forged = [
            lambda body: signed(body, OTHER_SECRET), lambda body: signed(body + b" "),
            lambda body: signed(body, timestamp=now - 301), lambda body: signed(body, timestamp=now + 330),
            lambda body: signed(body, timestamp=-1), lambda body: {**signed(body), "webhook-id": "msg_other"},
            lambda body: {**signed(body), "webhook-timestamp": str(now - 2)},
            lambda body: {**signed(body), "webhook-signature": "v1,"},
            lambda body: {**signed(body), "webhook-signature": signed(body)["webhook-signature"].replace("v1,", "v2,")},
            lambda body: {**signed(body), "webhook-signature": signed(body)["webhook-signature"][3:]},
            lambda body: {}, *(
                lambda body, name=name: {field: value for field, value in signed(body).items() if field != name}
                for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))]
        for headers in forged:
            refused(seller.report(order, headers=headers), 401)
        assert seller.status(order)["status"] == "pending"
    with checks("A6 one signature of several is enough, and the skew is 300 s"):
        def several(body):
            headers = signed(body, timestamp=int(time.time()) - 295)
            return {**headers, "webhook-signature": "v1,AAAA v1a,x " + headers["webhook-signature"]}
        assert seller.report(order, headers=several).status == 200
        assert seller.status(order)["balance"] == 100
    with checks("A6 another amount or currency is refused and kept, and opens one review; nothing is credited"):
        order = seller.begun(reseller)
        for amount, currency in (("49.99", "USD"), ("50.00", "EUR"), ("5e1000", "USD"), ("fifty", "USD"), ("49.99", "USD"), (-50, "USD")):
            refused(seller.report(order, amount=amount, currency=currency), 400, "nothing was credited")
        assert seller.status(order) == {"status": "pending", "amount": 50.00, "balance": 100.00}
        row = next(row for row in seller.payments() if row["order_id"] == order)
        shown = seller.admin("GET", f"/payments/{row['id']}").json
        assert [(d["amount"], d["currency"]) for d in shown["differences"]] == [
            ("49.99", "USD"), ("50.00", "EUR"), ("5e1000", "USD"), ("fifty", "USD"), ("-50", "USD")], shown
        reviews = [r for r in seller.admin("GET", "/reviews?status=open").json["data"] if r["subject"] == row["id"]]
        assert len(reviews) == 1 and reviews[0]["cause"] == "payment" and reviews[0]["reseller"] == reseller["id"], reviews
        assert seller.report(order, amount=50.0).status == 200
        assert seller.status(order)["balance"] == 150
    with checks("A6 failed and expired payments credit nothing; money that comes after is kept for the operator"):
        for end in ("failed", "expired"):
            order = seller.begun(reseller)
            assert seller.report(order, end).status == seller.report(order, end).status == 200
            assert seller.status(order)["status"] == end
            assert seller.report(order).json == {"ok": True}
            assert seller.status(order) == {"status": end, "amount": 50.00, "balance": 150.00}
        order = seller.begun(reseller)
        assert seller.report(order).status == seller.report(order, "failed").status == 200
        assert seller.status(order) == {"status": "confirmed", "amount": 50.00, "balance": 200.00}
        assert len(seller.admin("GET", "/reviews?status=open").json["data"]) == 4
    with checks("A6 bodies that cannot be read are 400 and name the field; an unknown order is 404"):
        order = seller.begun(reseller)
        refused(seller.report("reseller_topup_1_" + "0" * 32), 404)
        refused(seller.report(order, "paid"), 400, "status")
        for body in (b"", b"{}", b"[]", b"x", json.dumps({"order_id": order, "status": "confirmed"}).encode()):
            refused(seller.api("POST", "/topup/webhook", body, headers=signed(body)), 400)
        body = b'{"a":"' + b"x" * 20_000 + b'"}'
        assert seller.api("POST", "/topup/webhook", body, headers=signed(body)).status in (400, 413)
        assert seller.status(order)["status"] == "pending"
    with checks("O payments are listed newest first, paged, filtered by state and reseller"):
        rows = seller.payments()
        assert [row["order_id"] for row in rows][0] == order and len(rows) == 7, rows
        page = seller.admin("GET", "/payments?limit=3").json
        assert [row["id"] for row in page["data"]] == [row["id"] for row in rows[:3]] and page["has_more"]
        rest = seller.admin("GET", f"/payments?limit=100&cursor={page['next_cursor']}").json["data"]
        assert [row["id"] for row in rest] == [row["id"] for row in rows[3:]]
        assert {row["status"] for row in seller.payments(status="confirmed")} == {"confirmed"}
        assert len(seller.payments(status="confirmed")) == 4 and len(seller.payments(status="pending")) == 1
        assert seller.payments(reseller=seller.reseller()["id"]) == [] == seller.payments(mode="test")
        assert rows[0]["currency"] == "USD" and rows[0]["amount"] == "50.00" and rows[0]["driver"] == "http"
    return seller


def limit(gateway, service):
    seller = CodeSeller(gateway)
    service.behave("slow")
    seller.configure(service)
    reseller, other = seller.reseller(), seller.reseller()
    with checks("A6 G2 of thirty at once exactly ten in 15 minutes begin; 429 in the dialect's envelope, with its headers"):
        answers = together([lambda: seller.pay(reseller)] * 30)
        assert sorted(answer.status for answer in answers) == [200] * 10 + [429] * 20, [a.status for a in answers]
        for answer in answers:
            assert answer.headers["ratelimit-policy"] == '"topup";q=10;w=900', answer.headers
            assert answer.headers["x-ratelimit-limit"] == "10"
            if answer.status == 429:
                refused(answer, 429)
                assert 1 <= int(answer.headers["retry-after"]) <= 90, answer.headers
                assert answer.headers["x-ratelimit-remaining"] == "0"
        assert len(seller.payments(reseller=reseller["id"])) == 10
    with checks("A6 G2 the limit is each reseller's, of all its keys, and of /topup alone"):
        second = seller.mint(reseller).json["key"]
        refused(seller.pay(reseller, key=second), 429)
        assert seller.pay(other).status == 200
        me = seller.api("GET", "/me", key=reseller["key"])
        assert me.status == 200 and '"topup"' not in me.headers["ratelimit-policy"], me.headers
    with checks("G2 a refusal takes nothing from the reseller's own limit"):
        before = int(seller.api("GET", "/me", key=second).headers["x-ratelimit-remaining"])
        for _ in range(20):
            refused(seller.pay(reseller, key=second), 429)
        after = int(seller.api("GET", "/me", key=second).headers["x-ratelimit-remaining"])
        assert before - after <= 1, (before, after)
    with checks("G7 O6 the refusals are counted"):
        assert re.search(r'tollgate_refusals_total\{reason="rate_limited"\} (\d+)', gateway.get("/metrics").body.decode())
        def counted():
            rows = seller.admin("GET", "/usage").json["data"]
            mine = [row for row in rows if row["reseller"] == reseller["id"] and "topup" in row["route"]]
            return sum(row["refusals"] for row in mine) == 41
        wait_until(counted)
    with checks("G2 the limit stands after a restart and after kill -9"):
        assert gateway.stop() == 0
        gateway.start()
        refused(seller.pay(reseller), 429)
        time_to_save = os.path.getmtime(os.path.join(gateway.data, "levels.bin"))
        wait_until(lambda: os.path.getmtime(os.path.join(gateway.data, "levels.bin")) > time_to_save)
        gateway.kill()
        gateway.start()
        refused(seller.pay(reseller), 429)
        assert seller.pay(other).status == 200


def crashes(gateway, service):
    seller = CodeSeller(gateway)
    service.behave("ok")
    seller.configure(service)
    reseller = seller.reseller()
    with checks("G8 kill -9 between beginning and callback: the callback credits, once"):
        order = seller.begun(reseller)
        gateway.kill()
        gateway.start()
        assert seller.status(order)["status"] == "pending"
        assert seller.report(order).status == 200
        gateway.kill()
        gateway.start()
        assert seller.report(order).status == 200
        assert seller.status(order) == {"status": "confirmed", "amount": 50.00, "balance": 50.00}
    with checks("G8 kill -9 while the service is asked: the same Idempotency-Key goes on with the payment that was begun"):
        service.behave("hang")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            cut = pool.submit(lambda: seller.pay(reseller, 60, "cut"))
            wait_until(lambda: service.calls)
            gateway.kill()
            assert cut.exception() is not None
        service.release.set()
        begun = service.calls[0][1]["Idempotency-Key"]
        service.behave("ok")
        gateway.start()
        answer = seller.pay(reseller, 60, "cut")
        assert answer.status == 200 and answer.json["orderId"] == begun, (answer, begun)
        assert len(seller.payments(reseller=reseller["id"])) == 2
        assert seller.pay(reseller, 60, "cut").headers["idempotency-hit"] == "true"
    return seller


def sandbox(gateway):
    with checks("D1 the demo's sandbox: top up, open the page, press Pay, see the balance"):
        demo = gateway.reseller("codes")
        base = "/t/codes/api/reseller"
        balance = gateway.get(f"{base}/me", headers={"x-api-key": demo["key"]}).json["balance"]
        begun = gateway.post(f"{base}/topup", {"amount": 50}, headers={"x-api-key": demo["key"]}).json
        page = pressed(gateway, begun["paymentUrl"])
        assert b"Sandbox" in page.body and b"no real money" in page.body, page
        done = pressed(gateway, begun["paymentUrl"], "pay")
        assert done.status == 200 and b"Paid" in done.body, done
        status = gateway.get(f"{base}/topup/status/{begun['orderId']}").json
        assert status == {"status": "confirmed", "amount": 50, "balance": balance + 50}, status
    seller = CodeSeller(gateway)
    reseller = seller.reseller()
    key = seller.mint(reseller, mode="test").json["key"]
    with checks("X7 a test key is served by the sandbox and the test book, whatever is configured or not"):
        order = seller.pay(reseller, 20, key=key).json
        assert order["paymentUrl"] == f"{gateway.base_url}{seller.base}/sandbox-pay/{order['orderId']}", order
        assert pressed(gateway, order["paymentUrl"], "pay").status == 200
        assert seller.status(order["orderId"]) == {"status": "confirmed", "amount": 20.00, "balance": 20.00}
        assert seller.postings(reseller) == [] and len(seller.postings(reseller, "test")) == 1
        assert seller.payments() == [] and [row["mode"] for row in seller.payments(mode="test")] == ["test"]
        refused(seller.pay(reseller), 503, "Payment service not configured")
    with checks("A6 the sandbox's page loads nothing, runs nothing, is framed by nobody and tells nobody its address"):
        order = seller.pay(reseller, 20, key=key).json
        page = pressed(gateway, order["paymentUrl"])
        assert page.headers["content-type"].startswith("text/html")
        policy = page.headers["content-security-policy"]
        for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert part in policy, policy
        assert "unsafe" not in policy and page.headers["referrer-policy"] == "strict-origin"
        assert page.headers["x-frame-options"] == "DENY" and page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cache-control"] == "no-store" and b"<script" not in page.body
    with checks("A6 Cancel fails the payment, and Pay comes too late then; either counts once"):
        assert b"Cancelled" in pressed(gateway, order["paymentUrl"], "cancel").body
        assert b"Cancelled" in pressed(gateway, order["paymentUrl"], "pay").body
        assert seller.status(order["orderId"])["status"] == "failed"
        order = seller.pay(reseller, 20, key=key).json
        together([lambda: pressed(gateway, order["paymentUrl"], "pay")] * 12)
        assert seller.status(order["orderId"]) == {"status": "confirmed", "amount": 20.00, "balance": 40.00}
        assert pressed(gateway, order["paymentUrl"], "steal").status in (400, 422)
    with checks("A6 a real payment has no sandbox page, and a sandbox payment takes no callback"):
        service = PaymentService()
        seller.configure(service)
        live = seller.begun(reseller)
        assert pressed(gateway, f"{gateway.base_url}{seller.base}/sandbox-pay/{live}").status == 404
        assert pressed(gateway, f"{gateway.base_url}{seller.base}/sandbox-pay/{live}", "pay").status == 404
        order = seller.pay(reseller, 20, key=key).json
        assert "/sandbox-pay/" in order["paymentUrl"], order
        refused(seller.report(order["orderId"], amount="20.00"), 404)
        assert seller.status(live)["status"] == "pending"
    with checks("A6 the operator may put live keys on the sandbox, and off it again"):
        assert seller.admin("PUT", "/payment-service", {"driver": "sandbox"}).json["driver"] == "sandbox"
        assert "/sandbox-pay/" in seller.pay(reseller).json["paymentUrl"]
        assert seller.admin("DELETE", "/payment-service").status == 204
        refused(seller.pay(reseller), 503)
    return seller


def pressed(gateway, url, action=None):
    """The page as a browser, or curl, gets it; or one of its buttons."""
    path = url[len(gateway.base_url):] if url.startswith(gateway.base_url) else urllib.parse.urlparse(url).path
    if action is None:
        return gateway.get(path)
    return gateway.request("POST", path, f"action={action}".encode(), headers={
        "Content-Type": "application/x-www-form-urlencoded"})


def addresses(service):
    """A node that was not told otherwise: nothing private, nothing plain."""
    with Gateway(options.tollgate, demo=False) as gateway:
        seller = CodeSeller(gateway)
        reseller = seller.reseller()
        with checks("https is demanded where private addresses are not allowed"):
            answer = seller.admin("PUT", "/payment-service", {
                "driver": "http", "create_url": service.url, "api_key": API_KEY, "webhook_secret": SECRET})
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/create_url", answer
        with checks("H6 private, loopback and link-local addresses are refused where they are given"):
            port = service.server_address[1]
            for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0",
                         "10.0.0.1", "169.254.169.254", "[fe80::1]", "nobody.internal"):
                answer = seller.admin("PUT", "/payment-service", {
                    "driver": "http", "create_url": f"https://{host}:{port}/v1/payments", "api_key": API_KEY,
                    "webhook_secret": SECRET})
                assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/create_url", (host, answer)
        with checks("H6 a name that leads nowhere is told as every service that does not answer"):
            seller.configure(service, create_url=f"https://nobody.invalid:{port}/v1/payments")
            refused(seller.pay(reseller), 503)
            assert seller.payments()[0]["failure"] == UNANSWERED
    hosts = ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.0.0.1", "169.254.169.254",
             "[fe80::1]")
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
        sellers = [(host, CodeSeller(gateway)) for host in hosts]
        resellers = [seller.reseller() for _, seller in sellers]
        for host, seller in sellers:
            seller.configure(service, create_url=f"https://{host}:{port}/v1/payments")
        gateway.first_key = gateway.provider_key
        gateway.stop()
        # They were given while they were allowed.
        gateway.arguments = []
        gateway.start()
        with checks("H6 private and loopback addresses are refused after resolution; the service hears nothing"):
            service.behave("ok")
            for (host, seller), reseller in zip(sellers, resellers):
                refused(seller.pay(reseller), 503)
                row = seller.payments()[0]
                assert row["status"] == "failed" and row["failure"] == UNANSWERED, (host, row)
            assert service.calls == []


def written(gateway):
    """What must be nowhere: keys, secrets and capabilities."""
    with checks("the service's key and secret stand in no file, no export and no log; order ids in no log"):
        needles = [API_KEY.encode(), SECRET.encode(), webhook_secret_bytes(SECRET)]
        for path in glob.glob(os.path.join(gateway.data, "**"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    content = file.read()
                assert not any(needle in content for needle in needles), path
        said = gateway.errors() + "\n".join(gateway.output)
        assert API_KEY not in said and SECRET not in said and not ORDER_ID.search(said), said[-3000:]


def sound(gateway, *sellers):
    with checks("each file verifies: every confirmed payment has exactly one posting, vouched for by the chain"):
        for seller in sellers:
            path = os.path.join(gateway.data, f"{seller.slug}.sqlite")
            result = gateway.command("tenant", "export", seller.slug, "--output", path)
            assert result.returncode == 0, result
            result = command(options.tollgate, "verify", path)
            assert result.returncode == 0 and "sound" in result.stdout, result.stdout
            os.remove(path)


service = PaymentService()
with Gateway(options.tollgate, "--allow-private-addresses", "--log-requests") as gateway:
    configuration(gateway, service)
    creating(gateway, service)
    failing(gateway, service)
    sellers = [callbacks(gateway, service)]
    limit(gateway, service)
    sellers += [crashes(gateway, service), sandbox(gateway)]
    sound(gateway, *sellers)
    written(gateway)
addresses(service)
service.shutdown()
checks.finish()
