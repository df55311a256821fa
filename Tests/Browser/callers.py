"""Who may see which page (U4, G1): every page of the table by every kind of caller, the ids of others among them. What
was seen stands in docs/access-pages.md; `--write` writes it."""

import itertools
import os
import re

from pages_table import PAGES, SURFACES, address, root, tenants
from plain import Plain, text_alone
from signing import cookie
from support import ROOT

numbers = itertools.count()
PAGE = os.path.join(ROOT, "docs", "access-pages.md")
# Column → who signs in where; `bearer`: an API key in place of a cookie.
CALLERS = {
    "nobody": None, "reseller": ("works", "reseller"), "suspended": ("works", "suspended"),
    "support": ("works", "support"), "operator": ("works", "operator"), "owner": ("works", "owner"),
    "other tenant's owner": ("hosting", "owner"), "other tenant's reseller": ("hosting", "reseller"),
    "provider": ("console", "provider"), "owner's API key": "bearer"}
ADMINS = ("support", "operator", "owner")
RESELLERS = ("reseller", "suspended")
HEAD = """# Who may see which page

Every page, asked for by each kind of caller. `Tests/Browser/run.py callers` asks, and `--write` writes this page from
what it saw; the test fails where the page is not what it sees.

200: the page. 303: to the sign-in, or to the start of the caller's own pages. 404: there is no such page for the
caller. 403: the caller may not. A session's cookie counts on the pages of its own tenant and kind; an API key opens
no page.
"""


class Asking:
    def __init__(self, world, browser):
        self.world = world
        self.headers = {}
        for name, caller in CALLERS.items():
            if caller == "bearer":
                self.headers[name] = {"Authorization": f"Bearer {world.works.shop.owner_key}"}
            else:
                self.headers[name] = {"Cookie": cookie(browser, world, *caller)} if caller else {}

    def get(self, path, caller):
        # Calls without a session are metered by address: each has one of its own.
        number = next(numbers)
        address = f"198.18.{number >> 8 & 255}.{number & 255}"
        return self.world.gateway.get(
            path, headers={**self.headers[caller], "Accept": "text/html", "X-Forwarded-For": address})

    def renamed(self, path, caller, slug):
        """The same cookie under another owner's name, as somebody who wants in would send it."""
        own = self.headers[caller].get("Cookie", "")
        value = own.split("=", 1)[1] if "=" in own else ""
        return self.world.gateway.get(path, headers={"Cookie": f"tg-{slug}={value}", "Accept": "text/html"})


def expected(page, caller):
    """Statuses that are right."""
    is_start = page.path.split("?")[0] in ("", "/")
    if page.surface in ("node", "open"):
        return {page.status}
    if page.surface == "console":
        return {page.status} if caller == "provider" else {303}
    own, foreign = (ADMINS, RESELLERS) if page.surface == "admin" else (RESELLERS, ADMINS)
    if caller == "suspended" and "{" in page.path:
        # Its own pages, with ids of somebody else.
        return {404}
    if caller in own:
        # Support reads not everything, and what only an owner does is not for operators.
        return {page.status} if caller in ("owner", "reseller") else {page.status, 403, 404}
    if caller in foreign:
        return {303} if is_start else {404}
    return {303, 404} if page.status == 404 else {303}


def to_where(page, caller, answer, world):
    """A redirection leads to the sign-in of the same address, or to the caller's own start."""
    location = answer.headers["location"].removeprefix(world.gateway.base_url)
    if caller in ADMINS + RESELLERS and page.surface != "console":
        return location == root("admin" if caller in ADMINS else "portal", "works")
    return location.startswith(("/console" if page.surface == "console" else "/t/works") + "/sign-in")


def ask_all(checks, world, asking):
    table = {}
    for page in PAGES:
        if page.surface in ("node", "open") or page.who or "works" not in tenants(page) and page.surface != "console":
            continue
        path = address(page, "works", world.ids["console" if page.surface == "console" else "works"])
        row = table[f"{root(page.surface, '{slug}')}{page.path}"] = {}
        with checks(f"U4 G1 {page.surface} {page.path or '/'}: for whom it is, and for nobody else"):
            for caller in CALLERS:
                answer = asking.get(path, caller)
                row[caller] = str(answer.status)
                assert answer.status in expected(page, caller), (caller, answer.status, answer.headers.get("location"))
                if answer.status == 303:
                    assert to_where(page, caller, answer, world), (caller, answer.headers)
                if answer.status != 303:
                    assert answer.headers["cache-control"] == "no-store", (caller, answer.headers)
    return table


def foreign_ids(checks, world, asking):
    """An id that is there, but not for this caller, is answered as one that nobody has."""
    for page in PAGES:
        names = re.findall(r"\{(\w+)\}", page.path)
        # Every tenant of a blueprint has its SKUs; and a filter by what is not there finds nothing.
        is_of_one = names and "sku" not in names and "?" not in page.path and not page.who
        if not is_of_one or page.surface not in ("admin", "portal") or page.status != 200:
            continue
        for tenant in tenants(page):
            if tenant in ("empty", "fresh"):
                continue
            # The operator of another tenant, and a reseller beside: each on pages of its own.
            caller, slug = (
                ("other tenant's owner", "hosting") if page.surface == "admin" else (f"other of {tenant}", tenant))
            with checks(f"U3 G1 10: {page.surface} {page.path}: another's id is answered as one that nobody has"):
                there = address(page, slug, world.ids[tenant])
                nobody = address(page, slug, {name: "none_such" for name in names})
                answers = [asking.get(path, caller) for path in (there, nobody)]
                assert [answer.status for answer in answers] == [404, 404], answers
                assert text_alone(answers[0]) == text_alone(answers[1]), answers


def cookies_elsewhere(checks, world, asking):
    """The value of a session under the name that another tenant, or the console, looks for."""
    surfaces = {page.surface for page in PAGES}
    with checks("U4 G1 a session under another tenant's cookie, or the console's, opens nothing"):
        tried = 0
        for caller, slug, path in (("owner", "hosting", "/t/hosting/admin"),
                                   ("reseller", "hosting", "/t/hosting/portal"),
                                   ("owner", "console", "/console"), ("provider", "works", "/t/works/admin")):
            surface = "console" if path == "/console" else path.rsplit("/", 1)[1]
            if surface in surfaces and caller in asking.headers:
                tried += 1
                answer = asking.renamed(path, caller, slug)
                assert answer.status == 303 and "/sign-in" in answer.headers["location"], (caller, answer)
        assert tried or not surfaces - {"node", "open"}
    if "admin" in surfaces:
        with checks("U4 G1 a session's cookie is no bearer token"):
            value = asking.headers["owner"]["Cookie"].split("=", 1)[1]
            assert world.gateway.get("/t/works/api/admin/settings", key=value).status == 401


def written(table):
    lines = [HEAD, "| page | " + " | ".join(CALLERS) + " |", "|---" * (len(CALLERS) + 1) + "|"]
    for name in sorted(table):
        lines.append(f"| `{name}` | " + " | ".join(table[name].get(caller, "–") for caller in CALLERS) + " |")
    return "\n".join(lines) + "\n"


def run(checks, world, browser, options):
    if not {page.surface for page in PAGES} - {"node", "open"}:
        return
    asking = Asking(world, browser)
    for tenant in ("works", *world.beside):
        asking.headers[f"other of {tenant}"] = {"Cookie": cookie(browser, world, tenant, "other reseller")}
    table = ask_all(checks, world, asking)
    foreign_ids(checks, world, asking)
    cookies_elsewhere(checks, world, asking)
    if options.write:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(written(table))
    with checks("U4 G1 docs/access-pages.md says what was seen: every page by each of the ten callers"):
        with open(PAGE, encoding="utf-8") as file:
            assert file.read() == written(table), "docs/access-pages.md is stale: Tests/Browser/run.py callers --write"
