"""X1–X8 and the ports of O9: proxy ports, compared with what the product document says."""

from http import HTTPStatus
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid

from support import ROOT, Checks, Gateway, arguments, python_of_tests, shape, together, verified_export

BASE = "/t/proxies/v1"
ADMIN = "/t/proxies/api/admin"
SEEDS = os.path.join(ROOT, "Tests", "Contract", "seeds")
CALLERS = 24
DAY_MS = 86_400_000


def python_with_requests():
    """An interpreter that has `requests`, which the document's program imports."""
    if subprocess.run([sys.executable, "-c", "import requests"], capture_output=True).returncode == 0:
        return sys.executable
    return python_of_tests()


class Client:
    """A reseller's key in `X-API-Key`."""

    def __init__(self, gateway, key, base=BASE):
        self.gateway, self.key, self.base = gateway, key, base

    def __call__(self, method, path, body=None, **headers):
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.gateway.request(method, self.base + path, body, headers={"X-API-Key": self.key, **names})

    def customer(self, slots=10, **fields):
        answer = self("POST", "/reseller/customers", {"email": "a@b.example", "name": "A", "allocatedPortSlots": slots, **fields})
        assert answer.status == 201, answer
        return answer.json

    def port(self, customer, country="germany_id", days=30, **fields):
        return self("POST", "/reseller/ports", {"customerId": customer["_id"], "countryId": country, "days": days, **fields})

    def balance(self):
        answer = self("GET", "/reseller/balance")
        assert answer.status == 200, answer
        return raw(answer, "balance")


def raw(answer, name):
    """A number as it stands in the text: amounts are compared digit for digit."""
    match = re.search(rb'"%s":(-?[0-9.]+)' % name.encode(), answer.body)
    return match and match.group(1).decode()


def refused(answer, status, words=""):
    assert answer.status == status, answer
    body = answer.json
    assert set(body) == {"statusCode", "error", "message"}, body
    phrase = {413: "Content Too Large", 422: "Unprocessable Content"}.get(status) or HTTPStatus(status).phrase
    assert body["statusCode"] == status and body["error"] == phrase and isinstance(body["message"], str), body
    assert words in body["message"], body
    assert answer.headers["content-type"] == "application/json", answer.headers


def sign_in(gateway, reseller):
    return gateway.post(
        BASE + "/login/signin", {"email": reseller["email"], "password": reseller["password"]}).json["access_token"]


def mint(gateway, token, **fields):
    answer = gateway.post(BASE + "/api-keys", {"name": "My App", **fields}, key=token)
    assert answer.status == 201, answer
    return answer.json["key"]


def new_reseller(gateway, email, balance="500.00"):
    """Its client; made by the operator, signed in as itself."""
    owner = gateway.tenant("proxies")["owner_key"]
    made = gateway.post(ADMIN + "/resellers", {"email": email, "name": "R", "password": "a password"}, key=owner)
    assert made.status == 201, made
    id = made.json["id"]
    assert gateway.post(f"{ADMIN}/resellers/{id}/approve", key=owner).status == 200
    top = gateway.post(
        f"{ADMIN}/resellers/{id}/balance", {"amount": balance, "reference": "start"}, key=owner,
        headers={"Idempotency-Key": uuid.uuid4().hex})
    assert top.status == 201 or top.status == 200, top
    token = sign_in(gateway, {"email": email, "password": "a password"})
    client = Client(gateway, mint(gateway, token))
    client.id, client.token = id, token
    return client


def stock(gateway, rows, mode="live", key=None):
    owner = gateway.tenant("proxies")["owner_key"]
    return gateway.post(
        f"{ADMIN}/ports?mode={mode}", {"ports": rows}, key=owner,
        headers={"Idempotency-Key": key or uuid.uuid4().hex})


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate) as gateway:
        run(gateway, checks)
        with checks("G5 the tenant's file verifies after all of this"):
            export = verified_export(gateway, "proxies")
            for secret in [b"psx_live_", *PASSWORDS]:
                # The display prefix of a key is told; a whole key or a port's password is not.
                found = re.search(secret + (rb"[0-9A-Za-z]{22}" if secret == b"psx_live_" else b""), export)
                assert not found, "a secret stands in the export"
    checks.finish()


PASSWORDS = []


def run(gateway, checks):
    owner = gateway.tenant("proxies")["owner_key"]
    first = gateway.reseller("proxies")
    shop = Client(gateway, first["key"])

    with checks("X2 the default price book is margin, 20 % on everything"):
        answer = shop("GET", "/reseller/pricebook")
        assert answer.status == 200, answer
        book = answer.json
        assert book["pricingMode"] == "margin" and book["defaultMarginPercent"] == 20, book
        assert book["portPricing"]["marginPercent"] == 20 and book["trafficPricing"]["marginPercent"] == 20, book

    with checks("X8 the document's Node and Python programs run to the end, and again"):
        for _ in range(2):
            with tempfile.TemporaryDirectory() as folder:
                for name, command in [("003_node.mjs", "node"), ("003_python.py", python_with_requests())]:
                    text = open(os.path.join(SEEDS, name), encoding="utf-8").read()
                    assert "psx_your_key" in text and "https://api.proxies.sx/v1" in text
                    text = text.replace("psx_your_key", first["key"])
                    text = text.replace("https://api.proxies.sx/v1", f"{gateway.base_url}/v1")
                    path = os.path.join(folder, name)
                    open(path, "w", encoding="utf-8").write(text)
                    done = subprocess.run([command, path], capture_output=True, text=True, timeout=60)
                    assert done.returncode == 0, done.stdout + done.stderr
                    assert re.search(r"^Proxy( ready)?: \d+\.\d+\.\d+\.\d+:\d+$", done.stdout), done.stdout
        assert shop.balance() == "260.00", shop.balance()

    account(gateway, checks, first)
    pricebook(gateway, checks)
    money(gateway, checks)
    thresholds(gateway, checks)
    customers(gateway, checks, shop)
    ports(gateway, checks, owner)
    webhooks(gateway, checks)
    imports(gateway, checks, owner)
    sandbox(gateway, checks)
    documents(gateway, checks, shop)
    races(gateway, checks, owner)


def account(gateway, checks, first):
    with checks("X1 sign-in gives an access_token, which mints a key that is shown once"):
        answer = gateway.post(BASE + "/login/signin", {"email": first["email"], "password": first["password"]})
        assert answer.status == 200 and isinstance(answer.json["access_token"], str), answer
        token = answer.json["access_token"]
        scopes = ["customers:read", "customers:write", "ports:read", "ports:write"]
        minted = gateway.post(BASE + "/api-keys", {"name": "My App", "scopes": scopes}, key=token)
        assert minted.status == 201 and minted.json["key"].startswith("psx_live_"), minted
        assert minted.json["scopes"] == scopes and minted.json["name"] == "My App", minted
        listed = gateway.get(BASE + "/api-keys", key=token).json["apiKeys"]
        assert minted.json["_id"] in [key["_id"] for key in listed] and all("key" not in key for key in listed), listed
        key = Client(gateway, minted.json["key"])
        assert key("GET", "/reseller/customers").status == 200
        # A bare path: the key says whose it is.
        assert Client(gateway, minted.json["key"], "/v1")("GET", "/reseller/customers").status == 200
        assert gateway.delete(f"{BASE}/api-keys/{minted.json['_id']}", key=token).status == 200
        refused(key("GET", "/reseller/customers"), 401)

    with checks("X1 scopes are enforced; any key reads the price book; webhooks take one that may write"):
        token = sign_in(gateway, first)
        reader = Client(gateway, mint(gateway, token, scopes=["ports:read"]))
        assert reader("GET", "/reseller/ports").status == 200
        for method, path, body in [
            ("POST", "/reseller/ports", {}), ("GET", "/reseller/customers", None), ("POST", "/reseller/customers", {}),
            ("POST", "/reseller/customers/x/topup", {}), ("PATCH", "/reseller/customers/x", {}),
            ("POST", "/reseller/ports/x/rotate", None),
        ]:
            refused(reader(method, path, body), 403, "scope")
        assert reader("GET", "/reseller/pricebook").status == 200
        assert reader("POST", "/reseller/pricebook/calculate", {"basePrice": 1}).status == 200
        writers = [
            Client(gateway, mint(gateway, token, scopes=[scope])) for scope in ("customers:write", "ports:write")]
        for method, path, body in [
            ("PUT", "/reseller/pricebook", {}), ("POST", "/reseller/pricebook/country-override", {}),
            ("GET", "/reseller/webhooks", None), ("POST", "/reseller/webhooks", {}),
            ("DELETE", "/reseller/webhooks/x", None),
            ("POST", "/reseller/webhooks/x/test", {}), ("POST", "/reseller/webhooks/x/secret/rotate", {}),
        ]:
            refused(reader(method, path, body), 403, "scope")
            for writer in writers:
                assert writer(method, path, body).status in (200, 404, 422), (method, path)

    with checks("X1 unknown keys, wrong passwords, wrong roles and lost paths are refused in the envelope"):
        for key in ["psx_live_nonsense", "", "psx_your_key_here"]:
            refused(Client(gateway, key)("GET", "/reseller/pricebook"), 401)
        refused(gateway.get(BASE + "/reseller/pricebook"), 401)
        refused(gateway.post(BASE + "/login/signin", {"email": first["email"], "password": "wrong one"}), 401)
        refused(gateway.post(BASE + "/login/signin", {"email": "no@one.example", "password": "wrong one"}), 401)
        refused(gateway.post(BASE + "/login/signin", {"email": 1}), 422, "password is required")
        refused(gateway.post(BASE + "/login/signin", b"{"), 400)
        refused(Client(gateway, first["key"])("POST", "/api-keys", {"name": "x"}), 403)
        refused(Client(gateway, gateway.tenant("proxies")["owner_key"])("GET", "/reseller/pricebook"), 403)
        refused(Client(gateway, first["key"])("GET", "/reseller/nowhere"), 404)
        refused(Client(gateway, first["key"])("DELETE", "/reseller/pricebook"), 405)
        # Another tenant's key is an unknown key.
        refused(Client(gateway, gateway.reseller("hosting")["key"])("GET", "/reseller/pricebook"), 401)

    with checks("G2 every authenticated answer carries the limit's headers"):
        answer = Client(gateway, first["key"])("GET", "/reseller/pricebook")
        for name in ["ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]:
            assert name in answer.headers, answer.headers


def pricebook(gateway, checks):
    shop = new_reseller(gateway, "pricebook@shop.example")

    def calculate(**body):
        answer = shop("POST", "/reseller/pricebook/calculate", {"type": "port", "basePrice": 2.00, "days": 30, **body})
        assert answer.status == 200, answer
        return answer

    with checks("X2 the document's calculation: $2 × 30 days at 25 % is 60.00 / 75.00 / 15.00, as documented"):
        put = shop("PUT", "/reseller/pricebook", {
            "pricingMode": "margin", "defaultMarginPercent": 25, "portPricing": {"marginPercent": 25}})
        assert put.status == 200 and put.json["portPricing"]["marginPercent"] == 25, put
        assert put.json["trafficPricing"]["marginPercent"] == 20, "PUT merges"
        answer = calculate(countryId="optional_country_id")
        assert answer.body == (
            b'{"basePrice":60.00,"resellerPrice":75.00,"marginAmount":15.00,"marginPercent":25,'
            b'"appliedRules":["Margin: +25%","30 days"]}'), answer

    with checks("X2 a country's override comes before port pricing; an unknown country has none"):
        made = shop("POST", "/reseller/pricebook/country-override", {"countryId": "usa_country_id", "marginPercent": 40})
        assert made.status == 201, made
        answer = calculate(countryId="usa_country_id")
        assert raw(answer, "resellerPrice") == "84.00" and answer.json["marginPercent"] == 40, answer
        assert answer.json["appliedRules"][-2:] == ["Margin: +40%", "30 days"], answer
        assert raw(calculate(countryId="nowhere"), "resellerPrice") == "75.00"
        assert raw(calculate(countryId="germany_id"), "resellerPrice") == "75.00"
        listed = shop("GET", "/reseller/pricebook").json["countryOverrides"]
        assert [(row["countryId"], row["marginPercent"]) for row in listed] == [("usa_country_id", 40)], listed
        refused(shop("POST", "/reseller/pricebook/country-override", {"countryId": "nowhere", "marginPercent": 1}), 404)
        refused(shop("POST", "/reseller/pricebook/country-override", {"countryId": "usa_country_id"}), 422)

    with checks("X2 null takes an override away, and what counts without it counts again; no price changes nothing"):
        def override(**body):
            return shop("POST", "/reseller/pricebook/country-override", {"countryId": "usa_country_id", **body})

        refused(override(discount=3), 422, "marginPercent")
        assert raw(calculate(countryId="usa_country_id"), "resellerPrice") == "84.00"
        gone = override(marginPercent=None)
        assert gone.status == 201 and set(gone.json.values()) == {"usa_country_id", None}, gone
        answer = calculate(countryId="usa_country_id")
        assert answer.json["appliedRules"] == ["Margin: +25%", "30 days"], answer
        assert shop("GET", "/reseller/pricebook").json["countryOverrides"] == []
        assert override(multiplier=None, fixedPrice=None).status == 201, "nothing to take away"
        assert override(multiplier=None, fixedPrice=3).json["fixedPrice"] == 3
        assert override(marginPercent=40).status == 201

    with checks("X2 the customer's discount comes after the rule"):
        customer = shop.customer()
        shop("PATCH", f"/reseller/customers/{customer['_id']}", {"discountPercent": 10})
        answer = calculate(customerId=customer["_id"])
        assert raw(answer, "resellerPrice") == "67.50" and raw(answer, "marginAmount") == "7.50", answer
        assert answer.json["marginPercent"] == 12.5, answer
        assert answer.json["appliedRules"] == ["Margin: +25%", "Customer discount: -10%", "30 days"], answer
    with checks("X2 an unknown customer has no discount, and another reseller's is unknown"):
        stranger = new_reseller(gateway, "discounts@shop.example")
        for shown in (calculate(customerId="cus_none"), calculate(customerId="optional_customer_id")):
            assert shown.json["appliedRules"] == ["Margin: +25%", "30 days"], shown
        answer = stranger("POST", "/reseller/pricebook/calculate", {"basePrice": 2, "customerId": customer["_id"]})
        assert answer.status == 200 and answer.json["appliedRules"] == ["Margin: +20%", "1 day"], answer

    modes(gateway, checks)
    with checks("X2 wrong types and ranges are refused, each named"):
        for body, word in [
            ({"basePrice": "two"}, "basePrice"), ({"basePrice": -1}, "basePrice"), ({"basePrice": 1, "days": 0}, "days"),
            ({"basePrice": 1, "days": 366}, "days"), ({"basePrice": 1, "days": 1.5}, "days"),
            ({"basePrice": 1, "type": "house"}, "type"), ({"days": 1}, "basePrice"),
        ]:
            refused(shop("POST", "/reseller/pricebook/calculate", body), 422, word)
        for body in [{}, {"pricingMode": "free"}, {"defaultMarginPercent": -1}, {"portPricing": 3}, {"defaultMarginPercent": None}]:
            refused(shop("PUT", "/reseller/pricebook", body), 422)


def modes(gateway, checks):
    with checks("X2 the table's modes: 2 + 20 % = 2.40, fixed 3.00, 2 × 1.5 = 3.00"):
        other = new_reseller(gateway, "modes@shop.example")

        def day(**change):
            if change:
                put = other("PUT", "/reseller/pricebook", change)
                assert put.status == 200, put
            return other("POST", "/reseller/pricebook/calculate", {"type": "port", "basePrice": 2, "days": 1})

        assert raw(day(), "resellerPrice") == "2.40"
        fixed = day(pricingMode="fixed", fixedPrice=3.00)
        assert raw(fixed, "resellerPrice") == "3.00" and fixed.json["marginPercent"] == 50, fixed
        times = day(pricingMode="multiplier", portPricing={"multiplier": 1.5})
        assert raw(times, "resellerPrice") == "3.00" and times.json["marginPercent"] == 50, times
        refused(other("PUT", "/reseller/pricebook", {"pricingMode": "fixed", "fixedPrice": None}), 422)
        traffic = other("POST", "/reseller/pricebook/calculate", {"type": "traffic", "basePrice": 4, "gigabytes": 10})
        assert raw(traffic, "resellerPrice") == "48.00", traffic


def thresholds(gateway, checks):
    with checks("X6 the balance shows the threshold of balance.low, which the operator sets; null: no event comes"):
        watched = new_reseller(gateway, "watched@shop.example", balance="10.00")

        def lows():
            return watched("GET", "/reseller/events?types=balance.low").json["events"]

        buyer = watched.customer()
        assert watched("GET", "/reseller/balance").json["lowBalanceThreshold"] is None
        assert watched("POST", f"/reseller/customers/{buyer['_id']}/topup", {"amount": 1}).status == 201 and not lows()
        changed = gateway.patch(
            f"{ADMIN}/resellers/{watched.id}", {"low_balance_threshold": "8.50"},
            key=gateway.tenant("proxies")["owner_key"])
        assert changed.status == 200, changed
        assert raw(watched("GET", "/reseller/balance"), "lowBalanceThreshold") == "8.50"
        assert watched("POST", f"/reseller/customers/{buyer['_id']}/topup", {"amount": 1}).status == 201
        assert [event["type"] for event in lows()] == ["balance.low"], lows()


def money(gateway, checks):
    with checks("X3 X4 the document's money flow: 500 → 400 → 340, the customer keeps its 100"):
        shop = new_reseller(gateway, "flow@shop.example")
        shop("PUT", "/reseller/pricebook", {"portPricing": {"marginPercent": 25}})
        assert shop.balance() == "500.00"
        customer = shop.customer(company="Acme Corp", externalId="CRM-12345")
        top = shop("POST", f"/reseller/customers/{customer['_id']}/topup", {
            "amount": 100, "description": "Monthly credit", "referenceId": "INV-2024-001"})
        assert top.status == 201 and raw(top, "resellerBalance") == "400.00", top
        assert raw(top, "customerBalance") == "100.00" and shop.balance() == "400.00"
        before = time.time() * 1000
        made = shop.port(customer, exclusive=False, isPrivate=False)
        assert made.status == 201, made
        assert shape(made.json) == {
            "port": {
                "_id": "str", "displayName": "str", "httpPort": "int", "socksPort": "int", "proxyLogin": "str",
                "proxyPassword": "str", "serverIp": "str", "expiresAt": "int"},
            "pricing": {"costToReseller": "float", "resellerPrice": "float", "margin": "float"}}, made
        assert [raw(made, name) for name in ["costToReseller", "resellerPrice", "margin"]] == ["60.00", "75.00", "15.00"]
        port = made.json["port"]
        PASSWORDS.append(port["proxyPassword"].encode())
        assert port["_id"].startswith("port_") and port["displayName"].startswith("psx_"), port
        assert abs(port["expiresAt"] - before - 30 * DAY_MS) < 60_000, port
        assert shop.balance() == "340.00"
        after = shop("GET", f"/reseller/customers/{customer['_id']}")
        assert raw(after, "balance") == "100.00" and after.json["usedPortSlots"] == 1, after

    with checks("X3 a referenceId moves money once; another amount is 409; without one each call moves"):
        again = shop("POST", f"/reseller/customers/{customer['_id']}/topup", {
            "amount": 100, "description": "Monthly credit", "referenceId": "INV-2024-001"})
        assert again.status == 201 and again.body == top.body and shop.balance() == "340.00", again
        refused(shop("POST", f"/reseller/customers/{customer['_id']}/topup", {
            "amount": 101, "referenceId": "INV-2024-001"}), 409, "referenceId")
        for _ in range(2):
            assert shop("POST", f"/reseller/customers/{customer['_id']}/topup", {"amount": "0.01"}).status == 201
        assert shop.balance() == "339.98"

    with checks("X3 a transfer of more than the balance is 402 and moves nothing"):
        refused(shop("POST", f"/reseller/customers/{customer['_id']}/topup", {"amount": 339.99}), 402, "Insufficient")
        assert shop.balance() == "339.98"
        for amount in [0, -1, 0.001, "much", None]:
            refused(shop("POST", f"/reseller/customers/{customer['_id']}/topup", {"amount": amount}), 422, "amount")
        refused(shop("POST", "/reseller/customers/cus_none/topup", {"amount": 1}), 404)

    with checks("G4 the same Idempotency-Key gives the same bytes and one port; another body 422"):
        key = uuid.uuid4().hex
        body = {"customerId": customer["_id"], "countryId": "germany_id", "days": 1}
        made = shop("POST", "/reseller/ports", body, Idempotency_Key=key)
        again = shop("POST", "/reseller/ports", body, Idempotency_Key=key)
        PASSWORDS.append(made.json["port"]["proxyPassword"].encode())
        assert made.status == again.status == 201 and made.body == again.body, again
        assert again.headers["idempotency-hit"] == "true" and shop.balance() == "337.98", shop.balance()
        refused(shop("POST", "/reseller/ports", {**body, "days": 2}, Idempotency_Key=key), 422)

    with checks("B2 G4 in a fork a key whose answer was sealed for the other tenant is a new one"):
        forked = gateway.post("/provider/v1/tenants/proxies/fork", {"slug": "ports-fork"}, key=gateway.provider_key)
        assert forked.status == 201, forked
        minted = gateway.post("/t/ports-fork/api/admin/api-keys", {"owner_email": "flow@shop.example"},
                              key=forked.json["owner_key"])
        assert minted.status == 201, minted
        there = Client(gateway, minted.json["key"], "/t/ports-fork/v1")
        bought = there("POST", "/reseller/ports", body, Idempotency_Key=key)
        assert bought.status == 201 and "idempotency-hit" not in bought.headers, bought
        PASSWORDS.append(bought.json["port"]["proxyPassword"].encode())
        assert bought.json["port"]["_id"] != made.json["port"]["_id"], bought
        verified_export(gateway, "ports-fork")


def customers(gateway, checks, shop):
    with checks("X3 a customer is created as in the document, with _id, read, listed and found by externalId"):
        external = uuid.uuid4().hex
        answer = shop("POST", "/reseller/customers", {
            "email": "John@Company.com", "name": "John Smith", "company": "Acme Corp", "allocatedPortSlots": 10,
            "externalId": external})
        assert answer.status == 201, answer
        customer = answer.json
        assert shape(customer) == {
            "_id": "str", "email": "str", "name": "str", "company": "str", "externalId": "str", "allocatedPortSlots": "int",
            "usedPortSlots": "int", "balance": "float", "discountPercent": "int", "isActive": "bool", "createdAt": "int",
            "revision": "int"}, customer
        assert customer["usedPortSlots"] == 0 and raw(answer, "balance") == "0.00" and customer["isActive"] is True
        assert shop("GET", f"/reseller/customers/{customer['_id']}").json == customer
        assert shop("GET", f"/reseller/customers?externalId={external}").json["customers"] == [customer]
        assert shop("GET", "/reseller/customers?externalId=none").json["customers"] == []
        refused(shop("POST", "/reseller/customers", {"email": "a@b.example", "externalId": external}), 409, "externalId")
        # E-mail addresses may repeat.
        assert shop("POST", "/reseller/customers", {"email": "john@company.com", "name": "Other"}).status == 201
        page = shop("GET", "/reseller/customers?limit=1").json
        assert page["hasMore"] and len(page["customers"]) == 1
        assert shop("GET", f"/reseller/customers?limit=1&cursor={page['nextCursor']}").json["customers"] != page["customers"]

    with checks("X3 PATCH changes what it names and nothing else"):
        path = f"/reseller/customers/{customer['_id']}"
        changed = shop("PATCH", path, {"isActive": False, "discountPercent": 12.5, "allocatedPortSlots": 3}).json
        assert changed == {**customer, "isActive": False, "discountPercent": 12.5, "allocatedPortSlots": 3}, changed
        assert shop("PATCH", path, {"isActive": True}).json == {**changed, "isActive": True}
        for body in [{}, {"isActive": "yes"}, {"discountPercent": 101}, {"allocatedPortSlots": -1}, {"isActive": None}, []]:
            refused(shop("PATCH", path, body), 422)

    with checks("X3 missing, wrong, unknown and foreign are refused; foreign as unknown"):
        for body in [{}, {"email": "x"}, {"email": "a@b.example", "allocatedPortSlots": "ten"}, {"email": 3}, [], "x"]:
            refused(shop("POST", "/reseller/customers", body), 422)
        stranger = Client(gateway, gateway.reseller("proxies", 1)["key"])
        foreign = stranger("GET", "/reseller/customers").json["customers"][0]["_id"]
        unknown = shop("GET", "/reseller/customers/cus_none")
        assert shop("GET", f"/reseller/customers/{foreign}").body == unknown.body
        refused(unknown, 404)
        refused(shop("PATCH", f"/reseller/customers/{foreign}", {"isActive": False}), 404)
        refused(shop("POST", f"/reseller/customers/{foreign}/topup", {"amount": 1}), 404)
        refused(shop("POST", "/reseller/ports", {"customerId": foreign, "countryId": "germany_id", "days": 1}), 404)


def ports(gateway, checks, owner):
    shop = new_reseller(gateway, "ports@shop.example", "5000.00")
    rival = new_reseller(gateway, "rival@shop.example", "5000.00")
    customer = shop.customer(slots=100)

    with checks("X4 ports are listed and read with their pricing; unknown and foreign are 404"):
        made = shop.port(customer, cityId="munich", carrierId="telekom").json
        read = shop("GET", f"/reseller/ports/{made['port']['_id']}")
        assert read.status == 200 and read.json["pricing"] == made["pricing"], read
        assert {**read.json["port"], **made["port"]} == read.json["port"], read
        assert read.json["port"]["status"] == "active" and read.json["port"]["cityId"] == "munich"
        row = shop("GET", f"/reseller/ports?customerId={customer['_id']}&status=active").json["ports"][0]
        assert row["_id"] == made["port"]["_id"] and row["pricing"] == made["pricing"], row
        assert shop("GET", "/reseller/ports?status=expired").json["ports"] == []
        unknown = shop("GET", "/reseller/ports/port_none")
        refused(unknown, 404)
        assert rival("GET", f"/reseller/ports/{made['port']['_id']}").body == unknown.body
        refused(rival("POST", f"/reseller/ports/{made['port']['_id']}/rotate"), 404)

    with checks("X5 rotate: another device, same _id, login, password and expiry; as {port}"):
        rotated = shop("POST", f"/reseller/ports/{made['port']['_id']}/rotate")
        assert rotated.status == 200 and set(rotated.json) == {"port"}, rotated
        port = rotated.json["port"]
        assert port["serverIp"] != made["port"]["serverIp"], port
        for name in ["_id", "displayName", "proxyLogin", "proxyPassword", "expiresAt"]:
            assert port[name] == made["port"][name], port
        assert shop("GET", f"/reseller/ports/{port['_id']}").json["port"]["serverIp"] == port["serverIp"]

    with checks("X4 no slot is 409, tells customer.quota_exceeded, and charges nothing"):
        hook = shop("POST", "/reseller/webhooks", {
            "name": "My Webhook", "url": "https://myapp.example/webhook",
            "events": ["port.created", "port.expired", "customer.quota_exceeded"]})
        assert hook.status == 201, hook
        small = shop.customer(slots=1)
        assert shop.port(small).status == 201
        before = shop.balance()
        refused(shop.port(small), 409, "1 of 1 port slots")
        assert shop.balance() == before
        kinds = [row["type"] for row in gateway.get(f"{ADMIN}/deliveries?reseller={shop.id}", key=owner).json["data"]]
        assert kinds == ["customer.quota_exceeded", "port.created"], kinds

    with checks("X4 an inactive customer is 409; an unknown country, city or carrier 404; nothing charged"):
        shop("PATCH", f"/reseller/customers/{small['_id']}", {"isActive": False, "allocatedPortSlots": 5})
        refused(shop.port(small), 409, "not active")
        refused(shop.port(customer, country="atlantis"), 404, "country")
        refused(shop.port(customer, cityId="atlantis"), 404, "city")
        refused(shop.port(customer, carrierId="pigeon"), 404, "carrier")
        for fields in [{"days": 0}, {"days": 366}, {"days": "thirty"}, {"days": None}, {"exclusive": "no"}]:
            refused(shop.port(customer, **fields), 422)
        assert shop.balance() == before

    with checks("X4 no balance is 402 with what is required and what is there"):
        poor = new_reseller(gateway, "poor@shop.example", "59.99")
        refused(poor.port(poor.customer()), 402, "60.00 USD required, 59.99 USD available")
        assert poor.balance() == "59.99"
        assert poor("GET", "/reseller/ports").json["ports"] == []

    with checks("X4 exclusive: no other port on the device; isPrivate: the device is this reseller's only"):
        assert gateway.put(f"{ADMIN}/countries/iceland_id", {"name": "Iceland", "base_price": "1.00"}, key=owner).status == 200
        assert stock(gateway, [
            {"device": "is-1", "server_ip": "198.51.100.1", "http_port": "9001-9002", "socks_port": "9101-9102",
             "country": "iceland_id", "mode": "exclusive-capable"},
            {"device": "is-2", "server_ip": "198.51.100.2", "http_port": "9001-9002", "socks_port": "9101-9102",
             "country": "iceland_id", "mode": "shared"}]).status == 201
        yours = rival.customer()
        alone = shop.port(customer, "iceland_id", 1, exclusive=True)
        assert alone.status == 201 and alone.json["port"]["serverIp"] == "198.51.100.1", alone
        refused(rival.port(yours, "iceland_id", 1, exclusive=True), 409, "No port")
        private = shop.port(customer, "iceland_id", 1, isPrivate=True)
        assert private.status == 201 and private.json["port"]["serverIp"] == "198.51.100.2", private
        balance = rival.balance()
        refused(rival.port(yours, "iceland_id", 1), 409, "nothing was charged")
        assert rival.balance() == balance
        assert shop.port(customer, "iceland_id", 1).json["port"]["serverIp"] == "198.51.100.2"
        refused(shop("POST", f"/reseller/ports/{alone.json['port']['_id']}/rotate"), 409)


def webhooks(gateway, checks):
    shop = new_reseller(gateway, "webhooks@shop.example")
    with checks("X6 a webhook's secret is shown once; list, test-send, delete"):
        made = shop("POST", "/reseller/webhooks", {
            "name": "My Webhook", "url": "https://myapp.com/webhook",
            "events": ["port.created", "port.expired", "customer.quota_exceeded"]})
        assert made.status == 201 and made.json["secret"].startswith("whsec_"), made
        listed = shop("GET", "/reseller/webhooks").json["webhooks"]
        assert [row["_id"] for row in listed] == [made.json["_id"]] and "secret" not in listed[0], listed
        test = shop("POST", f"/reseller/webhooks/{made.json['_id']}/test")
        assert test.status == 201 and test.json["test"] is True and test.json["outcome"] != "delivered", test
        stranger = Client(gateway, gateway.reseller("proxies", 1)["key"])
        refused(stranger("DELETE", f"/reseller/webhooks/{made.json['_id']}"), 404)
        assert shop("DELETE", f"/reseller/webhooks/{made.json['_id']}").status == 200
        refused(shop("DELETE", f"/reseller/webhooks/{made.json['_id']}"), 404)
        assert shop("GET", "/reseller/webhooks").json["webhooks"] == []

    with checks("X6 wrong names, addresses and events are refused; a replay shows no secret"):
        good = {"name": "w", "url": "https://myapp.com/w", "events": ["balance.low", "port.rotated"]}
        for change in [{"url": "ftp://x"}, {"url": "nowhere"}, {"events": []}, {"events": ["order.created"]},
                       {"events": "port.created"}, {"name": None}]:
            refused(shop("POST", "/reseller/webhooks", {**good, **change}), 422)
        key = uuid.uuid4().hex
        made = shop("POST", "/reseller/webhooks", good, Idempotency_Key=key)
        again = shop("POST", "/reseller/webhooks", good, Idempotency_Key=key)
        assert again.json["_id"] == made.json["_id"] and again.json["already_shown"] is True, again
        assert "secret" not in again.json


def imports(gateway, checks, owner):
    def row(number, **fields):
        return {"device": f"imp-{number}", "server_ip": f"192.0.2.{number}", "http_port": 1000, "socks_port": 2000,
                "country": "germany_id", "city": "berlin", "carrier": "o2", "mode": "shared", **fields}

    def count():
        rows, cursor = 0, ""
        while True:
            page = gateway.get(f"{ADMIN}/ports?country=germany_id&limit=100{cursor}", key=owner).json
            rows += len(page["data"])
            if not page["has_more"]:
                return rows
            cursor = f"&cursor={page['next_cursor']}"

    with checks("O9 ports are imported as JSON and as CSV, and listed"):
        before = count()
        answer = stock(gateway, [row(1), row(2, http_port="1000-1004", socks_port="2000-2004")])
        assert answer.status == 201 and answer.json["imported"] == 6 and answer.json["new_devices"] == 2, answer
        csv = ("device,server_ip,http_port,socks_port,country,city,carrier,mode\r\n"
               "imp-3,192.0.2.3,1000,2000,germany_id,,,exclusive-capable\r\n"
               "imp-1,192.0.2.1,1001,2001,germany_id,berlin,o2,shared\r\n")
        answer = gateway.post(ADMIN + "/ports", csv.encode(), key=owner,
                              headers={"Content-Type": "text/csv", "Idempotency-Key": uuid.uuid4().hex})
        assert answer.status == 201 and answer.json["imported"] == 2 and answer.json["new_devices"] == 1, answer
        assert count() == before + 8
        last = gateway.get(f"{ADMIN}/ports?country=germany_id&status=free&limit=100", key=owner).json["data"]
        assert all(slot["status"] == "free" and slot["port"] is None for slot in last)

    with checks("O9 duplicates are reported each with its row, and nothing is half imported"):
        before = count()
        answer = stock(gateway, [row(50), row(1), row(51), row(2, http_port=1004, socks_port=3000)])
        assert answer.status == 422, answer
        assert [(error["pointer"], error["code"]) for error in answer.json["errors"]] == [
            ("/ports/1/http_port", "duplicate"), ("/ports/3/http_port", "duplicate")], answer
        answer = stock(gateway, [row(50), row(50)])
        assert answer.status == 422 and answer.json["errors"][0]["code"] == "duplicate", answer
        assert count() == before

    with checks("O9 unknown countries, changed devices, wrong ports and modes are refused; the key is required"):
        for bad, code in [
            (row(60, country="atlantis"), "unknown"), (row(1, http_port=7, socks_port=8, city="ulm"), "conflict"),
            (row(60, http_port=0), "range"), (row(60, http_port="5-4"), "range"), (row(60, mode="lonely"), "choice"),
            (row(60, http_port="1-3", socks_port="4-5"), "range"), ({"device": "x"}, "required"),
        ]:
            answer = stock(gateway, [bad])
            assert answer.status == 422 and code in [error["code"] for error in answer.json["errors"]], answer
        assert gateway.post(ADMIN + "/ports", {"ports": [row(61)]}, key=owner).status == 400
        assert stock(gateway, []).status == 422
        key = uuid.uuid4().hex
        assert stock(gateway, [row(62)], key=key).body == stock(gateway, [row(62)], key=key).body

    with checks("O4 the daily base price of a country is set, and charged from then on"):
        answer = gateway.put(f"{ADMIN}/countries/usa_country_id", {"base_price": "2.50"}, key=owner)
        assert answer.status == 200 and answer.json["base_price"] == "2.50" and answer.json["name"] == "United States", answer
        shop = new_reseller(gateway, "price@shop.example")
        assert raw(shop.port(shop.customer(), "usa_country_id", 2), "costToReseller") == "5.00"
        for body in [{}, {"base_price": "-1"}, {"base_price": "x"}]:
            assert gateway.put(f"{ADMIN}/countries/usa_country_id", body, key=owner).status == 422
        assert gateway.put(f"{ADMIN}/countries/usa_country_id", {"base_price": 2}, key=owner).status == 200
        prices = {row["_id"]: row["basePrice"] for row in shop("GET", "/reseller/countries").json["countries"]}
        assert prices["usa_country_id"] == 2 and prices["germany_id"] == 2, prices


def sandbox(gateway, checks):
    with checks("X7 a test key works on a book of its own that never charges"):
        shop = new_reseller(gateway, "sandbox@shop.example")
        test = Client(gateway, mint(gateway, shop.token, mode="test"))
        assert test.key.startswith("psx_test_")
        customer = test.customer(externalId="same")
        assert shop.customer(externalId="same")["_id"] != customer["_id"]
        made = test.port(customer)
        assert made.status == 201 and raw(made, "costToReseller") == "60.00", made
        top = test("POST", f"/reseller/customers/{customer['_id']}/topup", {"amount": 100})
        assert top.status == 201 and raw(top, "customerBalance") == "100.00", top
        assert shop.balance() == "500.00" and test.balance() == "0.00"
        assert shop("GET", "/reseller/ports").json["ports"] == []
        refused(shop("GET", f"/reseller/customers/{customer['_id']}"), 404)
        test("PUT", "/reseller/pricebook", {"defaultMarginPercent": 99})
        assert shop("GET", "/reseller/pricebook").json["defaultMarginPercent"] == 20


def documents(gateway, checks, shop):
    with checks("X7 the API describes itself without a key, at each address, for each dialect"):
        paths = ["/v1/reseller/docs/openapi", BASE + "/reseller/docs/openapi", BASE + "/openapi.json", "/v1/openapi.json",
                 "/t/hosting/api/partner/v1/openapi.json", "/t/hosting/api/admin/openapi.json",
                 "/provider/v1/openapi.json"]
        for path in paths:
            answer = gateway.get(path)
            assert answer.status == 200, (path, answer)
            document = answer.json
            assert document["openapi"] == "3.1.0" and document["paths"], path
            references = set(re.findall(r'"\$ref":"#/components/(\w+)/([\w-]+)"', answer.body.decode()))
            for kind, name in references:
                assert name in document["components"][kind], (kind, name)
            ids = re.findall(r'"operationId":"([^"]+)"', answer.body.decode())
            assert len(ids) == len(set(ids)), path
        document = gateway.get(BASE + "/openapi.json").json
        assert document["servers"][0]["url"] == f"{gateway.base_url}{BASE}", document["servers"]
        assert document["components"]["schemas"]["Error"]["required"] == ["statusCode", "error", "message"]
        assert document["components"]["securitySchemes"]["X-API-Key"]["in"] == "header"
        assert "post" in document["paths"]["/reseller/ports/{id}/rotate"]
        assert shop("GET", "/reseller/docs/openapi").json == gateway.get(BASE + "/reseller/docs/openapi").json
        # Not of a tenant that does not sell ports, nor of one that there is not.
        assert gateway.get("/t/hosting/v1/openapi.json").status == 404
        assert gateway.get("/t/nobody/v1/openapi.json").status == 404


def races(gateway, checks, owner):
    with checks(f"X4 {CALLERS} callers for the last 60.00: exactly one port"):
        shop = new_reseller(gateway, "race1@shop.example", "60.00")
        customer = shop.customer(slots=100)
        answers = together([lambda: shop.port(customer)] * CALLERS)
        assert sorted(answer.status for answer in answers) == [201] + [402] * (CALLERS - 1), answers
        assert shop.balance() == "0.00" and len(shop("GET", "/reseller/ports").json["ports"]) == 1

    with checks(f"X4 {CALLERS} callers for 5 slots of a customer: exactly five"):
        shop = new_reseller(gateway, "race2@shop.example", "5000.00")
        customer = shop.customer(slots=5)
        answers = together([lambda: shop.port(customer, days=1)] * CALLERS)
        assert sorted(answer.status for answer in answers) == [201] * 5 + [409] * (CALLERS - 5), answers
        assert shop.balance() == "4990.00"

    with checks(f"X4 {CALLERS} callers for the last 3 ports of a country: exactly three, none twice"):
        assert gateway.put(f"{ADMIN}/countries/malta_id", {"base_price": "1"}, key=owner).status == 200
        assert stock(gateway, [{"device": "mt", "server_ip": "198.51.100.9", "http_port": "1-3", "socks_port": "4-6",
                                "country": "malta_id"}]).status == 201
        rivals = [new_reseller(gateway, f"malta{number}@shop.example") for number in range(3)]
        buyers = [(rival, rival.customer(slots=100)) for rival in rivals]
        answers = together([
            lambda buyer=buyers[number % 3]: buyer[0].port(buyer[1], "malta_id", 1) for number in range(CALLERS)])
        assert sorted(answer.status for answer in answers) == [201] * 3 + [409] * (CALLERS - 3), answers
        places = {answer.json["port"]["httpPort"] for answer in answers if answer.status == 201}
        assert places == {1, 2, 3}, places
        assert sum(float(rival.balance()) for rival in rivals) == 1497

    with checks(f"X3 {CALLERS} transfers of 100.00 out of 250.00: exactly two, the rest hear 402"):
        shop = new_reseller(gateway, "race4@shop.example", "250.00")
        customer = shop.customer()
        path = f"/reseller/customers/{customer['_id']}/topup"
        answers = together([lambda: shop("POST", path, {"amount": 100})] * CALLERS)
        assert sorted(answer.status for answer in answers) == [201] * 2 + [402] * (CALLERS - 2), answers
        assert shop.balance() == "50.00" and raw(shop("GET", path[:-6]), "balance") == "200.00"

    with checks(f"X3 {CALLERS} callers for one externalId: one customer"):
        body = {"email": "a@b.example", "name": "A", "externalId": "wanted"}
        answers = together([lambda: shop("POST", "/reseller/customers", body)] * CALLERS)
        assert sorted(answer.status for answer in answers) == [201] + [409] * (CALLERS - 1), answers
        assert len(shop("GET", "/reseller/customers?externalId=wanted").json["customers"]) == 1

    with checks("X4 X5 ports, rotations and ends at once on one device's worth of slots: none is given twice"):
        assert gateway.put(f"{ADMIN}/countries/cyprus_id", {"base_price": "1"}, key=owner).status == 200
        for number in (1, 2):
            assert stock(gateway, [{"device": f"cy-{number}", "server_ip": f"198.51.100.{20 + number}", "http_port": "1-4",
                                    "socks_port": "11-14", "country": "cyprus_id"}]).status == 201
        shop = new_reseller(gateway, "race5@shop.example")
        customer = shop.customer(slots=100)
        first = [shop.port(customer, "cyprus_id", 1).json["port"] for _ in range(3)]
        answers = together(
            [lambda: shop.port(customer, "cyprus_id", 1)] * 12
            + [lambda port=port: shop("POST", f"/reseller/ports/{port['_id']}/rotate") for port in first * 4])
        assert {answer.status for answer in answers} <= {200, 201, 409}, answers
        assert sum(answer.status == 201 for answer in answers) == 5, answers
        held = [(port["serverIp"], port["httpPort"]) for port in shop("GET", "/reseller/ports?limit=100").json["ports"]]
        assert len(held) == len(set(held)) == 8, held
        assert shop.balance() == "492.00"

    with checks(f"X3 {CALLERS} transfers of one referenceId move its amount once"):
        shop = new_reseller(gateway, "race3@shop.example")
        customer = shop.customer()
        path = f"/reseller/customers/{customer['_id']}/topup"
        answers = together([lambda: shop("POST", path, {"amount": 100, "referenceId": "INV-1"})] * CALLERS)
        assert {answer.status for answer in answers} == {201} and len({answer.body for answer in answers}) == 1, answers
        assert shop.balance() == "400.00"


if __name__ == "__main__":
    main()
