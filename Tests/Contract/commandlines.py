"""A line for each command about people, resellers, products, stock, orders, services, money and settings, each of which
works: for output.py, which breaks the streams of every command."""

import json
import os
import subprocess

from desklines import DeskLines
from ownlines import OwnLines
from shop import PASSWORD

# Commands that show a secret once: where it is lost they say so.
SECRET = (
    "people add", "people reset-password", "subscriber reset-password", "account sign-in", "my sign-in",
    "account key", "reseller invite", "reseller invitation", "reseller secret",
    "reseller reset-password", "provisioning set", "my mint", "my rotate", "my webhook-add",
    "my webhook-rotate")


class Lines:
    """Of output.py's commands: its shop, its reseller, its folder."""

    def __init__(self, commands):
        self.commands, self.shop, self.reseller = commands, commands.shop, commands.reseller
        self.owner = ["--data", commands.gateway.data, "--tenant", self.shop.slug, "--key", self.shop.owner_key]
        self.password, self.token = PASSWORD, None
        self.manual = self.shop.product("manual")
        self.shop.price(self.reseller, self.manual, {"wholesale_monthly": "1.00"})
        self.stocked = self.shop.product("stock")
        self.shop.admin("PUT", "/countries/de", {"base_price": "1.00"})
        # Payments are begun, and stay so: nobody goes to the sandbox's page.
        put = self.shop.admin("PUT", "/payment-service", {"driver": "sandbox"})
        assert put.status == 200, put

    def all(self):
        return (
            self.of_people() | self.of_resellers() | self.of_catalogue() | self.of_stock() | self.of_ports()
            | self.of_orders() | self.of_services() | self.of_money() | OwnLines(self).all()
            | DeskLines(self).all())

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
        """The options of an owner who signed in: once, while that holds, for each time costs scrypt."""
        if self.token is None or self.shop.admin("GET", "/account", key=self.token).status != 200:
            self.token = self.signed_in_anew()
        return [*self.owner[:-1], self.token]

    def signed_in_anew(self):
        answer = self.shop.gateway.post(f"{self.shop.base}/api/admin/session", {
            "email": f"owner@{self.shop.slug}.example", "password": self.password})
        assert answer.status == 200, answer
        return answer.json["token"]

    def new_password(self):
        owner, old = self.signed_in(), self.password
        self.password = f"a password of its own, number {next(self.commands.numbers)}"
        return ["account", "password", "--old-file", self.written(old), "--new-file", self.written(self.password),
                *owner]

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

    def tried(self):
        """A product of its own, with a price in the test book."""
        sku = self.shop.product()
        path = f"/resellers/{self.reseller['id']}/products/{sku}?mode=test"
        assert self.shop.admin("PUT", path, {"wholesale_monthly": "1.00"}).status == 200
        return sku

    def licences(self):
        """A file of two, and their texts."""
        texts = [f"key-{next(self.commands.numbers)}" for _ in range(2)]
        rows = "".join(f"{self.reseller['id']},{self.manual},{text},2099-01-01\n" for text in texts)
        return self.written("reseller,product,key,expiration\n" + rows), texts

    def licence(self):
        path, texts = self.licences()
        self.run("licences", "import", path)
        return texts[0]

    def ports(self):
        """A file of a device with one slot, its name, and the slot's address."""
        number = next(self.commands.numbers)
        address = f"46.8.{number // 250}.{number % 250 + 1}"
        row = f"device,server_ip,http_port,socks_port,country\nd-{number},{address},1,11,de\n"
        return self.written(row), f"d-{number}", f"{address}:1"

    def device(self):
        path, device, slot = self.ports()
        self.run("ports", "import", path)
        return device, slot

    def items(self):
        return self.written(f"item\ntext-{next(self.commands.numbers)}\n")

    def item(self):
        """A product with one item, and the item."""
        sku = self.shop.product("stock")
        self.run("stock", "import", sku, self.items())
        listed = self.shop.admin("GET", f"/products/{sku}/stock/items")
        return [sku, listed.json["data"][0]["id"]]

    def payment(self):
        """One that was begun, whatever came of it."""
        begun = self.shop.call(
            self.reseller, "POST", "/topup", {"amount": "50.00"}, headers={"Idempotency-Key": "paid-once"})
        listed = self.shop.admin("GET", "/payments").json["data"]
        assert listed, begun
        return listed[0]["id"]

    def run(self, *words):
        ran = self.commands.run([*words, *self.owner], subprocess.PIPE)
        assert ran.returncode == 0, (ran.args, ran.stderr)

    # The lines

    def of_people(self):
        owner = self.owner
        return {
            "people list": lambda: ["people", "list", *owner],
            "people show": lambda: ["people", "show", self.person(), *owner],
            "account keys": lambda: ["account", "keys", *self.signed_in()],
            "people add": lambda: ["people", "add", self.email(), "--name", "Ada", "--role", "operator", *owner],
            "people change": lambda: ["people", "change", self.person(), "--name", "Ada", *owner],
            "people reset-password": lambda: ["people", "reset-password", self.person(), *owner],
            "people sessions": lambda: ["people", "sessions", self.person(), *owner],
            "account show": lambda: ["account", "show", *self.signed_in()],
            "account sign-in": lambda: [
                "account", "sign-in", "--email", f"owner@{self.shop.slug}.example", "--password-file",
                self.written(self.password + "\n"), *owner[:4]],
            "account sign-out": lambda: ["account", "sign-out", *owner[:-1], self.signed_in_anew()],
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
            "reseller invitation": line("invitation", self.pending), "reseller secret": line("secret", self.pending),
            "reseller reset-password": line("reset-password", lambda: self.moved("approve"))}

    def of_catalogue(self):
        def line(*words):
            return lambda: [*words, *self.owner]

        def fresh():
            return f"made-{next(self.commands.numbers)}"

        products = f"sku,name,fulfilment\n{self.manual},By hand,manual\n"
        book = f"reseller,sku,wholesale_monthly\n{self.reseller['id']},{self.manual},1.00\n"
        return {
            "product list": line("product", "list"), "product show": line("product", "show", self.manual),
            "product add": lambda: [
                "product", "add", fresh(), "--name", "A product", "--fulfilment", "manual", *self.owner],
            "product change": line("product", "change", self.manual, "--name", "By hand"),
            "product export": lambda: ["product", "export", "--output", self.commands.fresh(".csv"), *self.owner],
            "product import": lambda: ["product", "import", self.written(products), *self.owner],
            "price list": line("price", "list", self.reseller["id"]),
            "price sheet": line("price", "sheet", "--product", self.manual),
            "price set": line("price", "set", self.reseller["id"], self.manual, "--monthly", "1.00"),
            "price remove": lambda: ["price", "remove", self.reseller["id"], self.tried(), *self.owner],
            "price history": line("price", "history"),
            "price export": lambda: ["price", "export", "--output", self.commands.fresh(".csv"), *self.owner],
            "price import": lambda: ["price", "import", self.written(book), *self.owner],
            "settings show": line("settings", "show"),
            "settings change": line("settings", "change", "--name", "A shop"),
            "settings logo": line("settings", "logo", "--remove")}

    def of_stock(self):
        owner = self.owner
        return {
            "licences list": lambda: ["licences", "list", *owner],
            "licences import": lambda: ["licences", "import", self.licences()[0], *owner],
            "licences withdraw": lambda: ["licences", "withdraw", "--licence", self.licence(), *owner],
            "licences move": lambda: [
                "licences", "move", "--licence", self.licence(), "--to-reseller", self.moved("approve"), *owner],
            "stock list": lambda: ["stock", "list", self.stocked, *owner],
            "stock import": lambda: ["stock", "import", self.stocked, self.items(), *owner],
            "stock withdraw": lambda: ["stock", "withdraw", *self.item(), *owner]}

    def of_ports(self):
        owner = self.owner
        return {
            "ports list": lambda: ["ports", "list", *owner],
            "ports import": lambda: ["ports", "import", self.ports()[0], *owner],
            "ports show": lambda: ["ports", "show", self.device()[1], *owner],
            "ports withdraw": lambda: ["ports", "withdraw", self.device()[1], *owner],
            "ports change": lambda: ["ports", "change", self.device()[1], "--http-port", "21", *owner],
            "devices list": lambda: ["devices", "list", *owner],
            "devices show": lambda: ["devices", "show", self.device()[0], *owner],
            "devices withdraw": lambda: ["devices", "withdraw", self.device()[0], *owner],
            "devices change": lambda: ["devices", "change", self.device()[0], "--city", "Bonn", *owner]}

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
            "payment show": lambda: ["payment", "show", self.payment(), *owner],
            "balance add": lambda: ["balance", "add", reseller, "--amount", "5.00", "--reference", "paid", *owner],
            "statement": lambda: ["statement", reseller, *owner], "audit usage": lambda: ["audit", "usage", *owner],
            "audit usage-total": lambda: ["audit", "usage-total", *owner],
            "audit usage-groups": lambda: ["audit", "usage-groups", *owner]}
