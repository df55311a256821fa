#!/usr/bin/env python3
"""U1 P2 The domains of a tenant on the provider's console, as somebody without scripts uses it."""

import json
import re
import tempfile

from console import Console
from shop import Shop
from support import Checks, Gateway, arguments
from wire import certificate


def domains(checks, gateway):
    console = Console(gateway)
    page, host, other = "/tenants/made-here/domains", "api.made.example", "shop.made.example"

    def send(path, **fields):
        """The form that has a private key; what is sent has the names that stay."""
        form = next(form for form in console.get(path).read.forms if "made-here" in form["fields"].get("_call", "")
                    and any(name.endswith(".host") for name in form["fields"]))
        [name] = [name for name in form["fields"] if name.endswith(".host")]
        new = name.removesuffix(".host")
        return new, console.browser.post(
            "/console" + path, {**form["fields"], **{f"{new}.{name}": text for name, text in fields.items()}})

    def remove(host):
        """The page that asks once more: its form has the names of all the others."""
        names = set(console.state("made-here")["domains"]) - {host}
        asking = next(link for link in console.get(page).read.links if link and link.endswith(f"?remove={host}"))
        path = asking.removeprefix("/console")
        fields = console.form(path, "PATCH /tenants/made-here")
        assert {text for name, text in fields.items() if re.fullmatch(r"domains\.\d+", name)} == names, fields
        assert "its sealed private key are dropped" in console.get(path).text
        assert host in console.state("made-here")["domains"], "a domain goes before anybody has confirmed it"
        return console.browser.post(asking, fields)

    with checks("U1 P2 a domain is added, gets another certificate and is removed; the others keep what they have"), \
            tempfile.TemporaryDirectory() as folder:
        def pair(name, *hosts):
            texts = []
            for path in certificate(folder, name, *hosts):
                with open(path, encoding="ascii") as file:
                    # As browsers send what was pasted.
                    texts.append(file.read().replace("\n", "\r\n"))
            return dict(zip(("certificate", "private_key"), texts))

        assert "No domains yet" in console.get(page).text
        assert send(page, host=host)[1].status == 303
        first = pair("first", other)
        assert send(page, host=other, **first)[1].location.endswith("/tenants/made-here/domains?said=added")
        assert sorted(console.state("made-here")["domains"]) == [host, other]
        second = pair("second", host)
        assert send(page + f"?host={host}", **second)[1].status == 303
        assert sorted(console.state("made-here")["domains"]) == [host, other]
        _, refused = send(page, host="third.made.example", **first)
        text = refused.body.decode()
        assert refused.status == 422 and "aria-invalid" in text and 'value="third.made.example"' in text, refused
        assert first["certificate"].splitlines()[1] in text, "what was pasted is gone"
        for shown in (text, console.get(page).body.decode(), json.dumps(console.api("GET", "/log?limit=100").json)):
            assert "PRIVATE KEY" not in shown and first["private_key"].splitlines()[1] not in shown, shown
        assert len(console.state("made-here")["domains"]) == 2
        assert remove(host).status == 303 and console.state("made-here")["domains"] == [other]
        assert remove(other).status == 303 and console.state("made-here")["domains"] == []


def old_pages(checks, gateway):
    console = Console(gateway)
    page, first, second, third = "/tenants/made-here/domains", "a.made.example", "b.made.example", "c.made.example"

    def adding(answer):
        """The one form of the list: it adds a domain."""
        [fields] = [form["fields"] for form in answer.read.forms if "domains" in form["fields"]]
        return fields

    def removing(host):
        path = f"{page}?remove={host}"
        return path, console.form(path, "PATCH /tenants/made-here")

    def change(*hosts):
        changed = console.api("PATCH", "/tenants/made-here", {"domains": list(hosts)})
        assert changed.status == 200, changed

    def refused(fields, at=page):
        answer = console.browser.post("/console" + at, fields)
        assert answer.status == 412 and "not, or no longer" in answer.text, answer
        return answer

    with checks("U1 P2 a form of an old page undoes nothing: it is refused, shows what there is, keeps what was typed"):
        change(first)
        add, (at, remove) = adding(console.get(page)), removing(first)
        change(first, second)
        again = refused({**add, "domains.0.host": third})
        assert f'value="{third}"' in again.body.decode() and second in again.text, again
        refused(remove, at)
        assert sorted(console.state("made-here")["domains"]) == [first, second]
        add, removals = adding(again), [removing(first), removing(second)]
        assert console.browser.post("/console" + page, {**add, "domains.0.host": third}).status == 303
        assert sorted(console.state("made-here")["domains"]) == [first, second, third]
        for at, fields in removals:
            refused(fields, at)
        change()
    with checks("U1 P2 a form of an old page that had no domains undoes nothing either"):
        add = adding(console.get(page))
        change(first)
        refused({**add, "domains.0.host": second})
        assert console.state("made-here")["domains"] == [first]
        change()


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        Shop(gateway, "made-here")
        domains(checks, gateway)
        old_pages(checks, gateway)
    checks.finish()


if __name__ == "__main__":
    main()
