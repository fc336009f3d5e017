# Makes dims.json: programs with first-class dimensions, run with functorch.dim of torch 2.13.
#   python dims.py > dims.json
import json

import torch
from functorch.dim import cat, dimlists, dims, softmax, stack

torch.manual_seed(7)
cases = {}


def num(*shape):
    return (torch.randn(*shape, dtype=torch.float64) * 100).round() / 100


def plain(x):
    if isinstance(x, torch.Tensor):
        return x.tolist()
    return [plain(y) for y in x]


def case(name, f, *inputs, grad=None):
    entry = {"inputs": [plain(x) for x in inputs], "out": plain(f(*inputs))}
    if grad is not None:
        g = torch.func.grad(lambda *xs: (f(*xs) * f(*xs).detach().cos()).sum(), argnums=grad)(*inputs)
        entry["grad"] = plain(g)
    cases[name] = entry


def mm(a, b):
    i, j, k = dims(3)
    return (a[i, k] * b[k, j]).sum(k).order(i, j)


case("mm", mm, num(3, 5), num(5, 2), grad=(0, 1))


def bmm(a, b):
    i = dims(1)
    return mm(a[i], b[i]).order(i)


case("bmm", bmm, num(4, 3, 5), num(4, 5, 2), grad=(0, 1))


def gram(y):
    b, c, c2, h, w = dims(5)
    r = (y[b, c, h, w] * y[b, c2, h, w]).sum((h, w))
    r = r / (h.size * w.size)
    return r.order(b, c, c2)


case("gram", gram, num(2, 3, 4, 5), grad=(0,))


def attention(K, Q, V):
    batch, channel, key, query = dims(4)
    k = K[batch, channel, key]
    q = Q[batch, channel, query]
    v = V[batch, channel, key]
    a = (k * q).sum(channel)
    a = softmax(a * (channel.size**-0.5), dim=key)
    r = (v * a).sum(key)
    return torch.cat((r.order(batch, channel, query), Q), dim=1)


case("attention", attention, num(2, 3, 4), num(2, 3, 5), num(2, 3, 4), grad=(0, 1, 2))


def pixel_shuffle(img):
    h2, w2, c, b, h, w = dims(6)
    h2.size = w2.size = 2
    return img[b, (c, h2, w2), h, w].order(b, c, (h, h2), (w, w2))


case("pixelShuffle", pixel_shuffle, num(2, 12, 3, 5), grad=(0,))


def multihead(q, k, v):
    batch, query, key, heads, features = dims(5)
    heads.size = 3
    q = q[batch, query, [heads, features]]
    k = k[batch, key, [heads, features]]
    v = v[batch, key, [heads, features]]
    scores = (q * k).sum(features) * (features.size**-0.5)
    probs = softmax(scores, dim=key)
    return (probs * v).sum(key).order(batch, query, [heads, features])


case("multihead", multihead, num(2, 4, 6), num(2, 5, 6), num(2, 5, 6), grad=(0, 1, 2))


def relative(q, k, table):
    batch, query, key, heads, features = dims(5)
    heads.size = 2
    q = q[batch, query, [heads, features]]
    k = k[batch, key, [heads, features]]
    distance = query - key
    positional = table[distance + table.size(0) // 2, features]
    a = (q * positional).sum(features)
    b = (k * positional).sum(features)
    return (a + b).order(batch, heads, key, query)


case("relative", relative, num(2, 3, 6), num(2, 3, 6), num(7, 3), grad=(0, 1, 2))

words = torch.tensor([[1, 0, 4, 3], [2, 2, 1, 0], [4, 4, 4, 4]])


def embedding_bag(weights):
    batch, sequence, features = dims(3)
    return weights[words[batch, sequence], features].sum(sequence).order(batch, features)


case("embeddingBag", embedding_bag, num(5, 3), grad=(0,))


def interpolate(img, ys, xs):
    b, p, c = dims(3)
    y, x = ys[b, p], xs[b, p]
    y0, x0 = y.floor().long(), x.floor().long()
    dy, dx = y - y.floor(), x - x.floor()

    def pixel(r, s):
        return img[b, r, s, c]

    top = pixel(y0, x0) * (1 - dx) + pixel(y0, x0 + 1) * dx
    bottom = pixel(y0 + 1, x0) * (1 - dx) + pixel(y0 + 1, x0 + 1) * dx
    return (top * (1 - dy) + bottom * dy).order(b, p, c)


case("interpolate", interpolate, num(2, 4, 5, 3), num(2, 6).abs() % 3, num(2, 6).abs() % 4, grad=(0, 1, 2))


def softmax_split(a):
    g, i = dims(sizes=[2, None])
    a2 = a[[i, g],]
    m_b, _ = a2.max(i)
    f_b = torch.exp(a2 - m_b)
    l_b = f_b.sum(i)
    m, _ = m_b.max(g)
    c = torch.exp(m_b - m)
    f = (c * f_b).order((i, g))
    total = (c * l_b).sum(g)
    return f / total


case("softmaxSplit", softmax_split, num(14))


def triu(a):
    i, j = dims(2)
    x = a[i, j]
    return torch.where(i <= j, x, torch.zeros((), dtype=a.dtype)).order(i, j)


case("triu", triu, num(3, 5), grad=(0,))


def diff(a):
    (i,) = [dims(1)]
    x = a[i]
    return torch.where(i - 1 >= 0, x - a[i - 1], x).order(i)


case("diff", diff, num(6), grad=(0,))


def roll(a):
    i = dims(sizes=[a.size(0)])
    return a[torch.where(i + 1 < i.size, i + 1, 0)].order(i)


case("roll", roll, num(5), grad=(0,))


def flip(a):
    i = dims(sizes=[a.size(0)])
    return a[i.size - i - 1].order(i)


case("flip", flip, num(5), grad=(0,))

lengths = torch.tensor([2, 0, 5])


def sequence_mask(values):
    j, i = dims(2)
    v = values[i, j]
    return torch.where(j < lengths[i], v, torch.zeros((), dtype=v.dtype)).order(i, j)


case("sequenceMask", sequence_mask, num(3, 5), grad=(0,))


def vstack(a, b):
    v, i = dims(sizes=[2, None])
    return torch.where(v == 0, a[i], b[i]).order(v, i)


case("vstack", vstack, num(4), num(4), grad=(0, 1))


def diagonal(a):
    i = dims(1)
    return a[i, i].order(i)


case("diagonal", diagonal, num(4, 4), grad=(0,))


def flattened(d):
    i, k, j = dims(3)
    return d[i, k, j].order((i, j)).order(k)


case("flattened", flattened, num(3, 4, 5), grad=(0,))


def joined(a):
    ik = dims(1)
    i, k = dims(2)
    return a.index((0, 2), ik).order(ik)


case("joinedAxes", joined, num(3, 4, 5), grad=(0,))


def resplit(a):
    i, k, o, l = dims(4)
    o.size = 2
    return a[i, k].index(k, (o, l)).order(i, o, l)


case("indexSplits", resplit, num(3, 6), grad=(0,))


def stacked(a, b):
    i, j, d = dims(3)
    return stack([a[i, j], b[j, i]], d, j).order(d, j, i)


case("stack", stacked, num(3, 4), num(4, 3), grad=(0, 1))


def joined_dims(a, b):
    i, j, d = dims(3)
    return cat([a[i, j], b[j, i]], j, d).order(d, i)


case("cat", joined_dims, num(3, 4), num(4, 3))


def pieces(a):
    s, c, x, y, z = dims(5)
    x.size = 3
    z.size = 1
    return [p.order(s, d) for p, d in zip(a[s, c].split((x, y, z), dim=c), (x, y, z))]


case("split", pieces, num(2, 7))


def placed(a):
    i, j = dims(sizes=[2, 4])
    return a[:, i + 0, :, j + 0].order(i, j)


case("indexPlacement", placed, num(1, 2, 3, 4), grad=(0,))


def lists(a):
    i = dims(1)
    rest = dimlists(1)
    return a[i, rest].order(*rest, i)


case("dimlist", lists, num(2, 3, 4))


def functions(a, b, c):
    i, j = dims(2)
    aa = torch.mm(a[i], c)
    bb = torch.mm(b[j], c)
    return torch.mm(aa.T, bb).order(i, j)


case("functions", functions, num(3, 4, 5), num(2, 4, 5), num(5, 2), grad=(0, 1, 2))


def statistics(a):
    i, j = dims(2)
    x = a[i, j]
    return [
        x.std(i, True).order(j),
        x.var(j).order(i),
        x.prod(i).order(j),
        x.logsumexp((i, j)),
        x.amax(j).order(i),
        x.cumsum(j).order(i, j),
        x.sort(i)[0].order(i, j),
        x.softmax(i).order(i, j),
        x.median(j)[0].order(i),
        x.mean((j, i)),
    ]


case("statistics", statistics, num(4, 5))


def updates(table, values):
    i, n, f = dims(3)
    index = torch.tensor([3, 1])
    table = table.clone()
    table[index[i], f] += values[i, f]
    return table


case("updates", updates, num(5, 3), num(2, 3))

print(json.dumps(cases))
