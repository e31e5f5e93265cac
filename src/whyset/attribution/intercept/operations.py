"""The table of torch functions by kind of operation.

Names are those of the functions without the underscores of in-place and operator forms: `relu`, `relu_`, `Tensor.relu`
are `relu`; `+`, `+=` and `add_` are `add`. The kind decides which handler runs a call. TRANSPARENT calls run unchanged:
for linear, piecewise linear and selecting operations the plain gradient is the right coefficient.
"""

from enum import StrEnum
from types import MappingProxyType

from torch._ops import OpOverload, OpOverloadPacket


class OperationKind(StrEnum):
    LINEAR = "linear"  # linear and (transposed) convolution: the composite chooses a rule
    BATCH_NORM = "batch norm"  # affine; merged into the linear operation directly before it
    ACTIVATION = "activation"  # c · f(x)/x
    PRODUCT = "product"  # equal shares to all factors that depend on the input
    ATTENTION = "attention"  # fused softmax(qkᵀ)v: shares ¼, ¼, ½
    QUOTIENT = "quotient"  # the denominator is a constant
    COMPOUND = "compound"  # run as the operations that it consists of
    NORM = "norm"  # layer, group, RMS, instance norm: the standard deviation is a constant
    QUADRATIC = "quadratic"  # homogeneous of degree two: half the gradient
    RECURRENT = "recurrent"  # one call runs a whole network over time: by the equations of its cells
    COMPLEX = "complex"  # Fourier transforms, and what makes complex numbers: linear maps
    RELU = "relu"  # plain gradient, unless a composite modifies it
    TRANSPARENT = "transparent"
    PLAIN = "plain"  # not an operation on values: shapes, dtypes, printing, backward itself


_NAMES: dict[OperationKind, str] = {
    OperationKind.LINEAR: "linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d",
    OperationKind.BATCH_NORM: "batch_norm",
    OperationKind.RELU: "relu",
    OperationKind.ACTIVATION: """
        gelu silu tanh elu selu celu mish hardswish hardsigmoid hardtanh relu6 softplus sigmoid logsigmoid log_sigmoid
        softsign tanhshrink hardshrink softshrink threshold clamp clip clamp_min clamp_max erf sin asin arcsin sinh
        atan arctan expm1 log1p pow float_power sqrt rsqrt reciprocal square exp exp2 log log2 log10 cos atanh asinh
        arcsinh sinc i0
        xlogy special_expit expit special_ndtr ndtr
        special_erf special_expm1 special_exp2 special_log1p special_sinc special_i0 special_log_ndtr log_ndtr erfc
        special_erfc erfinv special_erfinv tan cosh acos arccos acosh arccosh arctanh logit
        special_logit""",
    OperationKind.PRODUCT: "mul multiply matmul mm bmm mv dot vdot "
    "linalg_vecdot inner outer einsum tensordot kron linalg_matmul "
    "addmm baddbmm addbmm addmv addr bilinear linalg_multi_dot chain_matmul cross linalg_cross",
    OperationKind.ATTENTION: "scaled_dot_product_attention",
    OperationKind.QUOTIENT: "div divide true_divide truediv",
    OperationKind.COMPOUND: "lerp glu addcmul addcdiv cosine_similarity prod convolution native_layer_norm "
    "native_group_norm _scaled_dot_product_flash_attention_for_cpu "
    "var_mean std_mean _native_batch_norm_legit_no_training",
    OperationKind.NORM: "layer_norm rms_norm group_norm instance_norm",
    OperationKind.QUADRATIC: "var",
    OperationKind.RECURRENT: "lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell",
    OperationKind.TRANSPARENT: """
        add sub subtract rsub neg negative positive sum mean nansum cumsum logcumsumexp std norm linalg_norm
        linalg_vector_norm frobenius_norm cat concat concatenate stack hstack vstack dstack column_stack split
        split_with_sizes chunk tensor_split hsplit vsplit unbind unsafe_chunk unsafe_split view reshape view_as
        reshape_as flatten unflatten ravel permute transpose t T mT H mH adjoint swapaxes swapdims movedim moveaxis
        slice
        squeeze unsqueeze expand expand_as broadcast_to broadcast_tensors repeat repeat_interleave tile narrow select
        getitem setitem index_select index_add index_copy index_fill index_put gather take take_along_dim
        masked_select masked_fill masked_scatter where scatter scatter_add scatter_reduce select_scatter slice_scatter
        diagonal_scatter roll flip fliplr flipud rot90 diagonal diag diag_embed trace tril triu pad constant_pad_nd
        reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d
        unfold fold im2col col2im pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle contiguous
        clone to type float double half bfloat16 cpu cuda type_as as_strided detach data real imag alias lift_fresh
        copy zero fill avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
        max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices
        adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d max_unpool1d max_unpool2d max_unpool3d
        fractional_max_pool2d lp_pool1d lp_pool2d max amax min amin maximum minimum fmax fmin topk sort kthvalue
        median nanmedian mode msort cummax cummin aminmax cdist pairwise_distance upsample_nearest1d upsample_nearest2d
        upsample_nearest3d upsample_linear1d upsample_bilinear2d upsample_bicubic2d upsample_trilinear3d
        _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d _upsample_bilinear2d_aa
        _upsample_bicubic2d_aa grid_sampler grid_sampler_2d grid_sampler_3d dropout alpha_dropout feature_dropout
        feature_alpha_dropout native_dropout leaky_relu prelu rrelu abs absolute softmax _softmax log_softmax
        _log_softmax
        special_softmax special_log_softmax logsumexp softmin
        view_as_real nan_to_num _pad_circular pad_sequence
        _pack_padded_sequence _pad_packed_sequence block_diag
        cartesian_prod combinations meshgrid hypot swapdims squeeze_copy conj conj_physical
        resolve_conj resolve_neg H matrix_H fft_fftshift fft_ifftshift""",
    OperationKind.COMPLEX: """
        fft_fft fft_ifft fft_rfft fft_irfft fft_hfft fft_ihfft fft_fft2 fft_ifft2 fft_rfft2 fft_irfft2 fft_hfft2
        fft_ihfft2 fft_fftn fft_ifftn fft_rfftn fft_irfftn fft_hfftn fft_ihfftn stft istft complex polar
        view_as_complex cfloat cdouble chalf""",
    OperationKind.PLAIN: """
        shape size dim ndim ndimension numel nelement stride storage_offset dtype device layout is_contiguous
        is_floating_point is_complex is_cuda is_cpu is_sparse is_nested is_quantized is_meta is_leaf requires_grad
        grad grad_fn itemsize nbytes names element_size get_device requires_grad_ retain_grad retains_grad
        register_hook register_post_accumulate_grad_hook backward item tolist numpy __repr__ __str__ __format__
        __len__ __bool__ __int__ __float__ __index__ __hash__ __contains__ __deepcopy__ __reduce_ex__ __array__
        __iter__ __dir__ storage untyped_storage data_ptr is_set_to is_same_size allclose equal is_conj is_neg
        is_inference is_pinned output_nr _version _base _backward_hooks volatile _grad grad_dtype name has_names
        refine_names is_shared is_coalesced dim_order result_type is_nonzero isfinite isnan isinf""",
}

KINDS: MappingProxyType[str, OperationKind] = MappingProxyType(
    {name: kind for kind, names in _NAMES.items() for name in names.split()}
)

MULTIPLICATIONS = frozenset({"mul", "multiply"})
SOFTMAXES = frozenset({"softmax", "_softmax", "log_softmax", "special_softmax", "special_log_softmax", "softmin"})

_IN_PLACE_OPERATORS = frozenset(
    "__iadd__ __isub__ __imul__ __itruediv__ __idiv__ __ipow__ __imatmul__ __setitem__".split()
)
_ALIASES = MappingProxyType(
    {"iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div", "idiv": "div", "ipow": "pow", "imatmul": "matmul"}
)
_REFLECTED = MappingProxyType(
    {"radd": "add", "rmul": "mul", "rmatmul": "matmul", "rpow": "pow", "rdiv": "div", "rtruediv": "div"}
)


def raw_name(func: object) -> str:
    """Return the name of a torch function; for a property of tensors (`x.T`, `x.shape`) that of the property."""
    if isinstance(func, OpOverload | OpOverloadPacket):
        return str(getattr(func, "overloadpacket", func).__name__)
    name = str(getattr(func, "__name__", type(func).__name__))
    return str(getattr(getattr(func, "__self__", None), "__name__", name)) if name == "__get__" else name


def canonical_name(name: str) -> str:
    """Return the name in the table, without the underscores of in-place and operator forms."""
    if name in KINDS:
        return name
    if name.startswith("__") and name.endswith("__"):
        bare = name[2:-2]
        return _ALIASES.get(bare) or _REFLECTED.get(bare) or bare
    return name.removesuffix("_")


def is_in_place(name: str) -> bool:
    """Check if a function writes into its first argument."""
    if name in KINDS:
        return False
    return name in _IN_PLACE_OPERATORS or (name.endswith("_") and not name.endswith("__"))
