"""A model small enough to read: noise from a seed that is pulled, step by step, towards a pattern from a prompt.

Only integers decide a pixel, all randomness comes from the seed, and the PNG is stored without compression and without
metadata. So the bytes of the output depend on the input alone: not on the machine, the day, or the version of zlib.
"""

import hashlib
import struct
import tempfile
import zlib

from cog import BasePredictor, Input, Path

FULL = 1 << 16
"""The weight 1.0 in fixed point."""


def random_bytes(key, count):
    """`count` bytes that only `key` decides: SHA-256 of the key and a counter."""
    blocks = (hashlib.sha256(b"%s/%d" % (key, index)).digest() for index in range((count + 31) // 32))
    return b"".join(blocks)[:count]


def noise_left(steps, guidance, scheduler):
    """How much of the noise is still there after all steps, in fixed point."""
    pull = int(guidance * FULL) // 32
    left = FULL
    for step in range(steps):
        share = pull if scheduler == "euler" else pull * (steps - step) // steps
        left -= left * share // FULL
    return left


def pattern(key, x, y):
    """The colour that the prompt wants at this place: crossing waves of three colours."""
    return (
        (x * key[0] // 16 + y * key[1] // 16) & 255,
        (x * key[2] // 16 - y * key[3] // 16) & 255,
        ((x - 32) * (y - 32) * key[4] // 1024 + key[5]) & 255,
    )


def png(width, height, pixels):
    """An RGB picture: one IHDR, one IDAT of stored (uncompressed) blocks, one IEND, and nothing else."""

    def chunk(tag, data):
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    rows = b"".join(b"\x00" + pixels[y * width * 3 : (y + 1) * width * 3] for y in range(height))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", stored(rows))
        + chunk(b"IEND", b"")
    )


def stored(data):
    """A zlib stream of stored blocks, written by hand: where a library cuts its blocks is no business of ours."""
    blocks = []
    for start in range(0, len(data), 65535):
        part = data[start : start + 65535]
        last = start + 65535 >= len(data)
        blocks.append(struct.pack("<BHH", last, len(part), len(part) ^ 0xFFFF) + part)
    return b"\x78\x01" + b"".join(blocks) + struct.pack(">I", zlib.adler32(data))


class Predictor(BasePredictor):
    def setup(self):
        """Where the pictures go; the folder is removed when the server ends."""
        self.folder = tempfile.TemporaryDirectory(prefix="example-model-")
        self.made = 0
        print("the example model has no weights to load")

    def predict(
        self,
        prompt: str = Input(description="What the picture shows"),
        width: int = Input(description="Width in pixels", choices=[64, 128, 256], default=64),
        height: int = Input(description="Height in pixels", choices=[64, 128, 256], default=64),
        num_inference_steps: int = Input(description="Number of denoising steps", ge=1, le=50, default=10),
        guidance_scale: float = Input(description="How closely to follow the prompt", ge=1, le=20, default=4),
        scheduler: str = Input(description="How the noise is taken away", choices=["euler", "ddim"], default="euler"),
        seed: int = Input(description="Decides the noise; any whole number from 0", ge=0, default=0),
    ) -> list[Path]:
        """Draw one picture."""
        print(f"Using seed: {seed}")
        left = noise_left(num_inference_steps, guidance_scale, scheduler)
        key = hashlib.sha256(prompt.encode()).digest()
        noise = random_bytes(b"%d" % seed, width * height * 3)
        wanted = bytes(
            value for y in range(height) for x in range(width) for value in pattern(key, x * 64 // width, y * 64 // height)
        )
        pixels = bytes((n * left + w * (FULL - left)) // FULL for n, w in zip(noise, wanted))
        self.made += 1
        file = Path(self.folder.name) / f"out-{self.made}.png"
        file.write_bytes(png(width, height, pixels))
        return [file]
