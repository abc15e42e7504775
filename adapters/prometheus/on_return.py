"""What the parts of the storage's observer have in common."""

from collections.abc import Callable
from typing import Any, TypeAlias

OnReturn: TypeAlias = Callable[[tuple[Any, ...], Any], None]
"""Is told of a call that has returned: its positional arguments and its result."""
