"""What the threads that serve connections ask the kernel for on files, by strace, for `loops.py`. `Watch` sees
all threads of one gateway. With TOLLGATE_TEST_LOOPS, a folder, each gateway that a script starts has its loops watched,
and leaves there what they did."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

# How long strace may take to let go.
STRACE_SECONDS_MAX = 40
LOOP = re.compile(r"loop-\d+")
# What touches a file by its name, or by a descriptor; sockets, pipes and eventfds are no files.
BY_NAME = ("open", "openat", "openat2", "creat", "stat", "lstat", "newfstatat", "statx", "access", "faccessat",
           "faccessat2", "unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "truncate", "statfs")
BY_DESCRIPTOR = ("read", "pread64", "readv", "write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate", "fstat",
                 "fallocate", "getdents64", "lseek", "fstatfs")
WAITS = ("epoll_wait", "epoll_pwait")
TRACED = "trace=" + ",".join(f"?{call}" for call in (*BY_NAME, *BY_DESCRIPTOR, *WAITS))
# One thread that is traced alone has no number.
CALL = re.compile(r"^(?:(\d+) +)?(\w+)\((?:(?:AT_FDCWD|(\d+))(?:<(.*?)>)?)?")
# Of what is read by name: no disk stands behind these.
NO_DISK = re.compile(r'"/(?:proc|dev|sys)/')
# Where the program's output goes is its starter's choice: a script's is a file.
OUTPUT = {"1", "2"}


def can_trace():
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def threads(process):
    """The names of its threads by their numbers."""
    names = {}
    for thread in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{thread}/comm", encoding="utf-8") as file:
            names[thread] = file.read().strip()
    return names


def touched(line, but=None):
    """(thread, call, whether it waits for connections) of a line of strace's that is about a file, or waits; else None.
    `but`: a file of the script's own, which the program does not know of."""
    match = CALL.match(line)
    if match is None:
        return None
    thread, call, descriptor, place = match.groups()
    if call in WAITS:
        return thread, call, True
    is_output = call in BY_DESCRIPTOR and descriptor in OUTPUT
    is_file = call not in BY_DESCRIPTOR or (place or "").startswith("/")
    is_disk = not NO_DISK.search(line) and not (place or "").startswith(("/proc/", "/dev/", "/sys/"))
    is_own = but is not None and but in line
    return (thread, call, False) if is_file and is_disk and not is_output and not is_own else None


def attach(words, count):
    """strace, once it has all of so many threads; what it says from then on is read away. None where the threads were
    gone before."""
    strace = subprocess.Popen(["strace", "-y", "-e", TRACED, *words], stderr=subprocess.PIPE, text=True)
    attached = 0
    while attached < count:
        line = strace.stderr.readline()
        if not line:
            strace.wait()
            return None
        match = re.search(r"attached(?: with (\d+) threads)?", line)
        attached += int(match.group(1) or 1) if match else 0
    threading.Thread(target=strace.stderr.read, daemon=True).start()
    return strace


class Watch:
    """While it lasts, what the gateway's threads ask the kernel for on files is written down."""

    def __init__(self, gateway):
        self.process = gateway.process
        self.touched = set()
        self.others = {}
        self.serves = 0

    def __enter__(self):
        self.names = threads(self.process.pid)
        self.loops = {thread for thread, name in self.names.items() if LOOP.fullmatch(name)}
        self.log = tempfile.NamedTemporaryFile(prefix="tollgate-loops-", mode="r", encoding="utf-8", errors="replace")
        self.strace = attach(["-f", "-s", "200", "-o", self.log.name, "-p", str(self.process.pid)], len(self.names))
        assert self.strace is not None, "strace ended"
        return self

    def __exit__(self, *_):
        self.strace.terminate()
        self.strace.wait(STRACE_SECONDS_MAX)
        for line in self.log:
            self.take(line.rstrip("\n"))

    def take(self, line):
        found = touched(line)
        if found is None:
            return
        thread, call, waits = found
        if waits:
            self.serves += thread in self.loops
        elif thread in self.loops:
            self.touched.add(f"{self.names[thread]}: {line.split(' ', 1)[1].strip()[:200]}")
        else:
            self.others[call] = self.others.get(call, 0) + 1


def watch_loops(gateway, folder):
    """Watches the loops of a gateway that has begun to listen, to its end, and leaves then in the folder what they did:
    how often they waited for connections, and each call on a file."""
    loops = [thread for thread, name in threads(gateway.process.pid).items() if LOOP.fullmatch(name)]
    assert loops, threads(gateway.process.pid)
    reading, writing = os.pipe()
    words = ["-s", "0", "-o", f"/proc/{os.getpid()}/fd/{writing}"]
    strace = attach([*words, *[word for thread in loops for word in ("-p", thread)]], len(loops))
    os.close(writing)
    if strace is None:
        os.close(reading)
        return
    threading.Thread(
        target=gather, args=(strace, reading, folder, gateway.clock.path if gateway.clock else None)).start()


def gather(strace, reading, folder, but):
    """Reads what strace says as it comes: a script may make millions of calls."""
    found = {"script": os.path.basename(sys.argv[0]), "serves": 0, "touched": []}
    with open(reading, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            call = touched(line, but)
            if call is not None and call[2]:
                found["serves"] += 1
            elif call is not None and len(found["touched"]) < 100:
                found["touched"].append(line.rstrip("\n")[:300])
    strace.wait()
    handle, path = tempfile.mkstemp(suffix=".json", dir=folder)
    with open(handle, "w", encoding="utf-8") as file:
        json.dump(found, file)
