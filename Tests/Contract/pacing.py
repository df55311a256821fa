"""H3, H4, G7: where the calls of a webhook go, and when: its address changes while one is under way; it answers again;
it limits them. What is held is counted."""

import threading

from receiver import NO_CONTENT, Receiver, answer
from shop import Shop
from support import Checks, Gateway, arguments, wait_until

options = arguments()
checks = Checks()


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
            counted(scene)
    finally:
        receiver.stop()
    checks.finish()


main()
