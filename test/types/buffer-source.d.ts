/** A name of the DOM's that the declarations of @msgpack/msgpack use; the DOM is not among our libraries. */
type BufferSource = ArrayBufferView | ArrayBuffer;
