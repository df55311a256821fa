#!/usr/bin/env python3
"""B3, B4: where a node's starts end and begin in its archive: objects that are gone from there, and a data folder that
is put back as a whole. Gateways of its own."""

import os
import shutil
import tempfile

from nodecopies import key_of, late_object, metric, selling, stocked, told, until_copied, until_shipped
from support import Checks, Gateway, arguments, command, wait_until

options = arguments()
checks = Checks()


def run(*words):
    return command(options.tollgate, *words)


def archived(place):
    # Commits go to the log where there is an archive.
    return Gateway(options.tollgate, "--archive", place, demo=False)


def shortened(folder):
    archive = os.path.join(folder, "shortened")
    with archived(archive) as gateway:
        order, key = selling(gateway, "acme"), key_of(gateway)
        until_copied(gateway)
        assert order("ahead").status == 201
        until_shipped(gateway)
        gateway.stop()
        os.unlink(late_object(archive, -1))
        with checks("B4 the last object that the node put before it was stopped is missed soon after its start"):
            gateway.start()
            wait_until(lambda: metric(gateway, "tollgate_archive_incomplete") == 1, seconds=60)
            wait_until(lambda: metric(gateway, "tollgate_archive_incomplete") == 0, seconds=60)
            until_copied(gateway)
            assert order("behind").status == 201
            until_shipped(gateway)
            sound = run("archive", "verify", archive, *key)
            assert sound.returncode == 0, sound

    archive = os.path.join(folder, "headless")
    with archived(archive) as gateway:
        order, key = selling(gateway, "acme"), key_of(gateway)
        other = selling(gateway, "other")
        until_copied(gateway)
        assert order("first").status == 201
        until_shipped(gateway)
        gateway.stop()
        ended = late_object(archive, -1)
        manifests = len(os.listdir(os.path.join(archive, "manifests")))
        gateway.start()
        wait_until(lambda: len(os.listdir(os.path.join(archive, "manifests"))) > manifests, seconds=60)
        assert other("second").status == 201
        until_shipped(gateway)
        with checks("B4 what is gone from the end or the beginning of what a reader needs is said to be missing"):
            for lost in ended, os.path.dirname(ended):
                place = os.path.join(folder, "of-" + os.path.basename(lost))
                shutil.copytree(archive, place, ignore=shutil.ignore_patterns("unfinished-*", os.path.basename(lost)))
                fault, = told(run("archive", "verify", place, *key, "--json"), "faults")
                assert fault["slug"] == "the archive" and "is missing" in fault["text"], fault


def put_back(folder):
    archive, copy = os.path.join(folder, "put-back"), os.path.join(folder, "copy")
    with archived(archive) as gateway:
        shop, reseller, sku = stocked(gateway, "acme")
        key = key_of(gateway)
        until_copied(gateway)
        gateway.stop()
        shutil.copytree(gateway.data, copy)
        gateway.start()
        for _ in range(20):
            assert shop.order(reseller, sku).status == 201
        until_shipped(gateway)
        gateway.stop()
        shutil.rmtree(gateway.data)
        shutil.copytree(copy, gateway.data)
        gateway.start()
        for _ in range(3):
            assert shop.order(reseller, sku).status == 201
        with checks("B3 a data folder that is put back as it was has its own history in the archive, not that since"):
            until_copied(gateway)
            sound = run("archive", "verify", archive, *key)
            assert sound.returncode == 0, sound
            target = os.path.join(folder, "of-put-back")
            made = run("restore-node", archive, "--data", target, *key)
            assert made.returncode == 0, made
            told = shop.balance(reseller)
            with Gateway(options.tollgate, data=target, demo=False) as other:
                shop.gateway = other
                assert shop.balance(reseller) == told, (shop.balance(reseller), told)


def main():
    with tempfile.TemporaryDirectory() as folder:
        shortened(folder)
        put_back(folder)
    checks.finish()


main()
