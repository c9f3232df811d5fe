"""Calls of the language model as steps that traces follow."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.answering import watched
from engine.answering.language_model.endpoint import Endpoint, EndpointError, Said, Usage


class Traced:
    """The endpoint, for the questions of one version; every call is a step of `watched`."""

    def __init__(
        self, endpoint: Endpoint, *, prompt: str, prompt_version: str, is_private: bool
    ) -> None:
        self._endpoint = endpoint
        self._about = {
            "prompt": prompt,
            "prompt_version": prompt_version,
            "is_private": is_private,
        }

    async def chat(
        self,
        model: str,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        schema: Mapping[str, Any] | None,
        seconds: float,
    ) -> Said:
        """What the model says to messages, as `Endpoint.chat` has it.

        Raises EndpointError.
        """
        with watched.step(
            "chat",
            model=model,
            url=self._endpoint.chat_url,
            max_tokens=max_tokens,
            temperature=0.0,
            form="json" if schema else None,
            told=messages[-1]["content"],
            **self._about,
        ) as step:
            try:
                said = await self._endpoint.chat(
                    model, messages, max_tokens=max_tokens, schema=schema, seconds=seconds
                )
            except EndpointError as error:  # raised below, where no follower names it anew
                step.fail(error.kind)
                step.note(**_counted(error.usage))
                failed = error
            else:
                step.note(answered_by=said.model, response=said.id, said=said.text)
                step.note(finish=[said.finish] if said.finish else None, **_counted(said.usage))
                return said
        raise failed


def _counted(usage: Usage | None) -> dict[str, int | None]:
    return {"input_tokens": usage.prompt, "output_tokens": usage.completion} if usage else {}
