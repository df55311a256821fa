"""W13: provisioners that are real, over HTTP on loopback: prompt, slow, forgetful, silent, breaking off, late and
lying. After everything the money in holds is held against what became of each unit."""

import json
import threading
import time

from support import Checks, Gateway, arguments, wait_until
from units import CANARY, Scene, callback, desk as another_desk, reference

options = arguments()
checks = Checks()


def check_configuration(gateway):
    scene = Scene(gateway)
    admin = scene.admin
    with checks("W13 O10 a provisioner's secret is shown once, and no call reads it again; a second PUT keeps it"):
        read = admin("GET", "/provisioning")
        assert read.status == 200 and "secret" not in read.json and scene.desk.secret not in read.body.decode(), read
        again = admin("PUT", "/provisioning", {"url": scene.url, "timeout_seconds": 7})
        assert again.status == 200 and "secret" not in again.json and again.json["timeout_seconds"] == 7, again
        order, services = scene.order()
        scene.until(order, "completed")
        given = admin("PUT", "/provisioning", {"url": scene.url, "secret": scene.desk.secret})
        assert given.status == 200 and scene.desk.secret not in given.body.decode(), given
    with checks("W13 a product's own provisioner goes before the tenant's, and is taken away"):
        path = f"/products/{scene.sku}/provisioning"
        assert admin("GET", path).status == 404
        own = admin("PUT", path, {"url": scene.url + "/own"})
        assert own.status == 200 and own.json["product"] == scene.sku and "secret" in own.json, own
        shown = admin("POST", "/provisioning/test", {"product": scene.sku, "send": False}).json
        assert shown["request"]["url"] == scene.url + "/own" and not shown["sent"], shown
        assert admin("DELETE", path).status == 204 and admin("DELETE", path).status == 404
    with checks("W13 H6 addresses that may not be called, and bodies that are not right, are 422 naming the field"):
        for body, field in [
            ({"url": "ftp://127.0.0.1/x"}, "/url"), ({"url": "https://user:pw@example.com/"}, "/url"),
            ({"url": scene.url, "timeout_seconds": 0}, "/timeout_seconds"),
            ({"url": scene.url, "timeout_seconds": 121}, "/timeout_seconds"),
            ({"url": scene.url, "secret": "whsec_short"}, "/secret"), ({"url": scene.url, "more": 1}, "/more"),
            ({}, "/url"),
        ]:
            refused = admin("PUT", "/provisioning", body)
            assert refused.status == 422, (body, refused)
            assert [error["pointer"] for error in refused.json["errors"]] == [field], refused
    with checks("W13 a dry run shows the request, its signature and the answer; nothing is made"):
        before = dict(scene.desk.made)
        shown = admin("POST", "/provisioning/test", {})
        assert shown.status == 200, shown
        headers = shown.json["request"]["headers"]
        body = shown.json["request"]["body"].encode()
        assert headers["webhook-signature"] == reference.signature(
            scene.desk.secret, headers["webhook-id"], headers["webhook-timestamp"], body)
        assert json.loads(shown.json["request"]["body"])["dry_run"] is True, shown
        assert shown.json["outcome"] == "ready" and shown.json["status"] == 200, shown
        assert scene.desk.made == before and scene.desk.secret not in shown.body.decode()
    with checks("W13 a dry run that brings no answer says so by the word that a call would have"):
        assert admin("PUT", "/provisioning", {"url": scene.url, "timeout_seconds": 1}).status == 200
        for fault, word in (("hang before", "timed_out"), ("reset before", "unanswered")):
            scene.desk.fault = lambda call, attempt: fault
            tried = admin("POST", "/provisioning/test", {})
            assert (tried.json["sent"], tried.json["outcome"]) == (True, word), (fault, tried)


def check_life(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 O10 an order is made at the provisioner once, paid for then, and its reseller reads the details"):
        before = scene.balances()
        order, [service] = scene.order()
        told = scene.until(order, "completed")
        assert (told["ready_units"], told["rejected_units"], told["reason"]) == (1, 0, None), told
        assert scene.balances() == (before[0] - 10, before[1]), scene.balances()
        read = scene.service(service)
        assert read["status"] == "active" and read["provisioning_state"] == "active", read
        assert read["details"]["password"] == {"value": CANARY, "secret": True}, read
        call = desk.calls[-1]
        assert call["key"] == f"{service}:create:1" and call["quantity"] == 1 and call["order"] == order, call
        assert set(call) == {
            "verb", "service", "n", "order", "product", "term", "quantity", "customer", "reseller", "callback_url",
            "key"}, call


def check_verbs(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    order, [service] = scene.order()
    scene.until(order, "completed")
    with checks("W13 state × verb: suspend, resume and cancel reach the provisioner, each once, one at a time"):
        for move, status, state, verb in [
            ("suspend", "suspended", "suspended", "suspend"), ("resume", "active", "active", "unsuspend"),
            ("suspend", "suspended", "suspended", "suspend"), ("cancel", "cancelled", "terminated", "terminate"),
        ]:
            moved = scene.admin("POST", f"/services/{service}/{move}")
            assert moved.status == 200 and moved.json["status"] == status, moved
            read = scene.until_shown(service, state)
            assert read["status"] == status and desk.verbs(service)[-1] == verb, read
        assert desk.verbs(service) == ["create", "suspend", "unsuspend", "suspend", "terminate"], desk.verbs(service)
        keys = [call["key"].split(":", 1)[1] for call in desk.calls if call["service"] == service]
        assert keys == ["create:1", "suspend:2", "unsuspend:3", "suspend:4", "terminate:5"], keys
        assert service not in desk.accounts and desk.open_max[service] == 1
    with checks("W13 wishes behind a slow verb collapse to the last one"):
        order, [service] = scene.order()
        scene.until(order, "completed")
        release = threading.Event()
        desk.fault = lambda call, attempt: release.wait(20) and "ok"
        for move in ("suspend", "resume", "suspend", "resume", "suspend"):
            assert scene.admin("POST", f"/services/{service}/{move}").status == 200
            assert scene.service(service)["provisioning_state"] == "suspending"
        wait_until(lambda: desk.open.get(service) == 1)
        assert scene.admin("POST", f"/services/{service}/resume").status == 200
        assert scene.service(service)["status"] == "active"
        release.set()
        scene.until_shown(service, "active")
        assert desk.verbs(service) == ["create", "suspend", "unsuspend"], desk.verbs(service)
        desk.fault = lambda call, attempt: "ok"
    with checks("W13 a suspension that fails moves money and service at once, shows as suspending, and is tried on"):
        order, [service] = scene.order()
        scene.until(order, "completed")
        desk.fault = lambda call, attempt: "500 before" if attempt < 3 else "ok"
        moved = scene.admin("POST", f"/services/{service}/suspend")
        assert moved.status == 200 and moved.json["status"] == "suspended", moved
        for tries in (1, 2):
            wait_until(lambda: [row for row in scene.queue() if row["service"] == service and row["tries"] == tries])
            read = scene.service(service)
            assert (read["status"], read["provisioning_state"]) == ("suspended", "suspending"), read
            gateway.jump(11)
        scene.until_shown(service, "suspended")
        assert desk.verbs(service) == ["create"] + ["suspend"] * 3, desk.verbs(service)
    with checks("W13 X7 an order of the test book is ready without a call to anybody"):
        test = dict(scene.reseller)
        test["key"] = scene.shop.mint(scene.reseller, mode="test").json["key"]
        calls = len(desk.calls)
        placed = scene.place(scene.sku, test)
        assert placed.status == 201, placed
        [made] = placed.json["services"]
        wait_until(lambda: scene.shop.get(test, f"/services/{made['id']}").json["status"] == "active", seconds=20)
        assert len(desk.calls) == calls
    scene.verify()


def check_refused_changes(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    for fault, outcome, words in (("no", "refused", "no room"), ("failed", "failed", "sold out")):
        with checks(f"W13 a change that its provisioner refuses ({outcome}) is tried on, and its tries are counted"):
            order, [service] = scene.order()
            scene.until(order, "completed")
            desk.fault = lambda call, attempt: fault if call["verb"] != "create" and attempt < 3 else "ok"
            for move, status, shown, after in (("suspend", "suspended", "suspending", "suspended"),
                                               ("resume", "active", "unsuspending", "active")):
                moved = scene.admin("POST", f"/services/{service}/{move}")
                assert moved.status == 200 and moved.json["status"] == status, moved
                for tries in (1, 2):
                    row = wait_until(lambda: [
                        row for row in scene.queue() if row["service"] == service and row["tries"] == tries])[0]
                    assert (row["state"], row["phase"], row["last_outcome"]) == (shown, "asking", outcome), row
                    assert row["next_at"] and words in row["last_answer"] and not scene.queue("stuck"), row
                    read = scene.service(service)
                    assert (read["status"], read["provisioning_state"]) == (status, shown), read
                    gateway.jump(11)
                scene.until_shown(service, after)
            assert desk.verbs(service) == ["create"] + ["suspend"] * 3 + ["unsuspend"] * 3, desk.verbs(service)
            desk.fault = lambda call, attempt: "ok"
    with checks("W13 a change that is refused and no more wanted ends with its next no, and its opposite is asked for"):
        order, [service] = scene.order()
        scene.until(order, "completed")
        desk.fault = lambda call, attempt: "no" if call["verb"] == "suspend" else "ok"
        assert scene.admin("POST", f"/services/{service}/suspend").status == 200
        wait_until(lambda: scene.row(service)["tries"] >= 1)
        assert scene.admin("POST", f"/services/{service}/resume").json["status"] == "active"
        gateway.jump(11)
        scene.until_shown(service, "active")
        assert desk.verbs(service)[-1] == "unsuspend" and desk.accounts[service] == "active", desk.verbs(service)
        desk.fault = lambda call, attempt: "ok"
    scene.verify()


def check_money(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 a no gives the money back, with its reason in order and event, and the unit is asked away"):
        before = scene.balances()
        desk.fault = lambda call, attempt: "no" if call["verb"] == "create" else "ok"
        order, [service] = scene.order()
        told = scene.until(order, "rejected")
        assert told["reason"] == "no room <b>left</b>" and told["rejected_units"] == 1, told
        assert scene.balances() == before, scene.balances()
        scene.until_shown(service, "terminated")
        assert desk.verbs(service) == ["create", "terminate"]
        assert scene.service(service)["status"] == "cancelled"
    with checks("W13 of five units three are ready and two failed: three are captured, two voided, the order says so"):
        before = scene.balances()
        chosen = []
        lock = threading.Lock()

        def two_of_five(call, attempt):
            if call["verb"] != "create":
                return "ok"
            with lock:
                chosen.append(call["service"])
                return "failed" if len(chosen) in (2, 4) else "ok"
        desk.fault = two_of_five
        order, services = scene.order(quantity=5)
        told = scene.until(order, "completed")
        assert (told["ready_units"], told["rejected_units"], told["reason"]) == (3, 2, "sold out"), told
        assert scene.balances() == (before[0] - 30, before[1]), (before, scene.balances())
        states = sorted(service["status"] for service in told["services"])
        assert states == ["active"] * 3 + ["cancelled"] * 2, told
        statement = scene.admin("GET", f"/resellers/{scene.reseller['id']}/statement?limit=10")
        assert statement.status == 200
        wait_until(lambda: sum(state == "active" for state in desk.accounts.values()) >= 3 and not scene.queue())
    with checks("W13 what nobody answers clearly holds the money, and is asked again under the same id"):
        for fault in ["500 before", "500 after", "reset before", "reset after", "garbage after", "taken after", "busy"]:
            before = scene.balances()
            desk.fault = lambda call, attempt: fault if attempt < 2 else "ok"
            order, [service] = scene.order()
            row = wait_until(lambda: scene.row(service) if scene.row(service)["tries"] == 1 else None)
            assert scene.read(order)["state"] == "pending", fault
            assert scene.balances() == (before[0] - 10, before[1] + 10), fault
            assert row["state"] == "creating" and CANARY not in json.dumps(row) and "\x1b" not in json.dumps(row), row
            gateway.jump(7)
            scene.until(order, "completed")
            keys = {call["key"] for call in desk.calls if call["service"] == service}
            assert keys == {f"{service}:create:1"} and desk.made[service] == 1, (fault, keys)
            assert scene.balances() == (before[0] - 10, before[1]), fault
    with checks("W13 O10 of an answer that is no yes the queue tells the text, and no details; nor has an export any"):
        desk.fault = lambda call, attempt: "taken after"
        order, [service] = scene.order()
        row = wait_until(lambda: scene.row(service) if scene.row(service)["tries"] == 1 else None)
        assert row["last_status"] == 409 and "it is there" in row["last_answer"], row
        assert CANARY not in json.dumps(row) and "details" not in row["last_answer"], row
        export = gateway.get(f"/provider/v1/tenants/{scene.shop.slug}/export", key=gateway.provider_key)
        assert export.status == 200 and row["last_answer"].encode() in export.body, "the export has what was told"
        assert CANARY.encode() not in export.body
        tried = scene.admin("POST", "/provisioning/test", {})
        assert tried.json["status"] == 409 and CANARY not in tried.body.decode(), tried
        desk.fault = lambda call, attempt: "ok"
        gateway.jump(7)
        scene.until(order, "completed")
    scene.verify()


def check_silence(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 after 24 hours without a clear answer a person sees to it, and the money is still held"):
        before = scene.balances()
        desk.fault = lambda call, attempt: "500 before"
        order, [service] = scene.order()
        # By no more than a try may be late: time in which nobody may ask does not count.
        for _ in range(60):
            gateway.jump(2300)
            now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(gateway.now()))
            # Without a time there is nothing more to come: one look says both.
            wait_until(lambda: (scene.row(service)["next_at"] or "9999") >= now)
            if scene.queue("stuck"):
                break
        [row] = scene.queue("stuck")
        assert row["service"] == service and row["state"] == "stuck" and row["last_status"] == 500, row
        assert scene.read(order)["state"] == "pending" and scene.balances() == (before[0] - 10, before[1] + 10)
        call = next(call for call in desk.calls if call["service"] == service)
        assert callback(desk, call, {"state": "pending"}).status == 200
        assert scene.row(service)["state"] == "stuck", "it stays with whoever sees to it"
        desk.fault = lambda call, attempt: "ok"
        again = scene.admin("POST", f"/provisioning/{service}/retry")
        assert again.status == 200, again
        scene.until(order, "completed")
        assert scene.balances() == (before[0] - 10, before[1])
    scene.verify()


def check_later(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 202 is asked about until it is ready"):
        desk.fault = lambda call, attempt: "poll"
        order, [service] = scene.order()
        wait_until(lambda: scene.service(service)["provisioning_state"] == "creating" and
                   [row for row in scene.queue() if row["phase"] == "pending"])
        assert scene.read(order)["state"] == "pending"
        gateway.jump(7)
        scene.until(order, "completed")
        assert desk.polls == {f"{service}:create:1": 1}, desk.polls
    with checks("W13 a query of the provisioner's URL stays behind the path that says what is asked about"):
        for url, path in (("/units?at=1&b=/", "/units"), ("/units/?at=1&b=/", "/units"), ("?at=1&b=/", "")):
            assert scene.admin("PUT", "/provisioning", {"url": scene.url + url}).status == 200
            order, [service] = scene.order()
            wait_until(lambda: [row for row in scene.queue() if row["phase"] == "pending"])
            gateway.jump(7)
            scene.until(order, "completed")
            assert desk.polled_at.endswith(f"{path}/{service}/create/1?at=1&b=/"), desk.polled_at
            assert desk.made[service] == 1
        assert scene.admin("PUT", "/provisioning", {"url": scene.url}).status == 200
    with checks("W13 202 and a callback, whichever is first; the same one again, and an older one, change nothing"):
        desk.fault = lambda call, attempt: "callback"
        order, [service] = scene.order()
        scene.until(order, "completed")
        call = next(call for call in desk.calls if call["service"] == service)
        again = callback(desk, call, {"state": "failed", "reason": "late no"})
        assert again.status == 200 and scene.read(order)["state"] == "completed", again
        desk.fault = lambda call, attempt: "twice"
        order, [other] = scene.order()
        scene.until(order, "completed")
        assert desk.made[other] == 1
    with checks("W13 a status of 404 on what was under way is a no"):
        before = scene.balances()
        desk.fault = lambda call, attempt: "lost" if call["verb"] == "create" else "ok"
        order, [service] = scene.order()
        wait_until(lambda: [row for row in scene.queue() if row["phase"] == "pending"])
        gateway.jump(7)
        scene.until(order, "rejected")
        assert scene.balances() == before
    with checks("W13 what is under way when another provisioner is put in force is asked of that one, by the same key"):
        before = scene.balances()
        order, [service] = scene.order()
        wait_until(lambda: scene.row(service)["phase"] == "pending")
        other, url = another_desk(gateway)
        other.secret = desk.secret
        assert scene.admin("PUT", "/provisioning", {"url": url}).status == 200
        scene.until(order, "completed")
        assert [call["key"] for call in other.calls] == [f"{service}:create:1"] and not other.polls, other.calls
        assert scene.balances() == (before[0] - 10, before[1])
        assert scene.admin("PUT", "/provisioning", {"url": scene.url}).status == 200
    with checks("W13 a terminate that was under way and failed is sent again, until nothing is there"):
        desk.fault = lambda call, attempt: "lost" if call["verb"] == "terminate" and attempt < 3 else "ok"
        desk.later = lambda verb: {"state": "failed", "reason": "the node is locked"} if verb == "terminate" else None
        order, [service] = scene.order()
        scene.until(order, "completed")
        assert scene.admin("POST", f"/services/{service}/cancel").status == 200
        wait_until(lambda: gateway.jump(7) or desk.verbs(service).count("terminate") == 3, seconds=60)
        scene.until_shown(service, "terminated")
        keys = {call["key"] for call in desk.calls if call["service"] == service and call["verb"] == "terminate"}
        assert keys == {f"{service}:terminate:2"} and service not in desk.accounts, keys
        desk.later = lambda verb: None
    scene.verify()


def check_callbacks(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 a late success after the money went back is terminated, never given away"):
        before = scene.balances()
        desk.fault = lambda call, attempt: "no" if call["verb"] == "create" else "ok"
        order, [service] = scene.order()
        scene.until(order, "rejected")
        scene.until_shown(service, "terminated")
        call = next(call for call in desk.calls if call["service"] == service)
        desk.accounts[service] = "active"
        late = {"state": "ready", "details": {"password": {"value": CANARY, "secret": True}}}
        taken = callback(desk, call, late, message_id="cb_late")
        assert taken.status == 200, taken
        wait_until(lambda: desk.verbs(service) == ["create", "terminate", "terminate"])
        scene.until_shown(service, "terminated")
        assert service not in desk.accounts and scene.read(order)["state"] == "rejected" and scene.balances() == before
        assert scene.service(service)["details"] is None
        assert callback(desk, call, late, message_id="cb_late").status == 200
        time.sleep(0.5)
        assert desk.verbs(service).count("terminate") == 2, "the same callback again is no news"
    with checks("W13 a callback under the id of the one before it is news, where it says something else"):
        desk.fault = lambda call, attempt: "poll" if call["verb"] == "create" else "ok"
        desk.later = lambda verb: {"state": "pending"} if verb == "create" else None
        order, [service] = scene.order()
        wait_until(lambda: [row for row in scene.queue() if row["service"] == service and row["phase"] == "pending"])
        call = next(call for call in desk.calls if call["service"] == service)
        for body in (b"{}", b'{"state":"ready","n":99}', b'{"state":"pending","n":1}', b'{"state":"pending","n":1}'):
            assert callback(desk, call, {}, message_id="cb_used", body=body).status == 200, body
        assert scene.read(order)["state"] == "pending"
        assert callback(desk, call, {"state": "ready"}, message_id="cb_used").status == 200
        assert scene.read(order)["state"] == "completed"
        desk.later = lambda verb: None
    with checks("W13 a late success under the id of the no before it is terminated, never given away"):
        before = scene.balances()
        order, [service] = scene.order()
        wait_until(lambda: [row for row in scene.queue() if row["service"] == service and row["phase"] == "pending"])
        call = next(call for call in desk.calls if call["service"] == service)
        assert callback(desk, call, {"state": "failed", "reason": "full"}, message_id="cb_twice").status == 200
        scene.until(order, "rejected")
        scene.until_shown(service, "terminated")
        desk.accounts[service] = "active"
        for _ in range(2):
            assert callback(desk, call, {"state": "ready"}, message_id="cb_twice").status == 200
            wait_until(lambda: desk.verbs(service) == ["create", "terminate", "terminate"])
        scene.until_shown(service, "terminated")
        assert service not in desk.accounts and scene.balances() == before
    scene.verify()


def check_forged_callbacks(gateway):
    scene = Scene(gateway)
    desk = scene.desk
    with checks("W13 a callback that is not signed right, or signed at another time, is 401 and changes nothing"):
        desk.fault = lambda call, attempt: "poll"
        order, [service] = scene.order()
        wait_until(lambda: [row for row in scene.queue() if row["service"] == service and row["phase"] == "pending"])
        call = next(call for call in desk.calls if call["service"] == service)
        yes = {"state": "ready"}
        other = "whsec_" + "A" * 43 + "="
        for forged in [
            callback(desk, call, yes, secret=other), callback(desk, call, yes, at=gateway.now() - 301),
            callback(desk, call, yes, at=gateway.now() + 400),
            callback(desk, {**call, "callback_url": call["callback_url"] + "x"}, yes),
        ]:
            assert forged.status == 401, forged
        assert scene.read(order)["state"] == "pending"
        for nonsense in [b"{}", b"[", b'{"state":"ready","n":99}', b'{"state":"ready"}',
                         b'{"state":"ready","n":1000000000000000000000000000}', b'{"state":"ready","n":1.5}']:
            assert callback(desk, call, yes, body=nonsense).status == 200, nonsense
        assert scene.read(order)["state"] == "pending", "nothing of that is an answer to what was asked"
        for body, why in (
            (b'{"state":"ready","n":1,"n":2}', "It is not valid JSON: a member name stands twice at byte 23."),
            (b'["ready"]', "It is no JSON object."), (b'{"state":"ready","n":"1"}', "Its n is no whole number."),
        ):
            assert callback(desk, call, yes, body=body).status == 200, body
            row = scene.row(service)
            assert (row["last_outcome"], row["last_answer"]) == ("callback unreadable", why), row
        assert callback(desk, call, {**yes, "details": {"password": {"value": 4711}}}).status == 200
        row = scene.row(service)
        assert row["last_outcome"] == "callback unreadable" and row["last_answer"].startswith("Its details cannot"), row
        assert "4711" not in row["last_answer"] and row["phase"] == "pending" and row["tries"] == 1, row
        told = scene.admin("GET", f"/audit?reseller={scene.reseller['id']}&limit=1").json["data"][0]
        assert told["detail"] == {"service": service, "answer": "unreadable"}, told
        foreign = Scene(gateway)
        elsewhere = call["callback_url"].replace(f"/t/{scene.shop.slug}/", f"/t/{foreign.shop.slug}/")
        stolen = {**call, "callback_url": elsewhere}
        assert callback(desk, stolen, yes, secret=foreign.desk.secret).status == 401
        assert callback(desk, call, yes).status == 200
        scene.until(order, "completed")
    scene.verify()


with Gateway(options.tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
    gateway.provider_key
    for part in (
            check_configuration, check_life, check_verbs, check_refused_changes, check_money, check_silence,
            check_later, check_callbacks, check_forged_callbacks):
        part(gateway)
checks.finish()
