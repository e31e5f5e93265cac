"""Elements chosen, assigned or put in order."""

from whyset.attribution.intercept.operations.operation import Descent, Integers, Loss, OperationKind, Twin, rows

ROWS = (
    *rows(
        "diag diag_embed masked_select msort sort topk tril triu",
        OperationKind.TRANSPARENT,
    ),
    *rows("diagonal", OperationKind.TRANSPARENT, conserves=True, descent=Descent.PART),
    *rows("gather", OperationKind.TRANSPARENT, descent=Descent.PART, integers=Integers.LOOKUP),
    *rows("copy", OperationKind.TRANSPARENT, integers=Integers.ARITHMETIC, only_in_place=True),
    *rows("setitem", OperationKind.TRANSPARENT, integers=Integers.ASSIGNS | Integers.ARITHMETIC, only_in_place=True),
    *rows("take take_along_dim", OperationKind.TRANSPARENT, integers=Integers.LOOKUP),
    *rows("scatter_reduce", OperationKind.TRANSPARENT, integers=Integers.SCATTERS),
    *rows("masked_fill", OperationKind.TRANSPARENT, loss=Loss.CONSTANT, descent=Descent.SELECT),
    *rows("where", OperationKind.TRANSPARENT, loss=Loss.CONSTANT, descent=Descent.SELECT, integers=Integers.ARITHMETIC),
    *rows("diagonal_scatter slice_scatter", OperationKind.TRANSPARENT, loss=Loss.CONSTANT),
    *rows("masked_scatter", OperationKind.TRANSPARENT, loss=Loss.CONSTANT, integers=Integers.ARITHMETIC),
    *rows("index_put", OperationKind.TRANSPARENT, loss=Loss.CONSTANT, integers=Integers.ASSIGNS),
    *rows(
        "index_add index_copy index_fill scatter scatter_add select_scatter",
        OperationKind.TRANSPARENT,
        loss=Loss.CONSTANT,
        integers=Integers.SCATTERS,
    ),
    *rows("fill zero", OperationKind.TRANSPARENT, only_in_place=True),
    *rows("fliplr flipud rot90", OperationKind.TRANSPARENT, twin=Twin.MOVED, conserves=True),
    *rows(
        "getitem",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        conserves=True,
        descent=Descent.ITEM,
        integers=Integers.LOOKUP,
    ),
    *rows("flip narrow roll select", OperationKind.TRANSPARENT, twin=Twin.MOVED, conserves=True, descent=Descent.PART),
    *rows(
        "index_select",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        conserves=True,
        descent=Descent.PART,
        integers=Integers.LOOKUP,
    ),
    *rows("embedding embedding_bag index", integers=Integers.LOOKUP),
    *rows("index_reduce", integers=Integers.SCATTERS),
)
