"""A bare connection, for the scripts that send what no HTTP client would."""

import contextlib
import os
import select
import socket
import ssl
import subprocess


class Wire:
    """A bare connection to a gateway, over TLS with a `context`: what is sent is what is written here."""

    def __init__(self, gateway, context=None, seconds=20, name="localhost"):
        self.socket = socket.create_connection(("127.0.0.1", gateway.port), seconds)
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        """All of it: the gateway reads on for a while after an answer that closes. Where it has closed, the answer
        tells."""
        with contextlib.suppress(OSError):
            self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def send_until_answered(self, piece, times):
        """Sends a piece again and again until something comes back; one thread does both, since a TLS connection bears
        no two at once."""
        seconds = self.socket.gettimeout()
        self.socket.setblocking(False)
        for _ in range(times):
            select.select([self.socket], [self.socket], [], seconds)
            try:
                if self.file.peek(1):
                    break
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
            except OSError:
                break
            # What could not be sent whole is sent again whole: TLS asks for that, and a piece is like the other.
            with contextlib.suppress(OSError):
                self.socket.send(piece)
        self.socket.settimeout(seconds)

    def finish_sending(self):
        if isinstance(self.socket, ssl.SSLSocket):
            # Only the socket below can be half-closed; whoever reads there finds its end.
            socket.socket.shutdown(self.socket, socket.SHUT_WR)
        else:
            self.socket.shutdown(socket.SHUT_WR)

    def answer(self, method="GET"):
        """(status, headers, body) of the next answer; None at the end of the connection."""
        line = self.file.readline()
        if not line:
            return None
        assert line.startswith(b"HTTP/1.1 ") and line.endswith(b"\r\n"), line
        status = int(line.split(b" ")[1])
        headers = {}
        while (field := self.file.readline()) != b"\r\n":
            assert field, "the connection ended within a head"
            name, value = field.decode("latin-1").rstrip("\r\n").split(": ", 1)
            assert name.lower() not in headers or name.lower() == "vary", ("a header twice", name)
            headers[name.lower()] = value
        is_bare = method == "HEAD" or status in (100, 204, 304)
        return status, headers, b"" if is_bare else self.file.read(int(headers.get("content-length", 0)))

    def answers(self):
        """All up to the end of the connection; a reset is an end too."""
        found = []
        with contextlib.suppress(ConnectionResetError):
            while answer := self.answer():
                found.append(answer)
        return found

    def bytes_until_silence(self):
        """All that comes up to the end of the connection, or to a pause as long as this wire waits."""
        data = bytearray()
        with contextlib.suppress(OSError):
            while piece := self.socket.recv(65536):
                data += piece
        return bytes(data)

    def is_closed(self):
        try:
            return self.file.read(1) == b""
        except (ConnectionResetError, TimeoutError) as error:
            return isinstance(error, ConnectionResetError)


def exchange(gateway, data, method="GET"):
    """One request and its answer, on a connection of their own."""
    with Wire(gateway) as wire:
        wire.send(data)
        return wire.answer(method)


def certificate(folder, name, *hosts, days=2):
    """A chain and its key for these names; with `days` below zero it has ended."""
    chain, key, request = (os.path.join(folder, name + end) for end in (".pem", ".key", ".csr"))
    names = "subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts)
    asked = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
             "-addext", names, "-out", request, "-keyout", key]
    signed = ["x509", "-req", "-in", request, "-signkey", key, "-days", str(days), "-copy_extensions", "copyall",
              "-out", chain]
    for arguments in (asked, signed):
        subprocess.run(["openssl", *arguments], capture_output=True, check=True, timeout=30)
    return chain, key


def served(port, name, trusted=None):
    """The certificate that is served for a name, in PEM; with `trusted`, checked as a browser would."""
    context = ssl.create_default_context(cafile=trusted) if trusted else ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        with context.wrap_socket(raw, server_hostname=name) as wrapped:
            return ssl.DER_cert_to_PEM_cert(wrapped.getpeercert(True))
