"""What every page keeps, whoever sees it and whatever is on it: well-formed, small, named, reachable, readable."""

import os
import re

import axe_playwright_python
import html5lib

HTML_BYTES_MAX, CSS_BYTES_MAX, SCRIPT_BYTES_MAX = 150 << 10, 20 << 10, 12 << 10
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# In the dark nothing else can differ.
OF_COLOURS = ["color-contrast", "link-in-text-block"]

# What stands on the page, asked in one go.
FACTS = """() => {
    const shown = e => { const s = getComputedStyle(e), b = e.getBoundingClientRect();
        return s.visibility !== 'hidden' && s.display !== 'none' && b.width > 1 && b.height > 1 && e.checkVisibility() }
    const name = e => e.outerHTML.slice(0, 120)
    const controls = [...document.querySelectorAll('a[href],button,input,select,textarea,summary')].filter(shown)
    const small = controls.filter(e => {
        // Of a box to check axe says whether there is room around it.
        if (['checkbox', 'radio'].includes(e.type)) return false
        if (e.tagName === 'A' && getComputedStyle(e).display === 'inline') return false
        const b = e.getBoundingClientRect()
        // A skip link waits outside until it has the focus.
        if (b.right < 0) return false
        return b.width < 23.9 || b.height < 23.9
    }).map(name)
    const root = document.documentElement
    const beyond = [...document.querySelectorAll('body *')].filter(shown).filter(e => {
        const b = e.getBoundingClientRect()
        return b.right > root.clientWidth + 1 && !e.closest('svg')
    }).map(name).slice(-3)
    const moved = [...document.querySelectorAll('main .scroll')].filter(shown)
        .filter(e => e.scrollWidth > e.clientWidth + 1).map(name)
    return {
        moved, title: document.title, lang: root.lang,
        h1: [...document.querySelectorAll('h1')].map(e => e.textContent.trim()),
        scroll: root.scrollWidth, width: root.clientWidth, beyond, small,
        main: document.querySelectorAll('main').length,
        sheets: [...document.querySelectorAll('link[rel=stylesheet]')].map(e => e.href),
        scripts: [...document.querySelectorAll('script[src]')].map(e => e.src),
        links: [...document.querySelectorAll('a[href]')].map(e => e.getAttribute('href')),
        forms: [...document.querySelectorAll('form')].map(e => ({
            method: e.getAttribute('method'), action: e.getAttribute('action'),
            token: !!e.querySelector('[name=_token]')?.value,
            call: e.querySelector('[name=_call]')?.value })),
        ids: [...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i),
    }
}"""
# What somebody who opens the account's menu cannot reach.
OUTSIDE = """() => {
    const menu = document.querySelector('.account')
    if (!menu) return []
    menu.open = true
    const found = [...menu.querySelectorAll('a,button')].filter(e => {
        const b = e.getBoundingClientRect()
        return b.left < 0 || b.right > innerWidth || b.top < 0 || b.bottom > innerHeight
    }).map(e => e.textContent.trim())
    menu.open = false
    return found
}"""
# Lists that have nothing, without a sentence that says so, or with nothing that one could do about it: no link or
# button, and no second sentence on how what is missing comes to be.
EMPTY = """() => {
    const bare = [...document.querySelectorAll('main table')].filter(e => !e.tBodies[0]?.rows.length)
    const mute = [...document.querySelectorAll('.empty')].filter(e =>
        !e.querySelector('p b')?.textContent.trim() ||
        !(e.querySelector('a,button') || e.querySelectorAll('p').length > 1
            || e.closest('.panel,main').querySelector('a[href],button')))
    return [...bare, ...mute].map(e => e.outerHTML.slice(0, 200))
}"""
# Takes away rows that are built like two before them, whatever they say: axe finds the same with each, in a time that
# grows faster than the page. A row without a word where others have one, or without a field's value, is built otherwise.
WITHOUT_ALIKE = """() => {
    const named = a => ['class', 'type', 'role'].includes(a.name) ? a.name + '=' + a.value : a.name + !!a.value.trim()
    const shape = n => n.nodeType === 3 ? (n.data.trim() ? 'words' : '') : n.nodeType !== 1 ? ''
        : `<${n.tagName} ${[...n.attributes].map(named).sort()}${[...n.childNodes].map(shape).join('')}>`
    const trim = e => {
        const seen = new Map()
        for (const child of [...e.children]) {
            const key = shape(child), count = seen.get(key) ?? 0
            seen.set(key, count + 1)
            if (count > 1 && child.children.length) child.remove()
            else trim(child)
        }
    }
    trim(document.body)
}"""
INLINE = re.compile(rb"<style|<script(?![^>]*\ssrc=)[^>]*>|\sstyle\s*=|<[^>]+\son[a-z]+\s*=", re.I)
AS_SCRIPT = re.compile(rb"(?:href|src|action)\s*=\s*[\"']?\s*(?:javascript|data|vbscript):", re.I)


def axe_source():
    folder = os.path.dirname(axe_playwright_python.__file__)
    with open(os.path.join(folder, "axe.min.js"), encoding="utf-8") as file:
        return file.read()


class Examiner:
    """Says what is wrong with the page that a visitor has before it, as texts."""

    def __init__(self, gateway, is_whole=False):
        """`is_whole`: axe reads every row, also those that are built alike."""
        self.gateway = gateway
        self.is_whole = is_whole
        self.axe = axe_source()
        self.sizes = {}

    def html(self, response):
        """Of the bytes that came: strict HTML, no inline style or script, not too many."""
        body = response.body()
        found = [] if len(body) <= HTML_BYTES_MAX else [f"{len(body)} bytes of HTML"]
        parser = html5lib.HTMLParser(strict=True)
        try:
            parser.parse(body, transport_encoding="utf-8")
        except html5lib.html5parser.ParseError as error:
            line, column = parser.tokenizer.stream.position()
            text = body.decode().split("\n")[line - 1] if line else ""
            where = f"{line}:{column} {text[max(0, column - 80):column]!r}"
            found.append(f"html5lib: {error or parser.errors[-1:]} at {where}")
        if match := INLINE.search(markup_alone(body)) or AS_SCRIPT.search(body):
            found.append(f"inline: {match.group(0)!r}")
        policy = response.headers.get("content-security-policy", "")
        if "default-src 'none'" not in policy or "unsafe" in policy:
            found.append(f"policy: {policy!r}")
        return found

    def facts(self, visitor, is_wide=False):
        """The facts, and what is wrong with them."""
        facts = visitor.page.evaluate(FACTS)
        found = []
        if len(facts["h1"]) != 1 or not facts["h1"][0]:
            found.append(f"h1: {facts['h1']}")
        if not facts["title"] or facts["main"] != 1 or facts["lang"] != "en":
            found.append(f"title {facts['title']!r}, {facts['main']} main, lang {facts['lang']!r}")
        if not is_wide and facts["scroll"] > facts["width"]:
            found.append(f"sideways: {facts['scroll']} in {facts['width']}: {facts['beyond']}")
        if not is_wide and facts["moved"]:
            found.append(f"moved sideways: {facts['moved']}")
        if facts["small"]:
            found.append(f"under 24 px: {facts['small'][:3]}")
        if outside := visitor.page.evaluate(OUTSIDE):
            found.append(f"outside of the window: {outside} of the account's menu")
        if facts["ids"]:
            found.append(f"ids twice: {facts['ids'][:5]}")
        for kind, most in (("sheets", CSS_BYTES_MAX), ("scripts", SCRIPT_BYTES_MAX)):
            size = sum(map(self.size, facts[kind]))
            if size > most:
                found.append(f"{size} bytes of {kind}")
        found += [f"form without a token: {form}" for form in facts["forms"]
                  if form["method"] == "post" and not form["token"]]
        return facts, found

    def emptiness(self, visitor):
        return [f"empty, and says nothing: {markup}" for markup in visitor.page.evaluate(EMPTY)]

    def size(self, url):
        """Bytes of a part of pages, asked once; it must be one that caches may keep for ever."""
        if url not in self.sizes:
            answer = self.gateway.get(url.removeprefix(self.gateway.base_url))
            assert answer.status == 200, (url, answer)
            assert "immutable" in answer.headers.get("cache-control", ""), (url, answer.headers)
            self.sizes[url] = len(answer.body)
        return self.sizes[url]

    def accessible(self, visitor, colours_alone=False):
        """axe's violations. The page may have lost rows behind it."""
        page = visitor.page
        if not page.evaluate("() => !!window.axe"):
            page.evaluate(self.axe + "; 0")
            if not self.is_whole:
                page.evaluate(WITHOUT_ALIKE)
        run = {"type": "rule", "values": OF_COLOURS} if colours_alone else {"type": "tag", "values": TAGS}
        # No rule of these reads the sheets themselves.
        result = page.evaluate(
            "asked => axe.run(asked)", {"runOnly": run, "resultTypes": ["violations"], "preload": False})
        return [
            f"axe {violation['id']}: {violation['help']}: {node['html'][:200]} {node['failureSummary'][:300]!r}"
            for violation in result["violations"] for node in violation["nodes"][:2]]


def markup_alone(body):
    """Tags without the values of their attributes, and no text: what a stranger's text cannot reach."""
    tags = re.findall(rb"<[a-zA-Z/!](?:[^>\"']|\"[^\"]*\"|'[^']*')*>", body)
    return b"\n".join(
        re.sub(rb"=\s*\"[^\"]*\"", b'=""', tag) if not tag.startswith(b"<script") else tag for tag in tags)
