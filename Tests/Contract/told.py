"""What events say, held against what the running gateway's descriptions say that they do (H7). Each script's gateway is
gone through so at its end: no type is sent that no description has, and every body is as its description says, without
a member that it does not have."""

import contextlib
import datetime
import glob
import http.client
import json
import os
import re
import sqlite3

BASES = ["/api/partner/v1", "/api/reseller", "/v1"]
BYTES_MAX = 20_000
# Of a file whose script wrote many: the last ones, and the last of each type.
NEWEST = 500
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


class Catalogue:
    """`webhooks` of each dialect's description; {type: [(document, schema)]}."""

    def __init__(self, documents):
        self.documents = documents
        self.types = {}
        for document in documents.values():
            for name, path in document.get("webhooks", {}).items():
                content = path["post"]["requestBody"]["content"]["application/json"]
                self.types.setdefault(name, []).append((document, content["schema"], content["example"]))

    @classmethod
    def of(cls, gateway):
        """None where the gateway does not tell."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            answers = {base: gateway.get(base + "/openapi.json") for base in BASES}
            if all(answer.status == 200 for answer in answers.values()):
                return cls({base: answer.json for base, answer in answers.items()})
        return None

    def faults(self, raw):
        """What is wrong with a body, as texts."""
        body = json.loads(raw)
        if body.get("type") not in self.types:
            return [f"no description has the type {body.get('type')}"]
        found = [] if len(raw) <= BYTES_MAX else [f"{len(raw)} bytes"]
        for document, schema, _ in self.types[body["type"]]:
            found += conforms(schema, body, document, body["type"])
        return found


def resolved(schema, document):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def members(schema, document):
    """Of an object, wherever they are described; and which of them have to be there."""
    schema = resolved(schema, document)
    described, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        more, needed = members(part, document)
        described.update(more)
        required |= needed
    return described, required


def conforms(schema, value, document, path):
    schema = resolved(schema, document)
    if "anyOf" in schema and "properties" not in schema:
        tried = [conforms(one, value, document, path) for one in schema["anyOf"]]
        return [] if [] in tried else tried[0]
    found = []
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_of(value, name) for name in types):
        return [f"{path}: {value!r} is no {' or '.join(types)}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path}: {value!r} is none of {schema['enum']}")
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append(f"{path}: {value!r} is not like {schema['pattern']}")
        if schema.get("format") == "date-time":
            datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, list) and "items" in schema:
        for element in value:
            found += conforms(schema["items"], element, document, path + "/*")
    described, required = members(schema, document)
    if isinstance(value, dict) and described:
        found += [f"{path}: {name} is missing" for name in sorted(required - set(value))]
        found += [f"{path}: {name} is not described" for name in sorted(set(value) - set(described))]
        for name in set(value) & set(described):
            found += conforms(described[name], value[name], document, f"{path}/{name}")
    return found


def is_of(value, name):
    if name in ("integer", "number"):
        return isinstance(value, (int, float) if name == "number" else int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def files(data):
    return glob.glob(os.path.join(data, "tenants", "**", "*.sqlite"), recursive=True)


def bodies(data):
    """Of every tenant's file below a folder that no gateway has open: (file, type, body)."""
    for path in files(data):
        with contextlib.closing(sqlite3.connect(path)) as database:
            with contextlib.suppress(sqlite3.DatabaseError):
                yield from ((path, *row) for row in database.execute(
                    "SELECT type, body FROM event WHERE id > (SELECT max(id) FROM event) - ?1"
                    " UNION SELECT type, max(body) FROM event GROUP BY type", (NEWEST,)).fetchall())


# The newest event of a row shows what the row says; services of a terminated reseller end untold (W1).
NEWEST_SHOW = {
    "orders": {"state": "state"},
    "service": {
        "state": "status", "renews_at": "renews_at", "ends_at": "ends_at", "period": "period",
        "suspended_by": "suspended_by", "past_due_since": "past_due_since"},
    "port": {"expires_at": "expiresAt"}}


def untold(path):
    """Rows of a file that have changed without telling: (object, what its newest event shows, what the row says)."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        tables = {name for name, in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        for table, members in NEWEST_SHOW.items():
            if not {table, "event"} <= tables:
                continue
            for name, *row, body in database.execute(
                    f"SELECT t.public_id, {', '.join('t.' + column for column in members)}, e.body FROM {table} t"
                    " JOIN reseller r ON r.id = t.reseller_id AND r.state <> 3"
                    " JOIN event e ON e.object = t.public_id AND e.revision = t.revision LIMIT 2000"):
                data = json.loads(body)["data"]
                shown = [milliseconds(data[member]) for member in members.values()]
                if shown != row:
                    yield name, shown, row


def milliseconds(text):
    """A time as files have it; anything else as it is."""
    if not re.match(r"\d{4}-\d\d-\d\dT", str(text)):
        return text
    time = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ") - datetime.datetime(1970, 1, 1)
    return time // datetime.timedelta(milliseconds=1)


def sweep(data, catalogue):
    for path, kind, body in bodies(data):
        faults = catalogue.faults(body.encode())
        assert not faults, (os.path.basename(path), kind, faults, body)
    for path in files(data):
        found = list(untold(path))
        assert not found, (os.path.basename(path), found[:3])
