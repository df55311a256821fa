#!/usr/bin/env python3
"""Becomes a program that may make the system calls of a list alone, as systemd's `SystemCallFilter=` has it, and so do
the processes that it starts: `syscalls.py FILE PROGRAM …`, where FILE has a name a line."""

import ctypes
import errno
import os
import subprocess
import sys

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM


def members(analyze, group):
    """The names of the calls in one of systemd's groups, and in the groups that it names."""
    run = subprocess.run(
        [analyze, "syscall-filter", "--no-pager", group], capture_output=True, text=True, timeout=60, check=True)
    names = set()
    for line in run.stdout.splitlines()[1:]:
        word = line.split("#")[0].strip()
        if word.startswith("@"):
            names |= members(analyze, word)
        elif word:
            names.add(word)
    return names


def confine(names):
    """Everything else is EPERM from now on. A name that this machine has no call of is passed over."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(REFUSE)))
    numbers = [number for number in (library.seccomp_syscall_resolve_name(name.encode()) for name in names)
               if number >= 0]
    for number in numbers:
        assert library.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), number, ctypes.c_uint(0)) == 0, number
    assert len(numbers) > 200 and library.seccomp_load(context) == 0


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        confine(file.read().split())
    os.execv(sys.argv[2], sys.argv[2:])
