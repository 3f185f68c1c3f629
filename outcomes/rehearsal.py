def behave(person, at, generator):
    return None
