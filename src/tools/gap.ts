/** A part of a declaration that the target of a tool cannot express. */
export interface Gap {
  /** The place, such as `client: move.x`. */
  readonly where: string;
  /** The part of the declaration. */
  readonly what: string;
  /** What the target has instead. */
  readonly instead: string;
}

/** A gap in one line. */
export function gapText({ where, what, instead }: Gap): string {
  return `${where}: ${what}; ${instead}`;
}
