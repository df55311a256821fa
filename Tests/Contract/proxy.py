"""nginx and Caddy as children, each from its file in deploy/, of which only the places named below are others: ports,
folders, the certificate, whose addresses may come to the provider's entrance."""

import http.client
import json
import os
import re
import shlex
import socket
import ssl
import subprocess

from freeports import free_port
from support import ROOT, Gateway, files, tool, wait_until

DEPLOY = os.path.join(ROOT, "deploy")
PUBLIC, ADMIN = "example.com", "admin.example.com"
START_SECONDS = 120


def text(name):
    with open(os.path.join(DEPLOY, name), encoding="utf-8") as file:
        return file.read()


def replaced(source, places):
    """The text with each place replaced; a place that is not there any more is a mistake of this script."""
    for old, new in places.items():
        assert old in source, f"nothing to replace: {old!r}"
        source = source.replace(old, new)
    return source


def without_own(options, listen="127.0.0.1", data="/var/lib/tollgate"):
    """The options without the addresses and folders, which are each test's own."""
    own = {
        "--listen": f"{listen}:8080",
        "--admin-listen": f"{listen}:8081",
        "--data": data,
        "--blueprints": "/usr/share/tollgate/tenants",
    }
    assert own.items() <= set(options), options
    return [word for option in options if option[0] not in own for word in option]


def unit_options():
    """What the unit gives to serve."""
    line = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", text("tollgate.service"), re.M).group(1)
    words = shlex.split(line.replace("\\\n", " "))
    assert words[:2] == ["/usr/local/bin/tollgate", "serve"] and len(words) % 2 == 0, words
    return without_own(list(zip(words[2::2], words[3::2])))


def container_options():
    """What the container file and Kubernetes' give to serve."""
    line = re.search(r"^CMD (\[(?:.*\\\n)*.*\])$", text("Containerfile"), re.M).group(1)
    words = json.loads(line.replace("\\\n", " "))
    yield without_own(list(zip(words[1::2], words[2::2])), "0.0.0.0")
    arguments = re.search(r"- serve\n((?: +(?:- --|#).*\n)+)", text("kubernetes.yaml")).group(1)
    pairs = [tuple(pair.split("=", 1)) for pair in re.findall(r"- (--.*)", arguments)]
    yield without_own(pairs, "0.0.0.0", "/var/lib/tollgate/data")


def node_options():
    """What the examples of a cluster give to serve, without what differs from node to node or is each test's own."""
    own = {
        "--cluster-file", "--cluster", "--node", "--advertise", "--listen", "--admin-listen", "--data", "--blueprints"}
    line = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", text("cluster/tollgate-node.service"), re.M).group(1)
    words = shlex.split(line.replace("\\\n", " "))
    arguments = re.search(r"- serve\n((?: +(?:- --|#).*\n)+)", text("cluster/kubernetes.yaml")).group(1)
    for pairs in (
            list(zip(words[2::2], words[3::2])),
            [tuple(pair.split("=", 1)) for pair in re.findall(r"- (--.*)", arguments)]):
        assert {"--node", "--advertise"} <= {name for name, _ in pairs}, pairs
        yield [word for pair in pairs if pair[0] not in own for word in pair]


class Proxy:
    """A proxy as a child in a folder of its own; `context` trusts its certificate."""

    def __init__(self, gateway, folder):
        self.gateway, self.folder = gateway, folder
        self.logs = os.path.join(folder, "logs")
        os.makedirs(self.logs)
        self.port, self.plain_port = free_port(), free_port()
        self.process = None

    def __enter__(self):
        try:
            self.start()
            self.context = ssl.create_default_context(cafile=self.authority())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def run(self, words, **environment):
        with open(os.path.join(self.logs, "output"), "wb") as output:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **environment}
            )
        wait_until(self.listens, START_SECONDS)

    def listens(self):
        assert self.process.poll() is None, self.written()
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        except ConnectionRefusedError:
            return False
        return True

    def written(self):
        return {os.path.basename(path): data for path, data in files(self.logs)}


class Nginx(Proxy):
    name = "nginx"
    file = "nginx.conf"

    def start(self):
        chain, key = os.path.join(self.folder, "fullchain.pem"), os.path.join(self.folder, "privkey.pem")
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                f"/CN={PUBLIC}",
                "-addext",
                f"subjectAltName=DNS:{PUBLIC},DNS:*.{PUBLIC}",
                "-out",
                chain,
                "-keyout",
                key,
            ],
            capture_output=True,
            check=True,
            timeout=30,
        )
        site = replaced(
            text(self.file),
            {
                "127.0.0.1:8080": f"127.0.0.1:{self.gateway.port}",
                "127.0.0.1:8081": f"127.0.0.1:{self.gateway.admin_port}",
                "    listen [::]:80 default_server;\n": "",
                "    listen [::]:443 ssl http2 default_server;\n": "",
                "    listen [::]:443 ssl http2;\n": "",
                "listen 80 ": f"listen 127.0.0.1:{self.plain_port} ",
                "listen 443 ": f"listen 127.0.0.1:{self.port} ",
                "/etc/ssl/tollgate/": self.folder + "/",
                "/var/log/nginx/": self.logs + "/",
                "allow 10.0.0.0/8;": "allow 127.0.0.0/8;",
            },
        )
        self.write("tollgate.conf", site)
        # As Debian's own nginx.conf, whose logs are at their most talkative here.
        self.write(
            "nginx.conf",
            "\n".join(
                [
                    "user root;" if os.getuid() == 0 else "",
                    "daemon off;",
                    "worker_processes 2;",
                    f"pid {self.folder}/pid;",
                    f"error_log {self.logs}/error.log info;",
                    "events { worker_connections 768; }",
                    "http {",
                    f"access_log {self.logs}/access.log;",
                    f"error_log {self.logs}/http-error.log info;",
                    *(
                        f"{kind}_temp_path {self.folder}/{kind};"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
                    ),
                    "sendfile on; tcp_nopush on; types_hash_max_size 2048; gzip on;",
                    "include tollgate.conf;",
                    "}",
                ]
            ),
        )
        self.run([tool("nginx"), "-p", self.folder, "-c", os.path.join(self.folder, "nginx.conf")])

    def write(self, name, content):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(content)

    def authority(self):
        return os.path.join(self.folder, "fullchain.pem")


class Caddy(Proxy):
    name = "Caddy"
    file = "Caddyfile"

    def start(self):
        site = replaced(
            text(self.file),
            {
                "127.0.0.1:8080": f"127.0.0.1:{self.gateway.port}",
                "127.0.0.1:8081": f"127.0.0.1:{self.gateway.admin_port}",
                "/var/log/caddy/": self.logs + "/",
                "remote_ip 10.0.0.0/8": "remote_ip 127.0.0.0/8",
                # No authority can be asked here, and other Caddys may run on this machine.
                "{\n\t# Caddy's own log": "{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n"
                f"\thttp_port {self.plain_port}\n"
                f"\thttps_port {self.port}\n\tdefault_bind 127.0.0.1\n\t# Caddy's own log",
            },
        )
        path = os.path.join(self.folder, "Caddyfile")
        with open(path, "w", encoding="utf-8") as file:
            file.write(site)
        self.run(
            [tool("caddy"), "run", "--adapter", "caddyfile", "--config", path],
            HOME=self.folder,
            XDG_DATA_HOME=self.folder,
            XDG_CONFIG_HOME=self.folder,
        )

    def listens(self):
        """It makes the certificates of its names one after the other."""
        if not super().listens() or not os.path.exists(self.authority()):
            return False
        try:
            for name in (PUBLIC, "a." + PUBLIC, ADMIN):
                with socket.create_connection(("127.0.0.1", self.port), 5) as raw:
                    ssl.create_default_context(cafile=self.authority()).wrap_socket(raw, server_hostname=name).close()
        except ssl.SSLError:
            return False
        return True

    def authority(self):
        return os.path.join(self.folder, "caddy", "pki", "authorities", "local", "root.crt")


class Named(http.client.HTTPSConnection):
    """A connection to the proxy under one of its names."""

    def __init__(self, proxy, name):
        super().__init__(name, proxy.port, timeout=120, context=proxy.context)

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(raw, server_hostname=self.host)


class Door(Gateway):
    """A gateway as it is reached through its proxy. Keeps the request ids of all answers."""

    def __init__(self, proxy):
        self.proxy, self.gateway, self.port = proxy, proxy.gateway, proxy.port
        self.request_ids = []

    @property
    def provider_key(self):
        return self.gateway.provider_key

    def request(self, method, path, *more, name=None, **options):
        options.pop("connection", None)
        connection = Named(self.proxy, name or (ADMIN if path.startswith("/provider/") else PUBLIC))
        try:
            answer = super().request(method, path, *more, connection=connection, **options)
        finally:
            connection.close()
        self.request_ids += [answer.headers["request-id"]] if "request-id" in answer.headers else []
        return answer


def answers(data):
    """(status, headers, body) of each answer in what came over a connection, framed in whichever way a proxy likes."""
    found = []
    while data.startswith(b"HTTP/1."):
        head, _, data = data.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        status, body = int(first.split(" ")[1]), b""
        if headers.get("transfer-encoding") == "chunked":
            size = None
            while size != 0 and b"\r\n" in data:
                line, _, data = data.partition(b"\r\n")
                size = int(line, 16)
                body, data = body + data[:size], data[size + 2 :]
        elif status >= 200 and status not in (204, 304):
            length = int(headers.get("content-length", len(data)))
            body, data = data[:length], data[length:]
        if status >= 200:
            found.append((status, headers, body))
    return found + ([(0, {}, data)] if data else [])
