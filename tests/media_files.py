"""Small real files of many formats, made by hand so that each byte of them is known."""

from __future__ import annotations

import gzip
import io
import json
import struct
import wave
import zipfile
import zlib

from PIL import Image, PngImagePlugin


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(rows: bytes, size: tuple[int, int], *extra: bytes, depth: int = 8, colour: int = 2, level: int = 6) -> bytes:
    """A PNG of given scanlines (each behind its filter byte)."""
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + b"".join(extra) + chunk(b"IDAT", zlib.compress(rows, level)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def picture(mode: str = "RGB", size: tuple[int, int] = (32, 24), dot: tuple[int, int] | None = None) -> Image.Image:
    """A gradient; `dot` is a pixel that is another."""
    grey = Image.linear_gradient("L").resize(size)
    image = grey.convert(mode) if mode != "I;16" else Image.new("I;16", size, 700)
    if dot:
        value = image.getpixel(dot)
        if isinstance(value, tuple):
            image.putpixel(dot, tuple(band ^ 1 for band in value))
        elif isinstance(value, int):
            image.putpixel(dot, value ^ 1 if mode != "1" else 255 - value)
    return image


def saved(image: Image.Image, format: str = "PNG", date: str = "", **options: object) -> bytes:
    """A picture as a file; `date` becomes a PNG's text."""
    file = io.BytesIO()
    if date:
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Date", date)
        options["pnginfo"] = notes
    image.save(file, format, **options)
    return file.getvalue()


def sound(samples: bytes, width: int = 2, extra: bytes = b"", rate: int = 8000) -> bytes:
    """A mono WAV; `extra` are further chunks behind the samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes(samples)
    whole = file.getvalue() + (b"\0" if len(samples) % 2 else b"") + extra
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def riff_chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def notes(**said: str) -> bytes:
    """A LIST INFO chunk."""
    inner = b"".join(riff_chunk(name.encode(), text.encode() + b"\0") for name, text in said.items())
    return riff_chunk(b"LIST", b"INFO" + inner)


def box(name: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return struct.pack(">I", len(body) + 8) + name + body


def film(created: int, tool: str = "Lavf60.1", samples: bytes = b"\1\2\3\4" * 50, offset: int = 36) -> bytes:
    """A minimal MP4: ftyp, mdat, and moov with times, a sample table and the program that wrote it."""
    times = struct.pack(">II", created, created)
    mvhd = box(b"mvhd", bytes(4), times, struct.pack(">II", 1000, 5000), bytes(80))
    tkhd = box(b"tkhd", bytes(4), times, struct.pack(">III", 1, 0, 5000), bytes(60))
    table = box(b"stbl", box(b"stsd", bytes(8)), box(b"stco", bytes(4), struct.pack(">II", 1, offset)))
    mdia = box(b"mdia", box(b"mdhd", bytes(4), times, bytes(12)), box(b"minf", table))
    data = box(b"data", struct.pack(">II", 1, 0), tool.encode())
    meta = box(b"meta", bytes(4), box(b"hdlr", bytes(24)), box(b"ilst", box(b"\xa9too", data)))
    moov = box(b"moov", mvhd, box(b"trak", tkhd, mdia), box(b"udta", meta))
    return box(b"ftyp", b"isom", bytes(4), b"isomiso2mp41") + box(b"mdat", samples) + moov


def element(id: str, body: bytes) -> bytes:
    return bytes.fromhex(id) + struct.pack(">Q", len(body) | 1 << 56) + body


def webm(uid: bytes = bytes(16), app: bytes = b"Lavf60", frames: bytes = b"frames", date: int = 0) -> bytes:
    """A minimal WebM: a header, and a segment with info, one track, tags and one cluster."""
    stamps = element("4461", struct.pack(">q", date)) if date else b""
    info = element("1549A966", element("73A4", uid) + element("4D80", app) + stamps + element("4489", b"\0" * 8))
    tracks = element("1654AE6B", element("AE", element("73C5", b"\1") + element("86", b"V_VP9")))
    inside = info + tracks + element("1254C367", b"tag") + element("1F43B675", frames)
    return element("1A45DFA3", element("4282", b"webm")) + element("18538067", inside)


def packed(data: bytes, mtime: int = 0) -> bytes:
    return gzip.compress(data, mtime=mtime)


def archive(second: int = 2, body: bytes = b"data", **files: bytes) -> bytes:
    """A ZIP whose files were changed at 10:01 and so many seconds."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name, data in {"x.npy": body, **files}.items():
            out.writestr(zipfile.ZipInfo(name, (2026, 11, 22, 10, 1, second)), data)
    return file.getvalue()


def tensors(date: str = "", body: bytes = b"\1\2\3\4") -> bytes:
    head: dict[str, object] = {"w": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}
    header = json.dumps({"__metadata__": {"date": date}, **head} if date else head).encode()
    return struct.pack("<Q", len(header)) + header + body


def flac(comment: str = "DATE=2026", frames: bytes = b"\xff\xf8frames") -> bytes:
    body = struct.pack("<I", 4) + b"Lavf" + struct.pack("<II", 1, len(comment)) + comment.encode()
    return b"fLaC" + b"\0\0\0\x22" + bytes(34) + b"\x84" + struct.pack(">I", len(body))[1:] + body + frames


def mp3(title: str = "one", frames: bytes = b"\xff\xfb" + bytes(300)) -> bytes:
    tag = b"TIT2" + struct.pack(">I", len(title) + 1) + b"\0\0\0" + title.encode()
    return b"ID3\4\0\0" + bytes([0, 0, 0, len(tag)]) + tag + frames


def every() -> dict[str, bytes]:
    """One whole file of each format that is told into parts."""
    exif = Image.Exif()
    exif[0x0132] = "2026:11:22 10:01:02"
    small = picture()
    return {
        "PNG": saved(small, date="10:01:02", exif=exif),
        "JPEG": saved(small, "JPEG", exif=exif, comment=b"made by hand"),
        "GIF": saved(small.convert("P"), "GIF", save_all=True, append_images=[picture("P", dot=(3, 3))], comment=b"hi"),
        "WebP": saved(small, "WEBP", exif=exif, lossless=True),
        "WAV": sound(bytes(range(200)), extra=notes(ISFT="Lavf", ICRD="2026-11-22")),
        "MP4": film(3_800_000_000),
        "Matroska": webm(date=10**18),
        "gzip": packed(b"data" * 40, 1_763_800_000),
        "ZIP": archive(other=b"more"),
        "safetensors": tensors("2026-11-22"),
        "FLAC": flac(),
        "MP3": mp3(),
    }
