#!/usr/bin/env python3
"""P6: whatever the provider, an operator and a reseller of wholesale orders can do by their APIs they can do by the
command line; what resellers of other APIs have and sold is of week_reseller.py. The routes are those that the running
gateway describes; each has a line here that asks for it, or why it has none. A line is run against a listener that
answers anything, and has to come to the route's method and path."""

import http.server
import json
import os
import re
import tempfile
import threading

from support import Checks, Gateway, arguments, command, write_private

PROVIDER, ADMIN, PARTNER = "/provider/v1", "/api/admin", "/api/partner/v1"
TERMS = "--term monthly --customer c"

# {route: line}. DIR is a folder with the files `secret`, `table.csv` and `object.json`; what is written is new there.
LINES = {
    PROVIDER: {
        "DELETE /nodes/{}/drain": "node drain n --undo",
        "DELETE /provider-keys/{}": "provider-key revoke k",
        "DELETE /tenants/{}": "tenant delete x --confirm x",
        "DELETE /tenants/{}/cancel": "tenant cancel x --undo",
        "DELETE /tenants/{}/deletion": "tenant undelete x",
        "DELETE /tenants/{}/move": "tenant move-back x",
        "GET /attention": "node attention",
        "GET /backup": "backup DIR/archive",
        "GET /blueprints": "blueprint list",
        "GET /log": "log",
        "GET /log.csv": "log --output DIR/log.csv",
        "GET /log.jsonl": "log --output DIR/log.jsonl",
        "GET /node": "node show",
        "GET /nodes": "node list",
        "GET /placement": "placement",
        "GET /provider-keys": "provider-key list",
        "GET /provider-keys/{}": "provider-key show k",
        "GET /tenants": "tenant list",
        "GET /tenants/{}": "tenant show x",
        "GET /tenants/{}/export": "tenant export x --output DIR/x.sqlite",
        "GET /traffic": "traffic --tenant x",
        "GET /usage": "usage",
        "GET /usage.csv": "usage --output DIR/used.csv",
        "PATCH /tenants/{}": "tenant change x --tier pro",
        "POST /clock/accept": "clock accept",
        "POST /nodes/{}/drain": "node drain n",
        "POST /provider-key/rotate": "provider-key rotate",
        "POST /provider-keys": "provider-key mint k",
        "POST /provider-keys/{}/rotate": "provider-key rotate k",
        "POST /registry/rebuild": "registry rebuild",
        "POST /tenants": "tenant create x --blueprint hosting --owner-email o@there.example",
        "POST /tenants/import": "tenant import --input DIR/table.csv --passphrase-file DIR/secret",
        "POST /tenants/{}/adopt": "tenant adopt x --history log",
        "POST /tenants/{}/cancel": "tenant cancel x",
        "POST /tenants/{}/fork": "tenant fork x y",
        "POST /tenants/{}/invitation": "tenant invite x",
        "POST /tenants/{}/owner-key": "tenant owner-key x",
        "POST /tenants/{}/refund": "tenant refund x",
        "POST /tenants/{}/restore": "tenant restore x --at 2026-01-01T00:00:00Z",
        "POST /tenants/{}/resume": "tenant resume x",
        "POST /tenants/{}/suspend": "tenant suspend x",
    },
    ADMIN: {
        "DELETE /account/sessions": "account sessions --end-all",
        "DELETE /account/sessions/{}": "account sessions --end s",
        "DELETE /api-keys/{}": "key revoke k",
        "DELETE /api-keys/{}/limit": "limit remove k",
        "DELETE /devices/{}": "devices withdraw d",
        "DELETE /payment-service": "payment-service remove",
        "DELETE /people/{}/sessions": "people sessions p --end-all",
        "DELETE /people/{}/sessions/{}": "people sessions p --end s",
        "DELETE /ports/{}": "ports withdraw 46.8.0.1:1",
        "DELETE /products/{}/provisioning": "provisioning remove --product p",
        "DELETE /products/{}/stock/items/{}": "stock withdraw p i",
        "DELETE /provisioning": "provisioning remove",
        "DELETE /resellers/{}/products/{}": "price remove r p",
        "DELETE /resellers/{}/sessions": "reseller sessions r --end-all",
        "DELETE /resellers/{}/sessions/{}": "reseller sessions r --end s",
        "DELETE /services/{}/cancel": "service keep s",
        "DELETE /session": "account sign-out",
        "DELETE /settings/logo": "settings logo --remove",
        "GET /account": "account show",
        "GET /account/keys": "account keys",
        "GET /account/sessions": "account sessions",
        "GET /api-keys": "key list",
        "GET /api-keys/activity": "key activity",
        "GET /api-keys/{}": "key show k",
        "GET /api-keys/{}/limit": "limit show k",
        "GET /api-keys/{}/limit/history": "limit history k",
        "GET /attention": "attention",
        "GET /audit": "audit list --changes",
        "GET /audit.csv": "audit export --output DIR/audit.csv",
        "GET /audit.jsonl": "audit export --output DIR/audit.jsonl",
        "GET /audit/head": "audit head",
        "GET /audit/requests/{}": "audit request r",
        "GET /audit/{}": "audit show 1",
        "GET /code-batches": "code list",
        "GET /codes/{}": "code show --code-file DIR/secret",
        "GET /countries": "country list",
        "GET /credit-events": "credit-event list",
        "GET /credit-events/{}": "credit-event show e",
        "GET /customers": "customer list",
        "GET /customers/{}": "customer show c",
        "GET /deliveries": "deliveries list",
        "GET /deliveries/{}": "deliveries show d",
        "GET /devices": "devices list",
        "GET /devices/{}": "devices show d",
        "GET /due": "due",
        "GET /events": "events tail --once",
        "GET /licences": "licences list",
        "GET /licences/withdrawn": "licences list --withdrawn",
        "GET /orders": "order list",
        "GET /orders.csv": "order export --output DIR/orders.csv",
        "GET /orders/{}": "order show o",
        "GET /overview": "overview",
        "GET /payment-service": "payment-service show",
        "GET /payments": "payment list",
        "GET /payments/{}": "payment show p",
        "GET /people": "people list",
        "GET /people/{}": "people show p",
        "GET /people/{}/sessions": "people sessions p",
        "GET /ports": "ports list",
        "GET /ports/{}": "ports show 46.8.0.1:1",
        "GET /price-book.csv": "price export --output DIR/book.csv",
        "GET /price-history": "price history",
        "GET /price-sheet": "price sheet --product p",
        "GET /products": "product list",
        "GET /products.csv": "product export --output DIR/products.csv",
        "GET /products/{}": "product show p",
        "GET /products/{}/provisioning": "provisioning show --product p",
        "GET /products/{}/stock/items": "stock list p",
        "GET /provisioning": "provisioning show",
        "GET /provisioning/queue": "provisioning queue",
        "GET /reconciliations": "reconciliation list",
        "GET /reconciliations/{}": "reconciliation show r",
        "GET /replays": "replay list",
        "GET /replays/{}": "replay show r",
        **{f"GET /reports/{kind}{form}": f"report {kind}" + (f" --output DIR/{kind}.csv" if form else "")
           for kind in ("balances", "credit", "holds", "refunds", "turnover") for form in ("", ".csv")},
        "GET /resellers": "reseller list",
        "GET /resellers/{}": "reseller show r",
        "GET /resellers/{}/products": "price list r",
        "GET /resellers/{}/rate-limit/history": "reseller limit-history r",
        "GET /resellers/{}/sessions": "reseller sessions r",
        "GET /resellers/{}/statement": "statement r --kind top_up --from 2026-05-01 --to 2026-06-01",
        "GET /resellers/{}/statement.csv": "statement r --from 2026-05-01 --output DIR/statement.csv",
        "GET /reviews": "review list",
        "GET /reviews/{}": "review show r",
        "GET /services": "service list",
        "GET /services.csv": "service export --output DIR/services.csv",
        "GET /services/{}": "service show s",
        "GET /services/{}/charges": "service charges s",
        "GET /settings": "settings show",
        "GET /stock": "stock levels",
        "GET /subscribers": "subscriber list",
        "GET /subscribers/{}": "subscriber show s",
        "GET /subscribers/{}/redemptions": "subscriber show s",
        "GET /usage": "audit usage --callers keys",
        "GET /usage/groups": "audit usage-groups --group reseller",
        "GET /usage/total": "audit usage-total --by hour",
        "GET /users": "user list",
        "GET /webhooks": "webhooks list",
        "GET /webhooks/{}": "webhooks show w",
        "PATCH /customers/{}": "customer change c --name n",
        "PATCH /devices/{}": "devices change d --city Bonn",
        "PATCH /people/{}": "people change p --name n",
        "PATCH /ports/{}": "ports change 46.8.0.1:1 --http-port 2",
        "PATCH /products/{}": "product change p --name n",
        "PATCH /resellers/{}": "reseller change r --name n",
        "PATCH /services/{}/details": "service details s --details-file DIR/object.json",
        "PATCH /settings": "settings change --name n",
        "POST /account/keys": "account key --name n",
        "POST /account/password": "account password --old-file DIR/secret --new-file DIR/secret",
        "POST /api-keys": "key mint --owner-email o@there.example",
        "POST /api-keys/{}/limit/rehearse": "limit rehearse k 10/60",
        "POST /api-keys/{}/limit/reset": "limit reset k",
        "POST /api-keys/{}/rotate": "key rotate k",
        "POST /audit/verify": "audit verify",
        "POST /deliveries/replay": "deliveries replay --since 2026-01-01T00:00:00Z",
        "POST /deliveries/{}/retry": "deliveries retry d",
        "POST /deliveries/{}/signature": "deliveries signature d --timestamp 1 --signature v1,x",
        "POST /licences": "licences import DIR/table.csv",
        "POST /licences/move": "licences move --licence l --to-reseller r",
        "POST /licences/withdraw": "licences withdraw --licence l",
        "POST /orders/{}/activate": "order activate o",
        "POST /orders/{}/refund": "order refund o --amount 1.00 --reason late",
        "POST /orders/{}/reject": "order reject o --reason none",
        "POST /outbound/resume": "outbound resume",
        "POST /people": "people add p@there.example --name n --role support",
        "POST /people/{}/password-reset": "people reset-password p",
        "POST /ports": "ports import DIR/table.csv",
        "POST /price-book.csv": "price import DIR/table.csv",
        "POST /products": "product add p --name n --fulfilment manual",
        "POST /products.csv": "product import DIR/table.csv",
        "POST /products/{}/stock": "stock import p DIR/table.csv",
        "POST /provisioning/test": "provisioning test",
        "POST /provisioning/{}/confirm": "provisioning confirm s",
        "POST /provisioning/{}/give_up": "provisioning give-up s --reason none",
        "POST /provisioning/{}/retry": "provisioning retry s",
        "POST /reconciliations": "reconciliation run DIR/table.csv --reseller r",
        "POST /resellers": "reseller invite --email r@there.example --name n",
        **{f"POST /resellers/{{}}/{move}": f"reseller {move} r"
           for move in ("approve", "invitation", "resume", "suspend", "terminate")},
        "POST /resellers/{}/balance": "balance add r --amount 1.00 --reference paid --kind top_up",
        "POST /resellers/{}/password-reset": "reseller reset-password r",
        "POST /resellers/{}/rate-limit/rehearse": "reseller rehearse r 10/60",
        "POST /resellers/{}/webhook-secret/rotate": "reseller secret r",
        "POST /reviews/{}/close": "review close r --note n",
        "POST /services/reprice": "service reprice --price 1.00",
        **{f"POST /services/{{}}/{move}": f"service {move} s" for move in ("cancel", "resume", "suspend")},
        "POST /session": "account sign-in --email o@there.example --password-file DIR/secret",
        "POST /subscribers/{}/password-reset": "subscriber reset-password s",
        **{f"POST /webhooks/{{}}/{move}": f"webhooks {move} w"
           for move in ("disable", "enable", "pause", "resume", "test")},
        "PUT /api-keys/{}/limit": "limit set k 10/60",
        "PUT /countries/{}": "country set de --base-price 1.00",
        "PUT /payment-service": "payment-service set --driver sandbox",
        "PUT /products/{}/provisioning": "provisioning set https://there.example/ --product p",
        "PUT /provisioning": "provisioning set https://there.example/",
        "PUT /resellers/{}/products/{}": "price set r p --monthly 1.00",
        "PUT /settings/logo": "settings logo DIR/logo.png",
    },
    PARTNER: {
        "DELETE /account/sessions": "my sessions --end-all",
        "DELETE /account/sessions/{}": "my sessions --end s",
        "DELETE /keys/{}": "my revoke k",
        "DELETE /services/{}/cancel": "my keep s",
        "DELETE /session": "my sign-out",
        "DELETE /webhooks/{}": "my webhook-remove w",
        "GET /account": "my account",
        "GET /account/sessions": "my sessions",
        "GET /balance": "my balance",
        "GET /customers": "my customers",
        "GET /deliveries": "my deliveries",
        "GET /deliveries/{}": "my delivery d",
        "GET /events": "events tail --once --api wholesale",
        "GET /holdings": "my holdings",
        "GET /keys": "my keys",
        "GET /limit": "my limit",
        "GET /orders": "my orders --product p --from 2026-05-01 --to 2026-06-01",
        "GET /orders/{}": "my order o",
        "GET /overview": "my overview",
        "GET /products": "my products",
        "GET /program": "my programme",
        "GET /requests": "my requests --callers keys",
        "GET /services": "my services",
        "GET /services/{}": "my service s",
        "GET /statement": "my statement --kind order --from 2026-05-01 --to 2026-06-01",
        "GET /statement.csv": "my statement --output DIR/own.csv",
        "GET /topup/{}": "my payment p",
        "GET /usage": "my usage",
        "GET /usage/total": "my usage-total",
        "GET /webhooks": "my webhooks",
        "GET /webhooks/{}": "my webhook w",
        "PATCH /webhooks/{}": "my webhook-change w --name n",
        "POST /account/password": "my password --old-file DIR/secret --new-file DIR/secret",
        "POST /apply": "my apply --email r@there.example --name n --password-file DIR/secret",
        "POST /deliveries/replay": "my replay --since 2026-01-01T00:00:00Z",
        "POST /deliveries/{}/retry": "my retry d",
        "POST /keys": "my mint",
        "POST /keys/{}/rotate": "my rotate k",
        "POST /orders": f"my buy p {TERMS} --secret-file DIR/secret",
        "POST /orders/quote": f"my quote p {TERMS}",
        "POST /services/{}/cancel": "my cancel s",
        "POST /services/{}/pay": "my pay s",
        "POST /session": "my sign-in --email r@there.example --password-file DIR/secret",
        "POST /topup": "my topup 20.00",
        "POST /webhooks": "my webhook-add n https://there.example/ --type order.created",
        **{f"POST /webhooks/{{}}/{move}": f"my webhook-{move} w" for move in ("enable", "pause", "resume", "test")},
        "POST /webhooks/{}/secret/rotate": "my webhook-rotate w",
    }}

# {route: why no line asks for it}.
WITHOUT = {
    PROVIDER: {
        "POST /tenants/{}/move": "a step of `tenant move`, of which each needs the one before (moving.py)",
        "POST /tenants/{}/move/confirm": "the last step of `tenant move`",
    },
    ADMIN: {
        "DELETE /sessions/{}": "`people sessions` and `reseller sessions` end them, of whom it is",
        "GET /audit/requests": "`audit request` has each",
        "GET /deliveries/count": "`deliveries replay --dry-run` counts the same",
        "GET /products/{}/stock": "`stock levels` has every product's",
        "GET /resellers/{}/products/{}": "`price list` has the row",
        "GET /resellers/{}/products/{}/history": "`price history --reseller --product` has its changes",
        "GET /sessions": "`people sessions` and `reseller sessions` list them, of whom it is",
    },
    PARTNER: {
        "GET /webhook": "the webhook called default: `my webhooks` has it",
        "POST /webhook/secret/rotate": "of the webhook called default: `my webhook-rotate` does it by its id",
        "PUT /webhook": "the webhook called default: `my webhook-add` and `my webhook-change`",
    }}


class Listener(http.server.ThreadingHTTPServer):
    """Answers anything, and keeps what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        self.calls = []
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.calls.append((self.command, self.path.split("?")[0]))
        body = json.dumps({"data": [], "token": "t"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass


def served(gateway, base):
    """The routes that the gateway describes, with empty braces."""
    answer = gateway.get(("" if base == PROVIDER else "/t/hosting") + base + "/openapi.json")
    assert answer.status == 200, answer
    return {f"{method.upper()} {re.sub('{[^}]*}', '{}', path)}"
            for path, methods in answer.json["paths"].items() for method in methods}


def asked(tollgate, listener, folder, base, line):
    """The calls that a line makes, whatever it makes of the answers."""
    listener.calls.clear()
    words = [word.replace("DIR/", folder + "/") for word in line.split()]
    tenant = [] if base == PROVIDER else ["--tenant", "shop"]
    # Nobody has a key yet.
    key = [] if {"sign-in", "apply"} & {*words[:2]} else ["--key", "tgh_live_key"]
    done = command(tollgate, *words, "--url", listener.base_url, *tenant, *key)
    return list(listener.calls), done


def matches(route, base, call):
    method, pattern = route.split(" ", 1)
    place = base if base == PROVIDER else "/t/shop" + base
    path = "".join("[^/]+" if part == "{}" else re.escape(part) for part in re.split(r"({})", place + pattern))
    return call[0] == method and re.fullmatch(path, call[1]) is not None


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate) as gateway:
        for base in LINES:
            with checks(f"P6 each route below {base} has a command that asks for it, or why it has none"):
                routes, known = served(gateway, base), {*LINES[base], *WITHOUT[base]}
                assert routes == known, (sorted(routes - known), sorted(known - routes))
                assert not LINES[base].keys() & WITHOUT[base].keys()
                assert list(WITHOUT[base]) == sorted(WITHOUT[base]) and all(WITHOUT[base].values())
    with tempfile.TemporaryDirectory() as folder, Listener() as listener:
        write_private(os.path.join(folder, "secret"), "whsec_" + "QUJD" * 8 + "\n")
        write_private(os.path.join(folder, "table.csv"), "a,b\n1,2\n")
        write_private(os.path.join(folder, "object.json"), "{}\n")
        write_private(os.path.join(folder, "logo.png"), b"\x89PNG\r\n\x1a\n")
        for base, lines in LINES.items():
            with checks(f"P6 the command of each route below {base} asks for this route"):
                wrong = {}
                for route, line in lines.items():
                    calls, done = asked(options.tollgate, listener, folder, base, line)
                    if not any(matches(route, base, call) for call in calls):
                        wrong[route] = (line, calls, done.returncode, done.stderr)
                assert not wrong, wrong
        listener.shutdown()
    checks.finish()


if __name__ == "__main__":
    main()
