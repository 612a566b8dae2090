"""A kernel that does not come up is started again; one that never does is told in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import papermill
import pytest

from analysis.errors import BuildError
from analysis.reporting import execute

SOURCE = Path(__file__).parent / "stub" / "notebooks" / "01_money.ipynb"


@pytest.mark.parametrize(
    ("failing", "message"),
    [(1, "Kernel died before replying to kernel_info"), (2, "Kernel didn't respond in 60 seconds")],
)
def test_started_again(monkeypatch: pytest.MonkeyPatch, failing: int, message: str) -> None:
    starts = []

    def run(*_: Any, **__: Any) -> str:
        starts.append(1)
        if len(starts) <= failing:
            raise RuntimeError(message)
        return "executed"

    monkeypatch.setattr(papermill, "execute_notebook", run)
    assert execute._execute(SOURCE, {}) == "executed"
    assert len(starts) == failing + 1


def test_never_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr(papermill, "execute_notebook", run)
    with pytest.raises(BuildError, match=r"01_money.ipynb: its kernel does not start"):
        execute._execute(SOURCE, {})


def test_one_that_dies_at_work_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient.exceptions import DeadKernelError

    starts = []

    def run(*_: Any, **__: Any) -> None:
        starts.append(1)
        raise DeadKernelError("Kernel died")

    monkeypatch.setattr(papermill, "execute_notebook", run)
    with pytest.raises(BuildError, match="its kernel died"):
        execute.run_notebook(SOURCE, {})
    assert len(starts) == 1
