"""The page to ask in a real browser: with the keyboard, in the dark, on a phone."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from . import chromium
from .small_bundle import ROOT
from .test_endpoint import stored

QUESTION = "How long does a cat sleep a day?"
QUOTE = "A cat sleeps for 14 hours a day."
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
START_SECONDS = 60
WILD = "# Wild\n\nA <script>alert(1)</script> zebra says <b>moo</b> all day.\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this module."""
    with chromium.started() as found:
        yield found


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server in a process of its own, for a few documents."""
    folder = tmp_path_factory.mktemp("served")
    texts = {"cats.md": f"# Cats\n\n{QUOTE} Cats hunt at dusk.\n", "wild.md": WILD}
    stored(folder, "[answer]\nrefuse_below = 0.4\n", texts=texts)
    env = {k: v for k, v in os.environ.items() if not k.startswith("APP_")}
    env |= {"PYTHONPATH": str(ROOT / "src"), "APP_PORT": "0", "APP_DEADLINE_MS": "60000"}
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", "serve"], cwd=folder, env=env, stdout=-1, text=True
    )
    watch = threading.Timer(START_SECONDS, process.kill)
    watch.start()
    assert process.stdout
    said = process.stdout.readline()
    watch.cancel()
    assert said.startswith("serving on ")
    yield said.split()[-1]
    process.send_signal(signal.SIGTERM)
    process.wait(60)


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The page on a phone in the dark; an error of a script, or of the policy, fails the test."""
    faults: list[str] = []
    page = browser.new_page(viewport={"width": 375, "height": 800}, color_scheme="dark")
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.extend([said.text] * (said.type == "error")))
    page.goto(url)
    page.locator("#offers button").first.wait_for()
    yield page
    page.context.close()
    assert faults == []


def asked(page: Page, question: str) -> None:
    """Ask by the keyboard, and wait for the answer."""
    before = page.locator(".given").count()
    page.locator("#question").fill(question)
    page.keyboard.press("Enter")
    page.locator(".given").nth(before).wait_for()


def test_a_question_is_asked_opened_and_judged_by_keyboard(page: Page) -> None:
    asked(page, QUESTION)
    assert page.locator(".answer").inner_text() == QUOTE
    assert page.evaluate("document.activeElement.id") == "question"

    page.locator(".sources summary").focus()
    page.keyboard.press("Enter")
    assert page.locator(".sources mark").inner_text() == QUOTE

    page.get_by_role("button", name="It helped").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Thank you.").wait_for()
    assert page.locator('[aria-pressed="true"]').inner_text() == "It helped"


def test_what_was_found_is_shown_while_the_answer_is_made(page: Page) -> None:
    """The events come one by one, cut within a word and a character of two bytes."""
    page.evaluate(
        """() => { window.fetch = async () => {
          const place = { document: "a.md", title: "Büro", heading: "Büro" };
          const made = { answer: "Yes.", refused: false, reason: null, method: "small-model" };
          const rest = { id: "1", index_version: 1, citations: [], fallback: false };
          const told = (name, content) => `event: ${name}\\ndata: ${JSON.stringify(content)}\\n\\n`;
          const bytes = (text) => [...new TextEncoder().encode(text)];
          const first = bytes(told("search", { sources: [place], asks: "small-model" }));
          const last = bytes(": waiting\\n\\n" + told("answer", made) + told("done", rest));
          const wait = (ms) => new Promise((done) => setTimeout(done, ms));
          const body = new ReadableStream({ async start(to) {
            for (const byte of first) to.enqueue(new Uint8Array([byte]));
            await wait(700);
            for (const byte of last) to.enqueue(new Uint8Array([byte]));
            to.close();
          } });
          return new Response(body, { status: 200 });
        }; }"""
    )
    page.locator("#question").fill("Is it?")
    page.keyboard.press("Enter")

    page.get_by_text("Found in Büro. small-model reads it …").wait_for()
    page.locator(".given").wait_for()
    assert page.locator(".answer").inner_text() == "Yes."
    assert page.get_by_text("small-model reads it").count() == 0


def test_an_answer_that_is_cut_off_is_said_and_the_question_stays(page: Page) -> None:
    page.evaluate(
        """() => { window.fetch = async () =>
          new Response('event: search\\ndata: {"sources": [], "asks": null}\\n\\n'); }"""
    )
    page.locator("#question").fill("Is it?")
    page.keyboard.press("Enter")

    page.get_by_text("The connection ended before the answer was complete.").wait_for()
    assert page.locator("#question").input_value() == "Is it?"
    assert page.locator(".given, .asked").count() == 0


def test_what_documents_hold_arrives_as_text(page: Page) -> None:
    asked(page, "What does the zebra say all day?")

    page.locator(".sources summary").click()
    assert "<script>alert(1)</script>" in page.locator(".sources blockquote").inner_text()
    assert page.locator(".given script, .given b").count() == 0


def test_a_refusal_is_said(page: Page) -> None:
    asked(page, "Who composed the qwxyz?")

    assert "No answer" in page.locator(".answer").inner_text()


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_hangs_over_and_everybody_can_use_it(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    asked(page, QUESTION)
    page.locator(".sources summary").click()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": STANDARDS}})
    assert [violation["id"] for violation in found.response["violations"]] == []
