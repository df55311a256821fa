#!/usr/bin/env python3
"""Round trips through a spreadsheet (O4, O6, O8, O9): what is exported, opened and saved by one is taken back, and
nothing has changed. The first part writes what spreadsheets of several countries write; the second lets LibreOffice do
it, where it is there (./test --long installs it)."""

import csv
import io
import json
import os
import subprocess
import tempfile
import uuid
import zipfile
from decimal import Decimal

from shop import Shop
from support import ROOT, Checks, Gateway, arguments, tool

CSV = {"Content-Type": "text/csv"}
# What somebody may call a product.
SKUS = ["0042", "1e5", "1.50", "TRUE", "2026-05-01", "1-2", "12E3", "00.1", "vps-9"]
# What somebody may call a licence, or a booking of his own.
ODD = [
    "0042",
    "1e5",
    "=1+1",
    "+49",
    "-5",
    "@SUM(A1)",
    "'quoted",
    "'=both",
    "1/2",
    "TRUE",
    "a;b",
    'a"b',
    "x,y",
    "2026-05-01",
]
FORMULA = "=+-@\t\r"
STATEMENT_TEXTS = ("kind", "reference", "at", "currency", "public_id")
MONEY = [
    "wholesale_monthly",
    "wholesale_quarterly",
    "wholesale_semi_annual",
    "wholesale_annual",
    "wholesale_hourly",
    "wholesale_setup_fee",
    "discount_rate_override",
    "max_quantity",
    "wholesale_once",
]
LIBREOFFICE_SECONDS_MAX = 180
# LibreOffice's numbers of a separator, a quote, UTF-8.
COMMA, SEMICOLON, TAB = "44", "59", "9"


def table(text):
    return list(csv.reader(io.StringIO(text)))


def written(rows, separator=",", end="\r\n", mark="\ufeff"):
    """As spreadsheets write: a mark, their country's separator."""
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=end).writerows(rows)
    return (mark + out.getvalue()).encode()


def bent(rows, flags):
    """Capitals for true and false in these columns, an empty row between any two, empty columns to the right."""
    places = [rows[0].index(flag) for flag in flags]
    bent = [
        [cell.upper() if place in places and row is not rows[0] else cell for place, cell in enumerate(row)]
        for row in rows
    ]
    empty = [""] * len(rows[0])
    return [line + ["", ""] for row in bent for line in (row, empty)]


# The last begins with the line by which Excel itself is told of the separator.
FORMS = [(separator, end, mark) for separator in ",;\t" for end in ("\r\n", "\n")
         for mark in ("\ufeff", "", f"\ufeffsep={separator}{end}")]


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        shop = priced(gateway)
        book = shop.admin("GET", "/price-book.csv").body.decode()
        exported(checks, shop, book)
        forms(checks, gateway, shop, book)
        try:
            tool("soffice")
        except AssertionError as missing:
            print(f"# LibreOffice is left out: {missing}", flush=True)
            if options.long:
                raise
        else:
            with tempfile.TemporaryDirectory(prefix="tollgate-office-") as folder:
                by_libreoffice(checks, gateway, shop, book, Office(folder), options.long)
    checks.finish()


def priced(gateway):
    """A tenant whose products have odd names, each with another price."""
    shop = Shop(gateway)
    reseller = shop.reseller(balance="10.00")
    for number, sku in enumerate(SKUS):
        made = shop.admin("POST", "/products", {"sku": sku, "name": sku, "fulfilment": "instant"})
        assert made.status == 201, (sku, made)
        rows = [reseller["id"], sku, f"{number}.50", "", "", "1234.56", "0.0123", "", "2.5", "", str(number), ""]
        header = "reseller,sku," + ",".join(MONEY[:7]) + ",is_enabled,max_quantity,wholesale_once"
        rows[9] = "true" if number % 2 else "false"
        done = shop.admin("POST", "/price-book.csv", written([header.split(","), rows], mark=""), headers=CSV)
        assert done.status == 200, (sku, done)
    for sku, name in zip(SKUS, ODD):
        assert shop.admin("PATCH", f"/products/{sku}", {"name": name}).status == 200, (sku, name)
    for reference in ODD:
        body = {"amount": "-0.10", "reference": reference}
        taken = shop.admin("POST", f"/resellers/{reseller['id']}/balance", body, idempotent=True)
        assert taken.status == 200, taken
    shop.buyer = reseller
    return shop


def products(shop, text, body):
    """Taking the file of products changes nothing: the export is the same, byte for byte."""
    done = shop.admin("POST", "/products.csv", body, headers=CSV)
    assert done.status == 200, (done, body[:300])
    assert (done.json["rows"], done.json["new"]) == (len(table(text)) - 1, 0), done
    again = shop.admin("GET", "/products.csv").body.decode()
    assert again == text, [pair for pair in zip(table(text), table(again)) if pair[0] != pair[1]]


def statement(shop):
    return shop.admin("GET", f"/resellers/{shop.buyer['id']}/statement.csv").body.decode()


def imports(shop, book, body):
    """Taking the file changes nothing: the export is the same, byte for byte."""
    done = shop.admin("POST", "/price-book.csv", body, headers=CSV)
    assert done.status == 200, (done, body[:300])
    assert done.json["rows"] == len(SKUS), done
    again = shop.admin("GET", "/price-book.csv").body.decode()
    assert again == book, [pair for pair in zip(table(book), table(again)) if pair[0] != pair[1]]


def exported(checks, shop, book):
    with checks("O4 the export holds no formula, and imports to the same book"):
        rows = table(book)
        assert len(rows) == len(SKUS) + 1, rows
        assert not any(cell[:1] in tuple(FORMULA) for row in rows for cell in row if cell), rows
        imports(shop, book, book.encode())

    with checks("O6 the audit log as CSV holds no formula"):
        rows = table(shop.admin("GET", "/audit.csv").body.decode())
        assert len(rows) > 20 and not any(cell[:1] in tuple(FORMULA) for row in rows for cell in row if cell), rows

    with checks("O5 a statement as CSV holds no formula: amounts are numbers, texts are guarded"):
        rows = list(csv.DictReader(io.StringIO(statement(shop))))
        assert len(rows) == len(ODD) + 1, rows
        assert not any(row[name][:1] in tuple(FORMULA) for row in rows for name in STATEMENT_TEXTS), rows
        assert {row["amount"] for row in rows} == {"-0.10", "10.00"}, rows
        assert Decimal(rows[0]["balance_after"]) == Decimal("10.00") - len(ODD) * Decimal("0.10"), rows[0]


def forms(checks, gateway, shop, book):
    with checks(
        f"O4 a price book in {len(FORMS)} forms: comma, semicolon, tab; CRLF, LF; with a mark; TRUE; empty rows"
    ):
        rows = table(book)
        for form in FORMS:
            imports(shop, book, written(rows, *form))
            imports(shop, book, written(bent(rows, ["is_enabled"]), *form))

    with checks(f"O4 the list of products in {len(FORMS)} forms"):
        text = shop.admin("GET", "/products.csv").body.decode()
        rows = table(text)
        assert not any(cell[:1] in tuple(FORMULA) for row in rows for cell in row if cell), rows
        for form in FORMS:
            products(shop, text, written(bent(rows, ["hidden"]), *form))

    with checks("O4 what is no boolean and no number is refused with its line and column"):
        for column, cell in [
            ("is_enabled", "yes"),
            ("is_enabled", "1"),
            ("is_enabled", "WAHR"),
            ("max_quantity", "1.5"),
            ("max_quantity", "+1"),
            ("max_quantity", "'1"),
            ("wholesale_monthly", "4,00"),
            ("wholesale_monthly", "'4"),
        ]:
            rows = table(book)[:2]
            rows[1][rows[0].index(column)] = cell
            answer = shop.admin("POST", "/price-book.csv", written(rows, ";"), headers=CSV)
            assert answer.status == 422, (column, cell, answer)
            assert [error["pointer"] for error in answer.json["errors"]] == [f"/line/2/{column}"], answer

    with checks(
        "O4 a file in which nothing but empty rows stands lacks its header; a row too short or too long is named"
    ):
        for body in (b"", b"\xef\xbb\xbf", b";;;\r\n;;;\r\n", b"\r\n\r\n", b" , \n"):
            answer = shop.admin("POST", "/price-book.csv", body, headers=CSV)
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/line/1", (body, answer)
        rows = table(book)[:2]
        for row in (rows[1][:-1], rows[1] + ["x"]):
            answer = shop.admin("POST", "/price-book.csv", written([rows[0], row], ";"), headers=CSV)
            assert answer.json["errors"][0]["pointer"] == "/line/2", answer

    with checks("O4 O8 O9 what a spreadsheet saved in place of CSV in UTF-8 is told so"):
        others = [(text.encode(code), "is no text") for code in ("utf-16", "utf-16-le", "utf-16-be")]
        others += [(mark + bytes(range(256)), "is no text") for mark in (b"PK\3\4\x14\0\6\0", b"\xd0\xcf\x11\xe0")]
        paths = ("/price-book.csv", "/products.csv", f"/products/{table(text)[1][0]}/stock", "/licences",
                 f"/reconciliations?reseller={shop.reseller()['id']}")
        for path in paths:
            for body, said in others:
                answer = taken(shop, path, body, CSV)
                assert answer.status == 422, (path, body[:8], answer)
                [error] = answer.json["errors"]
                assert error["pointer"] == "/line/1" and said in error["detail"], (path, body[:8], answer)

    licences(checks, gateway)
    ports(checks, gateway)
    ledgers(checks, gateway)


def licences(checks, gateway):
    with checks("O9 licences in all forms, and as JSON with a mark"):
        shop, reseller = stocked(gateway, "licences")
        keys = []
        for number, form in enumerate(FORMS):
            rows = [["product", "expiration", "reseller", "key"]]
            rows += [
                ["lifetime", "2099-01-01T00:00:00Z", reseller["id"], f"{key}{number}"] for key in ("'=k", "00", "1e")
            ]
            keys += [f"=k{number}", f"00{number}", f"1e{number}"]
            done = taken(shop, "/licences", written(bent(rows, []), *form), CSV)
            assert done.status == 201 and done.json["imported"] == 3, done
        one = {
            "reseller": reseller["id"],
            "product": "lifetime",
            "key": "by JSON",
            "expiration": "2099-01-01T00:00:00Z",
        }
        done = taken(shop, "/licences", b"\xef\xbb\xbf" + json.dumps({"licences": [one]}).encode(), {})
        assert done.status == 201, done
        listed = shop.admin("GET", "/licences?limit=100").json["data"]
        assert sorted(row["key"] for row in listed) == sorted(keys + ["by JSON"]), listed


def ports(checks, gateway):
    with checks("O9 ports in all forms, and as JSON with a mark"):
        shop = Shop(gateway, blueprint="proxies", currency="USD")
        assert shop.admin("PUT", "/countries/usa", {"base_price": "2.00"}).status in (200, 201)
        for number, form in enumerate(FORMS):
            row = [f"'=d{number}", f"192.0.2.{number}", "1000-1004", "2000-2004", "usa", "", "", "shared"]
            header = ["device", "server_ip", "http_port", "socks_port", "country", "city", "carrier", "mode"]
            done = taken(shop, "/ports", written(bent([header, row], []), *form), CSV)
            assert done.status == 201 and done.json["imported"] == 5, done
        one = {"device": "j", "server_ip": "192.0.2.99", "http_port": "1", "socks_port": "2", "country": "usa"}
        assert taken(shop, "/ports", b"\xef\xbb\xbf" + json.dumps({"ports": [one]}).encode(), {}).status == 201
        listed = shop.admin("GET", "/ports?limit=100").json["data"]
        assert {row["device"] for row in listed} == {f"=d{number}" for number in range(len(FORMS))} | {"j"}, listed


def ledgers(checks, gateway):
    with checks("O8 ledgers in all forms, and as JSON Lines with a mark: each agrees with what was reported"):
        shop = Shop(gateway, blueprint="panel", currency="USD")
        reseller = shop.reseller()
        for number, ref in enumerate(ODD):
            event = {"kind": "topup", "amount_usd": number + 1, "external_ref": ref, "meta": {}}
            done = gateway.post(f"{shop.base}/api/v1/reseller/credit", event, key=reseller["key"])
            assert done.status == 200, done
        rows = [["comment", "external_ref", "kind", "amount", "at"]]
        for number, ref in enumerate(ODD):
            guarded = "'" + ref if ref.lstrip("'")[:1] in FORMULA else ref
            rows.append(["=mine", guarded, "topup", f"{number + 1}.00", "2026-05-01T10:00:00Z"])
        bodies = [(written(bent(rows, []), *form), content) for form in FORMS for content in ({}, CSV)]
        lines = "".join(
            json.dumps({"external_ref": ref, "kind": "topup", "amount": number + 1, "at": "2026-05-01"}) + "\n\n"
            for number, ref in enumerate(ODD)
        )
        bodies += [
            (mark + lines.encode(), content)
            for mark in (b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n")
            for content in ({}, {"Content-Type": "application/jsonl"})
        ]
        for body, content in bodies:
            done = shop.admin("POST", f"/reconciliations?reseller={reseller['id']}", body, headers=content)
            assert done.status == 201 and done.json["agrees"] and done.json["lines"] == len(ODD), (body[:80], done)
    with checks("O8 a command tells what a ledger is by its name, or else by how it begins, behind a mark too"):
        csv_lines = written(rows, mark="").decode()
        names = [("a.jsonl", lines), ("a.ndjson", lines), ("a", lines), ("a", csv_lines), ("a.csv", csv_lines),
                 ("-", lines), ("-", csv_lines)]
        with tempfile.TemporaryDirectory() as folder:
            for name, text in [(name, mark + text) for name, text in names for mark in ("", "\ufeff", "\ufeff \n")]:
                path = name if name == "-" else os.path.join(folder, name)
                if name != "-":
                    with open(path, "w", encoding="utf-8", newline="") as file:
                        file.write(text)
                done = gateway.command(
                    "reconciliation", "run", path, "--reseller", reseller["id"], "--tenant", shop.slug, "--json",
                    environment={"TOLLGATE_OWNER_KEY": shop.owner_key}, input=text if name == "-" else None)
                assert done.returncode == 0 and json.loads(done.stdout)["agrees"], (name, text[:20], done)


def stocked(gateway, blueprint):
    shop = Shop(gateway, blueprint=blueprint, currency="USD")
    reseller = shop.reseller()
    made = shop.admin("POST", "/products", {"sku": "lifetime", "name": "L", "fulfilment": "instant"})
    assert made.status in (201, 409), made
    return shop, reseller


def taken(shop, path, body, headers):
    return shop.admin("POST", path, body, headers={**headers, "Idempotency-Key": uuid.uuid4().hex})


class Office:
    """LibreOffice's own converter, with a profile of its own."""

    def __init__(self, folder):
        self.folder = folder

    def convert(self, name, kind, *options):
        """The file of this name as another kind, beside it."""
        run = subprocess.run(
            [
                tool("soffice"),
                f"-env:UserInstallation=file://{self.folder}/profile",
                "--headless",
                "--norestore",
                *options,
                "--convert-to",
                kind,
                "--outdir",
                self.folder,
                os.path.join(self.folder, name),
            ],
            capture_output=True,
            text=True,
            timeout=LIBREOFFICE_SECONDS_MAX,
            env={**os.environ, "HOME": self.folder},
        )
        assert run.returncode == 0 and "convert" in run.stdout, (run.stdout, run.stderr)

    def saved(self, name, text, columns="", separator=COMMA):
        """A CSV file opened, saved as a workbook, opened again, saved as CSV: its bytes, and the workbook's sheet.
        `columns`: LibreOffice's formats, `2/2` for “the second column is text”."""
        self.put(name + ".csv", text)
        # A country that writes 4.00: another's would need no less telling, but other words.
        self.convert(name + ".csv", "xlsx", f"--infilter=CSV:{COMMA},34,76,1,{columns},1033,false,false")
        self.convert(name + ".xlsx", f"csv:Text - txt - csv (StarCalc):{separator},34,76,1,,1033,false,true,false")
        with zipfile.ZipFile(os.path.join(self.folder, name + ".xlsx")) as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
        with open(os.path.join(self.folder, name + ".csv"), "rb") as file:
            return file.read(), sheet

    def put(self, name, text):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())


def by_libreoffice(checks, gateway, shop, book, office, is_long):
    separators = [("semicolon", SEMICOLON)] + ([("comma", COMMA), ("tab", TAB)] if is_long else [])
    for name, separator in separators:
        with checks(
            f"O4 the price book through LibreOffice, text columns as text, saved with {name}: nothing changed"
        ):
            saved, sheet = office.saved(f"book-{name}", book, "1/2/2/2", separator)
            assert "<f" not in sheet, "a formula"
            imports(shop, book, saved)

    with checks("O4 the list of products through LibreOffice, text columns as text: nothing changed"):
        text = shop.admin("GET", "/products.csv").body.decode()
        saved, sheet = office.saved("products", text, "1/2/2/2/3/2", SEMICOLON)
        assert "<f" not in sheet, "a formula"
        products(shop, text, saved)

    with checks("O5 a statement through LibreOffice: texts and amounts are what they were, and nothing is computed"):
        log = statement(shop)
        texts = [table(log)[0].index(name) for name in STATEMENT_TEXTS]
        amounts = [table(log)[0].index(name) for name in ("amount", "balance_after")]
        saved, sheet = office.saved("statement", log, "/".join(f"{place + 1}/2" for place in sorted(texts)))
        assert "<f" not in sheet, "a formula"
        pairs = list(zip(table(log), table(saved.decode("utf-8-sig")), strict=True))
        assert len(pairs) > len(ODD), pairs
        assert all(one[place] == other[place] for one, other in pairs for place in texts), pairs
        assert all(Decimal(one[place]) == Decimal(other[place]) for one, other in pairs[1:] for place in amounts), pairs

    with checks("O6 the audit log through LibreOffice: every text is the text, and nothing is computed"):
        log = shop.admin("GET", "/audit.csv").body.decode()
        texts = [
            table(log)[0].index(name) for name in ("key", "reseller", "account", "action", "request_id", "detail")
        ]
        saved, sheet = office.saved("audit", log, "/".join(f"{place + 1}/2" for place in texts))
        assert "<f" not in sheet, "a formula"
        pairs = list(zip(table(log), table(saved.decode("utf-8-sig"))))
        assert pairs and all(one[place] == other[place] for one, other in pairs for place in texts), pairs[:3]

    with checks("O9 a stock of licences through LibreOffice: each row is taken as it was written"):
        stock, reseller = stocked(gateway, "licences")
        rows = [["reseller", "product", "key", "expiration"]]
        rows += [
            [reseller["id"], "lifetime", "'" + key if key.lstrip("'")[:1] in FORMULA else key, "2099-01-01T00:00:00Z"]
            for key in ODD
        ]
        saved, _ = office.saved("licences", written(rows), "1/2/2/2/3/2", SEMICOLON)
        done = taken(stock, "/licences", saved, CSV)
        assert done.status == 201, (done, saved)
        listed = stock.admin("GET", "/licences?limit=100").json["data"]
        assert sorted(row["key"] for row in listed) == sorted(ODD), listed
        assert {row["expiration"] for row in listed} == {"2099-01-01T00:00:00.000Z"}, listed[:1]

    with checks("O4 what LibreOffice bends where nobody tells it which columns are text stands in the docs"):
        saved, sheet = office.saved("untold", written([["sku", "n"], *[[sku, "1"] for sku in SKUS]], mark=""))
        assert "<f" not in sheet.replace("<font", ""), "a formula"
        told = {sku: row[0] for sku, row in zip(SKUS, table(saved.decode("utf-8-sig"))[1:])}
        changed = {sku: cell for sku, cell in told.items() if sku != cell}
        with open(os.path.join(ROOT, "docs", "operator-api.md"), encoding="utf-8") as file:
            page = file.read()
        missing = [
            f"| `{sku}` | `{cell}` |" for sku, cell in changed.items() if f"| `{sku}` | `{cell}` |" not in page
        ]
        assert not missing, missing


if __name__ == "__main__":
    main()
