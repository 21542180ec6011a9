"""What Docker and the commands of a build say, and what it means for an author. One row for each text that was seen.

The texts are those of cog 0.22 with Docker Engine 20.10 and 26.1; the rows on older cogs are from their sources.
"""

from __future__ import annotations

from arbius_tui.domain.build_rule import Rule

MACHINE = (
    Rule(
        "docker-down",
        r"Cannot connect to the Docker daemon at (?P<where>\S+?)\.? Is the docker daemon running|"
        r"Failed to ping docker",
        "the Docker daemon does not answer at {where}",
        "cog builds inside the daemon; without it nothing is even read",
        "start Docker, or mend DOCKER_HOST if that place is wrong",
        "sudo systemctl start docker",
    ),
    Rule(
        "docker-permission",
        r"permission denied while trying to connect to the Docker daemon socket at (?P<where>\S+?):? ",
        "this user may not speak to the Docker daemon at {where}",
        "cog builds inside the daemon, as you and never as root",
        "let your user speak to it, then log in again",
        "sudo usermod -aG docker $USER",
    ),
    Rule(
        "docker-context",
        r'context "(?P<name>[^"]*)": context not found',
        "Docker has no context named {name}",
        "DOCKER_CONTEXT or docker's own configuration names the daemon to build in",
        "take one that exists (docker context ls), and unset DOCKER_CONTEXT if it is set",
        "docker context use default",
    ),
    Rule(
        "folder-read-only",
        r"create (?P<path>.+?): mkdir .+: (?:permission denied|read-only file system)",
        "cog may not write {path}",
        "it keeps the Dockerfile and the schema of a build there",
        "make the model's folder yours, or build a copy of it",
    ),
    Rule(
        "build-flags",
        r"(?P<flags>The flags .+? are mutually exclusive|unknown (?:shorthand )?flag: .+|unknown command .+)",
        "this cog does not take the command: {flags}",
        "cog of another release has other flags",
        "install a current cog",
        "curl -fsSL https://cog.run/install.sh | sh",
    ),
    Rule(
        "buildx-missing",
        r"docker: unknown command: docker buildx|'buildx' is not a docker command",
        "this cog needs docker's buildx, and it is not installed",
        "cog before 0.16 builds with it; later ones speak to the daemon themselves",
        "install a current cog, or docker's buildx plugin",
        "curl -fsSL https://cog.run/install.sh | sh",
    ),
)
"""What this machine lacks."""

STEP_FAILED = r"did not\s+complete successfully: exit code: "

STEP = (
    Rule(
        "disk-full-in-step",
        r"(?i)(?P<line>.*no space left on device.*|.*disk quota exceeded.*)",
        "the disk is full: {line}",
        "what a command in the image writes lies on the disk of the Docker daemon",
        "free space there, then build again; finished steps are kept",
        "docker system prune",
        look="step",
    ),
    Rule(
        "requirement-not-found",
        r"No matching distribution found for (?P<name>\S+)|there (?:is|are) no versions? of (?P<uv>\S+)|"
        r"(?P<gone>\S+) was not found in the package registry",
        "pip finds no such package or version: {name}{uv}{gone}",
        "it is not published for this Python, or its number does not exist",
        "mend it in the requirements; pip lists the versions that exist below",
        look="step",
        author=True,
    ),
    Rule(
        "requirements-conflict",
        r"ResolutionImpossible|conflicting dependencies|requirements are unsatisfiable",
        "the requirements contradict each other",
        "two packages want different versions of a third",
        "loosen one of the pins that are named below",
        look="step",
        author=True,
    ),
    Rule(
        "apt-package-not-found",
        r"Unable to locate package (?P<name>\S+)|Package '?(?P<virtual>[^' ]+)'? has no installation candidate",
        "apt knows no package {name}{virtual}",
        "the base image is Debian or Ubuntu, and names differ between their releases",
        "mend system_packages in cog.yaml",
        look="step",
        author=True,
    ),
    Rule(
        "network-in-step",
        r"Could not resolve host:? (?P<host>\S+)|Temporary failure (?:in name resolution|resolving '(?P<name>[^']*)')|"
        r"Failed to fetch:? `?(?P<url>[^`\s]+)|Failed to establish a new connection|Connection refused|"
        r"Name or service not known|Network is unreachable",
        "a step of the build got no connection {host}{name}{url}",
        "packages and tools are fetched while the image is built",
        "see that this machine, and Docker in it, reaches the net (proxy, DNS, firewall), then build again",
        look="step",
    ),
    Rule(
        "tool-download",
        r"krallin/tini\S* .*" + STEP_FAILED + r"6\b",
        "cog could not fetch tini from GitHub",
        "an image that is not built on cog's own base image fetches it",
        "see that Docker reaches github.com, or let cog use its base image",
    ),
    Rule(
        "step-killed",
        STEP_FAILED + r"137\b",
        "a step of the build was killed from outside (exit code 137)",
        "nearly always the machine ran out of memory",
        "close what else runs, or add swap, then build again",
    ),
    Rule(
        "run-failed",
        r'process "(?:/bin/sh -c )?(?P<command>[\s\S]+?)" ' + STEP_FAILED + r"(?P<code>\d+)",
        "a command failed with exit code {code}: {command}",
        "an image is made only when each of its commands ends with 0",
        "read what it printed below, and mend it in cog.yaml or in the Dockerfile",
        author=True,
    ),
)
"""What a command of the build printed."""

ENGINE = (
    Rule(
        "bad-tag",
        r"invalid reference format: repository name \((?P<name>[^)]*)\) must be lowercase",
        "an image cannot be called {name}: the name must be lower-case",
        "that is docker's rule",
        "give a name in lower case",
        author=True,
    ),
    Rule(
        "bad-base-image",
        r'failed to parse stage name "(?P<name>[^"]*)"|invalid reference format',
        "the base image has no valid name: {name}",
        "cog makes it from python_version, cuda and the requirements",
        "mend these in cog.yaml, or the FROM line of your Dockerfile",
        author=True,
    ),
    Rule(
        "engine-too-old",
        r"library/cog_build\b|does not support --build-context",
        "this Docker Engine is too old: it cannot write the labels of a cog image",
        "the image itself was built, but without labels no model can be read from it (seen with 20.10)",
        "install Docker Engine 23 or later",
        "curl -fsSL https://get.docker.com | sudo sh",
    ),
    Rule(
        "disk-full",
        r"(?i)(?:failed to register layer: )?(?P<line>[^:\n]*: no space left on device)",
        "the disk of the Docker daemon is full: {line}",
        "a layer of the image could not be unpacked",
        "free space there, then build again; finished steps are kept",
        "docker system prune",
    ),
    Rule(
        "docker-stopped",
        r"error reading from server: EOF|code = Unavailable|failed to receive status|transport is closing",
        "the Docker daemon ended in the middle of the build",
        "it was stopped or restarted, or the machine ran out of memory",
        "start it, then build again; finished steps are kept",
        "sudo systemctl start docker",
    ),
)
"""What the Docker Engine is sure of."""

IMAGES = (
    Rule(
        "image-without-python",
        r'Failed to generate pip freeze from image: [\s\S]*?exec: "python"',
        "there is no python in the image",
        "cog starts its server with it, and lists the packages with it",
        "install Python in your Dockerfile, so that python is on PATH",
        author=True,
    ),
    Rule(
        "pip-freeze",
        r"Failed to generate pip freeze from image: (?P<reason>.+)",
        "the image's packages could not be listed: {reason}",
        "the image was built, but it got no labels",
        "start the image by hand and look: docker run --rm IMAGE python -m pip freeze",
    ),
    Rule(
        "frontend-unreachable",
        r"docker\.io/docker/dockerfile:|/v2/docker/dockerfile/manifests/",
        "BuildKit cannot fetch docker/dockerfile:1.4, with which it reads the Dockerfile",
        "each cog build asks Docker Hub for it",
        "see that Docker reaches registry-1.docker.io (proxy, DNS, firewall), then build again",
    ),
    Rule(
        "pull-limit",
        r"(?i)toomanyrequests|pull rate limit",
        "Docker Hub refuses more downloads for now",
        "it counts them by address for those who are not logged in",
        "log in to Docker Hub, or wait some hours",
        "docker login",
    ),
    Rule(
        "image-unreachable",
        r'failed to do request: Head "https?://(?P<host>[^/"]+)/v2/(?P<name>[^"]+?)/manifests/(?P<tag>[^"]+)"',
        "Docker cannot fetch {name}:{tag} from {host}",
        "the image is built on it",
        "see that Docker reaches {host} (proxy, DNS, firewall), then build again",
    ),
    Rule(
        "image-refused",
        r"(?P<name>\S+): (?:pull access denied|not found|manifest unknown)|insufficient_scope|authorization failed",
        "the registry has no image {name}, or not for you",
        "the image is built on it",
        "mend its name, or log in to its registry",
        author=True,
    ),
)
"""What is said of an image in words that others quote, too."""

HELPER = Rule(
    "credential-helper-missing",
    r'exec: "docker-credential-(?P<name>[\w.-]+)": executable file not found',
    "docker's configuration names the credential helper {name}, and it is not installed",
    "no registry can be asked, so cog silently builds on another base image",
    "install docker-credential-{name}, or take credsStore out of ~/.docker/config.json",
)

CONFIG_BROKEN = Rule(
    "docker-config-broken",
    r"[Ee]rror parsing config file \((?P<path>[^)]*)\): (?P<reason>.+)|parsing config file \((?P<other>[^)]*)\): ",
    "docker's configuration {path}{other} is not JSON",
    "no registry can be asked, so cog silently builds on another base image; cog login would overwrite the file",
    "mend the file before you log in or build",
)

NOTICES = (
    CONFIG_BROKEN,
    HELPER,
    Rule(
        "base-image-unsupported",
        r"continuing without base image support \(unsupported base image configuration: (?P<reason>.+?)\)\.?$",
        "cog has no base image for {reason}, and builds on another one",
        "the bytes of outputs may differ from those on cog's base image; miners take the image you push",
        "take a Python, CUDA and torch that cog has a base image for, or keep to this one in all tests",
    ),
    Rule(
        "base-image-fallback",
        r"continuing without base image support \((?!unsupported base)(?P<reason>.+)\)\.?$",
        "cog could not ask for its base image and builds on another one: {reason}",
        "a build that went well today on another base image does not give the same image as tomorrow's",
        "see that this machine reaches r8.im, then build again before you test seeds",
    ),
    Rule(
        "cog-in-requirements",
        r"'(?P<name>[^']*)' found in requirements",
        "{name} in the requirements is overridden with the latest cog",
        "the version you wrote is not the one in the image",
        "take it out of the requirements and set sdk_version in cog.yaml",
    ),
    Rule(
        "deprecated-field",
        r'deprecated field "(?P<name>[^"]*)": use "(?P<new>[^"]*)" instead|'
        r"cog: warning: (?P<old>\S+) is deprecated; use (?P<now>\S+) instead",
        "{name}{old} is an old name; the new one is {new}{now}",
        "it still works",
        "rename it when you like; cog doctor --fix does",
        "cog doctor --fix",
    ),
    Rule(
        "dockerfile-warning",
        r"^BuildKit: WARN: (?P<reason>.+)",
        "BuildKit warns: {reason}",
        "cog wrote the Dockerfile; this rarely matters",
        "nothing to do, unless the build fails",
    ),
)
"""What is said in passing, also by builds that go well."""
