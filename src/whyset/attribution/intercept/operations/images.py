"""Pools, padding, resampling and patches."""

from whyset.attribution.intercept.operations.operation import Descent, Loss, OperationKind, Twin, rows

ROWS = (
    *rows(
        """
        adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d fractional_max_pool2d
        max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices
        max_unpool1d max_unpool2d max_unpool3d
        """,
        OperationKind.TRANSPARENT,
    ),
    *rows("grid_sampler grid_sampler_2d grid_sampler_3d", OperationKind.TRANSPARENT, loss=Loss.PLACES),
    *rows(
        """
        _upsample_bicubic2d_aa _upsample_bilinear2d_aa col2im fold im2col upsample_bicubic2d upsample_bilinear2d
        upsample_linear1d upsample_trilinear3d
        """,
        OperationKind.TRANSPARENT,
        descent=Descent.MAP,
    ),
    *rows(
        """
        _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_nearest1d
        upsample_nearest2d upsample_nearest3d
        """,
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        descent=Descent.PART,
    ),
    *rows("lp_pool1d lp_pool2d", OperationKind.TRANSPARENT, complex_linear=False),
    *rows(
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d",
        OperationKind.TRANSPARENT,
        descent=Descent.AVERAGE,
    ),
    *rows(
        "avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d",
        OperationKind.TRANSPARENT,
        descent=Descent.REDUCE,
    ),
    *rows(
        """
        _pad_circular reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d
        replication_pad3d
        """,
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        descent=Descent.PART,
    ),
    *rows(
        "channel_shuffle native_channel_shuffle pixel_shuffle pixel_unshuffle unfold",
        OperationKind.TRANSPARENT,
        twin=Twin.MOVED,
        conserves=True,
        descent=Descent.PART,
    ),
    *rows("constant_pad_nd pad", OperationKind.TRANSPARENT, twin=Twin.PADDED, loss=Loss.CONSTANT, descent=Descent.PAD),
)
