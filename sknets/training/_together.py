"""The jobs of a wave: networks of one shape train as stacks; threads share those of large steps."""

import contextvars
import math
import threading
from functools import partial

from sknets._plain_torch import plain_torch
from sknets.training import _on_device
from sknets.training._compiled import Compiled
from sknets.training._copies import beginning, stand, take_over
from sknets.training._events import BATCH_EVENTS
from sknets.training._stack import can_stack, likeness, plan_of, run_together
from sknets.training._threads import SMALL_STEP, n_cpus, threads
from sknets.training._wanted import while_wanted
from sknets.training._workers import can_travel, hire, seconds_of

#: Bytes of the tensors of a stack on a device: its data, of which there are two, among them.
BYTES_THERE = 2**31

#: What forward and backward pass keep of a unit.
_TENSORS_OF_LAYER = 8

#: Bytes of a tile's arrays: they should stay in the cache of a core from one operation to the next.
TILE_BYTES = 2**21


def can_join(net):
    """Return whether a net can be trained with others, and nobody listens to its batches."""
    is_here = net.flat.values.device.type == "cpu"
    can_be = is_here or (_on_device.serves(net) and plan_of(net) is not None)
    return can_be and not net.listens(BATCH_EVENTS)


def train_together(jobs):
    """Train the nets of some jobs, each as it would be trained alone.

    What one of them raises is its own `error`, and does not hurt the others.

    Parameters
    ----------
    jobs : list of Job
        What is to be trained. A job that is not wanted any more may be left as it is.
    """
    alone, groups = [], {}
    for job in jobs:
        if can_stack(job.net, job.rows):
            groups.setdefault((likeness(job.net, job.rows), job.n_threads), []).append(job)
        else:
            alone.append(job)
    leaders = [(n_threads, _find_leaders(group)) for (_, n_threads), group in groups.items()]
    small = [of_group for n, of_group in leaders if n == 1 and _is_on_arrays(of_group)]
    workers = hire(sum(map(_seconds, small)))
    own, shared, sent = [], [], []
    for n_threads, of_group in leaders:
        n_parts = 1 if workers is None else workers.n + 1
        for tile in _tiles(of_group, n_cpus() if _is_compiled(of_group) else n_parts):
            _choose(tile, n_threads, own, shared, sent).append(tile)
    others = _start_threads(_train_stacks, (shared,), min(n_cpus(), len(shared)) - 1)
    if workers is not None:
        others += _start_threads(_send_stacks, (workers, sent), min(workers.n, len(sent)))
    for job in alone:
        _train_alone(job)
    for tiles in (own, shared, sent):
        _train_stacks(tiles)
    for thread in others:
        thread.join()


def _seconds(leaders):
    return sum(seconds_of(job.net, job.rows, job.epochs) for job in leaders)


def _choose(tile, n_threads, own, shared, sent):
    """Return the list that a stack belongs to: its own thread, any thread, or any process."""
    if n_threads != 1 or _is_on_device(tile):
        return own
    if _is_compiled(tile) or _is_large(tile):
        return shared
    return sent if all(can_travel(job.net) for job in tile) else own


def _start_threads(function, args, n):
    """Start up to n threads that call a function."""
    started = []
    for _ in range(n):
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(function, *args), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads to be had: the present one trains all
            break
        started.append(thread)
    return started


def _train_stacks(tiles):
    """Train stacks of a list until there are no more."""
    while (tile := _pop(tiles)) is not None:
        _train_stack(tile)


def _send_stacks(workers, tiles):
    """Have stacks of a list trained in another process until there are no more."""
    if not workers.wait_until(lambda: not tiles):
        return
    while (tile := _pop(tiles)) is not None:
        if not _train_elsewhere(workers, tile):
            _train_stack(tile)
            return


def _pop(tiles):
    try:
        return tiles.pop()
    except IndexError:  # other threads take some too
        return None


def _tiles(leaders, n_parts):
    """Cut jobs of one likeness, each with its followers, into stacks that suit the cache.

    Where several epochs are taken at once, others in the same stack would gain nothing.
    """
    jobs = list(leaders)
    if _is_compiled(leaders) and all(job.net.n_free_epochs > 1 for job in jobs):
        return [{job: leaders[job]} for job in jobs]
    if _is_on_device(jobs):
        return _tiles_there(leaders)
    net, size = jobs[0].net, _batch_size(jobs)
    n_units = sum(layer.n_values for layer in net.gradient.plan)
    n_values = size * (4 * n_units + net.gradient.plan[0].n_inputs)
    n_values += len(net.flat.values) * (3 + len(net.learner.solver.buffers))
    most = max(1, TILE_BYTES // (n_values * net.flat.values.element_size()))
    n_tiles = math.ceil(len(jobs) / most)
    if n_parts > 1:  # each thread or process has as many
        n_tiles = min(math.ceil(n_tiles / n_parts) * n_parts, len(jobs))
    return [{job: leaders[job] for job in jobs[number::n_tiles]} for number in range(n_tiles)]


def _tiles_there(leaders):
    """Cut jobs into stacks that find room on a device: it gains from as many as there are."""
    jobs = list(leaders)
    net, size = jobs[0].net, _batch_size(jobs)
    n_values = max(job.rows.x.data.numel() + 2 * len(job.rows) for job in jobs)
    n_values += size * _TENSORS_OF_LAYER * sum(layer.n_values for layer in plan_of(net))
    n_values += len(net.flat.values) * (3 + len(net.learner.solver.buffers))
    most = max(1, BYTES_THERE // (n_values * net.flat.values.element_size()))
    n_tiles = math.ceil(len(jobs) / most)
    return [{job: leaders[job] for job in jobs[number::n_tiles]} for number in range(n_tiles)]


def _is_on_device(leaders):
    return _on_device.computes_there(next(iter(leaders)).net.flat.values)


def _is_on_arrays(leaders):
    return not _is_compiled(leaders) and not _is_on_device(leaders)


def _is_compiled(leaders):
    """Whether steps are taken without Python's lock, so that threads gain whatever their size."""
    return Compiled.serves(next(iter(leaders)).net.gradient)


def _is_large(tile):
    """Whether a stack is worth a thread: small steps, and scores, wait for Python's lock anyway."""
    jobs = list(tile)
    if any(job.net.valid_rows is not None for job in jobs):
        return False
    n_weights = len(jobs[0].net.flat.values)
    return len(jobs) * _batch_size(jobs) * n_weights >= SMALL_STEP


def _batch_size(jobs):
    return min(jobs[0].net.batch_size, max(len(job.rows) for job in jobs))


def _train_stack(leaders):
    """Train a stack, in turn with other threads but for what needs no lock."""
    if _is_compiled(leaders):
        with next(iter(leaders)).task.gathering.turn():
            _train_jobs(leaders)
    else:
        _train_jobs(leaders)


def _train_jobs(leaders):
    """Train jobs whose nets are alike as one stack.

    Parameters
    ----------
    leaders : dict of list of Job
        The jobs, with those that begin like each of them and end earlier, the earliest first.
    """
    jobs = [job for leader, followers in leaders.items() for job in (leader, *followers)]
    try:
        with plain_torch(), threads(jobs[0].n_threads):
            for job in jobs:
                _begin(job)
            errors = run_together(
                [leader.net for leader in leaders],
                [leader.rows for leader in leaders],
                [leader.epochs for leader in leaders],
                [partial(_is_any_wanted, [leader, *leaders[leader]]) for leader in leaders],
                [[job.epochs for job in followers] for followers in leaders.values()],
                partial(_let_follow, list(leaders.items())),
            )
            left = []
            for (leader, followers), error in zip(leaders.items(), errors, strict=True):
                leader.error = error
                if error is not None:  # which may be its own, of a callable that draws, say
                    left += followers
                    leader.finish()
                    continue
                for job in followers:
                    take_over(job.net, leader.net)
                for job in (leader, *followers):
                    _settle(job)
        for job in left:
            _train_alone(job)
    except BaseException as error:
        for job in jobs:
            if job.is_finished:
                continue
            if job.net.n_epochs == 0 and isinstance(error, Exception):  # which may be a neighbour's
                _train_alone(job)
                continue
            job.error = error
            job.finish()


def _find_leaders(jobs):
    """Return the longest of all jobs that begin alike, each with the others, the earliest first."""
    groups = {}
    for number, job in enumerate(jobs):
        key = beginning(job.net, job.rows) if len(jobs) > 1 else None
        groups.setdefault(number if key is None else key, []).append(job)
    leaders = {}
    for group in groups.values():
        *followers, leader = sorted(group, key=lambda job: job.epochs)
        leaders[leader] = followers
    return leaders


def _is_any_wanted(jobs):
    return any(job.is_wanted() for job in jobs)


def _let_follow(leaders, k):
    """Let the followers whose last epoch it was take over, and go on their way."""
    leader, followers = leaders[k]
    while followers and followers[0].epochs == leader.net.n_epochs:
        job = followers.pop(0)
        take_over(job.net, leader.net)
        _settle(job)


def _train_elsewhere(workers, leaders):
    """Have jobs whose nets are alike trained in another process; return whether they are."""
    jobs = list(leaders)
    all_jobs = [[*leaders[leader], leader] for leader in jobs]
    states = workers.train(
        [job.net for job in jobs],
        [job.rows for job in jobs],
        [[job.epochs for job in of_leader] for of_leader in all_jobs],
        partial(_is_any_wanted, [job for of_leader in all_jobs for job in of_leader]),
    )
    if states is None:
        return False
    for of_leader, of_states in zip(all_jobs, states, strict=True):
        for job, state in zip(of_leader, of_states, strict=True):
            try:
                with plain_torch(), threads(1):
                    _begin(job)
                    stand(job.net, state)
                    _settle(job)
            except BaseException as error:
                job.error = error
                job.finish()
    return True


def _begin(job):
    job.net.notify("on_train_begin", X=job.rows, y=None)
    job.net.begin(job.rows, job.epochs)


def _settle(job):
    job.net.settle(job.rows)
    job.net.notify("on_train_end", X=job.rows, y=None)
    job.finish()


def _train_alone(job):
    try:
        with plain_torch(), threads(job.n_threads), while_wanted(job.is_wanted):
            job.net.partial_fit(job.rows, epochs=job.epochs)
    except BaseException as error:
        job.error = error
    job.finish()  # an error need not wait for the others
