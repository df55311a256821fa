"""What the scripts about several nodes share: a PostgreSQL of a script's own on loopback, and gateways that are nodes
of one cluster."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

from freeports import free_port
from support import Gateway

START_SECONDS_MAX = 60


def own(folder):
    """PostgreSQL does not run as root: makes the folder its user's, and gives the words that a command begins with."""
    if os.getuid() != 0:
        return []
    entry = pwd.getpwnam("postgres")
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    words = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    # In a chroot that root alone may enter, the server may as well.
    if not os.stat("/").st_mode & 0o001:
        words += [
            "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    return words


class Postgres:
    """One server without a standby, in a folder that is removed at the end. It does not run as root."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tollgate-postgres-")
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.process = None
        self.user = own(self.folder)

    @staticmethod
    def program(name):
        found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda path: int(path.split("/")[4]))
        path = found[-1] if found else shutil.which(name)
        assert path, f"{name} is not there: apt-get install postgresql"
        return path

    @property
    def url(self):
        return f"postgresql://tollgate@127.0.0.1:{self.port}/postgres"

    def __enter__(self):
        try:
            made = subprocess.run(
                [*self.user, self.program("initdb"), "-D", self.data, "-U", "tollgate", "--auth=trust", "--no-sync",
                 "--encoding=UTF8", "--locale=C"],
                capture_output=True, text=True, cwd=self.folder)
            assert made.returncode == 0, made.stderr
            self.start()
            return self
        except BaseException:
            self.__exit__()
            raise

    def start(self):
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(
            [*self.user, self.program("postgres"), "-D", self.data, "-p", str(self.port),
             "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}",
             "-c", "max_connections=200"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=self.folder)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.is_ready():
            assert self.process.poll() is None and time.monotonic() < deadline, self.errors()
            time.sleep(0.05)

    def is_ready(self):
        return subprocess.run(
            [self.program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode == 0

    def errors(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()[-3000:]

    def ask(self, statement):
        return self.asked(self.url, statement)

    @classmethod
    def asked(cls, url, statement):
        """Rows as lists of texts."""
        asked = subprocess.run(
            [cls.program("psql"), "-XAtq", "-F", "\t", "-d", url, "-c", statement], capture_output=True, text=True)
        assert asked.returncode == 0, asked.stderr
        return [line.split("\t") for line in asked.stdout.splitlines()]

    def kill(self):
        """All of its processes at once, as a crash of the server does."""
        with contextlib.suppress(ProcessLookupError):
            # Its children see that it is gone and end by themselves.
            self.process.kill()
            self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def share_key(first, node):
    """A node has the master key of those that are there."""
    os.makedirs(node.data, mode=0o700, exist_ok=True)
    target = os.path.join(node.data, "master.key")
    shutil.copyfile(os.path.join(first.data, "master.key"), target)
    os.chmod(target, 0o600)


class Node(Gateway):
    """A gateway that is a node of a cluster: `name` in the database at `url`."""

    def __init__(self, tollgate, name, url, *arguments, data=None, durability="single", **options):
        self.name = name
        self.listens_at = free_port()
        self.is_frozen = False
        super().__init__(
            tollgate, "--cluster", url, "--node", name, "--advertise", f"127.0.0.1:{self.listens_at}",
            "--durability", durability, *arguments, data=data, demo=False, **options)

    def freeze(self):
        self.is_frozen = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.is_frozen = False
        self.process.send_signal(signal.SIGCONT)

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None and not self.is_frozen
