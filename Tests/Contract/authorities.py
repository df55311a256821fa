#!/usr/bin/env python3
"""H3: a webhook's certificate is judged by its name and its time as well, also where the operator's own authorities
vouch for it."""

import os
import tempfile

from receiver import NameServer, Receiver
from sending import Scene
from support import Checks, Gateway, arguments
from wire import certificate

options = arguments()
checks = Checks()
names = NameServer()


def main():
    """Authorities of the operator's own: what they vouch for is a name, and a time."""
    names.names.update({host: ["127.0.0.1"] for host in ("hooks.example", "other.example", "ended.example")})
    with tempfile.TemporaryDirectory() as folder:
        known = certificate(folder, "known", "hooks.example")
        ended = certificate(folder, "ended", "ended.example", days=-1)
        authorities = os.path.join(folder, "authorities.pem")
        with open(authorities, "w", encoding="ascii") as file:
            for path, _ in (known, ended):
                with open(path, encoding="ascii") as one:
                    file.write(one.read())
        receivers = {"hooks.example": Receiver(*known), "ended.example": Receiver(*ended)}
        receivers["other.example"] = receivers["hooks.example"]
        with Gateway(
                options.tollgate, "--allow-private-addresses", "--name-server", names.address, "--ca-file", authorities,
                demo=False) as gateway:
            scene = Scene(gateway, receivers["hooks.example"])
            for host, word, outcome in [
                    ("hooks.example", "that --ca-file vouches for", "delivered"),
                    ("other.example", "that is trusted, but for another name,", "tls"),
                    ("ended.example", "that is trusted, and has ended,", "tls")]:
                with checks(f"H3 a certificate {word} ends an attempt as {outcome}"):
                    path = f"/ok/{host}"
                    reseller = scene.endpoint(path, url=receivers[host].url(path, host))
                    scene.order(reseller)
                    delivery = scene.settled(reseller)
                    assert delivery["attempts"][-1]["outcome"] == outcome, delivery
                    assert receivers[host].count(path) == (outcome == "delivered"), receivers[host].calls[path]
        for receiver in set(receivers.values()):
            receiver.stop()
    checks.finish()


main()
