"""The page's files: plain, of this machine, readable in both lights."""

import re
from pathlib import Path

import pytest

from entrypoints.simulation import web

FILES = Path(str(web.__file__)).parent / "static"
CSS = (FILES / "page.css").read_text(encoding="utf-8")
SCRIPTS = sorted(FILES.rglob("*.js"))

_ON_GROUNDS = [
    *((text, ground) for text in ("text", "soft", "accent") for ground in ("surface", "raised", "chosen")),
    *((look, ground) for look in ("good", "waiting", "bad") for ground in (f"{look}-soft", "surface")),
    ("accent", "accent-soft"),
    ("text", "accent-soft"),
    ("on-accent", "accent"),
    ("surface", "bad"),
    *((place, "surface") for place in ("slack", "pack", "flyte")),
]


def colours(*, dark: bool) -> dict[str, str]:
    """The colours by name, as either light has them."""
    light_part, dark_part = re.findall(r":root \{(.*?)\n\s*\}", CSS, re.DOTALL)
    pairs = re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light_part + (dark_part if dark else ""))
    return dict(pairs)


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("text", "ground"), _ON_GROUNDS)
def test_text_can_be_read_on_its_ground(text: str, ground: str, dark: bool) -> None:
    known = colours(dark=dark)
    lighter, darker = sorted((luminance(known[text]), luminance(known[ground])), reverse=True)

    assert (lighter + 0.05) / (darker + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_no_script_reads_html_or_code_from_text(script: Path) -> None:
    source = script.read_text(encoding="utf-8")

    assert not re.search(r"(inner|outer|Adjacent)HTML|document\.write|\beval\b|new Function|\.srcdoc", source)
    assert not re.search(r"https?://", source)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_script_says_in_a_line_what_it_is_for(script: Path) -> None:
    assert re.match(r"/\*\* [A-Z].*\. \*/\n", script.read_text(encoding="utf-8"))


def test_the_page_names_no_other_machine() -> None:
    for file in (FILES / "index.html", FILES / "page.css"):
        assert "//" not in re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_page_knows_every_station_of_a_way() -> None:
    sides = [FILES.parent / "trace" / f"{name}.py" for name in ("traces", "slack_tracer", "flyte_tracer", "pack_probe")]
    source = "".join(side.read_text(encoding="utf-8") for side in sides)
    told = set(re.findall(r"""(?:advance\(way, |_hear_of_action\([\w.]+, |_hear_of_post\()"(\w+)\"""", source))
    known = set(re.findall(r"^  (\w+): \[", (FILES / "js" / "stages.js").read_text(encoding="utf-8"), re.MULTILINE))

    assert {"said", "handed", "step", "sent"} <= told
    assert told <= known | {"step"}
