"""What people pass on to each other as files: states of the viewer, and bookmarks of ViRelAy."""

from whyset.viewer.passed_on.arguments import Given, given
from whyset.viewer.passed_on.documents import Document, document_of, read_document
from whyset.viewer.passed_on.opening import opening_of

__all__ = ["Document", "Given", "document_of", "given", "opening_of", "read_document"]
