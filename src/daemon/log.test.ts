import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createLog, linesTo } from './log.ts';

describe('log', () => {
  it('writes one JSON object a line, from the lowest level on', () => {
    const lines: string[] = [];
    const log = createLog(
      'info',
      (line) => lines.push(line),
      () => 0,
    );
    log('debug', 'not this');
    log('warn', 'disk\nfull', { container: 'web' });
    expect(lines).toEqual(['{"time":"1970-01-01T00:00:00.000Z","level":"warn","message":"disk\\nfull","container":"web"}\n']);
  });

  it('survives a full disk, and a descriptor that is closed', () => {
    const fd = openSync('/dev/full', 'w');
    const write = linesTo(fd);
    expect(() => write('lost\n')).not.toThrow();
    closeSync(fd);
    expect(() => write('lost, too\n')).not.toThrow();
  });
});
