"""What all tests share."""

from hypothesis import settings

settings.register_profile("house", deadline=None)  # the machine is shared: time is no law here
settings.load_profile("house")
