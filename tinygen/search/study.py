"""Optuna's study: where it is kept, how points are drawn, when a trial is hopeless.

Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", 2019. A study lives in a database or
in a journal file; every process, on any machine, that opens it by its name shares its trials.
"""

from __future__ import annotations

import importlib.util
import re
import time
import warnings
from collections.abc import Callable
from typing import Any

from ..errors import BadInput, missing_extra
from .settings import SearchSection

#: Times that a storage is opened anew where another process is just making it.
_ATTEMPTS = 6
_KEY = "tinygen"


def require_optuna() -> None:
    """MissingTool where Optuna is not installed."""
    if importlib.util.find_spec("optuna") is None:
        raise missing_extra("optuna", "search")


def open_study(settings: SearchSection, name: str, key: str, seed: int) -> Any:
    """The study by its name, made where it is not there yet.

    `key` stands for all that decides a trial's result. BadInput where the study of that name has another, or where the
    storage cannot be opened.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

    def create() -> Any:
        return optuna.create_study(
            storage=_storage(settings.storage), study_name=name, direction="maximize", load_if_exists=True,
            sampler=_numbered(seed), pruner=_pruner(settings),
        )  # fmt: skip

    study = _patiently(create, settings.storage)
    found = study.user_attrs.get(_KEY)
    if found is None:
        study.set_user_attr(_KEY, key)
    elif found != key:
        raise BadInput(
            f"search.study {name!r}: its trials are of another model, data, space or budget, or of another tinygen.",
            "Another name, or --fresh where no one else needs it.",
        )
    return study


def forget_study(settings: SearchSection, name: str) -> None:
    """Takes the study out of its storage, where it is there."""
    import optuna

    try:
        optuna.delete_study(study_name=name, storage=_storage(settings.storage))
    except KeyError:
        return


def shown_storage(storage: str) -> str:
    """The storage as it may be printed: without a password."""
    return re.sub(r"//[^/@]*@", "//…@", storage)


def _storage(storage: str) -> Any:
    import optuna

    if storage.startswith("journal:"):
        backend = optuna.storages.journal.JournalFileBackend(storage.removeprefix("journal:"))
        return optuna.storages.JournalStorage(backend)
    options = {"connect_args": {"timeout": 60}} if storage.startswith("sqlite") else None
    return optuna.storages.RDBStorage(storage, engine_kwargs=options)


def _patiently(create: Callable[[], Any], storage: str) -> Any:
    """Two processes that make the same tables or the same study at once: one of them fails, and finds them then."""
    for attempt in range(_ATTEMPTS):
        try:
            return create()
        except Exception as error:
            if attempt == _ATTEMPTS - 1:
                first = (str(error).splitlines() or [type(error).__name__])[0][:300]
                raise BadInput(
                    f"search.storage {shown_storage(storage)}: cannot be opened: {first}",
                    "'journal:FILE' in a folder that exists, or a database's URL.",
                ) from error
            time.sleep(0.2 * (attempt + 1))
    raise AssertionError("unreachable")


def _pruner(settings: SearchSection) -> Any:
    """By reports of the validation metric after so many epochs."""
    import optuna

    if settings.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=settings.epochs // 4)
    if settings.pruner == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=settings.report_every, reduction_factor=3)
    return optuna.pruners.NopPruner()


def _numbered(seed: int) -> Any:
    """A tree-structured Parzen estimator (Bergstra et al. 2011) that draws by the trial's number.

    So a search that was stopped goes on as one that was not, and processes that share a study draw different points.
    """
    import optuna

    class Numbered(optuna.samplers.BaseSampler):  # type: ignore[misc]
        def __init__(self) -> None:
            self._inner = self._of(0)

        def _of(self, number: int) -> Any:
            mixed = (seed * 1_000_003 + number * 7_919) % 2**31
            return optuna.samplers.TPESampler(seed=mixed, n_startup_trials=10, constant_liar=True)

        def before_trial(self, study: Any, trial: Any) -> None:
            self._inner = self._of(trial.number)

        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            return self._inner.infer_relative_search_space(study, trial)

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> Any:
            return self._inner.sample_relative(study, trial, search_space)

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            return self._inner.sample_independent(study, trial, param_name, param_distribution)

        def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
            self._inner.after_trial(study, trial, state, values)

    return Numbered()
