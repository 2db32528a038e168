"""The one address under which a page counts as a source."""

import re

from yarl import URL

from langgraph_fusion.sandbox.network.web_url import DEFAULT_PORTS, web_url

__all__ = ["canonical_url", "web_url"]

_TRACKERS = re.compile(
    # The click and campaign ids of the AdGuard and ClearURLs lists that never choose the content.
    r"utm_.*|(?:g|d|fb|y|tw|tt|irc)clid|msclkid|gclsrc|[gw]braid|igsh(?:id)?|mc_[ce]id"
    r"|_ga|_gl|_hs(?:enc|mi)|hsctatracking|mkt_tok|(?:oly|vero|pk|mtm|matomo)_.*|srsltid|ref_src"
)


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
    port = None if parsed.port == DEFAULT_PORTS[parsed.scheme] else parsed.port
    query = sorted(
        (key, value) for key, value in parsed.query.items() if not _TRACKERS.fullmatch(key.lower())
    )
    bare = URL.build(scheme="https", host=host, port=port).with_path(
        parsed.raw_path.rstrip("/"), encoded=True
    )
    return str(bare.with_query(query)).removesuffix("/")
