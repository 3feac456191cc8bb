"""Inputs, the harness's protocol, clocks, counting and comparison, without a simulator."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from tinygen.boards import SimulatorSpec
from tinygen.errors import BadInput
from tinygen.project import LayerRecord, TensorRecord
from tinygen.simulate import protocol
from tinygen.simulate.compare import crc32, first_difference, max_abs_difference, mismatches, output_difference
from tinygen.simulate.inputs import generated
from tinygen.simulate.qemu import clock
from tinygen.simulate.result import LayerEvent
from tinygen.simulate.semihosting import Host
from tinygen.simulate.unicorn_count import instructions_in


def tensor(dtype: str, *shape: int) -> TensorRecord:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return TensorRecord(name="t", dtype=dtype, shape=shape, bytes=size, scale=None, zero_point=None)


def test_the_ramp_and_the_seeded_numbers() -> None:
    ramp = np.frombuffer(generated([tensor("int8", 1, 300)], 0), np.int8)
    assert ramp.tolist() == [((37 * i + 11) % 256) - 128 for i in range(300)]
    run = generated([tensor("int8", 300)], 7)
    assert run == np.random.default_rng(7).integers(-128, 128, 300, dtype="int8").tobytes()


def test_several_inputs_share_one_sequence() -> None:
    whole = generated([tensor("int8", 10)], 3)
    assert generated([tensor("int8", 2, 2), tensor("uint8", 6)], 3) == whole


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("uint8", [139, 176, 213]),
        ("int16", [-117 * 256, -80 * 256, -43 * 256]),
        ("int32", [-117, -80, -43]),
        ("int64", [-117, -80, -43]),
        ("float32", [-117 / 128, -80 / 128, -43 / 128]),
        ("bool", [True, False, True]),
    ],
)
def test_other_types_take_the_same_numbers(dtype: str, expected: list[float]) -> None:
    assert np.frombuffer(generated([tensor(dtype, 3)], 0), dtype).tolist() == expected


def words(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data))


def test_the_first_samples_count_comes_second_any_others_last() -> None:
    a, b = b"aaaa", b"bbbb"
    ia, ib = words(a)[0], words(b)[0]
    head = [words(b"TGRQ")[0], 4, 0, 0, 1]
    first = words(protocol.encode(protocol.Job([a, b], 0), protocol.HOST_CLOCK))
    assert first == [*head, 2, ia, 3, 5, 1, 2, ia, 4, 2, ib, 3, 5, 0]
    last = words(protocol.encode(protocol.Job([a, b], 1), protocol.HOST_CLOCK))
    assert last == [*head, 2, ia, 3, 5, 2, ib, 3, 5, 1, 2, ib, 4, 0]
    traced = words(protocol.encode(protocol.Job([a, b], None, trace=True, keep_data=True), protocol.HOST_CLOCK))
    assert traced == [*head, 2, ia, 3, 5, 2, ib, 7, 5, 0]


def test_a_response_that_breaks_off_keeps_what_came() -> None:
    def record(tag: str, payload: bytes) -> bytes:
        return struct.pack("<II", ord(tag), len(payload)) + payload

    whole = record("K", struct.pack("<I", 60)) + record("O", b"abc") + record("L", struct.pack("<IQ", 2, 99) + b"xy")
    response = protocol.decode(whole + record("E", b""))
    assert (response.outputs, response.stack_bytes, response.layers) == ([b"abc"], [60], [(2, 99, b"xy")])
    assert response.ended and response.failed is None
    for length in range(len(whole)):
        assert not protocol.decode(whole[:length]).ended


def test_the_first_call_that_failed_is_kept() -> None:
    """A checked build's harness writes the status and the layer, an ordinary one's the status alone."""

    def record(tag: str, *words: int) -> bytes:
        return struct.pack(f"<II{len(words)}i", ord(tag), 4 * len(words), *words)

    found = protocol.decode(record("O", 1) + record("S", 2, 7) + record("O", 1) + record("S", 2, 8)).failed
    assert found == protocol.Failed(status=2, layer=7, outputs=1)
    assert protocol.decode(record("S", 1, -1)).failed == protocol.Failed(1, -1, 0)
    assert protocol.decode(record("S", 1)).failed == protocol.Failed(1, -1, 0)


@pytest.mark.parametrize(
    ("text", "shift", "ticks"),
    [("cmsdk@0x40000000:25000000", 8, 6.4), ("nrf_timer@0x40008000:16000000", 9, 8.192), ("minstret", 0, 1.0)],
)
def test_every_instruction_lasts_at_least_five_ticks(text: str, shift: int, ticks: float) -> None:
    found, used = clock(SimulatorSpec(kind="qemu", machine="m", clock=text, source="s"))
    assert used == shift
    assert found.ticks_per_instruction == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("code", "arm", "count"),
    [
        ("0120abbe0221", True, 3),
        ("91fbf2f00221", True, 2),
        ("08bf0120c046", True, 3),  # IT is an instruction, what it skips too
        ("fff7fcff30ee810a", True, 2),
        ("7d1519c16ff0dfff8280", False, 4),
        ("", True, 0),
    ],
)
def test_instructions_in_a_block(code: str, arm: bool, count: int) -> None:
    assert instructions_in(bytes.fromhex(code), arm) == count


def test_a_program_opens_no_file_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    memory = bytearray(64)

    def read(address: int, size: int) -> bytes:
        return bytes(memory[address : address + size])

    def write(address: int, data: bytes) -> None:
        memory[address : address + len(data)] = data

    host = Host(tmp_path, read, write, lambda: 0)
    for name, served in ((b"secret", False), (b"../x", False), (b"response.bin", True)):
        memory[32 : 32 + len(name)] = name
        memory[:12] = struct.pack("<III", 32, 5, len(name))
        assert (host.call(0x01, 0) == 0) is served
    assert sorted(p.name for p in tmp_path.iterdir()) == ["response.bin", "secret"]


def layer(index: int, at: int) -> LayerRecord:
    return LayerRecord(
        index=index, name=f"layer{index}", op="ADD", kernel="k", tensors=(at,), output_shape=(3,), output_bytes=3,
        arena_offset=0, macs=0, weights_bytes=0,
    )  # fmt: skip


def test_the_first_differing_layer_by_flat_index() -> None:
    events = [LayerEvent(0, 1, b"\x01\x02\x03"), LayerEvent(2, 1, b"\x01\xff\x05")]
    reference = {7: np.array([[1, 2, 3]], np.int8), 9: np.array([1, 4, 5], np.int8)}
    found = first_difference(6, [layer(0, 7), layer(2, 9)], events, reference)
    assert found is not None
    assert (found.sample, found.layer, found.index, found.expected, found.got) == (6, "layer2", 1, 4, -1)
    assert first_difference(6, [layer(0, 7)], events, reference) is None


def test_each_output_of_a_layer_is_held_to_its_own_tensor() -> None:
    parts = layer(0, 7).model_copy(update={"tensors": (7, 9)})
    events = [LayerEvent(0, 1, b"\x01\x02\x03"), LayerEvent(0, 1, b"\x04\x05\x06")]
    reference = {7: np.array([1, 2, 3], np.int8), 9: np.array([4, 5, 6], np.int8)}
    assert first_difference(0, [parts], events, reference) is None
    assert first_difference(0, [parts], events[::-1], reference) is not None


def test_differences_of_whole_outputs() -> None:
    outputs = [tensor("int8", 2), tensor("int16", 2)]
    want = b"\x01\x02" + struct.pack("<hh", 100, -100)
    got = b"\x01\x7f" + struct.pack("<hh", 100, 30000)
    assert mismatches([want, got], [want, want]) == [1]
    assert mismatches([want], [want, want]) == [1], "a sample that never came differs"
    assert max_abs_difference([want, got], [want, want], outputs) == 30100
    found = output_difference(1, got, want, outputs)
    assert (found.layer, found.index, found.expected, found.got) == (None, 1, 2, 127)


def test_not_a_number_is_a_difference_in_json_too() -> None:
    nan, one = (struct.pack("<f", x) for x in (float("nan"), 1.0))
    assert max_abs_difference([nan], [one], [tensor("float32", 1)]) > 1e300


def test_crc() -> None:
    assert crc32(b"abc") == f"{zlib.crc32(b'abc'):08x}" == "352441c2"


def test_an_unknown_type_has_no_generated_input() -> None:
    with pytest.raises(BadInput, match="complex64"):
        generated([tensor("complex64", 1)], 0)
