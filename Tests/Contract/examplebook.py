"""Calls that are told in order, one of each operation of an API, and the examples of them: what was sent and what came
back, with stand-ins for what each run has otherwise."""

import collections
import csv
import hashlib
import io
import json
import os
import re

from support import ROOT, Answer, Number, signature_headers

FOLDER = os.path.join(ROOT, "Sources", "CExamples", "calls")
# The time of day at which the gateway stands: every time in an answer is the same in each run.
TIME = "2026-03-22 10:30:00"
SECONDS = 1774175400
PASSWORD = "correct horse battery"
# Files that no text in a description can show.
BINARY = {"image/png", "image/webp", "application/vnd.sqlite3", "application/vnd.tollgate.tenant",
          "application/vnd.tollgate.backup"}
# Credentials that the query carries.
IN_QUERY = {"api_token"}

LOWER = "0123456789abcdefghijklmnopqrstuvwxyz"
BASE62 = LOWER + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HEX = LOWER[:16]
# What differs from run to run, by how it reads: kind, what stays of it, what is made up, and of which letters.
RULES = [
    ("key", r"\b(?P<key_head>[a-z][a-z0-9]{1,15}_(?:live|test)_)[0-9A-Za-z]{20,}\b", BASE62),
    ("prefix", r"\b(?P<prefix_head>[a-z][a-z0-9]{1,15}_(?:live|test)_)[0-9A-Za-z]{4}\b", BASE62),
    ("secret", r"(?P<secret_head>whsec_)[A-Za-z0-9+/_-]{20,}=*", BASE62),
    ("delivered", r"(?P<delivered_head>v1,)[A-Za-z0-9+/]{43}=", BASE62),
    ("signed", r"(?P<signed_head>v1=)[0-9a-f]{64}\b", HEX),
    ("uuid", r"\b(?P<uuid_head>)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", HEX),
    ("request", r"\b(?P<request_head>req_)[0-9a-f]{32}\b", HEX),
    ("port", r"\b(?P<port_head>psx_)[0-9A-Za-z]{6}_[0-9A-Za-z]{6}\b", BASE62),
    ("login", r"\b(?P<login_head>user)[0-9A-Za-z]{10}\b", BASE62),
    ("id", r"\b(?P<id_head>[a-z]{2,8}_)[0-9a-z]{16,40}\b", LOWER),
    ("hex", r"(?<![0-9A-Za-z])(?P<hex_head>)(?=[0-9]*[a-f])[0-9a-f]{24,}(?![0-9A-Za-z])", HEX),
    ("ed25519", r"(?<![0-9A-Za-z+/])(?P<ed25519_head>)[A-Za-z0-9+/]{43,86}={1,2}", BASE62),
    ("token", r"(?<![0-9A-Za-z_-])(?P<token_head>)(?=[a-z0-9_-]*[A-Z])(?=[A-Z0-9_-]*[a-z])[0-9A-Za-z_-]{24,}"
     r"(?![0-9A-Za-z_-])", BASE62),
]
VARYING = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern, _ in RULES))
LETTERS = {kind: letters for kind, _, letters in RULES}
# What is measured, by the member's name.
MEASURED = {
    "latency_us": 1840, "ms": 12, "bytes": 512, "bytes_in": 128, "bytes_out": 512, "size_bytes": 1_048_576,
    "value": 1024, "records_in_blocks": 120}
# What is said of something measured: on a slow machine another thing.
JUDGED = {"level": "good"}
# Short secrets, by the member's name; a cursor's length hangs on what it names.
NAMED = {"proxyPassword": 12, "next_cursor": 64, "nextCursor": 64, "cursor": 64}
# A number of an id that is a number.
FIRST_NUMBER = 201_050_726_400_000


class StandIns:
    """Of each text that differs from run to run one that does not, of its length and letters, by the order in which
    they come; and the way back."""

    def __init__(self, name):
        self.name = name
        self.stands = {}
        self.lives = {}
        self.counts = collections.Counter()

    def say(self, live, stand):
        self.stands[live] = stand
        self.lives[stand] = live

    def number(self, live):
        """Of an id that is a number."""
        if live not in self.stands:
            self.counts["number"] += 1
            self.say(live, str(FIRST_NUMBER + self.counts["number"]))
        return Number(self.stands[live])

    def drawn(self, kind, count):
        """So many bytes that follow from the kind and how many there were of it."""
        self.counts[kind] += 1
        return hashlib.shake_256(f"{self.name} {kind} {self.counts[kind]}".encode()).digest(count)

    def made_up(self, kind, live, head, letters):
        """`head` and letters that follow from the kind and its number; what is no letter or digit stays."""
        rest, drawn = live[len(head):], self.drawn(kind + head, len(live))
        made = head + "".join(
            letters[byte % len(letters)] if letter.isalnum() or letter in "+/" or kind == "token" else letter
            for letter, byte in zip(rest, drawn))
        self.say(live, made)
        return made

    def stand_in(self, match):
        live = match.group(0)
        kind = next(kind for kind, _, _ in RULES if match.group(kind) is not None)
        if live in self.stands:
            return self.stands[live]
        head = match.group(kind + "_head")
        if kind == "key":
            # What lists show of a key is how it begins.
            head = self.stands.get(live[:len(head) + 4], head)
        made = self.made_up(kind, live, head, LETTERS[kind])
        if kind == "key":
            shown = len(match.group("key_head")) + 4
            self.say(live[:shown], made[:shown])
        return made

    def text(self, live):
        if live in self.stands:
            return self.stands[live]
        for known in sorted((known for known in self.stands if "://" in known), key=len, reverse=True):
            live = live.replace(known, self.stands[known])
        return VARYING.sub(self.stand_in, live)

    def general(self, value, name=None):
        if isinstance(value, dict):
            if {"burst", "remaining", "reset"} <= value.keys():
                # What is left of a limit hangs on how fast the machine is: as if nobody had called.
                value = {**value, "remaining": value["burst"], "reset": Number("0")}
            return {self.text(key): self.general(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.general(inner, name) for inner in value]
        if isinstance(value, Number):
            if name == "id" and len(value) == len(str(FIRST_NUMBER)):
                return self.number(value)
            return Number(MEASURED[name]) if name in MEASURED else value
        if isinstance(value, str):
            if name in JUDGED:
                return JUDGED[name]
            if name in NAMED and value not in self.stands:
                self.say(value, "".join(BASE62[byte % len(BASE62)] for byte in self.drawn(name, NAMED[name])))
            return self.text(value)
        return value

    def back(self, value):
        if isinstance(value, dict):
            return {self.back(key): self.back(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.back(inner) for inner in value]
        if isinstance(value, str) and not isinstance(value, Number):
            for stand in sorted(self.lives, key=len, reverse=True):
                value = value.replace(stand, self.lives[stand])
        return value


def loads(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


def written(value):
    """JSON on one line, numbers digit for digit."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


class Stage:
    """A tenant of every dialect, and who acts in it."""

    def __init__(self, gateway, slug, prefix):
        self.gateway, self.slug = gateway, slug
        self.base = f"/t/{slug}"
        self.calls = 0
        self.owner_email = f"owner@{slug}.example"
        self.owner_key = self.provider("POST", "/tenants", {
            "slug": slug, "blueprint": "everything", "owner_email": self.owner_email, "tier": "pro", "prefix": prefix,
            "password": PASSWORD})["owner_key"]

    def call(self, method, path, body=None, **options):
        answer = self.gateway.request(method, path, body, **options)
        assert answer.status in (200, 201, 202, 204), (method, path, answer)
        return loads(answer.body) if answer.body else None

    def provider(self, method, path, body=None):
        return self.call(method, "/provider/v1" + path, body, key=self.gateway.provider_key)

    def admin(self, method, path, body=None, key=None, type=None):
        self.calls += 1
        headers = {"Idempotency-Key": f"scene-{self.calls}"}
        if type:
            headers["Content-Type"] = type
        return self.call(method, f"{self.base}/api/admin{path}", body, key=key or self.owner_key, headers=headers)

    def reseller(self, name, company, balance="500.00", **terms):
        """An active one, with a key, a password and a signing secret."""
        made = self.admin("POST", "/resellers", {
            "email": f"{name.lower()}@{self.slug}.example", "name": f"{name} Lovelace", "company": company,
            "password": PASSWORD})
        self.admin("POST", f"/resellers/{made['id']}/approve")
        if terms:
            self.admin("PATCH", f"/resellers/{made['id']}", terms)
        if balance:
            self.admin("POST", f"/resellers/{made['id']}/balance", {"amount": balance, "reference": "bank transfer"})
        key = self.admin("POST", "/api-keys", {"owner_email": made["email"], "name": "shop"})
        return {**made, "key": key["key"], "key_id": key["id"]}

    def product(self, sku, name, fulfilment="instant", **fields):
        self.admin("POST", "/products", {"sku": sku, "name": name, "fulfilment": fulfilment, **fields})

    def session(self, path, email, name):
        return self.call("POST", self.base + path, {"email": email, "password": PASSWORD})[name]


# What a node by itself cannot do.
CLUSTERED = ("POST /nodes/{node}/drain", "DELETE /nodes/{node}/drain", "POST /tenants/{slug}/adopt")


def members(schema, components):
    """The names of members that a schema has at its top, in any of its alternatives."""
    if "$ref" in schema:
        schema = components["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    parts = [part for word in ("anyOf", "oneOf", "allOf") for part in schema.get(word, [])]
    return set(schema.get("properties", {})).union(*(members(part, components) for part in parts))


class Story:
    """One API's calls. `served`: its description, whose examples are then sent, their stand-ins replaced by what is
    there; without it what the story says is sent, to be written down."""

    def __init__(self, name, document, gateway, base, is_recorded):
        self.name, self.gateway, self.base = name, gateway, base
        self.document = document = loads(document)
        self.is_recorded = is_recorded
        self.operations = {
            f"{method.upper()} {path}": operation
            for path, methods in document["paths"].items() for method, operation in methods.items()}
        self.stand_ins = StandIns(name)
        self.stand_ins.say(gateway.base_url, "https://tollgate.example")
        self.examples = {}
        self.refusals = {}
        self.faults = []
        self.headers = {}
        self.secret = None

    def bearer(self, key):
        self.headers = {"Authorization": f"Bearer {key}"}

    def __call__(self, name, body=None, /, *, query=None, headers=None, type="application/json", place=None, **path):
        """Calls it; the answer's body. `place`: the credential, where it is another; `path`: values of the pattern's
        parameters."""
        operation = self.operations[name]
        method, pattern = name.split(" ")
        told = self.examples.setdefault(name, {"parameters": {}, "body": {}, "answer": {}})
        assert type not in told["body"] or body is None, f"{name} is told twice"
        headers, query = dict(headers or {}), dict(query or {})
        sent = body
        if body is not None and type not in BINARY:
            sent = self.example(name, "body", type, operation.get("requestBody", {}).get("content", {}), body)
            told["body"][type] = self.stand_ins.general(loads(written(body)))
        target = re.sub(r"\{(\w+)\}", lambda found: str(path[found[1]]), pattern)
        address = self.base + target
        credential, in_query = self.credential(place)
        if in_query or query:
            address += "?" + "&".join(f"{key}={value}" for key, value in {**in_query, **query}.items())
        raw = None
        if sent is not None:
            raw = sent if isinstance(sent, bytes) else (
                written(sent) if type == "application/json" else sent).encode()
            headers.setdefault("Content-Type", type)
        names = {parameter["name"]: parameter for parameter in operation["parameters"]}
        if names.get("Idempotency-Key", {}).get("required"):
            headers.setdefault("Idempotency-Key", f"example-{len(self.examples)}-{len(told['body'])}")
        if "X-Tollgate-Signature" in names:
            headers |= signature_headers(self.secret, method, address, headers["Idempotency-Key"], raw, SECONDS)
        given = {**path, **query, **{key: value for key, value in headers.items() if key in names}}
        told["parameters"] = told["parameters"] or self.parameters(name, names, given)
        answer = self.gateway.request(method, address, raw, headers={**credential, **headers})
        return self.answered(name, operation, told, answer)

    def credential(self, place=None):
        """What of it stands in the head, and what in the query."""
        place = self.headers if place is None else place
        return ({name: value for name, value in place.items() if name not in IN_QUERY},
                {name: value for name, value in place.items() if name in IN_QUERY})

    def aside(self, method, path, body=None, place=None):
        """A call that is no example."""
        headers, query = self.credential(place)
        path += "".join(f"?{name}={value}" for name, value in query.items())
        answer = self.gateway.request(method, self.base + path, body, headers=headers)
        assert answer.status < 300, (method, path, answer)
        return answer.json

    def parameters(self, name, names, given):
        general = self.stand_ins.general({
            key: loads(str(value)) if names[key]["schema"].get("type") == "integer" else str(value)
            for key, value in given.items() if key in names and key != "Tollgate-Passphrase"})
        if not self.is_recorded:
            for key, value in general.items():
                self.compare(f"{name}: the parameter {key}", names[key].get("example"), value)
        return general

    def example(self, name, what, type, content, own):
        """What is sent: the served example with what is there in the place of its stand-ins."""
        if self.is_recorded:
            return own
        served = content.get(type, {}).get("example")
        self.compare(f"{name}: its {what} as {type}", served, self.stand_ins.general(loads(written(own))))
        return own if served is None else self.stand_ins.back(served)

    def answered(self, name, operation, told, answer):
        documented = [status for status in operation["responses"] if status[0] == "2"]
        if [str(answer.status)] != documented:
            raise AssertionError(f"{name}: {answer}, not {documented}")
        content = operation["responses"][documented[0]].get("content", {})
        type = answer.headers.get("content-type", "").split(";")[0]
        if not answer.body or type in BINARY:
            return answer.body
        is_json = type == "application/json"
        got = loads(answer.body) if is_json else answer.body.decode()
        general = self.stand_ins.general(self.shown(got)) if is_json else self.file(type, got)
        if not told["answer"]:
            told["answer"][type] = general
            if not self.is_recorded:
                self.compare(f"{name}: its answer", content.get(type, {}).get("example"), general)
        return got

    def file(self, type, text):
        """CSV or lines of JSON, each value by its name."""
        if type == "application/jsonl":
            return "".join(written(self.stand_ins.general(loads(line))) + "\n" for line in text.splitlines())
        names, *rows = csv.reader(io.StringIO(text))
        told = io.StringIO()
        csv.writer(told).writerows([names, *(
            [self.stand_ins.general(Number(cell) if cell.isdecimal() else cell, name) for name, cell in zip(names, row)]
            for row in rows)])
        return told.getvalue()

    @staticmethod
    def shown(answer):
        """A description within a description is shown without its calls."""
        if isinstance(answer, dict) and "openapi" in answer:
            return {name: {} if name == "paths" else answer[name] for name in ("openapi", "info", "servers", "paths")}
        return answer

    def compare(self, what, served, got):
        if served != got:
            self.faults.append(f"{what} is served as\n    {written(served)}\n  and is\n    {written(got)}")

    def refused(self, status, method, path, body=None, headers=None, key=None):
        """A refusal with this status on the wire, which any operation may meet."""
        answer = self.gateway.request(
            method, self.base + path, body, headers={**self.credential(key)[0], **(headers or {})})
        self.refusal(status, answer)

    def refusal(self, status, answer):
        if answer.status != status:
            self.faults.append(f"{self.name}: {answer}, not {status}")
            return
        general = self.stand_ins.general(loads(answer.body))
        self.refusals[str(status)] = general
        if not self.is_recorded:
            served = self.document["components"]["responses"][f"Refused{status}"]["content"]
            self.compare(f"the refusal {status}", next(iter(served.values())).get("example"), general)

    def missing(self):
        """What has to have an example, and was not told."""
        found = []
        for name, operation in self.operations.items():
            if name not in self.examples:
                if name not in CLUSTERED:
                    found.append(name)
                continue
            given = next(answer for status, answer in operation["responses"].items() if status[0] == "2")
            found += [f"{name}: an answer as {type}" for type in given.get("content", {})
                      if type not in BINARY and type not in self.examples[name]["answer"]]
            content = operation.get("requestBody", {}).get("content", {})
            found += [f"{name}: a body as {type}" for type in content
                      if type not in BINARY and type not in self.examples[name]["body"]]
        return found + [
            f"{status} has no example" for status, answer in self.document["components"]["responses"].items()
            if not self.is_recorded and "example" not in next(iter(answer["content"].values()))]

    def unlike_schema(self):
        """Where an example is not what its schema says, as texts."""
        import jsonschema

        document = json.loads(written(self.document))
        found = []

        def judge(what, schema, value):
            whole = {**schema, "components": document["components"]}
            errors = jsonschema.Draft202012Validator(whole).iter_errors(json.loads(written(value)))
            found.extend(f"{what}: {error.json_path}: {error.message[:300]}" for error in errors)

        for name, told in self.examples.items():
            method, path = name.split(" ")
            operation = document["paths"][path][method.lower()]
            for parameter in operation["parameters"]:
                if parameter["name"] in told["parameters"]:
                    judge(f"{name}: {parameter['name']}", parameter["schema"], told["parameters"][parameter["name"]])
            for type, value in told["body"].items():
                schema = operation["requestBody"]["content"][type]["schema"]
                judge(f"{name}: its body", schema, value)
                # Dialects ignore a member that nobody reads; whoever copies the example believes in it.
                known = members(schema, document["components"])
                if isinstance(value, dict) and known and not isinstance(schema.get("additionalProperties"), dict):
                    found.extend(f"{name}: its body: nothing reads {member}" for member in value.keys() - known)
            answers = operation["responses"].items()
            content = next(answer for status, answer in answers if status[0] == "2").get("content")
            for type, value in told["answer"].items():
                judge(f"{name}: its answer", content[type]["schema"], value)
        for status, answer in document["components"]["responses"].items():
            for content in answer["content"].values():
                if "example" in content:
                    judge(status, content["schema"], content["example"])
        return found

    def write(self):
        calls = {name: {part: value for part, value in told.items() if value} for name, told in self.examples.items()}
        calls["refusals"] = self.refusals
        lines = [f"{json.dumps(name)}: {written(calls[name])}" for name in sorted(calls)]
        with open(os.path.join(FOLDER, self.name + ".json"), "w", encoding="utf-8") as file:
            file.write("{\n" + ",\n".join(lines) + "\n}\n")


__all__ = ["Answer", "Stage", "Story", "PASSWORD", "TIME"]
