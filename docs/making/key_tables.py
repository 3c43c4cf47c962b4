"""The keys of each structure of docs/protocol.md, from its type."""

from msgspec import NODEFAULT, inspect

from docs.making.markdown import table


def make_key_table(struct: type) -> str:
    """Give every key of a structure with its type, bounds and whether it has to be there."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return table(
        ["key", "type and bounds", "needed"],
        ([f"`{field.encode_name}`", _describe(field.type), _need(field)] for field in info.fields),
    )


def _need(field: inspect.Field) -> str:
    if field.required:
        return "yes"
    return "no" if field.default in (None, NODEFAULT) else f"no; absent means {field.default}"


def _describe(kind: inspect.Type) -> str:
    match kind:
        case inspect.StrType(min_length=low, max_length=high):
            return f"string, {_range(low, high)} characters"
        case inspect.IntType(ge=low, le=high):
            return f"integer, {low} to {high}"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(f"`{value}`" for value in values)
        case inspect.ListType(item_type=item, max_length=high):
            return f"list, {_range(None, high)} items: {_describe(item)}"
        case inspect.DictType(key_type=key, value_type=value, max_length=high):
            return f"object, {_range(None, high)} keys; key: {_describe(key)}; value: {_describe(value)}"
        case inspect.UnionType(types=types):
            return " or ".join(_describe(one) for one in types if not isinstance(one, inspect.NoneType))
        case inspect.StructType(cls=struct):
            return f"[{struct.__name__}](#{struct.__name__.lower()})"
    raise TypeError(f"docs/making/key_tables.py cannot describe {kind}; teach it here")


def _range(low: int | None, high: int | None) -> str:
    return f"at most {high}" if not low else f"{low} to {high}"
