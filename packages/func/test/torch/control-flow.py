# Values for control-flow-loops.test.ts and associative-scan.test.ts: PyTorch's own loops (RNN, cumsum, cumprod, cummax) and their gradients.
# python control-flow.py > control-flow.json
import json
import math

import torch

torch.set_default_dtype(torch.float64)


def uniform(state, *shape):
    out = []
    for _ in range(math.prod(shape)):
        state = state * 16807 % 2147483647
        out.append(state / 2147483647 * 2 - 1)
    return torch.tensor(out).reshape(shape)


rnn = torch.nn.RNN(3, 4, batch_first=False)
with torch.no_grad():
    for k, p in enumerate(rnn.parameters()):
        p.copy_(uniform(100 + k, *p.shape))
x, h = uniform(21, 5, 3).requires_grad_(), uniform(22, 1, 4).requires_grad_()
y, end = rnn(x, h)
(y * uniform(23, 5, 4)).sum().backward()
values = {
    "rnn": {
        "y": y.tolist(),
        "end": end[0].tolist(),
        "x": x.grad.tolist(),
        "h": h.grad[0].tolist(),
        "norms": [p.grad.norm().item() for p in rnn.parameters()],
    }
}

x = uniform(24, 2, 5, 3)
for name in ["cumsum", "cumprod", "logcumsumexp"]:
    for dim in [0, 1, -1]:
        z = x.clone().requires_grad_()
        y = getattr(torch, name)(z, dim)
        (y * torch.arange(y.numel()).reshape(y.shape)).sum().backward()
        values[f"{name} {dim}"] = {"y": y.flatten().tolist(), "x": z.grad.flatten().tolist()}
z = x.clone().requires_grad_()
values["cummax 1"] = {"y": torch.cummax(z, 1).values.flatten().tolist()}
print(json.dumps(values))
