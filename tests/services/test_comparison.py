"""Two files compared: what differs is named, NEAR needs a proof, nothing untrusted raises, hangs or fills memory."""

from __future__ import annotations

import array
import asyncio
import json
import struct
import subprocess
import sys
import threading
import tracemalloc
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from arbius_tui.domain.comparison import Comparison
from arbius_tui.domain.comparison_words import lines
from arbius_tui.domain.errors import BadInput
from arbius_tui.services import comparison, comparison_pictures
from arbius_tui.services.comparison import compare
from tests import media_files as files

FILES = files.every()
MIMES = ("image/png", "image/gif", "audio/wav", "video/mp4", "text/plain", "application/json", "application/zip")
QUICK = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
NEARLY = "all 768 pixels are equal"


class Pair:
    """Two files in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.one, self.other = folder / "one", folder / "other"

    async def __call__(self, one: bytes, other: bytes, mime: str = "image/png", limit: float = 30) -> Comparison:
        self.one.write_bytes(one)
        self.other.write_bytes(other)
        return await compare(self.one, self.other, mime, limit)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


async def test_equal_files_are_equal_and_nothing_else_is_said(pair: Pair) -> None:
    found = await pair(b"same", b"same", "text/plain")
    assert found.equal
    assert (found.near, found.notes, found.bytes.first, found.bytes.differing) == ("", (), None, 0)
    assert (await pair(b"", b"")).equal


async def test_the_first_difference_and_how_many(pair: Pair) -> None:
    one = bytearray(bytes(range(256)) * 4096)
    other = bytearray(one)
    for at in (700_001, 700_002, 1_000_000):
        other[at] ^= 0x80
    found = await pair(bytes(one), bytes(other) + b"more", "application/octet-stream")
    assert (found.bytes.first, found.bytes.differing, found.bytes.counted) == (700_001, 7, True)
    start = found.bytes.window
    assert start <= 700_001 < start + 24
    assert bytes.fromhex(found.bytes.hex[0]) == one[start : start + 24]
    assert bytes.fromhex(found.bytes.hex[1]) == other[start : start + 24]


async def test_a_file_that_goes_on_differs_from_where_the_other_ends(pair: Pair) -> None:
    found = await pair(b"abc", b"abcdef", "application/octet-stream")
    assert (found.equal, found.bytes.first, found.bytes.differing) == (False, 3, 3)


@pytest.mark.parametrize(
    ("one", "other", "near", "timed"),
    [
        (files.saved(files.picture(), date="10:01:02"), files.saved(files.picture(), date="10:01:03"),
         f"only tEXt Date differs; {NEARLY}", True),
        (files.saved(files.picture(), date="10:01:02"), files.saved(files.picture()),
         f"only tEXt Date differs; {NEARLY}", False),
        (files.saved(files.picture(), compress_level=1), files.saved(files.picture(), compress_level=9),
         f"only IDAT differs; {NEARLY}", False),
        (files.saved(files.picture(), "JPEG", comment=b"1795341662"),
         files.saved(files.picture(), "JPEG", comment=b"1795341663"), f"only COM differs; {NEARLY}", True),
        (files.saved(files.picture("P"), "GIF", comment=b"a"), files.saved(files.picture("P"), "GIF", comment=b"b"),
         f"only comment differs; {NEARLY}", False),
        (files.sound(bytes(100), extra=files.notes(ICRD="2026-11-22")),
         files.sound(bytes(100), extra=files.notes(ICRD="2026-11-23")),
         "only LIST INFO ICRD differs; all 50 samples are equal", True),
        (files.film(3_800_000_000), files.film(3_800_000_001),
         "only moov/mvhd creation_time, moov/mvhd modification_time, moov/trak/tkhd creation_time and 3 more differ; "
         "picture and sound data are equal byte for byte", True),
        (files.packed(b"x", 1_763_800_000), files.packed(b"x", 1_763_800_001),
         "only mtime differs; the contents are equal byte for byte", True),
        (files.webm(app=b"Lavf60"), files.webm(app=b"Lavf61"),
         "only Segment/Info/MuxingApp differs; picture and sound data are equal byte for byte", False),
    ],
)  # fmt: skip
async def test_near_names_what_alone_differs(pair: Pair, one: bytes, other: bytes, near: str, timed: bool) -> None:
    found = await pair(one, other)
    assert (found.near, found.looks_like_time, found.equal) == (near, timed, False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (files.film(1), files.film(2, samples=b"\1\2\3\5" * 50)),
        (files.film(1), files.film(2, offset=40)),
        (files.film(1)[:-3], files.film(2)[:-3]),
        (files.sound(bytes(100)), files.sound(bytes(98) + b"\0\1", extra=files.notes(ICRD="2026"))),
        (files.packed(b"x", 1), files.packed(b"y", 2)),
        (files.archive(2), files.archive(4, body=b"dato")),
        (files.saved(files.picture(), date="a")[:-20], files.saved(files.picture(), date="b")[:-20]),
        (files.webm(frames=b"frames"), files.webm(b"\1" * 16, frames=b"Frames")),
        (files.mp3("one"), files.mp3("two", b"\xff\xfb" + b"\1" * 300)),
    ],
)
async def test_contents_that_differ_or_are_damaged_are_never_near(pair: Pair, one: bytes, other: bytes) -> None:
    assert (await pair(one, other)).near == ""


@pytest.mark.parametrize(
    ("mode", "format"),
    [("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGB", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"),
     ("RGB", "BMP"), ("CMYK", "TIFF"), ("RGBA", "WEBP"), ("P", "GIF")],
)  # fmt: skip
async def test_one_pixel_of_every_kind_is_found(pair: Pair, mode: str, format: str) -> None:
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    one, other = (files.saved(files.picture(mode, dot=dot), format, **options) for dot in (None, (30, 1)))
    found = await pair(one, other, f"image/{format.lower()}")
    assert found.pixels is not None
    assert (found.pixels.differing, found.pixels.total, found.near) == (1, 768, "")
    assert found.pixels.largest >= 1
    assert [(x, y) for y, row in enumerate(found.pixels.grid) for x, cell in enumerate(row) if cell] == [(23, 0)]


async def test_how_much_pixels_differ_is_measured_for_each_channel(pair: Pair) -> None:
    one, other = Image.new("RGB", (100, 50), (10, 20, 30)), Image.new("RGB", (100, 50), (10, 20, 30))
    other.paste((12, 20, 25), (0, 0, 50, 50))
    found = (await pair(files.saved(one), files.saved(other))).pixels
    assert found is not None
    assert [(c.name, c.largest, c.mean) for c in found.channels] == [("R", 2, 1.0), ("G", 0, 0.0), ("B", 5, 2.5)]
    assert (found.differing, found.scale, found.mode, found.frames) == (2500, 255, "RGB", 1)
    assert found.grid == (((5,) * 12 + (0,) * 12),) * 12


async def test_a_difference_of_alpha_alone_is_a_difference(pair: Pair) -> None:
    one, other = Image.new("RGBA", (9, 9), (1, 2, 3, 255)), Image.new("RGBA", (9, 9), (1, 2, 3, 254))
    found = (await pair(files.saved(one), files.saved(other))).pixels
    assert found is not None
    assert found.differing == 81


async def test_sixteen_bits_of_grey_are_compared_whole(pair: Pair) -> None:
    one, other = Image.new("I;16", (4, 4), 1000), Image.new("I;16", (4, 4), 1000)
    other.putpixel((1, 1), 65_535)
    found = (await pair(files.saved(one), files.saved(other))).pixels
    assert found is not None
    assert (found.differing, found.largest, found.scale, found.exact) == (1, 64_535, 65_535, True)
    assert found.channels[0].mean == pytest.approx(64_535 / 16)


async def test_sixteen_bits_of_colour_are_equal_only_when_all_of_them_are(pair: Pair) -> None:
    rows = b"".join(b"\0" + struct.pack(">12H", *range(y, y + 12)) for y in range(4))
    low = rows[:-1] + bytes([rows[-1] ^ 1])
    made = [files.png(data, (4, 4), depth=16, level=level) for data, level in ((rows, 1), (rows, 9), (low, 9))]
    again, other = await pair(made[0], made[1]), await pair(made[0], made[2])
    assert again.near == "only IDAT differs; all 16 pixels are equal"
    assert other.near == ""
    assert "upper 8" in other.notes[0]
    assert "58 of 102 bytes differ" in lines(other)


async def test_another_palette_with_the_same_colours_is_near_and_other_colours_are_not(pair: Pair) -> None:
    one, other, third = (Image.new("P", (8, 8), index) for index in (0, 1, 0))
    for image, palette in ((one, [9, 9, 9, 0, 0, 0]), (other, [0, 0, 0, 9, 9, 9]), (third, [9, 9, 8, 0, 0, 0])):
        image.putpalette(palette)
    assert (
        await pair(files.saved(one), files.saved(other))
    ).near == "only PLTE and IDAT differ; all 64 pixels are equal"
    assert (await pair(files.saved(one), files.saved(third))).near == ""


async def test_every_frame_and_its_time_are_compared(pair: Pair) -> None:
    def film(last: Image.Image, duration: int = 100, more: int = 0, note: bytes = b"") -> bytes:
        frames = [files.picture("L", dot=(1, 1)), *[last] * (more + 1)]
        first = files.picture("L")
        return files.saved(
            first, "GIF", save_all=True, append_images=frames, duration=duration, comment=note, optimize=False
        )

    one = film(files.picture("L", dot=(9, 9)))
    other = await pair(one, film(files.picture("L", dot=(20, 20))), "image/gif")
    slower = await pair(one, film(files.picture("L", dot=(9, 9)), 200), "image/gif")
    longer = await pair(one, film(files.picture("L", dot=(9, 9)), more=1, duration=100), "image/gif")
    noted = await pair(one, film(files.picture("L", dot=(9, 9)), note=b"hello"), "image/gif")
    assert other.pixels is not None
    assert (other.pixels.frames, other.pixels.differing, other.near) == (3, 2, "")
    assert slower.near == longer.near == ""
    assert noted.near == "only comment differs; all 2,304 pixels are equal in 3 frames"


async def test_pictures_of_other_sizes_are_told_apart(pair: Pair) -> None:
    found = await pair(files.saved(files.picture(size=(8, 8))), files.saved(files.picture(size=(8, 9))))
    assert found.notes == ("the pixels were not compared: one picture has 8 x 8 pixels, the other 8 x 9",)
    assert (found.pixels, found.near) == (None, "")


@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
async def test_a_decompression_bomb_is_a_sentence(pair: Pair, side: int) -> None:
    bombs = [files.png(b"\0", (side, side), files.chunk(b"tEXt", b"A\0" + note)) for note in (b"1", b"2")]
    found = await pair(*bombs)
    assert "pixels" in found.notes[0]
    assert found.pixels is None
    assert found.near == "only tEXt A differs; the picture data is equal byte for byte"


async def test_a_picture_that_is_cut_off_is_a_sentence(pair: Pair) -> None:
    data = files.saved(files.picture("RGB", (300, 300)), date="10:01:02")
    found = await pair(data, data[:-900])
    assert found.pixels is None
    assert found.near == ""
    assert any("cut off" in note for note in found.notes)
    assert any("cannot be decoded" in note for note in found.notes)


def samples(kind: str, values: list[float], width: int) -> bytes:
    if width == 3:
        return b"".join(int(value).to_bytes(3, "little", signed=True) for value in values)
    return array.array(kind, values if kind == "f" else [int(v) for v in values]).tobytes()


@pytest.mark.parametrize(
    ("kind", "width", "scale"), [("B", 1, 255), ("h", 2, 65_535), ("", 3, 2**24 - 1), ("i", 4, 2**32 - 1)]
)
async def test_samples_of_every_width_are_compared(pair: Pair, kind: str, width: int, scale: int) -> None:
    one = [float(value % 100) for value in range(50_000)]
    other = [*one[:40_000], one[40_000] + 7, *one[40_001:-1], one[-1] + 3]
    found = await pair(
        files.sound(samples(kind, one, width), width), files.sound(samples(kind, other, width), width), "audio/wav"
    )
    assert found.samples is not None
    assert (found.samples.total, found.samples.differing, found.samples.largest) == (50_000, 2, 7.0)
    assert (found.samples.scale, found.near) == (scale, "")


async def test_samples_with_a_point_and_a_longer_sound(pair: Pair) -> None:
    def floats(*values: float) -> bytes:
        whole = bytearray(files.sound(array.array("f", values).tobytes(), 4))
        whole[20:22] = b"\3\0"
        return bytes(whole)

    found = (await pair(floats(0.5, 0.25, float("nan")), floats(0.5, 0.75, 0.0, 1.0), "audio/wav")).samples
    assert found is not None
    assert (found.total, found.differing, found.largest, found.scale, found.extra) == (3, 2, 0.5, 1.0, 1)


async def test_text_is_compared_by_lines_and_json_by_values(pair: Pair) -> None:
    text = await pair(b"x 0 1795341662", b"x 0 1795341663", "text/plain; charset=utf-8")
    assert text.text is not None
    assert text.text.lines[-2:] == ("-x 0 1795341662", "+x 0 1795341663")
    assert (text.near, text.looks_like_time) == ("", True)
    values = await pair(b'{"a": 1, "t": "10:01:02"}', b'{"t": "10:01:03", "a": 1}', "application/json")
    assert values.values is not None
    assert [str(path) for path in values.values.paths] == ['/t: "10:01:02" -> "10:01:03"']
    assert (values.near, values.looks_like_time) == ("", True)


async def test_spaces_alone_are_near(pair: Pair) -> None:
    text = await pair(b"a cat\r\n", b"a  cat\n", "text/plain")
    assert text.near == "only spaces and line ends differ; all words are equal"
    values = await pair(b'{"a":1,"b":[]}', b'{"b": [], "a": 1}', "application/json")
    assert values.near == "only spaces and the order of keys differ; all 2 values are equal"


@pytest.mark.parametrize("mime", ["text/plain", "application/json"])
async def test_bytes_that_are_no_text_are_never_near(pair: Pair, mime: str) -> None:
    assert (await pair(b"a\xff", b"a\xfe", mime)).near == ""
    assert (await pair(b"ID3\4\0\0\0\0\0\2ab", b"ID3\4\0\0\0\0\0\2cd", mime)).near == ""


async def test_of_a_long_text_only_what_is_around_the_first_difference_is_compared(pair: Pair) -> None:
    body = b"".join(b"line %d\n" % number for number in range(300_000))
    found = await pair(body, body.replace(b"line 250000\n", b"line  250000\n"), "text/plain")
    assert found.text is not None
    assert "-line 250000" in found.text.lines
    assert "compared from byte" in found.notes[0]
    assert found.near == ""


async def test_a_missing_file_is_a_problem_of_the_author(tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"x")
    with pytest.raises(BadInput) as caught:
        await compare(tmp_path / "here", tmp_path / "gone", "text/plain")
    assert caught.value.problem.code == "cannot-read"
    assert "gone" in caught.value.problem.what
    with pytest.raises(BadInput):
        await compare(tmp_path, tmp_path, "text/plain")


async def test_when_the_time_is_up_nothing_is_claimed(pair: Pair) -> None:
    for one, other in ((b"same", b"same"), (files.film(1), files.film(2))):
        found = await pair(one, other, limit=0)
        assert (found.equal, found.near, found.bytes.counted) == (False, "", False)
        assert "stopped after 0 s" in found.notes[0]
        assert lines(found)


async def test_a_decoder_that_hangs_is_left_behind(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr(comparison, "GRACE", 0.05)
    monkeypatch.setattr(comparison_pictures, "frames", lambda *_: free.wait(60))
    try:
        found = await pair(FILES["PNG"], files.saved(files.picture()), limit=0.05)
    finally:
        free.set()
    assert found.near == ""
    assert "stopped after" in found.notes[-1]
    assert found.bytes.first is not None


async def test_a_cancel_ends_the_thread(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def endless(a: comparison.Data, b: comparison.Data, work: comparison.Work) -> None:
        begun.set()
        try:
            while True:
                work.clock.check()
        finally:
            ended.set()

    monkeypatch.setattr(comparison, "compare_bytes", endless)
    task = asyncio.create_task(pair(b"one", b"two"))
    assert await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 30)


def test_files_of_hundreds_of_megabytes_need_a_few(tmp_path: Path) -> None:
    paths = [tmp_path / "one", tmp_path / "other"]
    for path, last in zip(paths, (b"a", b"b"), strict=True):
        with path.open("wb") as file:
            file.write(files.box(b"ftyp", b"isom") + struct.pack(">I", 300_000_001) + b"mdat")
            file.seek(300_000_012)
            file.write(last)
    asyncio.run(compare(paths[0], paths[0], "video/mp4"))
    tracemalloc.start()
    try:
        found = asyncio.run(compare(*paths, "video/mp4"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.bytes.first, found.bytes.differing) == (300_000_012, 1)
    assert [part.name for part in found.parts] == ["mdat"]
    assert peak < 16 * 1024 * 1024


@QUICK
@given(one=st.binary(max_size=200), other=st.binary(max_size=200), mime=st.sampled_from(MIMES))
def test_any_two_files_are_compared(tmp_path: Path, one: bytes, other: bytes, mime: str) -> None:
    found = asyncio.run(Pair(tmp_path)(one, other, mime))
    assert found.equal == (one == other)
    assert all(len(line) <= 46 and line.isprintable() for line in lines(found))
    json.dumps([found.notes, found.near])


@pytest.mark.parametrize("format", FILES)
@QUICK
@given(cut=st.floats(0, 1), at=st.floats(0, 1), change=st.integers(0, 255))
@example(cut=0.625, at=0.0, change=1)  # within EXIF, with another signature
def test_damaged_files_are_compared(tmp_path: Path, format: str, cut: float, at: float, change: int) -> None:
    whole = FILES[format]
    data = bytearray(whole[: int(cut * len(whole))] if change % 2 else whole)
    if data:
        data[min(int(at * len(data)), len(data) - 1)] ^= change
    mime = "image/png" if format in ("PNG", "JPEG", "GIF", "WebP") else "application/octet-stream"
    found = asyncio.run(Pair(tmp_path)(whole, bytes(data), mime))
    assert found.equal == (whole == bytes(data))
    assert not (found.near and found.pixels and found.pixels.differing)
    assert not (found.near and len(data) < len(whole) and change % 2 and format in ("PNG", "MP4", "WebP"))
    assert all(len(line) <= 46 for line in lines(found))


@QUICK
@given(
    mode=st.sampled_from(["L", "LA", "RGB", "RGBA"]),
    raw=st.binary(min_size=4 * 30, max_size=4 * 30),
    change=st.integers(0, 4 * 30 - 1),
    by=st.integers(0, 255),
    levels=st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_near_exactly_when_no_pixel_differs(
    tmp_path: Path, mode: str, raw: bytes, change: int, by: int, levels: tuple[int, int]
) -> None:
    length = 30 * len(Image.new(mode, (1, 1)).getbands())
    other = bytearray(raw[:length])
    other[change % length] ^= by
    pictures = [Image.frombytes(mode, (6, 5), bytes(data)) for data in (raw[:length], other)]
    made = [files.saved(p, date=d, compress_level=z) for p, d, z in zip(pictures, "ab", levels, strict=True)]
    found = asyncio.run(Pair(tmp_path)(made[0], made[1]))
    assert bool(found.near) == (by == 0)
    assert found.pixels is not None
    assert found.pixels.differing == (1 if by else 0)
    assert found.pixels.largest == abs(raw[change % length] - other[change % length])


def test_a_stream_that_unpacks_in_other_pieces_is_the_same(tmp_path: Path) -> None:
    rows = bytes(50) * 20_000
    packed = [zlib.compress(rows, level) for level in (0, 9)]
    pngs = []
    for data, step in zip(packed, (7_000, 100), strict=True):
        chunks = b"".join(files.chunk(b"IDAT", data[at : at + step]) for at in range(0, len(data), step))
        header = files.chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 20_000, 16, 2, 0, 0, 0))
        pngs.append(b"\x89PNG\r\n\x1a\n" + header + chunks + files.chunk(b"IEND", b""))
    layouts = [comparison.read_parts(png) for png in pngs]
    assert comparison_pictures.same_stream(pngs[0], layouts[0], pngs[1], layouts[1])
    assert not comparison_pictures.same_stream(pngs[0], layouts[0], pngs[1][:-40], comparison.read_parts(pngs[1][:-40]))


def test_pillow_waits_until_there_is_a_picture() -> None:
    code = "import sys, arbius_tui.services.comparison, arbius_tui.domain.comparison_words; print('PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "packbits", "jpeg"])
async def test_a_damaged_tiff_writes_nothing_on_the_terminal(
    pair: Pair, compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = files.saved(files.picture(), "TIFF", compression=compression)
    for at in range(8, len(whole), 37):
        found = await pair(whole, whole[:at] + bytes(9) + whole[at + 9 :], "image/tiff")
        assert found.near == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mode", ["RGB", "I;16"])
async def test_strips_of_any_size_give_the_same_counts(pair: Pair, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = files.picture(mode, (50, 70)), files.picture(mode, (50, 70), dot=(49, 69))
    other.paste(one.crop((0, 20, 50, 40)).resize((50, 30)), (0, 20))
    other.putpixel((3, 33), 9 if mode == "I;16" else (250, 0, 9))
    made = files.saved(one), files.saved(other)
    whole = (await pair(*made)).pixels
    monkeypatch.setattr(comparison_pictures, "STRIP", 60)
    assert whole is not None
    assert whole.differing
    assert (await pair(*made)).pixels == whole
