"""`make reference`: writes docs/reference.md."""

import sys

from entrypoints.simulation.flyte.documents import InvalidDocument
from tests.reference.page import reference_page
from tests.support.pages import DOCS

try:
    page = reference_page()
except (LookupError, AssertionError, InvalidDocument) as error:
    sys.exit(f"docs/reference.md is unchanged: {error}")
(DOCS / "reference.md").write_text(page)
