#!/usr/bin/env python3
"""O3 A8 A6 Pages answer browsers with pages, whatever becomes of the call: done, refused by the form, by the path, by
the method, by the engine, by a limit. Programs get JSON at the same address, and APIs give JSON to browsers too."""

import gzip
import itertools
import re
import urllib.parse

from logo import png
from shop import PASSWORD, Shop
from support import CLUSTER, Checks, Gateway, arguments

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
addresses = itertools.count(1)


def browse(gateway, method, path, body=None, **headers):
    """As a browser asks, from an address of its own."""
    number = next(addresses)
    headers = {"Accept": BROWSER, "X-Forwarded-For": f"198.18.{number >> 8}.{number & 255}",
               **{name.replace("_", "-"): value for name, value in headers.items()}}
    return gateway.request(method, path, body, headers=headers)


def is_page(answer, *statuses):
    assert answer.status in statuses, answer
    assert answer.headers["content-type"] == "text/html; charset=utf-8", answer.headers
    text = answer.body.decode()
    assert text.startswith("<!doctype html>") and "<h1>" in text and text.rstrip().endswith("</html>"), text[:200]
    assert "default-src 'none'" in answer.headers["content-security-policy"], answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff" and "{" not in re.sub(r"<style>.*?</style>", "", text,
        flags=re.S)
    if answer.status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
    if answer.status == 405:
        assert "GET" in answer.headers["allow"], answer.headers
    return text


def is_json(gateway, path):
    plain = gateway.get(path, headers={"Accept": "application/json"})
    assert plain.status in (401, 404) and "json" in plain.headers["content-type"] and plain.json, (path, plain)


class Pages:
    """Each kind of page: an address that leads somewhere, one that does not, and a form that is right."""

    def __init__(self, gateway, shop):
        self.gateway, self.shop = gateway, shop
        self.reseller = shop.reseller()
        self.test = shop.mint(self.reseller, mode="test").json["key"]
        for sku in ("1month",):
            shop.admin("POST", "/products", {
                "sku": sku, "name": sku, "fulfilment": "instant", "days": 30, "retail_price": "2.00",
                    "wholesale_price": "1.00"})
        shop.admin("PUT", "/payment-service", {"driver": "sandbox"})
        shop.top_up(self.reseller, "100.00")

    def invitation(self):
        number = next(addresses)
        made = self.shop.admin("POST", "/resellers", {"email": f"i-{number}@there.example", "name": "I"})
        return urllib.parse.urlparse(made.json["invitation_url"]).path, {"password": PASSWORD}

    def reset(self):
        number = next(addresses)
        made = self.shop.admin(
            "POST", "/people", {"email": f"p-{number}@there.example", "name": "P", "role": "support"})
        reset = self.shop.admin("POST", f"/people/{made.json['id']}/password-reset")
        return urllib.parse.urlparse(reset.json["url"]).path, {"password": PASSWORD}

    def code(self):
        made = self.gateway.post(
            self.shop.base + "/api/reseller/generate", {"planId": "1month"}, headers={
                "x-api-key": self.reseller["key"]})
        return urllib.parse.urlparse(made.json["codes"][0]["url"]).path, {
            "email": f"c-{next(addresses)}@there.example", "password": PASSWORD, "account": "new"}

    def payment(self):
        made = self.gateway.post(
            self.shop.base + "/api/reseller/topup", {"amount": 50}, headers={"x-api-key": self.test})
        return urllib.parse.urlparse(made.json["paymentUrl"]).path, {"action": "pay"}

    def kinds(self):
        return {
            "O3 the invitation": self.invitation, "O13 the new password": self.reset,
            "A8 the activation": self.code, "A6 the payment": self.payment}


def forms(checks, gateway, pages):
    for name, make in pages.kinds().items():
        with checks(f"{name}: a browser's form is answered with a page, done and refused, and so again"):
            path, form = make()
            text = is_page(browse(gateway, "GET", path), 200)
            assert "<form" in text
            encoded = urllib.parse.urlencode(form).encode()
            for wrong in (b"", b"password=short&email=x&action=steal", b"%zz=1", b"\xff\xfe"):
                is_page(browse(gateway, "POST", path, wrong, **FORM), 400, 422)
            for sent in (FORM, {}):
                is_page(browse(gateway, "POST", path, b"{}", **{**sent, "Content-Type": "application/json"}), 400, 422)
            done = is_page(browse(gateway, "POST", path, encoded, **FORM), 200)
            assert "<form" not in done, done
            again = browse(gateway, "POST", path, encoded, **FORM)
            is_page(again, 200, 400, 404, 409)
        with checks(f"{name}: unknown, by another method, too long, coded: each refusal is a page for a browser"):
            path, form = make()
            encoded = urllib.parse.urlencode(form).encode()
            unknown = path.rsplit("/", 1)[0] + "/none"
            is_page(browse(gateway, "GET", unknown), 404)
            is_page(browse(gateway, "POST", unknown, encoded, **FORM), 404)
            for method in ("PUT", "DELETE", "PATCH"):
                is_page(browse(gateway, method, path), 404, 405)
            is_page(browse(gateway, "POST", path, b"password=" + b"x" * 3_000_000, **FORM), 400, 413)
            is_page(browse(gateway, "POST", path, gzip.compress(encoded), **FORM, Content_Encoding="gzip"), 400, 415)
            is_page(browse(gateway, "POST", path, encoded, **FORM, Expect="the-unexpected"), 400, 417)
            is_page(browse(gateway, "GET", path), 200)
    with checks("A2 G6 a browser that is refused for asking too often gets a page that says so"):
        for make in pages.kinds().values():
            path, _ = make()
            # What nobody has to show a credential for: 300 a minute from an address.
            number = next(addresses)
            answers = (browse(gateway, "GET", path + "x", X_Forwarded_For=f"198.51.100.{number}") for _ in range(3_000))
            refused = next((answer for answer in answers if answer.status == 429), None)
            assert refused, path
            is_page(refused, 429)


def elsewhere(checks, gateway, shop):
    with checks("G1 U3 a path that is nobody's is a page for a browser, and JSON for a program"):
        for path in ("/none", "/invite", "/activate", "/t/nobody", "/t/nobody/", "/t/nobody/invite/none",
                     shop.base + "/nowhere", shop.base + "/activate", shop.base + "/invite/a/b"):
            answer = browse(gateway, "GET", path)
            assert 'href=""' not in is_page(answer, 401, 404) or answer.status == 401, answer
            is_json(gateway, path)
        text = is_page(browse(gateway, "GET", shop.base + "/nowhere"), 404)
        assert f'<a href="{shop.base}">To the first page</a>' in text, text
    with checks("U4 a tenant's address leads a browser to sign in, the node's to the console, and programs nowhere"):
        for path, place in ((shop.base, shop.base + "/sign-in"), (shop.base + "/", shop.base + "/sign-in"),
                            ("/", "/console")):
            led = browse(gateway, "GET", path)
            assert led.status == 303 and led.headers["location"] == place, (path, led)
            is_json(gateway, path)
        led = browse(gateway, "GET", "/", Host="nobody.example")
        assert led.status == 303, led
    with checks("O3 A8 programs get JSON at the pages' addresses, done and refused"):
        pages = Pages(gateway, Shop(gateway, blueprint="codes"))
        for make in (pages.invitation, pages.reset, pages.code):
            path, form = make()
            done = gateway.post(path, form)
            assert done.status == 200 and done.json["ok"] is True and done.headers[
                "content-type"] == "application/json", done
            # The same again would be the same form pressed twice.
            refused = gateway.post(path, {**form, "password": PASSWORD + " of another"})
            assert refused.status >= 400 and refused.json, refused
            refused = gateway.get(path.rsplit("/", 1)[0] + "/none", headers={"Accept": "application/json"})
            assert refused.status == 404 and refused.json, refused
    with checks("APIs answer a browser with JSON, whatever it accepts"):
        for method, path in (("GET", "/api/admin/settings"), ("GET", "/api/reseller/plans"), ("GET",
            "/api/reseller/me"),
                             ("POST", "/api/reseller/login"), ("GET", "/api/partner/v1/none"), ("PUT",
                                 "/api/admin/settings"),
                             ("GET", "/api/reseller/none")):
            answer = browse(gateway, method, shop.base + path)
            assert "json" in answer.headers["content-type"] and answer.json is not None, (path, answer)


def looks(checks, gateway):
    shop = Shop(gateway, blueprint="codes")
    changed = shop.admin("PATCH", "/settings", {"name": "Blue Sky", "colours": {"primary": "#0044aa"}})
    logo = shop.admin("PUT", "/settings/logo", png(8, 8), headers={"Content-Type": "image/png"})
    assert changed.status == 200 and logo.status == 200, (changed, logo)
    with checks("O12 U4 a refusal at a tenant's address has its name, colours and logo, as its other pages have"):
        for method, path, status in (
                ("GET", "/nowhere", 404), ("GET", "/admin/nowhere", 404), ("GET", "/portal/nowhere", 404),
                ("GET", "/api/reseller/docs/nothing", 404), ("GET", "/activate/none", 404),
                ("GET", "/invite/none", 404), ("GET", "/sandbox-pay/none", 404), ("POST", "/payment/done", 405),
                ("POST", "/program", 405),
                ("GET", "/sign-in?x=%zz", 400), ("POST", "/apply", 403), ("POST", "/sign-in", 403)):
            answer = browse(gateway, method, shop.base + path, b"" if method == "POST" else None, **(
                {**FORM, "Sec_Fetch_Site": "cross-site"} if status == 403 else {}))
            text = answer.body.decode()
            assert answer.status == status and ">Blue Sky</b>" in text and "Blue Sky</title>" in text, (path, answer)
            assert f'href="{shop.base}/theme.' in text and f'<img src="{shop.base}/logo.' in text, (path, text)
    with checks("U4 what takes forms alone leads a browser that opens it to the first page"):
        text = browse(gateway, "GET", shop.base + "/sign-out").body.decode()
        assert 'href=""' not in text and f'<a href="{shop.base}">To the first page</a>' in text, text
    with checks("O12 U5 a name that was changed, and the light that a reader chose, hold for the next refusal"):
        shop.admin("PATCH", "/settings", {"name": "Red Sky", "colours": {"primary": None}})
        shop.admin("DELETE", "/settings/logo")
        for path in ("/nowhere", "/activate/none", "/sandbox-pay/none", "/admin/nowhere"):
            text = browse(gateway, "GET", shop.base + path, Cookie="tollgate-light=dark").body.decode()
            assert ">Red Sky</b>" in text and "/theme." not in text and "/logo." not in text, (path, text)
            assert 'data-theme="dark"' in text, (path, text)
    with checks("O12 G1 an address that is nobody's, and a tenant that does not serve, have looks of nobody"):
        moved = gateway.post(f"/provider/v1/tenants/{shop.slug}/suspend", key=gateway.provider_key)
        assert moved.status == 200, moved
        for base in (shop.base, "/t/nobody"):
            text = browse(gateway, "GET", base + "/nowhere").body.decode()
            assert "Red Sky" not in text and 'class="brand"' not in text, (base, text)


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8", demo=False) as gateway:
        shop = Shop(gateway, blueprint="codes")
        forms(checks, gateway, Pages(gateway, shop))
        elsewhere(checks, gateway, shop)
        # A node that has no route for a path does not ask the tenant's.
        if not CLUSTER:
            looks(checks, gateway)
    checks.finish()


if __name__ == "__main__":
    main()
