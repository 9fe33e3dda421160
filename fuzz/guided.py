"""One target under atheris. Called by `fuzz.run`."""

import sys

import atheris

with atheris.instrument_imports(include=["gateway"], enable_loader_override=False):
    from fuzz.run import FOUND, MAX_BYTES, MEMORY_MB, ONE_INPUT_S, keep
    from fuzz.targets import SEEDS, TARGETS, seeds_of


def main() -> None:
    name, seconds, corpus = sys.argv[1:]
    seeds_of(name)
    words = "json" if name in {"oidc", "claims", "call"} else "xml"
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={ONE_INPUT_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-max_len={MAX_BYTES.get(name, 40_000)}",
        f"-artifact_prefix={FOUND}/crash-{name}-",
        f"-dict={SEEDS.parent / words}.dict",
        "-print_final_stats=1",
        "-verbosity=0",
    ]

    def run(data: bytes) -> None:
        try:
            TARGETS[name](data)
        except Exception:  # atheris tells of it and does not always keep the input
            keep(name, data)
            raise

    atheris.Setup([sys.argv[0], *options, corpus, str(SEEDS / name)], run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
