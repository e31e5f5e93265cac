"""ViRelAy's project files, read into a run and written from one; docs/coming-from-virelay.md tells the details."""

from whyset.store.virelay.categories import FoundCategory
from whyset.store.virelay.exporting import export_project
from whyset.store.virelay.findings import DamagedProjectError, ImportFinding
from whyset.store.virelay.importing import ImportSettings, import_project

__all__ = [
    "DamagedProjectError",
    "FoundCategory",
    "ImportFinding",
    "ImportSettings",
    "export_project",
    "import_project",
]
