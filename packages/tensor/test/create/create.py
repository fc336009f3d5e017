"""Writes create.json: what PyTorch 2.13 makes of sizes, ranges and spacings. Run: python create.py (needs torch)."""
import json, os
import torch

# int32 is our default integer
OURS = {"int64": "int32"}
values, errors = [], []


def case(name, f, *args, **options):
    given = {k: v for k, v in options.items()}
    torch_options = {k: (getattr(torch, v) if k == "dtype" else v) for k, v in given.items()}
    entry = {"name": name, "args": list(args), "options": given}
    try:
        x = f(*args, **torch_options)
        dtype = str(x.dtype).removeprefix("torch.")
        values.append({**entry, "shape": list(x.shape), "dtype": given.get("dtype", OURS.get(dtype, dtype)), "data": x.flatten().tolist()})
    except (RuntimeError, ValueError, TypeError) as e:
        errors.append({**entry, "error": str(e).split("\n")[0]})


t = torch
for a in [(5,), (0,), (1, 5), (1, 2.5, 0.5), (5, 1, -1), (0, 1, 0.1), (-3, 3, 2), (2.5,), (0.0, 1.0, 0.3), (10, 0, -3), (-0.5, 0.6, 0.25), (0, 10, 0), (0, 10, -1), (5, 1), (3, 3)]:
    case("arange", t.arange, *a)
for d in ["float64", "float32", "int32", "int64", "int16", "uint8", "float16", "bfloat16"]: case("arange", t.arange, 2, 12, 3, dtype=d)
case("arange", t.arange, 0, 5, 1.5, dtype="int32"); case("arange", t.arange, 0, 1, 0.1, dtype="float64")
for a in [(0, 1, 5), (3, 10, 5), (-10, 10, 4), (0, 1, 1), (0, 1, 0), (1, 0, 7), (0.1, 0.7, 11), (0, 1, -1), (5, 5, 3)]:
    case("linspace", t.linspace, *a); case("linspace", t.linspace, *a, dtype="float64")
case("linspace", t.linspace, 0, 10, 4, dtype="int32")
for a in [(0, 3, 4), (-2, 2, 5), (0.1, 1, 3), (2, 2, 1), (0, 1, 0), (0, 3, -1)]: case("logspace", t.logspace, *a); case("logspace", t.logspace, *a, dtype="float64")
case("logspace", t.logspace, 0, 4, 5, base=2)
for a in [(3,), (2, 3), (3, 2), (0,), (0, 3), (-1,), (2, -1)]: case("eye", t.eye, *a)
case("eye", t.eye, 2, dtype="int32"); case("eye", t.eye, 2, dtype="bool")
for a in [(3, 3), (3, 4, 1), (4, 3, -1), (2, 5, 2), (3, 4, 5), (3, 4, -5), (0, 3), (3, -1), (-1, 3)]: case("trilIndices", t.tril_indices, *a); case("triuIndices", t.triu_indices, *a)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "create.json"), "w") as f:
    f.write('{"values": [\n' + ",\n".join(map(json.dumps, values)) + '\n],\n"errors": [\n' + ",\n".join(map(json.dumps, errors)) + "\n]}\n")
print(len(values), "values,", len(errors), "errors")
for e in errors: print(e)
