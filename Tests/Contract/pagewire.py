"""A browser as far as pages need one: cookies by path, forms with their hidden fields, redirects that are followed when
asked. What the scripts on pages share."""

import http.cookies
import html.parser
import urllib.parse

FORM = "application/x-www-form-urlencoded"
ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


class Forms(html.parser.HTMLParser):
    """The forms of a page: address, method, and every named field with its value."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.links, self.texts, self.heading = [], [], [], None
        self._form = self._area = None
        self._open = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self._open.append(tag)
        if tag == "form":
            self._form = {
                "action": values.get("action"), "method": values.get("method", "get"), "fields": {}, "buttons": []}
            self.forms.append(self._form)
        elif tag in ("input", "select") and self._form is not None and values.get("name"):
            if values.get("type") not in ("checkbox", "radio") or "checked" in values:
                self._form["fields"][values["name"]] = values.get("value") or ""
        elif tag == "button" and self._form is not None:
            self._form["buttons"].append(values.get("name"))
        elif tag == "a":
            self.links.append(values.get("href"))

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "form":
            self._form = None

    def handle_data(self, data):
        self.texts.append(data)
        if self._open and self._open[-1] == "h1":
            self.heading = data

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


class Browser:
    """Cookies kept by path, as a browser does. `secure`: whether it believes to speak TLS (a proxy says so for it)."""

    def __init__(self, gateway, host=None, secure=False, address=None):
        self.gateway, self.host, self.secure, self.address = gateway, host, secure, address
        # name and path → value
        self.jar = {}
        self.set_lines = []

    @property
    def origin(self):
        return f"{'https' if self.secure else 'http'}://{self.host or f'127.0.0.1:{self.gateway.port}'}"

    def cookies(self, path):
        """Those with the longer path first."""
        fitting = [
            (name, place, value) for (name, place), value in self.jar.items()
            if path == place or path.startswith(place if place.endswith("/") else place + "/")]
        return "; ".join(f"{name}={value}" for name, place, value in sorted(fitting, key=lambda one: -len(one[1])))

    def request(self, method, path, body=None, headers=None, cookies=None):
        sent = {"Accept": ACCEPT, **({"Host": self.host} if self.host else {})}
        if self.secure:
            sent["X-Forwarded-Proto"] = "https"
        if self.address:
            sent["X-Forwarded-For"] = self.address
        cookies = self.cookies(path.split("?")[0]) if cookies is None else cookies
        if cookies:
            sent["Cookie"] = cookies
        sent.update(headers or {})
        connection = self.gateway.connection()
        try:
            connection.request(method, path, body=body, headers={
                name: value for name, value in sent.items() if value is not None})
            got = connection.getresponse()
            answer = Page(got.status, got.getheaders(), got.read())
        finally:
            connection.close()
        for line in answer.set_cookies:
            self.take(line)
        return answer

    def take(self, line):
        self.set_lines.append(line)
        parsed = http.cookies.SimpleCookie(line)
        for name, morsel in parsed.items():
            if morsel["max-age"] == "0":
                self.jar.pop((name, morsel["path"]), None)
            else:
                self.jar[(name, morsel["path"])] = morsel.value

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, fields, headers=None, **options):
        """As a browser posts a form of ours; a header of None is left out."""
        own = {"Content-Type": FORM, "Origin": self.origin, "Sec-Fetch-Site": "same-origin", **(headers or {})}
        body = fields if isinstance(fields, bytes) else urllib.parse.urlencode(fields).encode()
        return self.request("POST", path, body, headers=own, **options)

    def follow(self, answer, most=5):
        while answer.status in (301, 302, 303) and most:
            answer, most = self.get(answer.location), most - 1
        return answer

    def sign_in(self, base, email, password, **fields):
        """By the form, as it is shown."""
        page = self.get(base + "/sign-in")
        assert page.status == 200, page
        form = page.form("password")
        return self.post(form["action"], {**form["fields"], "email": email, "password": password, **fields})


class Page:
    """An answer, as a browser sees it."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.set_cookies = [value for name, value in headers if name.lower() == "set-cookie"]
        self.headers = {name.lower(): value for name, value in headers}
        self._read = None

    @property
    def location(self):
        return self.headers.get("location")

    @property
    def read(self):
        if self._read is None:
            self._read = Forms(self.body.decode())
        return self._read

    @property
    def text(self):
        return self.read.text

    def form(self, field):
        """The one that has this field."""
        return next(form for form in self.read.forms if field in form["fields"] or field in form["buttons"])

    def __repr__(self):
        return f"{self.status} {self.location or ''} {self.body[:800]!r}"


def multipart(fields, content):
    """A form with a file, as browsers send it: body and Content-Type."""
    boundary = "tollgate-test-boundary"
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in fields.items() if name != "file"]
    parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.sqlite"\r\n'
                 "Content-Type: application/vnd.sqlite3\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
