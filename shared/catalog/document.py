"""
One YAML document, read within bounds, so that no file can exhaust the app or be read as what it does not say.

Everything is text as it is written, but mappings, lists, and what is empty: YAML's own types would make 1.1 of the
version 1.10, and a date of 2026-02-30.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .indentation import Spot, slip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml import Event, Mark, MarkedYAMLError, Node

#: The longest file, in bytes, about ten times the longest hunt that is published.
LONGEST = 128 * 1024
_DEEPEST = 20
_TOO_DEEP = f"nest it at most {_DEEPEST} deep"
_MOST = 10_000
#: What to do about PyYAML's problems, by how their texts begin.
_MENDS = {
    "mapping values are not allowed": "indent the line as the others of its block, or write a value that holds a colon in quotes",
    "did not find expected key": "indent the line as the others of its block",
    "could not find expected ':'": "write a colon and a blank after the key, or indent what belongs to the value before",
    "did not find expected ',' or ']'": "close the list, or write a comma",
    "did not find expected ',' or '}'": "close the bracket, or write a comma",
    "did not find expected '-' indicator": "begin each item of the list with a hyphen, indented as those of the others, or indent what belongs to an item by two more spaces",
    "found unexpected end of stream": "close the quote",
    "found character that cannot start any token": "write the value in quotes",
}
_NULLS = {"", "~", "null", "Null", "NULL"}
_CORE = "tag:yaml.org,2002:"
_TAGS = {None, "!", *(_CORE + name for name in ("bool", "float", "int", "map", "null", "seq", "str"))}


class Unreadable(Exception):
    """A document that is not read; its text says what to write, `mark` where, if that is known."""

    def __init__(self, text: str, mark: Mark | Spot | None = None) -> None:
        super().__init__(text)
        self.mark = mark


def read_document(text: str) -> Node | None:
    """
    Return the root of the one document in *text*, None where there is none.

    Raises Unreadable for what is no YAML, for more than one document, for a key that occurs twice or is no text, for
    anchors, aliases and tags other than YAML's own plain ones, and for more than 10,000 values or 20 levels.
    """
    import yaml  # slow to import, and only loading needs it

    # Not every build of PyYAML has the loader in C, which is faster. Neither builds a tree here: that recurs.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _built(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        # The loader in C has a limit of its own, 1,000, and reads ahead: its brackets may be past that before ours are counted.
        deep = "nesting depth" in (error.problem or "")
        raise (Unreadable(_TOO_DEEP, error.problem_mark) if deep else no_yaml(text, error)) from error
    except yaml.YAMLError as error:
        raise Unreadable(f"is not YAML: {error}") from error


def content_of(node: Node) -> Any:
    """Return what a node holds: dict, list, text, or None for what is empty."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        return {key.value: content_of(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [content_of(item) for item in items_of(node)]
    return None if _is_empty(node) else node.value


def items_of(node: Node) -> list[Node]:
    """Return the items of a list that are not empty: `- ` alone is a slip of the pen."""
    return [item for item in node.value if not _is_empty(item)]


def no_yaml(text: str, error: MarkedYAMLError) -> Unreadable:
    """Return what PyYAML says is wrong with *text*, and what to write instead, where that is known, at the line to be changed."""
    problem, mark = error.problem or "is not YAML", error.problem_mark
    if mark is None:
        return Unreadable(problem)
    # Not by lines alone: PyYAML knows more ends of lines than YAML, and splitlines more than PyYAML.
    line = (text.split("\n")[mark.line : mark.line + 1] or [""])[0]
    if line[mark.column : mark.column + 1] == "\t":
        return Unreadable("write spaces for this tab, which YAML does not indent by", mark)
    if found := slip(text, mark.line):
        return Unreadable(*found)
    if problem.startswith("could not find expected ':'") and error.context_mark:
        mark = (
            error.context_mark
        )  # where the key begins; the other is where a line follows that cannot belong to it
    advice = next((f": {advice}" for start, advice in _MENDS.items() if problem.startswith(start)), "")
    return Unreadable(f"{problem}{advice}", mark)


def _is_empty(node: Node) -> bool:
    return not getattr(node, "style", None) and not isinstance(node.value, list) and node.value in _NULLS


def _built(events: Iterator[Event]) -> Node | None:
    import yaml

    root: Node | None = None
    open_: list[Node] = []
    count = documents = 0
    for event in events:
        mark: Any = event.start_mark  # types-PyYAML has two kinds of marks, one for each loader
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise Unreadable("write one document a file", mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            _close(open_.pop(), event)
        elif isinstance(event, yaml.NodeEvent):
            count += 1
            if count > _MOST:
                raise Unreadable(f"write at most {_MOST:,} values", mark)
            node = _node(event)
            if open_:
                open_[-1].value.append(node)
            else:
                root = node
            if not isinstance(node, yaml.ScalarNode):
                open_.append(node)
            if len(open_) > _DEEPEST:
                raise Unreadable(_TOO_DEEP, mark)
    return root


def _node(event: Any) -> Node:
    import yaml

    start, end = event.start_mark, event.end_mark
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise Unreadable("write out what is repeated: anchors and aliases are not read", start)
    if event.tag not in _TAGS:
        raise Unreadable(f"write it without the tag {event.tag[:80]}", start)
    if isinstance(event, yaml.ScalarEvent):
        return yaml.ScalarNode("", event.value, start, end, style=event.style)
    kind = yaml.MappingNode if isinstance(event, yaml.MappingStartEvent) else yaml.SequenceNode
    return kind("", [], start, end)


def _close(node: Node, end: Event) -> None:
    """Pair the keys of a mapping with their values."""
    import yaml

    node.end_mark = end.end_mark
    if not isinstance(node, yaml.MappingNode):
        return
    keys, values = node.value[::2], node.value[1::2]
    seen: set[str] = set()
    for key in keys:
        if not isinstance(key, yaml.ScalarNode):
            raise Unreadable("write the key as a text", key.start_mark)
        if key.value in seen:
            raise Unreadable(f"write the key {key.value[:80]} once", key.start_mark)
        seen.add(key.value)
    node.value = list(zip(keys, values, strict=True))
