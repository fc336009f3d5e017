"""Values of pointwise functions, reductions, scans, sorting, softmax and losses, computed by PyTorch 2.13 on a CPU.

    python numerics.py > numerics.json
"""
import json
import math
import re
import warnings

import numpy as np
import torch
import torch.nn.functional as F

warnings.filterwarnings('ignore')
torch.manual_seed(7)
inf, nan = math.inf, math.nan
cases = []
errors = []


def number(v):
    if isinstance(v, bool) or isinstance(v, int):
        return v
    return v if math.isfinite(v) else {'float': repr(v)}


def encode(x, wide=True):
    dtype = str(x.dtype).split('.')[1]
    if dtype == 'int64' and not wide:
        dtype = 'int32'
    data = (x.double() if x.dtype == torch.float64 else x.float().numpy() if x.is_floating_point() else x.int() if x.dtype == torch.bool else x).flatten().tolist()
    if x.is_floating_point() and x.dtype != torch.float64:
        # the shortest digits that give the same float32
        data = [float(str(np.float32(v))) for v in data]
    return {'shape': list(x.shape), 'dtype': dtype, 'data': [number(v) for v in data]}


def argument(v):
    if isinstance(v, torch.Tensor):
        return encode(v)
    return number(v) if isinstance(v, float) else v


def snake(name):
    return re.sub('([A-Z])', lambda m: '_' + m[1].lower(), name)


dtype_of = {'dtype': lambda v: getattr(torch, v)}


def run(js, f, args, options):
    kw = {snake(k): dtype_of[k](v) if k in dtype_of else v for k, v in options.items()}
    return f(*args, **kw)


def case(js, f, *args, **options):
    out = run(js, f, args, options)
    out = list(out) if isinstance(out, (tuple, list)) else [out]
    wide = any(isinstance(a, torch.Tensor) and a.dtype == torch.int64 for a in args) or options.get('dtype') == 'int64'
    cases.append({'name': js, 'args': [argument(a) for a in args], 'options': {k: argument(v) for k, v in options.items()}, 'want': [encode(o, wide and i == 0 and not js.startswith(('arg', 'count'))) for i, o in enumerate(out)]})


def error(js, f, *args, **options):
    try:
        run(js, f, args, options)
    except Exception as e:
        errors.append({'name': js, 'args': [argument(a) for a in args], 'options': {k: argument(v) for k, v in options.items()}, 'error': str(e).split('\n')[0]})
        return
    raise SystemExit(f'{js} raised nothing')


def r(*shape, dtype=torch.float32):
    return (torch.randn(shape, dtype=torch.float64) * 2).to(dtype)


special = torch.tensor([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, 3.5, -2.5, 1e-8, -1e-8, 30.0, -30.0, 100.0, -100.0, 1e30, -1e30, inf, -inf, nan])
odd = r(3, 5, 7)
ints = torch.tensor([[3, -4, 0], [7, -1, 2]], dtype=torch.int32)
bools = torch.tensor([True, False, True])
empty = torch.zeros(0, 3)
scalar = torch.tensor(1.25)

# pointwise, one operand
unary = 'neg abs sign exp expm1 exp2 log log1p log2 log10 sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid erf erfc floor ceil round trunc frac isnan isinf isfinite signbit deg2rad rad2deg sinc logicalNot relu positive isposinf isneginf'
for name in unary.split():
    f = getattr(torch, snake(name))
    for x in [special, r(3, 5), scalar, empty]:
        case(name, f, x)
for name in 'exp log sqrt sin tanh sigmoid logicalNot deg2rad sinc'.split():
    case(name, getattr(torch, snake(name)), ints)
    case(name, getattr(torch, snake(name)), bools)
for name in 'neg abs sign square floor ceil trunc relu isnan isinf isfinite signbit bitwiseNot'.split():
    case(name, getattr(torch, snake(name)), ints)
case('sign', torch.sign, bools)
case('bitwiseNot', torch.bitwise_not, bools)
for d in [0, 1, 2, -1]:
    case('round', torch.round, r(6) * 30, decimals=d)
case('nanToNum', torch.nan_to_num, special)
case('nanToNum', torch.nan_to_num, special, nan=1.5, posinf=2.0, neginf=-3.0)
case('nanToNum', torch.nan_to_num, special.half())
case('logit', torch.logit, torch.tensor([0.0, 0.2, 0.5, 1.0, 1.5, -1.0, nan]))
case('logit', torch.logit, torch.tensor([0.0, 0.2, 0.5, 1.0, 1.5, -1.0, nan]), eps=0.1)

# activations
for name in 'silu relu6 softsign tanhshrink mish selu logsigmoid hardsigmoid hardswish'.split():
    f = getattr(F, snake(name))
    case(name, f, r(3, 5))
    case(name, f, torch.tensor([0.0, 3.0, -3.0, 6.0, 20.0, -20.0, 100.0, nan]))
for approximate in ['none', 'tanh']:
    case('gelu', F.gelu, r(3, 5), approximate=approximate)
    case('gelu', F.gelu, torch.tensor([0.0, 20.0, -20.0, 6.0, nan], dtype=torch.float64), approximate=approximate)
kinks = torch.tensor([0.0, 0.5, -0.5, 1.0, -1.0, 25.0, -25.0, nan])
for options in [{}, {'beta': 2.0}, {'beta': 0.5, 'threshold': 1.0}]:
    case('softplus', F.softplus, kinks, **options)
case('leakyRelu', F.leaky_relu, kinks, negativeSlope=0.1)
case('elu', F.elu, kinks, alpha=1.5)
case('celu', F.celu, kinks, alpha=1.5)
case('hardtanh', F.hardtanh, kinks)
case('hardtanh', F.hardtanh, kinks, minVal=-0.3, maxVal=0.7)
case('hardshrink', F.hardshrink, kinks[:-1], lambd=0.5)
case('softshrink', F.softshrink, kinks[:-1], lambd=0.5)
case('threshold', F.threshold, kinks[:-1], threshold=0.1, value=20.0)
case('glu', F.glu, r(3, 4, 2), dim=1)
case('prelu', F.prelu, r(2, 3, 2), torch.tensor([0.1, 0.2, 0.3]))

# pointwise, two operands
a, b = torch.meshgrid(torch.tensor([0.0, -0.0, 1.0, -1.0, 2.5, -5.5, inf, -inf, nan]), torch.tensor([0.0, -0.0, 2.0, -2.0, 0.5, 3.0, inf, -inf, nan]), indexing='ij')
binary = 'add sub mul div pow maximum minimum fmax fmin atan2 fmod remainder floorDivide hypot copysign xlogy logaddexp logaddexp2 heaviside eq ne lt le gt ge logicalAnd logicalOr logicalXor clampMin clampMax'
for name in binary.split():
    f = {'clampMin': torch.clamp_min, 'clampMax': torch.clamp_max}.get(name) or getattr(torch, snake(name))
    case(name, f, a, b)
    case(name, f, r(2, 1, 3), r(4, 1))
    case(name, f, r(3), r())
    case(name, f, empty, r(3))
signed = torch.tensor([7, -7, 7, -7, 6, 0], dtype=torch.int32), torch.tensor([3, 3, -3, -3, 2, 5], dtype=torch.int32)
for name in 'add sub mul div maximum minimum fmod remainder floorDivide eq lt bitwiseAnd bitwiseOr bitwiseXor clampMin hypot'.split():
    f = {'clampMin': torch.clamp_min}.get(name) or getattr(torch, snake(name))
    if name != 'hypot':
        case(name, f, *signed)
case('bitwiseLeftShift', torch.bitwise_left_shift, torch.tensor([1, 5, -3], dtype=torch.int32), torch.tensor([3, 1, 2], dtype=torch.int32))
case('bitwiseRightShift', torch.bitwise_right_shift, torch.tensor([100, 5, -30], dtype=torch.int32), torch.tensor([3, 1, 2], dtype=torch.int32))
case('pow', torch.pow, torch.tensor([2, -3, 1, -1, 0], dtype=torch.int32), torch.tensor([5, 3, 0, 7, 0], dtype=torch.int32))
for p in [0, 1, 2, 3, 0.5, -0.5, -1, -2, 2.7]:
    case('pow', torch.pow, special, p)
case('pow', torch.pow, ints, 3)
case('pow', torch.pow, torch.tensor([4, 9], dtype=torch.int32), 0.5)
case('pow', torch.pow, 2, r(4))
case('div', torch.div, *signed, roundingMode='floor')
case('div', torch.div, *signed, roundingMode='trunc')
case('div', torch.div, a, b, roundingMode='floor')
case('div', torch.div, a, b, roundingMode='trunc')
case('add', torch.add, r(3), r(3), alpha=2.5)
case('sub', torch.sub, r(3), r(3), alpha=2.5)
case('rsub', torch.rsub, r(3), r(3), alpha=2.5)
case('add', torch.add, torch.ones(3, dtype=torch.int32), 1.5)
case('add', torch.add, r(3, dtype=torch.float16), r(3))
case('ldexp', torch.ldexp, r(3), torch.tensor([1, 2, -3], dtype=torch.int32))
case('floatPower', torch.float_power, r(3).abs(), 1.5)
case('isclose', torch.isclose, torch.tensor([1.0, inf, nan, 1.1]), torch.tensor([1.0000001, inf, nan, 1.0]))
case('isclose', torch.isclose, torch.tensor([1.0, inf, nan, 1.1]), torch.tensor([1.0000001, inf, nan, 1.0]), rtol=0.2, equalNan=True)
case('clamp', torch.clamp, special, min=-1.0, max=2.0)
case('clamp', torch.clamp, special, min=2.0, max=-1.0)
case('clamp', torch.clamp, special, max=nan)
case('clamp', torch.clamp, ints, min=0.5)
case('clamp', torch.clamp, r(2, 3), min=r(3), max=r(2, 1))
case('lerp', torch.lerp, r(2, 3), r(3), 0.3)
case('lerp', torch.lerp, r(2, 3), r(3), r(2, 1))
case('addcmul', torch.addcmul, r(2, 3), r(3), r(2, 1), value=0.5)
case('addcdiv', torch.addcdiv, r(2, 3), r(3), r(2, 1), value=0.5)
case('where', torch.where, torch.tensor([True, False, True]), r(2, 3), r(3))
case('where', torch.where, torch.tensor([True, False]), torch.ones(2, dtype=torch.int32), r(2))

# reductions
some = torch.tensor([[1.0, nan, 3.0], [inf, 2.0, -inf]])
for name in 'sum mean prod amax amin nansum nanmean logsumexp'.split():
    f = getattr(torch, name)
    everything = [0, 1, 2]
    for x in [odd, r(4, 1, 3, dtype=torch.float64), r(2, 3, 2, dtype=torch.bfloat16)]:
        for options in [{}, {'dim': 1}, {'dim': -1, 'keepdim': True}, {'dim': [0, 2]}, {'dim': [-1, 0], 'keepdim': True}]:
            if name == 'prod' and isinstance(options.get('dim'), list) or name == 'logsumexp' and not options:
                continue
            case(name, f, x, **options)
    case(name, f, some, dim=1)
    case(name, f, scalar, dim=0)
    if name not in ('amax', 'amin'):
        case(name, f, empty, dim=0)
        case(name, f, empty, dim=1)
for name in 'sum prod nansum'.split():
    f = getattr(torch, name)
    case(name, f, ints)
    case(name, f, bools)
    case(name, f, ints.long(), dim=1)
    case(name, f, ints, dtype='float32')
    case(name, f, ints.to(torch.uint8), dim=0)
case('mean', torch.mean, ints, dtype='float64')
for name in 'any all countNonzero'.split():
    f = getattr(torch, snake(name))
    for x in [torch.tensor([[0.0, nan, 3.0], [0.0, 0.0, 0.0]]), ints, bools, empty, torch.tensor([[0, 3], [1, 2]], dtype=torch.uint8)]:
        case(name, f, x)
        case(name, f, x, dim=0)
for name in 'max min argmax argmin'.split():
    f = getattr(torch, name)
    for x in [odd, torch.tensor([[1.0, 3.0, 3.0], [2.0, nan, 5.0], [nan, nan, 1.0]]), ints, ints.long(), r(3, 4, dtype=torch.float16)]:
        case(name, f, x)
        case(name, f, x, dim=0)
        case(name, f, x, dim=-1, keepdim=True)
    case(name, f, scalar)
    case(name, f, scalar, dim=0)
case('max', torch.max, bools)
case('max', torch.max, bools, dim=0)
case('max', torch.max, r(2, 3), r(3))
case('min', torch.min, r(2, 3), r(3))
case('aminmax', torch.aminmax, odd)
case('aminmax', torch.aminmax, odd, dim=1, keepdim=True)
for name in 'var std varMean stdMean'.split():
    f = getattr(torch, snake(name))
    for options in [{}, {'dim': 1}, {'dim': [0, 2], 'keepdim': True}, {'dim': 0, 'correction': 0}, {'dim': -1, 'correction': 2}, {'dim': 1, 'unbiased': False}]:
        case(name, f, odd, **options)
    case(name, f, torch.ones(1))
    case(name, f, empty)
    case(name, f, r(3, 4) + 1e4, dim=1)
    case(name, f, r(5, dtype=torch.float16))
for p in [0, 1, 2, 3, 0.5, 1.5, -1, inf, -inf, 'fro']:
    for x in [odd, torch.zeros(3), torch.tensor([0.0, -3.0, 4.0]), torch.tensor([1.0, nan])]:
        if p == 'fro' and x.dim() == 3:
            continue
        case('norm', torch.norm, x, p)
    if p != 'fro':
        case('norm', torch.norm, odd, p, dim=1)
        case('norm', torch.norm, odd, p, dim=[0, 2], keepdim=True)
case('dist', torch.dist, r(2, 3), r(3), 1)

# scans and sorting
holes = torch.tensor([[2.0, 0.0, 3.0, 4.0], [1.0, nan, 2.0, 5.0], [1.0, 1.0, 0.5, 1.0]])
for name in 'cumsum cumprod logcumsumexp cummax cummin'.split():
    f = getattr(torch, name)
    for x in [odd, holes, r(2, 0, 3), r(3, 4, dtype=torch.float64)]:
        for d in range(-1, x.dim() - 1):
            case(name, f, x, d)
    case(name, f, scalar, 0)
for name in 'cumsum cumprod'.split():
    case(name, getattr(torch, name), ints, 1)
    case(name, getattr(torch, name), bools, 0)
    case(name, getattr(torch, name), ints, 1, dtype='float64')
case('cummax', torch.cummax, ints, 1)
case('logcumsumexp', torch.logcumsumexp, torch.tensor([-1000.0, 0.0, 1000.0, -inf, inf]), 0)
case('logcumsumexp', torch.logcumsumexp, torch.tensor([-inf, -inf, 1.0]), 0)
ties = torch.tensor([[3.0, 1.0, 3.0, nan, 1.0], [2.0, 2.0, 2.0, 2.0, -inf]])
for x in [odd, ties, ints, r(2, 0)]:
    for descending in [False, True]:
        case('sort', torch.sort, x, stable=True, descending=descending)
        case('sort', torch.sort, x, dim=0, stable=True, descending=descending)
        case('argsort', torch.argsort, x, dim=0, stable=True, descending=descending)
case('sort', torch.sort, bools, stable=True)
case('sort', torch.sort, scalar)
case('msort', torch.msort, odd)
for options in [{'k': 2}, {'k': 3, 'dim': 0}, {'k': 2, 'dim': 1, 'largest': False}, {'k': 0}]:
    case('topk', torch.topk, odd, **options)
case('topk', torch.topk, torch.tensor([[3.0, 1.0, 2.5, nan, 0.0]]), 2)
case('topk', torch.topk, torch.tensor([[3.0, 1.0, 2.5, nan, 0.0]]), 2, largest=False)
gaps = torch.tensor([[nan, 4.0, 1.0, 3.0], [nan, nan, nan, nan], [5.0, 2.0, 8.0, 1.0]])
for name in 'median nanmedian'.split():
    f = getattr(torch, name)
    for x in [odd, r(4, 6), gaps]:
        case(name, f, x)
    for x in [odd, r(4, 6), gaps[2:]]:
        case(name, f, x, dim=0)
        case(name, f, x, dim=-1, keepdim=True)
    case(name, f, scalar)
    case(name, f, empty)
    case(name, f, torch.tensor([3, 1, 2, 7], dtype=torch.int32))
case('median', torch.median, gaps[0], dim=0)
case('nanmedian', torch.nanmedian, gaps[0], dim=0)
case('kthvalue', torch.kthvalue, odd, 2)
case('kthvalue', torch.kthvalue, odd, 3, dim=0, keepdim=True)
case('mode', torch.mode, torch.tensor([[1, 2, 2, 1, 3], [5, 4, 4, 5, 5]], dtype=torch.int32))
case('mode', torch.mode, torch.tensor([[1.0, 2.0], [3.0, 2.0], [1.0, 4.0]]), dim=0, keepdim=True)

# the softmax family
logits = torch.tensor([[1000.0, -1000.0, 0.0], [inf, 1.0, 2.0], [-inf, 1.0, 2.0], [-inf, -inf, -inf], [nan, 1.0, 2.0], [1e4, 1e4, 1e4]])
for name, f in [('softmax', torch.softmax), ('logSoftmax', torch.log_softmax), ('softmin', F.softmin)]:
    for x in [odd, logits, r(4, 3, dtype=torch.float64), r(2, 3, dtype=torch.float16), empty]:
        for d in [-1, 0]:
            case(name, f, x, dim=d)
    case(name, f, scalar, dim=0)
    case(name, f, ints, dim=1, dtype='float64')
case('logsumexp', torch.logsumexp, logits, dim=1)
case('logsumexp', torch.logsumexp, logits, dim=[0, 1], keepdim=True)

# losses
for reduction in ['none', 'mean', 'sum']:
    for name in 'mseLoss l1Loss smoothL1Loss huberLoss'.split():
        f = getattr(F, {'l1Loss': 'l1_loss', 'smoothL1Loss': 'smooth_l1_loss'}.get(name) or snake(name))
        x, t = r(3, 4), r(3, 4)
        case(name, f, x, t, reduction=reduction)
        case(name, f, torch.tensor([1000.0, -1000.0, 1.0]), torch.tensor([0.0, 0.0, 0.0]), reduction=reduction)
        if name != 'smoothL1Loss':
            case(name, f, x, t, weight=torch.rand(3, 4), reduction=reduction)
    case('smoothL1Loss', F.smooth_l1_loss, r(3, 4), r(3, 4), beta=0.3, reduction=reduction)
    case('smoothL1Loss', F.smooth_l1_loss, r(3, 4), r(3, 4), beta=0.0, reduction=reduction)
    case('huberLoss', F.huber_loss, r(3, 4), r(3, 4), delta=0.3, reduction=reduction)
    p, t = torch.rand(3, 4), torch.rand(3, 4)
    case('binaryCrossEntropy', F.binary_cross_entropy, p, t, reduction=reduction)
    case('binaryCrossEntropy', F.binary_cross_entropy, torch.tensor([0.0, 1.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 0.0, 1.0]), weight=torch.tensor([1.0, 2.0, 3.0, 4.0]), reduction=reduction)
    x = torch.tensor([[1000.0, -1000.0, 0.5, nan], [-3.0, 3.0, 0.0, 20.0]])
    t = torch.tensor([[1.0, 1.0, 0.3, 0.5], [0.0, 1.0, 0.5, 0.0]])
    case('binaryCrossEntropyWithLogits', F.binary_cross_entropy_with_logits, x, t, reduction=reduction)
    case('binaryCrossEntropyWithLogits', F.binary_cross_entropy_with_logits, x, t, weight=torch.rand(4), posWeight=torch.tensor([0.5, 1.0, 2.0, 3.0]), reduction=reduction)
    for target in [False, True]:
        t = torch.tensor([[0.2, 0.0, 0.8], [0.5, 0.25, 0.25]])
        case('klDiv', F.kl_div, r(2, 3), (t + 0.1).log() if target else t, logTarget=target, reduction=reduction)
    for x, t in [(r(5, 3), torch.tensor([0, 2, 1, -100, 2])), (r(2, 3, 4), torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1]])), (r(2, 3, 2, 2), torch.tensor([[[0, 1], [2, 1]], [[2, 2], [0, 1]]])), (r(3), torch.tensor(1)), (logits[:1], torch.tensor([1]))]:
        for options in [{}, {'weight': torch.tensor([0.2, 1.0, 3.0])}, {'labelSmoothing': 0.1}, {'labelSmoothing': 0.3, 'weight': torch.tensor([0.2, 1.0, 3.0])}, {'ignoreIndex': 1}]:
            if 'ignoreIndex' in options and (t == -100).any():
                continue
            case('crossEntropy', F.cross_entropy, x, t, reduction=reduction, **options)
            if 'labelSmoothing' not in options:
                case('nllLoss', F.nll_loss, torch.log_softmax(x, 0 if x.dim() == 1 else 1), t, reduction=reduction, **options)
    for x in [r(4, 3), r(2, 3, 4), r(3)]:
        t = torch.softmax(torch.randn(x.shape), 0 if x.dim() == 1 else 1)
        for options in [{}, {'weight': torch.tensor([0.2, 1.0, 3.0])}, {'labelSmoothing': 0.1}]:
            case('crossEntropy', F.cross_entropy, x, t, reduction=reduction, **options)
case('klDiv', F.kl_div, r(2, 3), torch.rand(2, 3), reduction='batchmean')
case('crossEntropy', F.cross_entropy, r(2, 3), torch.tensor([-100, -100]))

# errors
for name in 'amax amin max min argmax argmin'.split():
    error(name, getattr(torch, name), empty)
    error(name, getattr(torch, name), empty, dim=0)
for name in 'median nanmedian mode'.split():
    error(name, getattr(torch, name), empty, dim=0)
error('kthvalue', torch.kthvalue, odd, 9)
error('topk', torch.topk, odd, 9)
error('aminmax', torch.aminmax, empty)
for name in 'sum mean prod amax logsumexp cumsum sort softmax var'.split():
    error(name, getattr(torch, name), odd, dim=3)
for name in 'sum amax var'.split():
    error(name, getattr(torch, name), odd, dim=[0, 0])
error('mean', torch.mean, ints)
error('var', torch.var, ints)
error('norm', torch.norm, ints)
error('norm', torch.norm, empty, inf)
error('clamp', torch.clamp, odd)
error('pow', torch.pow, ints, -1)
error('neg', torch.neg, bools)
error('floorDivide', torch.floor_divide, ints, 0)
error('add', torch.add, r(2, 3), r(2))
error('crossEntropy', F.cross_entropy, r(2, 3), torch.tensor([0, 1, 2]))
error('crossEntropy', F.cross_entropy, r(2, 3, 4), torch.zeros(2, 5, dtype=torch.long))
error('crossEntropy', F.cross_entropy, r(2, 3), torch.tensor([0, 1]), reduction='all')
error('crossEntropy', F.cross_entropy, r(2, 3), torch.tensor([0, 1]), weight=torch.ones(2))
error('crossEntropy', F.cross_entropy, r(2, 3), torch.tensor([0, 1]), labelSmoothing=2.0)
error('huberLoss', F.huber_loss, r(2), r(2), delta=0.0)
error('smoothL1Loss', F.smooth_l1_loss, r(2), r(2), beta=-1.0)
error('binaryCrossEntropyWithLogits', F.binary_cross_entropy_with_logits, r(2), r(3))
error('glu', F.glu, r(3))
error('gelu', F.gelu, r(3), approximate='fast')
error('div', torch.div, r(2), r(2), roundingMode='up')

print(json.dumps({'values': cases, 'errors': errors}, separators=(',', ':')))
