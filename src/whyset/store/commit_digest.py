"""What a run had committed at a time, as one hash: what an analysis is bound to."""

import hashlib

from whyset.store.files import each, read_bytes
from whyset.store.layout import COMMITS
from whyset.store.remote import AnyPath


def hash_commits(run: AnyPath) -> str:
    """SHA-256 over the names and contents of all commits: what an analysis was computed from."""
    digest = hashlib.sha256()
    commits: list[AnyPath] = sorted((run / COMMITS).glob("*.json"), key=str)
    for commit, content in zip(commits, each(read_bytes, commits), strict=True):
        digest.update(commit.name.encode() + b"\0" + content)
    return "sha256:" + digest.hexdigest()
