"""The data of a repeated-measures model, gathered once: cross-products by group and pattern of
missingness.

Subjects lie in a dense block (n, visits, columns of X and y), zeros where missing. For every
pattern the products of all pairs of visits are summed over its subjects; after that one pass
nothing depends on the number of subjects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


class Duplicate(ValueError):
    """A subject has two rows at one visit."""


@dataclass(frozen=True)
class Blocks:
    """`dense` (n, m, q) with q = p + 1, y last, subjects sorted by pattern; `starts` (P + 1,) marks
    the patterns in it.

    `observed` (P, m), `group` (P,), `counts` (P,), `products` (P, m, m, q, q). `log_weights` is the
    sum of the logs of the weights, by which rows were multiplied (as square roots) beforehand.
    """

    dense: np.ndarray
    starts: np.ndarray
    observed: np.ndarray
    group: np.ndarray
    counts: np.ndarray
    products: np.ndarray
    n_observations: int
    log_weights: float

    @property
    def n_subjects(self) -> int:
        return len(self.dense)

    @property
    def size(self) -> int:
        return int(self.dense.shape[1])

    @property
    def p(self) -> int:
        return int(self.dense.shape[2]) - 1

    @property
    def gram(self) -> np.ndarray:
        """(q, q): the sums of squares and products over all rows, without regard to the
        covariance.
        """
        visits = np.arange(self.size)
        return self.products[:, visits, visits].sum(axis=(0, 1))

    @property
    def pattern_of_subject(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.counts)), self.counts)


def gather(
    z: np.ndarray,
    subject: np.ndarray,
    visit: np.ndarray,
    *,
    size: int,
    group_of_row: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Blocks:
    """`z` (rows, q); `subject`, `visit` and `group_of_row` whole numbers from 0. Raises Duplicate
    with the row's number.
    """
    n, q = int(subject.max()) + 1, z.shape[1]
    seen = np.zeros((n, size), dtype=bool)
    flat = subject * size + visit
    seen.ravel()[flat] = True
    if int(seen.sum()) != len(flat):
        first = np.flatnonzero(np.bincount(flat, minlength=n * size)[flat] > 1)[1]
        raise Duplicate(int(first))
    groups = np.zeros(n, dtype=np.int64)
    if group_of_row is not None:
        groups[subject] = group_of_row
    order, starts, observed, group = _patterns(seen, groups)
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n)
    dense = np.zeros((n, size, q))
    rows = rank[subject] * size + visit
    scale = None if weights is None else np.sqrt(weights)[:, None]
    dense.reshape(n * size, q)[rows] = z if scale is None else z * scale
    log_weights = 0.0 if weights is None else float(np.log(weights).sum())
    counts = np.diff(starts)
    return Blocks(
        dense,
        starts,
        observed,
        group,
        counts,
        products(dense, starts, observed),
        len(flat),
        log_weights,
    )


def arrange(dense: np.ndarray, seen: np.ndarray) -> Blocks:
    """From arrays by person and visit: `dense` (n, m, q) with y last, `seen` (n, m) which visits
    there are.

    What stands where a visit is missing is not looked at; people without any visit are left out.
    """
    somebody = seen.any(axis=1)
    if not somebody.all():
        dense, seen = dense[somebody], seen[somebody]
    order, starts, observed, group = _patterns(seen, np.zeros(len(seen), dtype=np.int64))
    sorted_ = np.where(seen[order][..., None], dense[order], 0.0)
    made = products(sorted_, starts, observed)
    return Blocks(sorted_, starts, observed, group, np.diff(starts), made, int(seen.sum()), 0.0)


def _patterns(
    seen: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Subjects sorted by group and pattern, where each pattern starts, and what each is."""
    m = seen.shape[1]
    keys = (
        np.column_stack([groups, seen.astype(np.int64)])
        if m > 40
        else groups * (1 << m) + seen @ (1 << np.arange(m))
    )
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    order = np.argsort(inverse, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(inverse))])
    return order, starts, seen[first], groups[first]


def products(dense: np.ndarray, starts: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """(P, m, m, q, q): sums over the subjects of a pattern of z_j z_k'."""
    _, m, q = dense.shape
    result = np.zeros((len(observed), m, m, q, q))
    for number, seen in enumerate(observed):
        places = np.flatnonzero(seen)
        k = len(places)
        part = dense[starts[number] : starts[number + 1]]
        flat = (part if k == m else part[:, places]).reshape(len(part), k * q)
        found = (flat.T @ flat).reshape(k, q, k, q).swapaxes(1, 2)
        if k == m:
            result[number] = found
        else:
            result[number, places[:, None], places] = found
    return result
