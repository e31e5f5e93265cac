"""The number of OpenMP threads of the process, which Numba changes."""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController


@contextmanager
def keep_openmp_threads() -> Iterator[None]:
    """Set the numbers of OpenMP threads at the end as they were.

    Numba sets them to the number of cores when its OpenMP layer starts. torch shares the library, and relevance
    computed later in the process with another number of threads differs in its last digits.
    """
    libraries = [one for one in ThreadpoolController().lib_controllers if one.user_api == "openmp"]
    before = [one.get_num_threads() for one in libraries]
    try:
        yield
    finally:
        for library, number in zip(libraries, before, strict=True):
            library.set_num_threads(number)
