"""G6 G2 P2: under a flood by strangers (every open call and page of two tenants, wrong passwords, idle and dripping
connections, bodies that are large or never end, applications, all at once) those who pay are served: none of their
calls is refused, memory stays within its bound, and the tenant's month is theirs. With --long for a minute, beside the
same flood sent to another gateway: what that does to the reads is the machine's, not the gate's.
"""

from flooding import Flood, Reader, looks, open_calls
from logo import png, put
from shop import PARTNER, Shop
from support import IS_SANITIZED, Checks, Gateway, arguments, wait_until

options = arguments()
checks = Checks()
SECONDS = 60 if options.long else 5
# Two hashes at once, of 32 MiB each, and 24 MiB for connections, meters and what the flood leaves in pools.
GROWTH_MIB_MAX = 2 * 32 + 24


def month(gateway, shop):
    answer = gateway.get(f"/provider/v1/tenants/{shop.slug}", key=gateway.provider_key)
    return answer.json["counts"]["requests_this_month"]


# So little that a slow machine's flood spends it too.
SMALL = [] if options.long else [
    word for budget in ("open_calls_address", "guesses_address", "passwords_address")
    for word in ("--budget", f"{budget}=10")]
with Gateway(options.tollgate, *SMALL, demo=False) as gateway, Gateway(options.tollgate, demo=False) as elsewhere:
    shop, other = Shop(gateway), Shop(elsewhere)
    codes, other_codes = Shop(gateway, blueprint="codes"), Shop(elsewhere, blueprint="codes")
    for one in (shop, other, codes, other_codes):
        assert one.admin("PATCH", "/settings", {"colours": {"accent": "#123456"}}).status == 200
        assert put(one, png(64, 64)).status == 200
    reseller = shop.reseller()
    sku = shop.product()
    shop.price(reseller, sku, {"wholesale_monthly": "1.00"})
    path = f"{shop.base}{PARTNER}/products"
    Reader(gateway.port, path, reseller["key"]).run(1)
    with checks("G6 what the flood calls is open: every route that says so, the pages, and the tenants' own looks"):
        # Where budgets are as they are, and the paying reseller is not.
        own = looks(elsewhere.port, other.base, other_codes.base)
        assert len(own) == 4, own
        for method, called in open_calls(other.base, other_codes.base, own):
            answer = elsewhere.request(method, called, None if method == "GET" else {})
            is_of_nobody = "/none" in called
            assert answer.status in ((401, 404) if is_of_nobody else (200, 303, 400, 422)), (method, called, answer)
    usual = None
    if options.long:
        with Flood(elsewhere.port, other.base, SECONDS + 4, other_codes.base):
            usual = Reader(gateway.port, path, reseller["key"]).run(SECONDS)
    before, memory = month(gateway, shop), gateway.metrics()["process_resident_memory_bytes"]
    with Flood(gateway.port, shop.base, SECONDS + 4, codes.base) as flood:
        flooded = Reader(gateway.port, path, reseller["key"]).run(SECONDS)
        held = gateway.metrics()
        counted = flood.counts()
    print(f"# {counted}")
    with checks("G6 none of a paying reseller's calls is refused while strangers flood its tenant"):
        assert set(flooded.statuses) == {200}, flooded.statuses
    with checks("G6 P2 the month of the flooded tenant counts the calls of those who pay, and no other"):
        assert month(gateway, shop) - before == len(flooded.times), (month(gateway, shop) - before, len(flooded.times))
    with checks("G6 the flood came through, in every kind, and hears that its budgets are spent"):
        kinds = {"open", "passwords", "applications", "idle", "dripping", "bodies", "large bodies"}
        assert set(counted) == kinds, counted
        assert counted["open"].get("429") or counted["passwords"].get("429"), counted
    with checks("G6 memory stays within its bound under the flood"):
        grown = (held["process_resident_memory_bytes"] - memory) / (1 << 20)
        print(f"# {grown:.0f} MiB more than before")
        assert IS_SANITIZED or grown <= GROWTH_MIB_MAX, grown
    with checks("G6 when the flood is over nothing of it is held"):
        shares = ("hashing_node", "bodies_node", "flows_node", "scratch_node")
        wait_until(lambda: all(
            gateway.metrics().get("tollgate_budget_in_use", budget=budget) == 0 for budget in shares))
    if usual:
        with checks("G6 the reads' p99 is at most twice what it is while the flood goes to another gateway"):
            print(f"# p99 {flooded.p99:.2f} ms, {usual.p99:.2f} ms while the flood goes elsewhere")
            assert flooded.p99 <= 2 * usual.p99, (flooded.p99, usual.p99)
checks.finish()
