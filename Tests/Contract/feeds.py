#!/usr/bin/env python3
"""The pull feed (H4): events in the order of their commits, behind a cursor that stays good; it skips none, under load,
over a restart and after a restore to the past."""

import concurrent.futures
import threading
import time

from shop import Shop
from support import Checks, Gateway, arguments, together, verified_export


class Feed:
    """One caller's feed, read page by page from where it stands."""

    def __init__(self, call, path="/events", names=("data", "has_more", "next_cursor"), **query):
        self.call, self.path, self.names, self.query, self.cursor = call, path, names, query, None

    def page(self, **query):
        query = {**self.query, **({"after": self.cursor} if self.cursor else {}), **query}
        text = "&".join(f"{name}={value}" for name, value in query.items())
        answer = self.call("GET", self.path + ("?" + text if text else ""))
        assert answer.status == 200, answer
        rows, more, cursor = (answer.json[name] for name in self.names)
        self.cursor = cursor
        return rows, more

    def new(self, **query):
        """All that is new since, and rests behind it."""
        found, more = [], True
        while more:
            rows, more = self.page(**query)
            found += rows
        return found


def feed_of(shop, reseller, **query):
    return Feed(lambda method, path: shop.call(reseller, method, path), **query)


def goods(shop, reseller):
    sold, made = shop.product(), shop.product("manual")
    for sku in (sold, made):
        shop.price(reseller, sku, {"wholesale_monthly": "1.00", "wholesale_setup_fee": "0.50"})
    return sold, made


def placed(shop, reseller, sku, **fields):
    answer = shop.order(reseller, sku, **fields)
    assert answer.status == 201, answer
    return answer.json


def done(answer):
    assert answer.status in (200, 201), answer
    return answer.json


def named(event):
    data = event["data"]
    return data.get("id") or data.get("_id") or data["code"]


def counted(events):
    last = {}
    for event in events:
        name = named(event)
        assert event["data"]["revision"] == last.get(name, 0) + 1, (event, last.get(name))
        last[name] = event["data"]["revision"]


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        feeds(checks, gateway)
        restarted(checks, gateway)
        restored(checks, gateway)
        raised(checks, gateway)
    checks.finish()


def feeds(checks, gateway):
    shop = Shop(gateway, slug="feeds")
    first, second = (shop.reseller(balance="1000.00") for _ in range(2))
    sold, _ = goods(shop, first)
    shop.price(second, sold, {"wholesale_monthly": "1.00"})

    with checks("H4 the end of the feed is a resting point: nothing comes again, and what is new comes from there"):
        feed = feed_of(shop, first)
        assert feed.page() == ([], False)
        for _ in range(3):
            placed(shop, first, sold)
            assert [event["type"] for event in feed.new()] == ["order.created", "service.activated"]
            resting = feed.cursor
            assert feed.page() == ([], False) and feed.cursor == resting

    with checks("H4 pages of one, of some types: the same events in order, and a cursor of one filter is none of another"):
        everything = feed_of(shop, first).new()
        assert feed_of(shop, first).new(limit=1) == everything
        some = feed_of(shop, first, types="order.created,balance.low")
        assert some.new(limit=2) == [event for event in everything if event["type"] == "order.created"]
        for query in (f"after={some.cursor}", f"after={some.cursor}&types=order.created", "after=AAAA", "types=x",
                      "types=", "types=order.created,,balance.low", "types=port.created", "limit=0", "cursor=x", "after="):
            assert shop.get(first, "/events?" + query).status in (400, 422), query
        [error] = shop.get(first, "/events?after=AAAA").json["errors"]
        assert error["pointer"] == "/after" and error["detail"].startswith("/after: "), error
        [error] = shop.get(first, "/events?a/b~c=1").json["errors"]
        assert error["pointer"] == "/a~1b~0c" and error["code"] == "unknown_parameter", error

    with checks("G1 H4 a reseller's feed is its own: another's events and cursors are not in it"):
        mine = feed_of(shop, first)
        assert feed_of(shop, second).new() == [] and mine.new() == everything
        assert shop.get(second, f"/events?after={mine.cursor}").status == 400
        placed(shop, second, sold)
        assert mine.new() == [] and len(feed_of(shop, second).new()) == 2

    with checks("X7 H4 a test key's feed is the test book's"):
        key = done(shop.mint(first, mode="test"))["key"]
        sandbox = {**first, "key": key}
        placed(shop, sandbox, sold)
        assert len(feed_of(shop, sandbox).new()) == 2 and feed_of(shop, first).new() == everything

    with checks("H4 O7 the operator's feed has all resellers' events, or one's, each with whose it is"):
        def call(method, path):
            return shop.admin(method, path)
        whole = Feed(call).new()
        assert [event for event in whole if event["reseller"] == first["id"]] == [
            {"reseller": first["id"], "mode": "live", **event} for event in everything]
        assert {event["reseller"] for event in whole} == {first["id"], second["id"]}
        assert Feed(call, reseller=second["id"]).new() == [
            event for event in whole if event["reseller"] == second["id"]]
        assert {event["mode"] for event in Feed(call, mode="test").new()} == {"test"}
        assert shop.admin("GET", "/events?reseller=res_none").status == 404

    waited(checks, shop, first, sold)

    with checks("H4 while eight callers order, a reader of the feed gets every event once, in the order of commits"):
        followed(shop, first, sold)


def waited(checks, shop, reseller, sold):
    feed = feed_of(shop, reseller)
    feed.new()

    def resting():
        another = feed_of(shop, reseller)
        another.cursor = feed.cursor
        return another

    with checks("H4 G6 two calls of a reseller wait for the next event, and get it; a third is busy, with Retry-After"):
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            path = f"/events?wait=20&after={feed.cursor}"
            calls = [pool.submit(shop.call, reseller, "GET", path) for _ in range(3)]
            first, others = concurrent.futures.wait(calls, return_when=concurrent.futures.FIRST_COMPLETED)
            assert len(first) == 1, first
            refused = first.pop().result()
            assert refused.status == 503 and refused.json["code"] == "busy", refused
            assert int(refused.headers["retry-after"]) >= 1, refused
            order = placed(shop, reseller, sold)["order"]["id"]
            for call in others:
                told = call.result()
                assert told.status == 200 and named(told.json["data"][0]) == order, told
        assert resting().page(wait=1)[0]
    with checks("H4 what is there already is not waited for, and a wait ends without an event"):
        assert resting().page(wait=20)[0]
        feed.new()
        resting_place = feed.cursor
        assert feed.page(wait=1) == ([], False) and feed.cursor == resting_place
    with checks("G3 P3 W1 who waits in vain is judged again: key revoked, API access off, tenant suspended meanwhile"):
        def until(change, back, status, code):
            key = done(shop.mint(reseller))
            waiting = {**reseller, "key": key["key"]}
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                call = pool.submit(shop.get, waiting, f"/events?wait=2&after={resting_place}")
                time.sleep(0.5)
                done(change(key["id"]))
                refused = call.result()
            back()
            assert refused.status == status and refused.json["code"] == code, refused

        def tenant(move):
            return shop.gateway.post(f"/provider/v1/tenants/{shop.slug}/{move}", key=shop.gateway.provider_key)
        until(lambda id: shop.admin("DELETE", f"/api-keys/{id}"), lambda: None, 401, "unknown_key")
        until(lambda _: shop.admin("PATCH", f"/resellers/{reseller['id']}", {"api_access": False}),
              lambda: shop.terms(reseller, api_access=True), 403, "api_access_off")
        until(lambda _: tenant("suspend"), lambda: done(tenant("resume")), 403, "tenant_suspended")
    with checks("H4 who waits for one type is not answered with another"):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            some = feed_of(shop, reseller, types="service.activated")
            some.new()
            call = pool.submit(some.page, wait=20)
            placed(shop, reseller, sold)
            assert {event["type"] for event in call.result()[0]} == {"service.activated"}


def followed(shop, reseller, sku):
    feed, found, ended = feed_of(shop, reseller), [], threading.Event()
    feed.new()

    def order(_):
        for _ in range(12):
            placed(shop, reseller, sku, quantity=2)

    def follow():
        while not ended.is_set():
            found.extend(feed.new(limit=7))

    reader = threading.Thread(target=follow)
    reader.start()
    try:
        together([lambda: order(None)] * 8)
    finally:
        ended.set()
        reader.join(60)
    found.extend(feed.new())
    assert len(found) == 8 * 12 * 3 == len({event["id"] for event in found}), len(found)
    assert found == feed_of(shop, reseller).new()[-len(found):]


def restarted(checks, gateway):
    shop = Shop(gateway, slug="restarted")
    reseller = shop.reseller(balance="100.00")
    sold, _ = goods(shop, reseller)
    placed(shop, reseller, sold)
    feed = feed_of(shop, reseller)
    feed.new()
    with checks("H4 a cursor is good over a restart"):
        assert gateway.stop() == 0
        gateway.start()
        assert feed.page() == ([], False)
        placed(shop, reseller, sold)
        assert len(feed.new()) == 2


def restored(checks, gateway):
    shop = Shop(gateway, slug="restored")
    reseller = shop.reseller(balance="100.00")
    sold, _ = goods(shop, reseller)
    placed(shop, reseller, sold)
    feed = feed_of(shop, reseller)
    kept = feed.new()
    path = f"/provider/v1/tenants/{shop.slug}"
    export = gateway.get(path + "/export", key=gateway.provider_key)
    placed(shop, reseller, sold, quantity=3)
    assert len(feed.new()) == 4
    with checks("H4 after a restore to the past a cursor from before skips nothing of what comes, and repeats nothing"):
        done(gateway.post(path + "/restore", export.body, key=gateway.provider_key))
        assert feed.page() == ([], False)
        for _ in range(4):
            placed(shop, reseller, sold)
        events = feed.new()
        assert [event["type"] for event in events] == ["order.created", "service.activated"] * 4, events
        assert feed_of(shop, reseller).new() == kept + events
        counted(kept + events)


def raised(checks, gateway):
    """What a receiver keeps that takes the highest revision of each object, and what the API shows."""
    shop = Shop(gateway, slug="raised")
    reseller = shop.reseller(balance="100.00")
    _, made = goods(shop, reseller)
    order = placed(shop, reseller, made)["order"]["id"]
    path = f"/provider/v1/tenants/{shop.slug}"
    export = gateway.get(path + "/export", key=gateway.provider_key)
    feed, kept = feed_of(shop, reseller), {}

    def receive():
        for event in feed.new():
            data = event["data"]
            assert data["revision"] != kept.get(named(event), {}).get("revision"), (event, kept)
            if data["revision"] > kept.get(named(event), {"revision": 0})["revision"]:
                kept[named(event)] = data

    def shown():
        return shop.get(reseller, f"/orders/{order}").json

    done(shop.admin("POST", f"/orders/{order}/activate"))
    receive()
    assert kept[order]["state"] == "completed" and kept[order]["revision"] == 2, kept[order]
    for after, act, state in (("a restore", "reject", "rejected"), ("a second one", "activate", "completed")):
        with checks(f"H7 after {after} every object's revision is above all that was sent: a receiver that keeps the "
                    "highest ends in the state that the API shows"):
            sent = max(data["revision"] for data in kept.values())
            done(gateway.post(path + "/restore", export.body, key=gateway.provider_key))
            assert shown()["state"] == "pending" and shown()["revision"] > sent, (shown(), sent)
            # Who reads the object by its GET has it as it is, by the same rule.
            before = shown()["revision"]
            body = {"reason": "No room"} if act == "reject" else None
            done(shop.admin("POST", f"/orders/{order}/{act}", body))
            receive()
            assert kept[order]["state"] == state == shown()["state"], (kept[order], shown())
            assert kept[order]["revision"] == shown()["revision"] == before + 1, (kept[order], shown())
    with checks("H7 P5 G5 the file verifies, its revisions too"):
        verified_export(gateway, shop.slug)


if __name__ == "__main__":
    main()
