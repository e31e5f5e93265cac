"""State files: the open runs, the address of the view, and the selection."""

from typing import Annotated, Literal

from pydantic import Field

from whyset.viewer.schemas import Model

FORMAT, SCHEMA = "whyset-state", "1.0"
MOST_RUNS, LONGEST_PATH, LONGEST_ADDRESS, MOST_ROWS = 100, 4096, 100_000, 10_000_000

Row = Annotated[int, Field(ge=0, lt=2**40)]


class NamedRun(Model):
    """A run in the sender's viewer; `hash` is that of its configuration and identifies it on other computers."""

    id: str = Field(min_length=1, max_length=128)
    name: str = Field(max_length=LONGEST_PATH)
    path: str = Field(min_length=1, max_length=LONGEST_PATH)
    hash: str | None = Field(default=None, max_length=128)


class Appearance(Model):
    """Appearance chosen by the sender; it is applied, but not stored as the receiver's preference."""

    theme: Literal["system", "light", "dark"] | None = None


class StateFile(Model):
    """Content of a state file; `selected` are rows of the address's run that are too many for an address."""

    format: Literal["whyset-state"]
    version: str = Field(alias="schema", pattern=r"^1\.[0-9]{1,3}$")
    runs: list[NamedRun] = Field(min_length=1, max_length=MOST_RUNS)
    address: str = Field(pattern=r"^#/", max_length=LONGEST_ADDRESS)
    selected: list[Row] | None = Field(default=None, max_length=MOST_ROWS)
    appearance: Appearance = Appearance()
