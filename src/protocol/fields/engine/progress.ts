import type { AnyNode } from '../kind.ts';

/** A list that is being read, or is complete inside an element that is not: its elements up to `index` are behind us. */
interface ListMark {
  readonly node: AnyNode;
  readonly start: number;
  index: number;
  at: number;
  counted: object;
}

/**
 * How far a message was read whose end has not come. When it is read again it goes on in its lists where it stopped, and looks for a
 * terminator from where it stopped looking: so no element is read more than twice, however small the chunks. Offsets count
 * from the start of the message.
 */
export class Progress {
  /** In the order of their beginnings. */
  readonly #lists: ListMark[] = [];
  /** The field whose terminator has not come: its content begins there, and goes up to there at least. */
  #content = { start: -1, end: -1 };

  /** A list begins there: what is known of it. */
  begin(node: AnyNode, start: number): Readonly<ListMark> {
    const known = this.#lists.find((list) => list.start === start && list.node === node);
    if (known !== undefined) return known;
    const list = { node, start, index: 0, at: start, counted: {} };
    this.#lists.push(list);
    return list;
  }

  /** How much of the content that begins there has no terminator in it. */
  searched(start: number): number {
    return this.#content.start === start ? this.#content.end - start : 0;
  }

  /** The content that begins there has no terminator up to `end`. */
  missed(start: number, end: number): void {
    this.#content = { start, end };
  }

  /** The elements of that list up to `index` are read, and end at `at`. Lists inside them are forgotten. */
  turn(node: AnyNode, start: number, index: number, at: number, counted: object): void {
    const lists = this.#lists;
    let last = lists.length - 1;
    while (lists[last]!.start !== start || lists[last]!.node !== node) last--;
    lists.length = last + 1;
    const list = lists[last]!;
    list.index = index;
    list.at = at;
    list.counted = { ...counted };
  }
}
