"""Multi-layer perceptron regressor."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import skorch
from sklearn.frozen import FrozenEstimator

from sknets.estimators._regressor_task import RegressorTask
from sknets.estimators.mlp._base import BaseMLP
from sknets.estimators.mlp._page import REGRESSOR


class MLPRegressor(RegressorTask, BaseMLP):
    r"""Multi-layer perceptron regressor.

    A network of dense layers for one or several numbers, trained by backpropagation.

    Parameters
    ----------
    loss : {'squared_error', 'gaussian', 'absolute_error', 'huber', 'poisson', 'quantile'} or callable, default='squared_error'
        Loss; squares and deviances are halved. "gaussian" learns deviations of y, too;
        "poisson" has an exponential output (``y >= 0``). A function ``loss(raw, target)``
        returns losses of shape (n_rows,); its target has mean 0 and deviation 1.
    hidden_layer_sizes : array-like of shape (n_layers - 2,) or int, default=(100,)
        Number of units in each hidden layer; ``()`` makes a linear model.
    activation : str, callable or list of these, default='relu'
        That of all hidden layers, or one for each: 'identity', 'logistic', 'tanh', 'relu',
        'leaky_relu', 'prelu' (learned slope), 'elu', 'gelu', 'silu' or 'rbf' (radial basis,
        `coefs_` are centres); or a function of a tensor, or a module (or its class).
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
    dropout : float or list of float, default=0.0
        Dropout rate in [0, 1) after each hidden layer, for all layers or one per layer. Units
        that stay are scaled up in training.
    normalization : {'batch', 'layer'} or None, default=None
        Normalisation of each hidden layer, after its activation.
    weight_init : str, default='glorot_uniform'
        Initial weights: 'glorot_uniform' (scikit-learn's), 'glorot_normal', 'he_uniform',
        'he_normal', 'orthogonal', or 'linear' (so small that units begin in the linear part of
        their activation).
    pretrain : {'autoencoder', 'rbm'}, FrozenEstimator or None, default=None
        What a new network's hidden layers learn of X first: each by an autoencoder that
        denoises, or as a restricted Boltzmann machine (logistic units). Or a fitted
        `Autoencoder`, frozen, with such an encoder.
    pretrain_iter : int, default=50
        Epochs of each layer in which 'autoencoder' and 'rbm' learn. The gradient of a batch
        counts sample weights as repetitions; draws and batches are those of the rows as they
        are.
    numeric_embedding : {'piecewise_linear', 'periodic'} or None, default=None
        What each column of X becomes first: "piecewise_linear" bins that fill up one after the
        other (jumps, bends), or learned "periodic" waves beside it. Not for sparse X.
    embedding_bins : int, default=8
        Bins of 'piecewise_linear', each with as many training rows as the others; fewer where
        values repeat.
    embedding_size : int, default=4
        Numbers that 'periodic' makes of a column with more than two values: itself, and sums of
        16 waves with learned frequencies, phases and weights.
    frequency_scale : float, default=0.1
        Standard deviation of the initial frequencies of 'periodic', in cycles per unit of X:
        the larger, the faster may y change.
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
    coefs_ : list of ndarray
        Weight matrices of shape (n_inputs, n_units); the last one in units of y; read-only. The
        first one is behind the embedding, where there is one.
    intercepts_ : list of ndarray
        Intercepts of shape (n_units,); the last one in units of y; read-only.
    n_layers_ : int
        Number of layers, inputs and outputs among them.
    n_outputs_ : int
        Number of outputs of the network.
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
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had any.

    See Also
    --------
    MLPClassifier : The same network for classes and labels.
    Autoencoder : A code of X, and layers to begin with.
    ModuleRegressor : The same training for a Torch module of your own.
    sklearn.linear_model.LassoCV : A linear model to compare with.

    Notes
    -----
    Inside, y is standardised for all losses but "poisson" (which divides it by its mean), so that
    a fit does not depend on its units; losses and `tol` are in those of the standardised y.
    Parameters of `sklearn.neural_network.MLPRegressor` have the same names, defaults and meaning.

    References
    ----------
    .. [1] Glorot and Bengio (2010). Understanding the difficulty of training deep feedforward
       neural networks. AISTATS.
    .. [2] Kingma and Ba (2015). Adam: a method for stochastic optimization. ICLR.
    .. [3] Srivastava et al. (2014). Dropout: a simple way to prevent neural networks from
       overfitting. JMLR 15.
    .. [4] Hinton, Osindero and Teh (2006). A fast learning algorithm for deep belief nets. Neural
       Computation 18.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknets import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> network = MLPRegressor(learning_rate="cosine", alpha=10, random_state=0)
    >>> model = make_pipeline(StandardScaler(), network).fit(X_train, y_train)
    >>> model.score(X_test, y_test) > 0.35
    True
    """

    _page = REGRESSOR
    _parameter_constraints: dict = REGRESSOR.constraints

    def __init__(
        self,
        loss: str | Callable = "squared_error",
        hidden_layer_sizes: Sequence[int] | int = (100,),
        activation: str | Callable | Sequence = "relu",
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
        quantile: float | Sequence[float] = 0.5,
        huber_delta: float = 1.35,
        calibrate: bool | int | str = False,
        dropout: float | Sequence[float] = 0.0,
        normalization: str | None = None,
        weight_init: str = "glorot_uniform",
        pretrain: str | FrozenEstimator | None = None,
        pretrain_iter: int = 50,
        numeric_embedding: str | None = None,
        embedding_bins: int = 8,
        embedding_size: int = 4,
        frequency_scale: float = 0.1,
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
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
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
        self.dropout = dropout
        self.normalization = normalization
        self.weight_init = weight_init
        self.pretrain = pretrain
        self.pretrain_iter = pretrain_iter
        self.numeric_embedding = numeric_embedding
        self.embedding_bins = embedding_bins
        self.embedding_size = embedding_size
        self.frequency_scale = frequency_scale
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
