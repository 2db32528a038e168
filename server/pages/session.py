"""A browser's key: a cookie that no script can read and that no other site's page can use.

The cookie holds the key itself, is sent to this server alone (HttpOnly, SameSite=Strict) and ends
with the browser. A request that changes something must also come from a page of this very server:
browsers say so in `Sec-Fetch-Site`, older ones in `Origin`.
"""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response

COOKIE = "fusion_session"
_READS = frozenset({"GET", "HEAD"})


def key_in_cookie(method: str, headers: Headers) -> str:
    """The key that a page of this server sends; empty if there is none, or from another page."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    if found is None or not (method in _READS or _is_own_page(headers)):
        return ""
    return found.value


def set_session(response: Response, key: str, *, secure: bool) -> None:
    """Give the browser its key; `secure` keeps the cookie to https."""
    response.set_cookie(COOKIE, key, httponly=True, samesite="strict", secure=secure, path="/")


def end_session(response: Response) -> None:
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")


def _is_own_page(headers: Headers) -> bool:
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == headers.get("host", "")
