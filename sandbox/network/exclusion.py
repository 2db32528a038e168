"""Sites that a run must not use: domains and URL prefixes.

Covered: queries that name an excluded site, hits, fetched addresses, every redirect, excluded
addresses wrapped whole into another one (`https://archive.example/2020/https://excluded…`), and
what commands in a sandbox ask its proxy for.
Not covered: copies of an excluded page under an address that does not contain its own.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from yarl import URL

from langgraph_fusion.sandbox.network.host_names import is_below
from langgraph_fusion.sandbox.network.web_url import web_url

_SITE = re.compile(r"(?<![\w-])(?:site|inurl|url|domain|host):\s*[\"'(]*([^\s\"'()]+)", re.I)
_EMBEDDED = re.compile(r"https?:/{1,2}(?=[^/\s])", re.I)
_MAX_EMBEDDED = 8


@dataclass(frozen=True)
class _Rule:
    text: str
    host: str
    port: int | None
    path: tuple[str, ...]
    parameters: frozenset[tuple[str, str]] = frozenset()

    def covers(self, url: URL) -> bool:
        if not self.touches(url) or _segments(url.raw_path)[: len(self.path)] != self.path:
            return False
        return not self.parameters or self.parameters <= _parameters(url)

    def touches(self, url: URL) -> bool:
        """Whether it covers any page of that host."""
        return is_below(_bare_host(url), self.host) and self.port in (None, url.port)


class Exclusion:
    """The exclusion rules of a run.

    A rule is a domain, which covers its subdomains (`example.org`), or a URL prefix
    (`huggingface.co/datasets/x`), with or without a scheme and `www.`. A prefix ends at a path
    segment: `/datasets/x` covers `/datasets/x/y`, not `/datasets/xyz`. Letter case, http or https,
    percent-encoding, user names, trailing dots and dot segments make no difference; a port does
    only if the rule names one. A rule with parameters (`journal.org/article?id=7`) covers the
    addresses that have all of them, in any order and among others.

    Raises:
        ValueError: If a rule is neither; the message names it.
    """

    def __init__(self, rules: Iterable[str] = ()) -> None:
        self._rules = tuple(_parsed(rule) for rule in rules)

    @property
    def domains(self) -> tuple[str, ...]:
        """The rules that are whole domains, for backends that can leave these out themselves."""
        return tuple(
            rule.host for rule in self._rules if not (rule.path or rule.parameters or rule.port)
        )

    def match(self, url: str) -> str | None:
        """Return the rule that excludes this URL, as its author wrote it."""
        for candidate in (url, *_embedded(url)):
            if rule := self._match(candidate):
                return rule
        return None

    def match_host(self, host: str, port: int) -> str | None:
        """Return the rule that excludes anything there: for a connection that shows no path."""
        url = web_url(f"https://{f'[{host}]' if ':' in host else host}:{port}/")
        return next((rule.text for rule in self._rules if rule.touches(url)), None)

    def match_query(self, query: str) -> str | None:
        """Return the rule that covers a site which this query asks for by `site:` or the like."""
        for wanted in _SITE.findall(query):
            if rule := self._match(wanted if "://" in wanted else "http://" + wanted.lstrip("*.")):
                return rule
        return None

    def _match(self, url: str) -> str | None:
        try:
            parsed = web_url(url)
        except ValueError:
            return None
        return next((rule.text for rule in self._rules if rule.covers(parsed)), None)


def _parsed(rule: str) -> _Rule:
    text = rule.strip()
    try:
        url = URL(text if "://" in text else f"https://{text}")
        has_port, extra = url.explicit_port, url.raw_user or url.fragment
        url = web_url(str(url))
    except ValueError as error:
        raise ValueError(_not_a_rule(rule, str(error))) from None
    parameters = _parameters(url)
    if extra or re.search(r"[\s*]", text) or (url.raw_query_string and not parameters):
        raise ValueError(_not_a_rule(rule, "no user names, bare queries, fragments or wildcards"))
    return _Rule(text, _bare_host(url), has_port, _segments(url.raw_path), parameters)


def _not_a_rule(rule: str, why: str) -> str:
    return (
        f"exclude: `{rule}` is not a domain or a URL prefix ({why}). "
        "Write `example.org`, which covers its subdomains too, `example.org/path`, or "
        "`example.org/path?id=7`."
    )


def _bare_host(url: URL) -> str:
    host = url.raw_host or ""
    return host.removeprefix("www.") if host.count(".") > 1 else host


def _segments(raw_path: str) -> tuple[str, ...]:
    """Split a path as a lenient server would: decoded, dot segments resolved, case ignored."""
    segments: list[str] = []
    for segment in re.split(r"[/\\]", _decoded(raw_path)):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment.casefold())
    return tuple(segments)


def _parameters(url: URL) -> frozenset[tuple[str, str]]:
    """The parameters that have a value, decoded, in any case."""
    pairs = parse_qsl(url.raw_query_string.replace(";", "&"))
    return frozenset(
        (_decoded(name).casefold(), _decoded(value).casefold()) for name, value in pairs
    )


def _embedded(url: str) -> list[str]:
    decoded = _decoded(url)
    starts = [found.end() for found in _EMBEDDED.finditer(decoded)][1 : _MAX_EMBEDDED + 1]
    return [f"https://{decoded[start:]}" for start in starts]


def _decoded(text: str) -> str:
    for _ in range(3):  # twice encoded is a known trick, and a server may decode twice
        text, before = unquote(text), text
        if text == before:
            break
    return text
