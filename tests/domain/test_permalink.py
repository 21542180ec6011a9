"""A remote of git as a link that others can open."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from arbius_tui.domain.lint import lint
from arbius_tui.domain.permalink import is_permalink, permalink, web
from arbius_tui.domain.template import Template

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
        ("https://git.sr.ht/~me/model", f"https://git.sr.ht/~me/model/tree/{COMMIT}/item/models/one"),
        (
            "https://gitlab.example.org:8443/a/b/model",
            f"https://gitlab.example.org:8443/a/b/model/-/tree/{COMMIT}/models/one",
        ),
        (
            "https://forgejo.example.org/me/model",
            f"https://forgejo.example.org/me/model/src/commit/{COMMIT}/models/one",
        ),
    ],
)
def test_links(page: str, link: str) -> None:
    assert permalink(page, COMMIT, "models/one/") == link
    assert is_permalink(link)
    assert is_permalink(permalink(page, COMMIT))
    assert is_permalink(permalink(page, COMMIT + "ab" * 12)), "git with SHA-256"
    assert permalink("https://github.com/me/model", COMMIT) == f"https://github.com/me/model/tree/{COMMIT}"


@given(st.text(max_size=40) | st.from_regex(r"(https|ssh|git)://[a-z@:.\[\]%/]{0,20}", fullmatch=True))
def test_no_remote_raises(remote: str) -> None:
    page = web(remote)
    assert page == "" or page.startswith("https://")
    assert page.isascii()


@pytest.mark.parametrize(
    ("link", "right"),
    [
        (f"https://github.com/me/model/commit/{COMMIT}", True),
        (f"https://github.com/me/model/blob/{COMMIT}/predict.py#L10", True),
        (f"https://github.com/me/model/tree/{COMMIT}?tab=readme-ov-file", True),
        (f"https://gitlab.com/a/b/-/blob/{COMMIT}/x", True),
        (f"https://bitbucket.org/me/model/commits/{COMMIT}", True),
        (f"https://codeberg.org/me/model/commit/{COMMIT}", True),
        ("https://bitbucket.org/me/model/src/main", False),
        ("https://codeberg.org/me/model/src/branch/main", False),
        (f"https://codeberg.org/me/model/src/tag/{COMMIT}x", False),
        (f"https://github.com/me/model/tree/{COMMIT[:39]}", False),
        (f"https://github.com/me/model/tree/{COMMIT}ab", False),
        (f"git@github.com:me/model/tree/{COMMIT}", False),
        (f"/tree/{COMMIT}", False),
        (f"https://github.com/me/model?x=/tree/{COMMIT}\nand more", False),
        ("https://github.com/me/model", False),
        ("", False),
    ],
)
def test_what_is_a_permalink(link: str, right: bool) -> None:
    assert is_permalink(link) is right
    found = {problem.code for problem in lint(Template.of({"meta": {"git": link}}))}
    assert ("git-not-pinned" in found) is not right


HOSTS = st.sampled_from(
    ["github.com", "gitlab.com", "gitlab.example.org:8443", "bitbucket.org", "codeberg.org", "gitea.io", "git.sr.ht",
     "huggingface.co", "git.example.org"]
)  # fmt: skip
NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)


@given(
    HOSTS, st.lists(NAMES, min_size=1, max_size=3), st.sampled_from(["tree", "src", "x"]), st.lists(NAMES, max_size=3)
)
def test_what_permalink_writes_lint_accepts(host: str, path: list[str], odd: str, folder: list[str]) -> None:
    page = web(f"https://{host}/{quote('/'.join([*path, odd]))}.git")
    assume(page)
    link = permalink(page, COMMIT, "/".join(folder))
    assert is_permalink(link)
    assert not {p.code for p in lint(Template.of({"meta": {"git": link}}))} & {"git-not-pinned", "hidden-characters"}
