"""Seeded defects: each is put into a copy of the tree, and the suites that must notice it are run."""
