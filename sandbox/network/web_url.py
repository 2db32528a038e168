"""One reading of a web address: the parser of the client that fetches, and our host names."""

from yarl import URL

from langgraph_fusion.sandbox.network.host_names import host_name

DEFAULT_PORTS = {"http": 80, "https": 443}


def web_url(text: str) -> URL:
    """Parse an absolute http or https URL, without its fragment and user name.

    Raises:
        ValueError: If it is something else; the message says what.
    """
    url = URL(text.strip())
    if url.scheme not in DEFAULT_PORTS:
        raise ValueError("only http and https addresses can be read")
    if not url.raw_host:
        raise ValueError("the address names no host")
    host = host_name(url.raw_host)
    return url.with_fragment(None).with_user(None).with_host(host)
