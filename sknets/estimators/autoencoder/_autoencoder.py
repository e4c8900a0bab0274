"""Autoencoder for tables."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import skorch

from sknets import modules
from sknets.estimators._per_layer import read_activations, read_sizes
from sknets.estimators.autoencoder._architecture import MirroredDense
from sknets.estimators.autoencoder._arrays import ArrayAutoencoder
from sknets.estimators.autoencoder._page import AUTOENCODER
from sknets.inputs import TableInput


class Autoencoder(ArrayAutoencoder):
    """Autoencoder: few numbers for each row, from which a network makes the row again.

    A transformer beside `sklearn.decomposition.PCA`: an encoder of dense layers makes a code of a row,
    and a decoder, its mirror image, makes the row of the code. Both learn by the squared error of the
    row. Without hidden layers they find the space of the principal components; with them, curved ones.

    Parameters
    ----------
    n_components : int, default=2
        Numbers of the code.
    hidden_layer_sizes : array-like of shape (n_hidden_layers,) or int, default=(100,)
        Number of units in each hidden layer of the encoder; the decoder has the same, mirrored.
        ``()`` makes a linear autoencoder.
    activation : str, callable or list of these, default='silu'
        That of all hidden layers, or one for each of the encoder: 'identity', 'logistic',
        'tanh', 'relu', 'leaky_relu', 'prelu' (learned slope), 'elu', 'gelu' or 'silu'; or a
        function of a tensor, or a module (or its class). The decoder's are mirrored.
    code_activation : {'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'prelu', 'elu', 'gelu', 'silu'}, default='identity'
        Activation of the code.
    noise : {'gaussian', 'masking'} or None, default=None
        How rows are corrupted in training, to be repaired: "gaussian" adds normal numbers,
        "masking" sets values to the mean of their column.
    noise_level : float, default=0.2
        Standard deviation of 'gaussian', in root mean squared deviations of all columns; share,
        in (0, 1), of the values that 'masking' sets.
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
    learning_rate : str or callable, default='one_cycle'
        Schedule of the learning rate, for all solvers but 'lbfgs', 'lm', 'gauss-newton' and
        'newton': 'constant', 'invscaling', 'adaptive', 'step', 'exponential', 'cosine',
        'one_cycle', or a function of the epoch (counted from 0) that returns the rate.
    learning_rate_init : float, default=0.01
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
        Dropout rate in [0, 1) after each hidden layer, but for the code. Units that stay are
        scaled up in training.
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
    n_layers_ : int
        Number of layers, inputs and outputs among them.
    n_parameters_ : int
        Number of parameters of the network.
    net_ : Net
        The `skorch.NeuralNet` that trained; its `module_` maps inputs to raw outputs.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had any.

    See Also
    --------
    CNNAutoencoder, RNNAutoencoder : The same of images and of series.
    sklearn.decomposition.PCA : The same with straight lines.
    MLPRegressor : The network for a y.
    CNNFeatures, RNNFeatures : What networks that have learned a y see of images and series.

    Notes
    -----
    As in a PCA, columns are centred, and their errors count in their own units: scale X beforehand where
    these differ. (Inside, all columns are divided by one number, so that a fit does not depend on the
    unit of X.) Unlike components, the numbers of a code are in no order, and not uncorrelated.

    Values that 'masking' sets, and noise that 'gaussian' adds, are drawn anew in each epoch; the error is
    that of the row as it was.

    References
    ----------
    .. [1] Hinton and Salakhutdinov (2006). Reducing the dimensionality of data with neural networks.
       Science 313.
    .. [2] Baldi and Hornik (1989). Neural networks and principal component analysis: learning from
       examples without local minima. Neural Networks 2.
    .. [3] Vincent, Larochelle, Bengio and Manzagol (2008). Extracting and composing robust features with
       denoising autoencoders. ICML.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sknets import Autoencoder
    >>> X, _ = load_digits(return_X_y=True)
    >>> network = Autoencoder(n_components=2, random_state=0).fit(X[:1000])
    >>> network.transform(X[:3]).shape
    (3, 2)
    >>> network.inverse_transform(network.transform(X[:3])).shape
    (3, 64)
    >>> pca = PCA(n_components=2).fit(X[:1000])
    >>> bool(network.score(X[:1000]) > 1.5 * pca.explained_variance_ratio_.sum())
    True
    """

    _page = AUTOENCODER
    _parameter_constraints: dict = AUTOENCODER.constraints

    def __init__(
        self,
        n_components: int = 2,
        hidden_layer_sizes: Sequence[int] | int = (100,),
        activation: str | Callable | Sequence = "silu",
        code_activation: str = "identity",
        *,
        noise: str | None = None,
        noise_level: float = 0.2,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Callable[[int], float] = "one_cycle",
        learning_rate_init: float = 0.01,
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
        dropout: float = 0.0,
        weight_init: str = "glorot_uniform",
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
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.code_activation = code_activation
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

    def _make_input(self):
        return TableInput(takes_sparse=False)

    def _make_architecture(self, input, target):
        sizes = read_sizes("hidden_layer_sizes", self.hidden_layer_sizes, "units")
        names = read_activations(self.activation, len(sizes), "hidden", modules.ACTIVATIONS)
        (n_columns,) = input.row_shape
        rates = [float(self.dropout)] * len(sizes)
        plan = {
            "layer_sizes": [n_columns, *sizes, int(self.n_components), *sizes[::-1], n_columns],
            "activations": [*names, self.code_activation, *names[::-1]],
            "dropout": [*rates, 0.0, *rates],
            "weight_init": self.weight_init,
            "n_encoder": len(sizes) + 1,
            **self._noise_plan,
        }
        return MirroredDense(plan, target.scaling)

    @property
    def n_layers_(self):
        """Number of layers, inputs and outputs among them."""
        return len(self.net_.module_.weighted_layers) + 1
