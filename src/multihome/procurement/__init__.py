"""Offers + contracts + now -> notices, awards and breaches. Knows no scheduler."""
