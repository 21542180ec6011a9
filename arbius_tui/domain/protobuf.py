"""The few parts of protobuf's encoding that dag-pb and UnixFS nodes are made of."""

from __future__ import annotations


def field(number: int, value: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def whole(number: int, value: int) -> bytes:
    """A field that holds a whole number."""
    return varint(number << 3) + varint(value)


def varint(value: int) -> bytes:
    """A whole number in groups of seven bits, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, start: int = 0) -> tuple[int, int]:
    """The number that begins at `start`, and where it is over; ValueError if it never is."""
    value = shift = 0
    for at in range(start, min(len(data), start + 9)):
        value |= (data[at] & 0x7F) << shift
        shift += 7
        if data[at] < 0x80:
            return value, at + 1
    raise ValueError("a varint without an end")
