#!/usr/bin/env python3
"""A tenant's logo (O12): judged by its bytes, kept in the tenant's file, served under its hash, shown by the pages."""

import hashlib
import re
import struct
import zlib

from shop import Shop
from support import Checks, Gateway, arguments, verified_export

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def chunk(name, data, sum_of=None):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + (sum_of or data)))


def png(width, height, padding=0, **parts):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + b"\x30\x60\x90" * width for _ in range(height)), 9)
    rest = chunk(b"tEXt", b"Comment\0" + b"x" * padding) if padding else b""
    return (b"\x89PNG\r\n\x1a\n" + parts.get("header", chunk(b"IHDR", header)) + rest
            + parts.get("data", chunk(b"IDAT", pixels)) + parts.get("end", chunk(b"IEND", b"")))


def webp(*parts):
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def lossless(width, height):
    return b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\0" * 7


def lossy(width, height):
    return b"VP8 ", b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0" * 8


def extended(width, height):
    return b"VP8X", b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        shop, other = Shop(gateway), Shop(gateway)
        taken(checks, gateway, shop, other)
        refused(checks, shop)
        pages(checks, gateway, shop)
        taken_away(checks, gateway, shop)
    checks.finish()


def put(shop, body, kind="image/png"):
    return shop.admin("PUT", "/settings/logo", body, headers={"Content-Type": kind})


def path_of(gateway, logo):
    return logo.removeprefix(gateway.base_url)


def taken(checks, gateway, shop, other):
    with checks(
            "O12 PNG and WebP are taken and given back byte for byte, as logo.{hash}, with nosniff and a long cache"):
        assert shop.admin("GET", "/settings").json["logo"] is None
        pictures = [
            (png(16, 16), "image/png"), (png(1024, 1), "image/png"), (png(1, 1024), "image/png"),
            (webp(lossless(64, 32)), "image/webp"), (webp(lossy(1024, 1024)), "image/webp"),
            (webp(extended(200, 100), lossy(200, 100)), "image/webp"),
            (png(8, 8, padding=65536 - len(png(8, 8)) - 20), "image/png")]
        assert len(pictures[-1][0]) == 65536, len(pictures[-1][0])
        for body, kind in pictures:
            # What it is called counts for nothing.
            answer = put(shop, body, kind="application/octet-stream")
            assert answer.status == 200, (kind, answer)
            logo = answer.json["logo"]
            assert logo == f"{gateway.base_url}{shop.base}/logo.{hashlib.sha256(body).hexdigest()[:32]}", logo
            assert shop.admin("GET", "/settings").json["logo"] == logo
            given = gateway.get(path_of(gateway, logo))
            assert given.status == 200 and given.body == body, given
            assert given.headers["content-type"] == kind, given.headers
            assert given.headers["x-content-type-options"] == "nosniff", given.headers
            assert given.headers["cache-control"] == "public, max-age=31536000, immutable", given.headers
            assert gateway.request("HEAD", path_of(gateway, logo)).status == 200
    with checks("O12 another tenant's logo, one of before and one that never was are not there, and nobody keeps that"):
        now = shop.admin("GET", "/settings").json["logo"].rsplit(".", 1)[1]
        before = hashlib.sha256(png(16, 16)).hexdigest()[:32]
        for path in (f"{other.base}/logo.{now}", f"{shop.base}/logo.{before}", f"{shop.base}/logo.",
                     f"{shop.base}/logo.x", f"/t/nobody/logo.{now}"):
            answer = gateway.get(path)
            assert answer.status in (404, 401), (path, answer)
            assert answer.headers["cache-control"] == "no-store", (path, answer.headers)


def refused(checks, shop):
    with checks(
            "O12 whatever is no whole picture of at most 64 KiB and 1024 pixels a side is refused, and the logo stays"):
        before = shop.admin("GET", "/settings").json
        good = png(4, 4)
        for name, body in {
                "nothing": b"", "an SVG": SVG, "a GIF": b"GIF89a\x01\0\x01\0",
                "a JPEG": b"\xff\xd8\xff\xe0" + b"\0" * 40,
                "the mark alone": good[:8], "cut off": good[:-1], "with more behind it": good + b"<script>",
                "no data": png(4, 4, data=b""), "no end": png(4, 4, end=b""), "two ends": good + chunk(b"IEND", b""),
                "a wrong sum": png(4, 4, data=chunk(b"IDAT", b"abc", sum_of=b"abd")),
                "no header": png(4, 4, header=b""), "of no width": png(0, 4), "1025 wide": png(1025, 1),
                "two headers": good[:33] + png(5000, 5000, data=b"", end=b"")[8:] + good[33:],
                "the header twice": good[:33] + good[8:],
                "1025 high": png(1, 1025), "a length past the end": good[:8] + b"\xff\xff\xff\xff" + good[12:],
                "a WebP of 1025": webp(lossless(1025, 1)), "a WebP of 1025 high": webp(lossy(1, 1025)),
                "a WebP whose canvas is too large": webp(extended(2000, 10), lossy(10, 10)),
                "a WebP without a picture": webp(extended(10, 10)), "a RIFF of another kind": b"RIFF\x04\0\0\0WAVE",
                "a WebP with more behind it": webp(lossless(4, 4)) + b"<script>",
                "a WebP cut off": webp(lossy(4, 4))[:-2],
                "a WebP without its mark": webp((b"VP8L", b"\0" * 12))}.items():
            answer = put(shop, body)
            assert answer.status in (400, 422), (name, answer)
            assert answer.status == 422 or name == "nothing", (name, answer)
        large = put(shop, png(8, 8, padding=65536))
        assert large.status == 413, large
        url = shop.admin("PATCH", "/settings", {"logo": "https://there.example/logo.png"})
        assert url.status == 422 and url.json["errors"][0]["pointer"] == "/logo", url
        assert shop.admin("GET", "/settings").json == before
    with checks("O12 a logo is its operators' to set: no reseller's, no stranger's, no test key's"):
        reseller = shop.reseller()
        test_key = shop.admin("POST", "/api-keys", {
            "owner_email": f"owner@{shop.slug}.example", "mode": "test", "role": "operator"}).json["key"]
        for key, status in ((reseller["key"], 403), (test_key, 403), ("nonsense", 401)):
            answer = shop.admin("PUT", "/settings/logo", png(2, 2), key=key)
            assert answer.status == status, (status, answer)
            assert shop.admin("DELETE", "/settings/logo", key=key).status == status
        assert shop.admin("GET", "/settings").json == before


def pages(checks, gateway, shop):
    with checks("O12 pages load the logo from the tenant's own address, and their policy lets them load nothing else"):
        logo = path_of(gateway, shop.admin("GET", "/settings").json["logo"])
        invited = shop.invite(password=None)
        page = gateway.get(path_of(gateway, invited["invitation"]))
        assert page.status == 200, page
        assert re.findall(r'<img src="([^"]+)"', page.body.decode()) == [logo], page.body
        assert " img-src 'self';" in page.headers["content-security-policy"], page.headers
        assert gateway.get(logo).status == 200


def taken_away(checks, gateway, shop):
    with checks("O12 a logo that is taken away is served no more and stands on no page; without one that is no error"):
        logo = shop.admin("GET", "/settings").json["logo"]
        assert shop.admin("DELETE", "/settings/logo").json["logo"] is None
        assert gateway.get(path_of(gateway, logo)).status == 404
        assert shop.admin("DELETE", "/settings/logo").status == 200
        page = gateway.get(path_of(gateway, shop.invite(password=None)["invitation"]))
        assert b"<img" not in page.body, page
    with checks("O12 a file that keeps a logo verifies, and a copy has it"):
        assert put(shop, png(3, 3)).status == 200
        assert png(3, 3) in verified_export(gateway, shop.slug)


if __name__ == "__main__":
    main()
