"""What a test needs to run batches with the real engine: one server of Prefect for all of them."""

import atexit
import functools
import tempfile
from contextlib import ExitStack

from engine.batch.prefect import server as prefect_server
from engine.core.settings import Settings


@functools.cache
def environment() -> dict[str, str]:
    """The variables of a run, as with a real server: it stays while runs come and are killed."""
    stack = ExitStack()
    atexit.register(stack.close)
    home = stack.enter_context(tempfile.TemporaryDirectory())
    url = stack.enter_context(prefect_server.local(Settings(prefect_home=home)))
    return {"PREFECT_API_URL": url, "PREFECT_HOME": home}
