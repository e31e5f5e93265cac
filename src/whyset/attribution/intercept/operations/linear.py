"""Linear layers, convolutions, batch norm and recurrent networks."""

from whyset.attribution.intercept.operations.operation import Integers, Loss, OperationKind, rows

ROWS = (
    *rows("batch_norm", OperationKind.BATCH_NORM, loss=Loss.BIAS),
    *rows("_native_batch_norm_legit _native_batch_norm_legit_no_training convolution", OperationKind.COMPOUND),
    *rows("linear", OperationKind.LINEAR, integers=Integers.CONTRACTION),
    *rows(
        "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d",
        OperationKind.LINEAR,
        integers=Integers.CONTRACTION,
    ),
    *rows("gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell", OperationKind.RECURRENT),
)
