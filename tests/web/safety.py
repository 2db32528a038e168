"""What in a page could run, load or leave it."""

from collections.abc import Iterator

from lxml import html

_MAY_LOAD = {
    "script", "img", "iframe", "object", "embed", "link", "base", "form", "video", "audio", "image",
    "use",
}  # fmt: skip
_LEADS = ("https://", "http://", "mailto:", "#")


def unsafe_parts(page: str) -> Iterator[str]:
    """Name each element and attribute that is more than text, layout and plain links."""
    for element in html.fromstring(page).iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag in _MAY_LOAD:
            yield f"<{element.tag}>"
        for name, value in element.attrib.items():
            if name.lower().startswith("on") or name in (
                "style",
                "src",
                "srcset",
                "action",
                "xlink:href",
            ):
                yield f"<{element.tag} {name}={value!r}>"
            if name == "href" and not str(value).lower().startswith(_LEADS):
                yield f"<{element.tag} href={value!r}>"
