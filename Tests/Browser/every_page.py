"""Each page of the table, full and empty, at four sizes, light and dark, with scripts and without: checks 17, 21, 23
and 25 of the pages' plan, and 24 with `themes`."""

import os
import re
import urllib.parse

import other_states
from chromium import SIZES
from examine import Examiner
from pages_table import PAGES, address, listed, root, tenants, who_looks
from signing import cookie, signed_in


class Round:
    """One visitor for a surface of a tenant, through all of its pages."""

    def __init__(self, checks, world, browser, options, surface, tenant, who):
        self.checks, self.world, self.browser, self.options = checks, world, browser, options
        self.surface, self.tenant = surface, tenant
        self.who = who
        self.examiner = Examiner(world.gateway, options.long)
        self.visitor = signed_in(browser, world, tenant if surface != "console" else "console", self.who)
        self.titles = {}
        self.links = {}

    def page(self, page):
        path = address(page, self.tenant, self.world.ids[self.tenant])
        visitor, found = self.visitor, []
        visitor.watch.take()
        response = visitor.go(path)
        if response.status != page.status or visitor.path != path:
            raise AssertionError(f"{path}: {response.status} {visitor.path}")
        found += self.examiner.html(response)
        # What is empty is looked at on a phone, by day; with --long as whole as what is full.
        is_short = self.tenant in ("empty", "fresh") and not self.options.long
        for size in ("phone", "narrow") if is_short else ("desk", "twice", "phone", "narrow"):
            self.resize(size)
            facts, wrong = self.examiner.facts(visitor, page.is_wide)
            found += [f"{size}: {text}" for text in wrong]
            for scheme in ("light", "dark") if self.options.look else ():
                visitor.page.emulate_media(color_scheme=scheme)
                self.picture(page, size, scheme)
        for size in ("phone",) if is_short else ("desk", "phone"):
            self.resize(size)
            for scheme in ("light",) if is_short else ("light", "dark"):
                visitor.page.emulate_media(color_scheme=scheme)
                wrong = self.examiner.accessible(visitor, scheme == "dark")
                found += [f"{size} {scheme}: {text}" for text in wrong]
        visitor.page.emulate_media(color_scheme="light")
        found += visitor.watch.take()
        if self.tenant in ("empty", "fresh"):
            found += self.examiner.emptiness(visitor)
        self.remember(page, path, facts)
        assert not found, "\n".join([path, *dict.fromkeys(found)])

    def resize(self, size):
        width, height = SIZES[size]
        self.visitor.page.set_viewport_size({"width": width, "height": height})

    def picture(self, page, size, scheme):
        name = re.sub(r"[^a-z0-9]+", "-", f"{self.surface}{page.path}".lower()).strip("-")
        os.makedirs(self.options.look, exist_ok=True)
        self.visitor.page.screenshot(
            path=os.path.join(self.options.look, f"{self.tenant}-{page.who or ''}{name}-{size}-{scheme}.png"),
            full_page=True)

    def remember(self, page, path, facts):
        self.titles.setdefault(facts["title"], set()).add(page.path.split("?")[0])
        for link in facts["links"]:
            target = urllib.parse.urlsplit(urllib.parse.urljoin(path, link))
            if not target.scheme and target.path and target.path != urllib.parse.urlsplit(path).path:
                self.links.setdefault(target.path + (f"?{target.query}" if target.query else ""), path)

    def run(self):
        pages = [page for page in PAGES if page.surface == self.surface and self.tenant in tenants(page)
                 and who_looks(page) == self.who]
        for page in pages:
            name = f"{self.tenant} {self.surface} {page.path or '/'}" + (f" as {page.who}" if page.who else "")
            with self.checks(f"U1 U2 U3 U4 U5 {name}: sound, small and accessible at every size, light and dark"):
                self.page(page)
        if not pages:
            return
        with self.checks(f"U5 {self.tenant} {self.surface}: no two pages have one title"):
            twice = {title: paths for title, paths in self.titles.items() if len(paths) > 1 and title_matters(paths)}
            assert not twice, twice
        with self.checks(f"U5 {self.tenant} {self.surface}: every link leads to a page that is there and in the table"):
            self.follow()
        self.visitor.close()

    def follow(self):
        """Links as they stand, a few of each pattern: one that is dead, or whose page nobody looks at, fails."""
        base = root("open", self.tenant)
        headers = {"Cookie": cookie(self.browser, self.world, self.tenant, self.who)} if self.who and \
            self.surface != "console" else {}
        if self.surface == "console":
            headers = {"Cookie": cookie(self.browser, self.world, "console", self.who)}
        seen, wrong = {}, []
        for link, origin in self.links.items():
            page = listed(link)
            pattern = (page.surface, page.path) if page else link
            seen[pattern] = seen.get(pattern, 0) + 1
            if seen[pattern] > 5:
                continue
            answer = self.world.gateway.get(link, headers={**headers, "Accept": "text/html"})
            # What a filter names that is not there has no file, either.
            if answer.status in (404, 422) and FILE_OF_NOTHING.search(link):
                continue
            if answer.status >= 400:
                wrong.append(f"{origin} → {link}: {answer.status}")
            is_page = answer.headers.get("content-type", "").startswith("text/html") and answer.status == 200
            if is_page and page is None and link.startswith((base, "/console")):
                wrong.append(f"{origin} → {link}: not in the table")
        assert not wrong, "\n".join(wrong[:20])


REFUSED = {page.path for page in PAGES if page.status != 200}
FILE_OF_NOTHING = re.compile(r"[.](csv|jsonl)[?].*=(no-such-sku|nobody)\b")


def title_matters(paths):
    """Refusals may be called the same, and so may things that hostile people gave one name."""
    paths = {path for path in paths if "{ill_" not in path and path not in REFUSED}
    if len(paths) < 2:
        return False
    return len({path.split("/")[1] for path in paths}) > 1 or not any("{" in path for path in paths)


# Texts of buttons and links whose colour, as it is computed, has less than 4.5 : 1 on what is painted behind them.
FAINT = """() => {
    const context = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
        .getContext('2d', {willReadFrequently: true})
    const read = () => [...context.getImageData(0, 0, 1, 1).data].slice(0, 3)
    const paint = colour => { context.fillStyle = colour; context.fillRect(0, 0, 1, 1) }
    const light = rgb => rgb.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0)
    return [...document.querySelectorAll('a[href],button')].filter(e => e.checkVisibility() && e.textContent.trim()
        && e.getBoundingClientRect().right > 0).map(e => {
        const behind = []
        for (let at = e; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor)
        paint(getComputedStyle(document.documentElement).colorScheme.includes('dark') ? '#000' : '#fff')
        behind.forEach(paint)
        const ground = light(read())
        paint(getComputedStyle(e).color)
        const ink = light(read())
        return [(Math.max(ground, ink) + .05) / (Math.min(ground, ink) + .05), e.outerHTML.slice(0, 120)]
    }).filter(([ratio]) => ratio < 4.5)
}"""
THEMES = [("#ffff00", None), ("#000000", "#000000"), ("#777777", "#777777"), ("#ffffff", "#ffff00")]


def themes(checks, world, browser):
    """Whatever colours a tenant chooses, what is written can be read (O12)."""
    visitor = signed_in(browser, world, "fresh", "reseller")
    examiner = Examiner(world.gateway)
    for primary, background in THEMES:
        with checks(f"U5 O12 24: with {primary} on {background or 'our own ground'} all that is written can be read"):
            world.fresh.admin("PATCH", "/settings", {"colours": {"primary": primary, "background": background}})
            found = []
            for path in ("/t/fresh/sign-in", "/t/fresh/apply", "/t/fresh/portal", "/t/fresh/portal/account"):
                assert visitor.go(path).status == 200, path
                for scheme in ("light", "dark"):
                    visitor.page.emulate_media(color_scheme=scheme)
                    found += [f"{path} {scheme}: {text}" for text in visitor.page.evaluate(FAINT)]
                    found += [f"{path} {scheme}: {text}" for text in examiner.accessible(visitor, colours_alone=True)]
            assert not found, "\n".join(found)
    world.fresh.admin("PATCH", "/settings", {"colours": {"primary": None, "background": None}})
    visitor.close()


def run(checks, world, browser, options):
    rounds = {}
    for page in PAGES:
        for tenant in tenants(page):
            rounds.setdefault((page.surface, tenant, who_looks(page)))
    for surface, tenant, who in rounds:
        if not options.only or f"{surface} {tenant}".startswith(options.only):
            Round(checks, world, browser, options, surface, tenant, who).run()
    if not options.only:
        themes(checks, world, browser)
        other_states.run(checks, world, browser, options.long)
