#!/usr/bin/env python3
"""Every column of every table of an export, changed with an SQLite shell (P5): `verify` names the row and a restore refuses it,
or the column stands in LISTED with its reason, and then its extremes are refused all the same. No value ends a process.

`--seconds` of a run go into starting `tollgate verify` once for each change; two run side by side."""

import collections
import concurrent.futures
import json
import os
import sqlite3
import subprocess
import tempfile

from support import Checks, Gateway, arguments

SEAL_BYTES = 160
LEAST, MOST = -(2**63), 2**63 - 1
EXTREMES = [LEAST, LEAST + 1, -1, 2**53 + 1, MOST - 1, MOST]

TIME = "when something happened or is due; a report shows it, nothing is opened or charged by it"
COPY = "a copy of what other rows prove, which are vouched for"
PERSON = "what a reseller calls its customer; it opens nothing"
STORED = "an answer kept for thirty days for the same call again; who may make that call is judged by its key"
QUEUE = "where a delivery stands; its event and endpoint are proved"
IMPORT = "an import under way; a restore clears it"
COUNT = "calls counted for reports"
CHANCE = "drawn by chance, drawn anew at each hold"
# (table, column): why neither verify nor a restore need see a change of it within its bounds.
LISTED = {}


def listed(table, reason, *columns):
    for column in columns:
        LISTED[table, column] = reason


class Export:
    """One tenant's file without its seal, so that what is changed shows by itself."""

    def __init__(self, gateway, slug, folder):
        self.gateway = gateway
        self.slug = slug
        self.folder = folder
        answer = gateway.get(f"/provider/v1/tenants/{slug}/export", key=gateway.provider_key)
        assert answer.status == 200, answer
        self.content = answer.body[:-SEAL_BYTES]
        self.path = os.path.join(folder, f"{slug}.sqlite")
        with open(self.path, "wb") as file:
            file.write(self.content)
        connection = sqlite3.connect(self.path)
        self.triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        self.tables = {}
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            row = connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()
            self.tables[table] = ([(name, kind, pk) for _, name, kind, _, _, pk in columns], row is not None)
        connection.close()

    def changed(self, name, table, column, value):
        """A copy in which the last row of a table says something else; nil where SQLite cannot hold that."""
        path = os.path.join(self.folder, f"{name}.sqlite")
        with open(path, "wb") as file:
            file.write(self.content)
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA ignore_check_constraints=ON")
            connection.execute("PRAGMA foreign_keys=OFF")
            for trigger, _ in self.triggers:
                connection.execute(f"DROP TRIGGER {trigger}")
            keys = [name for name, _, pk in self.tables[table][0] if pk] or ["rowid"]
            place = ", ".join(keys)
            order = ", ".join(f"{key} DESC" for key in keys)
            before = connection.execute(f"SELECT {column} FROM {table} ORDER BY {order} LIMIT 1").fetchone()[0]
            new = value(before) if callable(value) else value
            if new == before:
                return None
            connection.execute(
                f"UPDATE {table} SET {column} = ? WHERE ({place}) = (SELECT {place} FROM {table} ORDER BY {order} LIMIT 1)",
                (new,))
            for _, sql in self.triggers:
                connection.execute(sql)
        except sqlite3.Error:
            os.remove(path)
            return None
        finally:
            connection.close()
        return path

    def verify(self, path):
        command = [self.gateway.tollgate, "verify", path, "--json"]
        return subprocess.run(command, capture_output=True, text=True, timeout=300)

    def restore(self, path):
        with open(path, "rb") as file:
            body = file.read()
        return self.gateway.post(
            f"/provider/v1/tenants/{self.slug}/restore?unsigned=accept", body, key=self.gateway.provider_key)


def other(value):
    """A value near by, of the same kind."""
    if value is None:
        return None
    if isinstance(value, int):
        return value + 1 if value not in (0, 1) else 1 - value
    if isinstance(value, str):
        return value + "x"
    return bytes([value[0] ^ 1]) + value[1:] if value else b"x"


def missing(value):
    """Something where there was nothing."""
    return 1 if value is None else value


def cases(export):
    for table, (columns, has_rows) in sorted(export.tables.items()):
        if not has_rows:
            continue
        for column, kind, _ in columns:
            yield table, column, "another value", other
            if kind in ("INTEGER", "ANY"):
                yield table, column, "a value where there was none", missing
                for extreme in EXTREMES:
                    yield table, column, str(extreme), extreme


def judged(export, case, number):
    """How a change came out: `seen`, `unseen`, or what went wrong."""
    table, column, name, value = case
    path = export.changed(f"{export.slug}-{number}", table, column, value)
    if path is None:
        return case, "impossible"
    try:
        result = export.verify(path)
        if result.returncode == 0:
            return case, "unseen"
        if result.returncode != 1:
            return case, result.stderr.strip()
        findings = json.loads(result.stdout)["findings"]
        names = [finding for finding in findings if finding["table"] == table or table in finding["text"]]
        return case, "seen" if names else f"seen elsewhere: {findings[0]}"
    finally:
        os.remove(path)


def main():
    options = arguments()
    checks = Checks()
    swept = collections.Counter()
    unseen = collections.defaultdict(set)
    with Gateway(options.tollgate) as gateway, tempfile.TemporaryDirectory() as folder:
        exports = [Export(gateway, slug, folder) for slug in ("hosting", "panel", "licences", "codes", "proxies")]
        for export in exports:
            with checks(f"P5 {export.slug}: each column changed is seen by verify, or is listed; no value ends a process"):
                work = list(cases(export))
                with concurrent.futures.ThreadPoolExecutor(2) as pool:
                    results = pool.map(lambda pair: judged(export, pair[1], pair[0]), enumerate(work))
                    outcomes = list(results)
                faults = []
                for (table, column, name, _), outcome in outcomes:
                    swept[outcome if outcome in ("seen", "unseen", "impossible") else "other"] += 1
                    if outcome == "unseen":
                        unseen[table].add(column)
                        if (table, column) not in LISTED or name in map(str, EXTREMES):
                            faults.append((table, column, name, outcome))
                    elif outcome not in ("seen", "impossible"):
                        faults.append((table, column, name, outcome))
                assert not faults, f"{len(faults)}: " + "\n".join(map(str, faults))
        empty = set.intersection(*({table for table, (_, rows) in export.tables.items() if not rows} for export in exports))
        print(f"# {dict(swept)}; tables without a row in any file: {', '.join(sorted(empty)) or 'none'}")
        for table, columns in sorted(unseen.items()):
            for column in sorted(columns):
                print(f"# listed: {table}.{column}: {LISTED.get((table, column), 'NOT LISTED')}")
    checks.finish()


if __name__ == "__main__":
    main()
