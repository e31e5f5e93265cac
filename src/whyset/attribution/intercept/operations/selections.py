"""Elements chosen, assigned or put in order."""

from whyset.attribution.intercept.operations.operation import Descent, Integers, Loss, OperationKind, Twin, rows

ROWS = (
    *rows("msort sort topk", OperationKind.TRANSPARENT, descent=Descent.PART),
    *rows("diag diag_embed", OperationKind.TRANSPARENT, twin=Twin.PADDED, descent=Descent.MAP),
    *rows("tril triu", OperationKind.TRANSPARENT, twin=Twin.SCALED, descent=Descent.TRIANGLE),
    *rows("copy", OperationKind.TRANSPARENT, loss=Loss.CONSTANT, integers=Integers.ARITHMETIC, only_in_place=True),
    *rows(
        "setitem",
        OperationKind.TRANSPARENT,
        loss=Loss.CONSTANT,
        integers=Integers.ASSIGNS | Integers.ARITHMETIC,
        only_in_place=True,
    ),
    *rows("scatter_reduce", OperationKind.TRANSPARENT, descent=Descent.SCATTER, integers=Integers.SCATTERS),
    *rows("masked_fill", OperationKind.TRANSPARENT, loss=Loss.CONSTANT, descent=Descent.SELECT),
    *rows("where", OperationKind.TRANSPARENT, loss=Loss.CONSTANT, descent=Descent.SELECT, integers=Integers.ARITHMETIC),
    *rows("diagonal_scatter slice_scatter", OperationKind.TRANSPARENT, loss=Loss.CONSTANT),
    *rows("masked_scatter", OperationKind.TRANSPARENT, loss=Loss.CONSTANT, integers=Integers.ARITHMETIC),
    *rows("index_put", OperationKind.TRANSPARENT, loss=Loss.CONSTANT, integers=Integers.ASSIGNS),
    *rows(
        "index_add scatter_add",
        OperationKind.TRANSPARENT,
        loss=Loss.CONSTANT,
        descent=Descent.SCATTER,
        integers=Integers.SCATTERS,
    ),
    *rows(
        "index_copy index_fill scatter select_scatter",
        OperationKind.TRANSPARENT,
        loss=Loss.CONSTANT,
        integers=Integers.SCATTERS,
    ),
    *rows("fill zero", OperationKind.TRANSPARENT, loss=Loss.CONSTANT, only_in_place=True),
    *rows(
        "getitem",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        conserves=True,
        descent=Descent.ITEM,
        integers=Integers.LOOKUP,
    ),
    *rows(
        "diagonal flip fliplr flipud masked_select narrow roll rot90 select",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        conserves=True,
        descent=Descent.PART,
    ),
    *rows(
        "gather index_select take take_along_dim",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        conserves=True,
        descent=Descent.PART,
        integers=Integers.LOOKUP,
    ),
    *rows("embedding embedding_bag index", integers=Integers.LOOKUP),
    *rows("index_reduce", integers=Integers.SCATTERS),
)
