import type { ClientMessage } from '../drone/messages.ts';
import { UsageError } from './usage-error.ts';

const FORMS: Record<ClientMessage['type'], string> = {
  quit: 'quit',
  move: 'move X Y',
  write: 'write TEXT',
  changeColor: 'changeColor R G B',
};

/** `move 10 20` → `{ type: 'move', x: 10, y: 20 }`; whether the values fit is the codec's to say. */
export function parseCommand(text: string): ClientMessage {
  const [type = '', ...words] = text.trim().split(/\s+/);
  const numbers = words.map(Number);
  const allNumbers = numbers.every(Number.isFinite);
  if (type === 'quit' && words.length === 0) return { type };
  if (type === 'write') return { type, text: text.trim().slice('write'.length).trim() };
  if (type === 'move' && words.length === 2 && allNumbers) {
    const [x, y] = numbers as [number, number];
    return { type, x, y };
  }
  if (type === 'changeColor' && words.length === 3 && allNumbers) {
    const [r, g, b] = numbers as [number, number, number];
    return { type, r, g, b };
  }
  const form = Object.hasOwn(FORMS, type)
    ? FORMS[type as keyof typeof FORMS]
    : Object.values(FORMS).join(', ');
  throw new UsageError(`not a command: '${text}' (expected ${form}; quote each command, as in 'move 10 20')`);
}
