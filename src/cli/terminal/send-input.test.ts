import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { sendInput } from './send-input.ts';

/** Takes one chunk at a time, when told to. */
class Slow extends Writable {
  readonly taken: string[] = [];
  take: () => void = () => undefined;

  constructor() {
    super({ highWaterMark: 4 });
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk.toString());
    this.take = done;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('sendInput', () => {
  it('reads no faster than it is taken, and passes the end on', async () => {
    const from = new PassThrough();
    const to = new Slow();
    sendInput(from, to, []);
    from.write('first');
    from.write('second');
    from.end();
    await turn();
    expect([to.taken, from.isPaused()]).toEqual([['first'], true]);
    to.take();
    await turn();
    to.take();
    await turn();
    expect([to.taken, to.writableEnded]).toEqual([['first', 'second'], true]);
  });

  it('passes on at the end what might have become the detach keys', async () => {
    const from = new PassThrough();
    const to = new PassThrough();
    sendInput(from, to, [16, 17]);
    from.end('x\x10');
    expect(String(await to.toArray())).toBe('x,\x10');
  });

  it('tells of the detach keys, and stops when told', async () => {
    const from = new PassThrough();
    const to = new PassThrough();
    const sending = sendInput(from, to, [16, 17]);
    from.write('a\x10\x11b');
    await sending.detached;
    sending.stop();
    from.write('c');
    await turn();
    expect(String(to.read())).toBe('a');
    expect([from.listenerCount('data'), from.isPaused()]).toEqual([0, true]);
  });

  it('stops when nobody takes input any more', async () => {
    const from = new PassThrough();
    const to = new PassThrough();
    sendInput(from, to, []);
    to.destroy();
    await turn();
    expect(from.listenerCount('data')).toBe(0);
  });
});
