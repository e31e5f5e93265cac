"""Views, copies and casts of a tensor, and tensors joined to one."""

from whyset.attribution.intercept.operations.operation import Descent, Integers, Loss, OperationKind, Twin, rows

ROWS = (
    *rows(
        """
        H adjoint broadcast_tensors cartesian_prod combinations hsplit lift_fresh mH matrix_H
        meshgrid squeeze_copy unsafe_chunk unsafe_split vsplit
        """,
        OperationKind.TRANSPARENT,
    ),
    *rows("alias data", OperationKind.TRANSPARENT, conserves=True, descent=Descent.CAST),
    *rows("detach", OperationKind.TRANSPARENT, conserves=True, descent=Descent.CAST, only_in_place=True),
    *rows("split_with_sizes tensor_split", OperationKind.TRANSPARENT, conserves=True, descent=Descent.PART),
    *rows("repeat_interleave", OperationKind.TRANSPARENT, descent=Descent.PART),
    *rows(
        "hstack vstack",
        OperationKind.TRANSPARENT,
        loss=Loss.CONSTANT,
        descent=Descent.JOIN,
        integers=Integers.ARITHMETIC,
    ),
    *rows("block_diag", OperationKind.TRANSPARENT, loss=Loss.CONSTANT),
    *rows("column_stack dstack", OperationKind.TRANSPARENT, loss=Loss.CONSTANT, integers=Integers.ARITHMETIC),
    *rows("_pad_packed_sequence pad_sequence", OperationKind.TRANSPARENT, twin=Twin.MOVED),
    *rows("_pack_padded_sequence as_strided cpu cuda", OperationKind.TRANSPARENT, twin=Twin.MOVED, conserves=True),
    *rows(
        "bfloat16 clone contiguous double float half type",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        conserves=True,
        descent=Descent.CAST,
    ),
    *rows(
        "to type_as",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        conserves=True,
        descent=Descent.CAST,
        integers=Integers.LIKE,
    ),
    *rows("chunk slice split unbind", OperationKind.TRANSPARENT, twin=Twin.MOVED, conserves=True, descent=Descent.PART),
    *rows(
        """
        T broadcast_to expand flatten mT moveaxis movedim permute ravel reshape squeeze swapaxes swapdims t
        transpose unflatten unsqueeze view
        """,
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        conserves=True,
        descent=Descent.VIEW,
    ),
    *rows(
        "expand_as reshape_as view_as",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        conserves=True,
        descent=Descent.VIEW,
        integers=Integers.LIKE,
    ),
    *rows("repeat tile", OperationKind.TRANSPARENT, twin=Twin.MOVED, descent=Descent.PART),
    *rows(
        "cat concat concatenate stack",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        loss=Loss.CONSTANT,
        descent=Descent.JOIN,
        integers=Integers.ARITHMETIC,
    ),
)
