import { requireObjectOf } from '../options.ts';
import type { ClientMessage } from './messages.ts';

/** A simulated drone: its position, and the colour of its lamp. */
export class SimulatedDrone {
  x = 0;
  y = 0;
  color: { r: number; g: number; b: number } = { r: 0, g: 0, b: 0 };

  /** Carry out an accepted command. */
  obey(command: ClientMessage): void {
    requireObjectOf('obey', 'a command', command);
    if (command.type === 'move') {
      this.x = command.x;
      this.y = command.y;
    } else if (command.type === 'changeColor') {
      const { r, g, b } = command;
      this.color = { r, g, b };
    }
  }

  toString(): string {
    const { r, g, b } = this.color;
    return `position (${this.x}, ${this.y}), colour (${r}, ${g}, ${b})`;
  }
}
