"""H4, O7, U2: a replay by filter, from the page that counts it to the one that says how far it is; what an endpoint's
last attempts came to; an operator's test-send; whether a signature that a receiver got is ours."""

import concurrent.futures
import re

from desk import Desk
from office import Office
from receiver import NO_CONTENT, Receiver, answer
from support import Checks, Gateway, arguments, wait_until

OUTAGE = 1_284
SINCE = "2020-01-01T00:00:00Z"
EVENTS = ["order.created"]


class Scene:
    def __init__(self, gateway, receiver):
        self.office = Office(gateway)
        self.shop, self.receiver = self.office.shop, receiver
        self.operator = Desk(self.office, self.office.owner_email)

    def read(self, path):
        answer = self.shop.admin("GET", path)
        assert answer.status == 200, answer
        return answer.json

    def done(self, method, path, body=None):
        answer = self.shop.admin(method, path, body)
        assert answer.status == 200, answer
        return answer.json

    def seller(self, path, **fields):
        """A reseller, its endpoint's id, and how it makes an event."""
        reseller = self.shop.reseller(balance="5000.00")
        self.shop.price(reseller, "vps-1", {"wholesale_monthly": "1.00"})
        made = self.shop.call(reseller, "POST", "/webhooks", {
            "name": "shop", "url": self.receiver.url(path), "events": EVENTS, **fields})
        assert made.status == 201, made

        def order():
            placed = self.shop.order(reseller, "vps-1")
            assert placed.status == 201, placed
        return reseller, made.json["id"], order

    def counts(self, replay):
        told = self.read(f"/replays/{replay}")
        return {name: told[name] for name in (
            "count", "waiting", "failing", "delivered", "dead", "held", "dropped", "superseded") if told[name]}


def outage(scene, checks):
    """As PAGES tells it: an outage, a filter, a count, a replay that others watch."""
    path, receiver = "/outage", scene.receiver
    receiver.answers[path] = lambda count: answer(410)
    reseller, hook, order = scene.seller(path)
    order()
    wait_until(lambda: scene.read(f"/webhooks/{hook}")["state"] == "disabled")
    for _ in range(OUTAGE - 1):
        order()
    receiver.answers[path] = lambda count: NO_CONTENT
    before = receiver.count(path)
    where = f"/events/replay?endpoint={hook}&state=held"
    with checks("U2 O7 what is for a disabled endpoint is not counted, and the page says why"):
        assert scene.read(f"/deliveries/count?endpoint={hook}")["count"] == 0
        assert "waits until it is enabled" in scene.operator.text(where)
    with checks("U2 H4 the page counts before anything is sent, and sending goes to an address that can be handed on"):
        scene.done("POST", f"/webhooks/{hook}/enable")
        assert scene.read(f"/deliveries/count?endpoint={hook}&state=held") == {"count": OUTAGE}
        assert "Replay these 1,284" in scene.operator.text(where)
        receiver.pause_seconds[path] = 0.005
        sent = scene.operator.browser.post(
            f"{scene.shop.base}/admin{where}", list(form_fields(scene.operator.get(where).body.decode())))
        assert sent.status == 303 and "/admin/events/replays/rpl_" in sent.location, sent
        replay = re.search(r"rpl_\w+", sent.location).group(0)
    with checks("H4 live events pass while a replay is under way"):
        live = []
        for _ in range(5):
            order()
            live.append(scene.read(f"/deliveries?endpoint={hook}&limit=1")["data"][0]["event"])
        wait_until(lambda: receiver.count(path) >= before + OUTAGE + 5, seconds=120)
        got = [call.headers["webhook-id"] for call in receiver.calls[path][before:]]
        last = max(got.index(event) for event in live)
        assert last < OUTAGE, (last, len(got))
    with checks("U2 O7 1,284 of an outage arrive once each, with the ids that they had"):
        old = set(got) - set(live)
        assert len(got) == OUTAGE + 5 and len(old) == OUTAGE, (len(got), len(old))
        first = receiver.calls[path][0].headers["webhook-id"]
        assert first in old
    with checks("U2 O7 the page says how many were delivered and how many failed again, to whoever has its address"):
        wait_until(lambda: scene.counts(replay) == {"count": OUTAGE, "delivered": OUTAGE}, seconds=60)
        assert "1,284 of 1,284 delivered, 0 failed again" in scene.operator.text(f"/events/replays/{replay}")
        person = scene.office.add("sam", "support")
        scene.office.accept(person["invitation_url"])
        sam = Desk(scene.office, person["email"])
        assert "1,284 of 1,284 delivered, 0 failed again" in sam.text(f"/events/replays/{replay}")
        assert sam.get(where.replace("held", "delivered")).status == 200
        assert not [call for call in sam.calls("/events") if "replay" in call]
        told = scene.read(f"/replays/{replay}")
        assert (told["state"], told["by"]) == ("done", scene.office.owner_email) and told["finished_at"], told
        assert told["filter"] | {"states": ["held"], "endpoint": hook} == told["filter"], told
    with checks("O7 an endpoint says what its last fifty attempts came to, and enabling it does not forget them"):
        recent = scene.read(f"/webhooks/{hook}")["health"]["recent"]
        assert recent == ["delivered"] * 50, recent
    return reseller, hook, order, path, replay


def form_fields(text):
    """Of the one form that replays: names may stand several times."""
    forms = re.findall(r"<form method=\"post\".*?</form>", text, re.S)
    form = next(form for form in forms if "/deliveries/replay" in form)
    return re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)


def failures(scene, checks, reseller, hook, order, path, first):
    receiver = scene.receiver
    receiver.pause_seconds[path] = 0
    receiver.answers[path] = lambda count: answer(500)
    order()
    wait_until(lambda: scene.read(f"/webhooks/{hook}")["health"]["recent"][-1] == "failed")
    with checks("H4 O7 what fails again is counted as that, and what a later replay takes over is the later one's"):
        body = {"since": SINCE, "endpoint": hook, "states": ["delivered"], "types": EVENTS}
        again = scene.done("POST", "/deliveries/replay", body)
        assert again["count"] == OUTAGE + 5 and again["dry_run"] is False, again
        wait_until(lambda: scene.counts(again["id"]).get("failing", 0) >= 100, seconds=60)
        receiver.answers[path] = lambda count: NO_CONTENT
        later = scene.done("POST", "/deliveries/replay", {"since": SINCE, "endpoint": hook, "states": ["pending"]})
        told = scene.counts(again["id"])
        assert told.get("waiting", 0) + told.get("failing", 0) == 0, told
        assert told["superseded"] + told.get("delivered", 0) == told["count"] == OUTAGE + 5, told
        wait_until(lambda: scene.counts(later["id"]).get("delivered") == later["count"], seconds=120)
        # What was decided stays as it was: the one before was over when they came.
        assert scene.counts(first) == {"count": OUTAGE, "delivered": OUTAGE}
    with checks("H4 a replay that is only counted leaves no trace; replays are listed newest first, each book's own"):
        dry = scene.done("POST", "/deliveries/replay", {"since": SINCE, "dry_run": True})
        assert set(dry) == {"count", "dry_run"} and dry["count"] > OUTAGE, dry
        assert [row["id"] for row in scene.read("/replays")["data"]] == [later["id"], again["id"], first]
        assert scene.read("/replays?mode=test")["data"] == []
        assert scene.shop.admin("GET", "/replays/rpl_none").status == 404
    with checks("H4 a reseller's own replay is in the operator's list, and its page too"):
        own = scene.shop.call(reseller, "POST", "/deliveries/replay", {"since": SINCE, "states": ["delivered"]})
        assert own.status == 200 and set(own.json) == {"count", "dry_run"}, own
        row = scene.read("/replays?limit=1")["data"][0]
        assert (row["reseller"], row["count"]) == (reseller["id"], own.json["count"]), row
        assert reseller["id"] in scene.operator.text(f"/events/replays/{row['id']}")


def watched(scene, checks, reseller):
    with checks("H4 O7 an operator's replay of one reseller's deliveries is running until it is done"):
        body = {"since": SINCE, "reseller": reseller["id"], "states": ["delivered", "pending"]}
        for _ in range(10):
            seen = set()
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                sent = pool.submit(scene.done, "POST", "/deliveries/replay", body)
                while not sent.done():
                    newest = scene.read("/replays?limit=1")["data"][0]
                    seen.add((newest["id"], newest["state"]))
            replay = sent.result()["id"]
            told = {state for id, state in seen if id == replay}
            assert told <= {"running", "done"}, seen
            if "running" in told:
                break
        assert "running" in told, "no look came while it was sent"
        assert scene.read(f"/replays/{replay}")["state"] == "done"


def test_sends(scene, checks):
    receiver = scene.receiver
    path = "/tried"
    receiver.answers[path] = lambda count: answer(503, body=b"not today")
    reseller, hook, order = scene.seller(path)
    with checks("H4 U2 an operator's test-send shows what the receiver answered, its audit row too, and no statistics"):
        sent = scene.done("POST", f"/webhooks/{hook}/test")
        assert (sent["outcome"], sent["status"], sent["excerpt"]) == ("status", 503, "not today"), sent
        assert scene.read(f"/webhooks/{hook}")["health"]["recent"] == []
        page = scene.operator.send(f"/endpoints/{hook}", f"POST /webhooks/{hook}/test")
        assert page.status == 200 and "503" in page.text and "not today" in page.text, page
        rows = scene.read(f"/audit?action=POST%20/api/admin/webhooks/%7Bid%7D/test&reseller={reseller['id']}")["data"]
        assert [row["detail"]["outcome"] for row in rows if "outcome" in (row["detail"] or {})] == ["status"] * 2, rows
        assert scene.shop.admin("POST", "/webhooks/whe_none/test").status == 404
    receiver.answers[path] = lambda count: NO_CONTENT
    order()
    row = wait_until(lambda: next(iter(scene.read(f"/deliveries?endpoint={hook}&state=delivered")["data"]), None))
    call = receiver.calls[path][-1]
    at, signature = int(call.headers["webhook-timestamp"]), call.headers["webhook-signature"]
    check = lambda **fields: scene.done("POST", f"/deliveries/{row['id']}/signature", {
        "timestamp": at, "signature": signature, **fields})
    with checks("H1 O7 a delivery shows the body that was sent, byte for byte"):
        assert scene.read(f"/deliveries/{row['id']}")["body"].encode() == call.body
    with checks("H1 O7 a signature is said to be ours or not, by which secret, and no answer tells the secret"):
        assert check() == {"matches": True, "secret": "current"}
        assert check(timestamp=str(at)) == check(), "the header as it came"
        assert check(timestamp=str(at + 1)) == {"matches": False, "secret": None}
        assert check(timestamp=at + 1) == {"matches": False, "secret": None}
        assert check(signature="v1,AAAA nonsense") == {"matches": False, "secret": None}
        assert check(signature="v1,AAAA " + signature)["matches"]
        rotated = scene.shop.call(reseller, "POST", f"/webhooks/{hook}/secret/rotate", {})
        assert rotated.status == 200, rotated
        assert check() == {"matches": True, "secret": "previous"}
        ended = scene.shop.call(reseller, "POST", f"/webhooks/{hook}/secret/rotate", {"overlap_seconds": 0})
        assert ended.status == 200 and check() == {"matches": False, "secret": None}


def main():
    options = arguments()
    checks = Checks()
    receiver = Receiver()
    try:
        with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
            scene = Scene(gateway, receiver)
            reseller, hook, order, path, replay = outage(scene, checks)
            failures(scene, checks, reseller, hook, order, path, replay)
            watched(scene, checks, reseller)
            test_sends(scene, checks)
    finally:
        receiver.stop()
    checks.finish()


if __name__ == "__main__":
    main()
