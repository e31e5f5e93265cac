"""Views, copies and casts of a tensor, and tensors joined to one."""

from whyset.attribution.intercept.operations.operation import Descent, Integers, Loss, OperationKind, Twin, rows

ROWS = (
    *rows(
        "broadcast_tensors cartesian_prod combinations meshgrid",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        descent=Descent.MAP,
    ),
    *rows("data", OperationKind.TRANSPARENT, conserves=True, descent=Descent.CAST),
    *rows("detach", OperationKind.TRANSPARENT, conserves=True, descent=Descent.CAST, only_in_place=True),
    *rows("block_diag", OperationKind.TRANSPARENT, twin=Twin.PADDED, loss=Loss.CONSTANT, descent=Descent.MAP),
    *rows("_pad_packed_sequence pad_sequence", OperationKind.TRANSPARENT, twin=Twin.MOVED),
    *rows("_pack_padded_sequence as_strided cpu cuda", OperationKind.TRANSPARENT, twin=Twin.MOVED, conserves=True),
    *rows(
        "alias bfloat16 clone contiguous double float half lift_fresh type",
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
    *rows(
        "chunk hsplit slice split split_with_sizes tensor_split unbind unsafe_chunk unsafe_split vsplit",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        conserves=True,
        descent=Descent.PART,
    ),
    *rows(
        """
        H T adjoint broadcast_to expand flatten mH mT matrix_H moveaxis movedim permute ravel reshape squeeze
        squeeze_copy swapaxes swapdims t transpose unflatten unsqueeze view
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
    *rows("repeat repeat_interleave tile", OperationKind.TRANSPARENT, twin=Twin.MOVED, descent=Descent.PART),
    *rows(
        "cat column_stack concat concatenate dstack hstack stack vstack",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        loss=Loss.CONSTANT,
        descent=Descent.JOIN,
        integers=Integers.ARITHMETIC,
    ),
)
