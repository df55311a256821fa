"""A person of a reseller at the portal's pages, and a shop with one: what the scripts on the portal share."""

import re
import urllib.parse

from pagewire import Browser
from shop import PASSWORD, Shop


class Portal:
    """One person of a reseller at the portal's pages."""

    def __init__(self, gateway, base, email, password=PASSWORD):
        self.base, self.browser = base, Browser(gateway)
        page = self.browser.follow(self.browser.sign_in(base, email, password))
        assert page.status == 200, page
        self.first = page

    def get(self, path=""):
        return self.browser.get(f"{self.base}/portal{path}")

    def shown(self, path=""):
        page = self.get(path)
        assert page.status == 200, page
        return page

    def form(self, path, button):
        """The form of a page whose button says so."""
        page = self.shown(path)
        forms = re.findall(r"<form method=\"post\".*?</form>", page.body.decode(), re.S)
        found = [form for form in forms if f">{button}</button>" in form]
        assert len(found) == 1, (button, forms)
        return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', found[0]))

    def ask(self, path, field, **fields):
        """What the form answers that asks for a page, and has this field."""
        form = self.shown(path).form(field)
        assert form["method"] == "get", form
        self.asked = f"{form['action']}?{urllib.parse.urlencode({**form['fields'], **fields})}"
        return self.browser.get(self.asked)

    def send(self, path, fields):
        return self.browser.post(f"{self.base}/portal{path}", fields)

    def press(self, path, button, **fields):
        return self.send(path, {**self.form(path, button), **fields})

    def offers(self, path):
        """What its buttons would do."""
        calls = re.findall(r'name="_call" value="([^"]*)"', self.shown(path).body.decode())
        return sorted(call for call in calls)


class Scene(Shop):
    def __init__(self, gateway):
        super().__init__(gateway, currency="EUR")
        self.sku, self.manual = self.product(), self.product("manual")
        self.buyer = self.made_reseller("100.00", name="Main Street")
        self.rival = self.made_reseller("100.00", name="Rival")
        self.portal = Portal(gateway, self.base, self.buyer["email"])

    def made_reseller(self, balance, **terms):
        reseller = self.reseller(balance, password=PASSWORD, **terms)
        for sku in (self.sku, self.manual):
            self.price(reseller, sku, {
                "wholesale_monthly": "10.00", "wholesale_setup_fee": "1.00", "is_enabled": True, "max_quantity": 100})
        return reseller

    def placed(self, reseller=None, sku=None, **more):
        answer = self.order(reseller or self.buyer, sku or self.sku, **more)
        assert answer.status == 201, answer
        return answer.json

    def state(self, reseller=None):
        """What a refused form must leave as it was."""
        reseller = reseller or self.buyer
        paths = ("/balance", "/orders", "/services", "/customers", "/statement")
        return [self.get(reseller, path).json for path in paths]


def spaced(page):
    """Its text, with a space where an element ends."""
    text = re.sub(r"<[^>]*>", " ", page.body.decode())
    return " ".join(text.split())
