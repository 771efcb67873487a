"""Run a benchmark and keep what it prints itself apart: tools and libraries below it print as they like.

``figures.py TARGET bench_NAME.py [ARGUMENT ...]``: the lines that the benchmark's own code prints, and the words with
which it fails, go to TARGET as well.
"""

import runpy
import sys


def main() -> None:
    """Run the program."""
    target, program, *words = sys.argv[1:]
    with open(target, "w", encoding="utf-8") as figures:

        def told(*values: object, **options: object) -> None:
            print(*values, **options)
            print(*values, file=figures, flush=True)

        sys.argv = [program, *words]
        try:
            # stands for `print` in the benchmark's own code, and nowhere else
            runpy.run_path(program, init_globals={"print": told}, run_name="__main__")
        except SystemExit as end:
            if isinstance(end.code, str):
                print(end.code, file=figures)
            raise


if __name__ == "__main__":
    main()
