"""The page's static files: local, safe, and readable in both colour schemes."""

import re
from pathlib import Path

import pytest

from entrypoints.simulation import web

FILES = Path(str(web.__file__)).parent / "static"
CSS = (FILES / "page.css").read_text(encoding="utf-8")
SCRIPTS = sorted(FILES.rglob("*.js"))

_CONTRASTS = [
    *((text, ground) for text in ("text", "muted", "accent") for ground in ("surface", "raised", "selected")),
    *((tone, ground) for tone in ("good", "waiting", "bad") for ground in (f"{tone}-subtle", "surface")),
    ("accent", "accent-subtle"),
    ("text", "accent-subtle"),
    ("on-accent", "accent"),
    ("surface", "bad"),
    *((place, "surface") for place in ("slack", "pack", "flyte")),
]


def colours(*, dark: bool) -> dict[str, str]:
    """Returns the colours by name in one of the two colour schemes."""
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", CSS)
    return {name: dark_colour if dark else light_colour for name, light_colour, dark_colour in found}


def luminance(colour: str) -> float:
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("text", "background"), _CONTRASTS)
def test_text_has_enough_contrast_in_both_colour_schemes(text: str, background: str, dark: bool) -> None:
    known = colours(dark=dark)
    lighter, darker = sorted((luminance(known[text]), luminance(known[background])), reverse=True)

    assert (lighter + 0.05) / (darker + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_no_script_parses_html_or_evaluates_text(script: Path) -> None:
    source = script.read_text(encoding="utf-8")

    assert not re.search(r"(inner|outer|Adjacent)HTML|document\.write|\beval\b|new Function|\.srcdoc", source)
    assert not re.search(r"https?://", source)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_script_starts_with_a_line_that_describes_it(script: Path) -> None:
    assert re.match(r"/\*\* [A-Z].*\. \*/\n", script.read_text(encoding="utf-8"))


def test_the_page_refers_to_no_other_host() -> None:
    for file in (FILES / "index.html", *FILES.glob("*.css")):
        assert "//" not in re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_page_has_a_label_for_every_kind_of_trace_step() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (FILES.parent / "trace").glob("*.py"))
    added = set(re.findall(r"""_?(?:advance|add_action_step|add_reply_step)\([\w.]+, "(\w+)\"""", source))
    added |= set(re.findall(r"""_add_reply_step\(\s*"(\w+)\"""", source))
    added |= set(re.findall(r"""(?:kind: str =|stage,) "(\w+)\"""", source))
    labels = (FILES / "js" / "labels.js").read_text(encoding="utf-8").partition("STEPS")[2]
    labelled = set(re.findall(r"^  (\w+): \[", labels, re.MULTILINE))

    assert {"posted", "done", "published", "flow_step", "action_taken", "reply_posted", "dead_lettered"} <= added
    assert added <= labelled
