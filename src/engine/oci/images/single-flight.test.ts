import { describe, expect, it } from 'vitest';
import { SingleFlight } from './single-flight.ts';

const never = new AbortController().signal;

describe('a single flight', () => {
  it('is shared by all who ask meanwhile, and over when it ends', async () => {
    const flights = new SingleFlight();
    const gate = Promise.withResolvers<void>();
    let efforts = 0;
    const run = (): Promise<void> =>
      flights.run('key', never, () => {
        efforts++;
        return gate.promise;
      });
    const all = Promise.all([run(), run(), run()]);
    gate.resolve();
    await all;
    expect(efforts).toBe(1);
    await run();
    expect(efforts).toBe(2);
  });

  it('goes on when one of its waiters aborts, and is aborted when the last does', async () => {
    const flights = new SingleFlight();
    const [first, second] = [new AbortController(), new AbortController()];
    let seen: AbortSignal | undefined;
    let cleanedUp = false;
    const effort = (signal: AbortSignal): Promise<void> => {
      seen = signal;
      const { promise, reject } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () =>
        setImmediate(() => {
          cleanedUp = true;
          reject(new Error('aborted'));
        }),
      );
      return promise;
    };
    const one = flights.run('key', first.signal, effort);
    const two = flights.run('key', second.signal, effort);
    first.abort(new Error('first left'));
    await expect(one).rejects.toThrow('first left');
    expect(seen?.aborted).toBe(false);
    second.abort(new Error('second left'));
    await expect(two).rejects.toThrow('second left');
    expect(cleanedUp).toBe(true);
  });

  it("of somebody else that fails doesn't fail those who joined: they try themselves", async () => {
    const flights = new SingleFlight();
    const gate = Promise.withResolvers<void>();
    const one = flights.run('key', never, () => gate.promise);
    const two = flights.run('key', never, () => Promise.resolve());
    gate.reject(new Error('bad source'));
    await expect(one).rejects.toThrow('bad source');
    await two;
  });

  it('that fails those who would try by the same means fails them at once, and none but them', async () => {
    const flights = new SingleFlight();
    const gate = Promise.withResolvers<void>();
    const begun: string[] = [];
    const run = (name: string, means: string, effort: Promise<void>) =>
      flights.run('key', never, () => (begun.push(name), effort), {
        means: [means],
        sharesFate: (error, others) => String(error).includes('down') && others.includes(means),
      });
    const first = run('first', 'registry', gate.promise);
    const same = Array.from({ length: 3 }, (_, index) => run(`same ${index}`, 'registry', Promise.resolve()));
    const other = run('other', 'peer', Promise.resolve());
    gate.reject(new Error('the registry is down'));
    for (const each of [first, ...same]) await expect(each).rejects.toThrow('the registry is down');
    await other;
    expect(begun).toEqual(['first', 'other']);
  });
});
