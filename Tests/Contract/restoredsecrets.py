"""P5, O3, W13, A6: a restore brings back no secret that was rotated away since, and keeps the one that took its place:
of a reseller, of a webhook, of provisioners and of the payment service. The file verifies all the same."""

import base64
import datetime
import sqlite3
import tempfile
import time

from payservice import API_KEY, SECRET
from support import Checks, Gateway, arguments, verified_export, wait_until
from units import Scene, reference

options = arguments()
checks = Checks()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret of thirty-two byt").decode()
OVERLAPS = {"overlap_seconds": 0}
# What each table says of secrets, without the ids of its rows: rows that are carried over are new ones.
SECRETS = {
    "webhook_secret": "reseller_id, sealed, created_at, expires_at",
    "webhook_endpoint_secret": "endpoint_id, sealed, created_at, expires_at",
    "provisioner": "product_id, secret",
    "payment_service": "id, driver, create_url, api_key, webhook_secret, created_at, ended_at, verifies_until",
}


def secrets(export):
    """What an export says of secrets, sealed as they are, by table: of secrets those that are in force alone."""
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(export)
        file.flush()
        database = sqlite3.connect(file.name)
        found = {}
        for table, columns in SECRETS.items():
            where = " WHERE expires_at IS NULL" if "expires_at" in columns else ""
            found[table] = sorted(map(repr, database.execute(f"SELECT {columns} FROM {table}{where}")))
        database.close()
    return found


class Market(Scene):
    """A tenant with a provisioner, a payment service and resellers with webhooks."""

    def __init__(self, gateway):
        super().__init__(gateway)
        self.instant = self.shop.product()
        self.kept = self.shop.reseller(balance="100.00")
        for reseller in (self.reseller, self.kept):
            self.shop.price(reseller, self.instant, {"wholesale_monthly": "1.00"})
        self.hook = self.webhook(self.reseller)
        self.pays(SECRET)

    def pays(self, secret, **more):
        done = self.admin("PUT", "/payment-service", {
            "driver": "http", "create_url": "http://127.0.0.1:9/v1", "api_key": API_KEY, "webhook_secret": secret,
            **more})
        assert done.status == 200, done

    def webhook(self, reseller):
        made = self.shop.call(
            reseller, "POST", "/webhooks", {"name": "w", "url": "http://127.0.0.1:9/", "events": ["balance.low"]})
        assert made.status == 201, made
        return made.json["id"]

    def rotated(self, reseller, overlap=0):
        answer = self.admin(
            "POST", f"/resellers/{reseller['id']}/webhook-secret/rotate", {"overlap_seconds": overlap})
        assert answer.status == 200, answer
        return answer.json["webhook_secret"]

    def rotate_all(self):
        """Ends every secret at once, but the other reseller's; the reseller's new one."""
        rotated = self.shop.call(self.reseller, "POST", f"/webhooks/{self.hook}/secret/rotate", OVERLAPS)
        assert rotated.status == 200, rotated
        given = self.admin("PUT", "/provisioning", {"url": self.url, "secret": OTHER_SECRET})
        assert given.status == 200, given
        self.pays(OTHER_SECRET, overlap_seconds=0)
        return self.rotated(self.reseller)

    def orders(self, reseller, secret):
        return self.place(self.instant, dict(reseller, webhook_secret=secret)).status

    def provisioner_signs(self, secret):
        shown = self.admin("POST", "/provisioning/test", {"product": self.sku, "send": False})
        assert shown.status == 200, shown
        headers, body = shown.json["request"]["headers"], shown.json["request"]["body"].encode()
        return headers["webhook-signature"] == reference.signature(
            secret, headers["webhook-id"], headers["webhook-timestamp"], body)

    def restore(self, file=None, query=""):
        answer = self.gateway.post(
            f"/provider/v1/tenants/{self.shop.slug}/restore{query}", file, key=self.gateway.provider_key)
        assert answer.status == 200, answer


def from_file(gateway):
    market = Market(gateway)
    old, kept = market.reseller["webhook_secret"], market.kept["webhook_secret"]
    provisioner = market.desk.secret
    file = verified_export(gateway, market.shop.slug)
    new = market.rotate_all()
    late = market.shop.reseller()
    before = secrets(verified_export(gateway, market.shop.slug))
    assert market.orders(market.reseller, old) == 401 and market.provisioner_signs(OTHER_SECRET)
    with checks("P5 O3 W13 A6 a restore keeps the secrets that are in force, sealed as they were; the file verifies"):
        market.restore(file)
        after = secrets(verified_export(gateway, market.shop.slug, "--all-signatures"))
        for table in ("webhook_endpoint_secret", "provisioner", "payment_service"):
            assert after[table] == before[table], table
        assert len(after["webhook_secret"]) == 2 and set(after["webhook_secret"]) < set(before["webhook_secret"])
        assert late["id"] not in [row["id"] for row in market.admin("GET", "/resellers").json["data"]]
    with checks("P5 O3 what was rotated away stays dead after a restore, the newer signs on, and others keep theirs"):
        for reseller, secret, status in (
                (market.reseller, old, 401), (market.reseller, new, 201), (market.kept, kept, 201)):
            assert market.orders(reseller, secret) == status, secret
        assert market.provisioner_signs(OTHER_SECRET) and not market.provisioner_signs(provisioner)
    with checks("P5 O3 an overlap that runs goes on after a restore: both secrets sign, for as long as was said"):
        newest = market.rotated(market.reseller, overlap=3_600)
        market.restore(file)
        for secret, status in ((old, 401), (new, 201), (newest, 201)):
            assert market.orders(market.reseller, secret) == status, secret
    with checks("P5 G3 the same after one more restore and a crash; a payment service that was taken away is gone"):
        assert market.admin("DELETE", "/payment-service").status == 204
        market.restore(file)
        gateway.kill()
        gateway.start()
        assert market.orders(market.reseller, old) == 401 and market.orders(market.reseller, newest) == 201
        assert market.admin("GET", "/payment-service").status == 404
        market.pays(SECRET)
        verified_export(gateway, market.shop.slug, "--all-signatures")


def to_moment(gateway):
    market = Market(gateway)
    old = market.reseller["webhook_secret"]
    at = datetime.datetime.now(datetime.timezone.utc)
    wait_until(lambda: time.time() > at.timestamp() + 0.01)
    new = market.rotate_all()
    before = secrets(verified_export(gateway, market.shop.slug))
    with checks("P5 B2 O3 gone back to a moment a tenant has the secrets that are in force now"):
        market.restore(query=f"?at={at.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}")
        assert secrets(verified_export(gateway, market.shop.slug, "--all-signatures")) == before
        assert market.orders(market.reseller, old) == 401 and market.orders(market.reseller, new) == 201


with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
    from_file(gateway)
with Gateway(options.tollgate, "--commits", "log", "--allow-private-addresses", demo=False) as gateway:
    to_moment(gateway)
checks.finish()
