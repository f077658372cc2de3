"""Whole-number time, money and chips, and rounding with a name.

Stands at the bottom of the house: everything may import it. It knows no fact of the domain, and never what time it is.
"""
