"""Flattened device trees, as far as it takes to put one more node below the root.

The form is that of the Devicetree Specification, chapter 5.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

HEADER = struct.Struct(">10I")
BEGIN_NODE, END_NODE, PROPERTY, END = 1, 2, 3, 9
NOTHING_RESERVED = bytes(16)
ROOT_ENDS = struct.pack(">2I", END_NODE, END)


def with_node(tree: bytes, name: str, properties: Mapping[str, bytes]) -> bytes:
    """Return a tree with one more node below its root.

    tree        a flattened device tree that reserves no memory
    name        the node's, such as "pmem@60000000"
    properties  {name: value}; the bytes of a value are in the order that the tree has them in

    Raises ValueError if the tree is not as expected.
    """
    magic, _, nodes_at, names_at, reserved_at, version, compatible, cpu, names_size, nodes_size = (
        HEADER.unpack_from(tree)
    )
    nodes = tree[nodes_at : nodes_at + nodes_size]
    names = tree[names_at : names_at + names_size]
    reserved = tree[reserved_at : reserved_at + len(NOTHING_RESERVED)]
    if magic != 0xD00DFEED or reserved != NOTHING_RESERVED or not nodes.endswith(ROOT_ENDS):
        raise ValueError("This is no device tree, or one that reserves memory.")
    node = struct.pack(">I", BEGIN_NODE) + _padded(name.encode() + b"\0")
    for key, value in properties.items():
        node += struct.pack(">3I", PROPERTY, len(value), len(names)) + _padded(value)
        names += key.encode() + b"\0"
    node += struct.pack(">I", END_NODE)
    nodes = nodes.removesuffix(ROOT_ENDS) + node + ROOT_ENDS
    nodes_at = HEADER.size + len(NOTHING_RESERVED)
    names_at = nodes_at + len(nodes)
    sizes = (len(names), len(nodes))
    header = HEADER.pack(
        *(magic, names_at + len(names), nodes_at, names_at, HEADER.size),
        *(version, compatible, cpu, *sizes),
    )
    return header + NOTHING_RESERVED + nodes + names


def pmem(at: int, size: int) -> tuple[str, dict[str, bytes]]:
    """Return name and properties of the node that makes memory a persistent one.

    Source: Documentation/devicetree/bindings/pmem/pmem-region.txt.

    at, size  where the memory lies; both take two cells, as below the root of QEMU's `virt`
    """
    return f"pmem@{at:x}", {
        "compatible": b"pmem-region\0",
        "reg": struct.pack(">2Q", at, size),
        "volatile": b"",
    }


def _padded(value: bytes) -> bytes:
    return value + b"\0" * (-len(value) % 4)
