# Values for examples.test.ts: the programs of PyTorch's examples, without transforms, on inputs that the test makes too.
# python examples.py > examples.json
import json
import math

import torch

torch.set_default_dtype(torch.float64)


class Uniform:
    """The generator of the test: uniform numbers in (-1, 1)."""

    def __init__(self, state):
        self.state = state

    def __call__(self, *shape):
        out = []
        for _ in range(math.prod(shape)):
            self.state = self.state * 16807 % 2147483647
            out.append(self.state / 2147483647 * 2 - 1)
        return torch.tensor(out).reshape(shape)


def mlp(uniform, *sizes):
    return [[uniform(o, i).div(math.sqrt(i)).requires_grad_(), uniform(o).mul(0.1).requires_grad_()] for i, o in zip(sizes, sizes[1:])]


def flat(params):
    return [p for layer in params for p in layer]


def run(params, x, act):
    for k, (w, b) in enumerate(params):
        x = x @ w.T + b
        if k < len(params) - 1:
            x = act(x)
    return x


def maml():
    uniform = Uniform(11)
    params = mlp(uniform, 1, 40, 40, 1)
    tasks, k = 4, 10
    amplitudes, phases = uniform(tasks) * 2.45 + 2.55, (uniform(tasks) + 1) * math.pi / 2
    losses = []
    for a, p in zip(amplitudes, phases):
        x1, x2 = uniform(k, 1) * 5, uniform(k, 1) * 5
        y1, y2 = a * torch.sin(x1 + p), a * torch.sin(x2 + p)
        inner = torch.nn.functional.mse_loss(run(params, x1, torch.relu), y1)
        grads = torch.autograd.grad(inner, flat(params), create_graph=True)
        fast = [v - 0.1 * g for v, g in zip(flat(params), grads)]
        fast = [fast[i : i + 2] for i in range(0, len(fast), 2)]
        losses.append(torch.nn.functional.mse_loss(run(fast, x2, torch.relu), y2))
    loss = sum(losses) / tasks
    return {"losses": [v.item() for v in losses], "norms": [g.norm().item() for g in torch.autograd.grad(loss, flat(params))]}


def lennard_jones():
    uniform = Uniform(12)
    sigma, epsilon = 0.5, 4.0
    params = mlp(uniform, 1, 16, 16, 16, 16, 1)
    norms = torch.linspace(0.5, 1, 20).reshape(-1, 1)
    drs = torch.outer(norms.squeeze(1), torch.tensor([1.0, 0, 0]))
    energies = epsilon * ((sigma / norms) ** 12 - (sigma / norms) ** 6)
    forces = -epsilon * (-12 * sigma**12 / norms**13 + 6 * sigma**6 / norms**7) * drs
    model = lambda r: run(params, r, torch.tanh)
    derivs = torch.cat([torch.autograd.functional.jacobian(model, r, create_graph=True) for r in norms])
    predicted = -derivs * drs / norms
    mse = torch.nn.functional.mse_loss
    loss = mse(energies, model(norms)) + 0.01 * mse(forces, predicted) / 3
    grads = torch.autograd.grad(loss, flat(params), allow_unused=True)
    return {"loss": loss.item(), "forces": predicted[:, 0].tolist(), "norms": [g.norm().item() for g in grads]}


def ensemble():
    uniform = Uniform(13)
    n = 30
    ts = torch.linspace(0, 1, n)
    signs = torch.where(uniform(n) > 0, 1.0, -1.0)
    labels = (signs > 0).long()
    points = torch.stack([ts.sqrt() * signs * torch.cos(ts.sqrt() * 2 * math.pi), ts.sqrt() * signs * torch.sin(ts.sqrt() * 2 * math.pi)], 1)
    out = []
    for _ in range(3):
        params = mlp(uniform, 2, 32, 2)
        losses = []
        for _ in range(3):
            loss = torch.nn.functional.nll_loss(torch.log_softmax(run(params, points, torch.relu), -1), labels)
            grads = torch.autograd.grad(loss, flat(params))
            stepped = [(p - 0.2 * g).detach().requires_grad_() for p, g in zip(flat(params), grads)]
            params = [stepped[i : i + 2] for i in range(0, len(stepped), 2)]
            losses.append(loss.item())
        out.append({"losses": losses, "norms": [p.norm().item() for p in flat(params)]})
    return out


print(json.dumps({"maml": maml(), "lennardJones": lennard_jones(), "ensemble": ensemble()}))
