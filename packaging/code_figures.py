"""The code's size and shape in three figures, printed and never enforced.

A function's lines run from its `def` to its last line. An import violation is a chain of imports that a contract in
pyproject.toml forbids.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOMS = ("appliance", "gui")
CHAIN = re.compile(r"^\s*-\s+\S+ -> \S+ \(l\.", re.MULTILINE)


def function_lines(tree: ast.AST) -> list[int]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [(node.end_lineno or node.lineno) - node.lineno + 1 for node in functions]


def import_violations() -> int:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], capture_output=True, text=True, check=False)
    chains = len(CHAIN.findall(done.stdout))
    return chains if chains or done.returncode == 0 else 1


def main() -> None:
    files = [path for room in ROOMS for path in Path(room).rglob("*.py")]
    sources = [path.read_text(encoding="utf-8") for path in files]
    functions = sorted(lines for source in sources for lines in function_lines(ast.parse(source)))
    print(f"figure function_lines_p99 {functions[int(len(functions) * 0.99)]} lines")
    print(f"figure file_lines_max {max(source.count(chr(10)) for source in sources)} lines")
    print(f"figure import_violations {import_violations()} violations")


if __name__ == "__main__":
    main()
