"""A line for each command of a reseller's own week (`tollgate my …`), each of which works: for output.py."""

from accounts import person
from shop import PASSWORD


class OwnLines:
    """Of the lines in commandlines.py: their shop, their reseller, their services."""

    def __init__(self, lines):
        self.lines, self.shop, self.reseller = lines, lines.shop, lines.reseller
        self.sku = lines.commands.skus["instant"]
        self.data = ["--data", lines.commands.gateway.data]
        self.secret = lines.written(self.reseller["webhook_secret"] + "\n")
        self.webhook = lines.commands.webhook
        self.token, self.sellers = None, {}

    def all(self):
        return self.of_account() | self.of_orders() | self.of_calls() | self.of_webhooks() | self.of_sales()

    def line(self, *words):
        return ["my", *words, *self.data, "--key", self.reseller["key"]]

    def signed_in(self, *words):
        if self.token is None:
            self.token = self.shop.sign_in(self.reseller)
        return ["my", *words, *self.data, "--key", self.token]

    def by_seller(self, api, *words):
        """By the key of a reseller of a tenant that has another API."""
        return ["my", *words, *self.data, "--key", self.seller(api)[1]["key"]]

    def seller(self, api):
        if api not in self.sellers:
            self.sellers[api] = person(self.shop.gateway, api)
        return self.sellers[api]

    def reported(self):
        who, reseller = self.seller("reports")
        number = next(self.lines.commands.numbers)
        body = {"kind": "topup", "amount_usd": 1, "external_ref": f"told-{number}"}
        made = who.by(reseller["key"], "POST", "/credit", body)
        assert made.status == 200, made
        return made.json["id"]

    def added(self):
        """A webhook to be removed."""
        made = self.shop.call(self.reseller, "POST", "/webhooks", {
            "name": "to go", "url": "https://there.example/gone", "events": ["reseller.suspended"]})
        assert made.status == 201, made
        return made.json["id"]

    def after(self, move):
        """The webhook, as it is after this move."""
        moved = self.shop.call(self.reseller, "POST", f"/webhooks/{self.webhook}/{move}")
        assert moved.status == 200, moved
        return self.webhook

    def delivery(self):
        return self.shop.get(self.reseller, "/deliveries").json["data"][0]["id"]

    def begun(self):
        """A payment."""
        begun = self.shop.call(
            self.reseller, "POST", "/topup", {"amount": "50.00"}, headers={"Idempotency-Key": "paid-once"})
        assert begun.status == 201, begun
        return begun.json["id"]

    def ending(self):
        """A service that ends with its term."""
        service = self.lines.service()
        ended = self.shop.call(self.reseller, "POST", f"/services/{service}/cancel")
        assert ended.status == 200, ended
        return service

    # The lines

    def of_account(self):
        names = (
            "account", "programme", "overview", "limit", "balance", "products", "customers", "holdings", "statement")
        lines = {f"my {name}": lambda name=name: self.line(name) for name in names}
        tenant = [*self.data, "--tenant", self.shop.slug]
        return lines | {
            "my apply": lambda: [
                "my", "apply", "--email", self.lines.email(), "--name", "Epsilon", "--password-file", self.password(),
                *tenant],
            "my sign-in": lambda: [*self.signing_in(), *tenant],
            "my sign-out": lambda: ["my", "sign-out", *self.data, "--key", self.shop.sign_in(self.reseller)],
            # Payments of one reseller are few in an hour.
            "my topup": lambda: ["my", "topup", "50.00", *self.data, "--key", self.shop.reseller()["key"]],
            "my payment": lambda: self.line("payment", self.begun())}

    def of_orders(self):
        order = [self.sku, "--term", "monthly", "--customer", "c-1"]
        return {
            "my quote": lambda: self.line("quote", *order),
            "my buy": lambda: self.line("buy", *order, "--secret-file", self.secret),
            "my orders": lambda: self.line("orders"),
            "my order": lambda: self.line("order", self.lines.order()["order"]["id"]),
            "my services": lambda: self.line("services"),
            "my service": lambda: self.line("service", self.lines.service()),
            "my cancel": lambda: self.line("cancel", self.lines.service()),
            "my keep": lambda: self.line("keep", self.ending())}

    def of_calls(self):
        return {
            "my usage": lambda: self.line("usage"), "my usage-total": lambda: self.line("usage-total"),
            "my requests": lambda: self.line("requests", "--order", self.lines.order()["order"]["id"]),
            "my deliveries": lambda: self.line("deliveries"),
            "my delivery": lambda: self.line("delivery", self.delivery()),
            "my retry": lambda: self.line("retry", self.delivery()),
            "my replay": lambda: self.line("replay", "--since", "2020-01-01T00:00:00Z", "--dry-run"),
            "my keys": lambda: self.signed_in("keys"), "my sessions": lambda: self.signed_in("sessions"),
            "my mint": lambda: self.signed_in("mint", "--name", "laptop"),
            "my rotate": lambda: self.signed_in("rotate", self.own_key()),
            "my revoke": lambda: self.signed_in("revoke", self.own_key()), "my password": self.new_password}

    def of_webhooks(self):
        words = ["added", "https://there.example/added", "--type", "reseller.suspended"]
        return {
            "my webhooks": lambda: self.line("webhooks"), "my webhook": lambda: self.line("webhook", self.webhook),
            "my webhook-add": lambda: self.line("webhook-add", *words),
            "my webhook-change": lambda: self.line("webhook-change", self.webhook, "--concurrency", "4"),
            "my webhook-test": lambda: self.line("webhook-test", self.webhook),
            "my webhook-rotate": lambda: self.line("webhook-rotate", self.added()),
            "my webhook-remove": lambda: self.line("webhook-remove", self.added()),
            "my webhook-pause": lambda: self.line("webhook-pause", self.after("resume")),
            "my webhook-resume": lambda: self.line("webhook-resume", self.after("pause")),
            "my webhook-enable": lambda: self.line("webhook-enable", self.after("resume"))}

    def of_sales(self):
        return {
            "my codes": lambda: self.by_seller("codes", "codes"), "my ports": lambda: self.by_seller("ports", "ports"),
            "my analytics": lambda: self.by_seller("ports", "analytics"),
            "my licences": lambda: self.by_seller("licences", "licences"),
            "my report": lambda: self.by_seller("reports", "report", self.reported())}

    def signing_in(self):
        # Whoever never signed in has no password.
        self.signed_in()
        return ["my", "sign-in", "--email", self.reseller["email"], "--password-file", self.password()]

    def password(self):
        return self.lines.written(PASSWORD + "\n")

    def own_key(self):
        return self.shop.mint(self.reseller).json["id"]

    def new_password(self):
        """Of a reseller of its own: the sessions of the other go on."""
        reseller = self.shop.reseller(password=PASSWORD)
        old, new = (self.lines.written(text + "\n") for text in (PASSWORD, "a password of its own"))
        return ["my", "password", "--old-file", old, "--new-file", new, *self.data,
                "--key", self.shop.sign_in(reseller)]
