"""What is measured: the gateway, and its peers nginx and PostgreSQL. Each is a child that is ended by its process id."""

import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import machine

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
START_SECONDS_MAX = 120
WIDE_LIMIT = {"requests": 1_000_000, "window_seconds": 1}
WIDE_QUOTAS = {"quotas": {"resellers": 100_000, "keys": 100_000}}
WIDE_TERMS = {"rate_limit": WIDE_LIMIT, "credit_limit": "900000000"}


class Process:
    def __init__(self, arguments, **options):
        self.child = subprocess.Popen(arguments, **options)

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(60)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pids(self):
        return [self.child.pid] + machine.children(self.child.pid)


class Tollgate(Process):
    """`tollgate serve` with the demo tenants, on a free port. A folder that was served before is served again.

    `prefix`: words before the command, of a tool that it runs under."""

    def __init__(self, binary, folder, *options, environment=None, prefix=()):
        self.folder = folder
        self.log = open(folder + ".log", "w+")
        begin = time.monotonic()
        super().__init__([*prefix, binary, "serve", "--port", "0", "--data", folder, "--demo",
                          "--blueprints", os.path.join(ROOT, "tenants"), *options],
                         stdout=self.log, stderr=subprocess.STDOUT, env=environment)
        self.port = None
        while self.port is None:
            if self.child.poll() is not None or time.monotonic() > begin + START_SECONDS_MAX:
                sys.exit("tollgate did not start:\n" + open(self.log.name).read())
            with open(self.log.name) as lines:
                for line in lines:
                    if line.startswith("listening on http://127.0.0.1:"):
                        self.port = int(line.rsplit(":", 1)[1])
            if self.port is None:
                time.sleep(0.01)
        self.start_seconds = time.monotonic() - begin
        with open(os.path.join(folder, "demo.json")) as file:
            self.demo = json.load(file)
        self.provider_key = self.demo["provider_key"]
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def stop(self):
        super().stop()
        self.log.close()

    @property
    def pid(self):
        return self.child.pid

    def call(self, method, path, body=None, key=None, headers=None):
        """One call; `body` as JSON, or bytes as they are. Ends the run where it is refused: scenes are set with it."""
        content = body if isinstance(body, (bytes, type(None))) else json.dumps(body)
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        if key is not None:
            all_headers["Authorization"] = f"Bearer {key}"
        self.connection.request(method, path, content, all_headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {data[:300]}")
        return json.loads(data) if data else None

    def metric(self, name):
        """A figure of /metrics; 0 where it has none of that name."""
        self.connection.request("GET", "/metrics")
        for line in self.connection.getresponse().read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return 0

    def demo_tenant(self, name):
        tenant = self.demo["tenants"][name]
        return Tenant(self, tenant["slug"], tenant["owner_key"]), Reseller(tenant["resellers"][0])

    def widen(self, tenant):
        """Quotas that never bind."""
        self.call("PATCH", f"/provider/v1/tenants/{tenant.slug}", WIDE_QUOTAS, self.provider_key)

    def new_tenant(self, slug, blueprint="hosting"):
        made = self.call("POST", "/provider/v1/tenants", new_tenant_body(slug, blueprint), self.provider_key)
        return Tenant(self, slug, made["owner_key"])


def new_tenant_body(slug, blueprint="hosting"):
    return {"slug": slug, "blueprint": blueprint, "owner_email": f"owner@{slug}.example", "tier": "pro"}


class Reseller:
    """Its id, key and signing secret."""

    def __init__(self, made, key=None):
        self.id, self.secret, self.key = made["id"], made.get("webhook_secret"), key or made["key"]


class Tenant:
    """The operator's side of one tenant: what sets a scene."""

    def __init__(self, server, slug, owner_key):
        self.server, self.slug, self.owner_key = server, slug, owner_key
        self.base = f"/t/{slug}"

    def admin(self, method, path, body=None, headers=None):
        return self.server.call(method, f"{self.base}/api/admin{path}", body, self.owner_key, headers)

    def widen(self, reseller):
        """Limit and credit that never bind."""
        self.admin("PATCH", f"/resellers/{reseller.id}", WIDE_TERMS)
        return reseller

    def new_reseller(self, name):
        """Active, priced for vps-1 where that is sold, with limits that never bind."""
        email = f"{name}@bench.example"
        made = self.admin("POST", "/resellers", {"email": email, "name": name})
        self.admin("POST", f"/resellers/{made['id']}/approve", {})
        key = self.admin("POST", "/api-keys", {"owner_email": email, "limit": WIDE_LIMIT})["key"]
        return self.widen(Reseller(made, key))

    def price(self, reseller, sku="vps-1"):
        self.admin("PUT", f"/resellers/{reseller.id}/products/{sku}", {"wholesale_monthly": "4.00"})
        return reseller


class Nginx(Process):
    def __init__(self, folder, keys, body, port):
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        with open(os.path.join(folder, "keys.txt"), "w") as file:
            file.write("\n".join(hashlib.md5(key.encode()).digest().hex() for key in keys))
        with open(os.path.join(folder, "body.json"), "wb") as file:
            file.write(body)
        with open(os.path.join(HERE, "peers", "nginx.conf")) as file:
            text = file.read().replace("DIR", folder).replace("PORT", str(port))
        if os.geteuid() == 0:
            text = "user root;\n" + text
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w") as file:
            file.write(text)
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


class Postgres(Process):
    """A cluster of its own in the run's folder, on a Unix socket only. It may be started again on the same folder."""

    settings = {"listen_addresses": "", "synchronous_commit": "on", "fsync": "on", "shared_buffers": "512MB",
                "max_wal_size": "4GB", "max_connections": "200"}

    def __init__(self, folder, environment=None):
        root = "/usr/lib/postgresql"
        self.binaries = sorted(os.path.join(root, version, "bin") for version in os.listdir(root))[-1]
        self.folder = folder
        # It refuses to run as root.
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        data = os.path.join(folder, "data")
        is_new = not os.path.exists(data)
        if is_new:
            os.makedirs(folder)
            if os.geteuid() == 0:
                shutil.chown(folder, "postgres", "postgres")
            self.run("initdb", "-D", data, "-A", "trust", "--no-sync")
        settings = {**self.settings, "unix_socket_directories": folder}
        super().__init__(
            [*self.user, f"{self.binaries}/postgres", "-D", data, *[f"--{name}={value}" for name, value in settings.items()]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=environment)
        deadline = time.monotonic() + 30
        ready = [*self.user, f"{self.binaries}/pg_isready", "-h", folder]
        while subprocess.run(ready, stdout=subprocess.DEVNULL, cwd=folder).returncode:
            if time.monotonic() > deadline:
                sys.exit("PostgreSQL did not start")
            time.sleep(0.1)
        if is_new:
            script = os.path.join(folder, "schema.sql")
            shutil.copy(os.path.join(HERE, "peers", "postgres.sql"), script)
            os.chmod(script, 0o644)
            self.run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", folder, "-d", "postgres", "-f", script)

    def run(self, program, *arguments):
        return subprocess.run([*self.user, f"{self.binaries}/{program}", *arguments], check=True, cwd=self.folder,
                              capture_output=True, text=True).stdout

    def orders(self, resellers, seconds, clients=64):
        """Orders a second."""
        script = os.path.join(self.folder, f"order{resellers}.pgbench")
        with open(script, "w") as file:
            file.write(f"\\set r random(1, {resellers})\n\\set c random(1, 5000)\n\\set k random(1, 9000000000000000)\n"
                       "SELECT place_order(:r, 'c' || :c, 'k' || :k);\n")
        os.chmod(script, 0o644)
        text = self.run("pgbench", "-n", "-h", self.folder, "-c", str(clients), "-j", "2", "-M", "prepared", "-T",
            str(seconds),
                        "-f", script, "postgres")
        for line in text.splitlines():
            if line.startswith("tps"):
                return float(line.split()[2])
        sys.exit("pgbench gave no figure:\n" + text)
