"""Asks drone_peer.py many things in one process: a line of JSON in, a line of JSON out.

Beside what the peer's own command line takes, a line can be

    {"do": "serve", "token": text, "chunks": [hex, ...]}    a connection, from its first byte to the client's end
    {"do": "answer", "state": name, "accept": bool, "message": {...}}    one message in one state
"""

import json
import sys

from drone_peer import SERVER, Frames, Refused, Session, _encode, answer, decode_client


def serve(request):
    """The bytes that the peer sends, and why it closed the connection, if it refused something."""
    session = Session(accept=lambda text: text == request['token'])
    frames = Frames()
    sent = b''
    refused = None

    def take(payloads):
        nonlocal sent
        for payload in payloads:
            if session.state == 'closing':
                return  # what comes behind the last answer is discarded
            for message in session.receive(decode_client(payload)):
                sent += Frames.frame(_encode(SERVER, message))

    try:
        for chunk in request['chunks']:
            take(frames.push(bytes.fromhex(chunk)))
        frames.end()
    except Refused as error:
        refused = error.reason
        try:
            take(error.payloads)
        except Refused as earlier:
            refused = earlier.reason
    if session.state == 'closing':
        refused = None
    return {'hex': sent.hex(), 'refused': refused, 'state': session.state}


def answer_in(request):
    session = Session(accept=lambda text: request['accept'])
    session.state = request['state']
    try:
        answers = [message['type'] for message in session.receive(request['message'])]
    except Refused as error:
        return {'refused': error.reason}
    return {'answers': answers, 'state': session.state}


for line in sys.stdin:
    request = json.loads(line)
    own = {'serve': serve, 'answer': answer_in}.get(request['do'])
    print(json.dumps(answer(line) if own is None else own(request)), flush=True)
