"""H3, H4, H6, O7 for webhook endpoints and deliveries: the same calls in the wholesale, the codes and the ports API,
and what an operator sees and does. Receivers are real, on loopback."""

import base64
import hashlib
import hmac
import itertools
import json
import time
import uuid

from receiver import Receiver, answer
from shop import ADMIN, Shop
from support import Checks, Gateway, arguments, verified_export, wait_until
from unreachable import FORMS, LITERALS

options = arguments()
checks = Checks()
ORDERS = ["order.created"]


class Hooks:
    """One reseller's webhooks in one API, in that API's words."""

    def __init__(self, gateway, name, blueprint, base, headers, events, **fields):
        self.gateway, self.name, self.events = gateway, name, events
        self.shop = Shop(gateway, slug=f"hooks-{name}", blueprint=blueprint, **fields)
        self.path = self.shop.base + base
        self.headers = headers
        self.id = "_id" if name == "ports" else "id"
        self.is_camel = name != "orders"
        # The codes API knows no 409 and no 422.
        self.conflict, self.invalid = (400, 400) if name == "codes" else (409, 422)
        self.reseller = self.shop.reseller(balance="100000")

    def __call__(self, method, path, body=None, reseller=None, **headers):
        key = (reseller or self.reseller)["key"]
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gateway.request(method, self.path + path, body, headers={**self.headers(key), **more})

    def done(self, method, path, body=None, status=200, **headers):
        got = self(method, path, body, **headers)
        assert got.status == status, (method, path, body, got)
        return got.json

    def word(self, name):
        parts = name.split("_")
        return parts[0] + "".join(part.title() for part in parts[1:]) if self.is_camel else name

    def make(self, name, url, status=201, **fields):
        return self.done("POST", "/webhooks", {"name": name, "url": url, "events": self.events, **fields}, status)

    def listed(self):
        got = self.done("GET", "/webhooks")
        return got["webhooks" if self.is_camel else "data"]

    def deliveries(self, query=""):
        got = self.done("GET", "/deliveries" + query)
        return got["deliveries" if self.is_camel else "data"]

    def refused(self, got, status, words=""):
        assert got.status == status and words.lower() in got.body.decode().lower(), got


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def orders(gateway):
    return Hooks(gateway, "orders", "hosting", "/api/partner/v1", bearer, ORDERS)


def all_hooks(gateway):
    return [
        orders(gateway),
        Hooks(gateway, "codes", "codes", "/api/reseller", lambda key: {"x-api-key": key}, ["code.redeemed"]),
        Hooks(gateway, "ports", "proxies", "/v1/reseller", lambda key: {"X-API-Key": key}, ["port.created"]),
    ]


def verified(call, secret):
    """Whether one of the signatures is this secret's."""
    stamp, id = call.headers["webhook-timestamp"], call.headers["webhook-id"]
    assert abs(int(stamp) - time.time()) < 300, stamp
    signed = f"{id}.{stamp}.".encode() + call.body
    code = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(code).decode() in call.headers["webhook-signature"].split(" ")


def endpoints(hooks, receiver):
    name = hooks.name
    with checks(f"H4 {name}: an endpoint is made, read, listed, changed and removed; its secret is shown once"):
        key = uuid.uuid4().hex
        body = {"name": "shop", "url": receiver.url("/ok/shop"), "events": hooks.events}
        made = hooks("POST", "/webhooks", body, Idempotency_Key=key)
        assert made.status == 201 and made.json["secret"].startswith("whsec_"), made
        again = hooks("POST", "/webhooks", body, Idempotency_Key=key)
        assert again.json["already_shown"] is True and "secret" not in again.json, again
        id = made.json[hooks.id]
        assert again.json[hooks.id] == id and len(hooks.listed()) == 1, again
        read = hooks.done("GET", f"/webhooks/{id}")
        assert (read["concurrency"], read["version"], read["state"]) == (8, 1, "active"), read
        assert read["deliveries"] == {"pending": 0, "held": 0, "dead": 0}, read
        assert read["health"][hooks.word("failures_in_row")] == 0 and "secret" not in json.dumps(read), read
        changed = hooks.done("PATCH", f"/webhooks/{id}", {"concurrency": 1, "name": "shop 2"})
        assert (changed["concurrency"], changed["name"], changed["url"]) == (1, "shop 2", body["url"]), changed
        assert hooks.done("DELETE", f"/webhooks/{id}")["deleted"] is True
        hooks.refused(hooks("GET", f"/webhooks/{id}"), 404)
        hooks.refused(hooks("DELETE", f"/webhooks/{id}"), 404)
        assert hooks.listed() == []

    with checks(f"H4 {name}: concurrency is 1 to 64, the version 1; names, addresses and events are judged"):
        good = {"name": "a", "url": receiver.url("/ok/a"), "events": hooks.events}
        for change in [
                {"concurrency": 0}, {"concurrency": 65}, {"concurrency": "8"}, {"concurrency": 1.5}, {"version": 2},
                {"version": 0}, {"version": "1"}, {"name": ""}, {"name": None}, {"name": "x" * 101}, {"events": []},
                {"events": ["nonsense"]}, {"events": "order.created"}, {"url": "nowhere"}, {"url": "ftp://a.example/"}]:
            hooks.refused(hooks("POST", "/webhooks", {**good, **change}), hooks.invalid)
        made = hooks.make("a", receiver.url("/ok/a"), concurrency=64, version=1)
        for change in [
                {}, {"concurrency": 65}, {"version": 2}, {"name": None}, {"events": []},
                {"url": "http://user@a.example/"}]:
            hooks.refused(hooks("PATCH", f"/webhooks/{made[hooks.id]}", change), hooks.invalid)
        assert hooks.done("GET", f"/webhooks/{made[hooks.id]}")["concurrency"] == 64
        hooks.done("DELETE", f"/webhooks/{made[hooks.id]}")

    with checks(f"H4 {name}: twenty endpoints a reseller, another's are not there"):
        made = [hooks.make(f"e{number}", receiver.url("/ok/many"))[hooks.id] for number in range(20)]
        hooks.refused(
            hooks("POST", "/webhooks", {"name": "x", "url": receiver.url("/ok/many"), "events": hooks.events}),
            hooks.conflict, "20 webhooks at most")
        other = hooks.shop.reseller()
        for method, path, body in [
                ("GET", "", None), ("PATCH", "", {"name": "x"}), ("DELETE", "", None), ("POST", "/test", None),
                ("POST", "/pause", None), ("POST", "/resume", None), ("POST", "/enable", None),
                ("POST", "/secret/rotate", None)]:
            hooks.refused(hooks(method, f"/webhooks/{made[0]}{path}", body, reseller=other), 404)
        for id in made:
            hooks.done("DELETE", f"/webhooks/{id}")


def default(hooks, receiver):
    name = hooks.name
    with checks(
            f"H4 {name}: `default` signs with the reseller's secret, keeps its name, and its person alone renews it"):
        made = hooks.make("default", receiver.url("/ok/default-" + name))
        assert "secret" not in made, made
        id = made[hooks.id]
        hooks.refused(
            hooks("POST", "/webhooks", {"name": "default", "url": receiver.url("/ok/b"), "events": hooks.events}),
            hooks.conflict)
        hooks.refused(hooks("PATCH", f"/webhooks/{id}", {"name": "other"}), hooks.conflict, "keeps its name")
        hooks.refused(hooks("POST", f"/webhooks/{id}/secret/rotate"), 403)
        tested = hooks.done("POST", f"/webhooks/{id}/test", status=201 if name == "ports" else 200)
        assert tested["outcome"] == "delivered", tested
        call = receiver.calls["/ok/default-" + name][-1]
        assert verified(call, hooks.reseller["webhook_secret"]), call
        if name != "ports":
            shown = hooks.done("GET", "/webhook")
            assert shown["url"] == made["url"] and shown[hooks.id] == id and shown["enabled"] is True, shown
            moved = hooks.done("PUT", "/webhook", {"url": receiver.url("/ok/moved"), "events": hooks.events})
            assert moved[hooks.id] == id and moved["url"].endswith("/ok/moved"), moved
        hooks.done("DELETE", f"/webhooks/{id}")
        if name != "ports":
            hooks.refused(hooks("GET", "/webhook"), 404)


def tests(hooks, receiver):
    name = hooks.name
    sent = 201 if name == "ports" else 200
    with checks(f"H4 {name}: a test is signed, marked, and its answer is shown at once"):
        made = hooks.make("tested", receiver.url(f"/status/404/{name}"))
        id = made[hooks.id]
        tested = hooks.done("POST", f"/webhooks/{id}/test", status=sent)
        told = (tested["outcome"], tested["status"], tested["test"], tested["type"])
        assert told == ("status", 404, True, "webhook.test"), tested
        assert tested["excerpt"] == "no .[31msuch. luck" and 0 <= tested["ms"] < 15_000, tested
        call = receiver.calls[f"/status/404/{name}"][-1]
        assert verified(call, made["secret"]), call
        body = json.loads(call.body)
        assert body["type"] == "webhook.test" and body["data"]["test"] is True, body
        assert call.headers["webhook-id"] == tested[hooks.word("event_id") if hooks.is_camel else "event"], tested

    with checks(f"H4 {name}: after a rotation a test carries both signatures, the new one first"):
        rotated = hooks.done("POST", f"/webhooks/{id}/secret/rotate", {"overlap_seconds": 3600})
        assert rotated["secret"] != made["secret"] and rotated[hooks.word("previous_valid_until")], rotated
        hooks.done("POST", f"/webhooks/{id}/test", status=sent)
        call = receiver.calls[f"/status/404/{name}"][-1]
        assert verified(call, rotated["secret"]) and verified(call, made["secret"]), call
        hooks.done("POST", f"/webhooks/{id}/secret/rotate", {"overlap_seconds": 0})
        hooks.done("POST", f"/webhooks/{id}/test", status=sent)
        call = receiver.calls[f"/status/404/{name}"][-1]
        assert not verified(call, rotated["secret"]) and not verified(call, made["secret"]), call

    with checks(f"H4 {name}: tests are in no statistics, wait in no queue, and are not sent again"):
        read = hooks.done("GET", f"/webhooks/{id}")
        assert read["health"].pop("recent") == [], read
        assert read["health"] == {name: None if name[-1] != "w" else 0 for name in read["health"]}, read
        assert read["deliveries"] == {"pending": 0, "held": 0, "dead": 0}, read
        rows = hooks.deliveries(f"?endpoint={id}")
        assert [(row["test"], row["state"], row["tries"]) for row in rows] == [(True, "dropped", 1)] * 3, rows
        hooks.refused(hooks("POST", f"/deliveries/{rows[0][hooks.id]}/retry"), hooks.conflict)
        got = hooks.done("POST", "/deliveries/replay", {"since": "2020-01-01T00:00:00Z", "dry_run": True})
        assert got["count"] == 0, got

    with checks(f"H4 {name}: pause, resume and enable; a test is sent all the same"):
        assert hooks.done("POST", f"/webhooks/{id}/pause")["state"] == "paused"
        assert hooks.done("POST", f"/webhooks/{id}/pause")["state"] == "paused"
        hooks.refused(hooks("POST", f"/webhooks/{id}/enable"), hooks.conflict)
        assert hooks.done("POST", f"/webhooks/{id}/test", status=sent)["status"] == 404
        assert hooks.done("POST", f"/webhooks/{id}/resume")["state"] == "active"
        assert hooks.done("POST", f"/webhooks/{id}/enable")["state"] == "active"

    with checks(f"H4 {name}: what an operator disabled only an operator enables"):
        admin = hooks.shop.admin
        moved = admin("POST", f"/webhooks/{id}/disable")
        assert moved.status == 200 and moved.json["disabled_reason"] == "operator", moved
        for method, move in ("POST", "/enable"), ("POST", "/pause"), ("POST", "/resume"), ("DELETE", ""):
            hooks.refused(hooks(method, f"/webhooks/{id}{move}"), hooks.conflict)
        row = next(row for row in admin("GET", "/webhooks?state=disabled").json["data"] if row["id"] == id)
        assert row["reseller"] == hooks.reseller["id"] and row["disabled_at"], row
        assert admin("POST", f"/webhooks/{id}/enable").json["state"] == "active"
        assert admin("GET", "/webhooks?state=disabled").json["data"] == []
        assert admin("POST", "/webhooks/whe_none/enable").status == 404
        hooks.done("DELETE", f"/webhooks/{id}")


class Scene:
    """A reseller that orders, with endpoints of its own."""

    def __init__(self, gateway, receiver, slug):
        self.receiver = receiver
        self.hooks = Hooks(
            gateway, slug, "hosting", "/api/partner/v1", bearer, ORDERS)
        self.hooks.is_camel, self.hooks.conflict, self.hooks.invalid = False, 409, 422
        self.shop = self.hooks.shop
        self.sku = self.shop.product()
        self.shop.price(self.hooks.reseller, self.sku, {"wholesale_monthly": "1.00"})

    def order(self, count=1, reseller=None):
        for _ in range(count):
            placed = self.shop.order(reseller or self.hooks.reseller, self.sku)
            assert placed.status == 201, placed

    def settled(self, state, count, endpoint):
        """Waits until so many deliveries of an endpoint are in this state."""
        wait_until(lambda: len(self.hooks.deliveries(f"?state={state}&endpoint={endpoint}&limit=100")) == count)


def held(gateway, receiver):
    scene = Scene(gateway, receiver, "held")
    hooks = scene.hooks
    path = "/ok/held"
    with checks("H3 events while an endpoint is paused are held; one replay sends them, each once, in order"):
        made = hooks.make("only", receiver.url(path), concurrency=1)
        id = made["id"]
        scene.order()
        wait_until(lambda: receiver.count(path) == 1)
        hooks.done("POST", f"/webhooks/{id}/pause")
        scene.order(3)
        scene.settled("held", 3, id)
        assert hooks.done("GET", f"/webhooks/{id}")["deliveries"]["held"] == 3
        hooks.refused(hooks("POST", f"/deliveries/{hooks.deliveries()[0]['id']}/retry"), 409, "is paused")
        assert hooks.done("POST", f"/webhooks/{id}/resume")["deliveries"]["held"] == 3
        assert receiver.count(path) == 1
        since = "2020-01-01T00:00:00Z"
        dry = hooks.done("POST", "/deliveries/replay", {"since": since, "states": ["held"], "dry_run": True})
        assert dry == {"count": 3, "dry_run": True}, dry
        sent = hooks.done("POST", "/deliveries/replay", {"since": since, "states": ["held"]})
        assert sent == {"count": 3, "dry_run": False}, sent
        wait_until(lambda: receiver.count(path) == 4)
        scene.settled("delivered", 4, id)
        ids = [row["event"] for row in reversed(hooks.deliveries())]
        assert [call.headers["webhook-id"] for call in receiver.calls[path]] == ids, ids

    with checks("H1 a replay of what was delivered sends the same id and the same bytes, signed anew"):
        first = receiver.calls[path][0]
        event = hooks.deliveries(f"?event={first.headers['webhook-id']}")[0]
        assert hooks.done("POST", f"/deliveries/{event['id']}/retry")["state"] == "pending"
        wait_until(lambda: receiver.count(path) == 5)
        again = receiver.calls[path][4]
        assert again.body == first.body and again.headers["webhook-id"] == first.headers["webhook-id"], again
        assert verified(again, made["secret"]), again
        wait_until(lambda: hooks.done("GET", f"/deliveries/{event['id']}")["state"] == "delivered")
        whole = hooks.done("GET", f"/deliveries/{event['id']}")
        assert [attempt["n"] for attempt in whole["attempts"]] == [2, 1] and whole["tries"] == 2, whole
        attempt = whole["attempts"][0]
        seen = (attempt["outcome"], attempt["status"], attempt["address"])
        assert seen == ("delivered", 204, "127.0.0.1"), attempt

    with checks("H4 a removed endpoint's queue is dropped and stays to be seen"):
        hooks.done("POST", f"/webhooks/{id}/pause")
        scene.order(2)
        hooks.done("DELETE", f"/webhooks/{id}")
        rows = hooks.deliveries(f"?state=dropped&endpoint={id}")
        assert len(rows) == 2, rows
        hooks.refused(hooks("POST", f"/deliveries/{rows[0]['id']}/retry"), 409)
        assert hooks.done("POST", "/deliveries/replay", {"since": since})["count"] == 0
    verified_export(gateway, scene.shop.slug)


def gone(gateway, receiver):
    scene = Scene(gateway, receiver, "gone")
    hooks = scene.hooks
    with checks("H3 410 disables an endpoint at once, loudly; another of the reseller goes on and is told"):
        dying = hooks.make("dying", receiver.url("/status/410/dying"))["id"]
        sibling = hooks.make("sibling", receiver.url("/ok/sibling"))["id"]
        scene.order()
        wait_until(lambda: hooks.done("GET", f"/webhooks/{dying}")["state"] == "disabled")
        shown = hooks.done("GET", f"/webhooks/{dying}")
        assert shown["disabled_reason"] == "gone" and shown["enabled"] is False, shown
        assert shown["health"]["last_outcome"] == "gone" and shown["health"]["last_status"] == 410, shown
        wait_until(lambda: receiver.count("/ok/sibling") == 2)
        told = [json.loads(call.body) for call in receiver.calls["/ok/sibling"]]
        alarm = next(body for body in told if body["type"] == "webhook.endpoint_disabled")
        assert alarm["data"]["id"] == dying and alarm["data"]["disabled_reason"] == "gone", alarm
        scene.order()
        scene.settled("held", 2, dying)
        scene.settled("delivered", 3, sibling)
        assert receiver.count("/status/410/dying") == 1

    with checks("H4 enabled again, one replay sends what was held"):
        hooks.done("PATCH", f"/webhooks/{dying}", {"url": receiver.url("/ok/alive")})
        assert hooks.done("POST", f"/webhooks/{dying}/enable")["state"] == "active"
        replay = {"since": "2020-01-01T00:00:00Z", "states": ["held"], "endpoint": dying}
        assert hooks.done("POST", "/deliveries/replay", replay)["count"] == 2
        wait_until(lambda: receiver.count("/ok/alive") == 2)

    with checks("W1 a terminated reseller's deliveries are dropped, what is held as well"):
        hooks.done("POST", f"/webhooks/{sibling}/pause")
        scene.order(2)
        scene.settled("held", 2, sibling)
        assert scene.shop.move(hooks.reseller, "terminate").status == 200
        rows = scene.shop.admin("GET", f"/deliveries?reseller={hooks.reseller['id']}&state=held,pending").json["data"]
        assert rows == [], rows
        ended = scene.shop.admin("GET", f"/webhooks/{sibling}").json
        assert ended["disabled_reason"] == "terminated", ended
        assert scene.shop.admin("POST", f"/webhooks/{sibling}/enable").status == 409
    with checks("W1 H4 nothing is sent to a terminated reseller, by an operator's test neither"):
        sent = receiver.count("/ok/sibling")
        refused = scene.shop.admin("POST", f"/webhooks/{sibling}/test")
        assert (refused.status, refused.json["code"]) == (409, "reseller_terminated"), refused
        assert receiver.count("/ok/sibling") == sent
    verified_export(gateway, scene.shop.slug)


def filtered(scene, good, bad, all_rows):
    hooks, admin = scene.hooks, scene.shop.admin
    with checks("O7 filters of deliveries, each alone and any two, give what a plain filter over all gives"):
        assert len(all_rows) == 39, len(all_rows)
        middle = sorted(row["created_at"] for row in all_rows)[len(all_rows) // 2]
        event = all_rows[5]["event"]
        filters = [
            (f"reseller={hooks.reseller['id']}", lambda row: row["reseller"] == hooks.reseller["id"]),
            ("state=delivered", lambda row: row["state"] == "delivered"),
            ("state=held,dead", lambda row: row["state"] in ("held", "dead")),
            ("type=order.created", lambda row: row["type"] == "order.created"),
            ("type=order.created,service.activated", lambda _: True),
            (f"endpoint={bad}", lambda row: row["endpoint"] == bad),
            ("status_class=5xx", lambda row: (row["last_status"] or 0) // 100 == 5),
            ("status_class=2", lambda row: (row["last_status"] or 0) // 100 == 2),
            (f"since={middle}", lambda row: row["created_at"] >= middle),
            (f"until={middle}", lambda row: row["created_at"] < middle),
            (f"event={event}", lambda row: row["event"] == event)]
        for first, second in itertools.combinations(filters, 2):
            names = {part.split("=")[0] for part in (first[0], second[0])}
            if len(names) < 2:
                continue
            got = admin("GET", f"/deliveries?limit=100&{first[0]}&{second[0]}")
            wanted = [row["id"] for row in all_rows if first[1](row) and second[1](row)]
            assert got.status == 200 and [row["id"] for row in got.json["data"]] == wanted, (first[0], second[0], got)


def paged(scene, other, all_rows):
    hooks, admin = scene.hooks, scene.shop.admin
    with checks("O7 a list goes by pages, newest first, and a reseller sees its own alone"):
        seen, query = [], "?limit=7"
        while True:
            page = hooks.done("GET", "/deliveries" + query)
            seen += page["data"]
            if not page["has_more"]:
                break
            query = f"?limit=7&cursor={page['next_cursor']}"
        mine = [row["id"] for row in all_rows if row["reseller"] == hooks.reseller["id"]]
        assert [row["id"] for row in seen] == mine, seen
        theirs = next(row for row in all_rows if row["reseller"] == other["id"])
        for method, path in [("GET", ""), ("POST", "/retry")]:
            hooks.refused(hooks(method, f"/deliveries/{theirs['id']}{path}"), 404)
        assert hooks("GET", f"/deliveries?endpoint={theirs['endpoint']}").status == 404
        assert hooks("GET", f"/deliveries?event={theirs['event']}").status == 404
        assert admin("GET", f"/deliveries/{theirs['id']}").json["attempts"][0]["outcome"] == "delivered"


def mistaken(hooks):
    with checks("O7 wrong filters are refused and named"):
        for query, words in [
                ("state=lost", "state"), ("state=", "state"), ("state=dead,", "state"), ("type=order.lost", "type"),
                ("status_class=6xx", "status_class"), ("status_class=", "status_class"), ("since=yesterday", "since"),
                ("until=1", "until"), ("since=2026-01-02&until=2026-01-01", "since")]:
            got = hooks("GET", f"/deliveries?{query}")
            assert got.status == 422 and words in got.body.decode(), got
        for body in [{}, {"since": "x"}, {"since": "2026-01-01T00:00:00Z", "states": ["dropped"]},
                     {"since": "2026-01-01T00:00:00Z", "types": []}, {"since": "2026-01-01T00:00:00Z", "more": 1},
                     {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
                     {"since": "2026-01-01", "dry_run": "yes"}, {"since": "2026-01-01", "status_class": "9xx"}]:
            assert hooks("POST", "/deliveries/replay", body).status == 422, body
    with checks("O7 H4 a replay takes its times as the list does: RFC 3339, a day, milliseconds; both say so alike"):
        for since, until in [("2020-01-01", "2020-01-02"), ("2020-01-01T00:00:00Z", "2020-01-02"),
                             ("1577836800000", "1577923200000"), (1577836800000, 1577923200000)]:
            listed = hooks("GET", f"/deliveries?since={since}&until={until}")
            dry = hooks("POST", "/deliveries/replay", {"since": since, "until": until, "dry_run": True})
            assert listed.status == 200 and dry.status == 200 and dry.json["count"] == 0, (since, listed, dry)
        words = "must be an RFC 3339 time, a day (YYYY-MM-DD) or milliseconds since 1970"
        for since in ("yesterday", "2020-13-01"):
            dry = hooks("POST", "/deliveries/replay", {"since": since})
            for got in dry, hooks("GET", f"/deliveries?since={since}"):
                assert got.status == 422 and words in got.body.decode(), got


def replayed(scene, receiver, good, bad, other):
    hooks, admin = scene.hooks, scene.shop.admin
    with checks("H4 a replay by filter requeues just what it counts, and an operator's for everybody"):
        receiver.answers["/status/500/lists"] = lambda _: answer(200)
        hooks.done("POST", f"/webhooks/{bad}/resume")
        for body, count in [
                ({"types": ["service.activated"]}, 12), ({"endpoint": good}, 12), ({"status_class": "2xx"}, 12),
                ({"until": "2026-01-01T00:00:00Z"}, 0), ({"states": ["held"], "endpoint": bad, "types": ORDERS}, 12)]:
            asked = {"since": "2025-01-01T00:00:00Z", **body}
            assert hooks.done("POST", "/deliveries/replay", {**asked, "dry_run": True})["count"] == count, body
        before = receiver.count("/ok/other")
        key = uuid.uuid4().hex
        for _ in range(2):
            done = admin("POST", "/deliveries/replay", {
                "since": "2025-01-01T00:00:00Z", "reseller": other["id"]}, headers={"Idempotency-Key": key})
            assert done.status == 200 and done.json == {"count": 3, "dry_run": False, "id": done.json["id"]}, done
        wait_until(lambda: receiver.count("/ok/other") == before + 3)
        done = hooks.done("POST", "/deliveries/replay", {"since": "2025-01-01T00:00:00Z", "endpoint": bad})
        assert done["count"] == 24, done
        scene.settled("delivered", 24, bad)


def lists(gateway, receiver):
    scene = Scene(gateway, receiver, "lists")
    hooks, admin = scene.hooks, scene.shop.admin
    good = hooks.make("good", receiver.url("/ok/lists"))["id"]
    bad = hooks.make("bad", receiver.url("/status/500/lists"), events=["order.created", "service.activated"])["id"]
    scene.order(12)
    other = scene.shop.reseller(balance="1000")
    scene.shop.price(other, scene.sku, {"wholesale_monthly": "1.00"})
    theirs = {"name": "o", "url": receiver.url("/ok/other"), "events": ORDERS}
    hooks.done("POST", "/webhooks", theirs, 201, reseller=other)
    scene.order(3, other)
    scene.settled("delivered", 12, good)
    wait_until(lambda: len(hooks.deliveries(f"?endpoint={bad}&status_class=5xx&limit=100")) == 24)
    hooks.done("POST", f"/webhooks/{bad}/pause")
    wait_until(lambda: not admin("GET", "/deliveries?state=pending").json["data"])
    all_rows = admin("GET", "/deliveries?limit=100").json["data"]
    filtered(scene, good, bad, all_rows)
    paged(scene, other, all_rows)
    mistaken(hooks)
    replayed(scene, receiver, good, bad, other)
    verified_export(gateway, scene.shop.slug)


def destinations():
    with Gateway(options.tollgate, demo=False) as gateway:
        for hooks in all_hooks(gateway):
            with checks(f"H6 {hooks.name}: what leads to no public host is refused at saving, in every spelling"):
                made = hooks.make("a", "https://shop.example/hook")
                urls = [f"https://{host}{rest}" for host in LITERALS for rest in ("/", ":8443/x")] + FORMS
                for url in urls:
                    hooks.refused(
                        hooks("POST", "/webhooks", {"name": "b", "url": url, "events": hooks.events}), hooks.invalid)
                    hooks.refused(hooks("PATCH", f"/webhooks/{made[hooks.id]}", {"url": url}), hooks.invalid)
                    if hooks.name != "ports":
                        hooks.refused(hooks("PUT", "/webhook", {"url": url, "events": hooks.events}), hooks.invalid)
                for url in ("https://münchen.example/", "https://shop.example/über", "https://shop.example/a b"):
                    made = hooks("POST", "/webhooks", {"name": "b", "url": url, "events": hooks.events})
                    hooks.refused(made, hooks.invalid, "must be in ASCII")
                assert [row["url"] for row in hooks.listed()] == ["https://shop.example/hook"], hooks.listed()


def main():
    receiver = Receiver()
    try:
        with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
            for hooks in all_hooks(gateway):
                endpoints(hooks, receiver)
                default(hooks, receiver)
                tests(hooks, receiver)
            held(gateway, receiver)
            gone(gateway, receiver)
            lists(gateway, receiver)
    finally:
        receiver.stop()
    destinations()
    checks.finish()


main()
