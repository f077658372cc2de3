"""The loop: take input -> decide -> journal -> apply -> answer -> perform effects; replay only applies.

Nothing below this package knows what time it is.
"""
