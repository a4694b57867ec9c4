"""The drone's wire protocol, written from docs/drone-wire.md alone.

Reads a line of JSON, {"side": "client" or "server", "stream": hex}, and answers with the messages of that stream of
bytes, what they are as bytes again, and why the stream was refused, if it was.
"""

import json
import struct
import sys

MOST = 10_000_000  # bytes behind the length field


class Refused(Exception):
    pass


def frames(stream):
    """The payloads of the frames in a whole stream: u32 little-endian, then so many bytes."""
    at = 0
    while at < len(stream):
        if len(stream) - at < 4:
            raise Refused("the end of the stream inside a frame")
        (length,) = struct.unpack_from("<I", stream, at)
        if length > MOST:
            raise Refused("too long")
        if len(stream) - at - 4 < length:
            raise Refused("the end of the stream inside a frame")
        yield stream[at + 4 : at + 4 + length]
        at += 4 + length


def frame(payload):
    return struct.pack("<I", len(payload)) + payload


def unpack(form, payload, at):
    if len(payload) < at + struct.calcsize(form):
        raise Refused("the payload ends inside a field")
    return struct.unpack_from(form, payload, at)


def read_text(payload):
    (length,) = unpack("<B", payload, 1)
    if len(payload) < 2 + length:
        raise Refused("the payload ends inside a field")
    try:
        # Strict: no overlong forms, no surrogates. 'utf-8' keeps a leading U+FEFF.
        return payload[2 : 2 + length].decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not well-formed UTF-8") from error


def write_text(tag, text):
    data = text.encode("utf-8")
    if len(data) > 255:
        raise Refused("too long for its length")
    return struct.pack("<BB", tag, len(data)) + data


def read_client(payload):
    if not payload:
        raise Refused("no bytes")
    tag = payload[0]
    if tag == 0:
        return {"type": "quit"}
    if tag == 1:
        x, y = unpack("<ii", payload, 1)
        return {"type": "move", "x": x, "y": y}
    if tag == 2:
        return {"type": "write", "text": read_text(payload)}
    if tag == 3:
        r, g, b = unpack("<BBB", payload, 1)
        return {"type": "changeColor", "r": r, "g": g, "b": b}
    raise Refused("a tag that no message has")


def write_client(message):
    kind = message["type"]
    if kind == "quit":
        return struct.pack("<B", 0)
    if kind == "move":
        return struct.pack("<Bii", 1, message["x"], message["y"])
    if kind == "write":
        return write_text(2, message["text"])
    return struct.pack("<BBBB", 3, message["r"], message["g"], message["b"])


def read_server(payload):
    if not payload:
        raise Refused("no bytes")
    if payload[0] == 128:
        return {"type": "ok", "text": read_text(payload)}
    if payload[0] == 129:
        return {"type": "error", "text": read_text(payload)}
    raise Refused("a tag that no message has")


def write_server(message):
    return write_text(128 if message["type"] == "ok" else 129, message["text"])


READ = {"client": read_client, "server": read_server}
WRITE = {"client": write_client, "server": write_server}

for line in sys.stdin:
    asked = json.loads(line)
    side = asked["side"]
    answer = {"messages": [], "bytes": "", "refused": None}
    try:
        for payload in frames(bytes.fromhex(asked["stream"])):
            message = READ[side](payload)
            answer["messages"].append(message)
            answer["bytes"] += frame(WRITE[side](message)).hex()
    except Refused as error:
        answer["refused"] = str(error)
    print(json.dumps(answer))
