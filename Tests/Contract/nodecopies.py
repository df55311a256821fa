"""What the scripts about backups and archives of a whole node share: tenants that sell, a backup of them, what is
in it, how far an archive is, and the node's own keys."""

import json
import os
import sqlite3
import tempfile
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


def key_of(gateway):
    return "--master-key", os.path.join(gateway.data, "master.key")


def until_copied(gateway):
    wait_until(lambda: metric(gateway, "tollgate_archive_tenants_without_copy") == 0, seconds=60)
    until_shipped(gateway)


def selling(gateway, slug):
    """A call that places an order, under the key that it is given."""
    shop, reseller, sku = stocked(gateway, slug)
    return lambda key: shop.order(reseller, sku, key=key, timestamp=int(gateway.now()))


def told(done, list_name):
    """What a report says is wrong."""
    assert done.returncode == 1, done
    return json.loads(done.stdout)[list_name]


def late_object(archive, place=-3):
    """The last but two of the log, or another one of its last stream."""
    stream = os.path.join(archive, "log")
    while True:
        inner = sorted(os.listdir(stream))
        if not os.path.isdir(os.path.join(stream, inner[-1])):
            return os.path.join(stream, inner[place])
        stream = os.path.join(stream, inner[-1])


def registry_files(gateway):
    """What the registry and its WAL hold, by name."""
    content = {}
    for name in ("registry.sqlite", "registry.sqlite-wal"):
        with open(os.path.join(gateway.data, name), "rb") as file:
            content[name] = file.read()
    return content


def wrapped_keys(gateway, id):
    """A tenant's keys as the node's registry has them."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in registry_files(gateway).items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        database = sqlite3.connect(os.path.join(folder, "registry.sqlite"))
        return database.execute(
            "SELECT wrapped_secret_key, wrapped_signing_key FROM tenant_key WHERE tenant_id = ?",
            [bytes.fromhex(id.replace("-", ""))]).fetchone()
