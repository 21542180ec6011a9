"""A remote of git as a link that others can open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbius_tui.domain.permalink import permalink, web

COMMIT = "aa5ee2f68a1785b0833d32c27dff097b9b5e8f47"


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://github.com/me/model.git", "https://github.com/me/model"),
        ("https://github.com/me/model/", "https://github.com/me/model"),
        ("http://github.com/me/model", "https://github.com/me/model"),
        ("git@github.com:me/model.git", "https://github.com/me/model"),
        ("github.com:me/model", "https://github.com/me/model"),
        ("ssh://git@github.com/me/model.git", "https://github.com/me/model"),
        ("ssh://git@github.com:22/me/model.git", "https://github.com/me/model"),
        ("ssh://git@ssh.github.com:443/me/model.git", "https://github.com/me/model"),
        ("git://github.com/me/model.git", "https://github.com/me/model"),
        ("git+ssh://git@gitlab.com/group/sub/model.git", "https://gitlab.com/group/sub/model"),
        ("https://me:ghp_secret@github.com/me/model.git", "https://github.com/me/model"),
        ("https://GitHub.com/me/model", "https://github.com/me/model"),
        ("https://git.example.org:8443/me/model.git", "https://git.example.org:8443/me/model"),
        ("https://github.com/me/a model.git", "https://github.com/me/a%20model"),
        ("/srv/git/model.git", ""),
        ("../model", ""),
        ("file:///srv/git/model.git", ""),
        ("work:me/model.git", ""),
        ("https://github.com/", ""),
        ("https://[broken/me/model", ""),
        ("https://github.com:port/me/model", ""),
        ("https://git hub.com/me/model", ""),
        ("https://github.com/../me", ""),
        ("", ""),
    ],
)
def test_remotes(remote: str, page: str) -> None:
    assert web(remote) == page
    assert "secret" not in web(remote)


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("https://github.com/me/model", f"https://github.com/me/model/tree/{COMMIT}/models/one"),
        ("https://gitlab.com/me/model", f"https://gitlab.com/me/model/-/tree/{COMMIT}/models/one"),
        ("https://bitbucket.org/me/model", f"https://bitbucket.org/me/model/src/{COMMIT}/models/one"),
        ("https://codeberg.org/me/model", f"https://codeberg.org/me/model/src/commit/{COMMIT}/models/one"),
        ("https://huggingface.co/me/model", f"https://huggingface.co/me/model/tree/{COMMIT}/models/one"),
    ],
)
def test_links(page: str, link: str) -> None:
    assert permalink(page, COMMIT, "models/one/") == link
    assert permalink("https://github.com/me/model", COMMIT) == f"https://github.com/me/model/tree/{COMMIT}"


@given(st.text(max_size=40) | st.from_regex(r"(https|ssh|git)://[a-z@:.\[\]%/]{0,20}", fullmatch=True))
def test_no_remote_raises(remote: str) -> None:
    page = web(remote)
    assert page == "" or page.startswith("https://")
    assert page.isascii()
