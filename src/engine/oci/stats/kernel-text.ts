import type { ContainerStats } from '../../port.ts';

/**
 * The texts in which the kernel counts. What isn't there counts as 0, and lines of another form are passed over: kernels
 * differ in what they tell. All pure.
 */

type BlockIo = ContainerStats['blockIo'][number];
type Interface = ContainerStats['networks'][string];

/** USER_HZ: what /proc and cpuacct.stat count in, on every architecture that Node runs on. */
const NS_PER_TICK = 1e9 / 100;
/** user, nice, system, idle, iowait, irq, softirq, steal: a guest's time is in user's (proc_stat(5)). */
const CPU_TIME_FIELDS = 8;

/** One number; `max` and what is none: undefined. */
export function count(text: string): number | undefined {
  const digits = /^\s*(\d{1,20})\s*$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Lines of `name number`: cpu.stat, memory.stat, cpuacct.stat. */
export function counts(text: string): Record<string, number> {
  const pairs = text.split('\n').flatMap((line): [string, number][] => {
    const [, name, digits] = /^([\w.]+) (\d{1,20})$/.exec(line) ?? [];
    return name === undefined || digits === undefined ? [] : [[name, Number(digits)]];
  });
  // From entries, so that no name is special.
  return Object.fromEntries(pairs);
}

/** /proc/stat: all time of all CPUs, and how many there are. */
export function systemTime(text: string): { readonly systemNs: number; readonly onlineCpus: number } {
  const all = /^cpu +([\d ]*)$/m.exec(text)?.[1] ?? '';
  const ticks = all.split(' ').slice(0, CPU_TIME_FIELDS).map(Number);
  return { systemNs: ticks.reduce((sum, each) => sum + each, 0) * NS_PER_TICK, onlineCpus: text.match(/^cpu\d+ /gm)?.length ?? 0 };
}

export const ticksToNs = (ticks: number): number => ticks * NS_PER_TICK;

/** v2's io.stat: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …` */
export function ioStat(text: string): BlockIo[] {
  return text.split('\n').flatMap((line): BlockIo[] => {
    const [, major, minor, rest = ''] = /^(\d+):(\d+) (.*)$/.exec(line) ?? [];
    if (major === undefined) return [];
    const value = (key: string): number => Number(new RegExp(`(?:^| )${key}=(\\d{1,20})(?: |$)`).exec(rest)?.[1] ?? 0);
    return [
      {
        major: Number(major),
        minor: Number(minor),
        readBytes: value('rbytes'),
        writtenBytes: value('wbytes'),
        reads: value('rios'),
        writes: value('wios'),
      },
    ];
  });
}

/** v1's blkio.throttle.io_service_bytes and io_serviced: `8:0 Read 1` and so on. */
export function blkio(bytes: string, operations: string): BlockIo[] {
  const [byBytes, byOperations] = [byDevice(bytes), byDevice(operations)];
  return [...new Set([...byBytes.keys(), ...byOperations.keys()])].map((device) => {
    const [major, minor] = device.split(':').map(Number);
    const [inBytes, inOperations] = [byBytes.get(device), byOperations.get(device)];
    return {
      major: major ?? 0,
      minor: minor ?? 0,
      readBytes: inBytes?.get('Read') ?? 0,
      writtenBytes: inBytes?.get('Write') ?? 0,
      reads: inOperations?.get('Read') ?? 0,
      writes: inOperations?.get('Write') ?? 0,
    };
  });
}

/** /proc/PID/net/dev, the loopback left out (proc_pid_net(5)). */
export function netDev(text: string): Record<string, Interface> {
  const interfaces = text.split('\n').flatMap((line): [string, Interface][] => {
    const [, name, rest = ''] = /^\s*([^\s:]+(?::[^\s:]+)*):\s*([\d\s]+)$/.exec(line) ?? [];
    const values = rest.trim().split(/\s+/).map(Number);
    if (name === undefined || name === 'lo' || values.length < 16) return [];
    const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDropped = 0] = values;
    const [txBytes = 0, txPackets = 0, txErrors = 0, txDropped = 0] = values.slice(8);
    return [[name, { rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped }]];
  });
  return Object.fromEntries(interfaces);
}

function byDevice(text: string): Map<string, Map<string, number>> {
  const devices = new Map<string, Map<string, number>>();
  for (const line of text.split('\n')) {
    const [, device, kind, digits] = /^(\d+:\d+) (\w+) (\d{1,20})$/.exec(line) ?? [];
    if (device === undefined || kind === undefined) continue;
    const kinds = devices.get(device) ?? new Map<string, number>();
    devices.set(device, kinds.set(kind, Number(digits)));
  }
  return devices;
}
