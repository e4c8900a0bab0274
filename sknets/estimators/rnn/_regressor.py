"""Recurrent network regressor."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import skorch

from sknets.estimators._regressor_task import RegressorTask
from sknets.estimators.rnn._base import BaseRNN
from sknets.estimators.rnn._page import REGRESSOR


class RNNRegressor(RegressorTask, BaseRNN):
    r"""Recurrent network regressor.

    A recurrent network for numbers: one or several of a sequence, of each of its timesteps, or an output
    of another length.

    Parameters
    ----------
    loss : {'squared_error', 'gaussian', 'absolute_error', 'huber', 'poisson', 'quantile'} or callable, default='squared_error'
        Loss; squares and deviances are halved. "gaussian" learns deviations of y, too;
        "poisson" has an exponential output (``y >= 0``). A function ``loss(raw, target)``
        returns losses of shape (n_rows,); its target has mean 0 and deviation 1.
    recurrent_layer_sizes : array-like of shape (n_recurrent_layers,) or int, default=(64,)
        Number of units in each recurrent layer; with `bidirectional`, in each direction.
    cell : str, default='lstm'
        What a unit is: 'rnn' (tanh), 'rnn_relu', 'lstm', 'gru', 'gru_reset_before' (resets the
        state before the product, not after it) or 'rau' (a GRU with an attention gate).
    bidirectional : bool, default=False
        Whether sequences are read from both ends.
    pool : {'auto', 'last', 'mean', 'max', 'attention'}, default='auto'
        What the head sees of all timesteps: the last state, their mean, their maximum, or a
        mean with learned weights. "auto" is "last", and "attention" for a decoder.
    hidden_layer_sizes : array-like of shape (n_hidden_layers,) or int, default=()
        Number of units in each hidden layer of the dense head, between the features and the
        outputs.
    activation : str, callable or list of these, default='relu'
        That of all convolutions and hidden layers, or one for each in this order: 'identity',
        'logistic', 'tanh', 'relu', 'leaky_relu', 'prelu' (learned slope), 'elu', 'gelu' or
        'silu'; or a function of a tensor, or a module (or its class).
    dropout : float, default=0.0
        Dropout rate in [0, 1) between the layers: of recurrent outputs and of hidden layers.
    recurrent_dropout : float, default=0.0
        Dropout rate in [0, 1) of the state between timesteps, one mask for all timesteps of a
        sequence. Slower, since no fused kernel knows it.
    conv_channels : array-like of shape (n_conv_layers,), int or 'auto', default='auto'
        Channels of convolutions that shorten a sequence before the recurrent layers; ``()`` is
        none. "auto" is as many as halve the longest sequence of `fit` down to 64 timesteps or
        fewer, with 32, 64, 64 ... channels; none where y has a sequence.
    kernel_size : int or list of int, default=5
        Timesteps that a kernel of these convolutions sees, for all of them or one for each.
    pool_size : int or list of int, default=2
        Timesteps of which a convolution leaves one, their maximum; given likewise.
    weight_init : str, default='glorot_uniform'
        Initial weights: 'glorot_uniform' (scikit-learn's), 'glorot_normal', 'he_uniform',
        'he_normal', 'orthogonal', or 'linear' (so small that units begin in the linear part of
        their activation).
    vocabulary_size : int, 'auto' or None, default=None
        Number of tokens where X holds token ids (0 to one less; -1 pads the end), each of which
        learns a vector; "auto" is one more than the largest in `fit`. None is for series of
        numbers.
    embedding_dim : int or None, default=None
        Length of the vector of a token; None is 64.
    input_scaling : 'standardize', (mean, std) or None, default='standardize'
        What is done to series inside the network: each feature gets mean 0 and standard
        deviation 1 over all timesteps of the training data, or (X - mean) / std (for all
        features or each). None leaves X as it is.
    output : {'single', 'timesteps', 'sequence'}, default='single'
        What y has for each sequence: one output, one for each timestep, or a sequence of
        another length, which a recurrent decoder writes.
    teacher_forcing : float, default=1.0
        Rate in [0, 1] at which a decoder is told the true output before in training; it sees
        its own otherwise. 1 is fastest.
    max_output_length : int or None, default=None
        Outputs after which a decoder stops writing; None is the longest y of `fit`.
    bptt_steps : int or None, default=None
        Timesteps over which gradients flow back (truncated backpropagation through time), for
        very long series; None is all.
    linear_shortcut : bool, default=False
        Whether a linear map, at first a ridge regression found on the training data, leads from
        all timesteps past the layers, which learn the rest; see Notes. It needs sequences of
        one length, and ``loss='squared_error'``.
    solver : {'lbfgs', 'lm', 'gauss-newton', 'newton', 'gd', 'sgd', 'adam', 'adamw', 'adagrad', 'rmsprop'}, default='adam'
        Optimiser. "gd", "lbfgs" and those of second order ("lm", "gauss-newton": squared error;
        "newton"), for small networks, take all rows in each step, the others mini-batches.
        "adamw" decays weights outside the gradient.
    alpha : float, default=0.1
        Strength of the L2 penalty (weight decay) on the weights; divided by the sum of the
        sample weights in a batch.
    batch_size : int, default='auto'
        Rows in a mini-batch; "auto" is all rows up to 64, and of more rows a sixteenth, but at
        least 32 and at most 128. Not used by 'lbfgs', 'lm', 'gauss-newton', 'newton' and 'gd'.
    learning_rate : str or callable, default='one_cycle'
        Schedule of the learning rate, for all solvers but 'lbfgs', 'lm', 'gauss-newton' and
        'newton': 'constant', 'invscaling', 'adaptive', 'step', 'exponential', 'cosine',
        'one_cycle', or a function of the epoch (counted from 0) that returns the rate.
    learning_rate_init : float, default=0.005
        Learning rate at the start; for 'one_cycle' the highest one.
    power_t : float, default=0.5
        Exponent of 'invscaling': the rate is ``learning_rate_init / (t_ + 1) ** power_t``.
    max_iter : int, default=100
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
    quantile : float or array-like of float, default=0.5
        Quantile, between 0 and 1, that ``loss='quantile'`` predicts; or several, in increasing
        order, which do not cross: predictions have a column for each. `score` is then D².
    huber_delta : float, default=1.35
        Residual beyond which ``loss='huber'`` is linear, in spreads of y: its standard
        deviation if y is normal, and hardly more with a few outliers.
    calibrate : bool, int or 'split', default=False
        Whether held-out rows tell how sure predictions are: `predict_interval`. True: `X_val`,
        else 5 folds (networks besides) below 1,000 rows, `validation_fraction` beyond
        ('split'). Or a number of folds.
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
        What early stopping watches: None is R² (for 'absolute_error', 'huber' and 'quantile'
        the validation loss, which outliers do not decide), 'loss' the validation loss, else any
        scorer of scikit-learn. Of equal scores, the lower validation loss is better.
    rho : float, default=0.9
        Decay in [0, 1) of the squared gradients in 'rmsprop'.
    max_grad_norm : float, 'auto' or None, default='auto'
        Norm to which longer gradients are shortened, which recurrent layers need now and then;
        "auto" is 1, and None for 'lbfgs', 'lm', 'gauss-newton', 'newton' and 'gd'.
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
        Precision; "auto" is float64 for float64 data of at most 10,000 values on a CPU, and
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
    loss_ : float
        Training loss of the last epoch, penalties included, of the standardised y.
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
    n_outputs_ : int
        Number of raw outputs: of a step, where the output is a sequence.
    out_activation_ : str
        Activation of the outputs: 'identity', 'gaussian', 'exp', or 'ordered' for several
        quantiles.
    n_parameters_ : int
        Number of parameters of the network.
    members_ : list of estimator
        The fitted estimators, of one network each, whose predictions are averaged. Only with
        `n_members` above 1.
    net_ : Net
        The `skorch.NeuralNet` that trained; its `module_` maps inputs to raw outputs.
    n_features_in_ : int
        Number of features seen in `fit`: of a timestep, or the timesteps of a 2-D X of series.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had any.

    See Also
    --------
    RNNClassifier : The same network for classes and labels.
    Forecaster : The future of a series.
    RNNFeatures : What the network sees, for other models.
    sknets.preprocessing.SlidingWindows : A series as lagged samples.

    Notes
    -----
    X is an array of shape (n_samples, n_timesteps, n_features); a table, whose rows are univariate
    series; or a list (or object array) of arrays of shape (n_timesteps, n_features) or (n_timesteps,),
    whose lengths may differ. NaN at the end of a sequence is padding. Predictions depend neither on
    padding nor on the other rows. A sequence may be longer than any in `fit`.

    Where y has a sequence for each row, so have predictions: an array with an axis for the steps, or an
    object array with one array per row if their numbers of steps may differ (X is a list or padded, or a
    decoder writes classes).

    A recurrent layer with H units on D inputs has ``G (H D + H² + H)`` parameters, G = 1 for 'rnn', 4
    for 'lstm', 3 for 'gru' (and H more) and 5 for 'rau'. In training, sequences of about one length
    meet in a batch. Training parameters have the names and the meaning that they have in
    `MLPRegressor`; some defaults differ.

    With ``linear_shortcut=True`` the network starts at a ridge regression of y on all timesteps, whose
    strength is the one with the least leave-one-out error. The layers learn what it leaves, of which
    `alpha` counts the spread. With `early_stopping` they count only if an epoch beats the start on the
    validation data; with ``scoring="loss"`` by a standard error.

    Inside, y is standardised (by median and spread where outliers are bounded: "absolute_error", "huber"
    and "quantile"), or divided by its mean for "poisson".

    References
    ----------
    .. [1] Hochreiter and Schmidhuber (1997). Long short-term memory. Neural Computation 9.
    .. [2] Cho et al. (2014). Learning phrase representations using RNN encoder-decoder for statistical
       machine translation. EMNLP.
    .. [3] Zhong, Yue and Ling (2018). Recurrent attention unit. arXiv:1810.12754.
    .. [4] Bahdanau, Cho and Bengio (2015). Neural machine translation by jointly learning to align and
       translate. ICLR.
    .. [5] Gal and Ghahramani (2016). A theoretically grounded application of dropout in recurrent neural
       networks. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sknets import RNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 20))
    >>> y = X[:, -5:].sum(axis=1)
    >>> network = RNNRegressor(random_state=0).fit(X[:200], y[:200])
    >>> network.score(X[200:], y[200:]) > 0.8
    True
    """

    _page = REGRESSOR
    _parameter_constraints: dict = REGRESSOR.constraints

    def __init__(
        self,
        loss: str | Callable = "squared_error",
        recurrent_layer_sizes: Sequence[int] | int = (64,),
        cell: str = "lstm",
        *,
        bidirectional: bool = False,
        pool: str = "auto",
        hidden_layer_sizes: Sequence[int] | int = (),
        activation: str | Callable | Sequence = "relu",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        conv_channels: Sequence[int] | int | str = "auto",
        kernel_size: Sequence[int] | int = 5,
        pool_size: Sequence[int] | int = 2,
        weight_init: str = "glorot_uniform",
        vocabulary_size: int | str | None = None,
        embedding_dim: int | None = None,
        input_scaling: str | Sequence | None = "standardize",
        output: str = "single",
        teacher_forcing: float = 1.0,
        max_output_length: int | None = None,
        bptt_steps: int | None = None,
        linear_shortcut: bool = False,
        solver: str = "adam",
        alpha: float = 0.1,
        batch_size: int | str = "auto",
        learning_rate: str | Callable[[int], float] = "one_cycle",
        learning_rate_init: float = 0.005,
        power_t: float = 0.5,
        max_iter: int = 100,
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
        quantile: float | Sequence[float] = 0.5,
        huber_delta: float = 1.35,
        calibrate: bool | int | str = False,
        l1_alpha: float = 0.0,
        batch_growth: float = 1.0,
        scale_learning_rate: bool = False,
        decay_rate: float = 0.1,
        decay_epochs: float | None = None,
        scoring: str | Callable | None = None,
        rho: float = 0.9,
        max_grad_norm: float | str | None = "auto",
        average: str | None = None,
        average_decay: float = 0.99,
        device: str = "auto",
        dtype: str = "auto",
        precision: str = "full",
        callbacks: Sequence[skorch.callbacks.Callback] | None = None,
        checkpoint: str | os.PathLike | None = None,
        n_members: int = 1,
    ) -> None:
        self.loss = loss
        self.recurrent_layer_sizes = recurrent_layer_sizes
        self.cell = cell
        self.bidirectional = bidirectional
        self.pool = pool
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.conv_channels = conv_channels
        self.kernel_size = kernel_size
        self.pool_size = pool_size
        self.weight_init = weight_init
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.input_scaling = input_scaling
        self.output = output
        self.teacher_forcing = teacher_forcing
        self.max_output_length = max_output_length
        self.bptt_steps = bptt_steps
        self.linear_shortcut = linear_shortcut
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
        self.quantile = quantile
        self.huber_delta = huber_delta
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
