export const JOIN_CODES = [
  'unreachable', // nobody answers at the address
  'not-caravela', // somebody else does
  'ca-mismatch', // a node of another instance, or the wrong token
  'token-needed',
  'token-unknown',
  'token-expired',
  'token-used',
  'overlap', // the host's routes overlap the default network
  'revoked', // this key was removed from the instance
  'wire-version',
  'bad-request',
  'no-authority', // no node that can sign certificates is reachable
  'no-agreement', // no majority of the agreement members answers
  'busy', // too many joins at a time, or the daemon is still starting
  'internal',
] as const;
export type JoinCode = (typeof JOIN_CODES)[number];

/** A join that failed; the message is for the terminal. `retry`: the same join may succeed a moment later. */
export class JoinError extends Error {
  override name = 'JoinError';
  readonly code: JoinCode;
  readonly retry: boolean;
  constructor(code: JoinCode, message: string) {
    super(message);
    this.code = code;
    this.retry = code === 'unreachable' || code === 'no-authority' || code === 'no-agreement' || code === 'busy';
  }
}
