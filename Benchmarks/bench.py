"""Tollgate beside its peers, in one run on one machine: alternating rounds, medians, ratios, server CPU per request.

Read the ratios, not the figures: load generator and servers share the cores. Traffic goes to loopback only; every round is
bounded in time; only processes started here are ended.
"""
import argparse, base64, hashlib, hmac, http.client, json, os, platform, random, shutil, signal, sqlite3, statistics
import string, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    total = 0.0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


class Process:
    def __init__(self, arguments, **options):
        self.child = subprocess.Popen(arguments, **options)

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    @property
    def pids(self):
        return [self.child.pid] + children(self.child.pid)


class Tollgate(Process):
    def __init__(self, binary, folder, *options):
        self.log = open(os.path.join(os.path.dirname(folder), os.path.basename(folder) + ".log"), "w+")
        super().__init__([binary, "serve", "--port", "0", "--data", folder, "--demo",
                          "--blueprints", os.path.join(ROOT, "tenants"), *options],
                         stdout=self.log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 60
        self.port = None
        while self.port is None or not os.path.exists(os.path.join(folder, "demo.json")):
            if self.child.poll() is not None or time.monotonic() > deadline:
                sys.exit("tollgate did not start:\n" + open(self.log.name).read())
            for line in open(self.log.name):
                if line.startswith("listening on http://127.0.0.1:"):
                    self.port = int(line.rsplit(":", 1)[1])
            time.sleep(0.05)
        self.demo = json.load(open(os.path.join(folder, "demo.json")))
        self.hosting = self.demo["tenants"]["hosting"]
        self.reseller = self.hosting["resellers"][0]

    def call(self, method, path, body=None, key=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {data[:300]}")
        return json.loads(data) if data else None

    def open_wide(self, resellers):
        """Limits and credit that never bind, for the tenant and so many resellers; returns (key, secret) pairs."""
        admin, owner = "/t/hosting/api/admin", self.hosting["owner_key"]
        wide = {"rate_limit": {"requests": 1_000_000, "window_seconds": 1}, "credit_limit": "900000000"}
        self.call("PATCH", f"{admin}/resellers/{self.reseller['id']}", wide, owner)
        pairs = [(self.reseller["key"], self.reseller["webhook_secret"])]
        for index in range(resellers - 1):
            email = f"bench{index}@bench.example"
            made = self.call("POST", f"{admin}/resellers", {"email": email, "name": email, "password": "x" * 12}, owner)
            self.call("POST", f"{admin}/resellers/{made['id']}/approve", {}, owner)
            self.call("PATCH", f"{admin}/resellers/{made['id']}", wide, owner)
            self.call("PUT", f"{admin}/resellers/{made['id']}/products/vps-1", {"wholesale_monthly": "4.00"}, owner)
            key = self.call("POST", f"{admin}/api-keys", {"scopes": ["partner:read", "partner:order"],
                                                          "owner_email": email}, owner)["key"]
            pairs.append((key, made["webhook_secret"]))
        return pairs


class Nginx(Process):
    def __init__(self, folder, keys, body, port):
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        with open(os.path.join(folder, "keys.txt"), "w") as file:
            file.write("\n".join(hashlib.md5(key.encode()).digest().hex() for key in keys))
        with open(os.path.join(folder, "body.json"), "wb") as file:
            file.write(body)
        text = open(os.path.join(HERE, "peers", "nginx.conf")).read().replace("DIR", folder).replace("PORT", str(port))
        if os.geteuid() == 0:
            text = "user root;\n" + text
        path = os.path.join(folder, "nginx.conf")
        open(path, "w").write(text)
        self.port = port
        super().__init__(["nginx", "-c", path, "-p", "/usr/share/nginx/"], stderr=subprocess.DEVNULL)
        wait_for_port(port)


def wait_for_port(port):
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/", headers={"Connection": "close"})
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"nothing listens on port {port}")
            time.sleep(0.05)


def wrk(port, path, seconds, connections=64, headers=(), script=None):
    arguments = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for header in headers:
        arguments += ["-H", header]
    if script:
        arguments += ["-s", script]
    text = subprocess.run(arguments + [f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True).stdout
    requests, rate, p99 = 0, 0.0, "?"
    for line in text.splitlines():
        if " requests in " in line:
            requests = int(line.split()[0])
        elif line.startswith("Requests/sec:"):
            rate = float(line.split()[1])
        elif line.strip().startswith("99%"):
            p99 = line.split()[1]
        elif "Non-2xx" in line:
            print(f"    {line.strip()}", file=sys.stderr)
    return requests, rate, p99


def measured(process, load):
    before = cpu_seconds(process.pids)
    requests, rate, p99 = load()
    spent = cpu_seconds(process.pids) - before
    return {"rate": rate, "cpu": spent * 1e6 / max(1, requests), "p99": p99}


def median(rounds, name):
    return statistics.median(row[name] for row in rounds)


def sync_p50(folder):
    """fdatasync of one written page, in microseconds."""
    path = os.path.join(folder, "sync.probe")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    times = []
    for index in range(200):
        os.pwrite(descriptor, os.urandom(4096), index % 50 * 4096)
        begin = time.perf_counter()
        os.fdatasync(descriptor)
        times.append((time.perf_counter() - begin) * 1e6)
    os.close(descriptor)
    os.remove(path)
    return statistics.median(times)


def read_rows(options, folder, table):
    server = Tollgate(options.tollgate, os.path.join(folder, "read"))
    server.open_wide(1)
    owner, admin = server.hosting["owner_key"], "/t/hosting/api/admin"
    for index in range(10):
        sku = f"bench-{index}"
        server.call("POST", f"{admin}/products", {"sku": sku, "name": f"Bench {index}", "fulfilment": "instant"}, owner)
        server.call("PUT", f"{admin}/resellers/{server.reseller['id']}/products/{sku}",
                    {"wholesale_monthly": "4.00", "wholesale_annual": "40.00"}, owner)
    path, header = "/t/hosting/api/partner/v1/products", f"Authorization: Bearer {server.reseller['key']}"
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", path, headers={"Authorization": header.split(": ")[1]})
    body = connection.getresponse().read()
    keys = ["".join(random.choices(string.ascii_letters + string.digits, k=39)) for _ in range(99_999)]
    port = server.port + 1 if server.port < 60_000 else server.port - 1
    peer = Nginx(os.path.join(folder, "nginx"), keys + [server.reseller["key"]], body, port)
    try:
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(measured(server, lambda: wrk(server.port, path, options.seconds, headers=[header])))
            theirs.append(measured(peer, lambda: wrk(peer.port, "/", options.seconds, headers=[header])))
        ratio = median(ours, "rate") / median(theirs, "rate")
        table.append((f"read: price list, {len(json.loads(body)['data'])} products, {len(body)} bytes", median(ours, "rate"),
                      median(ours, "cpu"), "nginx + Lua", median(theirs, "rate"), median(theirs, "cpu"), ratio, 1.0))
    finally:
        server.stop()
        peer.stop()


def order_script(path, server, pairs, count, customers=5_000):
    """Signed orders, made before the clock runs: good for 300 s (CONTRACT W5)."""
    target, stamp = "/t/hosting/api/partner/v1/orders", str(int(time.time()))
    with open(path + ".txt", "w") as file:
        for index in range(count):
            key, secret = pairs[index % len(pairs)]
            body = '{"product":"vps-1","term":"monthly","quantity":1,"customer":{"external_id":"c%d"}}' % (index % customers)
            name = f"b{stamp}-{random.randrange(1 << 32)}-{index}"
            mac = hmac.new(base64.b64decode(secret[6:]), f"{stamp}.POST.{target}.{name}.{body}".encode(), hashlib.sha256)
            file.write(f"{key} {name} {mac.hexdigest()} {body}\n")
    with open(path, "w") as file:
        file.write(f'''
local requests, next_one = {{}}, 0
function init()
  for line in io.lines("{path}.txt") do
    local key, name, mac, body = line:match("^(%S+) (%S+) (%S+) (.+)$")
    requests[#requests + 1] = wrk.format("POST", "{target}", {{["Authorization"] = "Bearer " .. key,
      ["Idempotency-Key"] = name, ["X-Tollgate-Timestamp"] = "{stamp}", ["X-Tollgate-Signature"] = "v1=" .. mac,
      ["Content-Type"] = "application/json", ["Host"] = "127.0.0.1"}}, body)
  end
end
function request() next_one = next_one + 1; return requests[(next_one - 1) % #requests + 1] end
''')
    return path


class Postgres(Process):
    """A cluster of its own in the run's folder, on a Unix socket only."""

    def __init__(self, folder):
        binaries = sorted(os.path.join("/usr/lib/postgresql", version, "bin") for version in os.listdir("/usr/lib/postgresql"))[-1]
        self.binaries, self.folder = binaries, folder
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        os.makedirs(folder)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        data = os.path.join(folder, "data")
        subprocess.run([*self.user, f"{binaries}/initdb", "-D", data, "-A", "trust", "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        settings = {"listen_addresses": "", "unix_socket_directories": folder, "synchronous_commit": "on", "fsync": "on",
                    "shared_buffers": "512MB", "max_wal_size": "4GB", "max_connections": "120"}
        super().__init__([*self.user, f"{binaries}/postgres", "-D", data, *[f"--{name}={value}" for name, value in settings.items()]],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        deadline = time.monotonic() + 30
        while subprocess.run([*self.user, f"{binaries}/pg_isready", "-h", folder], stdout=subprocess.DEVNULL, cwd=folder).returncode:
            if time.monotonic() > deadline:
                sys.exit("PostgreSQL did not start")
            time.sleep(0.1)
        script = os.path.join(folder, "schema.sql")
        shutil.copy(os.path.join(HERE, "peers", "postgres.sql"), script)
        os.chmod(script, 0o644)
        subprocess.run([*self.user, f"{binaries}/psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", folder, "-d", "postgres", "-f", script], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    def orders(self, resellers, seconds):
        script = os.path.join(self.folder, f"order{resellers}.pgbench")
        with open(script, "w") as file:
            file.write(f"\\set r random(1, {resellers})\n\\set c random(1, 5000)\n\\set k random(1, 9000000000000000)\n"
                       "SELECT place_order(:r, 'c' || :c, 'k' || :k);\n")
        os.chmod(script, 0o644)
        text = subprocess.run([*self.user, f"{self.binaries}/pgbench", "-n", "-h", self.folder, "-c", "64", "-j", "2", "-M", "prepared",
                               "-T", str(seconds), "-f", script, "postgres"], capture_output=True, text=True, cwd=self.folder).stdout
        for line in text.splitlines():
            if line.startswith("tps"):
                return float(line.split()[2])
        sys.exit("pgbench gave no figure:\n" + text)


def order_rows(options, folder, table):
    server = Tollgate(options.tollgate, os.path.join(folder, "orders"))
    peer = Postgres(os.path.join(folder, "postgres"))
    try:
        many = server.open_wide(options.resellers)
        count = options.seconds * 30_000
        results = {"many": [], "one": [], "pg many": [], "pg one": []}
        for _ in range(options.rounds):
            for name, pairs in (("many", many), ("one", many[:1])):
                script = order_script(os.path.join(folder, "orders.lua"), server, pairs, count)
                results[name].append(measured(server, lambda: wrk(server.port, "/", options.seconds, script=script)))
            results["pg many"].append(peer.orders(1_000, options.seconds))
            results["pg one"].append(peer.orders(1, options.seconds))
        for name, label, threshold in (("many", f"order: signed, FULL sync, {options.resellers} resellers", 3.0),
                                       ("one", "order: the same, one reseller", 15.0)):
            rate, base = median(results[name], "rate"), statistics.median(results["pg " + name])
            table.append((label, rate, median(results[name], "cpu"), "PostgreSQL 15, no HTTP", base, None, rate / base, threshold))
    finally:
        server.stop()
        peer.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tollgate", required=True, help="the release binary")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each round")
    parser.add_argument("--resellers", type=int, default=100, help="among which orders are spread")
    parser.add_argument("--only", choices=["read", "order"])
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="tollgate-bench-")
    os.chmod(folder, 0o755)
    table = []
    try:
        if options.only != "order":
            read_rows(options, folder, table)
        if options.only != "read":
            order_rows(options, folder, table)
        model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
        print(f"\n{model}, {os.cpu_count()} cores shared with the load, Linux {platform.release()}, "
              f"{options.rounds} rounds of {options.seconds} s, medians; fdatasync p50 {sync_p50(folder):.0f} µs\n")
        print(f"{'':52} {'req/s':>9} {'CPU µs':>7}   {'peer':24} {'req/s':>9} {'CPU µs':>7} {'ratio':>6} {'aim':>5}")
        for label, rate, cpu, peer, base, base_cpu, ratio, aim in table:
            print(f"{label:52} {rate:9,.0f} {cpu:7.1f}   {peer:24} {base:9,.0f} {base_cpu if base_cpu is None else round(base_cpu, 1)!s:>7} "
                  f"{ratio:6.2f} {aim:5.1f}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
