#!/usr/bin/env python3
"""P6: what people type before they know better is told in one line, where no gateway is, or something else."""

import http.server
import json
import os
import re
import shutil
import socket
import tempfile
import threading

from results import fails, succeeds
from support import ROOT, Checks, arguments, command, write_private

options = arguments()
checks = Checks()


def run(*words, **more):
    return command(options.tollgate, *words, **more)


def usage():
    with checks("an unknown command, verb or option says what was meant, exit code 2"):
        fails(run("serv"), 2, "serve")
        fails(run("tenant", "shwo", "acme"), 2, "“show”")
        fails(run("tenant"), 2, "create", "restore")
        fails(run("tenant", "list", "--jsn"), 2, "--json")
        fails(run("serve", "--prot", "1"), 2, "--port")
    with checks("missing, surplus and malformed arguments are usage errors"):
        fails(run(), 2, "help")
        fails(run("tenant", "show"), 2, "SLUG")
        fails(run("tenant", "show", "a", "b"), 2, "“b”")
        fails(run("tenant", "create", "acme"), 2, "--blueprint")
        fails(run("tenant", "list", "--data"), 2, "DIR")
        fails(run("tenant", "list", "--json=1"), 2, "no value")
        fails(run("tenant", "list", "--data", "a", "--data", "b"), 2, "twice")
        fails(run("tenant", "list", "--data", "a", "--url", "http://127.0.0.1:1", "--key", "k"), 2, "--url")
        fails(run("serve", "--port", "65536"), 2, "65535")
        fails(run("serve", "--listen", "localhost:80"), 2, "localhost")
        fails(run("serve", "--trusted-proxy", "10.0.0.0/33"), 2, "10.0.0.0/33")
        fails(run("serve", "--process-limit", "0/60"), 2, "0/60")
        fails(run("serve", "--tls-cert", "x"), 2, "--tls-key")
        fails(run("serve", "--public-url", "gate.example"), 2, "https://")
        for url in ("https://g.example/?a=1", "https://g.example/#a", "https://u:p@g.example", "https://g.example/a b"):
            fails(run("serve", "--public-url", url), 2, "--public-url", "without a user, query")
        fails(run("serve", "--public-url", "https://münchen.example"), 2, "--public-url", "xn--")
        fails(run("serve", "--public-url", "https:///path"), 2, "--public-url", "https:///path")
        for name in ("*.shops.example", ".shops.example", "münchen.example", "10.0.0.1", "https://shops.example", "."):
            fails(run("serve", "--base-domain", name), 2, "--base-domain", "say shops.example", name)
        fails(run("key", "list", "--tenant", "a"), 2, "--key")
        fails(run("limit", "set", "key_1", "fast", "--tenant", "a", "--key", "k"), 2, "fast")
    first_lines()
    steered()
    strangers()
    with checks("P11 P6 an address that is no bucket's is told what one is; a restore of nothing leaves no folder"):
        with tempfile.TemporaryDirectory() as folder:
            new, words = os.path.join(folder, "new"), os.path.join(folder, "words")
            write_private(words, "the words of nothing\n")
            key = ["--data", new, "--passphrase-file", words]
            fails(run("restore-node", "s3://b/p", *key), 2, "3 to 63 characters")
            fails(run("restore-node", folder + "/gone", *key), 1, "no archive")
            fails(run("restore-node", folder + "/gone", *key, "--at", "noon"), 2, "--at")
            assert not os.path.exists(new)
    with checks("help knows every command, its options, and groups"):
        overview = succeeds(run("help")).stdout
        assert overview == succeeds(run("--help")).stdout
        names = ["serve", "verify", "backup", "backup verify", "restore-node", "version"]
        verbs = "create list show suspend resume cancel refund export restore delete owner-key change import move"
        for name in names + [f"tenant {verb}" for verb in [*verbs.split(), "move-back"]]:
            assert f"tollgate {name}" in overview, name
        assert "--output FILE" in succeeds(run("help", "tenant", "export")).stdout
        assert succeeds(run("tenant", "export", "--help")).stdout == run("help", "tenant", "export").stdout
        assert "tollgate key mint" in succeeds(run("help", "key")).stdout
        fails(run("help", "tenants"), 2)
        assert succeeds(run("version")).stdout.startswith("tollgate ")
    with checks("a missing data folder, or one without a gateway, is said so, exit code 1"):
        folder = tempfile.mkdtemp(prefix="tollgate-")
        try:
            fails(run("tenant", "list", "--data", folder + "/none"), 1, "no data folder", "--url")
            fails(run("tenant", "list", "--data", folder), 1, "no gateway runs", "tollgate serve")
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(folder + "/control.sock")
            assert "port 80" not in fails(run("tenant", "list", "--data", folder), 1, "no gateway answers").stderr
            fails(run("tenant", "list", "--url", "http://127.0.0.1:9", "--key", "k"), 1, "127.0.0.1:9")
            fails(run("serve", "--data", folder, "--blueprints", folder), 1, "blueprints")
            place = os.path.join(folder, "file")
            open(place, "w", encoding="utf-8").close()
            words = ["serve", "--port", "0", "--data", place, "--blueprints", os.path.join(ROOT, "tenants")]
            assert "must be able to write" not in fails(run(*words), 1, place).stderr
        finally:
            shutil.rmtree(folder)


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>404 Not Found</html>")

    def log_message(self, *_):
        pass


class Searching(Page):
    """An audit log that is searched a stretch at a time."""
    pages = {
        None: {"data": [], "has_more": True, "next_cursor": "c1"},
        "c1": {"data": [], "has_more": True, "next_cursor": "c2"},
        "c2": {"data": [{"seq": 7, "action": "order.created"}], "has_more": True, "next_cursor": "c3"}}

    def do_GET(self):
        asked = re.search(r"[?&]cursor=(\w+)", self.path)
        body = json.dumps(self.pages[asked and asked.group(1)]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Steering(Searching):
    """Texts that would steer a terminal, turn the direction of writing, or are not seen."""
    text = "a\x1b[31m\x9b1m\u202eb\u200b\u2066\ufeff\u00ad\U000e0041\u2028c"
    pages = {None: {"data": [{"slug": text, "state": "active"}], "next_cursor": None}}

    def do_GET(self):
        if "/tenants?" in self.path:
            super().do_GET()
            return
        body = json.dumps({"detail": self.text, "code": "no", "errors": [
            {"pointer": f"/{self.text}", "detail": f"{self.text}, too"}]}).encode()
        self.send_response(422)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def steered():
    with checks("P6 no text of a server steers the terminal, turns the direction of writing, or hides in a line"):
        with http.server.HTTPServer(("127.0.0.1", 0), Steering) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            there = ["--url", f"http://127.0.0.1:{server.server_address[1]}", "--key", "k"]
            clean = "a\ufffd[31m\ufffd1mb\ufffdc"
            listed = succeeds(run("tenant", "list", *there)).stdout
            assert clean in listed and len(listed.splitlines()) == 2, listed
            refused = fails(run("tenant", "show", "x", *there), 1).stderr
            assert f"{clean}; /{clean}: {clean}, too" in refused, refused
            for letter in Steering.text.replace("a", "").replace("b", "").replace("c", ""):
                if not letter.isascii() or letter == "\x1b":
                    assert letter not in listed + refused, (letter, listed, refused)
            # A program is given what was sent.
            given = json.loads(succeeds(run("tenant", "list", *there, "--json")).stdout)
            assert given["data"][0]["slug"] == Steering.text, given
            server.shutdown()


def strangers():
    """What answers is no gateway."""
    with checks("O6 P6 a search whose first stretches have nothing goes on to the one that has"):
        with http.server.HTTPServer(("127.0.0.1", 0), Searching) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            words = ["audit", "list", "--status", "404", "--key", "k", "--url",
                     f"http://127.0.0.1:{server.server_address[1]}/t/a"]
            listed = succeeds(run(*words))
            assert "order.created" in listed.stdout and "--cursor c3" in listed.stderr, listed
            assert json.loads(succeeds(run(*words, "--json")).stdout)["next_cursor"] == "c3"
            server.shutdown()
    with checks("P6 a 404 that is no gateway's is told as such; with --json standard output has JSON all the same"):
        with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            there = ["--url", f"http://127.0.0.1:{server.server_address[1]}", "--key", "k"]
            fails(run("tenant", "list", *there), 1, "status 404", "is this a Tollgate gateway?")
            shown = fails(run("tenant", "list", "--json", *there), 1, "is this a Tollgate gateway?").stdout
            assert json.loads(shown)["status"] == 404 and "404" in json.loads(shown)["detail"], shown
            server.shutdown()


def first_lines():
    """What people type before they know better."""
    with checks("P6 an empty value of an option is a usage error that names it, however it is written"):
        for words in (["--tenant", ""], ["--tenant="], ["--key", ""]):
            fails(run("key", "list", "--data", ".", *words), 2, words[0].rstrip("="), "empty")
        fails(run("events", "tail", "--key", "k", "--after", ""), 2, "--after", "CURSOR")
    with checks("P6 a key that was not copied whole is told before anything is sent"):
        for key in ("tgp_live_…", "tgp_live_...", "tgp live", "ключ"):
            there = ["--url", "http://127.0.0.1:9", "--key", key]
            for words in (["tenant", "list"], ["key", "list", "--tenant", "a"], ["events", "tail"],
                          ["events", "tail", "--api", "codes"]):
                assert key not in fails(run(*words, *there), 2, "whole").stderr
    with checks("P6 --help after a word that begins several commands lists them, exit code 0"):
        for group in ("order", "tenant", "key"):
            for word in ("--help", "-h"):
                assert succeeds(run(group, word)).stdout == succeeds(run("help", group)).stdout
        assert "--passphrase-file" in succeeds(run("backup", "--help")).stdout
        fails(run("ordr", "--help"), 2, "“order”")
    with checks("P6 the address of a tenant's own pages names the gateway and the tenant"):
        base = "http://127.0.0.1:9"
        listing = ["key", "list", "--key", "k", "--url"]
        fails(run(*listing, f"{base}/t/hosting", "--tenant", "other"), 2, "hosting", "other")
        fails(run(*listing, base), 2, "--tenant")
        # Pages and APIs below it are what a start prints and what answers have: they name the same.
        for below in ("", "/", "?a=/b", "#a", "/admin", "/portal/orders?a=b", "/api/partner/v1",
                      "/api/admin/openapi.json"):
            fails(run(*listing, f"{base}/t/hosting{below}"), 1, f"no gateway answers at {base}:")
            fails(run(*listing, f"{base}/t/hosting{below}", "--tenant", "other"), 2, "hosting", "other")
        for own in ("/console", "/console?q=a", "/console/health", "/provider/v1", "/provider/v1/"):
            fails(run("tenant", "list", "--key", "k", "--url", base + own), 1, f"no gateway answers at {base}:")


usage()
checks.finish()
