"""One reading of a URL for all tools: the same parser (yarl) that the fetching client uses.

Exclusion, address guard and connection agree on the host because they see the same parsed URL.
"""

import ipaddress
import re
import socket
from urllib.parse import unquote

from yarl import URL

_TRACKERS = re.compile(
    # The click and campaign ids of the AdGuard and ClearURLs lists that never choose the content.
    r"utm_.*|(?:g|d|fb|y|tw|tt|irc)clid|msclkid|gclsrc|[gw]braid|igsh(?:id)?|mc_[ce]id"
    r"|_ga|_gl|_hs(?:enc|mi)|hsctatracking|mkt_tok|(?:oly|vero|pk|mtm|matomo)_.*|srsltid|ref_src"
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def web_url(text: str) -> URL:
    """Parse an absolute http or https URL, without its fragment and user name.

    Raises:
        ValueError: If it is something else; the message says what.
    """
    url = URL(text.strip())
    if url.scheme not in _DEFAULT_PORTS:
        raise ValueError("only http and https addresses can be read")
    if not url.raw_host:
        raise ValueError("the address names no host")
    return url.with_fragment(None).with_user(None).with_host(host_name(url))


def host_name(url: URL) -> str:
    """Return the host in one spelling.

    Lower case, punycode, percent-encoding undone, no trailing dot; `0x7f.1` and `::ffff:7f00:1`
    become `127.0.0.1`.

    Raises:
        ValueError: If the host cannot be a name or an address.
    """
    host = unquote(url.raw_host or "").rstrip(".").lower()
    address = literal_address(host)
    if address is not None:
        return str(address)
    plain = URL.build(scheme="http", host=host).raw_host or ""
    if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", plain):
        raise ValueError("the address has an invalid host name")
    return plain


def literal_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host part spells out, in any form the C library accepts."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return _numeric_ipv4(host)
    return getattr(address, "ipv4_mapped", None) or address


def canonical_url(url: str) -> str:
    """Return the URL under which two addresses count as the same source. It is not for fetching.

    Scheme (http is https), a leading `www.`, host case, default port, user name, fragment,
    trailing slash, tracking parameters and the order of parameters make no difference: sites
    serve the same page either way, and counting it twice would look like a second witness.
    Everything else does, so that different pages are never merged. `docs:` URLs keep their
    fragment, which names the passage.
    """
    if url.startswith("docs:"):
        return url
    try:
        parsed = web_url(url)
    except ValueError:
        return url.strip()
    host = parsed.raw_host or ""
    if host.startswith("www.") and host.count(".") > 1:
        host = host.removeprefix("www.")
    port = None if parsed.port == _DEFAULT_PORTS[parsed.scheme] else parsed.port
    query = sorted(
        (key, value) for key, value in parsed.query.items() if not _TRACKERS.fullmatch(key.lower())
    )
    bare = URL.build(scheme="https", host=host, port=port).with_path(
        parsed.raw_path.rstrip("/"), encoded=True
    )
    return str(bare.with_query(query)).removesuffix("/")


def _numeric_ipv4(host: str) -> ipaddress.IPv4Address | None:
    if not re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}", host):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
