"""The machine under the figures: CPU time and memory of processes, what a sync takes, and a shim that makes syncs slower."""

import os
import platform
import statistics
import subprocess
import sys
import tempfile

TICK = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
ADDED_SYNC_MILLISECONDS = 5
PROBE_SYNCS = 100


def describe():
    """One line: processor, cores, kernel, memory."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "?")
    gibibytes = os.sysconf("SC_PHYS_PAGES") * PAGE_BYTES / 2**30
    return f"{model}, {os.cpu_count()} cores shared with the load, {gibibytes:.0f} GiB, Linux {platform.release()}"


def cpu_seconds(pids):
    """User and system time of processes that live."""
    total = 0.0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def ended_children_cpu_seconds():
    """User and system time of this program's children that have ended: load generators, once they are waited for."""
    times = os.times()
    return times.children_user + times.children_system


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def written_bytes(pid):
    """What it has caused to be written to disks, by the pages that it made dirty."""
    with open(f"/proc/{pid}/io") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("write_bytes:"))


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * PAGE_BYTES


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def forget_pages(paths):
    """Has the kernel drop its cache of files that nobody has open: what is read next comes from the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


# Runs by itself, so that a shim that its parent was not started with holds for it too.
PROBE = """
import os, sys, time
path, count = sys.argv[1], int(sys.argv[2])
descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
times = []
for index in range(count):
    os.pwrite(descriptor, os.urandom(4096), index % 50 * 4096)
    begin = time.perf_counter()
    os.fdatasync(descriptor)
    times.append((time.perf_counter() - begin) * 1e6)
os.close(descriptor)
os.remove(path)
print(*times)
"""


def sync_times(folder, environment=None):
    """Microseconds of each of some syncs of one written page, on the disk that `folder` is on."""
    path = os.path.join(folder, "sync.probe")
    done = subprocess.run([sys.executable, "-c", PROBE, path, str(PROBE_SYNCS)], capture_output=True, text=True,
                          check=True, env=environment)
    return [float(text) for text in done.stdout.split()]


class Syncs:
    """What a sync takes around a row: asked before it and after each of its rounds."""

    def __init__(self, folder, environment=None):
        self.folder, self.environment, self.times = folder, environment, []
        self.probe()

    def probe(self):
        self.times += sync_times(self.folder, self.environment)

    @property
    def p50(self):
        return statistics.median(self.times)


SHIM = r"""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static int slowed(long result) {
    struct timespec pause = {0, %d * 1000000L};
    if (result == 0) nanosleep(&pause, 0);
    return (int)result;
}
int fdatasync(int descriptor) { return slowed(syscall(SYS_fdatasync, descriptor)); }
int fsync(int descriptor) { return slowed(syscall(SYS_fsync, descriptor)); }
"""


def slow_sync_environment(folder):
    """An environment in which each fsync and fdatasync takes `ADDED_SYNC_MILLISECONDS` more; the same for every program."""
    source, library = os.path.join(folder, "slowsync.c"), os.path.join(folder, "slowsync.so")
    if not os.path.exists(library):
        with open(source, "w") as file:
            file.write(SHIM % ADDED_SYNC_MILLISECONDS)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    return {**os.environ, "LD_PRELOAD": library}


def temporary_folder():
    """Readable by the peers that run as users of their own."""
    folder = tempfile.mkdtemp(prefix="tollgate-bench-")
    os.chmod(folder, 0o755)
    return folder
