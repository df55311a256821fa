"""One tenant with ten thousand resellers, a million orders over most of a year and ten million reads, made by the
product's own operations and kept between runs: how long each list, filter and report takes for its first page and for
one far behind, and what a caller beside it waits."""

import json
import os
import shutil
import sys
import threading
import time

from servers import ROOT

sys.path.append(os.path.join(ROOT, "Tests", "Contract"))
# The scripts of the contract have a clock that can be moved.
from heavy import ARGUMENTS, Heavy, ask, blueprints, exports, is_missing, lists  # noqa: E402
from shop import Shop  # noqa: E402
from support import Gateway  # noqa: E402

PAGE, PAGES = 100, 500
PROBE_SECONDS = 0.002


class Kept:
    """The folder of a filled node, and what one must know to call it: keys and its clock."""

    def __init__(self, options):
        self.counts = (options.weight_resellers, options.weight_orders, options.weight_reads)
        self.folder = os.path.join(ROOT, ".build", "weight-" + "-".join(map(str, self.counts)))
        self.state = os.path.join(self.folder, "weight.json")
        self.options = options

    def gateway(self):
        made = os.path.join(self.folder, "blueprints")
        return Gateway(
            self.options.tollgate, *ARGUMENTS, data=os.path.join(self.folder, "data"), demo=False, clock=True,
            blueprints=made if os.path.isdir(made) else blueprints(self.folder))

    def fill(self):
        # What an earlier run did not finish begins anew.
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, mode=0o700)
        with self.gateway() as gateway:
            heavy = Heavy(gateway, *self.counts, tell=lambda text: print(text, file=sys.stderr, end=" … ", flush=True))
            heavy.fill()
            state = {"ahead": gateway.clock.ahead_seconds, "made": heavy.shop.made,
                "provider_key": gateway.provider_key,
                     "skus": heavy.skus,
                     "resellers": [{name: value for name,
                         value in each.items() if name != "read"} for each in heavy.resellers]}
            assert gateway.stop() == 0
        with open(self.state, "w") as file:
            json.dump(state, file)

    def open(self):
        with open(self.state) as file:
            state = json.load(file)
        gateway = self.gateway()
        gateway.first_key = state["provider_key"]
        gateway.clock.ahead_seconds = state["ahead"]
        heavy = Heavy(gateway, *self.counts)
        heavy.shop = Shop.__new__(Shop)
        heavy.shop.gateway, heavy.shop.slug, heavy.shop.made = gateway, "heavy", state["made"]
        heavy.shop.base, heavy.shop.owner_key = "/t/heavy", state["made"]["owner_key"]
        heavy.base, heavy.skus, heavy.resellers = heavy.shop.base, state["skus"], state["resellers"]
        return gateway, heavy


class Probe:
    """A caller beside the lists, whose small reads go through the same lane: how long each takes."""

    def __init__(self, heavy):
        self.heavy, self.times, self.is_over, self.failure = heavy, [], False, None
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()
        if self.failure:
            sys.exit(f"a read beside the lists: {self.failure}")

    def run(self):
        connection = self.heavy.gateway.connection()
        reseller = self.heavy.resellers[-1]
        while not self.is_over:
            begin = time.perf_counter()
            answer = self.heavy.shop.get(reseller, "/balance", connection=connection)
            self.times.append(time.perf_counter() - begin)
            if answer.status != 200:
                self.failure = answer
                break
            time.sleep(PROBE_SECONDS)
        connection.close()


def timed(heavy, who, path):
    begin = time.perf_counter()
    answer = ask(heavy, who, path)
    return answer, time.perf_counter() - begin


def page_times(heavy, who, path):
    """Seconds of each page of a list, up to the 500th; None where there is no such list."""
    times, cursor = [], ""
    for _ in range(PAGES):
        answer, seconds = timed(heavy, who, f"{path}{'&' if '?' in path else '?'}limit={PAGE}{cursor}")
        if is_missing(answer):
            answer, seconds = timed(heavy, who, path)
            return [seconds] if answer.status == 200 else None
        if answer.status != 200:
            sys.exit(f"{path}: {answer}")
        times.append(seconds)
        if not answer.json["has_more"]:
            break
        cursor = f"&{'after' if path.startswith('/events') else 'cursor'}={answer.json['next_cursor']}"
    return times


def weight(options, folder, table):
    kept = Kept(options)
    if not os.path.exists(kept.state):
        kept.fill()
    gateway, heavy = kept.open()
    words = f"{kept.counts[1]:,} orders"
    with gateway:
        # What the file owes its totals, and the cache what it has not read yet.
        _, first = timed(heavy, "operator", "/reports/turnover?by=month&group=reseller")
        with Probe(heavy) as probe:
            found = [(path, times) for who, path in lists(heavy) if (times := page_times(heavy, who, path))]
        files = [(path, seconds) for path in exports(heavy) for answer, seconds in [timed(heavy, "operator", path)]
                 if answer.status == 200]
    worst = max(found, key=lambda each: each[1][0])
    table.add(f"weight: the first page of {len(found)} lists, the slowest; {words}", figure=worst[1][0] * 1e3,
              threshold="weight_page", note=f"{worst[0]}")
    worst = max(found, key=lambda each: max(each[1]))
    table.add("weight: any page up to the 500th, the slowest", figure=max(worst[1]) * 1e3, threshold="weight_page",
              note=f"{worst[0]}, page {worst[1].index(max(worst[1])) + 1} of {len(worst[1])}")
    reports = [each for each in files if "/reports/" in each[0]]
    worst = max(reports, key=lambda each: each[1])
    table.add("weight: a year's report as a file, the slowest", figure=worst[1], threshold="weight_report",
        note=f"{worst[0]}")
    table.add("weight: the first report after the start", figure=first, unit="s")
    waits = sorted(probe.times)
    table.add("weight: a read of another reseller beside them", figure=waits[int(len(waits) * 0.99)] * 1e3,
        threshold="weight_beside",
              note=f"p50 {waits[len(waits) // 2] * 1e3:.1f} ms, longest {waits[-1] * 1e3:.1f} ms of {len(waits):,}")
    slow = sorted(found, key=lambda each: -max(each[1]))[:10]
    for path, times in slow:
        print(f"  {max(times) * 1e3:7.1f} ms, first {times[0] * 1e3:6.1f} ms, {len(times):3} pages: {path}",
            file=sys.stderr)
