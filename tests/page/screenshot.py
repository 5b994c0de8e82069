"""The picture of a page in the README: `python -m tests.page.screenshot` makes it again."""

import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.command import ROOT, run
from tests.page import browser

STAGES = "gray,conv:sobel-x+sobel-y,relu,maxpool:2"
PICTURE = ROOT / "samples/chelsea.png"
TARGET = ROOT / ".github/page.png"
EYE = "at=2,100,167,0"


def main():
    """Make the page, look at a value of the convolution, and write what is seen in 128 colours."""
    if (what := browser.missing()) is not None:
        sys.stderr.write(f"{what} is missing\n")
        return 2
    with tempfile.TemporaryDirectory() as folder, browser.chromium() as driver:
        page = Path(folder, "page.html")
        result = run("page", STAGES, PICTURE, "-o", page)
        assert result.exit_code == 0, result.err
        with browser.tab(driver, Path(folder)) as tab:
            tab.resize(1280, 1240)
            tab.open(page, EYE)
            tab.wait("return window.cnnfilter && cnnfilter.ready.then(() => model.selection?.stage === 2)")
            tab.run("return new Promise((done) => requestAnimationFrame(() => setTimeout(done, 300)))")
            tab.screenshot(Path(folder, "page.png"))
        with Image.open(Path(folder, "page.png")) as seen:
            few = seen.convert("RGB").quantize(128, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(TARGET, optimize=True)
    sys.stdout.write(f"wrote {TARGET}  {TARGET.stat().st_size / 1000:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
