#!/usr/bin/env python3
"""B3, B4: a node's log goes to an archive as it grows, is followed there by a reader of our own during a storm with
kills, and makes a whole node again: to the last second, and of an earlier moment. Gateways of its own."""

import itertools
import json
import os
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

from support import Checks, Gateway, arguments, command, python_of_tests, verified_export, wait_until

# The reader opens seals: that takes a package of the tests' own interpreter.
if os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(python_of_tests()))):
    os.execv(python_of_tests(), [python_of_tests(), "-u", *sys.argv])

from archivereader import Reader  # noqa: E402
from nodecopies import metric, registry_files, stocked, until_shipped, wrapped_keys  # noqa: E402
from objectstore import BUCKET, Faulty, Moto, environment  # noqa: E402
from shop import PARTNER, Shop  # noqa: E402

PROVIDER = "/provider/v1"
options = arguments(kills="how many times the node is killed (4)")
checks = Checks()
CLIENTS = 6
# The promise. Where a kill comes in between, the second begins when the node serves again. A long run holds every order
# to it; a short one, beside others on a busy machine, the median.
BEHIND_SECONDS = 1.0
BEHIND_SECONDS_MAX = BEHIND_SECONDS if options.long else 30.0


def archived(folder, *more, **fields):
    return Gateway(options.tollgate, "--commits", "log", "--archive", folder, *more, demo=False, **fields)


def master_of(gateway):
    return os.path.join(gateway.data, "master.key")


def is_current(gateway):
    return metric(gateway, "tollgate_archive_tenants_without_copy") == 0 and (
        metric(gateway, "tollgate_archive_objects_total") > 0)


def until_current(gateway):
    """Everything that was told until now is in the archive."""
    wait_until(lambda: is_current(gateway), seconds=60)
    until_shipped(gateway)


def orders_in(database):
    table = database.execute("SELECT name FROM sqlite_schema WHERE name IN ('order', 'orders')").fetchone()[0]
    return {row[0] for row in database.execute(f'SELECT public_id FROM "{table}"')}


def orders_of(gateway, slug):
    with tempfile.NamedTemporaryFile() as copy:
        copy.write(verified_export(gateway, slug, "--all-signatures"))
        copy.flush()
        return orders_in(sqlite3.connect(copy.name))


class Storm:
    """Clients that order until the block ends, over every kill; `answered`: order, tenant, and when its answer came, by
    the wall clock, which the archive's files have too."""

    def __init__(self, gateway, shops):
        self.gateway, self.shops = gateway, shops
        self.answered, self.lock, self.ended = [], threading.Lock(), threading.Event()
        self.slowest = 0.0
        self.threads = [threading.Thread(target=self.client, args=(number,)) for number in range(CLIENTS)]

    def client(self, number):
        shop, reseller, sku = self.shops[number % len(self.shops)]
        for count in itertools.count():
            if self.ended.is_set():
                return
            began = time.time()
            try:
                answer = shop.order(reseller, sku, key=f"storm-{number}-{count}")
            except OSError:
                time.sleep(0.05)
                continue
            if answer.status == 201:
                with self.lock:
                    self.answered.append((answer.json["order"]["id"], shop.slug, time.time()))
                    self.slowest = max(self.slowest, time.time() - began)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        return False


class Follower:
    """The reader on a thread of its own. `arrived`: by order, when the object that has it was there."""

    def __init__(self, folder, gateway):
        self.folder, self.arrived, self.failures = folder, {}, []
        with open(master_of(gateway), "rb") as file:
            self.reader = Reader(folder, file.read(), self.took)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def took(self, reader, name, changed):
        at = os.stat(os.path.join(self.folder, name)).st_ctime
        for tenant in changed & set(reader.tenants):
            database = reader.tenants[tenant].database()
            for order in orders_in(database):
                self.arrived.setdefault(order, at)
            if random.random() < 0.1:
                sound = database.execute("PRAGMA integrity_check").fetchone()[0]
                if sound != "ok":
                    self.failures.append(f"{name}: {sound}")
            database.close()

    def run(self):
        try:
            while not self.ended.is_set():
                self.reader.follow()
                time.sleep(0.02)
            self.reader.follow()
        except Exception as error:
            self.failures.append(repr(error))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        return False


def storm(gateway, archive, folder):
    shops = [stocked(gateway, slug) for slug in ("alpha", "beta", "gamma")]
    until_current(gateway)
    # Each kill, and when the node served again.
    kills = []
    with Follower(archive, gateway) as follower:
        with Storm(gateway, shops) as load:
            for _ in range(options.kills or 4):
                seen = len(load.answered)
                wait_until(lambda: len(load.answered) > seen + 40, seconds=60)
                # At any moment of what the archive does.
                time.sleep(random.random())
                killed = time.time()
                gateway.kill()
                gateway.start()
                kills.append((killed, time.time()))
            seen = len(load.answered)
            # A node that is quick makes few objects of so many orders.
            wait_until(lambda: len(load.answered) > seen + 40 and follower.reader.objects > 10, seconds=60)
        until_current(gateway)
    with checks("B3 a reader of our own follows the archive over kills: always whole, each object behind the one "
                "before"):
        assert not follower.failures, follower.failures[:3]
        # A kill is no reason to begin anew: it would lose the moments before.
        nodes = os.listdir(os.path.join(archive, "log"))
        assert len(nodes) == 1, (nodes, gateway.errors())
        assert follower.reader.objects > 10, follower.reader.objects
    with checks("B3 what clients were told is in the archive within a second; after a kill, of the node's return"):
        late, lags = [], []
        for order, slug, at in load.answered:
            since = at
            for killed, returned in kills:
                if since < returned and killed <= since + BEHIND_SECONDS:
                    since = returned
            arrived = follower.arrived.get(order)
            if arrived is None or arrived > since + BEHIND_SECONDS_MAX:
                late.append((order, slug, arrived and arrived - at, arrived and arrived - since))
            if arrived is not None:
                lags.append(arrived - (at if arrived <= at + BEHIND_SECONDS else since))
        lags.sort()
        print(f"# {len(load.answered)} orders, {len(kills)} kills, {follower.reader.objects} objects; behind: median "
              f"{lags[len(lags) // 2]:.2f} s, last of a hundred {lags[len(lags) * 99 // 100]:.2f} s, "
              f"most {lags[-1]:.2f} s; "
              f"the slowest order took {load.slowest:.2f} s, "
              f"the slowest start {max(returned - killed for killed, returned in kills):.2f} s")
        assert not late, (len(late), late[:5])
        assert lags[len(lags) // 2] <= BEHIND_SECONDS, lags[len(lags) // 2]
    with checks("B3 the archive is never ahead: the node has whatever is in it, and in the end both have the same"):
        everything = set()
        for shop, _, _ in shops:
            own = orders_of(gateway, shop.slug)
            everything |= own
            tenant = bytes.fromhex(shop.made["id"].replace("-", ""))
            there = orders_in(follower.reader.tenants[tenant].database())
            assert there == own, (shop.slug, there ^ own)
            told = {order for order, slug, _ in load.answered if slug == shop.slug}
            assert told <= there, (shop.slug, told - there)
        # At no moment was anything there that the node lost in a kill.
        assert set(follower.arrived) <= everything, set(follower.arrived) - everything
    return shops, load


def made_anew(gateway, archive, folder, shops, load):
    key = ("--master-key", master_of(gateway))
    with checks("B3 restore-node makes a whole node of it, to the last second, under another master key"):
        middle = time.time()
        time.sleep(0.01)
        codes = Shop(gateway, "late", blueprint="codes")
        late = shops[0][0].order(shops[0][1], shops[0][2], key="late").json["order"]["id"]
        until_current(gateway)
        target = os.path.join(folder, "node")
        made = command(options.tollgate, "restore-node", "--archive", archive, "--data", target, *key, "--json")
        assert made.returncode == 0, made
        assert sorted(json.loads(made.stdout)["restored"]) == ["alpha", "beta", "gamma", "late"], made.stdout
        with open(os.path.join(target, "master.key"), "rb") as new, open(master_of(gateway), "rb") as old:
            assert new.read() != old.read()
        with Gateway(options.tollgate, data=target, demo=False) as node:
            node.first_key = gateway.provider_key
            for shop, _, _ in shops:
                assert orders_of(node, shop.slug) == orders_of(gateway, shop.slug), shop.slug
            assert node.get("/t/alpha" + PARTNER + "/balance", key=shops[0][1]["key"]).status == 200
            assert node.get("/t/late/api/reseller/plans").status == 200

    with checks("B3 the same of an earlier moment: what came later is not there, and everything before it is"):
        target = os.path.join(folder, "earlier")
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(middle)) + f".{int(middle % 1 * 1000):03}Z"
        made = command(options.tollgate, "restore-node", archive, "--data", target, "--at", at, *key, "--json")
        assert made.returncode == 0, made
        with Gateway(options.tollgate, data=target, demo=False) as node:
            node.first_key = gateway.provider_key
            there = orders_of(node, "alpha")
            assert late not in there and there == orders_of(gateway, "alpha") - {late}
            assert node.get("/t/late/api/reseller/plans").status in (401, 404)
            assert codes.made["id"]

    with checks("B3 a moment from before the first backup is refused, and the first one's time is named"):
        target = os.path.join(folder, "too-early")
        early = command(
            options.tollgate, "restore-node", archive, "--data", target, "--at", "2001-01-01T00:00:00Z", *key)
        found = re.search(r"it goes back to (\S+), when its first backup was made", early.stderr)
        assert early.returncode == 1 and found, early
        target = os.path.join(folder, "earliest")
        made = command(options.tollgate, "restore-node", archive, "--data", target, "--at", found.group(1), *key)
        assert "it goes back to" not in made.stderr, made

    with checks("B3 P11 a backup does not go where a node keeps its archive, nor is that pruned"):
        refused = gateway.command("backup", archive)
        assert refused.returncode == 1 and "goes elsewhere" in refused.stderr, refused
        pruned = command(options.tollgate, "backup", "prune", archive, "--keep", "1", *key)
        assert pruned.returncode == 1 and "only backups are pruned" in pruned.stderr, pruned

    with checks("B4 archive verify restores every tenant to a scratch folder, and proves it"):
        proved = command(options.tollgate, "archive", "verify", archive, *key, "--json")
        assert proved.returncode == 0 and len(json.loads(proved.stdout)["sound"]) == 4, proved


def locked(gateway, archive, folder, shops):
    key = ("--master-key", master_of(gateway))
    with checks("B3 B4 a tenant whose keys are there and do not open is told of by name, and not left out"):
        harmed = os.path.join(folder, "harmed")
        shutil.copytree(archive, harmed, ignore=shutil.ignore_patterns("unfinished-*"))
        shop = shops[1][0]
        keys = os.path.join(harmed, "keys")
        name, = [name for name in os.listdir(keys) if name.startswith(shop.made["id"])]
        with open(os.path.join(keys, name), "r+b") as file:
            file.seek(40)
            byte = file.read(1)
            file.seek(40)
            file.write(bytes([byte[0] ^ 1]))
        target = os.path.join(folder, "locked")
        made = command(options.tollgate, "restore-node", harmed, "--data", target, *key, "--json")
        assert made.returncode == 1, made
        answer = json.loads(made.stdout)
        assert [row["slug"] for row in answer["failed"]] == [shop.slug] and shop.slug not in answer["restored"], made
        proved = command(options.tollgate, "archive", "verify", harmed, *key, "--json")
        assert proved.returncode == 1, proved
        assert [row["slug"] for row in json.loads(proved.stdout)["faults"]] == [shop.slug], proved
    with checks("B3 B4 so is one whose keys were taken out by other hands, which is no deletion"):
        os.remove(os.path.join(keys, name))
        for words, member in [(("restore-node", harmed, "--data", os.path.join(folder, "keyless")), "failed"),
                              (("archive", "verify", harmed), "faults")]:
            told = command(options.tollgate, *words, *key, "--json")
            rows = json.loads(told.stdout)[member]
            assert told.returncode == 1 and [row["slug"] for row in rows] == [shop.slug], told
            assert "its keys are not there" in told.stderr, told


def registry(gateway, archive, folder, shops):
    key = ("--master-key", master_of(gateway))
    with checks("B3 G3 what only the registry knows is there too: states, keys that were revoked, provider keys"):
        revoked = shops[1][0].mint(shops[1][1]).json
        assert shops[1][0].admin("DELETE", f"/api-keys/{revoked['id']}").status == 200
        assert gateway.post(f"{PROVIDER}/tenants/gamma/suspend", key=gateway.provider_key).status == 200
        minted = gateway.post(f"{PROVIDER}/provider-keys", {"name": "second", "role": "read"}, key=gateway.provider_key)
        assert minted.status == 201, minted
        until_current(gateway)
        target = os.path.join(folder, "states")
        made = command(options.tollgate, "restore-node", archive, "--data", target, *key)
        assert made.returncode == 0, made
        with Gateway(options.tollgate, data=target, demo=False) as node:
            node.first_key = gateway.provider_key
            assert node.get("/t/beta" + PARTNER + "/balance", key=revoked["key"]).status == 401
            second = minted.json.get("key") or minted.json.get("provider_key")
            states = {row["slug"]: row["state"] for row in node.get(PROVIDER + "/tenants", key=second).json["data"]}
            assert states["gamma"] == "suspended" and states["alpha"] == "active", states
        assert gateway.post(f"{PROVIDER}/tenants/gamma/resume", key=gateway.provider_key).status == 200


def shredded(gateway, archive, folder, shops):
    with checks("B3 a tenant that is deleted takes its key out of the archive: its history opens for nobody"):
        id = shops[2][0].made["id"]
        objects = [name for name in os.listdir(os.path.join(archive, "keys")) if name.startswith(id)]
        assert len(objects) == 1, objects
        wrapped = wrapped_keys(gateway, id)
        gone = gateway.request("DELETE", f"{PROVIDER}/tenants/gamma?confirm=gamma", key=gateway.provider_key)
        assert gone.status in (200, 202, 204), gone
        left = [name for name, content in registry_files(gateway).items() if any(key in content for key in wrapped)]
        assert not left, left
        wait_until(lambda: not [n for n in os.listdir(os.path.join(archive, "keys")) if n.startswith(id)])
        until_current(gateway)
        target = os.path.join(folder, "without")
        made = command(options.tollgate, "restore-node", archive, "--data", target, "--master-key", master_of(gateway),
                       "--json")
        assert made.returncode == 0 and "gamma" not in json.loads(made.stdout)["restored"], made
        with open(master_of(gateway), "rb") as file:
            master = file.read()
        reader = Reader(archive, master)
        reader.follow()
        assert bytes.fromhex(id.replace("-", "")) not in reader.tenants
        # Neither the master key nor a tenant's own wrapped keys are in any object but those that go.
        for place, _, names in os.walk(archive):
            for name in names:
                with open(os.path.join(place, name), "rb") as file:
                    content = file.read()
                assert b"SQLite format 3" not in content and b"gamma" not in content and master not in content, name


def away(folder):
    with Moto() as moto, Faulty(moto) as faulty:
        names = environment(faulty.url)
        with checks("B3 an archive in a bucket that is away or slow slows no request, says so, and is caught up with"):
            faulty.fault = lambda *_: None
            place = f"s3://{BUCKET}/away"
            with archived(place, environment=names) as gateway:
                shop, reseller, sku = stocked(gateway, "far")
                until_current(gateway)
                with faulty.having(lambda *_: ("status", 503, "SlowDown")):
                    for count in range(20):
                        assert shop.order(reseller, sku, key=f"away-{count}").status == 201
                    wait_until(lambda: metric(gateway, "tollgate_archive_in_trouble") == 1)
                    wait_until(lambda: metric(gateway, "tollgate_archive_behind_seconds") > 1)
                until_current(gateway)
                assert metric(gateway, "tollgate_archive_in_trouble") == 0
                own = orders_of(gateway, "far")
                target = os.path.join(folder, "far")
                made = command(options.tollgate, "restore-node", place, "--data", target, "--master-key",
                               master_of(gateway), environment=names)
                assert made.returncode == 0, made
                with Gateway(options.tollgate, data=target, demo=False) as node:
                    node.first_key = gateway.provider_key
                    there = orders_of(node, "far")
                    assert there == own, (len(there), len(own), made.stdout, made.stderr)
                    assert len(own) == 20, len(own)


def replaced(folder):
    with Moto() as moto, Faulty(moto) as faulty:
        names = environment(faulty.url)
        place = f"s3://{BUCKET}/replaced"
        with checks("B3 P5 a tenant whose copy is from before its restore is told of, not passed over"), archived(
                place, environment=names) as gateway:
            shop, reseller, sku = stocked(gateway, "replaced")
            export = verified_export(gateway, "replaced")
            until_current(gateway)

            def no_copy(method, path, _):
                return ("status", 503, "SlowDown") if method == "PUT" and "/tenants/" in path else None

            with faulty.having(no_copy):
                back = gateway.post(f"{PROVIDER}/tenants/replaced/restore", export, key=gateway.provider_key)
                assert back.status == 200, back
                assert shop.order(reseller, sku, key="behind").status == 201
                until_shipped(gateway)
                made = command(options.tollgate, "restore-node", place, "--data", os.path.join(folder, "replaced"),
                               "--master-key", master_of(gateway), environment=names)
                assert made.returncode == 1 and "from after its restore" in made.stderr, made


def tried(gateway):
    """How many tenants of the last trial were sound, and how many were not."""
    return metric(gateway, "tollgate_archive_tried_sound"), metric(gateway, "tollgate_archive_tried_faults")


def untold():
    with Moto() as moto, Faulty(moto) as faulty:
        with checks("B4 a copy that the archive is not told of yet is not missed there by the night's trial"), archived(
                f"s3://{BUCKET}/untold", environment=environment(faulty.url), clock=True) as gateway:
            stocked(gateway, "told")
            until_current(gateway)
            copied = threading.Event()

            def told_late(method, path, _):
                if method == "PUT" and "/tenants/" in path and "/index" in path:
                    copied.set()
                return ("slow", 4) if method == "PUT" and ("/log/" in path or "/manifests/" in path) else None

            with faulty.having(told_late):
                stocked(gateway, "untold")
                assert copied.wait(60)
                gateway.jump(27 * 3600)
                wait_until(lambda: metric(gateway, "tollgate_archive_tried_timestamp") > 0, seconds=60)
                sound, faulty_ones = tried(gateway)
                assert sound in (1, 2) and faulty_ones == 0, gateway.errors()


def nightly(folder):
    archive = os.path.join(folder, "nightly")
    with archived(archive, clock=True) as gateway:
        stocked(gateway, "sound")
        stocked(gateway, "broken")
        until_current(gateway)
        with checks("B4 each night a sample is restored from the archive and proved, and what was found is told"):
            gateway.jump(27 * 3600)
            wait_until(lambda: metric(gateway, "tollgate_archive_tried_timestamp") > 0, seconds=60)
            assert tried(gateway) == (2, 0), gateway.errors()
            log = gateway.get(f"{PROVIDER}/log", key=gateway.provider_key).json["data"]
            assert "archive.tried" in [line["action"] for line in log], log
        with checks("B4 a tenant that does not come back is told of by name, in the provider's attention too"):
            id = next(row["id"] for row in gateway.get(f"{PROVIDER}/tenants", key=gateway.provider_key).json["data"]
                      if row["slug"] == "broken")
            # Pieces may be written anew before the trial: the tenant is copied daily. Its keys are not.
            keys = os.path.join(archive, "keys")
            for name in [name for name in os.listdir(keys) if name.startswith(id)]:
                with open(os.path.join(keys, name), "r+b") as file:
                    file.seek(40)
                    byte = file.read(1)
                    file.seek(40)
                    file.write(bytes([byte[0] ^ 1]))
            before = metric(gateway, "tollgate_archive_tried_timestamp")
            gateway.jump(27 * 3600)
            wait_until(lambda: metric(gateway, "tollgate_archive_tried_timestamp") > before, seconds=60)
            assert metric(gateway, "tollgate_archive_tried_faults") == 1, gateway.errors()
            told = gateway.get(f"{PROVIDER}/attention", key=gateway.provider_key).json["data"]
            assert ["archive_not_sound"] == [m["code"] for row in told if row["slug"] == "broken"
                                             for m in row["matters"] if m["code"].startswith("archive")], told


def refused(folder):
    with checks("B3 an archive without the node's log, or at no place, is refused at the start, and no secret is told"):
        data = os.path.join(folder, "refused")
        for words, text in (
                (("--commits", "files", "--archive", data + "-a"), "--commits log"),
                (("--commits", "log", "--archive", "s3://x"), "s3://BUCKET"),
                (("--commits", "log", "--archive", "s3://bucket/x"), "AWS_ACCESS_KEY_ID")):
            done = command(options.tollgate, "serve", "--port", "0", "--data", data, *words)
            assert done.returncode == 2 and text in done.stderr, done
        other = os.path.join(folder, "other")
        os.mkdir(other)
        with open(os.path.join(other, "mine.txt"), "w", encoding="utf-8") as file:
            file.write("mine")
        done = command(options.tollgate, "serve", "--port", "0", "--data", data, "--commits", "log", "--archive", other)
        assert done.returncode == 1 and "no archive" in done.stderr and os.listdir(other) == ["mine.txt"], done


def main():
    with tempfile.TemporaryDirectory() as folder:
        archive = os.path.join(folder, "archive")
        with archived(archive) as gateway:
            gateway.provider_key
            shops, load = storm(gateway, archive, folder)
            made_anew(gateway, archive, folder, shops, load)
            locked(gateway, archive, folder, shops)
            registry(gateway, archive, folder, shops)
            shredded(gateway, archive, folder, shops)
        away(folder)
        replaced(folder)
        untold()
        nightly(folder)
        refused(folder)
    checks.finish()


main()
