"""The example shop of clients/php/shop, in PHP's own web server, against a live gateway: what a customer sees, an
order that is bought once whatever breaks or is pressed twice (W4, G4), events that arrive signed (H1), and what it
tells nobody."""

import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse

from clientwire import Between
from freeports import free_port
from receivers import sign
from shop import Shop
from support import ROOT, Answer, Checks, Gateway, arguments, together, wait_until

FOLDER = os.path.join(ROOT, "clients", "php", "shop")
SECONDS_MAX = 60


class ExampleShop:
    """PHP's server over the shop's public folder, as a child; `between` stands between it and the gateway."""

    def __init__(self, between, scene, reseller):
        self.data = tempfile.mkdtemp(prefix="tollgate-")
        self.port = free_port()
        self.environment = {
            **os.environ, "TOLLGATE_URL": between.base_url + scene.base, "TOLLGATE_KEY": reseller["key"],
            "TOLLGATE_SECRET": reseller["webhook_secret"], "SHOP_WEBHOOK_SECRETS": reseller["webhook_secret"],
            "SHOP_DATA": self.data, "PHP_CLI_SERVER_WORKERS": "4", "no_proxy": "*"}
        self.lines = []

    def __enter__(self):
        self.child = subprocess.Popen(
            ["php", "-S", f"127.0.0.1:{self.port}", "-t", os.path.join(FOLDER, "public")], env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True)
        threading.Thread(target=lambda: self.lines.extend(self.child.stdout), daemon=True).start()
        wait_until(lambda: any("started" in line for line in self.lines), seconds=SECONDS_MAX)
        return self

    def __exit__(self, *_):
        # Its workers are of its group, which is ours alone.
        os.killpg(self.child.pid, 9)
        self.child.wait()
        shutil.rmtree(self.data)

    def ask(self, method, path, body=None, headers=None):

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_MAX)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def page(self, path="/"):
        answer = self.ask("GET", path)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'"), answer.headers
        return answer.body.decode()

    def form(self, product):
        """The number in the form of a product."""
        for form in self.page().split("<form")[1:]:
            if f'name="product" value="{product}"' in form:
                return re.search(r'name="number" value="([0-9a-f]{32})"', form)[1]
        raise AssertionError(f"no form for {product}")

    def send(self, product, number=None, **fields):
        fields = {"number": number or self.form(product), "product": product, "term": "monthly", "quantity": "1",
                  "email": "jo@example.net", **fields}
        answer = self.ask("POST", "/", urllib.parse.urlencode(fields), {
            "Content-Type": "application/x-www-form-urlencoded"})
        return answer

    def buy(self, product, **fields):
        """Returns the path of the order's page."""
        answer = self.send(product, **fields)
        assert answer.status == 303, answer
        return answer.headers["location"]

    def changes(self, number, **fields):
        """As if the order on disk had these fields."""
        path = os.path.join(self.data, "orders", f"{number}.json")
        with open(path, encoding="utf-8") as file:
            order = json.load(file) | fields
        with open(path, "w", encoding="utf-8") as file:
            json.dump(order, file)

    def work(self):
        ran = subprocess.run(
            ["php", os.path.join(FOLDER, "worker.php")], env=self.environment, capture_output=True, text=True,
            timeout=SECONDS_MAX)
        assert ran.returncode == 0 and not ran.stdout, (ran.stdout, ran.stderr)
        return ran.stderr


def ago(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))


def problem(status, code):
    """As Tollgate refuses."""
    told = {"code": code, "detail": "refused", "request_id": "req_1"}
    return status, {"Content-Type": "application/problem+json"}, json.dumps(told).encode()


def placed(scene, reseller):
    return scene.get(reseller, "/orders?limit=100").json["data"]


def buying(checks, example, scene, reseller, between):
    with checks("W4 W6 the example shop shows what is priced for its reseller, at its own price, no text as markup"):
        page = example.page()
        assert "5.00 EUR a month" in page and "Set-up, once: 1.25 EUR" in page, page
        # 1.005 and a quarter of it, in whole cents.
        assert "Set-up, once: 1.26 EUR" in page, page
        assert "<b>" not in page and "The &lt;b&gt;&quot;best&quot;&lt;/b&gt;" in page, page

    with checks("W4 G4 the example shop: a form that is sent twice, and at once, buys once"):
        number = example.form("vps-1")
        answers = together([lambda: example.send("vps-1", number=number, quantity="2")] * 4)
        assert {answer.status for answer in answers} == {303}, answers
        orders = placed(scene, reseller)
        assert len(orders) == 1 and orders[0]["quantity"] == 2, orders
        assert "Your order is done" in example.page(f"/?order={number}")
        assert example.send("metal-1", number=number).status == 303 and len(placed(scene, reseller)) == 1

    with checks("W4 G4 the example shop: an order whose answer is lost, or that finds nobody, is placed later, once"):
        for fault in ("lose", "reset"):
            number, before = example.form("vps-1"), len(placed(scene, reseller))
            between.faults[:] = [fault]
            path = example.buy("vps-1", number=number)
            assert "We are working on your order" in example.page(path)
            between.faults[:] = ["reset"]
            example.work()
            assert "Your order is done" in example.page(path)
            example.work()
            assert len(placed(scene, reseller)) == before + 1, fault

    with checks("W4 the example shop: what Tollgate refuses is told to the shop, not to the customer; nothing is asked "
                "again"):
        path = example.buy("vps-1", quantity="100")
        page = example.page(path)
        assert "You will not be charged" in page and "balance" not in page and "500.00" not in page, page
        wait_until(lambda: any("insufficient_balance" in line for line in example.lines), seconds=SECONDS_MAX)
        del between.asked[:]
        example.work()
        assert between.asked == []
        bad = [{"quantity": "0"}, {"quantity": "1e3"}, {"email": "jo"}, {"term": "weekly"}, {"number": "1"},
               {"product": ""}]
        for fields in bad:
            answer = example.send(**{"product": "vps-1", "number": "0" * 32, **fields})
            assert answer.status == 422, (fields, answer)
        assert between.asked == [] and example.ask("GET", "/?order=" + "0" * 32).status == 404
        assert example.ask("GET", "/?order=../lock").status == 404

    with checks("W6 the example shop: without a price list it is closed, and says nothing of why"):
        between.faults[:] = ["reset"]
        answer = example.ask("GET", "/")
        assert answer.status == 503 and b"closed for a moment" in answer.body, answer
        assert b"127.0.0.1" not in answer.body, answer


def doubting(checks, example, scene, reseller, between):
    with checks("W4 G4 the example shop: after a lost answer a refusal of one try ends no order and tells the owner; "
                "what passes is asked again"):
        alone = [problem(401, "unknown_key"), problem(403, "tenant_moved"), problem(402, "quota_exceeded"),
                 (404, {}, b"<html>Not Found</html>"), problem(404, "path_not_found"), (409, {}, b"{}"),
                 (404, {}, b'{"code":404}'), (409, {}, b'{"code":"conflict"}'),
                 problem(422, "idempotency_key_reused"), (302, {"Location": "/"}, b""), (413, {}, b"")]
        for refusal in [*alone, (408, {}, b""), (425, {}, b"")]:
            number, before = example.form("vps-1"), len(placed(scene, reseller))
            between.faults[:] = ["lose"]
            path = example.buy("vps-1", number=number)
            between.faults[:] = [refusal]
            said = example.work()
            if refusal in alone:
                assert f"order {number} may be sold" in said and "waits for you" in said, (refusal, said)
                assert "We are working on your order" in example.page(path), refusal
                example.work()
            assert "Your order is done" in example.page(path), refusal
            assert len(placed(scene, reseller)) == before + 1, refusal


    with checks("G4 P2 the example shop: a month's requests that are used up end no order that was sold"):
        number, before = example.form("vps-1"), len(placed(scene, reseller))
        between.faults[:] = ["lose"]
        path = example.buy("vps-1", number=number)
        tenant, key = f"/provider/v1/tenants/{scene.slug}", scene.gateway.provider_key
        assert scene.gateway.patch(tenant, {"quotas": {"requests_monthly": 1}}, key=key).status == 200
        said = example.work()
        assert "quota_exceeded" in said and f"order {number} may be sold" in said, said
        assert scene.gateway.patch(tenant, {"quotas": {"requests_monthly": None}}, key=key).status == 200
        assert example.work() == "" and "Your order is done" in example.page(path)
        assert len(placed(scene, reseller)) == before + 1


def waiting(checks, example, scene, reseller, between):
    with checks("H1 G4 the example shop: an order older than its events are kept is looked up before it is placed"):
        for fault, wanted in (("lose", ["GET", "GET"]), ("reset", ["GET", "POST"])):
            number, before = example.form("vps-1"), len(placed(scene, reseller))
            between.faults[:] = [fault]
            path = example.buy("vps-1", number=number)
            example.changes(number, at=ago(90_000))
            between.faults[:] = [problem(404, "order_not_found")]
            assert f"order {number} may be sold" in example.work()
            del between.asked[:]
            assert example.work() == "", fault
            assert [asked.method for asked in between.asked] == wanted, [asked.path for asked in between.asked]
            assert "Your order is done" in example.page(path), fault
            assert len(placed(scene, reseller)) == before + 1, fault

    for fault in ("reset", (502, {}, b"<html>Bad Gateway</html>"), (504, {}, b"")):
        kind = fault if isinstance(fault, str) else fault[0]
        with checks(f"H1 W4 the example shop: where nobody answers ({kind}), the worker works on events first, asks "
                    "for one order, and leaves the others for later"):
            numbers = [example.form("vps-1") for _ in range(3)]
            between.faults[:] = [fault] * len(numbers)
            for number in numbers:
                example.buy("vps-1", number=number)
            inbox, seen = os.path.join(example.data, "inbox"), []
            os.makedirs(inbox, exist_ok=True)
            with open(os.path.join(inbox, f"{kind}.json"), "w", encoding="utf-8") as file:
                json.dump({"id": "evt_0", "type": "reseller.approved", "data": {}}, file)
            del between.asked[:]
            between.faults[:] = [lambda: seen.extend(os.listdir(inbox))] + [fault] * 3
            said = example.work()
            assert f"{kind}.done" in seen and f"{kind}.json" not in seen, seen
            assert len(between.asked) == 4 and not between.faults and said.count("is not placed yet") == 1, said
            assert example.work() == ""
            assert all("Your order is done" in example.page(f"/?order={number}") for number in numbers)


def delivered(example, order, revision, state, secrets, message, body_bytes=0):
    """The shop's answer to an event of an order."""
    body = json.dumps({"type": "order.completed", "timestamp": "2026-11-28T12:00:00.000Z", "data": {
        "id": order, "state": state, "revision": revision, "more": "x" * body_bytes}}).encode()
    return example.ask("POST", "/webhook.php", body, sign(secrets, message, body)).status


def late(checks, example, scene, reseller, between):
    with checks("G4 H1 the example shop: an order whose answer was lost, and whose events were given up, is as it is "
                "now once it is placed; an event from before does not set it back"):
        number = example.form("metal-1")
        between.faults[:] = ["lose"]
        path = example.buy("metal-1", number=number)
        order = placed(scene, reseller)[0]["id"]
        done = scene.admin("POST", f"/orders/{order}/activate", {
            "details": {"host": {"value": "a.example", "secret": False}}})
        assert done.status == 200, done
        inbox = os.path.join(example.data, "inbox")

        def waiting():
            events = {}
            for name in os.listdir(inbox):
                if name.endswith(".json"):
                    with open(os.path.join(inbox, name), encoding="utf-8") as file:
                        events[name] = json.load(file)["type"]
            return events

        wait_until(lambda: {"order.created", "order.completed", "service.activated"} <= {*waiting().values()},
                   seconds=SECONDS_MAX)
        for name in waiting():
            os.utime(os.path.join(inbox, name), (time.time() - 90_000,) * 2)
        example.changes(number, at=ago(90_000))
        assert example.work() == "" and not waiting(), waiting()
        page = example.page(path)
        assert "Your order is done" in page and "<li>active" in page, page
        assert delivered(example, order, 1, "pending", [reseller["webhook_secret"]], "evt_before") == 204
        assert "Your order is done" in example.page(path)


def documented_events():
    """Those that the shop's page says are to be asked for."""
    with open(os.path.join(FOLDER, "README.md"), encoding="utf-8") as file:
        return json.loads(re.search(r'"events": (\[[^]]*\])', file.read())[1])


def told(checks, example, scene, reseller):
    put = scene.gateway.put(f"{scene.base}/api/partner/v1/webhook", {
        "url": f"http://127.0.0.1:{example.port}/webhook.php", "events": ["order.created", *documented_events()],
    }, key=reseller["key"])
    assert put.status == 200, put

    def pending(path):
        number = path.rpartition("=")[2]
        assert "waits for a person" in example.page(path)
        with open(os.path.join(example.data, "orders", f"{number}.json"), encoding="utf-8") as file:
            assert json.load(file)["number"] == number
        return placed(scene, reseller)[0]["id"]

    with checks("H1 W10 the example shop learns from real deliveries what became of an order, and shows what is no "
                "secret"):
        path = example.buy("metal-1")
        done = scene.admin("POST", f"/orders/{pending(path)}/activate", {
            "details": {
                "host": {"value": "a.example", "secret": False}, "password": {"value": "hunter2", "secret": True}}})
        assert done.status == 200, done
        page = wait_until(
            lambda: "<li>active<dl>" in (text := example.page(path)) and "Your order is done" in text and text,
            seconds=SECONDS_MAX)
        assert "a.example" in page and "hunter2" not in page, page
        service = done.json["services"][0]["id"]
        for move, shown in (("suspend", "<li>suspended</li>"), ("resume", "<li>active<dl>")):
            moved = scene.admin("POST", f"/services/{service}/{move}")
            assert moved.status == 200, moved
            wait_until(lambda: shown in example.page(path), seconds=SECONDS_MAX)
        path = example.buy("metal-1")
        rejected = scene.admin("POST", f"/orders/{pending(path)}/reject", {"reason": "no room"})
        assert rejected.status == 200, rejected
        wait_until(lambda: "<li>cancelled</li>" in (text := example.page(path)) and "not be charged" in text,
                   seconds=SECONDS_MAX)

    with checks("H1 the example shop takes no event that is not signed, once each, and never an older state for a "
                "newer one"):
        path = example.buy("metal-1")
        name = pending(path)

        def send(*words):
            return delivered(example, name, *words)

        secret = reseller["webhook_secret"]
        assert send(90, "rejected", ["whsec_" + "A" * 32], "evt_1") == 401
        assert send(80, "completed", [secret], "evt_2") == 204 and "Your order is done" in example.page(path)
        assert send(70, "pending", [secret], "evt_3") == 204 and "Your order is done" in example.page(path)
        assert send(95, "pending", [secret], "evt_2") == 204 and "Your order is done" in example.page(path)
        assert send(99, "pending", [secret], "evt_4", 70_000) == 413
        assert "Your order is done" in example.page(path)

    with checks("H1 the example shop keeps an event that is faster than its order's answer, and takes it then"):
        number = example.form("metal-1")
        with Between(scene.gateway) as slow:
            environment = {**example.environment, "TOLLGATE_URL": slow.base_url + scene.base}
            slow.faults[:] = ["lose"]
            example.environment, kept = environment, example.environment
            with open(os.path.join(example.data, "orders", f"{number}.json"), "w", encoding="utf-8") as file:
                json.dump({"number": number, "state": "placing", "product": "metal-1", "term": "monthly", "quantity": 1,
                           "email": "jo@example.net", "at": ago(0)}, file)
            # The worker's first answer is lost; it asks again within the same run only after its pause.
            example.work()
            example.environment = kept
        wait_until(lambda: "waits for a person" in example.page(f"/?order={number}"), seconds=SECONDS_MAX)
        inbox = os.path.join(example.data, "inbox")
        wait_until(lambda: example.work() == "" and not [
            name for name in os.listdir(inbox) if name.endswith(".json")], seconds=SECONDS_MAX)


def main():
    options = arguments()
    checks = Checks()
    modules = subprocess.run(["php", "-m"], capture_output=True).stdout.split() if shutil.which("php") else []
    if b"curl" not in modules:
        print("# the example shop was not run: PHP with curl (php-cli, php-curl) is not there", flush=True)
        checks.finish()
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway, Between(gateway) as between:
        scene = Shop(gateway)
        reseller = scene.reseller(balance="500.00")
        named = scene.admin("POST", "/products", {
            "sku": "bold", "name": 'The <b>"best"</b>', "fulfilment": "instant"})
        assert named.status == 201, named
        for sku in ("vps-1", "metal-1", "bold"):
            scene.price(reseller, sku, {
                "wholesale_monthly": "4.00", "wholesale_setup_fee": "1.005" if sku == "bold" else "1.00"})
        with ExampleShop(between, scene, reseller) as example:
            buying(checks, example, scene, reseller, between)
            doubting(checks, example, scene, reseller, between)
            waiting(checks, example, scene, reseller, between)
            told(checks, example, scene, reseller)
            late(checks, example, scene, reseller, between)
    checks.finish()


if __name__ == "__main__":
    main()
