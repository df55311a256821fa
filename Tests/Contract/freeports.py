"""Ports of loopback for children that must be told theirs before they start.

A port that the kernel gave for port 0 is of the range that outgoing connections take theirs from: between the moment it
is found free and the child's bind, any connection of the machine may have it. These are below that range, and a port
that was given stays with the process that asked: no other test asks for it in vain."""

import random
import socket

LOWEST = 10_000


def outgoing_from():
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        return int(file.read().split()[0])


# Names in the abstract namespace, which the kernel takes back when the process ends.
_claims = []


def claimed(port):
    """Whether nobody listens at the port, and no other test has been given it; from then on it is ours."""
    claim = socket.socket(socket.AF_UNIX)
    with socket.socket() as probe:
        # What the last listener's connections left behind is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            claim.bind(f"\0tollgate-test-port-{port}")
        except OSError:
            claim.close()
            return False
    _claims.append(claim)
    return True


def free_ports(count):
    """The first of so many ports in a row."""
    highest = max(outgoing_from(), LOWEST + 1_000) - count
    for _ in range(1_000):
        first = random.randrange(LOWEST, highest)
        if all([claimed(port) for port in range(first, first + count)]):
            return range(first, first + count)
    raise AssertionError("no free port")


def free_port():
    return free_ports(1)[0]
