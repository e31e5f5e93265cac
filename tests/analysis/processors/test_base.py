import json
from dataclasses import FrozenInstanceError, fields

import pytest

from whyset.analysis import processors
from whyset.analysis.pipelines import Spray
from whyset.analysis.processors import AreaPooling, KMeans, Processor
from whyset.analysis.scores import GaussianSurrogates, Separability

PARTS = [getattr(processors, name) for name in processors.__all__]
PROCESSORS = [p for p in [*PARTS, Spray, GaussianSurrogates, Separability] if issubclass(p, Processor)]


@pytest.mark.parametrize("part", [p for p in PROCESSORS if p is not Processor])
def test_a_processor_is_a_frozen_value_whose_every_field_is_stored(part: type[Processor]) -> None:
    one, other = part(), part()
    assert one == other
    assert hash(one) == hash(other)
    stored = json.loads(json.dumps(one.stored_form()))
    assert stored["name"] == part.__name__
    assert set(stored["fields"]) == {field.name for field in fields(one)}
    for field in fields(one):
        with pytest.raises(FrozenInstanceError):
            setattr(one, field.name, None)


def test_stored_forms_differ_where_any_field_differs() -> None:
    assert AreaPooling(3).stored_form() != AreaPooling(4).stored_form()
    nested = [Spray(clusterings=(KMeans(restarts=n),)).stored_form() for n in (1, 2)]
    assert nested[0] != nested[1]
