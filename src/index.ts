export * from './errors.ts';
export type { Codec, Decoded, Encodable } from './protocol/codec.ts';
export type {
  FrameBatch,
  FrameReader,
  FrameReaderOptions,
  FrameWriter,
  Framing,
} from './protocol/framing.ts';
