"""What the pages are looked at with: one gateway, a tenant that is empty, one of wholesale orders that is full, and the
demo's of the other dialects, filled up. All of it by the API. `ids` are what the table of pages has in braces."""

import json
import threading
import uuid

from office import Office
from receiver import Receiver
from shop import PARTNER, PASSWORD, Shop
from support import Gateway, wait_until
from units import Shaky, ShakyHandler, ShakyServer

DAY = 86_400
# The owner's and the people's of every tenant here.
REPORTS, LICENCES, PORTS, CODES = "/api/v1/reseller", "/reseller", "/v1", "/api/reseller"
NAMES = [
    "Alpha Cloud", "Beacon Hosting", "Cobalt Servers", "Dune Networks", "Ember Sites", "Fjord Data", "Granite VPS",
    "Harbour Web", "Iris Managed", "Juniper Labs", "Kestrel IT", "Lumen Agency", "Meadow Digital", "Nimbus Partners",
    "Orchard Studio", "Pine Street Web", "Quarry Systems", "Ridge Hosting", "Saffron Media", "Tern Online",
    "Umber Works", "Vale Internet", "Willow Tech", "Xylo Games", "Yarrow Shop", "Zephyr Net", "Ash & Oak", "Birch Ltd",
    "Cedar GmbH", "Delta Bits", "Elm Hosting", "Fern Cloud"]
MARKUP = "<script>alert(1)</script>"
# Longer than a line, hidden turns, markup, and one word that nothing breaks: what people put into names.
HOSTILE = f"{MARKUP}\"><img src=x onerror=alert(2)> javascript:alert(3) "
PRICES = {"wholesale_monthly": 4, "wholesale_quarterly": 11.64, "wholesale_annual": 43.2}


TURNED = "\u202eba\u202c"


def hostile(length, turned=False):
    """So many characters of it, the rest one long word; `turned`: with letters that run the other way, where a name may
    have them."""
    return ((TURNED if turned else "") + HOSTILE + "W" * length)[:length]


def done(answer, *statuses):
    assert answer.status in (statuses or (200, 201, 202, 204)), answer
    return answer.json if "json" in answer.headers.get("content-type", "") else None


class Works:
    """The full tenant: wholesale orders, with everything in every state."""

    def __init__(self, world):
        self.world, self.gateway = world, world.gateway
        self.office = Office(self.gateway, slug="works")
        self.shop = self.office.shop
        self.base = self.shop.base
        self.ids = {}
        self.admin = lambda *words, **more: done(self.shop.admin(*words, **more))
        self.settings()
        self.catalogue()
        self.resellers()
        self.provisioner()
        self.hooks()
        self.orders()

    def settings(self):
        self.admin("PATCH", "/settings", {"name": "Northwind Hosting", "self_service_keys": True})
        self.admin("PUT", "/payment-service", {"driver": "sandbox"})
        self.owner_email = self.office.owner_email
        self.people = {"owner": self.owner_email}
        for name, role in (("ada", "operator"), ("sam", "support")):
            made = self.office.add(name, role)
            self.office.accept(made["invitation_url"])
            self.people[role] = made["email"]
            self.ids[f"person_{role}"] = made["id"]
        # Who signs out everywhere: no one else's sessions end by it.
        max = self.office.add("max", "support")
        self.office.accept(max["invitation_url"])
        self.people["leaver"] = max["email"]
        bob = self.office.add("bob", "support")
        self.office.changed(bob, state="disabled")

    def catalogue(self):
        """With the blueprint's own, forty products and one that wishes us ill."""
        self.skus = [row["sku"] for row in self.admin("GET", "/products?limit=100")["data"]]
        for number in range(40 - len(self.skus)):
            sku = f"plan-{number + 1:02}"
            self.admin("POST", "/products", {
                "sku": sku, "name": f"Plan {number + 1}, {2 ** (number % 5)} vCPU", "fulfilment": "instant",
                "list": {"monthly": f"{5 + number}.00", "annual": f"{50 + 10 * number}.00"}})
            self.skus.append(sku)
        for sku, name, fulfilment in (("manual-1", "Rack unit, by hand", "manual"), ("unit-1", "Managed unit", "http"),
                                      ("keys-1", "Control panel key", "stock"),
                                      ("ill-1", hostile(200, True), "instant")):
            self.admin("POST", "/products", {
                "sku": sku, "name": name, "fulfilment": fulfilment, "list": {"monthly": "12.00"}})
            self.skus.append(sku)
        self.admin("POST", "/products/keys-1/stock", ("item\n" + "".join(f"CP-{n:04}\n" for n in range(12))).encode(),
                   idempotent=True, headers={"Content-Type": "text/csv"})
        self.ids |= {"sku": "vps-1", "stock_sku": "keys-1", "ill_sku": "ill-1", "unit_sku": "unit-1"}

    def resellers(self):
        """Thirty-two by states, one of them ours, one ill-wishing, one poor."""
        self.all = []
        for number, name in enumerate(NAMES):
            reseller = self.shop.invite(
                f"ops@{name.lower().replace(' & ', '-').replace(' ', '-')}.example", None, name=name,
                company=f"{name} Ltd" if number % 3 == 0 else None)
            self.all.append(reseller)
            if 22 <= number < 25:
                continue
            done(self.shop.move(reseller, "approve"))
            self.shop.top_up(reseller, f"{100 + 37 * number}.00")
            if 25 <= number < 28:
                done(self.shop.move(reseller, "suspend"))
            if 28 <= number < 30:
                done(self.shop.move(reseller, "terminate"))
        for number in range(3):
            done(self.gateway.post(f"{self.base}{PARTNER}/apply", {
                "email": f"apply-{number}@there.example", "name": f"Applicant {number}", "password": PASSWORD}))
        self.main = self.shop.reseller(
            balance="5000.00", password=PASSWORD, name="Main Street Hosting", company="Main Street Ltd",
            notes="Pays by transfer. Asks for invoices in March.", low_balance_threshold="100.00")
        self.poor = self.shop.reseller(balance="12.00", password=PASSWORD)
        self.shop.terms(self.poor, name="Slim Purse")
        self.ill = self.shop.reseller(balance="1000.00", password=PASSWORD, name=hostile(200, True),
                                      company=hostile(200, True), notes=hostile(2000, True))
        self.other = self.shop.reseller(balance="500.00", password=PASSWORD, name="Rival Hosting")
        self.suspended = self.shop.reseller(balance="50.00", password=PASSWORD, name="Paused Hosting")
        self.pending = self.shop.invite(password=PASSWORD, name="Patient Web")
        for reseller in (self.main, self.poor, self.ill, self.other, self.suspended, *self.all[:20]):
            for number, sku in enumerate(self.skus):
                if reseller in self.all and number % 7:
                    continue
                self.price(reseller, sku, number)
        self.ids |= {"reseller": self.main["id"], "ill_reseller": self.ill["id"],
                     "pending_reseller": self.all[22]["id"], "other_reseller": self.other["id"]}

    def price(self, reseller, sku, number):
        self.shop.price(reseller, sku, {
            "wholesale_monthly": f"{4 + number % 9}.00", "wholesale_annual": f"{40 + number % 9 * 10}.00",
            "wholesale_hourly": "0.0123" if number % 4 == 0 else None,
            "wholesale_setup_fee": "5.00" if number % 5 == 0 else None,
            "discount_rate_override": "7.5" if number % 6 == 0 else None,
            "max_quantity": 10 if number % 3 == 0 else None,
            "is_enabled": number % 8 != 7})

    def provisioner(self):
        self.desk = Shaky(self.gateway)
        self.server = ShakyServer(self.desk, handler=ShakyHandler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.world.ends.append(self.server.shutdown)
        made = self.admin("PUT", "/provisioning", {
            "url": f"http://127.0.0.1:{self.server.server_address[1]}/units", "timeout_seconds": 5})
        self.desk.secret = made["secret"]

    def hooks(self):
        """One endpoint that hears, one that is broken, one that was switched off."""
        self.receiver = Receiver()
        self.world.ends.append(self.receiver.stop)
        for reseller in (self.main, self.ill):
            for name, path, types in (("shop", "/ok/shop", ["order.created", "order.completed"]),
                                      ("billing", "/status/500/billing", ["order.created"]),
                                      ("old", "/ok/old", ["order.created"])):
                name = hostile(64, True) if reseller is self.ill else name
                hook = done(self.shop.call(reseller, "POST", "/webhooks", {
                    "name": name, "url": self.receiver.url(path), "events": types}))
                if reseller is self.main:
                    self.ids[f"webhook_{path.split('/')[-1]}"] = hook["id"]
        self.admin("POST", f"/webhooks/{self.ids['webhook_old']}/disable")
        self.ids["webhook"] = self.ids["webhook_billing"]

    # A month of work

    def order(self, reseller, sku, term="monthly", quantity=1, customer="c-1", **fields):
        body = {"product": sku, "term": term, "quantity": quantity,
                "customer": {"external_id": customer, **fields.pop("who", {})}, **fields}
        return done(self.gateway.order(
            f"{self.base}{PARTNER}/orders", body, reseller, str(uuid.uuid4()), timestamp=int(self.gateway.now())))

    def orders(self):
        services = []
        self.order(self.poor, "vps-1", who={"email": "late@there.example"})
        for number in range(12):
            # Over three weeks, so that charts have something to show.
            self.gateway.jump(2 * DAY)
            made = self.order(
                self.main, self.skus[(0, 1, 3, 4, 5)[number % 5]], ("monthly", "annual")[number % 4 == 3],
                1 + number % 2, f"c-{number % 6 + 1}", reference=f"invoice-{number + 100}",
                who={"email": f"customer-{number % 6 + 1}@there.example"})
            services += [service["id"] for service in made["services"]]
        for customer in (hostile(128), "W" * 128):
            ill = self.order(self.ill, "ill-1", customer=customer, reference=hostile(128))
        self.ids |= {"ill_order": ill["order"]["id"], "ill_service": ill["services"][0]["id"]}
        keys = self.order(self.main, "keys-1", quantity=2, customer="c-2")
        rejected = self.order(self.main, "manual-1", customer="c-3")
        self.admin("POST", f"/orders/{rejected['order']['id']}/reject", {"reason": "That rack is full until spring."})
        self.admin("POST", f"/services/{services[2]}/suspend")
        self.admin("POST", f"/services/{services[3]}/cancel", {"at": "now"})
        done(self.shop.call(self.main, "POST", f"/services/{services[4]}/cancel", {}))
        self.ids |= {"rejected_order": rejected["order"]["id"], "service": services[0], "key_service":
                     keys["services"][0]["id"]}
        done(self.shop.move(self.suspended, "suspend"))

    def afterwards(self):
        """What happened since: a month is over, some could not pay, some of it fails."""
        wait_until(lambda: self.admin("GET", "/services?state=past_due")["data"])
        self.desk.fault = lambda call, attempt: "no" if call["quantity"] > 1 else "busy"
        unit = self.order(self.main, "unit-1", customer="c-4")
        self.order(self.main, "unit-1", quantity=2, customer="c-5")
        waiting = [self.order(self.main, "manual-1", customer=f"c-{number}")["order"]["id"] for number in range(3)]
        active = self.order(self.main, "vps-1", customer="c-1", reference="invoice-200")
        late = self.admin("GET", "/services?state=past_due")["data"][0]
        self.ids |= {"order": active["order"]["id"], "waiting_order": waiting[0], "late_service": late["id"],
                     "unit": unit["services"][0]["id"]}
        self.waiting = waiting
        self.keys()
        self.payments()
        carol = self.office.add("carol", "operator")
        self.ids["invitation"] = carol["invitation_url"].rsplit("/", 1)[1]
        reset = done(self.office.reset({"id": self.ids["person_support"]}))
        self.ids["reset"] = reset["url"].rsplit("/", 1)[1]
        rows = self.admin("GET", "/deliveries?limit=100")["data"]
        self.ids["delivery"] = next(row["id"] for row in rows if row["state"] != "delivered")
        replay = self.admin("POST", "/deliveries/replay", {
            "since": "2020-01-01T00:00:00Z", "endpoint": self.ids["webhook_shop"]})
        self.ids["replay"] = replay["id"]
        self.ids["customer"] = self.admin("GET", "/customers?limit=1")["data"][0]["id"]
        changed = self.admin("GET", "/audit?limit=1&status=201")["data"][0]
        self.ids |= {"audit_row": str(changed["seq"]), "audit_request": changed["request_id"] + "?at=" + changed["at"]}
        self.ids["own_key"] = self.admin("GET", "/account/keys")["data"][0]["id"]

    def keys(self):
        """Keys of all kinds, and twelve hours of calls, some of them over the limit."""
        made = done(self.shop.mint(self.main, name="storefront", limit={"requests": 6, "window_seconds": 3600}))
        self.limited, self.ids["key"] = made["key"], made["id"]
        for fields in ({"name": "trying out", "mode": "test"}, {"name": "old"}, {"name": hostile(64)},
                       {"name": "until spring", "expires_at": "2099-03-01T00:00:00Z"},
                       {"name": "reads", "scopes": ["partner:read"]}):
            last = done(self.shop.mint(self.main, **fields))
            if fields["name"] == "old":
                done(self.shop.admin("DELETE", f"/api-keys/{last['id']}"))
        for hour in range(12):
            for _ in range(1 + hour * 7 % 11):
                self.gateway.get(f"{self.base}{PARTNER}/products", key=self.limited)
                self.gateway.get(f"{self.base}{PARTNER}/orders?limit=5", key=self.main["key"])
            if hour % 3 != 1:
                self.order(self.other, self.skus[1], quantity=1 + hour % 4, customer=f"r-{hour % 5}")
            self.gateway.jump(3600)

    def payments(self):
        urls = [done(self.shop.call(self.main, "POST", "/topup", {"amount": "25.00"}, headers={
            "Idempotency-Key": str(uuid.uuid4())})) for _ in range(3)]
        paths = [made["payment_url"].removeprefix(self.gateway.base_url) for made in urls]
        done(self.gateway.request("POST", paths[1], b"action=pay", headers={
            "Content-Type": "application/x-www-form-urlencoded"}))
        self.ids |= {"payment": paths[0].rsplit("/", 1)[1], "paid": paths[1].rsplit("/", 1)[1],
                     "topup": urls[0]["id"]}


class World:
    """`tenants`: base, ids and who signs in, by name."""

    def __init__(self, tollgate):
        self.gateway = Gateway(tollgate, "--allow-private-addresses", "--trusted-proxy", "127.0.0.0/8", clock=True)
        # What is to be ended with it.
        self.ends = []

    def __enter__(self):
        self.gateway.__enter__()
        try:
            self.make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, failure=None, *_):
        self.gateway.__exit__(failure)
        for end in self.ends:
            end()

    def make(self):
        self.works = Works(self)
        self.gateway.jump(8 * DAY)
        self.works.afterwards()
        self.empty = Office(self.gateway, slug="empty")
        # A tenant whose one reseller has just been approved.
        self.fresh = Shop(self.gateway, slug="fresh")
        self.newcomer = self.fresh.reseller(password=PASSWORD)
        key = done(self.gateway.get("/provider/v1/provider-keys", key=self.gateway.provider_key))["data"][0]["id"]
        self.ids = {"works": self.works.ids, "empty": {}, "fresh": {}, "console": {"key": key}}
        self.beside = {}
        for name in ("codes", "licences", "panel", "proxies"):
            self.ids[name] = getattr(self, name)(self.gateway.tenant(name))
            self.beside[name] = self.neighbour(name)
        for name, api in (("codes", CODES), ("licences", LICENCES), ("panel", REPORTS), ("proxies", PORTS)):
            self.ids[name]["call"], _ = self.described(api)
        self.ids["works"]["call"], self.ids["works"]["event"] = self.described("/api/partner/v1")
        self.ids["works"]["admin_call"], _ = self.described("/api/admin")

    def described(self, base):
        """Ids of a call and of an event, as the pages of the reference have them."""
        document = done(self.gateway.get(base + "/openapi.json"))
        call = next(calls["post"] for calls in document["paths"].values() if "post" in calls)
        event = next(iter(document.get("webhooks", {}).values()), None)
        return call["operationId"], event and event["post"]["operationId"]

    def login(self, tenant, who):
        """Address and password of an owner, an operator, support, or a reseller."""
        if tenant == "fresh":
            return self.newcomer["email"], PASSWORD
        if tenant in ("works", "empty"):
            office = self.works.office if tenant == "works" else self.empty
            if who == "owner":
                return office.owner_email, PASSWORD
            if who in ("operator", "support", "leaver"):
                return self.works.people[who], PASSWORD
            return getattr(self.works, {"reseller": "main", "other reseller": "other"}.get(who, who))["email"], PASSWORD
        if who == "other reseller":
            return self.beside[tenant], PASSWORD
        demo = self.gateway.tenant(tenant)
        person = demo["owner_login"] if who == "owner" else demo["resellers"][0 if who == "reseller" else 1]
        return person["email"], person["password"]

    # The other dialects: the demo, and what the demo has not

    def admin(self, tenant, method, path, body=None, **headers):
        """As the owner of one of the demo's tenants."""
        return done(self.gateway.request(
            method, f"{tenant['base_url'].removeprefix(self.gateway.base_url)}/api/admin{path}", body,
            key=tenant["owner_key"], headers={
                "Idempotency-Key": uuid.uuid4().hex, **{k.replace("_", "-"): v for k, v in headers.items()}}))

    def neighbour(self, name):
        """The address of another reseller of one of the demo's tenants, who has nothing."""
        tenant, email = self.gateway.tenant(name), f"beside@{name}.example"
        made = self.admin(tenant, "POST", "/resellers", {"email": email, "name": "Beside", "password": PASSWORD})
        self.admin(tenant, "POST", f"/resellers/{made['id']}/approve")
        return email

    def codes(self, tenant):
        reseller = tenant["resellers"][0]
        call = lambda path, body: done(self.gateway.post(
            f"/t/codes{CODES}{path}", body, headers={"x-api-key": reseller["key"]}))
        made = call("/generate", {"planId": "1month", "count": 8})["codes"]
        self.admin(tenant, "POST", "/products", {
            "sku": "ill", "name": hostile(200), "fulfilment": "instant", "days": 1, "retail_price": "1",
            "wholesale_price": "0"})
        ill = call("/generate", {"planId": "ill", "count": 1})["codes"][0]["code"]
        used = made[1]["code"]
        done(self.gateway.request("POST", f"/t/codes/activate/{used}", (
            f"email=jo%40customer.example&password={PASSWORD.replace(' ', '+')}&account=new").encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"}))
        subscribers = self.admin(tenant, "GET", "/subscribers")["data"]
        lost = self.admin(tenant, "POST", f"/subscribers/{subscribers[0]['id']}/password-reset")
        return {"code": made[0]["code"], "used_code": used, "ill_code": ill, "reseller": reseller["id"],
                "subscriber": subscribers[0]["id"], "lost_password": lost["url"].rsplit("/", 1)[1]}

    def licences(self, tenant):
        reseller = tenant["resellers"][0]
        key = self.gateway.get(f"/t/licences{LICENCES}/fetchlicense?api_token={reseller['key']}")
        assert key.status == 200, key
        return {"reseller": reseller["id"], "sku": "lifetime"}

    def panel(self, tenant):
        """A ledger that is a cent off, and an event that was told twice otherwise."""
        reseller = tenant["resellers"][0]

        def credit(ref, amount):
            done(self.gateway.post(f"/t/panel{REPORTS}/credit", {
                "kind": "topup", "amount_usd": amount, "external_ref": ref, "meta": {}}, key=reseller["key"]))

        for number in range(20):
            credit(f"txn-{number}", 10 + number)
        for amount in (5, 6):
            credit("txn-twice", amount)
        lines = ["external_ref,kind,amount,at,comment"] + [
            f"txn-{number},topup,{10 + number}.{'01' if number == 7 else '00'},2026-05-01T10:00:00Z,"
            for number in range(19)] + ["txn-unknown,topup,3.00,2026-05-01T10:00:00Z,"]
        report = self.admin(tenant, "POST", f"/reconciliations?reseller={reseller['id']}",
                            "\n".join(lines).encode(), Content_Type="text/csv")
        reviews = self.admin(tenant, "GET", "/reviews")["data"]
        events = self.admin(tenant, "GET", "/credit-events?limit=1")["data"]
        return {"reseller": reseller["id"], "reconciliation": report["id"], "review": reviews[0]["id"],
                "credit_event": events[0]["id"]}

    def proxies(self, tenant):
        reseller = tenant["resellers"][0]
        call = lambda path, body: done(self.gateway.post(
            f"/t/proxies{PORTS}{path}", body, headers={
                "X-API-Key": reseller["key"], "Idempotency-Key": uuid.uuid4().hex}))
        made = []
        for number, name in enumerate(("Anna Schmidt", "Bits & Bytes", hostile(100, True))):
            customer = call("/reseller/customers", {
                "email": f"user-{number}@there.example", "name": name, "allocatedPortSlots": 5})
            made += [call("/reseller/ports", {
                "customerId": customer["_id"], "countryId": "germany_id", "days": 30}) for _ in range(2)]
        slot = self.admin(tenant, "GET", "/ports?limit=1")["data"][0]
        return {"reseller": reseller["id"], "port": made[0]["port"]["_id"], "customer": customer["_id"],
                "device": "de-berlin-1", "slot": f"{slot['server_ip']}:{slot['http_port']}"}
