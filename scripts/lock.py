"""Write constraints.lock.txt: the versions of constraints.txt with the hashes of all their files, without torch.

Run by `make lock`. The hashes come from pip's index, for every file of a release, so the lock covers all platforms of
the release. torch is left out, as its builds come from different indexes and differ in their bytes: install the one of
your choice first.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
CHOSEN_BY_THE_USER = frozenset({"torch"})
HEADER = """\
# The versions of constraints.txt with the SHA-256 of every file of each release, less torch; written by `make lock`.
# Install torch first, from the source of your choice, then: pip install --require-hashes --no-deps -r this file.
"""


def pinned(constraints: str) -> dict[str, str]:
    """Return versions by name, without the packages whose builds the user chooses."""
    lines = [line.partition("==") for line in constraints.splitlines() if line and not line.startswith("#")]
    return {name: version for name, _, version in lines if name not in CHOSEN_BY_THE_USER}


def locked(text: str) -> dict[str, str]:
    """Return versions by name from a lock file; ValueError: an entry has no hash."""
    entries = re.split(r"\n(?=\S)", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    found = {}
    for entry in filter(str.strip, entries):
        name, version = re.match(r"(\S+)==(\S+)", entry).groups()  # type: ignore[union-attr]  # or it is not a lock file
        if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry):
            raise ValueError(f"{name} has no hash")
        found[name] = version
    return found


def hashes(names: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, version and SHA-256 of every file that the index lists for these packages.

    pip has no public interface for the hashes of files for other platforms, so this uses pip's internal client, which
    knows the configured index. Local folders are left out: they may hold local builds.
    """
    from pip._internal.commands import create_command
    from pip._internal.index.collector import parse_links
    from pip._internal.models.link import Link

    command = create_command("download")
    options, _ = command.parse_args([])
    with command.main_context():
        finder = command._build_package_finder(options=options, session=command.get_default_session(options))
        for name in names:
            for url in finder.search_scope.get_index_urls_locations(name):
                response = None if url.startswith("file:") else finder._link_collector.fetch_response(Link(url))
                for link in parse_links(response) if response else ():
                    version = version_of(link.filename)
                    if version and link.hash_name == "sha256" and link.hash:
                        yield name, version, link.hash


def version_of(filename: str) -> str | None:
    """Return the version in the name of a wheel or a source distribution; None for other files."""
    try:
        if filename.endswith(".whl"):
            return str(parse_wheel_filename(filename)[1])
        return str(parse_sdist_filename(filename)[1])
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None


def written(versions: Mapping[str, str], found: Iterable[tuple[str, str, str]]) -> str:
    """Return the text of the lock file; ValueError: the index has no file of a release."""
    known: dict[tuple[str, str], set[str]] = {}
    for name, version, digest in found:
        known.setdefault((name, version), set()).add(digest)
    entries = []
    for name, version in versions.items():
        own = sorted(known.get((name, str(Version(version))), ()))
        if not own:
            raise ValueError(f"the index has no file of {name}=={version}")
        entries.append(" \\\n    ".join([f"{name}=={version}", *(f"--hash=sha256:{digest}" for digest in own)]))
    return HEADER + "\n".join(entries) + "\n"


def main() -> None:
    versions = pinned((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    text = written(versions, hashes(versions))
    (ROOT / "constraints.lock.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
