import pytest

from whyset.engines import Dask, Engine
from whyset.testing.engines import ProcessEngineContract


class TestDask(ProcessEngineContract):
    @pytest.fixture(autouse=True)
    def connect(self, scheduler: str) -> None:
        self.scheduler = scheduler

    def engine(self) -> Engine:
        return Dask(self.scheduler)
