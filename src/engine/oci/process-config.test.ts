import { describe, expect, it } from 'vitest';
import { containerSpec } from '../spec.test-suite.ts';
import { mergeEnvironment, mergeProcessConfig } from './process-config.ts';

const image = {
  Entrypoint: ['/entry'],
  Cmd: ['image-command'],
  Env: ['PATH=/image', 'A=image', 'B=image'],
  WorkingDir: '/srv',
  User: 'www',
  StopSignal: 'SIGINT',
  Labels: { from: 'image', both: 'image' },
};
const merge = (change: Parameters<typeof containerSpec>[0], of = {}) =>
  mergeProcessConfig(containerSpec(change), { ...image, ...of }, 'host-name');

describe('command', () => {
  it.each([
    ['both from the image', null, null, ['/entry', 'image-command']],
    ['a command keeps the entrypoint', null, ['x'], ['/entry', 'x']],
    ['an entrypoint drops the image command', ['/other'], null, ['/other']],
    ['both given', ['/other', '-a'], ['b'], ['/other', '-a', 'b']],
    ['[""] means no entrypoint', [''], ['x'], ['x']],
  ] as const)('%s', (_, entrypoint, command, argv) => {
    expect(merge({ entrypoint, command }).argv).toEqual(argv);
  });

  it('refuses when nothing says what to run', () => {
    expect(() => merge({ entrypoint: [''], command: null })).toThrow('no command specified');
    expect(() => merge({ entrypoint: null, command: [] }, { Entrypoint: null, Cmd: null })).toThrow('no command specified');
  });
});

describe('environment', () => {
  it('starts with PATH and HOSTNAME, then the request, then the image', () => {
    const { env, configuredEnv } = merge({ env: ['B=mine', 'C=1=2', 'A'] });
    expect(env).toEqual(['PATH=/image', 'HOSTNAME=host-name', 'B=mine', 'C=1=2']);
    expect(configuredEnv).toEqual(['B=mine', 'C=1=2', 'A', 'PATH=/image']);
  });

  it('is known without what every container has', () => {
    expect(merge({ tty: true }, { Env: null }).configuredEnv).toEqual([]);
  });

  it('has TERM with a terminal', () => {
    expect(merge({ tty: true }, { Env: null }).env).toContain('TERM=xterm');
  });

  it('keeps the place of what is overridden', () => {
    expect(mergeEnvironment(['A=1', 'B=2'], ['A=3'])).toEqual(['A=3', 'B=2']);
  });
});

it('takes user, directory, signal and labels from the image where the request is silent', () => {
  expect(merge({ labels: { both: 'mine' } })).toMatchObject({
    user: 'www',
    workingDir: '/srv',
    stopSignal: 'SIGINT',
    labels: { from: 'image', both: 'mine' },
  });
  expect(merge({ user: '1', workingDir: '/x', stopSignal: 'HUP' })).toMatchObject({ user: '1', workingDir: '/x', stopSignal: 'HUP' });
});
