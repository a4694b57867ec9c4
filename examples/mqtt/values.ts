import { bytes, u16be, utf8 } from 'wirepipe';

/** UTF-8 Encoded String (MQTT 5.0 §1.5.4). */
export const text = utf8(u16be);

/** Binary Data (§1.5.6). */
export const data = bytes(u16be);
