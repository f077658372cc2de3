"""Inside one interconnect domain: the tree of its switches, the blocks that are free in it, and who gets which.

The second level of placement. It knows nodes and chips only: no workload, no quota, no price and no clause.
"""
