"""Sums, means, extremes and softmax: functions of all elements along dimensions."""

from whyset.attribution.intercept.operations.operation import Descent, Integers, Loss, OperationKind, rows

ROWS = (
    *rows("std_mean var_mean", OperationKind.COMPOUND),
    *rows("prod", OperationKind.COMPOUND, integers=Integers.SUM),
    *rows("var", OperationKind.QUADRATIC, descent=Descent.NORM, power=2.0),
    *rows("cummax cummin", OperationKind.TRANSPARENT),
    *rows("trace", OperationKind.TRANSPARENT, descent=Descent.REDUCE),
    *rows("logcumsumexp", OperationKind.TRANSPARENT, complex_linear=False),
    *rows("amax amin aminmax kthvalue median mode nanmedian", OperationKind.TRANSPARENT, descent=Descent.AVERAGE),
    *rows("nanmean", OperationKind.TRANSPARENT, descent=Descent.MEAN),
    *rows("mean", OperationKind.TRANSPARENT, descent=Descent.MEAN, integers=Integers.SUM),
    *rows("std", OperationKind.TRANSPARENT, descent=Descent.NORM),
    *rows("nansum sum", OperationKind.TRANSPARENT, descent=Descent.SUM, integers=Integers.SUM),
    *rows("cumsum", OperationKind.TRANSPARENT, descent=Descent.MAP, integers=Integers.SUM),
    *rows("max", OperationKind.TRANSPARENT, loss=Loss.HOMOGENEOUS, descent=Descent.MAX),
    *rows("min", OperationKind.TRANSPARENT, loss=Loss.HOMOGENEOUS, descent=Descent.MIN),
    *rows("logsumexp", OperationKind.TRANSPARENT, loss=Loss.LOGSUMEXP, descent=Descent.LOGSUMEXP, complex_linear=False),
    *rows(
        "_log_softmax log_softmax special_log_softmax",
        OperationKind.TRANSPARENT,
        loss=Loss.LOG_SOFTMAX,
        descent=Descent.LOG_SOFTMAX,
        complex_linear=False,
    ),
    *rows(
        "_softmax softmax special_softmax",
        OperationKind.TRANSPARENT,
        loss=Loss.SOFTMAX,
        descent=Descent.SOFTMAX,
        complex_linear=False,
    ),
    *rows("softmin", OperationKind.TRANSPARENT, loss=Loss.SOFTMIN, descent=Descent.SOFTMAX, complex_linear=False),
    *rows("argmax argmin argsort bincount count_nonzero nonzero", integers=Integers.POSITIONS),
    *rows("cumprod", integers=Integers.SUM),
)
