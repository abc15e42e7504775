"""`make reference`: writes docs/reference.md."""

from tests.reference.page import reference_page
from tests.support.pages import DOCS

(DOCS / "reference.md").write_text(reference_page())
