"""Classifier around a Torch module of your own."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import skorch
import torch

from sknets.estimators._classifier_task import ClassifierTask
from sknets.estimators.module._base import BaseModule
from sknets.estimators.module._page import CLASSIFIER


class ModuleClassifier(ClassifierTask, BaseModule):
    r"""Classifier around a Torch module of your own.

    The training, checks and options of `MLPClassifier` for any `torch.nn.Module`. The module
    has one output for two classes, else one per class or label.

    Parameters
    ----------
    module : class or callable
        Makes the network: ``module(n_inputs, n_outputs, **module_params)`` returns a
        `torch.nn.Module` from rows of X to raw outputs (n_rows, n_outputs), without an output
        activation. `n_inputs` is the number of columns, or the shape of a row; see Notes.
    module_params : dict or None, default=None
        Further keyword arguments of `module`. ``module__<name>`` sets one of them, in
        `set_params` and in a grid.
    solver : {'lbfgs', 'lm', 'gauss-newton', 'newton', 'gd', 'sgd', 'adam', 'adamw', 'adagrad', 'rmsprop'}, default='adam'
        Optimiser. "gd", "lbfgs" and those of second order ("lm", "gauss-newton": squared error;
        "newton"), for small networks, take all rows in each step, the others mini-batches.
        "adamw" decays weights outside the gradient.
    alpha : float, default=0.0001
        Strength of the L2 penalty (weight decay) on the weights; divided by the sum of the
        sample weights in a batch.
    batch_size : int, default='auto'
        Rows in a mini-batch; "auto" is ``min(200, n_samples)``. Not used by 'lbfgs', 'lm',
        'gauss-newton', 'newton' and 'gd'.
    learning_rate : str or callable, default='constant'
        Schedule of the learning rate, for all solvers but 'lbfgs', 'lm', 'gauss-newton' and
        'newton': 'constant', 'invscaling', 'adaptive', 'step', 'exponential', 'cosine',
        'one_cycle', or a function of the epoch (counted from 0) that returns the rate.
    learning_rate_init : float, default=0.001
        Learning rate at the start; for 'one_cycle' the highest one.
    power_t : float, default=0.5
        Exponent of 'invscaling': the rate is ``learning_rate_init / (t_ + 1) ** power_t``.
    max_iter : int, default=200
        Largest number of epochs (iterations of 'lbfgs', 'lm', 'gauss-newton' and 'newton').
    shuffle : bool, default=True
        Whether the rows are shuffled in each epoch.
    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, validation split, shuffles and dropout. None draws a new one;
        global random states are never touched.
    tol : float, default=1e-4
        Smallest change of the loss or score that counts as progress; for 'lbfgs', 'lm',
        'gauss-newton' and 'newton' the bound on the gradient. The loss is that of a
        standardised y.
    verbose : bool or int, default=False
        Whether to print each epoch: its loss, the loss and score of validation data, and the
        time that is left at most, from a second on, by the pace of the last ten epochs.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last fit.
    momentum : float, default=0.9
        Momentum in [0, 1] of 'sgd'.
    nesterovs_momentum : bool, default=True
        Whether 'sgd' uses Nesterov's form of the momentum.
    early_stopping : bool, default=False
        Whether validation data decide: training ends when they show no progress, and the
        weights of the best epoch are put back. Without it, the training loss alone decides when
        to end.
    validation_fraction : float, default=0.1
        Share of the rows that early stopping sets aside, stratified by class as far as each
        class keeps a row to learn from, unless `fit` is given validation data.
    beta_1 : float, default=0.9
        Decay in [0, 1) of the first moment in 'adam' and 'adamw'.
    beta_2 : float, default=0.999
        Decay in [0, 1) of the second moment in 'adam' and 'adamw'.
    epsilon : float, default=1e-8
        Small number in the denominator of 'adam', 'adamw', 'adagrad' and 'rmsprop'.
    n_iter_no_change : int or inf, default=10
        Epochs without progress after which training ends; without `early_stopping` not for
        schedules that end by plan ('step', 'exponential', 'cosine', 'one_cycle'). Infinity with
        `early_stopping` goes on to `max_iter` and keeps the best of all epochs.
    max_fun : int, default=15000
        Largest number of loss evaluations of 'lbfgs'.
    class_weight : dict, list of dict, 'balanced' or None, default=None
        Weights of the classes, which multiply `sample_weight`; "balanced" makes them inversely
        proportional to class frequencies. A list of dicts, one per label, for a multilabel y.
    loss : {'log_loss'} or callable, default='log_loss'
        The cross-entropy, or a function ``loss(raw, target)`` that returns the loss of each
        row, of shape (n_rows,). `target` is 0 or 1 for each logit of two classes or several
        labels, and the number of the class where there are more.
    label_smoothing : float, default=0.0
        Share of each target, in [0, 1), that is spread evenly over all classes.
    calibrate : bool, int or 'split', default=False
        Whether held-out rows tell how sure predictions are: the temperature of probabilities,
        and `predict_set`. True: `X_val`, else 5 folds (networks besides) below 1,000 rows,
        `validation_fraction` beyond ('split'). Or a number of folds.
    l1_alpha : float, default=0.0
        Strength of the L1 penalty (weight elimination); divided likewise. Eliminated weights
        are exactly zero. Not for 'lbfgs', 'lm', 'gauss-newton' and 'newton'.
    batch_growth : float, default=1.0
        Factor, at least 1, by which the batch size grows with each epoch.
    scale_learning_rate : bool, default=False
        Whether the learning rate grows in proportion to the batch, so that the noise of the
        gradient, which goes with their ratio, stays the same.
    decay_rate : float, default=0.1
        Factor in (0, 1] by which 'step' and 'exponential' lower the rate.
    decay_epochs : float or None, default=None
        Epochs in which the factor applies once; None is a third of `max_iter` for 'step' and
        all of it for 'exponential'.
    scoring : str, callable or None, default=None
        What early stopping watches: None is the accuracy, 'loss' the validation loss, else any
        scorer of scikit-learn. Of equal scores, the lower validation loss is better.
    rho : float, default=0.9
        Decay in [0, 1) of the squared gradients in 'rmsprop'.
    max_grad_norm : float or None, default=None
        Norm to which longer gradients are shortened. Not for 'lbfgs', 'lm', 'gauss-newton' and
        'newton'.
    average : {'polyak', 'exponential'} or None, default=None
        Averaging of the iterates: the network predicts with the mean of the weights after all
        steps, or with their exponential average. Not for 'lbfgs', 'lm', 'gauss-newton' and
        'newton'.
    average_decay : float, default=0.99
        Decay in [0, 1) of the exponential average per step.
    device : str, default='auto'
        Where to compute: "cpu", "cuda", "cuda:1", "mps"; "auto" takes an accelerator where
        there is one and a step multiplies 10 million numbers or more.
    dtype : {'auto', 'float32', 'float64'}, default='auto'
        Precision; "auto" is float64 for float64 data of at most 100,000 values on a CPU, and
        float32 otherwise.
    precision : {'full', 'bf16'}, default='full'
        How to train: "full" computes in `dtype`, "bf16" products of layers in bfloat16 beside
        parameters of float32, faster where a processor has units for it. Predictions are always
        in full. Not for 'lbfgs', 'lm', 'gauss-newton' and 'newton'.
    callbacks : list of skorch.callbacks.Callback or None, default=None
        Callbacks of skorch; they see `net_`. Those of scikit-learn go to `set_callbacks`.
    checkpoint : str, path-like or None, default=None
        Folder that keeps how far a fit has come: after a kill, the same `fit` goes on there, to
        the same bits. Needs an int `random_state`. Not for callbacks, `warm_start`, 'lbfgs',
        'lm', 'gauss-newton' and 'newton'.
    n_members : int, default=1
        Networks from seeds of their own, each with copies of the callbacks, that are averaged.
        They are `members_`; other attributes are the first one's. Fits that go on keep the
        number.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, or the numbers of the labels for a multilabel y.
    temperature_ : float
        What raw outputs are divided by before they become probabilities. Only with `calibrate`.
    loss_ : float
        Training loss of the last epoch, penalties included.
    best_loss_ : float or None
        Lowest training loss; None with `early_stopping`.
    loss_curve_ : list of float
        Training loss of each epoch.
    validation_scores_ : list of float or None
        Validation score of each epoch (the negative loss for ``scoring='loss'``); None without
        `early_stopping`.
    best_validation_score_ : float or None
        Best validation score; None without `early_stopping`.
    history_ : dict of list
        A list per quantity with a value per epoch: "loss", "learning_rate", "seconds" and, with
        validation data, "validation_loss" and "validation_score".
        ``pandas.DataFrame(history_)`` makes a table.
    n_iter_ : int
        Epochs of the last call.
    stop_reason_ : str
        Why the last call ended: "max_iter", "converged" (no progress), "interrupt" (Ctrl-C, and
        what is fitted is half trained), "callback", "diverged", or what a minimiser says.
    t_ : int
        Rows seen in training, over all calls.
    module_ : torch.nn.Module
        Your module, trained.
    n_outputs_ : int
        Number of outputs of the network.
    out_activation_ : str
        Activation of the outputs: 'softmax' or 'logistic'.
    n_parameters_ : int
        Number of parameters of the network.
    members_ : list of estimator
        The fitted estimators, of one network each, whose predictions are averaged. Only with
        `n_members` above 1.
    net_ : Net
        The `skorch.NeuralNet` that trained; its `module_` maps inputs to raw outputs.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had any.

    See Also
    --------
    MLPClassifier : Dense networks without a line of Torch.
    ModuleRegressor : The same for numbers.

    Notes
    -----
    X arrives as it is: a table as (n_rows, n_columns), an array with more axes (images, series) as
    (n_rows, ...), where `n_inputs` is the shape of a row. Whole numbers arrive as such (int64) if the
    module takes them, as an `nn.Embedding` does, and as floats otherwise. A list of arrays of unequal
    length arrives padded with zeros and `n_inputs` begins with None; the module's forward must have a
    second argument `lengths`, the timesteps of each row. Sparse batches arrive dense.

    Sizes may be left to lazy layers (`nn.LazyLinear`): the module is tried on two rows first. A module
    whose parameters all have defaults is given `module_params` alone.

    The module is built with seeded draws and on the CPU, then moved. Its layers may draw random
    numbers (dropout): they draw from the fit's generator, if they do so in the first batch of an
    epoch already.

    References
    ----------
    .. [1] Paszke et al. (2019). PyTorch: an imperative style, high-performance deep learning
       library. NeurIPS.
    .. [2] Tietz et al. (2017). skorch: a scikit-learn compatible neural network library that wraps
       PyTorch.

    Examples
    --------
    >>> from torch import nn
    >>> def make_network(n_inputs, n_outputs, width=16):
    ...     return nn.Sequential(
    ...         nn.Linear(n_inputs, width), nn.ReLU(), nn.Linear(width, n_outputs)
    ...     )
    >>> from sklearn.datasets import load_iris
    >>> from sknets import ModuleClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = ModuleClassifier(
    ...     make_network, learning_rate="cosine", learning_rate_init=0.01, random_state=0
    ... )
    >>> network.fit(X, y).score(X, y) > 0.9
    True
    """

    _page = CLASSIFIER
    _parameter_constraints: dict = CLASSIFIER.constraints

    def __init__(
        self,
        module: Callable[..., torch.nn.Module] | None = None,
        module_params: dict | None = None,
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Callable[[int], float] = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int | float = 10,
        max_fun: int = 15000,
        class_weight: dict | list | str | None = None,
        loss: str | Callable = "log_loss",
        label_smoothing: float = 0.0,
        calibrate: bool | int | str = False,
        l1_alpha: float = 0.0,
        batch_growth: float = 1.0,
        scale_learning_rate: bool = False,
        decay_rate: float = 0.1,
        decay_epochs: float | None = None,
        scoring: str | Callable | None = None,
        rho: float = 0.9,
        max_grad_norm: float | None = None,
        average: str | None = None,
        average_decay: float = 0.99,
        device: str = "auto",
        dtype: str = "auto",
        precision: str = "full",
        callbacks: Sequence[skorch.callbacks.Callback] | None = None,
        checkpoint: str | os.PathLike | None = None,
        n_members: int = 1,
    ) -> None:
        self.module = module
        self.module_params = module_params
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.class_weight = class_weight
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.calibrate = calibrate
        self.l1_alpha = l1_alpha
        self.batch_growth = batch_growth
        self.scale_learning_rate = scale_learning_rate
        self.decay_rate = decay_rate
        self.decay_epochs = decay_epochs
        self.scoring = scoring
        self.rho = rho
        self.max_grad_norm = max_grad_norm
        self.average = average
        self.average_decay = average_decay
        self.device = device
        self.dtype = dtype
        self.precision = precision
        self.callbacks = callbacks
        self.checkpoint = checkpoint
        self.n_members = n_members
