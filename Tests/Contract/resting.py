"""Tenants that nobody uses: their files are packed, small on the disk, and whole again with the next call, whatever
stops the gateway in between (P1, P2, G8)."""

import glob
import os
import random
import threading
import time

from shop import Shop
from support import Checks, Gateway, arguments, verified_export, wait_until

SMALL_BYTES_MAX = 64 << 10
REST = ("--rest-seconds", "1")
TENANTS = 4


def files(gateway, shop, suffix=""):
    return glob.glob(os.path.join(gateway.data, "tenants", "*", f"{shop.made['id']}.sqlite{suffix}"))


def is_packed(gateway, shop):
    return not files(gateway, shop) and len(files(gateway, shop, ".packed")) == 1


def room(path):
    return os.stat(path).st_blocks * 512


def at_rest(checks, gateway):
    shop = Shop(gateway)
    before = gateway.get(f"/provider/v1/tenants/{shop.slug}", key=gateway.provider_key).json
    with checks("P2 an empty tenant that nobody uses takes at most 64 KiB of the disk, and says the size it had"):
        wait_until(lambda: is_packed(gateway, shop), 60)
        taken = room(files(gateway, shop, ".packed")[0])
        assert taken <= SMALL_BYTES_MAX, taken
        after = gateway.get(f"/provider/v1/tenants/{shop.slug}", key=gateway.provider_key).json
        assert before["bytes"] >= 500_000 and after["bytes"] >= 500_000, (before["bytes"], after["bytes"])
        assert is_packed(gateway, shop), "asking for its size opened it"
    with checks("P2 P7 the next call finds it whole, and it is packed again once nobody uses it"):
        reseller = shop.admin("POST", "/resellers", {"email": "a@there.example", "name": "A"})
        assert reseller.status == 201, reseller
        assert files(gateway, shop) and not files(gateway, shop, ".packed")
        # What its use left behind is cleared first.
        wait_until(lambda: is_packed(gateway, shop), 90)
        rows = shop.admin("GET", "/resellers").json["data"]
        assert [row["email"] for row in rows] == ["a@there.example"], rows
    with checks("P5 an export of a tenant at rest verifies, and it is restored from it at rest"):
        wait_until(lambda: is_packed(gateway, shop), 90)
        copy = verified_export(gateway, shop.slug)
        wait_until(lambda: is_packed(gateway, shop), 90)
        answer = gateway.post(
            f"/provider/v1/tenants/{shop.slug}/restore", copy, key=gateway.provider_key,
            headers={"Content-Type": "application/vnd.sqlite3"})
        assert answer.status == 200, answer
        verified_export(gateway, shop.slug)
    with checks("P5 a deletion takes what is packed with it"):
        wait_until(lambda: is_packed(gateway, shop), 90)
        gone = gateway.delete(
            f"/provider/v1/tenants/{shop.slug}?confirm={shop.slug}", key=gateway.provider_key)
        assert gone.status in (200, 204), gone
        assert not files(gateway, shop, "*")


def damaged(checks, gateway):
    shop, sound = Shop(gateway), Shop(gateway)
    with checks("P5 what is packed and was damaged since is not served, and everybody else is"):
        wait_until(lambda: is_packed(gateway, shop), 60)
        path = files(gateway, shop, ".packed")[0]
        with open(path, "r+b") as file:
            file.seek(room(path) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))
        assert shop.admin("GET", "/resellers").status == 503
        assert sound.admin("GET", "/resellers").status == 200
        assert "packed" in gateway.errors() + "\n".join(gateway.output), gateway.errors()
        with open(path, "r+b") as file:
            file.seek(room(path) // 2)
            file.write(byte)
        assert shop.admin("GET", "/resellers").status == 200


class Storm:
    """Calls of several tenants, each after a pause in which it may be packed; the e-mail addresses that were
    acknowledged."""

    def __init__(self, gateway, shops):
        self.gateway, self.shops = gateway, shops
        self.made = {shop.slug: [] for shop in shops}
        self.ends = False
        self.threads = [threading.Thread(target=self.call, args=(shop,)) for shop in shops]

    def call(self, shop):
        number = 0
        while not self.ends:
            time.sleep(random.uniform(0.2, 2.4))
            number += 1
            email = f"r{number}-{random.randrange(1 << 40)}@there.example"
            try:
                answer = shop.admin("POST", "/resellers", {"email": email, "name": "R"})
            except OSError:
                return
            if answer.status == 201:
                self.made[shop.slug].append(email)

    def run(self, seconds):
        for thread in self.threads:
            thread.start()
        time.sleep(seconds)
        self.gateway.kill()
        self.ends = True
        for thread in self.threads:
            thread.join()


def kills(checks, gateway, rounds):
    shops = [Shop(gateway) for _ in range(TENANTS)]
    known = {shop.slug: set() for shop in shops}
    with checks(f"G8 P1 kill -9 while files are packed and made whole, {rounds} times: every acknowledged row is "
                "there"):
        for _ in range(rounds):
            storm = Storm(gateway, shops)
            storm.run(random.uniform(1.5, 5))
            gateway.start()
            for shop in shops:
                known[shop.slug] |= set(storm.made[shop.slug])
                found, cursor = set(), ""
                while cursor is not None:
                    page = shop.admin("GET", f"/resellers?limit=100{cursor}").json
                    found |= {row["email"] for row in page["data"]}
                    cursor = f"&cursor={page['next_cursor']}" if page["has_more"] else None
                assert known[shop.slug] <= found, known[shop.slug] - found
        for shop in shops:
            verified_export(gateway, shop.slug)
    with checks("P2 what a gateway left whole is packed by the next one"):
        gateway.stop()
        gateway.start()
        wait_until(lambda: all(is_packed(gateway, shop) for shop in shops), 120)


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, *REST, demo=False) as gateway:
        at_rest(checks, gateway)
        damaged(checks, gateway)
        kills(checks, gateway, 40 if options.long else 4)
    checks.finish()


if __name__ == "__main__":
    main()
