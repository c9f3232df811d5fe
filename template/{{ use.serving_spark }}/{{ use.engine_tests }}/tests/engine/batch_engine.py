"""What a test needs to run batches with the real engine: nothing, Spark comes with each run."""


def environment() -> dict[str, str]:
    """The variables of a run."""
    return {"APP_MASTER": "local[2]"}
