"""UniFrac of 500 samples x 3,000 features on one core: at most 5 s each. `make bench` runs it."""

import argparse
import time

import numpy as np
from skbio import TreeNode

from gutaxis.stats.unifrac import unifrac

LIMIT_SECONDS = 5


def make(*, samples: int, features: int, seed: int = 1) -> tuple[np.ndarray, list[str], TreeNode]:
    """Return amounts (30 % above zero), tips, and a random rooted tree."""
    rng = np.random.default_rng(seed)
    amounts = np.where(rng.random((samples, features)) < 0.3, rng.integers(1, 500, (samples, features)), 0)
    tips = [f"f{number}" for number in range(features)]
    nodes = [TreeNode(name=name, length=rng.random()) for name in tips]
    while len(nodes) > 1:
        first, second = (nodes.pop(int(rng.integers(len(nodes)))) for _ in range(2))
        nodes.append(TreeNode(children=[first, second], length=rng.random()))
    return amounts.astype(float), tips, nodes[0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--features", type=int, default=3000)
    arguments = parser.parse_args()
    amounts, tips, tree = make(samples=arguments.samples, features=arguments.features)
    slow = []
    for weighted in (False, True):
        start = time.perf_counter()
        unifrac(amounts=amounts, tips=tips, tree=tree, weighted=weighted)
        seconds = time.perf_counter() - start
        name = "weighted" if weighted else "unweighted"
        print(f"{name} UniFrac, {arguments.samples} x {arguments.features}: {seconds:.2f} s (limit {LIMIT_SECONDS} s)")
        if seconds > LIMIT_SECONDS:
            slow.append(name)
    if slow:
        raise SystemExit(f"too slow: {', '.join(slow)}")


if __name__ == "__main__":
    main()
