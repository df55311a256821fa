"""O8, G6: a ledger of any length. It is read as it comes, kept on disk, and leaves nothing behind where the client, or
the gateway, goes; whoever asks sees how far it is."""

import gzip
import json
import os
import socket
import time

from support import IS_SANITIZED, Checks, Gateway, arguments, command, wait_until

options = arguments()
checks = Checks()
BASE, ADMIN = "/t/panel/api/v1/reseller", "/t/panel/api/admin"
LINES = 200_000
LONG_LINES = 2_000_000
# What a ledger may cost in memory, whatever its length: pages, what is sorted at once, and what waits in sockets.
GROWTH_MIB_MAX = 48
PIECE_BYTES = 1 << 16


def admin(path):
    answer = gateway.get(f"{ADMIN}/{path}", key=owner)
    assert answer.status == 200, answer
    return answer.json


def reported(count):
    """A reseller of its own whose events are `e0…`, 1.00 each."""
    email = f"reseller-{os.urandom(6).hex()}@panel.example"
    made = gateway.post(f"{ADMIN}/resellers", {"email": email, "name": "R", "password": "correct horse"}, key=owner).json
    assert gateway.post(f"{ADMIN}/resellers/{made['id']}/approve", key=owner).status == 200
    minted = gateway.post(f"{ADMIN}/api-keys", {"owner_email": email}, key=owner).json
    connection = gateway.connection()
    for number in range(count):
        body = {"kind": "topup", "amount_usd": 1, "external_ref": f"e{number}", "meta": {}}
        assert gateway.post(f"{BASE}/credit", body, key=minted["key"], connection=connection).status == 200
    connection.close()
    return made["id"]


def csv_lines(count, bad=()):
    yield b"external_ref,kind,amount,at,comment\r\n"
    for number in range(count):
        # Scattered, so that nothing comes in the order in which it is compared.
        ref = number * 7_919 % count
        amount = "x" if number in bad else "1.00"
        yield f'e{ref},topup,{amount},2026-05-01T10:00:00Z,"line, {number}"\r\n'.encode()


def json_lines(count, bad=()):
    for number in range(count):
        ref = number * 7_919 % count
        amount = '"x"' if number in bad else "1.00"
        yield f'{{"external_ref":"e{ref}","kind":"topup","amount":{amount},"at":"2026-05-01"}}\n'.encode()


def pieces(lines):
    piece = bytearray()
    for line in lines:
        piece += line
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


class Upload:
    """One call whose body is sent in our own time."""

    def __init__(self, reseller, content_type, length=None, key=None):
        self.socket = socket.create_connection(("127.0.0.1", gateway.port), timeout=300)
        self.is_chunked = length is None
        head = [f"POST {ADMIN}/reconciliations?reseller={reseller} HTTP/1.1", "Host: localhost",
                f"Authorization: Bearer {owner}", f"Content-Type: {content_type}",
                "Transfer-Encoding: chunked" if self.is_chunked else f"Content-Length: {length}"]
        head += [f"Idempotency-Key: {key}"] if key else []
        self.socket.sendall("\r\n".join([*head, "", ""]).encode())

    def send(self, piece):
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if self.is_chunked else piece)

    def answer(self):
        if self.is_chunked:
            self.socket.sendall(b"0\r\n\r\n")
        got = b""
        while b"\r\n\r\n" not in got:
            got += self.more()
        head, body = got.split(b"\r\n\r\n", 1)
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(body) < int(fields[b"content-length"]):
            body += self.more()
        self.socket.close()
        return int(head.split()[1]), json.loads(body)

    def more(self):
        piece = self.socket.recv(1 << 16)
        assert piece, "the connection ended before the answer"
        return piece


def resident_mib():
    with open(f"/proc/{gateway.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def running():
    return admin("reconciliations?status=running")["data"]


def made(reseller):
    return admin(f"reconciliations?reseller={reseller}")["data"]


def left_behind():
    return os.listdir(os.path.join(gateway.data, "tmp"))


def nothing_left():
    wait_until(lambda: not running() and not left_behind())


def long_ledgers(count):
    reseller = reported(300)
    for name, content_type, make in (("CSV", "text/csv", csv_lines), ("JSON Lines", "application/x-ndjson", json_lines)):
        with checks(f"O8 {count:,} lines of {name}, chunked: every one is counted, in bounded memory, and progress shows"):
            before = resident_mib()
            most, seen = before, []
            upload = Upload(reseller, content_type)
            for index, piece in enumerate(pieces(make(count))):
                upload.send(piece)
                if index % 16 == 15:
                    most = max(most, resident_mib())
                    runs = running()
                    # Before the first piece is read there is none.
                    if not runs and not seen:
                        continue
                    assert [run["status"] for run in runs] == ["running"], runs
                    seen.append(runs[0])
            status, report = upload.answer()
            most = max(most, resident_mib())
            assert status == 201, (status, report)
            assert report["lines"] == count and report["status"] == "done", report
            assert report["matched"] == {"count": 300, "amount": "300.00"}, report["matched"]
            assert report["missing_here"]["count"] == count - 300, report["missing_here"]["count"]
            assert report["missing_here"]["amount"] == f"{count - 300}.00"
            assert report["missing_there"]["count"] == 0 and report["differing"]["count"] == 0, report
            assert IS_SANITIZED or most - before < GROWTH_MIB_MAX, (before, most)
            assert len({run["id"] for run in seen}) == 1 and seen[0]["id"] == report["id"], seen[:2]
            assert [run["lines"] for run in seen] == sorted(run["lines"] for run in seen)
            assert 0 < seen[-1]["lines"] <= count and seen[-1]["stage"] == "reading", seen[-1]
            assert admin(f"reconciliations/{report['id']}") == report
            assert admin(f"reviews/{report['review']}")["subject"] == report["id"]
            nothing_left()


def with_a_length():
    reseller = reported(2)
    body = b"".join(csv_lines(5_000))
    with checks("G4 O8 a streamed body repeats with its Idempotency-Key: the same bytes; another body is refused"):
        upload = Upload(reseller, "text/csv", len(body), key="ledger-1")
        for start in range(0, len(body), 1_000):
            upload.send(body[start:start + 1_000])
        status, report = upload.answer()
        assert status == 201 and report["lines"] == 5_000, (status, report)
        again = Upload(reseller, "text/csv", key="ledger-1")
        again.send(body)
        assert again.answer() == (201, report)
        assert len(made(reseller)) == 1
        other = Upload(reseller, "text/csv", len(body), key="ledger-1")
        other.send(body.replace(b"1.00", b"2.00", 1))
        status, problem = other.answer()
        assert status == 422 and problem["code"] == "idempotency_key_reused", problem
    with checks("P2 O8 longer than the tenant's quota of bytes: 413 before a byte of it is read"):
        upload = Upload(reseller, "text/csv", 1 << 50)
        assert "413" in upload.socket.recv(4096).decode().split("\r\n")[0]
        upload.socket.close()
    with checks("O8 no more than two run at once for a tenant; the third is told to wait"):
        first, second = Upload(reseller, "text/csv"), Upload(reseller, "text/csv")
        for upload in (first, second):
            upload.send(body[:2_000])
        wait_until(lambda: len(running()) == 2 and all(run["lines"] for run in running()))
        third = gateway.post(f"{ADMIN}/reconciliations?reseller={reseller}", body, key=owner,
                             headers={"Content-Type": "text/csv"})
        assert third.status == 503 and "retry-after" in third.headers, third
        for upload in (first, second):
            upload.send(body[2_000:])
            assert upload.answer()[0] == 201
        assert running() == []


def bad_lines():
    reseller = reported(1)
    for content_type, make, offset in (("text/csv", csv_lines, 2), ("application/jsonl", json_lines, 1)):
        with checks(f"O8 bad lines deep in a long ledger ({content_type}): each with its line, bounded, nothing recorded"):
            bad = {17, 30_000, 59_999}
            upload = Upload(reseller, content_type)
            for piece in pieces(make(60_000, bad)):
                upload.send(piece)
            status, problem = upload.answer()
            assert status == 422, problem
            assert [error["pointer"] for error in problem["errors"]] == [
                f"/line/{number + offset}/amount" for number in sorted(bad)], problem
            upload = Upload(reseller, content_type)
            for piece in pieces(make(60_000, range(60_000))):
                upload.send(piece)
            status, problem = upload.answer()
            assert status == 422 and len(problem["errors"]) == 100, len(problem["errors"])
            assert made(reseller) == [] and admin(f"reviews?reseller={reseller}")["data"] == []
            nothing_left()
    with checks("O8 an unknown reseller, another kind of body, bytes that are no text: refused, nothing left"):
        upload = Upload("res_nobody", "text/csv")
        upload.send(b"".join(csv_lines(100)))
        assert upload.answer()[0] == 404
        for body in (b"\xff\xfe\x00", os.urandom(100_000), gzip.compress(b"".join(csv_lines(1_000)))):
            for content_type in ("text/csv", "application/jsonl", "application/octet-stream"):
                upload = Upload(reseller, content_type, len(body))
                upload.send(body)
                assert upload.answer()[0] == 422
        nothing_left()
    with checks("O8 one reference on every line: matched once, the others missing, in bounded memory"):
        before = resident_mib()
        upload = Upload(reseller, "text/csv")
        upload.send(b"external_ref,kind,amount,at\n")
        for _ in range(100):
            upload.send(b"e0,topup,1.00,2026-05-01\n" * 1_000)
        status, report = upload.answer()
        assert status == 201 and report["matched"]["count"] == 1, report["matched"]
        assert report["missing_here"]["count"] == 99_999 and len(report["missing_here"]["items"]) == 200
        assert IS_SANITIZED or resident_mib() - before < GROWTH_MIB_MAX


def cut_off():
    reseller = reported(3)
    with checks("O8 a client that goes in the middle leaves nothing: no run, no file, no report, no review"):
        for length in (None, 50_000_000):
            upload = Upload(reseller, "text/csv", length)
            for piece in list(pieces(csv_lines(40_000)))[:-1]:
                upload.send(piece)
            wait_until(lambda: running() and running()[0]["lines"] > 10_000 and left_behind())
            upload.socket.close()
            nothing_left()
        assert made(reseller) == [] and admin(f"reviews?reseller={reseller}")["data"] == []
    with checks("G8 O8 kill -9 in the middle leaves nothing either; what was reported before is there, and the same ledger goes"):
        for _ in range(3):
            upload = Upload(reseller, "application/jsonl", key="ledger-killed")
            for piece in list(pieces(json_lines(40_000)))[:-1]:
                upload.send(piece)
            wait_until(lambda: running() and running()[0]["lines"] > 10_000 and left_behind())
            gateway.kill()
            upload.socket.close()
            gateway.start()
            assert running() == [] and left_behind() == [] and made(reseller) == []
            assert admin(f"reviews?reseller={reseller}")["data"] == []
        upload = Upload(reseller, "application/jsonl", key="ledger-killed")
        for piece in pieces(json_lines(40_000)):
            upload.send(piece)
        status, report = upload.answer()
        assert status == 201 and report["matched"]["count"] == 3 and report["lines"] == 40_000, report
        nothing_left()
    with checks("O8 the tenant's other calls go on while a long ledger is compared"):
        upload = Upload(reseller, "text/csv")
        slowest = 0
        for piece in pieces(csv_lines(60_000)):
            upload.send(piece)
            started = time.monotonic()
            admin("credit-events?limit=1")
            slowest = max(slowest, time.monotonic() - started)
        assert upload.answer()[0] == 201
        print(f"# slowest other call: {slowest * 1000:.0f} ms")
    with checks("G5 the files verify"):
        path = os.path.join(gateway.data, "panel-export.sqlite")
        assert gateway.command("tenant", "export", "panel", "--output", path).returncode == 0
        result = command(gateway.tollgate, "verify", path)
        assert result.returncode == 0 and "sound" in result.stdout, (result.stdout, result.stderr)


with Gateway(options.tollgate) as gateway:
    owner = gateway.tenant("panel")["owner_key"]
    long_ledgers(LINES)
    if options.long:
        long_ledgers(LONG_LINES)
    with_a_length()
    bad_lines()
    cut_off()
checks.finish()
