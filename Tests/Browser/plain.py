"""A browser without a screen: cookies, pages, and the forms on them, for what is about answers rather than looks."""

import html.parser
import re
import urllib.parse

from support import Answer


class PlainForm:
    """One form: where it goes, and its fields as they stand."""

    def __init__(self, attributes, path):
        self.method = (attributes.get("method") or "get").upper()
        self.action = urllib.parse.urljoin(path, attributes.get("action") or path)
        self.fields = {}
        # Names of those that no one types into: hidden ones, and choices.
        self.kept = set()

    @property
    def call(self):
        return self.fields.get("_call")


class FormReader(html.parser.HTMLParser):
    """The forms of a page; that it is sound is judged elsewhere."""

    def __init__(self, path, text):
        super().__init__()
        self.path, self.forms = path, []
        self.form = self.area = self.select = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, pairs):
        attributes = dict(pairs)
        name = attributes.get("name")
        if tag == "form":
            self.form = PlainForm(attributes, self.path)
            self.forms.append(self.form)
        elif self.form is None:
            return
        elif tag == "input" and name:
            if attributes.get("type") not in ("checkbox", "radio") or "checked" in attributes:
                self.form.fields[name] = attributes.get("value") or ""
            if attributes.get("type") in ("hidden", "checkbox", "radio", "password"):
                self.form.kept.add(name)
        elif tag == "textarea" and name:
            self.area = name
            self.form.fields[name] = ""
        elif tag == "select" and name:
            self.select = name
            self.form.kept.add(name)
        elif tag == "option" and self.select:
            # The first one, where none is chosen.
            if "selected" in attributes or self.select not in self.form.fields:
                self.form.fields[self.select] = attributes.get("value") or ""

    def handle_data(self, data):
        if self.area:
            self.form.fields[self.area] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None
        elif tag == "textarea":
            self.area = None
        elif tag == "select":
            self.select = None


class Plain:
    """Somebody's cookies. What a browser says of where a form comes from goes with each."""

    def __init__(self, gateway, cookie=None):
        self.gateway = gateway
        self.cookies = dict(pair.split("=", 1) for pair in cookie.split("; ")) if cookie else {}

    def headers(self, more=None):
        own = {"Accept": "text/html,*/*;q=0.8"}
        if self.cookies:
            own["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {**own, **(more or {})}

    def ask(self, method, path, body=None, headers=None):
        """As a browser does: whatever cookies come are kept, and one that is cleared is forgotten."""
        connection = self.gateway.connection()
        try:
            connection.request(method, path, body, self.headers(headers))
            got = connection.getresponse()
            answer = Answer(got.status, got.getheaders(), got.read())
        finally:
            connection.close()
        for value in (value for name, value in got.getheaders() if name.lower() == "set-cookie"):
            name, text = value.split(";")[0].split("=", 1)
            if "max-age=0" in value.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = text
        return answer

    def get(self, path, headers=None):
        return self.ask("GET", path, headers=headers)

    def forms(self, path, answer=None):
        """Of a page."""
        answer = answer or self.get(path)
        return FormReader(path, answer.body.decode()).forms

    def send(self, form, headers=None, **changes):
        """A form as it is, with these fields changed; None takes one away."""
        fields = {name: value for name, value in {**form.fields, **changes}.items() if value is not None}
        more = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.gateway.base_url,
                "Sec-Fetch-Site": "same-origin", **(headers or {})}
        return self.ask(form.method, form.action, urllib.parse.urlencode(fields).encode(),
                        {name: value for name, value in more.items() if value is not None})


def text_alone(answer):
    """A page's bytes without what differs from call to call."""
    body = answer.body.decode()
    body = re.sub(r'name="_(once|token)" value="[^"]*"', "", body)
    body = re.sub(r"req_[0-9a-f]{32}", "req", body)
    # The address itself stands in links to the same page.
    return re.sub(r"[a-z]{2,3}_[0-9a-z]{26}|none_such", "id", body)
