"""A line for each command that looks after codes, credit, services, limits and webhooks, each of which works: for
output.py. Codes and credit reports have tenants of their own, whose blueprints sell them."""

from shop import PASSWORD, Shop


class DeskLines:
    """Of the lines in commandlines.py: their shop, their reseller, their services."""

    def __init__(self, lines):
        self.lines, self.commands, self.shop = lines, lines.commands, lines.shop
        self.reseller, self.owner = lines.reseller, lines.owner
        self.coded, self.credited = self.with_codes(), self.with_credit()

    def with_codes(self):
        shop = Shop(self.commands.gateway, slug="coded", blueprint="codes")
        reseller = shop.reseller(balance="100.00")
        plan = shop.admin("POST", "/products", {
            "sku": "a-month", "name": "A month", "fulfilment": "instant", "days": 30, "retail_price": "9.00",
            "wholesale_price": "5.00"})
        assert plan.status == 201, plan
        made = shop.gateway.post(
            f"{shop.base}/api/reseller/generate", {"planId": "a-month", "count": 1},
            headers={"x-api-key": reseller["key"]})
        assert made.status == 200, made
        self.code = made.json["codes"][0]["code"]
        redeemed = shop.gateway.post(
            f"{shop.base}/activate/{self.code}", {"email": "c@there.example", "password": PASSWORD})
        assert redeemed.status == 200, redeemed
        self.subscriber = shop.admin("GET", "/subscribers").json["data"][0]["id"]
        return self.of(shop)

    def with_credit(self):
        shop = Shop(self.commands.gateway, slug="credited", blueprint="panel")
        reseller = shop.reseller()
        told = shop.gateway.post(
            f"{shop.base}/api/v1/reseller/credit", {"kind": "topup", "amount_usd": 25.0, "external_ref": "t-1"},
            key=reseller["key"])
        assert told.status == 200, told
        self.event = told.json["id"]
        self.ledger = self.lines.written("external_ref,kind,amount,at\nt-2,topup,1.00,2026-01-01\n")
        self.credits, self.creditor = shop, reseller["id"]
        return self.of(shop)

    def of(self, shop):
        return ["--data", self.commands.gateway.data, "--tenant", shop.slug, "--key", shop.owner_key]

    def all(self):
        return (
            self.of_limits() | self.of_webhooks() | self.of_codes() | self.of_credit() | self.of_services()
            | self.of_stock() | self.of_log())

    # What a line is about

    def compared(self):
        """A reconciliation that found something: a review is open."""
        with open(self.ledger, "rb") as file:
            made = self.credits.admin("POST", f"/reconciliations?reseller={self.creditor}", file.read())
        assert made.status == 201, made
        return made.json

    def hook(self, *moves):
        for move in moves:
            self.shop.admin("POST", f"/webhooks/{self.commands.webhook}/{move}")
        return self.commands.webhook

    def provisioned(self):
        """A product with a provisioner of its own."""
        sku = self.shop.product("http")
        put = self.shop.admin("PUT", f"/products/{sku}/provisioning", {"url": "https://there.example/make"})
        assert put.status == 200, put
        return sku

    def paying(self, *words):
        """A line about the payment service of a tenant that has one."""
        put = self.credits.admin("PUT", "/payment-service", {"driver": "sandbox"})
        assert put.status == 200, put
        return [*words, *self.credited]

    def ending(self):
        """A service that its operator has end with its term."""
        service = self.lines.service()
        ended = self.shop.admin("POST", f"/services/{service}/cancel", {"at": "term_end"})
        assert ended.status == 200, ended
        return service

    def logged(self):
        return self.shop.admin("GET", "/audit?limit=1&changes=true").json["data"][0]

    # The lines

    def of_limits(self):
        def line(*words):
            return lambda: [*words, *self.owner]

        reseller = self.reseller["id"]
        return {
            "key show": lambda: ["key", "show", self.commands.key(), *self.owner],
            "key activity": line("key", "activity"),
            "limit show": lambda: ["limit", "show", self.commands.limited(), *self.owner],
            "limit history": lambda: ["limit", "history", self.commands.limited(), *self.owner],
            "reseller sessions": line("reseller", "sessions", reseller),
            "reseller rehearse": line("reseller", "rehearse", reseller, "10/60"),
            "reseller limit-history": line("reseller", "limit-history", reseller)}

    def of_webhooks(self):
        def line(verb, *moves):
            return lambda: ["webhooks", verb, self.hook(*moves), *self.owner]

        return {
            "webhooks show": line("show"), "webhooks test": line("test"),
            "webhooks pause": line("pause", "enable", "resume"), "webhooks resume": line("resume", "enable", "pause")}

    def of_codes(self):
        customers = ["customer", "list", *self.owner]

        def customer():
            self.lines.order()
            return self.shop.admin("GET", "/customers").json["data"][0]["id"]

        return {
            "customer list": lambda: customers,
            "customer show": lambda: ["customer", "show", customer(), *self.owner],
            "customer change": lambda: ["customer", "change", customer(), "--name", "Jo", *self.owner],
            "subscriber list": lambda: ["subscriber", "list", *self.coded],
            "subscriber show": lambda: ["subscriber", "show", self.subscriber, *self.coded],
            "subscriber reset-password": lambda: ["subscriber", "reset-password", self.subscriber, *self.coded],
            "code list": lambda: ["code", "list", *self.coded],
            "code show": lambda: ["code", "show", "--code-file", self.lines.written(self.code + "\n"), *self.coded],
            "user list": lambda: ["user", "list", *self.credited]}

    def of_credit(self):
        def line(*words):
            return lambda: [*words, *self.credited]

        return {
            "credit-event list": line("credit-event", "list"),
            "credit-event show": line("credit-event", "show", self.event),
            "reconciliation run": line("reconciliation", "run", self.ledger, "--reseller", self.creditor),
            "reconciliation list": line("reconciliation", "list"),
            "reconciliation show": lambda: ["reconciliation", "show", self.compared()["id"], *self.credited],
            "review list": line("review", "list"),
            "review show": lambda: ["review", "show", self.compared()["review"], *self.credited],
            "review close": lambda: [
                "review", "close", self.compared()["review"], "--note", "a typing error", *self.credited]}

    def of_services(self):
        owner = self.owner
        return {
            "payment-service show": lambda: self.paying("payment-service", "show"),
            "payment-service set": lambda: self.paying("payment-service", "set", "--driver", "sandbox"),
            "payment-service remove": lambda: self.paying("payment-service", "remove"),
            "provisioning show": lambda: ["provisioning", "show", "--product", self.provisioned(), *owner],
            "provisioning set": lambda: [
                "provisioning", "set", "https://there.example/make", "--product", self.shop.product("http"), *owner],
            "provisioning remove": lambda: ["provisioning", "remove", "--product", self.provisioned(), *owner],
            "provisioning test": lambda: [
                "provisioning", "test", "--product", self.provisioned(), "--show-only", *owner],
            "service keep": lambda: ["service", "keep", self.ending(), *owner],
            "service charges": lambda: ["service", "charges", self.lines.service(), *owner]}

    def of_stock(self):
        return {
            "country list": lambda: ["country", "list", *self.owner],
            "country set": lambda: ["country", "set", "fr", "--base-price", "1.50", "--name", "France", *self.owner],
            "stock levels": lambda: ["stock", "levels", *self.owner]}

    def of_log(self):
        return {
            "overview": lambda: ["overview", *self.owner],
            "audit show": lambda: ["audit", "show", str(self.logged()["seq"]), *self.owner],
            "audit request": lambda: ["audit", "request", self.logged()["request_id"], *self.owner]}
