"""W9, W3 and W10 seen from outside: services renew by themselves, fall past due, are suspended, paid, ended, repriced;
hours are charged each day. The gateway's clock is moved; what follows is waited for."""

import calendar
import datetime
from decimal import Decimal
import json

from shop import Shop
from support import Checks, Gateway, arguments, verified_export, wait_until

HOUR = 3_600
DAY = 24 * HOUR
# More than a hundred, so that what money pays takes more than its own transaction.
MANY = 130


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        shop = Shop(gateway)
        sku = shop.product()
        month(gateway, shop, sku, checks)
        grace(gateway, shop, sku, checks)
        words(gateway, shop, sku, checks)
        prices(gateway, shop, sku, checks)
        hours(gateway, shop, sku, checks)
        closed(gateway, shop, sku, checks)
        kills(gateway, shop, sku, checks)
        with checks("G5 W9 the tenant's file verifies after all of this"):
            verified_export(gateway, shop.slug)
    checks.finish()


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def month_later(start, months=1):
    """The same day, or the last one of a month too short for it."""
    index = start.year * 12 + start.month - 1 + months
    year, number = index // 12, index % 12 + 1
    return start.replace(year=year, month=number, day=min(start.day, calendar.monthrange(year, number)[1]))


class Customer:
    """A reseller with a balance, and what it has ordered."""

    def __init__(self, gateway, shop, sku, balance, **row):
        self.gateway, self.shop = gateway, shop
        self.reseller = shop.reseller(balance=balance)
        shop.price(self.reseller, sku, row or {"wholesale_monthly": "10", "wholesale_hourly": "0.0123"})
        self.sku = sku

    def order(self, term="monthly", quantity=1):
        placed = self.shop.order(
            self.reseller, self.sku, term, quantity, timestamp=int(self.gateway.now()))
        assert placed.status == 201, placed
        return [service["id"] for service in placed.json["services"]]

    def service(self, identifier):
        answer = self.shop.get(self.reseller, f"/services/{identifier}")
        assert answer.status == 200, answer
        return answer.json

    def call(self, method, path, body=None):
        return self.shop.call(self.reseller, method, path, body)

    def statement(self):
        rows = self.shop.get(self.reseller, "/statement?limit=100")
        assert rows.status == 200, rows
        return rows.json["data"]

    def balance(self):
        return self.shop.balance(self.reseller)

    def jump_to(self, identifier, seconds=1):
        """To so long after a service renews or ends."""
        service = self.service(identifier)
        due = moment(service["renews_at"] or service["ends_at"]).timestamp()
        self.gateway.jump(int(due - self.gateway.now()) + seconds)

    def wait(self, identifier, seconds=30, **members):
        def holds():
            service = self.service(identifier)
            return all(service[name] == value for name, value in members.items())
        try:
            wait_until(holds, seconds=seconds)
        except AssertionError as failure:
            raise AssertionError(f"{members}: {self.service(identifier)}") from failure
        return self.service(identifier)

    def events(self, identifier):
        """The types of a service's events, in order, and the last one's data."""
        types, data, place = [], None, ""
        while True:
            answer = self.shop.get(self.reseller, f"/events?limit=100{place}")
            assert answer.status == 200, answer
            for event in answer.json["data"]:
                if event["data"].get("id") == identifier:
                    types.append(event["type"])
                    data = event["data"]
            if not answer.json["has_more"]:
                return types, data
            place = "&after=" + answer.json["next_cursor"]


def month(gateway, shop, sku, checks):
    customer = Customer(gateway, shop, sku, "50")
    service = customer.order()[0]
    first = customer.service(service)
    with checks("W10 a renewal is announced three days ahead, with its amount and whether the balance has it"):
        customer.jump_to(service, -3 * DAY - 60)
        assert customer.events(service)[0] == ["service.activated"]
        gateway.jump(61)
        wait_until(lambda: customer.events(service)[0] == ["service.activated", "service.renewing"])
        data = customer.events(service)[1]
        assert data["amount"] == "10.00" and data["is_covered"] is True and data["revision"] == 2, data
    with checks("W9 a service renews at its hour while nobody asks: once, its next period a month from its anchor"):
        gateway.jump(3 * DAY)
        renewed = customer.wait(service, period=1)
        start = moment(first["activated_at"])
        assert moment(first["renews_at"]) == month_later(start), first
        assert moment(renewed["renews_at"]) == month_later(start, 2), renewed
        assert renewed["status"] == "active" and customer.balance() == Decimal("30"), renewed
        line = customer.statement()[0]
        assert line["kind"] == "renewal" and line["reference"] == f"{service}:1", line
        assert line["amount"] == "-10.00" and line["balance_after"] == "30.00", line
        assert customer.events(service)[0][-1] == "service.renewed", customer.events(service)
    with checks("G5 W9 the audit log has a row for it, without a key, and names the posting"):
        rows = shop.admin("GET", f"/audit?reseller={customer.reseller['id']}&limit=100").json["data"]
        rows = [row for row in rows if row["action"] == "services.charged"]
        assert len(rows) == 1 and rows[0]["key"] is None, rows
        assert "live renewal 10000000 balance:" in rows[0]["detail"]["posting"], rows
    with checks("W9 a node that was down over two due dates charges both, in order, at its start"):
        gateway.stop()
        gateway.jump(62 * DAY)
        gateway.start()
        wait_until(lambda: customer.service(service)["period"] >= 2)
        renewed = customer.wait(service, period=3)
        assert customer.balance() == Decimal("10"), renewed
    with checks("W6 a statement is there as CSV, for its own reseller alone"):
        lines = customer.call("GET", "/statement.csv").body.decode().splitlines()
        assert lines[0] == "posting,kind,reference,at,amount,balance_after,currency", lines
        assert [line.split(",")[1] for line in lines[1:]] == ["renewal"] * 3 + ["order", "top_up"], lines


def grace(gateway, shop, sku, checks):
    customer = Customer(gateway, shop, sku, "20")
    paid, unpaid = customer.order(quantity=2)
    with checks("W9 what cannot be paid is past due, one service and not its reseller; its event says the amount"):
        shop.top_up(customer.reseller, "10")
        customer.jump_to(paid)
        states = wait_until(lambda: sorted(
            customer.service(service)["status"] for service in (paid, unpaid)) == ["active", "past_due"])
        assert states is None or states
        assert customer.service(paid)["status"] == "active" and customer.balance() == 0
        types, data = customer.events(unpaid)
        assert types[-1] == "service.past_due" and data["amount"] == "10.00", (types, data)
    with checks("W9 it can be paid by hand: 402 while there is too little, and nothing is changed"):
        answer = customer.call("POST", f"/services/{unpaid}/pay")
        assert answer.status == 402 and answer.json["required"] == "10.00", answer
        assert customer.call("POST", f"/services/{paid}/pay").json["code"] == "nothing_due"
        assert customer.service(unpaid)["status"] == "past_due"
    with checks("W9 P6 tollgate my pay asks for the same: it says what is missing, and what is not due"):
        for service, member, value in ((unpaid, "required", "10.00"), (paid, "code", "nothing_due")):
            told = gateway.command("my", "pay", service, "--json", "--key", customer.reseller["key"])
            assert told.returncode == 1 and json.loads(told.stdout)[member] == value, told
    with checks("W9 tried for seven days from the first try on, then suspended"):
        gateway.jump(6 * DAY + 23 * HOUR)
        assert customer.service(unpaid)["status"] == "past_due"
        gateway.jump(2 * HOUR)
        suspended = customer.wait(unpaid, status="suspended")
        assert suspended["suspended_by"] == "unpaid", suspended
    with checks("W9 a top-up pays it in its transaction, says so, and the service runs again, no longer than before"):
        due = moment(customer.service(unpaid)["renews_at"])
        done = shop.top_up(customer.reseller, "15").json
        assert done["services_paid"] == [{"id": unpaid, "amount": "10.00"}] and done["balance"] == "5.00", done
        resumed = customer.service(unpaid)
        assert resumed["status"] == "active" and moment(resumed["renews_at"]).date() != due.date(), resumed
        assert customer.events(unpaid)[0][-2:] == ["service.resumed", "service.renewed"]
    with checks("W9 a higher credit limit pays as a top-up does"):
        customer.jump_to(unpaid)
        customer.wait(unpaid, status="past_due")
        shop.terms(customer.reseller, credit_limit="100")
        assert customer.service(unpaid)["status"] == "active" and customer.balance() < 0
    with checks("W9 money that a rejected order gives back pays as well"):
        manual = shop.product("manual")
        other = Customer(gateway, shop, sku, "20")
        shop.price(other.reseller, manual, {"wholesale_monthly": "10"})
        service = other.order()[0]
        other.sku = manual
        other.order()
        other.jump_to(service)
        other.wait(service, status="past_due")
        order = shop.get(other.reseller, "/orders?state=pending").json["data"][0]["id"]
        assert shop.admin("POST", f"/orders/{order}/reject").status == 200
        assert other.service(service)["status"] == "active" and other.balance() == 0


def words(gateway, shop, sku, checks):
    customer = Customer(gateway, shop, sku, "100")
    ending, kept, operators = customer.order(quantity=3)
    with checks("W9 a reseller has a service end with its term, and takes it back"):
        before = customer.service(ending)
        ended = customer.call("POST", f"/services/{ending}/cancel").json
        assert ended["ends_at"] == before["renews_at"] and ended["renews_at"] is None, ended
        assert ended["status"] == "active", ended
        assert customer.call("POST", f"/services/{kept}/cancel").status == 200
        back = customer.call("DELETE", f"/services/{kept}/cancel").json
        assert back["renews_at"] == before["renews_at"] and back["ends_at"] is None, back
        assert customer.call("DELETE", f"/services/{kept}/cancel").json["code"] == "not_ending"
    with checks("O10 an operator cancels now or with the term; a reseller does not take that back"):
        path = f"/services/{operators}/cancel"
        bad = shop.admin("POST", path, {"at": "later"})
        assert bad.status == 422 and bad.json["errors"][0]["pointer"] == "/at", bad
        assert shop.admin("POST", path, {"at": "term_end"}).json["status"] == "active"
        assert customer.call("DELETE", path).json["code"] == "ended_by_operator"
        assert shop.admin("POST", path, {"at": "now"}).json["status"] == "cancelled"
        assert customer.call("POST", path).json["code"] == "service_cancelled"
    with checks("W9 G1 another reseller's service is not there"):
        stranger = Customer(gateway, shop, sku, "10")
        for method, verb in [("POST", "pay"), ("POST", "cancel"), ("DELETE", "cancel")]:
            answer = stranger.call(method, f"/services/{kept}/{verb}")
            assert answer.status == 404 and answer.json["code"] == "service_not_found", answer
    with checks("W9 at the end of its term it is over, and charged no more"):
        customer.jump_to(kept)
        customer.wait(kept, period=1)
        customer.wait(ending, status="cancelled")
        assert customer.balance() == Decimal("60"), customer.balance()
        assert customer.events(ending)[0][-1] == "service.cancelled"
    with checks("W9 cancelled while past due it ends at once, and nothing is owed"):
        poor = Customer(gateway, shop, sku, "10")
        service = poor.order()[0]
        poor.jump_to(service)
        poor.wait(service, status="past_due")
        assert poor.call("POST", f"/services/{service}/cancel").json["status"] == "cancelled"
        assert shop.top_up(poor.reseller, "50").json["services_paid"] == [] and poor.balance() == Decimal("50")


def prices(gateway, shop, sku, checks):
    customer = Customer(gateway, shop, sku, "100")
    service = customer.order()[0]
    shop.price(customer.reseller, sku, {"wholesale_monthly": "77"})
    with checks("W9 a repricing lists old and new; a dry run changes nothing"):
        body = {"reseller": customer.reseller["id"], "product": sku, "term": "monthly", "price": "12.5"}
        dry = shop.admin("POST", "/services/reprice", {**body, "dry_run": True})
        assert dry.status == 200 and dry.json["count"] == 1, dry
        listed = dry.json["services"][0]
        assert (listed["id"], listed["old_price"], listed["new_price"]) == (service, "10.00", "12.50"), listed
        assert customer.service(service)["term_price"] == "10.00"
        assert shop.admin("POST", "/services/reprice", body).json["count"] == 1
        assert shop.admin("POST", "/services/reprice", body).json["count"] == 0
        assert customer.events(service)[0][-1] == "service.repriced"
    with checks("W9 a repricing of what is not there or cannot be is refused, by its field"):
        for wrong, status in [
                ({"reseller": "res_none", "price": "1"}, 404), ({"product": "none", "price": "1"}, 404),
                ({"price": "-1"}, 422), ({}, 422), ({"term": "weekly", "price": "1"}, 422),
                ({"price": "1", "all": True}, 422)]:
            answer = shop.admin("POST", "/services/reprice", wrong)
            assert answer.status == status, (wrong, answer)
    with checks("W9 a changed book changes no renewal; a repricing holds from the next period on"):
        customer.jump_to(service)
        customer.wait(service, period=1)
        assert customer.balance() == Decimal("77.5"), customer.balance()


def hours(gateway, shop, sku, checks):
    customer = Customer(gateway, shop, sku, "10")
    service = customer.order("hourly")[0]
    with checks("W3 hours are charged each day, in cents of what they come to so far"):
        # 0.2952 a day: 0.30, and 0.29 for the second, since 0.5904 is 0.59.
        gateway.jump(DAY)
        customer.wait(service, period=1)
        assert customer.balance() == Decimal("9.70"), customer.balance()
        gateway.jump(DAY)
        customer.wait(service, period=2)
        assert customer.balance() == Decimal("9.41"), customer.balance()
        assert customer.statement()[0]["kind"] == "hourly" and customer.statement()[0]["reference"] == f"{service}:2"
    with checks("W3 a stop charges to the hour begun"):
        gateway.jump(5 * HOUR + 60)
        # Fifty-four hours have begun: 0.6642.
        assert shop.admin("POST", f"/services/{service}/suspend").status == 200
        assert customer.balance() == Decimal("9.34"), customer.balance()
        gateway.jump(3 * DAY)
    with checks("W3 the end rounds up what the hours came to, so that none are free"):
        assert shop.admin("POST", f"/services/{service}/cancel").json["status"] == "cancelled"
        assert customer.balance() == Decimal("9.33"), customer.balance()
        shop.price(customer.reseller, sku, {"wholesale_hourly": "0.0045"})
        for replaced in customer.order("hourly", 5):
            assert shop.admin("POST", f"/services/{replaced}/cancel").json["status"] == "cancelled"
        assert customer.balance() == Decimal("9.28"), customer.balance()


def closed(gateway, shop, sku, checks):
    customer = Customer(gateway, shop, sku, "100")
    service = customer.order()[0]
    due = customer.service(service)["renews_at"]

    def provider(word):
        answer = gateway.post(f"/provider/v1/tenants/{shop.slug}/{word}", key=gateway.provider_key)
        assert answer.status == 200, answer

    with checks("P3 W9 while its tenant is suspended nothing is charged; resumed, it catches up"):
        provider("suspend")
        gateway.jump(32 * DAY)
        other = Shop(gateway)
        witness = Customer(gateway, other, other.product(), "100")
        seen = witness.order("hourly")[0]
        gateway.jump(DAY)
        witness.wait(seen, period=1)
        provider("resume")
        renewed = customer.wait(service, period=1)
        assert customer.balance() == Decimal("80") and moment(renewed["renews_at"]) > moment(due), renewed
    with checks("W1 W9 a suspended reseller's services renew on; a terminated one's end with their paid term"):
        assert shop.move(customer.reseller, "suspend").status == 200
        gateway.jump(31 * DAY)
        path = f"/services/{service}"
        wait_until(lambda: shop.admin("GET", path).json["period"] == 2)
        assert shop.move(customer.reseller, "terminate").status == 200
        ends = shop.admin("GET", path).json["ends_at"]
        gateway.jump(int(moment(ends).timestamp() - gateway.now()) + 1)
        wait_until(lambda: shop.admin("GET", path).json["status"] == "cancelled")
        assert shop.admin("GET", f"/resellers/{customer.reseller['id']}").json["balance"] == "70.00"


def kills(gateway, shop, sku, checks):
    customer = Customer(gateway, shop, sku, str(10 * MANY))
    services = customer.order(quantity=MANY)
    with checks("W9 G8 killed again and again while they renew, each is charged once"):
        shop.top_up(customer.reseller, str(10 * MANY))
        customer.jump_to(services[0])
        for _ in range(4):
            gateway.kill()
            gateway.start()
        wait_until(
            lambda: all(row["period"] == 1 for row in listed(customer)) and customer.balance() == 0, seconds=30)
        lines = shop.admin("GET", f"/resellers/{customer.reseller['id']}/statement?limit=100").json["data"]
        references = [line["reference"] for line in lines if line["kind"] == "renewal"]
        assert len(set(references)) == len(references) == 100, len(references)
    with checks("W9 money pays a hundred in its transaction, oldest first, and the scheduler the rest"):
        customer.jump_to(services[0])
        wait_until(lambda: all(row["status"] == "past_due" for row in listed(customer)), seconds=30)
        done = shop.top_up(customer.reseller, str(10 * (MANY - 2))).json
        assert [paid["id"] for paid in done["services_paid"]] == services[:100], done
        wait_until(
            lambda: [row["status"] for row in listed(customer)] == ["past_due"] * 2 + ["active"] * (MANY - 2),
            seconds=30)
        assert customer.balance() == 0


def listed(customer):
    """Every service, newest first."""
    rows, cursor = [], ""
    while True:
        answer = customer.shop.get(customer.reseller, f"/services?limit=100{cursor}")
        assert answer.status == 200, answer
        rows += answer.json["data"]
        if not answer.json["has_more"]:
            return rows
        cursor = "&cursor=" + answer.json["next_cursor"]


if __name__ == "__main__":
    main()
