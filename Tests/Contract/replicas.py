"""Three PostgreSQL servers on loopback, a primary and two standbys of which one has each commit: what `failover` kills.
By hand, or under Patroni with etcd."""

import glob
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request

from cluster import Postgres, own
from freeports import free_port
from support import tool, wait_until

SECONDS_MAX = 120
NAMES = ["one", "two", "three"]


class Servers:
    """What both kinds have: a folder and processes of the user that PostgreSQL may be."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tollgate-servers-")
        self.ports = {name: free_port() for name in NAMES}
        self.processes = {}
        self.user = own(self.folder)

    def __enter__(self):
        try:
            self.start()
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for name in NAMES:
            self.kill_server(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self):
        return "postgresql://tollgate@" + ",".join(f"127.0.0.1:{port}" for port in self.ports.values()) + "/postgres"

    def data(self, name):
        return os.path.join(self.folder, name)

    def begin(self, name, *command, environment=None):
        log = open(os.path.join(self.folder, f"{name}.log"), "ab")
        self.processes[name] = subprocess.Popen(
            [*self.user, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", **(environment or {})})
        log.close()

    def run(self, *command):
        done = subprocess.run([*self.user, *command], capture_output=True, text=True, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def ask(self, name, statement):
        address = f"host=127.0.0.1 port={self.ports[name]} user=tollgate dbname=postgres connect_timeout=5"
        return self.run(Postgres.program("psql"), "-XAtq", "-d", address, "-c", statement)

    def is_primary(self, name):
        try:
            return self.ask(name, "SELECT NOT pg_is_in_recovery()") == "t"
        except AssertionError:
            return False

    @property
    def primary(self):
        return next((name for name in NAMES if self.is_primary(name)), None)

    def wait_for_standby(self, name):
        wait_until(lambda: self.ask(
            name, "SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')") == "t",
            seconds=SECONDS_MAX)

    def kill_server(self, name):
        """kill -9 of the server's first process and, so that none outlives it, of its children."""
        try:
            with open(os.path.join(self.data(name), "postmaster.pid"), encoding="utf-8") as file:
                first = int(file.readline())
            with open(f"/proc/{first}/cmdline", "rb") as file:
                assert self.data(name).encode() in file.read()
        except (OSError, ValueError, AssertionError):
            return
        children = open(f"/proc/{first}/task/{first}/children", encoding="utf-8").read().split()
        for process in [first, *map(int, children)]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass


class ByHand(Servers):
    """A person fails over: the standby that has most becomes the primary, and the other follows it."""

    def start(self):
        first = NAMES[0]
        self.run(Postgres.program("initdb"), "-D", self.data(first), "-U", "tollgate", "--auth=trust", "--no-sync")
        self.start_server(first)
        for name in NAMES[1:]:
            source = f"host=127.0.0.1 port={self.ports[first]} user=tollgate application_name={name}"
            self.run(
                Postgres.program("pg_basebackup"), "-d", source, "-D", self.data(name), "-R", "-X", "stream",
                "-c", "fast", "--no-sync")
            self.start_server(name)
        self.demand(first, NAMES[1:])

    def start_server(self, name):
        self.begin(
            name, Postgres.program("postgres"), "-D", self.data(name), "-p", str(self.ports[name]),
            "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}",
            "-c", "shared_buffers=32MB", "-c", "wal_keep_size=256MB")
        wait_until(lambda: self.is_up(name), seconds=SECONDS_MAX)

    def is_up(self, name):
        try:
            return self.ask(name, "SELECT 1") == "1"
        except AssertionError:
            return False

    def demand(self, primary, standbys):
        """From now on a commit waits until one of them has it."""
        self.ask(primary, f"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 ({', '.join(standbys)})'")
        self.ask(primary, "SELECT pg_reload_conf()")
        self.wait_for_standby(primary)

    def lose_primary(self):
        lost = self.primary
        self.kill_server(lost)
        self.processes.pop(lost).wait()
        left = [name for name in NAMES if name != lost]
        # Whoever has the last commit that anybody was told of has the most.
        received = "SELECT coalesce(pg_last_wal_receive_lsn(), '0/0') - '0/0'"
        best = max(left, key=lambda name: int(self.ask(name, received)))
        other = next(name for name in left if name != best)
        # It demands a second copy before it takes its first write.
        self.ask(best, f"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 ({other})'")
        self.ask(best, "SELECT pg_reload_conf()")
        self.run(Postgres.program("pg_ctl"), "-D", self.data(best), "-w", "promote")
        source = f"host=127.0.0.1 port={self.ports[best]} user=tollgate application_name={other}"
        self.ask(other, f"ALTER SYSTEM SET primary_conninfo = '{source}'")
        self.ask(other, "SELECT pg_reload_conf()")
        self.wait_for_standby(best)


class UnderPatroni(Servers):
    """Patroni (PyPI) fails over by itself, by what etcd (Debian's) says."""

    PACKAGES = ["patroni[etcd3]==4.1.5", "psycopg2-binary==2.9.13"]

    def program(self):
        """In an environment that the servers' user reaches, wherever this checkout is."""
        folder = os.path.join(self.folder, "patroni")
        # Debian's: whoever runs the tests may have an interpreter of his own that nobody else may run.
        subprocess.run([shutil.which("python3", path="/usr/bin:/usr/local/bin"), "-m", "venv", folder], check=True)
        made = subprocess.run(
            [os.path.join(folder, "bin", "pip"), "--disable-pip-version-check", "install", "--quiet", *self.PACKAGES],
            capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        return os.path.join(folder, "bin", "python"), os.path.join(folder, "bin", "patroni")

    def start(self):
        self.python, self.patroni = self.program()
        self.etcd, peer = free_port(), free_port()
        self.rest = {name: free_port() for name in NAMES}
        client, own = f"http://127.0.0.1:{self.etcd}", f"http://127.0.0.1:{peer}"
        self.begin(
            "etcd", tool("etcd"), "--name", "e", "--data-dir", os.path.join(self.folder, "etcd"),
            "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", own,
            "--initial-advertise-peer-urls", own, "--initial-cluster", f"e={own}")
        for name in NAMES:
            with open(os.path.join(self.folder, f"{name}.yml"), "w", encoding="utf-8") as file:
                file.write(self.settings(name))
            self.start_manager(name)
            if name == NAMES[0]:
                wait_until(lambda: self.is_primary(NAMES[0]), seconds=SECONDS_MAX)
        self.wait_for_standby(NAMES[0])

    def start_manager(self, name):
        self.begin(
            name, self.python, self.patroni, os.path.join(self.folder, f"{name}.yml"),
            environment={"HOME": self.folder})

    def settings(self, name):
        bin = os.path.dirname(Postgres.program("postgres"))
        return f"""
scope: tollgate
name: {name}
restapi: {{listen: "127.0.0.1:{self.rest[name]}", connect_address: "127.0.0.1:{self.rest[name]}"}}
etcd3: {{host: "127.0.0.1:{self.etcd}"}}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 3
    maximum_lag_on_failover: 0
    primary_start_timeout: 0
    synchronous_mode: quorum
    synchronous_mode_strict: true
    synchronous_node_count: 1
    postgresql:
      use_pg_rewind: true
      parameters: {{shared_buffers: 32MB, wal_keep_size: 256MB, wal_log_hints: "on", max_connections: 100}}
  initdb: [{{encoding: UTF8}}, data-checksums]
postgresql:
  listen: "127.0.0.1:{self.ports[name]}"
  connect_address: "127.0.0.1:{self.ports[name]}"
  data_dir: {self.data(name)}
  bin_dir: {bin}
  pgpass: {self.folder}/pgpass-{name}
  pg_hba: ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
  authentication: {{replication: {{username: rep}}, superuser: {{username: tollgate}}, rewind: {{username: rew}}}}
  parameters: {{unix_socket_directories: "{self.folder}"}}
"""

    def lose_primary(self):
        """Its machine: the manager too. Then it comes back, and follows."""
        lost = self.primary
        manager = self.processes.pop(lost)
        manager.kill()
        self.kill_server(lost)
        manager.wait()
        wait_until(lambda: self.primary not in (None, lost), seconds=SECONDS_MAX)
        self.wait_for_standby(self.primary)
        self.start_manager(lost)
        wait_until(lambda: self.is_following(lost), seconds=SECONDS_MAX)

    def wait_for_standby(self, name):
        """Until etcd knows who may become the primary, which it learns after PostgreSQL does."""
        wait_until(lambda: any(self.is_candidate(other) for other in NAMES if other != name), seconds=SECONDS_MAX)

    def is_candidate(self, name):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.rest[name]}/quorum", timeout=5).status == 200
        except OSError:
            return False

    def is_following(self, name):
        try:
            return self.ask(name, "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'") == "1"
        except AssertionError:
            return False

    def __exit__(self, *_):
        # Without their managers nobody starts the servers again.
        for name in NAMES:
            if name in self.processes:
                self.processes[name].kill()
        super().__exit__()
