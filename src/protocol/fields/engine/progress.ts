import type { AnyNode } from '../kind.ts';

/** A list that is incomplete, or is inside an incomplete element: its elements before `index` are read. */
interface ListMark {
  readonly node: AnyNode;
  readonly start: number;
  index: number;
  at: number;
  counted: object;
}

/**
 * How far a message was read whose end has not come. The next reading continues in each list, and in each search for a
 * terminator, where this one stopped. So no element is read more than twice, however small the chunks. Offsets count from the
 * start of the message.
 */
export class Progress {
  /** The outermost list first. */
  readonly #lists: ListMark[] = [];
  /** The field whose terminator has not come: its content begins at `start` and has no terminator before `end`. */
  #content = { start: -1, end: -1 };

  /** What is known of the list that begins at `start`. */
  begin(node: AnyNode, start: number): Readonly<ListMark> {
    const known = this.#lists.find((list) => list.start === start && list.node === node);
    if (known !== undefined) return known;
    const list = { node, start, index: 0, at: start, counted: {} };
    this.#lists.push(list);
    return list;
  }

  /** How many bytes of the content that begins at `start` are known to have no terminator. */
  searched(start: number): number {
    return this.#content.start === start ? this.#content.end - start : 0;
  }

  /** The content that begins at `start` has no terminator before `end`. */
  missed(start: number, end: number): void {
    this.#content = { start, end };
  }

  /** The elements of that list before `index` are read, and end at `at`. Lists inside them are forgotten. */
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
