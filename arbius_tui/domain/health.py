"""The health of a model's server in words: what Cog's own words mean, and a container that runs no more."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "STARTING": "it loads the model; a large one takes minutes",
    "READY": "it waits for work",
    "BUSY": "it works on a prediction",
    "SETUP_FAILED": "the model's setup() raised an error; the log says which",
    "DEFUNCT": "the server has stopped for good",
    "UNHEALTHY": "the model's own health check says no, or its process is gone",
    "UNKNOWN": "it does not say yet",
    "exited": "its container has ended and answers nothing",
    "ended": "its process has ended and answers nothing",
    "paused": "its container is paused and answers nothing until it is let go on",
    "lost": "it answered, and does no more",
    "gone": "its container was removed from outside",
    "stopped": "it was stopped and removed; its image is still there",
}
"""A server's own word (upper case) or what its container or process came to (lower case), in words for a person."""

ENDED: Mapping[str, str] = {
    "container-killed": "exited",
    "container-oom": "exited",
    "container-ended": "exited",
    "container-not-started": "exited",
    "setup-failed": "SETUP_FAILED",
    "container-paused": "paused",
    "container-missing": "gone",
    "server-broken": "DEFUNCT",
    "server-ended": "ended",
    "endpoint-lost": "lost",
}
"""The health of a server by the code of the failure that says why it cannot answer."""


def words(status: str) -> str:
    """What a health means; empty for a word that nobody knows."""
    return WORDS.get(status, "")
