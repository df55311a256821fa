"""W13: what operators do by hand for units at provisioners, tenants that are suspended, provisioners that hang; and a
storm of kill -9 and random faults, after which each unit was made once and all money is accounted for."""

import json
import random
import threading
import time
from decimal import Decimal

from shop import Shop
from support import Checks, Gateway, arguments, wait_until
from units import Scene, callback, desk as another_desk

options = arguments()
checks = Checks()


def check_hand(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 confirm by hand sells the unit with the details given; the provisioner's late no changes nothing"):
        desk.fault = lambda call, attempt: "500 before"
        before = scene.balances()
        order, [service] = scene.order()
        wait_until(lambda: desk.verbs(service))
        confirmed = scene.admin("POST", f"/provisioning/{service}/confirm", {"details": {"login": {"value": "anna"}}})
        assert confirmed.status == 200 and confirmed.json["state"] == "active", confirmed
        assert scene.read(order)["state"] == "completed" and scene.balances() == (before[0] - 10, before[1])
        assert scene.service(service)["details"] == {"login": {"value": "anna", "secret": False}}
        call = next(call for call in desk.calls if call["service"] == service)
        assert callback(desk, call, {"state": "failed"}).status == 200
        assert scene.read(order)["state"] == "completed"
        assert scene.admin("POST", f"/provisioning/{service}/confirm").status == 409
    with checks("W13 what an operator does by hand is in the audit log, with verb and number"):
        rows = scene.admin("GET", "/audit?limit=100").json["data"]
        action = "POST /api/admin/provisioning/{service}/confirm"
        [row] = [row for row in rows if row["action"] == action and row["status"] == 200]
        assert row["detail"]["service"] == service and row["detail"]["verb"] == "create 1", row
        assert row["detail"]["move"] == "confirm" and "capture" in row["detail"]["posting"], row
    with checks("W13 give up pays back and asks the unit away, while a call is in flight too, and one verb at a time"):
        release = threading.Event()
        desk.fault = lambda call, attempt: (release.wait(20) and "ok") if call["verb"] == "create" else "ok"
        before = scene.balances()
        order, [service] = scene.order()
        wait_until(lambda: desk.open.get(service) == 1)
        given = scene.admin("POST", f"/provisioning/{service}/give_up", {"reason": "the host is gone"})
        assert given.status == 200, given
        assert scene.read(order)["state"] == "rejected" and scene.read(order)["reason"] == "the host is gone"
        assert scene.balances() == before
        assert desk.open.get(service) == 1 and desk.verbs(service) == ["create"]
        release.set()
        scene.until_shown(service, "terminated")
        assert service not in desk.accounts and scene.balances() == before and desk.open_max[service] == 1
        assert scene.service(service)["status"] == "cancelled"
    with checks("W13 O10 an order that a provisioner makes is activated or rejected as a whole by an operator"):
        desk.fault = lambda call, attempt: "500 before"
        before = scene.balances()
        order, services = scene.order(quantity=3)
        wait_until(lambda: all(desk.verbs(service) for service in services))
        done = scene.admin("POST", f"/orders/{order}/activate", {"details": {"host": {"value": "h", "secret": True}}})
        assert done.status == 200 and done.json["state"] == "completed" and done.json["ready_units"] == 3, done
        assert scene.balances() == (before[0] - 30, before[1])
        order, services = scene.order(quantity=2)
        done = scene.admin("POST", f"/orders/{order}/reject", {"reason": "no"})
        assert done.status == 200 and done.json["state"] == "rejected" and done.json["reason"] == "no", done
        assert scene.balances() == (before[0] - 30, before[1])
        desk.fault = lambda call, attempt: "ok"
    scene.verify()


def check_orphan(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 a unit that cannot be asked away is tried 30 times at the most and then shown for a person"):
        desk.fault = lambda call, attempt: "no"
        order, [service] = scene.order()
        scene.until(order, "rejected")
        def row():
            return next(row for row in scene.queue() if row["service"] == service)
        for _ in range(40):
            # What was answered is written before the time goes on.
            tries = wait_until(lambda: row()["verb"] == "terminate" and row()["tries"])
            if row()["phase"] == "stuck":
                break
            gateway.jump(8 * 3600 + 60)
            wait_until(lambda: row()["tries"] > tries or row()["phase"] == "stuck")
        lines = {line["kind"]: line for line in scene.admin("GET", "/attention").json["data"]}
        assert service in json.dumps(lines["provisioning_stuck"]), lines
        assert row()["state"] == "orphan" and 20 <= desk.verbs(service).count("terminate") <= 30, row()
        for word, body in [("retry", None), ("give_up", {"reason": "seen to"})]:
            done = scene.admin("POST", f"/provisioning/{service}/{word}", body)
            assert done.status == 200, done
        assert scene.service(service)["provisioning_state"] == "terminated"
    scene.verify()


def check_ends(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 P3 while the tenant is suspended nothing is asked for; at resume it goes on"):
        slug, provider = scene.shop.slug, gateway.provider_key
        desk.fault = lambda call, attempt: "500 before" if attempt < 3 else "ok"
        order, [service] = scene.order()
        wait_until(lambda: scene.row(service)["tries"] == 1)
        coming = scene.admin("GET", "/due?kind=provisioning").json["data"]
        assert [item["at"] for item in coming] == [scene.row(service)["next_at"]], coming
        assert gateway.post(f"/provider/v1/tenants/{slug}/suspend", key=provider).status == 200
        calls = len(desk.calls)
        gateway.jump(25 * 3600)
        other = Scene(gateway)
        made, _ = other.order()
        other.until(made, "completed")
        assert len(desk.calls) == calls, "the other tenant's unit was made, this one's was not asked for"
        refused = callback(desk, desk.calls[-1], {"state": "ready"})
        assert refused.status == 403, refused
        assert gateway.post(f"/provider/v1/tenants/{slug}/resume", key=provider).status == 200
        # The days in which nobody might ask are none of those that the unit has.
        wait_until(lambda: scene.row(service)["tries"] == 2)
        assert scene.row(service)["phase"] == "asking", scene.row(service)
        gateway.jump(11)
        scene.until(order, "completed")
        assert desk.made[service] == 1
    with checks("W13 without a provisioner an order waits, its money held, and goes on as soon as there is one"):
        assert scene.admin("DELETE", "/provisioning").status == 204
        order, [service] = scene.order()
        wait_until(lambda: [row for row in scene.queue() if row["last_outcome"] == "no_provisioner"])
        assert scene.read(order)["state"] == "pending"
        again = scene.admin("PUT", "/provisioning", {"url": scene.url, "secret": desk.secret})
        assert again.status == 200, again
        scene.until(order, "completed")
    with checks("W13 H6 addresses that a node does not call are refused where they are saved"):
        with Gateway(options.tollgate, demo=False, clock=True) as strict:
            strict.provider_key
            shop = Shop(strict)
            for url in ("http://127.0.0.1:9/", "https://127.0.0.1:9/", "https://[::1]/", "https://10.0.0.1/",
                        "https://localhost/", "https://169.254.169.254/latest", "https://0x7f000001/",
                        "https://127.1/"):
                refused = shop.admin("PUT", "/provisioning", {"url": url})
                assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/url", (url, refused)
    scene.verify()


def check_slow(gateway):
    scene, other = Scene(gateway), Scene(gateway)
    desk = scene.desk
    with checks("W13 a slow provisioner of one tenant delays no other's"):
        release = threading.Event()
        scene.desk.fault = lambda call, attempt: release.wait(30) and "ok"
        stuck = [scene.order(quantity=10)[0] for _ in range(3)]
        wait_until(lambda: sum(desk.open.values()) == 8)
        other.desk.fault = lambda call, attempt: "ok"
        made, _ = other.order()
        other.until(made, "completed")
        assert sum(desk.open.values()) == 8, "eight calls of a tenant are under way at the most"
        release.set()
        for order in stuck:
            scene.until(order, "completed")
        assert max(desk.open_max.values()) == 1
    scene.verify()


def check_dead(gateway):
    scene = Scene(gateway, timeout_seconds=5)
    dead = scene.desk
    with checks("W13 a provisioner that does not answer has at most half of its tenant's places, and delays no other"):
        own = scene.shop.product("http")
        scene.shop.price(scene.reseller, own, {"wholesale_monthly": "10.00"})
        alive, url = another_desk(gateway)
        made = scene.admin("PUT", f"/products/{own}/provisioning", {"url": url})
        assert made.status == 200, made
        alive.secret = made.json["secret"]
        release = threading.Event()
        dead.fault = lambda call, attempt: "ok" if release.is_set() else "hang before"
        alive.fault = lambda call, attempt: release.wait(30) and "ok"
        waiting, _ = scene.order(quantity=40)
        wait_until(lambda: len(dead.calls) == 8)
        placed = scene.place(own, quantity=4)
        assert placed.status == 201, placed
        wait_until(lambda: sum(alive.open.values()) == 4, seconds=30)
        assert len(dead.calls) <= 12, "no more than half of the places were its own from its first silence on"
        release.set()
        scene.until(placed.json["order"]["id"], "completed")
        wait_until(lambda: gateway.jump(11) or scene.read(waiting)["state"] == "completed", seconds=60)
    scene.verify()


def check_restore(tollgate):
    # The clock is the machine's: the process that examines a file does not run under another.
    with Gateway(tollgate, "--allow-private-addresses", demo=False) as gateway:
        scene = Scene(gateway)
        slug, provider, desk = scene.shop.slug, gateway.provider_key, scene.desk
        with checks("W13 P3 after a restore nothing is asked before the operator says so, and then by the same id"):
            desk.fault = lambda call, attempt: "500 after" if attempt < 2 else "ok"
            order, [service] = scene.order()
            wait_until(lambda: scene.row(service)["tries"] == 1)
            export = gateway.get(f"/provider/v1/tenants/{slug}/export", key=provider)
            assert scene.admin("POST", f"/provisioning/{service}/retry").status == 200
            scene.until(order, "completed")
            taken = gateway.post(f"/provider/v1/tenants/{slug}/restore", export.body, key=provider)
            assert taken.status == 200, taken
            assert scene.read(order)["state"] == "pending" and scene.row(service)["tries"] == 1
            calls = len(desk.calls)
            assert scene.admin("POST", f"/provisioning/{service}/retry").status == 200
            other = Scene(gateway)
            made, _ = other.order()
            other.until(made, "completed")
            assert len(desk.calls) == calls, "another tenant's unit was made meanwhile"
            # What was to be asked then is nobody's memory any more: the word alone says that it is.
            gateway.kill()
            gateway.start()
            resumed = scene.admin("POST", "/outbound/resume", {})
            assert resumed.status == 200, resumed
            scene.until(order, "completed")
            assert desk.made[service] == 1 and desk.calls[-1]["key"] == f"{service}:create:1"
            scene.verify()


def check_storm(tollgate):
    """Random faults and kill -9 while orders come in: one account a unit, and all money accounted for."""
    chance = random.Random(7)
    with Gateway(tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
        gateway.provider_key
        scene = Scene(gateway, timeout_seconds=1)
        desk = scene.desk
        faults = ["ok"] * 6 + [
            "hang after", "hang before", "reset after", "reset before", "500 after", "garbage after", "poll",
            "callback", "twice", "busy", "no", "failed"]
        lock = threading.Lock()

        def fault(call, attempt):
            with lock:
                return chance.choice(faults) if call["verb"] == "create" else chance.choice(["ok", "ok", "reset after"])
        desk.fault = fault
        orders = []
        with checks("W13 under kill -9 and random faults each unit is made once, each hold ends as capture or void"):
            for _ in range(6):
                for _ in range(5):
                    orders.append(scene.order(quantity=chance.choice([1, 1, 2, 5])))
                time.sleep(chance.random())
                gateway.kill()
                gateway.start()
            desk.fault = lambda call, attempt: "ok"

            def settled():
                gateway.jump(11 * 60)
                time.sleep(1.5)
                return not scene.queue()
            wait_until(settled, seconds=120)
            ready = rejected = 0
            for order, services in orders:
                told = scene.read(order)
                assert told["state"] in ("completed", "rejected"), told
                assert told["ready_units"] + told["rejected_units"] == len(services), told
                ready, rejected = ready + told["ready_units"], rejected + told["rejected_units"]
                for service in told["services"]:
                    assert desk.made.get(service["id"], 0) <= 1, service
                    is_there = service["id"] in desk.accounts
                    assert is_there == (service["status"] == "active"), (service, desk.verbs(service["id"]))
            assert scene.balances() == (Decimal("10000.00") - 10 * ready, 0), (scene.balances(), ready, rejected)
            assert ready and rejected, "the storm has both"
            print(f"# {len(orders)} orders, {ready} units ready, {rejected} rejected, {len(desk.calls)} calls")
        scene.verify()


with Gateway(options.tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
    gateway.provider_key
    for part in (check_hand, check_orphan, check_ends, check_slow, check_dead):
        part(gateway)
check_restore(options.tollgate)
check_storm(options.tollgate)
checks.finish()
