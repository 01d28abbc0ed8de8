import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../http/api-error.ts';
import { familiarReference, parseReference, referenceText, repositoryOf } from './reference.ts';

const normal = (text: string): string => referenceText(parseReference(text));
const digest = `sha256:${'ab'.repeat(32)}`;

describe('reference', () => {
  it('normalises what people write', () => {
    expect(normal('busybox')).toBe('docker.io/library/busybox:latest');
    expect(normal('index.docker.io/busybox:1')).toBe('docker.io/library/busybox:1');
    expect(normal('me/app:v1.2')).toBe('docker.io/me/app:v1.2');
    expect(normal('10.0.0.1:5000/x:1')).toBe('10.0.0.1:5000/x:1');
    expect(normal('localhost/a/b')).toBe('localhost/a/b:latest');
    expect(normal(`busybox@${digest}`)).toBe(`docker.io/library/busybox@${digest}`);
    expect(normal(`quay.io/x/y:1@${digest}`)).toBe(`quay.io/x/y:1@${digest}`);
  });

  it('refuses what is no reference, saying why', () => {
    for (const text of ['', 'UPPER', 'a b', '-x', 'x:', 'x@sha256:12', 'a//b', 'x:tag with space', `x:${'t'.repeat(129)}`]) {
      expect(() => parseReference(text)).toThrow(/invalid reference format: /);
    }
  });

  it('goes from familiar to normal and back', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const host = fc.constantFrom('', 'docker.io/', 'localhost:5000/', 'quay.io/', '10.1.2.3:5000/');
    const tag = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9.-]{0,8}$/);
    fc.assert(
      fc.property(host, fc.array(word, { minLength: 1, maxLength: 3 }), tag, (where, path, t) => {
        const text = normal(`${where}${path.join('/')}:${t}`);
        expect(normal(text)).toBe(text);
        expect(normal(familiarReference(text))).toBe(text);
        expect(`${repositoryOf(text)}:${t}`).toBe(text);
      }),
    );
  });

  it('answers any text with a reference or 400', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 600 }), (text) => {
        try {
          expect(normal(normal(text))).toBe(normal(text));
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
        }
      }),
    );
  });
});
