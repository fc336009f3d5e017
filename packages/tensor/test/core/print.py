"""Writes print.json: how PyTorch 2.13 prints tensors. Run: python print.py (needs torch)."""
import json, math, os
import torch
import torch._tensor_str as ts

# our names: no `torch.` before dtypes, int32 (not int64) is the default integer
NAMES = {"torch.int64": "int32", "torch.int32": "int64"}
add = ts._add_suffixes


def add_suffixes(text, suffixes, indent, force_newline):
    out = []
    for s in suffixes:
        if s.startswith("dtype="):
            name = s[len("dtype="):]
            s = "dtype=" + NAMES.get(name, name.removeprefix("torch."))
        out.append(s)
    return add(text, out, indent, force_newline)


ts._add_suffixes = add_suffixes
nan, inf = math.nan, math.inf
cases = []


def number(v):
    if isinstance(v, float):
        if math.isnan(v): return "nan"
        if math.isinf(v): return "inf" if v > 0 else "-inf"
        if v == 0 and math.copysign(1, v) < 0: return "-0"
    return v


def case(name, x, **options):
    ts.PRINT_OPTS.__init__()
    torch.set_printoptions(**options)
    opts = {{"sci_mode": "sciMode"}.get(k, k): v for k, v in options.items()}
    dtype = NAMES.get(str(x.dtype), str(x.dtype).removeprefix("torch."))
    cases.append({"name": name, "shape": list(x.shape), "dtype": dtype, "data": [number(v) for v in x.flatten().tolist()], "options": opts, "text": repr(x)})
    ts.PRINT_OPTS.__init__()


T = torch.tensor
g = torch.Generator().manual_seed(0)
R = lambda *s: torch.randn(*s, generator=g)
case("two decimals", T([[0.1, -2.0], [3.25, 4.0]]))
case("whole floats", T([1.0, -2.0, 30.0]))
case("0-d whole", T(3.0)); case("0-d fraction", T(-0.5)); case("0-d int", T(7)); case("0-d bool", T(True)); case("0-d nan", T(nan)); case("0-d zero", T(0.0)); case("0-d minus zero", T(-0.0))
case("nan inf whole", T([nan, inf, -inf, 1.0])); case("nan inf fraction", T([nan, inf, -inf, 0.5])); case("nan inf scientific", T([nan, inf, -inf, 1e-5, 0.0]))
case("only nan", T([nan, inf])); case("zeros", torch.zeros(2, 2)); case("minus zeros", T([-0.0, 0.0, 1.5])); case("minus zero whole", T([-0.0, 2.0]))
case("small", T([1e-5, 1.0])); case("large", T([1e9])); case("large limit", T([1e8])); case("ratio 1000", T([1.0, 1000.0])); case("ratio over 1000", T([1.0, 1001.0])); case("large fraction", T([123456.789, 1000.5])); case("three digit exponent", T([1e-200, 1e200], dtype=torch.float64)); case("huge whole", T([1e22, 1e22], dtype=torch.float64), sci_mode=False)
case("ties", T([0.03125, 0.09375, 0.15625, 1.00005])); case("ties scientific", T([1.00005e-5, 1.5, 100000.5]), precision=0); case("ties two", T([0.125, 0.375, 0.5]), precision=2); case("precision 0", T([0.5, 1.5, 2.5, 1.25]), precision=0)
case("ints", T([[1, -20], [300, 4]])); case("int64", T([1, 2], dtype=torch.int32)); case("uint8", T([1, 255], dtype=torch.uint8)); case("int8", T([[-1]], dtype=torch.int8)); case("int16", T([1], dtype=torch.int16))
case("bools", T([[True, False], [False, True]])); case("all false", T([False, False])); case("float64", T([0.1, 2.0], dtype=torch.float64)); case("float16", T([0.1, 2.0], dtype=torch.float16)); case("bfloat16", T([0.1, 200.0], dtype=torch.bfloat16))
case("empty", torch.zeros(0)); case("empty 2-d", torch.zeros(0, 3)); case("empty 3-d", torch.zeros(2, 0, 3)); case("empty int", torch.zeros(0, dtype=torch.int64)); case("empty int64", torch.zeros(2, 0, dtype=torch.int32)); case("empty bool", torch.zeros(0, dtype=torch.bool))
case("3-d", R(2, 2, 3)); case("4-d", R(2, 1, 2, 2)); case("size 1 axes", R(1, 1, 1))
case("long vector", R(25)); case("long int vector", torch.arange(60)); case("wide matrix", R(3, 14)); case("wide nested", R(2, 2, 11)); case("long float64", torch.arange(30, dtype=torch.float64) / 8)
case("suffix breaks", torch.arange(8, dtype=torch.float64) + 0.123); case("suffix breaks later", torch.arange(9, dtype=torch.float64) + 0.123); case("suffix fits", torch.arange(7, dtype=torch.float64) + 0.123)
case("summary vector", torch.arange(1001)); case("threshold exactly", torch.arange(1000)); case("summary matrix", torch.arange(1200.0).reshape(30, 40)); case("summary tall", torch.arange(1500.0).reshape(500, 3) / 7); case("summary wide", torch.arange(1500.0).reshape(3, 500) / 7); case("summary 3-d", torch.arange(1331).reshape(11, 11, 11)); case("summary hides large", torch.cat([torch.ones(500), T([1e10]), torch.ones(600)]))
case("edgeitems", torch.arange(20), threshold=5, edgeitems=1); case("edgeitems 0", torch.arange(20).reshape(4, 5), threshold=5, edgeitems=0); case("edgeitems matrix", torch.arange(64.0).reshape(8, 8), threshold=5, edgeitems=2)
case("precision", T([1 / 3, 2 / 3]), precision=2); case("precision 8", T([1 / 3, 2 / 3]), precision=8); case("linewidth", R(20), linewidth=40); case("narrow", R(3, 3), linewidth=10); case("sci on", T([1.0, 20.0]), sci_mode=True); case("sci off", T([1e-6, 1e6]), sci_mode=False); case("profile short", R(3), profile="short"); case("profile full", torch.arange(1100), profile="full")
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "print.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(len(cases), "cases")
