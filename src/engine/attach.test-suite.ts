import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { taskId } from '../core/model/index.ts';
import { A, type EngineBench, logOptions } from './contract.test-suite.ts';
import type { FanOptions } from './output-fan.ts';
import { type AttachedStreams, type ContainerSpec, type Engine, type Exit, type LogStream, ReaderTooSlow } from './port.ts';
import { containerSpec, ON_HOST } from './spec.test-suite.ts';

/** So that who reads nothing is let go soon. */
export const SHORT_PATIENCE: FanOptions = { queueBytes: 256 * 1024, patienceMs: 100, progressBytes: 64 * 1024 };
const MIB = 1024 * 1024;

/** What every adapter keeps of `attach` and `resize`. The bench's engines have SHORT_PATIENCE. */
export function attachContract(name: string, makeBench: () => Promise<EngineBench>): void {
  describe(`engine contract, attached: ${name}`, () => {
    let bench: EngineBench;
    let engine: Engine;
    let exits: Exit[];
    let leaving: AbortController;

    async function open(): Promise<void> {
      engine = await bench.open();
      engine.onExit((exit) => exits.push(exit));
      await engine.recover(() => true);
    }
    beforeEach(async () => {
      bench = await makeBench();
      exits = [];
      leaving = new AbortController();
      await open();
    });
    afterEach(async () => {
      leaving.abort();
      await engine.remove(A);
      await engine.close();
      await bench.destroy();
    });

    const create = (command: readonly string[], change: Partial<ContainerSpec> = {}): Promise<void> =>
      engine.create(A, containerSpec({ command, ...change }), []);
    const start = (n = 1) => engine.start(A, taskId(A, n), ON_HOST);
    const attach = (stdin = false): Promise<AttachedStreams> => engine.attach(A, { stdin, signal: leaving.signal });
    const ended = async (n = 1): Promise<Exit> => {
      for (;;) {
        const exit = exits.find((each) => each.taskId === taskId(A, n));
        if (exit !== undefined) return exit;
        await delay(5);
      }
    };

    it('shows all output to who attached before the start, each stream by itself, and then ends', async () => {
      await create(['sh', '-c', 'echo out; echo err >&2; printf rest']);
      const early = await attach();
      await start();
      expect(await read(early)).toEqual({ stdout: 'out\nrest', stderr: 'err\n' });
      expect((await ended()).exitCode).toBe(0);
    });

    it('misses nothing of the shortest, time after time', async () => {
      await create(['echo', 'hello']);
      for (let n = 1; n <= 10; n++) {
        const early = await attach();
        await start(n);
        expect(await read(early)).toEqual({ stdout: 'hello\n', stderr: '' });
        await ended(n);
      }
    });

    it('passes input on, and its end', async () => {
      await create(['cat'], { openStdin: true, stdinOnce: true });
      const streams = await attach(true);
      const writing = streams.write(Buffer.from('before the start\n')).then(() => streams.endInput());
      await start();
      expect(await read(streams)).toEqual({ stdout: 'before the start\n', stderr: '' });
      await writing;
      expect((await ended()).exitCode).toBe(0);
    });

    it('echoes to every reader of a running container', async () => {
      await create(['cat'], { openStdin: true });
      await start();
      const [writer, reader] = [await attach(true), await attach()];
      const lines = [firstLine(writer), firstLine(reader)];
      await writer.write(Buffer.from('hello\n'));
      expect(await Promise.all(lines)).toEqual(['hello\n', 'hello\n']);
    });

    it('loses none of 16 MiB, on the way in and out', async () => {
      await create(['cat'], { openStdin: true, stdinOnce: true });
      const streams = await attach(true);
      await start();
      const data = Buffer.alloc(16 * MIB, 'one line of the many that go through the container, and back\n');
      for (let at = 0; at < data.length; at += 7) data[at] = at % 251;
      const reading = digest(streams);
      for (let at = 0; at < data.length; at += 100_000) await streams.write(data.subarray(at, at + 100_000));
      streams.endInput();
      expect(await reading).toEqual([data.length, createHash('sha256').update(data).digest('hex')]);
      await ended();
    });

    it('ends the input with the first writer where that was asked for, and with no reader', async () => {
      await create(['cat'], { openStdin: true, stdinOnce: true });
      await start();
      const reader = new AbortController();
      const first = await engine.attach(A, { stdin: false, signal: reader.signal });
      const seen = firstLine(first);
      const writer = new AbortController();
      const streams = await engine.attach(A, { stdin: true, signal: writer.signal });
      await streams.write(Buffer.from('x\n'));
      expect(await seen).toBe('x\n');
      reader.abort();
      const rest = firstLine(streams);
      await streams.write(Buffer.from('y\n'));
      expect(await rest).toBe('x\n');
      expect(exits).toEqual([]);
      writer.abort();
      expect((await ended()).exitCode).toBe(0);
    });

    it('keeps the input open where nobody is attached', async () => {
      await create(['cat'], { openStdin: true });
      await start();
      for (const word of ['one\n', 'two\n']) {
        const gone = new AbortController();
        const streams = await engine.attach(A, { stdin: true, signal: gone.signal });
        const line = firstLine(streams);
        await streams.write(Buffer.from(word));
        expect(await line).toBe(word);
        streams.endInput();
        gone.abort();
        await delay(20);
      }
      expect(exits).toEqual([]);
    });

    it('has no input where none was asked for', async () => {
      await create(['cat']);
      const streams = await attach(true);
      await start();
      await streams.write(Buffer.from('to nobody'));
      expect(await read(streams)).toEqual({ stdout: '', stderr: '' });
      expect((await ended()).exitCode).toBe(0);
    });

    it('takes what is written to a container that has ended', async () => {
      await create(['sh', '-c', 'echo bye'], { openStdin: true, stdinOnce: true });
      const streams = await attach(true);
      await start();
      expect((await read(streams)).stdout).toBe('bye\n');
      await streams.write(Buffer.alloc(MIB));
      streams.endInput();
    });

    it('shows the last words of one that ends with input unread', async () => {
      await create(['sh', '-c', 'echo words; sleep 0.1; echo last words'], { openStdin: true, stdinOnce: true });
      const streams = await attach(true);
      const abort = new AbortController();
      const writing = (async () => {
        // When nobody takes it any more a write is over at once: others must have their turn, too.
        for (; !abort.signal.aborted; await delay(0)) await streams.write(Buffer.alloc(50_000, 'y\n'));
      })();
      await start();
      expect((await read(streams)).stdout).toBe('words\nlast words\n');
      abort.abort();
      await writing;
    });

    it('lets a reader go that reads nothing, and nobody else notices', async () => {
      await create(['cat'], { openStdin: true, stdinOnce: true });
      const [writer, stuck] = [await attach(true), await attach()];
      await start();
      const data = Buffer.alloc(4 * MIB, 'x');
      const reading = digest(writer);
      for (let at = 0; at < data.length; at += 32 * 1024) await writer.write(data.subarray(at, at + 32 * 1024));
      writer.endInput();
      expect((await reading)[0]).toBe(data.length);
      expect((await ended()).exitCode).toBe(0);
      await expect(read(stuck)).rejects.toThrow(ReaderTooSlow);
      const logged = await digestOf(engine.logs(A, logOptions()));
      expect(logged[0]).toBe(data.length);
    });

    it('leaves when told to, and the container runs on', async () => {
      await create(['cat'], { openStdin: true });
      await start();
      const streams = await attach(true);
      leaving.abort();
      expect(await read(streams)).toEqual({ stdout: '', stderr: '' });
      expect(exits).toEqual([]);
    });

    it('sizes the terminal', async () => {
      await create(['sh', '-c', 'sleep 0.3; stty size'], { tty: true, openStdin: true });
      await expect(engine.resize(A, { rows: 1, columns: 1 })).rejects.toMatchObject({ code: 'wrong-state' });
      const streams = await attach();
      await start();
      await engine.resize(A, { rows: 33, columns: 111 });
      expect((await read(streams)).stdout.trim()).toBe('33 111');
    });

    it('has a terminal of the size that was asked for from the start', async () => {
      await create(['stty', 'size'], { tty: true, terminalSize: { rows: 21, columns: 77 } });
      const streams = await attach();
      await start();
      expect((await read(streams)).stdout.trim()).toBe('21 77');
    });

    it('is found again by a new engine', async () => {
      await create(['cat'], { openStdin: true });
      await start();
      const before = await attach(true);
      const first = firstLine(before);
      await before.write(Buffer.from('before\n'));
      expect(await first).toBe('before\n');
      await engine.close();
      expect(await read(before)).toEqual({ stdout: '', stderr: '' });
      await open();
      const after = await attach(true);
      const second = firstLine(after);
      await after.write(Buffer.from('after\n'));
      expect(await second).toBe('after\n');
    });

    it('ends for who waits for a start when the container is removed', async () => {
      await create(['true']);
      const streams = await attach();
      await engine.remove(A);
      expect(await read(streams)).toEqual({ stdout: '', stderr: '' });
      await expect(attach()).rejects.toMatchObject({ code: 'no-such-container' });
    });
  });
}

async function read({ output }: AttachedStreams): Promise<Record<LogStream, string>> {
  const texts = { stdout: '', stderr: '' };
  for await (const { stream, data } of output) texts[stream] += data.toString();
  return texts;
}

/** Up to its newline; stays attached. */
async function firstLine({ output }: AttachedStreams): Promise<string> {
  const iterator = output[Symbol.asyncIterator]();
  let text = '';
  while (!text.endsWith('\n')) {
    const step = await iterator.next();
    if (step.done === true) break;
    text += step.value.data.toString();
  }
  return text;
}

const digest = ({ output }: AttachedStreams): Promise<[number, string]> => digestOf(output);

async function digestOf(pieces: AsyncIterable<{ readonly data: Buffer }>): Promise<[number, string]> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const { data } of pieces) {
    hash.update(data);
    size += data.length;
  }
  return [size, hash.digest('hex')];
}
