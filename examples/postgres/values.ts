import * as w from 'wirepipe';

/** The most that a message holds. */
const LONGEST = 1_073_741_823;

/** Behind the type: see framing.ts. */
export const length = { length: w.padding(4) };

/** String: UTF-8 up to a NUL. */
export const text = w.cstring(LONGEST);

/** A column or a parameter: Int32 length, −1 for NULL. */
export const value = w.bytes(w.size(w.i32be, { nullAt: -1 }), { max: LONGEST });
export const textValue = w.utf8(w.size(w.i32be, { nullAt: -1 }), { max: LONGEST });

export const format = w.enumeration(w.u16be, { text: 0, binary: 1 });
export const formats = w.array(format, w.u16be);

/** Strings up to an empty one. */
export const names = w.array(text, w.until(w.constant(w.u8, 0)), { max: 1_000 });

/** Fields of errors and notices (§55.8): each a letter and a string, up to a NUL. */
export const notice = w.array(
  w.struct({
    field: w.enumeration(
      w.u8,
      {
        severity: 0x53,
        severityCode: 0x56,
        code: 0x43,
        message: 0x4d,
        detail: 0x44,
        hint: 0x48,
        position: 0x50,
        internalPosition: 0x70,
        internalQuery: 0x71,
        where: 0x57,
        schema: 0x73,
        table: 0x74,
        column: 0x63,
        dataType: 0x64,
        constraint: 0x6e,
        file: 0x46,
        line: 0x4c,
        routine: 0x52,
      },
      { unknown: 'keep' },
    ),
    text,
  }),
  w.until(w.constant(w.u8, 0)),
  { max: 100 },
);
