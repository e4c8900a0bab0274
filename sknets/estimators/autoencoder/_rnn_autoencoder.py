"""Autoencoder for series."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import skorch

from sknets.estimators.autoencoder._page import RNN_AUTOENCODER
from sknets.estimators.autoencoder._series import BaseRNNAutoencoder


class RNNAutoencoder(BaseRNNAutoencoder):
    """Recurrent autoencoder: few numbers for each series, from which a network makes the series again.

    Recurrent layers read a series, and a dense layer makes a code of their last state; other recurrent
    layers start from the code and unroll the series again. Series may have unequal lengths: codes are
    rows of one length for them, in which they can be compared, drawn or clustered. X is what
    `RNNRegressor` takes, but for tokens: arrays, tables of univariate series, lists, NaN as padding.

    Parameters
    ----------
    n_components : int, default=2
        Numbers of the code.
    recurrent_layer_sizes : array-like of shape (n_recurrent_layers,) or int, default=(64,)
        Number of units in each recurrent layer of the encoder; with `bidirectional`, in each
        direction. The decoder is the mirror image.
    cell : str, default='lstm'
        What a unit is: 'rnn' (tanh), 'rnn_relu', 'lstm', 'gru', 'gru_reset_before' (resets the
        state before the product, not after it) or 'rau' (a GRU with an attention gate).
    bidirectional : bool, default=False
        Whether series are read, and unrolled again, from both ends.
    hidden_layer_sizes : array-like of shape (n_hidden_layers,) or int, default=()
        Number of units in each hidden layer of the encoder between the last state and the code.
        The decoder is the mirror image.
    activation : str, callable or list of these, default='silu'
        That of all hidden layers, or one for each of the encoder: 'identity', 'logistic',
        'tanh', 'relu', 'leaky_relu', 'prelu' (learned slope), 'elu', 'gelu' or 'silu'; or a
        function of a tensor, or a module (or its class).
    code_activation : {'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'prelu', 'elu', 'gelu', 'silu'}, default='identity'
        Activation of the code.
    recurrent_dropout : float, default=0.0
        Dropout rate in [0, 1) of the state between timesteps, one mask for all timesteps of a
        sequence. Slower, since no fused kernel knows it.
    noise : {'gaussian', 'masking'} or None, default=None
        How rows are corrupted in training, to be repaired: "gaussian" adds normal numbers,
        "masking" sets values to the mean of their feature.
    noise_level : float, default=0.2
        Standard deviation of 'gaussian', in root mean squared deviations of all features;
        share, in (0, 1), of the values that 'masking' sets.
    solver : {'lbfgs', 'lm', 'gauss-newton', 'newton', 'gd', 'sgd', 'adam', 'adamw', 'adagrad', 'rmsprop'}, default='adam'
        Optimiser. "gd", "lbfgs" and those of second order ("lm", "gauss-newton": squared error;
        "newton"), for small networks, take all rows in each step, the others mini-batches.
        "adamw" decays weights outside the gradient.
    alpha : float, default=0.0001
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
        'gauss-newton' and 'newton' the bound on the gradient. The loss is that of the
        standardised X.
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
        Whether validation rows decide: training ends when they show no progress, and the
        weights of the best epoch are put back. Without it, the training loss alone decides.
    validation_fraction : float, default=0.1
        Share of the rows that early stopping sets aside, unless `fit` is given `X_val`.
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
    dropout : float, default=0.0
        Dropout rate in [0, 1) between the layers: of recurrent outputs, of the last state and
        of hidden layers.
    weight_init : str, default='glorot_uniform'
        Initial weights: 'glorot_uniform' (scikit-learn's), 'glorot_normal', 'he_uniform',
        'he_normal', 'orthogonal', or 'linear' (so small that units begin in the linear part of
        their activation).
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
        What early stopping watches: None is `score`, 'loss' the validation loss, else any
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

    Attributes
    ----------
    loss_ : float
        Training loss of the last epoch, penalties included, of the standardised X.
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
    n_timesteps_ : int or None
        Timesteps of the series of the first call; None where they differed.
    n_parameters_ : int
        Number of parameters of the network.
    net_ : Net
        The `skorch.NeuralNet` that trained; its `module_` maps inputs to raw outputs.
    n_features_in_ : int
        Number of features seen in `fit`: of a timestep, or the timesteps of a 2-D X of series.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had any.

    See Also
    --------
    Autoencoder : The same with dense layers, for series of one length.
    CNNAutoencoder : The same with convolutions, for signals of one length.
    RNNClassifier, RNNRegressor : The networks for a y.
    RNNFeatures : What networks that have learned a y see.

    Notes
    -----
    Each feature is centred by its mean over all timesteps, and errors count in units of X: scale X
    beforehand where features have different ones. (Inside, all features are divided by one number, so
    that a fit does not depend on the unit of X.) The loss is the mean over all timesteps, so a long
    series weighs as its timesteps do; padding is no timestep.

    The decoder sees the code at each step and starts from a state that is made of it. It is not told
    what it wrote before, so a small code has to say all of the series. Since a code does not say how
    long its series was, `inverse_transform` takes `lengths`, which it needs where those of `fit`
    differed.

    Few series teach it little: with fewer than some hundred of one length, `Autoencoder` keeps more.
    With a code of many numbers, `bidirectional` keeps more than one direction.

    Token ids are names, whose squared errors say nothing: padded ones are refused. For texts, train an
    `RNNClassifier` and take its `RNNFeatures`.

    References
    ----------
    .. [1] Srivastava, Mansimov and Salakhutdinov (2015). Unsupervised learning of video representations
       using LSTMs. ICML.
    .. [2] Malhotra, Ramakrishnan, Anand, Vig, Agarwal and Shroff (2016). LSTM-based encoder-decoder for
       multi-sensor anomaly detection. ICML workshop, arXiv:1607.00148.

    Examples
    --------
    >>> import numpy as np
    >>> from sknets import RNNAutoencoder
    >>> rng = np.random.default_rng(0)
    >>> lengths = rng.integers(10, 20, 100)
    >>> X = [np.sin(0.5 * np.arange(n) + phase) for n, phase in zip(lengths, rng.uniform(0, 6, 100))]
    >>> network = RNNAutoencoder(2, (16,), "rnn", max_iter=40, random_state=0).fit(X)
    >>> codes = network.transform(X)
    >>> codes.shape
    (100, 2)
    >>> again = network.inverse_transform(codes, lengths=lengths)
    >>> again[3].shape == X[3].shape
    True
    >>> network.score(X) > 0.7
    True
    """

    _page = RNN_AUTOENCODER
    _parameter_constraints: dict = RNN_AUTOENCODER.constraints

    def __init__(
        self,
        n_components: int = 2,
        recurrent_layer_sizes: Sequence[int] | int = (64,),
        cell: str = "lstm",
        *,
        bidirectional: bool = False,
        hidden_layer_sizes: Sequence[int] | int = (),
        activation: str | Callable | Sequence = "silu",
        code_activation: str = "identity",
        recurrent_dropout: float = 0.0,
        noise: str | None = None,
        noise_level: float = 0.2,
        solver: str = "adam",
        alpha: float = 0.0001,
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
        dropout: float = 0.0,
        weight_init: str = "glorot_uniform",
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
    ) -> None:
        self.n_components = n_components
        self.recurrent_layer_sizes = recurrent_layer_sizes
        self.cell = cell
        self.bidirectional = bidirectional
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.code_activation = code_activation
        self.recurrent_dropout = recurrent_dropout
        self.noise = noise
        self.noise_level = noise_level
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
        self.dropout = dropout
        self.weight_init = weight_init
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
