"""Import and export of ViRelAy's project files; see docs/coming-from-virelay.md."""

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
