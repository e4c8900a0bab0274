"""The training loop: the lean path, the listened-to path, and what it records."""

import numpy as np
import pytest
import skorch
import torch
from torch import nn

from sknets import training

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
Y = X[:, :1] - 2 * X[:, 1:2]


def make_rows(weight=None):
    return training.Rows(torch.from_numpy(X), torch.from_numpy(Y), weight)


def make_module():
    with training.Seeded(torch.Generator().manual_seed(0)):
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


def make_net(callbacks=(), *, module=None, stopping=None, max_epochs=5, **params):
    return training.Net(
        module or make_module(),
        criterion=training.HalfSquaredError(),
        lr=0.01,
        max_epochs=max_epochs,
        batch_size=16,
        schedule=training.Schedule("constant", 0.01, max_epochs),
        stopping=stopping or training.Stopping(0.0, np.inf, "train_loss"),
        generator=training.make_generator(0),
        callbacks=list(callbacks),
        verbose=0,
        **params,
    )


class Listener(skorch.callbacks.Callback):
    def __init__(self):
        self.events = []

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        self.events.append("batch")

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.events.append("gradient")
        assert all(p.grad is not None for _, p in named_parameters)

    def on_epoch_end(self, net, **kwargs):
        self.events.append("epoch")


def test_listening_changes_nothing_but_the_events():
    lean = make_net().fit(make_rows())
    listener = Listener()
    heard = make_net([listener]).fit(make_rows())
    assert torch.equal(lean.flat.values, heard.flat.values)
    assert lean.history[:, "train_loss"] == heard.history[:, "train_loss"]
    assert listener.events.count("epoch") == 5
    assert listener.events.count("batch") == listener.events.count("gradient") == 5 * 4


def test_loop_equals_a_plain_torch_loop():
    net = make_net(shuffle=False).fit(make_rows())
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


def test_epoch_loss_is_the_weighted_mean_over_batches():
    weight = torch.from_numpy(RNG.uniform(0.5, 2.0, 60))
    weight /= weight.mean()
    net = make_net(max_epochs=1).initialize()
    net.optimizer_.lr = 0.0
    raw = net.module_(torch.from_numpy(X)).detach()
    start = float(net.criterion_(raw, torch.from_numpy(Y), weight))
    net.partial_fit(make_rows(weight))
    assert net.history[-1, "train_loss"] == pytest.approx(start, rel=1e-12)


def test_batches_and_rate_grow_together():
    sizes, rates = [], []

    class Watch(skorch.callbacks.Callback):
        def on_batch_end(self, net, batch=None, **kwargs):
            sizes.append(len(batch[1]))
            rates.append(net.optimizer_.lr)

    make_net([Watch()], batch_growth=1.5, scale_learning_rate=True, max_epochs=4).fit(make_rows())
    assert [max(s) for s in (sizes[:4], sizes[4:7], sizes[7:9], sizes[9:])] == [16, 24, 36, 54 + 6]
    np.testing.assert_allclose(rates[0], 0.01)
    np.testing.assert_allclose(rates[7], 0.01 * 36 / 16)


def test_long_gradient_is_shortened_to_the_norm():
    net = make_net(solver="gd", max_grad_norm=1e-3, max_epochs=1).initialize()
    before = net.flat.values.clone()
    net.partial_fit(make_rows())
    assert float((net.flat.values - before).norm()) <= 4 * 0.01 * 1e-3 * 1.001


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


def test_best_weights_come_back():
    valid = make_rows()
    scores = iter([0.1, 0.9, 0.2, 0.3, 0.1])
    kept = []
    net = make_net(
        stopping=training.Stopping(0.0, np.inf, "valid_score"),
        valid_rows=valid,
        valid_score=lambda raw: next(scores),
        callbacks=[Keep(kept)],
    ).fit(make_rows())
    assert torch.equal(net.flat.values, kept[1])
    assert net.history[:, "valid_score"] == [0.1, 0.9, 0.2, 0.3, 0.1]


class Keep(skorch.callbacks.Callback):
    def __init__(self, kept):
        self.kept = kept

    def on_epoch_end(self, net, **kwargs):
        self.kept.append(net.flat.values.clone())


def test_skorchs_own_callbacks_work(tmp_path):
    callbacks = [
        skorch.callbacks.Checkpoint(monitor="valid_loss_best", dirname=tmp_path),
        skorch.callbacks.LRScheduler("StepLR", step_size=2, gamma=0.1),
        skorch.callbacks.EarlyStopping(monitor="valid_loss", patience=2, threshold=10.0, sink=str),
        skorch.callbacks.EpochTimer(),
    ]
    net = make_net(callbacks, valid_rows=make_rows(), max_epochs=50).fit(make_rows())
    assert net.stop_reason == "callback"
    assert len(net.history) < 50
    assert (tmp_path / "params.pt").exists()
    assert net.history[:, "lr"][:3] == pytest.approx([0.01, 0.01, 0.001])


def test_early_end_by_interrupt_keeps_whole_epochs():
    class Interrupt(skorch.callbacks.Callback):
        def on_batch_begin(self, net, **kwargs):
            if len(net.history) == 3:
                raise KeyboardInterrupt

    net = make_net([Interrupt()]).fit(make_rows())
    assert net.stop_reason == "interrupt"
    assert len(net.history) == 2


def test_lbfgs_reaches_the_minimum_and_records_iterations():
    module = nn.Linear(3, 1).double()
    net = make_net(
        module=module,
        solver="lbfgs",
        max_epochs=100,
        stopping=training.Stopping(1e-12, np.inf, "train_loss"),
    ).fit(make_rows())
    assert net.stop_reason == "converged"
    np.testing.assert_allclose(module.weight.detach().numpy(), [[1, -2, 0]], atol=1e-7)
    losses = net.history[:, "train_loss"]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == net.n_epochs


def test_net_predicts_as_any_skorch_net():
    net = make_net().fit(make_rows())
    raw = net.raw_outputs([torch.from_numpy(X)], len(X))
    np.testing.assert_allclose(net.predict(X), raw.numpy())
