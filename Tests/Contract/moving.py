#!/usr/bin/env python3
"""P10: a tenant moves to another node, with its keys, secrets, sessions, stored answers, levels and audit chain; under
load too. Two gateways of its own."""

import itertools
import os
import sqlite3
import tempfile
import threading
import time
import uuid

from shop import ADMIN, PARTNER, Shop
from support import Checks, Gateway, arguments, command, verified_export, wait_until, write_private

PROVIDER = "/provider/v1"
PASSPHRASE = "a passphrase to move by"
options = arguments()
checks = Checks()


def export(gateway, slug, passphrase=PASSPHRASE, query="?with_secrets=true"):
    headers = {"Tollgate-Passphrase": passphrase} if passphrase is not None else {}
    return gateway.get(f"{PROVIDER}/tenants/{slug}/export{query}", key=gateway.provider_key, headers=headers)


def take_in(gateway, bundle, passphrase=PASSPHRASE, query=""):
    headers = {"Tollgate-Passphrase": passphrase} if passphrase is not None else {}
    return gateway.post(f"{PROVIDER}/tenants/import{query}", bundle, key=gateway.provider_key, headers=headers)


def provider(gateway, method, path, body=None):
    return gateway.request(method, PROVIDER + path, body, key=gateway.provider_key)


def seal(gateway, shop, base_url="https://new.example/t/there"):
    return provider(gateway, "POST", f"/tenants/{shop.slug}/move", {"base_url": base_url})


def at(shop, gateway, slug=None):
    """The same tenant, asked at another node."""
    there = Shop.__new__(Shop)
    there.gateway, there.slug, there.made, there.owner_key = gateway, slug or shop.slug, shop.made, shop.owner_key
    there.base = f"/t/{there.slug}"
    return there


def stocked(gateway, slug=None, **fields):
    shop = Shop(gateway, slug, **fields)
    reseller = shop.reseller(balance="1000000", password="correct horse battery")
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    return shop, reseller, sku


def erase(gateway, slug):
    gone = gateway.delete(f"{PROVIDER}/tenants/{slug}?confirm={slug}", key=gateway.provider_key)
    assert gone.status == 204, gone


def whole(source, target):
    shop, reseller, sku = stocked(source, "moves")
    token = shop.sign_in(reseller)
    hook = shop.call(reseller, "PUT", "/webhook", {"url": "https://nobody.example/hook", "events": ["order.created"]})
    assert hook.status in (200, 201), hook
    first = shop.order(reseller, sku, key="order-1")
    assert first.status == 201, first
    head = first.headers["audit-head"]
    limited = shop.mint(reseller, limit={"requests": 50, "window_seconds": 3600}).json
    for _ in range(30):
        assert source.get(shop.base + PARTNER + "/balance", key=limited["key"]).status == 200
    with source_domain(source, shop):
        pass
    sealed = seal(source, shop)
    bundle = export(source, "moves")
    made = take_in(target, bundle.body)
    there = at(shop, target)

    with checks(
            "P10 the source seals, the destination takes in: UUID, slug and state are the same, host names stay "
            "behind"):
        assert sealed.status == 200 and sealed.json["state"] == "moved", sealed
        assert sealed.json["moved_to"] == "https://new.example/t/there", sealed
        assert bundle.status == 200 and len(bundle.body) == int(bundle.headers["content-length"]), bundle.headers
        assert made.status == 201 and made.json["id"] == shop.made["id"], made
        assert made.json["slug"] == "moves" and made.json["state"] == "active", made
        shown = provider(target, "GET", "/tenants/moves").json
        assert shown["domains"] == [] and shown["moved_to"] is None and shown["tier"] == "pro", shown
        assert shown["created_at"] == shop.made["created_at"], shown
        assert shown["refundable_until"] == shop.made["refundable_until"], shown

    with checks("P10 keys, webhook secrets and sessions of before open the tenant there"):
        assert there.get(reseller, "/balance").status == 200
        assert there.admin("GET", "/resellers").status == 200
        signed_in = target.get(there.base + PARTNER + "/balance", key=token)
        assert signed_in.status == 200, signed_in
        assert there.order(reseller, sku, key="order-2").status == 201

    with checks("P10 stored answers come along: an order repeated there is the first one, and is charged once"):
        again = there.order(reseller, sku, key="order-1")
        assert again.status == 201 and again.body == first.body, (again, first)
        assert again.headers["idempotency-hit"] == "true", again.headers
        assert there.balance(reseller) == 1_000_000 - 2

    with checks("P10 levels come along: what a key has used up there it has used up here"):
        answer = target.get(there.base + PARTNER + "/balance", key=limited["key"])
        remaining = int(answer.headers["x-ratelimit-remaining"])
        assert answer.status == 200 and remaining <= 21, answer.headers

    chained(target, head)
    with checks("P10 P3 after an import deliveries are held and provisioning waits, until the operator resumes"):
        needs = there.admin("GET", "/attention")
        assert needs.status == 200 and "outbound_held" in needs.body.decode(), needs
        held = there.admin("GET", "/deliveries?state=held")
        assert held.status == 200 and len(held.json["data"]) == 1, held
        resumed = there.admin("POST", "/outbound/resume")
        assert resumed.status == 200 and resumed.json["deliveries"] == 1, resumed
        assert "outbound_held" not in there.admin("GET", "/attention").body.decode()

    names(source, target, bundle.body)
    with checks("P10 G4 a stored answer holds under another slug too"):
        assert at(shop, target, "renamed").order(reseller, sku, key="order-1").body == first.body
    return shop, reseller, sku, bundle.body


def chained(target, head):
    with checks(
            "P10 the chain goes on: the file there verifies, holds a head of before, and its incarnation begins with "
            "tenant.imported"):
        file = verified_export(target, "moves", "--head", head, "--all-signatures")
        with tempfile.NamedTemporaryFile() as copy:
            copy.write(file)
            copy.flush()
            rows = sqlite3.connect(copy.name).execute(
                "SELECT incarnation, action FROM audit WHERE action LIKE 'tenant.%' ORDER BY seq").fetchall()
        assert rows == [(1, "tenant.created"), (2, "tenant.imported")], rows


def names(source, target, bundle):
    with checks("P10 a tenant that lives, or whose name is taken, is not taken in; ?slug= renames"):
        again = take_in(target, bundle)
        assert again.status == 409 and again.json["code"] == "uuid_lives", again
        home = take_in(source, bundle)
        assert home.status == 409 and home.json["code"] == "uuid_lives", home
        erase(target, "moves")
        Shop(target, "moves")
        taken = take_in(target, bundle)
        assert taken.status == 409 and taken.json["code"] == "slug_taken", taken
        renamed = take_in(target, bundle, query="?slug=renamed")
        assert renamed.status == 201 and renamed.json["base_url"].endswith("/t/" + renamed.json["slug"]), renamed


class source_domain:
    """A host name that stays behind."""

    def __init__(self, gateway, shop):
        done = provider(gateway, "PATCH", f"/tenants/{shop.slug}", {"domains": [{"host": "shop.moves.example"}]})
        assert done.status == 200, done

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


def moved_answers(source):
    with checks("P10 a tenant that moved answers 403 tenant_moved with its new base URL, in each dialect's envelope"):
        new = "https://new.example/t/gone"
        for blueprint, path, header, envelope in [
                ("hosting", PARTNER + "/balance", None, "detail"), ("panel", "/api/v1/reseller/credit", None, "error"),
                ("codes", "/api/reseller/me", "x-api-key", "error"),
                ("proxies", "/v1/reseller/pricebook", "X-API-Key", "message"),
                ("licences", "/reseller/licenseinfo", "api_token", "message")]:
            shop = Shop(source, f"gone-{blueprint}", blueprint=blueprint)
            reseller = shop.reseller()
            assert seal(source, shop, new).status == 200
            key = reseller["key"]
            if header == "api_token":
                answer = source.get(f"{shop.base}{path}?api_token={key}")
            elif blueprint == "panel":
                answer = source.post(shop.base + path, {"kind": "topup", "amount_usd": 1, "external_ref": "x"}, key=key)
            else:
                answer = source.get(
                    shop.base + path, key=None if header else key, headers={header: key} if header else {})
            assert answer.status == 403 and new in answer.json[envelope], (blueprint, answer)
            if envelope == "detail":
                assert answer.json["code"] == "tenant_moved" and answer.json["base_url"] == new, answer
            owner = shop.admin("GET", "/resellers")
            assert owner.status == 403 and owner.json["base_url"] == new, owner
            if blueprint != "panel":
                stranger = source.get(shop.base + path)
                assert stranger.status == 401 and new not in stranger.body.decode(), (blueprint, stranger)

    with checks("P10 nothing is written to a tenant that moved, by its provider neither, and its states do not change"):
        shop = Shop(source, "still")
        own = source.get(f"{PROVIDER}/tenants/still/export", key=source.provider_key).body
        assert seal(source, shop).status == 200
        before = export(source, "still", None, "").body
        for method, path, body in [
                ("POST", "/owner-key", None), ("POST", "/suspend", None), ("POST", "/refund", None),
                ("POST", "/cancel", None), ("POST", "/resume", None)]:
            refused = provider(source, method, "/tenants/still" + path, body)
            assert refused.status in (403, 409) and refused.json["code"] == "tenant_moved", (path, refused)
        restored = source.post(f"{PROVIDER}/tenants/still/restore", own, key=source.provider_key)
        assert restored.status == 409 and restored.json["code"] == "tenant_moved", restored
        assert export(source, "still", None, "").body == before

    with checks("P10 a move is taken back while it is not confirmed, and its tenant is served as before"):
        assert provider(source, "POST", "/tenants/still/move/confirm").status == 200
        for method, path in [("DELETE", "/move"), ("POST", "/move/confirm")]:
            late = provider(source, method, "/tenants/still" + path)
            assert late.status == 409 and late.json["code"] == "move_confirmed", late
        late = seal(source, shop)
        assert late.status == 409 and late.json["code"] == "move_confirmed", late
        shop = Shop(source, "stays")
        never = provider(source, "DELETE", "/tenants/stays/move")
        assert never.status == 409 and never.json["code"] == "tenant_not_moved", never
        assert provider(source, "POST", "/tenants/stays/suspend").status == 200
        assert seal(source, shop).json["state"] == "moved"
        assert seal(source, shop, "https://other.example/t/x/").json["moved_to"] == "https://other.example/t/x"
        back = provider(source, "DELETE", "/tenants/stays/move")
        assert back.status == 200 and back.json["state"] == "suspended" and back.json["moved_to"] is None, back
        assert provider(source, "POST", "/tenants/stays/resume").status == 200
        assert shop.admin("GET", "/resellers").status == 200

    with checks("P10 a move needs a base URL that is one"):
        for bad in ["", "new.example", "ftp://new.example", "https://a:b@new.example", "https://new.example/?x=1", 5,
                    None, "https://new.example/#x", "https://" + "x" * 600]:
            refused = provider(source, "POST", "/tenants/stays/move", {"base_url": bad})
            assert refused.status == 422 and refused.json["errors"][0]["pointer"] == "/base_url", (bad, refused)
        assert shop.admin("GET", "/resellers").status == 200


def refused(source, target, bundle):
    with checks("P10 an export with secrets needs a passphrase of 12 characters, in a header that stands once"):
        assert export(source, "moves", None).status == 400
        for short in ["short", "eleven char", "           x"]:
            answer = export(source, "moves", short)
            assert answer.status == 422, (short, answer)
            assert answer.json["errors"][0]["pointer"] == "/Tollgate-Passphrase", (short, answer)
        answer = export(source, "moves", query="?with_secrets=maybe")
        assert answer.status == 422, answer
        connection = source.connection()
        connection.putrequest("GET", f"{PROVIDER}/tenants/moves/export?with_secrets=true")
        for name, value in [("Authorization", f"Bearer {source.provider_key}"), ("Tollgate-Passphrase", PASSPHRASE),
                            ("Tollgate-Passphrase", PASSPHRASE)]:
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 400
        connection.close()

    with checks(
            "P10 a wrong passphrase is told from a bundle that was changed, cut short or put together anew; nothing is "
            "taken in"):
        chunk = (256 << 10) + 16
        first, second = 64 + chunk, 64 + 2 * chunk
        assert len(bundle) > second, len(bundle)
        for name, body, code in [
                ("wrong passphrase", bundle, "wrong_passphrase"),
                ("a bit", bundle[:5000] + bytes([bundle[5000] ^ 1]) + bundle[5001:], "bundle_damaged"),
                ("the last bit", bundle[:-1] + bytes([bundle[-1] ^ 1]), "bundle_damaged"),
                ("cut in a chunk", bundle[:-7], "bundle_damaged"), ("cut at a chunk", bundle[:first], "bundle_damaged"),
                ("the head alone", bundle[:64], "bundle_damaged"),
                ("a chunk left out", bundle[:64] + bundle[first:], "bundle_damaged"),
                ("chunks swapped", bundle[:64] + bundle[first:second] + bundle[64:first] + bundle[second:],
                 "bundle_damaged"),
                ("more behind it", bundle + b"x", "bundle_damaged"),
                ("the salt", bundle[:20] + bytes([bundle[20] ^ 1]) + bundle[21:], "wrong_passphrase"),
                ("another version", bundle[:8] + b"\x02" + bundle[9:], "bundle_newer"),
                ("no bundle", b"x" * 100_000, "not_a_bundle"), ("short", b"TGMOVE", "not_a_bundle"),
                ("an export", export(source, "moves", None, "").body, "not_a_bundle")]:
            passphrase = "another passphrase" if name == "wrong passphrase" else PASSPHRASE
            answer = take_in(target, body, passphrase, "?slug=nobody")
            assert answer.status == 422 and answer.json["code"] == code, (name, answer)
        assert take_in(target, b"", query="?slug=nobody").status == 400
        assert take_in(target, bundle, None).status == 400
        reserved = take_in(target, bundle, query="?slug=admin")
        assert reserved.status == 422 and reserved.json["errors"][0]["pointer"] == "/slug", reserved
        assert provider(target, "GET", "/tenants/nobody").status == 404
        assert os.listdir(os.path.join(target.data, "tmp")) == []

    with checks("P10 neither the passphrase nor a secret of the bundle is in a log or an answer"):
        for gateway in (source, target):
            said = gateway.errors() + "\n".join(gateway.output)
            assert PASSPHRASE not in said and "another passphrase" not in said
        log = sqlite3.connect(f"file:{source.data}/registry.sqlite?mode=ro&immutable=1", uri=True)
        log.close()


def back_again(source, target, shop, reseller, bundle):
    with checks("P10 a tenant that moved comes back with its keys alive; one that was revoked meanwhile stays dead"):
        there = at(shop, target, "renamed")
        extra = there.mint(reseller)
        assert extra.status == 201, extra
        extra = extra.json
        assert there.admin("DELETE", f"/api-keys/{extra['id']}").status == 200
        assert seal(target, there).status == 200
        home = export(target, "renamed").body
        assert provider(source, "POST", "/tenants/moves/move/confirm").status == 200
        erase(source, "moves")
        made = take_in(source, home, query="?slug=moves")
        assert made.status == 201, made
        assert shop.get(reseller, "/balance").status == 200
        assert source.get(shop.base + PARTNER + "/balance", key=extra["key"]).status == 401
        # What was revoked here stays dead, also in an older bundle.
        minted = shop.mint(reseller).json
        assert shop.admin("DELETE", f"/api-keys/{reseller['key_id']}").status == 200
        assert shop.get(reseller, "/balance").status == 401
        assert source.get(shop.base + PARTNER + "/balance", key=minted["key"]).status == 200
        assert seal(source, shop).status == 200
        assert provider(source, "POST", "/tenants/moves/move/confirm").status == 200
        erase(source, "moves")
        assert take_in(source, bundle).status == 201
        assert shop.get(reseller, "/balance").status == 401, "a revoked key opens an older bundle"
        assert shop.admin("GET", "/resellers").status == 200
        verified_export(source, "moves")
    with checks("P10 W1 of a reseller that was terminated here no key and no session opens an older bundle"):
        gone = shop.reseller(password="correct horse battery")
        token = shop.sign_in(gone)
        older = export(source, "moves").body
        assert shop.move(gone, "terminate").status == 200
        assert seal(source, shop).status == 200
        assert provider(source, "POST", "/tenants/moves/move/confirm").status == 200
        erase(source, "moves")
        assert take_in(source, older).status == 201
        for key in (gone["key"], token):
            assert source.get(shop.base + PARTNER + "/balance", key=key).status == 401
        assert shop.admin("GET", "/resellers").status == 200


def prefixed(source, target):
    with checks("P10 a tenant whose keys begin as another's do here is taken in, and the keys of both open their own"):
        shop, reseller, _ = stocked(source, "prefixed", prefix="own")
        other = Shop(target, "prefixed-too", prefix="own")
        assert reseller["key"].startswith("own_") and other.owner_key.startswith("own_")
        assert seal(source, shop).status == 200
        assert take_in(target, export(source, "prefixed").body).status == 201
        there = at(shop, target)
        assert there.get(reseller, "/balance").status == 200
        assert there.admin("GET", "/resellers").json["data"] and not other.admin("GET", "/resellers").json["data"]
        assert target.get(there.base + ADMIN + "/resellers", key=other.owner_key).status == 401
        minted = there.mint(reseller).json["key"]
        assert minted.startswith("own_") and there.get(reseller, "/balance", key=minted).status == 200


def under_load(source, target):
    """Clients order without a pause; each order goes on under its key at the new address once the old one says so."""
    shop, reseller, sku = stocked(source, "busy")
    there = at(shop, target)
    acknowledged, lock, ends = {}, threading.Lock(), threading.Event()
    moved_url = f"{target.base_url}/t/busy"
    failures = []

    def client(number):
        place, sent = shop, 0
        connections = {}
        while not (ends.is_set() and place is there and sent > 2):
            key = f"load-{number}-{sent}"
            for _ in range(500):
                answer = place.order(reseller, sku, key=key)
                if answer.status == 403 and answer.json["code"] == "tenant_moved":
                    if answer.json["base_url"] != moved_url:
                        failures.append(answer)
                    place = there
                    continue
                if answer.status in (401, 429) and place is there:
                    # It is not there yet, and who asks for it too often is told so.
                    time.sleep(0.1)
                    continue
                break
            if answer.status != 201:
                failures.append((key, answer))
                return
            with lock:
                acknowledged[key] = answer.json["order"]["id"]
            sent += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(acknowledged) > 60)
    with tempfile.TemporaryDirectory() as scratch:
        moved = command(
            options.tollgate, "tenant", "move", "busy", "--to", target.base_url, "--to-key", target.provider_key,
            "--scratch", scratch, "--json", "--data", source.data)
        left = os.listdir(scratch)
    ends.set()
    for thread in threads:
        thread.join()
    with checks(
            "P10 a move under load loses no acknowledged order, and doubles none that is repeated at the new address"):
        assert moved.returncode == 0 and left == [], (moved.stdout, moved.stderr, left)
        assert not failures, failures[:3]
        file = verified_export(target, "busy")
        with tempfile.NamedTemporaryFile() as copy:
            copy.write(file)
            copy.flush()
            database = sqlite3.connect(copy.name)
            table = "orders" if has(database, "orders") else '"order"'
            orders = [row[0] for row in database.execute(f"SELECT public_id FROM {table}").fetchall()]
        missing = set(acknowledged.values()) - set(orders)
        assert not missing, (len(missing), len(acknowledged))
        # One order for each key: one more than were answered would be one that a repetition made.
        assert len(orders) == len(acknowledged), (len(orders), len(acknowledged))
        assert there.balance(reseller) == 1_000_000 - len(acknowledged)
        shown = provider(source, "GET", "/tenants/busy").json
        assert shown["state"] == "moved" and shown["moved_to"] == moved_url, shown
        late = provider(source, "DELETE", "/tenants/busy/move")
        assert late.status == 409 and late.json["code"] == "move_confirmed", late


def has(database, table):
    return database.execute("SELECT count(*) FROM sqlite_schema WHERE name = ?", [table]).fetchone()[0] == 1


def commands(source, target):
    with tempfile.TemporaryDirectory() as folder, checks(
            "P10 P6 export and import by command line, with a passphrase from a file"):
        Shop(source, "lined")
        file, word, short = (os.path.join(folder, name) for name in ("lined.bundle", "word", "short"))
        for path, text in [(word, "the words of the file\n"), (short, "short\n")]:
            write_private(path, text)
        line = ["tenant", "export", "lined", "--output", file, "--with-secrets"]
        alone = source.command(*line)
        assert alone.returncode == 2, alone
        weak = source.command(*line, "--passphrase-file", short)
        assert weak.returncode == 1 and "12 to 1024 characters" in weak.stderr, weak
        made = source.command(*line, "--passphrase-file", word)
        assert made.returncode == 0 and os.stat(file).st_mode & 0o077 == 0, made
        taken = target.command(
            "tenant", "import", "--input", file, "--passphrase-file", word, "--slug", "lines", "--json")
        assert taken.returncode == 0 and '"slug":"lines"' in taken.stdout, taken
        again = target.command("tenant", "import", "--input", file, "--passphrase-file", word)
        assert again.returncode == 1 and "lives here" in again.stderr, again

    with checks("P10 a move that the other node refuses leaves the tenant served where it was"):
        shop = Shop(source, "refused")
        Shop(target, "refused")
        tried = source.command("tenant", "move", "refused", "--to", target.base_url, "--to-key", target.provider_key)
        assert tried.returncode == 1 and "served here as before" in tried.stderr, tried
        assert shop.admin("GET", "/resellers").status == 200
        nobody = source.command("tenant", "move", "refused", "--to", target.base_url, "--to-key", "tgp_live_none")
        assert nobody.returncode == 1 and "served here as before" in nobody.stderr, nobody
        assert shop.admin("GET", "/resellers").status == 200

    with checks("P10 a move to a node that does not answer does not begin"):
        tried = source.command("tenant", "move", "refused", "--to", "http://127.0.0.1:1", "--to-key", "tgp_live_none")
        assert tried.returncode == 1 and "served here as before" in tried.stderr, tried
        assert provider(source, "GET", "/tenants/refused").json["state"] == "active"
        assert shop.admin("GET", "/resellers").status == 200


def crash(target, shop, bundle):
    with checks("P10 G8 kill -9 during an import leaves no tenant or a whole one, and it can come once more"):
        for wait in (0.0, 0.35, 0.5, 0.7):
            sending = threading.Thread(target=lambda: contextless(target, bundle))
            sending.start()
            time.sleep(wait)
            target.kill()
            sending.join()
            target.start()
            shown = provider(target, "GET", "/tenants/crashed")
            if shown.status == 404:
                made = take_in(target, bundle, query="?slug=crashed")
                assert made.status == 201, made
            verified_export(target, "crashed")
            there = at(shop, target, "crashed")
            assert there.admin("GET", "/resellers").status == 200, "its keys died with the crash"
            assert seal(target, there).status == 200
            assert provider(target, "POST", "/tenants/crashed/move/confirm").status == 200
            erase(target, "crashed")


def contextless(gateway, bundle):
    try:
        take_in(gateway, bundle, query="?slug=crashed")
    except OSError:
        pass


def main():
    with Gateway(options.tollgate, "--log-requests", demo=False) as source, Gateway(
            options.tollgate, "--log-requests", demo=False) as target:
        source.provider_key, target.provider_key
        shop, reseller, sku, bundle = whole(source, target)
        moved_answers(source)
        refused(source, target, bundle)
        back_again(source, target, shop, reseller, bundle)
        prefixed(source, target)
        under_load(source, target)
        commands(source, target)
    with Gateway(options.tollgate, demo=False) as source, Gateway(options.tollgate, demo=False) as target:
        target.provider_key
        shop, reseller, sku = stocked(source, "crashes")
        crash(target, shop, export(source, "crashes").body)
    checks.finish()


main()
