import pytest
from hypothesis import settings

# So that a failure there says what was compared, as in modules that pytest collects itself.
pytest.register_assert_rewrite("tests.contracts")

# A busy machine makes no property false.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
