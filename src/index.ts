// bytes → frames

// what goes wrong
export * from './errors.ts';
export type { Codec, Decoded, Encodable } from './protocol/codec.ts';
export type {
  FrameBatch,
  FrameReader,
  FrameReaderOptions,
  FrameWriter,
  Framing,
} from './protocol/framing.ts';
export { type LengthPrefixOptions, lengthPrefix } from './protocol/length-prefix.ts';
export { FrameDecoder } from './streams/frame-decoder.ts';
export { FrameEncoder } from './streams/frame-encoder.ts';
export { LengthPrefixDecoder } from './streams/length-prefix-decoder.ts';
// frames → bytes
export { LengthPrefixEncoder } from './streams/length-prefix-encoder.ts';
// frames → messages
export { MessageDecoder } from './streams/message-decoder.ts';
// messages → bytes
export { MessageEncoder, type MessageEncoderOptions } from './streams/message-encoder.ts';
export type { StageOptions } from './streams/stage.ts';
