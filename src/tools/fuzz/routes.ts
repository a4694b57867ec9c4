import type { SessionTable } from '../../protocol/session/table.ts';

/** A message that leads from one state to another. */
export interface Leg {
  readonly from: string;
  readonly type: string;
  readonly to: string;
}

/** The legs to a state, from the state where one stands. */
export type Route = readonly Leg[];

/**
 * The shortest route to each state that can be reached from one, by the outcomes of the rows, or by `next` where a row has none.
 * A state's own route is empty; a state that no message leads to has none.
 */
export function routesFrom(table: SessionTable, from: string): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>([[from, []]]);
  // A map grows behind the place where it is read: breadth first.
  for (const [name, route] of routes) {
    for (const leg of legsOf(table, name)) {
      if (!routes.has(leg.to)) routes.set(leg.to, [...route, leg]);
    }
  }
  return routes;
}

/** The shortest route to a final state; undefined where none can be reached. */
export function routeOut(table: SessionTable, from: string): Route | undefined {
  return [...routesFrom(table, from)].find(([name]) => table.states.get(name)!.final)?.[1];
}

/** The types that a state takes and stays, as far as its outcomes tell. */
export function stayingTypes(table: SessionTable, name: string): string[] {
  const { on, final } = table.states.get(name)!;
  if (final) return [];
  const stays = [...on].filter(([, { outcomes }]) => outcomes === undefined || outcomes.has(name));
  // Those that lead nowhere else come first: the others may end the conversation.
  const ways = (type: string): number => on.get(type)!.outcomes?.size ?? Infinity;
  return stays.map(([type]) => type).sort((a, b) => ways(a) - ways(b));
}

function legsOf(table: SessionTable, name: string): Leg[] {
  const { on, otherwise, next, receives } = table.states.get(name)!;
  const rows = [...on];
  if (otherwise !== undefined) {
    for (const type of receives ?? table.receives) if (!on.has(type)) rows.push([type, otherwise]);
  }
  return rows
    .flatMap(([type, { outcomes }]) =>
      [...(outcomes?.keys() ?? next)]
        .filter((to) => to !== name)
        .map((to) => ({ from: name, type, to, isSure: outcomes?.size === 1 })),
    )
    .sort((a, b) => Number(b.isSure) - Number(a.isSure))
    .map(({ from, type, to }) => ({ from, type, to }));
}
