"""The steps of a fit, in their order: learn, build or go on, set aside, place, train.

`BaseNet._fit` takes them. What one call knows is a `Run`, which is handed from step to step; what stays
is a `Learned`.
"""

from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import torch

from sknets import training
from sknets._warn import warn_user
from sknets.estimators._checkpoint import open_checkpoint
from sknets.estimators._data import read_data
from sknets.estimators._in_pieces import check_pieces
from sknets.estimators._learned import Learned, read_parameters
from sknets.estimators._net import choose_batch_size, make_net, phases
from sknets.estimators._options import check_options
from sknets.estimators._outcome import check_outcome
from sknets.estimators._validation_data import ValidationScore, read_validation, split_rows
from sknets.inputs import (
    choose_device,
    choose_dtype,
    compare_names_of_y,
    in_pieces,
    lacks_bf16_units,
    to_tensor,
)
from sknets.targets import lift


@dataclass
class Run:
    """What one call of `fit` or `partial_fit` knows.

    Attributes
    ----------
    earlier : Learned or None
        What it goes on from; None begins anew.
    is_partial : bool
        Whether it is one epoch more of an earlier training, rather than a training of its own.
    tasks : EpochTasks or None
        What scikit-learn's callbacks are told by.
    is_as_before : bool
        Whether it is a partial fit with the parameters of the one before: what is made of them is there.
    module : torch.nn.Module or None
        The network.
    batch_size : int or None
        Rows in a batch.
    checkpoint : Checkpoint or None
        How far the fit has come, in a file.
    undo : list of callable
        What puts back all that has been touched, the last one first.
    """

    earlier: Learned | None
    is_partial: bool
    tasks: Any
    is_as_before: bool = False
    module: Any = None
    batch_size: int | None = None
    checkpoint: Any = None
    undo: list = field(default_factory=list)

    @property
    def own_callbacks(self):
        """What listens to epochs beside callbacks of the user's; None for what does not."""
        return self.tasks, self.checkpoint

    def put_back(self):
        """Put back what has been touched, beside the attributes of the estimator."""
        for undo in reversed(self.undo):
            undo()


def learn(estimator, run, X, y, sample_weight, classes=None):
    """Learn what X and y are, and build the network or go on with the one that is there.

    Returns
    -------
    data : Data
        Rows, targets and weights.
    learned : Learned
        All that is known before training.
    """
    is_first, (parameters, others) = run.earlier is None, read_parameters(estimator)
    if run.is_partial and not is_first:
        run.is_as_before = run.earlier.is_made_with(parameters, others)
    input, task = _input_and_task(estimator, run)
    data = read_data(estimator, input, task, X, y, sample_weight, reset=is_first)
    check_pieces(estimator, data.rows)
    if is_first:
        target = task.learn(data.y, data.weight, classes)
        generator = training.make_generator(estimator.random_state)
        split_seed = training.draw_seed(generator)
    else:
        target, names = run.earlier.target, run.earlier.y_names
        compare_names_of_y(data.y_names, names)
        target.check(data.y, as_before=estimator.warm_start)
    target = target.for_fit(task, data.y, data.weight)
    data = data.weighed(target)
    if is_first:
        input.learn(data.rows)
    if run.is_as_before:
        architecture = run.earlier.architecture
    else:
        architecture = estimator._make_architecture(input, target)
    check_options(estimator, architecture, is_partial=run.is_partial)
    known = {"parameters": parameters, "others": others}
    if not is_first:
        architecture.go_on_from(run.earlier.architecture)
        run.module = run.earlier.net.module_
        known |= {"target": target, "architecture": architecture, "y_names": names or data.y_names}
        return data, run.earlier.replace(**known)
    build_state = training.generator_to_array(generator)
    run.module = architecture.build(generator)
    if architecture.must_be_tried:
        data = data._replace(rows=architecture.try_out(run.module, data.rows, generator))
    work = architecture.measure_work(run.module, torch.zeros(1, *input.row_shape))
    parts = (input, target, architecture, generator, split_seed, build_state, work)
    return data, Learned(*parts, y_names=data.y_names, **known)


def _input_and_task(estimator, run):
    """Return what X and y are, by the parameters and by the call that this one goes on from."""
    earlier = run.earlier
    if run.is_as_before:
        return earlier.input, earlier.target.task
    input, task = estimator._make_input(), lift(estimator._task, estimator._outputs)
    if earlier is None:
        return input, task
    earlier.input.check_goes_on(input)
    earlier.target.check_goes_on(task)
    return earlier.input, task


def set_aside(estimator, run, learned, data, validation):
    """Return the training data and the validation data, or None for the latter."""
    if run.is_partial and estimator.early_stopping:
        raise ValueError("partial_fit does not support early_stopping=True")
    valid = read_validation(estimator, learned, *validation)
    if valid is not None or not estimator.early_stopping:
        return data, valid
    strata = learned.target.strata(data.y)
    kept, held = split_rows(
        data.rows.shape[0], estimator.validation_fraction, learned.split_seed, strata
    )
    if in_pieces(data.rows):  # which are read fastest in their order
        kept, held = np.sort(kept), np.sort(held)
    return data.take(kept), data.take(held)


def place(estimator, run, learned, train, valid, *, is_given):
    """Bring module and data to where, and in which precision, they are computed.

    `is_given` says whether the validation data are the user's own.

    Returns
    -------
    rows : training.Rows
        The training data as the module takes them.
    make : callable
        ``make()`` makes the net of the present phase, with the validation data; or returns the one that
        is there, where the same would be made again.
    """
    run.batch_size = choose_batch_size(estimator, learned.architecture, train.rows.shape[0])
    step_size = run.batch_size * learned.work.at_once
    device = choose_device(estimator.device, step_size, estimator.dtype)
    dtype = choose_dtype(estimator.dtype, train.rows, device, learned.input, estimator.precision)
    if run.earlier is None:
        _warn_of_bf16(estimator, device)
    for data in filter(None, (train, valid)):
        learned.input.check_sizes(data.rows, dtype, data.name, data.places)
    stays = _stays(run, device, dtype)
    # to ask is ten times as fast as to move nothing
    if not stays and _is_elsewhere(run.module, device, dtype):
        run.module.to(device, dtype)
    y = learned.target.encode(train.y)
    if run.earlier is None:
        learned.architecture.prepare(run.module, train.rows, y, train.weight)
    rows = _make_rows(learned, train, y, dtype, device)
    valid_rows = known = None
    if valid is not None:
        valid_y = learned.target.encode(valid.y)
        valid_rows = _make_rows(learned, valid, valid_y, dtype, device)
        known = (valid.rows, valid_y, valid.weight)
    if stays:
        return rows, lambda: run.earlier.net

    run.checkpoint = open_checkpoint(estimator, device, dtype, (train.rows, y, train.weight), known)
    callbacks = [*(estimator.callbacks or []), *filter(None, run.own_callbacks)]
    valid_score = None
    if valid is not None and estimator.scoring != "loss":
        valid_score = ValidationScore(estimator, valid, is_given=is_given)
    make = partial(
        make_net,
        estimator,
        learned,
        run.module,
        run.batch_size,
        callbacks=callbacks,
        valid_rows=valid_rows,
        valid_score=valid_score,
    )
    return rows, make


def _warn_of_bf16(estimator, device):
    if estimator.precision == "bf16" and lacks_bf16_units(device):
        warn_user(
            f"precision='bf16': this {device.type} has no units for bfloat16 and is slow with it; "
            "precision='full' is faster here."
        )


def _stays(run, device, dtype):
    """Return whether a partial fit would make the same net again."""
    if not run.is_as_before or run.tasks is not None:
        return False
    net = run.earlier.net
    values = net.flat.values
    return (values.device, values.dtype) == (device, dtype) and net.is_as_made


def _is_elsewhere(module, device, dtype):
    tensors = chain(module.parameters(), module.buffers())
    return any(t.device != device or (t.is_floating_point() and t.dtype != dtype) for t in tensors)


def _make_rows(learned, data, y, dtype, device):
    weight, mean_weight = None, 1.0
    if data.weight is not None:
        mean_weight = float(data.weight.mean())
        weight = to_tensor(data.weight / mean_weight, dtype, device)
    return training.Rows(
        learned.input.store(data.rows, dtype, device),
        to_tensor(y, dtype, device),
        weight,
        mean_weight=mean_weight,
    )


def train(estimator, run, learned, data, rows, make):
    """Train in phases, each of which goes on from the one before, and judge the outcome."""
    previous = None if run.earlier is None else run.earlier.net
    checkpoint, learned.n_iter = run.checkpoint, 0
    for number, phase in enumerate(phases(estimator)):
        if checkpoint is not None and number < checkpoint.first_phase:
            continue
        learned.phase = phase
        if learned.architecture.is_pretrained:
            run.module.thaw(phase.n_tuned)
        net = make()
        if net is previous:
            run.undo.append(training.go_on(net, run.batch_size))
        elif previous is not None:
            training.resume(net, training.net_state(previous), is_same_fit=run.is_partial)
        if number and previous is not None and net.stopping.restores:
            # the best of all phases is kept
            net.stopping.go_on_from(previous.stopping, net.snapshot())
        learned.net = previous = net
        estimator._learned = learned  # callbacks and scorers predict with it
        is_first = not number and run.earlier is None
        if is_first and learned.architecture.starts_fitted and net.stopping.restores:
            net.keep_start()
        n_before, n_epochs = len(net.history), 1 if run.is_partial else phase.max_iter
        if checkpoint is not None:
            n_epochs -= checkpoint.begin_phase(net, number)
        with learned.threads_for(net.batch_size):
            training.train(net, rows, epochs=n_epochs)
            learned.n_iter += len(net.history) - n_before
            check_outcome(estimator, learned, data, rows, is_partial=run.is_partial)
        net.callbacks_ = [(name, cb) for name, cb in net.callbacks_ if cb not in run.own_callbacks]
        net.callbacks = list(estimator.callbacks or [])
        net.release_data(goes_on=run.is_partial)
        if net.stop_reason in ("interrupt", "callback"):
            break
