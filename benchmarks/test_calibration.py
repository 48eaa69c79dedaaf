"""A million ratings with a judge beside them, through the command line: under 10 seconds and 2 GB.

The yardstick in the same run is pandas alone: reading the file and one mean for each item. Kernels are compiled
before, as `expsim warm` does; the first calibration of an installation takes as much longer as is printed.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROWS, VARIANTS, RATERS, EACH = 1_000_000, 5, 200, 10
SECONDS, GIGABYTES = 10.0, 2.0


def write(path: Path) -> None:
    """Write a million ratings 1 to 5 of 100,000 items, ten raters each, and a judge's score of every item."""
    rng = np.random.default_rng(1)
    items = ROWS // EACH
    prompts = items // VARIANTS
    quality = rng.normal(0, 0.5, (prompts, 1)) + rng.normal(0, 0.5, (prompts, VARIANTS)) + 0.05 * np.arange(VARIANTS)
    quality = quality.ravel()
    rater = np.concatenate([rng.permutation(RATERS)[:EACH] for _ in range(items)])
    latent = np.repeat(quality, EACH) + rng.normal(0, 0.3, RATERS)[rater] + rng.normal(0, 0.8, ROWS)
    table = {
        "item": np.char.add("p", np.repeat(np.arange(prompts), VARIANTS * EACH).astype(str)),
        "variant": np.char.add("v", np.tile(np.repeat(np.arange(VARIANTS), EACH), prompts).astype(str)),
        "rater": np.char.add("r", rater.astype(str)),
        "score": np.digitize(latent, [-1.2, -0.4, 0.4, 1.2]) + 1,
        "gpt": np.repeat((3 + quality + rng.normal(0, 0.6, items)).round(2), EACH),
    }
    pd.DataFrame(table).to_csv(path, index=False)


def test_a_million_ratings_in_ten_seconds_and_two_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "million.csv"
    write(path)
    start = time.perf_counter()
    pd.read_csv(path).groupby(["item", "variant"])["score"].mean()
    yardstick = time.perf_counter() - start
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "from expsim_panel.commands.warm import ratings; ratings()"], check=True)
    compiled = time.perf_counter() - start
    command = [sys.executable, "-m", "expsim_panel", "calibrate", str(path), "--judge", "gpt", "--json", "-"]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ)
    took = time.perf_counter() - start
    # of the largest child: this one, or the one that compiled. Linux counts kilobytes, macOS bytes
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (2**20 if sys.platform != "darwin" else 2**30)
    print(
        f"{took:.1f} s, {took / yardstick:.1f} times reading and averaging with pandas; {peak:.2f} GiB; "
        f"kernels compiled or loaded before in {compiled:.1f} s"
    )
    assert took < SECONDS
    assert peak < GIGABYTES
