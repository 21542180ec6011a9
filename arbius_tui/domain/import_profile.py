"""What Kubo's `Import.*` settings do to the CID that plain `ipfs add` gives, compared with the one the engine computes.

The engine knows one form: CIDv0, sha2-256, a dag-pb node with the file's bytes in it, leaves of 262,144 bytes. A
template has at most 65,536 bytes, so it is one leaf: its CID changes with the CID's version, raw leaves and the hash,
and only a longer file's with the chunker. Names and values of the profiles are those of Kubo 0.40 and later.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from arbius_tui.domain.cid import block

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "unixfs-v1-2025": {"CidVersion": 1, "UnixFSChunker": "size-1048576"},
    "test-cid-v1": {"CidVersion": 1, "UnixFSRawLeaves": True},
}
"""Settings by which a profile is recognised, the newest first."""

CHUNKER, HASH = "size-262144", "sha2-256"
RAW, DAG_PB = 0x55, 0x70


@dataclass(frozen=True, slots=True)
class Effect:
    """What plain `ipfs add` gives for a template: `gives` in words, and each setting that makes a difference.

    `same` is whether the CID of a template is the engine's all the same (only longer files get another).
    """

    name: str
    gives: str
    changes: tuple[str, ...] = ()
    same: bool = True


def effect(settings: Mapping[str, Any]) -> Effect:
    """The effect of `Import` as `ipfs config Import` prints it; keys that are null or absent are Kubo's defaults."""
    changes = tuple(described(settings))
    name = next(
        (n for n, keys in PROFILES.items() if all(settings.get(k) == v for k, v in keys.items())), "own settings"
    )
    version, raw, hashed = form(settings)
    if hashed not in (None, HASH):
        return Effect(name, f"another hash ({hashed})", changes, False)
    if raw:
        return Effect(name, "bafkrei.. (CIDv1, raw leaf)", changes, False)
    if version == 1:
        return Effect(name, "bafybei.. (CIDv1 of the same block)", changes, False)
    gives = "Qm.. for a template, another for files over 256 KiB" if changes else "Qm.. as the engine"
    return Effect(name, gives, changes)


def form(settings: Mapping[str, Any]) -> tuple[int, bool, Any]:
    """CID version, raw leaves and hash in force: version 1 brings raw leaves along unless they are set."""
    version = 1 if settings.get("CidVersion") == 1 else 0
    leaves = settings.get("UnixFSRawLeaves")
    return version, leaves if isinstance(leaves, bool) else version == 1, settings.get("HashFunction")


def described(settings: Mapping[str, Any]) -> Iterator[str]:
    """Each setting that is not as the engine computes, and what it changes."""
    version, raw, hashed = form(settings)
    if version == 1:
        yield "CidVersion=1: the CID begins with b, and the engine's with Qm"
    if raw:
        yield "raw leaves: the hash is of the bare bytes, the engine's of a dag-pb node around them"
    if hashed not in (None, HASH):
        yield f"HashFunction={hashed}: the engine knows sha2-256 only"
    chunker = settings.get("UnixFSChunker")
    if chunker not in (None, CHUNKER):
        yield f"UnixFSChunker={chunker}: another CID for files over 262,144 bytes; a template has fewer"


def plain_cid(data: bytes, settings: Mapping[str, Any]) -> str:
    """The CIDv1 that plain `ipfs add` gives these bytes (one leaf, sha2-256) under settings that give one."""
    codec, content = (RAW, data) if form(settings)[1] else (DAG_PB, block(data))
    cid = bytes([1, codec, 0x12, 0x20]) + sha256(content).digest()
    return "b" + b32encode(cid).decode().lower().rstrip("=")
