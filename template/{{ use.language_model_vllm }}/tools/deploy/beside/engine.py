"""vLLM: the arguments of `vllm serve` that deploy/ may use, and where it answers."""

NAME = "vLLM 0.31.0"
SOURCE = "vllm/engine/arg_utils.py and entrypoints/openai/cli_args.py, of releases before"
FLAGS = frozenset(
    {
        *("--revision", "--served-model-name", "--host", "--port", "--dtype", "--quantization"),
        *("--max-model-len", "--max-num-seqs", "--tensor-parallel-size", "--api-key", "--seed"),
        *("--gpu-memory-utilization", "--kv-cache-dtype", "--download-dir", "--load-format"),
        *("--max-num-batched-tokens", "--enable-prefix-caching", "--enforce-eager"),
        *("--chat-template", "--tokenizer-mode", "--reasoning-parser", "--uvicorn-log-level"),
    }
)
MODEL_NAME = "--served-model-name"
GPUS, TOKENS, PORT = "--tensor-parallel-size", "--max-model-len", "--port"
HEALTH, METRICS = "/health", "/metrics"
