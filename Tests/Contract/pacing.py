"""H3, H4, H5, G7: where the calls of a webhook go, and when: its address changes while one is under way; it answers
again; it limits them; others hang beside it, and keep neither it nor a provisioner waiting. What is held is counted."""

import statistics
import threading
import time

# Before `units`, which looks among the examples for what it imports.
from receiver import NO_CONTENT, Receiver, answer
import units
from shop import Shop
from support import Checks, Gateway, arguments, wait_until

options = arguments()
checks = Checks()
# How long a delivery that is due may wait where its endpoint, its tenant and the node have a slot for it.
WAIT_SECONDS_MAX = 5
# The longest that the second attempt is put off.
SECOND_TRY_SECONDS_MAX = 6
ACTIVATED = ["service.activated"]


class Scene:
    """A reseller that orders."""

    def __init__(self, gateway, receiver):
        self.gateway, self.receiver = gateway, receiver
        self.shop = Shop(gateway)
        self.sku = self.shop.product()
        self.reseller = self.shop.reseller(balance="100000")
        self.shop.price(self.reseller, self.sku, {"wholesale_monthly": "1.00"})

    def call(self, method, path, body=None):
        done = self.shop.call(self.reseller, method, path, body)
        assert done.status in (200, 201), done
        return done.json

    def hook(self, path, **fields):
        """Its id."""
        return self.call("POST", "/webhooks", {
            "name": path[1:], "url": self.receiver.url(path), "events": ["order.created"], **fields})["id"]

    def order(self, count=1):
        for _ in range(count):
            placed = self.shop.order(self.reseller, self.sku)
            assert placed.status == 201, placed

    def deliveries(self, hook):
        return self.call("GET", f"/deliveries?endpoint={hook}")["data"]


def moved(scene):
    receiver = scene.receiver
    hook = scene.hook("/old")
    receiver.pause_seconds["/old"] = 1
    receiver.answers["/old"] = lambda count: answer(410)
    scene.order()
    wait_until(lambda: receiver.count("/old") == 1)
    with checks("H3 H4 what the old address answers, 410 even, says nothing of the new one, which gets the delivery"):
        scene.call("PATCH", f"/webhooks/{hook}", {"url": receiver.url("/new")})
        wait_until(lambda: receiver.count("/new") == 1, 20)
        wait_until(lambda: scene.deliveries(hook)[0]["state"] == "delivered")
        shown = scene.call("GET", f"/webhooks/{hook}")
        assert (shown["state"], shown["health"]["recent"]) == ("active", ["delivered"]), shown
        old, new = receiver.calls["/old"][0], receiver.calls["/new"][0]
        assert old.body == new.body and old.headers["webhook-id"] == new.headers["webhook-id"]
    scene.call("DELETE", f"/webhooks/{hook}")


def recovered(scene):
    receiver, path = scene.receiver, "/back"
    hook = scene.hook(path, concurrency=1)
    is_down = threading.Event()
    is_down.set()
    receiver.answers[path] = lambda count: answer(503) if is_down.is_set() else NO_CONTENT
    with checks("H3 the first 2xx after one failure alone brings what waits for its time"):
        scene.order()
        # It waits for five minutes after the second one.
        wait_until(lambda: scene.deliveries(hook)[0]["tries"] == 2, 20)
        is_down.clear()
        scene.order()
        wait_until(lambda: all(row["state"] == "delivered" for row in scene.deliveries(hook)), 20)
        assert receiver.count(path) == 4
    scene.call("DELETE", f"/webhooks/{hook}")


def limited(scene):
    receiver, path, rate, count = scene.receiver, "/limited", 5, 15
    hook = scene.hook(path, max_per_second=rate)
    with checks("H4 an endpoint gets no more calls a second than it says, and all in the end"):
        scene.order(count)
        wait_until(lambda: receiver.count(path) == count, 60)
        times = sorted(call.at for call in receiver.calls[path])
        # The first second's may come at once. Half of it is enough: the first call may be late.
        assert times[-1] - times[0] >= (count - rate) / rate / 2, times
        assert len({call.headers["webhook-id"] for call in receiver.calls[path]}) == count
    with checks("H4 the limit is shown, is 1 to 1,000, and is taken away by null, at once"):
        assert scene.call("GET", f"/webhooks/{hook}")["max_per_second"] == rate
        for wrong in 0, 1001, "5", 1.5:
            refused = scene.shop.call(scene.reseller, "PATCH", f"/webhooks/{hook}", {"max_per_second": wrong})
            assert refused.status == 422, (wrong, refused)
        scene.call("PATCH", f"/webhooks/{hook}", {"max_per_second": 1})
        scene.order(60)
        assert scene.call("PATCH", f"/webhooks/{hook}", {"max_per_second": None})["max_per_second"] is None
        # By the limit it would be a minute.
        wait_until(lambda: receiver.count(path) == count + 60, 30)
    scene.call("DELETE", f"/webhooks/{hook}")


def waits(calls, since, pause_seconds):
    """How long each call to an endpoint of one slot came after it could have: of a backlog that was there `since`."""
    for call in sorted(calls, key=lambda call: call.at):
        yield call.at - since
        since = call.at + pause_seconds


def waiting(gateway, receiver):
    """Backlogs of prompt and of slow endpoints, beside some that fail once and some that hang, in several tenants."""
    backlog, pauses, scenes, since = 40, (0, 0.01, 0.03, 0.05), [Scene(gateway, receiver) for _ in range(4)], {}
    prompt, failing = [], []
    for number, scene in enumerate(scenes):
        for place, pause in enumerate(pauses):
            prompt.append((f"/prompt-{number}-{place}", number, pause))
            receiver.pause_seconds[prompt[-1][0]] = pause
            scene.hook(prompt[-1][0], concurrency=1, events=ACTIVATED)
        failing.append(f"/failing-{number}")
        receiver.answers[failing[-1]] = lambda count: answer(503) if count == 1 else NO_CONTENT
        scene.hook(failing[-1], concurrency=1)
        receiver.answers[f"/silent-{number}"] = lambda count: None
        scene.hook(f"/silent-{number}", events=ACTIVATED)
    for number, scene in enumerate(scenes):
        placed = scene.shop.order(scene.reseller, scene.sku, quantity=backlog)
        assert placed.status == 201, placed
        since[number] = time.time()
    with checks("H5 no delivery that is due waits for 5 s while a slot of its endpoint, tenant and node is free"):
        wait_until(lambda: all(receiver.count(path) == backlog for path, _, _ in prompt), 180)
        longest = {path: max(waits(receiver.calls[path], since[number], pause)) for path, number, pause in prompt}
        assert max(longest.values()) <= WAIT_SECONDS_MAX, longest
    with checks("H3 H5 nor does one whose next attempt is due, while deliveries of the same tenant hang"):
        wait_until(lambda: all(receiver.count(path) == 2 for path in failing), 60)
        later = {path: receiver.calls[path][1].at - receiver.calls[path][0].at for path in failing}
        assert max(later.values()) <= SECOND_TRY_SECONDS_MAX + WAIT_SECONDS_MAX, later


def provisioned(gateway, receiver):
    """A provisioner's tenant, whose webhooks hang: thousands of deliveries wait."""
    scene = units.Scene(gateway)
    shop, reseller, paths, orders = scene.shop, scene.reseller, [f"/stuck-{number}" for number in range(5)], 5
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})

    def seconds():
        """From before an order until its provisioner is called."""
        before, began = scene.desk.count("create"), time.monotonic()
        scene.order()
        wait_until(lambda: scene.desk.count("create") > before, 60, pause_seconds=0.002)
        return time.monotonic() - began
    idle = [seconds() for _ in range(10)]
    for path in paths:
        receiver.answers[path] = lambda count: None
        made = shop.call(reseller, "POST", "/webhooks", {
            "name": path[1:], "url": receiver.url(path), "events": ACTIVATED})
        assert made.status == 201, made
    for _ in range(orders):
        placed = shop.order(reseller, sku, quantity=100)
        assert placed.status == 201, placed
    wait_until(lambda: sum(map(receiver.count, paths)) >= 2, 60)
    with checks("H5 W13 a provisioner is called as soon as if no webhook were due, beside thousands that hang"):
        busy = [seconds() for _ in range(10)]
        assert sum(map(receiver.count, paths)) < orders * 100, "they were sent before it was looked at"
        # Behind the webhooks it would be minutes.
        assert statistics.median(busy) <= statistics.median(idle) + 2, (idle, busy)


def counted(scene):
    gateway = scene.gateway
    hook = scene.hook("/held")
    scene.call("POST", f"/webhooks/{hook}/pause")
    held = lambda: gateway.metrics().get("tollgate_deliveries", state="held")
    with checks("G7 what is held is counted over all tenants, after a start too, before any file is opened"):
        assert (held(), gateway.metrics().get("tollgate_deliveries", state="dead")) == (0, 0)
        scene.order(3)
        wait_until(lambda: held() == 3, 60)
        gateway.stop()
        gateway.start()
        wait_until(lambda: held() == 3, 60)
    with checks("G7 what is removed is counted no more"):
        scene.call("DELETE", f"/webhooks/{hook}")
        wait_until(lambda: held() == 0, 60)


def main():
    receiver = Receiver()
    try:
        with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
            scene = Scene(gateway, receiver)
            moved(scene)
            recovered(scene)
            limited(scene)
            waiting(gateway, receiver)
            counted(scene)
        few = ["--budget", "webhooks_node=16"]
        with Gateway(options.tollgate, "--allow-private-addresses", *few, demo=False) as gateway:
            provisioned(gateway, receiver)
    finally:
        receiver.stop()
    checks.finish()


main()
