"""pongo2's filters for HTML and URLs."""

import re
from urllib.parse import quote_plus

from entrypoints.simulation.pongo2 import html_truncation
from entrypoints.simulation.pongo2.regex import compile_pattern
from entrypoints.simulation.pongo2.values import SafeText, escape_html, length, to_integer, to_text

_TAGS = r"<[^>]*?>"
_URL = r"((((http|https)://)|www\.|((^|[ ])[0-9A-Za-z_\-]+(\.com|\.net|\.org|\.info|\.biz|\.de))))(?U:.*)([ ]+|$)"
_EMAIL = r"(\w+@\w+\.\w{2,4})"
_SAFE_IN_IRIS = "/#%[]=:;$&()+,!?*@'~"


def escape(value: object) -> object:
    """Replaces & < > and quotes by HTML entities."""
    return escape_html(to_text(value))


def escapejs(value: object) -> object:
    r"""Replaces everything but letters, spaces and slashes by `\uXXXX`."""
    text = to_text(value).replace("\\r", "\r").replace("\\n", "\n")
    return "".join(c if (c.isascii() and c.isalpha()) or c in " /" else f"\\u{ord(c):04X}" for c in text)


def iriencode(value: object) -> object:
    """Percent-encodes an IRI, except for characters that have a meaning in it."""
    return quote_plus(to_text(value), safe=_SAFE_IN_IRIS, errors="replace")


def linebreaks(value: object) -> object:
    """Turns blank lines into paragraphs, and single line breaks into `<br />`."""
    if not length(value):
        return value
    lines = to_text(value).split("\n")
    output: list[str] = []
    is_open = False
    for index, line in enumerate(lines):
        output += ([] if is_open else ["<p>"]) + [line]
        is_open = True
        if index < len(lines) - 1 and line.strip():
            is_open = bool(lines[index + 1].strip())
            output.append("<br />" if is_open else "</p>")
    return "".join(output) + ("</p>" if is_open else "")


def linebreaksbr(value: object) -> object:
    """Turns every line break into `<br />`."""
    return to_text(value).replace("\n", "<br />")


def removetags(value: object, argument: object) -> object:
    """Removes the named tags, separated by commas."""
    text = to_text(value)
    for tag in to_text(argument).split(","):
        text = compile_pattern(f"</?{tag}/?>").sub("", text)
    return text.strip()


def safe(value: object) -> object:
    """Prevents escaping while autoescape is on."""
    return value


def striptags(value: object) -> object:
    """Removes all tags."""
    return compile_pattern(_TAGS).sub("", to_text(value)).strip()


def urlencode(value: object) -> object:
    """Percent-encodes for the query of a URL."""
    return quote_plus(to_text(value), safe="", errors="replace")


def truncatechars_html(value: object, argument: object) -> object:
    """Truncates to a number of characters, including three dots; tags do not count."""
    return SafeText(html_truncation.truncate_characters(to_text(value), max(to_integer(argument) - len("..."), 0)))


def truncatewords_html(value: object, argument: object) -> object:
    """Truncates to a number of words, followed by three dots; tags do not count."""
    return SafeText(html_truncation.truncate_words(to_text(value), max(to_integer(argument), 0)))


def urlize(value: object, argument: object) -> object:
    """Turns URLs and email addresses into links; with `false`, their text is not escaped."""
    return _urlize(to_text(value), is_escaped=argument if isinstance(argument, bool) else True)


def urlizetrunc(value: object, argument: object) -> object:
    """Turns URLs and email addresses into links, whose text is truncated to a number of characters."""
    return _urlize(to_text(value), limit=to_integer(argument))


def _urlize(text: str, *, is_escaped: bool = True, limit: int = -1) -> str:
    def label(shown: str) -> str:
        encoded = shown.encode()
        if not len("...") < limit < len(encoded):
            return shown
        return encoded[: limit - len("...")].decode(errors="replace") + "..."

    def link(found: re.Match[str]) -> str:
        url = found.group() or ""
        shown = url.strip()
        href = to_text(iriencode(shown))
        href = href if href.startswith("http") else f"http://{href}"
        title = escape_html(label(shown)) if is_escaped else label(shown)
        before, after = " " * url.startswith(" "), " " * url.endswith(" ")
        return f'{before}<a href="{href}" rel="nofollow">{title}</a>{after}'

    def mail_link(found: re.Match[str]) -> str:
        return f'<a href="mailto:{found.group()}">{label(found.group())}</a>'

    return compile_pattern(_EMAIL).sub(mail_link, compile_pattern(_URL).sub(link, text))
