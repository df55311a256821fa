"""What an order costs while the whole node is backed up beside it (P11): rounds of orders in turn, without a backup and
with one after the other."""

import os
import subprocess
import threading

import load
from rows_orders import Orders
from servers import Tollgate

TENANTS = 20


class Backups:
    """One backup after the other into folders of their own, for as long as the block lasts: each writes everything."""

    def __init__(self, options, folder, data):
        self.options, self.folder, self.data = options, folder, data
        self.ended, self.count, self.failure = threading.Event(), 0, None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.is_set():
            target = os.path.join(self.folder, f"backup-{self.count}")
            done = subprocess.run([self.options.tollgate, "backup", target, "--data", self.data, "--json"],
                                  capture_output=True, text=True, timeout=600)
            if done.returncode != 0:
                self.failure = done.stderr
                return
            self.count += 1
            subprocess.run(["rm", "-rf", target], check=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        if self.failure:
            raise SystemExit(f"the backup failed: {self.failure}")


def backup(options, folder, table):
    data = os.path.join(folder, "backed-up")
    with Tollgate(options.tollgate, data) as server:
        places = []
        for index in range(TENANTS):
            tenant = server.new_tenant(f"kept-{index}")
            places.append((tenant, tenant.price(tenant.new_reseller(f"bench{index}"))))
        alone, beside = Orders(options, folder), Orders(options, folder)
        # The first fills the files.
        Orders(options, folder).round(server, places)
        count = 0
        for _ in range(options.rounds):
            alone.round(server, places)
            with Backups(options, folder, data) as backups:
                beside.round(server, places)
            count += backups.count
        table.add(f"order: {TENANTS} tenants", alone.rounds)
        table.add(f"order: {TENANTS} tenants, beside backups of the node", beside.rounds, note=f"{count} backups",
                  figure=load.median(beside.rounds, "cpu") / load.median(alone.rounds, "cpu"), threshold="backup",
                  unit="× CPU")
