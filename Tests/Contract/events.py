#!/usr/bin/env python3
"""Events (H1, H7, W10, X6, A8): each change tells of itself, shows its object as its GET does, and counts the object's
revisions; every type is described. `--write` writes the table of all types into docs/webhooks.md; without it the script
fails where the page is not what the descriptions say."""

import json
import os
import random
import re
import signal
import subprocess
import uuid

from feeds import Feed, counted, done, feed_of, goods, named, placed
from shop import PARTNER, PASSWORD, Shop
from support import ROOT, Checks, Gateway, arguments, command
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
    "service.renewed", "service.past_due", "service.suspended", "service.resumed", "service.cancelled",
    "service.repriced", "service.updated", "reseller.suspended", "balance.low", "webhook.endpoint_disabled",
    "webhook.test"]
PORTS = ["port.created", "port.expired", "port.rotated", "port.renewed", "customer.quota_exceeded", "balance.low",
         "webhook.endpoint_disabled", "webhook.test"]
CODES = ["code.redeemed", "balance.low", "webhook.endpoint_disabled", "webhook.test"]


def shown(event):
    """The object that an event shows, as its GET would."""
    beside = BESIDE - {"customer": {"balance"}, "order": {"reason"}}.get(event["type"].split(".")[0], set())
    return {name: value for name, value in event["data"].items() if name not in beside}


def main():
    options = arguments(flags={"write": "write the table of types into docs/webhooks.md"})
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        secrets = []
        wholesale(checks, gateway, secrets)
        ports(checks, gateway, secrets)
        codes(checks, gateway, secrets)
        catalogue(checks, gateway, options)
        tailing(checks, gateway, options)
        gateway.kill()
        secret(checks, gateway, secrets)
    checks.finish()


def tailing(checks, gateway, options):
    with checks("H4 P6 events tail says where it was when a call of it is refused, and goes on from there"):
        shop = Shop(gateway, slug="tailed")
        reseller = shop.reseller(balance="1000.00")
        sold, _ = goods(shop, reseller)
        first = placed(shop, reseller, sold)
        words = ["events", "tail", "--api", "wholesale", "--tenant", "tailed", "--url", gateway.base_url, "--key",
                 reseller["key"], "--json"]
        tail = subprocess.Popen(
            [options.tollgate, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        try:
            seen = json.loads(tail.stdout.readline())["data"]
            assert first["order"]["id"] in [named(event) for event in seen], seen
            suspended = gateway.post("/provider/v1/tenants/tailed/suspend", key=gateway.provider_key)
            assert suspended.status == 200, suspended
            _, said = tail.communicate(timeout=60)
        finally:
            if tail.poll() is None:
                tail.kill()
                tail.communicate()
        cursor = re.search(r"go on with --after (\S+)", said)
        assert tail.returncode == 1 and cursor and len(said.splitlines()) == 1, (tail.returncode, said)
        assert gateway.post("/provider/v1/tenants/tailed/resume", key=gateway.provider_key).status == 200
        second = placed(shop, reseller, sold)
        rest = command(options.tollgate, *words, "--once", "--after", cursor.group(1))
        assert rest.returncode == 0, rest
        events = json.loads(rest.stdout.splitlines()[0])["data"]
        assert named(events[0]) == second["order"]["id"], events
        assert not {event["id"] for event in events} & {event["id"] for event in seen}, events
    with checks("H4 P6 events tail says whose key it took one for, where it is another's"):
        there = ["--once", "--url", gateway.base_url]
        for key, more, hint in ((reseller["key"], ["--tenant", "tailed"], "--api wholesale"),
                                (shop.owner_key, [], "--tenant SLUG")):
            wrong = command(options.tollgate, "events", "tail", *there, *more, "--key", key)
            assert wrong.returncode == 1 and hint in wrong.stderr, wrong
        page = command(options.tollgate, "help", "events", "tail").stdout
        assert "--api wholesale" in page and "Ctrl-C" in page, page
        # The address of the tenant's own pages will do; its key says which API.
        told = command(options.tollgate, "events", "tail", "--once", "--url", gateway.base_url + "/t/tailed", "--key",
                       reseller["key"])
        assert told.returncode == 0 and second["order"]["id"] in told.stdout, told
    with checks("H4 `events tail` that was given no cursor of the feed says so, and does not advise to go on with it"):
        for more in ([], ["--type", "order.created"]):
            refused = command(options.tollgate, *words, *more, "--once", "--after", "AAAA")
            assert refused.returncode == 1 and "/after: is not a cursor" in refused.stderr, refused
            assert "go on" not in refused.stderr and "/cursor" not in refused.stderr, refused
    interrupted(checks, gateway, options, words, cursor.group(1))


def interrupted(checks, gateway, options, words, place):
    with checks("H4 P6 events tail says where it was when Ctrl-C or SIGTERM ends it, and skips nothing from there"):
        whole = json.loads(command(options.tollgate, *words, "--once", "--after", place).stdout.splitlines()[0])["data"]
        for number in (signal.SIGINT, signal.SIGTERM):
            tail = subprocess.Popen(
                [options.tollgate, *words, "--after", place], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True)
            try:
                seen = json.loads(tail.stdout.readline())["data"]
                tail.send_signal(number)
                _, said = tail.communicate(timeout=60)
            finally:
                if tail.poll() is None:
                    tail.kill()
                    tail.communicate()
            reached = re.fullmatch(r"tollgate: go on with --after (\S+)\n", said)
            assert tail.returncode == -number and reached, (tail.returncode, said)
            # It is behind what was printed, or before it where the signal was faster.
            rest = command(options.tollgate, *words, "--once", "--after", reached.group(1)).stdout.splitlines()[0]
            rest = json.loads(rest)["data"]
            assert rest in ([], whole) and seen == whole, (rest, seen)


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

    with checks("H1 an order of 300 units is 301 events, none over 20 KB"):
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

    moved(checks, shop, reseller, new, made, order["services"][0]["id"])
    with checks(f"H1 {STEPS} moves at random are told of: ends set and taken back, units decided, suspended, resumed"):
        wandered(shop, reseller, sold, made)
        new()

    with checks("H1 the events of each object count 1, 2, 3 … without a gap, in the order of the feed"):
        counted(seen)

    with checks(f"H1 who keeps the highest revision has the API's state, in {PERMUTATIONS} orders of arrival"):
        state = {}
        for kind in ("orders", "services?status=active", "services?status=cancelled", "services?status=suspended"):
            state.update({row["id"]: row for row in listed(shop, reseller, kind)})
        # The reseller itself was resumed, which has no event.
        permuted([event for event in seen if named(event) != reseller["id"]], state)


def moved(checks, shop, reseller, new, made, service):
    pending, refused = (placed(shop, reseller, made, quantity=2)["order"]["id"] for _ in range(2))
    with checks("W10 a pending order tells that it was placed, and nothing of its units until it is decided"):
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
        moves = [("suspend", "suspended", "suspended"), ("resume", "resumed", "active"),
                 ("cancel", "cancelled", "cancelled")]
        for number, (move, kind, state) in enumerate(moves):
            answer = done(shop.admin("POST", f"/services/{service}/{move}", idempotent=True))
            event, = new()
            assert event["type"] == f"service.{kind}" and event["data"]["status"] == state, event
            assert event["data"]["revision"] == answer["revision"] == number + 2, (event, answer)
            # As lists do, without what its customer signs in with.
            read = shop.get(reseller, f"/services/{service}").json
            assert {**read, **shown(event)} == read and "details" not in event["data"], (event, read)

    with checks("W10 balance.low and reseller.suspended show the reseller as GET /account does, with its revisions"):
        shop.terms(reseller, low_balance_threshold=shop.get(reseller, "/balance").json["balance"])
        placed(shop, reseller, made)
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
            case number:
                move = "suspend" if number == 6 else "resume"
                shop.admin("POST", f"/services/{chance.choice(services)}/{move}", idempotent=True)
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
    stock = ("device,server_ip,http_port,socks_port,country\n" + rows).encode()
    done(shop.admin("POST", "/ports", stock, idempotent=True, headers={"Content-Type": "text/csv"}))

    def call(method, path, body=None):
        return gateway.request(method, shop.base + "/v1" + path, body, headers={"X-API-Key": reseller["key"]})

    hook = done(call("POST", "/reseller/webhooks", {
        "name": "W", "url": "https://there.example/", "events": PORTS[:-1]}))
    secrets += [reseller["key"], hook["secret"]]
    feed = Feed(call, "/reseller/events", ("events", "hasMore", "nextCursor"))
    customer = done(call("POST", "/reseller/customers", {"email": "a@b.example", "allocatedPortSlots": 1}))
    wanted = {"customerId": customer["_id"], "countryId": "germany_id", "days": 30}
    made = done(call("POST", "/reseller/ports", wanted))
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
        refused = call("POST", "/reseller/ports", wanted)
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
        "sku": "plan", "name": "Plan", "fulfilment": "instant", "days": 30, "retail_price": "2.00",
        "wholesale_price": "1.00"}))

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
    with checks("H7 each dialect describes its events, each with a summary, a schema and an example that is as described"):
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
    with checks("H7 a body of an unknown type, without a member or with one more is found, as all scripts' are tried"):
        example = known.types["service.renewed"][0][2]
        assert known.faults(json.dumps(example).encode()) == []
        for change in ({"type": "service.lost"}, {"data": {**example["data"], "secret": "x"}}, {"data": {}},
                       {"data": {**example["data"], "status": "unheard of"}},
                       {"data": {**example["data"], "amount": 5}}):
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
