#!/usr/bin/env python3
"""B3: an archive that is away until the log passes --archive-backlog: the log forgets, and the archive says what it
lacks; a reader of our own reads on behind that. And one that goes on while it is read. Gateways of its own."""

import os
import struct
import sys
import tempfile
import time
import zlib

from support import Checks, Gateway, arguments, command, python_of_tests, wait_until

# The reader opens seals: that takes a package of the tests' own interpreter.
if os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(python_of_tests()))):
    os.execv(python_of_tests(), [python_of_tests(), "-u", *sys.argv])

from archivereader import Reader  # noqa: E402
from nodecopies import metric, stocked, until_shipped  # noqa: E402
from objectstore import BUCKET, Faulty, Moto, environment  # noqa: E402

options = arguments()
checks = Checks()
SEGMENT_BYTES = 16 << 20
BACKLOG_MIB = 1
LOGO_BYTES = 60_000


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def logo():
    """A picture that does not pack."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"tEXt", b"Comment\0" + os.urandom(LOGO_BYTES))
            + chunk(b"IDAT", zlib.compress(b"\0\0\0\0")) + chunk(b"IEND", b""))


def put_logos(shop, count):
    for _ in range(count):
        assert shop.admin("PUT", "/settings/logo", logo(), headers={"Content-Type": "image/png"}).status == 200


def until_copied(gateway):
    until_shipped(gateway)
    wait_until(lambda: metric(gateway, "tollgate_archive_tenants_without_copy") == 0, seconds=60)
    until_shipped(gateway)


def orders(reader, shop):
    tenant = reader.tenants[bytes.fromhex(shop.made["id"].replace("-", ""))]
    return {row[0] for row in tenant.database().execute("SELECT public_id FROM orders")}


def text_of(seconds):
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{milliseconds:03}Z"


def meanwhile():
    """A tenant that is made when a reader has listed the keys, and the log not yet."""
    with Moto() as moto, Faulty(moto) as faulty:
        names, place = environment(faulty.url), f"s3://{BUCKET}/meanwhile"
        with checks("B3 B4 a tenant that is made while the archive is read is no fault of it"), Gateway(
                options.tollgate, "--archive", place, demo=False, environment=names) as gateway:
            stocked(gateway, "before")
            until_copied(gateway)
            listed = []

            def noted(content):
                listed.append(content)
                return content

            def verified(change):
                keys = "prefix=meanwhile%2Fkeys%2F"
                with faulty.having(lambda _, path, __: ("other", change) if path.endswith(keys) else
                                   ("empty",) if f"{keys}&" in path else None):
                    proved = command(options.tollgate, "archive", "verify", place, "--master-key",
                                     os.path.join(gateway.data, "master.key"), environment=names)
                assert proved.returncode == 0, proved

            verified(noted)
            stocked(gateway, "meanwhile")
            until_copied(gateway)
            verified(lambda _: listed[0])


def first_segment(gateway):
    return min(name for name in os.listdir(os.path.join(gateway.data, "log")) if name.endswith(".segment"))


def until_forgotten(gateway, archive, shop):
    """The archive is away until the log has forgotten what it waits for; a moment of that."""
    first = first_segment(gateway)
    os.rename(archive, archive + "-away")
    put_logos(shop, 1)
    # The object that is on its way is whole in memory, and comes once the archive is back.
    wait_until(lambda: metric(gateway, "tollgate_archive_in_trouble") == 1, seconds=60)
    put_logos(shop, 20)
    moment = time.time()
    time.sleep(0.01)
    put_logos(shop, (SEGMENT_BYTES + (BACKLOG_MIB << 20)) // LOGO_BYTES + 20)
    # Once the tenant's file has what is in the segment, and the past keeps it.
    wait_until(lambda: first_segment(gateway) > first, seconds=120)
    os.rename(archive + "-away", archive)
    return moment


def main():
    with tempfile.TemporaryDirectory() as folder:
        archive = os.path.join(folder, "archive")
        with Gateway(options.tollgate, "--commits", "log", "--archive", archive, "--archive-backlog", str(BACKLOG_MIB),
                     demo=False) as gateway:
            shop, reseller, sku = stocked(gateway, "acme")
            told = {shop.order(reseller, sku).json["order"]["id"]}
            until_copied(gateway)
            with open(os.path.join(gateway.data, "master.key"), "rb") as file:
                reader = Reader(archive, file.read())
            reader.follow()
            assert orders(reader, shop) == told and reader.gaps == []
            moment = until_forgotten(gateway, archive, shop)
            told.add(shop.order(reseller, sku).json["order"]["id"])
            until_copied(gateway)
            with checks("B3 where the log passed --archive-backlog it says so, and every tenant is copied anew"):
                assert "every tenant is copied anew" in gateway.errors(), gateway.errors()
            with checks("B3 a reader of our own is told what the archive lacks, passes no copy over it, and reads on"):
                reader.follow()
                (end, start), = reader.gaps
                assert end < start, reader.gaps
                assert orders(reader, shop) == told, told
                told.add(shop.order(reseller, sku).json["order"]["id"])
                until_shipped(gateway)
                reader.follow()
                assert orders(reader, shop) == told and len(reader.gaps) == 1, reader.gaps
            key = ("--master-key", os.path.join(gateway.data, "master.key"))
            with checks("B3 B4 behind the gap all is whole; a moment within it is told of as incomplete"):
                sound = command(options.tollgate, "archive", "verify", archive, *key)
                assert sound.returncode == 0, sound
                holed = command(options.tollgate, "archive", "verify", archive, "--at", text_of(moment), *key)
                assert holed.returncode == 1 and "lacks a part of the log" in holed.stdout + holed.stderr, holed
            with checks("B3 B4 the last moment before the gap is whole"):
                # In the midst of the millisecond itself the gap begins.
                last = text_of((reader.until_gaps[0] - 1) / 1000)
                whole = command(options.tollgate, "archive", "verify", archive, "--at", last, *key)
                assert whole.returncode == 0, (last, whole)
    meanwhile()
    checks.finish()


main()
