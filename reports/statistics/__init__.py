"""The statistics of a report: arrays in, frozen results out. Knows no Django, no study and no
clock.

Files carry the names an analysis plan uses. Heavy imports (scipy) happen inside the functions that
need them.
"""
