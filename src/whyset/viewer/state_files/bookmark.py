"""Bookmarks as ViRelAy exports them, read for what they say about a run that came from it or went there."""

from typing import Annotated

from pydantic import Field

from whyset.viewer.schemas import Model

Text = Annotated[str | None, Field(max_length=4096)]


class Bookmark(Model):
    """What is read of a bookmark; the sample indices count within the data set of its project."""

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
