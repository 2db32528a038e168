"""The one parser of host names: what is matched, looked up and connected to is the same string.

A host is letters, digits, hyphens and dots, or an address. Decided here, once: upper case, a
trailing dot, names in other scripts (IDNA 2008 with the mapping of UTS 46), percent-encoding
(undone once, as the URL standard does), every numeric spelling of an IPv4 address that the C
library reads, and IPv4 in IPv6 (`::ffff:127.0.0.1`). NUL, zones of IPv6 and all else are refused.
"""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote

import idna

Address = IPv4Address | IPv6Address

MAX_TEXT = 1000
MAX_NAME = 253  # RFC 1035, in the form without the root's dot
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


class InvalidHost(ValueError):
    """No host name; the message says why without repeating it."""


def host_name(text: str) -> str:
    """Return the host in its one spelling: a name, or an address as `ipaddress` prints it.

    Args:
        text: As in a URL, with or without the brackets of an IPv6 address, without a port.

    Raises:
        InvalidHost: If it is neither a name nor an address.
    """
    plain = _ascii(_unquoted(text)).removesuffix(".").lower()
    if plain.startswith("[") and plain.endswith("]"):
        plain = plain[1:-1]
        if ":" not in plain:
            raise InvalidHost("only an IPv6 address stands in brackets")
    address = literal_address(plain)
    if address is not None:
        return str(address)
    labels = plain.split(".")
    if len(plain) > MAX_NAME or not all(map(LABEL.fullmatch, labels)):
        raise InvalidHost("a host name has letters, digits, hyphens and dots only")
    if NUMBER.fullmatch(labels[-1]):
        raise InvalidHost("a host name does not end in a number")
    return plain


def literal_address(host: str) -> Address | None:
    """Return the address that a host part spells out, in any form the C library accepts."""
    try:
        address = ip_address(host)
    except ValueError:
        return _numeric_ipv4(host)
    if isinstance(address, IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def is_below(host: str, domain: str) -> bool:
    """Whether a host is this domain or a name below it; both in their one spelling."""
    return host == domain or host.endswith(f".{domain}")


def _unquoted(text: str) -> str:
    if not text or len(text) > MAX_TEXT:
        raise InvalidHost("there is no host name of that length")
    try:
        text = unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidHost("a host name's percent-encoding is UTF-8") from error
    if "%" in text:
        raise InvalidHost("a host name has no percent sign")
    return text


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    try:
        return idna.encode(text, uts46=True, std3_rules=True).decode()
    except UnicodeError as error:  # IDNAError is one
        raise InvalidHost("this is no international host name") from error


def _numeric_ipv4(host: str) -> IPv4Address | None:
    parts = host.split(".")
    if len(parts) > 4 or not all(map(NUMBER.fullmatch, parts)):
        return None
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
