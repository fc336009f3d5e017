"""Jacobians and Hessians by torch.autograd.functional: writes jacobians.json. Run with torch 2.13: python jacobians.py"""

import json
from pathlib import Path

import torch
from torch.autograd.functional import hessian, hvp, jacobian, vhp

torch.manual_seed(20)


def rand(*shape):
    return torch.randn(shape, dtype=torch.float64)


def plain(x):
    return x.tolist() if isinstance(x, torch.Tensor) else [plain(y) for y in x]


JACOBIANS = {
    "simple": (lambda x: 3 * x**2, [rand(2, 3, 5)]),
    "multi_input": (lambda x, y: (x.cos() * x) @ y.sin(), [rand(2, 3), rand(3, 5)]),
    "multi_input_multi_output": (lambda x, y: ((x * x) @ y, x @ (x.sum(1) * y), y.sum()), [rand(5, 3), rand(3, 5)]),
    "unrelated_outputs": (lambda x, y: (x, y, x, y), [rand(2), rand(3)]),
    "zero_dim_outputs": (lambda x, y: (x.sum(), y.sum(), x * y), [rand(3), rand(3)]),
    "zero_dim_input": (lambda x: torch.stack([x, x, x]), [rand()]),
    "zero_dim_mixed": (lambda x, y: (y.sum(), x * y), [rand(), rand(1)]),
    "softmax_and_norm": (lambda x, y: (torch.softmax(x, 0) @ y, (x.norm() + y.norm()) ** 2, torch.cumsum(y, 1)), [rand(3), rand(3, 2)]),
    "sort_and_gather": (lambda x, y: (x.sort(1).values * y, x.max(0).values, torch.cat([x.flatten(), y])), [rand(3, 2), rand(2)]),
}
HESSIANS = {
    "simple": (lambda x: (3 * x**2).sum(), [rand(2, 3, 2)]),
    "multi_input": (lambda x, y, z: ((x.relu() * x) @ y.sin() @ z).sum(), [rand(2, 3), rand(3, 2), rand(2, 2)]),
    "unrelated_to_one": (lambda x, y: (x**2).sum(), [rand(2), rand(3)]),
    "logsumexp": (lambda x, y: torch.logsumexp(x * y, 0), [rand(3), rand(3)]),
    "norm": (lambda x, y: ((x @ y).norm() * y.prod()), [rand(2, 3), rand(3)]),
}

out = {"jacobian": {}, "hessian": {}}
for name, (f, xs) in JACOBIANS.items():
    out["jacobian"][name] = {"inputs": plain(xs), "value": plain(jacobian(f, tuple(xs)))}
for name, (f, xs) in HESSIANS.items():
    vs = [rand(*x.shape) for x in xs]
    out["hessian"][name] = {
        "inputs": plain(xs),
        "vectors": plain(vs),
        "value": plain(hessian(f, tuple(xs))),
        "hvp": plain(hvp(f, tuple(xs), tuple(vs))[1]),
        "vhp": plain(vhp(f, tuple(xs), tuple(vs))[1]),
    }

def lines(table):
    return ",\n".join(f'"{name}":' + json.dumps(case, separators=(",", ":")) for name, case in table.items())


sections = ",\n".join(f'"{kind}":{{\n{lines(table)}\n}}' for kind, table in out.items())
Path(__file__).with_suffix(".json").write_text(f"{{\n{sections}\n}}\n")
