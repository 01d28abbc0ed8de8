/** Stable error codes of the core. The API maps each to a status; the text is for people. */
export const ERROR_CODES = [
  'no-room', // nowhere to place it: explained per node
  'name-taken',
  'no-such-container',
  'wrong-state', // e.g. start of a running container (API: 304), remove of a running one (409)
  'too-many-runs',
  'engine-failed', // the engine could not create, start, stop or remove: its words in the message
  'image-missing',
  'supplier-lost', // the node that was launching it died or left
  'draining',
  'store-failed', // nothing was changed: the record could not be made durable
  'cancelled',
  'internal',
  'port-taken', // a host port is another's
  'network-failed', // the container could not be plugged in: its words in the message
  'no-agreement', // no majority of the agreement members answers, and this needs one
  'invalid-request', // a value that no node could take: named in the message
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export interface CoreError {
  readonly code: ErrorCode;
  /** What happened, with the values, and what to do next. */
  readonly message: string;
  /** Whether anything was changed that stays. */
  readonly changed: boolean;
}
