"""What clients.py needs besides the clients: a place between a client and a gateway that records what is asked and can
lose, refuse or spoil answers, and the readers of the types that each client declares, held against an OpenAPI
document."""

import contextlib
import http.client
import http.server
import importlib.util
import json
import re
import socket
import struct
import threading
import time
import types
import typing
import urllib.parse


class Asked:
    """One request as it came, and the answer's headers where it was passed on."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.answer = None

    @property
    def place(self):
        return urllib.parse.urlsplit(self.path)


class Between:
    """`faults`: what becomes of the next requests, one each; then all are passed on. "lose": done, and the connection
    is closed without an answer; "reset": not even done; "half": half of the answer; "drip" and "drip head": an answer
    whose body or head comes byte by byte and goes on while the client waits; (status, headers, body): that answer; a
    function: it is called, and then "reset"."""

    drip_seconds = 0.05
    drips_max = 1_200

    def __init__(self, gateway):
        self.gateway, self.asked, self.faults = gateway, [], []
        between = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                between.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.base_url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, call):
        body = call.rfile.read(int(call.headers.get("Content-Length") or 0))
        asked = Asked(call.command, call.path, dict(call.headers.items()), body)
        self.asked.append(asked)
        fault = self.faults.pop(0) if self.faults else None
        if callable(fault):
            fault()
            fault = "reset"
        if fault == "reset":
            call.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            call.close_connection = True
            return
        if fault in ("drip", "drip head"):
            self.drip(call, is_head=fault == "drip head")
            return
        if isinstance(fault, tuple):
            self.answer(call, *fault)
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(call.command, call.path, body, asked.headers)
            answer = connection.getresponse()
            content = answer.read()
        asked.answer = dict(answer.getheaders())
        if fault == "lose":
            call.close_connection = True
            return
        kept = {
            name: value for name, value in answer.getheaders()
            if name.lower() not in ("connection", "transfer-encoding", "content-length")}
        self.answer(call, answer.status, kept, content, is_half=fault == "half")

    def drip(self, call, is_head):
        call.close_connection = True
        begun = b"HTTP/1.1 200 OK\r\nX-Slow: " if is_head else b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{"
        with contextlib.suppress(OSError):
            call.wfile.write(begun)
            for _ in range(self.drips_max):
                # As slow as the fault is: the client is meant to leave meanwhile.
                time.sleep(self.drip_seconds)
                call.wfile.write(b" ")

    @staticmethod
    def answer(call, status, headers, content, is_half=False):
        call.send_response_only(status)
        for name, value in headers.items():
            call.send_header(name, value)
        call.send_header("Content-Length", str(len(content)))
        call.end_headers()
        call.wfile.write(content[:len(content) // 2] if is_half else content)
        call.close_connection = call.close_connection or is_half


# Types, as each client declares them. A field is (kind, may it be null, may it be left out); a kind is "string",
# "integer", "boolean", "any", the name of another type, or ("list" or "map", kind).

def python_types(path):
    spec = importlib.util.spec_from_file_location("tollgate_client", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = {str: "string", int: "integer", bool: "boolean", typing.Any: "any"}

    def field(hint):
        is_optional = typing.get_origin(hint) is typing.NotRequired
        if is_optional:
            hint = typing.get_args(hint)[0]
        parts = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        kinds = [part for part in parts if part is not type(None)]
        assert len(kinds) == 1, hint
        return kind(kinds[0]), len(kinds) < len(parts), is_optional

    def kind(hint):
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if origin in (list, dict):
            return ("list" if origin is list else "map", kind(inner[-1]))
        return names.get(hint) or hint.__name__

    found, declared = {}, [value for value in vars(module).values() if typing.is_typeddict(value)]
    for value in declared:
        hints = typing.get_type_hints(value, include_extras=True)
        found[value.__name__] = {name: field(hint) for name, hint in hints.items()}
    returned = {}
    for name, method in vars(module.Tollgate).items():
        if not name.startswith("_"):
            hint = typing.get_type_hints(method)["return"]
            returned[name] = (typing.get_args(hint) or (hint,))[0].__name__
    return found, returned


def javascript_types(path):
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"\n *\*(?!/) *", " ", file.read())
    declared = re.findall(r"@typedef \{(.*?)\} (\w+) \*/", text)
    returned = re.findall(
        r"@returns \{(?:Promise|AsyncGenerator)<(\w+)>\}(?:(?!\*/)[\s\S])*?\*/\s+(?!export|constructor)(\w+)\(",
        text)
    return written_types({name: shape for shape, name in declared}), {name: kind for kind, name in returned}


def php_types(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    flat = re.sub(r"\n \* {2,}", " ", text)
    declared = re.findall(r"@phpstan-type (\w+) (.*)", flat)
    returned = re.findall(r"@return (?:\\Generator<)?(\w+)>?\s(?:(?!\*/)[\s\S])*?\*/\s+public function (\w+)\(", text)
    return written_types(dict(declared)), {name: kind for kind, name in returned}


def split(text, mark):
    """At those marks that stand in no brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "{<(") - (letter in "}>)")
        if letter == mark and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def written_types(declared):
    names = {"number": "integer", "int": "integer", "bool": "boolean", "mixed": "any"}

    def kind(text):
        if text.endswith("[]"):
            return ("list", kind(text[:-2]))
        inner = re.fullmatch(r"(list|array|Record)<(.*)>", text)
        if inner:
            return ("list" if inner[1] == "list" else "map", kind(split(inner[2], ",")[-1]))
        return names.get(text, text)

    def fields(shape):
        found = {}
        for part in split(shape, "&"):
            body = re.fullmatch(r"(?:array)?\{(.*)\}", part)
            if not body:
                found |= fields(declared[part])
                continue
            for member in split(body[1], ","):
                name, _, type_text = member.partition(":")
                kinds = split(type_text, "|")
                found[name.strip().rstrip("?")] = (
                    kind(next(text for text in kinds if text != "null")), "null" in kinds, name.strip().endswith("?"))
        return found

    return {name: fields(shape) for name, shape in declared.items() if "{" in shape}


class Document:
    """An OpenAPI document, and what differs between it and what a client has."""

    def __init__(self, document):
        self.json = document

    def whole(self, schema):
        while "$ref" in schema:
            place = self.json
            for name in schema["$ref"].removeprefix("#/").split("/"):
                place = place[name]
            schema = place
        return schema

    def operation(self, method, path):
        return self.json["paths"].get(path, {}).get(method.lower())

    def answered(self, method, path):
        """The schema of a 2xx answer; of a list's rows where it is a list of pages."""
        operation = self.operation(method, path)
        if operation is None:
            return None
        status = next(status for status in operation["responses"] if status.startswith("2"))
        return self.whole(operation["responses"][status]["content"]["application/json"]["schema"])

    def asks(self, method, path):
        operation = self.operation(method, path)
        if operation is None:
            return None
        return self.whole(operation["requestBody"]["content"]["application/json"]["schema"])

    def differences(self, name, schema, declared, place=None):
        """Of the type `name` and this schema, by place."""
        if schema is None:
            return [f"{name}: the call is not described"]
        schema, place = self.whole(schema), place or name
        described, found = schema.get("properties", {}), []
        for field in described.keys() - declared[name].keys():
            found.append(f"{place}.{field}: described, and not in the client")
        for field, (kind, is_null, is_optional) in declared[name].items():
            if field not in described:
                found.append(f"{place}.{field}: in the client, and not described")
                continue
            member = self.whole(described[field])
            if is_optional != (field not in schema.get("required", [])):
                found.append(f"{place}.{field}: may it be left out?")
            found += self.unlike(kind, is_null, member, declared, f"{place}.{field}")
        return found

    def unlike(self, kind, is_null, schema, declared, place):
        if "anyOf" in schema:
            choices = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
            assert len(choices) == 1, schema
            schema = {**choices[0], "type": [choices[0]["type"], "null"]}
        given = schema.get("type")
        given = given if isinstance(given, list) else [given]
        found = [] if is_null == ("null" in given) else [f"{place}: may it be null?"]
        wanted = next(name for name in given if name != "null")
        if kind == "any":
            return found
        if isinstance(kind, tuple):
            outer, inner = ("array", "items") if kind[0] == "list" else ("object", "additionalProperties")
            if wanted != outer:
                return [*found, f"{place}: {wanted}"]
            below = schema.get(inner)
            if not isinstance(below, dict):
                return found if kind[1] == "any" else [*found, f"{place}: of what?"]
            below = self.whole(below)
            return found + self.unlike(kind[1], False, below, declared, place + "[]")
        if kind in declared:
            return found + self.differences(kind, schema, declared, place)
        return found if kind == wanted else [*found, f"{place}: {kind}, described as {wanted}"]

    def unknown(self, base, asked):
        """What a request has that the document does not describe."""
        path = asked.place.path.removeprefix(base)
        patterns = sorted(self.json["paths"], key=lambda pattern: pattern.count("{"))
        fits = [
            pattern for pattern in patterns
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(pattern)), path)
            and asked.method.lower() in self.json["paths"][pattern]]
        if not fits:
            return [f"{asked.method} {path}: not described"]
        operation = self.json["paths"][fits[0]][asked.method.lower()]
        known = {parameter["name"].lower() for parameter in operation.get("parameters", [])}
        given = {name.lower() for name in urllib.parse.parse_qs(asked.place.query)}
        given |= {name.lower() for name in asked.headers if name.startswith(("X-Tollgate", "Idempotency"))}
        found = [f"{asked.method} {path}: {name} is not described" for name in given - known]
        if asked.body:
            found += self.strange(json.loads(asked.body), self.asks(asked.method, fits[0]), path)
        return found

    def strange(self, value, schema, place):
        schema, found = self.whole(schema), []
        for name in schema.get("required", []):
            if name not in value:
                found.append(f"{place}/{name}: required, and not sent")
        for name, member in value.items():
            if name not in schema["properties"]:
                found.append(f"{place}/{name}: sent, and not described")
            elif isinstance(member, dict):
                found += self.strange(member, schema["properties"][name], f"{place}/{name}")
        return found


def changes(document, calls):
    """Each a change of a copy of the document, of what clients rely on by these calls; it returns what it did."""
    reached = set()

    def walk(schema, place):
        """The places of objects that calls of the clients answer with."""
        while "$ref" in schema:
            place = tuple(schema["$ref"].removeprefix("#/").split("/"))
            schema = at(document, place)
        if place in reached:
            return
        if "properties" in schema:
            reached.add(place)
        for name, member in schema.get("properties", {}).items():
            walk(member, (*place, "properties", name))
        for inner in ("items", "additionalProperties"):
            if isinstance(schema.get(inner), dict):
                walk(schema[inner], (*place, inner))

    for method, path, is_pages in calls:
        operation = ("paths", path, method.lower())
        responses = at(document, (*operation, "responses"))
        status = next(status for status in responses if status.startswith("2"))
        content = (*operation, "responses", status, "content", "application/json", "schema")
        rows = (*content, "properties", "data", "items")
        walk(at(document, rows if is_pages else content), rows if is_pages else content)
        yield lambda copied, path=path: f"{copied['paths'].pop(path)} was {path}"
    for place in sorted(reached):
        for name in at(document, place)["properties"]:
            yield lambda copied, place=place, name=name: renamed(at(copied, place)["properties"], name)
            if "$ref" not in at(document, place)["properties"][name]:
                yield lambda copied, place=place, name=name: retyped(at(copied, place)["properties"], name)


def at(document, place):
    for name in place:
        document = document[name]
    return document


def renamed(properties, name):
    properties[name + "_new"] = properties.pop(name)
    return f"{name} was renamed"


def retyped(properties, name):
    properties[name] = {"type": "number"}
    return f"{name} was retyped"
