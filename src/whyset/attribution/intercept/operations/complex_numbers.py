"""Fourier transforms, and what makes, splits and conjugates complex numbers."""

from whyset.attribution.intercept.operations.operation import Loss, OperationKind, rows

ROWS = (
    *rows(
        """
        cdouble cfloat chalf fft_fft fft_fft2 fft_fftn fft_hfft fft_hfft2 fft_hfftn fft_ifft fft_ifft2
        fft_ifftn fft_ihfft fft_ihfft2 fft_ihfftn fft_irfft fft_irfft2 fft_irfftn fft_rfft fft_rfft2 fft_rfftn
        istft polar stft
        """,
        OperationKind.COMPLEX,
    ),
    *rows("complex", OperationKind.COMPLEX, loss=Loss.CONSTANT),
    *rows("view_as_complex", OperationKind.COMPLEX, conserves=True),
    *rows("conj_physical fft_fftshift fft_ifftshift resolve_conj resolve_neg", OperationKind.TRANSPARENT),
    *rows("conj imag real view_as_real", OperationKind.TRANSPARENT, conserves=True),
)
