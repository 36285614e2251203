"""Traits: what a program can observe in a text, want of it, and hear asked for, without any model."""

from scai_cli.traits.catalogue import TRAITS, Kind, Trait
from scai_cli.traits.observing import observe, utility
from scai_cli.traits.requesting import requested

__all__ = ["TRAITS", "Kind", "Trait", "observe", "requested", "utility"]
