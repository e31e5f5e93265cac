"""Files that users share: states of the viewer, and bookmarks of ViRelAy."""

from whyset.viewer.state_files.arguments import ParsedArguments, sort_arguments
from whyset.viewer.state_files.documents import Document, find_opening, parse_document, read_document

__all__ = ["Document", "ParsedArguments", "find_opening", "parse_document", "read_document", "sort_arguments"]
