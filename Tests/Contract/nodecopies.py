"""What the scripts about backups and archives of a whole node share: tenants that sell, a backup of them, what is
in it, and how far an archive is."""

import json
import os
import time

from shop import Shop
from support import wait_until


def files(folder):
    """Every object's name and bytes."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


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


def metric(gateway, name):
    text = gateway.get("/metrics").body.decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))


def until_shipped(gateway):
    """The log of everything that was told until now is in the archive."""
    began = time.monotonic()

    def has_all():
        # Before the question: its answer may take its time.
        passed = time.monotonic() - began
        return metric(gateway, "tollgate_archive_behind_seconds") < passed
    wait_until(has_all, seconds=60)
