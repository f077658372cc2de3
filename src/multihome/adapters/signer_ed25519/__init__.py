"""Signs heads with an Ed25519 key that lies in a file, readable by its owner only, and is made on first use.

Signs what it is given. Knows no journal.
"""
