"""Parse a command's proxy request strictly, and write it anew for the site."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from langgraph_fusion.sandbox.network.addresses import NotAllowed
from langgraph_fusion.sandbox.network.exclusion import Exclusion
from langgraph_fusion.sandbox.network.host_names import host_name
from langgraph_fusion.sandbox.network.web_url import DEFAULT_PORTS

# Domains and prefixes of URLs, the same read, or a function that says whether a URL is excluded.
Exclude = Sequence[str] | Exclusion | Callable[[str], bool]

METHOD = re.compile(r"[A-Z]{1,20}")
VERSION = re.compile(r"HTTP/1\.[01]")
PORT = re.compile(r"[0-9]{1,5}")
LENGTH = re.compile(r"[0-9]{1,15}")
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
# Ours to say, or only meant for a proxy.
DROPPED_HEADERS = ("host", "connection", "keep-alive", "upgrade", "expect", "te", "trailer")


@dataclass(frozen=True)
class Request:
    """What a command asked the proxy for. The host is in its one spelling, see `host_name`."""

    method: str
    scheme: str
    host: str
    port: int
    path: str
    headers: tuple[tuple[str, str], ...]

    @property
    def url(self) -> str:
        return f"{self.scheme}://{authority(self.host)}{self.path}"


def parse_request(head: bytes) -> Request:
    """What a proxy request asks for.

    Raises:
        NotAllowed: If it is no such request.
    """
    try:
        first, *lines = head.decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
        method, target, version = first.split(" ")
        if not METHOD.fullmatch(method) or not VERSION.fullmatch(version):
            raise ValueError
        if method == "CONNECT":
            scheme, place, path = "https", target, "/"
        else:
            scheme, place, path = _split(target)
        host, port = _host_and_port(place, DEFAULT_PORTS[scheme])
        headers = tuple(header(line) for line in lines)
    except (ValueError, KeyError) as error:
        raise NotAllowed("this is not a request to an HTTP proxy") from error
    # A server behind a gateway of the old kind cannot tell `_` from `-`.
    names = [name.lower().replace("_", "-") for name, _ in headers]
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    if "transfer-encoding" in names or names.count("content-length") > len(lengths):
        raise NotAllowed("send a body with one Content-Length")
    if len(lengths) > 1 or not all(map(LENGTH.fullmatch, lengths)):
        raise NotAllowed("send a body with one Content-Length")
    return Request(method, scheme, host, port, path, headers)


def _split(target: str) -> tuple[str, str, str]:
    """Scheme, authority, and path with query of a plain request."""
    if not target.isprintable():
        raise ValueError
    url = urlsplit(target)
    if url.scheme != "http" or "\\" in url.netloc:
        raise ValueError
    return "http", url.netloc, (url.path or "/") + (f"?{url.query}" if url.query else "")


def _host_and_port(place: str, default: int) -> tuple[str, int]:
    host, colon, port = place.rpartition(":")
    if not colon or "]" in port:
        return host_name(place), default
    if not PORT.fullmatch(port):
        raise ValueError
    return host_name(host), int(port)


def header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not HEADER_NAME.fullmatch(name) or not value.strip("\t").isprintable():
        raise ValueError
    return name, value.strip()


def rewritten_head(request: Request) -> bytes:
    """The request as the site gets it: one host, one connection, nothing for the proxy."""
    named = [value.lower() for name, value in request.headers if name.lower() == "connection"]
    dropped = {*DROPPED_HEADERS, *(word.strip() for value in named for word in value.split(","))}
    dropped.discard("content-length")  # the body that follows has it
    kept = [
        f"{name}: {value}"
        for name, value in request.headers
        if name.lower() not in dropped and not name.lower().startswith("proxy-")
    ]
    host = authority(request.host)
    lines = [f"{request.method} {request.path} HTTP/1.1", f"Host: {host}", *kept]
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode("ascii")


def authority(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def body_length(request: Request) -> int:
    """Bytes of the request's body; chunked ones have been refused."""
    lengths = [value for name, value in request.headers if name.lower() == "content-length"]
    return int(lengths[0]) if lengths else 0


def matches(pattern: str, host: str) -> bool:
    """Whether a host is allowed by a name, or by `*.` and the name it is below."""
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return host == pattern


def is_excluded(request: Request, exclude: Exclude) -> bool:
    """Whether a request is for what a run must not use; a rule about a page closes its whole host.

    It has to where a connection shows no path, and a host that is closed one way is closed.
    """
    if callable(exclude):
        return exclude(request.url)
    rules = exclude if isinstance(exclude, Exclusion) else Exclusion(exclude)
    return bool(rules.match_host(request.host, request.port) or rules.match(request.url))
