"""Families of programs: each is one function, written in several ways. All take and return a tensor (..., 6)."""

import math

import torch
import torch.nn.functional as F
from torch import nn

WIDTH = 6
_generator = torch.Generator().manual_seed(7)


def _constant(*shape):
    return torch.randn(*shape, generator=_generator, dtype=torch.float64) / math.sqrt(shape[-1])


W, B, GAIN, SHIFT = _constant(WIDTH, WIDTH), _constant(WIDTH), _constant(WIDTH).abs() + 0.5, _constant(WIDTH)
MEAN, VARIANCE = _constant(WIDTH), _constant(WIDTH).abs() + 0.5
ATEN = torch.ops.aten


def module_linear(h):
    layer = nn.Linear(WIDTH, WIDTH).double()
    layer.weight, layer.bias = nn.Parameter(W), nn.Parameter(B)
    return layer(h)


def _flat(function):
    """Apply a function of matrices to a tensor with any leading dimensions."""
    return lambda h: function(h.reshape(-1, WIDTH)).reshape(h.shape)


def _bias_by_hand(h):
    y = F.linear(h, W)
    return y + B


LINEAR = {
    "functional": lambda h: F.linear(h, W, B),
    "module": module_linear,
    "keywords": lambda h: F.linear(weight=W, input=h, bias=B),
    "operator": lambda h: h @ W.T + B,
    "reflected operator": lambda h: B + torch.matmul(h, W.T),
    "matmul by keywords": lambda h: torch.matmul(other=W.T, input=h) + B,
    "bias by hand": _bias_by_hand,
    "subtracted": lambda h: F.linear(h, W) - (-B),
    "addmm": _flat(lambda h: torch.addmm(B, h, W.T)),
    "addmm by keywords": _flat(lambda h: torch.addmm(input=B, mat1=h, mat2=W.T)),
    "addmm with factors": _flat(lambda h: torch.addmm(B / 2, h, W.T / 4, beta=2, alpha=4)),
    "mm": _flat(lambda h: torch.mm(h, W.T) + B),
    "einsum": lambda h: torch.einsum("...i,oi->...o", h, W) + B,
    "einsum, transposed": lambda h: torch.einsum("io,...i->...o", W.T, h) + B,
    "tensordot": lambda h: torch.tensordot(h, W, dims=([-1], [1])) + B,
    "inner": lambda h: torch.inner(h, W) + B,
    "aten linear": lambda h: ATEN.linear.default(h, W, B),
    "aten addmm": _flat(lambda h: ATEN.addmm.default(B, h, ATEN.t.default(W))),
    "aten mm": _flat(lambda h: ATEN.add.Tensor(ATEN.mm.default(h, W.T), B)),
    "in place": lambda h: (h @ W.T).add_(B),
    "sum by keywords": lambda h: torch.add(F.linear(h, W), other=B),
    "method by keyword": lambda h: h.matmul(other=W.T).add(other=B, alpha=1),
    "aten by keywords": lambda h: ATEN.linear.default(weight=W, input=h, bias=B),
    "aten addmm by keywords": _flat(lambda h: ATEN.addmm.default(self=B, mat1=h, mat2=W.T)),
    "aten mm by keywords": _flat(lambda h: ATEN.add.Tensor(self=ATEN.mm.default(self=h, mat2=W.T), other=B)),
    "addbmm": _flat(lambda h: torch.addbmm(B.expand(len(h), WIDTH), h[None], W.T[None])),
    "baddbmm": _flat(lambda h: torch.baddbmm(B.expand(1, len(h), WIDTH), h[None], W.T[None])[0]),
}
BROADCAST_LINEAR = {
    "functional": lambda h: F.linear(h, W),
    "matmul": lambda h: (h[..., None, :] @ W.T.reshape((1,) * (h.dim() - 1) + W.T.shape))[..., 0, :],
    "bmm": _flat(lambda h: torch.bmm(h[None], W.T[None])[0]),
    "left": _flat(lambda h: (W[None] @ h[..., None])[..., 0]),
    "expanded": _flat(lambda h: torch.bmm(h[:, None], W.T.expand(len(h), WIDTH, WIDTH)).view(-1, WIDTH)),
}

_HEADS = torch.stack((W[:3, :3], W[3:, :3]))
HEADS = {
    "linear": lambda h: torch.cat([F.linear(part, w.T) for part, w in zip(h.split(3, -1), _HEADS, strict=True)], -1),
    "einsum": lambda h: torch.einsum("...hi,hio->...ho", h.unflatten(-1, (2, 3)), _HEADS).flatten(-2),
    "bmm": _flat(lambda h: torch.bmm(h.unflatten(-1, (2, 3)).transpose(0, 1), _HEADS).transpose(0, 1).flatten(1)),
    "bmm and view": _flat(
        lambda h: torch.bmm(h.view(-1, 2, 3).transpose(0, 1), _HEADS).view(2, -1, 3).transpose(0, 1).flatten(1)
    ),
    "matmul": _flat(lambda h: (h.view(-1, 2, 1, 3) @ _HEADS).flatten(1)),
}
BATCH_NORM = {
    "functional": _flat(lambda h: F.batch_norm(F.linear(h, W, B), MEAN, VARIANCE, GAIN, SHIFT)),
    "by hand": _flat(lambda h: (F.linear(h, W, B) - MEAN) / torch.sqrt(VARIANCE + 1e-5) * GAIN + SHIFT),
    "by rsqrt": _flat(lambda h: (F.linear(h, W, B) - MEAN) * (torch.rsqrt(VARIANCE + 1e-5) * GAIN) + SHIFT),
    "scale and shift": _flat(
        lambda h: (
            F.linear(h, W, B) * (GAIN / torch.sqrt(VARIANCE + 1e-5))
            + (SHIFT - MEAN * GAIN / torch.sqrt(VARIANCE + 1e-5))
        )
    ),
    "folded": _flat(
        lambda h: F.linear(
            h,
            W * (GAIN / torch.sqrt(VARIANCE + 1e-5))[:, None],
            (B - MEAN) * GAIN / torch.sqrt(VARIANCE + 1e-5) + SHIFT,
        )
    ),
}


def _norm(inverse):
    def norm(h):
        c = h - h.mean(-1, keepdim=True)
        return inverse(c, c.pow(2).mean(-1, keepdim=True) + 1e-5)

    return norm


LAYER_NORM = {
    "fused": lambda h: F.layer_norm(h, (WIDTH,)),
    "aten": lambda h: ATEN.native_layer_norm.default(h, [WIDTH], None, None, 1e-5)[0],
    "rsqrt": _norm(lambda c, v: c * v.rsqrt()),
    "divided by sqrt": _norm(lambda c, v: c / v.sqrt()),
    "pow": _norm(lambda c, v: c * torch.pow(v, -0.5)),
    "operator": _norm(lambda c, v: c * v**-0.5),
    "reflected division": _norm(lambda c, v: c * (1 / v.sqrt())),
    "reciprocal": _norm(lambda c, v: v.sqrt().reciprocal() * c),
    "exp and log": _norm(lambda c, v: c * torch.exp(-0.5 * v.log())),
    "expanded": _norm(lambda c, v: c / v.sqrt().expand_as(c)),
    "casts": _norm(lambda c, v: c.to(torch.float64) * v.double().rsqrt()),
    "var": lambda h: (h - h.mean(-1, keepdim=True)) / torch.sqrt(h.var(-1, correction=0, keepdim=True) + 1e-5),
    "var_mean": lambda h: _by_var_mean(h),
    "einsum": _norm(lambda c, v: c * (torch.einsum("...i,...i->...", c, c) / WIDTH + 1e-5).rsqrt()[..., None]),
    "transposed": lambda h: _norm_over_first(h.movedim(-1, 0)).movedim(0, -1),
    "each over the root": lambda h: _each_over_root(h),
    "contraction with equal weights": _norm(lambda c, v: c / (c.square() @ _MEANS + 1e-5).sqrt()),
    "linear map with equal weights": _norm(lambda c, v: c / (F.linear(c * c, _MEANS.T) + 1e-5).sqrt()),
    "sum of parts": _norm(lambda c, v: c / (sum(part * part for part in c.split(1, -1)) / WIDTH + 1e-5).sqrt()),
    "parts": _norm(lambda c, v: torch.cat([p / _root_of_parts(c.chunk(2, -1)) for p in c.chunk(2, -1)], -1)),
    "aten by keywords": lambda h: ATEN.native_layer_norm.default(
        normalized_shape=[WIDTH], input=h, weight=None, bias=None, eps=1e-5
    )[0],
}
_MEANS = torch.full((WIDTH, 1), 1 / WIDTH, dtype=torch.float64)


def _each_over_root(h):
    root = (h.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
    return h / root - h.mean(-1, keepdim=True) / root


def _root_of_parts(parts):
    squares = [part.square().sum(-1, keepdim=True) for part in parts]
    return (sum(squares[1:], squares[0]) / WIDTH + 1e-5).sqrt()


def _by_var_mean(h):
    variance, mean = torch.var_mean(h, -1, correction=0, keepdim=True)
    return (h - mean) * torch.rsqrt(variance + 1e-5)


def _norm_over_first(h):
    c = h - h.mean(0)
    return c / (c.square().mean(0) + 1e-5).sqrt()


RMS_NORM = {
    "fused": lambda h: F.rms_norm(h, (WIDTH,), GAIN, 1e-5),
    "rsqrt": lambda h: h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + 1e-5) * GAIN,
    "gain first": lambda h: h * (torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + 1e-5) * GAIN),
    "gain over root": lambda h: h * (GAIN / (h.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()),
    "square": lambda h: GAIN * (h / (h.square().mean(-1, keepdim=True) + 1e-5).sqrt()),
    "product": lambda h: GAIN * h / ((h * h).sum(-1, keepdim=True) / WIDTH + 1e-5) ** 0.5,
}


def _groups(h):
    return h.unflatten(-1, (2, 3))


def _group_norm_by_hand(h):
    g = _groups(h)
    c = g - g.mean(-1, keepdim=True)
    return (c / (c.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()).flatten(-2)


GROUP_NORM = {
    "fused": _flat(lambda h: F.group_norm(h, 2)),
    "by hand": _flat(_group_norm_by_hand),
    "layer norm of groups": _flat(lambda h: F.layer_norm(_groups(h), (3,)).flatten(-2)),
    "aten": _flat(
        lambda h: ATEN.native_group_norm.default(h[..., None], None, None, h.shape[0], 6, 1, 2, 1e-5)[0][..., 0]
    ),
}

UNIT = {
    "normalize": lambda h: F.normalize(h, dim=-1),
    "norm": lambda h: h / h.norm(dim=-1, keepdim=True).clamp_min(1e-12),
    "inverse norm": lambda h: h * (1 / h.norm(dim=-1, keepdim=True)),
    "power of norm": lambda h: h * h.norm(dim=-1, keepdim=True) ** -1.0,
    "reciprocal": lambda h: h.norm(dim=-1, keepdim=True).reciprocal() * h,
    "sum of squares": lambda h: h / h.pow(2).sum(-1, keepdim=True).sqrt(),
    "rsqrt": lambda h: h * torch.rsqrt((h * h).sum(-1, keepdim=True)),
    "vector norm": lambda h: torch.div(other=torch.linalg.vector_norm(h, dim=-1, keepdim=True), input=h),
    "without keepdim": lambda h: h / h.norm(dim=-1)[..., None],
    "einsum of squares": lambda h: h / torch.einsum("...i->...", h * h)[..., None].sqrt(),
}

POSITIVE_SHARES = {
    "relu": lambda h: h / h.relu().sum(-1, keepdim=True).add(1e-6),
    "relu in place": lambda h: h / (1.0 * h).relu_().sum(-1, keepdim=True).add(1e-6),
    "clamp": lambda h: h / h.clamp(min=0).sum(-1, keepdim=True).add(1e-6),
    "relu of a view": lambda h: h / h.view_as(h).relu().sum(-1, keepdim=True).add(1e-6),
    "guard by where": lambda h: (
        h / torch.where((s := h.relu().sum(-1, keepdim=True) + 1e-6) == 0, torch.ones_like(s), s)
    ),
}

_ROOT = math.sqrt(2 / math.pi)
GELU = {
    "fused": F.gelu,
    "module": lambda h: nn.GELU()(h),
    "aten": lambda h: ATEN.gelu.default(h),
    "written": lambda h: 0.5 * h * (1 + torch.erf(h / math.sqrt(2))),
    "other order": lambda h: (1 + torch.erf(h / math.sqrt(2))) * h * 0.5,
    "divided": lambda h: h * (1.0 + torch.erf(h * math.sqrt(0.5))) / 2.0,
    "by a normal distribution": lambda h: h * torch.special.ndtr(h),
}
GELU_TANH = {
    "fused": lambda h: F.gelu(h, approximate="tanh"),
    "written": lambda h: 0.5 * h * (1 + torch.tanh(_ROOT * (h + 0.044715 * torch.pow(h, 3.0)))),
    "cube by products": lambda h: 0.5 * h * (1 + torch.tanh(_ROOT * (h + 0.044715 * h * h * h))),
    "factored": lambda h: 0.5 * h * (1 + torch.tanh(h * _ROOT * (1 + 0.044715 * h * h))),
    "by sigmoid": lambda h: h * torch.sigmoid(2 * _ROOT * (h + 0.044715 * h**3)),
}
SILU = {
    "fused": F.silu,
    "in place": lambda h: F.silu(h.clone(), inplace=True),
    "product": lambda h: h * torch.sigmoid(h),
    "by keyword": lambda h: torch.mul(h, other=torch.sigmoid(h)),
    "other order": lambda h: h.sigmoid() * h,
    "in-place product": lambda h: h.clone().mul_(h.sigmoid()),
    "quotient": lambda h: h / (1 + torch.exp(-h)),
    "inverse": lambda h: h * (1 / (1 + (-h).exp())),
    "reciprocal": lambda h: h * (torch.exp(-h) + 1).reciprocal(),
    "by tanh": lambda h: h * (torch.tanh(h / 2) + 1) / 2,
    "lerp": lambda h: torch.lerp(torch.zeros_like(h), h, h.sigmoid()),
}
MISH = {
    "fused": F.mish,
    "softplus": lambda h: h * torch.tanh(F.softplus(h)),
    "log1p": lambda h: h * torch.tanh(torch.log1p(torch.exp(h))),
    "log": lambda h: torch.tanh((1 + h.exp()).log()) * h,
}
HARDSWISH = {
    "fused": F.hardswish,
    "relu6": lambda h: h * F.relu6(h + 3) / 6,
    "relu6 first": lambda h: h * (F.relu6(h + 3) / 6),
    "clamp": lambda h: h * torch.clamp(h + 3, 0, 6) * (1 / 6),
    "hardsigmoid": lambda h: h * F.hardsigmoid(h),
    "hardtanh": lambda h: F.hardtanh(h / 6 + 0.5, 0, 1) * h,
}
HARDSIGMOID = {
    "fused": F.hardsigmoid,
    "relu6": lambda h: F.relu6(h + 3) / 6,
    "clamp": lambda h: (h / 6 + 0.5).clamp(0, 1),
    "clip, in place": lambda h: (h + 3).clip_(0, 6) / 6,
    "hardtanh": lambda h: F.hardtanh(h / 6 + 0.5, 0.0, 1.0),
}
TANH = {
    "fused": torch.tanh,
    "sigmoid": lambda h: 2 * torch.sigmoid(2 * h) - 1,
    "exponentials": lambda h: (h.exp() - (-h).exp()) / (h.exp() + (-h).exp()),
    "one minus": lambda h: 1 - 2 / (1 + torch.exp(2 * h)),
    "ratio": lambda h: (1 - torch.exp(-2 * h)) / (1 + torch.exp(-2 * h)),
}
SIGMOID = {
    "fused": torch.sigmoid,
    "special": torch.special.expit,
    "functional": F.sigmoid,
    "reflected division": lambda h: 1 / (1 + torch.exp(-h)),
    "reciprocal": lambda h: (torch.exp(-h) + 1).reciprocal(),
    "power": lambda h: (1 + (-h).exp()) ** -1,
    "tanh": lambda h: 0.5 * (torch.tanh(h / 2) + 1),
    "ratio": lambda h: h.exp() / (1 + h.exp()),
    "one minus": lambda h: 1 - torch.sigmoid(-h),
}
ELU = {
    "fused": F.elu,
    "where": lambda h: torch.where(h > 0, h, torch.exp(h) - 1),
    "where, expm1": lambda h: torch.where(h > 0, h, torch.expm1(h)),
    "aten": lambda h: ATEN.elu.default(h),
}
SOFTPLUS = {
    "fused": F.softplus,
    "log1p": lambda h: torch.log1p(torch.exp(h)),
    "log": lambda h: (1 + h.exp()).log(),
    "logsigmoid": lambda h: -F.logsigmoid(-h),
    "log of sigmoid": lambda h: -torch.sigmoid(-h).log(),
}
SQUARE = {
    "square": torch.square,
    "product": lambda h: h * h,
    "operator": lambda h: h**2,
    "pow": lambda h: torch.pow(h, 2),
    "in place": lambda h: h.clone().pow_(2),
}
SOFTSIGN = {"fused": F.softsign, "written": lambda h: h / (1 + h.abs()), "other": lambda h: h * (h.abs() + 1) ** -1}
GUARDED = {
    "quotient": lambda h: h.flip(-1) / (h.abs() + 1e-6),
    "inverse": lambda h: h.flip(-1) * (1 / (h.abs() + 1e-6)),
    "reciprocal": lambda h: (h.abs() + 1e-6).reciprocal() * h.flip(-1),
    "power": lambda h: h.flip(-1) * (h.abs() + 1e-6) ** -1,
    "roots": lambda h: h.flip(-1) * (h.abs() + 1e-6).rsqrt().square(),
}
POWER_OF_TWO = {
    "exp2": torch.exp2,
    "reflected": lambda h: 2**h,
    "exp": lambda h: torch.exp(math.log(2) * h),
    "pow": lambda h: torch.pow(2.0, h),
}
EXPM1 = {"expm1": torch.expm1, "exp": lambda h: torch.exp(h) - 1, "reflected": lambda h: -(1 - h.exp())}
RELU = {
    "functional": F.relu,
    "method": lambda h: h.relu(),
    "clamp": lambda h: h.clamp(min=0),
    "clamp_min": lambda h: torch.clamp_min(h, 0),
    "threshold": lambda h: F.threshold(h, 0, 0),
    "where": lambda h: torch.where(h > 0, h, 0.0),
    "mask": lambda h: h * (h > 0),
    "maximum": lambda h: torch.maximum(h, torch.zeros_like(h)),
    "half": lambda h: (h + h.abs()) / 2,
}
PRELU = {
    "functional": _flat(lambda h: F.prelu(h, GAIN)),
    "behind a shift": _flat(lambda h: F.prelu((h + 1) - 1, GAIN)),
    "with positions": _flat(lambda h: F.prelu(h[..., None], GAIN)[..., 0]),
}
RELU6 = {"fused": F.relu6, "clamp": lambda h: h.clamp(0, 6), "hardtanh": lambda h: F.hardtanh(h, 0, 6)}
TANHSHRINK = {"fused": F.tanhshrink, "written": lambda h: h - torch.tanh(h), "reflected": lambda h: -(h.tanh() - h)}


def _halves(h):
    return h[..., :3], h[..., 3:]


def _twice(part):
    return torch.cat((part, part), -1)


GLU = {
    "fused": lambda h: _twice(F.glu(h)),
    "written": lambda h: _twice(_halves(h)[0] * torch.sigmoid(_halves(h)[1])),
    "other order": lambda h: _twice(_halves(h)[1].sigmoid() * _halves(h)[0]),
    "in place": lambda h: _twice(_halves(h)[0].clone().mul_(_halves(h)[1].sigmoid())),
    "tanh": lambda h: _twice(_halves(h)[0] * (1 + torch.tanh(_halves(h)[1] / 2)) / 2),
    "quotient": lambda h: _twice(_halves(h)[0] / (1 + torch.exp(-_halves(h)[1]))),
}
LERP = {
    "fused": lambda h: torch.lerp(h, h.tanh(), h.sigmoid()),
    "written": lambda h: h + h.sigmoid() * (h.tanh() - h),
    "quotient": lambda h: h + (h.tanh() - h) / (1 + torch.exp(-h)),
}
SOFTMAX = {
    "fused": lambda h: h.softmax(-1),
    "functional": lambda h: F.softmax(h, dim=-1),
    "aten": lambda h: ATEN._softmax.default(h, -1, False),
    "written": lambda h: _written_softmax(h),
    "without keepdim": lambda h: (e := h.exp()) / e.sum(-1)[..., None],
    "with the maximum": lambda h: _written_softmax(h - h.max(-1, keepdim=True).values),
    "with a detached maximum": lambda h: _written_softmax(h - h.detach().amax(-1, keepdim=True)),
    "inverse sum": lambda h: (e := h.exp()) * (1 / e.sum(-1, keepdim=True)),
    "reciprocal": lambda h: (e := h.exp()) * e.sum(-1, keepdim=True).reciprocal(),
    "logsumexp": lambda h: torch.exp(h - torch.logsumexp(h, -1, keepdim=True)),
    "exp of log_softmax": lambda h: F.log_softmax(h, -1).exp(),
    "softmin": lambda h: F.softmin(-h, -1),
    "exponentials in another order": lambda h: _written_softmax(h.movedim(-1, 0), 0).movedim(0, -1),
    "viewed exponentials": lambda h: (e := h.exp()[None]).div(e.sum(-1, keepdim=True))[0],
    "moved exponentials": lambda h: (e := h.exp().movedim(-1, 0)).div(e.sum(0)).movedim(0, -1),
    "sum of a view": lambda h: (e := h.exp()) / e.movedim(-1, 0).sum(0)[..., None],
    "expanded sum": lambda h: (e := h.exp()) / e.sum(-1, keepdim=True).expand_as(e),
    "sum by einsum": lambda h: (e := h.exp()) / torch.einsum("...i->...", e)[..., None],
    "multiple of a view": lambda h: (e := h.exp()[None] * 2.0).div(e[0].sum(-1)[None, ..., None])[0],
    "mean": lambda h: (e := h.exp()) / e.mean(-1, keepdim=True) / WIDTH,
    "multiple of the mean": lambda h: (e := h.exp()) / (WIDTH * e.mean(-1, keepdim=True)),
    "log-softmax of a view": lambda h: (h - h[None].logsumexp(-1)[0, ..., None]).exp(),
    "view of a log-softmax": lambda h: F.log_softmax(h, -1)[None].exp()[0],
    "parts of a log-softmax": lambda h: torch.cat([part.exp() for part in F.log_softmax(h, -1).chunk(2, -1)], -1),
    "exponent written to": lambda h: _softmax_of_buffer(h, lambda u: u.zero_()),
    "exponent scaled in place": lambda h: _softmax_of_buffer(h, lambda u: u.mul_(3)),
}


def _written_softmax(h, dim=-1):
    e = torch.exp(h)
    return e / e.sum(dim, keepdim=True)


def _softmax_of_buffer(h, write):
    u = 1.0 * h
    e = u.exp()
    write(u)
    return e / e.sum(-1, keepdim=True)


_CHOSEN = torch.tensor([True, True, False, True, False, False])
_MISSING = torch.zeros(WIDTH, dtype=torch.float64).masked_fill(~_CHOSEN, -math.inf)
MASKED_SOFTMAX = {
    "masked_fill": lambda h: h.masked_fill(~_CHOSEN, -math.inf).softmax(-1),
    "added": lambda h: (h + _MISSING).softmax(-1),
    "product": lambda h: (e := h.exp() * _CHOSEN) / e.sum(-1, keepdim=True),
    "where": lambda h: (e := torch.where(_CHOSEN, h.exp(), 0.0)) / e.sum(-1, keepdim=True),
    "nansum": lambda h: (e := h.exp() * _CHOSEN) / e.nansum(-1, keepdim=True),
    "filled exponentials": lambda h: (e := h.exp().masked_fill(~_CHOSEN, 0.0)) / e.sum(-1, keepdim=True),
}
MASKED_GATE = {
    "masked_fill": lambda h: h.flip(-1) * h.sigmoid().masked_fill(~_CHOSEN, 0.0),
    "by keywords": lambda h: h.flip(-1) * h.sigmoid().masked_fill(mask=~_CHOSEN, value=0.0),
    "where": lambda h: h.flip(-1) * torch.where(_CHOSEN, h.sigmoid(), 0.0),
    "where by keywords": lambda h: (
        h.flip(-1) * torch.where(condition=_CHOSEN, input=h.sigmoid(), other=torch.zeros_like(h))
    ),
    "product": lambda h: h.flip(-1) * (h.sigmoid() * _CHOSEN),
    "masked product": lambda h: (h.flip(-1) * h.sigmoid()).masked_fill(~_CHOSEN, 0.0),
}

_GROUP = torch.tensor([0, 0, 1, 1, 2, 1])


def _group_softmax(add, spread):
    """The softmax of the elements with the same index, as of the edges of each node in a graph."""

    def softmax(h):
        e = h.exp()
        return e / (spread(add(torch.zeros_like(h[..., :3]), e)) + 1e-300)

    return softmax


def _by_items(h):
    u = h.movedim(-1, 0)
    top = torch.full_like(u[:3], -math.inf).scatter_reduce(0, _spread(u, 0), u.detach(), "amax")
    e = (u - top[_GROUP]).exp()
    return (e * (1 / torch.zeros_like(u[:3]).index_add(0, _GROUP, e)[_GROUP])).movedim(0, -1)


def _spread(h, dim):
    return _GROUP.view([-1 if d == dim % h.dim() else 1 for d in range(h.dim())]).expand_as(h)


GROUP_SOFTMAX = {
    "masked": lambda h: (
        h[..., None, :]
        .expand(*h.shape, WIDTH)
        .masked_fill(_GROUP[:, None] != _GROUP, -math.inf)
        .softmax(-1)
        .diagonal(dim1=-2, dim2=-1)
    ),
    "index_add": _group_softmax(lambda t, e: t.index_add(-1, _GROUP, e), lambda t: t.index_select(-1, _GROUP)),
    "in place": _group_softmax(
        lambda t, e: t.scatter_add_(-1, _spread(e, -1), e), lambda t: t.index_select(-1, _GROUP)
    ),
    "scatter_reduce": _group_softmax(
        lambda t, e: t.scatter_reduce(-1, _spread(e, -1), e, "sum"),
        lambda t: t.gather(-1, _GROUP.expand(*t.shape[:-1], WIDTH)),
    ),
    "items": _by_items,
}
LOG_SOFTMAX = {
    "fused": lambda h: F.log_softmax(h, -1),
    "logsumexp": lambda h: h - h.logsumexp(-1, keepdim=True),
    "logarithm of the sum": lambda h: h - h.exp().sum(-1, keepdim=True).log(),
    "with the maximum": lambda h: (s := h - h.amax(-1, keepdim=True)) - s.exp().sum(-1, keepdim=True).log(),
    "logarithm of softmax": lambda h: h.softmax(-1).log(),
    "logarithm of a written softmax": lambda h: _written_softmax(h).log(),
    "logarithm with a bound": lambda h: h.softmax(-1).clamp(min=1e-30).log(),
    "aten": lambda h: ATEN._log_softmax.default(h, -1, False),
}
LOG_SUM_EXP = {
    "fused": lambda h: h.logsumexp(-1, keepdim=True) * GAIN,
    "written": lambda h: h.exp().sum(-1, keepdim=True).log() * GAIN,
    "without keepdim": lambda h: h.exp().sum(-1).log()[..., None] * GAIN,
    "with the maximum": lambda h: _log_sum_exp(h, h.amax(-1, keepdim=True)) * GAIN,
    "with a detached maximum": lambda h: _log_sum_exp(h, h.detach().amax(-1, keepdim=True)) * GAIN,
    "viewed sum": lambda h: h.exp().sum(-1)[..., None].log() * GAIN,
    "sum of a view": lambda h: (2.0 * h.exp()[None]).sum(-1)[0, ..., None].div(2).log() * GAIN,
    "mean": lambda h: (h.exp().mean(-1, keepdim=True) * WIDTH).log() * GAIN,
    "exponentials written to": lambda h: _log_sum_and_divide(h) * GAIN,
}


def _log_sum_and_divide(h):
    e = h.exp()
    total = e.sum(-1, keepdim=True)
    e.div_(total)
    return total.log()


def _log_sum_exp(h, top):
    return top + (h - top).exp().sum(-1, keepdim=True).log()


def _by_statistics(h):
    g = h.reshape(-1, 2, 3)
    centered = g - g.mean(-1, keepdim=True)
    return (centered / (g.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()).reshape(h.shape)


INSTANCE_NORM = {
    "fused": lambda h: F.instance_norm(h.reshape(-1, 2, 3)).reshape(h.shape),
    "written": _by_statistics,
    "aten": lambda h: ATEN._native_batch_norm_legit.no_stats(h.reshape(1, -1, 3), None, None, True, 0.1, 1e-5)[
        0
    ].reshape(h.shape),
}
_TENSOR = _constant(WIDTH, WIDTH, WIDTH)
BILINEAR = {
    "linear": lambda h: F.linear(h, torch.einsum("oij,j->oi", _TENSOR, SHIFT)),
    "bilinear": lambda h: F.bilinear(h, SHIFT.expand(h.shape), _TENSOR),
    "einsum": lambda h: torch.einsum("...i,oij,j->...o", h, _TENSOR, SHIFT),
}
CHAIN = {
    "linear": _flat(lambda h: h @ (W @ W.T)),
    "multi_dot": _flat(lambda h: torch.linalg.multi_dot([h, W, W.T])),
    "einsum": lambda h: torch.einsum("...i,ij,kj->...k", h, W, W),
}

_SEQUENCE, _HEAD = 3, 2
_MASK = torch.tensor([[0.0, -math.inf, -math.inf], [0.0, 0.0, -math.inf], [0.0, 0.0, 0.0]], dtype=torch.float64)


def _tokens(h):
    return h.unflatten(-1, (_SEQUENCE, _HEAD))


def _written_attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(_HEAD)
    return (scores if mask is None else scores + mask).softmax(-1) @ v


def _einsum_attention(q, k, v):
    weights = torch.einsum("...qd,...kd->...qk", q, k).mul(_HEAD**-0.5).softmax(-1)
    return torch.einsum("...qk,...kd->...qd", weights, v)


def _attend(function):
    return lambda h: function(_tokens(h), _tokens(h) * 0.7, _tokens(h) * -1.3).flatten(-2)


ATTENTION = {
    "fused": _attend(F.scaled_dot_product_attention),
    "fused for the CPU": _attend(
        lambda q, k, v: ATEN._scaled_dot_product_flash_attention_for_cpu.default(
            *(t.reshape(-1, 1, _SEQUENCE, _HEAD) for t in (q, k, v))
        )[0].reshape(v.shape)
    ),
    "not fused": _attend(
        lambda q, k, v: ATEN._scaled_dot_product_attention_math.default(
            *(t.reshape(-1, 1, _SEQUENCE, _HEAD) for t in (q, k, v))
        )[0].reshape(v.shape)
    ),
    "written": _attend(_written_attention),
    "scaled queries": _attend(lambda q, k, v: (q * _HEAD**-0.5 @ k.mT).softmax(-1) @ v),
    "einsum": _attend(_einsum_attention),
    "bmm": _flat(_attend(lambda q, k, v: torch.bmm(torch.bmm(q, k.mT).div(math.sqrt(_HEAD)).softmax(-1), v))),
    "baddbmm": _flat(
        _attend(
            lambda q, k, v: torch.bmm(
                torch.baddbmm(q.new_zeros(()).expand(q.shape[0], 3, 3), q, k.mT, beta=0, alpha=_HEAD**-0.5).softmax(-1),
                v,
            )
        )
    ),
}
CAUSAL_ATTENTION = {
    "fused": _attend(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)),
    "float mask": _attend(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, _MASK)),
    "boolean mask": _attend(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=_MASK == 0)),
    "written": _attend(lambda q, k, v: _written_attention(q, k, v, _MASK)),
    "masked_fill": _attend(
        lambda q, k, v: (q @ k.mT / math.sqrt(_HEAD)).masked_fill(_MASK < 0, -math.inf).softmax(-1) @ v
    ),
    "where": _attend(lambda q, k, v: torch.where(_MASK < 0, -math.inf, q @ k.mT / math.sqrt(_HEAD)).softmax(-1) @ v),
}


def _own_mask(q):
    return torch.tanh(q.sum(-1, keepdim=True).mT)


MASKED_BY_ITSELF = {
    "fused": _attend(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, _own_mask(q).expand(*q.shape[:-1], 3))),
    "written": _attend(lambda q, k, v: _written_attention(q, k, v, _own_mask(q))),
}


def _gate(h):
    return h.mean(-1, keepdim=True)


SQUEEZE = {
    "sigmoid": lambda h: h * torch.sigmoid(_gate(h)),
    "other order": lambda h: _gate(h).sigmoid().expand_as(h) * h,
    "quotient": lambda h: h / (1 + torch.exp(-_gate(h))),
    "tanh": lambda h: h * (0.5 * (1 + torch.tanh(_gate(h) / 2))),
    "einsum": lambda h: torch.einsum("...i,...->...i", h, _gate(h).sigmoid().squeeze(-1)),
}
ONES = torch.ones(WIDTH, dtype=torch.float64)
_EACH = torch.arange(WIDTH)


def _shifted(move):
    """A gate with the offset 1 that passes a function which moves its elements; `move` takes and returns (n, 6)."""
    return _flat(lambda h: move(1 + h.tanh()) * h.flip(-1))


SHIFTED_GATE = {
    "direct": lambda h: (1 + h.tanh()) * h.flip(-1),
    "joined": lambda h: torch.cat([1 + part.tanh() for part in h.split(3, -1)], -1) * h.flip(-1),
    "stacked": lambda h: torch.stack([1 + part.tanh() for part in h.unbind(-1)], -1) * h.flip(-1),
    "selected": lambda h: (1 + h.tanh())[..., _EACH] * h.flip(-1),
    "hstack": _shifted(lambda g: torch.hstack(g.split(3, -1))),
    "vstack": _shifted(lambda g: torch.vstack(g.mT.split(3)).mT),
    "dstack": _shifted(lambda g: torch.dstack(g.unbind(-1))[0]),
    "column_stack": _shifted(lambda g: torch.column_stack(g.unbind(-1))),
    "split_with_sizes": _shifted(lambda g: torch.cat(g.split_with_sizes([2, 4], -1), -1)),
    "tensor_split": _shifted(lambda g: torch.cat(g.tensor_split([1, 3], -1), -1)),
    "hsplit": _shifted(lambda g: torch.cat(g.hsplit([1, 3]), -1)),
    "vsplit": _shifted(lambda g: torch.cat(g.vsplit([1]))),
    "unsafe_chunk": _shifted(lambda g: torch.cat(torch.unsafe_chunk(g, 2, -1), -1)),
    "gather": _shifted(lambda g: g.gather(-1, _EACH.expand(g.shape))),
    "take_along_dim": _shifted(lambda g: g.take_along_dim(_EACH.expand(g.shape), -1)),
    "take": _shifted(lambda g: g.take(torch.arange(g.numel()).view(g.shape))),
    "masked_select": _shifted(lambda g: g.masked_select(g > -9).view(g.shape)),
    "unfold": _shifted(lambda g: g.unfold(-1, 2, 2).flatten(-2)),
    "adjoint": _shifted(lambda g: g.adjoint().mH),
    "broadcast_tensors": _shifted(lambda g: torch.broadcast_tensors(g, torch.zeros(WIDTH))[0]),
    "fliplr": _shifted(lambda g: g.fliplr().fliplr()),
    "rot90": _shifted(lambda g: g.rot90().rot90(-1)),
    "channel_shuffle": _shifted(lambda g: F.channel_shuffle(F.channel_shuffle(g[..., None, None], 2), 3)[..., 0, 0]),
    "reflected": _shifted(lambda g: F.pad(g, (2, 1), mode="reflect")[..., 2:-1]),
    "circular": _shifted(lambda g: F.pad(g[None], (2, 1), mode="circular")[0, :, 2:-1]),
    "padded": _shifted(lambda g: F.pad(g, (2, 1))[..., 2:-1]),
}
_LOWER = torch.ones(WIDTH, WIDTH, dtype=torch.float64).tril()
SHIFTED_TRIANGLE = {
    "product": lambda h: ((1 + _square(h).tanh()) * _LOWER * _square(h).mT).sum(-1),
    "tril": lambda h: ((1 + _square(h).tanh()).tril() * _square(h).mT).sum(-1),
    "triu": lambda h: ((1 + _square(h).tanh()).mT.triu().mT * _square(h).mT).sum(-1),
    "where": lambda h: (torch.where(_LOWER > 0, 1 + _square(h).tanh(), 0.0) * _square(h).mT).sum(-1),
}
SHIFTED_DIAGONAL = {
    "product": lambda h: (((1 + h.tanh())[..., None] * torch.eye(WIDTH)) * _square(h).mT).sum(-1),
    "diag_embed": lambda h: ((1 + h.tanh()).diag_embed() * _square(h).mT).sum(-1),
}
SHIFTED_POOL = {
    "parts": lambda h: F.pad(_pairs(1 + h.tanh()).mean(-1), (0, 3)) * h,
    "avg_pool": _flat(lambda h: F.pad(F.avg_pool1d((1 + h.tanh())[:, None], 2)[:, 0], (0, 3)) * h),
    "avg_pool2d": _flat(lambda h: F.pad(F.avg_pool2d((1 + h.tanh())[:, None, None], (1, 2))[:, 0, 0], (0, 3)) * h),
    "adaptive": _flat(lambda h: F.pad(F.adaptive_avg_pool1d((1 + h.tanh())[:, None], 3)[:, 0], (0, 3)) * h),
    "adaptive, 3d": _flat(
        lambda h: F.pad(F.adaptive_avg_pool3d((1 + h.tanh())[:, None, None, None], (1, 1, 3))[:, 0, 0, 0], (0, 3)) * h
    ),
    "sum": lambda h: F.pad(_pairs(1 + h.tanh()).sum(-1) / 2, (0, 3)) * h,
    "nansum": lambda h: F.pad(_pairs(1 + h.tanh()).nansum(-1) / 2, (0, 3)) * h,
    "nanmean": lambda h: F.pad(_pairs(1 + h.tanh()).nanmean(-1), (0, 3)) * h,
}
SHIFTED_EDGE = {
    "padding": _flat(lambda h: F.avg_pool1d(F.pad((1 + h.tanh())[:, None], (1, 1)), 3, 1)[:, 0] * h),
    "of the pool": _flat(lambda h: F.avg_pool1d((1 + h.tanh())[:, None], 3, 1, 1)[:, 0] * h),
    "by zeros": lambda h: sum(F.pad(1 + h.tanh(), (1, 1))[..., n : n + WIDTH] / 3 for n in range(3)) * h,
}
SHIFTED_SIZE = {
    "repeat_interleave": lambda h: (1 + h.tanh()).repeat_interleave(2, -1)[..., :WIDTH] * h,
    "nearest": _flat(lambda h: F.interpolate((1 + h.tanh())[:, None], scale_factor=2)[:, 0, :WIDTH] * h),
    "nearest, exact": _flat(
        lambda h: F.interpolate((1 + h.tanh())[:, None], scale_factor=2, mode="nearest-exact")[:, 0, :WIDTH] * h
    ),
    "expanded": lambda h: (1 + h.tanh())[..., None].expand(*h.shape, 2).flatten(-2)[..., :WIDTH] * h,
}
SHIFTED_AVERAGE = {
    "linear": _flat(
        lambda h: F.interpolate((1 + h.tanh())[:, None], scale_factor=0.5, mode="linear")[:, 0].repeat(1, 2) * h
    ),
    "means": lambda h: _pairs(1 + h.tanh()).mean(-1).repeat(*(1,) * (h.dim() - 1), 2) * h,
}
JOINED = {
    "cat": _flat(lambda h: torch.cat(h.split(3, -1), -1)),
    "hstack": _flat(lambda h: torch.hstack(h.split(3, -1))),
    "vstack": _flat(lambda h: torch.vstack(h.mT.split(3)).mT),
    "dstack": _flat(lambda h: torch.dstack(h.unbind(-1))[0]),
    "column_stack": _flat(lambda h: torch.column_stack(h.unbind(-1))),
    "circular": _flat(lambda h: F.pad(h[None], (2, 1), mode="circular")[0, :, 2:-1]),
}
MOVED = {
    "view": lambda h: h.view(h.shape),
    "split_with_sizes": lambda h: h.split_with_sizes([WIDTH], -1)[0],
    "tensor_split": lambda h: h.tensor_split(1, -1)[0],
    "hsplit": _flat(lambda h: h.hsplit(1)[0]),
    "vsplit": _flat(lambda h: h.vsplit(1)[0]),
    "unsafe_split": lambda h: torch.unsafe_split(h, WIDTH, -1)[0],
    "gather": lambda h: h.gather(-1, _EACH.expand(h.shape)),
    "take_along_dim": lambda h: h.take_along_dim(_EACH.expand(h.shape), -1),
    "take": lambda h: h.take(torch.arange(h.numel()).view(h.shape)),
    "masked_select": lambda h: h.masked_select(h == h).view(h.shape),
    "unfold": lambda h: h.unfold(-1, 2, 2).flatten(-2),
    "adjoint": _flat(lambda h: h.adjoint().mH),
    "broadcast_tensors": lambda h: torch.broadcast_tensors(h, torch.zeros(WIDTH))[0],
    "fliplr": _flat(lambda h: h.fliplr().fliplr()),
    "rot90": _flat(lambda h: h.rot90().rot90(-1)),
    "diagonal": lambda h: h[..., None].expand(*h.shape, WIDTH).diagonal(dim1=-2, dim2=-1),
    "alias": ATEN.alias.default,
    "einsum": lambda h: torch.einsum("...i->...i", h),
    "transposed by einsum": _flat(lambda h: torch.einsum("ij->ji", torch.einsum("ij->ji", h))),
    "diagonal by einsum": lambda h: torch.einsum("...ii->...i", h[..., None].expand(*h.shape, WIDTH)),
    "channel_shuffle": _flat(lambda h: F.channel_shuffle(F.channel_shuffle(h[..., None, None], 2), 3)[..., 0, 0]),
}
SHIFTED_NORM = {
    "norm": lambda h: (1 + h.tanh()).norm(dim=-1, keepdim=True) * h,
    "vector norm": lambda h: torch.linalg.vector_norm(1 + h.tanh(), dim=-1, keepdim=True) * h,
    "in pairs": lambda h: _pairs(1 + h.tanh()).norm(dim=-1).norm(dim=-1, keepdim=True) * h,
}
SHIFTED_SUMS = {
    "cumsum": lambda h: (1 + h.tanh()).cumsum(-1) * h,
    "written": lambda h: torch.stack([(1 + h.tanh())[..., : n + 1].sum(-1) for n in range(WIDTH)], -1) * h,
}


def _square(h):
    return h[..., None].expand(*h.shape, WIDTH)


def _pairs(h):
    return h.unflatten(-1, (3, 2))


DOT = {
    "einsum": lambda h: torch.einsum("...i,...i->...", h.tanh(), h.sigmoid())[..., None] * GAIN,
    "vecdot": lambda h: torch.linalg.vecdot(h.tanh(), h.sigmoid())[..., None] * GAIN,
    "other dimension": lambda h: torch.linalg.vecdot(h.tanh()[..., None], h.sigmoid()[..., None], dim=-2) * GAIN,
    "matmul": lambda h: (h.tanh()[..., None, :] @ h.sigmoid()[..., None])[..., 0] * GAIN,
}
COSINE = {
    "fused": lambda h: F.cosine_similarity(h[..., None], _with_flipped(h), dim=-2).sum(-1, keepdim=True) * ONES,
    "written": lambda h: _cosine(h[..., None], _with_flipped(h)).sum(-1, keepdim=True) * ONES,
}


def _with_flipped(h):
    return torch.stack((h, h.flip(-1)), -1)


def _cosine(a, b):
    return (a / a.norm(dim=-2, keepdim=True) * (b / b.norm(dim=-2, keepdim=True))).sum(-2)


DISTANCE = {
    "cdist": _flat(lambda h: torch.cdist(h, W)),
    "norm": _flat(lambda h: (h[:, None] - W).norm(dim=-1)),
    "square root": _flat(lambda h: (h[:, None] - W).pow(2).sum(-1).sqrt()),
}
STATISTICS = {
    "std": lambda h: h * 0 + h.std(-1, correction=0, keepdim=True),
    "var": lambda h: h * 0 + h.var(-1, correction=0, keepdim=True).sqrt(),
    "written": lambda h: h * 0 + (h - h.mean(-1, keepdim=True)).square().mean(-1, keepdim=True).sqrt(),
    "std_mean": lambda h: h * 0 + torch.std_mean(h, -1, correction=0, keepdim=True)[0],
}
ADDED_PRODUCT = {
    "addcmul": lambda h: torch.addcmul(h, h.tanh(), h.sigmoid(), value=0.5),
    "written": lambda h: h + 0.5 * (h.tanh() * h.sigmoid()),
    "keywords": lambda h: torch.addcmul(input=h, tensor1=h.tanh(), tensor2=h.sigmoid(), value=0.5),
    "addcdiv": lambda h: torch.addcdiv(h, h.tanh(), 1 + torch.exp(-h), value=0.5),
}

FAMILIES = {
    "linear": LINEAR,
    "linear with a broadcast batch": BROADCAST_LINEAR,
    "linear map of each head": HEADS,
    "batch norm": BATCH_NORM,
    "layer norm": LAYER_NORM,
    "rms norm": RMS_NORM,
    "group norm": GROUP_NORM,
    "unit length": UNIT,
    "shares of the positive sum": POSITIVE_SHARES,
    "gelu": GELU,
    "gelu by tanh": GELU_TANH,
    "silu": SILU,
    "mish": MISH,
    "hardswish": HARDSWISH,
    "hardsigmoid": HARDSIGMOID,
    "tanh": TANH,
    "sigmoid": SIGMOID,
    "elu": ELU,
    "softplus": SOFTPLUS,
    "square": SQUARE,
    "softsign": SOFTSIGN,
    "quotient with a guard": GUARDED,
    "power of two": POWER_OF_TWO,
    "expm1": EXPM1,
    "relu": RELU,
    "relu6": RELU6,
    "prelu": PRELU,
    "tanhshrink": TANHSHRINK,
    "glu": GLU,
    "lerp": LERP,
    "softmax": SOFTMAX,
    "masked softmax": MASKED_SOFTMAX,
    "masked gate": MASKED_GATE,
    "softmax of groups": GROUP_SOFTMAX,
    "log softmax": LOG_SOFTMAX,
    "log-sum-exp": LOG_SUM_EXP,
    "instance norm": INSTANCE_NORM,
    "bilinear map": BILINEAR,
    "chain of maps": CHAIN,
    "attention": ATTENTION,
    "causal attention": CAUSAL_ATTENTION,
    "attention with its own mask": MASKED_BY_ITSELF,
    "squeeze gate": SQUEEZE,
    "joined elements": JOINED,
    "moved elements": MOVED,
    "shifted gate": SHIFTED_GATE,
    "shifted triangle": SHIFTED_TRIANGLE,
    "shifted diagonal": SHIFTED_DIAGONAL,
    "shifted pool": SHIFTED_POOL,
    "shifted pool with padding": SHIFTED_EDGE,
    "shifted and repeated": SHIFTED_SIZE,
    "shifted averages": SHIFTED_AVERAGE,
    "norm of a shifted tensor": SHIFTED_NORM,
    "shifted sums": SHIFTED_SUMS,
    "dot product": DOT,
    "cosine": COSINE,
    "distance": DISTANCE,
    "statistics": STATISTICS,
    "added product": ADDED_PRODUCT,
}
