#!/usr/bin/env python3
"""B3: an archive with --archive-days keeps so many days of the past, in a folder and in a bucket: what lies
behind them goes each night, and what is within them is whole at every moment. Gateways of its own."""

import os
import sys
import tempfile
import time

from support import Checks, Gateway, arguments, command, python_of_tests, wait_until

# The reader opens seals: that takes a package of the tests' own interpreter.
if os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(python_of_tests()))):
    os.execv(python_of_tests(), [python_of_tests(), "-u", *sys.argv])

from archivereader import Reader  # noqa: E402
from nodecopies import metric, stocked, until_shipped  # noqa: E402
from objectstore import BUCKET, Moto, environment  # noqa: E402

options = arguments()
checks = Checks()
# A day is behind it then, and the clock is still believed.
LEAP = 25 * 3600


def archived(place, **fields):
    return Gateway(options.tollgate, "--commits", "log", "--archive", place, "--archive-days", "1",
                   "--clock-leap", "0", demo=False, clock=True, **fields)


def key_of(gateway):
    return ("--master-key", os.path.join(gateway.data, "master.key"))


def until_copied(gateway):
    wait_until(lambda: metric(gateway, "tollgate_archive_objects_total") > 0
               and metric(gateway, "tollgate_archive_tenants_without_copy") == 0, seconds=60)
    until_shipped(gateway)


def kept_from(gateway):
    return metric(gateway, "tollgate_archive_kept_timestamp")


def text_of(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def objects(archive, folder):
    found = []
    for place, _, names in os.walk(os.path.join(archive, folder)):
        found += [os.path.relpath(os.path.join(place, name), archive) for name in names]
    return sorted(found)


def ordered(gateway, shop, reseller, sku):
    """Signed at the gateway's time of day."""
    answer = shop.order(reseller, sku, timestamp=int(gateway.now()))
    assert answer.status == 201, answer


def first_days(gateway):
    """The first day's tenant, a night that leaves all that its moments need, and another start."""
    shop, reseller, sku = stocked(gateway, "first")
    ordered(gateway, shop, reseller, sku)
    until_copied(gateway)
    began = gateway.now()
    assert kept_from(gateway) == 0 and metric(gateway, "tollgate_archive_pruned_timestamp") == 0
    gateway.jump(LEAP)
    wait_until(lambda: kept_from(gateway) > 0, seconds=60)
    assert kept_from(gateway) <= began, gateway.errors()
    # Another start goes on in the same log: the registry and what changed are copied anew.
    assert gateway.stop() == 0
    gateway.start()
    ordered(gateway, shop, reseller, sku)
    return shop, reseller, sku, began


def at_its_time(gateway, *words, **more):
    """The command, at the gateway's time of day."""
    return command(options.tollgate, *words, *key_of(gateway), "--json",
                   environment={**gateway.clock.environment(), **more})


def verified(place, gateway, *words, **more):
    return at_its_time(gateway, "archive", "verify", place, *words, **more)


def in_folder(folder):
    archive = os.path.join(folder, "archive")
    with archived(archive) as gateway:
        shop, reseller, sku, began = first_days(gateway)
        first = next(row["id"] for row in gateway.get("/provider/v1/tenants", key=gateway.provider_key).json["data"]
                     if row["slug"] == "first")
        stocked(gateway, "second")
        wait_until(lambda: sum("/index-" in name for name in objects(archive, f"tenants/{first}")) > 1, seconds=60)
        until_copied(gateway)
        before = objects(archive, "manifests")
        stocked(gateway, "third")
        # Names of one second have no order.
        wait_until(lambda: set(objects(archive, "manifests")) - set(before), seconds=60)
        until_copied(gateway)
        moment = gateway.now()
        ordered(gateway, shop, reseller, sku)
        until_copied(gateway)
        whole = {name: objects(archive, name) for name in ("manifests", "log", "tenants", "registry", "keys")}
        gateway.jump(LEAP)
        with checks("B3 each night what lies behind the days goes from a folder: manifests, log, copies"):
            wait_until(lambda: kept_from(gateway) > began, seconds=60)
            assert metric(gateway, "tollgate_archive_removed_total") > 0
            left = {name: objects(archive, name) for name in whole}
            stays = set(whole["manifests"]) & set(left["manifests"])
            assert stays == {whole["manifests"][-1]}, (whole["manifests"], left["manifests"])
            streams = {os.path.dirname(name) for name in whole["log"]}
            assert len(streams) == 2, streams
            # From the beginning of the first stream on, up to where a copy that is needed goes on by it.
            went = sorted(set(whole["log"]) - set(left["log"]))
            assert went and went == sorted(whole["log"])[:len(went)], (went, left["log"])
            gone = set(whole["tenants"]) - set(left["tenants"])
            assert [name for name in gone if f"{first}/index-" in name], gone
            assert set(whole["keys"]) <= set(left["keys"])
        with checks("B3 a reader that believes nothing finds all whole at every moment of the days that are kept"):
            with open(os.path.join(gateway.data, "master.key"), "rb") as file:
                reader = Reader(archive, file.read(), manifest=0)
            taken = reader.follow()
            assert taken > 0, left["log"]
            known = {str(tenant.entry["slug"]) for tenant in reader.tenants.values()}
            assert known == {"first", "second", "third"}, known
        with checks("B3 a node is made of a moment within the days; one from behind them is refused"):
            made = at_its_time(gateway, "restore-node", "--archive", archive, "--at", text_of(moment + 1), "--data",
                               os.path.join(folder, "node"))
            assert made.returncode == 0, made
            assert verified(archive, gateway).returncode == 0
            early = verified(archive, gateway, "--at", text_of(began))
            assert early.returncode == 1, early
        with checks("B3 another night removes nothing that is needed, and the node goes on"):
            ordered(gateway, shop, reseller, sku)
            until_copied(gateway)
            assert verified(archive, gateway).returncode == 0


def in_bucket():
    # A real server refuses what was signed at another time of day than its own.
    with Moto() as server:
        place = f"s3://{BUCKET}/days"
        with archived(place, environment=environment(server.url)) as gateway:
            shop, reseller, sku, began = first_days(gateway)
            stocked(gateway, "second")
            until_copied(gateway)
            gateway.jump(LEAP)
            with checks("B3 the same in a bucket: what is left is whole"):
                wait_until(lambda: kept_from(gateway) > began, seconds=60)
                assert metric(gateway, "tollgate_archive_removed_total") > 0
                ordered(gateway, shop, reseller, sku)
                until_copied(gateway)
                sound = verified(place, gateway, **environment(server.url))
                assert sound.returncode == 0, sound
                early = verified(place, gateway, "--at", text_of(began), **environment(server.url))
                assert early.returncode == 1, early


def refused():
    with checks("B3 days that are none, and days without an archive, are refused at the start"):
        for words, text in (
                (("--archive-days", "0"), "--archive-days takes a number from 1"),
                (("--archive-days", "week"), "--archive-days takes a number from 1")):
            done = command(options.tollgate, "serve", "--port", "0", "--data", "/nowhere/data", "--archive",
                           "/nowhere/archive", *words)
            assert done.returncode == 2 and text in done.stderr, done
        done = command(options.tollgate, "serve", "--port", "0", "--data", "/nowhere/data", "--archive-days", "7")
        assert done.returncode == 2 and "--archive" in done.stderr, done


def main():
    with tempfile.TemporaryDirectory() as folder:
        refused()
        in_folder(folder)
        in_bucket()
    checks.finish()


main()
