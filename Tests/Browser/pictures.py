"""The pictures of README and docs/tour.md, as WebP of some 60 KB at most: Chromium writes them itself."""

import base64
import collections
import os

from pages_table import root
from signing import signed_in

BYTES_MAX = 60 << 10
# `path`: below the surface, with ids of the world. `height`: so much of the page from its top.
Picture = collections.namedtuple(
    "Picture", "name surface tenant who path width height dark", defaults=(1200, 800, False))
PICTURES = [
    Picture("console", "console", "console", "provider", ""),
    Picture("admin", "admin", "works", "owner", ""),
    Picture("admin-dark", "admin", "works", "owner", "", dark=True),
    Picture("prices", "admin", "works", "owner", "/prices?reseller={reseller}"),
    Picture("key", "admin", "works", "owner", "/keys/{key}?requests=2&window_seconds=3600&burst=2&days=1", height=1000),
    Picture("portal", "portal", "works", "reseller", ""),
    Picture("portal-phone", "portal", "works", "reseller", "", width=390, height=844),
]
WEBP = """async ([png, quality]) => {
    const image = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob())
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
    canvas.getContext('2d').drawImage(image, 0, 0)
    return canvas.toDataURL('image/webp', quality).split(',')[1]
}"""


def make(world, browser, folder):
    os.makedirs(folder, exist_ok=True)
    easel = browser.chromium.new_page()
    for picture in PICTURES:
        visitor = signed_in(browser, world, picture.tenant, picture.who, dark=picture.dark)
        visitor.page.set_viewport_size({"width": picture.width, "height": picture.height})
        path = picture.path.format(**world.ids.get(picture.tenant, {}))
        answer = visitor.go(root(picture.surface, picture.tenant) + path)
        assert answer.status == 200, (picture, answer.status)
        visitor.page.wait_for_load_state("networkidle")
        png = base64.b64encode(visitor.page.screenshot()).decode()
        for quality in (0.9, 0.8, 0.7, 0.5, 0.3):
            webp = base64.b64decode(easel.evaluate(WEBP, [png, quality]))
            if len(webp) <= BYTES_MAX:
                break
        with open(os.path.join(folder, f"{picture.name}.webp"), "wb") as file:
            file.write(webp)
        print(f"# {picture.name}.webp: {len(webp):,} bytes at {quality}", flush=True)
        visitor.close()
