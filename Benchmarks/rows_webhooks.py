"""Webhooks on their way (H3, H5): how many a second with their results in the file, from commit to 2xx, a backlog that
is sent when its receiver is back, and endpoints that hang beside one that answers."""

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
from fixed_load import Crowd
from servers import Process, Tollgate, wait_for_port

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "Tests", "Contract"))
from freeports import free_port  # noqa: E402
from receiver import Receiver  # noqa: E402

# An order of so many units tells of each.
UNITS = 100
TENANTS = 200
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
    tenant = server.new_tenant(slug)
    reseller = tenant.price(tenant.new_reseller(slug))
    point(tenant, reseller, url, events)
    return tenant, reseller


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
    while delivered(server) - began < count // UNITS * UNITS:
        if time.perf_counter() - start > SECONDS_MAX:
            raise SystemExit(f"{delivered(server) - began} of {count} deliveries arrived")
        most = max(most, machine.resident_bytes(server.pid))
        time.sleep(0.02)
    for tenant, _ in places:
        while tenant.admin("GET", "/deliveries?status=pending&limit=1")["data"]:
            time.sleep(0.01)
    seconds = time.perf_counter() - start
    return seconds, (most - memory) / 2**20, (machine.cpu_seconds([server.pid]) - cpu) * 1e6 / count


def rates(options, folder, table, sink):
    few = ["service.activated"]
    with Tollgate(options.tollgate, os.path.join(folder, "sending"), "--allow-private-addresses",
                  "--ca-file", sink.certificate) as server:
        plain, tls = f"http://127.0.0.1:{sink.port}/", f"https://127.0.0.1:{sink.tls_port}/"
        one = [place(server, "hooked-one", plain, few)]
        seconds, memory, cpu = backlog(server, sink, one, options.deliveries)
        table.add("webhooks: one receiver, connections kept, results in the file", cpu=cpu,
                  figure=options.deliveries / seconds, threshold="webhooks_one")
        table.add(f"webhooks: a backlog of {options.deliveries:,}, its receiver back", figure=seconds,
                  threshold="webhooks_drain")
        table.add("webhooks: memory that it takes", figure=memory, threshold="webhooks_memory")
        tenants = max(2, min(TENANTS, options.deliveries // UNITS))
        many = [place(server, f"hooked-{index}", plain, few) for index in range(tenants)]
        count = max(tenants * UNITS, options.deliveries // 2)
        seconds, _, cpu = backlog(server, sink, many, count)
        table.add(f"webhooks: {tenants} tenants, results in the files", cpu=cpu, figure=count / seconds,
                  threshold="webhooks_tenants")
        secure = [place(server, "hooked-tls", tls, few)]
        count = max(UNITS, options.deliveries // 10)
        seconds, _, cpu = backlog(server, sink, secure, count)
        table.add("webhooks: each by a new connection with TLS, nothing resumed", cpu=cpu, figure=count / seconds,
                  threshold="webhooks_tls")
        paced = [place(server, "hooked-paced", plain, ["order.created"])]
        before = buckets(server)
        seconds = max(2, options.seconds)
        orders = load.signed_orders(paced, seconds * 1_000 * 2)
        round = load.wrk_requests(server, folder, seconds, orders, PACED_MILLISECONDS, connections=PACED_CONNECTIONS)
        time.sleep(1)
        after = buckets(server)
        for share, name in ((0.5, "p50"), (0.99, "p99")):
            table.add(f"webhooks: from an event to its 2xx, at {round.rate:,.0f} orders a second",
                      figure=quantile(before, after, share), threshold=f"webhooks_{name}")


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
