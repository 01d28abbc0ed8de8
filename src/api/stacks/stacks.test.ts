import fc from 'fast-check';
import { request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { ErrorBody } from '../../docker-api/types.ts';
import type { StackCreated, StackPlan } from '../../docker-api/stack-types.ts';
import { LIMITS } from '../../core/model/index.ts';
import { FakeInstance, type FakeNode } from '../fake-instance.test-helper.ts';
import { ApiError } from '../http/api-error.ts';
import { checkStack } from './stack-body.ts';

const post = (node: FakeNode, url: string, payload: object) => node.api.app.inject({ method: 'POST', url, payload });
const part = (name: string, more: object = {}) => ({ name, body: { Image: 'busybox', ...more } });

async function twoNodes(): Promise<readonly [FakeNode, FakeNode]> {
  const instance = await FakeInstance.of('node-1', 'node-2');
  const [first, second] = instance.nodes as [FakeNode, FakeNode];
  second.images.put('docker.io/library/busybox:latest', '7');
  return [first, second];
}

const settled = async (what: () => boolean): Promise<void> => {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('a stack', () => {
  it('is placed as one command, in its order, and answered with where each part is', async () => {
    const [first, second] = await twoNodes();
    const response = await post(first, '/caravela/v1/stacks', {
      groups: [{ name: 'front', policy: 'spread' }],
      parts: [
        { ...part('web', { Caravela: { Affinities: ['image!=redis'] } }), group: 'front' },
        { ...part('api'), group: 'front' },
        { body: { Image: 'busybox', HostConfig: { NetworkMode: 'none' } } },
      ],
    });
    expect(response.statusCode).toBe(201);
    const { parts } = response.json<StackCreated>();
    expect(parts.map((p) => [p.Name, p.Node, p.Warnings.length])).toEqual([
      ['web', 'node-1', 0],
      ['api', 'node-2', 0],
      [expect.stringMatching(/^[a-z]+_[a-z]+/), 'node-1', 0],
    ]);
    expect(first.commands).toEqual([
      {
        kind: 'run-stack',
        exclude: [],
        stack: {
          id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
          groups: [{ name: 'front', policy: 'spread' }],
          parts: [
            {
              group: 'front',
              request: expect.objectContaining({ name: 'web', affinities: [expect.objectContaining({ subject: 'image' })] }) as object,
            },
            { group: 'front', request: expect.objectContaining({ name: 'api' }) as object },
            { group: undefined, request: expect.objectContaining({ containerId: parts[2]?.Id }) as object },
          ],
        },
      },
    ]);
    expect(second.container(parts[1]?.Id as never)?.request.name).toBe('api');
    expect((await first.api.app.inject(`/containers/${parts[1]?.Id}/json`)).statusCode).toBe(200);
    // Names are free again for others once the containers are gone.
    for (const { Id } of parts) await first.api.app.inject({ method: 'DELETE', url: `/containers/${Id}?force=1` });
    expect((await post(first, '/containers/create?name=web', { Image: 'busybox' })).statusCode).toBe(201);
  });

  it('is planned with the same checks, and nothing is there afterwards', async () => {
    const [first, second] = await twoNodes();
    const response = await post(first, '/caravela/v1/plan', { parts: [part('web'), part('api')] });
    expect(response.statusCode).toBe(200);
    expect(response.json<StackPlan>().parts).toMatchObject([
      { Name: 'web', Group: '', Node: 'node-1', Placement: { supplierName: 'node-1', considered: [{ accepted: true, score: 1 }] } },
      { Name: 'api', Node: 'node-2' },
    ]);
    expect([first.containers(), second.containers()]).toEqual([[], []]);
    second.put('api');
    const taken = await post(first, '/caravela/v1/plan', { parts: [part('web'), part('api')] });
    expect([taken.statusCode, taken.json<ErrorBody>().message]).toEqual([
      409,
      expect.stringContaining('container api: Conflict. The container name "/api"'),
    ]);
  });

  it('is refused as a whole: no room, a taken name, a missing image', async () => {
    const [first, second] = await twoNodes();
    second.put('api');
    const taken = await post(first, '/caravela/v1/stacks', { parts: [part('web'), part('api')] });
    expect([taken.statusCode, taken.json<ErrorBody>().message]).toEqual([409, expect.stringContaining('"/api" is already in use')]);
    const missing = await post(first, '/caravela/v1/stacks', { parts: [part('web'), { name: 'db', body: { Image: 'redis:7' } }] });
    expect([missing.statusCode, missing.json()]).toEqual([
      404,
      { message: 'container db: No such image: redis:7', missingImage: 'redis:7' },
    ]);
    expect(first.commands).toEqual([]);
    first.refuseNext = { code: 'no-room', message: 'no node has 9 CPUs free' };
    const full = await post(first, '/caravela/v1/stacks', { parts: [part('web')] });
    expect([full.statusCode, full.json()]).toEqual([503, { message: 'no node has 9 CPUs free' }]);
    // What was claimed for the refused ones is free.
    expect((await post(first, '/caravela/v1/stacks', { parts: [part('web')] })).statusCode).toBe(201);
  });

  it('draws names again that another node drew at the same time', async () => {
    const [first] = await twoNodes();
    first.refuseNext = { code: 'name-taken', message: 'the name x is taken' };
    expect((await post(first, '/caravela/v1/stacks', { parts: [{ body: { Image: 'busybox' } }] })).statusCode).toBe(201);
    first.refuseNext = { code: 'name-taken', message: 'the name web is taken' };
    const given = await post(first, '/caravela/v1/stacks', { parts: [part('web')] });
    expect([given.statusCode, given.json()]).toEqual([409, { message: 'the name web is taken' }]);
  });

  it('is given back when the client hangs up', async () => {
    const [first, second] = await twoNodes();
    let open: () => void = () => undefined;
    first.runGate = new Promise((resolve) => {
      open = resolve;
    });
    const request = httpRequest({
      socketPath: first.socketPath,
      method: 'POST',
      path: '/caravela/v1/stacks',
      headers: { 'content-type': 'application/json' },
    });
    request.on('error', () => undefined);
    request.end(JSON.stringify({ parts: [part('web'), part('api')] }));
    await settled(() => first.commands.length === 1);
    request.destroy();
    await settled(() => first.commands.length === 2);
    const [run, cancel] = first.commands;
    if (run?.kind !== 'run-stack') throw new Error('the first command is no stack');
    expect(cancel).toEqual({ kind: 'cancel-run', requestId: run.stack.id });
    open();
    await settled(() => second.commands.length > 0 && first.commands.length > 2);
    await settled(() => first.containers().length + second.containers().length === 0);
    expect((await post(first, '/containers/create?name=web', { Image: 'busybox' })).statusCode).toBe(201);
  });
});

describe("a stack's body", () => {
  it.each([
    [{}, 'parts'],
    [{ parts: [] }, 'parts'],
    [{ parts: Array.from({ length: LIMITS.stack + 1 }, (_, i) => part(`c${i}`)) }, 'at most 64 containers, got 65'],
    [{ parts: [part('web'), part('web')] }, 'container web: another container of the stack has this name, too'],
    [{ parts: [part('we b')] }, 'container we b: Invalid container name (we b)'],
    [{ parts: [{ name: 'web', group: 'x', body: { Image: 'a' } }] }, 'container web: it is in group "x", which is none of'],
    [
      { parts: [part('web')], groups: [{ name: 'x', policy: 'apart' }] },
      'the policy of group "x" must be spread or co-location, got "apart"',
    ],
    [
      {
        parts: [part('web')],
        groups: [
          { name: 'x', policy: 'spread' },
          { name: 'x', policy: 'spread' },
        ],
      },
      'two groups of the stack are named "x"',
    ],
    [{ parts: [{ body: { Image: 'a' } }, { body: { Image: 'a', HostConfig: { Memory: 1 } } }] }, 'container 2: Minimum memory'],
    [{ parts: [{ name: 'web', body: { Image: 'a', Env: ['affinity:x'] } }] }, 'container web: an affinity is container==NAME'],
  ])('refuses %j', (body, words) => {
    expect(() => checkStack(body)).toThrow(ApiError);
    expect(() => checkStack(body)).toThrow(words);
  });

  it('is answered with a stack or our own refusal, whatever it holds', () => {
    const near = fc.record({
      parts: fc.array(fc.record({ name: fc.anything(), group: fc.anything(), body: fc.anything() }, { requiredKeys: [] }), {
        maxLength: 3,
      }),
      groups: fc.anything(),
    });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), near), (junk) => {
        try {
          expect(checkStack(junk).parts.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
        }
      }),
    );
  });
});
