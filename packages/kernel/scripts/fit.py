"""Fits the polynomials of src/math that are not taken from a published library, and prints them.

    python3 -m pip install mpmath==1.3.0 && python3 packages/kernel/scripts/fit.py > packages/kernel/scripts/fit.txt

Deterministic, in 60 digits: least squares over Chebyshev points for polynomials, a Remez exchange for rationals.
float32 coefficients are rounded one by one, lowest order first, each time refitting those that are still free, so that
rounding costs almost nothing. The number after each name is
the largest relative error of the rounded polynomial, in units of the dtype's epsilon (2^-24, 2^-53).
"""
import struct
from mpmath import mp, mpf, lu_solve, matrix, cos, pi, log, exp, sin, tan, erf, erfc, sqrt, nstr, expm1, sinh

mp.dps = 80


def round_to(x, dtype):
    # float64 -> float32 rounds twice; harmless here, the fit absorbs it
    return mpf(struct.unpack('f', struct.pack('f', float(x)))[0]) if dtype == 'float32' else mpf(float(x))


def chebyshev(a, b, n):
    return [(a + b) / 2 - (b - a) / 2 * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]


def fit(f, weight, basis, a, b):
    """coefficients c minimising the squares of weight(x) (f(x) - sum c_i basis_i(x)) over Chebyshev points of [a, b], which is nearly minimax"""
    n = len(basis)
    rows, rhs = [], []
    for x in chebyshev(a, b, 8 * n):
        w = weight(x)
        rows.append([w * g(x) for g in basis])
        rhs.append(w * f(x))
    A, y = matrix(rows), matrix(rhs)
    return lu_solve(A.T * A, A.T * y)


def polynomial(name, f, powers, a, b, dtype, relative_to=None, lead=lambda x: mpf(0)):
    """f(x) = lead(x) + sum c_p x^p with an error relative to relative_to(x)"""
    relative_to = relative_to or f
    weight = lambda x: 1 / relative_to(x)
    fixed = []
    for k in range(len(powers)):
        known = list(fixed)
        rest = lambda x: f(x) - lead(x) - sum(c * x ** p for c, p in zip(known, powers))
        c = fit(rest, weight, [(lambda x, p=p: x ** p) for p in powers[k:]], a, b)
        if dtype == 'float64':
            fixed = [round_to(v, dtype) for v in c]
            break
        fixed.append(round_to(c[0], dtype))
    eps = mpf(2) ** (-24 if dtype == 'float32' else -53)
    grid = [a + (b - a) * mpf(i) / 2000 for i in range(2001)]
    worst = max(abs((f(x) - lead(x) - sum(c * x ** p for c, p in zip(fixed, powers))) * weight(x)) for x in grid)
    print(f'# {name} {dtype} {nstr(worst / eps, 3)}')
    for p, c in zip(powers, fixed):
        print(f'  {float(c)!r}, // x^{p}')


def rational(name, f, m, n, a, b, dtype, iterations=40):
    """f(z) = P(z)/Q(z), degrees m and n, Q(0) = 1: Remez on the linearised error, reweighted by the last Q"""
    q = [mpf(1)] + [mpf(0)] * n
    value = lambda cs, z: sum(c * z ** i for i, c in enumerate(cs))
    count = m + 1 + n
    grid = [a + (b - a) * (1 - cos(pi * mpf(i) / (60 * count))) / 2 for i in range(60 * count + 1)]
    ys = [f(z) for z in grid]
    points = chebyshev(a, b, count + 1)
    best = None
    level = mpf(0)
    for _ in range(iterations):
        # P(z) - f(z) (Q(z) - 1) - s·E·f(z)·Qold(z) = f(z)
        rows, rhs = [], []
        for i, z in enumerate(points):
            y = f(z)
            rows.append([z ** k for k in range(m + 1)] + [-y * z ** k for k in range(1, n + 1)] + [(-1) ** i * y * value(q, z)])
            rhs.append(y)
        c = lu_solve(matrix(rows), matrix(rhs))
        p, q = [c[i] for i in range(m + 1)], [mpf(1)] + [c[m + 1 + i] for i in range(n)]
        error = [value(p, z) / (value(q, z) * y) - 1 for z, y in zip(grid, ys)]
        worst = max(abs(e) for e in error)
        if best is None or worst < best[0]:
            best = (worst, p, q)
        extrema = []
        for i, e in enumerate(error):
            if extrema and (e > 0) == (error[extrema[-1]] > 0):
                if abs(e) > abs(error[extrema[-1]]):
                    extrema[-1] = i
            else:
                extrema.append(i)
        while len(extrema) > count + 1:
            extrema.pop(0 if abs(error[extrema[0]]) < abs(error[extrema[-1]]) else -1)
        if len(extrema) == count + 1:
            points = [grid[i] for i in extrema]
    worst, p, q = best
    eps = mpf(2) ** (-24 if dtype == 'float32' else -53)
    p, q = [round_to(c, dtype) for c in p], [round_to(c, dtype) for c in q]
    after = max(abs(value(p, z) / (value(q, z) * y) - 1) for z, y in zip(grid, ys))
    print(f'# {name} {dtype} {nstr(worst / eps, 3)}, after rounding {nstr(after / eps, 3)}')
    print('  P', ', '.join(repr(float(c)) for c in p))
    print('  Q', ', '.join(repr(float(c)) for c in q))


half_ln2 = log(2) / 2 * (1 + mpf(2) ** -14)
tiny = mpf(10) ** -30
series = lambda g, x, at0: at0 if abs(x) < mpf(10) ** -20 else g(x)

# ln 2 and pi in parts that multiply exactly by a small integer
def parts(name, x, widths, dtype):
    """x in parts: each but the last truncated to that many bits"""
    out = []
    for w in widths:
        e = mp.floor(log(abs(x), 2))
        unit = mpf(2) ** (e - w + 1)
        p = mp.nint(x / unit) * unit
        out.append(p)
        x -= p
    out.append(round_to(x, dtype))
    print(f'# {name} {dtype}')
    print('  ', ', '.join(repr(float(p)) for p in out))


if __name__ == '__main__':
    parts('ln2', log(2), [15], 'float32')
    parts('ln2', log(2), [40], 'float64')
    parts('pi', pi, [11, 11, 11], 'float32')
    parts('pi/2', pi / 2, [11, 11, 11], 'float32')
    parts('pi', pi, [28, 28, 28], 'float64')
    parts('pi/2', pi / 2, [28, 28, 28], 'float64')
    # exp(r) = 1 + r + r² q(r)
    for dtype, top in (('float32', 6), ('float64', 11)):
        polynomial('exp', exp, list(range(2, top + 1)), -half_ln2, half_ln2, dtype, lead=lambda x: 1 + x)
    # expm1(r) = r + r² q(r), error relative to expm1
    for dtype, top in (('float32', 6), ('float64', 12)):
        polynomial('expm1', lambda x: series(lambda y: expm1(y) / y - 1, x, mpf(0)), list(range(1, top)), -half_ln2, half_ln2, dtype, relative_to=lambda x: series(lambda y: expm1(y) / y, x, mpf(1)))
    # 2^r = 1 + r q(r)
    polynomial('exp2', lambda r: mpf(2) ** r, list(range(1, 7)), mpf(-0.5), mpf(0.5), 'float32', lead=lambda x: mpf(1))
    # sin r = r + r³ q(r²), as a function of z = r²
    for dtype, n in (('float32', 4), ('float64', 8)):
        b = (pi / 2 * (1 + mpf(2) ** -12)) ** 2
        polynomial('sin', lambda z: series(lambda y: sin(sqrt(y)) / sqrt(y), z, mpf(1)), list(range(1, n + 1)), tiny, b, dtype, lead=lambda z: mpf(1))
    # tan r = r + r³ q(r²)
    b = (pi / 4 * (1 + mpf(2) ** -12)) ** 2
    polynomial('tan', lambda z: series(lambda y: tan(sqrt(y)) / sqrt(y), z, mpf(1)), list(range(1, 7)), tiny, b, 'float32', lead=lambda z: mpf(1))
    # sinh x = x + x³ q(x²), |x| <= 1
    polynomial('sinh', lambda z: series(lambda y: sinh(sqrt(y)) / sqrt(y), z, mpf(1)), list(range(1, 8)), tiny, mpf(1.0001), 'float64', lead=lambda z: mpf(1))
    # float32 erf x = x + x q(x²) on |x| ≤ 0.92; beyond, erfc x = exp(-x - x q(x))
    polynomial('erf', lambda z: series(lambda y: erf(sqrt(y)) / sqrt(y), z, 2 / sqrt(pi)), list(range(6)), tiny, mpf(0.925) ** 2, 'float32', lead=lambda z: mpf(1))
    g = lambda x: -log(erfc(x)) / x
    polynomial('log erfc', g, list(range(7)), mpf(0.915), mpf(4), 'float32', relative_to=lambda x: erf(x) / erfc(x) / x, lead=lambda x: mpf(1))
    # float64 erf on [0, 1]; erfc(x) = exp(-x²) / (1 + 2x) · w(t) with t = (x - 4)/(x + 4) on [1/2, 27.3]
    rational('erf', lambda z: series(lambda y: erf(sqrt(y)) / sqrt(y), z, 2 / sqrt(pi)), 5, 5, tiny, mpf(1), 'float64')
    back = lambda t: 4 * (1 + t) / (1 - t)
    w = lambda t: exp(back(t) ** 2) * erfc(back(t)) * (1 + 2 * back(t))
    for n in (20,):
        polynomial('erfc', w, list(range(n + 1)), mpf(-3.5) / mpf(4.5), mpf(23.5) / mpf(31.5), 'float64')
