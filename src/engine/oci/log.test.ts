import { appendFileSync, existsSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logOptions, textOf } from '../contract.test-suite.ts';
import type { LogEntry, LogOptions } from '../port.ts';
import { LOG_FILE_BYTES, logBounds, openLogs, rotateLog } from './log-files.ts';
import { parseLogLine, timestampMs } from './log-format.ts';
import { readLog } from './log-reader.ts';
import { findTail } from './log-tail.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'caravela-log-'));
  path = join(dir, 'container.log');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const line = (text: string, tag = 'F', stream = 'stdout'): string => `2026-11-21T19:39:55.601307046+00:00 ${stream} ${tag} ${text}\n`;
const read = async (change: Partial<LogOptions> = {}, ended = AbortSignal.abort()): Promise<LogEntry[]> => {
  const entries: LogEntry[] = [];
  for await (const entry of readLog(path, logOptions(change), ended)) entries.push(entry);
  return entries;
};

describe('parseLogLine', () => {
  it('reads time, stream and tag', () => {
    const parsed = parseLogLine(Buffer.from(line('a  b ').slice(0, -1)));
    expect(parsed).toMatchObject({ timestamp: '2026-11-21T19:39:55.601307046Z', stream: 'stdout', partial: false });
    expect(parsed?.text.toString()).toBe('a  b ');
    expect(timestampMs(parsed?.timestamp ?? '')).toBe(Date.UTC(2026, 10, 21, 19, 39, 55, 601) + 0.307);
  });

  it('reads an empty line', () => {
    expect(parseLogLine(Buffer.from(line('').slice(0, -1)))?.text).toHaveLength(0);
  });

  it('stands any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const parsed = parseLogLine(Buffer.from(bytes));
        if (parsed !== undefined) expect(['stdout', 'stderr']).toContain(parsed.stream);
      }),
    );
  });

  it('refuses what is cut', () => {
    for (const text of ['', 'x', '2026 stdout', '2026 stdout X y', '2026 stdin F y', 'F y'])
      expect(parseLogLine(Buffer.from(text))).toBeUndefined();
  });
});

describe('readLog', () => {
  it('has nothing where there is no log', async () => {
    expect(await read()).toEqual([]);
    expect(await read({ tail: 5 })).toEqual([]);
  });

  it('joins pieces of one stream across another’s lines', async () => {
    writeFileSync(path, line('one ', 'P') + line('err', 'F', 'stderr') + line('line') + line('prompt', 'P'));
    const entries = await read();
    expect(entries.map((entry) => entry.data.toString())).toEqual(['err\n', 'one line\n', 'prompt']);
  });

  it('passes over junk', async () => {
    writeFileSync(path, `garbage\n${line('good')}\0\0\0\n${line('also')}cut off`);
    expect(textOf(await read())).toBe('good\nalso\n');
  });

  it('reads on through older files', async () => {
    writeFileSync(`${path}.2`, line('1'));
    writeFileSync(`${path}.1`, line('2'));
    writeFileSync(path, line('3'));
    expect(textOf(await read())).toBe('1\n2\n3\n');
    expect(textOf(await read({ tail: 2 }))).toBe('2\n3\n');
    expect(textOf(await read({ tail: 1 }))).toBe('3\n');
  });

  it('follows through rotations without a gap', async () => {
    writeFileSync(path, line('0'));
    const ended = new AbortController();
    const reading = read({ follow: true }, ended.signal);
    for (let n = 1; n <= 20; n++) {
      if (n % 5 === 0) {
        if (existsSync(`${path}.1`)) renameSync(`${path}.1`, `${path}.2`);
        renameSync(path, `${path}.1`);
        // Until told, conmon writes on to the file it has open.
        appendFileSync(`${path}.1`, line(`${n}-late`));
      }
      appendFileSync(path, line(String(n)));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    ended.abort();
    const seen = textOf(await reading).split('\n');
    const expected = Array.from({ length: 21 }, (_, n) => (n > 0 && n % 5 === 0 ? [`${n}-late`, String(n)] : [String(n)])).flat();
    expect(seen).toEqual([...expected, '']);
  });

  it('repeats and skips nothing when the names move at any moment', async () => {
    writeFileSync(path, line('0'));
    const ended = new AbortController();
    const reading = read({ follow: true }, ended.signal);
    for (let n = 1; n <= 300; n++) {
      if (existsSync(`${path}.1`)) renameSync(`${path}.1`, `${path}.2`);
      await new Promise((resolve) => setImmediate(resolve));
      renameSync(path, `${path}.1`);
      await new Promise((resolve) => setImmediate(resolve));
      appendFileSync(path, line(String(n)));
      // Two more files are kept: a reader that is further behind than that has lost lines by right.
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    ended.abort();
    const seen = textOf(await reading)
      .trim()
      .split('\n')
      .map(Number);
    expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(300);
  });

  it('goes on after conmon emptied the file', async () => {
    writeFileSync(path, line('x'.repeat(100)));
    const ended = new AbortController();
    const seen: string[] = [];
    for await (const entry of readLog(path, logOptions({ follow: true }), ended.signal)) {
      seen.push(entry.data.toString());
      if (seen.length === 1) {
        truncateSync(path);
        setTimeout(() => {
          appendFileSync(path, line('new'));
          ended.abort();
        }, 20);
      }
    }
    expect(seen).toEqual([`${'x'.repeat(100)}\n`, 'new\n']);
  });

  it('filters by stream and time', async () => {
    writeFileSync(path, line('out') + line('err', 'F', 'stderr'));
    const at = Date.UTC(2026, 10, 21, 19, 39, 55, 601) + 0.307;
    expect(textOf(await read({ stdout: false }))).toBe('err\n');
    expect(textOf(await read({ sinceMs: at + 1 }))).toBe('');
    expect(textOf(await read({ sinceMs: at, untilMs: at }))).toBe('out\nerr\n');
  });
});

describe('findTail', () => {
  it('agrees with reading everything, whatever the lines', async () => {
    const piece = fc.record({
      text: fc.oneof(fc.string({ maxLength: 20, unit: 'grapheme-ascii' }), fc.constant('y'.repeat(70_000))),
      partial: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(piece, { maxLength: 6 }), { minLength: 1, maxLength: 3 }), fc.nat(8), async (files, count) => {
        const names = [`${path}.2`, `${path}.1`, path].slice(3 - files.length);
        for (const name of [`${path}.2`, `${path}.1`, path]) rmSync(name, { force: true });
        // A line's pieces never straddle two files here: rotation in the middle of one shows it in two.
        const written = files.map((pieces) => pieces.map((each, at) => ({ ...each, partial: each.partial && at < pieces.length - 1 })));
        for (const [index, name] of names.entries())
          writeFileSync(name, (written[index] ?? []).map((each) => line(each.text, each.partial ? 'P' : 'F')).join(''));
        const all = textOf(await read())
          .split('\n')
          .slice(0, -1);
        expect(
          textOf(await read({ tail: count }))
            .split('\n')
            .slice(0, -1),
        ).toEqual(count === 0 ? [] : all.slice(-count));
      }),
      { numRuns: 60 },
    );
  });

  it('reads the end only', async () => {
    writeFileSync(path, line('x'.repeat(1_000)).repeat(5_000));
    const logs = await openLogs(path);
    const position = await findTail(logs, 3);
    await Promise.all(logs.map((log) => log.file.close()));
    expect(position).toEqual({ log: 0, offset: line('x'.repeat(1_000)).length * 4_997 });
  });
});

describe('rotateLog', () => {
  it('moves files on when the newest is full, and drops the oldest', async () => {
    let told = 0;
    const reopen = async (): Promise<void> => void told++;
    writeFileSync(path, 'small');
    expect(await rotateLog(path, logBounds(undefined), reopen)).toBe(false);
    for (let n = 1; n <= 4; n++) {
      writeFileSync(path, String(n));
      truncateSync(path, LOG_FILE_BYTES);
      expect(await rotateLog(path, logBounds(undefined), reopen)).toBe(true);
    }
    expect(told).toBe(4);
    expect(existsSync(path)).toBe(false);
    const logs = await openLogs(path);
    const firsts = await Promise.all(logs.map(async ({ file }) => (await file.read(Buffer.alloc(1), 0, 1, 0)).buffer.toString()));
    await Promise.all(logs.map((log) => log.file.close()));
    expect(firsts).toEqual(['3', '4']);
  });

  it('keeps as many files of such a size as were asked for, and all are read', async () => {
    const rotate = async (files: number) => {
      await rotateLog(path, logBounds({ driver: 'json-file', options: {}, fileBytes: 40, files }), async () => undefined);
    };
    for (let n = 1; n <= 14; n++) {
      writeFileSync(path, line(String(n)));
      await rotate(12);
    }
    expect(textOf(await read())).toBe(Array.from({ length: 11 }, (_, index) => `${index + 4}\n`).join(''));
    writeFileSync(path, line('small').slice(0, 39));
    await rotate(12);
    expect(existsSync(path)).toBe(true);
    writeFileSync(path, line('alone'));
    await rotate(1);
    expect(existsSync(path)).toBe(false);
  });
});
