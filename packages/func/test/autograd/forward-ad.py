"""Expected values of forward-ad.test.ts: python forward-ad.py > forward-ad.json"""
import json

import torch
import torch.autograd.forward_ad as fw

torch.manual_seed(3)
double = torch.float64
w = torch.randn(3, 5, dtype=double)


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x * x * g

    @staticmethod
    def jvp(ctx, dx):
        (x,) = ctx.saved_tensors
        return 3 * x * x * dx


def in_place(x):
    # what the writes of the test amount to: PyTorch's own reverse mode refuses tangents of several writes
    y = x * x.sin()
    y = torch.cat([y[:1], y[1:4] * x[0], y[4:]])
    return y * torch.tensor([2, 1, 2, 1, 2], dtype=double)


functions = {
    'elementwise': lambda x: (x.sin() * x.exp()).tanh(),
    'products': lambda x: (w @ x).cos() / (w @ x).exp(),
    'a cumulative sum of powers': lambda x: (x**3).cumsum(0),
    'parts': lambda x: torch.cat([x[1:], x[:2] * x[3]]).reshape(3, 2).t() / (1 + x[2] ** 2),
    'writes in place': in_place,
    'a sort': lambda x: x.sort()[0] * x,
    'a rule by hand': lambda x: Cube.apply(x.sin()) * x,
    'no grad inside': lambda x: x * x.detach() * x,
}
x = torch.randn(5, dtype=double)
v = torch.randn(5, dtype=double)
c = {name: torch.randn(f(x).shape, dtype=double) for name, f in functions.items()}
out = {'w': w, 'x': x, 'v': v, 'cases': {}}
for name, f in functions.items():
    leaf = x.clone().requires_grad_()
    t = v.clone().requires_grad_()
    with fw.dual_level():
        y, dy = fw.unpack_dual(f(fw.make_dual(leaf, t)))
        # reverse over forward
        by_x, by_t = torch.autograd.grad((dy * c[name]).sum(), [leaf, t])
        # forward over reverse, and the gradient of that
        (g,) = torch.autograd.grad((f(fw.make_dual(leaf, v)) * c[name]).sum(), leaf, create_graph=True)
        g, dg = fw.unpack_dual(g)
        (third,) = torch.autograd.grad((dg * v).sum(), leaf)
        out['cases'][name] = {'c': c[name], 'y': y, 'dy': dy, 'byX': by_x, 'byT': by_t, 'g': g, 'dg': dg, 'third': third}


def plain(z):
    # a sum, as PyTorch's zeros that are known to be zeros have no elements
    return {k: plain(u) for k, u in z.items()} if isinstance(z, dict) else (torch.zeros(z.shape) + z.detach()).tolist()


print(json.dumps(plain(out)))
