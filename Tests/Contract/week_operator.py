#!/usr/bin/env python3
"""An operator's week, to be read as a story: people and their passwords, resellers, the price book, stock, orders with
their details and refunds, who called what, and what the month came to. Each job is done by the API and once more by the
command line; what is done now and then is in operatorjobs.py."""

from decimal import Decimal
import json
import os
import tempfile
import urllib.parse

import operatorjobs as jobs
from office import OTHER, Office, refused
from payservice import API_KEY, SECRET
from shop import PASSWORD
from support import Checks, Gateway, arguments, verified_export, write_private


class Desk(Office):
    """The office, with a command line and a folder for its files."""

    def __init__(self, gateway, folder, **fields):
        super().__init__(gateway, **fields)
        self.folder = folder

    def ask(self, path, key=None):
        answer = self.call(key or self.owner, "GET", path)
        assert answer.status == 200, (path, answer)
        return answer.json

    def ids(self, path):
        return [row["id"] for row in self.ask(path)["data"]]

    def do(self, method, path, body=None, key=None, status=200):
        answer = self.call(key or self.owner, method, path, body)
        # What a call took away has no answer.
        assert answer.status in (status, 204), (method, path, answer)
        return answer.json if answer.body else None

    def line(self, *words, key=None, code=0):
        done = self.gateway.command(
            *words, "--tenant", self.shop.slug, environment={"TOLLGATE_OWNER_KEY": key or self.owner})
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def run(self, *words, key=None):
        return json.loads(self.line(*words, "--json", key=key))

    def found(self, *words):
        return [row["id"] for row in self.run(*words)["data"]]

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        write_private(path, text)
        return path


def people(checks, desk):
    reseller = desk.shop.invite(password=None)
    with checks("O13 the owner has an operator and somebody for support: one does the work, the other reads along"):
        ada, work = desk.person("ada", "operator")
        _, support = desk.person("sam", "support")
        assert desk.ask("/resellers", support)["data"] and desk.ask("/audit", support)["data"]
        path = f"/resellers/{reseller['id']}"
        refused(desk.call(support, "POST", path + "/approve"), 403, "support_reads")
        approved = desk.do("POST", path + "/approve", key=work)
        assert approved["approved_by"] == ada["email"] and approved["approved_at"], approved
        route = urllib.parse.quote("POST /api/admin/resellers/{id}/approve")
        row, = desk.ask(f"/audit?account={ada['email']}&action={route}")["data"]
        assert row["account"] == ada["email"] and row["reseller"] == reseller["id"], row
    with checks("O13 people, once more by command line"):
        made = desk.run("people", "add", f"bob@{desk.shop.slug}.example", "--name", "Bob", "--role", "support")
        desk.accept(made["invitation_url"])
        file = desk.file("bob", PASSWORD + "\n")
        token = desk.line("account", "sign-in", "--email", made["email"], "--password-file", file).strip()
        assert desk.run("people", "show", made["email"])["id"] == made["id"]
        assert desk.run("account", "show", key=token)["role"] == "support"
        assert "support reads" in desk.line("reseller", "suspend", reseller["id"], key=token, code=1).lower()
        assert desk.run("people", "change", made["email"], "--role", "operator")["role"] == "operator"
        assert desk.run("account", "key", "--name", "laptop", key=token)["key"].startswith("tgh_live_")
        assert desk.run("people", "change", made["email"], "--state", "disabled")["state"] == "disabled"
        assert desk.status(token) == 401 and len(desk.run("people", "list")["data"]) == 4
    return ada, work


def passwords(checks, desk, ada):
    with checks("O13 passwords are changed and reset, sessions are seen and ended"):
        here, there = desk.token(ada["email"]), desk.token(ada["email"])
        seen = desk.ask("/account/sessions", here)["data"]
        assert [row["current"] for row in seen].count(True) == 1 and len(seen) == 3, seen
        theirs = next(row for row in desk.ask("/account/sessions", there)["data"] if row["current"])
        assert desk.call(here, "DELETE", f"/account/sessions/{theirs['id']}").status in (200, 204)
        assert desk.status(there) == 401 and desk.status(here) == 200
        refused(desk.call(here, "POST", "/account/password", {"old": OTHER, "new": OTHER}), 422, "invalid_fields")
        changed = desk.call(here, "POST", "/account/password", {"old": PASSWORD, "new": OTHER})
        assert changed.status in (200, 204) and desk.status(here) == 401, changed
        assert desk.signs_in(ada["email"]).status == 401 and desk.signs_in(ada["email"], OTHER).status == 200
        desk.accept(desk.reset(ada).json["url"], "set by a link")
        token = desk.token(ada["email"], "set by a link")
        assert len(desk.ask(f"/people/{ada['id']}/sessions")["data"]) == 1
        desk.do("DELETE", f"/people/{ada['id']}/sessions")
        assert desk.status(token) == 401
    with checks("O13 passwords and sessions, once more by command line"):
        old, new = desk.file("old", "set by a link\n"), desk.file("new", PASSWORD + "\n")
        words = ["account", "sign-in", "--email", ada["email"], "--password-file", old]
        token, other = desk.line(*words).strip(), desk.run(*words)["token"]
        assert len(desk.run("account", "sessions", key=token)["data"]) == 2
        leaving = desk.run(*words)["token"]
        desk.line("account", "sign-out", key=leaving)
        assert desk.status(leaving) == 401
        assert "tollgate account sign-in" in desk.line("account", "sign-out", code=1)
        desk.line("account", "sessions", "--end-all", key=token)
        assert desk.status(other) == 401 and desk.status(token) == 200
        desk.line("account", "password", "--old-file", old, "--new-file", new, key=token)
        assert desk.status(token) == 401
        desk.accept(desk.run("people", "reset-password", ada["email"])["url"], OTHER)
        token = desk.token(ada["email"], OTHER)
        assert len(desk.run("people", "sessions", ada["email"])["data"]) == 1
        desk.line("people", "sessions", ada["email"], "--end-all")
        assert desk.status(token) == 401
    return desk.token(ada["email"], OTHER)


def resellers(checks, desk, work):
    with checks("O3 a reseller is edited, found, and invited anew"):
        gamma = desk.do("POST", "/resellers", {"email": "dev@gamma.example", "name": "Gamma"}, work, 201)
        path = f"/resellers/{gamma['id']}"
        changed = desk.do("PATCH", path, {
            "email": "shop@gamma.example", "company": "Gamma Ltd", "notes": "Pays late", "credit_limit": "50.00"}, work)
        assert changed["company"] == "Gamma Ltd" and changed["credit_limit"] == "50.00", changed
        assert desk.gateway.get(desk.path(gamma["invitation_url"])).status == 404
        for query in ("q=gamma%20l", "email=shop@gamma.example", "status=pending", f"q={gamma['id'][:20]}"):
            assert desk.ids(f"/resellers?{query}") == [gamma["id"]], query
        link = desk.do("POST", path + "/invitation", key=work, status=201)
        assert link["email"] == "shop@gamma.example"
        desk.accept(link["invitation_url"])
        refused(desk.call(work, "POST", path + "/invitation"), 409, "password_set")
    with checks("O3 resellers, once more by command line"):
        made = desk.run("reseller", "invite", "--email", "dev@delta.example", "--name", "Delta", key=work)
        words = ["--company", "Delta Ltd", "--notes", "New", "--discount", "5", "--rate-limit", "2000/60"]
        assert desk.run("reseller", "change", made["id"], *words, key=work)["default_discount_rate"] == "5"
        assert desk.found("reseller", "list", "--find", "delta l", "--status", "pending") == [made["id"]]
        assert "/invite/" in desk.run("reseller", "invitation", made["id"])["invitation_url"]
        assert desk.run("reseller", "approve", made["id"])["status"] == "active"
        assert desk.run("reseller", "show", made["id"])["company"] == "Delta Ltd"


def price_book(checks, desk, ada, work, reseller):
    shop, head, csv = desk.shop, "reseller,sku,wholesale_monthly\n", {"Content-Type": "text/csv"}

    def send(text, query="", **headers):
        return desk.call(work, "POST", f"/price-book.csv{query}", text.encode(), headers={**csv, **headers})

    with checks("O4 a price file is tried first, applied by its hash, and refused once the book has moved"):
        shop.price(reseller, "vps-1", {"wholesale_monthly": "8.00"})
        text = head + f"{reseller['id']},vps-1,9.50\n{reseller['id']},metal-1,80.00\n"
        tried = send(text, "?dry_run=true")
        assert tried.status == 200 and tried.json["changed"][0]["old"] == {"wholesale_monthly": "8.00"}, tried
        assert tried.json["counts"] == {"rows": 2, "new": 1, "changed": 1, "same": 0, "errors": 0}, tried
        book = {"If-Match": f"\"{tried.json['hash']}\""}
        assert send(text, **book).status == 200
        moved = send(text, **book)
        refused(moved, 412, "book_moved")
    with checks("O4 who changed this price?"):
        line, before = desk.ask(f"/resellers/{reseller['id']}/products/vps-1/history")["data"]
        assert (line["way"], line["account"]) == ("file", ada["email"]), line
        assert (line["from"]["wholesale_monthly"], line["to"]["wholesale_monthly"]) == ("8.00", "9.50"), line
        assert before["way"] == "call" and before["account"] == desk.owner_email, before
        assert desk.ask(f"/audit?request_id={line['request_id']}")["data"][0]["account"] == ada["email"]
    with checks("O4 the price book, once more by command line"):
        book = desk.file("book.csv", head + f"{reseller['email']},vps-1,10.00\n")
        tried = desk.run("price", "import", book, "--dry-run", key=work)
        desk.run("price", "set", reseller["id"], "metal-1", "--setup-fee", "40.00", key=work)
        assert "has changed since" in desk.line("price", "import", book, "--if-match", tried["hash"], code=1)
        again = desk.run("price", "import", book, "--dry-run")["hash"]
        desk.line("price", "import", book, "--if-match", again, key=work)
        told = desk.line("price", "history", "--reseller", reseller["id"], "--product", "vps-1")
        assert ada["email"] in told and "9.50" in told and "10.00" in told, told


def stock(checks, desk, work, reseller):
    other = desk.shop.reseller()
    text = "reseller,product,key,expiration\n" + "".join(
        f"{reseller['id']},legacy-vps,key-{n},2099-01-01\n" for n in range(6))
    with checks("O9 stock is corrected: a licence is withdrawn, another moved"):
        desk.run("licences", "import", desk.file("stock.csv", text), key=work)
        desk.do("POST", "/licences/withdraw", {"keys": ["key-0"]}, work)
        desk.do("POST", "/licences/move", {"keys": ["key-1"], "reseller": other["id"]}, work)
        assert [row["key"] for row in desk.ask(f"/licences?reseller={other['id']}")["data"]] == ["key-1"]
        gone = [(row["key"], row["moved_to"]) for row in desk.ask("/licences/withdrawn")["data"]]
        assert gone == [("key-1", other["id"]), ("key-0", None)], gone
    with checks("O9 stock, once more by command line"):
        assert desk.run("licences", "withdraw", "--licence", "key-2", key=work)["licences"] == 1
        desk.run("licences", "move", "--licence", "key-3", "--to-reseller", other["id"], key=work)
        assert "key-3" in desk.line("licences", "list", "--reseller", other["id"])
        assert "key-2" in desk.line("licences", "list", "--withdrawn")


def orders(checks, desk, work, reseller):
    shop, gateway = desk.shop, desk.gateway

    def place(sku, reference):
        body = {**shop.order_body(sku, customer="c-9"), "reference": reference}
        placed = gateway.order(shop.base + "/api/partner/v1/orders", body, reseller, reference)
        assert placed.status == 201, placed
        return placed.json["order"]["id"], placed.json["services"][0]["id"]

    order, service = place("metal-1", "invoice-17")
    by_line, other = place("metal-1", "invoice-18")
    quick, _ = place("vps-1", "invoice-19")
    with checks("O10 an order is found, carried out with its details, and something of it paid back"):
        for query in ("state=pending&reference=invoice-17", "q=INVOICE-17", f"reseller={reseller['id']}&q={order}"):
            assert desk.ids(f"/orders?{query}") == [order], query
        assert desk.ids("/orders?product=metal-1&customer=c-9") == [by_line, order]
        assert desk.ids(f"/services?order={order}&state=pending") == [service]
        desk.do("POST", f"/orders/{order}/activate", {"details": {
            "host": {"value": "h1.example"}, "password": {"value": "s3cret", "secret": True}}}, work)
        assert shop.get(reseller, f"/services/{service}").json["details"]["password"]["value"] == "s3cret"
        paid = desk.call(
            work, "POST", f"/orders/{order}/refund", {"amount": "5.00", "reason": "down", "service": service},
            headers={"Idempotency-Key": "refund-17"})
        assert paid.status in (200, 201) and paid.json["refund"]["service_id"] == service, paid
        seen = shop.get(reseller, f"/orders/{order}").json
        assert seen["refunded"] == "5.00" and seen["refunds"][0]["reason"] == "down", seen
    with checks("O10 orders, once more by command line"):
        assert desk.found("order", "list", "--state", "pending", "--find", "invoice-18") == [by_line]
        details = desk.file("details.json", json.dumps({"host": {"value": "h2.example"}}))
        desk.run("order", "activate", by_line, "--details-file", details, key=work)
        assert desk.found("service", "list", "--order", by_line) == [other]
        assert desk.run("service", "show", other)["details"]["host"]["value"] == "h2.example"
        desk.run("order", "refund", quick, "--amount", "1.50", "--reason", "late", key=work)
        assert desk.run("order", "show", quick)["refunded"] == "1.50"
    return order


def calls(checks, desk, ada, order, reseller):
    action = urllib.parse.quote("POST /api/admin/orders/{id}/refund")
    with checks("O6 the log says who did what to an order, under which request, by which route"):
        done = desk.ask(f"/audit?order={order}")["data"]
        names = [row["action"].rsplit("/", 1)[1] for row in done[::-1] if row["count"]]
        assert names == ["orders", "activate", "refund"] and done[0]["account"] == ada["email"], done
        assert desk.ask(f"/audit?request_id={done[0]['request_id']}")["data"][0] == done[0]
        assert len(desk.ask(f"/audit?account={ada['email']}&action={action}")["data"]) == 2
    with checks("O6 use is counted by key, with refusals apart"):
        limited = desk.shop.mint(reseller, limit={"requests": 2, "window_seconds": 3600}).json
        for path in ("/balance", "/orders/ord_nobodys", "/balance"):
            desk.gateway.get(desk.shop.base + "/api/partner/v1" + path, key=limited["key"])
        rows = desk.ask(f"/usage?key={limited['id']}")["data"]
        sums = {name: sum(row[name] for row in rows) for name in ("requests", "rate_limited", "other_refusals")}
        assert sums == {"requests": 3, "rate_limited": 1, "other_refusals": 1}, rows
    with checks("O6 log and use, once more by command line"):
        assert desk.run("audit", "list", "--order", order)["data"] == done
        assert desk.run("audit", "list", "--request-id", done[0]["request_id"])["data"][0] == done[0]
        words = ["--account", ada["email"], "--action", "POST /api/admin/orders/{id}/refund"]
        assert len(desk.run("audit", "list", *words)["data"]) == 2
        assert desk.run("audit", "usage", "--by-key", limited["id"], "--sort=-requests")["data"][0]["requests"] == 2


def limits_by_command(checks, desk, reseller):
    with checks("O2 P6 by command line: a key and its limit are shown, with who changed it, and tried at a reseller"):
        key = desk.shop.mint(reseller).json["id"]
        desk.run("limit", "set", key, "600/60")
        assert desk.run("key", "show", key)["limit"]["requests"] == 600
        assert "requests: 600" in desk.line("limit", "show", key)
        changed, = desk.run("limit", "history", key)["data"]
        assert changed["to"]["requests"] == 600 and changed["account"] == desk.owner_email, changed
        assert key in desk.found("key", "activity", "--reseller", reseller["id"])
        tried = desk.run("reseller", "rehearse", reseller["id"], "1/3600", "--days", "2")
        assert tried["limit"]["requests"] == 1 and tried["asked"] >= tried["would_be_refused"] > 0, tried
        desk.run("reseller", "change", reseller["id"], "--rate-limit", "5000/60")
        assert desk.run("reseller", "limit-history", reseller["id"])["data"][0]["to"]["requests"] == 5000
    with checks("O13 P6 by command line: where a reseller is signed in, and its end"):
        token = desk.shop.sign_in(reseller)
        session, = desk.run("reseller", "sessions", reseller["id"])["data"]
        desk.line("reseller", "sessions", reseller["id"], "--end", session["id"])
        assert desk.shop.get({"key": token}, "/account").status == 401


def proofs_by_command(checks, desk, order, reseller):
    with checks("O6 P6 by command line: a row of the log, and all of a request, with their proofs"):
        done = desk.run("audit", "list", "--order", order)["data"][0]
        shown = desk.run("audit", "show", str(done["seq"]))
        assert shown["sound"] is True and shown["records"][0]["request_id"] == done["request_id"], shown
        assert shown["seq"] in [row["seq"] for row in desk.run("audit", "request", done["request_id"])["data"]]
        assert done["account"] in desk.line("audit", "list", "--order", order)
    with checks("O8 P6 by command line: a ledger is compared, what differs is listed, and its review closed"):
        ledger = desk.file("ledger.jsonl", json.dumps(
            {"external_ref": "e-1", "kind": "topup", "amount": "1.00", "at": "2026-01-01"}) + "\n")
        found = desk.run("reconciliation", "run", ledger, "--reseller", reseller["id"])
        assert found["agrees"] is False and desk.found("review", "list", "--status", "open") == [found["review"]]
        told = desk.line("reconciliation", "show", found["id"])
        assert "missing here" in told and "e-1" in told, told
        assert desk.run("review", "close", found["review"], "--note", "a slip")["status"] == "closed"
        assert desk.run("review", "show", found["review"])["note"] == "a slip"
        assert desk.found("reconciliation", "list") == [found["id"]] and desk.run("credit-event", "list")["data"] == []


def services_by_command(checks, desk, order, reseller):
    with checks("A6 W13 P6 by command line: payment service and provisioner; secrets come from files alone"):
        words = ["--driver", "http", "--create-url", "https://pay.example/new", "--webhook-secret-file",
                 desk.file("signs", SECRET + "\n")]
        put = desk.run("payment-service", "set", *words, "--api-key-file", desk.file("key", API_KEY + "\n"))
        assert put["driver"] == "http" and put == desk.run("payment-service", "show"), put
        assert "has no --api-key" in desk.line("payment-service", "set", *words, "--api-key", "x", code=2)
        desk.line("payment-service", "remove")
        assert "payment service" in desk.line("payment-service", "show", code=1)
        made = desk.run("provisioning", "set", "https://make.example/unit", "--product", "vps-1")
        assert made["secret"].startswith("whsec_"), made
        assert "secret" not in desk.run("provisioning", "show", "--product", "vps-1")
        tried = desk.run("provisioning", "test", "--product", "vps-1", "--show-only")
        assert tried["sent"] is False and tried["request"]["url"] == "https://make.example/unit", tried
        desk.line("provisioning", "remove", "--product", "vps-1")
    with checks("H4 O7 P6 by command line: a reseller's webhook is shown, tried, paused and resumed"):
        hook = desk.shop.call(reseller, "POST", "/webhooks", {
            "name": "shop", "url": "https://there.example/hook", "events": ["order.created"]}).json["id"]
        assert desk.run("webhooks", "pause", hook)["state"] == "paused"
        assert desk.run("webhooks", "resume", hook)["state"] == desk.run("webhooks", "show", hook)["state"] == "active"
        assert "no answer came that can be read: dns" in desk.line("webhooks", "test", hook, code=1)
    with checks("O9 O10 O11 P6 by command line: stock and countries, a service's charges, whose customer it is"):
        assert "legacy-vps" in desk.line("stock", "levels", "--kind", "licences")
        assert [row["key"] for row in desk.run("licences", "list", "--licence", "key-3")["data"]] == ["key-3"]
        assert "exclude" in desk.line("licences", "list", "--withdrawn", "--licence", "key-3", code=2)
        desk.run("country", "set", "fr", "--base-price", "1.50", "--name", "France")
        assert "France" in desk.line("country", "list")
        service, = desk.found("service", "list", "--order", order)
        assert desk.run("service", "charges", service)["data"][-1]["period"] == 0
        assert desk.run("service", "cancel", service, "--at", "term_end")["ends_at"]
        assert desk.run("service", "keep", service)["ends_at"] is None
        customer, = desk.run("customer", "list", "--find", "c-9")["data"]
        assert desk.run("customer", "show", customer["id"]) == customer
        assert desk.run("overview")["steps"]["sale"] is True
    with checks("O4 P6 by command line: what the last orders would have come to at a new price"):
        book = desk.file("dearer.csv", f"reseller,sku,wholesale_monthly\n{reseller['email']},vps-1,12.00\n")
        told = desk.line("price", "import", book, "--dry-run", "--effect-days", "30")
        assert "repriced: " in told and reseller["id"] in told, told
        assert "--dry-run" in desk.line("price", "import", book, "--effect-days", "30", code=2)
        listed = desk.run("reseller", "list", "--mode", "test", "--find", reseller["email"])["data"][0]
        assert listed["balance"] != desk.run("reseller", "show", reseller["id"])["balance"], listed


def reports(checks, desk):
    def moved(kinds):
        """What statements say, over all resellers."""
        return -sum(
            Decimal(row["amount"]) for id in desk.ids("/resellers?limit=100")
            for row in desk.ask(f"/resellers/{id}/statement?limit=100")["data"] if row["kind"] in kinds)

    with checks("O14 turnover and refunds are what the statements come to"):
        line, = desk.ask("/reports/turnover?by=month")["data"]
        # A hold takes from the balance; what is carried out of it stays taken.
        sold = moved(("order", "hold", "void"))
        assert Decimal(line["captures"]) == sold > 0 and Decimal(line["refunds"]) == -moved(("refund",)) > 0, line
        assert Decimal(line["turnover"]) == sold + moved(("refund",)), line
        back, = desk.ask("/reports/refunds?by=month")["data"]
        assert back["count"] == 2 and back["refunds"] == line["refunds"] == "6.50", back
    with checks("O14 reports and statements, once more by command line; the file verifies"):
        assert desk.run("report", "turnover", "--by", "month")["data"] == [line]
        assert desk.run("report", "refunds", "--by", "month")["data"] == [back]
        path = os.path.join(desk.folder, "turnover.csv")
        desk.line("report", "turnover", "--by", "month", "--output", path)
        with open(path, encoding="utf-8") as file:
            assert line["turnover"] in file.read()
        verified_export(desk.gateway, desk.shop.slug)


def main():
    options = arguments()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, Gateway(options.tollgate, demo=False) as gateway:
        desk = Desk(gateway, folder)
        ada, _ = people(checks, desk)
        work = passwords(checks, desk, ada)
        resellers(checks, desk, work)
        reseller = desk.shop.reseller(balance="1000.00")
        price_book(checks, desk, ada, work, reseller)
        stock(checks, desk, work, reseller)
        order = orders(checks, desk, work, reseller)
        calls(checks, desk, ada, order, reseller)
        limits_by_command(checks, desk, reseller)
        proofs_by_command(checks, desk, order, reseller)
        services_by_command(checks, desk, order, reseller)
        jobs.catalogue(checks, desk, work)
        jobs.limits(checks, desk, reseller)
        jobs.what_waits(checks, desk, work)
        jobs.items_and_ports(checks, desk, work)
        jobs.customers(checks, desk, lambda blueprint: Desk(gateway, folder, blueprint=blueprint))
        jobs.standing(checks, desk, work)
        jobs.looks(checks, desk)
        jobs.resellers_end(checks, desk, work)
        reports(checks, desk)
        jobs.units(checks, desk, work, reseller)
        jobs.services(checks, desk, work, reseller)
        jobs.more_reports(checks, desk)
    checks.finish()


if __name__ == "__main__":
    main()
