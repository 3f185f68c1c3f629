def panel(study, person, at):
    return None
