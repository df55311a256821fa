#!/usr/bin/env python3
"""Writes HAProxy's map from where the tenants are: a line for each name and host, with its node; and tells a running
HAProxy, which takes the new one over as a whole. Needs nothing but Python. Run it every few seconds, and once before
HAProxy is started, which wants the file.

TOLLGATE: URL at which any node has the provider's API (its --admin-listen, from a network of your own)
TOLLGATE_KEY_FILE: a file with a provider key that may read
MAP, SOCKET: where they are not HAProxy's of haproxy.cfg"""

import errno
import json
import os
import re
import socket
import sys
import urllib.parse
import urllib.request

MAP = os.environ.get("MAP", "/etc/haproxy/placement.map")
SOCKET = os.environ.get("SOCKET", "/run/haproxy/admin.sock")
SECONDS_MAX = 5
# HAProxy reads a command into a buffer of 16 KiB.
COMMAND_BYTES_MAX = 8 << 10


def placed():
    """Name or host → node, of every tenant that has one."""
    with open(os.environ["TOLLGATE_KEY_FILE"], encoding="ascii") as file:
        key = file.read().strip()
    lines, query = {}, {"limit": 100}
    while True:
        url = f"{os.environ['TOLLGATE']}/provider/v1/placement?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
            page = json.load(answer)
        for tenant in page["data"]:
            if tenant["node"]:
                lines.update({name: tenant["node"] for name in (tenant["slug"], *tenant["hosts"])})
        if not page["has_more"]:
            return lines
        query["cursor"] = page["next_cursor"]


def is_running():
    """A socket may be there of one that ended."""
    with socket.socket(socket.AF_UNIX) as admin:
        return admin.connect_ex(SOCKET) not in (errno.ENOENT, errno.ECONNREFUSED)


def told(command):
    """What a running HAProxy says to a command."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(SECONDS_MAX)
        admin.connect(SOCKET)
        admin.sendall(command.encode() + b"\n")
        said = b""
        while more := admin.recv(4096):
            said += more
    return said.decode().strip()


def tell(lines):
    """The lines as a new version of the map, which holds from its commit on."""
    version = re.search(r"New version created: (\d+)", told(f"prepare map {MAP}"))
    if not version:
        sys.exit(f"HAProxy has no map {MAP}")
    while lines:
        some, size = [], 0
        while lines and size < COMMAND_BYTES_MAX:
            some.append(lines.pop())
            size += len(some[-1])
        said = told(f"add map @{version[1]} {MAP} <<\n" + "".join(some))
        if said:
            sys.exit(said)
    said = told(f"commit map @{version[1]} {MAP}")
    if said:
        sys.exit(said)


def main():
    lines = [f"{name} {node}\n" for name, node in sorted(placed().items())]
    new = "".join(lines)
    if os.path.exists(MAP):
        with open(MAP, encoding="utf-8") as file:
            if file.read() == new:
                return
    # HAProxy first: where it could not be told, the file is as it was, and the next run tells it.
    if is_running():
        tell(lines)
    # The same name each time: a run that is cut off leaves no more than one behind.
    with open(f"{MAP}.new", "w", encoding="utf-8") as file:
        file.write(new)
    os.chmod(file.name, 0o644)
    os.replace(file.name, MAP)


if __name__ == "__main__":
    main()
