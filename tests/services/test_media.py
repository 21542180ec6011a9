"""What a file says of itself: sizes and lengths of real files, and nothing for what is broken."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from arbius_tui.services.media import Media, measured


def box(name: bytes, body: bytes, *, long: bool = False) -> bytes:
    if long:
        return struct.pack(">I4sQ", 1, name, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, name) + body


def mvhd(version: int) -> bytes:
    """Two and a half seconds at 600 units a second."""
    if version:
        return box(b"mvhd", struct.pack(">B3xQQIQ", 1, 0, 0, 600, 1500) + bytes(80))
    return box(b"mvhd", struct.pack(">B3xIIII", 0, 0, 0, 600, 1500) + bytes(80))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_the_size_of_a_picture(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    Image.new("RGB", (37, 21), (200, 30, 30)).save(path, kind)
    assert measured(path, f"image/{kind.lower()}") == Media(37, 21)


def test_the_length_of_a_wave_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * 12000))
    assert measured(path, "audio/wav").seconds == 1.5


def test_the_length_of_a_flac_file(tmp_path: Path) -> None:
    # STREAMINFO of RFC 9639: block sizes, frame sizes, then 20 bits of rate, 3, 5, and 36 bits of samples.
    packed = 44100 << 44 | 1 << 41 | 15 << 36 | 88200
    path = tmp_path / "a.flac"
    path.write_bytes(b"fLaC\x80\x00\x00\x22" + bytes(10) + packed.to_bytes(8, "big") + bytes(16))
    assert measured(path, "audio/flac").seconds == 2.0


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("long", [False, True])
def test_the_length_of_an_mp4(version: int, long: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    movie = box(b"moov", box(b"free", b"") + mvhd(version))
    path.write_bytes(box(b"ftyp", b"isom") + box(b"mdat", bytes(1000), long=long) + movie)
    assert measured(path, "video/mp4").seconds == 2.5


def test_the_head_of_a_text_is_clean_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"a\x1b[31mred\x1b[0m" + "é".encode() * 4000)
    assert measured(path, "text/plain").text.startswith("aredé")
    assert "\ufffd" not in measured(path, "text/plain").text
    path.write_text('{"a": 1}')
    assert measured(path, "application/json").text == '{"a": 1}'


@given(data=st.binary(max_size=300))
def test_broken_files_have_no_size(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("media") / "x"
    path.write_bytes(data)
    for mime in ("image/png", "audio/wav", "audio/flac", "video/mp4", "model/gltf-binary"):
        assert measured(path, mime) == Media()


def test_a_picture_that_is_cut_still_has_its_size_and_one_of_a_rare_format_none(tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(whole, "PNG")
    path = tmp_path / "x"
    path.write_bytes(whole.getvalue()[:200])
    assert measured(path, "image/png") == Media(64, 64)
    Image.new("RGB", (4, 4)).save(path, "PCX")
    assert measured(path, "image/x-pcx") == Media()


def test_a_file_that_is_gone_has_no_size(tmp_path: Path) -> None:
    assert measured(tmp_path / "none", "image/png") == Media()
