"""How quick the page is in headless Chromium: `python -m tests.benchmarks.page`.

Each figure with its promise; nothing fails, since machines differ. What is measured, on a grey picture of 512x512
through `conv:sobel,relu,maxpool:2`:

- the first paint, from the start of the navigation to the first text or picture on the screen;
- a changed number of a kernel, until all is computed again, and until the next frame is on the screen;
- a moved window: script, style and layout of one move, and the frames that pass while it moves on in each of them.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from tests.command import ROOT, run
from tests.page import browser

STAGES = "gray,conv:sobel,relu,maxpool:2"
PROMISES = {"page": 700_000, "first paint": 500, "changed kernel": 50, "moved window": 16}
FRAME = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"

CHANGE = f"""
const spent = [];
for (let n = 0; n < 20; n += 1) {{
    const begin = performance.now();
    const computed = new Promise((done) => cnnfilter.addEventListener('computed', done, {{once: true}}));
    cnnfilter.set(2, 'kernels', arguments[0][n % 2]);
    await computed;
    const end = performance.now();
    {FRAME}
    spent.push([end - begin, performance.now() - begin]);
}}
return spent;
"""

MOVE = """
const [work, frames] = [[], []];
let before = 0;
return new Promise((done) => {
    const move = (now) => {
        if (before) frames.push(now - before);
        before = now;
        const begin = performance.now();
        cnnfilter.select(2, 0, 100 + work.length, 100 + work.length);
        document.body.offsetHeight;
        work.push(performance.now() - begin);
        if (work.length < 120) requestAnimationFrame(move);
        else done([work, frames]);
    };
    requestAnimationFrame(move);
});
"""


def main():
    """Measure and report."""
    if (what := browser.missing()) is not None:
        sys.stderr.write(f"{what} is missing\n")
        return 2
    with tempfile.TemporaryDirectory() as folder, browser.chromium() as driver:
        page = Path(folder, "page.html")
        result = run("page", STAGES, ROOT / "samples/camera.png", "-o", page)
        assert result.exit_code == 0, result.err
        report("page", [page.stat().st_size], "bytes")
        paints = []
        for _ in range(10):
            with browser.tab(driver, Path(folder)) as tab:
                tab.open(page)
                paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
                paints.append(tab.wait(paint))
        report("first paint", paints, "ms")
        with browser.tab(driver, Path(folder)) as tab:
            tab.open(page)
            tab.wait("return window.cnnfilter && cnnfilter.values(3)")
            kernels = ["-1 0 1; -2 0 2; -1 0 1", "-1.5 0 1; -2 0 2; -1 0 1"]
            tab.devtools("Performance.enable", timeDomain="threadTicks")
            before = busy(tab)
            spent = tab.run(CHANGE, kernels)
            between = busy(tab)
            report("changed kernel", [each[0] for each in spent], "ms")
            report("  until it is seen", [each[1] for each in spent], "ms")
            report("  of one processor", [(between - before) / len(spent)], "ms")
            work, frames = tab.run(MOVE)
            report("moved window", work, "ms")
            report("  frames", frames, "ms")
            report("  of one processor", [(busy(tab) - between) / len(work)], "ms")
    return 0


def busy(tab):
    """How many milliseconds a processor has worked for the page's main thread, whatever else the machine does."""
    metrics = tab.devtools("Performance.getMetrics")["metrics"]
    return next(1000 * each["value"] for each in metrics if each["name"] == "TaskDuration")


def report(name, values, unit):
    """Write the median, the largest, and what was promised."""
    promise = f"  promised {PROMISES[name]:,}" if name in PROMISES else ""
    sys.stdout.write(f"{name:20} {statistics.median(values):10,.1f} (to {max(values):,.1f}) {unit}{promise}\n")


if __name__ == "__main__":
    sys.exit(main())
