"""The speed of virtual time: an hour of 3,600 messages at Slack's pace takes less than 20 s."""

import math
import time
from pathlib import Path

from tests.flow_tests.running import run_steps

MESSAGES = 300
"""A twelfth of the hour, so that it can be tried each time."""


def test_an_hour_at_slack_s_pace_takes_seconds(tmp_path: Path) -> None:
    steps = f"""
    - repeat: {MESSAGES}
      steps:
      - say: echo {{{{ n }}}}
    - repeat: {MESSAGES}
      steps:
      - expect: {{message: "{{{{ n }}}}", within: 1h}}
    """
    seconds: list[float] = []
    while len(seconds) < 5 and min(seconds, default=math.inf) >= 20 / 3600 * MESSAGES:
        began = time.process_time()
        result = run_steps(tmp_path, steps)
        seconds.append(time.process_time() - began)
        assert result.failure is None
        assert result.virtual_seconds > MESSAGES - 20

    # The fastest counts: whatever else the machine does takes caches and clock rate away from the others.
    assert min(seconds) < 20 / 3600 * MESSAGES
