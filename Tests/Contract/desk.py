"""U2: the operator's desk without a browser: its pages show what the admin API answers, each form makes one of its
calls, and nobody is offered what would be refused. (Browser/journeys_desk.py walks through it as people do.)"""

import re

from office import Office
from pagewire import Browser
from shop import PARTNER, PASSWORD
from support import Checks, Gateway, arguments

CALLS = re.compile(r'name="_call" value="([^"]*)"')


class Desk:
    """One of the tenant's people at the operator's pages."""

    def __init__(self, office, email, password=PASSWORD):
        self.base, self.browser = office.shop.base, Browser(office.gateway)
        page = self.browser.follow(self.browser.sign_in(self.base, email, password))
        assert page.status == 200, page

    def get(self, path=""):
        return self.browser.get(f"{self.base}/admin{path}")

    def text(self, path=""):
        page = self.get(path)
        assert page.status == 200, (path, page)
        return page.read.text

    def fields(self, path, call):
        """The hidden fields of the form that makes this call."""
        forms = re.findall(r"<form method=\"post\".*?</form>", self.get(path).body.decode(), re.S)
        found = [form for form in forms if f'value="{call}"' in form]
        assert len(found) == 1, (path, call, len(found))
        return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', found[0]))

    def send(self, path, call, **fields):
        hidden = self.fields(path, call)
        return self.browser.post(f"{self.base}/admin{path}", {**hidden, **fields})

    def calls(self, path):
        """What its forms would do."""
        return sorted(CALLS.findall(self.get(path).body.decode()))


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
        office = Office(gateway)
        owner = Desk(office, office.owner_email)
        operator = Desk(office, office.person("ada", "operator")[0]["email"])
        support = Desk(office, office.person("sam", "support")[0]["email"])
        dashboard(office, owner, checks)
        resellers(office, owner, operator, checks)
        closed(office, operator, support, checks)
        search(office, owner, checks)
        people(office, owner, checks)
        account(office, operator, checks)
    checks.finish()


def dashboard(office, owner, checks):
    shop = office.shop
    with checks("U2 O10 the dashboard says what needs somebody, and marks the steps of a new tenant that are done"):
        text = owner.text()
        assert "Done: Add a product" in text and "Done: Set its price" not in text, text
        applied = shop.gateway.post(f"{shop.base}{PARTNER}/apply", {
            "email": "waits@there.example", "name": "Waits", "password": PASSWORD})
        assert applied.status == 201, applied
        text = owner.text()
        words = " ".join(text.split()).replace("1applications", "1 applications")
        assert "1 applications wait for approval" in words, text
    with checks("U2 O6 the dashboard's numbers are the API's, and what was done is told with who did it"):
        shop.admin("PATCH", "/settings", {"name": "Desk & Co"})
        total = shop.admin("GET", "/usage/total?by=day").json["data"]
        page = owner.get("?range=30d").body.decode()
        assert page.count("<g data-label=") == 3 * len(total), (page.count("<g data-label="), len(total))
        assert "Change the tenant's settings" in page or office.owner_email in page, page
        assert "Desk &amp; Co" in page


def resellers(office, owner, operator, checks):
    shop = office.shop
    with checks("U2 O3 W11 a reseller is invited by a form, and what it needs is shown once"):
        answer = owner.send("/resellers/invite", "POST /resellers", email="new@there.example", name="New")
        text = answer.read.text
        assert answer.status == 200 and "/invite/" in text and "whsec_" in text, text
        made = shop.admin("GET", "/resellers?email=new@there.example").json["data"][0]
        assert made["status"] == "pending" and "whsec_" not in owner.text(f"/resellers/{made['id']}")
    with checks("U2 O3 the list offers to approve those who wait, and nobody else; the navigation counts them"):
        assert '<span class="count">2<span' in owner.get("/account").body.decode()
        calls = [call for call in owner.calls("/resellers") if "/approve" in call]
        waiting = [row["id"] for row in shop.admin("GET", "/resellers?status=pending").json["data"]]
        assert calls == sorted(f"POST /resellers/{id}/approve" for id in waiting) and len(waiting) == 2, calls
        answer = operator.send("/resellers", f"POST /resellers/{made['id']}/approve")
        assert answer.status == 303 and answer.location.endswith("said=approved"), answer
        approved_by = shop.admin("GET", f"/resellers/{made['id']}").json["approved_by"]
        assert approved_by == "ada@" + office.owner_email.split("@")[1]
    path = f"/resellers/{made['id']}"
    with checks("U2 O5 G4 a top-up that is sent twice is booked once"):
        hidden = owner.fields(f"{path}/top-up", f"POST {path}/balance")
        sent = {**hidden, "amount": "40.00", "reference": "transfer"}
        answers = [owner.browser.post(f"{owner.base}/admin{path}/top-up", sent) for _ in range(2)]
        assert [answer.status for answer in answers] == [303, 303], answers
        assert shop.admin("GET", path).json["balance"] == "40.00"
    with checks("U2 O5 an amount that is none is 422 at its field; nothing moves, and what was typed stays"):
        answer = owner.send(f"{path}/correct", f"POST {path}/balance", amount="x", reference="typed before")
        page = answer.body.decode()
        assert answer.status == 422 and 'aria-invalid="true"' in page and "typed before" in page, page
        assert shop.admin("GET", path).json["balance"] == "40.00"
    with checks("U2 O3 suspending says how much it touches, and does it from the answer on"):
        text = owner.text(f"{path}/suspend")
        assert "its calls are 403" in text and "Running services0" in text.replace(" ", "").replace(
            "Runningservices", "Running services"), text
        assert owner.send(f"{path}/suspend", f"POST {path}/suspend").status == 303
        assert shop.admin("GET", path).json["status"] == "suspended"
        calls = owner.calls(path)
        assert [call for call in calls if "/resellers/" in call] == [f"POST {path}/resume"], calls


def closed(office, operator, support, checks):
    shop = office.shop
    reseller = shop.reseller(balance="5.00")
    paths = ["", "/resellers", f"/resellers/{reseller['id']}", f"/resellers/{reseller['id']}/statement", "/customers"]
    with checks("U2 O13 support sees these pages, and no form of them"):
        for path in paths:
            calls = support.calls(path)
            assert [call for call in calls if not call.startswith("POST /sign-out")] == [], (path, calls)
        for path in ("edit", "top-up", "correct", "suspend", "terminate", "secret", "password"):
            assert support.get(f"/resellers/{reseller['id']}/{path}").status == 403, path
        assert support.get("/resellers/invite").status == 403
    with checks("U2 O13 people are the owner's: an operator has neither the page nor its link"):
        assert operator.get("/people").status == 403 and "/admin/people" not in operator.get().body.decode()
    with checks("U2 G1 what is not there is 404, whoever asks"):
        for path in ("/resellers/res_none", "/customers/cus_none", "/people/per_none", "/nothing"):
            assert operator.get(path).status in (403, 404), path
            assert "res_none" not in operator.get(path).read.text


def search(office, owner, checks):
    shop = office.shop
    reseller = shop.reseller(balance="50.00")
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    placed = shop.order(reseller, sku, customer="Ext-77").json["order"]["id"]
    service = shop.admin("GET", f"/services?order={placed}").json["data"][0]["id"]
    customer = shop.admin("GET", "/customers?q=ext-77").json["data"][0]["id"]
    request = shop.admin("GET", "/audit?limit=1").json["data"][0]["request_id"]
    with checks("U2 O6 one field leads from an id of any kind, or a Request-Id, to its page"):
        person = shop.admin("GET", "/people").json["data"][0]["id"]
        for text, page in (
                (reseller["id"], f"/resellers/{reseller['id']}"), (placed, f"/orders/{placed}"),
                (service, f"/services/{service}"), (customer, f"/customers/{customer}"),
                (reseller["key_id"], f"/keys/{reseller['key_id']}"),
                (person, f"/people/{person}"), (sku, f"/products/{sku}"), (request, f"/audit?request_id={request}"),
                (reseller["email"], f"/resellers/{reseller['id']}")):
            answer = owner.get(f"/search?q={text}")
            assert answer.status == 303, (text, answer)
            assert answer.location == f"{owner.base}/admin{page}", (text, answer, answer.location)
    with checks("U2 W6 what begins alike is listed, in any case; nothing is said to be nothing; markup is text"):
        text = owner.text("/search?q=eXT-7")
        assert placed in text and service in text and "Ext-77" in text, text
        for nowhere in ("zzz", "..%2F.."):
            assert "Nothing is found" in owner.text(f"/search?q={nowhere}"), nowhere
        assert "<script>" not in owner.get("/search?q=%3Cscript%3E").body.decode()
        assert owner.get("/search?q=" + "x" * 400).status == 200 and owner.get("/search?q=%01").status == 200


def people(office, owner, checks):
    shop = office.shop
    with checks("U2 O13 a person is added, and disabled by a page that says what happens"):
        answer = owner.send("/people/new", "POST /people", email="kim@there.example", name="Kim", role="support")
        assert answer.status == 200 and "/invite/" in answer.read.text, answer
        kim = shop.admin("GET", "/people?email=kim@there.example").json["data"][0]
        assert "invited" in owner.text(f"/people/{kim['id']}")
        assert "its keys are 401" in owner.text(f"/people/{kim['id']}/disable")
        assert owner.send(f"/people/{kim['id']}/disable", f"PATCH /people/{kim['id']}").status == 303
        assert shop.admin("GET", f"/people/{kim['id']}").json["state"] == "disabled"
    with checks("U2 O13 the last owner's role stays, and the page says why"):
        own = shop.admin("GET", f"/people?email={office.owner_email}").json["data"][0]
        answer = owner.send(f"/people/{own['id']}", f"PATCH /people/{own['id']}", name="Owner", role="support")
        assert answer.status == 409 and "last owner" in answer.read.text, answer.read.text
        assert shop.admin("GET", f"/people/{own['id']}").json["role"] == "owner"


def account(office, operator, checks):
    shop = office.shop
    with checks("U2 O13 a key of one's own is shown once, and revoked by a page of its own"):
        answer = operator.send("/account/keys/new", "POST /account/keys", name="laptop", mode="live")
        key = re.search(r'<code id="secret-0">([^<]*)</code>', answer.body.decode()).group(1)
        own = shop.admin("GET", "/account/keys", key=key).json["data"]
        assert len(own) == 1 and key not in operator.text("/account"), own
        assert operator.send(f"/account/keys/{own[0]['id']}/revoke", f"DELETE /api-keys/{own[0]['id']}").status == 303
        assert shop.admin("GET", "/account", key=key).status == 401
    with checks("U2 O13 signing out elsewhere ends the others and not this one; a new password ends all"):
        email = shop.admin("GET", "/people?role=operator").json["data"][0]["email"]
        other = Desk(office, email)
        assert operator.send("/account", "DELETE /account/sessions").status == 303
        assert other.get("/account").status == 303 and operator.get("/account").status == 200
        wrong = operator.send("/account", "POST /account/password", old="not it at all", new="another horse battery")
        assert wrong.status == 422 and "not it at all" not in wrong.body.decode(), wrong
        right = operator.send("/account", "POST /account/password", old=PASSWORD, new="another horse battery")
        assert right.status == 303, right
        assert operator.get("/account").status == 303


if __name__ == "__main__":
    main()
