#!/usr/bin/env python3
"""The first steps (D): README's walk, twice; what a start prints and keeps for whoever follows the documents; and every
way in which a first step can end, each with a word on what to do."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile

from support import ROOT, Checks, Gateway, arguments

STEP_SECONDS_MAX = 120
# What the scripts use of the system, beside what a case puts in front of it.
SYSTEM = ["bash", "sed", "head", "cat", "mktemp", "rm", "mkdir", "env", "awk", "grep", "dirname"]


def page(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def readme(mark):
    """The block of code behind a mark, and the text up to the next heading."""
    text = page("README.md").split(f"<!-- {mark} -->\n```", 1)[1]
    return text.split("\n", 1)[1].split("\n```\n", 1)


def main():
    options = arguments()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="tollgate-steps-") as folder, Gateway(options.tollgate) as gateway:
        os.makedirs(os.path.join(folder, ".build", "release"))
        os.symlink(gateway.data, os.path.join(folder, "data"))
        os.symlink(options.tollgate, os.path.join(folder, ".build", "release", "tollgate"))
        walks(checks, gateway, folder)
        codes(checks, gateway, folder)
        demo(checks, gateway)
    ends(checks, options)
    with tempfile.TemporaryDirectory(prefix="tollgate-steps-") as folder:
        scripts(checks, folder)
    checks.finish()


def general(text):
    return re.sub(r"audit row \d+", "audit row N", text)


def walks(checks, gateway, folder):
    code, rest = readme("walk")
    code = code.replace("http://127.0.0.1:8080", gateway.base_url)
    printed = rest.split("```\n")[1]
    for time in ("once", "and again"):
        with checks(
            f"D1 README's walk, {time}: no refusal but those that it shows, and the tampered file is found out"
        ):
            run = subprocess.run(
                ["bash", "-c", code], cwd=folder, capture_output=True, text=True, timeout=STEP_SECONDS_MAX
            )
            assert run.returncode == 1 and "Traceback" not in run.stderr and not run.stderr, (run.stdout, run.stderr)
            # Reads are sealed in blocks by the clock: how many stand before the order is chance.
            assert general(run.stdout).endswith(general(printed)), run.stdout[-900:]
            found = re.findall(r"\b([45]\d\d) |\"status\":([45]\d\d)", run.stdout)
            # The second call past the limit, and the revoked key's.
            assert {one or other for one, other in found} == {"429", "401"}, run.stdout
            assert run.stdout.count("HTTP/1.1 201") == 3 and "Idempotency-Hit: true" in run.stdout, run.stdout

    with checks("D1 a refused step of the walk shows the refusal, in one line"):
        start = code[: code.index("\n# The operator invites")].replace("$PROVIDER", "tgp_live_none")
        run = subprocess.run(
            ["bash", "-c", start], cwd=folder, capture_output=True, text=True, timeout=STEP_SECONDS_MAX
        )
        assert (
            "Traceback" not in run.stderr and "no owner_key in: {" in run.stderr and '"status":401' in run.stderr
        ), run.stderr

    with checks("D1 README's order in Python"):
        code, _ = readme("python")
        run = subprocess.run(
            ["python3", "-c", code], cwd=folder, capture_output=True, text=True, timeout=STEP_SECONDS_MAX
        )
        assert run.returncode == 0 and json.loads(run.stdout)["wholesale_total"], (run.stdout, run.stderr)


def codes(checks, gateway, folder):
    """The walk of docs/activation-codes.md. What its reader copies out of an answer is taken out of it."""
    code = page("docs/activation-codes.md").split("```sh\nbase=", 1)[1].split("\n```", 1)[0]
    code = "base=" + code.replace("http://127.0.0.1:8080", gateway.base_url)
    for name, member in (("SEED", "seedHash"), ("KEY", "apiKey"), ("CODE", "code")):
        taken = f"{name}=$(grep -o '\"{member}\":\"[0-9a-f]*\"' answers | tail -1 | cut -d'\"' -f4)"
        code, count = re.subn(rf"^{name}=[0-9a-f]+…$", taken.replace("\\", r"\\"), code, flags=re.M)
        assert count == 1, name
    script = 'set -e\ncurl() { command curl "$@" | tee -a answers; echo; }\n' + code
    with checks("D1 the walk of docs/activation-codes.md leads from nothing to an activated subscription"):
        run = subprocess.run(
            ["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=STEP_SECONDS_MAX,
            env={**os.environ, "OWNER": gateway.tenant("codes")["owner_key"]})
        assert run.returncode == 0 and not run.stderr and '"error"' not in run.stdout, (run.stdout, run.stderr)
        assert '"totalCost":25.00,"newBalance":20.00' in run.stdout, run.stdout
        redeemed = [json.loads(line) for line in run.stdout.splitlines() if '"startsAt"' in line]
        assert [answer["email"] for answer in redeemed] == ["jo@customer.example"], run.stdout
        last = json.loads(run.stdout.strip().splitlines()[-1])["data"]
        assert [subscriber["email"] for subscriber in last] == ["jo@customer.example"], last


def sign_in(gateway, tenant, reseller):
    """By the first of the APIs that the tenant has."""
    login = {"email": reseller["email"], "password": reseller["password"]}
    paths = [
        "/api/partner/v1/session", "/api/reseller/login", "/v1/login/signin", "/api/v1/reseller/session",
        "/reseller/session"]
    base = tenant["base_url"].removeprefix(gateway.base_url)
    return [status for path in paths if (status := gateway.post(base + path, login).status) != 404]


def demo(checks, gateway):
    with checks(
        "D2 what demo.json has leads somewhere: each password signs in, each key is known; none is printed"
    ):
        # All of the table has come.
        assert gateway.printed("Keys and logins are in ")
        shown = "\n".join(gateway.output)
        for blueprint, tenant in gateway.demo["tenants"].items():
            base = tenant["base_url"].removeprefix(gateway.base_url)
            assert tenant["base_url"] in shown, shown
            assert gateway.post(base + "/api/admin/session", tenant["owner_login"]).status == 200, blueprint
            assert gateway.get(base + "/api/admin/settings", key=tenant["owner_key"]).status == 200, blueprint
            for reseller in tenant["resellers"]:
                assert reseller["state"] in ("active", "pending", "suspended"), reseller
                assert (reseller["key"] is None) == (reseller["state"] == "pending"), reseller
                if reseller["password"] is not None:
                    assert sign_in(gateway, tenant, reseller) == [200], (blueprint, reseller)
            passwords = [
                person["password"] for person in [tenant["owner_login"], *tenant["resellers"]] if person["password"]
            ]
            assert passwords and not any(password in shown for password in passwords), blueprint
        states = [reseller["state"] for reseller in gateway.tenant("hosting")["resellers"]]
        assert sorted(states) == ["active", "pending", "suspended"] and states[0] == "active", states

    with checks(
        "D2 demo.json never keeps a dead key: the provider's is replaced as it is rotated, others are null after a start"
    ):
        rotated = gateway.post("/provider/v1/provider-key/rotate", key=gateway.provider_key)
        assert rotated.status == 200 and gateway.provider_key == rotated.json["provider_key"], rotated
        assert gateway.command("provider-key", "rotate", "--json").returncode == 0
        assert gateway.get("/provider/v1/tenants", key=gateway.provider_key).status == 200
        before, base = gateway.demo, "/t/hosting/api/admin"
        tenant = before["tenants"]["hosting"]
        listed = gateway.get(f"{base}/api-keys?limit=100", key=tenant["owner_key"]).json["data"]
        dead = next(
            key["id"] for key in listed if tenant["resellers"][0]["key"].startswith(key["prefix"].rstrip("…*. "))
        )
        assert gateway.delete(f"{base}/api-keys/{dead}", key=tenant["owner_key"]).status in (200, 204)
        erased = gateway.delete("/provider/v1/tenants/licences?confirm=licences", key=gateway.provider_key)
        assert erased.status == 204, erased
        assert gateway.stop() == 0
        gateway.start()
        after = gateway.demo
        assert gateway.wait_for_line("Keys that died since are null there")
        assert "licences" not in after["tenants"] and not any("/t/licences" in line for line in gateway.output)
        del before["tenants"]["licences"]
        assert after["tenants"]["hosting"]["resellers"][0]["key"] is None, after
        tenant["resellers"][0]["key"] = None
        for blueprint in before["tenants"]:
            before["tenants"][blueprint]["base_url"] = after["tenants"][blueprint]["base_url"]
        assert before["tenants"] == after["tenants"] and before["provider_key"] == after["provider_key"]


def another_user_can_run():
    """Not without root, nor where the file system's own root is closed to others."""
    try:
        return os.getuid() == 0 and subprocess.run(["/bin/true"], user=65534).returncode == 0
    except PermissionError:
        print("# no user but root can run programs here: a start by another user was NOT tested")
        return False


def blueprints(folder, *given):
    """A folder of these alone: one.json, two.json."""
    path = tempfile.mkdtemp(dir=folder)
    for name, blueprint in zip(("one", "two"), given):
        with open(os.path.join(path, f"{name}.json"), "w", encoding="utf-8") as file:
            json.dump(blueprint, file)
    return path


def refused(options, data, *words, advice, tenants=os.path.join(ROOT, "tenants"), **options_of_run):
    run = subprocess.run(
        [options.tollgate, "serve", "--data", data, "--blueprints", tenants, *words],
        capture_output=True,
        text=True,
        timeout=STEP_SECONDS_MAX,
        **options_of_run,
    )
    lines = [line for line in run.stderr.splitlines() if line.startswith("tollgate: ")]
    assert run.returncode == 1 and len(lines) == 1 and advice in lines[0], (data, words, run)


def blueprints_read(checks, options, folder):
    with checks("D1 P1 a blueprint is read whole: what nobody knows, reads or could fill a tenant with is told at "
                "the start, by file and field"):
        with open(os.path.join(ROOT, "tenants", "codes.json"), encoding="utf-8") as file:
            good = json.load(file)
        product = good["products"][0]
        for change, advice in (
                ({"dialects": ["activation_code"]}, "/dialects: must be names out of activation_codes, "),
                ({"dialects": ["activation_codes", 5]}, "/dialects: must be names out of"),
                ({"dialects": ["operator_admin"]}, "/dialects: must be names out of"),
                ({"key_prefix": "tgs"}, "/key_prefix: belongs to other keys"),
                ({"key_prefix": "tgp"}, "/key_prefix: belongs to other keys"),
                ({"settings": {"self_activation": True}}, "/settings/self_activation: must be a string"),
                ({"settings": {"self_activation": "yes"}}, "/settings/self_activation: must be one of on, off"),
                ({"settings": {"dialects": "wholesale_orders"}}, "/settings/dialects: is not one of name, "),
                ({"settings": []}, "/settings: must be an object"),
                ({"products": [product, product]}, "/products/1/sku: comes twice")):
            refused(options, os.path.join(folder, "b"), "--port", "0",
                    tenants=blueprints(folder, {**good, **change}), advice=f"one.json: {advice}")
        twice = blueprints(folder, good, {**good, "title": "Another"})
        refused(options, os.path.join(folder, "b"), "--port", "0", tenants=twice,
                advice="two.json: /name: another file has")
    with checks("P1 a start without the blueprint of a tenant says that its resellers have no API"):
        only = blueprints(folder, {**good, "name": "boats"})
        with Gateway(options.tollgate, blueprints=only, demo=False) as other:
            made = other.post("/provider/v1/tenants", {
                "slug": "boats-1", "blueprint": "boats", "owner_email": "o@boats.example"}, key=other.provider_key)
            assert made.status == 201 and not other.errors(), (made, other.errors())
            other.stop()
            other.blueprints = os.path.join(ROOT, "tenants")
            other.start()
            assert "no blueprint “boats”" in other.errors(), other.errors()
            other.stop()


def ends(checks, options):
    with tempfile.TemporaryDirectory(prefix="tollgate-steps-") as folder, Gateway(
        options.tollgate, demo=False
    ) as gateway:
        with checks(
            "a start that cannot be says what to do: folder in use, port taken, no folder, newer version, bad demo.json"
        ):
            refused(options, gateway.data, "--port", "0", advice="name another folder with --data")
            refused(options, os.path.join(folder, "a"), "--port", str(gateway.port), advice="take another port (--port")
            path = os.path.join(folder, "file")
            open(path, "w", encoding="utf-8").close()
            refused(options, path, "--port", "0", advice="--data takes a folder")
            refused(options, "/proc/none/data", "--port", "0", advice="--data takes a folder")
            broken = os.path.join(folder, "a")
            with open(os.path.join(broken, "demo.json"), "w", encoding="utf-8") as file:
                os.chmod(file.name, 0o600)
                file.write('{"provider_key": ')
            refused(options, broken, "--port", "0", "--demo", advice="or the whole folder for a new one")
            registry = sqlite3.connect(os.path.join(broken, "registry.sqlite"))
            registry.execute("PRAGMA user_version = 999")
            registry.close()
            refused(options, broken, "--port", "0", advice="a newer Tollgate has written it")
        if another_user_can_run():
            with checks("a start by another user says that he may not, of the folder and of a port below 1024"):
                os.chmod(folder, 0o755)
                shutil.copy(options.tollgate, os.path.join(folder, "tollgate"))
                program, options.tollgate = options.tollgate, os.path.join(folder, "tollgate")
                refused(options, broken, "--port", "0", advice="able to write in the folder of --data", user=65534)
                own = os.path.join(folder, "own")
                os.mkdir(own)
                os.chown(own, 65534, 65534)
                # Containers often let everybody have those.
                with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
                    if int(file.read()) > 80:
                        data, advice = os.path.join(own, "data"), "take a port from 1024 on"
                        refused(options, data, "--port", "80", advice=advice, user=65534)
                options.tollgate = program
        blueprints_read(checks, options, folder)
        with checks("Ctrl-C ends it with exit code 0"):
            gateway.process.send_signal(signal.SIGINT)
            gateway.process.communicate(timeout=STEP_SECONDS_MAX)
            assert gateway.process.returncode == 0


class System:
    """A machine on which the shell finds nothing but the programs that a case gives it."""

    def __init__(self, folder, name, **programs):
        self.folder = os.path.join(folder, name)
        self.bin = os.path.join(self.folder, "bin")
        os.makedirs(self.bin)
        for program in SYSTEM:
            os.symlink(shutil.which(program), os.path.join(self.bin, program))
        for program, text in programs.items():
            path = os.path.join(self.bin, program.replace("_", "-"))
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/bash\nhere={self.folder}\n{text}\n")
            os.chmod(path, 0o755)

    def run(self, command):
        return subprocess.run(
            [
                os.path.join(self.bin, "bash"),
                "-c",
                f"set -euo pipefail; root={self.folder}; . {ROOT}/deploy/prerequisites.sh; {command}; echo GOES ON",
            ],
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS_MAX,
            cwd=self.folder,
            env={"PATH": self.bin, "HOME": self.folder},
        )

    def ends(self, command, *words):
        run = self.run(command)
        assert run.returncode == 1 and "GOES ON" not in run.stdout, (command, run)
        assert all(word in run.stderr for word in words), (words, run.stderr)

    def goes_on(self, command):
        run = self.run(command)
        assert run.returncode == 0 and run.stdout.endswith("GOES ON\n"), (command, run)
        return run


SOUND = 'case "$*" in --version) echo "Swift version 6.3.1 (swift-6.3.1-RELEASE)";; *) [ ! -e "$here/broken" ];; esac'
# As a loader ends that does not find a library.
LOST = """[ -e "$here/installed" ] || {
echo "swift: error while loading shared libraries: libxml2.so.2" >&2; exit 127; }
"""
NOT_INSTALLED = "exit 1"


def scripts(checks, folder):
    with checks(
        "./run, ./test, ./bench, ./fuzz: without a Swift that can be used they say which one, and where it is"
    ):
        System(folder, "none").ends("require_swift", "Swift is not installed", "swift.org/install")
        for number, version in enumerate(("5.10", "6.1", "4.2")):
            System(folder, f"old{number}", swift=f'echo "Swift version {version} (x)"', swiftc="exit 0").ends(
                "require_swift", version, "too old"
            )
        System(folder, "mute", swift="exit 0", swiftc="exit 0").ends("require_swift", "unknown version", "6.2")
        System(folder, "sound", swift=SOUND, swiftc="exit 0").goes_on("require_swift")

    with checks(
        "where swift is there and its libraries are not, Debian's packages of them are installed; else it says so"
    ):
        programs = {"swift": LOST + SOUND, "swiftc": LOST, "dpkg_query": NOT_INSTALLED, "id": "echo 0"}
        system = System(folder, "bare", **programs, apt_get='echo "$@" >"$here/installed"')
        system.goes_on("require_swift")
        with open(os.path.join(system.folder, "installed"), encoding="utf-8") as file:
            asked = file.read()
        assert all(package in asked for package in ("libxml2", "libstdc++-12-dev", "libc6-dev", "binutils")), asked
        # Once something was built, the compiler is not tried each time.
        os.mkdir(os.path.join(system.folder, ".build"))
        system.goes_on("require_swift")
        System(folder, "no-debian", swift=LOST, swiftc=LOST).ends(
            "require_swift", "libxml2.so.2", "swift.org/install"
        )
        System(folder, "unlinked", swift=SOUND, swiftc="exit 1", dpkg_query="echo installed").ends(
            "require_swift", "cannot build a program of one line"
        )

    with checks(
        "a package that cannot be installed: no root and no sudo, sudo that refuses, no network; the command is told"
    ):
        apt = 'echo "E: Could not resolve deb.debian.org" >&2; exit 100'
        cases = {
            "no-sudo": {"id": "echo 1000", "apt_get": apt},
            "no-rights": {"id": "echo 1000", "apt_get": apt, "sudo": 'echo "not in sudoers" >&2; exit 1'},
            "no-network": {"id": "echo 0", "apt_get": apt},
        }
        said = {"no-sudo": "only root", "no-rights": "not in sudoers", "no-network": "Could not resolve"}
        for name, programs in cases.items():
            System(folder, name, dpkg_query=NOT_INSTALLED, **programs).ends(
                "install_missing libssl-dev zlib1g-dev",
                said[name],
                "apt-get install libssl-dev zlib1g-dev",
                "start again",
            )

    with checks("a build that fails says why, shows the compiler's words, and that the disk is full where it is"):
        fails = {"swift": 'echo "error: No space left on device"; exit 1'}
        System(folder, "full", **fails, df='echo x; echo "/dev/x 9000 8990 12 99% /"').ends(
            'build_release "$root"', "No space left on device", "above is why", "has 12 MiB left", "start again"
        )
        run = System(folder, "wrong", **fails, df='echo x; echo "/dev/x 9000 0 9000 0% /"').run(
            'build_release "$root"'
        )
        assert run.returncode == 1 and "above is why" in run.stderr and "MiB left" not in run.stderr, run
        System(folder, "closed", **fails).ends("build_release /proc/none", "must be writable for this user")


if __name__ == "__main__":
    main()
