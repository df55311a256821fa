#!/usr/bin/env python3
"""`serve` as a node of a cluster (N1): what it takes for an answer, what it refuses, and what it loads and tells."""

from collections import Counter
import contextlib
import glob
import http.client
import os
import re
import shutil
import signal
import subprocess
import tempfile

from cluster import Node, Postgres, share_key
from freeports import free_port, free_ports
from shop import Shop
from support import ROOT, Checks, Gateway, arguments, together, wait_until

START_SECONDS_MAX = 120
PASSWORD = "open-sesame"


def serve(tollgate, *words, environment=None):
    """A start that fails: its exit code and what it said."""
    folder = tempfile.mkdtemp(prefix="tollgate-")
    try:
        run = subprocess.run(
            [tollgate, "serve", "--port", "0", "--data", folder, *words], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=START_SECONDS_MAX, env={**os.environ, **(environment or {})})
        return run.returncode, run.stdout + run.stderr
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def refusals(checks, options, url):
    node = ["--node", "a", "--advertise", "127.0.0.1:8080"]
    cases = [
        (["--node", "a"], 2, "--cluster"),
        (["--advertise", "127.0.0.1:8080"], 2, "--cluster"),
        (["--durability", "single"], 2, "--cluster"),
        (["--upgrade-registry"], 2, "--cluster"),
        (["--cluster", url], 2, "--node"),
        (["--cluster", url, "--node", "a"], 2, "--advertise"),
        (["--cluster", url, "--node", "A", "--advertise", "127.0.0.1:8080"], 2, "--node takes"),
        (["--cluster", url, "--node", "a", "--advertise", "0.0.0.0:8080"], 2, "--advertise takes"),
        (["--cluster", url, "--node", "a", "--advertise", "127.0.0.1"], 2, "--advertise takes"),
        (["--cluster", url, *node, "--durability", "local"], 2, "--durability takes"),
        (["--cluster", url, *node, "--commits", "log"], 2, "--commits"),
        (["--cluster", url, *node, "--archive", "/nowhere"], 2, "--archive"),
        (["--cluster", url, "--cluster-file", "/nowhere", *node], 2, "exclude each other"),
        (["--cluster-file", "/nowhere", *node], 1, "/nowhere"),
        (["--cluster", url, *node], 1, "synchronous_standby_names"),
    ]
    with checks("N1 options of a cluster that make no sense together are refused, with a word that helps"):
        for words, code, text in cases:
            got, said = serve(options.tollgate, *words)
            assert got == code and text in said, (words, got, said)


def secrets(checks, options):
    with checks("N1 a password of the cluster's address is told in no error, however the address is given"):
        address = f"postgresql://tollgate:{PASSWORD}@127.0.0.1:{free_port()}/tollgate"
        node = ["--node", "a", "--advertise", "127.0.0.1:8080"]
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(address + "\n")
            file.flush()
            # A database that may be on its way up is tried for a while.
            answers = together([
                lambda: serve(options.tollgate, "--cluster", address, *node),
                lambda: serve(options.tollgate, "--cluster-file", file.name, *node),
                lambda: serve(options.tollgate, *node, environment={"TOLLGATE_CLUSTER": address}),
                lambda: serve(options.tollgate, "--cluster", address.replace("://", ":/"), *node)])
        for code, said in answers:
            assert code == 1 and said and PASSWORD not in said, (code, said)
    with checks("N1 a start that waits for PostgreSQL says so, and where it looks for it"):
        for _, said in answers[:3]:
            lines = [line for line in said.splitlines() if "waiting for the cluster's PostgreSQL at" in line]
            assert lines and "postgresql://tollgate@127.0.0.1:" in lines[0] and "(1 s)" in lines[0], said


def has_libpq(gateway):
    with open(f"/proc/{gateway.process.pid}/maps", encoding="utf-8") as maps:
        return "libpq" in maps.read()


# Of a gateway by itself, by their names; those that are named like the program are its first one, and those of the
# calls that it makes to payment services and provisioners.
THREADS = Counter({
    "loop": 2, "lane": 16, "background": 2, "hashing": 2, "files": 2, "flows": 2, "examine": 2, "copies": 1,
    "observing": 1, "scheduler": 1, "clock": 1, "signals": 1, "webhooks": 1, "": 3})
CLUSTERS_OWN = Counter({"cluster-ask": 2, "cluster-beat": 1, "log-ship": 4})


def threads(gateway):
    """How many it has by each name, without their numbers; "" for the program's own."""
    found, tasks = Counter(), f"/proc/{gateway.process.pid}/task"
    own = os.path.basename(gateway.tollgate)[:15]
    for thread in os.listdir(tasks):
        with contextlib.suppress(OSError), open(f"{tasks}/{thread}/comm", encoding="utf-8") as file:
            name = file.read().strip()
            found["" if name == own else re.sub(r"-\d+$", "", name)] += 1
    return found


def loaded(checks, options, url):
    with checks("N1 libpq and a cluster's threads are a node's alone: a gateway by itself has not one thread more"):
        with Gateway(options.tollgate, "--commits", "files", demo=False) as alone:
            assert not has_libpq(alone)
            # Now and then one runs before its name can be told, and never tells it: it counts for the program's own.
            wait_until(lambda: threads(alone).total() == THREADS.total())
            assert set(threads(alone)) <= set(THREADS), threads(alone)
        with Node(options.tollgate, "a", url) as node:
            assert has_libpq(node)
            wait_until(lambda: threads(node).total() >= (THREADS + CLUSTERS_OWN).total())
            assert CLUSTERS_OWN & threads(node), threads(node)


def swept(checks, options, url):
    with checks("N2 a node gives the memory of a file back that nobody uses for a moment"):
        with Node(options.tollgate, "a", url) as node:
            shop = Shop(node)
            pages = lambda: node.metrics().series["tollgate_wal_pages", ()]
            shop.product()
            assert pages() > 0
            wait_until(lambda: pages() == 0)


def keys(checks, options, url):
    with checks("N6 28 a node with another master key does not start, and leaves no key behind"):
        with Node(options.tollgate, "a", url):
            folder = tempfile.mkdtemp(prefix="tollgate-")
            try:
                run = subprocess.run(
                    [options.tollgate, "serve", "--port", "0", "--data", folder, "--cluster", url, "--node", "b",
                     "--advertise", "127.0.0.1:8080", "--durability", "single"],
                    stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_SECONDS_MAX)
                assert run.returncode == 1 and "master key" in run.stderr, run
                assert not os.path.exists(os.path.join(folder, "master.key"))
            finally:
                shutil.rmtree(folder, ignore_errors=True)


def astray(checks, options, url):
    another = url.rsplit("/", 1)[0] + "/another"
    Postgres.asked(url, "CREATE DATABASE another")
    with Node(options.tollgate, "a", url) as node:
        assert node.provider_key
        node.stop()
        for told, words in (
                ("those of a cluster", []),
                ("this database has none", [
                    "--cluster", another, "--node", "a", "--advertise", "127.0.0.1:8080", "--durability",
                    "single"])):
            with checks(f"N2 N3 a node's folder is served by itself or with another database by nobody: {told}"):
                run = subprocess.run(
                    [options.tollgate, "serve", "--port", "0", "--data", node.data, "--blueprints", node.blueprints,
                     *words],
                    stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_SECONDS_MAX)
                assert run.returncode == 1 and told in run.stderr, run
        with checks("N2 the node itself goes on from where it was"):
            node.start()
            assert node.get("/provider/v1/tenants", key=node.provider_key).status == 200


def unbrought(checks, options, url):
    with Gateway(options.tollgate, demo=False) as gateway:
        Shop(gateway, "broken")
        gateway.stop()
        path, = glob.glob(os.path.join(gateway.data, "tenants", "*", "*.sqlite"))
        with open(path, "wb") as file:
            file.write(b"no file of a tenant's" * 1_000)
        with checks("N1 a gateway that cannot bring a tenant into its cluster names it, and does not serve"):
            run = subprocess.run(
                [options.tollgate, "serve", "--port", "0", "--data", gateway.data, "--blueprints", gateway.blueprints,
                 "--cluster", url, "--node", "a", "--advertise", "127.0.0.1:8080", "--durability", "single"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_SECONDS_MAX)
            assert run.returncode == 1 and f"{path} (tenant broken): " in run.stderr, run


def expelled(checks, options, url):
    with checks("N6 17 24 a node whose name is taken ends with 0; where the database went back with 75, to be started"):
        with Node(options.tollgate, "a", url) as first:
            second = Node(options.tollgate, "a", url)
            share_key(first, second)
            with second:
                ended = first.process.wait(START_SECONDS_MAX)
                assert ended == 0, ended
                # The registry's.
                Postgres.asked(
                    url, "UPDATE tollgate.head SET sequence = sequence - 1 "
                    "WHERE tenant = '00000000-0000-0000-0000-000000000001'")
                ended = second.process.wait(START_SECONDS_MAX)
                assert ended == 75, ended


def commands_with(word):
    """The command lines of all processes that name it."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            found += [line for line in [file.read()] if word.encode() in line]
    return found


def demo(checks, options):
    """deploy/cluster-demo.sh, as `./run --cluster-demo` starts it."""
    # Three for the nodes; PostgreSQL's are ten further on.
    port = free_ports(12)[0]
    process = subprocess.Popen(
        [os.path.join(ROOT, "deploy", "cluster-demo.sh"), options.tollgate, str(port)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True)
    told = "three nodes that all have the demo's tenants"
    with checks(f"N1 the demo of a cluster starts {told}, and ends without a trace"):
        try:
            said = ""
            for line in process.stdout:
                said += line
                if "Ctrl-C ends all of it" in line:
                    break
            folder = re.search(r"(/\S+)/a\.log", said).group(1)
            key = re.search(r"Bearer (tgh_live_\w+)", said).group(1)
            for node in range(3):
                client = http.client.HTTPConnection("127.0.0.1", port + node, timeout=30)
                client.request(
                    "GET", "/t/hosting/api/partner/v1/products", headers={"Authorization": f"Bearer {key}"})
                assert client.getresponse().status == 200, (node, said)
                client.close()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
            process.stdout.close()
        assert not os.path.exists(folder)
        assert not commands_with(folder)


def main():
    options = arguments()
    checks = Checks()
    secrets(checks, options)
    demo(checks, options)
    with Postgres() as postgres:
        refusals(checks, options, postgres.url)
        # A database belongs to the master key of the first node.
        for part in loaded, keys, swept, astray, unbrought, expelled:
            postgres.ask(f"CREATE DATABASE {part.__name__}")
            part(checks, options, postgres.url.replace("/postgres", f"/{part.__name__}"))
    checks.finish()


main()
