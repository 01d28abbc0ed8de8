import { describe, expect, it, vi } from 'vitest';
import { OutputFan } from './output-fan.ts';
import { type OutputPiece, ReaderTooSlow } from './port.ts';

const OPTIONS = { queueBytes: 1_000, patienceMs: 1_000, progressBytes: 500 };
const piece = (bytes: number): OutputPiece => ({ stream: 'stdout', data: Buffer.alloc(bytes, 'x') });
const never = (): AbortSignal => new AbortController().signal;
const iterate = (output: AsyncIterable<OutputPiece>): AsyncIterator<OutputPiece> => output[Symbol.asyncIterator]();

function fan() {
  const relieved = vi.fn<() => void>();
  return { relieved, fan: new OutputFan(OPTIONS, relieved) };
}

describe('OutputFan', () => {
  it('gives each reader what came since it joined, and ends with the source', async () => {
    const t = fan();
    const first = iterate(t.fan.join(never(), () => undefined));
    t.fan.push(piece(1));
    const second = iterate(t.fan.join(never(), () => undefined));
    t.fan.push(piece(2));
    t.fan.end();
    expect([await first.next(), await first.next(), await first.next()]).toMatchObject([
      { value: { data: { length: 1 } } },
      { value: { data: { length: 2 } } },
      { done: true },
    ]);
    expect([await second.next(), await second.next()]).toMatchObject([{ value: { data: { length: 2 } } }, { done: true }]);
    expect(await iterate(t.fan.join(never(), () => undefined)).next()).toMatchObject({ done: true });
    expect(t.fan.size).toBe(0);
  });

  it('holds the source up for a reader that is behind, until that has read', async () => {
    const t = fan();
    const reader = iterate(t.fan.join(never(), () => undefined));
    expect(t.fan.push(piece(500))).toBe(true);
    expect(t.fan.push(piece(500))).toBe(false);
    await reader.next();
    expect(t.relieved).toHaveBeenCalledOnce();
    expect(t.fan.push(piece(1))).toBe(true);
    t.fan.end();
  });

  it('counts pieces, too: a thousand of one byte are not small', () => {
    const t = fan();
    void t.fan.join(never(), () => undefined);
    let pushed = 1;
    while (t.fan.push(piece(1))) pushed++;
    expect(pushed).toBeLessThan(10);
    t.fan.end();
  });

  it('lets who makes no progress go after a while, and keeps who does', async () => {
    vi.useFakeTimers();
    try {
      const t = fan();
      const left = vi.fn<() => void>();
      const stuck = iterate(t.fan.join(never(), left));
      const slow = iterate(t.fan.join(never(), () => undefined));
      for (let i = 0; i < 5; i++) t.fan.push(piece(600));
      await slow.next();
      vi.advanceTimersByTime(OPTIONS.patienceMs);
      await expect(stuck.next()).rejects.toThrow(ReaderTooSlow);
      expect(left).toHaveBeenCalledOnce();
      expect(t.fan.size).toBe(1);
      expect(t.relieved).not.toHaveBeenCalled();
      for (let i = 0; i < 4; i++) expect((await slow.next()).done).toBe(false);
      expect(t.relieved).toHaveBeenCalledOnce();
      t.fan.end();
    } finally {
      vi.useRealTimers();
    }
  });

  it('has no patience when hurried', async () => {
    const t = fan();
    const stuck = iterate(t.fan.join(never(), () => undefined));
    t.fan.push(piece(2_000));
    t.fan.hurry();
    expect(t.relieved).toHaveBeenCalledOnce();
    await expect(stuck.next()).rejects.toThrow(ReaderTooSlow);
    const later = iterate(t.fan.join(never(), () => undefined));
    expect(t.fan.push(piece(2_000))).toBe(true);
    await expect(later.next()).rejects.toThrow(ReaderTooSlow);
  });

  it('lets go of who leaves, by a signal or by ending the loop', async () => {
    const t = fan();
    const abort = new AbortController();
    const left = vi.fn<() => void>();
    const waiting = iterate(t.fan.join(abort.signal, left)).next();
    abort.abort();
    expect(await waiting).toMatchObject({ done: true });
    const looping = t.fan.join(never(), left);
    t.fan.push(piece(1));
    for await (const _ of looping) break;
    expect(left).toHaveBeenCalledTimes(2);
    expect(await iterate(t.fan.join(AbortSignal.abort(), left)).next()).toMatchObject({ done: true });
    expect(t.fan.size).toBe(0);
  });
});
