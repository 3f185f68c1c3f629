def tables(study, by, at, arms):
    return []
