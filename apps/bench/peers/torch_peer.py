"""PyTorch's side of the benchmark: reads workload names from stdin, runs each for a while, answers with its times.

A line `{"name": "...", "ms": 300}` is answered by `{"times": [...]}`, milliseconds a call, one thread.
Data are the same deterministic numbers as on the other side (src/data.ts).
"""
import json, math, sys, time

import torch
import torch.nn.functional as F
from torch.func import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vmap

torch.set_num_threads(1)


def rnd(*shape, seed=1, scale=1.0):
    # the minimal standard generator in closed form: x_{i+1} = 16807 x_i mod (2^31 - 1)
    n = math.prod(shape)
    out, s = [], seed * 7919 + 17
    for _ in range(n):
        s = (s * 16807) % 2147483647
        out.append(((s / 2147483647) * 2 - 1) * scale)
    return torch.tensor(out, dtype=torch.float32).reshape(shape)


def matmul(m, k=None, n=None):
    a, b = rnd(m, k or m, seed=1), rnd(k or m, n or m, seed=2)
    return lambda: a @ b


def unary(f, n=1_000_000):
    x = rnd(n)
    return lambda: f(x)


def on_square(f):
    x = rnd(1024, 1024)
    return lambda: f(x)


def batched():
    a, b = rnd(8, 256, 256, seed=1), rnd(8, 256, 256, seed=2)
    return lambda: a @ b


def vmapped():
    a, b = rnd(8, 256, 256, seed=1), rnd(8, 256, 256, seed=2)
    f = vmap(torch.matmul)
    return lambda: f(a, b)


def tiny_add():
    x, y = rnd(8, seed=1), rnd(8, seed=2)
    return lambda: x + y


def tiny(make, *shape):
    f, x = make(), rnd(*shape)
    return lambda: f(x)


SIZES = [784, 512, 512, 10]


def mlp_params():
    return [(rnd(i, o, seed=k + 1, scale=1 / math.sqrt(i)), torch.zeros(o)) for k, (i, o) in enumerate(zip(SIZES, SIZES[1:]))]


def mlp(ps, x):
    for i, (w, b) in enumerate(ps):
        x = x @ w + b
        if i < len(ps) - 1:
            x = torch.relu(x)
    return x


def mlp_loss(ps, x, y):
    return F.cross_entropy(mlp(ps, x), y)


def train_step():
    ps, x, y = mlp_params(), rnd(128, 784, seed=9), torch.arange(128) % 10

    def step():
        g, _ = grad_and_value(mlp_loss)(ps, x, y)
        return [(w - 0.01 * gw, b - 0.01 * gb) for (w, b), (gw, gb) in zip(ps, g)]

    return step


def per_sample():
    ps, x, y = mlp_params(), rnd(64, 784, seed=9), torch.arange(64) % 10
    f = vmap(grad(mlp_loss), (None, 0, 0))
    return lambda: f(ps, x, y)


def quartic(n):
    w, x = rnd(n, n, seed=3, scale=0.2), rnd(n, seed=4)
    return lambda v: torch.tanh(w @ v).square().sum() + v.square().square().sum(), x


def hessian_64():
    f, x = quartic(64)
    h = hessian(f)
    return lambda: h(x)


def hvp():
    f, x = quartic(2048)
    return lambda: jvp(grad(f), (x,), (x,))


def jac(make, ins=256, outs=256):
    w, x = rnd(outs, ins, seed=3, scale=0.1), rnd(ins, seed=4)
    f = make(lambda x: torch.tanh(w @ x))
    return lambda: f(x)


WORKLOADS = {
    **{f"matmul {n}": (lambda n=n: matmul(n)) for n in (256, 257, 511, 512, 1001, 1024)},
    "matmul 128x784x512": lambda: matmul(128, 784, 512),
    "batched matmul 8x256": batched,
    "vmapped matmul 8x256": vmapped,
    "exp 1e6": lambda: unary(torch.exp),
    "log 1e6": lambda: unary(lambda x: torch.log(x.abs())),
    "sin 1e6": lambda: unary(torch.sin),
    "tanh 1e6": lambda: unary(torch.tanh),
    "add 1e6": lambda: unary(lambda x: x + x),
    "sum 1024x1024": lambda: on_square(torch.sum),
    "sum 1024x1024 dim 0": lambda: on_square(lambda x: x.sum(0)),
    "sum 1024x1024 dim 1": lambda: on_square(lambda x: x.sum(1)),
    "amax 1024x1024 dim 1": lambda: on_square(lambda x: x.amax(1)),
    "softmax 1024x1024": lambda: on_square(lambda x: torch.softmax(x, -1)),
    "transposed copy 1024x1024": lambda: on_square(lambda x: x.t().contiguous()),
    "cumsum 1024x1024": lambda: on_square(lambda x: x.cumsum(1)),
    "sort 1024x1024": lambda: on_square(lambda x: x.sort(1)),
    "[8] + [8]": tiny_add,
    "grad(sin)": lambda: tiny(lambda: grad(torch.sin)),
    "vmap(sin)": lambda: tiny(lambda: vmap(torch.sin), 8),
    "vmap(grad(sin))": lambda: tiny(lambda: vmap(grad(torch.sin)), 8),
    "jvp(sin)": lambda: tiny(lambda: lambda x: jvp(torch.sin, (x,), (x,)), 8),
    "jacrev(sin)": lambda: tiny(lambda: jacrev(torch.sin), 8),
    "jacrev 256x256": lambda: jac(jacrev),
    "jacfwd 256x256": lambda: jac(jacfwd),
    "jacfwd 32→2048": lambda: jac(jacfwd, 32, 2048),
    "jacobian 32→2048, picked by auto": lambda: jac(jacfwd, 32, 2048),
    "jacrev 2048→32": lambda: jac(jacrev, 2048, 32),
    "jacobian 2048→32, picked by auto": lambda: jac(jacrev, 2048, 32),
    "hessian 64": hessian_64,
    "hvp 2048": hvp,
    "MLP 784-512-512-10 step, batch 128": train_step,
    "per-sample gradients, batch 64": per_sample,
}


def run(f, ms):
    f()
    times, start = [], time.perf_counter()
    # very short calls are timed in groups, so that the clock costs nothing
    t = time.perf_counter()
    f()
    group = max(1, int(0.0002 / max(time.perf_counter() - t, 1e-7)))
    while (time.perf_counter() - start) * 1e3 < ms or len(times) < 5:
        t = time.perf_counter()
        for _ in range(group):
            f()
        times.append((time.perf_counter() - t) * 1e3 / group)
    return times


made = {}
print(json.dumps({"version": torch.__version__, "capability": torch.backends.cpu.get_cpu_capability()}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    name = request["name"]
    if name not in made:
        made.clear()
        made[name] = WORKLOADS[name]()
    print(json.dumps({"times": run(made[name], request["ms"])}), flush=True)
