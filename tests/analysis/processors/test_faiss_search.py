"""The search by faiss returns the neighbors of the search by NumPy, to the last bit."""

import subprocess
import sys
import types
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import ThreadpoolController, threadpool_limits

from whyset.analysis.memo import Memo
from whyset.analysis.processors import Cosine, KNearestNeighbors, Neighbors
from whyset.analysis.processors.faiss_search import bound_rounding, find_faiss, search_by_faiss
from whyset.analysis.processors.search import Products
from whyset.errors import MissingExtraError

faiss = pytest.importorskip("faiss", reason="faiss is not installed")


def search_without_faiss(rows: np.ndarray, k: int) -> Neighbors:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "faiss", None)
        return KNearestNeighbors(k)(rows)


def require_same(rows: np.ndarray, k: int) -> tuple[Neighbors, Neighbors]:
    own, other = search_without_faiss(rows, k), KNearestNeighbors(k)(rows)
    np.testing.assert_array_equal(own.indices, other.indices)
    np.testing.assert_array_equal(own.distances, other.distances)
    return own, other


VALUES = st.sampled_from([0.0, 1.0, -1.0, 0.1, 1e-30, 3e38, -3e38, 1e-45, 1.0000001, 7.0])


@settings(max_examples=60)
@given(n=st.integers(2, 60), columns=st.integers(1, 7), kind=st.sampled_from([np.float32, np.float64]), data=st.data())
def test_rows_of_extreme_and_equal_values(n: int, columns: int, kind: type, data: st.DataObject) -> None:
    values = data.draw(st.lists(VALUES, min_size=n * columns, max_size=n * columns))
    require_same(np.array(values).reshape(n, columns).astype(kind), data.draw(st.integers(1, n - 1)))


@settings(max_examples=40)
@given(
    n=st.integers(12, 90),
    columns=st.integers(1, 1024),
    power=st.integers(-100, 100),
    offset=st.sampled_from([0.0, 1e3, 1e6]),
    copies=st.integers(1, 12),
    constant=st.booleans(),
    kind=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 999),
)
def test_rows_with_offsets_duplicates_and_constant_columns(
    n: int, columns: int, power: int, offset: float, copies: int, constant: bool, kind: type, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = np.repeat(rng.normal(size=(-(-n // copies), columns)), copies, axis=0)[:n] + offset
    if constant:
        rows[:, : columns // 2] = 1.5
    require_same((rows * 2.0**power).astype(kind), int(rng.integers(1, 12)))


@pytest.mark.parametrize("radius", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_near_duplicates_that_faiss_alone_confuses(radius: float, kind: type) -> None:
    rng = np.random.default_rng(0)
    rows = (5 + rng.normal(size=(10, 1, 784)) + radius * rng.normal(size=(10, 40, 784))).reshape(400, 784).astype(kind)
    _, other = require_same(rows, 10)
    alone = faiss.knn(rows.astype(np.float32), rows.astype(np.float32), 11)[1]
    if radius < 1e-3:
        agreement = np.mean([len(np.intersect1d(*pair)) / 10 for pair in zip(alone, other.indices, strict=True)])
        assert agreement < 0.9


@pytest.mark.parametrize("columns", [1, 10, 784, 1024])
def test_the_bound_holds_and_all_nearer_rows_are_fetched(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyset.analysis.processors.faiss_search._ROWS", 37)
    rng = np.random.default_rng(1)
    rows = (rng.normal(size=(150, columns)) * rng.lognormal(0, 2, size=(150, 1)) + 3).astype(np.float32)
    products = Products.of(rows)
    found = search_by_faiss(faiss, products, 12)
    scaled = rows.astype(np.float64) * products.scale
    exact = np.square(scaled[:, None] - scaled[None]).sum(axis=2)
    np.fill_diagonal(exact, np.inf)
    error = np.abs(np.take_along_axis(exact, found.indices, axis=1) - found.squared)
    assert (error <= found.rounding[:, None]).all()
    assert (found.rounding >= products.rounding).all()
    np.testing.assert_array_equal(found.rounding, bound_rounding(products))
    np.put_along_axis(exact, found.indices, np.inf, axis=1)
    assert (exact.min(axis=1) >= found.squared[:, -1] - found.rounding).all()
    assert all(len(set(row)) == 12 for row in found.indices.tolist())


def test_several_blocks_of_rows_have_the_same_neighbors(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(2).integers(0, 3, size=(120, 6)).astype(np.float32)
    whole = KNearestNeighbors(7)(rows)
    for size in (1, 5, 64, 119):
        monkeypatch.setattr("whyset.analysis.processors.faiss_search._ROWS", size)
        found = KNearestNeighbors(7)(rows)
        np.testing.assert_array_equal(found.indices, whole.indices)
        np.testing.assert_array_equal(found.distances, whole.distances)


def test_the_distance_may_be_another_form_of_the_euclidean_one() -> None:
    rows = np.random.default_rng(3).normal(size=(80, 20)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "faiss", None)
        own = KNearestNeighbors(5, Cosine())(rows)
    np.testing.assert_array_equal(KNearestNeighbors(5, Cosine())(rows).distances, own.distances)


@pytest.fixture
def threads_of_faiss() -> Iterator[int]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    yield 3
    faiss.omp_set_num_threads(before)


@pytest.mark.parametrize("fails", [False, True])
def test_faiss_has_the_threads_of_numpy_and_its_own_afterwards(
    threads_of_faiss: int, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, during = faiss.knn, []

    def record(*given: object) -> object:
        during.append(faiss.omp_get_max_threads())
        if fails:
            raise ZeroDivisionError
        return search(*given)

    monkeypatch.setattr(faiss, "knn", record)
    products = Products.of(np.random.default_rng(4).normal(size=(30, 3)))
    with threadpool_limits(1, user_api="blas"):
        faiss.omp_set_num_threads(threads_of_faiss)  # one of faiss's libraries is limited, too
        try:
            search_by_faiss(faiss, products, 4)
        except ZeroDivisionError:
            assert fails
        assert faiss.omp_get_max_threads() == threads_of_faiss
    assert during == [1]


def test_threads_stay_those_of_faiss_where_the_library_of_numpy_is_unknown(
    threads_of_faiss: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threadpoolctl does not know Accelerate, with which NumPy may be built on macOS."""
    monkeypatch.setattr(ThreadpoolController, "select", lambda self, **given: types.SimpleNamespace(lib_controllers=[]))
    rows = np.random.default_rng(4).normal(size=(30, 3))
    require_same(rows, 4)
    assert faiss.omp_get_max_threads() == threads_of_faiss


def test_wide_rows_and_missing_packages_leave_the_search_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_faiss(1024) is faiss
    assert find_faiss(1025) is None
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert find_faiss(10) is None


def test_a_faiss_that_cannot_be_imported_is_an_error(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "faiss.py").write_text("raise OSError('libgomp.so.1: cannot open')")  # type: ignore[attr-defined]
    monkeypatch.delitem(sys.modules, "faiss")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match=r"faiss-cpu, whose import fails .*whyset\[faiss\]"):
        find_faiss(10)


def test_a_cached_result_is_used_with_and_without_faiss(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    memo = Memo(tmp_path)  # type: ignore[arg-type]
    key = memo.step_key(KNearestNeighbors(3), [memo.key(np.eye(9))], {})
    monkeypatch.setitem(sys.modules, "faiss", types.ModuleType("faiss"))
    monkeypatch.setattr("whyset.optional.version", lambda _: "0")
    changed = memo.step_key(KNearestNeighbors(3), [memo.key(np.eye(9))], {})
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert memo.step_key(KNearestNeighbors(3), [memo.key(np.eye(9))], {}) == key != changed


def test_faiss_is_imported_by_a_search_only() -> None:
    code = "import sys, numpy as np; from whyset.analysis.processors import KNearestNeighbors as K; "
    code += "before = 'faiss' in sys.modules; K(3)(np.random.default_rng(0).normal(size=(20, 4))); "
    code += "print(before, 'faiss' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
