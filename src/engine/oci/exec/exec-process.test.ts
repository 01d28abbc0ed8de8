import { describe, expect, it } from 'vitest';
import type { ExecSpec } from '../../port.ts';
import { type ExecHome, execProcess } from './exec-process.ts';

const own = new Set(['CAP_CHOWN', 'CAP_KILL', 'CAP_SYS_ADMIN']);
const home: ExecHome = {
  first: {
    terminal: true,
    consoleSize: { height: 1, width: 2 },
    user: { uid: 1000, gid: 1000, additionalGids: [1000] },
    args: ['first'],
    env: ['PATH=/bin', 'A=1', 'HOME=/home/first'],
    cwd: '/srv',
    capabilities: { bounding: ['CAP_CHOWN'], effective: [], permitted: [] },
    noNewPrivileges: true,
  },
  config: { env: ['PATH=/bin', 'A=1'], workingDir: '/srv' },
};
const make = (change: Partial<ExecSpec> = {}, user?: Parameters<typeof execProcess>[2]) =>
  execProcess({ argv: ['ls'], env: [], workingDir: '', user: '', privileged: false, tty: false, stdin: false, ...change }, home, user, own);

describe('execProcess', () => {
  it('is the container’s process, but for what is its own', () => {
    expect(make()).toEqual({
      terminal: false,
      user: home.first.user,
      args: ['ls'],
      env: ['PATH=/bin', 'A=1', 'HOME=/home/first'],
      cwd: '/srv',
      capabilities: home.first.capabilities,
      noNewPrivileges: true,
    });
  });

  it('is told of a terminal only where it has one, or where that was said', () => {
    const env = ['PATH=/bin', 'TERM=xterm'];
    const of = (configuredEnv: string[], tty: boolean): readonly string[] =>
      execProcess(
        { argv: ['ls'], env: [], workingDir: '', user: '', privileged: false, tty, stdin: false },
        { ...home, config: { env, configuredEnv, workingDir: '/' } },
        undefined,
        own,
      ).env.filter((entry) => entry.startsWith('TERM='));
    expect(of(['PATH=/bin'], false)).toEqual([]);
    expect(of(['PATH=/bin'], true)).toEqual(['TERM=xterm']);
    expect(of(['TERM=xterm'], false)).toEqual(['TERM=xterm']);
  });

  it('has a terminal of its own size', () => {
    const made = make({ tty: true, terminalSize: { rows: 20, columns: 70 } });
    expect(made).toMatchObject({
      terminal: true,
      consoleSize: { height: 20, width: 70 },
      env: ['TERM=xterm', 'PATH=/bin', 'A=1', 'HOME=/home/first'],
    });
    expect(make({ tty: true })).not.toHaveProperty('consoleSize');
  });

  it('has what was asked for', () => {
    const root = { uid: 0, gid: 0, additionalGids: [0], home: '/root' };
    const made = make({ env: ['A=2', 'B=3'], workingDir: '/tmp', user: 'root' }, root);
    expect(made).toMatchObject({
      user: { uid: 0, gid: 0, additionalGids: [0] },
      env: ['PATH=/bin', 'A=2', 'B=3', 'HOME=/root'],
      cwd: '/tmp',
      capabilities: { bounding: ['CAP_CHOWN'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'] },
    });
    expect(make({ env: ['HOME=/x'] }).env).toEqual(['PATH=/bin', 'A=1', 'HOME=/x']);
    expect(make({ privileged: true }).capabilities).toEqual({ bounding: [...own], effective: [...own], permitted: [...own] });
  });
});
