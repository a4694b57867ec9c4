import type { SessionTable } from '../../protocol/session/table.ts';

/** A message that leads from one state to another. */
export interface Leg {
  readonly from: string;
  readonly type: string;
  readonly to: string;
}

/** The messages that lead to a state from the current one. */
export type Route = readonly Leg[];

/**
 * The shortest route from a state to each state that can be reached, by the outcomes of the rows, or by `next` if a row has none.
 * The route to the state itself is empty; a state that no message leads to has no route.
 */
export function routesFrom(table: SessionTable, from: string): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>([[from, []]]);
  // The loop also visits entries that are added meanwhile: breadth first.
  for (const [name, route] of routes) {
    for (const leg of legsOf(table, name)) {
      if (!routes.has(leg.to)) routes.set(leg.to, [...route, leg]);
    }
  }
  return routes;
}

/** The shortest route to a final state; undefined if none can be reached. */
export function routeOut(table: SessionTable, from: string): Route | undefined {
  return [...routesFrom(table, from)].find(([name]) => table.states.get(name)!.final)?.[1];
}

/** The types after which a state may stay the same, by the outcomes of its rows. */
export function stayingTypes(table: SessionTable, name: string): string[] {
  const { on, final } = table.states.get(name)!;
  if (final) return [];
  const stays = [...on].filter(([, { outcomes }]) => outcomes === undefined || outcomes.has(name));
  // Types that lead nowhere else come first, since the others may end the conversation.
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
