"""Property tests here have no deadline: the first example pays for importing scipy and pandas."""

from hypothesis import settings

settings.register_profile("statistics", deadline=None)
settings.load_profile("statistics")
