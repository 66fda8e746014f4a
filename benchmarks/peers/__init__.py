"""The pieces of benchmarks/peers.py: what is measured, one file a side.

Two kinds of file. Those named *_side.py run as processes of their own, one measurement each, in the environment of the
library they measure; with side.py, floor.py and measures.py they import nothing but NumPy, torch and that library. The
others run in the project's environment and never import a peer.
"""
