"""`python -m gateway.demo` runs the demo; with `gateway` or `idp` one of its two servers, which it starts itself."""

import sys

from gateway.demo.places import find_places
from gateway.demo.run import run
from gateway.errors import GatewayError


def main(words: list[str]) -> int:
    try:
        if words == ["gateway"]:
            from gateway.server import serve  # noqa: PLC0415 - each process loads what it runs

            serve(find_places().settings)
        elif words == ["idp"]:
            from gateway.demo.serve_idp import serve_idp  # noqa: PLC0415

            serve_idp(find_places())
        elif words:
            print("usage: python -m gateway.demo", file=sys.stderr)
            return 2
        else:
            return run()
    except GatewayError as exc:
        print(f"error: {exc.public}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
