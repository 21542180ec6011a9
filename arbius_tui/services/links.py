"""An output that lies elsewhere: the server gave a link to it, as Cog does with --upload-url.

A text that is nothing but a link is one, whatever the schema calls it: its words prove nothing. What lies there is
fetched once for each prediction and hashed as it comes. The link is the word of a server that nobody vouches for, and
we follow it from the author's own machine, so it leads nowhere that the server itself could not reach:

- http and https only: `file:`, `s3:` and all others are refused
- from any server to a public address
- to a private address (10.x, 192.168.x, ..) only from a server at a private or loopback address
- to a loopback address only from a server at a loopback address
- never to any other address; link-local ones hold the clouds' metadata, with keys in it
- each redirect, five at most, is judged like the link; the connection goes to the very address that was judged

No password and no cookie of ours is sent. An answer other than 200, one that is compressed or does not announce its
size (half of it would look whole) and one that is too big have no hash.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urljoin, urlsplit

from arbius_tui.domain.text import clean
from arbius_tui.services import replies
from arbius_tui.services.cog_http import poured
from arbius_tui.services.outputs import MARK, Broken, Sieve, are_texts

if TYPE_CHECKING:
    import httpx

    from arbius_tui.services.cog_http import CogHttp

Zone: TypeAlias = Literal["public", "private", "loopback", "forbidden"]
REACH: dict[Zone, tuple[Zone, ...]] = {
    "public": ("public",),
    "private": ("public", "private"),
    "loopback": ("public", "private", "loopback"),
    "forbidden": ("public",),
}
"""Where a server of each zone may send us."""

PRIVATE = [ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
METADATA = [ipaddress.ip_address(known) for known in ("fd00:ec2::254", "192.0.0.192")]
"""Where Amazon's and Oracle's metadata lie besides the link-local address."""

LINK = re.compile(r"([a-z][a-z0-9+.-]*)://\S+", re.IGNORECASE)
REDIRECTS = 5
SILENCE = 60.0
"""Seconds that a link may say nothing."""


class Links:
    """Fetches the outputs that a server at `url` left elsewhere; files of more than `largest` bytes are refused."""

    def __init__(self, http: CogHttp, url: str, largest: int) -> None:
        self.http, self.url, self.largest = http, url, largest

    async def fetched(self, value: Any, sieve: Sieve, *, pieces: bool) -> Any:
        """The value with a payload of the sieve in place of each link. Broken, and a Failure when there is too much."""
        if isinstance(value, dict):
            return {key: await self.fetched(part, sieve, pieces=False) for key, part in value.items()}
        if isinstance(value, list):
            if pieces and are_texts(value) and not all(LINK.fullmatch(part) for part in value):
                return value
            return [await self.fetched(part, sieve, pieces=False) for part in value]
        if isinstance(value, str) and not MARK.fullmatch(value) and LINK.fullmatch(value):
            return await self.fetch(value, sieve)
        return value

    async def fetch(self, link: str, sieve: Sieve) -> str:
        """Hash what lies there; the mark that stands for it."""
        import httpx

        home = await zone(self.url)
        where = link
        try:
            for _ in range(REDIRECTS + 1):
                request = await self.request(where, home)
                response = await (await self.http.opened()).send(request, stream=True)
                try:
                    if not response.has_redirect_location:
                        return await self.take(where, response, sieve)
                    where = urljoin(where, response.headers["location"])
                finally:
                    await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise Broken(f"its output lies at {shown(where)}, and that broke off ({type(error).__name__})") from None
        raise Broken(f"its output lies at {shown(link)}, and that leads from one place to the next")

    async def request(self, link: str, home: Zone) -> httpx.Request:
        """A request to an address that was judged, with the name in the places where it matters."""
        import httpx

        parts = urlsplit(link)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            raise Broken(f"its output is a link that is never followed: {shown(link)}")
        found = await addresses(link)
        if not found:
            raise Broken(f"its output lies at {shown(link)}, and there is no such place")
        if strange := next((address for address in found if zone_of(address) not in REACH[home]), None):
            raise Broken(f"its output is a link to {strange}, where a server at {shown(self.url)} may not send us")
        url = httpx.URL(link)
        headers = {"Host": url.netloc.decode("ascii").rpartition("@")[2], "Accept": "*/*"}
        return (await self.http.opened()).build_request(
            "GET",
            url.copy_with(host=str(found[0]), username="", password=""),
            headers=headers,
            extensions={"sni_hostname": parts.hostname},
            timeout=httpx.Timeout(SILENCE, connect=10),
        )

    async def take(self, where: str, response: httpx.Response, sieve: Sieve) -> str:
        """The bytes of an answer."""
        at = f"its output lies at {shown(where)}, and that answers"
        length = response.headers.get("content-length", "")
        whole = length.isdecimal() or "chunked" in response.headers.get("transfer-encoding", "").lower()
        if response.status_code != 200:
            raise Broken(f"{at} with HTTP {response.status_code}")
        if response.headers.get("content-encoding", "identity").lower() != "identity" or not whole:
            raise Broken(f"{at} " + ("in a compressed form" if whole else "without saying how much there is"))
        return await poured(response, response.aiter_raw(), sieve, self.largest)


def shown(url: str) -> str:
    """A link as it may be shown: the query may hold a signature."""
    return replies.shown(url) if urlsplit(url).netloc else clean(url.partition("?")[0])


async def zone(url: str) -> Zone:
    """Where a server that the author named stands; the nearest of its addresses counts."""
    zones = [zone_of(address) for address in await addresses(url)]
    order: tuple[Zone, ...] = ("loopback", "private", "public")
    return next((one for one in order if one in zones), "forbidden")


async def addresses(url: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The addresses of a URL's host."""
    try:
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(parts.hostname or "", parts.port or 80, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return []
    return [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


def zone_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Zone:
    """What kind of place an address is; one that carries another in itself is judged by that, or forbidden."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return zone_of(address.ipv4_mapped)
    if address.is_loopback:
        return "loopback"
    if address in METADATA or address.is_link_local or address.is_multicast or address.is_reserved:
        return "forbidden"
    if any(address in network for network in PRIVATE):
        return "private"
    tunnelled = isinstance(address, ipaddress.IPv6Address) and (address.sixtofour or address.teredo)
    return "public" if address.is_global and not tunnelled else "forbidden"
