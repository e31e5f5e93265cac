"""The hash of all commits of a run, to which an analysis is bound."""

import hashlib

from whyset.store.files import each, read_bytes
from whyset.store.layout import COMMITS
from whyset.store.remote import AnyPath


def hash_commits(run: AnyPath) -> str:
    """Return the SHA-256 over the names and contents of all commits."""
    digest = hashlib.sha256()
    commits: list[AnyPath] = sorted((run / COMMITS).glob("*.json"), key=str)
    for commit, content in zip(commits, each(read_bytes, commits), strict=True):
        digest.update(commit.name.encode() + b"\0" + content)
    return "sha256:" + digest.hexdigest()
