#!/usr/bin/env python3
"""H3, H5, H6: what name servers answer in odd ways, and what receivers send behind a body, while webhooks are sent."""

from receiver import NameServer, Receiver
from sending import Scene
from support import Checks, Gateway, arguments

options = arguments()
checks = Checks()
SECONDS = 12


def outcome(scene, path, host="127.0.0.1"):
    reseller = scene.endpoint(path, host)
    scene.order(reseller)
    return scene.settled(reseller, seconds=SECONDS)["attempts"][-1]


def reached(scene, names):
    """Each of these names leads to the receiver, for whoever asks as the C library does."""
    for host, what in [
            ("half.example", "H3 a name whose server fails for addresses of IPv6 is called at its address of IPv4"),
            ("long.example", "H3 a name with more addresses than a short answer holds is called"),
            ("old.example", "H3 a name whose server refuses questions with extensions is asked for without"),
            ("plain.example.", "H3 H5 a name that is given with its last dot is looked up at the same servers")]:
        names.names[host.removesuffix(".")] = ["127.0.0.1"]
        path = f"/ok/{host}"
        with checks(what):
            attempt = outcome(scene, path, host)
            assert attempt["outcome"] == "delivered", attempt
            assert scene.receiver.count(path) == 1, scene.receiver.calls[path]
    with checks("H3 a name whose answers are cut before the first address, however it is asked for, is tried again"):
        names.names["cut.example"] = ["127.0.0.1"]
        reseller = scene.endpoint("/ok/cut", "cut.example")
        scene.order(reseller)
        delivery = scene.settled(reseller, seconds=SECONDS)
        assert delivery["attempts"][-1]["outcome"] == "dns" and delivery["state"] == "pending", delivery
        assert names.asked["cut.example"] >= 4, "it is asked for in four rounds"


def behind(scene):
    with checks("H3 a line behind the body that looks like another status is none: the answer's own counts"):
        path = "/behind/status"
        scene.receiver.answers[path] = lambda count: (
            b"HTTP/1.1 500 Word\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\nHTTP/1.1 200 OK: x\r\n\r\n")
        attempt = outcome(scene, path)
        assert (attempt["outcome"], attempt["status"]) == ("status", 500), attempt
    with checks("H3 interim answers are not the answer, however many fit into a head"):
        path = "/behind/interim"
        scene.receiver.answers[path] = lambda count: (
            b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 5 + b"HTTP/1.1 204 No Content\r\n\r\n")
        attempt = outcome(scene, path)
        assert (attempt["outcome"], attempt["status"]) == ("delivered", 204), attempt


def main():
    names, receiver = NameServer(), Receiver()
    with Gateway(
            options.tollgate, "--allow-private-addresses", "--name-server", names.address, demo=False) as gateway:
        scene = Scene(gateway, receiver)
        reached(scene, names)
        behind(scene)
    receiver.stop()
    checks.finish()


main()
