#!/usr/bin/env python3
"""B3, P11: objects in a bucket: SeaweedFS, moto, and a server that has its faults. One gateway, backed up there."""

import json
import os
import tempfile
import time
import urllib.parse

from objectstore import ACCESS, BUCKET, SECRET, Faulty, Moto, SeaweedFS, environment
from shop import Shop
from support import Checks, Gateway, arguments, command, wait_until

options = arguments()
checks = Checks()
PLACE = f"s3://{BUCKET}/nodes/one"


def run(server, *words, **more):
    return command(options.tollgate, *words, environment=environment(server.url, **more))


def backup(gateway, server, place=PLACE, **more):
    return gateway.command("backup", place, "--json", environment=environment(server.url, **more))


def verify(gateway, server, place=PLACE):
    return run(server, "backup", "verify", place, "--master-key", os.path.join(gateway.data, "master.key"), "--json")


def sound(done):
    assert done.returncode == 0, (done.stdout, done.stderr)
    return sorted(json.loads(done.stdout)["sound"])


def every(number, fault, methods=("GET", "PUT", "DELETE")):
    """The fault at each so-manyth call."""
    counts = {"calls": 0}

    def decide(method, path, _):
        if method not in methods:
            return None
        counts["calls"] += 1
        return fault if counts["calls"] % number == 0 else None
    return decide


def real(gateway, seaweed, folder):
    with checks("B3 P11 a node is backed up into a bucket of a real server, proved there, and made anew of it"):
        first = backup(gateway, seaweed)
        assert first.returncode == 0, first
        assert sound(verify(gateway, seaweed)) == ["alpha", "beta"]
        again = json.loads(backup(gateway, seaweed).stdout)
        assert again["used_again"] > 0, again
        target = os.path.join(folder, "node")
        made = run(seaweed, "restore-node", PLACE, "--data", target, "--master-key",
                   os.path.join(gateway.data, "master.key"), "--json")
        assert made.returncode == 0 and sorted(json.loads(made.stdout)["restored"]) == ["alpha", "beta"], made

    with checks("B3 several nodes' archives lie in one bucket, by their prefixes"):
        other = f"s3://{BUCKET}/nodes/other"
        assert backup(gateway, seaweed, other).returncode == 0
        assert sound(verify(gateway, seaweed, other)) == ["alpha", "beta"]
        none = verify(gateway, seaweed, f"s3://{BUCKET}/nodes")
        assert none.returncode == 1 and "no archive" in none.stderr, none


def pruned(gateway, seaweed):
    place = f"s3://{BUCKET}/pruned"
    key = ("--master-key", os.path.join(gateway.data, "master.key"))

    def prune(server, *words):
        done = run(server, "backup", "prune", place, *words, *key, "--json")
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    with checks("P11 B3 old backups are pruned from a bucket; the newest stays whole, also where the list lags"):
        names = []
        for _ in range(3):
            # Names are by the second.
            wait_until(lambda: not names or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) not in names[-1])
            names.append(json.loads(backup(gateway, seaweed, place).stdout)["manifest"])
        told = prune(seaweed, "--keep", "1", "--dry-run")
        assert [row["manifest"] for row in told["backups"]] == names, (told, names)
        with Faulty(seaweed) as faulty, faulty.having(
                lambda method, path, _: ("empty",) if "list-type" in path else None):
            # Each is known from its backup, and nothing that a list lacks is removed.
            lagging = prune(faulty, "--keep", "2")
        assert [row["fate"] for row in lagging["backups"]] == ["removed", "kept", "kept"], lagging
        assert sound(verify(gateway, seaweed, place)) == ["alpha", "beta"]
        done = prune(seaweed, "--keep", "1")
        assert [row["manifest"] for row in done["backups"]] == names[1:] and done["objects_removed"] == 0, done
        assert [row["fate"] for row in done["backups"]] == ["removed", "kept"] and done["bytes_freed"] > 0, done
        assert sound(verify(gateway, seaweed, place)) == ["alpha", "beta"]
        assert json.loads(backup(gateway, seaweed, place).stdout)["used_again"] > 0

    with checks("P11 B3 a list with a size that no object has is refused before anything goes; sizes of all objects "
                "together never end a prune"), Faulty(seaweed) as faulty:
        for size in (2**63 - 1, 2**53 + 1, -1, 2**64, "many"):
            with faulty.having(listing("pruned/tenants", size)):
                refused = run(faulty, "backup", "prune", place, "--keep", "1", *key, "--json")
                assert refused.returncode == 1 and "a size that no object has" in refused.stderr, (size, refused)
        with faulty.having(listing("pruned/tenants", 2**53, more=1_100)):
            told = prune(faulty, "--keep", "1", "--dry-run")
            assert told["objects_removed"] >= 1_100 and told["bytes_freed"] == 2**63 - 1, told
            assert len(told["backups"]) == 2, told
        assert sound(verify(gateway, seaweed, place)) == ["alpha", "beta"]


def listing(prefix, size, more=0):
    """The list of what begins so gives two objects, or `more`, that are in no backup, and are of this size."""
    entries = "".join(
        f"<Contents><Key>{prefix}/{number:032x}/pages/0</Key><Size>{size}</Size>"
        "<LastModified>2020-01-01T00:00:00.000Z</LastModified></Contents>" for number in range(more or 2)).encode()
    start = f"prefix={urllib.parse.quote(prefix, safe='')}"

    def change(content):
        return content.replace(b"</ListBucketResult>", entries + b"</ListBucketResult>")

    return lambda method, path, _: ("other", change) if start in path and "list-type" in path else None


def secrets(gateway, seaweed, folder):
    with checks("B3 G9 wrong and missing credentials are told of, and are in no line of it"):
        wrong = backup(gateway, seaweed, access=ACCESS, secret="wrong-secret-of-the-archive")
        assert wrong.returncode == 1 and "SignatureDoesNotMatch" in wrong.stderr, wrong
        unknown = backup(gateway, seaweed, access="AKIANOBODY", secret=SECRET)
        assert unknown.returncode == 1 and "InvalidAccessKeyId" in unknown.stderr, unknown
        none = gateway.command("backup", PLACE)
        assert none.returncode == 2 and "AWS_ACCESS_KEY_ID" in none.stderr, none
        for done in (wrong, unknown, none):
            text = done.stdout + done.stderr
            for word in (SECRET, ACCESS, "wrong-secret", "AKIANOBODY", "Signature="):
                assert word not in text, done

    with checks("B3 credentials come from a file too, which is its owner's alone"):
        path = os.path.join(folder, "credentials")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"[default]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"
                       f"region = eu-test-1\nendpoint_url = {seaweed.url}\n")
        os.chmod(path, 0o600)
        assert gateway.command("backup", PLACE, "--archive-credentials", path).returncode == 0
        os.chmod(path, 0o644)
        refused = gateway.command("backup", PLACE, "--archive-credentials", path)
        assert refused.returncode == 2 and "chmod 600" in refused.stderr and SECRET not in refused.stderr, refused

    with checks("B3 what is no place of an archive is refused before anything is asked"):
        for place in ("s3://", "s3://ab", f"s3://{BUCKET}/a b", f"s3://{BUCKET}/../x", f"s3://{BUCKET}/ä"):
            refused = backup(gateway, seaweed, place)
            assert refused.returncode == 2 and "s3://BUCKET" in refused.stderr, (place, refused)


def faults(gateway, seaweed):
    # Each a folder of its own, so that every object is sent.
    scenes = {
        "status-503": (("status", 503, "SlowDown"), ("GET", "PUT")),
        "status-500": (("status", 500, "InternalError"), ("GET", "PUT")),
        "away": (("away",), ("GET", "PUT")),
        "half-an-upload": (("half",), ("PUT",)),
        "cut": (("cut",), ("GET",)),
        "changed-on-its-way-there": (("flip-put",), ("PUT",)),
        "changed-on-its-way-back": (("flip",), ("GET",)),
        "slow": (("slow", 0.3), ("GET", "PUT")),
    }
    with Faulty(seaweed) as faulty:
        for name, (fault, methods) in scenes.items():
            with checks(f"B3 a server with its faults ({name}): the backup is whole all the same, and opens"):
                place = f"s3://{BUCKET}/faults/{name}"
                with faulty.having(every(7, fault, methods)):
                    done = backup(gateway, faulty, place)
                    assert done.returncode == 0, done
                    assert "PUT" not in methods or faulty.count(fault[0]) > 0, faulty.seen
                assert sound(verify(gateway, seaweed, place)) == ["alpha", "beta"]
                with faulty.having(every(5, fault, methods)):
                    assert sound(verify(gateway, faulty, place)) == ["alpha", "beta"]
                    assert "GET" not in methods or faulty.count(fault[0]) > 0, faulty.seen

        with checks("B3 a list that lags is no list of what is there: who knows a manifest's name opens it"):
            manifest = json.loads(backup(gateway, seaweed).stdout)["manifest"]
            lags = lambda method, path, _: ("empty",) if "list-type" in path else None
            key = ("--master-key", os.path.join(gateway.data, "master.key"))
            with faulty.having(lags):
                unseen = run(faulty, "backup", "verify", PLACE, *key)
                assert unseen.returncode == 1 and "no manifest" in unseen.stderr, unseen
                named = run(faulty, "backup", "verify", PLACE, *key, "--manifest", manifest)
                assert named.returncode == 0, named

        with checks("B3 a server that refuses for good is believed at once; one that stays away is given up"):
            with faulty.having(lambda *_: ("status", 403, "AccessDenied")):
                refused = backup(gateway, faulty, f"s3://{BUCKET}/refused")
                assert refused.returncode == 1 and "403 AccessDenied" in refused.stderr, refused
                assert ACCESS not in refused.stderr and len(faulty.seen) == 1, (refused, faulty.seen)
            with faulty.having(lambda *_: ("status", 503, "SlowDown")):
                given_up = backup(gateway, faulty, f"s3://{BUCKET}/away")
                assert given_up.returncode == 1 and "503 SlowDown" in given_up.stderr, given_up
                assert 2 < len(faulty.seen) < 20, len(faulty.seen)


def odd(gateway):
    with Moto() as moto, Faulty(moto) as faulty:
        with checks("B3 another server of the kind (moto) has the same backup"):
            assert backup(gateway, moto).returncode == 0
            assert sound(verify(gateway, moto)) == ["alpha", "beta"]
            none = backup(gateway, moto, "s3://nowhere-there/x")
            assert none.returncode == 1 and "NoSuchBucket" in none.stderr, none

        with checks("B3 an object that is there damaged is found at the next backup, and written anew"):
            # A server that changed what it was sent, and said that all was well.
            place = f"s3://{BUCKET}/damaged"
            assert backup(gateway, moto, place).returncode == 0
            damage(moto, "damaged/tenants/")
            bad = verify(gateway, moto, place)
            assert bad.returncode == 1 and "NOT sound" in bad.stderr, bad
            assert backup(gateway, moto, place).returncode == 0
            assert sound(verify(gateway, moto, place)) == ["alpha", "beta"]

        with checks("B3 lists come in pages, and from a server that minds neither order nor start"):
            with faulty.having(lambda *_: None):
                for _ in range(3):
                    assert backup(gateway, moto).returncode == 0
                assert sound(verify(gateway, faulty)) == ["alpha", "beta"]
                lists = [fault for fault in faulty.seen]
                assert lists


def damage(server, prefix):
    import subprocess
    script = (
        "import boto3, sys\n"
        "s3 = boto3.client('s3')\n"
        "key = [k['Key'] for k in s3.list_objects_v2(Bucket=sys.argv[1], Prefix=sys.argv[2])['Contents']"
        " if '/pages/' in k['Key']][0]\n"
        "body = s3.get_object(Bucket=sys.argv[1], Key=key)['Body'].read()\n"
        "s3.put_object(Bucket=sys.argv[1], Key=key, Body=body[:-1] + bytes([body[-1] ^ 1]))\n")
    subprocess.run([os.path.join(server.bin, "python"), "-c", script, BUCKET, prefix], check=True,
                   env={**os.environ, **environment(server.url)})


def main():
    with tempfile.TemporaryDirectory() as folder, SeaweedFS() as seaweed, \
            Gateway(options.tollgate, demo=False) as gateway:
        Shop(gateway, "alpha")
        Shop(gateway, "beta", blueprint="codes")
        real(gateway, seaweed, folder)
        pruned(gateway, seaweed)
        secrets(gateway, seaweed, folder)
        faults(gateway, seaweed)
        odd(gateway)
    checks.finish()


main()
