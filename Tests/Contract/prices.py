#!/usr/bin/env python3
"""Prices and orders (W2, W3, W4): every combination of term, override, cap and state, against arithmetic of
our own (python's decimal, half up), through the quote and through the order."""

from decimal import ROUND_HALF_UP, Decimal
import itertools

from shop import Shop, numbers
from support import Checks, Gateway, arguments

TERMS = ["monthly", "quarterly", "semi_annual", "annual", "hourly"]
CENT = Decimal("0.01")


def expected(term_price, rate, quantity, setup_fee, term="monthly", unit=CENT):
    """W3 by hand: (line, setup, total)."""
    one = Decimal(term_price) * (1 - Decimal(rate) / 100)
    line = Decimal(0) if term == "hourly" else (one * quantity).quantize(unit, ROUND_HALF_UP)
    setup = (Decimal(setup_fee or 0) * quantity).quantize(unit, ROUND_HALF_UP)
    return line, setup, line + setup


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        shop = Shop(gateway)
        terms_and_overrides(checks, shop)
        hourly(checks, shop)
        rounding(checks, shop)
        offered(checks, shop)
        caps(checks, shop)
        money(checks, shop)
        other_currencies(checks, gateway, shop)
    checks.finish()


def terms_and_overrides(checks, shop):
    """Five terms, each set or null, times the overrides, on a reseller with a standard rate of 7.5 %."""
    prices = dict(zip(TERMS, ["3.33", "9.49", "18.15", "35.55", "0.0123"]))
    reseller = shop.reseller(balance="100000.00", default_discount_rate="7.5")
    for override in [None, "0", "12.5", "100"]:
        with checks(f"W2 W3 an override of {override} over a standard rate of 7.5, every term set or not"):
            rate = "7.5" if override is None else override
            for present in itertools.product([True, False], repeat=len(TERMS)):
                offered = {term: prices[term] for term, there in zip(TERMS, present) if there}
                row = {f"wholesale_{term}": offered.get(term) for term in TERMS}
                row |= {"wholesale_setup_fee": "1.25", "discount_rate_override": override}
                sku = shop.product()
                shop.price(reseller, sku, row)
                if offered:
                    listed = shop.listed(reseller, sku)
                    assert set(listed["terms"]) == set(offered), (listed, offered)
                    for term, price in offered.items():
                        assert Decimal(listed["terms"][term]["wholesale"]) == Decimal(price), listed
                        net = Decimal(price) * (1 - Decimal(rate) / 100)
                        if term != "hourly":
                            net = net.quantize(CENT, ROUND_HALF_UP)
                        assert abs(Decimal(listed["terms"][term]["net"]) - net) <= Decimal("0.0000005"), (term, listed)
                for term in TERMS:
                    quote = shop.quote(reseller, sku, term, 3)
                    if term not in offered:
                        assert quote.status == 422 and quote.json["code"] == "term_not_priced", quote
                        continue
                    want = expected(prices[term], rate, 3, "1.25", term)
                    assert quote.status == 200 and numbers(quote) == want, (term, quote, want)
                # One order a row suffices: the order's price is the quote's, which `rounding` goes through.
                for term in list(offered)[:1]:
                    order = shop.order(reseller, sku, term, 3)
                    assert order.status == 201, order
                    assert numbers(order) == expected(prices[term], rate, 3, "1.25", term), order
                missing = [term for term in TERMS if term not in offered][:1]
                for term in missing:
                    order = shop.order(reseller, sku, term, 3)
                    assert order.status == 422 and order.json["code"] == "term_not_priced", order


def hourly(checks, shop):
    reseller = shop.reseller(balance="100.00")
    with checks("W3 hourly: an order charges the setup fee and nothing else"):
        sku = shop.product()
        shop.price(reseller, sku, {"wholesale_hourly": "0.5", "wholesale_setup_fee": "2.005"})
        before = shop.balance(reseller)
        order = shop.order(reseller, sku, "hourly", 2)
        assert order.status == 201 and Decimal(order.json["wholesale_total"]) == Decimal("4.01"), order
        assert before - shop.balance(reseller) == Decimal("4.01"), (before, shop.balance(reseller))

    with checks("W3 hourly: an order needs balance for a day of it and of every hourly unit that is there"):
        sku, other = shop.product(), shop.product("manual")
        poor = shop.reseller(balance="30.00")
        for product in (sku, other):
            shop.price(poor, product, {
                "wholesale_hourly": "0.123456", "wholesale_monthly": "1.00", "wholesale_setup_fee": "1.00"})
        for quote in (shop.quote(poor, sku, "hourly", 2), shop.order(poor, sku, "hourly", 2)):
            assert quote.status in (200, 201), quote
            shown = [Decimal(quote.json[name]) for name in ("hourly_total", "first_day", "wholesale_total")]
            # 2 x 0.123456 an hour; 24 hours of it, to the cent; the setup fees.
            assert shown == [Decimal("0.246912"), Decimal("5.93"), Decimal("2.00")], quote.json
        path = f"/orders/{quote.json['order']['id']}"
        for read in (shop.get(poor, path), shop.admin("GET", path)):
            again = [Decimal(read.json[name]) for name in ("hourly_total", "first_day", "wholesale_total")]
            assert again == shown, read
        # 28.00 are left. 7 more: setup 7.00, and a day of 9 units is 26.67; 6 more: 6.00 and 23.70.
        for product in (sku, other):
            for quantity, required in ((7, "33.67"), (6, "29.70")):
                for ask in (shop.quote, shop.order):
                    refused = ask(poor, product, "hourly", quantity)
                    assert refused.status == 402 and Decimal(refused.json["required"]) == Decimal(required), refused
        # Units that are on order count too; what is paid in advance needs no more than it costs.
        assert shop.order(poor, other, "hourly", 5).status == 201
        refused = shop.order(poor, sku, "hourly", 1)
        assert refused.status == 402 and Decimal(refused.json["required"]) == Decimal("24.70"), refused
        monthly = shop.order(poor, sku, "monthly", 5)
        assert monthly.status == 201 and "hourly_total" not in monthly.json and "first_day" not in monthly.json, monthly
        read = shop.get(poor, f"/orders/{monthly.json['order']['id']}")
        assert read.status == 200 and "hourly_total" not in read.json and "first_day" not in read.json, read
        assert shop.balance(poor) == Decimal("13.00"), shop.balance(poor)
        trial = dict(poor, key=shop.mint(poor, mode="test").json["key"])
        assert shop.order(trial, sku, "hourly", 100).status == 201, "the test book needs no balance"


    with checks("W3 hourly: an order needs balance for a day of a suspended unit too, and of no cancelled one"):
        sku = shop.product()
        held = shop.reseller(balance="30.00")
        shop.price(held, sku, {"wholesale_hourly": "0.5"})
        [service] = shop.order(held, sku, "hourly", 1).json["services"]
        path = f"/services/{service['id']}"
        assert shop.admin("POST", path + "/suspend").status == 200
        for ask in (shop.quote, shop.order):
            refused = ask(held, sku, "hourly", 2)
            assert refused.status == 402 and Decimal(refused.json["required"]) == Decimal("36.00"), refused
        assert shop.admin("POST", path + "/cancel").status == 200
        assert shop.quote(held, sku, "hourly", 2).status == 200
        assert shop.balance(held) == Decimal("29.50"), "the hour that had begun"

    with checks("W3 hourly: an hour of all units is shown rounded to the micro"):
        shop.price(held, sku, {"wholesale_hourly": "0.000001", "discount_rate_override": "50"})
        quote = shop.quote(held, sku, "hourly", 3)
        assert quote.status == 200 and Decimal(quote.json["hourly_total"]) == Decimal("0.000002"), quote


ROUNDING = [
    # term price, rate, quantity, setup fee
    ("0.005", "0", 1, None),
    ("0.004999", "0", 1, None),
    ("0.0049", "0", 3, None),
    ("1.005", "0", 1, "0.005"),
    ("1.005", "0", 3, "0.005"),
    ("0.125", "0", 1, "0.125"),
    ("0.01", "50", 1, None),
    ("0.01", "50", 3, None),
    ("0.01", "50.0001", 1, None),
    ("0.01", "49.9999", 1, None),
    ("0.03", "33.3333", 1, None),
    ("9.99", "33.3333", 7, "0.333333"),
    ("9.99", "12.5", 9, "0.001"),
    ("10.00", "100", 5, "1.00"),
    ("10.00", "0.0001", 1000, None),
    ("10.05", "7.5", 2, None),
    ("10.05", "7.5", 1, None),
    ("2.675", "0", 1, None),
    ("1.115", "0", 100, None),
    ("0.333333", "33.3333", 999, "0.333333"),
    ("0.000001", "0", 1000, "0.000001"),
    ("0.000005", "0.0001", 1000, None),
    ("0", "0", 4, "0"),
    ("0.10", "99.9999", 1000, None),
    ("123456.789012", "3.1415", 17, "98765.432109"),
]


def rounding(checks, shop):
    reseller = shop.reseller(balance="900000000.00")
    with checks("W3 a line rounds once, half up, and the setup fee apart: quote, order, and balance agree"):
        for term_price, rate, quantity, fee in ROUNDING:
            sku = shop.product()
            shop.price(reseller, sku, {
                "wholesale_monthly": term_price, "discount_rate_override": rate, "wholesale_setup_fee": fee})
            want = expected(term_price, rate, quantity, fee)
            quote = shop.quote(reseller, sku, "monthly", quantity)
            assert quote.status == 200 and numbers(quote) == want, (term_price, rate, quantity, fee, want, quote)
            before = shop.balance(reseller)
            order = shop.order(reseller, sku, "monthly", quantity)
            assert order.status == 201 and numbers(order) == want, (order, want)
            assert before - shop.balance(reseller) == want[2], (before, shop.balance(reseller), want)
            assert len(order.json["services"]) == quantity
            read = shop.get(reseller, f"/orders/{order.json['order']['id']}")
            assert numbers(read) == want, read

    with checks("W3 numbers and decimal strings price alike, and no price passes through a binary fraction"):
        sku = shop.product()
        shop.price(reseller, sku, b'{"wholesale_monthly": 1.10, "discount_rate_override": 0, "wholesale_setup_fee": 0.01}')
        quote = shop.quote(reseller, sku, "monthly", 3)
        assert numbers(quote) == (Decimal("3.30"), Decimal("0.03"), Decimal("3.33")), quote

    with checks("W3 amounts are strings with the currency's digits at least"):
        quote = shop.quote(reseller, sku, "monthly", 3).json
        assert (quote["line_total"], quote["setup_total"], quote["wholesale_total"]) == ("3.30", "0.03", "3.33"), quote
        assert quote["currency"] == "EUR", quote


def offered(checks, shop):
    reseller = shop.reseller(balance="1000.00")
    with checks("W2 W4 what is not priced, disabled or hidden is neither shown nor quoted nor sold: 404, all alike"):
        full = {"wholesale_monthly": "1.00"}
        unpriced, disabled, hidden, shown = (shop.product() for _ in range(4))
        shop.price(reseller, disabled, full | {"is_enabled": False})
        shop.price(reseller, hidden, full)
        shop.price(reseller, shown, full)
        assert shop.admin("PATCH", f"/products/{hidden}", {"hidden": True}).status == 200
        skus = [row["product"] for row in shop.get(reseller, "/products").json["data"]]
        assert skus == [shown], skus
        bodies = []
        for sku in [unpriced, disabled, hidden, "no-such-product"]:
            for answer in [shop.quote(reseller, sku, "monthly", 1), shop.order(reseller, sku, "monthly", 1)]:
                assert answer.status == 404, (sku, answer)
                bodies.append({name: value for name, value in answer.json.items() if name != "request_id"})
        assert all(body == bodies[0] for body in bodies), bodies

    with checks("W2 O4 the next list and order follow a change: disabled, enabled, hidden, shown, repriced"):
        def listed():
            return [row["product"] for row in shop.get(reseller, "/products").json["data"]]
        shop.price(reseller, shown, full | {"is_enabled": False})
        assert shown not in listed() and shop.order(reseller, shown, "monthly", 1).status == 404
        shop.price(reseller, shown, full)
        assert shown not in listed(), "what is left out stays"
        shop.price(reseller, shown, {"is_enabled": True})
        assert shown in listed() and shop.order(reseller, shown, "monthly", 1).status == 201
        shop.admin("PATCH", f"/products/{shown}", {"hidden": True})
        assert shown not in listed() and shop.order(reseller, shown, "monthly", 1).status == 404
        shop.admin("PATCH", f"/products/{shown}", {"hidden": False})
        assert shown in listed()
        shop.price(reseller, shown, {"wholesale_monthly": "2.00"})
        assert shop.listed(reseller, shown)["terms"]["monthly"]["net"] == "2.00"
        assert numbers(shop.order(reseller, shown, "monthly", 1))[2] == 2
        shop.terms(reseller, default_discount_rate="50")
        assert shop.listed(reseller, shown)["terms"]["monthly"]["net"] == "1.00"
        assert numbers(shop.order(reseller, shown, "monthly", 1))[2] == 1
        shop.admin("PATCH", f"/products/{shown}", {"name": "Another name"})
        assert shop.listed(reseller, shown)["name"] == "Another name"

    with checks("W2 one reseller's prices are not another's"):
        other = shop.reseller(balance="10.00")
        assert shop.get(other, "/products").json["data"] == []
        assert shop.quote(other, shown, "monthly", 1).status == 404

    with checks("W2 a price row of null terms alone sells nothing: 422 term_not_priced at /term"):
        empty = shop.product()
        shop.price(reseller, empty, {"max_quantity": 3})
        for term in TERMS:
            answer = shop.quote(reseller, empty, term, 1)
            assert answer.status == 422 and answer.json["code"] == "term_not_priced", answer
            assert [error["pointer"] for error in answer.json["errors"]] == ["/term"], answer


def caps(checks, shop):
    reseller = shop.reseller(balance="1000.00")
    with checks("W2 W4 max_quantity caps what is held at once: services not cancelled and open holds; 409 past it"):
        for fulfilment in ["instant", "manual"]:
            sku = shop.product(fulfilment=fulfilment)
            shop.price(reseller, sku, {"wholesale_monthly": "1.00", "max_quantity": 5})
            too_many = shop.order(reseller, sku, "monthly", 6)
            assert too_many.status == 409 and too_many.json["code"] == "max_quantity_exceeded", too_many
            first = shop.order(reseller, sku, "monthly", 3)
            assert first.status == 201, first
            for answer in [shop.order(reseller, sku, "monthly", 3), shop.quote(reseller, sku, "monthly", 3)]:
                assert answer.status == 409 and answer.json["code"] == "max_quantity_exceeded", answer
            assert shop.order(reseller, sku, "monthly", 2).status == 201
            assert shop.order(reseller, sku, "monthly", 1).status == 409
            if fulfilment == "manual":
                rejected = shop.admin("POST", f"/orders/{first.json['order']['id']}/reject")
                assert rejected.status == 200, rejected
                freed = 3
            else:
                service = first.json["services"][0]["id"]
                assert shop.admin("POST", f"/services/{service}/suspend").status == 200
                assert shop.order(reseller, sku, "monthly", 1).status == 409, "a suspended service is held"
                assert shop.admin("POST", f"/services/{service}/cancel").status == 200
                freed = 1
            assert shop.order(reseller, sku, "monthly", freed + 1).status == 409
            assert shop.order(reseller, sku, "monthly", freed).status == 201

    with checks("W2 a cap lowered under what is held sells no more and takes nothing away; null lifts it"):
        sku = shop.product()
        shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
        assert shop.order(reseller, sku, "monthly", 4).status == 201
        shop.price(reseller, sku, {"wholesale_monthly": "1.00", "max_quantity": 2})
        assert shop.order(reseller, sku, "monthly", 1).status == 409
        shop.price(reseller, sku, {"wholesale_monthly": "1.00", "max_quantity": 0})
        assert shop.order(reseller, sku, "monthly", 1).status == 409
        shop.price(reseller, sku, {"wholesale_monthly": "1.00", "max_quantity": None})
        assert shop.order(reseller, sku, "monthly", 1).status == 201
        assert shop.listed(reseller, sku)["max_quantity"] is None


def money(checks, shop):
    sku = shop.product()
    with checks("W4 the balance is spent to the last cent and no further; 402 says required and available"):
        reseller = shop.reseller(balance="10.00")
        shop.price(reseller, sku, {"wholesale_monthly": "3.34"})
        for call in (shop.quote, shop.order):
            answer = call(reseller, sku, "monthly", 3)
            assert answer.status == 402 and answer.json["code"] == "insufficient_balance", answer
            assert (answer.json["required"], answer.json["available"]) == ("10.02", "10.00"), answer
            assert answer.headers["content-type"] == "application/problem+json", answer.headers
        shop.price(reseller, sku, {"wholesale_monthly": "5.00"})
        assert shop.order(reseller, sku, "monthly", 2).status == 201
        assert shop.balance(reseller) == 0
        answer = shop.order(reseller, sku, "monthly", 1)
        assert answer.status == 402 and answer.json["available"] == "0.00", answer

    with checks("W4 the credit limit counts, and is the floor"):
        shop.terms(reseller, credit_limit="7.50")
        assert shop.quote(reseller, sku, "monthly", 1).status == 200
        assert shop.order(reseller, sku, "monthly", 1).status == 201
        assert shop.balance(reseller) == -5
        answer = shop.order(reseller, sku, "monthly", 1)
        assert answer.status == 402 and (answer.json["required"], answer.json["available"]) == ("5.00", "2.50"), answer
        shop.price(reseller, sku, {"wholesale_monthly": "2.50"})
        assert shop.order(reseller, sku, "monthly", 1).status == 201
        body = shop.get(reseller, "/balance").json
        assert (body["balance"], body["credit_limit"], body["available"]) == ("-7.50", "7.50", "0.00"), body
        shop.terms(reseller, credit_limit="0")
        answer = shop.order(reseller, sku, "monthly", 1)
        assert answer.status == 402 and answer.json["available"] == "-7.50", answer

    with checks("W4 a free order needs no balance"):
        free = shop.product()
        solvent = shop.reseller()
        shop.price(solvent, free, {"wholesale_monthly": "5.00", "discount_rate_override": "100"})
        order = shop.order(solvent, free, "monthly", 2)
        assert order.status == 201 and order.json["wholesale_total"] == "0.00", order

    with checks("W4 O10 a manual product: the money is held, then posted or given back in full; held twice it is not"):
        reseller = shop.reseller(balance="100.00")
        metal = shop.product(fulfilment="manual")
        shop.price(reseller, metal, {"wholesale_monthly": "30.00", "wholesale_setup_fee": "10.00"})
        orders = [shop.order(reseller, metal, "monthly", 1) for _ in range(2)]
        assert [order.status for order in orders] == [201, 201], orders
        assert all(order.json["order"]["state"] == "pending" for order in orders)
        assert shop.order(reseller, metal, "monthly", 1).status == 402, "a hold counts against the balance"
        body = shop.get(reseller, "/balance").json
        assert (body["balance"], body["held"]) == ("20.00", "80.00"), body
        accepted, rejected = (order.json["order"]["id"] for order in orders)
        assert shop.admin("POST", f"/orders/{accepted}/activate").status == 200
        assert shop.admin("POST", f"/orders/{rejected}/reject").status == 200
        body = shop.get(reseller, "/balance").json
        assert (body["balance"], body["held"]) == ("60.00", "0.00"), body
        for order in (accepted, rejected):
            for move in ("activate", "reject"):
                assert shop.admin("POST", f"/orders/{order}/{move}").status == 409
        states = {order: shop.get(reseller, f"/orders/{order}").json["state"] for order in (accepted, rejected)}
        assert states == {accepted: "completed", rejected: "rejected"}, states
        assert [s["status"] for s in shop.get(reseller, f"/orders/{accepted}").json["services"]] == ["active"]
        assert [s["status"] for s in shop.get(reseller, f"/orders/{rejected}").json["services"]] == ["cancelled"]

    with checks("O5 the statement adds up to the balance, entry by entry"):
        rows = shop.admin("GET", f"/resellers/{reseller['id']}/statement?limit=100").json["data"]
        running = Decimal(0)
        for row in reversed(rows):
            running += Decimal(row["amount"])
            assert running == Decimal(row["balance_after"]), row
        assert running == shop.balance(reseller), rows

    with checks("O5 a correction takes money back; zero, fractions of a cent and absurd amounts are refused"):
        path = f"/resellers/{reseller['id']}/balance"
        done = shop.admin("POST", path, {"amount": "-15.00", "reference": "correction"}, idempotent=True)
        assert done.status in (200, 201) and done.json["balance"] == "45.00", done
        for amount in ["0", "0.00", "0.001", "1000000000.01", "1e30", "", "abc", None, True, [], "NaN", "Infinity", "0x10", "1,5"]:
            answer = shop.admin("POST", path, {"amount": amount, "reference": "x"}, idempotent=True)
            assert answer.status == 422, (amount, answer)
            assert answer.json["errors"][0]["pointer"] == "/amount", (amount, answer)
        assert shop.balance(reseller) == 45

    with checks("W3 O5 a balance at its largest: sums that no ledger can hold are refused, and nothing breaks"):
        rich = shop.reseller(balance="1000000000.00")
        statuses = []
        for _ in range(12):
            answer = shop.admin("POST", f"/resellers/{rich['id']}/balance",
                {"amount": "1000000000.00", "reference": "more"}, idempotent=True)
            statuses.append(answer.status)
            assert answer.status in (200, 201, 422), answer
        dear = shop.product()
        shop.price(rich, dear, {"wholesale_monthly": "1000000000", "wholesale_setup_fee": "1000000000"})
        for quantity in (1, 2, 999, 1000):
            assert shop.quote(rich, dear, "monthly", quantity).status in (200, 402, 422)
            answer = shop.order(rich, dear, "monthly", quantity)
            assert answer.status in (201, 402, 422), answer
        running = sum(
            Decimal(row["amount"])
            for row in shop.admin("GET", f"/resellers/{rich['id']}/statement?limit=100").json["data"])
        assert running == shop.balance(rich), running

    with checks("W4 quote and order refuse alike, and a quote writes nothing"):
        reseller = shop.reseller(balance="5.00")
        shop.price(reseller, sku, {"wholesale_monthly": "2.00", "max_quantity": 2})
        for sku_asked, term, quantity in [
            (sku, "monthly", 3), (sku, "annual", 1), ("nothing", "monthly", 1), (sku, "monthly", 2), (sku, "weekly", 1),
            (sku, "monthly", 0), (sku, "monthly", 1001),
        ]:
            quote, order = (call(reseller, sku_asked, term, quantity) for call in (shop.quote, shop.order))
            if order.status == 201:
                assert numbers(quote) == numbers(order)
            else:
                assert quote.status == order.status and quote.json["code"] == order.json["code"], (quote, order)
        count = len(shop.get(reseller, "/orders").json["data"])
        customers = len(shop.get(reseller, "/customers").json["data"])
        for _ in range(5):
            shop.quote(reseller, sku, "monthly", 1, customer="nobody-ever")
        assert len(shop.get(reseller, "/orders").json["data"]) == count
        assert len(shop.get(reseller, "/customers").json["data"]) == customers
        assert shop.get(reseller, "/customers?external_id=nobody-ever").json["data"] == []


def other_currencies(checks, gateway, shop):
    with checks("W3 minor units follow the currency: yen have none, dinars three"):
        for currency, unit, term_price, rate, quantity, fee in [
            ("JPY", Decimal(1), "150.5", "0", 1, "0.5"), ("JPY", Decimal(1), "333", "12.5", 3, None),
            ("KWD", Decimal("0.001"), "1.0005", "0", 1, "0.0005"), ("KWD", Decimal("0.001"), "3.333", "33.3333", 7, None),
        ]:
            other = Shop.create(gateway, currency=currency)
            reseller = other.reseller(balance="100000")
            sku = other.product()
            other.price(reseller, sku, {
                "wholesale_monthly": term_price, "discount_rate_override": rate, "wholesale_setup_fee": fee})
            want = expected(term_price, rate, quantity, fee, unit=unit)
            quote, order = (call(reseller, sku, "monthly", quantity) for call in (other.quote, other.order))
            assert numbers(quote) == numbers(order) == want, (currency, quote, want)
            assert order.json["currency"] == currency
            digits = -unit.as_tuple().exponent
            text = order.json["wholesale_total"]
            assert (len(text.split(".")[1]) if "." in text else 0) == digits, text
            assert Decimal(100000) - other.balance(reseller) == want[2]


if __name__ == "__main__":
    main()
