#!/usr/bin/env python3
"""A receiver of Tollgate's webhooks: the standard library alone.

    TOLLGATE_WEBHOOK_SECRET=whsec_… python3 receiver.py --port 8080 --inbox inbox.sqlite

It answers as soon as the event is kept, and works on it afterwards: an event is never lost, worked on once, and an
older state of an object never replaces a newer one."""

import argparse
import base64
import binascii
import hashlib
import hmac
import http.server
import json
import os
import sqlite3
import threading
import time

TOLERANCE_SECONDS = 300
BODY_BYTES_MAX = 64 << 10

SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, body TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS object (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, data TEXT NOT NULL);
"""


def verify(secret, headers, body, now=None):
    """Whether Tollgate signed these very bytes within the last five minutes (Standard Webhooks 1.0.0)."""
    message, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message or not timestamp.isascii() or not timestamp.isdigit():
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    # The bytes as they came: JSON that was parsed and written again is other bytes.
    expected = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    # While a secret is being rotated there are several signatures: one that fits is enough.
    for signature in headers.get("webhook-signature", "").split(" "):
        version, _, text = signature.partition(",")
        try:
            given = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        if version == "v1" and hmac.compare_digest(given, expected):
            return True
    return False


class Inbox:
    """What has come, and what is known of each object; on disk before anything is answered."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.database.executescript(SCHEMA)
        self.has_work = threading.Event()
        self.has_work.set()

    def keep(self, message, body):
        """The same id again, of a retry or a replay, is kept once."""
        with self.lock:
            self.database.execute("INSERT OR IGNORE INTO inbox (id, body) VALUES (?, ?)", (message, body.decode()))
        self.has_work.set()

    def work(self):
        while True:
            self.has_work.wait()
            self.has_work.clear()
            while self.work_on_one():
                pass

    def work_on_one(self):
        with self.lock:
            row = self.database.execute("SELECT id, body FROM inbox WHERE done = 0 ORDER BY rowid LIMIT 1").fetchone()
            if row is None:
                return False
            message, event = row[0], json.loads(row[1])
            self.database.execute("BEGIN")
            self.take(event)
            self.database.execute("UPDATE inbox SET done = 1 WHERE id = ?", (message,))
            self.database.execute("COMMIT")
            return True

    def take(self, event):
        data = event["data"]
        name = data.get("id") or data.get("_id")
        if name is None or "revision" not in data:
            return
        # Events may come in another order than they were made in: the highest revision is the state.
        changed = self.database.execute(
            """INSERT INTO object (id, revision, data) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
               SET revision = excluded.revision, data = excluded.data WHERE excluded.revision > object.revision""",
            (name, data["revision"], json.dumps(data)))
        if changed.rowcount:
            print(f"{event['type']} {name} revision {data['revision']}", flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("Content-Length", "0"))
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            return self.answer(413)
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not verify(self.server.secret, headers, body):
            return self.answer(401)
        self.server.inbox.keep(headers["webhook-id"], body)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--inbox", default="inbox.sqlite")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.secret = os.environ["TOLLGATE_WEBHOOK_SECRET"]
    server.inbox = Inbox(options.inbox)
    threading.Thread(target=server.inbox.work, daemon=True).start()
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
