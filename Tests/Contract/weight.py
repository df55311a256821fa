"""A hundredth of the tenant that `./bench --only weight` measures: resellers, orders over most of a year and reads,
made by the product's own operations. Every list, filter, report and export of the admin and the wholesale API is then
asked for its first page and for one far behind, and the work of each statement is counted (`statements.c`): none looks
at a table that grows with the tenant from one end to the other. The lists are those of the served descriptions.
"""

import contextlib
import html
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

import heavy as weights
from heavy import Heavy, ask, described, exports, is_missing, lists
from pagewire import Browser
from shop import PASSWORD
from support import ROOT, Checks, Gateway, arguments, verified_export

RESELLERS, ORDERS, READS = 100, 10_000, 100_000
# Of SQLite's machine, for one run of a statement: one or two milliseconds, and less than any walk along 10,000 rows.
STEPS_MAX = 30_000
# Of what looks at so many rows on purpose, a constant of the product's, and goes on in another job.
STRETCH = re.compile(r"FROM (audit|usage_day|usage_hour|day_total)\b|o\.reference_folded >= \?1")
STRETCH_STEPS_MAX = 80_000
# Tables with a row for each order, posting, call, key or reseller.
BIG = {"orders", "service", "posting", "entry", "customer", "event", "audit", "idempotency", "delivery", "holding",
       "usage_hour", "usage_day", "day_total", "renewal", "hourly_charge", "api_key", "api_key_secret", "reseller",
           "price",
       "ledger_account", "account", "attempt", "payment", "credit_event", "refund", "port", "port_renewal", "port_slot",
       "port_customer", "port_device", "activation_code", "code_batch", "subscriber", "code_redemption", "licence",
       "licence_assignment", "licence_withdrawal", "panel_user", "credit_difference", "account_review",
       "reconciliation", "customer_transfer"}
DEEP_PAGES = 40
# With --long, for the admin's own pages: as many resellers, orders and reads, and how far on.
LARGE = (10_000, 60_000, 100_000)
LARGE_PAGES = 500
HTML_BYTES_MAX, PAGE_SECONDS_MAX = 150 << 10, 0.1
# What one reseller in twenty does is in these.
FILLED = ["/deliveries?state=held", "/services?status=cancelled", "/payments", "/credit-events"]
# Lists that may have nothing, by their templates, and why.
EMPTY = {
    # Those are weighed by `dialectweight`.
    "they are another dialect's": {
        "/code-batches", "/subscribers", "/licences", "/licences/withdrawn", "/ports", "/devices", "/countries",
        "/users", "/reconciliations", "/reviews"},
    "nobody signs in": {"/sessions", "/account/sessions", "/people/{id}/sessions", "/resellers/{id}/sessions"},
    "nothing is made by a provisioner, sold from stock or held": {
        "/provisioning/queue", "/products/{sku}/stock/items", "/reports/holds"},
    "nothing of it happens in the year": {"/replays", "/api-keys/{id}/limit/history", "/services/{id}/charges"},
}
# Keys and resellers are counted where one is made and where a quota is shown: as many as the tier lets there be.
COUNTED = re.compile(r"SELECT count\(\*\) FROM (api_key|reseller)\b")


def pages(heavy, who, path, most):
    """How many pages there were up to `most`; None where there is no such path or filter here."""
    cursor = ""
    for number in range(1, most + 1):
        answer = ask(heavy, who, path + ("&" if "?" in path else "?") + "limit=20" + cursor)
        if number == 1 and is_missing(answer):
            # What is no list takes no limit.
            return 1 if ask(heavy, who, path).status == 200 else None
        assert answer.status == 200, (path, answer)
        name = "after" if path.startswith("/events") else "cursor"
        if not answer.json.get("has_more") or "next_cursor" not in answer.json:
            return number
        cursor = f"&{name}={answer.json['next_cursor']}"
    return most


class Statements:
    """What the gateway's connections did: texts that were prepared, and the runs that were not short."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "statements")
        self.library = os.path.join(folder, "statements.so")
        source = os.path.join(ROOT, "Tests", "Contract", "statements.c")
        subprocess.run([os.environ.get("CC", "clang"), "-shared", "-fPIC", "-O1", "-o", self.library, source, "-ldl"],
            check=True)
        self.place = 0

    def watch(self, gateway):
        """What this gateway does, once it starts."""
        clock = gateway.clock
        plain = clock.environment
        clock.environment = lambda: {**plain(), "LD_PRELOAD": f"{self.library}:{plain()['LD_PRELOAD']}",
                                     "TOLLGATE_STATEMENTS": self.path}

    def since(self):
        """Lines that were written since this was asked last: (kind, steps, scanned, sorts, sql)."""
        with open(self.path, encoding="utf-8", errors="replace") as file:
            file.seek(self.place)
            lines = file.read()
            self.place = file.tell()
        found = []
        for line in lines.splitlines():
            kind, steps, scanned, sorts, sql = line.split("\t", 4)
            found.append((kind, int(steps), int(scanned), int(sorts), " ".join(sql.split())))
        return found


def scans(file, sql):
    """Big tables that a statement's plan goes through from one end."""
    values = [None] * max([0, *map(int, re.findall(r"\?(\d+)", sql))])
    try:
        plan = file.execute("EXPLAIN QUERY PLAN " + sql, values).fetchall()
    except sqlite3.Error:
        return []
    names = dict(re.findall(r"\b([a-z_]+) (?:AS )?([a-z]{1,2})\b", sql))
    aliases = {alias: name for name, alias in names.items()}
    found = []
    for _, _, _, text in plan:
        scan = re.match(r"SCAN (\w+)", text)
        if scan and aliases.get(scan[1], scan[1]) in BIG:
            found.append(text)
    return found


@contextlib.contextmanager
def watched(options, arguments, *blueprint):
    """A gateway that runs, and what its statements cost."""
    folder = tempfile.mkdtemp(prefix="tollgate-weight-")
    statements = Statements(folder)
    gateway = Gateway(
        options.tollgate, *arguments, demo=False, clock=True, blueprints=weights.blueprints(folder, *blueprint))
    statements.watch(gateway)
    try:
        with gateway:
            yield gateway, statements
    finally:
        shutil.rmtree(folder)


def main():
    options = arguments()
    checks = Checks()
    with watched(options, weights.ARGUMENTS) as (gateway, statements):
        heavy = Heavy(gateway, RESELLERS, ORDERS, READS)
        heavy.fill()
        run(checks, heavy, statements)
        read(checks, heavy, DEEP_PAGES)
    if options.long:
        with tempfile.TemporaryDirectory(prefix="tollgate-weight-") as folder, Gateway(
                options.tollgate, *weights.ARGUMENTS, demo=False, clock=True,
                blueprints=weights.blueprints(folder)) as large:
            heavy = Heavy(large, *LARGE)
            heavy.fill()
            read(checks, heavy, LARGE_PAGES)
    checks.finish()


def read(checks, heavy, most):
    """The lists of the admin as an operator reads them, from page to page."""
    browser = Browser(heavy.gateway)
    page = browser.follow(browser.sign_in(heavy.base, f"owner@{heavy.shop.slug}.example", PASSWORD))
    assert page.status == 200, page
    for list in ("/resellers", "/orders", "/services", "/customers", "/audit?days=30"):
        name = f"{heavy.counts[0]:,} resellers, {heavy.counts[2]:,} reads"
        with checks(f"U2 U5 25: {list} of {name}: first page and those on to the {most}th are small, and come at once"):
            path, count = f"{heavy.base}/admin{list}", 0
            first = path
            while path and count < most:
                page, last, count = browser.get(path), path, count + 1
                assert page.status == 200 and len(page.body) <= HTML_BYTES_MAX, (path, page.status, len(page.body))
                onward = re.search(r'rel="next" href="([^"]*)"', page.body.decode())
                path = onward and urllib.parse.urljoin(path, html.unescape(onward.group(1)))
            took = {path: min(seconds(browser, path) for _ in range(5)) for path in (first, last)}
            assert max(took.values()) <= PAGE_SECONDS_MAX, took
            print(f"  {list}: {count} pages, {max(took.values()) * 1000:.1f} ms")


def seconds(browser, path):
    began = time.monotonic()
    assert browser.get(path).status == 200
    return time.monotonic() - began


def judge(checks, seen, gateway, slug):
    """No statement works long, and none goes through a big table. `seen`: lines of `Statements`. Gives the runs that
    were not short, the longest first: (sql, (steps, scanned))."""
    runs = sorted({sql: (steps, scanned) for kind, steps, scanned, _,
        sql in sorted(seen, key=lambda line: line[1]) if kind == "run"}.items(),
                  key=lambda each: -each[1][0])
    with checks("O14 O6 G8 no statement does more work than a list's page is worth"):
        long = [(steps, scanned, sql[:300]) for sql, (steps, scanned) in runs
                if steps > (STRETCH_STEPS_MAX if STRETCH.search(sql) else STEPS_MAX)]
        assert not long, "\n".join(map(str, long))
    with checks("O14 O6 no statement's plan goes through a table that grows with the tenant"):
        export = verified_export(gateway, slug)
        with tempfile.NamedTemporaryFile(suffix=".sqlite") as copy:
            copy.write(export)
            copy.flush()
            file = sqlite3.connect(copy.name)
            found = {}
            for kind, _, _, _, sql in seen:
                # A walk that ends with its page, or at one end of a table, is counted above.
                is_walk = not re.search(r"\bLIMIT\b|max\(|min\(", sql) and not COUNTED.match(sql)
                if sql.startswith(("SELECT", "WITH", "UPDATE", "DELETE")) and is_walk:
                    if scan := scans(file, sql):
                        found[sql] = scan
            assert not found, "\n".join(f"{scan}: {sql[:300]}" for sql, scan in found.items())
    return runs


def run(checks, heavy, statements):
    statements.since()
    asked, missing, deepest = 0, [], 0
    with checks("O10 O6 O14 W6 every list, filter and report is there for its first page and for one far behind"):
        for who, path in lists(heavy):
            count = pages(heavy, who, path, DEEP_PAGES)
            if count is None:
                missing.append(path)
            else:
                asked, deepest = asked + 1, max(deepest, count)
        assert asked > 80 and deepest == DEEP_PAGES, (asked, deepest)
        assert not missing, missing
    with checks("O10 O6 W6 no list that the tenant's trade fills is weighed empty"):
        empty = [path for path in FILLED if not heavy.listed(path)]
        excused = set().union(*EMPTY.values())
        for (_, template), (who, path) in described(heavy).items():
            answer = ask(heavy, who, f"{path}{'&' if '?' in path else '?'}limit=1")
            assert answer.status == 200, (path, answer)
            if template not in excused and not answer.json.get("data", True):
                empty.append(path)
        assert not empty, empty
    with checks("O6 O14 exports go through a year without a long look at anything"):
        for path in exports(heavy):
            answer = heavy.shop.admin("GET", path)
            assert answer.status == 200 or answer.status == 404 and path in ("/orders.csv", "/services.csv"), (path,
                answer)
    runs = judge(checks, statements.since(), heavy.gateway, heavy.shop.slug)
    print(f"  {asked} lists; the longest statements:")
    for sql, (steps, scanned) in runs[:12]:
        print(f"  {steps:>7} steps, {scanned:>6} scanned: {sql[:150]}")


if __name__ == "__main__":
    sys.exit(main())
