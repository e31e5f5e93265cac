"""Norms that normalize a tensor, norms that measure one, and distances."""

from whyset.attribution.intercept.operations.operation import Descent, Loss, OperationKind, rows

ROWS = (
    *rows("cosine_similarity native_group_norm native_layer_norm", OperationKind.COMPOUND),
    *rows("group_norm instance_norm layer_norm rms_norm", OperationKind.NORM),
    *rows("pairwise_distance", OperationKind.TRANSPARENT, descent=Descent.DISTANCE),
    *rows("frobenius_norm linalg_norm linalg_vector_norm norm", OperationKind.TRANSPARENT, descent=Descent.NORM),
    *rows("cdist", OperationKind.TRANSPARENT, loss=Loss.HOMOGENEOUS, descent=Descent.DISTANCE),
)
