"""A line for each command of a reseller's own week (`tollgate my …`), each of which works: for output.py."""

from shop import PASSWORD


class OwnLines:
    """Of the lines in commandlines.py: their shop, their reseller, their services."""

    def __init__(self, lines):
        self.lines, self.shop, self.reseller = lines, lines.shop, lines.reseller
        self.sku = lines.commands.skus["instant"]
        self.data = ["--data", lines.commands.gateway.data]
        self.secret = lines.written(self.reseller["webhook_secret"] + "\n")
        self.token = None

    def all(self):
        return self.of_account() | self.of_orders() | self.of_calls()

    def line(self, *words):
        return ["my", *words, *self.data, "--key", self.reseller["key"]]

    def signed_in(self, *words):
        if self.token is None:
            self.token = self.shop.sign_in(self.reseller)
        return ["my", *words, *self.data, "--key", self.token]

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
        return lines | {
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
            "my usage": lambda: self.line("usage"),
            "my requests": lambda: self.line("requests", "--order", self.lines.order()["order"]["id"]),
            "my webhooks": lambda: self.line("webhooks"), "my deliveries": lambda: self.line("deliveries"),
            "my delivery": lambda: self.line("delivery", self.delivery()),
            "my retry": lambda: self.line("retry", self.delivery()),
            "my replay": lambda: self.line("replay", "--since", "2020-01-01T00:00:00Z", "--dry-run"),
            "my keys": lambda: self.signed_in("keys"), "my sessions": lambda: self.signed_in("sessions"),
            "my mint": lambda: self.signed_in("mint", "--name", "laptop"),
            "my rotate": lambda: self.signed_in("rotate", self.own_key()),
            "my revoke": lambda: self.signed_in("revoke", self.own_key()), "my password": self.new_password}

    def own_key(self):
        return self.shop.mint(self.reseller).json["id"]

    def new_password(self):
        """Of a reseller of its own: the sessions of the other go on."""
        reseller = self.shop.reseller(password=PASSWORD)
        old, new = (self.lines.written(text + "\n") for text in (PASSWORD, "a password of its own"))
        return ["my", "password", "--old-file", old, "--new-file", new, *self.data,
                "--key", self.shop.sign_in(reseller)]
