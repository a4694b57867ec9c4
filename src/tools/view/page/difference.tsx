import type { JSX } from 'preact';
import type { ViewMessage } from '../document.ts';
import { leavesOf, valueText } from '../show-event.ts';

/** Two messages beside each other, field by field. */
export function Difference({ a, b }: { readonly a: ViewMessage; readonly b: ViewMessage }): JSX.Element {
  const left = new Map(leavesOf(a).map(([path, , , value]) => [path, valueText(value)]));
  const right = new Map(leavesOf(b).map(([path, , , value]) => [path, valueText(value)]));
  const paths = [...new Set([...left.keys(), ...right.keys()])];
  return (
    <table class="difference" aria-label="comparison">
      <thead>
        <tr>
          <th>field</th>
          <th>marked</th>
          <th>selected</th>
        </tr>
      </thead>
      <tbody>
        {paths.map((path) => (
          <tr key={path} class={left.get(path) === right.get(path) ? 'same' : 'differs'}>
            <th>{path}</th>
            <td>{left.get(path) ?? '–'}</td>
            <td>{right.get(path) ?? '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
