#!/usr/bin/env python3
"""What pages load (U4, U5, O12): our own files under addresses that name their bytes, and a tenant's colours, which
stay readable whatever they are, and are shown before they are saved."""

import gzip
import hashlib
import re

from desk import Desk
from office import Office
from shop import Shop
from support import Checks, Gateway, arguments

FOREVER = "public, max-age=31536000, immutable"
POLICY = ("default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
          "frame-ancestors 'none'")
# What text and buttons stand on, by day and by night, as the stylesheet has them.
GROUNDS = (("#ffffff", "#f7f8fa", "#eef1f5"), ("#171d26", "#0f141b", "#202835"))
HARD = ("#ffff00", "#000000", "#777777", "#ffffff", "#ff0000", "#00ff00", "#0000ff")


def main():
    options = arguments()
    checks = Checks()
    with Gateway(options.tollgate, demo=False) as gateway:
        shop, other = Shop(gateway), Shop(gateway)
        files(checks, gateway, shop)
        inline(checks, gateway, shop)
        colours(checks, gateway, shop, other)
        preview(checks, gateway, Office(gateway))
    checks.finish()


def page_of(gateway, shop):
    return gateway.get(shop.invite(password=None)["invitation"].removeprefix(gateway.base_url))


def stylesheets(page):
    return re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.body.decode())


def files(checks, gateway, shop):
    ours = stylesheets(page_of(gateway, shop))[0]
    icon = re.findall(r'<link rel="icon" href="([^"]+)"', page_of(gateway, shop).body.decode())[0]
    with checks("U5 a file that pages load has its bytes' hash in its address, and is asked for once"):
        for path, kind in ((ours, "text/css; charset=utf-8"), (icon, "image/svg+xml")):
            assert re.fullmatch(r"/assets/[a-z]+\.[0-9a-f]{16}\.(css|svg)", path), path
            given = gateway.get(path)
            assert given.status == 200 and given.headers["content-type"] == kind, given
            assert hashlib.sha256(given.body).hexdigest().startswith(path.split(".")[1]), path
            assert given.headers["cache-control"] == FOREVER, given.headers
            assert given.headers["x-content-type-options"] == "nosniff", given.headers
            assert gateway.request("HEAD", path).status == 200
    with checks("N6 U5 a page of another version of the program has this one's files, and nobody keeps them"):
        for path in (ours, icon):
            other = gateway.get(re.sub(r"[0-9a-f]{16}", "0" * 16, path))
            assert other.status == 200 and other.body == gateway.get(path).body, other
            assert other.headers.get("cache-control") != FOREVER, other.headers
        for path in ("/assets/app.0000.css", "/assets/app.000000000000000g.css", "/assets/apq.0000000000000000.css"):
            assert gateway.get(path).status in (401, 404), path
    with checks("U5 it is served at the root alone, whatever host is asked for, by GET and HEAD, and packed"):
        at_host = gateway.get(ours, headers={"Host": "shop.example"})
        assert at_host.status == 200, at_host
        packed = gateway.get(ours, headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip", packed.headers
        assert gzip.decompress(packed.body) == at_host.body
        for path in (shop.base + ours, ours + "x", ours.replace(".css", ""), "/assets/", "/assets/app.css"):
            assert gateway.get(path).status in (401, 404), path
        refused = gateway.request("POST", ours, {})
        assert refused.status == 405 and refused.headers["allow"] == "GET, HEAD", refused


def inline(checks, gateway, shop):
    with checks("U4 a page has no script and no style of its own, and its policy allows none"):
        page = page_of(gateway, shop)
        assert page.headers["content-security-policy"] == POLICY, page.headers
        assert page.headers["referrer-policy"] == "strict-origin", page.headers
        assert not re.search(rb"<script|<style| style=| on[a-z]+=", page.body), page.body


def colours(checks, gateway, shop, other):
    def choose(**chosen):
        assert shop.admin("PATCH", "/settings", {"colours": chosen}).status == 200

    with checks("O12 a tenant without colours has no stylesheet of its own"):
        assert len(stylesheets(page_of(gateway, shop))) == 1
    with checks("O12 a tenant's colours are a stylesheet whose address names its bytes, and others' are elsewhere"):
        choose(primary="#ffff00")
        path = stylesheets(page_of(gateway, shop))[1]
        assert re.fullmatch(re.escape(shop.base) + r"/theme\.[0-9a-f]{16}\.css", path), path
        given = gateway.get(path)
        assert given.status == 200 and given.headers["content-type"] == "text/css; charset=utf-8", given
        assert hashlib.sha256(given.body).hexdigest().startswith(path.split(".")[1]), path
        assert given.headers["cache-control"] == FOREVER, given.headers
        assert b"--primary:#ffff00" in given.body, given.body
        for wrong in (path.replace(shop.base, other.base), path[:-1], path.replace(".css", ""), path + ".css",
                      shop.base + "/theme.css"):
            answer = gateway.get(wrong)
            assert answer.status in (401, 404) and answer.headers["cache-control"] == "no-store", (wrong, answer)
        choose(primary="#ffff01")
        assert gateway.get(path).status == 404
    with checks("O12 a refusal's page has the tenant's colours, after prices that all resellers have were changed too"):
        chosen = stylesheets(page_of(gateway, shop))
        shop.product()
        refused = gateway.get(shop.base + "/nowhere", headers={"Accept": "text/html"})
        assert refused.status in (401, 404) and len(chosen) == 2 and stylesheets(refused) == chosen, (chosen, refused)
    with checks("O12 whatever the colours are, text on buttons and links have 4.5 to 1, by day and by night"):
        for colour in HARD:
            for chosen in ({"primary": colour, "accent": None}, {"primary": "#123456", "accent": colour}):
                choose(background=colour, **chosen)
                readable(gateway.get(stylesheets(page_of(gateway, shop))[1]).body.decode(), chosen)
    with checks("O12 colours that are taken away leave no stylesheet"):
        choose(primary=None, accent=None, background=None)
        assert len(stylesheets(page_of(gateway, shop))) == 1


def preview(checks, gateway, office):
    """Of the operator's page of settings: the form of the colours is sent by its other button."""
    shop, owner = office.shop, Desk(office, office.owner_email)

    def sent(call, name=None, **typed):
        form = owner.get("/settings").form("colours.primary")
        assert form["buttons"] == [None, "_call"], form
        fields = {**form["fields"], **{f"colours.{colour}": value for colour, value in typed.items()}, "_call": call}
        if name:
            fields["name"] = name
        return owner.browser.post(f"{shop.base}/admin/settings", fields)

    def saved():
        return shop.admin("GET", "/settings").json["colours"]

    def painted(page):
        return re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', page.body.decode())

    def told(page):
        """By what is read: by day and by night the ratio, and the two colours."""
        table = re.search(r"How well it is read</caption>.*?</table>", page.body.decode(), re.S).group(0)
        rows = {}
        for row in re.findall(r"<tr.*?</tr>", table.split("<tbody", 1)[1], re.S):
            ratios = [float(ratio) for ratio in re.findall(r"([0-9]+(?:\.[0-9])?) : 1", row)]
            pairs = re.findall(r"<code>(#[0-9a-f]{6})</code> on <code>(#[0-9a-f]{6})</code>", row)
            rows[re.search(r"<th[^>]*>([^<]*)</th>", row).group(1)] = list(zip(ratios, pairs, strict=True))
        return rows

    nothing = {"primary": None, "accent": None, "background": None}
    with checks("O12 U2 colours are shown before they are saved: the page says so, and nothing is changed"):
        page = sent("none", primary="#FFFF00", background="#010203")
        assert page.status == 200 and "Nothing is saved yet." in page.text, page
        assert saved() == nothing, saved()
        assert page.form("colours.primary")["fields"]["colours.primary"] == "#FFFF00"
        assert {"#ffff00", "#010203"} <= set(painted(page)), painted(page)
        assert len(stylesheets(owner.get("/settings"))) == 1
        page = sent("none", name="Another name")
        assert "Nothing is saved yet." in page.text and shop.admin("GET", "/settings").json["name"] != "Another name"
    with checks("O12 U2 the preview tells of buttons, links and open pages how well each is read, by day and by night"):
        for colour in HARD:
            rows = told(sent("none", primary=colour, accent="", background=colour))
            assert list(rows) == ["Text of buttons", "Edges of buttons", "Links", "Text of open pages"], rows
            for name, both in rows.items():
                assert len(both) == 2, rows
                for ratio, pair in both:
                    least = 3 if name.startswith("Edges") else 4.5
                    assert least <= ratio <= contrast(*pair) < ratio + 0.1, (colour, name, ratio, pair)
    with checks("O12 U2 what is no colour is told at its field, what was typed stays, and there is no picture of it"):
        for wrong in ("yellow", "#ff", "#12345g", "123456", "#1234567"):
            page = sent("none", primary="#123456", accent=wrong)
            assert page.status == 422 and "Accent: must be a colour like #1a2b3c" in page.text, (wrong, page)
            assert page.body.decode().count('aria-invalid="true"') == 1, page
            assert page.form("colours.primary")["fields"]["colours.accent"] == wrong
            assert not painted(page) and saved() == nothing, wrong
        page = sent("PATCH /settings", accent="yellow")
        assert page.status == 422 and "Accent: must be a colour like #1a2b3c" in page.text and not painted(page), page
    with checks("O12 U2 what is saved looks as it was shown"):
        shown = sent("none", primary="#ffff00", accent="#777777", background="#00ff00")
        assert sent("PATCH /settings", primary="#ffff00", accent="#777777", background="#00ff00").status == 303
        page = owner.get("/settings")
        assert painted(page) == painted(shown) and told(page) == told(shown)
        assert "Nothing is saved yet." not in page.text, page
        css = gateway.get(stylesheets(page)[1]).body.decode()
        assert set(re.findall("#[0-9a-f]{6}", css)) - {"#000000", "#ffffff"} <= set(painted(page)), css
    with checks("O12 U2 without colours the preview is of the pages' own"):
        rows = told(sent("none", primary="", accent="", background=""))
        assert rows["Links"][0][1][0] == "#1f4fd8" and rows["Links"][1][1][0] == "#8fb0ff", rows


def readable(css, chosen):
    def one(name):
        return re.search(rf"--{name}:(#[0-9a-f]{{6}})", css).group(1)

    def both(name):
        return re.search(rf"--{name}:light-dark\((#[0-9a-f]{{6}}),(#[0-9a-f]{{6}})\)", css).groups()

    assert contrast(one("ink"), one("primary")) >= 4.5, css
    for ground, link, edge, page, ink in zip(GROUNDS, both("accent"), both("edge"), both("page"), both("page-ink")):
        for colour in ground:
            assert contrast(link, colour) >= 4.5, (chosen, link, colour)
            assert contrast(edge, colour) >= 3, (chosen, edge, colour)
        assert contrast(ink, page) >= 4.5, (chosen, ink, page)


def contrast(one, other):
    lights = sorted(luminance(colour) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour):
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


if __name__ == "__main__":
    main()
