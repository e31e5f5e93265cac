"""Functions of one tensor, element by element."""

from whyset.attribution.intercept.operations.operation import Descent, Integers, Loss, OperationKind, Twin, rows

ROWS = (
    *rows(
        """
        acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh celu clamp_max cos cosh
        elu erf erfc erfinv exp2 expit expm1 gelu hardshrink hardsigmoid hardswish hardtanh i0 log1p log_ndtr
        log_sigmoid logit logsigmoid mish ndtr relu6 selu sigmoid silu sin sinc sinh softplus softshrink
        softsign special_erf special_erfc special_erfinv special_exp2 special_expit special_expm1 special_i0
        special_log1p special_log_ndtr special_logit special_ndtr special_sinc tan tanh tanhshrink threshold
        """,
        OperationKind.ACTIVATION,
        descent=Descent.FUNCTION,
    ),
    *rows("clamp clamp_min clip", OperationKind.ACTIVATION, descent=Descent.GUARD),
    *rows("log log10 log2", OperationKind.ACTIVATION, descent=Descent.LOG),
    *rows("float_power pow", OperationKind.ACTIVATION, descent=Descent.POW, integers=Integers.ARITHMETIC),
    *rows("rsqrt", OperationKind.ACTIVATION, descent=Descent.POWER, power=-0.5, integers=Integers.RECIPROCAL),
    *rows("reciprocal", OperationKind.ACTIVATION, descent=Descent.POWER, power=-1.0, integers=Integers.RECIPROCAL),
    *rows("sqrt", OperationKind.ACTIVATION, descent=Descent.POWER, power=0.5),
    *rows("square", OperationKind.ACTIVATION, descent=Descent.POWER, power=2.0),
    *rows("exp", OperationKind.ACTIVATION, loss=Loss.EXP, descent=Descent.EXP),
    *rows("relu", OperationKind.RELU, descent=Descent.POWER),
    *rows("feature_alpha_dropout native_dropout", OperationKind.TRANSPARENT),
    *rows(
        "prelu",
        OperationKind.TRANSPARENT,
        descent=Descent.FUNCTION,
        piecewise=True,
        per_channel=True,
        complex_linear=False,
    ),
    *rows("nan_to_num", OperationKind.TRANSPARENT, descent=Descent.POWER),
    *rows("abs absolute", OperationKind.TRANSPARENT, descent=Descent.POWER, piecewise=True),
    *rows("leaky_relu", OperationKind.TRANSPARENT, descent=Descent.POWER, piecewise=True, complex_linear=False),
    *rows("rrelu", OperationKind.TRANSPARENT, piecewise=True, complex_linear=False),
    *rows("alpha_dropout feature_dropout", OperationKind.TRANSPARENT, twin=Twin.KEPT, conserves=True),
    *rows("dropout", OperationKind.TRANSPARENT, twin=Twin.KEPT, conserves=True, descent=Descent.CAST),
)
