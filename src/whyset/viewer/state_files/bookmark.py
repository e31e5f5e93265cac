"""Bookmarks exported by ViRelAy, for runs imported from or exported to it."""

from typing import Annotated

from pydantic import Field

from whyset.viewer.schemas import Model

Text = Annotated[str | None, Field(max_length=4096)]


class Bookmark(Model):
    """The fields of a bookmark that are used; its sample indices refer to the data set of its project."""

    projectName: Text = None
    selectedAnalysisMethod: str = Field(max_length=4096)
    selectedAnalysisCategory: str = Field(max_length=4096)
    selectedCategoryHumanReadableName: Text = None
    selectedClustering: Text = None
    selectedEmbeddingName: Text = None
    selectedColorMap: Text = None
    selectedImageMode: Text = None
    selectedEmbeddingVectorsIndices: list[Annotated[int, Field(ge=0, lt=2**40)]] = Field(
        default=[], max_length=10_000_000
    )
