"""G6, P2, O1: budgets. Each is spent by strangers from addresses of their own (127.x), by a tenant or by a reseller,
and then those who pay are looked at: they feel nothing of it, and what strangers use up at one tenant is nobody else's.
"""

import collections
import contextlib
import glob
import os
import re
import threading
import time

from shop import PARTNER, PASSWORD, Shop
from strangers import WRONG, CodeShop, Payments, Statuses, Stranger, hosts, numbers, spent
from support import Checks, Gateway, arguments, together, wait_until

options = arguments()
checks = Checks()
# Figures that cost a hash each are smaller, but for --long.
PENDING, ACCOUNT = (100, 100) if options.long else (20, 30)
FIGURES = [] if options.long else [
    "--budget", f"applications_pending={PENDING}", "--budget", f"passwords_account={ACCOUNT}"]
OPEN_CALLS = 300
OPEN_CALLS_TENANT = 3_000
LINKS_TENANT = 3_000
GUESSES = 300


def signatures(gateway, service):
    """A9: whoever buys a few codes may open their links without end."""
    shop = CodeShop(gateway, service)
    codes, order = shop.codes(9), shop.payment()
    with checks("G6 links that use up what their tenant's have keep no payment out: its callback is taken"), \
            Stranger(gateway) as stranger:
        statuses = stranger.until(429, 200, lambda number: stranger.get(f"{shop.base}/activate/{codes[number % 9]}"))
        assert statuses[200] >= 8 and statuses[429] == 1, statuses
        assert shop.callback(stranger, order).status == 200
        balance = shop.api("GET", "/me", key=shop.seller["key"]).json["balance"]
        assert balance == 100041, balance
        # As many as links have; then they are 429 as well.
        statuses = stranger.until(429, 200, lambda _: shop.callback(stranger, order))
        assert statuses[200] >= 7 and statuses[429] == 1, statuses


def tenant(gateway, slug):
    return gateway.get(f"/provider/v1/tenants/{slug}", key=gateway.provider_key).json


def open_calls(gateway):
    """A2: what strangers may ask for is theirs alone."""
    shop, other = Shop(gateway), Shop(gateway)
    reseller = shop.reseller()
    path = f"{shop.base}{PARTNER}/openapi.json"
    with checks("G6 every budget has a series from the start, at 0"):
        series = {labels: value for (name, labels), value in gateway.metrics().series.items()
                  if name == "tollgate_budget_spent_total"}
        assert len(series) > 20 and set(series.values()) == {0.0}, series
    with checks("G6 an address has 300 open calls a minute at a tenant; the 301st is 429 with Retry-After"), \
            Stranger(gateway) as stranger:
        statuses = stranger.until(429, 10 * OPEN_CALLS, lambda _: stranger.get(path))
        assert OPEN_CALLS <= statuses[200] <= statuses.most(OPEN_CALLS, 60) and statuses[429] == 1, statuses
        # One a fifth of a second comes back.
        refused = wait_until(lambda: (answer := stranger.get(path)).status == 429 and answer, pause_seconds=0)
        assert int(refused.headers["retry-after"]) >= 1, refused
        assert refused.json["code"] == "rate_limited", refused
        assert stranger.get(f"{other.base}{PARTNER}/openapi.json").status == 200
        assert spent(gateway, "open_calls_address") >= 2
        # A right key at the same address is no stranger.
        assert shop.get(reseller, "/balance", connection=stranger.connection).status == 200
    with checks("G6 P2 strangers use up neither the month nor the tenant's limit nor the audit log"):
        changed = gateway.patch(f"/provider/v1/tenants/{shop.slug}", {
            "quotas": {"requests_monthly": tenant(gateway, shop.slug)["counts"]["requests_this_month"] + 50},
            "rate_limit": {"requests": 40, "window_seconds": 3600}}, key=gateway.provider_key)
        assert changed.status == 200, changed
        before = tenant(gateway, shop.slug)["counts"]["requests_this_month"]
        statuses = collections.Counter()
        for _ in range(4):
            with Stranger(gateway) as stranger:
                statuses += collections.Counter(stranger.get(path).status for _ in range(200))
        assert statuses == {200: 800}, statuses
        assert tenant(gateway, shop.slug)["counts"]["requests_this_month"] == before
        assert [shop.get(reseller, "/balance").status for _ in range(5)] == [200] * 5
        rows = shop.admin("GET", f"/audit?action=GET%20{PARTNER}/openapi.json&limit=100")
        if rows.status != 200:
            rows = shop.admin("GET", "/audit?limit=100")
        assert rows.status == 200, rows
        records = [row for row in rows.json["data"] if row["action"].endswith("/openapi.json")]
        assert sum(row["count"] for row in records) >= 1_000 and len(records) < 60, (len(records), records[:3])
    with checks("G6 a tenant's strangers together have 3,000 a minute; at another tenant they still have theirs"):
        third = Shop(gateway)
        path = f"{third.base}{PARTNER}/openapi.json"

        statuses, began = Statuses(), time.monotonic()
        # What comes back meanwhile is spent as well: as many addresses as it takes.
        while statuses[429] == 0 and sum(statuses.values()) < 10 * OPEN_CALLS_TENANT:
            with Stranger(gateway) as stranger:
                statuses.update(stranger.until(429, OPEN_CALLS - 1, lambda _: stranger.get(path)))
        statuses.seconds = time.monotonic() - began
        assert OPEN_CALLS_TENANT <= statuses[200] <= statuses.most(OPEN_CALLS_TENANT, 60), statuses
        assert statuses[429] == 1, statuses
        with Stranger(gateway) as stranger:
            assert stranger.get(f"{other.base}{PARTNER}/openapi.json").status == 200
        assert spent(gateway, "open_calls_tenant") >= 1


def drained_addresses(gateway, service):
    """A4: what an address got wrong at one tenant refuses nothing that is right."""
    shop, other = CodeShop(gateway, service), CodeShop(gateway, service)
    person = shop.invite(password=PASSWORD)
    codes = shop.codes(3)
    order, later = shop.payment(), shop.payment()
    with Stranger(gateway) as stranger:
        def wrong_key(number):
            return stranger.get(f"{shop.base}/api/reseller/me", headers={"x-api-key": f"{number:064x}"})
        with checks("G6 past 300 wrong keys a minute an address hears 429 for wrong keys at that tenant alone"):
            statuses = stranger.until(429, 10 * GUESSES, wrong_key)
            assert GUESSES <= statuses[401] <= statuses.most(GUESSES, 60) and statuses[429] == 1, statuses
            assert stranger.get(f"{other.base}/api/reseller/me", headers={"x-api-key": "0" * 64}).status == 401
        with checks("G6 a drained address refuses no right key, open page, link, payment callback or password"):
            for at in (shop, other):
                assert stranger.get(f"{at.base}/api/reseller/plans").status == 200
                assert stranger.get(f"{at.base}/api/reseller/openapi.json").status == 200
                assert at.api("GET", "/me", key=at.seller["key"], connection=stranger.connection).status == 200
            page = f"{shop.base}/activate/{codes[0]}"
            assert stranger.get(page).status == 200
            assert stranger.post(page, {"email": "a@customer.example", "password": PASSWORD}).status == 200
            assert stranger.get(f"{shop.base}/api/reseller/topup/status/{order}").status == 200
            assert shop.callback(stranger, order).status == 200
            signed_in = stranger.post(
                f"{shop.base}/api/reseller/login", {"email": person["email"], "password": PASSWORD})
            assert signed_in.status == 200, signed_in
        with checks("G6 links that lead nowhere are guesses of the address: 429 for them, the valid ones go on"):
            spent_before = spent(gateway, "guesses_address")
            # Of what was used up by wrong keys some has come back.
            statuses = stranger.until(
                429, 10 * GUESSES, lambda number: stranger.get(f"{shop.base}/activate/{number:032x}"))
            assert statuses[429] == 1 and statuses[200] == 0 and statuses[404] < GUESSES, statuses
            assert stranger.get(f"{shop.base}/activate/{codes[1]}").status == 200
            assert shop.callback(stranger, later).status == 200
            assert spent(gateway, "guesses_address") > spent_before


def innocent_links(gateway, service):
    """G6: what is asked of open addresses and leads nowhere takes nothing from the links of a tenant."""
    with checks("G6 malformed calls of links, and bodies that never come, use up nothing of the tenant's"):
        fourth = CodeShop(gateway, service)
        page = f"{fourth.base}/activate/{'0' * 32}"
        before = spent(gateway, "links_tenant")
        for _ in range(12):
            with Stranger(gateway) as stranger:
                for _ in range(260):
                    assert stranger.post(page, {"email": 1}).status in (400, 429)
        with Stranger(gateway) as stranger:
            assert stranger.get(f"{fourth.base}/activate/{fourth.codes(1)[0]}").status == 200
        assert spent(gateway, "links_tenant") == before
    with checks("G6 an address that is refused for whatever it asks of open addresses shuts nobody's links"):
        fifth = CodeShop(gateway, service)
        code, order = fifth.codes(1)[0], fifth.payment()
        refused = ["/theme.none.css", "/logo.none"]
        for path in ("/activate/", "/activate/password/", "/invite/", "/reset-password/", "/sandbox-pay/",
                     "/api/reseller/topup/status/"):
            refused += [path + "none", path + "none?a=1&a=2", path + "none?nobody=1"]
        with Stranger(gateway) as stranger:
            for number in range(LINKS_TENANT + 200):
                path = refused[number % len(refused)]
                assert 400 <= stranger.get(fifth.base + path).status < 500, path
            for number in range(2 * OPEN_CALLS):
                answer = stranger.post(f"{fifth.base}/api/provisioning/none?a=1&a=2", {"n": number})
                assert 400 <= answer.status < 500, answer
        with Stranger(gateway) as stranger:
            assert stranger.get(f"{fifth.base}/activate/{code}").status == 200
            assert stranger.get(f"{fifth.base}/api/reseller/topup/status/{order}").status == 200
            assert fifth.callback(stranger, order).status == 200
        assert spent(gateway, "links_tenant") == before
    with checks("G6 bodies that are refused as they come, at a link's address or a signature's, are guesses: then 429"):
        before, callback = spent(gateway, "links_tenant"), "/api/payments/callback"
        for status, path, body, headers in [
                # This API says 400 where others say 415.
                (400, f"/activate/{'0' * 32}", b"x", {"Content-Encoding": "gzip"}), (413, callback, b"x" * 20_000, {}),
                (400, callback, b"zz\r\n", {"Transfer-Encoding": "chunked"})]:
            at = CodeShop(gateway, service).base
            with Stranger(gateway) as stranger:
                statuses = stranger.until(429, 10 * GUESSES, lambda _: stranger.post(at + path, body, headers=headers))
            assert GUESSES <= statuses[status] <= statuses.most(GUESSES, 60), (status, statuses)
            assert statuses[429] == 1 and len(statuses) == 2, (status, statuses)
        assert spent(gateway, "links_tenant") == before


def colours(gateway, service):
    with checks("O12 G6 a thousand calls of a tenant's colours from one address leave them to everybody else"):
        sixth = CodeShop(gateway, service)
        assert sixth.admin("PATCH", "/settings", {"colours": {"primary": "#123456"}}).status == 200
        with Stranger(gateway) as stranger:
            page = stranger.get(f"{sixth.base}/sign-in", headers={"Accept": "text/html"}).body.decode()
            path = re.search(r'href="([^"]*/theme\.[0-9a-f]+\.css)"', page).group(1)
            statuses = collections.Counter(stranger.get(path).status for _ in range(1_000))
            # The page was an open call as well.
            assert set(statuses) <= {200, 429} and statuses[200] >= OPEN_CALLS - 1, statuses
        with Stranger(gateway) as stranger:
            assert stranger.get(path).status == 200


def customers(gateway, service):
    """Many honest people behind one address."""
    shop = CodeShop(gateway, service)
    count = 2_000 if options.long else 40
    codes = shop.codes(count)
    host = next(hosts)
    with checks(f"A8 G6 {count} honest customers behind one address redeem, look and none is refused"):
        line = iter(list(enumerate(codes)))
        lock = threading.Lock()

        def redeem():
            statuses = collections.Counter()
            with Stranger(gateway, host) as customer:
                while True:
                    with lock:
                        number, code = next(line, (None, None))
                    if code is None:
                        return statuses
                    page = f"{shop.base}/activate/{code}"
                    statuses[customer.get(page).status] += 1
                    statuses[customer.post(page, {
                        "email": f"c{number}@customer.example", "password": PASSWORD}).status] += 1
        statuses = sum(together([redeem] * 16), collections.Counter())
        assert statuses == {200: 2 * count}, statuses


def passwords(gateway):
    """A7: three meters, looked at before any hash is made."""
    shop, other = Shop(gateway, password=PASSWORD), Shop(gateway, password=PASSWORD)
    session = f"{shop.base}/api/admin/session"
    owner = f"owner@{shop.slug}.example"

    def attempt(stranger, email, password=WRONG, path=session):
        return stranger.post(path, {"email": email, "password": password})

    for kind, email in (("known", owner), ("unknown", "nobody@nowhere.example")):
        with checks(f"G6 ten wrong passwords of an address at an account ({kind}), then 429 and a wait that doubles"), \
                Stranger(gateway) as stranger:
            statuses = stranger.until(429, 15, lambda _: attempt(stranger, email))
            # On a busy machine a wait may be over before the next attempt comes.
            assert 10 <= statuses[401] <= 12 and statuses[429] == 1, statuses
            waits = []
            for _ in range(2):
                wait_until(lambda: attempt(stranger, email).status == 401, 30, 0.2)
                waits.append(int(attempt(stranger, email).headers["retry-after"]))
            assert waits[0] < waits[1] <= 2 * waits[0] + 2 and waits[1] <= 16, waits
    with checks("G6 what one address got wrong at an account locks nobody out elsewhere, nor a session or key"), \
            Stranger(gateway) as stranger, Stranger(gateway) as elsewhere:
        stranger.until(429, 15, lambda _: attempt(stranger, owner))
        assert attempt(elsewhere, owner, PASSWORD).status == 200
        assert shop.admin("GET", "/settings", key=shop.owner_key).status == 200
    with checks("G6 attempts under way count: of forty at once at one account ten are judged"):
        host = next(hosts)

        def once():
            with Stranger(gateway, host) as stranger:
                return attempt(stranger, "busy@nowhere.example").status
        statuses = collections.Counter(together([once] * 40))
        assert statuses == {401: 10, 429: 30}, statuses
    with checks("G6 sixty wrong passwords of an address at a tenant, whatever the accounts; right ones cost nothing"), \
            Stranger(gateway) as stranger:
        for _ in range(5):
            assert attempt(stranger, owner, PASSWORD).status == 200
        statuses = stranger.until(429, 200, lambda number: attempt(stranger, f"p{number}@nowhere.example"))
        assert 60 <= statuses[401] <= statuses.most(60, 900) and statuses[429] == 1, statuses
        there = f"{other.base}/api/admin/session"
        assert attempt(stranger, f"owner@{other.slug}.example", PASSWORD, there).status == 200
        assert spent(gateway, "passwords_address") >= 1
    with checks(f"G6 past {ACCOUNT} wrong passwords an hour an account is asked only from where it signed in before"):
        fresh = Shop(gateway, password=PASSWORD)
        session_there = f"{fresh.base}/api/admin/session"
        email = f"owner@{fresh.slug}.example"
        with Stranger(gateway) as home:
            assert attempt(home, email, PASSWORD, session_there).status == 200
            statuses = collections.Counter()
            for _ in range(ACCOUNT // 10 + 1):
                with Stranger(gateway) as guesser:
                    statuses += guesser.until(429, 10, lambda _: attempt(guesser, email, WRONG, session_there))
            assert ACCOUNT <= statuses[401] <= ACCOUNT + 2 and statuses[429] >= 1, statuses
            with Stranger(gateway) as new:
                assert attempt(new, email, PASSWORD, session_there).status == 429
            assert attempt(home, email, PASSWORD, session_there).status == 200
            # Somebody else's account at the same tenant is not touched by it.
            with Stranger(gateway) as new:
                assert attempt(new, "somebody@else.example", PASSWORD, session_there).status == 401


def queues(gateway):
    """A5: strangers' passwords hold up nobody who pays, nor the operator of the node."""
    attacked, quiet = Shop(gateway, password=PASSWORD), Shop(gateway, password=PASSWORD)
    reseller = attacked.reseller()
    stop = threading.Event()
    seen = collections.Counter()

    def guess():
        with Stranger(gateway) as stranger:
            number = 0
            while not stop.is_set():
                number += 1
                answer = stranger.post(
                    f"{attacked.base}/api/admin/session", {"email": f"g{number}@nowhere.example", "password": WRONG})
                seen[answer.status] += 1
                if answer.status == 429:
                    stranger.host = next(hosts)
                    stranger.connection.close()
                    stranger.connection = stranger.connect()
    guessers = [threading.Thread(target=guess) for _ in range(60)]
    for thread in guessers:
        thread.start()
    try:
        with checks("G6 while one tenant's strangers fill the queue of hashes, nobody else waits in it"):
            wait_until(lambda: gateway.metrics().get("tollgate_budget_in_use", budget="hashing_node") >= 30)
            for _ in range(5):
                assert gateway.get("/metrics").status == 200
                assert attacked.get(reseller, "/balance").status == 200
                made = attacked.admin("POST", "/resellers", {
                    "email": f"r{next(numbers)}@shop.example", "name": "R", "password": PASSWORD})
                assert made.status == 201, made
                with Stranger(gateway) as honest:
                    signed_in = honest.post(f"{quiet.base}/api/admin/session", {
                        "email": f"owner@{quiet.slug}.example", "password": PASSWORD})
                    assert signed_in.status == 200, signed_in
        with checks("G6 whoever of a tenant's strangers has most waiting makes room for the others"):
            with Stranger(gateway) as honest:
                signed_in = honest.post(f"{attacked.base}/api/admin/session", {
                    "email": f"owner@{attacked.slug}.example", "password": PASSWORD})
                assert signed_in.status == 200, signed_in
    finally:
        stop.set()
        for thread in guessers:
            thread.join()


def applications(gateway):
    """A3: what strangers apply for uses up no quota."""
    shop = Shop(gateway)
    apply = f"{shop.base}{PARTNER}/apply"

    def applied(stranger):
        return stranger.post(apply, {"email": f"a{next(numbers)}@new.example", "name": "N", "password": PASSWORD})
    limited = gateway.patch(
        f"/provider/v1/tenants/{shop.slug}", {"quotas": {"resellers": 3}}, key=gateway.provider_key)
    assert limited.status == 200, limited
    with checks("P2 applications that wait take no place of the quota; approving one does"), \
            Stranger(gateway) as stranger:
        made = [applied(stranger) for _ in range(5)]
        assert [answer.status for answer in made] == [201] * 5, made
        invited = [shop.invite(password=None) for _ in range(2)]
        ids = [answer.json["id"] for answer in made]
        assert shop.move({"id": ids[0]}, "approve").status == 200
        refused = shop.move({"id": ids[1]}, "approve")
        assert refused.status == 402 and refused.json["code"] == "quota_exceeded", refused
        more = shop.admin("POST", "/resellers", {"email": "one@more.example", "name": "R"})
        assert more.status == 402 and more.json["code"] == "quota_exceeded", more
    with checks("P2 a reseller that was terminated has given its place back"):
        assert shop.move(invited[0], "terminate").status == 200
        assert shop.move({"id": ids[1]}, "approve").status == 200
        assert shop.move({"id": ids[0]}, "terminate").status == 200
        assert shop.admin("POST", "/resellers", {"email": "one@more.example", "name": "R"}).status == 201
    with checks(f"G6 {PENDING} applications wait at a tenant; the next one is 429 applications_full"):
        statuses = collections.Counter()
        full = None
        while full is None:
            with Stranger(gateway) as stranger:
                for _ in range(19):
                    answer = applied(stranger)
                    statuses[answer.status] += 1
                    if answer.status != 201:
                        full = answer
                        break
        # Three of the first five wait still.
        assert statuses == {201: PENDING - 3, 429: 1}, statuses
        assert full.json["code"] == "applications_full" and int(full.headers["retry-after"]) > 0, full
        with Stranger(gateway) as stranger:
            assert stranger.post(f"{Shop(gateway).base}{PARTNER}/apply", {
                "email": "a@new.example", "name": "N", "password": PASSWORD}).status == 201


def shares(gateway):
    """A9: no reseller fills what is its tenant's."""
    shop = Shop(gateway, password=PASSWORD)
    reseller, other = shop.reseller(), shop.reseller()
    with checks("O1 G6 a reseller has fifty keys at most, whoever mints: 402 share_exceeded; others mint on"):
        minted = [shop.mint(reseller) for _ in range(49)]
        assert {answer.status for answer in minted} == {201}, collections.Counter(a.status for a in minted)
        refused = shop.mint(reseller)
        assert refused.status == 402 and refused.json["code"] == "share_exceeded", refused
        assert shop.mint(other).status == 201
    with checks("O1 G6 a revoked key gives its place back"):
        assert shop.admin("DELETE", f"/api-keys/{minted[0].json['id']}").status in (200, 204)
        assert shop.mint(reseller).status == 201
        assert shop.mint(reseller).status == 402
    with checks("O1 of forty at once exactly those mint for which there is a place"):
        third = shop.reseller()
        for _ in range(40):
            assert shop.mint(third).status == 201
        statuses = collections.Counter(answer.status for answer in together([lambda: shop.mint(third)] * 20))
        assert statuses == {201: 9, 402: 11}, statuses


def room(gateway):
    """A9: one reseller does not fill its tenant's file. Its share is one per cent."""
    shop = Shop(gateway)
    greedy, modest = (shop.reseller(balance="1000000.00", password=PASSWORD) for _ in range(2))
    sku, token = shop.product(), shop.sign_in(greedy)
    for reseller in (greedy, modest):
        shop.price(reseller, sku, {"wholesale_monthly": "0.01"})
    [service] = shop.order(greedy, sku).json["services"]
    hook = shop.call(
        greedy, "POST", "/webhooks", {"name": "w", "url": "https://1.1.1.1/", "events": ["balance.low"]}).json
    changed = gateway.patch(
        f"/provider/v1/tenants/{shop.slug}", {"quotas": {"bytes": 64 << 20}}, key=gateway.provider_key)
    assert changed.status == 200, changed
    with checks("G6 a reseller that has filled its share of the file writes no more: 402 share_exceeded; it reads on"):
        full = None
        for number in range(1_000):
            answer = shop.order(greedy, sku, quantity=20, customer=f"c-{number}")
            if answer.status != 201:
                full = answer
                break
        assert full is not None and full.status == 402 and full.json["code"] == "share_exceeded", full
        size = os.path.getsize(glob.glob(os.path.join(gateway.data, "tenants", "*", f"{shop.made['id']}.sqlite"))[0])
        assert size < 4 << 20, size
        assert shop.get(greedy, "/balance").status == 200
        assert spent(gateway, "room_reseller") >= 1
    with checks("G6 O13 W9 a full reseller still ends, pauses, signs out, and replaces secrets and its password"):
        for path, body in (
                (f"/services/{service['id']}/cancel", None), (f"/webhooks/{hook['id']}/pause", None),
                (f"/webhooks/{hook['id']}/secret/rotate", None), ("/webhook/secret/rotate", None),
                (f"/keys/{greedy['key_id']}/rotate", {"overlap_seconds": 86_400}),
                ("/account/password", {"old": PASSWORD, "new": PASSWORD + "!"})):
            answer = shop.call(greedy, "POST", path, body, key=token)
            assert answer.status == 200, (path, answer)
        assert shop.get(greedy, "/keys", key=token).status == 401
        assert shop.call(greedy, "POST", f"/webhooks/{hook['id']}/resume").status == 402
        renews = shop.call(greedy, "DELETE", f"/services/{service['id']}/cancel")
        assert renews.status == 402 and renews.json["code"] == "share_exceeded", renews
    with checks("G6 the others of the tenant order on, and its operator works on"):
        for number in range(20):
            assert shop.order(modest, sku, customer=f"c-{number}").status == 201
        assert shop.admin("POST", "/products", {"sku": "more", "name": "M", "fulfilment": "instant"}).status == 201
    with checks("G6 what a reseller has filled is kept over a restart"):
        kept = wait_until(lambda: shop.get(greedy, "/orders?limit=1").status == 200)
        assert kept
        gateway.stop()
        gateway.start()
        answer = shop.order(greedy, sku)
        assert answer.status == 402 and answer.json["code"] == "share_exceeded", answer


service = Payments()
with contextlib.closing(service.socket):
    with Gateway(options.tollgate, "--allow-private-addresses", *FIGURES, demo=False) as gateway:
        open_calls(gateway)
        drained_addresses(gateway, service)
        innocent_links(gateway, service)
        colours(gateway, service)
        customers(gateway, service)
        passwords(gateway)
        queues(gateway)
        applications(gateway)
        shares(gateway)
    with Gateway(options.tollgate, "--allow-private-addresses", "--budget=links_tenant=8", demo=False) as gateway:
        signatures(gateway, service)
with Gateway(options.tollgate, "--budget", "room_reseller=1", demo=False) as gateway:
    room(gateway)
checks.finish()
