import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { searchImages } from './search.ts';

const RESULTS = [
  { name: 'busybox', description: 'small', star_count: 3, is_official: true },
  { name: 'me/busybox', star_count: 1 },
  { name: 7 },
];

async function hub(answer: (url: string) => { readonly status: number; readonly body: string }): Promise<string> {
  const server = createServer((request, response) => {
    const { status, body } = answer(request.url ?? '');
    response.writeHead(status).end(body);
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/search`;
}

describe('search', () => {
  it('asks the hub and gives what it understands', async () => {
    const asked: string[] = [];
    const url = await hub((path) => {
      asked.push(path);
      return { status: 200, body: JSON.stringify({ results: RESULTS }) };
    });
    expect(await searchImages({ term: 'docker.io/busy box', limit: '5' }, url)).toEqual([
      { name: 'busybox', description: 'small', star_count: 3, is_official: true, is_automated: false },
      { name: 'me/busybox', description: '', star_count: 1, is_official: false, is_automated: false },
    ]);
    expect(asked).toEqual(['/v1/search?q=busy%20box&n=5']);
    const named = async (filters: object) =>
      (await searchImages({ term: 'x', filters: JSON.stringify(filters) }, url)).map(({ name }) => name);
    expect(await named({ stars: ['2'] })).toEqual(['busybox']);
    expect(await named({ 'is-official': ['false'] })).toEqual(['me/busybox']);
  });

  it.each([
    [{}, /term must say/],
    [{ term: 'x', limit: '101' }, /outside the range/],
    [{ term: '10.0.0.1:5000/x' }, /only Docker Hub can be searched/],
    [{ term: 'x', filters: '{"stars":["many"]}' }, /it is a number/],
  ])('refuses %j', async (query, message) => {
    await expect(searchImages(query)).rejects.toMatchObject({ status: 400, message: expect.stringMatching(message) });
  });

  it('says why it can’t', async () => {
    await expect(searchImages({ term: 'x' }, 'http://127.0.0.1:1/')).rejects.toMatchObject({
      status: 500,
      message: expect.stringMatching(/^127\.0\.0\.1 can't be searched from this node: .*docker pull NAME$/),
    });
    const busy = await hub(() => ({ status: 429, body: '' }));
    await expect(searchImages({ term: 'x' }, busy)).rejects.toThrow(/answered 429/);
    const odd = await hub(() => ({ status: 200, body: '<html>' }));
    await expect(searchImages({ term: 'x' }, odd)).rejects.toMatchObject({ status: 500 });
  });
});
