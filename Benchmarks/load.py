"""Load: wrk with requests that were written before the clock runs, and what a round of it says."""

import base64
import hashlib
import hmac
import os
import random
import statistics
import subprocess
import sys
import time

import machine

CONNECTIONS = 64
# A signed order is good for 300 s (W5), so each round's are signed anew.
CUSTOMERS = 5_000

# Raw requests behind their length, read before the clock runs. wrk itself parses the answers.
SCRIPT = """
local requests, at = {}, 0
function init()
  local file = io.open("%s", "rb")
  while true do
    local length = file:read("*n")
    if not length then break end
    file:read(1)
    requests[#requests + 1] = file:read(length)
  end
  file:close()
end
function request() at = at + 1; return requests[(at - 1) %% #requests + 1] end
%s"""


def raw(method, target, headers=None, body=""):
    """The bytes of one request; `headers` as a dictionary."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *[f"{name}: {value}" for name, value in (headers or {}).items()]]
    if body or method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines + ["", body]).encode()


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def script(folder, requests, delay_milliseconds=None):
    """A wrk script that sends these in turn; with a pause before each request of a connection where one is given."""
    path = os.path.join(folder, f"load-{random.randrange(1 << 48):x}.lua")
    with open(path + ".raw", "wb") as file:
        for request in requests:
            file.write(b"%d\n%s" % (len(request), request))
    delay = f"function delay() return {delay_milliseconds} end\n" if delay_milliseconds else ""
    with open(path, "w") as file:
        file.write(SCRIPT % (path + ".raw", delay))
    return path


def forget(path):
    os.remove(path)
    os.remove(path + ".raw")


def signed_orders(places, count, quantity=1):
    """`count` orders, spread in turn over `places`: pairs of a tenant and a reseller (W5)."""
    stamp, secrets = str(int(time.time())), {}
    for index in range(count):
        tenant, reseller = places[index % len(places)]
        target = f"{tenant.base}/api/partner/v1/orders"
        customer = random.randrange(CUSTOMERS)
        body = '{"product":"vps-1","term":"monthly","quantity":%d,"customer":{"external_id":"c%d"}}' % (quantity, customer)
        name = f"b{stamp}-{random.randrange(1 << 32)}-{index}"
        if reseller.secret not in secrets:
            secrets[reseller.secret] = base64.b64decode(reseller.secret[len("whsec_"):])
        text = f"{stamp}.POST.{target}.{name}.{body}".encode()
        mac = hmac.digest(secrets[reseller.secret], text, hashlib.sha256).hex()
        yield raw("POST", target, {**bearer(reseller.key), "Idempotency-Key": name, "X-Tollgate-Timestamp": stamp,
                                   "X-Tollgate-Signature": f"v1={mac}"}, body)


def milliseconds(text):
    """wrk's `812.00us`, `1.20ms`, `2.01s`."""
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("m", 60_000.0), ("s", 1_000.0)):
        if text.endswith(unit):
            return float(text[:-len(unit)]) * factor
    return float("nan")


class Round:
    """One round: requests, their rate, p50 and p99 in milliseconds, CPU of server and load in µs a request."""

    def __init__(self, text):
        self.requests, self.rate, self.p50, self.p99, self.refused = 0, 0.0, float("nan"), float("nan"), 0
        for line in text.splitlines():
            words = line.split()
            if " requests in " in line:
                self.requests = int(words[0])
            elif line.startswith("Requests/sec:"):
                self.rate = float(words[1])
            elif words[:1] == ["50%"]:
                self.p50 = milliseconds(words[1])
            elif words[:1] == ["99%"]:
                self.p99 = milliseconds(words[1])
            elif "Non-2xx" in line:
                self.refused = int(words[-1])
        self.cpu = self.load_cpu = float("nan")


def start_wrk(port, seconds, path="/", headers=(), script=None, connections=CONNECTIONS):
    arguments = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for header in headers:
        arguments += ["-H", header]
    if script:
        arguments += ["-s", script]
    return subprocess.Popen(arguments + [f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, text=True)


def wrk(server, seconds, expects_refusals=False, **options):
    """One round against a server of servers.py."""
    before, load_before = machine.cpu_seconds(server.pids), machine.ended_children_cpu_seconds()
    round = Round(start_wrk(server.port, seconds, **options).communicate()[0])
    done = max(1, round.requests)
    round.cpu = (machine.cpu_seconds(server.pids) - before) * 1e6 / done
    round.load_cpu = (machine.ended_children_cpu_seconds() - load_before) * 1e6 / done
    if round.refused and not expects_refusals:
        print(f"    {round.refused} of {round.requests} were refused", file=sys.stderr)
    return round


def wrk_requests(server, folder, seconds, requests, delay_milliseconds=None, **options):
    """One round of these requests in turn."""
    path = script(folder, requests, delay_milliseconds)
    try:
        return wrk(server, seconds, script=path, **options)
    finally:
        forget(path)


def median(rounds, name):
    return statistics.median(getattr(round, name) for round in rounds)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
