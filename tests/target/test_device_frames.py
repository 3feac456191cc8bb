"""The frames of the serial protocol on both sides: what is sent comes out, and garbage harms neither side."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from device_bench import FLAGS, HERE
from hypothesis import given
from hypothesis import strategies as st

from tinygen.device import messages as msg
from tinygen.device.frames import Decoder, Frame, decode, encode, excerpt, payload_room
from tinygen.errors import BadInput
from tinygen.resources import data_dir

FRAMES = st.builds(
    Frame, st.integers(0, 255), st.integers(0, 65535), st.integers(0, 65535), st.binary(min_size=0, max_size=250)
)


@given(st.lists(st.tuples(FRAMES, st.binary(max_size=40).map(lambda b: b.replace(b"~", b"-")))), st.integers(0, 9))
def test_frames_come_out_of_any_chatter(said: list[tuple[Frame, bytes]], seed: int) -> None:
    """Whatever another program said before a frame, in pieces of any length; an end of line ends the frame."""
    stream = b"".join(chatter + encode(frame) for frame, chatter in said)
    cuts = random.Random(seed)
    decoder, found = Decoder(), []
    while stream:
        size = cuts.randrange(1, 50)
        found += decoder.feed(stream[:size])
        stream = stream[size:]
    assert found == [frame for frame, _ in said]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_garbage_is_no_frame_and_is_kept_short(pieces: list[bytes]) -> None:
    decoder = Decoder()
    for piece in pieces * 30:
        assert not decoder.feed(piece)
    assert len(decoder.chatter) <= 4096
    text = excerpt(bytes(decoder.chatter))
    assert text.isprintable() and len(text) <= 161


@given(FRAMES, st.data())
def test_a_changed_frame_is_none_or_the_same(frame: Frame, data: st.DataObject) -> None:
    text = bytearray(encode(frame)[1:-1])
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    assert decode(bytes(text)) in (None, frame)


@pytest.mark.parametrize("characters", [40, 60, 120, 240])
def test_room_is_what_a_frame_holds(characters: int) -> None:
    room = payload_room(characters)
    assert len(encode(Frame(3, 1, 1, bytes(room)))) <= characters < len(encode(Frame(3, 1, 1, bytes(room + 1))))


def test_newlines_that_a_console_changes() -> None:
    """ESP-IDF's console sends CR LF for LF."""
    frame = Frame(0x84, 1, 2, b"x")
    assert Decoder().feed(encode(frame).replace(b"\n", b"\r\n")) == [frame]


@given(st.binary(max_size=80))
def test_answers_of_any_kind_are_read_or_refused(payload: bytes) -> None:
    for read in (msg.greeting, msg.device_tensor, msg.invoked):
        try:
            read(payload)
        except BadInput as error:
            assert error.line.isprintable()


def test_another_version_is_told() -> None:
    with pytest.raises(BadInput, match="version 9 of the serial protocol"):
        msg.greeting(bytes([9]) + bytes(60))


@pytest.mark.needs_cc
@pytest.mark.parametrize("length", [40, 60, 240])
def test_the_device_side_survives_a_fuzz(tmp_path: Path, length: int) -> None:
    """Random characters and well-formed frames of any content, under ASan and UBSan."""
    firmware = data_dir("firmware")
    source = [str(HERE / "device" / "fuzz_link.c"), str(firmware / "app" / "tg_link.c")]
    includes = [f"-I{firmware / 'app'}", f"-I{firmware / 'runtime'}", f"-DTG_LINK_FRAME={length}"]
    subprocess.run(["cc", *FLAGS, *includes, *source, "-o", str(tmp_path / "fuzz")], check=True, timeout=120)
    ran = answered = 0
    for seed in range(8):
        done = subprocess.run([str(tmp_path / "fuzz"), str(seed)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr[-2000:]
        runs, answers = map(int, done.stdout.split())
        ran, answered = ran + runs, answered + answers
    assert ran > 100 and answered > 5000, "the fuzz reaches the model"
