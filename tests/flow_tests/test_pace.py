"""The speed of virtual time: an hour of 3,600 messages at Slack's pace takes less than 20 s."""

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
    began = time.process_time()  # of this process alone, whatever else the machine does

    result = run_steps(tmp_path, steps)

    assert result.failure is None
    assert result.virtual_seconds > MESSAGES - 20
    assert time.process_time() - began < 20 / 3600 * MESSAGES
