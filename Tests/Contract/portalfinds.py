#!/usr/bin/env python3
"""U3 W5 W6 H4: what a reseller runs, searches and replays on its portal."""

import html
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse

from portalwire import Scene
from support import Checks, Gateway, arguments

options = arguments()
checks = Checks()


# How each of the lines to try an order by is run.
LINES = {"try-order": ["sh", "-c"], "try-order-shell": ["sh", "-c"], "try-order-python": [sys.executable, "-c"],
         "try-order-node": ["node", "--input-type=module", "--eval"]}


def check_lines(scene):
    page = scene.portal.shown("/api").body.decode()
    secret = scene.buyer["webhook_secret"]
    key = scene.mint(scene.buyer, mode="test").json["key"]
    for box, program in LINES.items():
        with checks(f"U3 W5 the lines of {box} are run as they stand there, and order in the test book"):
            lines = html.unescape(re.search(rf'id="{box}">(.*?)</pre>', page, re.S).group(1))
            with tempfile.TemporaryDirectory(prefix="tollgate-") as folder:
                done = subprocess.run([*program, lines], cwd=folder, capture_output=True, text=True, env={
                    "PATH": f"{os.path.dirname(os.path.abspath(options.tollgate))}:{os.environ['PATH']}",
                    "TOLLGATE_KEY": key, "TOLLGATE_WEBHOOK_SECRET": secret})
            assert done.returncode == 0, done
            order = json.loads(done.stdout)["order"]["id"]
            assert order in scene.portal.shown("/orders?mode=test").text, done.stdout
    with checks("U3 W5 the lines hold no secret: key and signing secret are read from the environment"):
        assert secret not in page and key not in page
        for box in list(LINES)[1:]:
            lines = re.search(rf'id="{box}">(.*?)</pre>', page, re.S).group(1)
            assert "TOLLGATE_KEY" in lines and "TOLLGATE_WEBHOOK_SECRET" in lines, lines


def check_search(scene, order):
    portal, base = scene.portal, f"{scene.base}/portal"
    placed = scene.order(scene.buyer, scene.sku, customer="c-sought", key="key-sought")
    assert placed.status == 201, placed
    sought, service = placed.json["order"]["id"], placed.json["services"][0]["id"]
    key = scene.mint(scene.buyer, name="sought").json["id"]
    call = scene.get(scene.buyer, "/requests?limit=1&callers=keys").json["data"][0]["request_id"]

    def search(text, mode=""):
        return portal.get(f"/search?{urllib.parse.urlencode({'q': text})}{mode}")
    with checks("U3 W6 what is found alone is shown at once: by id, reference, Idempotency-Key or Request-Id"):
        for text, page in (
                (order, f"/orders/{order}"), (service, f"/services/{service}"), ("invoice-1", f"/orders/{order}"),
                ("key-sought", f"/orders/{sought}"), (f" {sought} ", f"/orders/{sought}"),
                (key, f"/api/keys/{key}"), (call, f"/requests?request_id={call}")):
            found = search(text)
            assert found.status == 303 and found.location == base + page, (text, page, found)
            assert portal.browser.follow(found).status == 200, text
    with checks("U3 W6 the shop's own id of a customer finds the customer and its orders"):
        found = search("c-sought")
        links = found.read.links
        assert found.status == 200 and f"{base}/orders/{sought}" in links, found.text
        assert f"{base}/services?customer=c-sought" in links and order not in found.text, links
    with checks("U3 a search finds nothing of another reseller's, and what nobody has is no mistake"):
        theirs = scene.placed(scene.rival, customer="c-theirs")
        for text in (theirs["order"]["id"], theirs["services"][0]["id"], "c-theirs", "ord_none", "ord_../balance",
                     "key_none", "req_none", "whe_none", "<script>alert(1)</script>", "x" * 300):
            found = search(text)
            assert found.status == 200 and "Nothing of yours matches" in found.text, (text, found)
            assert "<script>alert" not in found.body.decode(), text
        assert "What can be found" in portal.shown("/search").text
    with checks("U3 X7 a search looks through the book that its page shows"):
        test = scene.mint(scene.buyer, mode="test").json["key"]
        tried = scene.order({**scene.buyer, "key": test}, scene.sku, customer="c-tried").json["order"]["id"]
        assert search(tried).status == 200
        found = search(tried, "&mode=test")
        assert found.status == 303 and found.location == f"{base}/orders/{tried}?mode=test", found


def deliveries_listed(page):
    return re.findall(r'/portal/deliveries/(dlv_[0-9a-z]+)["?]', page.body.decode())


def check_deliveries(scene):
    portal, base = scene.portal, f"{scene.base}/portal"
    made = scene.call(scene.buyer, "POST", "/webhooks", {
        "name": "held", "url": "https://8.8.8.8/held", "events": ["order.created", "service.activated"]})
    assert made.status == 201, made
    hook = made.json["id"]
    assert scene.call(scene.buyer, "POST", f"/webhooks/{hook}/pause").status == 200
    scene.placed()
    held = scene.get(scene.buyer, f"/webhooks/{hook}").json["deliveries"]["held"]
    with checks("U3 H4 what waits for a webhook is counted on its page and in the list, each count the way to it"):
        assert held > 1, held
        link = f"{base}/deliveries?endpoint={hook}&state=held"
        for path in ("/webhooks", f"/webhooks/{hook}"):
            assert link in portal.shown(path).read.links, (path, portal.shown(path).read.links)
            assert "not called yet" in portal.shown(path).text, path
        assert len(deliveries_listed(portal.browser.get(link))) == held
    with checks("U3 H4 deliveries are found by type, webhook, state, status and time, as the API finds them"):
        for query in ("type=order.created", f"endpoint={hook}&type=order.created", "state=held&status_class=5xx",
                      f"endpoint={hook}&state=dead,held&since=2020-01-01T00:00:00Z&until=2090-01-01T00:00:00Z",
                      f"endpoint={hook}&until=2020-01-01T00:00:00Z"):
            rows = scene.get(scene.buyer, f"/deliveries?{query}").json["data"]
            page = portal.shown(f"/deliveries?{query}")
            assert deliveries_listed(page) == [row["id"] for row in rows], query
            if rows:
                assert any("/portal/deliveries/replay?" in (link or "") for link in page.read.links), query
    with checks("U3 H4 a replay takes types, several states, a webhook and both times; it counts before it sends"):
        path = f"/deliveries/replay?endpoint={hook}&type=order.created&state=dead,held"
        body = portal.shown(path).body.decode()
        ticked = re.findall(r'<input type="checkbox"[^>]*value="([^"]*)" checked', body)
        assert ticked == ["dead", "held", "order.created"], ticked

        def count_them(*states):
            # From the page as it is now: what was counted once is not counted again.
            return portal.send(path, [
                *portal.form(path, "Count them").items(), *(("states", state) for state in states),
                ("types", "order.created"), ("endpoint", hook), ("status_class", ""),
                ("since", "2020-01-01T00:00:00"), ("until", "2090-01-01T00:00:00")])
        assert "Nothing to replay" in count_them("held", "dead").text, "it is paused"
        assert scene.call(scene.buyer, "POST", f"/webhooks/{hook}/resume").status == 200
        counted = count_them("held", "dead")
        count = scene.call(scene.buyer, "POST", "/deliveries/replay", {
            "since": "2020-01-01T00:00:00Z", "until": "2090-01-01T00:00:00Z", "types": ["order.created"],
            "states": ["held", "dead"], "endpoint": hook, "dry_run": True}).json["count"]
        assert 0 < count < held, (count, held)
        assert counted.status == 200 and f"Replay th{'is' if count == 1 else 'ese'} {count}" in counted.text, counted
        assert "order.created" in counted.text and hook in counted.text, counted.text
        assert scene.get(scene.buyer, f"/webhooks/{hook}").json["deliveries"]["held"] == held, "it was only counted"
        none = count_them()
        assert none.status == 422 and "States" in none.text, none
    assert scene.call(scene.buyer, "DELETE", f"/webhooks/{hook}").status == 200


with Gateway(options.tollgate, clock=True) as gateway:
    scene = Scene(gateway)
    check_lines(scene)
    placed = gateway.order(
        f"{scene.base}/api/partner/v1/orders",
        {**scene.order_body(scene.sku, "monthly", 1, "c-1"), "reference": "invoice-1"}, scene.buyer, "key-referred")
    assert placed.status == 201, placed
    check_search(scene, placed.json["order"]["id"])
    check_deliveries(scene)
checks.finish()
