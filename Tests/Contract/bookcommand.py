#!/usr/bin/env python3
"""Products, prices, stock and settings by command line (O4, O9, O12): each command against a running gateway, for
people and for programs."""

import json
import os
import re
import subprocess
import tempfile

from clientwire import Between
from logo import png
from shop import Shop
from support import Checks, Gateway, arguments, command


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway, tempfile.TemporaryDirectory() as folder:
        shop = Shop(gateway)

        def run(*words, code=0):
            done = gateway.command(
                *words, "--tenant", shop.slug,
                environment={"TOLLGATE_OWNER_KEY": shop.owner_key})
            assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
            return done.stdout if code == 0 else done.stderr

        def answer(*words):
            return json.loads(run(*words, "--json"))

        def file(name, content):
            path = os.path.join(folder, name)
            with open(path, "wb") as opened:
                opened.write(content if isinstance(content, bytes) else content.encode())
            return path

        products(checks, run, answer, file, folder)
        prices(checks, shop, run, answer, file, folder)
        stock(checks, gateway, shop, run, answer, file)
        repeated(checks, gateway, shop, answer, file)
        settings(checks, gateway, run, answer, file)
        written(checks, gateway, shop, folder)
        taken(checks, gateway, shop, folder)
    checks.finish()


def products(checks, run, answer, file, folder):
    with checks("O4 products are added, changed, listed, exported and imported by command line"):
        made = answer(
            "product", "add", "cli-1", "--name", "By hand", "--fulfilment", "manual", "--list-monthly", "5",
            "--days", "30")
        assert made["list"]["monthly"] == "5.00" and made["days"] == 30, made
        changed = answer("product", "change", "cli-1", "--hidden", "yes", "--list-monthly", "none", "--days", "none")
        assert changed["hidden"] is True and changed["list"] is None and changed["days"] is None, changed
        assert "By hand" in run("product", "list") and "fulfilment" in run("product", "show", "cli-1")
        path = os.path.join(folder, "products.csv")
        assert "bytes" in run("product", "export", "--output", path)
        assert "is there already" in run("product", "export", "--output", path, code=1)
        assert answer("product", "import", path)["new"] == 0
        new = file("new.csv", "sku,name,fulfilment,list_setup_fee\ncli-2,Second,instant,1.00\ncli-1,Renamed,manual,\n")
        told = run("product", "import", new, "--dry-run")
        assert "Renamed" in told and "By hand" in told and "new: 1" in told, told
        value = told.split("hash: ")[1].split()[0]
        assert answer("product", "import", new, "--if-match", value)["new"] == 1
        assert "has changed since" in run("product", "import", new, "--if-match", value, code=1)
        bad = file("bad.csv", "sku,name\nnobody,X\n")
        assert "/line/2/fulfilment" in run("product", "import", bad, code=1)
        assert "errors" in run("product", "import", bad, "--dry-run", code=1)
        assert "errors" in run("product", "import", bad, "--dry-run", "--json", code=1)
        assert "SKU" in run("product", "change", code=2)


def prices(checks, shop, run, answer, file, folder):
    reseller = shop.reseller()
    with checks("O4 prices are set, listed, tried, imported, exported and looked back at by command line"):
        row = answer(
            "price", "set", reseller["id"], "cli-2", "--monthly", "4.00", "--semi-annual", "20", "--max-quantity", "7",
            "--discount-rate", "5", "--enabled", "yes")
        assert row["wholesale_semi_annual"] == "20.00" and row["max_quantity"] == 7 and row["is_enabled"] is True, row
        row = answer("price", "set", reseller["id"], "cli-2", "--max-quantity", "none", "--discount-rate", "none")
        assert row["max_quantity"] is None and row["discount_rate_override"] is None, row
        assert "cli-2" in run("price", "list", reseller["id"])
        book = os.path.join(folder, "book.csv")
        run("price", "export", "--output", book)
        assert answer("price", "import", book, "--dry-run")["counts"]["same"] == 1
        new = file("prices.csv", f"reseller,sku,wholesale_monthly\n{reseller['id']},cli-2,6.50\n")
        told = run("price", "import", new, "--dry-run")
        assert "4.00" in told and "6.50" in told and "changed: 1" in told, told
        value = told.split("hash: ")[1].split()[0]
        run("price", "set", reseller["id"], "cli-2", "--annual", "40")
        assert "has changed since" in run("price", "import", new, "--if-match", value, code=1)
        run("price", "import", new)
        looked = run("price", "history", "--reseller", reseller["id"], "--product", "cli-2")
        assert "6.50" in looked and f"owner@{shop.slug}.example" in looked and "file" in looked, looked
        assert len(answer("price", "history", "--limit", "2")["data"]) == 2
    with checks("O1 O4 prices of the test book are set, listed, looked back at and removed by command line"):
        row = answer("price", "set", reseller["id"], "cli-2", "--monthly", "0.25", "--mode", "test")
        assert row["wholesale_monthly"] == "0.25" and row["wholesale_annual"] is None, row
        assert "0.25" in run("price", "list", reseller["id"], "--mode", "test")
        assert "0.25" not in run("price", "list", reseller["id"])
        assert answer("price", "remove", reseller["id"], "cli-2") == {"ok": True}
        assert "no prices" in run("price", "list", reseller["id"], "--mode", "test")
        assert len(answer("price", "history", "--mode", "test", "--limit", "5")["data"]) == 2


def stock(checks, gateway, shop, run, answer, file):
    giver, taker = shop.reseller(), shop.reseller()
    with checks("O9 stock is taken in, listed, withdrawn, moved and corrected by command line"):
        rows = "".join(f"{giver['id']},cli-2,key-{n},2099-01-01\n" for n in range(3))
        path = file("licences.csv", "reseller,product,key,expiration\n" + rows)
        assert answer("licences", "import", path)["imported"] == 3
        assert answer("licences", "withdraw", "--licence", "key-0")["licences"] == 1
        moved = answer("licences", "move", "--licence", "key-1", "--licence", "key-2", "--to-reseller", taker["id"])
        assert moved["licences"] == 2
        assert "key-1" in run("licences", "list", "--reseller", taker["id"])
        assert "key-0" in run("licences", "list", "--withdrawn")
        shop.admin("PUT", "/countries/de", {"base_price": "1.00"})
        ports = file("ports.csv", "device,server_ip,http_port,socks_port,country\nd,46.8.0.1,1-3,11-13,de\n")
        assert answer("ports", "import", ports)["imported"] == 3
        assert answer("ports", "change", "46.8.0.1:1", "--http-port", "21")["http_port"] == 21
        assert answer("ports", "show", "46.8.0.1:2")["status"] == "free"
        assert answer("ports", "withdraw", "46.8.0.1:2")["status"] == "withdrawn"
        assert answer("devices", "change", "d", "--server-ip", "46.8.0.2", "--city", "Bonn")["city"] == "Bonn"
        assert "46.8.0.2" in run("ports", "list") and "46.8.0.2" in run("devices", "list", "--country", "de")
        assert answer("devices", "withdraw", "d", "--ports", "move")["status"] == "withdrawn"
        assert answer("product", "add", "keys", "--name", "K", "--fulfilment", "stock")["sku"] == "keys"
        assert answer("stock", "import", "keys", file("items.csv", "item\none\ntwo\n"))["imported"] == 2
        listed = answer("stock", "list", "keys")["data"]
        assert answer("stock", "withdraw", "keys", listed[0]["id"])["withdrawn_at"] is not None
        assert "cannot be read" in run("ports", "import", "/nowhere.csv", code=1)


def repeated(checks, gateway, shop, answer, file):
    with checks("O9 G4 an import whose answer is lost names its key, under which the same line takes nothing twice"):
        with Between(gateway) as between:
            words = ["stock", "import", "keys", file("more.csv", "item\nthree\nfour\n"), "--tenant", shop.slug, "--key",
                     shop.owner_key, "--url", between.base_url, "--json"]
            between.faults[:] = ["lose"]
            lost = command(gateway.tollgate, *words)
            key = re.search(r"to ask again, say (--idempotency-key) (\S+)$", lost.stderr)
            assert lost.returncode == 1 and key, lost
            before = answer("stock", "list", "keys")["data"]
            again = command(gateway.tollgate, *words, *key.groups())
            assert json.loads(again.stdout)["imported"] == 2, again
            assert answer("stock", "list", "keys")["data"] == before and len(before) >= 2, before
        page = command(gateway.tollgate, "help", "licences", "import").stdout
        assert "--idempotency-key KEY" in page and "nothing twice" in page, page


def piped(gateway, folder, words, code=0, **streams):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TOLLGATE_")}
    done = subprocess.run(
        [gateway.tollgate, *words, "--data", gateway.data], stderr=subprocess.PIPE, timeout=60, cwd=folder, env=clean,
        **{"stdout": subprocess.PIPE, **streams})
    assert done.returncode == code, (words, done)
    assert not os.path.exists(os.path.join(folder, "-")), words
    return done


def written(checks, gateway, shop, folder):
    owner = ["--tenant", shop.slug, "--key", shop.owner_key]
    reseller = shop.reseller()["id"]
    lines = [
        *[[*words.split(), *owner] for words in (
            "product export", "price export", "order export", "service export", "report turnover",
            f"statement {reseller}", "audit export", "audit export --format csv")],
        ["log"], ["usage"], ["tenant", "export", shop.slug]]
    with checks("P6 O4 O5 O6 O10 O14 P5 P8 P9 `--output -` is standard output, bytes alone; what is said of them goes "
                "to standard error"):
        for words in lines:
            done = piped(gateway, folder, [*words, "--output", "-"])
            assert done.stdout and done.stderr == b"%d bytes\n" % len(done.stdout), (words, done)
            told = piped(gateway, folder, [*words, "--output", "-", "--json"])
            assert json.loads(told.stderr)["bytes"] == len(told.stdout), (words, told.stderr)
        assert piped(gateway, folder, ["tenant", "export", shop.slug, "--output", "-"]).stdout.startswith(b"SQLite")
        shown = piped(gateway, folder, ["product", "export", *owner, "--output", "-"]).stdout
        path = os.path.join(folder, "same.csv")
        piped(gateway, folder, ["product", "export", *owner, "--output", path])
        with open(path, "rb") as file:
            assert file.read() == shown
    with checks("P6 `--output -` where it cannot be: a refusal leaves standard output empty, a full disk is one line, "
                "a reader that has gone is quiet"):
        refused = piped(gateway, folder, ["tenant", "export", "nobody", "--output", "-", "--json"], code=1)
        assert refused.stdout == b"" and b"tenant_not_found" in refused.stderr, refused
        with open("/dev/full", "wb") as full:
            done = piped(gateway, folder, ["product", "export", *owner, "--output", "-"], code=1, stdout=full)
            assert b"standard output cannot be written" in done.stderr and done.stderr.count(b"\n") == 1, done
        read, write = os.pipe()
        os.close(read)
        try:
            done = piped(gateway, folder, ["product", "export", *owner, "--output", "-"], stdout=write)
            assert done.stderr == b"", done
        finally:
            os.close(write)


def taken(checks, gateway, shop, folder):
    owner = ["--tenant", shop.slug, "--key", shop.owner_key]
    with checks("P6 O4 O9 O12 P5 a FILE that is - is standard input, whatever stands in it, and leaves no file behind"):
        table = b"sku,name,fulfilment\npiped,Piped,instant\n"
        left = os.path.join(folder, "left")
        os.mkdir(left)
        place = {**{name: value for name, value in os.environ.items() if not name.startswith("TOLLGATE_")},
                 "TMPDIR": left}

        def give(given, *words, code=0):
            done = subprocess.run(
                [gateway.tollgate, *words, "--data", gateway.data], input=given, capture_output=True, timeout=60,
                cwd=folder, env=place)
            assert done.returncode == code and os.listdir(left) == [], (words, done)
            return done.stdout.decode() if code == 0 else done.stderr.decode()

        assert "new: 1" in give(table, "product", "import", "-", "--dry-run", *owner)
        assert json.loads(give(table, "product", "import", "-", "--json", *owner))["new"] == 1
        assert json.loads(give(b"item\nfive\n", "stock", "import", "keys", "-", "--json", *owner))["imported"] == 1
        give(png(8, 8), "settings", "logo", "-", *owner)
        rows = {"licences": [
            {"reseller": shop.reseller()["id"], "product": "cli-2", "key": "piped", "expiration": "2099-01-01"}]}
        given = json.dumps(rows).encode()
        assert json.loads(give(given, "licences", "import", "-", "--json", *owner))["imported"] == 1
        assert "/line/" in give(b"sku,name\nnobody,X\n", "product", "import", "-", *owner, code=1)
        copy = piped(gateway, folder, ["tenant", "export", shop.slug, "--output", "-"]).stdout
        assert shop.slug in give(copy, "tenant", "restore", shop.slug, "--input", "-")
    with checks("P6 only one file may be standard input, and an empty one is empty"):
        words = ["tenant", "import", "--input", "-", "--passphrase-file", "-"]
        assert "only one file may be -" in give(b"", *words, code=2)
        words = ["account", "password", "--old-file", "-", "--new-file", "-", *owner]
        assert "only one file may be -" in give(b"a\n", *words, code=2)
        assert "holds no password" in give(
            b"", "tenant", "create", "piped", "--blueprint", "hosting", "--owner-email", "o@p.example",
            "--password-file", "-", code=1)


def settings(checks, gateway, run, answer, file):
    with checks("O12 settings and the logo are changed by command line"):
        changed = answer("settings", "change", "--name", "A shop", "--primary", "#102030", "--self-activation", "yes")
        assert changed["name"] == "A shop" and changed["self_activation"] is True, changed
        assert answer("settings", "change", "--primary", "none")["colours"]["primary"] is None
        shown = answer("settings", "logo", file("logo.png", png(9, 9)))
        given = gateway.get(shown["logo"].removeprefix(gateway.base_url) if shown["logo"].startswith(gateway.base_url)
                            else shown["logo"][shown["logo"].index("/t/"):])
        assert given.status == 200 and given.body == png(9, 9), given
        assert "must be a PNG" in run("settings", "logo", file("no.png", b"<svg/>"), code=1)
        assert answer("settings", "logo", "--remove")["logo"] is None
        assert "takes a FILE" in run("settings", "logo", code=2)
        assert "A shop" in run("settings", "show")


if __name__ == "__main__":
    main()
