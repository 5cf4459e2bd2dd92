"""caniuse for local LLM runtimes, measured."""

__version__ = "0.1.0"
