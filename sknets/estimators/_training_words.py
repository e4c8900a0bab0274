"""The words for training: the parameters and attributes of all estimators.

Where a text depends on what y is, it has a name in braces, for which `_task_words` has the words.
"""

from numbers import Integral, Real
from os import PathLike

import numpy as np

from sknets import training
from sknets.estimators._sklearn import Interval, Options, StrOptions
from sknets.estimators._words import attribute, listed, one_of, parameter
from sknets.inputs import TableInput

SOLVERS = training.SOLVERS

#: In a sentence: the solvers that take all rows in each step, and those that minimise by themselves.
ALL_ROWS = listed(name for name, solver in SOLVERS.items() if solver.takes_all_rows)
MINIMIZERS = listed(name for name, solver in SOLVERS.items() if not solver.is_incremental)


def _solvers_with(name):
    """Return, in a sentence, the solvers that declare a parameter."""
    return listed(key for key, solver in SOLVERS.items() if name in training.declared(solver))


#: What scikit-learn's networks have too, in their order.
SCIKIT_LEARNS = (
    parameter(
        f"""solver : {one_of(SOLVERS)}, default='adam'
        Optimiser. "gd", "lbfgs" and those of second order ("lm", "gauss-newton": squared error;
        "newton"), for small networks, take all rows in each step, the others mini-batches. "adamw"
        decays weights outside the gradient.""",
        [StrOptions(set(SOLVERS))],
    ),
    parameter(
        """alpha : float, default=0.0001
        Strength of the L2 penalty (weight decay) on the weights; divided by the sum of the
        sample weights in a batch.""",
        [Interval(Real, 0, None, closed="left")],
    ),
    parameter(
        f"""batch_size : int, default='auto'
        Rows in a mini-batch; "auto" is ``min(200, n_samples)``. Not used by {ALL_ROWS}.""",
        [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        annotation="int | str",
    ),
    parameter(
        f"""learning_rate : str or callable, default='constant'
        Schedule of the learning rate, for all solvers but {MINIMIZERS}:
        {listed(training.SCHEDULES, last=", ")}, or a function of the epoch (counted from 0) that
        returns the rate.""",
        [StrOptions(set(training.SCHEDULES)), callable],
        annotation="str | Callable[[int], float]",
    ),
    parameter(
        """learning_rate_init : float, default=0.001
        Learning rate at the start; for 'one_cycle' the highest one.""",
        [Interval(Real, 0, None, closed="neither")],
    ),
    parameter(
        """power_t : float, default=0.5
        Exponent of 'invscaling': the rate is ``learning_rate_init / (t_ + 1) ** power_t``.""",
        [Interval(Real, 0, None, closed="left")],
    ),
    parameter(
        f"""max_iter : int, default=200
        Largest number of epochs (iterations of {MINIMIZERS}).""",
        [Interval(Integral, 1, None, closed="left")],
    ),
    parameter(
        """shuffle : bool, default=True
        Whether the rows are shuffled in each epoch.""",
        ["boolean"],
    ),
    parameter(
        """random_state : int, RandomState instance or None, default=None
        Seed of initial weights, validation split, shuffles and dropout. None draws a new one;
        global random states are never touched.""",
        ["random_state"],
        annotation="int | np.random.RandomState | None",
    ),
    parameter(
        f"""tol : float, default=1e-4
        Smallest change of the loss or score that counts as progress; for {MINIMIZERS}
        the bound on the gradient. The loss is that of a standardised y.""",
        [Interval(Real, 0, None, closed="left")],
    ),
    parameter(
        """verbose : bool or int, default=False
        Whether to print each epoch: its loss, the loss and score of validation data, and the time that
        is left at most, from a second on, by the pace of the last ten epochs.""",
        ["verbose"],
    ),
    parameter(
        """warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last fit.""",
        ["boolean"],
    ),
    parameter(
        f"""momentum : float, default=0.9
        Momentum in [0, 1] of {_solvers_with("momentum")}.""",
        [Interval(Real, 0, 1, closed="both")],
    ),
    parameter(
        f"""nesterovs_momentum : bool, default=True
        Whether {_solvers_with("nesterovs_momentum")} uses Nesterov's form of the momentum.""",
        ["boolean"],
    ),
    parameter(
        """early_stopping : bool, default=False
        Whether validation data decide: training ends when they show no progress, and the weights of
        the best epoch are put back. Without it, the training loss alone decides when to end.""",
        ["boolean"],
    ),
    parameter(
        """validation_fraction : float, default=0.1
        Share of the rows that early stopping sets aside, stratified by class as far as each class
        keeps a row to learn from, unless `fit` is given validation data.""",
        [Interval(Real, 0, 1, closed="left")],
    ),
    parameter(
        f"""beta_1 : float, default=0.9
        Decay in [0, 1) of the first moment in {_solvers_with("beta_1")}.""",
        [Interval(Real, 0, 1, closed="left")],
    ),
    parameter(
        f"""beta_2 : float, default=0.999
        Decay in [0, 1) of the second moment in {_solvers_with("beta_2")}.""",
        [Interval(Real, 0, 1, closed="left")],
    ),
    parameter(
        f"""epsilon : float, default=1e-8
        Small number in the denominator of {_solvers_with("epsilon")}.""",
        [Interval(Real, 0, None, closed="neither")],
    ),
    parameter(
        """n_iter_no_change : int or inf, default=10
        Epochs without progress after which training ends; without `early_stopping` not for schedules that
        end by plan ('step', 'exponential', 'cosine', 'one_cycle'). Infinity with `early_stopping` goes on
        to `max_iter` and keeps the best of all epochs.""",
        [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        annotation="int | float",
    ),
    parameter(
        f"""max_fun : int, default=15000
        Largest number of loss evaluations of {_solvers_with("max_fun")}.""",
        [Interval(Integral, 1, None, closed="left")],
    ),
)

#: What goes beyond.
FURTHER = (
    parameter(
        f"""l1_alpha : float, default=0.0
        Strength of the L1 penalty (weight elimination); divided likewise. Eliminated weights
        are exactly zero. Not for {MINIMIZERS}.""",
        [Interval(Real, 0, None, closed="left")],
        neutral=(0,),
    ),
    parameter(
        """batch_growth : float, default=1.0
        Factor, at least 1, by which the batch size grows with each epoch.""",
        [Interval(Real, 1, None, closed="left")],
        neutral=(1,),
    ),
    parameter(
        """scale_learning_rate : bool, default=False
        Whether the learning rate grows in proportion to the batch, so that the noise of the
        gradient, which goes with their ratio, stays the same.""",
        ["boolean"],
    ),
    parameter(
        """decay_rate : float, default=0.1
        Factor in (0, 1] by which 'step' and 'exponential' lower the rate.""",
        [Interval(Real, 0, 1, closed="right")],
    ),
    parameter(
        """decay_epochs : float or None, default=None
        Epochs in which the factor applies once; None is a third of `max_iter` for 'step' and
        all of it for 'exponential'.""",
        [Interval(Real, 0, None, closed="neither"), None],
    ),
    parameter(
        """scoring : str, callable or None, default=None
        What early stopping watches: None is {watched}, 'loss' the validation loss, else any scorer of
        scikit-learn. Of equal scores, the lower validation loss is better.""",
        [str, callable, None],
        annotation="str | Callable | None",
    ),
    parameter(
        f"""rho : float, default=0.9
        Decay in [0, 1) of the squared gradients in {_solvers_with("rho")}.""",
        [Interval(Real, 0, 1, closed="left")],
    ),
    parameter(
        f"""max_grad_norm : float or None, default=None
        Norm to which longer gradients are shortened. Not for {MINIMIZERS}.""",
        [Interval(Real, 0, None, closed="neither"), None],
        neutral=(None,),
    ),
    parameter(
        f"""average : {one_of(training.AVERAGES)} or None, default=None
        Averaging of the iterates: the network predicts with the mean of the weights after all
        steps, or with their exponential average. Not for {MINIMIZERS}.""",
        [StrOptions(set(training.AVERAGES)), None],
        neutral=(None,),
    ),
    parameter(
        """average_decay : float, default=0.99
        Decay in [0, 1) of the exponential average per step.""",
        [Interval(Real, 0, 1, closed="left")],
    ),
    parameter(
        """device : str, default='auto'
        Where to compute: "cpu", "cuda", "cuda:1", "mps"; "auto" takes an accelerator where
        there is one and a step multiplies 10 million numbers or more.""",
        [str],
    ),
    parameter(
        f"""dtype : {one_of(["auto", "float32", "float64"])}, default='auto'
        Precision; "auto" is float64 for float64 data of at most
        {TableInput.small_data:,} values on a CPU, and float32 otherwise.""",
        [StrOptions({"auto", "float32", "float64"})],
    ),
    parameter(
        f"""precision : {one_of(training.PRECISIONS)}, default='full'
        How to train: "full" computes in `dtype`, "bf16" products of layers in bfloat16 beside parameters
        of float32, faster where a processor has units for it. Predictions are always in full.
        Not for {MINIMIZERS}.""",
        [StrOptions(set(training.PRECISIONS))],
        neutral=("full",),
    ),
    parameter(
        """callbacks : list of skorch.callbacks.Callback or None, default=None
        Callbacks of skorch; they see `net_`. Those of scikit-learn go to `set_callbacks`.""",
        [list, tuple, None],
        annotation="Sequence[skorch.callbacks.Callback] | None",
    ),
    parameter(
        f"""checkpoint : str, path-like or None, default=None
        Folder that keeps how far a fit has come: after a kill, the same `fit` goes on there, to the same
        bits. Needs an int `random_state`. Not for callbacks, `warm_start`, {MINIMIZERS}.""",
        [str, PathLike, None],
        annotation="str | os.PathLike | None",
        neutral=(None,),
    ),
    parameter(
        """n_members : int, default=1
        Networks from seeds of their own, each with copies of the callbacks, that are averaged.
        They are `members_`; other attributes are the first one's. Fits that go on keep the number.""",
        [Interval(Integral, 1, None, closed="left")],
    ),
)

#: What training leaves behind.
RECORD = (
    attribute(
        """loss_ : float
        Training loss of the last epoch, penalties included{of_y}."""
    ),
    attribute(
        """best_loss_ : float or None
        Lowest training loss; None with `early_stopping`."""
    ),
    attribute(
        """loss_curve_ : list of float
        Training loss of each epoch."""
    ),
    attribute(
        """validation_scores_ : list of float or None
        Validation score of each epoch (the negative loss for ``scoring='loss'``); None without
        `early_stopping`."""
    ),
    attribute(
        """best_validation_score_ : float or None
        Best validation score; None without `early_stopping`."""
    ),
    attribute(
        """history_ : dict of list
        A list per quantity with a value per epoch: "loss", "learning_rate", "seconds" and, with
        validation data, "validation_loss" and "validation_score".
        ``pandas.DataFrame(history_)`` makes a table."""
    ),
    attribute(
        """n_iter_ : int
        Epochs of the last call."""
    ),
    attribute(
        """stop_reason_ : str
        Why the last call ended: "max_iter", "converged" (no progress), "interrupt" (Ctrl-C, and what is
        fitted is half trained), "callback", "diverged", or what a minimiser says."""
    ),
    attribute(
        """t_ : int
        Rows seen in training, over all calls."""
    ),
)

#: What comes out of the network.
OUTPUTS = (
    attribute(
        """n_outputs_ : int
        Number of outputs of the network."""
    ),
    attribute(
        """out_activation_ : str
        Activation of the outputs: {outputs}."""
    ),
)

N_PARAMETERS = attribute(
    """n_parameters_ : int
    Number of parameters of the network."""
)

#: The network itself, and what goes into it.
NETWORK = (
    attribute(
        """members_ : list of estimator
        The fitted estimators, of one network each, whose predictions are averaged. Only with
        `n_members` above 1."""
    ),
    attribute(
        """net_ : Net
        The `skorch.NeuralNet` that trained; its `module_` maps inputs to raw outputs."""
    ),
    attribute(
        """n_features_in_ : int
        Number of features seen in `fit`."""
    ),
    attribute(
        """feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had any."""
    ),
)
