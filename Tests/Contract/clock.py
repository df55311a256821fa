"""A gateway's time of day in a script's hands, by Debian's libfaketime: no other clock of the process is touched."""

import ctypes
import os

UNPACKED = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), ".build", "tools", "usr", "lib")


def library(name):
    """The path of a shared library of Debian's faketime, installed or unpacked by ./test."""
    for folder in ("/usr/lib", UNPACKED):
        for place, _, names in os.walk(folder):
            if name in names and os.path.basename(place) == "faketime":
                return os.path.join(place, name)
    raise AssertionError(f"{name} is not there; ./test fetches it from Debian")


class Clock:
    """Ours plus `ahead_seconds`, which a gateway reads from a file beside its folder `data` at every look; or one that
    `stands_at` a time, as "2026-03-22 10:30:00", and does not go."""

    def __init__(self, data, stands_at=None):
        self.path = data + ".clock"
        self.stands_at = stands_at
        self.ahead_seconds = 0
        # What libfaketime shares between processes. Were it to make it itself it would move the environment away from
        # where Swift finds the words of its command line.
        self.shared = "tollgate-clock-" + os.path.basename(data)

    def environment(self):
        self.write()
        if not os.path.exists(f"/dev/shm/{self.shared}.shm"):
            with open(f"/dev/shm/{self.shared}.shm", "wb") as file:
                file.write(bytes(4096))
            assert ctypes.CDLL(None).sem_open(f"/{self.shared}.sem".encode(), os.O_CREAT, 0o600, 1) != 0
        return {
            **os.environ,
            "LD_PRELOAD": library("libfaketimeMT.so.1"),
            "FAKETIME_TIMESTAMP_FILE": self.path,
            "FAKETIME_SHARED": "/{0}.sem /{0}.shm".format(self.shared),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "TZ": "UTC",
        }

    def write(self):
        # Renamed into its place: the gateway reads it all the time.
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(f"{self.stands_at or format(self.ahead_seconds, '+d')}\n")
        os.rename(self.path + ".new", self.path)

    def jump(self, seconds):
        self.ahead_seconds += seconds
        self.write()

    def remove(self):
        for path in (self.path, f"/dev/shm/{self.shared}.shm", f"/dev/shm/sem.{self.shared}.sem"):
            if os.path.exists(path):
                os.unlink(path)
