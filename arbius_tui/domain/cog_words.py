"""What `cog --version`, `cog doctor` and `cog login` say, in words. Texts are those of cog 0.22."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from arbius_tui.domain.build_rule import Rule, one_line
from arbius_tui.domain.build_rules_author import CONFIG
from arbius_tui.domain.build_rules_docker import CONFIG_BROKEN, HELPER, MACHINE
from arbius_tui.domain.errors import Fix, Problem, Severity

VERSION = re.compile(r"^cog version (\S+) \(built [^)]*\)$", re.MULTILINE)
"""What Replicate's cog says of itself since 0.8."""

INSTALL = "curl -fsSL https://cog.run/install.sh | sh"

TOKEN_PAGE = "https://replicate.com/auth/token"  # noqa: S105 - an address, not a token

STRANGERS = (
    (r"WPE WebKit", "a web browser (Debian's package cog)"),
    (r"option --version not recognized|^Cog version ", "a code generator (Python's package cogapp)"),
    (r"^Not Found|: 1: Not:|Exec format error", "not a program: its download failed"),
)
"""Other programs that are called cog, by what they say to --version."""


def stranger(path: str, said: str) -> Problem:
    """A program called cog that is not Replicate's."""
    kind = next((words for pattern, words in STRANGERS if re.search(pattern, said, re.MULTILINE)), "another program")
    return Problem(
        "cog-other-program",
        f"{path} is not Replicate's cog but {kind}",
        "models are built with Replicate's cog",
        Fix("install Replicate's cog, in a folder that stands before that one on PATH", INSTALL),
        said,
    )


NOT_INSTALLED = Problem(
    "cog-missing",
    "cog is not installed, or not on PATH",
    "models are built with it; pip install cog brings only its Python half and no command",
    Fix("install Replicate's cog", INSTALL),
)

# -- cog doctor

DOCTOR = (
    *CONFIG,
    Rule(
        "docker-cli-missing",
        r'Docker is not available: exec: "docker": executable file not found',
        "cog doctor finds no docker command",
        "cog build itself does not need it; people do",
        "install it, or ignore this when the daemon answers",
    ),
    Rule(
        "docker-unavailable",
        r"Docker is not available: (?P<reason>.+)",
        "docker does not answer to cog doctor: {reason}",
        "no daemon, or this user may not speak to it; cog doctor does not tell which",
        "see what docker itself says",
        "docker info",
    ),
    Rule(
        "predictor-missing",
        r"cog\.yaml . (?P<name>\S+) not found",
        "the predictor's file is not there: {name}",
        "cog reads its inputs from the source",
        "write it, or mend run: or predict: in cog.yaml",
        author=True,
    ),
    Rule(
        "doctor-python",
        r"Python not found in PATH",
        "cog doctor finds no python",
        "cog build does not need it: the image has its own",
        "nothing to do",
    ),
    Rule(
        "deprecated-field",
        r"(?P<words>.*\bdeprecated\b.*)",
        "old names: {words}",
        "they still work",
        "cog renames them in your files",
        "cog doctor --fix",
    ),
)

BLIND = "it sees no syntax errors, no unknown keys, no broken credential helper and no Engine that is too old"
"""What cog doctor was seen to pass."""

MILD = frozenset({"docker-cli-missing", "doctor-python", "deprecated-field"})


@dataclass(frozen=True, slots=True)
class Doctor:
    """What cog doctor found. `sentence` is the whole of it; each finding is a problem."""

    sentence: str
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing of it stops a build."""
        return not any(problem.severity == "error" for problem in self.problems)


def doctor(lines: Iterable[str], code: int) -> Doctor:
    """Read cog doctor's output: in a pipe a check that fails looks like one that passes, but for what is under it."""
    problems = tuple(findings(list(lines)))
    if not problems and code:
        problems = (Problem("doctor-failed", f"cog doctor ended with exit code {code}", BLIND, None),)
    if not problems:
        return Doctor(f"cog doctor finds nothing; {BLIND}")
    count = f"{len(problems)} finding{'s' if len(problems) > 1 else ''}"
    return Doctor(f"cog doctor has {count}: {problems[0].what}", problems)


def findings(lines: list[str]) -> Iterator[Problem]:
    """A problem for each finding; several of one kind are one."""
    seen, check = set[str](), ""
    for line in (re.sub(r"^ ?[⚙✔⚠✗] {1,2}", "", text).rstrip() for text in lines):
        if not line.startswith("  ") and not line.startswith("cog.yaml not found"):
            check = line
            continue
        problem = finding(check, line.strip())
        if problem.code not in seen:
            seen.add(problem.code)
            yield problem


def finding(check: str, text: str) -> Problem:
    """One indented line below the name of its check."""
    if check.startswith("Fixed: "):
        return Problem("doctor-fixed", f"cog mended: {one_line(text)}", severity="info", detail=f"{check}\n{text}")
    for rule in DOCTOR:
        found = re.search(rule.pattern, text)
        if found:
            severity: Severity = "warn" if rule.code in MILD else "error"
            return replace(rule.problem(found, f"{check}\n{text}"), severity=severity)
    return Problem("doctor-finding", f"{check}: {one_line(text)}", severity="warn")


# -- cog login

LOGGED_IN = re.compile(r"successfully authenticated as (?P<user>\S+)! You can now use the (?P<host>\S+) registry")

LOGIN = (
    HELPER,
    Rule(
        "login-token-empty",
        r"token is empty",
        "no token was given",
        "Replicate's registry knows you by it",
        f"copy it from {TOKEN_PAGE}",
    ),
    Rule(
        "login-api-token",
        r"that looks like a Replicate API token",
        "this is an API token (r8_...), and cog login wants the other kind",
        "the registry takes only a CLI token",
        f"copy the CLI token from {TOKEN_PAGE}",
    ),
    Rule(
        "login-unknown",
        r"user does not exist",
        "Replicate knows nobody by this token",
        "it was revoked, or not copied whole",
        f"copy a new one from {TOKEN_PAGE}",
    ),
    Rule(
        "login-server",
        r"failed to verify token, got status (?P<status>\d+)",
        "Replicate could not check the token (HTTP {status})",
        "the token may be good",
        "try again in some minutes",
    ),
    Rule(
        "login-certificate",
        r"failed to verify certificate|x509: ",
        "the certificate of r8.im is not one that this machine trusts",
        "somebody stands between you and Replicate (a proxy), or the CA certificates here are old",
        "install the system's CA certificates anew, or your proxy's; do not send the token until then",
        "sudo apt install --reinstall ca-certificates",
    ),
    Rule(
        "login-offline",
        r"failed to verify token: Post \"(?P<url>[^\"]*)\": (?P<reason>.+)",
        "Replicate's registry cannot be reached: {reason}",
        "the token is checked there",
        "see that this machine reaches https://r8.im (proxy, DNS, firewall), then try again",
    ),
    Rule(
        "login-answer",
        r"invalid character .+",
        "what answered for r8.im is not Replicate's registry",
        "its answer is not JSON; a proxy or a login page of the network answers so",
        "see what https://r8.im shows in a browser",
    ),
    Rule(
        "login-other-registry",
        r"Logging in to (?P<host>\S+)|failed to read (?:password|username)",
        "cog asks for a user name and a password of {host}",
        "with COG_REGISTRY_HOST or --registry it logs in to that registry, and takes no token",
        "unset COG_REGISTRY_HOST to log in to r8.im, or log in to the other one with docker login",
    ),
)


def login_user(said: str) -> str:
    """Who is logged in now, "" when cog does not say so."""
    found = LOGGED_IN.search(said)
    return found["user"] if found else ""


def login_problem(said: str, code: int) -> Problem:
    """Why cog login failed."""
    for rule in (*LOGIN, *MACHINE):
        found = re.search(rule.pattern, said, re.MULTILINE)
        if found:
            return rule.problem(found, said[-2000:])
    last = one_line(said.strip().rsplit("\n", 1)[-1])
    return Problem("login-failed", f"cog login ended with exit code {code}: {last}", "", None, said[-2000:])


def config_broken(path: str, reason: str) -> Problem:
    """Docker's configuration does not parse; cog login would overwrite it with one that knows r8.im alone."""
    return Problem(
        CONFIG_BROKEN.code,
        f"docker's configuration {path} is not JSON: {one_line(reason)}",
        "cog login would overwrite the file, and cog build silently takes another base image",
        Fix(CONFIG_BROKEN.fix),
    )


def helper_missing(name: str) -> Problem:
    """The credential helper that docker's configuration names is not on PATH."""
    found = re.search(HELPER.pattern, f'exec: "docker-credential-{name}": executable file not found')
    return HELPER.problem(found, "") if found else Problem(HELPER.code, "a credential helper is not installed")
