"""Every knob of params.yaml, typed, by subject; a stage gets the sections that it declares."""

from numina.settings.fits import check_fits
from numina.settings.params import Params, load, parse, read

__all__ = ["Params", "check_fits", "load", "parse", "read"]
