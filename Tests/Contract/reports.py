"""O14: reports over the ledger, held against a recomputation over the export that knows nothing of how they are made.

The books are random, by a seed that is printed: resellers, products, orders, holds that are carried out or given back,
top-ups, corrections, months that go by with renewals, refunds, and a clock that is set back."""

import calendar
import csv
import datetime
import io
import json
import random
import sqlite3
import sys
import tempfile
from collections import defaultdict
from decimal import Decimal

from shop import Shop
from support import Checks, Gateway, arguments, verified_export, wait_until

DAY = 86_400
KINDS = ("turnover", "refunds", "holds", "credit", "balances")
SALES = {"order": "orders", "capture": "orders", "renewal": "renewals", "hourly": "hourly", "port": "ports",
    "codes": "codes"}
# What a posting of each kind does to its reseller's balance, and to what is held of it.
MOVES = {"top_up": (1, 0), "correction": (-1, 0), "order": (-1, 0), "hold": (-1, 1), "capture": (0, -1),
    "void": (1, -1),
         "renewal": (-1, 0), "hourly": (-1, 0), "port": (-1, 0), "codes": (-1, 0), "transfer": (-1, 0),
             "refund": (1, 0)}
# So many movements of a statement are looked at in one step.
STEP_ROWS = 500


def postings(export):
    """Every posting of the live book with its reseller, its product, its day and its amount, as the export has them."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(export)
        file.flush()
        book = sqlite3.connect(file.name)
        rows = book.execute(
            """SELECT p.kind, p.at, r.public_id, p.reference, sum(max(e.amount, 0)) FROM posting p
               JOIN entry e ON e.posting_id = p.id JOIN reseller r ON r.id = p.reseller_id
               WHERE p.book = 0 GROUP BY p.id ORDER BY p.id""").fetchall()
        of = dict(book.execute("SELECT o.public_id, p.sku FROM orders o JOIN product p ON p.id = o.product_id"))
        of |= dict(book.execute("SELECT s.public_id, p.sku FROM service s JOIN product p ON p.id = s.product_id"))
        resellers = [row for row, in book.execute("SELECT public_id FROM reseller ORDER BY id")]
        products = [row for row, in book.execute("SELECT sku FROM product ORDER BY id")]
        limits = dict(book.execute("SELECT public_id, credit_limit FROM reseller"))
        book.close()
    found = []
    for kind, at, reseller, reference, amount in rows:
        day = datetime.datetime.fromtimestamp(at / 1000, datetime.timezone.utc).date()
        product = None if kind in ("top_up", "correction", "transfer") else of.get(reference.split(":")[0])
        found.append((kind, day, reseller, product, Decimal(amount) / 1_000_000))
    return found, resellers, products, {name: Decimal(limit) / 1_000_000 for name, limit in limits.items()}


def recomputed(ledger, kind, by, group, first, last):
    """The lines of a report, as (period, reseller, product, numbers), in the report's order."""
    rows, resellers, products, limits = ledger
    name = lambda day: day.isoformat() if by == "day" else day.isoformat()[:7]
    key = {None: lambda row: None, "reseller": lambda row: row[2], "product": lambda row: row[3]}[group]
    order = {None: [None], "reseller": resellers, "product": [None] + products}[group]
    periods = []
    day = first
    while day <= last:
        if name(day) not in periods:
            periods.append(name(day))
        day += datetime.timedelta(days=1)
    sums, before = defaultdict(lambda: defaultdict(Decimal)), defaultdict(lambda: [Decimal(0), Decimal(0), False])
    for row in sorted(rows, key=lambda row: row[1]):
        what, day, _, _, amount = row
        if group == "product" and what in ("top_up", "correction", "transfer"):
            continue
        if day > last:
            continue
        up, held = MOVES[what]
        if day < first:
            stand = before[key(row)]
            before[key(row)] = [stand[0] + up * amount, stand[1] + held * amount, True]
            continue
        line = sums[(key(row), name(day))]
        line["amount", what] += amount
        line["count", what] += 1
        line["balance"] += up * amount
        line["held"] += held * amount
        if what in SALES:
            line["sold", SALES[what]] += amount
            line["sales"] += 1
    lines = []
    for each in order:
        balance, held, is_known = before[each]
        for period in periods:
            line = sums.get((each, period))
            is_known = is_known or line is not None
            line = line or defaultdict(Decimal)
            moved = lambda *kinds: sum(line["amount", what] for what in kinds)
            balance, held = balance + line["balance"], held + line["held"]
            if kind == "turnover":
                shown = line["sales"] or line["count", "refund"]
                numbers = {"sales": line["sales"]} | {
                    part: line["sold", part] for part in ("orders", "renewals", "hourly", "ports", "codes")}
                numbers |= {"captures": moved(*SALES), "refunds": moved("refund"),
                    "turnover": moved(*SALES) - moved("refund")}
            elif kind == "refunds":
                shown, numbers = line["count", "refund"], {"count": line["count", "refund"], "refunds": moved("refund")}
            elif kind == "holds":
                shown = line["count", "hold"] or moved("capture") or moved("void")
                numbers = {"count": line["count", "hold"], "placed": moved("hold"), "captured": moved("capture"),
                           "voided": moved("void"), "open": held}
            elif kind == "credit":
                shown = is_known and balance < 0
                numbers = {"balance": balance, "credit_used": -balance, "credit_limit": limits.get(each, Decimal(0))}
            else:
                shown = is_known
                numbers = {"topped_up": moved("top_up"), "corrected": moved("correction"),
                           "spent": moved("order", "renewal", "hourly", "port", "codes", "hold") - moved("void"),
                           "refunded": moved("refund"), "transferred": moved("transfer"), "balance": balance,
                               "held": held}
            if shown:
                lines.append((period, each if group == "reseller" else None, each if group == "product" else None,
                    numbers))
    return lines


def told(shop, kind, query):
    """The report's lines by pages of seven, in the same form."""
    lines, cursor = [], ""
    while True:
        page = shop.admin("GET", f"/reports/{kind}?limit=7{query}{cursor}")
        assert page.status == 200, (kind, query, page)
        lines += page.json["data"]
        if not page.json["has_more"]:
            assert page.json["next_cursor"] is None
            return lines
        cursor = f"&cursor={page.json['next_cursor']}"


def compare(shop, kind, by, group, first, last, ledger):
    query = f"&by={by}&from={first}&to={last}" + (f"&group={group}" if group else "")
    asked = "reseller" if kind == "credit" else group
    expected = recomputed(ledger, kind, by, asked, first, last)
    lines = told(shop, kind, query)
    got = [(line["period"], line["reseller"], line["product"],
            {name: Decimal(value) for name,
                value in line.items() if name not in ("period", "reseller", "product", "currency")})
           for line in lines]
    assert got == expected, (kind, query, next(
        (pair for pair in zip(got, expected) if pair[0] != pair[1]),
            (len(got), len(expected), got[-1:], expected[-1:])))
    table = shop.admin("GET", f"/reports/{kind}.csv?{query[1:]}")
    assert table.status == 200 and table.headers["content-type"] == "text/csv; charset=utf-8", table
    assert f'filename="{kind}.csv"' in table.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(table.body.decode())))
    assert [{name: value or None for name, value in row.items()} for row in rows] == [
        {name: str(value) if value is not None else None for name, value in line.items()} for line in lines], (kind,
            query, rows[:2])
    return len(lines)


class Books:
    """A shop whose books fill at random, over months."""

    def __init__(self, gateway, chance):
        self.gateway, self.chance = gateway, chance
        self.shop = Shop(gateway)
        self.skus = [self.shop.product(kind) for kind in ("instant", "instant", "manual")]
        self.resellers = [
            self.shop.reseller(balance="90.00", credit_limit=limit) for limit in ("0.00", "900.00", "50.00")]
        for reseller in self.resellers:
            for sku in self.skus:
                self.shop.price(reseller, sku, {
                    "wholesale_monthly": f"{chance.randint(1, 40)}.{chance.randint(0, 99):02}",
                        "wholesale_hourly": "0.013",
                    "wholesale_setup_fee": f"0.{chance.randint(0, 99):02}"})
        self.open, self.done = [], []

    def step(self):
        chance, shop = self.chance, self.shop
        reseller = chance.choice(self.resellers)
        what = chance.choices(("order", "top_up", "correct", "decide", "test"), (10, 3, 1, 4, 1))[0]
        if what == "order":
            sku, term = chance.choice(self.skus), chance.choice(("monthly", "monthly", "hourly"))
            made = self.gateway.order(
                shop.base + "/api/partner/v1/orders", shop.order_body(sku, term, chance.randint(1, 3)), reseller,
                f"k-{chance.random()}", timestamp=int(self.gateway.now()))
            assert made.status in (201, 402), made
            if made.status == 201:
                (self.open if made.json["order"]["state"] == "pending" else self.done).append(made.json["order"]["id"])
        elif what == "top_up":
            shop.top_up(reseller, f"{chance.randint(1, 80)}.{chance.randint(0, 99):02}")
        elif what == "correct":
            shop.admin("POST", f"/resellers/{reseller['id']}/balance", {
                "amount": f"-{chance.randint(1, 20)}.00", "reference": "correction"}, idempotent=True)
        elif what == "decide" and self.open:
            order = self.open.pop(chance.randrange(len(self.open)))
            move = chance.choice(("activate", "reject"))
            decided = shop.admin("POST", f"/orders/{order}/{move}")
            assert decided.status == 200, decided
            if move == "activate":
                self.done.append(order)
        elif what == "test":
            key = shop.mint(reseller, mode="test").json["key"]
            shop.call(reseller, "POST", "/orders/quote", shop.order_body(self.skus[0]), key=key)


def random_books(checks, gateway, seed):
    chance = random.Random(seed)
    books = Books(gateway, chance)
    shop = books.shop
    began = gateway.now()
    # On a day on which a month ends, so that days and months begin anew.
    today = datetime.datetime.fromtimestamp(began, datetime.timezone.utc).date()
    end = calendar.monthrange(today.year, today.month)[1]
    gateway.jump((end - today.day) * DAY)
    for _ in range(4):
        for _ in range(14):
            books.step()
        gateway.jump(chance.choice((DAY // 2, DAY, DAY, 3 * DAY)))
    # Services fall due a month later; the clock charges them when somebody looks at it.
    gateway.jump(31 * DAY)
    wait_until(lambda: shop.admin("GET", "/due?kind=renewal").json["data"] == [] or any(
        item["at"] > datetime.datetime.fromtimestamp(gateway.now(), datetime.timezone.utc).isoformat()
        for item in shop.admin("GET", "/due?kind=renewal&limit=1").json["data"]))
    for _ in range(6):
        books.step()
    if shop.admin("POST", "/orders/ord_none/refund", {}).json["code"] != "path_not_found":
        refund_some(books)
    # The clock was wrong and is set back: what is posted now is of days that were counted already.
    gateway.jump(-2 * DAY)
    for _ in range(6):
        books.step()
    gateway.jump(2 * DAY)
    first = datetime.datetime.fromtimestamp(began, datetime.timezone.utc).date()
    last = datetime.datetime.fromtimestamp(gateway.now(), datetime.timezone.utc).date()

    def ledger():
        return postings(verified_export(gateway, shop.slug))

    # Hourly services go on being charged: reports and export are of one state where nothing was posted in between.
    def steady(work):
        while True:
            before, failure = ledger(), None
            try:
                result = work(before)
            except AssertionError as error:
                failure = error
            if ledger()[0] == before[0]:
                if failure:
                    raise failure
                return result

    counts = {}
    for kind in KINDS:
        with checks(f"O14 {kind}: days and months, of all, by product and by reseller, are what the ledger comes to"):
            groups = {"credit": ("reseller", None), "balances": (None, "reseller")}.get(kind,
                (None, "product", "reseller"))

            spans = ((first, last), (first + datetime.timedelta(days=20), last - datetime.timedelta(days=3)))

            def whole(state):
                return sum(compare(shop, kind, by, group, *span, state)
                           for by in ("day", "month") for group in groups for span in spans)

            counts[kind] = steady(whole)
            assert counts[kind] > 0 or kind in ("credit", "refunds"), counts
    print(f"  {len(ledger()[0])} postings, lines compared: {counts}, seed {seed}")
    return books


def refund_some(books):
    for order in books.chance.sample(books.done, min(5, len(books.done))):
        whole = books.shop.admin("GET", f"/orders/{order}").json
        total = Decimal(whole.get("wholesale_total", whole.get("order", {}).get("wholesale_total", "0")))
        if total > 0:
            done = books.shop.admin("POST", f"/orders/{order}/refund", {
                "amount": str((total / 2).quantize(Decimal("0.01"))), "reason": "as agreed"}, idempotent=True)
            assert done.status in (200, 201), done


def bounds(checks, shop):
    with checks("O14 what a report is asked for is judged: by, group, period"):
        for query, name in (("by=year", "by"), ("group=tenant", "group"), ("group=", "group"), ("from=x", "from"),
                            ("from=2026-02-01&to=2026-01-01", "from"), ("from=2020-01-01&to=2026-01-01", "from")):
            answer = shop.admin("GET", f"/reports/turnover?{query}")
            assert answer.status == 422 and answer.json["errors"][0]["pointer"] == f"/{name}", (query, answer)
        for kind in ("credit", "balances"):
            assert shop.admin("GET", f"/reports/{kind}?group=product").status == 422
        assert shop.admin("GET", "/reports/turnover?limit=3&cursor=AAAA").status == 400
        assert shop.admin("GET", "/reports/turnover?reseller=x").status == 400
        assert shop.admin("GET", "/reports/profit").status == 404
    with checks("O14 a report is empty before anything was sold, and of days to come"):
        for kind in KINDS:
            assert shop.admin("GET", f"/reports/{kind}?from=2020-01-01&to=2020-02-01").json["data"] == []
            assert shop.admin("GET", f"/reports/{kind}?from=2090-01-01&to=2090-02-01").json["data"] == []
            assert shop.admin("GET", f"/reports/{kind}?from=2090-01-01").json["data"] == []
            file = shop.admin("GET", f"/reports/{kind}.csv?from=2090-01-01&by=month")
            assert file.status == 200 and len(file.body.splitlines()) == 1, file


def corrected(checks, gateway):
    with checks("O14 P6 the command shows what was corrected as the API tells it: downwards"):
        shop = Shop(gateway)
        reseller = shop.reseller(balance="10.00")
        done = shop.admin("POST", f"/resellers/{reseller['id']}/balance", {
            "amount": "-2.50", "reference": "too much"}, idempotent=True)
        assert done.status in (200, 201), done
        line = shop.admin("GET", "/reports/balances?by=month").json["data"][-1]
        words = ("report", "balances", "--by", "month", "--tenant", shop.slug, "--key", shop.owner_key)
        run = gateway.command(*words)
        assert run.returncode == 0, run
        titles, *rows = (text.split() for text in run.stdout.splitlines())
        shown = dict(zip(titles, rows[-1]))
        assert (shown["CORRECTED"], shown["TOPPED_UP"]) == (line["corrected"], line["topped_up"]), (shown, line)
        assert Decimal(shown["CORRECTED"]) == Decimal("2.50"), shown


def foreign(checks, gateway, books):
    with checks("O14 G1 a report tells of its own tenant alone, and of the live book alone"):
        other = Shop(gateway)
        assert other.admin("GET", "/reports/balances").json["data"] == []
        assert other.admin("GET", "/reports/balances", key=books.shop.owner_key).status == 401
        reseller = other.reseller(balance="10.00")
        sku = other.product()
        other.price(reseller, sku, {"wholesale_monthly": "1.00"})
        test = dict(reseller, key=other.mint(reseller, mode="test").json["key"])
        assert other.order(test, sku, timestamp=int(gateway.now())).status == 201
        assert other.admin("GET", "/reports/turnover").json["data"] == []
        assert other.order(reseller, sku, timestamp=int(gateway.now())).status == 201
        line, = other.admin("GET", "/reports/turnover").json["data"]
        assert (line["sales"], line["turnover"], line["currency"]) == (1, "1.00", "EUR"), line


def statements(checks, books):
    shop, reseller = books.shop, books.resellers[0]
    with checks("O14 O5 W6 a statement as CSV has the lines of the list, for the operator and for the reseller"):
        cursor, listed = "", []
        while True:
            page = shop.admin("GET", f"/resellers/{reseller['id']}/statement?limit=50{cursor}").json
            listed += page["data"]
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        for answer in (shop.admin("GET", f"/resellers/{reseller['id']}/statement.csv"),
                       shop.call(reseller, "GET", "/statement.csv")):
            rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
            assert [(row["kind"], row["at"], row["amount"], row["balance_after"]) for row in rows] == [
                (row["kind"], row["at"], row["amount"], row["balance_after"]) for row in listed], answer
        some = listed[len(listed) // 2]["at"]
        rows = list(csv.DictReader(io.StringIO(
            shop.admin("GET", f"/resellers/{reseller['id']}/statement.csv?from={some}").body.decode())))
        assert [row["at"] for row in rows] == [row["at"] for row in listed if row["at"] >= some]
        rows = list(csv.DictReader(io.StringIO(shop.call(reseller, "GET", f"/statement.csv?to={some}").body.decode())))
        assert [row["at"] for row in rows] == [row["at"] for row in listed if row["at"] < some]
        assert shop.admin("GET", "/resellers/res_none/statement.csv").status == 404
        assert shop.admin("GET", f"/resellers/{reseller['id']}/statement.csv?from=x").status == 422
    narrowed(checks, shop, reseller, listed)


def narrowed(checks, shop, reseller, listed):
    """`listed`: the whole statement."""
    def pages(path, ask, query):
        rows, cursor = [], ""
        while True:
            page = ask(f"{path}?limit=2{query}{cursor}")
            assert page.status == 200 and len(page.json["data"]) <= 2, page
            rows += page.json["data"]
            if not page.json["has_more"]:
                return rows
            cursor = f"&cursor={page.json['next_cursor']}"

    asking = (
        (f"/resellers/{reseller['id']}/statement", lambda path: shop.admin("GET", path)),
        ("/statement", lambda path: shop.call(reseller, "GET", path)))
    early, late = listed[-2]["at"], listed[1]["at"]
    kinds = sorted({row["kind"] for row in listed})[:2]
    with checks("O5 W6 a statement is narrowed by kind and time, `to` left out, over pages that go on where they were"):
        for path, ask in asking:
            for query, test in (
                    ("", lambda row: True), (f"&kind={kinds[0]}", lambda row: row["kind"] == kinds[0]),
                    (f"&kind={','.join(kinds)}", lambda row: row["kind"] in kinds),
                    (f"&from={early}", lambda row: row["at"] >= early), (f"&to={late}", lambda row: row["at"] < late),
                    (f"&from={early}&to={late}&kind={kinds[-1]}",
                     lambda row: early <= row["at"] < late and row["kind"] == kinds[-1]),
                    ("&from=2099-01-01", lambda row: False)):
                found = [(row["at"], row["amount"], row["balance_after"]) for row in pages(path, ask, query)]
                assert found == [
                    (row["at"], row["amount"], row["balance_after"]) for row in listed if test(row)], (path, query)
            text = ask(f"{path}.csv?kind={kinds[0]}").body.decode()
            assert {row["kind"] for row in csv.DictReader(io.StringIO(text))} == {kinds[0]}, path
    with checks("O5 what is rare among many movements is found beneath them, though a step looks at fewer"):
        busy = shop.reseller(balance="5.00")
        path = f"/resellers/{busy['id']}/statement"
        corrected = shop.admin(
            "POST", f"/resellers/{busy['id']}/balance", {"amount": "-1.00", "reference": "a slip"}, idempotent=True)
        assert corrected.status in (200, 201), corrected
        for _ in range(STEP_ROWS + 20):
            shop.top_up(busy, "1.00")
        row, = pages(path, lambda path: shop.admin("GET", path), "&kind=correction")
        assert (row["reference"], row["amount"], row["balance_after"]) == ("a slip", "-1.00", "4.00"), row
    with checks("O5 W6 a cursor of one filter is not another's, and a kind that there is not is refused, naming it"):
        for path, ask in asking:
            cursor = ask(f"{path}?limit=1").json["next_cursor"]
            assert ask(f"{path}?limit=1&kind={kinds[0]}&cursor={cursor}").status == 400
            refused = ask(f"{path}?kind=tips")
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/kind", refused
            assert ask(f"{path}?from={late}&to={early}").status == 422 or late == early


def by_command(checks, gateway, books):
    shop, reseller = books.shop, books.resellers[0]
    owner = ("--tenant", shop.slug)
    environment = {"TOLLGATE_OWNER_KEY": shop.owner_key}

    def run(*words):
        done = gateway.command(*words, *owner, environment=environment)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    with checks("O14 P6 tollgate report shows each report, as a table, as JSON and as a file"):
        for kind in KINDS:
            words = ("report", kind, "--by", "month", "--from", "2026-11-01", "--to", "2026-12-31")
            lines = run(*words).splitlines()
            listed = shop.admin("GET", f"/reports/{kind}?by=month&from=2026-11-01&to=2026-12-31&limit=100").json["data"]
            assert len(lines) == max(len(listed) + 1, 1) and (not listed or lines[0].startswith("PERIOD")), (kind,
                lines)
            assert json.loads(run(*words, "--json"))["data"] == listed, kind
            with tempfile.TemporaryDirectory() as folder:
                path = f"{folder}/{kind}.csv"
                run(*words, "--output", path)
                with open(path, "rb") as file:
                    assert file.read() == shop.admin("GET",
                        f"/reports/{kind}.csv?by=month&from=2026-11-01&to=2026-12-31").body
                again = gateway.command(*words, "--output", path, *owner, environment=environment)
                assert again.returncode != 0 and path in again.stderr, again
    with checks("O5 O6 P6 tollgate statement and tollgate audit usage show what the API shows"):
        lines = run("statement", reseller["id"], "--limit", "5").splitlines()
        assert lines[0].split()[:3] == ["AT", "KIND", "REFERENCE"] and len(lines) >= 6, lines
        with tempfile.TemporaryDirectory() as folder:
            run("statement", reseller["id"], "--output", f"{folder}/s.csv")
            with open(f"{folder}/s.csv", "rb") as file:
                assert file.read() == shop.admin("GET", f"/resellers/{reseller['id']}/statement.csv").body
        narrow = ("statement", reseller["id"], "--kind", "top_up", "--from", "2026-11-01", "--to", "2099-01-01")
        wanted = shop.admin(
            "GET", f"/resellers/{reseller['id']}/statement?kind=top_up&from=2026-11-01&to=2099-01-01&limit=100").json
        assert json.loads(run(*narrow, "--json")) == wanted and wanted["data"], wanted
        refused = gateway.command(*narrow, "--kind", "tips", *owner, environment=environment)
        assert refused.returncode == 1 and "top_up" in refused.stderr, refused
        lines = run("audit", "usage", "--by", "hour", "--reseller", reseller["id"], "--sort=-requests").splitlines()
        assert lines[0].split()[0] == "HOUR" and len(lines) > 1, lines
        order = books.done[0]
        assert order in run("audit", "list", "--order", order, "--json")


def main():
    options = arguments(seed="of the random books")
    checks = Checks()
    seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        books = random_books(checks, gateway, seed)
        bounds(checks, books.shop)
        statements(checks, books)
        by_command(checks, gateway, books)
        corrected(checks, gateway)
        foreign(checks, gateway, books)
        with checks("O14 G8 reports are what they were after kill -9"):
            whole = {kind: books.shop.admin("GET",
                f"/reports/{kind}.csv?by=month&to=2027-01-31").body for kind in KINDS[:3]}
            gateway.kill()
            gateway.start()
            assert whole == {kind: books.shop.admin("GET",
                f"/reports/{kind}.csv?by=month&to=2027-01-31").body for kind in KINDS[:3]}
    checks.finish()


if __name__ == "__main__":
    sys.exit(main())
