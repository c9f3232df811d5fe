"""The settings of the way predictions get out: files scored in batches, by Spark.

The rest of what Spark can be told, such as spark.executor.memory, is in the file
spark-defaults.conf of the folder that SPARK_CONF_DIR names. PYSPARK_PYTHON is the interpreter of
the executors, if it is not at the same place as here.
"""

import warnings

from engine.core.batch_settings import BatchSettings

# Pandera and Spark load pyspark.pandas, which nothing here uses, and it warns of the pandas in use.
warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)

SECRETS: frozenset[str] = frozenset()


class ServingSettings(BatchSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of Spark."""

    master: str = "local[2]"
    """Where Spark runs: local[CORES] or local[*] for this machine, or the address of a cluster,
    such as spark://host:7077."""
    retries: int = 3
    """How often a part is tried again, such as when the storage does not answer."""
    retry_seconds: float = 5.0
    """Before the first further attempt; twice as long before each that follows."""
    spark_log: str = ""
    """The file for what Spark says; empty: only the reason of a failure is shown."""
    ui: bool = False
    """Whether Spark serves its own page on port 4040 while it runs."""
