#!/usr/bin/env python3
"""P6 O1 What a command cannot write is said, whatever the command: exit code 1 and one line on standard error, where
the disk behind standard output is full, or it is closed. A reader that has seen enough is no failure. A secret that
could not be shown is said to be lost."""

import glob
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid

from commandlines import SECRET, Lines
from results import one_line, serve
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, command, take_signals, together, wait_until, write_private

SECONDS_MAX = 60
# Commands of clusters, which this node is in none of.
CLUSTERED = ("node drain", "tenant adopt")
# Of a service that is past due, which renewals.py has.
LATE = ("my pay",)
# Commands that know no --json.
PLAIN = ("completion", "help", "manual", "version")
# Commands that say so where nobody saw the secret that they show once.
LOSES = SECRET + (
    "tenant create", "tenant fork", "tenant owner-key", "tenant invite", "tenant owner", "provider-key mint",
    "provider-key rotate", "key mint", "key rotate")
# Commands that try something which nobody answers here: that is exit code 1, shown or not.
UNANSWERED = ("webhooks test", "my webhook-test")
# Commands that do something once under an Idempotency-Key.
ONCE = (
    "balance add", "order refund", "my buy", "my topup", "licences import", "ports import", "stock import",
    "reconciliation run")
# Commands that go through the whole node: tried while it has few tenants.
FIRST = ("backup", "backup verify", "backup prune", "archive verify", "restore-node")
# Commands whose lines are about one thing, or of which a tenant runs one at a time: one line after the other.
ALONE = (
    "backup prune",
    "account password", "tenant import", "tenant restore", "deliveries retry", "deliveries replay", "my retry",
    "my replay",
    "my webhook-test", "my webhook-pause", "my webhook-resume", "my webhook-enable",
    "webhooks test", "webhooks pause", "webhooks resume", "payment-service remove",
    "webhooks disable", "webhooks enable", "registry rebuild", "licences import", "ports import", "items import",
    "product import", "price import", "service reprice", "reconciliation run")
# Enough for a command's own files, too little for an export.
FILE_BYTES_MAX = 8192


class Commands:
    """A line for every command of the table, each of which works."""

    def __init__(self, gateway, tollgate, folder):
        self.gateway, self.tollgate, self.folder = gateway, tollgate, folder
        self.shop = shop = Shop(gateway, slug="printed", password=PASSWORD)
        self.reseller = shop.reseller(balance="1000.00")
        self.skus = {kind: shop.product(kind) for kind in ("instant", "http")}
        for sku in self.skus.values():
            shop.price(self.reseller, sku, {"wholesale_monthly": "1.00"})
        # Nobody answers there: what is sent waits.
        made = shop.call(self.reseller, "POST", "/webhooks", {
            "name": "printed", "url": "https://there.example/hook", "events": ["order.created"]})
        assert made.status == 201, made
        self.webhook = made.json["id"]
        put = shop.admin("PUT", "/provisioning", {"url": "https://there.example/make"})
        assert put.status in (200, 201), put
        assert shop.order(self.reseller, self.skus["instant"]).status == 201
        self.numbers = iter(range(1000))
        self.is_key_lost = False
        self.packed = self.replayed = None
        self.more = Lines(self).all()
        self.words = os.path.join(folder, "words")
        write_private(self.words, "the words of this test\n")
        self.export = os.path.join(folder, "sound.sqlite")
        made = gateway.command("tenant", "export", "printed", "--output", self.export)
        assert made.returncode == 0, made.stderr

    def fresh(self, ending):
        return os.path.join(self.folder, f"file-{next(self.numbers)}{ending}")

    def tenant(self):
        """One to be changed for ever."""
        return Shop(self.gateway, slug=f"printed-{next(self.numbers)}").slug

    def key(self):
        return self.shop.mint(self.reseller).json["id"]

    def limited(self):
        key = self.key()
        assert self.shop.admin("PUT", f"/api-keys/{key}/limit", {"requests": 10, "window_seconds": 60}).status == 200
        return key

    def delivery(self):
        return self.shop.admin("GET", "/deliveries").json["data"][0]["id"]

    def replay(self):
        if self.replayed is None:
            # Of what nobody subscribed to: nothing is sent again.
            made = self.shop.admin("POST", "/deliveries/replay", {
                "since": "2020-01-01T00:00:00Z", "types": ["reseller.suspended"]})
            assert made.status == 200, made
            self.replayed = self.shop.admin("GET", "/replays").json["data"][0]["id"]
        return self.replayed

    def master(self):
        return ["--master-key", os.path.join(self.gateway.data, "master.key")]

    def archive(self):
        """A backup of the node."""
        folder = os.path.join(self.folder, "archive")
        if not os.path.exists(folder):
            assert self.gateway.command("backup", folder).returncode == 0
        return folder

    def bundle(self):
        """A tenant's, which lives nowhere any more: one for all lines, since each costs seconds of scrypt."""
        provider = self.gateway.provider_key
        if self.packed is None:
            slug, file = self.tenant(), self.fresh(".tollgate")
            done = self.gateway.command(
                "tenant", "export", slug, "--output", file, "--with-secrets", "--passphrase-file", self.words)
            assert done.returncode == 0, done
            self.packed = slug, file
        slug, file = self.packed
        gone = self.gateway.delete(f"/provider/v1/tenants/{slug}?confirm={slug}", key=provider)
        assert gone.status == 204, gone
        return file

    def sealed(self):
        slug = self.tenant()
        done = self.gateway.post(
            f"/provider/v1/tenants/{slug}/move", {"base_url": "https://there.example"}, key=self.gateway.provider_key)
        assert done.status == 200, done
        return slug

    def moved(self, move):
        """The webhook, after this move where that is one."""
        self.shop.admin("POST", f"/webhooks/{self.webhook}/{move}")
        return self.webhook

    def unit(self):
        """One that its provisioner is asked for."""
        made = self.shop.order(self.reseller, self.skus["http"])
        assert made.status == 201, made
        return made.json["services"][0]["id"]

    def suspended(self):
        slug = self.tenant()
        assert self.gateway.command("tenant", "suspend", slug).returncode == 0
        return slug

    def leaving(self):
        """One whose deletion was put off."""
        slug = self.tenant()
        done = self.gateway.command("tenant", "delete", slug, "--confirm", slug, "--after-days", "30")
        assert done.returncode == 0, done
        return slug

    def provider_key(self):
        return json.loads(self.gateway.command("provider-key", "mint", "to go", "--json").stdout)["id"]

    def lines(self):
        return self.more | self.provider_lines() | self.owner_lines()

    def provider_lines(self):
        provider = ["--data", self.gateway.data]
        def of(tenant, verb, *more):
            return lambda: ["tenant", verb, tenant(), *more, *provider]

        def printed():
            return "printed"

        def erased():
            slug = self.tenant()
            return ["tenant", "delete", slug, "--confirm", slug, *provider]

        return {
            "completion": lambda: ["completion", "zsh"], "manual": lambda: ["manual"],
            "help": lambda: ["help"], "version": lambda: ["version"], "verify": lambda: ["verify", self.export],
            "backup": lambda: ["backup", self.fresh(""), *provider],
            "backup verify": lambda: ["backup", "verify", self.archive(), *self.master()],
            "backup prune": lambda: ["backup", "prune", self.archive(), "--keep", "1", *self.master()],
            "archive verify": lambda: ["archive", "verify", self.archive(), *self.master()],
            "restore-node": lambda: ["restore-node", self.archive(), "--data", self.fresh(""), *self.master()],
            "tenant import": lambda: [
                "tenant", "import", "--input", self.bundle(), "--passphrase-file", self.words, *provider],
            "tenant move": lambda: [
                "tenant", "move", self.tenant(), "--to", self.other.base_url, "--to-key", self.other.provider_key,
                *provider],
            "tenant move-back": of(self.sealed, "move-back"),
            "tenant create": lambda: [
                "tenant", "create", f"made-{next(self.numbers)}", "--blueprint", "hosting", "--owner-email",
                "o@there.example", *provider],
            "tenant list": lambda: ["tenant", "list", *provider], "tenant show": of(printed, "show"),
            "tenant change": of(printed, "change", "--tier", "pro"), "tenant suspend": of(self.tenant, "suspend"),
            "tenant resume": of(self.suspended, "resume"), "tenant cancel": of(self.tenant, "cancel"),
            "tenant refund": of(self.tenant, "refund"), "tenant owner-key": of(printed, "owner-key"),
            "tenant export": lambda: [
                "tenant", "export", "printed", "--output", self.fresh(".sqlite"), *provider],
            "tenant restore": of(printed, "restore", "--input", self.export), "tenant delete": erased,
            "tenant fork": lambda: ["tenant", "fork", "printed", f"fork-{uuid.uuid4().hex[:12]}", *provider],
            "tenant undelete": lambda: ["tenant", "undelete", self.leaving(), *provider],
            "tenant invite": of(printed, "invite"),
            "tenant owner": lambda: [
                "tenant", "owner", self.tenant(), f"owner-{next(self.numbers)}@there.example", *provider],
            "provider-key list": lambda: ["provider-key", "list", *provider],
            "provider-key show": lambda: ["provider-key", "show", self.provider_key(), *provider],
            "provider-key mint": lambda: ["provider-key", "mint", "printed", *provider],
            "provider-key rotate": lambda: ["provider-key", "rotate", *provider],
            "provider-key revoke": lambda: ["provider-key", "revoke", self.provider_key(), *provider],
            "log": lambda: ["log", "--tenant", "printed", "--limit", "100", *provider],
            "usage": lambda: ["usage", *provider],
            "clock accept": lambda: ["clock", "accept", *provider],
            "node list": lambda: ["node", "list", *provider], "node show": lambda: ["node", "show", *provider],
            "node attention": lambda: ["node", "attention", *provider],
            "traffic": lambda: ["traffic", "--tenant", "printed", *provider],
            "placement": lambda: ["placement", *provider],
            "blueprint list": lambda: ["blueprint", "list", *provider],
            "registry rebuild": lambda: ["registry", "rebuild", *provider]}

    def owner_lines(self):
        owner = ["--data", self.gateway.data, "--tenant", "printed", "--key", self.shop.owner_key]
        return {
            "key list": lambda: ["key", "list", *owner],
            "key mint": lambda: ["key", "mint", "--owner-email", self.reseller["email"], *owner],
            "key rotate": lambda: ["key", "rotate", self.key(), *owner],
            "key revoke": lambda: ["key", "revoke", self.key(), *owner],
            "limit set": lambda: ["limit", "set", self.key(), "10/60", *owner],
            "limit remove": lambda: ["limit", "remove", self.key(), *owner],
            "limit reset": lambda: ["limit", "reset", self.limited(), *owner],
            "limit rehearse": lambda: ["limit", "rehearse", self.key(), "10/60", *owner],
            "events tail": lambda: ["events", "tail", "--once", *owner],
            "deliveries list": lambda: ["deliveries", "list", *owner],
            "deliveries show": lambda: ["deliveries", "show", self.delivery(), *owner],
            "deliveries retry": lambda: ["deliveries", "retry", self.delivery(), *owner],
            "deliveries signature": lambda: [
                "deliveries", "signature", self.delivery(), "--timestamp", "1", "--signature", "v1,none", *owner],
            "replay list": lambda: ["replay", "list", *owner],
            "replay show": lambda: ["replay", "show", self.replay(), *owner],
            "deliveries replay": lambda: [
                "deliveries", "replay", "--since", "2020-01-01T00:00:00Z", "--dry-run", *owner],
            "webhooks list": lambda: ["webhooks", "list", *owner],
            "webhooks disable": lambda: ["webhooks", "disable", self.moved("enable"), *owner],
            "webhooks enable": lambda: ["webhooks", "enable", self.moved("disable"), *owner],
            "due": lambda: ["due", *owner], "attention": lambda: ["attention", *owner],
            "outbound resume": lambda: ["outbound", "resume", *owner],
            "provisioning queue": lambda: ["provisioning", "queue", *owner],
            "provisioning retry": lambda: ["provisioning", "retry", self.unit(), *owner],
            "provisioning confirm": lambda: ["provisioning", "confirm", self.unit(), *owner],
            "provisioning give-up": lambda: ["provisioning", "give-up", self.unit(), "--reason", "none left", *owner],
            "audit list": lambda: ["audit", "list", "--from", "2099-01-01T00:00:00Z", *owner],
            "audit head": lambda: ["audit", "head", *owner], "audit verify": lambda: ["audit", "verify", *owner],
            "audit export": lambda: ["audit", "export", "--output", self.fresh(".csv"), *owner]}

    def line(self, name):
        if self.is_key_lost:
            rotated = self.gateway.command("provider-key", "rotate", "--json")
            self.gateway.first_key = json.loads(rotated.stdout)["provider_key"]
        # A command whose answer is lost leaves nobody a provider key.
        self.is_key_lost = name == "provider-key rotate"
        return self.lines()[name]()

    def names(self):
        """All that help lists but `serve`, which is tried by itself."""
        listed = command(self.tollgate, "help").stdout.splitlines()
        names = [re.match(r"  tollgate ((?:[a-z-]+ ?)+)", line) for line in listed]
        return [match.group(1).strip() for match in names if match and match.group(1).strip() != "serve"]

    def run(self, words, stdout, **more):
        return self.spawn([self.tollgate, *words], stdout, **more)

    @staticmethod
    def spawn(words, stdout, **more):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TOLLGATE_")}
        return subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX,
            env=clean, **more)

    # Three ways in which standard output is none

    def full(self, words):
        with open("/dev/full", "w", encoding="utf-8") as full:
            return self.run(words, full)

    def closed(self, words):
        return self.spawn(["sh", "-c", 'exec "$0" "$@" >&-', self.tollgate, *words], None)

    def gone(self, words):
        """Nobody reads any more."""
        read, write = os.pipe()
        os.close(read)
        try:
            return self.run(words, write)
        finally:
            os.close(write)


def streams(checks, commands):
    names = commands.names()
    with checks("P6 every command of the table is tried"):
        tried_here = {*commands.lines(), *CLUSTERED, *LATE}
        assert set(names) == tried_here, set(names) ^ tried_here
    for name in sorted(commands.lines(), key=lambda name: name not in FIRST):
        with checks(f"P6 {name}: a full disk and a closed stream are exit code 1 and one line; a reader that has gone "
                    "is quiet, but where a secret is lost"):
            full, closed, gone, *as_json = tried(commands, name)
            for result in (full, *as_json):
                one_line(result, "standard output cannot be written", "No space left")
            one_line(closed, "standard output cannot be written")
            if name in LOSES:
                one_line(gone, "lost")
            else:
                assert (gone.returncode, gone.stderr) == (int(name in UNANSWERED), ""), gone
    lost(checks, commands)
    once(checks, commands)


def once(checks, commands):
    """Of the commands that do something once: nobody saw that it was done, and asks again."""
    def state():
        shop = commands.shop
        rows = [shop.admin("GET", f"/{path}?limit=100").json["data"] for path in ("orders", "payments", "licences")]
        return shop.balance(commands.reseller), [[row.get("id", row.get("key")) for row in data] for data in rows]

    for name in ONCE:
        with checks(f"G4 P6 {name}: where its answer could not be shown, the message names the key by which the same "
                    "line shows it and does nothing more"):
            words = commands.line(name)
            with open("/dev/full", "w", encoding="utf-8") as full:
                result = commands.run(words, full)
            one_line(result, "standard output cannot be written", "it is done")
            key = re.search(r"--idempotency-key (\w+)", result.stderr).group(1)
            before = state()
            again, anew = [commands.run([*words, "--idempotency-key", key], subprocess.PIPE) for _ in range(2)]
            assert (again.returncode, again.stderr) == (0, "") and again.stdout, again
            assert anew.stdout == again.stdout and state() == before, (again, anew)
    with checks("P6 every command that takes an Idempotency-Key is tried so"):
        pages = {name: command(commands.tollgate, "help", *name.split()).stdout for name in commands.names()}
        taking = {name for name, page in pages.items() if "Under which the same call again" in page}
        assert taking == set(ONCE), taking ^ set(ONCE)


def tried(commands, name):
    """The results of a full disk, a closed stream and a reader that has gone, and of a full disk with --json."""
    ways = [commands.full, commands.closed, commands.gone]

    def line(number):
        words = commands.line(name)
        return words if number < len(ways) else [*words, "--json"]

    count = len(ways) + (name.split()[0] not in PLAIN)
    if name in ALONE:
        return [ways[number % len(ways)](line(number)) for number in range(count)]
    lines = [line(number) for number in range(count)]
    return together([
        lambda way=ways[number % len(ways)], words=words: way(words) for number, words in enumerate(lines)])


def lost(checks, commands):
    with checks("O1 P1 P8 a secret that could not be shown is said to be lost, with what to do: and it can be done"):
        with open("/dev/full", "w", encoding="utf-8") as full:
            minted = commands.run(commands.line("key mint"), full)
            one_line(minted, "lost", "tollgate key revoke key_")
            id = re.search(r"key_\w+", minted.stderr).group(0)
            assert commands.shop.admin("DELETE", f"/api-keys/{id}").status == 200
            one_line(commands.run(commands.line("key rotate"), full), "lost", "rotate")
            made = commands.run(commands.line("tenant create"), full)
            one_line(made, "lost", "tollgate tenant owner-key made-")
            slug = re.search(r"made-\d+", made.stderr).group(0)
            assert commands.gateway.command("tenant", "owner-key", slug).returncode == 0
            one_line(commands.run(commands.line("provider-key rotate"), full), "lost")
    with checks("P6 an error is one line too where standard output is full, and says the error"):
        with open("/dev/full", "w", encoding="utf-8") as full:
            refused = commands.run(["tenant", "show", "nobody", "--json", "--data", commands.gateway.data], full)
            one_line(refused, "tenant")


def files(checks, commands):
    """A file that may grow no further stands for a disk that is full."""
    def bounded():
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX))

    for name in ("tenant export", "audit export", "backup"):
        with checks(f"P5 P6 O6 {name}: a file that cannot be written is exit code 1, one line, and no half a file"):
            words = commands.line(name)
            if name == "audit export":
                for _ in range(60):
                    commands.shop.admin("GET", "/settings")
            place = words[words.index("--output") + 1] if "--output" in words else words[1]
            result = commands.run(words, subprocess.PIPE, preexec_fn=bounded)
            assert result.returncode == 1, result
            if name == "backup":
                assert result.stderr.count("\n") >= 1 and not os.path.exists(os.path.join(place, "manifests")), result
            else:
                one_line(result, "File too large")
                assert not glob.glob(glob.escape(place) + "*")
    with checks("P5 an export never takes the place of what is no file"):
        for place in ("/dev/full", "/dev/null"):
            words = commands.line("tenant export")
            words[words.index("--output") + 1] = place
            one_line(commands.run([*words, "--force"], subprocess.PIPE), place)
            assert glob.glob(place + "*") == [place]
    with checks("P6 standard output in a file that may grow no further: exit code 1 and one line"):
        with tempfile.NamedTemporaryFile("w", dir=commands.folder) as file:
            file.write("x" * FILE_BYTES_MAX)
            file.flush()
            with open(file.name, "a", encoding="utf-8") as end:
                one_line(commands.run(commands.line("tenant list"), end, preexec_fn=bounded), "cannot be written")


class HalfAnswers:
    """A gateway that stops in the middle of each export, and the commands that ask for them."""

    def __init__(self, tollgate, folder):
        self.folder, self.place = folder, os.path.join(folder, "an export.sqlite")
        self.server = socket.create_server(("127.0.0.1", 0))
        self.words = [
            tollgate, "tenant", "export", "acme", "--force", "--output", self.place, "--key", "tgp_live_x", "--url",
            f"http://127.0.0.1:{self.server.getsockname()[1]}"]

    def begin(self, content):
        process = subprocess.Popen(
            self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=take_signals)
        connection, _ = self.server.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content[:1000])
        wait_until(lambda: self.has_begun(process))
        return process, connection

    def has_begun(self, process):
        folder = f"/proc/{process.pid}/fd"
        return any(os.path.realpath(f"{folder}/{name}").startswith(self.folder) for name in os.listdir(folder))


def half_way(checks, tollgate, folder):
    half = HalfAnswers(tollgate, tempfile.mkdtemp(dir=folder))
    with checks("P5 P6 two exports into one file at once: each is whole where it has its name, and is alone"):
        contents = [b"a" * 5000, b"b" * 9000]
        begun = [half.begin(content) for content in contents]
        for content, (process, connection) in zip(contents, begun):
            connection.sendall(content[1000:])
            connection.close()
            _, said = process.communicate(timeout=SECONDS_MAX)
            assert process.returncode == 0 and not said, (process.returncode, said)
            with open(half.place, "rb") as file:
                assert file.read() == content
        assert os.listdir(half.folder) == [os.path.basename(half.place)]
    with checks("P5 P6 an export that a signal ends in its middle leaves nothing of itself"):
        with open(half.place + ".part", "w", encoding="utf-8") as file:
            file.write("somebody's")
        before = sorted(os.listdir(half.folder))
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
            process, connection = half.begin(b"c" * 5000)
            process.send_signal(number)
            process.communicate(timeout=SECONDS_MAX)
            connection.close()
            assert process.returncode == -number and sorted(os.listdir(half.folder)) == before, os.listdir(half.folder)
        with open(half.place + ".part", encoding="utf-8") as file:
            assert file.read() == "somebody's", "others' files stay as they are"


def serving(checks, tollgate):
    folder = tempfile.mkdtemp(prefix="tollgate-")
    try:
        with checks("P6 P8 serve: lines that cannot be written end it, and a lost provider key is said to be lost"):
            with open("/dev/full", "w", encoding="utf-8") as full:
                one_line(serve(tollgate, folder, stdout=full), "lost", "provider-key rotate")
                one_line(serve(tollgate, folder, stdout=full), "standard output cannot be written")
            with Gateway(tollgate, data=folder, demo=False) as gateway:
                assert gateway.command("provider-key", "rotate").returncode == 0
                assert gateway.stop() == 0
    finally:
        shutil.rmtree(folder)


def main():
    options = arguments()
    checks = Checks()
    folder = tempfile.mkdtemp(prefix="tollgate-")
    try:
        with Gateway(options.tollgate, demo=False) as gateway, Gateway(options.tollgate, demo=False) as other:
            commands = Commands(gateway, options.tollgate, folder)
            commands.other = other
            streams(checks, commands)
            files(checks, commands)
        serving(checks, options.tollgate)
        half_way(checks, options.tollgate, folder)
    finally:
        shutil.rmtree(folder)
    checks.finish()


if __name__ == "__main__":
    main()
