"""The conversation: how much to decide, one question after the other, and a summary to confirm."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from copier._main import Worker

from extensions.new.kept import Kept, Shelf
from extensions.new.questions import Asked, Walk, walk
from extensions.new.screen import BACK, choose, say, type_in, wipe
from extensions.new.summary import described

RECOMMENDED, NEEDS, EVERYTHING = "recommended", "needs", "everything"
CREATE, COMMIT, CHANGE = "create", "commit", "change"
KEYS = "Arrows and Enter choose, < goes back, Ctrl-C stops and keeps your answers."


class Conversation:
    """What was told so far, and what of it is on the screen."""

    def __init__(
        self, worker: Worker, shelf: Shelf, preset: dict[str, Any], commits: dict[str, str]
    ) -> None:
        self.worker = worker
        self.shelf = shelf
        self.commits = commits  # what can be done at the end, and how it is called
        self.depth = RECOMMENDED if preset else ""
        self.told = dict(preset)
        self.taken_back: dict[str, Any] = {}
        self.kept = False
        self.head = self.shown = 0  # lines of the heading, and below it

    def run(self) -> bool:
        """Ask until the summary is confirmed; whether a first commit is wanted.

        Raises KeyboardInterrupt or EOFError; what was told is kept before.
        """
        walk(self.worker, {})  # wrong --data is refused before anything is asked
        self.begin()
        if not self.told:
            self.go_on()
        while True:
            if not self.depth:
                self.depth = self.how_much()
            found = walk(self.worker, self.told)
            open_questions = self.scope(found)
            done = list(takewhile(lambda asked: asked.told, open_questions))
            if len(done) < len(open_questions):
                if not self.shown:
                    self.say_again(done, len(open_questions))
                counter = f"{len(done) + 1} of {len(open_questions)}  "
                if not self.ask(open_questions[len(done)], counter):
                    self.back(done)
                continue
            wanted = self.confirm(found)
            if wanted in (CREATE, COMMIT):
                return wanted == COMMIT
            if wanted == BACK:
                self.back(done)
            else:
                self.change(found)

    def begin(self) -> None:
        """The heading, and nothing below it."""
        self.head = say(f"A new repository in {self.worker.dst_path}. {KEYS}") + say("")
        self.shown = 0

    def final(self) -> dict[str, Any]:
        """The answers that apply, for --data."""
        asked = walk(self.worker, self.told).asked
        return {each.name: each.answer for each in asked if each.told}

    def go_on(self) -> None:
        """Offer to go on with the answers of an earlier time."""
        kept = self.shelf.load()
        if kept is None:
            return
        count = f"{len(kept.told)} answer{'s' * (len(kept.told) != 1)}"
        lines = [(f"Go on with the {count} kept from last time", True), ("Begin anew", False)]
        if choose("You stopped before the repository was made.", lines) is True:
            self.depth, self.told, self.kept = kept.depth, dict(kept.told), True
        else:
            self.shelf.forget()

    def how_much(self) -> str:
        """The first choice of all."""
        every = walk(self.worker, {})
        needs = len([asked for asked in every.needs() if not asked.given])
        count = len([asked for asked in every.asked if not asked.given])
        if not count:
            return RECOMMENDED
        lines = [
            ("Take what is recommended - no question; you see it before it is made", RECOMMENDED),
            (f"Answer the needs - about {needs} questions; the tools follow from them", NEEDS),
            (f"Decide everything - about {count} questions", EVERYTHING),
        ]
        depth = BACK
        while depth == BACK:  # there is nothing before it
            depth = choose("How much do you want to decide?", lines, NEEDS)
        return str(depth)

    def scope(self, found: Walk) -> list[Asked]:
        """The questions that are asked at this depth."""
        asked = {RECOMMENDED: [], NEEDS: found.needs(), EVERYTHING: found.asked}[self.depth]
        return [each for each in asked if not each.given]

    def ask(self, asked: Asked, counter: str) -> bool:
        """One question, asked again until the answer is possible; False if it is left by `<`."""
        before = self.taken_back.get(asked.name, asked.answer)
        text, refused = counter + asked.text, 0
        while True:
            if asked.choices:
                answer = choose(text, asked.choices, before)
            else:
                answer = type_in(text, str(before))
            if answer == BACK:
                return False
            if asked.choices:
                break
            try:
                answer = asked.read(answer)
                break
            except ValueError as rule:
                refused += say(f"{answer!r} is not possible: {rule}.", " ! ", "   ")
        wipe(refused)
        self.told[asked.name] = answer
        self.kept = self.shelf.save(Kept(self.depth, self.told))
        self.say(asked._replace(answer=answer), counter)
        return True

    def say(self, asked: Asked, counter: str) -> None:
        """A question and its answer, which stay on the screen."""
        further = " " * (len(counter) + 1)
        self.shown += say(f"{counter}{asked.text} {asked.label()}", " ", further)

    def say_again(self, told: list[Asked], count: int) -> None:
        """What holds of what was told, after something was taken back or brought along."""
        for number, asked in enumerate(told, 1):
            self.say(asked, f"{number} of {count}  ")

    def clear(self) -> None:
        """Take off the screen what may not hold any longer."""
        wipe(self.head + self.shown)
        self.begin()  # a long summary has moved it out of sight

    def back(self, done: list[Asked]) -> None:
        """Take the answer before this question back; before the first one, how much to decide."""
        self.clear()
        if done:
            name = done[-1].name
            self.taken_back[name] = self.told.pop(name)
        else:
            self.depth = ""

    def confirm(self, found: Walk) -> str:
        """The summary, and what to do with it."""
        if self.shown:  # with the heading alone, all of it fits into 24 rows
            self.shown += say("")
        for line, further in described(found):
            self.shown += say(line, " ", further)
        lines = [] if found.refused else [(text, key) for key, text in self.commits.items()]
        return str(choose("Is this what you want?", [*lines, ("Change an answer", CHANGE)]))

    def change(self, found: Walk) -> None:
        """Ask one question again."""
        self.clear()
        own = [asked for asked in found.asked if not asked.given]
        lines = [
            (shortened(f"{asked.text.partition('?')[0]}? {asked.label()}"), asked) for asked in own
        ]
        asked = choose("Which answer?", lines)
        if asked != BACK:
            self.taken_back.pop(asked.name, None)
            self.ask(asked, "")
            self.clear()  # the summary says it


def shortened(line: str, most: int = 72) -> str:
    """A line that fits where it is chosen."""
    return line if len(line) <= most else line[: most - 3] + "..."
