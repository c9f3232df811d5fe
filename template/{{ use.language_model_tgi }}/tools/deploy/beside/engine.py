"""TGI: the arguments of its launcher that deploy/ may use, and where it answers."""

NAME = "TGI 3.3"
SOURCE = (
    "docs/source/reference/launcher.md of huggingface/text-generation-inference at db931fcf42da"
)
FLAGS = frozenset(
    {
        *("--model-id", "--revision", "--hostname", "--port", "--dtype", "--quantize"),
        *("--max-total-tokens", "--max-input-tokens", "--max-concurrent-requests", "--num-shard"),
        *("--cuda-memory-fraction", "--huggingface-hub-cache", "--usage-stats", "--api-key"),
        *("--max-batch-total-tokens", "--max-batch-prefill-tokens", "--waiting-served-ratio"),
        *("--kv-cache-dtype", "--json-output", "--sharded", "--validation-workers"),
    }
)
MODEL_NAME = ""  # it reads no name: whatever a request calls the model, it answers
GPUS, TOKENS, PORT = "--num-shard", "--max-total-tokens", "--port"
HEALTH, METRICS = "/health", "/metrics"
