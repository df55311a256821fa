"""A gateway whose log is read, and the forms in which a secret would stand in it."""

import base64
import json
import os
import re
import threading
import urllib.parse

from support import START_SECONDS_MAX, STOP_SECONDS_MAX, Gateway, wait_until, webhook_secret_bytes


class LoggedGateway(Gateway):
    """Logs every request; the log is read away all the while, as a collector would."""

    def __init__(self, tollgate, *arguments, **options):
        super().__init__(tollgate, "--log-requests", *arguments, **options)
        self.log = []
        self.reader = None

    def start(self):
        self.reader = None
        super().start()
        process = self.process
        self.reader = threading.Thread(
            target=lambda: self.log.extend(iter(lambda: os.read(process.stdout.fileno(), 65536), b"")), daemon=True)
        self.log.append("".join(line + "\n" for line in self.output).encode() + self.pending)
        self.pending = b""
        self.reader.start()
        return self

    def wait_for_line(self, pattern, seconds=START_SECONDS_MAX):
        if self.reader is None:
            return super().wait_for_line(pattern, seconds)
        return wait_until(lambda: re.search(pattern, b"".join(self.log).decode(errors="replace"), re.M), seconds)

    def end(self, how):
        """Ends the process by `how`; all that it wrote is then in `log`."""
        how()
        self.process.wait(STOP_SECONDS_MAX)
        self.reader.join(10)
        self.log.append(self.errors().encode())


def coded(text):
    """Percent-coded byte for byte, though nothing asks for it."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def forms(secret):
    """A secret as it is, as a query would carry it, coded once more and twice, as JSON would; of a signing secret its
    bytes too."""
    yield secret.encode()
    yield urllib.parse.quote(secret, safe="").encode()
    yield coded(secret).encode()
    yield coded(secret).lower().encode()
    yield coded(coded(secret)).encode()
    yield json.dumps(secret)[1:-1].replace("/", "\\/").encode()
    yield base64.b64encode(secret.encode()).rstrip(b"=")
    if secret.startswith("whsec_"):
        yield webhook_secret_bytes(secret)
        yield secret[6:].encode()
