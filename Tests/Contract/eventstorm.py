"""kill -9 at any moment between an order's effect, its event, the attempt to deliver it and the mark that it was
delivered (H1, H3, G8): what was received is what was committed, no more and no less, in the same bytes each time.

The moments: at random; while an order is under way; while the receiver is asked; just after it has answered. Each
call's signature is verified as it comes in, also while a secret is rotated (H2). `--long`: 10,000 deliveries and 100
kills."""

import concurrent.futures
import http.client
import json
import random
import subprocess
import threading
import time
import uuid

from receiver import NO_CONTENT, Receiver, answer
from shop import PARTNER, Shop
from support import (
    Checks, Gateway, arguments, python_of_tests, signature_headers, verified_export, wait_until)

# What may be under way at a kill: an endpoint's slots, and results that wait for their commit.
SLOTS, RESULTS_WAITING = 8, 64
REFUSED_ONE_OF = 40
SECONDS_MAX = 300
# What was signed so soon after a rotation may have been begun before it.
ROTATION_SECONDS = 2
VERIFIER = """
import json, sys
from standardwebhooks.webhooks import Webhook
good, wrong = 0, []
for line in sys.stdin:
    call = json.loads(line)
    try:
        Webhook(call["secret"]).verify(call["body"], call["headers"])
        good += 1
    except Exception as error:
        wrong = (wrong + [f"{call['headers']}: {error!r}"])[:5]
print(json.dumps([good, wrong]))
"""


def judge(committed, received, kills):
    """What is wrong with what a receiver got: texts. `committed`: the ids of all events that it is subscribed to.
    `received`: (id, body, status that it was answered, when), in order; `kills`: when."""
    wrong = []
    got = {}
    for message, body, status, at in received:
        got.setdefault(message, []).append((body, status, at))
    delivered = {message for message, calls in got.items() if any(status == 204 for _, status, _ in calls)}
    wrong += [f"{message} was committed and never received" for message in sorted(committed - delivered)]
    wrong += [f"{message} was received and never committed" for message in sorted(set(got) - committed)]
    wrong += [
        f"{message} came in other bytes" for message, calls in got.items() if len({body for body, _, _ in calls}) > 1]
    doubled = [0] * (len(kills) + 1)
    for message, calls in got.items():
        good = [at for _, status, at in calls if status == 204]
        for first, second in zip(good, good[1:]):
            between = [number for number, at in enumerate(kills) if first - 1 <= at <= second]
            if not between:
                wrong.append(f"{message} came twice, and nothing was killed in between")
            else:
                doubled[between[0]] += 1
    return wrong + [
        f"kill {number} doubled {count} deliveries" for number, count in enumerate(doubled)
        if count > SLOTS + RESULTS_WAITING]


class Signatures:
    """The library of the specification's authors in a process of its own, asked about each call as it comes in."""

    def __init__(self):
        self.asked = 0
        self.process = subprocess.Popen(
            [python_of_tests(), "-c", VERIFIER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, call, secret):
        self.asked += 1
        self.process.stdin.write(
            json.dumps({"secret": secret, "body": call.body.decode(), "headers": call.headers}) + "\n")
        self.process.stdin.flush()

    def end(self):
        """How many were good, and what was said of some that were not."""
        told, _ = self.process.communicate(timeout=60)
        return json.loads(told)


class Storm:
    def __init__(self, gateway, seed):
        self.gateway = gateway
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.kills = []
        self.received = {}
        self.seen = set()
        self.answered = {}
        self.is_up = threading.Event()
        self.is_up.set()
        self.trigger = None
        self.has_fallen = threading.Event()
        self.receiver = Receiver()
        self.signatures = Signatures()
        # By path: secrets, and from when on calls are signed with them.
        self.secrets = {}
        self.signed_twice = 0
        # Objects that were read as soon as an event told of them: its data, the answer.
        self.read, self.reading, self.readers = [], [], concurrent.futures.ThreadPoolExecutor(4)
        self.shop = Shop(gateway)
        self.sku = self.shop.product()
        self.buyers = [self.buyer(number) for number in range(3)]

    def buyer(self, number):
        """A reseller whose endpoint takes some events of what it buys, or all."""
        buyer = self.shop.reseller(balance="1000000.00")
        self.shop.price(buyer, self.sku, {"wholesale_monthly": "1.00"})
        buyer["events"] = [["order.created"], ["order.created", "service.activated"], ["service.activated"]][number]
        path = f"/hook/{number}"
        self.received[path] = []
        buyer["path"] = path
        self.secrets[path] = [(0, buyer["webhook_secret"])]
        self.receiver.answers[path] = lambda _: self.receive(buyer)
        put = self.shop.call(buyer, "PUT", "/webhook", {"url": self.receiver.url(path), "events": buyer["events"]})
        assert put.status == 200, put
        return buyer

    # The receiver, on its loop's thread

    def receive(self, buyer):
        path = buyer["path"]
        call = self.receiver.calls[path][-1]
        self.reading.append(self.readers.submit(self.read_back, buyer, json.loads(call.body)["data"]))
        known = (path, call.headers["webhook-id"])
        signed_at = int(call.headers["webhook-timestamp"])
        for since, secret in self.secrets[path]:
            if signed_at > since:
                self.signatures.ask(call, secret)
                self.signed_twice += since > 0
        # Once at most: the second failure would wait for five minutes.
        status = 503 if known not in self.seen and self.random.randrange(REFUSED_ONE_OF) == 0 else 204
        self.seen.add(known)
        if self.strikes("attempt"):
            # The attempt is under way: nobody is there any more to hear the answer.
            self.fall()
        with self.lock:
            self.received[path].append((call.headers["webhook-id"], call.body, status, time.time()))
        if self.strikes("mark"):
            self.receiver.loop.call_later(self.random.random() * 0.03, self.fall)
        return NO_CONTENT if status == 204 else answer(status)

    def read_back(self, buyer, data):
        """The object of an event, as whoever was just told of it finds it; not where the gateway has been killed."""
        kind = {"ord": "orders", "svc": "services"}[data["id"].split("_")[0]]
        try:
            read = self.shop.get(buyer, f"/{kind}/{data['id']}")
        except (OSError, ValueError, http.client.HTTPException):
            return
        if read.status not in (429, 503):
            with self.lock:
                self.read.append((data, read))

    def strikes(self, moment):
        with self.lock:
            if self.trigger != moment or not self.is_up.is_set():
                return False
            self.trigger = None
            return True

    def fall(self):
        self.is_up.clear()
        self.gateway.kill()
        with self.lock:
            self.kills.append(time.time())
        self.has_fallen.set()

    # Orders, on threads of their own

    def order(self, buyer, number):
        """Asked until it is answered, under one Idempotency-Key."""
        key, path = str(uuid.uuid4()), self.shop.base + PARTNER + "/orders"
        raw = json.dumps(self.shop.order_body(self.sku, customer=f"c-{number % 50}")).encode()
        while True:
            self.is_up.wait()
            try:
                headers = signature_headers(buyer["webhook_secret"], "POST", path, key, raw)
                made = self.gateway.request("POST", path, raw, key=buyer["key"], headers={
                    **headers, "Content-Type": "application/json"})
            except (OSError, ValueError, http.client.HTTPException):
                time.sleep(0.01)
                continue
            if made.status in (429, 503):
                time.sleep(0.05)
                continue
            assert made.status == 201, made
            with self.lock:
                self.answered.setdefault(buyer["path"], set()).add(made.json["order"]["id"])
            if self.strikes("effect"):
                self.fall()
            return

    def buy(self, count, threads=6):
        numbers = iter(range(count))

        def work():
            while True:
                with self.lock:
                    number = next(numbers, None)
                if number is None:
                    return
                self.order(self.buyers[number % len(self.buyers)], number)

        workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
        for worker in workers:
            worker.start()
        return workers

    def kill_and_restart(self, moment):
        self.has_fallen.clear()
        if moment == "random":
            time.sleep(self.random.random() * 0.4)
            self.fall()
        else:
            with self.lock:
                self.trigger = moment
            if not self.has_fallen.wait(10):
                # Nothing came to strike at: all is delivered.
                with self.lock:
                    self.trigger = None
                self.fall()
        self.gateway.start()
        self.is_up.set()

    def rotate(self, buyer, token):
        """The old secret signs, and is taken of orders, beside the new one for a day."""
        rotated = self.shop.call(buyer, "POST", "/webhook/secret/rotate", {}, key=token)
        assert rotated.status == 200, rotated
        buyer["webhook_secret"] = rotated.json["webhook_secret"]
        self.secrets[buyer["path"]].append((time.time() + ROTATION_SECONDS, buyer["webhook_secret"]))

    # Afterwards

    def pending(self):
        answer = self.shop.admin("GET", "/deliveries?state=pending&limit=1")
        assert answer.status == 200, answer
        return answer.json["data"]

    def committed(self, buyer):
        """All events of the reseller, in the order of the feed."""
        events, after = [], ""
        while True:
            answer = self.shop.get(buyer, "/events?limit=100" + after)
            assert answer.status == 200, answer
            events += answer.json["data"]
            after = f"&after={answer.json['next_cursor']}"
            if not answer.json["has_more"]:
                return events

    def got(self, buyer):
        with self.lock:
            return list(self.received[buyer["path"]])


def run(checks, options, gateway):
    # Four deliveries of three orders.
    orders, kills = (7_500, 100) if options.long else (180, 8)
    seed = options.seed or random.randrange(1 << 30)
    print(f"# seed {seed}", flush=True)
    storm = Storm(gateway, seed)
    began = time.time()
    token = storm.shop.sign_in(storm.buyers[1])
    workers = storm.buy(orders)
    for number in range(kills):
        if number == kills // 2:
            storm.rotate(storm.buyers[1], token)
        storm.kill_and_restart(["random", "effect", "attempt", "mark"][number % 4])
    for worker in workers:
        worker.join(SECONDS_MAX)
        assert not worker.is_alive(), "an order was never answered"
    wait_until(lambda: not storm.pending(), seconds=SECONDS_MAX, pause_seconds=0.2)
    feeds = {buyer["path"]: storm.committed(buyer) for buyer in storm.buyers}
    with checks("H1 G8 every order that was answered is an event, once, and no event is of another"):
        for buyer in storm.buyers:
            made = [event["data"]["id"] for event in feeds[buyer["path"]] if event["type"] == "order.created"]
            assert len(made) == len(set(made)), buyer["path"]
            assert set(made) == storm.answered[buyer["path"]], (len(made), buyer["path"])
    committed = {
        buyer["path"]: {event["id"] for event in feeds[buyer["path"]] if event["type"] in buyer["events"]}
        for buyer in storm.buyers}
    with checks("H3 what was received is what was committed for it: nothing lost, doubled by kills alone, same bytes"):
        for buyer in storm.buyers:
            wrong = judge(committed[buyer["path"]], storm.got(buyer), storm.kills)
            assert not wrong, (len(wrong), wrong[:5])
        deliveries, calls = sum(map(len, committed.values())), sum(len(storm.got(buyer)) for buyer in storm.buyers)
        print(f"# {deliveries} deliveries of {sum(map(len, feeds.values()))} events in {time.time() - began:.0f} s, "
              f"{len(storm.kills)} kills, {calls - deliveries} calls more", flush=True)
    with checks("H1 revisions of each object count up without a gap, and bodies are those of the feed"):
        for buyer in storm.buyers:
            revisions = {}
            for event in feeds[buyer["path"]]:
                revisions.setdefault(event["data"]["id"], []).append(event["data"]["revision"])
            assert all(counts == list(range(1, len(counts) + 1)) for counts in revisions.values()), revisions
            told = {event.pop("id"): event for event in feeds[buyer["path"]]}
            for message, body, _, _ in storm.got(buyer):
                assert json.loads(body) == told[message], (message, body)
    return storm, committed, seed


def revisions(checks, options, storm):
    with checks("H1 whoever reads the object of a delivery as it comes sees the event's revision, or a later one"):
        concurrent.futures.wait(storm.reading)
        # A gateway that was killed meanwhile answers nobody.
        assert len(storm.read) >= (10_000 if options.long else 50), len(storm.read)
        older = [(data, read) for data, read in storm.read
                 if read.status != 200 or read.json["id"] != data["id"] or read.json["revision"] < data["revision"]]
        assert not older, (len(older), older[:3])


def signatures(checks, storm):
    with checks("H1 H2 each call is good to the specification's library as it comes in, by both secrets once one is "
                "rotated"):
        good, wrong = storm.signatures.end()
        assert good == storm.signatures.asked and not wrong, (good, storm.signatures.asked, wrong)
        assert storm.signed_twice > 0


def replays(checks, storm, committed):
    buyer = storm.buyers[1]
    known = {message: body for message, body, _, _ in storm.got(buyer)}
    before = len(storm.got(buyer))
    with checks("H4 H1 a replay of everything sends each event once more, under its id and in its bytes"):
        body = {"since": "2020-01-01T00:00:00Z", "reseller": buyer["id"]}
        dry = storm.shop.admin("POST", "/deliveries/replay", {**body, "dry_run": True}, idempotent=True)
        assert dry.status == 200 and dry.json["count"] == len(committed[buyer["path"]]), dry
        done = storm.shop.admin("POST", "/deliveries/replay", body, idempotent=True)
        assert done.status == 200 and done.json["count"] == dry.json["count"], done
        wait_until(lambda: not storm.pending(), seconds=SECONDS_MAX, pause_seconds=0.2)
        again = storm.got(buyer)[before:]
        assert {message for message, _, status, _ in again if status == 204} == committed[buyer["path"]]
        assert all(known[message] == body for message, body, _, _ in again)


def mutants(checks, storm, committed):
    with checks("the storm's own judgement sees one that is lost, one too many, other bytes, and a needless double"):
        buyer = storm.buyers[0]
        all_of_it = committed[buyer["path"]]
        good = [call for call in storm.got(buyer) if call[2] == 204]
        first = good[0][0]
        lost = [call for call in good if call[0] != first]
        assert any("never received" in text for text in judge(all_of_it, lost, storm.kills))
        assert any("never committed" in text for text in judge(all_of_it - {first}, good, storm.kills))
        changed = [*good, (first, good[0][1] + b" ", 204, good[0][3])]
        assert any("other bytes" in text for text in judge(all_of_it, changed, storm.kills))
        late = max(storm.kills) + 100
        doubled = [*good, (first, good[0][1], 204, late), (first, good[0][1], 204, late + 1)]
        assert any("came twice" in text for text in judge(all_of_it, doubled, storm.kills))
        refused = [(message, body, 503, at) for message, body, _, at in good]
        assert any("never received" in text for text in judge(all_of_it, refused, storm.kills))


def main():
    options = arguments(seed="the storm's random numbers")
    checks = Checks()
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
        storm, committed, _ = run(checks, options, gateway)
        revisions(checks, options, storm)
        replays(checks, storm, committed)
        signatures(checks, storm)
        mutants(checks, storm, committed)
        with checks("G5 G8 the file verifies afterwards, its outbox too"):
            verified_export(gateway, storm.shop.slug)
    checks.finish()


if __name__ == "__main__":
    main()
