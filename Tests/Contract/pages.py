"""Every page for people who have not signed in, in every state, byte for byte: status, headers and body as the files
in Tests/Contract/pages say, once with plain texts and once with hostile ones. The debug build is asked as well, where
there is one: it ends at markup that is wrong. `--write` writes the files from what the gateway answers now."""

import glob
import os
import re
import sqlite3
import urllib.parse
import uuid

from support import ROOT, Checks, Gateway, arguments

FOLDER = os.path.join(ROOT, "Tests", "Contract", "pages")
BASE = "/t/codes"
PASSWORD = "correct horse battery"
FORM = "application/x-www-form-urlencoded"
# Their values differ from call to call.
UNSTABLE_HEADERS = {
    "date", "request-id", "audit-head", "audit-signature", "retry-after", "ratelimit", "x-ratelimit-reset"}
MARKUP = "<script>alert(1)</script>\"'&amp;& \u202eright to left\u202c \u2067\u05e9\u05dc\u05d5\u05dd\u2069"
# All of it may stand before the @ of an address.
LOCAL_PART = "'&img{src=x}|`&"

TEXTS = {
    "plain": {
        "settings": {"name": "VPN seller", "colours": {"primary": None, "background": None}},
        "plan": "One day", "email": "dora", "field": "colour",
    },
    "hostile": {
        "settings": {
            "name": MARKUP, "colours": {"primary": "#ABCDEF", "background": "#010203"}},
        "plan": MARKUP, "email": LOCAL_PART, "field": MARKUP,
    },
}


class Site:
    """The tenant `codes` under one set of texts: makes each state, and keeps what its page answers by its name."""

    def __init__(self, gateway, name):
        self.gateway = gateway
        self.name = name
        self.texts = TEXTS.get(name, {})
        self.answers = {}
        self.callers = 0

    # The operator and the reseller

    def admin(self, method, path, body=None):
        answer = self.gateway.request(
            method, f"{BASE}/api/admin{path}", body, key=self.gateway.tenant("codes")["owner_key"],
            headers={"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {})
        assert answer.status in (200, 201), answer
        return answer.json

    def reseller(self, method, path, body=None, key=None):
        answer = self.gateway.request(method, f"{BASE}/api/reseller{path}", body, headers={
            "x-api-key": key or self.gateway.reseller("codes")["key"]})
        assert answer.status == 200, answer
        return answer.json

    def email(self, host):
        return f"{self.texts['email']}@{self.name}-{host}.example"

    def code(self, plan, key=None):
        return self.reseller("POST", "/generate", {"planId": plan, "count": 1}, key)["codes"][0]["code"]

    def top_up(self):
        return self.reseller("POST", "/topup", {"amount": 25})["orderId"]

    # Pages

    def keep(self, name, method, path, fields=None, caller=None):
        """`fields`: sent as a browser sends a form; bytes: a body as it is."""
        if caller is None:
            # What is rationed by address is not rationed here.
            self.callers += 1
            caller = f"198.18.{len(self.name)}.{self.callers}"
        headers = {"X-Forwarded-For": caller, "Accept": "text/html,*/*;q=0.8"}
        if fields is not None:
            headers["Content-Type"] = FORM
            if not isinstance(fields, bytes):
                fields = urllib.parse.urlencode(fields).encode()
        connection = self.gateway.connection()
        connection.request(method, BASE + path, body=fields, headers=headers)
        answer = connection.getresponse()
        lines = [f"{answer.status}"] + [
            f"{name}: {'*' if name.lower() in UNSTABLE_HEADERS else value}" for name, value in answer.getheaders()]
        body = answer.read().decode()
        connection.close()
        self.answers[f"{self.name}-{name}"] = stable("\n".join(lines) + "\n\n" + body)

    def theme(self):
        self.admin("PATCH", "/settings", self.texts["settings"])

    def invitation(self):
        url = self.admin("POST", "/resellers", {"email": self.email("invited"), "name": "Invited"})["invitation_url"]
        self.keep("invitation", "GET", url[url.index("/invite/"):])

    def password_reset(self):
        made = self.admin("POST", "/people", {"email": self.email("person"), "name": "Person", "role": "support"})
        url = self.admin("POST", f"/people/{made['id']}/password-reset")["url"]
        path = url[url.index("/reset-password/"):]
        self.keep("reset", "GET", path)
        self.keep("reset-short", "POST", path, {"password": "short"})
        self.keep("reset-done", "POST", path, {"password": PASSWORD})
        self.keep("reset-again", "GET", path)

    def activation(self):
        sku = f"day-{self.name}"
        self.admin("POST", "/products", {
            "sku": sku, "name": self.texts["plan"], "fulfilment": "instant", "days": 1, "retail_price": "1",
            "wholesale_price": "0"})
        own = next(row["email"] for row in self.admin("GET", "/resellers?limit=100")["data"]
                   if row["id"] == self.gateway.reseller("codes")["id"])
        test_key = self.admin("POST", "/api-keys", {"owner_email": own, "mode": "test"})["key"]
        self.keep("activation-days", "GET", f"/activate/{self.code('6month')}")
        self.keep("activation-test", "GET", f"/activate/{self.code(sku, test_key)}")
        code = self.code(sku)
        path = f"/activate/{code}"
        self.keep("activation", "GET", path)
        form = {"email": self.email("customer"), "password": PASSWORD, "account": "new"}
        self.keep("activation-no-password", "POST", path, {"email": form["email"]})
        self.keep("activation-wrong-fields", "POST", path, {**form, "email": "x", self.texts["field"]: "1"})
        self.keep("activation-no-form", "POST", path, b"%zz=%")
        self.keep("activated", "POST", path, form)
        self.keep("activation-wrong-password", "POST", f"/activate/{self.code(sku)}", {
            **form, "password": "a wrong one", "account": "existing"})
        self.keep("activation-redeemed", "GET", path)
        self.keep("activation-redeemed-by-another", "POST", path, {**form, "email": "another@customer.example"})
        self.keep("activation-unknown", "GET", f"/activate/{'0' * 32}")
        self.keep("activation-method", "DELETE", path)
        caller = f"198.19.{len(self.name)}.1"
        guess = {**form, "password": "a wrong one", "account": "existing"}
        for _ in range(15):
            self.keep("activation-rationed", "POST", path, guess, caller=caller)
            if self.answers[f"{self.name}-activation-rationed"].startswith("429"):
                break

    def payment(self):
        pending, cancelled, self.expiring = self.top_up(), self.top_up(), self.top_up()
        path = f"/sandbox-pay/{pending}"
        self.keep("payment", "GET", path)
        self.keep("payment-wrong-button", "POST", path, {"action": MARKUP})
        self.keep("payment-wrong-fields", "POST", path, {"action": "pay", self.texts["field"]: "1"})
        self.keep("payment-no-form", "POST", path, b"%zz=%")
        self.keep("payment-method", "DELETE", path)
        self.keep("payment-unknown", "GET", "/sandbox-pay/unknown")
        self.keep("payment-paid", "POST", path, {"action": "pay"})
        self.keep("payment-cancelled", "POST", f"/sandbox-pay/{cancelled}", {"action": "cancel"})

    def expired(self):
        self.keep("payment-expired", "GET", f"/sandbox-pay/{self.expiring}")


def joined_marks(gateway):
    """U+0600 and the `<` behind it are one character to a reader of characters, and two to a browser."""
    site = Site(gateway, "joined")
    site.admin("POST", "/products", {
        "sku": "joined", "name": "\u0600<script>alert(1)</script>", "fulfilment": "instant", "days": 1,
        "retail_price": "1", "wholesale_price": "0"})
    site.keep("activation", "GET", f"/activate/{site.code('joined')}")
    return site.answers


def stable(text):
    """Without the day on which it was made, the seconds that are left, what a form is known by and what our own files'
    bytes are."""
    text = re.sub(r"(?<=/assets/)([a-z]+)\.[0-9a-f]{16}\.", r"\1.*.", text)
    text = re.sub(r'(name="_(?:token|once)" value=")[^"]+', r"\1*", text)
    text = re.sub(r"(\.form=)[\w-]+", r"\1*", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "2026-01-02T03:04:05.678Z", text)
    text = re.sub(r"(?<=>)\d{4}-\d\d-\d\d(?=<)", "2026-01-02", text)
    if "again in" in text:
        text = re.sub(r"(?<=again in )\d+(?= s)", "60", text)
        text = re.sub(r"(?<=Content-Length: )\d+", "*", text)
    return text


def let_expire(gateway, orders):
    """Moves the end of these payments into the past, in the file of a gateway that is stopped."""
    for path in glob.glob(os.path.join(gateway.data, "**", "*.sqlite"), recursive=True):
        connection = sqlite3.connect(path)
        trigger = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'payment_is_append_only_update'").fetchone()
        if trigger:
            connection.execute("DROP TRIGGER payment_is_append_only_update")
            for order in orders:
                connection.execute("UPDATE payment SET expires_at = created_at + 1 WHERE order_id = ?", (order,))
            connection.execute(trigger[0])
            connection.commit()
        connection.close()


def every_page(tollgate):
    """What each state answers, by the name of its file."""
    answers = {}
    with Gateway(tollgate, "--trusted-proxy", "127.0.0.0/8") as gateway:
        sites = [Site(gateway, name) for name in TEXTS]
        for site in sites:
            site.theme()
            site.invitation()
            site.password_reset()
            site.activation()
            site.payment()
        assert gateway.stop() == 0
        let_expire(gateway, [site.expiring for site in sites])
        gateway.start()
        for site in sites:
            site.theme()
            site.expired()
            answers.update(site.answers)
        answers.update(joined_marks(gateway))
    return answers


def main():
    options = arguments(flags={"write": "write the files from what the gateway answers"})
    checks = Checks()
    debug = os.path.join(ROOT, ".build", "debug", "tollgate")
    answers = every_page(options.tollgate)
    if options.write:
        os.makedirs(FOLDER, exist_ok=True)
        for name, text in answers.items():
            with open(os.path.join(FOLDER, f"{name}.http"), "w", encoding="utf-8", newline="") as file:
                file.write(text)
    for name, text in sorted(answers.items()):
        with checks(f"A6 A8 O3 O12 the page {name} is the same, byte for byte"):
            with open(os.path.join(FOLDER, f"{name}.http"), encoding="utf-8", newline="") as file:
                assert file.read() == text, text
        with checks(f"A6 A8 O3 O12 no text of anybody's is markup on the page {name}"):
            body = text.split("\n\n", 1)[1]
            for mark in ("<script", "alert(1)</", "'&"):
                assert mark not in body, text
    if os.path.exists(debug) and not os.path.samefile(debug, options.tollgate):
        with checks("A6 A8 O3 a debug build, which asserts that markup is whole, serves the same pages"):
            assert every_page(debug) == answers
    with checks("every file belongs to a page"):
        there = {os.path.basename(path)[:-len(".http")] for path in glob.glob(os.path.join(FOLDER, "*.http"))}
        assert there == set(answers), there ^ set(answers)
    checks.finish()


if __name__ == "__main__":
    main()
