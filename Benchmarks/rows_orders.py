"""Signed orders, each durable before its answer, beside PostgreSQL: spread and by one reseller; spread over 200
tenants, with commits in their files and in the node's log, and with one worker; and each of them again with syncs made
slower."""

import os

import load
import machine
from servers import Postgres, Tollgate

# No order is sent twice: a repeat would be answered from what is stored.
RATE_MAX = 30_000
TENANTS = 200
PEER_RESELLERS = 1_000


class Orders:
    """Rounds of orders of one kind; later ones prepare as many as the last round's rate asks for."""

    def __init__(self, options, folder, clients=load.CONNECTIONS):
        self.options, self.folder, self.clients, self.rounds = options, folder, clients, []
        self.count = options.seconds * RATE_MAX

    def round(self, server, places):
        requests = load.signed_orders(places, self.count)
        round = load.wrk_requests(
            server, self.folder, self.options.seconds, requests, connections=self.clients)
        if round.requests > self.count:
            raise SystemExit(f"orders were sent twice: {round.requests} of {self.count}")
        self.count = max(10_000, int(round.requests * 2))
        self.rounds.append(round)


def slowed(is_slow, folder):
    """The environment of servers, and what is said of it in a label."""
    if not is_slow:
        return None, ""
    return machine.slow_sync_environment(folder), f", +{machine.ADDED_SYNC_MILLISECONDS} ms a sync"


def orders(options, folder, table):
    data = os.path.join(folder, "orders")
    places = None
    for is_slow in (False, True):
        environment, words = slowed(is_slow, folder)
        with (Tollgate(options.tollgate, data, environment=environment) as server,
              Postgres(os.path.join(folder, "postgres"), environment) as peer):
            if places is None:
                tenant, first = server.demo_tenant("hosting")
                server.widen(tenant)
                places = [(tenant, tenant.widen(first))]
                for index in range(options.resellers - 1):
                    places.append((tenant, tenant.price(tenant.new_reseller(f"bench{index}"))))
            syncs = machine.Syncs(folder, environment)
            spread, one = Orders(options, folder), Orders(options, folder)
            peer_spread, peer_one = [], []
            for _ in range(options.rounds):
                spread.round(server, places)
                one.round(server, places[:1])
                peer_spread.append(peer.orders(PEER_RESELLERS, options.seconds))
                peer_one.append(peer.orders(1, options.seconds))
                syncs.probe()
        for name, label, ours, theirs in (
                ("order_spread", f"order: one tenant, {options.resellers} resellers", spread, peer_spread),
                ("order_one", "order: one tenant, one reseller", one, peer_one)):
            base = load.statistics.median(theirs)
            table.add(label + words, ours.rounds, sync=syncs.p50, peer="PostgreSQL 15, no HTTP", peer_rate=base,
                      figure=load.median(ours.rounds, "rate") / base, threshold=None if is_slow else name, unit="×")


def tenants(options, folder, table):
    """The same folder is served in turn with commits in the files, in the node's log, and in the files by one worker;
    beside it PostgreSQL with the rows of as many tenants in one database. At 64 clients and at 128."""
    data = os.path.join(folder, "tenants")
    places = []
    with Tollgate(options.tollgate, data) as server:
        for index in range(options.tenants):
            tenant = server.new_tenant(f"shop-{index}")
            reseller = tenant.price(tenant.new_reseller(f"bench{index}"))
            places.append((tenant, reseller))
    for is_slow in (False, True):
        environment, words = slowed(is_slow, folder)
        syncs = machine.Syncs(folder, environment)
        kinds = [Spread("commits in the files", (), 64), Spread("commits in the log", LOG, 64),
                 Spread("commits in the files", (), 128), Spread("commits in the log", LOG, 128),
                 Spread("one worker", ("--workers", "1"), 64)]
        peers = {clients: [] for clients in (64, 128)}
        with Postgres(os.path.join(folder, "postgres-tenants"), environment) as peer:
            for _ in range(options.rounds):
                for kind in kinds:
                    kind.round(options, folder, data, places, environment)
                for clients, rates in peers.items():
                    rates.append(peer.orders(options.tenants, options.seconds, clients))
                syncs.probe()
        for kind in kinds[:4]:
            base = load.statistics.median(peers[kind.clients])
            row = table.add(
                f"order: {options.tenants} tenants, {kind.label}, {kind.clients} clients{words}", kind.orders.rounds,
                sync=syncs.p50, peer="PostgreSQL 15, one database", peer_rate=base,
                figure=load.median(kind.orders.rounds, "rate") / base, unit="×")
            if kind.arguments == LOG:
                row.threshold = f"tenants_log_{'slow' if is_slow else 'plain'}_{kind.clients}"
            kind.add_bytes(table, words)
        workers(options, table, kinds[0], kinds[4], syncs, is_slow, words)


LOG = ("--commits", "log")


class Spread:
    """Rounds of orders over all tenants, of a gateway that is started for each."""

    def __init__(self, label, arguments, clients):
        self.label, self.arguments, self.clients = label, arguments, clients
        self.orders, self.bytes, self.log_bytes = None, [], []

    def round(self, options, folder, data, places, environment):
        self.orders = self.orders or Orders(options, folder, self.clients)
        with Tollgate(options.tollgate, data, *self.arguments, environment=environment) as server:
            for tenant, _ in places:
                tenant.server = server
                # Opened before the clock runs.
                tenant.admin("GET", "/resellers?limit=1")
            before = machine.written_bytes(server.pid), server.metric("tollgate_log_bytes_total")
            self.orders.round(server, places)
            done = max(1, self.orders.rounds[-1].requests)
            # What the end of the gateway writes is the orders' too.
            logged = server.metric("tollgate_log_bytes_total") - before[1]
            self.log_bytes.append(logged / done)
            self.bytes.append((machine.written_bytes(server.pid) - before[0]) / done)

    def add_bytes(self, table, words):
        """What an order wrote; with commits in the files there is no aim."""
        all_bytes, log = (load.statistics.median(values) / 1024 for values in (self.bytes, self.log_bytes))
        label, is_log = f"bytes an order: {self.label}, {self.clients} clients{words}", self.arguments == LOG
        if is_log:
            table.add(f"{label}, to the log", figure=log, threshold="order_log_bytes")
        table.add(f"{label}, in all", figure=all_bytes, threshold="order_all_bytes" if is_log else None, unit="KiB")


def workers(options, table, pool, one, syncs, is_slow, words):
    base = load.median(one.orders.rounds, "rate")
    row = table.add(f"order: {options.tenants} tenants, one reseller each{words}", pool.orders.rounds, sync=syncs.p50,
                    peer="the same with --workers 1", peer_rate=base, peer_cpu=load.median(one.orders.rounds, "cpu"),
                    figure=load.median(pool.orders.rounds, "rate") / base, threshold="tenants_workers")
    if not is_slow:
        row.is_excused, row.note = True, "where syncs are fast two cores bound the ratio, not the workers"
