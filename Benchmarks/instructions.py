"""User instructions a request, counted by callgrind: repeatable, whatever else the machine is doing.

Instructions are not time: what waits for memory or for the kernel costs nothing here. callgrind's processor has no SHA
extensions, so libcrypto's hashes and signatures count for more than they cost.
"""

import glob
import itertools
import json
import os
import shutil
import subprocess
import sys

import load
import rows_dialects
from fixed_load import CONNECTIONS, Crowd
from servers import Tollgate, new_tenant_body

COUNTED = 25 * CONNECTIONS
# What costs little is counted longer, so that the work of each second weighs less in it.
CHEAP, CHEAP_TIMES = ("read", "calculate"), 5
WARM = 6 * CONNECTIONS
# Tenants that are made, after as many.
PROVISIONED = 2 * CONNECTIONS
LICENCES = 3_000
# A program runs about so many times slower; its monotonic clock is slowed as much, so that batches, which end by time, are as
# large as without callgrind.
SLOWNESS = 60

CLOCK = r"""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
    int status = (int)syscall(SYS_clock_gettime, clock, time);
    if (status == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)) {
        long long nanoseconds = (time->tv_sec * 1000000000LL + time->tv_nsec) / %d;
        time->tv_sec = nanoseconds / 1000000000LL;
        time->tv_nsec = nanoseconds %% 1000000000LL;
    }
    return status;
}
"""


def slow_clock_environment(folder):
    source, library = os.path.join(folder, "slowclock.c"), os.path.join(folder, "slowclock.so")
    with open(source, "w") as file:
        file.write(CLOCK % SLOWNESS)
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    return {**os.environ, "LD_PRELOAD": library}


class Callgrind:
    """A gateway under callgrind that counts only what it is told to."""

    def __init__(self, folder, server):
        self.folder, self.pid = folder, server.pid

    def control(self, option):
        subprocess.run(["callgrind_control", option, str(self.pid)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def count(self, name, work):
        """Instructions while `work` runs; the profile is kept as `callgrind.NAME`."""
        self.control("--instr=on")
        self.control("--zero")
        work()
        before = set(self.dumps())
        self.control("--dump")
        self.control("--instr=off")
        dump = max(set(self.dumps()) - before, key=os.path.getmtime)
        total = 0
        with open(dump) as file:
            for line in file:
                if line.startswith(("totals:", "summary:")):
                    total = max(total, int(line.split()[1]))
        os.rename(dump, os.path.join(self.folder, f"callgrind.{name}"))
        return total

    def dumps(self):
        return glob.glob(os.path.join(self.folder, "dump.*"))


def new_tenants(server, count):
    for index in range(count):
        yield load.raw("POST", "/provider/v1/tenants", load.bearer(server.provider_key),
                       json.dumps(new_tenant_body(f"counted-{index}")))


def count(options, folder, table):
    data = os.path.join(folder, "instructions")
    with Tollgate(options.tollgate, data) as server:
        calls = rows_dialects.hottest(server, LICENCES)
    counts = {}
    prefix = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", "--separate-threads=no",
              f"--callgrind-out-file={folder}/dump.%p"]
    # The clock is slowed only under callgrind; the tool itself is not what is preloaded into.
    with Tollgate(options.tollgate, data, environment=slow_clock_environment(folder), prefix=prefix) as server:
        callgrind = Callgrind(folder, server)
        with Crowd(server.port) as crowd:
            for call in calls:
                print(f"{call.name} …", file=sys.stderr, flush=True)
                number = COUNTED * (CHEAP_TIMES if call.name in CHEAP else 1)
                different = list(call.requests(WARM + number))
                requests = list(itertools.islice(itertools.cycle(different), WARM + number))
                crowd.run(requests[:WARM])
                counts[call.name] = callgrind.count(call.name, lambda: crowd.run(requests[WARM:])) / number
            tenants = list(new_tenants(server, 2 * PROVISIONED))
            crowd.run(tenants[:PROVISIONED])
            made = callgrind.count("provisioning", lambda: crowd.run(tenants[PROVISIONED:])) / PROVISIONED
    by_name = {call.name: call for call in calls}
    for call in calls:
        if call.beside is None:
            table.add(call.label, figure=counts[call.name], unit="instr.")
        else:
            peer = by_name[call.beside]
            row = table.add(call.label, figure=counts[call.name], unit="instr.", peer=peer.label.split(",")[0])
            row.note = f"{counts[call.name] / counts[call.beside]:.2f} × its peer"
    table.add("provisioning: a tenant", figure=made, unit="instr.")
    if options.profiles:
        os.makedirs(options.profiles, exist_ok=True)
        for path in glob.glob(os.path.join(folder, "callgrind.*")):
            shutil.copy(path, options.profiles)
