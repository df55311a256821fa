"""Every call of the five product documents, as curl sends it, with its documented answer beside what the gateway
answers: member by member, type by type, and value by value where the document determines it. Then each body of those calls with a member
left out or of a wrong type: refused in the dialect's envelope, and nothing changed. L1, X8: the documents' own programs.

The calls and answers are in seeds/*.curl, to be read. In such a file: `@replace A => B` what stands for what; `@fields N` the
status for wrong fields; `@credential NAME` a member that is the credential. In a call: `? optional: …` which members of
its body may be left out; `~ /path  pattern` what an answer's value must look like instead; `= NAME /path` a value to go on with.
"""

import ast
import glob
import json
import os
import random
import re
import shlex
import string
import subprocess
import tempfile
import time
import uuid

from ports import python_with_requests
from shop import PASSWORD, Shop
from support import ROOT, Answer, Checks, Gateway, arguments, differences, parsed, signature_headers

FOLDER = os.path.join(ROOT, "Tests", "Contract", "seeds")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
WRONG = {str: [5, True, [], {}, None], int: ["abc", True, [], {}, None], float: ["abc", True, [], {}, None],
         bool: ["no", 3, [], {}], list: ["x", 5, {}, [5], None], dict: ["x", 5, [1], None]}

# By their calls: members whose null says something of its own, here that a price is taken away.
NULLABLE = {"Premium Pricing for Specific Countries": ["marginPercent"]}
RAW = ["[]", "5", '"x"', "null", "{", ""]


class Step:
    """One documented call."""

    def __init__(self, title, lines):
        self.title, self.optional, self.varies, self.captures = title, None, {}, []
        command, answer, part = [], [], None
        for line in lines:
            if line.startswith("--------"):
                part = answer
            elif line.startswith("? "):
                self.optional = set(line.removeprefix("? ").removeprefix("optional:").split()) - {"none", "optional"}
            elif line.startswith("~ "):
                path, pattern = line[2:].split(None, 1)
                self.varies[path] = pattern.replace("TIME", TIME)
            elif line.startswith("= "):
                self.captures.append(line[2:].split())
            else:
                (command if part is None else part).append(line)
        self.command = "\n".join(command)
        self.status, self.answer = int(answer[0]), "\n".join(answer[1:]).strip()


class Document:
    def __init__(self, path):
        self.name = os.path.basename(path)
        self.replacements, self.fields, self.credential, self.is_problem = [], None, None, False
        self.steps = []
        with open(path, encoding="utf-8") as file:
            parts = file.read().split("\n=== ")
        for line in parts[0].split("\n"):
            if line.startswith("@replace "):
                self.replacements.append(line.removeprefix("@replace ").split(" => "))
            elif line.startswith("@fields "):
                self.fields = int(line.split()[1])
            elif line.startswith("@credential "):
                self.credential = line.split()[1]
            elif line == "@problem":
                self.is_problem = True
        for part in parts[1:]:
            lines = part.split("\n")
            self.steps.append(Step(lines[0], lines[1:]))

    def words(self, step, values):
        """The call as arguments of curl."""
        text = step.command
        for old, new in self.replacements:
            text = text.replace(old, new)
        words = shlex.split(string.Template(text.replace("\\\n", " ")).safe_substitute(values))
        assert words.pop(0) == "curl"
        if words[-1] == "--sign":
            words.pop()
            body, url = words[words.index("-d") + 1], next(word for word in words if word.startswith("http"))
            path = "/" + url.split("/", 3)[3]
            signed = signature_headers(values["SECRET"], "POST", path, uuid.uuid4().hex, body.encode())
            words += [word for name, value in signed.items() for word in ("-H", f"{name}: {value}")]
        return words

    def documented(self, step, values):
        """The answer, and what of it varies."""
        if not step.answer.startswith("$PROBLEM"):
            return parsed(string.Template(step.answer).safe_substitute(values)), step.varies
        code, *more = step.answer.split()[1:]
        return {"type": f"urn:tollgate:problem:{code}", "title": "", "status": step.status, "detail": "", "code": code,
                "request_id": "", **dict.fromkeys(more)}, {"/title": ".+", "/detail": ".+", "/request_id": r"req_\w+"}


def curl(words):
    """Status, headers and body of what curl was told."""
    # Each from an address of its own: what is rationed by address is not what is looked at here.
    address = ["-H", f"X-Forwarded-For: 198.18.{random.randrange(256)}.{random.randrange(1, 255)}"]
    done = subprocess.run(["curl", "-s", "-i", "--max-time", "60", *words, *address], capture_output=True, timeout=90)
    assert done.returncode == 0, (done.returncode, words)
    head, body = done.stdout.split(b"\r\n\r\n", 1)
    while head.startswith(b"HTTP/1.1 100"):
        head, body = body.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    return Answer(int(lines[0].split()[1]), [line.split(": ", 1) for line in lines[1:]], body)


def at(value, path):
    for name in path.strip("/").split("/"):
        value = value[int(name) if isinstance(value, list) else name]
    return value


def follow(document, values):
    """The document from its first line to its last, in its order."""
    for step in document.steps:
        with checks(f"{document.name}: {step.title}"):
            answer = curl(document.words(step, values))
            assert answer.status == step.status, (step.status, answer)
            if not step.answer:
                continue
            problem = document.is_problem and step.status >= 400
            assert answer.headers["content-type"] == ("application/problem+json" if problem else "application/json")
            want, varies = document.documented(step, values)
            got = parsed(answer.body.decode())
            if problem:
                # Members of a kind of refusal are named; what they hold is its own.
                want.update({name: got.get(name) for name in want if want[name] is None})
                want["status"] = got.get("status") if str(step.status) == got.get("status") else step.status
            assert not differences(want, got, varies), (differences(want, got, varies), answer)
            if answer.status == 429:
                assert int(answer.headers["retry-after"]) > 0, answer.headers
            for name, path in step.captures:
                values[name] = str(at(json.loads(answer.body), path))


def envelope(document, answer):
    """Names of a refusal's members."""
    return tuple(name for name in answer.json if not (document.is_problem and name == "errors"))


def mistake(document, values, probe):
    """Each documented body with each member missing, and of each wrong type."""
    envelopes = {"000": ("ok", "error"), "001": ("type", "title", "status", "detail", "code", "request_id"), "002": ("error",),
                 "003": ("statusCode", "error", "message"), "004": ("ok", "message")}
    for step in document.steps:
        if step.optional is None:
            continue
        words = document.words(step, values)
        place = words.index("-d") + 1
        body = json.loads(words[place])
        with checks(f"{document.name}: {step.title}: members missing and of wrong types are refused, and nothing changes"):
            before = probe()
            tried = 0
            for name, good in body.items():
                if name == document.credential:
                    continue
                may_be_null = name in step.optional or name in NULLABLE.get(step.title, [])
                wrong = [value for value in WRONG[type(good)] if value is not None or not may_be_null]
                bodies = [{**body, name: value} for value in wrong]
                if name not in step.optional:
                    bodies.append({other: value for other, value in body.items() if other != name})
                for bad in bodies:
                    answer = curl(sent(words, place, json.dumps(bad), values))
                    assert answer.status == document.fields, (bad, answer)
                    assert envelope(document, answer) == envelopes[document.name[:3]], (bad, answer)
                    assert name in answer.body.decode(), (name, answer)
                    tried += 1
            for raw in RAW if step is tried_raw(document) else ():
                answer = curl(sent(words, place, raw, values))
                assert answer.status in (400, document.fields) or document.credential and answer.status == 401, (raw, answer)
                assert envelope(document, answer) == envelopes[document.name[:3]], (raw, answer)
            assert tried > 0 and probe() == before, (before, probe())


def tried_raw(document):
    """The call that bodies which are no objects are tried on."""
    return next(step for step in document.steps if step.optional is not None)


def sent(words, place, body, values):
    """The same call with another body, signed anew where it was."""
    words = [*words[:place], body, *words[place + 1:]]
    signed = [index for index, word in enumerate(words) if word.startswith(("X-Tollgate-", "Idempotency-Key"))]
    if signed:
        url = next(word for word in words if word.startswith("http"))
        headers = signature_headers(values["SECRET"], "POST", "/" + url.split("/", 3)[3], uuid.uuid4().hex, body.encode())
        for index, (name, value) in zip(signed, headers.items()):
            words[index] = f"{name}: {value}"
    return words


# The scene of each document: what it takes for granted, and somebody else's things.


def admin(slug, method, path, body=None, **headers):
    owner = next(tenant for tenant in gateway.demo["tenants"].values() if tenant["slug"] == slug)["owner_key"]
    headers = {"Idempotency-Key": uuid.uuid4().hex, **headers}
    answer = gateway.request(method, f"/t/{slug}/api/admin{path}", body, key=owner, headers=headers)
    assert answer.status in (200, 201), answer
    return answer.json


def minter(slug, email):
    return lambda **fields: admin(slug, "POST", "/api-keys", {"owner_email": email, **fields})


def used_up(slug, reseller, path, header):
    """A key of the reseller whose limit is used up by one call."""
    key = minter(slug, reseller["email"])(limit={"requests": 1, "window_seconds": 86_400})["key"]
    gateway.get(path.replace("KEY", key), headers={name: value.replace("KEY", key) for name, value in header.items()})
    return key


def credit_reports():
    first, second = gateway.reseller("panel", 0), gateway.reseller("panel", 1)
    unscoped = minter("panel", first["email"])(scopes=["reseller:signup"])
    long_file = os.path.join(folder, "long.json")
    with open(long_file, "w", encoding="ascii") as file:
        file.write(json.dumps({"kind": "topup", "amount_usd": 1, "external_ref": "x" * 2_000_000}))
    return {
        "OWNER": gateway.tenant("panel")["owner_key"], "UNSCOPED": unscoped["key"], "UNSCOPED_ID": unscoped["id"],
        "OTHER": second["key"], "LONG_FILE": long_file,
        "SPENT": used_up("panel", first, "/t/panel/api/v1/reseller/credit/ev_none", {"Authorization": "Bearer KEY"}),
    }, lambda values: (admin("panel", "GET", "/credit-events?limit=100"), admin("panel", "GET", "/users?limit=100"),
                       admin("panel", "GET", "/reviews"))


def wholesale_orders():
    first, third = gateway.reseller("hosting", 0), gateway.reseller("hosting", 2)
    other = Shop(gateway, "other-host")
    stranger = other.reseller()
    beside = admin("hosting", "POST", "/resellers", {"email": "beside@shop.example", "name": "B", "password": PASSWORD})
    admin("hosting", "POST", f"/resellers/{beside['id']}/approve")
    assert stranger["key"]
    return {
        "KEY": first["key"], "SECRET": first["webhook_secret"], "SUSPENDED": third["key"],
        "OTHER": minter("hosting", "beside@shop.example")()["key"],
        "SPENT": used_up("hosting", first, "/t/hosting/api/partner/v1/balance", {"Authorization": "Bearer KEY"}),
    }, lambda values: [gateway.get(f"/t/hosting/api/partner/v1/{path}", key=first["key"]).body
                       for path in ("balance", "orders", "services", "customers")]


def activation_codes():
    base = "/t/codes/api/reseller"
    made = gateway.post(base + "/register", {
        "companyName": "Gone", "email": "gone@brand.example", "password": PASSWORD}).json
    assert gateway.post(base + "/activate", headers={"x-seed-hash": made["seedHash"]}).status == 200
    suspended = gateway.post(base + "/regenerate-key", headers={"x-seed-hash": made["seedHash"]}).json["apiKey"]
    id = next(row["id"] for row in admin("codes", "GET", "/resellers?limit=100")["data"]
              if row["email"] == "gone@brand.example")
    admin("codes", "POST", f"/resellers/{id}/suspend")
    unpaid = Shop(gateway, "unpaid", blueprint="codes", currency="USD")
    return {
        "SUSPENDED": suspended, "UNPAID_BASE": f"{gateway.base_url}/t/unpaid", "UNPAID_KEY": unpaid.reseller()["key"],
        "SPENT": used_up("codes", gateway.reseller("codes"), base + "/me", {"x-api-key": "KEY"}),
    }, lambda values: [gateway.get(base + path, headers={"x-seed-hash": values["SEED"]}).body for path in ("/me", "/codes")] + [
        len(admin("codes", "GET", "/resellers?limit=100")["data"])]


def proxy_ports():
    first, second = gateway.reseller("proxies", 0), gateway.reseller("proxies", 1)
    foreign = gateway.get("/t/proxies/v1/reseller/customers", headers={"X-API-Key": second["key"]}).json["customers"][0]
    return {
        "EMAIL": first["email"], "PASSWORD": first["password"], "FOREIGN": foreign["_id"],
        "UNSCOPED": minter("proxies", first["email"])(scopes=["ports:read"])["key"],
        "SPENT": used_up("proxies", first, "/t/proxies/v1/reseller/pricebook", {"X-API-Key": "KEY"}),
    }, lambda values: [gateway.get("/t/proxies/v1" + path, headers={"X-API-Key": values["KEY"]}).body for path in (
        "/reseller/customers", "/reseller/balance", "/reseller/ports", "/reseller/pricebook", "/reseller/webhooks")] + [
            len(admin("proxies", "GET", "/api-keys?limit=100")["data"])]


def licence_keys():
    first, second = gateway.reseller("licences", 0), gateway.reseller("licences", 1)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    rows = admin("licences", "GET", f"/licences?limit=100&reseller={first['id']}")["data"]
    foreign = admin("licences", "GET", f"/licences?limit=1&reseller={second['id']}")["data"]
    empty = admin("licences", "POST", "/resellers", {"email": "empty@licences.example", "name": "E", "password": PASSWORD})
    admin("licences", "POST", f"/resellers/{empty['id']}/approve")
    return {
        "KEY": first["key"], "FOREIGN": foreign[0]["key"],
        "EXPIRED": next(row["key"] for row in rows if row["expiration"] < now),
        "EMPTY": minter("licences", "empty@licences.example")()["key"],
        "SPENT": used_up("licences", second, "/t/licences/reseller/myavailable?api_token=KEY", {}),
    }, lambda values: [admin("licences", "GET", f"/licences?limit=100&reseller={first['id']}")]


SCENES = {"000": credit_reports, "001": wholesale_orders, "002": activation_codes, "003": proxy_ports, "004": licence_keys}
SLUGS = {"000": "panel", "001": "hosting", "002": "codes", "003": "proxies", "004": "licences"}


def programs(document):
    """The licence document's programs, one for each call, in both of its languages."""
    answers = {}
    licence = "ps-XXXX-XXXXXXX-XXX"
    for name, command in (("004_python.py", [python_with_requests(), "-c"]), ("004_javascript.mjs",
                                                                             ["node", "--input-type=module", "-e"])):
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            snippets = re.split(r"\n\n(?=import requests|const BASE_URL)", file.read().strip())
        assert len(snippets) == 4
        for number, snippet in enumerate(snippets):
            title = ("myavailable", "licenseinfo", "fetchlicense", "assignlicense")[number]
            with checks(f"{name}: {title} runs to its end, unmodified but for base URL and key"):
                assert "YOUR_API_KEY" in snippet and "__BASE_URL__" in snippet and title in snippet
                text = snippet.replace("__BASE_URL__", f"{gateway.base_url}/t/licences").replace(
                    "YOUR_API_KEY", gateway.reseller("licences")["key"])
                done = subprocess.run([*command, text], capture_output=True, text=True, timeout=60)
                assert done.returncode == 0 and not done.stderr, done.stderr
                assert re.search(r"[\"']?ok[\"']?: ?[tT]rue", done.stdout), done.stdout
                if name.endswith(".py"):
                    answers[title] = ast.literal_eval(done.stdout)
                elif title == "licenseinfo":
                    assert licence in done.stdout and "is_assigned: " in done.stdout, done.stdout
    with checks("004: what the programs print is what is documented"):
        assert set(answers["licenseinfo"]["info"]) == {
            "key", "product", "expiration", "is_expired", "is_assigned", "created_at"}, answers
        assert set(answers["fetchlicense"]["license"]) == {"key", "expiration"}, answers
        assert answers["assignlicense"] == {"ok": True, "message": "License assigned successfully"}, answers


if __name__ == "__main__":
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--trusted-proxy", "127.0.0.0/8") as gateway, tempfile.TemporaryDirectory() as folder:
        for path in sorted(glob.glob(os.path.join(FOLDER, "*.curl"))):
            document = Document(path)
            number = document.name[:3]
            values, probe = SCENES[number]()
            values.setdefault("BASE", f"{gateway.base_url}/t/{SLUGS[number]}")
            follow(document, values)
            if "NEW_KEY" in values:
                values["KEY"] = values["NEW_KEY"]
            mistake(document, values, lambda: probe(values))
            if number == "004":
                programs(document)
    checks.finish()
