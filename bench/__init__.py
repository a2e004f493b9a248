"""Benchmarks: this program beside the floor and beside a peer, in one run on one machine. README.md tells how to read
them. No part of the package: nothing in `connector` knows of it."""
