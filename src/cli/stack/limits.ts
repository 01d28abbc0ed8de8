/** Bounds of a stack file. The API has its own for what is sent (LIMITS.stack). */
export const STACK_LIMITS = {
  fileBytes: 128 * 1024,
  containers: 64,
  /** Words of one container's args. */
  args: 1_024,
  /** Ports, aliases, networks, hosts … of one list. */
  items: 64,
} as const;
