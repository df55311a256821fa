#!/usr/bin/env python3
"""Passwords and links to them (O13, G6): a link sets one once, whoever knows the old one sets a new one, and a new one
ends what the old one opened."""

import calendar
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from office import OTHER, Office, fields, refused
from shop import PASSWORD, Shop
from support import Checks, Gateway, arguments, together, verified_export, wait_until


def passwords(checks, gateway):
    office = Office(gateway)
    clerk, session = office.person("clerk", "operator")
    key = office.own_key(session)["key"]

    def change(credential, old, new=OTHER, **options):
        return office.call(credential, "POST", "/account/password", {"old": old, "new": new}, **options)

    with checks("O13 one's own password is changed by whoever knows the old one: a wrong one is 422 at /old"):
        assert fields(change(session, "not the password")) == {"/old": "wrong"}
        assert fields(change(session, PASSWORD, "short")) == {"/new": "length"}
        assert office.token(clerk["email"])
    with checks("O13 G3 all sessions and open links end with the old password, the calling one too; keys go on"):
        link = office.reset(clerk).json["url"]
        more = office.token(clerk["email"])
        done = change(session, PASSWORD)
        assert done.status == 200 and done.json == {"ok": True, "sessions_ended": 3}, done
        assert office.status(session) == office.status(more) == 401 and office.status(key) == 200
        office.accept(link, status=404)
        assert office.signs_in(clerk["email"]).status == 401 and office.token(clerk["email"], OTHER)
    with checks("O13 by a key too; a lesser key of the owner's does not change the owner's password"):
        assert change(key, OTHER, PASSWORD).status == 200 and office.token(clerk["email"])
        lesser = office.call(office.owner, "POST", "/account/keys", {}).json
        assert lesser["role"] == "operator", lesser
        refused(change(lesser["key"], PASSWORD), 403, "owner_only")
    with checks("O13 an account without a password has none to change: 409 no_password"):
        bare = Shop(gateway)
        answer = bare.admin("POST", "/account/password", {"old": "x", "new": OTHER})
        refused(answer, 409, "no_password")
    with checks("O13 G6 tries at the old password are metered as those of a sign-in, and with them"):
        statuses = [change(key, f"wrong {number}").status for number in range(20)]
        assert statuses[:10] == [422] * 10 and 429 in statuses[10:], statuses
        # The wait doubles: the next calls come within it, however slow the machine is.
        wait_until(lambda: int(change(key, "wrong").headers.get("retry-after", 0)) >= 8)
        late = change(key, PASSWORD)
        assert late.status == 429 and int(late.headers["retry-after"]) >= 1, late
        assert office.signs_in(clerk["email"]).status == 429
        assert office.status(key) == 200, "a known key feels none of it"


def resets(checks, gateway):
    office = Office(gateway)
    clerk, session = office.person("clerk", "operator")
    key = office.own_key(session)["key"]
    with checks("O13 a reset shows a link once, for a day; its page asks for a password in plain HTML"):
        made = office.reset(clerk)
        assert made.status == 201 and set(made.json) == {"url", "expires_at"}, made
        seconds = moment(made.json["expires_at"]) - gateway.now()
        assert 86_300 < seconds <= 86_401, seconds
        page = gateway.get(office.path(made.json["url"]))
        assert page.status == 200 and b"<form" in page.body and b"<script" not in page.body, page
        assert clerk["email"].encode() in page.body and office.status(session) == 200
        key_ = {"Idempotency-Key": uuid.uuid4().hex}
        first, again = (office.reset(clerk, headers=key_) for _ in range(2))
        assert "url" in first.json and "url" not in again.json and again.json["already_shown"] is True, again
    with checks("O13 a newer link takes the place of the one before; an invitation's is none for a reset"):
        office.accept(made.json["url"], OTHER, status=404)
        url = first.json["url"]
        assert gateway.get(office.path(url).replace("/reset-password/", "/invite/")).status == 404
        assert office.accept(url, "short", status=422) and office.token(clerk["email"])
    with checks("O13 G3 the link sets a password once; every session and open link ends with it, keys go on"):
        invited = office.add("invited", "support")
        both = office.reset(invited).json["url"]
        office.accept(both)
        office.accept(invited["invitation_url"], OTHER, status=404)
        more = office.token(clerk["email"])
        office.accept(url, OTHER)
        assert office.status(session) == office.status(more) == 401 and office.status(key) == 200
        assert office.signs_in(clerk["email"]).status == 401 and office.token(clerk["email"], OTHER)
        office.accept(url, PASSWORD, status=404)
        assert office.signs_in(clerk["email"]).status == 401
    with checks("O13 the link's form works in a browser: a page says that the password is set"):
        url = office.reset(clerk).json["url"]
        answer = gateway.post(office.path(url), b"password=correct+horse+battery", headers={
            "Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status == 200 and b"Your password is set" in answer.body, answer
        assert office.token(clerk["email"])


def repeated_resets(checks, gateway):
    office = Office(gateway)
    clerk, _ = office.person("clerk", "operator")
    with checks("O3 O13 a link's form that is sent twice is answered twice, and ends no session begun since"):
        invited = office.add("twice", "support")
        links = [(invited["email"], invited["invitation_url"]), (clerk["email"], office.reset(clerk).json["url"])]
        for email, url in links:
            first = office.accept(url, OTHER)
            session = office.token(email, OTHER)
            again = office.accept(url, OTHER)
            assert first.json == again.json == {"ok": True, "email": email}, again
            assert office.status(session) == 200 and gateway.get(office.path(url)).status == 404
            office.accept(url, PASSWORD, status=404)
        url = office.reset(clerk).json["url"]
        answers = together([lambda: gateway.post(office.path(url), {"password": PASSWORD})] * 4)
        assert {answer.status for answer in answers} == {200}, answers
        office.accept(links[1][1], PASSWORD, status=404)
        assert office.token(clerk["email"])
    with checks("O13 of many who follow one link at once, one sets the password"):
        url = office.reset(clerk).json["url"]
        words = [f"password number {number}" for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(
                lambda word: gateway.post(office.path(url), {"password": word}).status, words))
        assert sorted(statuses) == [200, 404, 404, 404], statuses
        word = words[statuses.index(200)]
        assert office.token(clerk["email"], word)
    with checks("O13 the owner lists a person's sessions and ends one, then all"):
        tokens = [office.token(clerk["email"], word) for _ in range(3)]
        path = f"/people/{clerk['id']}/sessions"
        listed = office.call(office.owner, "GET", path).json["data"]
        assert len(listed) == 4 and not any(row["current"] for row in listed), listed
        assert office.call(office.owner, "DELETE", f"{path}/{listed[0]['id']}").status == 204
        assert office.status(tokens[2]) == 401 and office.status(tokens[1]) == 200
        assert office.call(office.owner, "DELETE", path).json == {"ok": True, "ended": 3}
        assert office.status(tokens[1]) == 401
    with checks("O13 a link past its day leads nowhere"):
        url = office.reset(clerk).json["url"]
        gateway.jump(86_500)
        office.accept(url, status=404)


def moment(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        for part in (passwords, resets, repeated_resets):
            part(checks, gateway)
        with checks("O13 G5 every tenant's file verifies"):
            for row in gateway.get("/provider/v1/tenants", key=gateway.provider_key).json["data"]:
                verified_export(gateway, row["slug"])
    checks.finish()


if __name__ == "__main__":
    main()
