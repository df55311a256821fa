#!/usr/bin/env python3
"""What the provider takes back: a cancellation (P4), a deletion that was put off, and an owner whose address was
wrong or whose link was lost (P10). And the list of tenants, by each filter and order (P2)."""

from datetime import datetime, timezone
import json
import random

from shop import PARTNER, PASSWORD, Shop
from support import Checks, Gateway, arguments, command, together, wait_until

API = "/provider/v1"
DAY = 86_400


class Provider:
    def __init__(self, gateway):
        self.gateway = gateway

    def __call__(self, method, path, body=None, **options):
        options.setdefault("key", self.gateway.provider_key)
        return self.gateway.request(method, API + path, body, **options)

    def tenant(self, slug):
        answer = self("GET", f"/tenants/{slug}")
        assert answer.status == 200, answer
        return answer.json

    def actions(self, slug):
        return [line["action"] for line in self("GET", f"/log?limit=100&tenant={slug}").json["data"]][::-1]


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        provider = Provider(gateway)
        listing(checks, provider)
        refused_lists(checks, provider)
        owners(checks, provider)
        spellings(checks, provider)
        succeeding(checks, provider)
        counting(checks, provider)
        cancelling(checks, provider)
        deleting(checks, provider)
        leaping(checks, options)
    checks.finish()


def owners(checks, provider):
    gateway = provider.gateway
    shop = Shop(gateway, password=PASSWORD)
    path, email = f"/tenants/{shop.slug}", f"owner@{shop.slug}.example"

    def sign_in(address, password=PASSWORD):
        return gateway.post(shop.base + "/api/admin/session", {"email": address, "password": password})

    def set_password(url, password):
        return gateway.post(url.removeprefix(gateway.base_url), {"password": password})

    with checks("P10 an invitation sent anew: it works once; links from before are dead"):
        first = provider("POST", path + "/invitation")
        assert first.status == 201 and set(first.json) == {"owner_email", "invitation_url", "expires_at"}, first
        assert first.json["owner_email"] == email
        second = provider("POST", path + "/invitation").json["invitation_url"]
        assert gateway.get(first.json["invitation_url"].removeprefix(gateway.base_url)).status == 404
        assert sign_in(email).status == 200
        assert set_password(second, "a new password").status == 200
        assert set_password(second, "once more than once").status == 404
        assert sign_in(email).status == 401 and sign_in(email, "a new password").status == 200
        assert provider("POST", "/tenants/nobody/invitation").status == 404
    with checks("P10 G3 the owner has another address: password, sessions and links end, keys go on"):
        token = sign_in(email, "a new password").json["token"]
        link = provider("POST", path + "/invitation").json["invitation_url"]
        changed = provider("PATCH", path, {"owner_email": "Next@Owner.example"})
        assert changed.status == 200 and changed.json["owner_email"] == "next@owner.example", changed
        assert gateway.get(shop.base + "/api/admin/settings", key=token).status == 401
        assert gateway.get(link.removeprefix(gateway.base_url)).status == 404
        for address in (email, "next@owner.example"):
            assert sign_in(address, "a new password").status == 401, address
        assert set_password(changed.json["invitation_url"], "the next owner's").status == 200
        assert sign_in("next@owner.example", "the next owner's").status == 200
        assert gateway.get(shop.base + "/api/admin/settings", key=shop.owner_key).status == 200
        audit = shop.admin("GET", "/audit?limit=100").json["data"]
        assert "tenant.owner_changed" in [row["action"] for row in audit], audit
        assert provider.actions(shop.slug)[-2:] == ["tenant.owner_invited", "tenant.owner_changed"]
        assert "owner.example" not in provider("GET", f"/log?tenant={shop.slug}").body.decode()
    with checks("P2 P10 PATCH takes what GET gives: the same address changes nothing and makes no link"):
        given = provider.tenant(shop.slug)
        same = provider("PATCH", path, {**given, "tier": "pro"})
        assert same.status == 200 and "invitation_url" not in same.json and same.json["tier"] == "pro", same
        assert sign_in("next@owner.example", "the next owner's").status == 200
    with checks("P10 an address that is none, or another account's, is refused; it is changed by itself"):
        reseller = shop.invite()
        for body, pointer in [
                ({"owner_email": "nobody"}, "/owner_email"), ({"owner_email": None}, "/owner_email"),
                ({"owner_email": 5}, "/owner_email"), ({"owner_email": reseller["email"]}, "/owner_email"),
                ({"owner_email": "other@owner.example", "tier": "lite"}, "/tier"),
                ({"owner_email": "other@owner.example", "state": "suspended"}, "/state"),
                ({"owner_email": "other@owner.example", "colour": "red"}, "/colour")]:
            refused = provider("PATCH", path, body)
            assert refused.status == 422 and pointer in [e["pointer"] for e in refused.json["errors"]], (body, refused)
        nothing = provider("PATCH", path, {})
        assert nothing.status == 422 and "owner_email" in nothing.json["detail"], nothing
        now = provider.tenant(shop.slug)
        assert (now["owner_email"], now["tier"]) == ("next@owner.example", "pro"), now
        assert sign_in("next@owner.example", "the next owner's").status == 200
    with checks("P6 P10 the same by command line"):
        done = gateway.command("tenant", "invite", shop.slug, "--json")
        assert done.returncode == 0 and "/invite/" in json.loads(done.stdout)["invitation_url"], done
        done = gateway.command("tenant", "owner", shop.slug, "third@owner.example", "--json")
        assert json.loads(done.stdout)["owner_email"] == "third@owner.example", done
        assert gateway.command("tenant", "owner", shop.slug, "nobody").returncode == 1


def spellings(checks, provider):
    gateway = provider.gateway
    shop = Shop(gateway, owner_email="owner@spelt.example")
    path = f"/tenants/{shop.slug}"
    with checks("P2 P10 the owner's address in another spelling is the same address, and may be sent with others"):
        for spelling in ("OWNER@Spelt.Example", "owner@SPELT.example"):
            same = provider("PATCH", path, {"owner_email": spelling})
            assert same.status == 200 and same.json["owner_email"] == "owner@spelt.example", same
            assert "invitation_url" not in same.json, same
            same = provider("PATCH", path, {"owner_email": spelling, "tier": "pro"})
            assert same.status == 200 and "invitation_url" not in same.json, same
        letters = Shop(gateway, owner_email="owner@bücher.example")
        assert letters.made and provider.tenant(letters.slug)["owner_email"] == "owner@xn--bcher-kva.example"
        same = provider("PATCH", f"/tenants/{letters.slug}", {"owner_email": "Owner@BÜCHER.example", "tier": "pro"})
        assert same.status == 200 and "invitation_url" not in same.json, same
        assert "tenant.owner_changed" not in provider.actions(letters.slug)
    with checks("P2 a change that names nothing that can be changed is 422"):
        given = provider.tenant(shop.slug)
        for names in (["bytes"], ["counts"], ["last_request_at"], ["slug"], ["bytes", "counts", "slug", "state"]):
            nothing = provider("PATCH", path, {name: given[name] for name in names})
            assert nothing.status == 422 and "owner_email" in nothing.json["detail"], (names, nothing)
        assert provider("PATCH", path, {"bytes": 1}).status == 422
        assert provider("PATCH", path, {"bytes": 1, "tier": given["tier"]}).status == 200


def succeeding(checks, provider):
    """Of two owners the provider is shown, and deals with, the first that is active."""
    gateway = provider.gateway
    shop = Shop(gateway, password=PASSWORD)
    path = f"/tenants/{shop.slug}"
    first, second, third = (f"{name}@{shop.slug}.example" for name in ("owner", "second", "third"))

    def sign_in(address, password=PASSWORD):
        return gateway.post(shop.base + "/api/admin/session", {"email": address, "password": password})

    def accept(url):
        assert gateway.post(url.removeprefix(gateway.base_url), {"password": PASSWORD}).status == 200

    def person(address):
        return shop.admin("GET", f"/people?email={address}", key=key).json["data"][0]["id"]

    def known(address):
        """Whom the provider is shown, finds by address and invites is one and the same."""
        assert provider.tenant(shop.slug)["owner_email"] == address
        for asked in (first, second, third):
            found = [row["slug"] for row in provider("GET", f"/tenants?owner_email={asked}").json["data"]]
            assert found == ([shop.slug] if asked == address else []), (asked, found)
        assert provider("POST", path + "/invitation").json["owner_email"] == address

    def sends(address, **fields):
        changed = shop.admin("PATCH", f"/people/{person(address)}", fields, key=key)
        assert changed.status == 200, changed

    key = shop.owner_key
    accept(shop.admin(
        "POST", "/people", {"email": second, "name": "Second", "role": "owner"}).json["invitation_url"])
    key = sign_in(second).json["token"]
    with checks("P10 O13 an owner who is disabled or demoted is not the provider's any more: the next one is"):
        known(first)
        sends(first, state="disabled")
        known(second)
        sends(first, state="active")
        known(first)
        sends(first, role="operator")
        known(second)
    with checks("P5 P10 a file from the past names its own owner, and the provider is shown that one"):
        export = provider("GET", path + "/export").body
        sends(first, role="owner")
        known(first)
        back = gateway.post(API + path + "/restore", export, key=gateway.provider_key)
        assert back.status == 200, back
        known(second)
    with checks("P10 another address is for the owner whom the provider is shown, and for nobody else"):
        assert sign_in(first).json["role"] == "operator"
        changed = provider("PATCH", path, {"owner_email": third})
        assert changed.status == 200 and changed.json["owner_email"] == third, changed
        assert sign_in(second).status == 401 and sign_in(first).status == 200
        accept(changed.json["invitation_url"])
        assert sign_in(third).json["role"] == "owner"
        known(third)
        back = gateway.post(API + path + "/restore", export, key=gateway.provider_key)
        assert back.status == 200, back
        known(second)


def counting(checks, provider):
    """`counts` beside `quotas` is what the quotas count."""
    gateway = provider.gateway
    shop = Shop(gateway, password=PASSWORD)
    path = f"/tenants/{shop.slug}"

    def counts():
        found = provider.tenant(shop.slug)["counts"]
        return found["resellers"], found["keys"]

    reseller, gone = shop.reseller(password=PASSWORD), shop.reseller()
    assert counts() == (2, 3), counts()
    with checks("P2 sessions, ended keys, terminated resellers and who applied and waits are in no count of a quota"):
        shop.sign_in(reseller)
        assert counts() == (2, 3), counts()
        end = datetime.fromtimestamp(int(gateway.now()) + 3_600, timezone.utc).isoformat()
        assert shop.mint(reseller, expires_at=end).status == 201
        assert counts() == (2, 4), counts()
        gateway.jump(3_601)
        assert wait_until(lambda: counts() == (2, 3))
        assert shop.move(gone, "terminate").status == 200
        assert counts() == (1, 2), counts()
        applied = gateway.post(f"{shop.base}{PARTNER}/apply", {
            "email": "applied@there.example", "name": "Applied", "password": PASSWORD})
        assert applied.status == 201, applied
        assert counts() == (1, 2), counts()
        invited = shop.invite()
        assert counts() == (2, 2), counts()
        assert shop.move({"id": applied.json["id"]}, "approve").status == 200
        assert counts() == (3, 2), counts()
    with checks("P2 O13 a disabled person's keys take no place; it comes back where there is room for them"):
        made = shop.admin("POST", "/people", {"email": "clerk@there.example", "name": "Clerk", "role": "operator"})
        clerk = f"/people/{made.json['id']}"
        minted = shop.admin("POST", "/api-keys", {"owner_email": "clerk@there.example"})
        assert minted.status == 201 and counts() == (3, 3), counts()
        assert shop.admin("PATCH", clerk, {"state": "disabled"}).status == 200
        assert counts() == (3, 2), counts()
    with checks("P2 a quota of as many as are counted is full, and one more has room for one"):
        limited = provider("PATCH", path, {"quotas": {"resellers": 3, "keys": 2}})
        assert limited.status == 200, limited
        full = [shop.mint(reseller), shop.admin("POST", "/resellers", {"email": "one@there.example", "name": "One"}),
                shop.admin("PATCH", clerk, {"state": "active"})]
        assert [(answer.status, answer.json["code"]) for answer in full] == [(402, "quota_exceeded")] * 3, full
        assert provider("PATCH", path, {"quotas": {"resellers": 4, "keys": 3}}).status == 200
        assert shop.admin("PATCH", clerk, {"state": "active"}).status == 200
        assert shop.move(invited, "approve").status == 200 and counts() == (3, 3), counts()
        assert shop.admin("POST", "/resellers", {"email": "one@there.example", "name": "One"}).status == 201
        assert counts() == (4, 3) and shop.mint(reseller).status == 402
    with checks("P2 P5 a file from the past is counted as it is"):
        export = provider("GET", path + "/export").body
        assert shop.move(reseller, "terminate").status == 200 and counts()[0] == 3
        back = gateway.post(API + path + "/restore", export, key=gateway.provider_key)
        assert back.status == 200, back
        # The reseller is back, its key is not.
        assert counts() == (4, 2), counts()


def cancelling(checks, provider):
    gateway = provider.gateway
    shop = Shop(gateway, password=PASSWORD)
    path = f"/tenants/{shop.slug}"
    with checks("P4 a cancellation is taken back while access lasts, and access goes on past its end"):
        refused = provider("DELETE", path + "/cancel")
        assert refused.status == 409 and refused.json["code"] == "tenant_not_cancelled", refused
        assert provider("POST", path + "/cancel").json["ends_at"]
        back = provider("DELETE", path + "/cancel")
        assert back.status == 200 and back.json["ends_at"] is None and back.json["state"] == "active", back
        gateway.jump(40 * DAY)
        assert wait_until(lambda: shop.admin("GET", "/settings").status == 200)
        assert provider.actions(shop.slug)[-2:] == ["tenant.cancelled", "tenant.uncancelled"]
    with checks("P3 P4 of a suspended tenant too, which stays suspended; past its end a cancellation stands: 409"):
        provider("POST", path + "/suspend")
        assert provider("POST", path + "/cancel").status == 200
        assert provider("DELETE", path + "/cancel").json["state"] == "suspended"
        assert shop.admin("GET", "/settings").status == 403
        provider("POST", path + "/resume")
        assert provider("POST", path + "/cancel").status == 200
        gateway.jump(40 * DAY)
        assert wait_until(lambda: shop.admin("GET", "/settings").status == 403)
        refused = provider("DELETE", path + "/cancel")
        assert refused.status == 409 and refused.json["code"] == "tenant_cancelled", refused
    with checks("P3 P4 a tenant that is suspended when its cancelled period ends is cancelled, and stays so"):
        last = Shop(gateway)
        path = f"/tenants/{last.slug}"
        assert provider("POST", path + "/cancel").status == 200
        assert provider("POST", path + "/suspend").json["state"] == "suspended"
        gateway.jump(40 * DAY)
        assert wait_until(lambda: provider.tenant(last.slug)["state"] == "cancelled")
        for method, call in (("DELETE", "/cancel"), ("POST", "/resume"), ("POST", "/cancel"), ("POST", "/refund")):
            refused = provider(method, path + call)
            assert refused.status == 409, (call, refused)
            assert call == "/refund" or refused.json["code"] == "tenant_cancelled", (call, refused)
        sealed = provider("POST", path + "/move", {"base_url": "https://new.example/t/there"})
        assert (sealed.status, sealed.json["code"]) == (409, "tenant_cancelled"), sealed
        assert last.admin("GET", "/settings").status == 403 and provider.tenant(last.slug)["ends_at"]
    with checks("P4 P6 tollgate tenant cancel --undo"):
        other = Shop(gateway)
        assert gateway.command("tenant", "cancel", other.slug).returncode == 0
        assert provider.tenant(other.slug)["ends_at"]
        done = gateway.command("tenant", "cancel", other.slug, "--undo")
        assert done.returncode == 0 and provider.tenant(other.slug)["ends_at"] is None, done


def deleting(checks, provider):
    gateway = provider.gateway
    shop = Shop(gateway, password=PASSWORD)
    path = f"/tenants/{shop.slug}"
    with checks("P10 a deletion put off is shown, and the tenant served; it is taken back"):
        assert provider("DELETE", path + "/deletion").json["code"] == "no_deletion_planned"
        put_off = provider("DELETE", f"{path}?confirm={shop.slug}&after_days=7")
        assert put_off.status == 204, put_off
        shown = provider.tenant(shop.slug)
        assert shown["deletes_at"] and shown["state"] == "active", shown
        assert shop.admin("GET", "/settings").status == 200
        back = provider("DELETE", path + "/deletion")
        assert back.status == 200 and back.json["deletes_at"] is None, back
        gateway.jump(8 * DAY)
        assert wait_until(lambda: shop.admin("GET", "/settings").status == 200)
        assert provider.tenant(shop.slug)["state"] == "active"
        assert provider.actions(shop.slug)[-2:] == ["tenant.deletion_planned", "tenant.deletion_withdrawn"]
    with checks("P10 without confirm or with days that are none nothing is planned"):
        for query in ("after_days=7", "confirm=other&after_days=7", *(
                f"confirm={shop.slug}&after_days={days}" for days in ("366", "-1", "0", "soon"))):
            assert provider("DELETE", f"{path}?{query}").status == 422, query
        assert provider.tenant(shop.slug)["deletes_at"] is None
    with checks("P10 G8 the clock erases what is due, after a kill -9 too, and the log says that it was the node"):
        other = Shop(gateway, slug="put-off")
        for slug, days in ((shop.slug, 3), ("put-off", 5)):
            assert provider("DELETE", f"/tenants/{slug}?confirm={slug}&after_days={days}").status == 204
        gateway.jump(2 * DAY)
        assert provider.tenant(shop.slug)["deletes_at"]
        gateway.jump(DAY + 60)
        assert wait_until(lambda: provider("GET", path).status == 404)
        assert shop.admin("GET", "/settings").status == 401 and provider.tenant("put-off")["deletes_at"]
        last = provider("GET", f"/log?tenant={shop.slug}&limit=2").json["data"]
        assert [line["action"] for line in last] == ["tenant.deleted", "tenant.deleting"], last
        assert {line["via"] for line in last} == {"node"}, last
        gateway.kill()
        gateway.jump(3 * DAY)
        gateway.start()
        assert wait_until(lambda: provider("GET", "/tenants/put-off").status == 404)
        assert Shop(gateway, slug="put-off").admin("GET", "/settings").status == 200 and other
    with checks("P10 G3 taking back and falling due at once: the answer is what happens"):
        for number in range(4):
            slug = f"edge-{number}"
            Shop(gateway, slug=slug)
            assert provider("DELETE", f"/tenants/{slug}?confirm={slug}&after_days=1").status == 204
            gateway.jump(DAY - 2)
            gateway.jump(2)
            answers = together([lambda: provider("DELETE", f"/tenants/{slug}/deletion") for _ in range(3)])
            kept = any(answer.status == 200 for answer in answers)
            if kept:
                assert provider.tenant(slug)["deletes_at"] is None, answers
                gateway.jump(DAY)
                assert provider.tenant(slug)["state"] == "active", answers
            else:
                assert wait_until(lambda: provider("GET", f"/tenants/{slug}").status == 404), answers
    with checks("P6 P10 tollgate tenant delete --after-days, and undelete"):
        last = Shop(gateway)
        done = gateway.command("tenant", "delete", last.slug, "--confirm", last.slug, "--after-days", "30")
        assert done.returncode == 0 and "erased at" in done.stdout, done
        assert provider.tenant(last.slug)["deletes_at"]
        assert gateway.command("tenant", "undelete", last.slug).returncode == 0
        assert provider.tenant(last.slug)["deletes_at"] is None
        assert gateway.command("tenant", "undelete", last.slug).returncode == 1


def leaping(checks, options):
    with checks("P10 a clock that leapt and that nobody believes erases nothing until it is accepted"):
        with Gateway(options.tollgate, "--clock-leap", "25", demo=False, clock=True) as gateway:
            provider = Provider(gateway)
            shop = Shop(gateway)
            assert provider("DELETE", f"/tenants/{shop.slug}?confirm={shop.slug}&after_days=2").status == 204
            gateway.jump(10 * DAY)
            assert wait_until(lambda: "paused" in gateway.get("/readyz").body.decode())
            for _ in range(3):
                ticks = gateway.metrics()["tollgate_tenants"]
                assert provider.tenant(shop.slug)["deletes_at"], ticks
            assert provider("POST", "/clock/accept").status == 200
            assert wait_until(lambda: provider("GET", f"/tenants/{shop.slug}").status == 404)


def listing(checks, provider):
    gateway, chance, made = provider.gateway, random.Random(7), []
    for number in range(9):
        fields = {"slug": f"{chance.choice('abc')}{number}-shop", "tier": chance.choice(["lite", "standard", "pro"]),
                  "owner_email": f"{chance.choice('xy')}@owners.example",
                  "blueprint": chance.choice(["hosting", "codes", "proxies"])}
        answer = provider("POST", "/tenants", {**fields, "password": PASSWORD})
        assert answer.status == 201, answer
        made.append({**fields, "id": answer.json["id"], "key": answer.json["owner_key"]})
        gateway.jump(1)
    for number in (3, 1, 7):
        gateway.jump(1)
        slug, key = made[number]["slug"], made[number]["key"]
        assert gateway.get(f"/t/{slug}/api/admin/settings", key=key).status == 200
    for number, move in ((0, "suspend"), (2, "refund"), (4, "suspend")):
        assert provider("POST", f"/tenants/{made[number]['slug']}/{move}").status == 200
        made[number]["state"] = {"suspend": "suspended", "refund": "refunded"}[move]

    def listed(query):
        rows, cursor = [], ""
        while cursor is not None:
            page = provider("GET", f"/tenants?limit=2&{query}{cursor and '&cursor=' + cursor}")
            assert page.status == 200, page
            rows += page.json["data"]
            cursor = page.json["next_cursor"]
        return rows

    def begins(tenant, letter):
        """Its slug, or its id, which is drawn by chance."""
        return tenant["slug"].startswith(letter) or tenant["id"].startswith(letter)

    def expected(keeps):
        return sorted(tenant["slug"] for tenant in made if keeps(tenant))

    with checks("P2 the list by state, tier, blueprint, owner, beginning: by itself, by several values, together"):
        tries = [
            ("state=suspended", lambda t: t.get("state") == "suspended"),
            ("state=suspended,refunded", lambda t: t.get("state") in ("suspended", "refunded")),
            ("state=active", lambda t: "state" not in t),
            ("tier=lite", lambda t: t["tier"] == "lite"), ("tier=lite,pro", lambda t: t["tier"] != "standard"),
            ("blueprint=codes", lambda t: t["blueprint"] == "codes"),
            ("blueprint=codes,hosting", lambda t: t["blueprint"] != "proxies"),
            ("owner_email=x@owners.example", lambda t: t["owner_email"].startswith("x")),
            ("owner_email=X@Owners.example", lambda t: t["owner_email"].startswith("x")),
            ("q=a", lambda t: begins(t, "a")), ("q=A", lambda t: begins(t, "a")),
            ("q=y@", lambda t: t["owner_email"].startswith("y")),
            ("tier=lite&state=active&q=b", lambda t: t["tier"] == "lite" and "state" not in t and begins(t, "b")),
            ("blueprint=codes&owner_email=y@owners.example",
             lambda t: t["blueprint"] == "codes" and t["owner_email"][0] == "y"),
        ]
        for query, keeps in tries:
            assert [row["slug"] for row in listed(query)] == expected(keeps), query
    with checks("P2 sorted by name, creation, last request and size, up and down, with the slug where two are alike"):
        everyone = listed("")
        orders = {
            "name": lambda row: "", "created": lambda row: row["created_at"],
            "last_request": lambda row: row["last_request_at"] or "", "size": lambda row: row["bytes"]}
        for name, key in orders.items():
            if name == "size":
                # Sizes move while files are checkpointed: the order is that of the sizes on the page itself.
                rows = listed("sort=size")
                assert len(rows) == len(everyone)
                continue
            up = sorted(everyone, key=lambda row: (key(row), row["slug"]))
            assert [row["slug"] for row in listed(f"sort={name}")] == [row["slug"] for row in up], name
            down = [row["slug"] for row in up][::-1]
            assert [row["slug"] for row in listed(f"sort=-{name}")] == down, name
        page = provider("GET", "/tenants?sort=-size&limit=100").json["data"]
        assert [row["bytes"] for row in page] == sorted((row["bytes"] for row in page), reverse=True), page


def refused_lists(checks, provider):
    with checks("P2 a filter or an order that is none is refused; a cursor is of its list alone"):
        for query in ("state=gone", "state=active,", "tier=free", "blueprint=A", "owner_email=x", "sort=age",
                      "sort=--name"):
            assert provider("GET", f"/tenants?{query}").status == 422, query
        cursor = provider("GET", "/tenants?limit=2&tier=lite,pro,standard").json["next_cursor"]
        assert provider("GET", f"/tenants?limit=2&cursor={cursor}").json["code"] == "unknown_cursor"


if __name__ == "__main__":
    main()
