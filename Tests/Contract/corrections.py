#!/usr/bin/env python3
"""Stock that was wrong is put right (O9): licences withdrawn or given to others, devices and slots taken out, addresses
changed; and a stock of ports that is taken whole or not at all."""

import itertools
import urllib.parse
import uuid

from shop import Shop
from support import Checks, Gateway, arguments, together, verified_export

LICENCES = "/reseller"
PORTS = "/v1"
_keys = itertools.count(1)


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        keys = Shop(gateway, blueprint="licences")
        withdrawn(checks, keys)
        counted(checks, keys)
        ended(checks, keys)
        given(checks, keys)
        only_what_is_free(checks, keys)
        with checks("O9 a file whose licences were corrected verifies"):
            verified_export(gateway, keys.slug)
        ports = Shop(gateway, blueprint="proxies")
        ports.admin("PUT", "/countries/germany", {"base_price": "1.00"})
        staged(checks, ports)
        device_out(checks, ports)
        slot_out(checks, ports)
        addresses(checks, ports)
        books(checks, ports)
        with checks("O9 a file whose devices were corrected verifies"):
            verified_export(gateway, ports.slug)
    checks.finish()


# Licences


def stocked(shop, reseller, count=1, product="lifetime", mode="live"):
    keys = [f"key-{next(_keys)}" for _ in range(count)]
    rows = [{"reseller": reseller["id"], "product": product, "key": key, "expiration": "2099-01-01"} for key in keys]
    made = shop.admin("POST", f"/licences?mode={mode}", {"licences": rows}, idempotent=True)
    assert made.status == 201, made
    return keys


def available(shop, reseller):
    answer = shop.gateway.get(f"{shop.base}{LICENCES}/myavailable?api_token={reseller['key']}")
    assert answer.status == 200, answer
    return answer.body.decode()


def call(shop, reseller, path, **parameters):
    method = "POST" if path == "/assignlicense" else "GET"
    query = "" if method == "POST" else "?" + urllib.parse.urlencode({"api_token": reseller["key"], **parameters})
    body = {"api_token": reseller["key"], **parameters} if method == "POST" else None
    return shop.gateway.request(method, f"{shop.base}{LICENCES}{path}{query}", body)


def withdrawn(checks, shop):
    reseller = shop.reseller()
    first, second, third = stocked(shop, reseller, 3)
    with checks(
            "O9 a free licence is withdrawn: nobody is shown, given or assigned it any more, and it is told who took "
            "it"):
        done = shop.admin("POST", "/licences/withdraw", {"keys": [second]})
        assert done.status == 200 and done.json == {"ok": True, "licences": 1, "mode": "live"}, done
        shown = available(shop, reseller)
        assert first in shown and third in shown and second not in shown, shown
        assert call(shop, reseller, "/licenseinfo", license=second).status == 404
        assert call(shop, reseller, "/assignlicense", license=second, discord_user_id="1").status == 404
        fetched = {call(shop, reseller, "/fetchlicense").body for _ in range(3)}
        assert len(fetched) == 3 and not any(second.encode() in body for body in fetched), fetched
        assert shop.admin("GET", f"/licences?key={second}").json["data"] == []
        gone = shop.admin("GET", "/licences/withdrawn").json["data"]
        assert len(gone) == 1 and gone[0]["key"] == second and gone[0]["reseller"] == reseller["id"], gone
        assert gone[0]["account"] == f"owner@{shop.slug}.example" and gone[0]["moved_to"] is None, gone
    with checks("O9 a withdrawn licence is stock again when it is imported again, and may be another product"):
        again = shop.admin("POST", "/products", {"sku": "yearly", "name": "Y", "fulfilment": "stock"})
        assert again.status == 201, again
        row = {"reseller": reseller["id"], "product": "yearly", "key": second, "expiration": "2098-01-01"}
        assert shop.admin("POST", "/licences", row, idempotent=True).status == 201
        assert shop.admin("POST", "/licences", row, idempotent=True).status == 422
        assert second in available(shop, reseller)
        assert shop.admin("GET", f"/licences?key={second}").json["data"][0]["product"] == "yearly"


def counted(checks, shop):
    reseller = shop.reseller()
    with checks("O9 licences are counted by product: free, past their time, assigned"):
        shop.admin("POST", "/products", {"sku": "counted", "name": "Counted", "fulfilment": "stock"})
        keys = stocked(shop, reseller, count=3)
        assert shop.admin("POST", "/licences/move", {"keys": keys, "product": "counted"}).status == 200
        [level] = [row for row in shop.admin("GET", "/stock?kind=licences").json["data"] if row["product"] == "counted"]
        assert (level["free"], level["expired"], level["used"], level["days_left"]) == (3, 0, 0, None), level
        call(shop, reseller, "/assignlicense", license=keys[0], discord_user_id="123456789012345678")
        [level] = [row for row in shop.admin("GET", "/stock?kind=licences").json["data"] if row["product"] == "counted"]
        assert (level["free"], level["used"], level["used_30_days"], level["days_left"]) == (2, 1, 1, 60), level


def ended(checks, shop):
    """What a terminated reseller has left is nobody's to sell, and nothing more is stocked for it."""
    gone, stays = shop.reseller(), shop.reseller()
    shop.admin("POST", "/products", {"sku": "left", "name": "Left", "fulfilment": "stock"})
    keys, others = stocked(shop, gone, count=3), stocked(shop, stays, count=2)
    assert shop.admin("POST", "/licences/move", {"keys": keys + others, "product": "left"}).status == 200

    def level():
        rows = shop.admin("GET", "/stock?kind=licences").json["data"]
        [found] = [row for row in rows if row["product"] == "left"]
        return found["free"], found["used"], found["withdrawn"]

    with checks("O9 withdrawn licences are counted; those that were given to others are not withdrawn"):
        assert level() == (5, 0, 0), level()
        assert shop.admin("POST", "/licences/withdraw", {"keys": [keys[0]]}).status == 200
        assert level() == (4, 0, 1), level()
    with checks("O9 W1 what is left for a terminated reseller is not free, until it is given to another"):
        assert shop.move(gone, "terminate").status == 200
        assert level() == (2, 0, 1), level()
        given = shop.admin("POST", "/licences/move", {"keys": [keys[1]], "reseller": stays["id"]})
        assert given.status == 200 and level() == (3, 0, 1), given
    with checks("O9 W1 no licence is stocked for a terminated reseller: neither imported nor given"):
        row = {"reseller": gone["id"], "product": "left", "key": "for-nobody", "expiration": "2098-01-01"}
        refused = shop.admin("POST", "/licences", row, idempotent=True)
        assert refused.status == 422, refused
        [error] = refused.json["errors"]
        assert error["code"] == "reseller_terminated" and error["pointer"].endswith("/reseller"), error
        refused = shop.admin("POST", "/licences/move", {"keys": others, "reseller": gone["id"]})
        assert (refused.status, refused.json["code"]) == (409, "reseller_terminated"), refused
        assert level() == (3, 0, 1), level()


def given(checks, shop):
    giver, taker = shop.reseller(), shop.reseller()
    keys = stocked(shop, giver, 3)
    with checks("O9 a free licence is given to another reseller, who alone has it from then on"):
        done = shop.admin("POST", "/licences/move", {"keys": keys[:2], "reseller": taker["id"]})
        assert done.status == 200 and done.json["licences"] == 2, done
        assert all(key in available(shop, taker) for key in keys[:2])
        assert [key in available(shop, giver) for key in keys] == [False, False, True]
        assert call(shop, giver, "/assignlicense", license=keys[0], discord_user_id="1").status == 404
        assert call(shop, taker, "/assignlicense", license=keys[0], discord_user_id="1").status == 200
        moved = shop.admin("GET", "/licences/withdrawn?limit=2").json["data"]
        assert {(one["key"], one["reseller"], one["moved_to"]) for one in moved} == {
            (key, giver["id"], taker["id"]) for key in keys[:2]}, moved
        listed = shop.admin("GET", f"/licences?key={keys[1]}").json["data"][0]
        assert listed["reseller"] == taker["id"] and listed["expiration"] == "2099-01-01T00:00:00.000Z", listed
    with checks("O9 a licence's product is corrected, and giving it to whom it belongs changes nothing"):
        before = len(shop.admin("GET", "/licences/withdrawn").json["data"])
        assert shop.admin("POST", "/licences/move", {"keys": [keys[2]], "reseller": giver["id"]}).status == 200
        assert len(shop.admin("GET", "/licences/withdrawn").json["data"]) == before
        assert shop.admin("POST", "/licences/move", {"keys": [keys[2]], "product": "yearly"}).status == 200
        listed = shop.admin("GET", f"/licences?key={keys[2]}").json["data"][0]
        assert listed["product"] == "yearly" and listed["reseller"] == giver["id"], listed
        assert shop.admin("GET", "/licences/withdrawn?limit=1").json["data"][0]["moved_to_product"] == "yearly"
    with checks("O9 of a licence that is withdrawn and assigned at once one happens"):
        for _ in range(6):
            key = stocked(shop, giver)[0]
            taken, sold = together([
                lambda: shop.admin("POST", "/licences/withdraw", {"keys": [key]}),
                lambda: call(shop, giver, "/assignlicense", license=key, discord_user_id="7")])
            assert (taken.status, sold.status) in ((200, 404), (409, 200)), (taken, sold)


def only_what_is_free(checks, shop):
    reseller = shop.reseller()
    free, assigned = stocked(shop, reseller, 2)
    assert call(shop, reseller, "/assignlicense", license=assigned, discord_user_id="1").status == 200
    with checks("O9 what is assigned or held is neither withdrawn nor given, and of several then none is"):
        for path, more in (("/licences/withdraw", {}), ("/licences/move", {"product": "yearly"})):
            refused = shop.admin("POST", path, {"keys": [free, assigned], **more})
            assert refused.status == 409 and refused.json["code"] == "license_assigned", refused
            assert "/keys/1" in refused.json["detail"], refused
        assert free in available(shop, reseller)
        lone = shop.reseller()
        held = stocked(shop, lone)[0]
        assert held.encode() in call(shop, lone, "/fetchlicense").body
        refused = shop.admin("POST", "/licences/withdraw", {"keys": [held]})
        assert refused.status == 409 and refused.json["code"] == "license_held", refused
    with checks(
            "O9 keys that nobody knows, that stand twice, of another tenant or book are named, and nothing is changed"):
        for body, pointers in [
                ({"keys": [free, "nobody's"]}, ["/keys/1"]), ({"keys": [free, free]}, ["/keys/1"]),
                ({"keys": []}, ["/keys"]), ({"keys": [5, ""]}, ["/keys/0", "/keys/1"]), ({}, ["/keys"]),
                ({"keys": [f"k{n}" for n in range(101)]}, ["/keys"]), ({"keys": [free], "more": 1}, ["/more"])]:
            refused = shop.admin("POST", "/licences/withdraw", body)
            got = [error["pointer"] for error in refused.json["errors"]]
            assert refused.status == 422 and got == pointers, (body, refused.json)
        assert shop.admin("POST", "/licences/withdraw?mode=test", {"keys": [free]}).status == 422
        assert shop.admin("POST", "/licences/move", {"keys": [free]}).status == 422
        assert shop.admin("POST", "/licences/move", {"keys": [free], "reseller": "res_x"}).status == 404
        assert shop.admin("POST", "/licences/move", {"keys": [free], "product": "x"}).status == 404
        assert free in available(shop, reseller)
    with checks("O9 a test key corrects the test book alone"):
        test_key = shop.admin("POST", "/api-keys", {
            "owner_email": f"owner@{shop.slug}.example", "mode": "test", "role": "operator"}).json["key"]
        tried = stocked(shop, reseller, mode="test")[0]
        assert shop.admin("POST", "/licences/withdraw", {"keys": [free]}, key=test_key).status == 422
        assert shop.admin("POST", "/licences/withdraw?mode=live", {"keys": [free]}, key=test_key).status == 403
        assert shop.admin("POST", "/licences/withdraw", {"keys": [tried]}, key=test_key).json["mode"] == "test"
        assert free in available(shop, reseller)


# Ports


def imported(shop, *rows, mode="live", key=None):
    return shop.admin("POST", f"/ports?mode={mode}", {"ports": list(rows)}, idempotent=True, key=key)


def row(device, address, ports="10001-10003", socks="20001-20003", **more):
    return {
        "device": device, "server_ip": address, "http_port": ports, "socks_port": socks, "country": "germany", **more}


def port_call(shop, reseller, method, path, body=None):
    return shop.gateway.request(
        method, shop.base + PORTS + path, body, headers={"X-API-Key": reseller["key"]})


def seller(shop, slots=50):
    reseller = shop.reseller(balance="10000.00")
    made = port_call(shop, reseller, "POST", "/reseller/customers", {
        "email": "a@b.example", "name": "A", "allocatedPortSlots": slots})
    assert made.status == 201, made
    reseller["customer"] = made.json["_id"]
    return reseller


def buy(shop, reseller, **more):
    bought = port_call(shop, reseller, "POST", "/reseller/ports", {
        "customerId": reseller["customer"], "countryId": "germany", "days": 30, **more})
    assert bought.status == 201, bought
    return bought.json["port"]["_id"]


def port(shop, reseller, id):
    answer = port_call(shop, reseller, "GET", f"/reseller/ports/{id}")
    assert answer.status == 200, answer
    return answer.json["port"]


def events(shop, reseller, type):
    answer = shop.admin("GET", f"/events?reseller={reseller['id']}&types={type}&limit=100")
    assert answer.status == 200, answer
    return [event["data"] for event in answer.json["data"]]


def device(shop, name):
    return shop.admin("GET", f"/devices/{name}").json


def staged(checks, shop):
    with checks("O9 a stock of ports is taken whole or not at all, each error with its row, also among many chunks"):
        rows = [row(f"many-{n}", f"45.9.{n // 200}.{n % 200 + 1}", "1000-1019", "2000-2019") for n in range(60)]
        wrong = rows + [row("late", "45.10.0.1", country="nowhere"), row("many-0", "45.10.0.2"),
                        row("new", "45.9.0.1", "1019", "3000"), row("mine", "127.0.0.1"),
                        row("bad", "45.10.0.3", "5-1", "7")]
        refused = imported(shop, *wrong)
        pointers = [error["pointer"] for error in refused.json["errors"]]
        assert refused.status == 422 and sorted(pointers) == [
            "/ports/60/country", "/ports/61/device", "/ports/62/http_port", "/ports/63/server_ip",
            "/ports/64/http_port"], refused.json
        assert shop.admin("GET", "/ports").json["data"] == [] and shop.admin("GET", "/devices").json["data"] == []
        taken = imported(shop, *rows)
        assert taken.status == 201 and taken.json == {
            "ok": True, "imported": 1200, "new_devices": 60, "mode": "live"}, taken
        again = imported(shop, rows[7], row("fresh", "45.10.0.9"))
        assert again.status == 422 and [error["pointer"] for error in again.json["errors"]] == [
            "/ports/0/http_port"], again.json
        listed = shop.admin("GET", "/devices?limit=1&country=germany").json["data"][0]
        assert listed == {
            "device": "many-0", "server_ip": "45.9.0.1", "country": "germany", "city": None, "carrier": None,
            "mode": "shared", "status": "active", "slots": 20, "used": 0, "created_at": listed["created_at"],
            "withdrawn_at": None}, listed
    with checks("O9 a stock is asked for by a country that there is, or the answer is 404"):
        for path in ("/devices", "/ports"):
            unknown = shop.admin("GET", f"{path}?country=nowhere")
            assert unknown.status == 404 and unknown.json["code"] == "country_not_found", (path, unknown)
    with checks("O9 of two imports of the same slots one is taken"):
        same = row("twice", "45.11.0.1", "1-40", "101-140")
        statuses = sorted(answer.status for answer in together([lambda: imported(shop, same)] * 4))
        assert statuses[0] == 201 and set(statuses[1:]) <= {422, 503}, statuses
        assert device(shop, "twice")["slots"] == 40, device(shop, "twice")
    for n in range(60):
        assert shop.admin("DELETE", f"/devices/many-{n}").status == 200
    assert shop.admin("DELETE", "/devices/twice").status == 200


def device_out(checks, shop):
    reseller = seller(shop)
    assert imported(shop, row("old", "46.1.0.1", "1-13", "101-113")).status == 201
    bought = [buy(shop, reseller) for _ in range(13)]
    with checks("O9 a device with ports is not taken out unless it is said what becomes of them"):
        refused = shop.admin("DELETE", "/devices/old")
        assert refused.status == 409 and refused.json["code"] == "device_in_use", refused
        assert device(shop, "old")["status"] == "active" and device(shop, "old")["slots"] == 13
        assert shop.admin("DELETE", "/devices/nobody").status == 404
        assert shop.admin("DELETE", "/devices/old?ports=burn").status == 422
    with checks(
            "O9 a device is taken out and its ports move, with id, login and end, and their reseller is told of each"):
        assert imported(shop, row("new", "46.1.0.2", "1-10", "101-110")).status == 201
        before = [port(shop, reseller, id) for id in bought]
        moved = shop.admin("DELETE", "/devices/old?ports=move")
        assert moved.status == 200, moved
        assert (moved.json["moved"], moved.json["ended"], moved.json["status"], moved.json["used"]) == (
            10, 0, "closing", 3), moved.json
        after = [port(shop, reseller, id) for id in bought]
        assert [one["_id"] for one in after] == bought
        assert sorted(one["serverIp"] for one in after) == ["46.1.0.1"] * 3 + ["46.1.0.2"] * 10, after
        for was, now in zip(before, after):
            assert was["expiresAt"] == now["expiresAt"] and was["proxyLogin"] == now["proxyLogin"], (was, now)
        told = events(shop, reseller, "port.rotated")
        assert len(told) == 10 and {one["serverIp"] for one in told} == {"46.1.0.2"}, told
        full = port_call(shop, reseller, "POST", "/reseller/ports", {
            "customerId": reseller["customer"], "countryId": "germany", "days": 30})
        assert full.status == 409, full
        closing = imported(shop, row("old", "46.1.0.1", "50", "150"))
        assert closing.status == 422 and "taken out" in closing.json["errors"][0]["detail"], closing
    with checks("O9 what found no other place ends when that is said, and its slot and quota are free"):
        balance = port_call(shop, reseller, "GET", "/reseller/balance").body
        ended = shop.admin("DELETE", "/devices/old?ports=end")
        assert (ended.json["moved"], ended.json["ended"], ended.json["status"]) == (0, 3, "withdrawn"), ended
        states = [port(shop, reseller, id)["status"] for id in bought]
        assert sorted(states) == ["active"] * 10 + ["expired"] * 3, states
        assert len(events(shop, reseller, "port.expired")) == 3
        assert {one["status"] for one in events(shop, reseller, "port.expired")} == {"expired"}
        customer = port_call(shop, reseller, "GET", f"/reseller/customers/{reseller['customer']}").json
        assert customer["usedPortSlots"] == 10, customer
        assert port_call(shop, reseller, "GET", "/reseller/balance").body == balance
        again = shop.admin("DELETE", "/devices/old")
        assert again.status == 200 and again.json["status"] == "withdrawn", again
        names = [one["device"] for one in shop.admin("GET", "/devices").json["data"]]
        assert names == ["new"], names
        assert "old" in [one["device"] for one in shop.admin("GET", "/devices?status=withdrawn&limit=100").json["data"]]
    with checks("O9 a device that was taken out comes back by an import, as the file has it"):
        back = imported(shop, row("old", "46.1.0.1", "1-2", "101-102", city="Berlin"))
        assert back.status == 201 and back.json["new_devices"] == 0, back
        assert device(shop, "old")["slots"] == 2 and device(shop, "old")["city"] == "Berlin", device(shop, "old")
        other = imported(shop, row("old", "46.1.0.1", "3", "199", city="Berlin"))
        assert other.status == 422, other
        assert port(shop, reseller, buy(shop, reseller))["serverIp"] == "46.1.0.1"
    for name in ("old", "new"):
        assert shop.admin("DELETE", f"/devices/{name}?ports=end").json["status"] == "withdrawn"


def slot_out(checks, shop):
    reseller = seller(shop)
    assert imported(shop, row("d", "46.2.0.1", "1-2", "101-102")).status == 201
    first = buy(shop, reseller)
    with checks("O9 a slot is taken out: a free one at once, a used one when it is said what becomes of its port"):
        used = next(one for one in shop.admin("GET", "/ports?status=used").json["data"])
        address = f"{used['server_ip']}:{used['http_port']}"
        refused = shop.admin("DELETE", f"/ports/{address}")
        assert refused.status == 409 and refused.json["code"] == "slot_in_use", refused
        gone = shop.admin("DELETE", f"/ports/{address}?ports=move")
        assert gone.status == 200 and gone.json["status"] == "withdrawn" and gone.json["port"] is None, gone
        assert port(shop, reseller, first)["status"] == "active"
        now = shop.admin("GET", "/ports?status=used").json["data"]
        assert len(now) == 1 and now[0]["port"] == first and now[0]["http_port"] != used["http_port"], now
        assert shop.admin("DELETE", f"/ports/{address}").status == 404
        ended = shop.admin("DELETE", f"/ports/{now[0]['server_ip']}:{now[0]['http_port']}?ports=end")
        assert ended.status == 200 and port(shop, reseller, first)["status"] == "expired", ended
        assert imported(shop, row("six", "2a0e:97c0::5", "7", "8")).status == 201
        six = shop.admin("DELETE", "/ports/%5B2a0e:97c0:0::5%5D:7")
        assert six.status == 200 and six.json["server_ip"] == "2a0e:97c0::5", six
        for wrong in ("nothing", "46.2.0.1:x", "46.2.0.1:99", ":1", "46.2.0.1:"):
            assert shop.admin("DELETE", f"/ports/{wrong}").status == 404, wrong
    shop.admin("DELETE", "/devices/d?ports=end")
    shop.admin("DELETE", "/devices/six?ports=end")


def addresses(checks, shop):
    reseller = seller(shop)
    rows = row("moves", "46.3.0.1", "1-30", "101-130"), row("stays", "46.3.0.9", "1", "101")
    assert imported(shop, *rows).status == 201
    bought = [buy(shop, reseller, exclusive=False) for _ in range(25)]
    with checks("O9 a device's address changes, with that of its slots, and resellers are told of each port on it"):
        here = [one for one in bought if port(shop, reseller, one)["serverIp"] == "46.3.0.1"]
        changed = shop.admin("PATCH", "/devices/moves", {"server_ip": "46.3.0.2", "city": "Bonn", "carrier": "net"})
        assert changed.status == 200 and changed.json["server_ip"] == "46.3.0.2", changed
        assert changed.json["city"] == "Bonn" and changed.json["carrier"] == "net", changed.json
        assert {port(shop, reseller, one)["serverIp"] for one in here} == {"46.3.0.2"}
        assert len(events(shop, reseller, "port.rotated")) == len(here) >= 24
        slots = shop.admin("GET", "/ports?limit=100").json["data"]
        assert {one["server_ip"] for one in slots if one["device"] == "moves"} == {"46.3.0.2"}
        assert shop.admin("PATCH", "/devices/moves", {"city": None}).json["city"] is None
    with checks("O9 an address that reaches nobody, or that is another's, is refused, and nothing changes"):
        before = device(shop, "moves")
        for address in ("127.0.0.1", "::1", "fe80::1", "169.254.1.1", "0.0.0.0", "nonsense", "", "224.0.0.1",
                        "64:ff9b::7f00:1", "2002:7f00:1::", "a.localhost"):
            refused = shop.admin("PATCH", "/devices/moves", {"server_ip": address})
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/server_ip", (address, refused)
            new = imported(shop, row("unreached", address))
            assert new.status == 422 and new.json["errors"][0]["pointer"] == "/ports/0/server_ip", (address, new)
        taken = shop.admin("PATCH", "/devices/moves", {"server_ip": "46.3.0.9"})
        assert taken.status == 409 and taken.json["code"] == "address_taken", taken
        assert shop.admin("PATCH", "/devices/moves", {}).status == 422
        assert shop.admin("PATCH", "/devices/moves", {"mode": "sometimes"}).status == 422
        assert shop.admin("PATCH", "/devices/nobody", {"city": "X"}).status == 404
        assert device(shop, "moves") == before
    with checks("O9 a slot's ports change, but to no port that another slot of the address has"):
        changed = shop.admin("PATCH", "/ports/46.3.0.2:1", {"http_port": 5001})
        assert changed.status == 200, changed
        assert changed.json["http_port"] == 5001 and changed.json["socks_port"] == 101, changed
        for body in ({"http_port": 2}, {"socks_port": 2}, {"http_port": 102}):
            refused = shop.admin("PATCH", "/ports/46.3.0.2:5001", body)
            assert refused.status == 409 and refused.json["code"] == "address_taken", (body, refused)
        for body in ({"http_port": 0}, {"http_port": 65536}, {"http_port": 101}, {}):
            assert shop.admin("PATCH", "/ports/46.3.0.2:5001", body).status == 422, body
        assert shop.admin("PATCH", "/ports/46.3.0.2:1", {"http_port": 9}).status == 404
    with checks("O9 a device keeps its mode while an exclusive port is on it"):
        assert imported(shop, row("alone", "46.3.0.20", "1-2", "101-102", mode="exclusive-capable")).status == 201
        buy(shop, reseller, exclusive=True)
        refused = shop.admin("PATCH", "/devices/alone", {"mode": "shared"})
        assert refused.status == 409 and refused.json["code"] == "device_exclusive", refused


def books(checks, shop):
    with checks("O9 a test key corrects devices of the test book alone, and a reseller none"):
        test_key = shop.admin("POST", "/api-keys", {
            "owner_email": f"owner@{shop.slug}.example", "mode": "test", "role": "operator"}).json["key"]
        assert imported(shop, row("tried", "46.4.0.1"), mode="test").status == 201
        reseller = shop.reseller()
        for method, path, body in (
                ("PATCH", "/devices/stays", {"city": "X"}), ("DELETE", "/devices/stays", None),
                ("PATCH", "/ports/46.3.0.9:1", {"http_port": 9}), ("DELETE", "/ports/46.3.0.9:1", None)):
            assert shop.admin(method, path, body, key=test_key).status == 404, path
            assert shop.admin(method, path + "?mode=live", body, key=test_key).status == 403, path
            assert shop.admin(method, path, body, key=reseller["key"]).status == 403, path
        assert shop.admin("GET", "/devices", key=test_key).json["data"][0]["device"] == "tried"
        gone = shop.admin("DELETE", "/devices/tried", key=test_key)
        assert gone.status == 200 and gone.json["status"] == "withdrawn", gone
        assert device(shop, "stays")["status"] == "active"
        assert shop.admin("DELETE", f"/devices/{uuid.uuid4().hex}?mode=test").status == 404


if __name__ == "__main__":
    main()
