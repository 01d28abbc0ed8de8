import { ApiError } from '../http/api-error.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Refused {
  readonly field: string;
  /** What it would be for, as the user named it. */
  readonly what: string;
  /** Whether the value asks for anything; default: it is not empty, zero, false or null. */
  readonly asks?: (value: unknown) => boolean;
}

const otherThan =
  (...harmless: readonly unknown[]) =>
  (value: unknown): boolean =>
    value !== undefined && value !== null && !harmless.includes(value);

/** Asked for and silently left out, each of these would make a container that is not what was meant. */
const HOST_FIELDS: readonly Refused[] = [
  { field: 'DeviceRequests', what: 'device requests (--gpus)' },
  { field: 'CpuRealtimePeriod', what: 'real-time scheduling' },
  { field: 'CpuRealtimeRuntime', what: 'real-time scheduling' },
  { field: 'BlkioWeight', what: 'block IO weights (--blkio-weight)' },
  { field: 'BlkioWeightDevice', what: 'block IO weights (--blkio-weight-device)' },
  { field: 'BlkioDeviceReadBps', what: 'block IO limits (--device-read-bps)' },
  { field: 'BlkioDeviceWriteBps', what: 'block IO limits (--device-write-bps)' },
  { field: 'BlkioDeviceReadIOps', what: 'block IO limits (--device-read-iops)' },
  { field: 'BlkioDeviceWriteIOps', what: 'block IO limits (--device-write-iops)' },
  { field: 'UsernsMode', what: 'user namespaces (--userns)', asks: otherThan('', 'private', 'host') },
  { field: 'CgroupParent', what: 'cgroup parents (--cgroup-parent)' },
  { field: 'StorageOpt', what: 'storage options (--storage-opt)' },
  { field: 'Runtime', what: 'other runtimes (--runtime)', asks: otherThan('', 'runc', 'crun', 'io.containerd.runc.v2') },
  { field: 'Isolation', what: 'isolation technologies (--isolation)', asks: otherThan('', 'default') },
  { field: 'Annotations', what: 'annotations (--annotation)' },
];

/** The kernel has them no more, or they change nothing that a container could see. */
const IGNORED_WITH_WARNING: readonly { readonly field: string; readonly warning: string; readonly asks?: (value: unknown) => boolean }[] = [
  { field: 'KernelMemory', warning: 'Kernel memory limits (--kernel-memory) are ignored: kernels no longer have them.' },
  { field: 'KernelMemoryTCP', warning: 'Kernel memory limits are ignored: kernels no longer have them.' },
  { field: 'MemorySwappiness', warning: 'Memory swappiness (--memory-swappiness) is ignored.', asks: otherThan(-1) },
];

/**
 * What a HostConfig asks for and this version does not have.
 * @returns warnings about what is left out without harm. @throws ApiError 501, naming field and value
 */
export function refuseUnsupported(host: Fields): string[] {
  for (const refused of HOST_FIELDS) refuse(host, refused, 'HostConfig.');
  return IGNORED_WITH_WARNING.filter(({ field, asks = isSet }) => asks(host[field])).map(({ warning }) => warning);
}

function refuse(fields: Fields, { field, what, asks = isSet }: Refused, prefix: string): void {
  const value = fields[field];
  if (!asks(value)) return;
  throw new ApiError(501, `Caravela does not have ${what} yet: ${prefix}${field} was ${JSON.stringify(value).slice(0, 120)}`);
}

/** Docker's clients send empty values for what was not asked. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
