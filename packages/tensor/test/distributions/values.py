"""Values and gradients of torch.distributions (PyTorch 2.13, CPU, float64) for values.test.ts.

Run: python values.py > values.json
A case: the class, its arguments (a list, or an object by name), values; and what PyTorch gives for them. `gradients` are those of the
sum of logProb, of entropy, of kl with respect to the parameters, in the order of the arguments.
"""
import json
import math

import torch
import torch.distributions as D

torch.set_default_dtype(torch.float64)


def plain(x):
    if isinstance(x, torch.Tensor):
        return plain(x.tolist())
    if isinstance(x, list):
        return [plain(v) for v in x]
    if isinstance(x, float) and not math.isfinite(x):
        return str(x).replace("inf", "Infinity").replace("nan", "NaN")
    return x


def attempt(f):
    try:
        return plain(f())
    except NotImplementedError:
        return None


def tensors(args):
    if isinstance(args, dict):
        return {k: torch.tensor(v, requires_grad=True) if isinstance(v, list) else v for k, v in args.items()}
    return [torch.tensor(v, requires_grad=True) if isinstance(v, list) else v for v in args]


def leaves(args):
    values = args.values() if isinstance(args, dict) else args
    return [x for x in values if isinstance(x, torch.Tensor)]


SNAKE = {"totalCount": "total_count"}


def make(name, args):
    cls = getattr(D, name)
    return cls(**{SNAKE.get(k, k): v for k, v in args.items()}) if isinstance(args, dict) else cls(*args)


def gradients(f, args):
    y = f()
    if not y.requires_grad:
        return [plain(torch.zeros_like(x)) for x in leaves(args)]
    return [
        plain(torch.zeros_like(x) if g is None else g)
        for x, g in zip(leaves(args), torch.autograd.grad(y.sum(), leaves(args), allow_unused=True))
    ]


CASES = [
    ("Normal", [[0.3, -1.2, 4.0], [0.5, 2.0, 1.3]], [[0.1, 3.0, 4.0], [-2.0, -1.2, 9.0]]),
    ("LogNormal", [[0.3, -1.2, 0.5], [0.5, 1.1, 0.7]], [0.1, 1.0, 4.0]),
    ("HalfNormal", [[0.5, 2.0, 1.3]], [0.0, 1.5, 4.0]),
    ("Uniform", [[-1.0, 0.5], [2.0, 0.75]], [1.9, 0.5]),
    ("Laplace", [[0.3, -1.2, 4.0], [0.5, 2.0, 1.3]], [0.1, 3.0, 7.0]),
    ("Gumbel", [[0.3, -1.2, 4.0], [0.5, 2.0, 1.3]], [0.1, 3.0, 2.0]),
    ("Cauchy", [[0.3, -1.2, 4.0], [0.5, 2.0, 1.3]], [0.1, 3.0, 20.0]),
    ("StudentT", [[0.8, 1.5, 4.5], [0.3, -1.2, 4.0], [0.5, 2.0, 1.3]], [0.1, 3.0, 7.0]),
    ("Exponential", [[0.5, 2.0, 1.3]], [0.0, 1.5, 4.0]),
    ("HalfCauchy", [[0.5, 2.0, 1.3]], [0.0, 1.5, 4.0]),
    ("Weibull", [[0.5, 2.0, 1.3], [0.7, 1.0, 3.2]], [0.1, 1.5, 1.0]),
    ("Pareto", [[0.5, 2.0, 1.3], [0.7, 1.5, 3.2]], [0.5, 2.5, 4.0]),
    ("InverseGamma", [[0.4, 1.5, 7.3], [0.5, 2.0, 1.3]], [0.2, 1.5, 0.4]),
    ("Gamma", [[0.4, 1.0, 7.3], [0.5, 2.0, 1.3]], [0.2, 1.5, 4.0]),
    ("Chi2", [[0.8, 3.0, 12.5]], [0.2, 1.5, 14.0]),
    ("Beta", [[0.4, 1.7, 7.3], [0.5, 2.0, 1.3]], [0.2, 0.5, 0.97]),
    ("Dirichlet", [[[0.4, 1.7, 7.3], [1.5, 1.2, 2.0]]], [[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]),
    ("Poisson", [[0.4, 1.7, 17.3]], [0.0, 3.0, 20.0]),
    ("Bernoulli", [[0.4, 0.7, 0.999]], [0.0, 1.0, 1.0]),
    ("Bernoulli", {"logits": [-30.0, 0.7, 5.0]}, [0.0, 1.0, 0.0]),
    ("Geometric", [[0.4, 0.7, 0.05]], [0.0, 1.0, 17.0]),
    ("Geometric", {"logits": [-3.0, 0.7, 1.0]}, [0.0, 1.0, 4.0]),
    ("Binomial", [7, [0.4, 0.7, 0.05]], [0.0, 7.0, 2.0]),
    ("Binomial", {"totalCount": 12, "logits": [-3.0, 0.7, 1.0]}, [0.0, 7.0, 12.0]),
    ("NegativeBinomial", [[0.5, 3.0, 7.0], [0.4, 0.7, 0.05]], [0.0, 7.0, 2.0]),
    ("NegativeBinomial", {"totalCount": 4.0, "logits": [-3.0, 0.7, 1.0]}, [0.0, 7.0, 12.0]),
    ("Categorical", [[[0.2, 0.5, 0.3], [4.0, 1.0, 3.0]]], [2, 0]),
    ("Categorical", {"logits": [[0.2, -0.5, 0.3], [4.0, 1.0, 3.0]]}, [[2, 0], [1, 1]]),
    ("OneHotCategorical", [[[0.2, 0.5, 0.3], [4.0, 1.0, 3.0]]], [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
    ("Multinomial", [5, [[0.2, 0.5, 0.3], [4.0, 1.0, 3.0]]], [[1.0, 2.0, 2.0], [0.0, 0.0, 5.0]]),
    ("Multinomial", {"totalCount": 3, "logits": [[0.2, -0.5, 0.3]]}, [[1.0, 2.0, 0.0]]),
]

PAIRS = [
    ("Normal", [[0.3, -1.2], [0.5, 2.0]], [[0.1, 3.0], [0.7, 1.5]]),
    ("LogNormal", [[0.3, -1.2], [0.5, 2.0]], [[0.1, 3.0], [0.7, 1.5]]),
    ("HalfNormal", [[0.5, 2.0]], [[0.7, 1.5]]),
    ("Laplace", [[0.3, -1.2], [0.5, 2.0]], [[0.1, 3.0], [0.7, 1.5]]),
    ("Gumbel", [[0.3, -1.2], [0.5, 2.0]], [[0.1, 3.0], [0.7, 1.5]]),
    ("Cauchy", [[0.3, -1.2], [0.5, 2.0]], [[0.1, 3.0], [0.7, 1.5]]),
    ("Exponential", [[0.5, 2.0]], [[0.7, 1.5]]),
    ("Gamma", [[0.4, 7.3], [0.5, 2.0]], [[0.9, 3.0], [0.7, 1.5]]),
    ("Beta", [[0.4, 7.3], [0.5, 2.0]], [[0.9, 3.0], [0.7, 1.5]]),
    ("Dirichlet", [[[0.4, 1.7, 7.3], [1.5, 1.2, 2.0]]], [[[0.9, 1.0, 3.0], [1.0, 2.0, 0.5]]]),
    ("Uniform", [[0.0, -1.0], [1.0, 2.0]], [[-1.0, -0.5], [1.5, 3.0]]),
    ("Poisson", [[0.4, 7.3]], [[0.9, 3.0]]),
    ("Pareto", [[0.5, 2.0], [0.7, 1.5]], [[0.4, 1.0], [1.5, 2.0]]),
    ("Bernoulli", [[0.4, 0.7]], [[0.9, 0.2]]),
    ("Bernoulli", [[0.0, 1.0, 0.3]], [[0.5, 0.5, 0.0]]),
    ("Geometric", [[0.4, 0.7]], [[0.9, 0.2]]),
    ("Binomial", [6, [0.4, 0.7]], [6, [0.9, 0.2]]),
    ("Categorical", [[[0.2, 0.5, 0.3], [4.0, 1.0, 3.0]]], [[[0.3, 0.3, 0.4], [1.0, 1.0, 1.0]]]),
    ("OneHotCategorical", [[0.2, 0.5, 0.3]], [[0.3, 0.3, 0.4]]),
]

P = [0.05, 0.5, 0.9]
out = {"cases": [], "kl": []}
for name, args, value in CASES:
    made = tensors(args)
    d = make(name, made)
    v = torch.tensor(value)
    row = dict(name=name, args=args, value=value)
    row["batchShape"], row["eventShape"] = list(d.batch_shape), list(d.event_shape)
    row["logProb"] = plain(d.log_prob(v).detach())
    row["logProbGradients"] = gradients(lambda: d.log_prob(v), made)
    for prop in ("mean", "variance", "stddev"):
        row[prop] = attempt(lambda: getattr(d, prop).detach())
    row["entropy"] = attempt(lambda: d.entropy().detach())
    if row["entropy"] is not None:
        row["entropyGradients"] = gradients(lambda: make(name, made).entropy(), made)
    row["cdf"] = attempt(lambda: d.cdf(v).detach()) if name not in ("Gamma", "Chi2", "InverseGamma") else None
    row["icdf"] = attempt(lambda: torch.stack([d.icdf(torch.tensor(p)) for p in P]).detach())
    out["cases"].append(row)
for name, p, q in PAIRS:
    ps, qs = tensors(p), tensors(q)
    k = D.kl_divergence(make(name, ps), make(name, qs))
    both = [*ps, *qs]
    out["kl"].append(dict(name=name, p=p, q=q, value=plain(k.detach()),
                          gradients=gradients(lambda: D.kl_divergence(make(name, ps), make(name, qs)), both)))
print(json.dumps(out))
