"""G7, P3, X5, H3 and W9 seen from outside: what falls due happens by itself, at its hour, in files that nobody opened.

The gateway's clock is moved; what follows is waited for."""

import time

from ports import Client, mint, new_reseller, refused, sign_in, stock
from receiver import NO_CONTENT, Receiver, answer
from shop import Shop
from support import Checks, Gateway, arguments, verified_export, wait_until

ADMIN = "/t/proxies/api/admin"
DAY = 86_400


def slots(number, first):
    return [
        {"device": f"due-{first}", "server_ip": f"5.6.{first}.9", "http_port": 4000 + 2 * index,
         "socks_port": 4001 + 2 * index, "country": "germany_id"} for index in range(number)]


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, clock=True) as gateway:
        ends(gateway, checks)
        renewals(gateway, checks)
        provider(gateway, checks)
        lists(gateway, checks)
        books(gateway, checks)
        restored(gateway, checks)
        restarts(gateway, checks)
        with checks("G5 the tenant's file verifies after all of this"):
            verified_export(gateway, "proxies")
    leaps(options, checks)
    ahead(options, checks)
    checks.finish()


def status(shop, port):
    answer = shop("GET", f"/reseller/ports/{port['_id']}")
    assert answer.status == 200, answer
    return answer.json["port"]


def audit(gateway, action):
    """The rows of a system event, newest first."""
    rows, cursor = [], ""
    while True:
        answer = gateway.get(f"{ADMIN}/audit?limit=100{cursor}", key=gateway.tenant("proxies")["owner_key"])
        assert answer.status == 200, answer
        rows += [row for row in answer.json["data"] if row["action"] == action]
        if not answer.json["has_more"]:
            return rows
        cursor = "&cursor=" + answer.json["next_cursor"]


def free(gateway):
    """Free slots of the country that ports are bought in here."""
    answer = gateway.get(
        f"{ADMIN}/ports?status=free&country=germany_id&limit=100", key=gateway.tenant("proxies")["owner_key"])
    assert answer.status == 200 and not answer.json["has_more"], answer
    return len(answer.json["data"])


def ends(gateway, checks):
    shop = Client(gateway, gateway.reseller("proxies")["key"])
    customer = shop.customer()
    with checks("X5 a port ends at its time while nobody asks: slot and port are given back within a second"):
        before = free(gateway)
        port = shop.port(customer, days=1).json["port"]
        assert free(gateway) == before - 1
        gateway.jump(DAY - 30)
        assert status(shop, port)["status"] == "active" and not audit(gateway, "port.expired")
        gateway.jump(30)
        wait_until(lambda: free(gateway) == before)
        rows = audit(gateway, "port.expired")
        assert len(rows) == 1 and rows[0]["detail"]["port"] == port["_id"], rows
        assert status(shop, port)["status"] == "expired"
        used = shop("GET", f"/reseller/customers/{customer['_id']}").json
        assert used["usedPortSlots"] == 0, used

    with checks("X5 the clock going back an hour and on again ends nothing twice"):
        port = shop.port(customer, days=1).json["port"]
        gateway.jump(DAY - 1800)
        gateway.jump(-3600)
        gateway.jump(3600)
        gateway.jump(-3600)
        gateway.jump(2 * 3600)
        wait_until(lambda: len(audit(gateway, "port.expired")) == 2)
        gateway.jump(-3600)
        gateway.jump(3600)
        gateway.jump(3600)
        assert len(audit(gateway, "port.expired")) == 2


def renewals(gateway, checks):
    shop = new_reseller(gateway, "renew@due.example")
    customer = shop.customer()
    with checks("X5 renewing before the end: base × days, same login and id, a later end"):
        port = shop.port(customer, days=2).json["port"]
        before = shop.balance()
        answer = shop("POST", f"/reseller/ports/{port['_id']}/renew", {"days": 3})
        assert answer.status == 200, answer
        renewed = answer.json["port"]
        assert renewed["_id"] == port["_id"] and renewed["proxyLogin"] == port["proxyLogin"], renewed
        assert renewed["proxyPassword"] == port["proxyPassword"]
        assert renewed["expiresAt"] - port["expiresAt"] == 3 * DAY * 1000, (renewed, port)
        assert answer.json["pricing"]["costToReseller"] == 6, answer
        assert float(before) - float(shop.balance()) == 6, (before, shop.balance())
        assert status(shop, port)["expiresAt"] == renewed["expiresAt"]

    with checks("X5 the end that it had before passes: a renewed port goes on, and ends at its new end"):
        gateway.jump(2 * DAY + 5)
        before = len(audit(gateway, "port.expired"))
        assert status(shop, port)["status"] == "active"
        gateway.jump(3 * DAY)
        wait_until(lambda: len(audit(gateway, "port.expired")) == before + 1)

    with checks("X5 an ended port is renewed no more, and nothing is charged"):
        before = shop.balance()
        refused(shop("POST", f"/reseller/ports/{port['_id']}/renew", {"days": 1}), 409, "expired")
        assert shop.balance() == before

    with checks("G4 X5 a renewal repeated under one key is one renewal"):
        port = shop.port(customer, days=1).json["port"]
        first = shop("POST", f"/reseller/ports/{port['_id']}/renew", {"days": 1}, Idempotency_Key="again")
        again = shop("POST", f"/reseller/ports/{port['_id']}/renew", {"days": 1}, Idempotency_Key="again")
        assert first.status == again.status == 200, (first, again)
        assert first.json["port"]["expiresAt"] == again.json["port"]["expiresAt"], (first, again)
        assert again.headers["idempotency-hit"] == "true", again.headers

    with checks("X5 a renewal that is out of bounds or not paid for changes nothing"):
        path = f"/reseller/ports/{port['_id']}/renew"
        end = status(shop, port)["expiresAt"]
        for body in ({}, {"days": 0}, {"days": 366}, {"days": "1"}, {"days": 1.5}):
            refused(shop("POST", path, body), 422, "days")
        assert shop("POST", path, {"days": 365}).status == 402, "365 days cost 730"
        assert status(shop, port)["expiresAt"] == end
        other = new_reseller(gateway, "other@due.example")
        refused(other("POST", path, {"days": 1}), 404)

    with checks("X5 X7 a test port is renewed for nothing"):
        token = sign_in(gateway, {"email": "renew@due.example", "password": "a password"})
        test = Client(gateway, mint(gateway, token, mode="test"))
        stocked = stock(gateway, slots(2, 77), mode="test")
        assert stocked.status == 201, stocked
        made = test.port(test.customer(), days=1)
        assert made.status == 201, made
        before = test.balance()
        answer = test("POST", f"/reseller/ports/{made.json['port']['_id']}/renew", {"days": 2})
        assert answer.status == 200 and test.balance() == before, answer


def provider(gateway, checks):
    def change(verb):
        answer = gateway.post(f"/provider/v1/tenants/proxies/{verb}", key=gateway.provider_key)
        assert answer.status == 200, answer

    shop = new_reseller(gateway, "suspended@due.example")
    with checks("P3 nothing of a suspended tenant expires; at resume it catches up"):
        port = shop.port(shop.customer(), days=1).json["port"]
        before = len(audit(gateway, "port.expired"))
        change("suspend")
        gateway.jump(2 * DAY)
        turns = gateway.metrics()["tollgate_due_turns_total"]
        wait_until(lambda: gateway.metrics()["tollgate_due_turns_total"] > turns
                   or gateway.metrics().get("tollgate_due_oldest_seconds", kind="port") == 0)
        change("resume")
        wait_until(lambda: len(audit(gateway, "port.expired")) > before)
        assert status(shop, port)["status"] == "expired"


def lists(gateway, checks):
    owner = gateway.tenant("proxies")["owner_key"]

    def due(query=""):
        """All pages of what comes next, two items each."""
        items, cursor = [], ""
        while True:
            answer = gateway.get(f"{ADMIN}/due?limit=2{query}{cursor}", key=owner)
            assert answer.status == 200, answer
            items += answer.json["data"]
            if not answer.json["has_more"]:
                return items
            cursor = "&cursor=" + answer.json["next_cursor"]

    with checks("X5 W9 GET /due lists what then happens, item by item, soonest first"):
        shop = new_reseller(gateway, "lists@due.example")
        customer = shop.customer()
        # Whatever else is waiting happens first.
        gateway.jump(60 * DAY)
        wait_until(lambda: not due("&kind=port"))
        done = len(audit(gateway, "port.expired"))
        made = [shop.port(customer, days=days).json["port"]["_id"] for days in (3, 1, 2, 1, 2)]
        listed = due("&kind=port")
        wanted = [made[1], made[3], made[2], made[4], made[0]]
        assert [item["object"] for item in listed] == wanted, (listed, made)
        assert [item["at"] for item in listed] == sorted(item["at"] for item in listed)
        assert all((item["kind"], item["reseller"], item["mode"]) == ("port", shop.id, "live") for item in listed), listed
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(gateway.now() + 1.5 * DAY))
        assert [item["object"] for item in due(f"&kind=port&until={soon}")] == wanted[:2]
        assert not due(f"&kind=port&reseller={gateway.reseller('proxies')['id']}")
        assert due() == sorted(due(), key=lambda item: item["at"])
        gateway.jump(4 * DAY)
        wait_until(lambda: len(audit(gateway, "port.expired")) == done + 5)
        happened = [row["detail"]["port"] for row in reversed(audit(gateway, "port.expired")[:5])]
        assert happened == wanted, (happened, wanted)
        assert not due("&kind=port")

    with checks("O10 a kind, a reseller and a cursor that there are not are refused and named"):
        for query, status, words in (
                ("kind=ports", 422, "/kind"), ("until=never", 422, "/until"), ("reseller=res_none", 404, ""),
                ("cursor=AAAA", 400, "cursor"), ("state=x", 400, "state")):
            answer = gateway.get(f"{ADMIN}/due?{query}", key=owner)
            assert answer.status == status and words in answer.body.decode(), (query, answer)


def books(gateway, checks):
    shop = Shop(gateway)
    sku = shop.product()
    reseller = shop.reseller(balance="100.00")
    shop.price(reseller, sku, {"wholesale_monthly": "10.00"})
    tester = {**reseller, "key": shop.mint(reseller, mode="test").json["key"]}
    with checks("X7 what comes next says its book, whatever its kind"):
        ordered = {}
        for mode, buyer in (("test", tester), ("live", reseller)):
            # Nobody is there, so that what is queued stays queued.
            hook = shop.call(buyer, "POST", "/webhooks", {
                "name": mode, "url": "https://receiver.invalid/", "events": ["order.created"]})
            assert hook.status == 201, hook
            placed = shop.order(buyer, sku, key=f"book-{mode}", timestamp=int(gateway.now()))
            assert placed.status == 201, placed
            ordered[placed.json["services"][0]["id"]] = mode
        for kind in ("notice", "renewal"):
            listed = shop.admin("GET", f"/due?kind={kind}").json["data"]
            assert {item["object"]: item["mode"] for item in listed} == ordered, (kind, listed, ordered)
        queued = [item["mode"] for item in shop.admin("GET", "/due?kind=delivery").json["data"]]
        assert sorted(queued) == ["live", "test"], queued
        for service, mode in ordered.items():
            buyer = tester if mode == "test" else reseller
            ended = shop.call(buyer, "POST", f"/services/{service}/cancel")
            assert ended.status == 200, ended
        ending = shop.admin("GET", "/due?kind=end").json["data"]
        assert {item["object"]: item["mode"] for item in ending} == ordered, ending


def attention(shop):
    answer = shop.admin("GET", "/attention")
    assert answer.status == 200, answer
    return {line["kind"]: line for line in answer.json["data"]}


def restored(gateway, checks):
    shop = Shop(gateway)
    reseller = shop.reseller(balance="1000.00")
    sold, made = shop.product(), shop.product("manual")
    for sku in (sold, made):
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})

    def order(sku, number):
        answer = shop.order(reseller, sku, key=f"due-{number}", timestamp=int(gateway.now()))
        assert answer.status == 201, answer
        return answer.json["order"]["id"]

    def deliveries(state):
        answer = shop.admin("GET", f"/deliveries?status={state}&limit=100")
        assert answer.status == 200, answer
        return {delivery["id"]: delivery["tries"] for delivery in answer.json["data"]}

    with checks("U2 what needs the operator: a manual order waits, and is gone once it is decided"):
        assert attention(shop) == {}, attention(shop)
        waiting = [order(made, number) for number in range(7)]
        line = attention(shop)["orders_pending"]
        assert line["count"] == 7 and not line["is_more"] and line["link"] == "/api/admin/orders?state=pending", line
        assert [item["object"] for item in line["items"]] == waiting[:5], line
        assert all(item["reseller"] == reseller["id"] and item["since"] for item in line["items"]), line
        for number, place in enumerate(waiting):
            assert shop.admin("POST", f"/orders/{place}/reject").status == 200
            assert attention(shop).get("orders_pending", {"count": 0})["count"] == 6 - number

    # Nobody is there, so that what is queued stays queued.
    hook = shop.call(reseller, "PUT", "/webhook", {"url": "https://receiver.invalid/", "events": ["order.created"]})
    assert hook.status == 200, hook
    with checks("P3 nothing leaves a file that was restored until its operator says so"):
        for number in range(3):
            order(sold, f"held-{number}")
        pending = deliveries("pending")
        assert len(pending) == 3, pending
        export = gateway.get(f"/provider/v1/tenants/{shop.slug}/export", key=gateway.provider_key)
        back = gateway.post(f"/provider/v1/tenants/{shop.slug}/restore", export.body, key=gateway.provider_key)
        assert back.status == 200, back
        held = deliveries("held")
        assert set(held) == set(pending) and not deliveries("pending"), (held, pending)
        assert attention(shop)["outbound_held"]["items"][0]["since"], attention(shop)
        # What is new waits too, untried, however long.
        order(sold, "new")
        gateway.jump(2 * DAY)
        assert list(deliveries("pending").values()) == [0] and deliveries("held") == held

    with checks("P3 the operator's word lets it leave, once"):
        answer = shop.admin("POST", "/outbound/resume", {"deliveries": "send"})
        assert answer.status == 200 and answer.json == {"deliveries": 3}, answer
        assert set(pending) <= set(deliveries("pending")) and not deliveries("held")
        assert "outbound_held" not in attention(shop)
        assert shop.admin("POST", "/outbound/resume").json == {"deliveries": 0}
        wait_until(lambda: all(tries > 0 for tries in deliveries("pending").values()), seconds=30)

    with checks("P3 what waited stays held where the operator wants it so"):
        back = gateway.post(f"/provider/v1/tenants/{shop.slug}/restore", export.body, key=gateway.provider_key)
        assert back.status == 200, back
        bad = shop.admin("POST", "/outbound/resume", {"deliveries": "drop"})
        assert bad.status == 422 and "/deliveries" in bad.body.decode() and "outbound_held" in attention(shop), bad
        answer = shop.admin("POST", "/outbound/resume", {"deliveries": "keep"})
        assert answer.status == 200 and answer.json == {"deliveries": 0}, answer
        assert set(deliveries("held")) == set(pending) and "outbound_held" not in attention(shop)


def restarts(gateway, checks):
    shop = new_reseller(gateway, "restart@due.example")
    for name, end in (("stopped", gateway.stop), ("killed", gateway.kill)):
        with checks(f"G8 X5 a node that is {name} over a due time does what it missed at its start, once"):
            port = shop.port(shop.customer(), days=1).json["port"]
            before = len(audit(gateway, "port.expired"))
            end()
            gateway.jump(3 * DAY)
            gateway.start()
            wait_until(lambda: len(audit(gateway, "port.expired")) > before)
            mine = [row for row in audit(gateway, "port.expired") if row["detail"]["port"] == port["_id"]]
            assert len(mine) == 1, mine

    with checks("P3 a cold file is opened at its hour, and no other"):
        for number in range(20):
            made = gateway.post("/provider/v1/tenants", {
                "slug": f"cold{number}", "blueprint": "hosting", "owner_email": "o@cold.example"},
                key=gateway.provider_key)
            assert made.status == 201, made
        port = shop.port(shop.customer(), days=1).json["port"]
        # The first start asks files that were never asked; from the second on the registry knows.
        for _ in range(2):
            gateway.stop()
            gateway.start()
            wait_until(lambda: gateway.metrics().get("tollgate_due_oldest_seconds", kind="unasked") == 0)
        opened = gateway.metrics()["tollgate_files_opened_total"]
        gateway.jump(DAY)
        wait_until(lambda: gateway.metrics().get("tollgate_due_items_total", kind="port") >= 1)
        # The demo's five and the shop above may have work of their own; the twenty have none.
        more = gateway.metrics()["tollgate_files_opened_total"] - opened
        assert more <= 6, more


def leaps(options, checks):
    with Gateway(options.tollgate, "--clock-leap", "25", clock=True) as gateway:
        shop = Client(gateway, gateway.reseller("proxies")["key"])
        port = shop.port(shop.customer(), days=2).json["port"]
        with checks("W9 G7 a clock that leaps ahead of all reason ends nothing: /readyz and metrics say so"):
            gateway.jump(3 * DAY)
            wait_until(lambda: b"paused" in gateway.get("/readyz").body)
            assert gateway.metrics()["tollgate_charging_paused"] == 1
            assert not audit(gateway, "port.expired")
        with checks("W9 G7 a restart believes it no more"):
            assert gateway.stop() == 0
            gateway.start()
            wait_until(lambda: b"paused" in gateway.get("/readyz").body)
            assert gateway.metrics()["tollgate_charging_paused"] == 1
            assert not audit(gateway, "port.expired")
        with checks("W9 once it is back all goes on, and nothing was done twice or early"):
            gateway.jump(-3 * DAY)
            wait_until(lambda: gateway.get("/readyz").body == b"ready\n")
            assert status(shop, port)["status"] == "active" and not audit(gateway, "port.expired")
        with checks("W9 the operator of the node says that the clock is right, and what waited is done"):
            gateway.jump(3 * DAY)
            wait_until(lambda: b"paused" in gateway.get("/readyz").body)
            accepted = gateway.command("clock", "accept")
            assert accepted.returncode == 0, (accepted.stdout, accepted.stderr)
            wait_until(lambda: len(audit(gateway, "port.expired")) == 1)
            assert gateway.get("/readyz").body == b"ready\n"


def ahead(options, checks):
    """A clock that was a year ahead, and is mended: by it hours were put off, and rows written."""
    receiver = Receiver()
    hook, units = "/hook", "/units"
    with Gateway(
            options.tollgate, "--clock-leap", "25", "--allow-private-addresses", demo=False, clock=True) as gateway:
        shop = Shop(gateway)
        reseller = shop.reseller(balance="100.00")
        server, unit = shop.product(), shop.product("http")
        for sku in (server, unit):
            shop.price(reseller, sku, {"wholesale_monthly": "1.00", "wholesale_hourly": "0.10"})

        def order(sku, term="monthly"):
            placed = shop.order(reseller, sku, term, timestamp=int(gateway.now()))
            assert placed.status == 201, placed
            return placed.json["services"][0]["id"]

        def only(path):
            rows = shop.admin("GET", path).json["data"]
            assert len(rows) == 1, rows
            return rows[0]

        assert shop.admin("PUT", "/provisioning", {"url": receiver.url(units)}).status == 200
        assert shop.call(reseller, "POST", "/webhooks", {
            "name": "shop", "url": receiver.url(hook), "events": ["order.created"]}).status == 201
        rented = order(server, "hourly")
        wait_until(lambda: receiver.count(hook) == 1 and only("/deliveries")["state"] in ("pending", "delivered"))
        receiver.answers[hook] = lambda count: answer(500)
        receiver.answers[units] = lambda count: answer(503)
        gateway.jump(365 * DAY)
        wait_until(lambda: b"paused" in gateway.get("/readyz").body)
        made = order(unit)
        wait_until(lambda: only("/provisioning/queue")["tries"] == 1)
        wait_until(lambda: [row["tries"] for row in shop.admin("GET", "/deliveries?state=pending").json["data"]] == [1])
        # What would be charged by now is put off.
        wait_until(lambda: gateway.metrics().get("tollgate_due_oldest_seconds", kind="hourly") > 0)
        receiver.answers[hook] = lambda count: NO_CONTENT
        receiver.answers[units] = lambda count: answer(
            200, "Content-Type: application/json", body=b'{"state":"ready"}')
        gateway.jump(-365 * DAY)
        wait_until(lambda: gateway.get("/readyz").body == b"ready\n")
        with checks("H3 W13 what was to be tried again by a clock that was ahead is tried once that is mended"):
            wait_until(lambda: not shop.admin("GET", "/provisioning/queue").json["data"])
            wait_until(lambda: not shop.admin("GET", "/deliveries?state=pending").json["data"])
            assert shop.get(reseller, f"/services/{made}").json["status"] == "active"
        with checks("W9 G7 what falls due after the clock is mended is done at its hour, though nobody calls"):
            gateway.jump(DAY + 1)
            wait_until(lambda: gateway.metrics().get("tollgate_due_items_total", kind="hourly") > 0)
            assert shop.get(reseller, f"/services/{rented}").json["period"] == 1
        with checks("G5 W13 the tenant's file verifies"):
            verified_export(gateway, shop.slug)
    receiver.stop()


if __name__ == "__main__":
    main()
