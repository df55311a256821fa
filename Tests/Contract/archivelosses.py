#!/usr/bin/env python3
"""B3, B4, P11: what an archive or a backup lacks is told of, with exit code 1: lost and damaged objects, tenants
without a copy, and times of a clock that had leapt ahead or fell behind. Gateways of its own."""

import http.server
import json
import os
import shutil
import tempfile
import threading
import time

from nodecopies import key_of, late_object, metric, selling, stocked, told, until_copied, until_shipped
from objectstore import BUCKET, Faulty, Moto, environment
from shop import Shop
from support import Checks, Gateway, arguments, command, wait_until, write_private

options = arguments()
checks = Checks()


def run(*words, **more):
    return command(options.tollgate, *words, **more)


def archived(place, **fields):
    # Commits go to the log where there is an archive.
    return Gateway(options.tollgate, "--archive", place, demo=False, **fields)


def in_trouble(gateway):
    return metric(gateway, "tollgate_archive_in_trouble") == 1


def vanished(folder):
    archive = os.path.join(folder, "vanished")
    with archived(archive) as gateway:
        order, key = selling(gateway, "acme"), key_of(gateway)
        until_copied(gateway)
        with checks("B3 a folder that is empty for a while, as where a mount drops, is away: no hole is left"):
            for number, is_there in enumerate((True, False)):
                os.rename(archive, archive + "-away")
                if is_there:
                    os.mkdir(archive, 0o700)
                for count in range(3):
                    assert order(f"away-{number}-{count}").status == 201
                wait_until(lambda: in_trouble(gateway), seconds=60)
                wait_until(lambda: metric(gateway, "tollgate_archive_behind_seconds") > 1, seconds=60)
                if is_there:
                    assert os.listdir(archive) == []
                    os.rmdir(archive)
                assert not os.path.exists(archive)
                os.rename(archive + "-away", archive)
                wait_until(lambda: not in_trouble(gateway), seconds=60)
                until_shipped(gateway)
                assert order(f"back-{number}").status == 201
                until_shipped(gateway)
                sound = run("archive", "verify", archive, *key)
                assert sound.returncode == 0, sound
            assert metric(gateway, "tollgate_archive_incomplete") == 0

        with checks("B3 a node that has nothing to send sees it too"):
            os.rename(archive, archive + "-away")
            wait_until(lambda: in_trouble(gateway), seconds=60)
            os.rename(archive + "-away", archive)
            wait_until(lambda: not in_trouble(gateway), seconds=60)

        with checks("B3 B4 a hole is told of soon after a start, and what comes behind it is whole again"):
            for number in range(5):
                assert order(f"holed-{number}").status == 201
                until_shipped(gateway)
            gateway.stop()
            os.unlink(late_object(archive))
            gateway.start()
            wait_until(lambda: metric(gateway, "tollgate_archive_incomplete") == 1, seconds=60)
            log = gateway.get("/provider/v1/log", key=gateway.provider_key).json["data"]
            assert "archive.not_sound" in [line["action"] for line in log], log
            wait_until(lambda: metric(gateway, "tollgate_archive_incomplete") == 0, seconds=60)
            until_copied(gateway)
            assert order("behind").status == 201
            until_shipped(gateway)
            sound = run("archive", "verify", archive, *key)
            assert sound.returncode == 0, sound


def emptied():
    with Moto() as moto, Faulty(moto) as faulty:
        names, place = environment(faulty.url), f"s3://{BUCKET}/emptied"
        with checks("B3 a bucket that is empty for a while is away, and is caught up with"), archived(
                place, environment=names) as gateway:
            faulty.fault = lambda *_: None
            order, key = selling(gateway, "acme"), key_of(gateway)
            until_copied(gateway)

            def without_format(method, path, _):
                return ("status", 404, "NoSuchKey") if path.endswith("/FORMAT") else None

            with faulty.having(without_format):
                assert order("first").status == 201
                wait_until(lambda: in_trouble(gateway), seconds=60)
            wait_until(lambda: not in_trouble(gateway), seconds=60)
            until_shipped(gateway)
            sound = run("archive", "verify", place, *key, environment=names)
            assert sound.returncode == 0, sound


def lost(folder):
    archive = os.path.join(folder, "archive")
    with archived(archive) as gateway:
        order, key = selling(gateway, "acme"), key_of(gateway)
        until_copied(gateway)
        # An object each, at least, behind whatever manifest is the newest.
        for number in range(5):
            assert order(f"lost-{number}").status == 201
            until_shipped(gateway)

        def harmed(name):
            target = os.path.join(folder, name)
            shutil.copytree(archive, target, ignore=shutil.ignore_patterns("unfinished-*"))
            return target, late_object(target)

        with checks("B4 an object that is lost in the middle of the log is a fault of the archive: exit code 1"):
            place, path = harmed("holed")
            os.unlink(path)
            faults = told(run("archive", "verify", place, *key, "--json"), "faults")
            assert [row["slug"] for row in faults] == ["the archive"], faults
            assert "is not in the list" in faults[0]["text"] and "is left out" in faults[0]["text"], faults
            made = run("restore-node", place, "--data", os.path.join(folder, "of-holed"), *key, "--json")
            assert [row["slug"] for row in told(made, "failed")] == ["the archive"], made
            assert json.loads(made.stdout)["restored"] == ["acme"], made

        with checks("B4 a newest manifest that is damaged is named, and not the key alone doubted: exit code 1"):
            place, _ = harmed("unread")
            newest = max(os.listdir(os.path.join(place, "manifests")))
            with open(os.path.join(place, "manifests", newest), "r+b") as file:
                file.seek(-1, os.SEEK_END)
                byte = file.read(1)
                file.seek(-1, os.SEEK_END)
                file.write(bytes([byte[0] ^ 1]))
            target = os.path.join(folder, "of-unread")
            for words in (("archive", "verify", place), ("restore-node", place, "--data", target)):
                made = run(*words, *key)
                assert made.returncode == 1 and newest in made.stderr, made
                assert "manifest is damaged" in made.stderr and "--manifest" in made.stderr, made

        with checks("B4 one that is damaged is named, and what came before it can still be had: exit code 1"):
            place, path = harmed("damaged")
            with open(path, "r+b") as file:
                file.seek(-1, os.SEEK_END)
                byte = file.read(1)
                file.seek(-1, os.SEEK_END)
                file.write(bytes([byte[0] ^ 1]))
            made = run("restore-node", place, "--data", os.path.join(folder, "of-damaged"), *key, "--json")
            failed, = told(made, "failed")
            assert failed["slug"] == "the archive" and os.path.basename(path) in failed["reason"], made
            assert json.loads(made.stdout)["restored"] == ["acme"], made


def uncopied(folder):
    with Moto() as moto, Faulty(moto) as faulty:
        names, place = environment(faulty.url), f"s3://{BUCKET}/uncopied"
        with checks("B3 B4 a tenant of whom no copy is there yet, or no keys either, is named"), archived(
                place, environment=names) as gateway:
            faulty.fault = lambda *_: None
            stocked(gateway, "old")
            until_copied(gateway)

            def no_copy(method, path, _):
                return ("status", 503, "SlowDown") if method == "PUT" and "/tenants/" in path else None

            with faulty.having(no_copy):
                assert selling(gateway, "young")("first").status == 201
                until_shipped(gateway)
                key = key_of(gateway)
                made = run("restore-node", place, "--data", os.path.join(folder, "uncopied"), *key, "--json",
                           environment=names)
                failed = told(made, "failed")
                assert [(row["slug"], row["reason"]) for row in failed] == [
                    ("young", "there is no copy of it yet")], made
                assert json.loads(made.stdout)["restored"] == ["old"], made
                proved = run("archive", "verify", place, *key, "--json", environment=names)
                assert [row["slug"] for row in told(proved, "faults")] == ["young"], proved
            until_copied(gateway)

            def no_keys(method, path, _):
                return ("status", 503, "SlowDown") if method == "PUT" and "/keys/" in path else None

            with faulty.having(no_keys):
                Shop(gateway, "younger")
                until_shipped(gateway)
                proved = run("archive", "verify", place, *key, "--json", environment=names)
                assert told(proved, "faults") == [{"slug": "younger", "text": "there is no copy of it yet"}], proved


def owed():
    """Tenants that are erased while the archive is not told: it keeps their keys until then."""
    refused = ("status", 503, "SlowDown")
    with Moto() as moto, Faulty(moto) as faulty:
        names, place, removed = environment(faulty.url), f"s3://{BUCKET}/owed", []

        def having(fault):
            def noting(method, path, count):
                if method == "DELETE" and "/keys/" in path:
                    removed.append(path)
                return fault(method, path)
            return faulty.having(noting)

        def puts(word):
            return lambda method, path: refused if method == "PUT" and f"/owed/{word}/" in path else None

        def erase(slug):
            gone = gateway.delete(f"/provider/v1/tenants/{slug}?confirm={slug}", key=gateway.provider_key)
            assert gone.status == 204, gone

        def sound():
            proved = run("archive", "verify", place, *key_of(gateway), environment=names)
            assert proved.returncode == 0, proved

        with archived(place, environment=names) as gateway:
            faulty.fault = lambda *_: None
            order = selling(gateway, "stays")
            stocked(gateway, "first"), stocked(gateway, "second")
            until_copied(gateway)
            with checks("B3 keys of a tenant that is erased while an object is on its way go behind the next object"):
                begun = threading.Event()

                def one_slow(method, path):
                    if not puts("log")(method, path):
                        return None
                    if begun.is_set():
                        return refused
                    begun.set()
                    return "slow", 2

                with having(one_slow):
                    assert order("under-way").status == 201 and begun.wait(60)
                    erase("first")
                    wait_until(lambda: in_trouble(gateway), seconds=60)
                    assert not removed, removed
                    sound()
                with having(lambda *_: None):
                    wait_until(lambda: removed, seconds=60)
                    sound()
            with checks("B3 so do those of one that was erased right before a kill, behind the registry's next copy"):
                until_shipped(gateway)
                removed.clear()
                with having(puts("log")):
                    erase("second")
                    gateway.kill()
                with having(puts("registry")):
                    gateway.start()
                    for number in range(3):
                        assert order(f"started-{number}").status == 201
                        until_shipped(gateway)
                    wait_until(lambda: faulty.count("status"), seconds=60)
                    assert not removed, removed
                    sound()
                with having(lambda *_: None):
                    wait_until(lambda: removed, seconds=60)
                    sound()


def text_of(moment):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1000):03}Z"


def fork(gateway, moment, slug):
    return gateway.post("/provider/v1/tenants/acme/fork", {"slug": slug, "at": text_of(moment)},
                        key=gateway.provider_key)


def until_kept(gateway):
    """The past has a base of the tenant, and the archive a copy of all that are here."""
    wait_until(lambda: fork(gateway, time.time() - 0.01, f"w{time.monotonic_ns()}").status == 201, seconds=60)
    until_copied(gateway)


def leapt(folder):
    archive = os.path.join(folder, "leapt")
    with archived(archive, clock=True) as gateway:
        order, key = selling(gateway, "acme"), key_of(gateway)
        until_kept(gateway)
        before = time.time()
        time.sleep(0.01)
        assert order("before").status == 201
        until_shipped(gateway)
        gateway.jump(3_600)
        assert order("leapt").status == 201
        until_shipped(gateway)
        gateway.jump(-3_600)
        assert order("mended").status == 201
        until_shipped(gateway)

        def of(moment, name):
            return run("restore-node", archive, "--data", os.path.join(folder, name), "--at", text_of(moment), *key)

        with checks("B3 after a clock that leapt ahead was mended, no later moment gives the state from before"):
            refused = of(time.time(), "of-mended")
            assert refused.returncode == 1 and "had leapt ahead" in refused.stderr, refused
            sound = of(before, "of-before")
            assert sound.returncode == 0, sound
        with checks("B2 the same at the node itself"):
            path = "/provider/v1/tenants/acme/restore?at=" + text_of(time.time() - 0.001)
            refused = gateway.post(path, key=gateway.provider_key)
            assert refused.status == 409 and refused.json["code"] == "past_leapt", refused


def fell(folder):
    archive = os.path.join(folder, "fell")

    def leaps():
        return [name for _, _, names in os.walk(gateway.data) for name in names if name.endswith(".leap")]

    with archived(archive, clock=True) as gateway:
        order, key = selling(gateway, "acme"), key_of(gateway)
        until_kept(gateway)

        time.sleep(0.1)
        before = time.time()
        time.sleep(0.1)
        assert order("before").status == 201
        until_shipped(gateway)
        gateway.jump(-300 * 86_400)
        order("behind")
        wait_until(leaps, seconds=60)
        until_shipped(gateway)
        gateway.jump(300 * 86_400)
        assert order("again").status == 201
        until_shipped(gateway)
        with checks("B2 a clock that fell behind for seconds takes no moment away once it is right again"):
            wait_until(lambda: not leaps(), seconds=60)
            forked = fork(gateway, before, "forked")
            assert forked.status == 201, forked

        def of(name):
            return run("restore-node", archive, "--data", os.path.join(folder, name), "--at", text_of(before), *key)

        with checks("B3 nor does it from the archive, whatever the files' own times say"):
            sound = of("of-fell")
            assert sound.returncode == 0, sound
            for at, _, names in os.walk(os.path.join(archive, "log")):
                for name in names:
                    os.utime(os.path.join(at, name), (before - 300 * 86_400,) * 2)
            sound = of("of-fell-again")
            assert sound.returncode == 0, sound


def ahead(folder):
    place, key = os.path.join(folder, "ahead"), os.path.join(folder, "key")
    with Gateway(options.tollgate, demo=False, clock=True) as gateway, \
            checks("P11 a backup of a clock that was ahead is named, and not taken for the newest unasked"):
        Shop(gateway, "acme")
        shutil.copyfile(os.path.join(gateway.data, "master.key"), key)
        os.chmod(key, 0o600)
        # A clock is rarely right to the minute.
        gateway.jump(600)
        assert gateway.command("backup", place).returncode == 0
        gateway.jump(2 * 86_400)
        wrong = gateway.command("backup", place, "--json")
        name = json.loads(wrong.stdout)["manifest"]
        assert wrong.returncode == 1 and f"{name} is later than the clock here says" in wrong.stderr, wrong
        assert "removed" not in wrong.stderr, wrong
        gateway.jump(-2 * 86_400)
        later = gateway.command("backup", place, "--json")
        assert later.returncode == 1 and f"{name} is to be removed at {place}" in later.stderr, later
        for words in (("backup", "verify", place), ("backup", "prune", place, "--keep", "1")):
            refused = run(*words, "--master-key", key)
            assert refused.returncode == 1 and name in refused.stderr, refused
            assert "is later than the clock here says" in refused.stderr, refused
        target = os.path.join(folder, "of-ahead")
        refused = run("restore-node", place, "--data", target, "--master-key", key)
        assert refused.returncode == 1 and "--manifest" in refused.stderr, refused
        made = run("restore-node", place, "--data", target, "--master-key", key, "--manifest",
                   json.loads(later.stdout)["manifest"])
        assert made.returncode == 0, made
        os.unlink(os.path.join(place, name))
        assert run("backup", "verify", place, "--master-key", key).returncode == 0


def busy(folder):
    asked = []

    class Busy(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_HEAD(self):
            asked.append(self.command)
            self.send_response(429)
            self.end_headers()

        do_GET = do_HEAD

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server, \
            checks("P11 a backup that is refused for now is not begun: it is asked for once, and no place is made"):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place, url = os.path.join(folder, "busy"), f"http://127.0.0.1:{server.server_address[1]}"
        done = run("backup", place, "--url", url, "--key", "tgp_" + "0" * 40)
        server.shutdown()
        assert done.returncode == 1 and "429" in done.stderr and not os.path.exists(place), done
        assert asked == ["HEAD"], asked


def unreadable_ledger(folder):
    place = os.path.join(folder, "of-unreadable")
    with archived(place) as gateway, \
            checks("B3 an archive.sqlite that is damaged is named; once it is taken away every tenant is copied anew"):
        order, key = selling(gateway, "acme"), key_of(gateway)
        until_copied(gateway)
        assert gateway.stop() == 0
        path = os.path.join(gateway.data, "archive.sqlite")
        with open(path, "r+b") as file:
            file.write(b"\x5a" * 20_000)
        ended = run("serve", "--port", "0", "--data", gateway.data, "--archive", place)
        assert ended.returncode == 1 and path in ended.stderr and "taken away" in ended.stderr, ended
        os.unlink(path)
        gateway.start()
        assert order("anew").status == 201
        until_copied(gateway)
        sound = run("archive", "verify", place, *key)
        assert sound.returncode == 0, sound


def misplaced(folder):
    data = os.path.join(folder, "data")
    with checks("B3 P11 a URL of another kind is no folder, nor does an archive go into the data folder: exit code 2"):
        inside = run("serve", "--port", "0", "--data", data, "--commits", "log", "--archive", os.path.join(data, "a"))
        assert inside.returncode == 2 and "in the data folder" in inside.stderr, inside
        # One of the two by a link, the archive not made yet.
        real, link = os.path.join(folder, "real"), os.path.join(folder, "link")
        os.mkdir(real, 0o700)
        os.symlink(real, link)
        for one, other in ((link, link), (real, link), (link, real)):
            inside = run("serve", "--port", "0", "--data", one, "--commits", "log", "--archive",
                         os.path.join(other, "arch"))
            assert inside.returncode == 2 and "in the data folder" in inside.stderr, (one, other, inside)
            assert os.listdir(real) == [], os.listdir(real)
        for place in ("gs://bucket/x", "S3://bucket/x", "ftp://host/x"):
            for words in (("serve", "--port", "0", "--data", data, "--commits", "log", "--archive", place),
                          ("backup", "verify", place, "--master-key", "/nowhere")):
                done = run(*words, cwd=folder)
                assert done.returncode == 2 and "s3://BUCKET" in done.stderr, done
        assert not os.path.exists(data)
    with Gateway(options.tollgate, demo=False) as gateway, \
            checks("P11 a folder that cannot be made is said as the system says it"):
        gateway.provider_key
        file = os.path.join(folder, "file")
        write_private(file, "no folder")
        done = gateway.command("backup", os.path.join(file, "backup"))
        assert done.returncode == 1 and "Not a directory" in done.stderr and "NSCocoa" not in done.stderr, done


def main():
    with tempfile.TemporaryDirectory() as folder:
        vanished(folder)
        emptied()
        lost(folder)
        unreadable_ledger(folder)
        uncopied(folder)
        owed()
        leapt(folder)
        fell(folder)
        ahead(folder)
        busy(folder)
        misplaced(folder)
    checks.finish()


main()
