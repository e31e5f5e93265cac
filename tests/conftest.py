"""What the tests share: the demo, data, the browser, Node, and a torchvision that imports beside any torch."""

import importlib.util
import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("whyset", deadline=None)  # tests do not time
settings.load_profile("whyset")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job that a shell put into the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # so that programs under test can be interrupted
os.environ.setdefault("OMP_NUM_THREADS", "1")  # for small tensors, waking threads takes longer than the work
os.environ.setdefault("NUMBA_NUM_THREADS", "1")  # peers that call Numba set the threads of OpenMP to this number

SHIM = Path(__file__).parent / "support" / "torchvision_beside_cpu_torch"
ORACLES = Path(__file__).parent.parent / ".oracles"

# Set here and not in a fixture: test modules import torchvision while they are collected.
if not any(type(finder).__name__ == "DeclareTorchvisionOperators" for finder in sys.meta_path):
    runpy.run_path(str(SHIM / "sitecustomize.py"))
os.environ["PYTHONPATH"] = os.pathsep.join(
    dict.fromkeys([str(SHIM), *os.environ.get("PYTHONPATH", str(SHIM)).split(os.pathsep)])
)

TOGETHER = {
    "demo": ("cli/demo/test_demo.py", "test_readme.py", "e2e/test_demo.py", "e2e/test_tour.py"),
    "numba": (
        "analysis/processors/test_approximate.py",
        "analysis/processors/test_embeddings.py",
        "analysis/processors/test_numba_threads.py",
        "analysis/test_traps.py",
    ),
    "dask": ("engines/test_dask.py", "engines/test_methods.py", "engines/test_program.py"),
}
"""Files that share what takes long in each process: the demo, functions that Numba compiles, a Dask cluster."""
FIRST = ("cli/demo", "cli/test_interrupted_explain.py", "cli/test_interrupts.py", "benchmarks", "examples", "engines")
"""Files and folders with few, long tests: at the end, one process would work while the others have nothing to do."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadfile`, let one process run all files of a group, and start files in the order of the tests."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    group_of = {f"tests/{file}": group for group, files in TOGETHER.items() for file in files}

    class GroupedFiles(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return group_of.get(file, file)

    config.option.loadscopereorder = False  # it would start files with few tests last
    return GroupedFiles(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the tests of `FIRST` to the start where several processes share the tests."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: not item.nodeid.removeprefix("tests/").startswith(FIRST))


@pytest.fixture(scope="session", autouse=True)
def own_state_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what whyset remembers of its user out of the real user's home; programs under test inherit it."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """Let files reach the disk later: waiting takes most of the time of small runs, and only a power cut would tell.

    Programs that tests start wait for the disk.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: os.fstat(file if isinstance(file, int) else file.fileno()) and None)
        yield


@pytest.fixture(autouse=True)
def own_number_of_threads() -> Iterator[None]:
    """Put back torch's number of threads, which some examples set: it decides the last digits of later results."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(int(os.environ["OMP_NUM_THREADS"].split(",")[0]))


def absent(what: str) -> None:
    """Skip with a reason that is shown; where `CI` is set, fail: there nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}; under CI it may not be missing")
    pytest.skip(what)


@pytest.fixture(scope="session")
def oracle_python() -> Callable[[str], Path]:
    """`oracle_python("corelay")`: the Python of a peer that needs an environment of its own (`make oracles`)."""

    def python_of(name: str) -> Path:
        python = Path(os.environ.get("WHYSET_ORACLES", ORACLES)) / name / "bin" / "python"
        if not python.exists():
            absent(f"{name} has no environment at {python}: run `make oracles` (it compiles an extension for corelay)")
        return python

    return python_of


@dataclass(frozen=True)
class ToldDemo:
    """A finished `whyset demo --no-view`: its folder and what it printed."""

    folder: Path
    told: str


@pytest.fixture(scope="session")
def whyset_program() -> Path:
    """The installed `whyset` command."""
    return Path(sys.executable).with_name("whyset")


@pytest.fixture(scope="session")
def demo(whyset_program: Path, tmp_path_factory: pytest.TempPathFactory) -> ToldDemo:
    """The whole demo, done once; it takes about two minutes. Tests may add to the folder and change nothing in it."""
    folder = tmp_path_factory.mktemp("demo") / "whyset-demo"
    command = [whyset_program, "demo", "--no-view", "--out", folder]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return ToldDemo(folder, finished.stdout)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder named by WHYSET_DATA, with CIFAR-10 images and trained networks."""
    folder = os.environ.get("WHYSET_DATA")
    if not folder:
        pytest.skip("WHYSET_DATA is not set: it names the folder with cifar10.tar.xz and cifar10_resnet56.pt")
    if not Path(folder).is_dir():
        pytest.fail(f"WHYSET_DATA names {folder}, which is no folder")
    return Path(folder)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The program of a real Chromium; WHYSET_CHROMIUM names one that is not on the path."""
    names = (
        os.environ.get("WHYSET_CHROMIUM", ""),
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    )
    found = next((path for path in map(shutil.which, filter(None, names)) if path), None)
    if found is None:
        absent(f"no Chromium found (looked for {', '.join(filter(None, names))})")
    return Path(str(found))


def supporting(name: str) -> ModuleType:
    """A module of `tests/support`."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / "support" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def support() -> ModuleType:
    """`tests/support/browser.py`."""
    return supporting("browser")


@pytest.fixture(scope="session")
def sample_run() -> ModuleType:
    """`tests/support/sample_run.py`."""
    return supporting("sample_run")


@pytest.fixture(scope="session")
def modality_runs() -> ModuleType:
    """`tests/support/modality_runs.py`."""
    return supporting("modality_runs")


@pytest.fixture(scope="session")
def found() -> ModuleType:
    """`tests/support/found.py`."""
    return supporting("found")


@pytest.fixture(scope="session")
def evaluated() -> ModuleType:
    """`tests/support/evaluated.py`."""
    return supporting("evaluated")


@pytest.fixture(scope="session")
def tour() -> ModuleType:
    """`tests/support/tour.py`."""
    return supporting("tour")


@pytest.fixture(scope="session")
def virelay_process() -> ModuleType:
    """`tests/support/virelay.py`."""
    return supporting("virelay")


@pytest.fixture(scope="session")
def virelay_project() -> ModuleType:
    """`tests/support/virelay_project.py`."""
    return supporting("virelay_project")


@pytest.fixture(scope="session")
def browser(chromium: Path, support: ModuleType) -> Iterator:
    """One Chromium for all tests: a process can hold only one of Playwright's loops."""
    with support.chromium_browser(chromium) as browser:
        yield browser


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe; it gets past the page's policy as an initial script."""
    source = Path(__file__).parents[1] / "web/node_modules/axe-core/axe.min.js"
    if not source.exists():
        absent(f"{source} is missing: run `npm ci` in web/ to look for violations with axe")
    return source.read_text("utf-8")


@pytest.fixture(scope="session")
def npm() -> Path:
    """The npm program of an installed Node."""
    found = shutil.which("npm")
    if found is None:
        absent("no Node found (looked for npm)")
    return Path(str(found))
