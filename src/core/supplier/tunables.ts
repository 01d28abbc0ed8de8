/** Times of the supplier, in ms. */
export const SUPPLIER = {
  /** A hold ends this long after it was made or last renewed (DESIGN §6, Holds). */
  holdMs: 5_000,
  /** Requests whose attempts that are over are remembered, newest first. */
  spentAttempts: 4_096,
  /** An accept is repeated once after this, unless a launch or a renewal showed that it arrived: over 80 ms links that takes 320. */
  repeatAcceptMs: 350,
  /** Restart back-off: first delay, doubled up to the last; a task that ran this long starts it afresh. */
  firstBackoffMs: 100,
  lastBackoffMs: 60_000,
  backoffResetMs: 10_000,
  /** A container never started gives its resources back after this. */
  neverStartedMs: 600_000,
  /** How long a removed container's id is refused. */
  tombstoneMs: 600_000,
  /** After stop's own timeout: how long the end of the task may take to be seen. */
  stopGraceMs: 10_000,
  /** A record that could not be deleted after a failed launch is tried again after this, doubled up to lastBackoffMs. */
  forgetRetryMs: 1_000,
  /** A container's record that the disk did not take is written again after this, until it is taken. */
  storeRetryMs: 5_000,
  /** After a crash amid an update, where the engine does not take the spec of before, or something else is under way. */
  updateAgainMs: 5_000,
  /** Commands that wait for an order under way on one container. */
  waitingCommands: 64,
} as const;
