"""Write constraints.lock.txt: the versions of constraints.txt with the hashes of all their files, less torch.

Run by `make lock`. Hashes are those that pip's own index tells of every file of a release, so the lock covers every
platform that the release has files for. torch is left out, as its builds come from different places and differ in their
bytes: install the one of your choice first.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHOSEN_BY_THE_USER = frozenset({"torch"})
HEADER = """\
# The versions of constraints.txt with the SHA-256 of every file of each release, less torch; written by `make lock`.
# Install torch first, from the source of your choice, then: pip install --require-hashes --no-deps -r this file.
"""


def pinned(constraints: str) -> dict[str, str]:
    """Versions by name, without the packages whose builds are the user's choice."""
    lines = [line.partition("==") for line in constraints.splitlines() if line and not line.startswith("#")]
    return {name: version for name, _, version in lines if name not in CHOSEN_BY_THE_USER}


def locked(text: str) -> dict[str, str]:
    """Versions by name of a lock file; ValueError: an entry has no hash."""
    entries = re.split(r"\n(?=\S)", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    found = {}
    for entry in filter(str.strip, entries):
        name, version = re.match(r"(\S+)==(\S+)", entry).groups()  # type: ignore[union-attr]  # or it is no lock
        if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry):
            raise ValueError(f"{name} has no hash")
        found[name] = version
    return found


def hashes(name: str, version: str) -> list[str]:
    """The SHA-256 of all files of a release, asked of the index that pip is configured for, by pip's own client."""
    from pip._internal.cli.main_parser import create_main_parser  # noqa: F401  # pip has no public interface for this
    from pip._internal.commands import create_command

    command = create_command("download")
    options, _ = command.parse_args([])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options=options, session=session)
        candidates = finder.find_all_candidates(name)
    links = [each.link for each in candidates if str(each.version) == version]
    return sorted({link.hash for link in links if link.hash_name == "sha256" and link.hash})
