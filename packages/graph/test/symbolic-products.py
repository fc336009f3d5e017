# Writes symbolic-products.json: derivatives of running products and sums of exponentials by PyTorch 2.13, first and second
# order in one direction, at sizes and values that a graph traced elsewhere has not seen.
import json
import torch
from torch.func import grad, hessian

torch.manual_seed(5)
functions = {
    'prod': lambda x: x.prod(1),
    'prod of all': lambda x: x.prod(),
    'cumprod': lambda x: x.cumprod(1),
    'cumprod of rows': lambda x: x.cumprod(0),
    'logcumsumexp': lambda x: x.logcumsumexp(1),
}


def zeroed(x, count):
    x = x.clone()
    x.view(-1)[: count * 2 : 2] = 0
    return x


cases = []
for name, f in functions.items():
    for shape in [(3, 0), (0, 3), (2, 1), (3, 2), (2, 5), (1, 9)]:
        for zeros in [0, 1, 2]:
            n = shape[0] * shape[1]
            if zeros * 2 > n + 1:
                continue
            x = zeroed(torch.rand(shape, dtype=torch.float64) * 2 - 1, zeros)
            v = torch.rand(shape, dtype=torch.float64)
            w = torch.rand(f(x).shape, dtype=torch.float64)
            g = grad(lambda t: (f(t) * w).sum())
            # central differences of the gradient, where autograd's own second derivative divides by zero
            h = grad(lambda t: (g(t) * v).sum())(x) if not (zeros and 'prod' in name) else (g(x + 1e-6 * v) - g(x - 1e-6 * v)) / 2e-6
            cases.append({'f': name, 'shape': shape, 'x': x.flatten().tolist(), 'v': v.flatten().tolist(), 'w': w.flatten().tolist(),
                          'wShape': list(w.shape), 'grad': g(x).flatten().tolist(), 'second': h.flatten().tolist()})
with open(__file__.replace('.py', '.json'), 'w') as out:
    json.dump(cases, out)
print(len(cases))
