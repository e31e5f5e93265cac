"""Channel views: which layers are chosen, and the pooled values of their channels."""

import pytest
import torch
from torch import Tensor, nn

from whyset.errors import NotTestedError
from whyset.findings.views import ChannelView, choose_views, read_views


def make_cnn() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1),
        nn.ReLU(), nn.Flatten(), nn.Linear(6 * 4 * 5, 3),
    ).eval()  # fmt: skip


class Encoder(nn.Module):
    """Tokens with the channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 2)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.encoder(self.embedding(ids)).mean(1))


def test_layers_are_of_the_first_half_and_each_is_pooled_in_two_ways() -> None:
    views = choose_views(make_cnn(), torch.rand(2, 3, 8, 10))
    assert [(view.layer, view.pooling) for view in views] == [
        (layer, pooling) for layer in ("0", "2", "3") for pooling in ("max", "mean")
    ]
    assert {view.channel_axis for view in views} == {1}


def test_values_are_the_pooled_outputs_of_the_layers() -> None:
    model, x = make_cnn(), torch.rand(5, 3, 8, 10)
    found = read_views(model, choose_views(model, x), x.split(2))
    with torch.no_grad():
        first, third = model[0](x), model[:4](x)
    expected = {("0", "max"): first.amax((2, 3)), ("0", "mean"): first.mean((2, 3)), ("3", "mean"): third.mean((2, 3))}
    for view, values in found.items():
        assert values.shape[0] == 5
        if (view.layer, view.pooling) in expected:
            torch.testing.assert_close(torch.from_numpy(values), expected[view.layer, view.pooling])


def test_no_hook_is_left() -> None:
    model, x = make_cnn(), torch.rand(2, 3, 8, 10)
    read_views(model, choose_views(model, x), [x])
    assert not any(module._forward_hooks for module in model.modules())


def test_tokens_have_their_channels_last() -> None:
    torch.manual_seed(0)
    model, ids = Encoder().eval(), torch.randint(0, 9, (3, 7))
    found = read_views(model, choose_views(model, ids), [ids])
    assert {view.channel_axis for view in found} == {2}
    with torch.no_grad():
        expected = model.embedding(ids).amax(1)
    embedded = next(values for view, values in found.items() if (view.layer, view.pooling) == ("embedding", "max"))
    torch.testing.assert_close(torch.from_numpy(embedded), expected)


def test_a_table_has_no_positions_to_pool() -> None:
    model, x = (
        nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)).eval(),
        torch.rand(4, 5),
    )
    found = read_views(model, choose_views(model, x), [x])
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found[ChannelView("0", 1, "max")]), model[0](x))


def test_a_layer_that_runs_twice_is_not_chosen() -> None:
    relu = nn.ReLU()
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), relu, nn.Conv2d(4, 4, 3), relu, nn.Flatten(), nn.Linear(4 * 4 * 6, 2)
    ).eval()
    assert "1" not in {view.layer for view in choose_views(model, torch.rand(2, 3, 8, 10))}


def test_a_model_without_layers_is_refused() -> None:
    class Bare(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, :2]

    with pytest.raises(NotTestedError, match="no module"):
        choose_views(Bare(), torch.rand(2, 3, 8, 10))
