#!/usr/bin/env python3
"""N4 G9 HAProxy of deploy/cluster/ in front of two nodes, with the map that placement.py writes: what saves calls the
hop from node to node. Only ports, folders and the certificate are others."""

import glob
import os
import socket
import subprocess
import sys
import tempfile

from freeports import free_port
from nodeviews import pair
from proxy import DEPLOY, Named, Proxy, replaced, text
from shop import ADMIN, Shop
from support import ROOT, Checks, arguments, tool, wait_until, write_private
from wire import certificate

BASE = "example.com"
HOST = "shop.own.example"
MAP, SOCKET = "/etc/haproxy/placement.map", "/run/haproxy/admin.sock"


class Haproxy(Proxy):
    """`gateway`: the two nodes; the third server of the file is down."""

    name = "HAProxy"

    def __init__(self, nodes, folder):
        super().__init__(nodes, folder)
        self.map, self.socket = os.path.join(folder, "placement.map"), os.path.join(folder, "admin.sock")
        self.key_file = os.path.join(folder, "key")
        write_private(self.key_file, nodes[0].provider_key)

    def start(self):
        self.chain, key = certificate(self.folder, "balancer", BASE, f"*.{BASE}", HOST)
        both = os.path.join(self.folder, "both.pem")
        with open(both, "w", encoding="ascii") as file:
            for path in (self.chain, key):
                with open(path, encoding="ascii") as part:
                    file.write(part.read())
        first, second = self.gateway
        places = {
            SOCKET: self.socket,
            MAP: self.map,
            "bind :443 ssl crt /etc/haproxy/certificates/": f"bind 127.0.0.1:{self.port} ssl crt {both}",
            "10.0.0.1:8080": f"127.0.0.1:{first.port}",
            "10.0.0.2:8080": f"127.0.0.1:{second.port}",
            "10.0.0.3:8080": f"127.0.0.1:{free_port()}",
        }
        path = os.path.join(self.folder, "haproxy.cfg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(replaced(text("cluster/haproxy.cfg"), places))
        # Its libraries, where ./test unpacked it.
        libraries = glob.glob(os.path.join(ROOT, ".build", "tools", "usr", "lib", "*-linux-gnu"))
        self.run([tool("haproxy"), "-db", "-f", path], LD_LIBRARY_PATH=os.pathsep.join(libraries))

    def authority(self):
        return self.chain

    def follow(self):
        """One run of placement.py, which is to be run every few seconds."""
        run = subprocess.run(
            [sys.executable, os.path.join(DEPLOY, "cluster", "placement.py")],
            capture_output=True, text=True, timeout=30,
            env={**os.environ, "TOLLGATE": f"http://127.0.0.1:{self.gateway[0].port}", "MAP": self.map,
                 "SOCKET": self.socket, "TOLLGATE_KEY_FILE": self.key_file})
        assert run.returncode == 0, (run.stdout, run.stderr)

    def say(self, command):
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(self.socket)
            admin.sendall(command.encode() + b"\n")
            said = admin.recv(4096).strip()
            assert not said, (command, said)

    def written_map(self):
        with open(self.map, encoding="utf-8") as file:
            return dict(line.split() for line in file)

    def get(self, path, name, key):
        """The answer's status and the node that it says it is from."""
        connection = Named(self, name)
        try:
            connection.request("GET", path, headers={"Host": name, "Authorization": f"Bearer {key}"})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers["Tollgate-Node"]
        finally:
            connection.close()


def hops(nodes):
    """How many calls any node has passed on."""
    return sum(
        value for node in nodes for (name, _), value in node.metrics().series.items()
        if name == "tollgate_forwarded_total")


def ways(shop):
    """Path and name of each way to a tenant that the map knows, and one of a domain where it has one."""
    yield f"/t/{shop.slug}{ADMIN}/resellers", BASE
    yield f"{ADMIN}/resellers", f"{shop.slug}.{BASE}"
    if shop.slug == "of-b":
        yield f"{ADMIN}/resellers", HOST.upper()


def all_at(proxy, shop, node, calls=4):
    """Each way leads to that node, more often than chance would have it."""
    for path, name in ways(shop):
        for _ in range(calls):
            assert proxy.get(path, name, shop.owner_key) == (200, node), (path, name, node)


def straight(checks, proxy, nodes, shops):
    with checks("N4 G9 behind HAProxy with its map a call goes to its tenant's node, by path, name and domain: no hop"):
        assert proxy.written_map() == {"of-a": "a", "of-b": "b", HOST: "b"}, proxy.written_map()
        before = hops(nodes)
        for shop in shops:
            all_at(proxy, shop, shop.slug[-1])
        assert hops(nodes) == before


def moved(checks, proxy, nodes, shops):
    own, other = shops
    with checks("N4 G9 with an old map a call costs a hop and no more; the next run of placement.py tells HAProxy"):
        moved = nodes[0].post(
            f"/provider/v1/tenants/{other.slug}/move", {"node": "a"}, key=nodes[0].provider_key)
        assert moved.status == 200, moved
        before = hops(nodes)
        all_at(proxy, other, "a")
        assert hops(nodes) > before, "the map is told by nobody yet"
        wait_until(lambda: proxy.follow() or set(proxy.written_map().values()) == {"a"})
        before = hops(nodes)
        all_at(proxy, other, "a")
        all_at(proxy, own, "a")
        assert hops(nodes) == before


def lost(checks, proxy, nodes, shops):
    with checks("N4 G9 a call whose node is down, as the map has it, is answered by way of another"):
        nodes[1].kill()
        proxy.say(f"set map {proxy.map} {shops[0].slug} b")
        all_at(proxy, shops[1], "a")
        path, name = next(ways(shops[0]))
        # HAProxy takes a node for down after two checks.
        wait_until(lambda: proxy.get(path, name, shops[0].owner_key) == (200, "a"))


def main():
    options, checks = arguments(), Checks()
    words = ("--base-domain", BASE, "--public-url", f"https://{BASE}", "--trusted-proxy", "127.0.0.1")
    with pair(options.tollgate, *words) as nodes, tempfile.TemporaryDirectory() as folder:
        shops = [Shop(node, slug=f"of-{node.name}") for node in nodes]
        given = nodes[0].patch("/provider/v1/tenants/of-b", {"domains": [HOST]}, key=nodes[0].provider_key)
        assert given.status == 200, given
        proxy = Haproxy(nodes, folder)
        # HAProxy leaves its socket behind as it ends: the map for its next start is written all the same.
        with socket.socket(socket.AF_UNIX) as former:
            former.bind(proxy.socket)
        # What a beat tells of who has a new tenant.
        wait_until(lambda: proxy.follow() or proxy.written_map() == {"of-a": "a", "of-b": "b", HOST: "b"})
        with proxy:
            straight(checks, proxy, nodes, shops)
            moved(checks, proxy, nodes, shops)
            lost(checks, proxy, nodes, shops)
    checks.finish()


if __name__ == "__main__":
    main()
