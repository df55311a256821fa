"""L1, O10: every secret of every dialect, made and used, shown wrongly, replayed, rotated. Then it is looked for in all that
the gateway has written: each file of its folder while it runs, after kill -9 and once it has stopped (WAL and levels too),
its log and standard error, an export of each tenant, its metrics and pages, and every answer but the one that shows it.
"""

import base64
import json
import os
import urllib.parse
import uuid

from logged import LoggedGateway, coded, forms
from shop import PASSWORD, Shop
from support import Checks, arguments, signature_headers

options = arguments()
checks = Checks()
# What is not a secret of its bearer's, but shows it: answers that show it again by contract.
SHOWN_AGAIN = {"a port's password"}
OTHER_PASSWORD = "quite another passphrase"
CUSTOMER_PASSWORD = "end customer's passphrase"


class Watched(LoggedGateway):
    """Keeps every answer, and knows the secrets."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.answers, self.secrets = [], {}

    def request(self, method, path, *more, **options):
        answer = super().request(method, path, *more, **options)
        self.answers.append((f"{method} {path.split('?')[0]}", answer))
        return answer

    def hide(self, name, secret, answer=None):
        """`answer`: the one that shows it; none where the caller made it up."""
        assert isinstance(secret, str) and len(secret) >= 8, (name, secret)
        self.secrets[secret] = (name, answer)
        return secret


def wrongly(method, path, secret, headers=None, body=None):
    """The secret where it does not belong: in the query, the path, a header, a field, broken JSON, the user of an URL."""
    quoted = urllib.parse.quote(secret, safe="")
    for where in (
            f"{path}?api_token={quoted}", f"{path}?key={quoted}&limit=x", f"{path}/{quoted}", f"{path}?{quoted}",
            f"{path}/{coded(secret)}", f"{path}?{coded('api_token')}={coded(secret)}", f"{path}/api_token={quoted}",
            f"/{quoted}/x", f"/t/{quoted}/x", f"/t/{coded(secret)}{path}", f"/activ%61te/{quoted}",
            f"/x/{coded(coded(secret))}", f"http://127.0.0.1:{gateway.port}{path}/{quoted}"):
        gateway.request(method, where, body, headers=headers)
    for more in ({"Authorization": secret}, {"Authorization": f"Bearer {secret}x"}, {"X-API-Key": secret}, {"x-seed-hash": secret},
                 {"Idempotency-Key": secret}, {"traceparent": secret}, {"User-Agent": secret}, {"Cookie": secret}):
        gateway.request(method, path, body, headers={**(headers or {}), **more})
    for raw in (secret.encode(), b'{"' + secret.encode(), json.dumps({secret: secret, "key": secret}).encode()):
        gateway.request("POST", path, raw, headers=headers)


def idempotent(**headers):
    return {"Idempotency-Key": uuid.uuid4().hex, **headers}


def people(shop, name):
    """A tenant's own: owner, reseller, keys live, test and rotated, sessions, invitations, signing secrets."""
    hide = gateway.hide
    hide(f"{name}: the owner's key", shop.owner_key)
    owner = gateway.post(f"{shop.base}/api/admin/session", {"email": f"owner@{shop.slug}.example", "password": PASSWORD})
    hide(f"{name}: the owner's session", owner.json["token"], owner)
    reseller = shop.reseller(password=PASSWORD, balance="1000.00")
    hide(f"{name}: a reseller's key", reseller["key"], gateway.answers[-1][1])
    hide(f"{name}: a signing secret", reseller["webhook_secret"],
         next(answer for _, answer in gateway.answers if reseller["webhook_secret"].encode() in answer.body))
    for mode in ("live", "test"):
        headers = idempotent()
        made = shop.admin("POST", "/api-keys", {"owner_email": reseller["email"], "mode": mode}, headers=headers)
        reseller[mode] = hide(f"{name}: a {mode} key", made.json["key"], made)
        again = shop.admin("POST", "/api-keys", {"owner_email": reseller["email"], "mode": mode}, headers=headers)
        assert again.status == 201 and again.json["already_shown"] is True and "key" not in again.json, again
    headers = idempotent()
    for _ in range(2):
        made = shop.admin("POST", f"/api-keys/{reseller['key_id']}/rotate", {"overlap_seconds": 600}, headers=headers)
        if "key" in made.json:
            hide(f"{name}: a rotated key", made.json["key"], made)
    headers = idempotent()
    for _ in range(2):
        made = shop.admin("POST", f"/resellers/{reseller['id']}/webhook-secret/rotate", headers=headers)
        if "webhook_secret" in made.json:
            reseller["webhook_secret"] = hide(f"{name}: a rotated signing secret", made.json["webhook_secret"], made)
    invited = shop.admin("POST", "/resellers", {"email": f"invited@{shop.slug}.example", "name": "I"}, headers=idempotent())
    token = hide(f"{name}: an invitation", invited.json["invitation_url"].rsplit("/", 1)[1], invited)
    hide(f"{name}: an invited reseller's signing secret", invited.json["webhook_secret"], invited)
    gateway.get(f"{shop.base}/invite/{token}")
    gateway.post(f"{shop.base}/invite/{token}", {"password": "short"})
    gateway.post(f"{shop.base}/invite/{token}", {"password": OTHER_PASSWORD})
    person = shop.admin("POST", "/people", {"email": f"p@{shop.slug}.example", "name": "P", "role": "support"},
                        headers=idempotent())
    token = hide(f"{name}: a person's invitation", person.json["invitation_url"].rsplit("/", 1)[1], person)
    gateway.post(f"{shop.base}/invite/{token}", {"password": OTHER_PASSWORD})
    for _ in range(2):
        reset = shop.admin("POST", f"/people/{person.json['id']}/password-reset", headers=idempotent())
        token = hide(f"{name}: a link to a new password", reset.json["url"].rsplit("/", 1)[1], reset)
        gateway.get(f"{shop.base}/reset-password/{token}")
        gateway.post(f"{shop.base}/reset-password/{token}", {"password": "short"})
    gateway.post(f"{shop.base}/reset-password/{token}", {"password": OTHER_PASSWORD})
    minted = shop.admin("POST", "/account/keys", {"name": "mine"}, headers=idempotent())
    hide(f"{name}: a key of one's own", minted.json["key"], minted)
    shop.admin("POST", "/account/password", {"old": "not it at all", "new": OTHER_PASSWORD}, headers=idempotent())
    gateway.post(f"{shop.base}/api/admin/session", {"email": f"owner@{shop.slug}.example", "password": OTHER_PASSWORD})
    wrongly("GET", f"{shop.base}/api/admin/resellers", shop.owner_key)
    return reseller


def wholesale_orders():
    shop = Shop(gateway, "secret-host", password=PASSWORD)
    reseller = people(shop, "orders")
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    path = shop.base + "/api/partner/v1"
    body = json.dumps(shop.order_body(sku)).encode()
    signed = signature_headers(reseller["webhook_secret"], "POST", path + "/orders", "an-order", body)
    for _ in range(2):
        assert gateway.post(path + "/orders", body, key=reseller["key"], headers=signed).status == 201
    gateway.hide("orders: a signature", signed["X-Tollgate-Signature"][3:])
    gateway.post(path + "/orders", body + b" ", key=reseller["key"], headers=signed)
    session = gateway.post(path + "/session", {"email": reseller["email"], "password": PASSWORD})
    gateway.hide("orders: a session", session.json["token"], session)
    own = gateway.post(path + "/keys", {"name": "own"}, key=session.json["token"])
    gateway.hide("orders: a key of its own", own.json["key"], own)
    applied = gateway.post(path + "/apply", {"email": "new@shop.example", "name": "N", "password": OTHER_PASSWORD})
    assert applied.status in (200, 201), applied
    wrongly("GET", path + "/products", reseller["key"])
    wrongly("GET", path + "/orders", session.json["token"])


def credit_reports():
    shop = Shop(gateway, "secret-panel", password=PASSWORD, blueprint="panel", currency="USD")
    reseller = people(shop, "credits")
    path = shop.base + "/api/v1/reseller"
    for key in (reseller["live"], reseller["test"]):
        user = {"email": "someone@customer.example", "name": "S", "password": CUSTOMER_PASSWORD}
        for _ in range(2):
            gateway.post(path + "/signup", user, key=key)
        gateway.post(path + "/signup", {**user, "email": "no"}, key=key)
        gateway.post(path + "/credit", {"kind": "topup", "amount_usd": 1, "external_ref": "a", "meta": {}}, key=key)
        wrongly("POST", path + "/credit", key)


def activation_codes():
    shop = Shop(gateway, "secret-codes", password=PASSWORD, blueprint="codes", currency="USD")
    reseller = people(shop, "codes")
    path = shop.base + "/api/reseller"
    made = gateway.post(path + "/register", {"companyName": "B", "email": "b@brand.example", "password": OTHER_PASSWORD})
    seed = gateway.hide("codes: a seed hash", made.json["seedHash"], made)
    gateway.post(path + "/activate", headers={"x-seed-hash": seed})
    again = gateway.post(path + "/login", {"email": "b@brand.example", "password": OTHER_PASSWORD})
    gateway.hide("codes: a seed hash for a day", again.json["seedHash"], again)
    for _ in range(2):
        minted = gateway.post(path + "/regenerate-key", headers={"x-seed-hash": seed})
        key = gateway.hide("codes: a key", minted.json["apiKey"], minted)
    secret = gateway.post(path + "/webhook/secret", headers={"x-seed-hash": seed})
    gateway.hide("codes: a signing secret of its own", secret.json["secret"], secret)
    service = {"driver": "http", "create_url": "https://pay.invalid/create", "api_key": "payment-service-key-4711",
               "webhook_secret": "whsec_" + base64.b64encode(b"the payment service's own secret").decode()}
    gateway.hide("codes: the payment service's key", service["api_key"])
    gateway.hide("codes: the payment service's signing secret", service["webhook_secret"])
    assert shop.admin("PUT", "/payment-service", service).status == 200
    shop.admin("GET", "/payment-service")
    shop.admin("PUT", "/payment-service", {**service, "create_url": "nowhere"})
    gateway.post(path + "/topup", {"amount": 50}, headers={"x-api-key": key})
    gateway.post(path + "/topup/webhook", {"id": "x", "secret": service["webhook_secret"]})
    for used in (reseller["live"], reseller["test"]):
        codes = gateway.post(path + "/generate", {"planId": "1month", "count": 2}, headers=idempotent(**{"x-api-key": used}))
        if codes.status == 200:
            page = f"{shop.base}/activate/{codes.json['codes'][0]['code']}"
            gateway.post(page, {"email": "c@customer.example", "password": CUSTOMER_PASSWORD, "account": "new"})
            gateway.post(page, {"email": "c@customer.example", "password": OTHER_PASSWORD})
            form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
            gateway.post(page, urllib.parse.urlencode({"email": "c@", "password": CUSTOMER_PASSWORD}).encode(), headers=form)
    wrongly("GET", path + "/me", key)
    wrongly("GET", path + "/codes", seed)


def proxy_ports():
    shop = Shop(gateway, "secret-ports", password=PASSWORD, blueprint="proxies", currency="USD")
    reseller = people(shop, "ports")
    assert shop.admin("PUT", "/countries/germany_id", {"name": "Germany", "base_price": "2.00"}).status in (200, 201)
    for mode in ("live", "test"):
        row = {"device": "d", "server_ip": "192.0.2.1", "http_port": "1-9", "socks_port": "11-19", "country": "germany_id", "mode": "shared"}
        shop.admin("POST", f"/ports?mode={mode}", {"ports": [row]}, headers=idempotent())
    path = shop.base + "/v1"
    signed_in = gateway.post(path + "/login/signin", {"email": reseller["email"], "password": PASSWORD})
    token = gateway.hide("ports: an access token", signed_in.json["access_token"], signed_in)
    minted = gateway.post(path + "/api-keys", {"name": "A"}, key=token, headers=idempotent())
    gateway.hide("ports: a key of its own", minted.json["key"], minted)
    for key in (reseller["live"], reseller["test"]):
        headers = {"X-API-Key": key}
        customer = gateway.post(path + "/reseller/customers", {"email": "c@d.example", "allocatedPortSlots": 5}, headers=headers).json
        wanted = {"customerId": customer["_id"], "countryId": "germany_id", "days": 1}
        again = idempotent(**headers)
        for _ in range(2):
            port = gateway.post(path + "/reseller/ports", wanted, headers=again)
            assert port.status == 201, port
        gateway.hide("a port's password", port.json["port"]["proxyPassword"])
        gateway.post(f"{path}/reseller/ports/{port.json['port']['_id']}/rotate", headers=headers)
        hook = gateway.post(path + "/reseller/webhooks", {
            "name": "W", "url": "https://hook.example/", "events": ["port.created"]}, headers=idempotent(**headers))
        gateway.hide("ports: a webhook's secret", hook.json["secret"], hook)
        gateway.post(path + "/reseller/ports", wanted, headers=headers)
        wrongly("GET", path + "/reseller/ports", key)
    wrongly("GET", path + "/api-keys", token)


def licence_keys():
    shop = Shop(gateway, "secret-keys", password=PASSWORD, blueprint="licences", currency="USD")
    reseller = people(shop, "licences")
    shop.product()
    for key in (reseller["live"], reseller["test"]):
        path = f"{shop.base}/reseller"
        for call in (f"/myavailable?api_token={key}", f"/licenseinfo?api_token={key}&license=none", f"/fetchlicense?api_token={key}",
                     f"/nowhere?api_token={key}", f"/myavailable?api_token={key}&api_token={key}", f"/my%61vailable?api%5Ftoken={key}"):
            gateway.get(path + call)
        body = {"api_token": key, "license": "none", "discord_user_id": "1"}
        for more in ({}, {"license": 5}, {"discord_user_id": key}, {"license": key}):
            gateway.post(path + "/assignlicense", {**body, **more})
        gateway.post(path + "/assignlicense", json.dumps(body).encode()[:-1])
        gateway.post(f"/reseller/assignlicense?api_token={key}", body)
        wrongly("GET", path + "/myavailable", key)


def files():
    for place, _, names in os.walk(gateway.data):
        for name in names:
            path = os.path.join(place, name)
            # What the demo gives away is there to be given away.
            if os.path.isfile(path) and name != "demo.json":
                with open(path, "rb") as file:
                    yield path, file.read()


def clean(places):
    places = list(places)
    assert places
    found = []
    for secret, (name, shown) in gateway.secrets.items():
        for form in forms(secret):
            found += [f"{name} is in {place}" for place, data in places if form in data]
    assert not found, (len(found), found[:20])


def searched():
    with checks("G the folder of the running gateway: no secret in any file, WALs too"):
        assert any(path.endswith("-wal") for path, _ in files()), "no WAL is open"
        clean(files())
    with checks("G O6 exports, the audit log as CSV and JSON Lines, metrics: no secret in any"):
        places = [("metrics", gateway.get("/metrics").body)]
        for slug in ("secret-host", "secret-panel", "secret-codes", "secret-ports", "secret-keys"):
            export = gateway.get(f"/provider/v1/tenants/{slug}/export", key=gateway.provider_key)
            assert export.status == 200, export
            places.append((f"the export of {slug}", export.body))
            owner = next(secret for secret, (name, _) in gateway.secrets.items()
                         if name.endswith("the owner's key") and gateway.get(f"/t/{slug}/api/admin/settings", key=secret).status == 200)
            for name in ("/audit.csv", "/audit.jsonl", "/audit?limit=100", "/usage", "/deliveries", "/resellers", "/api-keys",
                         "/payment-service", "/settings", "/users"):
                places.append((f"{slug}{name}", gateway.get(f"/t/{slug}/api/admin{name}", key=owner).body))
        clean(places)
    with checks("L1 O1 every answer but the one that shows a secret: not in any of them, refusals, replays and pages too"):
        assert len(gateway.answers) > 400, len(gateway.answers)
        found = []
        for secret, (name, shown) in gateway.secrets.items():
            if name in SHOWN_AGAIN:
                continue
            for form in forms(secret):
                for path, answer in gateway.answers:
                    text = answer.body + repr(answer.headers).encode()
                    if form in text and answer is not shown and not (shown is None and text.count(form) == 1 and answer.status == 201):
                        found.append((name, path, answer))
        assert not found, (len(found), found[:5])
    with checks("G8 the folder after kill -9, and again after the start that recovers it: no secret in any file"):
        gateway.end(gateway.process.kill)
        clean(files())
        gateway.start()
        clean(files())
    with checks("G7 the log, one line a request, and standard error: no secret in any"):
        gateway.end(gateway.process.terminate)
        log = b"".join(gateway.log)
        assert log.count(b"\"request_id\"") > 400 and b"/reseller/myavailable" in log
        clean([("the log", log)])
        assert b"api_token=" not in log
    with checks("G the folder once it has stopped: no secret in any file"):
        clean(files())
    with checks("what is looked for would be found: a secret that is put into a file is"):
        path = os.path.join(gateway.data, "levels.bin")
        with open(path, "ab") as file:
            file.write(urllib.parse.quote(next(iter(gateway.secrets))).encode())
        try:
            clean(files())
        except AssertionError:
            pass
        else:
            raise AssertionError("nothing was found")


with Watched(options.tollgate) as gateway:
    for secret in (PASSWORD, OTHER_PASSWORD, CUSTOMER_PASSWORD):
        gateway.hide(f"the password “{secret}”", secret)
    gateway.hide("the provider's key", gateway.provider_key)
    for part in (wholesale_orders, credit_reports, activation_codes, proxy_ports, licence_keys):
        with checks(f"every secret of {part.__name__.replace('_', ' ')} is made, used, misused"):
            part()
    searched()
checks.finish()
