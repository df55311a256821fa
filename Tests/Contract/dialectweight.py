"""A hundredth of a heavy tenant of the dialects that `weight` leaves out: codes and their subscribers, reported credit,
ledgers and users, licences, and ports with their renewals, made by the product's own operations. Every list of theirs,
the operator's and the resellers', with each of its filters, is asked for its first page and for those on; the work of
each statement is counted, as in `weight`. The lists and filters are those of the served descriptions.
"""

import json
import sys

from heavy import DAY_SECONDS, WIDE, Pipe, raw
from shop import ADMIN, PASSWORD, Shop
from support import Checks, arguments
from weight import EMPTY, judge, watched

BLUEPRINT = {
    "name": "dialects", "title": "Dialects", "currency": "USD", "key_prefix": "dia", "tier": "pro", "settings": {},
    "dialects": ["activation_codes", "credit_reports", "licence_keys", "proxy_ports"], "products": []}
CODES, CREDITS, LICENCES, PORTS = "/api/reseller", "/api/v1/reseller", "/reseller", "/v1"
RESELLERS, DAYS = 20, 5
# Of each reseller.
EVENTS, LICENCES_EACH, PORTS_EACH, SLOTS = 500, 500, 500, 250
BATCHES, BATCH = 5, 100
# Of all; each costs a tenth of a second of scrypt.
SUBSCRIBERS = USERS = 25
# One in so many: of ports is renewed, of licences is assigned and withdrawn, of events is reported with another amount.
RENEWED, MOVED, DIFFERING = 5, 50, 50
DEVICE_SLOTS = 20
LIST_PAGES_MAX = 20
# What the operator's API has of these dialects.
OPERATORS = EMPTY["they are another dialect's"] | {"/credit-events", "/subscribers/{id}/redemptions"}
# Lists that what is made here fills.
FULL = EMPTY["they are another dialect's"] | {
    "/credit-events", "/subscribers/{id}/redemptions", "/codes", "/myavailable", "/reseller/ports",
    "/reseller/customers", "/reseller/analytics"}


class Filled:
    """The tenant with its resellers."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.shop = Shop(gateway, "dialects", blueprint=BLUEPRINT["name"])
        self.base = self.shop.base
        self.resellers = []

    def fill(self):
        for sku in ("plan", "lifetime"):
            self.done("POST", "/products", {
                "sku": sku, "name": sku, "fulfilment": "instant", "days": 30, "retail_price": "2.00",
                "wholesale_price": "1.00"})
        self.done("PUT", "/countries/de", {"base_price": "0.10"})
        self.done("POST", "/ports", {"ports": self.stock()}, idempotent=True)
        for number in range(RESELLERS):
            reseller = self.shop.reseller("900000.00")
            minted = self.shop.mint(reseller, limit=WIDE)
            assert minted.status == 201, minted
            reseller.update(key=minted.json["key"], key_id=minted.json["id"], number=number)
            self.resellers.append(reseller)
        for work in (self.codes, self.credit, self.ledgers, self.licences, self.customers):
            for reseller in self.resellers:
                work(reseller)
        self.people()
        for day in range(DAYS):
            for reseller in self.resellers:
                self.ports(reseller, day)
            self.gateway.jump(DAY_SECONDS)

    def done(self, method, path, body=None, **options):
        """What the operator's call answers."""
        answer = self.shop.admin(method, path, body, **options)
        assert answer.status in (200, 201, 202), (method, path, answer)
        return answer.json

    def call(self, reseller, method, path, body=None, header=None):
        """What a reseller's call answers. `header`: its key stands there, not as a bearer."""
        key = {"headers": {header: reseller["key"]}} if header else {"key": reseller["key"]}
        answer = self.gateway.request(method, self.base + path, body, **key)
        assert answer.status in (200, 201), (method, path, answer)
        return answer.json

    def piped(self, reseller, requests):
        """The answers of many calls on one connection: (path, body)."""
        pipe = Pipe(self.gateway.port)
        bodies = pipe.run(raw("POST", self.base + path, reseller["key"], json.dumps(body).encode())
                          for path, body in requests)
        pipe.close()
        return [json.loads(body) for body in bodies]

    @staticmethod
    def stock():
        """Devices with a slot for each port that is bought."""
        return [{"device": f"d{number}", "server_ip": f"198.51.{number // 250}.{number % 250 + 1}",
                 "http_port": f"10001-{10_000 + DEVICE_SLOTS}", "socks_port": f"20001-{20_000 + DEVICE_SLOTS}",
                 "country": "de", "mode": "shared"} for number in range(RESELLERS * PORTS_EACH // DEVICE_SLOTS)]

    def codes(self, reseller):
        for _ in range(BATCHES):
            made = self.call(reseller, "POST", f"{CODES}/generate", {"planId": "plan", "count": BATCH}, "X-API-Key")
            reseller.setdefault("codes", []).extend(code["code"] for code in made["codes"])

    def credit(self, reseller):
        self.piped(reseller, [(f"{CREDITS}/credit", {
            "kind": "topup", "amount_usd": 5 + again, "external_ref": f"e-{number}"})
            for number in range(EVENTS) for again in range(2 if number % DIFFERING == 0 else 1)])

    def ledgers(self, reseller):
        lines = ["external_ref,kind,amount,at", *[f"e-{number},topup,5.00,2026-05-01T00:00:00Z"
                                                  for number in range(EVENTS)]]
        for _ in range(3):
            self.done("POST", f"/reconciliations?reseller={reseller['id']}", ("\n".join(lines) + "\n").encode(),
                      headers={"Content-Type": "text/csv"})

    def licences(self, reseller):
        keys = [f"ps-{reseller['number']}-{number}" for number in range(LICENCES_EACH)]
        self.done("POST", "/licences", {"licences": [
            {"reseller": reseller["id"], "product": "lifetime", "key": key, "expiration": "2099-01-01T00:00:00Z"}
            for key in keys]}, idempotent=True)
        self.done("POST", "/licences/withdraw", {"keys": keys[::MOVED]}, idempotent=True)
        for number, key in enumerate(keys[1::MOVED]):
            assigned = self.gateway.post(f"{self.base}{LICENCES}/assignlicense", {
                "api_token": reseller["key"], "license": key, "discord_user_id": str(100_000 + number)})
            assert assigned.status == 200, assigned
        reseller["licence"] = keys[2]

    def customers(self, reseller):
        reseller["customers"] = [self.call(reseller, "POST", f"{PORTS}/reseller/customers", {
            "email": f"c{number}@customer.example", "allocatedPortSlots": SLOTS, "externalId": f"crm-{number}"})["_id"]
            for number in range(PORTS_EACH // SLOTS)]

    def ports(self, reseller, day):
        """A day's share of them, and some that are renewed."""
        bought = self.piped(reseller, [(f"{PORTS}/reseller/ports", {
            "customerId": reseller["customers"][number % len(reseller["customers"])], "countryId": "de", "days": 30})
            for number in range(PORTS_EACH // DAYS)])
        self.piped(reseller, [(f"{PORTS}/reseller/ports/{port['port']['_id']}/renew", {"days": 30})
                              for port in bought[::RENEWED]])

    def people(self):
        """Subscribers, who redeem codes, and users of the panel."""
        for number in range(SUBSCRIBERS):
            code = self.resellers[number % RESELLERS]["codes"].pop()
            redeemed = self.gateway.post(
                f"{self.base}/activate/{code}", {"email": f"s{number}@there.example", "password": PASSWORD},
                headers={"Accept": "application/json", "X-Forwarded-For": f"198.18.0.{number + 1}"})
            assert redeemed.status == 200, redeemed
        for number in range(USERS):
            self.call(self.resellers[number % RESELLERS], "POST", f"{CREDITS}/signup", {
                "email": f"u{number}@there.example", "name": f"User {number}", "password": PASSWORD})

    # What is asked

    def ask(self, who, path):
        if who == "operator":
            return self.shop.admin("GET", path)
        if path.startswith(LICENCES + "/"):
            return self.gateway.get(f"{self.base}{path}{'&' if '?' in path else '?'}api_token={who['key']}")
        header = {"X-API-Key": who["key"]} if path.startswith((CODES, PORTS)) else {}
        return self.gateway.request("GET", self.base + path, key=None if header else who["key"], headers=header)

    def lists(self):
        """Every list of the served descriptions, plain and with each filter: (who asks, template, path)."""
        some = self.resellers[len(self.resellers) // 2]
        values = {
            "reseller": some["id"], "country": "de", "email": "s3@there.example", "key": some["licence"],
            "signed_up_via": some["key_id"], "customerId": some["customers"][0], "externalId": "crm-1",
            "external_ref": f"e-7&reseller={some['id']}", "from": "2026-01-01"}
        for who, api in (("operator", ADMIN), *((some, api) for api in (CODES, CREDITS, LICENCES, PORTS))):
            document = self.gateway.get(f"{self.base}{api}/openapi.json")
            assert document.status == 200, document
            for template, operations in document.json["paths"].items():
                filters = {each["name"]: each.get("schema", {}).get("enum", [values.get(each["name"])])
                           for each in operations.get("get", {}).get("parameters", ()) if each.get("in") == "query"}
                if not {"limit", "page"} & set(filters) or who == "operator" and template not in OPERATORS:
                    continue
                path = self.path(who, template if who == "operator" else api + template)
                # Some are of a person who is signed in.
                if path is None or who != "operator" and self.ask(who, path).status in (401, 403):
                    continue
                yield who, template, path
                for name in filters:
                    for value in filters[name]:
                        # A year at most is added up.
                        if value is not None and not (name == "from" and template == "/reseller/analytics"):
                            yield who, template, f"{path}?{name}={value}"

    def path(self, who, template):
        """With the first id of the list that it hangs on; None where that has nothing."""
        if "{" not in template:
            return template
        above, rest = template.split("/{", 1)
        rows = listed(self.ask(who, above).json)
        return f"{above}/{rows[0]['id']}{rest.split('}', 1)[1]}" if rows and "id" in rows[0] else None


def listed(answer):
    """The rows of a list, whatever the dialect calls them."""
    return next((member for member in answer.values() if isinstance(member, list)), [])


def walked(filled, who, path):
    """How many pages there were up to the most, and the rows of the first one."""
    if who != "operator" and path.startswith(f"{CODES}/codes"):
        first = filled.ask(who, path).json
        last = filled.ask(who, f"{path}{'&' if '?' in path else '?'}page={max(first['pages'], 1)}")
        assert last.status == 200, (path, last)
        return first["pages"], first["codes"]
    join, cursor, rows = "&" if "?" in path else "?", "", None
    for number in range(1, LIST_PAGES_MAX + 1):
        answer = filled.ask(who, f"{path}{join}limit=20{cursor}")
        assert answer.status == 200, (path, answer)
        rows = listed(answer.json) if rows is None else rows
        if not answer.json.get("has_more", answer.json.get("hasMore")):
            return number, rows
        name = "after" if "/events" in path else "cursor"
        cursor = f"&{name}={answer.json.get('next_cursor') or answer.json['nextCursor']}"
    return LIST_PAGES_MAX, rows


def main():
    options = arguments()
    checks = Checks()
    with watched(options, ["--trusted-proxy", "127.0.0.0/8"], BLUEPRINT) as (gateway, statements):
        filled = Filled(gateway)
        filled.fill()
        # What was prepared for the filling is prepared anew.
        gateway.stop()
        gateway.start()
        run(checks, filled, statements)
    checks.finish()


def run(checks, filled, statements):
    # What the tenant's file is opened with is read once.
    assert filled.ask("operator", "/settings").status == 200
    statements.since()
    asked, deepest, empty, templates = 0, 0, [], set()
    with checks("A5 L2 X4 O8 O9 W6 every list of the other dialects, with each filter, is there and is full"):
        for who, template, path in filled.lists():
            count, rows = walked(filled, who, path)
            asked, deepest = asked + 1, max(deepest, count)
            templates.add(template)
            if template in FULL and "?" not in path and not rows:
                empty.append(path)
        assert FULL <= templates, sorted(FULL - templates)
        assert asked > 40 and deepest == LIST_PAGES_MAX, (asked, deepest)
        assert not empty, empty
    runs = judge(checks, statements.since(), filled.gateway, filled.shop.slug)
    print(f"  {asked} lists; the longest statements:")
    for sql, (steps, scanned) in runs[:12]:
        print(f"  {steps:>7} steps, {scanned:>6} scanned: {sql[:150]}")


if __name__ == "__main__":
    sys.exit(main())
