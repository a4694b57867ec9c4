import { readUnsigned } from '../../../bytes/integers.ts';
import { decodeUtf8 } from '../../../bytes/utf8.ts';
import type {
  AnyNode,
  Counted,
  Decoding,
  Foreseen,
  Group,
  Known,
  Limits,
  ListCode,
  Mark,
  Place,
  Source,
} from '../kind.ts';
import { hasTrait, namesIn } from '../node.ts';
import { type Code, literal, objectLiteral } from './code.ts';
import { type Declaration, mayExceed, mostSummed, Summed } from './declaration.ts';
import { LONGEST_COPIED, UNTRACKED_LISTS, untrackedConstructor } from './untracked.ts';

/** Elements whose lists are not tracked: see untracked.ts. */
const UNTRACKED: ReadonlySet<string> = new Set(['text', 'bytes', 'list', 'group', 'choice']);

/** How many elements lie between two positions that a list notes. */
const MARK_EVERY = 256;

/**
 * Write `decode(b, s, e)`, `decodeRun(run, most)`, `marks()` and what they call.
 *
 *     b  the chunk      s  the frame's start      p  the current offset, less `offset` bytes known during generation
 *     e  the end of the frame, or of the enclosing `bounded`      z  levels of recursion
 */
export function generateDecoder(code: Code, declaration: Declaration): AnyNode[] {
  const source = new DecodeSource(code, declaration);
  source.root();
  return source.marked;
}

/** The fields of one group that have been read, and the enclosing groups. */
class Scope {
  readonly fields: Map<string, Known> = new Map();
  readonly places: Map<string, Place<string>> = new Map();
  readonly start: string;
  readonly outer: Scope | undefined;

  constructor(start: string, outer: Scope | undefined) {
    this.start = start;
    this.outer = outer;
  }
}

class DecodeSource implements Decoding {
  end = 'e';
  readonly limits: Limits;
  /** The lists that note their position. */
  readonly marked: AnyNode[] = [];
  readonly #code: Code;
  readonly #declaration: Declaration;
  readonly #counted: ReadonlySet<Counted>;
  /** True if user code runs: it may call this same codec, so no list notes its position. */
  readonly #isForeign: boolean;
  #scope: Scope | undefined;
  /** Bytes after `p` that are read already. */
  #offset = 0;
  /** Bytes after `p` that are known to be there. */
  #ready = 0;
  /** Where the members of the field read last lie, as far as the enclosing structure needs them. */
  readonly #shown: Map<string, Place<string>> = new Map();
  /** A variable: the elements of the list read last. */
  #count: string | undefined;
  /** Whether some field may be a `countOf`. */
  readonly #mayCount: boolean;
  readonly #routines: Map<AnyNode, string> = new Map();
  #isInRoutine = false;
  /** By the names of the members. */
  readonly #constructors: Map<string, new (...values: unknown[]) => object> = new Map();
  /** The counter for sums inside recursions. */
  #summed: string | undefined;

  constructor(code: Code, declaration: Declaration) {
    this.#code = code;
    this.#declaration = declaration;
    this.limits = declaration.limits;
    this.#mayCount = hasTrait(declaration.root, 'agrees');
    const all: Counted[] = ['elements', 'empty', 'text'];
    this.#counted = new Set(all.filter((what) => mayExceed(declaration, what)));
    this.#isForeign = hasTrait(declaration.root, 'foreign');
  }

  root(): void {
    const { root } = this.#declaration;
    this.#code.function('decodeMessage(b, s, e)', () => {
      if (root.kind.decodeRoot !== undefined) root.kind.decodeRoot(root, this);
      else {
        this.line('let p = s;');
        this.line('const z = 0;');
        const { value } = this.value(root);
        this.finish(root.facts.traits.absent ? 'undefined' : value);
      }
    });
    // If anything goes wrong in here (user code throws, the stack overflows), the walk says what.
    this.#code.function('decode(b, s, e)', () => {
      this.#begin();
      if (this.#isForeign) {
        this.line('const outer = active;');
        this.line('nested = outer;');
        this.line('active = true;');
      }
      this.line('try {');
      this.line('return decodeMessage(b, s, e);');
      this.line('} catch {');
      this.line('return FAILED;');
      if (this.#isForeign) {
        this.line('} finally {');
        this.line('active = outer;');
      }
      this.line('}');
    });
    this.#code.function('decodeRun({ bytes: b, at, end, header: h }, most)', () => {
      this.line('const { header, offset, width, little, adjustment, strip, shortest, longest } = h;');
      // A list that grows is copied as it does so; one that is too long is cut once.
      this.line('const room = Math.min(most, Math.floor((end - at) / (header + shortest)));');
      this.line('const messages = new Array(room);');
      this.line('let count = 0, p = at;');
      this.line('try {');
      this.line('for (; count < room && end - p >= header; count++) {');
      this.line(`const body = ${this.constant(readUnsigned)}(b, p + offset, width, little) + adjustment;`);
      this.line('const s = p + strip, e = p + header + body;');
      this.line('if (e > end || body < shortest || body > longest) break;');
      if (!this.#isForeign) this.#begin();
      this.line(`const message = ${this.#isForeign ? 'decode' : 'decodeMessage'}(b, s, e);`);
      this.line('if (message === FAILED || message == null) break;');
      this.line('messages[count] = message;');
      this.line('p = e;');
      this.line('}');
      this.line('} catch {}');
      this.line('if (count < room) messages.length = count;');
      this.line('return { messages, at: p };');
    });
    this.#code.function('marks()', () => {
      const counted = '{ elements, empty, text }';
      const all = this.marked.map(
        (_, i) => `{ start: ms${i}, index: mi${i}, at: mp${i}, counted: mc${i} ?? ${counted} }`,
      );
      this.line('if (nested) return [];');
      this.line(`return [${all.join(', ')}];`);
    });
  }

  /** Before a message: nothing of it is counted yet. */
  #begin(): void {
    for (const what of this.#counted) this.line(`${what} = 0;`);
    if (this.#summed === undefined) return;
    const most = this.constant((bytes: number) => mostSummed(this.limits, bytes));
    this.line(`${this.#summed}.count = 0;`);
    this.line(`${this.#summed}.most = ${most}(e - s);`);
  }

  finish(value: string): void {
    if (this.#declaration.trailing === 'reject') this.fail(`${this.here()} !== e`);
    this.line(`return ${value};`);
  }

  value(node: AnyNode): Known {
    return node.kind.decode(node, this);
  }

  members(group: Group, from: number, to: number): [string, Known][] {
    const scope = this.#scope!;
    const pairs: [string, Known][] = [];
    for (let index = from; index < to; index++) {
      const [name, node] = group.entries[index]!;
      if (this.#offset >= this.#ready) this.need(runAhead(group, index, to));
      const start = group.placed.has(name) ? this.define(this.here()) : undefined;
      const room = group.rooms.get(index);
      this.#count = undefined;
      const known = room === undefined ? this.value(node) : this.#before(room, () => this.value(node));
      scope.fields.set(name, known);
      for (const [path, place] of this.#shown) scope.places.set(`${name}.${path}`, place);
      this.#shown.clear();
      if (start !== undefined) {
        scope.places.set(name, { start, end: this.define(this.here()), count: this.#count });
      }
      if (!node.facts.traits.absent) pairs.push([name, known]);
    }
    return pairs;
  }

  /** Read a field that ends this many bytes before the end. */
  #before(room: readonly Foreseen[], read: () => Known): Known {
    const sizes = room.map((one) => one.decode(this));
    this.settle();
    const outer = this.end;
    const total = this.define(sizes.join(' + '));
    this.fail(`!(${total} >= 0 && ${total} <= ${outer} - p)`);
    this.end = this.define(`${outer} - ${total}`);
    const known = read();
    this.settle();
    this.end = outer;
    return known;
  }

  open(group: Group, start?: string): void {
    const from = start ?? (group.finishes ? this.define(this.here()) : '');
    this.#scope = new Scope(from, this.#scope);
  }

  close(group: Group): void {
    for (const agreement of group.agreements)
      agreement.node.kind.agreeDecode!(agreement.node, agreement, this);
    for (const sum of group.sums) if (sum.way !== 'write') sum.node.kind.sumDecode!(sum.node, sum, this);
    for (const path of group.shown) {
      const place = this.place(path);
      this.#shown.set(path, path === '' ? { ...place, end: this.define(place.end) } : place);
    }
    this.#scope = this.#scope!.outer;
    this.#count = undefined;
  }

  counted(count: string): void {
    if (this.#mayCount) this.#count = this.define(count);
  }

  /** In a block for a value that is missing: no elements. */
  #uncount(count = this.#count): void {
    if (count === undefined) return;
    this.#code.hoist(count);
    this.line(`${count} = 0;`);
  }

  place(path: string): Place<string> {
    if (path === '') return { start: this.groupStart, end: this.here() };
    return this.#scope!.places.get(path)!;
  }

  unshow(): void {
    this.#uncount();
    for (const { start, end, count } of this.#shown.values()) {
      this.#uncount(count);
      for (const name of [start, end]) {
        this.#code.hoist(name);
        this.line(`${name} = -1;`);
      }
    }
  }

  get groupStart(): string {
    return this.#scope?.start ?? 's';
  }

  find(path: string): Known {
    const [first, ...members] = namesIn(path);
    let scope = this.#scope!;
    while (!scope.fields.has(first)) scope = scope.outer!;
    let known = scope.fields.get(first)!;
    for (const member of members) {
      // The members of a field with an end of its own are found in its value only.
      known = known.members?.get(member) ?? { value: `${known.value}?.[${literal(member)}]` };
    }
    return known;
  }

  parameter(name: string): number {
    return this.#declaration.parameters!.get(name)!;
  }

  measure(source: Source, max: number): string {
    const value = source.decode(this, max);
    const { min, max: most } = source.range;
    if (min === most) return value;
    const least = source.nullable ? -1 : 0;
    // A member of a missing value is undefined, for which every comparison is false.
    if (min === Number.NEGATIVE_INFINITY) this.fail(`!(${value} >= ${least} && ${value} <= ${max})`);
    else {
      if (min < least) this.fail(`${value} < ${least}`);
      if (most > max) this.fail(`${value} > ${max}`);
    }
    return value;
  }

  measured(source: Source, max: number, read: (size: string) => string): Known {
    const size = this.measure(source, max);
    if (!source.nullable) return { value: read(size) };
    this.settle();
    const result = this.define('null', 'let');
    this.line(`if (${size} >= 0) {`);
    this.line(`${result} = ${read(size)};`);
    this.settle();
    if (this.#count !== undefined) {
      this.line('} else {');
      this.#uncount();
    }
    this.line('}');
    return { value: result };
  }

  run(source: Source, length: string): [from: string, to: string] {
    const { min, max: most } = source.range;
    if (min === most) {
      this.need(min);
      // A later read moves `p`, so the places are kept in variables.
      const from = this.define(this.here());
      const to = this.define(this.here(min));
      this.advance(min);
      return [from, to];
    }
    this.settle();
    if (!source.takesRest) this.fail(`${length} > ${this.end} - p`);
    const from = this.define('p');
    this.line(`p += ${length};`);
    return [from, 'p'];
  }

  text(from: string, to: string): string {
    const text = this.define(`${this.constant(decodeUtf8)}(b, ${from}, ${to})`);
    this.fail(`${text} === undefined`);
    this.count('text', `${to} - ${from}`);
    return text;
  }

  object(pairs: readonly (readonly [name: string, value: string])[]): string {
    const names = pairs.map(([name]) => name);
    const key = JSON.stringify(names);
    const make = this.#constructors.get(key) ?? untrackedConstructor(names);
    if (make === undefined) return objectLiteral(pairs);
    // Objects with the same members have one shape.
    this.#constructors.set(key, make);
    return `new ${this.constant(make)}(${pairs.map(([, value]) => value).join(', ')})`;
  }

  list(item: AnyNode, count = ''): ListCode {
    const { is } = item.kind.shape(item);
    const most = count === '' || !UNTRACKED.has(is) ? 0 : LONGEST_COPIED;
    const empty = !UNTRACKED.has(is)
      ? '[]'
      : `${this.constant(UNTRACKED_LISTS)}[${most === 0 ? 0 : `${count} < ${most} ? ${count} : ${most}`}].slice()`;
    const name = this.define(empty);
    return {
      name,
      add: (index, value) => {
        if (most === 0) this.line(`${name}.push(${value});`);
        else {
          const element = this.define(value);
          this.line(`if (${index} < ${most}) ${name}[${index}] = ${element};`);
          this.line(`else ${name}.push(${element});`);
        }
      },
    };
  }

  count(what: Counted, amount: string): void {
    if (this.#counted.has(what)) this.fail(`(${what} += ${amount}) > ${this.limits[what]}`);
  }

  countSummed(amount: string): void {
    if (!this.#isInRoutine) return;
    this.#summed ??= this.constant(new Summed());
    this.fail(`(${this.#summed}.count += ${amount}) > ${this.#summed}.most`);
  }

  routine(node: AnyNode, body: () => string): string {
    const made = this.#routines.get(node);
    if (made !== undefined) return made;
    const name = this.name('decodeLazy');
    this.#routines.set(node, name);
    const outer = { offset: this.#offset, ready: this.#ready, end: this.end, scope: this.#scope };
    const isOuterRoutine = this.#isInRoutine;
    this.#isInRoutine = true;
    this.#code.function(`${name}(b, s, p, e, z)`, () => {
      this.reset(0);
      this.end = 'e';
      this.#scope = undefined;
      const result = this.define(body());
      this.settle();
      this.line('position = p;');
      this.line(`return ${result};`);
    });
    this.#isInRoutine = isOuterRoutine;
    this.#count = undefined;
    this.#offset = outer.offset;
    this.#ready = outer.ready;
    this.end = outer.end;
    this.#scope = outer.scope;
    return name;
  }

  branch(body: () => string): string {
    const name = this.name('decodeCase');
    this.#code.function(`${name}(b, s, q, e, g)`, () => {
      this.reset(0);
      this.finish(body());
    });
    this.reset(0);
    return name;
  }

  mark(node: AnyNode): Mark {
    // A list declared once may be read in several messages.
    const known = this.marked.indexOf(node);
    const index = known < 0 ? this.marked.push(node) - 1 : known;
    const counted = [...this.#counted];
    const counts = `mc${index} = { elements, empty, text };`;
    return {
      begin: () => {
        this.line(`ms${index} = mp${index} = p;`);
        this.line(`mi${index} = 0;`);
      },
      turn: (i) => {
        this.line(`if ((${i} & ${MARK_EVERY - 1}) === ${MARK_EVERY - 1}) {`);
        this.line(`mi${index} = ${i} + 1;`);
        this.line(`mp${index} = p;`);
        if (counted.length > 0) this.line(counts);
        this.line('}');
      },
    };
  }

  /** Give up if fewer than `count` more bytes are there. */
  need(count: number): void {
    const total = this.#offset + count;
    if (total <= this.#ready) return;
    this.fail(`${this.end} - p < ${total}`);
    this.#ready = total;
  }

  fail(condition: string): void {
    this.line(`if (${condition}) return FAILED;`);
  }

  here(more = 0): string {
    const distance = this.#offset + more;
    return distance === 0 ? 'p' : `p + ${distance}`;
  }

  // `ready` is forgotten too: the next field checks again.
  settle(): void {
    if (this.#offset > 0) this.line(`p += ${this.#offset};`);
    this.reset(0);
  }

  advance(count: number): void {
    this.#offset += count;
  }

  reset(ready: number): void {
    this.#offset = 0;
    this.#ready = ready;
  }

  line(text: string): void {
    this.#code.line(text);
  }
  define(value: string, keyword?: 'const' | 'let'): string {
    return this.#code.define(value, keyword);
  }
  name(prefix?: string): string {
    return this.#code.name(prefix);
  }
  constant(value: unknown): string {
    return this.#code.constant(value);
  }
  helper(head: string, write: (line: (text: string) => void) => void): string {
    return this.#code.helper(head, write);
  }
}

/** The bytes that are needed in any case from a field on, up to the first field of variable size. */
function runAhead(group: Group, from: number, to: number): number {
  let total = 0;
  for (let index = from; index < to; index++) {
    const { min, max } = group.entries[index]![1].facts.size;
    total += min;
    if (min !== max) break;
  }
  return total;
}
