"""What several APIs' stories have alike: an account's keys and sessions, webhooks with their deliveries, refusals."""

import http.client
import json
import socket

from examplebook import PASSWORD, Answer
from receiver import Receiver
from support import wait_until

SINCE = "2026-03-22T00:00:00Z"
# Until a limit is met.
REQUESTS_MAX = 500
RENEWED = "another horse battery"


def receiver(story):
    """A shop that hears of everything."""
    there = Receiver()
    story.stand_ins.say(f"{there.scheme}://127.0.0.1:{there.port}", "https://shop.example")
    story.stand_ins.say("127.0.0.1", "203.0.113.7")
    return there


def peek(story, path):
    return story.aside("GET", path)


def webhooks(story, shop, event, cause, prefix="", id="id"):
    """An endpoint's life; `cause` makes the event happen."""
    at = {"id": story(f"POST {prefix}/webhooks", {
        "name": "shop", "url": shop.url("/ok/hooks"), "events": [event]})[id]}
    one, deliveries = f"{prefix}/webhooks/{{id}}", f"{prefix}/deliveries"
    story(f"GET {prefix}/webhooks")
    story(f"PATCH {one}", {"concurrency": 4}, **at)
    story(f"POST {one}/test", **at)
    cause()

    def sent():
        listed = peek(story, f"{deliveries}?type={event}")
        rows = [row for row in listed.get("data", listed.get("deliveries")) if row["state"] == "delivered"]
        return rows and rows[0][id]

    delivery = wait_until(sent)
    story(f"GET {one}", **at)
    story(f"GET {deliveries}", query={"state": "delivered", "type": event})
    story(f"GET {deliveries}/{{id}}", id=delivery)
    story(f"POST {deliveries}/{{id}}/retry", id=delivery)
    wait_until(sent)
    story(f"POST {deliveries}/replay", {"since": SINCE, "types": [event], "dry_run": True})
    story(f"POST {one}/secret/rotate", {"overlap_seconds": 3600}, **at)
    for move in ("pause", "resume", "enable"):
        story(f"POST {one}/{move}", **at)
    story(f"GET {prefix}/events", query={"types": event})
    story(f"DELETE {one}", **at)


def account(story, sign_in, place, new_key, keys="/keys", id="id"):
    """Keys and sessions of a person; `sign_in` gives another session's credential, as `place` puts it into a call."""
    made = story(f"POST {keys}", new_key)
    story(f"GET {keys}")
    other = story(f"POST {keys}/{{id}}/rotate", {"overlap_seconds": 3600}, id=made[id])
    story(f"DELETE {keys}/{{id}}", id=other[id])
    sign_in()
    listed = story("GET /account/sessions")
    ended = next(row for row in listed.get("data", listed.get("sessions")) if not row["current"])
    story("DELETE /account/sessions/{id}", id=ended[id])
    story("POST /account/password", {"old": PASSWORD, "new": RENEWED})
    password_again(story, place(sign_in(RENEWED)))
    story.headers = place(sign_in())


def password_again(story, session):
    story.aside("POST", "/account/password", {"old": RENEWED, "new": PASSWORD}, session)


def refusals(story, path, body, slow, slow_path=None):
    """Those that any call may meet. `path`: of a POST that takes a body; `slow`: the headers of a caller whose limit
    is one request an hour."""
    served = {int(name.removeprefix("Refused")) for name in story.document["components"]["responses"]}
    as_json = {"Content-Type": "application/json"}
    story.refused(400, "POST", path, b'{"name": ', headers=as_json)
    for status, headers in ((413, {"Content-Length": "99999999999"}), (417, {"Expect": "a miracle"}),
                            (415, {"Content-Encoding": "gzip", "Content-Length": "2"}),
                            (431, {"X-Long": "x" * 70_000})):
        if status in served:
            story.refusal(status, raw(story, "POST", path, headers))
    if 414 in served:
        story.refusal(414, raw(story, "GET", path + "?&"["?" in path] + "q=" + "x" * 20_000, {}))
    if 501 in served:
        # Where the API has another status for an unknown method, the engine still has one for an unknown coding.
        unknown = raw(story, "BREW", path, {})
        story.refusal(501, unknown if unknown.status == 501 else raw(story, "POST", path, {"Transfer-Encoding": "br"}))
    if 505 in served:
        story.refusal(505, raw(story, "GET", path, {}, "HTTP/2.0"))
    for _ in range(REQUESTS_MAX):
        answer = story.gateway.request("POST", story.base + (slow_path or path), body, headers={**slow, **as_json})
        if answer.status == 429:
            break
    story.refusal(429, answer)


def raw(story, method, path, headers, version="HTTP/1.1"):
    """A call that no client would make."""
    with socket.create_connection(("127.0.0.1", story.gateway.port), timeout=20) as connection:
        lines = [f"{method} {story.base}{path} {version}", "Host: tollgate.example", "Connection: close",
                 *(f"{name}: {value}" for name, value in {**story.headers, **headers}.items()), "", ""]
        connection.sendall("\r\n".join(lines).encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return Answer(answer.status, answer.getheaders(), answer.read())


def signed_in(story, path, email, name):
    """Gives sessions of this person."""
    def sign_in(password=PASSWORD):
        answer = story.gateway.post(story.base + path, {"email": email, "password": password})
        assert answer.status == 200, answer
        return answer.json[name]
    return sign_in


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


__all__ = ["SINCE", "RENEWED", "receiver", "password_again", "webhooks", "account", "refusals", "signed_in", "bearer",
    "peek", "json"]
