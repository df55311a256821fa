"""./package: what installs without a toolchain (G9). The Debian package is installed into a root folder of its own,
started by its unit's command line as its user, and takes README's walk; it is upgraded, removed and purged. The
container's root folder runs by itself. With --long the program is built as it is for others, with Swift's libraries
inside; else the one that the tests run is packed."""

import http.client
import os
import pwd
import re
import shlex
import shutil
import subprocess
import tempfile
import time

import firststeps
from freeports import free_port
from support import ROOT, Checks, arguments, tool, wait_until

SECONDS_MAX = 120
BUILD_SECONDS_MAX = 3600
UNITS = "usr/lib/systemd/system"
# What a container has by itself, or a system of Debian cannot be without.
ESSENTIAL = {"libc6", "libgcc-s1", "libstdc++6"}


def run(*words, is_refused=False, **more):
    done = subprocess.run(words, capture_output=True, text=True, timeout=more.pop("timeout", SECONDS_MAX), **more)
    assert (done.returncode == 0) != is_refused, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


class Installed:
    """A root folder with dpkg's own books in it."""

    def __init__(self, folder, package):
        self.root, self.package = os.path.join(folder, "root"), package
        os.makedirs(os.path.join(self.root, "var", "lib", "dpkg", "updates"))
        os.makedirs(os.path.join(self.root, "var", "lib", "dpkg", "info"))
        for name in ("status", "available"):
            open(self.path("var", "lib", "dpkg", name), "w", encoding="utf-8").close()
        # The user of the package must be able to reach its folder.
        os.chmod(folder, 0o755)

    def path(self, *names):
        return os.path.join(self.root, *names)

    def read(self, *names):
        with open(self.path(*names), encoding="utf-8") as file:
            return file.read()

    def dpkg(self, *words):
        return run("dpkg", f"--root={self.root}", "--force-script-chrootless", "--force-depends", "--force-confold",
                   f"--log={self.path('log')}", *words)

    def install(self):
        self.dpkg("--install", self.package)

    def command_line(self):
        """ExecStart, as systemd reads it: with the options of its file, and its paths in this root."""
        unit = self.read(UNITS, "tollgate.service").replace("\\\n", " ")
        start = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1).split()
        assert re.search(r"^EnvironmentFile=-/etc/default/tollgate$", unit, re.M), unit
        options = re.search(r'^TOLLGATE_OPTIONS="(.*)"$', self.read("etc", "default", "tollgate"), re.M).group(1)
        words = []
        for word in start:
            words += shlex.split(options) if word == "$TOLLGATE_OPTIONS" else [word]
        return [self.root + word if word.startswith(("/usr/", "/var/")) else word for word in words]

    def user(self):
        name = re.search(r"^User=(\w+)$", self.read(UNITS, "tollgate.service"), re.M).group(1)
        line = next(line.split(":") for line in self.read("etc", "passwd").splitlines() if line.startswith(name + ":"))
        return int(line[2]), int(line[3])


class Serving:
    """The installed gateway, as its unit starts it."""

    def __init__(self, installed, port):
        self.base_url = f"http://127.0.0.1:{port}"
        self.log = tempfile.TemporaryFile("w+")
        who = dict(zip(("user", "group"), installed.user()), extra_groups=[])
        self.child = subprocess.Popen(
            installed.command_line(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, cwd="/",
            umask=0o077, env={"PATH": "/usr/bin:/bin"}, **who)
        wait_until(lambda: "listening on " in self.said() or self.child.poll() is not None, seconds=SECONDS_MAX)
        assert self.child.poll() is None, self.said()

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        self.child.terminate()
        return self.child.wait(SECONDS_MAX)


def made(options, folder):
    output = os.path.join(folder, "made")
    words = [os.path.join(ROOT, "package"), "--output", output]
    if not options.long:
        words += ["--binary", options.tollgate]
    lines = run(*words, timeout=BUILD_SECONDS_MAX).splitlines()
    return lines[-2], lines[-1]


def contents(checks, options, package, version):
    with checks("G9 the package says what it is, needs what its program is linked with, and has its files in their "
                "places"):
        names = ("Package", "Version", "Depends", "Architecture")
        fields = {name: run("dpkg-deb", "-f", package, name).strip() for name in names}
        assert fields["Package"] == "tollgate" and fields["Version"] == version, fields
        assert fields["Architecture"] == run("dpkg", "--print-architecture").strip(), fields
        listed = run("dpkg-deb", "-c", package)
        for path in ("usr/bin/tollgate", "etc/default/tollgate", f"{UNITS}/tollgate.service",
                     f"{UNITS}/tollgate.socket", "usr/share/man/man1/tollgate.1.gz",
                     "usr/share/bash-completion/completions/tollgate",
                     "usr/share/zsh/vendor-completions/_tollgate", "usr/share/tollgate/tenants/hosting.json",
                     "usr/share/doc/tollgate/copyright", "usr/share/doc/tollgate/clients/php/Tollgate.php",
                     "usr/share/doc/tollgate/docs/examples/receiver.py"):
            assert f" ./{path}\n" in listed, path
        with tempfile.TemporaryDirectory() as folder:
            run("dpkg-deb", "-e", package, folder)
            assert {"preinst", "postinst", "prerm", "postrm"} <= {*os.listdir(folder)}, os.listdir(folder)
        owners = {line.split()[1] for line in listed.splitlines()}
        assert owners == {"root/root"}, owners
        with tempfile.TemporaryDirectory() as folder:
            run("dpkg-deb", "-x", package, folder)
            headers = run("objdump", "-p", os.path.join(folder, "usr", "bin", "tollgate"))
        libraries = re.findall(r"NEEDED +(\S+)", headers)
        swift = [name for name in libraries if re.match(r"lib(swift|_?Foundation|dispatch|BlocksRuntime)", name)]
        assert not (options.long and swift), swift
        if swift:
            print("# packed with the tests' program, which needs Swift's libraries; --long packs one that does not")
        needed = {re.match(r"[a-z0-9+.-]+", word.strip())[0] for word in fields["Depends"].split(",")}
        places = dict(reversed(re.findall(r"^\s(\S+) .*=> (\S+)$", run("ldconfig", "-p"), re.M)))
        for name in set(libraries) - set(swift):
            # The loader's place and dpkg's differ by /usr where one is a link to the other.
            place = places.get(name) or os.path.join("/lib64", name)
            owner = re.match(r"([^:]+)", run("sh", "-c", f"dpkg -S {place} || dpkg -S /usr{place}"))[1]
            assert owner in needed | ESSENTIAL, (name, owner, needed)


def documented(checks, installed):
    with checks("G9 the package's documentation is whole: each link leads to a file of it, and what help, the manual "
                "page and units name is there"):
        documents = installed.path("usr", "share", "doc", "tollgate")
        missing, links = [], 0
        for place, _, names in os.walk(documents):
            for name in names:
                if not name.endswith(".md"):
                    continue
                text = re.sub(r"^```.*?^```|`[^`\n]*`", "", installed.read(place, name), flags=re.M | re.S)
                for path in re.findall(r"\]\(\s*([^)#\s]+)[^)]*\)", text):
                    if not path.startswith(("https://", "http://")):
                        links += 1
                        if not os.path.exists(os.path.join(place, path)):
                            missing.append((os.path.relpath(os.path.join(place, name), documents), path))
        assert links > 400 and not missing, (links, missing)
        said = run(installed.path("usr", "bin", "tollgate"), "help", "serve") + installed.read(
            UNITS, "tollgate.service")
        named = re.findall(r"\bdocs/[\w/.-]+\.md|(?<=file:/usr/share/doc/tollgate/)\S+", said)
        assert len(named) == 2 and all(os.path.exists(os.path.join(documents, path)) for path in named), named


def installing(checks, installed):
    with checks("G9 P6 the package installs: its user, its data folder for that user alone, manual page and completion "
                "of its program"):
        installed.install()
        program = installed.path("usr", "bin", "tollgate")
        user, group = installed.user()
        data = os.stat(installed.path("var", "lib", "tollgate"))
        assert (data.st_uid, data.st_gid, data.st_mode & 0o7777) == (user, group, 0o700), data
        assert user != 0 and user not in [entry.pw_uid for entry in pwd.getpwall() if entry.pw_name == "root"]
        for path, words in (("usr/share/bash-completion/completions/tollgate", ["completion", "bash"]),
                            ("usr/share/zsh/vendor-completions/_tollgate", ["completion", "zsh"])):
            assert installed.read(path) == run(program, *words), path
        page = run("gzip", "-dc", installed.path("usr", "share", "man", "man1", "tollgate.1.gz"))
        assert page == run(program, "manual"), page[:200]

    with checks("G9 the package's units stand in one another's words, and systemd finds them sound"):
        listens = re.findall(r"^ListenStream=(.*)$", installed.read(UNITS, "tollgate.socket"), re.M)
        words = installed.command_line()
        named = [words[index + 1] for index, word in enumerate(words) if word in ("--listen", "--admin-listen")]
        assert sorted(listens) == sorted(named), (listens, named)
        unit = installed.read(UNITS, "tollgate.service")
        assert "DynamicUser" not in unit and "example.com" not in unit and "ProtectSystem=strict" in unit, unit
        verified = subprocess.run(
            [tool("systemd-analyze"), f"--root={installed.root}", "--man=no", "verify", "tollgate.service",
             "tollgate.socket"], capture_output=True, text=True, timeout=SECONDS_MAX)
        wrong = [line for line in verified.stderr.splitlines() if "tollgate" in line and "not found" not in line
                 and "is not executable" not in line]
        assert not wrong, wrong


def serving(checks, installed):
    port = free_port()
    path = installed.path("etc", "default", "tollgate")
    text = installed.read("etc", "default", "tollgate")
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(r'="--listen .*"', f'="--listen 127.0.0.1:{port}"', text))
    serving = Serving(installed, port)
    try:
        with checks("G9 D1 installed and started by its unit's command line as its user, it takes README's walk"):
            key = re.search(r"provider key \(shown once\): (tgp_live_\w+)", serving.said()).group(1)
            with tempfile.TemporaryDirectory(prefix="tollgate-steps-") as folder:
                os.makedirs(os.path.join(folder, ".build", "release"))
                os.makedirs(os.path.join(folder, "data"))
                built = os.path.join(folder, ".build", "release", "tollgate")
                os.symlink(installed.path("usr", "bin", "tollgate"), built)
                with open(os.path.join(folder, "data", "demo.json"), "w", encoding="utf-8") as file:
                    file.write('{"provider_key":"%s"}' % key)
                code, _ = firststeps.readme("walk")
                walk = subprocess.run(
                    ["bash", "-c", code.replace("http://127.0.0.1:8080", serving.base_url)], cwd=folder,
                    capture_output=True, text=True, timeout=SECONDS_MAX)
            # It ends with the tampered file, which verify finds out.
            assert walk.returncode == 1 and not walk.stderr, (walk.stdout[-2000:], walk.stderr[-2000:])
            assert walk.stdout.count("HTTP/1.1 201") == 3 and "Idempotency-Hit: true" in walk.stdout, walk.stdout
            user, _ = installed.user()
            for place, folders, files in os.walk(installed.path("var", "lib", "tollgate")):
                for name in folders + files:
                    status = os.lstat(os.path.join(place, name))
                    assert status.st_uid == user and status.st_mode & 0o077 == 0, (place, name, oct(status.st_mode))
        with checks("G9 the package's command line reaches it by its data folder"):
            listed = run(installed.path("usr", "bin", "tollgate"), "tenant", "list", "--data",
                         installed.path("var", "lib", "tollgate"))
            assert "acme-" in listed, listed
    finally:
        code = serving.stop()
    with checks("G9 SIGTERM, as systemd sends it, ends it with exit code 0"):
        assert code == 0, (code, serving.said())
    return text


class Maintained:
    """The package's own scripts as dpkg calls them, with a systemctl that writes down what it is told, and with what
    they look at on a running system below one folder."""

    SYSTEMCTL = """#!/bin/sh
        echo "$*" >>"$STUB/calls"
        case $1 in
        is-active) grep -qx "$3" "$STUB/active" ;;
        start) shift; [ ! -e "$STUB/taken" ] && { [ -e "$STUB/ends" ] || printf '%s\\n' "$@" >"$STUB/active"; } ;;
        try-restart) [ ! -e "$STUB/taken" ] ;;
        show) echo 7 ;;
        kill) [ -e "$STUB/refuses" ] || ln -sfn /usr/bin/tollgate "$STUB/proc/7/exe" ;;
        esac
        """
    PLACES = ("/run/systemd/system", "/run/tollgate", "/usr/lib/systemd/system", "/var/lib/tollgate", "/proc/")

    def __init__(self, folder):
        self.folder = folder
        for path in ("run/systemd/system", UNITS, "var/lib/tollgate", "proc/7", "bin"):
            os.makedirs(os.path.join(folder, path))
        self.write(f"{UNITS}/tollgate.service", "before")
        for name in ("systemctl", "systemd-sysusers", "systemd-tmpfiles", "sleep"):
            self.write(f"bin/{name}", self.SYSTEMCTL if name == "systemctl" else "#!/bin/sh\n")
            os.chmod(os.path.join(folder, "bin", name), 0o755)
        self.is_active()

    def write(self, path, text=""):
        with open(os.path.join(self.folder, path), "w", encoding="utf-8") as file:
            file.write(text)

    def is_active(self, *units):
        self.write("active", "".join(f"tollgate.{unit}\n" for unit in units))

    def runs_before(self):
        """The gateway runs the program whose file dpkg has just replaced."""
        exe = os.path.join(self.folder, "proc", "7", "exe")
        if os.path.lexists(exe):
            os.unlink(exe)
        os.symlink("/usr/bin/tollgate (deleted)", exe)

    def told(self, script, *words):
        """What systemctl was told to do, and what the script said on both its outputs."""
        self.write("calls")
        with open(os.path.join(ROOT, "deploy", "package", script), encoding="utf-8") as file:
            text = re.sub("|".join(self.PLACES), lambda place: self.folder + place[0], file.read())
        self.write("script", text)
        environment = {name: value for name, value in os.environ.items() if name != "DPKG_ROOT"}
        environment |= {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "STUB": self.folder}
        done = subprocess.run(
            ["sh", os.path.join(self.folder, "script"), *words], env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=SECONDS_MAX)
        assert done.returncode == 0, (script, words, done.stdout)
        with open(os.path.join(self.folder, "calls"), encoding="utf-8") as file:
            calls = [line.split()[0] for line in file]
        return [call for call in calls if call not in ("daemon-reload", "is-active", "show")], done.stdout

    def upgraded(self, unit="before"):
        assert self.told("preinst", "upgrade", "0.1.0") == ([], "")
        self.write(f"{UNITS}/tollgate.service", unit)
        self.runs_before()
        return self.told("postinst", "configure", "0.1.0")


def maintained(checks):
    with tempfile.TemporaryDirectory(prefix="tollgate-") as folder:
        system = Maintained(folder)
        with checks("G9 the package starts the gateway when it is installed, and again after a removal"):
            assert system.told("preinst", "install") == ([], "")
            told, said = system.told("postinst", "configure", "")
            assert told == ["enable", "start"] and "provider key" in said, (told, said)
            system.write("var/lib/tollgate/registry.sqlite")
            system.is_active("socket", "service")
            assert system.told("prerm", "remove") == (["disable"], "")
            system.is_active()
            assert system.told("preinst", "install", "0.1.0") == ([], "")
            told, said = system.told("postinst", "configure", "0.1.0")
            assert told == ["enable", "start"] and "goes on with the data" in said, (told, said)
            # Configured once more it is the same unit.
            assert system.told("postinst", "configure", "0.1.0") == (["kill"], "")
            # Configured once more, or upgraded, it leaves units alone that somebody has disabled since.
            system.is_active()
            assert system.told("postinst", "configure", "0.1.0") == ([], "") == system.upgraded()
        with checks("G9 a gateway that cannot start, since its addresses are taken, or that ends at once, is "
                    "installed, and it is said what to do"):
            os.unlink(os.path.join(folder, "var/lib/tollgate/registry.sqlite"))
            for trouble in ("taken", "ends"):
                system.write(trouble)
                told, said = system.told("postinst", "configure", "")
                assert told == ["enable", "start"], told
                words = ("does not run", "8080", "/etc/default/tollgate", "--listen", "provider key")
                assert all(word in said for word in words), (trouble, said)
                os.unlink(os.path.join(folder, trouble))
        with checks("G9 an installation after a removal that breaks off and is tried again starts the gateway; one "
                    "that dpkg takes back leaves nothing to the next"):
            for retry in (["upgrade", "0.1.0"], ["install", "0.1.0"]):
                system.is_active()
                assert system.told("preinst", "install", "0.1.0") == ([], "") == system.told("preinst", *retry)
                assert system.told("postinst", "configure", "0.1.0")[0] == ["enable", "start"], retry
            system.is_active()
            for move in ("install", "upgrade"):
                assert system.told("preinst", move, "0.1.0") == ([], "")
                assert system.told("postrm", f"abort-{move}", "0.1.0") == ([], "")
                left = [name for name in os.listdir(os.path.join(folder, "run")) if name.startswith("tollgate")]
                assert left == [], (move, left)
        with checks("G9 G8 an upgrade hands the place over, with the socket unit and without; only a changed unit "
                    "needs a restart"):
            for units in (["service"], ["socket", "service"]):
                system.is_active(*units)
                assert system.upgraded() == (["kill"], ""), units
            # Tried again, with the file of the new unit in its place already, it is the running one's that counts.
            assert system.told("preinst", "upgrade", "0.1.0") == ([], "")
            system.write(f"{UNITS}/tollgate.service", "changed")
            assert system.upgraded("changed") == (["try-restart"], "")
            system.write("taken")
            told, said = system.upgraded("changed once more")
            assert told == ["try-restart"] and "did not start again" in said, (told, said)
            os.unlink(os.path.join(folder, "taken"))
            system.is_active("service")
            told, said = system.upgraded("changed again")
            assert told == ["kill"] and "systemctl restart" in said, (told, said)
        with checks("G9 G8 an upgrade whose program the gateway refuses says that the one from before still runs"):
            system.write("refuses")
            told, said = system.upgraded("changed again")
            assert told == ["kill"] and "still runs" in said and "journalctl" in said, (told, said)


def leaving(checks, installed, before):
    with checks("G9 an upgrade of the package keeps its changed options and its data"):
        changed = installed.read("etc", "default", "tollgate")
        assert changed != before
        installed.install()
        assert installed.read("etc", "default", "tollgate") == changed
        assert os.path.exists(installed.path("var", "lib", "tollgate", "registry.sqlite"))
    with checks("G9 a removal takes the program, a purge its options; neither takes the data"):
        installed.dpkg("--remove", "tollgate")
        assert not os.path.exists(installed.path("usr", "bin", "tollgate"))
        assert os.path.exists(installed.path("etc", "default", "tollgate"))
        installed.dpkg("--purge", "tollgate")
        assert not os.path.exists(installed.path("etc", "default", "tollgate"))
        assert os.path.exists(installed.path("var", "lib", "tollgate", "master.key"))


def copied(container):
    """Makes the root folder's owner the one that the documented COPY gives it."""
    with open(os.path.join(ROOT, "docs", "operating.md"), encoding="utf-8") as file:
        copy = re.search(r"^COPY (?:--chown=(\d+):(\d+) )?\.build/package/container /$", file.read(), re.M)
    owner = [int(number or 0) for number in copy.groups()]
    for place, folders, files in os.walk(container):
        for path in (place, *(os.path.join(place, name) for name in folders + files)):
            os.chown(path, *owner, follow_symlinks=False)


def contained(checks, container, version):
    # A runtime gives a container its /proc and /dev; here a name space of mounts does, and goes with its process.
    inside = ('mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && '
              'exec chroot --userspec=10001:10001 "$0" "$@"')
    chroot = ["unshare", "--mount", "sh", "-c", inside, container, "/usr/bin/tollgate"]
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        print("# no name space of mounts can be made here: the container's root folder was not run", flush=True)
        return
    with checks("G9 the container's root folder has all that the program needs: it runs, and answers, with nothing "
                "else"):
        # Its user must reach it, as the root of a container is reached.
        os.chmod(container, 0o755)
        copied(container)
        assert run(*chroot, "version").strip() == f"tollgate {version}"
        port = free_port()
        child = subprocess.Popen(
            [*chroot, "serve", "--listen", f"127.0.0.1:{port}", "--data", "/var/lib/tollgate", "--blueprints",
             "/usr/share/tollgate/tenants"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        try:
            line = ""
            while "listening on" not in line:
                line = child.stdout.readline()
                assert line, "it ended"
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
            connection.request("GET", "/readyz")
            assert connection.getresponse().status == 200
            connection.close()
        finally:
            child.terminate()
            rest, _ = child.communicate(timeout=SECONDS_MAX)
        assert child.returncode == 0, rest


def main():
    options = arguments()
    checks = Checks()
    if not shutil.which("dpkg-deb"):
        print("# this is not Debian: the package was not made", flush=True)
        checks.finish()
    version = run(options.tollgate, "version").split()[1]
    with tempfile.TemporaryDirectory(prefix="tollgate-") as folder:
        began = time.monotonic()
        with checks("G9 ./package makes a Debian package and a container's root folder"):
            package, container = made(options, folder)
            print(f"# {os.path.getsize(package) >> 20} MiB, made in {time.monotonic() - began:.0f} s", flush=True)
        contents(checks, options, package, version)
        maintained(checks)
        if os.getuid() != 0:
            print("# not root: the package was not installed, and the container not run", flush=True)
            checks.finish()
        installed = Installed(folder, package)
        installing(checks, installed)
        documented(checks, installed)
        if firststeps.another_user_can_run():
            before = serving(checks, installed)
            leaving(checks, installed, before)
        contained(checks, container, version)
    checks.finish()


if __name__ == "__main__":
    main()
