import json
from dataclasses import FrozenInstanceError, fields

import pytest

from whyset.analysis import processors
from whyset.analysis.pipelines import Spray
from whyset.analysis.processors import AreaPooling, KMeans, Processor
from whyset.analysis.scores import GaussianSurrogates, Separability

PARTS = [*processors.PROCESSORS.values(), Spray, GaussianSurrogates, Separability]
NEEDED = {
    "Resize": {"height": 4, "width": 6},
    "ClusteringEstimator": {"estimator": "sklearn.cluster:Birch"},
    "EmbeddingEstimator": {"estimator": "sklearn.manifold:Isomap"},
}


@pytest.mark.parametrize("part", PARTS)
def test_a_processor_is_a_frozen_value_whose_every_field_is_stored(part: type[Processor]) -> None:
    needed = NEEDED.get(part.__name__, {})
    one, other = part(**needed), part(**needed)
    assert one == other
    assert hash(one) == hash(other)
    stored = json.loads(json.dumps(one.to_dict()))
    assert stored["name"] == part.__name__
    assert set(stored["fields"]) == {field.name for field in fields(one)}
    for field in fields(one):
        with pytest.raises(FrozenInstanceError):
            setattr(one, field.name, None)


def test_stored_forms_differ_where_any_field_differs() -> None:
    assert AreaPooling(3).to_dict() != AreaPooling(4).to_dict()
    nested = [Spray(clusterings=(KMeans(n_init=n),)).to_dict() for n in (1, 2)]
    assert nested[0] != nested[1]
