#!/usr/bin/env python3
"""W13: the provisioner of the docs (docs/examples/provisioner.py), started as its first lines say, with each fault that
it can be told to make: whatever goes wrong with an answer, each unit paid for is one account there, and no unit two."""

import base64
import os
import subprocess
import sys
import threading

from shop import Shop
from support import ROOT, Checks, Gateway, arguments, verified_export, wait_until

EXAMPLE = os.path.join(ROOT, "docs", "examples", "provisioner.py")
SECRET = "whsec_" + base64.b64encode(b"the provisioner of the docs!").decode()
UNITS = 3
# What the queue says after the first try, where that one decided nothing.
OUTCOMES = {"time-out": "timed_out", "forget": "unanswered"}


class Example:
    """The example as a program of its own: where it listens, and what it has told of accounts."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [sys.executable, EXAMPLE, "0", *words], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "TOLLGATE_SECRET": SECRET})
        self.url = self.process.stdout.readline().split()[-1]
        self.told = []
        self.reader = threading.Thread(target=lambda: self.told.extend(iter(self.line, "")), daemon=True)
        self.reader.start()

    def line(self):
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class Sale:
    """A shop whose units the example makes, and one order of them."""

    def __init__(self, gateway, example, secret=SECRET):
        self.gateway, self.shop = gateway, Shop(gateway)
        self.uses(example, secret)
        self.reseller, self.sku = self.shop.reseller(balance="100.00"), self.shop.product("http")
        self.shop.price(self.reseller, self.sku, {"wholesale_monthly": "10.00"})
        placed = self.shop.order(self.reseller, self.sku, timestamp=int(gateway.now()), quantity=UNITS)
        assert placed.status == 201, placed
        self.order = placed.json["order"]["id"]
        self.services = sorted(service["id"] for service in placed.json["services"])

    def uses(self, example, secret):
        put = self.shop.admin(
            "PUT", "/provisioning", {"url": example.url, "secret": secret, "timeout_seconds": 1})
        assert put.status == 200, put

    def is_completed(self):
        return self.shop.admin("GET", f"/orders/{self.order}").json["state"] == "completed"

    def queue(self):
        return self.shop.admin("GET", "/provisioning/queue").json["data"]

    def are_shown(self, state):
        return all(self.shop.get(self.reseller, f"/services/{service}").json["provisioning_state"] == state
                   for service in self.services)

    def money(self):
        told = self.shop.get(self.reseller, "/balance").json
        return told["balance"], told["held"]

    def answered(self, fault, is_over):
        """Waits until the units are where they should be; where the first try decides nothing, a second is made."""
        if fault in OUTCOMES:
            rows = wait_until(lambda: (rows := self.queue()) and all(row["tries"] == 1 for row in rows) and rows)
            assert {row["last_outcome"] for row in rows} == {OUTCOMES[fault]}, rows
            self.gateway.jump(7)
        wait_until(is_over)


def check(checks, gateway, fault):
    with Example(*(["--fault", fault] if fault else [])) as example:
        sale = Sale(gateway, example)
        with checks(f"W13 the example of the docs, {fault or 'no'} fault: one account a unit, each paid for once"):
            if fault in (*OUTCOMES, "late"):
                assert sale.money() == ("70.00", "30.00") and not sale.is_completed(), sale.money()
            sale.answered(fault, sale.is_completed)
            assert sorted(example.told) == [f"made {service}" for service in sale.services], example.told
            assert sale.money() == ("70.00", "0.00"), sale.money()
            details = [sale.shop.get(sale.reseller, f"/services/{service}").json["details"]
                       for service in sale.services]
            assert [each["host"]["value"] for each in details] == [
                f"{service}.hosts.example" for service in sale.services], details
        with checks(f"W13 the example of the docs, {fault or 'no'} fault: each account is taken away once"):
            for service in sale.services:
                assert sale.shop.admin("POST", f"/services/{service}/cancel").status == 200
            sale.answered(fault, lambda: sale.are_shown("terminated"))
            gone = [line for line in example.told if line.startswith("removed")]
            assert sorted(gone) == [f"removed {service}" for service in sale.services], example.told
            assert len(example.told) == 2 * UNITS, example.told
            verified_export(gateway, sale.shop.slug)


def check_another_secret(checks, gateway):
    with Example() as example, checks(
            "W13 the example of the docs, asked under another secret: the money stays held until it has the right one"):
        sale = Sale(gateway, example, "whsec_" + "A" * 43 + "=")
        rows = wait_until(lambda: (rows := sale.queue()) and all(row["tries"] == 1 for row in rows) and rows)
        assert {(row["last_outcome"], row["last_status"]) for row in rows} == {("status", 503)}, rows
        assert sale.money() == ("70.00", "30.00") and example.told == [], (sale.money(), example.told)
        sale.uses(example, SECRET)
        gateway.jump(7)
        wait_until(sale.is_completed)
        assert sorted(example.told) == [f"made {service}" for service in sale.services], example.told


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
        for fault in (None, "time-out", "late", "twice", "forget"):
            check(checks, gateway, fault)
        check_another_secret(checks, gateway)
    with checks("W13 the example of the docs names the faults that it knows, where it is told to make another"):
        done = subprocess.run(
            [sys.executable, EXAMPLE, "0", "--fault", "sulk"], capture_output=True, text=True)
        assert done.returncode == 2 and all(name in done.stderr for name in ("time-out", "late", "twice", "forget"))
    checks.finish()


if __name__ == "__main__":
    main()
