"""H3, H5, H6: webhooks on their way. Receivers that are real and behave in every bad way; names that change, that nobody answers
for, and that lead where a node may not go; endpoints that hang beside one that answers; kill -9 and stops in between.
"""

import collections
import concurrent.futures
import datetime
import functools
import hashlib
import json
import os
import re
import subprocess
import tempfile
import time

from receiver import NameServer, Receiver, answer
from shop import Shop
from support import Checks, Gateway, arguments, python_of_tests, wait_until
from wire import certificate

options = arguments()
checks = Checks()
# Nothing listens there: whoever minded a proxy of the environment would deliver nothing.
os.environ.update(dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"))
ORDERS = ["order.created"]
PAYMENT_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# What an outcome word is expected of: a path of the receiver, or a host of its own.
ENDINGS = {
    "/status/500/a": ("status", 500), "/status/404/a": ("status", 404), "/status/429/a": ("status", 429),
    "/redirect/301/a": ("redirect", 301), "/redirect/302/a": ("redirect", 302), "/redirect/307/a": ("redirect", 307),
    "/redirect/308/a": ("redirect", 308), "/close/a": ("reset", None), "/reset/a": ("reset", None),
    "/head/a": ("too_long", None), "/garbage/a": ("unreadable", None), "/hang/a": ("timed_out", None),
    "/drip/a": ("timed_out", None), "/endless/a": ("delivered", 200), "/status/410/a": ("gone", 410),
    "/status/201/a": ("delivered", 201),
}
VERIFIER = """
import json, sys
from standardwebhooks.webhooks import Webhook
for line in sys.stdin:
    call = json.loads(line)
    Webhook(call["secret"]).verify(call["body"], call["headers"])
    print("good")
"""


class Scene:
    """A shop whose resellers have one endpoint each, by path of the receiver."""

    def __init__(self, gateway, receiver):
        self.gateway, self.receiver = gateway, receiver
        self.shop = Shop(gateway)
        self.sku = self.shop.product()

    def endpoint(self, path, host="127.0.0.1", url=None):
        reseller = self.shop.reseller(balance="100000")
        self.shop.price(reseller, self.sku, {"wholesale_monthly": "1.00"})
        reseller["path"] = path
        self.point(reseller, url or self.receiver.url(path, host))
        return reseller

    def point(self, reseller, url, events=ORDERS):
        done = self.shop.call(reseller, "PUT", "/webhook", {"url": url, "events": events})
        assert done.status == 200, done

    def order(self, reseller):
        done = self.shop.order(reseller, self.sku)
        assert done.status == 201, done
        return done.json["order"]["id"]

    def deliveries(self, reseller, **query):
        query = "&".join(f"{name}={value}" for name, value in {"reseller": reseller["id"], "limit": 100, **query}.items())
        listed = self.shop.admin("GET", f"/deliveries?{query}")
        assert listed.status == 200, listed
        return listed.json["data"]

    def only(self, reseller):
        deliveries = self.deliveries(reseller)
        assert len(deliveries) == 1, deliveries
        return deliveries[0]

    def settled(self, reseller, tries=1, seconds=20):
        """The reseller's delivery, once it was tried so often."""
        def tried():
            delivery = self.shop.admin("GET", f"/deliveries/{self.only(reseller)['id']}").json
            return delivery if delivery["tries"] >= tries else None
        return wait_until(tried, seconds)

    def retry(self, delivery):
        done = self.shop.admin("POST", f"/deliveries/{delivery['id']}/retry")
        assert done.status == 200, done


def counts(gateway, outcome=None):
    """Attempts by outcome, as the metrics say."""
    text = gateway.get("/metrics").body.decode()
    found = {word: int(number) for word, number in re.findall(
        r'tollgate_delivery_attempts_total\{outcome="(\w+)"\} (\d+)', text)}
    return found if outcome is None else found[outcome]


def figure(gateway, name):
    return float(re.search(rf"^{re.escape(name)} (\S+)$", gateway.get("/metrics").body.decode(), re.M)[1])


def under_way(gateway, *standings):
    # Of one moment: a delivery goes from one standing to another.
    metrics = gateway.metrics()
    return sum(metrics.get("tollgate_deliveries_in_flight", standing=standing)
               for standing in standings or ("proven", "unproven", "failing"))


def bodies_are_equal(calls):
    return len({hashlib.sha256(call.body).hexdigest() for call in calls}) == 1


@functools.cache
def python():
    return python_of_tests()


def verified(calls, secret):
    """All calls are good to the library of the specification's authors, which allows five minutes."""
    lines = [json.dumps({"secret": secret, "body": call.body.decode(), "headers": call.headers}) for call in calls]
    run = subprocess.run([python(), "-c", VERIFIER], input="\n".join(lines), capture_output=True, text=True)
    assert run.stdout.split() == ["good"] * len(calls), (run.stdout, run.stderr)


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def endings(scene):
    """Every one is begun at once: what hangs takes fifteen seconds."""
    resellers = {path: scene.endpoint(path) for path in ENDINGS}
    resellers["nothere"] = scene.endpoint("/ok/x", "nothere.example")
    resellers["silent"] = scene.endpoint("/ok/s", "silent.example")
    resellers["refused"] = scene.endpoint("", url="http://127.0.0.1:1/")
    before = counts(scene.gateway)
    for reseller in resellers.values():
        scene.order(reseller)
    expected = {**ENDINGS, "nothere": ("dns", None), "silent": ("dns", None), "refused": ("refused", None)}
    for path, (outcome, status) in expected.items():
        with checks(f"H3 an attempt at {path.strip('/')} ends once, as {outcome}"):
            delivery = scene.settled(resellers[path])
            attempts = delivery["attempts"]
            assert attempts[-1]["outcome"] == outcome, delivery
            assert attempts[-1]["status"] == status, delivery
            # Further attempts follow the schedule, the first after five seconds.
            state = {"delivered": "delivered", "gone": "held"}.get(outcome, "pending")
            assert delivery["state"] == state, delivery
    with checks("H3 what was read of an answer is kept: printable, and no more than a beginning"):
        excerpt = scene.settled(resellers["/status/500/a"])["attempts"][-1]["excerpt"]
        assert excerpt == "no .[31msuch. luck", excerpt
        assert len(scene.settled(resellers["/endless/a"])["attempts"][-1]["excerpt"]) == 1024
    with checks("H3 redirects are not followed"):
        assert scene.receiver.count("/ok/redirected") == 0
    with checks("G7 attempts are counted by outcome"):
        after = counts(scene.gateway)
        for outcome in {outcome for outcome, _ in expected.values()}:
            assert after[outcome] > before[outcome], (outcome, before, after)
    return resellers


def signatures(scene):
    with checks("H1 H2 every attempt is signed anew over the same bytes, under one id; the library of the specification takes it"):
        reseller = scene.endpoint("/fails/signed")
        scene.receiver.answers["/fails/signed"] = lambda count: answer(500)
        scene.order(reseller)
        for tries in (1, 2, 3):
            delivery = scene.settled(reseller, tries)
            if tries < 3:
                scene.retry(delivery)
        # A retry that falls due by itself may come in between.
        calls = list(scene.receiver.calls["/fails/signed"])
        assert len(calls) >= 3 and bodies_are_equal(calls), calls
        assert len({call.headers["webhook-id"] for call in calls}) == 1
        assert json.loads(calls[0].body)["type"] == "order.created"
        verified(calls, reseller["webhook_secret"])
    with checks("H4 a retry that was queued before a rotation is signed with both secrets, newest first"):
        token = scene.shop.sign_in(reseller)
        rotated = scene.shop.call(reseller, "POST", "/webhook/secret/rotate", {}, key=token)
        assert rotated.status == 200, rotated
        before = scene.receiver.count("/fails/signed")
        scene.retry(scene.only(reseller))
        wait_until(lambda: scene.receiver.count("/fails/signed") > before)
        call = scene.receiver.calls["/fails/signed"][-1]
        both = call.headers["webhook-signature"].split(" ")
        assert len(both) == 2 and all(one.startswith("v1,") for one in both), both
        verified([call], reseller["webhook_secret"])
        verified([call], rotated.json["webhook_secret"])
        newest = call._replace(headers={**call.headers, "webhook-signature": both[0]})
        verified([newest], rotated.json["webhook_secret"])


def schedule(scene):
    with checks("H3 an attempt waits as long as its receiver asks, by a number or by a date, and else by the schedule"):
        resellers = {path: scene.endpoint(path) for path in ("/wait/60/a", "/wait/date/a", "/wait/soon/a")}
        for reseller in resellers.values():
            scene.order(reseller)
        for path, least in {"/wait/60/a": 60, "/wait/date/a": 3590, "/wait/soon/a": 5}.items():
            delivery = scene.settled(resellers[path])
            waits = seconds(delivery["next_attempt_at"]) - seconds(delivery["attempts"][0]["at"])
            assert least <= waits <= least + 25, (path, waits, delivery)
    with checks("H4 H5 with a concurrency of 1 first attempts arrive one by one, in the order of their commits"):
        reseller, path = scene.endpoint("/ok/unused"), "/ok/serial"
        made = scene.shop.call(reseller, "POST", "/webhooks", {
            "name": "serial", "url": scene.receiver.url(path), "events": ORDERS, "concurrency": 1})
        assert made.status == 201, made
        scene.receiver.pause_seconds[path] = 0.01
        orders = [scene.order(reseller) for _ in range(40)]
        wait_until(lambda: scene.receiver.count(path) == 40, 20)
        assert [json.loads(call.body)["data"]["id"] for call in scene.receiver.calls[path]] == orders
        assert scene.receiver.open_max[path] == 1
    with checks("H3 H5 the first 2xx after failures brings what waits for its time, step by step, beside what is new"):
        reseller, path, is_down = scene.endpoint("/fails/back"), "/fails/back", [True]
        scene.receiver.answers[path] = lambda count: answer(503) if is_down[0] else answer(204)
        orders = [scene.order(reseller) for _ in range(30)]
        # All have failed once, and some of them for the second time: they wait for five minutes.
        wait_until(lambda: scene.receiver.count(path) >= 45, 30)
        is_down[0] = False
        scene.receiver.pause_seconds[path] = 0.05
        scene.receiver.open_max[path] = 0
        orders.append(scene.order(reseller))
        wait_until(lambda: not scene.deliveries(reseller, state="pending"), 20)
        arrived = {json.loads(call.body)["data"]["id"] for call in scene.receiver.calls[path]}
        assert arrived == set(orders)
        assert 2 <= scene.receiver.open_max[path] <= 8, scene.receiver.open_max[path]


def order_and_concurrency(scene):
    with checks("H4 an endpoint never has more open at once than its concurrency, and gets there step by step"):
        reseller = scene.endpoint("/ok/many")
        scene.receiver.pause_seconds["/ok/many"] = 0.02
        for _ in range(60):
            scene.order(reseller)
        wait_until(lambda: scene.receiver.count("/ok/many") == 60, 20)
        assert scene.receiver.open_max["/ok/many"] <= 8, scene.receiver.open_max
    with checks("H3 each event arrives once where every answer is 2xx"):
        ids = [call.headers["webhook-id"] for call in scene.receiver.calls["/ok/many"]]
        assert len(ids) == len(set(ids)) == 60
    with checks("H5 after five failures in a row an endpoint has one slot until the next 2xx"):
        reseller = scene.endpoint("/fails/slots")
        path, is_down = "/fails/slots", [True]
        scene.receiver.answers[path] = lambda count: answer(503) if is_down[0] else answer(204)
        for _ in range(8):
            scene.order(reseller)
        wait_until(lambda: scene.receiver.count(path) >= 8)
        scene.receiver.open_max[path] = 0
        scene.receiver.pause_seconds[path] = 0.05
        for _ in range(8):
            scene.order(reseller)
        wait_until(lambda: scene.receiver.count(path) >= 16)
        assert scene.receiver.open_max[path] == 1, scene.receiver.open_max[path]


def addresses(gateway, names, receiver):
    """A node that may not go to private addresses. Nobody of it may ever reach the receiver, which is on loopback. Names are public
    when they are saved and lead elsewhere when they are called."""
    scene = Scene(gateway, receiver)
    before = receiver.connections
    leads = {
        "private": ["10.1.2.3"], "loop": ["127.0.0.1"], "mixed": ["8.8.8.8", "::1"], "mapped": ["::ffff:127.0.0.1"],
        "metadata": ["169.254.169.254"], "six": ["fd00::1"], "nat": ["64:ff9b::7f00:1"]}
    hosts = {word: f"{word}.tollgate-hooks.com" for word in leads}
    names.names.update({host: ["8.8.8.8"] for host in hosts.values()})
    resellers = {word: scene.endpoint("/ok/ssrf", url=f"https://{host}:{receiver.port}/ok/ssrf") for word, host in hosts.items()}
    with checks("H6 a name that leads to private addresses is refused when it is saved, whatever else it leads to"):
        for word, host in hosts.items():
            names.names[f"now-{host}"] = leads[word]
            refused = scene.shop.call(resellers[word], "PUT", "/webhook", {
                "url": f"https://now-{host}:{receiver.port}/", "events": ORDERS})
            assert refused.status == 422, (word, refused)
    names.names.update({host: leads[word] for word, host in hosts.items()})
    # What was answered before is forgotten after a second, which is the least that any answer is kept.
    wait_until(lambda after=time.monotonic() + 1.1: time.monotonic() > after)
    for reseller in resellers.values():
        scene.order(reseller)
    for word, reseller in resellers.items():
        with checks(f"H6 a name that was public when it was saved and leads to {leads[word]} now is not connected to"):
            delivery = scene.settled(reseller)
            assert delivery["attempts"][-1]["outcome"] == "address_refused", delivery
            assert delivery["attempts"][-1]["address"] is None, delivery
    with checks("H6 a listener on loopback has seen no connection"):
        assert receiver.connections == before, receiver.connections


def moving(scene, names):
    with checks("H6 each attempt is judged by where its name leads then"):
        names.names["moves.example"] = ["127.0.0.1"]
        reseller, path = scene.endpoint("/fails/moves", "moves.example"), "/fails/moves"
        scene.receiver.answers[path] = lambda count: answer(500)
        scene.order(reseller)
        delivery = scene.settled(reseller)
        assert delivery["attempts"][0]["address"] == "127.0.0.1", delivery
        # Plain HTTP is for the operator's own machines.
        names.names["moves.example"] = ["8.8.8.8"]
        wait_until(lambda after=time.monotonic() + 1.1: time.monotonic() > after)
        scene.retry(delivery)
        assert scene.settled(reseller, 2)["attempts"][0]["outcome"] == "address_refused"
        assert scene.receiver.count(path) == 1


def tls(scene, names):
    with tempfile.TemporaryDirectory() as folder:
        receiver = Receiver(*certificate(folder, "unknown", "hooks.example"))
        names.names["hooks.example"] = ["127.0.0.1"]
        with checks("H3 a certificate that is not trusted ends an attempt as tls; nothing was sent"):
            reseller = scene.endpoint("/ok/tls", url=receiver.url("/ok/tls", "hooks.example"))
            scene.order(reseller)
            assert scene.settled(reseller)["attempts"][-1]["outcome"] == "tls"
            assert receiver.count("/ok/tls") == 0
        receiver.stop()


def top_ups(gateway, receiver, count):
    """Seconds from each top-up to its call at the payment service."""
    seller = Shop(gateway, blueprint="codes", currency="USD")
    receiver.answers["/pay"] = lambda number: answer(
        201, "Content-Type: application/json",
        body=json.dumps({"id": f"pp_{number}", "payment_url": f"https://pay.example/{number}"}).encode())
    done = seller.admin("PUT", "/payment-service", {
        "driver": "http", "create_url": receiver.url("/pay"), "api_key": "the-key-of-the-service", "webhook_secret": PAYMENT_SECRET})
    assert done.status == 200, done
    times = []
    for number in range(count):
        # Nobody may ask for many in a quarter of an hour.
        reseller = seller.reseller() if number % 5 == 0 else reseller
        began = time.time()
        done = gateway.post(f"{seller.base}/api/reseller/topup", {"amount": 50}, headers={"x-api-key": reseller["key"]})
        assert done.status == 200, done
        times.append(receiver.calls["/pay"][-1].at - began)
    return times


def backlog(scene, path, deliveries):
    """So many deliveries that are due at an endpoint that takes its time."""
    reseller = scene.endpoint(path)
    scene.point(reseller, scene.receiver.url(path), ["service.activated"])
    scene.receiver.pause_seconds[path] = 0.5
    for _ in range(deliveries // 100):
        done = scene.shop.order(reseller, scene.sku, quantity=100)
        assert done.status == 201, done


def isolation(options, names):
    """Endpoints that hang, in many tenants, some at the host and port of the one that answers; names that nobody answers for."""
    tenants, each, slots = (200, 10, 1024) if options.long else (20, 10, 64)
    receiver = Receiver()
    with Gateway(
            options.tollgate, "--allow-private-addresses", "--name-server", names.address, "--budget",
            f"webhooks_node={slots}", demo=False) as gateway:
        scenes = [Scene(gateway, receiver) for _ in range(tenants)]

        def hang(number):
            scene = scenes[number // each]
            # Every tenth has a name that no server answers for.
            host = f"silent-{number}.example" if number % 10 == 9 else "127.0.0.1"
            reseller = scene.endpoint(f"/hang/{number}", host)
            scene.point(reseller, receiver.url(f"/hang/{number}", host), ["service.activated"])
            assert scene.shop.order(reseller, scene.sku, quantity=20).status == 201

        def arrivals(count):
            """Seconds from before an order until its event has arrived, and how many calls of others came meanwhile."""
            delays, passed = [], []
            for _ in range(count):
                began, before, others = time.time(), receiver.count("/ok/good"), receiver.connections
                scenes[0].order(good)
                wait_until(lambda: receiver.count("/ok/good") == before + 1, 60, pause_seconds=0.002)
                delays.append(receiver.calls["/ok/good"][-1].at - began)
                passed.append(receiver.connections - others)
            return delays, passed

        good = scenes[0].endpoint("/ok/good")
        scenes[0].order(good)
        wait_until(lambda: receiver.count("/ok/good") == 1)
        idle, _ = arrivals(50)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(hang, range(tenants * each)))
        wait_until(lambda: under_way(gateway) >= slots * 11 // 16, 60)
        threads = len(os.listdir(f"/proc/{gateway.process.pid}/task"))
        delays, passed = arrivals(100)
        with checks(f"H5 {tenants * each} endpoints that hang hold up none that answers: p99 {percentile(delays, 0.99) * 1e3:.0f} ms"):
            # One that waits behind others lets all of them pass that may go at once, and more.
            assert percentile(passed, 0.95) < slots // 4, sorted(passed)[-10:]
            if options.long:
                # From before the order, so from its commit as well.
                assert percentile(delays, 0.99) <= 0.25, (sorted(idle)[-5:], sorted(delays)[-5:])
        with checks("H5 names that nobody answers for cost no threads"):
            assert len(os.listdir(f"/proc/{gateway.process.pid}/task")) <= threads + 8, threads
        with checks("H5 no more than half of the slots are with endpoints that fail, once they are known to"):
            assert under_way(gateway) <= slots * 3 // 4
            wait_until(lambda: under_way(gateway, "failing") <= slots // 2, 60)
            assert figure(gateway, 'tollgate_budget_spent_total{budget="webhooks_node"}') > 0
        with checks("G7 what waits is counted by what is known of its endpoint: nothing waits for this node"):
            assert figure(gateway, 'tollgate_delivery_oldest_seconds{standing="proven"}') <= (1 if options.long else 10)
            assert figure(gateway, 'tollgate_delivery_oldest_seconds{standing="failing"}') > 1
        with checks("H5 a top-up's call to the payment service leaves as soon as if no webhook were due"):
            due, count = (100_000, 100) if options.long else (3_000, 20)
            idle = top_ups(gateway, receiver, count)
            backlog(scenes[1], "/ok/backlog", due)
            busy = top_ups(gateway, receiver, count)
            assert receiver.count("/ok/backlog") < due // 2, "it was sent before it was looked at"
            # Behind the webhooks it would be minutes.
            assert percentile(busy, 0.5) <= percentile(idle, 0.5) + 2, (idle, busy)
            if options.long:
                assert percentile(busy, 0.95) <= percentile(idle, 0.95) + 0.1, (sorted(idle)[-9:], sorted(busy)[-9:])
        with checks("H5 a stop does not wait for them, and uses up no attempt"):
            began = time.monotonic()
            gateway.stop()
            assert time.monotonic() - began < 30
    receiver.stop()


def survival(options, names):
    receiver = Receiver()
    with Gateway(
            options.tollgate, "--allow-private-addresses", "--name-server", names.address, demo=False, clock=True) as gateway:
        scene = Scene(gateway, receiver)
        reseller = scene.endpoint("/ok/kill")
        receiver.pause_seconds["/ok/kill"] = 0.01
        orders = []
        with checks("H3 G8 after kill -9 every event of an acknowledged order arrives, and few of them twice"):
            for _ in range(3):
                orders += [scene.order(reseller) for _ in range(40)]
                gateway.kill()
                gateway.start()
            told = lambda: collections.Counter(
                json.loads(call.body)["data"]["id"] for call in list(receiver.calls["/ok/kill"]))
            wait_until(lambda: set(told()) >= set(orders), 30)
            assert set(told()) == set(orders)
            # Those in flight at the kill, and those whose result was being gathered.
            assert sum(told().values()) - len(orders) <= 3 * 72, told()
        with checks("H3 what is under way at a stop is interrupted, uses up no attempt, and is sent after the start"):
            reseller, path = scene.endpoint("/fails/stop"), "/fails/stop"
            receiver.answers[path] = lambda number: None if number == 1 else answer(204)
            scene.order(reseller)
            wait_until(lambda: receiver.count(path) == 1)
            gateway.stop()
            gateway.start()
            delivery = scene.settled(reseller, 2, seconds=30)
            assert [one["outcome"] for one in delivery["attempts"]] == ["delivered", "interrupted"], delivery
            assert delivery["failures"] == 0 and receiver.count(path) == 2, delivery
        with checks("H3 P3 nothing of a suspended tenant is sent, and all of it once it is back"):
            reseller, path = scene.endpoint("/fails/held"), "/fails/held"
            receiver.answers[path] = lambda number: answer(503 if number == 1 else 204)
            order = scene.order(reseller)
            wait_until(lambda: receiver.count(path) == 1)
            slug = scene.shop.slug
            suspended = gateway.post(f"/provider/v1/tenants/{slug}/suspend", {}, key=gateway.provider_key)
            assert suspended.status == 200, suspended
            # Its second attempt falls due after five or six seconds.
            gateway.jump(30)
            other = Scene(gateway, receiver)
            witness = other.endpoint("/ok/witness")
            other.order(witness)
            wait_until(lambda: receiver.count("/ok/witness") == 1)
            assert receiver.count(path) == 1
            back = gateway.post(f"/provider/v1/tenants/{slug}/resume", {}, key=gateway.provider_key)
            assert back.status == 200, back
            wait_until(lambda: receiver.count(path) == 2, 20)
            assert json.loads(receiver.calls[path][-1].body)["data"]["id"] == order
    receiver.stop()


def main():
    names = NameServer()
    names.names["good.example"] = ["127.0.0.1"]
    receiver = Receiver()
    with Gateway(options.tollgate, "--allow-private-addresses", "--name-server", names.address, demo=False) as gateway:
        scene = Scene(gateway, receiver)
        endings(scene)
        signatures(scene)
        schedule(scene)
        order_and_concurrency(scene)
        tls(scene, names)
        moving(scene, names)
    with Gateway(options.tollgate, "--name-server", names.address, demo=False) as gateway:
        addresses(gateway, names, receiver)
    receiver.stop()
    survival(options, names)
    isolation(options, names)
    checks.finish()


if __name__ == "__main__":
    main()
