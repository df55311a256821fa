"""G7, P3, X5, H3 and W9 seen from outside: what falls due happens by itself, at its hour, in files that nobody opened.

The gateway's clock is moved; what follows is waited for."""

from ports import Client, mint, new_reseller, refused, sign_in, stock
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
        restarts(gateway, checks)
        with checks("G5 the tenant's file verifies after all of this"):
            verified_export(gateway, "proxies")
    leaps(options, checks)
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
        wait_until(lambda: free(gateway) == before, seconds=5)
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
        wait_until(lambda: len(audit(gateway, "port.expired")) == 2, seconds=5)
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
        wait_until(lambda: len(audit(gateway, "port.expired")) == before + 1, seconds=5)

    with checks("X5 an ended port is renewed no more, and nothing is charged"):
        before = shop.balance()
        refused(shop("POST", f"/reseller/ports/{port['_id']}/renew", {"days": 1}), 409, "expired")
        assert shop.balance() == before

    with checks("G4 X5 a renewal repeated under one key is one renewal"):
        port = shop.port(customer, days=1).json["port"]
        first = shop("POST", f"/reseller/ports/{port['_id']}/renew", {"days": 1}, Idempotency_Key="again")
        again = shop("POST", f"/reseller/ports/{port['_id']}/renew", {"days": 1}, Idempotency_Key="again")
        assert first.status == again.status == 200 and first.json["port"]["expiresAt"] == again.json["port"]["expiresAt"]
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
                   or gateway.metrics().get("tollgate_due_oldest_seconds", kind="port") == 0, seconds=5)
        change("resume")
        wait_until(lambda: len(audit(gateway, "port.expired")) > before, seconds=5)
        assert status(shop, port)["status"] == "expired"


def restarts(gateway, checks):
    shop = new_reseller(gateway, "restart@due.example")
    for name, end in (("stopped", gateway.stop), ("killed", gateway.kill)):
        with checks(f"G8 X5 a node that is {name} over a due time does what it missed at its start, once"):
            port = shop.port(shop.customer(), days=1).json["port"]
            before = len(audit(gateway, "port.expired"))
            end()
            gateway.ahead_seconds += 3 * DAY
            gateway.start()
            wait_until(lambda: len(audit(gateway, "port.expired")) > before, seconds=10)
            mine = [row for row in audit(gateway, "port.expired") if row["detail"]["port"] == port["_id"]]
            assert len(mine) == 1, mine

    with checks("P3 a cold file is opened at its hour, and no other"):
        for number in range(20):
            made = gateway.post("/provider/v1/tenants", {
                "slug": f"cold{number}", "blueprint": "hosting", "owner_email": "o@cold.example"}, key=gateway.provider_key)
            assert made.status == 201, made
        port = shop.port(shop.customer(), days=1).json["port"]
        # The first start asks files that were never asked; from the second on the registry knows.
        for _ in range(2):
            gateway.stop()
            gateway.start()
            wait_until(lambda: gateway.metrics().get("tollgate_due_oldest_seconds", kind="unasked") == 0)
        opened = gateway.metrics()["tollgate_files_opened_total"]
        gateway.jump(DAY)
        wait_until(lambda: gateway.metrics().get("tollgate_due_items_total", kind="port") >= 1, seconds=5)
        assert gateway.metrics()["tollgate_files_opened_total"] - opened <= 1, gateway.metrics()["tollgate_files_opened_total"]


def leaps(options, checks):
    with Gateway(options.tollgate, "--clock-leap", "25", clock=True) as gateway:
        shop = Client(gateway, gateway.reseller("proxies")["key"])
        port = shop.port(shop.customer(), days=2).json["port"]
        with checks("W9 G7 a clock that leaps ahead of all reason ends nothing: /readyz and metrics say so"):
            gateway.jump(3 * DAY)
            wait_until(lambda: b"paused" in gateway.get("/readyz").body, seconds=5)
            assert gateway.metrics()["tollgate_charging_paused"] == 1
            assert not audit(gateway, "port.expired")
        with checks("W9 once it is back all goes on, and nothing was done twice or early"):
            gateway.jump(-3 * DAY)
            wait_until(lambda: gateway.get("/readyz").body == b"ready\n", seconds=5)
            assert status(shop, port)["status"] == "active" and not audit(gateway, "port.expired")
        with checks("W9 the operator of the node says that the clock is right, and what waited is done"):
            gateway.jump(3 * DAY)
            wait_until(lambda: b"paused" in gateway.get("/readyz").body, seconds=5)
            accepted = gateway.command("clock", "accept")
            assert accepted.returncode == 0, (accepted.stdout, accepted.stderr)
            wait_until(lambda: len(audit(gateway, "port.expired")) == 1, seconds=15)
            assert gateway.get("/readyz").body == b"ready\n"


if __name__ == "__main__":
    main()
