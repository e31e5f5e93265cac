"""Shell completion, installed in a home folder made for the test and asked by a real bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
source "$HOME/.bashrc"
COMP_WORDS=(whyset exp) COMP_CWORD=1
_whyset_completion whyset
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_after_the_installation(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "whyset"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m whyset "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    install = f'"{program}" --install-completion; exit $?'  # the shell is found among the parents of the process
    installed = subprocess.run(["bash", "--norc", "-c", install], env=environment, capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    answered = subprocess.run(
        ["bash", "--norc", "-c", ASK], env=environment, capture_output=True, text=True, check=True
    )
    assert answered.stdout.split() == ["explain", "export-html", "export-virelay"]
