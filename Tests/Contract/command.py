"""P6: the command line against a running gateway, and `tollgate serve` as a process."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile

from results import fails, succeeds
from shop import Shop
from support import (
    ROOT, START_SECONDS_MAX, STOP_SECONDS_MAX, Checks, Gateway, arguments, command, wait_until, write_private)

options = arguments()
checks = Checks()


def run(*words, **more):
    return command(options.tollgate, *words, **more)


def tenants(gateway, way, slug, folder):
    """P6 the life of a tenant; `way` reaches the gateway: what is added to each command line."""

    def tollgate(*words):
        return run(*words, *way)

    def as_json(*words):
        return json.loads(succeeds(tollgate(*words, "--json")).stdout)

    made = as_json("tenant", "create", slug, "--blueprint", "hosting", "--owner-email", f"o@{slug}.example")
    assert made["slug"] == slug and made["owner_key"] and "/invite/" in made["invitation_url"], made
    # P7: the very next request succeeds.
    answer = gateway.get(f"/t/{slug}/api/admin/api-keys", key=made["owner_key"])
    assert answer.status == 200, answer
    fails(tollgate("tenant", "create", slug, "--blueprint", "hosting", "--owner-email", "o@x.example"), 1, "slug")
    wrong = tollgate("tenant", "create", "No!", "--blueprint", "nope", "--owner-email", "x", "--json")
    fails(wrong, 1, "slug", "blueprint", "owner_email")
    assert json.loads(wrong.stdout)["status"] == 422, wrong.stdout

    listed = succeeds(tollgate("tenant", "list")).stdout
    assert slug in listed and listed.startswith("SLUG"), listed
    assert slug in [row["slug"] for row in as_json("tenant", "list")["data"]]
    page = tollgate("tenant", "list", "--limit", "1")
    assert len(succeeds(page).stdout.splitlines()) == 2 and "--cursor" in page.stderr, page
    assert as_json("tenant", "show", slug)["state"] == "active"
    assert "counts.keys" in succeeds(tollgate("tenant", "show", slug)).stdout
    fails(tollgate("tenant", "show", "nobody"), 1, "tenant")

    changed = as_json("tenant", "change", slug, "--tier", "pro", "--quota", "keys=7", "--rate-limit", "50/10")
    assert (changed["tier"], changed["quotas"]["keys"]) == ("pro", 7), changed
    assert changed["rate_limit"] == {"requests": 50, "window_seconds": 10, "burst": 50}, changed
    assert as_json("tenant", "change", slug, "--rate-limit", "none")["rate_limit"] is None
    fails(tollgate("tenant", "change", slug), 2, "nothing to change")
    assert as_json("tenant", "owner-key", slug)["owner_key"] != made["owner_key"]

    assert "suspended" in succeeds(tollgate("tenant", "suspend", slug)).stdout
    assert gateway.get(f"/t/{slug}/api/admin/api-keys", key=made["owner_key"]).status == 403
    fails(tollgate("tenant", "suspend", slug), 1, "suspended")
    assert as_json("tenant", "resume", slug)["state"] == "active"
    assert gateway.get(f"/t/{slug}/api/admin/api-keys", key=made["owner_key"]).status == 200

    path = os.path.join(folder, f"{slug}.sqlite")
    assert as_json("tenant", "export", slug, "--output", path)["bytes"] == os.path.getsize(path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    fails(tollgate("tenant", "export", slug, "--output", path), 1, "--force")
    succeeds(tollgate("tenant", "export", slug, "--output", path, "--force"))
    assert "sound" in succeeds(run("verify", path)).stdout
    restored = as_json("tenant", "restore", slug, "--input", path)
    assert restored["slug"] == slug and restored["audit_head"], restored
    assert gateway.get(f"/t/{slug}/api/admin/api-keys", key=made["owner_key"]).status == 200
    fails(tollgate("tenant", "restore", slug, "--input", path + ".none"), 1, ".none")
    noise = os.path.join(folder, "noise")
    with open(noise, "wb") as file:
        file.write(os.urandom(10_000))
    fails(tollgate("tenant", "restore", slug, "--input", noise), 1, "no tenant's file")

    fails(tollgate("tenant", "delete", slug), 2, f"--confirm {slug}")
    fails(tollgate("tenant", "delete", slug, "--confirm", "other"), 2, "other")
    succeeds(tollgate("tenant", "delete", slug, "--confirm", slug))
    fails(tollgate("tenant", "show", slug), 1)
    # A key of nobody any more.
    assert gateway.get(f"/t/{slug}/api/admin/api-keys", key=made["owner_key"]).status in (401, 404)


def endings(gateway):
    """Tenants that end, and an owner with a password."""
    password = "correct horse battery"
    made = succeeds(
        gateway.command(
            "tenant", "create", "ending", "--blueprint", "hosting", "--owner-email", "e@x.example", "--password-file",
            "-", "--json", input=password + "\n"))
    assert "invitation_url" not in json.loads(made.stdout) and password not in made.stdout
    session = gateway.post("/t/ending/api/admin/session", {"email": "e@x.example", "password": password})
    assert session.status in (200, 201), session
    cancelled = json.loads(succeeds(gateway.command("tenant", "cancel", "ending", "--json")).stdout)
    assert cancelled["ends_at"], cancelled
    assert "refunded" in succeeds(gateway.command("tenant", "refund", "ending")).stdout
    fails(gateway.command("tenant", "resume", "ending"), 1, "refunded")


def keys(gateway):
    tenant = gateway.tenant("hosting")
    email = tenant["resellers"][0]["email"]
    owner = ["--tenant", "hosting", "--key", tenant["owner_key"]]

    def as_json(*words):
        return json.loads(succeeds(gateway.command(*words, *owner, "--json")).stdout)

    products = "/t/hosting/api/partner/v1/products"
    minted = as_json("key", "mint", "--owner-email", email, "--name", "till", "--scope", "partner:read")
    assert minted["scopes"] == ["partner:read"] and gateway.get(products, key=minted["key"]).status == 200, minted
    assert minted["id"] in succeeds(gateway.command("key", "list", *owner)).stdout
    limited = as_json("limit", "set", minted["id"], "2/3600")
    assert limited["limit"] == {
        "requests": 2, "window_seconds": 3600, "burst": 2, "remaining": 2, "reset": 0}, limited
    assert 429 in [gateway.get(products, key=minted["key"]).status for _ in range(3)]
    assert as_json("limit", "remove", minted["id"])["limit"] is None
    assert gateway.get(products, key=minted["key"]).status == 200
    rotated = as_json("key", "rotate", minted["id"])
    assert rotated["id"] == minted["id"] and gateway.get(products, key=minted["key"]).status == 401
    assert gateway.get(products, key=rotated["key"]).status == 200
    succeeds(gateway.command("key", "revoke", minted["id"], *owner))
    assert gateway.get(products, key=rotated["key"]).status == 401
    fails(gateway.command("key", "revoke", "key_none", *owner), 1)
    fails(gateway.command("key", "list", "--tenant", "hosting", "--key", "wrong"), 1, "key")
    # The same over the network, the key from the environment.
    environment = {"TOLLGATE_URL": gateway.base_url, "TOLLGATE_OWNER_KEY": tenant["owner_key"]}
    assert "PREFIX" in succeeds(run("key", "list", "--tenant", "hosting", environment=environment)).stdout
    # By the address of the tenant's pages, with its name once more or without.
    for place in (f"{gateway.base_url}/t/hosting", f"{gateway.base_url}/t/hosting/"):
        for more in ([], ["--tenant", "hosting"]):
            assert "PREFIX" in succeeds(run("key", "list", "--key", tenant["owner_key"], "--url", place, *more)).stdout
        assert "PREFIX" in succeeds(run("key", "list", environment={**environment, "TOLLGATE_URL": place})).stdout
        assert "SLUG" in succeeds(run("tenant", "list", "--url", place, "--key", gateway.provider_key)).stdout


def audit(gateway, folder):
    tenant = gateway.tenant("hosting")
    owner = ["--tenant", "hosting", "--key", tenant["owner_key"]]
    head = json.loads(succeeds(gateway.command("audit", "head", *owner, "--json")).stdout)
    assert succeeds(gateway.command("audit", "list", *owner, "--limit", "5")).stdout.startswith("SEQ")
    for name in ["audit.csv", "audit.jsonl"]:
        path = os.path.join(folder, name)
        succeeds(gateway.command("audit", "export", *owner, "--output", path))
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        assert len(lines) > 1 and (name.endswith(".csv") or json.loads(lines[0])["action"]), lines[:2]
    path = os.path.join(folder, "hosting-audit.sqlite")
    succeeds(gateway.command("tenant", "export", "hosting", "--output", path))
    proof = ["--head", head["head"], "--public-key", head["public_key"], "--all-signatures"]
    report = json.loads(succeeds(run("verify", path, *proof, "--json")).stdout)
    assert report["sound"] is True and report["findings"] == [], report
    # A row that was changed by hand, past the triggers that forbid it.
    database = sqlite3.connect(path)
    triggers = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]
    for trigger in triggers:
        database.execute(f'DROP TRIGGER "{trigger}"')
    database.execute("UPDATE entry SET amount = amount + 1 WHERE rowid = (SELECT min(rowid) FROM entry)")
    database.commit()
    database.close()
    found = run("verify", path)
    assert found.returncode == 1 and "NOT sound" in found.stdout, found
    noise = os.path.join(folder, "verify-noise")
    with open(noise, "wb") as file:
        file.write(b"nothing of ours")
    fails(run("verify", noise), 2)
    fails(run("verify", path + ".none"), 2)
    fails(run("verify", path, "--head", "1:2"), 2, "--head")


def backup(gateway, folder):
    target = os.path.join(folder, "backup")
    report = json.loads(succeeds(gateway.command("backup", target, "--json")).stdout)
    slugs = sorted(tenant["slug"] for tenant in gateway.demo["tenants"].values())
    assert set(slugs) <= {row["slug"] for row in report["tenants"]} and report["failed"] == [], report
    again = succeeds(gateway.command("backup", target))
    assert "0 failed" in again.stdout and "used again" in again.stdout, again
    master = os.path.join(gateway.data, "master.key")
    proved = succeeds(run("backup", "verify", target, "--master-key", master))
    assert "0 not" in proved.stdout, proved
    listed = json.loads(succeeds(run("backup", "verify", target, "--master-key", master, "--json")).stdout)
    assert set(slugs) <= set(listed["sound"]), listed


def own_folder(gateway, folder):
    link = os.path.join(folder, "link")
    os.symlink(gateway.data, link)
    for place in (gateway.data, gateway.data + "/tmp/../new", link + "/backups/new"):
        fails(gateway.command("backup", place), 2, "is in the data folder")
    assert not {"backups", "new"} & set(os.listdir(gateway.data))


def node(gateway):
    old = gateway.provider_key
    new = json.loads(succeeds(gateway.command("provider-key", "rotate", "--json")).stdout)["provider_key"]
    listing = ["tenant", "list", "--url", gateway.base_url]
    fails(run(*listing, "--key", old), 1, "key")
    succeeds(run(*listing, "--provider-key", new))
    succeeds(run("tenant", "list", environment={"TOLLGATE_URL": gateway.base_url, "TOLLGATE_PROVIDER_KEY": new}))
    fails(run(*listing), 2, "--key")
    rebuilt = json.loads(succeeds(gateway.command("registry", "rebuild", "--json")).stdout)
    assert rebuilt["tenants"] >= len(gateway.demo["tenants"]) and rebuilt["failed"] == [], rebuilt


def serve_refused(data, port, *words):
    """A `serve` that must end by itself, with 1 and a line."""
    blueprints = ["--blueprints", shared.blueprints]
    result = run("serve", "--data", data, "--port", str(port), *blueprints, *words)
    assert result.returncode == 1 and result.stderr.startswith("tollgate: "), (result.returncode, result.stderr)
    return result.stderr


def process(gateway, folder):
    with checks("a second gateway on a data folder is refused, and the first one serves on"):
        assert "in use" in serve_refused(gateway.data, 0)
        assert gateway.get("/readyz").status == 200
        succeeds(gateway.command("tenant", "list"))
    with checks("a port that is taken is said so"):
        assert f"port {gateway.port}" in serve_refused(os.path.join(folder, "other"), gateway.port)
    with checks("SIGHUP reloads and ends nothing; SIGTERM drains and exits 0"):
        gateway.process.send_signal(signal.SIGHUP)
        assert gateway.get("/readyz").status == 200
        assert gateway.stop() == 0, gateway.errors()
        assert not os.path.exists(os.path.join(gateway.data, "control.sock"))
        fails(gateway.command("tenant", "list"), 1, "no gateway runs")


def starts(folder):
    data = os.path.join(folder, "production")
    with checks("the first start without a demo prints one provider key, which works; later starts print none"):
        with Gateway(options.tollgate, data=data, demo=False) as gateway:
            key = gateway.wait_for_line(r"^provider key .*: (tgp_live_\w+)$").group(1)
            assert json.loads(
                succeeds(run("tenant", "list", "--url", gateway.base_url, "--key", key, "--json")).stdout)["data"] == []
            assert gateway.stop() == 0
        with Gateway(options.tollgate, data=data, demo=False) as gateway:
            succeeds(run("tenant", "list", "--url", gateway.base_url, "--key", key))
            assert gateway.stop() == 0
            assert "tgp_" not in "\n".join(gateway.output), gateway.output
    with checks("signals end it though its parent had blocked or ignored them"):
        masked = tempfile.mkdtemp(prefix="tollgate-")

        def block():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT, signal.SIGCHLD])
            signal.signal(signal.SIGINT, signal.SIG_IGN)

        try:
            for number in [signal.SIGTERM, signal.SIGINT]:
                child = subprocess.Popen(
                    [options.tollgate, "serve", "--port", "0", "--data", masked, "--blueprints", shared.blueprints],
                    stdout=subprocess.PIPE, preexec_fn=block)
                try:
                    for line in child.stdout:
                        if line.startswith(b"listening on "):
                            break
                    child.send_signal(number)
                    child.communicate(timeout=STOP_SECONDS_MAX)
                    assert child.returncode == 0, child.returncode
                finally:
                    if child.poll() is None:
                        child.kill()
                        child.communicate()
        finally:
            shutil.rmtree(masked)
    with checks("a request that runs holds the drain; a second signal ends it at once"):
        with Gateway(options.tollgate, data=data, demo=False) as gateway:
            running = gateway.connection()
            running.putrequest("POST", "/provider/v1/tenants")
            running.putheader("Authorization", f"Bearer {key}")
            running.putheader("Content-Length", "100")
            running.endheaders(b"{")
            gateway.process.send_signal(signal.SIGTERM)

            def is_refused():
                try:
                    gateway.connection().connect()
                    return False
                except ConnectionRefusedError:
                    return True

            wait_until(is_refused)
            assert gateway.process.poll() is None
            gateway.process.send_signal(signal.SIGTERM)
            gateway.process.communicate(timeout=START_SECONDS_MAX)
            assert gateway.process.returncode == 128 + signal.SIGTERM, gateway.process.returncode
    with checks("G7 --admin-listen moves the provider's paths away from the others"):
        with Gateway(options.tollgate, "--admin-listen", "127.0.0.1:0", data=data, demo=False) as gateway:
            admin = gateway.wait_for_line(r"^listening on http://127.0.0.1:(\d+)$").group(1)
            assert gateway.get("/provider/v1/tenants", key=key).status == 404
            plain = f"https://127.0.0.1:{admin}"
            fails(run("tenant", "list", "--url", plain, "--key", key), 1, "is it http://?")
            succeeds(run("tenant", "list", "--url", f"http://127.0.0.1:{admin}", "--key", key))
            succeeds(gateway.command("tenant", "list"))
            assert gateway.stop() == 0
    with checks("TLS is served from the files given, and a client without their authority refuses it"):
        certificate, private_key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
             "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", private_key, "-out",
             certificate], check=True, capture_output=True)
        material = ["--tls-cert", certificate, "--tls-key", private_key]
        with Gateway(options.tollgate, *material, data=data, demo=False) as gateway:
            url = f"https://127.0.0.1:{gateway.port}"
            succeeds(run("tenant", "list", "--url", url, "--key", key, "--ca-cert", certificate))
            fails(run("tenant", "list", "--url", url, "--key", key), 1, "certificate", "--ca-cert FILE trusts it")
            unread = run("tenant", "list", "--url", url, "--key", key, "--ca-cert", folder + "/none")
            fails(unread, 2, "cannot be read")
            plain = url.replace("https", "http")
            fails(run("tenant", "list", "--url", plain, "--key", key), 1, "or is it https:// there?")
            gateway.process.send_signal(signal.SIGHUP)
            succeeds(run("tenant", "list", "--url", url, "--key", key, "--ca-cert", certificate))
            assert gateway.stop() == 0


def no_certificates(folder, data):
    certificate, private_key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    with checks("G7 H6 a file of a certificate, a key or authorities that is none is told at the start, by its name"):
        empty = os.path.join(folder, "empty.key")
        write_private(empty, "")
        for words, path in ((["--ca-file", private_key], private_key), (["--ca-file", folder], folder),
                            (["--ca-file", folder + "/none"], folder + "/none"),
                            (["--tls-cert", private_key, "--tls-key", private_key], private_key),
                            (["--tls-cert", certificate, "--tls-key", empty], empty)):
            started = run("serve", "--port", "0", "--data", data, "--blueprints", os.path.join(ROOT, "tenants"), *words)
            assert started.returncode in (1, 2) and path in started.stderr and not started.stdout, started
        asked = run("tenant", "list", "--url", "https://127.0.0.1:9", "--key", "k", "--ca-cert", private_key)
        fails(asked, 2, private_key)


def events(gateway):
    """A reseller's events as its key and the operator's see them; what waits, moved and replayed."""
    shop = Shop(gateway)
    buyer = shop.reseller(balance="100.00")
    sku = shop.product()
    shop.price(buyer, sku, {"wholesale_monthly": "1.00"})
    made = shop.call(buyer, "POST", "/webhooks", {
        "name": "w", "url": "https://there.example/hook", "events": ["order.created"]})
    assert made.status == 201, made
    orders = [shop.order(buyer, sku).json["order"]["id"] for _ in range(3)]
    owner = ["--tenant", shop.slug, "--key", shop.owner_key]
    tail = ["events", "tail", "--once", "--type", "order.created"]

    def told(*words):
        shown = succeeds(gateway.command(*tail, *words)).stdout.splitlines()
        return [line.split()[3] for line in shown[:-1]], shown[-1]

    assert told(*owner)[0] == orders == told("--key", buyer["key"])[0]
    page = json.loads(succeeds(gateway.command(*tail, *owner, "--json")).stdout)
    assert [event["data"]["id"] for event in page["data"]] == orders, page
    after = told("--key", buyer["key"])[1].removeprefix("go on with --after ")
    orders.append(shop.order(buyer, sku).json["order"]["id"])
    assert told("--key", buyer["key"], "--after", after)[0] == orders[3:]
    fails(gateway.command("events", "tail", "--api", "fax", "--key", "x"), 2, "--api", "ports")
    fails(gateway.command("events", "tail", "--api", "admin", "--key", "x"), 2, "--tenant")

    webhook = made.json["id"]
    succeeds(gateway.command("webhooks", "disable", webhook, *owner))
    shown = json.loads(succeeds(gateway.command("webhooks", "list", "--state", "disabled", *owner, "--json")).stdout)
    assert [(row["id"], row["disabled_reason"]) for row in shown["data"]] == [(webhook, "operator")], shown
    succeeds(gateway.command("webhooks", "enable", webhook, *owner))
    held = json.loads(succeeds(gateway.command("deliveries", "list", "--state", "held", *owner, "--json")).stdout)
    assert len(held["data"]) == 4, held
    replay = ["deliveries", "replay", "--since", "2020-01-01T00:00:00Z", "--state", "held", *owner, "--json"]
    assert json.loads(succeeds(gateway.command(*replay, "--dry-run")).stdout)["count"] == 4
    assert json.loads(succeeds(gateway.command(*replay)).stdout)["count"] == 4
    assert json.loads(succeeds(gateway.command(*replay, "--dry-run")).stdout)["count"] == 0
    one = held["data"][0]["id"]
    assert one in succeeds(gateway.command("deliveries", "show", one, *owner)).stdout
    assert "renewal" in succeeds(gateway.command("due", "--kind", "renewal", *owner)).stdout
    fails(gateway.command("due", "--kind", "nonsense", *owner), 1, "/kind")
    assert succeeds(gateway.command("attention", *owner)).stdout
    assert "nothing is asked for" in succeeds(gateway.command("provisioning", "queue", *owner)).stdout


scratch = tempfile.mkdtemp(prefix="tollgate-")
try:
    with Gateway(options.tollgate) as shared:
        with checks("P6 a tenant's life by command line over the control socket"):
            tenants(shared, ["--data", shared.data], "by-socket", scratch)
        with checks("P6 a tenant's life by command line over --url"):
            tenants(shared, ["--url", shared.base_url, "--key", shared.provider_key], "by-url", scratch)
        with checks("P4 P6 cancel and refund; a password goes in by a file"):
            endings(shared)
        with checks("O1 O2 keys and limits by command line"):
            keys(shared)
        with checks("H4 O7 W13 P6 events, deliveries, webhooks and what is due by command line"):
            events(shared)
        with checks("O6 G5 the audit log by command line; verify tells sound, changed and foreign files apart"):
            audit(shared, scratch)
        with checks("P11 backup writes every tenant into one archive, where each of them verifies"):
            backup(shared, scratch)
        with checks("P11 a backup is not put into the data folder that it is of, by whatever way it is named"):
            own_folder(shared, scratch)
        with checks("a rotated provider key: the old one dies, the new one works; the registry is rebuilt"):
            node(shared)
        process(shared, scratch)
    starts(scratch)
    no_certificates(scratch, os.path.join(scratch, "production"))
finally:
    shutil.rmtree(scratch, ignore_errors=True)
checks.finish()
