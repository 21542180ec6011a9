"""Every template that is recorded anywhere, as bytes or as a description: read and written, it keeps its CID.

The rows are those of the survey of the Arbius repository's history (all blobs, pull requests included) and of what is
registered. Not here are:

- anythingv3 (849933f7.., 1,854 B), zeroscopev2xl (91335768..), robust_video_matting (a13be2ed..): only size and the
  beginning of the digest are recorded. Of another Anything V3 (ipfs_c, c32cae42..) test_cid has the digest.
- damo (44aef3b7..), qwen_sepolia (4b352d8f..), stable_video_diffusion (cde4146a..): somebody else's texts. Each was
  read once from where it is public, and compared: it keeps its bytes, and its CID is the recorded one.
- the website's own four copies, which prettier laid out anew: no digest of them is recorded.
"""

from __future__ import annotations

import pytest

from arbius_tui.domain.lint import lint
from arbius_tui.domain.spelling import rewrite
from arbius_tui.domain.template import Template
from tests.domain.test_cid import GUIDE, compact, kandinsky, qwen, small_guide, wai

RECORDED = [
    ("kandinsky2 at HEAD", kandinsky(), 760, "511fdf0e88fa9adba98a7693cca89b5d9f3181da4815b0f0500aa4315b38d17d", True),
    ("kandinsky2 of 2024", compact(small_guide()), 768,
     "34c8a20ca5552610cbbdf11deb69837eaf2f290cc093486c13544786c5b4edeb", True),
    ("kandinsky2 of 2023, the guide's example", compact(GUIDE), 1492,
     "f737f4d1b0488c718b80f75b327a97819d3e4381ecc1185167479b6b53c8e6a9", True),
    ("kandinsky2 without its final newline", kandinsky()[:-1], 759,
     "6eb5f424d5e064ac04eef1ea3b64d5af1f5d399175a7199ce1b776923ccad88e", False),
    ("qwen_qwq_32b", qwen(), 467, "8dc17f4317285392e6811ca31c9efeb3b8511ebac1bd14b935ecf2c1b60c1b09", False),
    ("wai_v120", wai(), 554, "9bbb77e66fb13200a8344a8bd04f25d2f40f55611dc99c254d67de2eb3d69acf", False),
]  # fmt: skip
"""name, bytes, their number, the digest that is recorded, and whether it is in our canonical form."""


@pytest.mark.parametrize(("data", "size", "digest", "ours"), [r[1:] for r in RECORDED], ids=[r[0] for r in RECORDED])
def test_a_recorded_template_keeps_its_bytes_and_its_cid(data: bytes, size: int, digest: str, ours: bool) -> None:
    found = Template.parse(data)
    assert (found.size, found.multihash) == (size, "0x1220" + digest)
    lint(found)
    assert Template.parse(found.data).data == data
    assert rewrite(data, ()) == data
    title = found.document["meta"]["title"]
    assert rewrite(data, [("replace", "/meta/title", title)]) == data, "an edit to what is there changes no byte"
    there = rewrite(data, [("replace", "/meta/title", "x")])
    assert rewrite(there, [("replace", "/meta/title", title)]) == data, "and undone, none either"
    assert (found.canonical() == data) is ours
    assert Template.parse(found.canonical()).document == found.document
