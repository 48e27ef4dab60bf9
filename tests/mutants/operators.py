"""The operators: the changes that make a mutant, by the kind of node that they change."""

from __future__ import annotations

import ast
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_OTHER_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
#: Methods that make values of different spelling the same.
_FOLDING = frozenset({"lower", "strip", "casefold"})
#: By the beginning of a function's return type, the value that says "nothing".
_EMPTY = {
    "str": "''", "bytes": "b''", "int": "0", "tuple": "()", "list": "[]", "dict": "{}", "frozenset": "frozenset()",
    "set": "set()", "timedelta": "timedelta(0)",
}  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Spot(NamedTuple):
    """A node of a syntax tree, and the place where another can be put instead."""

    node: Any
    parent: ast.AST
    field: str
    #: The place in a list; None where the field holds one node.
    index: int | None
    #: The innermost function and statement around the node; None outside of any.
    function: Function | None
    statement: ast.stmt | None

    def put(self, node: ast.AST) -> None:
        """Put *node* in this place of the tree."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


class Change(NamedTuple):
    """What to put in a spot. *shown* is the part of the node that changes, and what becomes of it."""

    operator: str
    node: ast.AST
    shown: tuple[ast.AST, ast.AST | None]


def changes(spot: Spot) -> Iterator[Change]:
    """Yield what can be put into a spot."""
    yield from _of_place(spot)
    if isinstance(spot.node, ast.stmt):
        yield from _of_statement(spot)
    elif isinstance(spot.node, ast.expr):
        yield from _of_expression(spot.node)


def _of_place(spot: Spot) -> Iterator[Change]:
    """Yield what can be done to a node for where it stands: a condition."""
    node = spot.node
    conditional = isinstance(spot.parent, ast.If | ast.IfExp | ast.While) and spot.field == "test"
    if (conditional or spot.field in ("ifs", "guard")) and not isinstance(node, ast.Constant):
        # A loop that never ends says nothing but that it does not end.
        for value in (False,) if isinstance(spot.parent, ast.While) else (True, False):
            new = ast.Constant(value)
            yield Change("condition", new, (node, new))


def _of_statement(spot: Spot) -> Iterator[Change]:
    node, nothing = spot.node, ast.Pass()
    match node:
        case ast.Return(value=ast.expr()):
            for value in _returned(node.value, spot.function):
                yield Change("return", ast.Return(value), (node, ast.Return(value)))
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()):
            # Without any `yield` the function would be another thing.
            new = ast.Expr(ast.YieldFrom(ast.Tuple([], ast.Load())))
            yield Change("statement", new, (node, new))
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign() | ast.Continue() | ast.Break():
            yield Change("statement", nothing, (node, None))
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield Change("statement", nothing, (node, None))
        case ast.Assign(targets=[ast.Name(id=name)]) if _bound_before(name, node, spot.function):
            yield Change("statement", nothing, (node, None))
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            for decorator in node.decorator_list:
                new = copy(node)
                new.decorator_list = [one for one in node.decorator_list if one is not decorator]
                yield Change("decorator", new, (decorator, None))
    if isinstance(node, ast.AugAssign) and type(node.op) in _SWAPPED:
        yield _swapped(node)


def _returned(value: ast.expr, function: Function | None) -> list[ast.expr]:
    """Return what a function could return instead of *value*: nothing, as its type writes that."""
    kind = ast.unparse(function.returns) if function and function.returns else ""
    if kind == "bool":
        return [ast.UnaryOp(ast.Not(), value)]
    empty = next(
        (text for name, text in _EMPTY.items() if kind == name or kind.startswith(f"{name}[")), "None"
    )
    return [ast.parse(empty, mode="eval").body]


def _bound_before(name: str, node: ast.stmt, function: Function | None) -> bool:
    if function is None:
        return False
    arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return any(argument.arg == name for argument in arguments) or any(
        isinstance(other, ast.Name)
        and other.id == name
        and isinstance(other.ctx, ast.Store)
        and other.lineno < node.lineno
        for other in ast.walk(function)
    )


def _of_expression(node: ast.expr) -> Iterator[Change]:
    match node:
        case ast.Compare():
            for n, operator in enumerate(node.ops):
                new = copy(node)
                new.ops = [*node.ops[:n], _SWAPPED[type(operator)](), *node.ops[n + 1 :]]
                yield Change("comparison", new, (node, new))
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield Change("sign", node.operand, (node, node.operand))
        case ast.BinOp() | ast.BoolOp() if type(node.op) in _SWAPPED:
            yield _swapped(node)
        case ast.Constant():
            yield from _constants(node)
        case ast.Slice():
            for bound in ("lower", "upper"):
                if getattr(node, bound):
                    new = copy(node)
                    setattr(new, bound, None)
                    yield Change("slice", new, (node, new))
        case ast.Call():
            yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[Change]:
    for keyword in node.keywords:
        if keyword.arg:
            new = copy(node)
            new.keywords = [one for one in node.keywords if one is not keyword]
            yield Change("keyword", new, (keyword, None))
    match node.func:
        case ast.Name(id=name) if name in _OTHER_NAMES:
            new = copy(node)
            new.func = ast.Name(_OTHER_NAMES[name], ast.Load())
            yield Change("function", new, (node, new))
        case ast.Attribute(attr=name, value=value) if name in _FOLDING and not node.keywords:
            yield Change("method", value, (node, value))


def _constants(node: ast.Constant) -> Iterator[Change]:
    values: tuple[object, ...] = ()
    match node.value:
        case bool():
            values = (not node.value,)
        case int() | float():
            values = (node.value + 1, node.value - 1)
        case str():
            values = ("other" if node.value else "x",)
        case bytes():
            values = (b"other" if node.value else b"x",)
    for value in values:
        yield Change("constant", ast.Constant(value), (node, ast.Constant(value)))


def _swapped(node: Any) -> Change:
    new = copy(node)
    new.op = _SWAPPED[type(node.op)]()
    return Change("boolean" if isinstance(node, ast.BoolOp) else "arithmetic", new, (node, new))
