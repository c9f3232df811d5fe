"""Spark for as long as a batch takes: on this machine, or on the cluster that `master` names."""

import contextlib
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.batch.spark import java
from engine.core.errors import SettingsError
from engine.core.settings import Settings

SRC = Path(__file__).parents[3]
LOCAL = re.compile(r"local(?:\[(\*|\d+)\])?")
STANDALONE = "spark://"
ANSWER_SECONDS = 10
CAUSE = re.compile(r"(?m)^.*?(?:Error|Exception|Reason): +(\S.*?)\s*$")
ROOT_CAUSE = re.compile(r"(?m)^Caused by: [\w.$]+: +(\S.*?)\s*$")


@contextlib.contextmanager
def running(config: Settings) -> Iterator[Any]:
    """The context of a session that ends with the block.

    Raises SettingsError when there is no Java, or Spark does not start at `master`.
    """
    java.require()
    import pyspark  # only now: it takes its time, and other verbs do without

    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)  # another Spark does not fit
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    options = pyspark.SparkConf().setAll(list(_options(config).items()))
    log = java.log(config.spark_log)
    before = log.seek(0, os.SEEK_END)
    try:
        context = pyspark.SparkContext(conf=options, gateway=java.start(options, log))
    except Exception as error:  # py4j wraps whatever Java throws
        log.seek(before)
        reason = words(f"{log.read()}\n{error}")
        raise SettingsError(f"Spark does not start at master {config.master!r}: {reason}") from None
    try:
        yield context
    finally:
        context.stop()


def words(story: str) -> str:
    """The cause behind all others that Java names in a story of many lines."""
    found = ROOT_CAUSE.findall(story) or CAUSE.findall(story)[:1] or story.strip().splitlines()
    return str(found[-1])[:300]


def _options(config: Settings) -> dict[str, str]:
    """What Spark is told; spark-defaults.conf in the folder SPARK_CONF_DIR says the rest."""
    found = {
        "spark.app.name": config.name,
        "spark.executorEnv.PYTHONPATH": str(SRC),
        "spark.master": config.master,
        "spark.task.maxFailures": str(config.retries + 1),
        "spark.ui.enabled": str(config.ui).lower(),
    }
    if here := LOCAL.fullmatch(config.master):
        found["spark.master"] = f"local[{here[1] or 1},{config.retries + 1}]"
        found |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    elif config.master.startswith(STANDALONE):  # Spark itself would try for a minute
        found["spark.driver.host"] = _this_machine_as_seen_from(config.master)
    return found


def _this_machine_as_seen_from(master: str) -> str:
    for place in master.removeprefix(STANDALONE).split(","):
        host, _, port = place.rpartition(":")
        with (
            contextlib.suppress(OSError, ValueError, OverflowError),
            socket.create_connection((host, int(port)), ANSWER_SECONDS) as connection,
        ):
            return str(connection.getsockname()[0])
    raise SettingsError(
        f"master is {master!r}, and nothing answers there; it is local[CORES], or the address of a"
        " cluster such as spark://host:7077"
    )
