"""twinsync: delay-aware digital twin synchronisation over semantic communication.

The public names, each imported on first use: `load_scenario`, `draw_slots`, `solve`, `evaluate`, `train`,
`load_policy`, `draw_decisions`, `sweep`, `read_run`, and the arrays `Slot` and `Allocation`. See `twinsync.api`.
"""

TYPE_CHECKING = False  # type checkers assume True; importing `typing` would take longer than all the rest

if TYPE_CHECKING:
    from twinsync.api import (
        Allocation,
        InputError,
        Scenario,
        Slot,
        draw_decisions,
        draw_slots,
        evaluate,
        load_policy,
        load_scenario,
        read_run,
        solve,
        sweep,
        train,
        use_compilation_cache,
    )

    __version__: str

__all__ = [
    "Allocation",
    "InputError",
    "Scenario",
    "Slot",
    "__version__",
    "draw_decisions",
    "draw_slots",
    "evaluate",
    "load_policy",
    "load_scenario",
    "read_run",
    "solve",
    "sweep",
    "train",
    "use_compilation_cache",
]


if not TYPE_CHECKING:  # a type checker that saw `__getattr__` would accept misspelt names

    def __getattr__(name: str):
        if name == "__version__":
            from importlib.metadata import version

            return version("twinsync")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from twinsync import api  # imports JAX, which `import twinsync` alone does not need

        value = globals()[name] = getattr(api, name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
