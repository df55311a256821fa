"""A receiver of webhooks that is real: HTTP/1.1 on loopback with connections kept, that answers well or in any bad way; and a
name server that answers for names as it is told, or not at all. asyncio on a thread of its own, so that thousands may hang."""

import asyncio
import collections
import contextlib
import email.utils
import socket
import ssl
import struct
import threading
import time

Call = collections.namedtuple("Call", "path headers body at connection")
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def answer(status, *headers, body=b""):
    head = f"HTTP/1.1 {status} Word\r\nContent-Length: {len(body)}\r\n" + "".join(f"{line}\r\n" for line in headers)
    return head.encode() + b"\r\n" + body


class Receiver:
    """`calls` by path, each with its bytes. How a path answers: by its first segment (`/500/…`), or as `answers[path]` says,
    a function of the number of the call that gives bytes, or None to hang."""

    def __init__(self, certificate=None, key=None):
        self.calls = collections.defaultdict(list)
        self.answers = {}
        self.open = collections.Counter()
        self.open_max = collections.Counter()
        self.connections = 0
        self.pause_seconds = collections.defaultdict(float)
        self.lock = threading.Lock()
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate, key)
        self.loop = asyncio.new_event_loop()
        self.ended = None
        started = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(started,), daemon=True)
        self.thread.start()
        started.wait(10)

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.serve(started))
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    async def serve(self, started):
        self.ended = asyncio.Event()
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0, ssl=self.context, backlog=4096, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        self.scheme = "https" if self.context else "http"
        started.set()
        await self.ended.wait()
        server.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join(10)

    def url(self, path, host="127.0.0.1"):
        return f"{self.scheme}://{host}:{self.port}{path}"

    def count(self, path):
        with self.lock:
            return len(self.calls[path])

    async def connection(self, reader, writer):
        self.connections += 1
        number = self.connections
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
            while await self.request(reader, writer, number):
                pass
        writer.close()

    async def request(self, reader, writer, number):
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        path = lines[0].split(" ")[1]
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        headers = {name.lower(): value for name, value in headers.items()}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        with self.lock:
            self.calls[path].append(Call(path, headers, body, time.time(), number))
            count = len(self.calls[path])
            self.open[path] += 1
            self.open_max[path] = max(self.open_max[path], self.open[path])
        try:
            if self.pause_seconds[path]:
                await asyncio.sleep(self.pause_seconds[path])
            return await self.respond(path, count, writer)
        finally:
            with self.lock:
                self.open[path] -= 1

    async def respond(self, path, count, writer):
        if path in self.answers:
            given = self.answers[path](count)
            if given is None:
                await self.ended.wait()
                return False
            writer.write(given)
            await writer.drain()
            return True
        return await getattr(self, "behave_" + path.split("/")[1].replace("-", "_"), self.behave_ok)(path, writer)

    async def behave_ok(self, _, writer):
        writer.write(NO_CONTENT)
        await writer.drain()
        return True

    async def behave_status(self, path, writer):
        writer.write(answer(int(path.split("/")[2]), body=b"no \x1b[31msuch\x00 luck"))
        await writer.drain()
        return True

    async def behave_wait(self, path, writer):
        """`/wait/SECONDS|date/…`: 429, by number of seconds or by a date."""
        seconds = path.split("/")[2]
        after = email.utils.formatdate(time.time() + 3600, usegmt=True) if seconds == "date" else seconds
        writer.write(answer(429, f"Retry-After: {after}"))
        await writer.drain()
        return True

    async def behave_redirect(self, path, writer):
        writer.write(answer(int(path.split("/")[2]), f"Location: {self.url('/ok/redirected')}"))
        await writer.drain()
        return True

    async def behave_hang(self, *_):
        await self.ended.wait()
        return False

    async def behave_drip(self, _, writer):
        """A good head, then a byte a second for ever."""
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not self.ended.is_set():
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(1)
        return False

    async def behave_endless(self, _, writer):
        """A good head, then as many bytes as are taken."""
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            await writer.drain()

    async def behave_head(self, _, writer):
        """A head over 16 KiB."""
        writer.write(answer(200, *(f"X-{number}: {'y' * 1000}" for number in range(20))))
        await writer.drain()
        return True

    async def behave_garbage(self, _, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        await writer.drain()
        return False

    async def behave_close(self, *_):
        return False

    async def behave_reset(self, _, writer):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        return False


class NameServer:
    """UDP on loopback. `names`: from a name to its addresses, or to a function of the number of the question; names that
    begin with `silent` get no answer, others that it does not know are said not to be there. Of those that it knows it
    fails for the IPv6 addresses of `half…`, cuts the answers for `cut…`, and those for `long…` where no long ones are
    asked for, and finds no sense in a question for `old…` where they are."""

    def __init__(self, port=0):
        self.names = {}
        self.asked = collections.Counter()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            question, peer = self.socket.recvfrom(4096)
            reply = self.reply(question)
            if reply:
                self.socket.sendto(reply, peer)

    def reply(self, question):
        labels, place = [], 12
        while question[place]:
            labels.append(question[place + 1:place + 1 + question[place]].decode())
            place += 1 + question[place]
        name = ".".join(labels)
        kind = struct.unpack(">H", question[place + 1:place + 3])[0]
        asked = question[12:place + 5]
        if kind == 1:
            self.asked[name] += 1
        if name.startswith("silent"):
            return None
        known = self.names.get(name)
        if known is None:
            return question[:2] + b"\x81\x83" + b"\0\1\0\0\0\0\0\0" + asked
        addresses = known(self.asked[name]) if callable(known) else known
        odd = self.odd_flags(name, kind, is_extended=bool(question[11]))
        if odd:
            return question[:2] + odd + b"\0\1\0\0\0\0\0\0" + asked
        family, wanted = (socket.AF_INET, 1) if kind == 1 else (socket.AF_INET6, 28)
        found = [a for a in addresses if (":" in a) == (wanted == 28)]
        records = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", wanted, 1, 0, len(data)) + data
            for data in (socket.inet_pton(family, address) for address in found))
        return question[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, len(found), 0, 0) + asked + records

    @staticmethod
    def odd_flags(name, kind, is_extended):
        """Flags of an answer without records; None for a usual one."""
        if name.startswith("half") and kind == 28:
            return b"\x81\x82"
        if name.startswith("cut") or name.startswith("long") and not is_extended:
            return b"\x83\x80"
        return b"\x81\x81" if name.startswith("old") and is_extended else None
