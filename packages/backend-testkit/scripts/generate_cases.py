#!/usr/bin/env python3
"""Writes operator cases from PyTorch's own operator database, in the format of data/README.md.

    python3 -m venv .venv
    .venv/bin/python -m pip install torch==2.13.0 numpy
    .venv/bin/python scripts/generate_cases.py --out data/cases [--ops abs,sum] [--samples 6] [--seed 1234]

One gzipped JSON file an operator. Inputs are float32; outputs and derivatives are computed in float64 from the same
numbers wherever the operator allows it. Random, in-place-random, sparse, quantised and out-only operators are left out.
Another --seed, or more --samples, makes another case set: `mapgrad-conformance --cases DIR` runs it.
"""
import argparse
import base64
import gzip
import json
import math
import os
import sys
import types
import unittest

import torch

# the database's module imports test classes that it does not use here; this one dependency is all they need
sys.modules.setdefault("expecttest", types.SimpleNamespace(TestCase=unittest.TestCase))

from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402
from torch.utils import _pytree as pytree  # noqa: E402

MAX_BYTES = 120_000  # of one sample, encoded: larger ones say nothing more
DIRECTION_SEED = 7

RANDOM = (
    "bernoulli cauchy exponential geometric log_normal multinomial normal rand randn randint rand_like randn_like randint_like "
    "uniform dropout rrelu fractional empty new_empty resize_ resize_as_ item jiterator to_sparse sparse svd_lowrank pca_lowrank "
    "allclose equal hash_tensor _scaled_mm scaled_mm flash efficient"
).split()


def is_left_out(op):
    name = op.name
    return any(word == name or word in name.split(".")[-1] for word in RANDOM if len(word) > 5) or name in RANDOM


def encode_tensor(t):
    t = t.detach().resolve_conj().resolve_neg().contiguous()
    dtype = str(t.dtype).removeprefix("torch.")
    raw = t.float() if t.dtype in (torch.bfloat16, torch.float16) else t
    if raw.is_complex():
        raw = torch.view_as_real(raw).contiguous()
    data = base64.b64encode(raw.numpy().tobytes()).decode()
    return {"$tensor": {"dtype": dtype, "shape": list(t.shape), "data": data}}


def encode(x):
    if isinstance(x, torch.Tensor):
        return encode_tensor(x)
    if x is None or isinstance(x, (bool, int, str)):
        return x
    if isinstance(x, float):
        if math.isnan(x):
            return {"$float": "nan"}
        if math.isinf(x):
            return {"$float": "inf" if x > 0 else "-inf"}
        return x
    if isinstance(x, complex):
        return {"$complex": [x.real, x.imag]}
    if isinstance(x, torch.dtype):
        return {"$dtype": str(x).removeprefix("torch.")}
    if isinstance(x, slice):
        return {"$slice": [x.start, x.stop, x.step]}
    if x is Ellipsis:
        return {"$ellipsis": True}
    if isinstance(x, (torch.layout, torch.memory_format)):
        return {"$skip": str(x)}
    if isinstance(x, torch.device):
        return str(x)
    if isinstance(x, (list, tuple)):
        return [encode(v) for v in x]
    if isinstance(x, dict):
        return {k: encode(v) for k, v in x.items()}
    raise ValueError(f"cannot encode {type(x)}")


def doubled(x):
    return x.detach().double() if isinstance(x, torch.Tensor) and x.dtype == torch.float32 else x


def leaves_of(args, kwargs):
    return pytree.tree_flatten((list(args), dict(kwargs)))


def outputs_of(y):
    return [v for v in pytree.tree_leaves(y) if v is not None]


class Call:
    """One sample: the operator as a function of its leaves."""

    def __init__(self, op, sample):
        self.op = op
        self.leaves, self.spec = leaves_of((sample.input, *sample.args), sample.kwargs)
        self.leaves = [v.detach() if isinstance(v, torch.Tensor) else v for v in self.leaves]

    def __call__(self, leaves):
        # operators may write into their inputs, or return one of them
        args, kwargs = pytree.tree_unflatten([v.clone() if isinstance(v, torch.Tensor) else v for v in leaves], self.spec)
        return outputs_of(self.op(*args, **kwargs))

    def of(self, at, outs, leaves):
        """As a function of the leaves `at`, to the outputs `outs`."""

        def f(*xs):
            full = list(leaves)
            for i, x in zip(at, xs):
                full[i] = x
            ys = self(full)
            return [ys[k] for k in outs]

        return f


def directions(shapes):
    return [torch.rand(s, dtype=torch.float64).float().double() for s in shapes]


def gradients(ys, xs, cts, create_graph=False):
    kept = [(y, c) for y, c in zip(ys, cts) if y.requires_grad]
    if not kept:
        return [None] * len(xs)
    return list(torch.autograd.grad([y for y, _ in kept], xs, [c for _, c in kept], allow_unused=True, create_graph=create_graph))


def derivatives(call, op, record, log):
    leaves = [doubled(v) for v in call.leaves]
    at = [i for i, v in enumerate(call.leaves) if isinstance(v, torch.Tensor) and v.dtype == torch.float32]
    if not op.supports_autograd or not at:
        return
    xs = [leaves[i].clone().requires_grad_() for i in at]
    try:
        ys = call.of(at, range(len(record["out"])), leaves)(*xs)
    except Exception:
        return
    outs = [k for k, y in enumerate(ys) if isinstance(y, torch.Tensor) and y.requires_grad and not y.is_complex()]
    if not outs:
        return
    torch.manual_seed(DIRECTION_SEED)
    cts = directions([ys[k].shape for k in outs])
    vs = directions([x.shape for x in xs])
    cts = [c.to(ys[k].dtype) for c, k in zip(cts, outs)]
    f = call.of(at, outs, leaves)
    try:
        vjp = gradients(f(*xs), xs, cts)
    except Exception as e:
        log.append("vjp:" + str(e)[:60])
        return
    record |= {
        "diffArgs": at,
        "diffOuts": outs,
        "cotangents": [encode(c) for c in cts],
        "vjp": [encode(g) for g in vjp],
    }
    if op.supports_gradgrad:
        try:
            gs = gradients(f(*xs), xs, cts, create_graph=True)
            second = gradients([g if g is not None else torch.zeros_like(x) for g, x in zip(gs, xs)], xs, vs)
            if any(g is not None and bool(g.any()) for g in second):
                record["vjpvjp"] = [encode(g) for g in second]
        except Exception as e:
            log.append("gg:" + str(e)[:60])
    record["tangents"] = [encode(v) for v in vs]
    if op.supports_forward_ad:
        try:
            _, dys = torch.func.jvp(lambda *a: tuple(f(*a)), tuple(x.detach() for x in xs), tuple(vs))
            record["jvp"] = [encode(d) for d in dys]
        except Exception as e:
            log.append("jvp:" + str(e)[:60])


def record_of(op, index, sample, log):
    call = Call(op, sample)
    args, kwargs = pytree.tree_unflatten(call.leaves, call.spec)
    record = {"sample": index, "args": encode(args), "kwargs": encode(kwargs)}
    with torch.no_grad():
        single = call(call.leaves)
        try:
            out = call([doubled(v) for v in call.leaves])
        except Exception:
            out = single
    record["outDtypes"] = [str(y.dtype).removeprefix("torch.") if isinstance(y, torch.Tensor) else type(y).__name__ for y in single]
    record["out"] = [encode(y) for y in out]
    derivatives(call, op, record, log)
    return record


def file_of(op, wanted, seed):
    torch.manual_seed(seed)
    variant = op.variant_test_name
    dtypes = [d for d in (torch.float32, torch.int64, torch.complex64) if d in op.dtypes]
    samples = list(op.sample_inputs("cpu", dtypes[0])) if dtypes else []
    chosen = range(len(samples)) if len(samples) <= wanted else [i * len(samples) // wanted for i in range(wanted)]
    log, records = [], []
    for i in chosen:
        try:
            record = record_of(op, i, samples[i], log)
            if len(json.dumps(record)) <= MAX_BYTES:
                records.append(record)
        except Exception as e:
            log.append(f"{type(e).__name__}:{str(e)[:80]}")
    name = op.name + (f".{variant}" if variant else "")
    body = {"op": name, "name": op.name, "variant": variant, "autograd": op.supports_autograd, "forwardAd": op.supports_forward_ad, "samples": records}
    return name, body, f"{len(records)} samples" + (f" ; {log[0]}" if log else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="folder to write")
    parser.add_argument("--ops", help="only these operators, with or without variant, separated by commas")
    parser.add_argument("--samples", type=int, default=6, help="at most so many an operator, spread over PyTorch's list")
    parser.add_argument("--seed", type=int, default=1234)
    options = parser.parse_args()
    torch.set_num_threads(1)
    os.makedirs(options.out, exist_ok=True)
    wanted = options.ops.split(",") if options.ops else None
    summary = {}
    for op in op_db:
        full = op.name + (f".{op.variant_test_name}" if op.variant_test_name else "")
        if wanted is not None and full not in wanted and op.name not in wanted:
            continue
        if is_left_out(op):
            continue
        name, body, said = file_of(op, options.samples, options.seed)
        summary[name] = said
        if body["samples"]:
            with gzip.GzipFile(os.path.join(options.out, name + ".json.gz"), "wb", mtime=0) as f:
                f.write(json.dumps(body, separators=(",", ":")).encode())
        print(name, said, file=sys.stderr)
    with open(os.path.join(options.out, "..", "summary.json") if wanted is None else os.path.join(options.out, "summary.json"), "w") as f:
        json.dump(summary, f, indent=0)


if __name__ == "__main__":
    main()
