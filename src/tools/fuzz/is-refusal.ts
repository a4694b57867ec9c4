import { ProtocolError } from '../../errors.ts';

/** Whether an error is a `ProtocolError`, also one of another copy of the package. */
export function isRefusal(error: unknown): error is ProtocolError {
  if (error instanceof ProtocolError) return true;
  const { code, origin } = (error ?? {}) as Partial<ProtocolError>;
  return error instanceof Error && typeof code === 'string' && (origin === 'peer' || origin === 'local');
}
