"""Figures, each beside its goal and beside a floor or peer measured in the same run."""
