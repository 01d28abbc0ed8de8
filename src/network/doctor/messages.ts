/** What a peer's daemon says of its host. */
export interface PeerFacts {
  /** Its clock. */
  readonly wallMs: number;
  readonly checksumErrors: number;
}

/** An answer of more is none of ours. */
export const ANSWER_BYTES = 1_024;

/** @throws Error where it isn't what a daemon of this version says */
export function readFacts(body: string): PeerFacts {
  const { wallMs, checksumErrors } = recordIn(body);
  if (!isCount(wallMs) || !isCount(checksumErrors)) throw new Error('its daemon’s answer can’t be read: another version?');
  return { wallMs, checksumErrors };
}

/** undefined: it has none to spare. */
export function readPort(body: string): number | undefined {
  const { port } = recordIn(body);
  return isCount(port) && port >= 1 && port <= 65_535 ? port : undefined;
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function recordIn(body: string): Readonly<Record<string, unknown>> {
  if (body.length > ANSWER_BYTES) return {};
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
