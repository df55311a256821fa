"""A data folder as a release before wrote it (`fixtures/schema13.tar.xz`: the demo after every call of the five product
documents, stopped in order), under today's program: every tenant opens, verifies, trades on, and is restored, from an
export of today and from its file as it was.
To add a folder: run `seeds.py` with the older program, keep its data folder without `blank/`, and pack it."""

import contextlib
import glob
import json
import os
import re
import sqlite3
import tarfile
import tempfile

from support import Checks, Gateway, arguments, verified_export

options = arguments()
checks = Checks()
FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
# Tables that others took the place of.
SUCCEEDED = {"usage": ["usage_day"], "usage_refusal": ["usage_day"]}
# By tenant: a list of the operator's that has rows in the folder.
LISTS = {"hosting": "/orders", "codes": "/subscribers", "proxies": "/ports", "licences": "/licences", "panel": "/users"}


# Sessions, and keys of before a rotation, that have ended go by and by: they count for nothing. A restore takes the
# secrets of keys that are revoked.
LASTING = {
    "api_key": "expires_at IS NULL",
    "api_key_secret": "expires_at IS NULL AND key_id IN (SELECT id FROM api_key WHERE revoked_at IS NULL)",
    "webhook_secret": "expires_at IS NULL",
    "webhook_endpoint_secret": "expires_at IS NULL"}


def rows(path):
    """By table, how many rows a file has."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {
            name: file.execute(f'SELECT count(*) FROM "{name}" WHERE {LASTING.get(name, "TRUE")}').fetchone()[0]
            for name in tables}


def lost(before, now):
    """By table, rows that are not there any more. Those that took others' place count what these did, by other keys."""
    assert all(any(now[new] for new in news) for news in SUCCEEDED.values()), now
    return {name: count for name, count in before.items() if name not in SUCCEEDED and now.get(name, 0) < count}


def restore(gateway, slug, content, query=""):
    return gateway.post(f"/provider/v1/tenants/{slug}/restore{query}", content, key=gateway.provider_key)


def exported_rows(gateway, slug):
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(verified_export(gateway, slug))
        file.flush()
        return rows(file.name)


def walk(folder, before, raw, schema):
    """`raw`: each tenant's file as it lay there, of that schema."""
    with Gateway(options.tollgate, data=folder) as gateway:
        tenants = json.load(open(os.path.join(folder, "demo.json"), encoding="utf-8"))["tenants"]
        for slug, tenant in tenants.items():
            owner = tenant["owner_key"]
            with checks(f"P5 G8 {slug}: the file of a release before opens, has all its rows and verifies"):
                listed = gateway.get(f"/t/{slug}/api/admin{LISTS[slug]}", key=owner)
                assert listed.status == 200 and json.loads(listed.body)["data"], listed
                missing = lost(before[slug], exported_rows(gateway, slug))
                assert not missing, missing
            with checks(f"O13 {slug}: people of before are listed, the owner among them, and are who they were"):
                made = gateway.post(f"/provider/v1/tenants/{slug}/owner-key", key=gateway.provider_key)
                listed = gateway.get(f"/t/{slug}/api/admin/people", key=made.json["owner_key"])
                assert listed.status == 200, listed
                people = listed.json["data"]
                assert people[0]["role"] == "owner" and people[0]["id"].startswith("per_"), people
                assert all(person["state"] == "active" for person in people), people
            with checks(f"P5 {slug}: an export of it is taken back"):
                exported = gateway.get(f"/provider/v1/tenants/{slug}/export", key=gateway.provider_key)
                restored = restore(gateway, slug, exported.body)
                assert restored.status == 200, restored
                verified_export(gateway, slug)
            with checks(f"P5 {slug}: its unsigned file of schema {schema} is taken back where that is asked for"):
                # SQLite has `user_version` there.
                assert int.from_bytes(raw[slug][60:64], "big") == schema, raw[slug][:100]
                refused = restore(gateway, slug, raw[slug])
                assert refused.status == 422 and refused.json["code"] == "export_unsigned", refused
                taken = restore(gateway, slug, raw[slug], "?unsigned=accept")
                assert taken.status == 200 and taken.json["incarnation"] == restored.json["incarnation"] + 1, taken
                missing = lost(before[slug], exported_rows(gateway, slug))
                assert not missing, missing
                listed = gateway.get(f"/t/{slug}/api/admin{LISTS[slug]}", key=owner)
                assert listed.status == 200 and listed.json["data"], listed
        with checks("W4 W10 a reseller of before orders by the secret that it had; its feed tells of before and of now"):
            reseller = tenants["hosting"]["resellers"][0]
            products = gateway.get("/t/hosting/api/partner/v1/products", key=reseller["key"])
            assert products.status == 200, products
            product = json.loads(products.body)["data"][0]
            placed = gateway.order(
                "/t/hosting/api/partner/v1/orders",
                {"product": product["product"], "term": next(iter(product["terms"])), "quantity": 1,
                 "customer": {"external_id": "after-the-upgrade"}}, reseller, "upgrade-1")
            assert placed.status == 201, placed
            feed = gateway.get("/t/hosting/api/partner/v1/events?limit=100", key=reseller["key"]).json["data"]
            types = [event["type"] for event in feed]
            assert types.count("order.created") >= 2, types
            verified_export(gateway, "hosting")


for archive in sorted(glob.glob(os.path.join(FIXTURES, "schema*.tar.xz"))):
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as packed:
            packed.extractall(folder)
        files, raw = {}, {}
        with contextlib.closing(sqlite3.connect(os.path.join(folder, "registry.sqlite"))) as registry:
            for identity, slug in registry.execute("SELECT lower(hex(id)), slug FROM tenant"):
                text = "-".join([identity[:8], identity[8:12], identity[12:16], identity[16:20], identity[20:]])
                path = os.path.join(folder, "tenants", identity[:2], f"{text}.sqlite")
                files[slug] = rows(path)
                with open(path, "rb") as file:
                    raw[slug] = file.read()
        walk(folder, files, raw, int(re.search(r"schema(\d+)", os.path.basename(archive))[1]))

checks.finish()
