"""The Docker Engine's errors in words: who is not there, what is taken, what is missing, and the way out of it.

The texts are those of Engine 20.10 and 26.1, run, and of later ones where they are known to differ. What is not known
here keeps its own text: nothing is hidden.
"""

from __future__ import annotations

import errno
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from arbius_tui.domain.errors import BadInput, Failure, NotReady
from arbius_tui.domain.text import clean

LONGEST = 4000
"""Characters of the Engine's own text that are kept."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one text of the Engine means; `{1}` in the words is what the pattern caught."""

    pattern: re.Pattern[str]
    code: str
    what: str
    why: str
    fix: str
    command: str = ""
    authors: bool = False
    """A mistake of the author's (BadInput) and not of the machine."""


def rule(pattern: str, code: str, what: str, why: str, fix: str, command: str = "", *, authors: bool = False) -> Rule:
    """A rule whose pattern is searched in any case and over lines."""
    return Rule(re.compile(pattern, re.IGNORECASE | re.DOTALL), code, what, why, fix, command, authors)


TOOLKIT = "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker"
NO_START = "the model's server cannot start"
NO_BUILD = "there is no image without it"

RULES = (
    rule(r"no space left on device|disk quota exceeded", "disk-full",
         "the disk of the Docker Engine is full", "an image, its layers and a container's log need room there",
         "free some: this shows what is used; `docker image prune` removes what no tag names", "docker system df"),
    rule(r"docker-credential-(\S+?)[\s:].*(?:not installed|not found|not initialized)|StoreError|credentials store",
         "docker-credentials", "docker's credential helper does not work",
         "docker's configuration names it, and every build and pull asks it",
         "install it, or remove credsStore from ~/.docker/config.json"),
    # -- a port, a name
    rule(r"bind for (\S+) failed: port is already allocated", "port-taken",
         "the port {1} is taken by another container", NO_START, "stop that container, or take another port",
         "docker ps"),
    rule(r"(?:listen tcp\d?|failed to bind host port for|exposing port TCP) (\S+?)(?:: |->).*address already in use",
         "port-taken", "the port {1} is taken by another program", NO_START, "end that program, or take another port"),
    rule(r"port is already allocated|address already in use", "port-taken",
         "the port is taken already", NO_START, "take another port", "docker ps"),
    rule(r'container name "/?([^"]+)" is already in use', "name-taken",
         "a container named {1} exists already", NO_START, "remove it if it is yours, or start under another name",
         "docker ps -a"),
    # -- a GPU
    rule(r"could not select device driver", "no-gpu-runtime",
         "this Docker Engine can hand no GPU to a container", "the model was to run on a GPU",
         "install NVIDIA's container toolkit and tell docker of it, or go on CPU-ONLY", TOOLKIT),
    rule(r"unknown (?:or invalid )?runtime.*nvidia|CDI device injection failed|unresolvable CDI devices",
         "no-gpu-runtime", "this Docker Engine does not know NVIDIA's runtime", "the model was to run on a GPU",
         "tell docker of the container toolkit, or go on CPU-ONLY", TOOLKIT),
    rule(r"nvidia-container-cli: requirement error: (?:unsatisfied condition: )?([^\n:,]+)", "gpu-driver-old",
         "the NVIDIA driver of this machine is too old for the image ({1})", "CUDA in the image needs a newer driver",
         "update the driver, or build for an older CUDA (build.cuda in cog.yaml)", "nvidia-smi"),
    rule(r"nvidia-container-cli|nvidia-container-runtime|libnvidia-ml|nvml error", "gpu-broken",
         "NVIDIA's container toolkit cannot reach the GPU", "the model was to run on a GPU",
         "see whether the driver works at all; after an update of it or of the kernel a reboot helps", "nvidia-smi"),
    # -- an image
    rule(r"does not match the specified platform|no matching manifest for (\S+)|exec format error", "image-platform",
         "the image is made for another kind of processor than this Docker Engine's",
         "cog makes images for linux/amd64, and miners run those",
         "use a machine with such a processor, or let docker emulate it",
         "docker run --privileged --rm tonistiigi/binfmt --install amd64"),
    rule(r"no such image:? ?([^\s\"]*)", "no-image",
         "there is no image {1} on this machine", "a container is made from an image, and none is pulled unasked",
         "build it first, or pull it", "docker images"),
    rule(r"pull access denied|repository \S+ (?:not found|does not exist)|manifest (?:for \S+ not found|unknown)",
         "no-such-image", "the registry has no such image, or shows it to nobody who is not logged in", NO_BUILD,
         "look at its name and tag, or log in to its registry", authors=True),
    rule(r"toomanyrequests|rate limit", "registry-limit", "the registry gives no more images for now", NO_BUILD,
         "log in to it (docker login), or try again later"),
    rule(r"unauthorized|authentication required|denied: ", "registry-refused",
         "the registry does not let this user in", NO_BUILD, "log in to it", "docker login"),
    rule(r"invalid reference format|invalid tag|must be lowercase|not a valid repository/tag", "image-name",
         "this is no name that an image may have", "docker refuses it",
         "use lower-case letters, digits, - _ . and /, e.g. my-model:latest", authors=True),
    # -- a build
    rule(r"requires BuildKit|unknown (?:flag|instruction): (?:mount|link|<<)", "needs-buildkit",
         "this Dockerfile needs BuildKit, and docker's builder for it (buildx) is not installed", NO_BUILD,
         "install the buildx plugin, then build again", "sudo apt install docker-buildx-plugin"),
    rule(r"cannot locate specified Dockerfile|failed to read dockerfile", "no-dockerfile",
         "the Dockerfile is not where it was said to be", NO_BUILD, "look at its path", authors=True),
    rule(r"dockerfile parse error(?: on)?(?: line (\d+))?:? *([^\n]*)", "bad-dockerfile",
         "the Dockerfile cannot be read: {2} (line {1})", NO_BUILD, "mend that line", authors=True),
    rule(r"(?:COPY|ADD) failed: ([^\n]+)|failed to compute cache key:.*?: \"?([^\n\"]+)\"?: not found",
         "build-copy", "a file that the Dockerfile copies is not in the folder: {1}{2}",
         "what .dockerignore names is not seen by a build", "look at the name and at .dockerignore", authors=True),
    rule(r"The command '(.+?)' returned a non-zero code: (\d+)"
         r"|process \"(.+?)\" did not complete successfully: exit code: (\d+)", "build-step",
         "a command of the Dockerfile failed with exit code {2}{4}: {1}{3}", NO_BUILD,
         "its own words are in the lines above it", authors=True),
    rule(r"no such host|dial tcp \S+: connect: |i/o timeout|TLS handshake timeout|network is unreachable"
         r"|Temporary failure in name resolution",
         "registry-unreachable", "the Docker Engine cannot reach the network", "it wanted to fetch something there",
         "look at the network of this machine, and at the Engine's proxy settings"),
    # -- a container
    rule(r'exec: \\?"?([^"\\]+)\\?"?: (?:executable file not found|stat .*no such file|permission denied)',
         "image-command", "the image cannot run its own command: {1} is not in it",
         NO_START, "an image of cog's has python on PATH; look at CMD and ENTRYPOINT"),
    rule(r"no such container", "container-missing", "the container is gone", "somebody or something removed it",
         "start the model again"),
    rule(r"is paused", "container-paused", "the container is paused", "nothing answers while it is", "let it go on",
         "docker unpause NAME"),
    rule(r"HTTP request to an HTTPS server|CERTIFICATE_VERIFY_FAILED|certificate required|bad certificate"
         r"|TLS configurations should", "docker-tls",
         "the Docker Engine wants TLS, and its certificates are missing or wrong", NO_START,
         "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a docker context that has them"),
)  # fmt: skip
"""Searched in this order; the first that fits speaks."""


def failure(error: BaseException, doing: str, where: str) -> Failure:
    """Any exception of the docker package as a failure; `doing` is what was wanted, `where` the Engine's address."""
    if isinstance(error, Failure):
        return error
    text = explained(error)
    if found := unreachable(error, where) or words(text) or strange(error, where):
        return found
    if name := type(error).__name__:
        text = text or name
    return NotReady(
        "docker-error",
        f"the Docker Engine could not {doing}",
        why="it gave a reason that this wizard does not know",
        fix="read its own words below",
        detail=text[:LONGEST],
    )


def words(text: str) -> Failure | None:
    """The failure that a text of the Engine or of a builder means, or None."""
    for known in RULES:
        if found := known.pattern.search(text):
            caught = ["", *((part or "").strip() for part in found.groups()), "", "", "", ""]
            what = known.what.format(*caught).replace(" (line )", "").replace("  ", " ").rstrip(": ")
            return (BadInput if known.authors else NotReady)(
                known.code,
                clean(what)[:300],
                why=known.why,
                fix=known.fix,
                command=known.command or None,
                detail=clean(text)[:LONGEST],
            )
    return None


def explained(error: BaseException) -> str:
    """The Engine's own words, clean; the exception's where it said none."""
    said = getattr(error, "explanation", None)
    if isinstance(said, bytes):
        said = said.decode("utf-8", "replace")
    return clean(str(said or error)).strip()


def unreachable(error: BaseException, where: str) -> NotReady | None:
    """The failure when nobody answered as a Docker Engine; each reason has its own way out."""
    for cause in causes(error):
        if isinstance(cause, TimeoutError) or "Timeout" in type(cause).__name__:
            return late(where)
        if isinstance(cause, OSError) and cause.errno in (errno.EACCES, errno.EPERM):
            return forbidden(where, str(cause))
        if isinstance(cause, OSError) and not isinstance(cause, socket.gaierror) and cause.errno in SILENT:
            what, fix = SILENT[cause.errno]
            return gone(what.format(clean(where)), fix, start_command(), cause)
        if isinstance(cause, socket.gaierror):
            return gone(f"nobody knows the machine of {clean(where)}", "look at DOCKER_HOST", "", cause)
    return None


def strange(error: BaseException, where: str) -> NotReady | None:
    """The failure of an answer that no Engine that works gives."""
    for pattern, what, fix, command in STRANGE:
        if re.search(pattern, repr(error)):
            return gone(what.format(clean(where)), fix, command or start_command(), error)
    return None


NOT_RUNNING = ("the Docker Engine at {0} is not running", "start it")
NETWORK = ("the Docker Engine at {0} cannot be reached", "look at the network, or start the Engine there")
WENT = ("the Docker Engine at {0} went away", "see whether it runs")
SILENT = {
    errno.ENOENT: (
        "there is no Docker Engine at {0}",
        "start Docker; if it is not installed, install Docker Engine 23 or later",
    ),
    errno.ECONNREFUSED: NOT_RUNNING,
    errno.ENETUNREACH: NETWORK,
    errno.EHOSTUNREACH: NETWORK,
    errno.ECONNRESET: WENT,
    errno.EPIPE: WENT,
}
"""What an error of the socket means, and what to do."""

STRANGE = (
    (r"RemoteDisconnected|IncompleteRead|Connection aborted", *WENT, ""),
    (r"5\d\d Server Error", "the Docker Engine at {0} answers only with an error", "restart it", ""),
    (r"Invalid bind address|Invalid URL|Failed to parse", "{0} is no address of a Docker Engine",
     "set DOCKER_HOST to e.g. unix:///var/run/docker.sock, or unset it", "docker context ls"),
    (r"server API version|Invalid response from docker|BadStatusLine|JSONDecodeError|API versions below",
     "what answers at {0} is no Docker Engine",
     "look at DOCKER_HOST and at `docker context ls`", "docker context ls"),
)  # fmt: skip
"""The same for what the docker package says in words only."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and everything inside it: causes, contexts, and exceptions among the arguments, outermost first."""
    todo, known = [error], set[int]()
    while todo:
        one = todo.pop(0)
        if id(one) in known:
            continue
        known.add(id(one))
        yield one
        inner = [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
        todo += [part for part in inner if isinstance(part, BaseException)]


def gone(what: str, fix: str, command: str, cause: BaseException) -> NotReady:
    """No Docker Engine there."""
    return NotReady(
        "docker-unreachable",
        what,
        why="the model's image is built and run by it; an endpoint that runs elsewhere needs none (--endpoint)",
        fix=fix,
        command=command or None,
        detail=explained(cause)[:LONGEST],
    )


def forbidden(where: str, text: str) -> NotReady:
    """A socket that this user may not open."""
    return NotReady(
        "docker-permission",
        f"this user may not speak to the Docker Engine at {clean(where)}",
        why="only root and the group docker may, and who may is as good as root on this machine",
        fix="join the group docker, then log out and in again (or once: start this wizard with sudo)",
        command="sudo usermod -aG docker $USER",
        detail=clean(text)[:LONGEST],
    )


def late(where: str, limit: float = 0, doing: str = "") -> NotReady:
    """An Engine that does not answer in time."""
    within = f" within {limit:.0f} s" if limit else " in time"
    return NotReady(
        "docker-timeout",
        f"the Docker Engine at {clean(where)} did not answer{within}" + (f" ({doing})" if doing else ""),
        why="it hangs, or this machine is very busy",
        fix="see whether docker itself still answers; restarting it ends all containers",
        command="docker ps",
    )


def unknown_context(name: str, folder: str, why: str) -> NotReady:
    """A docker context that nobody made; the docker command refuses it as well."""
    return NotReady(
        "docker-context",
        f"there is no docker context named {clean(name)[:60]}",
        why=why,
        fix="choose one that exists: `docker context use NAME`, or unset DOCKER_CONTEXT",
        command="docker context ls",
        detail=clean(f"looked in {folder}"),
    )


def start_command() -> str:
    """What starts Docker on this kind of machine."""
    return "open -a Docker" if sys.platform == "darwin" else "sudo systemctl start docker"
