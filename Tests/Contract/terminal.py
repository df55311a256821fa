"""The command line as people meet it (P6): colours on a terminal alone, tables that line up, progress of long work,
errors that say what to do next; completion for bash and zsh and the manual page, each made from the table of
commands."""

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import tempfile
import termios

from results import fails
from shop import PARTNER, Shop
from support import Checks, Gateway, arguments, command, write_private

ESCAPE = "\x1b["
SECONDS_MAX = 60


def on_terminal(words, environment=None, columns=0):
    """What a person would see on a terminal of both streams, with its escapes; `columns`: its width, 0 where it says
    none."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, columns))
    # Line ends as they are written.
    settings = termios.tcgetattr(follower)
    settings[1] &= ~termios.OPOST
    termios.tcsetattr(follower, termios.TCSANOW, settings)
    clean = {
        name: value for name, value in os.environ.items()
        if name not in ("NO_COLOR", "COLUMNS") and not name.startswith("TOLLGATE_")}
    child = subprocess.Popen(
        words, stdin=follower, stdout=follower, stderr=follower, env={**clean, "TERM": "xterm", **(environment or {})})
    os.close(follower)
    text = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(leader)
    return child.wait(SECONDS_MAX), text.decode()


def plain(text):
    return re.sub(r"\x1b\[\d*m", "", text)


def table(tollgate):
    """Every command of help: its name, and the options that its page has."""
    found = {}
    for line in command(tollgate, "help").stdout.splitlines():
        match = re.match(r"  tollgate ((?:[a-z-]+ ?)+)", line)
        if match:
            name = match[1].strip()
            page = command(tollgate, "help", *name.split()).stdout
            found[name] = re.findall(r"^  (--[a-z-]+)", page, re.M)
    assert len(found) > 40, found
    return found


def has_terminals():
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError as error:
        print(f"# this machine gives no terminals, so nothing was run on one: {error}")
        return False
    return True


def colours(checks, gateway, shop, tollgate):
    listed = [tollgate, "tenant", "list", "--data", gateway.data]
    if not has_terminals():
        return
    with checks("P6 a terminal shows titles and states in colours; a pipe, NO_COLOR and a dumb terminal show none"):
        code, text = on_terminal(listed)
        assert code == 0 and f"{ESCAPE}1m" in text and f"{ESCAPE}32mactive" in text, text
        piped = subprocess.run(listed, capture_output=True, text=True)
        assert ESCAPE not in piped.stdout + piped.stderr and plain(text) == piped.stdout, (text, piped)
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
            assert on_terminal(listed, environment) == (0, piped.stdout), environment
        assert f"{ESCAPE}1m" in on_terminal(listed, {"NO_COLOR": ""})[1]
        code, text = on_terminal([tollgate, "tenant", "show", "nobody", "--data", gateway.data])
        assert code == 1 and text.startswith(f"{ESCAPE}31mtollgate:{ESCAPE}0m "), text
        assert json.loads(on_terminal([*listed, "--json"])[1])["data"], "json has no colours"


def columns(checks, gateway, shop, tollgate):
    words = [tollgate, "key", "list", "--tenant", shop.slug, "--key", shop.owner_key, "--data", gateway.data]
    listed = [tollgate, "tenant", "list", "--data", gateway.data]
    with checks("P6 columns of a table line up, whatever letters are in them; numbers stand against the right edge"):
        for name in ("short", "ключ", "鍵です", "e\u0301te\u0301", "a much longer name"):
            minted = shop.admin("POST", "/api-keys", {
                "owner_email": shop.made["owner_email"], "name": name, "role": "operator"})
            assert minted.status == 201, minted
        lines = subprocess.run(words, capture_output=True, text=True).stdout.splitlines()
        assert len(lines) > 5, lines
        column = lines[0].index("ROLE")
        for line in lines[1:]:
            # A wide letter takes two columns, a mark none.
            shown = "".join(
                letter + ("\0" if "\u3000" < letter < "\ua000" else "") for letter in line.replace("\u0301", ""))
            assert shown[column - 2:column] == "  " and shown[column] not in " \0", (column, shown)
        for line in lines:
            assert line == line.rstrip(), repr(line)
        title, *tenants = subprocess.run(listed, capture_output=True, text=True).stdout.splitlines()
        for name in ("RESELLERS", "KEYS", "BYTES"):
            edge = title.index(name) + len(name)
            assert len(tenants) == 2 and all(re.fullmatch(r".* \d+", row[:edge]) for row in tenants), (name, tenants)
            assert all(row[edge:edge + 1] in ("", " ") for row in tenants), (name, tenants)


def narrow(checks, gateway, shop, tollgate):
    if not has_terminals():
        return
    with checks("P6 a terminal that is too narrow for a table shows its rows one by one; a pipe has the table always"):
        words = [tollgate, "tenant", "list", "--data", gateway.data]
        piped = subprocess.run(words, capture_output=True, text=True).stdout
        width = max(len(line) for line in piped.splitlines())
        for environment, columns in ((None, width), ({"COLUMNS": str(width)}, 40)):
            assert plain(on_terminal(words, environment, columns)[1]) == piped, (environment, columns)
        titles = piped.splitlines()[0].split()
        for environment, columns in ((None, width - 1), (None, 40), ({"COLUMNS": "40"}, width)):
            code, text = on_terminal(words, environment, columns)
            rows = [row.splitlines() for row in plain(text).strip("\n").split("\n\n")]
            assert code == 0 and f"{ESCAPE}32mactive" in text and len(rows) == 2, text
            for row in rows:
                assert [line.split()[0] for line in row] == titles, row
                assert len({re.match(r"\S+ +", line).end() for line in row}) == 1, row
        assert on_terminal([*words, "--json"], None, 20)[1].count("\n") == 1


def other_apis(checks, gateway, tollgate):
    with checks("P6 G2 an API that a tenant does not have is no path to its keys, whatever they may; the command names "
                "the others"):
        codes = Shop(gateway, blueprint="codes")
        reseller = codes.reseller()
        for path in ("/account", "/balance", "/keys", "/orders/none"):
            answer = gateway.get(codes.base + PARTNER + path, key=reseller["key"])
            assert answer.status == 404 and answer.json["code"] == "path_not_found", (path, answer)
        answer = gateway.get(codes.base + "/v1/reseller/ports", headers={"X-API-Key": reseller["key"]})
        assert answer.status == 404 and answer.json["statusCode"] == 404, answer
        mine = ["--data", gateway.data, "--tenant", codes.slug, "--key", reseller["key"]]
        for name in ("account", "balance", "keys", "ports", "licences"):
            assert "“tollgate my codes”" in fails(command(tollgate, "my", name, *mine), 1).stderr, name
        assert command(tollgate, "my", "codes", *mine).returncode == 0
        key = ["--data", gateway.data, "--key", reseller["key"]]
        assert "--api codes or ports" in fails(command(tollgate, "events", "tail", "--once", *key), 1).stderr
        signed = ["my", "sign-in", "--email", "o@there.example", "--password-file", "-", *mine[:4]]
        assert "--api names another API" in fails(command(tollgate, *signed, input="none\n"), 1).stderr
        # What an API has, and its caller may not see, is no such case.
        reporting = Shop(gateway, blueprint="panel").reseller()["key"]
        said = fails(command(tollgate, "my", "report", "none", "--data", gateway.data, "--key", reporting), 1).stderr
        assert "tollgate my codes" not in said, said


def encodings(checks, gateway, tollgate, owner):
    with checks("P6 what is no text in UTF-8 is refused, in place of what looks like it: a name, a file's, a password"):
        with tempfile.TemporaryDirectory(prefix="tollgate-") as folder:
            invite = ["reseller", "invite", "--email", "latin@there.example", *owner, "--name", b"M\xfcller"]
            export = ["product", "export", *owner, "--output", os.fsencode(folder) + b"/M\xfcller.csv"]
            for words in (invite, export):
                run = subprocess.run([tollgate, *words], capture_output=True, text=True, timeout=SECONDS_MAX)
                assert run.returncode == 2 and run.stderr == f"tollgate: argument {len(words)} is not UTF-8\n", run
            path = os.path.join(folder, "words")
            write_private(path, b"M\xfcller's words\n")
            signing = ["account", "sign-in", "--email", "a@there.example", "--password-file", path, *owner[:2]]
            fails(command(tollgate, *signing, "--data", gateway.data), 1, path, "is not UTF-8")
            assert os.listdir(folder) == ["words"], os.listdir(folder)
        assert "latin@there.example" not in command(tollgate, "reseller", "list", *owner).stdout


def errors(checks, gateway, shop, tollgate):
    def said(*words):
        return fails(command(tollgate, *words), 1).stderr

    with checks("P6 an error says what to do next"):
        owner = ["--tenant", shop.slug, "--data", gateway.data]
        assert "--key KEY gives another key" in said("key", "list", "--key", "tgh_live_wrong", *owner)
        assert "start one with “tollgate serve" in said("tenant", "list", "--data", "/nonexistent")
        assert "is it running there?" in said(
            "tenant", "list", "--url", "http://127.0.0.1:9", "--key", "tgp_live_x")
        poor = shop.reseller(rate_limit={"requests": 1, "window_seconds": 300})
        events = ["events", "tail", "--once", "--data", gateway.data, "--key", poor["key"]]
        assert command(tollgate, *events).returncode == 0
        assert len(re.findall(r"try again in \d+ s", said(*events))) == 1
        for words, meant in ((["tenent", "list"], "tenant"), (["tenant", "lst"], "list"),
                             (["key", "mint", "--nam", "a"], "--name")):
            run = command(tollgate, *words)
            assert run.returncode == 2 and f"did you mean “{meant}”?" in run.stderr, run
    refusals(checks, gateway, shop, tollgate, owner)
    encodings(checks, gateway, tollgate, [*owner, "--key", shop.owner_key])
    texts(checks, gateway, shop, tollgate, [*owner, "--key", shop.owner_key])


def refusals(checks, gateway, shop, tollgate, owner):
    with checks("P6 a refusal says what is missing, or which of its secrets is meant"):
        sku, buyer = shop.product(), shop.reseller(balance="0.50")
        shop.price(buyer, sku, {"wholesale_monthly": "1.00"})
        order = ["--term", "monthly", "--customer", "c-1"]
        buy = ["my", "buy", sku, *order, "--data", gateway.data, "--key", buyer["key"]]
        other = shop.reseller()["webhook_secret"]
        for secret, expected in (
                (buyer["webhook_secret"], r"1\.00 EUR are needed, 0\.50 EUR are available"),
                (other, "--secret-file FILE names the signing secret")):
            run = command(tollgate, *buy, environment={"TOLLGATE_WEBHOOK_SECRET": secret})
            assert run.returncode == 1 and re.search(expected, run.stderr), run
            assert "gives another key" not in run.stderr, run
        feed = ["events", "tail", "--once", *owner]
        both = {"TOLLGATE_KEY": buyer["key"], "TOLLGATE_OWNER_KEY": shop.owner_key}
        for environment in (both, {**both, "TOLLGATE_KEY": ""}):
            run = command(tollgate, *feed, environment=environment)
            assert run.returncode == 0, run
        run = command(tollgate, *feed, "--api", "wholesale", environment=both)
        assert run.returncode == 0, run


def texts(checks, gateway, shop, tollgate, owner):
    with checks("O1 O2 O3 P6 a day is a time, a limit reads as options take it, an address in place of an id is told"):
        minted = command(
            tollgate, "key", "mint", "--owner-email", shop.made["owner_email"], "--role", "support", "--expires-at",
            "2099-01-01", "--json", *owner)
        assert minted.returncode == 0, minted
        assert json.loads(minted.stdout)["expires_at"].startswith("2099-01-01T00:00:00"), minted
        key = shop.reseller()["key_id"]
        for limit in ("10/60", "10/60/5"):
            assert command(tollgate, "limit", "set", key, limit, *owner).returncode == 0
            told = command(tollgate, "limit", "history", key, *owner).stdout
            assert limit in told and "{" not in told, told
        nobody = fails(command(tollgate, "reseller", "approve", "somebody@there.example", *owner), 1).stderr
        assert "“tollgate reseller list” has the ids" in nobody, nobody
    with checks("P6 a value that an option does not take is told by the option's name, before anything is sent"):
        price = ["price", "set", "res_x", "sku", *owner]
        for words, expected in (
                ([*price, "--enabled", "maybe"], "--enabled takes yes or no, not “maybe”"),
                ([*price, "--enabled", "1"], "--enabled takes yes or no, not “1”"),
                ([*price, "--enabled", "none"], "--enabled takes yes or no, not “none”"),
                ([*price, "--max-quantity", "yes"], "--max-quantity takes a whole number or none, not “yes”"),
                ([*price, "--max-quantity", "-1"], "--max-quantity takes a whole number or none, not “-1”"),
                (["product", "change", "sku", "--hidden", "2", *owner], "--hidden takes yes or no"),
                (["settings", "change", "--self-activation", "on", *owner], "--self-activation takes yes or no")):
            run = command(tollgate, *words)
            assert run.returncode == 2 and expected in run.stderr, run
    with checks("P6 a file has all of a list: a page of it is not asked for in vain, and nothing is written"):
        provider = ["--data", gateway.data]
        reports = [["report", kind, *owner] for kind in ("turnover", "refunds", "holds", "credit", "balances")]
        with tempfile.TemporaryDirectory(prefix="tollgate-") as folder:
            path = os.path.join(folder, "all.csv")
            for words in (*reports, ["statement", "res_x", *owner], ["log", *provider], ["usage", *provider]):
                for paged in (["--limit", "1"], ["--cursor", "zzz"]):
                    run = command(tollgate, *words, "--output", path, *paged)
                    assert run.returncode == 2 and "--limit and --cursor are not for --output" in run.stderr, run
                    assert not os.path.exists(path), words


def progress(checks, gateway, shop, tollgate):
    if not has_terminals():
        return
    with checks("P6 long work shows how far it is, on a terminal alone, and leaves nothing of it behind"):
        with tempfile.TemporaryDirectory(prefix="tollgate-") as folder:
            stopped = gateway.process
            name = "a-file-of-a-long-name-" * 5
            words = [tollgate, "tenant", "export", shop.slug, "--output", os.path.join(folder, name), "--data",
                     gateway.data]
            # While the gateway stands still the work takes long.
            stopped.send_signal(19)
            try:
                leader, follower = pty.openpty()
                termios.tcsetwinsize(follower, (24, 20))
                wide = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
                child = subprocess.Popen(
                    words, stdin=follower, stdout=subprocess.PIPE, stderr=follower, text=True, env=wide)
                os.close(follower)
                seen = b""
                while b"the gateway (" not in seen:
                    seen += os.read(leader, 65536)
            finally:
                stopped.send_signal(18)
            printed, _ = child.communicate(timeout=SECONDS_MAX)
            try:
                while piece := os.read(leader, 65536):
                    seen += piece
            except OSError:
                pass
            os.close(leader)
            assert child.returncode == 0 and re.fullmatch(r"\S+: \d+ bytes\n", printed), printed
            assert seen.endswith(b"\r\x1b[K") and b"\n" not in seen, seen
            # No line of it goes on in the next one, where it could not be written over.
            assert max(len(text) for text in seen.decode().split("\r\x1b[K")) < 20, seen
            run = subprocess.run([*words, "--force"], capture_output=True, text=True)
            assert run.returncode == 0 and run.stderr == "", run


def bash(checks, tollgate, commands):
    script = command(tollgate, "completion", "bash").stdout

    def completed(*words):
        """Of these words, the last one being typed."""
        line = " ".join(f"'{word}'" for word in words)
        text = (f"{script}\ncompopt() {{ :; }}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _tollgate\n"
                'printf "%s\\n" "${COMPREPLY[@]}"')
        run = subprocess.run(["bash", "--norc", "-c", text], capture_output=True, text=True, timeout=SECONDS_MAX)
        assert run.returncode == 0 and not run.stderr, run
        return run.stdout.split()

    with checks("P6 bash completes every command, and every option of each"):
        firsts = {name.split()[0] for name in commands}
        assert set(completed("tollgate", "")) == firsts
        for first in firsts:
            verbs = {name.split()[1] for name in commands if name.startswith(first + " ")}
            if verbs:
                found = set(completed("tollgate", first, ""))
                # A word that is a command as well takes its argument beside.
                assert found == verbs or first in commands and verbs <= found, (first, found)
        # The second word of help is a command's.
        for name in (*[name for name in commands if name != "help"][::7], "tenant create", "serve", "key mint"):
            assert set(completed("tollgate", *name.split(), "--")) == {*commands[name], "--help"}, name

    with checks("P6 bash completes files and folders where a value is one, shells for completion, and nothing for a "
                "name"):
        with tempfile.TemporaryDirectory(prefix="tollgate-") as folder:
            open(os.path.join(folder, "file.sqlite"), "w", encoding="utf-8").close()
            os.mkdir(os.path.join(folder, "folder"))
            start = os.path.join(folder, "f")
            both = {os.path.join(folder, name) for name in ("file.sqlite", "folder")}
            assert set(completed("tollgate", "tenant", "export", "a", "--output", start)) == both
            assert completed("tollgate", "serve", "--data", start) == [os.path.join(folder, "folder")]
            assert set(completed("tollgate", "verify", start)) == both
            bash_arguments(completed, start, both)
        assert completed("tollgate", "completion", "") == ["bash", "zsh"]
        assert completed("tollgate", "key", "mint", "--name", "a") == []
        assert completed("tollgate", "nothing", "--") == []


def bash_arguments(completed, start, both):
    """Each argument by what it is, wherever it stands; `both`: the file and the folder that begin with `start`."""
    folders = sorted(path for path in both if path.endswith("folder"))
    for words in (("stock", "import", "SKU"), ("licences", "import"), ("settings", "logo"),
                  ("stock", "import", "--tenant", "acme", "SKU", "--json"),
                  ("stock", "import", "--tenant=acme", "SKU"),
                  # As bash cuts them.
                  ("stock", "import", "--url", "http", ":", "//127.0.0.1", ":", "80/t/acme", "SKU"),
                  ("stock", "import", "SKU", "--url", "=", "http", ":", "//127.0.0.1")):
        assert set(completed("tollgate", *words, start)) == both, words
    for words in (("stock", "import"), ("stock", "import", "SKU", "FILE"), ("settings", "logo", "FILE")):
        assert completed("tollgate", *words, start) == [], words
    for words in (("backup",), ("backup", "verify"), ("archive", "verify"), ("restore-node",)):
        assert completed("tollgate", *words, start) == folders, words
    assert set(completed("tollgate", "order", "export", "--output", "=", start)) == both
    assert completed("tollgate", "backup", "verif") == ["verify"]
    assert "--passphrase-file" in completed("tollgate", "backup", folders[0], "--pass")
    assert completed("tollgate", "help", "tenant", "own") == ["owner-key", "owner"]


def typed_in_zsh(folder, line):
    """What stands on the line of a shell in this folder after a tab."""
    words = [
        "zmodload zsh/zpty", f"zpty shell 'cd {folder}; TERM=dumb PS1=% zsh -fi'",
        f"zpty -w shell 'fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; echo rea\"\"dy'",
        "zpty -r shell seen '*ready*'", f"zpty -n -w shell {shlex.quote(line)}$'\\t\\C-a# \\n'",
        "zpty -w shell 'echo o\"\"ver'", "zpty -r shell seen '*over*'", 'print -r -- "$seen"']
    run = subprocess.run(["zsh", "-f", "-c", "\n".join(words)], capture_output=True, text=True, timeout=SECONDS_MAX)
    return run.stdout


def zsh(checks, tollgate, commands):
    if not shutil.which("zsh"):
        print("# zsh is not there: its completion was not run", flush=True)
        return
    script = command(tollgate, "completion", "zsh").stdout
    stubs = r"""
        _describe() { local list=$2; print -rl -- ${(P)list}; }
        _arguments() { shift; print -rl -- "$@"; }
        words=(tollgate WORDS); CURRENT=PLACE
    """

    def completed(*words):
        line = " ".join(f"'{word}'" for word in words)
        text = stubs.replace("WORDS", line).replace("PLACE", str(len(words) + 1)) + script
        run = subprocess.run(["zsh", "-f"], input=text, capture_output=True, text=True, timeout=SECONDS_MAX)
        assert not run.stderr, run
        return run.stdout.splitlines()

    with checks("P6 zsh completes every command, and every option of each, with what it does"):
        firsts = {line.split(":")[0] for line in completed("")}
        assert firsts == {name.split()[0] for name in commands}, firsts
        assert "create:Create a tenant" in completed("tenant", "")
        for name in (*[each for each in commands if each != "help"][::9], "tenant export", "serve"):
            given = completed(*name.split(), "--")
            options = {
                re.match(r"\*?(--[a-z-]+)=?\[.+\]", line)[1] for line in given if line.lstrip("*").startswith("--")}
            assert options == {*commands[name], "--help"}, (name, given)
        assert any(line.endswith("FILE:_files") for line in completed("tenant", "export", "a", ""))
        assert any(line == ":SHELL:(bash zsh)" for line in completed("completion", ""))

    with checks("P6 zsh, as it is on a terminal, completes a value in the next word and behind a =, and what follows"):
        with tempfile.TemporaryDirectory(prefix="tollgate-") as folder:
            with open(os.path.join(folder, "_tollgate"), "w", encoding="utf-8") as file:
                file.write(script)
            open(os.path.join(folder, "ledger.csv"), "w", encoding="utf-8").close()
            for line, end in (("tenant export a --output led", "--output ledger.csv"),
                              ("tenant export a --output=led", "--output=ledger.csv"),
                              ("stock import --url=http://a:80/t/a SKU led", "SKU ledger.csv"),
                              ("stock import SKU led", "SKU ledger.csv"), ("completion ba", "completion bash"),
                              ("my webhook-ro", "my webhook-rotate")):
                assert end in typed_in_zsh(folder, f"tollgate {line}"), line

    with checks("P6 zsh completes each argument by what it is, and a command that begins others by both"):
        assert completed("stock", "import", "SKU", "")[-2:] == [":SKU: ", ":FILE:_files"]
        assert completed("settings", "logo", "")[-1] == "::FILE:_files"
        both = completed("backup", "")
        assert any(line.startswith("verify:") for line in both) and ":PLACE:_files -/" in both, both
        for words in (("backup", "there", ""), ("backup", "verify", "")):
            assert completed(*words)[-1] == ":PLACE:_files -/", words
        assert any(line.startswith("--master-key=[") for line in completed("backup", "verify", "--"))
        assert any(line.startswith("owner-key:") for line in completed("help", "tenant", ""))


def manual(checks, tollgate, commands):
    page = command(tollgate, "manual").stdout
    with checks("P6 the manual page has every command and every option, and reads as well as on a terminal"):
        flat = page.replace("\\-", "-").replace("\\(dq", '"').replace("\\e", "\\")
        for name, options in commands.items():
            assert f'.SS "tollgate {name}' in flat, name
            for option in options:
                assert f".B {option}" in flat, (name, option)
        # What stands in a summary as a name of the environment is explained there.
        named = set(re.findall(r"\$([A-Z_]+)", flat)) - {"KEY"}
        assert named == {name for name in re.findall(r"^\.B ([A-Z_]+)$", flat, re.M)} - {"NO_COLOR"}, named
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES",
                        "SEE ALSO"):
            assert f"\n.SH {section}\n" in page, section
    if shutil.which("groff"):
        with checks("P6 groff sets the manual page without a warning"):
            run = subprocess.run(
                ["groff", "-man", "-ww", "-Kutf8", "-Tutf8", "-P-cbu"], input=page, capture_output=True, text=True)
            assert run.returncode == 0 and run.stderr == "", run.stderr[:500]
            assert "tollgate tenant create SLUG" in run.stdout and "Create a tenant." in run.stdout
    else:
        print("# groff is not there: the manual page was not set", flush=True)


def main():
    options = arguments()
    checks = Checks()
    tollgate = options.tollgate
    commands = table(tollgate)
    bash(checks, tollgate, commands)
    zsh(checks, tollgate, commands)
    manual(checks, tollgate, commands)
    with Gateway(tollgate, demo=False) as gateway:
        shop = Shop(gateway)
        Shop(gateway)
        shop.made["owner_email"] = f"owner@{shop.slug}.example"
        colours(checks, gateway, shop, tollgate)
        columns(checks, gateway, shop, tollgate)
        narrow(checks, gateway, shop, tollgate)
        other_apis(checks, gateway, tollgate)
        errors(checks, gateway, shop, tollgate)
        progress(checks, gateway, shop, tollgate)
    checks.finish()


if __name__ == "__main__":
    main()
