"""The offline verifier: reads an exported journal and trusts nothing else. Imports nothing of `multihome`."""
