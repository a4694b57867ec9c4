/** A part of a declaration that the target of a tool cannot express. */
export interface Gap {
  /** Such as `client: move.x`. */
  readonly where: string;
  /** What it is. */
  readonly what: string;
  /** What stands there instead. */
  readonly instead: string;
}

/** A gap on one line. */
export function gapText({ where, what, instead }: Gap): string {
  return `${where}: ${what}; ${instead}`;
}
