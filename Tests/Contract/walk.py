#!/usr/bin/env python3
"""The gateway's main job from end to end, with curl and nothing else: a tenant, a reseller, prices, a key, a limit
tuned live, a signed order and its replay, a revocation, an export that verifies, and one that was tampered with.

Read it as a walk: every step says what it shows; with SHOW=1 in the environment the curl commands are printed as well.
"""

import hashlib
import hmac
import json
import os
import shlex
import sqlite3
import subprocess
import tempfile
import time

from support import Checks, Gateway, arguments, command, webhook_secret_bytes

SHOW = bool(os.environ.get("SHOW"))
options = arguments()
checks = Checks()


class Reply:
    """What curl printed: the status, the headers by name in lower case, the body as sent."""

    def __init__(self, output):
        head, self.bytes = output.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}

    @property
    def json(self):
        return json.loads(self.bytes)

    def __repr__(self):
        return f"{self.status} {self.bytes[:400]!r}"


def curl(method, url, body=None, key=None, headers=()):
    """curl -s -i -X METHOD URL -H 'Authorization: Bearer KEY' -d BODY"""
    words = ["curl", "-s", "-i", "--max-time", "30", "-X", method, url]
    if key:
        words += ["-H", f"Authorization: Bearer {key}"]
    for header in headers:
        words += ["-H", header]
    if body is not None:
        text = body if isinstance(body, str) else json.dumps(body)
        if not any(header.lower().startswith("content-type") for header in headers):
            words += ["-H", "Content-Type: application/json"]
        words += ["--data-binary", text]
    if SHOW:
        print("$ " + " ".join(shlex.quote(word) for word in words), flush=True)
    return Reply(subprocess.run(words, capture_output=True, check=True, timeout=60).stdout)


def signature(webhook_secret, timestamp, method, path, idempotency_key, body):
    """W5: hex HMAC-SHA256 of `{timestamp}.{METHOD}.{path}.{Idempotency-Key}.{body}` under the secret's bytes."""
    signed = f"{timestamp}.{method}.{path}.{idempotency_key}.{body}".encode()
    return "v1=" + hmac.new(webhook_secret_bytes(webhook_secret), signed, hashlib.sha256).hexdigest()


def signed_order(base_url, key, webhook_secret, body, idempotency_key):
    text, timestamp = json.dumps(body), int(time.time())
    path = "/" + base_url.split("/", 3)[3] + "/api/partner/v1/orders"
    return curl("POST", f"{base_url}/api/partner/v1/orders", text, key, headers=[
        f"Idempotency-Key: {idempotency_key}",
        f"X-Tollgate-Timestamp: {timestamp}",
        f"X-Tollgate-Signature: {signature(webhook_secret, timestamp, 'POST', path, idempotency_key, text)}",
    ])


with Gateway(options.tollgate) as gateway, tempfile.TemporaryDirectory() as folder:
    provider, provider_key = f"{gateway.base_url}/provider/v1", gateway.provider_key

    with checks("P1 the provider creates a tenant, and the very next request to it succeeds (P7)"):
        tenant = curl("POST", f"{provider}/tenants", {
            "slug": "acme", "blueprint": "hosting", "owner_email": "owner@acme.example",
            "password": "correct horse battery"}, provider_key)
        assert tenant.status == 201, tenant
        owner_key, base = tenant.json["owner_key"], tenant.json["base_url"]
        first = curl("GET", f"{base}/api/admin/resellers", key=owner_key)
        assert first.status == 200 and first.json["data"] == [], first

    with checks("W11 a reseller applies; until it is approved it gets 403"):
        applied = curl("POST", f"{base}/api/partner/v1/apply", {
            "email": "shop@beta.example", "name": "Beta Shop", "password": "battery horse correct"})
        assert applied.status == 201 and applied.json["status"] == "pending", applied
        reseller = applied.json["id"]
        session = curl("POST", f"{base}/api/partner/v1/session", {
            "email": "shop@beta.example", "password": "battery horse correct"}).json["token"]
        assert curl("GET", f"{base}/api/partner/v1/products", key=session).status == 403

    with checks("O3 the operator approves it, and gives it a signing secret, a discount and a balance"):
        approved = curl("POST", f"{base}/api/admin/resellers/{reseller}/approve", key=owner_key)
        assert approved.status == 200 and approved.json["status"] == "active", approved
        assert approved.json["approved_by"] == "owner@acme.example", approved
        rotated = curl("POST", f"{base}/api/admin/resellers/{reseller}/webhook-secret/rotate", key=owner_key)
        webhook_secret = rotated.json["webhook_secret"]
        changed = curl("PATCH", f"{base}/api/admin/resellers/{reseller}", {"default_discount_rate": "10"}, owner_key)
        assert changed.status == 200, changed
        topped_up = curl("POST", f"{base}/api/admin/resellers/{reseller}/balance",
                         {"amount": "100.00", "reference": "bank transfer 4711"}, owner_key,
                         headers=["Idempotency-Key: transfer-4711"])
        assert topped_up.status in (200, 201) and topped_up.json["balance"] == "100.00", topped_up

    with checks("O4 wholesale prices by CSV: all rows or none, each error with its line"):
        table = ("reseller,sku,wholesale_monthly,wholesale_quarterly,wholesale_semi_annual,wholesale_annual,"
                 "wholesale_hourly,wholesale_setup_fee,discount_rate_override,is_enabled,max_quantity\n")
        wrong = table + "".join(f"{reseller},{row}\n" for row in [
            "vps-1,4.00,,,43.20,,,,true,", "vps-2,eight,,,,,,,true,3", "no-such,1.00,,,,,,,true,"])
        refused = curl("POST", f"{base}/api/admin/price-book.csv", wrong, owner_key, headers=["Content-Type: text/csv"])
        assert refused.status == 422, refused
        assert [error["pointer"] for error in refused.json["errors"]] == [
            "/line/3/wholesale_monthly", "/line/4/sku"], refused
        assert curl("GET", f"{base}/api/partner/v1/products", key=session).json["data"] == []
        right = table + "".join(f"{reseller},{row}\n" for row in [
            "vps-1,4.00,,,43.20,,,,true,", "vps-2,8.05,,,,,1.25,,true,3"])
        imported = curl(
            "POST", f"{base}/api/admin/price-book.csv", right, owner_key, headers=["Content-Type: text/csv"])
        assert imported.status == 200, imported
        listed = curl("GET", f"{base}/api/partner/v1/products", key=session).json["data"]
        assert [row["product"] for row in listed] == ["vps-1", "vps-2"], listed
        assert listed[0]["terms"]["monthly"] == {"wholesale": "4.00", "net": "3.60"}, listed

    with checks("O1 the owner mints a key for it, shown once"):
        minted = curl("POST", f"{base}/api/admin/api-keys", {"owner_email": "shop@beta.example", "name": "shop"}, owner_key)
        assert minted.status == 201, minted
        key, key_id = minted.json["key"], minted.json["id"]
        assert key not in curl("GET", f"{base}/api/admin/api-keys", key=owner_key).bytes.decode()

    with checks("O2 G2 the owner tunes the key's limit, and the next call obeys it"):
        before = curl("GET", f"{base}/api/partner/v1/balance", key=key)
        assert before.headers["x-ratelimit-limit"] == "1000", before.headers
        limit = {"requests": 500, "window_seconds": 60, "burst": 50}
        assert curl("PUT", f"{base}/api/admin/api-keys/{key_id}/limit", limit, owner_key).status == 200
        after = curl("GET", f"{base}/api/partner/v1/balance", key=key)
        assert after.headers["x-ratelimit-limit"] == "500", after.headers
        assert after.headers["ratelimit-policy"] == '"key";q=500;w=60', after.headers

    order = {"product": "vps-2", "term": "monthly", "quantity": 2,
             "customer": {"external_id": "c-1001", "email": "ada@customer.example"}}

    with checks("W3 W4 a quote: 2 × 8.05 less 10 % is 14.49, setup 2.50 undiscounted; nothing is written"):
        quote = curl("POST", f"{base}/api/partner/v1/orders/quote", order, key)
        assert quote.status == 200, quote
        assert (quote.json["line_total"], quote.json["setup_total"], quote.json["wholesale_total"]) == (
            "14.49", "2.50", "16.99"), quote
        assert curl("GET", f"{base}/api/partner/v1/orders", key=key).json["data"] == []

    with checks("W4 W5 a signed order: 201, one service a unit, the quote's price, a signed audit head (G5)"):
        unsigned = curl("POST", f"{base}/api/partner/v1/orders", order, key, headers=["Idempotency-Key: order-1"])
        assert unsigned.status == 401, unsigned
        placed = signed_order(base, key, webhook_secret, order, "order-1")
        assert placed.status == 201, placed
        assert placed.json["wholesale_total"] == "16.99" and len(placed.json["services"]) == 2, placed
        assert curl("GET", f"{base}/api/partner/v1/balance", key=key).json["balance"] == "83.01"
        audit_head = placed.headers["audit-head"]

    with checks("G4 the same order again: the same bytes, Idempotency-Hit, not a cent more"):
        again = signed_order(base, key, webhook_secret, order, "order-1")
        assert again.status == 201 and again.bytes == placed.bytes, again
        assert again.headers["idempotency-hit"] == "true", again.headers
        assert curl("GET", f"{base}/api/partner/v1/balance", key=key).json["balance"] == "83.01"
        other = signed_order(base, key, webhook_secret, order | {"quantity": 1}, "order-1")
        assert other.status == 422, other

    with checks("W2 W4 refusals say what is wrong: 409 past max_quantity, 402 past the balance, 422 by field"):
        assert signed_order(base, key, webhook_secret, order, "order-2").json["code"] == "max_quantity_exceeded"
        poor = signed_order(base, key, webhook_secret, order | {"product": "vps-1", "term": "annual", "quantity": 9}, "order-3")
        assert poor.status == 402 and (poor.json["required"], poor.json["available"]) == ("349.92", "83.01"), poor
        wrong = signed_order(base, key, webhook_secret, order | {"quantity": "two"}, "order-4")
        assert wrong.status == 422 and wrong.json["errors"][0]["pointer"] == "/quantity", wrong

    with checks("W7 G2 a limit that binds: 429 with Retry-After"):
        assert curl("PUT", f"{base}/api/admin/api-keys/{key_id}/limit", {"requests": 1, "window_seconds": 60}, owner_key).status == 200
        answers = [curl("GET", f"{base}/api/partner/v1/balance", key=key) for _ in range(3)]
        assert answers[-1].status == 429 and int(answers[-1].headers["retry-after"]) >= 1, answers

    with checks("G3 the key is revoked, and its next call is 401"):
        assert curl("DELETE", f"{base}/api/admin/api-keys/{key_id}", key=owner_key).status == 200
        assert curl("GET", f"{base}/api/partner/v1/balance", key=key).status == 401

    with checks("O6 the audit log names who did what"):
        log = curl("GET", f"{base}/api/admin/audit?reseller={reseller}&limit=100", key=owner_key)
        assert log.status == 200, log
        statuses = [row["status"] for row in log.json["data"] if "POST" in str(row) and "/orders" in str(row)]
        assert 201 in statuses and 402 in statuses and 409 in statuses, statuses

    exported = os.path.join(folder, "acme.sqlite")
    with checks("P5 G5 the provider exports the tenant: one SQLite file, which verifies offline, the order's head in it"):
        with open(exported, "wb") as file:
            words = ["curl", "-s", "-f", f"{provider}/tenants/acme/export", "-H", f"Authorization: Bearer {provider_key}"]
            subprocess.run(words, stdout=file, check=True, timeout=60)
        verified = command(options.tollgate, "verify", exported, "--head", audit_head)
        assert verified.returncode == 0, (verified.stdout, verified.stderr)

    def tampered(*statements):
        """A copy of the export in which somebody with a database shell has been at work."""
        path = os.path.join(folder, "tampered.sqlite")
        with open(exported, "rb") as source, open(path, "wb") as copy:
            copy.write(source.read())
        shell = sqlite3.connect(path)
        for trigger, in shell.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            shell.execute(f'DROP TRIGGER "{trigger}"')
        for statement in statements:
            assert shell.execute(statement).rowcount >= 1, f"nothing to tamper with: {statement}"
        shell.commit()
        shell.close()
        return command(options.tollgate, "verify", path, "--head", audit_head)

    with checks("G5 an amount changed in the file: verify fails, and says what"):
        result = tampered("UPDATE entry SET amount = amount + 1000000 WHERE id = (SELECT max(id) FROM entry)")
        assert result.returncode == 1, (result.returncode, result.stdout, result.stderr)
        assert "ledger" in result.stdout.lower() or "entr" in result.stdout.lower(), result.stdout

    with checks("G5 a sum changed in both entries and both balances: still found out"):
        result = tampered(
            "UPDATE entry SET amount = amount + 1000000, balance_after = balance_after + 1000000 WHERE id IN"
            " (SELECT id FROM entry WHERE amount < 0 ORDER BY id DESC LIMIT 1)",
            "UPDATE entry SET amount = amount - 1000000, balance_after = balance_after - 1000000 WHERE posting_id ="
            " (SELECT max(posting_id) FROM entry) AND amount > 0",
            "UPDATE ledger_account SET balance = (SELECT balance_after FROM entry WHERE account_id = ledger_account.id"
            " ORDER BY id DESC LIMIT 1) WHERE id IN (SELECT account_id FROM entry)")
        assert result.returncode == 1, (result.returncode, result.stdout, result.stderr)

    with checks("G5 an order's total changed, a row of the log changed, a row cut off its end: each is found out"):
        for statement in [
            "UPDATE orders SET wholesale_total = wholesale_total - 1000000",
            "UPDATE audit SET status = 200 WHERE status = 402",
            "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
            "DELETE FROM audit WHERE seq = 3",
            "DELETE FROM idempotency",
            "DELETE FROM service",
        ]:
            result = tampered(statement)
            assert result.returncode == 1, (statement, result.returncode, result.stdout, result.stderr)

checks.finish()
