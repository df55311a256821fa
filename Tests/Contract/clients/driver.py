"""Calls the Python client as each line of standard input says, and answers in a line (clients.py)."""

import inspect
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "clients", "python"))
import tollgate  # noqa: E402

client, pauses = None, []


def made(base_url, key, secret=None, **options):
    global client
    client = tollgate.Tollgate(base_url, key, secret, sleep=pauses.append, **options)


def called(name, arguments):
    result = getattr(client, name)(*arguments)
    return list(result) if inspect.isgenerator(result) else result


DOES = {
    "new": made, "call": called, "sign": lambda arguments: tollgate.sign(*arguments[:5], arguments[5].encode()),
    "verify": lambda secrets, headers, body, now: tollgate.verify_webhook(secrets, headers, body.encode(), now),
    "methods": lambda: [name for name in vars(tollgate.Tollgate) if not name.startswith("_")]}

for line in sys.stdin:
    command = json.loads(line)
    pauses.clear()
    try:
        answer = {"result": DOES[command.pop("do")](**command)}
    except tollgate.TollgateError as error:
        answer = {"error": "refused", "status": error.status, "code": error.code, "detail": error.detail,
                  "pointers": error.pointers, "retry_after": error.retry_after, "request_id": error.request_id,
                  "problem": error.problem, "is_kept": error.is_kept}
    except (tollgate.BadWebhook, ValueError) as error:
        answer = {"error": type(error).__name__, "detail": str(error)}
    print(json.dumps({**answer, "pauses": pauses}), flush=True)
