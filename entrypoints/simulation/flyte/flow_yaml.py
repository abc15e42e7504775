"""Writes flows as YAML: as it was written, or such that the server reads the same flow."""

import yaml

from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.flyte.yaml_reader import resolve


def yaml_of(flow: Flow) -> str:
    """Returns the text that the flow was loaded from, with its comments, if that was YAML, otherwise its values."""
    if flow.text:
        return flow.text
    return yaml.dump(dict(flow.source), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))


class _Dumper(yaml.SafeDumper):
    """Quotes the texts that the server would read as something else, such as `y` and `08`."""

    def ignore_aliases(self, _: object) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = None if resolve(text) == text else "'"
        if not text.isprintable():
            style = "|" if text.replace("\n", "").isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)
