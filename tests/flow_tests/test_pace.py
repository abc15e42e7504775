"""How long virtual time takes: an hour of 3,600 messages at Slack's pace less than 20 s."""

import time
from pathlib import Path

from tests.flow_tests.running import played

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

    verdict = played(tmp_path, steps)

    assert verdict.failure is None
    assert verdict.virtual_seconds > MESSAGES - 20
    assert time.process_time() - began < 20 / 3600 * MESSAGES
