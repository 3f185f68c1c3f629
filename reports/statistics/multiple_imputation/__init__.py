"""Multiple imputation, and Rubin's rules to pool what was estimated from the imputed data sets."""

from .pooling import NotPoolable, Pooled, pool

__all__ = ["NotPoolable", "Pooled", "pool"]
