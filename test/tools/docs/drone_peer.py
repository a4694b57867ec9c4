#!/usr/bin/env python3
"""A peer of the wire protocol `drone`, written from drone-wire.md alone."""

# Its author had the page docs/drone-wire.md, and had not seen wirepipe's code. The code stands as it was written, except
# for one part: the page had a table for the state `closing`, with an answer `error` to each message, and said below it
# that what still comes is discarded. The page has no such table any more, and so TABLE['closing'] has no rows.

import json
import struct
import sys

MAX_PAYLOAD = 10_000_000  # "At most 10,000,000 bytes follow the field."
HEADER = struct.Struct('<I')


class Refused(ValueError):
    """Broken by the page. `payloads`: whole payloads of the same push() in front of the refused frame."""

    def __init__(self, reason, payloads=()):
        super().__init__(reason)
        self.reason = reason
        self.payloads = list(payloads)


# type -> (tag, [(field, kind)])
CLIENT = {
    'quit': (0, []),
    'move': (1, [('x', 'i32le'), ('y', 'i32le')]),
    'write': (2, [('text', 'text')]),
    'changeColor': (3, [('r', 'u8'), ('g', 'u8'), ('b', 'u8')]),
}
SERVER = {
    'ok': (128, [('text', 'text')]),
    'error': (129, [('text', 'text')]),
}
NUMBERS = {
    'u8': (struct.Struct('<B'), 0, 255),
    'i32le': (struct.Struct('<i'), -2_147_483_648, 2_147_483_647),
}


def _decode(table, payload):
    payload = bytes(payload)
    if not payload:
        raise Refused('ERR_MESSAGE_EMPTY')
    for name, (tag, fields) in table.items():
        if tag == payload[0]:
            break
    else:
        raise Refused('ERR_MESSAGE_UNKNOWN')
    message = {'type': name}
    at = 1

    def take(count):
        nonlocal at
        if len(payload) - at < count:
            raise Refused('ERR_MESSAGE_SHORT')
        at += count
        return payload[at - count:at]

    for field, kind in fields:
        if kind == 'text':
            raw = take(take(1)[0])
            try:
                message[field] = raw.decode('utf-8', 'strict')  # keeps a leading U+FEFF
            except UnicodeDecodeError:
                raise Refused('ERR_MESSAGE_UTF8') from None
        else:
            form = NUMBERS[kind][0]
            message[field] = form.unpack(take(form.size))[0]
    return message  # bytes behind a complete message are ignored


def _encode(table, message):
    # The page names no errors of a writer; the reasons here are of my own.
    if not isinstance(message, dict):
        raise Refused('a message is an object')
    name = message.get('type')
    if not isinstance(name, str) or name not in table:
        raise Refused('no message of this side has this type')
    tag, fields = table[name]
    out = bytearray([tag])
    for field, kind in fields:
        if field not in message:
            raise Refused(f'{name}.{field} is missing')
        value = message[field]
        if kind == 'text':
            if not isinstance(value, str):
                raise Refused(f'{name}.{field} is not text')
            try:
                raw = value.encode('utf-8', 'strict')
            except UnicodeEncodeError:
                raise Refused(f'{name}.{field} has a lone surrogate: no well-formed UTF-8') from None
            if len(raw) > 255:
                raise Refused(f'{name}.{field} has more than 255 bytes')
            out.append(len(raw))
            out += raw
        else:
            form, low, high = NUMBERS[kind]
            if isinstance(value, float) and value.is_integer():
                value = int(value)  # JSON knows one kind of number: 1.0 is whole
            if isinstance(value, bool) or not isinstance(value, int):
                raise Refused(f'{name}.{field} is not a whole number')
            if not low <= value <= high:
                raise Refused(f'{name}.{field} is out of range')
            out += form.pack(value)
    return bytes(out)


def decode_client(payload):
    return _decode(CLIENT, payload)


def decode_server(payload):
    return _decode(SERVER, payload)


def encode_client(message):
    return _encode(CLIENT, message)


def encode_server(message):
    return _encode(SERVER, message)


class Frames:
    """One direction of a stream, cut into payloads."""

    def __init__(self):
        self._header = bytearray()
        self._body = None
        self._need = 0
        self._refused = None

    def push(self, chunk):
        if self._refused:
            raise Refused(self._refused)
        chunk = memoryview(bytes(chunk))
        payloads = []
        at = 0
        while True:
            if self._body is None:
                got = chunk[at:at + 4 - len(self._header)]
                self._header += got
                at += len(got)
                if len(self._header) < 4:
                    return payloads
                self._need = HEADER.unpack(self._header)[0]
                if self._need > MAX_PAYLOAD:  # judged before anything of the body is held
                    self._refused = 'ERR_FRAME_TOO_LONG'
                    raise Refused(self._refused, payloads)
                self._body = bytearray()
            got = chunk[at:at + self._need - len(self._body)]
            self._body += got
            at += len(got)
            if len(self._body) < self._need:
                return payloads
            payloads.append(bytes(self._body))
            self._body = None
            self._header.clear()

    def end(self):
        if self._refused:
            raise Refused(self._refused)
        if self._header:
            self._refused = 'ERR_FRAME_TRUNCATED'
            raise Refused(self._refused)

    @staticmethod
    def frame(payload):
        if len(payload) > MAX_PAYLOAD:
            raise Refused('ERR_FRAME_TOO_LONG')
        return HEADER.pack(len(payload)) + bytes(payload)


class Session:
    """The server's side of one connection, by the tables of the section “Session”.

    accept(text) -> bool decides `write` in `handshake`: the page leaves it to
    the application. Without one, every text is accepted (assumption).
    text(state, message, answer) -> str is the text of an answer: the page tells
    none, so without one it is '' (the shortest that the format allows).
    """

    TABLE = {
        'handshake': {
            'quit': [('error', 'handshake')],
            'move': [('error', 'handshake')],
            'write': [('ok', 'authenticated'), ('error', 'closing')],
            'changeColor': [('error', 'handshake')],
        },
        'authenticated': {
            'quit': [('ok', 'closing')],
            'move': [('ok', 'authenticated')],
            'write': [('error', 'authenticated')],
            'changeColor': [('ok', 'authenticated')],
        },
        'closing': {},
    }

    def __init__(self, accept=None, text=None):
        self.state = 'handshake'
        self._accept = accept or (lambda _text: True)
        self._text = text or (lambda _state, _message, _answer: '')

    def greeting(self):
        return []  # the page knows no message that is not an answer

    def receive(self, message):
        choices = self.TABLE[self.state].get(message.get('type'))
        if choices is None:
            raise Refused(f'the state {self.state} does not take this message')
        choice = choices[0]
        if len(choices) > 1 and not self._accept(message['text']):
            choice = choices[1]
        answer, after = choice
        text = self._text(self.state, message, answer)
        self.state = after
        return [{'type': answer, 'text': text}]


def answer(line):
    try:
        request = json.loads(line)
        do = request['do']
        if do == 'frames':
            frames, payloads, refused = Frames(), [], None
            try:
                for chunk in request['chunks']:
                    payloads += frames.push(bytes.fromhex(chunk))
                if request.get('end'):
                    frames.end()
            except Refused as error:
                payloads += error.payloads
                refused = error.reason
            return {'payloads': [payload.hex() for payload in payloads], 'refused': refused}
        if do not in ('decode', 'encode') or request['from'] not in ('client', 'server'):
            return {'refused': 'bad request'}
        table = CLIENT if request['from'] == 'client' else SERVER
        if do == 'decode':
            return {'message': _decode(table, bytes.fromhex(request['hex']))}
        return {'hex': _encode(table, request['message']).hex()}
    except Refused as error:
        return {'refused': error.reason}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return {'refused': f'bad request: {type(error).__name__}: {error}'}


def main():
    for line in sys.stdin.buffer:
        sys.stdout.write(json.dumps(answer(line)) + '\n')
        sys.stdout.flush()


if __name__ == '__main__':
    main()
