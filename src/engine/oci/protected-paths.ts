import type { ContainerDetails, SpecExtras } from '../port.ts';

const MASKED = [
  ...['asound', 'acpi', 'kcore', 'keys', 'latency_stats', 'timer_list', 'timer_stats', 'sched_debug', 'scsi'].map(
    (name) => `/proc/${name}`,
  ),
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READ_ONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`);

/** What of the kernel's own file systems a container is kept from: as asked, else Docker's lists; a privileged one is kept from nothing. */
export function protectedPaths({
  privileged,
  maskedPaths,
  readonlyPaths,
}: Pick<SpecExtras, 'privileged' | 'maskedPaths' | 'readonlyPaths'>): Pick<ContainerDetails, 'maskedPaths' | 'readonlyPaths'> {
  const usual = privileged === true ? { masked: [], readOnly: [] } : { masked: MASKED, readOnly: READ_ONLY };
  return { maskedPaths: maskedPaths ?? usual.masked, readonlyPaths: readonlyPaths ?? usual.readOnly };
}
