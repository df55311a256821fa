#!/usr/bin/env python3
"""Runs one script with every answer that it gets written down:

    recorder.py SCRIPTS FILE SCRIPT --tollgate BINARY

The scripts are left as they are: Python's HTTP client is listened to, and the bare connections that some have as
`Wire`. `SCRIPTS` is the folder that the script's `support` comes from."""

import contextlib
import gzip
import http.client
import importlib.util
import json
import os
import random
import runpy
import sys
import threading
import time

import normal

SENT_LENGTH_MAX = 160


class Recorder:
    """One line of JSON an answer. Any thread."""

    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")
        self.lock = threading.Lock()
        self.check = ""
        self.local = threading.local()

    def add(self, call, sent, status, headers, data):
        if dict(headers).get("content-encoding") == "gzip":
            with contextlib.suppress(OSError, EOFError):
                data = gzip.decompress(data)
        line = {
            "check": self.check, "call": normal.text(call),
            "aside": threading.current_thread() is not threading.main_thread(),
            "sent": normal.text(sent.decode("latin-1")[:2000])[:SENT_LENGTH_MAX], "status": status,
            "headers": normal.headers(headers), "body": normal.body(data, call)}
        rounds = getattr(self.local, "rounds", None)
        if rounds is not None:
            rounds.append(line)
        else:
            self.write(line)

    def write(self, line):
        with self.lock:
            self.file.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n")
            self.file.flush()


def listen_to_http(recorder):
    """Records an answer once its body has been read to the end."""
    connection, response = http.client.HTTPConnection, http.client.HTTPResponse
    request, putrequest = connection.request, connection.putrequest
    getresponse, read = connection.getresponse, response.read

    def recorded_request(self, method, url, body=None, *rest, **options):
        self.golden_sent = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else b""
        return request(self, method, url, body, *rest, **options)

    def recorded_putrequest(self, method, url, *rest, **options):
        self.golden_call = f"{method} {url}"
        return putrequest(self, method, url, *rest, **options)

    def recorded_getresponse(self):
        answer = getresponse(self)
        answer.golden = (self.golden_call, getattr(self, "golden_sent", b""))
        answer.golden_read = b""
        return answer

    def recorded_read(self, amount=None):
        data = read(self, amount)
        if getattr(self, "golden", None) is not None:
            self.golden_read += data
            if amount is None or self.isclosed():
                call, sent = self.golden
                self.golden = None
                pairs = [(name.lower(), value) for name, value in self.getheaders()]
                recorder.add(call, sent, self.status, pairs, self.golden_read)
        return data

    connection.request, connection.putrequest = recorded_request, recorded_putrequest
    connection.getresponse, response.read = recorded_getresponse, recorded_read


def listen_to_checks(recorder, support):
    """Every answer belongs to the check that it was got in. Of what a script asks for again and again, the
    last counts."""
    enter = support.Checks.__call__

    @contextlib.contextmanager
    def recorded_check(self, name):
        before, recorder.check = recorder.check, normal.text(name)
        try:
            with enter(self, name):
                yield
        finally:
            recorder.check = before

    def wait_until(condition, seconds=30, pause_seconds=0.02):
        deadline = time.monotonic() + seconds
        before = getattr(recorder.local, "rounds", None)
        try:
            while True:
                recorder.local.rounds = rounds = []
                value = condition()
                if value:
                    return value
                assert time.monotonic() < deadline, f"not within {seconds} s"
                time.sleep(pause_seconds)
        finally:
            recorder.local.rounds = before
            for line in rounds:
                recorder.write(line) if before is None else before.append(line)

    support.Checks.__call__ = recorded_check
    support.wait_until = wait_until


def listen_to_wire(recorder, wire):
    """The script's class of bare connections: what was sent on it so far stands for the call."""
    send, answer = wire.send, wire.answer

    def recorded_send(self, data):
        data = data if isinstance(data, bytes) else data.encode("latin-1")
        self.golden_sent = getattr(self, "golden_sent", b"") + data
        return send(self, data)

    def recorded_answer(self, *rest):
        got = answer(self, *rest)
        sent = getattr(self, "golden_sent", b"")
        line = sent.split(b"\n")[0].decode("latin-1")[:SENT_LENGTH_MAX].rstrip("\r")
        if got is None:
            recorder.add(f"bytes {line}", sent, None, [], b"")
        else:
            recorder.add(f"bytes {line}", sent, got[0], list(got[1].items()), got[2])
        return got

    wire.send, wire.answer = recorded_send, recorded_answer


def main():
    contract, path, script = (os.path.abspath(word) for word in sys.argv[1:4])
    sys.argv = [script, *sys.argv[4:]]
    sys.path[:0] = [contract]
    random.seed(1)
    recorder = Recorder(path)
    import support
    listen_to_http(recorder)
    listen_to_checks(recorder, support)
    with open(script, encoding="utf-8") as file:
        has_wire = "\nclass Wire:" in file.read()
    if not has_wire:
        runpy.run_path(script, run_name="__main__")
        return
    name = os.path.splitext(os.path.basename(script))[0]
    spec = importlib.util.spec_from_file_location(name, script)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    listen_to_wire(recorder, module.Wire)
    module.main()


if __name__ == "__main__":
    main()
