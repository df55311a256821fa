"""A tenant taken back to a moment of its past, and forked as it was then, on a node whose commits go to one log
(B2)."""

import contextlib
import datetime
import random
import sqlite3
import tempfile
import time

from shop import Shop
from support import Checks, Gateway, arguments, verified_export, wait_until

# What a fork and a restore leave as it was, row for row; none that the clock writes by itself.
TABLES = ("orders", "service", "posting", "entry", "ledger_account", "reseller", "price", "price_change", "event",
          "customer", "product", "idempotency", "holding")
# A restore raises what these rows count (H7), and a fork does not.
REVISED = ("orders", "service", "reseller")
MOMENTS = 12


def moment(seconds):
    at = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def revisions(table):
    return f"{table}'s revisions"


def columns(database, table):
    names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    return ", ".join(name for name in names if table not in REVISED or name != "revision")


def rows(content):
    """Every row of those tables, and the revisions apart."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(content)
        file.flush()
        with contextlib.closing(sqlite3.connect(f"file:{file.name}?mode=ro&immutable=1", uri=True)) as database:
            found = {
                table: database.execute(f"SELECT {columns(database, table)} FROM {table} ORDER BY 1, 2").fetchall()
                for table in TABLES}
            return found | {
                revisions(table): database.execute(f"SELECT id, revision FROM {table} ORDER BY 1").fetchall()
                for table in REVISED}


def tick(after):
    """The next millisecond but one, so that what comes is not of the same moment."""
    return wait_until(lambda: time.time() > after + 0.003 and time.time())


class Life:
    """A shop whose state at many moments is known."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.shop = Shop(gateway)
        self.reseller = self.shop.reseller(balance="100000.00")
        self.sku = self.shop.product()
        self.shop.price(self.reseller, self.sku, {"wholesale_monthly": "5.00"})
        self.known = []

    def post(self, path, body=None):
        return self.gateway.post(
            f"/provider/v1/tenants/{self.shop.slug}{path}", body, key=self.gateway.provider_key)

    def has_past(self):
        answer = self.post("/fork", {"slug": self.fresh(), "at": moment(time.time())})
        assert answer.status == 201 or answer.json["code"] == "before_past", answer
        return answer.status == 201

    def fresh(self):
        self.known_forks = getattr(self, "known_forks", 0) + 1
        return f"{self.shop.slug}-fork-{self.known_forks}"

    def act(self):
        for _ in range(random.randrange(1, 4)):
            random.choice((self.order, self.top_up, self.change_price))()

    def order(self):
        placed = self.shop.order(self.reseller, self.sku, quantity=random.randrange(1, 5))
        assert placed.status == 201, placed

    def top_up(self):
        self.shop.top_up(self.reseller, f"{random.randrange(1, 100)}.00")

    def change_price(self):
        self.shop.price(self.reseller, self.sku, {"wholesale_monthly": f"{random.randrange(1, 9)}.00"})

    def note(self):
        """What the tenant says now, and a moment at which it said so."""
        at = tick(time.time())
        self.known.append((at, rows(self.export())))
        tick(time.time())

    def export(self):
        answer = self.gateway.get(f"/provider/v1/tenants/{self.shop.slug}/export", key=self.gateway.provider_key)
        assert answer.status == 200, answer
        return answer.body


def differing(found, expected):
    return [table for table in expected if found[table] != expected[table]]


def differing_restored(found, expected):
    """The same after a restore: a price that changed since is told as changed by it, and revisions rise."""
    for table in map(revisions, REVISED):
        now, then = (max((count for _, count in rows[table]), default=0) for rows in (found, expected))
        assert now > then or not found[table], (table, now, then)
    known = ["price_change", *map(revisions, REVISED)]
    return [table for table in differing(found, expected) if table not in known]


def forks(checks, gateway, life):
    with checks("B2 a fork of a moment has every row of then, and none of after, and verifies"):
        for at, expected in random.sample(life.known, MOMENTS // 2):
            slug = life.fresh()
            made = life.post("/fork", {"slug": slug, "at": moment(at)})
            assert made.status == 201, made
            found = rows(verified_export(gateway, slug))
            assert not differing(found, expected), (moment(at), differing(found, expected))


def beginnings(checks, gateway, life):
    with checks("B2 a new tenant can be gone back to from the moment that it was made, and so can what is restored"):
        # Some, as nothing is to be left to chance.
        for number in range(5):
            shop = Shop(gateway, f"new-{number}")
            path = f"/provider/v1/tenants/{shop.slug}"
            made_at = gateway.get(path, key=gateway.provider_key).json["created_at"]
            for at in (made_at, moment(time.time() - 0.001)):
                slug = life.fresh()
                made = gateway.post(f"{path}/fork", {"slug": slug, "at": at}, key=gateway.provider_key)
                assert made.status == 201, (at, made)
                fork_path, now = f"/provider/v1/tenants/{slug}/fork", moment(time.time())
                again = gateway.post(fork_path, {"slug": life.fresh(), "at": now}, key=gateway.provider_key)
                assert again.status == 201, again
            back = gateway.post(f"{path}/restore?at={made_at}", key=gateway.provider_key)
            assert back.status == 200, back
            at = moment(tick(time.time()))
            made = gateway.post(f"{path}/fork", {"slug": life.fresh(), "at": at}, key=gateway.provider_key)
            assert made.status == 201, made


def restores(checks, gateway, life):
    at, expected = life.known[len(life.known) // 2]
    with checks("B2 a tenant goes back to a moment: every row of then and none of after, its keys work, its log says "
                "so"):
        done = life.post(f"/restore?at={moment(at)}")
        assert done.status == 200, done
        found = rows(verified_export(gateway, life.shop.slug))
        assert not differing_restored(found, expected), differing_restored(found, expected)
        life.order()
        page = life.shop.admin("GET", "/audit?action=tenant.restored").json["data"]
        assert len(page) == 1, page
    with checks("B2 a moment from before the restore can still be gone to"):
        later, rows_then = life.known[-1]
        slug = life.fresh()
        made = life.post("/fork", {"slug": slug, "at": moment(later)})
        assert made.status == 201, made
        found = rows(verified_export(gateway, slug))
        assert not differing(found, rows_then), differing(found, rows_then)


def killed(checks, gateway, life):
    with checks("B2 G8 after kill -9 the past is there, up to the last answer"):
        life.act()
        life.note()
        at, expected = life.known[-1]
        gateway.kill()
        gateway.start()
        slug = life.fresh()
        made = life.post("/fork", {"slug": slug, "at": moment(at)})
        assert made.status == 201, made
        found = rows(verified_export(gateway, slug))
        assert not differing(found, expected), differing(found, expected)


def refusals(checks, gateway, life):
    with checks("B2 a moment that is still to come, or of before what is kept, is refused and nothing is made"):
        for at, status, code in (("2999-01-01T00:00:00Z", 422, None), ("2020-01-01T00:00:00Z", 409, "before_past")):
            for answer in (life.post("/fork", {"slug": "none-of-it", "at": at}), life.post(f"/restore?at={at}")):
                assert answer.status == status and code in (None, answer.json["code"]), answer
        assert gateway.get("/provider/v1/tenants/none-of-it", key=gateway.provider_key).status == 404
    with checks("B2 P6 both by command line"):
        at = moment(life.known[-1][0])
        for words in (("tenant", "fork", life.shop.slug, "by-command", "--at", at),
                      ("tenant", "restore", life.shop.slug, "--at", at)):
            ran = gateway.command(*words, "--json")
            assert ran.returncode == 0, (words, ran.stdout, ran.stderr)


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--commits", "log", demo=False) as gateway:
        life = Life(gateway)
        beginnings(checks, gateway, life)
        for _ in range(MOMENTS * (5 if options.long else 1)):
            life.act()
            life.note()
        forks(checks, gateway, life)
        restores(checks, gateway, life)
        killed(checks, gateway, life)
        refusals(checks, gateway, life)
    checks.finish()


if __name__ == "__main__":
    main()
