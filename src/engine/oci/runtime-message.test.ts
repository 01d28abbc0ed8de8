import { expect, it } from 'vitest';
import { runtimeMessage } from './runtime-message.ts';

it.each([
  [
    'runc, not in PATH',
    'time="2026-11-21T19:39:55Z" level=error msg="runc create failed: unable to start container process: exec: \\"x\\": executable file not found in $PATH"\n',
    'x',
    'OCI runtime create failed: exec: "x": executable file not found in $PATH',
  ],
  [
    'runc, no such path',
    'time="t" level=error msg="runc create failed: unable to start container process: exec: \\"/x\\": stat /x: no such file or directory"',
    '/x',
    'OCI runtime create failed: exec: "/x": stat /x: no such file or directory',
  ],
  [
    'runc, no permission',
    'time="t" level=error msg="runc create failed: unable to start container process: exec: \\"/etc/passwd\\": permission denied"',
    '/etc/passwd',
    'OCI runtime create failed: exec: "/etc/passwd": permission denied',
  ],
  [
    'crun, not in PATH',
    'executable file `x` not found in $PATH: No such file or directory\n',
    'x',
    'OCI runtime create failed: exec: "x": executable file not found in $PATH',
  ],
  ['crun, no permission', 'open executable: Permission denied', '/d', 'OCI runtime create failed: exec: "/d": permission denied'],
  [
    'anything else, as it is',
    'time="t" level=warning msg="odd"\ntime="t" level=error msg="runc create failed: no space"\n',
    'x',
    'OCI runtime create failed: no space',
  ],
  ['silence', '', 'x', 'OCI runtime create failed: the runtime failed without a word'],
])('%s', (_, raw, program, message) => {
  expect(runtimeMessage(raw, program)).toBe(message);
});

it.each([
  [
    'time="t" level=error msg="exec failed: unable to start container process: exec: \\"x\\": executable file not found in $PATH"\n',
    'exec: "x": executable file not found in $PATH',
  ],
  ['executable file `x` not found in $PATH: No such file or directory\n', 'exec: "x": executable file not found in $PATH'],
  [
    'time="t" level=error msg="exec failed: unable to start container process: chdir to cwd (\\"/no\\") set in config.json failed: no such file or directory"\n',
    'chdir to cwd ("/no") set in config.json failed: no such file or directory',
  ],
])('of an exec: %s', (raw, message) => {
  expect(runtimeMessage(raw, 'x', 'exec')).toBe(
    `OCI runtime exec failed: exec failed: unable to start container process: ${message}: unknown`,
  );
});
