#!/usr/bin/env python3
"""A cluster's database behind a slow network (N2): what a large import made takes longer to get there than an append
has by itself, and is taken all the same."""

import os
import shutil
import socket
import threading
import time

from cluster import Node, Postgres
from shop import Shop
from support import Checks, arguments

BYTES_A_SECOND = 6_000_000
# Some 15 MB of records, which take longer than two seconds.
LINES = 45_000


class SlowNetwork:
    """Carries what is sent to a port of loopback, and no faster; answers come back at once."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            for source, target, is_slow in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.carry, args=(source, target, is_slow), daemon=True).start()

    @staticmethod
    def carry(source, target, is_slow):
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
                if is_slow:
                    time.sleep(len(piece) / BYTES_A_SECOND)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def main():
    options, checks = arguments(), Checks()
    with Postgres() as postgres, SlowNetwork(postgres.port) as network:
        node = Node(options.tollgate, "a", postgres.url.replace(str(postgres.port), str(network.port)))
        try:
            node.start()
            shop = Shop(node)
            sku = shop.product("stock")
            with checks("N2 O4 a large import is taken where its record needs longer than an order's may"):
                lines = "item\n" + "\n".join(f"{number}-{os.urandom(60).hex()}" for number in range(LINES))
                done = shop.admin(
                    "POST", f"/products/{sku}/stock", lines.encode(), idempotent=True,
                    headers={"Content-Type": "text/csv"})
                assert done.status == 201, done
                largest = int(postgres.ask("SELECT max(length(data)) FROM tollgate.log")[0][0])
                assert largest > 2 * BYTES_A_SECOND, largest
        finally:
            node.kill()
            shutil.rmtree(node.data, ignore_errors=True)
    checks.finish()


if __name__ == "__main__":
    main()
