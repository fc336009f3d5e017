"""Writes test/math/reference.json.gz: exact values of the float64 functions, for the accuracy tests.

    python3 -m pip install mpmath==1.3.0 && python3 packages/kernel/scripts/reference.py

Per function: inputs, correctly rounded outputs, and what rounding left over in 1/200 ULP (int8). Deterministic.
"""
import base64
import gzip
import json
import math
import random
import struct
from mpmath import mp, mpf
from pathlib import Path

COUNT = 1000
INF = math.inf


def bits(b):
    return struct.unpack('<d', struct.pack('<Q', b & (2**64 - 1)))[0]


def pattern(rng):
    while True:
        x = bits(rng.getrandbits(64))
        if not math.isnan(x) and not math.isinf(x):
            return x


def near(x, rng):
    for _ in range(rng.randrange(3)):
        x = math.nextafter(x, rng.choice([-INF, INF]))
    return x


def log_uniform(rng, low=-40, high=10):
    return rng.choice([-1, 1]) * 2 ** rng.uniform(low, high)


def multiples(rng):
    mp.prec = 1200
    n = int(2 ** rng.uniform(0, 40)) if rng.random() < 0.9 else rng.getrandbits(rng.randrange(1, 900))
    return near(float(mpf(n) * mp.pi / 2), rng)


def exponents(rng):
    return rng.choice([rng.uniform(-746, 711), rng.uniform(-1, 1), rng.uniform(-30, 30), near(rng.choice([709.782712893384, -708.3964185322641, -745.1332191019411, 710.4758600739439]), rng)])


def near_one(rng):
    return 1 + log_uniform(rng, -53, -1)


large = lambda rng: log_uniform(rng, -1, 90)
unit = lambda rng: rng.choice([rng.uniform(-1, 1), near(rng.choice([-1, 1, 0.5, -0.5]), rng), 1 - 2 ** rng.uniform(-50, -1)])
trig = [multiples, multiples, lambda rng: rng.uniform(-10, 10), log_uniform]
wide = lambda rng: rng.uniform(-7, 28)
# name: (function in mpmath, samplers beside bit patterns)
unary = {
    'exp': (mp.exp, [exponents]), 'exp2': (lambda x: mpf(2) ** x, [lambda r: exponents(r) * 1.4427]), 'expm1': (mp.expm1, [exponents, log_uniform]),
    'log': (mp.log, [near_one, lambda r: abs(log_uniform(r))]), 'log2': (lambda x: mp.log(x, 2), [near_one, lambda r: abs(log_uniform(r))]),
    'log10': (mp.log10, [near_one, lambda r: abs(log_uniform(r))]), 'log1p': (mp.log1p, [unit, log_uniform, lambda r: near_one(r) - 2]),
    'sin': (mp.sin, trig), 'cos': (mp.cos, trig), 'tan': (mp.tan, trig),
    'asin': (mp.asin, [unit, unit, log_uniform]), 'acos': (mp.acos, [unit, unit, log_uniform]), 'atan': (mp.atan, [log_uniform, unit]),
    'sinh': (mp.sinh, [exponents, log_uniform]), 'cosh': (mp.cosh, [exponents]), 'tanh': (mp.tanh, [log_uniform, unit, lambda r: r.uniform(-23, 23)]),
    'asinh': (mp.asinh, [log_uniform, large]), 'acosh': (mp.acosh, [near_one, lambda r: abs(large(r))]), 'atanh': (mp.atanh, [unit, unit, log_uniform]),
    'erf': (mp.erf, [lambda r: r.uniform(-6.5, 6.5), log_uniform]), 'erfc': (mp.erfc, [wide, wide, log_uniform]),
}


def base(rng):
    return rng.choice([pattern(rng), near_one(rng), log_uniform(rng), rng.uniform(0, 10), float(rng.randrange(-20, 20)), near(1.0, rng)])


def exponent(rng, x):
    y = rng.choice([pattern(rng), log_uniform(rng), rng.uniform(-20, 20), float(rng.randrange(-20, 20))])
    if rng.random() < 0.6 and x not in (0, 1, -1):
        # results over the whole range, subnormals included
        y = rng.uniform(-1078, 1025) / math.log2(abs(x))
    return float(round(y)) if x < 0 and abs(y) < 1e15 else y


def rounded(y):
    """nearest float64, ties to even, and the rest in ULP"""
    if y == 0:
        return 0.0, 0
    if y == mp.inf or y == -mp.inf:
        return float(y), 0
    e = max(mp.frexp(abs(y))[1] - 53, -1074)
    scaled = mp.ldexp(y, -e)
    n = mp.nint(scaled)
    if n == 0:
        return (0.0 if y > 0 else -0.0), int(mp.nint((scaled - n) * 200))
    if mp.frexp(abs(n))[1] + e > 1024:
        return (INF if y > 0 else -INF), 0
    return math.ldexp(int(n), int(e)), int(mp.nint((scaled - n) * 200))


def truth(f, *xs):
    # beyond these sizes the results are known, and mpmath would work for ever
    mp.prec = 400 + 2 * max(abs(math.frexp(x)[1]) for x in xs)
    try:
        y = f(*[mpf(x) for x in xs])
    except (ValueError, ZeroDivisionError):
        return None
    return rounded(y) if isinstance(y, mpf) and not mp.isnan(y) else None


def far(name, x):
    """an argument whose result has over- or underflown, or reached its limit"""
    return (name in ('exp', 'expm1', 'sinh', 'cosh', 'erf', 'erfc', 'tanh') and abs(x) > 800) or (name == 'exp2' and abs(x) > 1200)


def main():
    out = {}
    for name, (f, samplers) in unary.items():
        rng = random.Random(name)
        rows = []
        while len(rows) < COUNT:
            x = (rng.choice(samplers) if rng.random() < 0.85 else pattern)(rng)
            if far(name, x) or (abs(x) > 1e30 and name == 'asinh'):
                continue
            y = truth(f, x)
            if y:
                rows.append((x, *y))
        if name in ('sin', 'cos', 'tan'):
            x = math.ldexp(6381956970095103, 797)  # the float64 nearest to a multiple of pi/2 (Muller)
            rows[-1] = (x, *truth(f, x))
        out[name] = rows
    for name in ('pow', 'atan2'):
        rng = random.Random(name)
        rows = []
        while len(rows) < 2 * COUNT:
            if name == 'pow':
                x = base(rng)
                y = exponent(rng, x)
                if x == 0 or x == 1 or y == 0 or abs(y * math.log2(abs(x))) > 2000:
                    continue
                z = truth(lambda a, b: a**b, x, y)
            else:
                y = rng.choice([pattern(rng), log_uniform(rng)])
                x = rng.choice([pattern(rng), y * log_uniform(rng, -3, 3), log_uniform(rng), near(y, rng)])
                if x == 0 or y == 0 or math.isinf(x):
                    continue
                z = truth(mp.atan2, y, x)
                x, y = y, x
            if z:
                rows.append((x, y, *z))
        out[name] = rows
    pack = lambda xs, f: base64.b64encode(struct.pack(f'<{len(xs)}{f}', *xs)).decode()
    data = {}
    for name, rows in out.items():
        columns = list(zip(*rows))
        data[name] = {'inputs': [pack(c, 'd') for c in columns[:-2]], 'output': pack(columns[-2], 'd'), 'rest': pack(columns[-1], 'b')}
    path = Path(__file__).parent.parent / 'test' / 'math' / 'reference.json.gz'
    path.write_bytes(gzip.compress(json.dumps(data, indent=0).encode(), 9, mtime=0))


main()
