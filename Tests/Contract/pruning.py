#!/usr/bin/env python3
"""P11: old backups of a node are pruned: what the others need stays. A small node of its own, since each backup and
each proof is of all of it."""

import json
import os
import tempfile
import time

from nodecopies import backed_up, files, stocked
from support import Checks, Gateway, arguments, command, together, wait_until, write_private

options = arguments()
checks = Checks()


def run(*words):
    return command(options.tollgate, *words)


class Archive:
    """Three backups of a node that sells, under a passphrase."""

    def __init__(self, gateway, folder):
        self.gateway, self.folder, self.place = gateway, folder, os.path.join(folder, "pruned")
        word = os.path.join(folder, "word")
        write_private(word, "the passphrase of the backup\n")
        self.key = ("--passphrase-file", word)
        shop, reseller, sku = stocked(gateway, "pruned")
        for number in range(3):
            assert shop.order(reseller, sku, key=f"pruned-{number}").status == 201
            report = backed_up(gateway, self.place, *self.key)
            # Names are by the second.
            path = os.path.join(self.place, report["manifest"])
            wait_until(lambda path=path: time.time() > os.stat(path).st_mtime + 1.1)
        self.whole, self.three = files(self.place), self.manifests()

    def manifests(self):
        return sorted(f"manifests/{name}" for name in os.listdir(os.path.join(self.place, "manifests")))

    def prune(self, *words, key=None):
        return run("backup", "prune", self.place, *words, *(key or self.key), "--json")

    def age(self, days):
        """Every object was written so long ago."""
        for place, _, names in os.walk(self.place):
            for name in names:
                when = time.time() - days * 86_400
                os.utime(os.path.join(place, name), (when, when))


def tried(archive):
    place, key, three = archive.place, archive.key, archive.three
    with checks("P11 prune says what would go, and removes nothing, with --dry-run, with another key, or what is none"):
        assert len(three) == 3, three
        told = archive.prune("--keep", "2", "--dry-run")
        assert told.returncode == 0 and json.loads(told.stdout)["dry_run"], told
        fates = {row["manifest"]: row["fate"] for row in json.loads(told.stdout)["backups"]}
        assert fates == dict(zip(three, ("removed", "kept", "kept"))), fates
        text = run("backup", "prune", place, "--keep", "2", "--dry-run", *key)
        assert text.returncode == 0 and "1 of 3 backups" in text.stdout and "would go" in text.stdout, text
        other = os.path.join(archive.folder, "prune.key")
        write_private(other, os.urandom(32))
        wrong = archive.prune("--keep", "1", key=("--master-key", other))
        assert wrong.returncode == 1 and three[0] in wrong.stderr and "nothing was removed" in wrong.stderr, wrong
        for words in (("--keep", "0"), ("--keep-days", "0"), ("--keep", "1", "--keep-days", "1"), ()):
            assert archive.prune(*words).returncode == 2, words
        nowhere = run("backup", "prune", os.path.join(archive.folder, "nowhere"), "--keep", "1", *key)
        assert nowhere.returncode == 1 and "no archive" in nowhere.stderr, nowhere
        assert not os.path.exists(os.path.join(archive.folder, "nowhere"))
        assert files(place) == archive.whole


def damaged(archive):
    name = archive.three[1]
    content = archive.whole[name]
    with checks("P11 prune removes nothing where a backup is damaged, and names it"):
        path = os.path.join(archive.place, name)
        with open(path, "wb") as file:
            file.write(content[:-1] + bytes([content[-1] ^ 1]))
        refused = archive.prune("--keep", "1")
        assert refused.returncode == 1 and name in refused.stderr, refused
        with open(path, "wb") as file:
            file.write(content)
        assert files(archive.place) == archive.whole


def removed(archive):
    place, three, whole = archive.place, archive.three, archive.whole
    with checks("P11 prune removes old backups; objects that none of the others needs go once they are a day old"):
        young = json.loads(archive.prune("--keep", "2").stdout)
        assert archive.manifests() == three[1:], archive.manifests()
        assert young["objects_removed"] == 0 and young["objects_waiting"] > 0, young
        # As a prune leaves it that is killed between the two.
        os.unlink(os.path.join(place, three[1]))
        archive.age(days=2)
        done = archive.prune("--keep-days", "1000")
        assert done.returncode == 0, done
        report, left = json.loads(done.stdout), files(place)
        assert archive.manifests() == three[2:], archive.manifests()
        assert report["objects_removed"] > 0 and report["bytes_freed"] > 0, report
        assert len(whole) - len(left) == report["objects_removed"] + 2, (len(whole), len(left), report)
        again = json.loads(archive.prune("--keep", "1").stdout)
        assert again["objects_removed"] == 0 and files(place) == left, again

    with checks("P11 what prune leaves is whole: proved, restored, and gone on with"):
        node = os.path.join(archive.folder, "pruned-node")
        proved, made = together([
            lambda: run("backup", "verify", place, *archive.key),
            lambda: run("restore-node", place, "--data", node, *archive.key)])
        assert proved.returncode == 0 and made.returncode == 0, (proved, made)
        assert backed_up(archive.gateway, place, *archive.key)["used_again"] > 0
        assert archive.prune("--keep", "1").returncode == 0
        assert run("backup", "verify", place, *archive.key).returncode == 0


def worded(archive):
    place, key, manifests = archive.place, archive.key, archive.manifests
    with checks("P11 a prune by a passphrase keeps the newest backup that it opens by itself, and says so; a backup "
                "without one warns there"):
        own = manifests()
        bare = archive.gateway.command("backup", place, "--json")
        assert bare.returncode == 0 and "opens with the node's master.key alone" in bare.stderr, bare
        kept = archive.prune("--keep", "1")
        assert kept.returncode == 0 and f"{own[0]} stays" in kept.stderr, kept
        assert json.loads(kept.stdout)["kept_for_passphrase"] == own[0], kept
        assert manifests() == sorted([*own, json.loads(bare.stdout)["manifest"]]), manifests()
        data = os.path.join(archive.folder, "by-words")
        made = run("restore-node", place, "--manifest", own[0], "--data", data, *key)
        assert made.returncode == 0, made
        again = archive.gateway.command("backup", place, "--json", *key)
        assert again.returncode == 0 and again.stderr == "", again
        done = archive.prune("--keep", "1")
        assert done.returncode == 0 and "kept_for_passphrase" not in json.loads(done.stdout), done
        assert manifests() == [json.loads(again.stdout)["manifest"]], manifests()


def main():
    with tempfile.TemporaryDirectory() as folder, Gateway(options.tollgate, demo=False) as gateway:
        archive = Archive(gateway, folder)
        tried(archive)
        damaged(archive)
        removed(archive)
        worded(archive)
    checks.finish()


main()
