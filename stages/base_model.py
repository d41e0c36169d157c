"""Put the base model in place.

python -m stages.base_model --out models/base
"""

from numina import entry, settings
from numina.models.base import place_base_model


def main() -> str:
    args = entry.paths(__doc__, "out")
    params = settings.load("base_model")
    place_base_model(params.base_model, args.out)
    settings.check_fits(args.out)  # before hours of training
    return f"{params.base_model.name} is in {args.out}"


if __name__ == "__main__":
    entry.run(main)
