"""Functions that are not operations on values: shapes, dtypes, printing, backward itself, new tensors."""

from whyset.attribution.intercept.operations.operation import Integers, OperationKind, rows

ROWS = (
    *rows(
        """
        __array__ __bool__ __contains__ __deepcopy__ __dir__ __float__ __format__ __hash__ __index__ __int__
        __iter__ __len__ __reduce_ex__ __repr__ __str__ _backward_hooks _base _grad _version allclose backward
        data_ptr device dim dim_order dtype element_size equal get_device grad grad_dtype grad_fn has_names
        is_coalesced is_complex is_conj is_contiguous is_cpu is_cuda is_floating_point is_inference is_leaf
        is_meta is_neg is_nested is_nonzero is_pinned is_quantized is_same_size is_set_to is_shared is_sparse
        isfinite isinf isnan item itemsize layout name names nbytes ndim ndimension nelement numel numpy
        output_nr refine_names register_hook register_post_accumulate_grad_hook requires_grad requires_grad_
        result_type retain_grad retains_grad shape size storage storage_offset stride tolist untyped_storage
        volatile
        """,
        OperationKind.PLAIN,
    ),
    *rows(
        """
        empty_like full_like new_empty new_empty_strided new_full new_ones new_zeros ones_like rand_like
        randint_like randn_like zeros_like
        """,
        integers=Integers.CREATES,
    ),
)
