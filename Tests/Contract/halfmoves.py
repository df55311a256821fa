#!/usr/bin/env python3
"""P10: a move that was cut short, or whose answer a proxy lost: at no moment is the tenant served at both nodes, and
the same move run again ends it. Two gateways of its own, and a proxy between them."""

import http.client
import json
import os
import signal
import subprocess
import tempfile
import threading

from clientwire import Between
from shop import Shop
from support import Checks, Gateway, arguments

PROVIDER = "/provider/v1"
PASSPHRASE = {"Tollgate-Passphrase": "a passphrase to move by"}


class Proxy(Between):
    """Stands before a gateway. `lost`: "late" answers an import with 504 once it was passed on and done, "early" at
    once, and passes it on when `go_on` is called; "all" does as "late", and answers everything else with 504 too;
    "slow" keeps an import without an answer until `hurry` is set, and passes nothing on."""

    def __init__(self, gateway):
        super().__init__(gateway)
        self.lost, self.held = None, []
        self.has_come, self.hurry = threading.Event(), threading.Event()

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in handler.headers.items()
                   if name.lower() not in ("connection", "content-length", "expect", "host")}
        call = (handler.command, handler.path, body or None, headers)
        is_import = handler.path.startswith(PROVIDER + "/tenants/import")
        status, answer = 504, b"<html>504 Gateway Time-out</html>"
        if is_import and self.lost == "slow":
            self.has_come.set()
            self.hurry.wait(60)
            handler.close_connection = True
            return
        if is_import and self.lost == "early":
            self.held.append(call)
        elif is_import or self.lost != "all":
            passed = self.passed(call)
            if self.lost is None or not is_import:
                status, answer = passed
        kind = "application/json" if status != 504 else "text/html"
        self.answer(handler, status, {"Content-Type": kind}, answer)

    def passed(self, call):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
        connection.request(*call)
        answer = connection.getresponse()
        done = answer.status, answer.read()
        connection.close()
        return done

    def go_on(self):
        """Passes on what was held; its statuses."""
        return [self.passed(call)[0] for call in self.held]


class Nodes:
    def __init__(self, source, target, proxy):
        self.source, self.target, self.proxy = source, target, proxy

    def ask(self, gateway, method, path, body=None, headers=None):
        return gateway.request(method, PROVIDER + path, body, key=gateway.provider_key, headers=headers)

    def move(self, slug, *more, url=None):
        return self.source.command(
            "tenant", "move", slug, "--to", url or self.proxy.base_url, "--to-key", self.target.provider_key, *more)

    def state(self, gateway, slug):
        answer = self.ask(gateway, "GET", f"/tenants/{slug}")
        return answer.json["state"] if answer.status == 200 else None

    def seal(self, slug, url=None):
        sealed = self.ask(
            self.source, "POST", f"/tenants/{slug}/move", {"base_url": f"{url or self.proxy.base_url}/t/{slug}"})
        assert sealed.status == 200, sealed

    def copy(self, slug, query=""):
        """The bundle is made here and taken in there, as the command does it."""
        bundle = self.ask(
            self.source, "GET", f"/tenants/{slug}/export?with_secrets=true", headers=PASSPHRASE)
        made = self.ask(self.target, "POST", f"/tenants/import{query}", bundle.body, PASSPHRASE)
        assert made.status == 201, made

    def has_moved(self, shop, slug=None):
        """Served there alone, for good."""
        slug = slug or shop.slug
        here = shop.admin("GET", "/settings")
        assert here.status == 403 and here.json["code"] == "tenant_moved", here
        there = self.target.get(f"/t/{slug}/api/admin/settings", key=shop.owner_key)
        assert there.status == 200, there
        back = self.ask(self.source, "DELETE", f"/tenants/{shop.slug}/move")
        assert back.status == 409 and back.json["code"] == "move_confirmed", back


def again(checks, nodes):
    with checks("P10 a move that was cut between the import and its confirmation is run again: it lives there alone"):
        shop = Shop(nodes.source, "cut")
        nodes.seal("cut")
        nodes.copy("cut")
        moved = nodes.move("cut", "--json")
        assert moved.returncode == 0 and json.loads(moved.stdout)["moved_to"].endswith("/t/cut"), moved
        nodes.has_moved(shop)

    with checks("P10 so is one whose tenant has another name there, and one that was confirmed"):
        shop = Shop(nodes.source, "renamed")
        sealed = nodes.ask(
            nodes.source, "POST", "/tenants/renamed/move", {"base_url": f"{nodes.proxy.base_url}/t/other"})
        assert sealed.status == 200, sealed
        nodes.copy("renamed", "?slug=other")
        for _ in range(2):
            moved = nodes.move("renamed", "--as", "other")
            assert moved.returncode == 0, moved
        nodes.has_moved(shop, "other")

    with checks("P10 a move that was cut before the import is run again from the seal on"):
        shop = Shop(nodes.source, "sealed")
        nodes.seal("sealed")
        moved = nodes.move("sealed")
        assert moved.returncode == 0, moved
        nodes.has_moved(shop)

    with checks("P10 a move that is on its way to one node does not go on to another, nor under another name"):
        shop = Shop(nodes.source, "elsewhere")
        nodes.seal("elsewhere", "https://third.example")
        for more in ([], ["--as", "another"]):
            tried = nodes.move("elsewhere", *more)
            assert tried.returncode == 1 and "https://third.example/t/elsewhere" in tried.stderr, tried
        assert nodes.state(nodes.source, "elsewhere") == "moved"
        assert nodes.state(nodes.target, "elsewhere") is None and nodes.state(nodes.target, "another") is None

    with checks("P10 a copy that the other node had before is not taken for the tenant: nothing is sealed"):
        shop = Shop(nodes.source, "copied")
        nodes.copy("copied")
        tried = nodes.move("copied")
        assert tried.returncode == 1 and "served here as before" in tried.stderr, tried
        assert shop.admin("GET", "/settings").status == 200


def lost(checks, nodes):
    proxy = nodes.proxy
    with checks("P10 a proxy's 504 after an import that was done: the move is confirmed"):
        shop = Shop(nodes.source, "late")
        proxy.lost = "late"
        moved = nodes.move("late")
        proxy.lost = None
        assert moved.returncode == 0, moved
        nodes.has_moved(shop)

    with checks("P10 a proxy's 504 while the other node goes on importing: it stays sealed, and is confirmed later"):
        shop = Shop(nodes.source, "early")
        proxy.lost = "early"
        tried = nodes.move("early")
        proxy.lost = None
        assert tried.returncode == 1 and "move-back early" in tried.stderr and "again" in tried.stderr, tried
        assert nodes.state(nodes.source, "early") == "moved" and nodes.state(nodes.target, "early") is None
        assert proxy.go_on() == [201]
        moved = nodes.move("early")
        assert moved.returncode == 0, moved
        nodes.has_moved(shop)

    with checks("P10 where the other node cannot be asked afterwards either, it stays sealed and says how to go on"):
        shop = Shop(nodes.source, "silent")
        proxy.lost = "all"
        # The first question, before anything is sealed, has to be answered.
        first = nodes.move("silent")
        assert first.returncode == 1 and "served here as before" in first.stderr, first
        assert shop.admin("GET", "/settings").status == 200
        nodes.seal("silent")
        tried = nodes.move("silent")
        assert tried.returncode == 1 and "move-back silent" in tried.stderr, tried
        assert nodes.state(nodes.source, "silent") == "moved"
        proxy.lost = None
        moved = nodes.move("silent")
        assert moved.returncode == 0, moved
        nodes.has_moved(shop)

    with checks("P10 P6 a run takes back its own seal alone: after a refusal of a later run it stays sealed"):
        shop = Shop(nodes.source, "twice")
        Shop(nodes.target, "twice")
        nodes.seal("twice")
        tried = nodes.move("twice")
        assert tried.returncode == 1 and "move-back twice" in tried.stderr, tried
        assert nodes.state(nodes.source, "twice") == "moved"
        assert nodes.source.command("tenant", "move-back", "twice").returncode == 0
        refused = nodes.move("twice")
        assert refused.returncode == 1 and "served here as before" in refused.stderr, refused
        assert shop.admin("GET", "/settings").status == 200


def interrupted(checks, nodes):
    with checks("P10 P6 Ctrl-C of a move says that the tenant is sealed and what to do, leaves no bundle, and the same "
                "move ends it"), tempfile.TemporaryDirectory() as scratch:
        shop = Shop(nodes.source, "interrupted")
        words = [
            nodes.source.tollgate, "tenant", "move", "interrupted", "--to", nodes.proxy.base_url, "--to-key",
            nodes.target.provider_key, "--scratch", scratch, "--data", nodes.source.data]
        nodes.proxy.lost = "slow"
        move = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert nodes.proxy.has_come.wait(60) and len(os.listdir(scratch)) == 1, os.listdir(scratch)
            move.send_signal(signal.SIGINT)
            printed, said = move.communicate(timeout=60)
        finally:
            nodes.proxy.hurry.set()
            nodes.proxy.lost = None
            if move.poll() is None:
                move.kill()
                move.communicate()
        assert move.returncode == -signal.SIGINT and printed == "", (move.returncode, printed, said)
        assert said.count("\n") == 1 and "interrupted is sealed here: run the same move again" in said, said
        assert "tollgate tenant move-back interrupted" in said and os.listdir(scratch) == [], said
        assert nodes.state(nodes.source, "interrupted") == "moved"
        assert nodes.move("interrupted").returncode == 0
        nodes.has_moved(shop)


def main():
    options, checks = arguments(), Checks()
    with Gateway(options.tollgate, demo=False) as source, Gateway(options.tollgate, demo=False) as target:
        source.provider_key, target.provider_key
        with Proxy(target) as proxy:
            nodes = Nodes(source, target, proxy)
            again(checks, nodes)
            lost(checks, nodes)
            interrupted(checks, nodes)
    checks.finish()


main()
