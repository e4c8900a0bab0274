"""Epochs of steps against a plain Torch loop."""

import numpy as np
import pytest
import skorch
import torch
from torch import nn

from sknets import training
from sknets.training import Descent
from tests.training.nets import WEIGHT, X, Y, make_module, make_net, make_rows


def unshuffled(**params):
    return training.make_method("adam", shuffle=False, **params)


def test_loop_equals_a_plain_torch_loop():
    net = make_net(method=unshuffled()).fit(make_rows())
    plain = make_module()
    optimizer = torch.optim.Adam(plain.parameters(), lr=0.01)
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    for _ in range(5):
        for index in torch.arange(60).split(16):
            optimizer.zero_grad()
            (0.5 * (plain(x[index]) - y[index]) ** 2).mean().backward()
            optimizer.step()
    expected = torch.cat([p.reshape(-1) for p in (plain[0].weight, plain[2].weight)])
    torch.testing.assert_close(net.flat.weights, expected.detach(), rtol=0, atol=1e-12)


def test_rows_are_shuffled_by_the_learners_generator():
    net = make_net(max_epochs=1)
    seen = []

    class Watch(skorch.callbacks.Callback):
        def on_batch_begin(self, net, batch=None, **kwargs):
            seen.append(batch[0])

    net.callbacks = [Watch()]
    net.fit(make_rows())
    order = torch.randperm(60, generator=training.make_generator(0))
    assert torch.equal(torch.cat(seen), torch.from_numpy(X)[order])


def test_epoch_loss_is_the_weighted_mean_over_batches():
    net = make_net(max_epochs=1).initialize()
    net.optimizer_.lr = 0.0
    raw = net.module_(torch.from_numpy(X)).detach().numpy()
    start = np.average(0.5 * (raw - Y)[:, 0] ** 2, weights=WEIGHT)
    net.partial_fit(make_rows(WEIGHT))
    assert net.history[-1, "train_loss"] == pytest.approx(start, rel=1e-12)


def test_epochs_and_rows_are_counted():
    net = make_net().fit(make_rows())
    assert (net.n_epochs, net.n_seen) == (5, 300)
    net.partial_fit(make_rows(), epochs=2)
    assert (net.n_epochs, net.n_seen, len(net.history)) == (7, 420, 7)
    assert net.stop_reason == "max_iter"


def test_batches_and_rate_grow_together():
    sizes, rates = [], []

    class Watch(skorch.callbacks.Callback):
        def on_batch_end(self, net, batch=None, **kwargs):
            sizes.append(len(batch[1]))
            rates.append(net.optimizer_.lr)

    make_net(
        [Watch()],
        method=training.make_method("adam", batch_growth=1.5),
        scale_learning_rate=True,
        max_epochs=4,
    ).fit(make_rows())
    assert [max(s) for s in (sizes[:4], sizes[4:7], sizes[7:9], sizes[9:])] == [16, 24, 36, 54 + 6]
    np.testing.assert_allclose(rates[0], 0.01)
    np.testing.assert_allclose(rates[7], 0.01 * 36 / 16)


@pytest.mark.parametrize("n_epochs", [0, 1, 3, 9, 10_000])
def test_a_batch_grows_by_a_power_and_has_at_most_all_rows(n_epochs):
    grown = Descent(None, batch_growth=1.5).grown(10, 200, n_epochs)
    assert grown == min(200, round(10 * 1.5 ** min(n_epochs, 100)))


def test_want_of_progress_ends_the_descent():
    schedule = training.Schedule("constant", 1e-12, 50)
    stopping = training.Stopping(0.1, 2, "train_loss")
    net = make_net(schedule=schedule, stopping=stopping, max_epochs=50).fit(make_rows())
    assert net.stop_reason == "converged"
    assert len(net.history) == 4  # the first is progress, and then patience and one more


@pytest.mark.parametrize("kind", training.AVERAGES)
def test_average_predicts_and_the_iterates_learn_on(kind):
    average = training.Average(kind, 0.9)
    net = make_net(average=average).fit(make_rows())
    plain = make_net().fit(make_rows())
    torch.testing.assert_close(net.flat.values, average.values)
    assert not torch.equal(net.flat.values, plain.flat.values)
    net.partial_fit(make_rows(), epochs=3)
    plain.partial_fit(make_rows(), epochs=3)
    average.resume(net.flat.values)
    assert torch.equal(net.flat.values, plain.flat.values)


def test_average_recalibrates_batch_normalisation():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)).double()
    make_net(module=module, average=training.Average("polyak", 0.9)).fit(make_rows())
    hidden = module[0](torch.from_numpy(X)).detach()
    # the statistics of the averaged weights, up to the cumulative mean over batches
    torch.testing.assert_close(module[1].running_mean, hidden.mean(dim=0), rtol=0.05, atol=0.05)
