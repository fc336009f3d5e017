"""Writes programs.json: random programs of views and in-place operations, and what PyTorch makes of them."""
import json, random, re, sys
import torch

random.seed(7)
snake = lambda name: re.sub('[A-Z]', lambda m: '_' + m.group(0).lower(), name)


def index(spec):
    def one(i):
        if isinstance(i, dict):
            if 'slice' in i: return slice(*i['slice'])
            if 'ellipsis' in i: return Ellipsis
            return torch.tensor(i['list'])
        return i
    return tuple(one(i) for i in spec)


def call(x, method, args):
    args = [torch.tensor(a['tensor'], dtype=torch.float32).reshape(a['shape']) if isinstance(a, dict) and 'tensor' in a else torch.tensor(a['mask'], dtype=torch.bool).reshape(a['shape']) if isinstance(a, dict) and 'mask' in a else a for a in args]
    if method == 'at': return x[index(args)]
    if method == 'set':
        x[index(args[:-1])] = args[-1]
        return x
    if method in ('mT', 'T', 'H', 'mH'): return getattr(x, method)
    return getattr(x, snake(method))(*args)


def dim(x): return random.randrange(-x.ndim, x.ndim)


def shapes(n):
    return random.choice({12: [[12], [3, 4], [2, 6], [2, 2, 3], [-1, 3], [4, 3]], 24: [[2, 3, 4], [24], [4, 6], [2, -1]], 6: [[6], [2, 3], [3, -1], [1, 6]]}.get(n, [[-1], [n], [1, n]]))


def anywhere(x):
    out = []
    for n in x.shape:
        k = random.randrange(4)
        if k == 0 and n: out.append(random.randrange(-n, n))
        elif k == 1: out.append({'slice': [random.randrange(0, max(n, 1)), None, random.choice([1, 1, 2])]})
        elif k == 2: out.append({'slice': [None, random.randrange(1, n + 1) if n else 0, 1]})
        else: break
    if random.random() < 0.2: out.append(None)
    if random.random() < 0.1: out.insert(0, {'ellipsis': True}) if len(out) == x.ndim else None
    return out


def a_view(x):
    n = x.numel()
    options = ['reshape', 'view', 'flatten', 'ravel', 'contiguous', 'detach', 'squeeze', 'expandAs', 'viewAs', 'clone', 'flip', 'roll', 'repeat', 'tile', 'movedim', 'permute', 'unsqueeze', 'at', 'at', 'at', 'positive', 'T', 'float']
    if x.ndim: options += ['transpose', 'swapaxes', 'swapdims', 'moveaxis', 'narrow', 'select', 'unbind', 'split', 'chunk', 'tensorSplit', 'unfold', 'unflatten', 'expand', 'broadcastTo', 'splitWithSizes', 'rot90' if x.ndim >= 2 else 'flip', 'indexSelect', 'cumsum']
    if x.ndim >= 2: options += ['diagonal', 'mT', 'adjoint', 'tril', 'hsplit', 'vsplit', 't']
    if x.ndim == 2: options += ['t', 'diag']
    m = random.choice(options)
    d = dim(x) if x.ndim else 0
    size = x.shape[d] if x.ndim else 1
    if m in ('reshape', 'view'): return m, [shapes(n)]
    if m in ('transpose', 'swapaxes', 'swapdims', 'movedim', 'moveaxis'): return m, [d, dim(x) if x.ndim else 0]
    if m == 'permute': return m, [random.sample(range(x.ndim), x.ndim)]
    if m == 'unsqueeze': return m, [random.randrange(-x.ndim - 1, x.ndim + 1)]
    if m == 'squeeze': return m, [] if random.random() < 0.5 or not x.ndim else [d]
    if m == 'narrow': s = random.randrange(size) if size else 0; return m, [d, s, random.randrange(size - s + 1)]
    if m == 'select': return m, [d, random.randrange(size) if size else 0]
    if m == 'unbind': return m, [d]
    if m in ('split', 'chunk', 'tensorSplit'): return m, [random.randrange(1, 4), d]
    if m == 'splitWithSizes': return 'split', [[1, size - 1], d] if size else [1, d]
    if m in ('hsplit', 'vsplit'): return m, [1]
    if m == 'unfold': w = random.randrange(1, size + 1) if size else 0; return m, [d, w, random.choice([1, max(w, 1)])]
    if m == 'unflatten': return m, [d, [1, -1]]
    if m in ('expand', 'broadcastTo'): return m, [[random.choice([1, 2])] + list(x.shape)]
    if m in ('expandAs', 'viewAs'): return m, [{'tensor': [0.0] * n, 'shape': list(x.shape)}]
    if m == 'flip': return m, [[d] if x.ndim else []]
    if m == 'roll': return m, [random.choice([0, 1]), d] if x.ndim else [0]
    if m in ('repeat', 'tile'): return m, [[1] * max(x.ndim, 1)]
    if m == 'rot90': return m, [random.choice([0, 4, 1])]
    if m == 'diagonal': return m, [random.choice([-1, 0, 1])]
    if m == 'diag': return m, [random.choice([0, 1])]
    if m == 'indexSelect': return 'at', [{'list': [0] if size else []}]
    if m == 'cumsum': return m, [d]
    if m == 'at': return m, anywhere(x)
    return m, []


def a_write(x):
    k = random.randrange(10)
    if k == 0: return 'add_', [1]
    if k == 1: return 'mul_', [2]
    if k == 2: return 'fill_', [random.randrange(-9, 9)]
    if k == 3: return 'zero_', []
    if k == 4: return 'copy_', [{'tensor': [float(100 + i) for i in range(x.numel())], 'shape': list(x.shape)}]
    if k == 5: return 'clampMin_', [random.randrange(20)]
    # PyTorch lets this one write what is repeated, and says that it will not for long
    if k == 6 and 0 not in x.stride(): return 'maskedFill_', [{'mask': (x.detach() > 5).flatten().tolist(), 'shape': list(x.shape)}, -1]
    if k == 7: return 'set', anywhere(x) + [random.randrange(50)]
    if k == 8 and x.ndim >= 2: return random.choice(['t_', 'transpose_', 'squeeze_', 'unsqueeze_']), []
    return 'neg_', []


def overlaps(x):
    # windows that overlap: PyTorch writes them without saying what that means
    if any(s == 0 and n > 1 for s, n in zip(x.stride(), x.shape)): return False
    places = torch.arange(x.untyped_storage().nbytes() // 4).as_strided(x.shape, x.stride(), x.storage_offset())
    return places.unique().numel() < x.numel()


def program():
    shape = random.choice([[3, 4], [2, 3, 4], [6], [12], [2, 2, 3], [4, 3], [1, 6], [], [3, 3]])
    n = 1
    for s in shape: n *= s
    x = torch.arange(n, dtype=torch.float32).reshape(shape)
    tensors, steps = [x], []
    for _ in range(random.randrange(4, 14)):
        at = random.randrange(len(tensors))
        x = tensors[at]
        making = random.random() < 0.6
        method, args = a_view(x) if making else a_write(x)
        if method in ('transpose_',): args = [0, 1]
        if method == 'unsqueeze_': args = [0]
        if method == 't_' and x.ndim > 2: continue
        if not making and overlaps(x): continue
        step = {'of': at, 'method': method, 'args': args}
        try:
            y = call(x, method, args)
            if making:
                parts = list(y) if isinstance(y, (tuple, list)) else [y]
                if not parts: continue
                step['take'] = random.randrange(len(parts)) if isinstance(y, (tuple, list)) else None
                y = parts[step['take'] or 0]
                # the same tensor, not a view of it: a new name for it is no case of its own
                if y is x: continue
                tensors.append(y)
        except (RuntimeError, IndexError, ValueError, TypeError) as e:
            step['error'] = str(e).split('\n')[0]
        steps.append(step)
    return {'shape': shape, 'steps': steps, 'values': [t.tolist() for t in tensors]}


def gradient(p):
    """Of the weighted sum of all tensors at the end, by the tensor that the program starts with."""
    # what is done to x.detach() reaches x in PyTorch, past its derivative
    if any(s['method'] == 'detach' for s in p['steps']): return None
    n = 1
    for s in p['shape']: n *= s
    leaf = torch.arange(n, dtype=torch.float32).reshape(p['shape']).requires_grad_()
    tensors = [leaf.clone()]
    try:
        for s in p['steps']:
            if 'error' in s: continue
            y = call(tensors[s['of']], s['method'], s['args'])
            if 'take' in s: tensors.append(y if s['take'] is None else y[s['take']])
        loss = sum(((i + 1) * t * torch.arange(1, t.numel() + 1).reshape(t.shape)).sum() for i, t in enumerate(tensors))
        return torch.autograd.grad(loss, leaf)[0].tolist()
    except RuntimeError:
        # PyTorch refuses to differentiate writes to one of several views that one function gave
        return None


out = [program() for _ in range(600)]
for p in out: p['gradient'] = gradient(p)
print(sum(p['gradient'] is not None for p in out), 'of', len(out), 'have a gradient')
with open(sys.argv[1], 'w') as f:
    f.write('[\n' + ',\n'.join(json.dumps(p, separators=(',', ':')) for p in out) + '\n]\n')
