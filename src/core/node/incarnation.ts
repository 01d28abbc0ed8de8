/**
 * The incarnation a node's next life goes on from: what it stored, or the seconds since 2026 where
 * those are more. Peers take no second claim under an incarnation they have seen, so one that was
 * used but never stored (a full disk) or was rolled back (a machine restored from a snapshot) would
 * leave a node that also changed its address dead to everybody; the clock moves it past those.
 * Far fewer than one incarnation a second is used otherwise, so stored ones stay behind the clock.
 *
 * @param stored the last one that was made durable
 * @param wallMs since 1970; a clock that is behind only leaves what was stored
 */
export function lastIncarnation(stored: number, wallMs: number): number {
  return Math.max(stored, Math.floor((wallMs - START_MS) / 1_000));
}

/** 2026-01-01, so that the numbers stay short on the wire. */
const START_MS = 1_767_225_600_000;
