"""What a reseller that pays feels of a flood by strangers of its tenant, beside what the same flood does to it when it
is sent to another gateway (G6)."""

import os
import sys

import load
import machine
from rows_read import PATH
from servers import Tollgate

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "Tests", "Contract"))
from flooding import Flood, Reader  # noqa: E402

# The flood begins before and ends after what is measured.
MARGIN_SECONDS = 4


def strangers(options, folder, table):
    with (Tollgate(options.tollgate, os.path.join(folder, "flooded")) as server,
          Tollgate(options.tollgate, os.path.join(folder, "beside")) as elsewhere):
        places = [gateway.new_tenant("crowded") for gateway in (elsewhere, server)]
        reader = places[1].price(places[1].new_reseller("paced"))
        kinds, memory = ([], []), 0
        for _ in range(options.rounds):
            for place, kind in zip(places, kinds):
                with Flood(place.server.port, place.base, options.seconds + MARGIN_SECONDS) as flood:
                    reads = Reader(server.port, places[1].base + PATH, reader.key).run(options.seconds)
                    memory = max(memory, machine.resident_bytes(server.pid))
                    flood.counts()
                if set(reads.statuses) != {200}:
                    raise SystemExit(f"paying calls were refused: {reads.statuses}")
                kind.append(reads.p99)
    beside, flooded = (load.statistics.median(kind) for kind in kinds)
    table.add("strangers: paced reads, flood to another gateway", figure=beside, unit="ms p99")
    table.add("strangers: paced reads, flood to their own tenant", figure=flooded, unit="ms p99")
    table.add("strangers: the second beside the first", figure=flooded / beside, threshold="strangers")
    table.add("strangers: memory under the flood", figure=memory / 1e6, unit="MB")
