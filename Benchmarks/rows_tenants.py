"""Provisioning, and a node with many tenants: disk at rest, memory, start, the first request to a cold one."""

import concurrent.futures
import http.client
import json
import os
import random
import time

import load
import machine
from servers import Tollgate, new_tenant_body

CALLERS = 8
COLD_TENANTS = 1_500
# What of the demo is too much to be packed stays.
DEMO_TENANTS = 5
REST_SECONDS_MAX = 3_600
# A node of so many may take longer to start, and more memory.
LARGE_NODE = 50_000


class Provider:
    """One keep-alive client of the provider's API; returns the seconds of each call and the owner's key."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.headers = {**load.bearer(server.provider_key), "Content-Type": "application/json"}

    def create(self, slug):
        body = json.dumps(new_tenant_body(slug))
        begin = time.perf_counter()
        self.connection.request("POST", "/provider/v1/tenants", body, self.headers)
        answer = self.connection.getresponse()
        data = answer.read()
        seconds = time.perf_counter() - begin
        if answer.status != 201:
            raise SystemExit(f"tenant {slug}: {answer.status} {data[:300]}")
        return seconds, json.loads(data)["owner_key"]


def provision(server, slugs, callers):
    """Makes these tenants by so many clients at once: owner keys by slug, seconds of each call, seconds in all."""
    keys, times = {}, []

    def work(part):
        provider = Provider(server)
        return [(slug, *provider.create(slug)) for slug in part]

    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(callers) as pool:
        for made in pool.map(work, [slugs[index::callers] for index in range(callers)]):
            for slug, seconds, key in made:
                keys[slug] = key
                times.append(seconds)
    return keys, times, time.perf_counter() - begin


def node(options, folder, table):
    data = os.path.join(folder, "node")
    slugs = [f"t-{index}" for index in range(options.node_tenants)]
    some = min(options.provisioned, len(slugs) // 2)
    keys = {}
    with Tollgate(options.tollgate, data) as server:
        for label, part, callers, threshold in (
                (f"provisioning: {some} tenants, one after the other", slugs[:some], 1, "provisioning"),
                (f"provisioning: {len(slugs) - some} tenants, {CALLERS} callers", slugs[some:], CALLERS, None)):
            syncs = machine.Syncs(folder)
            before = machine.cpu_seconds(server.pids)
            made, times, seconds = provision(server, part, callers)
            syncs.probe()
            keys |= made
            table.add(label, rate=len(part) / seconds, p99=load.percentile(times, 0.99) * 1e3, sync=syncs.p50,
                      cpu=(machine.cpu_seconds(server.pids) - before) * 1e6 / len(part),
                      figure=seconds * 1e3 / len(part), threshold=threshold, unit="ms")
        record_count = len(keys)
    at_rest(options, table, data, record_count)
    cold(options, table, data, keys, record_count)


def tenants_files(data, suffix):
    return [os.path.join(path, name) for path, _, names in os.walk(os.path.join(data, "tenants")) for name in names
            if name.endswith(suffix)]


def at_rest(options, table, data, count):
    """Nobody uses them: their files are packed, the demo's large ones perhaps not."""
    before = len(tenants_files(data, ".sqlite"))
    with Tollgate(options.tollgate, data, "--rest-seconds", "1") as server:
        begin, cpu = time.perf_counter(), machine.cpu_seconds(server.pids)
        while len(tenants_files(data, ".sqlite")) > DEMO_TENANTS:
            if time.perf_counter() - begin > REST_SECONDS_MAX:
                raise SystemExit(f"{len(tenants_files(data, '.sqlite'))} tenants' files are not packed")
            time.sleep(1)
        packing = (machine.cpu_seconds(server.pids) - cpu) * 1e6 / max(before, 1)
    bytes_used = sum(os.stat(path).st_blocks * 512 for path in tenants_files(data, ""))
    registry = sum(os.stat(os.path.join(data, name)).st_blocks * 512 for name in os.listdir(data)
                   if name.startswith("registry"))
    name = f"node: {count:,} tenants"
    table.add(f"{name}, disk of an empty one at rest", figure=bytes_used / 1024 / count, unit="KiB",
              threshold="tenant_disk", cpu=packing, note="CPU: to pack one")
    table.add(f"{name}, disk in all", figure=(bytes_used + registry) / 1e9, unit="GB", threshold="node_disk")


def cold(options, table, data, keys, count):
    """The node is started on its tenants; then each of some is asked for the first time."""
    asked = random.sample(sorted(keys), min(COLD_TENANTS, len(keys)))
    machine.forget_pages(os.path.join(path, name) for path, _, names in os.walk(data) for name in names
                         if name.endswith((".sqlite", ".packed")))
    with Tollgate(options.tollgate, data) as server:
        at_start = machine.resident_bytes(server.pid)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        times = []
        before = machine.cpu_seconds(server.pids)
        for slug in asked:
            begin = time.perf_counter()
            connection.request("GET", f"/t/{slug}/api/admin/resellers?limit=1", headers=load.bearer(keys[slug]))
            answer = connection.getresponse()
            answer.read()
            times.append((time.perf_counter() - begin) * 1e3)
            if answer.status != 200:
                raise SystemExit(f"tenant {slug}: {answer.status}")
        cpu = (machine.cpu_seconds(server.pids) - before) * 1e6 / len(asked)
        resident, files = machine.resident_bytes(server.pid), machine.descriptors(server.pid)
        seconds = server.start_seconds
    name, size = f"node: {count:,} tenants", "large_" if count >= LARGE_NODE else ""
    table.add(f"{name}, start to listening", figure=seconds, threshold=size + "node_start")
    table.add(f"{name}, memory at start", figure=at_start / 1e6, threshold=size + "node_memory")
    table.add(f"{name}, memory after {len(asked):,} were asked", figure=resident / 1e6, threshold=size + "node_memory",
              note=f"1,000 files stay open at the most; {files:,} descriptors")
    table.add(f"{name}, first request to a cold one, p50", figure=load.percentile(times, 0.5), unit="ms", cpu=cpu,
              note="its file is out of the kernel's cache too")
    table.add(f"{name}, first request to a cold one, p99", figure=load.percentile(times, 0.99), threshold="node_cold_p99",
              p99=load.percentile(times, 0.99), note="its file is out of the kernel's cache too")
