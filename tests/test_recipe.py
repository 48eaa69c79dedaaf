"""The recipe in CONTRIBUTING works as it stands."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from expsim_panel.kernels.jit import CACHE_DIRECTORY

GUIDE = Path(__file__).parent.parent / "CONTRIBUTING.md"
PLAY = """
import epsilon_greedy_of_the_recipe
from worlds import tree
from expsim_panel import bandit
from expsim_panel.study import Study

strategies = [{"kind": "epsilon-greedy", "epsilon": 0.2}]
study = Study.from_tree(tree(traffic={"units_per_day": 1000}, strategies=strategies), "recipe")
result = study.run(replicates=500, seed=1)
units = result["epsilon-greedy"].worlds["truth"].units
assert (units.sum(axis=1) == 5000).all()
# 20 % over two arms is the least chance of an arm: binomial, and six standard errors for the least of 500 experiments.
assert units.min() >= 500 - 6 * (5000 * 0.1 * 0.9) ** 0.5
one = bandit([0.3, 0.6], ["epsilon-greedy(epsilon=0.2)"], 20, replicates=10_000, workers=1).policies[0].regret
assert abs(one.value - one.exact) <= 4 * one.se
assert result["epsilon-greedy"].figures["p_correct"].se > 0
print("played")
"""


def test_the_policy_of_the_recipe_plays(tmp_path):
    code = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S).group(1)
    (tmp_path / "epsilon_greedy_of_the_recipe.py").write_text(code, encoding="utf-8")
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parent)])
    # The machine code there is, so that those without the plug-in need not compile it all again.
    common = Path(CACHE_DIRECTORY)
    shutil.copytree(common, tmp_path / "cache" / "kernels" / common.name)
    environment = {**os.environ, "PYTHONPATH": paths, "EXPSIM_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-W", "error", "-c", PLAY]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout == "played\n", ran.stderr
    # A plug-in that is gone tomorrow must not break those who never had it: same cache, other process.
    without = "from expsim_panel.study import Study; Study.load('hallucination-prompt').run(replicates=10)"
    environment["PYTHONPATH"] = ""
    ran = subprocess.run([sys.executable, "-c", without], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
