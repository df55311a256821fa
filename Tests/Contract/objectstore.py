"""Servers of objects for the scripts on archives: SeaweedFS, moto, and a proxy before either that has its faults."""

import contextlib
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from freeports import free_port, free_ports
from support import python_of_tests, wait_until

ACCESS, SECRET = "AKIATESTTOLLGATE", "the-secret-of-the-archive/0123456789+x"
BUCKET = "archive"


def environment(url, access=ACCESS, secret=SECRET):
    return {
        "AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "eu-test-1",
        "AWS_ENDPOINT_URL": url}


def answers(port, path="/"):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", path)
        connection.getresponse().read()
        return True
    except OSError:
        return False


class Server:
    """A child that is ended with the block; `url` is where it is, the bucket is there."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tollgate-objects-")
        self.bin = os.path.dirname(python_of_tests())
        self.process = None

    def start(self, *words, port):
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(
            words, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.folder,
            env={**os.environ, "HOME": self.folder})
        wait_until(lambda: answers(port), seconds=60)
        self.url = f"http://127.0.0.1:{port}"

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return False


class SeaweedFS(Server):
    def __enter__(self):
        identities = {"identities": [{
            "name": "tollgate", "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List"]}]}
        with open(os.path.join(self.folder, "s3.json"), "w", encoding="utf-8") as file:
            json.dump(identities, file)
        os.mkdir(os.path.join(self.folder, "data"))
        # Each has a second one for gRPC, which it takes from where it is told.
        ports = free_ports(8)
        self.start(
            os.path.join(self.bin, "weed"), "-logtostderr", "server", "-dir=data", "-ip=127.0.0.1",
            f"-master.port={ports[0]}", f"-master.port.grpc={ports[1]}", f"-volume.port={ports[2]}",
            f"-volume.port.grpc={ports[3]}", f"-filer.port={ports[4]}", f"-filer.port.grpc={ports[5]}", "-s3",
            f"-s3.port={ports[6]}", f"-s3.port.grpc={ports[7]}", "-s3.config=s3.json", "-s3.iam=false",
            "-master.volumeSizeLimitMB=64", "-volume.max=20", "-master.telemetry=false", port=ports[6])
        wait_until(self.has_bucket, seconds=60)
        return self

    def has_bucket(self):
        script = (
            "import boto3, botocore, sys\n"
            "client = boto3.client('s3', config=botocore.config.Config(retries={'max_attempts': 1}))\n"
            "client.create_bucket(Bucket=sys.argv[1])\n"
            "client.put_object(Bucket=sys.argv[1], Key='probe', Body=b'x')\n"
            "client.delete_object(Bucket=sys.argv[1], Key='probe')\n")
        return subprocess.run(
            [os.path.join(self.bin, "python"), "-c", script, BUCKET], env={**os.environ, **environment(self.url)},
            capture_output=True).returncode == 0


class Moto(Server):
    def __enter__(self):
        port = free_port()
        self.start(os.path.join(self.bin, "python"), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port), port=port)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("PUT", f"/{BUCKET}", headers={"Host": f"127.0.0.1:{port}"})
        assert connection.getresponse().status == 200
        return self


class Faulty:
    """Stands before a server. `fault(method, path, count)` says what happens to a call: None, ("status", N, code),
    ("cut",) the answer's body ends half way, ("half",) half the body goes on and the connection breaks, ("away",) the
    connection breaks before anything went on, ("slow", seconds), ("flip",) a bit of the answer's body is another,
    ("flip-put",) a bit of what is sent is another, ("empty",) a list has no names yet, ("other", change) the answer's
    body is what `change` makes of it."""

    def __init__(self, server):
        self.target = server.url.split("//")[1]
        self.fault = lambda method, path, count: None
        self.seen = []
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_any(self):
                # What comes late may find the server gone.
                with contextlib.suppress(OSError):
                    outer.pass_on(self)

            do_GET = do_PUT = do_DELETE = do_HEAD = do_POST = handle_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        return False

    @contextlib.contextmanager
    def having(self, fault):
        self.seen = []
        self.fault = fault
        try:
            yield self
        finally:
            self.fault = lambda method, path, count: None

    def count(self, kind):
        with self.lock:
            return sum(1 for fault in self.seen if fault and fault[0] == kind)

    def pass_on(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self.lock:
            fault = self.fault(handler.command, handler.path, len(self.seen))
            self.seen.append(fault)
        kind = fault[0] if fault else None
        if kind == "away":
            handler.close_connection = True
            return handler.connection.shutdown(socket.SHUT_RDWR)
        if kind == "slow":
            time.sleep(fault[1])
        if kind == "status":
            text = f"<Error><Code>{fault[2]}</Code><StringToSign>AWS4 {ACCESS}</StringToSign></Error>".encode()
            return self.answer(handler, fault[1], [("Content-Type", "application/xml")], text)
        if kind == "flip-put":
            body = bytes([body[0] ^ 1]) + body[1:]
        # The signature is over the host as the client knows it.
        connection = http.client.HTTPConnection(self.target, timeout=30)
        connection.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            if name.lower() != "connection":
                connection.putheader(name, value)
        connection.endheaders()
        if kind == "half":
            connection.sock.sendall(body[:len(body) // 2])
            connection.close()
            handler.close_connection = True
            return handler.connection.shutdown(socket.SHUT_RDWR)
        connection.sock.sendall(body) if body else None
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if kind == "flip" and content:
            content = content[:-1] + bytes([content[-1] ^ 1])
        if kind == "empty":
            content = (b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')
        if kind == "other":
            content = fault[1](content)
        headers = [(name, value) for name, value in answer.getheaders()
                   if name.lower() not in ("content-length", "connection", "transfer-encoding")]
        self.answer(handler, answer.status, headers, content, is_cut=kind == "cut")

    def answer(self, handler, status, headers, content, is_cut=False):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if handler.command != "HEAD" and status != 204:
            handler.wfile.write(content[:len(content) // 2] if is_cut else content)
        if is_cut:
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
