#!/usr/bin/env python3
"""P6 O1 What a command cannot write is said, whatever the command: exit code 1 and one line on standard error, where
the disk behind standard output is full, or it is closed. A reader that has seen enough is no failure. A secret that
could not be shown is said to be lost. And files that hold secrets are their owner's alone, or nothing starts."""

import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import uuid

from commandlines import SECRET, Lines
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, command, together

SECONDS_MAX = 60
# Commands of clusters, which this node is in none of.
CLUSTERED = ("node drain", "tenant adopt")
# Commands that know no --json.
PLAIN = ("completion", "help", "manual", "version")
# Commands that say so where nobody saw the secret that they show once.
LOSES = SECRET + (
    "tenant create", "tenant fork", "tenant owner-key", "tenant invite", "tenant owner", "provider-key mint",
    "provider-key rotate", "key mint", "key rotate")
# Commands that go through the whole node: tried while it has few tenants.
FIRST = ("backup", "backup verify", "archive verify", "restore-node")
# Commands whose lines are about one thing, or of which a tenant runs one at a time: one line after the other.
ALONE = (
    "account password", "tenant import", "tenant restore", "deliveries retry", "deliveries replay", "webhooks disable",
    "webhooks enable", "registry rebuild", "licences import", "ports import", "items import", "product import",
    "price import", "service reprice")
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
        self.packed = None
        self.more = Lines(self).all()
        self.words = os.path.join(folder, "words")
        with open(self.words, "w", encoding="utf-8") as file:
            file.write("the words of this test\n")
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
            "provider-key mint": lambda: ["provider-key", "mint", "printed", *provider],
            "provider-key rotate": lambda: ["provider-key", "rotate", *provider],
            "provider-key revoke": lambda: ["provider-key", "revoke", self.provider_key(), *provider],
            "log": lambda: ["log", "--tenant", "printed", "--limit", "100", *provider],
            "usage": lambda: ["usage", *provider],
            "clock accept": lambda: ["clock", "accept", *provider],
            "node list": lambda: ["node", "list", *provider],
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
            "audit head": lambda: ["audit", "head", *owner],
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


def one_line(result, *words):
    assert result.returncode == 1, (result.args, result.returncode, result.stderr)
    assert result.stderr.startswith("tollgate: ") and result.stderr.count("\n") == 1, (result.args, result.stderr)
    for word in words:
        assert word in result.stderr, (result.args, word, result.stderr)


def streams(checks, commands):
    names = commands.names()
    with checks("P6 every command of the table is tried"):
        assert set(names) == {*commands.lines(), *CLUSTERED}, set(names) ^ {*commands.lines(), *CLUSTERED}
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
                assert (gone.returncode, gone.stderr) == (0, ""), gone
    lost(checks, commands)


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
                assert not os.path.exists(place) and not os.path.exists(place + ".part")
    with checks("P5 an export never takes the place of what is no file"):
        for place in ("/dev/full", "/dev/null"):
            words = commands.line("tenant export")
            words[words.index("--output") + 1] = place
            one_line(commands.run([*words, "--force"], subprocess.PIPE), place)
            assert not os.path.exists(place + ".part")
    with checks("P6 standard output in a file that may grow no further: exit code 1 and one line"):
        with tempfile.NamedTemporaryFile("w", dir=commands.folder) as file:
            file.write("x" * FILE_BYTES_MAX)
            file.flush()
            with open(file.name, "a", encoding="utf-8") as end:
                one_line(commands.run(commands.line("tenant list"), end, preexec_fn=bounded), "cannot be written")


def serving(checks, tollgate):
    def serve(data, **more):
        return subprocess.run(
            [tollgate, "serve", "--port", "0", "--data", data, "--blueprints", "tenants"], stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX, cwd=os.path.dirname(os.path.dirname(here)), **more)

    here = os.path.dirname(os.path.abspath(__file__))
    folder = tempfile.mkdtemp(prefix="tollgate-")
    try:
        with checks("P6 P8 serve: lines that cannot be written end it, and a lost provider key is said to be lost"):
            with open("/dev/full", "w", encoding="utf-8") as full:
                one_line(serve(folder, stdout=full), "lost", "provider-key rotate")
                one_line(serve(folder, stdout=full), "standard output cannot be written")
            with Gateway(tollgate, data=folder, demo=False) as gateway:
                assert gateway.command("provider-key", "rotate").returncode == 0
                assert gateway.stop() == 0
        private_files(checks, tollgate, folder, serve)
    finally:
        shutil.rmtree(folder)


def private_files(checks, tollgate, folder, serve):
    def refused(path, mode, mended):
        before = os.stat(path).st_mode & 0o7777
        os.chmod(path, mode)
        try:
            result = serve(folder, stdout=subprocess.PIPE)
            remedy = f"chmod {mended} {path}"
            one_line(result, path, remedy)
            assert result.stdout == "", result.stdout
            subprocess.run(remedy.split(), check=True)
            assert os.stat(path).st_mode & 0o077 == 0
        finally:
            os.chmod(path, before)

    with checks("G1 P5 a data folder, or a file in it, that others may use is refused, with what mends it"):
        with Gateway(tollgate, data=folder, demo=False) as gateway:
            made = gateway.command("tenant", "create", "held", "--blueprint", "hosting", "--owner-email", "o@h.example")
            assert made.returncode == 0, made
            socket = os.path.join(folder, "control.sock")
            assert os.stat(socket).st_mode & 0o077 == 0
            assert gateway.stop() == 0
        for mode in (0o777, 0o755, 0o750, 0o701, 0o710):
            refused(folder, mode, 700)
        found = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
        assert any(path.endswith("master.key") for path in found) and any("/tenants/" in path for path in found)
        for path in found:
            refused(path, 0o644, 600)
        for mode in (0o640, 0o604, 0o620, 0o666):
            refused(os.path.join(folder, "master.key"), mode, 600)
        refused(os.path.join(folder, "tenants"), 0o755, 700)
        demo = os.path.join(folder, "demo.json")
        with open(demo, "w", encoding="utf-8") as file:
            file.write("{}")
        os.chmod(demo, 0o600)
        refused(demo, 0o644, 600)
        with Gateway(tollgate, data=folder, demo=False) as gateway:
            assert gateway.get("/readyz").status == 200
    with checks("G1 a TLS key that others may read is refused, at the start and where it is sent for a domain"):
        away = tempfile.mkdtemp(prefix="tollgate-")
        certificate, key = os.path.join(away, "tls-cert.pem"), os.path.join(away, "tls-key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
             "/CN=test", "-addext", "subjectAltName=DNS:own.there.example", "-days", "2", "-keyout", key, "-out",
             certificate], check=True, capture_output=True)
        try:
            os.chmod(key, 0o644)
            result = command(tollgate, "serve", "--port", "0", "--data", folder, "--tls-cert", certificate,
                "--tls-key", key)
            one_line(result, key, f"chmod 600 {key}")
            with Gateway(tollgate, data=folder, demo=False) as gateway:
                sent = gateway.command("tenant", "change", "held", "--domain", f"own.there.example,{certificate},{key}")
                one_line(sent, f"chmod 600 {key}")
                os.chmod(key, 0o600)
                sent = gateway.command("tenant", "change", "held", "--domain", f"own.there.example,{certificate},{key}")
                assert sent.returncode == 0, sent.stderr
                with open(certificate, encoding="utf-8") as file, open(key, encoding="utf-8") as secret:
                    pasted(checks, gateway, file.read(), secret.read())
        finally:
            shutil.rmtree(away)


def pasted(checks, gateway, certificate, key):
    """A private key in a field that is shown, or in any text: refused, and neither kept nor said again."""
    provider = gateway.command("provider-key", "rotate", "--json")
    provider = re.search(r"tgp_live_\w+", provider.stdout).group(0)
    for text in (key, key + certificate, certificate + key, certificate + "\n" + key.lower(),
                 certificate.replace("CERTIFICATE", "RSA PRIVATE KEY")):
        answer = gateway.patch("/provider/v1/tenants/held", {
            "domains": [{"host": "own.there.example", "certificate": text, "private_key": key}]}, key=provider)
        assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/domains/0/certificate", answer
        assert key.splitlines()[1] not in answer.body.decode()
    owner = gateway.post("/provider/v1/tenants/held/owner-key", key=provider).json
    owner = owner.get("owner_key") or owner["key"]
    line = key.replace("\n", " ").strip()
    for method, path, body, field in (
            ("POST", "/resellers", {"email": "a@there.example", "name": line[:200]}, "name"),
            ("PATCH", "/settings", {"name": line[:100]}, "name"),
            ("POST", "/products", {"sku": "a", "name": line[:200], "fulfilment": "instant"}, "name"),
            ("POST", "/api-keys", {"owner_email": "o@h.example", "name": line[-100:]}, "name")):
        answer = gateway.request(method, f"/t/held/api/admin{path}", body, key=owner)
        assert answer.status == 422 and answer.json["errors"][0]["pointer"] == f"/{field}", (path, answer)
        assert line[40:80] not in answer.body.decode()


def main():
    options = arguments()
    checks = Checks()
    folder = tempfile.mkdtemp(prefix="tollgate-")
    try:
        with Gateway(options.tollgate, demo=False) as gateway, Gateway(options.tollgate, demo=False) as other:
            commands = Commands(gateway, options.tollgate, folder)
            # Where tenants move to.
            commands.other = other
            streams(checks, commands)
            files(checks, commands)
        serving(checks, options.tollgate)
    finally:
        shutil.rmtree(folder)
    checks.finish()


if __name__ == "__main__":
    main()
