// One float and its bytes, for the generated code: writing one and reading the other converts between them.
export const FLOAT: Float32Array = new Float32Array(1);
export const FLOAT_BYTES: Uint8Array = new Uint8Array(FLOAT.buffer);
export const DOUBLE: Float64Array = new Float64Array(1);
export const DOUBLE_BYTES: Uint8Array = new Uint8Array(DOUBLE.buffer);
export const LITTLE_HOST: boolean = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
