"""skorch's face: events, history, callbacks, and what it predicts."""

import numpy as np
import pytest
import skorch
import torch
from torch import nn

from sknets import training
from tests.training.nets import X, make_net, make_rows


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


def test_net_predicts_as_any_skorch_net():
    net = make_net().fit(make_rows())
    raw = net.raw_outputs([torch.from_numpy(X)], len(X))
    np.testing.assert_allclose(net.predict(X), raw.numpy())


def test_what_belongs_to_the_learner_is_reached_through_the_net():
    net = make_net().fit(make_rows())
    learner = net.learner
    assert net.optimizer_ is learner.solver
    assert net.module_ is learner.module
    for name in ("flat", "stopping", "n_epochs", "n_seen", "lowest", "stop_reason"):
        assert getattr(net, name) is getattr(learner, name)
    kept = net.snapshot()
    net.partial_fit(make_rows())
    assert not torch.equal(net.flat.values, kept[0])
    net.restore(kept)
    assert torch.equal(net.flat.values, kept[0])


def test_a_callback_may_give_its_own_reason():
    class Stop(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            net.stop_reason = "interrupt"

    net = make_net([Stop()]).fit(make_rows())
    assert net.learner.stop_reason == "interrupt"
    assert len(net.history) == 1


def test_skorchs_parameter_lr_reaches_the_solver():
    net = make_net().initialize()
    net.set_params(lr=0.5)
    assert net.learner.solver.lr == 0.5


def test_each_epoch_has_the_same_record():
    net = make_net(valid_rows=make_rows(), max_epochs=2).fit(make_rows())
    losses = {"train_loss", "train_loss_best", "valid_loss", "valid_loss_best"}
    for row in net.history:
        assert set(row) == losses | {"lr", "dur", "epoch", "batches"}
    raw = net.raw_outputs([torch.from_numpy(X)], len(X))
    loss = training.HalfSquaredError()(raw, *make_rows().targets_on("cpu"))
    assert net.history[-1, "valid_loss"] == pytest.approx(float(loss), rel=1e-12)


def test_a_callback_that_hears_of_no_batch_finds_one_batch():
    net = make_net([skorch.callbacks.EpochTimer()]).fit(make_rows())
    assert [row["batches"] for row in net.history] == [[{}]] * 5


def test_a_module_that_draws_in_prediction_draws_the_same():
    class Noisy(nn.Linear):
        def forward(self, x):
            return super().forward(x) + torch.rand(len(x), 1)

    net = make_net(module=Noisy(3, 1).double(), draws_unseeded=True).fit(make_rows())
    first, second = (net.raw_outputs([torch.from_numpy(X)], len(X)) for _ in range(2))
    assert torch.equal(first, second)


def test_an_epoch_is_for_training():
    modes = []

    class Watched(nn.Linear):
        def forward(self, x):
            modes.append(self.training)
            return super().forward(x)

    net = make_net(module=Watched(3, 1).double().eval(), max_epochs=2).fit(make_rows())
    assert modes == [True] * 8
    assert not net.module_.training


def test_data_are_let_go():
    stopping = training.Stopping(0.0, np.inf, "valid_loss")
    net = make_net(valid_rows=make_rows(), stopping=stopping).fit(make_rows())
    assert net.stopping.best_state is not None
    net.release_data()
    assert net.valid_rows is net.valid_score is net.stopping.best_state is None


def test_losses_are_printed(capsys):
    net = make_net(valid_rows=make_rows(), valid_score=lambda raw: 0.5, max_epochs=1, verbose=1)
    net.fit(make_rows())
    losses = net.history[-1, ("train_loss", "valid_loss")]
    assert capsys.readouterr().out == (
        "Iteration 1, loss = {:.8f}\nValidation loss: {:.8f}\nValidation score: 0.500000\n"
    ).format(*losses)


def test_print_log_prints_where_nothing_else_does(capsys):
    net = make_net([skorch.callbacks.PrintLog()], valid_rows=make_rows(), max_epochs=2, verbose=0)
    net.fit(make_rows())
    header, _, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["epoch", "lr", "train_loss", "valid_loss", "dur"]
    assert len(rows) == 2
    assert f"{net.history[-1, 'valid_loss']:.4f}" in rows[1]


def test_a_reason_to_stop_is_printed(capsys):
    stopping = training.Stopping(9.0, 1, "train_loss")
    make_net(stopping=stopping, verbose=1, max_epochs=9).fit(make_rows())
    assert capsys.readouterr().out.endswith("for 1 consecutive epochs. Stopping.\n")
