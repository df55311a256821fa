"""Signed orders with `synchronous=FULL` beside PostgreSQL, spread and by one reseller; spread over 200 tenants, with the
default workers and with one; and each of them again with syncs made slower."""

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

    def __init__(self, options, folder):
        self.options, self.folder, self.rounds = options, folder, []
        self.count = options.seconds * RATE_MAX

    def round(self, server, places):
        requests = load.signed_orders(places, self.count)
        round = load.wrk_requests(server, self.folder, self.options.seconds, requests)
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
    """The same folder is served in turn with the default workers and with one."""
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
        kinds = {"pool": ((), Orders(options, folder)), "one": (("--workers", "1"), Orders(options, folder))}
        for _ in range(options.rounds):
            for arguments, rounds in kinds.values():
                with Tollgate(options.tollgate, data, *arguments, environment=environment) as server:
                    for tenant, _ in places:
                        tenant.server = server
                        # Opened before the clock runs.
                        tenant.admin("GET", "/resellers?limit=1")
                    rounds.round(server, places)
            syncs.probe()
        pool, one = kinds["pool"][1].rounds, kinds["one"][1].rounds
        base = load.median(one, "rate")
        row = table.add(f"order: {options.tenants} tenants, one reseller each{words}", pool, sync=syncs.p50,
                        peer="the same with --workers 1", peer_rate=base, peer_cpu=load.median(one, "cpu"),
                        figure=load.median(pool, "rate") / base, threshold="tenants_workers")
        if not is_slow:
            row.is_excused, row.note = True, "where syncs are fast two cores bound the ratio, not the workers"
