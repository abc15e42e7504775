"""The version of flyte-slack, from which the build takes that of the distribution."""

VERSION = "0.2.0"
