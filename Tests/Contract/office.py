"""A tenant with people: what the scripts on people and passwords share."""

from shop import ADMIN, PASSWORD, Shop

OTHER = "another horse battery"


class Office:
    """A shop whose owner has a password, and its people."""

    def __init__(self, gateway, **fields):
        self.gateway = gateway
        self.shop = Shop(gateway, password=PASSWORD, **fields)
        self.base = self.shop.base + ADMIN
        self.owner = self.shop.owner_key
        self.owner_email = f"owner@{self.shop.slug}.example"

    def call(self, key, method, path, body=None, **options):
        return self.gateway.request(method, self.base + path, body, key=key, **options)

    def add(self, name, role, key=None):
        made = self.call(key or self.owner, "POST", "/people", {
            "email": f"{name}@{self.shop.slug}.example", "name": name.capitalize(), "role": role})
        assert made.status == 201, made
        return made.json

    def person(self, name, role, password=PASSWORD):
        """Somebody who has set a password and signed in: (person, token)."""
        made = self.add(name, role)
        self.accept(made["invitation_url"], password)
        return made, self.token(made["email"], password)

    def path(self, url):
        assert url.startswith(self.gateway.base_url + self.shop.base), url
        return url.removeprefix(self.gateway.base_url)

    def accept(self, url, password=PASSWORD, status=200):
        answer = self.gateway.post(self.path(url), {"password": password})
        assert answer.status == status, answer
        return answer

    def signs_in(self, email, password=PASSWORD, **options):
        return self.gateway.post(self.base + "/session", {"email": email, "password": password}, **options)

    def token(self, email, password=PASSWORD):
        signed_in = self.signs_in(email, password)
        assert signed_in.status == 200, signed_in
        return signed_in.json["token"]

    def change(self, person, key=None, **fields):
        return self.call(key or self.owner, "PATCH", f"/people/{person['id']}", fields)

    def changed(self, person, **fields):
        answer = self.change(person, **fields)
        assert answer.status == 200, answer
        return answer.json

    def reset(self, person, **options):
        return self.call(self.owner, "POST", f"/people/{person['id']}/password-reset", **options)

    def status(self, key, path="/settings"):
        return self.call(key, "GET", path).status

    def own_key(self, token, **fields):
        minted = self.call(token, "POST", "/account/keys", fields)
        assert minted.status == 201, minted
        return minted.json


def refused(answer, status, code):
    assert answer.status == status and answer.json["code"] == code, answer


def fields(answer):
    assert answer.status == 422, answer
    return {error["pointer"]: error["code"] for error in answer.json["errors"]}
