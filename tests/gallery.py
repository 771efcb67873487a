"""Pictures of the demo's report for docs/gallery.md: ``make gallery`` (after ``make demo``).

Every picture is an element of the page as Debian's Chromium shows it, 1,280 pixels wide, in 128 colours so that it
stays small. All of it is simulated data, and the text says so.
"""

import argparse
import base64
import io
import sys
from pathlib import Path

from PIL import Image

from tests import browser

#: Items of the page in the gallery, in its order.
ITEMS = ("T1", "F1", "F2", "F3", "T3", "F6", "F7", "F8", "F10", "F11", "F12", "F13", "F14", "F15", "T5", "T6")
#: Taller items are cut: the page itself shows them whole.
TALLEST = 1100
HEAD = """# Gallery

The report of the demo (`make demo`, then `results/demo/report/index.html`). **Simulated data**: twelve patients that do
not exist. In the page itself charts answer to the pointer, tables can be sorted, searched and filtered, and every
number leads to its table. Made by `make gallery`.
"""


def picture(*, driver, element) -> bytes:
    """Return an element as a small PNG."""
    box = driver.execute_script(
        "const r = arguments[0].getBoundingClientRect(); return [r.x + scrollX, r.y + scrollY, r.width, r.height];",
        element,
    )
    clip = {"x": box[0], "y": box[1], "width": box[2], "height": min(box[3], TALLEST), "scale": 1}
    shot = driver.execute_cdp_cmd(
        "Page.captureScreenshot", {"format": "png", "clip": clip, "captureBeyondViewport": True}
    )
    image = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB").quantize(128)
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    """Write the pictures and the page that shows them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if not arguments.page.exists():
        sys.exit(f"{arguments.page} is not there. Run `make demo` first.")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    driver = browser.start_browser()
    text = [HEAD]
    try:
        browser.resize(driver, width=1280)
        driver.get(browser.address(arguments.page))
        browser.draw_all(driver)
        for key in ITEMS:
            element = driver.find_element("css selector", f'[data-item="{key}"]')
            title = element.find_element("tag name", "h3").text
            (arguments.folder / f"{key}.png").write_bytes(picture(driver=driver, element=element))
            text.append(f"## {title}\n\n![{title}]({arguments.folder.name}/{key}.png)\n")
    finally:
        driver.quit()
    (arguments.folder.parent / "gallery.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
