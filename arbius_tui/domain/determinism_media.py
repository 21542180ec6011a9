"""What writers of pictures and videos put beside the pixels, and encoders whose bytes depend on the machine."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from arbius_tui.domain.determinism_patches import Workshop
from arbius_tui.domain.finding import Edit, Finding, found, with_patch
from arbius_tui.domain.flow_machine import Call
from arbius_tui.domain.flow_values import Value
from arbius_tui.domain.python_source import PythonFile
from arbius_tui.domain.seed_flow import Flow

BESIDE = "it is part of the bytes: a version, a date or a host name in it makes each miner's file another one"
METADATA = ("pnginfo", "exif", "xmp", "icc_profile", "metadata")
WRITERS = ("savefig", "save", "imsave", "imwrite", "mimsave", "mimwrite", "write")
TAGGERS = ("piexif.insert", "pyexiv2.Image", "mutagen.File", "iptcinfo3.IPTCInfo")
VIDEO = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v")
IMAGEIO = ("mimsave", "mimwrite", "imwrite", "get_writer", "imopen")
STEADY = '["-fflags", "+bitexact", "-flags:v", "+bitexact", "-threads", "1"]'
COMMAND = '"-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1", "-threads", "1", '
RUNNERS = ("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen",
           "os.system", "os.popen", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell")  # fmt: skip
UNTUNABLE = ("cv2.VideoWriter", "torchvision.io.write_video", "diffusers.utils.export_to_video",
             "skvideo.io.vwrite", "mediapy.write_video")  # fmt: skip


def media(shop: Workshop, flow: Flow) -> Iterator[Finding]:
    """All of it, each place once."""
    told: set[int] = set()
    for call in flow.calls:
        if call.phase == "predict" and id(call.node) not in told:
            told.add(id(call.node))
            file = shop.files[call.file]
            yield from metadata(shop, file, call)
            yield from video(shop, file, call)


def metadata(shop: Workshop, file: PythonFile, call: Call) -> Iterator[Finding]:
    """Metadata beside the pixels."""
    last = call.method or call.name.rpartition(".")[2]
    given = [k for k in call.node.keywords if k.arg in METADATA and last in WRITERS]
    for keyword in given:
        value = call.keywords.get(keyword.arg or "")
        if value is not None and not value.is_none:
            finding = found(
                file.place(keyword), "metadata-in-output", f"metadata is written beside the pixels: {keyword.arg}=",
                why=BESIDE,
                fix="leave it out", severity="warn", detail=file.code(call.node),
            )  # fmt: skip
            yield with_patch(finding, without(shop, file, call.node, keyword))
    if call.name in ("piexif.insert", "piexif.dump", "pyexiv2.Image", "mutagen.File") or call.name.startswith(
        "iptcinfo3."
    ):
        yield found(
            file.place(call.node), "metadata-in-output", f"metadata is written beside the pixels: {call.name}()",
            why=BESIDE,
            fix="leave it out", severity="warn",
        )  # fmt: skip


def without(shop: Workshop, file: PythonFile, call: ast.Call, keyword: ast.keyword) -> str:
    """A diff that takes a keyword out of a call."""
    parts: list[ast.AST] = [*call.args, *call.keywords]
    parts.sort(key=lambda n: (getattr(n, "lineno", 0), getattr(n, "col_offset", 0)))
    at = next(i for i, part in enumerate(parts) if part is keyword)
    own = file.replaced(keyword, "")
    if at > 0:
        before = file.replaced(parts[at - 1], "")
        edit = Edit(before.end_line, before.end_column, own.end_line, own.end_column, "")
    elif len(parts) > 1:
        after = file.replaced(parts[1], "")
        edit = Edit(own.line, own.column, after.line, after.column, "")
    else:
        edit = own
    return shop.diff({file.name: [edit]})


def video(shop: Workshop, file: PythonFile, call: Call) -> Iterator[Finding]:
    """Encoders of videos: the number of threads and the version decide the bytes, unless they are told not to."""
    kind = encoder(file, call)
    if not kind or steady(file, call):
        return
    finding = found(
        file.place(call.node), "video-not-bitexact", f"a video is encoded without -bitexact: {kind}",
        why="the encoder writes its version into the file, and the number of threads changes the bytes",
        fix="encode with -fflags +bitexact -flags:v +bitexact -map_metadata -1 -threads 1, or give out pictures",
        severity="warn", detail=file.code(call.node),
    )  # fmt: skip
    yield with_patch(finding, tuned(shop, file, call, kind))


def encoder(file: PythonFile, call: Call) -> str:
    """The encoder that a call is, in a word, or ""."""
    last = call.name.rpartition(".")[2]
    if call.name in UNTUNABLE:
        return call.name
    if call.method == "write_videofile":
        return "moviepy"
    if call.name == "ffmpeg.output" or (call.method == "output" and "ffmpeg" in (call.receiver or Value()).type):
        return "ffmpeg-python"
    if call.name.startswith("imageio") and last in IMAGEIO:
        target = call.arguments[0].suffix if call.arguments else ""
        hinted = {"codec", "fps", "macro_block_size", "ffmpeg_params", "output_params"} & call.keywords.keys()
        return "imageio" if target in VIDEO or (hinted and target != ".gif") else ""
    return "ffmpeg" if call.name in RUNNERS and runs_ffmpeg(file, call) else ""


def runs_ffmpeg(file: PythonFile, call: Call) -> bool:
    """Whether a command is ffmpeg, and writes a file."""
    words = [item.constant for value in call.arguments for item in (value.items or (value,))]
    told = [word for word in words if isinstance(word, str)]
    text = file.code(call.node, 4000) + " " + " ".join(told)
    return "ffmpeg" in text.replace("ffprobe", "") and "-f null" not in text and "'null'" not in text


def steady(file: PythonFile, call: Call) -> bool:
    """Whether a call already asks for the same bytes each time."""
    words = [item.constant for value in call.everything for item in (value.items or (value,))]
    return "bitexact" in file.code(call.node, 4000) or any("bitexact" in w for w in words if isinstance(w, str))


def tuned(shop: Workshop, file: PythonFile, call: Call, kind: str) -> str:
    """A diff that asks the encoder for the same bytes each time, or "" where it takes no such wish."""
    if kind == "ffmpeg":
        listed = command(file, call.node)
        if listed is None or not listed.elts:
            return ""
        at = file.place(listed.elts[-1])
        return shop.diff({file.name: [Edit(at.line, at.column, at.line, at.column, COMMAND)]})
    options = {
        "imageio": ("output_params", f"output_params={STEADY}"),
        "moviepy": ("ffmpeg_params", f"ffmpeg_params={STEADY}, threads=1"),
        "ffmpeg-python": ("fflags", 'fflags="+bitexact", map_metadata=-1, threads=1'),
    }
    keyword, text = options.get(kind, ("", ""))
    given = {k.arg for k in call.node.keywords}
    parts: list[ast.AST] = [*call.node.args, *call.node.keywords]
    if not keyword or keyword in given or None in given or not parts or "threads" in given:
        return ""
    last = max((file.replaced(part, "") for part in parts), key=lambda e: (e.end_line, e.end_column))
    edit = Edit(last.end_line, last.end_column, last.end_line, last.end_column, f", {text}")
    return shop.diff({file.name: [edit]})


def command(file: PythonFile, call: ast.Call) -> ast.List | None:
    """The list that a command is: in the call itself, or the last one before it that begins with ffmpeg."""
    if call.args and isinstance(call.args[0], ast.List):
        return call.args[0]
    lists = [n for n in ast.walk(file.tree) if isinstance(n, ast.List) and n.elts and n.lineno <= call.lineno]
    named = [n for n in lists if isinstance(n.elts[0], ast.Constant) and str(n.elts[0].value).endswith("ffmpeg")]
    return max(named, key=lambda n: n.lineno, default=None)
