"""The limiter alone, without a gateway around it: Benchmarks/LimiterBench."""

import json
import statistics
import subprocess

BUCKETS = 100_000


def limiter(options, folder, table):
    results = [json.loads(subprocess.run([options.limiter, str(BUCKETS)], check=True, capture_output=True, text=True).stdout)
               for _ in range(options.rounds)]

    def median(name):
        return statistics.median(result[name] for result in results)

    table.add(f"limiter: a decision, one thread, {BUCKETS:,} buckets", figure=median("decision_ns"),
              threshold="limiter_decision")
    table.add("limiter: the same with its own reading of the clock", figure=median("decision_with_clock_ns"), unit="ns")
    table.add("limiter: through key, reseller, tenant and process", figure=median("four_levels_ns"), unit="ns")
    table.add("limiter: state of a bucket", figure=results[0]["state_bytes"], threshold="limiter_state",
              note=f"an object of {results[0]['object_bytes']} bytes with the runtime's own header")
    # The worst of all rounds: one decision too many would be one too many.
    off = max((abs(result["admitted"] - result["capacity"]) for result in results))
    table.add(f"limiter: {results[0]['threads']} threads on one bucket of {results[0]['capacity']:,}: admitted past it or short of it",
              figure=off, threshold="limiter_exact")
