"""A machine-learning system that trains, gates, registers, serves, monitors and rolls back."""

import os

# ONNX Runtime reports to its maker over the network unless it finds this when it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
