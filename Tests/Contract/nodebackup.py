#!/usr/bin/env python3
"""P11: the whole node is backed up while it serves, proved, and made anew elsewhere. Gateways of its own."""

import collections
import itertools
import json
import os
import shutil
import sqlite3
import stat
import tempfile
import threading
import time

from shop import PARTNER, Shop
from support import ROOT, Checks, Gateway, arguments, command, together, verified_export, wait_until

PROVIDER = "/provider/v1"
CLIENTS = 64
PIECE = 256 << 10
# A crowded machine backs up slowly, and is not to have more and more to back up.
ORDERS_MAX = 6_000
# From so many on clients take a breath after each, so that there is less to prove each time; not with --long.
ORDERS_FAST, BREATH_SECONDS = 1_200, 0.2
options = arguments()
checks = Checks()


def run(*words):
    return command(options.tollgate, *words)


def files(folder):
    """Every object's name and bytes."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def orders_of(gateway, slug):
    with tempfile.NamedTemporaryFile() as copy:
        copy.write(verified_export(gateway, slug, "--all-signatures"))
        copy.flush()
        database = sqlite3.connect(copy.name)
        table = database.execute("SELECT name FROM sqlite_schema WHERE name IN ('order', 'orders')").fetchone()[0]
        return {row[0] for row in database.execute(f'SELECT public_id FROM "{table}"')}


class Load:
    """So many clients order without a pause, until the end of the block; `answered`: ids of orders by slug, with
    when."""

    def __init__(self, shops):
        self.shops, self.answered, self.failures = shops, [], []
        self.lock, self.ended = threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(number,)) for number in range(CLIENTS)]

    def client(self, number):
        shop, reseller, sku = self.shops[number % len(self.shops)]
        connection = shop.gateway.connection()
        for count in itertools.count():
            if self.ended.is_set() or len(self.answered) > ORDERS_MAX:
                break
            answer = shop.order(reseller, sku, key=f"load-{number}-{count}", connection=connection)
            if answer.status != 201:
                self.failures.append(answer)
                break
            with self.lock:
                self.answered.append((shop.slug, answer.json["order"]["id"]))
            if len(self.answered) > ORDERS_FAST and not options.long:
                self.ended.wait(BREATH_SECONDS)
        connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: len(self.answered) > 2 * CLIENTS)
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        return False


def stocked(gateway, slug, blueprint="hosting"):
    shop = Shop(gateway, slug, blueprint=blueprint)
    reseller = shop.reseller(balance="1000000")
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    return shop, reseller, sku


def backed_up(gateway, folder, *more):
    done = gateway.command("backup", folder, "--json", *more)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def whole(gateway, folder, word):
    archive, target = os.path.join(folder, "archive"), os.path.join(folder, "node")
    shops = [stocked(gateway, slug) for slug in ("alpha", "beta", "gamma")]
    codes = Shop(gateway, "codes", blueprint="codes")
    revoked = shops[0][0].mint(shops[0][1]).json
    first = shops[0][0].order(shops[0][1], shops[0][2], key="before")
    with Load(shops) as load:
        before = list(load.answered)
        report = backed_up(gateway, archive, "--passphrase-file", word)
        during = len(load.answered) - len(before)
    proved, made = together([
        lambda: run("backup", "verify", archive, "--passphrase-file", word, "--json"),
        lambda: run("restore-node", archive, "--data", target, "--passphrase-file", word, "--json")])

    with checks("P11 a backup while 64 clients order holds every order that was answered before it, and verifies"):
        assert not load.failures, load.failures[:3]
        assert len(before) > CLIENTS and during > 0, (len(before), during)
        assert [tenant["slug"] for tenant in report["tenants"]] == ["alpha", "beta", "codes", "gamma"], report
        assert proved.returncode == 0, (proved.stdout, proved.stderr)
        assert sorted(json.loads(proved.stdout)["sound"]) == ["alpha", "beta", "codes", "gamma"], proved.stdout

    with checks("P11 restore-node makes a node of it, under another master key: its tenants verify and lose no order"):
        assert made.returncode == 0, (made.stdout, made.stderr)
        master, old_master = (os.path.join(data, "master.key") for data in (target, gateway.data))
        with open(master, "rb") as new, open(old_master, "rb") as old:
            assert new.read() != old.read()
        with Gateway(options.tollgate, data=target, demo=False) as node:
            node.first_key = gateway.provider_key
            for shop, _, _ in shops:
                there = orders_of(node, shop.slug)
                lost = {order for slug, order in before if slug == shop.slug} - there
                assert not lost, (shop.slug, len(lost), len(there))
            elsewhere(node, shops, first)
            assert node.get("/t/codes/api/reseller/plans").status == 200
            listed = node.get(PROVIDER + "/tenants", key=gateway.provider_key).json["data"]
            wanted = {shop.made["id"] for shop, _, _ in shops} | {codes.made["id"]}
            assert {row["id"] for row in listed} == wanted, listed

    with checks("P11 G3 a key that was revoked after the backup of its tenant stays revoked in the new node"):
        # The registry is copied last: it knows of what was revoked while the tenants were copied.
        done = shops[0][0].admin("DELETE", f"/api-keys/{revoked['id']}")
        assert done.status == 200, done
        backed_up(gateway, archive, "--passphrase-file", word)
        again = os.path.join(folder, "again")
        made = run("restore-node", archive, "--data", again, "--passphrase-file", word)
        assert made.returncode == 0, (made.stdout, made.stderr)
        with Gateway(options.tollgate, data=again, demo=False) as node:
            assert node.get(f"/t/alpha{PARTNER}/balance", key=revoked["key"]).status == 401
            assert node.get(f"/t/alpha{PARTNER}/balance", key=shops[0][1]["key"]).status == 200
    return archive, shops


def elsewhere(node, shops, first):
    """Keys, webhook secrets and stored answers of the old node, at the new one; nothing leaves it by itself."""
    shop, reseller, sku = shops[0]
    there = Shop.__new__(Shop)
    there.gateway, there.slug, there.base, there.owner_key = node, shop.slug, shop.base, shop.owner_key
    again = there.order(reseller, sku, key="before")
    assert again.status == 201 and again.body == first.body, (again, first)
    assert there.order(reseller, sku, key="after").status == 201
    needs = there.admin("GET", "/attention")
    assert needs.status == 200 and "outbound_held" in needs.body.decode(), needs


def objects(gateway, archive, shops, folder, word):
    with checks("P11 B3 objects are sealed, named by place and content, and their owner's alone"):
        found = files(archive)
        names = {name.split("/")[0] for name in found}
        assert names == {"FORMAT", "tenants", "registry", "manifests"}, names
        for name, content in found.items():
            if name == "FORMAT":
                continue
            for plain in (b"SQLite format 3", b"alpha", b"@alpha.example"):
                assert plain not in content, name
            assert stat.S_IMODE(os.stat(os.path.join(archive, name)).st_mode) == 0o600, name
        with open(os.path.join(gateway.data, "master.key"), "rb") as key:
            master = key.read()
        assert not any(master in content for content in found.values())

    with checks("P11 a second backup into the same folder uses again what is there"):
        before = files(archive)
        report = backed_up(gateway, archive, "--passphrase-file", word)
        after = files(archive)
        assert all(after[name] == content for name, content in before.items()), "an object changed"
        assert report["used_again"] > 3 and len(after) - len(before) == report["new_objects"] + 1, report
        quiet = {tenant["slug"]: tenant["new_bytes"] for tenant in report["tenants"]}
        # Where nobody ordered, the first piece and the last: the file's header, and the log of reads.
        assert all(new <= 2 * (PIECE + 100) for new in quiet.values()) and quiet["codes"] <= PIECE + 100, report
        big = sum(tenant["bytes"] for tenant in report["tenants"])
        assert report["new_bytes"] < big / 2, (report["new_bytes"], big)

    with checks("P11 an object that was damaged or lost is found by verify, and written anew by the next backup"):
        pages = sorted(name for name in files(archive) if "/pages/" in name and name.startswith("tenants/"))
        # Ones that have never changed are in the newest backup too; of two tenants, one each, from the middle of the
        # file: what is written next goes to its beginning and its end.
        places = [name.rsplit("-", 1)[0] for name in pages]
        still = collections.defaultdict(list)
        for name, place in zip(pages, places):
            if places.count(place) == 1:
                still[name.split("/")[1]].append(name)
        largest = sorted(still.values(), key=len)[-2:]
        damaged, lost = [os.path.join(archive, names[len(names) // 2]) for names in largest]
        good = files(archive)
        with open(damaged, "r+b") as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)[0]
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last ^ 1]))
        os.unlink(lost)
        proved = run("backup", "verify", archive, "--passphrase-file", word)
        assert proved.returncode == 1 and "NOT sound" in proved.stderr, proved
        for path in (damaged, lost):
            assert os.path.relpath(path, archive) in proved.stderr, (path, proved)
        backed_up(gateway, archive, "--passphrase-file", word)
        for path in (damaged, lost):
            with open(path, "rb") as file:
                assert file.read() == good[os.path.relpath(path, archive)], path
        proved = run("backup", "verify", archive, "--passphrase-file", word)
        assert proved.returncode == 0, proved


def keys(gateway, archive, folder, word):
    with checks("P11 the master key is in a backup only under a passphrase; without one the node's own key opens it"):
        bare = os.path.join(folder, "bare")
        backed_up(gateway, bare)
        none = run("backup", "verify", bare, "--passphrase-file", word)
        assert none.returncode == 1 and "without a passphrase" in none.stderr, none
        master = os.path.join(gateway.data, "master.key")
        assert run("backup", "verify", bare, "--master-key", master).returncode == 0
        other = os.path.join(folder, "other.key")
        with open(other, "wb") as file:
            file.write(os.urandom(32))
        wrong = run("backup", "verify", bare, "--master-key", other)
        assert wrong.returncode == 1 and "is not the one" in wrong.stderr, wrong
        words = os.path.join(folder, "other.word")
        with open(words, "w", encoding="utf-8") as file:
            file.write("another passphrase\n")
        wrong = run("backup", "verify", archive, "--passphrase-file", words)
        assert wrong.returncode == 1 and "does not open" in wrong.stderr, wrong
        assert run("backup", "verify", bare).returncode == 2
        short = gateway.get(PROVIDER + "/backup", key=gateway.provider_key, headers={"Tollgate-Passphrase": "short"})
        assert short.status == 422, short

    with checks("P11 a folder that is no archive is not written into, nor a node made over another"):
        plain = os.path.join(folder, "plain")
        os.mkdir(plain)
        with open(os.path.join(plain, "mine.txt"), "w", encoding="utf-8") as file:
            file.write("mine")
        refused = gateway.command("backup", plain)
        assert refused.returncode == 1 and "no archive" in refused.stderr and os.listdir(plain) == ["mine.txt"], refused
        over = run("restore-node", archive, "--data", plain, "--passphrase-file", word)
        assert over.returncode == 1 and "not empty" in over.stderr and os.listdir(plain) == ["mine.txt"], over
        nothing = run("backup", "verify", plain, "--passphrase-file", word)
        assert nothing.returncode == 1 and "no archive" in nothing.stderr, nothing

    with checks("P11 a manifest that was changed, and an earlier backup by its name"):
        manifests = sorted(os.listdir(os.path.join(archive, "manifests")))
        earlier = run("backup", "verify", archive, "--passphrase-file", word, "--manifest", manifests[0])
        assert earlier.returncode == 0, earlier
        path = os.path.join(archive, "manifests", manifests[-1])
        good = open(path, "rb").read()
        for place in (8, 100, len(good) - 1):
            with open(path, "wb") as file:
                file.write(good[:place] + bytes([good[place] ^ 1]) + good[place + 1:])
            bad = run("backup", "verify", archive, "--passphrase-file", word)
            assert bad.returncode == 1, (place, bad)
        with open(path, "wb") as file:
            file.write(good)
        up = run("backup", "verify", archive, "--passphrase-file", word, "--manifest", "../FORMAT")
        assert up.returncode == 1, up


def half_made(gateway, archive, folder, word):
    target = os.path.join(folder, "half")
    with checks("P11 restore-node needs no more than the data folder: it writes nothing beside it"):
        os.mkdir(target, 0o700)
        # Where the name is taken, nothing can be made there.
        with open(target + ".restoring", "w", encoding="utf-8") as file:
            file.write("mine")
        made = run("restore-node", archive, "--data", target, "--passphrase-file", word)
        assert made.returncode == 0, made
        assert "restoring" not in os.listdir(target) and "registry.sqlite" in os.listdir(target), os.listdir(target)
        over = run("restore-node", archive, "--data", target, "--passphrase-file", word)
        assert over.returncode == 1 and "not empty" in over.stderr, over

    with checks("P11 G8 a folder in which a restore was cut short is not served, and the next restore begins anew"):
        # As kill -9 leaves it: the mark, with what was on its way, and some of the node.
        os.mkdir(os.path.join(target, "restoring"), 0o700)
        for name in ("restoring/on-its-way", "tenants/left", "master.key"):
            with open(os.path.join(target, name), "wb") as file:
                file.write(b"x" * 32)
            os.chmod(os.path.join(target, name), 0o600)
        served = run("serve", "--port", "0", "--data", target, "--blueprints", os.path.join(ROOT, "tenants"))
        assert served.returncode == 1 and "restore-node" in served.stderr, served
        made = run("restore-node", archive, "--data", target, "--passphrase-file", word)
        assert made.returncode == 0, made
        assert not os.path.exists(os.path.join(target, "tenants", "left")), os.listdir(target)
        with Gateway(options.tollgate, data=target, demo=False) as node:
            node.first_key = gateway.provider_key
            verified_export(node, "alpha")

    with checks("P11 a restore that cannot begin leaves the folder as empty as it was"):
        empty = os.path.join(folder, "empty")
        os.mkdir(empty, 0o700)
        other = os.path.join(folder, "another.word")
        with open(other, "w", encoding="utf-8") as file:
            file.write("not the passphrase of it\n")
        wrong = run("restore-node", archive, "--data", empty, "--passphrase-file", other)
        assert wrong.returncode == 1 and os.listdir(empty) == [], (wrong, os.listdir(empty))


def moved_and_odd(gateway, folder, word):
    with checks("P11 P10 suspended and moved tenants are in a backup, and are in the new node what they were"):
        archive, target = os.path.join(folder, "odd"), os.path.join(folder, "odd-node")
        Shop(gateway, "asleep")
        assert gateway.post(f"{PROVIDER}/tenants/asleep/suspend", key=gateway.provider_key).status == 200
        Shop(gateway, "away")
        away = gateway.post(
            f"{PROVIDER}/tenants/away/move", {"base_url": "https://new.example/t/away"}, key=gateway.provider_key)
        assert away.status == 200, away
        remote = run(
            "backup", archive, "--url", gateway.base_url, "--key", gateway.provider_key, "--passphrase-file", word)
        assert remote.returncode == 0 and "failed" in remote.stdout, remote
        made = run("restore-node", archive, "--data", target, "--passphrase-file", word)
        assert made.returncode == 0, made
        with Gateway(options.tollgate, data=target, demo=False) as node:
            states = {row["slug"]: (row["state"], row["moved_to"])
                      for row in node.get(PROVIDER + "/tenants", key=gateway.provider_key).json["data"]}
            assert states["asleep"] == ("suspended", None), states
            assert states["away"] == ("moved", "https://new.example/t/away"), states

    with checks("P11 a tenant that cannot be copied is told of, and the others are copied"):
        shop = Shop(gateway, "broken")
        path = next(os.path.join(place, name) for place, _, names in os.walk(os.path.join(gateway.data, "tenants"))
                    for name in names if name == f"{shop.made['id']}.sqlite")
        gateway.stop()
        shutil.copy(path, os.path.join(folder, "saved"))
        with open(path, "r+b") as file:
            file.write(b"no database at all, and so on")
        gateway.start()
        done = gateway.command("backup", archive, "--json", "--passphrase-file", word)
        report = json.loads(done.stdout)
        assert done.returncode == 1 and [row["slug"] for row in report["failed"]] == ["broken"], done
        assert "alpha" in [row["slug"] for row in report["tenants"]], report
        target = os.path.join(folder, "odd-again")
        proved, made = together([
            lambda: run("backup", "verify", archive, "--passphrase-file", word),
            lambda: run("restore-node", archive, "--data", target, "--passphrase-file", word, "--json")])
        assert proved.returncode == 1 and "1 not" in proved.stdout, proved
        # Its key is not in the way of the others.
        assert made.returncode == 1 and "alpha" in json.loads(made.stdout)["restored"], made
    gateway.kill()
    shutil.copy(os.path.join(folder, "saved"), path)
    gateway.start()

    with checks("P11 G8 a backup that was cut short has no manifest; the next one uses again what came"):
        cut = os.path.join(folder, "cut")
        done = threading.Event()
        result = []

        def write():
            result.append(gateway.command("backup", cut))
            done.set()
        thread = threading.Thread(target=write)
        thread.start()
        wait_until(lambda: len(files(cut)) > 5 or done.is_set())
        gateway.kill()
        thread.join()
        gateway.start()
        if result[0].returncode != 0:
            assert not os.path.isdir(os.path.join(cut, "manifests")), os.listdir(cut)
        if result[0].returncode == 0:
            print(f"# the whole backup came before the kill: {result[0]}")
        report = backed_up(gateway, cut)
        assert report["used_again"] > 0, report
        assert run("backup", "verify", cut, "--master-key", os.path.join(gateway.data, "master.key")).returncode == 0
        assert os.listdir(os.path.join(gateway.data, "tmp")) == []


def main():
    with tempfile.TemporaryDirectory() as folder, Gateway(options.tollgate, demo=False) as gateway:
        gateway.provider_key
        word = os.path.join(folder, "word")
        with open(word, "w", encoding="utf-8") as file:
            file.write("the passphrase of the backup\n")
        archive, shops = whole(gateway, folder, word)
        objects(gateway, archive, shops, folder, word)
        keys(gateway, archive, folder, word)
        half_made(gateway, archive, folder, word)
        moved_and_odd(gateway, folder, word)
    checks.finish()


main()
