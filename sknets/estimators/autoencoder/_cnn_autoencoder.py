"""Autoencoder for images, signals and volumes."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import skorch

from sknets.estimators.autoencoder._images import BaseCNNAutoencoder
from sknets.estimators.autoencoder._page import CNN_AUTOENCODER


class CNNAutoencoder(BaseCNNAutoencoder):
    """Convolutional autoencoder: few numbers for each image, from which a network makes the image again.

    A transformer beside `sklearn.decomposition.PCA`: convolutions and pooling make small maps of an
    image, a dense layer makes a code of all their values, and a decoder, the mirror image, leads back to
    the size of the image by transposed convolutions. X may be signals and volumes, too, and all that
    `CNNClassifier` takes: images with or without channels, or a table with `input_shape`.

    Parameters
    ----------
    n_components : int, default=2
        Numbers of the code.
    conv_channels : array-like of shape (n_conv_layers,), int or 'auto', default='auto'
        Channels (feature maps) of each convolutional layer; "auto" is 32, 64, 128, 128, 128, of
        which it takes as many layers, at least 2, as halve the longest side down to 4.
    kernel_size : int, tuple or list, default=3
        Size of the kernels: a number, a tuple with one number per spatial dimension, or a list
        with one of these per layer.
    stride : int, tuple or list, default=2
        Distance between the positions of a kernel; given like `kernel_size`.
    padding : 'same', 'valid', int, tuple or list, default='same'
        Zeros around each map: "same" as many as keep its size (divided by `stride`), "valid"
        none, or a number, given like `kernel_size`. With "same", windows of pooling may reach
        over the border.
    pooling : str, list or None, default=None
        What becomes of a window: 'max', 'average', 'weighted' (with learned weights),
        'downsample' (its first value) or None, for all layers or a list per layer. The decoder
        repeats a value over its window.
    pool_size : int, tuple or list, default=2
        Size of the windows of pooling; given like `kernel_size`.
    pool_stride : int, tuple, list or None, default=None
        Distance between windows, given like `kernel_size`; None is `pool_size`.
    normalization : {'batch', 'group', 'layer'} or None, default=None
        Normalisation of the maps after activation and pooling: over the batch, or in each image
        over groups of up to 8 of its channels ("group") or all channels ("layer").
    hidden_layer_sizes : array-like of shape (n_hidden_layers,) or int, default=()
        Number of units in each hidden layer of the encoder between the final maps and the code.
        The decoder is the mirror image.
    activation : str, callable or list of these, default='silu'
        That of all convolutional and hidden layers, or one for each of the encoder in this
        order: 'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'prelu' (learned slope),
        'elu', 'gelu' or 'silu'; or a function of a tensor, or a module (or its class).
    code_activation : {'identity', 'logistic', 'tanh', 'relu', 'leaky_relu', 'prelu', 'elu', 'gelu', 'silu'}, default='identity'
        Activation of the code.
    spatial_dropout : float, default=0.0
        Rate in [0, 1) at which whole feature maps are dropped after each convolutional layer.
    input_shape : tuple of int or None, default=None
        Shape of one image, in the order of `data_format`, into which the features of a 2-D X
        are arranged; None makes a row of a 2-D X a signal of one channel.
    conv_dim : {'auto', 1, 2, 3}, default='auto'
        Spatial dimensions: 1 for signals, 2 for images, 3 for volumes. "auto" takes X of 2, 3,
        4, 5 dimensions as signals, images, images with channels, volumes with channels.
    data_format : {'channels_last', 'channels_first'}, default='channels_last'
        Where the channels stand in X: (n, height, width, channels) or (n, channels, height,
        width).
    noise : {'gaussian', 'masking'} or None, default=None
        How rows are corrupted in training, to be repaired: "gaussian" adds normal numbers,
        "masking" sets values to the mean of their pixel.
    noise_level : float, default=0.2
        Standard deviation of 'gaussian', in root mean squared deviations of all pixels; share,
        in (0, 1), of the values that 'masking' sets.
    solver : {'lbfgs', 'lm', 'gauss-newton', 'newton', 'gd', 'sgd', 'adam', 'adamw', 'adagrad', 'rmsprop'}, default='adam'
        Optimiser. "gd", "lbfgs" and those of second order ("lm", "gauss-newton": squared error;
        "newton"), for small networks, take all rows in each step, the others mini-batches.
        "adamw" decays weights outside the gradient.
    alpha : float, default=0.0001
        Strength of the L2 penalty (weight decay) on the weights; divided by the sum of the
        sample weights in a batch.
    batch_size : int, default='auto'
        Rows in a mini-batch; "auto" is all rows up to 64, and 32 of more rows. Not used by
        'lbfgs', 'lm', 'gauss-newton', 'newton' and 'gd'.
    learning_rate : str or callable, default='one_cycle'
        Schedule of the learning rate, for all solvers but 'lbfgs', 'lm', 'gauss-newton' and
        'newton': 'constant', 'invscaling', 'adaptive', 'step', 'exponential', 'cosine',
        'one_cycle', or a function of the epoch (counted from 0) that returns the rate.
    learning_rate_init : float, default=0.005
        Learning rate at the start; for 'one_cycle' the highest one.
    power_t : float, default=0.5
        Exponent of 'invscaling': the rate is ``learning_rate_init / (t_ + 1) ** power_t``.
    max_iter : int, default=50
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
        Dropout rate in [0, 1) of the final maps and of each hidden layer, and of their mirror
        images.
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
    input_shape_ : tuple of int
        Shape of one image as the network takes it.
    n_parameters_ : int
        Number of parameters of the network.
    net_ : Net
        The `skorch.NeuralNet` that trained; its `module_` maps inputs to raw outputs.
    n_features_in_ : int
        Number of features seen in `fit`: the values of an image.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had any.

    See Also
    --------
    Autoencoder : The same with dense layers, which know no neighbours.
    sklearn.decomposition.PCA : The same with straight lines.
    CNNClassifier, CNNRegressor : The networks for a y.
    CNNFeatures : What networks that have learned a y see.

    Notes
    -----
    As in a PCA, each pixel is centred, and errors count in units of X, those of all channels alike.
    (Inside, all values are divided by one number, so that a fit does not depend on the unit of X.) The
    code sees all values of the final maps, since a mean over a map would not say where something stands.

    With "same" padding, sides that are odd, or that `stride` and `pool_size` do not divide, come back in
    their size: a transposed convolution has the positions of its convolution, and what pooling cut off
    gets the value beside it.

    Values that 'masking' sets, and noise that 'gaussian' adds, are drawn anew in each epoch; the error is
    that of the image as it was.

    References
    ----------
    .. [1] Masci, Meier, Ciresan and Schmidhuber (2011). Stacked convolutional auto-encoders for
       hierarchical feature extraction. ICANN.
    .. [2] Dumoulin and Visin (2016). A guide to convolution arithmetic for deep learning.
       arXiv:1603.07285.
    .. [3] Odena, Dumoulin and Olah (2016). Deconvolution and checkerboard artifacts. Distill.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.decomposition import PCA
    >>> from sknets import CNNAutoencoder
    >>> images = load_digits().images[:300]
    >>> network = CNNAutoencoder(n_components=4, conv_channels=(8, 16), max_iter=20, random_state=0)
    >>> codes = network.fit_transform(images)
    >>> codes.shape
    (300, 4)
    >>> network.inverse_transform(codes).shape
    (300, 8, 8)
    >>> pca = PCA(n_components=4).fit(images.reshape(300, 64))
    >>> bool(network.score(images) > pca.explained_variance_ratio_.sum())
    True
    """

    _page = CNN_AUTOENCODER
    _parameter_constraints: dict = CNN_AUTOENCODER.constraints

    def __init__(
        self,
        n_components: int = 2,
        conv_channels: Sequence[int] | int | str = "auto",
        kernel_size: int | Sequence = 3,
        *,
        stride: int | Sequence = 2,
        padding: str | int | Sequence = "same",
        pooling: str | Sequence[str | None] | None = None,
        pool_size: int | Sequence = 2,
        pool_stride: int | Sequence | None = None,
        normalization: str | None = None,
        hidden_layer_sizes: Sequence[int] | int = (),
        activation: str | Callable | Sequence = "silu",
        code_activation: str = "identity",
        spatial_dropout: float = 0.0,
        input_shape: Sequence[int] | None = None,
        conv_dim: int | str = "auto",
        data_format: str = "channels_last",
        noise: str | None = None,
        noise_level: float = 0.2,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Callable[[int], float] = "one_cycle",
        learning_rate_init: float = 0.005,
        power_t: float = 0.5,
        max_iter: int = 50,
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
        self.conv_channels = conv_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.pooling = pooling
        self.pool_size = pool_size
        self.pool_stride = pool_stride
        self.normalization = normalization
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.code_activation = code_activation
        self.spatial_dropout = spatial_dropout
        self.input_shape = input_shape
        self.conv_dim = conv_dim
        self.data_format = data_format
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
