"""SGLang: the arguments of its server that deploy/ may use, and where it answers."""

NAME = "SGLang 0.5.18"
SOURCE = "docs/advanced_features/server_arguments.md of sgl-project/sglang at 004813e1dd46"
FLAGS = frozenset(
    {
        *("--model-path", "--revision", "--served-model-name", "--host", "--port", "--dtype"),
        *("--quantization", "--context-length", "--mem-fraction-static", "--max-running-requests"),
        *("--tensor-parallel-size", "--enable-metrics", "--api-key", "--kv-cache-dtype"),
        *("--chunked-prefill-size", "--schedule-policy", "--grammar-backend", "--log-level"),
        *("--chat-template", "--max-queued-requests", "--attention-backend", "--load-format"),
    }
)
MODEL_NAME = "--served-model-name"
GPUS, TOKENS, PORT = "--tensor-parallel-size", "--context-length", "--port"
HEALTH, METRICS = "/health", "/metrics"
