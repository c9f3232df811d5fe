"""What is shown in a terminal of 80 columns, and what is typed or chosen there."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, Final

import questionary
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output

BACK: Final = "<"


def say(text: str, indent: str = " ", further: str | None = None) -> int:
    """Print a text, wrapped, and count its lines; `further` indents those after the first."""
    width = min(shutil.get_terminal_size().columns, 80) - 1
    rest = indent if further is None else further
    lines: list[str] = []
    for line in text.splitlines() or [""]:
        lines += textwrap.wrap(
            line, width, initial_indent=indent, subsequent_indent=rest, break_on_hyphens=False
        ) or [""]
    print("\n".join(lines))
    return len(lines)


def wipe(lines: int) -> None:
    """Take the last lines off the terminal; what has scrolled out of it stays where it is."""
    sys.stdout.flush()
    output = create_output()
    output.cursor_up(lines)
    output.erase_down()
    output.flush()


def wrapped(text: str) -> str:
    """A question over as many lines as it needs."""
    width = min(shutil.get_terminal_size().columns, 80) - 2
    return "\n ".join(textwrap.wrap(text, width, break_on_hyphens=False))


def choose(text: str, choices: Sequence[tuple[str, Any]], chosen: Any = None) -> Any:
    """The value of the choice that is made, or BACK; the cursor stands on `chosen`."""
    values = [value for _, value in choices]
    lines = [questionary.Choice(line, value=number) for number, (line, _) in enumerate(choices)]
    prompt = questionary.select(
        wrapped(text),
        lines,
        default=lines[values.index(chosen) if chosen in values else 0],
        qmark="",
        instruction=" ",
        erase_when_done=True,
    )
    keys = prompt.application.key_bindings
    assert isinstance(keys, KeyBindings)
    keys.add(BACK, eager=True)(lambda event: event.app.exit(result=BACK))
    number = prompt.unsafe_ask()
    return number if number == BACK else values[number]


def type_in(text: str, default: str) -> str:
    """What is typed, without blanks around it; the default if it is nothing; or BACK."""
    keys = KeyBindings()
    buffers: list[Buffer] = []

    @keys.add(
        BACK, filter=Condition(lambda: not any(buffer.text for buffer in buffers)), eager=True
    )
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result=BACK)

    prompt = questionary.text(
        wrapped(text) + "\n >",
        qmark="",
        placeholder=default,
        key_bindings=keys,
        erase_when_done=True,
        reserve_space_for_menu=0,
    )
    buffers.append(prompt.application.current_buffer)
    return str(prompt.unsafe_ask()).strip() or default
