"""A line for each command about people, resellers, orders, services and money, each of which works: for output.py, which
breaks the streams of every command."""

import json
import os

from shop import PASSWORD

# Commands that show a secret once: where it is lost they say so.
SECRET = (
    "people add", "people reset-password", "account key", "reseller invite", "reseller invitation", "reseller secret")


class Lines:
    """Of output.py's commands: its shop, its reseller, its folder."""

    def __init__(self, commands):
        self.commands, self.shop, self.reseller = commands, commands.shop, commands.reseller
        self.owner = ["--data", commands.gateway.data, "--tenant", self.shop.slug, "--key", self.shop.owner_key]
        self.password = PASSWORD
        self.manual = self.shop.product("manual")
        self.shop.price(self.reseller, self.manual, {"wholesale_monthly": "1.00"})

    def all(self):
        return self.of_people() | self.of_resellers() | self.of_orders() | self.of_services() | self.of_money()

    def written(self, text):
        path = self.commands.fresh(".txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o600)
        return path

    # What a line is about: made anew where the command changes it for ever.

    def email(self):
        return f"new-{next(self.commands.numbers)}@there.example"

    def person(self):
        made = self.shop.admin("POST", "/people", {"email": self.email(), "name": "A person", "role": "support"})
        assert made.status == 201, made
        return made.json["id"]

    def signed_in(self):
        """The options of an owner who signed in."""
        answer = self.shop.gateway.post(f"{self.shop.base}/api/admin/session", {
            "email": f"owner@{self.shop.slug}.example", "password": self.password})
        assert answer.status == 200, answer
        return [*self.owner[:-1], answer.json["token"]]

    def new_password(self):
        owner, old = self.signed_in(), self.password
        self.password = f"a password of its own, number {next(self.commands.numbers)}"
        return ["account", "password", "--old-file", self.written(old), "--new-file", self.written(self.password), *owner]

    def pending(self):
        return self.shop.invite(password=None)["id"]

    def moved(self, *moves):
        reseller = self.shop.invite(password=None)
        for move in moves:
            assert self.shop.move(reseller, move).status == 200, move
        return reseller["id"]

    def order(self, sku=None):
        made = self.shop.order(self.reseller, sku or self.commands.skus["instant"])
        assert made.status == 201, made
        return made.json

    def service(self, *moves):
        service = self.order()["services"][0]["id"]
        for move in moves:
            assert self.shop.admin("POST", f"/services/{service}/{move}").status == 200, move
        return service

    # The lines

    def of_people(self):
        owner = self.owner
        return {
            "people list": lambda: ["people", "list", *owner],
            "people add": lambda: ["people", "add", self.email(), "--name", "Ada", "--role", "operator", *owner],
            "people change": lambda: ["people", "change", self.person(), "--name", "Ada", *owner],
            "people reset-password": lambda: ["people", "reset-password", self.person(), *owner],
            "people sessions": lambda: ["people", "sessions", self.person(), *owner],
            "account show": lambda: ["account", "show", *self.signed_in()],
            "account password": self.new_password,
            "account sessions": lambda: ["account", "sessions", *self.signed_in()],
            "account key": lambda: ["account", "key", "--name", "mine", *self.signed_in()]}

    def of_resellers(self):
        def line(verb, reseller, *more):
            return lambda: ["reseller", verb, reseller(), *more, *self.owner]

        return {
            "reseller list": lambda: ["reseller", "list", *self.owner], "reseller show": line("show", self.pending),
            "reseller invite": lambda: [
                "reseller", "invite", "--email", self.email(), "--name", "Gamma", *self.owner],
            "reseller change": line("change", self.pending, "--name", "Delta"),
            "reseller approve": line("approve", self.pending),
            "reseller suspend": line("suspend", lambda: self.moved("approve")),
            "reseller resume": line("resume", lambda: self.moved("approve", "suspend")),
            "reseller terminate": line("terminate", self.pending),
            "reseller invitation": line("invitation", self.pending), "reseller secret": line("secret", self.pending)}

    def of_orders(self):
        owner = self.owner

        def waiting():
            return self.order(self.manual)["order"]["id"]

        return {
            "order list": lambda: ["order", "list", *owner],
            "order show": lambda: ["order", "show", self.order()["order"]["id"], *owner],
            "order export": lambda: ["order", "export", "--output", self.commands.fresh(".csv"), *owner],
            "order activate": lambda: ["order", "activate", waiting(), *owner],
            "order reject": lambda: ["order", "reject", waiting(), "--reason", "none left", *owner],
            "order refund": lambda: [
                "order", "refund", self.order()["order"]["id"], "--amount", "0.50", "--reason", "late", *owner],
            "sign": lambda: ["sign", "--path", "/api/partner/v1/orders", "--secret", self.reseller["webhook_secret"]]}

    def of_services(self):
        owner = self.owner
        details = json.dumps({"host": {"value": "a.example", "secret": False}})
        return {
            "service list": lambda: ["service", "list", *owner],
            "service show": lambda: ["service", "show", self.service(), *owner],
            "service export": lambda: ["service", "export", "--output", self.commands.fresh(".csv"), *owner],
            "service suspend": lambda: ["service", "suspend", self.service(), *owner],
            "service resume": lambda: ["service", "resume", self.service("suspend"), *owner],
            "service cancel": lambda: ["service", "cancel", self.service(), *owner],
            "service reprice": lambda: ["service", "reprice", "--price", "2.00", "--dry-run", *owner],
            "service details": lambda: [
                "service", "details", self.service(), "--details-file", self.written(details), *owner]}

    def of_money(self):
        owner, reseller = self.owner, self.reseller["id"]
        reports = {
            f"report {name}": lambda name=name: ["report", name, *owner]
            for name in ("turnover", "refunds", "holds", "credit", "balances")}
        return reports | {
            "payment list": lambda: ["payment", "list", *owner],
            "balance add": lambda: ["balance", "add", reseller, "--amount", "5.00", "--reference", "paid", *owner],
            "statement": lambda: ["statement", reseller, *owner], "audit usage": lambda: ["audit", "usage", *owner]}
