"""What schemathesis does besides making calls up, for `schema.py`: names things that exist, signs what has to be
signed, and counts what was answered. `TOLLGATE_SCENE` names a file that says with what."""

import atexit
import collections
import itertools
import json
import os
import re

import requests.auth
import schemathesis

from support import signature_headers

with open(os.environ["TOLLGATE_SCENE"], encoding="utf-8") as source:
    scene = json.load(source)
# The credential that died → the one that took its place.
successors = {}
answered = collections.defaultdict(collections.Counter)
turns = collections.Counter()
numbers = itertools.count(1)


class Signature(requests.auth.AuthBase):
    """W5, over what is sent in the end."""

    def __call__(self, request):
        headers = signature_headers(
            scene["webhook_secret"], request.method, request.path_url, request.headers["Idempotency-Key"],
            request.body or b"")
        request.headers.update(headers)
        return request


def is_positive(case, *locations):
    """Whether nothing was made wrong on purpose: in these parts of the call, or in any."""
    if case.meta is None:
        return True
    return all(
        part.mode.is_positive for location, part in case.meta.components.items()
        if not locations or location.name in locations)


@schemathesis.serializer("application/vnd.sqlite3", "application/vnd.tollgate.tenant", "image/png", "image/webp")
def file(context, value):
    """The scene names a file; what is made up is no file that anybody takes."""
    if isinstance(value, str) and value.startswith(os.path.dirname(os.environ["TOLLGATE_SCENE"])):
        with open(value, "rb") as content:
            return content.read()
    return str(value).encode()


def without_examples(part):
    """Recorded examples are replayed by examples.py, in their order; by themselves they change what others need."""
    if isinstance(part, list):
        return [without_examples(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        name: {key: without_examples(each) for key, each in value.items()} if name == "properties"
        else without_examples(value)
        for name, value in part.items() if name not in ("example", "examples")}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    stripped = without_examples(raw_schema)
    raw_schema.clear()
    raw_schema.update(stripped)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Half of the calls that are right in form meet something that is there."""
    operation = f"{case.method} {case.operation.path}"
    turns[operation] += 1
    is_even = turns[operation] % 2 == 0
    # Nobody has the time.
    if is_positive(case, "QUERY") and "wait" in (case.query or {}):
        case.query["wait"] = 0
    if is_positive(case, "PATH"):
        for name, values in scene["paths"].get(operation, scene["paths"].get(case.operation.path, {})).items():
            if name in (case.path_parameters or {}) and (is_even or turns[operation] == 1):
                case.path_parameters[name] = values[turns[operation] // 2 % len(values)]
    if is_positive(case) and (is_even or turns[operation] == 1):
        if isinstance(case.body, dict):
            case.body.update({name: value for name, value in scene["members"].get(operation, {}).items()})
            case.body = dict(scene["wholes"].get(operation, case.body))
        if operation in scene["bodies"] and case.media_type in scene["bodies"][operation]:
            case.body = scene["bodies"][operation][case.media_type]
        case.query.update(scene["queries"].get(operation, {}))
    if re.fullmatch("[!#-~]{1,255}", case.headers.get("Idempotency-Key", "")):
        # The same key with another body is another thing, tested elsewhere.
        case.headers["Idempotency-Key"] = f"schema-{next(numbers)}"
    # Text beyond ASCII goes out as the UTF-8 that it is taken for.
    case.headers.update({name: value.encode().decode("latin-1") for name, value in case.headers.items()
                         if isinstance(value, str) and not value.isascii()})
    if scene["scatters"]:
        # Each call from an address of its own: what is metered by address does not hide what is behind it.
        number = next(numbers)
        case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    header, prefix = ("Authorization", "Bearer ") if scene["place"] == "bearer" else (scene["place"], "")
    place = case.query if scene["is_in_query"] else case.headers
    credential = str((place or {}).get(header, "")).removeprefix(prefix)
    if operation in scene["sessions"] and credential == scene["credential"]:
        # Signing out ends a session of its own.
        credential = sign_in(scene["sessions"][operation])
    elif operation in scene["credentials"] and credential == scene["credential"]:
        credential = scene["credentials"][operation]
    if credential:
        place[header] = prefix + successors.get(credential, credential)
    if scene["webhook_secret"] and "X-Tollgate-Signature" in case.headers and is_positive(case, "HEADER"):
        kwargs["auth"] = Signature()


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Rules that a JSON Schema cannot say refuse calls that the description allows."""
    if type(failure).__name__ == "AcceptedNegativeData" and case.method == "POST" and case.query.get("dry_run"):
        # What was made wrong is text still: a dry run takes nothing, and says what is wrong in its answer.
        return not response.json().get("errors")
    if type(failure).__name__ == "AcceptedNegativeData" and scene["is_in_query"] and isinstance(case.body, dict) \
            and not isinstance(case.body.get(scene["place"], ""), str):
        return False  # where the query has the credential, that of the body is not read
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code not in (400, 422):
        return True
    if f"{case.method} {case.operation.path}" in scene["bodies"]:
        return False  # files: judged by what there is
    try:
        body = response.json()
    except ValueError:
        return True
    said = body.get("detail") or body.get("message") or body.get("error") or ""
    return not any(rule in said for rule in scene["unsayable"])


@schemathesis.hook
def after_call(context, case, response):
    operation = f"{case.method} {case.operation.path}"
    answered[operation][response.status_code] += 1
    if operation == "POST /provider-key/rotate" and response.status_code == 200:
        successors[scene["credential"]] = response.json()["provider_key"]
        mint_others(response.request.url.removesuffix("/provider-key/rotate"))
    if operation in scene["credentials"] and response.status_code == 200:
        scene["credentials"][operation] = response.json().get("key", scene["credentials"][operation])
    if operation in scene["renews"] and response.status_code in (200, 204):
        # It may have been the caller's own session that was ended.
        successors[scene["credential"]] = sign_in(scene["renews"][operation])
    if operation == "POST /webhook/secret/rotate" and response.status_code == 200:
        scene["webhook_secret"] = response.json().get("webhook_secret", scene["webhook_secret"])


def mint_others(url):
    """For the provider's keys that died."""
    headers = {"Authorization": "Bearer " + successors[scene["credential"]]}
    for operation in scene["minted"]:
        body = {"name": f"minted {next(numbers)}"}
        answer = requests.post(url + "/provider-keys", json=body, headers=headers, timeout=60)
        scene["paths"][operation] = {"key": [answer.json()["id"]]}


def sign_in(session):
    answer = requests.post(session["url"], json=session["body"], timeout=60)
    return next(answer.json()[name] for name in ("token", "seedHash", "access_token") if name in answer.json())


@atexit.register
def report():
    with open(scene["answered"], "w", encoding="utf-8") as file:
        json.dump(answered, file)
