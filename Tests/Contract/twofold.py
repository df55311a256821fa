"""A script's gateway as two nodes on one PostgreSQL, calls going to one and the other in turn: as `through` runs the
contract's scripts (N4, N5)."""

import itertools
import shutil
import uuid

from cluster import Postgres, share_key
from freeports import free_port
from support import Gateway


class Pair:
    """The node that the script knows of, and a second one beside it, in a database of their own on the server that the
    environment names."""

    def __init__(self, gateway, url):
        self.gateway = gateway
        database = "tollgate_" + uuid.uuid4().hex
        Postgres.asked(url, f"CREATE DATABASE {database}")
        self.url = url.rsplit("/", 1)[0] + "/" + database
        self.port = free_port()
        port = free_port()
        self.second = Gateway(
            gateway.tollgate, *gateway.arguments, *self.words("second", port), demo=False,
            blueprints=gateway.blueprints, environment=gateway.environment, tls=gateway.tls)
        self.second.listens_at = port
        # One time of day for both; it is the first one's to remove.
        self.shared = gateway.clock
        self.turns = itertools.cycle([False, True])

    def words(self, name, port):
        words = ["--cluster", self.url, "--node", name, "--advertise", f"127.0.0.1:{port}", "--durability", "single"]
        # What links begin with is a node's own port else.
        return words if "--public-url" in self.gateway.arguments else [
            *words, "--public-url", f"http://127.0.0.1:{self.port}"]

    def begin(self):
        """Once the first one listens."""
        share_key(self.gateway, self.second)
        self.second.clock = self.shared
        try:
            self.second.start()
        finally:
            self.second.clock = None

    def next_port(self):
        is_second = next(self.turns) and self.second.process is not None and self.second.process.poll() is None
        return self.second.port if is_second else self.gateway.port

    def end(self):
        self.second.kill()

    def remove(self):
        self.second.kill()
        shutil.rmtree(self.second.data, ignore_errors=True)
