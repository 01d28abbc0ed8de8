import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../core/model/index.ts';
import { splitWords } from '../parse/words.ts';
import { STACK_LIMITS } from './limits.ts';
import { parseStackFile } from './stack-file.ts';
import { StackFileError } from './stack-file-error.ts';

const MIB = 2 ** 20;
const parse = (text: string) => parseStackFile(text, 'stack.yml');

const SAYS_NOTHING = {
  networks: undefined,
  alias: '',
  ports: [],
  expose: [],
  hostname: undefined,
  domainname: undefined,
  addHost: [],
  dns: [],
  dnsSearch: [],
  dnsOption: [],
};

describe('a stack file', () => {
  it("has the ancestor's keys, in its order", () => {
    const { containers, groups } = parse(`
web:
  group_policy: "spread"
  image: yeasy/simple-web:latest
  cpu_power: "low"
  cpus: 1
  memory: 128
  ports:
  - "9003:80/udp"
  - 80
api:
  group_policy: spread
  image: docker.io/library/busybox
  args: [sleep, 1000, 1.50, ~, "a b"]
  cpu_power: 1
  cpus: 0.5
  ram: 256
alone:
  image: busybox
  args: sh -c 'echo "hi there"; exit 3'
  cpus: 0
  memory: 1g
`);
    expect(groups).toEqual([{ name: 'spread', policy: 'spread' }]);
    expect(containers).toEqual([
      {
        name: 'web',
        line: 2,
        image: 'yeasy/simple-web:latest',
        args: [],
        networking: {
          ...SAYS_NOTHING,
          ports: [
            { line: 9, text: '9003:80/udp', published: { Port: '80/udp', HostIp: '', HostPort: '9003' } },
            { line: 10, text: '80', published: { Port: '80/tcp', HostIp: '', HostPort: '' } },
          ],
        },
        cpuClass: 'low',
        cpus: 1e9,
        memory: 128 * MIB,
        group: 'spread',
      },
      {
        name: 'api',
        line: 11,
        image: 'docker.io/library/busybox',
        args: ['sleep', '1000', '1.50', '~', 'a b'],
        networking: SAYS_NOTHING,
        cpuClass: 'high',
        cpus: 5e8,
        memory: 256 * MIB,
        group: 'spread',
      },
      {
        name: 'alone',
        line: 18,
        image: 'busybox',
        args: ['sh', '-c', 'echo "hi there"; exit 3'],
        networking: SAYS_NOTHING,
        cpuClass: undefined,
        cpus: undefined,
        memory: 1024 * MIB,
        group: undefined,
      },
    ]);
  });

  it('may have several groups of one policy, and names of its own', () => {
    const { containers, groups } = parse(`
a: {image: x, group_policy: co-location, group: left}
b: {image: x, group_policy: co-location, group: right, name: web-1}
c: {image: x, group_policy: co-location}
`);
    expect(containers.map((c) => [c.name, c.group])).toEqual([
      ['a', 'left'],
      ['web-1', 'right'],
      ['c', 'co-location'],
    ]);
    expect(groups.map((g) => g.name)).toEqual(['left', 'right', 'co-location']);
  });

  it('may repeat itself by anchors', () => {
    const { containers } = parse('a: &it {image: x, args: &w [sleep, 9]}\nb: *it\nc: {image: y, args: *w}\n');
    expect(containers.map((c) => [c.name, c.image, c.args])).toEqual([
      ['a', 'x', ['sleep', '9']],
      ['b', 'x', ['sleep', '9']],
      ['c', 'y', ['sleep', '9']],
    ]);
  });

  it.each([
    ['', 'stack.yml:1: a stack file is a mapping of container names to image, args, cpus, memory …, got nothing'],
    ['[a, b]', 'got a list'],
    ['just words', 'got "just words"'],
    ['{}', 'stack.yml:1: there are no containers in it'],
    ['web: busybox', 'stack.yml:1: container web must be a mapping with at least an image, got "busybox"'],
    ['web:\n  cpus: 1', 'stack.yml:1: container web has no image'],
    ['web:\n  image:\n', 'stack.yml:2: container web: image has no value'],
    ['web:\n  image: x\n  imagee: y', 'stack.yml:3: container web: there is no key "imagee"; there are image, args, cpu_power'],
    ['web:\n  image: x\n  restart: always', 'dns_opt; for all containers of the file, write `caravela run --restart …`'],
    ['web:\n  image: x\n  <<: {cpus: 1}', 'there is no key "<<"'],
    ['web: {image: x}\nweb: {image: y}', 'stack.yml:2: the key "web" is there already'],
    ['{image: x, "image": y}', 'stack.yml:1: the key "image" is there already'],
    ['version: "3"\nservices:\n  web:\n    image: x', 'stack.yml:2: this looks like a Compose file; those come later'],
    ['services: &s\n  web: *s', 'this looks like a Compose file'],
    ['services:\n  image: x\n  imagee: y', 'stack.yml:3: container services: there is no key "imagee"'],
    ['web: {image: x}\nb: {image: y, name: web}', 'stack.yml:2: container web: the one of line 1 has this name, too'],
    ['web:\n  image: x\n  cpus: many', 'stack.yml:3: container web: cpus: "many" is not a number of CPUs'],
    ['web:\n  image: x\n  memory: -1', 'stack.yml:3: container web: memory: "-1" is not a size'],
    ['web:\n  image: x\n  memory: [1]', 'memory must be one value, got a list'],
    ['web:\n  image: x\n  memory: 1\n  ram: 1', 'stack.yml:4: container web: memory and ram are the same'],
    ['web:\n  image: x\n  cpu_power: medium', 'cpu_power: "medium" is not one of'],
    ['web:\n  image: x\n  group_policy: apart', 'group_policy: "apart" is not one of spread, co-location'],
    ['web:\n  image: x\n  group: a', 'stack.yml:3: container web: a group needs its group_policy'],
    [
      'a: {image: x, group: g, group_policy: spread}\nb: {image: x, group: g, group_policy: co-location}',
      'stack.yml:2: container b: group g is spread above, here co-location',
    ],
    ['web:\n  image: x\n  ports: ["0:80"]', 'stack.yml:3: container web: "0:80" is no port to publish'],
    ['web:\n  image: x\n  ports: [a]', '"a" is no port to publish: write 80, 8080:80'],
    ['web:\n  image: x\n  args: "it\'s"', 'args: "it\'s" has a quote \' that does not end'],
    ['web:\n  image: x\n  args: [{a: 1}]', 'each of args must be one value, got a mapping'],
    ['web: *nothing', 'stack.yml:1: *nothing names no anchor before it'],
    ['web: {image: x}\n---\nb: {image: x}', 'stack.yml:2: a second document begins here'],
    ['web: {image: x', 'stack.yml:1: this is not YAML: '],
    ['web: !!python/object {image: x}', 'this is not YAML: Unresolved tag'],
    ['['.repeat(20_000), 'this is not YAML: '],
    [`# ${'x'.repeat(STACK_LIMITS.fileBytes)}`, 'a stack file may have 131072 bytes'],
  ])('is refused: %j', (text, words) => {
    expect(() => parse(text)).toThrow(StackFileError);
    expect(() => parse(text)).toThrow(words);
  });

  it('is bounded, however its aliases multiply', () => {
    expect(STACK_LIMITS.containers).toBe(LIMITS.stack);
    const many = (n: number) => Array.from({ length: n }, (_, i) => `c${i}: *it`).join('\n');
    expect(parse(`x: &it {image: y}\n${many(LIMITS.stack - 1)}`).containers).toHaveLength(LIMITS.stack);
    expect(() => parse(`x: &it {image: y}\n${many(LIMITS.stack)}`)).toThrow('a stack may have 64 containers, this one has 65');
    const laughs = Array.from({ length: 20 }, (_, i) => `  - &l${i + 1} [*l${i}, *l${i}, *l${i}]`).join('\n');
    expect(() => parse(`web:\n  image: x\n  args:\n  - &l0 ha\n${laughs}`)).toThrow('each of args must be one value, got a list');
    expect(() => parse(`web: {image: x, args: [${'a,'.repeat(STACK_LIMITS.args + 1)}]}`)).toThrow('there may be 1024 args');
  });

  it('never fails but with its own error', () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.string(), { maxLength: 3 }),
    );
    const key = fc.constantFrom(
      'image',
      'args',
      'ports',
      'cpu_power',
      'cpus',
      'memory',
      'ram',
      'group_policy',
      'group',
      'name',
      'networks',
      'network_mode',
      'extra_hosts',
      'expose',
      'x',
      '__proto__',
    );
    const json = fc.dictionary(fc.string(), fc.dictionary(key, value)).map((v) => JSON.stringify(v));
    const soup = fc
      .array(
        fc.constantFrom(
          'web:',
          '\n',
          '  ',
          'image: x',
          '- ',
          '[',
          ']',
          '{',
          '}',
          '&a ',
          '*a',
          '!!t ',
          '"',
          "'",
          '#',
          '---\n',
          '|',
          '? ',
          ', ',
        ),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), json, soup), (text) => {
        try {
          expect(parse(text).containers.every((c) => c.image !== '')).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(StackFileError);
          expect((error as Error).message).toMatch(/^stack\.yml(:\d+)?: /);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('words', () => {
  it.each([
    ['sleep 1000', ['sleep', '1000']],
    ["  sh -c  'a b'\t", ['sh', '-c', 'a b']],
    ['a"b c"d \'\' "\\"" \\ x', ['ab cd', '', '"', ' x']],
    ['"a\\nb"', ['a\\nb']],
    ['', []],
  ])('%j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  it('come back from a quoted line', () => {
    const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(splitWords(words.map(quoted).join(' '))).toEqual(words);
      }),
    );
  });
});
