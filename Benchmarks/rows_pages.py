"""Pages of the operator's admin: how many a second, what one costs, and how long each takes of a tenant with many
resellers."""

import http.client
import os
import re
import statistics
import sys
import time
import urllib.parse

import load
from servers import ROOT, Tollgate

sys.path += [os.path.join(ROOT, "Tests", "Contract"), os.path.join(ROOT, "Tests", "Browser")]
from heavy import Heavy  # noqa: E402
from pages_table import PAGES  # noqa: E402
from shop import PASSWORD  # noqa: E402
from support import Gateway  # noqa: E402

PRODUCTS = 200
ORDERS, READS, LOOKS = 20_000, 50_000, 5
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def signed_in(port, base, email):
    """The header of somebody who signed in by the page's form."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", base + "/sign-in")
    answer = connection.getresponse()
    fields = dict(HIDDEN.findall(answer.read().decode()))
    jar = [answer.headers["Set-Cookie"].split(";")[0]]
    connection.request("POST", base + "/sign-in", urllib.parse.urlencode({
        **fields, "email": email, "password": PASSWORD}), {**FORM, "Cookie": "; ".join(jar)})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 303:
        sys.exit(f"the sign-in was answered with {answer.status}")
    cookies = [value.split(";")[0] for value in answer.headers.get_all("Set-Cookie")]
    connection.close()
    return next(f"Cookie: {each}" for each in cookies if not each.split("=")[0].endswith(".form"))


def pages(options, folder, table):
    rates(options, folder, table)
    weights(options, table)


def rates(options, folder, table):
    with Tollgate(options.tollgate, os.path.join(folder, "pages")) as server:
        slug, email = "pages", "owner@pages.example"
        made = server.call("POST", "/provider/v1/tenants", {
            "slug": slug, "blueprint": "hosting", "owner_email": email, "tier": "pro", "password": PASSWORD},
            server.provider_key)
        from servers import Tenant
        tenant = Tenant(server, slug, made["owner_key"])
        reseller = tenant.new_reseller("pages")
        for number in range(PRODUCTS):
            sku = f"page-{number}"
            tenant.admin("POST", "/products", {"sku": sku, "name": f"Page {number}", "fulfilment": "instant",
                                               "list": {"monthly": "5.00", "annual": "50.00"}})
            tenant.admin("PUT", f"/resellers/{reseller.id}/products/{sku}", {
                "wholesale_monthly": "4.00", "wholesale_annual": "40.00"})
        header = signed_in(server.port, tenant.base, email)
        for label, path in (("the dashboard", "/admin"), (f"the price sheet, {PRODUCTS} products",
                            f"/admin/prices?reseller={reseller.id}&limit={PRODUCTS}"),
                            ("the audit log", "/admin/audit")):
            size = length(server.port, tenant.base + path, header)
            rounds = [load.wrk(server, options.seconds, path=tenant.base + path, headers=[header])
                      for _ in range(options.rounds)]
            table.add(f"pages: {label}, {size:,} bytes", rounds)


def length(port, path, header, may_miss=False):
    """Bytes of a page; None where it is not there and may be none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=dict([header.split(": ", 1)]))
    answer = connection.getresponse()
    body = answer.read()
    if may_miss and answer.status == 404:
        return None
    if answer.status != 200:
        sys.exit(f"{path}: {answer.status}")
    return len(body)


def weights(options, table):
    """Each page of the admin as it comes, one after the other, the middle one of some looks at it."""
    with Gateway(options.tollgate, demo=False, clock=True) as gateway:
        heavy = Heavy(gateway, options.page_resellers, ORDERS * options.page_resellers // 10_000,
                      READS * options.page_resellers // 10_000)
        heavy.fill()
        email = "owner@heavy.example"
        invited = gateway.post("/provider/v1/tenants/heavy/invitation", key=gateway.provider_key).json
        url = next(value for value in invited.values() if isinstance(value, str) and "/invite/" in value)
        gateway.post(url.removeprefix(gateway.base_url), {"password": PASSWORD})
        header = signed_in(gateway.port, heavy.base, email)
        ids = {"reseller": heavy.resellers[7]["id"], "key": heavy.resellers[7]["key_id"], "sku": heavy.skus[0],
               "order": heavy.shop.get(heavy.resellers[7], "/orders?limit=1").json["data"][0]["id"]}
        found = []
        for page in PAGES:
            names = re.findall(r"\{(\w+)\}", page.path)
            if page.surface == "admin" and page.status == 200 and set(names) <= set(ids):
                path = heavy.base + "/admin" + page.path.format(**ids)
                # A page of a dialect that the tenant does not have.
                if length(gateway.port, path, header, may_miss=True) is None:
                    continue
                found.append((statistics.median(took(gateway.port, path, header) for _ in range(LOOKS)), page.path))
        found.sort(reverse=True)
        table.add(f"pages: the slowest of {len(found)}, {options.page_resellers:,} resellers", figure=found[0][0] * 1e3,
                  threshold="pages", note=f"{found[0][1]}; then " + ", ".join(
                      f"{path or '/'} {seconds * 1e3:.1f} ms" for seconds, path in found[1:4]))


def took(port, path, header):
    begin = time.perf_counter()
    length(port, path, header)
    return time.perf_counter() - begin
