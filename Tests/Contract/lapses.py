"""What ends by itself after days: applications, sessions and what is left of them; the minute's tests of a webhook; and
what was ended at once, which a clock that is set back does not bring back. The gateway's clock is moved (A2, W11, A1,
H4, O3)."""

import sqlite3
import tempfile

from shop import PARTNER, Shop
from support import Checks, Gateway, arguments, wait_until

DAY = 86_400
PASSWORD, OTHER = "correct horse battery", "another horse battery"


def sessions_kept(gateway, slug):
    export = gateway.get(f"/provider/v1/tenants/{slug}/export", key=gateway.provider_key)
    assert export.status == 200, export
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(export.body)
        file.flush()
        connection = sqlite3.connect(f"file:{file.name}?mode=ro&immutable=1", uri=True)
        try:
            return connection.execute("SELECT count(*) FROM api_key WHERE role >= 3").fetchone()[0]
        finally:
            connection.close()


def applications(checks, gateway):
    hosting, codes = Shop(gateway, password=PASSWORD), Shop(gateway, blueprint="codes", password=PASSWORD)

    def apply(name, password=PASSWORD):
        return gateway.post(f"{hosting.base}{PARTNER}/apply", {
            "email": f"{name}@there.example", "name": name, "password": password})

    def register(name, password=PASSWORD):
        return gateway.post(f"{codes.base}/api/reseller/register", {
            "companyName": name, "email": f"{name}@there.example", "password": password})

    def sign_in(name, password):
        return gateway.post(f"{hosting.base}{PARTNER}/session", {
            "email": f"{name}@there.example", "password": password})

    def found(shop, name):
        return shop.admin("GET", f"/resellers?email={name}@there.example").json["data"][0]

    for name in ("late", "in-time"):
        assert apply(name).status in (200, 201)
        assert register(name).status in (200, 201)
    seed = register("watcher").json["seedHash"]
    gateway.jump(90 * DAY - 3600)
    with checks("W11 A2 an application waits for 90 days: until then its address is taken and it can be approved"):
        assert apply("late").status == 409 and register("late").status == 400
        for shop in (hosting, codes):
            approved = shop.admin("POST", f"/resellers/{found(shop, 'in-time')['id']}/approve")
            assert approved.status == 200, approved
        assert gateway.get(f"{codes.base}/api/reseller/me", headers={"x-seed-hash": seed}).status == 200
    gateway.jump(2 * 3600)
    with checks("W11 A2 then it has lapsed: nobody approves it, and whoever made it applies again"):
        for shop in (hosting, codes):
            row = found(shop, "late")
            answer = shop.admin("POST", f"/resellers/{row['id']}/approve")
            assert (answer.status, answer.json["code"]) == (409, "application_lapsed"), answer
        again = apply("late", OTHER)
        assert again.status in (200, 201), again
        registered = register("late", OTHER)
        assert registered.status in (200, 201) and registered.json["status"] == "pending", registered
        assert sign_in("late", PASSWORD).status == 401 and sign_in("late", OTHER).status in (200, 201)
        assert apply("late").status == 409
        for shop in (hosting, codes):
            rows = shop.admin("GET", "/resellers?email=late@there.example").json["data"]
            assert len(rows) == 1 and rows[0]["status"] == "pending", rows
            assert shop.admin("POST", f"/resellers/{rows[0]['id']}/approve").status == 200
    with checks("W11 A2 one that was approved in time does not lapse"):
        assert apply("in-time").status == 409 and sign_in("in-time", PASSWORD).status in (200, 201)
    with checks("A1 a registration's seed hash ends after 90 days"):
        assert gateway.get(f"{codes.base}/api/reseller/me", headers={"x-seed-hash": seed}).status == 401


def sessions(checks, gateway):
    shop = Shop(gateway, password=PASSWORD)
    reseller = shop.reseller(password=PASSWORD)
    with checks("W11 a session ends after 12 hours, and two days later nothing is left of it"):
        tokens = [shop.sign_in(reseller) for _ in range(3)]
        for token in tokens:
            assert shop.get(reseller, "/balance", key=token).status == 200
        assert sessions_kept(gateway, shop.slug) == 3
        gateway.jump(12 * 3600 + 1)
        for token in tokens:
            assert shop.get(reseller, "/balance", key=token).status == 401
        living = shop.sign_in(reseller)
        gateway.jump(3 * DAY)

        def cleared():
            # Some write or other wakes the file where nothing does by itself.
            shop.terms(reseller, credit_limit="1.00")
            return sessions_kept(gateway, shop.slug) == 0
        wait_until(cleared, seconds=60, pause_seconds=0.5)
        assert shop.get(reseller, "/balance", key=living).status == 401
        assert shop.get(reseller, "/balance", key=shop.sign_in(reseller)).status == 200


def tests_of_webhooks(checks, gateway):
    shop = Shop(gateway)
    reseller, other = shop.reseller(), shop.reseller()
    with checks("H4 G6 a webhook is tested ten times a minute by each reseller; the eleventh is 429"):
        def made(buyer):
            answer = shop.call(buyer, "POST", "/webhooks", {
                "name": "n", "url": "http://127.0.0.1:9/", "events": ["order.created"]})
            assert answer.status == 201, answer
            return answer.json["id"]
        webhook = made(reseller)
        def tests():
            return shop.call(reseller, "POST", f"/webhooks/{webhook}/test")

        for _ in range(10):
            answer = tests()
            assert answer.status != 429, answer
        # One comes back each six seconds.
        answer = wait_until(lambda: (said := tests()).status == 429 and said, pause_seconds=0)
        assert 1 <= int(answer.headers["retry-after"]) <= 6, answer
        assert '"webhook-test";q=10;w=60' in answer.headers["ratelimit-policy"], answer.headers
        assert shop.call(other, "POST", f"/webhooks/{made(other)}/test").status != 429


def ended(checks, gateway):
    shop = Shop(gateway)
    reseller, sku = shop.reseller(balance="10.00"), shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})

    def order(secret):
        buyer = {**reseller, "webhook_secret": secret}
        return shop.order(buyer, sku, timestamp=int(gateway.now())).status

    with checks("O3 W5 a signing secret that was rotated away signs no order where the clock is set back"):
        gone = [reseller["webhook_secret"]]
        for overlap in (3_600, 3_600, 0):
            gateway.jump(60)
            rotated = shop.admin(
                "POST", f"/resellers/{reseller['id']}/webhook-secret/rotate", {"overlap_seconds": overlap})
            gone.append(rotated.json["webhook_secret"])
        newest = gone.pop()
        gateway.jump(-120)
        gateway.kill()
        gateway.start()
        assert [order(secret) for secret in gone] == [401, 401, 401] and order(newest) == 201


def main():
    options = arguments()
    checks = Checks()
    with Gateway(
        options.tollgate, "--allow-private-addresses", demo=False, clock=True
    ) as gateway:
        applications(checks, gateway)
        sessions(checks, gateway)
        tests_of_webhooks(checks, gateway)
        ended(checks, gateway)
    checks.finish()


if __name__ == "__main__":
    main()
