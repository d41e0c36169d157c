"""Every knob of params.yaml, typed, by subject; a stage gets the sections that it declares."""

from numina.settings.params import Params, load, parse, read

__all__ = ["Params", "load", "parse", "read"]
