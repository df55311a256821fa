#!/usr/bin/env python3
"""The provider's keys and its log (P8): roles, ends, last use, rotation with overlap, the last key that may do
everything, and who did what to which tenant."""

import csv
from datetime import datetime, timezone
import io
import json
import os
import re
import socket
import threading

from endpoints import EVERY
from shop import Shop
from support import ROOT, Checks, Gateway, arguments, command, together, wait_until

API = "/provider/v1"
KEY = {"id", "name", "role", "prefix", "created_at", "expires_at", "last_used_at", "revoked_at"}


class Keys:
    """The provider's API, under a key that may do everything and that nobody takes away."""

    def __init__(self, gateway):
        self.gateway = gateway

    @property
    def key(self):
        return self.gateway.provider_key

    def take(self, key):
        """The key from now on."""
        self.gateway.first_key = key

    def later(self, seconds):
        """So many seconds from now, by the gateway's clock."""
        return datetime.fromtimestamp(int(self.gateway.now()) + seconds, timezone.utc).isoformat()

    def __call__(self, method, path, body=None, **options):
        options.setdefault("key", self.key)
        return self.gateway.request(method, API + path, body, **options)

    def made(self, **fields):
        answer = self("POST", "/provider-keys", {"name": "a key", **fields})
        assert answer.status == 201, answer
        return answer.json

    def log(self, **filters):
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        answer = self("GET", f"/log?limit=100&{query}")
        assert answer.status == 200, answer
        return answer.json["data"]


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        keys = Keys(gateway)
        making(checks, keys)
        reading(checks, keys)
        rotating(checks, keys)
        revoking(checks, keys)
        logging(checks, keys)
        exporting(checks, keys)
        changes(checks, keys)
        described(checks, keys)
        handing_out(checks, keys)
        commanding(checks, keys)
        surviving(checks, keys)
    checks.finish()


def making(checks, keys):
    with checks("P8 a key is made with name, role and end, and shown this once; without a role it reads"):
        made = keys.made(name="console", role="admin", expires_at="2999-01-01T00:00:00Z")
        assert set(made) == KEY | {"key"} and made["id"].startswith("pkey_"), made
        assert (made["name"], made["role"]) == ("console", "admin") and made["key"].startswith("tgp_live_"), made
        assert made["expires_at"] == "2999-01-01T00:00:00.000Z", made
        assert made["key"].startswith(made["prefix"]) and made["last_used_at"] is None, made
        assert keys("GET", "/tenants", key=made["key"]).status == 200
        assert keys.made(name="monitor")["role"] == "read"
        read = keys("GET", f"/provider-keys/{made['id']}")
        assert read.status == 200 and set(read.json) == KEY and made["key"] not in read.body.decode(), read
    with checks("P8 the list has every key, page by page, and no secret; its last use is there at once"):
        rows, cursor = [], ""
        while cursor is not None:
            page = keys("GET", f"/provider-keys?limit=2{cursor and '&cursor=' + cursor}").json
            rows += page["data"]
            cursor = page["next_cursor"]
        assert all(set(row) == KEY for row in rows) and len({row["id"] for row in rows}) == len(rows) >= 3, rows
        used = {row["name"]: row["last_used_at"] for row in rows}
        assert used["console"] and used["provider"] and used["monitor"] is None, used
    with checks("P8 a wrong field is named, and nothing is made"):
        count = len(keys("GET", "/provider-keys?limit=100").json["data"])
        for body, pointer in [
                ({}, "/name"), ({"name": ""}, "/name"), ({"name": "x" * 101}, "/name"), ({"name": "a\nb"}, "/name"),
                ({"name": "x", "role": "owner"}, "/role"),
                ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
                ({"name": "x", "expires_at": "tomorrow"}, "/expires_at"), ({"name": "x", "scopes": []}, "/scopes")]:
            refused = keys("POST", "/provider-keys", body)
            assert refused.status == 422 and pointer in [e["pointer"] for e in refused.json["errors"]], (body, refused)
        assert len(keys("GET", "/provider-keys?limit=100").json["data"]) == count
        for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/rotate")]:
            assert keys(method, f"/provider-keys/pkey_nobodys{path}").status == 404
    with checks("P8 a key whose end has come opens nothing"):
        ending = keys.made(name="ending", role="admin", expires_at=keys.later(3_600))
        assert keys("GET", "/tenants", key=ending["key"]).status == 200
        keys.gateway.jump(3_601)
        assert wait_until(lambda: keys("GET", "/tenants", key=ending["key"]).status == 401)
        assert keys("POST", "/provider-keys", {"name": "x"}, key=ending["key"]).json["code"] == "unknown_key"
        refused = keys("POST", f"/provider-keys/{ending['id']}/rotate")
        assert (refused.status, refused.json["code"]) == (409, "provider_key_expired"), refused


def reading(checks, keys):
    shop = Shop(keys.gateway)
    reader = keys.made(name="monitor", role="read")["key"]
    with checks("P8 a key of role read has tenants, usage, the log and metrics"):
        for path in ("/tenants", f"/tenants/{shop.slug}", "/usage", "/usage.csv", "/log", "/log.csv", "/log.jsonl",
                     "/attention", f"/traffic?tenant={shop.slug}", "/node", "/nodes", "/placement"):
            assert keys("GET", path, key=reader).status == 200, path
            assert keys("HEAD", path, key=reader).status == 200, path
        assert keys.gateway.get("/metrics", key=reader).status == 200
        assert keys.gateway.get(API + "/openapi.json", key=reader).status == 200
    with checks("P8 a key of role read changes nothing and gets no export, key or copy: 403, and nothing is done"):
        described = keys.gateway.get(API + "/openapi.json").json["paths"]
        readable = {"/tenants", "/tenants/{slug}", "/usage", "/usage.csv", "/log", "/log.csv", "/log.jsonl",
                    "/attention", "/traffic", "/node", "/nodes", "/placement", "/openapi.json"}
        tried = 0
        before = keys("GET", f"/tenants/{shop.slug}").json
        for path, operations in described.items():
            for method in operations:
                if method == "get" and path in readable:
                    continue
                address = path.replace("{slug}", shop.slug).replace("{key}", "pkey_x") + (
                    f"?confirm={shop.slug}" if method == "delete" else "")
                refused = keys(method.upper(), address, None if method in ("get", "delete") else {}, key=reader)
                assert refused.status == 403 and refused.json["code"] == "admin_key_only", (method, path, refused)
                assert refused.headers.get("x-ratelimit-remaining"), refused.headers
                tried += 1
        assert tried >= 18, tried
        assert keys("GET", f"/tenants/{shop.slug}").json["state"] == before["state"] == "active"
        assert keys("GET", "/nowhere", key=reader).status == 404
    with checks("P8 G2 the calls of a reading key draw on the provider's one limit, refused ones too"):
        def left(answer):
            return int(answer.headers["x-ratelimit-remaining"])
        first = left(keys("GET", "/tenants", key=reader))
        for _ in range(20):
            last = keys("POST", "/provider-keys", {"name": "x"}, key=reader)
            assert last.status == 403
        other = left(keys("GET", "/tenants"))
        # 1,000 a second come back.
        assert max(first, other) <= 60_000, (first, other)
        assert last.headers["ratelimit-policy"] == '"provider";q=60000;w=60', last.headers


def rotating(checks, keys):
    with checks("P8 a rotation with overlap: both secrets open the key until it is over"):
        made = keys.made(name="rotated", role="admin")
        rotated = keys("POST", f"/provider-keys/{made['id']}/rotate", {"overlap_seconds": 600})
        assert rotated.status == 200 and rotated.json["id"] == made["id"], rotated
        assert rotated.json["key"] != made["key"], rotated
        assert rotated.json["name"] == "rotated" and rotated.json["key"].startswith(rotated.json["prefix"])
        for key in (made["key"], rotated.json["key"]):
            assert keys("GET", "/tenants", key=key).status == 200
        keys.gateway.jump(601)
        assert wait_until(lambda: keys("GET", "/tenants", key=made["key"]).status == 401)
        assert keys("GET", "/tenants", key=rotated.json["key"]).status == 200
    with checks("P8 G3 without overlap the old secret is dead; a second rotation leaves no third secret"):
        first = rotated.json["key"]
        second = keys("POST", f"/provider-keys/{made['id']}/rotate").json["key"]
        assert keys("GET", "/tenants", key=first).status == 401 and keys("GET", "/tenants", key=second).status == 200
        third = keys("POST", f"/provider-keys/{made['id']}/rotate", {"overlap_seconds": 600}).json["key"]
        fourth = keys("POST", f"/provider-keys/{made['id']}/rotate", {"overlap_seconds": 600}).json["key"]
        seen = [keys("GET", "/tenants", key=key).status for key in (second, third, fourth)]
        assert seen == [401, 200, 200], seen
        for body in ({"overlap_seconds": -1}, {"overlap_seconds": 31 * 86_400}, {"overlap_seconds": "1"}):
            assert keys("POST", f"/provider-keys/{made['id']}/rotate", body).status == 422, body
    with checks("P8 a key may give itself another secret; of two rotations at once by the same secret one is answered"):
        alone = keys.made(name="alone", role="admin")
        answers = together([
            lambda: keys("POST", f"/provider-keys/{alone['id']}/rotate", {}, key=alone["key"]) for _ in range(4)])
        assert sorted(answer.status for answer in answers) == [200, 401, 401, 401], answers
        new = next(answer.json["key"] for answer in answers if answer.status == 200)
        assert keys("GET", "/tenants", key=new).status == 200


def revoking(checks, keys):
    with checks("P8 G3 a revoked key opens nothing from the answer on; a second revocation and a rotation are 409"):
        made = keys.made(name="gone", role="admin")
        revoked = keys("DELETE", f"/provider-keys/{made['id']}")
        assert revoked.status == 200 and revoked.json["revoked_at"], revoked
        assert keys("GET", "/tenants", key=made["key"]).status == 401
        assert keys("DELETE", f"/provider-keys/{made['id']}").json["code"] == "provider_key_revoked"
        assert keys("POST", f"/provider-keys/{made['id']}/rotate").json["code"] == "provider_key_revoked"
    with checks("P8 G3 no effect of a key comes after the answer to its revocation"):
        made = keys.made(name="busy", role="admin")
        slugs, done = [], threading.Event()

        def work():
            number = 0
            while not done.is_set():
                number += 1
                answer = keys("POST", "/tenants", {
                    "slug": f"late-{number}", "blueprint": "hosting", "owner_email": "o@late.example",
                    "password": "long enough"}, key=made["key"])
                if answer.status == 401:
                    return
                assert answer.status == 201, answer
                slugs.append(f"late-{number}")

        worker = threading.Thread(target=work)
        worker.start()
        assert wait_until(lambda: len(slugs) >= 2)
        assert keys("DELETE", f"/provider-keys/{made['id']}").status == 200
        there = {row["slug"] for row in keys("GET", "/tenants?q=late&limit=100").json["data"]}
        done.set()
        worker.join(30)
        after = {row["slug"] for row in keys("GET", "/tenants?q=late&limit=100").json["data"]}
        assert after == there, after - there
    with checks("P8 the last key that may do everything is revoked over the control socket alone: 409 to anybody else"):
        others = [row for row in keys("GET", "/provider-keys?limit=100").json["data"]
                  if row["role"] == "admin" and not row["revoked_at"]]
        own = next(row for row in others if row["name"] == "provider")
        ended = [row for row in others if row["name"] == "ending"]
        assert ended, others
        for row in others:
            if row["id"] != own["id"]:
                assert keys("DELETE", f"/provider-keys/{row['id']}").status == 200, row
        keys.made(name="a reader is no way back", role="read")
        refused = keys("DELETE", f"/provider-keys/{own['id']}")
        assert refused.status == 409 and refused.json["code"] == "last_admin_key", refused
        assert keys("GET", "/tenants").status == 200
        spare = keys.made(name="spare", role="admin")
        assert keys("DELETE", f"/provider-keys/{own['id']}", key=spare["key"]).status == 200
        done = keys.gateway.command("provider-key", "revoke", spare["id"], "--json")
        assert done.returncode == 0 and json.loads(done.stdout)["revoked_at"], done
        assert keys("GET", "/tenants", key=spare["key"]).status == 401
        fresh = keys.gateway.command("provider-key", "mint", "back", "--role", "admin", "--json")
        assert fresh.returncode == 0, fresh
        keys.take(json.loads(fresh.stdout)["key"])
        assert keys("GET", "/tenants").status == 200
    with checks("P8 of two keys that revoke each other at once one is left"):
        pair = [keys.made(name=f"pair {number}", role="admin") for number in range(2)]
        root = next(row for row in keys("GET", "/provider-keys?limit=100").json["data"] if row["name"] == "back")
        assert keys("DELETE", f"/provider-keys/{root['id']}", key=pair[0]["key"]).status == 200
        answers = together([
            lambda mine=mine, other=other: keys("DELETE", f"/provider-keys/{other['id']}", key=mine["key"])
            for mine, other in (pair, pair[::-1])])
        assert sorted(answer.status for answer in answers) in ([200, 401], [200, 409]), answers
        left = [key for key in pair if keys("GET", "/tenants", key=key["key"]).status == 200]
        assert len(left) == 1, left
        keys.take(left[0]["key"])


def logging(checks, keys):
    gateway = keys.gateway
    with checks("P8 the log says who did what to which tenant, when, and by which call"):
        actor = keys.made(name="=the console", role="admin")
        shop = Shop(gateway, password="correct horse")
        asked = keys("PATCH", f"/tenants/{shop.slug}", {"tier": "standard", "quotas": {"keys": 77}}, key=actor["key"])
        assert asked.status == 200, asked
        keys("POST", f"/tenants/{shop.slug}/suspend", key=actor["key"])
        gateway.command("tenant", "resume", shop.slug)
        keys("GET", f"/tenants/{shop.slug}/export", key=actor["key"])
        keys("POST", f"/tenants/{shop.slug}/owner-key", key=actor["key"])
        lines = keys.log(tenant=shop.slug)
        actions = [line["action"] for line in lines]
        assert actions == [
            "tenant.owner_key", "tenant.exported", "tenant.resumed", "tenant.suspended", "tenant.changed",
            "tenant.created"], actions
        changed = lines[4]
        assert changed["key"] == actor["id"] and changed["key_name"] == "=the console" and changed["via"] == "key"
        assert changed["request_id"] == asked.headers["request-id"] and changed["at"].endswith("Z"), changed
        assert changed["detail"] == {"tier": "standard", "quota_keys": 77}, changed
        assert changed["tenant"] == shop.slug and len(changed["tenant_id"]) == 36, changed
        assert (lines[2]["via"], lines[2]["key"]) == ("control_socket", None), lines[2]
        made = keys.log(action="provider_key.made")[0]
        assert made["detail"]["key"] == actor["id"] and made["tenant"] is None, made
        assert actor["key"] not in json.dumps(keys.log()), "a secret stands in the log"
    with checks("P8 what was refused is in no log; a restore that was not signed says so"):
        count = len(keys.log())
        assert keys("POST", f"/tenants/{shop.slug}/resume").status == 409
        assert keys("PATCH", f"/tenants/{shop.slug}", {"tier": "huge"}).status == 422
        assert len(keys.log()) == count
    with checks("P8 the log is filtered by tenant, action, key, from and to, each by itself and together, and paged"):
        everything = keys.log()
        assert [line["seq"] for line in everything] == sorted((line["seq"] for line in everything), reverse=True)
        by_id = keys.log(tenant=lines[0]["tenant_id"])
        assert by_id == lines
        assert {line["key"] for line in keys.log(key=actor["id"])} == {actor["id"]}
        two = keys.log(action="tenant.suspended,tenant.resumed", tenant=shop.slug)
        assert [line["action"] for line in two] == ["tenant.resumed", "tenant.suspended"], two
        since = keys.log(tenant=shop.slug, **{"from": changed["at"]})
        assert [line["seq"] for line in since] == [line["seq"] for line in lines if line["at"] >= changed["at"]]
        until = keys.log(tenant=shop.slug, to=changed["at"])
        assert [line["seq"] for line in until] == [line["seq"] for line in lines if line["at"] < changed["at"]]
        for query, code in (("tenant=nobody", "tenant_not_found"), ("key=pkey_x", "provider_key_not_found"),
                            ("tenant=nobody&key=pkey_x", "tenant_not_found")):
            for path in ("/log", "/log.csv", "/log.jsonl"):
                unknown = keys("GET", f"{path}?{query}")
                assert unknown.status == 404 and unknown.json["code"] == code, (path, query, unknown)
        assert keys.log(tenant=shop.slug, to="2001-01-01") == [] and keys.log(key=actor["id"], to="2001-01-01") == []
        paged, cursor = [], ""
        while cursor is not None:
            page = keys("GET", f"/log?limit=3&tenant={shop.slug}{cursor and '&cursor=' + cursor}").json
            paged += page["data"]
            cursor = page["next_cursor"]
        assert paged == lines
        for query in ("action=Tenant", "action=", "from=x", "to=x", "from=2026-02-02&to=2026-01-01", "tenant=",
                      "limit=0"):
            assert keys("GET", f"/log?{query}").status == 422, query
        assert keys("GET", "/log?who=x").status == 400
        for method in ("POST", "DELETE", "PUT", "PATCH"):
            assert keys(method, "/log").status in (404, 405), method


def changes(checks, keys):
    gateway = keys.gateway
    with checks("P2 P8 a change is told by what it changed alone; one that changes nothing is in no log"):
        own = Shop(gateway, tier="lite")
        path = f"/tenants/{own.slug}"

        def told(body):
            before = keys.log(tenant=own.slug)
            changed = keys("PATCH", path, body)
            assert changed.status == 200, changed
            return [line["detail"] for line in keys.log(tenant=own.slug)[:-len(before)]]

        limit = {"requests": 60, "window_seconds": 60, "burst": 60}
        given = {"tier": "lite", "quotas": {"keys": 9}, "rate_limit": limit, "domains": ["told.own.example"]}
        assert told(given) == [{"quota_keys": 9, "rate_limit": limit, "domains": ["told.own.example"]}]
        whole = keys("GET", path).json
        for body in (given, whole, {"tier": "lite"}, {"quotas": {"keys": 9}}, {"quotas": {"bytes": None}},
                     {"rate_limit": limit}, {"domains": ["told.own.example"]}, {"owner_email": whole["owner_email"]}):
            assert told(body) == [], body
        assert told({**whole, "tier": "pro"}) == [{"tier": "pro"}]
        assert told({"tier": "pro", "rate_limit": None}) == [{"rate_limit": None}]
        # What the tier says is the tenant's own from now on.
        pro = keys("GET", path).json["quotas"]["resellers"]
        assert told({"quotas": {"resellers": pro}}) == [{"quota_resellers": pro}]


def described(checks, keys):
    with checks("P8 B2 docs/provider-api.md names every action that the log has; a fork is one of them"):
        shop = Shop(keys.gateway)
        forked = keys("POST", f"/tenants/{shop.slug}/fork", {"slug": "told-fork"})
        assert forked.status == 201, forked
        assert [line["action"] for line in keys.log(tenant="told-fork")] == ["tenant.forked"]
        with open(os.path.join(ROOT, "docs", "provider-api.md"), encoding="utf-8") as file:
            table = file.read().split("| action | |\n", 1)[1].split("\n\n", 1)[0]
        named = set()
        for row in table.splitlines():
            thing = ""
            # `tenant.created`, `.changed`
            for name in re.findall(r"`([^`]+)`", row.split("|")[1]):
                thing, dot, act = name.partition(".") if not name.startswith(".") else (thing, ".", name[1:])
                named.add(thing + dot + act)
        assert named >= {"tenant.created", "tenant.changed", "tenant.adopted", "node.backed_up"}, named
        assert {line["action"] for line in keys.log()} <= named, named


def exporting(checks, keys):
    with checks("P8 the log is exported as CSV and JSON Lines, filtered alike; a formula is guarded"):
        lines = keys.log()
        answer = keys("GET", "/log.jsonl")
        # Whoever exports is told of before it looks.
        told = [json.loads(line) for line in answer.body.decode().splitlines()]
        assert answer.headers["content-type"].startswith("application/jsonl")
        assert told[:len(lines)] == lines and [line["seq"] for line in told][-1] == 1, (told[:2], lines[:2])
        answer = keys("GET", "/log.csv?action=tenant.changed")
        rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
        assert rows and {row["action"] for row in rows} == {"tenant.changed"}, rows
        assert rows[0]["key_name"] == "'=the console" and json.loads(rows[0]["detail"])["tier"] == "standard", rows[0]
        assert 'filename="log.csv"' in answer.headers["content-disposition"]


def handing_out(checks, keys):
    gateway = keys.gateway
    shop, key = Shop(gateway, password="correct horse"), keys.made()["id"]
    with checks("P5 P8 P11 HEAD of any GET leaves no line: nothing was handed out"):
        known = keys.log()
        for endpoint in EVERY:
            if endpoint.api == API and endpoint.method == "GET":
                path = endpoint.path.format(slug=shop.slug, key=key)
                for query in ("", "?with_secrets=true"):
                    answer = keys("HEAD", path + query, headers={"Tollgate-Passphrase": "a good long passphrase"})
                    assert answer.status < 500 and answer.body == b"", (path, answer)
        assert keys("HEAD", f"/tenants/{shop.slug}/export").status == keys("HEAD", "/backup").status == 200
        assert keys.log() == known
    with checks("P5 P8 an export that the client breaks off is told as begun and as broken off"):
        begun = len(keys.log(action="tenant.exported"))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(os.path.join(gateway.data, "control.sock"))
            client.sendall(f"GET {API}/tenants/{shop.slug}/export HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert client.recv(1024).startswith(b"HTTP/1.1 200 ")
        wait_until(lambda: keys.log(action="tenant.export_broken_off"))
        (broken,) = keys.log(action="tenant.export_broken_off")
        told = keys.log(action="tenant.exported")
        assert len(told) == begun + 1 and told[0]["request_id"] == broken["request_id"], (told, broken)
        assert broken["tenant"] == shop.slug and broken["seq"] > told[0]["seq"], broken


def commanding(checks, keys):
    gateway = keys.gateway
    with checks("P6 P8 the same by command line: mint, list, rotate, revoke and the log, on the socket and by address"):
        made = json.loads(gateway.command("provider-key", "mint", "by hand", "--json").stdout)
        assert made["role"] == "read" and made["key"], made
        listed = gateway.command("provider-key", "list").stdout
        assert "by hand" in listed and made["id"] in listed and made["key"] not in listed, listed
        away = ("--url", gateway.base_url, "--key", keys.key)
        done = command(gateway.tollgate, "provider-key", "rotate", made["id"], "--overlap", "60", "--json", *away)
        assert done.returncode == 0, done
        rotated = json.loads(done.stdout)
        assert rotated["key"] != made["key"] and keys("GET", "/tenants", key=made["key"]).status == 200
        assert command(gateway.tollgate, "provider-key", "revoke", made["id"], *away).returncode == 0
        assert keys("GET", "/tenants", key=rotated["key"]).status == 401
        log = gateway.command("log", "--action", "provider_key.revoked", "--limit", "1").stdout
        assert "provider_key.revoked" in log, log
        path = gateway.data + "-log.csv"
        done = gateway.command("log", "--output", path, "--force")
        assert done.returncode == 0, done
        with open(path) as file:
            assert file.readline().startswith("seq,at,action"), path
        refused = gateway.command("provider-key", "rotate", "--overlap", "60")
        assert refused.returncode == 2, refused


def surviving(checks, keys):
    with checks("P8 G8 keys, roles, ends, last uses and the log are there after kill -9"):
        reader = keys.made(name="stays", role="read")
        assert keys("GET", "/tenants", key=reader["key"]).status == 200
        before = keys.log()
        rows = keys("GET", "/provider-keys?limit=100").json["data"]
        keys.gateway.kill()
        keys.gateway.start()
        assert keys.log() == before
        assert keys("GET", "/tenants", key=reader["key"]).status == 200
        assert keys("POST", "/provider-keys", {"name": "x"}, key=reader["key"]).status == 403
        forms = [{name: value for name, value in row.items() if name != "last_used_at"} for row in rows]
        again = keys("GET", "/provider-keys?limit=100").json["data"]
        assert [{name: value for name, value in row.items() if name != "last_used_at"} for row in again] == forms
    with checks("P8 a stop in order keeps when a key was last used"):
        used = {row["id"]: row["last_used_at"] for row in keys("GET", "/provider-keys?limit=100").json["data"]}
        keys.gateway.stop()
        keys.gateway.start()
        again = {row["id"]: row["last_used_at"] for row in keys("GET", "/provider-keys?limit=100").json["data"]}
        assert again[reader["id"]] == used[reader["id"]] is not None, (used, again)


if __name__ == "__main__":
    main()
