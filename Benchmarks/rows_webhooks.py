"""Webhooks on their way (H3, H5): how many a second with their results in the file, from commit to 2xx, a backlog that
is sent when its receiver is back, a replay of it, and endpoints that hang beside one that answers. Beside the rates is
what libcurl alone sends to the same receiver, from one thread and with nothing kept of it: their ceiling."""

import concurrent.futures
import copy
import http.client
import os
import re
import signal
import statistics
import subprocess
import sys
import time

import load
import machine
from fixed_load import Crowd, Reader
from servers import Process, Tollgate, wait_for_port

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "Tests", "Contract"))
from freeports import free_port  # noqa: E402
from receiver import Receiver  # noqa: E402

# An order of so many units tells of each.
UNITS = 100
TENANTS = 200
# A tenant's share of the receivers that a backlog goes to.
RECEIVERS = 50
# As large as a delivery, and as many at once as the node sends to one endpoint and more.
CEILING_BYTES, CEILING_AT_ONCE = 400, 64
# Paced: so many connections, each with a pause before every order.
PACED_CONNECTIONS, PACED_MILLISECONDS = 20, 18
PROBES = 200
SECONDS_MAX = 300

CONFIGURATION = """
worker_processes 1;
pid DIR/nginx.pid;
error_log DIR/error.log warn;
daemon off;
events { worker_connections 8192; }
http {
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path DIR/t1; proxy_temp_path DIR/t2; fastcgi_temp_path DIR/t3;
    uwsgi_temp_path DIR/t4; scgi_temp_path DIR/t5;
    server { listen 127.0.0.1:PORT backlog=4096; location / { return 204; } }
    server {
        listen 127.0.0.1:TLS ssl backlog=4096;
        ssl_certificate DIR/hooks.pem; ssl_certificate_key DIR/hooks.key;
        ssl_session_cache off; ssl_session_tickets off; keepalive_timeout 0;
        location / { return 204; }
    }
}
"""


class Sink(Process):
    """nginx that answers 204, over kept connections and over new ones by TLS. It can be stopped for a while: then its
    connections are taken, and nobody answers."""

    def __init__(self, folder):
        os.makedirs(folder)
        self.port, self.tls_port = free_port(), free_port()
        self.certificate = os.path.join(folder, "hooks.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             os.path.join(folder, "hooks.key"), "-out", self.certificate, "-days", "2", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        text = CONFIGURATION.replace("DIR", folder).replace("PORT", str(self.port)).replace("TLS", str(self.tls_port))
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w") as file:
            file.write(("user root;\n" if os.geteuid() == 0 else "") + text)
        super().__init__(["nginx", "-c", path, "-p", folder], stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def pause(self, is_paused):
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP if is_paused else signal.SIGCONT)

    def stop(self):
        self.pause(False)
        super().stop()


def ceiling(folder, url, count, certificate=None):
    """Posts a second and µs of CPU for each, of `curl`: one thread of libcurl's multi interface, as the gateway has."""
    path = os.path.join(folder, "delivery.json")
    with open(path, "w") as file:
        file.write('"' + "x" * (CEILING_BYTES - 2) + '"')
    words = ["curl", "--silent", "--show-error", "--fail", "--parallel", "--parallel-immediate", "--parallel-max",
             str(CEILING_AT_ONCE), "--output", "/dev/null", "--header", "Content-Type: application/json",
             "--data-binary", f"@{path}"]
    if certificate:
        words += ["--cacert", certificate, "--no-sessionid"]
    cpu, start = machine.ended_children_cpu_seconds(), time.perf_counter()
    subprocess.run([*words, f"{url}[1-{count}]"], check=True, capture_output=True, timeout=SECONDS_MAX)
    seconds = time.perf_counter() - start
    return {"peer": f"curl, {CEILING_AT_ONCE} at once", "peer_rate": count / seconds,
            "peer_cpu": (machine.ended_children_cpu_seconds() - cpu) * 1e6 / count}


def metrics(server):
    server.connection.request("GET", "/metrics")
    return server.connection.getresponse().read().decode()


def delivered(server):
    return int(re.search(r'tollgate_delivery_attempts_total\{outcome="delivered"\} (\d+)', metrics(server))[1])


def buckets(server):
    """Upper bounds in seconds and cumulative counts, from an event to the answer 2xx."""
    found = re.findall(r'tollgate_delivery_delivered_seconds_bucket\{le="([^"]+)"\} (\d+)', metrics(server))
    return [(float(bound.replace("+Inf", "inf")), int(count)) for bound, count in found]


def quantile(before, after, share):
    """In milliseconds, as Prometheus reckons it."""
    counts = [(bound, late - early) for (bound, late), (_, early) in zip(after, before)]
    wanted, last_bound, last_count = share * counts[-1][1], 0.0, 0
    for bound, count in counts:
        if count >= wanted:
            if bound == float("inf"):
                return last_bound * 1e3
            part = (wanted - last_count) / max(1, count - last_count)
            return (last_bound + (bound - last_bound) * part) * 1e3
        last_bound, last_count = bound, count
    return float("nan")


def point(tenant, reseller, url, events):
    tenant.server.call("PUT", f"{tenant.base}/api/partner/v1/webhook", {"url": url, "events": events}, reseller.key)


def place(server, slug, url, events):
    return place_each(server, slug, [url], events)[0]


def place_each(server, slug, urls, events):
    """A tenant, and a reseller of it for each address."""
    tenant = server.new_tenant(slug)
    server.widen(tenant)
    made = []
    for index, url in enumerate(urls):
        reseller = tenant.price(tenant.new_reseller(f"{slug}-{index}"))
        point(tenant, reseller, url, events)
        made.append((tenant, reseller))
    return made


def backlog(server, sink, places, count):
    """Sends `count` deliveries to a receiver that comes back when all wait: seconds until every result is in its file,
    by how many MiB memory grew, and µs of CPU for each."""
    began = delivered(server)
    sink.pause(True)
    with Crowd(server.port, min(8, len(places) * 2)) as crowd:
        crowd.run(load.signed_orders(places, count // UNITS, quantity=UNITS))
    memory = most = machine.resident_bytes(server.pid)
    cpu, start = machine.cpu_seconds([server.pid]), time.perf_counter()
    sink.pause(False)
    most = max(most, wait_for(server, began + count // UNITS * UNITS))
    for tenant in {tenant.slug: tenant for tenant, _ in places}.values():
        while tenant.admin("GET", "/deliveries?status=pending&limit=1")["data"]:
            time.sleep(0.01)
    seconds = time.perf_counter() - start
    return seconds, (most - memory) / 2**20, (machine.cpu_seconds([server.pid]) - cpu) * 1e6 / count


def wait_for(server, count):
    """Until so many were delivered; the most memory that it had meanwhile."""
    most, deadline = 0, time.perf_counter() + SECONDS_MAX
    while delivered(server) < count:
        if time.perf_counter() > deadline:
            raise SystemExit(f"{delivered(server)} of {count} deliveries arrived")
        most = max(most, machine.resident_bytes(server.pid))
        time.sleep(0.02)
    return most


def replay(options, table, server, sink, tenant, reseller):
    """All that was delivered is queued again, while its receiver is away and another of the tenant's callers reads."""
    began, filter = delivered(server), {"since": "2020-01-01T00:00:00Z", "states": ["delivered"]}
    counted = tenant.admin("POST", "/deliveries/replay", {**filter, "dry_run": True})["count"]
    balance = load.raw("GET", f"{tenant.base}/api/partner/v1/balance", load.bearer(reseller.key))
    sink.pause(True)
    with Reader(server.port, balance) as reader:
        start = time.perf_counter()
        count = tenant.admin("POST", "/deliveries/replay", filter)["count"]
        seconds = time.perf_counter() - start
    sink.pause(False)
    if count != counted:
        raise SystemExit(f"{count} were replayed of {counted} that were counted")
    wait_for(server, began + count)
    table.add(f"webhooks: a replay of {count:,}, queued", figure=seconds, threshold="webhooks_replay")
    table.add("webhooks: a read of the same tenant beside it", figure=load.percentile(reader.milliseconds, 0.99),
              threshold="webhooks_replay_beside",
              note=f"longest {max(reader.milliseconds):.1f} ms of {len(reader.milliseconds):,}")


def many_receivers(options, table, server, sink, url):
    """A backlog with as much for each of many endpoints."""
    receivers = max(2, options.receivers)
    found = []
    for first in range(0, receivers, RECEIVERS):
        urls = [f"{url}{index}" for index in range(first, min(first + RECEIVERS, receivers))]
        found += place_each(server, f"hooked-each-{first}", urls, ["service.activated"])
    count = max(receivers * UNITS, options.deliveries)
    seconds, _, cpu = backlog(server, sink, found, count)
    table.add(f"webhooks: a backlog of {count:,} to {receivers:,} receivers that are back", cpu=cpu, figure=seconds,
              threshold="webhooks_drain_many")


def rates(options, folder, table, sink):
    few = ["service.activated"]
    with Tollgate(options.tollgate, os.path.join(folder, "sending"), "--allow-private-addresses",
                  "--ca-file", sink.certificate) as server:
        plain, tls = f"http://127.0.0.1:{sink.port}/", f"https://127.0.0.1:{sink.tls_port}/"
        kept = ceiling(folder, plain, options.deliveries)
        one = [place(server, "hooked-one", plain, few)]
        seconds, memory, cpu = backlog(server, sink, one, options.deliveries)
        table.add("webhooks: one receiver, connections kept, results in the file", cpu=cpu,
                  figure=options.deliveries / seconds, threshold="webhooks_one", **kept)
        table.add(f"webhooks: a backlog of {options.deliveries:,}, its receiver back", figure=seconds,
                  threshold="webhooks_drain")
        table.add("webhooks: memory that it takes", figure=memory, threshold="webhooks_memory")
        replay(options, table, server, sink, *one[0])
        tenants = max(2, min(TENANTS, options.deliveries // UNITS))
        many = [place(server, f"hooked-{index}", plain, few) for index in range(tenants)]
        count = max(tenants * UNITS, options.deliveries // 2)
        seconds, _, cpu = backlog(server, sink, many, count)
        table.add(f"webhooks: {tenants} tenants, results in the files", cpu=cpu, figure=count / seconds,
                  threshold="webhooks_tenants", **kept)
        many_receivers(options, table, server, sink, plain)
        secure = [place(server, "hooked-tls", tls, few)]
        count = max(UNITS, options.deliveries // 10)
        seconds, _, cpu = backlog(server, sink, secure, count)
        table.add("webhooks: each by a new connection with TLS, nothing resumed", cpu=cpu, figure=count / seconds,
                  threshold="webhooks_tls", **ceiling(folder, tls, count, sink.certificate))
        paced_delays(options, folder, table, server, plain)


def paced_delays(options, folder, table, server, url):
    """From an event to its 2xx, while orders come at a pace."""
    paced = [place(server, "hooked-paced", url, ["order.created"])]
    before = buckets(server)
    seconds = max(2, options.seconds)
    orders = load.signed_orders(paced, seconds * 1_000 * 2)
    round = load.wrk_requests(server, folder, seconds, orders, PACED_MILLISECONDS, connections=PACED_CONNECTIONS)
    time.sleep(1)
    after = buckets(server)
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        table.add(f"webhooks: from an event to its 2xx, at {round.rate:,.0f} orders a second",
                  figure=quantile(before, after, share), threshold=f"webhooks_{name}",
                  note="published elsewhere: GitHub, as Mergify saw it, p95 under 60 s on calm days")


def hanging(options, folder, table, sink):
    """Endpoints that hang for longer than an attempt may take, ten a tenant, all at one host and port."""
    receiver = Receiver()
    with Tollgate(options.tollgate, os.path.join(folder, "hanging"), "--allow-private-addresses") as server:
        def make(index):
            tenant = server_of_thread(server).new_tenant(f"hanging-{index}")
            reseller = tenant.price(tenant.new_reseller(f"hang{index}"))
            for number in range(10):
                tenant.server.call(
                    "POST", f"{tenant.base}/api/partner/v1/webhooks",
                    {"name": f"h{number}", "url": receiver.url(f"/hang/{index}/{number}"),
                     "events": ["service.activated"]}, reseller.key)
            return tenant, reseller

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            places = list(pool.map(make, range(options.hanging // 10)))
        with Crowd(server.port, 8) as crowd:
            crowd.run(load.signed_orders(places, len(places) * 10, quantity=UNITS))
        # Its tenant has some that hang, at the same host and port.
        good_tenant = places[0][0]
        good = good_tenant.price(good_tenant.new_reseller("good"))
        point(good_tenant, good, receiver.url("/ok/good"), ["order.created"])
        times = []
        with Crowd(server.port, 1) as crowd:
            for number in range(PROBES):
                order = list(load.signed_orders([(good_tenant, good)], 1))
                begin = time.time()
                crowd.run(order)
                while receiver.count("/ok/good") <= number:
                    time.sleep(0.001)
                times.append((receiver.calls["/ok/good"][number].at - begin) * 1e3)
        table.add(f"webhooks: one that answers beside {options.hanging:,} endpoints that hang",
                  figure=load.percentile(times, 0.99), threshold="webhooks_hanging",
                  note=f"median {statistics.median(times):.1f} ms, the order itself included")
    receiver.stop()


def server_of_thread(server):
    """The same server, by a connection of its own."""
    mine = copy.copy(server)
    mine.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    return mine


def webhooks(options, folder, table):
    with Sink(os.path.join(folder, "sink")) as sink:
        rates(options, folder, table, sink)
        hanging(options, folder, table, sink)
