"""The demo's own part: an example's files, data and trained teacher, as a project that `tinygen run` executes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .config import read_toml
from .errors import BadInput
from .examples import EXAMPLES, Example
from .worker import Progress
from .writing import write_whole

_BOARDS = re.compile(r"^boards = \[.*\]$", re.MULTILINE)


def write_demo(
    folder: str | Path,
    board: str | None = None,
    *,
    example: Example = EXAMPLES["digits"],
    epochs: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Writes the example's files, data.npz and a trained teacher.keras to `folder`; returns the path of tinygen.toml.

    What is there already is kept, so that a second run is quick; an unedited tinygen.toml takes the new board, or the
    example's own boards without one. Training takes about ten seconds on two cores, less with fewer `epochs`.
    """
    example.require_packages()
    folder = Path(folder)
    data, model, config = folder / "data.npz", folder / "teacher.keras", folder / "tinygen.toml"
    _require_same(config, example)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be made: {error.strerror}.") from error
    for file in example.files:
        if not (folder / file.name).exists():
            write_whole(folder / file.name, file.read_bytes())
    if not (data.is_file() and model.is_file()):
        made = folder / ".teacher.part.keras"
        try:
            example.train(data, None if model.is_file() else made, epochs=epochs, progress=progress)
            if made.is_file():
                made.replace(model)
        finally:
            made.unlink(missing_ok=True)
    template = (example.folder / "tinygen.toml").read_text("utf-8")
    if not config.is_file() or _BOARDS.sub("", config.read_text("utf-8", "replace")) == _BOARDS.sub("", template):
        text = template if board is None else _BOARDS.sub(lambda _: f"boards = {json.dumps([board])}", template)
        write_whole(config, text.encode())
    return config


def _require_same(config: Path, example: Example) -> None:
    """BadInput where the folder holds another example, whose data and teacher would be taken for this one's."""
    if not config.is_file():
        return
    model = read_toml(config, "").get("model")
    name = model.get("name") if isinstance(model, dict) else None
    if name in EXAMPLES and name != example.name:
        raise BadInput(f"{config.parent}: holds the example {name}, not {example.name}.", "-o names another folder.")
