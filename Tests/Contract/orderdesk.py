"""O10, W9, U2: where an order's money is, unit by unit; what a service was charged and would cost today; an end that is
taken back; and the operator's pages of them."""

from desk import Desk
from office import Office
from support import Checks, Gateway, arguments, wait_until

DAY = 86_400


class Scene:
    def __init__(self, gateway):
        self.gateway, self.office = gateway, Office(gateway)
        self.shop = self.office.shop

    def read(self, path):
        answer = self.shop.admin("GET", path)
        assert answer.status == 200, answer
        return answer.json

    def done(self, method, path, body=None, **options):
        answer = self.shop.admin(method, path, body, **options)
        assert answer.status == 200, answer
        return answer.json

    def seller(self, balance="500.00", **row):
        reseller = self.shop.reseller(balance=balance, default_discount_rate="10")
        for sku in ("vps-1", self.manual):
            self.shop.price(reseller, sku, {"wholesale_monthly": "10.00", "wholesale_setup_fee": "5.00", **row})
        return reseller

    def order(self, reseller, sku, **options):
        placed = self.shop.order(reseller, sku, timestamp=int(self.gateway.now()), **options)
        assert placed.status == 201, placed
        return placed.json["order"]["id"], [service["id"] for service in placed.json["services"]]


def money(scene, checks):
    reseller = scene.seller()
    id, services = scene.order(reseller, scene.manual, quantity=3)
    with checks("O10 an order that waits says what is held, and each unit's share of it: the shares come to the total"):
        order = scene.read(f"/orders/{id}")
        assert order["money"] == {"held": "42.00", "captured": "0.00", "voided": "0.00", "renewed": "0.00",
                                  "refunded": "0.00", "refundable": "0.00"}, order
        assert [(unit["share"], unit["money"]) for unit in order["services"]] == [("14.00", "held")] * 3, order
    with checks("O10 once it is activated its money is captured, and a refund is counted in what is left"):
        order = scene.done("POST", f"/orders/{id}/activate")
        assert order["money"]["captured"] == order["money"]["refundable"] == "42.00", order
        assert order["money"]["held"] == "0.00", order
        order = scene.done("POST", f"/orders/{id}/refund", {"amount": "2.50", "reason": "Late"}, idempotent=True)
        assert (order["money"]["refunded"], order["money"]["refundable"]) == ("2.50", "39.50"), order
        assert {unit["money"] for unit in order["services"]} == {"captured"}
    with checks("O10 what is rejected is given back, and says so"):
        other, _ = scene.order(reseller, scene.manual)
        order = scene.done("POST", f"/orders/{other}/reject", {"reason": "No room"})
        assert order["money"]["voided"] == "14.00" and order["services"][0]["money"] == "voided", order
    return reseller, id, services


def service(scene, checks, reseller, order, services):
    id = services[0]
    with checks("O10 W9 a service says what its next period costs at the recorded price, and what it would cost today"):
        told = scene.read(f"/services/{id}")
        assert (told["renewal_amount"], told["amount_today"], told["currency"]) == ("9.00", "9.00", "EUR"), told
        scene.shop.price(reseller, scene.manual, {"wholesale_monthly": "12.00"})
        told = scene.read(f"/services/{id}")
        assert (told["renewal_amount"], told["amount_today"]) == ("9.00", "10.80"), told
        scene.shop.price(reseller, scene.manual, {"is_enabled": False})
        assert scene.read(f"/services/{id}")["amount_today"] is None
    with checks("O10 W9 its charges are listed, newest first, the order's own last"):
        scene.gateway.jump(31 * DAY)
        wait_until(lambda: scene.read(f"/services/{id}")["period"] == 1)
        rows = scene.read(f"/services/{id}/charges")["data"]
        assert [(row["period"], row["amount"]) for row in rows] == [(1, "9.00"), (0, "14.00")], rows
        assert rows[1]["ends_at"] == rows[0]["begins_at"] and rows[0]["posting"], rows
        first = scene.read(f"/services/{id}/charges?limit=1")
        rest = scene.read(f"/services/{id}/charges?limit=1&cursor={first['next_cursor']}")
        assert first["data"] + rest["data"] == rows and not rest["has_more"], (first, rest)
        assert scene.read(f"/orders/{order}")["money"]["renewed"] == "27.00"
    with checks("O10 W9 what is past due says when it is tried next, and when it is suspended"):
        poor = scene.seller(balance="16.00")
        _, (late,) = scene.order(poor, "vps-1")
        scene.gateway.jump(31 * DAY)
        told = wait_until(lambda: [row for row in [scene.read(f"/services/{late}")] if row["status"] == "past_due"])[0]
        assert told["past_due_since"] < told["next_try_at"] <= told["suspends_at"], told
        assert scene.read(f"/services/{id}")["suspends_at"] is None


def ends(scene, checks, services):
    id = services[1]
    refused = lambda code: (lambda answer: answer.status == 409 and answer.json["code"] == code)(
        scene.shop.admin("DELETE", f"/services/{id}/cancel"))
    with checks("O10 an operator takes back the end that an operator gave, and nobody else's"):
        assert refused("not_ending")
        before = scene.read(f"/services/{id}")
        assert scene.done("POST", f"/services/{id}/cancel", {"at": "term_end"})["ends_at"] == before["renews_at"]
        told = scene.done("DELETE", f"/services/{id}/cancel")
        assert (told["ends_at"], told["renews_at"]) == (None, before["renews_at"]), told
    with checks("O10 W9 a reseller's own end is the reseller's to take back: 409"):
        owner = next(one for one in scene.sellers if one["id"] == before["reseller"])
        assert scene.shop.call(owner, "POST", f"/services/{id}/cancel", {}).status == 200
        assert refused("ended_by_reseller")
        assert scene.shop.call(owner, "DELETE", f"/services/{id}/cancel").status == 200
    with checks("O10 W9 where both have it end, the operator's word goes first; the reseller's stays"):
        path, own = f"/services/{id}/cancel", lambda method: scene.shop.call(owner, method, f"/services/{id}/cancel")
        words = [lambda: own("POST"), lambda: scene.shop.admin("POST", path, {"at": "term_end"})]
        for order in (words, words[::-1]):
            for say in order:
                assert say().status == 200
            left = own("DELETE")
            assert left.status == 409 and left.json["code"] == "ended_by_operator", left
            told = scene.done("DELETE", path)
            assert (told["ends_at"], told["renews_at"]) == (before["renews_at"], None), told
            assert refused("ended_by_reseller")
            back = own("DELETE")
            assert back.status == 200 and back.json["renews_at"] == before["renews_at"], back
            assert refused("not_ending")
    with checks("O10 W1 what ends with its terminated reseller does not renew again: 409"):
        gone = scene.seller()
        _, (left,) = scene.order(gone, "vps-1")
        assert scene.shop.move(gone, "terminate").status == 200
        answer = scene.shop.admin("DELETE", f"/services/{left}/cancel")
        assert answer.status == 409 and answer.json["code"] == "reseller_terminated", answer


def pages(scene, checks):
    reseller = scene.seller()
    waiting, (unit,) = scene.order(reseller, scene.manual, customer="c-<b>")
    owner = Desk(scene.office, scene.office.owner_email)
    person = scene.office.add("sam", "support")
    scene.office.accept(person["invitation_url"])
    sam = Desk(scene.office, person["email"])
    with checks("U2 O10 a filter that names what is not there says so, and keeps what was typed"):
        page = owner.get("/orders?reseller=res_none&q=ord_")
        assert page.status == 200 and "There is no such reseller." in page.text, page
        assert 'value="res_none"' in page.body.decode() and 'value="ord_"' in page.body.decode()
        assert "No row fits these filters." in owner.text(f"/orders?reseller={reseller['id']}&state=rejected")
        assert waiting in owner.get(f"/orders?state=pending&customer=c-%3Cb%3E").body.decode()
    with checks("U2 pages of credit reports are not there where the tenant has none"):
        for path in ("/credits", "/reconciliations", "/reconciliations/new"):
            assert owner.get(path).status == 404 and "/admin/reconciliations" not in owner.text("/orders"), path
    with checks("U2 O13 support sees orders and services, and no form or way to change them"):
        for path in (f"/orders/{waiting}", f"/services/{unit}", "/orders", "/services"):
            page = sam.get(path)
            assert page.status == 200, page
            assert not [call for call in sam.calls(path) if call.split(" ")[0] != "GET"], sam.calls(path)
            acts = ("/activate", "/reject", "/refund", "/suspend")
            assert not [link for link in page.read.links if link.endswith(acts)]
        sent = owner.fields(f"/orders/{waiting}/reject", f"POST /orders/{waiting}/reject")
        answer = sam.browser.post(f"{sam.base}/admin/orders/{waiting}/reject", {
            **sent, "_token": sam.get("/orders").form("_token")["fields"]["_token"], "reason": "No"})
        assert answer.status == 403 and scene.read(f"/orders/{waiting}")["state"] == "pending", answer
    with checks("U2 G4 a form of an order that is sent twice does its work once"):
        form = owner.fields(f"/orders/{waiting}/activate", f"POST /orders/{waiting}/activate")
        form |= {"names.0": "host", "values.0": "10.0.0.1", "kinds.0": "plain"}
        answers = [owner.browser.post(f"{owner.base}/admin/orders/{waiting}/activate", form) for _ in range(2)]
        assert [answer.status for answer in answers] == [303, 303], answers
        order = scene.read(f"/orders/{waiting}")
        assert order["state"] == "completed" and order["revision"] == 2, order
        assert scene.read(f"/services/{unit}")["details"] == {"host": {"value": "10.0.0.1", "secret": False}}
    with checks("U2 O10 the lists are to be had as files, of what is filtered"):
        for name in ("orders", "services"):
            file = owner.get(f"/{name}.csv?reseller={reseller['id']}")
            assert file.status == 200 and f'filename="{name}.csv"' in file.headers["content-disposition"], file
            assert len(file.body.decode().strip().splitlines()) == 2, file
            assert sam.get(f"/{name}.csv").status == 403
    with checks("U2 W9 services are repriced only after the list of them was shown"):
        path = f"/services/reprice?reseller={reseller['id']}"
        shown = owner.send(path, "POST /services/reprice", reseller=reseller["id"], price="7.00")
        assert shown.status == 200 and unit in shown.body.decode(), shown
        assert scene.read(f"/services/{unit}")["term_price"] == "10.00"
        hidden = {name: value for form in shown.read.forms for name, value in form["fields"].items() if name != "q"}
        done = owner.browser.post(f"{owner.base}/admin{path}", hidden)
        assert done.status == 200 and scene.read(f"/services/{unit}")["term_price"] == "7.00", done


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, "--allow-private-addresses", demo=False, clock=True) as gateway:
        scene = Scene(gateway)
        scene.manual = scene.shop.product(fulfilment="manual")
        reseller, order, services = money(scene, checks)
        scene.sellers = [reseller]
        service(scene, checks, reseller, order, services)
        ends(scene, checks, services)
        pages(scene, checks)
    checks.finish()


if __name__ == "__main__":
    main()
