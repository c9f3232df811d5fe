"""The plugin's own view: a copy for each way to model, with pytest-copie."""

from __future__ import annotations

import pytest
from pytest_copie.plugin import Copie

from .conversation import SEAMS


@pytest.mark.parametrize("model", SEAMS["model"])
def test_a_copy_succeeds(copie: Copie, model: str) -> None:
    result = copie.copy(extra_answers={"project_name": "Smoke", "model": model})

    assert result.exception is None
    assert result.exit_code == 0
    assert result.answers["model"] == model
    assert result.project_dir is not None
    assert (result.project_dir / "src/app/model.py").is_file()
