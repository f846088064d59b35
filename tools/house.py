"""House rules that no linter knows: sizes, names, and what each kind of file may not do. `python -m tools.house`.

A rule is a function from a parsed file to its findings. Errors fail the check; warnings say where it gets tight.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

FILE_LINES, FUNCTION_LINES = (400, 600), (40, 60)
"""(warn above, refuse above)"""
POOR_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"})
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work/(?:main|shared)\b|tmp/w(?=/)|home/\w|Users/)")
TEXT_FILES = frozenset({".md", ".toml", ".sh", ".cfg", ".ini", ".yaml", ".yml", ""})
DIALECTS = frozenset({"sqlite", "postgresql", "postgres"})
DOORS = re.compile(r"(?:find|show|get|page|list)(?:_|$)")
"""Store functions through which an id or a list that a person asked for comes in."""
OWNERS = frozenset({"scope", "project", "user"})
GLOBAL_STORES = frozenset({"services/identity/store", "services/compute/store/flavors.py"})
"""Rows that belong to the cloud and not to a project; their actions check domains and roles instead."""


@dataclass(frozen=True)
class File:
    path: PurePosixPath
    text: str
    tree: ast.Module

    @property
    def is_test(self) -> bool:
        return self.path.parts[0] == "tests"

    @property
    def service(self) -> str:
        """`network` in src/croft/services/network/…, else nothing."""
        parts = self.path.parts
        return parts[3] if parts[:3] == ("src", "croft", "services") and len(parts) > 4 else ""

    @property
    def in_store(self) -> bool:
        return bool(self.service) and self.path.parts[4] in {"store", "store.py"}

    @property
    def in_core(self) -> bool:
        return self.path.parts[:3] == ("src", "croft", "core")


@dataclass(frozen=True)
class Finding:
    line: int
    says: str
    warning: bool = False


Rule = Callable[[File], Iterator[Finding]]


def sizes(file: File) -> Iterator[Finding]:
    if "migrations" in file.path.parts:  # history, as long as its tables
        return
    yield from _measured(1, "the file", file.text.count("\n"), FILE_LINES)
    for node in ast.walk(file.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            yield from _measured(node.lineno, f"{node.name}()", length, FUNCTION_LINES)


def _measured(line: int, what: str, length: int, limits: tuple[int, int]) -> Iterator[Finding]:
    soft, hard = limits
    if length > soft:
        limit = hard if length > hard else soft
        yield Finding(line, f"{what} has {length} lines, more than {limit}", warning=length <= hard)


def names(file: File) -> Iterator[Finding]:
    for part in (*file.path.parts[:-1], file.path.stem.removeprefix("test_")):
        if part in POOR_NAMES:
            yield Finding(1, f"the name '{part}' says nothing; name it by its trade")


def docstrings(file: File) -> Iterator[Finding]:
    if file.tree.body and ast.get_docstring(file.tree) is None:
        yield Finding(1, "the module has no docstring: one to four lines on what it owns and refuses")


def swallowed_errors(file: File) -> Iterator[Finding]:
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and all(map(_is_nothing, node.body)):
            yield Finding(node.lineno, "an error of any kind is swallowed; catch the one you expect")
        if isinstance(node, ast.Call) and _dotted(node.func).endswith("suppress") and any(map(_is_broad, node.args)):
            yield Finding(node.lineno, "an error of any kind is suppressed; name the one you expect")


def _is_broad(kind: ast.expr | None) -> bool:
    return kind is None or _dotted(kind) in {"Exception", "BaseException"}


def _is_nothing(statement: ast.stmt) -> bool:
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass | ast.Continue)


def mocks(file: File) -> Iterator[Finding]:
    for line, name in _imports(file.tree):
        if name == "mock" or name.startswith("unittest.mock"):
            yield Finding(line, "no mocks of our own code: use a fake, or hand the thing in")


def sleeps(file: File) -> Iterator[Finding]:
    """Tests may sleep between two looks of a loop; services and drivers never, but in a thread that runs forever."""
    loops = [node for node in ast.walk(file.tree) if isinstance(node, ast.While | ast.For)]
    polled = {id(inner) for loop in loops for inner in ast.walk(loop)}
    endless = {id(inner) for loop in loops if _is_endless(loop) for inner in ast.walk(loop)}
    strict = file.path.parts[:3] in {("src", "croft", "services"), ("src", "croft", "drivers")}
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and _dotted(node.func) in {"time.sleep", "sleep"}:
            if strict and id(node) not in endless:
                yield Finding(node.lineno, "services and drivers never sleep: return Wait, or raise Unavailable")
            elif file.is_test and id(node) not in polled:
                yield Finding(node.lineno, "a test sleeps on a guess: poll for what it waits for, with a bound")


def _is_endless(loop: ast.While | ast.For) -> bool:
    return isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant) and loop.test.value is True


def dialects(file: File) -> Iterator[Finding]:
    """The two databases differ in core/db.py alone."""
    if file.path.parts[0] != "src" or file.path.match("croft/core/db.py"):
        return
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Attribute) and (
            node.attr in {"get_backend_name", "sqlite"} or _dotted(node).endswith("dialect.name")
        ):
            yield Finding(node.lineno, f"'.{node.attr}' tells databases apart outside core/db.py")
        if isinstance(node, ast.Compare):
            words = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
            if words & DIALECTS:
                yield Finding(node.lineno, "databases are told apart outside core/db.py")


def sql(file: File) -> Iterator[Finding]:
    allowed = file.in_core or file.in_store or file.path.parts[2:3] == ("migrations",)
    if file.path.parts[0] != "src" or allowed:
        return
    for line, name in _imports(file.tree):
        if name.partition(".")[0] == "sqlalchemy":
            yield Finding(line, "SQL outside store.py and core")


def neighbours(file: File) -> Iterator[Finding]:
    """A service may use another one's actions and model, nothing else."""
    for line, name in _imports(file.tree):
        parts = name.split(".")
        if not file.service or parts[:2] != ["croft", "services"] or len(parts) < 4:
            continue
        if parts[2] != file.service and parts[3] not in {"actions", "model"}:
            yield Finding(line, f"another service's {parts[3]}: only its actions and model may be used")


def store_functions(file: File) -> Iterator[Finding]:
    """What people ask for comes in by `find(tx, scope, …)`; without a scope it is `any_find`, for reconcilers."""
    where = "/".join(file.path.parts[2:])
    if not file.in_store or where.startswith(tuple(GLOBAL_STORES)):
        return
    for node in file.tree.body:
        if isinstance(node, ast.FunctionDef) and DOORS.match(node.name):
            arguments = [argument.arg for argument in node.args.args]
            if arguments[:1] == ["tx"] and not OWNERS & set(arguments[1:2]):
                yield Finding(node.lineno, f"{node.name}() takes (tx, scope, …), or is called any_{node.name}")


def unfinished(file: File) -> Iterator[Finding]:
    for token in tokenize.generate_tokens(io.StringIO(file.text).readline):
        if token.type == tokenize.COMMENT and UNFINISHED.search(token.string):
            yield Finding(token.start[0], "unfinished: do it, or open an issue")


def machine_paths(path: PurePosixPath, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE_PATHS.search(line):
            yield Finding(number, "a path of one particular machine")


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, full name) of everything a module imports, `from a import b` as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


RULES: tuple[Rule, ...] = (
    sizes,
    names,
    docstrings,
    swallowed_errors,
    mocks,
    sleeps,
    dialects,
    sql,
    neighbours,
    store_functions,
    unfinished,
)


def check(path: PurePosixPath, text: str) -> list[Finding]:
    """Everything that is wrong with one file; `path` is relative to the repository."""
    found = list(machine_paths(path, text))
    if path.suffix == ".py":
        file = File(path, text, ast.parse(text))
        found += [finding for rule in RULES for finding in rule(file)]
    return sorted(found, key=lambda finding: finding.line)


def tracked(root: Path) -> Iterator[PurePosixPath]:
    """Files of the work tree that git knows or would add."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in sorted(filter(None, names)):
        path = PurePosixPath(name)
        if (path.suffix == ".py" or path.suffix in TEXT_FILES) and (root / path).is_file():
            yield path


def main() -> int:
    root = Path(__file__).resolve().parents[1]
    errors = 0
    for path in tracked(root):
        for finding in check(path, (root / path).read_text(errors="replace")):
            errors += not finding.warning
            print(f"{path}:{finding.line}: {'warning: ' if finding.warning else ''}{finding.says}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
