"""Every kernel header compiles alone, as C99 and as C++17, with every compiler here, without a warning."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tinygen.ops import operators
from tinygen.resources import data_dir

KERNELS = data_dir("firmware") / "kernels"
WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only".split()
PROMISED = set(
    """CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED AVERAGE_POOL_2D MAX_POOL_2D MEAN ADD SUB MUL CONCATENATION PAD PADV2
    RESHAPE SQUEEZE EXPAND_DIMS SOFTMAX LOGISTIC TANH RELU RELU6 LEAKY_RELU HARD_SWISH QUANTIZE DEQUANTIZE TRANSPOSE
    STRIDED_SLICE TRANSPOSE_CONV RESIZE_NEAREST_NEIGHBOR RESIZE_BILINEAR SLICE GATHER SPLIT SPLIT_V PACK UNPACK
    SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND SPACE_TO_DEPTH DEPTH_TO_SPACE MIRROR_PAD BROADCAST_TO REVERSE_V2""".split()
)
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)] or ["cc"]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("language", ["c99", "c++17"])
def test_headers_stand_alone(tmp_path: Path, compiler: str, language: str) -> None:
    for header in sorted(KERNELS.glob("*.h")):
        source = tmp_path / f"{header.stem}.{'c' if language == 'c99' else 'cc'}"
        source.write_text(f'#include "{header.name}"\n#include "{header.name}"\nint main(void) {{ return 0; }}\n')
        command = [
            compiler,
            f"-std={language}",
            *WARNINGS,
            f"-I{KERNELS}",
            f"-I{KERNELS.parent / 'runtime'}",
            str(source),
        ]
        if language == "c++17":
            command[1:1] = ["-x", "c++"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{header.name}: {done.stderr[:1500]}"


def test_every_kernel_names_a_header_that_exists() -> None:
    kernels = [kernel for operator in operators().values() for kernel in operator.kernels]
    assert all((KERNELS / kernel.header).is_file() for kernel in kernels)
    assert set(operators()) >= PROMISED
