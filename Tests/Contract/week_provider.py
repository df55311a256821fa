#!/usr/bin/env python3
"""A provider's week, to be read as a story: keys on Monday, tenants on Tuesday, owners on Wednesday, the month's use on
Thursday, a second node on Friday, a backup on Saturday, and on Sunday what was put off. Each job is done by the API and
once more by the command line."""

import copy
import csv
from datetime import datetime, timezone
import io
import json
import os
import tempfile
import threading

from shop import Shop
from support import Checks, Gateway, arguments, command, verified_export, wait_until, write_private

API = "/provider/v1"
DAY = 86_400
WORDS = "a passphrase for the road"


class Desk:
    """The provider at work: `console` is the key of this week's work, by the command line no key is needed."""

    def __init__(self, gateway, folder):
        self.gateway, self.folder, self.console = gateway, folder, None

    def __call__(self, method, path, body=None, status=200, gateway=None, **options):
        options.setdefault("key", self.console["key"] if self.console else self.gateway.provider_key)
        answer = (gateway or self.gateway).request(method, API + path, body, **options)
        assert answer.status == status, (method, path, answer)
        return answer if status in (204, 403) or not answer.headers["content-type"].endswith("json") else answer.json

    def run(self, *words, gateway=None):
        """A command line; its answer."""
        done = (gateway or self.gateway).command(*words, "--json")
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def told(self, *words):
        """A command line; what a person sees."""
        done = self.gateway.command(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def slugs(self, query):
        return [row["slug"] for row in self("GET", f"/tenants?{query}")["data"]]

    def later(self, seconds):
        return datetime.fromtimestamp(int(self.gateway.now()) + seconds, timezone.utc).isoformat()

    def file(self, name, text=None):
        path = os.path.join(self.folder, name)
        if text is not None:
            write_private(path, text)
        return path


def monday_keys(checks, desk):
    first = desk.gateway.provider_key

    def status(key):
        return desk.gateway.get(API + "/tenants", key=key).status

    with checks("P8 Monday: a key of its own for the console, one that reads, one that ends, one with a new secret"):
        console = desk("POST", "/provider-keys", {"name": "console", "role": "admin"}, 201)
        monitor = desk("POST", "/provider-keys", {"name": "monitor", "role": "read"}, 201)
        guest = desk("POST", "/provider-keys", {"name": "guest", "expires_at": desk.later(DAY)}, 201)
        assert status(monitor["key"]) == status(guest["key"]) == status(console["key"]) == 200
        assert desk("POST", "/tenants", {}, 403, key=monitor["key"]).json["code"] == "admin_key_only"
        desk.console = console
        turned = desk("POST", f"/provider-keys/{monitor['id']}/rotate", {"overlap_seconds": DAY})["key"]
        assert turned != monitor["key"] and status(turned) == status(monitor["key"]) == 200
        listed = {row["name"]: row for row in desk("GET", "/provider-keys")["data"]}
        assert list(listed) == ["provider", "console", "monitor", "guest"], listed
        assert listed["monitor"]["last_used_at"] and listed["guest"]["expires_at"]
    with checks("P6 P8 Monday, once more by command line: mint, list, rotate with overlap, revoke"):
        made = desk.run("provider-key", "mint", "by hand", "--role", "admin", "--expires", desk.later(DAY))
        assert made["role"] == "admin" and status(made["key"]) == 200, made
        turned = desk.run("provider-key", "rotate", made["id"], "--overlap", "600")
        assert status(turned["key"]) == 200 and "by hand" in desk.told("provider-key", "list")
        desk.run("provider-key", "revoke", made["id"])
        assert status(made["key"]) == status(turned["key"]) == 401
    return {"guest": guest["key"], "old": monitor["key"], "first": first}


def tuesday_tenants(checks, desk):
    gateway = desk.gateway
    with checks("P1 P2 P7 Tuesday: tenants are made, served at once, and found by filter and order"):
        for slug, blueprint, tier in (("acme", "hosting", "pro"), ("bolt", "hosting", "lite"),
                                      ("cube", "licences", "lite"), ("dune", "proxies", "standard")):
            made = desk("POST", "/tenants", {
                "slug": slug, "blueprint": blueprint, "tier": tier, "owner_email": f"owner@{slug}.example"}, 201)
            assert gateway.get(f"/t/{slug}/api/admin/settings", key=made["owner_key"]).status == 200
        desk("PATCH", "/tenants/dune", {"tier": "pro"})
        desk("POST", "/tenants/cube/suspend")
        assert desk.slugs("tier=lite") == ["bolt", "cube"] and desk.slugs("tier=lite&state=active") == ["bolt"]
        assert desk.slugs("tier=pro,lite&sort=-name") == ["dune", "cube", "bolt", "acme"]
        assert desk.slugs("blueprint=hosting&q=ac") == desk.slugs("owner_email=owner@acme.example") == ["acme"]
        assert desk.slugs("sort=created") == desk.slugs("sort=last_request") == ["acme", "bolt", "cube", "dune"]
        desk("POST", "/tenants/cube/resume")
    with checks("P6 P2 Tuesday, by command line: create, list, show, change, suspend, resume"):
        desk.run("tenant", "create", "echo", "--blueprint", "hosting", "--owner-email", "owner@echo.example")
        changed = desk.run("tenant", "change", "echo", "--tier", "lite", "--quota", "keys=9", "--rate-limit", "2000/60")
        assert changed["quotas"]["keys"] == 9 and changed["rate_limit"]["requests"] == 2000, changed
        desk.run("tenant", "suspend", "echo")
        assert desk.run("tenant", "show", "echo")["state"] == "suspended"
        desk.run("tenant", "resume", "echo")
        assert [row["slug"] for row in desk.run("tenant", "list")["data"]][-1] == "echo"
    with checks("P2 P6 Tuesday, by command line: tenants are found by filter and order; the list says whose they are"):
        for words, found in (
                (["--tier", "pro", "--tier", "lite", "--sort=-name"], ["echo", "dune", "cube", "bolt", "acme"]),
                (["--blueprint", "hosting", "--find", "ac"], ["acme"]), (["--state", "suspended"], []),
                (["--owner-email", "owner@acme.example"], ["acme"])):
            assert [row["slug"] for row in desk.run("tenant", "list", *words)["data"]] == found, words
        assert "owner@acme.example" in desk.told("tenant", "list")
    with checks("P6 P9 Tuesday, by command line: how the node and its tenants are, and what blueprints it has"):
        assert desk.run("node", "attention")["troubled"] == 0 and "troubled: 0" in desk.told("node", "attention")
        assert "GROUP" in desk.told("node", "show")
        told = desk.told("traffic", "--tenant", "acme", "--tenant", "bolt")
        assert "acme" in told and "bolt" in told and len(desk.run("traffic", "--tenant", "acme")["data"]) == 1, told
        assert {"hosting", "codes"} <= {row["name"] for row in desk.run("blueprint", "list")["data"]}
        assert "acme" in [row["slug"] for row in desk.run("placement")["data"]]
        assert desk.run("provider-key", "show", desk.console["id"])["name"] == "console"
    with checks("P6 P8 P9 Tuesday, the same by the API"):
        assert desk("GET", "/attention")["data"] == [] and desk("GET", "/node")["version"]
        assert [row["slug"] for row in desk("GET", "/traffic?tenant=acme,bolt")["data"]] == ["acme", "bolt"]
        assert {"hosting", "codes"} <= {row["name"] for row in desk("GET", "/blueprints")["data"]}
        assert desk("GET", "/placement")["data"] == desk.run("placement")["data"]
        assert desk("GET", f"/provider-keys/{desk.console['id']}")["name"] == "console"
    with checks("P8 Tuesday evening: the provider's log has what this key did, and what was done on the machine"):
        own = desk("GET", f"/log?limit=100&key={desk.console['id']}")["data"]
        done = [(line["action"], line["tenant"]) for line in own[::-1]]
        assert done[0] == ("provider_key.rotated", None) and ("tenant.suspended", "cube") in done, done
        assert done[-1] == ("tenant.resumed", "cube") and {line["key_name"] for line in own} == {"console"}, done
        as_file = desk("GET", f"/log.csv?key={desk.console['id']}").body.decode()
        assert len(list(csv.reader(io.StringIO(as_file)))) == 1 + len(own), as_file
        assert desk.run("log", "--by-key", desk.console["id"], "--limit", "100")["data"] == own
        by_hand = desk.run("log", "--tenant", "echo", "--action", "tenant.suspended")["data"]
        assert [line["via"] for line in by_hand] == ["control_socket"], by_hand


def wednesday_owners(checks, desk):
    gateway = desk.gateway

    def set_password(url, password):
        return gateway.post(url.removeprefix(gateway.base_url), {"password": password}).status

    def signs_in(slug, email, password):
        return gateway.post(f"/t/{slug}/api/admin/session", {"email": email, "password": password}).status

    with checks("P10 Wednesday: an owner has lost the link, another was somebody else: invitation and address anew"):
        lost = desk("POST", "/tenants/bolt/invitation", None, 201)["invitation_url"]
        link = desk("POST", "/tenants/bolt/invitation", None, 201)["invitation_url"]
        assert set_password(lost, "too late it is") == 404 and set_password(link, "a new password") == 200
        assert signs_in("bolt", "owner@bolt.example", "a new password") == 200
        changed = desk("PATCH", "/tenants/bolt", {"owner_email": "Next@bolt.example"})
        assert changed["owner_email"] == "next@bolt.example", changed
        assert signs_in("bolt", "owner@bolt.example", "a new password") == 401
        assert set_password(changed["invitation_url"], "the next owner's") == 200
        assert signs_in("bolt", "next@bolt.example", "the next owner's") == 200
    with checks("P2 P4 Wednesday: a tenant gets host names of its own and another owner key, another its money back"):
        named = desk("PATCH", "/tenants/acme", {"domains": [{"host": "api.acme.example"}]})
        assert named["domains"] == ["api.acme.example"], named
        assert gateway.get("/api/admin/settings", headers={"Host": "api.acme.example"}).status == 401
        owner_key = desk("POST", "/tenants/acme/owner-key", None, 201)["owner_key"]
        assert gateway.get("/t/acme/api/admin/settings", key=owner_key).status == 200
        desk("POST", "/tenants", {"slug": "gone", "blueprint": "codes", "owner_email": "o@gone.example"}, 201)
        assert desk("POST", "/tenants/gone/refund")["state"] == "refunded"
        desk("DELETE", "/tenants/gone?confirm=gone", status=204)
    with checks("P2 P4 P6 Wednesday, by command line: host names, another owner key, a refund"):
        named = desk.run("tenant", "change", "echo", "--domain", "api.echo.example")
        assert named["domains"] == ["api.echo.example"], named
        assert desk.run("tenant", "change", "echo", "--no-domains")["domains"] == []
        owner_key = desk.run("tenant", "owner-key", "echo")["owner_key"]
        assert gateway.get("/t/echo/api/admin/settings", key=owner_key).status == 200
        desk.run("tenant", "create", "back", "--blueprint", "codes", "--owner-email", "o@back.example")
        assert desk.run("tenant", "refund", "back")["state"] == "refunded"
        desk.told("tenant", "delete", "back", "--confirm", "back")
    with checks("P4 P10 Wednesday: a cancellation and a deletion with its grace are both taken back"):
        assert desk("POST", "/tenants/dune/cancel")["ends_at"]
        assert desk("DELETE", "/tenants/dune/cancel")["ends_at"] is None
        desk("DELETE", "/tenants/dune?confirm=dune&after_days=2", status=204)
        assert desk("GET", "/tenants/dune")["deletes_at"]
        assert desk("DELETE", "/tenants/dune/deletion")["deletes_at"] is None
    with checks("P4 P6 P10 Wednesday, by command line: invite, owner, cancel --undo, delete --after-days, undelete"):
        assert "/invite/" in desk.run("tenant", "invite", "echo")["invitation_url"]
        assert desk.run("tenant", "owner", "echo", "else@echo.example")["owner_email"] == "else@echo.example"
        assert desk.run("tenant", "cancel", "echo")["ends_at"]
        assert desk.run("tenant", "cancel", "echo", "--undo")["ends_at"] is None
        assert "erased at" in desk.told("tenant", "delete", "echo", "--confirm", "echo", "--after-days", "2")
        assert desk.run("tenant", "undelete", "echo")["deletes_at"] is None
        desk("DELETE", "/tenants/cube?confirm=cube&after_days=2", status=204)


def stocked(gateway, slug):
    """A tenant that sells: its shop, a reseller with money, a product."""
    shop = Shop(gateway, slug)
    reseller, sku = shop.reseller(balance="1000.00"), shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "2.50"})
    return shop, reseller, sku


def thursday_usage(checks, desk, shop, reseller, sku):
    with checks("P9 Thursday: the month's use, and a quota that is told of at 80 % and at 100 %, once each"):
        before = desk("GET", "/usage?tenant=sells")["data"][0]
        assert shop.order(reseller, sku, quantity=2).status == 201
        assert shop.get(reseller, "/orders/ord_nobodys").status == 404
        now = desk("GET", f"/usage?tenant=sells&month={before['month']}")["data"][0]
        grown = [now[name] - before[name] for name in ("requests", "refusals", "orders")]
        assert grown == [2, 1, 1] and now["turnover"] == "5.00", (before, now)
        desk("PATCH", "/tenants/sells", {"quotas": {"keys": 5}})
        for action, keys, level in (("tenant.quota_warning", 2, 80), ("tenant.quota_reached", 1, 100)):
            for _ in range(keys):
                assert shop.mint(reseller).status == 201
            line, = wait_until(lambda: desk("GET", f"/log?tenant=sells&action={action}")["data"])
            assert line["detail"] == {"quota": "keys", "level": level, "used": level // 20, "most": 5}, line
        assert shop.mint(reseller).json["code"] == "quota_exceeded"
        assert [line["kind"] for line in shop.admin("GET", "/attention").json["data"]] == ["quotas"]
    with checks("P6 P9 Thursday, by command line: usage, and the same as a file"):
        assert desk.run("usage", "--tenant", "sells")["data"][0]["turnover"] == "5.00"
        path = desk.file("usage.csv")
        desk.told("usage", "--month", now["month"], "--output", path)
        with open(path, encoding="utf-8") as out:
            rows = {row["tenant"]: (row["turnover"], row["orders"]) for row in csv.DictReader(out)}
        # What was used is kept of those that are erased, too.
        assert list(rows) == ["acme", "back", "bolt", "cube", "dune", "echo", "gone", "sells"], rows
        assert rows["sells"] == ("5.00", "1"), rows
        both = [word for name in ("warning", "reached") for word in ("--action", f"tenant.quota_{name}")]
        assert [line["detail"]["level"] for line in desk.run("log", "--tenant", "sells", *both)["data"]] == [100, 80]
        desk.run("tenant", "change", "sells", "--quota", "keys=500")


def friday_move(checks, desk, other, shop, reseller, sku):
    words = {"Tollgate-Passphrase": WORDS}
    first, by_hand = shop.order(reseller, sku, key="before-the-move"), shop.product("manual")
    shop.price(reseller, by_hand, {"wholesale_monthly": "40.00"})
    waiting = shop.order(reseller, by_hand).json["order"]["id"]
    there = copy.copy(shop)
    there.gateway = other
    new = f"{other.base_url}/t/sells"
    with checks("P10 Friday: a tenant moves to a second node: sealed, taken out with its secrets, taken in, confirmed"):
        assert desk("POST", "/tenants/sells/move", {"base_url": new})["moved_to"] == new
        bundle = desk("GET", "/tenants/sells/export?with_secrets=true", headers=words)
        taken = desk("POST", "/tenants/import", bundle.body, 201, gateway=other, key=other.provider_key, headers=words)
        assert taken["id"] == shop.made["id"] and taken["incarnation"] == 2, taken
        assert desk("POST", "/tenants/sells/move/confirm")["state"] == "moved"
    with checks("P10 Friday: the old address says where it went; keys, secrets and orders go on at the new one"):
        gone = shop.get(reseller, "/balance")
        assert gone.status == 403 and gone.json["code"] == "tenant_moved" and gone.json["base_url"] == new, gone
        assert shop.order(reseller, sku).json["code"] == "tenant_moved"
        again = there.order(reseller, sku, key="before-the-move")
        assert again.body == first.body and again.headers["idempotency-hit"] == "true", again
        assert there.order(reseller, sku).status == 201 and there.balance(reseller) == 950
        assert there.admin("POST", "/outbound/resume").status == 200
        assert there.admin("POST", f"/orders/{waiting}/activate", {}).json["state"] == "completed"
        verified_export(other, "sells", "--head", first.headers["audit-head"])
    with checks("P6 P10 Friday, by command line: tenant move does it all, and taken out and in by hand as well"):
        desk.told("tenant", "move", "acme", "--to", other.base_url, "--to-key", other.provider_key)
        assert desk.run("tenant", "show", "acme")["moved_to"] == f"{other.base_url}/t/acme"
        bundle, file = desk.file("bolt.bundle"), desk.file("words", WORDS + "\n")
        desk.told("tenant", "export", "bolt", "--output", bundle, "--with-secrets", "--passphrase-file", file)
        line = ["tenant", "import", "--input", bundle, "--passphrase-file", file, "--slug", "bolt-2"]
        assert desk.run(*line, gateway=other)["slug"] == "bolt-2"
        assert desk.run("tenant", "show", "acme", gateway=other)["state"] == "active"
        for slug in ("acme", "bolt", "sells"):
            desk.told("tenant", "delete", slug, "--confirm", slug)


def saturday_backup(checks, desk, options):
    shop, reseller, sku = stocked(desk.gateway, "busy")
    folder, file, data = desk.file("backup"), desk.file("words", WORDS + "\n"), desk.file("node")
    answered, ended = [], threading.Event()

    def shopping():
        while not ended.is_set() and len(answered) < 300:
            answered.append(shop.order(reseller, sku).json["order"]["id"])

    with checks("P11 Saturday: the node is backed up while it serves, and the backup proved tenant by tenant"):
        shopper = threading.Thread(target=shopping)
        shopper.start()
        try:
            wait_until(lambda: len(answered) > 5)
            before = list(answered)
            desk.run("backup", folder, "--passphrase-file", file)
        finally:
            ended.set()
            shopper.join()
        proved = command(options.tollgate, "backup", "verify", folder, "--passphrase-file", file)
        assert proved.returncode == 0 and "4 tenants sound, 0 not" in proved.stdout, proved
        assert len(desk("GET", "/backup").body) > 1_000_000
    with checks("P11 Saturday: restore-node makes a node of it in an empty folder, which starts, serves and verifies"):
        assert command(
            options.tollgate, "restore-node", folder, "--data", data, "--passphrase-file", file).returncode == 0
        with Gateway(options.tollgate, data=data, demo=False) as node:
            node.first_key = desk.console["key"]
            there = copy.copy(shop)
            there.gateway = node
            for order in before:
                assert there.get(reseller, f"/orders/{order}").status == 200, order
            assert there.order(reseller, sku).status == 201
            verified_export(node, "busy")


def sunday_later(checks, desk, keys):
    with checks("P8 P10 Sunday: what had an end has ended, what was taken back has not, what was put off is erased"):
        def status(key, path="/tenants"):
            return desk.gateway.get(API + path, key=key).status

        assert status(keys["guest"]) == status(keys["old"]) == 200
        desk.gateway.jump(3 * DAY)
        wait_until(lambda: status(desk.console["key"], "/tenants/cube") == 404)
        assert status(keys["guest"]) == status(keys["old"]) == 401 and status(keys["first"]) == 200
        assert desk("GET", "/tenants/dune")["state"] == desk("GET", "/tenants/echo")["state"] == "active"
        last = [(line["action"], line["via"]) for line in desk.run("log", "--tenant", "cube", "--limit", "2")["data"]]
        assert last == [("tenant.deleted", "node"), ("tenant.deleting", "node")], last


def main():
    options = arguments()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, \
            Gateway(options.tollgate, "--clock-leap", "720", demo=False, clock=True) as gateway, \
            Gateway(options.tollgate, demo=False) as other:
        desk = Desk(gateway, folder)
        keys = monday_keys(checks, desk)
        tuesday_tenants(checks, desk)
        wednesday_owners(checks, desk)
        sells = stocked(gateway, "sells")
        thursday_usage(checks, desk, *sells)
        friday_move(checks, desk, other, *sells)
        saturday_backup(checks, desk, options)
        sunday_later(checks, desk, keys)
    checks.finish()


if __name__ == "__main__":
    main()
