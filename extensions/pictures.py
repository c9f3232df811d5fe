"""python3 run.py pictures: the pages that the README shows, taken in a real browser."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs/pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
DESK = {"viewport": {"width": 1120, "height": 900}, "color_scheme": "light"}
PHONE = {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark"}
UNUSUAL = {"Monthly fee": "95", "Tenure months": "2", "Support tickets": "9"}
COLOURS = 96  # text and flat areas; with more of them the files grow and nothing can be seen
PATIENCE = 300  # seconds until a fresh render serves


def main() -> int:
    """Render, train and serve what the README shows, and keep a picture of each page."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit(f"pictures: none of {', '.join(BROWSERS)} is installed (Debian: chromium)")
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=[*QUIET])
        real_time = render(Path(scratch) / "served/churn", "mode=real_time")
        with up(real_time) as address:
            keep(predicted(browser, address, DESK), "page")
        subprocess.run([sys.executable, "run.py", "data", "report"], cwd=real_time, check=True)
        report = (real_time / "reports/data.html").as_uri()
        keep(opened(browser, report, DESK), "data-report")
        with up(render(Path(scratch) / "offline/churn", "mode=edge")) as address:
            page = predicted(browser, address, PHONE)
            page.evaluate("document.querySelector('#result').scrollIntoView()")
            keep(page, "edge")
        browser.close()
    return 0


def render(place: Path, *answers: str) -> Path:
    """A fresh repository with the defaults and these answers."""
    words = [word for answer in answers for word in ("-d", answer)]
    new = [sys.executable, str(ROOT / "run.py"), "new", str(place), "--defaults", *words]
    subprocess.run(new, check=True, stdout=subprocess.DEVNULL)
    return place


@contextmanager
def up(project: Path) -> Iterator[str]:
    """The address of a repository that serves, until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    process = subprocess.Popen(
        [sys.executable, "run.py", "up"],
        cwd=project,
        env=os.environ | {"APP_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(address, process)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the address answers; end where the process does, or nothing answers in time."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    sys.exit(f"pictures: nothing answers at {address}; try `python3 run.py up` in a render")


def opened(browser: Browser, url: str, screen: dict[str, Any]) -> Page:
    """A page on a screen."""
    page = browser.new_page(**screen)
    page.goto(url)
    return page


def predicted(browser: Browser, url: str, screen: dict[str, Any]) -> Page:
    """The form with a case of the sample that is not typical, its answer and the reasons."""
    page = opened(browser, url, screen)
    page.get_by_role("button", name="Fill in a typical case").click()
    for label, value in UNUSUAL.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Predict", exact=True).click()
    page.locator("#reasons li").first.wait_for()
    page.evaluate("window.scrollTo(0, 0)")
    return page


def keep(page: Page, name: str) -> None:
    """Write what is seen, in few colours, so that the file stays small."""
    shown = Image.open(BytesIO(page.screenshot())).convert("RGB")
    few = shown.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(PICTURES / f"{name}.png", optimize=True)
    print(f"docs/pictures/{name}.png: {(PICTURES / f'{name}.png').stat().st_size / 1000:.0f} kB")
    page.close()


if __name__ == "__main__":
    sys.exit(main())
