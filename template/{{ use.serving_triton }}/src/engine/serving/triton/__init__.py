"""NVIDIA's Triton over the champion: its model repository, its process, our model in its hands.

config < repository < server: what is written for Triton and how it is run. `model` is what its
Python backend loads, in a process of its own; `metrics` shows our counters among Triton's.
"""
