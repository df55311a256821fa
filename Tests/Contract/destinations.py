"""Where a node connects (H6): every destination that leads into the house, where it is given and where it is called,
for webhooks of each API, payment services and provisioners. Listeners on addresses of this machine and of its networks
see no connection, whatever a name says at last, and nobody learns whether anything listens there.

It runs in network and mount namespaces of its own, in which lo has a public address, a private one and that of a
cloud's metadata, a name server says what names are, and a certificate authority of the test's is trusted."""

import contextlib
import ctypes
import fcntl
import http.server
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

from receiver import NameServer
from shop import PARTNER, Shop
from support import Checks, Gateway, arguments, wait_until

INSIDE = "TOLLGATE_DESTINATIONS_INSIDE"
PUBLIC, PUBLIC6 = "93.184.216.34", "2606:2800:220:1::34"
PRIVATE, METADATA, NOBODY = "10.77.0.1", "169.254.169.254", "10.77.0.9"
PORT = 8443
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 4096, 16384, 1 << 18
SIOCSIFADDR, SIOCSIFFLAGS, SIOCGIFFLAGS, SIOCSIFNETMASK, IFF_UP = 0x8916, 0x8914, 0x8913, 0x891C, 1
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"

# By name, what it resolves to: none of it is to be connected to.
INWARD = {
    "loop.example": ["127.0.0.1"], "loop2.example": ["127.8.8.8"], "zero.example": ["0.0.0.0"],
    "private.example": [PRIVATE], "metadata.example": [METADATA], "metadata2.example": ["169.254.170.2"],
    "metadata3.example": ["168.63.129.16"],
    "shared.example": ["100.64.0.1"], "special.example": ["192.0.0.1"], "bench.example": ["198.18.0.1"],
    "many.example": ["224.0.0.1"], "all.example": ["255.255.255.255"], "loop6.example": ["::1"],
    "zero6.example": ["::"],
    "mapped.example": ["::ffff:127.0.0.1"], "mapped2.example": ["::ffff:169.254.169.254"],
    "nat64.example": ["64:ff9b::7f00:1"], "sixtofour.example": ["2002:7f00:1::"], "link6.example": ["fe80::1"],
    "unique.example": ["fd00::1"], "mixed.example": [PUBLIC, "::1"], "mixed4.example": [PUBLIC, PRIVATE],
    "mixed6.example": ["127.0.0.1", PUBLIC6], "nobody.example": [NOBODY]}

# Private addresses of a host and of none: on the host one port is open and one is closed.
SECRET, SECRET_PORTS = ("private.example", "nobody.example"), (PORT, PORT + 1)
CONNECT_SECONDS = 10

# As they are given; what no reader takes for a public host over https.
GIVEN = [f"https://{host}:{PORT}/" for host in (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25lo]", "[fd00::1]",
    METADATA, "169.254.170.2", "168.63.129.16", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1",
    "255.255.255.255", PRIVATE, NOBODY,
    "localhost", "localhost.", "user:pass@good.example", "gооd.example")] + [
    f"http://good.example:{PORT}/", "file:///etc/passwd", f"gopher://good.example:{PORT}/",
    f"ftp://good.example:{PORT}/",
    f"https://good.example:{PORT}/\r\nX: y", f"https://good.example:{PORT}/\n", f"https://good.example:{PORT}/\t",
    f"https://good.example:{PORT}/\0", f"https://good.example\\@private.example:{PORT}/",
    f"https://good.example:{PORT}/#x",
    f"https://good.example:{PORT}/" + "x" * 2048, f"https://:{PORT}/", "https://good.example:0/",
    "https://good.example:65536/", "https:///", "//good.example/", ""]


# The namespaces

def enter():
    """Starts this script again inside; says why not where it cannot."""
    words = [sys.executable, "-u", os.path.abspath(__file__), *sys.argv[1:]]
    for kind in (["--mount", "--net"], ["--map-root-user", "--mount", "--net"]):
        if shutil.which("unshare") and subprocess.run(
                ["unshare", *kind, "true"], stderr=subprocess.DEVNULL).returncode == 0:
            os.execvpe("unshare", ["unshare", *kind, *words], {**os.environ, INSIDE: "yes"})
    print("# not run: this user may make no network of its own (unshare)", flush=True)
    Checks().finish()


def make_network():
    """lo is up and has addresses of every kind."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        def set_up(name):
            request = struct.pack("16sh14x", name.encode(), 0)
            flags = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", name.encode(), flags | IFF_UP))
        set_up("lo")
        for number, address in enumerate([PUBLIC, PRIVATE, METADATA], 1):
            for call, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, "255.255.255.255")):
                fcntl.ioctl(control, call, struct.pack(
                    "16sH2x4s8x", f"lo:{number}".encode(), socket.AF_INET, socket.inet_aton(value)))
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFADDR, struct.pack(
            "16sIi", socket.inet_pton(socket.AF_INET6, PUBLIC6), 128, socket.if_nametoindex("lo")))


def put_over(path, source):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), path.encode(), None, MS_BIND, None) != 0:
        raise OSError(ctypes.get_errno(), f"mount over {path}")


def make_names(folder):
    """The one name server that this namespace has. What it says is kept for a second at least."""
    names = NameServer(port=53)
    names.names.update({"good.example": [PUBLIC], "good6.example": [PUBLIC6], **INWARD})
    path = os.path.join(folder, "resolv.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write("nameserver 127.0.0.1\n")
    put_over("/etc/resolv.conf", path)
    return names.names


def make_certificate(folder):
    """Of an authority that this namespace's programs trust; for every name."""
    def openssl(*words):
        made = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
    names = ",".join(["DNS:good.example", "DNS:*.hook.example", "DNS:localhost"] + [
        f"IP:{address}" for address in ("127.0.0.1", "::1", PRIVATE, METADATA, PUBLIC)])
    with open(os.path.join(folder, "extensions"), "w", encoding="utf-8") as file:
        file.write(f"subjectAltName={names}\n")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test")
    openssl("req", *curve, "-keyout", "key.pem", "-out", "request", "-subj", "/CN=good.example")
    openssl("x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "extensions", "-out", "cert.pem")
    put_over(AUTHORITIES, os.path.join(folder, "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
    return context


class Listener(http.server.ThreadingHTTPServer):
    """Counts connections, and what it was asked."""

    daemon_threads = True

    def __init__(self, address, context, port=PORT):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.connections = 0
        self.calls = []
        self.answer = lambda call: (204, {})
        super().__init__((address, port), Called)
        self.context = context
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def get_request(self):
        connection, peer = super().get_request()
        self.connections += 1
        connection.settimeout(30)
        if self.context is None:
            return connection, peer
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), peer

    def handle_error(self, *_):
        """A peer that goes in the handshake is counted, and no error."""


class Called(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.calls.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        status, headers = self.server.answer(self)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET = answer

    def log_message(self, *_):
        pass


# Places where a URL is given, and how it is called

class Webhooks:
    """One API's: made and changed, tested, and sent by an event. A reseller has ten tests a minute: then comes the
    next one."""

    def __init__(self, name, shop, base, header, event):
        self.name, self.shop, self.base, self.header, self.event = name, shop, base, header, event
        self.numbers = iter(range(10**6))
        self.tests = 0
        self.buyer = shop.reseller(balance="1000.00")

    def call(self, method, path, body=None):
        key = self.buyer["key"]
        headers = {self.header: f"Bearer {key}" if self.header == "Authorization" else key}
        return self.shop.gateway.request(method, self.shop.base + self.base + path, body, headers=headers)

    def give(self, url):
        if self.tests > 5:
            self.buyer, self.tests = self.shop.reseller(balance="1000.00"), 0
        return self.call("POST", "/webhooks", {"name": f"w{next(self.numbers)}", "url": url, "events": [self.event]})

    def outcome(self, url):
        """What a test of a new webhook comes to."""
        made = self.give(url)
        assert made.status in (200, 201), (url, made)
        answer = self.test(made)
        self.remove(made)
        assert answer.status in (200, 201), (url, answer)
        return answer.json

    def change(self, made, url):
        return self.call("PATCH", f"/webhooks/{self.id(made)}", {"url": url})

    @staticmethod
    def id(made):
        return made.json.get("id") or made.json["_id"]

    def remove(self, made):
        assert self.call("DELETE", f"/webhooks/{self.id(made)}").status in (200, 204)

    def test(self, made):
        self.tests += 1
        return self.call("POST", f"/webhooks/{self.id(made)}/test")

    def delivery(self, made, seconds=30):
        """The newest delivery to it, once it was attempted."""
        def attempted():
            rows = self.shop.admin("GET", f"/deliveries?endpoint={self.id(made)}").json["data"]
            return rows[0] if rows and rows[0]["tries"] > 0 else None
        return wait_until(attempted, seconds=seconds)


def places(gateway):
    hosting, codes, ports = (Shop(gateway, blueprint=name) for name in ("hosting", "codes", "proxies"))
    yield Webhooks("wholesale", hosting, PARTNER, "Authorization", "order.created")
    yield Webhooks("codes", codes, "/api/reseller", "x-api-key", "code.redeemed")
    yield Webhooks("ports", ports, "/v1/reseller", "X-API-Key", "port.created")


def other_places(gateway):
    """name, and what gives a URL there."""
    shop = Shop(gateway, blueprint="codes")

    def service(field):
        return lambda url: shop.admin("PUT", "/payment-service", {
            "driver": "http", "create_url": f"https://good.example:{PORT}/", "api_key": "an-api-key",
            "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", field: url})
    for field in ("create_url", "callback_url", "return_url"):
        yield f"A6 the payment service's {field}", service(field)
    hosting = Shop(gateway)
    yield "W13 the tenant's provisioner", lambda url: hosting.admin("PUT", "/provisioning", {"url": url})


def given(checks, gateway, webhooks):
    for place in webhooks:
        with checks(f"H6 H4 a webhook of {place.name}: what leads into the house is refused when it is given"):
            made = place.give(f"https://good.example:{PORT}/hook")
            assert made.status in (200, 201), made
            for url in GIVEN:
                for answer in (place.give(url), place.change(made, url)):
                    assert answer.status in (400, 422), (url, answer)
                    assert b"url" in answer.body, (url, answer)
            place.remove(made)
    for name, give in other_places(gateway):
        with checks(f"H6 {name}: what leads into the house is refused"):
            assert give(f"https://good.example:{PORT}/").status in (200, 201)
            for url in GIVEN:
                answer = give(url)
                assert answer.status == 422, (url, answer)


def counts(listeners, *but):
    return {address: listener.connections for address, listener in listeners.items() if address not in but}


def called(checks, place, names, listeners):
    good = listeners[PUBLIC]
    with checks(f"H6 H4 a webhook of {place.name} is called at a public host over https"):
        before = len(good.calls)
        assert place.outcome(f"https://good.example:{PORT}/hook")["outcome"] == "delivered"
        assert len(good.calls) == before + 1, good.calls
    with checks(f"H6 H4 a webhook of {place.name}: a name that leads into the house is not connected to"):
        before = counts(listeners)
        for name in INWARD:
            made = place.give(f"https://{name}:{PORT}/hook")
            if made.status in (400, 422):
                continue
            answer = place.test(made).json
            assert answer["outcome"] == "address_refused", (name, answer)
            assert answer["status"] is None and not answer["excerpt"], (name, answer)
            place.remove(made)
        assert counts(listeners) == before, (before, counts(listeners))
    with checks(f"H6 H4 a webhook of {place.name}: nobody learns whether anything listens there, by words or by time"):
        before = counts(listeners)
        answers = {(name, port): told(place, f"https://{name}:{port}/hook") for name in SECRET for port in SECRET_PORTS}
        words = [answer for answer, _ in answers.values()]
        assert words == [words[0]] * len(words), answers
        # No attempt to connect is made, which may take so long.
        assert max(seconds for _, seconds in answers.values()) < CONNECT_SECONDS - 1, answers
        assert counts(listeners) == before, (before, counts(listeners))
    with checks(f"H6 H4 a webhook of {place.name}: a name that changes after it was given, and after it was called"):
        before = counts(listeners, PUBLIC)
        for number, inward in enumerate(["127.0.0.1", PRIVATE, METADATA, "::1"]):
            name = f"rebind{number}-{place.name}.hook.example"
            names[name] = [PUBLIC]
            url = f"https://{name}:{PORT}/hook"
            first = place.outcome(url)
            assert first["outcome"] == "delivered", first
            names[name] = [inward]
            # What it was is remembered for a second; a connection that is kept has no say.
            wait_until(lambda: place.outcome(url)["outcome"] == "address_refused", pause_seconds=0.3)
        assert counts(listeners, PUBLIC) == before, (before, counts(listeners, PUBLIC))


def told(place, url):
    """What a reseller learns of a URL: statuses, and words but for those that are others each time; and in how long."""
    made = place.give(url)
    began = time.monotonic()
    answer = place.test(made) if made.status in (200, 201) else made
    seconds = time.monotonic() - began
    if answer is not made:
        place.remove(made)
    words = {member: value for member, value in answer.json.items() if member not in (
        "event", "eventId", "delivery", "deliveryId", "ms", "request_id")}
    return (made.status, answer.status, words), seconds


def redirects(checks, place, listeners):
    good = listeners[PUBLIC]
    with checks(f"H3 H6 a webhook of {place.name}: a redirect into the house is a failure, and is not followed"):
        before = counts(listeners, PUBLIC)
        try:
            for status in (301, 302, 303, 307, 308):
                for target in (f"https://private.example:{PORT}/", "http://127.0.0.1/", f"https://127.0.0.1:{PORT}/x"):
                    good.answer = lambda call, status=status, target=target: (status, {"Location": target})
                    answer = place.outcome(f"https://good.example:{PORT}/hook")
                    assert answer["outcome"] == "redirect" and answer["status"] == status, answer
        finally:
            good.answer = lambda call: (204, {})
        assert counts(listeners, PUBLIC) == before, (before, counts(listeners, PUBLIC))


def remembers_nothing(checks, place, listeners, proxy):
    good = listeners[PUBLIC]
    with checks(f"H6 a webhook of {place.name}: no cookie, Alt-Svc, HSTS, .netrc or proxy has a say"):
        good.answer = lambda call: (200, {
            "Set-Cookie": "a=b; Path=/", "Alt-Svc": f'http/1.1="private.example:{PORT}"; ma=86400',
            "Strict-Transport-Security": "max-age=31536000"})
        try:
            made = place.give(f"https://good.example:{PORT}/hook")
            for _ in range(3):
                assert place.test(made).json["outcome"] == "delivered"
            place.remove(made)
        finally:
            good.answer = lambda call: (204, {})
        for _, headers, _ in good.calls[-3:]:
            assert "cookie" not in headers and "authorization" not in headers, headers
        assert proxy.connections == 0


def delivered(checks, place, names, listeners):
    """By an event, and between two attempts."""
    with checks(f"H3 H6 an event of {place.name} to a name that leads into the house: kept, sent at a person's word"):
        shop, before = place.shop, counts(listeners, PUBLIC)
        # Nobody else's tests are counted against it: it stays the buyer.
        place.buyer, place.tests = shop.reseller(balance="100.00"), 0
        sku = shop.product()
        shop.price(place.buyer, sku, {"wholesale_monthly": "1.00"})
        names["later.hook.example"] = [PRIVATE]
        made = place.give(f"https://later.hook.example:{PORT}/hook")
        assert made.status == 201, made
        assert shop.order(place.buyer, sku).status == 201
        row = place.delivery(made)
        assert row["last_outcome"] == "address_refused" and row["last_status"] is None, row
        # It is not tried again by itself, and not lost.
        assert (row["state"], row["next_attempt_at"], row["tries"]) == ("dead", None, 1), row
        names["later.hook.example"] = [PUBLIC]

        def sent():
            assert shop.admin("POST", f"/deliveries/{row['id']}/retry").status == 200
            ended = wait_until(lambda: next((now for now in [shop.admin("GET", f"/deliveries/{row['id']}").json]
                                             if now["state"] != "pending"), None))
            return ended["state"] == "delivered"
        wait_until(sent, pause_seconds=0.3)
        assert counts(listeners, PUBLIC) == before, (before, counts(listeners, PUBLIC))


INWARD_ADDRESSES = [
    ["127.0.0.1"], [PRIVATE], [METADATA], ["::1"], ["::ffff:127.0.0.1"], [NOBODY], [PUBLIC, "::1"], [PRIVATE, PUBLIC]]


def payments(checks, gateway, names, listeners):
    shop = Shop(gateway, blueprint="codes")
    seller = shop.reseller()
    with checks("H6 A6 a payment service whose name leads into the house is not connected to; one text for all"):
        before, answers = counts(listeners), set()
        for number, addresses in enumerate(INWARD_ADDRESSES):
            names[f"pay{number}.example"] = addresses
            put = shop.admin("PUT", "/payment-service", {
                "driver": "http", "create_url": f"https://pay{number}.example:{PORT}/", "api_key": "an-api-key",
                "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
            assert put.status in (200, 201), put
            began = time.monotonic()
            answer = gateway.post(
                f"{shop.base}/api/reseller/topup", {"amount": 10}, headers={"x-api-key": seller["key"]})
            assert time.monotonic() - began < 20, addresses
            answers.add((answer.status, answer.body))
        assert len(answers) == 1 and next(iter(answers))[0] >= 500, answers
        assert counts(listeners) == before, (before, counts(listeners))


def provisioning(checks, gateway, names, listeners):
    shop = Shop(gateway)
    buyer = shop.reseller(balance="100.00")
    with checks("H6 W13 a provisioner whose name leads into the house is not connected to; one word for all"):
        sku = shop.product("http")
        shop.price(buyer, sku, {"wholesale_monthly": "1.00"})
        before, words = counts(listeners), set()
        for number, addresses in enumerate(INWARD_ADDRESSES):
            names[f"make{number}.example"] = addresses
            put = shop.admin("PUT", "/provisioning", {"url": f"https://make{number}.example:{PORT}/make"})
            assert put.status in (200, 201), put
            made = shop.order(buyer, sku)
            assert made.status == 201, made
            service = made.json["services"][0]["id"]

            def asked():
                rows = shop.admin("GET", "/provisioning/queue?limit=100").json["data"]
                return next((row for row in rows if row["service"] == service and row["tries"] > 0), None)
            row = wait_until(asked)
            words.add((row["last_outcome"], row["last_status"], row["last_answer"]))
        assert len(words) == 1, words
        assert counts(listeners) == before, (before, counts(listeners))


def main():
    options = arguments()
    if INSIDE not in os.environ:
        enter()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        make_network()
        names = make_names(folder)
        context = make_certificate(folder)
        with open(os.path.join(folder, ".netrc"), "w", encoding="utf-8") as file:
            file.write("default login somebody password secret\n")
        proxy = Listener("127.0.0.1", None, port=3128)
        os.environ["HOME"] = folder
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            os.environ[name] = "http://127.0.0.1:3128"
        listeners = {
            address: Listener(address, context) for address in ("127.0.0.1", "::1", PRIVATE, METADATA, PUBLIC)}
        with Gateway(options.tollgate, demo=False) as gateway:
            webhooks = list(places(gateway))
            given(checks, gateway, webhooks)
            for place in webhooks:
                called(checks, place, names, listeners)
                redirects(checks, place, listeners)
                remembers_nothing(checks, place, listeners, proxy)
            delivered(checks, webhooks[0], names, listeners)
            payments(checks, gateway, names, listeners)
            provisioning(checks, gateway, names, listeners)
    checks.finish()


if __name__ == "__main__":
    main()
