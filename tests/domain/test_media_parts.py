"""The parts of a file: named, without a gap, and never an exception whatever the bytes are."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from arbius_tui.domain.media_parts import Difference, Layout, differences, listed, read_parts
from arbius_tui.domain.media_walk import MOST_PARTS
from tests import media_files as files

FILES = files.every()


def told(one: bytes, other: bytes) -> list[str]:
    return [f"{d.kind} {d}" for d in differ(one, other)]


def differ(one: bytes, other: bytes) -> tuple[Difference, ...]:
    return differences(one, read_parts(one), other, read_parts(other))


def values(layout: Layout) -> dict[str, str]:
    return {part.name: part.text for part in layout.parts if part.text}


def whole(layout: Layout, size: int) -> bool:
    """Whether the parts follow one another from the first byte to the last."""
    ends = [0, *(part.end for part in layout.parts)]
    return [part.offset for part in layout.parts] == ends[:-1] and ends[-1] == size


@pytest.mark.parametrize("format", FILES)
def test_every_byte_of_a_whole_file_belongs_to_a_part(format: str) -> None:
    layout = read_parts(FILES[format])
    assert (layout.format, layout.damage) == (format, "")
    assert whole(layout, len(FILES[format]))
    assert {part.kind for part in layout.parts} >= {"payload", "frame" if format == "safetensors" else "metadata"}
    assert not differ(FILES[format], FILES[format])


@pytest.mark.parametrize("format", sorted(set(FILES) - {"MP3", "FLAC", "gzip", "safetensors"}))
def test_a_file_that_is_cut_off_says_so(format: str) -> None:
    assert read_parts(FILES[format][:-3]).damage


@pytest.mark.parametrize("format", FILES)
@settings(deadline=None, max_examples=60)
@given(cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=4))
def test_damage_never_raises_and_leaves_no_gap(format: str, cut: float, flips: list[tuple[float, int]]) -> None:
    data = bytearray(FILES[format][: int(len(FILES[format]) * cut)])
    for where, change in flips:
        if data:
            data[min(int(where * len(data)), len(data) - 1)] ^= change
    assert whole(read_parts(bytes(data)), len(data))
    assert differ(bytes(data), FILES[format]) or bytes(data) == FILES[format]


@settings(deadline=None)
@given(magic=st.sampled_from([data[:20] for data in FILES.values()]), length=st.integers(0, 20), rest=st.binary())
def test_odd_bytes_never_raise(magic: bytes, length: int, rest: bytes) -> None:
    data = magic[:length] + rest
    assert whole(read_parts(data), len(data))


def test_a_file_of_very_many_parts_costs_no_more_than_a_large_one() -> None:
    data = b"\x89PNG\r\n\x1a\n" + b"".join(files.chunk(b"aa%c%c" % (65 + i % 2, 97), b"") for i in range(100_000))
    layout = read_parts(data)
    assert len(layout.parts) == MOST_PARTS + 1
    assert whole(layout, len(data))


@pytest.mark.parametrize("level", [b"\x1a\x45\xdf\xa3\x81\0" + b"\x18\x53\x80\x67\xff" * 5000, None])
def test_nesting_without_end_is_read_to_a_depth(level: bytes | None) -> None:
    data = level or files.box(b"ftyp", b"isom")
    for _ in range(0 if level else 500):
        data = files.box(b"moov", data)
    layout = read_parts(data if level else files.box(b"ftyp", b"isom") + data)
    assert whole(layout, len(data) if level else len(data) + 12)


def test_png_texts_and_times_are_read() -> None:
    extra = (
        files.chunk(b"tEXt", b"Date\x0010:01:02"),
        files.chunk(b"zTXt", b"Long\0\0" + files.zlib.compress(b"packed \x1b[31m words")),
        files.chunk(b"iTXt", b"Title\0\0\0en\0Titre\0" + "héllo".encode()),
        files.chunk(b"tIME", b"\x07\xea\x0b\x16\x0a\x01\x02"),
    )
    found = values(read_parts(files.png(bytes(7), (2, 1), *extra)))
    assert found == {
        "tEXt Date": "10:01:02", "zTXt Long": "packed words", "iTXt Title": "héllo", "tIME": "2026-11-22 10:01:02",
    }  # fmt: skip


def test_a_compressed_text_that_unpacks_to_gigabytes_is_read_to_a_limit() -> None:
    bomb = files.chunk(b"zTXt", b"Bomb\0\0" + files.zlib.compress(b"a" * 20_000_000))
    assert len(values(read_parts(files.png(bytes(7), (2, 1), bomb)))["zTXt Bomb"]) <= 16 * 1024


def test_parts_that_differ_are_named_with_both_values() -> None:
    one, other = (files.saved(files.picture(), date=date) for date in ("10:01:02", "10:01:03"))
    assert told(one, other) == ["metadata tEXt Date: 10:01:02 -> 10:01:03"]
    assert told(one, files.saved(files.picture())) == ["metadata tEXt Date: 10:01:02 -> not there"]
    assert told(one, files.saved(files.picture(dot=(5, 5)), date="10:01:02"))[0].startswith("payload IDAT: ")


def test_exif_is_compared_tag_by_tag() -> None:
    pair = []
    for second in ("02", "03"):
        exif = Image.Exif()
        exif[0x0131], exif[0x0132] = "by hand", f"2026:11:22 10:01:{second}"
        pair.append(files.saved(files.picture(), "JPEG", exif=exif))
    assert told(*pair) == ["metadata APP1 EXIF DateTime: 2026:11:22 10:01:02 -> 2026:11:22 10:01:03"]


def test_mp4_times_are_metadata_and_sample_tables_are_payload() -> None:
    one = files.film(3_800_000_000)
    assert told(one, files.film(3_800_000_001))[:2] == [
        f"metadata moov/mvhd {name}: 2024-05-31 11:33:20 -> 2024-05-31 11:33:21"
        for name in ("creation_time", "modification_time")
    ]
    assert len(differ(one, files.film(3_800_000_001))) == 6
    assert told(one, files.film(3_800_000_000, tool="Lavf61.7.100")) == [
        "metadata moov/udta/meta/ilst/©too/data: Lavf60.1 -> Lavf61.7.100"
    ]
    assert told(one, files.film(3_800_000_000, offset=40)) == [
        "payload moov/trak/mdia/minf/stbl/stco: 20 B -> other bytes"
    ]
    assert [d.name for d in differ(one, files.film(3_800_000_000, samples=b"\1\2\3\5" * 50))] == ["mdat"]


def test_wav_notes_are_metadata_and_samples_are_payload() -> None:
    one = files.sound(bytes(100), extra=files.notes(ISFT="Lavf", ICRD="2026-11-22"))
    assert told(one, files.sound(bytes(100), extra=files.notes(ISFT="Lavf", ICRD="2026-11-23"))) == [
        "metadata LIST INFO ICRD: 2026-11-22 -> 2026-11-23"
    ]
    assert told(one, files.sound(bytes(99) + b"\1", extra=files.notes(ISFT="Lavf", ICRD="2026-11-22"))) == [
        "payload data: 108 B -> other bytes"
    ]


def test_matroska_ids_and_dates_are_metadata_and_clusters_are_payload() -> None:
    one = files.webm(date=10**18)
    assert [d.kind for d in differ(one, files.webm(bytes(15) + b"\1", b"Lavf61", date=2 * 10**18))] == ["metadata"] * 3
    assert told(one, files.webm(date=10**18 + 10**9)) == [
        "metadata Segment/Info/DateUTC: 2032-09-09 01:46:40 -> 2032-09-09 01:46:41"
    ]
    assert told(one, files.webm(frames=b"Frames", date=10**18)) == ["payload Segment/Cluster: 18 B -> other bytes"]


def test_archives_carry_times_beside_their_contents() -> None:
    assert told(files.packed(b"x", 1), files.packed(b"x", 2)) == [
        "metadata mtime: 1970-01-01 00:00:01 -> 1970-01-01 00:00:02"
    ]
    assert [d.kind for d in differ(files.packed(b"x"), files.packed(b"y"))] == ["payload"]
    assert told(files.archive(2), files.archive(4)) == [
        "metadata x.npy modified: 2026-11-22 10:01:02 -> 2026-11-22 10:01:04",
        "metadata x.npy modified (directory): 2026-11-22 10:01:02 -> 2026-11-22 10:01:04",
    ]
    assert "payload" in {d.kind for d in differ(files.archive(body=b"data"), files.archive(body=b"dato"))}
    assert told(files.tensors("10:01:02"), files.tensors("10:01:03")) == ["payload header date: 10:01:02 -> 10:01:03"]


def test_tags_of_sounds_are_metadata() -> None:
    assert told(files.flac("DATE=2026"), files.flac("DATE=2027")) == ["metadata VORBIS_COMMENT DATE: 2026 -> 2027"]
    assert [d.kind for d in differ(files.flac(), files.flac(frames=b"\xff\xf8other"))] == ["payload"]
    assert [d.kind for d in differ(files.mp3("one"), files.mp3("two"))] == ["metadata"]
    assert [d.kind for d in differ(files.mp3(), files.mp3(frames=b"\xff\xfb" + b"\1" * 300))] == ["payload"]


def test_parts_in_another_order_and_broken_checksums_are_a_difference_of_the_payload() -> None:
    notes = files.chunk(b"tEXt", b"A\x001"), files.chunk(b"tEXt", b"B\x002")
    one, other = (files.png(bytes(7), (2, 1), *order) for order in (notes, notes[::-1]))
    assert [d.kind for d in differ(one, other)] == ["payload"]
    broken = one[:30] + bytes([one[30] ^ 1]) + one[31:]
    assert [(d.name, d.kind) for d in differ(one, broken)] == [("IHDR", "payload")]


def test_names_out_of_a_file_are_harmless() -> None:
    noise = random.Random(1)
    for _ in range(200):
        name = bytes([noise.randrange(256), noise.randrange(256), 27, 155])
        layout = read_parts(files.png(bytes(7), (2, 1), files.chunk(name, b"")))
        assert all(part.name.isprintable() for part in layout.parts)


def test_names_are_listed_once_and_counted_beyond_a_few() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "a"]) == "a and b"
    assert listed("abcdefg") == "a, b, c and 4 more"
