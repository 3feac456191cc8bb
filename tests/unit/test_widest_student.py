"""The search for the widest student that fits: right on any growing curve, in few tries; limits as users write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tinygen.compress.distill import Settings
from tinygen.compress.registry import Wish
from tinygen.dataset import DataSet
from tinygen.model_file import LoadedModel
from tinygen.sizing import fitter, widest


@pytest.mark.parametrize("power", [0.3, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("fixed", [0.0, 0.6, 0.95])
def test_the_widest_is_found_in_few_tries(power: float, fixed: float) -> None:
    for limit in (1, 2, 7, 16, 17, 63, 64, 200, 255):
        tries: list[int] = []

        def ratio(n: int, limit: int = limit, tries: list[int] = tries) -> float:
            tries.append(n)
            return fixed + (1 - fixed) * ((n + 0.5) / (limit + 1)) ** power

        assert widest(ratio, 256, 16) == limit
        assert len(tries) == len(set(tries)) and len(tries) <= 14
        assert {limit, limit + 1} <= set(tries), "the next one was tried, and does not fit"


def test_the_ends() -> None:
    assert widest(lambda n: 1.5, 256, 16) == 0
    assert widest(lambda n: 0.001, 256, 16) == 256
    assert widest(lambda n: 1.0 if n == 1 else 1.01, 256, 16) == 1


def test_limits_are_sizes_and_go_alone() -> None:
    options = Settings.model_validate({"student": "ds_cnn", "max_weights": "4K", "depth": 2})
    wishes: list[Wish] = []

    def fit(wish: Wish) -> tuple[float, dict[str, int]]:
        wishes.append(wish)
        return 0.125, {"weights_bytes": 4000}

    sized, found = options.sized(fit)
    assert wishes == [Wish("ds_cnn", 2, 3, 4096, None, None)]
    assert sized.multiplier == 0.125 and sized.max_weights is None  # type: ignore[attr-defined]
    assert found == {"sized": {"weights_bytes": 4000}}
    assert Settings.model_validate(sized.model_dump()) == sized, "what the worker is given is what was found"
    assert Settings.model_validate({"student": "ds_cnn"}).sized(fit)[1] == {} and len(wishes) == 1
    for wrong, told in (({"width": 4}, "leave width out"), ({"multiplier": 0.5}, "leave multiplier out")):
        with pytest.raises(ValidationError, match=told):
            Settings.model_validate({"max_ram": "2K", **wrong})
    with pytest.raises(ValidationError, match=r"'s\.h5' is a file"):
        Settings.model_validate({"student": "s.h5", "max_flash": "20K"})
    with pytest.raises(ValidationError, match="is not a size"):
        Settings.model_validate({"max_weights": "four"})


@pytest.mark.parametrize(("asked", "planned"), [("int8", "int8"), ("int16x8", "int16x8"), ("mixed", "int16x8")])
def test_mixed_precision_is_held_to_the_most_that_it_takes(
    asked: str, planned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[dict[str, Any]] = []

    def run_job(_job: str, request: dict[str, Any], **_: Any) -> dict[str, Any]:
        requests.append(request)
        return {"multiplier": 0.5}

    monkeypatch.setattr("tinygen.sizing.run_job", run_job)
    model = LoadedModel("m.h5", "m.h5", "keras", "m", (1, 4), (1, 2), 8, ())
    data = DataSet("d.npz", {"x_train": np.ones((8, 4), np.float32)})
    fit = fitter(model, data, "nucleo_f446re", precision=asked, project="cmake")
    assert fit(Wish("dense", 1, 3, None, 4096, None))[0] == 0.5
    assert (requests[0]["precision"], requests[0]["project"]) == (planned, "cmake")
