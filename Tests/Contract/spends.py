"""G6: every budget, the check that spends it, and what whoever pays feels. A name that nothing spends fails here. The
budgets of what is in use at once are spent one level after the other: a node's, a tenant's, a member's."""

import contextlib
import os
import re
import tempfile
import threading
import urllib.parse
import uuid

import payservice
from receiver import Receiver
from shop import PARTNER, PASSWORD, Shop
from strangers import WRONG, Stranger, answered, begun, hosts, numbers, spent
from support import ROOT, Checks, Gateway, arguments, command, together, wait_until
from units import Scene

options = arguments()
checks = Checks()
LEVELS = ("node", "tenant", "member")
HERE = "Contract/spends.py"
BUDGETS, ROOMS, SANDBOX = "Contract/budgets.py", "Contract/rooms.py", "Contract/sandbox.py"
# Spent by a Swift test alone.
SHARES = "RateLimiterTests/SharesTests.swift"
LATER, BUSY = "it is asked later, and nobody hears of it", "503 with Retry-After"
LEVEL = "one who has spent"
# By name: the file, a part of the check's title there, and what the payer feels.
SPENT = {
    "open_calls_address": (BUDGETS, "an address has 300 open calls a minute", "429 with Retry-After"),
    "open_calls_tenant": (BUDGETS, "a tenant's strangers together have 3,000 a minute", "429; other tenants nothing"),
    "page_files_tenant": (ROOMS, "many addresses at a tenant's colours hear 429", "pages without colours"),
    "sign_ins_address": (HERE, "an address has a few sign-ins", "429; other addresses nothing"),
    "applications_address": (HERE, "an address applies a few times", "429; another address applies"),
    "applications_pending": (BUDGETS, "applications wait at a tenant", "429 applications_full"),
    "links_tenant": (HERE, "a tenant's links are opened", "429; other tenants' links open"),
    "link_calls": (HERE, "a link is opened a few times", "429; other links nothing"),
    "guesses_address": (BUDGETS, "past 300 wrong keys a minute", "429 in place of 401; right keys nothing"),
    "guesses_in_flight": (HERE, "an address without guesses", "429 for what is looked at meanwhile"),
    "passwords_account_address": (BUDGETS, "ten wrong passwords of an address", "429, and a wait that doubles"),
    "passwords_address": (BUDGETS, "sixty wrong passwords of an address", "429 at that tenant"),
    "passwords_account": (BUDGETS, "an account is asked only from where", "429 but where it signed in before"),
    "keys_reseller": (BUDGETS, "a reseller has fifty keys at most", "402 share_exceeded"),
    "calls_pending": (SANDBOX, "have so many calls together", "429; those who pay nothing"),
    "keys_pending": (SANDBOX, "have a bound of their own on test keys", "402 share_exceeded"),
    "room_reseller": (BUDGETS, "has filled its share of the file", "402 share_exceeded; it reads on"),
    "room_pending": (SANDBOX, "fill a little of the file", "402 share_exceeded; it reads on"),
    **{f"hashing_{level}": (HERE, "wrong passwords at once", BUSY) for level in ("node", "tenant", "address")},
    **{f"background_{level}": (HERE, "long tasks", BUSY) for level in LEVELS},
    "bodies_node": (ROOMS, "body bytes have a bound by payer", BUSY),
    "bodies_tenant": (ROOMS, "body bytes have a bound by payer", BUSY),
    "bodies_member": (ROOMS, "body bytes have a bound by payer", BUSY),
    "imports_running": (HERE, "imports that wait", "the import waits for its turn"),
    **{f"imports_{level}": (HERE, "imports that wait", BUSY) for level in LEVELS},
    **{f"scratch_{level}": (HERE, "files on their way in", "503 scratch_full") for level in LEVELS},
    "forwarded_address": (ROOMS, "behind a trusted proxy have a bound", BUSY),
    **{f"reconciliations_{level}": (HERE, "reconciliations", BUSY) for level in LEVELS},
    **{f"outbound_{level}": (HERE, "payments", "503: the service is not asked") for level in LEVELS},
    "provisioning_node": (HERE, "calls to provisioners that hang", LATER),
    "provisioning_tenant": (HERE, "calls to provisioners that hang", LATER),
    "provisioning_silent": (SHARES, "provisioners that are silent in every tenant", LATER),
    "webhooks_node": ("Contract/sending.py", "endpoints that hang hold up none that answers", LATER),
    **{f"webhook_tests_{level}": (HERE, "tests of webhooks", "503 webhooks_busy") for level in LEVELS},
    **{f"event_waits_{level}": (HERE, "waits for events", "503 busy with Retry-After") for level in LEVELS},
    **{f"files_{level}": (HERE, "pieces of large bodies", BUSY) for level in LEVELS},
    **{f"flows_{level}": (HERE, "calls of several steps", BUSY) for level in LEVELS},
}


def table():
    with checks("G6 each budget of the page and of --budget has a check that spends it, no other name stands here"):
        with open(os.path.join(ROOT, "docs", "internals", "budgets.md")) as page:
            documented = re.findall(r"^\| `([a-z_]+)` \|", page.read(), re.MULTILINE)
        with tempfile.TemporaryDirectory() as folder:
            told = command(options.tollgate, "serve", "--data", folder, "--budget", "nobody=1")
        known = re.search(r"there are ([a-z_, ]+)", told.stderr)
        assert told.returncode == 2 and known, told
        assert set(documented) == set(known[1].split(", ")), set(documented) ^ set(known[1].split(", "))
        assert set(SPENT) == set(documented), set(SPENT) ^ set(documented)
    with checks("G6 each of these checks stands where the table says"):
        for name, (file, title, felt) in SPENT.items():
            with open(os.path.join(ROOT, "Tests", file)) as text:
                titles = [line for line in text if "checks(" in line or "@Test(" in line]
            assert felt and any(title in line for line in titles), (name, file, title)


def in_use(gateway, budget):
    return gateway.metrics().get("tollgate_budget_in_use", budget=budget)


def held(gateway, budget, call):
    """Begins what takes a while, and returns once it holds its place. It ends when either end does."""
    def run():
        with contextlib.suppress(Exception):
            call()
    before = in_use(gateway, budget)
    threading.Thread(target=run, daemon=True).start()
    wait_until(lambda: in_use(gateway, budget) > before)


def is_refused(gateway, name, answer, code=None):
    assert answer.status == 503 and int(answer.headers["retry-after"]) >= 1, answer
    assert code is None or answer.json["code"] == code, answer
    assert spent(gateway, name) >= 1, name


class Level:
    """A gateway where one place of each kind is all that a node, a tenant or a member has, and who asks for it: `first`
    spends it, `second` is of the same tenant, `other` of another one."""

    def __init__(self, gateway, level):
        self.gateway, self.level = gateway, level

    def name(self, kind):
        return f"{kind}_{self.level}"

    def goes_on(self, second, other):
        """Whoever does not pay from what was spent gets through."""
        if self.level == "member" and second:
            second()
        if self.level != "node":
            other()

    def webhook_tests(self, receiver):
        shop, elsewhere = Shop(self.gateway), Shop(self.gateway)
        with checks(f"G6 tests of webhooks: {LEVEL} their {self.level}'s places at one that hangs is alone in it"):
            hangs = hook(shop, receiver, f"/hang/{self.level}")
            second, other = hook(shop, receiver, "/ok/second"), hook(elsewhere, receiver, "/ok/other")
            held(self.gateway, "webhook_tests_node", hangs)
            is_refused(self.gateway, self.name("webhook_tests"), hangs(), "webhooks_busy")
            self.goes_on(lambda: passes(second), lambda: passes(other))

    def event_waits(self):
        shop, elsewhere = Shop(self.gateway), Shop(self.gateway)

        def wait(shop, reseller, seconds):
            return lambda: shop.get(reseller, f"/events?wait={seconds}")

        def passes(call):
            answer = call()
            assert answer.status == 200 and answer.json["data"] == [], answer
        with checks(f"G6 waits for events: {LEVEL} their {self.level}'s places is told when to return"):
            first, second, other = shop.reseller(), shop.reseller(), elsewhere.reseller()
            held(self.gateway, "event_waits_node", wait(shop, first, 20))
            is_refused(self.gateway, self.name("event_waits"), wait(shop, first, 20)(), "busy")
            passes(wait(shop, first, 0))
            self.goes_on(
                lambda: passes(wait(shop, second, 1)), lambda: passes(wait(elsewhere, other, 1)))

    def payments(self, hanging, prompt):
        def seller(service):
            shop = Shop(self.gateway, f"pay-{next(numbers)}", blueprint="codes", currency="USD")
            done = shop.admin("PUT", "/payment-service", {
                "driver": "http", "create_url": service.url, "api_key": payservice.API_KEY,
                "webhook_secret": payservice.SECRET})
            assert done.status == 200, done
            return shop

        def pay(shop, key):
            return self.gateway.post(
                f"{shop.base}/api/reseller/topup", {"amount": 50}, headers={"x-api-key": key})
        with checks(f"G6 payments: {LEVEL} their {self.level}'s calls of a service that hangs is alone in it"):
            shop, elsewhere = seller(hanging), seller(prompt)
            first, other = shop.reseller()["key"], elsewhere.reseller()["key"]
            held(self.gateway, "outbound_node", lambda: pay(shop, first))
            refused = pay(shop, first)
            assert refused.status == 503 and spent(self.gateway, self.name("outbound")) >= 1, refused

            def passes():
                answer = pay(elsewhere, other)
                assert answer.status == 200, answer
            self.goes_on(None, passes)

    def reconciliations(self):
        def upload(shop, reseller, length):
            path = f"{shop.base}/api/admin/reconciliations?reseller={reseller['id']}"
            line = b"external_ref,kind,amount,at\r\ntxn_1,topup,5.00,2026-03-01T00:00:00Z\r\n"
            return begun(self.gateway, path, length or len(line), shop.owner_key, line, content_type="text/csv")
        with checks(f"G6 reconciliations: {LEVEL} their {self.level}'s places hears 503, another tenant's runs"):
            shop, elsewhere = (
                Shop(self.gateway, f"panel-{next(numbers)}", blueprint="panel", currency="USD") for _ in range(2))
            reseller, other = shop.reseller(), elsewhere.reseller()
            with contextlib.closing(upload(shop, reseller, 10_000)):
                wait_until(lambda: in_use(self.gateway, "reconciliations_node") == 1)
                status, data = answered(upload(shop, reseller, 10_000))
                assert status == 503 and b'"busy"' in data and b"Retry-After" in data, data
                assert spent(self.gateway, self.name("reconciliations")) >= 1

                def passes():
                    status, data = answered(upload(elsewhere, other, None))
                    assert status in (200, 201), data
                self.goes_on(None, passes)

    def background(self):
        shop, elsewhere = Shop(self.gateway), Shop(self.gateway)

        def invited(shop):
            return shop.admin("POST", "/resellers", {
                "email": f"{uuid.uuid4().hex}@hash.example", "name": "R", "password": PASSWORD})
        with checks(f"G6 long tasks: {LEVEL} their {self.level}'s places hears 503, another tenant's are done"):
            calls = [lambda: invited(shop)] * 24
            calls += [lambda: invited(elsewhere)] if self.level != "node" else []
            answers = together(calls)
            refused = [answer for answer in answers if answer.status != 201]
            assert refused and len(refused) < len(answers), answers
            for answer in refused:
                is_refused(self.gateway, self.name("background"), answer, "busy")
            assert self.level == "node" or answers[-1].status == 201, answers[-1]

    def hashing(self):
        """Whoever knows no password spends what strangers' hashes have; keys pay for hashes of their own."""
        shop, elsewhere, many = Shop(self.gateway), Shop(self.gateway), 24
        reseller, name = shop.reseller(), "hashing_address" if self.level == "member" else self.name("hashing")

        def guess(shop, host):
            def call():
                with Stranger(self.gateway, host) as stranger:
                    return sign_in(stranger, shop)
            return call
        with checks(f"G6 wrong passwords at once: {LEVEL} their {self.level}'s places hears 503, keys hash on"):
            calls = [guess(shop, next(hosts))] * many
            if self.level == "member":
                calls += [guess(shop, next(hosts))]
            if self.level != "node":
                calls += [guess(elsewhere, next(hosts))]
            calls += [lambda: shop.invite(password=PASSWORD), lambda: shop.get(reseller, "/balance").status]
            *answers, invited, balance = together(calls)
            refused = [answer for answer in answers[:many] if answer.status != 401]
            assert refused and len(refused) < many, answers
            for answer in refused:
                is_refused(self.gateway, name, answer, "busy")
            assert [answer.status for answer in answers[many:]] == [401] * (len(answers) - many), answers[many:]
            assert invited["id"] and balance == 200, (invited, balance)

    def imports(self):
        shop, elsewhere = Shop(self.gateway), Shop(self.gateway)
        with checks(f"G6 imports that wait: {LEVEL} their {self.level}'s places hears 503, others get their turn"):
            text, other = book(shop), book(elsewhere)
            calls = [lambda: imported(shop, text)] * 8
            calls += [lambda: imported(elsewhere, other)] if self.level != "node" else []
            statuses = together(calls)
            assert set(statuses) == {422, 503} and spent(self.gateway, self.name("imports")) >= 1, statuses
            assert self.level == "node" or statuses[-1] == 422, statuses
        with checks(f"G6 files on their way in: more than the {self.level} has room for is 503 scratch_full"):
            path, sent = "/api/admin/price-book.csv", b"reseller,sku,wholesale_monthly\n"
            status, data = answered(begun(
                self.gateway, shop.base + path, 48 << 20, shop.owner_key, sent, content_type="text/csv"))
            assert status == 503 and b"scratch_full" in data and b"Retry-After" in data, data
            assert spent(self.gateway, self.name("scratch")) >= 1
            assert imported(elsewhere, other) == 422


def link(shop):
    return urllib.parse.urlparse(shop.invite(password=None)["invitation"]).path


def sign_in(stranger, shop):
    """With the wrong password of an account that nobody has."""
    return stranger.post(
        f"{shop.base}/api/admin/session", {"email": f"{uuid.uuid4().hex}@nowhere.example", "password": WRONG})


def book(shop):
    """Fifty thousand lines alike: 422, once they are read."""
    row = f"{shop.invite(password=None)['id']},{shop.product()},9.99"
    return "\n".join(["reseller,sku,wholesale_monthly"] + [row] * 50_000).encode() + b"\n"


def imported(shop, text):
    return shop.admin("POST", "/price-book.csv", text, headers={"Content-Type": "text/csv"}).status


def hook(shop, receiver, path):
    """A call that tests a webhook of a new reseller, which is sent there."""
    reseller = shop.reseller()
    made = shop.call(reseller, "POST", "/webhooks", {
        "name": "hook", "url": receiver.url(path), "events": ["order.created"]})
    assert made.status == 201, made
    return lambda: shop.call(reseller, "POST", f"/webhooks/{made.json['id']}/test")


def passes(test):
    answer = test()
    assert answer.status == 200 and answer.json["outcome"] == "delivered", answer


def steps_and_pieces():
    """What scenes are made of pays from these too: they are made before the figures are small."""
    receiver = Receiver()
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
        shop, elsewhere = Shop(gateway), Shop(gateway)
        hangs, second = hook(shop, receiver, "/hang/flows"), hook(shop, receiver, "/ok/second")
        other, text, theirs = hook(elsewhere, receiver, "/ok/other"), book(shop), book(elsewhere)
        started = gateway.arguments
        for level in LEVELS:
            # What hangs would hold up an end in good order.
            gateway.kill()
            gateway.arguments = [*started, f"--budget=flows_{level}=1", f"--budget=files_{level}=1"]
            gateway.start()
            at = Level(gateway, level)
            with checks(f"G6 pieces of large bodies: {LEVEL} their {level}'s places hears 503, others' are read"):
                def at_once():
                    statuses = together(
                        [lambda: imported(shop, text)] * 12
                        + ([lambda: imported(elsewhere, theirs)] if level != "node" else []))
                    assert set(statuses) <= {422, 503}, statuses
                    assert level == "node" or statuses[-1] == 422, statuses
                    return 503 in statuses and spent(gateway, f"files_{level}") >= 1
                wait_until(at_once, 60)
            with checks(f"G6 calls of several steps: {LEVEL} their {level}'s places hears 503, others' are made"), \
                    Stranger(gateway) as stranger:
                held(gateway, "flows_node", hangs)
                is_refused(gateway, f"flows_{level}", hangs(), "busy")
                at.goes_on(lambda: passes(second), lambda: passes(other))
                # Strangers of the same tenant have places of their own.
                assert sign_in(stranger, shop).status == (503 if level == "node" else 401)
    receiver.stop()


def strangers_steps():
    """The other way round: strangers spend what they have of flows, and keys feel nothing."""
    receiver = Receiver()
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False) as gateway:
        shop = Shop(gateway)
        test, started = hook(shop, receiver, "/ok/flows"), gateway.arguments
        for level in ("tenant", "member"):
            gateway.stop()
            gateway.arguments = [*started, f"--budget=flows_{level}=1"]
            gateway.start()
            host, addresses = next(hosts), [next(hosts) for _ in range(24)]

            def guess(address):
                with Stranger(gateway, address) as stranger:
                    return sign_in(stranger, shop)
            with checks(f"G6 strangers who use up their {level}'s calls of several steps hear 503, a key's are made"):
                calls = [lambda address=address: guess(address if level == "tenant" else host) for address in addresses]
                *answers, tested = together([*calls, test])
                refused = [answer for answer in answers if answer.status != 401]
                assert refused and len(refused) < len(answers), answers
                for answer in refused:
                    is_refused(gateway, f"flows_{level}", answer, "busy")
                assert tested.status == 200 and tested.json["outcome"] == "delivered", tested
    receiver.stop()


def guesses():
    with Gateway(
            options.tollgate, "--budget=guesses_address=1", "--budget=guesses_in_flight=2", demo=False) as gateway:
        shop, elsewhere = Shop(gateway), Shop(gateway)
        reseller = shop.reseller()
        first, second, other = link(shop), link(shop), link(elsewhere)
        with checks("G6 an address without guesses has two links looked at at once: then 429; others open them"), \
                Stranger(gateway) as stranger, Stranger(gateway) as another:
            wrong = first.rsplit("/", 1)[0] + "/" + uuid.uuid4().hex
            statuses = stranger.until(429, 10, lambda _: stranger.get(wrong))
            assert statuses[429] == 1, statuses
            with contextlib.ExitStack() as open_calls:
                for number in (1, 2):
                    # A right one, of which the body is still on its way.
                    open_calls.enter_context(contextlib.closing(begun(gateway, first, 2_000, host=stranger.host)))
                    wait_until(lambda: in_use(gateway, "bodies_node") >= number * 2_000)
                refused = stranger.get(second)
                assert refused.status == 429 and int(refused.headers["retry-after"]) >= 1, refused
                assert spent(gateway, "guesses_in_flight") >= 1
                assert another.get(second).status == 200 and stranger.get(other).status == 200
                assert shop.get(reseller, "/balance", connection=stranger.connection).status == 200
            wait_until(lambda: stranger.get(second).status == 200)


def levels():
    hanging, prompt, receiver = payservice.PaymentService(), payservice.PaymentService(), Receiver()
    hanging.behave("hang")
    ones = ("background", "imports", "reconciliations", "outbound", "webhook_tests", "event_waits")
    for level in LEVELS:
        small = [f"--budget={kind}_{level}=1" for kind in ones]
        small += [f"--budget=hashing_{'address' if level == 'member' else level}=1"]
        with Gateway(
                options.tollgate, "--allow-private-addresses", *small, f"--budget=scratch_{level}=40",
                "--budget=imports_running=1", demo=False) as gateway:
            at = Level(gateway, level)
            at.background()
            at.hashing()
            at.imports()
            at.reconciliations()
            at.payments(hanging, prompt)
            at.event_waits()
            at.webhook_tests(receiver)
    hanging.release.set()
    receiver.stop()


def provisioners():
    """Two places, of which a tenant has one."""
    with Gateway(
            options.tollgate, "--allow-private-addresses", "--budget=provisioning_node=2",
            "--budget=provisioning_tenant=1", demo=False) as gateway:
        hanging, release = [Scene(gateway) for _ in range(2)], threading.Event()
        for scene in hanging:
            scene.desk.fault = lambda call, attempt: release.wait(60) and "ok"
        with checks("G6 W13 calls to provisioners that hang take what their own tenant has; another's order is made"):
            first, late = hanging
            orders = [first.order(quantity=4)[0]]
            wait_until(lambda: sum(first.desk.open.values()) == 1)
            prompt = Scene(gateway)
            prompt.until(prompt.order()[0], "completed")
            orders.append(first.order()[0])
            wait_until(lambda: spent(gateway, "provisioning_tenant") >= 1)
            assert sum(first.desk.open.values()) == 1, first.desk.open
        with checks("G6 W13 where calls to provisioners that hang fill the node, who waits comes next when one ends"):
            orders.append(late.order(quantity=4)[0])
            wait_until(lambda: sum(late.desk.open.values()) == 1)
            waiting = prompt.order()[0]
            wait_until(lambda: spent(gateway, "provisioning_node") >= 1)
            assert prompt.read(waiting)["state"] != "completed"
            # Well within the minute after which the scheduler would ask again.
            release.set()
            prompt.until(waiting, "completed")
            for scene, order in zip((first, first, late), orders):
                scene.until(order, "completed")


def turns():
    """One place for all, and two tenants that wait for it."""
    with Gateway(
            options.tollgate, "--allow-private-addresses", "--budget=provisioning_node=1",
            "--budget=provisioning_tenant=1", demo=False) as gateway:
        hanging, gone, waiting = (Scene(gateway) for _ in range(3))
        release = threading.Event()
        hanging.desk.fault = lambda call, attempt: release.wait(60) and "ok"
        with checks("G6 W13 a tenant that is suspended while it waits for a provisioner's place passes its turn on"):
            made = hanging.order()[0]
            wait_until(lambda: sum(hanging.desk.open.values()) == 1)
            orders = []
            for scene in (gone, waiting):
                before = spent(gateway, "provisioning_node")
                orders.append(scene.order()[0])
                wait_until(lambda: spent(gateway, "provisioning_node") > before)
            done = gateway.post(
                f"/provider/v1/tenants/{gone.shop.slug}/suspend", {}, key=gateway.provider_key)
            assert done.status == 200, done
            # Well within the minute after which the scheduler would ask again.
            release.set()
            waiting.until(orders[1], "completed")
            hanging.until(made, "completed")
            assert not gone.desk.calls, gone.desk.calls


def strangers():
    small = [f"--budget={name}={figure}" for name, figure in {
        "sign_ins_address": 3, "link_calls": 3, "links_tenant": 8, "applications_address": 2}.items()]
    with Gateway(options.tollgate, *small, demo=False) as gateway:
        shop, elsewhere = Shop(gateway), Shop(gateway)

        def apply(stranger, shop):
            return stranger.post(f"{shop.base}{PARTNER}/apply", {
                "email": f"{uuid.uuid4().hex}@new.example", "name": "N", "password": PASSWORD})
        with checks("G6 an address has a few sign-ins at a tenant: then 429; other addresses and tenants sign in"), \
                Stranger(gateway) as stranger, Stranger(gateway) as another:
            statuses = stranger.until(429, 30, lambda _: sign_in(stranger, shop))
            assert 3 <= statuses[401] <= statuses.most(3, 60) and statuses[429] == 1, statuses
            assert spent(gateway, "sign_ins_address") == 1
            assert sign_in(another, shop).status == 401 and sign_in(stranger, elsewhere).status == 401
        with checks("G6 a link is opened a few times in a minute, from any address: then 429; other links open"), \
                Stranger(gateway) as stranger, Stranger(gateway) as another:
            links = [link(shop) for _ in range(2)]
            statuses = stranger.until(429, 30, lambda _: stranger.get(links[0]))
            assert 3 <= statuses[200] <= statuses.most(3, 60) and statuses[429] == 1, statuses
            assert another.get(links[0]).status == 429 and spent(gateway, "link_calls") >= 2
            assert stranger.get(links[1]).status == 200
        with checks("G6 a tenant's links are opened so often in a minute: then 429; another tenant's links open"), \
                Stranger(gateway) as stranger:
            statuses = stranger.until(429, 60, lambda _: stranger.get(link(shop)))
            # Four were opened before.
            assert 4 <= statuses[200] <= statuses.most(8, 60) and statuses[429] == 1, statuses
            assert spent(gateway, "links_tenant") >= 1 and stranger.get(link(elsewhere)).status == 200
        with checks("G6 an address applies a few times at a tenant: then 429; another address applies"), \
                Stranger(gateway) as stranger, Stranger(gateway) as another:
            statuses = stranger.until(429, 30, lambda _: apply(stranger, shop))
            assert 2 <= statuses[201] <= statuses.most(2, 900) and statuses[429] == 1, statuses
            assert spent(gateway, "applications_address") == 1 and apply(another, shop).status == 201


table()
strangers()
guesses()
provisioners()
turns()
levels()
steps_and_pieces()
strangers_steps()
checks.finish()
