"""Orders whose commits are on two PostgreSQL servers' disks before they are answered (N2), beside the same with commits
in the node's own log. Apart from all other rows: both servers, the gateway and the load share one machine and one disk,
where a provider has four machines. Asked for by name alone."""

import os
import subprocess
import sys
import time

import load
import machine
from rows_orders import LOG, Orders
from servers import Postgres, Process, Tollgate

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "Tests", "Contract"))
from freeports import free_port  # noqa: E402

CLIENTS = 64


class Primary(Postgres):
    """Commits wait for one standby."""

    def __init__(self, folder):
        self.port = free_port()
        self.settings = {
            **Postgres.settings, "listen_addresses": "127.0.0.1", "port": str(self.port), "wal_level": "replica",
            "synchronous_standby_names": "ANY 1 (standby)"}
        # The peer's schema is made before there is a standby that it could wait for.
        self.environment = {**os.environ, "PGOPTIONS": "-c synchronous_commit=local", "PGPORT": str(self.port)}
        os.environ.update(self.environment)
        super().__init__(folder)
        del os.environ["PGOPTIONS"], os.environ["PGPORT"]
        self.standby = Standby(self)

    @property
    def url(self):
        user = "postgres" if os.geteuid() == 0 else os.environ.get("USER", "postgres")
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres"

    def stop(self):
        self.standby.stop()
        super().stop()


class Standby(Process):
    def __init__(self, primary):
        folder = os.path.join(primary.folder, "standby")
        connection = f"host=127.0.0.1 port={primary.port} application_name=standby"
        primary.run("pg_basebackup", "-D", folder, "-R", "-d", connection, "--checkpoint=fast")
        settings = {**Postgres.settings, "unix_socket_directories": primary.folder, "port": str(free_port())}
        super().__init__(
            [*primary.user, f"{primary.binaries}/postgres", "-D", folder,
             *[f"--{name}={value}" for name, value in settings.items()]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=primary.folder)
        deadline = time.monotonic() + 30
        asked = ("psql", "-XAtq", "-h", "127.0.0.1", "-p", str(primary.port), "-d", "postgres", "-c",
                 "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'")
        while primary.run(*asked).strip() != "1":
            if time.monotonic() > deadline:
                sys.exit("the standby did not come")
            time.sleep(0.1)


def replicated(options, folder, table):
    data = {kind: os.path.join(folder, f"replicated-{kind}") for kind in ("log", "shared")}
    with Primary(os.path.join(folder, "replicated-postgres")) as primary:
        shared = ("--cluster", primary.url, "--node", "bench", "--advertise", "127.0.0.1:8080")
        kinds = {"log": LOG, "shared": shared}
        places = {}
        for kind, arguments in kinds.items():
            with Tollgate(options.tollgate, data[kind], *arguments) as server:
                places[kind] = [
                    (tenant, tenant.price(tenant.new_reseller(f"bench{index}"))) for index in range(options.tenants)
                    for tenant in [server.new_tenant(f"shop-{index}")]]
        rounds = {kind: Orders(options, folder, CLIENTS) for kind in kinds}
        syncs, shipped = machine.Syncs(folder, None), []
        for _ in range(options.rounds):
            for kind, arguments in kinds.items():
                with Tollgate(options.tollgate, data[kind], *arguments) as server:
                    for tenant, _ in places[kind]:
                        tenant.server = server
                        # Opened before the clock runs.
                        tenant.admin("GET", "/resellers?limit=1")
                    before = server.metric("tollgate_cluster_shipped_bytes_total")
                    rounds[kind].round(server, places[kind])
                    if kind == "shared":
                        sent = server.metric("tollgate_cluster_shipped_bytes_total") - before
                        shipped.append(sent / max(1, rounds[kind].rounds[-1].requests))
            syncs.probe()
    local = load.median(rounds["log"].rounds, "rate")
    table.add(
        f"replicated: order, {options.tenants} tenants, PostgreSQL and a standby here", rounds["shared"].rounds,
        sync=syncs.p50, peer="the same with --commits log", peer_rate=local,
        figure=load.median(rounds["shared"].rounds, "rate") / local, unit="×")
    table.add("replicated: bytes an order, shipped to the log", figure=load.statistics.median(shipped) / 1024,
              threshold="order_shipped_bytes")
