"""The recorded cases of the server's own code, and what the documentation says about them."""

import re
from pathlib import Path

CASES = Path(__file__).parent / "conformance"
_DOCUMENTATION = Path(__file__).parents[2] / "docs" / "templates.md"
_ROW = re.compile(r"^\| (templates|flow engine|YAML) \| ([\d,]+) \| (\d+) \|$", re.MULTILINE)


def differences_in_documentation() -> dict[str, tuple[int, int]]:
    """Returns for each set of cases the number of cases and of those that differ, as documented."""
    rows = _ROW.findall(_DOCUMENTATION.read_text(encoding="utf-8"))
    return {name: (int(cases.replace(",", "")), int(different)) for name, cases, different in rows}
