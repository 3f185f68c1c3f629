"""R's uniroot, with the tolerance that fisher.test leaves it: .Machine$double.eps^0.25, so four digits are right.

Brent 1973, as in R 4.2.2 (src/library/stats/src/zeroin.c). With it R's odds ratio follows from the exact function to 1e-9;
without it only to 1e-4.
"""

import numpy as np

EPSILON = float(np.finfo(float).eps)
TOLERANCE = EPSILON**0.25


def uniroot(f, lower, upper, tolerance=TOLERANCE):
    a, b = lower, upper
    fa, fb = f(a), f(b)
    c, fc = a, fa
    if fa == 0:
        return a
    while True:
        previous = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        enough = 2 * EPSILON * abs(b) + tolerance / 2
        step = (c - b) / 2
        if abs(step) <= enough or fb == 0:
            return b
        if abs(previous) >= enough and abs(fa) > abs(fb):
            step = interpolated(a, b, c, fa, fb, fc, step, previous, enough)
        if abs(step) < enough:
            step = enough if step > 0 else -enough
        a, fa = b, fb
        b += step
        fb = f(b)
        if (fb > 0) == (fc > 0) and fb != 0:
            c, fc = a, fa


def interpolated(a, b, c, fa, fb, fc, step, previous, enough):
    cb = c - b
    if a == c:
        t1 = fb / fa
        p, q = cb * t1, 1 - t1
    else:
        q, t1, t2 = fa / fc, fb / fc, fb / fa
        p = t2 * (cb * q * (q - t1) - (b - a) * (t1 - 1))
        q = (q - 1) * (t1 - 1) * (t2 - 1)
    if p > 0:
        q = -q
    else:
        p = -p
    fits = p < 0.75 * cb * q - abs(enough * q) / 2 and p < abs(previous * q / 2)
    return p / q if fits else step


def root_of_odds(function):
    """fisher.test's search on either side of one, the odds ratio or its reciprocal lying between 0 and 1."""
    at_one = function(1.0)
    if at_one == 0:
        return 1.0
    if (at_one > 0) == (function(EPSILON) < 0):
        return uniroot(function, 0.0, 1.0)
    return 1 / uniroot(lambda t: function(1 / t), EPSILON, 1.0)
