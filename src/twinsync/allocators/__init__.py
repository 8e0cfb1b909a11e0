"""Allocators: their protocol, heuristics, exact solvers, trained policies and their files."""

from twinsync.allocators.optimum import Solution, solve
from twinsync.allocators.policy import Policy
from twinsync.allocators.protocol import Allocator, observation_of
from twinsync.allocators.registry import allocator_names, find_allocators, known_names

__all__ = [
    "Allocator",
    "Policy",
    "Solution",
    "allocator_names",
    "find_allocators",
    "known_names",
    "observation_of",
    "solve",
]
