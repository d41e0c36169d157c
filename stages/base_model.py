"""Put the base model in place.

python -m stages.base_model --out models/base
"""

from numina import entry, settings
from numina.models.base import place_base_model


def main() -> None:
    args = entry.paths(__doc__, "out")
    params = settings.load()
    place_base_model(params.base_model, args.out)
    # Now that the sizes of its layers are known, and before hours of training.
    settings.check_group_size(params.quantize, args.out)
    print(f"{params.base_model.name} is in {args.out}")


if __name__ == "__main__":
    entry.run(main)
