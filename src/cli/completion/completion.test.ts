import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { run } from '../testing.ts';

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('%s: knows every command and its options', async (shell) => {
    const { code, out } = await run(['completion', shell]);
    expect(code).toBe(0);
    for (const word of ['explain', 'container', 'token', 'cpu-class', 'no-trunc', 'network', 'publish', 'network-alias', 'doctor'])
      expect(out).toContain(word);
    for (const word of ['net-alias', 'dns-opt ']) expect(out).not.toContain(word);
  });

  it('bash completes', async () => {
    const { out } = await run(['completion', 'bash']);
    // What the script asks.
    const daemon =
      'caravela() { case "$1" in ps) echo web ;; network) echo blue; echo none ;; images) echo shop ;; volume) echo data ;; esac; }';
    const complete = (words: string) =>
      spawnSync(
        'bash',
        [
          '-c',
          `${daemon}\n${out}\nCOMP_WORDS=(caravela ${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _caravela; echo "\${COMPREPLY[@]}"`,
        ],
        {
          encoding: 'utf8',
        },
      ).stdout.trim();
    expect(complete('expl')).toBe('explain');
    expect(complete('run --cpu-c')).toBe('--cpu-class');
    expect(complete('container exec --work')).toBe('--workdir');
    expect(complete('container pau')).toBe('pause');
    expect(complete('container stop w')).toBe('web');
    expect(complete('exec w')).toBe('web');
    expect(complete('image rm sh')).toBe('shop');
    expect(complete('volume rm ""')).toBe('data');
    expect(complete('system p')).toBe('prune');
    expect(complete('token c')).toBe('create');
    expect(complete('network dis')).toBe('disconnect');
    expect(complete('network create --sub')).toBe('--subnet');
    expect(complete('network rm bl')).toBe('blue');
    expect(complete('network connect ""')).toBe('blue none');
    expect(complete('network connect blue ""')).toBe('web');
    expect(complete('run --network bl')).toBe('blue');
    expect(complete('new -n n')).toBe('none');
    expect(complete('attach w')).toBe('web');
  });

  it('refuses other shells', async () => {
    expect((await run(['completion', 'tcsh'])).err).toMatch(/Allowed choices are bash, zsh, fish/);
  });
});
