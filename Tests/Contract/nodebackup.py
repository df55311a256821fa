#!/usr/bin/env python3
"""P11: the whole node is backed up while it serves, proved, and made anew elsewhere. Gateways of its own."""

import collections
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import tempfile
import threading
import time

from nodecopies import backed_up, files, stocked
from orderload import Load
from shop import PARTNER, Shop
from support import (
    ROOT, Checks, Gateway, arguments, command, take_signals, together, verified_export, wait_until, write_private)

PROVIDER = "/provider/v1"
PIECE = 256 << 10
options = arguments()
checks = Checks()


def run(*words):
    return command(options.tollgate, *words)


def orders_of(gateway, slug):
    with tempfile.NamedTemporaryFile() as copy:
        copy.write(verified_export(gateway, slug, "--all-signatures"))
        copy.flush()
        database = sqlite3.connect(copy.name)
        table = database.execute("SELECT name FROM sqlite_schema WHERE name IN ('order', 'orders')").fetchone()[0]
        return {row[0] for row in database.execute(f'SELECT public_id FROM "{table}"')}


def whole(gateway, folder, word):
    archive, target = os.path.join(folder, "archive"), os.path.join(folder, "node")
    shops = [stocked(gateway, slug) for slug in ("alpha", "beta", "gamma")]
    codes = Shop(gateway, "codes", blueprint="codes")
    revoked = shops[0][0].mint(shops[0][1]).json
    first = shops[0][0].order(shops[0][1], shops[0][2], key="before")
    with Load(shops, options.long) as load:
        before = list(load.answered)
        report = backed_up(gateway, archive, "--passphrase-file", word)
        during = len(load.answered) - len(before)
    proved, made = together([
        lambda: run("backup", "verify", archive, "--passphrase-file", word, "--json"),
        lambda: run("restore-node", archive, "--data", target, "--passphrase-file", word, "--json")])

    with checks("P11 a backup while 64 clients order holds every order that was answered before it, and verifies"):
        assert not load.failures, load.failures[:3]
        assert len(before) > load.clients and during > 0, (len(before), during)
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
        write_private(other, os.urandom(32))
        wrong = run("backup", "verify", bare, "--master-key", other)
        assert wrong.returncode == 1 and "is not the one" in wrong.stderr, wrong
        words = os.path.join(folder, "other.word")
        write_private(words, "another passphrase\n")
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

    with checks("P11 P8 a backup that the gateway refuses, or that nobody answers, leaves nothing in its place"):
        reader = gateway.post(f"{PROVIDER}/provider-keys", {"name": "reads"}, key=gateway.provider_key).json["key"]
        new, empty = (os.path.join(folder, name) for name in ("unmade", "unfilled"))
        os.mkdir(empty, 0o700)
        for url, key, says in [
                (gateway.base_url, reader, "role admin"), (gateway.base_url, "tgp_live_none", "unknown"),
                ("http://127.0.0.1:1", reader, "no gateway answers")]:
            for place in (new, empty):
                refused = run("backup", place, "--url", url, "--key", key)
                assert refused.returncode == 1 and says in refused.stderr, (url, refused)
            assert not os.path.exists(new) and os.listdir(empty) == [], (says, os.listdir(empty))

    with checks("P6 P11 a backup whose place takes nothing more names the place, and does not blame the gateway"):
        odd = os.path.join(folder, "crooked")
        os.mkdir(odd, 0o700)
        shutil.copy(os.path.join(archive, "FORMAT"), odd)
        with open(os.path.join(odd, "tenants"), "w", encoding="utf-8"):
            pass
        failed = gateway.command("backup", odd)
        assert failed.returncode == 1 and f"{odd}/tenants/" in failed.stderr, failed
        assert "connection" not in failed.stderr and "control.sock" not in failed.stderr, failed

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


def interrupted(archive, folder, word):
    scratch = os.path.join(folder, "scratch")
    os.mkdir(scratch, 0o700)
    key = ["--passphrase-file", word, "--scratch", scratch]
    for number, words, has_files in (
            (signal.SIGINT, ["backup", "verify", archive], True),
            (signal.SIGTERM, ["archive", "verify", archive], True),
            # Its terminal has gone.
            (signal.SIGHUP, ["backup", "verify", archive], True),
            (signal.SIGINT, ["backup", "prune", archive, "--keep", "1", "--dry-run"], False)):
        with checks(f"P11 P6 a signal that ends {' '.join(words[:2])} leaves nothing unsealed behind"):
            code, said = signalled([*words, *key], number, scratch, has_files)
            assert code == -number and said[0] == "" and "NOT" not in said[1], (code, said)
            assert os.listdir(scratch) == [], os.listdir(scratch)
    with checks("P6 a command that a script left in the background, where Ctrl-C is ignored, goes on through it"):
        code, said = signalled(
            ["backup", "verify", archive, *key], signal.SIGINT, scratch, True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        assert code == 0 and "0 not" in said[0], (code, said)
        assert os.listdir(scratch) == [], os.listdir(scratch)


def signalled(words, number, scratch, has_files, **more):
    """The exit code and the words of a command that gets a signal once it has begun to unseal. One that came to a good
    end before the signal was sent says nothing of it, and is begun again."""
    for _ in range(20):
        ended = signalled_once(words, number, scratch, has_files, **more)
        if ended is not None:
            return ended
    raise AssertionError("the command was faster than its signal, 20 times")


def signalled_once(words, number, scratch, has_files, **more):
    def begun():
        try:
            inside = [os.path.join(scratch, name) for name in os.listdir(scratch)]
            return inside and (not has_files or os.listdir(inside[0]))
        except FileNotFoundError:
            return False

    process = subprocess.Popen(
        [options.tollgate, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        **{"preexec_fn": take_signals, **more})
    try:
        while not begun():
            if process.poll() is not None:
                return ended_well(process)
            time.sleep(0.001)
        # Its work is held until the signal is there: a busy machine may not let us come to it in time.
        process.send_signal(signal.SIGSTOP)
        if not begun():
            process.send_signal(signal.SIGCONT)
            return ended_well(process)
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        said = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    return process.returncode, said


def ended_well(process):
    """Of one that gets no signal."""
    said = process.communicate(timeout=60)
    assert process.returncode == 0, (process.returncode, said)


def served(archive):
    with checks("P11 a backup is not served as if it were a node's folder: it is said what makes a node of it"):
        before = files(archive)
        for more in ([], ["--demo"]):
            refused = run(
                "serve", "--port", "0", "--data", archive, "--blueprints", os.path.join(ROOT, "tenants"), *more)
            assert refused.returncode == 1 and f"tollgate restore-node {archive}" in refused.stderr, refused
            assert files(archive) == before and "tmp" not in os.listdir(archive), os.listdir(archive)


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
        write_private(other, "not the passphrase of it\n")
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


def open_files(gateway, folder):
    with checks("P6 P11 a file with a secret that others can read is not read, and the error says what mends it"):
        bare, word, key = (os.path.join(folder, name) for name in ("bare", "open.word", "open.key"))
        write_private(word, "the passphrase of the backup\n")
        with open(os.path.join(gateway.data, "master.key"), "rb") as file:
            write_private(key, file.read())
        for option, path in (("--passphrase-file", word), ("--master-key", key)):
            for mode in (0o604, 0o640, 0o660):
                os.chmod(path, mode)
                tried = run("backup", "verify", bare, option, path)
                if mode == 0o640 and os.stat(path).st_uid == 0:
                    # Root's own may be read by a group; anybody else's may not.
                    assert "chmod 600" not in tried.stderr, tried
                    os.chown(path, 10001, 10001)
                    tried = run("backup", "verify", bare, option, path)
                    os.chown(path, 0, 0)
                assert tried.returncode == 1 and f"chmod 600 {path}" in tried.stderr, (option, mode, tried)
            os.chmod(path, 0o600)
        assert run("backup", "verify", bare, "--master-key", key).returncode == 0
    with checks("P11 B3 a folder that others can write takes neither a backup nor an archive"):
        os.chmod(bare, 0o777)
        refused = gateway.command("backup", bare)
        assert refused.returncode == 1 and f"chmod go-w {bare}" in refused.stderr, refused
        os.chmod(bare, 0o755)
        backed_up(gateway, bare)
        archive = os.path.join(folder, "open-archive")
        os.mkdir(archive)
        os.chmod(archive, 0o777)
        started = run(
            "serve", "--port", "0", "--data", os.path.join(folder, "never"), "--commits", "log", "--archive", archive,
            "--blueprints", os.path.join(ROOT, "tenants"))
        assert started.returncode == 1 and f"chmod go-w {archive}" in started.stderr, started


def planned(folder):
    """A backup of three days ago: its planned deletions may have been taken back since, and one is due by now."""
    archive, target = os.path.join(folder, "days-ago"), os.path.join(folder, "of-days-ago")
    before = Gateway(options.tollgate, demo=False, clock=True)
    before.jump(-3 * 86_400)
    with before as gateway:
        for slug, days in (("due", 1), ("later", 30)):
            Shop(gateway, slug)
            put_off = gateway.delete(
                f"{PROVIDER}/tenants/{slug}?confirm={slug}&after_days={days}", key=gateway.provider_key)
            assert put_off.status == 204, put_off
        Shop(gateway, "stays")
        backed_up(gateway, archive)
        made = run("restore-node", archive, "--data", target, "--master-key", os.path.join(gateway.data, "master.key"),
                   "--json")
    with checks("P11 P10 planned deletions are taken back where a node is made, and named, due or not"):
        assert made.returncode == 0 and "due: its planned deletion" in made.stderr, made
        assert json.loads(made.stdout)["deletions_taken_back"] == ["due", "later"], made
        with Gateway(options.tollgate, data=target, demo=False) as node:
            plans = {row["slug"]: row["deletes_at"]
                     for row in node.get(f"{PROVIDER}/tenants", key=before.provider_key).json["data"]}
            assert plans == {"due": None, "later": None, "stays": None}, plans


def main():
    with tempfile.TemporaryDirectory() as folder, Gateway(options.tollgate, demo=False) as gateway:
        gateway.provider_key
        word = os.path.join(folder, "word")
        write_private(word, "the passphrase of the backup\n")
        archive, shops = whole(gateway, folder, word)
        objects(gateway, archive, shops, folder, word)
        keys(gateway, archive, folder, word)
        open_files(gateway, folder)
        half_made(gateway, archive, folder, word)
        served(archive)
        interrupted(archive, folder, word)
        moved_and_odd(gateway, folder, word)
        planned(folder)
    checks.finish()


main()
