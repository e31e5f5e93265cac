from whyset.engines import Engine, Serial
from whyset.testing.engines import EngineContract


class TestSerial(EngineContract):
    def engine(self) -> Engine:
        return Serial()

    def test_results_come_in_the_order_of_the_tasks(self) -> None:
        assert [result.task for result in Serial().map(lambda _, task: task, [3, 1, 2])] == [3, 1, 2]
