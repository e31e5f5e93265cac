"""The options of a test of effects: types, documentation, defaults, and options of the command line."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from whyset.options.option import Flag, option

if TYPE_CHECKING:  # as for `explain`
    from whyset.interventions import Fill, Intervention


@dataclass(frozen=True)
class EffectOptions:
    """The options of `EffectTest`, each described once, as those of `explain`."""

    name: str = field(
        default="effects", metadata=option("The name of the test in the run.", Flag("Name of the test of effects."))
    )
    interventions: "tuple[Intervention, ...] | None" = field(
        default=None,
        metadata=option(
            "The interventions, as parts or as texts such as 'window:side=6'; by default those that are chosen for the "
            "modality and the size of the inputs.",
            Flag(
                "Intervention with its options, such as window:side=6; repeatable.",
                "--intervention",
                many=True,
                shown="chosen by modality and size of the inputs",
            ),
            type="sequence of Intervention or str",
        ),
    )
    fill: "Fill | str" = field(
        default="host",
        metadata=option(
            "What removed evidence is replaced by, for interventions that allow it; for others, the host.",
            Flag("What removed evidence is replaced by, such as host, mean or blur:sigma=4."),
            type="Fill or str",
        ),
    )
    n_selection_hosts: int = field(
        default=4,
        metadata=option(
            "The number of hosts of each sample on which candidates are selected.",
            Flag("Hosts of each sample that select candidates.", kind=int, least=1),
        ),
    )
    n_hosts: int = field(
        default=8,
        metadata=option(
            "The number of fresh hosts of each random sample; candidates have twice as many.",
            Flag("Fresh hosts of each random sample; candidates have twice as many.", kind=int, least=1),
        ),
    )
    n_candidates: int = field(
        default=20,
        metadata=option(
            "The largest number of candidates of each class and intervention: the samples with the largest effects in "
            "the selection.",
            Flag("Candidates of each class and intervention at most.", kind=int, least=2),
        ),
    )
    n_random: int = field(
        default=20,
        metadata=option(
            "The largest number of samples of each class that are drawn at random, for an effect without selection.",
            Flag("Random samples of each class at most.", kind=int, least=2),
        ),
    )
    budget: float | None = field(
        default=3.0,
        metadata=option(
            "The permitted time as a multiple of the time in which the run's samples are explained, on one worker; "
            "None for no limit; ten seconds are always permitted. Samples and candidates are reduced to it before the "
            "test begins.",
            Flag("Permitted time as a multiple of that of explain.", kind=float, least=0),
            type="float or None",
        ),
    )
    seed: int = field(
        default=0, metadata=option("Seed of all random choices, at least 0.", Flag("Random seed.", kind=int))
    )
