"""Lists of samples: carriers, and those that are predicted as another class without the evidence."""

from dataclasses import replace

import numpy as np
import torch

from whyset.fixing.training import list_samples


def test_carriers_without_another_reason_are_relabeled(toy):
    """The first ten carriers have the bar of class 1, so without the corner they are predicted as it."""
    x = toy.task.read(np.arange(360))
    x[:10, :, 5:] = x[120:130, :, 5:] + torch.where(torch.arange(10) // 2 == 2, 2.0, 0.0)
    x[:10, :, 5:, :4] -= 1.0
    task = replace(toy.task, read=lambda rows: x[rows], carriers=np.arange(48)[::-1].copy())
    found = list_samples(task, n_replacements=4)
    assert found.drop.tolist() == list(range(48))
    assert set(range(10)) <= set(found.relabel)
    assert (found.predicted[:10] == 1).all()
    assert ((found.agreement > 0.25) & (found.agreement <= 1)).all()
    with torch.no_grad():
        still = toy.task.model(x[120:360]).argmax(1)
    assert len(found.relabel) < 48
    assert len(still) == 240
