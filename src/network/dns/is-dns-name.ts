/** Bytes of a label, and of a whole name as it is written (RFC 1035 §2.3.4). */
const LABEL_BYTES = 63;
const NAME_BYTES = 253;

/** Whether a name can be asked for, and be an answer: a container and a network may be called what DNS can't carry. */
export function isDnsName(name: string): boolean {
  return Buffer.byteLength(name) <= NAME_BYTES && name.split('.').every((label) => label !== '' && Buffer.byteLength(label) <= LABEL_BYTES);
}
