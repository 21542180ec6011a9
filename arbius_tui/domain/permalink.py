"""A link to the exact commit of a model's code, made of what git has as the remote."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

_SCP = re.compile(r"(?:[^@/:\s]+@)?(?P<host>[^@/:\s]+):(?!//)(?P<path>[^\s]+)")
"""`git@github.com:owner/name.git`, as git takes it for ssh."""

_HOSTS = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com", "altssh.bitbucket.org": "bitbucket.org"}
"""Hosts that serve ssh on port 443, and the pages they belong to."""

_TREES = (
    (re.compile(r"gitlab"), "/-/tree/", "/"),
    (re.compile(r"bitbucket"), "/src/", "/"),
    (re.compile(r"codeberg|gitea|forgejo"), "/src/commit/", "/"),
    (re.compile(r"(^|\.)sr\.ht$"), "/tree/", "/item/"),
)
"""How sites other than GitHub name a folder at a commit: what stands before the commit, and what before the folder."""

_COMMIT = re.compile(r"https?://[^\s/?#]+/\S*?/(tree|commits?|blob|src)/([0-9a-f]{40}|[0-9a-f]{64})([/?#]\S*)?")
"""A link to one commit, a folder or a file at it: `/tree/` of GitHub, GitLab, sourcehut and Hugging Face, `/src/` of
Bitbucket, `/src/commit/` of Gitea, Forgejo and Codeberg. A commit has 64 digits where a repository is of git's SHA-256.
"""


def web(remote: str) -> str:
    """The https page of a repository, empty for a remote that has none (a folder, a bundle, a name of ssh's config).

    A password or token in the URL is left behind: the link is registered for everybody to read.
    """
    text = remote.strip()
    if "://" in text:
        try:
            parts = urlsplit(text)
            host, port, path = parts.hostname or "", parts.port, parts.path
        except ValueError:
            return ""
        if parts.scheme not in ("https", "http", "ssh", "git", "git+ssh", "ssh+git"):
            return ""
        where = f"{host}:{port}" if port and parts.scheme in ("https", "http") and port not in (80, 443) else host
    elif found := _SCP.fullmatch(text):
        host, path = found["host"].lower(), found["path"]
        where = host
    else:
        return ""
    path = unquote(path).strip("/").removesuffix(".git").strip("/")
    if "." not in host or not path or ".." in path.split("/") or not re.fullmatch(r"[a-z0-9.:-]+", where):
        return ""
    return f"https://{_HOSTS.get(where, where)}/{quote(path, safe='/~')}"


def permalink(page: str, commit: str, folder: str = "") -> str:
    """The folder of a repository at a commit, e.g. `https://github.com/o/r/tree/<40 hex>/models/one`."""
    host = urlsplit(page).netloc
    tree, between = next(((tree, item) for pattern, tree, item in _TREES if pattern.search(host)), ("/tree/", "/"))
    inside = quote(folder.strip("/"), safe="/~")
    return f"{page}{tree}{commit}{between if inside else ''}{inside}"


def is_permalink(link: str) -> bool:
    """Whether a link leads to one commit, which stays what it is."""
    return _COMMIT.fullmatch(link) is not None
