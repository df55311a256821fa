"""The audit log proves itself to its operator (O6, G5): rows with their proofs, a request's rows, and the whole chain
of a tenant that is served. What somebody changes in the file shows."""

import contextlib
import glob
import os
import shutil
import sqlite3
import tempfile
import time

from shop import Shop
from support import Checks, Gateway, arguments


def limited(shop, reseller, requests):
    answer = shop.admin("PUT", f"/api-keys/{reseller['key_id']}/limit", {"requests": requests, "window_seconds": 60})
    assert answer.status == 200, answer
    return answer.headers["request-id"], answer.headers["audit-head"]


def row(shop, number, query=""):
    answer = shop.admin("GET", f"/audit/{number}{query}")
    assert answer.status == 200, answer
    return answer.json


def verified(shop, body=None):
    answer = shop.admin("POST", "/audit/verify", body)
    assert answer.status == 200, answer
    return answer.json


def proofs(checks, shop, reseller):
    request, head = limited(shop, reseller, 50)
    with checks("O6 a row is read with its proof: it matches its hash, up to the head that was signed next"):
        last = row(shop, int(head.split(":")[1]))
        assert (last["kind"], last["records"], last["hash"]) == ("rows", [], head.split(":")[2]) and last["sound"], last
        number = shop.admin("GET", f"/audit?request_id={request}").json["data"][0]["seq"]
        found = row(shop, number)
        assert found["sound"] and found["findings"] == [] and found["signed_head"] == head, found
        record, = found["records"]
        assert found["kind"] == "call" and row(shop, number - 1)["kind"] in ("call", "calls", "rows")
        assert record["request_id"] == request and record["detail"]["limit"] == "50/60s burst 50", record
        assert row(shop, 1)["sound"] and row(shop, 1)["records"][0]["action"], row(shop, 1)
    with checks("O6 the rows of a request are found near its time, those of a block among them"):
        found = shop.admin("GET", f"/audit/requests/{request}?at={record['at']}").json["data"]
        assert [each["seq"] for each in found] == [number] and found[0]["records"] == [record], found
        assert shop.admin("GET", f"/audit/requests/{request}").json["data"] == found
        read = shop.get(reseller, "/balance").headers["request-id"]
        line, = shop.admin("GET", f"/audit?request_id={read}").json["data"]
        block, = shop.admin("GET", f"/audit/requests/{read}?at={line['at']}").json["data"]
        assert block["sound"] and block["seq"] == line["seq"] and block["records"] == [line], block
        assert row(shop, line["seq"], f"?request_id={read}")["records"] == [line]
        assert line in row(shop, line["seq"])["records"]
    with checks("O6 the rows of several requests are read by one call, each near its own time"):
        asked = f"/audit/requests?ids={request},{read},req_{'0' * 31}1&at={record['at']},{line['at']},{line['at']}"
        several = shop.admin("GET", asked).json["data"]
        assert several == sorted([*found, block], key=lambda each: each["seq"]), several
        assert shop.admin("GET", f"/audit/requests?ids={request}").json["data"] == found
        assert shop.admin("GET", f"/audit/requests?ids=req_{'0' * 31}1").json["data"] == []
        for query, pointer in (("", "/ids"), ("ids=x", "/ids"), (f"ids={','.join([request] * 21)}", "/ids"),
                               (f"ids={request},{read}&at={record['at']}", "/at"), (f"ids={request}&at=x", "/at")):
            refused = shop.admin("GET", f"/audit/requests?{query}")
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == pointer, (query, refused)
    with checks("O6 a row, and a request, that is not there is not found"):
        for path in ("/audit/999999999", "/audit/requests/req_" + "0" * 31 + "1",
                     f"/audit/requests/{request}?at=2020-01-01T00:00:00Z"):
            assert shop.admin("GET", path).status in (404, 200 if "2020" in path else 404), path
        for path in ("/audit/0", "/audit/x", "/audit/requests/x"):
            assert shop.admin("GET", path).status == 404, path
        assert shop.admin("GET", f"/audit/requests/{request}?at=x").status == 422
    with checks(
        "G5 the chain of a tenant that is served is verified to its head, and a head that was kept stands in it"
    ):
        told = verified(shop)
        assert told["sound"] and told["rows"] >= number and told["findings"] == [], told
        assert told["head"].split(":")[1] == str(told["rows"]), told
        assert verified(shop, {"head": head})["sound"]
        wrong = head[:-1] + ("0" if head[-1] != "0" else "1")
        told = verified(shop, {"head": wrong})
        assert not told["sound"] and "history was rewritten" in told["findings"][0]["text"], told
        later = f"1:{told['rows'] + 1000}:{'0' * 64}"
        assert not verified(shop, {"head": later})["sound"]
        assert shop.admin("POST", "/audit/verify", {"head": "x"}).status == 422
    return number, record["at"]


def file_of(data, slug):
    """The tenant's file: the one that has this log."""
    found = [path for path in glob.glob(os.path.join(data, "tenants", "**", "*.sqlite"), recursive=True)]
    assert len(found) == 1, found
    return found[0]


@contextlib.contextmanager
def opened(path):
    """The file, with what guards the log taken away for a while."""
    file = sqlite3.connect(path, isolation_level=None)
    triggers = file.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'").fetchall()
    for name, _ in triggers:
        file.execute(f"DROP TRIGGER {name}")
    yield file
    for _, sql in triggers:
        file.execute(sql)
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()


def tampered(checks, tollgate, data):
    with Gateway(tollgate, data=data, demo=False) as gateway:
        shop = Shop(gateway)
        reseller = shop.reseller()
        request, _ = limited(shop, reseller, 70)
        for _ in range(5):
            limited(shop, reseller, 80)
            limited(shop, reseller, 90)
        line, = shop.admin("GET", f"/audit?request_id={request}").json["data"]
        at, number = line["at"], line["seq"]
        gateway.stop()
        with opened(file_of(data, shop.slug)) as file:
            file.execute("UPDATE audit SET detail = replace(detail, '70/60s', '71/60s') WHERE seq = ?", (number,))
        gateway.start()
        with checks("G5 O6 a row that was changed in the file is not sound, and no other is blamed"):
            found = row(shop, number)
            assert found["records"][0]["detail"]["limit"] == "71/60s burst 70", found
            assert not found["sound"] and "does not match its hash" in found["findings"][0], found
            assert not shop.admin("GET", f"/audit/requests/{request}?at={at}").json["data"][0]["sound"]
            assert row(shop, number + 1)["sound"] and row(shop, number - 1)["sound"]
        with checks("G5 O6 nor is the chain, and it says which row"):
            told = verified(shop)
            assert not told["sound"] and [finding["seq"] for finding in told["findings"]] == [number], told


def far_back(checks, gateway, shop, reseller):
    """Many days of calls; what is looked for is in the middle."""
    marks = []
    for _ in range(6):
        marks.append((gateway.now(), limited(shop, reseller, 100 + len(marks))[0]))
        for _ in range(40):
            shop.get(reseller, "/balance")
        gateway.jump(2 * 86_400)
    with checks("O6 a period in the past is found from its end: what came later is passed over"):
        stamp = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
        for at, request in marks:
            found = shop.admin("GET", f"/audit?from={stamp(at - 60)}&to={stamp(at + 3600)}&limit=100").json["data"]
            assert request in {line["request_id"] for line in found}, (request, len(found))
            assert all(stamp(at - 60) <= line["at"] < stamp(at + 3600) for line in found)
            near = shop.admin("GET", f"/audit/requests/{request}?at={stamp(at)}").json["data"]
            assert len(near) == 1 and near[0]["sound"], near
        ids, times = ",".join(request for _, request in marks), ",".join(stamp(at) for at, _ in marks)
        near = shop.admin("GET", f"/audit/requests?ids={ids}&at={times}").json["data"]
        told = [{record["request_id"] for record in row["records"]} for row in near]
        assert told == [{request} for _, request in marks] and all(row["sound"] for row in near), near
        before = shop.admin("GET", "/audit?to=2000-01-01").json
        assert before["data"] == [] and not before["has_more"], before


def long(checks, shop, reseller):
    for number in range(520):
        limited(shop, reseller, 200 + number)
    with checks("G5 O6 a log of many stretches is verified to its head"):
        told = verified(shop)
        assert told["sound"] and told["rows"] > 520, told
        assert int(told["head"].split(":")[1]) == told["rows"], told


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        shop = Shop(gateway)
        reseller = shop.reseller()
        proofs(checks, shop, reseller)
        far_back(checks, gateway, shop, reseller)
        long(checks, shop, reseller)
    data = tempfile.mkdtemp(prefix="tollgate-")
    try:
        tampered(checks, options.tollgate, data)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    checks.finish()


if __name__ == "__main__":
    main()
