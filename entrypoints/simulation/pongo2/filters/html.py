"""pongo2's filters for HTML and addresses."""

from urllib.parse import quote_plus

from entrypoints.simulation.pongo2.html_escape import escape_html
from entrypoints.simulation.pongo2.regex import Match, compile_pattern
from entrypoints.simulation.pongo2.values import length, to_text

_TAGS = r"<[^>]*?>"
_URL = r"((((http|https)://)|www\.|((^|[ ])[0-9A-Za-z_\-]+(\.com|\.net|\.org|\.info|\.biz|\.de))))(?U:.*)([ ]+|$)"
_EMAIL = r"(\w+@\w+\.\w{2,4})"
_KEPT_IN_ADDRESSES = frozenset("/#%[]=:;$&()+,!?*@'~")


def escape(value: object) -> object:
    """Writes & < > and quotes as HTML entities."""
    return escape_html(to_text(value))


def escapejs(value: object) -> object:
    r"""Writes everything but letters, spaces and slashes as `\uXXXX`."""
    whole = to_text(value).replace("\\r", "\r").replace("\\n", "\n")
    return "".join(c if (c.isascii() and c.isalpha()) or c in " /" else f"\\u{ord(c):04X}" for c in whole)


def iriencode(value: object) -> object:
    """Encodes an address, leaving alone what may stand in one."""
    return "".join(c if c in _KEPT_IN_ADDRESSES else _quoted(c) for c in to_text(value))


def linebreaks(value: object) -> object:
    """Makes paragraphs of what blank lines separate, and `<br />` of single line ends."""
    if not length(value):
        return value
    lines = to_text(value).split("\n")
    written: list[str] = []
    is_open = False
    for index, line in enumerate(lines):
        written += ([] if is_open else ["<p>"]) + [line]
        is_open = True
        if index < len(lines) - 1 and line.strip():
            is_open = bool(lines[index + 1].strip())
            written.append("<br />" if is_open else "</p>")
    return "".join(written) + ("</p>" if is_open else "")


def linebreaksbr(value: object) -> object:
    """Makes `<br />` of every line end."""
    return to_text(value).replace("\n", "<br />")


def removetags(value: object, argument: object) -> object:
    """Removes the named tags, several separated by commas."""
    whole = to_text(value)
    for tag in to_text(argument).split(","):
        whole = compile_pattern(f"</?{tag}/?>").sub("", whole)
    return whole.strip()


def safe(value: object) -> object:
    """Leaves the value alone, also where autoescape is on."""
    return value


def striptags(value: object) -> object:
    """Removes all tags."""
    return compile_pattern(_TAGS).sub("", to_text(value)).strip()


def urlencode(value: object) -> object:
    """Encodes for the query of an address."""
    return _quoted(to_text(value))


def urlize(value: object, argument: object) -> object:
    """Makes links of addresses; `false` leaves their text unescaped."""
    is_escaped = argument if isinstance(argument, bool) else True

    def linked(found: Match) -> str:
        address = found.group() or ""
        shown = address.strip()
        href = to_text(iriencode(shown))
        href = href if href.startswith("http") else f"http://{href}"
        label = escape_html(shown) if is_escaped else shown
        before, after = " " * address.startswith(" "), " " * address.endswith(" ")
        return f'{before}<a href="{href}" rel="nofollow">{label}</a>{after}'

    def mailed(found: Match) -> str:
        return f'<a href="mailto:{found.group()}">{found.group()}</a>'

    return compile_pattern(_EMAIL).sub(mailed, compile_pattern(_URL).sub(linked, to_text(value)))


def _quoted(whole: str) -> str:
    return quote_plus(whole, safe="", errors="replace")
