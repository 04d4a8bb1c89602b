"""How often a refinement goes through all of its particles, where iterations take some of them.

Sizes are those of MlOptimiser::updateSubsetSize and initialiseGeneral (ml_optimiser.cpp), 5.0.1 for
--grad and --fast_subsets, 3.1.3 for --sgd.
"""

from collections.abc import Iterator

from cryoem_cloud.apps.relion.script import Call

__all__ = ["integer_of", "passes", "sizes"]

_FAST_2D, _FAST_3D = 100, 1500
"""Particles a class in the first iterations of --fast_subsets."""
_FAST_UNTIL = (5, 10, 15)
_FAST_SHARE = 0.3
_INITIAL, _FINAL = 0.3, 0.2
"""Of the iterations of --grad, the shares of the first and the last phase."""
_SHARES = {True: (0.005, 10_000, 0.05, 100_000), False: (0.005, 5_000, 0.1, 50_000)}
"""Of the particles, in the first and the last phase, and at most; of 2D classes, and of maps."""
_LEAST = (200, 1_000)


def passes(call: Call, particles: int, *, flat: bool) -> float:
    """How many iterations with all particles those of the command are together; 0: not known.

    `flat` says that references are images.
    """
    if particles <= 0:
        return 0.0
    return sum(sizes(call, particles, flat=flat)) / particles


def sizes(call: Call, particles: int, *, flat: bool) -> Iterator[int]:
    """How many of so many particles each iteration of the command takes."""
    return (min(size, particles) for size in _sizes(call, particles, flat=flat))


def integer_of(call: Call, option: str, default: int) -> int:
    """The whole number behind an option; what is none, or not given, is the default."""
    word = call.value(option)
    return int(word.text) if word is not None and word.text.isdecimal() else default


def _sizes(call: Call, particles: int, *, flat: bool) -> Iterator[int]:
    """How many particles each iteration takes."""
    iterations = integer_of(call, "--iter", 0)
    classes = integer_of(call, "--K", 1)
    if call.has("--sgd"):
        yield from _sgd(call)
    elif call.has("--grad"):
        grown = list(_grad(call, particles, iterations, flat=flat))
        yield from grown[:-1]
        yield from [particles] if grown and classes > 1 else grown[-1:]
    elif call.has("--fast_subsets"):
        least = (_FAST_2D if flat else _FAST_3D) * classes
        for number in range(1, iterations + 1):
            yield _fast(number, least, particles)
    else:
        yield from [particles] * iterations


def _fast(number: int, least: int, particles: int) -> int:
    first, second, third = _FAST_UNTIL
    if number <= first:
        return least
    if number <= second:
        return 3 * least
    return max(3 * least, int(_FAST_SHARE * particles)) if number <= third else particles


def _grad(call: Call, particles: int, iterations: int, *, flat: bool) -> Iterator[int]:
    share, most, last_share, last_most = _SHARES[flat]
    start = max(min(int(particles * share), most), _LEAST[0])
    end = max(min(int(particles * last_share), last_most), _LEAST[1])
    start = integer_of(call, "--grad_ini_subset", start)
    end = integer_of(call, "--grad_fin_subset", end)
    first, last = int(iterations * _INITIAL), int(iterations * _FINAL)
    between = iterations - first - last
    yield from [start] * first
    yield from (start + step * (end - start) // between for step in range(between))
    yield from [end] * last


def _sgd(call: Call) -> Iterator[int]:
    start = integer_of(call, "--sgd_ini_subset", 100)
    end = integer_of(call, "--sgd_fin_subset", 500)
    between = integer_of(call, "--sgd_inbetween_iter", 200)
    yield from [start] * integer_of(call, "--sgd_ini_iter", 50)
    yield from (start + step * (end - start) // max(between, 1) for step in range(between))
    yield from [end] * integer_of(call, "--sgd_fin_iter", 50)
