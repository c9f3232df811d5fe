"""A language model is as large as published; a large one on a CPU is a red flag."""

from __future__ import annotations

from itertools import product
from typing import Any

import jinja2
import pytest

from .conftest import ROOT, Render
from .conversation import CHOICES

SIZES = jinja2.Environment(loader=jinja2.FileSystemLoader(ROOT)).get_template(
    "includes/language_model/size"
)
BLOG = "https://huggingface.co/blog/llama31#inference-memory-requirements"


def size(llm: str, precision: str = "bf16", hardware: str = "gpu_80") -> Any:
    """What the templates take their numbers from."""
    return SIZES.make_module({"llm": llm, "llm_precision": precision, "llm_hardware": hardware})


@pytest.mark.parametrize(
    ("llm", "precision", "published", "source"),
    [
        ("llama_8b", "bf16", 16, BLOG),
        ("llama_8b", "fp8", 8, BLOG),
        ("llama_70b", "bf16", 140, BLOG),
        ("llama_70b", "fp8", 70, BLOG),
        ("qwen3_4b", "bf16", 8.061, "all files of the repository at this commit"),
    ],
)
def test_weights_are_as_large_as_published(
    llm: str, precision: str, published: float, source: str
) -> None:
    assert size(llm, precision).weights / 1e9 == pytest.approx(published, rel=0.015), source


@pytest.mark.parametrize(
    ("llm", "tokens", "published"),
    [
        ("llama_8b", 16_000, 1.95),
        ("llama_8b", 128_000, 15.62),
        ("llama_70b", 16_000, 4.88),
        ("llama_70b", 128_000, 39.06),
    ],
)
def test_the_cache_is_as_large_as_published(llm: str, tokens: int, published: float) -> None:
    assert size(llm).token * tokens / 2**30 == pytest.approx(published, abs=0.006), BLOG


def test_all_of_it_is_what_a_model_card_asks_for() -> None:
    """Mistral Small 24B "requires ~55 GB of GPU RAM in bf16 or fp16"; its context is 32k."""
    it = size("mistral_24b")

    assert (it.weights + it.token * 32_768 + it.overhead) / 1e9 == pytest.approx(55, rel=0.02)


def test_vllm_measured_what_is_reckoned() -> None:
    """Its log for Qwen3 4B with 16 bits: "Model loading took 7.6785 GiB"."""
    log = "https://github.com/kyuz0/amd-strix-halo-vllm-toolboxes/pull/5"

    assert size("qwen3_4b").weights / 2**30 == pytest.approx(7.6785, rel=0.03), log


@pytest.mark.parametrize(
    ("llm", "precision", "hardware"),
    [*product(CHOICES["llm"], CHOICES["llm_precision"], ["gpu_24", "gpu_48", "gpu_80"])],
)
def test_it_gets_the_fewest_gpus_that_hold_it(llm: str, precision: str, hardware: str) -> None:
    it = size(llm, precision, hardware)

    def room(gpus: int) -> float:
        usable = gpus * (0.9 * it.card * 1e9 - it.overhead) - it.weights
        return float(usable / it.request) if gpus * 0.9 * it.card >= it.billions * 2 else 0

    assert 1 <= it.room <= room(it.gpus)
    assert it.model["heads"] % it.gpus == 0
    assert it.gpus == 1 or room(it.gpus // 2) < it.at_once
    assert it.room >= it.at_once or it.gpus == 8


def test_a_large_model_on_a_cpu_is_a_red_flag_and_a_small_one_is_none(render: Render) -> None:
    answers = {"problem": "rag", "language_model": "vllm", "llm_hardware": "cpu"}

    large = render(**answers, llm="llama_8b") / "docs/decisions/red-flags.md"
    small = render(**answers, llm="qwen3_4b") / "docs/decisions/red-flags.md"

    assert "8 billion parameters on a CPU" in large.read_text("utf-8")
    assert "llm_hardware=gpu_24" in large.read_text("utf-8")
    assert not small.exists()


@pytest.mark.parametrize("engine", ["vllm", "sglang", "tgi"])
def test_the_first_contract_names_the_model_that_is_served(render: Render, engine: str) -> None:
    rendered = render(problem="rag", language_model=engine, llm="llama_8b")

    assert 'model = "llama-3.1-8b" ' in (rendered / "contract.toml").read_text("utf-8")
    served = (rendered / "deploy/compose.language-model.yml").read_text("utf-8")
    assert ("--served-model-name=llama-3.1-8b" in served) == (engine != "tgi")
    assert ('llm_schema = "tgi"' in (rendered / "settings.toml").read_text("utf-8")) == (
        engine == "tgi"
    )
