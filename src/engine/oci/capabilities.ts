import { readFileSync } from 'node:fs';
import { EngineError } from '../port.ts';

/** By number, capabilities(7). */
const NAMES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`);

/** What a container has unless asked otherwise: Docker's fourteen. */
const DEFAULTS = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
].map((name) => `CAP_${name}`);

/**
 * A container's capabilities: the defaults, `add` and `drop` applied by Docker's rules, `ALL` in
 * either included. What this daemon itself lacks can't be given: it falls out of defaults and `ALL`.
 * @param own capabilities this daemon can give
 * @param privileged all that can be given
 * @throws EngineError for an unknown name and for one asked for by name that can't be given
 */
export function containerCapabilities(
  add: readonly string[],
  drop: readonly string[],
  own: ReadonlySet<string>,
  privileged = false,
): string[] {
  // Docker's rule: such a one has them all, whatever else was asked.
  if (privileged) return NAMES.filter((name) => own.has(name));
  const added = add.map(canonical);
  const dropped = new Set(drop.map(canonical));
  const missing = added.find((name) => name !== 'ALL' && !own.has(name));
  if (missing !== undefined) {
    throw new EngineError('engine-failed', `capability ${missing} can't be added: this node's daemon lacks it itself`);
  }
  const base = added.includes('ALL') ? NAMES : dropped.has('ALL') ? [] : DEFAULTS;
  const all = new Set([...base.filter((name) => !dropped.has(name)), ...added.filter((name) => name !== 'ALL')]);
  return NAMES.filter((name) => all.has(name) && own.has(name));
}

/** This process's bounding set: what it can pass on. */
export function ownCapabilities(status = readFileSync('/proc/self/status', 'utf8')): Set<string> {
  const bits = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return new Set(NAMES.filter((_, number) => (bits >> BigInt(number)) & 1n));
}

function canonical(name: string): string {
  const upper = name.toUpperCase();
  if (upper === 'ALL') return upper;
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (!NAMES.includes(full))
    throw new EngineError('engine-failed', `invalid capability ${JSON.stringify(name)}: see capabilities(7) for the names`);
  return full;
}
