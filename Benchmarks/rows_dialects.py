"""Each dialect's hottest call, with its server CPU beside that of the wholesale read or order in the same run."""

import itertools
import os
import uuid

import load
from rows_read import PATH, read_place
from servers import Tollgate

LISTED_PORTS = 50
LISTED_CODES = 50
# A fetched licence is held for 60 s, so there must be more of them than are drawn meanwhile.
FETCHES_A_SECOND_MAX = 12_000
LICENCES_MAX = 300_000
# Why a call may be more than twice as dear as the wholesale read; docs/capacity.md says it at length.
COMPUTED = "computed in the tenant's file at each call; the price list is kept as bytes and never enters a lane"


class Call:
    """One kind of call: `requests(count)` gives as many different raw requests as a round can need."""

    def __init__(self, name, label, beside, requests, reason=""):
        self.name, self.label, self.beside, self.requests, self.reason = name, label, beside, requests, reason


def repeated(request):
    return lambda count: [request]


def post(target, headers, bodies):
    return lambda count: (load.raw("POST", target, headers, body) for body in itertools.islice(bodies, count))


def hottest(server, licences):
    """Sets the scenes on a server with the demo; the calls go on working after it has been started again."""
    hosting, buyer = read_place(server)
    calls = [
        Call("read", "wholesale: read the price list, 20 products", None,
             repeated(load.raw("GET", hosting.base + PATH, load.bearer(buyer.key)))),
        Call("order", "wholesale: a signed order, one reseller", None,
             lambda count: load.signed_orders([(hosting, buyer)], count)),
    ]
    return calls + ports(server) + codes(server) + credits(server) + licence_keys(server, licences)


def ports(server):
    tenant, _ = server.demo_tenant("proxies")
    reseller, base = tenant.new_reseller("ports"), tenant.base + "/v1/reseller"
    key = {"X-API-Key": reseller.key}
    tenant.admin("POST", "/ports", {"ports": [
        {"device": f"bench-{index}", "server_ip": f"10.9.0.{index + 1}", "http_port": 20001, "socks_port": 30001,
         "country": "germany_id"} for index in range(LISTED_PORTS)]}, {"Idempotency-Key": str(uuid.uuid4())})
    customer = server.call("POST", f"{base}/customers",
                           {"email": "a@bench.example", "name": "A", "allocatedPortSlots": LISTED_PORTS}, headers=key)
    for _ in range(LISTED_PORTS):
        server.call("POST", f"{base}/ports", {"customerId": customer["_id"], "countryId": "germany_id", "days": 30}, headers=key)
    server.call("PUT", f"{base}/pricebook", {"defaultMarginPercent": 25}, headers=key)
    server.call("POST", f"{base}/pricebook/country-override", {"countryId": "germany_id", "marginPercent": 30}, headers=key)
    body = '{"type":"port","days":30,"countryId":"germany_id","customerId":"%s"}' % customer["_id"]
    return [
        Call("calculate", "ports: calculate, with override and customer", "read",
             repeated(load.raw("POST", f"{base}/pricebook/calculate", key, body)), COMPUTED),
        Call("ports", f"ports: list {LISTED_PORTS}", "read",
             repeated(load.raw("GET", f"{base}/ports?limit={LISTED_PORTS}", key)), COMPUTED),
    ]


def codes(server):
    tenant, _ = server.demo_tenant("codes")
    reseller, base = tenant.new_reseller("codes"), tenant.base + "/api/reseller"
    key = {"x-api-key": reseller.key}
    server.call("POST", f"{base}/generate", {"planId": "1month", "count": LISTED_CODES}, headers=key)
    return [
        Call("generate", "codes: generate one", "order",
             repeated(load.raw("POST", f"{base}/generate", key, '{"planId":"1month","count":1}'))),
        Call("codes", f"codes: list {LISTED_CODES}", "read", repeated(load.raw("GET", f"{base}/codes", key)), COMPUTED),
    ]


def credits(server):
    tenant, _ = server.demo_tenant("panel")
    reseller = tenant.new_reseller("credits")
    # What differs stands last: LuaJIT, which wrk holds requests in, hashes few bytes of a string but its last.
    bodies = ('{"kind":"topup","amount_usd":25.00,"meta":{"downstream_user":"ada@customers.example"},"external_ref":"txn_%s"}'
              % uuid.uuid4().hex for _ in itertools.count())
    return [Call("credit", "credits: report an event", "order",
                 post(f"{tenant.base}/api/v1/reseller/credit", load.bearer(reseller.key), bodies))]


def licence_keys(server, count):
    tenant, _ = server.demo_tenant("licences")
    reseller = tenant.new_reseller("licences")
    rows = "".join(f"{reseller.id},lifetime,ps-{index:014d},2099-01-01T00:00:00Z\n" for index in range(count))
    tenant.admin("POST", "/licences", ("reseller,product,key,expiration\n" + rows).encode(),
                 {"Content-Type": "text/csv", "Idempotency-Key": str(uuid.uuid4())})
    return [Call("fetchlicense", f"licences: fetchlicense of {count:,}", "order",
                 repeated(load.raw("GET", f"{tenant.base}/reseller/fetchlicense?api_token={reseller.key}")))]


def licences_needed(seconds):
    return min(LICENCES_MAX, FETCHES_A_SECOND_MAX * seconds)


def add(table, call, peer, rounds=None, **figures):
    """A row of a call beside its wholesale peer, by what a request costs each: the two last figures."""
    cost, peer_cost = figures.pop("cost"), figures.pop("peer_cost")
    ratio = cost / peer_cost
    row = table.add(call.label, rounds, peer=peer.label.split(",")[0], peer_cpu=figures.pop("peer_cpu", None), figure=ratio,
                    threshold="dialect", **figures)
    if ratio > 2 and call.reason:
        row.note, row.is_excused = call.reason, True


def dialects(options, folder, table):
    # Held licences of one round are free again a minute later at the earliest.
    rounds_a_minute = max(1, min(options.rounds, 60 // (8 * options.seconds) + 1))
    with Tollgate(options.tollgate, os.path.join(folder, "dialects")) as server:
        calls = hottest(server, licences_needed(options.seconds * rounds_a_minute))
        rounds = {call.name: [] for call in calls}
        for _ in range(options.rounds):
            for call in calls:
                requests = call.requests(options.seconds * 30_000)
                rounds[call.name].append(load.wrk_requests(server, folder, options.seconds, requests))
    by_name = {call.name: call for call in calls}
    for call in calls:
        if call.beside is None:
            table.add(call.label, rounds[call.name])
            continue
        cpu, peer_cpu = load.median(rounds[call.name], "cpu"), load.median(rounds[call.beside], "cpu")
        add(table, call, by_name[call.beside], rounds[call.name], cost=cpu, peer_cost=peer_cpu,
            peer_rate=load.median(rounds[call.beside], "rate"), peer_cpu=peer_cpu)
