"""What an anomaly detector is for: the int8 firmware's own outputs, from the simulator, point at the anomaly.

`python detect.py [build/BOARD]` after `tinygen run`. A window's error is the mean squared difference between what went
in and what came back. The threshold is chosen on normal windows that were not trained on, before the rest is looked at.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from train import NORMAL, STRIDE, WINDOW

from tinygen.dataset import DataSet, load_data
from tinygen.example_data import pressure
from tinygen.metric import dequantized
from tinygen.project import read_manifest
from tinygen.simulation import simulate

MARGIN = 2.0  # times the largest error of the validation windows


def errors(project: Path, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The error of each window, by the firmware of `project` in its board's simulator."""
    report = simulate(project, data=DataSet("windows", {"x_test": x, "y_test": y}), compare=False)
    back = dequantized(report.outputs, read_manifest(project).model.outputs[0])
    return np.asarray(((back - y) ** 2).mean(axis=1))


def detect(project: Path, data: Path) -> dict[str, object]:
    """The threshold, the windows over it that hold some of the anomaly, the false alarms, and lines that say so."""
    arrays = load_data(data).arrays
    x, y = (np.concatenate([arrays[f"{k}_val"], arrays[f"{k}_test"]]) for k in "xy")
    normal, seen = np.split(errors(project, x, y), [len(arrays["x_val"])])
    threshold = MARGIN * float(normal.max())
    starts = NORMAL + STRIDE * np.arange(len(seen))
    anomaly = np.flatnonzero(pressure()[1])
    holds = (starts <= anomaly[-1]) & (starts + WINDOW > anomaly[0])
    over, highest = seen > threshold, float(seen[holds].max())
    rank = 1 + int((seen > highest).sum())
    false = [int(start) for start in starts[over & ~holds]]
    places = [a for a, before in zip(false, [-WINDOW, *false]) if a - before >= WINDOW]  # windows that overlap are one
    at = f", at samples {', '.join(map(str, places))}" if places else ""
    lines = [
        f"Threshold {threshold:.4f}: {MARGIN:g} times the largest error of {len(normal)} normal windows.",
        f"Anomaly at samples {anomaly[0]} to {anomaly[-1]}: {(over & holds).sum()} of {holds.sum()} windows "
        "with some of it are over.",
        f"Their largest error, {highest:.4f}, ranks {rank} of {len(seen):,}.",
        f"False alarms: {len(false)} of {(~holds).sum():,} other windows{at}.",
    ]
    found = {"threshold": threshold, "windows": int(holds.sum()), "found": int((over & holds).sum())}
    return {**found, "rank": rank, "highest_error": highest, "false_alarms": false, "lines": lines}


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    project = Path(sys.argv[1]) if len(sys.argv) > 1 else here / "build" / "nucleo_f446re"
    print(*detect(project, here / "data.npz")["lines"], sep="\n")
