"""Where R stops early, so that its own numbers can be told from the exact ones that the library
gives.

fisher.test searches with uniroot's default tolerance (.Machine$double.eps^0.25: four digits).
summary.glm takes the covariance at the step before the last. confint.glm interpolates the profile
in a grid. Each is followed here as in R 4.2.2 (src/library/stats/src/zeroin.c and splines.c,
glm.fit, MASS 7.3 profile.glm), and comes to R's digits.
"""

import math

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
    """fisher.test's search on either side of one, the odds ratio or its reciprocal lying between 0
    and 1.
    """
    at_one = function(1.0)
    if at_one == 0:
        return 1.0
    if (at_one > 0) == (function(EPSILON) < 0):
        return uniroot(function, 0.0, 1.0)
    return 1 / uniroot(lambda t: function(1 / t), EPSILON, 1.0)


def glm(x, y, offset=0.0, eta=None, epsilon=1e-14):
    """Coefficients, covariance and deviance by glm.fit, with the tolerance that the reference asked
    of it.
    """
    eta = np.log((y + 0.5) / 2 / (1 - (y + 0.5) / 2)) if eta is None else eta
    before = _deviance(eta, y)
    while True:
        mu = 1 / (1 + np.exp(-eta))
        weight = mu * (1 - mu)
        information = (x * weight[:, None]).T @ x
        beta = np.linalg.solve(information, x.T @ (weight * (eta - offset) + y - mu))
        eta = x @ beta + offset
        deviance = _deviance(eta, y)
        if abs(deviance - before) / (abs(deviance) + 0.1) < epsilon:
            return beta, np.linalg.inv(information), deviance
        before = deviance


def _deviance(eta, y):
    return 2 * float((np.logaddexp(0, eta) - y * eta).sum())


def confint(x, y, j):
    """Both 95 % profile limits of coefficient `j`, as MASS's confint.glm finds them."""
    beta, covariance, deviance = glm(x, y)
    most = 2.4977054744123723  # sqrt(qchisq(1 - 0.05 / 4, 1))
    others = [k for k in range(len(beta)) if k != j]
    points = [(beta[j], 0.0)]
    for sign in (-1, 1):
        eta, step, z = x @ beta, 0, 0.0
        while (step := step + 1) < 10 and abs(z) < most:
            value = beta[j] + sign * step * most / 5 * math.sqrt(covariance[j, j])
            offset = x[:, j] * value
            rest, _, larger = glm(x[:, others], y, offset, eta)
            eta = x[:, others] @ rest + offset
            z = sign * math.sqrt(larger - deviance)
            points.append((value, z))
    values, zs = np.array(sorted(points)).T
    grid = np.linspace(values[0], values[-1], 3 * len(values))
    return np.interp([-1.959963984540054, 1.959963984540054], fmm_spline(values, zs, grid), grid)


def fmm_spline(x, y, at):
    """The cubic spline of Forsythe, Malcolm and Moler: at each end the third derivative of a cubic
    through four points.
    """
    n, d = len(x), np.diff(x)
    slope = np.diff(y) / d
    matrix, right = np.zeros((n, n)), np.zeros(n)
    for i in range(1, n - 1):
        matrix[i, i - 1 : i + 2] = d[i - 1], 2 * (d[i - 1] + d[i]), d[i]
        right[i] = slope[i] - slope[i - 1]
    matrix[0, :2] = -d[0], d[0]
    matrix[-1, -2:] = d[-1], -d[-1]
    right[0] = (right[2] / (x[3] - x[1]) - right[1] / (x[2] - x[0])) * d[0] ** 2 / (x[3] - x[0])
    third = right[-2] / (x[-1] - x[-3]) - right[-3] / (x[-2] - x[-4])
    right[-1] = -third * d[-1] ** 2 / (x[-1] - x[-4])
    c = np.linalg.solve(matrix, right)
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, n - 2)
    b = slope[i] - d[i] * (c[i + 1] + 2 * c[i])
    h = at - x[i]
    return y[i] + h * (b + h * (3 * c[i] + h * (c[i + 1] - c[i]) / d[i]))
