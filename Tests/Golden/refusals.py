#!/usr/bin/env python3
"""Bad input to every operation of every served API, made up from its description: no, a wrong and a foreign credential,
unknown ids, bad queries, broken and wrong bodies. What is answered is recorded, not judged. `TOLLGATE_DESCRIPTIONS`: a
folder that gets the descriptions themselves."""

import http.client
import itertools
import json
import os
import re

from support import Checks, Gateway, arguments

# As blueprints name the demo's tenants.
DOCUMENTS = {
    "provider": "/provider/v1", "admin": "/t/hosting/api/admin", "orders": "/t/hosting/api/partner/v1",
    "credits": "/t/panel/api/v1/reseller", "licences": "/t/licences/reseller", "ports": "/t/proxies/v1",
    "codes": "/t/codes/api/reseller"}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# Not called with a sound credential: they end what the rest needs.
ENDING = {"POST /logout", "DELETE /session", "POST /keys/{id}/rotate", "DELETE /keys/{id}"}
WRONG = {
    "a number": 7, "a fraction": 1.5, "true": True, "null": None, "a list": [], "an object": {}, "an empty text": "",
    "a text": "x y", "a long text": "x" * 5000, "a control character": "a\u0000b", "below zero": -1,
    "too large": 10**18}
BROKEN = [b"", b"{", b"[]", b"null", b"5", b'"x"', b'{"a":1,"a":2}', b"{} x", b"\xff\xfe", b'{"a":' * 200,
          b"a,b\n1,2\n"]
OTHER_TYPES = ["text/plain", "application/xml", "application/x-www-form-urlencoded", "nonsense",
               "application/json; charset=latin-1"]
UNKNOWN = ["unknown", "res_01m8g82q74j5gw39t8mg016rda", "0", "%00", "x" * 300, "..%2f..", "%ff"]
TEXTS = {"email": "nobody@there.example", "uri": "https://there.example/", "date-time": "2099-01-01T00:00:00Z"}
QUERIES = ["", "x", "-1", "0", "101", "1.5", "%ff", "99999999999999999999", "2026-13-01"]


class Caller:
    """Calls one API; no address fails so often that it would be refused for that."""

    addresses = itertools.count(1)

    def __init__(self, gateway, name):
        self.gateway, self.name, self.base = gateway, name, DOCUMENTS[name]
        demo = gateway.demo
        tenant = demo["tenants"].get(self.base.split("/")[2]) if name != "provider" else None
        key = {"provider": gateway.provider_key, "admin": tenant and tenant["owner_key"]}.get(name)
        self.key = key or tenant["resellers"][0]["key"]
        self.foreign = demo["tenants"]["panel" if name != "credits" else "hosting"]["resellers"][0]["key"]
        self.description = self.read()
        self.scheme = self.placed(self.description["components"]["securitySchemes"])

    def read(self):
        answer = self.gateway.get(self.base + "/openapi.json")
        assert answer.status == 200, answer
        folder = os.environ.get("TOLLGATE_DESCRIPTIONS")
        if folder:
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, f"{self.name}.json"), "wb") as file:
                file.write(answer.body.replace(f":{self.gateway.port}".encode(), b":PORT"))
        return answer.json

    @staticmethod
    def placed(schemes):
        """Where a key goes; people's seed hash is another."""
        for scheme in schemes.values():
            if scheme["type"] == "apiKey" and scheme["name"].lower() != "x-seed-hash":
                return scheme
        return {"in": "bearer"}

    def send(self, method, path, body=None, key=None, headers=None):
        number = next(self.addresses)
        headers = {"X-Forwarded-For": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", **(headers or {})}
        if key is not None and self.scheme["in"] == "query":
            path += ("&" if "?" in path else "?") + f"{self.scheme['name']}={key}"
        elif key is not None and self.scheme["in"] == "header":
            headers[self.scheme["name"]] = key
        elif key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        try:
            return self.gateway.request(method, self.base + path, body, headers=headers)
        except (OSError, http.client.HTTPException):
            return None

    def resolved(self, schema):
        while "$ref" in schema:
            place = self.description
            for name in schema["$ref"].removeprefix("#/").split("/"):
                place = place[name]
            schema = place
        return schema


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8") as gateway:
        roomy(gateway)
        # The provider's own last: what it does to tenants ends what the others need.
        for name in [*(name for name in DOCUMENTS if name != "provider"), "provider"]:
            caller = Caller(gateway, name)
            for path, operations in sorted(caller.description["paths"].items()):
                with checks(f"{name} {path}"):
                    everything(caller, path, operations)
        with checks("no call has ended in an error of the gateway's own"):
            assert not gateway.errors(), gateway.errors()
    checks.finish()


def roomy(gateway):
    """Limits out of the way."""
    for name, tenant in gateway.demo["tenants"].items():
        for reseller in tenant["resellers"]:
            changed = gateway.patch(
                f"/t/{tenant['slug']}/api/admin/resellers/{reseller['id']}",
                {"rate_limit": {"requests": 1_000_000, "window_seconds": 60}}, key=tenant["owner_key"])
            assert changed.status == 200, changed


def everything(caller, path, operations):
    for method in METHODS:
        operation = operations.get(method.lower())
        if operation is None:
            caller.send(method, filled(path, "unknown"), key=caller.key)
            continue
        credentials(caller, method, path)
        if f"{method} {path}" in ENDING or path.endswith("/owner-key"):
            continue
        unknown(caller, method, path, operation)
        content = operation.get("requestBody", {}).get("content", {})
        for kind, described in content.items():
            bodies(caller, method, path, kind, caller.resolved(described.get("schema", {})))


def filled(path, value):
    return re.sub(r"\{[^}]*\}", value, path)


def credentials(caller, method, path):
    path = filled(path, "unknown")
    body = b"{}" if method in ("POST", "PUT", "PATCH") else None
    for key in [None, "", "x", "tgh_live_0000000000000000000000000000000000", caller.foreign]:
        caller.send(method, path, body, key=key)
    caller.send(method, path, body, headers={"Authorization": "Basic eDp5"})
    caller.send(method, path, body, headers={"Authorization": "Bearer"})
    caller.send(method, path, body, headers={"X-API-Key": "x"})


def unknown(caller, method, path, operation):
    """Ids that there are not, parameters that there are not, and wrong ones."""
    body = b"{}" if method in ("POST", "PUT", "PATCH") else None
    for value in UNKNOWN if "{" in path else UNKNOWN[:1]:
        caller.send(method, filled(path, value), body, key=caller.key)
    names = [one["name"] for one in map(caller.resolved, operation["parameters"]) if one["in"] == "query"]
    place = filled(path, "unknown")
    for name, value in itertools.product([name for name in names if name != caller.scheme.get("name")], QUERIES):
        caller.send(method, f"{place}?{name}={value}", body, key=caller.key)
    for name in names:
        caller.send(method, f"{place}?{name}=1&{name}=2", body, key=caller.key)
    if method == "GET":
        caller.send(method, f"{place}?nonsense=1", key=caller.key)
        caller.send("HEAD", place, key=caller.key)
    if "Idempotency-Key" in {one["name"] for one in map(caller.resolved, operation["parameters"])}:
        for key in ["", "x" * 300, "a b", "\u00fc"]:
            caller.send(method, place, body, key=caller.key, headers={"Idempotency-Key": key.encode("latin-1")})


def bodies(caller, method, path, kind, schema):
    path = filled(path, "unknown")
    numbers = itertools.count(1)

    def send(value, kind=kind):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        caller.send(method, path, body, key=caller.key, headers={
            "Content-Type": kind, "Idempotency-Key": f"refusal-{next(numbers)}"})

    for broken in BROKEN:
        send(broken)
    for other in OTHER_TYPES:
        send(b"{}", other)
    send(b" " * (1 << 20) + b"{}")
    if not kind.endswith("json"):
        return
    good = example(caller, schema)
    if not isinstance(good, dict):
        return
    send({**good, "nonsense": 1})
    send({})
    for name in good:
        send({other: value for other, value in good.items() if other != name})
        for wrong in WRONG.values():
            send({**good, name: wrong})


def example(caller, schema, depth=0):
    """Something of the schema's type; what an id or a rule says besides is not met: it is refused in the end."""
    schema = caller.resolved(schema)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return example(caller, schema[choice][0], depth)
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        members = schema.get("properties", {}) if depth < 4 else {}
        return {name: example(caller, inner, depth + 1) for name, inner in members.items()}
    if kind == "array":
        return [example(caller, schema.get("items", {}), depth + 1)]
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), 1)
    if kind == "boolean":
        return False
    return TEXTS.get(schema.get("format"), "nothing")


if __name__ == "__main__":
    main()
