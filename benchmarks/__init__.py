"""Experiments and measurements. The product and its tests know nothing of them; they may use both."""
