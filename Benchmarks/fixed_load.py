"""So many requests and no more, by a few keep-alive connections in step: where counts matter and not time."""

import socket
import threading
import time

CONNECTIONS = 32
# Between two reads of whoever reads beside something.
PAUSE_SECONDS = 0.002
READ_BYTES = 1 << 16


class Client:
    """One connection that sends a raw request and reads one whole answer (with Content-Length)."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.buffer = b""

    def send(self, request):
        self.socket.sendall(request)

    def answer(self):
        """The status of the next answer."""
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, rest = self.buffer.split(b"\r\n\r\n", 1)
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        self.buffer = rest
        while len(self.buffer) < length:
            self.more()
        self.buffer = self.buffer[length:]
        return int(head[9:12])

    def more(self):
        piece = self.socket.recv(READ_BYTES)
        if not piece:
            raise SystemExit("the gateway closed a connection")
        self.buffer += piece

    def close(self):
        self.socket.close()


class Crowd:
    """Sends on all its connections, then reads all answers: what comes together runs in batches, as under load."""

    def __init__(self, port, connections=CONNECTIONS):
        self.clients = [Client(port) for _ in range(connections)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.close()

    def run(self, requests):
        """`requests` in order; ends the run where one is refused."""
        requests = list(requests)
        for first in range(0, len(requests), len(self.clients)):
            part = requests[first:first + len(self.clients)]
            for client, request in zip(self.clients, part):
                client.send(request)
            for client, request in zip(self.clients, part):
                status = client.answer()
                if status >= 300:
                    raise SystemExit(f"{status} for {request.split(b' HTTP')[0]}")


class Reader:
    """Reads one thing over and over for as long as the block lasts, and times each: what somebody beside it waits."""

    def __init__(self, port, request):
        self.client, self.request, self.milliseconds = Client(port), request, []
        # What came instead of an answer to the last read; nothing ends the run but whoever leaves the block.
        self.failure = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.wait(PAUSE_SECONDS):
            begin = time.perf_counter()
            try:
                self.client.send(self.request)
                status = self.client.answer()
            except (OSError, SystemExit) as error:
                self.failure = error
                return
            self.milliseconds.append((time.perf_counter() - begin) * 1e3)
            if status != 200:
                self.failure = status
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.client.close()
        if self.failure is not None:
            raise SystemExit(f"a read beside the work: {self.failure}")
