#!/usr/bin/env python3
"""U2 O2 O6 Sessions are keys (0009) without a page of their own: what the operator's pages tell of them leads to their
calls."""

import re

from desk import Desk
from office import Office
from pagewire import Browser
from shop import PASSWORD
from support import Checks, Gateway, arguments


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        office = Office(gateway)
        keys_of_the_log(office, Desk(office, office.owner_email), checks)
    checks.finish()


def keys_of_the_log(office, owner, checks):
    shop = office.shop
    with checks("U2 O6 a row of the log leads to its key's page, and one of a session, which has none, to its calls"):
        owner.text("/people")
        shop.admin("GET", "/people")
        rows = shop.admin("GET", "/audit?limit=20").json["data"]
        for action, path in (("GET /admin/people", "/audit"), ("GET /api/admin/people", "/keys/")):
            row = next(row for row in rows if row["action"] == action)
            links = owner.get(f"/audit/{row['seq']}?request_id={row['request_id']}").read.links
            found = {link for link in links if link and row["key"] in link}
            assert found and all(link.startswith(f"{owner.base}/admin{path}") for link in found), (action, found)
            for link in found:
                assert owner.browser.get(link).status == 200, (action, link)
    with checks("U2 O2 of the keys that a rehearsed limit would hit each leads somewhere, sessions of the portal too"):
        reseller = shop.reseller(balance="1.00", password=PASSWORD)
        browser = Browser(office.gateway)
        assert browser.follow(browser.sign_in(shop.base, reseller["email"], PASSWORD)).status == 200
        for _ in range(3):
            shop.get(reseller, "/balance")
            assert browser.get(f"{shop.base}/portal/account").status == 200
        page = owner.get(f"/resellers/{reseller['id']}/limit?requests=1&window_seconds=3600&burst=1&days=1").read.links
        keys = {link for link in page if link and re.search(r"(/keys/|/audit\?key=)key_", link)}
        assert len(keys) == 2, keys
        for link in keys:
            assert owner.browser.get(link).status == 200, link


if __name__ == "__main__":
    main()
