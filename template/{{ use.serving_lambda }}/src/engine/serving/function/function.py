"""The server's application as a function of AWS Lambda.

Between two calls the platform stops the process, so that nothing may be left to the background:
where it is time, the registry is looked at before a call is answered, and the prediction log is
written before the answer leaves.
"""

import time
from typing import Any

import msgspec

from engine.core.settings import Settings
from engine.serving.function import events
from engine.serving.in_process import Answer, InProcess


class Unanswered(Exception):  # noqa: N818 - Lambda counts it, and may call again
    """A call without HTTP that could not be answered; over HTTP it is a status of 5xx."""


class Function:
    """Answers events, one at a time, with the champion it loaded when it started."""

    def __init__(self, settings: Settings) -> None:
        # Whoever reaches it is elsewhere, whatever the settings say: reports need the key.
        self._settings = settings = msgspec.structs.replace(settings, host="0.0.0.0")
        self._application = InProcess(settings, follows=False)
        self._looked = time.time()

    def __call__(self, event: Any, context: object = None) -> Any:
        """The reply to an event of a gateway, or the predictions for an event that is a body.

        Raises Unanswered where a call without HTTP got no answer.
        """
        del context
        if events.is_http(event):
            return events.reply(event, self._answer(events.asked(event)))
        answer = self._answer(events.called(event, self._settings.api_key))
        if answer.status >= 500:
            raise Unanswered(answer.body.decode())
        return msgspec.json.decode(answer.body)

    def close(self) -> None:
        """Answer no more."""
        self._application.close()

    def _answer(self, request: events.Request) -> Answer:
        self._look()
        answer = self._application.ask(*request)
        self._application.flush()
        return answer

    def _look(self) -> None:
        """Follow the registry if it is time; who calls waits no longer than for a prediction."""
        now = time.time()  # the other clocks may stand still while the process does
        if abs(now - self._looked) >= self._settings.reload_seconds:
            self._looked = now
            self._application.refresh(self._settings.deadline_ms / 1000)
