from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import aleph_cid
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbius_tui.domain import cid
from arbius_tui.domain.errors import BadInput

GUIDE = json.loads((Path(__file__).parents[2] / "assets" / "guide-example.json").read_bytes())
R8 = "r8.im/kasumi-1/"
PROMPT = {"variable": "prompt", "type": "string", "required": True, "default": "", "description": "Input prompt"}


def compact(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def pretty(title: str, description: str, git: str, docker: str, output: dict[str, str]) -> bytes:
    meta = {"title": title, "description": description, "git": git, "docker": docker, "version": 1}
    return json.dumps({"meta": meta, "input": [PROMPT], "output": [output]}, indent=2).encode() + b"\n"


def small_guide() -> dict[str, Any]:
    """The example with prompt, width and height only, and two choices: the first registered Kandinsky 2."""
    rows = [row for row in GUIDE["input"] if row["variable"] in ("prompt", "width", "height")]
    return {**GUIDE, "input": [row | {"choices": [768, 1024]} if "choices" in row else row for row in rows]}


def kandinsky() -> bytes:
    digest = "373fa540ae197fc89f0679ed835bc4524152956d4f3027580244e10b09d6d3a5"
    document = small_guide()
    return compact({**document, "meta": {**document["meta"], "docker": f"{R8}kandinsky-2@sha256:{digest}"}})


def qwen() -> bytes:
    docker = f"{R8}qwen-qwq-32b@sha256:b40d2f7d3ec3278b96cb010a51fa0abd397247613f1e38454adad34b4890eb82"
    return pretty("Qwen QwQ 32B", "", "", docker, {"filename": "out-1.txt", "type": "text"})


def wai() -> bytes:
    docker = f"{R8}cog-wai-v120@sha256:41dc96a3fbc0915d621e94e698ddfb9d8581bea5c97c322ec8c7600fafaa9b24"
    git = "https://github.com/kasumi-1/cog-wai-v120"
    output = {"filename": "out-1.png", "type": "image"}
    return pretty("WAI-NSFW-illustrious-SDXL-v120", "Anime image generation model", git, docker, output)


def counters(size: int) -> bytes:
    """The first `size` bytes of 4-byte big-endian counters."""
    return b"".join(struct.pack(">I", number) for number in range(size // 4 + 1))[:size]


GOLDEN = [
    ("test", b"test\n", 5, "f4ad8a3bd3189da2ad909ee41148d6893d8c629c410f7f2c7e3fae75aade79c8",
     "QmeomffUNfmQy76CQGy9NdmqEnnHU9soCexBnGU3ezPHVH"),
    ("ipfs_a", b"9" * 64 + b"0" * 32, 96, "e844b8764c00d4a76ac03930a3d8f32f3df59aea3ed0ade4c3bc38a3b23a31d9",
     "QmdyL59DkUaj6EMcDD3b4rMchGZFJnasT6C6N2RvpGLYXi"),
    ("ipfs_b", b"9" * 51 + b"888" + b"9" * 10 + b"0" * 32, 96,
     "f782bf27d7dfa16c5556ae0e19d41a73fc380a28455abcedecd70460505f022b",
     "Qmezq3W33amFXpQcScRHABzybHKPeR1M7b9eD8r5jXCLUA"),
    ("guide", compact(GUIDE), 1492, "f737f4d1b0488c718b80f75b327a97819d3e4381ecc1185167479b6b53c8e6a9",
     "Qmeygu6J1yFcJud2w9prrFqEKm9S6HNeQp4etCi15iepHN"),
    ("guide-3-inputs", compact(small_guide()), 768, "34c8a20ca5552610cbbdf11deb69837eaf2f290cc093486c13544786c5b4edeb",
     "QmRthMHuHW3YZAHMj91PF36z14d5NWdERv9UWasHDvTcAN"),
    ("kandinsky2", kandinsky(), 760, "511fdf0e88fa9adba98a7693cca89b5d9f3181da4815b0f0500aa4315b38d17d",
     "QmToKvKqZrbAoWNWgMQHndEmBpEbHsgwGueXbTp1JDjt4t"),
    ("kandinsky2-no-newline", kandinsky()[:-1], 759, "6eb5f424d5e064ac04eef1ea3b64d5af1f5d399175a7199ce1b776923ccad88e",
     None),
    ("qwen", qwen(), 467, "8dc17f4317285392e6811ca31c9efeb3b8511ebac1bd14b935ecf2c1b60c1b09",
     "QmXt1Knj1CEQ7UQrU84R6Z6TV5qqKeiP4LGTZrtnSjxyjE"),
    ("wai", wai(), 554, "9bbb77e66fb13200a8344a8bd04f25d2f40f55611dc99c254d67de2eb3d69acf",
     "QmYpZhbGZo3DkBS3ZBKaTbYgnEE8k5bjbCMtJwdxb1Ya6r"),
    ("largest", b"a" * 65536, 65536, "bccb9dfee879410fd681d3fdb971d48547d13fcd0613366eeaa32c66aa76b042",
     "Qmb3dSHZhaN1Pgy9e9Pv2ACBpziz1gApk1JnUZ4JPKX9uB"),
]  # fmt: skip
"""name, content, its bytes, the engine's digest, the CIDv0: what was recorded on chain and in the Arbius repository."""

PAIRS = [
    ("c32cae42b7d6ed6efd2512fd7dac6530cbd96cbcc19a3d1c336ace8e401f1c3a",  # Anything V3, 1,646 bytes
     "QmbUXj61YLj9DXa29mpKaSVkZbzXufQxAuoy7Gxz2S6AUZ"),
    *((digest, name) for _, _, _, digest, name in GOLDEN if name),
]  # fmt: skip


@pytest.mark.parametrize(("data", "size", "digest", "name"), [g[1:] for g in GOLDEN], ids=[g[0] for g in GOLDEN])
def test_what_was_registered(data: bytes, size: int, digest: str, name: str | None) -> None:
    assert len(data) == size
    assert cid.multihash(data) == "0x1220" + digest
    if name:
        assert cid.cid(data) == name


@pytest.mark.parametrize(("digest", "name"), PAIRS)
def test_the_two_spellings_of_one_hash(digest: str, name: str) -> None:
    assert cid.from_multihash("0x1220" + digest) == name
    assert cid.to_multihash(name) == "0x1220" + digest


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"hello world", "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD"),
        (b"hello\n", "QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN"),
        (counters(0), "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"),
        (counters(1), "QmS9JArPwa55ePgDnyg6TzX24mYTS1b1vLqWNebyVotKxQ"),
        (counters(10), "QmSrXUhgaPp9GtXRVGB1MbJR9vHfLrGUXtwuJAA6zXJwxw"),
        (counters(65536), "Qmc8SEYZMupGXars22yK9zkHoLuCRy8V8CEi7G7rSduMim"),
        (counters(65537), "QmTaHxZo9gHNafXYYyhmMjAiEJHtZJKvutU5wDxS4g7m7A"),
        (counters(262144), "QmRvQEkbnu2aprD6rfbgZYFZ2HSZmd8vFti1VjXJqnXmGj"),
        (counters(262145), "QmXKXqyYA6Hsi9jcHjdtji8uAQAJye7AKXUBzav7r7TaMY"),
    ],
    ids=lambda value: str(len(value)) if isinstance(value, bytes) else value[:6],
)
def test_what_kubo_says(data: bytes, name: str) -> None:
    assert cid.cid(data) == name


def test_the_block_of_the_first_registered_template() -> None:
    block = cid.block(kandinsky())
    assert len(block) == 771
    assert block.startswith(bytes.fromhex("0a8006080212f8057b"))
    assert block.endswith(bytes.fromhex("0a18f805"))
    assert cid.block_cid(block) == cid.cid(kandinsky())


@given(st.binary(max_size=5000))
def test_small_files_against_another_implementation(data: bytes) -> None:
    assert cid.cid(data) == aleph_cid.compute_cid(data)
    assert cid.from_multihash(cid.multihash(data)) == cid.cid(data)
    assert cid.to_multihash(cid.cid(data)) == cid.multihash(data)
    assert cid.block_cid(cid.block(data)) == cid.cid(data)
    assert cid.content(cid.block(data)) == data


@given(st.binary(max_size=300) | st.binary(max_size=40).map(lambda tail: b"\x0a\x06\x08\x02\x12" + tail))
def test_a_block_is_read_only_if_it_is_what_kubo_makes(node: bytes) -> None:
    try:
        data = cid.content(node)
    except BadInput:
        return
    assert cid.block(data) == node


@pytest.mark.parametrize(
    "node",
    [b"", b"\x0a", b"\x0a\x02\x08\x01", b"plain bytes", cid.block(b"x") + b"y", cid.block(b"xy")[:-1],
     cid.block(b"x" * (cid.CHUNK + 1)), b"\x0a\x06\x08\x02\x12\x00\x18\x00", b"\xff" * 5000],
    ids=range(9),
)  # fmt: skip
def test_blocks_that_are_no_whole_file(node: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        cid.content(node)
    assert caught.value.problem.code == "block"


def test_the_largest_file_in_one_block() -> None:
    data = counters(cid.CHUNK)
    assert cid.content(cid.block(data)) == data


@pytest.mark.parametrize("chunks", [1, 2, 173, 174, 175, 348, 349])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_trees_against_another_implementation(chunks: int, more: int) -> None:
    data = bytes(range(256)) * (cid.CHUNK // 256 * chunks) + b"x" * max(more, 0)
    data = data[: chunks * cid.CHUNK + more]
    assert cid.cid(data) == aleph_cid.compute_cid(data)


def test_an_empty_folder_is_the_one_everybody_knows() -> None:
    assert cid.folder_cid({}) == "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"


names = st.text(alphabet="abcz019-._é", min_size=1, max_size=12).filter(lambda name: name not in (".", ".."))


@given(st.dictionaries(names, st.binary(max_size=400), min_size=1, max_size=4))
@settings(max_examples=40)
def test_folders_against_another_implementation(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("out")
    for name, data in files.items():
        (folder / name).write_bytes(data)
    assert cid.folder_cid(files) == aleph_cid.hash_folder(str(folder), cid_version=0)


def test_a_folder_with_a_file_above_one_block(tmp_path: Path) -> None:
    files = {"out-1.mp4": counters(3 * cid.CHUNK + 5), "out-2.png": counters(9)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert cid.folder_cid(files) == aleph_cid.hash_folder(str(tmp_path), cid_version=0)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a\0"])
def test_a_folder_refuses_what_is_no_file_name(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        cid.folder_cid({name: b""})
    assert caught.value.problem.code == "file-name"


@pytest.mark.parametrize(
    "value",
    ["", "0x", "0x1220", "0x1220" + "g" * 64, "0x1220" + "0" * 63, "0x1220" + "0" * 66, "0x1320" + "0" * 64,
     "0x1220 " + "0" * 63, "Qmeygu6J1yFcJud2w9prrFqEKm9S6HNeQp4etCi15iepHN"],
)  # fmt: skip
def test_bad_multihash(value: str) -> None:
    with pytest.raises(BadInput) as caught:
        cid.from_multihash(value)
    assert caught.value.problem.code == "multihash"


@pytest.mark.parametrize(
    "value",
    ["", "Qm", "Qm" + "1" * 44, "Qm" + "z" * 44, "Qm" + "0" * 44, "Qmeygu6J1yFcJud2w9prrFqEKm9S6HNeQp4etCi15iepH",
     "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy", "0x1220" + "0" * 64, "1" * 46, "é" * 46],
)  # fmt: skip
def test_bad_cid(value: str) -> None:
    with pytest.raises(BadInput) as caught:
        cid.to_multihash(value)
    assert caught.value.problem.code == "cid"


@given(st.text(max_size=80))
def test_odd_text_is_refused_in_words(value: str) -> None:
    for read in (cid.to_multihash, cid.from_multihash):
        with pytest.raises(BadInput):
            read(value)


def test_multihashes_may_be_written_in_capitals() -> None:
    value = cid.multihash(b"test\n")
    assert cid.from_multihash(value.upper()) == cid.from_multihash(value[2:]) == cid.cid(b"test\n")


@pytest.mark.parametrize(
    "size", [0, 1, cid.CHUNK - 1, cid.CHUNK, cid.CHUNK + 1, 3 * cid.CHUNK, cid.CHUNK * (cid.LINKS + 1)]
)
def test_a_file_that_comes_in_pieces_has_the_same_cid(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    pieces = (data[start : start + cid.CHUNK] for start in range(0, size, cid.CHUNK))
    assert cid.folder_cid({"out-1.bin": pieces, "b": b"x"}) == cid.folder_cid({"out-1.bin": data, "b": b"x"})
