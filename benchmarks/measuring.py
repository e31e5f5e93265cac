"""Operations, time and peak memory of one explanation, so that ways of computing it can be compared in one run."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from statistics import median

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

Prepared = Callable[[], AbstractContextManager[Callable[[], object]]]


def operations(explain: Callable[[], object]) -> int:
    """Count floating point operations of matrix products and convolutions.

    Attention runs unfused while counting: the counter knows no formula for the fused kernel of CPUs.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        explain()
    return counter.get_total_flops()


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def interleaved_times(
    ways: Mapping[str, Prepared], rounds: int, device: str, clock: str = "wall"
) -> dict[str, list[float]]:
    """Time every way once per round, one after the other, so that a round's times saw the same machine; seconds.

    What a way's context does before it yields the call, and after, is not timed. The processor clock counts the time of
    all of this process's threads, and not that of others which share the cores.
    """
    now = CLOCKS[clock]
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, prepare in ways.items():
            with prepare() as explain:
                synchronize(device)
                start = now()
                explain()
                synchronize(device)
                times[name].append(now() - start)
    return times


def ratio(times: Mapping[str, list[float]], one: str, other: str) -> float:
    """Give the median over the rounds of one way's time over the other's in the same round."""
    return median(a / b for a, b in zip(times[one], times[other], strict=True))


def peak_memory(work: Callable[[], object], device: str) -> int:
    """Give the most bytes that were allocated at one time beyond what was there before, parameters for one.

    On CUDA the allocator tells. On the CPU the profiler records every allocation and release of torch's allocator, of
    tensors and of kernels' buffers alike, and their running sum is followed; what oneDNN and BLAS allocate by
    themselves is not seen.
    """
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    allocated = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        allocated += event.nbytes()
        peak = max(peak, allocated)
    return peak


def samples_per_second(explain: Callable[[], object], batch: int, device: str, repeats: int = 10) -> float:
    """Give the samples explained per second, after a call that is not counted."""
    explain()
    synchronize(device)
    start = time.perf_counter()
    for _ in range(repeats):
        explain()
    synchronize(device)
    return batch * repeats / (time.perf_counter() - start)


def synchronize(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def autocast(device: str, precision: str) -> AbstractContextManager[object]:
    return torch.autocast(device, torch.bfloat16) if precision == "bfloat16 autocast" else nullcontext()
