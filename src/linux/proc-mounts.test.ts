import { expect, test } from 'vitest';
import { procMountsIn } from './proc-mounts.ts';

test('mounts of procfs are told, whatever their points are called, the last first', () => {
  const mountinfo = [
    '22 27 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw',
    '23 27 0:21 / /proc rw,nosuid shared:13 - proc proc rw',
    '24 23 0:21 /sys /a\\040b\\134c ro master:1 - proc proc rw',
    '25 23 0:22 / /x rw,relatime - tmpfs proc rw',
    '',
  ].join('\n');
  expect(procMountsIn(mountinfo)).toEqual(['/a b\\c', '/proc']);
});
