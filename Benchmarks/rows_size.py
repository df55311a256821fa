"""What things weigh, on disk and in memory: figures of docs/capacity.md that no load from elsewhere can spoil."""

import os
import sqlite3
import time

import load
import machine
from fixed_load import Crowd
from rows_read import PATH
from servers import WIDE_LIMIT, Tollgate

OPEN_TENANTS = 200
CONNECTIONS = 1_000
READS = 20_000


class Scale:
    """A gateway that is stopped to be weighed: its files are whole then, and nobody else has them open."""

    def __init__(self, options, folder):
        self.options, self.data = options, os.path.join(folder, "size")

    def run(self, work, *words):
        """Does `work(server)` with a gateway on the folder, `words` its options; returns what it returned."""
        with Tollgate(self.options.tollgate, self.data, *words) as server:
            return work(server)

    def path(self, identity):
        return os.path.join(self.data, "tenants", identity[:2], f"{identity}.sqlite")

    def tables(self, identity):
        """Bytes of each table, its indexes among them."""
        connection = sqlite3.connect(f"file:{self.path(identity)}?mode=ro&immutable=1", uri=True)
        try:
            return dict(connection.execute(
                "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_schema m ON m.name = s.name GROUP BY 1"))
        except sqlite3.OperationalError:
            # A library without dbstat: the file as a whole is weighed all the same.
            return {}
        finally:
            connection.close()


def size(options, folder, table):
    scale = Scale(options, folder)
    state = {}

    def prepare(server):
        made = server.call("POST", "/provider/v1/tenants", {
            "slug": "weighed", "blueprint": "hosting", "owner_email": "owner@weighed.example", "tier": "pro"}, server.provider_key)
        state["id"] = made["id"]
        return server, made

    _, made = scale.run(prepare)
    path = scale.path(made["id"])
    table.add("size: a tenant's file, provisioned", figure=os.path.getsize(path) / 1024, unit="KiB disk")
    on_disk(scale, path, made, table)
    keys(scale, path, made, table)
    memory(scale, table)


def tenant_on(server, made):
    from servers import Tenant
    return Tenant(server, made["slug"], made["owner_key"])


def on_disk(scale, path, made, table):
    options, places = scale.options, []

    def scene(server):
        tenant = tenant_on(server, made)
        places.append((tenant, tenant.price(tenant.new_reseller("weighed"))))
        # Customers that are known: their rows are their own figure.
        with Crowd(server.port) as crowd:
            crowd.run(load.signed_orders(places, 100))

    def order(server):
        with Crowd(server.port) as crowd:
            crowd.run(load.signed_orders(places, options.sized))

    def read(server):
        with Crowd(server.port) as crowd:
            crowd.run([load.raw("GET", places[0][0].base + PATH, load.bearer(places[0][1].key))] * READS)

    scale.run(scene)
    before, tables = os.path.getsize(path), scale.tables(made["id"])
    scale.run(order)
    after, grown = os.path.getsize(path), scale.tables(made["id"])
    parts = sorted(((grown[name] - tables.get(name, 0)) / options.sized, name) for name in grown)
    words = ", ".join(f"{name} {bytes:.0f}" for bytes, name in reversed(parts) if bytes >= 1)
    table.add("size: an order, all its rows", figure=(after - before) / options.sized, unit="bytes disk",
              note=f"by table, with indexes: {words}")
    scale.run(read)
    table.add("size: the audit record of a read", figure=(os.path.getsize(path) - after) / READS, unit="bytes disk")


def keys(scale, path, made, table):
    """Keys of one reseller: in the tenant's file, in the registry, and in memory after a start."""
    count = scale.options.sized
    registry = os.path.join(scale.data, "registry.sqlite")

    def resident(server):
        return machine.resident_bytes(server.pid)

    def mint(server):
        tenant = tenant_on(server, made)
        tenant.new_reseller("keys")
        for _ in range(count):
            tenant.admin("POST", "/api-keys", {"owner_email": "keys@bench.example", "limit": WIDE_LIMIT})

    before = os.path.getsize(path), os.path.getsize(registry), scale.run(resident)
    # Its own first key as well: far more than a reseller may have.
    scale.run(mint, "--budget", f"keys_reseller={count + 1}")
    after = os.path.getsize(path), os.path.getsize(registry), scale.run(resident)
    for label, unit, first, last in zip(("in its tenant's file, audit row among it", "in the registry", "in the directory"),
                                        ("bytes disk", "bytes disk", "bytes RAM"), before, after):
        table.add(f"size: a key, {label}", figure=(last - first) / count, unit=unit)


def memory(scale, table):
    """Resident memory and descriptors of open files and connections."""
    count = min(OPEN_TENANTS, scale.options.sized)

    def provision(server):
        begin = machine.resident_bytes(server.pid)
        tenants = [server.new_tenant(f"open-{index}") for index in range(count)]
        return tenants, [(tenant, tenant.price(tenant.new_reseller("r"))) for tenant in tenants], begin

    tenants, places, _ = scale.run(provision)

    def weigh(server):
        def state():
            return machine.resident_bytes(server.pid), machine.descriptors(server.pid)

        steps = [state()]
        for tenant in tenants:
            tenant.server = server
            tenant.admin("GET", "/resellers?limit=1")
        steps.append(state())
        with Crowd(server.port) as crowd:
            crowd.run(load.signed_orders(places, count * 20))
        steps.append(state())
        return steps

    def connect(server):
        # One comes before: what the first costs is not each one's.
        with Crowd(server.port, 1) as crowd:
            crowd.run([load.raw("GET", "/healthz")])
            before = machine.resident_bytes(server.pid), machine.descriptors(server.pid)
            with Crowd(server.port, CONNECTIONS) as many:
                many.run([load.raw("GET", "/healthz")] * CONNECTIONS)
                return [(after - first) / CONNECTIONS for first, after in
                        zip(before, (machine.resident_bytes(server.pid), machine.descriptors(server.pid)))]

    closed, opened, used = scale.run(weigh)
    # In a process that has done nothing else: memory that was freed before would be used again.
    bytes, count_each = scale.run(connect)
    table.add("size: an open tenant that was read once", figure=(opened[0] - closed[0]) / count / 1024, unit="KiB RAM")
    table.add("size: an open tenant after 20 orders", figure=(used[0] - closed[0]) / count / 1024, unit="KiB RAM")
    table.add("size: an open tenant", figure=(used[1] - closed[1]) / count, unit="descriptors")
    table.add("size: an idle connection", figure=bytes / 1024, unit="KiB RAM")
    table.add("size: an idle connection", figure=count_each, unit="descriptors")
