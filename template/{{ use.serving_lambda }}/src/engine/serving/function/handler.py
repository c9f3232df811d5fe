"""What AWS Lambda calls: python -m awslambdaric engine.serving.function.handler.handle.

Importing it loads the champion, in the time that Lambda gives a function to start.
"""

import logging

from engine.core.errors import ProjectError
from engine.core.settings import load_settings
from engine.serving.function.function import Function


def _start() -> Function:
    try:
        settings = load_settings()
        logging.getLogger().setLevel(settings.log_level.upper())
        return Function(settings)
    except ProjectError as error:
        raise SystemExit(f"the function cannot start: {error}") from None


handle = _start()
