"""Products of tensors: contractions, attention and gates."""

from whyset.attribution.intercept.operations.operation import Contraction, Descent, Integers, Loss, OperationKind, rows

ROWS = (
    *rows("scaled_dot_product_attention", OperationKind.ATTENTION),
    *rows(
        "_scaled_dot_product_attention_math _scaled_dot_product_flash_attention_for_cpu _grouped_mm grouped_mm glu "
        "linalg_vecdot",
        OperationKind.COMPOUND,
    ),
    *rows("addbmm chain_matmul linalg_multi_dot", OperationKind.COMPOUND, integers=Integers.CONTRACTION),
    *rows(
        "bilinear",
        OperationKind.PRODUCT,
        factors=((0, "input1"), (1, "input2"), (2, "weight")),
        loss=Loss.BIAS,
        integers=Integers.CONTRACTION,
    ),
    *rows("linalg_cross", OperationKind.PRODUCT),
    *rows(
        "baddbmm",
        OperationKind.PRODUCT,
        contraction=Contraction.ADDED,
        factors=((1, "batch1"), (2, "batch2")),
        loss=Loss.CONSTANT,
        integers=Integers.CONTRACTION,
    ),
    *rows(
        "addmv",
        OperationKind.PRODUCT,
        contraction=Contraction.ADDED,
        factors=((1, "mat"), (2, "vec")),
        loss=Loss.CONSTANT,
        integers=Integers.CONTRACTION,
    ),
    *rows(
        "addmm",
        OperationKind.PRODUCT,
        contraction=Contraction.ADDED,
        factors=((1, "mat1"), (2, "mat2")),
        loss=Loss.CONSTANT,
        integers=Integers.CONTRACTION,
    ),
    *rows(
        "einsum",
        OperationKind.PRODUCT,
        contraction=Contraction.EINSUM,
        descent=Descent.CONTRACT,
        integers=Integers.CONTRACTION,
    ),
    *rows(
        "dot inner vdot",
        OperationKind.PRODUCT,
        contraction=Contraction.INNER,
        descent=Descent.CONTRACT,
        integers=Integers.CONTRACTION,
    ),
    *rows(
        "bmm linalg_matmul matmul mm mv",
        OperationKind.PRODUCT,
        contraction=Contraction.MATMUL,
        integers=Integers.CONTRACTION,
    ),
    *rows("tensordot", OperationKind.PRODUCT, contraction=Contraction.TENSORDOT, integers=Integers.CONTRACTION),
    *rows("addr", OperationKind.PRODUCT, factors=((1, "vec1"), (2, "vec2")), loss=Loss.CONSTANT),
    *rows("cross kron outer", OperationKind.PRODUCT, integers=Integers.ARITHMETIC),
)
