#!/usr/bin/env python3
"""P10: whoever has a bundle's passphrase can write another bundle. What stands in its front is judged as a call of the
provider's is, so that no number and no text of it brings down the node that it is sent to. The bundles are opened and
sealed here."""

import datetime
import hashlib
import hmac
import json
import os
import struct
import sys

from support import Checks, Gateway, arguments, python_of_tests

# Bundles are sealed here: that takes a package of the tests' own interpreter.
if os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(python_of_tests()))):
    os.execv(python_of_tests(), [python_of_tests(), "-u", *sys.argv])

from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: E402
from shop import Shop  # noqa: E402

PROVIDER = "/provider/v1"
PASSPHRASE = "a passphrase to move by"
HEAD = 64
TAG = 16

options = arguments()
checks = Checks()


class Bundle:
    """One that was opened: what stands in front, the tenant's file, and how both are sealed again."""

    def __init__(self, sealed):
        self.head = sealed[:HEAD]
        self.chunk = struct.unpack(">I", self.head[12:16])[0]
        derived = hashlib.scrypt(
            PASSPHRASE.encode(), salt=self.head[16:32], n=1 << self.head[9], r=self.head[10], p=self.head[11],
            maxmem=256 << 20, dklen=32)
        self.sealing = AESGCM(hmac.new(derived, b"seal", hashlib.sha256).digest())
        text, step = b"", self.chunk + TAG
        pieces = [sealed[at:at + step] for at in range(HEAD, len(sealed), step)]
        for number, piece in enumerate(pieces):
            text += self.sealing.decrypt(self.nonce(number, len(pieces)), piece, self.head)
        length = struct.unpack(">Q", text[:8])[0]
        self.front = json.loads(text[8:8 + length])
        self.file = text[8 + length:]

    @staticmethod
    def nonce(number, count):
        return struct.pack(">IQ", 1 if number == count - 1 else 0, number)

    def sealed(self, **changed):
        front = json.dumps({**self.front, **changed}).encode()
        text = struct.pack(">Q", len(front)) + front + self.file
        pieces = [text[at:at + self.chunk] for at in range(0, len(text), self.chunk)]
        return self.head + b"".join(
            self.sealing.encrypt(self.nonce(number, len(pieces)), piece, self.head)
            for number, piece in enumerate(pieces))


def take_in(gateway, bundle):
    return gateway.post(
        f"{PROVIDER}/tenants/import", bundle, key=gateway.provider_key, headers={"Tollgate-Passphrase": PASSPHRASE})


FORGED = [
    ("requests_count", 2**63 - 1), ("requests_count", -2**63), ("requests_count", 2**53 + 1), ("requests_count", "5"),
    ("requests_month", 2**63 - 1), ("requests_month", -1),
    ("quota_bytes", 2**63 - 1), ("quota_bytes", -1), ("quota_bytes", 0), ("quota_resellers", -2**63),
    ("quota_keys", 2**63 - 1), ("quota_requests", -1), ("quota_requests", 10**15 + 1), ("quota_requests", True),
    ("key_prefix", ""), ("key_prefix", "tgp"), ("key_prefix", "tgs"), ("key_prefix", "A"), ("key_prefix", "a_b"),
    ("key_prefix", "a" * 17), ("key_prefix", None),
    ("owner_email", "not an address\n<b>"), ("owner_email", ""), ("owner_email", 5), ("currency", "XXY"),
    ("tier", "none"), ("state", 6), ("state", 0), ("state", 2**63 - 1), ("id", "00"), ("id", "zz" * 16),
    ("created_at", 2**63 - 1), ("ends_at", -2**63), ("last_request_at", 2**63 - 1), ("refundable_until", None),
    ("limit_requests", 0), ("limit_requests", 2**63 - 1), ("secret_key", "AAAA"), ("signing_seed", "&"),
    ("levels", "AAAA"),
]


def main():
    with Gateway(options.tollgate, demo=False) as source, Gateway(options.tollgate, demo=False) as target:
        shop = Shop(source, "forged")
        made = source.get(
            f"{PROVIDER}/tenants/forged/export?with_secrets=true", key=source.provider_key,
            headers={"Tollgate-Passphrase": PASSPHRASE})
        assert made.status == 200, made
        bundle = Bundle(made.body)

        with checks(
                "P10 a bundle whose front says what no tenant has is refused by name, and nothing of it is taken in"):
            for name, value in FORGED:
                answer = take_in(target, bundle.sealed(**{name: value}))
                assert answer.status == 422 and answer.json["code"] == "bundle_damaged", (name, value, answer)
                assert f" {name}." in answer.json["detail"], (name, value, answer)
            forged = {"limit_requests": 1, "limit_window": 1_000_000, "limit_burst": 1_000_000}
            slow = take_in(target, bundle.sealed(**forged))
            assert slow.status == 422 and " limit_burst." in slow.json["detail"], slow
            # Values by the million take hundreds of megabytes once they are read.
            many = take_in(target, bundle.sealed(more=[0] * 1_000_000))
            assert many.status == 422 and many.json["code"] == "bundle_damaged", many
            found = target.get(f"{PROVIDER}/tenants/forged", key=target.provider_key)
            assert found.status == 404, found

        with checks("P10 P2 the node that refused them goes on, and takes in the largest that a tenant can have"):
            now = datetime.datetime.now(datetime.timezone.utc)
            month = now.year * 12 + now.month - 1
            most = {
                "requests_month": month, "requests_count": 2**53, "quota_bytes": 10**15, "quota_requests": 10**15}
            answer = take_in(target, bundle.sealed(**most))
            assert answer.status == 201, answer
            for _ in range(3):
                asked = target.get(shop.base + "/api/admin/resellers", key=shop.owner_key)
                assert asked.status == 402 and asked.json["code"] == "quota_exceeded", asked
            key = target.post(f"{PROVIDER}/tenants/forged/owner-key", {}, key=target.provider_key)
            assert key.status in (200, 201), key
            # What would be restored may be as large as the quota, and a seal more.
            restored = target.post(f"{PROVIDER}/tenants/forged/restore", b"no file", key=target.provider_key)
            assert restored.status == 422 and restored.json["code"] == "not_a_tenant_file", restored
    checks.finish()


main()
