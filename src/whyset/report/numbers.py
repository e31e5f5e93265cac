"""Format numbers, the same in every format of the report."""

from math import isclose

from whyset.store import Run
from whyset.store.evidence import Interval

SIGNIFICANT = 0.05
"""q-values below this are significant."""


def number(value: float | None, digits: int = 2) -> str:
    """Format a number, or a dash if it is unknown; 0 and 1 only if they are exact.

    >>> number(0.12345), number(None), number(1347 / 1348), number(0.001), number(1.0)
    ('0.12', '-', '>0.99', '<0.01', '1.00')
    """
    return "-" if value is None else _round(value, digits, 1.0)


def _round(value: float, digits: int, whole: float) -> str:
    """Round to digits; values close to 0, `whole` or -`whole` but not equal are formatted as a bound."""
    written, step = f"{value:.{digits}f}", 10.0**-digits
    for edge in (0.0, whole, -whole):
        if float(written) == edge and not isclose(value, edge, rel_tol=0, abs_tol=1e-9) and abs(value) < whole:
            inner = edge + step if value > edge else edge - step
            return f"{'<' if value < inner else '>'}{inner:.{digits}f}"
    return written.removeprefix("-") if float(written) == 0 else written


def small(p_value: float | None) -> str:
    """Format a p-value with three digits, or as a bound if they would all be zero.

    >>> small(0.0421), small(1e-9)
    ('0.042', '<0.001')
    """
    return "<0.001" if p_value is not None and p_value < 0.001 else number(p_value, 3)


def with_p(p_value: float | None) -> str:
    """Format a p-value after its letter.

    >>> with_p(0.0421), with_p(1e-9), with_p(None)
    ('p = 0.042', 'p < 0.001', 'p not known')
    """
    if p_value is None:
        return "p not known"
    written = small(p_value)
    return f"p {written[0]} {written[1:]}" if written[0] in "<>" else f"p = {written}"


def with_interval(value: float | None, interval: Interval | None) -> str:
    """Format a number with its interval.

    >>> with_interval(0.5, (0.31, 0.69))
    '0.50 [0.31, 0.69]'
    """
    return number(value) if interval is None else f"{number(value)} [{number(interval[0])}, {number(interval[1])}]"


def percent(value: float) -> str:
    """Format a share in percent; 0 and 100 only if they are exact.

    >>> percent(0.257), percent(1347 / 1348), percent(1 / 1348), percent(1.0), percent(-0.004)
    ('26 %', '>99 %', '<1 %', '100 %', '>-1 %')
    """
    return f"{_round(100 * value, 0, 100.0)} %"


def count(value: int | None) -> str:
    """Format a count with separators of thousands.

    >>> count(1348), count(None)
    ('1,348', '-')
    """
    return "-" if value is None else f"{value:,}"


def format_counts(n_explanations: int, n_samples: int | None) -> str:
    """Format both counts if they differ, otherwise only the number of samples.

    >>> format_counts(90, 30), format_counts(1, 1), format_counts(20, 20), format_counts(20, None)
    ('90 explanations of 30 samples', '1 sample', '20 samples', '20 explanations')
    """
    if n_samples == n_explanations:
        return plural(n_samples, "sample")
    explanations = plural(n_explanations, "explanation")
    return explanations if n_samples is None else f"{explanations} of {plural(n_samples, 'sample')}"


def row_noun(run: Run) -> str:
    """Return the noun for a row of a run: "explanation" if samples have several rows, otherwise "sample"."""
    return "sample" if len(run) == run.sample_count else "explanation"


def plural(value: int, noun: str) -> str:
    """Format a count with its noun.

    >>> plural(1, "sample"), plural(1200, "sample")
    ('1 sample', '1,200 samples')
    """
    return f"{value:,} {noun}{'' if value == 1 else 's'}"
