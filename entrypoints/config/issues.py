"""Problems with settings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingIssue:
    """A problem with one variable, and how to correct it."""

    variable: str
    message: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.message}"


class SettingsError(Exception):
    """The environment contains invalid settings. The text has one line per issue and contains no secret."""

    def __init__(self, issues: tuple[SettingIssue, ...]) -> None:
        super().__init__("\n".join(map(str, issues)))
        self.issues = issues
