"""Expected values of autograd.test.ts, by PyTorch 2.13 in float64: python expected.py > expected.json"""
import json, torch
from torch import tensor, autograd
from torch.func import vmap, grad, jvp

torch.set_default_dtype(torch.float64)

def numbers(n, scale=1.0, shift=0.0):
    # the same list in the test: x_i = sin(1.7 i + 0.3) * scale + shift
    return torch.sin(torch.arange(n) * 1.7 + 0.3) * scale + shift

out = {}
lst = lambda t: t.detach().tolist()

# a multilayer perceptron, four steps of gradient descent
w1 = numbers(20).reshape(4, 5).clone().requires_grad_()
b1 = numbers(4, 0.1).clone().requires_grad_()
w2 = numbers(12, 0.5).reshape(3, 4).clone().requires_grad_()
x = numbers(35, 1.5).reshape(7, 5)
y = numbers(21, 0.7).reshape(7, 3)
losses = []
for _ in range(4):
    loss = ((torch.tanh(x @ w1.T + b1) @ w2.T - y) ** 2).mean()
    loss.backward()
    losses.append(loss.item())
    with torch.no_grad():
        for p in (w1, b1, w2):
            p -= 0.3 * p.grad
            p.grad = None
out["mlp"] = {"losses": losses, "w1": lst(w1), "b1": lst(b1), "w2": lst(w2)}

# gradient penalty
w = numbers(6).reshape(2, 3).clone().requires_grad_()
x = numbers(3, 1.0, 0.2).clone().requires_grad_()
f = torch.sin(w @ x).prod() + (w ** 3).sum() * x[0]
(gx,) = autograd.grad(f, x, create_graph=True)
(f + gx.pow(2).sum()).backward()
out["penalty"] = {"gx": lst(gx), "w": lst(w.grad), "x": lst(x.grad)}

# three orders
x = numbers(4, 0.5, 1.0).clone().requires_grad_()
g = (x.log() * x.roll(1)).sum()
orders = []
for _ in range(3):
    (g,) = autograd.grad(g, x, create_graph=True)
    orders.append(lst(g))
    g = (g * numbers(4)).sum()
out["orders"] = orders

# in-place operations and views
a = numbers(6).reshape(2, 3).clone().requires_grad_()
b = a * 2
b[0].mul_(a[1])
b[:, 1].add_(a[:, 2].exp())
b.t()[2].copy_(a[:, 0] ** 2)
s = (b * numbers(6, 1.0, 0.5).reshape(2, 3)).sum()
s.backward()
out["inplace"] = {"value": s.item(), "grad": lst(a.grad)}

# hooks, retained gradients, accumulation
a = numbers(3).clone().requires_grad_()
h = a.exp()
h.retain_grad()
h.register_hook(lambda g: g * 2)
(h ** 2).sum().backward()
first = lst(a.grad)
(a ** 3).sum().backward()
out["hooks"] = {"h": lst(h.grad), "first": first, "second": lst(a.grad)}

# transforms inside: torch.func below which tensors require gradients
a = numbers(5).clone().requires_grad_()
m = numbers(15).reshape(3, 5)
r = vmap(lambda row: (row * a).sin().sum())(m)
(r ** 2).sum().backward()
v = lst(a.grad)
a.grad = None
r = grad(lambda t: (t * a).sin().sum())(m[0])
(r * m[1]).sum().backward()
g = lst(a.grad)
a.grad = None
_, t = jvp(lambda t: (t * a).sin(), (m[0],), (m[1],))
(t ** 2).sum().backward()
j = lst(a.grad)
out["transforms"] = {"vmap": v, "grad": g, "jvp": j}

# batches of cotangents, and vmap over autograd.grad
a = numbers(3).clone().requires_grad_()
z = torch.outer(a, a).sin().sum(0)
rows = autograd.grad(z, a, torch.eye(3), is_grads_batched=True, retain_graph=True)[0]
out["batched"] = lst(rows)
print(json.dumps(out, indent=1))
