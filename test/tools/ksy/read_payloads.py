"""Reads payloads by what Kaitai Struct made of definitions: an independent reader beside wirepipe's codecs.

A line of JSON, {"file", "data": {class: [identifiers]}, "payloads": [hex]}, is answered by a line: for each payload the values
in the order of the wire, or null where it was refused.
"""

import importlib.util
import json
import struct
import sys

from kaitaistruct import KaitaiStruct, KaitaiStructError

sys.setrecursionlimit(5000)


def values(one, data, out):
    if isinstance(one, KaitaiStruct):
        for name in data[type(one).__name__]:
            values(getattr(one, name, None), data, out)
    elif isinstance(one, list):
        for element in one:
            values(element, data, out)
    elif isinstance(one, bool):
        out.append(str(int(one)))
    elif isinstance(one, int):
        out.append(str(one))
    elif isinstance(one, float):
        out.append("NaN" if one != one else struct.pack(">d", one).hex())
    elif isinstance(one, bytes):
        out.append("b" + one.hex())
    elif isinstance(one, str):
        out.append("t" + one.encode("utf-8").hex())
    elif one is not None:
        raise TypeError(repr(one))


def read(module, data, payload):
    try:
        message = module.M.from_bytes(payload).message
        out = []
        values(message, data, out)
        return out
    except (EOFError, ValueError, KaitaiStructError):
        return None
    except Exception as error:
        # A terminator that is missing is an Exception of no other class; anything else is a fault of the definition.
        if type(error) is Exception:
            return None
        raise


for number, line in enumerate(sys.stdin):
    job = json.loads(line)
    spec = importlib.util.spec_from_file_location("m%d" % number, job["file"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(json.dumps([read(module, job["data"], bytes.fromhex(one)) for one in job["payloads"]]))
