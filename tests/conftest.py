import pytest

# So that a failure there says what was compared, as in modules that pytest collects itself.
pytest.register_assert_rewrite("tests.contracts")
