"""Writes movement.json: shape, join and indexing functions as PyTorch 2.13 computes and refuses them.
Run: python movement.py (needs torch). A case is a function, its arguments and the results, or the error's first line."""
import json, os, re
import torch
import torch.nn.functional as F

torch.manual_seed(7)
cases, errors = [], []
T = lambda *shape: torch.randn(shape, dtype=torch.float64).mul(1000).round().div(256)
I = lambda v, dtype=torch.int32: torch.tensor(v, dtype=dtype)
B = lambda *shape: torch.rand(*shape) < 0.5
S = slice
snake = lambda n: re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), n)
names = {"atleast1d": "atleast_1d", "atleast2d": "atleast_2d", "atleast3d": "atleast_3d", "splitWithSizes": "split_with_sizes"}


def encode(v):
    if isinstance(v, torch.Tensor):
        return {"shape": list(v.shape), "dtype": str(v.dtype)[6:], "data": v.flatten().tolist()}
    if isinstance(v, slice):
        return {"slice": [v.start, v.stop, v.step]}
    if v is Ellipsis:
        return "..."
    if isinstance(v, (list, tuple)):
        return [encode(a) for a in v]
    return v


def lookup(name):
    s = names.get(name, snake(name))
    for place in (F, torch, torch.Tensor) if s == "embedding" else (torch, F, torch.Tensor):
        if hasattr(place, s):
            return getattr(place, s)
    raise NameError(s)


def run(name, args, options, of):
    f = of or lookup(name)
    return f(*args, **{snake(k): v for k, v in options.items()})


def long(v):
    """Where PyTorch takes int64 indices alone, we take the default integer too."""
    if isinstance(v, (list, tuple)):
        return type(v)(long(a) for a in v)
    return v.long() if isinstance(v, torch.Tensor) and v.dtype == torch.int32 else v


def case(name, *args, of=None, diff=True, vmap=True, **options):
    try:
        out = run(name, args, options, of)
    except (RuntimeError, IndexError):
        out = run(name, long(args), options, of)
    cases.append({"f": name, "args": encode(args), **({"options": encode_options(options)} if options else {}), "out": encode(out), "diff": diff, "vmap": vmap})


encode_options = lambda o: {k: encode(v) for k, v in o.items()}


def bad(name, *args, of=None, text=None, **options):
    try:
        run(name, args, options, of)
    except Exception as e:
        said = str(e).split("\n")[0]
        errors.append({"f": name, "args": encode(args), **({"options": encode_options(options)} if options else {}), "text": text or said.rstrip(".")})
        return
    raise AssertionError(f"{name} {args} did not fail")


x, y3, v, z, e = T(2, 3), T(2, 3, 4), T(5), T(), T(0, 3)
# shapes
for a in ([x, [3, 2]], [x, [-1]], [y3, [4, -1, 2]], [z, [1, 1]], [e, [3, 0]], [T(1), []], [y3, [6, 4]]):
    case("reshape", *a)
case("view", y3, [6, 4], of=torch.Tensor.view)
case("ravel", y3)
for a in ([y3], [y3, 1], [y3, 0, 1], [z], [y3, -2, -1], [e]):
    case("flatten", *a)
case("unflatten", T(6, 2), 0, [2, 3]); case("unflatten", T(6, 2), 0, [-1, 2]); case("unflatten", T(2, 6), -1, [3, 2])
case("squeeze", T(1, 2, 1)); case("squeeze", T(1, 2, 1), 0); case("squeeze", T(1, 2, 1), -1); case("squeeze", x, 0); case("squeeze", T(1, 2, 1, 1), [0, -1]); case("squeeze", z, 0)
case("unsqueeze", x, 0); case("unsqueeze", x, -1); case("unsqueeze", x, 1); case("unsqueeze", z, 0)
case("permute", y3, [2, 0, 1]); case("permute", y3, [-1, 0, 1]); case("permute", z, [])
case("transpose", y3, 0, 2); case("transpose", y3, -1, 1); case("transpose", x, 0, 0); case("swapdims", y3, 0, 1); case("swapaxes", y3, 0, 1); case("transpose", z, 0, -1)
case("t", x); case("t", v); case("t", z); case("adjoint", y3)
case("movedim", y3, 0, 2); case("movedim", y3, [0, 2], [1, 0]); case("moveaxis", y3, -1, 0)
case("expand", T(1, 3), [4, 3], of=torch.Tensor.expand); case("expand", T(3), [2, -1], of=torch.Tensor.expand); case("expand", z, [2, 2], of=torch.Tensor.expand); case("expand", T(1, 3), [0, 3], of=torch.Tensor.expand)
case("expandAs", T(3, 1), y3.new_zeros(2, 3, 4), of=torch.Tensor.expand_as, vmap=False); case("broadcastTo", T(3, 1), [2, 3, 2])
case("broadcastTensors", T(3, 1), T(1, 2), T())
case("repeat", x, [2, 1], of=torch.Tensor.repeat); case("repeat", x, [2, 1, 3], of=torch.Tensor.repeat); case("repeat", x, [0, 2], of=torch.Tensor.repeat); case("repeat", z, [3], of=torch.Tensor.repeat)
case("tile", x, [2]); case("tile", x, [2, 1, 2]); case("tile", z, [2])
case("roll", x, 1, 0); case("roll", x, -4, 1); case("roll", x, 2); case("roll", y3, [1, -1], [0, 2]); case("roll", e, 1, 0); case("roll", z, 3); case("roll", x, [1, 1], [0, 0])
for k in (0, 1, 2, 3, -1, 5):
    case("rot90", x, k, [0, 1])
case("rot90", y3, 1, [1, 2]); case("rot90", y3, 1, [2, 0])
case("meshgrid", T(2), T(3), indexing="ij"); case("meshgrid", T(2), T(3), T(1), indexing="xy"); case("meshgrid", T(), T(2), indexing="ij")
# parts
case("narrow", y3, 1, 1, 2); case("narrow", y3, -1, -3, 2); case("narrow", x, 0, 2, 0)
case("select", y3, 1, 2); case("select", y3, -1, -4); case("select", v, 0, 3)
case("flip", y3, [0]); case("flip", y3, [0, 2]); case("flip", x, []); case("fliplr", x); case("flipud", y3); case("flip", z, [0]); case("flip", e, [0])
case("split", T(7, 2), 3); case("split", y3, [1, 3], 2); case("split", y3, 2, -1); case("split", e, 2); case("chunk", T(5), 3); case("chunk", e, 2); case("chunk", y3, 2, -1)
case("tensorSplit", T(7), 3); case("tensorSplit", T(7), [1, 4]); case("tensorSplit", T(7), [3, 1, 9, -2]); case("tensorSplit", y3, 3, 2)
case("hsplit", y3, 3); case("vsplit", y3, [1]); case("dsplit", y3, 2); case("unbind", y3, 1); case("unbind", x); case("splitWithSizes", v, [2, 3])
for a in ([x], [x, 1], [x, -1], [x, 5], [y3, 0, 1, 2], [y3, 1, -1, 0], [y3, -1, 2, 1]):
    case("diagonal", *a)
case("diagEmbed", x); case("diagEmbed", x, 1); case("diagEmbed", x, -2, 0, 2); case("diagEmbed", y3, 1, 2, 0)
case("diag", v); case("diag", v, -1); case("diag", x, 1); case("diagflat", x, 1); case("trace", T(3, 4)); case("trace", I([[1, 2], [3, 4]]))
for k in (-2, -1, 0, 1, 3):
    case("tril", y3, k); case("triu", y3, k)
case("tril", T(0, 3)); case("tril", torch.full((2, 2), float("inf"), dtype=torch.float64), diff=False)
case("unfold", T(7), 0, 3, 2, of=torch.Tensor.unfold); case("unfold", y3, 1, 2, 1, of=torch.Tensor.unfold); case("unfold", y3, -1, 2, 3, of=torch.Tensor.unfold); case("unfold", z, 0, 1, 1, of=torch.Tensor.unfold); case("unfold", v, 0, 0, 1, of=torch.Tensor.unfold)
case("asStrided", T(10), [3, 2], [2, 1]); case("asStrided", T(10), [3, 3], [1, 1], 2); case("asStrided", T(2, 5), [2, 2], [0, 3], 1); case("asStrided", T(10), [], [], 4); case("asStrided", T(10), [0, 2], [1, 1])
case("diagonalScatter", x, T(2)); case("diagonalScatter", y3, T(3, 2), 0, 0, 2); case("selectScatter", y3, T(2, 4), 1, 2); case("sliceScatter", y3, T(2, 2, 4), 1, 1, 3); case("sliceScatter", T(7), T(3), 0, 1, 7, 2)
# joins
case("cat", [x, T(1, 3)]); case("cat", [y3, T(2, 3, 1), y3], -1); case("cat", [torch.zeros(0, dtype=torch.float64), x], diff=False, vmap=False); case("cat", [x]); case("cat", [x, I([[1, 2, 3]])], 0)
case("cat", [T(2, 0), x], 1); case("stack", [x, T(2, 3)]); case("stack", [x, x], -1); case("stack", [z, z]); case("stack", [x, x, x], 1)
case("hstack", [x, x]); case("hstack", [v, T(2)]); case("hstack", [z, z]); case("vstack", [v, T(5)]); case("vstack", [x, T(1, 3)]); case("dstack", [x, x]); case("dstack", [v, v]); case("columnStack", [v, T(5, 2)])
for n in ("atleast1d", "atleast2d", "atleast3d"):
    for a in (z, v, x, y3):
        case(n, a)
# padding
case("pad", x, [1, 2]); case("pad", y3, [1, 0, 0, 2, 1, 1]); case("pad", y3, [-1, 1]); case("pad", x, [1, 1], "constant", 2.5); case("pad", x, [-1, -1, 1, 0], "constant", -3.0); case("pad", I([1, 2]), [1, 1], "constant", 7)
for m in ("reflect", "replicate", "circular"):
    case("pad", y3, [2, 1], m); case("pad", y3, [1, 2, 2, 1], m); case("pad", T(1, 2, 3, 4), [1, 1, 2, 0], m); case("pad", y3, [-1, 1], m)
case("constantPadNd", x, [1, 1], 4.0)
case("repeatInterleave", x, 2); case("repeatInterleave", x, 3, 1); case("repeatInterleave", x, I([2, 0, 1]), 1, vmap=False); case("repeatInterleave", x, I([2]), 0, vmap=False); case("repeatInterleave", I([1, 0, 3]), vmap=False)
# gather and scatter
ix = I([[2, 0, 1, 1], [0, 0, 2, 1]])
case("gather", x, 1, ix); case("gather", x, -1, ix[:1]); case("gather", y3, 1, I([[[0, 2, 1]], [[1, 1, 0]]])); case("gather", z, 0, I([0, 0])); case("gather", v, 0, I(3)); case("gather", y3, 0, torch.zeros(0, 2, 2, dtype=torch.int32)); case("gather", x, 0, I([[1, 0, 1]], torch.int64))
case("takeAlongDim", x, I([[1, -1]]), 1); case("takeAlongDim", x, I([5, 0])); case("takeAlongDim", y3, I([[[0], [2]]]), 1); case("takeAlongDim", T(1, 3), I([[0, 2], [1, 1]]), 1)
u = I([[2, 0], [1, 2]])
case("scatter", x, 1, u, T(2, 2)); case("scatter", x, 1, u, 5.0); case("scatter", x, 1, u, T(3, 4)); case("scatter", y3, 0, I([[[0, 1, 1, 0]]]), T(1, 1, 4)); case("scatter", z, 0, I([0]), T(1)); case("scatter", x, 0, torch.zeros(0, 3, dtype=torch.int32), x, vmap=False)
case("scatter", x, 1, ix, T(2, 4), reduce="add"); case("scatter", x, 1, ix, T(2, 4), reduce="multiply")
case("scatterAdd", x, 1, ix, T(2, 4)); case("scatterAdd", y3, 1, I([[[0, 0], [2, 0]], [[1, 1], [1, 1]]]), T(2, 2, 3)); case("scatterAdd", I([1, 2]), 0, I([0, 0, 1]), I([5, 6, 7])); case("scatterAdd", I([1, 0], torch.bool), 0, I([1, 1]), I([0, 1], torch.bool))
for r in ("sum", "prod", "mean", "amax", "amin"):
    for s in (True, False):
        case("scatterReduce", x, 1, ix, T(2, 4), r, includeSelf=s); case("scatterReduce", T(4, 2), 0, I([[1, 3], [1, 0], [2, 0]]), T(3, 2), r, includeSelf=s)
case("scatterReduce", I([5, 5]), 0, I([0, 0]), I([-4, -2]), "mean", vmap=False)
i1 = I([2, 0, 2])
case("indexSelect", x, 1, i1); case("indexSelect", y3, 0, I([1, 1])); case("indexSelect", z, 0, I([0])); case("indexSelect", x, 1, I(1)); case("indexSelect", y3, -1, I([], torch.int32))
case("indexAdd", x, 1, i1, T(2, 3)); case("indexAdd", y3, 0, I([1, 1]), T(2, 3, 4), alpha=2); case("indexAdd", z, 0, I([0]), T())
case("indexCopy", x, 1, I([2, 0]), T(2, 2)); case("indexCopy", y3, 1, I([1]), T(2, 1, 4)); case("indexFill", x, 1, I([0, -1]), 9.0); case("indexFill", x, 0, I([1]), T())
for r in ("prod", "mean", "amax", "amin"):
    case("indexReduce", x, 1, i1, T(2, 3), r); case("indexReduce", y3, 0, I([1, 1]), T(2, 3, 4), r, includeSelf=False)
case("take", x, I([[5, 0], [-1, 2]])); case("put", x, I([5, 0]), T(2)); case("put", x, I([1, 1, -1]), T(3), True)
case("maskedFill", x, B(2, 3), 2.5); case("maskedFill", x, B(3), T()); case("maskedFill", T(3), B(2, 3), 1.0); case("maskedFill", I([1, 2]), I([1, 0], torch.bool), 1.5)
case("maskedSelect", x, B(2, 3), vmap=False); case("maskedSelect", x, B(3), vmap=False); case("maskedSelect", z, I(1, torch.bool), vmap=False)
W = T(4, 3)
case("embedding", I([[1, 0, 3], [3, 3, 1]]), W); case("embedding", I([1, 2, 1]), W, 1, diff=False); case("embedding", I(2), W); case("embedding", I([0, 0]), W, -4, diff=False)
case("oneHot", I([[0, 2], [1, 2]], torch.int64), 4); case("oneHot", I([0, 2], torch.int64), vmap=False); case("oneHot", I([], torch.int64), 3)
for a in (x.gt(0), I([[0, 3], [1, 0]]), z, I([0.0, 2, float("nan")], torch.float64), T(0), I([0, 5], torch.int64)):
    case("nonzero", a, diff=False, vmap=False); case("argwhere", a, diff=False, vmap=False)
# indexing
def at(x, *index):
    return x[tuple(index)]


m2, m1 = I([[1, 0, 1], [0, 1, 1]], torch.bool), I([1, 0, 1], torch.bool)
y4 = T(2, 3, 4, 5)
for a in (
    [y3, 0], [y3, -1, 2], [y3, S(None), 1], [y3, S(0, 1), S(1, 3), S(None, None, 2)], [y3, S(-2, None)], [y3, S(5, 9)], [y3, S(2, 1)], [y3, None], [y3, None, 0, None], [y3, ..., 1], [y3, 0, ..., None], [y3, ..., S(1, -1)],
    [y3], [z, None], [z, ...], [y3, True], [y3, False], [z, True], [y3, S(None), True],
    [y3, I([1, 0, 1])], [y3, S(None), I([2, -1])], [y3, ..., I([[0, 3], [1, -4]])], [y3, I([0, 1]), I([2, 0])], [y3, S(None), I([2, 0]), I([1, 1])], [y3, I([0, 1]), S(None), I([1, 3])], [y3, I([[0], [1]]), I([0, 2])],
    [y4, I([1]), S(1, 3), I([0, 2])], [y4, S(None), I([1, 0]), S(None), I([0, 2])], [y4, 0, S(None), I([1, 3])], [y4, S(None), 1, I([1, 3])], [y4, I([1, 0]), 1, I([1, 3])], [y4, S(None), I([0, 1]), 2, I([1, 3])], [y4, S(None), I([[0, 1], [2, 2]]), I([1, 3])],
    [y4, I([0, 1]), None, I([0, 2])], [y4, None, I([0, 1]), I([0, 2])], [y3, I(1)], [y3, S(None), I(-1)], [y4, I(1), S(None), I([0, 2])], [y3, I([], torch.int32)], [y3, [1, 0]], [y3, S(None), [0, 2], [1, 1]], [y3, [[0, 1], [1, 1]], 0], [y3, I([0, 1], torch.int64)],
    [e, S(None), 1], [e, I([], torch.int32)], [y4, I(1), I(0), S(None), I([0, 2])], [y4, I([1, 0]), I(0), I([0, 2])], [y4, S(None), I(-2), S(None), I([[0], [2]])],
):
    case("at", *a, of=at)
for a in ([y3, m2], [y3, S(None), m1], [x, m2], [y3, m2, I([0, 1, 2, 3])], [y3, I([0, 1]), m1], [x, I(1, torch.bool)], [x, I(0, torch.bool)], [y3, [True, False]], [x, I([1, 0], torch.uint8)], [y3, ..., torch.zeros(4, dtype=torch.bool)]):
    case("at", *a, of=at, vmap=False)


def setat(x, index, value):
    y = x.clone()
    y[tuple(index)] = value
    return y


for a in ([y3, [0], 5.0], [y3, [0], T(3, 4)], [y3, [S(None), S(0, None, 2)], T(4)], [y3, [..., 1], T(2, 1)], [y3, [S(None), None, 1], T(1, 4)], [y3, [I([1, 0])], T(2, 3, 4)], [y3, [S(None), I([2, 0])], T(4)], [y3, [I([0, 1]), S(None), I([1, 3])], T(2, 3)],
    [y3, [I([0, 1]), 1, S(0, 2)], T(2, 2)], [y3, [...], 2.0], [y3, [0], T(1, 1, 4)], [x, [m2], 7.0], [x, [m2], T()], [y3, [m2], -1.0], [z, [...], 3.0], [y3, [S(2, 1)], 1.0], [y3, [I([], torch.int32)], 4.0], [x, [S(None), 1], I([1, 2])], [y3, [S(1, 2), S(None), I([0, -1])], T(1, 3, 2)],
    [y4, [I(1), S(None), I([0, 2])], T(3, 2, 5)], [y3, [I(-1), I(0)], T(4)], [y3, [I([0, 1]), I(2)], T(2, 4)], [y3, [I(1)], T(3, 4)]):
    case("setAt", *a, of=setat)
case("setAt", x, [m2], T(4), of=setat, vmap=False); case("setAt", y3, [m2, 0], T(4), of=setat, vmap=False)
tup = lambda x, i, v, a=False: x.index_put(tuple(i), v, a)
case("indexPut", x, [I([0, 1]), I([2, 2])], T(2), of=tup); case("indexPut", x, [I([1, 1, 0])], T(3), True, of=tup); case("indexPut", y3, [I([[0], [1]]), I([0, 0])], T(4), True, of=tup); case("indexPut", x, [I([0, 0]), I([-1, 2])], T(2), True, of=tup); case("indexPut", x, [m2], T(4), True, of=tup, vmap=False)
# what is refused
bad("reshape", x, [2, 4]); bad("reshape", x, [-1, 4]); bad("reshape", x, [-1, -1]); bad("reshape", x, [-2, 3]); bad("reshape", e, [-1, 0]); bad("view", x, [7], of=torch.Tensor.view)
bad("flatten", y3, 2, 1); bad("flatten", x, 0, 5); bad("unflatten", x, 1, [2, 2]); bad("unflatten", x, 1, [-1, 2]); bad("unflatten", x, 1, [])
bad("permute", x, [0], text="number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = 2 is not equal to len(dims) = 1"); bad("permute", x, [0, 0]); bad("permute", x, [0, 2]); bad("transpose", x, 0, 2); bad("t", y3); bad("adjoint", v)
bad("movedim", x, [0, 1], [0, 0]); bad("movedim", x, [0, 0], [0, 1]); bad("movedim", x, [0], [0, 1]); bad("squeeze", x, 2); bad("squeeze", T(1, 2, 1), [0, 0]); bad("unsqueeze", x, 4)
for s, t in (([4, 3], None), ([3], "the number of sizes provided (1) must be greater or equal to the number of dimensions in the tensor (2)"), ([-1, 2, 3], None), ([2, 0], None), ([-2, 3], None)):
    bad("expand", x, s, of=torch.Tensor.expand, text=t)
bad("broadcastTensors", x, T(2, 2)); bad("repeat", x, [2], of=torch.Tensor.repeat); bad("repeat", x, [2, -1], of=torch.Tensor.repeat); bad("tile", x, [-2])
bad("stack", [x, x.t()]); bad("stack", []); bad("stack", [x, x], 4); bad("cat", []); bad("cat", [x, T(2, 2)]); bad("cat", [x, T(2)]); bad("cat", [z, z]); bad("cat", [x, x], 2); bad("cat", [T(0, 2), x]); bad("vstack", [T(2), T(3)]); bad("hstack", [])
bad("split", x, 0); bad("split", x, -1); bad("split", x, [1, 1], 1); bad("split", x, [-1, 4], 1); bad("split", z, 1); bad("chunk", x, 0); bad("chunk", z, 1); bad("tensorSplit", x, 0); bad("tensorSplit", z, 1); bad("unbind", z); bad("hsplit", x, 2); bad("hsplit", z, 1); bad("vsplit", v, 1)
bad("narrow", x, 0, 1, 2); bad("narrow", x, 0, 3, 0); bad("narrow", x, 0, 0, -1); bad("narrow", z, 0, 0, 1); bad("select", x, 0, 2); bad("select", z, 0, 0)
bad("flip", x, [0, 0]); bad("flip", x, [2]); bad("fliplr", v); bad("flipud", z); bad("roll", x, [1, 2], [0]); bad("roll", x, 1, 3); bad("roll", x, [], []); bad("rot90", x, 1, [0]); bad("rot90", x, 1, [0, 0]); bad("rot90", v)
bad("diagonal", x, 0, 0, 0); bad("diagonal", x, 0, 0, 3); bad("diag", y3); bad("diagEmbed", x, 0, 1, 1); bad("tril", v); bad("trace", y3)
bad("unfold", x, 0, 3, 1, of=torch.Tensor.unfold); bad("unfold", x, 0, 1, 0, of=torch.Tensor.unfold); bad("unfold", x, 0, -1, 1, of=torch.Tensor.unfold); bad("asStrided", x, [3], [4], text="setStorage: sizes [3], strides [4], storage offset 0"); bad("asStrided", x, [3], [1, 1]); bad("asStrided", x, [2], [-1], 3); bad("asStrided", x, [1], [1], -1)
bad("meshgrid", x, indexing="ij", text="torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got"); bad("meshgrid", v, indexing="q", text='torch.meshgrid: indexing must be one of "xy" or "ij", but received: "q"'); bad("meshgrid", v, T(2).float(), indexing="ij")
bad("pad", x, [1]); bad("pad", x, [1] * 6); bad("pad", x, [-2, -2]); bad("pad", x, [1, 1], "q", text="Unrecognised padding mode"); bad("pad", x, [3, 1], "reflect", text="Padding size should be less than the corresponding input dimension, but got: padding (3, 1) at dimension 1 of input [2, 3]"); bad("pad", v, [1, 1], "reflect"); bad("pad", x, [4, 1], "circular"); bad("pad", x, [1, 1], "reflect", 1.0)
bad("repeatInterleave", x, -1); bad("repeatInterleave", x, I([1, 2, 3]), 0); bad("repeatInterleave", x, I([2, -1]), 0); bad("repeatInterleave", x, I([[2]]), 0); bad("repeatInterleave", x, I([2, 1]), 0, outputSize=4)
bad("selectScatter", x, T(2), 0, 0); bad("sliceScatter", x, T(2, 2), 0, 0, 1); bad("diagonalScatter", x, T(3))
bad("gather", x, 0, I([0])); bad("gather", x, 0, I([[0] * 4] * 2)); bad("gather", x, 0, I([[-1]])); bad("gather", x, 1, I([[5]])); bad("gather", x, 1, T(1, 1)); bad("gather", x, 2, I([[0]]))
bad("scatter", x, 0, I([0]), x); bad("scatter", x, 0, I([[0] * 4] * 2), T(2, 4)); bad("scatter", x, 0, I([[0, 0]] * 2), T(1, 2)); bad("scatter", x, 0, I([[0, 0]]), T(1, 2).float()); bad("scatter", x, 0, I([[7, 0]]), T(1, 2)); bad("scatter", x, 0, I([[-1, 0]]), T(1, 2)); bad("scatter", x, 0, T(1, 2), T(1, 2)); bad("scatter", x, 0, I([[0]]), T(1, 1), reduce="x"); bad("scatterReduce", x, 0, I([[0]]), T(1, 1), "x", text="reduce argument must be either sum, prod, mean, amax or amin, got")
bad("indexSelect", x, 0, I([-1])); bad("indexSelect", x, 1, I([[0]]), text="Index is supposed to be a vector"); bad("indexSelect", x, 1, T(2), text="Expected dtype int32 or int64 for index"); bad("indexAdd", x, 0, I([5]), T(1, 3), text="index 5 is out of bounds for dimension 0 with size 2"); bad("indexAdd", x, 0, I([-1]), T(1, 3), text="index -1 is out of bounds for dimension 0 with size 2"); bad("indexAdd", x, 0, I([0]), T(1, 2)); bad("indexAdd", x, 0, I([0, 1]), T(1, 3), text="Number of indices (2) should be equal to source.size(dim): (1), for dim: 0"); bad("indexCopy", x, 0, I([5], torch.int64), T(1, 3), text="index 5 is out of bounds for dimension 0 with size 2"); bad("indexFill", x, 0, I([5], torch.int64), 1.0); bad("indexFill", x, 0, I([0], torch.int64), T(2), text="only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s)")
bad("take", x, I([7], torch.int64)); bad("take", x, I([-7], torch.int64)); bad("put", x, I([7], torch.int64), T(1)); bad("put", x, I([1, 2], torch.int64), T(1)); bad("takeAlongDim", x, I([1], torch.int64), 1); bad("takeAlongDim", x, T(1, 1), 1, text="torch.take_along_dim(): dtype of indices should be Long")
bad("maskedFill", x, I([1, 0, 1]), 1.0, text="masked_fill_ only supports boolean masks, but got mask with dtype int"); bad("maskedFill", x, m2, T(2)); bad("maskedFill", x, B(2, 2), 1.0, text="The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 1"); bad("maskedSelect", x, x)
bad("embedding", I([7]), W); bad("embedding", I([-1]), W); bad("embedding", T(1), W, text="Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int"); bad("embedding", I([1]), v); bad("embedding", I([1]), W, 7); bad("oneHot", I([1, 5], torch.int64), 3); bad("oneHot", I([-1, 1], torch.int64), 3); bad("oneHot", T(1), 3); bad("oneHot", I([], torch.int64))
for a in ([x, 5], [x, -3], [x, 0, 5], [x, I([5])], [x, I([0, 1]), I([0, 1, 2])], [x, T(1)], [x, I([1, 1, 1], torch.bool)], [x, S(None), I([1, 1], torch.bool)], [e, I([0])], [x, S(None, None, 0)], [x, S(None, None, -1)]):
    bad("at", *a, of=at)
# PyTorch names dimension 0 here
bad("at", x, S(None), I([0, -5]), of=at, text="index -5 is out of bounds for dimension 1 with size 3")
bad("at", x, 0, 0, 0, of=at); bad("at", z, 0, of=at, text="invalid index of a 0-dim tensor")
bad("setAt", x, [0], T(2), of=setat); bad("setAt", x, [m2], T(2), of=setat); bad("indexPut", x, [I([0, 1])], T(2), of=tup); bad("indexPut", x, [I([5])], T(3), of=tup); bad("indexPut", x, [I([0]), I([12])], 1.0 * T(1), of=tup); bad("indexPut", x, [I([0])], T(3).float(), of=tup, text="Index put requires the source and destination dtypes match")

out = {"torch": torch.__version__, "cases": cases, "errors": errors}


def tidy(o):
    if isinstance(o, float) and o != o:
        return "nan"
    if isinstance(o, float) and abs(o) == float("inf"):
        return "inf" if o > 0 else "-inf"
    if isinstance(o, dict):
        return {k: tidy(v) for k, v in o.items()}
    return [tidy(v) for v in o] if isinstance(o, (list, tuple)) else o


lines = lambda k: ",\n".join(json.dumps(tidy(c), separators=(",", ":")) for c in out[k])
with open(os.path.join(os.path.dirname(__file__), "movement.json"), "w") as f:
    f.write('{"torch":"%s",\n"cases":[\n%s\n],\n"errors":[\n%s\n]}\n' % (out["torch"], lines("cases"), lines("errors")))
print(len(cases), "cases,", len(errors), "errors")
