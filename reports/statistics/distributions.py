"""Quantiles and tails of the t and the normal distribution, from scipy.special (scipy.stats is slow to import)."""


def t_quantile(p: float, df: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(df, p))


def t_two_sided_p(t: float, df: float) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(t)))


def normal_quantile(p: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(p))
