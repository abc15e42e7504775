"""Finds suspicious settings with which the pack can still run: misspelt names, and values that belong elsewhere."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from entrypoints.config.issues import SettingIssue
from entrypoints.config.variables import Variable

if TYPE_CHECKING:
    from entrypoints.config.settings import Settings

_OURS: Final = "FLYTE_SLACK_"
_PROBABLY_OURS: Final = re.compile("FL|.*SLACK", re.IGNORECASE)
"""Names worth comparing with all of the pack's, which takes time."""
_SET_BY_KUBERNETES: Final = re.compile(r"FLYTE_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
"""Variables that Kubernetes sets in every container of a namespace with a service called `flyte`, `flyte-slack` ..."""
_ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://")
"""What Kubernetes sets the variable `..._PORT` of such a service to."""
_SIMILAR: Final = 0.8
_MORE_SIMILAR: Final = 0.85
"""The similarity required of names that another program may use."""
_KIND_OF_TOKEN: Final = re.compile(r"(xapp|xoxb|xoxp)-")
_KINDS: Final = {"xapp": "an app-level token", "xoxb": "a bot token", "xoxp": "a user token"}
_BELONGS_IN: Final = {"xapp": "FLYTE_SLACK_APP_TOKEN", "xoxb": "FLYTE_SLACK_TOKEN"}
_CHANNEL_NAME: Final = re.compile(r"#.*|.*[^\W\dA-Z_].*")
"""Ids have capital letters and digits only; names have no capital letters."""


def misspelt(given: Mapping[str, str], variables: Iterable[Variable]) -> Iterator[SettingIssue]:
    """Yields a warning for each variable with a name that is unknown and looks like one of the pack's."""
    known = {name: variable for variable in variables for name in variable.names}
    missing = [name for name, variable in known.items() if given.keys().isdisjoint(variable.names)]
    without_prefix = [name for name in missing if not _PROBABLY_OURS.match(name)]
    for name in sorted(given.keys() - known.keys()):
        if _SET_BY_KUBERNETES.fullmatch(name) or (name.endswith("_PORT") and _ADDRESS.match(given[name])):
            continue
        candidates = list(known) if name.startswith("FLYTE_") else missing
        if intended := _intended(name, candidates if _PROBABLY_OURS.match(name) else without_prefix):
            yield SettingIssue(name, f"unknown variable; did you mean {intended}?")
        elif name.startswith(_OURS):
            yield SettingIssue(name, "unknown variable")


def misplaced(settings: "Settings") -> Iterator[SettingIssue]:
    """Yields a warning for each value that certainly belongs elsewhere. Shows no secret."""
    for name, secret, expected in (
        ("FLYTE_SLACK_TOKEN", settings.slack_token, "xoxb"),
        ("FLYTE_SLACK_APP_TOKEN", settings.slack_app_token, "xapp"),
        ("FLYTE_SLACK_SIGNING_SECRET", settings.slack_signing_secret, ""),
    ):
        kind = _KIND_OF_TOKEN.match(secret.reveal()) if secret else None
        if kind and kind[1] != expected:
            yield SettingIssue(name, _misplaced_token(kind[1], expected))
    for channel_id in settings.default_join_channels:
        if is_channel_name(channel_id):
            message = f"{channel_id!r} is a channel's name; set the id, like C024BE91L, which Slack shows at the bottom"
            yield SettingIssue("FLYTE_SLACK_DEFAULT_JOIN_CHANNEL", f"{message} of the channel's details")


def is_channel_name(channel_id: str) -> bool:
    """Returns whether a text can't be the id of a channel, but may be its name."""
    return _CHANNEL_NAME.fullmatch(channel_id) is not None


def _misplaced_token(kind: str, expected: str) -> str:
    belongs = f"; it belongs in {_BELONGS_IN[kind]}" if kind in _BELONGS_IN else ""
    needed = f", and {_KINDS[expected]} begins with {expected}-" if expected else ", and a signing secret does not"
    return f"is {_KINDS[kind]}, since it begins with {kind}-{needed}{belongs}"


def _intended(name: str, candidates: Sequence[str]) -> str:
    """Returns the variable that was probably meant; empty if there is none."""
    written = name.upper()
    cutoff = _SIMILAR if written.startswith("FLYTE_") else _MORE_SIMILAR
    if similar := difflib.get_close_matches(written, candidates, n=1, cutoff=cutoff):
        return similar[0]
    core = _core(written)
    return next((candidate for candidate in candidates if written != core == _core(candidate)), "")


def _core(name: str) -> str:
    """Returns a name without its prefix: that of `SLACK_APP_TOKEN`, as other programs call it, is the pack's too."""
    return re.sub(r"^(FLYTE_)?(SLACK_)?", "", name)
