import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImageError } from '../../port.ts';
import { familiarReference, formatReference, parseReference } from './reference.ts';

const hex = 'a'.repeat(64);

describe('a reference', () => {
  it.each([
    ['busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['index.docker.io/library/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
    ['user/app', 'docker.io/user/app:latest', 'user/app:latest'],
    ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
    ['localhost:5000/app:1', 'localhost:5000/app:1', 'localhost:5000/app:1'],
    ['10.0.0.1:5000/a/b_c/d.e-f--g:V1.0_x', '10.0.0.1:5000/a/b_c/d.e-f--g:V1.0_x', '10.0.0.1:5000/a/b_c/d.e-f--g:V1.0_x'],
    ['[::1]:5000/app', '[::1]:5000/app:latest', '[::1]:5000/app:latest'],
    ['Registry/app', 'Registry/app:latest', 'Registry/app:latest'],
    ['docker.io/a.b/c', 'docker.io/a.b/c:latest', 'docker.io/a.b/c:latest'],
    [`busybox@sha256:${hex}`, `docker.io/library/busybox@sha256:${hex}`, `busybox@sha256:${hex}`],
    [`ghcr.io/a/b:1@sha256:${hex}`, `ghcr.io/a/b@sha256:${hex}`, `ghcr.io/a/b@sha256:${hex}`],
  ])('%s is %s', (text, normal, familiar) => {
    const reference = parseReference(text);
    expect(formatReference(reference)).toBe(normal);
    expect(familiarReference(reference)).toBe(familiar);
  });

  it.each([
    ['', 'may have a-z'],
    ['Busybox', 'lower case'],
    ['user/App', 'lower case'],
    ['busybox:', 'no tag'],
    ['busybox:.x', 'no tag'],
    [`busybox:${'t'.repeat(129)}`, 'no tag'],
    ['a//b', 'may have a-z'],
    ['a/../b', 'may have a-z'],
    ['-a', 'may have a-z'],
    ['a b', 'may have a-z'],
    ['a..b/c', 'no registry host'],
    ['host:port/a', 'no registry host'],
    ['busybox@sha256:abc', 'no digest'],
    ['busybox@md5:abc', 'no digest'],
    [hex, 'image id'],
    ['a/'.repeat(130) + 'a', '255'],
  ])('is refused: %s', (text, words) => {
    expect(() => parseReference(text)).toThrow(ImageError);
    expect(() => parseReference(text)).toThrow(words);
  });

  it('is a fixed point once normalised', () => {
    const component = fc.stringMatching(/^[a-z0-9]{1,8}([._-][a-z0-9]{1,8}){0,2}$/);
    const domain = fc.constantFrom('docker.io/', 'localhost/', 'example.org/', '10.0.0.1:5000/', 'a.b-c.d:80/');
    const suffix = fc.oneof(
      fc.constant(''),
      fc.stringMatching(/^:[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
      fc.stringMatching(/^@sha256:[0-9a-f]{64}$/),
    );
    fc.assert(
      fc.property(domain, fc.array(component, { minLength: 1, maxLength: 4 }), suffix, (host, path, end) => {
        const once = formatReference(parseReference(host + path.join('/') + end));
        expect(formatReference(parseReference(once))).toBe(once);
        expect(formatReference(parseReference(familiarReference(parseReference(once))))).toBe(once);
      }),
    );
  });

  it('of any text is parsed or refused in words, and never means a path outside', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-zA-Z0-9:/@._-]{0,40}$/)), (text) => {
        try {
          const { path, tag } = parseReference(text);
          expect(path).not.toMatch(/\.\.|^\/|\/$|\/\/|[?#%\s]/);
          expect(tag ?? '').not.toMatch(/[/?#%\s]/);
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-reference' });
        }
      }),
    );
  });
});
