"""A new tenant of another's state: nobody's way into the one is a way into the other, nothing leaves it, and its log
proves both (B2)."""

import contextlib
import json
import os
import sqlite3
import tempfile

from shop import PARTNER, Shop
from support import Checks, Gateway, arguments, command, verified_export

WORDS = "correct horse battery"
SECRETS = ("api_key_secret", "account_link", "service_details", "provisioner", "known_place")


@contextlib.contextmanager
def opened(content):
    """An export's bytes as a database."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(content)
        file.flush()
        with contextlib.closing(sqlite3.connect(f"file:{file.name}?mode=ro&immutable=1", uri=True)) as database:
            yield database


def rows(database, sql):
    return database.execute(sql).fetchall()


class Fork:
    def __init__(self, gateway, parent, slug, at=None):
        self.gateway, self.slug = gateway, slug
        self.answer = gateway.post(
            f"/provider/v1/tenants/{parent}/fork", {"slug": slug, **({"at": at} if at else {})},
            key=gateway.provider_key)

    @property
    def made(self):
        assert self.answer.status == 201, self.answer
        return self.answer.json

    def admin(self, method, path, body=None, key=None):
        return self.gateway.request(
            method, f"/t/{self.slug}/api/admin{path}", body, key=key or self.made["owner_key"])


def busy_shop(gateway):
    """With a reseller who has ordered, stock, a pending invitation, a webhook, a payment service and a provisioner."""
    shop = Shop(gateway, password=WORDS)
    reseller = shop.reseller(balance="1000.00", password=WORDS)
    shop.invite(password=None)
    instant, stocked = shop.product(), shop.product("stock")
    for sku in (instant, stocked):
        shop.price(reseller, sku, {"wholesale_monthly": "5.00"})
    put = shop.admin("POST", f"/products/{stocked}/stock", b"item\nfirst-real-code\nsecond-real-code\n",
        idempotent=True,
                     headers={"Content-Type": "text/csv"})
    assert put.status in (200, 201), put
    for sku in (instant, stocked):
        ordered = shop.order(reseller, sku)
        assert ordered.status == 201, ordered
    hook = shop.call(reseller, "POST", "/webhooks", {
        "name": "hook", "url": "https://127.0.0.1:9/", "events": ["order.created"]})
    assert hook.status == 201, hook
    for path, body in (
            ("/payment-service", {"driver": "http", "create_url": "https://127.0.0.1:9/", "api_key": "an-api-key",
                                  "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}),
            ("/provisioning", {"url": "https://127.0.0.1:9/"})):
        done = shop.admin("PUT", path, body)
        assert done.status in (200, 201), (path, done)
    return shop, reseller, stocked


def state(checks, gateway, shop, reseller):
    fork = Fork(gateway, shop.slug, "fork-one")
    with checks("B2 a fork is a tenant of its own with the other's resellers, prices and balances"):
        assert fork.made["id"] != shop.made["id"] and fork.made["forked_from"] == shop.made["id"], fork.made
        theirs, ours = shop.admin("GET", "/resellers").json["data"], fork.admin("GET", "/resellers").json["data"]
        assert [row["email"] for row in ours] == [row["email"] for row in theirs]
        assert [row["balance"] for row in ours] == [row["balance"] for row in theirs], (ours, theirs)
        prices = [each.admin("GET", "/price-book.csv").body for each in (shop, fork)]
        assert prices[0] == prices[1] and prices[0].count(b"\n") > 1, prices
    with checks("B2 no key, session or password of the one opens the other"):
        for key in (shop.owner_key, reseller["key"]):
            assert fork.admin("GET", "/resellers", key=key).status == 401
            answer = gateway.get(f"/t/{fork.slug}{PARTNER}/products", key=key)
            assert answer.status == 401, answer
        assert shop.admin("GET", "/resellers", key=fork.made["owner_key"]).status == 401
        assert shop.admin("GET", "/resellers").status == 200
        signed_in = gateway.post(f"/t/{fork.slug}{PARTNER}/session", {"email": reseller["email"], "password": WORDS})
        assert signed_in.status == 401, signed_in
        keys = fork.admin("GET", "/api-keys").json["data"]
        alive = [key for key in keys if not key["revoked_at"]]
        assert len(alive) == 1 and alive[0]["name"] == "owner", keys
    with checks("B2 nothing that was sealed comes along, webhooks and payments are off"):
        with opened(verified_export(gateway, fork.slug)) as database:
            assert rows(database, "SELECT count(*) FROM api_key_secret") == [(1,)]
            for table in SECRETS[1:]:
                assert rows(database, f"SELECT count(*) FROM {table}") == [(0,)], table
            assert rows(database, "SELECT count(*) FROM account WHERE password_hash IS NOT NULL") == [(0,)]
            assert rows(database, "SELECT count(*) FROM webhook_endpoint WHERE state <> 'disabled'") == [(0,)]
            assert rows(database, "SELECT count(*) FROM webhook_endpoint")[0][0] > 0
            assert rows(database, "SELECT count(*) FROM payment_service WHERE ended_at IS NULL") == [(0,)]
            assert rows(database, "SELECT count(*) FROM delivery WHERE state = 'pending'") == [(0,)]
            with opened(verified_export(gateway, shop.slug)) as parent:
                sealed = {bytes for bytes, in rows(parent, "SELECT sealed FROM webhook_secret")}
                assert sealed and not sealed & {bytes for bytes, in rows(database, "SELECT sealed FROM webhook_secret")}
    return fork


def orders(checks, gateway, shop, fork, reseller, stocked):
    with checks("B2 with a key and a secret minted there a reseller orders in the fork, and no real code leaves it"):
        minted = fork.admin("POST", "/api-keys", {"owner_email": reseller["email"]})
        assert minted.status == 201, minted
        theirs = fork.admin("GET", f"/resellers?email={reseller['email']}").json["data"][0]
        rotated = fork.admin("POST", f"/resellers/{theirs['id']}/webhook-secret/rotate", {"overlap_seconds": 0})
        assert rotated.status == 200, rotated
        ours = {"key": minted.json["key"], "webhook_secret": rotated.json["webhook_secret"]}
        placed = gateway.order(
            f"/t/{fork.slug}{PARTNER}/orders", shop.order_body(stocked), ours, "first-of-the-fork")
        assert placed.status == 201, placed
        service = placed.json["services"][0]["id"]
        details = gateway.get(f"/t/{fork.slug}{PARTNER}/services/{service}", key=ours["key"])
        assert details.status == 200 and b"real-code" not in details.body, details
        left = shop.admin("GET", f"/products/{stocked}/stock").json
        assert left["free"] == 1, left


def chain(checks, gateway, shop, fork):
    tollgate = gateway.tollgate
    with checks("B2 G5 the fork's first own row says of whom it is, and its log and its parent's verify whole"):
        head = shop.admin("GET", "/audit/head").json
        copy = verified_export(gateway, fork.slug, "--all-signatures")
        verified_export(gateway, shop.slug, "--all-signatures")
        with opened(copy) as database:
            lineage, = rows(database, "SELECT lineage FROM meta")[0]
            tenant, _, through = lineage.split(":")
            assert tenant == shop.made["id"], lineage
            first = rows(database, f"SELECT action, detail, incarnation FROM audit WHERE seq = {int(through) + 1}")[0]
            assert first[0] == "tenant.forked" and first[2] == 2, first
            detail = json.loads(first[1])
            assert detail["from"] == shop.made["id"] and detail["head"].startswith(f"1:{through}:"), detail
        verified = fork.admin("POST", "/audit/verify", {})
        assert verified.status == 200 and not verified.json["findings"], verified
        assert head, head
    with checks("B2 a head that the parent gave out before stands in the fork's log"):
        verified_export(gateway, fork.slug, "--head", detail["head"])
    with checks("B2 a fork of a fork verifies, and tells of both"):
        second = Fork(gateway, fork.slug, "fork-two")
        with opened(verified_export(gateway, second.made["slug"], "--all-signatures")) as database:
            lineage, = rows(database, "SELECT lineage FROM meta")[0]
            assert [part.split(":")[0] for part in lineage.split(" ")] == [shop.made["id"], fork.made["id"]], lineage
    with checks("B2 a fork whose lineage was changed does not verify"):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "changed.sqlite")
            for change in ("UPDATE meta SET lineage = NULL",
                           "UPDATE meta SET lineage = replace(lineage, substr(lineage, 1, 8), '00000000')",
                           f"UPDATE meta SET lineage = replace(lineage, ':{through}', ':{int(through) - 1}')"):
                with open(path, "wb") as file:
                    file.write(copy)
                with contextlib.closing(sqlite3.connect(path)) as database:
                    database.execute(change)
                    database.commit()
                result = command(tollgate, "verify", path)
                assert result.returncode != 0 and "audit" in result.stdout + result.stderr, (change, result.stdout)


def apart(checks, gateway, shop, fork):
    with checks("B2 G1 what is done in the fork is not done in its parent, and the other way round"):
        assert fork.admin("POST", "/resellers", {"email": "only@fork.example", "name": "F"}).status == 201
        assert shop.admin("POST", "/resellers", {"email": "only@shop.example", "name": "S"}).status == 201
        emails = [{row["email"] for row in each.admin("GET", "/resellers").json["data"]} for each in (shop, fork)]
        assert "only@fork.example" not in emails[0] and "only@shop.example" not in emails[1], emails
    with checks("P5 a fork is exported, restored and deleted as any tenant; its parent's export is not its own"):
        copy, parents = verified_export(gateway, fork.slug), verified_export(gateway, shop.slug)

        def restore(content):
            return gateway.post(
                f"/provider/v1/tenants/{fork.slug}/restore", content, key=gateway.provider_key,
                headers={"Content-Type": "application/vnd.sqlite3"})

        wrong = restore(parents)
        assert (wrong.status, wrong.json["code"]) == (422, "another_tenants_file"), wrong
        assert restore(copy).status == 200
        verified_export(gateway, fork.slug)


def refusals(checks, gateway, shop):
    with checks("B2 a fork's name is judged as a new tenant's, and nothing is left of one that is refused"):
        for slug, status in ((shop.slug, 409), ("Not A Slug", 422), ("admin", 422), ("", 422)):
            answer = Fork(gateway, shop.slug, slug).answer
            assert answer.status == status, (slug, answer)
        assert Fork(gateway, "nobody", "fork-none").answer.status == 404
        unknown = gateway.post(
            f"/provider/v1/tenants/{shop.slug}/fork", {"slug": "fork-none", "more": 1}, key=gateway.provider_key)
        assert unknown.status == 422, unknown
        assert gateway.get("/provider/v1/tenants/fork-none", key=gateway.provider_key).status == 404
        assert Fork(gateway, shop.slug, "fork-none", at="2999-01-01T00:00:00Z").answer.status == 422
    with checks("B2 P6 the same by command line"):
        made = gateway.command("tenant", "fork", shop.slug, "fork-by-command", "--json")
        assert made.returncode == 0, (made.stdout, made.stderr)
        assert json.loads(made.stdout)["owner_key"], made.stdout
        refused = gateway.command("tenant", "fork", shop.slug, "fork-by-command")
        assert refused.returncode != 0 and "this slug" in refused.stderr, refused.stderr


def without_log(checks, gateway, shop):
    with checks("B2 a moment of the past needs a log: without one fork and restore name the setting"):
        for answer in (
                Fork(gateway, shop.slug, "fork-then", at="2026-01-01T00:00:00Z").answer,
                gateway.post(f"/provider/v1/tenants/{shop.slug}/restore?at=2026-01-01T00:00:00Z",
                             key=gateway.provider_key)):
            assert answer.status == 409 and answer.json["code"] == "past_not_kept", answer
            assert "--commits log" in answer.json["detail"], answer
        both = gateway.post(
            f"/provider/v1/tenants/{shop.slug}/restore?at=2026-01-01T00:00:00Z", b"x", key=gateway.provider_key)
        assert both.status == 400, both


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
        shop, reseller, stocked = busy_shop(gateway)
        fork = state(checks, gateway, shop, reseller)
        orders(checks, gateway, shop, fork, reseller, stocked)
        chain(checks, gateway, shop, fork)
        apart(checks, gateway, shop, fork)
        refusals(checks, gateway, shop)
    with Gateway(options.tollgate, "--commits", "files", demo=False) as gateway:
        without_log(checks, gateway, Shop(gateway))
    checks.finish()


if __name__ == "__main__":
    main()
