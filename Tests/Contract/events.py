#!/usr/bin/env python3
"""Events (H1, H4, H7, W10, X6, A8): each change tells of itself, shows its object as its GET does, and counts the object's
revisions; the pull feed gives them in the order of their commits and skips none; every type is described. `--write` writes
the table of all types into docs/webhooks.md; without it the script fails where the page is not what the descriptions say."""

import json
import os
import random
import re
import threading
import uuid

from shop import ADMIN, PARTNER, PASSWORD, Shop
from support import ROOT, Checks, Gateway, arguments, together
from told import BYTES_MAX, Catalogue, bodies, conforms

SEED = 20261128
PERMUTATIONS = 300
STEPS = 120
# What an end customer signs in with.
CANARY = "canary-5f1d0c"
# What events say beside their object.
BESIDE = {"balance", "amount", "reason", "is_covered", "old_price", "new_price", "test"}
WHOLESALE = [
    "order.created", "order.completed", "order.rejected", "order.refunded", "service.activated", "service.renewing",
    "service.renewed", "service.past_due", "service.suspended", "service.resumed", "service.cancelled", "service.repriced",
    "service.updated", "reseller.suspended", "balance.low", "webhook.endpoint_disabled", "webhook.test"]
PORTS = ["port.created", "port.expired", "port.rotated", "port.renewed", "customer.quota_exceeded", "balance.low",
         "webhook.endpoint_disabled", "webhook.test"]
CODES = ["code.redeemed", "balance.low", "webhook.endpoint_disabled", "webhook.test"]


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


def shown(event):
    """The object that an event shows, as its GET would."""
    beside = BESIDE - {"customer": {"balance"}, "order": {"reason"}}.get(event["type"].split(".")[0], set())
    return {name: value for name, value in event["data"].items() if name not in beside}


def named(event):
    data = event["data"]
    return data.get("id") or data.get("_id") or data["code"]


def main():
    options = arguments(flags={"write": "write the table of types into docs/webhooks.md"})
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        secrets = []
        wholesale(checks, gateway, secrets)
        ports(checks, gateway, secrets)
        codes(checks, gateway, secrets)
        feeds(checks, gateway)
        catalogue(checks, gateway, options)
        restarted(checks, gateway)
        restored(checks, gateway)
        gateway.kill()
        secret(checks, gateway, secrets)
    checks.finish()


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


# Wholesale orders


def wholesale(checks, gateway, secrets):
    shop = Shop(gateway, slug="wholesale")
    reseller = shop.reseller(balance="1000.00")
    sold, made = goods(shop, reseller)
    secrets += [shop.owner_key, reseller["key"], reseller["webhook_secret"]]
    feed = feed_of(shop, reseller)
    seen = []

    def new():
        events = feed.new()
        seen.extend(events)
        return events

    with checks("W10 an order of 3 instant units tells of itself and of each unit that it is active, in this order"):
        order = placed(shop, reseller, sold, quantity=3)
        events = new()
        assert [event["type"] for event in events] == ["order.created"] + 3 * ["service.activated"], events
        assert [named(event) for event in events] == [order["order"]["id"]] + [one["id"] for one in order["services"]]
        assert all(event["data"]["revision"] == 1 for event in events), events

    with checks("H1 an order of 1000 units is 1001 events, none over 20 KB"):
        placed(shop, reseller, sold, quantity=300)
        events = new()
        assert len(events) == 301 and all(len(json.dumps(event)) < BYTES_MAX for event in events), len(events)
        assert {event["data"]["order_id"] for event in events[1:]} == {named(events[0])}, events[0]

    with checks("H1 O4 O10 what stands in stock, and the details that an operator gives, go out with no event"):
        stocked = shop.product("stock")
        shop.price(reseller, stocked, {"wholesale_monthly": "1.00"})
        done(shop.admin("POST", f"/products/{stocked}/stock", f"item\n{CANARY}-1\n".encode(), idempotent=True, headers={
            "Content-Type": "text/csv"}))
        sale = placed(shop, reseller, stocked)["services"][0]["id"]
        assert CANARY in shop.get(reseller, f"/services/{sale}").body.decode()
        held = placed(shop, reseller, made)["order"]["id"]
        done(shop.admin("POST", f"/orders/{held}/activate", {"details": {
            "host": {"value": f"{CANARY}-2"}, "password": {"value": f"{CANARY}-3", "secret": True}}}, idempotent=True))
        assert [event["type"] for event in new()] == [
            "order.created", "service.activated", "order.created", "order.completed", "service.activated"]
        secrets.append(CANARY)

    pending, refused = (placed(shop, reseller, made, quantity=2)["order"]["id"] for _ in range(2))
    with checks("W10 a pending order tells that it was placed, and nothing of its units until it is carried out or rejected"):
        assert [event["type"] for event in new()] == ["order.created"] * 2
        done(shop.admin("POST", f"/orders/{pending}/activate", idempotent=True))
        events = new()
        assert [event["type"] for event in events] == ["order.completed"] + ["service.activated"] * 2, events
        assert events[0]["data"]["state"] == "completed" and events[0]["data"]["revision"] == 2, events[0]
        done(shop.admin("POST", f"/orders/{refused}/reject", idempotent=True))
        events = new()
        assert [event["type"] for event in events] == ["order.rejected"] + ["service.cancelled"] * 2, events
        assert events[0]["data"]["state"] == "rejected" and events[0]["data"]["revision"] == 2, events[0]

    with checks("W10 suspended, resumed, cancelled by the operator: an event each, and the answer has its revision"):
        service = order["services"][0]["id"]
        for number, (move, kind, state) in enumerate(
                [("suspend", "suspended", "suspended"), ("resume", "resumed", "active"), ("cancel", "cancelled", "cancelled")]):
            answer = done(shop.admin("POST", f"/services/{service}/{move}", idempotent=True))
            event, = new()
            assert event["type"] == f"service.{kind}" and event["data"]["status"] == state, event
            assert event["data"]["revision"] == answer["revision"] == number + 2, (event, answer)
            # As lists do, without what its customer signs in with.
            read = shop.get(reseller, f"/services/{service}").json
            assert {**read, **shown(event)} == read and "details" not in event["data"], (event, read)

    with checks("W10 balance.low and reseller.suspended show the reseller as GET /account does, with its revisions"):
        shop.terms(reseller, low_balance_threshold=shop.get(reseller, "/balance").json["balance"])
        placed(shop, reseller, sold)
        low = new()[-1]
        assert low["type"] == "balance.low" and low["data"]["revision"] == 1, low
        assert shown(low) == done(shop.get(reseller, "/account")), low
        assert low["data"]["balance"] == shop.get(reseller, "/balance").json["balance"], low
        done(shop.move(reseller, "suspend"))
        done(shop.move(reseller, "resume"))
        suspended = new()[-1]
        assert suspended["type"] == "reseller.suspended" and suspended["data"]["revision"] == 2, suspended
        assert suspended["data"]["status"] == "suspended", suspended
        assert done(shop.get(reseller, "/account"))["revision"] == 2

    with checks(f"H1 {STEPS} moves at random, each told of: ends set and taken back, units decided, suspended, resumed, cancelled"):
        wandered(shop, reseller, sold, made)
        new()

    with checks("H1 the events of each object count 1, 2, 3 … without a gap, in the order of the feed"):
        counted(seen)

    with checks(f"H1 a receiver that keeps the highest revision has the API's state, in {PERMUTATIONS} orders of arrival"):
        state = {}
        for kind in ("orders", "services?status=active", "services?status=cancelled", "services?status=suspended"):
            state.update({row["id"]: row for row in listed(shop, reseller, kind)})
        # The reseller itself was resumed, which has no event.
        permuted([event for event in seen if named(event) != reseller["id"]], state)


def wandered(shop, reseller, sold, made):
    """Moves of whatever order and service chance picks; those that its state does not allow change nothing."""
    chance = random.Random(SEED)
    orders, services = [], [row["id"] for row in listed(shop, reseller, "services?status=active")[:6]]
    for _ in range(STEPS):
        match chance.randrange(8):
            case 0:
                order = placed(shop, reseller, chance.choice((sold, made)), quantity=chance.randint(1, 3))
                orders.append(order["order"]["id"])
                services += [service["id"] for service in order["services"]]
            case 1 | 2 if orders:
                decision = chance.choice(("activate", "reject"))
                shop.admin("POST", f"/orders/{chance.choice(orders)}/{decision}", idempotent=True)
            case 3 | 4:
                method = chance.choice(("POST", "DELETE"))
                shop.call(reseller, method, f"/services/{chance.choice(services)}/cancel", headers={
                    "Idempotency-Key": uuid.uuid4().hex})
            case 5:
                body = {"at": chance.choice(("now", "term_end"))}
                shop.admin("POST", f"/services/{chance.choice(services)}/cancel", body, idempotent=True)
            case move:
                shop.admin("POST", f"/services/{chance.choice(services)}/{'suspend' if move == 6 else 'resume'}", idempotent=True)
    for order in orders:
        shop.admin("POST", f"/orders/{order}/activate", idempotent=True)


def listed(shop, reseller, path):
    rows, cursor = [], None
    while True:
        mark = "&" if "?" in path else "?"
        page = done(shop.get(reseller, f"/{path}{mark}limit=100" + (f"&cursor={cursor}" if cursor else "")))
        rows += page["data"]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            return rows


def counted(events):
    last = {}
    for event in events:
        name = named(event)
        assert event["data"]["revision"] == last.get(name, 0) + 1, (event, last.get(name))
        last[name] = event["data"]["revision"]


def permuted(events, state):
    chance = random.Random(SEED)
    for _ in range(PERMUTATIONS):
        chance.shuffle(events)
        kept = {}
        for event in events:
            name = named(event)
            if event["data"]["revision"] > kept.get(name, {"revision": 0})["revision"]:
                kept[name] = shown(event)
        assert kept.keys() == state.keys(), kept.keys() ^ state.keys()
        assert kept == state, [(kept[name], state[name]) for name in kept if kept[name] != state[name]][:1]


# Proxy ports


def ports(checks, gateway, secrets):
    shop = Shop(gateway, slug="ports", blueprint="proxies")
    reseller = shop.reseller(balance="500.00")
    for country in ("germany_id", "usa_id"):
        done(shop.admin("PUT", f"/countries/{country}", {"base_price": "2.00"}))
    rows = "".join(f"d{number},192.0.2.{number},{5000 + number},{6000 + number},germany_id\n" for number in range(9))
    done(shop.admin("POST", "/ports", ("device,server_ip,http_port,socks_port,country\n" + rows).encode(), idempotent=True,
                    headers={"Content-Type": "text/csv"}))

    def call(method, path, body=None):
        return gateway.request(method, shop.base + "/v1" + path, body, headers={"X-API-Key": reseller["key"]})

    hook = done(call("POST", "/reseller/webhooks", {"name": "W", "url": "https://there.example/", "events": PORTS[:-1]}))
    secrets += [reseller["key"], hook["secret"]]
    feed = Feed(call, "/reseller/events", ("events", "hasMore", "nextCursor"))
    customer = done(call("POST", "/reseller/customers", {"email": "a@b.example", "allocatedPortSlots": 1}))
    made = done(call("POST", "/reseller/ports", {"customerId": customer["_id"], "countryId": "germany_id", "days": 30}))
    secrets.append(made["port"]["proxyPassword"])

    def port():
        whole = done(call("GET", f"/reseller/ports/{made['port']['_id']}"))
        flat = {**whole["port"], "pricing": whole["pricing"]}
        assert flat.pop("proxyPassword") == made["port"]["proxyPassword"]
        return flat

    with checks("X6 port.created and port.rotated show the port as its GET does, but for its password"):
        event, = feed.new()
        assert event["type"] == "port.created" and shown(event) == port() and port()["revision"] == 1, event
        done(call("POST", f"/reseller/ports/{made['port']['_id']}/rotate"))
        event, = feed.new()
        assert event["type"] == "port.rotated" and shown(event) == port() and port()["revision"] == 2, event

    with checks("X5 a port that is renewed tells of its later end"):
        done(call("POST", f"/reseller/ports/{made['port']['_id']}/renew", {"days": 2}))
        event, = feed.new()
        assert event["type"] == "port.renewed" and shown(event) == port() and port()["revision"] == 3, event

    with checks("X6 customer.quota_exceeded shows the customer as its GET does"):
        refused = call("POST", "/reseller/ports", {"customerId": customer["_id"], "countryId": "germany_id", "days": 30})
        assert refused.status == 409, refused
        event, = feed.new()
        assert event["type"] == "customer.quota_exceeded", event
        assert shown(event) == done(call("GET", f"/reseller/customers/{customer['_id']}")), event

    with checks("H4 a test event is of the endpoint, is marked, and shows no secret"):
        done(call("POST", f"/reseller/webhooks/{hook['_id']}/test"))
        event, = feed.new()
        assert event["type"] == "webhook.test" and event["data"]["test"] is True and named(event) == hook["_id"], event


# Activation codes


def codes(checks, gateway, secrets):
    shop = Shop(gateway, slug="codes", blueprint="codes")
    reseller = shop.reseller(balance="500.00")
    secrets.append(reseller["key"])
    done(shop.admin("POST", "/products", {
        "sku": "plan", "name": "Plan", "fulfilment": "instant", "days": 30, "retail_price": "2.00", "wholesale_price": "1.00"}))

    def call(method, path, body=None):
        return gateway.request(method, shop.base + "/api/reseller" + path, body, headers={"x-api-key": reseller["key"]})

    feed = Feed(call, "/events", ("events", "hasMore", "nextCursor"))
    code = done(call("POST", "/generate", {"planId": "plan", "count": 2}))["codes"][0]["code"]
    with checks("A8 code.redeemed shows the code as the list does, once, whoever asks again"):
        for _ in range(2):
            done(gateway.post(f"{shop.base}/activate/{code}", {"email": "end@there.example", "password": PASSWORD}))
        event, = feed.new()
        row, = (row for row in done(call("GET", "/codes"))["codes"] if row["code"] == code)
        assert event["type"] == "code.redeemed" and shown(event) == {**row, "revision": 1}, (event, row)


# The feed


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

    with checks("H4 pages of one, of some types: the same events in the same order, and a cursor of one filter is none of another"):
        everything = feed_of(shop, first).new()
        assert feed_of(shop, first).new(limit=1) == everything
        some = feed_of(shop, first, types="order.created,balance.low")
        assert some.new(limit=2) == [event for event in everything if event["type"] == "order.created"]
        for query in (f"after={some.cursor}", f"after={some.cursor}&types=order.created", "after=AAAA", "types=x", "types=",
                      "types=order.created,,balance.low", "types=port.created", "limit=0", "cursor=x", "after="):
            assert shop.get(first, "/events?" + query).status in (400, 422), query

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
        assert Feed(call, reseller=second["id"]).new() == [event for event in whole if event["reseller"] == second["id"]]
        assert {event["mode"] for event in Feed(call, mode="test").new()} == {"test"}
        assert shop.admin("GET", "/events?reseller=res_none").status == 404

    with checks("H4 while eight callers order, a reader that follows the feed gets every event once, in the order of commits"):
        followed(shop, first, sold)


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
    with checks("H4 after a restore to the past a cursor from before it skips nothing of what comes then, and repeats nothing"):
        done(gateway.post(path + "/restore", export.body, key=gateway.provider_key))
        assert feed.page() == ([], False)
        for _ in range(4):
            placed(shop, reseller, sold)
        events = feed.new()
        assert [event["type"] for event in events] == ["order.created", "service.activated"] * 4, events
        assert feed_of(shop, reseller).new() == kept + events
        counted(kept + events)


# The catalogue


PAGE = os.path.join(ROOT, "docs", "webhooks.md")
TABLE = re.compile(r"(<!-- events\.py [^\n]*-->\n).*(<!-- /events\.py -->\n)", re.S)
APIS = {PARTNER: "orders", "/v1": "ports", "/api/reseller": "codes"}


def table(known):
    """Of every type: which APIs have it, what it says beside its object, and when it is sent."""
    rows = ["| type | in | says besides | |", "|---|---|---|---|"]
    for name in dict.fromkeys(WHOLESALE + PORTS + CODES):
        apis = ", ".join(word for base, word in APIS.items() if name in known.documents[base]["webhooks"])
        document, schema, _ = known.types[name][0]
        beside = schema["properties"]["data"].get("allOf", [{}, {}])[1].get("properties", {})
        summary = next(
            document["webhooks"][name]["post"]["summary"] for document in known.documents.values()
            if name in document["webhooks"])
        rows.append(f"| `{name}` | {apis} | {', '.join(f'`{word}`' for word in beside)} | {summary} |")
    return "\n".join(rows) + "\n"


def catalogue(checks, gateway, options):
    known = Catalogue.of(gateway)
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    wanted = TABLE.sub(lambda match: match.group(1) + table(known) + match.group(2), page)
    if options.write:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(wanted)
        page = wanted
    with checks("H7 docs/webhooks.md lists the types as the descriptions have them"):
        assert page == wanted, "events.py --write writes it anew"
    with checks("H7 each dialect's description has its events, each with a summary, a schema and an example that is as described"):
        for base, types in ((PARTNER, WHOLESALE), ("/v1", PORTS), ("/api/reseller", CODES)):
            webhooks = known.documents[base]["webhooks"]
            assert list(webhooks) == types, (base, list(webhooks))
            for name, path in webhooks.items():
                post = path["post"]
                content = post["requestBody"]["content"]["application/json"]
                assert post["summary"] and {head["name"] for head in post["parameters"]} == {
                    "webhook-id", "webhook-timestamp", "webhook-signature"}, name
                assert conforms(content["schema"], content["example"], known.documents[base], name) == []
                assert content["example"]["data"]["revision"] == 1, content
    with checks("H7 a body of an unknown type, without a member or with one more is found by what all scripts' events are tried by"):
        example = known.types["service.renewed"][0][2]
        assert known.faults(json.dumps(example).encode()) == []
        for change in ({"type": "service.lost"}, {"data": {**example["data"], "secret": "x"}}, {"data": {}},
                       {"data": {**example["data"], "status": "unheard of"}}, {"data": {**example["data"], "amount": 5}}):
            assert known.faults(json.dumps({**example, **change}).encode()), change
    with checks("H7 no endpoint can ask for a type that is not described"):
        shop = Shop(gateway, slug="catalogue")
        reseller = shop.reseller()
        url = {"url": "https://there.example/"}
        assert shop.call(reseller, "PUT", "/webhook", {**url, "events": WHOLESALE[:-1]}).status == 200
        for wrong in ("port.created", "webhook.test", "order.lost"):
            assert shop.call(reseller, "PUT", "/webhook", {**url, "events": [wrong]}).status == 422, wrong


def secret(checks, gateway, secrets):
    with checks("H1 no key, password or signing secret stands in any event"):
        texts = [body for _, _, body in bodies(gateway.data)]
        assert len(texts) > 100 and secrets
        for text in texts:
            assert not re.search(r"whsec_|(?:live|test)_[0-9A-Za-z]{22}", text), text
            assert not [word for word in secrets if word in text], text


if __name__ == "__main__":
    main()
