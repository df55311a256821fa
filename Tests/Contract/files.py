#!/usr/bin/env python3
"""Files from elsewhere (P5): exports are signed; what a file may say that neither `verify` nor a restore sees is
nothing. Each file is examined by a child process, whose death is a refusal and nobody else's matter."""

import concurrent.futures
import json
import os
import signal
import sqlite3
import struct
import subprocess
import tempfile

from shop import Shop
from support import Checks, Gateway, arguments, wait_until

SEAL_BYTES = 160
PAGE_BYTES = 4096
MOST = 2**63 - 1
LEAST = -(2**63)
# What `BoundsCheck` lets stand.
COUNTER_MOST = 2**53
COUNT_MOST = 2**40
PERIOD_DAYS_MOST = 253_402_300_799_999 // 86_400_000
PERIOD_HOURS_MOST = 253_402_300_799_999 // 3_600_000


class Files:
    """One tenant, its export, and what can be done to copies of it."""

    def __init__(self, gateway, shop, folder):
        self.gateway = gateway
        self.shop = shop
        self.folder = folder
        self.number = 0
        self.export = self.exported()

    @property
    def path(self):
        return f"/provider/v1/tenants/{self.shop.slug}"

    def exported(self):
        answer = self.gateway.get(self.path + "/export", key=self.gateway.provider_key)
        assert answer.status == 200, answer
        return answer.body

    def database(self, *statements):
        """A copy without its seal, changed by an SQLite shell, as somebody can who holds the file."""
        path = self.write(self.export[:-SEAL_BYTES])
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA ignore_check_constraints=ON")
        connection.execute("PRAGMA writable_schema=ON")
        for statement in statements:
            connection.execute(statement)
        connection.close()
        with open(path, "rb") as file:
            return file.read()

    def write(self, content):
        self.number += 1
        path = os.path.join(self.folder, f"{self.number}.sqlite")
        with open(path, "wb") as file:
            file.write(content)
        return path

    def verify(self, content, *options):
        command = [self.gateway.tollgate, "verify", self.write(content), *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    def restore(self, content, accept=False):
        query = "?unsigned=accept" if accept else ""
        return self.gateway.post(self.path + "/restore" + query, content, key=self.gateway.provider_key)

    def refused(self, content, code=None, accept=True):
        """A restore is refused, and what is there is served on."""
        answer = self.restore(content, accept)
        assert answer.status == 422, answer
        assert code is None or answer.json["code"] == code, answer
        self.serves()
        return answer

    def serves(self):
        answer = self.gateway.get(f"/t/{self.shop.slug}/api/admin/resellers", key=self.shop.owner_key)
        assert answer.status == 200, answer

    def numbers_of(self, table):
        connection = sqlite3.connect(self.write(self.export[:-SEAL_BYTES]))
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[2] == "INTEGER"]
        connection.close()
        return columns

    def answers(self):
        """Whoever asks for reports, usage and resellers is answered, whatever the file counts."""
        base = f"/t/{self.shop.slug}/api/admin"
        resellers = self.gateway.get(base + "/resellers", key=self.shop.owner_key)
        assert resellers.status == 200, resellers
        one = resellers.json["data"][0]["id"]
        for path in (f"/resellers/{one}", "/usage", "/usage?by=hour", "/usage/total", "/usage/groups", "/audit",
                     "/api-keys", "/reports/balances", "/overview"):
            answer = self.gateway.get(base + path, key=self.shop.owner_key)
            assert answer.status < 500, (path, answer)

    def told(self, action):
        """All that the provider's log has of this action on the tenant."""
        path, rows, cursor = f"/provider/v1/log?tenant={self.shop.slug}&action={action}&limit=100", [], ""
        while cursor is not None:
            answer = self.gateway.get(path + cursor, key=self.gateway.provider_key)
            assert answer.status == 200, answer
            rows += answer.json["data"]
            cursor = f"&cursor={answer.json['next_cursor']}" if answer.json["has_more"] else None
        return rows

    def head(self):
        return self.gateway.get(f"/t/{self.shop.slug}/api/admin/audit/head", key=self.shop.owner_key).json


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway, tempfile.TemporaryDirectory() as folder:
        shop = Shop(gateway)
        sku = shop.product()
        reseller = shop.reseller(balance="100.00")
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
        assert shop.order(reseller, sku).status == 201
        files = Files(gateway, shop, folder)
        seals(checks, files)
        schemas(checks, files)
        rules(checks, files)
        headers(checks, files)
        numbers(checks, files, options.long)
        deaths(checks, files)
        takes(checks, files)
        erased(checks, files)
        assert gateway.process.poll() is None
    checks.finish()


def seals(checks, files):
    export = files.export
    with checks("P5 an export ends with its seal, SQLite opens it all the same, and verify says that it is signed"):
        assert export[-SEAL_BYTES:][:5] == b"TGEX1", export[-SEAL_BYTES:]
        connection = sqlite3.connect(files.write(export))
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        last, digest = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        connection.close()
        incarnation, sequence = struct.unpack(">qq", export[-SEAL_BYTES + 8:-SEAL_BYTES + 24])
        assert (incarnation, sequence, export[-SEAL_BYTES + 24:-SEAL_BYTES + 56]) == (1, last, digest)
        result = files.verify(export)
        assert result.returncode == 0 and "export signed" in result.stdout, result
        assert json.loads(files.verify(export, "--json").stdout)["export"] == "signed"
        key = files.head()["public_key"]
        assert files.verify(export, "--public-key", key).returncode == 0

    with checks("P5 a copy without its seal is sound, verify says unsigned, and a restore refuses it"):
        bare = export[:-SEAL_BYTES]
        result = files.verify(bare)
        assert result.returncode == 0 and "export unsigned" in result.stdout, result
        assert json.loads(files.verify(bare, "--json").stdout)["export"] == "unsigned"
        files.refused(bare, "export_unsigned", accept=False)
        assert files.restore(bare[:-1], accept=False).status == 422

    with checks("P5 one bit anywhere, in pages, freelist, header or seal: verify says changed, a restore refuses it"):
        places = [0, 24, 27, 40, 60, 96, 99, 100, PAGE_BYTES, len(export) // 2, len(export) - SEAL_BYTES - 1]
        places += [len(export) - SEAL_BYTES + place for place in (8, 15, 16, 24, 56, 87, 88, 95, 96, 159)]
        for place in places:
            changed = bytearray(export)
            changed[place] ^= 1
            result = files.verify(bytes(changed))
            assert result.returncode in (1, 2), (place, result)
            assert result.returncode == 2 or "changed since" in result.stdout, (place, result)
            files.refused(bytes(changed), accept=False)
        # Of the magic a bit makes it no seal; then the file does not end where it says.
        for place in range(5):
            changed = bytearray(export)
            changed[len(export) - SEAL_BYTES + place] ^= 1
            assert files.verify(bytes(changed)).returncode == 1, place
            files.refused(bytes(changed), accept=False)

    with checks("P5 a seal of another file or behind other bytes is none"):
        for content in (export + export[-SEAL_BYTES:], export[:-SEAL_BYTES] + b"\0" * PAGE_BYTES + export[-SEAL_BYTES:],
                        files.database("UPDATE meta SET commit_marker = commit_marker + 1") + export[-SEAL_BYTES:]):
            assert files.verify(content).returncode == 1
            files.refused(content, "export_changed", accept=False)
        other = Shop(files.gateway)
        foreign = files.gateway.get(f"/provider/v1/tenants/{other.slug}/export", key=files.gateway.provider_key).body
        files.refused(foreign, "another_tenants_file")
        files.refused(export[:-SEAL_BYTES] + foreign[-SEAL_BYTES:], "export_changed", accept=False)

    with checks("P5 any other word than accept is 422, and changes nothing"):
        answer = files.gateway.post(files.path + "/restore?unsigned=yes", export, key=files.gateway.provider_key)
        assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/unsigned", answer
        result = files.gateway.command(
            "tenant", "restore", files.shop.slug, "--input", files.write(export), "--unsigned", "yes")
        assert result.returncode == 2, result


def schemas(checks, files):
    trigger = "BEGIN UPDATE account SET role = 0; END"
    added = {
        "a trigger that looks like SQLite's own": f"CREATE TRIGGER sqliteXstat_1 AFTER INSERT ON audit {trigger}",
        "a trigger on sqlite_stat1": f"CREATE TRIGGER 'sqliteAstat' AFTER UPDATE ON meta {trigger}",
        "a table": "CREATE TABLE more (a INTEGER)",
        "a view": "CREATE VIEW more AS SELECT 1",
        "a virtual table": "CREATE VIRTUAL TABLE more USING fts5(a)",
        "an index": "CREATE INDEX more ON account (name)",
        "a unique index": "CREATE UNIQUE INDEX more ON orders (id)",
        "an index on an expression": "CREATE INDEX more ON account (upper(name))",
        "SQLite's statistics": "ANALYZE",
        "a sequence": "CREATE TABLE more (a INTEGER PRIMARY KEY AUTOINCREMENT)",
        "a table called as a statistic": "CREATE TABLE sqliteQstat9 (a)",
        "a column": "ALTER TABLE account ADD COLUMN more INTEGER",
        "a trigger gone": "DROP TRIGGER audit_is_append_only_update",
        "an index gone": "DROP INDEX api_key_by_reseller",
        "a table gone": "DROP TABLE licence_staging",
        "a table's text":
            "UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', 'not null') WHERE name = 'account'",
        "a letter that Unicode holds for another":
            "UPDATE sqlite_schema SET sql = replace(sql, 'KEY', char(8490) || 'EY') WHERE name = 'setting'",
        "a trigger on another table":
            "UPDATE sqlite_schema SET tbl_name = 'meta' WHERE name = 'entry_is_append_only_update'",
        "an object twice":
            "INSERT INTO sqlite_schema SELECT * FROM sqlite_schema WHERE name = 'entry_is_append_only_update'",
        "an object of no type":
            "INSERT INTO sqlite_schema VALUES ('thing', 'more', 'more', 0, 'CREATE TABLE more (a)')",
        "a text that is kept as bytes": "UPDATE sqlite_schema SET sql = CAST(sql AS BLOB) WHERE name = 'setting'",
        "a name that is kept as bytes": "UPDATE sqlite_schema SET name = CAST(name AS BLOB) WHERE name = 'setting'",
        "an object without anything": "INSERT INTO sqlite_schema VALUES (NULL, NULL, NULL, NULL, NULL)",
        "a view in a table's place":
            "UPDATE sqlite_schema SET type = 'view', rootpage = 0, sql = 'CREATE VIEW usage_hour AS SELECT 1' "
            "WHERE name = 'usage_hour'",
    }
    for name, statement in added.items():
        with checks(f"P5 the schema is equal row for row: {name} is seen by verify and refused by a restore"):
            content = files.database(statement)
            result = files.verify(content)
            assert result.returncode in (1, 2), result
            assert "could not be examined" not in result.stderr, result
            files.refused(content)


def rules(checks, files):
    """SQLite reads no CHECK of a file that it may not write."""
    connection = sqlite3.connect(files.write(files.export[:-SEAL_BYTES]))
    columns = ", ".join(row[1] for row in connection.execute("PRAGMA table_info(meta)") if row[1] != "id")
    connection.close()
    for name, table, statement in (
            ("meta has a second row", "meta", f"INSERT INTO meta (id, {columns}) SELECT 2, {columns} FROM meta"),
            ("the one row is another", "product_revision", "UPDATE product_revision SET id = 7"),
            ("the one row has company", "product_revision", "INSERT INTO product_revision VALUES (2, 0)"),
            ("a count lies past its end", "product_revision", f"UPDATE product_revision SET n = {2**48}"),
            ("the mark of usage is another row", "usage_mark", "UPDATE usage_mark SET id = 7")):
        with checks(f"P5 every row keeps the rules of its table: {name}, verify names it and a restore refuses it"):
            content = files.database(statement)
            result = files.verify(content)
            assert result.returncode == 1 and "breaks a rule of its table: CHECK (" in result.stdout, result
            findings = json.loads(files.verify(content, "--json").stdout)["findings"]
            assert [finding["table"] for finding in findings] == [table], findings
            before = files.head()
            detail = files.refused(content, "file_damaged").json["detail"]
            assert table in detail and not detail.endswith(".."), detail
            assert files.head()["incarnation"] == before["incarnation"], before

    with checks("P5 a table whose one row is missing is named: nothing would count the changes of products any more"):
        for table in ("product_revision", "usage_mark"):
            content = files.database(f"DELETE FROM {table}")
            result = files.verify(content)
            assert result.returncode == 1 and f"{table}: Its one row is missing" in result.stdout, result
            files.refused(content, "file_damaged")


def headers(checks, files):
    """What a header says that opening assumes: (name, offset, bytes)."""
    fields = [
        ("page size", 16, b"\x20\0"), ("page size of a byte", 16, b"\0\1"), ("write version", 18, b"\2"),
        ("read version", 19, b"\2"), ("both versions at once", 18, b"\3\3"), ("reserved space", 20, b"\x10"),
        ("payload fraction", 21, b"\x41"), ("change counter", 24, b"\x7f\xff\xff\xff"), ("pages", 28, b"\0\0\0\1"),
        ("no pages", 28, b"\0\0\0\0"), ("most pages", 28, b"\xff\xff\xff\xff"), ("freelist trunk", 32, b"\0\0\0\5"),
        ("freelist count", 36, b"\0\0\0\7"), ("schema format", 44, b"\0\0\0\3"),
        ("default cache size", 48, b"\0\0\x10\0"),
        ("auto_vacuum", 52, b"\0\0\0\1"), ("encoding", 56, b"\0\0\0\2"), ("no encoding", 56, b"\0\0\0\0"),
        ("user_version 0", 60, b"\0\0\0\0"), ("user_version of a newer program", 60, b"\0\0\0\x63"),
        ("user_version of an older schema", 60, b"\0\0\0\1"), ("a negative user_version", 60, b"\xff\xff\xff\xff"),
        ("incremental vacuum", 64, b"\0\0\0\1"), ("application_id", 68, b"\0\0\0\1"), ("bytes kept at zero", 72, b"\1"),
        ("version valid for", 92, b"\0\0\0\0"),
    ]
    for name, place, value in fields:
        with checks(f"P5 everything that opening assumes is checked: {name} in the header"):
            content = bytearray(files.export[:-SEAL_BYTES])
            content[place:place + len(value)] = value
            result = files.verify(bytes(content))
            assert result.returncode in (1, 2), result
            assert "could not be examined" not in result.stderr, result
            files.refused(bytes(content))
    for name, pragmas in {
        "page size 8192": ["PRAGMA page_size=8192", "VACUUM"], "page size 1024": ["PRAGMA page_size=1024", "VACUUM"],
        "auto_vacuum full": ["PRAGMA auto_vacuum=1", "VACUUM"],
        "auto_vacuum incremental": ["PRAGMA auto_vacuum=2", "VACUUM"],
        "user_version": ["PRAGMA user_version=3"], "application_id": ["PRAGMA application_id=7"],
    }.items():
        with checks(f"P5 a file made anew by SQLite with another {name} is refused, and the tenant is served"):
            content = files.database(*pragmas)
            assert files.verify(content).returncode in (1, 2)
            files.refused(content)
    with checks("P5 a file in UTF-16, its rows the same, is refused"):
        source = sqlite3.connect(files.write(files.export[:-SEAL_BYTES]))
        path = files.write(b"")
        target = sqlite3.connect(path)
        target.execute("PRAGMA encoding='UTF-16le'")
        target.executescript("\n".join(source.iterdump()))
        target.execute(f"PRAGMA application_id={source.execute('PRAGMA application_id').fetchone()[0]}")
        target.execute(f"PRAGMA user_version={source.execute('PRAGMA user_version').fetchone()[0]}")
        target.commit()
        target.close()
        with open(path, "rb") as file:
            content = file.read()
        assert files.verify(content).returncode in (1, 2)
        files.refused(content)


def numbers(checks, files, is_long):
    """Numbers that a gateway would count on from."""
    for column in ("incarnation", "fencing_epoch", "projection_epoch", "commit_marker"):
        with checks(f"P5 meta.{column} at its extremes: verify names it, a restore refuses it, the tenant is served"):
            for value in (MOST, MOST - 1, 2**62, -1, LEAST):
                content = files.database(f"UPDATE meta SET {column} = {value}")
                result = files.verify(content)
                assert result.returncode == 1 and f"Its {column} is {value}" in result.stdout, (value, result)
                files.refused(content, "file_damaged")
    for column in ("incarnation", "fencing_epoch", "projection_epoch", "commit_marker"):
        with checks(f"P5 meta.{column} at its end: taken or refused, and good files are taken after it"):
            for value in (COUNTER_MOST, COUNTER_MOST - 1, COUNTER_MOST - 2):
                answer = files.restore(files.database(f"UPDATE meta SET {column} = {value}"), True)
                assert answer.status in (200, 422), (value, answer)
                files.serves()
                for content in (files.exported(), files.export):
                    assert files.restore(content).status == 200, value
                files.serves()
    with checks("P5 O6 counts and periods at their ends: whoever looks is answered, and the node lives"):
        for table in ("usage_hour", "usage_day", "usage_mark", "day_total"):
            for column in files.numbers_of(table):
                ends = (COUNTER_MOST, PERIOD_HOURS_MOST, PERIOD_DAYS_MOST, COUNT_MOST, 0)
                if not is_long:
                    ends = {"hour": ends[:2], "day": ends[:3:2]}.get(column, ends[3:4])
                for value in ends:
                    changed = files.database(f"UPDATE OR IGNORE {table} SET {column} = {value}")
                    if files.restore(changed, True).status == 200:
                        files.answers()
        assert files.restore(files.export).status == 200
    row = ("INSERT INTO usage_{0} ({0}, key_id, reseller_id, action, requests, unauthorized, forbidden, "
           "rate_limited, other_refusals, orders) VALUES ({1}, 0, 1, {2}, 1, 0, 0, 0, 0, 0)")
    with checks("O6 P5 a row of usage in a day that no time can tell of is named and refused"):
        for period, value in (("hour", COUNTER_MOST), ("day", COUNTER_MOST), ("day", PERIOD_DAYS_MOST + 1)):
            files.refused(files.database(row.format(period, value, "'GET /x'")), "file_damaged")
    with checks("O6 P5 a text that is no UTF-8 is named and refused, in whichever table"):
        for change in ("UPDATE usage_mark SET action = CAST(x'ff' AS TEXT)",
                       row.format("hour", 1, "CAST(x'c328' AS TEXT)")):
            files.refused(files.database(change), "file_damaged")
    with checks("P5 verify of a named pipe or a folder says that it is no file, and waits for nobody"):
        pipe = os.path.join(files.folder, "pipe")
        os.mkfifo(pipe)
        for path in (pipe, files.folder):
            result = subprocess.run(
                [files.gateway.tollgate, "verify", path], capture_output=True, text=True, timeout=20)
            assert result.returncode == 2 and "it is no file" in result.stderr, (path, result)
    with checks("P6 verify of standard input says that it takes a file, and does not look for one called -"):
        command = [files.gateway.tollgate, "verify", "-"]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        assert result.returncode == 2 and "not standard input" in result.stderr, result
    with checks("P5 another currency, owner or key in meta is refused"):
        for change in ("currency = 'USD'", "tenant_id = zeroblob(16)", "audit_public_key = zeroblob(32)"):
            files.refused(files.database(f"UPDATE meta SET {change}"))


def child_of(process):
    """The process id of the one child that a process has, once it has one."""
    found = []

    def look():
        for task in os.listdir(f"/proc/{process.pid}/task"):
            with open(f"/proc/{process.pid}/task/{task}/children", encoding="ascii") as file:
                found.extend(int(word) for word in file.read().split())
        return found or process.poll() is not None

    wait_until(look, pause_seconds=0.0005)
    return found[0] if found else None


def deaths(checks, files):
    """The child is ended from outside, as a fault in a library would end it. It may be done before: then once more."""
    for number in (signal.SIGSEGV, signal.SIGKILL, signal.SIGTRAP):
        with checks(f"P5 {number.name} to the process that examines is a refusal, and nobody else notices"):
            def restored_under_fire():
                with concurrent.futures.ThreadPoolExecutor(1) as pool:
                    answer = pool.submit(files.restore, files.export)
                    child = child_of(files.gateway.process)
                    os.kill(child, number)
                    files.serves()
                    return answer.result().status == 422 and answer.result().json["code"] == "file_not_examined"

            wait_until(restored_under_fire)
            files.serves()

            def verified_under_fire():
                command = [files.gateway.tollgate, "verify", files.write(files.export)]
                process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                child = child_of(process)
                if child:
                    os.kill(child, number)
                _, errors = process.communicate(timeout=60)
                return process.returncode == 2 and f"signal {int(number)} ended it" in errors

            wait_until(verified_under_fire)


def takes(checks, files):
    with checks("P5 a signed export is taken back; what counts on goes on, and a key that changes ends nothing"):
        before = files.restore(files.export).json["incarnation"]
        answer = files.restore(files.export)
        assert answer.status == 200 and answer.json["incarnation"] == before + 1, answer
        files.serves()
        made = files.gateway.post(
            f"/t/{files.shop.slug}/api/admin/api-keys",
            {"owner_email": f"owner@{files.shop.slug}.example", "name": "after"}, key=files.shop.owner_key)
        assert made.status == 201, made
        assert files.verify(files.exported()).returncode == 0

    with checks("P5 an unsigned file that is sound is taken where that is asked for, by command too; the chain tells"):
        told = files.told("tenant.restored_unsigned")
        bare = files.exported()[:-SEAL_BYTES]
        path = files.write(bare)
        refused = files.gateway.command("tenant", "restore", files.shop.slug, "--input", path)
        assert refused.returncode == 1 and "did not sign" in refused.stderr, refused
        taken = files.gateway.command("tenant", "restore", files.shop.slug, "--input", path, "--unsigned", "accept")
        assert taken.returncode == 0, taken
        answer = files.gateway.get(
            f"/t/{files.shop.slug}/api/admin/audit?limit=5", key=files.shop.owner_key)
        rows = [row for row in answer.json["data"] if row["action"] == "tenant.restored"]
        assert rows and rows[0]["detail"]["export"] == "unsigned", answer

    with checks("P5 the provider's log tells of each unsigned file that was taken, of none that was refused or signed"):
        now = files.told("tenant.restored_unsigned")
        assert len(now) == len(told) + 1, (told, now)
        assert files.restore(bare, accept=True).status == 200
        assert files.restore(bare, accept=False).status == 422
        signed = len(files.told("tenant.restored"))
        assert files.restore(files.export).status == 200
        now = files.told("tenant.restored_unsigned")
        assert len(now) == len(told) + 2 and len(files.told("tenant.restored")) == signed + 1, (told, now)
        assert all(row["tenant"] == files.shop.slug for row in now), now


def erased(checks, files):
    """The tenant goes for good: nothing of it is tried after this."""
    def restored_while_erased(then=lambda: None):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(files.restore, files.export)
            child = child_of(files.gateway.process)
            os.kill(child, signal.SIGSTOP)
            try:
                gone = files.gateway.delete(
                    f"{files.path}?confirm={files.shop.slug}", key=files.gateway.provider_key)
                then()
            finally:
                os.kill(child, signal.SIGCONT)
            assert gone.status == 204, gone
            assert answer.result().status == 404, answer.result()

    with checks("P5 G3 a restore of a tenant that is erased meanwhile is 404 too where another tenant has its slug by "
                "then, which stays as it is"):
        restored_while_erased(then=lambda: setattr(files, "shop", Shop(files.gateway, slug=files.shop.slug)))
        files.export = files.exported()
        files.serves()
    with checks("P5 G3 a restore of a tenant that is erased meanwhile is told so: 404, and nothing of it comes back"):
        restored_while_erased()
        assert files.gateway.get(files.path, key=files.gateway.provider_key).status == 404
        tenants = os.path.join(files.gateway.data, "tenants")
        left = [name for _, _, names in os.walk(tenants) for name in names if "restoring" in name or "decided" in name]
        assert not left, left


if __name__ == "__main__":
    main()
