"""A key's level and its reset, and limits tried on the calls that the audit log has (O2)."""

import json
import random
import threading

from shop import Shop
from support import Checks, Gateway, arguments

SECOND = 1_000_000_000


class Bucket:
    """The limiter's arithmetic, written again from docs/internals/limiter.md: whole nanoseconds."""

    def __init__(self, requests, window, burst):
        self.emission = -(-window * SECOND // requests)
        self.tolerance = self.emission * burst
        self.arrival = 0

    def take(self, now):
        after = max(self.arrival - now, 0) + self.emission
        if after > self.tolerance:
            return False
        self.arrival = now + after
        return True


def rehearse(shop, path, limit, key=None, **more):
    return shop.admin("POST", f"{path}/rehearse", {**limit, **more}, key=key)


def policy(requests, window, burst=None):
    return {"requests": requests, "window_seconds": window, "burst": requests if burst is None else burst}


def lines(shop, key_id):
    """The key's lines of the log, oldest first."""
    exported = shop.admin("GET", f"/audit.jsonl?key={key_id}")
    assert exported.status == 200, exported
    return [json.loads(line) for line in exported.body.splitlines()][::-1]


def milliseconds(text):
    hours, minutes, seconds = text[11:-1].split(":")
    whole, part = (seconds.split(".") + ["000"])[:2]
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 1000 + int(part.ljust(3, "0")[:3])


def instants(shop, key_ids):
    """As the page says that a rehearsal takes them: lines of their own as they stand, counted ones evenly spread behind
    the last one alike."""
    found = []
    for key_id in key_ids:
        alike = {}
        for line in lines(shop, key_id):
            at, kind = milliseconds(line["at"]), (line["status"], line["action"])
            begin = min(alike.get(kind, at), at) if line["count"] > 1 else at
            alike[kind] = at
            span = at - begin
            found += [begin + span * index // line["count"] for index in range(1, line["count"] + 1)]
    return sorted(found)


def refused(instants, limit):
    bucket = Bucket(limit["requests"], limit["window_seconds"], limit["burst"])
    # Far from where the model begins, as a full bucket's first call is.
    return sum(not bucket.take((at + 10**9) * 1_000_000) for at in instants)


def call(shop, reseller, count, status=None):
    connection = shop.gateway.connection()
    for _ in range(count):
        answer = shop.gateway.get(
            f"{shop.base}/api/partner/v1/balance", key=reseller["key"], connection=connection)
        assert status is None or answer.status == status, answer
    connection.close()


def levels(checks, shop):
    reseller = shop.reseller(balance="10.00")
    path = f"/api-keys/{reseller['key_id']}"
    with checks("O2 a key without a limit of its own has no level, and nothing to fill"):
        assert shop.admin("GET", path).json["limit"] is None
        answer = shop.admin("POST", f"{path}/limit/reset")
        assert (answer.status, answer.json["code"]) == (409, "no_limit"), answer
    with checks("O2 the answer to a limit, the key and its limit show the level: all of the burst at first"):
        put = shop.admin("PUT", f"{path}/limit", {"requests": 20, "window_seconds": 3600})
        assert put.status == 200, put
        assert put.json["limit"] == {**policy(20, 3600), "remaining": 20, "reset": 0}, put
        for shown in (path, f"{path}/limit"):
            assert shop.admin("GET", shown).json["limit"] == put.json["limit"], shown
    with checks("O2 the level falls with each call, and reset says when it is full again"):
        call(shop, reseller, 5, 200)
        shown = shop.admin("GET", path).json["limit"]
        assert shown["remaining"] == 15 and 890 <= shown["reset"] <= 900, shown
        keys = shop.admin("GET", "/api-keys?limit=100").json["data"]
        listed = [key for key in keys if key["id"] == reseller["key_id"]]
        assert listed[0]["limit"]["remaining"] == 15, listed
    with checks("O2 a change shows the level that it leaves: the used share of the burst stays used"):
        put = shop.admin("PUT", f"{path}/limit", {"requests": 40, "window_seconds": 3600})
        assert put.json["limit"]["remaining"] in (29, 30), put
        assert shop.admin("GET", path).json["limit"]["remaining"] in (29, 30)
    with checks("O2 G3 reset fills the limit: from the answer on every token is there"):
        call(shop, reseller, 30)
        call(shop, reseller, 1, 429)
        answer = shop.admin("POST", f"{path}/limit/reset")
        assert answer.status == 200 and answer.json["limit"]["remaining"] == 40, answer
        call(shop, reseller, 40, 200)
        call(shop, reseller, 1, 429)
    with checks("O2 a revoked key's limit is not filled, a stranger's is not there, a reseller fills none"):
        assert shop.admin("POST", f"{path}/limit/reset", key=shop.reseller()["key"]).status == 403
        assert shop.admin("POST", "/api-keys/key_nobody/limit/reset").status == 404
        assert shop.admin("DELETE", path).status == 200
        answer = shop.admin("POST", f"{path}/limit/reset")
        assert (answer.status, answer.json["code"]) == (409, "key_revoked"), answer


def histories(checks, shop):
    reseller = shop.reseller(rate_limit={"requests": 500, "window_seconds": 60})
    path = f"/api-keys/{reseller['key_id']}/limit"
    other = shop.admin("POST", "/api-keys", {"owner_email": f"owner@{shop.slug}.example", "role": "operator"}).json
    changed = [
        shop.admin("PUT", path, policy(100, 60)), shop.admin("PUT", path, policy(200, 60), key=other["key"]),
        shop.admin("PUT", path, policy(200, 60)), shop.admin("DELETE", path)]
    assert all(answer.status == 200 for answer in changed), changed
    requests = [answer.headers["request-id"] for answer in changed]
    with checks("O2 O6 each change of a key's limit is told: who, when, from, to, by which call, newest first"):
        found = shop.admin("GET", f"{path}/history").json["data"]
        assert [(row["from"], row["to"]) for row in found] == [
            (policy(200, 60), None), (policy(100, 60), policy(200, 60)), (None, policy(100, 60))], found
        assert [row["request_id"] for row in found] == [requests[3], requests[1], requests[0]], found
        assert [row["key"] == other["id"] for row in found] == [False, True, False], found
        assert {row["account"] for row in found} == {f"owner@{shop.slug}.example"}, found
        for row in found:
            line, = shop.admin("GET", f"/audit/requests/{row['request_id']}?at={row['at']}").json["data"]
            assert line["sound"] and line["records"][0]["request_id"] == row["request_id"], line
        first = shop.admin("GET", f"{path}/history?limit=2").json
        rest = shop.admin("GET", f"{path}/history?limit=2&cursor={first['next_cursor']}").json
        assert first["data"] + rest["data"] == found and not rest["has_more"], (first, rest)
    with checks("O2 O3 a reseller's limit is read with how much of it is left, and tells who changed it"):
        path = f"/resellers/{reseller['id']}/rate-limit"
        call(shop, reseller, 30, 200)
        shown = shop.admin("GET", f"/resellers/{reseller['id']}").json["rate_limit"]
        assert {name: shown[name] for name in policy(500, 60)} == policy(500, 60), shown
        assert 400 < shown["remaining"] < 500 and shown["reset"] >= 0, shown
        shop.terms(reseller, rate_limit=policy(300, 60), api_access=True)
        shop.terms(reseller, api_access=True)
        found = shop.admin("GET", f"{path}/history").json["data"]
        assert [(row["from"], row["to"]) for row in found][:1] == [(policy(500, 60), policy(300, 60))], found
        assert shop.admin("GET", "/resellers/res_nobody/rate-limit/history").status == 404


def rehearsals(checks, shop):
    reseller = shop.reseller(balance="10.00")
    path = f"/api-keys/{reseller['key_id']}"
    limit = policy(60, 60, 30)
    assert shop.admin("PUT", f"{path}/limit", limit).status == 200
    call(shop, reseller, 110)
    seed = random.Random(11)
    with checks("O2 a rehearsal counts what was asked and refused, and says how many have no instant of their own"):
        answer = rehearse(shop, f"{path}/limit", limit, days=1)
        assert answer.status == 200, answer
        log = lines(shop, reseller["key_id"])
        assert answer.json["asked"] == sum(line["count"] for line in log) == 110, answer
        assert answer.json["refused_then"] == sum(line["count"] for line in log if line["status"] == 429) > 40, answer
        assert answer.json["counted_only"] == sum(line["count"] for line in log if line["count"] > 1) > 0, answer
        assert answer.json["limit"] == limit
        assert answer.json["from"] <= answer.json["reaches_back_to"] < answer.json["until"]
        hours = answer.json["hours"]
        assert {hour["key"] for hour in hours} == {reseller["key_id"]} and len(hours) <= 2
        for name in ("asked", "refused_then", "would_be_refused", "counted_only"):
            assert sum(hour[name] for hour in hours) == answer.json[name], name
    with checks("O2 what would be refused is what a bucket refuses at the log's instants: 40 policies"):
        times = instants(shop, [reseller["key_id"]])
        counts = set()
        for _ in range(40):
            tried = policy(seed.randint(1, 200), seed.choice([1, 5, 60, 3600]), seed.choice([None, 1, 10, 50]))
            answer = rehearse(shop, f"{path}/limit", tried)
            assert answer.json["would_be_refused"] == refused(times, tried), (tried, answer)
            counts.add(answer.json["would_be_refused"])
        assert len(counts) > 10, counts
    with checks("O2 the smallest limit refuses under 0.1 %, one request fewer more; a burst that is said stays"):
        answer = rehearse(shop, f"{path}/limit", policy(1, 60)).json
        smallest = answer["smallest"]
        assert smallest["burst"] == smallest["requests"] and smallest["window_seconds"] == 60, smallest
        assert refused(times, smallest) * 1000 < 110
        assert refused(times, policy(smallest["requests"] - 1, 60)) * 1000 >= 110
        kept = rehearse(shop, f"{path}/limit", policy(50, 60, 1)).json["smallest"]
        assert kept is None or kept["burst"] == 1 and refused(times, kept) * 1000 < 110, kept
    with checks("O2 a rehearsal changes nothing: neither limit, level nor the log's writes"):
        before = shop.admin("GET", path).json["limit"]
        head = shop.admin("GET", "/audit/head").json["seq"]
        assert rehearse(shop, f"{path}/limit", policy(1, 1)).status == 200
        after = shop.admin("GET", path).json["limit"]
        assert (after["requests"], after["burst"]) == (before["requests"], before["burst"])
        assert shop.admin("GET", "/audit/head").json["seq"] - head <= 2
    with checks("O2 W7 a reseller's limit is tried on the calls of all its keys together"):
        other = shop.mint(reseller).json
        call(shop, {"key": other["key"]}, 25, 200)
        stranger = shop.reseller()
        call(shop, stranger, 9, 200)
        ids = [reseller["key_id"], other["id"]]
        times = instants(shop, ids)
        for tried in (policy(100, 60), policy(5, 1), policy(10, 3600, 10)):
            answer = rehearse(shop, f"/resellers/{reseller['id']}/rate-limit", tried)
            assert answer.status == 200 and answer.json["asked"] == 135, answer
            assert answer.json["would_be_refused"] == refused(times, tried), answer
            assert {hour["key"] for hour in answer.json["hours"]} == set(ids)
    return reseller, stranger


def edges(checks, shop, reseller, stranger):
    path = f"/api-keys/{reseller['key_id']}"
    limit = policy(60, 60, 30)
    with checks("O2 a key that never called: nothing asked, no smallest limit"):
        idle = shop.mint(reseller).json
        answer = rehearse(shop, f"/api-keys/{idle['id']}/limit", policy(10, 60)).json
        assert (answer["asked"], answer["smallest"], answer["hours"]) == (0, None, []), answer
    with checks("O2 G1 another tenant's key, a reseller's key and days out of bounds are refused, naming the field"):
        other_shop = Shop(shop.gateway)
        assert rehearse(other_shop, f"{path}/limit", limit).status == 404
        assert rehearse(shop, f"{path}/limit", limit, key=stranger["key"]).status == 403
        for days in (0, 32, "7", 1.5):
            answer = rehearse(shop, f"{path}/limit", limit, days=days)
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/days", answer
        answer = rehearse(shop, f"{path}/limit", {"requests": 0, "window_seconds": 60})
        assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/requests", answer
    with checks("P6 O2 limit rehearse and limit reset say the same on the command line"):
        words = ["--tenant", shop.slug, "--key", shop.owner_key]
        made = shop.gateway.command(
            "limit", "rehearse", reseller["key_id"], "60/60/30", "--days", "2", *words, "--json")
        assert made.returncode == 0 and json.loads(made.stdout)["asked"] == 110, made
        shown = shop.gateway.command("limit", "rehearse", reseller["key_id"], "60/60/30", *words)
        assert shown.returncode == 0 and "ASKED" in shown.stdout and "110" in shown.stdout, shown
        filled = shop.gateway.command("limit", "reset", reseller["key_id"], *words, "--json")
        assert filled.returncode == 0 and json.loads(filled.stdout)["limit"]["remaining"] == 30, filled


def beside_load(checks, shop):
    """A rehearsal over what four clients write meanwhile: it ends, and counts what had come by then."""
    reseller = shop.reseller(balance="10.00")
    path = f"/api-keys/{reseller['key_id']}/limit"
    with checks("O2 a rehearsal beside calls that come in counts each that was answered before it"):
        over = threading.Event()
        counts = [0] * 4

        def client(place):
            while not over.is_set():
                call(shop, reseller, 5, 200)
                counts[place] += 5

        clients = [threading.Thread(target=client, args=(place,)) for place in range(4)]
        for thread in clients:
            thread.start()
        try:
            last = 0
            for _ in range(10):
                least = sum(counts)
                answer = rehearse(shop, path, policy(1000, 60))
                assert answer.json["asked"] >= max(least, last), (answer, least)
                last = answer.json["asked"]
        finally:
            over.set()
            for thread in clients:
                thread.join()
        assert rehearse(shop, path, policy(1000, 60)).json["asked"] == sum(counts)


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        shop = Shop(gateway)
        levels(checks, shop)
        histories(checks, shop)
        edges(checks, shop, *rehearsals(checks, shop))
        beside_load(checks, shop)
    checks.finish()


if __name__ == "__main__":
    main()
