"""What `/metrics` shows."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from application.ports.clock import Clock
from entrypoints.container.instruments import AnyInstruments, new_instruments
from tests.support.environment import DEFAULTS, World


@dataclass(frozen=True, slots=True)
class Shown:
    """The content of one scrape."""

    text: str

    def value(self, name: str, **labels: str) -> float:
        """Returns the value of the only series with exactly these labels; `name` is without the prefix."""
        [found] = [value for each, value in self.series(name) if each == labels]
        return found

    def sum(self, name: str, **labels: str) -> float:
        """Returns the sum of all series that have these labels."""
        return sum(value for each, value in self.series(name) if labels.items() <= each.items())

    def series(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        """Yields the labels and the value of each series."""
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                if sample.name == f"flyte_slack_{name}":
                    yield sample.labels, sample.value

    def above_zero(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Returns the series above zero, by the values of their labels, in this or the alphabetical order."""
        return {tuple(of[label] for label in labels or of): value for of, value in self.series(name) if value}


def instruments(clock: Clock) -> AnyInstruments:
    """Returns the instruments of a pack with the default settings."""
    return new_instruments(DEFAULTS, clock)


def shown(these: AnyInstruments) -> Shown:
    """Returns what they have counted so far."""
    assert these.render
    return Shown(these.render("")[0].decode())


class MeasuredWorld(World):
    """A world whose packs are watched: each start has instruments of its own."""

    @property
    def metrics(self) -> Shown:
        """What the pack that was started last shows."""
        return shown(self.instruments)

    def new_instruments(self) -> AnyInstruments:
        return instruments(self.pack_clock)
