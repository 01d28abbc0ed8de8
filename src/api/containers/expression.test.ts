import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../core/model/index.ts';
import { ApiError } from '../http/api-error.ts';
import { affinityText, parseAffinities, parseAffinity } from './affinity.ts';
import { parseConstraint, parseConstraints } from './constraint.ts';
import { expressionText } from './expression.ts';
import { swarmForms } from './swarm-forms.ts';

const key = fc.stringMatching(/^[a-z][a-z0-9./-]{0,5}[a-z]$/);
const sign = fc.constantFrom('==' as const, '!=' as const);
const value = fc.stringMatching(/^[a-z0-9*][a-z0-9*=!~]{0,6}$/);

/** Only ever a result, or our own 400. */
function only400(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).status).toBe(400);
    expect((error as ApiError).message.length).toBeLessThan(600);
  }
}

describe('constraints', () => {
  it('have a key, a sign and a value, and may be wishes', () => {
    expect(parseConstraint('node==node-2')).toEqual({ key: 'node', operator: '==', value: 'node-2', soft: false });
    expect(parseConstraint('zone=a*')).toEqual({ key: 'zone', operator: '==', value: 'a*', soft: false });
    expect(parseConstraint('class != high')).toEqual({ key: 'class', operator: '!=', value: 'high', soft: false });
    expect(parseConstraint('storage==~ssd')).toEqual({ key: 'storage', operator: '==', value: 'ssd', soft: true });
    expect(parseConstraint('storage!=~ hdd')).toEqual({ key: 'storage', operator: '!=', value: 'hdd', soft: true });
  });

  it.each(['', 'node', '==x', 'node==', 'node===x', 'node==~', 'node==~~x', 'node~=x', '-a==x', 'x'.repeat(2000)])('refuse %j', (bad) => {
    expect(() => parseConstraint(bad)).toThrow(/^a constraint is key==value .*; got "/);
  });

  it.each(['node==/host[12]/', 'node!=~/x/'])('refuse the regular expression of %j, saying what to write', (text) => {
    expect(() => parseConstraint(text)).toThrow('regular expressions are not taken: write * for any text instead of');
    expect(() => parseConstraint(text)).toThrow(JSON.stringify(text));
  });

  it('are bounded, each and in number', () => {
    expect(() => parseConstraint(`a==${'é'.repeat(200)}`)).toThrow('a key may have');
    expect(() => parseConstraints(Array.from({ length: LIMITS.constraints + 1 }, () => 'a==b'))).toThrow('at most 32 constraints, got 33');
  });

  it('read back as they are written', () => {
    fc.assert(
      fc.property(key, sign, fc.boolean(), value, (k, operator, soft, v) => {
        const constraint = { key: k, operator, value: v, soft };
        expect(parseConstraint(expressionText(constraint))).toEqual(constraint);
      }),
    );
  });

  it('never fail otherwise', () => {
    const near = fc.stringMatching(/^[a-z:/. ]{0,4}[=!~]{0,4}[a-z/*~=. ]{0,6}$/);
    fc.assert(fc.property(fc.oneof(fc.string(), near), (text) => only400(() => parseConstraint(text))));
  });
});

describe('affinities', () => {
  it('are to containers, images and labels', () => {
    expect(parseAffinity('container==web')).toEqual({ subject: 'container', key: '', operator: '==', value: 'web', soft: false });
    expect(parseAffinity('container!=~/web-*')).toEqual({ subject: 'container', key: '', operator: '!=', value: 'web-*', soft: true });
    expect(parseAffinity('com.example.type!=front')).toMatchObject({ subject: 'label', key: 'com.example.type', operator: '!=' });
    expect(parseAffinity('label:tier==a*')).toMatchObject({ subject: 'label', key: 'tier', value: 'a*' });
    expect(parseAffinity('label:container==x')).toMatchObject({ subject: 'label', key: 'container' });
    expect(affinityText(parseAffinity('label:container==x'))).toBe('label:container==x');
    expect(affinityText(parseAffinity('label:tier==x'))).toBe('tier==x');
  });

  it.each([
    ['redis', 'docker.io/library/redis:*', 'redis'],
    ['redis:7', 'docker.io/library/redis:7', 'redis:7'],
    ['redis:*', 'docker.io/library/redis:*', 'redis'],
    ['me/app', 'docker.io/me/app:*', 'me/app'],
    ['10.0.0.1:5000/app', '10.0.0.1:5000/app:*', '10.0.0.1:5000/app:*'],
    ['10.0.0.1:5000/a*p:1', '10.0.0.1:5000/a*p:1', '10.0.0.1:5000/a*p:1'],
    ['red*', 'docker.io/library/red*', 'red*'],
    ['r*s', 'docker.io/library/r*s:*', 'r*s'],
    ['*redis*', '*redis*', '*redis*'],
    [`redis@sha256:${'1'.repeat(64)}`, `docker.io/library/redis@sha256:${'1'.repeat(64)}`, `redis@sha256:${'1'.repeat(64)}`],
  ])('hold the image %s as %s', (written, held, shownAs) => {
    const affinity = parseAffinity(`image==${written}`);
    expect(affinity).toMatchObject({ subject: 'image', value: held });
    expect(parseAffinity(affinityText(affinity))).toEqual(affinity);
    expect(affinityText(affinity).startsWith(`image==${shownAs.replace(/:\*$/, '')}`)).toBe(true);
  });

  it('refuse what is no image, no affinity, too many', () => {
    expect(() => parseAffinity('image==UPPER/x')).toThrow('invalid reference format: "UPPER/x"');
    expect(() => parseAffinity('image==UPPER/x')).toThrow('in the affinity "image==UPPER/x"');
    for (const bad of ['container', 'container=', 'label:==x', '!=x'])
      expect(() => parseAffinity(bad)).toThrow('an affinity is container==NAME');
    expect(() => parseAffinity('container==/^a/')).toThrow('regular expressions');
    expect(() => parseAffinities(Array.from({ length: LIMITS.affinities + 1 }, () => 'a==b'))).toThrow('at most 16 affinities, got 17');
  });

  it('read back as they are written, and never fail otherwise', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(key, sign, value).map((parts) => parts.join('')),
          fc.stringMatching(/^image==[a-z*./:]{0,8}$/),
        ),
        (text) =>
          only400(() => {
            const affinity = parseAffinity(text);
            expect(parseAffinity(affinityText(affinity))).toEqual(affinity);
          }),
      ),
    );
  });
});

describe("classic Swarm's forms", () => {
  it('are taken out of the environment, and read from labels', () => {
    const env = ['A=1', 'constraint:storage==ssd', 'affinity:container==front', 'affinity:com.example.type!=front', 'constrained=no'];
    const labels = { 'com.docker.swarm.constraints': '["region==~us-*"]', other: '["x"]' };
    expect(swarmForms(env, labels)).toEqual({
      env: ['A=1', 'constrained=no'],
      constraints: ['region==~us-*', 'storage==ssd'],
      affinities: ['container==front', 'com.example.type!=front'],
    });
    expect(swarmForms([], {})).toEqual({ env: [], constraints: [], affinities: [] });
  });

  it('are refused where a label is no list, naming it', () => {
    for (const text of ['nonsense', '{}', '[1]', '"x"']) {
      expect(() => swarmForms([], { 'com.docker.swarm.affinities': text })).toThrow(
        'the label com.docker.swarm.affinities must be a JSON list of strings',
      );
    }
    fc.assert(fc.property(fc.string(), (text) => only400(() => swarmForms([text], { 'com.docker.swarm.constraints': text }))));
  });
});
