"""Without the extra, the message says what to install."""

import subprocess
import sys

import pytest

from whyset.errors import MissingExtraError
from whyset.store.virelay import packages


@pytest.mark.parametrize(("module", "package"), [("h5py", "h5py"), ("yaml", "PyYAML")])
def test_a_missing_package_is_named_with_its_extra(module, package, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf'{package}: pip install "whyset\[hdf5\]"'):
        getattr(packages, module)()


def test_h5py_is_loaded_only_where_it_is_needed():
    told = (
        "import sys, whyset.store.virelay, whyset.analysis.virelay_import; print({'h5py', 'torch'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True).stdout == "set()\n"
