"""The examples as one command each, with less training: what they claim holds for the firmware's own bits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from command_line import tinygen
from test_application import compiled, talk

from tinygen.demo import write_demo
from tinygen.example_data import pressure
from tinygen.examples import EXAMPLES
from tinygen.resources import data_dir

pytestmark = [pytest.mark.needs_tensorflow, pytest.mark.needs_tflm, pytest.mark.needs_cc, pytest.mark.slow]

READER = """
#undef tg_app_read_sample
#include <stdio.h>
#include <stdlib.h>

void tg_port_start(void);
void tg_port_start(void) {}

int tg_app_read_sample(float *sample) {
    static FILE *file;
    file = file != NULL ? file : fopen("input", "rb");
    if (file == NULL || fread(sample, sizeof *sample, 1, file) != 1) {
        fflush(stdout);
        exit(0);
    }
    return 1;
}
"""


def demo(name: str, folder: Path, teacher_epochs: int, share: float) -> dict[str, Any]:
    """What `tinygen demo --example NAME` says, of one board, with a share of the recipe's epochs."""
    config = write_demo(folder, "nucleo_f446re", example=EXAMPLES[name], epochs=teacher_epochs)
    fewer = re.sub(
        r"epochs = (\d+)", lambda m: f"epochs = {max(1, round(int(m[1]) * share))}", config.read_text("utf-8")
    )
    config.write_text(fewer, "utf-8")
    said = tinygen("demo", "--example", name, "-o", folder, "--json", folder / "said.json")
    assert said.code == 0, said.err
    report: dict[str, Any] = json.loads((folder / "said.json").read_text("utf-8"))
    (board,) = report["boards"]
    assert board["simulation"]["mismatched_samples"] == 0 and board["budget"]["fits"]
    assert all(line in " ".join(said.out.split()) for line in report.get("detection", {}).get("lines", ()))
    return report


def test_motions(tmp_path: Path) -> None:
    pytest.importorskip("aeon")
    report = demo("motions", tmp_path / "demo", 30, 0.6)
    first, pruned, clustered = report["steps"]
    assert first["value"] >= 0.9 and clustered["value"] >= 0.85, "int8, on 28 recordings"
    assert pruned["macs"] < first["macs"] / 2
    assert clustered["weights_bytes"] < 0.7 * pruned["weights_bytes"] < 0.3 * first["weights_bytes"]
    user = (tmp_path / "demo" / "build" / "nucleo_f446re" / "src" / "user.c").read_text("utf-8")
    assert "Gives one sample, 6 values" in user and "Every 10 samples the last 100" in user


def test_anomaly_is_found_by_the_firmware_and_by_its_application(tmp_path: Path) -> None:
    pytest.importorskip("aeon")
    report = demo("anomaly", tmp_path / "demo", 30, 0.3)
    found = report["detection"]
    assert found["rank"] == 1 and found["found"] >= 8 and found["highest_error"] > 3 * found["threshold"]
    assert len(found["false_alarms"]) <= 60, "of 1,557 windows"
    text = (data_dir("examples") / "anomaly" / "user.c").read_text("utf-8")
    text, replaced = re.subn(r"THRESHOLD \S+f", f"THRESHOLD {found['threshold']!r}f", text)
    assert replaced == 1
    (tmp_path / "user_of_file.c").write_text(f"#define tg_app_read_sample sensor\n{text}{READER}", "utf-8")
    program = compiled(tmp_path / "demo" / "build" / "nucleo_f446re", str(tmp_path / "user_of_file.c"))
    said = talk(program, pressure()[0][1200:].tobytes())
    assert len(said) == found["found"] + len(found["false_alarms"])
    assert max(float(line.split()[-1]) for line in said) == pytest.approx(found["highest_error"], abs=1e-3)
