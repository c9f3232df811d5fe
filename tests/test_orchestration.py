"""What the parity test of LangChain holds itself against is the plain option's own module."""

from .conftest import ROOT

PLAIN = "template/{{ use.orchestration_plain }}/src/engine/answering/language_model/chain.py"
TESTS = "template/{{ use.orchestration_langchain }}/{{ use.engine_tests }}/tests/engine"


def test_the_parity_test_knows_the_plain_chain_as_it_is() -> None:
    assert (ROOT / PLAIN).read_text("utf-8") == (ROOT / TESTS / "plain_chain.py").read_text("utf-8")
